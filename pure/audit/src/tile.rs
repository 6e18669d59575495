//! Tiles: the hashes of the tree and its entries in files that never change once they are complete (C2SP `tlog-tiles`,
//! <https://c2sp.org/tlog-tiles>), and the payloads in the same numbering.

use crate::tree::{Hash, Nodes, Tree, node_hash};

/// The height of a tile.
pub const TILE_HEIGHT: u32 = 8;

/// Hashes in a complete tile, entries in a complete bundle.
pub const TILE_WIDTH: u64 = 256;

/// A tile: hashes of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Its level: hashes of level `l` are over `256^l` leaves each.
    pub level: u32,
    /// Its number within the level.
    pub index: u64,
    /// Its hashes: 256, or fewer at the right edge.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// The file's content.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// The hashes that a file holds.
    pub fn hashes_of(bytes: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        rest.is_empty().then(|| hashes.to_vec())
    }

    /// The hash over a complete tile: one of the hashes of the level above.
    pub fn root(hashes: &[Hash]) -> Option<Hash> {
        (hashes.len() as u64 == TILE_WIDTH).then(|| over(hashes.to_vec())).flatten()
    }

    /// The file's name below the log's directory.
    pub fn path(&self) -> String {
        tile_path(self.level, self.index, self.hashes.len() as u64)
    }
}

/// The name of a tile with `width` hashes.
pub fn tile_path(level: u32, index: u64, width: u64) -> String {
    format!("tile/{level}/{}", numbered(index, width))
}

/// The name of a bundle of `width` entries.
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}", numbered(index, width))
}

/// The name of the payloads of a bundle of `width` entries.
pub fn payload_path(index: u64, width: u64) -> String {
    format!("payload/{}", numbered(index, width))
}

/// `1234067` is `x001/x234/067`; what is not complete ends with `.p/` and its width.
fn numbered(index: u64, width: u64) -> String {
    let mut name = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{name}.p/{width}") } else { name }
}

/// The bundles of a log of `size` records: number and width of each, the last of which may be partial.
pub fn bundles(size: u64) -> impl Iterator<Item = (u64, u64)> {
    let whole = size / TILE_WIDTH;
    let rest = size % TILE_WIDTH;
    (0..whole).map(|index| (index, TILE_WIDTH)).chain((rest > 0).then_some((whole, rest)))
}

/// A bundle of entries, each behind its length in two bytes.
pub fn bundle(entries: &[[u8; crate::ENTRY_BYTES]]) -> Vec<u8> {
    let length = u16::try_from(crate::ENTRY_BYTES).unwrap_or(u16::MAX).to_be_bytes();
    let mut bytes = Vec::with_capacity(entries.len().saturating_mul(crate::ENTRY_BYTES.saturating_add(2)));
    for entry in entries {
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(entry);
    }
    bytes
}

/// The entries of a bundle, or nothing where it is not one of our bundles.
pub fn unbundle(bytes: &[u8]) -> Option<Vec<[u8; crate::ENTRY_BYTES]>> {
    let length = u16::try_from(crate::ENTRY_BYTES).ok()?.to_be_bytes();
    let (chunks, rest) = bytes.as_chunks::<{ crate::ENTRY_BYTES + 2 }>();
    if !rest.is_empty() {
        return None;
    }
    let entry = |chunk: &[u8; crate::ENTRY_BYTES + 2]| {
        let (found, entry) = chunk.split_first_chunk::<2>()?;
        (*found == length).then(|| entry.try_into().ok()).flatten()
    };
    chunks.iter().map(entry).collect()
}

/// Nodes looked up in tiles. `read` gives the hashes of a tile of the tree of `size` leaves.
pub struct TiledNodes<'a> {
    /// The tree's size.
    pub size: u64,
    /// Reads a tile: level, number, width.
    pub read: &'a dyn Fn(u32, u64, u64) -> Option<Vec<Hash>>,
}

impl TiledNodes<'_> {
    /// The incomplete tiles at the right edge, lowest level first.
    pub fn partial_tiles(&self) -> Option<Vec<Tile>> {
        let mut tiles = Vec::new();
        for level in 0..=u32::from(u8::MAX) {
            let at = self.size.checked_shr(level.saturating_mul(TILE_HEIGHT)).unwrap_or(0);
            if at == 0 {
                break;
            }
            let (index, width) = (at / TILE_WIDTH, at % TILE_WIDTH);
            if width > 0 {
                tiles.push(Tile { level, index, hashes: (self.read)(level, index, width)? });
            }
        }
        Some(tiles)
    }

    /// The tree, ready to grow.
    pub fn tree(&self) -> Option<Tree> {
        Tree::resume(self.size, &self.partial_tiles()?)
    }
}

impl Nodes for TiledNodes<'_> {
    fn node(&self, height: u32, index: u64) -> Option<Hash> {
        let (level, rise) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index.checked_shl(rise)?;
        let tile = first / TILE_WIDTH;
        let within = self.size.checked_shr(level.checked_mul(TILE_HEIGHT)?).unwrap_or(0);
        let width = within.checked_sub(tile.checked_mul(TILE_WIDTH)?)?.min(TILE_WIDTH);
        let hashes = (self.read)(level, tile, width)?;
        let from = usize::try_from(first % TILE_WIDTH).ok()?;
        over(hashes.get(from..from.checked_add(1_usize.checked_shl(rise)?)?)?.to_vec())
    }
}

/// The hash over as many nodes as a power of two.
fn over(mut nodes: Vec<Hash>) -> Option<Hash> {
    while nodes.len() > 1 {
        nodes = nodes.as_chunks::<2>().0.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    nodes.first().copied()
}

#[cfg(test)]
mod tests {
    use super::{TILE_WIDTH, TiledNodes, bundles, entries_path, payload_path, tile_path};
    use crate::{Tree, proof};
    use std::collections::BTreeMap;

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(1, 0, 3), "tile/1/000.p/3");
        assert_eq!(entries_path(273, 112), "tile/entries/273.p/112");
        assert_eq!(payload_path(1_000, 256), "payload/x001/000");
        assert_eq!(bundles(513).collect::<Vec<_>>(), [(0, 256), (1, 256), (2, 1)]);
        assert_eq!(bundles(256).collect::<Vec<_>>(), [(0, 256)]);
    }

    #[test]
    fn proofs_from_tiles_are_those_of_the_whole_tree() {
        let (mut whole, mut edge) = (Tree::default(), Tree::default());
        let mut files = BTreeMap::new();
        for leaf in 0_u64..67_000 {
            let leaf = Tree::leaf_hash(&leaf.to_be_bytes());
            whole.push(leaf);
            edge.push(leaf);
            for tile in edge.take_complete() {
                files.insert((tile.level, tile.index, TILE_WIDTH), tile.hashes);
            }
        }
        for tile in edge.partial_tiles() {
            files.insert((tile.level, tile.index, tile.hashes.len() as u64), tile.hashes);
        }
        let read = |level, index, width| files.get(&(level, index, width)).cloned();
        let tiled = TiledNodes { size: 67_000, read: &read };
        assert_eq!(proof::root(&tiled, 67_000), Some(whole.root()));
        assert_eq!(tiled.tree().unwrap().root(), whole.root());
        for index in [0, 255, 256, 65_535, 65_536, 66_999] {
            assert_eq!(proof::inclusion(&tiled, index, 67_000), proof::inclusion(&whole, index, 67_000), "{index}");
            assert_eq!(proof::consistency(&tiled, index, 67_000), proof::consistency(&whole, index, 67_000));
        }
        assert!(proof::inclusion(&tiled, 5, 67_000).is_some());
    }
}
