//! Options: the words of a command taken apart in the style of its program, by what the entry lists.
//!
//! What is not listed is not understood. Under an entry that bounds what any option can do (`loose`), a letter that is
//! not listed makes only itself loose: what follows it may be its value or further letters, and both readings count.

use model::Arg;

use crate::knowledge::{Known, Meaning, Program, Role, Style};
use crate::lower::Lowering;
use crate::program::{Parsed, act};
use crate::suspect;

/// The words that are still to be read.
pub(crate) type Rest<'a> = std::slice::Iter<'a, Arg>;

/// A word that begins like an option: what is certain of it, and what may follow.
#[derive(Clone, Copy)]
struct Written<'a> {
    /// The beginning that is fixed.
    head: &'a str,
    /// The whole, as far as the text says; without a quote at its beginning.
    whole: &'a str,
    arg: &'a Arg,
}

impl<'a> Written<'a> {
    fn new(arg: &'a Arg) -> Self {
        let text = arg.text();
        let (whole, end) = match arg {
            Arg::Known(text) => (text.as_str(), text.len()),
            Arg::Pattern(text) => (text.as_str(), text.find(['*', '?', '[']).unwrap_or(text.len())),
            Arg::Unknown(_) => {
                let whole = text.strip_prefix(['"', '\'']).unwrap_or(text);
                let ends = ['$', '`', '"', '\'', '\\', '*', '?', '[', '{', '~', '<', '>', '(', ' '];
                (whole, whole.find(ends).unwrap_or(whole.len()))
            }
        };
        Self { head: whole.get(..end).unwrap_or(whole), whole, arg }
    }

    fn is_known(self) -> bool {
        matches!(self.arg, Arg::Known(_))
    }

    /// What follows the first `at` bytes, as a value of the same certainty.
    fn from(self, at: usize) -> Arg {
        let rest = self.whole.get(at..).unwrap_or("");
        match self.arg {
            Arg::Known(_) => Arg::Known(rest.to_owned()),
            Arg::Pattern(_) if rest.contains(['*', '?', '[']) => Arg::Pattern(rest.to_owned()),
            Arg::Pattern(_) => Arg::Known(rest.to_owned()),
            Arg::Unknown(_) => Arg::Unknown(rest.trim_end_matches(['"', '\'']).to_owned()),
        }
    }

    /// What is glued to the first `at` bytes, if anything is. Some programs take `-o=FILE` for `-oFILE`.
    fn glued(self, at: usize) -> Option<Arg> {
        let at = if self.whole.get(at..).is_some_and(|rest| rest.starts_with('=')) { at.saturating_add(1) } else { at };
        (at < self.whole.len()).then(|| self.from(at))
    }
}

/// Why a command is refused whose last option lacks its value.
pub(crate) const LACKS_VALUE: &str = "the option lacks its value";

/// Whether a word could be no word at all: an expansion without quotes that is empty, or parameters of which there are
/// none.
fn may_be_nothing(arg: &Arg) -> bool {
    match arg {
        Arg::Known(_) => false,
        Arg::Pattern(text) => text == "*",
        Arg::Unknown(raw) => {
            raw.starts_with(['$', '`']) || (raw.starts_with('"') && (raw.contains("$@") || raw.contains("@}")))
        }
    }
}

/// Whether a word that is not known before it runs could turn out to be an option, or several words.
pub(crate) fn may_be_option(arg: &Arg) -> bool {
    let written = Written::new(arg);
    match arg {
        Arg::Known(_) => false,
        Arg::Pattern(_) => written.head.is_empty(),
        Arg::Unknown(raw) => {
            let quoted = raw
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .is_some_and(|inside| !inside.contains('"'));
            written.head.is_empty() || !quoted
        }
    }
}

