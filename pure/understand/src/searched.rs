//! Searches through a whole directory: whether one reads a file there that holds secrets. Names alone are looked at, of the
//! first files, and what the search leaves out is left out.

use model::{Action, Arg, Fact, FactQuery, FileKind, Segment};

use crate::find::could_match;
use crate::knowledge::{Known, Role};
use crate::lower::Lowering;
use crate::program::{Parsed, act};
use crate::{paths, places};

/// Directories of examples and tests: what is called like a secret there mostly is none.
const EXAMPLES: &[&str] = &[
    "__tests__",
    "doc",
    "docs",
    "example",
    "examples",
    "fixtures",
    "mocks",
    "sample",
    "samples",
    "spec",
    "test",
    "testdata",
    "tests",
];

/// Endings of source code, pages and pictures: no secret has them that is worth a look at each.
const SOURCES: &[&str] = &[
    "c", "cc", "cpp", "cs", "css", "gif", "go", "h", "hpp", "html", "ico", "java", "jpg", "js", "jsx", "kt", "lock",
    "md", "mjs", "png", "rb", "rs", "rst", "scss", "sh", "snap", "svelte", "svg", "swift", "ts", "tsx", "vue", "woff2",
];

/// How many files with secrets are looked into, for whether they have what is searched for.
const MAX_READ: usize = 8;

/// Options by which a search chooses files, and by which it passes over some.
const CHOOSE: &[&str] = &["--include", "-g", "--glob", "--iglob"];
const PASS_OVER: &[&str] = &["--exclude", "--exclude-dir"];

impl Lowering<'_> {
    /// Adds that a search prints lines of a secret, where it goes through a directory that has one and reads that.
    pub(crate) fn searches(&mut self, program: Known, parsed: &mut Parsed) {
        if !goes_through_all(program.name, parsed) || prints_no_lines(parsed) {
            return;
        }
        let pattern = usize::from(!parsed.given.iter().any(|option| program.instead.contains(&option.as_str())));
        let mut roots: Vec<Arg> = parsed.operands.iter().skip(pattern).cloned().collect();
        if roots.is_empty() {
            roots.push(Arg::Known(".".to_owned()));
        }
        let patterns = patterns_of(program, parsed);
        for root in &roots {
            let secrets = self.secrets_below(root);
            let chosen: Vec<String> = secrets.into_iter().filter(|secret| is_chosen(secret, parsed)).collect();
            if self.may_print(root, &chosen, patterns.as_deref()) {
                act(&[Role::Secret], &mut parsed.operations);
                return;
            }
        }
    }

    /// Whether a search for these expressions prints lines of one of these files: not where none of them could match there.
    fn may_print(&mut self, root: &Arg, files: &[String], patterns: Option<&[String]>) -> bool {
        let Some(patterns) = patterns.filter(|_| files.len() <= MAX_READ) else { return !files.is_empty() };
        files.iter().any(|file| {
            let place = paths::plain(&format!("{}/{file}", root.text()), self.cwd.as_deref());
            match self.fact(FactQuery::File(place)) {
                Fact::File(FileKind::Text(text, _)) => {
                    let text = text.to_ascii_lowercase();
                    patterns.iter().any(|pattern| could_be_in(&pattern.to_ascii_lowercase(), &text))
                }
                Fact::File(FileKind::Missing) => false,
                Fact::File(FileKind::Directory | FileKind::Opaque)
                | Fact::Program(_)
                | Fact::RealPath(_)
                | Fact::Names(_)
                | Fact::Unseen
                | Fact::Unknown => true,
            }
        })
    }

    /// Adds that what `find` takes has a secret among it, where the commands since then show contents of it.
    pub(crate) fn find_meets(&mut self, roots: &[Arg], expression: &[Arg], began: usize, segment: &mut Segment) {
        let run = self.intent.segments.get(began..).unwrap_or_default();
        let shows: Vec<Option<Vec<String>>> = run.iter().filter(shows_contents).map(searched_for).collect();
        if shows.is_empty() {
            return;
        }
        for root in roots {
            let name = root.text().trim_end_matches('/').to_owned();
            let secrets = self.secrets_below(root);
            let taken: Vec<String> = secrets.into_iter().filter(|it| is_taken(&name, it, expression)).collect();
            if shows.iter().any(|patterns| self.may_print(root, &taken, patterns.as_deref())) {
                act(&[Role::Secret], &mut segment.operations);
                return;
            }
        }
    }

    /// The same for what was found and handed on.
    pub(crate) fn read_among_found(&mut self, began: usize, segment: &mut Segment) {
        if let Some((roots, expression)) = self.stream.search.clone() {
            self.find_meets(&roots, &expression, began, segment);
        }
    }

    /// The files below a directory that hold secrets, as far as they were seen.
    fn secrets_below(&mut self, root: &Arg) -> Vec<String> {
        let Some(text) = root.known() else { return Vec::new() };
        let place = paths::plain(text, self.cwd.as_deref());
        if !place.starts_with('/') || paths::is_broad(&place, self.home.as_deref(), self.project.as_deref()) {
            return Vec::new();
        }
        let Fact::Names(names) = self.fact(FactQuery::Names(place.clone())) else { return Vec::new() };
        let home = self.home.as_deref();
        let holds = |name: &String| {
            let is_example = name.split('/').any(|part| EXAMPLES.contains(&part));
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            !is_example && !SOURCES.contains(&ending) && places::kinds(&format!("{place}/{name}"), home).credential
        };
        names.into_iter().filter(holds).collect()
    }
}

