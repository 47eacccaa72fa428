//! What was said and done, as cells, and the part of it that is on the screen.
//!
//! Not here: where events come from, or what a key does.
//!
//! A cell is laid out once for a width and kept; only what still changes is laid out anew. The screen is filled from the
//! bottom up, so that its cost is what is seen, not what there is.

use crate::markdown;
use crate::text::{clean, truncate, wrap};
use crate::theme::{Role, Theme};
use crate::{diff, highlight};
use ratatui::text::{Line, Span};
use std::cell::RefCell;
use std::rc::Rc;

/// The most of a running command's output that is kept for the screen, in bytes; the session keeps it all.
const MOST_OUTPUT: usize = 256 * 1024;
/// How many lines of a result are shown in an open card.
const RESULT_LINES: usize = 200;
/// How many lines of a running command's output are shown.
const LIVE_LINES: usize = 5;

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

/// Whether something shows all of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// A line.
    Folded,
    /// All of it.
    Open,
}

impl Fold {
    /// The other.
    pub fn turned(self) -> Fold {
        match self {
            Fold::Folded => Fold::Open,
            Fold::Open => Fold::Folded,
        }
    }
}

/// A cell with how it was last laid out.
#[derive(Debug)]
struct Entry {
    cell: Cell,
    laid_out: RefCell<Option<(Look, Rc<Vec<Line<'static>>>)>>,
}

/// What a layout depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    width: u16,
    thoughts: Fold,
}

/// All cells, and which part of them is seen.
#[derive(Debug)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// How many lines below the screen's last one there are; 0 follows what comes.
    below: usize,
    thoughts: Fold,
}

impl Default for Transcript {
    fn default() -> Transcript {
        Transcript { entries: Vec::new(), below: 0, thoughts: Fold::Folded }
    }
}

impl Transcript {
    /// Adds a cell at the end.
    pub fn push(&mut self, cell: Cell) {
        self.entries.push(Entry { cell, laid_out: RefCell::new(None) });
    }

    /// The last cell, to be changed.
    pub fn last_mut(&mut self) -> Option<&mut Cell> {
        let entry = self.entries.last_mut()?;
        entry.laid_out.replace(None);
        Some(&mut entry.cell)
    }

