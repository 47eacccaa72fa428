//! How the composer looks: its rows, the sign before them, the search, and the menu.
//!
//! Not here: colours, and where on the screen it stands.

use super::block::clean;
use super::cluster::{after, before, is_mark};
use super::rows::{Page, Rows};
use super::{Composer, Luck};
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::borrow::Cow;
use std::ops::Range;

/// Stands before the first row.
const PROMPT: &str = "> ";
/// How narrow an area has no room for the prompt.
const TOO_NARROW: u16 = 6;
/// Stands before the chosen line of a menu, so that colour is not the only sign.
const CHOSEN: &str = "> ";
const NOT_CHOSEN: &str = "  ";

/// The styles that the composer is drawn in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ComposerStyle {
    /// What is written.
    pub text: Style,
    /// The sign before it, and the line of a search.
    pub prompt: Style,
    /// What is shown where nothing is written.
    pub placeholder: Style,
    /// A pasted block.
    pub block: Style,
    /// A line of the menu.
    pub choice: Style,
    /// The chosen line of the menu.
    pub chosen: Style,
    /// The note beside a choice.
    pub note: Style,
}

/// Returns how many columns stand before a row.
fn indent(width: u16) -> u16 {
    if width < TOO_NARROW { 0 } else { 2 }
}

/// Returns how many columns a row has: what the indent leaves, but one column that is kept for the cursor.
pub(super) fn wrap_at(width: u16) -> usize {
    usize::from(width.saturating_sub(indent(width)).saturating_sub(1)).max(1)
}

impl Composer {
    /// Returns how many rows the composer wants at a width, at most `max`.
    pub fn height(&self, width: u16, max: u16) -> u16 {
        let rows = self.rows_at(width).len();
        u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(self.search_rows()).min(max)
    }

    /// Draws the composer and returns where the cursor is: inside the area, or nowhere when there is none.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, style: &ComposerStyle) -> Option<Position> {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return None;
        }
        buf.set_style(area, style.text);
        let query = self.draw_search(area, buf, style);
        let head = area.height.min(self.search_rows());
        let area = Rect { y: area.y + head, height: area.height - head, ..area };
        if area.is_empty() {
            return query;
        }
        let (page, rows) = (self.page(area.width), self.rows_at(area.width));
        let (row, column) = rows.cell_of(&page, self.pad.cursor());
        let top = self.view.top_for(&rows, row, area.height);
        let indent = indent(area.width);
        for (y, row) in (area.y..area.bottom()).zip(top..rows.len()) {
            if row == 0 && indent > 0 {
                buf.set_stringn(area.x, y, PROMPT, usize::from(indent), style.prompt);
            }
            let line = Rect { x: area.x + indent, y, width: area.width - indent, height: 1 };
            draw_row(&page, rows.span(page.text, row), buf, (line, style));
        }
        if self.is_empty() && self.search.is_none() {
            let invitation = clip(&self.placeholder, page.wrap);
            buf.set_stringn(area.x + indent, area.y, invitation, page.wrap, style.placeholder);
        }
        let x = area.x.saturating_add(indent).saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        let y = area.y + u16::try_from(row - top).unwrap_or(0);
        query.or(Some(Position { x: x.min(area.right() - 1), y: y.min(area.bottom() - 1) }))
    }

    /// Returns the lines of the open menu, at most `max_rows`, with the chosen one among them; none when it is closed.
    pub fn menu(&self, width: u16, max_rows: u16, style: &ComposerStyle) -> Vec<Line<'static>> {
        let Some(menu) = &self.menu else { return Vec::new() };
        let shown = menu.choices.len().min(usize::from(max_rows));
        let first = (menu.chosen + 1).saturating_sub(shown);
        let room = usize::from(width).saturating_sub(CHOSEN.len());
        let choices = &menu.choices[first..first + shown];
        let labels: Vec<String> = choices.iter().map(|choice| clip(&choice.label, room)).collect();
        let widest = labels.iter().map(|label| columns(label)).max().unwrap_or(0).min(room / 2);
        let lines = labels.into_iter().zip(choices).enumerate().map(|(at, (label, choice))| {
            let (sign, base) = match first + at == menu.chosen {
                true => (CHOSEN, style.chosen),
                false => (NOT_CHOSEN, style.choice),
            };
            let gap = widest.saturating_sub(columns(&label)) + 2;
            let left = room.saturating_sub(columns(&label) + gap);
            let mut spans = vec![Span::styled(sign, base), Span::styled(label, base)];
            if !choice.note.is_empty() && left > 1 {
                let note = style.note.patch(if first + at == menu.chosen { style.chosen } else { Style::default() });
                spans.push(Span::styled(" ".repeat(gap), base));
                spans.push(Span::styled(clip(&choice.note, left), note));
            }
            Line::from(spans)
        });
        lines.collect()
    }

    /// Returns how many rows the search takes.
    pub(super) fn search_rows(&self) -> u16 {
        u16::from(self.search.is_some())
    }

    fn rows_at(&self, width: u16) -> Cow<'_, Rows> {
        match width == self.view.width {
            true => Cow::Borrowed(&self.view.rows),
            false => Cow::Owned(Rows::of(&self.page(width))),
        }
    }

    fn draw_search(&self, area: Rect, buf: &mut Buffer, style: &ComposerStyle) -> Option<Position> {
        let search = self.search.as_ref()?;
        let says = match search.luck {
            Luck::Found => "search: ",
            Luck::Missed => "search, no more: ",
        };
        let line = format!("{says}{}", search.query);
        let tail = end_of(&line, usize::from(area.width) - 1);
        let (x, _) = buf.set_stringn(area.x, area.y, tail, usize::from(area.width), style.prompt);
        Some(Position { x: x.min(area.right() - 1), y: area.y })
    }
}

