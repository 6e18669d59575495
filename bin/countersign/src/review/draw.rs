//! The terminal screen, drawn: from 80 columns and 24 lines up.

use approval::Vote;
use protocol::HoldView;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, List, ListItem, ListState, Paragraph};

use super::screen::{Asking, Giving, Screen, WORD};
use super::seconds_left;

/// How much of the chosen hold was drawn.
#[derive(Default)]
pub(super) struct Page {
    /// Lines that it has at this width.
    pub(super) lines: usize,
    /// Lines that fit.
    pub(super) rows: usize,
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen<'_>) -> Page {
    let queue = u16::try_from(screen.holds.len()).unwrap_or(u16::MAX).clamp(1, (frame.area().height / 4).max(3));
    let rows = [Constraint::Length(1), Constraint::Length(queue), Constraint::Min(5), Constraint::Length(1)];
    let [head, list, hold, last] = Layout::vertical(rows).areas(frame.area());
    let title = format!(" Countersign — {} waiting ", screen.holds.len());
    let keys = "j k choose · Space on · a approve · d deny · q leave";
    frame.render_widget(Line::from(vec![title.bold(), keys.dim()]), head);
    draw_queue(frame, screen, list);
    let page = draw_hold(frame, screen, hold);
    let line = match &screen.giving {
        Some(giving) => question(giving),
        None => Line::from(screen.note.clone()).bold(),
    };
    frame.render_widget(line, last);
    page
}

fn draw_queue(frame: &mut Frame<'_>, screen: &Screen<'_>, area: ratatui::layout::Rect) {
    if screen.holds.is_empty() {
        frame.render_widget(Line::from("  nothing waits").dim(), area);
        return;
    }
    let item = |shown: &super::Shown| {
        let hold = &shown.hold;
        // Before any text of the agent: a long text cannot push our lines off the screen.
        let more = if shown.others.is_empty() { String::new() } else { format!("+{} ", shown.others.len()) };
        ListItem::new(Line::from(vec![
            Span::from(format!("{:>4}s ", seconds_left(hold))),
            Span::styled(format!("{:<8} {:>3} ", hold.level, hold.score), of_level(&hold.level)),
            Span::from(format!("{more}{:<12} {}", hold.agent, hold.asked.replace('\n', " ⏎ "))),
        ]))
    };
    let items: Vec<ListItem<'_>> = screen.holds.iter().map(item).collect();
    let list = List::new(items).highlight_symbol("▶ ").highlight_style(Style::new().add_modifier(Modifier::BOLD));
    frame.render_stateful_widget(list, area, &mut ListState::default().with_selected(Some(screen.at())));
}

