//! Texts over the whole grammar of Bash, with planted commands that only say that they ran.

/// Numbers that are the same in every run with the same seed.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `most`.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0).checked_rem(most).unwrap_or(0)
    }

    /// One of a list.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let at = self.below(list.len());
        list.get(at).copied().unwrap()
    }
}

/// How many commands can be planted in one text.
pub const MARKERS: usize = 24;

/// A text that grows.
#[derive(Debug)]
pub struct Grammar {
    dice: Dice,
    planted: usize,
    /// Bodies of here-documents that wait for the end of the line.
    pending: Vec<String>,
}

impl Grammar {
    /// A generator for one text.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), planted: 0, pending: Vec::new() }
    }

    /// One text, some of them with a few characters put in, taken out or doubled.
    pub fn text(&mut self) -> String {
        let depth = self.dice.below(3).saturating_add(1);
        let mut text = self.list(depth);
        text.push_str(&self.line_end());
        for _ in 0..self.dice.pick(&[0, 0, 0, 1, 1, 2, 3]) {
            text = self.mutated(&text);
        }
        text
    }

    fn mutated(&mut self, text: &str) -> String {
        const PIECES: &[&str] = &[
            "(",
            ")",
            "'",
            "\"",
            "`",
            "$",
            "<",
            ">",
            "{",
            "}",
            "\n",
            ";",
            "#",
            "&",
            "|",
            "\\",
            " ",
            "[",
            "]",
            "!",
            "$(",
            "<(",
            "${",
            "<<E\n",
            "\nE\n",
            "*(",
            "@(",
            "))",
            "((",
            "\t",
            "=",
            "x=(",
            "$'",
            "in",
            "esac",
            "\\\n",
            "[[ ",
            " ]]",
            "$[",
            "<<<",
            "do",
            "done",
            "fi",
            "case x in ",
            "a)",
            ";;",
            "function ",
            "m()",
        ];
        let mut letters: Vec<String> = text.chars().map(String::from).collect();
        let at = self.dice.below(letters.len().saturating_add(1));
        match self.dice.below(4) {
            0 if at < letters.len() => drop(letters.remove(at)),
            1 if at < letters.len() => {
                let end = at.saturating_add(self.dice.below(6)).min(letters.len());
                let piece: String = letters.get(at..end).unwrap_or_default().concat();
                let to = self.dice.below(letters.len());
                letters.insert(to, piece);
            }
            _ => letters.insert(at, self.dice.pick(PIECES).to_owned()),
        }
        letters.concat()
    }

    fn marker(&mut self) -> String {
        let name = format!("m{}", self.planted.checked_rem(MARKERS).unwrap_or(0));
        self.planted = self.planted.saturating_add(1);
        name
    }

    fn line_end(&mut self) -> String {
        let bodies: String = std::mem::take(&mut self.pending).concat();
        format!("\n{bodies}")
    }

    fn blank(&mut self) -> &'static str {
        self.dice.pick(&[" ", " ", " ", "  ", "\t", " \\\n"])
    }

    fn list(&mut self, depth: usize) -> String {
        let mut text = self.command(depth);
        for _ in 0..self.dice.below(3) {
            let join = match self.dice.below(9) {
                0 => "; ".to_owned(),
                1 => " && ".to_owned(),
                2 => " || ".to_owned(),
                3 => " | ".to_owned(),
                4 => " & ".to_owned(),
                5 => format!(" # a ( ' \" ` $( c{}", self.line_end()),
                6 => "|& ".to_owned(),
                _ => self.line_end(),
            };
            text.push_str(&join);
            text.push_str(&self.command(depth));
        }
        text
    }

    /// A list that ends where a bracket or a word of the grammar follows.
    fn closed(&mut self, depth: usize) -> String {
        let outer = std::mem::take(&mut self.pending);
        let mut text = self.list(depth);
        if !self.pending.is_empty() || self.dice.below(4) == 0 {
            text.push_str(&self.line_end());
        }
        self.pending = outer;
        text
    }

    fn command(&mut self, depth: usize) -> String {
        let Some(less) = depth.checked_sub(1) else { return self.simple(0) };
        match self.dice.below(30) {
            17 => self.odd_command(less),
            18 => format!("until {}; do {}; break; done", self.body(less), self.body(less)),
            19 => format!("time {}", self.simple(less)),
            20 => format!("function g {{ {}; }}; g {}", self.body(less), self.word(0)),
            0 => format!("({})", self.closed(less)),
            1 => format!("{{ {}; }}", self.body(less)),
            2 => format!("if {}; then {}; else {}; fi", self.body(less), self.body(less), self.body(less)),
            3 => format!("for v in {} {}; do {}; done", self.word(less), self.word(less), self.body(less)),
            4 => format!("while {}; do {}; break; done", self.body(less), self.body(less)),
            5 => {
                let (word, pattern) = (self.word(less), self.dice.pick(&["a", "*", "(a", "\"b\"", "a|b", "')'"]));
                format!("case {word} in {pattern}) {};; *) {} ;; esac", self.body(less), self.body(less))
            }
            6 => format!("[[ {} == {} ]]", self.word(less), self.word(less)),
            7 => format!("[[ -n {} && {} ]]", self.word(less), self.word(less)),
            8 => "(( 1 + 2 ))".to_owned(),
            9 => format!("f() {{ {}; }}; f", self.body(less)),
            10 => format!("x={}", self.word(less)),
            11 => format!("x=({} {})", self.word(less), self.word(less)),
            12 => format!("x={} {}", self.word(less), self.simple(less)),
            13 => format!("! {}", self.simple(less)),
            14 => format!("eval '{}'", self.body(0).replace('\'', "'\\''")),
            15 => format!("coproc {{ {}; }}", self.body(less)),
            16 => format!("{{ {}; }} > out 2>&1", self.body(less)),
            _ => self.simple(less),
        }
    }

    /// Commands that are rarer, or that differ between shells.
    fn odd_command(&mut self, less: usize) -> String {
        let quoted = |text: String| format!("'{}'", text.replace('\'', "'\\''"));
        match self.dice.below(18) {
            0 => format!("select v in {}; do {}; break; done <<< 1", self.word(less), self.body(less)),
            1 => format!("for ((i = 0; i < $({}) + 1; i++)); do {}; break; done", self.closed(0), self.body(less)),
            2 => format!("case a in a) {};& b) {};;& *) {};; esac", self.body(less), self.body(0), self.body(0)),
            3 => format!("trap {} {}", quoted(self.simple(0)), self.dice.pick(&["EXIT", "DEBUG", "ERR"])),
            4 => format!("shopt -s expand_aliases\nalias z='{} '\nz {}", self.marker(), self.word(0)),
            5 => format!("mapfile x < <({})", self.closed(less)),
            6 => format!("read x <<< \"$({})\"", self.closed(less)),
            7 => format!("declare -A y; y[$({})]={}", self.closed(0), self.word(less)),
            8 => format!("printf -v x %s {}; {} $x", self.word(less), self.marker()),
            9 => format!("declare -n r=x; r={}; {} $r", self.word(less), self.marker()),
            10 => format!("[[ {} =~ {} ]] && {}", self.word(less), self.word(0), self.marker()),
            11 => format!("set -- {}; {} \"$@\" $(($1))", self.word(less), self.marker()),
            12 => format!("command_not_found_handle() {{ {}; }}; nosuch {}", self.body(0), self.word(0)),
            13 => format!("{{ {}; }} <&9 || {}", self.body(less), self.marker()),
            14 => format!("x={} <&7; {}", self.word(less), self.marker()),
            15 => format!("source /dev/stdin <<< {}", quoted(self.simple(0))),
            16 => format!("(exec {}) ; exec < {}", self.marker(), self.word(less)),
            _ => format!("while getopts ab: x -a; do {}; break; done", self.body(less)),
        }
    }

    fn body(&mut self, depth: usize) -> String {
        self.closed(depth).trim_end_matches('\n').to_owned().replace_newline_end()
    }

    fn simple(&mut self, depth: usize) -> String {
        let mut text = match self.dice.below(4) {
            0 => "echo".to_owned(),
            1 => ":".to_owned(),
            _ => self.marker(),
        };
        for _ in 0..self.dice.below(3) {
            text.push_str(self.blank());
            text.push_str(&self.word(depth));
        }
        match self.dice.below(14) {
            0 => text.push_str(" > out"),
            1 => text.push_str(" < /dev/null"),
            2 => text.push_str(&format!(" <<< {}", self.word(depth))),
            3 => text.push_str(" 2>&1"),
            4 => {
                let (tag, end) =
                    self.dice.pick(&[("E", "E"), ("'E'", "E"), ("\\E", "E"), ("\"E\"", "E"), ("-F", "\tF")]);
                text.push_str(&format!(" <<{tag}"));
                let outer = std::mem::take(&mut self.pending);
                let inside = match self.dice.below(6) {
                    4 => format!("$\\\n({})", self.closed(0)),
                    0 => format!("$({})", self.closed(0)),
                    1 => format!("`{}`", self.marker()),
                    2 => format!("{} ) ' \" (", self.marker()),
                    3 => "${x:-a} \\$(b) \\".to_owned(),
                    _ => self.word(0),
                };
                self.pending = outer;
                self.pending.push(format!("{inside}\n{end}\n"));
            }
            _ => {}
        }
        text
    }

    fn word(&mut self, depth: usize) -> String {
        const PLAIN: &[&str] = &[
            "a",
            "'b c'",
            "\"d e\"",
            "\\(",
            "$x",
            "${x}",
            "$$",
            "$?",
            "$'a\\tb'",
            "'$(no)'",
            "\"\\$(no)\"",
            "*",
            "{a,b}",
            "$((1 + 2))",
            "$[1]",
            "a#b",
            "\"'\"",
            "'\"'",
            "\\'",
            "~",
            "a=b",
            "-x",
            "\"#\"",
            "'('",
            "\")\"",
            "\\`",
            "${#x}",
            "${x[@]}",
            "$\"t\"",
            "$1",
            "''",
            "[a]",
            "!",
            "$",
            "\\\\",
            "%",
            "${x:1:2}",
            "\"${x}\"",
            "{",
            "}",
            "a\\\nb",
        ];
        let Some(less) = depth.checked_sub(1) else {
            return if self.dice.below(5) == 0 {
                format!("$({})", self.marker())
            } else {
                self.dice.pick(PLAIN).to_owned()
            };
        };
        match self.dice.below(22) {
            16 => {
                let (open, close) = self.dice.pick(&[
                    ("${x[", "]}"),
                    ("${x:", ":1}"),
                    ("$((x[", "]))"),
                    ("\"${@:", "}\""),
                    ("$(< ", ")"),
                    ("${!x", "}"),
                    ("${x@", "}"),
                ]);
                format!("{open}$({}){close}", self.closed(0))
            }
            0 => format!("$({})", self.closed(less)),
            1 => format!("\"$({})\"", self.closed(less)),
            2 => format!("`{} a`", self.marker()),
            3 => format!("\"`{} \\$x`\"", self.marker()),
            4 => format!("<({})", self.closed(less)),
            5 => {
                let operator = self.dice.pick(&[":-", "-", ":=", ":+", "#", "%", "%%", "/a/", "/", "^", ",", ":?"]);
                format!("${{x{operator}{}}}", self.word(less))
            }
            6 => {
                let operator = self.dice.pick(&[":-", "-", ":+", "#", "%", "/a/"]);
                format!("\"${{y{operator}{}}}\"", self.word(less))
            }
            7 => format!("a{}b", self.word(less)),
            8 => format!("\"c {} d\"", self.word(less)),
            9 => format!("{{a,{}}}", self.word(less)),
            10 => format!("\"$(echo \"{}\")\"", self.word(less)),
            11 => format!("$(( $({}) + 1 ))", self.closed(0)),
            12 => format!("${{x:-<({})}}", self.marker()),
            13 => format!(">({})", self.closed(0)),
            14 => format!("$( ({}) )", self.closed(less)),
            15 => format!("$(case a in a) {};; esac)", self.closed(0)),
            _ => self.dice.pick(PLAIN).to_owned(),
        }
    }
}

trait Ended {
    fn replace_newline_end(self) -> String;
}

impl Ended for String {
    /// A body of here-documents must keep its line end before the `;` that follows.
    fn replace_newline_end(self) -> String {
        if self.ends_with('E') || self.ends_with('F') { format!("{self}\n:") } else { self }
    }
}