/// The expressions that a search looks for, where lines that match none of them are not printed.
fn patterns_of(program: Known, parsed: &Parsed) -> Option<Vec<String>> {
    let given = |options: &[&str]| parsed.given.iter().any(|it| options.contains(&it.as_str()));
    if given(&["-v", "--invert-match", "-f", "--file", "-z", "--null-data", "--not", "--passthru"]) {
        return None;
    }
    let named: Vec<&Arg> = parsed
        .settings
        .iter()
        .filter(|(option, _)| matches!(option.as_str(), "-e" | "--regexp"))
        .map(|(_, value)| value)
        .collect();
    let instead = parsed.given.iter().any(|option| program.instead.contains(&option.as_str()));
    let patterns = if instead { named } else { parsed.operands.first().into_iter().collect() };
    let text = |it: &&Arg| it.known().map(str::to_owned);
    let plain: Option<Vec<String>> = patterns.iter().map(text).collect();
    plain.filter(|it| !it.is_empty())
}

/// The text that a `grep` looks for which `find` or `xargs` starts, where its words are certain.
fn searched_for(segment: &Segment) -> Option<Vec<String>> {
    let (head, words) = segment.argv.split_first()?;
    let flags = words.iter().take_while(|word| word.text().starts_with('-')).count();
    let plain_flags = |word: &Arg| {
        word.text().strip_prefix('-').is_some_and(|letters| letters.bytes().all(|it| b"nHhirEFIwsoa".contains(&it)))
    };
    let is_search = matches!(head.text(), "grep" | "egrep" | "fgrep");
    let known = is_search && words.iter().take(flags).all(plain_flags);
    let pattern = words.get(flags).and_then(Arg::known).filter(|_| known)?;
    Some(vec![pattern.to_owned()])
}

/// Whether an expression could match in a text, both in small letters: each of its alternatives needs the letters that it has
/// outside of sets, escapes and what may be left out. In the dialects of `grep` and `rg` this asks for too little, never for too
/// much.
fn could_be_in(expression: &str, text: &str) -> bool {
    let optional = [")?", ")*", "){", "(?", "\\)"].iter().any(|mark| expression.contains(mark));
    let expression = expression.replace("\\|", "|");
    optional
        || expression.split(['|', '\n']).any(|one| fixed_parts(one).iter().all(|part| text.contains(part.as_str())))
}

