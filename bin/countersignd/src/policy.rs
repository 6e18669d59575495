//! The policy that applies: the operator's directory, or what ships where there is none.

use std::path::Path;

use pdp::{Policy, Sources};

/// Loads the rules of a directory, or the shipped ones where there is no such directory.
///
/// # Errors
/// The directory can be written by others, or a rule in it is refused. One problem refuses the whole set.
pub(crate) fn load(directory: &Path) -> Result<Policy, String> {
    let loaded = if directory.exists() {
        let sources = Sources::directory(host::files::trusted_texts(directory, "toml")?);
        Policy::load(&sources, &understand::read_blind)
    } else {
        Policy::preset("strict")
    };
    loaded.map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        format!("the rules in `{}` are refused:\n{}", directory.display(), lines.join("\n"))
    })
}
