//! `countersign review`: open holds, live; move with the arrows, answer from the keyboard.

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use approval::Said;
use clap::Args;
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, poll, read};
use crossterm::{cursor, execute, queue, style, terminal};
use host::clock;
use host::layout::Layout;
use host::socket;
use wire::{HoldView, MAX_OPERATOR_FRAME, OperatorHears, OperatorSays};

use crate::answer::{self, ProofArgs};
use crate::operator_link::OperatorLink;

#[derive(Args)]
pub(crate) struct ReviewArgs {
    #[command(flatten)]
    proof: ProofArgs,
    /// List what is open now, and end
    #[arg(long)]
    once: bool,
    /// List what is open now as JSON, and end
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
pub(crate) fn main(args: &ReviewArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let link = OperatorLink::connect(&layout)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&link.holds()?).map_err(|why| why.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.once || !std::io::stdout().is_terminal() {
        let holds = link.holds()?;
        if holds.is_empty() {
            println!("nothing waits");
        }
        for shown in as_one(holds) {
            println!("{}", describe(&shown.hold));
            if shown.more > 0 {
                println!("{}\n", shown.others());
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    drop(link);
    let lists = follow(&layout)?;
    let raw = RawTerminal::enter().map_err(|why| why.to_string())?;
    let ended = Screen { layout: &layout, proof: args.proof.clone(), holds: Vec::new(), at: 0, note: String::new() }
        .run(&lists);
    drop(raw);
    ended.map(|()| ExitCode::SUCCESS)
}

/// A hold, and how many wait behind it for the same reason beyond their own content.
struct Shown {
    hold: HoldView,
    more: usize,
}

impl Shown {
    fn others(&self) -> String {
        format!("and {} more of `{}` are held for its speed; they come up one by one", self.more, self.hold.agent)
    }
}

/// What is held only for an agent's speed is shown as one.
fn as_one(holds: Vec<HoldView>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for hold in holds {
        match shown.iter_mut().find(|it| hold.group.is_some() && it.hold.group == hold.group) {
            Some(first) => first.more = first.more.saturating_add(1),
            None => shown.push(Shown { hold, more: 0 }),
        }
    }
    shown
}

/// One hold, whole: nothing is left out for being long.
pub(crate) fn describe(hold: &HoldView) -> String {
    let mut out = Vec::new();
    out.push(format!(
        "{}  {} risk ({}/100), undo: {}, coverage: {}",
        hold.id, hold.level, hold.score, hold.reversibility, hold.coverage
    ));
    out.push(format!("  agent     {} (owner {}), user {} on {}", hold.agent, hold.owner, hold.uid, hold.host));
    out.extend(hold.cwd.as_ref().map(|cwd| format!("  in        {cwd}")));
    out.push(format!("  asks      {}", hold.asked));
    for (label, lines) in
        [("piece", &hold.pieces), ("effect", &hold.effects), ("UNKNOWN", &hold.unknowns), ("because", &hold.reasons)]
    {
        out.extend(lines.iter().map(|line| format!("  {label:<9} {line}")));
    }
    out.extend(hold.factors.iter().map(|it| format!("  {:+4}      {}: {}", it.points, it.name, it.why)));
    out.extend(hold.intent.as_ref().map(|it| format!("  it says   {it}")));
    out.extend(hold.task.as_ref().map(|it| format!("  task      {it} (claimed)")));
    let agreed = if hold.agreed.is_empty() { "nobody".to_owned() } else { hold.agreed.join(", ") };
    out.push(format!(
        "  needs     {}, with {}; {agreed} agreed so far; {} s left",
        hold.who,
        hold.assurance,
        seconds_left(hold)
    ));
    out.push(String::new());
    out.join("\n")
}

fn seconds_left(hold: &HoldView) -> u64 {
    hold.expires_at_ms.saturating_sub(clock::now_ms()).div_ceil(1_000)
}

/// Follows the list on a thread of its own.
fn follow(layout: &Layout) -> Result<Receiver<Result<Vec<HoldView>, String>>, String> {
    let stream = UnixStream::connect(layout.operator_socket()).map_err(|why| why.to_string())?;
    let patience = Duration::from_secs(20);
    socket::send(&stream, &OperatorSays::Holds { follow: true }, MAX_OPERATOR_FRAME, patience)
        .map_err(|why| why.to_string())?;
    let (tell, lists) = channel();
    std::thread::spawn(move || {
        loop {
            let heard = match socket::receive::<OperatorHears>(&stream, MAX_OPERATOR_FRAME, None, patience) {
                Ok(OperatorHears::Holds { holds }) => Ok(holds),
                Ok(_) => continue,
                Err(why) => Err(why.to_string()),
            };
            let over = heard.is_err();
            if tell.send(heard).is_err() || over {
                return;
            }
        }
    });
    Ok(lists)
}

/// The terminal in raw mode on its other screen, for as long as this lives.
struct RawTerminal;

impl RawTerminal {
    fn enter() -> std::io::Result<Self> {
        terminal::enable_raw_mode()?;
        execute!(std::io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(Self)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = execute!(std::io::stdout(), terminal::LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
    }
}

struct Screen<'a> {
    layout: &'a Layout,
    proof: ProofArgs,
    holds: Vec<Shown>,
    at: usize,
    note: String,
}

impl Screen<'_> {
    fn run(&mut self, lists: &Receiver<Result<Vec<HoldView>, String>>) -> Result<(), String> {
        loop {
            while let Ok(list) = lists.try_recv() {
                let chosen = self.chosen().map(|hold| hold.id.clone());
                self.holds = as_one(list?);
                self.at = self.holds.iter().position(|it| Some(&it.hold.id) == chosen.as_ref()).unwrap_or(0);
            }
            self.draw().map_err(|why| why.to_string())?;
            if !poll(Duration::from_millis(200)).map_err(|why| why.to_string())? {
                continue;
            }
            let Event::Key(key) = read().map_err(|why| why.to_string())? else { continue };
            if key.kind == KeyEventKind::Release {
                continue;
            }
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if control => return Ok(()),
                KeyCode::Down | KeyCode::Char('j') => {
                    self.at = self.at.saturating_add(1).min(self.holds.len().saturating_sub(1))
                }
                KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
                KeyCode::Char('a') => self.answer(Said::Yes),
                KeyCode::Char('d') => self.answer(Said::No),
                _ => {}
            }
        }
    }

    fn chosen(&self) -> Option<&HoldView> {
        self.holds.get(self.at).map(|shown| &shown.hold)
    }

    fn answer(&mut self, said: Said) {
        let Some(hold) = self.chosen().cloned() else { return };
        let mut proof = self.proof.clone();
        // A code serves once, so it is asked for at every answer.
        if proof.ssh_key.is_none() && proof.code.is_none() {
            match self.read_code(&hold, said) {
                Some(code) => proof.code = Some(code),
                None => return self.note = "not answered".to_owned(),
            }
        }
        let link = OperatorLink::connect(self.layout);
        self.note = link
            .and_then(|link| answer::give(&link, &hold, said, &proof, answer::With::Nothing))
            .unwrap_or_else(|why| format!("not counted: {why}"));
    }

    /// Reads six digits on the last line.
    fn read_code(&mut self, hold: &HoldView, said: Said) -> Option<String> {
        let mut code = String::new();
        loop {
            self.note = format!("{} {} — code: {code}_   (Esc to leave it)", said.as_str(), hold.id);
            self.draw().ok()?;
            let Ok(Event::Key(key)) = read() else { continue };
            match key.code {
                KeyCode::Char(digit) if digit.is_ascii_digit() && code.len() < 6 => code.push(digit),
                KeyCode::Backspace => drop(code.pop()),
                KeyCode::Enter if code.len() == 6 => return Some(code),
                KeyCode::Esc => return None,
                _ => {}
            }
        }
    }

    fn draw(&self) -> std::io::Result<()> {
        let (width, height) = terminal::size()?;
        let (width, height) = (usize::from(width).max(20), usize::from(height).max(6));
        let mut lines = vec![
            format!("Countersign — {} waiting    ↑↓ choose   a approve   d deny   q leave", self.holds.len()),
            String::new(),
        ];
        for (at, shown) in self.holds.iter().enumerate() {
            let hold = &shown.hold;
            let mark = if at == self.at { '▶' } else { ' ' };
            let id = hold.id.get(hold.id.len().saturating_sub(6)..).unwrap_or(&hold.id);
            lines.push(format!(
                "{mark} {:>3}s  {:<8} {:>3}  {:<16} …{id}  {}",
                seconds_left(hold),
                hold.level,
                hold.score,
                hold.agent,
                hold.asked
            ));
            if shown.more > 0 {
                lines.push(format!("       {}", shown.others()));
            }
        }
        if self.holds.is_empty() {
            lines.push("  nothing waits".to_owned());
        }
        let mut shown: Vec<String> = lines.into_iter().map(|line| fit(&line, width)).collect();
        shown.push(String::new());
        if let Some(hold) = self.chosen() {
            shown.extend(describe(hold).lines().flat_map(|line| wrap(line, width)));
        }
        let room = height.saturating_sub(1);
        if shown.len() > room {
            shown.truncate(room.saturating_sub(1));
            shown.push(fit("… more than fits: make the window larger, or see `countersign review --once`. Do not approve what you have not read.", width));
        }
        let mut out = std::io::stdout().lock();
        queue!(out, cursor::MoveTo(0, 0), terminal::Clear(terminal::ClearType::All))?;
        for line in shown {
            queue!(out, style::Print(line), cursor::MoveToNextLine(1))?;
        }
        queue!(
            out,
            cursor::MoveTo(0, u16::try_from(height.saturating_sub(1)).unwrap_or(0)),
            style::Print(fit(&self.note, width))
        )?;
        out.flush()
    }
}

/// A line cut to the width, with a mark where it was cut.
fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        line.to_owned()
    } else {
        line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
    }
}

/// A line broken at the width: nothing of it is lost.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    if characters.is_empty() {
        return vec![String::new()];
    }
    characters.chunks(width).map(|chunk| chunk.iter().collect()).collect()
}
