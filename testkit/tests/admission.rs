//! What a rule that allows admits: itself, and nothing chained, substituted, redirected or smuggled in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic")]

use model::{Digest, RequestDigest};
use pdp::{Policy, Situation, Source, Sources, Verdict};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        list[usize::try_from(self.0 >> 33).unwrap() % list.len()]
    }
}

fn policy(rules: &str) -> Policy {
    let files = vec![("a.toml".to_owned(), rules.to_owned())];
    Policy::load(&Sources::files(files), &understand::read_blind).unwrap()
}

/// Whether any rule allowed all of it, and which.
fn admitted(policy: &Policy, text: &str) -> bool {
    let intent = understand::read_blind(text);
    let request = RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
    let decision = pdp::evaluate(request, &intent, &testkit::at_work(), policy);
    let by_rule = decision.reasons().iter().any(|reason| matches!(reason.source, Source::Rule(_)));
    matches!(decision.verdict(), Verdict::Allow(_)) && by_rule
}

const DOCKER_PS: &str = "[default]\nreads = 'ask'\n[[rule]]\nid = 'ps'\nverdict = 'allow'\nexact = 'docker ps'\n\
    matches = ['docker ps']\nspares = ['docker ps -a', 'docker ps; id']\n";

#[test]
fn an_exact_command_admits_itself_alone() {
    let policy = policy(DOCKER_PS);
    assert!(admitted(&policy, "docker ps"));
    assert!(admitted(&policy, "  docker   'ps'  "));
    for text in [
        "docker ps -a",
        "docker ps; id",
        "docker ps && id",
        "docker ps > x",
        "(docker ps)\nid",
        "sudo docker ps",
        "X=1 docker ps",
        "docker ps $(id)",
        "docker  ps ''",
        "Docker ps",
        "./docker ps",
        "/tmp/docker ps",
        "docker\u{a0}ps",
        "docker ps\u{200b}",
        "alias docker=id; docker ps",
        "docker() { id; }; docker ps",
        "PATH=/tmp docker ps",
        "cd /x; docker ps",
        "docker \"p\"$'s' x",
        "env docker ps",
        "docker ps #\nid",
        "docker p?",
    ] {
        assert!(!admitted(&policy, text), "{text}");
    }
}

#[test]
fn no_pattern_admits_what_is_chained_substituted_or_redirected() {
    let policy = policy(
        "[default]\nreads = 'ask'\n\
         [[rule]]\nid = 'logs'\nverdict = 'allow'\ncommand = 'journalctl -u *'\nmatches = ['journalctl -u nginx']\nspares = ['journalctl -u nginx -f']\n\
         [[rule]]\nid = 'make'\nverdict = 'allow'\ncommand = 'mkdir build-*'\nmatches = ['mkdir build-1']\nspares = ['mkdir x']\n\
         [[rule]]\nid = 'git'\nverdict = 'allow'\ncommand = 'git {status,log,diff} **'\nmatches = ['git status', 'git log -5']\nspares = ['git push']\n\
         [[rule]]\nid = 'touch'\nverdict = 'allow'\nregex = 'touch [a-z]+\\.txt'\nmatches = ['touch a.txt']\nspares = ['touch ../a.txt']\n",
    );
    let bases = ["journalctl -u nginx", "mkdir build-1", "git status", "git log -5", "git diff src", "touch a.txt"];
    for base in bases {
        assert!(admitted(&policy, base), "{base}");
    }
    let tails = [
        "; id",
        "&& id",
        "|| id",
        "| sh",
        "& id",
        "\nid",
        " $(id)",
        " `id`",
        " > /etc/x",
        " >> x",
        " < /etc/shadow",
        " <(id)",
        " >(id)",
        " 2>/tmp/x",
        " &> x",
        " <<< $(id)",
        " ${X:-$(id)}",
        " $((a[$(id)]))",
        " \"$(id)\"",
        " {a,$(id)}",
        ";{ id; }",
        " | tee /etc/x",
        " ../../etc/x",
        " ; : `id`",
        "$(id)",
        "`id`",
        "\r\nid",
        " |& tee x",
        " ;; id",
    ];
    let heads = [
        "",
        "id; ",
        "X=$(id) ",
        "sudo ",
        "env X=1 ",
        "time ",
        "! ",
        "nohup ",
        "xargs ",
        "bash -c '",
        "{ id; }; ",
        "(id); ",
        "eval ",
        "exec ",
        "command ",
        "IFS=x ",
        "cd /; ",
        "f() { id; }; ",
        "trap id EXIT; ",
        "set -x; ",
        "watch ",
        "timeout 5 ",
        "nice ",
    ];
    let middles = ["", " ", "  ", "\t", " ''", " \"\"", " -v", " --", " '$(id)'", " \\;", " ';id'", " \"`id`\""];
    let mut dice = Dice(2026);
    let (mut tried, mut refused) = (0, 0);
    while tried < 10_000 {
        let (head, base, middle, tail) = (dice.pick(&heads), dice.pick(&bases), dice.pick(&middles), dice.pick(&tails));
        let close = if head.ends_with('\'') { "'" } else { "" };
        let text = format!("{head}{base}{middle}{tail}{close}");
        assert!(!admitted(&policy, &text), "`{text}` was admitted");
        tried += 1;
        refused += 1;
    }
    assert_eq!(refused, 10_000);
}

