//! Whatever the disk does, and whenever the power goes: no record that was acknowledged is lost, none is there in part, and
//! the log goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

mod sim;

use std::sync::Arc;

use log_store::{Content, Failed, Files, Reader, Wanted, verify};
use sim::{Chance, Fault, SimDisk, Survives, key, open, record};

/// Small, so that segments are reused many times.
const SEGMENT: usize = 12 * 1024;

/// What was acknowledged: how many records, and the newest checkpoint.
#[derive(Clone, Default)]
struct Acknowledged {
    records: usize,
    /// Records that were sent and may be there.
    sent: usize,
    note: Option<String>,
}

/// Writes some hundred records in batches of many sizes, with a rotation and an end in between. Stops at the first failure
/// after which the log cannot go on.
fn work(disk: &Arc<SimDisk>, records: usize, seed: u64, done: &mut Acknowledged) -> Result<(), String> {
    let mut chance = Chance(seed);
    let mut writer = open(disk, SEGMENT)?;
    while done.records < records {
        if chance.next(40) == 0 {
            writer.close()?;
            writer = open(disk, SEGMENT)?;
        }
        if chance.next(40) == 0 {
            writer.rotate(5)?;
        }
        let first = done.records;
        let count = if chance.next(10) == 0 { 120 } else { 1 + chance.next(20) };
        let batch: Vec<_> = (first..first + count).map(record).collect();
        done.sent = done.sent.max(first + count);
        match writer.append(&batch) {
            Ok(proofs) => {
                for (record, proof) in batch.iter().zip(&proofs) {
                    proof.check(&record.content, &key().verifier()).map_err(|why| why.to_string())?;
                }
                done.records += count;
                done.note = proofs.last().map(|proof| proof.note.clone());
            }
            Err(Failed::Refused(_)) => {}
            Err(Failed::Fatal(why)) => return Err(why),
        }
    }
    writer.close()
}

/// Everything that must hold of a log, after anything.
fn check(disk: &Arc<SimDisk>, done: &Acknowledged) -> Result<(), String> {
    let shared: Arc<dyn Files> = disk.clone();
    let known = done.note.iter().map(|note| key().verifier().open(note).unwrap()).collect();
    let verified = verify(shared.as_ref(), &key().verifier(), known, &mut |_, _| {}).map_err(|why| why.to_string())?;
    let size = usize::try_from(verified.records).unwrap();
    if size < done.records || size > done.sent.max(done.records) {
        return Err(format!("{size} records where {} were acknowledged and {} sent", done.records, done.sent));
    }
    let mut number = 0;
    let mut reader = Reader::open(shared)?;
    reader.each(&Wanted::default(), &mut |found| {
        let Content::Record(found) = found.content else { return Err(format!("record {number}: {:?}", found.content)) };
        if found.content() != record(number).content {
            return Err(format!("record {number} is {found:?}"));
        }
        number += 1;
        Ok(true)
    })?;
    if number == size { Ok(()) } else { Err(format!("{number} of {size} records are read")) }
}

/// The disk comes back as it is; the log is opened, checked, continued and ended.
fn go_on(disk: &Arc<SimDisk>, done: &mut Acknowledged) -> Result<(), String> {
    if done.records == 0 && disk.read("checkpoint").unwrap().is_none() && disk.list("journal").unwrap().is_empty() {
        return Ok(());
    }
    let mut writer = open(disk, SEGMENT)?;
    check(disk, done).map_err(|why| format!("after recovery: {why}"))?;
    let size = usize::try_from(writer.size()).unwrap();
    let proofs = writer.append(&[record(size)]).map_err(|why| why.to_string())?;
    *done = Acknowledged { records: size + 1, sent: size + 1, note: proofs.last().map(|proof| proof.note.clone()) };
    check(disk, done).map_err(|why| format!("after one more: {why}"))?;
    writer.close()?;
    check(disk, done).map_err(|why| format!("after the end: {why}"))
}

/// Every so many steps are tried; `EVERY_STEP=1` tries all.
fn stride() -> usize {
    if std::env::var_os("EVERY_STEP").is_some() { 1 } else { 59 }
}

#[test]
fn the_power_may_go_at_every_step() {
    let whole = SimDisk::with(None);
    work(&whole, 900, 1, &mut Acknowledged::default()).unwrap();
    let steps = whole.steps();
    assert!(steps > 500, "{steps}");
    let mut tried = 0;
    for at in (0..steps).step_by(stride()) {
        for survives in
            [Survives::Nothing, Survives::Everything, Survives::Some(at as u64), Survives::Some(!(at as u64))]
        {
            let disk = SimDisk::with(Some(Fault { at, done: at % 2 == 0, for_ever: true }));
            let mut done = Acknowledged::default();
            let _ = work(&disk, 900, 1, &mut done);
            let mut disk = disk.after_power_loss(survives);
            // And once more while the log is opened.
            if let Survives::Some(seed) = survives {
                disk.set_fault(Some(Fault { at: Chance(seed).next(12), done: false, for_ever: true }));
                let _ = open(&disk, SEGMENT);
                disk = disk.after_power_loss(Survives::Some(seed.wrapping_add(1)));
            }
            go_on(&disk, &mut done).unwrap_or_else(|why| panic!("power lost at step {at}, {survives:?}: {why}"));
            tried += 1;
        }
    }
    println!("{tried} losses of power over {steps} steps");
}

#[test]
fn every_step_may_fail_done_and_not_done() {
    let whole = SimDisk::with(None);
    work(&whole, 600, 2, &mut Acknowledged::default()).unwrap();
    for at in (0..whole.steps()).step_by(stride()) {
        for done in [false, true] {
            let disk = SimDisk::with(Some(Fault { at, done, for_ever: false }));
            let mut acknowledged = Acknowledged::default();
            let ended = work(&disk, 600, 2, &mut acknowledged);
            disk.set_fault(None);
            // Now, and after a loss of power: a flush that failed once is not made good by a second.
            for disk in [disk.after_power_loss(Survives::Nothing), disk] {
                let mut acknowledged = acknowledged.clone();
                go_on(&disk, &mut acknowledged)
                    .unwrap_or_else(|why| panic!("step {at} failed ({done}), work ended {ended:?}: {why}"));
            }
        }
    }
}

#[test]
fn a_log_that_was_ended_is_the_same_when_it_goes_on() {
    let disk = SimDisk::with(None);
    let mut done = Acknowledged::default();
    for records in [1, 2, 255, 256, 257, 300, 512, 700] {
        work(&disk, records, records as u64, &mut done).unwrap();
        check(&disk, &done).unwrap();
        assert!(disk.list("journal").unwrap().is_empty(), "the journal is gone after the end");
    }
}
