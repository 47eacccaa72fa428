//! Where the person writes: a state machine that hears keys and pastes and says what was asked for.
//!
//! In reading order: `keys` says what a key asks for; `pad` holds one text with its cursor and what can be undone, in the
//! characters of `cluster`; `block` holds what was pasted; `rows` lays the text out; `history` has what was sent; `complete` and
//! `rank` complete names; `composed` is what is sent; `draw` draws.
//!
//! Not here: files, commands and the clipboard. Names to complete and texts sent before are given to it. It is written
//! here and not taken from a text area for terminals: the one that fits this drawing library moves and deletes by code point,
//! so that a combining mark or a joined emoji comes apart, lays out the whole text at every key, and has no blocks.

mod block;
mod cluster;
mod complete;
mod composed;
mod draw;
mod history;
mod keys;
mod pad;
mod rank;
mod rows;
#[cfg(test)]
mod tests;

pub use block::{INLINE_CHARACTERS, INLINE_LINES};
pub use complete::{Choice, Wish, WishKind};
pub use composed::{Composed, ComposedKind};
pub use draw::ComposerStyle;
pub use history::SentTexts;
pub use rank::rank;

use block::{Blocks, INLINE_BYTES, Numbers, clean, is_long};
use complete::{Found, Menu};
use crossterm::event::KeyEvent;
use keys::{Act, Reach};
use pad::{Change, How, Pad};
use rows::{Page, Rows};
use std::collections::BTreeMap;
use std::mem;

/// What the composer made of a key or a paste.
#[must_use = "a draft that is dropped is not sent, and a key that was not used may be the caller's"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keyed {
    /// The key is not the composer's: Tab, Esc and Ctrl+C where there is nothing to complete, close or clear, the page keys
    /// and all it does not know.
    Unused,
    /// The key is the composer's, and there was nothing to do.
    Nothing,
    /// The text, the cursor or the menu is different.
    Edited,
    /// The same, and the person is naming something: [`Composer::offer`] answers.
    Complete(Wish),
    /// The person sends this; the composer is empty.
    Submit(Composed),
    /// The person wants to write this in an editor of their own: [`Composer::text`] gives it and [`Composer::set`] takes it back.
    Editor,
}

/// Where the person writes.
#[derive(Clone, Debug)]
pub struct Composer {
    pad: Pad,
    blocks: Blocks,
    history: SentTexts,
    walk: Walk,
    search: Option<Search>,
    wished: Option<Found>,
    /// Where the word stands for which the person closed the menu.
    dismissed: Option<usize>,
    menu: Option<Menu>,
    killed: Killed,
    view: View,
    placeholder: String,
}

/// Where in the history the person is, and the texts that differ there from what was sent. The place after the newest is
/// that of the text being written.
#[derive(Clone, Debug, Default)]
struct Walk {
    at: usize,
    pads: BTreeMap<usize, Pad>,
}

/// A search through the history, and what was being written before.
#[derive(Clone, Debug)]
struct Search {
    query: String,
    found: Option<usize>,
    luck: Luck,
    kept: Pad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Luck {
    Found,
    Missed,
}

#[derive(Clone, Debug, Default)]
struct Killed {
    text: String,
    run: Run,
}

/// Whether the last key killed, so that the next that does adds to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Run {
    Going,
    #[default]
    Ended,
}

#[derive(Clone, Debug)]
struct View {
    width: u16,
    max: u16,
    top: usize,
    goal: Option<usize>,
    rows: Rows,
    numbers: Numbers,
}

impl Default for Composer {
    fn default() -> Self {
        Self::new()
    }
}

impl Composer {
    /// Makes an empty composer for a screen of 80 columns.
    pub fn new() -> Self {
        Self {
            pad: Pad::default(),
            blocks: Blocks::default(),
            history: SentTexts::default(),
            walk: Walk::default(),
            search: None,
            wished: None,
            dismissed: None,
            menu: None,
            killed: Killed::default(),
            view: View { width: 80, max: 10, top: 0, goal: None, rows: Rows::default(), numbers: Numbers::Hidden },
            placeholder: String::new(),
        }
    }

