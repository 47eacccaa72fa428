//! What a person selects with the mouse on the screen, to be copied.
//!
//! Not here: the clipboard. Rows are taken as they are drawn; while Shift is pressed terminals select by themselves.

use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::style::Modifier;

/// What the mouse does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drag {
    /// Its first key was pressed, in this column and row.
    Pressed(u16, u16),
    /// It was moved while that is pressed.
    Moved(u16, u16),
    /// The key was let go.
    LetGo(u16, u16),
}

/// What is selected.
#[derive(Debug, Default)]
pub struct Selection {
    from: Option<(u16, u16)>,
    to: Option<(u16, u16)>,
    wanted: Wanted,
    text: String,
}

/// Whether what is selected is to be copied.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wanted {
    #[default]
    No,
    Yes,
}

impl Selection {
    /// Follows the mouse.
    pub fn drag(&mut self, drag: Drag) {
        match drag {
            Drag::Pressed(x, y) => *self = Selection { from: Some((x, y)), ..Selection::default() },
            Drag::Moved(x, y) if self.from.is_some() => self.to = Some((x, y)),
            Drag::LetGo(x, y) if self.to.is_some() => {
                self.to = Some((x, y));
                self.wanted = Wanted::Yes;
            }
            Drag::Moved(..) | Drag::LetGo(..) => {}
        }
    }

    /// Nothing is selected any more.
    pub fn clear(&mut self) {
        *self = Selection::default();
    }

    /// Marks what is selected on a screen that was just drawn, and keeps its text.
    pub fn paint(&mut self, buffer: &mut Buffer) {
        let (Some(from), Some(to)) = (self.from, self.to) else { return };
        let (first, last) = if (from.1, from.0) <= (to.1, to.0) { (from, to) } else { (to, from) };
        let mut rows = Vec::new();
        let right = buffer.area.width.saturating_sub(1);
        for y in first.1..=last.1.min(buffer.area.height.saturating_sub(1)) {
            let begin = if y == first.1 { first.0 } else { 0 };
            let end = if y == last.1 { last.0.min(right) } else { right };
            let (mut row, mut hidden) = (String::new(), 0);
            for x in begin..=end {
                let Some(cell) = buffer.cell_mut((x, y)) else { break };
                cell.modifier.toggle(Modifier::REVERSED);
                // What is behind a wide letter is no letter.
                if hidden == 0 {
                    row.push_str(cell.symbol());
                    hidden = cell.cell_width();
                }
                hidden = hidden.saturating_sub(1);
            }
            rows.push(row.trim_end().to_owned());
        }
        self.text = rows.join("\n");
    }

    /// What was selected, once, after the key was let go and it was marked; it stays marked.
    pub fn take_text(&mut self) -> Option<String> {
        let is_wanted = std::mem::take(&mut self.wanted) == Wanted::Yes;
        (is_wanted && !self.text.trim().is_empty()).then(|| std::mem::take(&mut self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(from: (u16, u16), to: (u16, u16)) -> Option<String> {
        let mut selection = Selection::default();
        let screen = || Buffer::with_lines(["one two  ", "日本 語  ", "three    "]);
        selection.drag(Drag::Pressed(from.0, from.1));
        selection.drag(Drag::Moved(to.0, to.1));
        selection.drag(Drag::LetGo(to.0, to.1));
        selection.paint(&mut screen());
        let text = selection.take_text();
        assert_eq!(selection.take_text(), None, "it is copied once");
        text
    }

    #[test]
    fn what_is_between_two_places_is_selected_by_rows() {
        assert_eq!(selected((4, 0), (6, 0)).as_deref(), Some("two"));
        assert_eq!(selected((4, 0), (2, 2)).as_deref(), Some("two\n日本 語\nthr"));
        assert_eq!(selected((2, 2), (4, 0)).as_deref(), Some("two\n日本 語\nthr"), "backwards too");
        assert_eq!(selected((0, 0), (200, 200)).as_deref(), Some("one two\n日本 語\nthree"));
        assert_eq!(selected((8, 0), (8, 0)), None, "there is nothing");
    }

    #[test]
    fn a_click_selects_nothing_and_what_is_selected_is_marked() {
        let mut selection = Selection::default();
        selection.drag(Drag::Pressed(1, 0));
        selection.drag(Drag::LetGo(1, 0));
        assert_eq!(selection.take_text(), None);
        selection.drag(Drag::Pressed(1, 0));
        selection.drag(Drag::Moved(2, 0));
        let mut screen = Buffer::with_lines(["abcd"]);
        selection.paint(&mut screen);
        let marked: Vec<bool> = (0..4).map(|x| screen[(x, 0)].modifier.contains(Modifier::REVERSED)).collect();
        assert_eq!(marked, [false, true, true, false]);
    }
}
