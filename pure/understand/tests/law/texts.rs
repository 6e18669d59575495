//! Random texts for a shell: control flow over commands that do nothing.

/// Numbers that are the same for a seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.next(list.len())]
    }
}

/// Values that keep a text understood, of a command's name or a word.
const PLAIN: &[&str] = &["alpha", "beta", "gamma", "one", "-x", "1", "'a b'"];

/// Every kind of value of a variable.
const VALUES: &[&str] =
    &["alpha", "beta", "gamma", "one", "-x", "1", "'a b'", "\"$V\"", "\"$W\"", "$(echo sub)", "\"\""];

/// Something that the law is about: a command whose words depend on the state, and seldom its name.
fn call(dice: &mut Dice) -> String {
    match dice.next(16) {
        0 => format!("$V {}", dice.pick(&["x", "$W", "\"$W\"", "y $V", "\"$1\"", "\"$@\""])),
        1 => format!("$W {}", dice.pick(&["k", "\"$V\""])),
        2..=9 => {
            let name = dice.pick(&["alpha", "beta", "gamma", "one"]);
            let word = dice.pick(&[
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
            ]);
            format!("{name} {word}")
        }
        10 => "x=1".to_owned(),
        11 => "alpha".to_owned(),
        12 => format!("{} in \"${{V}}/z\"", dice.pick(&["gamma", "fun", "gun"])),
        13 => "fun $V w".to_owned(),
        14 => "fun one".to_owned(),
        _ => "gun \"$W\"".to_owned(),
    }
}

/// Something that changes the state, or might: half of the time in a way that is easy to follow.
fn change(dice: &mut Dice) -> String {
    let name = dice.pick(&["V", "W"]);
    let plain = dice.pick(PLAIN);
    match dice.next(20) {
        0..=8 => format!("{name}={plain}"),
        9 => format!("export {name}={plain}"),
        10..=11 => format!("cd {}", dice.pick(&["sub", "..", "sub/deep", "/tmp", "."])),
        12 => format!("set -- {plain} {}", dice.pick(&["alpha", "one"])),
        13 => format!("{name}={plain} {}", dice.pick(&["fun", "gun", ":", "alpha"])),
        _ => odd_change(dice, name),
    }
}

/// A change that may not happen: its redirection fails, its line ends before it, or a function hides its builtin.
fn failing_change(dice: &mut Dice, name: &str) -> String {
    let value = dice.pick(PLAIN);
    let bad = dice.pick(&["<&9", "< /nonexistent", ">&8", "< nosuch"]);
    let error = dice.pick(&["$((1/0))", "${HOME:0:-999}", "$((08))", "${V:?}", "$((2%0))"]);
    match dice.next(9) {
        0 => format!("{name}={value} {bad}"),
        1 => format!("export {name}={value} {bad}"),
        2 => format!("{{ {name}={value}; }} {bad}"),
        3 => format!("cd {} {bad}", dice.pick(&["sub", "..", "/tmp"])),
        4 => format!("set -- {value} {bad}"),
        5 => format!("y={error} {name}={value}\n:"),
        6 => format!(": {error}; {name}={value}\n:"),
        7 => format!("cd {} sub", dice.pick(&["-@", "-e", "-Q"])),
        _ => format!("export() {{ :; }}; export {name}={value}; unset -f export"),
    }
}

/// A change that a reader is likely to get wrong.
fn odd_change(dice: &mut Dice, name: &str) -> String {
    let value = dice.pick(VALUES);
    match dice.next(28) {
        24..=27 => failing_change(dice, name),
        0..=1 => format!("{name}={value}"),
        2 => format!("unset {name}"),
        3 => format!("declare {name}={value}"),
        4 => format!("local {name}={value}"),
        5 => format!("readonly {name}={value}"),
        6 => format!("export {name}={value}"),
        7 => format!(
            "{} {name}={value}",
            dice.pick(&[
                "declare -i",
                "declare -a",
                "declare -p",
                "declare -g",
                "typeset -l",
                "declare -u",
                "local -r"
            ])
        ),
        8 => format!("read {name} <<< {value}"),
        9 => format!("printf -v {name} %s {value}"),
        10 => format!("eval '{name}={}'", dice.pick(&["alpha", "beta", "one"])),
        11 => format!(": ${{{name}:={}}}", dice.pick(&["alpha", "beta"])),
        12 => format!("cd {}", dice.pick(&["sub", "..", "nosuch", "sub/deep", "/tmp", ".", "-"])),
        13 => format!("set -- {} {value}", dice.pick(&["alpha", "one"])),
        14 => "shift".to_owned(),
        15 => {
            format!("trap '{name}={}' {}", dice.pick(&["alpha", "gamma"]), dice.pick(&["DEBUG", "EXIT", "ERR", "USR1"]))
        }
        16 => format!("{name}={value} eval '{name}={}'", dice.pick(&["beta", "gamma"])),
        17 => format!("nice {}", dice.pick(&["cd sub", "export V=beta", "declare W=alpha"])),
        18 => format!("command {}", dice.pick(&["cd sub", "export V=beta", "unset V", "eval V=beta"])),
        19 => format!("{name}+={}", dice.pick(&["x", "1"])),
        20 => dice
            .pick(&["unset -f fun", "unset -f gun", "set -e", "set -a", "pushd sub", "popd", "let V=2", "((W=3))"])
            .to_owned(),
        21 => format!("{name}={value} {}", dice.pick(&["fun", "gun", ":", "alpha"])),
        22 => format!("builtin {}", dice.pick(&["cd sub", "export V=beta", "unset V", "eval V=beta"])),
        _ => format!("{name}=({} {})", dice.pick(&["alpha", "one"]), dice.pick(&["beta", "two"])),
    }
}

