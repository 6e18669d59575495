//! Whether the parser's tree and the second reading of the same text agree.

use std::borrow::Cow;

use brush_parser::ast::{
    AndOr, AndOrList, Command, CommandPrefixOrSuffixItem as Item, CompoundCommand, CompoundList, ExtendedTestExpr,
    IoFileRedirectTarget, IoRedirect, Pipeline, Program, SimpleCommand,
};

use crate::outline::{self, Doubt, Outline, Span};

/// Checks a tree against its text. Gives the second reading, or why the two cannot be trusted.
pub(crate) fn check(text: &str, program: &Program) -> Result<Outline, Doubt> {
    let outline = outline::of_text(text)?;
    let mut tree = Tree::default();
    program.complete_commands.iter().for_each(|list| tree.list(list));
    if tree.words.len() != outline.words.len() {
        return Err("it can be read as other commands than the ones we see");
    }
    let mut comments = outline.comments.clone();
    comments.sort_unstable();
    for (word, span) in tree.words.iter().zip(&outline.words) {
        if !same(text, *span, &comments, word) {
            return Err("its words can be read in more than one way");
        }
    }
    if tree.documents.len() != outline.documents.len() {
        return Err("its here-documents can be read in more than one way");
    }
    for (document, (start, end)) in tree.documents.iter().zip(&outline.documents) {
        let body = text.get(*start..*end).unwrap_or("");
        if body != *document && !stripped(body).eq(stripped(document)) {
            return Err("its here-documents can be read in more than one way");
        }
    }
    Ok(outline)
}

/// Whether a word of the tree is the one marked out. The parser puts the inside of substitutions together again from
/// its pieces, so blanks and comments may differ; what is inside is read, and checked, on its own. The comments are in the
/// order of the text.
fn same(text: &str, (start, end): Span, comments: &[Span], word: &str) -> bool {
    let raw = text.get(start..end).unwrap_or("");
    if raw == word {
        return true;
    }
    let mut without = String::with_capacity(raw.len());
    let mut at = start;
    let inside = comments.get(comments.partition_point(|(from, _)| *from < start)..).unwrap_or_default();
    for (from, to) in inside.iter().take_while(|(from, _)| *from < end).filter(|(_, to)| *to <= end) {
        without.push_str(text.get(at..*from).unwrap_or(""));
        at = *to;
    }
    without.push_str(text.get(at..end).unwrap_or(""));
    stripped(&without).eq(stripped(word))
}

/// The characters without blanks and continued lines.
fn stripped(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            match rest.next()? {
                ' ' | '\t' | '\n' => {}
                '\\' if rest.peek() == Some(&'\n') => {}
                other => return Some(other),
            }
        }
    })
}

/// What the tree holds, in the order of the text.
#[derive(Default)]
struct Tree<'a> {
    words: Vec<Cow<'a, str>>,
    documents: Vec<&'a str>,
}

impl<'a> Tree<'a> {
    fn word(&mut self, word: &'a str) {
        self.words.push(Cow::Borrowed(word));
    }

    fn list(&mut self, CompoundList(items): &'a CompoundList) {
        for item in items {
            self.chain(&item.0);
        }
    }

    fn chain(&mut self, chain: &'a AndOrList) {
        self.pipeline(&chain.first);
        for next in &chain.additional {
            let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = next;
            self.pipeline(pipeline);
        }
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline) {
        pipeline.seq.iter().for_each(|command| self.command(command));
    }

    fn command(&mut self, command: &'a Command) {
        let redirects = match command {
            Command::Simple(simple) => {
                self.simple(simple);
                None
            }
            Command::Compound(compound, redirects) => {
                self.compound(compound);
                redirects.as_ref()
            }
            Command::Function(function) => {
                self.word(&function.fname.value);
                self.compound(&function.body.0);
                function.body.1.as_ref()
            }
            Command::ExtendedTest(test, redirects) => {
                self.test(&test.expr);
                redirects.as_ref()
            }
        };
        redirects.iter().flat_map(|list| list.0.iter()).for_each(|redirect| self.redirect(redirect));
    }

    fn simple(&mut self, simple: &'a SimpleCommand) {
        simple.prefix.iter().flat_map(|prefix| prefix.0.iter()).for_each(|item| self.item(item));
        simple.word_or_name.iter().for_each(|word| self.word(&word.value));
        simple.suffix.iter().flat_map(|suffix| suffix.0.iter()).for_each(|item| self.item(item));
    }

    fn item(&mut self, item: &'a Item) {
        match item {
            Item::IoRedirect(redirect) => self.redirect(redirect),
            Item::Word(word) | Item::AssignmentWord(_, word) => self.word(&word.value),
            Item::ProcessSubstitution(_, subshell) => self.list(&subshell.list),
        }
    }

    fn redirect(&mut self, redirect: &'a IoRedirect) {
        match redirect {
            IoRedirect::File(_, _, target) => match target {
                IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => self.word(&word.value),
                // The parser makes this of `|&`; what is written behind `>&` is a word.
                IoFileRedirectTarget::Fd(_) => {}
                IoFileRedirectTarget::ProcessSubstitution(_, subshell) => self.list(&subshell.list),
            },
            IoRedirect::HereDocument(_, document) => self.documents.push(&document.doc.value),
            IoRedirect::HereString(_, word) | IoRedirect::OutputAndError(word, _) => self.word(&word.value),
        }
    }

    fn compound(&mut self, compound: &'a CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(command) => self.word(&command.expr.value),
            CompoundCommand::ArithmeticForClause(command) => {
                let part = |part: &'a Option<brush_parser::ast::UnexpandedArithmeticExpr>| {
                    part.as_ref().map_or("", |part| part.value.as_str())
                };
                let (first, second, third) =
                    (part(&command.initializer), part(&command.condition), part(&command.updater));
                self.words.push(Cow::Owned(format!("{first};{second};{third}")));
                self.list(&command.body.list);
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => self.list(&subshell.list),
            CompoundCommand::ForClause(command) => {
                self.word(&command.variable_name);
                command.values.iter().flatten().for_each(|word| self.word(&word.value));
                self.list(&command.body.list);
            }
            CompoundCommand::CaseClause(command) => {
                self.word(&command.value.value);
                for case in &command.cases {
                    case.patterns.iter().for_each(|pattern| self.word(&pattern.value));
                    case.cmd.iter().for_each(|list| self.list(list));
                }
            }
            CompoundCommand::IfClause(command) => {
                self.list(&command.condition);
                self.list(&command.then);
                for branch in command.elses.iter().flatten() {
                    branch.condition.iter().for_each(|list| self.list(list));
                    self.list(&branch.body);
                }
            }
            CompoundCommand::WhileClause(command) | CompoundCommand::UntilClause(command) => {
                self.list(&command.0);
                self.list(&command.1.list);
            }
            CompoundCommand::Coprocess(command) => {
                command.name.iter().for_each(|name| self.word(&name.value));
                self.command(&command.body);
            }
        }
    }

    fn test(&mut self, expression: &'a ExtendedTestExpr) {
        match expression {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(inner),
            ExtendedTestExpr::UnaryTest(_, word) => self.word(&word.value),
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.word(&left.value);
                self.word(&right.value);
            }
        }
    }
}
