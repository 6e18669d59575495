//! Where the log's secrets are at rest: files that only their owner can read, or such files sealed by a program of the
//! operator's choice (a hardware module, a TPM, a key service, the kernel's keyring), so that a copy of the disk opens nothing.
//!
//! `keys/seal.json` names the program: `{"seal": ["systemd-creds", "encrypt", "-", "-"], "unseal": ["systemd-creds",
//! "decrypt", "-", "-"]}`. Each gets the secret on standard input, gives the result on standard output, and learns which it is from
//! `COUNTERSIGN_SECRET`. What was not sealed before is sealed at the next start of the writer.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::disk::{Disk, Files, replace};

/// Which program.
const PROGRAM: &str = "keys/seal.json";

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that it may give, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    seal: Vec<String>,
    unseal: Vec<String>,
}

fn program(files: &dyn Files) -> Result<Option<Program>, String> {
    let bytes = files.read(PROGRAM).map_err(|why| format!("`{PROGRAM}`: {why}"))?;
    bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|why| format!("`{PROGRAM}`: {why}"))).transpose()
}

fn sealed(name: &str) -> String {
    format!("{name}.sealed")
}

/// Reads a secret.
pub(crate) fn read(files: &dyn Files, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let get = |name: &str| files.read(name).map_err(|why| format!("`{name}`: {why}"));
    match (get(&sealed(name))?, program(files)?) {
        (Some(bytes), Some(program)) => run(&program.unseal, name, &bytes).map(Some),
        // A new one made in its place would leave what the old one encrypted unreadable.
        (Some(_), None) => Err(format!("`{}` is sealed, and `{PROGRAM}`, which says by what, is gone", sealed(name))),
        (None, _) => Ok(get(name)?.map(Zeroizing::new)),
    }
}

/// Keeps a secret, in one durable step.
pub(crate) fn write(disk: &dyn Disk, name: &str, secret: &[u8]) -> Result<(), String> {
    let put = |name: &str, bytes: &[u8]| replace(disk, name, bytes).map_err(|why| format!("`{name}`: {why}"));
    let Some(program) = program(disk)? else { return put(name, secret) };
    let bytes = run(&program.seal, name, secret)?;
    // What cannot be opened again is no place for a secret.
    if run(&program.unseal, name, &bytes)?.as_slice() != secret {
        return Err(format!("`{name}`: what `{PROGRAM}` unseals is not what it sealed"));
    }
    put(&sealed(name), &bytes)
}

/// Seals what lies open although there is a program now.
pub(crate) fn settle(disk: &dyn Disk, name: &str) -> Result<(), String> {
    if program(disk)?.is_none() {
        return Ok(());
    }
    let fail = |why: std::io::Error| format!("`{name}`: {why}");
    let Some(mut open) = disk.read(name).map_err(fail)?.map(Zeroizing::new) else { return Ok(()) };
    // Both are there only where a crash came between.
    if disk.read(&sealed(name)).map_err(fail)?.is_none() {
        write(disk, name, &open)?;
    }
    open.zeroize();
    let zeros = vec![0; open.capacity()];
    disk.write_at(name, 0, &zeros).and_then(|()| disk.sync(name)).map_err(fail)?;
    disk.remove(name).and_then(|()| disk.sync_directory(crate::disk::parent(name))).map_err(fail)
}

fn run(words: &[String], secret: &str, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let (first, rest) = words.split_first().ok_or_else(|| format!("`{PROGRAM}` names no program"))?;
    let say = |why: &dyn std::fmt::Display| format!("`{first}`, which seals `{secret}`: {why}");
    let mut child = Command::new(first)
        .args(rest)
        .env("COUNTERSIGN_SECRET", secret)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| say(&why))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::scope(|scope| {
        // One that takes nothing would fill the pipe.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let given = scope.spawn(move || {
            let mut given = Zeroizing::new(Vec::new());
            stdout.map(|stdout| stdout.take(MAX_BYTES).read_to_end(&mut given));
            given
        });
        let ended = wait(&mut child);
        let given = given.join().map_err(|_| say(&"its output could not be read"))?;
        match ended.map_err(|why| say(&why))? {
            true if !given.is_empty() => Ok(given),
            true => Err(say(&"it gave nothing")),
            false => Err(say(&"it failed, or took too long")),
        }
    })
}

/// Waits for the end; whether it came in time and was a success.
fn wait(child: &mut Child) -> std::io::Result<bool> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::{read, settle, write};
    use crate::disk::{Disk as _, Files as _, RealDisk};

    /// A program that seals by turning every letter: enough to see what lies where.
    const TURN: &str = r#"{"seal": ["tr", "a-y", "b-z"], "unseal": ["tr", "b-z", "a-y"]}"#;

    fn disk(name: &str) -> RealDisk {
        let path = std::env::temp_dir().join(format!("countersign-vault-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        RealDisk::new(&path)
    }

    #[test]
    fn what_lay_open_is_sealed_and_opens_only_with_the_program() {
        let disk = disk("seal");
        write(&disk, "keys/ring.json", b"secret").unwrap();
        assert_eq!(disk.read("keys/ring.json").unwrap().unwrap(), b"secret");
        disk.write("keys/seal.json", TURN.as_bytes()).unwrap();
        settle(&disk, "keys/ring.json").unwrap();
        assert_eq!(disk.read("keys/ring.json").unwrap(), None);
        assert_eq!(disk.read("keys/ring.json.sealed").unwrap().unwrap(), b"tfdsfu");
        assert_eq!(read(&disk, "keys/ring.json").unwrap().unwrap().as_slice(), b"secret");
        settle(&disk, "keys/ring.json").unwrap();
        write(&disk, "keys/ring.json", b"another").unwrap();
        assert_eq!(read(&disk, "keys/ring.json").unwrap().unwrap().as_slice(), b"another");
        disk.remove("keys/seal.json").unwrap();
        assert!(read(&disk, "keys/ring.json").unwrap_err().contains("is gone"));
    }

    #[test]
    fn a_program_that_fails_loses_nothing() {
        for bad in [
            r#"{"seal": ["false"], "unseal": ["cat"]}"#,
            r#"{"seal": ["true"], "unseal": ["cat"]}"#,
            r#"{"seal": ["tr", "a-y", "b-z"], "unseal": ["cat"]}"#,
            r#"{"seal": ["no-such-program"], "unseal": ["cat"]}"#,
            r#"{"seal": [], "unseal": []}"#,
            "{",
        ] {
            let disk = disk("bad");
            write(&disk, "log.key", b"secret").unwrap();
            disk.write("keys/seal.json", bad.as_bytes()).unwrap();
            assert!(settle(&disk, "log.key").is_err(), "{bad}");
            assert_eq!(disk.read("log.key").unwrap().unwrap(), b"secret");
            assert_eq!(disk.read("log.key.sealed").unwrap(), None);
        }
    }
}
