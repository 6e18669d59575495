//! Dresses: other ways to have the same command run. None of them may make it seem less than it is.
//!
//! In a template, `@C@` is the command, `@Q@` the command in single quotes, and `@64@`, `@HEX@`, `@OCT@`, `@X@`, `@REV@`
//! the command in base 64, hexadecimal, octal and hexadecimal escapes, and backwards.

/// What a command must be like for a dress to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Any text, for it is in quotes or in a code.
    Any,
    /// One line that can be followed by `;`.
    Line,
    /// Plain words whose first names a program.
    Words,
}

/// The dresses: what each fits, and its template.
pub const DRESSES: &[(Fit, &str)] = &[
    (Fit::Line, "@C@; true"),
    (Fit::Line, "true; @C@"),
    (Fit::Line, ":;@C@"),
    (Fit::Line, "true && @C@"),
    (Fit::Line, "false || @C@"),
    (Fit::Line, "true # '(\n@C@"),
    (Fit::Line, "\n\n\t @C@"),
    (Fit::Line, "( @C@ )"),
    (Fit::Line, "{ @C@; }"),
    (Fit::Line, "{ @C@; } 2>/dev/null"),
    (Fit::Line, "{ @C@; } | cat"),
    (Fit::Line, "echo | { @C@; }"),
    (Fit::Line, "if true; then @C@; fi"),
    (Fit::Line, "if false; then :; else @C@; fi"),
    (Fit::Line, "if false; then :; elif true; then @C@; fi"),
    (Fit::Line, "if @C@; then :; fi"),
    (Fit::Line, "while @C@; do break; done"),
    (Fit::Line, "until false; do @C@; break; done"),
    (Fit::Line, "for _one in 1; do @C@; done"),
    (Fit::Line, "for ((_n=0;_n<1;_n++)); do @C@; done"),
    (Fit::Line, "case a in a) @C@ ;; esac"),
    (Fit::Line, "case a in b) : ;; *) @C@ ;; esac"),
    (Fit::Line, "case a in a) ;& b) @C@ ;; esac"),
    (Fit::Line, "f() { @C@; }; f"),
    (Fit::Line, "function f { @C@; }; f"),
    (Fit::Line, "f() ( @C@ ); f | cat"),
    (Fit::Line, "echo $(@C@)"),
    (Fit::Line, "echo \"a $(@C@) b\""),
    (Fit::Line, ": \"${x:-$(@C@)}\""),
    (Fit::Line, ": ${x:-<(@C@)}"),
    (Fit::Line, ": ${x/a/$(@C@)}"),
    (Fit::Line, "cat <(@C@)"),
    (Fit::Line, "ls > >(@C@)"),
    (Fit::Line, "x=$(@C@)"),
    (Fit::Line, "x=($(@C@))"),
    (Fit::Line, "x=1 y=$(@C@) ls"),
    (Fit::Line, "[[ -n $(@C@) ]]"),
    (Fit::Line, "[ -n \"$(@C@)\" ]"),
    (Fit::Line, "echo $(( $(@C@) + 1 ))"),
    (Fit::Line, "cat <<< \"$(@C@)\""),
    (Fit::Line, "cat <<E_O_T\n$(@C@)\nE_O_T"),
    (Fit::Line, "case $(@C@) in *) : ;; esac"),
    (Fit::Line, "for i in $(@C@); do :; done"),
    (Fit::Line, "@C@ & wait"),
    (Fit::Line, "coproc { @C@; }"),
    (Fit::Line, "_one=1; [[ $_one == 1 ]] && { @C@; }"),
    (Fit::Any, "eval @Q@"),
    (Fit::Any, "builtin eval @Q@"),
    (Fit::Any, "sh -c @Q@"),
    (Fit::Any, "bash -c @Q@ x y"),
    (Fit::Any, "bash -euo pipefail -c @Q@"),
    (Fit::Any, "env sh -c @Q@"),
    (Fit::Any, "env -i A=1 bash -c @Q@"),
    (Fit::Any, "timeout 5 sh -c @Q@"),
    (Fit::Any, "sudo sh -c @Q@"),
    (Fit::Any, "nohup bash -c @Q@ > /dev/null 2>&1 &"),
    (Fit::Any, "sh <<< @Q@"),
    (Fit::Any, "bash <<'E_O_T'\n@C@\nE_O_T"),
    (Fit::Any, "cat <<'E_O_T' | sh\n@C@\nE_O_T"),
    (Fit::Any, "echo @Q@ | sh"),
    (Fit::Any, "printf '%s\\n' @Q@ | bash"),
    (Fit::Any, "printf %s @Q@ | sh -s"),
    (Fit::Any, "echo @Q@ | cat | sh"),
    (Fit::Any, "echo @Q@ | xargs -0 sh -c"),
    // Each line is an argument of its own: only the first one would run.
    (Fit::Line, "echo @Q@ | xargs -d '\\n' sh -c"),
    // `xargs` takes quotes away, so that it runs something else where there are any.
    (Fit::Words, "echo @Q@ | xargs -I{} sh -c {}"),
    (Fit::Any, "xargs sh -c @Q@ < /dev/null"),
    (Fit::Any, "parallel ::: @Q@"),
    (Fit::Any, "trap @Q@ EXIT"),
    (Fit::Any, "x=@Q@; eval \"$x\""),
    (Fit::Any, "x=@Q@; sh -c \"$x\""),
    (Fit::Any, "x=@Q@; bash <<< \"$x\""),
    (Fit::Any, "set -- @Q@; eval \"$1\""),
    (Fit::Any, "a=(sh -c @Q@); \"${a[@]}\""),
    (Fit::Any, "export V=@Q@; sh -c 'eval \"$V\"'"),
    (Fit::Any, "alias z=@Q@\nz"),
    (Fit::Any, "bash -c \"$(echo @Q@)\""),
    (Fit::Any, "eval \"$(printf %s @Q@)\""),
    (Fit::Any, "source <(echo @Q@)"),
    (Fit::Any, "bash <(echo @Q@)"),
    (Fit::Any, ". /dev/stdin <<< @Q@"),
    (Fit::Any, "find . -maxdepth 0 -exec sh -c @Q@ ';'"),
    (Fit::Any, "find . -maxdepth 0 -exec sh -c @Q@ {} +"),
    (Fit::Any, "find -- . -exec bash -c @Q@ {} \\;"),
    (Fit::Any, "flock f -c @Q@"),
    (Fit::Any, "script -qc @Q@ /dev/null"),
    (Fit::Any, "watch @Q@"),
    (Fit::Any, "su -c @Q@"),
    (Fit::Any, "ssh localhost @Q@"),
    (Fit::Any, "echo @64@ | base64 -d | sh"),
    (Fit::Any, "base64 -d <<< @64@ | bash"),
    (Fit::Any, "eval \"$(echo @64@ | base64 --decode)\""),
    (Fit::Any, "echo @HEX@ | xxd -r -p | sh"),
    (Fit::Any, "printf '@OCT@' | sh"),
    (Fit::Any, "printf '@X@' | bash"),
    (Fit::Any, "echo -e '@X@' | bash"),
    (Fit::Any, "bash -c $'@X@'"),
    (Fit::Any, "eval $'@X@'"),
    (Fit::Any, "$'@X@'"),
    (Fit::Any, "echo '@REV@' | rev | sh"),
    (Fit::Words, "nice @C@"),
    (Fit::Words, "nohup @C@"),
    (Fit::Words, "env @C@"),
    (Fit::Words, "env -u X A=1 @C@"),
    (Fit::Words, "env -S @Q@"),
    (Fit::Words, "command @C@"),
    (Fit::Words, "command -- @C@"),
    (Fit::Words, "command -p @C@"),
    (Fit::Words, "exec @C@"),
    (Fit::Words, "exec -a ls @C@"),
    (Fit::Words, "time -p @C@"),
    (Fit::Words, "! @C@"),
    (Fit::Words, "timeout -k 1 5 @C@"),
    (Fit::Words, "stdbuf -oL @C@"),
    (Fit::Words, "setsid -w @C@"),
    (Fit::Words, "ionice -c3 nice -n 5 @C@"),
    (Fit::Words, "busybox @C@"),
    (Fit::Words, "xargs @C@ < /dev/null"),
    (Fit::Words, "echo | xargs -r -n 1 @C@"),
    (Fit::Words, "find . -maxdepth 0 -exec @C@ ';'"),
    (Fit::Words, "\\@C@"),
    (Fit::Words, "''@C@"),
    (Fit::Words, "A=1 @C@"),
    (Fit::Words, "x=@Q@; $x"),
    (Fit::Words, "@C@ 2>&1"),
    (Fit::Words, "< /dev/null @C@"),
    (Fit::Words, "> /dev/null @C@"),
];

