//! `countersign policy replay`: what was asked before, judged by another set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use host::{clock, stack};
use model::display::visible;
use pdp::{Policy, Sources};
use serde_json::json;

use super::SetArgs;
use crate::local_evaluation::Reader;
use crate::past_requests::{self, Past};
use crate::policy_source;

#[derive(Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    set: SetArgs,
    /// Instead of a policy: the one in force plus the rules of this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "preset"])]
    rule: Option<PathBuf>,
    /// The record's directory, or a file of cases (`{"id", "command", "cwd"?, "agent"?}` a line)
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// How many days back
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// The result as JSON
    #[arg(long)]
    json: bool,
    /// Exit with status 1 if a request that was not allowed would be
    #[arg(long)]
    strict: bool,
}

pub(crate) fn main(args: &ReplayArgs) -> Result<ExitCode, String> {
    stack::on_large_stack(|| replay(args)).map_err(str::to_owned)?
}

fn replay(args: &ReplayArgs) -> Result<ExitCode, String> {
    let now_ms = clock::now_ms();
    let acts =
        past_requests::load(args.history.as_deref(), now_ms.saturating_sub(args.days.saturating_mul(86_400_000)))?;
    let before = policy_source::own()?;
    let after = match &args.rule {
        None => args.set.load()?,
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|why| format!("`{}`: {why}", file.display()))?;
            let own = host::install_paths::Layout::from_environment()?.policy();
            let files = if own.exists() { host::files::trusted_texts(&own, "toml")? } else { Vec::new() };
            let mut sources = Sources::directory(files);
            sources.push_made(file.display().to_string(), text, true);
            policy_source::load(&sources)?
        }
    };
    let reader = Reader::new();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut changed: Vec<(&Past, String, String, String)> = Vec::new();
    for past in &acts {
        let read = past.read(&reader);
        let judge = |policy: &Policy| reader.decide(policy, &past.line, &read, past.agent.as_deref(), now_ms);
        let was = judge(&before).verdict().as_str().to_owned();
        let now = judge(&after);
        let word = now.verdict().as_str().to_owned();
        let count = counts.entry((was.clone(), word.clone())).or_default();
        *count = count.saturating_add(1);
        if was != word {
            changed.push((past, was, word, now.reasons().first().to_string()));
        }
    }
    let looser = changed.iter().filter(|(_, _, now, _)| now == "allow").count();
    if args.json {
        let changes: Vec<_> = changed
            .iter()
            .map(|(past, was, now, why)| json!({"id": past.id, "act": past.line, "before": was, "after": now, "why": why, "then": past.verdict, "answer": past.answer}))
            .collect();
        let counts: Vec<_> =
            counts.iter().map(|((was, now), count)| json!({"before": was, "after": now, "acts": count})).collect();
        println!("{}", json!({"acts": acts.len(), "counts": counts, "changes": changes}));
    } else {
        println!("{} acts, judged by the policy in force and by the other:", acts.len());
        for ((was, now), count) in &counts {
            println!("  {was:<5} → {now:<5} {count:>7}");
        }
        for (past, was, now, why) in changed.iter().take(200) {
            let answer = past.answer.as_ref().map_or_else(String::new, |it| format!(", then {it} by people"));
            println!("  {was} → {now}: {}   [{}]{answer}", visible(&past.line), visible(why));
        }
        if changed.len() > 200 {
            println!("  and {} more; `--json` lists all", changed.len().saturating_sub(200));
        }
        println!("Scripts and links are read as they are now. What speed, checkpoints and flags add is not replayed.");
    }
    Ok(if args.strict && looser > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
