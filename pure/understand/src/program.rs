//! Applying a program's entry to its arguments: which options and operands there are, and what is done to each.

use model::{Arg, Operation, Resource, Unknown};

use crate::knowledge::{Known, Program, Role};
use crate::lower::Lowering;
use crate::suspect;

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
    /// Texts of SQL.
    pub(crate) statements: Vec<Arg>,
    /// The options as written, for whoever has to know whether one was there.
    pub(crate) options: Vec<String>,
    /// The options that took a value, with it.
    pub(crate) settings: Vec<(String, Arg)>,
    /// Roles that options add to every operand.
    each: Vec<Role>,
    /// An option was taken by the entry's promise, not by its list.
    pub(crate) loosely: bool,
    recursive: bool,
}

type Rest<'a> = std::slice::Iter<'a, Arg>;

impl Lowering<'_> {
    /// Reads options and operands by the entry's grammar. `args` are the words after the program's name.
    pub(crate) fn parse(&mut self, program: Known, args: &[Arg]) -> Parsed {
        let mut parsed = Parsed::default();
        let mut rest = args.iter();
        let mut only_operands = false;
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                let opens_with_wildcard =
                    !only_operands && matches!(arg, Arg::Pattern(_)) && arg.text().starts_with(['*', '?', '[']);
                if opens_with_wildcard && !program.takes_any_option_to_read() {
                    parsed.unknown(arg.text(), "a file name that the pattern matches could be taken as an option");
                }
                if program.wraps.is_some_and(|skip| parsed.operands.len() >= skip) {
                    parsed.wrapped = std::iter::once(arg.clone()).chain(rest.cloned()).collect();
                    break;
                }
                parsed.operands.push(arg.clone());
                if program.subcommands {
                    parsed.wrapped = rest.cloned().collect();
                    break;
                }
                continue;
            };
            if only_operands || !text.starts_with('-') || text == "-" {
                if let Some((name, value)) = text.split_once('=')
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
                // `dd if=FILE` and its kin: an operand with a name is an option without a dash.
                if let Some((name, value)) = text.split_once('=')
                    && let Some(roles) = program.option(text.get(..name.len().saturating_add(1)).unwrap_or(""))
                {
                    self.setting(name, roles, Arg::Known(value.to_owned()), &mut parsed);
                    continue;
                }
                parsed.operands.push(arg.clone());
                if program.subcommands {
                    parsed.wrapped = rest.cloned().collect();
                    break;
                }
            } else if text == "--" {
                only_operands = true;
            } else {
                parsed.options.push(text.to_owned());
                match text.strip_prefix("--") {
                    Some(long) => self.long_option(program, long, &mut rest, &mut parsed),
                    None => self.short_options(program, text, &mut rest, &mut parsed),
                }
            }
        }
        self.operands(program, &mut parsed);
        parsed
    }

    fn long_option(&mut self, program: Known, long: &str, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let option = format!("--{name}");
        parsed.recursive |= program.is_recursive(&option);
        if let Some(roles) = program.each(&option) {
            parsed.each.extend(roles);
            return;
        }
        if let Some(roles) = program.act(&option) {
            act(roles, &mut parsed.operations);
            return;
        }
        match (program.option(&option), value) {
            (Some(roles), Some(value)) => self.setting(&option, roles, Arg::Known(value.to_owned()), parsed),
            (Some(_), None) if program.is_flag(&option) => {}
            (Some(roles), None) => match rest.next() {
                Some(value) => self.setting(&option, roles, value.clone(), parsed),
                None => parsed.unknown(&option, "the option lacks its value"),
            },
            (None, None) if program.is_flag(&option) || program.is_recursive(&option) => {}
            (None, value) => match (program.loose, value) {
                (Some(_), _) if suspect::sounds_like_running(name) => {
                    let what = value.unwrap_or_else(|| rest.next().map_or(option.as_str(), Arg::text)).to_owned();
                    parsed.programs.push(Arg::Unknown(what));
                }
                (Some(roles), Some(value)) => self.loose_value(roles, value, parsed),
                (Some(_), None) => parsed.loosely = true,
                (None, _) if matches!(option.as_str(), "--help" | "--version") && value.is_none() => {}
                (None, _) => parsed.unknown(&option, "the option is not known to us"),
            },
        }
    }

    fn short_options(&mut self, program: Known, text: &str, rest: &mut Rest<'_>, parsed: &mut Parsed) {
        let number = text.strip_prefix('-').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(roles) = program.act(text) {
            act(roles, &mut parsed.operations);
            return;
        }
        if program.is_flag(text) || (number && program.is_flag("-#")) {
            return;
        }
        if let Some(roles) = program.option(text) {
            match rest.next() {
                Some(value) => self.setting(text, roles, value.clone(), parsed),
                None => parsed.unknown(text, "the option lacks its value"),
            }
            return;
        }
        if let Some((name, value)) = text.split_once('=')
            && let Some(roles) = program.option(name)
        {
            self.setting(name, roles, Arg::Known(value.to_owned()), parsed);
            return;
        }
        let mut letters = text.strip_prefix('-').unwrap_or(text).chars();
        while let Some(letter) = letters.next() {
            let option = format!("-{letter}");
            parsed.recursive |= program.is_recursive(&option);
            if let Some(roles) = program.each(&option) {
                // What is glued to it is a suffix (`-i.bak`).
                parsed.each.extend(roles);
                if letters.as_str().starts_with(|c: char| !c.is_ascii_alphabetic()) {
                    return;
                }
                continue;
            }
            if let Some(roles) = program.act(&option) {
                act(roles, &mut parsed.operations);
                continue;
            }
            if let Some(roles) = program.option(&option) {
                let glued = letters.as_str();
                let value = if glued.is_empty() { rest.next().cloned() } else { Some(Arg::Known(glued.to_owned())) };
                match value {
                    Some(value) => self.setting(&option, roles, value, parsed),
                    None => parsed.unknown(&option, "the option lacks its value"),
                }
                return;
            }
            if !program.is_flag(&option) && !program.is_recursive(&option) {
                match program.loose {
                    Some(roles) => self.loose_value(roles, letters.as_str(), parsed),
                    None => parsed.unknown(text, &format!("the option `{option}` is not known to us")),
                }
                return;
            }
        }
    }

    fn setting(&mut self, option: &str, roles: &'static [Role], value: Arg, parsed: &mut Parsed) {
        parsed.settings.push((option.to_owned(), value.clone()));
        self.value(roles, value, parsed);
    }

    /// The value of an option that is not listed, under an entry that bounds what any option can do.
    fn loose_value(&mut self, roles: &'static [Role], value: &str, parsed: &mut Parsed) {
        parsed.loosely = true;
        if !roles.iter().all(|role| matches!(role, Role::Read | Role::Look | Role::Inspect)) {
            named_program(value, parsed);
        }
        if value.contains(['/', '.']) && !suspect::is_number(value) {
            self.value(roles, Arg::Known(value.to_owned()), parsed);
        }
    }

    /// What is done to one value, operand or not.
    fn value(&mut self, roles: &'static [Role], value: Arg, parsed: &mut Parsed) {
        let address = value.known().is_some_and(|text| text.contains("://"));
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
                role => {
                    self.effect(&value, *role, parsed.recursive, &mut parsed.operations, &mut parsed.unknowns);
                    continue;
                }
            };
            kept.push(value.clone());
        }
    }

    fn operands(&mut self, program: Known, parsed: &mut Parsed) {
        let shows =
            parsed.options.iter().any(|option| program.shows.contains(&option.split('=').next().unwrap_or(option)));
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
        let instead = parsed.options.iter().any(|option| {
            let name = option.split('=').next().unwrap_or(option);
            program.instead.iter().any(|it| {
                *it == name || (it.len() == 2 && !name.starts_with("--") && name.contains(it.trim_start_matches('-')))
            })
        });
        let each = std::mem::take(&mut parsed.each);
        for (at, operand) in operands.iter().enumerate() {
            let roles = match (program.first, program.last) {
                (Some(roles), _) if at == 0 && !instead => roles,
                (_, Some(roles)) if Some(at) == last && at > 0 => roles,
                _ => program.operands,
            };
            // `date +%F` prints; `date 0101…` sets.
            if program.name == "date" && operand.text().starts_with('+') {
                continue;
            }
            if program.loose.is_some()
                && operand.known().is_some_and(suspect::is_number)
                && !roles.contains(&Role::Control)
            {
                continue;
            }
            let bounded = |roles: &[Role]| {
                roles.iter().all(|role| matches!(role, Role::Read | Role::Look | Role::Inspect | Role::Secret))
            };
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
fn named_program(word: &str, parsed: &mut Parsed) {
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

impl Program {
    /// Whether a file name that is taken for an option could do no more than reading.
    fn takes_any_option_to_read(&self) -> bool {
        let reads = |roles: &[Role]| roles.iter().all(|role| matches!(role, Role::Read | Role::Look | Role::Inspect));
        let runs = |roles: &[Role]| {
            roles.iter().any(|role| {
                matches!(role, Role::Program | Role::Shell | Role::Code | Role::Script | Role::Load | Role::Opaque)
            })
        };
        // Where every option is bounded, a name that is taken for one does no more than the entry says anyway.
        let bounded =
            self.loose.is_some() && !self.options.iter().any(|(_, roles)| runs(roles)) && self.each.is_empty();
        bounded
            || self.loose.is_some_and(reads)
            || (reads(self.operands) && self.options.iter().all(|(_, roles)| reads(roles)))
    }
}
