//! Changes of the shell's state, or what looks like one.

use crate::texts::Author;

/// Values that keep a text understood, of a command's name or a word.
const PLAIN: &[&str] = &["alpha", "beta", "gamma", "one", "-x", "1", "'a b'"];

/// Every kind of value of a variable.
const VALUES: &[&str] =
    &["alpha", "beta", "gamma", "one", "-x", "1", "'a b'", "\"$V\"", "\"$W\"", "$(echo sub)", "\"\""];

/// Something that changes the state, or might: half of the time in a way that is easy to follow.
pub(crate) fn change(author: &mut Author) -> String {
    let name = author.pick(&["V", "W"]);
    if author.is_odd(2) {
        return match author.next(13) {
            12 => evaluated(author, name),
            0..=1 => failing(author, name),
            2..=4 => assigned(author, name),
            5 => received(author, name),
            6..=7 => of_names(author, name),
            8 => of_options(author),
            9 => of_place(author),
            10 => of_arrays(author, name),
            _ => carried(author, name),
        };
    }
    let plain = author.pick(PLAIN);
    match author.next(14) {
        0..=8 => format!("{name}={plain}"),
        9 => format!("export {name}={plain}"),
        10..=11 => format!("cd {}", author.pick(&["sub", "..", "sub/deep", "/tmp", "."])),
        12 => format!("set -- {plain} {}", author.pick(&["alpha", "one"])),
        _ => format!("{name}={plain} {}", author.pick(&["fun", "gun", ":", "alpha"])),
    }
}

/// Expansions that may be an error, which ends the line.
const ERRORS: &[&str] = &["$((1/0))", "${HOME:0:-999}", "$((08))", "${V:?}", "${nope:?}", "$((2%0))", "$((V))"];

/// Whether a line of a text may end before its end.
pub(crate) fn may_end_a_line(text: &str) -> bool {
    text.contains('\n') && ERRORS.iter().any(|error| text.contains(error))
}

/// A change that may not happen: its redirection fails, its line ends before it, or a function hides its builtin.
fn failing(author: &mut Author, name: &str) -> String {
    let value = author.pick(PLAIN);
    let bad = author.pick(&["<&9", "< /nonexistent", ">&8", "< nosuch"]);
    let error = author.pick(ERRORS);
    match author.next(14) {
        0 => format!("{name}={value} {bad}"),
        1 => format!("export {name}={value} {bad}"),
        2 => format!("{{ {name}={value}; }} {bad}"),
        3 => format!("cd {} {bad}", author.pick(&["sub", "..", "/tmp"])),
        4 => format!("set -- {value} {bad}"),
        5 => format!("y={error} {name}={value}\n:"),
        6 => format!(": {error}; {name}={value}\n:"),
        7 => format!("cd {} sub", author.pick(&["-@", "-e", "-Q"])),
        8 => format!("export() {{ :; }}; export {name}={value}; unset -f export"),
        9 => format!("{} {bad}", author.pick(&["shift", "eval V=beta", "unset V", "read V <<< one", ": ${V:=one}"])),
        10 => format!("exec {bad}"),
        11 => format!("{{ {name}={error}; {name}={value}; }}\n:"),
        12 => format!("if {name}={error}; then :; fi; {name}={value}\n:"),
        _ => format!("for {name} in {error} {value}; do :; done\n:"),
    }
}

/// An assignment, plain or by a builtin.
fn assigned(author: &mut Author, name: &str) -> String {
    let value = author.pick(VALUES);
    match author.next(16) {
        0..=1 => format!("{name}={value}"),
        2 => format!("unset {name}"),
        3 => format!("declare {name}={value}"),
        4..=5 => format!("local {name}={value}"),
        6 => format!("readonly {name}={value}"),
        7 => format!("export {name}={value}"),
        8 => {
            let builtin = author.pick(&[
                "declare -i",
                "declare -a",
                "declare -p",
                "declare -g",
                "typeset -l",
                "declare -u",
                "declare -x",
                "declare +x",
                "local -r",
            ]);
            format!("{builtin} {name}={value}")
        }
        9 => format!("{name}+={}", author.pick(&["x", "1"])),
        10 => format!(": ${{{name}:={}}}", author.pick(&["alpha", "beta"])),
        11 => author.pick(&["let V=2", "((W=3))", "((V++))", ": $((W=1))", "let V+=1 W=V"]).to_owned(),
        12 => format!("set -- {} {value}", author.pick(&["alpha", "one", "1", "--"])),
        13 => author.pick(&["shift", "shift 2", "shift 9", "set --", "set -- \"$@\" alpha", "set - one"]).to_owned(),
        14 => format!("declare -n R={name}; R={value}{}", author.pick(&["", "; unset -n R"])),
        _ => format!("{name}={value} {}", author.pick(&["fun", "gun", ":", "alpha", "export W", "eval 'V=one'"])),
    }
}

