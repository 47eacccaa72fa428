//! Draws a change to files: a unified diff, with its signs, its line numbers and their colours.
//!
//! Not here: making one. What comes is taken as it is; a diff that was cut, or that is none, is drawn as text.

use crate::text::{reveal, wrap};
use crate::theme::{Role, Theme};
use ratatui::text::{Line, Span};

/// How many lines are looked at to tell whether a text is a diff; what is said before one is a line or two.
const LOOKED_AT: usize = 200;

/// Whether a text has a unified diff in it: two names of files, and where the first change is.
pub fn looks_like_diff(text: &str) -> bool {
    let mut lines = text.lines().take(LOOKED_AT).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("--- ") && lines.peek().is_some_and(|next| next.starts_with("+++ ")) {
            lines.next();
            if lines.peek().and_then(|next| Hunk::begun_by(next)).is_some() {
                return true;
            }
        }
    }
    false
}

/// Draws a text that has diffs in it, as `edit` and git write them. The rows fit the width.
///
/// Each line of a hunk has its number (in the new file, or for a removed line in the old one) and keeps its sign, so that
/// colour says nothing alone. How long a hunk is, its header says: a removed line that reads `-- a` is not taken for a
/// file's name. Give the text as it came and not cleaned: the diff is what a person approves, so nothing is taken out of it
/// and what would steer the terminal is shown. The return that ends a line of another system is not
/// shown where a hunk or its header leaves the line as it is.
pub fn render(text: &str, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let mut hunk: Option<Hunk> = None;
    let digits = digits(text);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        let part = match hunk.as_mut().map(|hunk| hunk.part(line)) {
            Some(Part::Outside) | None => {
                hunk = Hunk::begun_by(line);
                if hunk.is_some() { Part::Header } else { outside(line) }
            }
            Some(part) => part,
        };
        draw(part, line, (width, digits), theme, &mut out);
    }
    out
}

/// How many lines a text's diffs add, and how many they remove.
pub fn changed_lines(text: &str) -> (usize, usize) {
    let (mut added, mut removed) = (0, 0);
    let mut hunk: Option<Hunk> = None;
    for line in text.split('\n') {
        match hunk.as_mut().map(|hunk| hunk.part(line)) {
            Some(Part::Added(_)) => added += 1,
            Some(Part::Removed(_)) => removed += 1,
            Some(Part::Outside) | None => hunk = Hunk::begun_by(line),
            Some(Part::Context(_) | Part::Remark | Part::Header | Part::File) => {}
        }
    }
    (added, removed)
}

/// What a line of a diff is.
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

