//! Draws the state: nothing here changes it.
//!
//! Not here: what a key does. From the top: the session, the transcript or what is over it, the open questions, what waits to
//! be sent, where the person writes, and a line with the mode, which is always there.

use crate::app::{App, Over, Page, Phase, Twice};
use crate::composer::ComposerStyle;
use crate::diff;
use crate::roll::Roll;
use crate::text::{clean, truncate, width, wrap};
use crate::theme::{Role, Theme, chip_role};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

/// The largest part of the screen that the composer takes, in rows.
const MOST_COMPOSER: u16 = 10;
/// The most rows of the composer's menu.
const MOST_MENU: u16 = 8;
/// The most questions that are listed above the one that is picked.
const MOST_LISTED: usize = 4;
/// The most messages that wait that are shown.
const MOST_QUEUED: usize = 3;
/// The smallest screen on which all of it fits.
const LEAST: (u16, u16) = (20, 6);

/// What the first screen says.
const HINTS: &[(&str, &str)] = &[
    ("Tab", "the next mode; the mode alone says what runs, asks or is refused"),
    ("/contract", "what each mode does"),
    ("/model", "another model"),
    ("/sessions", "what was said on other days"),
    ("@", "a file of the workspace"),
    ("!", "a command in your own shell"),
    ("/help", "all keys and commands"),
];

/// The rows that are always there: the title, one of the transcript, the line above what is written, and the last line.
const FIXED: usize = 4;

/// Draws everything. `now_ms` is the same clock as the state's.
pub fn draw(app: &App, frame: &mut Frame<'_>, theme: &Theme, now_ms: u64) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        frame.render_widget(Paragraph::new(format!("{}\nlarger, please", app.chip)), area);
        return;
    }
    let style = composer_style(theme);
    let menu = app.composer.menu(area.width, MOST_MENU.min(area.height / 3), &style);
    let written = app.composer.height(area.width, MOST_COMPOSER.min(area.height / 3)).max(1);
    let queued = queued(app, area, theme);
    let mut asked = cards(app, (area.width, usize::from(area.height / 2).max(4)), theme);
    let taken = FIXED + usize::from(written) + menu.len() + queued.len();
    if asked.len() > usize::from(area.height).saturating_sub(taken) {
        // A part of a question is no question: it could not be answered either.
        let text = "a larger window shows what is asked".to_owned();
        asked = vec![truncate(Line::styled(text, theme.style(Role::Permission)), area.width)];
    } else if let Some(card) = app.cards.picked().filter(|_| app.over.is_none()) {
        card.roll.note_shown();
    }
    let rows = |lines: &[Line<'static>]| Constraint::Length(u16::try_from(lines.len()).unwrap_or(u16::MAX));
    let heights = [
        Constraint::Length(1),
        Constraint::Min(1),
        rows(&asked),
        rows(&queued),
        rows(&menu),
        Constraint::Length(1),
        Constraint::Length(written),
        Constraint::Length(1),
    ];
    let [title, body, card, queue, choices, line, compose, status] = Layout::vertical(heights).areas(area);
    frame.render_widget(Paragraph::new(title_line(app, area.width, theme)), title);
    frame.render_widget(Paragraph::new(Text::from(asked)), card);
    frame.render_widget(Paragraph::new(Text::from(queued)), queue);
    frame.render_widget(Paragraph::new(Text::from(menu)), choices);
    let rule = "─".repeat(usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(rule, theme.style(Role::Border))), line);
    if let Some(cursor) = app.composer.draw(compose, frame.buffer_mut(), &style) {
        frame.set_cursor_position(cursor);
    }
    match &app.over {
        Some(Over::Page(page, roll)) => draw_page((page, roll), frame, body, theme),
        Some(Over::Picker(picker)) => {
            let (lines, cursor) = picker.lines((body.width, body.height), theme);
            frame.render_widget(Paragraph::new(Text::from(lines)), body);
            frame.set_cursor_position(Position { x: body.x + cursor, y: body.y });
        }
        None if app.transcript.is_empty() => draw_hints(frame, body, theme),
        None => draw_transcript(app, frame, body, (theme, now_ms)),
    }
    // Only when it was drawn does the transcript know whether its end is seen.
    frame.render_widget(Paragraph::new(status_line(app, area.width, (theme, now_ms))), status);
}

