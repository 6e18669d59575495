//! Cedar policies of an organisation as a guard: they can forbid, or demand people, and never allow.
//!
//! An error of any kind (a policy that cannot be evaluated, a request that does not fit the schema) is a refusal. Policies
//! are validated strictly against the published schema (`api/guard.cedarschema`) when they are loaded, and sliced by action
//! and program, so that a request meets only those that can be about it.
//!
//! Cedar: <https://docs.cedarpolicy.com/>.

mod request;
mod slices;

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{Authorizer, Effect, Policy, PolicySet, Schema, ValidationMode, Validator};
use model::Intent;
use pdp::{Objection, PolicyProblem, Situation};

use request::Requests;
use slices::Slices;

/// The schema that guards are written against.
pub const SCHEMA: &str = include_str!("../../../api/guard.cedarschema");

/// What a policy says of itself.
#[derive(Clone, Debug)]
struct Note {
    /// `@id("…")`, or the file and the policy's place in it.
    name: String,
    /// `@reason("…")`.
    reason: String,
    /// `@people("2")`: so many people must agree; without it, the act is forbidden.
    people: Option<u8>,
}

/// Loaded guards.
#[derive(Debug)]
pub struct CedarGuard {
    authorizer: Authorizer,
    schema: Schema,
    slices: Slices,
    notes: BTreeMap<String, Note>,
}

impl CedarGuard {
    /// Reads guards from files (name, text). Every problem is reported; one refuses them all.
    ///
    /// # Errors
    /// A file cannot be parsed, does not fit the schema, or holds a `permit` or a template.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<PolicyProblem>> {
        let wrong = |file: &str, why: String| PolicyProblem { file: file.to_owned(), place: None, why };
        let schema = match Schema::from_cedarschema_str(SCHEMA) {
            Ok((schema, _)) => schema,
            Err(why) => return Err(vec![wrong("guard.cedarschema", why.to_string())]),
        };
        let validator = Validator::new(schema.clone());
        let (mut problems, mut all, mut notes) = (Vec::new(), Vec::new(), BTreeMap::new());
        for (file, text) in files {
            let set = match PolicySet::from_str(text) {
                Ok(set) => set,
                Err(why) => {
                    problems.push(wrong(file, why.to_string()));
                    continue;
                }
            };
            if set.templates().next().is_some() {
                problems.push(wrong(file, "templates are not taken: write each policy out".to_owned()));
            }
            let checked = validator.validate(&set, ValidationMode::Strict);
            problems.extend(checked.validation_errors().map(|why| wrong(file, why.to_string())));
            for policy in set.policies() {
                let id = format!("{file}#{}", policy.id());
                match note(&policy.new_id(cedar_policy::PolicyId::new(&id)), &id) {
                    Ok((policy, note)) => {
                        notes.insert(id, note);
                        all.push(policy);
                    }
                    Err(why) => problems.push(wrong(file, format!("policy `{}`: {why}", policy.id()))),
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let slices = Slices::of(all).map_err(|why| vec![wrong("guards", why)])?;
        Ok(Self { authorizer: Authorizer::new(), schema, slices, notes })
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.notes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }
}

fn note(policy: &Policy, id: &str) -> Result<(Policy, Note), String> {
    if policy.effect() == Effect::Permit {
        return Err("a guard can only `forbid`, or demand people; what is allowed is said by rules".to_owned());
    }
    let people = match policy.annotation("people") {
        None => None,
        Some(number) => Some(
            number
                .parse()
                .ok()
                .filter(|it| *it > 0)
                .ok_or_else(|| format!("`@people(\"{number}\")` is no number of people"))?,
        ),
    };
    let name = policy.annotation("id").unwrap_or(id).to_owned();
    let reason = policy.annotation("reason").unwrap_or("a guard of the organisation").to_owned();
    Ok((policy.clone(), Note { name, reason, people }))
}

impl pdp::Guard for CedarGuard {
    fn objections(&self, intent: &Intent, situation: &Situation<'_>) -> Result<Vec<Objection>, String> {
        let requests = Requests::of(intent, situation, &self.schema)?;
        let mut found: BTreeMap<&str, Objection> = BTreeMap::new();
        for asked in &requests.asked {
            for slice in self.slices.about(&asked.action, &asked.program) {
                let answer = self.authorizer.is_authorized(&asked.request, slice, &requests.entities);
                if let Some(why) = answer.diagnostics().errors().next() {
                    return Err(format!("a guard could not be evaluated: {why}"));
                }
                // Without any `permit`, what is named as the reason for a no is a `forbid` that holds.
                for id in answer.diagnostics().reason() {
                    let id: &str = id.as_ref();
                    let note = self.notes.get(id).ok_or("an unknown guard answered")?;
                    let objection =
                        Objection { name: note.name.clone(), why: note.reason.clone(), people: note.people };
                    found.insert(&note.name, objection);
                }
            }
        }
        Ok(found.into_values().collect())
    }
}
