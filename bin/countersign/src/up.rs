//! `countersign up`: everything in the foreground: under one user, or started by root under accounts of its own.

mod accounts;
mod already_running;
mod certificate;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::channel;

use clap::Args;
use host::clock;
use host::install_paths::{DIRECTORY_VARIABLE, Layout, PAGE_VARIABLE, WEB_HOST_VARIABLE};
use host::service_supervisor::{self, Answers, Event, Service};
use protocol::{OperatorReply, OperatorRequest, ReviewerAttributes};
use serde_json::json;

use crate::operator_client::OperatorClient;
use accounts::Accounts;

#[derive(Args)]
pub(crate) struct UpArgs {
    /// Keep everything in this directory (the other verbs find it through COUNTERSIGN_DIR)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where the dashboard is served, or `off`
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7443")]
    web: String,
    /// The dashboard's certificate with its chain (PEM). COUNTERSIGN_WEB_HOST is the name in its address
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM), a file of mode 0600
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Started by root: the account that owns rules, state and record. Create it with `useradd --system`
    #[arg(long, value_name = "ACCOUNT", requires = "web_user")]
    user: Option<String>,
    /// Started by root: the account of the web gate. It cannot read the policy, state or record
    #[arg(long, value_name = "ACCOUNT", requires = "user")]
    web_user: Option<String>,
    /// Print events as JSON, one per line
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn main(args: &UpArgs) -> Result<ExitCode, String> {
    let accounts = Accounts::of(args.user.as_deref(), args.web_user.as_deref())?;
    let (layout, mut environment) = match &args.dir {
        Some(directory) => {
            let fail = |why: std::io::Error| format!("`{}`: {why}", directory.display());
            accounts
                .as_ref()
                .map_or_else(|| std::fs::create_dir_all(directory), |it| it.make(directory))
                .map_err(fail)?;
            let directory = std::fs::canonicalize(directory).map_err(fail)?;
            (Layout::under(&directory), vec![(DIRECTORY_VARIABLE.to_owned(), directory)])
        }
        None if accounts.is_some() => {
            return Err("separate accounts need a separate directory: `--dir /var/lib/countersign`".to_owned());
        }
        None => (Layout::from_environment()?, Vec::new()),
    };
    // Before anything is started, and for as long as this process lives.
    let _lock = already_running::lock(&layout, args.dir.is_some() || accounts.is_some())?;
    environment.extend(accounts.as_ref().map(Accounts::variable));
    let mut services = services(&layout, &environment)?;
    let by_hand = args.tls_cert.as_deref().zip(args.tls_key.as_deref());
    let kept = certificate::service(&layout, accounts.as_ref(), &environment)?;
    let certificate = layout.certificate();
    let tls = match (by_hand, &kept) {
        (Some(_), Some(_)) => {
            return Err(format!(
                "a certificate by hand, and one over ACME: leave out `--tls-cert`, or take away `{}`",
                layout.certificate_settings().display()
            ));
        }
        (by_hand, None) => by_hand.map(|(certificate, key)| Tls { certificate, key, may_be_late: false }),
        (None, Some(_)) => Some(Tls { certificate: &certificate, key: &certificate, may_be_late: true }),
    };
    let dashboard = web_gate(&args.web, tls.as_ref(), &environment)?;
    services.extend(kept);
    let page = match dashboard {
        Ok(gate) => {
            services.push(gate);
            let page = page_at(&args.web, tls.is_some());
            let daemon = services.iter_mut().filter(|it| it.name == "countersignd");
            daemon.for_each(|it| it.environment.push((PAGE_VARIABLE.to_owned(), PathBuf::from(&page))));
            Some(page)
        }
        Err(why) => {
            eprintln!("countersign: no dashboard: {why}");
            None
        }
    };
    services.extend(gate_of(&layout.channels(), "countersign-gate notify", "notify", &layout, &environment)?);
    services.extend(gate_of(&layout.signon(), "countersign-gate sign-on", "sign-on", &layout, &environment)?);
    if let Some(accounts) = &accounts {
        services.iter_mut().for_each(|service| accounts.give(service));
    }
    let (tell_end, end) = channel();
    std::thread::spawn(move || {
        let _ = service_supervisor::wait_for_end(None);
        let _ = tell_end.send(());
    });
    let mut say = |name: &str, event: Event| {
        let line = if args.json { Some(event_value(name, &event).to_string()) } else { event_line(name, &event) };
        // The reader of our output may be gone; the programs go on.
        let _ = line.map_or(Ok(()), |line| writeln!(std::io::stdout(), "{line}"));
        if name == "countersign" && event == Event::Ready && !args.json {
            let link = page.as_deref().and_then(|page| first_link(&layout, page));
            let is_apart = accounts.is_some();
            let next = next_steps(&layout, args.dir.is_some(), is_apart, page.as_deref(), link.as_deref());
            let _ = write!(std::io::stdout(), "{next}");
        }
    };
    service_supervisor::keep(services, &end, &mut say).map_err(|why| why.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// The address for a browser. By name where it can be: a passkey belongs to a name.
fn page_at(web: &str, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    let port = web.rsplit_once(':').map_or("", |(_, port)| port);
    let is_own = web.starts_with("127.0.0.1:") || web.starts_with("[::1]:");
    match std::env::var(WEB_HOST_VARIABLE) {
        Ok(name) if is_tls && port == "443" => format!("https://{name}/"),
        Ok(name) if is_tls => format!("https://{name}:{port}/"),
        Err(_) if is_own => format!("{scheme}://localhost:{port}/"),
        Ok(_) | Err(_) => format!("{scheme}://{web}/"),
    }
}

/// The link with which the first person enrols, where no person is enrolled yet.
fn first_link(layout: &Layout, page: &str) -> Option<String> {
    let link = OperatorClient::connect(layout).ok()?;
    match link.ask(&OperatorRequest::Reviewers).ok()? {
        OperatorReply::Reviewers { reviewers } if reviewers.is_empty() => {}
        _ => return None,
    }
    match link.ask(&OperatorRequest::Invite { name: None, place: ReviewerAttributes::of("operator"), by: None }).ok()? {
        OperatorReply::Invited { token, .. } => Some(format!("{page}#setup={token}")),
        _ => None,
    }
}

/// Our daemons, in the order in which they need each other. They are in the directory of this program.
fn services(layout: &Layout, environment: &[(String, PathBuf)]) -> Result<Vec<Service>, String> {
    let own = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    let service = |name, socket| Service {
        name,
        program: own.with_file_name(name),
        environment: environment.to_vec(),
        arguments: Vec::new(),
        account: None,
        listens: None,
        answers: Answers::Socket(socket),
    };
    Ok(vec![service("countersign-logd", layout.log_socket()), service("countersignd", layout.agent_socket())])
}

/// The certificate of the web gate.
struct Tls<'a> {
    certificate: &'a Path,
    key: &'a Path,
    may_be_late: bool,
}

/// The web gate, or why there is none. The rest does not depend on it: a port that is taken stops nothing.
fn web_gate(
    address: &str,
    tls: Option<&Tls<'_>>,
    environment: &[(String, PathBuf)],
) -> Result<Result<Service, String>, String> {
    const NAME: &str = "countersign-gate";
    if address == "off" {
        return Ok(Err("it is off".to_owned()));
    }
    let at: SocketAddr = address
        .parse()
        .map_err(|_| format!("`--web {address}`: write an address and port such as 127.0.0.1:7443, or `off`"))?;
    let own = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    let program = own.with_file_name(NAME);
    if !program.exists() {
        return Ok(Err(format!("`{}` is not there; build or install it", program.display())));
    }
    if let Err(why) = std::net::TcpListener::bind(at) {
        return Ok(Err(format!("{at}: {why}; choose another with `--web 127.0.0.1:PORT`")));
    }
    let mut arguments = vec!["web".to_owned(), "--listen".to_owned(), address.to_owned()];
    arguments.extend(tls.filter(|tls| tls.may_be_late).map(|_| "--tls-later".to_owned()));
    for (flag, file) in tls.iter().flat_map(|tls| [("--tls-cert", tls.certificate), ("--tls-key", tls.key)]) {
        // Not where a link leads: a renewed one may be elsewhere.
        let file = std::path::absolute(file).map_err(|why| format!("`{}`: {why}", file.display()))?;
        let file = file.into_os_string().into_string().map_err(|_| format!("`{flag}`: the path is not text"))?;
        arguments.extend([flag.to_owned(), file]);
    }
    let answers = Answers::Address(at);
    Ok(Ok(Service {
        name: NAME,
        program,
        environment: environment.to_vec(),
        arguments,
        account: None,
        listens: None,
        answers,
    }))
}

/// Another gate, where its configuration file exists: notifications, single sign-on.
fn gate_of(
    settings: &Path,
    name: &'static str,
    word: &str,
    layout: &Layout,
    environment: &[(String, PathBuf)],
) -> Result<Option<Service>, String> {
    if !settings.exists() {
        return Ok(None);
    }
    let own = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    Ok(Some(Service {
        name,
        program: own.with_file_name("countersign-gate"),
        environment: environment.to_vec(),
        arguments: vec![word.to_owned()],
        account: None,
        listens: None,
        answers: Answers::Socket(layout.operator_socket()),
    }))
}

fn event_value(name: &str, event: &Event) -> serde_json::Value {
    let at_ms = clock::now_ms();
    match event {
        Event::Started(pid) => json!({"at_ms": at_ms, "program": name, "event": "started", "pid": pid}),
        Event::Ready => json!({"at_ms": at_ms, "program": name, "event": "ready"}),
        Event::Ended(how) => json!({"at_ms": at_ms, "program": name, "event": "ended", "how": how}),
        Event::Restarting(in_ms) => {
            json!({"at_ms": at_ms, "program": name, "event": "restarting", "in_ms": u64::try_from(*in_ms).unwrap_or(u64::MAX)})
        }
        Event::Stopped => json!({"at_ms": at_ms, "program": name, "event": "stopped"}),
    }
}

fn event_line(name: &str, event: &Event) -> Option<String> {
    match event {
        Event::Started(pid) => Some(format!("{name} started (process {pid})")),
        Event::Ready if name == "countersign" => None,
        Event::Ready => Some(format!("{name} ready")),
        Event::Ended(how) => Some(format!("{name} ended: {how}")),
        Event::Restarting(in_ms) => Some(format!("{name} starts again in {in_ms} ms")),
        Event::Stopped => Some(format!("{name} stopped")),
    }
}

/// What is said once everything runs.
fn next_steps(layout: &Layout, own_directory: bool, is_apart: bool, page: Option<&str>, link: Option<&str>) -> String {
    let export = if own_directory {
        format!("  export {DIRECTORY_VARIABLE}={}\n", layout.run.parent().unwrap_or(&layout.run).display())
    } else {
        String::new()
    };
    let enrol = match link {
        Some(link) => format!(
            "No reviewer is enrolled. Open this link to enrol, with a passkey or an authenticator app (it works once, within an hour):\n\
             \x20 {link}\n or in the terminal: countersign reviewer add alice\n\n"
        ),
        None => String::new(),
    };
    let (apart, steps) = match (is_apart, host::files::my_uid()) {
        (true, _) => (APART, STEPS_APART),
        (false, 0) => (ROOT, STEPS_SHARED),
        (false, _) => (SHARED, STEPS_SHARED),
    };
    format!(
        "\n{apart}\n\n{enrol}Next, in another terminal:\n{export}{steps}\
         \x20 countersign review --as alice                               in the terminal{}\n\
         \x20 countersign doctor                                          check the installation: what is binding, what is advisory\n\n\
         Rules: {} (the shipped rules apply while it does not exist)\nRecord: {}\nCtrl-C ends it; nothing is allowed while it is down.\n",
        page.map_or_else(String::new, |page| format!(", or in the browser: {page}")),
        layout.policy().display(),
        layout.log.display(),
    )
}

const SHARED: &str = "Countersign is up. All programs run under your own user, which suits a trial. An agent that runs as you can read what you\n\
    can read. In production, run agents and Countersign under separate accounts: `countersign up --help`, `--user`.";

const ROOT: &str = "Countersign is up, and EVERY PROGRAM RUNS AS ROOT: an attacker in one of them controls the machine. Use this for a trial only;\n\
    root can run each program under its own account: `countersign up --help`, `--user` and `--web-user`.";

const STEPS_SHARED: &str = "\
    \x20 countersign agent add builder --owner platform --save       make an agent; its owner cannot approve for it\n\
    \x20 countersign hook install claude-code --agent builder        judge Claude Code's tool calls, in this project\n\
    \x20 countersign run --agent builder -- ls -l                    a read runs\n\
    \x20 countersign run --agent builder -- rm -r ./old              this is held until alice answers:\n";

const APART: &str = "Countersign is up, under separate accounts: the web gate can read no rule, no state and no record.\n\
    Run agents under other accounts: neither of these two, nor root.";

const STEPS_APART: &str = "\
    \x20 countersign agent add builder --owner platform --uid UID    make an agent of the user UID: prints its key, once. For the\n\
    \x20                                                             agent, COUNTERSIGN_DIR as above, and COUNTERSIGN_KEY_FILE\n";
