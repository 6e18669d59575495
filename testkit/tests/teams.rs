//! Answers written in Teams.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

use std::process::Stdio;

use data_encoding::BASE64;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{Gate, JSON, Sandbox};

/// A message as Teams sends it.
fn write_in_teams(gate: &Gate, token: &[u8], at_ms: u64, user: &str, text: &str) -> (u16, Value) {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at_ms).unwrap()).unwrap().to_string();
    let body = json!({"type": "message", "id": "1485983408511", "timestamp": at, "channelId": "msteams",
        "from": {"id": "29:1XJKJ", "name": "Rita", "aadObjectId": user}, "text": format!("<at>Gate</at>&nbsp;{text}\n")});
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(token).unwrap();
    mac.update(body.as_bytes());
    let authorization = format!("authorization: HMAC {}", BASE64.encode(&mac.finalize().into_bytes()));
    gate.ask("POST", "/v1/channels/teams", &["host: gate.example", JSON, &authorization], &body)
}

#[test]
fn a_message_in_teams_denies_with_words_and_approves_only_what_a_session_is_enough_for() {
    const TOKEN: &[u8] = b"secret of teams";
    let rules = "[[rule]]\nid = \"free\"\nverdict = \"ask\"\ncommand = \"touch **\"\nmatches = [\"touch ./x\"]\nspares = [\"mkdir ./x\"]\n\
                 reason = \"free\"\nassurance = \"session\"\n";
    let sandbox = Sandbox::start_with(rules);
    let (token, url) = (sandbox.secret("token", &BASE64.encode(TOKEN)), sandbox.secret("url", "https://x/"));
    let text = format!(
        "[teams]\nurl_file = {url:?}\ntoken_file = {token:?}\nmention = \"Gate\"\npeople = {{ a1 = \"rita\", a2 = \"olga\" }}\n"
    );
    std::fs::write(sandbox.layout.channels(), text).unwrap();
    sandbox.add_agent("bot");
    let _rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::piped()).spawn().unwrap();
    let hold = sandbox.hold();
    let code = notification::code_of(&hold.id);
    let now_ms = host::clock::now_ms();
    let deny = format!("deny {code}");
    // Forged and old ones are not heard at all.
    assert_eq!(write_in_teams(&gate, b"guess", now_ms, "a1", &deny).0, 409);
    assert_eq!(write_in_teams(&gate, TOKEN, now_ms - 400_000, "a1", &deny).0, 409);
    // Who is unknown, or not enrolled, or writes of something else, or whose word is worth too little, hears so.
    let approve = format!("approve {code}");
    for (user, text, says) in [
        ("a9", deny.as_str(), "no reviewer here has this account"),
        ("a2", deny.as_str(), "Not taken"),
        ("a1", "deny aaaaaaaa", "no open hold"),
        ("a1", "deny", "no open hold"),
        ("a1", "please", "write `approve CODE`"),
        ("a1", &format!("break-glass {code}"), "write `approve CODE`"),
        ("a1", &format!("ask {code}"), "what you want to know"),
        ("a1", &approve, "code"),
    ] {
        let (status, said) = write_in_teams(&gate, TOKEN, host::clock::now_ms(), user, text);
        let said = said["text"].as_str().unwrap_or_default().to_owned();
        assert!(status == 200 && said.starts_with("Not taken") && said.contains(says), "{text}: {said}");
    }
    assert_eq!(sandbox.hold().agreed.len(), 0);
    let text = format!("Deny {} use &lt;b&gt; instead", code.to_ascii_uppercase());
    let (status, said) = write_in_teams(&gate, TOKEN, host::clock::now_ms(), "a1", &text);
    assert_eq!((status, said["text"].as_str()), (200, Some("It is denied.")));
    let output = child.wait_with_output().unwrap();
    let heard = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(126) && heard.contains("use <b> instead"), "{heard}");
    // Where a session is enough, chat approves; the same message again does nothing.
    let mut child = sandbox.run(&["touch", "./x"]).stderr(Stdio::null()).spawn().unwrap();
    let approve = format!("approve {}", notification::code_of(&sandbox.hold().id));
    let at_ms = host::clock::now_ms();
    let (status, said) = write_in_teams(&gate, TOKEN, at_ms, "a1", &approve);
    assert_eq!((status, said["text"].as_str()), (200, Some("It is approved.")));
    assert!(child.wait().unwrap().success());
    assert_eq!(write_in_teams(&gate, TOKEN, at_ms, "a1", &approve).0, 409, "the same message counts twice");
}
