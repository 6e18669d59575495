//! One role on one value: the operation it means, and what is known of the place it touches.

use model::{Action, Arg, Category, Fact, FactQuery, Factor, Operation, Resource, Unknown};

use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::{links, paths, places};

impl Lowering<'_> {
    /// The operation that a role on a value means, with what is known of the place it touches.
    pub(crate) fn effect(
        &mut self,
        value: &Arg,
        role: Role,
        recursive: bool,
        operations: &mut Vec<Operation>,
        unknowns: &mut Vec<Unknown>,
    ) {
        if !self.budget.take_steps(1) {
            return;
        }
        let (action, category, reversibility) = role.effect();
        let mut add = |resource: Resource, category: Category| {
            operations.push(Operation { action, resource, category, reversibility, recursive });
        };
        match role {
            Role::Look | Role::Read | Role::Write | Role::Delete | Role::Permit | Role::Script | Role::Load => {
                self.on_path(value, role, recursive, operations, unknowns);
            }
            Role::Url if value.text().starts_with("file://") => {
                let path = value.text().trim_start_matches("file://").to_owned();
                if path.contains(['%', '[', '{', '#', '?']) || !path.starts_with('/') {
                    note(unknowns, value, "which file this address names is made of it by rules of the program's own");
                }
                self.effect(&Arg::Known(path), Role::Read, recursive, operations, unknowns);
            }
            Role::Url
                if ["gopher://", "dict://", "smtp://", "telnet://", "ldap://", "tftp://"]
                    .iter()
                    .any(|it| value.text().starts_with(it)) =>
            {
                self.effect(value, Role::Send, recursive, operations, unknowns);
            }
            Role::Url | Role::Host => match value.known().map(host_of) {
                Some(Some(host)) => add(Resource::Host(host), category),
                Some(None) => {
                    add(Resource::Unknown(value.text().to_owned()), category);
                    if !looks_like_address(value.text()) {
                        note(unknowns, value, "no network address that we can read");
                    }
                }
                None => {
                    add(Resource::Unknown(value.text().to_owned()), category);
                    note(unknowns, value, "the address is not known before it runs");
                }
            },
            Role::Send => {
                match value.known().filter(|text| text.contains("://")).and_then(host_of) {
                    Some(host) => add(Resource::Host(host), category),
                    None => add(Resource::Unknown(value.text().to_owned()), category),
                }
                let text = value.text();
                let after = |mark: &str| text.split_once(mark).map(|(_, file)| file);
                // A field of a form may say more behind the file: `f=@a.txt;type=text/plain`.
                let field = || after("=@").or_else(|| after("=<")).map(|file| file.split(';').next().unwrap_or(file));
                // `--data-urlencode NAME@FILE`; elsewhere it may be a user and a host.
                let named = || after("@").filter(|file| !text.contains("://") && self.names_file(file));
                if let Some(file) = text.strip_prefix('@').or_else(field).or_else(named) {
                    self.effect(&Arg::Known(file.to_owned()), Role::Read, false, operations, unknowns);
                }
            }
            Role::Install => add(Resource::Package(value.text().to_owned()), category),
            Role::Control => add(Resource::Service(value.text().to_owned()), category),
            Role::Database | Role::Sql => add(Resource::Database(value.text().to_owned()), category),
            Role::Elevate | Role::Inspect | Role::History | Role::Container | Role::Cloud | Role::Persist => {
                add(Resource::Unknown(value.text().to_owned()), category);
            }
            Role::Secret => add(Resource::Unknown("a secret".to_owned()), category),
            Role::Program | Role::Shell => {
                add(Resource::Program(value.text().to_owned()), category);
                note(unknowns, value, "makes the program run another program");
            }
            Role::Session => add(Resource::Program(value.text().to_owned()), category),
            Role::Code => {
                add(Resource::Unknown(value.text().to_owned()), category);
                note(unknowns, value, "code in a language that is not read");
            }
            Role::Names => {
                self.on_path(value, Role::Read, recursive, operations, unknowns);
                note(unknowns, value, "the program also takes what this file names, which the text does not show");
            }
            Role::Opaque => {
                add(Resource::Unknown(value.text().to_owned()), category);
                note(unknowns, value, "what this does is not known to us");
            }
        }
    }

    /// Whether a text behind an `@` is a file rather than a host: by its directory, or because a secret is called so.
    fn names_file(&self, text: &str) -> bool {
        let place = paths::join(text, self.cwd.as_deref());
        text.starts_with(['.', '/', '~']) || places::kinds(&place, self.home.as_deref()).credential
    }

    fn on_path(
        &mut self,
        value: &Arg,
        role: Role,
        recursive: bool,
        operations: &mut Vec<Operation>,
        unknowns: &mut Vec<Unknown>,
    ) {
        let (action, category, reversibility) = role.effect();
        let plain = without_single_sets(value);
        let value = plain.as_ref().unwrap_or(value);
        let Some(mut places) = self.located(value, role, unknowns) else {
            let resource = Resource::Unknown(value.text().to_owned());
            operations.push(Operation { action, resource, category, reversibility, recursive });
            return;
        };
        let linked: Vec<String> = places.iter().flat_map(|place| self.linked(place)).collect();
        if linked.len() >= links::MAX_PLACES {
            note(unknowns, value, "links that the text makes lead it to more places than are looked at");
        }
        places.extend(linked);
        if places.iter().all(|place| paths::is_sink(place) || place == "-") {
            // What comes in can be read and written like nothing at all; it cannot be run like that.
            if matches!(role, Role::Script | Role::Load) {
                let resource = Resource::Unknown(value.text().to_owned());
                operations.push(Operation { action, resource, category, reversibility, recursive });
                note(unknowns, value, "runs whatever comes in");
            }
            return;
        }
        if role == Role::Read && value.text().starts_with('@') {
            note(unknowns, value, "some programs take further arguments from such a file");
        }
        let pattern = matches!(value, Arg::Pattern(_));
        for place in &places {
            let whole = recursive || place.ends_with("/**");
            let touch = self.touch(place, role, whole, pattern);
            for category in touch.categories {
                let resource = if pattern { Resource::Pattern(place.clone()) } else { Resource::Path(place.clone()) };
                operations.push(Operation { action, resource, category, reversibility, recursive });
            }
            let unknown = |why: &str| Unknown { text: place.clone(), why: why.to_owned() };
            unknowns.extend(touch.doubts.into_iter().map(unknown));
            let (cwd, home) = (self.cwd.as_deref(), self.home.as_deref());
            let in_project = self.project.as_deref().is_some_and(|project| paths::is_below(place, project));
            if role == Role::Read
                && !in_project
                && (!paths::is_open(place, cwd, home) || paths::holds_private(place, recursive || pattern, cwd, home))
            {
                self.away.get_or_insert_with(|| place.clone());
            }
        }
        if matches!(role, Role::Script | Role::Load) {
            unknowns.push(Unknown { text: places.join(", "), why: "the file is read as code".to_owned() });
        }
    }

    /// Says that a segment reads what is outside the project and not open to everybody, or touches what is ours, if it does.
    pub(crate) fn note_places(&mut self, factors: &mut Vec<Factor>) {
        if let Some(place) = self.away.take() {
            let why = format!("`{place}` is not part of the work, and not known to be public");
            factors.push(Factor { name: "outside_project", points: 20, why });
        }
        if let Some(place) = self.own_house.take() {
            let why = format!("`{place}` is the firewall's own");
            factors.push(Factor { name: "own_house", points: 40, why });
        }
    }

    /// The places that a path names: as it is written, and where it really leads if that is elsewhere. Nothing where
    /// the path is not known.
    fn located(&mut self, value: &Arg, role: Role, unknowns: &mut Vec<Unknown>) -> Option<Vec<String>> {
        let text = match value {
            Arg::Known(text) | Arg::Pattern(text) => text,
            // Names and sizes may be looked at anywhere, so which place it is does not matter.
            Arg::Unknown(_) if role == Role::Look => return None,
            Arg::Unknown(_) => {
                note(unknowns, value, "the path is not known before it runs");
                return None;
            }
        };
        if text == "-" || paths::is_sink(text) {
            return Some(vec![text.clone()]);
        }
        // `--output=~/x`: some shells expand the tilde, some programs do, and to the others it is a name.
        if text.starts_with("~/") && role != Role::Look {
            note(unknowns, value, "whether the tilde means the home here depends on the shell and the program");
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
        let real = if !fixed.starts_with('/') {
            Fact::Unknown
        } else if paths::is_of_own_process(fixed) {
            Fact::Unseen
        } else {
            self.fact(FactQuery::RealPath(fixed.to_owned()))
        };
        match real {
            Fact::Unseen => {
                if role != Role::Look {
                    note(unknowns, value, "where this really leads could not be looked at");
                }
                Some(vec![written])
            }
            Fact::RealPath(real) => {
                let real = format!("{real}{}", joined.strip_prefix(fixed).unwrap_or(""));
                // `..` behind a link leads elsewhere than the text says: then only the real place counts.
                Some(if real == written || paths::has_parent(&joined) { vec![real] } else { vec![written, real] })
            }
            Fact::Program(_) | Fact::File(_) | Fact::Names(_) | Fact::Unknown => {
                if paths::has_parent(&joined) {
                    note(unknowns, value, "where `..` leads depends on links that could not be looked at");
                }
                if !joined.starts_with('/') {
                    note(unknowns, value, "which directory this is in is not known before it runs");
                }
                Some(vec![written])
            }
        }
    }
}

