//! Whatever is changed in a log's files is found, offline and without keys, by both verifiers.
//!
//! `EVERY_BIT=1` flips every bit; else some hundred thousand are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

mod sim;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use audit::{Checkpoint, LogKey};
use log_store::{Disk, FileKeeper, Files, RealDisk, Settings, Writer, verify};
use sim::overlaid::{Contents, Overlaid};
use sim::{ORIGIN, SimDisk, key, open, record};

/// The files of a log that was ended, without its keys.
fn log_of(records: usize) -> Contents {
    let disk = SimDisk::with(None);
    let mut writer = open(&disk, 64 * 1024).unwrap();
    for first in (0..records).step_by(50) {
        let batch: Vec<_> = (first..(first + 50).min(records)).map(record).collect();
        writer.append(&batch).unwrap();
    }
    writer.close().unwrap();
    disk.files().into_iter().filter(|(name, _)| !name.starts_with("keys/") && !name.starts_with("index/")).collect()
}

fn holds(files: &Contents, name: &str, bytes: Option<&[u8]>) -> bool {
    let disk = Overlaid { files, changed: (name, bytes) };
    verify(&disk, &key().verifier(), Vec::new(), &mut |_, _| {}).is_ok()
}

/// A log's directory on the real disk.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn put(&self, files: &Contents) {
        let disk = RealDisk::new(&self.0);
        for (name, bytes) in files {
            disk.write(name, bytes).unwrap();
        }
        std::fs::write(self.0.join("log.pub"), key().verifier().to_text()).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The verifier in Python, by a Python that has what it needs.
