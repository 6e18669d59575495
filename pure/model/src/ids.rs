//! Names and identifiers, each its own type. Ids are a prefix and a ULID, so they sort by time of birth.

use std::fmt;

use ulid::Ulid;

/// A text that is not an id or a name of the kind asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedId {
    /// What was expected.
    pub expected: &'static str,
}

impl fmt::Display for MalformedId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "expected {}", self.expected)
    }
}

impl std::error::Error for MalformedId {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// A new id from the time in milliseconds since 1970 and 80 random bits.
            pub fn new(at_ms: u64, random: u128) -> Self {
                Self(format!(concat!($prefix, "{}"), Ulid::from_parts(at_ms, random)))
            }

            /// Reads an id; the prefix must be right.
            pub fn parse(text: &str) -> Result<Self, MalformedId> {
                let malformed = MalformedId { expected: concat!("an id that starts with `", $prefix, "`") };
                match text.strip_prefix($prefix) {
                    Some(rest) if Ulid::from_string(rest).is_ok() => Ok(Self(text.to_owned())),
                    Some(_) | None => Err(malformed),
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One request of an agent.
    RequestId, "req_"
);
id!(
    /// One request that waits for people.
    HoldId, "hold_"
);
id!(
    /// One permit.
    PermitId, "permit_"
);

id!(
    /// One recording of a terminal.
    RecordingId, "rec_"
);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $extra:literal, $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            /// Reads a name of the allowed form.
            pub fn parse(text: &str) -> Result<Self, MalformedId> {
                let starts_well = text.chars().next().is_some_and(|first| first.is_ascii_alphanumeric());
                let allowed = |c: char| c.is_ascii_alphanumeric() || $extra.contains(c);
                if starts_well && text.len() <= $most && text.chars().all(allowed) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(MalformedId { expected: $expected })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of an agent.
    AgentName, "an agent name: a letter or digit, then letters, digits, `.`, `_`, `-`; 64 at most", "._-", 64
);
name!(
    /// The name of a person: an owner or a reviewer.
    ReviewerName, "a person's name: a letter or digit, then letters, digits, `.`, `_`, `-`, `@`; 64 at most", "._-@", 64
);
name!(
    /// The session an act belongs to, as its host names it.
    SessionId, "a session id: a letter or digit, then letters, digits, `.`, `_`, `-`, `:`; 128 at most", "._-:", 128
);

#[cfg(test)]
mod tests {
    use super::{AgentName, HoldId, RequestId};

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let request = RequestId::new(1_700_000_000_000, 7);
        assert_eq!(RequestId::parse(request.as_str()), Ok(request.clone()));
        assert!(HoldId::parse(request.as_str()).is_err());
    }

    #[test]
    fn ids_sort_by_time() {
        assert!(RequestId::new(1, u128::MAX) < RequestId::new(2, 0));
    }

    #[test]
    fn names_with_room_for_tricks_are_refused() {
        for bad in ["", "-x", "a b", "a/b", "a\nb", "\u{430}gent", &"a".repeat(65)] {
            assert!(AgentName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
