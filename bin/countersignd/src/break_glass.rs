//! Emergency approvals by one member of the break-glass group. They resolve a deadlock, and do not bypass the policy: a denied or
//! blocked request is not held and cannot be approved. The record has it first; all are notified; another person reviews it within a day.

use host::clock;
use pdp::Role;
use protocol::{BrokenGlassView, OperatorReply, OperatorRequest};
use record::Change;

use crate::change_authorization::proved;
use crate::state::Daemon;

/// Time within which another person must review it.
const DAY_MS: u64 = 86_400_000;

/// The number of emergency approvals without a review, and how many of these are overdue.
pub(crate) fn unseen(daemon: &Daemon) -> Result<(usize, usize), String> {
    let rows = daemon.store.broken().map_err(|why| why.to_string())?;
    let unseen: Vec<_> = rows.iter().filter(|row| row.reviewed_by.is_none()).collect();
    let since = clock::now_ms().saturating_sub(DAY_MS);
    Ok((unseen.len(), unseen.iter().filter(|row| row.at_ms < since).count()))
}

/// Lists them, or records a review.
pub(crate) fn answer(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    let rows = daemon.store.broken().map_err(|why| why.to_string())?;
    let OperatorRequest::ReviewBrokenGlass { hold, note, by } = message else {
        let view = |row: state_sqlite::BrokenRow| BrokenGlassView {
            hold: row.hold,
            reviewer: row.reviewer,
            at_ms: row.at_ms,
            reviewed_by: row.reviewed_by,
        };
        return Ok(OperatorReply::BrokenGlass { broken: rows.into_iter().map(view).collect() });
    };
    if note.trim().is_empty() || note.len() > 4_096 {
        return Err("say what you found, in 4096 bytes at most".to_owned());
    }
    let row = rows.iter().find(|row| row.hold == *hold).ok_or("this hold has no emergency approval")?;
    let who = proved(daemon, message, by, Role::Senior)?;
    if who.as_str() == row.reviewer {
        return Err("an emergency approval must be reviewed by a different person".to_owned());
    }
    if let Some(before) = &row.reviewed_by {
        return Err(format!("{before} has already reviewed it"));
    }
    let _receipt = daemon.record(Change::BrokenGlassReviewed {
        hold: hold.clone(),
        broken_by: row.reviewer.clone(),
        by: who.to_string(),
        why: daemon.redactor.text(note.trim()),
    })?;
    let noted = daemon.store.review_broken(hold, who.as_str(), clock::now_ms()).map_err(|why| why.to_string())?;
    if noted {
        Ok(OperatorReply::Done { what: format!("{hold}: reviewed by {who}") })
    } else {
        Err("another person reviewed it at the same time".to_owned())
    }
}
