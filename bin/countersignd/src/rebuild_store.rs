//! The state store is a projection of the record: agents, reviewers, rules that were made and flags are worked out from the
//! record's changes, compared with the store, and written into a new one.
//!
//! What the store has and the record does not was written by another process. What the record has and the store does not may
//! be left by a crash between the two: then no caller was informed that it was done.

mod reviewers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use approval::{Passkey, SshIdentity};
use host::install_paths::Layout;
use log_store::{Content, Reader, RealDisk, Wanted};
use model::{AgentName, Digest, ReviewerName};
use pdp::Person;
use record::{AgentAdded, Change, Event, term};
use state_sqlite::{AgentRow, Factor, RuleRow, Store};

use crate::passwords;
pub(crate) use reviewers::factor_digest;
use reviewers::{Reviewer, compared};

/// State as the record has it.
#[derive(Default)]
struct Projection {
    /// None where a name or a digest in the record is malformed.
    agents: BTreeMap<String, Option<AgentRow>>,
    reviewers: BTreeMap<String, Reviewer>,
    rules: BTreeMap<String, RuleRow>,
    flags: BTreeMap<String, (String, u64)>,
    /// Changes of which this version does not know what they say.
    unknown: Vec<u64>,
}

impl Projection {
    fn read(log: &Path) -> Result<Self, String> {
        let mut state = Self::default();
        let mut reader = Reader::open(Arc::new(RealDisk::new(log)))?;
        let wanted = Wanted { terms: vec![term("kind", "change")], ..Wanted::default() };
        reader.each(&wanted, &mut |found| {
            match found.content {
                Content::Record(record) => match record.event() {
                    Some(Event::Change(change)) => state.take(record.at_ms, change),
                    Some(_) => {}
                    None => state.unknown.push(record.seq),
                },
                // Changes belong to the installation, whose keys are never destroyed.
                Content::Destroyed => {}
                Content::Unreadable(why) => return Err(format!("record {}: {why}", found.entry.seq)),
            }
            Ok(true)
        })?;
        Ok(state)
    }

    fn take(&mut self, at_ms: u64, change: Change) {
        match change {
            Change::AgentAdded(it) => drop(self.agents.insert(it.agent.clone(), agent_row(at_ms, it))),
            Change::AgentPlaced { agent, env, groups, trust, .. } => {
                if let Some(Some(row)) = self.agents.get_mut(&agent) {
                    (row.env, row.groups, row.trust) = (env, groups, trust);
                }
            }
            Change::AgentKeyRotated { agent, key_digest, .. } => {
                // A digest that is none leaves no key in force.
                let digest = Digest::parse(&key_digest).ok();
                let row = self.agents.get_mut(&agent);
                if let Some(row) = row {
                    *row = row.take().zip(digest).map(|(row, key_digest)| AgentRow { key_digest, ..row });
                }
            }
            Change::AgentRemoved { agent, .. } => drop(self.agents.remove(&agent)),
            Change::ReviewerAdded(it) => drop(self.reviewers.insert(it.reviewer.clone(), Reviewer::added(it))),
            Change::ReviewerPlaced { reviewer, role, groups, .. } => {
                self.reviewers.entry(reviewer).and_modify(|it| it.place(role, groups));
            }
            Change::FactorSetUp(set_up) => {
                self.reviewers.entry(set_up.reviewer.clone()).and_modify(|it| it.set_up(set_up));
            }
            Change::PasswordSet { reviewer, password_digest } => {
                self.reviewers.entry(reviewer).and_modify(|it| it.set_password(password_digest));
            }
            Change::ReviewerRemoved { reviewer, .. } => drop(self.reviewers.remove(&reviewer)),
            Change::RuleMade { rule, text, reason, by, request_digest } => {
                let row = RuleRow {
                    id: rule.clone(),
                    text,
                    author: by,
                    request: request_digest,
                    reason,
                    created_ms: at_ms,
                    removed_ms: None,
                    removed_by: None,
                };
                self.rules.insert(rule, row);
            }
            Change::RuleRemoved { rule, by } => {
                self.rules.entry(rule).and_modify(|row| (row.removed_ms, row.removed_by) = (Some(at_ms), Some(by)));
            }
            Change::FlagSet { flag, by } => drop(self.flags.insert(flag, (by, at_ms))),
            Change::FlagCleared { flag, .. } => drop(self.flags.remove(&flag)),
            // None of this is in the store.
            Change::ReviewerInvited { .. }
            | Change::ReviewerNotPlaced { .. }
            | Change::ReviewerNotRemoved { .. }
            | Change::PolicyLoaded { .. }
            | Change::PolicyRefused { .. }
            | Change::HandedOver { .. }
            | Change::Notified { .. }
            | Change::Escalated { .. }
            | Change::Canary { .. }
            | Change::BrokenGlassReviewed { .. }
            | Change::Sealed { .. }
            | Change::EncryptionKeyRotated { .. }
            | Change::ContentDestroyed { .. }
            | Change::LegalHoldBegun { .. }
            | Change::LegalHoldEnded { .. } => {}
        }
    }

