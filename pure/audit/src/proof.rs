//! Proofs over the tree: that a leaf is in it (RFC 6962 §2.1.1), and that one tree is the beginning of another (§2.1.2).

use std::collections::BTreeMap;

use crate::tree::{Hash, Nodes, empty_root, node_hash};

/// The root over the first `size` leaves.
pub fn root(nodes: &dyn Nodes, size: u64) -> Option<Hash> {
    if size == 0 { Some(empty_root()) } else { root_of(nodes, 0, size) }
}

/// The audit path of leaf `index` in the tree of `size` leaves, from the leaf up.
pub fn inclusion(nodes: &dyn Nodes, index: u64, size: u64) -> Option<Vec<Hash>> {
    Paths::new(nodes, size).of(index)
}

/// Audit paths in one tree. Its right edge is computed once.
pub struct Paths<'a> {
    nodes: &'a dyn Nodes,
    size: u64,
    /// The hashes over all leaves from one on.
    edge: BTreeMap<u64, Hash>,
}

impl<'a> Paths<'a> {
    /// Paths in the tree of `size` leaves.
    pub fn new(nodes: &'a dyn Nodes, size: u64) -> Self {
        Self { nodes, size, edge: BTreeMap::new() }
    }

    /// The path of a leaf, from the leaf up.
    pub fn of(&mut self, index: u64) -> Option<Vec<Hash>> {
        if index >= self.size {
            return None;
        }
        let (mut from, mut to) = (0_u64, self.size);
        let mut path = Vec::new();
        while to.saturating_sub(from) > 1 {
            let middle = from.saturating_add(split(to.saturating_sub(from)));
            if index < middle {
                path.push(self.over(middle, to)?);
                to = middle;
            } else {
                path.push(self.over(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    fn over(&mut self, from: u64, to: u64) -> Option<Hash> {
        if to != self.size {
            return root_of(self.nodes, from, to);
        }
        if let Some(known) = self.edge.get(&from) {
            return Some(*known);
        }
        let hash = root_of(self.nodes, from, to)?;
        self.edge.insert(from, hash);
        Some(hash)
    }
}

/// The proof that the tree of `old` leaves is the beginning of that of `new` (RFC 6962 §2.1.2).
pub fn consistency(nodes: &dyn Nodes, old: u64, new: u64) -> Option<Vec<Hash>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut from, mut to) = (0_u64, new);
    // The part of the old tree is whole as long as only left halves were left out.
    let mut whole = true;
    let mut path = Vec::new();
    loop {
        if old == to {
            if !whole {
                path.push(root_of(nodes, from, to)?);
            }
            path.reverse();
            return Some(path);
        }
        let middle = from.saturating_add(split(to.saturating_sub(from)));
        if old <= middle {
            path.push(root_of(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(root_of(nodes, from, middle)?);
            from = middle;
            whole = false;
        }
    }
}

/// The root over leaves `from .. to`. `from` is a multiple of a power of two not below the width's split.
fn root_of(nodes: &dyn Nodes, from: u64, to: u64) -> Option<Hash> {
    let width = to.checked_sub(from)?;
    if width == 0 {
        return None;
    }
    if width.is_power_of_two() {
        let height = width.trailing_zeros();
        return nodes.node(height, from.checked_shr(height)?);
    }
    let middle = from.checked_add(split(width))?;
    Some(node_hash(&root_of(nodes, from, middle)?, &root_of(nodes, middle, to)?))
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

/// Whether a proof shows that the tree of `old` leaves with `old_root` is the beginning of that of `new` with `new_root`
/// (RFC 9162 §2.1.4.2).
pub fn is_consistent(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    follow(old, old_root, new, path).is_some_and(|(older, newer)| older == *old_root && newer == *new_root)
}

fn follow(old: u64, old_root: &Hash, new: u64, path: &[Hash]) -> Option<(Hash, Hash)> {
    if old > new {
        return None;
    }
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, path)
    } else {
        let (first, rest) = path.split_first()?;
        (*first, rest)
    };
    let (mut node, mut last) = (old.checked_sub(1)?, new.checked_sub(1)?);
    while node % 2 == 1 {
        node = node.checked_shr(1)?;
        last = last.checked_shr(1)?;
    }
    let (mut older, mut newer) = (first, first);
    for hash in rest {
        if last == 0 {
            return None;
        }
        if node % 2 == 1 || node == last {
            older = node_hash(hash, &older);
            newer = node_hash(hash, &newer);
            while node.is_multiple_of(2) && node != 0 {
                node = node.checked_shr(1)?;
                last = last.checked_shr(1)?;
            }
        } else {
            newer = node_hash(&newer, hash);
        }
        node = node.checked_shr(1)?;
        last = last.checked_shr(1)?;
    }
    (last == 0).then_some((older, newer))
}

/// The largest power of two below `width` (which is at least 2).
fn split(width: u64) -> u64 {
    let below = width.saturating_sub(1);
    1_u64.checked_shl(63_u32.saturating_sub(below.leading_zeros())).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{consistency, is_consistent, root};
    use crate::Tree;

    #[test]
    fn every_tree_is_the_beginning_of_every_later_one_and_of_no_other() {
        let mut tree = Tree::default();
        for leaf in 0_u8..40 {
            tree.push([leaf; 32]);
        }
        for new in 1..=40 {
            let new_root = root(&tree, new).unwrap();
            for old in 0..=new {
                let old_root = root(&tree, old).unwrap();
                let path = consistency(&tree, old, new).unwrap();
                assert!(is_consistent(old, &old_root, new, &new_root, &path), "{old} {new}");
                if old > 0 {
                    assert!(!is_consistent(old, &[9; 32], new, &new_root, &path), "{old} {new}");
                    assert!(!is_consistent(old, &old_root, new, &[9; 32], &path), "{old} {new}");
                }
                if old > 0 && old < new {
                    let mut long = path.clone();
                    long.push([1; 32]);
                    assert!(!is_consistent(old, &old_root, new, &new_root, &long), "{old} {new}");
                    assert!(!is_consistent(old + 1, &old_root, new, &new_root, &path) || old + 1 == new, "{old} {new}");
                }
            }
        }
    }
}