fn note(unknowns: &mut Vec<Unknown>, value: &Arg, why: &str) {
    unknowns.push(Unknown { text: value.text().to_owned(), why: why.to_owned() });
}

/// A pattern with sets of one character taken for that character, where it has such sets.
fn without_single_sets(value: &Arg) -> Option<Arg> {
    let Arg::Pattern(text) = value else { return None };
    let plain = places::without_single_sets(text);
    if plain == *text {
        return None;
    }
    Some(if plain.contains(['*', '?', '[']) { Arg::Pattern(plain) } else { Arg::Known(plain) })
}

/// The host of a URL, of `user@host:path` or of `host:port`, lower case.
pub(crate) fn host_of(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.trim_start_matches(['@', '+']);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host =
        if host.starts_with('[') { host.split(']').next()?.trim_start_matches('[') } else { host.split(':').next()? };
    let plain =
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    plain.then(|| host.to_ascii_lowercase())
}

/// An address with placeholders or sets in it: no host by name, and yet plainly one or several.
fn looks_like_address(text: &str) -> bool {
    text.contains("://") && text.chars().all(|c| c.is_ascii_graphic())
}

/// Whether any operation goes out to the network.
pub(crate) fn connects(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| matches!(operation.action, Action::Connect | Action::Send))
}
