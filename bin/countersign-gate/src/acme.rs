//! `countersign-gate certificate`: gets the page's certificate from an authority, and renews it in time (ACME, RFC 8555). A process of
//! its own: the page needs the certificate, and neither the account at the authority nor a port where it asks.

mod authority;
mod settings;

use std::time::Duration;

use host::install_paths::Layout;
use host::{clock, files};
use web::Challenges;
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use authority::Failed;
use settings::Settings;

/// How soon an authority that did not answer is asked again.
const AWAY: Duration = Duration::from_secs(5);

/// How soon an order that was refused is tried again; then twice as long, and so on. Authorities count failures by the hour.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);

/// The longest sleep: a machine that was asleep itself is not late by more.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// The most that the certificate's file may hold, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Gets and renews, for as long as the process lives.
pub(crate) fn main() -> Result<(), String> {
    host::memory::keep_private();
    let inherited_listener =
        host::socket::inherited_listener().map_err(|why| format!("the listener that was handed on: {why}"))?;
    let layout = Layout::from_environment()?;
    let settings = Settings::read(&layout)?;
    for directory in [Some(layout.web.as_path()), layout.certificate().parent()].into_iter().flatten() {
        files::private_directory(directory).map_err(|why| format!("`{}`: {why}", directory.display()))?;
    }
    // A program of the operator's may need anything.
    if settings.dns_hook.is_none() {
        shut_in(&layout, &settings)?;
    }
    std::thread::spawn(|| {
        let _ = host::service_supervisor::wait_for_end(None);
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| why.to_string())?;
    runtime.block_on(async move {
        let challenges = Challenges::default();
        if settings.dns_hook.is_none() {
            let at = settings.listen;
            let listener = match inherited_listener {
                Some(listener) => crate::client::as_tokio(listener),
                None => tokio::net::TcpListener::bind(at).await,
            };
            let listener = listener.map_err(|why| format!("`{at}`: {why}; the authority asks at port 80 of each name: forward it to another `listen`, or set a `dns_hook` (docs/operate/install.md)"))?;
            let theirs = challenges.clone();
            tokio::spawn(async move { web::answer_challenges(listener, theirs).await });
        }
        eprintln!("countersign-gate: the certificate for {} is kept by {}", settings.names.join(", "), settings.directory);
        keep(&layout, &settings, &challenges).await;
        Ok(())
    })
}

/// What is needed is where the certificate goes, and names of servers.
fn shut_in(layout: &Layout, settings: &Settings) -> Result<(), String> {
    let keys = settings.external_account.as_ref().map(|it| it.key_file.as_str());
    let files = crate::client::NAMES.into_iter().chain(settings.ca_file.as_deref()).chain(keys);
    let readable: Vec<&std::path::Path> = files.map(std::path::Path::new).collect();
    match host::landlock::to(&readable, &[&layout.web]) {
        Ok(true) => Ok(()),
        Ok(false) => {
            eprintln!("countersign-gate: this kernel has no Landlock: this process is not shut in");
            Ok(())
        }
        Err(why) => Err(format!("this process could not be shut in: {why}")),
    }
}

/// Renews when two thirds of a certificate's life are over.
async fn keep(layout: &Layout, settings: &Settings, challenges: &Challenges) {
    let mut wait = FIRST_WAIT;
    loop {
        let due_ms = held(layout).filter(|held| held.names == sorted(&settings.names)).map_or(0, |held| held.renew_ms);
        let left = Duration::from_millis(due_ms.saturating_sub(clock::now_ms()));
        if !left.is_zero() {
            tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            continue;
        }
        let (why, sleep) = match renew(layout, settings, challenges).await {
            Ok(()) => {
                wait = FIRST_WAIT;
                continue;
            }
            Err(Failed::Away(why)) => (format!("{}: {why}", settings.directory), AWAY),
            Err(Failed::Refused(why)) => {
                let now = wait;
                wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                (why, now)
            }
        };
        eprintln!("countersign-gate: no certificate: {why}; tried again in {} s", sleep.as_secs());
        tokio::time::sleep(sleep).await;
    }
}

async fn renew(layout: &Layout, settings: &Settings, challenges: &Challenges) -> Result<(), Failed> {
    let account = authority::account(layout, settings).await?;
    let (chain, key) = authority::order(&account, settings, challenges).await?;
    let fresh = Held::of(&chain).ok_or("the authority issued what is no certificate".to_owned())?;
    if fresh.names != sorted(&settings.names) || fresh.renew_ms <= clock::now_ms() {
        return Err("the authority issued a certificate for other names, or an expired one".to_owned().into());
    }
    // What the page would not take must not stand in the way of the next one.
    web::Tls::new()?.show(chain.as_bytes(), key.as_bytes())?;
    // Chain and key in one file, so that no reader sees one without the other.
    let path = layout.certificate();
    let text = format!("{}\n{}", chain.trim_end(), key);
    files::replace(&path, text.as_bytes(), 0o600).map_err(|why| format!("`{}`: {why}", path.display()))?;
    eprintln!("countersign-gate: there is a new certificate for {}", settings.names.join(", "));
    Ok(())
}

/// The certificate that we have.
struct Held {
    names: Vec<String>,
    /// When it is renewed, in milliseconds since 1970.
    renew_ms: u64,
}

fn held(layout: &Layout) -> Option<Held> {
    let text = String::from_utf8(files::read_small(&layout.certificate(), MAX_FILE).ok()??).ok()?;
    Held::of(text.split("-----BEGIN PRIVATE KEY").next()?)
}

impl Held {
    /// Reads the first of a chain (PEM).
    fn of(chain: &str) -> Option<Self> {
        let first = Certificate::load_pem_chain(chain.trim_end().as_bytes()).ok()?.into_iter().next()?.tbs_certificate;
        let ms = |time: &x509_cert::time::Time| u64::try_from(time.to_unix_duration().as_millis()).ok();
        let (from, until) = (ms(&first.validity.not_before)?, ms(&first.validity.not_after)?);
        let life = until.checked_sub(from)?;
        let (_, SubjectAltName(names)) = first.get::<SubjectAltName>().ok()??;
        let names = names.iter().filter_map(|name| {
            let GeneralName::DnsName(name) = name else { return None };
            Some(name.as_str().to_owned())
        });
        Some(Self { names: sorted(&names.collect::<Vec<_>>()), renew_ms: until.saturating_sub(life / 3) })
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    names
}
