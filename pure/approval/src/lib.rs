//! From a decision to authority: holds, the answers of people, and permits. Only this crate makes a [`Permit`].

mod hold;
mod passkey;
mod password;
mod permit;
mod question;
mod signed;
mod sshsig;
mod totp;

pub use hold::{Answer, AnswerRefused, BREAK_GLASS, Hold, HoldState, Said};
pub use passkey::{Assertion, Passkey, PasskeyRefused, Site};
pub use password::{MIN_PASSWORD_CHARS, PasswordHash, PasswordRefused};
pub use permit::{NoPermit, PERMIT_LIFE_MS, Permit, PermitKey, PermitVerifier, SealedPermit};
pub use question::Question;
pub use signed::Signed;
pub use sshsig::{NAMESPACE, SshIdentity, SshRefused, approval_message};
pub use totp::{TotpRefused, TotpSecret, code_at};