    /// What is otherwise in the store.
    fn differences(&self, store: &Store) -> Result<Vec<String>, String> {
        let unknown = |seq: &u64| format!("record {seq} says what this version does not know; it is not compared");
        let mut found: Vec<String> = self.unknown.iter().map(unknown).collect();
        let mut both = |what: &str, theirs: BTreeMap<String, String>, ours: BTreeMap<String, Option<String>>| {
            let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
            for name in names {
                match (theirs.get(name), ours.get(name)) {
                    (Some(_), None) => {
                        found.push(format!("{what} `{name}` is in the store, and the record knows nothing of it"))
                    }
                    (None, Some(_)) => found.push(format!("{what} `{name}` is in the record, and not in the store")),
                    (Some(theirs), Some(Some(ours))) if theirs != ours => {
                        found.push(format!("{what} `{name}` is another in the store than in the record"));
                    }
                    (Some(_), Some(None)) => {
                        found.push(format!("{what} `{name}`: the record does not say enough of it to compare"))
                    }
                    (_, _) => {}
                }
            }
        };
        let fail = |why: state_sqlite::Failed| why.to_string();
        let of_agent = |row: &AgentRow| {
            format!(
                "{} {:?} {} {:?} {:?} {:?} {}",
                row.owner, row.under, row.key_digest, row.uid, row.env, row.groups, row.trust
            )
        };
        both(
            "agent",
            store.agents().map_err(fail)?.iter().map(|row| (row.name.to_string(), of_agent(row))).collect(),
            self.agents.iter().map(|(name, row)| (name.clone(), row.as_ref().map(of_agent))).collect(),
        );
        both(
            "reviewer",
            store
                .reviewers()
                .map_err(fail)?
                .iter()
                .map(|row| {
                    let passkeys = store.passkeys(&row.person.name).map_err(fail)?;
                    let mut passkeys: Vec<String> = passkeys.iter().map(|it| it.passkey.to_line()).collect();
                    passkeys.sort();
                    let password = row.password.as_ref().map(passwords::digest);
                    let factor = factor_digest(&row.factor);
                    let Person { role, groups, .. } = &row.person;
                    let ours = compared(*role, groups, &factor, &passkeys, password.as_deref());
                    Ok((row.person.name.to_string(), ours))
                })
                .collect::<Result<_, String>>()?,
            self.reviewers.iter().map(|(name, one)| (name.clone(), Some(one.compared()))).collect(),
        );
        let of_rule = |row: &RuleRow| {
            format!("{} {} {:?} {} {}", row.text, row.author, row.request, row.reason, row.removed_ms.is_some())
        };
        both(
            "rule",
            store.rules().map_err(fail)?.iter().map(|row| (row.id.clone(), of_rule(row))).collect(),
            self.rules.iter().map(|(id, row)| (id.clone(), Some(of_rule(row)))).collect(),
        );
        both(
            "flag",
            store.flags().map_err(fail)?.into_iter().map(|(name, by, _)| (name, by)).collect(),
            self.flags.iter().map(|(name, (by, _))| (name.clone(), Some(by.clone()))).collect(),
        );
        Ok(found)
    }

