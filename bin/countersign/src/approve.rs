//! The verbs `approve` and `deny`: answers to holds.

use std::process::ExitCode;

use approval::{Vote, approval_message};
use clap::Args;
use host::clock;
use host::install_paths::Layout;
use model::display::visible;
use model::{Digest, HoldId, RequestDigest};
use pdp::{Sources, Verdict};
use protocol::{CandidateView, OperatorReply, OperatorRequest, RuleWish};

use crate::credentials::{ProofArgs, prove_change, vouch};
use crate::local_evaluation::{Read, Reader};
use crate::operator_client::{OperatorClient, say_done, unexpected};
use crate::past_requests::{self, Past};
use crate::{policy_source, review, time_format};

#[derive(Args)]
pub(crate) struct AnswerArgs {
    /// The hold, or a unique part of its id
    id: String,
    #[command(flatten)]
    proof: ProofArgs,
}

#[derive(Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    answer: AnswerArgs,
    /// List the rules that could be made from it, without answering
    #[arg(long)]
    rules: bool,
    /// Also make this one of those rules (its number): the same is then allowed until the rule ends
    #[arg(long, value_name = "NUMBER", requires = "until", requires = "reason")]
    rule: Option<usize>,
    /// With `--rule`: when it ends: `30m`, `8h`, `7d`, or a date and time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// With `--rule`: the reason
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub(crate) struct DenyArgs {
    #[command(flatten)]
    answer: AnswerArgs,
    /// The reason, sent to the agent
    #[arg(long)]
    reason: Option<String>,
}

/// What goes with an answer.
pub(crate) enum With {
    /// Only the answer.
    Nothing,
    /// A rule made from an approval: its text, and the reason.
    Rule(String, String),
    /// The reason for a denial, sent to the agent.
    Reason(String),
}

/// `deny`.
pub(crate) fn deny(args: &DenyArgs) -> Result<ExitCode, String> {
    let link = OperatorClient::connect(&Layout::from_environment()?)?;
    let hold = link.hold(&args.answer.id)?;
    print!("{}", review::describe(&hold));
    let with = args.reason.clone().map_or(With::Nothing, With::Reason);
    say_done(&give(&link, &hold, Vote::Deny, &args.answer.proof, with, &[])?, args.answer.proof.json);
    Ok(ExitCode::SUCCESS)
}

/// `approve`: once, or with a rule.
pub(crate) fn approve(args: &ApproveArgs) -> Result<ExitCode, String> {
    let link = OperatorClient::connect(&Layout::from_environment()?)?;
    let hold = link.hold(&args.answer.id)?;
    print!("{}", review::describe(&hold));
    let wish = match (args.rule, args.rules) {
        (None, false) => With::Nothing,
        (number, list) => {
            let (candidates, none) = candidates(&link, &hold.id)?;
            show_candidates(&candidates, none.as_deref(), &past_questions());
            if list {
                return Ok(ExitCode::SUCCESS);
            }
            let chosen = number.and_then(|it| it.checked_sub(1)).and_then(|it| candidates.get(it));
            let chosen = chosen.ok_or("there is no candidate of this number; see `--rules`")?;
            let end = time_format::end(args.until.as_deref().unwrap_or(""), clock::now_ms())?;
            let reason = args.reason.clone().unwrap_or_default();
            With::Rule(rule_of(chosen, &end, &reason), reason)
        }
    };
    say_done(&give(&link, &hold, Vote::Approve, &args.answer.proof, wish, &[])?, args.answer.proof.json);
    Ok(ExitCode::SUCCESS)
}

fn candidates(link: &OperatorClient, hold: &str) -> Result<(Vec<CandidateView>, Option<String>), String> {
    match link.ask(&OperatorRequest::Candidates { hold: hold.to_owned() })? {
        OperatorReply::Candidates { candidates, none } => Ok((candidates, none)),
        _ => Err(unexpected()),
    }
}

/// How many days back a rule is tried on what was asked, and on how many acts at most.
const PAST_DAYS: u64 = 30;
const MOST_PAST: usize = 2_000;

/// Recent requests, understood again. Nothing where the caller cannot read the record.
fn past_questions() -> Vec<(Past, Read)> {
    let since = clock::now_ms().saturating_sub(PAST_DAYS.saturating_mul(86_400_000));
    let asked = past_requests::load(None, since).unwrap_or_default().into_iter();
    let asked = asked.rev().filter(|past| past.verdict.as_deref() == Some("ask")).take(MOST_PAST);
    host::stack::on_large_stack(|| {
        let reader = Reader::new();
        asked.map(|past| (past.read(&reader), past)).map(|(read, past)| (past, read)).collect()
    })
    .unwrap_or_default()
}

