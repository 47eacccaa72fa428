//! What was said and done, as cells, and the part of it that is on the screen.
//!
//! Not here: where events come from, or what a key does.
//!
//! A cell is cut into parts where its text is long, and a part is laid out when it comes onto the screen, so that a frame costs
//! what is seen of the transcript, not what there is. Where a person has scrolled to is a line of a part, and not a distance
//! from the end: what comes below does not move what is read. A sum of all heights was rejected, since one would have
//! to lay out everything to have it.

mod layouts;
mod lines;
#[cfg(test)]
mod tests;

use crate::highlight;
use crate::markdown::{Cuts, ENOUGH, Joint, Part, TextKind};
use crate::theme::Theme;
use layouts::{Laid, Layouts, Stamp};
use lines::{Place, TAIL_BYTES, TAIL_LINES};
use ratatui::text::Line;
use std::cell::{Cell as Shared, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The most of a running command's output that is kept for the screen, in bytes; the session keeps it all.
const MOST_OUTPUT: usize = 256 * 1024;

/// One thing in the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The person's words.
    Person(String),
    /// The model's words.
    Model(String),
    /// The model's words, while more are to come.
    Speaking(String),
    /// What the model thought.
    Thought(String),
    /// A tool call.
    Call(Box<CallCell>),
    /// A command of the person's own.
    Shell(Box<ShellCell>),
    /// Something by the way.
    Notice(String),
    /// Something that went wrong.
    Trouble(String),
}

/// One tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCell {
    /// The call's name in the session.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// The call in a line.
    pub summary: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
    /// The price, in words; absent for a question.
    pub price: Option<String>,
    /// Where it stands.
    pub state: CallState,
    /// What it says while it runs, its end kept.
    pub output: String,
    /// What the model reads of it.
    pub result: String,
    /// Whether it shows more than its line.
    pub fold: Fold,
}

/// A command that the person ran with `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellCell {
    /// The command line.
    pub command: String,
    /// What it says, its end kept.
    pub output: String,
    /// Where it stands.
    pub state: ShellState,
}

/// Where a command of the person's own stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellState {
    /// It runs, since this moment in milliseconds.
    Runs(u64),
    /// It is over, as these words say.
    Ended(String),
}

/// Where a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallState {
    /// It was understood.
    Made,
    /// The person is asked.
    Asks,
    /// It runs, since this moment in milliseconds.
    Runs(u64),
    /// It did what it was asked.
    Done,
    /// It did not.
    Failed,
    /// It did not run, for this reason.
    Refused(String),
    /// It made no sense, for this reason.
    Invalid(String),
}

/// How much something shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// A line.
    Folded,
    /// All of it, of what is long the end.
    Open,
    /// All of it.
    Whole,
}

/// What a layout depends on beside the cell.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    width: u16,
    thoughts: Fold,
    theme: Theme,
    /// Whether code could be coloured.
    colours: highlight::Grammars,
}

/// A cell, with where its text is cut.
#[derive(Debug)]
struct Entry {
    cell: Cell,
    /// Another one after each change but for words that are added at the end.
    version: u64,
    cuts: RefCell<Option<Box<Cuts>>>,
}

/// A line of the transcript, by its place in a part of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    entry: usize,
    part: usize,
    line: usize,
}

/// What is on the screen: the end, or what begins with this line as it was at that width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scrolled {
    Follows,
    At(Spot, u16),
}

/// Where the screen is, and by how many lines it is to be moved when it is drawn next: only then is it known how high they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scroll {
    at: Scrolled,
    moved: isize,
}

/// All cells, and which part of them is seen.
#[derive(Debug)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// Where each call is, by its name.
    calls: HashMap<String, usize>,
    thoughts: Fold,
    versions: u64,
    scroll: Shared<Scroll>,
    layouts: RefCell<Layouts>,
    /// The call nearest to the middle of the screen, when it was drawn last.
    in_the_middle: Shared<Option<usize>>,
}

impl Default for Transcript {
    fn default() -> Transcript {
        Transcript {
            entries: Vec::new(),
            calls: HashMap::new(),
            thoughts: Fold::Folded,
            versions: 0,
            scroll: Shared::new(Scroll { at: Scrolled::Follows, moved: 0 }),
            layouts: RefCell::default(),
            in_the_middle: Shared::new(None),
        }
    }
}

