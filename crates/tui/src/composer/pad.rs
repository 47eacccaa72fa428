//! One text under work: its characters, the cursor, and what can be undone.
//!
//! Not here: keys. Every edit is one splice, and what it did comes back as a [`Change`] for the layout to follow.

use super::cluster::snap;
use std::collections::VecDeque;
use std::ops::Range;

/// How many steps can be undone.
const STEPS: usize = 10_000;
/// How many bytes the steps may keep together; the newest is always kept.
const STEP_BYTES: usize = 16 << 20;
/// How many bytes one step of rubbing out grows to: longer ones begin a step of their own.
const RUBBED: usize = 64;

/// A splice, in bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: usize,
    pub(super) removed: usize,
    pub(super) added: usize,
}

/// What an edit is to the undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// A key that wrote; those of one word are undone together.
    Typed,
    /// A key that rubbed out backwards; several in a row are undone together.
    Rubbed,
    /// Anything else is a step of its own.
    AtOnce,
}

#[derive(Clone, Debug)]
struct Step {
    at: usize,
    removed: String,
    added: String,
    before: usize,
    after: usize,
    how: How,
}

/// A text with its cursor and its past.
#[derive(Clone, Debug, Default)]
pub(super) struct Pad {
    text: String,
    cursor: usize,
    past: VecDeque<Step>,
    undone: Vec<Step>,
    kept: usize,
    sealed: Option<usize>,
}

impl Pad {
    /// Makes a pad with a clean text and the cursor at its end.
    pub(super) fn new(text: String) -> Self {
        Self { cursor: text.len(), text, ..Self::default() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes the text out of the pad.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Returns where the cursor is: a byte that begins a character, or the end.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether something was done to the text that can be undone.
    pub(super) fn is_changed(&self) -> bool {
        !self.past.is_empty()
    }

    /// Puts the cursor at a boundary and ends the step that was being typed.
    pub(super) fn go(&mut self, to: usize) {
        self.cursor = to;
        self.sealed = Some(self.past.len());
    }

    /// Replaces a range by a clean text and puts the cursor behind it.
    pub(super) fn splice(&mut self, range: Range<usize>, with: &str, how: How) -> Change {
        let at = range.start;
        let before = self.cursor;
        let removed = self.text[range.clone()].to_owned();
        self.text.replace_range(range, with);
        self.cursor = snap(&self.text, at + with.len());
        let change = Change { at, removed: removed.len(), added: with.len() };
        self.undone.clear();
        self.remember(Step { at, removed, added: with.to_owned(), before, after: self.cursor, how });
        change
    }

    /// Undoes the last step.
    pub(super) fn undo(&mut self) -> Option<Change> {
        let step = self.past.pop_back()?;
        self.kept -= step.bytes();
        self.text.replace_range(step.at..step.at + step.added.len(), &step.removed);
        let change = Change { at: step.at, removed: step.added.len(), added: step.removed.len() };
        self.go(step.before);
        self.undone.push(step);
        Some(change)
    }

    /// Does again what was undone last.
    pub(super) fn redo(&mut self) -> Option<Change> {
        let step = self.undone.pop()?;
        self.text.replace_range(step.at..step.at + step.removed.len(), &step.added);
        let change = Change { at: step.at, removed: step.removed.len(), added: step.added.len() };
        let after = step.after;
        self.kept += step.bytes();
        self.past.push_back(step);
        self.go(after);
        Some(change)
    }

    fn remember(&mut self, step: Step) {
        self.kept += step.bytes();
        let open = self.sealed.take() != Some(self.past.len());
        match self.past.back_mut().filter(|last| open && last.takes(&step)) {
            Some(last) => last.grow(step),
            None => self.past.push_back(step),
        }
        while self.past.len() > 1 && (self.past.len() > STEPS || self.kept > STEP_BYTES) {
            self.kept -= self.past.pop_front().map_or(0, |oldest| oldest.bytes());
        }
    }
}

impl Step {
    fn bytes(&self) -> usize {
        self.removed.len() + self.added.len()
    }

    /// Whether the step that follows belongs to this one.
    fn takes(&self, next: &Self) -> bool {
        match (self.how, next.how) {
            (How::Typed, How::Typed) => {
                let word_begins =
                    self.added.ends_with(char::is_whitespace) && !next.added.starts_with(char::is_whitespace);
                next.at == self.at + self.added.len() && !word_begins && !next.added.contains('\n')
            }
            (How::Rubbed, How::Rubbed) => next.at + next.removed.len() == self.at && self.removed.len() < RUBBED,
            _ => false,
        }
    }

    fn grow(&mut self, next: Self) {
        match self.how {
            How::Rubbed => (self.at, self.removed) = (next.at, next.removed + &self.removed),
            How::Typed | How::AtOnce => self.added.push_str(&next.added),
        }
        self.after = next.after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Pad {
        let mut pad = Pad::default();
        for letter in text.split_inclusive(|_: char| true) {
            pad.splice(pad.cursor..pad.cursor, letter, How::Typed);
        }
        pad
    }

    #[test]
    fn what_was_typed_is_undone_by_the_word_and_done_again() {
        let mut pad = typed("one two  three");
        let mut seen = Vec::new();
        while pad.undo().is_some() {
            seen.push(pad.text.clone());
        }
        assert_eq!(seen, ["one two  ", "one ", ""]);
        while pad.redo().is_some() {}
        assert_eq!((pad.text.as_str(), pad.cursor), ("one two  three", 14));
        assert_eq!(pad.redo(), None);
    }

    #[test]
    fn moving_the_cursor_ends_a_step() {
        let mut pad = typed("ab");
        pad.go(0);
        pad.go(2);
        pad.splice(2..2, "c", How::Typed);
        pad.undo();
        assert_eq!(pad.text, "ab");
    }

    #[test]
    fn an_edit_after_undo_forgets_what_could_be_done_again() {
        let mut pad = typed("one two");
        pad.undo();
        pad.splice(0..0, "x", How::AtOnce);
        assert_eq!(pad.redo(), None);
        assert_eq!(pad.text, "xone ");
    }

    #[test]
    fn rubbing_out_is_undone_together_and_the_cursor_comes_back() {
        let mut pad = typed("word");
        for _ in 0..3 {
            pad.splice(pad.cursor - 1..pad.cursor, "", How::Rubbed);
        }
        assert_eq!(pad.text, "w");
        pad.undo();
        assert_eq!((pad.text.as_str(), pad.cursor), ("word", 4));
    }

    #[test]
    fn the_past_is_bounded_and_its_newest_step_is_kept() {
        let mut pad = Pad::default();
        let long = "x".repeat(STEP_BYTES / 2 + 1);
        for _ in 0..3 {
            let end = pad.text.len();
            pad.splice(end..end, &long, How::AtOnce);
        }
        assert_eq!(pad.past.len(), 1);
        let mut pad = Pad::default();
        for _ in 0..STEPS + 5 {
            pad.splice(0..0, "y", How::AtOnce);
        }
        assert_eq!(pad.past.len(), STEPS);
        assert_eq!(pad.kept, STEPS);
    }

    #[test]
    fn a_letter_written_before_a_lone_combining_mark_takes_the_cursor_behind_both() {
        let mut pad = Pad::new("\u{301}x".to_owned());
        pad.go(0);
        pad.splice(0..0, "e", How::Typed);
        assert_eq!(pad.cursor, 3);
    }
}
