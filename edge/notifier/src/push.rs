//! Notices on people's own devices (Web Push).

use notification::{Notice, PushKey, SecretKey, Subscription};
use protocol::PushTarget;
use ureq::Agent;

use crate::senders::kind;

/// People's devices, and what sending to them takes. Calls block.
pub trait Devices: Send + Sync + 'static {
    /// All of them.
    fn all(&self) -> Vec<PushTarget>;

    /// The push service does not know one any more.
    fn gone(&self, endpoint: &str);

    /// The key by which push services know us.
    fn key(&self) -> &PushKey;

    /// A key and a salt that serve once.
    fn once(&self) -> Option<(SecretKey, [u8; 16])>;
}

/// How long a push service keeps a notice for a device that is off, in seconds: a hold that is older is over.
const KEEP_S: &str = "600";

/// Tells every device of those who do not own the agent. Each is tried once: its service keeps what it took.
pub(crate) fn push(agent: &Agent, at: &notification::Push, devices: &dyn Devices, notice: &Notice) {
    let Some(text) = notification::push_text(notice) else { return };
    let hold = match notice {
        Notice::Waits { hold, .. } | Notice::Closed { hold, .. } => Some(hold),
        Notice::Flood { .. } => None,
    };
    let is_for = |target: &PushTarget| !hold.is_some_and(|hold| hold.answers_for(&target.reviewer));
    let urgency = if matches!(notice, Notice::Closed { .. }) { "low" } else { "high" };
    for target in devices.all().into_iter().filter(is_for) {
        let Ok(to) = Subscription::read(&target.endpoint, &target.p256dh, &target.auth, &at.hosts) else { continue };
        let body = devices.once().and_then(|(once, salt)| to.encrypt(&text, &once, &salt));
        let Some(body) = body else { continue };
        let who = devices.key().authorization(&to, &at.contact, crate::now_ms() / 1_000);
        let sent = agent
            .post(to.endpoint())
            .header("authorization", who)
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", KEEP_S)
            .header("urgency", urgency)
            .send(&body[..]);
        match sent.map(|answer| answer.status().as_u16()) {
            Ok(404 | 410) => devices.gone(to.endpoint()),
            Ok(status) if (200..300).contains(&status) => {}
            Ok(status) => {
                eprintln!("countersign-gate: push: a device of {} was not notified ({status})", target.reviewer)
            }
            Err(why) => {
                eprintln!("countersign-gate: push: a device of {} was not notified ({})", target.reviewer, kind(&why))
            }
        }
    }
}
