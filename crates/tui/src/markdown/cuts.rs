//! Where a long text is cut, so that its parts can be laid out one by one and only those that are seen.
//!
//! Not here: laying them out. A text is only ever added to: what was cut stays cut, and only what is new is read.

use super::open::{Fence, fence, unquoted};

/// How long a part is before it ends at the next good place, in bytes.
pub const ENOUGH: usize = 8 * 1024;
/// How long a part is before it ends with whatever line it is in, in bytes.
const MOST: usize = 4 * ENOUGH;
/// How long a line is before it is cut like any other text, in bytes.
const LONGEST: usize = 2 * ENOUGH;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// As Markdown: it is cut between blocks, where there are any.
    Markdown,
    /// As it is: it is cut between lines.
    Plain,
}

/// What is between a part and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// The end of a line.
    Line,
    /// A blank line.
    Blank,
}

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'t> {
    /// The text.
    pub text: &'t str,
    /// The fence of the code that it begins in the middle of.
    pub within: Option<String>,
    /// What is before it.
    pub joint: Joint,
}

/// Where a text is cut, as far as it was read.
#[derive(Debug)]
pub struct Cuts {
    kind: TextKind,
    /// Up to where the text was read, the end of a line but in very long ones.
    read: usize,
    /// What the last line that was read is to the one after it.
    before: Joint,
    fence: Option<Fence>,
    /// The sign of the list that the last line that was read is in.
    bullet: Option<char>,
    cuts: Vec<Cut>,
}

#[derive(Debug)]
struct Cut {
    at: usize,
    joint: Joint,
    within: Option<Fence>,
}

impl Cuts {
    /// A text of which nothing was read.
    pub fn new(kind: TextKind) -> Cuts {
        Cuts { kind, read: 0, before: Joint::Line, fence: None, bullet: None, cuts: Vec::new() }
    }

    /// Reads what is new of a text. What was read of it before must be as it was.
    pub fn follow(&mut self, text: &str) {
        loop {
            let rest = &text[self.read..];
            let longest = rest.floor_char_boundary(LONGEST);
            let end = match rest.as_bytes()[..longest].iter().position(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if rest.len() >= LONGEST => longest,
                None => return,
            };
            self.take(&rest[..end]);
        }
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.cuts.len() + 1
    }

    /// One of the parts of the text that was read; the last one goes to its end.
    pub fn part<'t>(&self, text: &'t str, part: usize) -> Part<'t> {
        let end = self.cuts.get(part).map_or(text.len(), |cut| cut.at);
        match part.checked_sub(1).and_then(|before| self.cuts.get(before)) {
            None => Part { text: &text[..end], within: None, joint: Joint::Line },
            Some(cut) => {
                let within = cut.within.map(|fence| fence.letter.to_string().repeat(fence.count));
                Part { text: &text[cut.at..end], within, joint: cut.joint }
            }
        }
    }

    fn take(&mut self, line: &str) {
        let long = self.read - self.cuts.last().map_or(0, |cut| cut.at);
        let is_item = self.bullet.is_some() && bullet(line) == self.bullet;
        let is_apart = match self.kind {
            TextKind::Plain => true,
            TextKind::Markdown if self.fence.is_some() => false,
            TextKind::Markdown => is_item || (self.before == Joint::Blank && begins_a_block(line)),
        };
        if (long >= ENOUGH && is_apart) || long >= MOST {
            // Items are drawn below each other, with blank lines between them or without.
            let is_parted = self.kind == TextKind::Markdown && self.fence.is_none() && !is_item;
            let joint = if is_parted { self.before } else { Joint::Line };
            self.cuts.push(Cut { at: self.read, joint, within: self.fence });
        }
        self.read += line.len();
        self.before = if line.trim().is_empty() { Joint::Blank } else { Joint::Line };
        if self.kind == TextKind::Markdown {
            self.follow_fence(line);
            self.bullet = if line.starts_with([' ', '\t', '\n', '\r']) { self.bullet } else { bullet(line) };
        }
    }

    fn follow_fence(&mut self, line: &str) {
        let found = fence(unquoted(line));
        match (self.fence, found) {
            (Some(around), Some((end, behind))) if around.is_ended_by(end, behind) => self.fence = None,
            (None, Some((begun, behind))) if !(begun.letter == '`' && behind.contains('`')) => self.fence = Some(begun),
            _ => {}
        }
    }
}

