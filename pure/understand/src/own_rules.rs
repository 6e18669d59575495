//! What a few programs do by rules of their own, which an entry cannot state.

use model::{Action, Arg, Fact, FactQuery, FileKind};

use crate::knowledge::{Known, Role, Style};
use crate::lower::Lowering;
use crate::made_files::unpacks;
use crate::paths;
use crate::program::{Parsed, act};

impl Lowering<'_> {
    /// Adds what options and operands mean together.
    pub(crate) fn own_rules(&mut self, program: Known, parsed: &mut Parsed) {
        self.searches(program, parsed);
        match program.name {
            "crontab" => changes_besides(parsed),
            "journalctl" if selects_sign_ins(parsed) => act(&[Role::Secret], &mut parsed.operations),
            "socat" => self.addresses_of_sockets(parsed),
            "nc" | "ncat" | "netcat" | "nc.openbsd" => self.socket_by_path(parsed),
            "git var" if parsed.given.iter().any(|it| it == "-l") => act(&[Role::Secret], &mut parsed.operations),
            name if name.starts_with("git ") && asks_for_signature(parsed) => {
                act(&[Role::Program], &mut parsed.operations);
            }
            "git verify-commit" | "git verify-tag" => act(&[Role::Program], &mut parsed.operations),
            name if unpacks(name, parsed) => self.without_ending(parsed),
            "install" | "ginstall" => {
                self.privileged_mode(parsed);
                self.made_in_directory(parsed, false);
            }
            "mkdir" | "mkfifo" | "mknod" => self.privileged_mode(parsed),
            "ln" => {
                self.link_in_place(parsed);
                self.made_in_directory(parsed, true);
            }
            "mv" => self.rename_within_project(parsed),
            "git mv" => self.made_in_directory(parsed, true),
            "cp" => self.made_in_directory(parsed, parsed.recursive),
            "sed" | "gsed" | "ssed" => backups(parsed),
            "curl" | "curlie" => written_out(parsed),
            "ps" if parsed.operands.iter().any(|word| is_bundle_with_number(word.text())) => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "valgrind" => self.tool_by_name(parsed),
            "diffstat" => named_to_shell(parsed, &[]),
            "smem" => named_to_shell(parsed, &["-K", "--kernel"]),
            "bzgrep" | "bzegrep" | "bzfgrep" | "zstdgrep" => split_values(parsed),
            name if name.starts_with("getent") => library_by_name(parsed),
            "docker top" | "docker container top" | "podman top" if parsed.operands.len() > 1 => {
                act(&[Role::Secret], &mut parsed.operations)
            }
            "kubectl cluster-info" if parsed.operands.iter().any(|word| word.text() == "dump") => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "helm status" if parsed.settings.iter().any(|(option, _)| matches!(option.as_str(), "-o" | "--output")) => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "systemctl show" if !parsed.settings.iter().any(|(option, _)| is_property(option)) => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "git config" if parsed.given.iter().any(|it| matches!(it.as_str(), "--get-regexp" | "--get-urlmatch")) => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "kill" => everything(parsed),
            "ps" if shows_environment(parsed) => act(&[Role::Secret], &mut parsed.operations),
            "unzip" => self.unpack(parsed),
            "dmesg" => colours(parsed),
            "lsof" => self.addresses_by_name(parsed),
            "fd" | "fdfind" => kinds_of_files(parsed),
            "lslogins" if chooses(parsed, &["-o", "--output"], "pwd") => act(&[Role::Secret], &mut parsed.operations),
            "systemctl" | "systemctl show" if chooses(parsed, &["-p", "-P", "--property"], "nvironment") => {
                act(&[Role::Secret], &mut parsed.operations);
            }
            "exec" => as_login_shell(parsed),
            "strace" if abbreviates(parsed) => {
                act(&[Role::Secret], &mut parsed.operations);
                assigned_by_options(program.name, parsed);
            }
            "strace" | "xargs" | "gxargs" | "systemd-run" => assigned_by_options(program.name, parsed),
            _ if aims_at_secrets(parsed) => act(&[Role::Secret], &mut parsed.operations),
            _ if program.style == Style::Bundle && program.remote => {
                self.unpack(parsed);
                self.only_lists(parsed);
            }
            _ => {}
        }
    }

    /// `lsof -i @host`: the name of a host is looked up.
    fn addresses_by_name(&mut self, parsed: &mut Parsed) {
        let by_option = parsed.settings.iter().filter(|(option, _)| option == "-i").map(|(_, value)| value);
        let named = |value: &&Arg| {
            let host = value.text().split_once('@').map(|(_, host)| host);
            host.is_some_and(|host| !crate::suspect::is_numeric_address(host) && !host.starts_with('['))
        };
        let hosts: Vec<Arg> = by_option.chain(&parsed.operands).filter(named).cloned().collect();
        for host in hosts {
            self.effect(&host, Role::Host, false, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// `install -m 4755`: its product runs as its owner, for any user.
    fn privileged_mode(&mut self, parsed: &mut Parsed) {
        if parsed.operands.iter().skip(1).any(|kind| matches!(kind.text(), "b" | "c" | "u")) && !parsed.tar {
            act(&[Role::Elevate], &mut parsed.operations);
        }
        let sets = |(option, value): &(String, Arg)| match option.as_str() {
            "-m" | "--mode" => value.known().is_none_or(is_privileged),
            "-o" | "-g" | "--owner" | "--group" => true,
            _ => false,
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

    /// `mv a b` within the project, where there is no `b` yet: the file is written under another name, and nothing is lost.
    fn rename_within_project(&mut self, parsed: &mut Parsed) {
        const NOTHING_ELSE: &[&str] =
            &["-v", "--verbose", "-n", "--no-clobber", "-i", "--interactive", "-f", "--force"];
        let [Arg::Known(from), Arg::Known(to)] = parsed.operands.as_slice() else { return };
        let (cwd, home, project) = (self.cwd.clone(), self.home.clone(), self.project.clone());
        let (Some(project), Some(_)) = (project, &cwd) else { return };
        if to.ends_with('/') || !parsed.given.iter().all(|it| NOTHING_ELSE.contains(&it.as_str())) {
            return;
        }
        let (from, to) = (paths::plain(from, cwd.as_deref()), paths::plain(to, cwd.as_deref()));
        let is_ordinary = |path: &str| {
            let kinds = crate::places::kinds(path, home.as_deref());
            let below = path.strip_prefix(project.as_str()).is_some_and(|rest| rest.starts_with('/'));
            below && kinds.category(true).is_none() && kinds.category(false).is_none()
        };
        // What an earlier part of the text makes is not there yet, and would be lost.
        let made = |path: &str| {
            let mut operations = self.intent.segments.iter().flat_map(|it| &it.operations);
            operations.any(|it| {
                it.action != Action::Inspect && it.action != Action::Read && !it.resource.text().starts_with('/')
                    || it.resource.text() == path
                    || it.resource.text().contains('*')
            })
        };
        if !is_ordinary(&from) || !is_ordinary(&to) || made(&from) || made(&to) {
            return;
        }
        let is_file =
            matches!(self.fact(FactQuery::File(from.clone())), Fact::File(FileKind::Text(..) | FileKind::Opaque));
        let is_itself = matches!(self.fact(FactQuery::RealPath(from.clone())), Fact::RealPath(real) if real == from);
        let is_free = matches!(self.fact(FactQuery::File(to)), Fact::File(FileKind::Missing));
        if is_file && is_itself && is_free {
            parsed.operations.retain(|it| it.action != Action::Delete || it.resource.text() != from);
            self.effect(&Arg::Known(from), Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// `tar -t` reads its archive, and writes none.
    fn only_lists(&mut self, parsed: &mut Parsed) {
        const CHANGES: &[&str] = &[
            "-A",
            "--catenate",
            "--concatenate",
            "-c",
            "--create",
            "--delete",
            "-g",
            "--listed-incremental",
            "-r",
            "--append",
            "-u",
            "--update",
            "-x",
            "--extract",
            "--get",
        ];
        let given = |options: &[&str]| parsed.given.iter().any(|it| options.contains(&it.as_str()));
        if !given(&["-t", "--list"]) || given(CHANGES) {
            return;
        }
        let archives: Vec<Arg> = parsed
            .settings
            .iter()
            .filter(|(option, _)| matches!(option.as_str(), "-f" | "--file"))
            .map(|(_, value)| value.clone())
            .collect();
        for archive in archives {
            let mut written = Vec::new();
            self.effect(&archive, Role::Write, false, &mut written, &mut Vec::new());
            parsed.operations.retain(|it| it.action != Action::Write || !written.contains(it));
        }
    }

    /// `nc -U PATH` talks to whatever listens there.
    fn socket_by_path(&mut self, parsed: &mut Parsed) {
        let by_path =
            parsed.options.iter().any(|word| word == "--unixsock" || (!word.starts_with("--") && word.contains('U')));
        for operand in parsed.operands.clone().iter().filter(|it| by_path && it.text().contains('/')) {
            self.effect(operand, Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
        }
    }

    /// `socat FILE:a TCP:b:1`: what each address opens.
    fn addresses_of_sockets(&mut self, parsed: &mut Parsed) {
        for operand in parsed.operands.clone() {
            for address in operand.text().split("!!") {
                let Some((kind, rest)) = address.split_once(':') else { continue };
                let place = Arg::Known(rest.split(',').next().unwrap_or(rest).to_owned());
                let roles: &[Role] = match kind.to_ascii_uppercase().as_str() {
                    "FILE" | "OPEN" | "GOPEN" if rest.contains("rdonly") => &[Role::Read],
                    "FILE" | "OPEN" | "GOPEN" | "PIPE" | "FIFO" => &[Role::Read, Role::Write],
                    "CREATE" | "CREAT" => &[Role::Write],
                    kind if kind.starts_with("UNIX") => &[Role::Write],
                    "EXEC" | "SYSTEM" | "SHELL" => {
                        parsed.shell_texts.push(place);
                        continue;
                    }
                    _ => continue,
                };
                for role in roles {
                    self.effect(&place, *role, false, &mut parsed.operations, &mut parsed.unknowns);
                }
            }
        }
    }

    /// `valgrind --tool=NAME` starts a program of that name; some write what they find.
    fn tool_by_name(&mut self, parsed: &mut Parsed) {
        let tool = parsed.settings.iter().rev().find(|(option, _)| option == "--tool").map(|(_, value)| value.clone());
        match tool.as_ref().map(Arg::known) {
            None => {}
            Some(Some("memcheck" | "helgrind" | "drd" | "none" | "lackey")) => {}
            Some(Some(name @ ("massif" | "callgrind" | "cachegrind" | "dhat"))) => {
                let out = Arg::Known(format!("{name}.out"));
                self.effect(&out, Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
            }
            Some(_) => parsed.unknown("--tool", "it starts a program of this name"),
        }
    }
}

/// Options by which tools that search choose which files they read.
const CHOOSE: &[&str] = &["-g", "--glob", "--iglob", "--include", "--include-dir", "--type-add", "-G"];

/// Whether a search reads files with the usual names of secrets.
fn aims_at_secrets(parsed: &Parsed) -> bool {
    let lists = parsed.given.iter().any(|option| option == "--files");
    let aims = |(option, value): &(String, Arg)| {
        let text = value.text().trim_matches(['"', '\'']);
        // `--type-add NAME:PATTERN`
        let text = if option == "--type-add" { text.rsplit(':').next().unwrap_or(text) } else { text };
        CHOOSE.contains(&option.as_str()) && !text.starts_with('!') && crate::aim::at_secrets(text)
    };
    !lists && parsed.settings.iter().any(aims)
}

/// Whether an option that names columns or properties asks for one whose name says this.
fn chooses(parsed: &Parsed, options: &[&str], what: &str) -> bool {
    parsed
        .settings
        .iter()
        .any(|(option, value)| options.contains(&option.as_str()) && value.text().to_ascii_lowercase().contains(what))
}

/// `crontab -l -r`: some take one of several acts, others another.
fn changes_besides(parsed: &mut Parsed) {
    let changes = parsed.given.iter().any(|it| matches!(it.as_str(), "-r" | "-e" | "-i"));
    if changes || !parsed.operands.is_empty() {
        act(&[Role::Persist], &mut parsed.operations);
    }
}

/// Whether entries of signing in, or of commands as another user, are selected: `journalctl _COMM=sudo`. As files they are
/// kept from most users.
fn selects_sign_ins(parsed: &Parsed) -> bool {
    const PROGRAMS: &[&str] = &["sudo", "su", "doas", "login", "passwd", "pkexec"];
    let field = |arg: &Arg| {
        arg.text().split_once('=').is_some_and(|(name, value)| match name {
            "_COMM" | "SYSLOG_IDENTIFIER" | "_EXE" => PROGRAMS.contains(&value.rsplit('/').next().unwrap_or(value)),
            "SYSLOG_FACILITY" => matches!(value, "4" | "10"),
            _ => false,
        })
    };
    let option = |(option, value): &(String, Arg)| match option.as_str() {
        "-t" | "--identifier" => PROGRAMS.contains(&value.text()),
        "--facility" => value.text().split(',').any(|it| matches!(it, "auth" | "authpriv" | "4" | "10")),
        _ => false,
    };
    let path =
        |arg: &Arg| arg.text().starts_with('/') && PROGRAMS.iter().any(|it| arg.text().ends_with(&format!("/{it}")));
    parsed.operands.iter().any(|arg| field(arg) || path(arg)) || parsed.settings.iter().any(option)
}

/// `%G?`, `%(signature)`: the program that checks signatures is run, which a setting names.
fn asks_for_signature(parsed: &Parsed) -> bool {
    parsed.settings.iter().any(|(option, value)| {
        let text = value.text();
        let is_format = matches!(option.as_str(), "--format" | "--pretty");
        is_format && (text.replace("%%", "").contains("%G") || text.contains("%(signature"))
    })
}

/// `dmesg -LD`: what is glued to the letter is its value only where it is one.
fn colours(parsed: &mut Parsed) {
    let other = |(option, value): &&(String, Arg)| {
        matches!(option.as_str(), "-L" | "--color") && !matches!(value.text(), "auto" | "always" | "never")
    };
    if let Some(value) = parsed.settings.iter().find(other).map(|(_, value)| value.text().to_owned()) {
        parsed.unknown(&value, "it says no more than when to colour");
    }
}

/// `fd -t KIND`: anything else could be options that are bundled otherwise.
fn kinds_of_files(parsed: &mut Parsed) {
    const KINDS: &[&str] = &[
        "f",
        "file",
        "d",
        "dir",
        "directory",
        "l",
        "symlink",
        "s",
        "socket",
        "p",
        "pipe",
        "b",
        "block-device",
        "c",
        "char-device",
        "x",
        "executable",
        "e",
        "empty",
    ];
    let other = |(option, value): &&(String, Arg)| {
        matches!(option.as_str(), "-t" | "--type") && value.known().is_none_or(|kind| !KINDS.contains(&kind))
    };
    if let Some(kind) = parsed.settings.iter().find(other).map(|(_, value)| value.text().to_owned()) {
        parsed.unknown(&kind, "no kind of file that we know");
    }
}

/// `exec -l`, `exec -a -bash`: a shell whose name begins with a dash reads what a login reads.
fn as_login_shell(parsed: &mut Parsed) {
    let dashed =
        |(option, value): &(String, Arg)| option == "-a" && value.known().is_none_or(|name| name.starts_with('-'));
    if parsed.given.iter().any(|option| option == "-l") || parsed.settings.iter().any(dashed) {
        parsed.unknown("exec", "a program that is named as a login shell is reads start-up files first");
    }
}

/// Options of wrappers that set a variable for what they run.
fn assigned_by_options(program: &str, parsed: &mut Parsed) {
    for (option, value) in &parsed.settings {
        let text = value.known().unwrap_or("");
        let (name, value) = match option.as_str() {
            "-E" | "--env" | "--setenv" if !program.ends_with("xargs") => text.split_once('=').unwrap_or((text, "")),
            "--process-slot-var" => (text, "0"),
            _ => continue,
        };
        parsed.assigned.push((name.to_owned(), value.to_owned()));
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

fn is_property(option: &str) -> bool {
    matches!(option, "-p" | "-P" | "--property")
}

/// `sed -i'DIR/*'`: the ending of a backup is a path, in which `*` is the name of the file.
fn backups(parsed: &mut Parsed) {
    let ending = |word: &String| {
        word.strip_prefix("--in-place=")
            .or_else(|| word.strip_prefix("-i"))
            .is_some_and(|it| it.contains(['/', '*']) || [".md", ".yml", ".yaml", ".json", ".toml"].contains(&it))
    };
    if let Some(word) = parsed.options.iter().find(|word| ending(word)).cloned() {
        parsed.unknown(&word, "a copy of each file is kept under a name that this makes");
    }
}

/// Names that a program puts into a text for the shell.
fn named_to_shell(parsed: &mut Parsed, options: &[&str]) {
    let plain = |value: &Arg| {
        value.known().is_some_and(|text| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-' | b'+'))
        })
    };
    let by_option = parsed.settings.iter().filter(|(option, _)| options.contains(&option.as_str())).map(|(_, it)| it);
    let operands = parsed.operands.iter().filter(|_| options.is_empty());
    if let Some(name) = by_option.chain(operands).find(|value| !plain(value)).map(|value| value.text().to_owned()) {
        parsed.unknown(&name, "the program puts this name into a text that a shell runs");
    }
}

/// Scripts around `grep` that split the values of options at blanks.
fn split_values(parsed: &mut Parsed) {
    let several = |value: &&Arg| value.known().is_none_or(|text| text.contains([' ', '\t', '\n', '*', '?', '[']));
    let values = parsed.settings.iter().filter(|(option, _)| !matches!(option.as_str(), "-e" | "--regexp"));
    if let Some(value) = values.map(|(_, value)| value).find(several).map(|value| value.text().to_owned()) {
        parsed.unknown(&value, "the program takes this for several words");
    }
}

/// `getent -s NAME` loads a library by that name.
fn library_by_name(parsed: &mut Parsed) {
    const SERVICES: &[&str] =
        &["files", "dns", "compat", "systemd", "db", "nis", "mymachines", "myhostname", "resolve", "sss"];
    let other = |(option, value): &&(String, Arg)| {
        let names = || value.text().split([':', ' ']).all(|name| SERVICES.contains(&name));
        matches!(option.as_str(), "-s" | "--service") && !(value.known().is_some() && names())
    };
    if let Some(value) = parsed.settings.iter().find(other).map(|(_, value)| value.text().to_owned()) {
        parsed.unknown(&value, "it loads a library by this name");
    }
}

/// `strace -e abbrev=…` may show whole environments.
fn abbreviates(parsed: &Parsed) -> bool {
    parsed.settings.iter().any(|(option, value)| {
        option == "--abbrev" || (matches!(option.as_str(), "-e") && value.text().starts_with("abbrev"))
    })
}

/// `curl -w '%output{FILE}'` writes the file; `-w @FILE` takes the format from one.
fn written_out(parsed: &mut Parsed) {
    let opens = |(option, value): &&(String, Arg)| {
        let text = value.text();
        matches!(option.as_str(), "-w" | "--write-out")
            && (value.known().is_none() || text.contains("%output") || text.starts_with('@'))
    };
    if let Some(format) = parsed.settings.iter().find(opens).map(|(_, value)| value.text().to_owned()) {
        parsed.unknown(&format, "a format that can name a file to write");
    }
}

/// `ps eww1`: letters, and a process behind them.
fn is_bundle_with_number(word: &str) -> bool {
    let letters = word.trim_start_matches('-').trim_end_matches(|c: char| c.is_ascii_digit());
    !letters.is_empty() && letters.len() < word.trim_start_matches('-').len() && letters.contains('e')
}
