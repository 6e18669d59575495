//! Links that the text makes: the new name means the place, so a link to a secret reaches it.

use model::{Action, Arg, Operation, Resource, Segment};

use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::state::Link;
use crate::{paths, places};

impl Lowering<'_> {
    /// Notes the links that a command makes, and what it thereby gets at.
    pub(crate) fn links_of(&mut self, name: &str, args: &[Arg], segment: &mut Segment) {
        let letters = |wanted: &str| {
            args.iter().take_while(|arg| arg.text() != "--").any(|arg| {
                let text = arg.text();
                text.starts_with('-') && !text.starts_with("--") && text.contains(|letter| wanted.contains(letter))
            })
        };
        let long = |wanted: &str| args.iter().any(|arg| arg.text().len() > 3 && wanted.starts_with(arg.text()));
        let links = match name {
            "ln" | "link" => true,
            "cp" => letters("ls") || long("--link") || long("--symbolic-link"),
            _ => false,
        };
        if !links {
            return;
        }
        let symbolic = (name == "ln" && (letters("s") || long("--symbolic"))) || (name == "cp" && !letters("l"));
        let directory = args.iter().enumerate().find_map(|(at, arg)| match arg.text() {
            "-t" | "--target-directory" => args.get(at.saturating_add(1)).cloned(),
            text => text.strip_prefix("--target-directory=").map(|text| Arg::Known(text.to_owned())),
        });
        let operands: Vec<&Arg> =
            args.iter().filter(|arg| !arg.text().starts_with('-') && Some(*arg) != directory.as_ref()).collect();
        let here = Arg::Known(".".to_owned());
        let (sources, target) = match (&directory, operands.as_slice()) {
            (Some(directory), sources) => (sources, directory),
            (None, [only]) => (std::slice::from_ref(only), &here),
            (None, [sources @ .., target]) => (sources, *target),
            (None, []) => return,
        };
        for source in sources {
            self.link_to(source, target, symbolic, segment);
        }
    }

    fn link_to(&mut self, source: &Arg, target: &Arg, symbolic: bool, segment: &mut Segment) {
        let (Some(from), Some(to)) = (source.known(), target.known()) else {
            // Which place gets which name shows only when it runs.
            self.state.drift();
            return;
        };
        let name = paths::plain(to, self.cwd.as_deref());
        // What a symbolic link says is read from where the link is; a hard link's is read from here.
        let base = if symbolic && !from.starts_with('/') {
            name.rsplit_once('/').map(|(directory, _)| if directory.is_empty() { "/" } else { directory }.to_owned())
        } else {
            self.cwd.clone()
        };
        let mut place = paths::plain(from, base.as_deref());
        if symbolic && !from.starts_with('/') {
            // Where the target is a directory the link is one deeper.
            let inside = paths::plain(from, Some(&name));
            let kept = |path: &str| places::kinds(path, self.home.as_deref());
            if kept(&inside).category(true).is_some() && kept(&place).category(true).is_none() {
                place = inside;
            }
        }
        if places::kinds(&place, self.home.as_deref()).category(false).is_some() || self.is_firewalls(&place) {
            let value = Arg::Known(place.clone());
            self.effect(&value, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
        }
        // A write to the new name writes there: reviewers must know, and it is not done yet.
        if places::kinds(&place, self.home.as_deref()).later {
            let (action, category, reversibility) = Role::Persist.effect();
            let resource = Resource::Unknown(format!("another name for {place}"));
            segment.operations.push(Operation { action, resource, category, reversibility, recursive: false });
        }
        let inside = place.rsplit('/').next().map(|last| format!("{}/{last}", name.trim_end_matches('/')));
        for name in std::iter::once(name).chain(inside) {
            self.link(Link { name, target: place.clone() });
        }
    }

    /// A command that reads a secret leaves it in what it writes: under that name it is the same secret.
    pub(crate) fn note_copies(&mut self, segment: &Segment) {
        if let Some(secret) = crate::leak::handed_on(std::slice::from_ref(segment)) {
            self.copied(&secret.resource.clone(), segment);
        }
    }

    /// What a command writes holds the secret that it is given.
    pub(crate) fn copied(&mut self, secret: &Resource, into: &Segment) {
        let Resource::Path(secret) = secret else { return };
        for operation in into.operations.iter().filter(|operation| operation.action == Action::Write) {
            if let Resource::Path(name) = &operation.resource
                && name != secret
            {
                self.link(Link { name: name.clone(), target: secret.clone() });
            }
        }
    }

    /// A place gets a second name.
    fn link(&mut self, link: Link) {
        if self.links.contains(&link) {
            return;
        }
        if self.links.len() >= MAX_LINKS {
            self.state.drift();
            self.unknown("", "the text makes more links than are followed");
        } else {
            self.links.push(link);
        }
    }

    /// The places that a path or pattern leads to by links that the text makes.
    pub(crate) fn linked(&self, path: &str) -> Vec<String> {
        if self.links.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<String> = Vec::new();
        if let Some((head, _)) = path.split_once(['*', '?', '[']) {
            let matching = self.links.iter().filter(|link| link.name.starts_with(head));
            found.extend(matching.map(|link| link.target.clone()).take(MAX_PLACES));
        }
        let mut next = vec![path.to_owned()];
        while let Some(path) = next.pop() {
            for link in &self.links {
                let rest = path.strip_prefix(link.name.as_str());
                let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) else { continue };
                let place = paths::plain(&format!("{}{rest}", link.target), None);
                // What a link leads to within itself is nowhere: following it never ends.
                let endless = place.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
                if place != path && !endless && !found.contains(&place) && found.len() < MAX_PLACES {
                    found.push(place.clone());
                    next.push(place);
                }
            }
        }
        found
    }
}

/// How many links are kept. A text with more of them is not understood.
const MAX_LINKS: usize = 32;

/// How many places one path may lead to. One that leads to as many is not understood.
pub(crate) const MAX_PLACES: usize = 16;
