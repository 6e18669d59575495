//! SHA-256 digests (FIPS 180-4), each under a domain so that one kind of thing never passes for another.

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedDigest;

impl Digest {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The plain SHA-256 of some bytes, as `sha256sum` prints it: for file contents and environments.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of some bytes under a domain: SHA-256 of domain, a zero byte, bytes.
    pub fn within(domain: &str, bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(domain.as_bytes());
        hasher.update([0]);
        hasher.update(bytes);
        Self(hasher.finalize().into())
    }

    /// A digest that was computed elsewhere.
    pub const fn from_array(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_array(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, MalformedDigest> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| MalformedDigest)?;
        Ok(Self(bytes.try_into().map_err(|_| MalformedDigest)?))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Digest({self})")
    }
}

impl fmt::Display for MalformedDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a digest is 64 lower-case hexadecimal digits")
    }
}

impl std::error::Error for MalformedDigest {}

/// The digest of one request: everything that an approval and a permit are bound to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestDigest(Digest);

impl RequestDigest {
    /// The domain under which requests are hashed.
    pub const DOMAIN: &str = "countersign/request/v1";

    pub(crate) fn of_canonical(bytes: &[u8]) -> Self {
        Self(Digest::within(Self::DOMAIN, bytes))
    }

    /// A digest that travelled; it names a request and proves nothing by itself.
    pub const fn carried(digest: Digest) -> Self {
        Self(digest)
    }

    /// The digest itself.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

impl fmt::Display for RequestDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
