//! Listening: a thread for each connection, within limits, and a clean end.

use std::collections::BTreeMap;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use host::socket;
use model::Seen;

use crate::daemon::{Daemon, hold as lock};
use crate::{agents, operators};

/// The most connections of agents at once. One more is closed before it is read.
const MAX_AGENT_CONNECTIONS: usize = 2_048;

/// The most connections of one user id: one agent cannot take all places.
const MAX_CONNECTIONS_PER_UID: usize = 1_536;

/// The most connections of people's tools at once.
const MAX_OPERATOR_CONNECTIONS: usize = 128;

/// The stack of a connection's thread. Deep texts are read on a thread of their own.
const STACK_BYTES: usize = 4 * 1024 * 1024;

type Serve = fn(&Daemon, &UnixStream, Seen);

/// Serves until asked to end.
pub(crate) fn run(daemon: &Arc<Daemon>) -> Result<(), String> {
    let say = |why: std::io::Error| why.to_string();
    let operators = socket::listen(&daemon.layout.operator_socket(), 0o600).map_err(say)?;
    let agents = socket::listen(&daemon.layout.agent_socket(), 0o666).map_err(say)?;
    accept(operators, Arc::clone(daemon), operators::converse, MAX_OPERATOR_CONNECTIONS)?;
    accept(agents, Arc::clone(daemon), agents::converse, MAX_AGENT_CONNECTIONS)?;
    host::supervise::wait_for_end().map_err(say)?;
    // Whoever still waits for people sees the connection close, and refuses.
    daemon.pin()
}

fn accept(listener: UnixListener, daemon: Arc<Daemon>, serve: Serve, most: usize) -> Result<(), String> {
    let places: Arc<Mutex<BTreeMap<u32, usize>>> = Arc::default();
    let listen = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors: whoever asked is refused by silence; do not spin.
                std::thread::sleep(std::time::Duration::from_millis(10));
                continue;
            };
            let Ok(seen) = socket::peer(&stream) else { continue };
            {
                let mut taken = lock(&places);
                let all: usize = taken.values().sum();
                let own = taken.entry(seen.uid).or_default();
                if all >= most || *own >= MAX_CONNECTIONS_PER_UID {
                    continue;
                }
                *own = own.saturating_add(1);
            }
            let (daemon, places) = (Arc::clone(&daemon), Arc::clone(&places));
            let leave = Arc::clone(&places);
            let work = move || {
                // One broken conversation is that conversation's end, and a refusal for its caller.
                let _ = catch_unwind(AssertUnwindSafe(|| serve(&daemon, &stream, seen)));
                give_back(&places, seen.uid);
            };
            if std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).is_err() {
                give_back(&leave, seen.uid);
            }
        }
    };
    std::thread::Builder::new().spawn(listen).map(drop).map_err(|why| why.to_string())
}

fn give_back(places: &Mutex<BTreeMap<u32, usize>>, uid: u32) {
    if let Some(own) = lock(places).get_mut(&uid) {
        *own = own.saturating_sub(1);
    }
}
