//! Properties that hold for every text: quoting changes nothing, more never makes less of a risk, and what bash really
//! executes is among what we said it would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use model::{Arg, Digest, Intent, RequestDigest};
use pdp::{Decision, Policy, Verdict};
use testkit::corpus;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.next(list.len())]
    }
}

fn decide(text: &str, policy: &Policy) -> (Intent, Decision) {
    let intent = understand::read_blind(text);
    let request = RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
    let decision = pdp::evaluate(request, &intent, &testkit::at_work(), policy);
    (intent, decision)
}

fn rank(decision: &Decision) -> usize {
    match decision.verdict() {
        Verdict::Allow(_) => 0,
        Verdict::Ask(..) => 1,
        Verdict::Deny => 2,
    }
}

fn shipped() -> Policy {
    Policy::preset("strict").unwrap()
}

/// The commands of the corpus that are words with blanks between.
fn plain_commands() -> Vec<String> {
    let plain = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || " _./:@%+,=-".contains(c))
            && !text.starts_with([' ', '='])
            // Z shell reads `=NAME` otherwise, quoted or not.
            && !text.contains(" =")
            && !text.split(' ').next().unwrap_or("").contains('=')
    };
    let keyword = |text: &str| {
        matches!(
            text.split(' ').next(),
            Some("time" | "if" | "for" | "while" | "case" | "coproc" | "function" | "until" | "select")
        )
    };
    let cases = corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    let found: Vec<String> =
        cases.into_iter().map(|case| case.text).filter(|text| plain(text) && !keyword(text)).collect();
    assert!(found.len() > 300, "only {} plain commands", found.len());
    found
}

/// A word written in another way that the shell reads as the same.
fn requoted(word: &str, dice: &mut Dice) -> String {
    if word.is_empty() {
        return word.to_owned();
    }
    match dice.next(7) {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => word.chars().map(|c| if c.is_ascii_alphabetic() { format!("\\{c}") } else { c.to_string() }).collect(),
        3 => format!("$'{}'", word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>()),
        4 => word.chars().map(|c| format!("{c}''")).collect(),
        5 => word.chars().map(|c| format!("\"{c}\"")).collect(),
        _ => format!("\"\"{word}''"),
    }
}

#[test]
fn quoting_changes_neither_verdict_nor_effects() {
    let policy = shipped();
    let mut dice = Dice(11);
    for text in plain_commands() {
        let (intent, decision) = decide(&text, &policy);
        for _ in 0..6 {
            let other: Vec<String> = text.split(' ').map(|word| requoted(word, &mut dice)).collect();
            let other = other.join(" ");
            let (other_intent, other_decision) = decide(&other, &policy);
            let operations = |intent: &Intent| intent.operations().map(ToString::to_string).collect::<Vec<_>>();
            if other.contains("$'") {
                // A POSIX shell knows no such quotes: where that makes another text of it, people are asked.
                assert!(rank(&decision) <= rank(&other_decision), "`{text}` and `{other}`");
                continue;
            }
            assert_eq!(operations(&intent), operations(&other_intent), "`{text}` and `{other}`");
            assert_eq!(rank(&decision), rank(&other_decision), "`{text}` and `{other}`");
        }
    }
}

#[test]
fn one_more_command_never_lowers_verdict_or_risk() {
    let policy = shipped();
    let commands = plain_commands();
    let mut dice = Dice(13);
    for text in &commands {
        let (_, alone) = decide(text, &policy);
        for join in ["; ", " && ", " || ", " & ", "\n", " | "] {
            let other = &commands[dice.next(commands.len())];
            // What changes how the rest is read may make it less of a risk: nothing follows `exit`, `cd` moves it.
            if ["cd", "exit", "exec", "set", "export", "unset"]
                .iter()
                .any(|it| text.starts_with(it) || other.starts_with(it))
            {
                continue;
            }
            for both in [format!("{text}{join}{other}"), format!("{other}{join}{text}")] {
                let (_, together) = decide(&both, &policy);
                assert!(rank(&together) >= rank(&alone), "`{both}` is judged milder than `{text}`");
                assert!(together.risk().score() >= alone.risk().score(), "`{both}` scores lower than `{text}`");
            }
        }
    }
}

#[test]
fn a_wrapper_never_lowers_verdict_or_risk() {
    const WRAPPERS: &[&str] = &[
        "nice",
        "nohup",
        "env",
        "command",
        "timeout 5",
        "stdbuf -oL",
        "setsid",
        "sudo",
        "sudo -u bob",
        "ionice -c3",
        "exec",
        "xargs",
        "busybox",
        "strace",
        "watch",
        "flock lock",
    ];
    let policy = shipped();
    for text in plain_commands() {
        let (_, alone) = decide(&text, &policy);
        // Builtins are other programs, or none, behind a wrapper.
        let builtin = [
            "cd", "eval", "source", ".", "exec", "jobs", "trap", "alias", "export", "read", "set", "shopt", "history",
            "type", "hash", "builtin", "let", "printf", "unset", "declare", "command",
        ];
        if builtin.iter().any(|it| text.split(' ').next() == Some(it)) {
            continue;
        }
        for wrapper in WRAPPERS {
            // `xargs` gives its command an empty input, so there is no list of names to read from it.
            if *wrapper == "xargs" && text.contains("--files0-from=-") {
                continue;
            }
            let wrapped = format!("{wrapper} {text}");
            let (_, decision) = decide(&wrapped, &policy);
            assert!(rank(&decision) >= rank(&alone), "`{wrapped}` is judged milder than `{text}`");
            assert!(decision.risk().score() >= alone.risk().score(), "`{wrapped}` scores lower than `{text}`");
        }
        let quoted = format!("sh -c '{text}'");
        let (_, decision) = decide(&quoted, &policy);
        assert!(rank(&decision) >= rank(&alone), "`{quoted}` is judged milder than `{text}`");
    }
}

