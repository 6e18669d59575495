//! `countersign report`: evidence for auditors, by the clauses of their framework, out of the record alone; with what is
//! uncomfortable in it. A directory that can be checked without us, sealed by the log.

mod controls;
mod evidence;
mod page;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use host::clock;
use host::install_paths::Layout;
use host::socket;
use model::Digest;
use protocol::{LogReply, LogRequest, MAX_LOG_FRAME};
use serde_json::json;

use crate::{log, time_format};
use controls::Framework;
use evidence::Evidence;

/// Timeout for the log's seal.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The framework
    #[arg(value_enum)]
    framework: Framework,
    /// Begin: `30d` ago, or a date and time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: String,
    /// End; now, if not given
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The directory to write; it must not exist yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The log's directory (default: this installation's)
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

/// Writes the report.
pub(crate) fn main(args: &ReportArgs) -> Result<ExitCode, String> {
    let now_ms = clock::now_ms();
    let from_ms = time_format::moment(&args.from, now_ms)?;
    let to_ms = args.to.as_deref().map_or(Ok(now_ms), |to| time_format::moment(to, now_ms))?;
    if from_ms >= to_ms {
        return Err("the report ends before it begins".to_owned());
    }
    let directory = log::directory(args.log.as_deref())?;
    eprintln!("verifying the whole log …");
    let key = log::public_key(&directory.join("log.pub"))?;
    let disk = log_store::RealDisk::new(&directory);
    let held = log_store::verify(&disk, &key, Vec::new(), &mut |_, _| {});
    let integrity = match &held {
        Ok(held) => format!("the whole log of {} records holds, as signed by {}", held.records, key.to_text()),
        Err(wrong) => format!("THE LOG DOES NOT HOLD: {wrong}"),
    };
    eprintln!("reading the records of the time …");
    let evidence = Evidence::gather(&directory, from_ms, to_ms, integrity)?;
    let fail = |path: &Path, why: std::io::Error| format!("`{}`: {why}", path.display());
    std::fs::create_dir(&args.out).map_err(|why| fail(&args.out, why))?;
    let framework = args.framework;
    let name = framework.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default();
    let span = (time_format::shown(from_ms), time_format::shown(to_ms));
    let files = [
        ("report.html", page::of(framework, &span, &evidence)),
        (
            "evidence.json",
            json!({"framework": name, "from": span.0, "to": span.1, "evidence": evidence.to_value()}).to_string(),
        ),
    ];
    for (file, text) in &files {
        let path = args.out.join(file);
        std::fs::write(&path, text).map_err(|why| fail(&path, why))?;
    }
    log::bundle(&directory, (from_ms, to_ms), &args.out.join("records"))?;
    let manifest = manifest(&args.out)?;
    let path = args.out.join("MANIFEST.sha256");
    std::fs::write(&path, &manifest).map_err(|why| fail(&path, why))?;
    match seal(&directory, &name, &span, &manifest) {
        Ok(seal) => {
            let path = args.out.join("seal.json");
            std::fs::write(&path, seal).map_err(|why| fail(&path, why))?;
            println!("sealed: a record of the log names the digest of MANIFEST.sha256; seal.json proves it");
        }
        Err(why) => println!("NOT SEALED: {why}"),
    }
    println!(
        "the report is `{}`; to check the seal: countersign log proved {}/seal.json --key log.pub",
        args.out.join("report.html").display(),
        args.out.display()
    );
    Ok(if held.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The SHA-256 of every file, in the form that `sha256sum --check` takes.
fn manifest(directory: &Path) -> Result<String, String> {
    let (mut open, mut lines) = (vec![directory.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        let fail = |why: std::io::Error| format!("`{}`: {why}", path.display());
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).map_err(fail)? {
                open.push(entry.map_err(fail)?.path());
            }
        } else {
            let digest = Digest::of_bytes(&std::fs::read(&path).map_err(fail)?);
            let name = path.strip_prefix(directory).map_err(|why| why.to_string())?;
            lines.push(format!("{digest}  {}\n", name.display()));
        }
    }
    lines.sort_by(|a, b| a.split_once("  ").map(|it| it.1).cmp(&b.split_once("  ").map(|it| it.1)));
    Ok(lines.concat())
}

/// Lets the log record the manifest's digest, and gives the proof.
fn seal(directory: &Path, framework: &str, span: &(String, String), manifest: &str) -> Result<String, String> {
    let layout = Layout::from_environment()?;
    if layout.log != directory {
        return Err("the report is of another log than this installation's".to_owned());
    }
    let about = json!({"framework": framework, "from": span.0, "to": span.1});
    let say = LogRequest::Seal { digest: Digest::of_bytes(manifest.as_bytes()).to_string(), about };
    let down =
        |why: &dyn std::fmt::Display| format!("the log does not answer at `{}`: {why}", layout.log_socket().display());
    let stream = UnixStream::connect(layout.log_socket()).map_err(|why| down(&why))?;
    socket::send(&stream, &say, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))?;
    match socket::receive::<LogReply>(&stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).map_err(|why| down(&why))? {
        LogReply::Sealed { content, proof } => Ok(log::proof_text(&content, &proof)),
        LogReply::Failed { why } => Err(why),
        LogReply::Log { .. }
        | LogReply::Durable { .. }
        | LogReply::Read { .. }
        | LogReply::Lines { .. }
        | LogReply::Began { .. }
        | LogReply::Done { .. } => {
            Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned())
        }
    }
}
