//! What was approved is what runs, though another file is put in its place right after the last look.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use testkit::{Sandbox, SeparateUsers};

/// Watches a file with inotify, and puts another in its place once it was closed so often after it was read.
const SWAPPER: &str = r#"
import ctypes, os, struct, sys
path, other, after = sys.argv[1], sys.argv[2], int(sys.argv[3])
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init()
libc.inotify_add_watch(fd, path.encode(), 0x10)
print("ready", flush=True)
seen = 0
while seen < after:
    data = os.read(fd, 4096)
    while data:
        length = struct.unpack("iIII", data[:16])[3]
        data = data[16 + length:]
        seen += 1
os.rename(other, path)
"#;

/// Starts the swapper by a Python that is ready to be started in the right place, by the right user.
fn swapper(mut python: Command, after: usize) -> Child {
    use std::io::{BufRead as _, BufReader};
    python.args(["-c", SWAPPER, "x", "evil", &after.to_string()]);
    let mut child = python.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// No run waits for a person at a checkpoint: what is tried is what runs of what was allowed.
const UNATTENDED: &str = "[checkpoint]\nirreversible = false\ntaint = []\nhosts = 9999\nchanges = 9999\nfailures = 9999\nretries = 9999\n\
                      budget = 99999\n[velocity]\nlow = 9999\nmedium = 9999\nhigh = 9999\ncritical = 9999\ntotal = 9999\nburst = 9999\n";

/// Runs `argv` on a script that says `good`, while another is put in its place at every look; says how often that other one ran.
fn swaps(sandbox: &Sandbox, argv: &[&str], good: &str, evil: &str) -> (usize, usize) {
    let (mut swapped, mut ran) = (0, 0);
    for after in (1..=6).chain(1..=6) {
        // A file of its own for each try: a late look of the try before must not count as one of this.
        let _ = fs::remove_file(sandbox.mark("x"));
        fs::write(sandbox.mark("x"), good).unwrap();
        fs::write(sandbox.mark("evil"), evil).unwrap();
        for name in ["GOOD", "EVIL"] {
            let _ = fs::remove_file(sandbox.mark(name));
            let _ = fs::remove_dir(sandbox.mark(name));
        }
        let mut python = Command::new("python3");
        python.current_dir(&sandbox.work);
        let mut swapper = swapper(python, after);
        let mut run = sandbox.run(argv);
        let output = run.env("PATH", "/usr/bin:/bin").output().unwrap();
        let status = output.status;

        let _ = swapper.kill();
        let _ = swapper.wait();
        swapped += usize::from(sandbox.mark("EVIL").exists());
        ran += usize::from(status.success() && sandbox.mark("GOOD").exists());
        assert!(!(status.success() && sandbox.mark("EVIL").exists()), "{argv:?}: the other one ran, {after}");
    }
    (swapped, ran)
}

#[test]
fn a_script_that_is_swapped_after_the_last_look_does_not_run() {
    let commands =
        ["python3 x", "bash x", "sh x", "perl x", "awk -f x", "make -f x", "mkdir ./GOOD", "mkdir ./EVIL"].into_iter();
    let rules: String = commands.enumerate().map(|(at, command)| rule(at, command)).collect();
    let sandbox = Sandbox::start_with(&format!("{UNATTENDED}{rules}"));
    sandbox.add_agent("bot");
    let python = |name: &str| format!("open('{name}', 'w')\n");
    let shell = |name: &str| format!("mkdir ./{name}\n");
    for (argv, good, evil) in [
        (&["python3", "x"][..], python("GOOD"), python("EVIL")),
        (&["bash", "x"], shell("GOOD"), shell("EVIL")),
        (&["sh", "x"], shell("GOOD"), shell("EVIL")),
        (&["perl", "x"], "open F, '>', 'GOOD';\n".to_owned(), "open F, '>', 'EVIL';\n".to_owned()),
        (&["awk", "-f", "x"], "BEGIN { print > \"GOOD\" }\n".to_owned(), "BEGIN { print > \"EVIL\" }\n".to_owned()),
        (&["make", "-f", "x"], "all:\n\tmkdir ./GOOD\n".to_owned(), "all:\n\tmkdir ./EVIL\n".to_owned()),
    ] {
        let (swapped, ran) = swaps(&sandbox, argv, &good, &evil);
        assert_eq!(swapped, 0, "{argv:?}");
        assert!(ran > 0, "{argv:?} never ran");
    }
}

/// The same by an agent that has an account of its own: it swaps its own file, which the daemon only looks at.
#[test]
fn apart_a_script_that_is_swapped_after_the_last_look_does_not_run() {
    let commands = ["python3 x", "bash x", "mkdir ./GOOD", "mkdir ./EVIL"].into_iter();
    let rules: String = commands.enumerate().map(|(at, command)| rule(at, command)).collect();
    let Some(apart) = SeparateUsers::start(&format!("{UNATTENDED}{rules}")) else { return };
    for (argv, good, evil) in [
        (["python3", "x"], "open('GOOD', 'w')\n", "open('EVIL', 'w')\n"),
        (["bash", "x"], "mkdir ./GOOD\n", "mkdir ./EVIL\n"),
    ] {
        let mut ran = 0;
        for after in 1..=6 {
            for name in ["GOOD", "EVIL"] {
                let _ = fs::remove_file(apart.home.join(name));
                let _ = fs::remove_dir(apart.home.join(name));
            }
            let _ = fs::remove_file(apart.home.join("x"));
            apart.write("x", good);
            apart.write("evil", evil);
            let mut swapper = swapper(apart.as_agent("python3"), after);
            let (status, said) = apart.run(&["--", argv[0], argv[1]]);
            let _ = swapper.kill();
            let _ = swapper.wait();
            assert!(!apart.home.join("EVIL").exists(), "{argv:?}: the other one ran, {after}: {said}");
            ran += usize::from(status == Some(0) && apart.home.join("GOOD").exists());
        }
        assert!(ran > 0, "{argv:?} never ran");
    }
}

#[test]
fn what_a_text_hands_to_an_interpreter_is_bound_while_people_think() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    // Codes serve once, and three at any moment are good: everybody vouches for the next, and answers two holds.
    let mut people = vec![sandbox.add_reviewer("person0")];
    for at in 1..7 {
        people.push(sandbox.enrol_as(&format!("person{at}"), "operator", &[], people.last()));
    }
    for (at, text, good) in [
        (0, "awk -f x", "BEGIN { print > \"GOOD\" }\n"),
        (1, "make -f x", "all:\n\techo > GOOD\n"),
        (2, "sh < x", "echo > GOOD\n"),
        (3, "cat x | sh", "echo > GOOD\n"),
        (4, "cat x | python3", "open('GOOD', 'w')\n"),
        (5, "sed -n -f x y", "w GOOD\n"),
        (6, "bash x", "echo > GOOD\n"),
    ] {
        for is_swapped in [false, true] {
            let _ = fs::remove_file(sandbox.mark("GOOD"));
            fs::write(sandbox.mark("y"), "line\n").unwrap();
            fs::write(sandbox.mark("x"), good).unwrap();
            let mut run =
                sandbox.run(&["-c", text]).env("PATH", "/usr/bin:/bin").stderr(Stdio::null()).spawn().unwrap();
            let hold = sandbox.hold();
            if is_swapped {
                fs::write(sandbox.mark("evil"), good.replace("GOOD", "EVIL")).unwrap();
                fs::rename(sandbox.mark("evil"), sandbox.mark("x")).unwrap();
            }
            sandbox.answer(&hold, "approve", people[at].vouch()).unwrap();
            let status = run.wait().unwrap();
            assert_eq!(status.code() == Some(126), is_swapped, "{text}: {status}");
            assert!(!sandbox.mark("EVIL").exists(), "{text}");
            assert_eq!(sandbox.mark("GOOD").exists(), !is_swapped, "{text}");
        }
    }
}

