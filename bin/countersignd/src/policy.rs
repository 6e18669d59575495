//! The policy that applies: the operator's directory (or `strict` where there is none), then the rules that were made
//! of approvals. A new set replaces the old one whole, or not at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use cedar::CedarGuard;
use host::inotify::DirectoryWatch;
use pdp::{Mode, Policy, PolicyProblem, Sources};
use record::{Change, PolicyMode, PolicyReason};
use state_sqlite::RuleRow;

use crate::state::{Daemon, lock};

/// What an operator's directory holds.
#[derive(Clone, Default)]
struct Files {
    rules: Vec<(String, String)>,
    guards: Vec<(String, String)>,
}

/// The set that applies now. Readers never wait.
pub(crate) struct LivePolicy {
    directory: PathBuf,
    current: ArcSwap<Policy>,
    /// The directory as it was when it was last taken: what the rules that were made are put to while it is broken.
    files: Mutex<Files>,
    /// Rules that were made and do not do any more what their examples say.
    left_out: BTreeSet<String>,
    /// Counts what a decision that is not yet carried out rests on: changes of rules and flags.
    epoch: AtomicU64,
    /// Why the newest set was refused, if it was.
    refused: Mutex<Option<String>>,
    /// One change at a time.
    changing: Mutex<()>,
}

