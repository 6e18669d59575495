//! The bytes of messages and of what people sign for: programs of two releases speak with each other, and a signature covers
//! words that must not change.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fmt::Debug;

use protocol::{
    AgentReply, AgentRequest, LogReply, LogRequest, MAX_AGENT_FRAME, OperatorRequest, change_text, decode, encode,
    signed_change,
};
use serde::{Serialize, de::DeserializeOwned};

/// Each text is a message, which is written as the same members.
fn same<M: Serialize + DeserializeOwned + Debug>(texts: &[&str]) {
    for text in texts {
        let message: M = decode(text.as_bytes()).unwrap_or_else(|why| panic!("{why}: {text}"));
        let wanted: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&message).unwrap(), wanted);
    }
}

#[test]
fn an_agents_messages_stay_as_they_are() {
    same::<AgentRequest>(&[
        r#"{"say":"submit","key":"csk_1","session":"s-1","act":{"kind":"tool"},"intent":null,"task":"T-1","search_path":null,"hands_over":true}"#,
        r#"{"say":"submit","key":"csk_1","session":"s-1","act":{},"intent":"x","task":null,"search_path":"/bin","hands_over":false,"park":true}"#,
        r#"{"say":"redeem","permit":"permit_1","act":{"kind":"exec"}}"#,
        r#"{"say":"redeem","permit":"permit_1","act":{},"terminal":{"columns":80,"rows":24,"name":"xterm"}}"#,
        r#"{"say":"recorded","permit":"permit_1","events":[{"kind":"o","text":"x"}]}"#,
        r#"{"say":"standing","key":"csk_1"}"#,
        r#"{"say":"outcome","permit":"permit_1","exit":0,"signal":null,"millis":3}"#,
    ]);
    same::<AgentReply>(&[
        r#"{"say":"allow","permit":{"text":"{}","signature":"AA=="},"request":"d","reasons":["r"]}"#,
        r#"{"say":"held","hold":"hold_1","expires_at_ms":5,"reasons":[]}"#,
        r#"{"say":"parked","hold":"hold_1","expires_at_ms":5,"reasons":[]}"#,
        r#"{"say":"deny","refusal":"denied","reasons":["r"]}"#,
        r#"{"say":"deny","refusal":"expired","reasons":[]}"#,
        r#"{"say":"deny","refusal":"undecided","reasons":[]}"#,
        r#"{"say":"standing","agent":"bot","epoch":7}"#,
        r#"{"say":"spent"}"#,
        r#"{"say":"noted"}"#,
    ]);
}

#[test]
fn the_logs_messages_stay_as_they_are() {
    same::<LogRequest>(&[
        r#"{"say":"hello"}"#,
        r#"{"say":"append","records":[{"content":"{}","at_ms":1,"scope":"bot/s-1","terms":["kind=start"]}]}"#,
        r#"{"say":"rotate"}"#,
        r#"{"say":"seal","digest":"d","about":{"x":1}}"#,
        r#"{"say":"begin","head":{"agent":"bot","session":"s-1","request":"d","title":"ls","terminal":{"columns":80,"rows":24,"name":"x"}}}"#,
        r#"{"say":"add","events":[{"kind":"i","text":"x"}]}"#,
        r#"{"say":"end"}"#,
        r#"{"say":"viewed","recording":"rec_1","variant":"raw","by":"rita"}"#,
        r#"{"say":"watch","recording":"rec_1","live":false,"by":"rita"}"#,
        r#"{"say":"legal_hold","scope":"bot/s-1","held":true,"why":"x"}"#,
        r#"{"say":"destroy","scope":"bot/s-1","keys":[1],"why":"x"}"#,
    ]);
    same::<LogReply>(&[
        r#"{"say":"log","verifier":"v","note":null}"#,
        r#"{"say":"durable","proofs":[{}]}"#,
        r#"{"say":"sealed","content":"{}","proof":{}}"#,
        r#"{"say":"began","recording":"rec_1"}"#,
        r#"{"say":"lines","lines":["[0.1,\"o\",\"x\"]"],"ended":true}"#,
        r#"{"say":"done","what":"x"}"#,
        r#"{"say":"failed","why":"x"}"#,
    ]);
}

#[test]
fn a_frame_is_its_length_its_version_and_its_json() {
    let request = AgentRequest::Standing { key: "k".to_owned() };
    let frame = encode(&request, MAX_AGENT_FRAME).unwrap();
    let (header, body) = frame.split_at(protocol::HEADER_BYTES);
    assert_eq!(header, [0, 0, 0, 28, 1]);
    assert_eq!(body, br#"{"say":"standing","key":"k"}"#);
}

#[test]
fn what_people_sign_for_stays_word_for_word() {
    let by = r#""by":{"reviewer":"rita","proof":{"totp":"123456"}}"#;
    let cases = [
        (format!(r#"{{"say":"flag","name":"freeze","on":true,{by}}}"#), "flag freeze true"),
        (format!(r#"{{"say":"remove_agent","name":"bot",{by}}}"#), "remove agent bot"),
        (format!(r#"{{"say":"rotate_agent_key","name":"bot",{by}}}"#), "rotate key of agent bot"),
        (format!(r#"{{"say":"remove_reviewer","name":"sam",{by}}}"#), "remove person sam"),
        (format!(r#"{{"say":"remove_rule","id":"made.1",{by}}}"#), "remove rule made.1"),
        (
            format!(
                r#"{{"say":"place_agent","name":"bot","place":{{"env":"prod","groups":["a","b"],"trust":20}},{by}}}"#
            ),
            "agent bot\nenv Some(\"prod\")\ngroups [\"a\", \"b\"]\ntrust 20",
        ),
    ];
    for (text, words) in cases {
        let message: OperatorRequest = decode(text.as_bytes()).unwrap_or_else(|why| panic!("{why}: {text}"));
        assert_eq!(change_text(&message).as_deref(), Some(words));
    }
    assert_eq!(signed_change("flag freeze true", "n1"), "countersign change v2\nflag freeze true\nnonce n1\n");
}
