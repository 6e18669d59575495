//! What one command of a pipeline hands to the next, where that can be known: a literal text, through decoders and
//! filters, or names of files under some place.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use model::Arg;

use crate::{find, listed, print};

/// The longest literal text that is followed through a pipeline.
const MAX_TEXT_BYTES: usize = 32 * 1024;

/// Standard output of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// Exactly this text.
    pub(crate) text: Option<String>,
    /// The text is compressed, and by which program's format.
    packed: Option<&'static str>,
    /// Names end with a NUL, so that none can pass for two.
    pub(crate) nul: bool,
    /// One word without slashes or blanks: a date, a number, a machine's name.
    word: bool,
    /// A program that need not be there made the text.
    pub(crate) may_lack: bool,
    /// Names of files that this pattern matches, one a line.
    pub(crate) found: Option<String>,
    /// The roots and the expression of the `find` that printed them.
    pub(crate) search: Option<(Vec<Arg>, Vec<Arg>)>,
}

impl Stream {
    fn of_text(text: Option<String>) -> Self {
        Self { text: text.filter(|text| text.len() <= MAX_TEXT_BYTES), ..Self::default() }
    }

    fn of_files(pattern: String) -> Self {
        Self { found: Some(pattern), ..Self::default() }
    }

    /// The text, where it is one that a reader gets as it is.
    pub(crate) fn plain(&self) -> Option<String> {
        self.text.clone().filter(|_| self.packed.is_none())
    }

    /// A pattern for what is printed, where it is one word without slashes or blanks.
    pub(crate) fn pattern(&self) -> Option<String> {
        self.word.then(|| "*".to_owned())
    }

