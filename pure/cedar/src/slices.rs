//! Policies by what their head names: a request meets those of its action and program, and those that name neither.

use std::collections::BTreeMap;

use cedar_policy::{ActionConstraint, Policy, PolicySet, ResourceConstraint};

type Head = (Option<String>, Option<String>);

/// Policies, by action and program of their heads.
#[derive(Debug, Default)]
pub(crate) struct Slices(BTreeMap<Head, PolicySet>);

impl Slices {
    /// Puts every policy where its head belongs.
    pub(crate) fn of(policies: Vec<Policy>) -> Result<Self, String> {
        let mut slices: BTreeMap<Head, PolicySet> = BTreeMap::new();
        for policy in policies {
            let program = match policy.resource_constraint() {
                ResourceConstraint::Eq(program)
                | ResourceConstraint::IsIn(_, program)
                | ResourceConstraint::In(program) => Some(program.id().unescaped().to_owned()),
                ResourceConstraint::Any | ResourceConstraint::Is(_) => None,
            };
            let actions: Vec<Option<String>> = match policy.action_constraint() {
                ActionConstraint::Any => vec![None],
                ActionConstraint::Eq(action) => vec![Some(action.id().unescaped().to_owned())],
                ActionConstraint::In(actions) => {
                    actions.iter().map(|action| Some(action.id().unescaped().to_owned())).collect()
                }
            };
            for action in actions {
                let slice = slices.entry((action, program.clone())).or_default();
                slice.add(policy.clone()).map_err(|why| why.to_string())?;
            }
        }
        Ok(Self(slices))
    }

    /// The policies that can be about an action by a program.
    pub(crate) fn about(&self, action: &str, program: &str) -> impl Iterator<Item = &PolicySet> {
        let (action, program) = (Some(action.to_owned()), Some(program.to_owned()));
        let heads = [(action.clone(), None), (None, None), (action, program.clone()), (None, program)];
        heads.into_iter().filter_map(|head| self.0.get(&head))
    }
}
