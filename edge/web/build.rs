//! Embeds the dashboard that `cargo xtask ui` built; without one, a page that says how to build it.

#![allow(clippy::expect_used, clippy::panic, reason = "a build that cannot go on must fail")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where we are"));
    let built = root.join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", built.display());
    println!("cargo::rerun-if-changed=src/stub.html");
    let mut files = Vec::new();
    if built.join("index.html").exists() {
        walk(&built, &built, &mut files);
    } else {
        files.push(("index.html".to_owned(), root.join("src/stub.html")));
    }
    files.sort();
    let mut out = String::from("pub(crate) static FILES: &[(&str, &str, &[u8])] = &[\n");
    for (name, path) in files {
        let kind = kind(&name);
        writeln!(out, "    ({name:?}, {kind:?}, include_bytes!({:?})),", path.display()).expect("a string takes it");
    }
    out.push_str("];\n");
    let to = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where to")).join("files.rs");
    std::fs::write(to, out).expect("the list is written");
}

fn walk(root: &Path, directory: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        println!("cargo::rerun-if-changed={}", path.display());
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            files.push((name, path));
        }
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        other => panic!("`{name}`: no media type for `{other}` is known"),
    }
}
