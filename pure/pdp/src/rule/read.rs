//! From a rule's text to the rule: every word is understood, or the rule is refused.

use model::{Action, Category, Level, Reversibility};

use super::context::Context;
use super::narrow::narrow;
use super::resource::{Base, PathPattern, Target};
use super::text::{Expiry, OneOrMany, OptionsText, RuleText, With};
use super::{Rule, RuleVerdict};
use crate::decision::Obligations;
use crate::pattern::{CommandPattern, Further, Glob, LineRegex, Operand, OptionPattern, Wild, alternatives_of};
use crate::quorum::{Quorum, QuorumText};

/// A problem of a rule: the key that it is about, and what is wrong.
pub(crate) type Wrong = (&'static str, String);

/// Reads a rule. Its examples are not looked at.
pub(crate) fn read(text: RuleText, place: (String, usize)) -> Result<Rule, Wrong> {
    let allows = text.verdict == RuleVerdict::Allow;
    let at = |key: &'static str| move |why: String| (key, why);
    name(&text.id).map_err(at("id"))?;
    let accepts_partial = match text.coverage.as_deref() {
        None | Some("full") => false,
        Some("partial") => true,
        Some(word) => return Err(("coverage", format!("`coverage` is `full` or `partial`, not `{word}`"))),
    };
    if text.exact.is_some() && (text.command.is_some() || text.regex.is_some()) {
        return Err(("exact", "a rule has one of `exact`, `command` and `regex`".to_owned()));
    }
    let command = commands(&text)?;
    let regex = text.regex.as_deref().map(|it| LineRegex::new(it, allows)).transpose().map_err(at("regex"))?;
    let tool = text.tool.as_deref().map(|it| Glob::new(it, Wild::Name)).transpose().map_err(at("tool"))?;
    let target = target(&text)?;
    let effects = each(&text.effect, action).map_err(at("effect"))?;
    let categories = each(&text.category, category).map_err(at("category"))?;
    let says = !command.is_empty() || regex.is_some() || tool.is_some() || !target.is_empty() || !effects.is_empty();
    let about =
        says || !categories.is_empty() || text.factor.is_some() || text.level.is_some() || text.reversibility.is_some();
    if !about {
        return Err(("id", "it says nothing about what it matches: add `command`, `exact`, `regex`, `effect`, `path`, `host`, `resource`, `sql`, `category`, `factor`, `tool`, `level` or `reversibility`".to_owned()));
    }
    if allows {
        narrow(&text, &command, regex.is_some(), accepts_partial)?;
    }
    Ok(Rule {
        place,
        expires_ms: text.expires.map(expiry).transpose().map_err(at("expires"))?,
        context: Context::read(&text.when, allows).map_err(at("when"))?,
        quorum: quorum(&text)?,
        obligations: obligations(&text.with)?,
        only: text.only.as_deref().map(|list| all(list, action)).transpose().map_err(at("only"))?,
        only_categories: text
            .only_category
            .as_deref()
            .map(|list| all(list, category))
            .transpose()
            .map_err(at("only_category"))?,
        from: text
            .from
            .as_ref()
            .map(|it| it.words().iter().map(|word| path(word)).collect::<Result<Vec<_>, _>>())
            .transpose()
            .map_err(at("from"))?
            .unwrap_or_default()
            .concat(),
        level: text.level.as_deref().map(level).transpose().map_err(at("level"))?,
        reversibility: text.reversibility.as_deref().map(reversibility).transpose().map_err(at("reversibility"))?,
        factors: text.factor.as_ref().map(|it| it.words().to_vec()).unwrap_or_default(),
        bounded_by_examples: false,
        alone: text.exact.is_some(),
        id: text.id,
        verdict: text.verdict,
        reason: text.reason,
        matches: text.matches,
        spares: text.spares,
        priority: text.priority,
        command,
        regex,
        effects,
        target,
        categories,
        tool,
        accepts_partial,
    })
}

/// The patterns of `exact` or `command`.
fn commands(text: &RuleText) -> Result<Vec<CommandPattern>, Wrong> {
    let at = |key: &'static str| move |why: String| (key, why);
    let patterns = match (&text.exact, &text.command) {
        (Some(exact), _) => vec![CommandPattern::exact(exact).map_err(at("exact"))?],
        (None, Some(command)) => CommandPattern::read(command).map_err(at("command"))?,
        (None, None) => Vec::new(),
    };
    further(patterns, text)
}

/// Patterns with what their further arguments may be.
fn further(patterns: Vec<CommandPattern>, text: &RuleText) -> Result<Vec<CommandPattern>, Wrong> {
    let operands = |words: &Option<OneOrMany>, key: &'static str| -> Result<Option<Vec<Operand>>, Wrong> {
        let read = words.as_ref().map(|it| it.words().iter().map(|word| Operand::new(word)).collect());
        read.transpose().map_err(|why| (key, why))
    };
    let (operands, target) = (operands(&text.operands, "operands")?, operands(&text.target, "target")?);
    let globs = |list: &[String]| -> Result<Vec<OptionPattern>, Wrong> {
        list.iter().map(|it| OptionPattern::new(it)).collect::<Result<_, _>>().map_err(|why| ("options", why))
    };
    let words = |pattern: &CommandPattern| -> Vec<String> {
        pattern.words().iter().filter_map(Glob::literal).map(str::to_owned).collect()
    };
    if let Some(OptionsText::ByWord(lists)) = &text.options {
        let unused = lists.keys().find(|key| *key != "*" && !patterns.iter().any(|it| words(it).contains(key)));
        if let Some(key) = unused {
            return Err(("options", format!("`{key}` is no word of the command; for any, say `\"*\"`")));
        }
    }
    patterns
        .into_iter()
        .map(|mut pattern| {
            let options = match &text.options {
                None => None,
                Some(OptionsText::OfAll(list)) => Some(globs(list)?),
                Some(OptionsText::ByWord(lists)) => {
                    let own = words(&pattern);
                    let lists = lists.iter().filter(|(key, _)| *key == "*" || own.contains(key));
                    Some(lists.map(|(_, list)| globs(list)).collect::<Result<Vec<_>, _>>()?.concat())
                }
            };
            pattern.further = Further { options, operands: operands.clone(), target: target.clone() };
            Ok(pattern)
        })
        .collect()
}

