//! Draws the state: nothing here changes it.
//!
//! Not here: what a key does. From the top: the session, the transcript, the open question, where the person writes, and a
//! line with the mode, which is always there.

use crate::app::{App, Phase};
use crate::composer::ComposerStyle;
use crate::text::{clean, truncate, width, wrap};
use crate::theme::{Role, Theme, chip_role};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

/// The largest part of the screen that the composer takes, in rows.
const MOST_COMPOSER: u16 = 10;
/// The most rows of the composer's menu.
const MOST_MENU: u16 = 8;
/// The smallest screen on which all of it fits.
const LEAST: (u16, u16) = (20, 6);

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
    let menu_rows = u16::try_from(menu.len()).unwrap_or(0);
    let most_card = usize::from(area.height / 2).max(4);
    let card = card(app, (area.width, most_card), theme);
    let card_rows = u16::try_from(card.len()).unwrap_or(0);
    let rows = [
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(card_rows),
        Constraint::Length(menu_rows),
        Constraint::Length(1),
        Constraint::Length(written),
        Constraint::Length(1),
    ];
    let [title, body, asked, choices, line, compose, status] = Layout::vertical(rows).areas(area);
    frame.render_widget(Paragraph::new(title_line(app, area.width, theme)), title);
    match &app.page {
        Some(page) => draw_page(page, frame, body, theme),
        None => draw_transcript(app, frame, body, (theme, now_ms)),
    }
    frame.render_widget(Paragraph::new(Text::from(card)), asked);
    frame.render_widget(Paragraph::new(Text::from(menu)), choices);
    let rule = "─".repeat(usize::from(area.width));
    frame.render_widget(Paragraph::new(Line::styled(rule, theme.style(Role::Border))), line);
    if let Some(cursor) = app.composer.draw(compose, frame.buffer_mut(), &style) {
        frame.set_cursor_position(cursor);
    }
    frame.render_widget(Paragraph::new(status_line(app, area.width, (theme, now_ms))), status);
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
    let text = format!("Remit  {}  {}", clean(&about.model), clean(&about.workspace));
    truncate(Line::styled(text, theme.style(Role::TitleBar)), room)
}

fn draw_transcript(app: &App, frame: &mut Frame<'_>, area: Rect, (theme, now_ms): (&Theme, u64)) {
    let lines = app.transcript.visible((area.width, area.height), theme, now_ms);
    // What there is stands above what is written, not at the top of an empty screen.
    let rows = u16::try_from(lines.len()).unwrap_or(area.height).min(area.height);
    let area = Rect { y: area.y + area.height - rows, height: rows, ..area };
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

fn draw_page(page: &crate::app::Page, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let head = format!("{}   (arrows scroll, any other key closes)", clean(&page.title));
    let mut lines = vec![truncate(Line::styled(head, theme.style(Role::Heading)), area.width), Line::default()];
    let text = clean(&page.text).into_owned();
    let body: Vec<Line<'static>> =
        text.lines().flat_map(|line| wrap(Line::raw(line.to_owned()), area.width, 2)).collect();
    let room = usize::from(area.height).saturating_sub(2);
    let past = page.past.min(body.len().saturating_sub(room));
    lines.extend(body.into_iter().skip(past).take(room));
    frame.render_widget(Paragraph::new(Text::from(lines)), area);
}

/// The card that the keys answer, framed by a line, with how many there are.
fn card(app: &App, (room, most): (u16, usize), theme: &Theme) -> Vec<Line<'static>> {
    let Some(card) = app.cards.get(app.picked) else { return Vec::new() };
    let role = match card.kind {
        crate::card::CardKind::Permission { .. } => Role::Permission,
        crate::card::CardKind::Words => Role::ModelQuestion,
    };
    let of = match app.cards.len() {
        1 => String::new(),
        count => format!(" {} of {count}, Up and Down pick ", app.picked + 1),
    };
    let rule = format!("──{of}{}", "─".repeat(usize::from(room).saturating_sub(width(&of) + 2)));
    let mut lines = vec![truncate(Line::styled(rule, theme.style(role)), room)];
    lines.extend(card.lines((room, most), theme));
    lines
}

/// The last line: the mode with what is left, the one that is about to be set, and what goes on.
fn status_line(app: &App, room: u16, (theme, now_ms): (&Theme, u64)) -> Line<'static> {
    let chip = format!(" {} ", clean(&app.chip));
    let mut spans = vec![Span::styled(chip, theme.style(chip_role(&app.chip)))];
    if let Some(pending) = &app.pending {
        spans.push(Span::styled(format!(" → {} ", pending.mode), theme.style(Role::ChipPending)));
    }
    let state = match (app.phase, app.leaving_ms) {
        (Phase::Idle, Some(_)) => "Ctrl+C once more ends".to_owned(),
        (Phase::Stops, _) => "stopping".to_owned(),
        (Phase::Works(_), _) if !app.cards.is_empty() => "asks you".to_owned(),
        (Phase::Works(since), _) => format!("works {} s, Esc stops", now_ms.saturating_sub(since) / 1_000),
        (Phase::Idle, None) if !app.transcript.follows() => "scrolled; End follows again".to_owned(),
        (Phase::Idle, None) => "Tab mode  /help".to_owned(),
    };
    spans.push(Span::styled(format!("  {state}"), theme.style(Role::Dim)));
    truncate(Line::from(spans), room)
}