    /// What a command writes when this comes in.
    pub(crate) fn through(&self, argv: &[Arg], cwd: Option<&str>) -> Self {
        let Some((name, args)) = argv.split_first().and_then(|(head, args)| Some((head.known()?, args))) else {
            return Self::default();
        };
        let words: Option<Vec<&str>> = args.iter().map(Arg::known).collect();
        let name = name.rsplit('/').next().unwrap_or(name);
        match (name, words.as_deref()) {
            ("sudo" | "doas" | "command" | "nohup" | "time" | "env", _)
                if args.first().is_some_and(|arg| !arg.text().starts_with('-')) =>
            {
                return self.through(args, cwd);
            }
            ("find" | "fd" | "fdfind", _) => {
                let nul = args.iter().any(|arg| matches!(arg.text(), "-print0" | "-0" | "--print0"));
                let search = (name == "find").then(|| find::split(args)).map(|(roots, rest)| (roots, rest.to_vec()));
                return match find::found_by(name, args, cwd) {
                    Some(found) => Self { nul, search, ..Self::of_files(found) },
                    None => Self::default(),
                };
            }
            ("ls" | "locate" | "rg" | "grep", _) if self.found.is_none() && self.text.is_none() => {
                // What a pattern matches lies where the pattern says.
                let plain = args.iter().all(|arg| !matches!(arg, Arg::Unknown(_)));
                let places: Vec<&str> = args.iter().map(Arg::text).collect();
                return match listed::names(name, &places, cwd).filter(|_| plain) {
                    Some((found, nul)) => Self { nul, ..Self::of_files(found) },
                    None => Self::default(),
                };
            }
            (_, Some(words)) if self.found.is_some() && listed::passes(name, words, self.nul) => {
                return self.clone();
            }
            _ => {}
        }
        let Some(words) = words else { return Self::default() };
        let one_word = match (name, words.as_slice()) {
            ("date", [format]) => format.strip_prefix('+').is_some_and(is_one_word_of_a_date),
            ("uname", ["-r" | "-m" | "-s" | "-n" | "-p" | "-i"])
            | ("whoami" | "nproc" | "hostname" | "arch" | "uuidgen", [])
            | ("id", ["-u" | "-un" | "-g" | "-gn"]) => true,
            ("hostname", ["-s" | "-f"]) => true,
            ("wc", ["-l" | "-c" | "-w" | "-m"]) => true,
            // With a text or a match it prints whatever it is given.
            ("expr", [left, "+" | "-" | "*" | "/" | "%", right]) => is_count(left) && is_count(right),
            ("grep" | "egrep" | "fgrep", ["-c", pattern]) => !pattern.starts_with('-'),
            _ => false,
        };
        if one_word {
            return Self { word: true, ..Self::default() };
        }
        if let Some(format) = packer(name)
            && words.iter().all(|word| PACKING.contains(word))
        {
            let unpacks = name.contains("cat")
                || name.contains("un")
                || words.iter().any(|it| *it == "--decompress" || (!it.starts_with("--") && it.contains('d')));
            let packed = if unpacks { None } else { Some(format) };
            let text =
                self.text.clone().filter(|_| if unpacks { self.packed == Some(format) } else { self.packed.is_none() });
            return Self { text, packed, may_lack: true, ..Self::default() };
        }
        let from_input = || self.plain();
        let text = match (name, words.as_slice()) {
            ("echo", rest) => print::echo(rest),
            ("printf", ["--", format, rest @ ..] | [format, rest @ ..]) => print::printf(format, rest),
            ("pwd", []) => cwd.map(|cwd| format!("{cwd}\n")),
            ("basename", [path]) => last_part(path).map(|name| format!("{name}\n")),
            ("basename", [path, ending]) => last_part(path).map(|name| {
                let short = name.strip_suffix(ending).filter(|short| !short.is_empty());
                format!("{}\n", short.unwrap_or(name))
            }),
            ("dirname", [path]) if !path.starts_with('-') && !path.contains("//") && *path != "/" => {
                Some(path.trim_end_matches('/').rsplit_once('/').map_or(".\n".to_owned(), |(directory, _)| {
                    format!("{}\n", if directory.is_empty() { "/" } else { directory })
                }))
            }
            ("cat", [] | ["-" | "-u"]) | ("tee", []) => from_input(),
            // Where the last line has no end, or a character has more than one byte, programs differ.
            ("rev", []) => from_input()
                .filter(|text| is_plain_lines(text))
                .map(|text| lines(&text, |line| line.chars().rev().collect())),
            ("tac", []) => from_input()
                .filter(|text| is_plain_lines(text))
                .map(|text| text.split_inclusive('\n').rev().collect::<Vec<_>>().concat()),
            ("base64", ["-d" | "-D" | "--decode"]) => from_input().and_then(|text| decoded(&text.replace('\n', ""))),
            ("base64", ["-di" | "-id"] | ["-d", "-i"] | ["-i", "-d"]) => from_input().and_then(|text| {
                let inside = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
                decoded(&text.chars().filter(inside).collect::<String>())
            }),
            ("openssl", ["base64", "-d"] | ["enc", "-base64", "-d"] | ["base64", "-d", "-A"]) => {
                from_input().and_then(|text| decoded(&text.replace('\n', "")))
            }
            ("xxd", ["-r", "-p"] | ["-p", "-r"] | ["-rp"] | ["-r", "-ps"] | ["-ps", "-r"]) => {
                from_input().and_then(|text| {
                    let plain: String = text.split_whitespace().collect();
                    HEXLOWER_PERMISSIVE.decode(plain.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok())
                })
            }
            ("tr", ["-d", set]) => from_input().and_then(|text| {
                let set = set_of(set)?;
                Some(text.chars().filter(|c| !set.contains(c)).collect())
            }),
            ("tr", [from, to]) if !from.starts_with('-') => from_input().and_then(|text| translated(&text, from, to)),
            _ => None,
        };
        let may_lack = self.may_lack || matches!(name, "xxd" | "tac" | "rev" | "openssl");
        Self { may_lack, ..Self::of_text(text) }
    }
}

/// The format that a compressor or its opposite speaks.
fn packer(name: &str) -> Option<&'static str> {
    match name {
        "gzip" | "gunzip" | "zcat" => Some("gzip"),
        "bzip2" | "bunzip2" | "bzcat" => Some("bzip2"),
        "xz" | "unxz" | "xzcat" => Some("xz"),
        "zstd" | "unzstd" | "zstdcat" => Some("zstd"),
        _ => None,
    }
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| format!("{}\n", change(line))).collect()
}

/// Options of compressors that leave standard input and output as they are.
const PACKING: &[&str] = &[
    "-c",
    "-d",
    "-dc",
    "-cd",
    "-k",
    "-q",
    "-1",
    "-2",
    "-3",
    "-4",
    "-5",
    "-6",
    "-7",
    "-8",
    "-9",
    "--stdout",
    "--decompress",
    "--best",
    "--fast",
];