    /// The model has said all of its message: `whole`, unless that is empty. Who came late has heard a part of it, or none.
    pub fn close_words(&mut self, whole: &str) {
        let from = self.message_start();
        let mut text = String::new();
        let mut first = None;
        for at in from..self.entries.len() {
            if let Cell::Speaking(piece) = &mut self.entries[at].cell {
                text.push_str(piece);
                piece.clear();
                first.get_or_insert(at);
            }
        }
        let text = if whole.is_empty() { text } else { whole.to_owned() };
        match first {
            Some(at) => {
                self.entries[at].cell = Cell::Model(text);
                self.entries[at].laid_out.replace(None);
            }
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

    fn drop_from(&mut self, from: usize, gone: impl Fn(&Cell) -> bool) {
        let kept: Vec<Entry> = self.entries.drain(from..).filter(|entry| !gone(&entry.cell)).collect();
        self.entries.extend(kept);
    }

    /// The call of that name, to be changed.
    pub fn call_mut(&mut self, call: &str) -> Option<&mut CallCell> {
        self.entries.iter_mut().rev().find_map(|entry| match &mut entry.cell {
            Cell::Call(cell) if cell.call == call => {
                entry.laid_out.replace(None);
                Some(&mut **cell)
            }
            _ => None,
        })
    }

    /// The person's own command that runs, to be changed.
    pub fn running_shell_mut(&mut self) -> Option<&mut ShellCell> {
        self.entries.iter_mut().rev().find_map(|entry| match &mut entry.cell {
            Cell::Shell(cell) if matches!(cell.state, ShellState::Runs(_)) => {
                entry.laid_out.replace(None);
                Some(&mut **cell)
            }
            _ => None,
        })
    }

    /// The call of that name.
    pub fn call(&self, call: &str) -> Option<&CallCell> {
        self.entries.iter().rev().find_map(|entry| match &entry.cell {
            Cell::Call(cell) if cell.call == call => Some(&**cell),
            _ => None,
        })
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

    /// Opens or folds the last call.
    pub fn turn_last_call(&mut self) {
        let last = self.entries.iter_mut().rev().find_map(|entry| match &mut entry.cell {
            Cell::Call(cell) => Some((cell, &entry.laid_out)),
            _ => None,
        });
        if let Some((cell, laid_out)) = last {
            cell.fold = cell.fold.turned();
            laid_out.replace(None);
        }
    }

    /// Opens or folds what the model thought.
    pub fn turn_thoughts(&mut self) {
        self.thoughts = self.thoughts.turned();
    }

    /// Scrolls up by so many lines.
    pub fn up(&mut self, lines: usize) {
        self.below = self.below.saturating_add(lines);
    }

    /// Scrolls down by so many lines.
    pub fn down(&mut self, lines: usize) {
        self.below = self.below.saturating_sub(lines);
    }

    /// Goes to the end, and follows what comes.
    pub fn to_the_end(&mut self) {
        self.below = 0;
    }

    /// Whether what comes is seen as it comes.
    pub fn follows(&self) -> bool {
        self.below == 0
    }

    /// The lines that fill a screen of that size, or all that there are. Scrolling past the first line stops there.
    pub fn visible(&self, (width, height): (u16, u16), theme: &Theme, now_ms: u64) -> Vec<Line<'static>> {
        let height = usize::from(height);
        let wanted = self.below.saturating_add(height);
        let (mut cells, mut lines) = (Vec::new(), 0);
        for entry in self.entries.iter().rev() {
            if lines >= wanted {
                break;
            }
            let laid_out = self.layout(entry, width, theme, now_ms);
            lines += laid_out.len();
            cells.push(laid_out);
        }
        let bottom = lines.saturating_sub(self.below).max(height.min(lines));
        let top = bottom.saturating_sub(height);
        let all = cells.iter().rev().flat_map(|lines| lines.iter());
        all.skip(top).take(bottom - top).cloned().collect()
    }

    fn layout(&self, entry: &Entry, width: u16, theme: &Theme, now_ms: u64) -> Rc<Vec<Line<'static>>> {
        let look = Look { width, thoughts: self.thoughts };
        if let Some((of, lines)) = &*entry.laid_out.borrow()
            && *of == look
        {
            return Rc::clone(lines);
        }
        let lines = Rc::new(lines_of(&entry.cell, look, theme, now_ms));
        // What runs shows how long it has.
        let changes = match &entry.cell {
            Cell::Call(call) => matches!(call.state, CallState::Runs(_)),
            Cell::Shell(shell) => matches!(shell.state, ShellState::Runs(_)),
            _ => false,
        };
        if !changes {
            entry.laid_out.replace(Some((look, Rc::clone(&lines))));
        }
        lines
    }
}

fn lines_of(cell: &Cell, look: Look, theme: &Theme, now_ms: u64) -> Vec<Line<'static>> {
    let mut lines = match cell {
        Cell::Person(text) => signed("> ", text, (Role::Person, look.width), theme),
        Cell::Model(text) => markdown::render(text, look.width, theme),
        Cell::Speaking(text) => markdown::render_open(text, look.width, theme),
        Cell::Thought(text) => match look.thoughts {
            Fold::Folded => {
                let words = text.split_whitespace().count();
                let line = format!("∴ thought for {words} words (Ctrl+T shows them)");
                vec![truncate(Line::styled(line, theme.style(Role::Dim)), look.width)]
            }
            Fold::Open => signed("∴ ", text, (Role::Dim, look.width), theme),
        },
        Cell::Call(call) => call_lines(call, look.width, theme, now_ms),
        Cell::Shell(shell) => shell_lines(shell, look.width, theme, now_ms),
        Cell::Notice(text) => signed("· ", text, (Role::Notice, look.width), theme),
        Cell::Trouble(text) => signed("! ", text, (Role::Error, look.width), theme),
    };
    lines.push(Line::default());
    lines
}

/// A text behind a sign, its further lines as far in.
fn signed(sign: &str, text: &str, (role, width): (Role, u16), theme: &Theme) -> Vec<Line<'static>> {
    let style = theme.style(role);
    let hang = u16::try_from(sign.chars().count()).unwrap_or(2);
    let text = clean(text);
    let lines = text.lines().enumerate().map(|(at, line)| {
        let sign = if at == 0 { sign.to_owned() } else { " ".repeat(usize::from(hang)) };
        Line::from(vec![Span::styled(sign, style), Span::styled(line.to_owned(), style)])
    });
    lines.flat_map(|line| wrap(line, width, hang)).collect()
}

fn call_lines(call: &CallCell, width: u16, theme: &Theme, now_ms: u64) -> Vec<Line<'static>> {
    let (sign, role, after) = match &call.state {
        CallState::Made => ("·", Role::Dim, String::new()),
        CallState::Asks => ("?", Role::Paid, "asks".to_owned()),
        CallState::Runs(since) => ("▸", Role::Running, format!("{} s", now_ms.saturating_sub(*since) / 1_000)),
        CallState::Done => ("✓", Role::Ok, outcome(&call.result)),
        CallState::Failed => ("✗", Role::Failed, outcome(&call.result)),
        CallState::Refused(why) => ("⊘", Role::Refused, format!("refused: {why}")),
        CallState::Invalid(why) => ("✗", Role::Failed, format!("no call: {why}")),
    };
    let summary = if call.summary.is_empty() { &call.tool } else { &call.summary };
    let mut head = vec![Span::styled(format!("{sign} "), theme.style(role))];
    head.push(Span::styled(clean(summary).replace('\n', " "), theme.style(Role::Tool)));
    if let Some(price) = call.price.as_ref().filter(|price| *price != "free") {
        head.push(Span::styled(format!("  {}", clean(price)), theme.style(Role::Paid)));
    }
    if !after.is_empty() {
        head.push(Span::styled(format!("  {}", clean(&after)), theme.style(Role::Dim)));
    }
    let mut lines = vec![truncate(Line::from(head), width)];
    match (call.fold, &call.state) {
        (Fold::Open, _) => lines.extend(inside(call, width, theme)),
        (Fold::Folded, CallState::Runs(_)) => lines.extend(tail(&call.output, LIVE_LINES, width, theme)),
        (Fold::Folded, CallState::Done) if diff::looks_like_diff(&call.result) => {
            lines.extend(diff::render(&call.result, width, theme));
        }
        (Fold::Folded, _) => {}
    }
    lines
}

