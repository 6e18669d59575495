//! People whom a provider of single sign-on enrolled. Their way in, in a browser: `dashboard.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, Mac as _};
use protocol::{AgentReply, EnrolmentAuthority, NewFactor, OperatorReply, OperatorRequest, ReviewerAttributes};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{Sandbox, exec_act};

#[test]
fn whoever_the_provider_does_not_name_any_more_answers_nothing() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let state = rusqlite::Connection::open(sandbox.layout.state.join("state.db")).unwrap();
    let seen = |hours_ago: u64| {
        let at_ms = i64::try_from(host::clock::now_ms() - hours_ago * 3_600_000).unwrap();
        let insert = "INSERT INTO identities VALUES ('https://id.example', 's-1', 'rita', ?1, 1)
                      ON CONFLICT DO UPDATE SET seen_ms = ?1";
        state.execute(insert, [at_ms]).unwrap();
    };
    let agent = sandbox.raw(&key);
    agent.submit(&exec_act(&["mkdir", "x"]));
    let hold = sandbox.hold();
    let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
        panic!("not signed in")
    };
    let looks = || {
        let say = OperatorRequest::Session { token: token.clone(), keep: false };
        matches!(sandbox.operator(&say), OperatorReply::Session { .. })
    };
    assert!(looks());
    seen(12);
    assert!(!looks(), "a page that was open is over, too");
    for said in ["approve", "deny"] {
        let why = sandbox.answer(&hold, said, rita.vouch_with(&rita.code())).unwrap_err();
        assert!(why.contains("single sign-on"), "{why}");
    }
    // Nor from chat, where only the account identifies them.
    let signing = sandbox.secret("signing", "s");
    let slack = format!(
        "[slack]\ntoken_file = 'x'\nchannel = 'C1'\nsigning_secret_file = '{signing}'\npeople = {{ U1 = 'rita' }}\n"
    );
    std::fs::write(sandbox.layout.channels(), slack).unwrap();
    let click = || {
        let said = json!({"type": "block_actions", "user": {"id": "U1"}, "actions": [{"value": format!("deny {} {}", hold.id, hold.request)}]});
        let body: String = said.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (at, body) = ((host::clock::now_ms() / 1_000).to_string(), format!("payload={body}"));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"s").unwrap();
        mac.update(format!("v0:{at}:{body}").as_bytes());
        let signature = format!("v0={}", data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes()));
        sandbox.operator(&OperatorRequest::SlackClick { at, signature, body })
    };
    let said = click();
    assert!(matches!(&said, OperatorReply::Refused { why } if why.contains("single sign-on")), "{said:?}");
    // A person enrolled here, whom the operator joined with an account there, continues when the provider is away.
    state.execute("UPDATE identities SET enrolled = 0", []).unwrap();
    assert!(looks());
    assert!(!sandbox.answer(&hold, "approve", rita.vouch_with("000000")).unwrap_err().contains("single"));
    state.execute("UPDATE identities SET enrolled = 1", []).unwrap();
    seen(11);
    assert_eq!(sandbox.answer(&hold, "approve", rita.vouch()).as_deref(), Ok("approved"));
    assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }));
}

#[test]
fn what_they_sign_with_takes_an_operators_word() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let state = rusqlite::Connection::open(sandbox.layout.state.join("state.db")).unwrap();
    let now_ms = i64::try_from(host::clock::now_ms()).unwrap();
    let person = "INSERT INTO reviewers (name, created_ms, role, groups) VALUES ('olivia', ?1, 'reviewer', '')";
    state.execute(person, [now_ms]).unwrap();
    let invite =
        |by| OperatorRequest::Invite { name: Some("olivia".to_owned()), place: ReviewerAttributes::of("operator"), by };
    // A person with this name here is not enrolled again by an invitation; nor can one invite without a proof.
    let refused = |say: &OperatorRequest| matches!(sandbox.operator(say), OperatorReply::Refused { .. });
    assert!(refused(&invite(Some(rita.vouch()))));
    state.execute("INSERT INTO identities VALUES ('https://id.example', 's-2', 'olivia', ?1, 1)", [now_ms]).unwrap();
    assert!(refused(&invite(None)));
    let OperatorReply::Invited { token, .. } = sandbox.operator(&invite(Some(rita.vouch()))) else {
        panic!("not invited")
    };
    let begin =
        || OperatorRequest::BeginEnrolment { who: EnrolmentAuthority::Invite { token: token.clone(), name: None } };
    let OperatorReply::Enrolment { ticket, role, totp_uri, .. } = sandbox.operator(&begin()) else {
        panic!("not begun")
    };
    assert_eq!(role, "reviewer", "the role is the provider's, whatever the invitation says");
    let secret = totp_uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let bytes = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let secret = approval::TotpSecret::new(bytes.try_into().unwrap());
    let code = approval::code_at(&secret, host::clock::now_ms());
    let finish = |password: Option<&str>| OperatorRequest::FinishEnrolment {
        ticket: ticket.clone(),
        factor: NewFactor::Totp(code.clone()),
        password: password.map(|it| protocol::Password(it.to_owned())),
    };
    assert!(refused(&finish(None)), "an app also takes a password");
    assert!(refused(&finish(Some("olivia"))), "and one that is not guessed");
    let finish = finish(Some("four words nobody knows"));
    assert!(matches!(sandbox.operator(&finish), OperatorReply::Enrolled { name, .. } if name == "olivia"));
    assert!(refused(&begin()), "it serves once");
    assert!(refused(&invite(Some(rita.vouch()))), "she has a factor of her own now");
}

