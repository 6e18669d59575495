//! `countersign review`: open holds, live; move with the arrows, answer from the keyboard.

mod draw;
mod screen;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use clap::Args;
use host::clock;
use host::install_paths::Layout;
use host::socket;
use protocol::{HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest};

use crate::credentials::ProofArgs;
use crate::operator_client::OperatorClient;

#[derive(Args)]
pub(crate) struct ReviewArgs {
    #[command(flatten)]
    proof: ProofArgs,
    /// List what is open now, and end
    #[arg(long)]
    once: bool,
}

/// Runs the verb.
pub(crate) fn main(args: &ReviewArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let link = OperatorClient::connect(&layout)?;
    if args.proof.json {
        println!("{}", serde_json::to_string_pretty(&link.holds()?).map_err(|why| why.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.once || !std::io::stdout().is_terminal() {
        let holds = link.holds()?;
        if holds.is_empty() {
            println!("nothing waits");
        }
        for shown in as_one(holds) {
            println!("{}", describe(&shown.hold));
            if !shown.others.is_empty() {
                println!("{}\n", shown.others());
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    drop(link);
    let lists = follow(&layout)?;
    let mut terminal = ratatui::try_init().map_err(|why| format!("cannot draw on this terminal: {why}"))?;
    let ended = screen::Screen::new(&layout, args.proof.clone()).run(&mut terminal, &lists);
    ratatui::restore();
    ended.map(|()| ExitCode::SUCCESS)
}

/// A hold, and those that wait behind it for the same reason.
struct Shown {
    hold: HoldView,
    /// The very same, but for ids and times: one yes takes them.
    same: Vec<String>,
    /// All others that are shown as one with it, the very same among them: one no takes them.
    others: Vec<String>,
}

impl Shown {
    fn others(&self) -> String {
        let (all, same) = (self.others.len(), self.same.len());
        format!("and {all} more of `{}` like this, {same} identical", self.hold.agent)
    }
}

/// What is one matter is shown as one.
fn as_one(holds: Vec<HoldView>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for hold in holds {
        match shown.iter_mut().find(|it| hold.group.is_some() && it.hold.group == hold.group) {
            Some(first) => {
                if first.hold.is_same(&hold) {
                    first.same.push(hold.id.clone());
                }
                first.others.push(hold.id);
            }
            None => shown.push(Shown { hold, same: Vec::new(), others: Vec::new() }),
        }
    }
    shown
}

/// One hold, whole: nothing is left out for being long.
pub(crate) fn describe(hold: &HoldView) -> String {
    let mut out = Vec::new();
    out.push(format!(
        "{}  {} risk ({}/100), undo: {}, coverage: {}",
        hold.id, hold.level, hold.score, hold.reversibility, hold.coverage
    ));
    out.push(format!("  agent     {} (owner {}), user {} on {}", hold.agent, hold.owner, hold.uid, hold.host));
    out.extend((!hold.above.is_empty()).then(|| format!("  for       {}", hold.principals())));
    out.extend(hold.cwd.as_ref().map(|cwd| format!("  in        {cwd}")));
    out.extend(hold.asked_lines().iter().map(|line| format!("  asks      {line}")));
    for (label, lines) in [("would do", &hold.laid_out()), ("UNKNOWN", &hold.unknowns), ("because", &hold.reasons)] {
        out.extend(lines.iter().map(|line| format!("  {label:<9} {line}")));
    }
    out.extend(hold.factors.iter().map(|it| format!("  {:+4}      {}: {}", it.points, it.name, it.why)));
    out.extend(hold.intent.as_ref().map(|it| format!("  it says   {it}")));
    out.extend(hold.task.as_ref().map(|it| format!("  task      {it} (claimed)")));
    let agreed = if hold.agreed.is_empty() { "no one".to_owned() } else { hold.agreed.join(", ") };
    out.push(format!(
        "  needs     {}, with {}; {agreed} agreed so far; {} s left",
        hold.who,
        hold.assurance,
        seconds_left(hold)
    ));
    out.push(String::new());
    out.join("\n")
}

fn seconds_left(hold: &HoldView) -> u64 {
    hold.expires_at_ms.saturating_sub(clock::now_ms()).div_ceil(1_000)
}

/// Follows the holds on a thread of its own: the whole list, each time that it changes.
fn follow(layout: &Layout) -> Result<Receiver<Result<Vec<HoldView>, String>>, String> {
    let stream = UnixStream::connect(layout.operator_socket()).map_err(|why| why.to_string())?;
    let patience = Duration::from_secs(20);
    socket::send(&stream, &OperatorRequest::Holds { follow: true }, MAX_OPERATOR_FRAME, patience)
        .map_err(|why| why.to_string())?;
    let (tell, lists) = channel();
    std::thread::spawn(move || {
        let mut known: BTreeMap<String, HoldView> = BTreeMap::new();
        loop {
            match socket::receive::<OperatorReply>(&stream, MAX_OPERATOR_ANSWER, None, patience) {
                Ok(OperatorReply::Holds { holds }) => {
                    known = holds.into_iter().map(|hold| (hold.id.clone(), hold)).collect();
                }
                Ok(OperatorReply::Changed { changed, gone }) => {
                    gone.iter().for_each(|it| drop(known.remove(&it.id)));
                    known.extend(changed.into_iter().map(|hold| (hold.id.clone(), hold)));
                }
                Ok(_) => continue,
                Err(why) => return drop(tell.send(Err(why.to_string()))),
            }
            if tell.send(Ok(known.values().cloned().collect())).is_err() {
                return;
            }
        }
    });
    Ok(lists)
}
