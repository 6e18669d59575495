//! Whether people fill the seats of a panel, each a seat of their own.

use super::{Member, Panel, Person, Role};

/// A place that one person takes.
#[derive(Clone)]
enum Seat<'a> {
    Role(Role),
    Pool(&'a [Member]),
}

impl Seat<'_> {
    fn fits(&self, person: &Person) -> bool {
        match self {
            Self::Role(role) => person.role >= *role,
            Self::Pool(pool) => pool.iter().any(|member| member.is(person)),
        }
    }
}

impl Panel {
    /// Whether these people, who are distinct, are enough.
    pub(super) fn is_met(&self, people: &[&Person]) -> bool {
        self.alternatives().iter().any(|seats| all_taken(seats, people))
    }

    /// Whether a person could take a seat.
    pub(super) fn has_seat(&self, person: &Person) -> bool {
        self.alternatives().iter().flatten().any(|seat| seat.fits(person))
    }

    /// The least number of people who could be enough.
    pub(super) fn least(&self) -> usize {
        self.alternatives().iter().map(Vec::len).min().unwrap_or(0)
    }

    /// How many ways there are, and the most seats of one: bounded when it is read.
    pub(super) fn size(&self) -> (usize, usize) {
        let of = |all: &[Self]| all.iter().map(Self::size).collect::<Vec<_>>();
        match self {
            Self::MinRole { people, .. } | Self::AnyOf { people, .. } => (1, usize::from(*people)),
            Self::AllOf(all) => (1, all.len()),
            Self::And(all) => of(all).into_iter().fold((1, 0), |(ways, seats), (more, others)| {
                (ways.saturating_mul(more), seats.saturating_add(others))
            }),
            Self::Or(all) => of(all)
                .into_iter()
                .fold((0, 0), |(ways, seats), (more, others)| (ways.saturating_add(more), seats.max(others))),
        }
    }

    /// Each way to be content, as the seats that must be taken.
    fn alternatives(&self) -> Vec<Vec<Seat<'_>>> {
        match self {
            Self::MinRole { role, people } => vec![vec![Seat::Role(*role); usize::from(*people)]],
            Self::AnyOf { people, pool } => vec![vec![Seat::Pool(pool); usize::from(*people)]],
            Self::AllOf(all) => vec![all.iter().map(|member| Seat::Pool(std::slice::from_ref(member))).collect()],
            Self::Or(all) => all.iter().flat_map(Self::alternatives).collect(),
            Self::And(all) => all.iter().fold(vec![Vec::new()], |ways, panel| {
                let more = panel.alternatives();
                ways.iter().flat_map(|way| more.iter().map(move |seats| [way.as_slice(), seats].concat())).collect()
            }),
        }
    }
}

/// Whether every seat can be taken by a different person: a matching, by augmenting paths (Kuhn).
fn all_taken(seats: &[Seat<'_>], people: &[&Person]) -> bool {
    let mut sits: Vec<Option<usize>> = vec![None; people.len()];
    (0..seats.len()).all(|seat| {
        let mut asked = vec![false; people.len()];
        place(seat, seats, people, &mut sits, &mut asked)
    })
}

/// Finds a person for a seat, moving others where they can sit elsewhere.
fn place(seat: usize, seats: &[Seat<'_>], people: &[&Person], sits: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    for (number, person) in people.iter().enumerate() {
        let fits = seats.get(seat).is_some_and(|seat| seat.fits(person));
        let Some(was_asked) = asked.get_mut(number).filter(|asked| fits && !**asked) else { continue };
        *was_asked = true;
        let free = match sits.get(number).copied().flatten() {
            None => true,
            Some(other) => place(other, seats, people, sits, asked),
        };
        if free {
            if let Some(place) = sits.get_mut(number) {
                *place = Some(seat);
            }
            return true;
        }
    }
    false
}