impl Transcript {
    /// Adds a cell at the end.
    pub fn push(&mut self, cell: Cell) {
        if let Cell::Call(call) = &cell {
            self.calls.insert(call.call.clone(), self.entries.len());
        }
        self.versions += 1;
        self.entries.push(Entry { cell, version: self.versions, cuts: RefCell::new(None) });
    }

    /// Adds a piece of the model's words, to those that it is saying if there are any.
    pub fn speak(&mut self, piece: &str) {
        match self.entries.last_mut().map(|entry| &mut entry.cell) {
            Some(Cell::Speaking(text)) => text.push_str(piece),
            _ => self.push(Cell::Speaking(piece.to_owned())),
        }
    }

    /// Adds a piece of what the model thinks, to the thought that it has if it has one.
    pub fn think(&mut self, piece: &str) {
        match self.entries.last_mut().map(|entry| &mut entry.cell) {
            Some(Cell::Thought(text)) => text.push_str(piece),
            _ => self.push(Cell::Thought(piece.to_owned())),
        }
    }

    /// The last cell, to be changed.
    pub fn last_mut(&mut self) -> Option<&mut Cell> {
        let last = self.entries.len().checked_sub(1)?;
        Some(self.changed(last))
    }

    /// The model has said all of its message: `whole`, unless that is empty. Who came late has heard a part of it, or none.
    pub fn close_words(&mut self, whole: &str) {
        let from = self.message_start();
        let (mut text, mut first) = (String::new(), None);
        for at in from..self.entries.len() {
            if let Cell::Speaking(piece) = &mut self.entries[at].cell {
                text.push_str(piece);
                first.get_or_insert((at, piece.len()));
                piece.clear();
            }
        }
        let is_as_heard = whole.is_empty() || whole == text;
        let text = if is_as_heard { text } else { whole.to_owned() };
        match first {
            // What was laid out of it is as it was.
            Some((at, length)) if is_as_heard && length == text.len() => self.entries[at].cell = Cell::Model(text),
            Some((at, _)) => *self.changed(at) = Cell::Model(text),
            None if !text.is_empty() => self.push(Cell::Model(text)),
            None => {}
        }
        self.drop_from(from, |cell| matches!(cell, Cell::Speaking(_)));
    }

    /// Where what belongs to the message that is being said begins: the words, the thoughts, and what was said in between.
    fn message_start(&self) -> usize {
        let ends = |entry: &Entry| matches!(entry.cell, Cell::Person(_) | Cell::Model(_) | Cell::Call(_));
        self.entries.iter().rposition(ends).map_or(0, |at| at + 1)
    }

    /// Takes away cells behind the last call.
    fn drop_from(&mut self, from: usize, gone: impl Fn(&Cell) -> bool) {
        let kept: Vec<Entry> = self.entries.drain(from..).filter(|entry| !gone(&entry.cell)).collect();
        self.entries.extend(kept);
    }

    /// The call of that name, to be changed.
    pub fn call_mut(&mut self, call: &str) -> Option<&mut CallCell> {
        let at = *self.calls.get(call)?;
        match self.changed(at) {
            Cell::Call(cell) => Some(cell),
            _ => None,
        }
    }

    /// The person's own command that runs, to be changed.
    pub fn running_shell_mut(&mut self) -> Option<&mut ShellCell> {
        let runs = |entry: &Entry| match &entry.cell {
            Cell::Shell(cell) => matches!(cell.state, ShellState::Runs(_)),
            _ => false,
        };
        let at = self.entries.iter().rposition(runs)?;
        match self.changed(at) {
            Cell::Shell(cell) => Some(cell),
            _ => None,
        }
    }

    /// The call of that name.
    pub fn call(&self, call: &str) -> Option<&CallCell> {
        match &self.entries[*self.calls.get(call)?].cell {
            Cell::Call(cell) => Some(cell),
            _ => None,
        }
    }

    /// Whether nothing was said and done.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every cell, in order.
    pub fn cells(&self) -> impl DoubleEndedIterator<Item = &Cell> {
        self.entries.iter().map(|entry| &entry.cell)
    }

    /// Takes away the cells that a void answer brought.
    pub fn take_back_words(&mut self) {
        let from = self.message_start();
        self.drop_from(from, |cell| matches!(cell, Cell::Speaking(_) | Cell::Thought(_)));
    }

