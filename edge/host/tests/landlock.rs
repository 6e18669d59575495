//! A thread that shut itself in opens nothing but what it kept, and writes nothing; others are as before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;

#[test]
fn what_was_given_up_cannot_be_opened_any_more() {
    let root = std::env::temp_dir().join(format!("countersign-confine-{}", std::process::id()));
    let (kept, other) = (root.join("kept"), root.join("other"));
    for directory in [&kept, &other] {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("file"), "x").unwrap();
    }
    let (theirs, given_up) = (kept.clone(), other.clone());
    let shut_in = std::thread::spawn(move || {
        let held = host::landlock::to(&[&theirs], &[]).unwrap();
        let tries = [
            fs::read(theirs.join("file")).is_ok(),
            fs::read(given_up.join("file")).is_err(),
            fs::read("/etc/passwd").is_err(),
            fs::read_dir("/").is_err(),
            fs::write(theirs.join("new"), "x").is_err(),
            fs::remove_file(theirs.join("file")).is_err(),
            std::process::Command::new("/bin/true").status().is_err(),
        ];
        (held, tries)
    });
    let (held, tries) = shut_in.join().unwrap();
    // On a kernel without Landlock there is nothing to see, and the caller gets an error.
    assert!(!held || tries == [true; 7], "{tries:?}");
    assert!(fs::read(other.join("file")).is_ok());
    fs::remove_dir_all(root).unwrap();
}
