//! The score of SPEC §3: base of the worst category, then named modifiers.

use model::{Action, Category, Factor, Intent, Operation, Resource, Reversibility, Risk, Segment};

/// What a category weighs before anything else is known.
pub(crate) const fn base(category: Category) -> i32 {
    match category {
        Category::ReadOnly => 5,
        Category::FsWrite => 20,
        Category::NetworkEgress | Category::VcsHistory => 30,
        Category::PackageInstall
        | Category::Database
        | Category::ContainerOrchestration
        | Category::ServiceProcessControl => 40,
        Category::FsDestructive => 45,
        Category::Privilege | Category::RemoteCode | Category::CloudIac => 50,
        Category::CredentialAccess | Category::PersistenceConfig => 55,
    }
}

/// The risk of an intent: that of its riskiest segment, with what is said of the text as a whole.
pub fn risk_of(intent: &Intent) -> Risk {
    let worst = intent.segments.iter().map(of_segment).max_by_key(Risk::score);
    let mut risk = worst.unwrap_or_else(|| Risk { factors: Vec::new() });
    if intent.segments.is_empty() && !intent.unknowns.is_empty() {
        risk.factors.push(Factor {
            name: "not_understood",
            points: 60,
            why: "nothing of the text could be understood".to_owned(),
        });
    } else if !intent.unknowns.is_empty() {
        risk.factors.push(Factor {
            name: "partly_understood",
            points: 25,
            why: "a part of the text could not be understood".to_owned(),
        });
    }
    for factor in &intent.factors {
        if !risk.factors.iter().any(|known| known.name == factor.name) {
            risk.factors.push(factor.clone());
        }
    }
    risk
}

/// The risk of one segment.
pub(crate) fn of_segment(segment: &Segment) -> Risk {
    let mut factors = Vec::new();
    let worst = segment.operations.iter().max_by_key(|operation| base(operation.category));
    if let Some(worst) = worst {
        factors.push(Factor { name: worst.category.as_str(), points: base(worst.category), why: worst.to_string() });
    }
    let mut add =
        |name: &'static str, points: i32, why: &str| factors.push(Factor { name, points, why: why.to_owned() });
    if segment.reversibility() == Reversibility::Irreversible {
        add("irreversible", 20, "it cannot be undone");
    }
    let changes =
        |operation: &&Operation| !matches!(operation.action, Action::Inspect | Action::Read | Action::Connect);
    if segment.operations.iter().any(|operation| operation.recursive && changes(&operation)) {
        add("recursive", 10, "it goes through a whole tree");
    }
    let open = |operation: &&Operation| matches!(operation.resource, Resource::Pattern(_) | Resource::Unknown(_));
    if segment.operations.iter().filter(changes).any(|operation| open(&operation)) {
        add("open_target", 15, "what it changes is not named outright");
    }
    // A look in addition does not make the unknown part smaller.
    let looks = segment.operations.iter().all(|operation| operation.action == Action::Inspect);
    if looks && !segment.unknowns.is_empty() {
        add("not_understood", 40, "what it does could not be understood");
    } else if !segment.unknowns.is_empty() {
        add("partly_understood", 10, "a part of it could not be understood");
    }
    factors.extend(segment.factors.iter().cloned());
    Risk { factors }
}
