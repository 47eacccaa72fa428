//! Where what a person calls one character begins and ends, and where words do.
//!
//! Not here: how wide a character is. Boundaries are those of Unicode Standard Annex 29, but for a pasted block: its mark
//! is one character that joins with nothing.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

/// Begins the mark of a block; one character that names the block follows. It is a noncharacter, which Unicode keeps for
/// a program's own use, and what comes from outside is rid of it, so no text can forge a mark.
pub(super) const LEAD: char = '\u{fdd0}';

/// What a character is for a motion by words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Sign,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Letters and digits in a row, or signs in a row: `a::b` is three words.
    Small,
    /// Anything between spaces.
    Large,
}

impl Words {
    fn class(self, cluster: &str) -> Class {
        match cluster.chars().next() {
            Some(first) if first.is_whitespace() => Class::Space,
            Some(first) if self == Self::Large || first.is_alphanumeric() || first == '_' => Class::Word,
            _ => Class::Sign,
        }
    }
}

/// Whether the cluster is the mark of a block.
pub(super) fn is_mark(cluster: &str) -> bool {
    cluster.starts_with(LEAD)
}

/// Returns the end of the character that begins at `at`, which is a boundary.
pub(super) fn after(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    match rest.as_bytes() {
        [] => at,
        [one] if one.is_ascii() => at + 1,
        [one, two, ..] if one.is_ascii() && two.is_ascii() => at + 1,
        _ if is_mark(rest) => at + rest.chars().take(2).map(char::len_utf8).sum::<usize>(),
        _ => {
            // Cut off here and not looked at with all the text: a run of flags would be counted from its start each time.
            let cluster = rest.graphemes(true).next().unwrap_or(rest);
            at + cluster.find(LEAD).unwrap_or(cluster.len())
        }
    }
}

/// Returns the beginning of the character that ends at `at`, which is a boundary.
pub(super) fn before(text: &str, at: usize) -> usize {
    let (floor, mark) = floor(text, at);
    match text[floor..at].graphemes(true).next_back() {
        Some(cluster) => at - cluster.len(),
        None => mark.unwrap_or(0),
    }
}

/// Returns `at`, or the next boundary when it is inside a character.
pub(super) fn snap(text: &str, at: usize) -> usize {
    let (floor, _) = floor(text, at);
    let ceiling = text[at..].find(LEAD).map_or(text.len(), |lead| at + lead);
    let span = &text[floor..ceiling];
    let mut cursor = GraphemeCursor::new(at - floor, span.len(), true);
    if at == floor || at == ceiling || cursor.is_boundary(span, 0) == Ok(true) {
        return at;
    }
    cursor.next_boundary(span, 0).ok().flatten().map_or(ceiling, |next| floor + next)
}

/// Returns where the word before `at` begins.
pub(super) fn word_before(text: &str, at: usize, words: Words) -> usize {
    let (floor, mark) = floor(text, at);
    let (mut edge, mut run) = (at, None);
    for (start, cluster) in text[floor..at].grapheme_indices(true).rev() {
        match (run, words.class(cluster)) {
            (None, Class::Space) => {}
            (None, class) => run = Some(class),
            (Some(run), class) if run == class => {}
            _ => return edge,
        }
        edge = floor + start;
    }
    match (run, mark) {
        (None, Some(mark)) => mark,
        _ => edge,
    }
}

/// Returns where the word after `at` ends.
pub(super) fn word_after(text: &str, at: usize, words: Words) -> usize {
    let (mut edge, mut run) = (at, None);
    while edge < text.len() {
        let end = after(text, edge);
        let cluster = &text[edge..end];
        match (run, words.class(cluster)) {
            (None, _) if is_mark(cluster) => return end,
            (None, Class::Space) => {}
            (None, class) => run = Some(class),
            (Some(run), class) if run == class && !is_mark(cluster) => {}
            _ => return edge,
        }
        edge = end;
    }
    edge
}

/// Returns where the line with `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// Returns where the line with `at` ends, before its line end.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

/// Returns the end of the last mark before `at`, or 0, and where that mark begins.
fn floor(text: &str, at: usize) -> (usize, Option<usize>) {
    match text[..at].rfind(LEAD) {
        Some(mark) => (after(text, mark), Some(mark)),
        None => (0, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = after(text, at);
            assert_eq!(before(text, end), at, "back from {end} in {text:?}");
            for inside in at + 1..end {
                if text.is_char_boundary(inside) && !text[..inside].ends_with(LEAD) {
                    assert_eq!(snap(text, inside), end, "inside {at}..{end} of {text:?}");
                }
            }
            assert_eq!(snap(text, at), at);
            found.push(&text[at..end]);
            at = end;
        }
        found
    }

    #[test]
    fn a_character_is_what_a_person_sees_as_one() {
        let text = "ae\u{301}漢👩\u{200d}👩\u{200d}👧🇩🇪🇫🇷\n\u{1f44d}\u{1f3fd}";
        let expected = ["a", "e\u{301}", "漢", "👩\u{200d}👩\u{200d}👧", "🇩🇪", "🇫🇷", "\n", "\u{1f44d}\u{1f3fd}"];
        assert_eq!(clusters(text), expected);
    }

    #[test]
    fn the_mark_of_a_block_joins_with_nothing() {
        let text = "\u{600}\u{fdd0}\u{10000}\u{301}\u{fdd0}\u{10001}\u{fdd0}\u{10002}x";
        let expected = ["\u{600}", "\u{fdd0}\u{10000}", "\u{301}", "\u{fdd0}\u{10001}", "\u{fdd0}\u{10002}", "x"];
        assert_eq!(clusters(text), expected);
    }

    #[test]
    fn words_are_letters_or_signs_in_a_row_and_a_block_is_one() {
        let text = "use a_1::b  \u{fdd0}\u{10000}\u{fdd0}\u{10001} é";
        let mut ends = vec![0];
        while ends.last() != Some(&text.len()) {
            ends.push(word_after(text, ends[ends.len() - 1], Words::Small));
        }
        let words: Vec<&str> = ends.windows(2).map(|pair| text[pair[0]..pair[1]].trim()).collect();
        assert_eq!(words, ["use", "a_1", "::", "b", "\u{fdd0}\u{10000}", "\u{fdd0}\u{10001}", "é"]);

        let mut starts = vec![text.len()];
        while starts.last() != Some(&0) {
            starts.push(word_before(text, starts[starts.len() - 1], Words::Small));
        }
        let back: Vec<&str> = starts.windows(2).rev().map(|pair| text[pair[1]..pair[0]].trim()).collect();
        assert_eq!(back, words);
    }

    #[test]
    fn a_large_word_is_what_spaces_surround() {
        let text = "cat a::b/c ";
        assert_eq!(word_before(text, text.len(), Words::Large), 4);
        assert_eq!(word_after(text, 3, Words::Large), 10);
    }
}
