//! Lines that may be more than their room: laid out once for a width, and scrolled.
//!
//! Not here: what the lines are.
//!
//! Drawing notes how far one can scroll, and that it was on the screen, in cells: it is told to the state in no other way, and changes
//! nothing that is drawn.

use crate::highlight::{Grammars, grammars};
use crate::theme::Theme;
use ratatui::text::Line;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// What a layout depends on: the width, the theme, and whether code could be coloured.
type Look = (u16, Theme, bool);

/// A place in lines that may be more than their room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    past: usize,
    /// How far it can be scrolled, as the last drawing found; absent until it was drawn.
    most: Cell<Option<usize>>,
    shown: Cell<bool>,
    laid_out: RefCell<Option<(Look, Rc<Vec<Line<'static>>>)>>,
}

impl Roll {
    /// Scrolls up by so many lines.
    pub fn up(&mut self, lines: usize) {
        self.past = self.past.saturating_sub(lines);
    }

    /// Scrolls down by so many lines, no further than to the end.
    pub fn down(&mut self, lines: usize) {
        let most = self.most.get().unwrap_or(usize::MAX);
        self.past = self.past.saturating_add(lines).min(most);
    }

    /// Notes that what was laid out had the room to be on the screen.
    pub fn note_shown(&self) {
        self.shown.set(true);
    }

    /// Whether it was ever on the screen.
    pub fn was_shown(&self) -> bool {
        self.shown.get()
    }

    /// The lines as they look at this width; `make` makes them where that was not done yet.
    pub fn lines(
        &self,
        width: u16,
        theme: &Theme,
        make: impl FnOnce() -> Vec<Line<'static>>,
    ) -> Rc<Vec<Line<'static>>> {
        let look = (width, *theme, grammars() != Grammars::Coming);
        let mut laid_out = self.laid_out.borrow_mut();
        match &*laid_out {
            Some((of, lines)) if *of == look => Rc::clone(lines),
            _ => {
                let lines = Rc::new(make());
                *laid_out = Some((look, Rc::clone(&lines)));
                lines
            }
        }
    }

    /// The lines that are seen in so many rows, and how many are above them.
    pub fn window<'a>(&self, lines: &'a [Line<'static>], rows: usize) -> (&'a [Line<'static>], usize) {
        let most = lines.len().saturating_sub(rows);
        self.most.set(Some(most));
        let past = self.past.min(most);
        (&lines[past..(past + rows).min(lines.len())], past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Depth, Ground};

    #[test]
    fn it_scrolls_to_the_end_and_no_further_and_back_at_once() {
        let lines: Vec<Line<'static>> = (0..10).map(|at| Line::raw(at.to_string())).collect();
        let mut roll = Roll::default();
        assert!(!roll.was_shown());
        assert_eq!(roll.window(&lines, 4).1, 0);
        (0..20).for_each(|_| roll.down(1));
        assert_eq!(roll.window(&lines, 4).1, 6);
        roll.up(1);
        let (seen, above) = roll.window(&lines, 4);
        assert_eq!((above, seen.len(), seen[0].to_string()), (5, 4, "5".to_owned()));
        assert_eq!(roll.window(&lines, 40).0.len(), 10);
        assert!(!roll.was_shown(), "there may have been no room for it");
        roll.note_shown();
        assert!(roll.was_shown());
    }

    #[test]
    fn lines_are_made_once_for_a_width() {
        let (roll, theme) = (Roll::default(), Theme::new(Depth::None, Ground::Dark));
        let made = Cell::new(0);
        let make = || {
            made.set(made.get() + 1);
            vec![Line::raw("x")]
        };
        roll.lines(80, &theme, make);
        roll.lines(80, &theme, make);
        assert_eq!(made.get(), 1);
        roll.lines(60, &theme, make);
        assert_eq!(made.get(), 2);
    }
}
