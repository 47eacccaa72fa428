//! Soft wrap: where each row on the screen begins in the text.
//!
//! Not here: drawing. After an edit only the rows that it could have moved are laid again, so that a key in a long text
//! costs as little as in a short one.

use super::block::{Blocks, Numbers};
use super::cluster::{after, is_mark};
use super::pad::Change;
use ratatui::buffer::CellWidth as _;
use std::ops::Range;

/// How many columns a tab takes. It is no stop: the text is prose and short code, where a fixed step is steady under edits.
const TAB: usize = 4;
/// How many rows before an edit are laid again: a word that became shorter may fit where it began, and a word that fits in
/// a row has begun at most one row before the edit's own.
const BACK: usize = 2;

/// What a text is laid out with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    pub(super) text: &'a str,
    pub(super) blocks: &'a Blocks,
    pub(super) numbers: Numbers,
    /// How many columns a row has; one more is kept free, for the cursor or a space at the row's end.
    pub(super) wrap: usize,
}

/// What a character is for the wrap.
enum Part {
    LineEnd,
    Space,
    /// A row may begin or end at either side of it: a wide character or a block.
    Alone,
    /// A row begins or ends beside it only where its word is longer than a row.
    OfWord,
}

impl Page<'_> {
    /// Returns how many columns the character takes, at most a whole row.
    pub(super) fn width(&self, cluster: &str) -> usize {
        let columns = match cluster.as_bytes() {
            [b'\n'] => 0,
            [b'\t'] => TAB,
            [_] => 1,
            _ if is_mark(cluster) => self.blocks.label(cluster, self.numbers).len(),
            _ => usize::from(cluster.cell_width()),
        };
        columns.min(self.wrap)
    }

    fn part(cluster: &str, columns: usize) -> Part {
        match cluster {
            "\n" => Part::LineEnd,
            " " | "\t" | "\u{3000}" => Part::Space,
            _ if is_mark(cluster) || columns > 1 => Part::Alone,
            _ => Part::OfWord,
        }
    }

    /// Returns where the row that begins at `start` ends, or nothing for the text's last row.
    ///
    /// A space may stand in the free column; a word goes to the next row when it fits there, and else is broken at the edge.
    fn row_end(&self, start: usize) -> Option<usize> {
        let (mut at, mut column, mut seam) = (start, 0, None);
        while at < self.text.len() {
            let end = after(self.text, at);
            let columns = self.width(&self.text[at..end]);
            match Self::part(&self.text[at..end], columns) {
                Part::LineEnd => return Some(end),
                Part::Space if column > self.wrap => return Some(at),
                Part::Space => (column, seam) = ((column + columns).min(self.wrap + 1), Some(end)),
                Part::Alone if column + columns > self.wrap => return Some(at),
                Part::Alone => (column, seam) = (column + columns, Some(end)),
                Part::OfWord if column + columns > self.wrap => {
                    return Some(seam.filter(|seam| self.word_fits(*seam)).unwrap_or(at));
                }
                Part::OfWord => column += columns,
            }
            at = end;
        }
        None
    }

    fn word_fits(&self, start: usize) -> bool {
        let (mut at, mut column) = (start, 0);
        while at < self.text.len() && column <= self.wrap {
            let end = after(self.text, at);
            let columns = self.width(&self.text[at..end]);
            match Self::part(&self.text[at..end], columns) {
                Part::OfWord => column += columns,
                Part::LineEnd | Part::Space | Part::Alone => break,
            }
            at = end;
        }
        column <= self.wrap
    }
}

/// Where the rows of a text begin. There is always one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    starts: Vec<usize>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { starts: vec![0] }
    }
}

impl Rows {
    /// Lays out a whole text.
    pub(super) fn of(page: &Page<'_>) -> Self {
        let mut starts = vec![0];
        let mut start = 0;
        while let Some(next) = page.row_end(start) {
            assert!(next > start, "a row holds at least one character");
            starts.push(next);
            start = next;
        }
        Self { starts }
    }

    /// Lays out what a change could have moved; the page is the one after it.
    pub(super) fn follow(&mut self, page: &Page<'_>, change: Change) {
        let row = self.row_of(change.at);
        let tail = self.starts.split_off(row + 1);
        let mut tail = tail
            .iter()
            .filter_map(|start| Some(start.checked_sub(change.at + change.removed)? + change.at + change.added))
            .peekable();
        self.starts.truncate(row.saturating_sub(BACK) + 1);
        let mut start = self.starts[self.starts.len() - 1];
        while let Some(next) = page.row_end(start) {
            assert!(next > start, "a row holds at least one character");
            while tail.next_if(|old| *old < next).is_some() {}
            if next >= change.at + change.added && tail.peek() == Some(&next) {
                self.starts.extend(tail);
                return;
            }
            self.starts.push(next);
            start = next;
        }
    }

