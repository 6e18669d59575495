//! Holds and spent permits.

use approval::{Hold, HoldState, Vote};
use model::{HoldId, PermitId, RequestDigest};
use rusqlite::params;

use crate::reviewers::{integer, unsigned};
use crate::{Durability, Failed, Store};

/// An emergency approval.
#[derive(Clone, Debug)]
pub struct BrokenRow {
    /// The hold.
    pub hold: String,
    /// The reviewer.
    pub reviewer: String,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Who looked at it afterwards.
    pub reviewed_by: Option<String>,
}

impl Store {
    /// Stores a new hold, in order. Its deadline is fixed from here on; all readers use this one.
    ///
    /// # Errors
    /// The store failed; then there is no hold, and the request is refused.
    pub fn add_hold(&self, hold: &Hold) -> Result<(), Failed> {
        let question = hold.question();
        let connection = self.taken(Durability::InOrder);
        let mut insert = connection.prepare_cached(
            "INSERT INTO holds (id, request, agent, owner, people, assurance, timeout_s, expires_at_ms, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        insert.execute(params![
            question.id.as_str(),
            question.request.to_string(),
            question.agent.as_str(),
            question.owner.as_str(),
            question.quorum.people,
            question.quorum.assurance.as_str(),
            question.quorum.timeout_s,
            integer(question.expires_at_ms),
            hold.state().as_str(),
        ])?;
        Ok(())
    }

    /// Moves a hold on, if it is still what `before` says: compare-and-set. Says whether this call did it. What breaks the
    /// glass is durable, as a person must review it afterwards; the rest is in order, as the record has the answer already.
    ///
    /// # Errors
    /// The store failed; then nothing changed.
    pub fn move_on(&self, before: &Hold, after: &Hold) -> Result<bool, Failed> {
        let broke = after.answers().last().filter(|answer| answer.said == Vote::BreakGlass);
        let mut connection = self.taken(if broke.is_some() { Durability::Durable } else { Durability::InOrder });
        let transaction = connection.transaction()?;
        let version = i64::try_from(before.answers().len()).unwrap_or(i64::MAX);
        let changed = transaction
            .prepare_cached(
                "UPDATE holds SET state = ?2, version = ?3 WHERE id = ?1 AND state = 'open' AND version = ?4",
            )?
            .execute(params![
                before.question().id.as_str(),
                after.state().as_str(),
                i64::try_from(after.answers().len()).unwrap_or(i64::MAX),
                version
            ])?;
        if changed != 1 {
            return Ok(false);
        }
        for answer in after.answers().iter().skip(before.answers().len()) {
            let insert = "INSERT INTO answers (hold, reviewer, said, assurance, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.prepare_cached(insert)?.execute(params![
                before.question().id.as_str(),
                answer.reviewer.as_str(),
                answer.said.as_str(),
                answer.assurance.as_str(),
                integer(answer.at_ms)
            ])?;
        }
        if let Some(broke) = broke {
            transaction.execute(
                "INSERT INTO break_glass (hold, reviewer, at_ms) VALUES (?1, ?2, ?3)",
                params![before.question().id.as_str(), broke.reviewer.as_str(), integer(broke.at_ms)],
            )?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// Every time that the glass was broken, oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub fn broken(&self) -> Result<Vec<BrokenRow>, Failed> {
        let connection = self.reading();
        let mut statement =
            connection.prepare("SELECT hold, reviewer, at_ms, reviewed_by FROM break_glass ORDER BY at_ms")?;
        let rows = statement.query_map([], |row| {
            let at_ms = unsigned(row, 2).unwrap_or(0);
            Ok(BrokenRow { hold: row.get(0)?, reviewer: row.get(1)?, at_ms, reviewed_by: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes a review. Returns false if it was reviewed before.
    ///
    /// # Errors
    /// The store failed.
    pub fn review_broken(&self, hold: &str, by: &str, at_ms: u64) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE break_glass SET reviewed_by = ?2, reviewed_ms = ?3 WHERE hold = ?1 AND reviewed_by IS NULL",
            params![hold, by, integer(at_ms)],
        )?;
        Ok(changed == 1)
    }

    /// Ends every hold that is still open: its client was connected to an earlier run of the daemon.
    ///
    /// # Errors
    /// The store failed.
    pub fn lose_open_holds(&self) -> Result<Vec<HoldId>, Failed> {
        let connection = self.connection();
        let mut statement = connection.prepare("UPDATE holds SET state = ?1 WHERE state = 'open' RETURNING id")?;
        let rows = statement.query_map([HoldState::Lost.as_str()], |row| row.get::<_, String>(0))?;
        rows.map(|row| HoldId::parse(&row?).map_err(|_| Failed::Corrupt("hold"))).collect()
    }

    /// Spends a permit. Says no if it was spent before.
    ///
    /// # Errors
    /// The store failed; then the permit is not spent and nothing may be done.
    pub fn spend(&self, permit: &PermitId, request: &RequestDigest, at_ms: u64) -> Result<bool, Failed> {
        let connection = self.connection();
        let mut insert = connection.prepare_cached(
            "INSERT INTO spent_permits (id, request, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
        )?;
        let added = insert.execute(params![permit.as_str(), request.to_string(), integer(at_ms)])?;
        Ok(added == 1)
    }
}

#[cfg(test)]
mod tests {
    use crate::Store;
    use approval::{Answer, ApprovalRequest, Hold, HoldState, Vote};
    use model::{AgentName, Digest, HoldId, PermitId, RequestDigest, ReviewerName};
    use pdp::{Assurance, Person, Quorum, Role};

    fn store(name: &str) -> (Store, std::path::PathBuf) {
        let path = std::env::temp_dir().join(format!("countersign-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        (Store::open(&path).unwrap(), path)
    }

    fn hold(random: u128) -> Hold {
        Hold::open(ApprovalRequest {
            id: HoldId::new(1, random),
            request: RequestDigest::carried(Digest::of_bytes(b"r")),
            agent: AgentName::parse("bot").unwrap(),
            owner: ReviewerName::parse("olga").unwrap(),
            above: Vec::new(),
            quorum: Quorum::DEFAULT,
            expires_at_ms: 1_000,
        })
    }

    #[test]
    fn of_two_answers_at_once_one_counts() {
        let (store, _) = store("race");
        let hold = hold(1);
        store.add_hold(&hold).unwrap();
        let answers: Vec<Hold> = [("rita", Vote::Approve), ("sam", Vote::Deny)]
            .into_iter()
            .map(|(who, said)| {
                let reviewer = ReviewerName::parse(who).unwrap();
                hold.answered(
                    Answer { reviewer: reviewer.clone(), said, assurance: Assurance::Totp, at_ms: 5 },
                    &[Person { name: reviewer, role: Role::Reviewer, groups: Vec::new() }],
                )
                .unwrap()
            })
            .collect();
        let won: Vec<bool> = std::thread::scope(|scope| {
            let racing: Vec<_> =
                answers.iter().map(|after| scope.spawn(|| store.move_on(&hold, after).unwrap())).collect();
            racing.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
    }

    #[test]
    fn a_permit_is_spent_once_even_after_a_restart() {
        let (store, path) = store("spend");
        let (permit, request) = (PermitId::new(1, 1), RequestDigest::carried(Digest::of_bytes(b"r")));
        assert!(store.spend(&permit, &request, 1).unwrap());
        assert!(!store.spend(&permit, &request, 2).unwrap());
        drop(store);
        assert!(!Store::open(&path).unwrap().spend(&permit, &request, 3).unwrap());
    }

    #[test]
    fn holds_that_were_open_at_a_restart_are_lost() {
        let (store, path) = store("lost");
        let hold = hold(2);
        store.add_hold(&hold).unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.lose_open_holds().unwrap(), [hold.question().id.clone()]);
        assert!(!store.move_on(&hold, &hold.ended(HoldState::Expired)).unwrap());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let path = std::env::temp_dir().join(format!("countersign-store-damaged-{}", std::process::id()));
        std::fs::write(&path, b"SQLite format 3\0 and then nothing that makes sense").unwrap();
        assert!(Store::open(&path).is_err());
    }
}
