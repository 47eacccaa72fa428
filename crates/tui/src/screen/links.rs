//! Makes addresses that are on the screen into links that can be opened (OSC 8).
//!
//! Not here: addresses behind other words. A link leads where its text says, letter for letter, so an address that goes on in another
//! row is none. The drawing library knows no links, so they are written over what it has drawn; a sequence within its cells
//! was rejected, since it would measure and compare them.

use ratatui::backend::Backend;
use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::Rect;
use std::io::{self, Write};

/// The most links on a screen.
const MOST: usize = 200;
/// What an address begins with.
const BEGINNINGS: [&str; 2] = ["https://", "http://"];

/// An address on the screen, with the cells as they were drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    x: u16,
    y: u16,
    address: String,
    cells: Vec<Cell>,
}

/// Which links are on the screen.
#[derive(Debug)]
pub struct Links {
    understood: Understood,
    area: Rect,
    shown: Vec<Link>,
}

/// Whether the terminal can be told of links.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Understood {
    Yes,
    No,
}

impl Links {
    /// No links yet, and never any on a terminal that would write out what it does not understand.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Links {
        let term = environment("TERM").unwrap_or_default();
        let is_screen = !environment("STY").unwrap_or_default().is_empty();
        let is_plain = matches!(&*term, "" | "dumb" | "linux" | "vt100" | "vt220") || is_screen;
        let understood = if is_plain { Understood::No } else { Understood::Yes };
        Links { understood, area: Rect::ZERO, shown: Vec::new() }
    }

    /// The links that a screen has. One of another size was cleared, with the links that it had.
    pub fn find(&mut self, buffer: &Buffer) -> Vec<Link> {
        if self.area != buffer.area {
            self.area = buffer.area;
            self.forget();
        }
        match self.understood {
            Understood::Yes => (0..buffer.area.height).flat_map(|y| in_row(buffer, y)).take(MOST).collect(),
            Understood::No => Vec::new(),
        }
    }

    /// Writes those links that are not there yet over what was drawn.
    pub fn refresh<B: Backend<Error = io::Error> + Write>(&mut self, found: Vec<Link>, out: &mut B) -> io::Result<()> {
        let new: Vec<&Link> = found.iter().filter(|link| !self.shown.contains(link)).collect();
        if !new.is_empty() {
            out.write_all(b"\x1b7")?;
            for link in new {
                write!(out, "\x1b]8;;{}\x1b\\", link.address)?;
                let cells = link.cells.iter().enumerate();
                out.draw(cells.map(|(at, cell)| (link.x + u16::try_from(at).unwrap_or(0), link.y, cell)))?;
                out.write_all(b"\x1b]8;;\x1b\\")?;
            }
            out.write_all(b"\x1b8")?;
        }
        self.shown = found;
        Ok(())
    }

    /// The screen was cleared.
    pub fn forget(&mut self) {
        self.shown.clear();
    }
}

fn in_row(buffer: &Buffer, y: u16) -> Vec<Link> {
    let width = buffer.area.width;
    let row = |x: u16| &buffer[(buffer.area.x + x, buffer.area.y + y)];
    // A letter that is not of one byte is no part of an address.
    let text: String = (0..width)
        .map(|x| match row(x).symbol().as_bytes() {
            [letter] if row(x).cell_width() == 1 => char::from(*letter),
            _ => '\u{7f}',
        })
        .collect();
    // In a table, an address may go on in the next row of the same column.
    if !BEGINNINGS.iter().any(|begin| text.contains(begin)) || (0..width).any(|x| row(x).symbol() == "│") {
        return Vec::new();
    }
    let mut links = Vec::new();
    let mut from = 0;
    while let Some(begin) = BEGINNINGS.iter().filter_map(|begin| text[from..].find(begin)).min().map(|at| from + at) {
        let length = text[begin..].bytes().take_while(|letter| is_of_address(*letter)).count();
        from = begin + length.max(1);
        let address = trimmed(&text[begin..begin + length]);
        let reaches_the_edge = begin + length >= usize::from(width);
        if reaches_the_edge || BEGINNINGS.contains(&address) || address.ends_with("//") {
            continue;
        }
        let cells = (begin..begin + address.len()).map(|x| row(u16::try_from(x).unwrap_or(0)).clone()).collect();
        let x = buffer.area.x + u16::try_from(begin).unwrap_or(0);
        links.push(Link { x, y: buffer.area.y + y, address: address.to_owned(), cells });
    }
    links
}

/// The letters of addresses (RFC 3986).
fn is_of_address(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&letter)
}

/// An address without what belongs to the sentence around it.
fn trimmed(address: &str) -> &str {
    let mut address = address;
    loop {
        let rest = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~']);
        let count = |letter: char| rest.matches(letter).count();
        let rest = match rest.as_bytes().last() {
            Some(b')') if count(')') > count('(') => &rest[..rest.len() - 1],
            Some(b']') if count(']') > count('[') => &rest[..rest.len() - 1],
            _ => rest,
        };
        if rest.len() == address.len() {
            return address;
        }
        address = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::backend::CrosstermBackend;
    use ratatui::style::Modifier;

    fn links() -> Links {
        Links::of(|name| (name == "TERM").then(|| "xterm-256color".to_owned()))
    }

    fn addresses(rows: &[&str]) -> Vec<String> {
        links().find(&Buffer::with_lines(rows.iter().copied())).into_iter().map(|link| link.address).collect()
    }

    #[test]
    fn an_address_is_a_link_without_the_signs_of_the_sentence() {
        let row = "see https://a.example/b(c)?d=1#e, (http://f.example/). End http:// ";
        assert_eq!(addresses(&[row]), ["https://a.example/b(c)?d=1#e", "http://f.example/"]);
    }

    #[test]
    fn what_may_go_on_in_another_row_is_no_link() {
        assert!(addresses(&["x https://a.example/long", "er"]).is_empty());
        assert!(addresses(&["│ https://a.exam │ 1 │ ", "│ ple/          │   │ "]).is_empty());
        assert!(addresses(&["ftp://a.example/ javascript:x file:///etc "]).is_empty());
    }

    #[test]
    fn a_link_is_written_once_and_again_when_its_cells_are_drawn_anew() {
        let mut links = links();
        let mut buffer = Buffer::with_lines(["go https://a.example/b now"]);
        let written = |links: &mut Links, buffer: &Buffer| {
            let mut bytes = Vec::new();
            let found = links.find(buffer);
            links.refresh(found, &mut CrosstermBackend::new(&mut bytes)).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let first = written(&mut links, &buffer);
        assert!(first.contains("\x1b]8;;https://a.example/b\x1b\\") && first.contains("\x1b]8;;\x1b\\"), "{first:?}");
        assert_eq!(written(&mut links, &buffer), "");
        buffer[(5, 0)].modifier = Modifier::REVERSED;
        assert!(written(&mut links, &buffer).contains("a.example"));
        links.forget();
        assert!(written(&mut links, &buffer).contains("a.example"));
    }

    #[test]
    fn a_terminal_that_knows_no_links_is_told_of_none() {
        for term in ["linux", "dumb", ""] {
            let mut links = Links::of(|name| (name == "TERM").then(|| term.to_owned()));
            assert!(links.find(&Buffer::with_lines(["https://a.example/b "])).is_empty());
        }
    }
}
