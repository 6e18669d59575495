//! Applying a program's entry to its arguments: which operations it performs, and what of it is not known.

use model::{Action, Arg, Category, Fact, FactQuery, Operation, Resource, Unknown};

use crate::knowledge::{Program, Role};
use crate::lower::Lowering;
use crate::paths::{self, Kept};

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
    recursive: bool,
}

impl Lowering<'_> {
    /// Reads options and operands by the entry's grammar. `args` are the words after the program's name.
    pub(crate) fn parse(&mut self, program: &Program, args: &[Arg]) -> Parsed {
        let mut parsed = Parsed::default();
        let mut rest = args.iter();
        let mut only_operands = false;
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                let may_be_option =
                    !only_operands && !arg.text().starts_with(['/', '.']) && matches!(arg, Arg::Pattern(_));
                if may_be_option && arg.text().starts_with(['*', '?', '[']) && program.operands != Role::Read {
                    parsed.unknown(arg.text(), "a file name that the pattern matches could be taken as an option");
                }
                parsed.operands.push(arg.clone());
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
                parsed.operands.push(arg.clone());
                if let Some(skip) = program.wraps
                    && parsed.operands.len() > skip
                {
                    parsed.operands.truncate(skip);
                    parsed.wrapped = std::iter::once(arg.clone()).chain(rest.cloned()).collect();
                    break;
                }
                if program.subcommands {
                    parsed.wrapped = rest.cloned().collect();
                    break;
                }
            } else if text == "--" {
                only_operands = true;
            } else if let Some(long) = text.strip_prefix("--") {
                self.long_option(program, long, &mut rest, &mut parsed);
            } else {
                self.short_options(program, text, &mut rest, &mut parsed);
            }
        }
        self.operands(program, &mut parsed);
        parsed
    }

    fn long_option<'b>(
        &mut self,
        program: &Program,
        long: &str,
        rest: &mut impl Iterator<Item = &'b Arg>,
        parsed: &mut Parsed,
    ) {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let option = format!("--{name}");
        parsed.recursive |= program.is_recursive(&option);
        match (program.option(&option), value) {
            (Some(role), Some(value)) => self.option_value(role, Arg::Known(value.to_owned()), parsed),
            (Some(_), None) if program.is_flag(&option) => {}
            (Some(role), None) => match rest.next() {
                Some(value) => self.option_value(role, value.clone(), parsed),
                None => parsed.unknown(&option, "the option lacks its value"),
            },
            (None, None) if program.is_flag(&option) || program.is_recursive(&option) => {}
            (None, _) => parsed.unknown(&option, "the option is not known to us"),
        }
    }

    fn short_options<'b>(
        &mut self,
        program: &Program,
        text: &str,
        rest: &mut impl Iterator<Item = &'b Arg>,
        parsed: &mut Parsed,
    ) {
        let number = text.strip_prefix('-').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        if program.is_flag(text) || (number && program.is_flag("-#")) {
            return;
        }
        if let Some(role) = program.option(text) {
            match rest.next() {
                Some(value) => self.option_value(role, value.clone(), parsed),
                None => parsed.unknown(text, "the option lacks its value"),
            }
            return;
        }
        let mut letters = text.strip_prefix('-').unwrap_or(text).chars();
        while let Some(letter) = letters.next() {
            let option = format!("-{letter}");
            parsed.recursive |= program.is_recursive(&option);
            if let Some(role) = program.option(&option) {
                let glued = letters.as_str();
                let value = if glued.is_empty() { rest.next().cloned() } else { Some(Arg::Known(glued.to_owned())) };
                match value {
                    Some(value) => self.option_value(role, value, parsed),
                    None => parsed.unknown(&option, "the option lacks its value"),
                }
                return;
            }
            if !program.is_flag(&option) && !program.is_recursive(&option) {
                parsed.unknown(text, &format!("the option `{option}` is not known to us"));
                return;
            }
        }
    }

    fn option_value(&mut self, role: Role, value: Arg, parsed: &mut Parsed) {
        if role == Role::Shell {
            parsed.shell_texts.push(value);
            return;
        }
        let (mut operations, mut unknowns) = (Vec::new(), Vec::new());
        self.effect(&value, role, false, &mut operations, &mut unknowns);
        parsed.operations.append(&mut operations);
        parsed.unknowns.append(&mut unknowns);
    }

    fn operands(&mut self, program: &Program, parsed: &mut Parsed) {
        if program.wraps.is_some() || program.subcommands {
            return;
        }
        if let Some(role) = program.always
            && let Some((action, category, reversibility)) = role.effect()
        {
            let resource =
                if role == Role::Opaque { Resource::Unknown(program.name.to_owned()) } else { Resource::System };
            parsed.operations.push(Operation { action, resource, category, reversibility, recursive: false });
            if role == Role::Opaque {
                parsed.unknown(program.name, "what this program does with its arguments is not known to us");
            }
        }
        let operands = parsed.operands.clone();
        let last = operands.len().checked_sub(1);
        for (at, operand) in operands.iter().enumerate() {
            let role = match (program.first, program.last) {
                (Some(role), _) if at == 0 => role,
                (_, Some(role)) if Some(at) == last && at > 0 => role,
                _ => program.operands,
            };
            if role == Role::Shell {
                parsed.shell_texts.push(operand.clone());
                continue;
            }
            self.effect(operand, role, parsed.recursive, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// The operation that a role on a value stands for, with what is known of the place it touches.
    pub(crate) fn effect(
        &mut self,
        value: &Arg,
        role: Role,
        recursive: bool,
        operations: &mut Vec<Operation>,
        unknowns: &mut Vec<Unknown>,
    ) {
        let Some((action, category, reversibility)) = role.effect() else { return };
        let mut add = |resource: Resource, category: Category| {
            operations.push(Operation { action, resource, category, reversibility, recursive });
        };
        match role {
            Role::Read | Role::Write | Role::Delete | Role::Permit | Role::Script => {
                let Some(places) = self.located(value, unknowns) else {
                    add(Resource::Unknown(value.text().to_owned()), category);
                    return;
                };
                if places.iter().all(|place| paths::is_sink(place) || place == "-") {
                    return;
                }
                let pattern = matches!(value, Arg::Pattern(_));
                let writes = role != Role::Read;
                for place in &places {
                    let kept = paths::kept(place);
                    let resource =
                        if pattern { Resource::Pattern(place.clone()) } else { Resource::Path(place.clone()) };
                    add(resource, kept.and_then(|kept| kept.category(writes)).unwrap_or(category));
                    if kept == Some(Kept::Device) && !writes {
                        unknowns.push(Unknown { text: place.clone(), why: "a device or kernel file".to_owned() });
                    }
                    if pattern && may_match_secret(place) {
                        unknowns.push(Unknown {
                            text: place.clone(),
                            why: "the pattern may match files that hold secrets".to_owned(),
                        });
                    }
                }
                if role == Role::Script {
                    unknowns.push(Unknown { text: places.join(", "), why: "the file is read as code".to_owned() });
                }
            }
            Role::Url | Role::Host => match value.known().map(host_of) {
                Some(Some(host)) => add(Resource::Host(host), category),
                Some(None) => unknowns.push(Unknown {
                    text: value.text().to_owned(),
                    why: "no network address that we can read".to_owned(),
                }),
                None => {
                    add(Resource::Unknown(value.text().to_owned()), category);
                    unknowns.push(Unknown {
                        text: value.text().to_owned(),
                        why: "the address is not known before it runs".to_owned(),
                    });
                }
            },
            Role::Send => {
                add(Resource::Unknown(value.text().to_owned()), category);
                if let Some(file) = value.text().strip_prefix('@') {
                    self.effect(&Arg::Known(file.to_owned()), Role::Read, false, operations, unknowns);
                }
            }
            Role::Install => add(Resource::Package(value.text().to_owned()), category),
            Role::Control => add(Resource::Service(value.text().to_owned()), category),
            Role::Database => add(Resource::Database(value.text().to_owned()), category),
            Role::Elevate | Role::Inspect | Role::History | Role::Container | Role::Cloud | Role::Persist => {
                add(Resource::Unknown(value.text().to_owned()), category);
            }
            Role::Program | Role::Shell => {
                add(Resource::Program(value.text().to_owned()), category);
                unknowns.push(Unknown {
                    text: value.text().to_owned(),
                    why: "makes the program run another program".to_owned(),
                });
            }
            Role::Code => {
                if !is_plain_code(value) {
                    add(Resource::Unknown(value.text().to_owned()), category);
                    unknowns.push(Unknown {
                        text: value.text().to_owned(),
                        why: "code in a language that is not read yet".to_owned(),
                    });
                }
            }
            Role::Opaque => {
                add(Resource::Unknown(value.text().to_owned()), category);
                unknowns.push(Unknown {
                    text: value.text().to_owned(),
                    why: "what this does is not known to us".to_owned(),
                });
            }
            Role::Text => {}
        }
    }

    /// The places that a path names: as it is written, and where it really leads if that is elsewhere. Nothing where
    /// the path is not known.
    fn located(&mut self, value: &Arg, unknowns: &mut Vec<Unknown>) -> Option<Vec<String>> {
        let text = match value {
            Arg::Known(text) | Arg::Pattern(text) => text,
            Arg::Unknown(text) => {
                unknowns.push(Unknown { text: text.clone(), why: "the path is not known before it runs".to_owned() });
                return None;
            }
        };
        if text == "-" {
            return Some(vec![text.clone()]);
        }
        let cwd = self.cwd.clone();
        let joined = paths::join(text, cwd.as_deref());
        let written = paths::plain(&joined, None);
        // The part before a wildcard is fixed, and links in it are followed like any other.
        let fixed = match value {
            Arg::Pattern(_) => joined
                .split(['*', '?', '['])
                .next()
                .and_then(|head| head.rsplit_once('/'))
                .map_or("", |(directory, _)| directory),
            Arg::Known(_) | Arg::Unknown(_) => joined.as_str(),
        };
        let real =
            if fixed.starts_with('/') { self.fact(FactQuery::RealPath(fixed.to_owned())) } else { Fact::Unknown };
        match real {
            Fact::RealPath(real) => {
                let real = format!("{real}{}", joined.strip_prefix(fixed).unwrap_or(""));
                // `..` behind a link leads elsewhere than the text says: then only the real place counts.
                Some(if real == written || paths::has_parent(&joined) { vec![real] } else { vec![written, real] })
            }
            Fact::Program(_) | Fact::File(_) | Fact::Unknown => {
                if paths::has_parent(&joined) {
                    let why = "where `..` leads depends on links that could not be looked at";
                    unknowns.push(Unknown { text: text.clone(), why: why.to_owned() });
                }
                if !joined.starts_with('/') {
                    let why = "which directory this is in is not known before it runs";
                    unknowns.push(Unknown { text: text.clone(), why: why.to_owned() });
                }
                Some(vec![written])
            }
        }
    }
}

impl Parsed {
    pub(crate) fn unknown(&mut self, text: &str, why: &str) {
        self.unknowns.push(Unknown { text: text.to_owned(), why: why.to_owned() });
    }
}

/// A pattern in whose last part a secret's usual name could fit: it begins with a dot and a wildcard, say.
fn may_match_secret(pattern: &str) -> bool {
    let name = pattern.rsplit('/').next().unwrap_or("");
    let head = name.split(['*', '?', '[']).next().unwrap_or("");
    [".env", "id_rsa", "id_ed25519", ".netrc", "credentials", ".git-credentials", "shadow", ".npmrc"]
        .iter()
        .any(|secret| !head.is_empty() && secret.starts_with(head))
        || (head.is_empty() && pattern.contains("/.ssh"))
}

/// The host of a URL or of `host:port`, lower case.
fn host_of(text: &str) -> Option<String> {
    let rest = match text.split_once("://") {
        Some(("http" | "https" | "ftp" | "ws" | "wss", rest)) => rest,
        Some(_) => return None,
        None => text,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host =
        if host.starts_with('[') { host.split(']').next()?.trim_start_matches('[') } else { host.split(':').next()? };
    let plain =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    plain.then(|| host.to_ascii_lowercase())
}

/// Code of `sed` and `awk` that is plainly a print: the only forms read so far.
fn is_plain_code(value: &Arg) -> bool {
    let Some(text) = value.known() else { return false };
    let ranges = text.strip_suffix('p').is_some_and(|range| {
        !range.is_empty() && range.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'$'))
    });
    let fields = text.strip_prefix("{print ").and_then(|rest| rest.strip_suffix('}')).is_some_and(|list| {
        list.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'$' | b',' | b' ' | b'N' | b'F'))
    });
    ranges || fields || is_plain_substitution(text)
}

/// `s/a/b/` with at most the flags `g`, `i`, `p` and a number: never `e` or `w`.
fn is_plain_substitution(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('s') else { return false };
    let Some(mark) = rest.chars().next().filter(|mark| matches!(mark, '/' | '|' | '#' | ',' | ':')) else {
        return false;
    };
    if rest.contains(['\\', '\n', ';', '{', '}']) {
        return false;
    }
    let parts: Vec<&str> = rest.split(mark).collect();
    matches!(parts.as_slice(), ["", _, _, flags] if flags.bytes().all(|byte| matches!(byte, b'g' | b'i' | b'I' | b'p' | b'0'..=b'9')))
}

/// Whether any operation goes out to the network.
pub(crate) fn connects(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| matches!(operation.action, Action::Connect | Action::Send))
}