/// Programs that only note how they were called.
const STUBS: &[&str] = &["alpha", "beta", "gamma", "delta"];

/// A text of shell that calls the stubs in many ways.
fn script(dice: &mut Dice, depth: usize) -> String {
    let simple = |dice: &mut Dice| {
        let name = dice.pick(STUBS).to_owned();
        let mut text = if dice.next(4) == 0 { requoted(&name, dice) } else { name };
        for _ in 0..dice.next(3) {
            let word = match dice.next(10) {
                0 => requoted(dice.pick(&["one", "two-2", "a.b", "x/y"]), dice),
                1 => "\"$v\"".to_owned(),
                2 => "$v".to_owned(),
                3 => "\"$(echo w)\"".to_owned(),
                4 => "{p,q}".to_owned(),
                5 => "${v:-d}".to_owned(),
                6 => format!("\"$({} in)\"", dice.pick(STUBS)),
                7 => "$((1 + 2))".to_owned(),
                8 => "'a b'".to_owned(),
                _ => dice.pick(&["one", "-x", "--long=1", "z"]).to_owned(),
            };
            text.push(' ');
            text.push_str(&word);
        }
        text
    };
    if depth == 0 {
        return simple(dice);
    }
    let one = script(dice, depth - 1);
    let two = script(dice, depth - 1);
    match dice.next(26) {
        0 => format!("{one}; {two}"),
        1 => format!("{one} && {two}"),
        2 => format!("{one} || {two}"),
        3 => format!("({one}; {two})"),
        4 => format!("{{ {one}; {two}; }}"),
        5 => format!("if {one}; then {two}; else {one}; fi"),
        6 => format!("for v in a b; do {one}; done"),
        7 => format!("case x in a) {one} ;; *) {two} ;; esac"),
        8 => format!("f() {{ {one}; }}; f; {two}"),
        9 => format!("{one} | cat"),
        10 => format!("eval '{}'", one.replace('\'', "'\\''")),
        11 => format!("sh -c '{}'", one.replace('\'', "'\\''")),
        12 => format!("v=val; {one}"),
        13 => format!("env A=1 {}", simple(dice)),
        14 => format!("nice -n 1 timeout 5 {}", simple(dice)),
        15 => format!("{} > out.txt", simple(dice)),
        16 => format!("cat <<X\n$({one})\nX"),
        17 => format!("cat <<< \"$({one})\""),
        18 => format!("! {one}"),
        19 => format!("while {one}; do {two}; break; done"),
        20 => format!("[[ -n \"$({one})\" ]] && {two}"),
        21 => format!("echo x y | xargs {}", dice.pick(STUBS)),
        22 => format!("c={}; $c k; {one}", dice.pick(STUBS)),
        23 => format!("trap '{}' EXIT; {two}", dice.pick(STUBS)),
        24 => format!("cat <({one})"),
        _ => format!("echo $({one}) `{}`", dice.pick(STUBS)),
    }
}

/// What a call came to, as bash made it.
fn calls(log: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.split('\u{1e}')
        .filter(|call| !call.is_empty())
        .map(|call| call.trim_end_matches('\u{1f}').split('\u{1f}').map(str::to_owned).collect())
        .collect()
}

fn matches(argv: &[Arg], call: &[String]) -> bool {
    // An argument that is not known can be any number of words.
    if argv.iter().any(|arg| matches!(arg, Arg::Unknown(_))) {
        return argv
            .first()
            .is_none_or(|head| head.known().is_none_or(|name| call.first().is_some_and(|it| it == name)));
    }
    argv.len() == call.len()
        && argv.iter().zip(call).all(|(arg, word)| match arg {
            Arg::Known(text) => text == word,
            Arg::Pattern(pattern) => pattern.contains(['*', '?']),
            Arg::Unknown(_) => true,
        })
}

#[test]
fn what_bash_executes_is_among_what_is_understood() {
    let directory = std::env::temp_dir().join(format!("countersign-trace-{}", std::process::id()));
    let stubs = directory.join("stubs");
    fs::create_dir_all(&stubs).unwrap();
    let log = directory.join("log");
    let stub =
        format!("#!/bin/sh\n{{ printf '%s\\037' \"${{0##*/}}\" \"$@\"; printf '\\036'; }} >> {}\n", log.display());
    for name in STUBS {
        fs::write(stubs.join(name), &stub).unwrap();
        fs::set_permissions(stubs.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut dice = Dice(17);
    let (mut executed, mut understood) = (0_usize, 0_usize);
    for round in 0..2_000 {
        let text = script(&mut dice, 1 + round % 3);
        let _ = fs::remove_file(&log);
        let _ = Command::new("bash")
            .args(["-c", &text])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", stubs.display()))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let intent = understand::read_blind(&text);
        let opaque = intent.unknowns.len()
            + intent
                .segments
                .iter()
                .flat_map(|it| &it.unknowns)
                .filter(|it| it.why != "this program is not known to us")
                .count();
        for call in calls(&log) {
            executed += 1;
            let found = intent.segments.iter().any(|segment| matches(&segment.argv, &call));
            understood += usize::from(found);
            assert!(
                found || opaque > 0,
                "`{text}`\nexecuted {call:?}, which is not among\n{:#?}",
                intent.segments.iter().map(model::Segment::line).collect::<Vec<_>>()
            );
        }
    }
    let _ = fs::remove_dir_all(&directory);
    assert!(executed > 3_000, "only {executed} calls");
    assert!(understood * 100 >= executed * 95, "{understood} of {executed} calls were understood outright");
}
