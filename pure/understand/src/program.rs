//! Applying a program's entry to its arguments: which options and operands there are, and what is done to each.

use model::{Arg, Operation, Resource, Unknown};

use crate::knowledge::{Known, Role};
use crate::lower::Lowering;
use crate::{options, suspect};

/// What an argument vector amounts to under a program's entry.
#[derive(Default)]
pub(crate) struct Parsed {
    pub(crate) operations: Vec<Operation>,
    pub(crate) unknowns: Vec<Unknown>,
    /// Operands, in order.
    pub(crate) operands: Vec<Arg>,
    /// For wrappers: what follows the wrapper's own options and operands.
    pub(crate) wrapped: Vec<Arg>,
    /// For wrappers with assignments: the names set.
    pub(crate) assigned: Vec<(String, String)>,
    /// Texts that a shell would run.
    pub(crate) shell_texts: Vec<Arg>,
    /// Programs that an option names.
    pub(crate) programs: Vec<Arg>,
    /// Codes in the program's own language.
    pub(crate) codes: Vec<Arg>,
    /// An option or operand takes the code from standard input.
    pub(crate) from_input: bool,
    /// Texts of SQL.
    pub(crate) statements: Vec<Arg>,
    /// The options as written, to check whether one was there.
    pub(crate) options: Vec<String>,
    /// The options that took a value, with it.
    pub(crate) settings: Vec<(String, Arg)>,
    /// The options that were recognised, by the names that the entry lists.
    pub(crate) given: Vec<String>,
    /// Roles that options add to every operand.
    pub(crate) each: Vec<Role>,
    /// An option was taken by the entry's promise, not by its list.
    pub(crate) loosely: bool,
    pub(crate) recursive: bool,
    /// Where a value of its own may be no word at all: how many words were left with it.
    pub(crate) vanishing: Vec<usize>,
    /// The beginning of a file's name that means a program.
    pipes: &'static [&'static str],
    /// `host:file` in place of a file is on another machine.
    remote: bool,
    /// It packs and unpacks archives.
    pub(crate) tar: bool,
}