    /// Writes a new store. Codes of reviewers cannot be had from the record: those people enrol again.
    fn write(&self, path: &Path) -> Result<Vec<String>, String> {
        if path.exists() {
            return Err(format!("`{}` is there already; a store is rebuilt into a new file", path.display()));
        }
        let fail = |why: state_sqlite::Failed| why.to_string();
        let store = Store::open(path).map_err(fail)?;
        let unknown = |seq: &u64| format!("record {seq}: this version does not know what it says");
        let mut left: Vec<String> = self.unknown.iter().map(unknown).collect();
        for (name, row) in &self.agents {
            match row {
                Some(row) => store.add_agent(row).map_err(fail)?,
                None => left.push(format!("agent `{name}`: the record does not say enough of it; add it again")),
            }
        }
        for (name, one) in &self.reviewers {
            let key = one.ssh_key.as_deref().and_then(|line| SshIdentity::parse(line).ok());
            match (key, one.person(name)) {
                (Some(identity), Some(person)) => {
                    store.add_reviewer(&person, &Factor::Ssh(identity), 0, false).map_err(fail)?;
                }
                (None, Some(person)) if !one.passkeys().is_empty() => {
                    store.add_reviewer(&person, &Factor::Passkey, 0, false).map_err(fail)?;
                    left.push(format!("reviewer `{name}` has their passkeys again, and nothing else"));
                }
                (_, _) => left
                    .push(format!("reviewer `{name}` enrols again: the secret of a code generator is never recorded")),
            }
        }
        for (name, one) in &self.reviewers {
            for passkey in one.passkeys().iter().filter_map(|line| Passkey::parse(line)) {
                let name = ReviewerName::parse(name).map_err(|why| why.to_string())?;
                if store.reviewer(&name).map_err(fail)?.is_some() {
                    store.add_passkey(&name, &passkey, "from the record", 0).map_err(fail)?;
                }
            }
        }
        for (id, row) in &self.rules {
            store.add_rule(row).map_err(fail)?;
            if let (Some(by), Some(at_ms)) = (&row.removed_by, row.removed_ms) {
                store.remove_rule(id, by, at_ms).map_err(fail)?;
            }
        }
        for (name, (by, at_ms)) in &self.flags {
            store.set_flag(name, true, by, *at_ms).map_err(fail)?;
        }
        Ok(left)
    }
}

/// An agent as the store has it. Nothing where a name or the digest is malformed.
fn agent_row(created_ms: u64, it: AgentAdded) -> Option<AgentRow> {
    Some(AgentRow {
        name: AgentName::parse(&it.agent).ok()?,
        owner: ReviewerName::parse(&it.owner).ok()?,
        under: it.under.as_deref().map(AgentName::parse).transpose().ok()?,
        key_digest: Digest::parse(&it.key_digest).ok()?,
        uid: it.uid,
        env: it.env,
        groups: it.groups,
        trust: it.trust,
        created_ms,
    })
}

/// Compares the store with the record; with a file, writes what the record says into it. Says whether they are the same.
pub(crate) fn main(into: Option<&Path>) -> Result<bool, String> {
    let layout = Layout::from_environment()?;
    let state = Projection::read(&layout.log).map_err(|why| format!("`{}`: {why}", layout.log.display()))?;
    println!(
        "the record has {} agents, {} reviewers, {} rules that were made, {} flags",
        state.agents.len(),
        state.reviewers.len(),
        state.rules.len(),
        state.flags.len()
    );
    let path = layout.state.join("state.db");
    let differences = if path.exists() {
        let store = Store::open(&path).map_err(|why| why.to_string())?;
        state.differences(&store)?
    } else {
        vec![format!("there is no store at `{}`", path.display())]
    };
    for line in &differences {
        println!("DIFFERS: {}", model::display::visible(line));
    }
    if differences.is_empty() {
        println!("the store is what the record says");
    }
    if let Some(into) = into {
        let left = state.write(into)?;
        println!("rebuilt into `{}`", into.display());
        left.iter().for_each(|line| println!("left out: {}", model::display::visible(line)));
    }
    Ok(differences.is_empty())
}
