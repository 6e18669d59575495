//! The journal: where a batch becomes durable first, in segments that are written over and over.
//!
//! A segment holds batches one behind the other: `CSJ2`, the length of the body (4 bytes), the first 8 bytes of its SHA-256, the body. A
//! body: number of the first record (8), count of records (4), length of the note (4), the note, the entries, the payloads.
//! What follows the last batch is zeros, or what is left of an earlier use of the segment, whose records have lower numbers.

use audit::{Batch, ENTRY_BYTES, Hash, Tree};

use crate::disk::Files;

/// The directory of the segments.
pub const JOURNAL: &str = "journal";

/// The newest checkpoint, written after every batch without a flush.
pub const NEWEST: &str = "journal/newest";

const MAGIC: [u8; 4] = *b"CSJ2";
const HEAD_BYTES: usize = 16;

/// A batch as bytes.
pub(crate) fn encode(batch: &Batch) -> Vec<u8> {
    let entries = batch.entries.len().saturating_mul(ENTRY_BYTES);
    let body = 16_usize.saturating_add(batch.note.len()).saturating_add(entries).saturating_add(batch.payloads.len());
    let mut bytes = Vec::with_capacity(body.saturating_add(HEAD_BYTES));
    bytes.extend_from_slice(&[0; HEAD_BYTES]);
    bytes.extend_from_slice(&batch.first.to_be_bytes());
    bytes.extend_from_slice(&number(batch.entries.len()));
    bytes.extend_from_slice(&number(batch.note.len()));
    bytes.extend_from_slice(batch.note.as_bytes());
    for entry in &batch.entries {
        bytes.extend_from_slice(entry);
    }
    bytes.extend_from_slice(&batch.payloads);
    let (head, body) = bytes.split_at_mut(HEAD_BYTES);
    let (magic, rest) = head.split_at_mut(4);
    let (length, sum) = rest.split_at_mut(4);
    magic.copy_from_slice(&MAGIC);
    length.copy_from_slice(&number(body.len()));
    sum.copy_from_slice(checksum(body).first_chunk::<8>().unwrap_or(&[0; 8]));
    bytes
}

fn number(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()
}

fn checksum(body: &[u8]) -> Hash {
    Tree::leaf_hash(body)
}

/// The batch at the beginning of some bytes, and its length; nothing where no whole one is there.
fn decode(bytes: &[u8]) -> Option<(Batch, usize)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let body = rest.get(..length)?;
    if checksum(body).first_chunk::<8>() != Some(sum) {
        return None;
    }
    let (first, rest) = body.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (note, rest) = rest.split_first_chunk()?;
    let (note, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*note)).ok()?)?;
    let entries = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(ENTRY_BYTES)?;
    let (entries, payloads) = rest.split_at_checked(entries)?;
    let batch = Batch {
        first: u64::from_be_bytes(*first),
        entries: entries.as_chunks().0.to_vec(),
        payloads: payloads.to_vec(),
        note: String::from_utf8(note.to_vec()).ok()?,
    };
    Some((batch, length.checked_add(HEAD_BYTES)?))
}

/// The number behind a batch's last record.
pub(crate) fn end(batch: &Batch) -> u64 {
    batch.first.saturating_add(batch.entries.len() as u64)
}

/// What the segments hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest run of batches, in order, without a gap, and the segment of each.
    pub(crate) batches: Vec<(String, Batch)>,
    /// Every segment, with the number behind its last record.
    pub(crate) segments: Vec<(String, u64)>,
    /// A segment and byte where data begins that is no whole batch, and no leftover either.
    pub(crate) torn: Option<(String, usize)>,
}

/// Reads all segments.
///
/// # Errors
/// A segment cannot be read; or something in the middle is damaged, behind which batches stand.
pub(crate) fn scan(disk: &dyn Files) -> Result<Found, String> {
    let mut found = Found::default();
    let mut all: Vec<(String, Batch)> = Vec::new();
    let mut rests: Vec<(String, usize, Vec<u8>)> = Vec::new();
    for name in disk.list(JOURNAL).map_err(|why| why.to_string())? {
        if !name.ends_with(".seg") {
            continue;
        }
        let name = format!("{JOURNAL}/{name}");
        let mut bytes = disk.read(&name).map_err(|why| format!("`{name}`: {why}"))?.unwrap_or_default();
        let (batches, behind) = read_segment(&bytes);
        found.segments.push((name.clone(), batches.last().map_or(0, end)));
        all.extend(batches.into_iter().map(|batch| (name.clone(), batch)));
        let mut rest = bytes.split_off(behind);
        rest.truncate(rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1)));
        rests.push((name, behind, rest));
    }
    all.sort_by_key(|(_, batch)| batch.first);
    for (name, batch) in all {
        // A gap: everything before it is left over from earlier.
        if found.batches.last().is_some_and(|(_, last)| end(last) != batch.first) {
            found.batches.clear();
        }
        found.batches.push((name, batch));
    }
    let last = found.batches.last().map_or(0, |(_, batch)| end(batch));
    for (name, behind, rest) in rests {
        if let Some(at) = newer(&rest, last) {
            let at = behind.saturating_add(at);
            return Err(format!("`{name}` is damaged at byte {behind}: a later batch follows at byte {at}"));
        }
        if !rest.is_empty() && decode(&rest).is_none() {
            found.torn = Some((name, behind));
        }
    }
    Ok(found)
}

/// The batches from the beginning of a segment on, and the byte behind them.
fn read_segment(bytes: &[u8]) -> (Vec<Batch>, usize) {
    let (mut batches, mut at) = (Vec::<Batch>::new(), 0_usize);
    while let Some((batch, length)) = bytes.get(at..).and_then(decode) {
        // Lower numbers are left over from an earlier use.
        if batches.last().is_some_and(|last| batch.first != end(last)) {
            break;
        }
        at = at.saturating_add(length);
        batches.push(batch);
    }
    (batches, at)
}

/// Where, after a place without a whole batch, one follows that cannot be left over: then that place was damaged.
fn newer(rest: &[u8], last: u64) -> Option<usize> {
    let starts = rest.windows(MAGIC.len()).enumerate().filter(|(_, window)| **window == MAGIC);
    let mut whole = starts.filter_map(|(at, _)| Some((at, decode(rest.get(at..)?)?.0)));
    whole.find(|(_, batch)| batch.first >= last && last > 0).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use audit::Batch;

    #[test]
    fn a_batch_is_read_back_whole_or_not_at_all() {
        let batch =
            Batch { first: 7, entries: vec![[1; 112], [2; 112]], payloads: vec![3; 50], note: "note".to_owned() };
        let bytes = encode(&batch);
        assert_eq!(decode(&bytes), Some((batch, bytes.len())));
        for at in 0..bytes.len() {
            assert_eq!(decode(&bytes[..at]), None);
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(decode(&other), None, "{at}");
        }
    }
}