/// The letters of an expression that every match has, as they follow each other.
fn fixed_parts(expression: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = expression.chars();
    while let Some(letter) = rest.next() {
        let last = parts.last_mut();
        match (letter, last) {
            (c, Some(part))
                if c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | ':' | '/' | ',' | ';' | '=') =>
            {
                part.push(c);
            }
            // The letter before may be missing.
            ('*' | '?' | '{', Some(part)) => {
                part.pop();
                if letter == '{' {
                    rest = rest.as_str().split_once('}').map_or("", |(_, after)| after).chars();
                }
                parts.push(String::new());
            }
            ('[', _) => {
                let inside = rest.as_str();
                let from = inside.char_indices().nth(1).map_or(inside.len(), |(at, _)| at);
                let after = inside.get(from..).and_then(|it| it.split_once(']')).map_or("", |(_, after)| after);
                rest = after.chars();
                parts.push(String::new());
            }
            ('\\', _) => {
                // `\bword`, `\.`, `\x41`
                if rest.next().is_some_and(|escaped| !matches!(escaped, 'b' | 'w' | 's' | 'd' | '.' | '(' | '<' | '>'))
                {
                    return Vec::new();
                }
                parts.push(String::new());
            }
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a command shows what is in the files that it reads, and not only how many, how large or of which kind.
fn shows_contents(segment: &&Segment) -> bool {
    const COUNT: &[&str] = &[
        "wc",
        "file",
        "stat",
        "du",
        "ls",
        "md5sum",
        "sha1sum",
        "sha256sum",
        "sha512sum",
        "b2sum",
        "cksum",
        "sum",
        "shasum",
    ];
    let head = segment.argv.first().map_or("", Arg::text);
    let reads = segment.operations.iter().any(|it| it.action != Action::Inspect);
    let lists = head.ends_with("grep")
        && segment.argv.iter().skip(1).any(|word| match word.text().strip_prefix("--") {
            Some(long) => matches!(long, "files-with-matches" | "files-without-match" | "count" | "quiet"),
            None => word.text().starts_with('-') && word.text().contains(['l', 'L', 'c', 'q']),
        });
    reads && !lists && !COUNT.contains(&head)
}

/// Whether a search reads all files below its roots, the hidden and the ignored ones, too.
fn goes_through_all(name: &str, parsed: &Parsed) -> bool {
    let given = |options: &[&str]| parsed.given.iter().filter(|it| options.contains(&it.as_str())).count();
    match name {
        "rg" => given(&["-.", "--hidden"]) > 0 || unrestricted(parsed) > 1,
        "git grep" => given(&["--no-exclude-standard", "--no-index"]) > 0,
        _ if name.ends_with("grep") => {
            let recurses = |(option, value): &(String, Arg)| {
                matches!(option.as_str(), "-d" | "--directories") && value.text().starts_with('r')
            };
            parsed.recursive || parsed.settings.iter().any(recurses)
        }
        _ => false,
    }
}

/// How many options make `rg` pass over less: twice, and it reads what is hidden.
fn unrestricted(parsed: &Parsed) -> usize {
    let times = |word: &String| match word.strip_prefix("--") {
        Some(long) => usize::from(long == "unrestricted"),
        None => word.matches('u').count(),
    };
    parsed.options.iter().map(times).fold(0, usize::saturating_add)
}

/// Whether only names or counts of lines are printed.
fn prints_no_lines(parsed: &Parsed) -> bool {
    const NAMES: &[&str] = &[
        "-l",
        "-L",
        "-c",
        "-q",
        "--files-with-matches",
        "--files-without-match",
        "--name-only",
        "--count",
        "--count-matches",
        "--quiet",
        "--silent",
        "--files",
        "--help",
        "--version",
    ];
    parsed.given.iter().any(|option| NAMES.contains(&option.as_str()))
}

/// Whether a search with these options reads a file of this name.
fn is_chosen(path: &str, parsed: &Parsed) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let fits = |pattern: &str, name: &str| could_match(pattern.rsplit('/').next().unwrap_or(pattern), name);
    let values = |options: &'static [&'static str]| {
        parsed.settings.iter().filter(move |(option, _)| options.contains(&option.as_str())).map(|(_, it)| it.text())
    };
    let mut chosen = values(CHOOSE).filter(|pattern| !pattern.starts_with('!')).peekable();
    let by_type = parsed.settings.iter().any(|(option, _)| matches!(option.as_str(), "-t" | "--type"));
    if by_type || (chosen.peek().is_some() && !chosen.any(|pattern| fits(pattern, name))) {
        return false;
    }
    let passed = values(CHOOSE).filter_map(|pattern| pattern.strip_prefix('!')).chain(values(PASS_OVER));
    // A set of characters is matched like any character, which would pass over too much.
    let mut passed = passed.map(|pattern| pattern.trim_end_matches('/')).filter(|pattern| !pattern.contains('['));
    !passed.any(|pattern| path.split('/').any(|part| fits(pattern, part)))
}

