//! Single sign-on over OpenID Connect (Core 1.0): what is set up, and whether a token of the provider identifies a person.
//!
//! The web gate carries the token; `countersignd` checks it here, against keys that a process of its own fetched. So a gate that
//! lies can sign no person in.

mod settings;
mod token;

pub use settings::{Provider, Settings, Unusable};
pub use token::{Known, Refused, check};
