//! What the words of a subcommand say it does: the first word that is a verb says it, the words before it name what it
//! is done to, and those behind it are names, whatever they look like.

use model::Arg;

use crate::knowledge::Role;
use crate::words_of::{CHANGE, GRANT, NOUNS, REMOVE, RUN, RUN_PROJECT, SHOW, SHOWN, SHOWN_ALONE};

/// How many words a verb is looked for in.
const MAX_WORDS: usize = 6;

/// What the words of a subcommand say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Show,
    Change,
    Remove,
    Run,
}

/// A word, and whether it follows an option and may be its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) text: &'a str,
    doubtful: bool,
}

/// The words that are no options, in order: the first operand, and those of the rest.
pub(crate) fn said<'a>(words: &[&'a Arg], rest: &'a [Arg]) -> Vec<Said<'a>> {
    let first = words.first().and_then(|word| word.known()).map(|text| Said { text, doubtful: false });
    let mut found: Vec<Said<'a>> = first.into_iter().collect();
    let mut behind_option = false;
    for word in rest {
        let text = word.known().unwrap_or("");
        if text == "--" {
            behind_option = false;
        } else if text.starts_with('-') {
            behind_option = !text.contains('=');
        } else {
            if !text.is_empty() && found.len() < MAX_WORDS {
                found.push(Said { text, doubtful: behind_option });
            }
            behind_option = false;
        }
    }
    found
}

/// What kind of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Verb(Verb),
    /// A noun that is shown where no verb follows; with `true` only where nothing at all follows.
    Shown(bool),
    Noun,
    /// Nothing that we know: the name of something, or a verb of the program's own.
    Other,
}

