//! Web push: a notice for one browser, encrypted so that the push service on the way cannot read it (RFC 8291, RFC 8188), and signed
//! so that it knows who sends (VAPID, RFC 8292).

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Key, Nonce};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::Notice;

/// The longest text of a notice, in bytes. Push services take 4 KB in all.
const MAX_TEXT: usize = 3_000;

/// How long a token to a push service is good for, in seconds: a day at most (RFC 8292 §2).
const TOKEN_S: u64 = 12 * 3_600;

/// Hosts of the push services of browsers. The operator names others: an address that any client may give must not lead
/// into the network here.
const SERVICES: [&str; 4] =
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "notify.windows.com", "push.apple.com"];

/// Where a browser can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    endpoint: String,
    origin: String,
    key: PublicKey,
    auth: [u8; 16],
}

impl Subscription {
    /// Reads what a browser gives: the address, its key (P-256) and its secret, both base64url.
    ///
    /// # Errors
    /// It is none, or leads somewhere else than to a push service. `more` are hosts that are push services here.
    pub fn read(endpoint: &str, key: &str, auth: &str, more: &[String]) -> Result<Self, &'static str> {
        let none = "this is no subscription of a browser";
        if endpoint.len() > 1_024
            || !endpoint.is_ascii()
            || endpoint.contains(|c: char| c.is_ascii_control() || c == ' ')
        {
            return Err(none);
        }
        let (scheme, rest) = endpoint.split_once("://").ok_or(none)?;
        let (authority, _) = rest.split_once('/').ok_or(none)?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let is_local = host == "localhost" && more.iter().any(|it| it == host);
        let is_service =
            SERVICES.iter().any(|it| host == *it || host.strip_suffix(it).is_some_and(|it| it.ends_with('.')))
                || more.iter().any(|it| it == host);
        if !is_service || authority.contains('@') || !(scheme == "https" || scheme == "http" && is_local) {
            return Err("this push service is not known here; the operator names it under [push] in channels.toml");
        }
        let bytes = |text: &str| BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).map_err(|_| none);
        let key = PublicKey::from_sec1_bytes(&bytes(key)?).map_err(|_| none)?;
        let auth = bytes(auth)?.try_into().map_err(|_| none)?;
        Ok(Self { endpoint: endpoint.to_owned(), origin: format!("{scheme}://{authority}"), key, auth })
    }

    /// The address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Encrypts a text for this browser, with a key and a salt that serve this once.
    pub fn encrypt(&self, text: &[u8], once: &SecretKey, salt: &[u8; 16]) -> Option<Vec<u8>> {
        let shared = p256::ecdh::diffie_hellman(once.to_nonzero_scalar(), self.key.as_affine());
        let ours = once.public_key().to_encoded_point(false);
        let theirs = self.key.to_encoded_point(false);
        // RFC 8291 §3.4.
        let mut about = b"WebPush: info\0".to_vec();
        about.extend_from_slice(theirs.as_bytes());
        about.extend_from_slice(ours.as_bytes());
        let material = derive(&self.auth, shared.raw_secret_bytes(), &about)?;
        // RFC 8188 §2.2 and §2.3: one record, which is the last.
        let key = derive(salt, &material, b"Content-Encoding: aes128gcm\0")?;
        let nonce = derive(salt, &material, b"Content-Encoding: nonce\0")?;
        let cipher = Aes128Gcm::new(Key::<Aes128Gcm>::from_slice(key.get(..16)?));
        let padded = [text, &[2]].concat();
        let sealed = cipher.encrypt(Nonce::from_slice(nonce.get(..12)?), padded.as_slice()).ok()?;
        let mut body = salt.to_vec();
        body.extend_from_slice(&4_096_u32.to_be_bytes());
        body.push(u8::try_from(ours.len()).ok()?);
        body.extend_from_slice(ours.as_bytes());
        body.extend_from_slice(&sealed);
        Some(body)
    }
}

/// HKDF (RFC 5869) with SHA-256, for 32 bytes at most.
fn derive(salt: &[u8], secret: &[u8], about: &[u8]) -> Option<[u8; 32]> {
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        Some(<[u8; 32]>::from(mac.finalize().into_bytes()))
    };
    mac(&mac(salt, &[secret])?, &[about, &[1]])
}

/// The key by which push services know who sends.
pub struct PushKey(SigningKey);

