//! `mv` within a project: a name that is free takes a file without loss; everything else removes something.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use model::{Action, Digest, Fact, FactQuery, Facts, FileKind};
use understand::{Subject, Surroundings, settle};

/// Whether a text removes something, where `a.rs`, `taken.rs`, `.env` and `src` are there, and `link` leads out.
fn removes(text: &str) -> bool {
    let around = Surroundings {
        cwd: Some("/home/a/p"),
        home: Some("/home/a"),
        project: Some("/home/a/p"),
        ..Surroundings::default()
    };
    let file = || Fact::File(FileKind::Text(String::new(), Digest::of_bytes(b"")));
    let mut look = |query: &FactQuery| match query {
        FactQuery::Program(name) => Fact::Program(Some(format!("/usr/bin/{name}"))),
        FactQuery::Names(_) => Fact::Unknown,
        FactQuery::RealPath(path) if path.ends_with("/link") => Fact::RealPath("/home/a/other/x".to_owned()),
        FactQuery::RealPath(path) => Fact::RealPath(path.clone()),
        FactQuery::File(path) if path.ends_with("/src") => Fact::File(FileKind::Directory),
        FactQuery::File(path)
            if ["a.rs", "taken.rs", ".env", "link", "/home/a/x"].iter().any(|it| path.ends_with(it)) =>
        {
            file()
        }
        FactQuery::File(_) => Fact::File(FileKind::Missing),
    };
    let intent = settle(Subject::Shell(text), around, &mut Facts::default(), &mut look);
    intent.operations().any(|it| it.action == Action::Delete)
}

#[test]
fn a_free_name_takes_a_file_without_loss() {
    for text in ["mv a.rs b.rs", "mv -v a.rs src/b.rs", "mv -- a.rs ./c.rs"] {
        assert!(!removes(text), "{text}");
    }
}

#[test]
fn what_is_lost_or_hidden_by_a_rename_is_a_removal() {
    for text in [
        "mv a.rs taken.rs",
        "mv a.rs src",
        "mv src new",
        "mv .env notes.txt",
        "mv a.rs ../b.rs",
        "mv ../x b.rs",
        "mv link b.rs",
        "mv a.rs new.rs; mv taken.rs new.rs",
        "echo x > new.rs; mv a.rs new.rs",
        "for f in a.rs taken.rs; do mv $f new.rs; done",
        "mv a.rs taken.rs new/",
        "mv -b a.rs new.rs",
        "cp taken.rs *.rs; mv a.rs new.rs",
    ] {
        assert!(removes(text), "{text}");
    }
}
