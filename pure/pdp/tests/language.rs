//! The rule language: what it takes, what it refuses, and where it says so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use model::Intent;
use pdp::{Policy, Sources};

/// The problems of one file, as a person sees them.
fn problems(text: &str) -> String {
    let sources = Sources::files(vec![("a.toml".to_owned(), text.to_owned())]);
    match Policy::load(&sources, &|_| Intent::default()) {
        Ok(_) => String::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

/// A rule with examples that are not looked at here: the reader of this file understands nothing.
fn rule(keys: &str) -> String {
    problems(&format!("[[rule]]\nid = 'x'\n{keys}\nmatches = ['a']\nspares = ['b']\n"))
}

fn refused(keys: &str, why: &str) {
    let found = rule(keys);
    assert!(found.contains(why), "{keys}: `{why}` is not in:\n{found}");
}

#[test]
fn a_problem_has_its_place_and_a_suggestion() {
    let found =
        problems("# rules\n\n[[rule]]\nid = 'x'\nverdict = 'allow'\n  comand = 'ls'\nmatches = []\nspares = []\n");
    assert!(found.starts_with("a.toml:6:3: unknown field `comand`; did you mean `command`?"), "{found}");
    refused(
        "verdict = 'allow'\ncommand = 'ls'\ncategory = 'fs_wirte'",
        "a.toml:5:1: rule `x`: `fs_wirte` is no category; did you mean `fs_write`?",
    );
    refused("verdict = 'allow'\ncommand = 'ls'\neffect = ['read', 'wriet']", "did you mean `write`?");
    refused("verdict = 'ask'\ncommand = 'ls'\nlevel = '>=hihg'", "did you mean `high`?");
    assert!(
        problems("preset = 'develoer'\n").contains("a.toml:1:1: `develoer` is no preset; did you mean `developer`?")
    );
    assert!(problems("[[rule]\n").starts_with("a.toml:1:"));
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    for text in [
        "x = 1",
        "[default]\nread = 'allow'",
        "[velocity]\nhihg = 1",
        "[checkpoint]\nx = 1",
        "[default]\nlow = { peple = 1 }",
    ] {
        assert!(problems(text).contains("unknown field"), "{text}: {}", problems(text));
    }
    refused("verdict = 'ask'\ncommand = 'a'\nwhen = { agnt = 'x' }", "unknown field `agnt`; did you mean `agent`?");
    refused("verdict = 'ask'\ncommand = 'a'\nwith = { sandbx = 'x' }", "did you mean `sandbox`?");
}

#[test]
fn a_rule_that_says_nothing_about_what_it_matches_is_refused() {
    refused("verdict = 'ask'", "says nothing about what it matches");
    refused("verdict = 'allow'\npath = '/srv/**'", "must bound what is done");
    refused("verdict = 'allow'\ncoverage = 'partial'\neffect = 'write'", "must name the `command`");
}

#[test]
fn an_interpreter_or_wrapper_is_never_allowed_by_pattern() {
    for command in [
        "bash **",
        "python3 *",
        "python3.12 **",
        "env **",
        "sh",
        "/usr/bin/sudo **",
        "docker {ps,run} *",
        "docker *",
        "docker -H x **",
        "docker compose *",
        "docker compose run **",
        "docker exec web *",
        "kubectl exec *",
        "kubectl -n web exec **",
        "npx *",
        "npx tsx *",
        "npm exec *",
        "npm run *",
        "pnpm dlx **",
        "uv run *",
        "uv run python *",
        "poetry run **",
        "bundle exec *",
        "git *",
        "git -C x **",
        "git -c x=y log *",
        "git config *",
        "systemctl *",
        "cargo *",
        "find **",
        "xargs *",
    ] {
        refused(&format!("verdict = 'allow'\ncommand = '{command}'"), "allows everything");
    }
    refused("verdict = 'allow'\ncommand = '* x'", "allows more than one program");
    refused("verdict = 'allow'\ncommand = '** x'", "comes last and not first");
    refused("verdict = 'allow'\ntool = '*'", "allows every tool");
}

#[test]
fn fixed_words_that_leave_nothing_to_run_make_a_pattern() {
    for command in [
        "docker logs *",
        "docker compose ps *",
        "docker compose -f x.yml ps *",
        "kubectl logs *",
        "kubectl -n web logs *",
        "npx tsc *",
        "uv run pytest *",
        "npm run build *",
        "git log *",
        "cargo test *",
        "systemctl status *",
    ] {
        let found = rule(&format!("verdict = 'allow'\ncommand = '{command}'"));
        assert!(!found.contains("runs what it is given") && !found.contains("the program that"), "{command}: {found}");
    }
    // The exact command is always one.
    assert!(!rule("verdict = 'allow'\nexact = 'docker run alpine id'").contains("runs what it is given"));
}

#[test]
fn options_by_word_name_a_word_of_the_command() {
    refused("verdict = 'allow'\ncommand = 'git {add,log} **'\noptions = { comit = ['-m'] }", "`comit` is no word");
    refused("verdict = 'allow'\ncommand = 'make **'\noperands = '$NAMES'", "there are $NAME, $NUMBER and $TARGET");
    assert!(
        !rule("verdict = 'allow'\ncommand = 'git {add,log} **'\noptions = { '*' = ['-v'], log = ['-n'] }")
            .contains("options")
    );
}

#[test]
fn an_expression_that_matches_a_canary_is_refused() {
    for regex in [".*", "rm .*", "(docker ps)?", "x.*", "bash -c \\w+", "[a-z ]+ .*"] {
        refused(&format!("verdict = 'allow'\nregex = '{regex}'"), "is too broad");
    }
    refused("verdict = 'allow'\nregex = 'a('", "is no regular expression");
    assert!(!rule("verdict = 'allow'\nregex = 'docker logs [a-z]+'").contains("too broad"));
    for regex in ["docker exec web .*", "docker run .*", "kubectl -n web exec .*", "npx [a-z]+", "git [a-z]+"] {
        refused(&format!("verdict = 'allow'\nregex = '{regex}'"), "allows everything");
    }
    // What a rule forbids may be as broad as it likes.
    assert!(!rule("verdict = 'deny'\nregex = '.*'").contains("too broad"));
}

#[test]
fn what_an_agent_says_of_itself_allows_nothing() {
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { task = 'T-1' }", "what the agent says of itself");
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { session = 's' }", "named by the caller");
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { not = { task = 'T-1' } }", "what the agent says of itself");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    refused("verdict = 'allow'\ncommand = 'a'\nexpires = 2027-01-31", "with an offset");
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { hours = '9-17' }", "write it as");
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { rate = '10' }", "a number a second");
    refused("verdict = 'allow'\ncommand = 'a'\nwhen = { trust = 'much' }", "`>=2`");
    refused("verdict = 'allow'\ncommand = 'a'\npeople = 2", "belong to rules that ask");
    refused("verdict = 'ask'\ncommand = 'a'\npeople = 0", "at least one person");
    refused("verdict = 'ask'\ncommand = 'a'\ntimeout_s = 601", "between 1 and 600");
    refused("verdict = 'ask'\npath = 'srv/x'", "absolute paths");
    refused("verdict = 'ask'\nresource = 'nginx'", "KIND:GLOB");
    refused("verdict = 'ask'\nexact = 'a'\ncommand = 'a'", "one of `exact`");
    refused("verdict = 'ask'\ncommand = \"a 'b\"", "does not end");
    let long = "x*".repeat(200);
    refused(&format!("verdict = 'ask'\ncommand = 'a {long}'"), "at most 255");
}

#[test]
fn two_rules_cannot_have_one_name_nor_two_files_one_setting() {
    let one = "[[rule]]\nid = 'x'\nverdict = 'ask'\ncommand = 'a'\nmatches = ['a']\nspares = ['b']\n";
    assert!(problems(&format!("{one}{one}")).contains("another rule has this id"));
    let files = vec![
        ("a.toml".to_owned(), "mode = 'observe'".to_owned()),
        ("b.toml".to_owned(), "mode = 'enforce'".to_owned()),
    ];
    let found = Policy::load(&Sources::files(files), &|_| Intent::default()).expect_err("two modes");
    assert_eq!(found.first().unwrap().to_string(), "b.toml:1:1: `mode` is set in `a.toml` already");
}

#[test]
fn a_directory_that_chooses_no_preset_builds_on_strict() {
    let policy = Policy::load(&Sources::directory(Vec::new()), &|_| Intent::default()).unwrap();
    assert_eq!(policy.settings().preset.as_deref(), Some("strict"));
    assert!(policy.rules().iter().any(|rule| rule.id == "never.canary"));
    let own = vec![("a.toml".to_owned(), "preset = 'none'".to_owned())];
    assert!(Policy::load(&Sources::directory(own), &|_| Intent::default()).unwrap().rules().is_empty());
}
