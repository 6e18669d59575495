//! A process shuts itself in: files that it does not need are out of its reach from then on, whatever happens in it (Landlock, Linux
//! 5.13 and newer), and nothing that it executes gets more rights than it has.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetStatus,
};

/// Leaves this process only these directories and files: some to read, some to write, too; what does not exist is left out. Says
/// whether the kernel holds it to that: one that is too old does not, or in part.
///
/// # Errors
/// The kernel refuses what it knows.
pub fn to(readable: &[&Path], writable: &[&Path]) -> Result<bool, String> {
    let abi = ABI::V5;
    let say = |why: landlock::RulesetError| why.to_string();
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(Ruleset::create)
        .map_err(say)?;
    let to_read = readable.iter().map(|path| (path, AccessFs::from_read(abi)));
    // Nothing is executed where something can be written.
    let to_write = writable.iter().map(|path| (path, AccessFs::from_all(abi) & !AccessFs::Execute));
    for (path, access) in to_read.chain(to_write) {
        if let Ok(opened) = PathFd::new(path) {
            rules = rules.add_rule(PathBeneath::new(opened, access)).map_err(say)?;
        }
    }
    let status = rules.restrict_self().map_err(say)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced && status.no_new_privs)
}
