//! Listening: a thread for each connection, within limits, and a clean end.

use std::collections::BTreeMap;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use host::socket;
use model::PeerCredentials;

use crate::state::{Daemon, lock};
use crate::{agent_connection, operator_api, policy, tickets};

/// The most connections of agents at once. One more is closed before it is read.
const MAX_AGENT_CONNECTIONS: usize = 2_048;

/// The most connections of one user id: one agent cannot take all places.
const MAX_CONNECTIONS_PER_UID: usize = 1_536;

/// The most connections of people's tools at once, and of the web gate.
const MAX_OPERATOR_CONNECTIONS: usize = 128;

/// The stack of a connection's thread. Deep texts are read on a thread of their own.
const STACK_BYTES: usize = 4 * 1024 * 1024;

type ServeConnection = fn(&Daemon, &UnixStream, PeerCredentials);

/// Whether a user may connect. Others are closed before they take a place.
type MayConnect = fn(&Daemon, u32) -> bool;

/// Serves until asked to end.
pub(crate) fn run(daemon: &Arc<Daemon>) -> Result<(), String> {
    let say = |why: std::io::Error| why.to_string();
    let operators = socket::listen(&daemon.layout.operator_socket(), 0o600).map_err(say)?;
    let agents = socket::listen(&daemon.layout.agent_socket(), 0o666).map_err(say)?;
    // The kernel names the connecting user, so the mode excludes no account: the gate's user is in none of our groups.
    let web = socket::listen(&daemon.layout.web_socket(), 0o666).map_err(say)?;
    accept(operators, Arc::clone(daemon), (operator_api::may, operator_api::converse), MAX_OPERATOR_CONNECTIONS)?;
    accept(web, Arc::clone(daemon), (operator_api::may_carry, operator_api::carry), MAX_OPERATOR_CONNECTIONS)?;
    accept(agents, Arc::clone(daemon), (|_, _| true, agent_connection::converse), MAX_AGENT_CONNECTIONS)?;
    policy::watch(daemon)?;
    tickets::watch(daemon).map_err(say)?;
    host::service_supervisor::wait_for_end(Some(&|| drop(policy::reload(daemon, record::PolicyReason::Signal))))
        .map_err(say)?;
    daemon.paces.keep_all(daemon)?;
    // Enforcement points that still wait see the connection close, and refuse.
    daemon.pin()
}

/// Threads that accept and serve. There is always one more than are busy, so that a connection is served by the thread
/// that accepted it, without a further wake-up; a few stay when they have nothing to do.
struct ConnectionPool {
    listener: UnixListener,
    daemon: Arc<Daemon>,
    may: MayConnect,
    serve: ServeConnection,
    most: usize,
    places: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    /// Threads that wait in `accept`.
    waiting: usize,
    /// Connections being served, by user id.
    taken: BTreeMap<u32, usize>,
}

/// How many threads stay when nothing is to do.
const IDLE_THREADS: usize = 8;

fn accept(
    listener: UnixListener,
    daemon: Arc<Daemon>,
    (may, serve): (MayConnect, ServeConnection),
    most: usize,
) -> Result<(), String> {
    let door = Arc::new(ConnectionPool { listener, daemon, may, serve, most, places: Mutex::default() });
    door.add_thread().map_err(|why| why.to_string())
}

impl ConnectionPool {
    fn add_thread(self: &Arc<Self>) -> std::io::Result<()> {
        self.count_waiting(1);
        let door = Arc::clone(self);
        let started = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || door.work());
        if started.is_err() {
            self.count_waiting(-1);
        }
        started.map(drop)
    }

    fn count_waiting(&self, change: isize) {
        let mut places = lock(&self.places);
        places.waiting = places.waiting.saturating_add_signed(change);
    }

    fn work(self: &Arc<Self>) {
        loop {
            let accepted = self.listener.accept();
            let seen = accepted.as_ref().ok().and_then(|(stream, _)| socket::peer(stream).ok());
            let (Ok((stream, _)), Some(seen)) = (accepted, seen) else {
                // Out of descriptors: the client is refused by silence; do not spin.
                std::thread::sleep(std::time::Duration::from_millis(10));
                continue;
            };
            if !(self.may)(&self.daemon, seen.uid) {
                continue;
            }
            let last = {
                let mut places = lock(&self.places);
                let all: usize = places.taken.values().sum();
                let own = places.taken.entry(seen.uid).or_default();
                if all >= self.most || *own >= MAX_CONNECTIONS_PER_UID {
                    continue;
                }
                *own = own.saturating_add(1);
                places.waiting = places.waiting.saturating_sub(1);
                places.waiting == 0
            };
            if last && self.add_thread().is_err() {
                eprintln!("countersignd: no memory for another thread; connections wait");
            }
            // One broken conversation is that conversation's end, and a refusal for its caller.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.serve)(&self.daemon, &stream, seen)));
            drop(stream);
            let mut places = lock(&self.places);
            if let Some(own) = places.taken.get_mut(&seen.uid) {
                *own = own.saturating_sub(1);
            }
            if places.waiting >= IDLE_THREADS {
                return;
            }
            places.waiting = places.waiting.saturating_add(1);
        }
    }
}
