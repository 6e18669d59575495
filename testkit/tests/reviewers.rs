//! Who may do what: roles, groups, and holds that ask for some of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail"
)]

use std::process::{Child, Stdio};
use std::sync::Mutex;

use protocol::{OperatorReply, OperatorRequest, ReviewerAttributes};
use testkit::{Reviewer, Sandbox, done};

/// Every `mkdir` asks for these.
fn asks(who: &str) -> String {
    format!(
        "[[rule]]\nid = 'test.ask'\nverdict = 'ask'\ncommand = 'mkdir **'\n{who}\ntimeout_s = 60\nmatches = ['mkdir a']\nspares = ['rmdir a']\n"
    )
}

/// Rita and Olive are operators, Sam senior in security, Tess reviewer in ops and security, Vic viewer, Ada auditor.
struct People {
    rita: Reviewer,
    olive: Reviewer,
    sam: Reviewer,
    tess: Reviewer,
    vic: Reviewer,
    ada: Reviewer,
}

fn start(who: &str) -> (Sandbox, People) {
    let sandbox = Sandbox::start_with(&asks(who));
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    // A person has three codes at any moment, so the newcomers are shared out.
    let pat = sandbox.enrol_as("pat", "operator", &[], Some(&rita));
    let olive = sandbox.enrol_as("olive", "operator", &[], Some(&rita));
    let sam = sandbox.enrol_as("sam", "senior", &["security"], Some(&pat));
    let tess = sandbox.enrol_as("tess", "reviewer", &["ops", "security"], Some(&pat));
    let vic = sandbox.enrol_as("vic", "viewer", &["ops"], Some(&pat));
    let ada = sandbox.enrol_as("ada", "auditor", &["security"], Some(&olive));
    (sandbox, People { rita, olive, sam, tess, vic, ada })
}

/// Gives a person another role.
fn place(sandbox: &Sandbox, name: &str, role: &str, by: &Reviewer) {
    let place = ReviewerAttributes { role: role.to_owned(), groups: Vec::new() };
    let say = OperatorRequest::PlaceReviewer { name: name.to_owned(), place, by: by.vouch() };
    assert!(done(sandbox.operator(&say)).contains(&format!("{name} is {role}")));
}

static DIRECTORIES: Mutex<u32> = Mutex::new(0);

