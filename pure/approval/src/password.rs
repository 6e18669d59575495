//! Passwords of local accounts: Argon2id (RFC 9106), 19 MiB, two passes, one lane, as OWASP's cheat sheet on password storage asks
//! for at least. What is kept is a PHC string.
//!
//! A password is never enough: it goes with the code of an authenticator, and only to sign in.

use std::fmt;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use model::ReviewerName;
use unicode_normalization::UnicodeNormalization as _;

/// The shortest password, in characters, and the longest text that is looked at, in bytes (NIST SP 800-63B §3.1.1.2).
pub const MIN_PASSWORD_CHARS: usize = 12;
const MAX_BYTES: usize = 1_024;

/// How many different characters there are at least.
const MIN_DIFFERENT: usize = 5;

const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefused {
    /// Too few characters.
    Short,
    /// More bytes than a person types.
    Long,
    /// The same few characters again and again, or the person's own name.
    Plain,
    /// The machine has no memory for it.
    Failed,
}

impl fmt::Display for PasswordRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => {
                write!(out, "a password has at least {MIN_PASSWORD_CHARS} characters; a few words are easy to keep")
            }
            Self::Long => write!(out, "a password has at most {MAX_BYTES} bytes"),
            Self::Plain => out.write_str(
                "this password is easily guessed: choose a few words that have nothing to do with each other",
            ),
            Self::Failed => out.write_str("the password could not be worked on; is there memory left?"),
        }
    }
}

impl std::error::Error for PasswordRefused {}

/// Prints nothing of it.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PasswordHash(..)")
    }
}

impl PasswordHash {
    /// Takes a new password of a person, with 16 random bytes.
    ///
    /// # Errors
    /// It is too short, too long, or easily guessed; or there is no memory.
    pub fn new(password: &str, name: &ReviewerName, salt: [u8; 16]) -> Result<Self, PasswordRefused> {
        let text = normal(password)?;
        if text.chars().count() < MIN_PASSWORD_CHARS {
            return Err(PasswordRefused::Short);
        }
        let different: std::collections::BTreeSet<char> = text.chars().collect();
        let rest = text.to_lowercase().replace(&name.as_str().to_lowercase(), "");
        if different.len() < MIN_DIFFERENT || rest.chars().count() < MIN_PASSWORD_CHARS / 2 {
            return Err(PasswordRefused::Plain);
        }
        let hash = hasher()?.hash_password_with_salt(text.as_bytes(), &salt).map_err(|_| PasswordRefused::Failed)?;
        Ok(Self(hash.to_string()))
    }

    /// What was kept. It is checked at sign-in.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// For storing: a PHC string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a password is the one. It takes the time that it takes, right or wrong.
    pub fn is_of(&self, password: &str) -> bool {
        let (Ok(text), Ok(hasher)) = (normal(password), hasher()) else { return false };
        hasher.verify_password(text.as_bytes(), self.0.as_str()).is_ok()
    }

    /// Takes as long as checking a real one, so the caller does not learn who has no password.
    pub fn is_of_nobody(password: &str) {
        let nobody = Self(NOBODY.to_owned());
        let _ = std::hint::black_box(nobody.is_of(std::hint::black_box(password)));
    }
}

/// The hash of an unknown password that no person has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn hasher() -> Result<Argon2<'static>, PasswordRefused> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)).map_err(|_| PasswordRefused::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The same text however a keyboard writes it (Unicode NFKC, as NIST SP 800-63B §3.1.1.2 asks for).
fn normal(password: &str) -> Result<String, PasswordRefused> {
    if password.len() > MAX_BYTES {
        return Err(PasswordRefused::Long);
    }
    Ok(password.nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::{NOBODY, PasswordHash, PasswordRefused};
    use model::ReviewerName;

    fn new(password: &str) -> Result<PasswordHash, PasswordRefused> {
        PasswordHash::new(password, &ReviewerName::parse("rita").unwrap(), [7; 16])
    }

    #[test]
    fn it_is_argon2id_as_others_compute_it() {
        // Made by argon2-cffi of PyPI, salt 0 to 15.
        let theirs =
            "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU";
        let salt = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let name = ReviewerName::parse("rita").unwrap();
        let ours = PasswordHash::new("correct horse battery staple", &name, salt).unwrap();
        assert_eq!(ours.as_str(), theirs);
        assert!(PasswordHash::stored(theirs.to_owned()).is_of("correct horse battery staple"));
        assert!(!PasswordHash::stored(theirs.to_owned()).is_of("correct horse battery stable"));
    }

    #[test]
    fn what_is_kept_tells_nothing_and_opens_nothing_when_it_is_broken() {
        let kept = new("correct horse battery staple").unwrap();
        assert!(!format!("{kept:?}").contains("argon2"));
        for broken in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$", NOBODY] {
            for password in ["", "x", "correct horse battery staple"] {
                assert!(!PasswordHash::stored(broken.to_owned()).is_of(password), "{broken}");
            }
        }
    }

    #[test]
    fn keyboards_write_the_same_character_differently() {
        let kept = new("caf\u{e9} au lait bleu").unwrap();
        assert!(kept.is_of("cafe\u{301} au lait bleu"));
        assert!(!kept.is_of("cafe au lait bleu"));
    }

    #[test]
    fn what_is_easily_guessed_is_refused() {
        assert_eq!(new("short"), Err(PasswordRefused::Short));
        assert_eq!(new("aaaaaaaaaaaaaaaa"), Err(PasswordRefused::Plain));
        assert_eq!(new("abababababababab"), Err(PasswordRefused::Plain));
        assert_eq!(new("ritaRITArita123"), Err(PasswordRefused::Plain));
        assert_eq!(new(&"ab cd ef gh ".repeat(100)), Err(PasswordRefused::Long));
        assert!(new("one two three four").is_ok());
    }
}