    /// Opens a call, then all of it, then folds it: the one nearest to the middle of the screen, or the last while the screen follows.
    pub fn turn_call(&mut self) {
        let last = || self.entries.iter().rposition(|entry| matches!(entry.cell, Cell::Call(_)));
        let middle = self.in_the_middle.get().filter(|at| *at < self.entries.len() && !self.follows());
        let Some(at) = middle.or_else(last) else { return };
        let Cell::Call(call) = self.changed(at) else { return };
        call.fold = call.turned();
        if call.fold == Fold::Whole {
            // It is read from its beginning.
            self.scroll.set(Scroll { at: Scrolled::At(Spot { entry: at, part: 0, line: 0 }, 0), moved: 0 });
        }
    }

    /// Opens or folds what the model thought.
    pub fn turn_thoughts(&mut self) {
        self.thoughts = if self.thoughts == Fold::Folded { Fold::Open } else { Fold::Folded };
    }

    /// Scrolls up by so many lines.
    pub fn up(&mut self, lines: usize) {
        self.scroll_by(-isize::try_from(lines).unwrap_or(isize::MAX));
    }

    /// Scrolls down by so many lines.
    pub fn down(&mut self, lines: usize) {
        self.scroll_by(isize::try_from(lines).unwrap_or(isize::MAX));
    }

    /// Goes to the end, and follows what comes.
    pub fn to_the_end(&mut self) {
        self.scroll.set(Scroll { at: Scrolled::Follows, moved: 0 });
    }

    /// Goes to the beginning.
    pub fn to_the_start(&mut self) {
        self.scroll.set(Scroll { at: Scrolled::At(Spot { entry: 0, part: 0, line: 0 }, 0), moved: 0 });
    }

    /// Whether what comes is seen as it comes.
    pub fn follows(&self) -> bool {
        let Scroll { at, moved } = self.scroll.get();
        at == Scrolled::Follows && moved >= 0
    }

    /// The lines that fill a screen of that size, or all that there are. Scrolling past either end stops there.
    pub fn visible(&self, (width, height): (u16, u16), theme: &Theme, now_ms: u64) -> Vec<Line<'static>> {
        let look = Look { width, thoughts: self.thoughts, theme: *theme, colours: highlight::grammars() };
        let height = usize::from(height);
        if height == 0 || self.entries.is_empty() {
            return Vec::new();
        }
        self.layouts.borrow_mut().begin();
        let view = View { of: self, look, now_ms };
        let top = view.top(height);
        view.filled(top, height)
    }

    fn scroll_by(&mut self, lines: isize) {
        let Scroll { at, moved } = self.scroll.get();
        self.scroll.set(Scroll { at, moved: moved.saturating_add(lines) });
    }

    /// A cell that is about to be changed.
    fn changed(&mut self, at: usize) -> &mut Cell {
        self.versions += 1;
        let entry = &mut self.entries[at];
        entry.version = self.versions;
        entry.cuts.replace(None);
        &mut entry.cell
    }
}

/// The transcript as it is looked at: how its parts are laid out, and which lines are where.
struct View<'t> {
    of: &'t Transcript,
    look: Look,
    now_ms: u64,
}

