//! `countersign break-glass`: emergency approvals by one person, and their reviews.

use std::process::ExitCode;

use approval::Vote;
use clap::{Args, Subcommand};
use host::install_paths::Layout;
use model::display::visible;
use protocol::{OperatorReply, OperatorRequest};

use crate::approve::{With, give};
use crate::credentials::{ProofArgs, prove_change};
use crate::operator_client::{OperatorClient, print_done, say_done, unexpected};
use crate::{review, time_format};

#[derive(Args)]
pub(crate) struct BreakGlassArgs {
    #[command(subcommand)]
    verb: BreakGlassVerb,
}

#[derive(Subcommand)]
enum BreakGlassVerb {
    /// Approve a hold alone. Needs the group `break-glass`, a proof and a reason. All reviewers are notified; another person reviews it
    Hold {
        /// The hold, or a unique part of its id
        id: String,
        /// Why no other reviewer can answer; it is recorded
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// List emergency approvals and their reviews
    Ls {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Review an emergency approval: a different person does it, a senior or operator
    Review {
        /// The hold
        hold: String,
        /// What you found
        #[arg(long)]
        note: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

/// Runs the verb.
pub(crate) fn main(args: &BreakGlassArgs) -> Result<ExitCode, String> {
    let link = OperatorClient::connect(&Layout::from_environment()?)?;
    match &args.verb {
        BreakGlassVerb::Hold { id, reason, proof } => {
            let hold = link.hold(id)?;
            print!("{}", review::describe(&hold));
            say_done(&give(&link, &hold, Vote::BreakGlass, proof, With::Reason(reason.clone()), &[])?, proof.json);
        }
        BreakGlassVerb::Ls { json } => {
            let OperatorReply::BrokenGlass { broken } = link.ask(&OperatorRequest::BrokenGlass)? else {
                return Err(unexpected());
            };
            if *json {
                println!("{}", serde_json::to_string_pretty(&broken).map_err(|why| why.to_string())?);
            } else if broken.is_empty() {
                println!("there was no emergency approval");
            }
            for one in broken.iter().filter(|_| !*json) {
                let seen = one
                    .reviewed_by
                    .as_ref()
                    .map_or_else(|| "NOT REVIEWED".to_owned(), |by| format!("reviewed by {by}"));
                println!(
                    "{}",
                    visible(&format!("{}  {}  by {}  {seen}", one.hold, time_format::shown(one.at_ms), one.reviewer))
                );
            }
        }
        BreakGlassVerb::Review { hold, note, proof } => {
            let build = |by| OperatorRequest::ReviewBrokenGlass { hold: hold.clone(), note: note.clone(), by };
            print_done(&link, &prove_change(&link, proof, &build)?, proof.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