    /// Returns how many rows there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns which row a place in the text is on; at a seam it is the later one.
    pub(super) fn row_of(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at) - 1
    }

    /// Returns the part of the text that a row shows, a line end not included.
    pub(super) fn span(&self, text: &str, row: usize) -> Range<usize> {
        let end = self.starts.get(row + 1).copied().unwrap_or(text.len());
        let start = self.starts[row];
        let shown = text[start..end].strip_suffix('\n').map_or(end, |shown| start + shown.len());
        start..shown
    }

    /// Returns the row and the column of a place in the text.
    pub(super) fn cell_of(&self, page: &Page<'_>, place: usize) -> (usize, usize) {
        let row = self.row_of(place);
        let (mut at, mut column) = (self.starts[row], 0);
        while at < place {
            let end = after(page.text, at);
            column += page.width(&page.text[at..end]);
            at = end;
        }
        (row, column.min(page.wrap))
    }

    /// Returns the place in a row that is nearest to a column from its left.
    pub(super) fn place_at(&self, page: &Page<'_>, row: usize, goal: usize) -> usize {
        let span = self.span(page.text, row);
        let soft = self.starts.get(row + 1) == Some(&span.end);
        let (mut at, mut column) = (span.start, 0);
        while at < span.end {
            let end = after(page.text, at);
            column += page.width(&page.text[at..end]);
            // Where a row ends without a line end, its end is the next row's beginning.
            if column > goal || soft && end == span.end {
                break;
            }
            at = end;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page<'a>(text: &'a str, blocks: &'a Blocks, wrap: usize) -> Page<'a> {
        Page { text, blocks, numbers: Numbers::Hidden, wrap }
    }

    fn check(text: &str, wrap: usize, expected: &[&str]) {
        let blocks = Blocks::default();
        let rows = Rows::of(&page(text, &blocks, wrap));
        let shown: Vec<&str> = (0..rows.len()).map(|row| &text[rows.span(text, row)]).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_word_that_fits_in_a_row_is_not_broken() {
        check("one two three", 8, &["one two ", "three"]);
        check("one two three", 7, &["one two ", "three"]);
        check("a bbbbbbbb", 8, &["a ", "bbbbbbbb"]);
        check("", 8, &[""]);
        check("a\n\nb\n", 8, &["a", "", "b", ""]);
    }

    #[test]
    fn a_word_longer_than_a_row_is_broken_at_the_edge() {
        check("a bbbbbbbbb", 8, &["a bbbbbb", "bbb"]);
        check("/a/long/path/to/it", 8, &["/a/long/", "path/to/", "it"]);
    }

    #[test]
    fn one_space_stands_in_the_free_column_and_the_next_begins_a_row() {
        check("aaaa\nb", 4, &["aaaa", "b"]);
        check("aaaa \nb", 4, &["aaaa ", "b"]);
        check("aaaa  b", 4, &["aaaa ", " b"]);
    }

    #[test]
    fn wide_characters_go_to_the_next_row_whole() {
        check("漢字漢字", 5, &["漢字", "漢字"]);
        check("a漢b字", 3, &["a漢", "b字"]);
        check("👩\u{200d}👩\u{200d}👧👍🏽x", 3, &["👩\u{200d}👩\u{200d}👧", "👍🏽x"]);
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn a_cluster_wider_than_the_row_has_a_row_of_its_own() {
        check("漢a", 1, &["漢", "a"]);
        check("\ta", 2, &["\t", "a"]);
    }

    #[test]
    fn a_hundred_thousand_flags_are_laid_out_in_linear_time() {
        let text = "\u{1f1e9}\u{1f1ea}".repeat(100_000);
        let blocks = Blocks::default();
        assert_eq!(Rows::of(&page(&text, &blocks, 80)).len(), 2_500);
    }

    fn stuff() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a", "bb", " ", "  ", "\n", "\t", "漢", "\u{301}", "e\u{301}", "\u{200d}", "👩", "🇩", "🇪", "\u{600}", "-",
            "wordword",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn following_an_edit_is_the_same_as_laying_out_anew(
            text in stuff(), added in stuff(), wrap in 1_usize..12,
            from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
        ) {
            let blocks = Blocks::default();
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, two) = (*from.get(&places), *to.get(&places));
            let (at, end) = (one.min(two), one.max(two));
            let mut rows = Rows::of(&page(&text, &blocks, wrap));
            let mut edited = text.clone();
            edited.replace_range(at..end, &added);
            rows.follow(&page(&edited, &blocks, wrap), Change { at, removed: end - at, added: added.len() });
            prop_assert_eq!(rows, Rows::of(&page(&edited, &blocks, wrap)));
        }

        #[test]
        fn no_row_is_wider_than_the_page_and_its_free_column(text in stuff(), wrap in 1_usize..12) {
            let blocks = Blocks::default();
            let page = page(&text, &blocks, wrap);
            let rows = Rows::of(&page);
            for row in 0..rows.len() {
                let mut at = rows.span(&text, row).start;
                let mut column = 0;
                while at < rows.span(&text, row).end {
                    let end = after(&text, at);
                    column += page.width(&text[at..end]);
                    prop_assert_eq!(rows.cell_of(&page, at).0, row);
                    at = end;
                }
                prop_assert!(column <= wrap + 1 || text[rows.span(&text, row)].ends_with('\t'));
            }
        }
    }
}