/// What a command of a program says it does.
pub(crate) fn verb_of(program: &str, role: Role, said: &[Said<'_>], loosely: bool, rest: &[Arg]) -> Verb {
    let found = words_say(program, role, said, rest);
    // An option before the subcommand may take the first word for its value: then the next one counts as well.
    let shifted = said.get(1..).filter(|more| loosely && !more.is_empty());
    let found = shifted.map_or(found, |more| found.max(words_say(program, role, more, rest)));
    let called = said.first().is_some_and(|it| matches!(it.text, "api" | "rest" | "request" | "raw" | "graphql"));
    match method(rest) {
        Some(verb) => {
            if called {
                verb
            } else {
                found.max(verb)
            }
        }
        None if called && sends_fields(rest) => found.max(Verb::Change),
        None if called => Verb::Show,
        None => found,
    }
}

fn words_say(program: &str, role: Role, said: &[Said<'_>], rest: &[Arg]) -> Verb {
    // Every subcommand of git has an entry: another one is an alias, or a program.
    if program == "git" {
        return Verb::Run;
    }
    let project = matches!(role, Role::Install | Role::History);
    let mut doubtful = None;
    let mut shown = None;
    for (at, word) in said.iter().enumerate() {
        let kind =
            if at == 0 && nouns_first(program, word.text, said) { Kind::Noun } else { kind_of(word.text, project) };
        match kind {
            Kind::Verb(verb) if word.doubtful => doubtful = doubtful.max(Some(verb)),
            Kind::Verb(verb) => return doubtful.map_or(verb, |it: Verb| it.max(verb)),
            Kind::Shown(alone) => shown = shown.or(Some((alone, at))),
            Kind::Noun => {}
            Kind::Other if word.doubtful => {}
            // What is shown may have a name; else a word that we do not know may be a verb of the program's own.
            Kind::Other if shown.is_some() => break,
            Kind::Other if at == 0 && has_plugins(program) => return Verb::Run,
            // If it is a noun that we do not know, the verb follows: the worse of both readings counts.
            Kind::Other => {
                let more = said.iter().skip(at.saturating_add(1)).take(2).filter(|it| !it.doubtful);
                return more.fold(Verb::Change, |worst, it| match kind_of(it.text, project) {
                    Kind::Verb(verb) => worst.max(verb),
                    Kind::Shown(_) | Kind::Noun | Kind::Other => worst,
                });
            }
        }
    }
    match shown {
        Some((alone, at)) if alone && (said.len() > at.saturating_add(1) || writes(rest)) => Verb::Change,
        Some(_) => doubtful.map_or(Verb::Show, |it| it.max(Verb::Show)),
        // A noun alone prints its usage, or opens something.
        None => Verb::Change,
    }
}

fn kind_of(word: &str, project: bool) -> Kind {
    let lower;
    let word = if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        lower = word.to_ascii_lowercase();
        lower.as_str()
    } else {
        word
    };
    // `apps:destroy` is two words.
    if let Some((head, tail)) = word.split_once(':') {
        return match (whole(head, project), kind_of(tail, project)) {
            (found @ Kind::Verb(_), _) => found,
            (found, Kind::Other) => found,
            (_, found) => found,
        };
    }
    let found = whole(word, project);
    if found != Kind::Other {
        return found;
    }
    // `describe-instances`, `set_permissions`: the first part that is a verb says it.
    let parts = word.split(['-', '_', '.']).filter(|part| part.len() < word.len());
    let verbs = parts.clone().find_map(|part| match whole(part, false) {
        Kind::Verb(Verb::Run) if !matches!(part, "exec" | "execute" | "invoke" | "eval" | "shell" | "ssh") => {
            Some(Kind::Verb(Verb::Change))
        }
        Kind::Verb(verb) => Some(Kind::Verb(verb)),
        Kind::Shown(_) | Kind::Noun | Kind::Other => None,
    });
    match verbs {
        Some(verb) if !word.contains('.') || !crate::verbs::has_extension(word) => verb,
        Some(_) | None if word.ends_with('s') && !word.contains('.') => Kind::Noun,
        Some(_) | None => Kind::Other,
    }
}

fn whole(word: &str, project: bool) -> Kind {
    let is = |list: &[&str]| list.binary_search(&word).is_ok();
    if is(RUN) || (project && is(RUN_PROJECT)) {
        Kind::Verb(Verb::Run)
    } else if is(REMOVE) {
        Kind::Verb(Verb::Remove)
    } else if project && word == "get" {
        // `go get` installs.
        Kind::Verb(Verb::Change)
    } else if is(SHOW) {
        Kind::Verb(Verb::Show)
    } else if is(CHANGE) {
        Kind::Verb(Verb::Change)
    } else if is(SHOWN) || is(SHOWN_ALONE) {
        Kind::Shown(is(SHOWN_ALONE))
    } else if is(NOUNS) {
        Kind::Noun
    } else {
        Kind::Other
    }
}

/// Programs whose first word is always what it is about, and words that are such for one program only.
fn nouns_first(program: &str, word: &str, said: &[Said<'_>]) -> bool {
    said.len() > 1
        && (matches!(program, "aws" | "awslocal" | "az" | "gcloud" | "oci" | "aliyun" | "ibmcloud")
            || (matches!(program, "gh" | "glab") && matches!(word, "run" | "search")))
}

/// Programs that look for a subcommand which they do not know among other programs, or in the project.
fn has_plugins(program: &str) -> bool {
    matches!(
        program,
        "yarn"
            | "yarnpkg"
            | "pnpm"
            | "bun"
            | "composer"
            | "cargo"
            | "gh"
            | "kubectl"
            | "docker"
            | "podman"
            | "helm"
            | "npx"
            | "pnpx"
            | "bunx"
            | "uvx"
            | "pipx"
            | "git"
            | "oc"
            | "asdf"
            | "mise"
            | "rbenv"
            | "pyenv"
    )
}

/// The method of a request, where an option names one.
fn method(rest: &[Arg]) -> Option<Verb> {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let text = word.known()?;
        let value = match text {
            "-X" | "--method" | "--request" | "--http-method" => words.next().map(Arg::text),
            _ => ["--method=", "--request=", "--http-method=", "-X"].iter().find_map(|it| text.strip_prefix(*it)),
        };
        if let Some(value) = value {
            return Some(match value.trim_start_matches('=').to_ascii_uppercase().as_str() {
                "GET" | "HEAD" | "OPTIONS" => Verb::Show,
                "DELETE" => Verb::Remove,
                _ => Verb::Change,
            });
        }
    }
    None
}

/// Whether a request carries fields or a body.
fn sends_fields(rest: &[Arg]) -> bool {
    let begins = ["-f", "-F", "-d", "--field", "--raw-field", "--input", "--body", "--data"];
    rest.iter().any(|word| begins.iter().any(|it| word.text().starts_with(it)))
}

/// Whether an option sets something.
fn writes(rest: &[Arg]) -> bool {
    rest.iter().any(|word| {
        let text = word.text();
        text.starts_with('-')
            && !matches!(text, "--json" | "-json" | "--help" | "-h" | "-v" | "--all" | "--list" | "-l")
    })
}

/// Whether the words are about who may do what.
pub(crate) fn grants(words: &[&str]) -> bool {
    let is = |word: &str| GRANT.binary_search(&word).is_ok();
    words.iter().any(|word| is(word) || word.split(['-', '_', ':']).any(is))
}

#[cfg(test)]
mod tests {
    use model::Arg;

    use super::{Verb, said, verb_of};
    use crate::knowledge::Role;

    fn verb(text: &str, role: Role) -> Verb {
        let words: Vec<Arg> = text.split(' ').map(|it| Arg::Known(it.to_owned())).collect();
        let program = words.first().map_or("", Arg::text);
        let first: Vec<&Arg> = words.iter().skip(1).take(1).collect();
        let rest = words.get(2..).unwrap_or_default();
        verb_of(program, role, &said(&first, rest), false, rest)
    }

    #[test]
    fn the_first_verb_says_it_and_names_do_not() {
        for (text, expected) in [
            ("terraform plan", Verb::Show),
            ("terraform apply plan", Verb::Change),
            ("terraform state rm list", Verb::Remove),
            ("kubectl set env deploy/x A=b", Verb::Change),
            ("kubectl apply -f status.yaml", Verb::Change),
            ("helm upgrade status ./c", Verb::Change),
            ("aws iam attach-user-policy --user-name list", Verb::Change),
            ("aws s3 cp list.txt s3://b", Verb::Change),
            ("aws s3 --region list rm s3://b", Verb::Remove),
            ("aws ec2 describe-instances", Verb::Show),
            ("gcloud projects set-iam-policy p list", Verb::Change),
            ("gcloud compute instances list", Verb::Show),
            ("az policy assignment create", Verb::Change),
            ("vercel env add x", Verb::Change),
            ("rabbitmqctl set_permissions status", Verb::Change),
            ("heroku apps:destroy list", Verb::Remove),
            ("helm status x", Verb::Show),
            ("helm frobnicate status", Verb::Run),
        ] {
            assert_eq!(verb(text, Role::Cloud), expected, "{text}");
        }
    }

    #[test]
    fn what_a_request_does_is_said_by_its_method() {
        for (text, expected) in [
            ("gh api repos/a/b", Verb::Show),
            ("gh api -X DELETE repos/a/b", Verb::Remove),
            ("gh api --method=delete repos/a/list", Verb::Remove),
            ("gh api repos/a/b/issues -f title=list", Verb::Change),
            ("gh gist create .env", Verb::Change),
            ("gh run list", Verb::Show),
            ("gh pr view 3", Verb::Show),
            ("npm version major", Verb::Change),
            ("npm version", Verb::Show),
            ("go env -w GOFLAGS=x", Verb::Change),
            ("npm test", Verb::Run),
        ] {
            let role = if text.starts_with("gh") { Role::History } else { Role::Install };
            assert_eq!(verb(text, role), expected, "{text}");
        }
    }
}
