//! Texts that are short or long to write and would be endless to follow. `bench/judging` times the same.

/// Each with a name, and whether all of it is understood.
pub(crate) fn texts() -> Vec<(&'static str, String, bool)> {
    let lines = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<Vec<_>>();
    let eight = "1 2 3 4 5 6 7 8";
    let nested = |body: &str| {
        format!(
            "for a in {eight}; do for b in {eight}; do for c in {eight}; do for d in {eight}; do {body}; done; done; done; done"
        )
    };
    let chain = |count: usize| {
        let aliases = lines(count, &|at| format!("alias a{at}='{}'", format!("a{} x; ", at + 1).repeat(8)));
        format!("{}\na0", aliases.join("\n"))
    };
    let doubled = lines(40, &|at| format!("v{}=$v{at}$v{at}$v{at}$v{at}", at + 1)).join("\n");
    let calls = lines(8, &|at| format!("f{at}() {{ {}; }}", vec![format!("f{}", at + 1); 12].join("; "))).join("\n");
    let evals = (0..9).fold("ls".to_owned(), |text, _| format!("eval eval {text}; eval {text}"));
    vec![
        ("four nested loops", nested("echo $a$b$c$d"), true),
        ("four nested loops that write", nested("touch $a/$b/$c/$d"), false),
        ("four nested loops over paths", nested("cat /x/$a /y/$b $c $d; x=$x$a"), false),
        ("64 KiB of brace expressions", format!("echo {}", "{a,b}{c,d}".repeat(6_554)), false),
        ("brace expressions within the limits", format!("echo {}", "{a,b}{c,d} ".repeat(290)), true),
        ("substitutions in each other", format!("echo {}ls{}", "$( ".repeat(300), " )".repeat(300)), false),
        ("substitutions ten deep", format!("echo {}ls{}", "$(echo ".repeat(9), ")".repeat(9)), true),
        ("10,000 assignments", lines(10_000, &|at| format!("a{at}=1")).join("\n"), false),
        ("3,000 assignments in one chain", lines(3_000, &|at| format!("a{at}=1")).join(" && "), false),
        ("5,000 aliases", lines(5_000, &|at| format!("alias a{at}=ls")).join("\n"), false),
        ("aliases of aliases", chain(12), false),
        ("3,000 functions", lines(3_000, &|at| format!("f{at}() {{ ls; }}")).join("\n"), false),
        ("200 functions", lines(200, &|at| format!("f{at}() {{ ls; }}\nf{at}")).join("\n"), true),
        ("functions that call functions", format!("{calls}\nf8() {{ ls; }}\nf0"), false),
        ("a here-document of 100 KiB", format!("cat <<'E'\n{}E", "some words of a line\n".repeat(4_900)), true),
        ("one that is expanded", format!("x=1\ncat <<E\n{}E", "some words of a line $x\n".repeat(500)), true),
        ("eval in eval", evals, false),
        ("values that double", format!("v0=xxxxxxxxxxxxxxxx\n{doubled}\necho $v40"), true),
        ("parameters that double", format!("set -- a b c d\n{}", "set -- \"$@\" \"$@\"\n".repeat(60)), false),
        ("a pipeline of 400 programs", vec!["cat"; 400].join(" | "), true),
        ("a pipeline of 12,000 programs", vec!["cat"; 12_000].join(" | "), false),
        ("files into files", format!("cat {} | tee {}", "f ".repeat(9_000), "g ".repeat(9_000)), false),
        ("60,000 operands", format!("rm {}", "f ".repeat(60_000)), false),
        (
            "a case of 500 arms",
            format!("case $x in {} esac", lines(500, &|at| format!("a{at}) v{at}=1; ls;; ")).concat()),
            true,
        ),
        ("2,000 patterns", format!("rm {}", lines(2_000, &|at| format!("~/.c*{at}/x*/*")).join(" ")), false),
        ("a long line of comments", format!("echo $(ls)\n{}", "# a comment\nls a\n".repeat(5_000)), false),
        ("120 KiB of commands", "git status\n".repeat(11_000), false),
    ]
}
