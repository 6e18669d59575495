//! Push subscriptions: devices on which people are notified of holds.

use host::clock;
use notification::{Channels, Subscription};
use protocol::{OperatorReply, PushTarget};
use record::Access;
use state_sqlite::DeviceRow;

use crate::state::Daemon;
use crate::web_sessions;

/// Adds or removes a device of the signed-in person.
pub(crate) fn set(daemon: &Daemon, token: &str, target: PushTarget, on: bool) -> Result<OperatorReply, String> {
    let who = match web_sessions::kept(daemon, token) {
        Ok(row) => row.person.name,
        Err(why) => return Ok(OperatorReply::SignedOut { why }),
    };
    if !on {
        daemon.store.drop_device(&target.endpoint, Some(who.as_str())).map_err(|why| why.to_string())?;
        return Ok(OperatorReply::Done { what: "notifications on this device are off".to_owned() });
    }
    let off = "notices on devices are not set up here: [push] in channels.toml";
    let text = host::files::read_small(&daemon.layout.channels(), 256 * 1024).map_err(|why| why.to_string())?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(off)?;
    let push = Channels::parse(&text).map_err(|why| why.to_string())?.push.ok_or(off)?;
    Subscription::read(&target.endpoint, &target.p256dh, &target.auth, &push.hosts)?;
    let _receipt = daemon.record(Access::DeviceAdded { reviewer: who.to_string() })?;
    let PushTarget { endpoint, p256dh: key, auth, .. } = target;
    let row = DeviceRow { reviewer: who.to_string(), endpoint, key, auth };
    daemon.store.add_device(&row, clock::now_ms()).map_err(|why| why.to_string())?;
    Ok(OperatorReply::Done { what: "notifications on this device are on".to_owned() })
}

/// All of those who could answer something.
pub(crate) fn all(daemon: &Daemon) -> Result<OperatorReply, String> {
    let people = daemon.store.people().map_err(|why| why.to_string())?;
    let answers = |name: &str| people.iter().any(|it| it.name.as_str() == name && it.role.answers());
    let rows = daemon.store.devices().map_err(|why| why.to_string())?;
    let targets = rows.into_iter().filter(|row| answers(&row.reviewer)).map(|row| {
        let DeviceRow { reviewer, endpoint, key: p256dh, auth } = row;
        PushTarget { reviewer, endpoint, p256dh, auth }
    });
    Ok(OperatorReply::PushTargets { targets: targets.collect() })
}

/// The push service does not know it any more.
pub(crate) fn drop(daemon: &Daemon, endpoint: &str) -> Result<OperatorReply, String> {
    daemon.store.drop_device(endpoint, None).map_err(|why| why.to_string())?;
    Ok(OperatorReply::Done { what: "dropped".to_owned() })
}
