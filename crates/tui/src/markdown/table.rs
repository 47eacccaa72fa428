//! Lays out a table: its columns fitted to the room there is, or, where they cannot be, each row as a list.
//!
//! Not here: reading one.

use crate::text::{blank, line_width, rule, truncate, wrap};
use crate::theme::{Role, Theme};
use pulldown_cmark::Alignment;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// What stands between two columns.
const BETWEEN: &str = " │ ";

/// The narrowest that a column is made. A table that would need narrower ones is drawn as a list.
const NARROWEST: usize = 5;

/// How much of a column's name goes before each cell in a list.
const NAME: u16 = 24;

/// A table as it was read. The first row is its head.
pub struct Table {
    alignments: Vec<Alignment>,
    /// Its cells, by rows.
    pub rows: Vec<Vec<Line<'static>>>,
}

impl Table {
    /// Begins a table.
    pub fn new(alignments: Vec<Alignment>) -> Table {
        Table { alignments, rows: Vec::new() }
    }

    /// The lines of the table. They fit the room.
    pub fn lines(self, room: u16, theme: &Theme) -> Vec<Line<'static>> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut natural = vec![1; columns];
        for row in &self.rows {
            for (width, cell) in natural.iter_mut().zip(row) {
                *width = (*width).max(line_width(cell));
            }
        }
        match fitted(&natural, usize::from(room)) {
            Some(widths) => self.in_columns(&widths, theme),
            None => self.in_a_list(room, theme),
        }
    }

    fn in_columns(self, widths: &[usize], theme: &Theme) -> Vec<Line<'static>> {
        let border = theme.style(Role::Border);
        let wraps = self.rows.iter().any(|row| row.iter().zip(widths).any(|(cell, width)| line_width(cell) > *width));
        let mut out = Vec::new();
        for (at, row) in self.rows.into_iter().enumerate() {
            // Where cells have several lines, it must be seen which belong together.
            if at == 1 || (at > 1 && wraps) {
                out.push(across(widths, border));
            }
            let mut cells: Vec<Vec<Line<'static>>> =
                row.into_iter().zip(widths).map(|(cell, width)| wrap(cell, *width as u16, 0)).collect();
            cells.resize(widths.len(), Vec::new());
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..height {
                let mut spans = Vec::new();
                for (column, (cell, width)) in cells.iter_mut().zip(widths).enumerate() {
                    if column > 0 {
                        spans.push(Span::styled(BETWEEN, border));
                    }
                    let part = cell.get_mut(line).map(std::mem::take).unwrap_or_default();
                    let alignment = self.alignments.get(column).copied().unwrap_or(Alignment::None);
                    align(part, *width, alignment, &mut spans);
                }
                while spans.pop_if(|last| last.content.trim_end().is_empty()).is_some() {}
                out.push(Line::from(spans));
            }
        }
        out
    }

    fn in_a_list(self, room: u16, theme: &Theme) -> Vec<Line<'static>> {
        let mut rows = self.rows.into_iter();
        let names: Vec<Line<'static>> = rows.next().unwrap_or_default();
        let mut out = Vec::new();
        for row in rows {
            if !out.is_empty() {
                out.push(Line::default());
            }
            for (column, cell) in row.into_iter().enumerate().filter(|(_, cell)| line_width(cell) > 0) {
                let name = names.get(column).map(|name| short(name)).unwrap_or_default();
                let mut line = truncate(name, NAME.min(room));
                line.push_span(Span::styled(": ", theme.style(Role::Dim)));
                line.spans.extend(cell.spans);
                out.extend(wrap(line, room, 2));
            }
        }
        if out.is_empty() {
            out.extend(names.into_iter().flat_map(|name| wrap(name, room, 0)));
        }
        out
    }
}

/// As much of a name as could be shown, so that a long one is not copied for each row.
fn short(name: &Line<'static>) -> Line<'static> {
    let mut room = usize::from(NAME) * 16;
    let mut out = Line::default();
    for span in &name.spans {
        let end = span.content.floor_char_boundary(room);
        out.push_span(Span::styled(span.content[..end].to_owned(), span.style));
        room -= end;
        if room == 0 || end < span.content.len() {
            break;
        }
    }
    out
}

/// The widths of columns that fit the room: as wide as they want to be, and else the widest ones made equal.
fn fitted(natural: &[usize], room: usize) -> Option<Vec<usize>> {
    let between = natural.len().saturating_sub(1) * 3;
    let room = room.checked_sub(between)?;
    let sum = |most: usize| natural.iter().map(|width| (*width).min(most)).sum::<usize>();
    let widest = natural.iter().copied().max()?;
    if sum(widest) <= room {
        return Some(natural.to_vec());
    }
    let most = (NARROWEST..widest.min(room + 1)).rev().find(|most| sum(*most) <= room)?;
    let mut left = room - sum(most);
    Some(
        natural
            .iter()
            .map(|width| {
                let more = usize::from(left > 0 && *width > most);
                left -= more;
                (*width).min(most + more)
            })
            .collect(),
    )
}

/// The line between two rows. It borrows all it is made of, since there may be one for each row.
fn across(widths: &[usize], border: Style) -> Line<'static> {
    let mut spans = Vec::with_capacity(2 * widths.len());
    for (column, width) in widths.iter().enumerate() {
        if column > 0 {
            spans.push(Span::styled("─┼─", border));
        }
        spans.push(Span::styled(rule(*width), border));
    }
    Line::from(spans)
}

fn align(part: Line<'static>, width: usize, alignment: Alignment, out: &mut Vec<Span<'static>>) {
    let space = width.saturating_sub(line_width(&part));
    let before = match alignment {
        Alignment::Right => space,
        Alignment::Center => space / 2,
        Alignment::Left | Alignment::None => 0,
    };
    for (columns, spans) in [(before, part.spans), (space - before, Vec::new())] {
        if columns > 0 {
            out.push(Span::raw(blank(columns)));
        }
        out.extend(spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_share_the_room_fairly() {
        assert_eq!(fitted(&[3, 4], 10), Some(vec![3, 4]));
        assert_eq!(fitted(&[3, 40], 20), Some(vec![3, 14]));
        assert_eq!(fitted(&[50, 40, 2], 30), Some(vec![11, 11, 2]));
        assert_eq!(fitted(&[50, 40], 14), Some(vec![6, 5]));
        assert_eq!(fitted(&[50, 40], 12), None);
        assert_eq!(fitted(&[9; 100], 80), None);
        assert_eq!(fitted(&[], 80), None);
    }
}
