//! Texts made to break a reader: nested deep, unfinished, or put together by chance. Each must be answered: a hang here
//! is a test that never ends, a crash one that fails.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test may panic")]

use understand::read_blind;

/// Reads on a stack as large as the one that callers give.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn every_construct_nested_deep_is_answered() {
    const FORMS: &[(&str, &str, &str, &str)] = &[
        ("echo ", "$(", "ls", ")"),
        ("echo ", "$((", "1", "))"),
        ("", "(", "ls", ")"),
        ("", "{ ", "ls; ", "} ;"),
        ("echo ", "${x:-", "a", "}"),
        ("echo ", "\"$(echo ", "a", ")\""),
        ("echo ", "`", "", ""),
        ("cat ", "<(", "ls", ")"),
        ("", "if ", "ls", "; then ls; fi"),
        ("", "while ", "ls", "; do ls; done"),
        ("", "case x in x) ", "ls", ";; esac"),
        ("", "for x in a; do ", "ls", "; done"),
        ("", "until ", "ls", "; do ls; done"),
        ("", "select x in a; do ", "ls", "; done"),
        ("[[ ", "( ", "-n a", " ) "),
        ("[[ ", "! ", "-n a ]]", ""),
        ("", "! ", "ls", ""),
        ("echo ", "{a,", "b", "}"),
        ("echo ", "${a[", "1", "]}"),
        ("ls ", "@(", "a", ")"),
        ("", "f() { ", "ls; ", "}; "),
        ("((", "(", "1", ")"),
        ("", "(\nf() ", "", ""),
        ("", "coproc ", "ls", ""),
        ("", "sh -c ", "ls", ""),
        ("", "nice ", "ls", ""),
        ("x=", "(", "1", ")"),
        ("cat <<X\n", "$((while x", "", ""),
        ("cat ", "<< \"$( <<< ", "", ""),
        ("for", "<<-\r ", "x ", ""),
        ("", "$(c<<  x ", "", ""),
        ("cat <<X\n", "$(if\n", "ls", ")"),
    ];
    on_large_stack(|| {
        for (head, open, middle, close) in FORMS {
            for depth in [2, 3, 7, 8, 10, 11, 14, 15, 40, 299, 600] {
                let whole = format!("{head}{}{middle}{}", open.repeat(depth), close.repeat(depth));
                let unfinished = format!("{head}{}{middle}", open.repeat(depth));
                for text in [whole, unfinished] {
                    let _ = read_blind(&text);
                }
            }
        }
    });
}

#[test]
fn texts_put_together_by_chance_are_answered() {
    const PARTS: &[&str] = &[
        "(",
        "((",
        ")",
        "))",
        "$(",
        "$((",
        "${",
        "${a[",
        "${x:-",
        "}",
        "{",
        "{a,",
        ",",
        "[",
        "[[",
        "]",
        "]]",
        "`",
        "\"",
        "'",
        "$'",
        "\\",
        "a",
        "x=",
        "1",
        "+",
        "?",
        ":",
        ";",
        "&&",
        "|",
        "&",
        "\n",
        " ",
        " ",
        ">",
        "<",
        "<(",
        "<<E\n",
        "E\n",
        "<<<",
        "if ",
        "then ",
        "fi",
        "while ",
        "do ",
        "done",
        "for x in ",
        "case x in ",
        "esac",
        ";;",
        "! ",
        "time ",
        "f() ",
        "@(",
        "*",
        "~",
        "=(",
        "echo ",
        "$x",
        "=~",
        "-n ",
        "#",
        "\u{202e}",
        "\u{0}",
        "é",
    ];
    on_large_stack(|| {
        // xorshift64 (Marsaglia 2003), with a fixed seed: the same texts on every machine.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
        };
        for _ in 0..4_000 {
            let kinds: Vec<&str> = (0..2 + next(6)).map(|_| PARTS[next(PARTS.len())]).collect();
            let from = if next(2) == 0 { kinds.as_slice() } else { PARTS };
            let text: String = (0..3 + next(120)).map(|_| from[next(from.len())]).collect();
            let _ = read_blind(&text);
        }
    });
}
