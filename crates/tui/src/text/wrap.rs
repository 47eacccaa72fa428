//! Measures text as the terminal shows it, wraps lines and cuts them.
//!
//! Not here: making a text harmless first; what is measured here is clean.

use ratatui::buffer::CellWidth as _;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use std::borrow::Cow;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;

/// The most bytes of one line that are wrapped. The rest is not drawn, and the line says how much that is.
pub const LONGEST_LINE: usize = 256 * 1024;

/// The most bytes that stay together as one grapheme. No writing system comes near; more is an attack, and is taken apart.
const LONGEST_GRAPHEME: usize = 128;

/// How many columns a text takes: the sum over its graphemes as `ratatui` counts, since that is what draws.
///
/// A width of the text as a whole would differ where letters join (Arabic lam and alef take one cell together, but two when
/// they are put into cells one by one).
pub fn width(text: &str) -> usize {
    pieces(text).map(columns).sum()
}

/// How many columns a line takes.
pub fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

/// So many blanks, without an allocation where they are fewer than a screen is wide.
pub fn blank(columns: usize) -> Cow<'static, str> {
    const BLANK: &str = match std::str::from_utf8(&[b' '; 512]) {
        Ok(blank) => blank,
        Err(_) => "",
    };
    BLANK.get(..columns).map_or_else(|| Cow::Owned(" ".repeat(columns)), Cow::Borrowed)
}

/// A line across so many columns, without an allocation where they are fewer than a screen is wide.
pub fn rule(columns: usize) -> Cow<'static, str> {
    const DASH: &str = "─";
    const RULE: &str = concat!(
        "────────────────────────────────────────────────────────────────",
        "────────────────────────────────────────────────────────────────",
        "────────────────────────────────────────────────────────────────",
        "────────────────────────────────────────────────────────────────",
        "────────────────────────────────────────────────────────────────",
    );
    let bytes = columns.saturating_mul(DASH.len());
    RULE.get(..bytes).map_or_else(|| Cow::Owned(DASH.repeat(columns)), Cow::Borrowed)
}

