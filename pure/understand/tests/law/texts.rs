//! Random texts for a shell: control flow over commands that do nothing.

use crate::changes::change;

/// Chooses what a text has.
pub(crate) struct Author {
    state: u64,
    /// How many things the text may still have that a reader is likely to get wrong. A text with many of them is
    /// seldom understood whole, and says nothing then.
    odd: usize,
}

impl Author {
    /// One that writes the same for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        // The finalizer of SplitMix64: neighbouring seeds give texts that have nothing in common.
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mut author = Self { state: state ^ (state >> 31), odd: 0 };
        author.odd = [0, 1, 1, 1, 2, 2, 3, 6][author.next(8)];
        author
    }

    pub(crate) fn next(&mut self, most: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % most
    }

    pub(crate) fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.next(list.len())]
    }

    /// Whether something odd comes here, as it does one time of so many.
    pub(crate) fn is_odd(&mut self, times: usize) -> bool {
        let odd = self.odd > 0 && self.next(times) == 0;
        self.odd -= usize::from(odd);
        odd
    }

    /// A whole text.
    pub(crate) fn text(&mut self) -> String {
        let depth = [1, 1, 2, 2, 2, 3][self.next(6)];
        let start = match self.next(3) {
            0 => "V=alpha; W=one; ",
            1 => "V=beta; ",
            _ => "fun() { $V \"$1\"; }; gun() { W=alpha; }; V=gamma; W=-x; ",
        };
        let end = self.pick(&["$V end $W; ", "", ""]);
        format!("{start}{}; {end}alpha \"$V\" \"$W\"", statement(self, depth))
    }
}

/// Words whose value depends on the state.
const WORDS: &[&str] = &[
    "$W",
    "\"$V\"",
    "\"$W\"",
    "$V $W",
    "\"$1\"",
    "\"$@\"",
    "\"$#\"",
    "in \"${V}/z\"",
    "\"$V\" y",
    "here",
    "\"${1:-$W}\"",
    "\"${V:-none}\"",
];

/// Words whose value depends on the state in a way that a reader is likely to get wrong.
const ODD_WORDS: &[&str] = &[
    "$(($1))",
    "$((V + 1))",
    "$(($# + 1))",
    "${V:$1}",
    "${V:0:$#}",
    "\"${W:0:2}\"",
    "\"${V:1}\"",
    "\"${A[0]}\"",
    "\"${A[@]}\"",
    "\"${A[$1]}\"",
    "\"${M[k]}\"",
    "\"${!V}\"",
    "\"${V#al}\"",
    "\"${V%a}\"",
    "\"${V/a/$W}\"",
    "\"${V^^}\"",
    "${#V}",
    "$((${#W}))",
    "{$V,b}",
    "\"${V+set}\"",
    "\"${W:+more}\"",
    "$?",
    "\"${V:=beta}\"",
    "$((W++))",
    "\"$(beta \"$V\")\"",
    "<(gamma \"$W\")",
    "~+",
    "\"$OLDPWD\"",
    "\"$PWD\"",
    "\"$_\"",
    "\"$*\"",
    "\"${@:2}\"",
    "\"${*:1:1}\"",
    "$'a\\x62'\"$V\"",
];

/// Something that the law is about: a command whose words depend on the state, and seldom its name.
pub(crate) fn call(author: &mut Author) -> String {
    if author.is_odd(6) {
        return odd_call(author);
    }
    match author.next(16) {
        0 => format!("$V {}", author.pick(&["x", "$W", "\"$W\"", "y $V", "\"$1\"", "\"$@\""])),
        1 => format!("$W {}", author.pick(&["k", "\"$V\""])),
        2..=9 => {
            let name = author.pick(&["alpha", "beta", "gamma", "one"]);
            format!("{name} {}", author.pick(WORDS))
        }
        10 => "x=1".to_owned(),
        11 => "alpha".to_owned(),
        12 => format!("{} in \"${{V}}/z\"", author.pick(&["gamma", "fun", "gun"])),
        13 => "fun $V w".to_owned(),
        14 => "fun one".to_owned(),
        _ => "gun \"$W\"".to_owned(),
    }
}

fn odd_call(author: &mut Author) -> String {
    let name = author.pick(&["alpha", "beta", "gamma", "one"]);
    let word = author.pick(WORDS);
    match author.next(24) {
        0..=7 => format!("{name} {}", author.pick(ODD_WORDS)),
        8 => format!("time {name} {word}"),
        9 => format!("! {name} {word}"),
        10 => format!("command {name} {word}"),
        11 => format!("exec {name} {word}"),
        12 => format!("(exec {name} {word})"),
        13 => format!("env W=\"$V\" {name} {word}"),
        14 => format!("{name} {word} {}", author.pick(&["<&9", "< nosuch", "> /dev/null", "2>&1", "<<< \"$V\""])),
        15 => format!("cat <<E\n$\\\n({name} {word})\nE\n:"),
        16 => format!("cat <<E\n$({name} {word})\nE\n:"),
        17 => format!("cat <<'E'\n$({name} {word})\nE\n:"),
        18 => format!(": <<< \"$({name} {word})\""),
        19 => format!("nosuch {word}"),
        20 => format!("sh ./run {word}"),
        21 => format!("[[ $({name} {word}) == *$V* ]]"),
        22 => format!("(( $({name} {word}) + 1 ))"),
        _ => format!("\\{name} {word}"),
    }
}

fn jump(author: &mut Author) -> &'static str {
    author.pick(&["break", "continue", "return", "exit", "break 2", "return 1", "exit 3", "continue 2"])
}

