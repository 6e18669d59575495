//! What the terminal screen knows and does: a queue, one hold, and questions on the last line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use approval::Vote;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use host::install_paths::Layout;
use protocol::HoldView;
use ratatui::DefaultTerminal;
use ratatui::text::Line;

use super::{Shown, as_one, draw};
use crate::approve::{self, With};
use crate::credentials::ProofArgs;
use crate::operator_client::OperatorClient;

/// How long something risky is on the screen before it can be approved.
const DWELL: Duration = Duration::from_secs(3);

/// What is typed to approve what is critical.
pub(super) const WORD: &str = "approve";

/// The longest line that is typed.
const MAX_TYPED: usize = 500;

/// What is asked on the last line, before an answer goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// The word, for what is critical.
    Word,
    /// The message to the agent.
    Reason,
    /// The code.
    Code,
}

/// An answer that is being given.
pub(super) struct Giving {
    pub(super) said: Vote,
    pub(super) hold: HoldView,
    pub(super) asking: Asking,
    pub(super) typed: String,
    /// The other holds that the same answer covers, as shown when it was begun.
    pub(super) also: Vec<String>,
    reason: Option<String>,
}

/// Which hold in how many answers and which width, and its lines.
pub(super) type Drawn = ((String, usize, usize), Vec<Line<'static>>);

pub(super) struct Screen<'a> {
    layout: &'a Layout,
    proof: ProofArgs,
    pub(super) holds: Vec<Shown>,
    pub(super) chosen: Option<String>,
    /// The first line of the hold that is on the screen.
    pub(super) scroll: usize,
    /// How far a hold was read to, and since when it is on the screen.
    read: BTreeMap<String, (usize, Instant)>,
    pub(super) giving: Option<Giving>,
    /// The chosen hold in lines, for how many answers and which width.
    pub(super) drawn: RefCell<Option<Drawn>>,
    pub(super) note: String,
}

impl<'a> Screen<'a> {
    pub(super) fn new(layout: &'a Layout, proof: ProofArgs) -> Self {
        let (holds, read, note) = (Vec::new(), BTreeMap::new(), String::new());
        Self { layout, proof, holds, chosen: None, scroll: 0, read, giving: None, drawn: RefCell::default(), note }
    }

    /// Shows and answers until the reviewer leaves.
    pub(super) fn run(
        &mut self,
        terminal: &mut DefaultTerminal,
        lists: &Receiver<Result<Vec<HoldView>, String>>,
    ) -> Result<(), String> {
        let fail = |why: std::io::Error| why.to_string();
        loop {
            while let Ok(list) = lists.try_recv() {
                self.take(list?);
            }
            let mut page = draw::Page::default();
            terminal.draw(|frame| page = draw::draw(frame, self)).map_err(fail)?;
            self.scroll = self.scroll.min(page.lines.saturating_sub(page.rows));
            if let Some(id) = &self.chosen {
                let seen = self.read.entry(id.clone()).or_insert((0, Instant::now()));
                seen.0 = seen.0.max(self.scroll.saturating_add(page.rows).min(page.lines));
            }
            if !poll(Duration::from_millis(200)).map_err(fail)? {
                continue;
            }
            let Event::Key(key) = read().map_err(fail)? else { continue };
            if key.kind != KeyEventKind::Release && !self.key(key, &page) {
                return Ok(());
            }
        }
    }

