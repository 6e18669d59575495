//! The dashboard's files, as they were built in.

use axum::body::Bytes;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

mod files {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// Gives a file; a path without one gives the page, which knows its own paths.
pub(crate) async fn file(uri: Uri) -> Response {
    let wanted = uri.path().trim_start_matches('/');
    let found = files::FILES.iter().find(|(name, _, _)| *name == wanted);
    let page = || files::FILES.iter().find(|(name, _, _)| *name == "index.html").filter(|_| !wanted.contains('.'));
    match found.or_else(page) {
        Some((name, kind, bytes)) => {
            // The names of scripts and styles hold a digest of what is in them.
            let keep = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, keep)], Bytes::from_static(bytes)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}
