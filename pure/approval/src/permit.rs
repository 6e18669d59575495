//! Permits: authority for one request, once, soon. Made from a decision and the receipt of its durable record, and,
//! where people were asked, from the approved hold and the receipt of the answer.

use std::fmt;

use audit::Receipt;
use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use model::canon::canonical;
use model::{Digest, PermitId, RequestDigest};
use pdp::{Decision, Obligations, Verdict};
use record::{AnswerState, Event};
use serde_json::{Value, json};

use crate::hold::{Hold, HoldState};

/// How long a permit lives, in milliseconds. After that it authorizes nothing.
pub const PERMIT_LIFE_MS: u64 = 10_000;

/// Authority for one request. It has no copy: using it moves it.
///
/// ```
/// fn once(permit: approval::Permit) -> approval::Permit {
///     permit
/// }
/// ```
///
/// It cannot be used twice, copied, made up, or read from a message:
///
/// ```compile_fail
/// fn twice(permit: approval::Permit) -> (approval::Permit, approval::Permit) {
///     (permit, permit)
/// }
/// ```
///
/// ```compile_fail
/// fn copied(permit: &approval::Permit) -> approval::Permit {
///     permit.clone()
/// }
/// ```
///
/// ```compile_fail
/// let permit: approval::Permit = Default::default();
/// ```
///
/// ```compile_fail
/// fn made_up(id: model::PermitId, request: model::RequestDigest) -> approval::Permit {
///     approval::Permit { id, request, obligations: Default::default(), expires_at_ms: u64::MAX }
/// }
/// ```
///
/// ```compile_fail
/// let permit: approval::Permit = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct Permit {
    id: PermitId,
    request: RequestDigest,
    obligations: Obligations,
    expires_at_ms: u64,
}

/// Why there is no permit.
#[derive(Debug, PartialEq, Eq)]
pub enum NoPermit {
    /// The decision does not allow it, or not without people.
    NotAllowed,
    /// The durable record says something else than the decision.
    OtherRecord,
    /// The hold was not approved, or is another request's.
    NotApproved,
}

impl fmt::Display for NoPermit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotAllowed => "the decision does not allow the act",
            Self::OtherRecord => "the durable record is about something else",
            Self::NotApproved => "the hold was not approved, or belongs to another request",
        })
    }
}

impl std::error::Error for NoPermit {}

impl Permit {
    /// A permit for a decision that allows. The receipt must be that of this decision's record.
    pub fn for_allowed(decision: &Decision, receipt: &Receipt, id: PermitId, now_ms: u64) -> Result<Self, NoPermit> {
        let Verdict::Allow(obligations) = decision.verdict() else { return Err(NoPermit::NotAllowed) };
        is_decision(receipt, decision.request(), record::Verdict::Allow)?;
        Ok(Self::new(id, decision.request(), obligations, now_ms))
    }

    /// A permit for a decision that asked, once the hold is approved and the approval is durable.
    pub fn for_approved(
        decision: &Decision,
        asked: &Receipt,
        hold: &Hold,
        answered: &Receipt,
        id: PermitId,
        now_ms: u64,
    ) -> Result<Self, NoPermit> {
        let Verdict::Ask(_, obligations) = decision.verdict() else { return Err(NoPermit::NotAllowed) };
        if hold.state() != HoldState::Approved || hold.question().request != *decision.request() {
            return Err(NoPermit::NotApproved);
        }
        is_decision(asked, decision.request(), record::Verdict::Ask)?;
        is_approval(answered, decision.request())?;
        Ok(Self::new(id, decision.request(), obligations, now_ms))
    }

    fn new(id: PermitId, request: &RequestDigest, obligations: &Obligations, now_ms: u64) -> Self {
        Self {
            id,
            request: *request,
            obligations: obligations.clone(),
            expires_at_ms: now_ms.saturating_add(PERMIT_LIFE_MS),
        }
    }

    /// Its id.
    pub const fn id(&self) -> &PermitId {
        &self.id
    }

    /// The request it is for.
    pub const fn request(&self) -> &RequestDigest {
        &self.request
    }

    /// What must be done with it.
    pub const fn obligations(&self) -> &Obligations {
        &self.obligations
    }

    /// When it ends, milliseconds since 1970.
    pub const fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// Signs it for the way to the enforcement point. The permit is gone: what travels is its sealed form.
    pub fn seal(self, key: &PermitKey) -> SealedPermit {
        let text = canonical(&json!({
            "v": 1, "id": self.id.as_str(), "request": self.request.to_string(),
            "expires_at_ms": self.expires_at_ms, "withhold": self.obligations.withhold,
            "sandbox": self.obligations.sandbox, "timeout_s": self.obligations.timeout_s, "record": self.obligations.record,
            "redact": self.obligations.redact, "snapshot": self.obligations.snapshot,
        }));
        let signature = key.0.sign(&text).to_bytes();
        SealedPermit { text: String::from_utf8_lossy(&text).into_owned(), signature: BASE64.encode(&signature) }
    }
}

