//! What is known of the place that a role is on: a credential's, one that makes code run later, or ours.

use model::{Action, Arg, Category, Segment};

use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::places;

/// How many steps it takes to work out which places a pattern may match.
const STEPS_OF_PATTERN: usize = 24;

/// How a role on a place is judged.
pub(crate) struct Touch {
    pub(crate) categories: Vec<Category>,
    /// What the place could be, and is not known to be.
    pub(crate) doubts: Vec<&'static str>,
}

/// Whether a role touches what is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
    No,
    Known,
    /// What rules say may be read by whoever asks people.
    Rules,
    Doubt,
}

impl Lowering<'_> {
    /// Judges a role on a place. `whole`: all below the place is meant.
    pub(crate) fn touch(&mut self, place: &str, role: Role, whole: bool, pattern: bool) -> Touch {
        let (_, usual, _) = role.effect();
        let mut touch = Touch { categories: Vec::new(), doubts: Vec::new() };
        if role == Role::Look {
            touch.categories.push(usual);
            return touch;
        }
        // A pattern is held against many places.
        if pattern && !self.budget.take_steps(STEPS_OF_PATTERN) {
            touch.categories.push(usual);
            return touch;
        }
        let reads = matches!(role, Role::Read | Role::Script | Role::Load);
        let settings = reads && !pattern && place.ends_with("/.git/config") && self.git_file_holds_a_secret(place);
        let home = self.home.as_deref();
        let found = places::kinds(place, home);
        let could = if pattern { places::could_be(place, home, whole) } else { places::Kinds::default() };
        let ours = self.ours(place, role, whole, pattern);
        let is_ours = matches!(ours, Ours::Known | Ours::Rules);
        if reads {
            let below = role == Role::Read && places::holds_credentials(place.trim_end_matches("/**"), home);
            if found.credential || settings || below || is_ours || could.credential || could.own || ours == Ours::Doubt
            {
                touch.categories.push(Category::CredentialAccess);
            }
        } else {
            if found.later || found.device || is_ours || could.later || could.own || ours == Ours::Doubt {
                touch.categories.push(Category::PersistenceConfig);
            }
            if found.credential && !found.device {
                touch.categories.push(Category::CredentialAccess);
            }
        }
        if could.credential && !found.credential {
            touch.doubts.push("the pattern may match files that hold secrets");
        }
        if could.later && !reads && !found.later {
            touch.doubts.push("the pattern may match files that make code run later, or that instruct agents");
        }
        if (could.own && !is_ours) || ours == Ours::Doubt {
            touch.doubts.push("it may reach the firewall's own settings, state or record");
        }
        if ours == Ours::Known {
            self.own_house.get_or_insert_with(|| place.to_owned());
        }
        if touch.categories.is_empty() {
            touch.categories.push(usual);
        }
        touch
    }

    /// Notes a segment that ends or holds up the firewall itself, or that operates it as people do.
    pub(crate) fn note_own_service(&mut self, segment: &Segment) {
        let head = segment.argv.first().and_then(Arg::known).unwrap_or("");
        let head = head.rsplit('/').next().unwrap_or(head);
        let has = |words: &[&str]| segment.argv.iter().any(|arg| words.contains(&arg.text()));
        let manages = match head {
            "systemctl" | "service" | "launchctl" | "rc-service" | "rc-update" | "sv" | "update-rc.d" | "chkconfig"
            | "initctl" | "supervisorctl" | "s6-svc" | "machinectl" | "monit" | "svcadm" => true,
            "docker" | "podman" | "nerdctl" | "docker-compose" => {
                has(&["kill", "rm", "stop", "pause", "restart", "down"])
            }
            "strace" | "ltrace" | "gdb" | "lldb" | "gcore" | "reptyr" | "nsenter" | "fuser" => {
                has(&["-p", "--pid", "--attach", "-k", "-t"]) || head == "gcore" || head == "reptyr"
            }
            _ => false,
        };
        let changes = |action: Action| !matches!(action, Action::Inspect | Action::Read);
        let controls = segment
            .operations
            .iter()
            .any(|operation| operation.action == Action::Control || (manages && changes(operation.action)));
        let by_pattern = head.ends_with("pkill") || (head == "killall" && has(&["-r", "--regexp"]));
        let named = |arg: &&Arg| names_ours(arg.text(), by_pattern);
        let is_ours = segment.argv.first().and_then(Arg::known).is_some_and(is_own_name);
        let mut words = segment.argv.iter().skip(usize::from(!is_ours));
        if (controls || (manages && traces(head)))
            && let Some(named) = words.find(named)
        {
            self.own_house.get_or_insert_with(|| named.text().to_owned());
        }
        if matches!(head, "mount" | "umount")
            && let Some(place) = segment.argv.iter().skip(1).filter_map(Arg::known).find(|it| self.is_ours_at(it))
        {
            self.own_house.get_or_insert_with(|| place.to_owned());
        }
        if controls && self.looked_for_us(segment) {
            self.own_house.get_or_insert_with(|| "a process that the text looks up by our name".to_owned());
        }
    }

    /// Whether a word is a path to what is ours.
    fn is_ours_at(&self, word: &str) -> bool {
        let place = crate::paths::plain(word, self.cwd.as_deref());
        places::kinds(&place, self.home.as_deref()).own || self.is_firewalls(&place)
    }

    /// `pgrep countersignd | xargs kill`: processes that only their look-up names.
    fn looked_for_us(&self, segment: &Segment) -> bool {
        let open = segment.argv.iter().skip(1).any(|arg| arg.known().is_none());
        let before = || self.intent.segments.iter();
        let is = |it: &&Segment, names: &[&str]| it.argv.first().is_some_and(|head| names.contains(&head.text()));
        let lists = before().any(|it| is(&it, &["ps", "top"]));
        let names_us = |it: &Segment| it.argv.iter().skip(1).any(|arg| names_ours(arg.text(), false));
        open && before().any(|it| {
            names_us(it)
                && (is(&it, &["pgrep", "pidof", "fuser", "lsof"])
                    || (lists && is(&it, &["grep", "egrep", "awk", "rg"])))
        })
    }

    /// Whether a place is where the firewall really keeps what is its own.
    pub(crate) fn is_firewalls(&self, place: &str) -> bool {
        self.own.iter().any(|own| is_within(place, own))
    }

    fn ours(&self, place: &str, role: Role, whole: bool, pattern: bool) -> Ours {
        let home = self.home.as_deref();
        let reads = matches!(role, Role::Read | Role::Script | Role::Load);
        let place = place.trim_end_matches("/**").trim_end_matches('/');
        let is_own = places::kinds(place, home).own || self.is_firewalls(place);
        if is_own {
            let of_rules = place.contains("/policy/") && place.to_ascii_lowercase().ends_with(".toml");
            return if reads && of_rules { Ours::Rules } else { Ours::Known };
        }
        let above = |own: &String| own.len() > place.len() && is_within(own, place);
        let has_own = self.own.iter().any(above);
        if reads {
            // A whole home, or what homes are in, is read for many reasons; people are asked about it.
            let inside_home = home.is_some_and(|home| is_within(place, home) && place.len() > home.len());
            if has_own && inside_home {
                return Ours::Known;
            }
        } else {
            let in_project = self.project.as_deref().is_some_and(|project| is_within(place, project));
            let has_program = !in_project && self.own_programs.iter().any(above);
            let ends_it = matches!(role, Role::Delete | Role::Permit);
            if is_own_program(place) || self.own_programs.iter().any(|own| is_within(place, own)) {
                return Ours::Known;
            }
            if (has_own || has_program) && ends_it {
                return Ours::Known;
            }
            if has_own && whole {
                return Ours::Doubt;
            }
        }
        let could = |own: &String| places::could_reach(place, own, whole || !reads);
        if pattern && (self.own.iter().any(could) || (!reads && self.own_programs.iter().any(could))) {
            return Ours::Doubt;
        }
        Ours::No
    }
}