#[test]
fn a_wildcard_is_no_option_and_no_way_up() {
    let policy = policy(
        "[default]\nreads = 'ask'\n\
         [[rule]]\nid = 'make'\nverdict = 'allow'\ncommand = 'mkdir *'\nmatches = ['mkdir a']\nspares = ['mkdir -p a']\n\
         [[rule]]\nid = 'log'\nverdict = 'allow'\ncommand = 'git log **'\nmatches = ['git log -5', 'git log src']\nspares = ['git push']\n\
         [[rule]]\nid = 'in'\nverdict = 'allow'\ncommand = 'touch logs/*'\nmatches = ['touch logs/a']\nspares = ['touch a']\n",
    );
    for text in ["mkdir a", "git log -5", "touch logs/b"] {
        assert!(admitted(&policy, text), "{text}");
    }
    for text in [
        "mkdir -p",
        "mkdir -m0777",
        "mkdir ../x",
        "mkdir a/../../x",
        "git log --output=x",
        "git log --output x",
        "git log ../../x",
        "touch logs/../x",
        "touch logs/../../etc/x",
        "touch --reference=x",
        "git log --ext-diff",
    ] {
        assert!(!admitted(&policy, text), "{text}");
    }
}

#[test]
fn a_program_of_the_same_name_from_elsewhere_is_another_program() {
    let rule = |from: &str| {
        policy(&format!(
            "[[rule]]\nid = 'plan'\nverdict = 'allow'\ncommand = 'terraform plan'\ncoverage = 'partial'\n{from}\n\
             matches = ['terraform plan']\nspares = ['terraform apply']\n"
        ))
    };
    let decide = |policy: &Policy, found: &str| {
        let mut facts = model::Facts::default();
        let mut look = |query: &model::FactQuery| match query {
            model::FactQuery::Program(_) => model::Fact::Program(Some(found.to_owned())),
            model::FactQuery::File(_) | model::FactQuery::RealPath(_) | model::FactQuery::Names(_) => {
                model::Fact::Unknown
            }
        };
        let around = understand::Surroundings {
            cwd: Some("/work/project"),
            home: Some("/home/agent"),
            ..understand::Surroundings::default()
        };
        let intent = understand::settle(understand::Subject::Shell("terraform plan"), around, &mut facts, &mut look);
        let request = RequestDigest::carried(Digest::of_bytes(b"x"));
        let situation = Situation { home: Some("/home/agent"), ..Situation::default() };
        pdp::evaluate(request, &intent, &situation, policy).verdict().as_str().to_owned()
    };
    assert_eq!(decide(&rule(""), "/usr/bin/terraform"), "allow");
    assert_eq!(decide(&rule(""), "/tmp/x/terraform"), "ask");
    assert_eq!(decide(&rule("from = '$HOME/bin/*'"), "/home/agent/bin/terraform"), "allow");
    assert_eq!(decide(&rule("from = '$HOME/bin/*'"), "/home/agent/bin/../x/terraform"), "ask");
}

