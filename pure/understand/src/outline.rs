//! A second reading of a shell text, apart from the parser's: where its words, here-documents and substitutions begin
//! and end, by the rules of Bash.
//!
//! The parser builds the tree that is walked. This reader only marks out the text, and refuses what it is not sure
//! of. Where the two do not agree, the text is not understood (`agreement`). Neither is trusted alone: each shell,
//! and each parser, ends a quote, a here-document or a bracket somewhere else in the corners of the grammar.
//!
//! Long because it is one state machine: every construct can hold every other.

use crate::other_shell::Difference;

/// How deep brackets and substitutions may stand within each other here.
const MAX_LEVELS: usize = 40;

/// A part of the text, by its bytes.
pub(crate) type Span = (usize, usize);

/// A command inside a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    /// Its text, as the shell will read it.
    pub(crate) text: String,
    /// It is a process substitution, `<(…)` or `>(…)`.
    pub(crate) process: bool,
}

/// What was marked out.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// The words of the text, those of process substitutions among them; not the content of `$(…)`.
    pub(crate) words: Vec<Span>,
    /// The bodies of here-documents, with tabs as written.
    pub(crate) documents: Vec<Span>,
    /// Comments, at any depth.
    pub(crate) comments: Vec<Span>,
    /// Something that another shell reads as something else.
    pub(crate) differs: Option<Difference>,
}

/// Why a text is not marked out.
pub(crate) type Doubt = &'static str;
type Read = Result<(), Doubt>;

/// Marks out a whole text.
pub(crate) fn of_text(text: &str) -> Result<Outline, Doubt> {
    let mut scan = Scan::new(text);
    scan.list(End::Text)?;
    Ok(scan.outline)
}

/// The commands inside one word, those inside `${…}` among them, in order.
pub(crate) fn of_word(text: &str) -> Result<Vec<Inner>, Doubt> {
    commands_inside(text, false)
}

/// The commands inside the body of a here-document, or what else is read as between double quotes.
pub(crate) fn of_document(text: &str) -> Result<Vec<Inner>, Doubt> {
    commands_inside(text, true)
}

/// Whether a text can hold a command at all. Behind a continued line any expansion may become one.
pub(crate) fn may_run(text: &str) -> bool {
    (text.contains("\\\n") && text.contains('$'))
        || text.contains('`')
        || text.contains("$(")
        || text.contains("<(")
        || text.contains(">(")
        || text.contains("${ ")
}

fn commands_inside(text: &str, quoted: bool) -> Result<Vec<Inner>, Doubt> {
    let mut scan = Scan::new(text);
    scan.collecting = true;
    while let Some(byte) = scan.peek() {
        match byte {
            b'\'' if !quoted => scan.single()?,
            b'"' if !quoted => scan.double()?,
            _ => scan.piece(byte, quoted)?,
        }
    }
    Ok(scan.inner)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Bracket,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Subshell,
    Case,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A command, or a word of the grammar.
    Start,
    /// A command, behind an assignment.
    Prefix,
    /// More words; `declares` where they may be assignments.
    Words { declares: bool },
}

