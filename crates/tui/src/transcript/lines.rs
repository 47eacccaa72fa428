//! How each cell of the transcript is drawn.
//!
//! Not here: which of the lines are on the screen.

use super::{CallCell, CallState, Cell, Fold, Look, ShellCell, ShellState};
use crate::markdown::{self, Joint, Part};
use crate::text::{clean, truncate, wrap};
use crate::theme::{Role, Theme};
use crate::{diff, highlight};
use ratatui::text::{Line, Span};
use std::borrow::Cow;

/// How many lines of a running command's output are shown.
const LIVE_LINES: usize = 5;
/// How many lines of an output are shown of a call that is open.
pub const TAIL_LINES: usize = 20;
/// How many lines of the arguments are.
const ARGUMENT_LINES: usize = 12;
/// How many lines of a change are shown of a call that is folded.
const CHANGE_LINES: usize = 40;
/// How many lines are shown of what the person's own command says.
const SHELL_LINES: usize = 200;
/// The most bytes that are looked at for the end of an output.
pub const TAIL_BYTES: usize = 16 * 1024;
/// The most bytes of a change that are drawn as one; a longer one is drawn as text.
const MOST_CHANGE: usize = 1024 * 1024;
/// How far what a call says is moved in.
const MARGIN: &str = "  ";

/// Which part of a cell is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first, and others follow.
    First,
    /// One between others.
    Between,
    /// The last, behind others.
    Last,
    /// All of it.
    Whole,
}

impl Place {
    /// The place of a part among so many.
    pub fn of(part: usize, count: usize) -> Place {
        match (part == 0, part + 1 >= count) {
            (true, true) => Place::Whole,
            (true, false) => Place::First,
            (false, true) => Place::Last,
            (false, false) => Place::Between,
        }
    }

    fn begins(self) -> bool {
        matches!(self, Place::First | Place::Whole)
    }

    fn ends(self) -> bool {
        matches!(self, Place::Last | Place::Whole)
    }
}

/// Draws a part of a cell's text, or all of a cell that has none.
pub fn draw(cell: &Cell, part: &Part<'_>, place: Place, look: &Look, seconds: u64) -> Vec<Line<'static>> {
    let theme = &look.theme;
    let mut lines = match cell {
        Cell::Person(_) => signed("> ", part.text, (Role::Person, place), look),
        Cell::Notice(_) => signed("· ", part.text, (Role::Notice, place), look),
        Cell::Trouble(_) => signed("! ", part.text, (Role::Error, place), look),
        Cell::Model(_) | Cell::Speaking(_) => words(cell, part, place, look),
        Cell::Thought(text) => match look.thoughts {
            Fold::Folded => vec![thought(text, look)],
            Fold::Open | Fold::Whole => signed("∴ ", part.text, (Role::Dim, place), look),
        },
        Cell::Call(call) if place.begins() => call_lines(call, look, seconds),
        Cell::Call(_) => indented(part.text, look.width, theme),
        Cell::Shell(shell) => shell_lines(shell, look, seconds),
    };
    if place.ends() {
        lines.push(Line::default());
    }
    lines
}

/// What the model says. Where a part begins in the middle of code, it is code.
fn words(cell: &Cell, part: &Part<'_>, place: Place, look: &Look) -> Vec<Line<'static>> {
    let text = match &part.within {
        None => Cow::Borrowed(part.text),
        Some(fence) => Cow::Owned(format!("{fence}\n{}", part.text)),
    };
    let is_open = matches!(cell, Cell::Speaking(_)) && place.ends();
    let drawn = match is_open {
        true => markdown::render_open(&text, look.width, &look.theme),
        false => markdown::render(&text, look.width, &look.theme),
    };
    match part.joint {
        Joint::Blank if !drawn.is_empty() => std::iter::once(Line::default()).chain(drawn).collect(),
        Joint::Blank | Joint::Line => drawn,
    }
}

fn thought(text: &str, look: &Look) -> Line<'static> {
    let words = text.split_whitespace().take(100_000).count();
    let line = format!("∴ thought for {words} words (Ctrl+T shows them)");
    truncate(Line::styled(line, look.theme.style(Role::Dim)), look.width)
}

/// A text behind a sign, its further lines as far in.
fn signed(sign: &str, text: &str, (role, place): (Role, Place), look: &Look) -> Vec<Line<'static>> {
    let style = look.theme.style(role);
    let hang = u16::try_from(sign.chars().count()).unwrap_or(2);
    let text = clean(text);
    let lines = text.lines().enumerate().map(|(at, line)| {
        let sign = if at == 0 && place.begins() { sign.to_owned() } else { " ".repeat(usize::from(hang)) };
        Line::from(vec![Span::styled(sign, style), Span::styled(line.to_owned(), style)])
    });
    lines.flat_map(|line| wrap(line, look.width, hang)).collect()
}

