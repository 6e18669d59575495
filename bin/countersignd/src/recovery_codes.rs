//! Recovery codes: each lets a person who lost their factors enrol again, once.

use data_encoding::BASE32_NOPAD;
use host::clock;
use model::{Digest, ReviewerName};

use crate::state::Daemon;

/// Number of recovery codes of a person, of 80 bits each.
const RECOVERY_CODES: usize = 8;

const RECOVERY_DOMAIN: &str = "countersign/recovery/v1";

/// Uses a code up. Says whether it was one of theirs.
pub(crate) fn serves(daemon: &Daemon, name: &ReviewerName, code: &str) -> Result<bool, String> {
    daemon.store.use_recovery(name, &recovery_digest(code)).map_err(|why| why.to_string())
}

/// New recovery codes. Only their digests stay.
pub(crate) fn codes(daemon: &Daemon, name: &ReviewerName) -> Result<Vec<String>, String> {
    let one = |_| clock::random::<10>().map(|bytes| BASE32_NOPAD.encode(&bytes)).map_err(|why| why.to_string());
    let codes: Vec<String> = (0..RECOVERY_CODES).map(one).collect::<Result<_, _>>()?;
    let digests: Vec<Digest> = codes.iter().map(|code| recovery_digest(code)).collect();
    daemon.store.set_recovery(name, &digests).map_err(|why| why.to_string())?;
    let grouped = |code: &String| {
        let parts: Vec<String> = code.as_bytes().chunks(4).map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        parts.join("-")
    };
    Ok(codes.iter().map(grouped).collect())
}

fn recovery_digest(code: &str) -> Digest {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_uppercase()).collect();
    Digest::within(RECOVERY_DOMAIN, plain.as_bytes())
}