/// What there is to do where nothing was said yet.
fn draw_hints(frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let hints = HINTS.iter().map(|(key, does)| {
        let key = Span::styled(format!("{key:<11}"), theme.style(Role::Strong));
        truncate(Line::from(vec![key, Span::styled(*does, theme.style(Role::Dim))]), area.width)
    });
    let hints: Vec<Line<'static>> = hints.chain([Line::default()]).collect();
    let rows = u16::try_from(hints.len()).unwrap_or(u16::MAX).min(area.height);
    let area = Rect { y: area.y + area.height - rows, height: rows, ..area };
    frame.render_widget(Paragraph::new(Text::from(hints)), area);
}

fn composer_style(theme: &Theme) -> ComposerStyle {
    ComposerStyle {
        text: theme.style(Role::Text),
        prompt: theme.style(Role::Strong),
        placeholder: theme.style(Role::Dim),
        block: theme.style(Role::Code),
        choice: theme.style(Role::Text),
        chosen: theme.style(Role::Selection),
        note: theme.style(Role::Dim),
    }
}

fn title_line(app: &App, room: u16, theme: &Theme) -> Line<'static> {
    let about = &app.about;
    let plain = |text: &str| clean(text).replace('\n', " ");
    let parts = ["Remit", &about.title, &about.model, &about.workspace].map(plain);
    let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    truncate(Line::styled(text, theme.style(Role::TitleBar)), room)
}

fn draw_transcript(app: &App, frame: &mut Frame<'_>, area: Rect, (theme, now_ms): (&Theme, u64)) {
    let lines = app.transcript.visible((area.width, area.height), theme, now_ms);
    // What there is stands above what is written, not at the top of an empty screen.
    let rows = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    let area = Rect { y: area.y + area.height - rows, height: rows, ..area };
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

fn draw_page((page, roll): (&Page, &Roll), frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let lines = roll.lines(area.width, theme, || {
        if diff::looks_like_diff(&page.text) {
            return diff::render(&page.text, area.width, theme);
        }
        let text = clean(&page.text).into_owned();
        text.lines().flat_map(|line| wrap(Line::raw(line.to_owned()), area.width, hang(line, area.width))).collect()
    });
    let (seen, above) = roll.window(&lines, usize::from(area.height).saturating_sub(2));
    let place = match lines.len() > seen.len() {
        true => format!("lines {} to {} of {}, arrows scroll, ", above + 1, above + seen.len(), lines.len()),
        false => String::new(),
    };
    let title = Span::styled(clean(&page.title).replace('\n', " "), theme.style(Role::Heading));
    let hint = Span::styled(format!("   {place}any other key closes"), theme.style(Role::Dim));
    let mut drawn = vec![truncate(Line::from(vec![title, hint]), area.width), Line::default()];
    drawn.extend_from_slice(seen);
    frame.render_widget(Paragraph::new(Text::from(drawn)), area);
}

/// How far in the further rows of a page's line are: below its second column, if it has one in the first half or so.
fn hang(line: &str, room: u16) -> u16 {
    let Some((first, rest)) = line.split_once("  ").filter(|(first, _)| !first.is_empty()) else { return 2 };
    let gap = rest.len() - rest.trim_start().len();
    let column = u16::try_from(width(first) + 2 + gap).unwrap_or(u16::MAX);
    if column <= room.saturating_mul(3) / 5 { column } else { 2 }
}

/// The open questions: where there are several a line for each, and below them the one that the keys answer.
fn cards(app: &App, (room, most): (u16, usize), theme: &Theme) -> Vec<Line<'static>> {
    let Some(card) = app.cards.picked() else { return Vec::new() };
    let (count, at) = (app.cards.len(), app.cards.picked_at());
    let of = match count {
        1 => String::new(),
        _ => format!(" {} of {count}, Up and Down pick ", at + 1),
    };
    let rule = format!("──{of}{}", "─".repeat(usize::from(room).saturating_sub(width(&of) + 2)));
    let mut lines = vec![truncate(Line::styled(rule, theme.style(card.kind.role())), room)];
    if app.over.is_some() {
        // What is over the transcript has the keys, and the room.
        lines.push(truncate(Line::styled(card.in_a_line(), theme.style(card.kind.role())), room));
        return lines;
    }
    if count > 1 {
        let rows = MOST_LISTED.min(most / 4).clamp(1, count);
        let top = at.saturating_sub(rows / 2).min(count - rows);
        lines.extend(app.cards.iter().enumerate().skip(top).take(rows).map(|(row, card)| {
            let (sign, role) = if row == at { ("> ", Role::Selection) } else { ("  ", card.kind.role()) };
            truncate(Line::styled(format!("{sign}{}", card.in_a_line()), theme.style(role)), room)
        }));
    }
    lines.extend(card.lines((room, most.saturating_sub(lines.len())), theme));
    lines
}

