//! The words that reviewers sign for: a signature covers them to the byte, and records keep it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use approval::{AnswerStatement, Vote, approval_message};
use model::{Digest, HoldId, RequestDigest};

#[test]
fn an_answer_that_a_passkey_signs_stays_word_for_word() {
    let plain = AnswerStatement {
        said: "approve",
        hold: "hold_1",
        request: "r",
        shown: "s",
        policy: "p",
        rule: None,
        reason: None,
        also: Vec::new(),
    };
    let words =
        "countersign answer v2\nanswer approve\nhold hold_1\nrequest r\nshown s\npolicy p\nrule none\nreason none\n";
    assert_eq!(plain.text(), words);
    let full = AnswerStatement {
        said: "deny",
        rule: Some(("[[rule]]", "often")),
        reason: Some("not now"),
        also: vec![("hold_2", "r2".to_owned(), "s2".to_owned())],
        ..plain
    };
    let hex = |text: &str| Digest::of_bytes(text.as_bytes()).to_string();
    let words = format!(
        "countersign answer v2\nanswer deny\nhold hold_1\nrequest r\nshown s\npolicy p\nrule {} {}\nreason {}\nalso hold_2 r2 s2\n",
        hex("[[rule]]"),
        hex("often"),
        hex("not now")
    );
    assert_eq!(full.text(), words);
}

#[test]
fn an_answer_that_an_ssh_key_signs_stays_word_for_word() {
    let hold = HoldId::new(1, 2);
    let request = RequestDigest::carried(Digest::of_bytes(b"x"));
    let words = format!("countersign answer v1\nanswer break-glass\nhold {hold}\nrequest {request}\n");
    assert_eq!(approval_message(Vote::BreakGlass, &hold, &request), words);
}
