//! Arguments that come in: what `xargs` and `parallel` add to the command they run.

use model::{Arg, Segment};

use crate::command::Input;
use crate::feed::Feed;
use crate::lower::Lowering;

/// How many arguments of one `parallel` are looked at one by one.
const MAX_ITEMS: usize = 16;

impl Lowering<'_> {
    /// The command of `parallel`: run once for each argument that follows `:::`, or that comes in.
    pub(crate) fn parallel(&mut self, words: Vec<Arg>, input: &Input, segment: &mut Segment) {
        let at = words.iter().position(|word| word.text().starts_with(":::")).unwrap_or(words.len());
        let (command, given) = words.split_at(at);
        let unknown = || vec![Arg::Unknown(crate::feed::ANY_WORDS.to_owned())];
        let items: Vec<Arg> = match (given, &input.text, &self.stream.found) {
            // One list of arguments; several are combined, and `::::` names files.
            ([first, items @ ..], ..)
                if first.text() == ":::"
                    && !items.iter().any(|item| item.text().starts_with(":::"))
                    && one_each(segment, words.len()) =>
            {
                items.to_vec()
            }
            ([], Some(Some(text)), _) if one_each(segment, words.len()) => {
                text.lines().map(|line| Arg::Known(line.to_owned())).collect()
            }
            ([], _, Some(pattern)) if input.fed && one_each(segment, words.len()) => {
                vec![Arg::Pattern(pattern.clone())]
            }
            _ => unknown(),
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
                (Some(text), Arg::Known(item)) if text.is_empty() => self.process(item),
                (Some(text), Arg::Known(item)) if text.contains("{}") => self.process(&text.replace("{}", item)),
                (Some(text), Arg::Known(item)) if !text.contains('{') => self.process(&format!("{text} {item}")),
                (Some(text), _) if command.len() == 1 && text.contains(' ') => {
                    self.process(text);
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
    pub(crate) fn takes_names_apart(&self, feed: &Feed, input: &Input) -> bool {
        input.fed && self.stream.found.is_some() && !(self.stream.nul && feed.delimiter == Some('\0'))
    }

    /// The commands of `xargs`, each with what it appends or fills in.
    pub(crate) fn with_arguments_from_input(
        &self,
        inner: &[Arg],
        feed: &Feed,
        input: &Input,
        segment: &mut Segment,
    ) -> Vec<Vec<Arg>> {
        let unknown = || vec![Arg::Unknown(crate::feed::ANY_WORDS.to_owned())];
        let groups: Vec<Vec<Arg>> = match (&input.text, &self.stream.found) {
            (Some(Some(text)), _) => match feed.groups(text) {
                Some(groups) if groups.is_empty() => vec![Vec::new()],
                Some(groups) => groups.into_iter().map(|group| group.into_iter().map(Arg::Known).collect()).collect(),
                None => vec![unknown()],
            },
            (_, Some(pattern)) if input.fed => vec![vec![Arg::Pattern(pattern.clone())]],
            _ => vec![unknown()],
        };
        if groups.len() > MAX_ITEMS {
            let why = "there are more arguments than are looked at".to_owned();
            segment.unknowns.push(model::Unknown { text: "xargs".to_owned(), why });
        }
        groups.iter().take(MAX_ITEMS).map(|group| feed.filled(inner, group)).collect()
    }
}

/// Whether `parallel` makes one command of each argument or line, by its options.
fn one_each(segment: &Segment, command: usize) -> bool {
    let plain = ["-j", "-P", "-k", "-t", "-v", "-u", "-r"];
    let long = [
        "--jobs",
        "--max-procs",
        "--keep-order",
        "--bar",
        "--progress",
        "--eta",
        "--verbose",
        "--will-cite",
        "--tag",
        "--group",
        "--ungroup",
        "--line-buffer",
        "--halt",
        "--dry-run",
        "--no-notice",
    ];
    let own = segment.argv.len().saturating_sub(command);
    segment.argv.iter().take(own).skip(1).all(|arg| {
        let text = arg.text();
        let name = text.split('=').next().unwrap_or(text);
        !text.starts_with('-') || plain.iter().any(|option| text.starts_with(option)) || long.contains(&name)
    })
}