impl View<'_> {
    /// The line at the top of the screen. What was to be scrolled by has been scrolled by then.
    fn top(&self, height: usize) -> Spot {
        let Scroll { at, moved } = self.of.scroll.get();
        let up = moved.min(0).unsigned_abs();
        let end = || self.back(self.end(), height);
        let top = match at {
            Scrolled::Follows if up == 0 => None,
            Scrolled::Follows => Some(self.back(end(), up)),
            Scrolled::At(spot, width) => {
                let spot = self.found_again(spot, width);
                if up > 0 { Some(self.back(spot, up)) } else { self.forth(spot, moved.unsigned_abs()) }
            }
        };
        // Where all that is below fits, it is the end that is seen.
        let top = top.filter(|spot| self.forth(*spot, height).is_some());
        let at = top.map_or(Scrolled::Follows, |spot| Scrolled::At(spot, self.look.width));
        self.of.scroll.set(Scroll { at, moved: 0 });
        top.unwrap_or_else(end)
    }

    /// Where a line is now: at another width a part has more lines or fewer, and a cell that was folded fewer parts.
    fn found_again(&self, spot: Spot, width: u16) -> Spot {
        let Some(entry) = self.of.entries.get(spot.entry) else { return self.end() };
        let Some(last) = self.parts(entry).checked_sub(1).filter(|last| spot.part <= *last) else {
            return Spot { part: 0, line: 0, ..spot };
        };
        let spot = Spot { part: spot.part.min(last), ..spot };
        let lines = self.laid(spot).len();
        if width == 0 || width == self.look.width {
            return Spot { line: spot.line.min(lines.saturating_sub(1)), ..spot };
        }
        let line = spot.line * usize::from(width) / usize::from(self.look.width.max(1));
        Spot { line: line.min(lines.saturating_sub(1)), ..spot }
    }

    /// The end: behind the last line.
    fn end(&self) -> Spot {
        let entry = self.of.entries.len() - 1;
        let part = self.parts(&self.of.entries[entry]) - 1;
        let spot = Spot { entry, part, line: 0 };
        Spot { line: self.laid(spot).len(), ..spot }
    }

    /// So many lines up from a line, or the first one.
    fn back(&self, from: Spot, lines: usize) -> Spot {
        let (mut spot, mut left) = (from, lines);
        while left > spot.line {
            left -= spot.line;
            let before = match (spot.part, spot.entry) {
                (0, 0) => return Spot { line: 0, ..spot },
                (0, entry) => Spot { entry: entry - 1, part: self.parts(&self.of.entries[entry - 1]) - 1, line: 0 },
                (part, _) => Spot { part: part - 1, ..spot },
            };
            spot = Spot { line: self.laid(before).len(), ..before };
        }
        Spot { line: spot.line - left, ..spot }
    }

    /// So many lines down from a line; none if there is no such line.
    fn forth(&self, from: Spot, lines: usize) -> Option<Spot> {
        let (mut spot, mut left) = (from, lines);
        loop {
            let rest = self.laid(spot).len().saturating_sub(spot.line);
            if left < rest {
                return Some(Spot { line: spot.line + left, ..spot });
            }
            left -= rest;
            spot = self.next(spot)?;
        }
    }

    fn next(&self, spot: Spot) -> Option<Spot> {
        let entry = self.of.entries.get(spot.entry)?;
        if spot.part + 1 < self.parts(entry) {
            return Some(Spot { part: spot.part + 1, line: 0, ..spot });
        }
        (spot.entry + 1 < self.of.entries.len()).then_some(Spot { entry: spot.entry + 1, part: 0, line: 0 })
    }

    /// A screen full of lines from this one on; which call is nearest to its middle is noted.
    fn filled(&self, top: Spot, height: usize) -> Vec<Line<'static>> {
        let mut lines = Vec::with_capacity(height);
        let mut nearest = None::<(usize, usize)>;
        let mut spot = Some(top);
        while let Some(at) = spot.filter(|_| lines.len() < height) {
            let laid = self.laid(at);
            let from = lines.len();
            lines.extend(laid.iter().skip(at.line).take(height - from).cloned());
            if matches!(self.of.entries[at.entry].cell, Cell::Call(_)) {
                let (middle, last) = (height / 2, lines.len().saturating_sub(1));
                let apart = from.saturating_sub(middle).max(middle.saturating_sub(last));
                nearest = nearest.filter(|(nearer, _)| *nearer <= apart).or(Some((apart, at.entry)));
            }
            spot = self.next(at);
        }
        self.of.in_the_middle.set(nearest.map(|(_, entry)| entry));
        lines
    }

    /// How many parts a cell has: at least one.
    fn parts(&self, entry: &Entry) -> usize {
        let Some(Long { text, kind, before }) = self.long(&entry.cell) else { return 1 };
        if text.len() <= ENOUGH {
            return before + 1;
        }
        let mut cuts = entry.cuts.borrow_mut();
        let cuts = cuts.get_or_insert_with(|| Box::new(Cuts::new(kind)));
        cuts.follow(text);
        before + cuts.count()
    }

    /// The text of a cell that may be long.
    fn long<'c>(&self, cell: &'c Cell) -> Option<Long<'c>> {
        let plain = |text| Some(Long { text, kind: TextKind::Plain, before: 0 });
        match cell {
            Cell::Model(text) | Cell::Speaking(text) => Some(Long { text, kind: TextKind::Markdown, before: 0 }),
            Cell::Person(text) | Cell::Notice(text) | Cell::Trouble(text) => plain(text),
            Cell::Thought(text) if self.look.thoughts != Fold::Folded => plain(text),
            Cell::Call(call) if call.fold == Fold::Whole && !lines::is_change(call.said()) => {
                Some(Long { text: call.said(), kind: TextKind::Plain, before: 1 })
            }
            Cell::Thought(_) | Cell::Call(_) | Cell::Shell(_) => None,
        }
    }

    /// The part that a line is in, laid out.
    fn laid(&self, spot: Spot) -> Laid {
        let entry = &self.of.entries[spot.entry];
        let count = self.parts(entry);
        let place = Place::of(spot.part, count);
        let cuts = entry.cuts.borrow();
        let part = match self.long(&entry.cell) {
            Some(Long { text, before, .. }) if spot.part >= before => match &*cuts {
                Some(cuts) if text.len() > ENOUGH => cuts.part(text, spot.part - before),
                _ => whole(text),
            },
            _ => whole(""),
        };
        let seconds = seconds(&entry.cell, self.now_ms);
        let length = if place == Place::Between { 0 } else { part.text.len() + self.open_length(&entry.cell) };
        let stamp = Stamp { version: entry.version, length, seconds, look: self.look };
        let of = (spot.entry, spot.part);
        if let Some(laid) = self.of.layouts.borrow_mut().get(of, &stamp) {
            return laid;
        }
        let laid = Rc::new(lines::draw(&entry.cell, &part, place, &self.look, seconds));
        self.of.layouts.borrow_mut().keep(of, stamp, &laid);
        laid
    }

    /// What parts the layouts of a text that is still coming from those of the same text when it is whole.
    fn open_length(&self, cell: &Cell) -> usize {
        match cell {
            Cell::Speaking(_) => usize::MAX / 2,
            Cell::Thought(text) => text.len(),
            _ => 0,
        }
    }
}

