//! Values that states share until one of them is changed (copy on write).
//!
//! The state of a shell is copied at every fork of control flow, and most ways change little of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// A collection that is copied when it is changed and not before. An empty one takes no memory of its own.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T>(Option<Rc<T>>);

/// What an empty collection is read as.
pub(crate) trait Empty: Clone + Default + 'static {
    const EMPTY: &'static Self;
}

impl<V: Clone + 'static> Empty for BTreeMap<String, V> {
    const EMPTY: &'static Self = &Self::new();
}

impl Empty for BTreeSet<String> {
    const EMPTY: &'static Self = &Self::new();
}

impl<T> Shared<T> {
    /// Whether both are one value, so that nothing needs to be compared or joined.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => Rc::ptr_eq(own, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Empty> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Empty> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Rc::make_mut(self.0.get_or_insert_default())
    }
}

impl<T: Empty + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;
    use std::collections::BTreeSet;

    #[test]
    fn a_change_to_one_leaves_the_other_as_it_was() {
        let mut one: Shared<BTreeSet<String>> = Shared::default();
        one.insert("a".to_owned());
        let two = one.clone();
        assert!(one.is_same(&two));
        one.insert("b".to_owned());
        assert!(!one.is_same(&two) && two.len() == 1 && one.len() == 2);
        assert_eq!(Shared::<BTreeSet<String>>::default(), Shared(Some(std::rc::Rc::default())));
    }
}
