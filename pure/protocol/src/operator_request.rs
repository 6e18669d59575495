//! What people's tools say on the operator's socket.

use serde::{Deserialize, Serialize};

use crate::proof::{EnrolmentAuthority, NewFactor, Password, RuleWish, Vouch};
use crate::push_target::PushTarget;
use crate::views::{AgentAttributes, ReviewerAttributes};

/// From a person's tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorRequest {
    /// Which holds are open? With `follow`, what changes comes after the list.
    Holds {
        /// Whether updates follow.
        follow: bool,
    },
    /// An answer to a hold.
    Answer {
        /// The hold.
        hold: String,
        /// `approve`, `deny`, `ask` (a denial for now, with a question to the agent), or `break-glass`.
        said: String,
        /// Who says it, and the proof. With a session the name may be empty: it is the session's.
        by: Vouch,
        /// The session through which it is said. One that ended takes no answer.
        #[serde(default)]
        session: Option<String>,
        /// Others that the same proof answers: an approval covers identical holds, a denial any of the same agent.
        #[serde(default)]
        also: Vec<String>,
        /// With an approval: a rule that is made from it.
        #[serde(default)]
        rule: Option<RuleWish>,
        /// With a denial: the message to the agent. With break-glass: the reason; it is recorded.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Is there single sign-on, and which way?
    SignOnWay,
    /// Begins a sign-in with the provider of `signon.toml`, with a nonce.
    BeginSignOn,
    /// The provider said who they are.
    FinishSignOn {
        /// Its token, as it came.
        token: String,
        /// What was fresh at the beginning.
        nonce: String,
    },
    /// A signed-in person turns notifications on this device on or off.
    Push {
        /// The session.
        token: String,
        /// The device.
        target: PushTarget,
        /// Whether they want them.
        on: bool,
    },
    /// Which devices are notified?
    PushTargets,
    /// The push service does not know a device any more.
    DropPush {
        /// Its address.
        endpoint: String,
    },
    /// A signed-in person hands a hold to another reviewer.
    HandOver {
        /// The session.
        token: String,
        /// The hold.
        hold: String,
        /// The receiving reviewer.
        to: String,
        /// What they should know.
        #[serde(default)]
        note: Option<String>,
    },
    /// When was the glass broken, and who looked at it?
    BrokenGlass,
    /// Records the review of an emergency approval.
    ReviewBrokenGlass {
        /// The hold.
        hold: String,
        /// What they found.
        note: String,
        /// The reviewer: a different person.
        by: Vouch,
    },
    /// A new agent.
    AddAgent {
        /// Its name.
        name: String,
        /// Who answers for it.
        owner: String,
        /// The agent on whose orders it acts, if it does.
        #[serde(default)]
        under: Option<String>,
        /// The only user id that may use its key, if it is bound to one.
        uid: Option<u32>,
        /// Where it belongs, and how far it is trusted.
        #[serde(default)]
        place: AgentAttributes,
        /// The authorising person. Not needed for an agent that no rule favours.
        #[serde(default)]
        by: Option<Vouch>,
    },
    /// An agent belongs elsewhere, or is trusted otherwise.
    PlaceAgent {
        /// Its name.
        name: String,
        /// The new attributes.
        place: AgentAttributes,
        /// The authorising person.
        by: Vouch,
    },
    /// An agent is removed: its key is none any more, and what it does or waits for ends.
    RemoveAgent {
        /// Its name.
        name: String,
        /// The authorising person. Not needed where adding it needed none.
        #[serde(default)]
        by: Option<Vouch>,
    },
    /// An agent gets another key: the old one is refused from now on, and what was asked with it ends.
    RotateAgentKey {
        /// Its name.
        name: String,
        /// The authorising person. Not needed where adding it needed none.
        #[serde(default)]
        by: Option<Vouch>,
    },
    /// Which flags are set?
    Flags,
    /// Sets or clears a flag.
    Flag {
        /// Its name.
        name: String,
        /// Set, or clear.
        on: bool,
        /// The authorising person. Not needed to set `incident` or `freeze`.
        by: Option<Vouch>,
    },
    /// Reads the policy's files again.
    Reload,
    /// Which rules are there?
    Rules,
    /// A rule made of an approval, or by hand.
    AddRule {
        /// The rule, as in a file: one `[[rule]]`.
        text: String,
        /// The digest of the request whose approval it comes from.
        request: Option<String>,
        /// The reason.
        reason: String,
        /// The authorising person.
        by: Vouch,
    },
    /// A rule that was made does not apply any more.
    RemoveRule {
        /// Its id.
        id: String,
        /// The authorising person.
        by: Vouch,
    },
    /// A rule that was made ends sooner.
    ExpireRule {
        /// Its id.
        id: String,
        /// When, as a date and time (RFC 3339).
        end: String,
        /// The authorising person.
        by: Vouch,
    },
    /// Which rules could be made of a hold?
    Candidates {
        /// The hold.
        hold: String,
    },
    /// Which agents are there?
    Agents,
    /// A new reviewer.
    AddReviewer {
        /// Name.
        name: String,
        /// An SSH public key, or nothing for a code generator.
        ssh_key: Option<String>,
        /// Role and groups. The very first person is an operator.
        place: ReviewerAttributes,
        /// An operator who vouches for the new person. Not needed for the first.
        vouch: Option<Vouch>,
    },
    /// Another role and other groups for a person.
    PlaceReviewer {
        /// Name.
        name: String,
        /// Role and groups.
        place: ReviewerAttributes,
        /// An operator.
        by: Vouch,
    },
    /// Removes a person.
    RemoveReviewer {
        /// Name.
        name: String,
        /// An operator.
        by: Vouch,
    },
    /// Which reviewers are there?
    Reviewers,
    /// Signs a person in, to look.
    SignIn {
        /// Who, and the proof.
        by: Vouch,
    },
    /// Metrics.
    Metrics,
    /// Parts of requests that ended, for a collector of traces. They are kept from the first time on that this is asked.
    Spans {
        /// From this count on.
        after: u64,
    },
    /// Asks people something that must be denied and is never run, to see whether they read.
    Canary {
        /// The agent that seems to ask.
        agent: String,
        /// What it seems to ask for.
        command: String,
        /// The authorising person.
        by: Vouch,
    },
    /// Something fresh for a passkey to sign.
    Challenge,
    /// Makes a one-time enrolment link for a person.
    Invite {
        /// Name, or nothing where they choose it (the very first person).
        name: Option<String>,
        /// Role and groups. The very first person is an operator.
        place: ReviewerAttributes,
        /// An operator. Not needed for the first person.
        by: Option<Vouch>,
    },
    /// Begins the enrolment of a factor.
    BeginEnrolment {
        /// What lets them.
        who: EnrolmentAuthority,
    },
    /// They set it up.
    FinishEnrolment {
        /// From the beginning.
        ticket: String,
        /// What they will prove themself with.
        factor: NewFactor,
        /// With an authenticator app, for a person without a password: the password to sign in with.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Changes a person's password. All their sessions end.
    SetPassword {
        /// The new one.
        password: Password,
        /// Who, and the proof: with the old one, where there is one.
        by: Vouch,
    },
    /// Whose session is this?
    Session {
        /// Its token.
        token: String,
        /// This use keeps it alive.
        keep: bool,
    },
    /// A signed-in person stops an agent, one of its sessions, or everything: it only tightens, so a session is enough. To let
    /// go again, the flag is cleared with a proof.
    Stop {
        /// The session's token.
        token: String,
        /// The agent; nothing for everything.
        agent: Option<String>,
        /// The session of it.
        session: Option<String>,
    },
    /// A signed-in person reads the record.
    Read {
        /// The session's token.
        token: String,
        /// The query.
        what: crate::LogQuery,
    },
    /// A signed-in person views a recording: its lines follow, until its end.
    Watch {
        /// The session's token.
        token: String,
        /// Its id.
        recording: String,
        /// One that goes on, as it goes on; otherwise with secrets masked.
        live: bool,
    },
    /// A signed-in person views agent activity. With `follow`, it comes again after changes: once a second at most.
    Work {
        /// The session's token.
        token: String,
        /// Whether updates follow.
        follow: bool,
    },
    /// A notification about a hold goes out over a channel. It is recorded.
    #[serde(rename = "told")]
    Notified {
        /// The hold.
        hold: String,
        /// The channel.
        channel: String,
        /// Half of its time is over, so the backup gets it.
        half: bool,
    },
    /// A click in Slack, as it came: we check it.
    SlackClick {
        /// `X-Slack-Request-Timestamp`.
        at: String,
        /// `X-Slack-Signature`.
        signature: String,
        /// The body.
        body: String,
    },
    /// A message in Teams, as it came: we check it.
    TeamsMessage {
        /// `Authorization`.
        authorization: String,
        /// The body.
        body: String,
    },
    /// A session ends.
    SignOut {
        /// Its token.
        token: String,
    },
    /// How are things?
    Status,
}
