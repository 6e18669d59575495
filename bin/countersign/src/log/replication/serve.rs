//! A log's public files over HTTP. Only names of the specification are answered: keys stand in the same directory.

use std::path::Path;
use std::process::ExitCode;

use log_store::{Files as _, RealDisk};
use tiny_http::{Header, Method, Request, Response, Server};

/// Serves until the process is ended.
pub(super) fn main(directory: &Path, listen: &str, contents: bool) -> Result<ExitCode, String> {
    let disk = RealDisk::new(directory);
    let server = Server::http(listen).map_err(|why| format!("`{listen}`: {why}"))?;
    println!("serving the public files of `{}` at http://{}", directory.display(), server.server_addr());
    super::serve_all(&server, |request| {
        let found = name_of(&request, contents).map(|name| (disk.read(&name), name == log_store::CHECKPOINT));
        // The client may be gone by now.
        let _ = match found {
            Some((Ok(Some(bytes)), changes)) => {
                let kept: &[u8] = if changes { b"no-cache" } else { b"public, max-age=31536000, immutable" };
                let response = Response::from_data(bytes);
                match Header::from_bytes(&b"Cache-Control"[..], kept) {
                    Ok(header) => request.respond(response.with_header(header)),
                    Err(()) => request.respond(response),
                }
            }
            Some((Err(_), _)) => request.respond(Response::empty(500)),
            Some((Ok(None), _)) | None => request.respond(Response::empty(404)),
        };
    });
    Ok(ExitCode::SUCCESS)
}

/// The file that is asked for, if it is one for everybody.
fn name_of(request: &Request, contents: bool) -> Option<String> {
    if *request.method() != Method::Get {
        return None;
    }
    public_name(request.url().strip_prefix('/')?, contents)
}

fn public_name(name: &str, contents: bool) -> Option<String> {
    let numbered = |rest: &str| {
        let plain = |part: &str| {
            let part = part.strip_suffix(".p").unwrap_or(part);
            let digits = part.strip_prefix('x').unwrap_or(part);
            !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        rest.split('/').all(plain)
    };
    let public = name == log_store::CHECKPOINT
        || name.strip_prefix("tile/entries/").is_some_and(numbered)
        || name.strip_prefix("tile/").is_some_and(numbered)
        || (contents && name.strip_prefix("payload/").is_some_and(numbered));
    public.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::public_name;

    #[test]
    fn nothing_but_the_public_files_is_served() {
        for name in ["checkpoint", "tile/0/000", "tile/1/x001/234.p/7", "tile/entries/x012/x345/678"] {
            assert!(public_name(name, false).is_some(), "{name}");
        }
        assert!(public_name("payload/000", true).is_some());
        for name in [
            "payload/000",
            "log.key",
            "keys/ring.json",
            "keys/data",
            "journal/newest",
            "tile/../log.key",
            "tile/0/../../log.key",
            "tile//etc/passwd",
            "tile/0/%2e%2e/log.key",
            "lock",
            "",
            "tile/0/0000",
            "tile/entries/",
            "checkpoint/../log.key",
        ] {
            assert_eq!(public_name(name, false), None, "{name}");
        }
        assert_eq!(public_name("payload/../log.key", true), None);
    }
}
