//! What a model says, as HTML: the Markdown it writes in, and nothing that it could do harm with.
//!
//! Not here: words that are still to come (that is `speaking`).
//!
//! Raw HTML is shown as text. A link leads to `http`, `https` or `mailto` or is none; an image is a link, so that reading a page
//! asks no server for anything.

use crate::page::highlight;
use crate::page::text::plain;
use maud::{Escaper, Markup, PreEscaped, html};
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::fmt::Write as _;

/// The most bytes that are read as Markdown; more is text.
const MOST_MARKDOWN: usize = 512 * 1024;

/// How many blocks may be in each other; what is deeper stands in the last one.
const DEEPEST: usize = 32;

/// The level of the first heading of a message, below those of the page.
const FIRST_HEADING: u8 = 3;

/// A text in Markdown as HTML.
pub fn markdown(text: &str) -> Markup {
    let text = plain(text);
    if text.len() > MOST_MARKDOWN {
        return html! { pre.plain tabindex="0" { (text) } };
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::default();
    for event in Parser::new_ext(&text, options) {
        page.take(event);
    }
    PreEscaped(page.out)
}

/// Code in a box with its language and a button to copy it.
pub fn code_box(code: &str, language: &str) -> Markup {
    let name: String =
        language.chars().take_while(|letter| letter.is_alphanumeric() || "+#-_".contains(*letter)).collect();
    html! {
        div.code-box {
            div.code-bar {
                span { (name) }
                button.copy type="button" hidden { "Copy" }
            }
            pre tabindex="0" { code { (highlight::code(code, language)) } }
        }
    }
}

/// The HTML so far, and where in the Markdown it is.
#[derive(Default)]
struct Page {
    out: String,
    /// What ends the blocks and spans that are open; empty for those that are too deep.
    open: Vec<&'static str>,
    code: Option<(String, String)>,
    /// The address of an image whose words are being read, and those words.
    image: Option<(String, String)>,
    columns: Vec<Alignment>,
    column: usize,
    heading: u8,
    in_head: bool,
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        if let Some((_, words)) = &mut self.image {
            match event {
                Event::Text(text) | Event::Code(text) => words.push_str(&text),
                Event::End(TagEnd::Image) => self.end_image(),
                _ => {}
            }
            return;
        }
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(code) => self.out.push_str(&html! { code { (*code) } }.into_string()),
            Event::Html(raw) | Event::InlineHtml(raw) => self.text(&raw),
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>"),
            Event::Rule => self.out.push_str("<hr>"),
            Event::TaskListMarker(done) => self.out.push_str(if done { "\u{2611} " } else { "\u{2610} " }),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => self.text(&text),
        }
    }

    fn text(&mut self, text: &str) {
        let written = Escaper::new(&mut self.out).write_str(text);
        debug_assert!(written.is_ok(), "a text has room for more");
    }

    fn open(&mut self, begin: &str, end: &'static str) {
        if self.open.len() < DEEPEST {
            self.out.push_str(begin);
            self.open.push(end);
        } else {
            self.open.push("");
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.open("<p>", "</p>"),
            Tag::HtmlBlock => self.open("<p>", "</p>"),
            Tag::Heading { level, .. } => self.begin_heading(level),
            Tag::BlockQuote(_) => self.open("<blockquote>", "</blockquote>"),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(Some(1)) => self.open("<ol>", "</ol>"),
            Tag::List(Some(first)) => self.open(&format!("<ol start=\"{first}\">"), "</ol>"),
            Tag::List(None) => self.open("<ul>", "</ul>"),
            Tag::Item => self.open("<li>", "</li>"),
            Tag::Table(columns) => {
                self.columns = columns;
                self.open("<div class=\"table\" tabindex=\"0\"><table>", "</tbody></table></div>");
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.open("<thead><tr>", "</tr></thead><tbody>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.open("<tr>", "</tr>");
            }
            Tag::TableCell => self.begin_cell(),
            Tag::Emphasis => self.open("<em>", "</em>"),
            Tag::Strong => self.open("<strong>", "</strong>"),
            Tag::Strikethrough => self.open("<del>", "</del>"),
            Tag::Link { dest_url, .. } => self.begin_link(&dest_url),
            Tag::Image { dest_url, .. } => self.image = Some((dest_url.into_string(), String::new())),
            _other => self.open("", ""),
        }
    }

    fn begin_heading(&mut self, level: HeadingLevel) {
        // A level is never left out, whatever the model does, so that one can go by them.
        let wanted = (level as u8).saturating_add(FIRST_HEADING - 1).min(6);
        let level = wanted.min(self.heading.max(FIRST_HEADING - 1) + 1);
        self.heading = level;
        match level {
            3 => self.open("<h3>", "</h3>"),
            4 => self.open("<h4>", "</h4>"),
            5 => self.open("<h5>", "</h5>"),
            _ => self.open("<h6>", "</h6>"),
        }
    }

    fn begin_cell(&mut self) {
        let class = match self.columns.get(self.column) {
            Some(Alignment::Right) => " class=\"right\"",
            Some(Alignment::Center) => " class=\"center\"",
            Some(Alignment::Left | Alignment::None) | None => "",
        };
        self.column += 1;
        match self.in_head {
            true => self.open(&format!("<th scope=\"col\"{class}>"), "</th>"),
            false => self.open(&format!("<td{class}>"), "</td>"),
        }
    }

    fn begin_link(&mut self, address: &str) {
        if !leads_somewhere(address) {
            self.open("", "");
            return;
        }
        let mut begin = "<a rel=\"noreferrer noopener\" target=\"_blank\" href=\"".to_owned();
        let written = Escaper::new(&mut begin).write_str(address);
        debug_assert!(written.is_ok(), "a text has room for more");
        begin.push_str("\">");
        self.open(&begin, "</a>");
    }

    fn end(&mut self, tag: TagEnd) {
        if tag == TagEnd::CodeBlock {
            if let Some((language, code)) = self.code.take() {
                self.out.push_str(&code_box(&code, &language).into_string());
            }
            return;
        }
        let end = self.open.pop().unwrap_or_default();
        if tag == TagEnd::TableHead {
            self.in_head = false;
        }
        self.out.push_str(end);
    }

    fn end_image(&mut self) {
        let Some((address, words)) = self.image.take() else { return };
        let words = if words.is_empty() { address.clone() } else { words };
        let image = match leads_somewhere(&address) && !self.open.contains(&"</a>") {
            true => html! { a.image rel="noreferrer noopener" target="_blank" href=(address) { "image: " (words) } },
            false => html! { "image: " (words) },
        };
        self.out.push_str(&image.into_string());
    }
}