#[test]
fn a_rule_that_restricts_is_not_escaped_by_more_words_or_another_spelling() {
    let denied = |keys: &str, text: &str| {
        let policy = policy(&format!(
            "[[rule]]\nid = 'no'\nverdict = 'deny'\n{keys}\nmatches = ['mkdir a']\nspares = ['mkdir b']\n"
        ));
        let intent = understand::read_blind(text);
        let request = RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
        let situation = Situation { project: Some("/work/project"), ..Situation::default() };
        pdp::evaluate(request, &intent, &situation, &policy).verdict().as_str() == "deny"
    };
    for keys in ["exact = 'mkdir a'", "command = 'mkdir a'", "regex = 'mkdir a'"] {
        for text in [
            "mkdir a",
            "true; mkdir a",
            "/bin/mkdir a",
            "mk''dir a",
            "nice mkdir a",
            "mkdir a > x",
            "X=1 mkdir a",
            "mkdir $X",
        ] {
            // A regular expression looks at the line as it is written: an unknown word is not the word.
            assert!(denied(keys, text) || (keys.starts_with("regex") && text.contains('$')), "{keys}: {text}");
        }
    }
    let policy = policy(
        "[[rule]]\nid = 'no'\nverdict = 'deny'\neffect = 'delete'\npath = '$PROJECT'\nmatches = ['rm -r /work/project']\nspares = ['rm a']\n",
    );
    assert_eq!(policy.rules().len(), 1);
}

#[test]
fn a_rule_that_denies_more_never_allows_more() {
    let allow = "[[rule]]\nid = 'a'\nverdict = 'allow'\neffect = 'write'\nonly = ['write']\npath = '/work/project/**'\nmatches = ['touch a']\nspares = ['touch /x']\n";
    let denies = [
        "[[rule]]\nid = 'd'\nverdict = 'deny'\npriority = 1\ncommand = 'touch **'\nmatches = ['touch a']\nspares = ['ls']\n",
        "[[rule]]\nid = 'd'\nverdict = 'block'\neffect = 'write'\npath = '/work/project/src/**'\nmatches = ['touch src/a']\nspares = ['touch a']\n",
        "[[rule]]\nid = 'd'\nverdict = 'deny'\ncategory = 'fs_write'\nmatches = ['touch a']\nspares = ['ls']\n",
        "[[rule]]\nid = 'd'\nverdict = 'ask'\nlevel = '>=low'\npriority = 5\nmatches = ['touch a']\nspares = []\n",
    ];
    let cases = testkit::corpus::read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    let before = policy(allow);
    for deny in denies.iter().take(3) {
        let after = policy(&format!("{allow}{deny}"));
        for case in &cases {
            assert!(!admitted(&after, &case.text) || admitted(&before, &case.text), "{}: `{}`", case.place, case.text);
        }
    }
}

#[test]
fn a_swap_is_seen_whole() {
    let sets: Vec<std::sync::Arc<Policy>> = (0..2)
        .map(|generation| {
            std::sync::Arc::new(policy(&format!(
                "[[rule]]\nid = 'g{generation}'\nverdict = 'allow'\nexact = 'mkdir a'\nmatches = ['mkdir a']\nspares = ['mkdir b']\n"
            )))
        })
        .collect();
    let current = arc_swap::ArcSwap::new(std::sync::Arc::clone(&sets[0]));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let intent = understand::read_blind("mkdir a");
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    let policy = current.load();
                    let request = RequestDigest::carried(Digest::of_bytes(b"x"));
                    let decision = pdp::evaluate(request, &intent, &Situation::default(), &policy);
                    let at = sets.iter().position(|set| set.digest() == *decision.policy()).unwrap();
                    assert_eq!(decision.rules(), [format!("g{at}")]);
                }
            });
        }
        for turn in 0..2_000_usize {
            current.store(std::sync::Arc::clone(&sets[turn % 2]));
            std::thread::yield_now();
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