impl PushKey {
    /// From 32 bytes; nothing for the few that are no key.
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self)
    }

    /// What a browser is given, base64url.
    pub fn public(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.verifying_key().to_encoded_point(false).as_bytes())
    }

    /// The header `Authorization` for a subscription. `contact` is an address for the operator of the push service.
    pub fn authorization(&self, to: &Subscription, contact: &str, now_s: u64) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let claims = json!({"aud": to.origin, "exp": now_s.saturating_add(TOKEN_S), "sub": contact});
        let text = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ES256"})), part(&claims));
        let signature: Signature = self.0.sign(text.as_bytes());
        format!("vapid t={text}.{}, k={}", BASE64URL_NOPAD.encode(&signature.to_bytes()), self.public())
    }
}

/// What a browser shows. Nothing in it decides anything: a click opens the page.
pub fn push_text(notice: &Notice) -> Option<Vec<u8>> {
    let (title, tag) = match notice {
        Notice::Waits { hold, half } => {
            (if *half { "Half of the time is over" } else { "An approval is needed" }, hold.id.as_str())
        }
        Notice::Flood { agent, .. } => ("One agent asks very often", agent.as_str()),
        Notice::Closed { hold, .. } => ("It is decided", hold.id.as_str()),
    };
    let text: String = crate::summary(notice).chars().take(MAX_TEXT / 4).collect();
    serde_json::to_vec(
        &json!({"title": title, "body": text, "tag": tag, "closed": matches!(notice, Notice::Closed { .. })}),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::{PushKey, Subscription};
    use data_encoding::BASE64URL_NOPAD;
    use p256::SecretKey;
    use p256::ecdsa::signature::Verifier as _;

    const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn the_example_of_the_standard_is_encrypted_as_it_is_there() {
        // RFC 8291, §5 and appendix A.
        let to = Subscription::read(
            "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            KEY,
            AUTH,
            &["push.example.net".into()],
        )
        .unwrap();
        let once =
            SecretKey::from_slice(&BASE64URL_NOPAD.decode(b"yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap())
                .unwrap();
        let salt = BASE64URL_NOPAD.decode(b"DGv6ra1nlYgDCS1FRnbzlw").unwrap().try_into().unwrap();
        let body = to.encrypt(b"When I grow up, I want to be a watermelon", &once, &salt).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64URL_NOPAD.encode(&body), expected);
    }

    #[test]
    fn an_address_that_anybody_gives_leads_to_a_push_service_and_nowhere_else() {
        let reads = |endpoint: &str, more: &[&str]| {
            let more: Vec<String> = more.iter().map(|it| (*it).to_owned()).collect();
            Subscription::read(endpoint, KEY, AUTH, &more).is_ok()
        };
        for endpoint in [
            "https://fcm.googleapis.com/fcm/send/x",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://wns2-par02p.notify.windows.com/w/?token=x",
            "https://web.push.apple.com/x",
        ] {
            assert!(reads(endpoint, &[]), "{endpoint}");
        }
        for endpoint in [
            "http://fcm.googleapis.com/x",
            "https://evil-fcm.googleapis.com.evil.example/x",
            "https://notnotify.windows.com/x",
            "https://fcm.googleapis.com@169.254.169.254/x",
            "https://169.254.169.254/latest",
            "http://localhost:9000/x",
            "https://localhost/x",
            "file:///etc/passwd",
            "https://fcm.googleapis.com/x\r\nhost: evil",
            "",
        ] {
            assert!(!reads(endpoint, &[]), "{endpoint}");
        }
        assert!(
            reads("http://localhost:9000/x", &["localhost"])
                && reads("https://push.intern.example/x", &["push.intern.example"])
        );
        assert!(!reads("http://push.intern.example/x", &["push.intern.example"]));
        let endpoint = "https://fcm.googleapis.com/x";
        assert!(
            Subscription::read(endpoint, "AAAA", AUTH, &[]).is_err()
                && Subscription::read(endpoint, KEY, "AAAA", &[]).is_err()
        );
    }

    #[test]
    fn whoever_sends_says_so_to_this_service_alone() {
        let key = PushKey::new(&[7; 32]).unwrap();
        let to = Subscription::read("https://fcm.googleapis.com/fcm/send/x", KEY, AUTH, &[]).unwrap();
        let said = key.authorization(&to, "mailto:ops@example.com", 1_000);
        let token = said.strip_prefix("vapid t=").unwrap().split(',').next().unwrap();
        let (text, signature) = token.rsplit_once('.').unwrap();
        let signature =
            p256::ecdsa::Signature::from_slice(&BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
        key.0.verifying_key().verify(text.as_bytes(), &signature).unwrap();
        let claims = BASE64URL_NOPAD.decode(text.split_once('.').unwrap().1.as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(
            claims,
            serde_json::json!({"aud": "https://fcm.googleapis.com", "exp": 44_200, "sub": "mailto:ops@example.com"})
        );
    }
}