struct Pending {
    end: String,
    strips_tabs: bool,
    quoted: bool,
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    level: usize,
    outline: Outline,
    inner: Vec<Inner>,
    /// The commands inside are wanted, not the words.
    collecting: bool,
    /// The text turns extended patterns on, or may.
    extended: bool,
    pending: Vec<Pending>,
    /// A here-document that began outside of this substitution has not had its body.
    held: bool,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            level: 0,
            outline: Outline::default(),
            inner: Vec::new(),
            collecting: false,
            extended: turns_patterns_on(text),
            pending: Vec::new(),
            held: false,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn ahead(&self, by: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at.saturating_add(by)).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip(&mut self, by: usize) {
        self.at = self.at.saturating_add(by).min(self.text.len());
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.skip(text.len());
        }
        found
    }

    fn slice(&self, (start, end): Span) -> &'a str {
        self.text.get(start..end).unwrap_or("")
    }

    fn emit(&mut self, span: Span) {
        if self.level == 0 {
            self.outline.words.push(span);
        }
    }

    fn differs(&mut self, difference: Difference) {
        self.outline.differs.get_or_insert(difference);
    }

    /// Blanks and continued lines.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.skip(1),
                Some(b'\\') if self.ahead(1) == Some(b'\n') => self.skip(2),
                _ => return,
            }
        }
    }

    /// Blanks, line ends and comments.
    fn gap(&mut self) -> Read {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n') => self.newline()?,
                Some(b'#') => self.comment(),
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) {
        let start = self.at;
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        self.skip(length);
        self.outline.comments.push((start, self.at));
    }

    /// A line end, and the bodies of the here-documents that the line began.
    fn newline(&mut self) -> Read {
        self.skip(1);
        if self.held {
            return Err("a substitution goes over lines while a here-document outside of it waits for its body");
        }
        for pending in std::mem::take(&mut self.pending) {
            let start = self.at;
            loop {
                if self.at >= self.text.len() {
                    return Err("a here-document has no end");
                }
                let line_start = self.at;
                let line = self.line(pending.quoted);
                let line = if pending.strips_tabs { line.trim_start_matches('\t') } else { line };
                if line == pending.end {
                    if self.level == 0 {
                        self.outline.documents.push((start, line_start));
                    }
                    break;
                }
            }
            // What the body holds must end where it ends.
            let body = self.slice((start, self.at));
            if !pending.quoted && body.contains("<<") && may_run(body) {
                return Err("a here-document is inside of another");
            }
        }
        Ok(())
    }

    /// One line of a here-document, with those that a backslash joins to it.
    fn line(&mut self, quoted: bool) -> &'a str {
        let start = self.at;
        loop {
            let length = self.rest().find('\n').unwrap_or(self.rest().len());
            self.skip(length);
            let line = self.slice((start, self.at));
            self.skip(1);
            let backslashes = line.bytes().rev().take_while(|byte| *byte == b'\\').count();
            if quoted || backslashes.checked_rem(2) != Some(1) || self.at >= self.text.len() {
                return line;
            }
        }
    }

    fn list(&mut self, end: End) -> Read {
        let mut frames: Vec<Frame> = Vec::new();
        let mut place = Place::Start;
        loop {
            self.blanks();
            let Some(byte) = self.peek() else {
                let whole = end == End::Text && frames.is_empty() && self.pending.is_empty();
                return if whole { Ok(()) } else { Err("the text is not finished") };
            };
            match byte {
                b'\n' => {
                    self.newline()?;
                    place = Place::Start;
                }
                b'#' => self.comment(),
                b';' => {
                    if self.eat(";;&") || self.eat(";;") || self.eat(";&") {
                        if frames.last() != Some(&Frame::Case) {
                            return Err("`;;` outside of `case`");
                        }
                        self.patterns(&mut frames)?;
                    } else {
                        self.skip(1);
                    }
                    place = Place::Start;
                }
                b'&' if self.eat("&>>") || self.eat("&>") => self.target()?,
                b'&' | b'|' => {
                    let _ = self.eat("&&") || self.eat("||") || self.eat("|&") || self.eat("&") || self.eat("|");
                    place = Place::Start;
                }
                b'<' | b'>' if self.ahead(1) != Some(b'(') => self.redirect()?,
                b'(' => {
                    if place != Place::Start {
                        return Err("an open bracket where none is expected");
                    }
                    if self.rest().starts_with("((") && self.arithmetic(2)? {
                        place = Place::Words { declares: false };
                    } else {
                        self.skip(1);
                        frames.push(Frame::Subshell);
                    }
                }
                b')' => match frames.pop() {
                    Some(Frame::Subshell) => {
                        self.skip(1);
                        place = Place::Start;
                    }
                    None if end == End::Bracket => {
                        self.skip(1);
                        return if self.pending.is_empty() { Ok(()) } else { Err("a here-document has no body") };
                    }
                    Some(Frame::Case) | None => return Err("a closing bracket where none is expected"),
                },
                _ => place = self.in_list(place, &mut frames)?,
            }
        }
    }

    /// One word of a list, and what it means there.
    fn in_list(&mut self, place: Place, frames: &mut Vec<Frame>) -> Result<Place, Doubt> {
        let start = self.at;
        let assigns = place != Place::Words { declares: false };
        if self.word(false, assigns)? {
            return Ok(Place::Words { declares: false });
        }
        let span = (start, self.at);
        let raw = self.slice(span);
        if raw.is_empty() {
            return Err("a character where none is expected");
        }
        if raw.bytes().all(|byte| byte.is_ascii_digit()) && matches!(self.peek(), Some(b'<' | b'>')) {
            return Ok(place);
        }
        if place == Place::Start
            && let Some(next) = self.keyword(raw, frames)?
        {
            return Ok(next);
        }
        if assigns && is_assignment(raw) {
            if raw.ends_with('=') && self.peek() == Some(b'(') {
                self.array()?;
            }
            self.emit((start, self.at));
            return Ok(if place == Place::Start { Place::Prefix } else { place });
        }
        self.emit(span);
        if place == Place::Start && self.opens_function()? {
            return Ok(Place::Start);
        }
        let declares = match place {
            Place::Words { declares } => declares,
            Place::Start | Place::Prefix => {
                matches!(raw, "declare" | "typeset" | "local" | "export" | "readonly")
            }
        };
        Ok(Place::Words { declares })
    }

    /// `()` behind the name of a function.
    fn opens_function(&mut self) -> Result<bool, Doubt> {
        let (mark, mut look) = (self.at, 0_usize);
        while matches!(self.ahead(look), Some(b' ' | b'\t')) {
            look = look.saturating_add(1);
        }
        if self.ahead(look) != Some(b'(') {
            return Ok(false);
        }
        self.skip(look.saturating_add(1));
        self.blanks();
        if !self.eat(")") {
            self.at = mark;
            return Err("an open bracket behind a word");
        }
        self.gap()?;
        Ok(true)
    }

    /// Words of the grammar, where a command may begin; nothing for any other word.
    fn keyword(&mut self, raw: &str, frames: &mut Vec<Frame>) -> Result<Option<Place>, Doubt> {
        match raw {
            "if" | "then" | "else" | "elif" | "while" | "until" | "do" | "{" | "!" | "fi" | "done" | "}" => {}
            "esac" => {
                if frames.pop() != Some(Frame::Case) {
                    return Err("`esac` without `case`");
                }
            }
            "time" => {
                self.blanks();
                if self.eat("-p") && !matches!(self.peek(), Some(b' ' | b'\t' | b'\n')) {
                    return Err("an option of `time`");
                }
            }
            "coproc" => {
                self.blanks();
                let start = self.at;
                let name = self.rest().bytes().take_while(|byte| is_name_byte(*byte)).count();
                let behind = self.rest().get(name..).unwrap_or("").trim_start_matches([' ', '\t']);
                if name > 0 && behind.starts_with(['{', '(']) {
                    self.skip(name);
                    self.emit((start, self.at));
                }
            }
            "case" => {
                self.blanks();
                self.named_word()?;
                self.gap()?;
                if !self.eat("in") {
                    return Err("`case` without `in`");
                }
                frames.push(Frame::Case);
                self.patterns(frames)?;
            }
            "for" | "select" => {
                self.blanks();
                if self.rest().starts_with("((") {
                    if !self.arithmetic(2)? {
                        return Err("an unfinished `((`");
                    }
                    self.gap()?;
                    return Ok(Some(Place::Start));
                }
                self.named_word()?;
                self.gap()?;
                if self.rest().starts_with("in") && !self.ahead(2).is_some_and(is_word_byte) {
                    self.skip(2);
                    return Ok(Some(Place::Words { declares: false }));
                }
            }
            "function" => {
                self.blanks();
                self.named_word()?;
                self.opens_function()?;
                self.gap()?;
            }
            "[[" => {
                self.test()?;
                return Ok(Some(Place::Words { declares: false }));
            }
            _ => return Ok(None),
        }
        Ok(Some(Place::Start))
    }

    fn named_word(&mut self) -> Read {
        let start = self.at;
        let process = self.word(false, false)?;
        if self.at == start {
            return Err("a word is missing");
        }
        if !process {
            self.emit((start, self.at));
        }
        Ok(())
    }

    /// The patterns before a body of `case`, or its end.
    fn patterns(&mut self, frames: &mut Vec<Frame>) -> Read {
        self.gap()?;
        if self.rest().starts_with("esac") && !self.ahead(4).is_some_and(is_word_byte) {
            self.skip(4);
            frames.pop();
            return Ok(());
        }
        if self.eat("(") {
            self.blanks();
        }
        loop {
            self.named_word()?;
            self.blanks();
            if self.eat(")") {
                return Ok(());
            }
            if !self.eat("|") {
                return Err("a pattern of `case` without its bracket");
            }
            self.blanks();
        }
    }

    fn redirect(&mut self) -> Read {
        if self.rest().starts_with("<<") && !self.rest().starts_with("<<<") {
            self.skip(2);
            let strips_tabs = self.eat("-");
            self.blanks();
            let start = self.at;
            self.word(false, false)?;
            let raw = self.slice((start, self.at));
            let quoted = raw.contains(['\'', '"', '\\']);
            let end: String = raw.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
            if raw.is_empty() || raw.contains(['$', '`', '\n']) || raw.contains("\\\\") {
                return Err("the end of a here-document is not a plain word");
            }
            self.pending.push(Pending { end, strips_tabs, quoted });
            return Ok(());
        }
        let operators = ["<<<", "<&", "<>", ">>", ">&", ">|", "<", ">"];
        let start = self.at;
        let _ = operators.iter().any(|operator| self.eat(operator));
        let operator = self.slice((start, self.at));
        if matches!(operator, ">" | ">>" | ">&") && self.peek() == Some(b'!') {
            self.differs(Difference::Clobber);
        }
        if operator == "<" {
            let range = self.rest().bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
            if range > 0
                && self.ahead(range) == Some(b'>')
                && self.slice((self.at, self.at.saturating_add(range))).contains('-')
            {
                self.differs(Difference::Range);
            }
        }
        self.target()
    }

    /// What a redirection goes to or comes from.
    fn target(&mut self) -> Read {
        self.blanks();
        self.named_word()
    }

    /// The elements of a compound assignment.
    fn array(&mut self) -> Read {
        self.skip(1);
        loop {
            self.gap()?;
            if self.eat(")") {
                return Ok(());
            }
            let start = self.at;
            self.word(false, true)?;
            if self.at == start {
                return Err("a character in a list of values that is no part of a word");
            }
        }
    }

    /// `[[ … ]]`: its operands are words of the text.
    fn test(&mut self) -> Read {
        let mut behind_operand = false;
        loop {
            let gap = self.at;
            self.gap()?;
            if self.slice((gap, self.at)).contains('\n') {
                self.differs(Difference::Comparison);
            }
            let Some(byte) = self.peek() else { return Err("`[[` without its end") };
            match byte {
                b'(' | b')' => {
                    self.skip(1);
                    behind_operand = byte == b')';
                }
                b'<' | b'>' if self.ahead(1) != Some(b'(') => {
                    self.skip(1);
                    self.differs(Difference::Comparison);
                    behind_operand = false;
                }
                b'&' | b'|' if self.eat("&&") || self.eat("||") => {
                    self.gap()?;
                    if !self.begins_plain_test() {
                        self.differs(Difference::Comparison);
                    }
                    behind_operand = false;
                }
                _ => {
                    let start = self.at;
                    self.word(true, false)?;
                    let raw = self.slice((start, self.at));
                    match raw {
                        "" => return Err("a character in `[[` that is no part of a word"),
                        "]]" => return Ok(()),
                        "!" if !behind_operand => {}
                        "=~" if behind_operand => {
                            self.blanks();
                            self.regex()?;
                        }
                        "=" | "==" | "!=" if behind_operand => behind_operand = false,
                        _ if behind_operand && raw.starts_with('-') && raw.len() == 3 => behind_operand = false,
                        _ if !behind_operand && is_unary(raw) && !self.ends_test() => {}
                        _ => {
                            self.emit((start, self.at));
                            behind_operand = true;
                        }
                    }
                }
            }
        }
    }

    /// Whether the word after `&&` or `||` in a test is no command where `[[` is no keyword: an option, or a variable
    /// that is compared, whose value is looked at where it is known.
    fn begins_plain_test(&self) -> bool {
        let rest = self.rest().trim_start_matches(['!', ' ', '\t', '\n', '(']);
        let (first, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        let name = first.trim_matches('"').trim_start_matches('$').trim_matches(['{', '}']);
        let variable = first.trim_start_matches('"').starts_with('$')
            && !name.is_empty()
            && name.bytes().all(|byte| is_name_byte(byte) || matches!(byte, b'?' | b'#' | b'@' | b'*'));
        let compares = ["=", "!=", "-"].iter().any(|operator| after.trim_start().starts_with(operator));
        first.starts_with('-') || (variable && compares)
    }

    /// Whether nothing but the end of a test, or of a part of it, follows.
    fn ends_test(&self) -> bool {
        let rest = self.rest().trim_start_matches([' ', '\t', '\n']);
        ["]]", "&&", "||", ")"].iter().any(|end| rest.starts_with(end))
    }

    /// The pattern behind `=~`, where brackets and bars are part of the word.
    fn regex(&mut self) -> Read {
        let (start, mut depth) = (self.at, 0_usize);
        // A bracket is a mistake to a shell without `[[`; a bar in front of all brackets is a pipe to it.
        let mut bracketed = false;
        while let Some(byte) = self.peek() {
            bracketed |= byte == b'(';
            if byte == b'|' && !bracketed {
                self.differs(Difference::Comparison);
            }
            match byte {
                b'(' => depth = depth.saturating_add(1),
                b')' if depth == 0 => break,
                b')' => depth = depth.saturating_sub(1),
                b' ' | b'\t' | b'\n' | b'&' if depth == 0 => break,
                _ => {}
            }
            match byte {
                b'(' | b')' | b'|' | b'<' | b'>' => self.skip(1),
                b'\'' => self.single()?,
                b'"' => self.double()?,
                _ => self.piece(byte, false)?,
            }
        }
        self.emit((start, self.at));
        Ok(())
    }

    /// One word. `test` where patterns are always extended, `assigns` where a subscript may be assigned to. Says
    /// whether it is a process substitution, whose own words are marked out instead.
    fn word(&mut self, test: bool, assigns: bool) -> Result<bool, Doubt> {
        let start = self.at;
        if self.peek() == Some(b'=') && self.ahead(1).is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.differs(Difference::Equals);
        }
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => return Ok(false),
                b'<' | b'>' if self.ahead(1) != Some(b'(') => return Ok(false),
                b'<' | b'>' if self.at != start => {
                    return Err("a process substitution that is only a part of a word");
                }
                b'<' | b'>' => {
                    self.process()?;
                    let ends = self.peek().is_none_or(|byte| b" \t\n;&|)<>".contains(&byte));
                    return if ends { Ok(true) } else { Err("a process substitution that is only a part of a word") };
                }
                b'(' => {
                    let before = self.slice((start, self.at)).bytes().last();
                    if !matches!(before, Some(b'@' | b'!' | b'?' | b'+' | b'*')) {
                        return Ok(false);
                    }
                    if !(self.extended || test) {
                        return Err("a pattern that only the option `extglob` allows");
                    }
                    if !test {
                        self.differs(Difference::Qualifier);
                    }
                    self.group()?;
                }
                b'[' if assigns && is_name(self.slice((start, self.at))) => self.subscript()?,
                b'\'' => self.single()?,
                b'"' => self.double()?,
                _ => self.piece(byte, false)?,
            }
        }
        Ok(false)
    }

    /// An extended pattern's brackets.
    fn group(&mut self) -> Read {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => {
                    depth = depth.saturating_add(1);
                    self.skip(1);
                }
                b')' => {
                    depth = depth.saturating_sub(1);
                    self.skip(1);
                    if depth == 0 {
                        return Ok(());
                    }
                }
                b'\n' => return Err("a pattern that goes over lines"),
                b'\'' => self.single()?,
                b'"' => self.double()?,
                _ => self.piece(byte, false)?,
            }
        }
        Err("a pattern without its end")
    }

    /// `[…]` behind a name that is assigned to.
    fn subscript(&mut self) -> Read {
        self.skip(1);
        while let Some(byte) = self.peek() {
            match byte {
                b']' => {
                    self.skip(1);
                    return Ok(());
                }
                b'\n' | b'[' => return Err("a subscript that is not plain"),
                b'\'' => self.single()?,
                b'"' => self.double()?,
                _ => self.piece(byte, false)?,
            }
        }
        Err("a subscript without its end")
    }

    /// Anything but quotes: an escape, an expansion, or a plain character.
    fn piece(&mut self, byte: u8, quoted: bool) -> Read {
        match byte {
            b'\\' => self.skip(2),
            b'`' => self.backquote(quoted)?,
            b'$' => self.dollar(quoted)?,
            b'<' | b'>' if !quoted && self.collecting && self.ahead(1) == Some(b'(') => self.process()?,
            _ => self.skip(1),
        }
        Ok(())
    }

    fn single(&mut self) -> Read {
        let length = self.rest().get(1..).and_then(|rest| rest.find('\''));
        let Some(length) = length else { return Err("a quote without its end") };
        self.skip(length.saturating_add(2));
        Ok(())
    }

    fn double(&mut self) -> Read {
        self.skip(1);
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                self.skip(1);
                return Ok(());
            }
            self.piece(byte, true)?;
        }
        Err("a quote without its end")
    }

    /// `` `…` ``: it ends at the next backquote without a backslash, whatever is between.
    fn backquote(&mut self, quoted: bool) -> Read {
        self.skip(1);
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err("a backquote without its end"),
                Some(b'`') => break,
                Some(b'\\') => self.skip(2),
                Some(_) => self.skip(1),
            }
        }
        let raw = self.slice((start, self.at));
        self.skip(1);
        if quoted && raw.contains("\\\"") {
            return Err("an escaped quote between backquotes and quotes");
        }
        if self.collecting && self.level == 0 {
            self.inner.push(Inner { text: unescape_backquoted(raw), process: false });
        }
        Ok(())
    }

    fn dollar(&mut self, quoted: bool) -> Read {
        match self.ahead(1) {
            Some(b'(') => {
                if self.ahead(2) == Some(b'(') && self.arithmetic(3)? {
                    return Ok(());
                }
                self.skip(2);
                self.nested(false)?;
            }
            Some(b'{') => self.braces(quoted)?,
            Some(b'[') => self.old_arithmetic()?,
            Some(b'"') if !quoted => {
                self.differs(Difference::Translated);
                self.skip(1);
            }
            Some(b'\'') if !quoted => {
                self.skip(2);
                self.ansi()?;
            }
            Some(b'$' | b'?' | b'!' | b'#' | b'@' | b'*' | b'-') => {
                self.skip(2);
                match (self.peek(), self.ahead(1)) {
                    (Some(b':'), Some(letter)) if is_modifier(letter, self.ahead(2)) => {
                        self.differs(Difference::Modifier);
                    }
                    (Some(b'['), Some(_)) => self.differs(Difference::Subscript),
                    _ => {}
                }
            }
            Some(b'=' | b'~' | b'^' | b'+') => {
                if self.ahead(2).is_some_and(|byte| is_name_byte(byte) || byte == b'{') {
                    self.differs(Difference::Flag);
                }
                self.skip(1);
            }
            Some(byte) if is_name_byte(byte) => {
                self.skip(1);
                let length = if byte.is_ascii_digit() {
                    1
                } else {
                    self.rest().bytes().take_while(|byte| is_name_byte(*byte)).count()
                };
                self.skip(length);
                match (self.peek(), self.ahead(1)) {
                    (Some(b':'), Some(letter)) if is_modifier(letter, self.ahead(2)) => {
                        self.differs(Difference::Modifier);
                    }
                    (Some(b'['), Some(_)) => self.differs(Difference::Subscript),
                    (Some(next), _) if byte.is_ascii_digit() && next.is_ascii_digit() => {
                        self.differs(Difference::Parameter);
                    }
                    _ => {}
                }
            }
            Some(_) | None => self.skip(1),
        }
        Ok(())
    }

    /// The inside of `$'…'`.
    fn ansi(&mut self) -> Read {
        loop {
            match self.peek() {
                None => return Err("a quote without its end"),
                Some(b'\'') => {
                    self.skip(1);
                    return Ok(());
                }
                Some(b'\\') => {
                    if self.ahead(1) == Some(b'\'') {
                        self.differs(Difference::AnsiQuote);
                    }
                    self.skip(2);
                }
                Some(_) => self.skip(1),
            }
        }
    }

    /// `<(…)` or `>(…)`.
    fn process(&mut self) -> Read {
        self.skip(2);
        self.nested(true)
    }

    /// A list up to its closing bracket.
    fn nested(&mut self, process: bool) -> Read {
        if self.level >= MAX_LEVELS {
            return Err("brackets are nested too deep");
        }
        let start = self.at;
        let outer = std::mem::take(&mut self.pending);
        let held = self.held;
        self.held = held || !outer.is_empty();
        // The words of a process substitution stand in the tree; those of `$(…)` are read on their own.
        let counts = process && !self.collecting;
        self.level = self.level.saturating_add(usize::from(!counts));
        self.list(End::Bracket)?;
        self.level = self.level.saturating_sub(usize::from(!counts));
        self.pending = outer;
        self.held = held;
        if self.collecting && self.level == 0 {
            let text = self.slice((start, self.at.saturating_sub(1))).to_owned();
            self.inner.push(Inner { text, process });
        }
        Ok(())
    }

    /// `((…))` or `$((…))`, of which `opened` bytes are the opening. Says no, and moves nowhere, where it is none.
    fn arithmetic(&mut self, opened: usize) -> Result<bool, Doubt> {
        let (mark, inner, words) = (self.at, self.inner.len(), self.outline.words.len());
        self.skip(opened);
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => {
                    depth = depth.saturating_add(1);
                    self.skip(1);
                }
                b')' if depth > 0 => {
                    depth = depth.saturating_sub(1);
                    self.skip(1);
                }
                b')' => {
                    if self.ahead(1) == Some(b')') {
                        let span = (start, self.at);
                        self.skip(2);
                        if opened == 2 {
                            self.emit(span);
                        }
                        return Ok(true);
                    }
                    break;
                }
                b'\'' => self.single()?,
                b'"' => self.double()?,
                b'<' | b'>' => self.skip(1),
                _ => self.piece(byte, false)?,
            }
        }
        self.at = mark;
        self.inner.truncate(inner);
        self.outline.words.truncate(words);
        Ok(false)
    }

    /// `$[…]`.
    fn old_arithmetic(&mut self) -> Read {
        self.skip(2);
        let mut depth = 1_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'[' => depth = depth.saturating_add(1),
                b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            match byte {
                b'[' | b']' => self.skip(1),
                b'\'' => self.single()?,
                b'"' => self.double()?,
                _ => self.piece(byte, false)?,
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err("an expression without its end")
    }

    /// `${…}`: it ends at the first brace outside of quotes and expansions.
    fn braces(&mut self, quoted: bool) -> Read {
        if self.level >= MAX_LEVELS {
            return Err("brackets are nested too deep");
        }
        self.skip(2);
        if matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'|' | b'(')) {
            return Err("an expansion that only some shells know");
        }
        // Bash stops at `${=x}` and `${${x}…}`; Z shell splits, matches or evaluates the value.
        let nested = self.peek() == Some(b'$') && matches!(self.ahead(1), Some(b'{' | b'('));
        if nested || !self.peek().is_some_and(|byte| is_name_byte(byte) || b"!#?@*$-".contains(&byte)) {
            return Err("an expansion that only some shells know");
        }
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.skip(1);
                    return Ok(());
                }
                // Between double quotes it depends on the operator whether a single quote is one.
                b'\'' => {
                    let start = self.at;
                    self.single()?;
                    if quoted && self.slice((start, self.at)).contains(['$', '`', '"', '}', '\\']) {
                        return Err("single quotes inside an expansion inside double quotes");
                    }
                }
                b'"' => self.double()?,
                b'<' | b'>' if !quoted && self.ahead(1) == Some(b'(') => {
                    // The parser takes this for text: its commands are read with the word.
                    let apart = usize::from(!self.collecting);
                    self.level = self.level.saturating_add(apart);
                    self.process()?;
                    self.level = self.level.saturating_sub(apart);
                }
                _ => self.piece(byte, quoted)?,
            }
        }
        Err("an expansion without its end")
    }
}

