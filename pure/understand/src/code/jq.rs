//! The language of `jq`: it computes; it reaches outside only for modules and the environment.

use model::{Action, Category, Operation, Resource, Reversibility, Segment, Unknown};

/// Reads a filter.
pub(super) fn read(filter: &str, segment: &mut Segment) {
    let words: Vec<&str> = filter.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$')).collect();
    if words.iter().any(|word| matches!(*word, "env" | "$ENV" | "strenv" | "envsubst")) {
        segment.operations.push(Operation {
            action: Action::Read,
            resource: Resource::Unknown("the environment".to_owned()),
            category: Category::CredentialAccess,
            reversibility: Reversibility::Reversible,
            recursive: false,
        });
    }
    if words.iter().any(|word| {
        matches!(
            *word,
            "import" | "include" | "modulemeta" | "get_search_list" | "eval" | "system" | "exec" | "split_doc"
        ) || word.starts_with("load")
    }) {
        segment.unknowns.push(Unknown { text: filter.to_owned(), why: "the filter loads a module".to_owned() });
    }
}