fn name(id: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if id.is_empty() || id.len() > 96 || !id.chars().all(plain) {
        return Err(format!("`{id}` is no name for a rule: letters, digits, `.`, `-` and `_`, at most 96"));
    }
    Ok(())
}

fn target(text: &RuleText) -> Result<Target, Wrong> {
    let words = |it: &Option<OneOrMany>| it.as_ref().map(|it| it.words().to_vec()).unwrap_or_default();
    let globs = |it: &Option<OneOrMany>| -> Result<Vec<Glob>, String> {
        words(it)
            .iter()
            .map(|word| alternatives_of(word, Wild::Name))
            .collect::<Result<Vec<_>, _>>()
            .map(|it| it.concat())
    };
    let paths = |it: &Option<OneOrMany>| words(it).iter().map(|word| path(word)).collect::<Result<Vec<_>, _>>();
    let mut named = Vec::new();
    for word in words(&text.resource) {
        const KINDS: &[&str] = &["host", "program", "package", "service", "tool", "database", "system", "unknown"];
        let parts = word.split_once(':').filter(|(kind, _)| KINDS.contains(kind));
        let Some((kind, glob)) = parts else {
            return Err((
                "resource",
                format!("`{word}` is no resource: write `KIND:GLOB` with one of {}", KINDS.join(", ")),
            ));
        };
        named.push((kind.to_owned(), Glob::new(glob, Wild::Name).map_err(|why| ("resource", why))?));
    }
    Ok(Target {
        paths: paths(&text.path).map_err(|why| ("path", why))?.concat(),
        only_paths: paths(&text.only_path).map_err(|why| ("only_path", why))?.concat(),
        hosts: globs(&text.host).map_err(|why| ("host", why))?,
        named,
        sql: globs(&text.sql).map_err(|why| ("sql", why))?,
    })
}

