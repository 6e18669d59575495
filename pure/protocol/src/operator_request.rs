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
        /// Keep telling.
        follow: bool,
    },
    /// An answer to a hold.
    Answer {
        /// The hold.
        hold: String,
        /// `approve`, `deny`, `ask` (a no for now, with a question to the agent), or `break-glass`.
        said: String,
        /// Who says it, and the proof. With a session the name may be empty: it is the session's.
        by: Vouch,
        /// The session through which it is said. One that ended takes no answer.
        #[serde(default)]
        session: Option<String>,
        /// Others that the same proof answers: with a yes the very same, with a no any of the same agent.
        #[serde(default)]
        also: Vec<String>,
        /// With a yes: a rule that is made of it.
        #[serde(default)]
        rule: Option<RuleWish>,
        /// With a no: what the agent is told. With a broken glass: why; it is recorded.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Is there single sign-on, and which way?
    SignOnWay,
    /// Somebody begins to sign in with the provider of `signon.toml`: something fresh goes with it.
    BeginSignOn,
    /// The provider said who they are.
    FinishSignOn {
        /// Its token, as it came.
        token: String,
        /// What was fresh at the beginning.
        nonce: String,
    },
    /// Somebody who is signed in wants notices on this device, or no more.
    Push {
        /// The session.
        token: String,
        /// The device.
        target: PushTarget,
        /// Whether they want them.
        on: bool,
    },
    /// Which devices are told?
    PushTargets,
    /// The push service does not know a device any more.
    DropPush {
        /// Its address.
        endpoint: String,
    },
    /// Somebody who is signed in gives a hold to somebody else to answer.
    HandOver {
        /// The session.
        token: String,
        /// The hold.
        hold: String,
        /// To whom.
        to: String,
        /// What they should know.
        #[serde(default)]
        note: Option<String>,
    },
    /// When was the glass broken, and who looked at it?
    BrokenGlass,
    /// Somebody looked at it afterwards.
    ReviewBrokenGlass {
        /// The hold.
        hold: String,
        /// What they found.
        note: String,
        /// Who: somebody else.
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
        /// Who says so. Nobody is needed for an agent that no rule lets do more than any other.
        #[serde(default)]
        by: Option<Vouch>,
    },
    /// An agent belongs elsewhere, or is trusted otherwise.
    PlaceAgent {
        /// Its name.
        name: String,
        /// Where to.
        place: AgentAttributes,
        /// Who says so.
        by: Vouch,
    },
    /// An agent is removed: its key is none any more, and what it does or waits for ends.
    RemoveAgent {
        /// Its name.
        name: String,
        /// Who says so. Nobody is needed where nobody was needed to add it.
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
        /// Who says so. Nobody is needed to set `incident` or `freeze`.
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
        /// Why.
        reason: String,
        /// Who says so.
        by: Vouch,
    },
    /// A rule that was made does not apply any more.
    RemoveRule {
        /// Its id.
        id: String,
        /// Who says so.
        by: Vouch,
    },
    /// A rule that was made ends sooner.
    ExpireRule {
        /// Its id.
        id: String,
        /// When, as a date and time (RFC 3339).
        end: String,
        /// Who says so.
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
        /// An operator who vouches for the new one. Nobody is needed for the very first.
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
    /// A person is none of ours any more.
    RemoveReviewer {
        /// Name.
        name: String,
        /// An operator.
        by: Vouch,
    },
    /// Which reviewers are there?
    Reviewers,
    /// Somebody signs in, to look.
    SignIn {
        /// Who, and the proof.
        by: Vouch,
    },
    /// Numbers for whoever watches us.
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
        /// Who says so.
        by: Vouch,
    },
    /// Something fresh for a passkey to sign.
    Challenge,
    /// Somebody may enrol themself, with a link that serves once.
    Invite {
        /// Name, or nothing where they choose it (the very first person).
        name: Option<String>,
        /// Role and groups. The very first person is an operator.
        place: ReviewerAttributes,
        /// An operator. Nobody is needed for the very first.
        by: Option<Vouch>,
    },
    /// Somebody is about to set up what they prove themself with.
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
        /// With a code generator, for somebody who has none yet: the password that they sign in with.
        #[serde(default)]
        password: Option<Password>,
    },
    /// Somebody chooses another password. All their sessions end.
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
    /// Somebody who is signed in stops an agent, one of its sessions, or everything: it only tightens, so it takes no more. To let
    /// go again, the flag is cleared with a proof.
    Stop {
        /// The session's token.
        token: String,
        /// The agent; nothing for everything.
        agent: Option<String>,
        /// The session of it.
        session: Option<String>,
    },
    /// Somebody who is signed in reads the record.
    Read {
        /// The session's token.
        token: String,
        /// What.
        what: crate::LogQuery,
    },
    /// Somebody who is signed in looks at a recording: its lines come, until its end.
    Watch {
        /// The session's token.
        token: String,
        /// Its id.
        recording: String,
        /// One that goes on, as it goes on; otherwise with secrets masked.
        live: bool,
    },
    /// Somebody who is signed in looks where agents work. With `follow`, it comes again when something changed: once a second at most.
    Work {
        /// The session's token.
        token: String,
        /// Keep telling.
        follow: bool,
    },
    /// Somebody is being told of a hold over a channel: a hop, for the record.
    Told {
        /// The hold.
        hold: String,
        /// The channel.
        channel: String,
        /// Half of its time is over: a backup is told.
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
