//! The answer of the policy: never a `bool`, always with reasons, and a yes carries its terms.

use std::fmt;

use model::{Coverage, NonEmpty, RequestDigest, Risk};

use crate::policy::PolicyDigest;
use crate::quorum::Quorum;

/// Obligations of an allow. An enforcement point that cannot fulfil one refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obligations {
    /// Variables that the program must not be given.
    pub withhold: Vec<String>,
    /// Sandbox profiles that it runs under.
    pub sandbox: Vec<String>,
    /// After how many seconds it is stopped.
    pub timeout_s: Option<u32>,
    /// Its terminal is recorded.
    pub record: bool,
    /// Secrets are masked in what it prints.
    pub redact: bool,
    /// What it changes is saved first.
    pub snapshot: bool,
}

impl fmt::Display for Obligations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.sandbox.iter().map(|it| format!("the sandbox `{it}`")));
        if !self.withhold.is_empty() {
            words.push(format!("no {} in its environment", self.withhold.join(", ")));
        }
        words.extend(self.timeout_s.map(|it| format!("an end after {it} s")));
        let flags =
            [(self.record, "a recording"), (self.redact, "secrets masked"), (self.snapshot, "a snapshot first")];
        words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| (*word).to_owned()));
        out.write_str(&words.join(", "))
    }
}

impl Obligations {
    /// Whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn and(mut self, other: Self) -> Self {
        let join = |mine: &mut Vec<String>, theirs: Vec<String>| {
            mine.extend(theirs);
            mine.sort();
            mine.dedup();
        };
        join(&mut self.withhold, other.withhold);
        join(&mut self.sandbox, other.sandbox);
        self.timeout_s = match (self.timeout_s, other.timeout_s) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.record |= other.record;
        self.redact |= other.redact;
        self.snapshot |= other.snapshot;
        self
    }
}

/// Allow, ask people, or deny. Combining two takes the stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done now, on these terms.
    Allow(Obligations),
    /// These people must agree first; then on these terms.
    Ask(Quorum, Obligations),
    /// It is not done.
    Deny,
}

impl Verdict {
    /// The stricter of two, with the terms of both.
    pub fn strictest(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Ask(q, a), Self::Ask(r, b)) => Self::Ask(q.strictest(r), a.and(b)),
            (Self::Ask(q, a), Self::Allow(b)) | (Self::Allow(b), Self::Ask(q, a)) => Self::Ask(q, a.and(b)),
            (Self::Allow(a), Self::Allow(b)) => Self::Allow(a.and(b)),
        }
    }

    /// `allow`, `ask` or `deny`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Ask(..) => "ask",
            Self::Deny => "deny",
        }
    }
}

/// Where a reason comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A rule, by its id.
    Rule(String),
    /// A named factor, or one of our defaults.
    Factor(&'static str),
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where it comes from.
    pub source: Source,
    /// The reason, in words.
    pub text: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Rule(id) => write!(out, "rule `{id}`: {}", self.text),
            Source::Factor(name) => write!(out, "{name}: {}", self.text),
        }
    }
}

/// The decision on one request. It names the request by digest, and only [`evaluate`](crate::evaluate) makes it.
///
/// ```
/// fn verdict(decision: &pdp::Decision) -> &pdp::Verdict {
///     decision.verdict()
/// }
/// ```
///
/// ```compile_fail
/// fn copied(decision: &pdp::Decision) -> pdp::Decision {
///     decision.clone()
/// }
/// ```
///
/// ```compile_fail
/// let decision: pdp::Decision = Default::default();
/// ```
///
/// ```compile_fail
/// fn turned(mut decision: pdp::Decision) -> pdp::Decision {
///     decision.verdict = pdp::Verdict::Allow(Default::default());
///     decision
/// }
/// ```
///
/// ```compile_fail
/// let decision: pdp::Decision = toml::from_str("").unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct Decision {
    request: RequestDigest,
    verdict: Verdict,
    would: Option<&'static str>,
    reasons: NonEmpty<Reason>,
    rules: Vec<String>,
    risk: Risk,
    coverage: Coverage,
    policy: PolicyDigest,
}

impl Decision {
    #[expect(clippy::too_many_arguments, reason = "what a decision is made of, at the one place that makes it")]
    pub(crate) const fn new(
        request: RequestDigest,
        verdict: Verdict,
        would: Option<&'static str>,
        reasons: NonEmpty<Reason>,
        rules: Vec<String>,
        risk: Risk,
        coverage: Coverage,
        policy: PolicyDigest,
    ) -> Self {
        Self { request, verdict, would, reasons, rules, risk, coverage, policy }
    }

    /// Under a policy that only watches: what the verdict would have been.
    pub const fn would(&self) -> Option<&'static str> {
        self.would
    }

    /// The rules that spoke, by id.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// The request it is about.
    pub const fn request(&self) -> &RequestDigest {
        &self.request
    }

    /// The verdict.
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Why; the deciding reason first.
    pub const fn reasons(&self) -> &NonEmpty<Reason> {
        &self.reasons
    }

    /// The risk.
    pub const fn risk(&self) -> &Risk {
        &self.risk
    }

    /// How much was understood.
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The policy that was used.
    pub const fn policy(&self) -> &PolicyDigest {
        &self.policy
    }
}
