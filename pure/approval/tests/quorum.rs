//! Who must agree, against an oracle that tries everything, on every sequence of answers.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use approval::{Answer, AnswerRefused, ApprovalRequest, Hold, HoldState, Vote};
use model::{AgentName, Digest, HoldId, RequestDigest, ReviewerName};
use pdp::{Assurance, Member, Panel, Person, Quorum, Role};

fn name(text: &str) -> ReviewerName {
    ReviewerName::parse(text).unwrap()
}

/// Olga owns the agent; Ada audits and Vic views.
fn people() -> Vec<Person> {
    let one = |who: &str, role, groups: &[&str]| Person {
        name: name(who),
        role,
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
    };
    vec![
        one("rita", Role::Reviewer, &["ops"]),
        one("tess", Role::Reviewer, &["ops", "security"]),
        one("sam", Role::Senior, &["security"]),
        one("olga", Role::Operator, &["ops"]),
        one("vic", Role::Viewer, &["ops"]),
        one("ada", Role::Auditor, &["security"]),
    ]
}

fn group(text: &str) -> Member {
    Member::Group(text.to_owned())
}

fn person(text: &str) -> Member {
    Member::Person(name(text))
}

/// Every model, and some of their compositions.
fn quorums() -> Vec<Quorum> {
    let base = |people, role| Quorum { people, role, ..Quorum::DEFAULT };
    let panel = |people, panel| Quorum { people, panels: vec![panel], ..Quorum::DEFAULT };
    let senior = || Panel::MinRole { role: Role::Senior, people: 1 };
    let security = |people| Panel::AnyOf { people, pool: vec![group("security")] };
    let mut all = vec![
        base(1, Role::Reviewer),
        base(2, Role::Reviewer),
        base(3, Role::Reviewer),
        base(1, Role::Senior),
        base(2, Role::Senior),
        base(1, Role::Operator),
        panel(1, Panel::AnyOf { people: 1, pool: vec![person("tess"), person("sam")] }),
        panel(2, Panel::AnyOf { people: 2, pool: vec![group("ops"), person("sam")] }),
        panel(2, Panel::AllOf(vec![person("rita"), group("security")])),
        panel(2, Panel::AllOf(vec![group("ops"), group("security")])),
        panel(2, Panel::And(vec![senior(), security(1)])),
        panel(3, Panel::And(vec![Panel::AnyOf { people: 2, pool: vec![group("ops")] }, security(1)])),
        panel(1, Panel::Or(vec![senior(), security(2)])),
        panel(
            1,
            Panel::Or(vec![
                Panel::And(vec![senior(), Panel::AllOf(vec![person("rita")])]),
                Panel::AllOf(vec![person("tess")]),
            ]),
        ),
        base(2, Role::Reviewer).strictest(base(1, Role::Senior)),
        panel(1, security(1)).strictest(panel(1, Panel::AnyOf { people: 1, pool: vec![group("ops")] })),
    ];
    let without_veto: Vec<Quorum> = all.iter().map(|quorum| Quorum { veto: false, ..quorum.clone() }).collect();
    all.extend(without_veto);
    all
}

/// Whether a panel is content with exactly these people in any order: by trying every way to deal them out.
fn content(panel: &Panel, people: &[&Person]) -> bool {
    let is = |member: &Member, person: &Person| match member {
        Member::Person(name) => *name == person.name,
        Member::Group(group) => person.groups.contains(group),
    };
    let subsets = |people: &[&Person]| -> Vec<(Vec<usize>, Vec<usize>)> {
        (0..1_usize << people.len()).map(|bits| (0..people.len()).partition(|at| bits >> at & 1 == 1)).collect()
    };
    match panel {
        Panel::MinRole { role, people: least } => {
            people.iter().filter(|it| it.role >= *role).count() >= usize::from(*least)
        }
        Panel::AnyOf { people: least, pool } => {
            people.iter().filter(|it| pool.iter().any(|member| is(member, it))).count() >= usize::from(*least)
        }
        Panel::Or(all) => all.iter().any(|panel| content(panel, people)),
        Panel::AllOf(all) => match all.split_first() {
            None => true,
            Some((first, rest)) => (0..people.len()).any(|at| {
                let others: Vec<&Person> = (0..people.len()).filter(|it| *it != at).map(|it| people[it]).collect();
                is(first, people[at]) && content(&Panel::AllOf(rest.to_vec()), &others)
            }),
        },
        Panel::And(all) => match all.split_first() {
            None => true,
            Some((first, rest)) => subsets(people).into_iter().any(|(mine, others)| {
                let pick = |list: Vec<usize>| list.into_iter().map(|at| people[at]).collect::<Vec<_>>();
                content(first, &pick(mine)) && content(&Panel::And(rest.to_vec()), &pick(others))
            }),
        },
    }
}