fn jump(dice: &mut Dice) -> &'static str {
    dice.pick(&["break", "continue", "return", "exit", "break 2", "return 1", "exit 3", "continue 2"])
}

/// The body of a function: it calls none and counts for itself, so that every text ends.
fn body(text: &str) -> String {
    let quiet = text.replace("unset -f fun", ":").replace("unset -f gun", ":");
    // A function defined inside gets a name that nothing calls: one that called itself would start processes without end.
    let quiet = quiet.replace("fun()", "inner()").replace("gun()", "inner()");
    quiet.replace("fun", "alpha").replace("gun", "beta").replace("n1", "m1").replace("n2", "m2")
}

fn statement(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return match dice.next(16) {
            0..=6 => change(dice),
            7 => format!("{} && {}", dice.pick(&["true", "false", "alpha"]), jump(dice)),
            _ => call(dice),
        };
    }
    let mut part = || {
        let deeper = depth - 1;
        statement(dice, deeper)
    };
    let (one, two, three) = (part(), part(), part());
    match dice.next(34) {
        0..=5 => format!("{one}; {two}; {three}"),
        6..=8 => format!("{one} && {two} || {three}"),
        9 => format!("{one} || {two} && {three}"),
        10 => format!("{} && {one} || {two}; {three}", dice.pick(&["true", "false"])),
        11 => format!("if {one}; then {two}; else {three}; fi"),
        12 => format!(
            "if {}; then {one}; elif {}; then {two}; fi; {three}",
            dice.pick(&["true", "false"]),
            dice.pick(&["true", "false"])
        ),
        13 => format!("case $V in alpha) {one};; b*) {two};; *) {three};; esac"),
        14 => format!("case x in x) {one};& y) {two};; esac; {three}"),
        15 => format!("case x in x) {one};;& *) {two};; esac; {three}"),
        16..=17 => format!(
            "for V in {}; do {one}; {two}; done; {three}",
            dice.pick(&["alpha beta", "one $W", "gamma", "$V x", "\"$@\""])
        ),
        18 => format!("for i in 1 2 3; do {one}; {two}; done; {three}"),
        19 => format!("n{depth}=; while [ ${{#n{depth}}} -lt 3 ]; do n{depth}=x$n{depth}; {one}; {two}; done; {three}"),
        20 => format!("n{depth}=; until [ ${{#n{depth}}} -ge 2 ]; do n{depth}=x$n{depth}; {one}; {two}; done; {three}"),
        21 => format!("! {{ {one}; }}; {two}; {three}"),
        22 => format!("({one}; {two}); {three}"),
        23 => format!("{{ {one}; {two}; }}; {three}"),
        24 => format!(
            "fun() {{ {}; {}; }}; {three}; fun {}",
            body(&one),
            body(&two),
            dice.pick(&["", "alpha", "$V beta"])
        ),
        25 => format!("gun() {{ {}; }}; {two}; gun one; {three}", body(&one)),
        26 => format!("{dead} && fun() {{ {}; }}; {two}; {three}", body(&one), dead = dice.pick(&["true", "false"])),
        27 => format!("{one} | {{ {two}; }}; {three}"),
        28 => format!("{{ {one}; }} & wait; {two}; {three}"),
        29 => format!("x=$({one}); {two}; {three}"),
        30 => format!("eval '{}'; {two}; {three}", one.replace('\'', "'\\''")),
        31 => format!("bash -c '{}' zero alpha beta; {two}; {three}", one.replace('\'', "'\\''")),
        32 => format!("trap '{}' EXIT; {two}; {three}", one.replace('\'', "'\\''")),
        _ => format!("{{ {one}; }} > /dev/null; {two}; {three}"),
    }
}

pub(crate) fn text(dice: &mut Dice) -> String {
    let depth = [1, 1, 2, 2, 2, 3][dice.next(6)];
    let start = match dice.next(3) {
        0 => "V=alpha; W=one; ",
        1 => "V=beta; ",
        _ => "fun() { $V \"$1\"; }; gun() { W=alpha; }; V=gamma; W=-x; ",
    };
    let end = dice.pick(&["$V end $W; ", "", ""]);
    format!("{start}{}; {end}alpha \"$V\" \"$W\"", statement(dice, depth))
}
