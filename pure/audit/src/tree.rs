//! The Merkle tree of RFC 6962 §2.1: leaf hash SHA-256(0x00 ‖ leaf), node hash SHA-256(0x01 ‖ left ‖ right).

use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::proof;
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// Where complete nodes are looked up: in memory, or in tiles.
pub trait Nodes {
    /// The hash over leaves `index·2^height ..  (index+1)·2^height`, if it is known here.
    fn node(&self, height: u32, index: u64) -> Option<Hash>;
}

/// A tree that grows at the right. It keeps the nodes that stand in tiles which are not complete yet, so it stays small:
/// [`Tree::take_complete`] gives the others away.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    size: u64,
    levels: Vec<Level>,
}

/// The nodes of one height that are kept: from `first` on.
#[derive(Clone, Debug, Default)]
struct Level {
    first: u64,
    nodes: Vec<Hash>,
}

impl Level {
    fn end(&self) -> u64 {
        self.first.saturating_add(self.nodes.len() as u64)
    }

    fn get(&self, index: u64) -> Option<Hash> {
        self.nodes.get(usize::try_from(index.checked_sub(self.first)?).ok()?).copied()
    }
}

impl Nodes for Tree {
    fn node(&self, height: u32, index: u64) -> Option<Hash> {
        self.levels.get(usize::try_from(height).ok()?)?.get(index)
    }
}

impl Tree {
    /// Continues a tree of this size whose incomplete tiles are these.
    ///
    /// Nothing where they are not the tiles of such a tree.
    pub fn resume(size: u64, partial: &[Tile]) -> Option<Self> {
        let mut tree = Self { size, levels: Vec::new() };
        let mut tiles = partial.iter();
        for level in 0..=u32::from(u8::MAX) {
            let at = size.checked_shr(level.saturating_mul(TILE_HEIGHT)).unwrap_or(0);
            if at == 0 {
                break;
            }
            let (index, width) = (at / TILE_WIDTH, at % TILE_WIDTH);
            let hashes = if width == 0 {
                Vec::new()
            } else {
                let tile = tiles.next().filter(|tile| tile.level == level && tile.index == index)?;
                tile.hashes.clone()
            };
            if hashes.len() as u64 != width {
                return None;
            }
            let mut nodes = hashes;
            let mut first = index.checked_mul(TILE_WIDTH)?;
            for _ in 0..TILE_HEIGHT {
                let above = nodes.chunks_exact(2).filter_map(pair).collect();
                tree.levels.push(Level { first, nodes });
                (nodes, first) = (above, first / 2);
            }
        }
        tiles.next().is_none().then_some(tree)
    }

    /// The hash of a leaf.
    pub fn leaf_hash(leaf: &[u8]) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(leaf);
        hasher.finalize().into()
    }

    /// The number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let mut height = 0;
        self.size = self.size.saturating_add(1);
        loop {
            if self.levels.len() <= height {
                self.levels.push(Level::default());
            }
            let Some(level) = self.levels.get_mut(height) else { return };
            level.nodes.push(carried);
            if !level.end().is_multiple_of(2) {
                return;
            }
            let [.., left, right] = level.nodes.as_slice() else { return };
            carried = node_hash(left, right);
            height = height.saturating_add(1);
        }
    }

    /// Forgets every leaf from `size` on: an append that did not become durable. Tiles that were taken since `size` cannot
    /// come back, so they are taken only of what is durable.
    pub fn truncate(&mut self, size: u64) {
        self.size = self.size.min(size);
        for (height, level) in self.levels.iter_mut().enumerate() {
            let keep = u32::try_from(height).ok().and_then(|shift| size.checked_shr(shift)).unwrap_or(0);
            level.nodes.truncate(usize::try_from(keep.saturating_sub(level.first)).unwrap_or(usize::MAX));
        }
    }

    /// The root over all leaves; of the empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        proof::root(self, self.size).unwrap_or_else(empty_root)
    }

    /// The audit path of leaf `index` (RFC 6962 §2.1.1), from the leaf up, if its tile is not complete or was not taken.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        proof::inclusion(self, index, self.size)
    }

    /// Gives away every tile that is complete, lowest level first.
    pub fn take_complete(&mut self) -> Vec<Tile> {
        let mut taken = Vec::new();
        for (height, level) in (0_u32..).zip(&mut self.levels) {
            // Nodes of this height in one tile.
            let width = TILE_WIDTH.checked_shr(height % TILE_HEIGHT).unwrap_or(1);
            while level.nodes.len() as u64 >= width {
                let rest = level.nodes.split_off(usize::try_from(width).unwrap_or(usize::MAX));
                let hashes = std::mem::replace(&mut level.nodes, rest);
                if height.is_multiple_of(TILE_HEIGHT) {
                    taken.push(Tile { level: height / TILE_HEIGHT, index: level.first / TILE_WIDTH, hashes });
                }
                level.first = level.first.saturating_add(width);
            }
        }
        taken
    }

    /// The tiles that are not complete, lowest level first. Complete ones are to be taken before.
    pub fn partial_tiles(&self) -> Vec<Tile> {
        let of = |(height, level): (u32, &Level)| {
            let keep = height.is_multiple_of(TILE_HEIGHT) && !level.nodes.is_empty();
            keep.then(|| Tile {
                level: height / TILE_HEIGHT,
                index: level.first / TILE_WIDTH,
                hashes: level.nodes.clone(),
            })
        };
        (0_u32..).zip(&self.levels).filter_map(of).collect()
    }
}

