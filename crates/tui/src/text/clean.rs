//! Makes a text harmless to the terminal: by taking out what would steer it, or by showing that it is there.
//!
//! Not here: what a program meant to draw with its sequences. The cursor is not followed about; only a line that is written
//! over and over, as progress is, shows its last state.

use super::width;
use std::borrow::Cow;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthChar as _;

/// Where tabs lead to, in columns.
const TAB: usize = 4;

/// How many characters without a width may follow each other. The longest real ones, flags and families, have seven or so;
/// more would only make one cell of the screen as large as the sender likes.
const MARKS: usize = 32;

/// Takes out of a text all that could steer the terminal, for what a model or a program says.
///
/// No control character is left but the newline. Escape sequences go whole, not leaving their letters behind; an unfinished
/// one goes as far as it came. A tab becomes spaces to the next stop of 4. After a lone carriage return the next text
/// replaces what the line held, and a backspace takes back one character. What reorders letters (bidirectional embeddings,
/// overrides and isolates) goes. The time is linear.
///
/// What a person is to approve must not lose anything: that is for [`reveal`].
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut page = Page::with_room(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '\n' => page.newline(after),
            '\r' => page.back_to_start(after),
            '\t' => page.tab(after),
            '\u{8}' => page.backspace(after),
            '\u{1b}' => after_escape(after),
            '\u{9b}' => after_parameters(after),
            '\u{9d}' => after_string(after, Within::Line),
            '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => after_string(after, Within::Lines),
            _ if is_line_end(letter) => page.newline(after),
            _ if is_steering(letter) => after,
            _ => page.letter(letter, after),
        };
    }
    Cow::Owned(page.out)
}

/// Shows all that could steer the terminal or hide in a text, as `<U+001B>`, for what a person is to approve: nothing is taken out.
///
/// Newlines stay and a tab becomes spaces to the next stop of 4. Besides what [`clean`] takes out, characters are shown that
/// have no width and no business in a program: zero-width spaces, direction marks, tags.
pub fn reveal(text: &str) -> Cow<'_, str> {
    if is_clean(text) && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut page = Page::with_room(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = match letter {
            '\n' => page.newline(after),
            '\t' => page.tab(after),
            _ if is_steering(letter) || is_hidden(letter) || page.is_full_of_marks(letter) => page.shown(letter, after),
            _ => page.letter(letter, after),
        };
    }
    Cow::Owned(page.out)
}

fn is_clean(text: &str) -> bool {
    let mut marks = 0;
    text.chars().all(|letter| {
        if matches!(letter, ' '..='~' | '\n') {
            marks = 0;
            return true;
        }
        marks = if letter.width() == Some(0) { marks + 1 } else { 0 };
        !is_steering(letter) && marks <= MARKS
    })
}

fn is_steering(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || is_line_end(letter) || (letter.is_control() && letter != '\n')
}

/// Ends of lines that Unicode knows beside the newline.
fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// What is left after an escape character and the sequence it begins (ECMA-48).
fn after_escape(text: &str) -> &str {
    let mut letters = text.chars();
    match letters.next() {
        Some('[') => after_parameters(letters.as_str()),
        Some(']') => after_string(letters.as_str(), Within::Line),
        Some('P' | 'X' | '^' | '_') => after_string(letters.as_str(), Within::Lines),
        Some(' '..='/') => {
            let rest = letters.as_str().trim_start_matches(|letter| matches!(letter, ' '..='/'));
            rest.strip_prefix(|letter| matches!(letter, '0'..='~')).unwrap_or(rest)
        }
        Some('0'..='~') => letters.as_str(),
        _ => text,
    }
}

/// What is left after the parameters of a control sequence and the letter that ends it.
fn after_parameters(text: &str) -> &str {
    let rest = text.trim_start_matches(|letter| matches!(letter, ' '..='?'));
    rest.strip_prefix(|letter| matches!(letter, '@'..='~')).unwrap_or(rest)
}

/// How far the text inside a sequence may reach: a picture is sent in lines, a title is not.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Line,
    Lines,
}

/// What is left after a text that belongs to a sequence. One that is never ended goes to the end of its line, so that a
/// terminator that was lost does not take the rest of the output with it.
fn after_string(text: &str, within: Within) -> &str {
    let ends = |letter: char| match letter {
        '\u{7}' | '\u{18}' | '\u{1a}' | '\u{1b}' | '\u{80}'..='\u{9f}' => true,
        '\n' => within == Within::Line,
        _ => false,
    };
    let Some(end) = text.find(ends).or_else(|| text.find('\n')) else { return "" };
    let rest = &text[end..];
    let ended = rest.strip_prefix("\u{1b}\\").or_else(|| rest.strip_prefix(['\u{7}', '\u{18}', '\u{1a}', '\u{9c}']));
    ended.unwrap_or(rest)
}

/// A text as it comes out. Each of its methods gives on what it was given of the text that goes in.
struct Page {
    out: String,
    /// Where the last line begins.
    line: usize,
    /// The column at some place in the last line, and that place; so that a tab measures nothing twice.
    column: usize,
    measured: usize,
    /// Whether the next letter replaces the line.
    over: bool,
    marks: usize,
}

impl Page {
    fn with_room(bytes: usize) -> Page {
        Page { out: String::with_capacity(bytes), line: 0, column: 0, measured: 0, over: false, marks: 0 }
    }

