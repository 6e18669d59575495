//! `countersign policy lint`: what is doubtful in a set of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use host::install_paths::Layout;
use host::{clock, stack};
use pdp::{Policy, Rule, RuleVerdict, Situation, consider};
use protocol::{OperatorReply, OperatorRequest};
use serde_json::json;

use super::SetArgs;
use crate::operator_client::OperatorClient;
use crate::{past_requests, time_format};

#[derive(Args)]
pub(crate) struct LintArgs {
    #[command(flatten)]
    set: SetArgs,
    /// The record's directory, for which rules were used
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Days without use after which a rule is doubtful
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// Also the rules that ship with the product
    #[arg(long)]
    all: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

/// Places that a rule which allows should not reach.
const PROTECTED: &[&str] =
    &["/etc/", "/boot/", "/usr/", "/root/", "/dev/", "/proc/", "/sys/", "/var/lib/", "/.ssh", "/.aws", "/.git/"];

/// One finding.
struct Doubt {
    rule: String,
    place: String,
    kind: &'static str,
    text: String,
}

pub(crate) fn main(args: &LintArgs) -> Result<ExitCode, String> {
    stack::on_large_stack(|| lint(args)).map_err(str::to_owned)?
}

fn lint(args: &LintArgs) -> Result<ExitCode, String> {
    let policy = args.set.load()?;
    let now_ms = clock::now_ms();
    // Without a record nothing is known of use; the rest is still reported.
    let acts = past_requests::load(args.log.as_deref(), 0).ok();
    let usage = Usage::of(acts.as_deref(), args.days, now_ms);
    let mut doubts = Vec::new();
    let mut meter = Meter::default();
    let shipped = |rule: &Rule| {
        !rule.place.0.contains('/')
            && pdp::presets().any(|(_, files)| files.iter().any(|(name, _)| *name == rule.place.0))
    };
    for rule in policy.rules().iter().filter(|rule| args.all || !shipped(rule)) {
        let found = doubts_of(rule, &policy, &usage, now_ms, &mut meter);
        doubts.extend(found.into_iter().map(|(kind, text)| Doubt {
            rule: rule.id.clone(),
            place: format!("{}:{}", rule.place.0, rule.place.1),
            kind,
            text,
        }));
    }
    if args.set.is_own() {
        doubts.extend(made_alone());
    }
    if args.json {
        let list: Vec<_> = doubts
            .iter()
            .map(|it| json!({"rule": it.rule, "place": it.place, "kind": it.kind, "text": it.text}))
            .collect();
        println!(
            "{}",
            json!({"rules": policy.rules().len(), "doubts": list, "mutants": meter.tried, "changed": meter.changed, "history": usage.last.is_some()})
        );
    } else {
        print(&doubts, policy.rules().len(), &meter, usage.last.is_some());
    }
    Ok(if doubts.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// When rules were used, as far as a record says.
struct Usage {
    /// The last use of each rule, in milliseconds since 1970; nothing without a record.
    last: Option<BTreeMap<String, u64>>,
    /// The record reaches back over all the days that are asked about.
    is_whole: bool,
    since_ms: u64,
    days: u64,
}

impl Usage {
    fn of(acts: Option<&[past_requests::Past]>, days: u64, now_ms: u64) -> Self {
        let since_ms = now_ms.saturating_sub(days.saturating_mul(86_400_000));
        let last = acts.map(|acts| {
            let mut last = BTreeMap::new();
            for past in acts {
                last.extend(past.rules.iter().map(|id| (id.clone(), past.at_ms)));
            }
            last
        });
        let is_whole = acts.and_then(<[_]>::first).is_some_and(|first| first.at_ms <= since_ms);
        Self { last, is_whole, since_ms, days }
    }

    fn is_unused(&self, rule: &str) -> bool {
        match self.last.as_ref().map(|last| last.get(rule)) {
            Some(None) => self.is_whole,
            Some(Some(at_ms)) => *at_ms < self.since_ms,
            None => false,
        }
    }
}

/// How many rewritten examples were tried, and how many of them change the verdict.
#[derive(Default)]
struct Meter {
    tried: usize,
    changed: usize,
}

/// What is doubtful about one rule: the kind, and a sentence.
fn doubts_of(
    rule: &Rule,
    policy: &Policy,
    usage: &Usage,
    now_ms: u64,
    meter: &mut Meter,
) -> Vec<(&'static str, String)> {
    let mut doubts = Vec::new();
    if let Some(other) = shadowed(rule, policy) {
        doubts.push(("shadowed", format!("shadowed by rule `{other}`, which matches all of its examples first")));
    }
    if rule.verdict == RuleVerdict::Allow && rule.expires_ms.is_none() {
        doubts.push(("endless", "it allows, and never ends: add `expires`".to_owned()));
    }
    if rule.expires_ms.is_some_and(|end| end <= now_ms) {
        doubts.push(("expired", "it has expired: remove it".to_owned()));
    }
    if usage.is_unused(&rule.id) {
        doubts.push(("unused", format!("it has not spoken in {} days", usage.days)));
    }
    if rule.verdict == RuleVerdict::Allow {
        if let Some(place) = protected(rule) {
            doubts.push(("protected", format!("its `matches` touch `{place}`")));
        }
        if rule.bounded_by_examples() && rule.matches.len() < 2 {
            let text = "a pattern with a single example: add more commands that it matches";
            doubts.push(("evidence", text.to_owned()));
        }
    }
    let (tried, weak) = fragile(rule, policy);
    meter.tried = meter.tried.saturating_add(tried);
    meter.changed = meter.changed.saturating_add(weak.len());
    if !weak.is_empty() {
        let list = weak.iter().take(3).map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        doubts.push((
            "fragile",
            format!("{} of {tried} ways of writing its examples change the verdict, such as {list}", weak.len()),
        ));
    }
    doubts
}

fn print(doubts: &[Doubt], rules: usize, meter: &Meter, has_record: bool) {
    for it in doubts {
        println!("{}: rule `{}`: {}: {}", it.place, it.rule, it.kind, it.text);
    }
    println!(
        "{rules} rules, {} doubts; {} of {} rewritten examples change the verdict",
        doubts.len(),
        meter.changed,
        meter.tried
    );
    if !has_record {
        println!("no record was found, so nothing is said of what is used");
    }
}

/// Rules that one person made from an approval, without a second look. Nothing where no daemon answers.
fn made_alone() -> Vec<Doubt> {
    let link = Layout::from_environment().and_then(|layout| OperatorClient::connect(&layout));
    let Ok(OperatorReply::Rules { rules, .. }) = link.and_then(|link| link.ask(&OperatorRequest::Rules)) else {
        return Vec::new();
    };
    let alone = |rule: protocol::RuleView| {
        let author = rule.author.filter(|_| rule.removed.is_none())?;
        let until = rule.expires_ms.map_or_else(String::new, |ms| format!(", until {}", time_format::shown(ms)));
        let text = format!("`{author}` made it alone{until}; see `countersign rule show {}`", rule.id);
        Some(Doubt { rule: rule.id, place: "made of an approval".to_owned(), kind: "one-person", text })
    };
    rules.into_iter().filter_map(alone).collect()
}

/// The rule that always matches before this one, if there is one.
fn shadowed(rule: &Rule, policy: &Policy) -> Option<String> {
    let mut first: BTreeSet<String> = BTreeSet::new();
    for text in &rule.matches {
        let intent = understand::read_blind(text);
        for segment in &intent.segments {
            let (considered, _) = consider(policy, segment, &intent, &examples());
            if let Some(it) = considered.last().filter(|it| it.miss.is_none()) {
                first.insert(it.rule.id.clone());
            }
        }
    }
    let other = first.first().filter(|_| first.len() == 1 && !first.contains(&rule.id))?;
    Some(other.clone())
}

/// Where examples take place.
fn examples() -> Situation<'static> {
    Situation {
        cwd: Some("/work/project"),
        project: Some("/work/project"),
        home: Some("/home/agent"),
        ..Situation::default()
    }
}

fn protected(rule: &Rule) -> Option<String> {
    let touched = |text: &String| {
        let intent = understand::read_blind(text);
        intent
            .operations()
            .map(|it| it.resource.text().to_owned())
            .find(|path| PROTECTED.iter().any(|it| path.contains(it)))
    };
    rule.matches.iter().find_map(touched)
}

/// Writes the rule's examples in other ways that mean the same: how many were tried, and which change the verdict. For
/// a rule that allows only a verdict that is looser counts.
fn fragile(rule: &Rule, policy: &Policy) -> (usize, Vec<String>) {
    let rank = |text: &str| {
        let intent = understand::read_blind(text);
        let request = model::RequestDigest::carried(model::Digest::of_bytes(text.as_bytes()));
        match pdp::evaluate(request, &intent, &examples(), policy).verdict() {
            pdp::Verdict::Allow(_) => 0,
            pdp::Verdict::Ask(..) => 1,
            pdp::Verdict::Deny => 2,
        }
    };
    let (mut tried, mut weak) = (0_usize, Vec::new());
    for example in &rule.matches {
        let expected = rank(example);
        for mutant in same(example) {
            tried = tried.saturating_add(1);
            // Stricter is never a way round.
            if rank(&mutant) < expected {
                weak.push(mutant);
            }
        }
        if rule.verdict == RuleVerdict::Allow {
            for mutant in more(example) {
                tried = tried.saturating_add(1);
                if rank(&mutant) == 0 {
                    weak.push(mutant);
                }
            }
        }
    }
    (tried, weak)
}

/// Other ways to write a command that do the same.
fn same(text: &str) -> Vec<String> {
    let (program, rest) = text.split_once(' ').unwrap_or((text, ""));
    let plain = program.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/'));
    if !plain || program.is_empty() {
        return Vec::new();
    }
    let (head, tail) = program.split_at_checked(1).unwrap_or((program, ""));
    vec![
        format!("{head}''{tail} {rest}"),
        format!("\"{program}\" {rest}"),
        format!("\\{program} {rest}"),
        format!("  {program}   {rest}"),
        format!("command {program} {rest}"),
        format!("env {program} {rest}"),
        format!("nice {program} {rest}"),
        format!("{{ {program} {rest}; }}"),
        format!("true; {program} {rest}"),
        format!("X={program}; $X {rest}"),
        format!("{program} {rest} 2>&1"),
    ]
}

/// Ways to do more than a command says.
fn more(text: &str) -> Vec<String> {
    vec![
        format!("{text}; touch /etc/x"),
        format!("{text} && rm -rf x"),
        format!("{text} $(touch /etc/x)"),
        format!("{text} > /etc/x"),
        format!("sudo {text}"),
        format!("PATH=/tmp {text}"),
        format!("{text} | sh"),
    ]
}