    /// Sets what is shown where nothing is written.
    pub fn invite(&mut self, placeholder: &str) {
        placeholder.clone_into(&mut self.placeholder);
    }

    /// Tells the composer the width of the area it will be drawn in and how many rows it may have, at the start and at every
    /// change of the screen: Up and Down move between rows. Drawing at another width is correct but costs a new layout.
    pub fn fit(&mut self, width: u16, max: u16) {
        let same = self.view.width == width;
        (self.view.width, self.view.max) = (width, max);
        if !same {
            self.lay_out();
        }
        self.scroll();
    }

    /// Adds texts that were sent before, oldest first.
    pub fn load(&mut self, texts: Vec<String>) {
        self.leave_history();
        self.history.load(texts, &mut self.blocks);
        self.walk.at = self.history.len();
    }

    /// Returns what was sent or put aside.
    pub fn history(&self) -> &SentTexts {
        &self.history
    }

    /// Returns the texts of the history with all that was pasted, newest first, for the caller to store.
    pub fn sent(&self) -> impl Iterator<Item = String> {
        (0..self.history.len()).rev().map(|at| self.blocks.whole(self.history.marked(at)))
    }

    /// Returns the text with all that was pasted.
    pub fn text(&self) -> String {
        self.blocks.whole(self.pad.text())
    }