/// Whether an address is one that a link may lead to.
pub fn leads_somewhere(address: &str) -> bool {
    let begins = |scheme: &str| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://") || begins("mailto:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html_of(text: &str) -> String {
        markdown(text).into_string()
    }

    #[test]
    fn raw_html_is_text() {
        let html = html_of("<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b\n\n<div onclick=x>\n");
        for tag in ["<script", "<img", "<div onclick"] {
            assert!(!html.contains(tag), "{html}");
        }
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn a_link_leads_where_a_page_may_lead() {
        let html = html_of(
            "[a](https://x.test/?a=\"b) [b](javascript:alert(1)) <JAVASCRIPT:x> [c](data:text/html,x) [d](//x) ![i](http://x.test/i.png)",
        );
        assert_eq!(html.matches("<a ").count(), 2, "{html}");
        assert_eq!(html.matches("rel=\"noreferrer noopener\"").count(), 2, "{html}");
        assert!(!html.contains("href=\"javascript") && !html.contains("<img") && html.contains("image: i"), "{html}");
        assert!(!html_of("[![i](http://a)](http://b)").contains("</a></a>"));
    }

    #[test]
    fn what_models_write_is_drawn() {
        let html = html_of(
            "# A\n\n##### B\n\n1. x\n2. y\n\n| a | b |\n|---|--:|\n| 1 | **2** |\n\n```rust\nfn f() {}\n```\n- [x] done ~~no~~",
        );
        for part in [
            "<h3>A</h3>",
            "<h4>B</h4>",
            "<ol><li>x",
            "<th scope=\"col\">a</th>",
            "<td class=\"right\"><strong>2</strong></td>",
            "</tbody></table>",
            "<span class=\"k-k\">fn</span>",
            "\u{2611} done <del>no</del>",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn nothing_is_deeper_than_a_page_can_be() {
        let html = html_of(&format!("{}x", "> ".repeat(5_000)));
        assert!(html.matches("<blockquote>").count() <= DEEPEST);
        assert_eq!(html.matches("<blockquote>").count(), html.matches("</blockquote>").count());
    }
}