impl Lowering<'_> {
    /// Reads one word as options, with the words after it that are their values. Says whether it was one.
    pub(crate) fn option_word(&mut self, program: Known, arg: &Arg, rest: &mut Rest<'_>, parsed: &mut Parsed) -> bool {
        let written = Written::new(arg);
        if !written.head.starts_with('-') || (written.whole == "-" && written.is_known()) {
            return false;
        }
        // Behind the signal, `kill` takes a negative number for a group of processes.
        if program.name == "kill" && !parsed.options.is_empty() && suspect::is_number(written.whole) {
            return false;
        }
        parsed.options.push(written.whole.to_owned());
        match written.head.strip_prefix("--") {
            Some(_) if !(program.style == Style::Word && self.word_option(program, written, rest, parsed)) => {
                self.long_option(program, written, rest, parsed);
            }
            Some(_) => {}
            None => self.short_options(program, written, rest, parsed),
        }
        true
    }

    /// A bundle without a dash, whose letters find their values in the words that follow (`tar xf`, `ps aux`). Says
    /// whether it was one.
    pub(crate) fn old_bundle(&mut self, program: Known, arg: &Arg, rest: &mut Rest<'_>, parsed: &mut Parsed) -> bool {
        let Some(text) = arg.known().filter(|_| program.style == Style::Bundle) else { return false };
        // `ps` takes such words anywhere, others only in front.
        let own = program.meaning(text.get(..1).unwrap_or("")).is_some();
        let in_place = own || (parsed.operands.is_empty() && parsed.options.is_empty());
        if !in_place || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return false;
        }
        parsed.options.push(format!("-{text}"));
        for (at, letter) in text.char_indices() {
            let letter = letter.to_string();
            let dashed = format!("-{letter}");
            match (program.meaning(&letter), program.meaning(&dashed)) {
                (Some(meaning), _) if meaning.value.is_some() => {
                    let glued = text.get(at.saturating_add(1)..).filter(|rest| !rest.is_empty());
                    self.apply(&letter, meaning, glued.map(|it| Arg::Known(it.to_owned())), rest, parsed);
                    break;
                }
                (Some(meaning), _) => self.apply(&letter, meaning, None, rest, parsed),
                (None, Some(meaning)) if !own => self.apply(&dashed, meaning, None, rest, parsed),
                (None, _) => parsed.unknown(text, &format!("the option `{letter}` is not known to us")),
            }
        }
        true
    }

    /// `--name`, `--name=value`, or the beginning of a name that fits one option alone.
    fn long_option(&mut self, program: Known, written: Written<'_>, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        let head = written.head;
        let (option, glued) = match head.split_once('=') {
            Some((option, _)) => (option, Some(written.from(option.len().saturating_add(1)))),
            None => (head, None),
        };
        if glued.is_none() && !written.is_known() && !program.any_option_only_reads() {
            parsed.unknown(written.whole, "which option this is is not known before it runs");
        }
        if let Some(meaning) = program.meaning(option) {
            self.apply(option, meaning, glued, rest, parsed);
            return;
        }
        let begins: Vec<(&str, Meaning)> = if program.style == Style::Word || option.len() < 3 {
            Vec::new()
        } else {
            program.options_that_begin(option)
        };
        match begins.as_slice() {
            [] => self.unlisted_long(program, option, glued, rest, parsed),
            [(name, meaning)] => self.apply(name, *meaning, glued, rest, parsed),
            [(first, meaning), others @ ..] if others.iter().all(|(_, other)| other == meaning) => {
                self.apply(first, *meaning, glued, rest, parsed);
            }
            several => {
                // The program takes it for one of them, or refuses it.
                for (name, meaning) in several {
                    let peeked = glued.clone().or_else(|| rest.clone().next().cloned());
                    self.apply(name, *meaning, peeked, &mut [].iter(), parsed);
                }
                parsed.unknown(option, "the beginning of more than one option");
            }
        }
    }

    fn unlisted_long(
        &mut self,
        program: Known,
        option: &str,
        glued: Option<Arg>,
        rest: &Rest<'_>,
        parsed: &mut Parsed,
    ) {
        let name = option.trim_start_matches('-');
        let shows = matches!(option, "--help" | "--version")
            || (name.len() > 1 && ("help".starts_with(name) || "version".starts_with(name)));
        if shows && glued.is_none() && program.style != Style::Word {
            return;
        }
        match (program.loose, glued) {
            (Some(_), glued) if suspect::sounds_like_running(name) => {
                let what = glued.as_ref().or_else(|| rest.clone().next()).map_or(option, Arg::text).to_owned();
                parsed.programs.push(Arg::Unknown(what));
            }
            (Some(roles), Some(value)) => self.loose_value(roles, &value, parsed),
            (Some(_), None) => parsed.loosely = true,
            (None, _) => parsed.unknown(option, "the option is not known to us"),
        }
    }

    /// An option of several letters behind one dash (`-name`, `-name=value`), if the entry lists it.
    fn word_option(&mut self, program: Known, written: Written<'_>, rest: &mut Rest<'_>, parsed: &mut Parsed) -> bool {
        // `--name` is `-name` where options are words.
        let dashes = if program.style == Style::Word && written.head.starts_with("--") { 1 } else { 0 };
        let head = written.head.get(dashes..).unwrap_or(written.head);
        if written.is_known()
            && let Some(meaning) = program.meaning(head)
        {
            self.apply(head, meaning, None, rest, parsed);
            return true;
        }
        let Some((name, _)) = head.split_once('=') else { return false };
        match program.meaning(name) {
            Some(meaning) if meaning.value.is_some() => {
                let at = dashes.saturating_add(name.len()).saturating_add(1);
                self.apply(name, meaning, Some(written.from(at)), rest, parsed);
                true
            }
            Some(_) | None => false,
        }
    }

    fn short_options(&mut self, program: Known, written: Written<'_>, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        let digits = written.head.strip_prefix('-').unwrap_or("");
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && program.is_flag("-#") {
            return;
        }
        if (written.head.len() > 2 || !written.is_known()) && self.word_option(program, written, rest, parsed) {
            return;
        }
        if program.style == Style::Word && written.head.len() > 2 {
            match program.loose {
                Some(roles) => {
                    let value = written.head.find('=').map(|at| written.from(at.saturating_add(1)));
                    let name = digits.split('=').next().unwrap_or(digits);
                    if suspect::sounds_like_running(name) {
                        let what = value.as_ref().or_else(|| rest.clone().next()).map_or(name, Arg::text).to_owned();
                        parsed.programs.push(Arg::Unknown(what));
                    } else if let Some(value) = value {
                        self.loose_value(roles, &value, parsed);
                    }
                    parsed.loosely = true;
                }
                None => parsed.unknown(written.whole, "the option is not known to us"),
            }
            return;
        }
        self.letters(program, written, rest, parsed);
    }

    /// A bundle of letters, of which one may take the rest, or the next word, for its value.
    fn letters(&mut self, program: Known, written: Written<'_>, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        // Whether a letter came before that is not listed: then it may have taken the rest for its value.
        let mut guessed = false;
        for (at, letter) in written.head.char_indices().skip(1) {
            let next = at.saturating_add(letter.len_utf8());
            let option = format!("-{letter}");
            let Some(meaning) = program.meaning(&option) else {
                if letter.is_ascii_digit() && program.is_flag("-#") {
                    continue;
                }
                match program.loose {
                    Some(roles) if !guessed => {
                        if let Some(value) = written.glued(next) {
                            self.loose_value(roles, &value, parsed);
                        }
                        parsed.loosely = true;
                    }
                    Some(_) => {}
                    None => {
                        parsed.unknown(written.whole, &format!("the option `{option}` is not known to us"));
                    }
                }
                guessed = true;
                continue;
            };
            let glues = program.style != Style::Apart && !meaning.named;
            let takes = meaning.value.is_some() || meaning.each.is_some();
            let glued = if glues && takes { written.glued(next) } else { None };
            if guessed && meaning.value.is_some() {
                // It may be the value of the letter before, and the next word an operand: it counts as both.
                let value = glued.or_else(|| rest.clone().next().cloned());
                self.apply(&option, meaning, value, &mut [].iter(), parsed);
                return;
            }
            let takes_rest = glued.is_some() && meaning.value.is_some();
            let suffix = meaning.each.is_some()
                && written.whole.get(next..).is_some_and(|it| it.starts_with(|c: char| !c.is_ascii_alphabetic()));
            self.apply(&option, meaning, glued, rest, parsed);
            if takes_rest || suffix || (glues && meaning.value.is_some() && !meaning.optional) {
                return;
            }
        }
        if !written.is_known() && !program.any_option_only_reads() {
            parsed.unknown(written.whole, "which options these are is not known before it runs");
        }
    }

    /// An option that the entry lists.
    fn apply(&mut self, option: &str, meaning: Meaning, glued: Option<Arg>, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        parsed.given.push(option.to_owned());
        parsed.recursive |= meaning.recursive;
        if let Some(roles) = meaning.each {
            parsed.each.extend(roles);
        }
        if let Some(roles) = meaning.act {
            act(roles, &mut parsed.operations);
        }
        let Some(roles) = meaning.value else {
            if glued.is_some() && meaning.each.is_none() {
                parsed.unknown(option, "it takes no value that we know of");
            }
            return;
        };
        if meaning.named {
            rest.next();
        }
        if glued.is_none() && !meaning.optional && rest.clone().next().is_some_and(may_be_nothing) {
            parsed.vanishing.push(rest.len());
        }
        match glued.or_else(|| if meaning.optional { None } else { rest.next().cloned() }) {
            Some(value) => self.setting(option, roles, value, parsed),
            None if meaning.optional => {}
            None => parsed.unknown(option, LACKS_VALUE),
        }
    }

    pub(crate) fn setting(&mut self, option: &str, roles: &'static [Role], value: Arg, parsed: &mut Parsed) {
        parsed.settings.push((option.to_owned(), value.clone()));
        self.value(roles, value, parsed);
    }

    /// `dd if=FILE` and its kin: an operand with a name is an option without a dash. Says whether it is one.
    pub(crate) fn named_operand(&mut self, program: Known, arg: &Arg, parsed: &mut Parsed) -> bool {
        let written = Written::new(arg);
        let Some((name, _)) = written.head.split_once('=') else {
            let named = program.options.iter().any(|(name, _)| name.ends_with('='));
            if named && !written.is_known() {
                parsed.unknown(arg.text(), "which setting this is is not known before it runs");
            }
            return false;
        };
        let at = name.len().saturating_add(1);
        let Some(roles) = written.head.get(..at).and_then(|key| program.option(key)) else { return false };
        self.setting(name, roles, written.from(at), parsed);
        true
    }

    /// The value of an option that is not listed, under an entry that bounds what any option can do.
    fn loose_value(&mut self, roles: &'static [Role], value: &Arg, parsed: &mut Parsed) {
        parsed.loosely = true;
        let text = value.text();
        if !roles.iter().all(|role| role.only_reads()) {
            crate::program::named_program(text, parsed);
        }
        if (text.contains(['/', '.']) || !matches!(value, Arg::Known(_))) && !suspect::is_number(text) {
            self.value(roles, value.clone(), parsed);
        }
    }
}

impl Program {
    /// Whether a word that is taken for an option could do no more than reading.
    pub(crate) fn any_option_only_reads(&self) -> bool {
        let reads = |roles: &[Role]| roles.iter().all(|role| role.only_reads());
        let runs = |roles: &[Role]| roles.iter().any(|role| role.runs());
        // Where every option is bounded, a name that is taken for one does no more than the entry says anyway.
        let bounded = self.loose.is_some_and(|roles| !reads(roles))
            && !self.options.iter().any(|(_, roles)| runs(roles))
            && self.each.is_empty();
        let listed =
            self.options.iter().chain(self.acts).chain(self.each).chain(self.pairs).all(|(_, roles)| reads(roles));
        bounded || (listed && reads(self.operands))
    }
}