/// Whether an expression of `find` takes a file: by its names, and how deep it is.
fn is_taken(root: &str, path: &str, expression: &[Arg]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let whole = format!("{root}/{path}");
    let (mut asked, mut taken) = (false, false);
    for (at, test) in expression.iter().enumerate() {
        let value = expression.get(at.saturating_add(1)).map_or("", Arg::text);
        let fits = match test.text() {
            "-name" => could_match(value, name),
            "-iname" => could_match(&value.to_ascii_lowercase(), &name.to_ascii_lowercase()),
            "-path" | "-wholename" => could_match(value, &whole),
            "-ipath" | "-iwholename" => could_match(&value.to_ascii_lowercase(), &whole.to_ascii_lowercase()),
            // An expression over names is not read.
            "-regex" | "-iregex" => false,
            "-type" if !value.contains('f') => return false,
            "-maxdepth" if value.parse().is_ok_and(|most: usize| path.split('/').count() > most) => return false,
            _ => continue,
        };
        if matches!(test.text(), "-type" | "-maxdepth") {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| expression.get(before)).map_or("", Arg::text);
        let after = expression.get(at.saturating_add(2)).map_or("", Arg::text);
        if matches!(before, "!" | "-not") || after == "-prune" {
            if fits && !value.contains('[') {
                return false;
            }
        } else {
            asked = true;
            taken |= fits;
        }
    }
    taken || !asked
}

#[cfg(test)]
mod tests {
    use super::{could_be_in, is_taken};
    use model::Arg;

    #[test]
    fn expressions_that_could_match() {
        let text = "api_key=abcdef\nurl=http://x\n";
        for expression in [
            ".",
            "",
            "key",
            "k.y",
            "todo|api",
            "x?api",
            "[a-z]*",
            "api.*abc",
            "(foo|api)_key",
            "\\bkey",
            "(zz)?key",
            "\\x61",
            "z*api",
            "z{0,1}api",
            "[]z]api|key",
        ] {
            assert!(could_be_in(expression, text), "{expression}");
        }
        for expression in
            ["todo", "fn .*main", "import [a-z]+ from", "(foo|bar)_baz", "todo|fixme", "\\.unwrap\\(", "class \\w+"]
        {
            assert!(!could_be_in(expression, text), "{expression}");
        }
    }

    #[test]
    fn what_find_takes() {
        let words = |text: &str| text.split(' ').map(|word| Arg::Known(word.to_owned())).collect::<Vec<_>>();
        for text in ["-type f", "-name *", "-maxdepth 1 -type f", "-name x -o -name .e*", "! -name x", "-path ./.e*"] {
            assert!(is_taken(".", ".env", &words(text)), "{text}");
        }
        for text in ["-name *.rs", "-type d", "-not -name .env*", "-path ./.env -prune -o -type f", "-path ./src/*"] {
            assert!(!is_taken(".", ".env", &words(text)), "{text}");
        }
        assert!(!is_taken(".", "a/.env", &words("-maxdepth 1")));
    }
}
