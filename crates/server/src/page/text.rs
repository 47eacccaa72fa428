//! Makes a text harmless to a reader: by taking out what would steer, or by showing that it is there.
//!
//! Not here: escaping for HTML, which `maud` does with every text. What comes out of here is still only text.

use maud::{Markup, html};
use std::borrow::Cow;

/// Takes out of a text what could steer a terminal or reorder letters, for what a model or a program says.
///
/// Escape sequences go whole, an unfinished one to the end of its line. After a lone carriage return the next text replaces
/// what the line held, as progress bars mean it. What a person is to approve must not lose anything: that is for [`reveal`].
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut line, mut over) = (0, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\n' => {
                out.push('\n');
                (line, over) = (out.len(), false);
            }
            '\r' => over = true,
            '\u{8}' => {
                if out.len() > line {
                    out.pop();
                }
            }
            '\u{1b}' => rest = after_escape(rest),
            '\u{9b}' => rest = after_parameters(rest),
            '\u{9d}' | '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => rest = after_string(rest),
            _ if is_steering(letter) => {}
            _ => {
                if std::mem::take(&mut over) {
                    out.truncate(line);
                }
                out.push(letter);
            }
        }
    }
    Cow::Owned(out)
}

/// A text without what steers, in one line.
pub fn line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shows all that could steer or hide in a text, as `U+001B` in a box, for what a person is to approve: nothing is taken out.
pub fn reveal(text: &str) -> Markup {
    html! {
        @for (piece, hidden) in pieces(text) {
            (piece)
            @if let Some(letter) = hidden { span.hidden-letter { (format!("U+{:04X}", u32::from(letter))) } }
        }
    }
}

/// Whether every letter of a text shows itself.
pub fn is_open(text: &str) -> bool {
    !text.chars().any(|letter| is_steering(letter) || is_hidden(letter))
}

/// The stretches of a text that show themselves, each with the letter behind it that does not.
fn pieces(text: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest.take()?;
        match all.char_indices().find(|(_, letter)| is_steering(*letter) || is_hidden(*letter)) {
            Some((at, letter)) => {
                rest = Some(&all[at + letter.len_utf8()..]);
                Some((&all[..at], Some(letter)))
            }
            None => Some((all, None)),
        }
    })
}

fn is_steering(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_lines = matches!(letter, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    turns || ends_lines || (letter.is_control() && letter != '\n' && letter != '\t')
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
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(letters.as_str()),
        Some(' '..='/') => {
            let rest = letters.as_str().trim_start_matches(|letter| matches!(letter, ' '..='/'));
            rest.strip_prefix(|letter| matches!(letter, '0'..='~')).unwrap_or(rest)
        }
        Some('0'..='~') => letters.as_str(),
        _ => text,
    }
}

fn after_parameters(text: &str) -> &str {
    let rest = text.trim_start_matches(|letter| matches!(letter, ' '..='?'));
    rest.strip_prefix(|letter| matches!(letter, '@'..='~')).unwrap_or(rest)
}

/// What is left after a text that belongs to a sequence; one that is never ended goes to the end of its line.
fn after_string(text: &str) -> &str {
    let ends = |letter: char| letter == '\n' || letter.is_control();
    let Some(end) = text.find(ends) else { return "" };
    let rest = &text[end..];
    let ended = rest.strip_prefix("\u{1b}\\").or_else(|| rest.strip_prefix(['\u{7}', '\u{18}', '\u{1a}', '\u{9c}']));
    ended.unwrap_or(rest)
}

/// A name for an element, from a name that anybody may have chosen; two names never become one.
pub fn key(begin: &str, name: &str) -> String {
    let mut key = begin.to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => key.push(char::from(byte)),
            other => key.push_str(&format!("_{other:02x}")),
        }
    }
    key
}

/// The last so many bytes of a text or a little less, from the beginning of a line where there is one.
pub fn tail(text: &str, most: usize) -> &str {
    let Some(cut) = text.len().checked_sub(most).filter(|cut| *cut > 0) else { return text };
    let end = &text[text.ceil_char_boundary(cut)..];
    end.split_once('\n').map_or(end, |(_begun, whole)| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_goes_with_all_of_its_sequence() {
        for (text, is) in [
            ("plain \u{e9}\n\tx", "plain \u{e9}\n\tx"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("10%\r20%\r\ndone\n", "20%\ndone\n"),
            ("ab\u{8}c", "ac"),
            ("x\u{202e}y\u{2066}z\u{0}", "xyz"),
            ("unended \u{1b}]0;title\nnext", "unended \nnext"),
        ] {
            assert_eq!(plain(text), is, "{text:?}");
        }
        assert_eq!(line(" a\n  b\u{1b}[m "), "a b");
    }

    #[test]
    fn what_is_approved_loses_nothing() {
        let shown = reveal("rm \u{202e}x\u{1b}[8m<b>\u{200b}\r\n").into_string();
        for part in [">U+202E<", ">U+001B<", "[8m&lt;b&gt;", ">U+200B<", ">U+000D<", "\n"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn names_of_elements_are_letters_and_stay_apart() {
        assert_eq!(key("c-", "call_1"), "c-call_5f1");
        assert_eq!(key("c-", "a\"><script>"), "c-a_22_3e_3cscript_3e");
        assert_ne!(key("c-", "a_"), key("c-", "a_5f"));
    }

    #[test]
    fn a_tail_begins_with_a_line() {
        assert_eq!(tail("one\ntwo\nthree", 8), "three");
        assert_eq!(tail("one", 8), "one");
        assert_eq!(tail("\u{e9}\u{e9}\u{e9}", 3), "\u{e9}");
    }
}
