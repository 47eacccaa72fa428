//! What Markdown looks like on the terminal.
//!
//! Not here: how a table's columns share the room, and how an open end is closed; those are tested where they are done.

use super::*;
use crate::text::line_width;
use crate::theme::{Depth, Ground, Role};
use proptest::prelude::*;
use ratatui::style::Modifier;

const THEME: Theme = Theme::new(Depth::True, Ground::Dark);

fn plain(lines: &[Line<'_>]) -> Vec<String> {
    lines.iter().map(|line| line.spans.iter().map(|span| &*span.content).collect()).collect()
}

fn draws(text: &str, width: u16, expected: &[&str]) {
    assert_eq!(plain(&render(text, width, &THEME)), expected, "{text:?}");
}

#[test]
fn paragraphs_are_wrapped_and_parted() {
    draws("One two three.\n\nFour.", 10, &["One two", "three.", "", "Four."]);
    draws("Street 1\nTown", 40, &["Street 1", "Town"]);
    draws("", 40, &[]);
}

#[test]
fn headings_keep_their_signs() {
    draws("# A *b*\ntext\n## C\n\nD\n===", 40, &["# A b", "", "text", "", "## C", "", "# D"]);
    let lines = render("# A", 40, &THEME);
    assert_eq!(lines[0].spans[0].style, THEME.style(Role::Heading));
}

#[test]
fn words_are_stressed() {
    let lines = render("a *b* **c** `d` ~~e~~", 40, &THEME);
    assert_eq!(plain(&lines), ["a b c d ~~e~~"]);
    let style = |word: &str| {
        lines[0].spans.iter().find(|span| span.content.contains(word)).map(|span| span.style).unwrap_or_default()
    };
    assert!(style("b").add_modifier.contains(Modifier::ITALIC));
    assert_eq!(style("c"), THEME.style(Role::Strong));
    assert_eq!(style("d"), THEME.style(Role::Code));
    assert!(style("e").add_modifier.contains(Modifier::CROSSED_OUT));
}

#[test]
fn lists_are_nested_numbered_and_ticked_off() {
    let text = "Do:\n\n- one\n  - two words\n\n- three\n\n9. nine\n10. ten\n\n- [x] done\n- [ ] not\n-\n";
    let expected = [
        "Do:",
        "",
        "• one",
        "  • two",
        "    words",
        "• three",
        "",
        "9. nine",
        "10. ten",
        "",
        "• [x] done",
        "• [ ] not",
        "• ",
    ];
    draws(text, 11, &expected);
    draws("- a\n\n  b\n\n  ```\n  c\n  ```\n- d", 40, &["• a", "", "  b", "", "    c", "• d"]);
    draws("- - a\n  - b", 40, &["• • a", "  • b"]);
    draws("1. a\n   - b\n2. c", 40, &["1. a", "   • b", "2. c"]);
}

#[test]
fn quotes_have_a_bar() {
    draws("> one two three\n>\n> - a\n>   > b", 14, &["│ one two", "│ three", "│", "│ • a", "│", "│   │ b"]);
    draws("a\n> b\n\nc", 10, &["a", "", "│ b", "", "c"]);
}

#[test]
fn links_say_where_they_lead() {
    draws(
        "[words](http://a.b/c) <http://d.e> [http://f.g](http://f.g)",
        80,
        &["words (http://a.b/c) http://d.e http://f.g"],
    );
    draws("[http://good.example](http://bad.example)", 80, &["http://good.example (http://bad.example)"]);
    draws("<a@b.c> ![a cat](c.png) [](d)", 80, &["a@b.c image: a cat (c.png) d"]);
}

#[test]
fn code_is_moved_in_and_goes_on_behind_a_sign() {
    draws("```rust\nfn main() {\n    a(1);\n}\n```", 40, &["  rust", "  fn main() {", "      a(1);", "  }"]);
    draws("```\nabcdefghij klmnop\n```", 10, &["  abcdefgh", "↪ ij", "↪ klmnop"]);
    draws("    indented\n\nb", 20, &["  indented", "", "b"]);
    draws("```\n**a** &amp; <b>\n```", 40, &["  **a** &amp; <b>"]);
    draws("- ```\n  ```\n", 40, &["• "]);
    let lines = render("```py\ndef f():\n```", 40, &THEME);
    assert_eq!(lines[1].spans[1].style, THEME.style(Role::CodeKeyword));
}

#[test]
fn tables_fit_the_page() {
    let text = "| Name | Size |\n|:-----|-----:|\n| a | 10 |\n| longer | 7 |";
    draws(text, 40, &["Name   │ Size", "───────┼─────", "a      │   10", "longer │    7"]);
    let text = "| k | v |\n|---|---|\n| one two three | four five six seven |\n| x | y |";
    let expected = [
        "k        │ v",
        "─────────┼─────────",
        "one two  │ four",
        "three    │ five six",
        "         │ seven",
        "─────────┼─────────",
        "x        │ y",
    ];
    draws(text, 19, &expected);
    draws("> | a | b |\n> |---|---|\n> | 字 | `x` |", 40, &["│ a  │ b", "│ ───┼──", "│ 字 │ x"]);
}

#[test]
fn a_table_too_wide_becomes_a_list() {
    let text = "| Name | What it is | Cost |\n|---|---|---|\n| alpha | the first of them | 10 |\n| beta | | 20 |";
    draws(text, 18, &["Name: alpha", "What it is: the", "  first of them", "Cost: 10", "", "Name: beta", "Cost: 20"]);
}

#[test]
fn rules_and_html_are_drawn() {
    draws("a\n\n---\n\nb", 5, &["a", "", "─────", "", "b"]);
    draws("a <b>c</b>\n\n<div>\nd\n</div>", 40, &["a <b>c</b>", "", "<div>", "d", "</div>"]);
}

#[test]
fn nothing_that_steers_gets_through_as_an_entity() {
    draws("a&#27;[31mb&#x202e;c&#9;d [e](&#7;f)", 40, &["a[31mbc    d e (f)"]);
    draws("a\u{1b}[31mb\u{1b}]0;x\u{7}", 40, &["ab"]);
}

const STORY: &str = "# Title\n\nSome *stressed* and **strong** words, `code`, and [a link](http://a.b/c).\n\nIt has:\n- one\n- two \
    **strong**\n  1. inner\n  2. more\n\n> quoted text\n> goes on\n\n```rust\nfn main() {\n    // ---\n    let a = 1;\n}\n```\n\n\
    | a | b |\n|---|---|\n| 1 | 2 |\n\nSetext?\n- no\n\n---\n\nThe end.\n";

/// The rows that are drawn stay: but for those of the block that is coming, none ever changes or goes away.
#[test]
fn what_was_drawn_stays_while_more_is_coming() {
    let mut before: Vec<String> = Vec::new();
    for end in 0..=STORY.len() {
        let text = &STORY[..end];
        let now = plain(&render_open(text, 60, &THEME));
        let kept = before.len().saturating_sub(1);
        assert!(
            now.len() >= before.len(),
            "rows went away at {:?}: {before:#?} {now:#?}",
            &text[end.saturating_sub(20)..]
        );
        let is_table = before.iter().any(|row| row.contains('┼'));
        if !is_table {
            assert_eq!(now[..kept], before[..kept], "rows moved at {:?}", &text[end.saturating_sub(20)..]);
        }
        before = now;
    }
    assert_eq!(before, plain(&render(STORY, 60, &THEME)));
}

#[test]
fn an_open_end_is_drawn_as_it_will_be() {
    let strong = |text: &str| render_open(text, 40, &THEME);
    assert_eq!(strong("a **b"), render("a **b**", 40, &THEME));
    assert_eq!(strong("a **b*"), render("a **b**", 40, &THEME));
    assert_eq!(strong("```py\ndef"), render("```py\ndef\n```", 40, &THEME));
}

/// What is hostile. That they end at all is what is asserted; a quadratic one would not within the day.
#[test]
fn hostile_megabytes_come_to_an_end() {
    let large = ["[", "`", "` ``", "> ", "- ", "*a "];
    let units = [
        "![",
        "**",
        "_a*",
        "<",
        "<a ",
        "&#",
        "[a](",
        "|",
        "|a",
        ">",
        "1. ",
        "~~",
        "#",
        "\\",
        "\n- ",
        "[a]: b\n",
        "```\n",
        "a\n-\n",
        "(",
        "]",
        "<!--",
        "$",
        "&amp;",
        "\u{301}",
        "\u{200d}👩",
        "]: ",
        "<?",
        "<![CDATA[",
        "[^a]",
        "![a][",
        "    a\n\n",
        "\t>\n",
    ];
    let sized = large.map(|unit| (unit, 1_000_000)).into_iter().chain(units.map(|unit| (unit, 50_000)));
    for (unit, size) in sized {
        ends(&unit.repeat(size / unit.len()), unit);
    }
    let stairs = |sign: &str| (0..300).map(|depth| format!("{}{sign}a\n", "  ".repeat(depth))).collect::<String>();
    ends(&stairs("- "), "stairs");
    ends(&stairs("> "), "quoted stairs");
    ends(&(0..300).map(|depth| format!("{}a\n\n", ">".repeat(depth))).collect::<String>(), "deeper and deeper");
}

fn ends(text: &str, what: &str) {
    let lines = render(text, 80, &THEME);
    assert!(lines.iter().all(|line| line_width(line) <= 80), "{what:?}");
    assert!(closed_is_short(text), "{what:?}");
}

fn closed_is_short(text: &str) -> bool {
    open::closed(text).len() <= text.len() + 16 * 1024
}

#[test]
fn what_is_small_to_write_is_not_large_to_draw() {
    let name = "n".repeat(100_000);
    let texts = [
        format!("| {name} | b |\n|---|---|\n{}", "| a | b |\n".repeat(50_000)),
        format!("[a]: http://{name}\n\n{}", "[a] ".repeat(100_000)),
        format!("|{}\n|{}\n{}", "a|".repeat(5_000), "-|".repeat(5_000), "|a\n".repeat(5_000)),
        "---\n".repeat(200_000),
        format!("{}a\n{}", "> ".repeat(1_000), ">\n".repeat(200_000)),
    ];
    for text in texts {
        let lines = render(&text, 80, &THEME);
        let bytes: usize = lines
            .iter()
            .flat_map(|line| &line.spans)
            .map(|span| match &span.content {
                std::borrow::Cow::Borrowed(_) => 0,
                std::borrow::Cow::Owned(text) => text.len(),
            })
            .sum();
        assert!(bytes <= 20 * text.len() && lines.len() <= text.len() + 1, "{bytes} bytes of {}", text.len());
    }
}

#[test]
fn a_text_too_long_to_be_read_is_drawn_as_it_is() {
    let text = "**a**\n".repeat(MOST_MARKDOWN / 6 + 1);
    let lines = render(&text, 40, &THEME);
    assert_eq!(lines.len(), MOST_MARKDOWN / 6 + 1);
    assert_eq!(plain(&lines[..1]), ["**a**"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn whatever_comes_fits(
        parts in prop::collection::vec("[ \t]{0,5}([-*>#|`~_\\[\\]()!<&0-9.:]{1,3} ?){0,6}[a-z 字é👩\u{200d}\u{301}]{0,12}\\|?\n{0,2}|.{0,20}\n", 0..12),
        width in 1u16..200,
    ) {
        let text = parts.concat();
        for lines in [render(&text, width, &THEME), render_open(&text, width, &THEME)] {
            for line in &lines {
                let inked = line.spans.iter().filter(|span| line_width(&Line::raw(&*span.content)) > 0).count();
                prop_assert!(line_width(line) <= usize::from(width) || inked <= 1 && line_width(line) <= 2, "{line:?} of {text:?}");
            }
        }
    }
}