/// The root of no leaves.
pub(crate) fn empty_root() -> Hash {
    *Digest::of_bytes(&[]).as_array()
}

fn pair(two: &[Hash]) -> Option<Hash> {
    let [left, right] = two else { return None };
    Some(node_hash(left, right))
}

pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::Tree;
    use crate::proof::root_from_inclusion;
    use data_encoding::HEXLOWER;

    /// The leaves and roots that the Certificate Transparency project publishes for RFC 6962 implementations.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_published_vectors() {
        let mut tree = Tree::default();
        assert_eq!(HEXLOWER.encode(&tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            tree.push(Tree::leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()));
            assert_eq!(HEXLOWER.encode(&tree.root()), root);
        }
    }

    #[test]
    fn every_leaf_of_every_size_proves_itself_and_nothing_else() {
        let mut tree = Tree::default();
        for size in 1_u64..40 {
            tree.push(Tree::leaf_hash(&size.to_be_bytes()));
            for index in 0..size {
                let leaf = Tree::leaf_hash(&(index + 1).to_be_bytes());
                let path = tree.inclusion(index).unwrap();
                assert_eq!(root_from_inclusion(leaf, index, size, &path), Some(tree.root()));
                assert_ne!(root_from_inclusion([9; 32], index, size, &path), Some(tree.root()));
                assert_ne!(root_from_inclusion(leaf, index + 1, size, &path), Some(tree.root()));
                let mut long = path.clone();
                long.push([0; 32]);
                assert_ne!(root_from_inclusion(leaf, index, size, &long), Some(tree.root()));
            }
        }
    }

    #[test]
    fn a_tree_that_gives_its_tiles_away_and_is_continued_is_the_same_tree() {
        let (mut whole, mut small) = (Tree::default(), Tree::default());
        for leaf in 0_u64..70_000 {
            let leaf = Tree::leaf_hash(&leaf.to_be_bytes());
            whole.push(leaf);
            small.push(leaf);
            let size = whole.size();
            if size % 97 == 0 || size % 256 < 2 || size > 65_500 && size < 65_600 {
                let _tiles = small.take_complete();
                small = Tree::resume(size, &small.partial_tiles()).unwrap();
                assert_eq!((small.size(), small.root()), (size, whole.root()), "{size}");
            }
        }
        assert!(small.levels.iter().all(|level| level.nodes.len() < 256));
    }

    #[test]
    fn a_truncated_tree_is_the_tree_it_was() {
        let mut tree = Tree::default();
        for leaf in 0_u8..13 {
            tree.push([leaf; 32]);
        }
        let root = tree.root();
        for leaf in 0_u8..9 {
            tree.push([leaf; 32]);
        }
        tree.truncate(13);
        assert_eq!((tree.size(), tree.root()), (13, root));
        tree.push([7; 32]);
        assert_eq!(tree.size(), 14);
    }
}