/// The sign of an item of a list that is in nothing else, and has no number: those of numbered ones depend on what is before them.
fn bullet(line: &str) -> Option<char> {
    let sign = line.chars().next().filter(|sign| matches!(sign, '-' | '*' | '+'))?;
    let rest = line[1..].strip_prefix(' ')?;
    // A line of such signs alone parts one thing from another.
    rest.contains(|letter: char| !letter.is_whitespace() && letter != sign).then_some(sign)
}

/// Whether a line behind a blank one surely belongs to nothing that is before it: no item, quote or row goes on in it.
fn begins_a_block(line: &str) -> bool {
    let numbered = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_numbered = numbered.len() < line.len() && numbered.starts_with(['.', ')']);
    !is_numbered && !line.starts_with([' ', '\t', '\n', '\r', '-', '*', '+', '>', '|', '<', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, kind: TextKind) -> Vec<Part<'_>> {
        let mut cuts = Cuts::new(kind);
        cuts.follow(text);
        (0..cuts.count()).map(|part| cuts.part(text, part)).collect()
    }

    #[test]
    fn a_text_that_comes_in_pieces_is_cut_where_it_would_be_as_a_whole() {
        let text = (0..4_000).map(|n| format!("Sentence *{n}* of it.\n{}", if n % 7 == 0 { "\n" } else { "" }));
        let text: String = text.collect();
        for kind in [TextKind::Markdown, TextKind::Plain] {
            let whole = parts(&text, kind);
            let mut cuts = Cuts::new(kind);
            for end in (0..text.len()).step_by(97) {
                cuts.follow(&text[..end]);
            }
            cuts.follow(&text);
            let pieces: Vec<_> = (0..cuts.count()).map(|part| cuts.part(&text, part)).collect();
            assert_eq!(pieces, whole);
            assert!(whole.len() > 4 && whole.iter().all(|part| part.text.len() < 2 * ENOUGH));
            assert_eq!(whole.iter().map(|part| part.text).collect::<String>(), text);
        }
    }

    #[test]
    fn markdown_is_cut_between_blocks_or_items_and_not_in_code() {
        let list = "9. an item of some length\n\n   - one within\n\n".repeat(400);
        let code = format!("```rust\n{}```\n", "let x = 1;\n\n".repeat(1_000));
        let text = format!("{list}Words.\n\n{code}\nMore words.\n\n{list}");
        let found = parts(&text, TextKind::Markdown);
        let beginnings: Vec<&str> = found.iter().map(|part| part.text.lines().next().unwrap()).collect();
        assert_eq!(beginnings, ["9. an item of some length", "Words.", "More words."]);
        assert!(found.iter().skip(1).all(|part| part.joint == Joint::Blank && part.within.is_none()));
        let items = "- an item\n  of two lines\n\n- another\n".repeat(1_000);
        let found = parts(&items, TextKind::Markdown);
        assert!(found.len() > 3 && found.iter().all(|part| part.text.starts_with("- ") && part.joint == Joint::Line));
    }

    #[test]
    fn what_has_no_good_place_is_cut_all_the_same_and_code_goes_on_as_code() {
        let code = format!("~~~~\n{}", "let x = 1;\n".repeat(9_000));
        let found = parts(&code, TextKind::Markdown);
        assert!(found.len() >= 3 && found.iter().all(|part| part.text.len() <= MOST + 16));
        assert!(found.iter().skip(1).all(|part| part.within.as_deref() == Some("~~~~") && part.joint == Joint::Line));
        let line = "é".repeat(1_000_000);
        let found = parts(&line, TextKind::Markdown);
        assert!(found.len() > 10 && found.iter().all(|part| part.text.len() < MOST + LONGEST), "{}", found.len());
        assert_eq!(found.iter().map(|part| part.text.len()).sum::<usize>(), line.len());
    }
}