/// Patterns of paths, with their bases.
pub(crate) fn path(word: &str) -> Result<Vec<PathPattern>, String> {
    let bases = [("$PROJECT", Base::Project), ("$CWD", Base::Cwd), ("$HOME", Base::Home)];
    let based = bases.iter().find_map(|(name, base)| word.strip_prefix(name).map(|rest| (*base, rest)));
    let (base, rest) = based.unwrap_or((Base::Root, word));
    let rooted = rest.starts_with('/')
        || (base == Base::Root && rest.starts_with("**"))
        || (base != Base::Root && rest.is_empty());
    if !rooted {
        return Err(format!(
            "`{word}` is no pattern of absolute paths: it begins with `/`, `**/`, `$PROJECT/`, `$CWD/` or `$HOME/`"
        ));
    }
    Ok(alternatives_of(rest, Wild::Path)?.into_iter().map(|glob| PathPattern { base, glob }).collect())
}

fn each<T>(words: &Option<OneOrMany>, read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    words.as_ref().map_or(Ok(Vec::new()), |words| all(words.words(), read))
}

fn all<T>(words: &[String], read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    words.iter().map(|word| read(word)).collect()
}

/// An action by its word.
pub(crate) fn action(word: &str) -> Result<Action, String> {
    Action::parse(word).ok_or_else(|| no_such("action", word, Action::ALL.iter().map(|it| it.as_str())))
}

fn category(word: &str) -> Result<Category, String> {
    Category::parse(word).ok_or_else(|| no_such("category", word, Category::ALL.iter().map(|it| it.as_str())))
}

fn level(word: &str) -> Result<(bool, Level), String> {
    const LEVELS: [&str; 4] = ["low", "medium", "high", "critical"];
    let (or_higher, name) = word.strip_prefix(">=").map_or((false, word), |rest| (true, rest));
    Level::parse(name).map(|level| (or_higher, level)).ok_or_else(|| no_such("level", name, LEVELS.into_iter()))
}

fn reversibility(word: &str) -> Result<(bool, Reversibility), String> {
    let (or_worse, name) = word.strip_prefix(">=").map_or((false, word), |rest| (true, rest));
    let found = Reversibility::parse(name).map(|found| (or_worse, found));
    found.ok_or_else(|| no_such("reversibility", name, Reversibility::ALL.iter().map(|it| it.as_str())))
}

/// What to say of a word that is none of a list, with the nearest of them.
pub(crate) fn no_such<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match nearest(word, &known) {
        Some(near) => format!("`{word}` is no {what}; did you mean `{near}`?"),
        None => format!("`{word}` is no {what}; there are {}", known.join(", ")),
    }
}

/// The word of a list that is most like another, if any is.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |it: &&str| strsim::jaro_winkler(word, it);
    known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|it| likeness(it) > 0.8)
}

fn quorum(text: &RuleText) -> Result<Option<Quorum>, Wrong> {
    let given = QuorumText {
        people: text.people,
        who: text.who.clone(),
        veto: text.veto,
        assurance: text.assurance.clone(),
        timeout_s: text.timeout_s,
    };
    let fields: [(&'static str, bool); 5] = [
        ("people", given.people.is_some()),
        ("who", given.who.is_some()),
        ("veto", given.veto.is_some()),
        ("assurance", given.assurance.is_some()),
        ("timeout_s", given.timeout_s.is_some()),
    ];
    let Some((field, _)) = fields.into_iter().find(|(_, is_given)| *is_given) else { return Ok(None) };
    if text.verdict != RuleVerdict::Ask {
        return Err((field, "who must agree, and how long they have, belong to rules that ask".to_owned()));
    }
    given.read().map(Some).map_err(|why| (field, why))
}

fn obligations(with: &With) -> Result<Obligations, Wrong> {
    if with.timeout_s == Some(0) {
        return Err(("with", "`with.timeout_s` is at least one second".to_owned()));
    }
    Ok(Obligations {
        withhold: with.withhold.clone().unwrap_or_default(),
        sandbox: with.sandbox.clone().into_iter().collect(),
        timeout_s: with.timeout_s,
        record: with.record,
        redact: with.redact,
        snapshot: with.snapshot,
    })
}

/// Milliseconds since 1970 of an offset date-time (RFC 3339).
fn expiry(at: Expiry) -> Result<u64, String> {
    let text = at.0.to_string();
    let moment: Option<jiff::Timestamp> = text.parse().ok();
    let millis = moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    millis.ok_or_else(|| {
        format!("`expires = {text}` must be a full date and time with an offset, such as 2027-01-31T00:00:00Z")
    })
}
