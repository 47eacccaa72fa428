//! Pasted blocks: what they hold, how they are shown, and how a text is rid of what no terminal should see.
//!
//! Not here: where in a text a block stands. There it is a mark, two characters of which the second names it.

use super::cluster::LEAD;
use std::collections::{BTreeMap, BTreeSet};

/// A paste of more lines than this becomes a block.
pub const INLINE_LINES: usize = 3;
/// A paste of more characters than this becomes a block.
pub const INLINE_CHARACTERS: usize = 400;
/// A text of more bytes than this is a block wherever it comes from, so that a key stays quick.
pub(super) const INLINE_BYTES: usize = 200_000;
/// The first name a block can have; names go up from here and none is given twice.
const FIRST_NAME: u32 = 0x1_0000;

#[derive(Clone, Debug)]
struct Block {
    text: String,
    size: String,
    number: usize,
}

/// Whether the blocks of a text are told apart by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Hidden,
    Shown,
}

impl Numbers {
    /// Says whether a text has more than one block.
    pub(super) fn of(text: &str) -> Self {
        if text.matches(LEAD).nth(1).is_some() { Self::Shown } else { Self::Hidden }
    }
}

/// The blocks that some mark names.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    kept: BTreeMap<char, Block>,
    named: u32,
}

impl Blocks {
    /// Keeps a clean text as a block beside those of `beside`, and returns its mark. Once the names are spent, which
    /// takes a million pastes, the text itself comes back.
    pub(super) fn keep(&mut self, text: String, beside: &str) -> String {
        let Some(name) = char::from_u32(FIRST_NAME + self.named) else { return text };
        self.named += 1;
        let number = 1 + names(beside).filter_map(|name| self.kept.get(&name)).map(|it| it.number).max().unwrap_or(0);
        let lines = lines(&text);
        let size = match lines > INLINE_LINES {
            true => format!("{lines} lines"),
            false => format!("{} characters", text.chars().count()),
        };
        self.kept.insert(name, Block { text, size, number });
        String::from_iter([LEAD, name])
    }

    /// Returns how a mark is shown. It is plain ASCII.
    pub(super) fn label(&self, mark: &str, numbers: Numbers) -> String {
        match (names(mark).next().and_then(|name| self.kept.get(&name)), numbers) {
            (Some(block), Numbers::Hidden) => format!("[pasted {}]", block.size),
            (Some(block), Numbers::Shown) => format!("[pasted #{}, {}]", block.number, block.size),
            (None, _) => "[pasted]".to_owned(),
        }
    }

    /// Returns the text with what the blocks hold in the place of their marks.
    pub(super) fn whole(&self, text: &str) -> String {
        let mut whole = String::with_capacity(self.whole_len(text));
        let mut rest = text;
        while let Some((plain, marked)) = rest.split_once(LEAD) {
            whole.push_str(plain);
            let mut marked = marked.chars();
            if let Some(block) = marked.next().and_then(|name| self.kept.get(&name)) {
                whole.push_str(&block.text);
            }
            rest = marked.as_str();
        }
        whole.push_str(rest);
        whole
    }

    /// Returns about how many bytes the text has with its blocks.
    pub(super) fn whole_len(&self, text: &str) -> usize {
        text.len() + names(text).filter_map(|name| self.kept.get(&name)).map(|block| block.text.len()).sum::<usize>()
    }

    /// Forgets the blocks that none of the texts has.
    pub(super) fn keep_those_of<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        if self.kept.is_empty() {
            return;
        }
        let used: BTreeSet<char> = texts.flat_map(names).collect();
        self.kept.retain(|name, _| used.contains(name));
    }
}

fn names(text: &str) -> impl Iterator<Item = char> {
    text.split(LEAD).skip(1).filter_map(|marked| marked.chars().next())
}

/// Returns how many lines the text has; a line end at its very end begins none.
fn lines(text: &str) -> usize {
    text.strip_suffix('\n').unwrap_or(text).matches('\n').count() + 1
}

/// Whether a paste is shown as a block.
pub(super) fn is_long(text: &str) -> bool {
    // Four bytes are the most that a character has; counting all of a long text would tell no more.
    let few = &text.as_bytes()[..text.len().min(4 * INLINE_CHARACTERS + 4)];
    let characters = few.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
    characters > INLINE_CHARACTERS || lines(text) > INLINE_LINES
}

/// Returns the text as it may be kept and sent: line ends are `\n`; control characters, but tab, are gone, and so are the
/// noncharacters that marks are made of.
pub(super) fn clean(text: String) -> String {
    if !text
        .bytes()
        .any(|byte| byte < b' ' && byte != b'\n' && byte != b'\t' || matches!(byte, 0x7f | 0xc2 | 0xe2 | 0xef))
    {
        return text;
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut last = ' ';
    for character in text.chars() {
        match character {
            '\n' if last == '\r' => {}
            '\r' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\n' | '\t' => cleaned.push(character),
            '\u{fdd0}'..='\u{fdef}' => {}
            _ if character.is_control() => {}
            _ => cleaned.push(character),
        }
        last = character;
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_terminal_should_see_is_taken_out_and_line_ends_become_one() {
        let dirty = "a\r\nb\rc\n\r\nd\te\u{1b}[31m\u{7}\u{85}\u{7f}\u{fdd0}\u{2028}\u{e9}\u{fffd}";
        assert_eq!(clean(dirty.to_owned()), "a\nb\nc\n\nd\te[31m\n\u{e9}\u{fffd}");
        assert_eq!(clean("as it is\n\t漢".to_owned()), "as it is\n\t漢");
    }

    #[test]
    fn more_than_three_lines_or_four_hundred_characters_are_long() {
        assert!(!is_long("a\nb\nc\n"));
        assert!(is_long("a\nb\nc\nd"));
        assert!(!is_long(&"漢".repeat(400)));
        assert!(is_long(&"漢".repeat(401)));
        assert!(is_long(&"a".repeat(401)));
    }

    #[test]
    fn a_block_is_shown_by_its_size_and_by_number_among_several() {
        let mut blocks = Blocks::default();
        let first = blocks.keep("a\n".repeat(120), "");
        let second = blocks.keep("x".repeat(500), &first);
        assert_eq!(blocks.label(&first, Numbers::of(&first)), "[pasted 120 lines]");
        let both = format!("{first} and {second}");
        assert_eq!(blocks.label(&first, Numbers::of(&both)), "[pasted #1, 120 lines]");
        assert_eq!(blocks.label(&second, Numbers::of(&both)), "[pasted #2, 500 characters]");
        assert_eq!(blocks.whole(&both), format!("{} and {}", "a\n".repeat(120), "x".repeat(500)));
        assert_eq!(blocks.whole(&both).len(), blocks.whole_len(&both) - first.len() - second.len());
    }

    #[test]
    fn a_block_that_no_text_has_is_forgotten() {
        let mut blocks = Blocks::default();
        let (kept, lost) = (blocks.keep("kept".to_owned(), ""), blocks.keep("lost".to_owned(), ""));
        blocks.keep_those_of([kept.as_str(), "else"].into_iter());
        assert_eq!(blocks.whole(&kept), "kept");
        assert_eq!(blocks.whole(&lost), "");
    }
}