/// The receipt is of the decision on this request, with this verdict.
fn is_decision(receipt: &Receipt, request: &RequestDigest, verdict: record::Verdict) -> Result<(), NoPermit> {
    let decided = receipt.event().decision();
    let is_it = decided.is_some_and(|it| it.request_digest == request.to_string() && it.verdict == verdict);
    if is_it { Ok(()) } else { Err(NoPermit::OtherRecord) }
}

/// The receipt is of the answer that approved this request.
fn is_approval(receipt: &Receipt, request: &RequestDigest) -> Result<(), NoPermit> {
    match receipt.event() {
        Event::Answer(it) if it.state == AnswerState::Approved && it.request_digest == request.to_string() => Ok(()),
        Event::Answer(_)
        | Event::Start(_)
        | Event::Decision(_)
        | Event::Permit(_)
        | Event::Outcome(_)
        | Event::Change(_)
        | Event::Refusal(_)
        | Event::Recording(_)
        | Event::Access(_) => Err(NoPermit::OtherRecord),
    }
}

/// The key that seals permits. It belongs to `countersignd`.
pub struct PermitKey(SigningKey);

impl PermitKey {
    /// A key from its 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn verifier(&self) -> PermitVerifier {
        PermitVerifier(self.0.verifying_key())
    }
}

/// What an enforcement point needs to check a sealed permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermitVerifier(VerifyingKey);

/// A permit under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPermit {
    /// Canonical JSON.
    pub text: String,
    /// Ed25519 over it, base 64.
    pub signature: String,
}

impl PermitVerifier {
    /// The key as base 64.
    pub fn to_text(&self) -> String {
        BASE64.encode(self.0.as_bytes())
    }

    /// Reads base 64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = BASE64.decode(text.trim().as_bytes()).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok().map(Self)
    }

    /// Opens a sealed permit: id and what it obliges to, where it is genuine, for this request and still alive. An
    /// obligation that is not known here makes it unreadable.
    pub fn open(&self, sealed: &SealedPermit, request: &Digest, now_ms: u64) -> Option<(PermitId, Obligations)> {
        let signature = Signature::from_slice(&BASE64.decode(sealed.signature.as_bytes()).ok()?).ok()?;
        self.0.verify(sealed.text.as_bytes(), &signature).ok()?;
        let value: Value = serde_json::from_str(&sealed.text).ok()?;
        let alive = value.get("expires_at_ms")?.as_u64()? > now_ms;
        let ours = value.get("request")?.as_str()? == request.to_string();
        const KEYS: &[&str] = &[
            "v",
            "id",
            "request",
            "expires_at_ms",
            "withhold",
            "sandbox",
            "timeout_s",
            "record",
            "redact",
            "snapshot",
        ];
        if !value.as_object()?.keys().all(|key| KEYS.contains(&key.as_str())) {
            return None;
        }
        let words = |key: &str| -> Option<Vec<String>> {
            value.get(key)?.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let timeout_s = value.get("timeout_s").filter(|it| !it.is_null());
        let timeout_s = timeout_s.map(|it| it.as_u64().and_then(|it| u32::try_from(it).ok()));
        let obligations = Obligations {
            withhold: words("withhold")?,
            sandbox: words("sandbox")?,
            timeout_s: match timeout_s {
                Some(number) => Some(number?),
                None => None,
            },
            record: value.get("record")?.as_bool()?,
            redact: value.get("redact")?.as_bool()?,
            snapshot: value.get("snapshot")?.as_bool()?,
        };
        let id = PermitId::parse(value.get("id")?.as_str()?).ok()?;
        (alive && ours).then_some((id, obligations))
    }
}

#[cfg(test)]
mod tests {
    use super::{Permit, PermitKey};
    use model::{Digest, PermitId, RequestDigest};
    use pdp::Obligations;

    #[test]
    fn a_sealed_permit_stays_to_the_byte() {
        let request = RequestDigest::carried(Digest::from_array([7; 32]));
        let obligations = Obligations { timeout_s: Some(30), record: true, ..Obligations::default() };
        let sealed = Permit::new(PermitId::new(1, 2), &request, &obligations, 1_000).seal(&PermitKey::new(&[9; 32]));
        let wanted = concat!(
            r#"{"expires_at_ms":11000,"id":"permit_00000000010000000000000002","record":true,"redact":false,"#,
            r#""request":"0707070707070707070707070707070707070707070707070707070707070707","sandbox":[],"snapshot":false,"#,
            r#""timeout_s":30,"v":1,"withhold":[]}"#
        );
        assert_eq!(sealed.text, wanted);
        assert_eq!(sealed.signature.len(), 88);
    }
}
