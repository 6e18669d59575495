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
use audit::term;
use host::install_paths::Layout;
use log_store::{Content, Reader, RealDisk, Wanted};
use model::{AgentName, Digest, ReviewerName};
use pdp::Person;
use serde_json::Value;
use state_sqlite::{AgentRow, Factor, RuleRow, Store};

use crate::passwords;
pub(crate) use reviewers::factor_digest;
use reviewers::{passkeys_of, person, set_up};

/// State as the record has it.
#[derive(Default)]
struct Projection {
    agents: BTreeMap<String, Value>,
    reviewers: BTreeMap<String, Value>,
    rules: BTreeMap<String, Value>,
    removed: BTreeMap<String, (String, u64)>,
    flags: BTreeMap<String, (String, u64)>,
}

impl Projection {
    fn read(log: &Path) -> Result<Self, String> {
        let mut state = Self::default();
        let mut reader = Reader::open(Arc::new(RealDisk::new(log)))?;
        let wanted = Wanted { terms: vec![term("kind", "change")], ..Wanted::default() };
        reader.each(&wanted, &mut |found| {
            match found.content {
                Content::Draft(draft) => state.take(draft.at_ms, draft.body),
                // Changes belong to the installation, whose keys are never destroyed.
                Content::Destroyed => {}
                Content::Unreadable(why) => return Err(format!("record {}: {why}", found.entry.seq)),
            }
            Ok(true)
        })?;
        Ok(state)
    }

    fn take(&mut self, at_ms: u64, mut body: Value) {
        let word = |body: &Value, key: &str| body.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let (agent, rule) = (word(&body, "agent"), word(&body, "rule"));
        let by = word(&body, "by");
        match word(&body, "what").as_str() {
            "agent added" => {
                if let Some(body) = body.as_object_mut() {
                    body.insert("created_ms".to_owned(), at_ms.into());
                }
                self.agents.insert(agent, body);
            }
            "agent removed" => {
                self.agents.remove(&agent);
            }
            "agent placed" => {
                if let Some(known) = self.agents.get_mut(&agent).and_then(Value::as_object_mut) {
                    for key in ["env", "groups", "trust"] {
                        known.insert(key.to_owned(), body.get(key).cloned().unwrap_or_default());
                    }
                }
            }
            "reviewer added" => {
                self.reviewers.insert(word(&body, "reviewer"), body);
            }
            "reviewer placed" => {
                if let Some(known) = self.reviewers.get_mut(&word(&body, "reviewer")).and_then(Value::as_object_mut) {
                    for key in ["role", "groups"] {
                        known.insert(key.to_owned(), body.get(key).cloned().unwrap_or_default());
                    }
                }
            }
            // A person's own enrolment: another first factor, a further passkey, or all factors again.
            "factor set up" => {
                if let Some(known) = self.reviewers.get_mut(&word(&body, "reviewer")).and_then(Value::as_object_mut) {
                    set_up(known, &body);
                }
            }
            "password set" => {
                if let Some(known) = self.reviewers.get_mut(&word(&body, "reviewer")).and_then(Value::as_object_mut) {
                    set_up(known, &body);
                }
            }
            "reviewer removed" => {
                self.reviewers.remove(&word(&body, "reviewer"));
            }
            "rule made" => {
                if let Some(body) = body.as_object_mut() {
                    body.insert("created_ms".to_owned(), at_ms.into());
                }
                self.rules.insert(rule, body);
            }
            "rule removed" => {
                self.removed.insert(rule, (by, at_ms));
            }
            "flag set" => {
                self.flags.insert(word(&body, "flag"), (by, at_ms));
            }
            "flag cleared" => {
                self.flags.remove(&word(&body, "flag"));
            }
            _ => {}
        }
    }

    fn agent(&self, name: &str) -> Option<AgentRow> {
        let body = self.agents.get(name)?;
        let word = |key: &str| body.get(key).and_then(Value::as_str);
        let groups = body.get("groups").and_then(Value::as_array).into_iter().flatten();
        Some(AgentRow {
            name: AgentName::parse(name).ok()?,
            owner: ReviewerName::parse(word("owner")?).ok()?,
            under: match word("under") {
                Some(under) => Some(AgentName::parse(under).ok()?),
                None => None,
            },
            key_digest: Digest::parse(word("key_digest")?).ok()?,
            uid: body.get("uid").and_then(Value::as_u64).and_then(|uid| u32::try_from(uid).ok()),
            env: word("env").map(str::to_owned),
            groups: groups.filter_map(Value::as_str).map(str::to_owned).collect(),
            trust: body.get("trust").and_then(Value::as_u64).and_then(|trust| u8::try_from(trust).ok())?,
            created_ms: body.get("created_ms").and_then(Value::as_u64).unwrap_or(0),
        })
    }