fn enough(quorum: &Quorum, agreed: &[&Person]) -> bool {
    let agreed: Vec<&Person> = agreed.iter().copied().filter(|it| it.role >= Role::Reviewer).collect();
    agreed.iter().filter(|it| it.role >= quorum.role).count() >= usize::from(quorum.people)
        && quorum.panels.iter().all(|panel| content(panel, &agreed))
}

/// Whether a person's approval can ever matter: together with some others it completes the quorum.
fn matters(quorum: &Quorum, person: &Person) -> bool {
    let mut universe: Vec<Person> = people().into_iter().filter(|it| it.name != person.name).collect();
    let twins: Vec<Person> =
        people().iter().map(|it| Person { name: name(&format!("{}-2", it.name)), ..it.clone() }).collect();
    universe.extend(twins.into_iter().filter(|it| it.role >= Role::Reviewer));
    universe.retain(|it| it.role >= Role::Reviewer && it.name.as_str() != "olga");
    (0..1_usize << universe.len()).any(|bits| {
        let mut some: Vec<&Person> =
            (0..universe.len()).filter(|at| bits >> at & 1 == 1).map(|at| &universe[at]).collect();
        let before = enough(quorum, &some);
        some.push(person);
        !before && enough(quorum, &some)
    })
}

/// What must come of a sequence of answers, said in the words of the specification and not in ours.
fn expected(quorum: &Quorum, answers: &[(&str, Vote)], matter: &[ReviewerName]) -> HoldState {
    let people = people();
    let (mut yes, mut no): (Vec<&Person>, Vec<&Person>) = (Vec::new(), Vec::new());
    for (who, said) in answers {
        let person = people.iter().find(|it| it.name.as_str() == *who).unwrap();
        let counted = yes.iter().chain(&no).any(|it| it.name == person.name);
        let owner = *who == "olga" && *said == Vote::Approve;
        let idle = *said == Vote::Approve && !matter.contains(&person.name);
        if person.role < Role::Reviewer || counted || owner || idle {
            continue;
        }
        match said {
            Vote::Approve => yes.push(person),
            Vote::Deny => no.push(person),
            Vote::BreakGlass => panic!("not in this test"),
        }
        let could: Vec<&Person> = people
            .iter()
            .filter(|it| it.name.as_str() != "olga" && !no.iter().any(|one| one.name == it.name))
            .collect();
        if !no.is_empty() && (quorum.veto || !enough(quorum, &could)) {
            return HoldState::Denied;
        }
        if enough(quorum, &yes) {
            return HoldState::Approved;
        }
    }
    HoldState::Open
}

fn hold(quorum: &Quorum) -> Hold {
    Hold::open(ApprovalRequest {
        id: HoldId::new(1, 1),
        request: RequestDigest::carried(Digest::of_bytes(b"r")),
        agent: AgentName::parse("bot").unwrap(),
        owner: name("olga"),
        above: Vec::new(),
        quorum: quorum.clone(),
        expires_at_ms: 1_000,
    })
}

fn reached(quorum: &Quorum, answers: &[(&str, Vote)]) -> HoldState {
    let mut hold = hold(quorum);
    for (who, said) in answers {
        let answer = Answer { reviewer: name(who), said: *said, assurance: Assurance::Totp, at_ms: 1 };
        match hold.answered(answer, &people()) {
            Ok(next) => hold = next,
            Err(AnswerRefused::Decided(_)) => break,
            Err(_) => {}
        }
    }
    hold.state()
}

/// All possible answers.
fn options() -> Vec<(String, Vote)> {
    let all = people();
    all.iter().flat_map(|it| [Vote::Approve, Vote::Deny].map(|said| (it.name.to_string(), said))).collect()
}

/// A line for each model: what comes of every single answer, then of every two, in the order of [`options`].
fn table() -> String {
    let options = options();
    let letter = |state| match state {
        HoldState::Approved => 'A',
        HoldState::Denied => 'D',
        HoldState::Open | HoldState::Expired | HoldState::Lost => '.',
    };
    let mut out = format!(
        "# A approved, D denied, . open. Answers, in order: {}\n",
        options.iter().map(|(who, said)| format!("{who} {}", said.as_str())).collect::<Vec<_>>().join(", ")
    );
    for quorum in quorums() {
        let one: String = options.iter().map(|(who, said)| letter(reached(&quorum, &[(who, *said)]))).collect();
        let two = options.iter().map(|(first, said)| {
            let then = |(second, also): &(String, Vote)| letter(reached(&quorum, &[(first, *said), (second, *also)]));
            options.iter().map(then).collect::<String>()
        });
        out.push_str(&format!("\n{}\n  {one}\n  {}\n", quorum.words(), two.collect::<Vec<_>>().join(" ")));
    }
    out
}