/// A command in a dress; nothing where it does not fit.
#[must_use]
pub fn dressed(command: &str, fit: Fit, template: &str) -> Option<String> {
    let fits = match fit {
        Fit::Any => true,
        Fit::Line => !command.contains(['\n', '#', '\\']) && !command.trim_end().ends_with(['&', ';', '|']),
        Fit::Words => is_words(command),
    };
    let backwards = !template.contains("@REV@") || (command.is_ascii() && !command.contains(['\'', '\n']));
    let plain = fits && backwards && !command.contains("E_O_T") && !command.is_empty();
    let each = |format: &dyn Fn(u8) -> String| command.bytes().map(format).collect::<String>();
    plain.then(|| {
        // Two brackets in a row would begin a calculation.
        let apart = if command.starts_with('(') { "( @C@" } else { "(@C@" };
        template
            .replace("(@C@", apart)
            .replace("@64@", &data_encoding::BASE64.encode(command.as_bytes()))
            .replace("@HEX@", &each(&|byte| format!("{byte:02x}")))
            .replace("@OCT@", &each(&|byte| format!("\\{byte:03o}")))
            .replace("@X@", &each(&|byte| format!("\\x{byte:02x}")))
            .replace("@REV@", &command.chars().rev().collect::<String>())
            .replace("@Q@", &format!("'{}'", command.replace('\'', "'\\''")))
            .replace("@C@", command)
    })
}

/// Words with blanks between, the first the name of a program and none of the shell's own.
fn is_words(command: &str) -> bool {
    const OWN: &[&str] = &[
        ".",
        ":",
        "[",
        "alias",
        "bg",
        "bind",
        "break",
        "builtin",
        "caller",
        "cd",
        "command",
        "compgen",
        "complete",
        "continue",
        "coproc",
        "declare",
        "dirs",
        "disown",
        "echo",
        "enable",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fc",
        "fg",
        "getopts",
        "hash",
        "help",
        "history",
        "jobs",
        "kill",
        "let",
        "local",
        "logout",
        "mapfile",
        "popd",
        "printf",
        "pushd",
        "pwd",
        "read",
        "readarray",
        "readonly",
        "return",
        "set",
        "shift",
        "shopt",
        "source",
        "suspend",
        "test",
        "time",
        "times",
        "trap",
        "true",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
        "if",
        "for",
        "while",
        "case",
        "function",
        "until",
        "select",
        "!",
        "{",
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || " _./:@%+,=-".contains(c);
    let first = command.split(' ').next().unwrap_or("");
    command.chars().all(plain) && !first.is_empty() && !first.contains('=') && !OWN.contains(&first)
}
