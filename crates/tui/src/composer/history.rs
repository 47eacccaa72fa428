//! What was sent or put aside, oldest first.
//!
//! Not here: a file. Whoever owns the composer loads the texts and stores them.

use super::block::{Blocks, INLINE_BYTES, clean};
use std::collections::VecDeque;

/// How many texts are kept.
pub const TEXTS: usize = 1_000;
/// How many bytes they have together at most, blocks included; the newest is always kept.
pub const BYTES: usize = 16 << 20;

#[derive(Clone, Debug)]
struct Entry {
    marked: String,
    bytes: usize,
}

/// The texts, newest last, no two in a row the same. A pasted block stays a block in the text that is had back.
#[derive(Clone, Debug, Default)]
pub struct SentTexts {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl SentTexts {
    /// Adds a text with marks, unless it is blank or the same as the newest.
    pub(super) fn push(&mut self, marked: String, blocks: &Blocks) {
        let bytes = blocks.whole_len(&marked);
        let same = |newest: &Entry| {
            newest.marked == marked || newest.bytes == bytes && blocks.whole(&newest.marked) == blocks.whole(&marked)
        };
        if marked.trim().is_empty() || self.entries.back().is_some_and(same) {
            return;
        }
        self.bytes += bytes;
        self.entries.push_back(Entry { marked, bytes });
        while self.entries.len() > 1 && (self.entries.len() > TEXTS || self.bytes > BYTES) {
            self.bytes -= self.entries.pop_front().map_or(0, |oldest| oldest.bytes);
        }
    }

    /// Adds texts from elsewhere, oldest first; one that is too long to be edited becomes a block.
    pub(super) fn load(&mut self, texts: Vec<String>, blocks: &mut Blocks) {
        for text in texts {
            let text = clean(text);
            let marked = if text.len() > INLINE_BYTES { blocks.keep(text, "") } else { text };
            self.push(marked, blocks);
        }
    }

    /// Returns how many texts there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns a text with marks.
    pub(super) fn marked(&self, at: usize) -> &str {
        self.entries.get(at).map_or("", |entry| &entry.marked)
    }

    /// Returns all texts with marks, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.marked.as_str())
    }

    /// Returns the newest text before `end` that contains the query. Case counts only where the query has capitals; what a
    /// pasted block holds is not searched.
    pub(super) fn find(&self, query: &str, end: usize) -> Option<usize> {
        let folds = !query.chars().any(char::is_uppercase);
        let has = |entry: &Entry| match folds {
            true => entry.marked.to_lowercase().contains(query),
            false => entry.marked.contains(query),
        };
        (0..end.min(self.len())).rev().find(|at| self.entries.get(*at).is_some_and(has))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(texts: &[&str]) -> SentTexts {
        let mut history = SentTexts::default();
        history.load(texts.iter().map(|text| text.to_string()).collect(), &mut Blocks::default());
        history
    }

    #[test]
    fn no_two_texts_in_a_row_are_the_same_and_none_is_blank() {
        let kept = history(&["a", "a", " ", "b\r\n", "b\n", "a"]);
        assert_eq!(kept.all().collect::<Vec<_>>(), ["a", "b\n", "a"]);
    }

    #[test]
    fn the_same_block_pasted_twice_is_the_same_text() {
        let (mut history, mut blocks) = (SentTexts::default(), Blocks::default());
        for _ in 0..2 {
            let marked = blocks.keep("x\n".repeat(9), "");
            history.push(marked, &blocks);
        }
        assert_eq!(history.len(), 1);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_long() {
        let many: Vec<String> = (0..TEXTS + 10).map(|at| at.to_string()).collect();
        let (mut history, mut blocks) = (SentTexts::default(), Blocks::default());
        history.load(many, &mut blocks);
        assert_eq!((history.len(), history.marked(0)), (TEXTS, "10"));
        history.load(vec!["x".repeat(BYTES + 1)], &mut blocks);
        assert_eq!(history.len(), 1);
        assert_eq!(blocks.whole(history.marked(0)).len(), BYTES + 1);
    }

    #[test]
    fn the_newest_text_with_the_query_is_found_and_capitals_count() {
        let history = history(&["Fix the test", "fix the docs", "run"]);
        assert_eq!(history.find("fix", 3), Some(1));
        assert_eq!(history.find("fix", 1), Some(0));
        assert_eq!(history.find("Fix", 3), Some(0));
        assert_eq!(history.find("fix", 0), None);
    }
}
