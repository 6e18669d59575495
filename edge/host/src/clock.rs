//! Time and chance, for the edge to hand to pure code.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970. A clock before 1970 reads as 0, which makes everything expired.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// Random bytes from the kernel.
///
/// # Errors
/// The kernel gives none. The caller must refuse.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|why| std::io::Error::other(why.to_string()))?;
    Ok(bytes)
}

/// Random bits for an id.
///
/// # Errors
/// As [`random`].
pub fn random_id() -> std::io::Result<u128> {
    Ok(u128::from_be_bytes(random::<16>()?))
}
