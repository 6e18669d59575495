//! A table from keys to rules that costs one look whatever its size.
//!
//! Only hashes of keys are kept (FNV-1a, 64 bits, <http://www.isthe.com/chongo/tech/comp/fnv/>): two keys that collide
//! give rules that are then tried in vain, and nothing worse, since every rule is asked itself. Only the operator
//! writes rules, so no attacker gains by colliding keys.

use std::collections::BTreeMap;

/// A key under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    /// The key of nothing yet, of a sort.
    pub(super) const fn of(sort: u8) -> Self {
        Self((0xcbf2_9ce4_8422_2325 ^ sort as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The key with a word after it.
    pub(super) const fn word(self, word: &str) -> Self {
        let mut hash = self.0;
        let mut rest = word.as_bytes();
        while let [byte, tail @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
            rest = tail;
        }
        // No argument holds a NUL, so words cannot run into one another.
        Self(hash.wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The key of every beginning of a path that ends with a slash, and of the path itself.
    pub(super) fn beginnings(self, path: &str) -> impl Iterator<Item = Self> {
        let mut hash = self.0;
        let mut bytes = path.bytes();
        let mut whole = Some(self.word(path));
        std::iter::from_fn(move || {
            for byte in bytes.by_ref() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
                if byte == b'/' {
                    return Some(Self(hash.wrapping_mul(0x0000_0100_0000_01b3)));
                }
            }
            whole.take()
        })
    }
}

/// Rules by key, being put together.
#[derive(Debug, Default)]
pub(super) struct Entries(BTreeMap<Key, Vec<u32>>);

impl Entries {
    pub(super) fn add(&mut self, key: Key, place: u32) {
        let places = self.0.entry(key).or_default();
        if places.last() != Some(&place) {
            places.push(place);
        }
    }

    /// The table of what was added.
    pub(super) fn table(self) -> Table {
        let size = self.0.len().saturating_mul(2).next_power_of_two();
        let mut slots = vec![Slot::default(); size];
        let mut places = Vec::new();
        for (key, found) in self.0 {
            let (from, count) = (u32_of(places.len()), u32_of(found.len()));
            places.extend(found);
            let mut at = slot_of(key, size);
            while slots.get(at).is_some_and(|slot| slot.count != 0) {
                at = at.wrapping_add(1) & size.wrapping_sub(1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = Slot { key: key.0, from, count };
            }
        }
        Table { slots, places }
    }
}

fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where the search for a key begins, in a table whose size is a power of two.
fn slot_of(key: Key, size: usize) -> usize {
    let mixed = key.0 ^ (key.0 >> 32);
    usize::try_from(mixed & u64::try_from(size.wrapping_sub(1)).unwrap_or(0)).unwrap_or(0)
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u64,
    from: u32,
    /// Zero: the slot is empty.
    count: u32,
}

/// Rules by key: open addressing, at most half full.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    places: Vec<u32>,
}

impl Table {
    pub(super) const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The rules under a key.
    pub(super) fn under(&self, key: Key) -> &[u32] {
        let size = self.slots.len();
        let mut at = slot_of(key, size);
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.count != 0) {
            if slot.key == key.0 {
                let (from, count) = (usize::try_from(slot.from), usize::try_from(slot.count));
                let (from, count) = (from.unwrap_or(usize::MAX), count.unwrap_or(0));
                return self.places.get(from..from.saturating_add(count)).unwrap_or_default();
            }
            at = at.wrapping_add(1) & size.wrapping_sub(1);
        }
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::{Entries, Key};

    #[test]
    fn every_key_gives_its_rules_and_others_none() {
        let mut entries = Entries::default();
        for number in 0..5_000_u32 {
            entries.add(Key::of(b'c').word("docker").word(&number.to_string()), number);
            entries.add(Key::of(b'c').word("docker"), number);
        }
        let table = entries.table();
        for number in 0..5_000_u32 {
            assert_eq!(table.under(Key::of(b'c').word("docker").word(&number.to_string())), [number]);
        }
        assert_eq!(table.under(Key::of(b'c').word("docker")).len(), 5_000);
        assert!(table.under(Key::of(b'c').word("docke").word("r1")).is_empty());
        assert!(Entries::default().table().under(Key::of(b'c')).is_empty());
    }

    #[test]
    fn beginnings_of_a_path_are_its_directories_and_itself() {
        let keys: Vec<Key> = Key::of(b'p').beginnings("/srv/a/b").collect();
        let expected = ["/", "/srv/", "/srv/a/", "/srv/a/b"].map(|text| Key::of(b'p').word(text));
        assert_eq!(keys, expected);
    }
}