fn call_lines(call: &CallCell, look: &Look, seconds: u64) -> Vec<Line<'static>> {
    let (width, theme) = (look.width, &look.theme);
    let (sign, role, after) = match &call.state {
        CallState::Made => ("·", Role::Dim, String::new()),
        CallState::Asks => ("?", Role::Paid, "asks".to_owned()),
        CallState::Runs(_) => ("▸", Role::Running, elapsed(seconds)),
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
        let role = if matches!(call.state, CallState::Refused(_)) { Role::Refused } else { Role::Dim };
        head.push(Span::styled(format!("  {}", clean(&after).replace('\n', " ")), theme.style(role)));
    }
    let mut lines = vec![truncate(Line::from(head), width)];
    match (call.fold, &call.state) {
        (Fold::Open | Fold::Whole, _) => lines.extend(inside(call, width, theme)),
        (Fold::Folded, CallState::Runs(_)) => lines.extend(tail(&call.output, LIVE_LINES, width, theme)),
        (Fold::Folded, CallState::Done) if is_change(&call.result) => {
            lines.extend(shortened(diff::render(&call.result, width, theme), CHANGE_LINES, theme));
        }
        (Fold::Folded, _) => {}
    }
    lines
}

/// Seconds as a person says them.
fn elapsed(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

fn shell_lines(shell: &ShellCell, look: &Look, seconds: u64) -> Vec<Line<'static>> {
    let (width, theme) = (look.width, &look.theme);
    let (role, after) = match &shell.state {
        ShellState::Runs(_) => (Role::Running, elapsed(seconds)),
        ShellState::Ended(how) => (Role::Dim, clean(how).replace('\n', " ")),
    };
    let command = clean(&shell.command).replace('\n', " ");
    let head = vec![Span::styled(format!("! {command}"), theme.style(Role::Person))];
    let after = Line::from(Span::styled(format!("{MARGIN}{after}"), theme.style(role)));
    let mut lines = vec![truncate(Line::from(head), width)];
    lines.extend(tail(&shell.output, SHELL_LINES, width, theme));
    lines.push(truncate(after, width));
    lines
}

/// What stands before words that the person gave the model with a yes.
const WITH_A_YES: &str = "\n\nThe person says: ";

/// The last line of a result, as far as a card's line has room for it; of a change, how many lines it adds and removes.
fn outcome(result: &str) -> String {
    if is_change(result) {
        let (added, removed) = diff::changed_lines(result);
        return format!("+{added} -{removed}");
    }
    // What the person said with their yes stands after what came of it.
    let of_call = result.rsplit_once(WITH_A_YES).map_or(result, |(of_call, _words)| of_call);
    let line = of_call.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(80).collect()
}

/// Whether a text is drawn as a change to files.
pub fn is_change(text: &str) -> bool {
    text.len() <= MOST_CHANGE && diff::looks_like_diff(text)
}

/// What an open card shows: the arguments, then the end of the output. Of a whole one the output follows in other parts.
fn inside(call: &CallCell, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let arguments = clean(&call.arguments);
    let inner = width.saturating_sub(2).max(1);
    let coloured = highlight::lines(&arguments, "json", theme).into_iter().flat_map(|line| wrap(line, inner, 2));
    let mut lines: Vec<Line<'static>> = coloured.map(moved_in).collect();
    let said = call.said();
    match call.fold {
        Fold::Whole if is_change(said) => lines.extend(diff::render(said, width, theme)),
        Fold::Whole => {}
        Fold::Folded | Fold::Open => {
            lines = shortened(lines, ARGUMENT_LINES, theme);
            match is_change(said) {
                true => lines.extend(shortened(diff::render(said, width, theme), CHANGE_LINES, theme)),
                false => lines.extend(tail(said, TAIL_LINES, width, theme)),
            }
        }
    }
    lines
}

fn moved_in(mut line: Line<'static>) -> Line<'static> {
    line.spans.insert(0, Span::raw(MARGIN));
    line
}

/// The first lines of many, and how many more there are.
fn shortened(mut lines: Vec<Line<'static>>, most: usize, theme: &Theme) -> Vec<Line<'static>> {
    if lines.len() > most {
        let more = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(Line::styled(format!("{MARGIN}… {more} more lines, Ctrl+O"), theme.style(Role::Dim)));
    }
    lines
}

/// The last lines of a text.
fn tail(text: &str, most: usize, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let text = text.trim_end_matches('\n');
    let bytes = TAIL_BYTES * most.div_ceil(TAIL_LINES);
    let cut = text.len().saturating_sub(bytes);
    let cut =
        if cut == 0 { 0 } else { text[text.ceil_char_boundary(cut)..].find('\n').map_or(cut, |end| cut + end + 1) };
    let cut = text.ceil_char_boundary(cut.min(text.len()));
    let end = clean(&text[cut..]);
    let all: Vec<&str> = end.lines().collect();
    let from = all.len().saturating_sub(most);
    let before = from + text.as_bytes()[..cut].iter().filter(|byte| **byte == b'\n').count();
    let style = theme.style(Role::Dim);
    let mut lines = Vec::new();
    if before > 0 || cut > 0 {
        lines.push(Line::styled(format!("{MARGIN}… {before} lines before"), style));
    }
    lines.extend(all[from..].iter().map(|line| truncate(Line::styled(format!("{MARGIN}{line}"), style), width)));
    lines
}

/// A part of an output, whole.
fn indented(text: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let inner = width.saturating_sub(2).max(1);
    let style = theme.style(Role::Dim);
    let text = clean(text);
    text.lines().flat_map(|line| wrap(Line::styled(line.to_owned(), style), inner, 0)).map(moved_in).collect()
}