/// Draws one row; what has no room in full is not drawn in half.
fn draw_row(page: &Page<'_>, span: Range<usize>, buf: &mut Buffer, (line, style): (Rect, &ComposerStyle)) {
    let (mut at, mut column) = (span.start, 0);
    while at < span.end {
        let end = after(page.text, at);
        let cluster = &page.text[at..end];
        let columns = page.width(cluster);
        let room = usize::from(line.width).saturating_sub(column);
        // The column is at most the width, which is a `u16`.
        let x = line.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
        if is_mark(cluster) {
            let label = clip(&page.blocks.label(cluster, page.numbers), columns);
            buf.set_stringn(x, line.y, label, room, style.block);
        } else if cluster != "\t" && columns <= room {
            let fits = usize::from(cluster.cell_width()) <= columns;
            buf.set_stringn(x, line.y, if fits { cluster } else { "…" }, room, style.text);
        }
        (at, column) = (end, column + columns);
    }
}

fn columns(text: &str) -> usize {
    let mut at = 0;
    let mut sum = 0;
    while at < text.len() {
        let end = after(text, at);
        sum += usize::from(text[at..end].cell_width());
        at = end;
    }
    sum
}

/// Returns the text on one line, without what would not be seen, cut to a width with an ellipsis.
fn clip(text: &str, width: usize) -> String {
    let hidden =
        |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let line = clean(text.to_owned()).replace(['\n', '\t'], " ").replace(hidden, "");
    if columns(&line) <= width {
        return line;
    }
    let (mut at, mut room) = (0, width.saturating_sub(1));
    while at < line.len() {
        let end = after(&line, at);
        match room.checked_sub(usize::from(line[at..end].cell_width())) {
            Some(left) => (at, room) = (end, left),
            None => break,
        }
    }
    let ellipsis = if width == 0 { "" } else { "…" };
    format!("{}{ellipsis}", &line[..at])
}

/// Returns as much of the text's end as has room.
fn end_of(text: &str, width: usize) -> &str {
    let (mut at, mut room) = (text.len(), width);
    while at > 0 {
        let start = before(text, at);
        match room.checked_sub(usize::from(text[start..at].cell_width())) {
            Some(left) => (at, room) = (start, left),
            None => break,
        }
    }
    &text[at..]
}
