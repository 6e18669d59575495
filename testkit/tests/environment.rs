//! The environment that an act would get: judged and shown, not only bound.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::os::unix::ffi::OsStringExt as _;

use testkit::Sandbox;

const STRICT: &str = "preset = \"strict\"\n";

/// `countersign run --park` of these words with these variables: its exit status and what it printed.
fn run(sandbox: &Sandbox, words: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut all = vec!["run", "--agent", "bot", "--park"];
    all.extend(words);
    let output = sandbox.countersign(&all).envs(variables.iter().copied()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn what_steers_a_mere_read_is_held_and_shown() {
    let sandbox = Sandbox::start_with(STRICT);
    sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let mark = sandbox.mark("P");
    let touch = format!("touch {}", mark.display());
    std::fs::write(sandbox.mark("be"), &touch).unwrap();
    let diff = format!("{touch} #");
    for (words, name, value) in [
        (&["-c", "ls"][..], "BASH_ENV", "./be"),
        (&["-c", "ls"], "BASH_FUNC_ls%%", "() { touch P; }"),
        (&["--", "/bin/ls"], "LD_PRELOAD", "/tmp/no-such.so"),
        (&["--", "git", "diff", "HEAD"], "GIT_EXTERNAL_DIFF", &diff),
        (&["--", "ls"], "HOME", "/tmp/elsewhere"),
        (&["-c", "ls"], "SHELLOPTS", "xtrace"),
        (&["--", "git", "log", "-1"], "GIT_SSH_COMMAND", "./be"),
    ] {
        let (status, said) = run(&sandbox, words, &[(name, value)]);
        assert_eq!(status, Some(75), "{name}: {said}");
        assert!(!mark.exists(), "{name} ran");
        let shown = format!("{name}={value}");
        let holds = sandbox.holds(1);
        let hold = holds.iter().find(|it| it.unknowns.iter().any(|unknown| unknown.starts_with(&shown)));
        let hold = hold.unwrap_or_else(|| panic!("{shown} is not shown: {holds:?}"));
        assert!(hold.factors.iter().any(|it| it.name == "steered_by_environment"), "{hold:?}");
        assert_eq!(hold.coverage, "partial");
    }
    // A variable that only some programs read steers no other program.
    let (status, said) = run(&sandbox, &["--", "ls"], &[("PYTHONSTARTUP", "./be")]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn an_ordinary_session_and_secrets_pass_without_a_word() {
    let sandbox = Sandbox::start_with(STRICT);
    sandbox.add_agent("bot");
    let session = [
        ("LANG", "C.UTF-8"),
        ("TERM", "xterm-256color"),
        ("EDITOR", "vim"),
        ("PAGER", "less"),
        ("GIT_PAGER", "./evil"),
        ("LESS", "-FRX"),
        ("SSH_AUTH_SOCK", "/tmp/ssh/agent"),
        ("XDG_SESSION_ID", "1"),
        ("SERVICE_PASSWORD", "hunter2hunter2"),
        ("CI", "true"),
    ];
    let (status, said) = run(&sandbox, &["-c", "ls"], &session);
    assert_eq!(status, Some(0), "{said}");
    let records = sandbox.records();
    let text = serde_json::to_string(&records).unwrap();
    assert!(text.contains("SERVICE_PASSWORD") && !text.contains("hunter2"), "the name is there, the value is not");
}

#[test]
fn a_pager_that_is_inherited_is_none_and_a_clean_environment_is_small() {
    let rule = |name: &str| {
        format!(
            "[[rule]]\nid = \"{}\"\nverdict = \"allow\"\ncommand = \"printenv {name}\"\nreason = \"x\"\n\
             matches = [\"printenv {name}\"]\nspares = [\"true\"]\n",
            name.to_lowercase().replace('_', "-")
        )
    };
    let rules: String = ["PAGER", "LESSSECURE", "SYSTEMD_PAGER"].into_iter().map(rule).collect();
    let sandbox = Sandbox::start_with(&format!("{STRICT}{rules}"));
    sandbox.add_agent("bot");
    let inherited = [("PAGER", "./evil"), ("LESSSECURE", "0"), ("SYSTEMD_PAGER", "./evil")];
    for (name, expected) in [("PAGER", "cat\n"), ("LESSSECURE", "1\n"), ("SYSTEMD_PAGER", "\n")] {
        let (status, said) = run(&sandbox, &["-q", "--", "printenv", name], &inherited);
        assert_eq!((status, said.as_str()), (Some(0), expected), "{name}");
    }
    sandbox.add_reviewer("rita");
    let (status, _) = run(&sandbox, &["--own-pager", "--", "ls"], &[("PAGER", "./evil")]);
    assert_eq!(status, Some(75), "a pager that is left is judged");
    let (status, said) =
        run(&sandbox, &["--clean-env", "-c", "ls"], &[("BASH_ENV", "./be"), ("LD_PRELOAD", "/tmp/x.so")]);
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn a_search_path_that_cannot_be_looked_through_is_refused() {
    let sandbox = Sandbox::start_with(STRICT);
    sandbox.add_agent("bot");
    let long = format!("{}/usr/bin:/bin", "/no/such/directory:".repeat(1_000));
    let (status, said) = run(&sandbox, &["-c", "ls"], &[("PATH", &long)]);
    assert_eq!(status, Some(125), "{said}");
    let path = std::ffi::OsString::from_vec(b"/tmp/\xff:/usr/bin:/bin".to_vec());
    let mut command = sandbox.countersign(&["run", "--agent", "bot", "-c", "ls"]);
    assert_eq!(command.env("PATH", path).output().unwrap().status.code(), Some(125));
}