/// The text after the last slash.
fn last_part(path: &str) -> Option<&str> {
    path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty() && !path.starts_with('-'))
}

fn is_plain_lines(text: &str) -> bool {
    text.is_ascii() && (text.is_empty() || text.ends_with('\n'))
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a format of `date` prints one word without slashes, which no program takes for an option.
fn is_one_word_of_a_date(format: &str) -> bool {
    let mut rest = format.chars();
    let mut first = true;
    while let Some(character) = rest.next() {
        let plain = match character {
            '%' => rest.next().is_some_and(|conversion| "YmdHMSFTsjyVuUNGgIR".contains(conversion)),
            '-' => !first,
            other => matches!(other, '_' | '.' | ':' | 'T' | 'Z') || other.is_ascii_digit(),
        };
        if !plain {
            return false;
        }
        first = false;
    }
    !first
}

/// The decoded bytes of a text in base 64, where they are text.
fn decoded(text: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(text.as_bytes()).ok()?).ok()
}

/// The characters of a set of `tr`: ranges and plain characters; nothing for classes and escapes.
fn set_of(text: &str) -> Option<Vec<char>> {
    if text.contains(['[', '\\']) || !text.is_ascii() || text.is_empty() {
        return None;
    }
    let letters: Vec<char> = text.chars().collect();
    let mut set = Vec::new();
    let mut rest = letters.as_slice();
    loop {
        rest = match rest {
            [] => return Some(set),
            [low, '-', high, more @ ..] => {
                if low > high {
                    return None;
                }
                set.extend(*low..=*high);
                more
            }
            [one, more @ ..] => {
                set.push(*one);
                more
            }
        };
    }
}

fn translated(text: &str, from: &str, to: &str) -> Option<String> {
    let (from, to) = (set_of(from)?, set_of(to)?);
    let last = *to.last()?;
    let change = |c: char| from.iter().rposition(|it| *it == c).map_or(c, |at| to.get(at).copied().unwrap_or(last));
    Some(text.chars().map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::Stream;
    use model::Arg;

    fn piped(commands: &[&[&str]]) -> Option<String> {
        let vector = |words: &[&str]| words.iter().map(|it| Arg::Known((*it).to_owned())).collect::<Vec<_>>();
        commands.iter().fold(Stream::default(), |stream, words| stream.through(&vector(words), Some("/w"))).plain()
    }

    #[test]
    fn literal_texts_are_followed_through_decoders() {
        let touch = Some("touch pwn\n".to_owned());
        assert_eq!(piped(&[&["echo", "touch pwn"]]), touch);
        assert_eq!(piped(&[&["echo", "dG91Y2ggcHduCg=="], &["base64", "-d"]]), touch);
        assert_eq!(piped(&[&["echo", "746f7563682070776e0a"], &["xxd", "-r", "-p"]]), touch);
        assert_eq!(piped(&[&["echo", "nwp hcuot"], &["rev"]]), touch);
        assert_eq!(piped(&[&["echo", "gbhpu cja"], &["tr", "a-z", "n-za-m"]]), touch);
        assert_eq!(piped(&[&["printf", "\\x74ouch pwn\\n"]]), touch);
        assert_eq!(piped(&[&["echo", "touch pwn"], &["gzip", "-c"], &["zcat"]]), touch);
    }

    #[test]
    fn what_is_not_plain_is_not_followed() {
        assert_eq!(piped(&[&["printf", "%d"]]), None);
        assert_eq!(piped(&[&["cat", "notes.txt"]]), None);
        assert_eq!(piped(&[&["echo", "touch pwn"], &["gzip"]]), None);
        assert_eq!(piped(&[&["echo", "touch pwn"], &["zcat"]]), None);
        assert_eq!(piped(&[&["echo", "x"], &["sed", "s/x/y/"]]), None);
        // Shells differ on backslashes; `tr -s` and `expr` do something else than they seem to.
        assert_eq!(piped(&[&["echo", "a\\nb"]]), None);
        assert_eq!(piped(&[&["echo", "x"], &["tr", "-s", "x"]]), None);
        assert_eq!(
            Stream::default().through(&[Arg::Known("expr".into()), Arg::Known("/etc/x".into())], None).pattern(),
            None
        );
    }
}
