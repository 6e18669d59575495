//! Fuzz targets: parsers of untrusted text, fed with unlikely texts. A target must return, whatever it
//! is given; a panic is a find, and so is an input that takes longer than [`MAX_INPUT_TIME`].

mod rules;

use std::time::Duration;

use understand::{Dialect, Subject, Surroundings, read_blind};

/// How long one input may take before it counts as a hang.
pub const MAX_INPUT_TIME: Duration = Duration::from_secs(2);

/// A target: its name, what it is fed with, and what it does with it.
#[derive(Debug)]
pub struct Target {
    /// The name on the command line.
    pub name: &'static str,
    /// Makes an input from dice and seeds.
    pub make: fn(&mut Dice, &[String]) -> String,
    /// Feeds it.
    pub feed: fn(&str),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "shell", make: mutated, feed: |text| drop(read_blind(text)) },
    Target { name: "grammar", make: grammatical, feed: |text| drop(read_blind(text)) },
    Target { name: "sql", make: mutated, feed: |text| read_as(Subject::Sql(text, Dialect::Any)) },
    Target { name: "code", make: code, feed: |text| drop(read_blind(text)) },
    Target { name: "rules", make: rules::make, feed: rules::feed },
    Target { name: "secrets", make: mutated, feed: |text| drop(redact::mask(text, "salt")) },
];

fn read_as(subject: Subject<'_>) {
    let around =
        Surroundings { cwd: Some("/work/project"), home: Some("/home/agent"), ..understand::Surroundings::default() };
    drop(understand::settle(subject, around, &mut model::Facts::default(), &mut |_| model::Fact::Unknown));
}

/// Numbers that are the same for the same seed.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `most`.
    pub fn next(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0).checked_rem(most).unwrap_or(0)
    }

    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list.get(self.next(list.len())).copied().unwrap()
    }
}

const MARKS: &[&str] = &[
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "((",
    "))",
    "$(",
    "`",
    "\"",
    "'",
    "\\",
    "$",
    "${",
    "$'",
    "$\"",
    "<<",
    "<<<",
    "<<-",
    "<(",
    ">(",
    ">",
    ">>",
    "<",
    "&",
    "&&",
    "|",
    "||",
    ";",
    ";;",
    ";&",
    "\n",
    "\r",
    "\t",
    " ",
    "#",
    "!",
    "~",
    "*",
    "?",
    "=",
    "+=",
    ":-",
    "//",
    "%%",
    "##",
    "@P",
    "^^",
    ",",
    "..",
    "{a,b}",
    "{1..9}",
    "if",
    "then",
    "fi",
    "for",
    "do",
    "done",
    "case",
    "esac",
    "in",
    "while",
    "function",
    "coproc",
    "time",
    "select",
    "eval",
    "sh -c",
    "xargs",
    "find . -exec",
    "\u{202e}",
    "\u{200b}",
    "é",
    "\u{0}",
    "\u{1b}[",
    "-",
    "--",
    "/",
    ".",
    "a",
    "0",
    "-9",
];

/// A seed with pieces taken out, put in, doubled, or joined to another.
fn mutated(dice: &mut Dice, seeds: &[String]) -> String {
    let mut text: Vec<char> =
        seeds.get(dice.next(seeds.len())).map(|it| it.chars().take(600).collect()).unwrap_or_default();
    for _ in 0..=dice.next(6) {
        let at = dice.next(text.len().saturating_add(1));
        match dice.next(6) {
            0 => text.truncate(at),
            1 => drop(text.splice(at..at, dice.pick(MARKS).chars())),
            2 if !text.is_empty() => drop(text.remove(at.min(text.len().saturating_sub(1)))),
            3 => {
                let piece: Vec<char> = text.iter().skip(at).take(dice.next(12)).copied().collect();
                for _ in 0..dice.next(8) {
                    text.splice(at..at, piece.clone());
                }
            }
            4 => {
                let other: Vec<char> =
                    seeds.get(dice.next(seeds.len())).map(|it| it.chars().take(200).collect()).unwrap_or_default();
                text.splice(at..at, other);
            }
            _ => drop(text.splice(at..at, char::from_u32(u32::try_from(dice.next(0x2100)).unwrap_or(65)))),
        }
    }
    text.into_iter().take(4_000).collect()
}