impl Lowering<'_> {
    /// Reads options and operands by the entry's grammar. `args` are the words after the program's name.
    pub(crate) fn parse(&mut self, program: Known, args: &[Arg]) -> Parsed {
        let local = args.iter().any(|arg| arg.text() == "--force-local");
        let mut parsed =
            Parsed { pipes: program.pipes, remote: program.remote && !local, tar: program.remote, ..Parsed::default() };
        let mut rest = args.iter();
        let mut only_operands = false;
        while let Some(arg) = rest.next() {
            if !only_operands && arg.known() == Some("--") {
                only_operands = true;
                continue;
            }
            if !only_operands && self.option_word(program, arg, &mut rest, &mut parsed) {
                continue;
            }
            if !only_operands && self.old_bundle(program, arg, &mut rest, &mut parsed) {
                continue;
            }
            if let Some((name, value)) = arg.known().and_then(|text| text.split_once('='))
                && program.assigns
                && parsed.operands.is_empty()
            {
                parsed.assigned.push((name.to_owned(), value.to_owned()));
                continue;
            }
            if program.wraps.is_some_and(|skip| parsed.operands.len() >= skip) {
                parsed.wrapped = std::iter::once(arg.clone()).chain(rest.cloned()).collect();
                break;
            }
            if self.named_operand(program, arg, &mut parsed) {
                continue;
            }
            if !only_operands && !program.subcommands && options::may_be_option(arg) && !program.any_option_only_reads()
            {
                parsed.unknown(arg.text(), "what it becomes could be taken as an option");
            }
            parsed.operands.push(arg.clone());
            if program.subcommands {
                parsed.wrapped = rest.cloned().collect();
                break;
            }
        }
        // What comes in may be several words, of which an option takes only the first.
        let taken = |last: &&Arg| parsed.wrapped.is_empty() && !parsed.operands.contains(*last);
        if let Some(last) =
            args.last().filter(|last| matches!(last.text(), crate::feed::ANY_WORDS | crate::listed::BARE))
            && taken(&last)
            && !program.any_option_only_reads()
        {
            parsed.unknown(last.text(), "what comes in could be taken as options");
        }
        self.operands(program, &mut parsed);
        self.own_rules(program, &mut parsed);
        parsed
    }

    /// What is done to one value, operand or not.
    pub(crate) fn value(&mut self, roles: &'static [Role], value: Arg, parsed: &mut Parsed) {
        if self.stands_for_another(roles, &value, parsed) {
            return;
        }
        let address = value.known().is_some_and(|text| text.contains("://") || suspect::is_numeric_address(text));
        let path = roles.iter().any(|role| role.is_on_path());
        let network = roles.iter().any(|role| matches!(role, Role::Url | Role::Host));
        for role in roles {
            let ambiguous = path && network && (role.is_on_path() || matches!(role, Role::Url | Role::Host));
            // A value that may be a path or an address is what it looks like.
            if ambiguous && role.is_on_path() == address {
                continue;
            }
            #[expect(clippy::wildcard_enum_match_arm, reason = "every other role is an effect of its own")]
            let kept = match role {
                Role::Shell => &mut parsed.shell_texts,
                Role::Program => &mut parsed.programs,
                Role::Code => &mut parsed.codes,
                Role::Sql => &mut parsed.statements,
                Role::Script if value.known().is_some_and(crate::paths::is_standard_input) => {
                    parsed.from_input = true;
                    continue;
                }
                role => {
                    self.effect(&value, *role, parsed.recursive, &mut parsed.operations, &mut parsed.unknowns);
                    continue;
                }
            };
            kept.push(value.clone());
        }
    }

    /// Whether the name of a file means a program that is run (`|command`), or for a file on another machine.
    fn stands_for_another(&mut self, roles: &'static [Role], value: &Arg, parsed: &mut Parsed) -> bool {
        if !roles.iter().any(|role| role.is_on_path() && *role != Role::Look) {
            return false;
        }
        let text = value.text();
        let own = parsed.pipes.iter().find_map(|mark| text.strip_prefix(mark));
        let writes = roles.iter().any(|role| !role.only_reads());
        let common = || text.strip_prefix('|').or_else(|| text.split_once("%pipe%").map(|(_, command)| command));
        if let Some(command) = own.or_else(|| common().filter(|_| writes)) {
            let command = command.to_owned();
            parsed.shell_texts.push(match value {
                Arg::Known(_) => Arg::Known(command),
                Arg::Pattern(_) | Arg::Unknown(_) => Arg::Unknown(command),
            });
            return true;
        }
        let host = text.split_once(':').map(|(host, _)| host).filter(|host| !host.is_empty() && !host.contains('/'));
        if parsed.remote && host.is_some() {
            for role in [Role::Host, Role::Send] {
                self.effect(value, role, false, &mut parsed.operations, &mut parsed.unknowns);
            }
            return true;
        }
        false
    }

    fn operands(&mut self, program: Known, parsed: &mut Parsed) {
        // `kill 1 -l` ends the process, and then takes `-l` for another.
        let ended = matches!(program.name, "kill" | "killall") && !parsed.operands.is_empty();
        let shows = !ended && parsed.given.iter().any(|option| program.shows.contains(&option.as_str()));
        if shows {
            act(&[Role::Inspect], &mut parsed.operations);
            return;
        }
        if !program.subcommands {
            act(program.always, &mut parsed.operations);
        }
        if program.always.contains(&Role::Program) {
            parsed.unknown(program.name, "it runs code that is not part of the command");
        }
        if program.always.contains(&Role::Opaque) {
            parsed.unknown(program.name, "what this program does with its arguments is not known to us");
        }
        if program.wraps.is_some() || program.subcommands {
            if let (Some(roles), Some(operand)) = (program.first, parsed.operands.first().cloned()) {
                self.value(roles, operand, parsed);
            }
            return;
        }
        let operands = std::mem::take(&mut parsed.operands);
        let last = operands.len().checked_sub(1);
        let instead = parsed.given.iter().any(|option| program.instead.contains(&option.as_str()));
        let each = std::mem::take(&mut parsed.each);
        for (at, operand) in operands.iter().enumerate() {
            let roles = match (program.first, program.last) {
                (Some(roles), _) if at == 0 && !instead => roles,
                (_, Some(roles)) if Some(at) == last && at > 0 && !instead => roles,
                _ => program.operands,
            };
            // `date +%F` prints; `date 0101…` sets.
            if program.name == "date" && operand.text().starts_with('+') {
                continue;
            }
            if program.loose.is_some()
                && operand.known().is_some_and(suspect::is_number)
                && !roles.contains(&Role::Control)
                && !(roles.iter().any(|role| role.is_on_network()) && suspect::is_numeric_address(operand.text()))
            {
                continue;
            }
            let bounded = |roles: &[Role]| roles.iter().all(|role| role.only_reads() || *role == Role::Secret);
            if program.loose.is_some_and(|loose| !bounded(loose)) {
                named_program(operand.text(), parsed);
                if suspect::is_address(operand.text()) && !roles.iter().any(|role| role.is_on_network()) {
                    self.value(&[Role::Url, Role::Send], operand.clone(), parsed);
                    continue;
                }
            }
            self.value(roles, operand.clone(), parsed);
            if program.first.is_none() || at > 0 || instead {
                for role in &each {
                    self.effect(operand, *role, parsed.recursive, &mut parsed.operations, &mut parsed.unknowns);
                }
            }
        }
        parsed.operands = operands;
    }
}

/// A word that names a program of the system, or a library, is likely there to be run.
pub(crate) fn named_program(word: &str, parsed: &mut Parsed) {
    let word = word.rsplit(['=', ',']).next().unwrap_or(word);
    let first = word.split_whitespace().next().unwrap_or("");
    let library = first.ends_with(".so") || first.contains(".so.");
    if (first.starts_with('/') && crate::paths::is_system_program(first)) || library {
        parsed.programs.push(Arg::Unknown(word.to_owned()));
    }
}

/// What a program does whatever its operands.
pub(crate) fn act(roles: &[Role], operations: &mut Vec<Operation>) {
    for role in roles {
        let (action, category, reversibility) = role.effect();
        let operation = Operation { action, resource: Resource::System, category, reversibility, recursive: false };
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
}

impl Parsed {
    pub(crate) fn unknown(&mut self, text: &str, why: &str) {
        self.unknowns.push(Unknown { text: text.to_owned(), why: why.to_owned() });
    }
}
