//! Environments of ordinary sessions pass without a question; values that steer programs do not.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use model::{Fact, FactQuery, Facts, Intent};
use understand::{Inherited, Subject, Surroundings, settle};

const HOME: &str = "/home/dev";

fn read(words: &[&str], variables: &[(&str, &str)]) -> Intent {
    let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
    let given: Vec<Inherited<'_>> =
        variables.iter().map(|(name, value)| Inherited { name, value: Some(value) }).collect();
    let around = Surroundings {
        cwd: Some("/home/dev/proj"),
        home: Some(HOME),
        project: Some("/home/dev/proj"),
        ..Surroundings::default()
    };
    let mut look = |query: &FactQuery| match query {
        FactQuery::Program(name) => Fact::Program(Some(format!("/usr/bin/{name}"))),
        FactQuery::Names(_) => Fact::Unknown,
        FactQuery::RealPath(path) => Fact::RealPath(path.clone()),
        FactQuery::File(_) => Fact::Unknown,
    };
    settle(Subject::Exec(&words, &given), around, &mut Facts::default(), &mut look)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What of an environment is noticed in front of a command, as it is shown.
fn noticed(words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let intent = read(words, variables);
    variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .filter(|shown| {
            let partial = intent.segments.iter().flat_map(|it| &it.unknowns).any(|it| it.text == *shown);
            let factor = intent.factors.iter().any(|it| it.name == "steered_by_environment" && it.why.contains(shown));
            assert_eq!(partial, factor, "{shown}: {intent:?}");
            partial
        })
        .collect()
}

const ORDINARY: &[(&str, &str)] = &[
    ("common", include_str!("environments/common.env")),
    ("ubuntu", include_str!("environments/ubuntu.env")),
    ("prompt", include_str!("environments/prompt.env")),
    ("vscode", include_str!("environments/vscode.env")),
    ("vscode-remote", include_str!("environments/vscode-remote.env")),
    ("jetbrains", include_str!("environments/jetbrains.env")),
    ("github", include_str!("environments/github.env")),
    ("gitlab", include_str!("environments/gitlab.env")),
    ("npm", include_str!("environments/npm.env")),
    ("noproxy", include_str!("environments/noproxy.env")),
    ("wsl", include_str!("environments/wsl.env")),
    ("macos", include_str!("environments/macos.env")),
    ("nixos", include_str!("environments/nixos.env")),
    ("claude", include_str!("environments/claude.env")),
];

#[test]
fn ordinary_sessions_pass_in_front_of_mere_reads_and_local_version_control() {
    let mut found = Vec::new();
    for (name, text) in ORDINARY {
        let variables: Vec<(&str, &str)> = lines(text).map(|line| line.split_once('=').expect(line)).collect();
        for words in
            [&["ls", "-l"][..], &["git", "status"], &["git", "commit", "-m", "x"], &["grep", "-rn", "a", "src"]]
        {
            found.extend(noticed(words, &variables).into_iter().map(|it| format!("{name}: {words:?}: {it}")));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_steers_every_program_is_noticed() {
    let passes = |line: &&str| noticed(&["ls"], &[line.split_once('=').expect(line)]).is_empty();
    assert_eq!(lines(include_str!("environments/steered.env")).filter(passes).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn what_steers_some_programs_is_noticed_in_front_of_these() {
    for line in lines(include_str!("environments/steered-programs.env")) {
        let (command, variable) = line.split_once(": ").expect(line);
        let words: Vec<&str> = command.split(' ').collect();
        let pair = variable.split_once('=').expect(line);
        assert_eq!(noticed(&words, &[pair]), [variable], "{line}");
        assert_eq!(noticed(&["cat", "a"], &[pair]), Vec::<String>::new(), "{line}");
    }
}
