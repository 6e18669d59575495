//! People for tests, with the authenticators that they would have.

use std::sync::atomic::{AtomicU64, Ordering};

use approval::{TotpSecret, code_at};
use host::clock;
use protocol::{Proof, Vouch};

/// A reviewer whose authenticator the test holds.
pub struct Reviewer {
    /// Name.
    pub name: String,
    secret: TotpSecret,
    used: AtomicU64,
}

impl Reviewer {
    /// A reviewer whose secret is known.
    pub(crate) fn new(name: &str, secret: TotpSecret) -> Self {
        Self { name: name.to_owned(), secret, used: AtomicU64::new(0) }
    }

    /// A proof with a code that was not used yet. There are three at any moment.
    pub fn vouch(&self) -> Vouch {
        // The oldest of the three is over at the end of a step: not on its way to the verifier.
        let left = 30_000_u64.saturating_sub(clock::now_ms() % 30_000);
        if left < 500 {
            std::thread::sleep(std::time::Duration::from_millis(left.saturating_add(5)));
        }
        let used = self.used.fetch_add(1, Ordering::SeqCst);
        let at_ms = clock::now_ms().saturating_sub(30_000).saturating_add(used.saturating_mul(30_000));
        self.vouch_with(&code_at(&self.secret, at_ms))
    }

    /// A proof with a given code.
    pub fn vouch_with(&self, code: &str) -> Vouch {
        Vouch { reviewer: self.name.clone(), proof: Proof::Totp(code.to_owned()) }
    }

    /// The secret of their authenticator, in base 32.
    pub fn secret(&self) -> String {
        let uri = self.secret.uri("x");
        uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).unwrap().to_owned()
    }

    /// The code of now.
    pub fn code(&self) -> String {
        code_at(&self.secret, clock::now_ms())
    }
}