    /// Says whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.pad.text().is_empty()
    }

    /// Says whether the person is searching the history.
    pub fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// Says whether a menu is open.
    pub fn is_choosing(&self) -> bool {
        self.menu.is_some()
    }

    /// Replaces the text, to edit an earlier message or to take what an editor wrote. It can be undone.
    pub fn set(&mut self, text: String) {
        self.cancel_search();
        let text = clean(text);
        let text = if text.len() > INLINE_BYTES { self.blocks.keep(text, "") } else { text };
        let change = self.pad.splice(0..self.pad.text().len(), &text, How::AtOnce);
        self.follow(change);
        let _ = self.moved();
    }

    /// Empties the composer. What was written goes to the history, so that Up has it back.
    pub fn clear(&mut self) {
        self.cancel_search();
        self.put_away();
        let _ = self.moved();
    }

    /// Returns what the person is naming, if completing it was not declined.
    pub fn wish(&self) -> Option<Wish> {
        self.wished.as_ref().map(|found| found.wish.clone())
    }

    /// Opens a menu with the choices for the present wish, best first; no choices close it.
    pub fn offer(&mut self, choices: Vec<Choice>) {
        self.menu = Menu::of(choices).filter(|_| self.wished.is_some());
    }

    /// Takes a paste. One of more than [`INLINE_LINES`] lines or [`INLINE_CHARACTERS`] characters becomes a block.
    pub fn paste(&mut self, text: String) -> Keyed {
        let text = clean(text);
        if let Some(search) = &mut self.search {
            let line = text.lines().next().unwrap_or("");
            search
                .query
                .extend(line.chars().take(INLINE_CHARACTERS).map(|letter| if letter == '\t' { ' ' } else { letter }));
            return self.hunt();
        }
        if text.is_empty() {
            return Keyed::Nothing;
        }
        (self.view.goal, self.killed.run) = (None, Run::Ended);
        let text = if is_long(&text) { self.blocks.keep(text, self.pad.text()) } else { text };
        let at = self.pad.cursor();
        let change = self.pad.splice(at..at, &text, How::AtOnce);
        self.follow(change);
        self.moved()
    }

    /// Hears a key.
    pub fn key(&mut self, key: KeyEvent) -> Keyed {
        let Some(act) = keys::act(key) else { return Keyed::Unused };
        if self.search.is_some() {
            return self.seek(act);
        }
        if let Some(heard) = self.choose(act) {
            return heard;
        }
        let run = mem::take(&mut self.killed.run);
        let goal = self.view.goal.take();
        match act {
            Act::Type(letter) => self.write(&clean(letter.to_string())),
            Act::Newline => self.write("\n"),
            Act::Enter => self.enter(),
            Act::Tab | Act::Escape => Keyed::Unused,
            Act::Go(reach) => self.go(reach),
            Act::Up => self.up(goal),
            Act::Down => self.down(goal),
            Act::Rub(reach) => self.rub(reach),
            Act::RubAhead if self.is_empty() => Keyed::Unused,
            Act::RubAhead => self.rub(Reach::After),
            Act::Cut(reach) => self.cut(reach, run),
            Act::Yank => self.yank(),
            Act::Undo => self.pad.undo().map_or(Keyed::Nothing, |change| self.stepped(change)),
            Act::Redo => self.pad.redo().map_or(Keyed::Nothing, |change| self.stepped(change)),
            Act::Search => self.begin_search(),
            Act::Editor => Keyed::Editor,
            Act::Clear if self.is_empty() => Keyed::Unused,
            Act::Clear => {
                self.clear();
                Keyed::Edited
            }
        }
    }

    /// What a key does to an open menu; nothing when it goes on to the text.
    fn choose(&mut self, act: Act) -> Option<Keyed> {
        let menu = self.menu.as_mut()?;
        match act {
            Act::Up => menu.up(),
            Act::Down => menu.down(),
            Act::Escape => {
                self.menu = None;
                self.dismissed = self.wished.take().map(|found| found.range.start);
            }
            Act::Tab => return self.take_choice(),
            // A name that is written out in full is not chosen once more: Enter sends it.
            Act::Enter if !self.is_chosen_written() => return self.take_choice(),
            _ => return None,
        }
        Some(Keyed::Edited)
    }

    fn is_chosen_written(&self) -> bool {
        match (&self.menu, &self.wished) {
            (Some(menu), Some(found)) => self.pad.text()[found.range.clone()] == *menu.choice().insert.trim_end(),
            _ => false,
        }
    }

    fn take_choice(&mut self) -> Option<Keyed> {
        let (menu, found) = (self.menu.take()?, self.wished.take()?);
        let insert = clean(menu.choice().insert.clone());
        let change = self.pad.splice(found.range, &insert, How::AtOnce);
        Some(self.edited(change))
    }

    fn write(&mut self, text: &str) -> Keyed {
        if text.is_empty() {
            return Keyed::Nothing;
        }
        let at = self.pad.cursor();
        let change = self.pad.splice(at..at, text, How::Typed);
        self.edited(change)
    }

    fn enter(&mut self) -> Keyed {
        let (text, cursor) = (self.pad.text(), self.pad.cursor());
        if text[..cursor].ends_with('\\') && cursor == Reach::LineEnd.from(text, cursor) {
            let change = self.pad.splice(cursor - 1..cursor, "\n", How::AtOnce);
            return self.edited(change);
        }
        self.send()
    }

    /// Sends what is written as it stands, whatever menu is open; for a key of the caller's.
    pub fn send(&mut self) -> Keyed {
        self.cancel_search();
        let Some(draft) = Composed::of(self.pad.text(), &self.blocks) else { return Keyed::Nothing };
        self.put_away();
        let _ = self.moved();
        Keyed::Submit(draft)
    }

    /// Puts the text into the history, after the one that was being written where this is an older one, and forgets other
    /// changes to old ones.
    fn put_away(&mut self) {
        let pad = mem::take(&mut self.pad);
        let mut walk = mem::take(&mut self.walk);
        if let Some(draft) = walk.pads.remove(&self.history.len()) {
            self.history.push(draft.into_text(), &self.blocks);
        }
        self.history.push(pad.into_text(), &self.blocks);
        self.walk.at = self.history.len();
        self.blocks.keep_those_of(self.history.all().chain([self.killed.text.as_str()]));
        self.lay_out();
    }

    fn go(&mut self, reach: Reach) -> Keyed {
        let to = reach.from(self.pad.text(), self.pad.cursor());
        if to == self.pad.cursor() {
            return Keyed::Nothing;
        }
        self.pad.go(to);
        self.moved()
    }

    fn up(&mut self, goal: Option<usize>) -> Keyed {
        let (row, column) = self.cell();
        let goal = goal.unwrap_or(column);
        match row.checked_sub(1) {
            Some(above) => self.go_to_row(above, goal),
            None if self.walk.at > 0 => self.visit(self.walk.at - 1),
            None => Keyed::Nothing,
        }
    }

    fn down(&mut self, goal: Option<usize>) -> Keyed {
        let (row, column) = self.cell();
        let goal = goal.unwrap_or(column);
        match row + 1 {
            below if below < self.view.rows.len() => self.go_to_row(below, goal),
            _ if self.walk.at < self.history.len() => self.visit(self.walk.at + 1),
            _ => Keyed::Nothing,
        }
    }

    fn cell(&self) -> (usize, usize) {
        self.view.rows.cell_of(&self.page(self.view.width), self.pad.cursor())
    }

    fn go_to_row(&mut self, row: usize, goal: usize) -> Keyed {
        let to = self.view.rows.place_at(&self.page(self.view.width), row, goal);
        self.view.goal = Some(goal);
        self.pad.go(to);
        self.moved()
    }

    /// Goes to a text of the history, or past the newest to the one being written.
    fn visit(&mut self, at: usize) -> Keyed {
        self.leave();
        self.walk.at = at;
        self.pad = self.walk.pads.remove(&at).unwrap_or_else(|| Pad::new(self.history.marked(at).to_owned()));
        self.lay_out();
        self.moved()
    }

    /// Sets the present text aside, if it is not just as the history has it.
    fn leave(&mut self) {
        let pad = mem::take(&mut self.pad);
        if self.walk.at == self.history.len() || pad.is_changed() {
            self.walk.pads.insert(self.walk.at, pad);
        }
    }

    /// Comes back from the history to the text being written.
    fn leave_history(&mut self) {
        self.cancel_search();
        if self.walk.at < self.history.len() {
            let _ = self.visit(self.history.len());
        }
        self.walk.pads.clear();
    }

    fn rub(&mut self, reach: Reach) -> Keyed {
        let how = if reach == Reach::Before { How::Rubbed } else { How::AtOnce };
        let at = self.pad.cursor();
        let to = reach.from(self.pad.text(), at);
        if to == at {
            return Keyed::Nothing;
        }
        let change = self.pad.splice(at.min(to)..at.max(to), "", how);
        self.edited(change)
    }

    fn cut(&mut self, reach: Reach, run: Run) -> Keyed {
        let (text, at) = (self.pad.text(), self.pad.cursor());
        let to = match reach {
            // At the line's very edge it is the line end that goes.
            Reach::LineEnd if reach.from(text, at) == at => Reach::After.from(text, at),
            Reach::LineStart if reach.from(text, at) == at => Reach::Before.from(text, at),
            _ => reach.from(text, at),
        };
        self.killed.run = Run::Going;
        if to == at {
            return Keyed::Nothing;
        }
        let gone = &text[at.min(to)..at.max(to)];
        let old = if run == Run::Going { mem::take(&mut self.killed.text) } else { String::new() };
        self.killed.text = if to < at { gone.to_owned() + &old } else { old + gone };
        let change = self.pad.splice(at.min(to)..at.max(to), "", How::AtOnce);
        self.edited(change)
    }

    fn yank(&mut self) -> Keyed {
        if self.killed.text.is_empty() {
            return Keyed::Nothing;
        }
        let at = self.pad.cursor();
        let change = self.pad.splice(at..at, &self.killed.text, How::AtOnce);
        self.follow(change);
        self.moved()
    }

    fn begin_search(&mut self) -> Keyed {
        let kept = mem::take(&mut self.pad);
        self.pad = Pad::new(kept.text().to_owned());
        self.search = Some(Search { query: String::new(), found: None, luck: Luck::Found, kept });
        self.lay_out();
        self.moved()
    }

    /// What a key does to the search: letters change the query, `Ctrl+R` goes to an older text, Esc and `Ctrl+C` give back what
    /// was being written, and any other key takes what was found, to be edited or sent.
    fn seek(&mut self, act: Act) -> Keyed {
        let Some(search) = &mut self.search else { return Keyed::Unused };
        match act {
            Act::Type(letter) => search.query.push_str(clean(letter.to_string()).trim_matches(['\n', '\t'])),
            Act::Rub(_) => search.query.truncate(Reach::Before.from(&search.query, search.query.len())),
            Act::Cut(_) => search.query.clear(),
            Act::Search => return self.hunt_older(),
            Act::Escape | Act::Clear | Act::Editor => {
                self.cancel_search();
                return Keyed::Edited;
            }
            _ => return self.take_found(),
        }
        self.hunt()
    }

    /// Looks for the newest text with the query.
    fn hunt(&mut self) -> Keyed {
        self.hunt_before(self.history.len())
    }

    fn hunt_older(&mut self) -> Keyed {
        let found = self.search.as_ref().and_then(|search| search.found);
        self.hunt_before(found.unwrap_or(self.history.len()))
    }

    fn hunt_before(&mut self, end: usize) -> Keyed {
        let Some(search) = &mut self.search else { return Keyed::Unused };
        if search.query.is_empty() {
            (search.found, search.luck) = (None, Luck::Found);
            self.pad = Pad::new(search.kept.text().to_owned());
        } else if let Some(at) = self.history.find(&search.query, end) {
            (search.found, search.luck) = (Some(at), Luck::Found);
            self.pad = Pad::new(self.history.marked(at).to_owned());
        } else {
            search.luck = Luck::Missed;
        }
        self.lay_out();
        self.moved()
    }

    fn take_found(&mut self) -> Keyed {
        let Some(Search { found, kept, .. }) = self.search.take() else { return Keyed::Unused };
        self.pad = kept;
        if let Some(at) = found {
            self.leave();
            self.walk.pads.remove(&at);
            self.walk.at = at;
            self.pad = Pad::new(self.history.marked(at).to_owned());
        }
        self.lay_out();
        self.moved()
    }

    fn cancel_search(&mut self) {
        if let Some(search) = self.search.take() {
            self.pad = search.kept;
            self.lay_out();
            self.scroll();
        }
    }

    fn stepped(&mut self, change: Change) -> Keyed {
        self.follow(change);
        self.moved()
    }

    /// Ends a key that changed the text by writing or deleting: the only keys that open a menu, so that moving through a text
    /// never takes Up and Down away.
    fn edited(&mut self, change: Change) -> Keyed {
        self.follow(change);
        self.scroll();
        self.menu = None;
        self.wished = Found::at(self.pad.text(), self.pad.cursor());
        let start = self.wished.as_ref().map(|found| found.range.start);
        if start.is_none() || start != self.dismissed {
            self.dismissed = None;
        } else {
            self.wished = None;
        }
        self.wish().map_or(Keyed::Edited, Keyed::Complete)
    }

    /// Ends what moved the cursor or put another text in place.
    fn moved(&mut self) -> Keyed {
        (self.menu, self.wished, self.dismissed) = (None, None, None);
        self.scroll();
        Keyed::Edited
    }

    /// Lays out what a change moved, or all where blocks got or lost their numbers.
    fn follow(&mut self, change: Change) {
        if Numbers::of(self.pad.text()) != self.view.numbers {
            return self.lay_out();
        }
        let page = page(&self.pad, &self.blocks, &self.view, self.view.width);
        self.view.rows.follow(&page, change);
    }

    fn lay_out(&mut self) {
        self.view.numbers = Numbers::of(self.pad.text());
        self.view.rows = Rows::of(&self.page(self.view.width));
    }

    fn page(&self, width: u16) -> Page<'_> {
        page(&self.pad, &self.blocks, &self.view, width)
    }

    /// Moves the view no further than it must to show the cursor.
    fn scroll(&mut self) {
        let shown = self.height(self.view.width, self.view.max).saturating_sub(self.search_rows()).max(1);
        let row = self.view.rows.row_of(self.pad.cursor());
        self.view.top = self.view.top_for(&self.view.rows, row, shown);
    }
}

impl View {
    /// Returns the first row to show, so that `row` is among the `shown` and none is empty for no reason.
    fn top_for(&self, rows: &Rows, row: usize, shown: u16) -> usize {
        let shown = usize::from(shown);
        self.top.min(row).max((row + 1).saturating_sub(shown)).min(rows.len().saturating_sub(shown))
    }
}

/// Puts a page together from the composer's parts, while its rows are being changed.
fn page<'a>(pad: &'a Pad, blocks: &'a Blocks, view: &View, width: u16) -> Page<'a> {
    Page { text: pad.text(), blocks, numbers: view.numbers, wrap: draw::wrap_at(width) }
}
