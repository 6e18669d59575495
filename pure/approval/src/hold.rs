//! A hold: a request that waits for people, as a state machine without a clock of its own.

use std::fmt;

use model::ReviewerName;
use pdp::{Assurance, Person, Role};

use crate::ApprovalRequest;

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// Do it.
    Approve,
    /// Do not.
    Deny,
    /// Do it, on my word alone: the glass is broken. For people of the group [`BREAK_GLASS`], alarmed, and looked at afterwards.
    BreakGlass,
}

/// The group whose members may approve alone in an emergency.
pub const BREAK_GLASS: &str = "break-glass";

impl Vote {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::BreakGlass => "break-glass",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Approve, Self::Deny, Self::BreakGlass].into_iter().find(|said| said.as_str() == text)
    }
}

/// A person's answer. Its maker has checked the proof behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The reviewer.
    pub reviewer: ReviewerName,
    /// The vote.
    pub said: Vote,
    /// How sure we are that it was them.
    pub assurance: Assurance,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// The state of a hold. Every state but the first is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// Waiting.
    Open,
    /// Enough people said yes in time.
    Approved,
    /// A reviewer denied it.
    Denied,
    /// No reviewer decided in time.
    Expired,
    /// The client is gone, or the daemon was restarted: the answer could not arrive.
    Lost,
}

impl HoldState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Lost => "lost",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Approved, Self::Denied, Self::Expired, Self::Lost].into_iter().find(|it| it.as_str() == text)
    }
}

/// Why an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRefused {
    /// The hold is decided already.
    Decided(HoldState),
    /// It came at or after the deadline.
    TooLate,
    /// This person answered already.
    Again,
    /// The person owns the agent.
    Owner,
    /// This person's role answers nothing.
    Role(Role),
    /// The policy asks others.
    NoSeat,
    /// They are not among those who may break the glass.
    NotBreakGlass,
    /// The policy wants more assurance than this answer has.
    Assurance(Assurance),
}

impl fmt::Display for AnswerRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(state) => write!(out, "this hold is {} already", state.as_str()),
            Self::TooLate => out.write_str("the time for this hold is over; it was denied"),
            Self::Again => out.write_str("you answered this hold already; another person must"),
            Self::Owner => out.write_str(
                "you own this agent or one above it, so your yes does not count; another reviewer must give it",
            ),
            Self::Role(role) => write!(out, "your role, {}, reads and does not answer", role.as_str()),
            Self::NotBreakGlass => write!(out, "only people of the group `{BREAK_GLASS}` approve alone"),
            Self::NoSeat => out.write_str("this hold asks for others, so your yes would not count; you may say no"),
            Self::Assurance(Assurance::Session) => out.write_str("the policy wants you to be signed in for this hold"),
            Self::Assurance(Assurance::Totp) => out.write_str("the policy wants a code for this hold"),
            Self::Assurance(Assurance::Signature) => {
                out.write_str("the policy wants a signature for this hold (a passkey in the browser, or `--ssh-key`)")
            }
        }
    }
}

impl std::error::Error for AnswerRefused {}

/// A hold with the answers so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    question: ApprovalRequest,
    answers: Vec<Answer>,
    state: HoldState,
}

impl Hold {
    /// A new, open hold.
    pub const fn open(question: ApprovalRequest) -> Self {
        Self { question, answers: Vec::new(), state: HoldState::Open }
    }

    /// What it asks.
    pub const fn question(&self) -> &ApprovalRequest {
        &self.question
    }

    /// The answers that counted.
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// Its state.
    pub const fn state(&self) -> HoldState {
        self.state
    }

    /// Takes an answer: the hold as it is then. The old value stays as it was, for a compare-and-set on the store. `people` are
    /// all who are enrolled, as they are now: a person whose role was taken away since does not count.
    pub fn answered(&self, answer: Answer, people: &[Person]) -> Result<Self, AnswerRefused> {
        if self.state != HoldState::Open {
            return Err(AnswerRefused::Decided(self.state));
        }
        if answer.at_ms >= self.question.expires_at_ms {
            return Err(AnswerRefused::TooLate);
        }
        let person = people.iter().find(|person| person.name == answer.reviewer);
        let person = person.ok_or(AnswerRefused::Role(Role::Viewer))?;
        if !person.role.answers() {
            return Err(AnswerRefused::Role(person.role));
        }
        if answer.said != Vote::Deny && self.question.answers_for(&answer.reviewer) {
            return Err(AnswerRefused::Owner);
        }
        if answer.said != Vote::Deny && answer.assurance < self.question.quorum.assurance {
            return Err(AnswerRefused::Assurance(self.question.quorum.assurance));
        }
        if answer.said == Vote::BreakGlass && !person.groups.iter().any(|group| group == BREAK_GLASS) {
            return Err(AnswerRefused::NotBreakGlass);
        }
        if answer.said == Vote::Approve && !self.question.quorum.has_seat(person) {
            return Err(AnswerRefused::NoSeat);
        }
        if self.answers.iter().any(|given| given.reviewer == answer.reviewer) {
            return Err(AnswerRefused::Again);
        }
        let mut next = self.clone();
        if answer.said == Vote::BreakGlass {
            next.answers.push(answer);
            next.state = HoldState::Approved;
            return Ok(next);
        }
        next.answers.push(answer);
        let said = |person: &&Person| next.answers.iter().find(|given| given.reviewer == person.name).map(|it| it.said);
        let agreed: Vec<&Person> = people.iter().filter(|person| said(person) == Some(Vote::Approve)).collect();
        let could: Vec<&Person> = people
            .iter()
            .filter(|person| !self.question.answers_for(&person.name) && said(person) != Some(Vote::Deny))
            .collect();
        let quorum = &self.question.quorum;
        let denied = next.answers.iter().any(|given| given.said == Vote::Deny);
        // A no that is no veto ends it where the others could not be enough any more.
        if denied && (quorum.veto || !quorum.is_met(&could)) {
            next.state = HoldState::Denied;
        } else if quorum.is_met(&agreed) {
            next.state = HoldState::Approved;
        }
        Ok(next)
    }