    fn newline<'a>(&mut self, after: &'a str) -> &'a str {
        self.out.push('\n');
        self.line = self.out.len();
        self.begin();
        after
    }

    fn begin(&mut self) {
        self.column = 0;
        self.measured = self.line;
        self.over = false;
        self.marks = 0;
    }

    fn back_to_start<'a>(&mut self, after: &'a str) -> &'a str {
        self.over = true;
        after
    }

    fn write_over(&mut self) {
        if self.over {
            self.out.truncate(self.line);
            self.begin();
        }
    }

    fn tab<'a>(&mut self, after: &'a str) -> &'a str {
        self.write_over();
        self.column += width(&self.out[self.measured..]);
        let spaces = TAB - self.column % TAB;
        self.out.extend(std::iter::repeat_n(' ', spaces));
        self.column += spaces;
        self.measured = self.out.len();
        self.marks = 0;
        after
    }

    fn backspace<'a>(&mut self, after: &'a str) -> &'a str {
        if !self.over && self.out.len() > self.line {
            self.out.pop();
            if self.measured > self.out.len() {
                self.measured = self.out.len();
                self.column = self.column.saturating_sub(1);
            }
        }
        after
    }

    fn is_full_of_marks(&self, letter: char) -> bool {
        self.marks >= MARKS && letter.width() == Some(0)
    }

    fn letter<'a>(&mut self, letter: char, after: &'a str) -> &'a str {
        self.write_over();
        if letter.width() != Some(0) {
            self.marks = 0;
        } else if self.marks >= MARKS {
            return after;
        } else {
            self.marks += 1;
        }
        self.out.push(letter);
        after
    }

    fn shown<'a>(&mut self, letter: char, after: &'a str) -> &'a str {
        // Writing to a `String` cannot fail.
        let _ = write!(self.out, "<U+{:04X}>", u32::from(letter));
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_text_is_not_copied() {
        assert!(matches!(clean("a\nb é 字 👩‍👩‍👧"), Cow::Borrowed(_)));
        assert!(matches!(reveal("a\nb é 字 👩‍👩‍👧"), Cow::Borrowed(_)));
    }

    #[test]
    fn sequences_go_whole() {
        assert_eq!(clean("\u{1b}[1;31merror\u{1b}[0m: no"), "error: no");
        assert_eq!(clean("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]8;;\u{1b}\\"), "ab");
        assert_eq!(clean("\u{1b}(Ba\u{1b}7b\u{1b}=c\u{9b}31md\u{9d}t\u{9c}e"), "abcde");
        assert_eq!(clean("\u{1b}Pq#0;2\n~~\u{1b}\\picture"), "picture");
        assert_eq!(clean("\u{1b}[38;5;1"), "");
    }

    #[test]
    fn a_lost_end_of_a_sequence_takes_its_line_alone() {
        assert_eq!(clean("a\u{1b}]0;title\nb"), "a\nb");
        assert_eq!(clean("a\u{1b}Pq\nb"), "a\nb");
        assert_eq!(clean("a\u{1b}]52;c;eA==\nb\u{7}c"), "a\nbc");
    }

    #[test]
    fn progress_shows_its_last_state() {
        assert_eq!(clean("10%\r50%\r100%\r\ndone"), "100%\ndone");
        assert_eq!(clean("10%\r50%\r"), "50%");
        assert_eq!(clean("longer\rab"), "ab");
        assert_eq!(clean("|\u{8}/\u{8}-"), "-");
        assert_eq!(clean("_\u{8}bold\n\u{8}x"), "bold\nx");
    }

    #[test]
    fn tabs_lead_to_the_next_stop() {
        assert_eq!(clean("\ta\tbcde\tf"), "    a   bcde    f");
        assert_eq!(clean("字\tx\n\ty"), "字  x\n    y");
        assert_eq!(clean("abc\r\tx"), "    x");
    }

    #[test]
    fn letters_stay_in_their_order() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{0}\u{7f}"), "abc");
        assert_eq!(clean("a\u{c}b\u{2028}c"), "a\nb\nc");
    }

    #[test]
    fn no_cell_grows_without_end() {
        let heap = format!("a{}b", "\u{301}".repeat(100_000));
        assert_eq!(clean(&heap).chars().count(), MARKS + 2);
        assert!(reveal(&heap).ends_with("<U+0301>b"));
    }

    #[test]
    fn nothing_is_hidden_from_who_approves() {
        assert_eq!(reveal("ls \u{1b}]0;\u{7}\r\nrm"), "ls <U+001B>]0;<U+0007><U+000D>\nrm");
        assert_eq!(reveal("a\u{202e}b\u{200b}c\u{e0041}\td"), "a<U+202E>b<U+200B>c<U+E0041>    d");
    }

    #[test]
    fn hostile_texts_are_cleaned_in_one_pass() {
        let size = 300_000;
        for unit in [
            "\u{1b}",
            "\u{1b}[",
            "\u{1b}]\n",
            "\u{9d}\n",
            "\u{90}\n",
            "\t\u{8}",
            "\r",
            "a\r",
            "\u{1b}[1",
            "字\t",
            "\u{8}",
        ] {
            let text = unit.repeat(size / unit.len());
            assert!(is_clean(&clean(&text)), "{unit:?}");
            assert!(is_clean(&reveal(&text)), "{unit:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whatever_comes_nothing_steers(text in "[\u{1b}\\[\\]0-9;mPa\u{7}\r\n\t\u{8}\u{9b}\u{9d}\u{90}字\u{301}\u{202e}\\\\]{0,60}|.{0,60}") {
            let cleaned = clean(&text);
            prop_assert!(is_clean(&cleaned));
            prop_assert_eq!(&*clean(&cleaned), &*cleaned);
            prop_assert!(is_clean(&reveal(&text)));
        }
    }
}
