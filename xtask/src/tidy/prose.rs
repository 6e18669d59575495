//! Prose: words that hide who acts, and sentences that are too long to read in a hurry.

use super::Tree;

/// Words that the style guide bans from prose, and why they are here: each hides who does something.
const BANNED_WORDS: &[&str] = &[
    concat!("who", "ever"),
    concat!("some", "body"),
    concat!("no", "body"),
    concat!("any", "body"),
    concat!("to", "ld"),
    concat!("sta", "nds"),
    concat!("be", "side"),
    concat!("an", "ew"),
    concat!("in ear", "nest"),
    concat!("of ", "ours"),
];

/// The most words of a sentence.
const MAX_WORDS: usize = 25;

/// What people read: documents, sources and pages. The lock files and other people's words are not.
pub(super) fn read(tree: &Tree) -> impl Iterator<Item = (&String, &String)> {
    tree.iter().filter(|(path, _)| {
        let read = [".md", ".rs", ".toml", ".ts", ".tsx", ".json"].iter().any(|ending| path.ends_with(ending));
        read && !path.ends_with("package-lock.json") && !path.starts_with("corpus/")
    })
}

/// The documents that people write by hand and others read from the beginning.
pub(super) fn manual(tree: &Tree) -> impl Iterator<Item = (&String, &String)> {
    const GENERATED: &[&str] = &["docs/reference/programs.md", "docs/reference/presets.md"];
    tree.iter().filter(|(path, _)| {
        let shelf = !path.contains('/') || path.starts_with("docs/");
        path.ends_with(".md") && shelf && *path != "CHANGELOG.md" && !GENERATED.contains(&path.as_str())
    })
}

/// How many words of a text are banned.
pub(super) fn banned_words(text: &str) -> usize {
    let lower = text.to_ascii_lowercase();
    BANNED_WORDS
        .iter()
        .map(|word| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            lower
                .match_indices(word)
                .filter(|(at, _)| {
                    let before = lower.get(..*at).and_then(|text| text.chars().next_back());
                    let after = lower.get(at.saturating_add(word.len())..).and_then(|text| text.chars().next());
                    edge(before) && edge(after)
                })
                .count()
        })
        .sum()
}

/// How many sentences of a Markdown text are too long. Tables, headings and code do not count; a code span is one word.
pub(super) fn long_sentences(text: &str) -> usize {
    let mut count = 0_usize;
    let mut words = 0_usize;
    let mut fenced = false;
    for line in text.lines() {
        let line = line.trim();
        let fence = line.starts_with("```");
        fenced ^= fence;
        let item =
            line.starts_with("- ") || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let apart = fence || fenced || line.is_empty() || item || line.starts_with(['|', '#', '!', '<']);
        if apart {
            words = 0;
        }
        if apart && !item {
            continue;
        }
        for word in without_spans(line).split_whitespace().filter(|word| word.contains(char::is_alphanumeric)) {
            words = words.saturating_add(1);
            if words == MAX_WORDS.saturating_add(1) {
                count = count.saturating_add(1);
            }
            if word.trim_end_matches(['*', '_', ')', '"']).ends_with(['.', '!', '?', ':']) {
                words = 0;
            }
        }
    }
    count
}

/// A line with `code` in place of each code span, and without the addresses of links.
fn without_spans(line: &str) -> String {
    let plain: String =
        line.split('`').enumerate().map(|(at, part)| if at.is_multiple_of(2) { part } else { "code" }).collect();
    let mut parts = plain.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words_count_as_words() {
        let text = concat!("Who", "ever is to", "ld so st", "ands there; a newcomer is no candidate.");
        assert_eq!(banned_words(text), 3);
    }

    #[test]
    fn sentences_above_the_limit_count_and_shorter_ones_do_not() {
        let long = format!("Start {}end.\n", "word ".repeat(24));
        assert_eq!(long_sentences(&long), 1);
        assert_eq!(long_sentences(&format!("Start {}end.\n", "word ".repeat(23))), 0);
        assert_eq!(long_sentences(&long.replace("word word word", "word.\nWord word")), 0);
        assert_eq!(long_sentences(&format!("| {long}")), 0, "a table");
        assert_eq!(long_sentences(&format!("```\n{long}```\n")), 0, "code");
        assert_eq!(long_sentences(&format!("`{}` is one word.\n", "word ".repeat(40))), 0);
        assert_eq!(long_sentences(&format!("- {long}- Short.\n")), 1);
    }
}
