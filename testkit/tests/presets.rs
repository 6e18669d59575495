//! The shipped presets: their rules do what their examples say, and what each says to what is written down.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use pdp::{Policy, Sources, presets};

#[test]
fn every_shipped_rule_does_what_its_examples_say() {
    for (name, files) in presets() {
        for (file, text) in files {
            let sources = Sources::files(vec![((*file).to_owned(), (*text).to_owned())]);
            let problems = Policy::load(&sources, &understand::read_blind).err().unwrap_or_default();
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(lines.is_empty(), "{name}:\n{}", lines.join("\n"));
        }
    }
}

/// The problems of one rule of one's own.
fn problems(rule: &str) -> String {
    let openings = |words: &[&str]| understand::openings(words).into_iter().map(|it| (it.text, it.runs)).collect();
    let text = format!("[[rule]]\nid = 'x'\nverdict = 'allow'\n{rule}\n");
    let sources = Sources::files(vec![("a.toml".to_owned(), text)]).opened_by(openings);
    let found = Policy::load(&sources, &understand::read_blind).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_opens_a_pattern_is_named_when_it_is_loaded() {
    for (rule, named) in [
        (
            "command = 'git {bisect,fetch} **'\nmatches = ['git bisect start', 'git fetch']\nspares = ['git push']",
            "git bisect run",
        ),
        ("command = 'git fetch **'\nmatches = ['git fetch origin']\nspares = ['git push']", "ext::"),
        ("command = 'git submodule **'\nmatches = ['git submodule status']\nspares = ['git push']", "foreach"),
        ("command = 'rg **'\nmatches = ['rg x src']\nspares = ['ls']", "--pre"),
    ] {
        let found = problems(rule);
        assert!(found.contains(named), "{rule}:\n{found}");
    }
    for rule in [
        "command = 'docker logs *'\nmatches = ['docker logs web']\nspares = ['docker rm web']",
        "command = 'docker compose ps *'\nmatches = ['docker compose ps web']\nspares = ['docker compose down']",
        "command = 'kubectl logs *'\nmatches = ['kubectl logs web']\nspares = ['kubectl delete pod web']",
        "command = 'git log *'\nmatches = ['git log main']\nspares = ['git push']",
        "command = 'systemctl status *'\nmatches = ['systemctl status nginx']\nspares = ['systemctl stop nginx']",
        "command = 'cargo test *'\ncoverage = 'partial'\nmatches = ['cargo test parser']\nspares = ['cargo publish']",
        "command = 'npx tsc *'\ncoverage = 'partial'\nmatches = ['npx tsc src']\nspares = ['npx x']",
        "command = 'git bisect {start,good,bad,reset} **'\noptions = []\noperands = '$NAME'\nmatches = ['git bisect start']\nspares = ['git bisect run x']",
    ] {
        assert_eq!(problems(rule), "", "{rule}");
    }
}

#[test]
fn a_rule_is_about_a_command_without_input() {
    let rule = "exact = 'git apply'\nmatches = ['git apply', 'git apply < /dev/null']\nspares = ['git apply <<E\\nx\\nE', 'git apply <<< x', 'git apply < x', 'echo x | git apply']".replace("\\n", "\n");
    let rule = rule.replace("'git apply <<E\nx\nE'", "\"git apply <<E\\nx\\nE\"");
    assert_eq!(problems(&rule), "");
}

/// Every option that a shipped rule lists for a command that is known to us means what the rule is for: nothing that is not
/// known, and no effect that the command has not without it.
#[test]
fn every_option_of_a_shipped_rule_is_known_to_its_command() {
    let effects = |text: &str| {
        let intent = understand::read_blind(text);
        intent.operations().map(|it| (it.action, it.category)).collect::<Vec<_>>()
    };
    let mut wrong = Vec::new();
    for (_, files) in presets() {
        for (file, text) in files {
            let table: toml::Table = text.parse().unwrap();
            let rules = table.get("rule").and_then(toml::Value::as_array).cloned().unwrap_or_default();
            for rule in rules {
                let Some(lists) = rule.get("options").and_then(toml::Value::as_table) else { continue };
                let command = rule.get("command").and_then(toml::Value::as_str).unwrap_or("");
                let (head, _) = command.split_once('{').unwrap_or((command, ""));
                for (word, options) in lists.iter().filter(|(word, _)| *word != "*") {
                    let base = effects(&format!("{head}{word} x"));
                    for option in options.as_array().into_iter().flatten().filter_map(toml::Value::as_str) {
                        let option = option.replace('*', "1");
                        let found = effects(&format!("{head}{word} {option} x"));
                        let more: Vec<_> = found
                            .iter()
                            .filter(|it| {
                                !base.contains(it)
                                    && !matches!(
                                        it.0,
                                        model::Action::Read | model::Action::Inspect | model::Action::Write
                                    )
                            })
                            .collect();
                        if !more.is_empty() {
                            wrong.push(format!("{file}: `{head}{word} {option}`: {more:?}"));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_generated_is_what_the_product_says() {
    for (path, text) in testkit::golden::all() {
        let kept = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path));
        assert!(
            kept.unwrap_or_default() == text,
            "`{path}` is out of date: run `cargo xtask generate` and look at the difference"
        );
    }
}