/// Who must agree is not changed by accident: the table is next to this file. `GOLDEN=write` rewrites it.
#[test]
fn what_comes_of_answers_is_what_the_table_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quorum.golden");
    if std::env::var_os("GOLDEN").is_some_and(|it| it == "write") {
        std::fs::write(&path, table()).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert_eq!(table(), known, "if it is meant: GOLDEN=write cargo nextest run -p approval");
}

#[test]
fn every_model_and_every_sequence_of_answers_ends_as_an_oracle_says() {
    let options = options();
    let options: Vec<(&str, Vote)> = options.iter().map(|(who, said)| (who.as_str(), *said)).collect();
    // A fourth answer takes half a minute: `FOUR_ANSWERS=1` tries it, too.
    let longest = if std::env::var_os("FOUR_ANSWERS").is_some() { 4 } else { 3 };
    let mut counts = [0_usize; 3];
    for quorum in quorums() {
        let matter: Vec<ReviewerName> =
            people().into_iter().filter(|it| matters(&quorum, it)).map(|it| it.name).collect();
        let mut sequences: Vec<Vec<(&str, Vote)>> = vec![Vec::new()];
        for _ in 0..longest {
            let longer: Vec<_> = sequences
                .iter()
                .flat_map(|so_far| options.iter().map(move |next| [so_far.as_slice(), &[*next]].concat()))
                .collect();
            for sequence in &longer {
                let (ours, theirs) = (reached(&quorum, sequence), expected(&quorum, sequence, &matter));
                assert_eq!(ours, theirs, "{} with {sequence:?}", quorum.words());
                counts[match ours {
                    HoldState::Approved => 0,
                    HoldState::Denied => 1,
                    HoldState::Open | HoldState::Expired | HoldState::Lost => 2,
                }] += 1;
            }
            sequences = longer;
        }
    }
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}

#[test]
fn nobody_counts_who_does_not_answer_owns_the_agent_or_has_no_seat() {
    let asks = |quorum: &Quorum, who: &str| {
        let answer = Answer { reviewer: name(who), said: Vote::Approve, assurance: Assurance::Totp, at_ms: 1 };
        hold(quorum).answered(answer, &people()).map(|it| it.state())
    };
    let [one, senior] = [Role::Reviewer, Role::Senior].map(|role| Quorum { role, ..Quorum::DEFAULT });
    assert_eq!(asks(&one, "vic"), Err(AnswerRefused::Role(Role::Viewer)));
    assert_eq!(asks(&one, "ada"), Err(AnswerRefused::Role(Role::Auditor)));
    assert_eq!(asks(&one, "nobody"), Err(AnswerRefused::Role(Role::Viewer)));
    assert_eq!(asks(&one, "olga"), Err(AnswerRefused::Owner));
    assert_eq!(asks(&senior, "rita"), Err(AnswerRefused::NoSeat));
    assert_eq!(asks(&senior, "sam"), Ok(HoldState::Approved));
    // A person whose role was taken away between two answers no longer counts.
    let two = Quorum { people: 2, ..Quorum::DEFAULT };
    let yes = |who: &str| Answer { reviewer: name(who), said: Vote::Approve, assurance: Assurance::Totp, at_ms: 1 };
    let once = hold(&two).answered(yes("rita"), &people()).unwrap();
    let mut later = people();
    later.retain(|it| it.name.as_str() != "rita");
    assert_eq!(once.answered(yes("sam"), &later).unwrap().state(), HoldState::Open);
}

#[test]
fn only_those_who_may_break_the_glass_approve_alone() {
    let quorum = Quorum { people: 3, assurance: Assurance::Signature, ..Quorum::DEFAULT };
    let mut people = people();
    for person in people.iter_mut().filter(|it| ["rita", "olga", "vic"].contains(&it.name.as_str())) {
        person.groups.push(approval::BREAK_GLASS.to_owned());
    }
    let asks = |who: &str, assurance, at_ms| {
        let answer = Answer { reviewer: name(who), said: Vote::BreakGlass, assurance, at_ms };
        hold(&quorum).answered(answer, &people).map(|it| it.state())
    };
    assert_eq!(asks("rita", Assurance::Signature, 1), Ok(HoldState::Approved));
    assert_eq!(asks("rita", Assurance::Totp, 1), Err(AnswerRefused::Assurance(Assurance::Signature)));
    assert_eq!(asks("rita", Assurance::Signature, 1_000), Err(AnswerRefused::TooLate));
    assert_eq!(asks("sam", Assurance::Signature, 1), Err(AnswerRefused::NotBreakGlass));
    assert_eq!(asks("olga", Assurance::Signature, 1), Err(AnswerRefused::Owner));
    assert_eq!(asks("vic", Assurance::Signature, 1), Err(AnswerRefused::Role(Role::Viewer)));
}
