//! `countersign-gate notify`: tells people of holds, over the channels of `channels.toml`.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use host::install_paths::Layout;
use notifier::{Delivery, Router};
use protocol::OperatorRequest;

use crate::operator_client::{HoldUpdate, OperatorClient};

/// Pause before the next attempt to reach the daemon.
const AGAIN: Duration = Duration::from_millis(500);

/// Runs until the process ends.
pub(crate) fn main() -> Result<(), String> {
    host::memory::keep_private();
    let layout = Layout::from_environment()?;
    let path = layout.channels();
    let text = host::files::read_small(&path, 256 * 1024).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let text = text.ok_or_else(|| format!("`{}` is not there; see docs/operate/channels.md", path.display()))?;
    let text = String::from_utf8(text).map_err(|_| format!("`{}` is not text", path.display()))?;
    let channels = notification::Channels::parse(&text).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let devices = channels.push.as_ref().map(|_| crate::push_subscriptions::Own::open(&layout)).transpose()?;
    let devices = devices.map(|it| Arc::new(it) as Arc<dyn notifier::Devices>);
    let mut hub = Router::new(&channels, &secret, devices)?;
    if hub.names().is_empty() {
        return Err(format!("`{}` names no channel; see docs/operate/channels.md", path.display()));
    }
    eprintln!("countersign-gate: reviewers are notified over {}", hub.names().join(", "));
    let (tell, told) = channel();
    let following = OperatorClient::new(&layout);
    std::thread::spawn(move || {
        loop {
            let _ = following.follow(&mut |it| tell.send(it).is_ok());
            std::thread::sleep(AGAIN);
        }
    });
    std::thread::spawn(|| {
        let _ = host::service_supervisor::wait_for_end(None);
        std::process::exit(0);
    });
    let link = OperatorClient::new(&layout);
    let mut wait = Duration::ZERO;
    loop {
        let hops = match told.recv_timeout(wait) {
            Ok(HoldUpdate::All(holds)) => hub.all(holds),
            Ok(HoldUpdate::Changed(changed, gone)) => hub.changed(changed, gone),
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return Err("the line to the daemon ended".to_owned()),
        };
        let (due, next) = hub.due();
        wait = next;
        for Delivery { hold, channel, half } in hops.into_iter().chain(due) {
            // What cannot be recorded was said all the same: telling people is no authority.
            let _ = link.ask(&OperatorRequest::Notified { hold, channel: channel.to_owned(), half });
        }
    }
}

/// A secret from a file that only we can read.
pub(crate) fn secret(file: &str) -> Result<String, String> {
    let path = std::path::Path::new(file);
    if host::files::can_be_read_by_others(path).map_err(|why| format!("`{file}`: {why}"))? {
        return Err(format!("`{file}` holds a secret, and others can read it; make it mode 0600"));
    }
    let bytes = host::files::read_small(path, 4_096).map_err(|why| format!("`{file}`: {why}"))?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default().trim().to_owned();
    if text.is_empty() { Err(format!("`{file}` is empty")) } else { Ok(text) }
}