/// What waits to be sent, the first first.
fn queued(app: &App, area: Rect, theme: &Theme) -> Vec<Line<'static>> {
    let most = MOST_QUEUED.min(usize::from(area.height / 8)).max(1);
    let waiting = app.queue.len();
    let plain = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<Line<'static>> = app
        .queue
        .iter()
        .take(if waiting > most { most.saturating_sub(1).max(1) } else { most })
        .map(|text| {
            let text = format!("queued: {}", clean(&plain(text).chars().take(400).collect::<String>()));
            truncate(Line::styled(text, theme.style(Role::Dim)), area.width)
        })
        .collect();
    if waiting > lines.len() && lines.len() < most {
        let text = format!("        and {} more", waiting - lines.len());
        lines.push(Line::styled(text, theme.style(Role::Dim)));
    }
    lines
}

/// The last line: the mode with what is left, the one that is about to be set, and what goes on. What matters most comes first,
/// since a narrow screen cuts the rest.
fn status_line(app: &App, room: u16, (theme, now_ms): (&Theme, u64)) -> Line<'static> {
    let chip = format!(" {} ", clean(&app.chip));
    let mut spans = vec![Span::styled(chip, theme.style(chip_role(&app.chip)))];
    if let Some(pending) = &app.pending {
        spans.push(Span::styled(format!(" → {} ", pending.mode), theme.style(Role::ChipPending)));
    }
    let mut parts = vec![state_text(app, now_ms)];
    if let Some(since) = app.aside.shell_ms {
        parts.push(format!("your command runs {} s, Ctrl+C stops it", now_ms.saturating_sub(since) / 1_000));
    }
    parts.extend(queue_text(app));
    if app.over.is_none() && !app.transcript.follows() {
        parts.push("scrolled, End follows again".to_owned());
    }
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        parts.push("Tab mode  /help".to_owned());
    }
    spans.push(Span::styled(format!("  {}", parts.join(" · ")), theme.style(Role::Dim)));
    truncate(Line::from(spans), room)
}

/// What the session does, or what a second press would do; empty while it waits.
fn state_text(app: &App, now_ms: u64) -> String {
    match (app.twice.filter(|twice| !twice.is_over(now_ms)), app.phase) {
        (Some(Twice::Leave(_)), _) => "Ctrl+C once more ends".to_owned(),
        (Some(Twice::GoBack(_)), Phase::Idle) => "Esc once more goes back to an earlier message".to_owned(),
        (_, Phase::Stops) => "stopping".to_owned(),
        (_, Phase::Works(_)) if !app.cards.is_empty() => "asks you, Esc stops".to_owned(),
        (_, Phase::Works(since)) => format!("works {} s, Esc stops", now_ms.saturating_sub(since) / 1_000),
        (_, Phase::Idle) if !app.cards.is_empty() => "asks you".to_owned(),
        (_, Phase::Idle) => String::new(),
    }
}

/// How many messages wait, and what to do about it.
fn queue_text(app: &App) -> Option<String> {
    let count = app.queue.len();
    match (count, app.phase) {
        (0, _) => None,
        _ if !app.cards.is_empty() => Some(format!("{count} queued")),
        (_, Phase::Idle) => Some(format!("{count} queued: Enter sends, Up edits")),
        (_, Phase::Works(_) | Phase::Stops) => Some(format!("{count} queued: Up edits")),
    }
}
