//! Turns what a model writes, Markdown, into lines for the terminal.
//!
//! Not here: folding what is long, and links that can be clicked. It is CommonMark with the tables, the task lists and the
//! strike-through of GitHub; what else there is (footnotes, formulas) stays as it is written.

mod cuts;
mod open;
mod page;
mod table;

pub use cuts::{Cuts, ENOUGH, Joint, Part, TextKind};

use crate::text::{clean, wrap};
use crate::theme::Theme;
use page::Page;
use pulldown_cmark::{Options, Parser};
use ratatui::text::Line;

/// The most bytes that are read as Markdown; a longer text is drawn as it is written.
pub const MOST_MARKDOWN: usize = 2 * 1024 * 1024;

/// Draws a text that is whole. The rows fit the width.
///
/// A line break is kept where the model made one: it writes addresses and short lists that way, and hardly ever breaks
/// sentences. Code that is too long for a row goes on in the next, behind a `↪`: a terminal cannot scroll sideways, and what is cut
/// off is what a person fails to see. A link whose words are not its address shows the address. Lists are
/// always drawn tight, so that nothing that was drawn moves when a later item turns out to have a blank line before it.
/// HTML is text.
pub fn render(text: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let text = clean(text);
    if text.len() > MOST_MARKDOWN {
        return text.lines().flat_map(|line| wrap(Line::raw(line.to_owned()), width, 0)).collect();
    }
    let mut page = Page::new(width, theme);
    for event in Parser::new_ext(&text, options()) {
        page.take(event);
    }
    page.end()
}

/// Draws a text of which more is to come.
///
/// As [`render`], but what is only begun is drawn as it will be: emphasis, code and links are closed at the end of the text, and
/// a last line that may yet become part of something else (a rule, a fence, the head of a table) is held back until it
/// is known. So a row that was drawn stays where it is.
pub fn render_open(text: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    render(&open::closed(&clean(text)), width, theme)
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

#[cfg(test)]
mod tests;
