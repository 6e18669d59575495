//! `countersign policy explain`: every rule that was considered, and why it did or did not speak.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use host::{clock, stack};
use model::display::visible;
use pdp::consider;
use understand::{Shell, Subject};

use super::SetArgs;
use crate::local_evaluation::{Read, Reader};
use crate::past_requests;

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// A request's digest or the beginning of one, as `log show` prints it; or with `--command` a text
    request: Option<String>,
    /// Explain this text instead of a request of the record
    #[arg(long, value_name = "TEXT", conflicts_with = "request", required_unless_present = "request")]
    command: Option<String>,
    /// As if asked by this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// As if in this directory
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// Rules of this directory alone
    #[arg(long, value_name = "DIR", conflicts_with = "preset")]
    policy: Option<PathBuf>,
    /// A shipped preset
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// The record's directory
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

pub(crate) fn main(args: &ExplainArgs) -> Result<ExitCode, String> {
    let set = SetArgs { dir: args.policy.clone(), preset: args.preset.clone() };
    stack::on_large_stack(|| {
        let policy = set.load()?;
        let reader = Reader::new();
        let (line, read, agent) = match (&args.command, &args.request) {
            (Some(text), _) => (
                text.clone(),
                reader.read(Subject::Shell(text), args.cwd.as_deref(), Shell::Unknown),
                args.agent.clone(),
            ),
            (None, Some(request)) => {
                let acts = past_requests::load(args.log.as_deref(), 0)?;
                let found = acts.iter().rev().find(|past| past.id.starts_with(request.as_str()));
                let past = found.ok_or_else(|| format!("the record has no request `{request}`"))?;
                (past.line.clone(), past.read(&reader), past.agent.clone())
            }
            (None, None) => return Err("say a request, or `--command TEXT`".to_owned()),
        };
        explain(&policy, &reader, &line, &read, agent.as_deref());
        Ok(ExitCode::SUCCESS)
    })
    .map_err(str::to_owned)?
}

fn explain(policy: &pdp::Policy, reader: &Reader, line: &str, read: &Read, agent: Option<&str>) {
    let now_ms = clock::now_ms();
    let situation = reader.situation(read, agent, now_ms);
    println!("{}", visible(line));
    for segment in &read.intent.segments {
        println!("\n  {}", visible(&segment.line()));
        let (considered, others) = consider(policy, segment, &read.intent, &situation);
        for it in &considered {
            let (rule, place) = (it.rule, format!("{}:{}", it.rule.place.0, it.rule.place.1));
            match it.miss {
                None => println!("    ▶ {:<28} {:<6} matches, and decides  ({place})", rule.id, rule.verdict.as_str()),
                Some(miss) => println!("      {:<28} {:<6} {miss}   ({place})", rule.id, rule.verdict.as_str()),
            }
        }
        let decided = considered.last().is_some_and(|it| it.miss.is_none());
        if others > 0 {
            println!(
                "      {others} other rules {}",
                if decided { "come later, or are about other things" } else { "are about other things" }
            );
        }
        if !decided {
            println!("    ▶ no rule matches, so the default for its level decides");
        }
    }
    let decision = reader.decide(policy, line, read, agent, now_ms);
    println!("\n  together: {}", decision.verdict().as_str());
    for reason in decision.reasons().iter() {
        println!("    {}", visible(&reason.to_string()));
    }
    println!("  What speed, checkpoints and flags add is known to the daemon alone.");
}
