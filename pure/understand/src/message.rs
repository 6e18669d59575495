//! Texts for people or other agents. They run nothing; what matters is whether they imitate a person's approval.

use model::{Action, Category, Operation, Resource, Reversibility, Segment, Unknown};

use crate::code::Dialect;
use crate::lower::Lowering;
use crate::simple::Dress;

/// Beginnings of lines by which a text poses as another sender or role.
const POSES: &[&str] = &[
    "from:",
    "role:",
    "system:",
    "assistant:",
    "user:",
    "developer:",
    "<system>",
    "[system]",
    "### system",
    "sender:",
];

/// Words of a text that claims an approval that was not given here.
const CLAIMS: &[&str] = &[
    "already approved",
    "has approved",
    "was approved",
    "pre-approved",
    "approval granted",
    "user approved",
    "is authorized",
    "have permission",
    "no approval needed",
    "without approval",
];

/// Words that tell the reader to act.
const ORDERS: &[&str] = &[
    "run ",
    "execute ",
    "curl ",
    "wget ",
    "| sh",
    "| bash",
    "upload ",
    "send ",
    "rename ",
    "delete ",
    "install ",
    "ignore previous",
    "ignore all",
    "disregard",
];

impl Lowering<'_> {
    /// A text that is handed to a person or an agent.
    pub(crate) fn message(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase().replace("\\n", "\n");
        let mut segment = self.bare(vec![model::Arg::Known(text.to_owned())], Dress::default());
        let poses = lower.lines().any(|line| {
            let line = line.trim_start_matches(['"', ' ', '>', '*']);
            POSES.iter().any(|pose| line.starts_with(pose))
        });
        let mut doubt = |name: &'static str, why: &str| {
            segment.factors.push(model::Factor { name, points: 40, why: why.to_owned() });
            segment.unknowns.push(Unknown { text: text.to_owned(), why: why.to_owned() });
        };
        if poses {
            doubt(
                "poses_as_sender",
                "the text itself says whom it is from, or in what role; only the channel can know that",
            );
        }
        if CLAIMS.iter().any(|claim| lower.contains(claim)) {
            doubt("claims_approval", "the text claims an approval that was not given here");
        }
        if ORDERS.iter().any(|order| lower.contains(order)) && !talks_about(&lower) {
            doubt("gives_orders", "the text tells its reader to act");
        }
        push_message(self, segment);
    }

    /// SQL on its own, as a database would get it.
    pub(crate) fn sql(&mut self, text: &str, dialect: Dialect) {
        let mut segment = self.bare(vec![model::Arg::Known(text.to_owned())], Dress::default());
        self.sql_shell(text, dialect, &mut segment);
        self.push(segment);
    }
}

fn push_message(walk: &mut Lowering<'_>, mut segment: Segment) {
    segment.operations.push(Operation {
        action: Action::Inspect,
        resource: Resource::Unknown("a message".to_owned()),
        category: Category::ReadOnly,
        reversibility: Reversibility::Reversible,
        recursive: false,
    });
    walk.push(segment);
}

/// A request to write about something is no order to do it.
fn talks_about(lower: &str) -> bool {
    ["document", "explain", "describe", "why ", "summarize what", "what does"].iter().any(|word| lower.contains(word))
        && !lower.contains("next step")
}
