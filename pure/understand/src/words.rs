//! Words: what an argument will be once the shell has expanded it, or that this cannot be known.

use brush_parser::word::{Parameter, ParameterExpr, TildeExpr, WordPiece, WordPieceWithSource};
use model::Arg;

use crate::environment;
use crate::expand::{ansi_c, expand_braces};
use crate::lower::Lowering;
use crate::outline::{self, Inner};
use crate::parameters::{fails, is_number, name_of, parts, value_of};
use crate::simple::Dress;
use crate::state::unknown;
use crate::{Shell, calculation, other_shell, parser, plain};

/// The cost of a further word in addition to its text, in bytes.
const BYTES_OF_WORD: usize = 64;

/// A word as it is being put together.
#[derive(Default)]
struct Draft {
    text: String,
    known: bool,
    pattern: bool,
    quoted: bool,
}

impl Draft {
    /// Adds what is put in for an expansion. A word that grows too long for a text is not known.
    fn push(&mut self, text: &str) {
        if self.text.len().saturating_add(text.len()) > parser::MAX_TEXT_BYTES {
            self.known = false;
        } else {
            self.text.push_str(text);
        }
    }
}

impl Lowering<'_> {
    /// All arguments that a word becomes.
    pub(crate) fn words(&mut self, raw: &str) -> Vec<Arg> {
        if !self.budget.take_bytes(raw.len()) {
            return vec![Arg::Unknown(raw.to_owned())];
        }
        match plain::word(raw) {
            Some(word) => vec![word],
            None => self.words_by_grammar(raw),
        }
    }

    pub(crate) fn words_by_grammar(&mut self, raw: &str) -> Vec<Arg> {
        if matches!(raw, "\"$@\"" | "\"${@}\"")
            && let Some(words) = &self.positional
        {
            let bytes =
                words.iter().map(|word| word.text().len().saturating_add(BYTES_OF_WORD)).fold(0, usize::saturating_add);
            return if self.budget.take_bytes(bytes) { words.to_vec() } else { vec![Arg::Unknown(raw.to_owned())] };
        }
        if matches!(raw, "$@" | "$*" | "${@}" | "${*}")
            && let Some(words) = &self.positional
            && words.iter().all(|word| word.known().is_some_and(|text| !text.is_empty() && !may_change(text)))
        {
            return words.to_vec();
        }
        if let Some(words) = self.split_value(raw) {
            return words;
        }
        if raw.contains('{') {
            match parser::braces(raw) {
                // Zeros in front keep their width, in some shells.
                Ok(Some(_)) if raw.contains("..") && has_padded_number(raw) => {
                    return vec![Arg::Unknown(raw.to_owned())];
                }
                Ok(Some(parts)) => match expand_braces(&parts) {
                    Some(words) => return words.iter().filter_map(|word| self.word_by_grammar(word)).collect(),
                    None => return vec![Arg::Unknown(raw.to_owned())],
                },
                Ok(None) => {}
                Err(why) => {
                    self.unknown(raw, &why);
                    return vec![Arg::Unknown(raw.to_owned())];
                }
            }
        }
        self.word_by_grammar(raw).into_iter().collect()
    }

    /// The words of a variable's value where the word is that variable alone, without quotes. Z shell does not split it.
    fn split_value(&mut self, raw: &str) -> Option<Vec<Arg>> {
        let name = raw.strip_prefix('$')?;
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        let value = self.variables.get(name)?.known()?.to_owned();
        if !value.contains(' ') || value.contains(['\t', '\n', '*', '?', '[', '\\']) {
            return None;
        }
        self.note_secret(name);
        if self.shell.may_be_zsh() {
            self.unknown(raw, "Z shell takes the value for one word, other shells for several");
        }
        Some(value.split(' ').filter(|word| !word.is_empty()).map(|word| Arg::Known(word.to_owned())).collect())
    }

    /// The text of an expansion of a known text: with a default that it does not need, or without a literal ending or
    /// beginning.
    fn changed_text(&self, expression: &ParameterExpr) -> Option<String> {
        use ParameterExpr as E;
        let known = |parameter: &Parameter| {
            let value = name_of(parameter).and_then(|name| self.variables.get(&name))?;
            value.known().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let literal = |pattern: &Option<String>| {
            pattern
                .clone()
                .filter(|text| !text.contains(['*', '?', '[', ']', '(', '$', '`', '\'', '"', '\\', '~', '#', '%']))
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other expansion may make any text")]
        match expression {
            E::UseDefaultValues { parameter, indirect: false, .. } => known(parameter),
            E::RemoveSmallestSuffixPattern { parameter, pattern, indirect: false }
            | E::RemoveLargestSuffixPattern { parameter, pattern, indirect: false } => {
                let (value, ending) = (known(parameter)?, literal(pattern)?);
                Some(value.strip_suffix(ending.as_str()).unwrap_or(&value).to_owned())
            }
            E::RemoveSmallestPrefixPattern { parameter, pattern, indirect: false }
            | E::RemoveLargestPrefixPattern { parameter, pattern, indirect: false } => {
                let (value, beginning) = (known(parameter)?, literal(pattern)?);
                Some(value.strip_prefix(beginning.as_str()).unwrap_or(&value).to_owned())
            }
            _ => None,
        }
    }

    /// The one argument that a word becomes where the shell does not split it; nothing for an empty expansion.
    pub(crate) fn word(&mut self, raw: &str) -> Option<Arg> {
        if !self.budget.take_bytes(raw.len()) {
            return Some(Arg::Unknown(raw.to_owned()));
        }
        if let Some(word) = plain::word(raw).filter(|_| !raw.is_empty()) {
            return Some(word);
        }
        self.word_by_grammar(raw)
    }

    fn word_by_grammar(&mut self, raw: &str) -> Option<Arg> {
        if self.walked.is_some() || !outline::may_run(raw) {
            return self.word_of_pieces(raw);
        }
        self.walked = Some(Vec::new());
        let word = self.word_of_pieces(raw);
        if self.accounts_for(raw, outline::of_word(raw)) { word } else { Some(Arg::Unknown(raw.to_owned())) }
    }

    /// Whether the walk of a word saw the commands that the second reading finds in it. What it did not see is walked
    /// now: the parser takes process substitutions inside `${…}` for text.
    fn accounts_for(&mut self, raw: &str, found: Result<Vec<Inner>, outline::Doubt>) -> bool {
        let mut walked = self.walked.take().unwrap_or_default();
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                self.unknown(raw, why);
                return false;
            }
        };
        let mut agrees = true;
        for inner in found {
            if let Some(at) = walked.iter().position(|text| *text == inner.text) {
                walked.swap_remove(at);
                continue;
            }
            agrees &= inner.process;
            self.nested(&inner.text);
        }
        agrees &= walked.is_empty();
        if !agrees {
            self.unknown(raw, "the commands inside a word can be read in more than one way");
        }
        agrees
    }

    /// A command inside a word: a text of its own.
    fn nested_in_word(&mut self, text: &str) {
        let mut walked = self.walked.take();
        self.nested(text);
        if let Some(walked) = &mut walked {
            walked.push(text.to_owned());
        }
        self.walked = walked;
    }

    fn word_of_pieces(&mut self, raw: &str) -> Option<Arg> {
        if !self.budget.take_steps(1) {
            return Some(Arg::Unknown(raw.to_owned()));
        }
        let pieces = match parser::word(raw) {
            Ok(pieces) => pieces,
            Err(why) => {
                self.unknown(raw, &why);
                self.may_drop();
                return Some(Arg::Unknown(raw.to_owned()));
            }
        };
        let mut draft = Draft { known: true, ..Draft::default() };
        self.pieces(&pieces, false, &mut draft);
        draft.known &= self.budget.take_bytes(draft.text.len());
        match draft {
            Draft { known: false, .. } => Some(Arg::Unknown(raw.to_owned())),
            Draft { text, quoted: false, .. } if text.is_empty() => None,
            Draft { text, pattern: true, .. } => Some(Arg::Pattern(text)),
            Draft { text, .. } => Some(Arg::Known(text)),
        }
    }

    /// The text that a here-document hands on, where it is known; commands inside it are lowered.
    pub(crate) fn heredoc(&mut self, raw: &str) -> Option<String> {
        if !self.budget.take_bytes(raw.len()) {
            return None;
        }
        // The shell joins continued lines before it reads anything else.
        let joined = joined_lines(raw);
        if joined.len() != raw.len() && outline::may_run(&joined) {
            self.unknown(raw, "shells differ on continued lines around the commands in a here-document");
        }
        let raw = joined.as_str();
        let checks = outline::may_run(raw);
        let outer = std::mem::replace(&mut self.walked, checks.then(Vec::new));
        let text = match parser::heredoc(raw) {
            Ok(pieces) => {
                let mut draft = Draft { known: true, ..Draft::default() };
                self.pieces(&pieces, true, &mut draft);
                draft.known &= self.budget.take_bytes(draft.text.len());
                draft.known.then_some(draft.text)
            }
            Err(why) => {
                self.unknown(raw, &why);
                None
            }
        };
        let agrees = !checks || self.accounts_for(raw, outline::of_document(raw));
        self.walked = outer;
        text.filter(|_| agrees)
    }

    fn pieces(&mut self, pieces: &[WordPieceWithSource], quoted: bool, draft: &mut Draft) {
        for piece in pieces {
            match &piece.piece {
                WordPiece::Text(text) => {
                    let listed = text.find('[').is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains(']')));
                    draft.pattern |= !quoted && (text.contains(['*', '?']) || listed);
                    draft.text.push_str(text);
                }
                WordPiece::SingleQuotedText(text) => {
                    draft.quoted = true;
                    draft.text.push_str(text);
                }
                WordPiece::AnsiCQuotedText(text) => {
                    draft.quoted = true;
                    match ansi_c(text) {
                        Some(text) => draft.text.push_str(&text),
                        None => draft.known = false,
                    }
                }
                WordPiece::DoubleQuotedSequence(inner) => {
                    draft.quoted = true;
                    self.pieces(inner, true, draft);
                }
                WordPiece::GettextDoubleQuotedSequence(inner) => {
                    draft.quoted = true;
                    if self.shell != Shell::Bash {
                        self.unknown("$\"…\"", "other shells read a dollar, and a text in quotes");
                    }
                    self.pieces(inner, true, draft);
                }
                WordPiece::EscapeSequence(text) => {
                    draft.quoted = true;
                    let escaped = text.strip_prefix('\\').unwrap_or(text);
                    if escaped != "\n" {
                        draft.text.push_str(escaped);
                    }
                }
                WordPiece::TildeExpansion(TildeExpr::Home) if self.home.is_some() => {
                    draft.text.push_str(self.home.clone().unwrap_or_default().as_str());
                }
                WordPiece::TildeExpansion(
                    TildeExpr::Home
                    | TildeExpr::UserHome(_)
                    | TildeExpr::WorkingDir
                    | TildeExpr::OldWorkingDir
                    | TildeExpr::NthDirFromTopOfDirStack { .. }
                    | TildeExpr::NthDirFromBottomOfDirStack { .. },
                ) => draft.known = false,
                WordPiece::ParameterExpansion(expression) => self.parameter(expression, quoted, draft),
                WordPiece::CommandSubstitution(text) => self.substitution(text, quoted, draft),
                WordPiece::BackquotedCommandSubstitution(text) => {
                    self.substitution(
                        &text.replace("\\`", "`").replace("\\$", "$").replace("\\\\", "\\"),
                        quoted,
                        draft,
                    );
                }
                WordPiece::ArithmeticExpression(expression) => {
                    // Whatever it computes, it is a number, and never nothing.
                    draft.pattern = true;
                    draft.text.push_str("?*");
                    self.arithmetic(&expression.value);
                }
            }
        }
    }

    /// Adds the value of an expansion where the text fixes it. Says whether it did.
    fn known_value(&self, expression: &ParameterExpr, quoted: bool, draft: &mut Draft) -> bool {
        if let ParameterExpr::Parameter { parameter, indirect: false } = expression
            && let Some(value) = name_of(parameter).and_then(|name| self.variables.get(&name))
        {
            match value {
                Arg::Known(text) if quoted || !text.contains([' ', '\t', '\n', '*', '?', '[']) => {
                    draft.push(text);
                    return true;
                }
                // Unquoted, a name with blanks would be taken apart.
                Arg::Pattern(text) if quoted => {
                    draft.pattern = true;
                    draft.push(text);
                    return true;
                }
                Arg::Known(_) | Arg::Pattern(_) | Arg::Unknown(_) => {}
            }
        }
        if let Some(text) = self.changed_text(expression)
            && (quoted || !may_change(&text))
        {
            draft.text.push_str(&text);
            return true;
        }
        false
    }

    fn parameter(&mut self, expression: &ParameterExpr, quoted: bool, draft: &mut Draft) {
        if let Some(name) = value_of(expression) {
            self.note_secret(name);
        }
        if self.known_value(expression, quoted, draft) {
            return;
        }
        if let ParameterExpr::Parameter { parameter, indirect: false } = expression
            && is_number(parameter)
            && !matches!(parameter, Parameter::Named(name) if self.variables.contains_key(name))
        {
            draft.pattern = true;
            // A variable that the shell does not have is nothing.
            draft.text.push_str(if matches!(parameter, Parameter::Special(_)) { "?*" } else { "*" });
            return;
        }
        draft.known = false;
        let parts = parts(expression);
        for evaluated in &parts.arithmetic {
            self.arithmetic(evaluated);
        }
        if fails(expression) {
            self.may_drop();
        }
        // The text of an operand can hold further commands: `${x:-$(…)}`. Reading all of it as one word finds them.
        let outer = std::mem::take(&mut self.secrets);
        for operand in parts.words {
            if operand.contains(['$', '`', '<', '>']) {
                let _ = self.word(operand);
            }
        }
        let inside = std::mem::replace(&mut self.secrets, outer);
        self.operand_secrets(expression, inside);
        if let ParameterExpr::Transform { op: brush_parser::word::ParameterTransformOp::PromptExpand, .. } = expression
        {
            self.unknown("@P", "a prompt expansion runs the commands in the variable's value");
        }
        if let ParameterExpr::AssignDefaultValues { parameter, .. } = expression {
            let name = if let Parameter::Named(name) = parameter { Some(name) } else { None };
            let steers = |name: &str| environment::steers_the_shell(name) || other_shell::steers(self.shell, name);
            match name.filter(|name| !steers(name)) {
                Some(name) => {
                    let mut dress = Dress::default();
                    self.set(name, unknown(name), false, &mut dress);
                    self.intent.unknowns.extend(dress.unknowns);
                }
                None => self.unknown("${…:=…}", "an expansion sets a variable that can change which program runs"),
            }
        }
        if parts.indirect {
            self.unknown("${!…}", "the variable is named by another variable");
        }
    }

    /// Where the secrets go that the operand of an expansion holds: into the word, and into a variable or a message.
    fn operand_secrets(&mut self, expression: &ParameterExpr, inside: Vec<String>) {
        if inside.is_empty() {
            return;
        }
        if let ParameterExpr::AssignDefaultValues { parameter: Parameter::Named(name), .. } = expression {
            self.state.secrets.insert(name.clone());
        }
        if let ParameterExpr::IndicateErrorIfNullOrUnset { .. } = expression {
            self.unknown("${…:?…}", "a message that would show a secret of the environment");
        }
        for name in inside {
            if !self.secrets.contains(&name) {
                self.secrets.push(name);
            }
        }
    }

    /// A command substitution: what it prints, where that can be known.
    fn substitution(&mut self, text: &str, quoted: bool, draft: &mut Draft) {
        self.nested_in_word(text);
        let printed = std::mem::take(&mut self.printed);
        match (printed.plain(), printed.pattern()) {
            // A POSIX shell's `echo` prints such options.
            (Some(_), _) if self.shell.may_be_posix() && ["echo -e", "echo -ne"].iter().any(|it| text.contains(it)) => {
                draft.known = false;
            }
            // Where the program is missing nothing is printed, and the word is none.
            (Some(_), _) if printed.may_lack && !quoted => draft.known = false,
            (Some(text), _) if quoted || !text.trim_end_matches('\n').contains([' ', '\t', '\n', '*', '?', '[']) => {
                draft.push(text.trim_end_matches('\n'));
            }
            (_, Some(pattern)) => {
                draft.pattern = true;
                draft.push(&pattern);
            }
            _ => draft.known = false,
        }
    }

    /// An arithmetic expression: commands inside it are lowered, and a variable in it is evaluated again by the shell,
    /// which runs what its value holds (`x[$(…)]`).
    pub(crate) fn arithmetic(&mut self, expression: &str) {
        if !calculation::is_safe(expression, |name| self.variables.get(name).and_then(Arg::known)) {
            self.may_drop();
        }
        if expression.contains(['`', '"', '\'']) || expression.contains("$(") || expression.contains("${") {
            self.unknown(expression, "arithmetic on text that is made when it runs");
            self.substitutions_in(expression);
            return;
        }
        let expanded = calculation::expand(expression, |name| self.variables.get(name).and_then(Arg::known));
        let Some(expression) = expanded.as_deref() else {
            self.unknown(expression, "arithmetic evaluates what is put into it, which may hold commands");
            return;
        };
        let names = || expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let opaque = names().any(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && !self
                    .variables
                    .get(name)
                    .and_then(Arg::known)
                    .is_some_and(|value| value.bytes().all(|b| b.is_ascii_digit()))
        });
        if opaque {
            self.unknown(expression, "arithmetic evaluates the value of a variable, which may hold commands");
        }
        let compares = expression.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", "");
        if compares.contains('=')
            || expression.contains("<<=")
            || expression.contains("++")
            || expression.contains("--")
        {
            for name in names().filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')) {
                let mut dress = Dress::default();
                self.set(name, unknown(name), false, &mut dress);
                self.state.put(name, unknown(name));
                let steered = dress.unknowns.into_iter().filter(|_| environment::steers_the_shell(name));
                self.intent.unknowns.extend(steered);
            }
        }
    }

    /// The subscript of an item that is assigned: evaluated, and an error where there is no such item.
    pub(crate) fn subscript(&mut self, index: &str) {
        self.arithmetic(index);
        if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
            self.may_drop();
        }
    }

    /// Lowers every `$(…)` and `` `…` `` of a text that has no grammar of its own here.
    fn substitutions_in(&mut self, text: &str) {
        for (at, _) in text.match_indices("$(") {
            let inner = text.get(at.saturating_add(2)..).unwrap_or("");
            let mut depth = 1_usize;
            let end = inner.find(|c: char| {
                match c {
                    '(' => depth = depth.saturating_add(1),
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            });
            self.nested_in_word(inner.get(..end.unwrap_or(inner.len())).unwrap_or(""));
        }
        for inside in text.split('`').skip(1).step_by(2) {
            self.nested_in_word(inside);
        }
    }
}

/// Whether a text without quotes may become other words.
fn may_change(text: &str) -> bool {
    text.contains([' ', '\t', '\n', '*', '?', '['])
}

/// Whether a number in a text begins with a zero that is not all of it.
fn has_padded_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > 1 && number.starts_with('0'))
}

/// The body of a here-document with the lines joined that a backslash continues.
fn joined_lines(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match rest.next() {
            Some('\n') => {}
            next => {
                text.push('\\');
                text.extend(next);
            }
        }
    }
    text
}
