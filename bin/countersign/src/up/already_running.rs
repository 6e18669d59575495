//! One `up` for one installation: a second one would start programs that end at once, without end, next to those that serve.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::Path;

use host::install_paths::Layout;

/// Takes the lock of this installation. It is held for as long as the file is open, and ends with the process.
///
/// # Errors
/// The installation runs already: the message names the process and the directory.
pub(super) fn lock(layout: &Layout, is_one_directory: bool) -> Result<File, String> {
    // The lock is on a directory that is there before any program of the firewall starts, so that it needs no extra file.
    let directory = match (is_one_directory, layout.run.parent()) {
        (true, Some(parent)) => parent,
        (_, _) => {
            host::files::private_directory(&layout.run).map_err(|why| format!("`{}`: {why}", layout.run.display()))?;
            &layout.run
        }
    };
    let fail = |why: std::io::Error| format!("`{}`: {why}", directory.display());
    let lock = File::open(directory).map_err(fail)?;
    let is_free = host::files::lock_alone(&lock).is_ok();
    // Programs that were started one by one hold no lock, and serve all the same.
    for (name, socket) in [("countersignd", layout.agent_socket()), ("countersign-logd", layout.log_socket())] {
        if let Some(pid) = server_of(&socket) {
            return Err(format!(
                "Countersign runs already in `{}`: {name}, process {pid}. Nothing was started or changed. \
                 To look at it, run `countersign doctor`; to run another, give it a directory: `countersign up --dir DIR --web 127.0.0.1:PORT`",
                directory.display()
            ));
        }
    }
    if is_free {
        Ok(lock)
    } else {
        Err(format!(
            "another `countersign up` is starting or ending in `{}`. Nothing was started or changed",
            directory.display()
        ))
    }
}

/// The process that listens at a socket, if one does.
fn server_of(socket: &Path) -> Option<u32> {
    let stream = UnixStream::connect(socket).ok()?;
    host::socket::peer(&stream).ok().map(|peer| peer.pid)
}