/// A text put together by the shell's grammar, and now and then broken.
fn grammatical(dice: &mut Dice, seeds: &[String]) -> String {
    fn word(dice: &mut Dice, depth: usize, seeds: &[String]) -> String {
        match dice.next(if depth == 0 { 6 } else { 14 }) {
            0 => "a".to_owned(),
            1 => "'b c'".to_owned(),
            2 => "\"$x\"".to_owned(),
            3 => "/etc/x".to_owned(),
            4 => "*.c".to_owned(),
            5 => "-x".to_owned(),
            6 => format!("\"$({})\"", list(dice, depth - 1, seeds)),
            7 => format!("`{}`", list(dice, 0, seeds)),
            8 => format!("${{x:-{}}}", word(dice, depth - 1, seeds)),
            9 => format!("$(({} + 1))", word(dice, depth - 1, seeds)),
            10 => format!("{{{},{}}}", word(dice, 0, seeds), word(dice, depth - 1, seeds)),
            11 => format!("<({})", list(dice, depth - 1, seeds)),
            12 => format!("${{x[{}]}}", word(dice, depth - 1, seeds)),
            _ => format!("$'{}'", "\\x41\\u00e9\\'"),
        }
    }
    fn list(dice: &mut Dice, depth: usize, seeds: &[String]) -> String {
        if depth == 0 {
            return match dice.next(3) {
                0 => seeds.get(dice.next(seeds.len())).cloned().unwrap_or_default(),
                _ => format!(
                    "{} {}",
                    dice.pick(&[
                        "ls", "rm", "find", "sudo", "git", "xargs", "sed", "awk", "curl", "sh", "env", "tar", "docker"
                    ]),
                    word(dice, 0, seeds)
                ),
            };
        }
        let one = list(dice, depth - 1, seeds);
        match dice.next(14) {
            0 => format!("{one}; {}", list(dice, depth - 1, seeds)),
            1 => format!("{one} && {}", list(dice, 0, seeds)),
            2 => format!("{one} | {}", list(dice, 0, seeds)),
            3 => format!("({one})"),
            4 => format!("{{ {one}; }}"),
            5 => format!("if {one}; then {one}; fi"),
            6 => format!("for x in {}; do {one}; done", word(dice, depth, seeds)),
            7 => format!("while {one}; do {}; done", list(dice, 0, seeds)),
            8 => format!("case {} in {}) {one} ;; esac", word(dice, depth, seeds), word(dice, 0, seeds)),
            9 => format!("f() {{ {one}; }}; f"),
            10 => format!("x={} {one}", word(dice, depth, seeds)),
            11 => format!("{one} > {}", word(dice, depth, seeds)),
            12 => format!("cat <<X\n{one}\n$({one})\nX\n"),
            _ => format!("[[ {} == {} ]] || {one}", word(dice, depth, seeds), word(dice, 0, seeds)),
        }
    }
    let depth = dice.next(4);
    let text = list(dice, depth, seeds);
    if dice.next(5) == 0 { mutated(dice, &[text]) } else { text }
}

/// Code of other languages behind their interpreters.
fn code(dice: &mut Dice, seeds: &[String]) -> String {
    let program = dice.pick(&[
        "python3 -c",
        "perl -e",
        "ruby -e",
        "node -e",
        "php -r",
        "lua -e",
        "awk",
        "sed",
        "jq",
        "psql -c",
        "sqlite3 a.db",
        "sed -n",
        "perl -ne",
    ]);
    let inside = mutated(dice, seeds).replace('\'', "'\\''");
    format!("{program} '{inside}'")
}
