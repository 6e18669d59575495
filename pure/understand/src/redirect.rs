//! Redirections: what is read from, written to, or fed to a command by the shell itself.

use brush_parser::ast::{IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, RedirectList};
use model::{Arg, Unknown};

use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::simple::Dress;
use crate::{paths, terminal};

impl Lowering<'_> {
    /// Redirections around a compound command: what they touch becomes a segment of its own. Gives whether one of them
    /// may fail.
    pub(crate) fn redirects_of(&mut self, list: Option<&RedirectList>) -> bool {
        let mut dress = Dress::default();
        let outer = std::mem::take(&mut self.secrets);
        for redirect in list.iter().flat_map(|list| list.0.iter()) {
            self.redirect(redirect, &mut dress);
        }
        // What is fed to a loop, the commands in it read.
        if !std::mem::replace(&mut self.secrets, outer).is_empty() {
            dress.operations.push(crate::builtin::shows_variables());
        }
        let may_fail = dress.redirected;
        if !dress.operations.is_empty() || !dress.unknowns.is_empty() {
            dress.worn = true;
            let segment = self.bare(vec![Arg::Known("(redirection)".to_owned())], dress);
            self.secret_comes_in |= crate::leak::handed_on(std::slice::from_ref(&segment)).is_some();
            self.push(segment);
        }
        may_fail
    }

    /// One redirection of a simple command.
    pub(crate) fn redirect(&mut self, redirect: &IoRedirect, dress: &mut Dress) {
        if let Some(text) = self.standard_input(redirect) {
            dress.reads_elsewhere = text.is_none();
            dress.input = text;
            dress.inputs = dress.inputs.saturating_add(1);
        }
        if rereads(redirect) {
            self.rereads = self.rereads.saturating_add(1);
        }
        match redirect {
            IoRedirect::File(_, kind, target) => match target {
                IoFileRedirectTarget::Fd(number) => dress.redirected |= *number > 2 || self.closes,
                IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => {
                    let value = self.word(&word.value);
                    let duplicates = matches!(target, IoFileRedirectTarget::Duplicate(_));
                    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    if duplicates && let Some(number) = value.as_ref().and_then(Arg::known).filter(|it| number(it)) {
                        self.closes |= number.contains('-');
                        dress.redirected |= self.closes || !matches!(number, "0" | "1" | "2");
                        return;
                    }
                    let role = match kind {
                        IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput => Role::Read,
                        IoFileRedirectKind::Write
                        | IoFileRedirectKind::Append
                        | IoFileRedirectKind::ReadAndWrite
                        | IoFileRedirectKind::Clobber
                        | IoFileRedirectKind::DuplicateOutput => Role::Write,
                    };
                    dress.reads_sink |= role == Role::Read && value.as_ref().and_then(Arg::known) == Some("/dev/null");
                    self.redirect_to(value, &word.value, role, dress);
                }
                IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                    dress.worn = true;
                    self.contained(|walk| walk.list(&subshell.list));
                }
            },
            IoRedirect::OutputAndError(word, _) => {
                let value = self.word(&word.value);
                self.redirect_to(value, &word.value, Role::Write, dress);
                // A shell without `&>` runs the command in the background, where its changes are lost.
                dress.redirected |= self.shell != crate::Shell::Bash;
            }
            // A text that is none for standard input was not read for it.
            IoRedirect::HereDocument(number, document) if !is_input(*number) && document.requires_expansion => {
                let _ = self.heredoc(&document.doc.value);
            }
            IoRedirect::HereString(number, word) if !is_input(*number) => drop(self.word(&word.value)),
            IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => {}
        }
    }

    /// Where a redirection opens standard input: the text that comes in from there, if one does.
    fn standard_input(&mut self, redirect: &IoRedirect) -> Option<Option<Option<String>>> {
        match redirect {
            IoRedirect::File(number, kind, _) => {
                let reads = match kind {
                    IoFileRedirectKind::Read
                    | IoFileRedirectKind::ReadAndWrite
                    | IoFileRedirectKind::DuplicateInput => is_input(*number),
                    IoFileRedirectKind::Write
                    | IoFileRedirectKind::Append
                    | IoFileRedirectKind::Clobber
                    | IoFileRedirectKind::DuplicateOutput => *number == Some(0),
                };
                reads.then_some(None)
            }
            IoRedirect::HereDocument(number, document) => is_input(*number).then(|| {
                Some(if document.requires_expansion {
                    self.heredoc(&document.doc.value)
                } else {
                    Some(document.doc.value.clone())
                })
            }),
            IoRedirect::HereString(number, word) => {
                is_input(*number).then(|| Some(self.word(&word.value).and_then(|arg| arg.known().map(str::to_owned))))
            }
            IoRedirect::OutputAndError(..) => None,
        }
    }

    fn redirect_to(&mut self, value: Option<Arg>, raw: &str, role: Role, dress: &mut Dress) {
        let arg = value.unwrap_or_else(|| Arg::Unknown(raw.to_owned()));
        // Only the sink can be opened whatever else holds.
        dress.redirected |= arg.known() != Some("/dev/null");
        let network = arg.text().starts_with("/dev/tcp/") || arg.text().starts_with("/dev/udp/");
        if network {
            dress
                .unknowns
                .push(Unknown { text: raw.to_owned(), why: "the shell itself opens a network connection".to_owned() });
        }
        if terminal::names_terminal(&arg) {
            dress.unknowns.push(terminal::unknown());
        }
        let before = dress.operations.len();
        self.effect(&arg, role, false, &mut dress.operations, &mut dress.unknowns);
        dress.worn |= role == Role::Write && dress.operations.len() > before;
    }
}

/// Whether a redirection copies a descriptor that may be standard input, or opens it by a name.
fn rereads(redirect: &IoRedirect) -> bool {
    match redirect {
        IoRedirect::File(number, _, IoFileRedirectTarget::Fd(from)) => *number == Some(0) || !matches!(from, 1 | 2),
        IoRedirect::File(_, kind, IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word)) => {
            let copies = matches!(kind, IoFileRedirectKind::DuplicateInput | IoFileRedirectKind::DuplicateOutput);
            (copies && !matches!(word.value.as_str(), "1" | "2"))
                || word.value.contains(['$', '`'])
                || paths::is_standard_input(&word.value)
                || word.value.contains("/fd/")
        }
        IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(..))
        | IoRedirect::OutputAndError(..)
        | IoRedirect::HereDocument(..)
        | IoRedirect::HereString(..) => false,
    }
}

/// Whether a number before a redirection that reads is the one of standard input.
fn is_input(number: Option<i32>) -> bool {
    number.is_none_or(|number| number == 0)
}