impl LivePolicy {
    /// Loads the first set.
    ///
    /// # Errors
    /// The directory can be written by others, or a rule is refused. One problem refuses the whole set.
    pub(crate) fn open(directory: PathBuf, made: &[RuleRow]) -> Result<Self, String> {
        let (made, out): (Vec<RuleRow>, Vec<RuleRow>) =
            made.iter().filter(|rule| rule.removed_ms.is_none()).cloned().partition(still_holds);
        let files = Files::read(&directory)?;
        let policy = build(&directory, &files, &made, true)?;
        Ok(Self {
            directory,
            current: ArcSwap::from_pointee(policy),
            files: Mutex::new(files),
            left_out: out.into_iter().map(|rule| rule.id).collect(),
            // Never one of before a restart: enforcement points compare it.
            epoch: AtomicU64::new(host::clock::now_ms()),
            refused: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// The policy in force. A request that holds it is judged by it to the end.
    pub(crate) fn current(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    /// Whether it is enforced; what is only observed does not protect.
    pub(crate) fn mode(&self) -> PolicyMode {
        match self.current().settings().mode {
            Mode::Enforce => PolicyMode::Enforce,
            Mode::Observe => PolicyMode::Observe,
        }
    }

    /// The count of changes so far.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Notes that something changed that decisions rest on.
    pub(crate) fn moved(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Why the newest set was refused, if it was.
    pub(crate) fn refused(&self) -> Option<String> {
        lock(&self.refused).clone()
    }

    /// The rules that were made and apply.
    fn made(&self, daemon: &Daemon) -> Result<Vec<RuleRow>, String> {
        let mut made = daemon.store.rules().map_err(|why| why.to_string())?;
        made.retain(|rule| rule.removed_ms.is_none() && !self.left_out.contains(&rule.id));
        Ok(made)
    }
}

/// Reads the directory again. What is refused leaves the old set in force, and is recorded; what is
/// the same changes nothing. The order: read, record, replace. A crash before the record leaves the old set in force at
/// the next start as long as the files do not change; one after it starts with the new set.
///
/// # Errors
/// The new set is refused, or could not be recorded.
pub(crate) fn reload(daemon: &Daemon, why: PolicyReason) -> Result<bool, String> {
    let live = &daemon.policy;
    let _changing = lock(&live.changing);
    let made = live.made(daemon)?;
    let read = || -> Result<(Policy, Files), String> {
        let files = Files::read(&live.directory)?;
        Ok((build(&live.directory, &files, &made, false)?, files))
    };
    let (policy, files) = match host::stack::on_large_stack(read).map_err(str::to_owned)? {
        Ok(read) => read,
        Err(problem) => {
            let known = lock(&live.refused).replace(problem.clone());
            if known.as_ref() != Some(&problem) {
                let _receipt = daemon.record(Change::PolicyRefused { because: why, why: problem.clone() })?;
                eprintln!("countersignd: {problem}\ncountersignd: the policy that was in force stays in force");
            }
            return Err(problem);
        }
    };
    *lock(&live.refused) = None;
    let changed = put_in_force(daemon, policy, why)?;
    *lock(&live.files) = files;
    Ok(changed)
}

/// Puts the rules that were made, as they are now, to the directory as it was last taken. A directory that is broken at
/// the moment keeps no rule in force that a person ended.
///
/// # Errors
/// The set is refused, or could not be recorded.
pub(crate) fn rebuild(daemon: &Daemon, why: PolicyReason) -> Result<bool, String> {
    let live = &daemon.policy;
    let _changing = lock(&live.changing);
    let made = live.made(daemon)?;
    let files = lock(&live.files).clone();
    let build = || build(&live.directory, &files, &made, false);
    let policy = host::stack::on_large_stack(build).map_err(str::to_owned)??;
    put_in_force(daemon, policy, why)
}

/// Records a set, then replaces the old one with it.
fn put_in_force(daemon: &Daemon, policy: Policy, why: PolicyReason) -> Result<bool, String> {
    let live = &daemon.policy;
    if policy.digest() == live.current().digest() {
        return Ok(false);
    }
    let _receipt = daemon.record(Change::PolicyLoaded {
        because: why,
        policy: policy.digest().to_string(),
        rules: policy.rules().len().try_into().unwrap_or(u64::MAX),
        before: live.current().digest().to_string(),
    })?;
    eprintln!("countersignd: policy {} with {} rules ({})", policy.digest(), policy.rules().len(), why.as_str());
    live.current.store(Arc::new(policy));
    live.moved();
    Ok(true)
}

/// Tries a set with one more rule, without putting it in force.
///
/// # Errors
/// The rule is refused.
pub(crate) fn try_with(daemon: &Daemon, rule: &RuleRow) -> Result<(), String> {
    let live = &daemon.policy;
    let mut made = live.made(daemon)?;
    made.push(rule.clone());
    let files = lock(&live.files).clone();
    let build = || build(&live.directory, &files, &made, true);
    host::stack::on_large_stack(build).map_err(str::to_owned)?.map(drop)
}

/// What can stand behind the fixed words of a command and do more than they say.
pub(crate) fn openings(words: &[&str]) -> Vec<(String, bool)> {
    understand::openings(words).into_iter().map(|it| (it.text, it.runs)).collect()
}

/// Whether a rule that was made still does what its examples say. After an upgrade one may not: a rule that allows is
/// then left out, and said so, instead of keeping the daemon from starting; any other keeps it from starting.
fn still_holds(rule: &RuleRow) -> bool {
    let mut sources = Sources::default();
    sources.push_made(rule.id.clone(), rule.text.clone(), true);
    let Err(problems) = Policy::load(&sources, &understand::read_blind) else { return true };
    let parsed: Option<toml::Table> = rule.text.parse().ok();
    let verdict = parsed.as_ref().and_then(|it| it.get("rule")?.get(0)?.get("verdict")?.as_str().map(str::to_owned));
    let allows = verdict.as_deref() == Some("allow");
    if allows {
        let why = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        eprintln!(
            "countersignd: the rule `{}` does not do any more what its examples say, and is left out: {why}",
            rule.id
        );
    }
    !allows
}

impl Files {
    fn read(directory: &Path) -> Result<Self, String> {
        if !directory.exists() {
            return Ok(Self::default());
        }
        let texts = |extension| host::files::trusted_texts(directory, extension);
        Ok(Self { rules: texts("toml")?, guards: texts("cedar")? })
    }
}

fn build(directory: &Path, files: &Files, made: &[RuleRow], try_made: bool) -> Result<Policy, String> {
    let mut sources = Sources::directory(files.rules.clone()).opened_by(openings);
    for rule in made {
        sources.push_made(format!("rule made of an approval ({})", rule.id), rule.text.clone(), try_made);
    }
    let told = |problems: Vec<PolicyProblem>| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        format!("the rules in `{}` are refused:\n{}", directory.display(), lines.join("\n"))
    };
    let policy = Policy::load(&sources, &understand::read_blind).map_err(told)?;
    if files.guards.is_empty() {
        return Ok(policy);
    }
    let guard = CedarGuard::load(&files.guards).map_err(told)?;
    Ok(policy.guarded(Box::new(guard), &files.guards))
}

/// Loads a directory as it would be loaded to be in force, and says what it is.
///
/// # Errors
/// It is refused.
pub(crate) fn check(directory: &Path) -> Result<String, String> {
    let read = || build(directory, &Files::read(directory)?, &[], true);
    let policy = host::stack::on_large_stack(read).map_err(str::to_owned)??;
    Ok(format!("{} rules; policy {}", policy.rules().len(), policy.digest()))
}

/// Reloads whenever a file of the directory changes, on a thread of its own.
pub(crate) fn watch(daemon: &Arc<Daemon>) -> Result<(), String> {
    let daemon = Arc::clone(daemon);
    let mut watch = DirectoryWatch::of(&daemon.policy.directory).map_err(|why| why.to_string())?;
    let run = move || {
        while watch.wait().is_ok() {
            // `reload` reports a refused policy, and the old one stays.
            let _ = reload(&daemon, PolicyReason::FileChanged);
        }
        eprintln!("countersignd: changes of the policy's files are not seen any more; SIGHUP still reloads them");
    };
    std::thread::Builder::new().name("policy".to_owned()).spawn(run).map(drop).map_err(|why| why.to_string())
}
