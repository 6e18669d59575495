//! Recordings of terminals: an asciicast (version 2, `docs.asciinema.org/manual/asciicast/v2`), encrypted piece by piece
//! under a key of its own, so that it can be written ahead, followed while it grows, and sealed by the digest of its file.
//!
//! The file: a head of 32 bytes, then pieces. A piece is four bytes of length (big endian) and that much AES-256-GCM; its
//! nonce is its number, its associated data the head and its kind. What is in a piece is whole lines of the asciicast. The
//! last piece has the kind *end*: a file without it was cut off. `docs/reference/record-format.md` is the specification.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use zeroize::Zeroizing;

use crate::envelope::DataKey;

mod cast;
mod control;
mod redact;

pub use cast::{Decoder, Event, EventKind, cast_head};
pub use control::Drawing;
pub use redact::{Redactor, Spans};

/// What a recording's file begins with.
const MAGIC: [u8; 8] = *b"CSREC01\n";

/// Bytes of the head: magic (8), number of the data key (8), of its key-encryption key (4), start in milliseconds since
/// 1970 (8), variant (1), zeros (3).
pub const HEAD_BYTES: usize = 32;

/// The most bytes of lines in one piece.
pub const MAX_PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Which of the two files of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Everything that went over the terminal.
    Raw,
    /// The same with secrets masked: what people look at.
    Redacted,
}

impl Variant {
    const fn byte(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Redacted => 1,
        }
    }
}

/// The beginning of a recording's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The data key that the recording's key comes from.
    pub key: u64,
    /// The key-encryption key that wraps it.
    pub kek: u32,
    /// When it began, milliseconds since 1970.
    pub started_ms: u64,
    /// Which file.
    pub variant: Variant,
}

impl Head {
    /// As bytes.
    pub fn to_bytes(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        let parts = [
            MAGIC.as_slice(),
            &self.key.to_be_bytes(),
            &self.kek.to_be_bytes(),
            &self.started_ms.to_be_bytes(),
            &[self.variant.byte()],
        ];
        for (byte, value) in bytes.iter_mut().zip(parts.concat()) {
            *byte = value;
        }
        bytes
    }

    /// From bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (kek, rest) = rest.split_first_chunk()?;
        let (started, rest) = rest.split_first_chunk()?;
        let variant = match rest {
            [0, 0, 0, 0] => Variant::Raw,
            [1, 0, 0, 0] => Variant::Redacted,
            _ => return None,
        };
        (*magic == MAGIC).then(|| Self {
            key: u64::from_be_bytes(*key),
            kek: u32::from_be_bytes(*kek),
            started_ms: u64::from_be_bytes(*started),
            variant,
        })
    }
}

/// What can be wrong with a recording's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It is none, or of another version.
    Format,
    /// This piece was changed, moved, or is another recording's.
    Piece(u64),
    /// Something follows the end.
    BehindEnd,
}

impl std::fmt::Display for Bad {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Format => out.write_str("this is no recording, or one of another version"),
            Self::Piece(number) => write!(out, "piece {number} was changed, or is not of this recording"),
            Self::BehindEnd => out.write_str("something was put behind its end"),
        }
    }
}

/// Encrypts and opens the pieces of one recording's file.
pub struct RecordingKey {
    cipher: Aes256Gcm,
    head: [u8; HEAD_BYTES],
    next: u64,
}

const LINES: u8 = 0;
const END: u8 = 1;

