//! What a few programs do by rules of their own, which an entry cannot state.

use model::{Action, Arg, Category, Operation, Resource, Reversibility};

use crate::knowledge::{Known, Role, Style};
use crate::lower::Lowering;
use crate::paths;
use crate::program::{Parsed, act};

impl Lowering<'_> {
    /// Adds what options and operands mean together.
    pub(crate) fn own_rules(&mut self, program: Known, parsed: &mut Parsed) {
        match program.name {
            "install" | "ginstall" | "mkdir" | "mkfifo" | "mknod" => self.privileged_mode(parsed),
            "ln" => self.link_in_place(parsed),
            "kill" => everything(parsed),
            "ps" if shows_environment(parsed) => act(&[Role::Secret], &mut parsed.operations),
            "unzip" => self.unpack(parsed),
            _ if program.style == Style::Bundle && program.remote => self.unpack(parsed),
            _ => {}
        }
    }

    /// `install -m 4755`: what it makes runs as its owner, whoever starts it.
    fn privileged_mode(&mut self, parsed: &mut Parsed) {
        let sets = |(option, value): &(String, Arg)| {
            matches!(option.as_str(), "-m" | "--mode") && value.known().is_none_or(is_privileged)
        };
        if !parsed.settings.iter().any(sets) {
            return;
        }
        if let Some(made) = parsed.operands.last().cloned() {
            self.effect(&made, Role::Permit, false, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// `ln -s /a/b` makes `./b`.
    fn link_in_place(&mut self, parsed: &mut Parsed) {
        let elsewhere = parsed.given.iter().any(|option| matches!(option.as_str(), "-t" | "--target-directory"));
        let [Arg::Known(target)] = parsed.operands.as_slice() else { return };
        let name = target.trim_end_matches('/').rsplit('/').next().unwrap_or(target).to_owned();
        if !elsewhere {
            self.effect(&Arg::Known(name), Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// An archive that is unpacked names the files that it writes: into the root, a directory of the system or a home,
    /// or by absolute names, these may be any.
    fn unpack(&mut self, parsed: &mut Parsed) {
        let given = |options: &[&str]| parsed.given.iter().any(|it| options.contains(&it.as_str()));
        let unpacks = if parsed.tar {
            given(&["-x", "--extract", "--get"])
        } else {
            !given(&["-l", "-p", "-t", "-v", "-z", "-Z"])
        };
        if !unpacks {
            return;
        }
        let into =
            parsed.settings.iter().rev().find(|(option, _)| {
                matches!(option.as_str(), "-C" | "--directory" | "--cd" | "-d" | "--one-top-level")
            });
        let cwd = self.cwd.as_deref();
        let place = match into {
            Some((_, value)) => value.known().map(|text| paths::plain(text, cwd)),
            None => cwd.map(str::to_owned),
        };
        let broad = place.as_deref().is_some_and(|place| {
            place.trim_end_matches('/').matches('/').count() <= 1 || Some(place) == self.home.as_deref()
        });
        let absolute = parsed.tar && given(&["-P", "--absolute-names", "--absolute-paths"]);
        if broad || absolute {
            let below = if absolute { "/" } else { place.as_deref().unwrap_or("/") };
            parsed.operations.push(Operation {
                action: Action::Write,
                resource: Resource::Pattern(format!("{}/**", below.trim_end_matches('/'))),
                category: Category::PersistenceConfig,
                reversibility: Reversibility::Partial,
                recursive: true,
            });
        }
    }
}

/// Whether a mode has the bits by which a program runs as its owner or group.
fn is_privileged(mode: &str) -> bool {
    match u32::from_str_radix(mode, 8) {
        Ok(bits) => bits & 0o6000 != 0,
        Err(_) => mode.contains('s'),
    }
}

/// `kill -9 -1`: every process that it may stop.
fn everything(parsed: &mut Parsed) {
    if parsed.operands.iter().any(|operand| operand.text() == "-1") {
        act(&[Role::Elevate], &mut parsed.operations);
    }
}

/// `ps -auxe`: where no user is called `xe`, that is `ps auxe`, which shows environments. Some can be asked for them
/// by the name of a column.
fn shows_environment(parsed: &Parsed) -> bool {
    parsed.settings.iter().any(|(option, value)| match option.as_str() {
        "-u" | "-U" | "-g" | "-G" | "-t" => {
            let glued = parsed.options.iter().any(|word| word.len() > 2 && word.ends_with(value.text()));
            glued && value.text().contains('e')
        }
        "-o" | "-O" | "o" | "O" | "--format" => value.text().contains("env"),
        _ => false,
    })
}
