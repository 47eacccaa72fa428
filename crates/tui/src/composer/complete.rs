//! Completion: what the cursor is in the middle of naming, and the menu of what it could be.
//!
//! Not here: the names. The caller hears a [`Wish`] and offers [`Choice`]s.

use super::cluster::LEAD;
use std::ops::Range;

/// How far back from the cursor a sign is looked for, in characters.
const LONGEST: usize = 512;

/// What is being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WishKind {
    /// A command of the surface, after `/` at the very start.
    Command,
    /// A file, after `@` at the start of a word.
    File,
}

/// What the person may want completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is being named.
    pub kind: WishKind,
    /// What stands between the sign and the cursor.
    pub query: String,
}

/// Something that can be put in the place of what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Takes the place of the whole word, its sign included: `/mode ` or `@src/main.rs `. Where it ends without a space, as a
    /// folder does, the completion goes on.
    pub insert: String,
    /// Shown in the menu.
    pub label: String,
    /// Shown beside it, dim; may be empty.
    pub note: String,
}

/// A wish, and the part of the text that a choice replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) wish: Wish,
    pub(super) range: Range<usize>,
}

impl Found {
    /// Looks for a word with a sign around the cursor.
    pub(super) fn at(text: &str, cursor: usize) -> Option<Self> {
        let end = text[cursor..].find(ends_a_word).map_or(text.len(), |end| cursor + end);
        let command = text.starts_with('/') && cursor > 0 && !text[1..end].contains(|it| it == '/' || ends_a_word(it));
        let (kind, start) = match command {
            true => (WishKind::Command, 0),
            false => (WishKind::File, sign_before(&text[..cursor])?),
        };
        Some(Self { wish: Wish { kind, query: text[start + 1..cursor].to_owned() }, range: start..end })
    }
}

fn ends_a_word(letter: char) -> bool {
    letter.is_whitespace() || letter == LEAD
}

/// Returns where the `@` of the word stands. One in the middle of a Latin word is none, so that an address is not taken for
/// a file; after a letter of a script without spaces it is one.
fn sign_before(head: &str) -> Option<usize> {
    let mut letters = head.char_indices().rev().take(LONGEST).take_while(|(_, letter)| !ends_a_word(*letter));
    let (sign, _) = letters.find(|(_, letter)| *letter == '@')?;
    match head[..sign].chars().next_back() {
        Some(before) if before.is_ascii_alphanumeric() || "._-+/@".contains(before) => None,
        _ => Some(sign),
    }
}

/// The choices on the screen, and which one is chosen. There is always one.
#[derive(Clone, Debug)]
pub(super) struct Menu {
    pub(super) choices: Vec<Choice>,
    pub(super) chosen: usize,
}

impl Menu {
    /// Makes a menu, unless there is nothing to choose.
    pub(super) fn of(choices: Vec<Choice>) -> Option<Self> {
        (!choices.is_empty()).then_some(Self { choices, chosen: 0 })
    }

    pub(super) fn up(&mut self) {
        self.chosen = self.chosen.checked_sub(1).unwrap_or(self.choices.len() - 1);
    }

    pub(super) fn down(&mut self) {
        self.chosen = (self.chosen + 1) % self.choices.len();
    }

    pub(super) fn choice(&self) -> &Choice {
        &self.choices[self.chosen]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is the cursor.
    fn check(written: &str, expected: Option<(WishKind, &str, &str)>) {
        let cursor = written.find('|').unwrap();
        let text = written.replace('|', "");
        let found = Found::at(&text, cursor);
        let found = found.as_ref().map(|it| (it.wish.kind, it.wish.query.as_str(), &text[it.range.clone()]));
        assert_eq!(found, expected, "{written}");
    }

    #[test]
    fn a_slash_at_the_start_names_a_command() {
        check("/|", Some((WishKind::Command, "", "/")));
        check("/mo|de", Some((WishKind::Command, "mo", "/mode")));
        check("/mo| x", Some((WishKind::Command, "mo", "/mo")));
        check("|/mo", None);
        check("/mode |", None);
        check(" /mo|", None);
        check("//|", None);
        check("/usr/b|", None);
    }

    #[test]
    fn an_at_sign_before_a_word_names_a_file() {
        check("see @src/ma|in.rs now", Some((WishKind::File, "src/ma", "@src/main.rs")));
        check("@|", Some((WishKind::File, "", "@")));
        check("(@a|)", Some((WishKind::File, "a", "@a)")));
        check("看看@a|", Some((WishKind::File, "a", "@a")));
        check("/mode @a|", Some((WishKind::File, "a", "@a")));
        check("me@example.org|", None);
        check("@a |", None);
        check("\u{fdd0}\u{10000}@a|\u{fdd0}\u{10001}", Some((WishKind::File, "a", "@a")));
    }

    #[test]
    fn the_choice_goes_round() {
        let mut menu = Menu::of(vec![Choice::default(); 3]).unwrap();
        menu.up();
        assert_eq!(menu.chosen, 2);
        menu.down();
        assert_eq!(menu.chosen, 0);
        assert!(Menu::of(Vec::new()).is_none());
    }
}