impl RecordingKey {
    /// The key of a recording: derived from the data key of its session, its id, and its head.
    pub fn new(data: &DataKey, id: &str, head: &Head) -> Self {
        let head = head.to_bytes();
        let secret = Zeroizing::new(data.recording(id, &head));
        Self { cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(secret.as_slice())), head, next: 0 }
    }

    /// The next piece, with its length in front. `last` ends the recording.
    pub fn seal(&mut self, lines: &[u8], last: bool) -> Option<Vec<u8>> {
        let kind = if last { END } else { LINES };
        let payload = Payload { msg: lines, aad: &self.aad(kind) };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce(self.next)), payload).ok()?;
        self.next = self.next.checked_add(1)?;
        let mut piece = u32::try_from(sealed.len()).ok()?.to_be_bytes().to_vec();
        piece.extend_from_slice(&sealed);
        Some(piece)
    }

    /// Opens the next piece of `rest` and moves on. Nothing where it is not whole yet: the file grows, or was cut.
    ///
    /// # Errors
    /// It was changed.
    pub fn open(&mut self, rest: &mut &[u8]) -> Result<Option<Piece>, Bad> {
        let Some((length, behind)) = rest.split_first_chunk() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_PIECE_BYTES.saturating_add(crate::envelope::TAG_BYTES) {
            return Err(Bad::Piece(self.next));
        }
        let Some((sealed, behind)) = behind.split_at_checked(length) else { return Ok(None) };
        let open = |kind| {
            let payload = Payload { msg: sealed, aad: &self.aad(kind) };
            self.cipher.decrypt(Nonce::from_slice(&nonce(self.next)), payload).ok()
        };
        let piece = open(LINES).map(Piece::Lines).or_else(|| open(END).map(Piece::End));
        let piece = piece.ok_or(Bad::Piece(self.next))?;
        self.next = self.next.saturating_add(1);
        *rest = behind;
        Ok(Some(piece))
    }

    fn aad(&self, kind: u8) -> Vec<u8> {
        [self.head.as_slice(), &[kind]].concat()
    }
}

/// A piece of a recording: lines of its asciicast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// More follow.
    Lines(Vec<u8>),
    /// The last.
    End(Vec<u8>),
}

fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some(tail) = nonce.last_chunk_mut() {
        *tail = number.to_be_bytes();
    }
    nonce
}

#[cfg(test)]
mod tests {
    use super::{Bad, HEAD_BYTES, Head, Piece, RecordingKey, Variant};
    use crate::DataKey;

    const HEAD: Head = Head { key: 3, kek: 1, started_ms: 9, variant: Variant::Raw };

    fn key(id: &str, head: &Head) -> RecordingKey {
        RecordingKey::new(&DataKey::new(&[7; 32]), id, head)
    }

    #[test]
    fn a_recording_opens_piece_by_piece_and_shows_where_it_was_changed() {
        let mut sealer = key("a", &HEAD);
        let first = sealer.seal(b"one\n", false).unwrap();
        let second = sealer.seal(b"two\n", true).unwrap();
        assert_eq!(Head::parse(&HEAD.to_bytes()), Some(HEAD));
        assert_eq!(HEAD.to_bytes().len(), HEAD_BYTES);
        let whole = [first.clone(), second.clone()].concat();
        let read = |bytes: &[u8], id: &str, head: &Head| {
            let (mut opener, mut rest, mut pieces) = (key(id, head), bytes, Vec::new());
            loop {
                match opener.open(&mut rest) {
                    Ok(Some(piece)) => pieces.push(piece),
                    Ok(None) => return Ok((pieces, rest.is_empty())),
                    Err(why) => return Err(why),
                }
            }
        };
        let pieces = vec![Piece::Lines(b"one\n".to_vec()), Piece::End(b"two\n".to_vec())];
        assert_eq!(read(&whole, "a", &HEAD), Ok((pieces, true)));
        // Every bit: found, or the piece is not whole.
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(read(&changed, "a", &HEAD), Ok((pieces, true)) if pieces.len() == 2), "bit {bit}");
        }
        assert_eq!(read(&[second, first].concat(), "a", &HEAD), Err(Bad::Piece(0)));
        assert_eq!(read(&whole, "b", &HEAD), Err(Bad::Piece(0)));
        assert_eq!(read(&whole, "a", &Head { variant: Variant::Redacted, ..HEAD }), Err(Bad::Piece(0)));
        assert_eq!(read(&whole, "a", &Head { started_ms: 8, ..HEAD }), Err(Bad::Piece(0)));
    }
}