/// Whether a program looks into a process or changes it.
fn traces(program: &str) -> bool {
    matches!(program, "strace" | "ltrace" | "gdb" | "lldb" | "gcore" | "reptyr" | "nsenter" | "fuser")
}

/// Whether a word names a process or service of the firewall, or is a pattern that fits one; of a pattern for `pkill` any part of
/// a name is enough.
fn names_ours(word: &str, by_pattern: bool) -> bool {
    const OURS: &[&str] =
        &["countersign", "countersignd", "countersign-gate", "countersign-logd", "countersignd.service"];
    let word = word.to_ascii_lowercase();
    if word.contains("countersign") {
        return true;
    }
    let wild = word.contains(['*', '?', '[', '.']);
    if by_pattern {
        // `counter[s]ign`, `counter.*`, `^count`
        let plain: String =
            word.chars().filter(|c| !matches!(c, '[' | ']' | '^' | '$' | '*' | '.' | '(' | ')')).collect();
        return plain.len() >= 4 && OURS.iter().any(|own| own.contains(&plain));
    }
    let fixed = word.chars().filter(char::is_ascii_alphanumeric).count();
    wild && fixed >= 4 && OURS.iter().any(|own| crate::find::could_match(&word, own))
}

/// Whether a path is a directory, or in it; capitals and small letters are the same.
fn is_within(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.get(..directory.len()).is_some_and(|head| head.eq_ignore_ascii_case(directory))
        && path.get(directory.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is where one of our programs is installed.
fn is_own_program(path: &str) -> bool {
    let directory = path.rsplit('/').nth(1).unwrap_or("");
    is_own_name(path) && matches!(directory, "bin" | "sbin" | "libexec" | "countersign")
}

/// Whether a program has the name of one of our programs, by its name or path.
fn is_own_name(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    name.get(..11).is_some_and(|head| head.eq_ignore_ascii_case("countersign"))
        && name.get(11..).is_some_and(|rest| matches!(rest, "" | "d" | "-logd" | "-gate" | "-web"))
}
