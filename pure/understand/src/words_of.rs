//! Lists of words, compiled from `languages/`.

include!(concat!(env!("OUT_DIR"), "/words.rs"));