    /// The riskiest first; of the same risk the newest. Whatever is chosen stays chosen.
    fn take(&mut self, mut holds: Vec<HoldView>) {
        holds.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| b.id.cmp(&a.id)));
        self.read.retain(|id, _| holds.iter().any(|hold| hold.id == *id));
        self.holds = as_one(holds);
        if self.hold().is_none() {
            self.chosen = self.holds.first().map(|shown| shown.hold.id.clone());
            self.scroll = 0;
        }
    }

    /// The position of the selected hold in the queue.
    pub(super) fn at(&self) -> usize {
        self.holds.iter().position(|shown| Some(&shown.hold.id) == self.chosen.as_ref()).unwrap_or(0)
    }

    /// The chosen one.
    pub(super) fn hold(&self) -> Option<&HoldView> {
        self.holds.iter().map(|shown| &shown.hold).find(|hold| Some(&hold.id) == self.chosen.as_ref())
    }

    fn choose(&mut self, at: usize) {
        let at = at.min(self.holds.len().saturating_sub(1));
        self.chosen = self.holds.get(at).map(|shown| shown.hold.id.clone());
        self.scroll = 0;
        self.note.clear();
    }

    /// Does what a key says. `false` ends it.
    fn key(&mut self, key: KeyEvent, page: &draw::Page) -> bool {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return false;
        }
        if self.giving.is_some() {
            self.typed(key.code);
            return true;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Down | KeyCode::Char('j') => self.choose(self.at().saturating_add(1)),
            KeyCode::Up | KeyCode::Char('k') => self.choose(self.at().saturating_sub(1)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll = self.scroll.saturating_add(page.rows),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(page.rows),
            KeyCode::Char('n') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Char('p') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Home => self.scroll = 0,
            KeyCode::End => self.scroll = usize::MAX,
            KeyCode::Char('a') => self.begin(Vote::Approve, page, false),
            KeyCode::Char('d') => self.begin(Vote::Deny, page, false),
            KeyCode::Char('A') => self.begin(Vote::Approve, page, true),
            KeyCode::Char('D') => self.begin(Vote::Deny, page, true),
            _ => {}
        }
        true
    }

    /// Begins an answer, if it may be given yet; with others, it is for those too that are shown as one with it.
    fn begin(&mut self, said: Vote, page: &draw::Page, with_others: bool) {
        let Some(shown) = self.holds.get(self.at()) else { return };
        let also = match (with_others, said) {
            (false, _) => Vec::new(),
            (true, Vote::Approve) => shown.same.clone(),
            (true, Vote::Deny | Vote::BreakGlass) => shown.others.clone(),
        };
        let hold = shown.hold.clone();
        if !also.is_empty() && self.proof.ssh_key.is_some() {
            self.note = "an SSH key signs one hold at a time: a or d".to_owned();
            return;
        }
        let (read_to, since) = self.read.get(&hold.id).copied().unwrap_or((0, Instant::now()));
        if said == Vote::Approve && read_to < page.lines {
            self.note =
                format!("read it first: {} lines are below (Space goes on)", page.lines.saturating_sub(read_to));
            return;
        }
        let wait = DWELL.saturating_sub(since.elapsed());
        if said == Vote::Approve && matches!(hold.level.as_str(), "high" | "critical") && !wait.is_zero() {
            self.note = format!("read it first: {} s", wait.as_secs().saturating_add(1));
            return;
        }
        let asking = match (said, hold.level.as_str()) {
            (Vote::Approve, "critical") => Asking::Word,
            (Vote::Approve, _) => Asking::Code,
            (Vote::Deny | Vote::BreakGlass, _) => Asking::Reason,
        };
        self.giving = Some(Giving { said, hold, asking, typed: String::new(), also, reason: None });
        self.go_on_without_code();
    }

    /// What is typed on the last line.
    fn typed(&mut self, key: KeyCode) {
        let Some(giving) = &mut self.giving else { return };
        let is_code = giving.asking == Asking::Code;
        match key {
            KeyCode::Esc => {
                self.giving = None;
                self.note = "not answered".to_owned();
            }
            KeyCode::Backspace => drop(giving.typed.pop()),
            KeyCode::Char(letter) if is_code && (!letter.is_ascii_digit() || giving.typed.len() >= 6) => {}
            KeyCode::Char(letter) if giving.typed.len() < MAX_TYPED => giving.typed.push(letter),
            KeyCode::Enter => self.enter(),
            _ => {}
        }
    }

    fn enter(&mut self) {
        let Some(giving) = &mut self.giving else { return };
        let typed = std::mem::take(&mut giving.typed);
        match giving.asking {
            Asking::Word if typed.trim() == WORD => giving.asking = Asking::Code,
            Asking::Word => return self.note = format!("type `{WORD}`, or Esc to leave it"),
            Asking::Reason => {
                giving.reason = Some(typed.trim().to_owned()).filter(|reason| !reason.is_empty());
                giving.asking = Asking::Code;
            }
            Asking::Code if typed.len() == 6 => return self.give(Some(typed)),
            Asking::Code => return self.note = "six digits, or Esc to leave it".to_owned(),
        }
        self.go_on_without_code();
    }

    /// A reviewer who signs with a key, or gave a code at the start, is not asked for one.
    fn go_on_without_code(&mut self) {
        let has_proof = self.proof.ssh_key.is_some() || self.proof.code.is_some();
        if has_proof && self.giving.as_ref().is_some_and(|giving| giving.asking == Asking::Code) {
            self.give(None);
        }
    }

    fn give(&mut self, code: Option<String>) {
        let Some(Giving { said, hold, reason, also, .. }) = self.giving.take() else { return };
        let mut proof = self.proof.clone();
        proof.code = code.or(proof.code);
        let with = reason.map_or(With::Nothing, With::Reason);
        let link = OperatorClient::connect(self.layout);
        self.note = link
            .and_then(|link| approve::give(&link, &hold, said, &proof, with, &also))
            .unwrap_or_else(|why| format!("not counted: {why}"));
    }
}