fn shell_lines(shell: &ShellCell, width: u16, theme: &Theme, now_ms: u64) -> Vec<Line<'static>> {
    let (role, after) = match &shell.state {
        ShellState::Runs(since) => (Role::Running, format!("{} s", now_ms.saturating_sub(*since) / 1_000)),
        ShellState::Ended(how) => (Role::Dim, clean(how).replace('\n', " ")),
    };
    let command = clean(&shell.command).replace('\n', " ");
    let head = vec![Span::styled(format!("! {command}"), theme.style(Role::Person))];
    let after = Line::from(Span::styled(format!("  {after}"), theme.style(role)));
    let mut lines = vec![truncate(Line::from(head), width)];
    lines.extend(tail(&shell.output, RESULT_LINES, width, theme));
    lines.push(truncate(after, width));
    lines
}

/// The first line of a result, as far as a card's line has room for it.
fn outcome(result: &str) -> String {
    let line = result.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(80).collect()
}

/// What an open card shows: the arguments, then the end of the output.
fn inside(call: &CallCell, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    lines.extend(
        highlight::lines(&clean(&call.arguments), "json", theme).into_iter().flat_map(|line| wrap(line, width, 2)),
    );
    let said = if call.result.is_empty() { &call.output } else { &call.result };
    if diff::looks_like_diff(said) {
        lines.extend(diff::render(said, width, theme));
    } else {
        lines.extend(tail(said, RESULT_LINES, width, theme));
    }
    lines
}

/// The last lines of a text.
fn tail(text: &str, most: usize, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let text = clean(text);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(most);
    let mut lines = Vec::new();
    if from > 0 {
        lines.push(Line::styled(format!("  … {from} lines before"), theme.style(Role::Dim)));
    }
    let style = theme.style(Role::Dim);
    lines.extend(all[from..].iter().map(|line| truncate(Line::styled(format!("  {line}"), style), width)));
    lines
}

impl CallCell {
    /// Takes a piece of what it says while it runs.
    pub fn say(&mut self, piece: &str) {
        keep_the_end(&mut self.output, piece);
    }
}

impl ShellCell {
    /// Takes a piece of what it says while it runs.
    pub fn say(&mut self, piece: &str) {
        keep_the_end(&mut self.output, piece);
    }
}

/// Adds a piece to an output, and forgets its beginning where it is longer than what is kept.
fn keep_the_end(output: &mut String, piece: &str) {
    output.push_str(piece);
    if output.len() > MOST_OUTPUT {
        let from = output.ceil_char_boundary(output.len() - MOST_OUTPUT / 2);
        output.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(cells: impl IntoIterator<Item = Cell>) -> Transcript {
        let mut transcript = Transcript::default();
        cells.into_iter().for_each(|cell| transcript.push(cell));
        transcript
    }

    fn speaking(text: &str) -> Cell {
        Cell::Speaking(text.to_owned())
    }

    #[test]
    fn a_message_is_what_it_was_as_a_whole_whatever_was_heard_of_it() {
        let between = Cell::Notice("by the way".to_owned());
        let mut heard = transcript([Cell::Person("?".to_owned()), speaking("one "), between.clone(), speaking("two")]);
        heard.close_words("one two");
        let whole = Cell::Model("one two".to_owned());
        assert_eq!(heard.cells().skip(1).cloned().collect::<Vec<_>>(), [whole.clone(), between]);
        let mut missed = transcript([speaking("wo")]);
        missed.close_words("one two");
        missed.close_words("");
        assert_eq!(missed.cells().cloned().collect::<Vec<_>>(), [whole.clone()]);
        let mut late = Transcript::default();
        late.close_words("one two");
        assert_eq!(late.cells().cloned().collect::<Vec<_>>(), [whole]);
    }

    #[test]
    fn a_void_answer_goes_and_what_was_said_about_it_stays() {
        let trouble = Cell::Trouble("cut off".to_owned());
        let mut heard = transcript([Cell::Model("before".to_owned()), speaking("half"), trouble.clone()]);
        heard.take_back_words();
        assert_eq!(heard.cells().cloned().collect::<Vec<_>>(), [Cell::Model("before".to_owned()), trouble]);
    }
}
