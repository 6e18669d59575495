//! The Merkle tree of RFC 6962 §2.1: leaf hash SHA-256(0x00 ‖ leaf), node hash SHA-256(0x01 ‖ left ‖ right).

use model::Digest;
use sha2::{Digest as _, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// A tree that grows at the right. It keeps every complete node: 64 bytes a record at most.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `levels[h][i]` is the hash of the complete subtree of height `h` over leaves `i·2^h ..`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The hash of a leaf.
    pub fn leaf_hash(leaf: &[u8]) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(leaf);
        hasher.finalize().into()
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        let mut height = 0;
        loop {
            if self.levels.len() <= height {
                self.levels.push(Vec::new());
            }
            let Some(level) = self.levels.get_mut(height) else { return };
            level.push(carried);
            if !level.len().is_multiple_of(2) {
                return;
            }
            let [.., left, right] = level.as_slice() else { return };
            carried = node_hash(left, right);
            height = height.saturating_add(1);
        }
    }

    /// Forgets every leaf from `size` on: an append that did not become durable.
    pub fn truncate(&mut self, size: u64) {
        for (height, level) in self.levels.iter_mut().enumerate() {
            let keep = u32::try_from(height).ok().and_then(|shift| size.checked_shr(shift)).unwrap_or(0);
            level.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        }
    }

    /// The root over all leaves; of the empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        self.root_of(0, self.size()).unwrap_or_else(|| *Digest::of_bytes(&[]).as_array())
    }

    /// The root of the first `size` leaves, where there are as many.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        if size == 0 {
            return Some(*Digest::of_bytes(&[]).as_array());
        }
        (size <= self.size()).then(|| self.root_of(0, size)).flatten()
    }

    /// The audit path of leaf `index` (RFC 6962 §2.1.1), from the leaf up.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        if index >= self.size() {
            return None;
        }
        let (mut from, mut to) = (0_u64, self.size());
        let mut path = Vec::new();
        while to.saturating_sub(from) > 1 {
            let middle = from.saturating_add(split(to.saturating_sub(from)));
            if index < middle {
                path.push(self.root_of(middle, to)?);
                to = middle;
            } else {
                path.push(self.root_of(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The root over leaves `from .. to`. `from` is a multiple of a power of two not below the width's split.
    fn root_of(&self, from: u64, to: u64) -> Option<Hash> {
        let width = to.checked_sub(from)?;
        if width == 0 {
            return None;
        }
        if width.is_power_of_two() {
            let height = width.trailing_zeros();
            let at = usize::try_from(from.checked_shr(height)?).ok()?;
            return self.levels.get(usize::try_from(height).ok()?)?.get(at).copied();
        }
        let middle = from.checked_add(split(width))?;
        Some(node_hash(&self.root_of(from, middle)?, &self.root_of(middle, to)?))
    }
}

/// The root that a leaf and its audit path lead to (RFC 9162 §2.1.3.2), or nothing for a path of the wrong length.
pub fn root_from_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size.checked_sub(1)?);
    let mut root = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node % 2 == 1 || node == last {
            root = node_hash(sibling, &root);
            while node.is_multiple_of(2) && node != 0 {
                node = node.checked_shr(1)?;
                last = last.checked_shr(1)?;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        node = node.checked_shr(1)?;
        last = last.checked_shr(1)?;
    }
    (last == 0).then_some(root)
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The largest power of two below `width` (which is at least 2).
fn split(width: u64) -> u64 {
    let below = width.saturating_sub(1);
    1_u64.checked_shl(63_u32.saturating_sub(below.leading_zeros())).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Tree, root_from_inclusion};
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