/// The body of a function: it calls none and counts for itself, so that every text ends.
fn body(text: &str) -> String {
    let quiet = text.replace("unset -f fun", ":").replace("unset -f gun", ":");
    // A function defined inside gets a name that nothing calls: one that called itself would start processes without end.
    let quiet = quiet.replace("fun()", "inner()").replace("gun()", "inner()");
    quiet.replace("fun", "alpha").replace("gun", "beta").replace("n1", "m1").replace("n2", "m2")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A part of a text, with up to three parts inside each other.
fn statement(author: &mut Author, depth: usize) -> String {
    let Some(deeper) = depth.checked_sub(1) else {
        return match author.next(16) {
            0..=6 => change(author),
            7 => format!("{} && {}", author.pick(&["true", "false", "alpha"]), jump(author)),
            _ => call(author),
        };
    };
    let [one, two, three] = [(); 3].map(|()| statement(author, deeper));
    if author.is_odd(5) {
        return odd_statement(author, &one, &two, &three);
    }
    match author.next(29) {
        0..=5 => format!("{one}; {two}; {three}"),
        6..=8 => format!("{one} && {two} || {three}"),
        9 => format!("{one} || {two} && {three}"),
        10 => format!("{} && {one} || {two}; {three}", author.pick(&["true", "false"])),
        11 => format!("if {one}; then {two}; else {three}; fi"),
        12 => {
            let [first, second] = [(); 2].map(|()| author.pick(&["true", "false"]));
            format!("if {first}; then {one}; elif {second}; then {two}; fi; {three}")
        }
        13..=15 => case(author, &one, &two, &three),
        16..=20 => repeated(author, depth, &one, &two, &three),
        21 => format!("! {{ {one}; }}; {two}; {three}"),
        22 => format!("({one}; {two}); {three}"),
        23 => format!("{{ {one}; {two}; }}; {three}"),
        24 => format!(
            "fun() {{ {}; {}; }}; {three}; fun {}",
            body(&one),
            body(&two),
            author.pick(&["", "alpha", "$V beta"])
        ),
        25 => format!("gun() {{ {}; }}; {two}; gun one; {three}", body(&one)),
        26 => format!("{} && fun() {{ {}; }}; {two}; {three}", author.pick(&["true", "false"]), body(&one)),
        27 => format!("{one} | {{ {two}; }}; {three}"),
        _ => format!("{{ {one}; }} > /dev/null; {two}; {three}"),
    }
}

fn case(author: &mut Author, one: &str, two: &str, three: &str) -> String {
    match author.next(3) {
        0 => format!("case $V in alpha) {one};; b*) {two};; *) {three};; esac"),
        1 => format!("case x in x) {one};& y) {two};; esac; {three}"),
        _ => format!("case x in x) {one};;& *) {two};; esac; {three}"),
    }
}

/// Loops, which end after a few rounds.
fn repeated(author: &mut Author, depth: usize, one: &str, two: &str, three: &str) -> String {
    match author.next(6) {
        0..=1 => {
            let values = author.pick(&["alpha beta", "one $W", "gamma", "$V x", "\"$@\""]);
            format!("for V in {values}; do {one}; {two}; done; {three}")
        }
        2 => format!("for i in 1 2 3; do {one}; {two}; done; {three}"),
        3 => format!("n{depth}=; while [ ${{#n{depth}}} -lt 3 ]; do n{depth}=x$n{depth}; {one}; {two}; done; {three}"),
        4 => format!("n{depth}=; until [ ${{#n{depth}}} -ge 2 ]; do n{depth}=x$n{depth}; {one}; {two}; done; {three}"),
        _ => format!("for ((i=0; i<2; i++)); do {one}; {two}; done; {three}"),
    }
}

/// A construct that a reader is likely to get wrong.
fn odd_statement(author: &mut Author, one: &str, two: &str, three: &str) -> String {
    let bad = author.pick(&["<&9", "< /nonexistent", ">&8"]);
    match author.next(22) {
        0 => format!("{{ {one}; }} & wait; {two}; {three}"),
        1 => format!("x=$({one}); {two}; {three}"),
        2 => format!("eval {}; {two}; {three}", quoted(one)),
        3 => format!("bash -c {} zero alpha beta; {two}; {three}", quoted(one)),
        4..=6 => format!(
            "trap {} {}; {two}; {three}",
            quoted(one),
            author.pick(&["EXIT", "EXIT", "ERR", "DEBUG", "RETURN", "USR1"])
        ),
        7 => format!("select V in alpha beta; do {one}; break; done <<< {}; {two}; {three}", author.pick(&["1", "2"])),
        8 => format!("coproc {{ {one}; }} < /dev/null; {two}; {three}"),
        9 => format!("time {{ {one}; }}; {two}; {three}"),
        10 => format!("{{ {one}; }} {bad}; {two}; {three}"),
        11 => format!("({one}) {bad}; {two}; {three}"),
        12 => format!("if {one}; then {two}; fi {bad}; {three}"),
        13 => format!("for i in 1 2; do {one}; done {bad}; {two}; {three}"),
        14 => format!("fun() {{ {}; }} {bad}; {two}; fun alpha; {three}", body(one)),
        15 => {
            format!("source /dev/stdin <<'S'\n{one}\n{}\n{two}\nS\n{three}", author.pick(&["return", "return 1", ":"]))
        }
        16 => format!(". <(echo {}); {two}; {three}", quoted(one)),
        17 => format!("fun() ( {}; {} ); {three}; fun alpha", body(one), body(two)),
        18 => format!("{one} & {two} && wait; {three}"),
        19 => format!("({one}) | {two} | {{ {three}; }}"),
        20 => format!("shopt -s lastpipe; {one} | {{ {two}; }}; {three}"),
        _ => format!("set -e; {one} || {two}; {three}"),
    }
}
