//! `countersign policy suggest`: narrow rules that would have spared people questions.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use host::{clock, stack};
use model::display::visible;
use model::{Digest, Intent};
use pdp::{Suggestion, Verdict, mine};
use serde_json::json;

use super::SetArgs;
use crate::local_evaluation::Reader;
use crate::past_requests::{self, Past};
use crate::time_format;

#[derive(Args)]
pub(crate) struct SuggestArgs {
    /// Judge by the rules of this directory alone (default: this installation's)
    #[arg(long, value_name = "DIR", conflicts_with = "preset")]
    policy: Option<PathBuf>,
    /// Judge by a shipped preset
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// The record's directory, or a file of cases that all count as approved
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// How many days back
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// The minimum of approvals that a rule must save
    #[arg(long, default_value_t = 3)]
    least: usize,
    /// When the suggested rules end: `30d`, or a date and time
    #[arg(long, default_value = "30d", value_name = "TIME")]
    until: String,
    /// Write the rules to this file, for you to edit and put into the policy's directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(args: &SuggestArgs) -> Result<ExitCode, String> {
    stack::on_large_stack(|| suggest(args)).map_err(str::to_owned)?
}

fn suggest(args: &SuggestArgs) -> Result<ExitCode, String> {
    let now_ms = clock::now_ms();
    let policy = SetArgs { dir: args.policy.clone(), preset: args.preset.clone() }.load()?;
    let acts =
        past_requests::load(args.history.as_deref(), now_ms.saturating_sub(args.days.saturating_mul(86_400_000)))?;
    let refused: BTreeSet<&str> =
        acts.iter().filter(|past| past.answer.as_deref() == Some("denied")).map(|past| past.line.as_str()).collect();
    let reader = Reader::new();
    let mut asked: Vec<(&Past, Intent)> = Vec::new();
    for past in &acts {
        let agreed = past.verdict.is_none() || past.answer.as_deref() == Some("approved");
        if !agreed || refused.contains(past.line.as_str()) {
            continue;
        }
        let read = past.read(&reader);
        let decision = reader.decide(&policy, &past.line, &read, past.agent.as_deref(), now_ms);
        if matches!(decision.verdict(), Verdict::Ask(..)) {
            asked.push((past, read.intent));
        }
    }
    let intents: Vec<&Intent> = asked.iter().map(|(_, intent)| intent).collect();
    let found = mine(&intents, args.least, &understand::read_blind);
    let end = time_format::end(&args.until, now_ms)?;
    let rules: Vec<String> = found.iter().map(|it| rule_of(it, &asked, &end)).collect();
    let spared: usize = found.iter().map(|it| it.evidence.len()).sum();
    if let Some(file) = &args.out {
        let head = "# Suggested by `countersign policy suggest`. Read each before you use it.\n\n";
        std::fs::write(file, format!("{head}{}", rules.join("\n")))
            .map_err(|why| format!("`{}`: {why}", file.display()))?;
    }
    if args.json {
        let list: Vec<_> = found
            .iter()
            .zip(&rules)
            .map(|(it, rule)| json!({"what": it.candidate.what, "spares": it.evidence.len(), "rule": rule, "refuses": it.candidate.refuses}))
            .collect();
        println!("{}", json!({"acts": acts.len(), "asked": asked.len(), "spared": spared, "rules": list}));
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} acts, of which {} would be asked; {} rules would have spared {spared} of these questions",
        acts.len(),
        asked.len(),
        found.len()
    );
    for (it, rule) in found.iter().zip(&rules).take(if args.out.is_some() { 20 } else { usize::MAX }) {
        println!("\n# {} questions: {}", it.evidence.len(), visible(&it.candidate.what));
        print!("{rule}");
    }
    if let Some(file) = &args.out {
        println!(
            "\nall of them are in `{}`; try them with `countersign policy replay --rule {}`",
            file.display(),
            file.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn rule_of(suggestion: &Suggestion, asked: &[(&Past, Intent)], end: &str) -> String {
    let id = Digest::within("countersign/suggested-rule/v1", suggestion.candidate.text.as_bytes()).to_string();
    let short = id.get(..10).unwrap_or(&id);
    let examples = suggestion.evidence.iter().filter_map(|at| asked.get(*at)).take(2);
    let evidence: Vec<String> = examples.map(|(past, _)| format!("#   {}\n", visible(&past.line))).collect();
    format!(
        "# Asked {} times, such as\n{}[[rule]]\nid = \"suggested.{short}\"\nreason = \"people agreed to it {} times\"\nexpires = {end}\n{}",
        suggestion.evidence.len(),
        evidence.concat(),
        suggestion.evidence.len(),
        suggestion.candidate.text
    )
}