/// A variable that a builtin fills from what it reads or is given.
fn received(author: &mut Author, name: &str) -> String {
    let value = author.pick(VALUES);
    match author.next(11) {
        0 => format!("read {name} <<< {value}"),
        1 => "read -r V W <<< 'one beta'".to_owned(),
        2 => format!("printf -v {name} %s {value}"),
        3 => format!("mapfile -t {name} <<< {value}"),
        4 => format!("readarray A <<< {value}"),
        5 => format!("getopts xy: {name} -x"),
        6 => format!("while read {name}; do :; done <<< {value}"),
        7 => format!("echo {value} | read {name}"),
        8 => format!("read {name}"),
        9 => format!("{name}=$(printf %s {value})"),
        _ => format!("read -a A <<< 'beta two'; {name}=${{A[0]}}"),
    }
}

/// What a name means: functions, aliases, and how the shell looks for programs.
///
/// A function of a command's name calls only a command that comes later in the alphabet, so that every text ends.
fn of_names(author: &mut Author, name: &str) -> String {
    let changes = author.pick(&["W=beta", "V=one", "cd sub", "beta own", "set -- gamma"]);
    match author.next(22) {
        0 => author.pick(&["unset -f fun", "unset -f gun"]).to_owned(),
        1 => "alpha() { beta own \"$@\"; }".to_owned(),
        2 => "beta() { gamma own \"$@\"; W=one; }".to_owned(),
        3 => "alpha() { command alpha own \"$@\"; }".to_owned(),
        4 => format!("cd() {{ beta cd \"$1\"; {}; }}", author.pick(&[":", "V=alpha", "builtin cd \"$@\""])),
        5 => format!("{}() {{ {changes}; }}", author.pick(&["true", "false", ":", "echo", "test", "[", "cat"])),
        6 => format!("{}() {{ {changes}; }}", author.pick(&["export", "read", "unset", "local", "shift", "printf"])),
        7 => format!("{}() {{ {changes}; }}", author.pick(&["eval", "source", "set", "command", "exec", "wait"])),
        8..=9 => {
            let word = author.pick(&["beta", "gamma two", "fun", "V=one beta", "cd sub;", "beta \"$V\";", "'gamma'"]);
            let called = author.pick(&["alpha", "one", "nosuch", "gamma"]);
            let on = author.pick(&["shopt -s expand_aliases", "shopt -s expand_aliases", "set -o posix", ":"]);
            format!("{on}\nalias {called}={}\n{called} late\n:", quoted(word))
        }
        10 => "shopt -s expand_aliases\nalias one='beta ' two=gamma\none two\nunalias one\none two\n:".to_owned(),
        11 => "alias alpha=gamma; alpha same".to_owned(),
        12 => "hash -p \"$HOME/../bin/beta\" two; two \"$V\"".to_owned(),
        13 => format!("enable -n {}", author.pick(&["alpha", "cd", "export", "echo", "test"])),
        14 => "command_not_found_handle() { beta missing \"$1\"; V=one; }; nosuch \"$V\"".to_owned(),
        15 => "command_not_found_handler() { gamma missing \"$1\"; V=one; }; nosuch \"$V\"".to_owned(),
        16 => format!("PATH=/nonexistent; alpha gone; PATH={}", author.pick(&["$OLD", "/bin", "$HOME/../bin:/bin"])),
        17 => format!("{name}=alpha; $({{ echo beta; }}) \"${name}\""),
        18 => "shopt -s expand_aliases; alias export='V=beta; :'\nexport V=alpha\n:".to_owned(),
        19 => "function one { gamma one \"$FUNCNAME\"; }; one two".to_owned(),
        20 => "readonly -f fun; fun() { gamma again; }".to_owned(),
        _ => "export -f fun; bash -c 'fun two'".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Options of the shell, and builtins that are started in another way.
fn of_options(author: &mut Author) -> String {
    author
        .pick(&[
            "set -e",
            "set +e",
            "set -u",
            "set -f",
            "set -a",
            "set -k",
            "set -T",
            "set -E",
            "set -o pipefail",
            "set -eu",
            "set -eo pipefail; false | alpha; beta after",
            "set -u; alpha \"$nope\"; beta after",
            "set -n",
            "set -v",
            "set +B",
            "set -o posix",
            "set -e; false; gamma after",
            "set -e; (false; beta in); gamma after",
            "set -e; gun() { false; beta in; }; gun && gamma after",
            "shopt -s lastpipe",
            "shopt -s nullglob; alpha nosuch*",
            "shopt -s failglob; alpha nosuch*; beta same\n:",
            "shopt -s extglob",
            "shopt -s nocasematch; case ALPHA in alpha) beta;; *) gamma;; esac",
            "shopt -s inherit_errexit",
            "shopt -s execfail; exec nosuch; beta after",
            "IFS=l",
            "IFS=",
            "export POSIXLY_CORRECT=1",
        ])
        .to_owned()
}

/// Where the shell is, and which files it finds there.
fn of_place(author: &mut Author) -> String {
    match author.next(9) {
        0..=1 => {
            format!("cd {}", author.pick(&["sub", "..", "nosuch", "sub/deep", "/tmp", ".", "-", "~", "\"\"", "--"]))
        }
        2 => author.pick(&["cd sub && cd -", "cd; cd sub", "cd sub; cd deep; cd ../..", "cd sub deep"]).to_owned(),
        3 => author.pick(&["pushd sub", "popd", "pushd sub; popd", "pushd", "pushd -n sub", "pushd +1"]).to_owned(),
        4 => {
            author.pick(&["CDPATH=sub; cd deep", "CDPATH=/; cd tmp", "CDPATH=sub cd deep", "HOME=/tmp; cd"]).to_owned()
        }
        5 => {
            author.pick(&[". ./lib", "source ./lib", ". ./lib one", "source ./early", ". ./early", ". lib"]).to_owned()
        }
        6 => author.pick(&["(cd sub; . ./lib)", "cd sub; . ./lib", "cd sub/deep && source ./early"]).to_owned(),
        7 => {
            author.pick(&["sh ./run one", "bash run \"$V\"", "cd sub; sh run two", "(cd sub && bash ./run)"]).to_owned()
        }
        _ => format!("{} sub && cd {}", author.pick(&["cd -P", "cd -L", "command cd"]), author.pick(&["deep", ".."])),
    }
}

/// Arrays and what is taken out of them.
fn of_arrays(author: &mut Author, name: &str) -> String {
    let value = author.pick(&["alpha", "one", "'a b'", "1"]);
    match author.next(10) {
        0 => format!("{name}=({value} beta)"),
        1 => format!("A=({value} beta); {name}=${{A[1]}}"),
        2 => format!("A=(beta); A+=({value}); {name}=${{A[1]}}"),
        3 => format!("{name}[0]={value}"),
        4 => format!("{name}[1]={value}"),
        5 => format!("declare -A M; M[k]={value}; {name}=${{M[k]}}"),
        6 => format!("declare -A M=([k]={value}); alpha \"${{M[k]}}\" \"${{!M[@]}}\""),
        7 => format!("A=({value} two); \"${{A[@]}}\""),
        8 => format!("A=(beta {value}); for {name} in \"${{A[@]}}\"; do gamma \"${name}\"; done"),
        _ => format!("A=({value}); unset 'A[0]'; unset \"{name}\""),
    }
}

/// A value that holds a command, and an evaluation that runs it.
fn evaluated(author: &mut Author, name: &str) -> String {
    let value = author.pick(&["'y[$(beta hidden)]'", "'y[$(gamma hidden \"$V\")]'", "'y[0]'", "1+1", "V=2", "08"]);
    let call = author.pick(&["alpha", "one", ":"]);
    match author.next(12) {
        0 => format!("set -- {value}; {call} $(($1))"),
        1 => format!("set -- {value}; {call} \"${{V:$1}}\""),
        2 => format!("set -- {value}; {call} \"${{V:0:$1}}\""),
        3 => format!("set -- {value}; {call} \"${{@:$1}}\""),
        4 => format!("{name}={value}; {call} $(({name}))"),
        5 => format!("{name}={value}; {call} $((${name} + 1))"),
        6 => format!("{name}={value}; (({name} > 1)) && {call} more"),
        7 => format!("{name}={value}; [[ {name} -gt 0 ]] && {call} more"),
        8 => format!("{name}={value}; let x={name}; {call} \"$x\""),
        9 => format!("declare -i {name}; {name}={value}; {call} \"${name}\""),
        10 => format!("A=(alpha beta); {name}={value}; {call} \"${{A[{name}]}}\""),
        _ => format!("{name}={value}; test -v \"${name}\"; [ -v \"${name}\" ]; {call}"),
    }
}

/// A builtin that comes to its work on a detour.
fn carried(author: &mut Author, name: &str) -> String {
    let value = author.pick(PLAIN);
    match author.next(10) {
        0 => format!("eval '{name}={}'", author.pick(&["alpha", "beta", "one"])),
        1 => {
            let signal = author.pick(&["DEBUG", "EXIT", "ERR", "RETURN", "USR1"]);
            format!("trap '{name}={}' {signal}", author.pick(&["alpha", "gamma"]))
        }
        2 => format!("{name}={value} eval '{name}={}'", author.pick(&["beta", "gamma"])),
        3 => format!("nice {}", author.pick(&["cd sub", "export V=beta", "declare W=alpha"])),
        4 => format!("command {}", author.pick(&["cd sub", "export V=beta", "unset V", "eval V=beta", "set -- one"])),
        5 => format!("builtin {}", author.pick(&["cd sub", "export V=beta", "unset V", "eval V=beta", "shift"])),
        6 => format!("eval eval '{name}={value}'"),
        7 => format!("\\export {name}={value}"),
        8 => format!("c=export; $c {name}={value}"),
        _ => format!("trap 'gamma trapped \"${name}\"' {}", author.pick(&["EXIT", "ERR", "DEBUG", "RETURN"])),
    }
}
