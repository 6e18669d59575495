//! `countersign run`: ask, then run exactly that.

mod environment;
mod messages;
mod recording;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use approval::{PermitVerifier, SealedPermit};
use clap::Args;
use host::executable_identity::{self, Unbound};
use host::facts::DEFAULT_PATH;
use host::install_paths::Layout;
use host::{clock, exec};
use model::{Act, Digest};
use pdp::Obligations;
use protocol::{AgentReply, AgentRequest, Refusal, SealedText};

use crate::cli::{AgentChoice, COULD_NOT};
use crate::pep_client::{self, Claims, PepClient};
use messages::say;

/// How long to wait for people beyond the hold's own deadline before giving up on the daemon.
const GRACE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    agent: AgentChoice,
    /// The agent's reason, shown to the reviewer as a claim
    #[arg(long, env = "COUNTERSIGN_INTENT")]
    intent: Option<String>,
    /// The task or ticket, shown to the reviewer
    #[arg(long, env = "COUNTERSIGN_TASK")]
    task: Option<String>,
    /// The session of this act
    #[arg(long, env = "COUNTERSIGN_SESSION")]
    session: Option<String>,
    /// Record the terminal, even if no rule requires it. Commands that it starts belong to the same session
    #[arg(long)]
    record: bool,
    /// If approval is needed, exit with status 75 instead of waiting. Run the same command again to use the approval (once)
    #[arg(long)]
    park: bool,
    /// Keep only variables of session, language, terminal and home, and the system's own search path
    #[arg(long)]
    clean_env: bool,
    /// Keep the pager that is set. By default the command gets none, because a pager can run commands. A kept pager is judged
    #[arg(long)]
    own_pager: bool,
    /// Print nothing on standard error unless it fails
    #[arg(short, long)]
    quiet: bool,
    /// Run this text with bash (or sh)
    #[arg(short = 'c', conflicts_with = "command", required_unless_present = "command", value_name = "TEXT")]
    text: Option<String>,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Exit status of a parked request (`EX_TEMPFAIL` of `sysexits.h`).
const PARKED: u8 = 75;

/// A refusal, with its exit status.
struct No {
    status: u8,
    reasons: Vec<String>,
    /// People were asked about it.
    was_held: bool,
}

impl From<String> for No {
    fn from(why: String) -> Self {
        Self { status: COULD_NOT, reasons: vec![why], was_held: false }
    }
}

/// Runs the verb.
pub(crate) fn main(args: RunArgs) -> Result<ExitCode, String> {
    let argv = match &args.text {
        Some(text) => vec![OsString::from(shell()), "-c".into(), text.into()],
        None => args.command.clone(),
    };
    match gated(&args, &argv) {
        Ok(ended) => exec::end_like(ended),
        Err(no) => {
            let word = match no.status {
                126 => "denied",
                124 => "not decided in time",
                PARKED => "parked",
                _ => "not run",
            };
            say(&format!("{word}: {}", no.reasons.join("; ")));
            if let Some(next) = messages::next_step(no.status, no.was_held).filter(|_| !args.quiet) {
                say(next);
            }
            Ok(ExitCode::from(no.status))
        }
    }
}

/// The shell for `-c`: the one whose language we read.
fn shell() -> &'static str {
    if host::facts::resolve("bash", host::facts::DEFAULT_PATH).is_some() { "bash" } else { "sh" }
}

fn observe(args: &RunArgs, argv: &[OsString], session: Option<&str>) -> Result<executable_identity::ResolvedExec, No> {
    let environment = environment::of(args, session);
    let variables = environment::variables(&environment);
    let mut observed = executable_identity::observe(argv, environment).map_err(|why| No {
        status: if matches!(why, Unbound::NotFound(_)) { 127 } else { COULD_NOT },
        reasons: vec![why.to_string()],
        was_held: false,
    })?;
    if let Act::Exec(exec) = &mut observed.act {
        exec.variables = Some(variables);
    }
    Ok(observed)
}

