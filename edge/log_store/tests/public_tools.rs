//! An independent implementation of the C2SP formats reads and verifies our log.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

mod sim;

use std::collections::BTreeMap;

use signed_note::{Note, StandardVerifier, VerifierList};
use sim::{SimDisk, key, open, record};
use tlog_tiles::{Checkpoint, Error, Tile, TileHashReader, TileReader};

struct Directory(BTreeMap<String, Vec<u8>>);

impl TileReader for Directory {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        // That crate writes the height into the name, as Go's module proxy does; C2SP leaves it out.
        let name = |tile: &Tile| tile.path().replacen("tile/8/", "tile/", 1);
        Ok(tiles.iter().map(|tile| self.0[&name(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn another_implementation_opens_the_checkpoint_and_proves_every_record_from_the_tiles() {
    let disk = SimDisk::with(None);
    let (mut first, mut notes) = (0, Vec::new());
    for end in [1, 255, 256, 300, 513, 1_000, 70_000] {
        let mut writer = open(&disk, 1024 * 1024).unwrap();
        while first < end {
            let next = (first + 500).min(end);
            writer.append(&(first..next).map(record).collect::<Vec<_>>()).unwrap();
            first = next;
        }
        writer.close().unwrap();
        let files = Directory(disk.files());
        let verifier = StandardVerifier::new(&key().verifier().to_text()).unwrap();
        let note = Note::from_bytes(&files.0["checkpoint"]).unwrap();
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        let checkpoint = Checkpoint::from_bytes(note.text()).unwrap();
        let (size, root) = (checkpoint.size(), *checkpoint.hash());
        assert_eq!(size, u64::try_from(end).unwrap());
        let reader = TileHashReader::new(size, root, &files);
        for seq in (0..size).step_by(1 + usize::try_from(size / 60).unwrap()).chain([size - 1]) {
            let width = (size - seq / 256 * 256).min(256);
            let entries = &files.0[&audit::tile::entries_path(seq / 256, width)];
            let at = usize::try_from(seq % 256).unwrap() * 114;
            assert_eq!(entries[at..at + 2], [0, 112], "the length of an entry, as tlog-tiles says");
            let leaf = tlog_tiles::record_hash(&entries[at + 2..at + 114]);
            let proof = tlog_tiles::prove_record(size, seq, &reader).unwrap();
            tlog_tiles::check_record(&proof, size, root, seq, leaf).unwrap();
        }
        for (old, old_root) in &notes {
            let proof = tlog_tiles::prove_tree(size, *old, &reader).unwrap();
            tlog_tiles::check_tree(&proof, size, root, *old, *old_root).unwrap();
        }
        notes.push((size, root));
    }
}