/// Asks for something, and gives who waits for it.
fn mkdir(sandbox: &Sandbox) -> Child {
    let mut number = DIRECTORIES.lock().unwrap();
    *number += 1;
    sandbox.run(&["mkdir", &format!("out-{number}")]).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_hold_asks_for_those_whom_its_rule_names_and_for_nobody_else() {
    let (sandbox, people) = start("who = { and = [{ role = 'senior' }, { any_of = ['@security'] }] }");
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    assert!(hold.who.contains("1 senior or above and 1 of @security, each by a different person"), "{}", hold.who);
    assert_eq!(hold.needed, 2);
    for (who, why) in [(&people.vic, "viewer, reads"), (&people.ada, "auditor, reads")] {
        for said in ["approve", "deny"] {
            let refused = sandbox.answer(&hold, said, who.vouch());
            assert!(refused.as_ref().is_err_and(|it| it.contains(why)), "{refused:?}");
        }
    }
    // Sam could take either seat, and takes one.
    assert_eq!(sandbox.answer(&hold, "approve", people.sam.vouch()).as_deref(), Ok("open"));
    assert_eq!(sandbox.answer(&hold, "approve", people.tess.vouch()).as_deref(), Ok("approved"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn somebody_whose_yes_would_not_count_is_told_and_their_no_does() {
    let (sandbox, people) = start("who = { role = 'senior' }");
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    let refused = sandbox.answer(&hold, "approve", people.tess.vouch());
    assert!(refused.as_ref().is_err_and(|it| it.contains("asks for others")), "{refused:?}");
    assert_eq!(sandbox.answer(&hold, "deny", people.tess.vouch()).as_deref(), Ok("denied"));
    assert_eq!(child.wait().unwrap().code(), Some(126));
}

#[test]
fn a_no_that_is_no_veto_leaves_it_to_the_others_while_they_are_enough() {
    let (sandbox, people) = start("who = { any_of = ['sam', 'tess', 'rita'], people = 2 }\nveto = false");
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    assert_eq!(sandbox.answer(&hold, "deny", people.tess.vouch()).as_deref(), Ok("open"));
    assert_eq!(sandbox.answer(&hold, "approve", people.sam.vouch()).as_deref(), Ok("open"));
    // One more no, and they cannot be enough.
    let refused = sandbox.answer(&hold, "approve", people.tess.vouch());
    assert!(refused.is_err(), "a reviewer who denied cannot approve: {refused:?}");
    assert_eq!(sandbox.answer(&hold, "deny", people.rita.vouch()).as_deref(), Ok("denied"));
    assert_eq!(child.wait().unwrap().code(), Some(126));
}

#[test]
fn a_role_taken_away_between_two_answers_takes_the_answer_with_it() {
    let (sandbox, people) = start("people = 3");
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    assert_eq!(sandbox.answer(&hold, "approve", people.tess.vouch()).as_deref(), Ok("open"));
    assert_eq!(sandbox.answer(&hold, "approve", people.sam.vouch()).as_deref(), Ok("open"));
    place(&sandbox, "tess", "viewer", &people.olive);
    assert_eq!(sandbox.answer(&hold, "approve", people.rita.vouch()).as_deref(), Ok("open"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_nobody_enrolled_could_approve_is_refused_at_once_and_says_who_is_missing() {
    let sandbox = Sandbox::start_with(&asks("who = { all_of = ['@legal', 'rita'] }"));
    sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let output = sandbox.run(&["mkdir", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("rita and @legal") || words.contains("@legal and rita"), "{words}");
}

#[test]
fn each_change_takes_the_role_that_it_takes() {
    let (sandbox, people) = start("people = 1");
    let refused = |say: &OperatorRequest| match sandbox.operator(say) {
        OperatorReply::Refused { why } => why,
        other => panic!("{other:?}"),
    };
    let operator = || ReviewerAttributes { role: "operator".to_owned(), groups: Vec::new() };
    let add = |by| OperatorRequest::AddReviewer {
        name: "mallory".to_owned(),
        ssh_key: None,
        place: operator(),
        vouch: Some(by),
    };
    assert!(refused(&add(people.tess.vouch())).contains("takes the role operator, and `tess` is reviewer"));
    assert!(refused(&add(people.sam.vouch())).contains("`sam` is senior"));
    let promote = OperatorRequest::PlaceReviewer { name: "tess".into(), place: operator(), by: people.tess.vouch() };
    assert!(refused(&promote).contains("takes the role operator"));
    let remove = OperatorRequest::RemoveReviewer { name: "rita".into(), by: people.sam.vouch() };
    assert!(refused(&remove).contains("takes the role operator"));
    let flag = |by| OperatorRequest::Flag { name: "release".into(), on: true, by: Some(by) };
    assert!(refused(&flag(people.vic.vouch())).contains("takes the role senior"));
    assert!(done(sandbox.operator(&flag(people.sam.vouch()))).contains("is set"));
    let text = "[[rule]]\nid = 'made.a'\nverdict = 'allow'\nexact = 'mkdir a'\nexpires = 2099-01-01T00:00:00Z\nmatches = ['mkdir a']\nspares = ['mkdir b']\n";
    let rule = |by| OperatorRequest::AddRule { text: text.to_owned(), request: None, reason: "often".to_owned(), by };
    assert!(refused(&rule(people.ada.vouch())).contains("takes the role operator"));
    // A rule out of an approval takes a senior.
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    let wish = || Some(protocol::RuleWish { text: text.to_owned(), reason: "often".to_owned(), by: None });
    let say = OperatorRequest::Answer {
        hold: hold.id.clone(),
        said: "approve".into(),
        by: people.tess.vouch(),
        rule: wish(),
        reason: None,
        session: None,
        also: Vec::new(),
    };
    assert!(refused(&say).contains("takes the role senior"), "the yes does not count either");
    assert_eq!(sandbox.hold().id, hold.id);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_broken_glass_is_alarmed_recorded_and_looked_at_by_somebody_else() {
    let sandbox = Sandbox::start_with(&asks("people = 5"));
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol_as("sam", "senior", &["break-glass"], Some(&rita));
    let mut child = mkdir(&sandbox);
    let hold = sandbox.hold();
    let answer = |by: protocol::Vouch, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        let said = "break-glass".to_owned();
        let (hold, also) = (hold.id.clone(), Vec::new());
        sandbox.operator(&OperatorRequest::Answer { hold, said, by, rule: None, reason, session: None, also })
    };
    assert!(matches!(answer(sam.vouch(), None), OperatorReply::Refused { why } if why.contains("needs a reason")));
    let refused = answer(rita.vouch(), Some("nobody answers"));
    assert!(matches!(refused, OperatorReply::Refused { why } if why.contains("group `break-glass`")));
    assert!(
        matches!(answer(sam.vouch(), Some("nobody answers")), OperatorReply::Answered { state, .. } if state == "approved")
    );
    assert!(child.wait().unwrap().success());
    let said = |words: &[&str]| {
        let output = sandbox.countersign(words).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert!(said(&["break-glass", "ls"]).contains("by sam  NOT REVIEWED"));
    assert!(said(&["doctor"]).contains("1 emergency approvals were not reviewed"));
    let why = said(&["log", "why", &hold.id]);
    assert!(why.contains("break-glass by sam") && why.contains("nobody answers"), "{why}");
    let review = |by| OperatorRequest::ReviewBrokenGlass { hold: hold.id.clone(), note: "it was right".to_owned(), by };
    let OperatorReply::Refused { why } = sandbox.operator(&review(sam.vouch())) else { panic!("their own") };
    assert!(why.contains("different person"), "{why}");
    assert!(done(sandbox.operator(&review(rita.vouch()))).contains("reviewed by rita"));
    assert!(said(&["break-glass", "ls"]).contains("reviewed by rita"));
    assert!(!said(&["doctor"]).contains("emergency approvals"));
    assert!(said(&["log", "show", "--kind", "change"]).contains("broken glass reviewed"));
}

#[test]
fn somebody_is_always_operator_and_the_record_has_every_change_of_people() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let first = sandbox.countersign(&["reviewer", "ls", "--json"]).output().unwrap();
    assert!(String::from_utf8_lossy(&first.stdout).contains("\"role\": \"operator\""), "{first:?}");
    let sam = sandbox.enrol_as("sam", "senior", &["security"], Some(&rita));
    let alone = OperatorRequest::RemoveReviewer { name: "rita".into(), by: rita.vouch() };
    let OperatorReply::Refused { why } = sandbox.operator(&alone) else { panic!("no operator is left") };
    assert!(why.contains("no operator would be left"), "{why}");
    place(&sandbox, "sam", "operator", &rita);
    let demoted = OperatorRequest::PlaceReviewer {
        name: "rita".into(),
        place: ReviewerAttributes { role: "reviewer".into(), groups: vec!["ops".into()] },
        by: sam.vouch(),
    };
    assert!(done(sandbox.operator(&demoted)).contains("rita is reviewer (in ops)"));
    let rebuilt = sandbox.countersign(&["log", "rebuild-store"]).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stdout));
    let shown = sandbox.countersign(&["log", "show", "--kind", "change"]).output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for part in ["reviewer added", "reviewer placed", "\"vouched_by\":\"rita\"", "\"by\":\"sam\""] {
        assert!(shown.contains(part), "`{part}` is not in {shown}");
    }
}

#[test]
fn an_invitation_of_somebody_who_is_no_operator_any_more_serves_nobody() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let pat = sandbox.enrol_as("pat", "operator", &[], Some(&rita));
    let invite = |name: &str, by: &Reviewer| {
        let (name, place) = (Some(name.to_owned()), protocol::ReviewerAttributes::of("operator"));
        match sandbox.operator(&OperatorRequest::Invite { name, place, by: Some(by.vouch()) }) {
            OperatorReply::Invited { token, .. } => token,
            other => panic!("{other:?}"),
        }
    };
    let begin = |token: &str| {
        let who = protocol::EnrolmentAuthority::Invite { token: token.to_owned(), name: None };
        sandbox.operator(&OperatorRequest::BeginEnrolment { who })
    };
    let token = invite("mallory", &pat);
    let OperatorReply::Enrolment { ticket, .. } = begin(&token) else { panic!("it serves while pat is operator") };
    let place = protocol::ReviewerAttributes::of("reviewer");
    let down = OperatorRequest::PlaceReviewer { name: "pat".to_owned(), place, by: rita.vouch() };
    assert!(matches!(sandbox.operator(&down), OperatorReply::Done { .. }));
    assert!(matches!(begin(&token), OperatorReply::Refused { .. }));
    // Nor does one that was begun before, nor a made-up one; and no one is invited without an operator.
    let factor = protocol::NewFactor::Totp("000000".to_owned());
    let finish = OperatorRequest::FinishEnrolment { ticket, factor, password: None };
    assert!(matches!(sandbox.operator(&finish), OperatorReply::Refused { .. }));
    assert!(matches!(begin("guess"), OperatorReply::Refused { .. }));
    let place = protocol::ReviewerAttributes::of("operator");
    let nobody = OperatorRequest::Invite { name: Some("eve".to_owned()), place, by: None };
    assert!(matches!(sandbox.operator(&nobody), OperatorReply::Refused { .. }));
}

#[test]
fn whoever_is_stopped_gets_nothing_until_the_flag_is_cleared_with_a_proof() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
        panic!("not signed in")
    };
    let mut child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let _hold = sandbox.hold();
    let stop = OperatorRequest::Stop { token, agent: Some("bot".to_owned()), session: None };
    assert!(matches!(sandbox.operator(&stop), OperatorReply::Done { .. }));
    assert!(!child.wait().unwrap().success(), "what waited ended");
    assert_eq!(sandbox.run(&["ls"]).stderr(Stdio::null()).status().unwrap().code(), Some(126));
    // Not without a proof; with one, in the words that the page says.
    let clear = |more: &[&str]| {
        let words = [&["flag", "clear", "stop:bot"], more].concat();
        sandbox.countersign(&words).output().unwrap().status.success()
    };
    assert!(!clear(&["--as", "rita", "--code", "000000"]));
    let protocol::Proof::Totp(code) = rita.vouch().proof else { panic!("no code") };
    assert!(clear(&["--as", "rita", "--code", &code]));
    assert!(sandbox.run(&["ls"]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
}

#[test]
fn somebody_who_was_removed_meanwhile_leaves_no_factor_behind() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let mallory = sandbox.enrol("mallory", Some(&rita));
    let who = protocol::EnrolmentAuthority::Own { by: mallory.vouch() };
    let OperatorReply::Enrolment { ticket, totp_uri, .. } = sandbox.operator(&OperatorRequest::BeginEnrolment { who })
    else {
        panic!("not begun")
    };
    let gone = OperatorRequest::RemoveReviewer { name: "mallory".to_owned(), by: rita.vouch() };
    assert!(matches!(sandbox.operator(&gone), OperatorReply::Done { .. }));
    let secret = totp_uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let secret = approval::TotpSecret::from_base32(secret).unwrap();
    let factor = protocol::NewFactor::Totp(approval::code_at(&secret, host::clock::now_ms()));
    let password = Some(protocol::Password("four words nobody knows".to_owned()));
    let finish = OperatorRequest::FinishEnrolment { ticket, factor, password };
    let heard = sandbox.operator(&finish);
    assert!(matches!(&heard, OperatorReply::Refused { why } if why.contains("any more")), "{heard:?}");
}
