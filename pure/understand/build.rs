//! Compiles what is known of programs and languages into tables, so that knowing thousands costs nothing at start-up.
//!
//! A mistake in a file stops the build and names the file and the key.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a mistake in the data must stop the build"
)]

#[path = "build/exact.rs"]
mod exact;
#[path = "build/languages.rs"]
mod languages;
#[path = "build/places.rs"]
mod places;
#[path = "build/programs.rs"]
mod programs;
#[path = "build/variables.rs"]
mod variables;

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build");
    let target = std::env::var("OUT_DIR").expect("OUT_DIR");
    let write =
        |name: &str, text: String| std::fs::write(Path::new(&target).join(name), text).expect("a writable OUT_DIR");
    write("programs.rs", programs::compile());
    write("languages.rs", languages::compile());
    write("words.rs", languages::words());
    write("exact.rs", exact::compile());
    write("places.rs", places::compile());
    write("variables.rs", variables::compile());
}