/// What the shell reads between backquotes once it has taken the backslashes away.
pub(crate) fn unescape_backquoted(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' || !rest.peek().is_some_and(|next| matches!(next, '`' | '$' | '\\')) {
            text.push(character);
        } else {
            text.extend(rest.next());
        }
    }
    text
}

/// Whether a text has a command that turns extended patterns on. Where that does not run, Bash refuses them.
fn turns_patterns_on(text: &str) -> bool {
    text.contains("extglob")
        && text.split(['\n', ';', '&', '|', '{', '(']).any(|part| {
            let mut words = part.split_whitespace();
            words.next() == Some("shopt") && words.any(|word| word.starts_with("-s")) && part.contains("extglob")
        })
}

/// Whether Z shell takes a letter behind `$x:` for a modifier; some of them need another to mean anything.
fn is_modifier(letter: u8, next: Option<u8>) -> bool {
    const ALONE: &[u8] = b"aAcehlPqQrstu&";
    ALONE.contains(&letter)
        || (b"fFgwW".contains(&letter) && next.is_some_and(|next| ALONE.contains(&next) || next == b':'))
}

fn is_unary(raw: &str) -> bool {
    raw.len() == 2 && raw.starts_with('-') && raw.ends_with(|c: char| c.is_ascii_alphabetic())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_word_byte(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

fn is_name(text: &str) -> bool {
    text.bytes().all(is_name_byte) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// `NAME=…`, `NAME+=…`, `NAME[…]=…`.
fn is_assignment(raw: &str) -> bool {
    let name = raw.bytes().take_while(|byte| is_name_byte(*byte)).count();
    let (name, rest) = (raw.get(..name).unwrap_or(""), raw.get(name..).unwrap_or(""));
    let rest = match rest.strip_prefix('[') {
        Some(subscript) => subscript.split_once(']').map_or("", |(_, rest)| rest),
        None => rest,
    };
    is_name(name) && (rest.starts_with('=') || rest.starts_with("+="))
}