/// Wraps a line at words. The rows after the first are moved in by `hang` blanks, which have no style.
///
/// A row ends before a word, or beside a wide character, which is written without spaces; a word longer than a row is
/// broken. The blanks a row is broken at are dropped, those that a line begins with stay. A grapheme is never split (but for
/// one of more than 128 bytes, which no writing system has), so a row is only wider than `width` when one grapheme is. A
/// `hang` that would leave fewer than two columns is none. The time is linear; beyond [`LONGEST_LINE`] bytes the line is cut.
pub fn wrap(line: Line<'static>, width: u16, hang: u16) -> Vec<Line<'static>> {
    let width = usize::from(width.max(1));
    let hang = if usize::from(hang) + 2 <= width { usize::from(hang) } else { 0 };
    let line = shortened(line);
    let cells = cells(&line);
    if cells.iter().map(|cell| usize::from(cell.width)).sum::<usize>() <= width {
        return vec![line];
    }
    let mut rows = Vec::new();
    let mut from = 0;
    while from < cells.len() {
        let moved = if rows.is_empty() { 0 } else { hang };
        let (end, next) = row(&cells, from, width - moved);
        rows.push(drawn(&line, &cells, trimmed(&cells, from..end), moved));
        from = next;
    }
    rows
}

/// Cuts a line to a width. What is cut is shown by `…`, in the style of what is before it.
pub fn truncate(line: Line<'static>, width: u16) -> Line<'static> {
    match overflow(&line, usize::from(width)) {
        Some(keep) => cut(line, keep, width),
        None => line,
    }
}

/// Where a line that is too wide is cut so that `…` fits behind: which span, and where in it.
fn overflow(line: &Line<'_>, width: usize) -> Option<(usize, usize)> {
    let mut used = 0;
    let mut keep = (0, 0);
    for (at, span) in line.spans.iter().enumerate() {
        let mut end = 0;
        for piece in pieces(&span.content) {
            used += columns(piece);
            if used > width {
                return Some(keep);
            }
            end += piece.len();
            if used < width {
                keep = (at, end);
            }
        }
    }
    None
}

fn cut(mut line: Line<'static>, (span, end): (usize, usize), width: u16) -> Line<'static> {
    line.spans.truncate(span + 1);
    if let Some(last) = line.spans.last_mut() {
        let text = last.content.to_mut();
        text.truncate(end);
        if width > 0 {
            text.push('…');
        }
    }
    line
}

/// The graphemes of a text, the monstrous ones in parts.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.graphemes(true).flat_map(|grapheme| {
        let mut rest = grapheme;
        std::iter::from_fn(move || {
            let (piece, left) = rest.split_at(rest.floor_char_boundary(LONGEST_GRAPHEME));
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    })
}

fn columns(grapheme: &str) -> usize {
    match grapheme.as_bytes() {
        [b' '..=b'~'] => 1,
        // Not drawn.
        _ if grapheme.contains(char::is_control) => 0,
        _ => usize::from(grapheme.cell_width()),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Space,
    /// Written without spaces between words, so that a row may end beside it.
    Wide,
    /// Closes what is before it, and does not begin a row.
    Closing,
    Other,
}

struct Cell {
    span: u32,
    start: u32,
    end: u32,
    width: u16,
    kind: Kind,
}

/// Taken together: no line has more than [`LONGEST_LINE`] bytes here, so a place in it fits in 32 bits.
fn cells(line: &Line<'_>) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(line.spans.iter().map(|span| span.content.len()).sum());
    for (span, text) in line.spans.iter().enumerate() {
        let mut start = 0;
        for piece in pieces(&text.content) {
            let end = start + piece.len();
            let width = columns(piece) as u16;
            cells.push(Cell {
                span: span as u32,
                start: start as u32,
                end: end as u32,
                width,
                kind: kind(piece, width),
            });
            start = end;
        }
    }
    cells
}

fn kind(piece: &str, width: u16) -> Kind {
    let mut letters = piece.chars();
    let (first, more) = (letters.next().unwrap_or(' '), letters.next());
    match first {
        '、' | '。' | '，' | '．' | '！' | '？' | '：' | '；' | '）' | '」' | '』' | '】' | '》' | '〉' | '”' | '’'
        | 'ー' => Kind::Closing,
        // What holds the words beside it together.
        '\u{a0}' | '\u{202f}' | '\u{2007}' => Kind::Other,
        // A blank with an accent on it is seen.
        _ if first.is_whitespace() && more.is_none() => Kind::Space,
        _ if width == 2 => Kind::Wide,
        _ => Kind::Other,
    }
}

/// The row that begins at a cell: where it ends, and where the next begins.
fn row(cells: &[Cell], from: usize, room: usize) -> (usize, usize) {
    let (mut used, mut inked, mut last_break) = (0, false, None);
    for at in from..cells.len() {
        let cell = &cells[at];
        if inked && at > from && may_break(cells[at - 1].kind, cell.kind) {
            last_break = Some(at);
        }
        used += usize::from(cell.width);
        if used > room {
            if cell.kind == Kind::Space && at > from {
                let spaces = cells[at..].iter().take_while(|cell| cell.kind == Kind::Space).count();
                return (at, at + spaces);
            }
            let end = last_break.unwrap_or_else(|| at.max(from + 1));
            return (end, end);
        }
        inked |= cell.kind != Kind::Space;
    }
    (cells.len(), cells.len())
}

fn may_break(before: Kind, after: Kind) -> bool {
    match (before, after) {
        (_, Kind::Space | Kind::Closing) => false,
        (Kind::Space | Kind::Wide | Kind::Closing, _) | (_, Kind::Wide) => true,
        (Kind::Other, Kind::Other) => false,
    }
}

/// A row without the blanks it was broken at; those at the end of the line itself stay.
fn trimmed(cells: &[Cell], row: Range<usize>) -> Range<usize> {
    let mut end = row.end;
    while end < cells.len() && end > row.start && cells[end - 1].kind == Kind::Space {
        end -= 1;
    }
    row.start..end
}

fn drawn(line: &Line<'static>, cells: &[Cell], row: Range<usize>, moved: usize) -> Line<'static> {
    let mut out = Line { style: line.style, alignment: line.alignment, spans: Vec::new() };
    if moved > 0 {
        out.spans.push(Span::raw(blank(moved)));
    }
    let groups = cells[row].chunk_by(|a, b| a.span == b.span);
    for group in groups {
        let [first, .., last] = group else {
            out.spans.extend(group.first().map(|only| part(line, only, only)));
            continue;
        };
        out.spans.push(part(line, first, last));
    }
    out
}

fn part(line: &Line<'static>, first: &Cell, last: &Cell) -> Span<'static> {
    let span = &line.spans[first.span as usize];
    Span::styled(span.content[first.start as usize..last.end as usize].to_owned(), span.style)
}

fn shortened(mut line: Line<'static>) -> Line<'static> {
    let whole: usize = line.spans.iter().map(|span| span.content.len()).sum();
    if whole <= LONGEST_LINE {
        return line;
    }
    let mut room = LONGEST_LINE;
    for span in &mut line.spans {
        let keep = span.content.floor_char_boundary(room);
        if keep < span.content.len() {
            span.content = Cow::Owned(span.content[..keep].to_owned());
        }
        room -= keep;
    }
    line.spans.retain(|span| !span.content.is_empty());
    let left: usize = line.spans.iter().map(|span| span.content.len()).sum();
    let style = line.spans.last().map(|span| span.style).unwrap_or_default().add_modifier(Modifier::ITALIC);
    line.push_span(Span::styled(format!(" … {} more bytes of this line are not shown", whole - left), style));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::{Color, Style};

    fn plain(line: &Line<'_>) -> String {
        line.spans.iter().map(|span| &*span.content).collect()
    }

    fn wraps(text: &str, width: u16, hang: u16, expected: &[&str]) {
        let rows: Vec<String> = wrap(Line::raw(text.to_owned()), width, hang).iter().map(plain).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn rows_end_between_words() {
        wraps("the quick brown fox", 10, 0, &["the quick", "brown fox"]);
        wraps("the quick brown fox", 9, 2, &["the quick", "  brown", "  fox"]);
        wraps("exactly", 7, 0, &["exactly"]);
        wraps("", 7, 0, &[""]);
        wraps("a   b", 3, 0, &["a", "b"]);
        wraps("ab   ", 3, 0, &["ab"]);
    }

    #[test]
    fn a_word_longer_than_a_row_is_broken() {
        wraps("a/very/long/path", 6, 0, &["a/very", "/long/", "path"]);
        wraps("see a/very/long/path", 6, 2, &["see", "  a/ve", "  ry/l", "  ong/", "  path"]);
        wraps("abc", 1, 4, &["a", "b", "c"]);
    }

    #[test]
    fn blanks_that_a_line_begins_with_stay() {
        wraps("    let x = call(a);", 14, 0, &["    let x =", "call(a);"]);
        wraps("        abcdefgh", 10, 0, &["        ab", "cdefgh"]);
        wraps("          a", 4, 0, &["", "a"]);
    }

    #[test]
    fn wide_and_joined_characters_stay_whole() {
        wraps("日本語のテキスト", 5, 0, &["日本", "語の", "テキ", "スト"]);
        wraps("終わり。次", 6, 0, &["終わ", "り。次"]);
        wraps("a👩‍👩‍👧b👍🏽c", 3, 0, &["a👩‍👩‍👧", "b👍🏽", "c"]);
        wraps("e\u{301}e\u{301}e\u{301}", 2, 0, &["e\u{301}e\u{301}", "e\u{301}"]);
        wraps("字字", 1, 0, &["字", "字"]);
    }

    #[test]
    fn styles_go_along() {
        let red = Style::new().fg(Color::Red);
        let line = Line::from(vec![Span::raw("one "), Span::styled("two three", red), Span::raw(" four")]);
        let rows = wrap(line, 8, 0);
        assert_eq!(rows[0], Line::from(vec![Span::raw("one "), Span::styled("two", red)]));
        assert_eq!(rows[1], Line::from(vec![Span::styled("three", red)]));
        assert_eq!(rows[2], Line::from(vec![Span::raw("four")]));
    }

    #[test]
    fn a_cut_line_says_so() {
        let cuts = |text: &str, width| plain(&truncate(Line::raw(text.to_owned()), width));
        assert_eq!(cuts("abcdef", 6), "abcdef");
        assert_eq!(cuts("abcdef", 5), "abcd…");
        assert_eq!(cuts("字字字", 5), "字字…");
        assert_eq!(cuts("字字字", 4), "字…");
        assert_eq!(cuts("ab", 1), "…");
        assert_eq!(cuts("ab", 0), "");
        let two = Line::from(vec![Span::raw("ab"), Span::raw("cd")]);
        assert_eq!(plain(&truncate(two, 3)), "ab…");
    }

    #[test]
    fn ten_megabytes_in_one_line_are_cut_and_said() {
        let rows = wrap(Line::raw("x".repeat(10_000_000)), 100, 0);
        assert_eq!(rows.len(), LONGEST_LINE.div_ceil(100));
        assert!(rows.iter().map(plain).collect::<String>().ends_with("9737856 more bytes of this line are not shown"));
        assert_eq!(plain(&truncate(Line::raw("x".repeat(10_000_000)), 3)), "xx…");
    }

    #[test]
    fn a_monstrous_grapheme_is_taken_apart() {
        let rows = wrap(Line::raw("\u{1100}".repeat(10_000)), 80, 0);
        assert!(rows.iter().all(|row| plain(row).len() <= LONGEST_GRAPHEME), "{}", rows.len());
        assert_eq!(rows.iter().map(|row| plain(row).len()).sum::<usize>(), 30_000);
    }

    #[test]
    fn blanks_and_rules_have_their_length() {
        for columns in [0, 1, 80, 320, 321, 512, 513, 2_000] {
            assert_eq!(blank(columns).len(), columns);
            assert_eq!(rule(columns).chars().count(), columns);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_row_is_wider_than_it_may_be_and_no_letter_is_lost(
            parts in prop::collection::vec("[a-z 字é👍\u{200d}\u{301}\u{a0}。-]{0,20}|\\PC{0,12}", 0..6),
            width in 1u16..40,
            hang in 0u16..10,
        ) {
            let line = Line::from(parts.iter().map(|part| Span::raw(part.clone())).collect::<Vec<_>>());
            let whole: String = parts.concat();
            let rows = wrap(line.clone(), width, hang);
            for row in &rows {
                let text = plain(row);
                let inked = text.trim_start().graphemes(true).count();
                prop_assert!(line_width(row) <= usize::from(width) || inked <= 1, "{text:?}");
            }
            let letters = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&rows.iter().map(plain).collect::<String>()), letters(&whole));
            prop_assert!(line_width(&truncate(line, width)) <= usize::from(width));
        }
    }
}