    fn rule(&self, id: &str) -> Option<RuleRow> {
        let body = self.rules.get(id)?;
        let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let removed = self.removed.get(id);
        Some(RuleRow {
            id: id.to_owned(),
            text: word("text")?,
            author: word("by")?,
            request: word("request_digest"),
            reason: word("reason").unwrap_or_default(),
            created_ms: body.get("created_ms").and_then(Value::as_u64).unwrap_or(0),
            removed_ms: removed.map(|(_, at_ms)| *at_ms),
            removed_by: removed.map(|(by, _)| by.clone()),
        })
    }

    /// What is otherwise in the store.
    fn differences(&self, store: &Store) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
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
            self.agents.keys().map(|name| (name.clone(), self.agent(name).as_ref().map(of_agent))).collect(),
        );
        let of_person = |person: &Person, factor: &str, passkeys: &[String], password: Option<&str>| {
            format!("{} {:?} {factor} {passkeys:?} {password:?}", person.role.as_str(), person.groups)
        };
        let recorded = |name: &str, body: &Value| {
            let factor = body.get("factor_digest").and_then(Value::as_str)?;
            let password = body.get("password_digest").and_then(Value::as_str);
            Some(of_person(&person(name, body)?, factor, &passkeys_of(body), password))
        };
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
                    let ours = of_person(&row.person, &factor, &passkeys, password.as_deref());
                    Ok((row.person.name.to_string(), ours))
                })
                .collect::<Result<_, String>>()?,
            self.reviewers.iter().map(|(name, body)| (name.clone(), recorded(name, body))).collect(),
        );
        let of_rule = |row: &RuleRow| {
            format!("{} {} {:?} {} {}", row.text, row.author, row.request, row.reason, row.removed_ms.is_some())
        };
        both(
            "rule",
            store.rules().map_err(fail)?.iter().map(|row| (row.id.clone(), of_rule(row))).collect(),
            self.rules.keys().map(|id| (id.clone(), self.rule(id).as_ref().map(of_rule))).collect(),
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
        let mut left = Vec::new();
        for name in self.agents.keys() {
            match self.agent(name) {
                Some(row) => store.add_agent(&row).map_err(fail)?,
                None => left.push(format!("agent `{name}`: the record does not say enough of it; add it again")),
            }
        }
        for (name, body) in &self.reviewers {
            let key = body.get("ssh_key").and_then(Value::as_str).and_then(|line| SshIdentity::parse(line).ok());
            match (key, person(name, body)) {
                (Some(identity), Some(person)) => {
                    store.add_reviewer(&person, &Factor::Ssh(identity), 0, false).map_err(fail)?;
                }
                (None, Some(person)) if !passkeys_of(body).is_empty() => {
                    store.add_reviewer(&person, &Factor::Passkey, 0, false).map_err(fail)?;
                    left.push(format!("reviewer `{name}` has their passkeys again, and nothing else"));
                }
                (_, _) => left
                    .push(format!("reviewer `{name}` enrols again: the secret of a code generator is never recorded")),
            }
        }
        for (name, body) in &self.reviewers {
            for passkey in passkeys_of(body).iter().filter_map(|line| Passkey::parse(line)) {
                let name = ReviewerName::parse(name).map_err(|why| why.to_string())?;
                if store.reviewer(&name).map_err(fail)?.is_some() {
                    store.add_passkey(&name, &passkey, "from the record", 0).map_err(fail)?;
                }
            }
        }
        for id in self.rules.keys() {
            match self.rule(id) {
                Some(row) => {
                    store.add_rule(&row).map_err(fail)?;
                    if let (Some(by), Some(at_ms)) = (&row.removed_by, row.removed_ms) {
                        store.remove_rule(id, by, at_ms).map_err(fail)?;
                    }
                }
                None => left.push(format!("rule `{id}`: the record does not say enough of it")),
            }
        }
        for (name, (by, at_ms)) in &self.flags {
            store.set_flag(name, true, by, *at_ms).map_err(fail)?;
        }
        Ok(left)
    }
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
