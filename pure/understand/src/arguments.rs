//! Arguments that come in: what `xargs` and `parallel` add to the command they run.

use model::{Arg, Segment};

use crate::command::Input;
use crate::lower::Lowering;
use crate::program::Parsed;

/// How many arguments of one `parallel` are looked at one by one.
const MAX_ITEMS: usize = 16;

impl Lowering<'_> {
    /// The command of `parallel`: run once for each argument that follows `:::`, or that comes in.
    pub(crate) fn parallel(&mut self, words: Vec<Arg>, input: &Input, segment: &mut Segment) {
        let at = words.iter().position(|word| word.text().starts_with(":::")).unwrap_or(words.len());
        let (command, given) = words.split_at(at);
        let items: Vec<Arg> = match (given, &input.text, &self.stream.found) {
            ([_, items @ ..], ..) => items.iter().filter(|item| !item.text().starts_with(":::")).cloned().collect(),
            ([], Some(Some(text)), _) => text.lines().map(|line| Arg::Known(line.to_owned())).collect(),
            ([], _, Some(pattern)) if input.fed => vec![Arg::Pattern(pattern.clone())],
            ([], ..) => vec![Arg::Unknown("(arguments from input)".to_owned())],
        };
        let known = command.iter().map(Arg::known).collect::<Option<Vec<_>>>().map(|words| words.join(" "));
        self.wrappers.push("parallel".to_owned());
        for item in items.iter().take(MAX_ITEMS) {
            // One `parallel` joins the words and has a shell read them again; others hand on the words as they are.
            if let Some(value) =
                item.known().filter(|value| value.contains(' ') || command.iter().any(|word| word.text().contains(' ')))
                && command.len() > 1
            {
                let fills = command.iter().any(|word| word.text().contains("{}"));
                let filled = command.iter().map(|word| match word {
                    Arg::Known(text) => Arg::Known(text.replace("{}", value)),
                    Arg::Pattern(_) | Arg::Unknown(_) => word.clone(),
                });
                let inner = filled.chain((!fills).then(|| item.clone())).collect();
                self.wrapped("parallel", inner, segment, Input::default());
            }
            match (&known, item) {
                (Some(text), Arg::Known(item)) if text.is_empty() => self.nested(item),
                (Some(text), Arg::Known(item)) if text.contains("{}") => self.nested(&text.replace("{}", item)),
                (Some(text), Arg::Known(item)) if !text.contains('{') => self.nested(&format!("{text} {item}")),
                (Some(text), _) if command.len() == 1 && text.contains(' ') => {
                    self.nested(text);
                    let why = "the shell reads the command again with what is filled in".to_owned();
                    segment.unknowns.push(model::Unknown { text: item.text().to_owned(), why });
                }
                _ => {
                    let inner = command.iter().map(|word| {
                        if word.text().contains('{') { Arg::Unknown(word.text().to_owned()) } else { word.clone() }
                    });
                    self.wrapped("parallel", inner.chain([item.clone()]).collect(), segment, Input::default());
                    let why = "the shell reads the command again with what is filled in".to_owned();
                    segment.unknowns.push(model::Unknown { text: item.text().to_owned(), why });
                }
            }
        }
        if items.len() > MAX_ITEMS {
            let why = "there are more arguments than are looked at".to_owned();
            segment.unknowns.push(model::Unknown { text: "parallel".to_owned(), why });
        }
        self.wrappers.pop();
    }

    /// Whether `xargs` takes names that come in apart at blanks, so that one name can pass for others.
    pub(crate) fn takes_names_apart(&self, parsed: &Parsed, input: &Input) -> bool {
        let ends = |option: &String| option == "--null" || (!option.starts_with("--") && option.contains('0'));
        input.fed && self.stream.found.is_some() && !(self.stream.nul && parsed.options.iter().any(ends))
    }

    /// The command of `xargs` with what it appends or fills in.
    pub(crate) fn with_arguments_from_input(&self, inner: Vec<Arg>, parsed: &Parsed, input: &Input) -> Vec<Arg> {
        let settings = &parsed.settings;
        let items: Vec<Arg> = match (&input.text, &self.stream.found) {
            (Some(Some(text)), _) => text.split_whitespace().map(|word| Arg::Known(word.to_owned())).collect(),
            (_, Some(pattern)) if input.fed => vec![Arg::Pattern(pattern.clone())],
            _ => vec![Arg::Unknown("(arguments from input)".to_owned())],
        };
        let fill = settings
            .iter()
            .find(|(name, _)| matches!(name.as_str(), "-I" | "-i" | "--replace" | "-J"))
            .map(|(_, value)| value.text().to_owned());
        let Some(fill) = fill else { return inner.into_iter().chain(items).collect() };
        let item = match items.as_slice() {
            [one] => one.clone(),
            _ => Arg::Unknown("(arguments from input)".to_owned()),
        };
        let filled = |word: Arg| {
            if word.text() == fill {
                return item.clone();
            }
            match (word.text().contains(&fill), &item) {
                (false, _) => word,
                (true, Arg::Known(value)) => Arg::Known(word.text().replace(&fill, value)),
                (true, _) => Arg::Unknown(word.text().to_owned()),
            }
        };
        inner.into_iter().map(filled).collect()
    }
}
