//! From a decision to authority: holds, the answers of people, and permits. Only this crate makes a [`Permit`].

mod approval_request;
mod hold;
mod passkey;
mod password;
mod permit;
mod record_words;
mod sshsig;
mod statement;
mod totp;

pub use approval_request::ApprovalRequest;
pub use hold::{Answer, AnswerRefused, BREAK_GLASS, Hold, HoldState, Vote};
pub use passkey::{Assertion, Passkey, PasskeyRefused, Site};
pub use password::{MIN_PASSWORD_CHARS, PasswordHash, PasswordRefused};
pub use permit::{NoPermit, PERMIT_LIFE_MS, Permit, PermitKey, PermitVerifier, SealedPermit};
pub use sshsig::{NAMESPACE, SshIdentity, SshRefused, approval_message};
pub use statement::AnswerStatement;
pub use totp::{TotpRefused, TotpSecret, code_at};