/// A rule that allows one command, as a person would who has read the script. What the other script does is allowed, too: nothing but
/// the file that is run decides here.
fn rule(at: usize, command: &str) -> String {
    let by = if command.starts_with("mkdir") { "command" } else { "exact" };
    format!(
        "[[rule]]\nid = \"t{at}\"\nverdict = \"allow\"\n{by} = \"{command}\"\nreason = \"x\"\nmatches = [\"{command}\"]\nspares = [\"true\"]\n\
         coverage = \"partial\"\n"
    )
}

#[test]
fn a_script_that_runs_from_its_copy_knows_its_name_its_place_and_its_words() {
    let sandbox = Sandbox::start();
    let observe = |words: &[&str]| {
        let argv: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
        let work = sandbox.work.clone();
        let text = words.join("|");
        let output = in_directory(&work, &argv);
        (text, output)
    };
    let directory = sandbox.mark("d");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("other.py"), "WORD = 'sibling'\n").unwrap();
    let python = "from __future__ import annotations\nimport sys, other\nprint(sys.argv, __file__, __name__, other.WORD, sys.path[0].endswith('/d'))\n";
    fs::write(directory.join("a.py"), python).unwrap();
    fs::write(directory.join("a.sh"), "#!/bin/sh\n# c\necho \"$0|$*|$#|$LINENO\"\n").unwrap();
    fs::write(directory.join("a.pl"), "#!/usr/bin/perl -w\nuse strict;\nprint \"$0|@ARGV|\", __FILE__, '|', __LINE__, \"\\n\"; print <DATA>;\n__END__\ndata\n").unwrap();
    fs::write(directory.join("a.mk"), "all:\n\t@echo $(lastword $(MAKEFILE_LIST))\n").unwrap();
    for (words, expected) in [
        (&["python3", "-B", "d/a.py", "x", "y z"][..], "['d/a.py', 'x', 'y z'] d/a.py __main__ sibling True\n"),
        (&["bash", "d/a.sh", "x", "y z"], "d/a.sh|x y z|2|3\n"),
        (&["perl", "d/a.pl", "x"], "d/a.pl|x|d/a.pl|3\ndata\n"),
        (&["make", "-s", "-f", "d/a.mk"], "d/a.mk\n"),
        (&["make", "-s", "--file=d/a.mk"], "d/a.mk\n"),
    ] {
        let (text, output) = observe(words);
        assert_eq!(output, expected, "{text}");
    }
    let (_, output) = observe(&["sh", "d/a.sh", "x", "y z"]);
    assert!(output.starts_with("d/a.sh|x y z|2|"), "{output}");
}

/// What an act prints that is executed as `countersign run` would.
fn in_directory(work: &Path, argv: &[std::ffi::OsString]) -> String {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own)
        .args(["--exact", "executes_for_another_test", "--nocapture", "--quiet"])
        .env("EXECUTES", argv.iter().map(|it| it.to_str().unwrap()).collect::<Vec<_>>().join("\u{1}"))
        .current_dir(work)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let text = text
        .split_once("BEGIN-ACT\n")
        .map_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)), |it| it.1.to_owned());
    text.split("END-ACT").next().unwrap().to_owned()
}

/// The body of a process that the tests above start: executing replaces the process. By itself it does nothing.
#[test]
fn executes_for_another_test() {
    let Ok(words) = std::env::var("EXECUTES") else { return };
    let argv: Vec<std::ffi::OsString> = words.split('\u{1}').map(Into::into).collect();
    let observed = host::executable_identity::observe(&argv, std::env::vars_os().collect()).unwrap();
    println!("BEGIN-ACT");
    host::exec::run(observed, &argv, &[], None).unwrap();
    println!("END-ACT");
}