fn gated(args: &RunArgs, argv: &[OsString]) -> Result<exec::Ended, No> {
    let layout = Layout::from_environment()?;
    let key = pep_client::key(&layout, args.agent.agent.as_deref(), args.agent.key_file.as_deref())?;
    let session = args.session.clone().unwrap_or_else(session);
    let told = args.record.then_some(session.as_str());
    let first = observe(args, argv, told)?;
    let link = PepClient::connect(&layout)?;
    let search_path = if args.clean_env { Some(DEFAULT_PATH.to_owned()) } else { pep_client::search_path()? };
    let claims = Claims { intent: args.intent.clone(), task: args.task.clone(), search_path };
    let heard = link.submit(key, session.clone(), &first.act, claims, false, args.park)?;
    let (permit, obliged) = permit(args, &layout, &link, heard)?;
    let beyond = Obligations { withhold: Vec::new(), timeout_s: None, record: false, ..obliged.clone() };
    if !beyond.is_empty() {
        return Err(No::from(format!("a rule requires {beyond}, which `countersign run` cannot do yet")));
    }
    // What was judged is what runs: look again, and let the daemon compare, before the permit is spent.
    let now = observe(args, argv, told)?;
    let terminal = (args.record || obliged.record).then(recording::terminal);
    let is_recorded = terminal.is_some();
    match link.ask(&AgentRequest::Redeem { permit: permit.clone(), act: now.act.to_value(), terminal })? {
        AgentReply::Spent => {}
        other => return Err(refused(&layout, other)),
    }
    let within = obliged.timeout_s.map(|it| Duration::from_secs(u64::from(it)));
    let watch = link.watch()?;
    let ended = match is_recorded {
        true => recording::run(&link, &permit, now, argv, &obliged.withhold, within),
        false => exec::run(now, argv, &obliged.withhold, within),
    };
    let is_stopped = watch.end();
    let ended = ended.map_err(|why| No::from(format!("it could not be started: {why}")))?;
    let outcome = AgentRequest::Outcome { permit, exit: ended.exit, signal: ended.signal, millis: ended.millis };
    // After a stop the daemon takes the outcome and sends no reply.
    let told = if is_stopped { link.say(&outcome) } else { link.ask(&outcome).map(drop) };
    if let Err(why) = told {
        say(&format!("the outcome could not be recorded: {why}"));
    }
    Ok(ended)
}

/// Follows the answer to a permit, through a hold if there is one.
fn permit(args: &RunArgs, layout: &Layout, link: &PepClient, heard: AgentReply) -> Result<(String, Obligations), No> {
    match heard {
        AgentReply::Allow { permit, request, approved_by, .. } => {
            if !args.quiet {
                messages::approved(&approved_by, None);
            }
            Ok(open(layout, permit, &request)?)
        }
        AgentReply::Held { hold, expires_at_ms, reasons } => {
            let left = Duration::from_millis(expires_at_ms.saturating_sub(clock::now_ms()));
            if !args.quiet {
                messages::held(layout, &hold, left, reasons.first().map_or("", String::as_str));
            }
            let since = Instant::now();
            match link.hear(left.saturating_add(GRACE))? {
                AgentReply::Allow { permit, request, approved_by, .. } => {
                    if !args.quiet {
                        messages::approved(&approved_by, Some(since.elapsed()));
                    }
                    Ok(open(layout, permit, &request)?)
                }
                other => Err(No { was_held: true, ..refused(layout, other) }),
            }
        }
        other => Err(refused(layout, other)),
    }
}

fn refused(layout: &Layout, heard: AgentReply) -> No {
    match heard {
        AgentReply::Deny { refusal, reasons } => No {
            status: match refusal {
                Refusal::Denied => 126,
                Refusal::Expired => 124,
                Refusal::Undecided => COULD_NOT,
            },
            reasons,
            was_held: false,
        },
        AgentReply::Parked { hold, expires_at_ms, reasons } => {
            let left = expires_at_ms.saturating_sub(clock::now_ms()) / 1_000;
            let why = reasons.first().map_or("", String::as_str);
            No {
                status: PARKED,
                reasons: vec![format!(
                    "held as {hold} for {left} s ({why}); run the same command again later. A reviewer answers: {}",
                    messages::answer_at(layout, &hold)
                )],
                was_held: true,
            }
        }
        AgentReply::Allow { .. }
        | AgentReply::Held { .. }
        | AgentReply::Standing { .. }
        | AgentReply::Spent
        | AgentReply::Noted => {
            No::from("unexpected reply from `countersignd`; all programs must be of the same release".to_owned())
        }
    }
}

/// Checks the sealed permit: genuine, for this request, alive.
fn open(layout: &Layout, sealed: SealedText, request: &str) -> Result<(String, Obligations), String> {
    let path = layout.permit_public_key();
    let key = host::files::read_small(&path, 1024).ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = key
        .as_deref()
        .and_then(PermitVerifier::parse)
        .ok_or_else(|| format!("the daemon's public key in `{}` cannot be read", path.display()))?;
    let request = Digest::parse(request).map_err(|why| why.to_string())?;
    let sealed = SealedPermit { text: sealed.text, signature: sealed.signature };
    let (id, obliged) = key.open(&sealed, &request, clock::now_ms()).ok_or("the permit is not genuine, or too old")?;
    Ok((id.to_string(), obliged))
}

/// A session for callers that name none: the process that called us.
fn session() -> String {
    format!("ppid-{}", std::os::unix::process::parent_id())
}