/// A text that may be long, and how many parts of its cell are before it.
struct Long<'c> {
    text: &'c str,
    kind: TextKind,
    before: usize,
}

fn whole(text: &str) -> Part<'_> {
    Part { text, within: None, joint: Joint::Line }
}

/// For how long what a cell shows has been running.
fn seconds(cell: &Cell, now_ms: u64) -> u64 {
    let since = match cell {
        Cell::Call(call) => match call.state {
            CallState::Runs(since) => since,
            _ => return 0,
        },
        Cell::Shell(shell) => match shell.state {
            ShellState::Runs(since) => since,
            ShellState::Ended(_) => return 0,
        },
        _ => return 0,
    };
    now_ms.saturating_sub(since) / 1_000
}

impl CallCell {
    /// Takes a piece of what it says while it runs.
    pub fn say(&mut self, piece: &str) {
        keep_the_end(&mut self.output, piece);
    }

    /// What it has said: the result, or until there is one what it said while it ran.
    fn said(&self) -> &str {
        if self.result.is_empty() { &self.output } else { &self.result }
    }

    /// How much it shows after this: all of it only where that is more than was shown.
    fn turned(&self) -> Fold {
        let said = self.said();
        let is_long = said.len() > TAIL_BYTES || said.lines().count() > TAIL_LINES || self.arguments.len() > 600;
        match self.fold {
            Fold::Folded => Fold::Open,
            Fold::Open if is_long || said.lines().any(|line| line.len() > 70) => Fold::Whole,
            Fold::Open | Fold::Whole => Fold::Folded,
        }
    }
}

impl ShellCell {
    /// Takes a piece of what it says while it runs.
    pub fn say(&mut self, piece: &str) {
        keep_the_end(&mut self.output, piece);
    }
}

/// Adds a piece to an output, and forgets its beginning where it is longer than what is kept. Of a line that is written over and
/// over, as progress is, only the last state is kept.
fn keep_the_end(output: &mut String, piece: &str) {
    let line = output.rfind('\n').map_or(0, |end| end + 1);
    output.push_str(piece);
    if let Some(state) = last_state(&output[line..]) {
        output.drain(line..line + state);
    }
    if output.len() > MOST_OUTPUT {
        let from = output.ceil_char_boundary(output.len() - MOST_OUTPUT / 2);
        output.drain(..from);
    }
}

/// How much of the first line of a text was written over by what follows a return.
fn last_state(text: &str) -> Option<usize> {
    let line = text.split('\n').next().unwrap_or_default();
    // A return at the end is half of the end of a line, or is followed by what is still to come.
    let written = line.trim_end_matches('\r');
    written.rfind('\r').map(|at| at + 1)
}
