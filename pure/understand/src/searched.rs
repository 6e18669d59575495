//! Searches through a whole directory: whether one reads a file there that holds secrets. Names alone are looked at, of the
//! first files, and what the search leaves out is left out.

use model::{Action, Arg, Fact, FactQuery, Segment};

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

/// Words of code and notes that searches are made for.
const CODE_WORDS: &[&str] = &[
    concat!("FIX", "ME"),
    "TODO",
    "async",
    "await",
    "class",
    "console",
    "const",
    "def",
    "enum",
    "export",
    "fn",
    "func",
    "function",
    "impl",
    "import",
    "include",
    "interface",
    "lambda",
    "namespace",
    "package",
    "println",
    "require",
    "return",
    "struct",
    "trait",
    "typedef",
    concat!("un", "safe"),
    "unwrap",
    "yield",
];

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
        let is_for_code = patterns_of(program, parsed).is_some_and(|patterns| patterns.iter().all(|it| is_of_code(it)));
        for root in &roots {
            let secrets = self.secrets_below(root);
            let chosen: Vec<String> = secrets.into_iter().filter(|secret| is_chosen(secret, parsed)).collect();
            if !chosen.is_empty() && !is_for_code {
                act(&[Role::Secret], &mut parsed.operations);
                return;
            }
        }
    }

    /// Adds that what `find` takes has a secret among it, where the commands since then show contents of it.
    pub(crate) fn find_meets(&mut self, roots: &[Arg], expression: &[Arg], began: usize, segment: &mut Segment) {
        let run = self.intent.segments.get(began..).unwrap_or_default();
        let for_code = |segment: &Segment| searched_for(segment).is_some_and(|pattern| is_of_code(&pattern));
        if !run.iter().any(|segment| shows_contents(segment) && !for_code(segment)) {
            return;
        }
        for root in roots {
            let name = root.text().trim_end_matches('/').to_owned();
            let secrets = self.secrets_below(root);
            let taken: Vec<String> = secrets.into_iter().filter(|it| is_taken(&name, it, expression)).collect();
            if !taken.is_empty() {
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
fn searched_for(segment: &Segment) -> Option<String> {
    let (head, words) = segment.argv.split_first()?;
    let flags = words.iter().take_while(|word| word.text().starts_with('-')).count();
    let plain_flags = |word: &Arg| {
        word.text().strip_prefix('-').is_some_and(|letters| letters.bytes().all(|it| b"nHhirEFIwsoa".contains(&it)))
    };
    let is_search = matches!(head.text(), "grep" | "egrep" | "fgrep");
    let known = is_search && words.iter().take(flags).all(plain_flags);
    words.get(flags).and_then(Arg::known).filter(|_| known).map(str::to_owned)
}

/// Whether an expression is of plain letters, and has a word in each alternative that code and notes have, and secrets do not: a
/// line without it is not printed. What is in the files decides nothing, or a verdict would tell of it.
fn is_of_code(expression: &str) -> bool {
    let is_plain = expression.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '|'));
    is_plain && expression.split('|').all(|one| one.split(' ').any(|word| CODE_WORDS.contains(&word)))
}

/// Whether a command shows what is in the files that it reads, and not only how many, how large or of which kind.
fn shows_contents(segment: &Segment) -> bool {
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
    reads && !COUNT.contains(&head)
}

/// Whether a search reads all files below its roots, the hidden and the ignored ones, too.
fn goes_through_all(name: &str, parsed: &Parsed) -> bool {
    let given = |options: &[&str]| parsed.given.iter().filter(|it| options.contains(&it.as_str())).count();
    match name {
        "rg" => given(&["-.", "--hidden"]) > 0 || unrestricted(parsed) > 1,
        "git grep" => given(&["--no-exclude-standard", "--no-index", "--untracked"]) > 0,
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

/// Whether nothing that is printed depends on what is in the files. Names of files that match, and counts, do.
fn prints_no_lines(parsed: &Parsed) -> bool {
    const NAMES: &[&str] = &["--files", "--help", "--version"];
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
    use super::{is_of_code, is_taken};
    use model::Arg;

    #[test]
    fn only_words_of_code_print_nothing_of_a_secret() {
        for expression in ["TODO", "fn main", "TODO|return", "import os"] {
            assert!(is_of_code(expression), "{expression}");
        }
        for expression in
            ["", ".", "key", "TODO|", "|", "TODO|key", "[^]x]abc", "[[:upper:]z]=", "(*UCP)K=", "return.*", "fn\nK="]
        {
            assert!(!is_of_code(expression), "{expression}");
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
