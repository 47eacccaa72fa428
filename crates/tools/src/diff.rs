//! How a change to a file is shown: a unified diff.
//!
//! Not here: making the change.

use similar::TextDiff;
use std::time::Duration;

/// How long the smallest diff is looked for; after that a larger one does, just as true.
const LOOKING: Duration = Duration::from_millis(500);

/// A change, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The unified diff; empty when nothing changed.
    pub text: String,
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
}

impl Diff {
    /// Compares two contents of one file, by lines.
    pub fn of(name: &str, before: &str, after: &str) -> Diff {
        let lines = TextDiff::configure().timeout(LOOKING).diff_lines(before, after);
        let (mut added, mut removed) = (0, 0);
        for change in lines.iter_all_changes() {
            match change.tag() {
                similar::ChangeTag::Insert => added += 1,
                similar::ChangeTag::Delete => removed += 1,
                similar::ChangeTag::Equal => {}
            }
        }
        let text = lines.unified_diff().context_radius(3).header(name, name).to_string();
        Diff { text, added, removed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let diff = Diff::of("f", before, &before.replace("5\n", "five\n"));
        assert_eq!(diff.text, "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
        assert_eq!((diff.added, diff.removed), (1, 1));
    }

    #[test]
    fn a_missing_last_line_ending_is_shown() {
        let diff = Diff::of("f", "a\n", "a");
        assert!(diff.text.contains("-a\n+a\n\\ No newline at end of file"), "{}", diff.text);
    }

    #[test]
    fn a_change_of_line_endings_is_a_change() {
        assert_eq!(Diff::of("f", "a\nb\n", "a\r\nb\n").removed, 1);
        assert_eq!(Diff::of("f", "a\n", "a\n").text, "");
    }
}
