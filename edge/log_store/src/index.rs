//! What records are found by: for every complete bundle a small file of keyed hashes of terms, with the records that have
//! them. It belongs to no proof; a reader that finds none, or one that was changed, reads the bundle instead.

use std::collections::BTreeMap;

use audit::tile::{TILE_WIDTH, payload_path};
use audit::{ENTRY_BYTES, Entry, keyed_hash};

/// A keyed hash of a term, cut short: it may fit another term, too, so what it finds is looked at.
pub(crate) type Tag = [u8; 8];

/// One bit for each record of a bundle.
pub(crate) type Bits = [u8; 32];

/// Where the index of a bundle is.
pub(crate) fn path(number: u64) -> String {
    payload_path(number, TILE_WIDTH).replacen("payload", "index", 1)
}

/// The tag of a term's keyed hash.
pub(crate) fn tag(hash: &[u8; 32]) -> Tag {
    let [a, b, c, d, e, f, g, h, ..] = *hash;
    [a, b, c, d, e, f, g, h]
}

/// What a bundle holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// When its oldest and newest records were made.
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    terms: BTreeMap<Tag, Bits>,
}

impl Index {
    /// The records that may have all of some terms.
    pub(crate) fn with(&self, tags: &[Tag]) -> Bits {
        let mut all = [0xff; 32];
        for tag in tags {
            let found = self.terms.get(tag).copied().unwrap_or_default();
            for (byte, other) in all.iter_mut().zip(found) {
                *byte &= other;
            }
        }
        all
    }
}

/// Whether a record of a bundle is among those.
pub(crate) fn is_set(bits: &Bits, at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte & bit(at) != 0)
}

const fn bit(at: usize) -> u8 {
    match at % 8 {
        0 => 1,
        1 => 2,
        2 => 4,
        3 => 8,
        4 => 16,
        5 => 32,
        6 => 64,
        _ => 128,
    }
}

/// The file: a keyed hash of the rest, the times, then each tag with its records.
pub(crate) fn encode(key: &[u8; 32], number: u64, entries: &[[u8; ENTRY_BYTES]], tags: &[Vec<Tag>]) -> Vec<u8> {
    let mut terms: BTreeMap<Tag, Bits> = BTreeMap::new();
    for (at, of_record) in tags.iter().enumerate() {
        for tag in of_record {
            if let Some(byte) = terms.entry(*tag).or_default().get_mut(at / 8) {
                *byte |= bit(at);
            }
        }
    }
    let times = || entries.iter().filter_map(Entry::from_bytes).map(|entry| entry.at_ms);
    let mut body = times().min().unwrap_or(0).to_be_bytes().to_vec();
    body.extend_from_slice(&times().max().unwrap_or(0).to_be_bytes());
    for (tag, bits) in terms {
        body.extend_from_slice(&tag);
        body.extend_from_slice(&bits);
    }
    let mut bytes = seal(key, number, &body).to_vec();
    bytes.extend_from_slice(&body);
    bytes
}

/// Reads a file that was written with this key for this bundle.
pub(crate) fn decode(key: &[u8; 32], number: u64, bytes: &[u8]) -> Option<Index> {
    let (found, body) = bytes.split_first_chunk::<32>()?;
    if *found != seal(key, number, body) {
        return None;
    }
    let (from, rest) = body.split_first_chunk()?;
    let (to, rest) = rest.split_first_chunk()?;
    let term = |chunk: &[u8; 40]| Some((*chunk.first_chunk()?, *chunk.last_chunk()?));
    let terms = rest.as_chunks::<40>().0.iter().map(term).collect::<Option<_>>()?;
    Some(Index { from_ms: u64::from_be_bytes(*from), to_ms: u64::from_be_bytes(*to), terms })
}

fn seal(key: &[u8; 32], number: u64, body: &[u8]) -> [u8; 32] {
    let mut message = number.to_be_bytes().to_vec();
    message.extend_from_slice(body);
    keyed_hash(key, &message)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, is_set};

    #[test]
    fn an_index_finds_what_has_all_terms_and_no_change_goes_unseen() {
        let tags = vec![vec![[1; 8], [2; 8]], vec![[1; 8]], vec![[2; 8]], vec![]];
        let bytes = encode(&[7; 32], 3, &[], &tags);
        let index = decode(&[7; 32], 3, &bytes).unwrap();
        let found = |tags: &[super::Tag]| (0..256).filter(|at| is_set(&index.with(tags), *at)).collect::<Vec<_>>();
        assert_eq!(found(&[[1; 8]]), [0, 1]);
        assert_eq!(found(&[[1; 8], [2; 8]]), [0]);
        assert_eq!(found(&[[3; 8]]), Vec::<usize>::new());
        assert_eq!(decode(&[7; 32], 4, &bytes), None);
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(decode(&[7; 32], 3, &other), None);
        }
    }
}