/// Which of what was asked a rule would have let run.
fn released<'a>(candidate: &CandidateView, past: &'a [(Past, Read)]) -> Vec<&'a str> {
    let text = format!("[default]\nreads = \"ask\"\n[[rule]]\nid = \"candidate\"\n{}", candidate.text);
    let sources = Sources::files(vec![("candidate".to_owned(), text)]);
    let Ok(policy) = policy_source::load(&sources) else { return Vec::new() };
    let reader = Reader::new();
    let lets = |(past, read): &&(Past, Read)| {
        let decision = reader.decide(&policy, &past.line, read, past.agent.as_deref(), clock::now_ms());
        matches!(decision.verdict(), Verdict::Allow(_)) && !decision.rules().is_empty()
    };
    past.iter().filter(lets).map(|(past, _)| past.line.as_str()).collect()
}

fn show_candidates(candidates: &[CandidateView], none: Option<&str>, past: &[(Past, Read)]) {
    if let Some(why) = none {
        println!("{why}");
    }
    for (number, candidate) in (1_usize..).zip(candidates) {
        println!("\n{number}. {}", visible(&candidate.what));
        let released = released(candidate, past);
        println!("     of {} questions in {PAST_DAYS} days it would have spared {}", past.len(), released.len());
        let distinct: std::collections::BTreeSet<&str> = released.into_iter().collect();
        for line in distinct.into_iter().take(5) {
            println!("       such as      {}", visible(line));
        }
        for text in &candidate.releases {
            println!("     would run      {}", visible(text));
        }
        for text in &candidate.refuses {
            println!("     would not run  {}", visible(text));
        }
    }
}

/// The whole rule: a name of its own, and an end.
fn rule_of(candidate: &CandidateView, end: &str, reason: &str) -> String {
    let id = Digest::within("countersign/made-rule/v1", format!("{}{end}", candidate.text).as_bytes()).to_string();
    let short = id.get(..10).unwrap_or(&id);
    // A JSON string is a TOML string, as long as it has no character that JSON leaves bare and TOML does not.
    let reason = serde_json::Value::String(reason.chars().filter(|c| !c.is_control()).collect());
    format!("[[rule]]\nid = \"made.{short}\"\nreason = {reason}\nexpires = {end}\n{}", candidate.text)
}

/// Answers a hold and prints the outcome. An approval can also make a rule.
pub(crate) fn give(
    link: &OperatorClient,
    hold: &protocol::HoldView,
    said: Vote,
    args: &ProofArgs,
    with: With,
    also: &[String],
) -> Result<String, String> {
    let id = HoldId::parse(&hold.id).map_err(|why| why.to_string())?;
    let request = RequestDigest::carried(Digest::parse(&hold.request).map_err(|why| why.to_string())?);
    let by = vouch(link, args, &|| Ok((approval_message(said, &id, &request), None)))?;
    let (rule, told) = match with {
        With::Nothing => (None, None),
        With::Reason(reason) => (None, Some(reason)),
        With::Rule(text, reason) => {
            let build = |by| OperatorRequest::AddRule {
                text: text.clone(),
                request: Some(hold.request.clone()),
                reason: reason.clone(),
                by,
            };
            let signed = match (&args.ssh_key, prove_change(link, args, &build)) {
                (None, _) => None,
                (Some(_), Ok(OperatorRequest::AddRule { by, .. })) => Some(by),
                (Some(_), Ok(_)) => return Err(unexpected()),
                (Some(_), Err(why)) => return Err(why),
            };
            (Some(RuleWish { text, reason, by: signed }), None)
        }
    };
    match link.ask(&OperatorRequest::Answer {
        hold: hold.id.clone(),
        said: said.as_str().to_owned(),
        by,
        rule,
        reason: told,
        session: None,
        also: also.to_vec(),
    })? {
        OperatorReply::Done { what } => Ok(format!("{}: {what}", hold.id)),
        OperatorReply::Answered { state, agreed, needed, .. } if state == "open" => {
            Ok(format!("{}: counted; {agreed} of {needed} people agreed so far", hold.id))
        }
        OperatorReply::Answered { state, also: 0, .. } => Ok(format!("{}: {state}", hold.id)),
        OperatorReply::Answered { state, also, .. } => Ok(format!("{}: {state}, and {also} with it", hold.id)),
        _ => Err(unexpected()),
    }
}