fn verifier_in_python() -> Command {
    let able = |program: &&str| {
        let mut command = Command::new(program);
        command.args(["-c", "import cryptography"]).output().is_ok_and(|output| output.status.success())
    };
    let program = ["python3", "/usr/bin/python3"].into_iter().find(able);
    let mut command = Command::new(program.expect("no Python with `cryptography`; `cargo xtask test` installs it"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/countersign_verify.py"));
    command
}

/// What the verifier in Python says: whether the log holds.
fn python(directory: &Path, against: Option<&Path>) -> (bool, String) {
    let mut command = verifier_in_python();
    command.arg(directory).arg("--key").arg(directory.join("log.pub"));
    if let Some(against) = against {
        command.arg("--against").arg(against);
    }
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => (true, said),
        Some(1) => (false, said),
        other => panic!("{other:?}: {said}"),
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let files = log_of(1_000);
    assert!(holds(&files, "", None));
    let all = std::env::var_os("EVERY_BIT").is_some();
    let stride = if all { 1 } else { 8_009 };
    let work: Vec<(&String, usize)> = files
        .iter()
        .flat_map(|(name, bytes)| (0..bytes.len() * 8).map(move |bit| (name, bit)))
        .step_by(stride)
        .collect();
    let halves = work.split_at(work.len() / 2);
    let tried = &std::sync::atomic::AtomicUsize::new(0);
    let files = &files;
    std::thread::scope(|scope| {
        for half in [halves.0, halves.1] {
            scope.spawn(move || {
                let mut changed: (&str, Vec<u8>) = ("", Vec::new());
                for (name, bit) in half {
                    if changed.0 != name.as_str() {
                        changed = (name, files[*name].clone());
                    }
                    changed.1[bit / 8] ^= 1 << (bit % 8);
                    assert!(!holds(files, name, Some(&changed.1)), "bit {bit} of `{name}`");
                    changed.1[bit / 8] ^= 1 << (bit % 8);
                    tried.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} flips, all found", tried.load(std::sync::atomic::Ordering::Relaxed));
}

/// Every way to lose, double, swap or cut a file or a record.
fn damaged(files: &Contents) -> Vec<(String, Contents)> {
    let mut cases = Vec::new();
    let mut case = |what: String, change: &dyn Fn(&mut Contents)| {
        let mut copy = files.clone();
        change(&mut copy);
        cases.push((what, copy));
    };
    let names: Vec<&String> = files.keys().filter(|name| *name != "log.pub").collect();
    for name in &names {
        case(format!("`{name}` is gone"), &|files| {
            files.remove(*name);
        });
        case(format!("`{name}` is cut"), &|files| {
            files.get_mut(*name).unwrap().pop();
        });
        case(format!("`{name}` has a byte more"), &|files| files.get_mut(*name).unwrap().push(0));
        case(format!("`{name}` is there twice"), &|files| {
            let bytes = files[*name].clone();
            files.insert(format!("{}-copy", name.replace(".p/", "-")), bytes.clone());
            files.insert("tile/0/099".to_owned(), bytes);
        });
    }
    for kind in ["tile/entries", "payload", "tile/0"] {
        case(format!("two files of `{kind}` are swapped"), &|files| {
            let (a, b) = (files[&format!("{kind}/000")].clone(), files[&format!("{kind}/001")].clone());
            files.insert(format!("{kind}/000"), b);
            files.insert(format!("{kind}/001"), a);
        });
    }
    for record in [0_usize, 1, 100, 254] {
        let at = record * 114;
        case(format!("record {record} is dropped"), &|files| {
            files.get_mut("tile/entries/000").unwrap().drain(at..at + 114);
        });
        case(format!("record {record} is there twice"), &|files| {
            let entries = files.get_mut("tile/entries/000").unwrap();
            let copy = entries[at..at + 114].to_vec();
            entries.splice(at..at, copy);
        });
        case(format!("record {record} is swapped with the next"), &|files| {
            files.get_mut("tile/entries/000").unwrap()[at..at + 228].rotate_left(114);
        });
        case(format!("record {record} is swapped with the next, in the tile, too"), &|files| {
            files.get_mut("tile/entries/000").unwrap()[at..at + 228].rotate_left(114);
            files.get_mut("tile/0/000").unwrap()[record * 32..record * 32 + 64].rotate_left(32);
        });
    }
    cases
}

#[test]
fn whatever_is_lost_doubled_swapped_or_cut_is_found_by_both() {
    let files = log_of(700);
    let directory = Directory::new("damaged");
    directory.put(&files);
    let (held, said) = python(&directory.0, None);
    assert!(held, "{said}");
    for (what, files) in damaged(&files) {
        let disk: Arc<dyn Files> = SimDisk::of(&files);
        let ours = verify(disk.as_ref(), &key().verifier(), Vec::new(), &mut |_, _| {});
        assert!(ours.is_err(), "{what}");
        let directory = Directory::new("damaged");
        directory.put(&files);
        let (held, said) = python(&directory.0, None);
        assert!(!held, "{what}: python: {said}");
    }
}

/// A log on the real disk, written with one key.
fn real(directory: &Directory, key: LogKey, records: std::ops::Range<usize>) -> String {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&directory.0));
    let keeper = Box::new(FileKeeper::open(Arc::clone(&disk), 1).unwrap());
    std::fs::write(directory.0.join("log.pub"), key.verifier().to_text()).unwrap();
    let settings = Settings { segment_bytes: 64 * 1024, threaded: true };
    let mut writer = Writer::open(disk, key, keeper, settings, &mut |_| {}).unwrap();
    for number in records {
        writer.append(&[record(number)]).unwrap();
    }
    let note = writer.note().unwrap().to_owned();
    writer.close().unwrap();
    note
}

#[test]
fn a_log_that_was_rolled_back_or_forked_is_found_by_both_who_know_a_checkpoint() {
    let directory = Directory::new("forked");
    let first = real(&directory, key(), 0..300);
    let before = Directory::new("forked-before");
    assert!(Command::new("cp").arg("-a").arg(&directory.0).arg(&before.0).status().unwrap().success());
    let second = real(&directory, key(), 300..600);
    let saved = directory.0.with_extension("saved");
    let against = |directory: &Directory, note: &str| {
        std::fs::write(&saved, note).unwrap();
        let known: Checkpoint = key().verifier().open(note).unwrap();
        let disk = RealDisk::new(&directory.0);
        let ours = verify(&disk, &key().verifier(), vec![known], &mut |_, _| {});
        let (theirs, said) = python(&directory.0, Some(&saved));
        assert_eq!(ours.is_ok(), theirs, "{said}");
        theirs
    };
    assert!(against(&directory, &first) && against(&directory, &second), "it goes on from both");
    assert!(!against(&before, &second), "rolled back");
    // The same log key signs another history from there on.
    let _third = real(&before, key(), 700..1_100);
    assert!(against(&before, &first));
    assert!(!against(&before, &second), "forked");
    let _ = std::fs::remove_file(saved);
}

#[test]
fn a_log_of_another_key_is_not_this_one() {
    let directory = Directory::new("another");
    let _note = real(&directory, LogKey::new(ORIGIN, &[8; 32]), 0..10);
    std::fs::write(directory.0.join("log.pub"), key().verifier().to_text()).unwrap();
    assert!(verify(&RealDisk::new(&directory.0), &key().verifier(), Vec::new(), &mut |_, _| {}).is_err());
    assert!(!python(&directory.0, None).0);
}

#[test]
fn the_verifier_in_python_reads_contents_and_a_journal_that_was_not_ended() {
    let directory = Directory::new("contents");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&directory.0));
    let keeper = Box::new(FileKeeper::open(Arc::clone(&disk), 1).unwrap());
    std::fs::write(directory.0.join("log.pub"), key().verifier().to_text()).unwrap();
    let mut writer =
        Writer::open(disk, key(), keeper, Settings { threaded: false, ..Settings::default() }, &mut |_| {}).unwrap();
    for number in 0..290 {
        writer.append(&[record(number)]).unwrap();
    }
    // It is not ended: the journal is still there.
    std::mem::forget(writer);
    let output = verifier_in_python()
        .arg(&directory.0)
        .arg("--key")
        .arg(directory.0.join("log.pub"))
        .arg("--contents")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected: String =
        (0..290).map(|number| format!("{number} {}\n", String::from_utf8(record(number).content).unwrap())).collect();
    assert_eq!(said, expected);
}
