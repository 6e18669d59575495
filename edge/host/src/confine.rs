//! A process shuts itself in: files that it does not need are out of its reach from then on, whatever happens in it (Landlock, Linux
//! 5.13 and newer), and nothing that it executes gets more rights than it has.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus,
};

/// Leaves this process only these directories, to read; what does not exist is left out. Says whether the kernel holds it to that:
/// one that is too old does not, or in part.
///
/// # Errors
/// The kernel refuses what it knows.
pub fn to_read(directories: &[&Path]) -> Result<bool, String> {
    let abi = ABI::V5;
    let say = |why: landlock::RulesetError| why.to_string();
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(Ruleset::create)
        .map_err(say)?;
    for directory in directories {
        if let Ok(opened) = PathFd::new(directory) {
            rules = rules.add_rule(PathBeneath::new(opened, AccessFs::from_read(abi))).map_err(say)?;
        }
    }
    let status = rules.restrict_self().map_err(say)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced && status.no_new_privs)
}
