//! A change to files as HTML: a unified diff, with its signs, its line numbers and a class for each kind of line.
//!
//! Not here: making one. What comes is taken as it is; a diff that was cut, or that is none, is drawn as text.

use crate::page::text::reveal;
use maud::{Markup, html};

/// How many lines are looked at to tell whether a text is a diff; what is said before one is a line or two.
const LOOKED_AT: usize = 200;

/// The most bytes that are drawn as a change; more is text.
const MOST_CHANGE: usize = 1024 * 1024;

/// Whether a text has a unified diff in it: two names of files, and where the first change is.
pub fn is_change(text: &str) -> bool {
    let mut lines = text.lines().take(LOOKED_AT).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
            lines.next();
            if lines.peek().and_then(|next| Hunk::begun_by(next)).is_some() {
                return text.len() <= MOST_CHANGE;
            }
        }
    }
    false
}

/// Draws a text that has diffs in it. Each line keeps its sign, so that colour says nothing alone; nothing is taken out.
///
/// How long a hunk is, its header says: a removed line that reads `-- a` is not taken for a file's name.
pub fn change(text: &str) -> Markup {
    let mut hunk: Option<Hunk> = None;
    html! {
        div.diff role="group" aria-label="Changes" tabindex="0" {
            @for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                (row(part(&mut hunk, line), line))
            }
        }
    }
}

/// How many lines a text's diffs add, and how many they remove.
pub fn changed_lines(text: &str) -> (usize, usize) {
    let (mut added, mut removed, mut hunk) = (0, 0, None);
    for line in text.split('\n') {
        match part(&mut hunk, line) {
            Part::Added(_) => added += 1,
            Part::Removed(_) => removed += 1,
            Part::Context(_) | Part::Remark | Part::Header | Part::File | Part::Outside => {}
        }
    }
    (added, removed)
}

fn row(part: Part, line: &str) -> Markup {
    let (class, number) = match part {
        Part::Context(number) => ("row", Some(number)),
        Part::Added(number) => ("row add", Some(number)),
        Part::Removed(number) => ("row del", Some(number)),
        Part::Remark => ("row remark", None),
        Part::Header => ("row hunk", None),
        Part::File => ("row file", None),
        Part::Outside => ("row", None),
    };
    // The return that ends a line of another system is no news where the change leaves the line as it is.
    let line = match part {
        Part::Context(_) | Part::Header | Part::File | Part::Remark => line.strip_suffix('\r').unwrap_or(line),
        Part::Added(_) | Part::Removed(_) | Part::Outside => line,
    };
    html! {
        div class=(class) {
            span.no aria-hidden="true" { @if let Some(number) = number { (number) } }
            span.line { (reveal(line)) "\n" }
        }
    }
}

/// What a line of a diff is.
#[derive(Clone, Copy)]
enum Part {
    Context(u32),
    Added(u32),
    Removed(u32),
    /// A word about the line before it: that no newline ends it.
    Remark,
    Header,
    /// The names of files, and what git says about them.
    File,
    Outside,
}

/// What is left of a hunk, and where it has come to.
struct Hunk {
    old: u32,
    new: u32,
    old_left: u32,
    new_left: u32,
}

fn part(hunk: &mut Option<Hunk>, line: &str) -> Part {
    match hunk.as_mut().map(|hunk| hunk.part(line)) {
        Some(Part::Outside) | None => {
            *hunk = Hunk::begun_by(line);
            if hunk.is_some() { Part::Header } else { outside(line) }
        }
        Some(part) => part,
    }
}

impl Hunk {
    /// Reads `@@ -2,7 +2,7 @@`; a count that is not there is one.
    fn begun_by(line: &str) -> Option<Hunk> {
        let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
        let (old, new) = ranges.split_once(" +")?;
        let range = |text: &str| -> Option<(u32, u32)> {
            let (start, count) = text.split_once(',').unwrap_or((text, "1"));
            Some((start.parse().ok()?, count.parse().ok()?))
        };
        let ((old, old_left), (new, new_left)) = (range(old)?, range(new)?);
        Some(Hunk { old, new, old_left, new_left })
    }

    fn part(&mut self, line: &str) -> Part {
        match line.as_bytes().first() {
            Some(b'\\') => Part::Remark,
            Some(b'-') if self.old_left > 0 => Part::Removed(self.pass_old()),
            Some(b'+') if self.new_left > 0 => Part::Added(self.pass_new()),
            // Some programs drop the one blank of an empty line.
            Some(b' ' | b'\r') | None if self.old_left > 0 && self.new_left > 0 => {
                self.pass_old();
                Part::Context(self.pass_new())
            }
            _ => Part::Outside,
        }
    }

    fn pass_old(&mut self) -> u32 {
        self.old_left -= 1;
        let at = self.old;
        self.old = at.saturating_add(1);
        at
    }

    fn pass_new(&mut self) -> u32 {
        self.new_left -= 1;
        let at = self.new;
        self.new = at.saturating_add(1);
        at
    }
}

fn outside(line: &str) -> Part {
    let names = [
        "diff --git ",
        "index ",
        "new file mode ",
        "deleted file mode ",
        "old mode ",
        "new mode ",
        "similarity index ",
        "--- ",
        "+++ ",
        "rename from ",
        "rename to ",
        "Binary files ",
    ];
    if names.iter().any(|begin| line.starts_with(begin)) { Part::File } else { Part::Outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDITED: &str = "edited `f`\n--- f\n+++ f\n@@ -4,3 +4,3 @@\n 4\n-5 <b>\n+five\u{202e}\n 6\n";

    #[test]
    fn a_change_is_drawn_with_numbers_and_hides_nothing() {
        assert!(is_change(EDITED));
        assert_eq!(changed_lines(EDITED), (1, 1));
        let html = change(EDITED).into_string();
        for part in ["row add", "row del", ">5</span>", "-5 &lt;b&gt;", "U+202E", "row hunk"] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn a_hunk_is_as_long_as_its_header_says() {
        let text = "--- a\n+++ a\n@@ -9,2 +9,1 @@\n--- sql\n x\n--- b\n+++ b\n@@ -1 +1 @@\n-a\n+b\nthe end";
        assert_eq!(changed_lines(text), (1, 2));
    }

    #[test]
    fn what_is_no_diff_is_not_taken_for_one() {
        for text in ["", "--- a\n+++ b\n", "- a\n+ b\n", "@@ -1 +1 @@\n-a\n+b", "--- a\n+++ b\n@@ -x +1 @@"] {
            assert!(!is_change(text), "{text:?}");
        }
        assert!(!change("@@ -99999999999,1 +1 @@\n-a").into_string().contains("row del"));
        assert!(change("@@ -4294967295,9 +1,9 @@\n-a\n-b").into_string().contains("row del"));
    }
}