const ISSUER: &str = "https://id.example";

/// A provider that the daemon knows, and its claims about people.
struct Provider(SigningKey);

impl Provider {
    fn start(sandbox: &Sandbox) -> Self {
        let key = SigningKey::from_bytes(&[1; 32]);
        let keys = json!([{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "one",
            "x": BASE64URL_NOPAD.encode(key.verifying_key().as_bytes())}]);
        let known = json!({"issuer": ISSUER, "authorization_endpoint": ISSUER, "token_endpoint": ISSUER, "keys": {"keys": keys},
            "fetched_ms": host::clock::now_ms()});
        std::fs::write(sandbox.layout.provider(), known.to_string()).unwrap();
        Self(key)
    }

    /// Writes `signon.toml` with these people.
    fn people(sandbox: &Sandbox, people: &str) {
        let text = format!(
            "issuer = '{ISSUER}'\nclient_id = 'gate'\npage = 'https://gate.example'\n[[role]]\ngroup = 'all'\nrole = 'reviewer'\n[people]\n{people}\n"
        );
        std::fs::write(sandbox.layout.signon(), text).unwrap();
    }

    /// A browser comes back from the provider.
    fn sign_in(&self, sandbox: &Sandbox, subject: &str, name: &str) -> Result<String, String> {
        let OperatorReply::Challenge { nonce, .. } = sandbox.operator(&OperatorRequest::BeginSignOn) else {
            panic!("no nonce")
        };
        let now_s = host::clock::now_ms() / 1_000;
        let claims = json!({"iss": ISSUER, "aud": "gate", "sub": subject, "iat": now_s, "exp": now_s + 300, "nonce": nonce,
            "preferred_username": name, "groups": ["all"]});
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let text = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "one"})), part(&claims));
        let token = format!("{text}.{}", BASE64URL_NOPAD.encode(&self.0.sign(text.as_bytes()).to_bytes()));
        let session = match sandbox.operator(&OperatorRequest::FinishSignOn { token, nonce }) {
            OperatorReply::SignedIn { token } => token,
            OperatorReply::Refused { why } => return Err(why),
            other => panic!("{other:?}"),
        };
        match sandbox.operator(&OperatorRequest::Session { token: session, keep: false }) {
            OperatorReply::Session { name, .. } => Ok(name),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn who_is_joined_with_whom_is_the_operators_word_alone() {
    let sandbox = Sandbox::start();
    let _rita = sandbox.add_reviewer("rita");
    let provider = Provider::start(&sandbox);
    let come = |subject: &str, name: &str| provider.sign_in(&sandbox, subject, name);
    Provider::people(&sandbox, "");
    assert!(come("s-1", "rita").unwrap_err().contains("under [people]"), "a name that is here is not taken over");
    Provider::people(&sandbox, "'rita@x' = 'rita'");
    assert_eq!(come("s-1", "rita@x").as_deref(), Ok("rita"));
    // Another account that comes to carry her claim is not her; nor is she another person when her own claim changes.
    assert!(come("s-2", "rita@x").unwrap_err().contains("already"), "a claim that was given on");
    assert!(come("s-1", "mallory").unwrap_err().contains("does not say any more"), "a claim that was changed");
    assert_eq!(come("s-1", "rita@x").as_deref(), Ok("rita"));
    // The operator takes the join back.
    Provider::people(&sandbox, "");
    assert!(come("s-1", "rita@x").unwrap_err().contains("does not say any more"));
    assert!(come("s-1", "rita").unwrap_err().contains("does not say any more"));
    // A person enrolled by the provider keeps the first name, whatever their later name there.
    assert_eq!(come("s-3", "newby").as_deref(), Ok("newby"));
    assert_eq!(come("s-3", "rita").as_deref(), Ok("newby"));
}
