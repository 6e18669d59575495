//! A list that is never empty: reasons, questions.

/// At least one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonEmpty<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> NonEmpty<T> {
    /// A list of one.
    pub const fn of(first: T) -> Self {
        Self { first, rest: Vec::new() }
    }

    /// The list, or nothing where there is no item.
    pub fn from_vec(items: Vec<T>) -> Option<Self> {
        let mut items = items.into_iter();
        let first = items.next()?;
        Some(Self { first, rest: items.collect() })
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.rest.push(item);
    }

    /// The first item.
    pub const fn first(&self) -> &T {
        &self.first
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(self.rest.iter())
    }
}