fn draw_hold(frame: &mut Frame<'_>, screen: &Screen<'_>, area: ratatui::layout::Rect) -> Page {
    let Some(hold) = screen.hold() else { return Page::default() };
    let rows = usize::from(area.height).saturating_sub(2);
    let width = usize::from(area.width).max(20);
    // A text may be as long as a message of an agent: it is broken into lines once.
    let key = (hold.id.clone(), hold.agreed.len(), width);
    let mut drawn = screen.drawn.borrow_mut();
    if drawn.as_ref().is_none_or(|(of, _)| *of != key) {
        *drawn = Some((key, text(hold).into_iter().flat_map(|(line, style)| wrapped(&line, width, style)).collect()));
    }
    let lines: &[Line<'static>] = drawn.as_ref().map_or(&[], |(_, lines)| lines);
    let count = lines.len();
    let top = screen.scroll.min(count.saturating_sub(rows));
    let below = count.saturating_sub(top.saturating_add(rows));
    let shown = screen.holds.get(screen.at());
    let (others, same) = shown.map_or((0, 0), |shown| (shown.others.len(), shown.same.len()));
    let foot = match (below, others, same) {
        (0, 0, _) => " the end ".to_owned(),
        (0, _, 0) => format!(" the end · D also denies the {others} like this "),
        (0, ..) => format!(" the end · A also approves {same} identical · D denies {others} "),
        (below, ..) => format!(" {below} more lines: Space goes on. Nothing is approved unread. "),
    };
    let block = Block::new()
        .borders(Borders::TOP | Borders::BOTTOM)
        .title(Line::styled(format!(" {} {}/100 ", hold.level, hold.score), of_level(&hold.level)))
        .title_bottom(Line::from(foot).bold());
    let shown: Vec<Line<'_>> = lines.iter().skip(top).take(rows).cloned().collect();
    frame.render_widget(Paragraph::new(shown).block(block), area);
    Page { lines: count, rows }
}

/// One hold, whole. What the agent controls is set off by a bar, so that it cannot pass for ours.
fn text(hold: &HoldView) -> Vec<(String, Style)> {
    let plain = Style::new();
    let warn = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
    let mut out: Vec<(String, Style)> = Vec::new();
    let mut block = |label: &str, lines: &[String], style: Style| {
        if !lines.is_empty() {
            out.push((label.to_owned(), style.add_modifier(Modifier::BOLD)));
            out.extend(lines.iter().flat_map(|text| text.lines()).map(|line| (format!("  │ {line}"), style)));
        }
    };
    block("asks for", &hold.asked_lines(), plain);
    block("NOT UNDERSTOOD", &hold.unknowns, warn);
    let claims: Vec<String> = hold.intent.iter().chain(&hold.task).cloned().collect();
    block("says of itself", &claims, plain);
    block("would do", &hold.laid_out(), plain);
    block("is held because", &hold.reasons, plain);
    let factors: Vec<String> =
        hold.factors.iter().map(|it| format!("{:+3} {}: {}", it.points, it.name, it.why)).collect();
    block("risk", &factors, plain);
    let agreed = if hold.agreed.is_empty() { "no one".to_owned() } else { hold.agreed.join(", ") };
    let facts = [
        format!("undo      {}; understood: {}", hold.reversibility, hold.coverage),
        format!("who       {}, user {}", hold.principals(), hold.uid),
        format!("where     {} {}", hold.host, hold.cwd.as_deref().unwrap_or("")),
        format!("needs     {}, with {}; {agreed} agreed so far", hold.who, hold.assurance),
        format!("hold      {}", hold.id),
    ];
    out.extend(facts.into_iter().map(|line| (line, plain)));
    out
}

fn question(giving: &Giving) -> Line<'static> {
    let short = giving.hold.id.get(giving.hold.id.len().saturating_sub(6)..).unwrap_or_default();
    let more = if giving.also.is_empty() { String::new() } else { format!(" and {} more", giving.also.len()) };
    let typed = format!("{}▏ (Esc leaves it)", giving.typed);
    let words = match (giving.asking, giving.said) {
        (Asking::Word, _) => format!("…{short} is critical. Type `{WORD}`: {typed}"),
        (Asking::Reason, _) => format!("deny …{short}{more}. Message to the agent: {typed}"),
        (Asking::Code, Vote::Approve) => format!("approve …{short}{more}. Code: {typed}"),
        (Asking::Code, Vote::Deny | Vote::BreakGlass) => format!("deny …{short}{more}. Code: {typed}"),
    };
    Line::from(words).bold()
}

fn of_level(level: &str) -> Style {
    let style = Style::new().add_modifier(Modifier::BOLD);
    match level {
        "critical" => style.fg(Color::White).bg(Color::Red),
        "high" => style.fg(Color::Red),
        "medium" => style.fg(Color::Yellow),
        _ => style.fg(Color::Green),
    }
}

/// What a line that goes on begins with.
const GOES_ON: &str = "  │   ";

/// A line broken at the width: nothing of it is lost, however wide its characters are. What goes on is set in.
fn wrapped(line: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let mut row = String::new();
    let mut used = 0_usize;
    let mut letter = [0; 4];
    for character in line.chars() {
        let wide = Span::from(&*character.encode_utf8(&mut letter)).width();
        if used.saturating_add(wide) > width {
            out.push(Line::styled(std::mem::replace(&mut row, GOES_ON.to_owned()), style));
            used = GOES_ON.chars().count();
        }
        row.push(character);
        used = used.saturating_add(wide);
    }
    out.push(Line::styled(row, style));
    out
}

#[cfg(test)]
mod tests {
    use super::{Style, wrapped};

    #[test]
    fn nothing_of_a_line_is_lost() {
        let line: String = ('a'..='z').cycle().take(300).chain("漢字漢字漢字".chars()).collect();
        let rows: Vec<String> = wrapped(&line, 40, Style::new()).iter().map(ToString::to_string).collect();
        let whole: String = rows.iter().map(|row| row.strip_prefix(super::GOES_ON).unwrap_or(row)).collect();
        assert_eq!(whole, line);
    }
}