impl Hunk {
    /// Reads `@@ -2,7 +2,7 @@`; a count that is not there is one.
    fn begun_by(line: &str) -> Option<Hunk> {
        let ranges = line.strip_prefix("@@ -")?;
        let (ranges, _) = ranges.split_once(" @@")?;
        let (old, new) = ranges.split_once(" +")?;
        let range = |text: &str| -> Option<(u32, u32)> {
            match text.split_once(',') {
                Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
                None => Some((text.parse().ok()?, 1)),
            }
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
    let git = [
        "diff --git ",
        "index ",
        "new file mode ",
        "deleted file mode ",
        "old mode ",
        "new mode ",
        "similarity index ",
    ];
    let names = ["--- ", "+++ ", "rename from ", "rename to ", "Binary files "];
    if git.iter().chain(&names).any(|begin| line.starts_with(begin)) { Part::File } else { Part::Outside }
}

/// How many digits the largest number of a line may have, told by the headers.
fn digits(text: &str) -> usize {
    let hunks = text.lines().filter_map(Hunk::begun_by);
    let last =
        hunks.map(|hunk| hunk.old.saturating_add(hunk.old_left).max(hunk.new.saturating_add(hunk.new_left))).max();
    last.map_or(0, |last| last.to_string().len())
}

fn draw(part: Part, line: &str, (width, digits): (u16, usize), theme: &Theme, out: &mut Vec<Line<'static>>) {
    let (role, number) = match part {
        Part::Context(number) => (Role::Text, Some(number)),
        Part::Added(number) => (Role::Added, Some(number)),
        Part::Removed(number) => (Role::Removed, Some(number)),
        Part::Remark => (Role::Dim, None),
        Part::Header => (Role::Hunk, None),
        Part::File => (Role::Strong, None),
        Part::Outside => (Role::Text, None),
    };
    let line = match part {
        Part::Context(_) | Part::Header | Part::File | Part::Remark => line.strip_suffix('\r').unwrap_or(line),
        Part::Added(_) | Part::Removed(_) | Part::Outside => line,
    };
    let gutter = digits + 1;
    let in_hunk = number.is_some() || matches!(part, Part::Remark);
    let beside = in_hunk && gutter * 3 <= usize::from(width);
    let (room, hang) = if beside { (width - gutter as u16, 1) } else { (width, u16::from(in_hunk)) };
    let rows = wrap(Line::raw(reveal(line).into_owned()), room, hang);
    for (at, row) in rows.into_iter().enumerate() {
        let mut row = row.patch_style(theme.style(role));
        if beside {
            let number = number.filter(|_| at == 0).map(|number| number.to_string()).unwrap_or_default();
            row.spans.insert(0, Span::styled(format!("{number:>digits$} "), theme.style(Role::Dim)));
        }
        out.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::line_width;
    use crate::theme::{Depth, Ground};
    use proptest::prelude::*;

    const THEME: Theme = Theme::new(Depth::True, Ground::Dark);
    const EDITED: &str = "edited `f`\n--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";

    fn plain(text: &str, width: u16) -> Vec<String> {
        let lines = render(text, width, &THEME);
        lines.iter().map(|line| line.spans.iter().map(|span| &*span.content).collect()).collect()
    }

    #[test]
    fn what_edit_says_is_drawn_with_numbers() {
        assert!(looks_like_diff(EDITED));
        let expected = [
            "edited `f`",
            "--- f",
            "+++ f",
            "@@ -2,7 +2,7 @@",
            "2  2",
            "3  3",
            "4  4",
            "5 -5",
            "5 +five",
            "6  6",
            "7  7",
            "8  8",
        ];
        assert_eq!(plain(EDITED, 40), expected);
        let lines = render(EDITED, 40, &THEME);
        assert_eq!(lines[7].style.patch(lines[7].spans[1].style), THEME.style(Role::Removed));
        assert_eq!(lines[8].style.patch(lines[8].spans[1].style), THEME.style(Role::Added));
        assert_eq!(lines[8].spans[0].style.fg, THEME.style(Role::Dim).fg);
    }

    #[test]
    fn a_hunk_is_as_long_as_its_header_says() {
        let text = "--- a\n+++ a\n@@ -9,2 +9,1 @@\n--- sql\n x\n--- b\n+++ b\n@@ -1 +1 @@\n-a\n+b\nthe end";
        let expected = [
            "--- a",
            "+++ a",
            "@@ -9,2 +9,1 @@",
            " 9 --- sql",
            " 9  x",
            "--- b",
            "+++ b",
            "@@ -1 +1 @@",
            " 1 -a",
            " 1 +b",
            "the end",
        ];
        assert_eq!(plain(text, 40), expected);
    }

    #[test]
    fn a_cut_diff_is_drawn_as_far_as_it_goes() {
        let text = "--- f\n+++ f\n@@ -1,9 +1,9 @@\n 1\n-2\n[cut here: 9 of 99 bytes are not shown]";
        assert_eq!(plain(text, 80)[3..], [" 1  1", " 2 -2", "[cut here: 9 of 99 bytes are not shown]"]);
    }

    #[test]
    fn what_git_says_about_a_file_is_there_too() {
        let text = "diff --git a/f b/f\nindex 1..2 100644\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@ fn main() {\n a\n-b\n\\ No newline at end of file\n+b\n";
        assert!(looks_like_diff(text));
        let expected = [
            "diff --git a/f b/f",
            "index 1..2 100644",
            "--- a/f",
            "+++ b/f",
            "@@ -1,2 +1,2 @@ fn main() {",
            "1  a",
            "2 -b",
            "  \\ No newline at end of file",
            "2 +b",
        ];
        assert_eq!(plain(text, 60), expected);
    }

    #[test]
    fn a_long_line_goes_on_beside_its_number() {
        let text = "@@ -10,1 +10,1 @@\n-one two three\n+four\n";
        assert_eq!(plain(text, 12), ["@@ -10,1", "+10,1 @@", "10 -one two", "    three", "10 +four"]);
        assert_eq!(plain(text, 7)[4..], ["-one", " two", " three", "+four"]);
    }

    #[test]
    fn a_change_hides_nothing() {
        let text = "@@ -1,2 +1,2 @@\n a\r\n-b\n+b\r\n";
        assert_eq!(plain(text, 40)[1..], ["1  a", "2 -b", "2 +b<U+000D>"]);
        assert_eq!(plain("ls\r\nrm", 40), ["ls<U+000D>", "rm"]);
        let text = "@@ -1 +1 @@\n-ls\n+ls \u{1b}[8m; rm -r .\u{1b}[m\n";
        assert_eq!(plain(text, 60)[2], "1 +ls <U+001B>[8m; rm -r .<U+001B>[m");
    }

    #[test]
    fn what_is_no_diff_is_not_taken_for_one() {
        for text in
            ["", "--- a\n+++ b\n", "- a\n+ b\n", "@@ -1 +1 @@\n-a\n+b", "--- a\n+++ b\n@@ -x +1 @@", "a\n---\nb"]
        {
            assert!(!looks_like_diff(text), "{text:?}");
        }
        assert_eq!(plain("just\ntext", 40), ["just", "text"]);
        assert_eq!(plain("@@ -99999999999,1 +1 @@\n-a", 40), ["@@ -99999999999,1 +1 @@", "-a"]);
        assert_eq!(plain("@@ -4294967295,9 +4294967295,9 @@\n-a\n-b", 40)[1..], ["4294967295 -a", "4294967295 -b"]);
    }

    #[test]
    fn ten_thousand_lines_are_drawn() {
        let lines = "-old line\n+new line\n".repeat(5_000);
        let text = format!("--- f\n+++ f\n@@ -1,5000 +1,5000 @@\n{lines}");
        let drawn = plain(&text, 80);
        assert_eq!(drawn.len(), 10_003);
        assert_eq!(drawn[10_002], "5000 +new line");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whatever_comes_fits(
            text in "(@@ -[0-9]{1,4},[0-9] \\+[0-9]{1,4},[0-9] @@\n|[ +\\\\-][a-z \t字]{0,30}\r?\n|.{0,20}\n){0,12}",
            width in 2u16..100,
        ) {
            for line in render(&text, width, &THEME) {
                prop_assert!(line_width(&line) <= usize::from(width), "{line:?}");
            }
        }
    }
}