    /// The hold once no answer is possible.
    pub fn ended(&self, state: HoldState) -> Self {
        let mut next = self.clone();
        if self.state == HoldState::Open {
            next.state = match state {
                HoldState::Expired => HoldState::Expired,
                HoldState::Open | HoldState::Approved | HoldState::Denied | HoldState::Lost => HoldState::Lost,
            };
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, AnswerRefused, ApprovalRequest, Hold, HoldState, Vote};
    use model::{AgentName, Digest, HoldId, RequestDigest, ReviewerName};
    use pdp::{Assurance, Person, Quorum, Role};

    fn hold(people: u8, assurance: Assurance) -> Hold {
        Hold::open(ApprovalRequest {
            id: HoldId::new(1, 1),
            request: RequestDigest::carried(Digest::of_bytes(b"r")),
            agent: AgentName::parse("bot").unwrap(),
            owner: ReviewerName::parse("olga").unwrap(),
            above: Vec::new(),
            quorum: Quorum { people, assurance, ..Quorum::DEFAULT },
            expires_at_ms: 1_000,
        })
    }

    fn people() -> Vec<Person> {
        ["rita", "sam", "tom", "olga"]
            .map(|name| Person { name: ReviewerName::parse(name).unwrap(), role: Role::Reviewer, groups: Vec::new() })
            .to_vec()
    }

    fn answer(who: &str, said: Vote, at_ms: u64) -> Answer {
        Answer { reviewer: ReviewerName::parse(who).unwrap(), said, assurance: Assurance::Totp, at_ms }
    }

    #[test]
    fn one_yes_in_time_is_enough_for_one() {
        let hold = hold(1, Assurance::Totp);
        assert_eq!(hold.answered(answer("rita", Vote::Approve, 999), &people()).unwrap().state(), HoldState::Approved);
        assert_eq!(hold.answered(answer("rita", Vote::Approve, 1_000), &people()), Err(AnswerRefused::TooLate));
    }

    #[test]
    fn two_means_two_people_and_a_no_ends_it() {
        let hold = hold(2, Assurance::Totp);
        let once = hold.answered(answer("rita", Vote::Approve, 1), &people()).unwrap();
        assert_eq!(once.state(), HoldState::Open);
        assert_eq!(once.answered(answer("rita", Vote::Approve, 2), &people()), Err(AnswerRefused::Again));
        assert_eq!(once.answered(answer("sam", Vote::Approve, 2), &people()).unwrap().state(), HoldState::Approved);
        let denied = once.answered(answer("sam", Vote::Deny, 2), &people()).unwrap();
        assert_eq!(denied.state(), HoldState::Denied);
        assert_eq!(
            denied.answered(answer("tom", Vote::Approve, 3), &people()),
            Err(AnswerRefused::Decided(HoldState::Denied))
        );
    }

    #[test]
    fn whoever_answers_for_an_agent_above_cannot_say_yes_but_can_say_no() {
        let question = ApprovalRequest {
            above: vec![ReviewerName::parse("rita").unwrap()],
            ..hold(1, Assurance::Totp).question().clone()
        };
        let hold = Hold::open(question);
        for said in [Vote::Approve, Vote::BreakGlass] {
            assert_eq!(hold.answered(answer("rita", said, 1), &people()), Err(AnswerRefused::Owner));
        }
        assert_eq!(hold.answered(answer("rita", Vote::Deny, 1), &people()).unwrap().state(), HoldState::Denied);
        assert_eq!(hold.answered(answer("sam", Vote::Approve, 1), &people()).unwrap().state(), HoldState::Approved);
    }

    #[test]
    fn the_owner_cannot_say_yes_but_can_say_no() {
        let hold = hold(1, Assurance::Totp);
        assert_eq!(hold.answered(answer("olga", Vote::Approve, 1), &people()), Err(AnswerRefused::Owner));
        assert_eq!(hold.answered(answer("olga", Vote::Deny, 1), &people()).unwrap().state(), HoldState::Denied);
    }

    #[test]
    fn a_code_is_no_signature() {
        let hold = hold(1, Assurance::Signature);
        assert_eq!(
            hold.answered(answer("rita", Vote::Approve, 1), &people()),
            Err(AnswerRefused::Assurance(Assurance::Signature))
        );
    }

    #[test]
    fn what_ended_stays_ended() {
        let expired = hold(1, Assurance::Totp).ended(HoldState::Expired);
        assert_eq!(
            expired.answered(answer("rita", Vote::Approve, 1), &people()),
            Err(AnswerRefused::Decided(HoldState::Expired))
        );
        assert_eq!(expired.ended(HoldState::Lost).state(), HoldState::Expired);
    }
}
