//! The text of an HTML page, set in one pass: whatever the page, the time and the room it takes grow with its length only.
//!
//! Not here: fetching it, or understanding it as a browser does: nothing is nested, moved, styled or run.
//!
//! Pages are hostile, so no tree is built. Rejected, by measuring: html2text and html5ever, for which 100 kB of `<div>`
//! are half a minute and 30 kB of paragraphs become 2.4 MB of text; and running them with a time limit, for what cannot be
//! stopped goes on.

use std::borrow::Cow;

/// The longest address that is shown beside a link.
const LONGEST_LINK: usize = 300;

/// The text of a page: paragraphs, headings, lists, table rows and links, as plain text.
pub fn text_of(html: &str) -> String {
    let mut setter = Setter::default();
    let mut rest = html;
    while !rest.is_empty() {
        let end = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        setter.text(&rest[..end]);
        rest = match tag_at(&rest[end..]) {
            Some((tag, after)) => setter.tag(&tag, after),
            None if end < rest.len() => {
                setter.text("<");
                &rest[end + 1..]
            }
            None => "",
        };
    }
    setter.out.truncate(setter.out.trim_end().len());
    setter.out
}

/// What begins with `<` and is no text.
enum Tag<'a> {
    Start(Start<'a>),
    End(&'a str),
    /// A comment or a declaration.
    Aside,
}

/// The beginning of an element, with the attributes that matter.
struct Start<'a> {
    name: &'a str,
    link: Option<&'a str>,
    caption: Option<&'a str>,
}

/// Reads the tag that a text begins with, and what follows it.
fn tag_at(text: &str) -> Option<(Tag<'_>, &str)> {
    let inner = text.strip_prefix('<')?;
    if let Some(comment) = inner.strip_prefix("!--") {
        let end = comment.find("-->").map_or(comment.len(), |end| end + 3);
        return Some((Tag::Aside, &comment[end..]));
    }
    let (is_end, named) = inner.strip_prefix('/').map_or((false, inner), |named| (true, named));
    match named.bytes().next()? {
        b'!' | b'?' if !is_end => {
            let end = named.find('>').map_or(named.len(), |end| end + 1);
            Some((Tag::Aside, &named[end..]))
        }
        letter if letter.is_ascii_alphabetic() => {
            let (start, after) = start_of(named);
            Some((if is_end { Tag::End(start.name) } else { Tag::Start(start) }, after))
        }
        _no_tag => None,
    }
}

/// Reads a name with its attributes, to the `>` or the end.
fn start_of(text: &str) -> (Start<'_>, &str) {
    let name_end =
        text.find(|letter: char| letter.is_ascii_whitespace() || "/>".contains(letter)).unwrap_or(text.len());
    let mut start = Start { name: &text[..name_end], link: None, caption: None };
    let mut rest = &text[name_end..];
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() {
            return (start, "");
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (start, after);
        }
        // An attribute that begins with `=` has it for a name.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let ends = |letter: char| letter.is_ascii_whitespace() || "/>=".contains(letter);
        let end = rest[first..].find(ends).map_or(rest.len(), |end| first + end);
        let (attribute, after) = rest.split_at(end);
        let value;
        (value, rest) = value_of(after);
        let slot = match attribute {
            name if name.eq_ignore_ascii_case("href") => &mut start.link,
            name if name.eq_ignore_ascii_case("alt") => &mut start.caption,
            _other => continue,
        };
        // The first of two attributes of one name counts.
        *slot = slot.or(value);
    }
}

/// Reads the value of an attribute, if there is one, and what follows it.
fn value_of(text: &str) -> (Option<&str>, &str) {
    let Some(value) = text.trim_start_matches(|letter: char| letter.is_ascii_whitespace()).strip_prefix('=') else {
        return (None, text);
    };
    let value = value.trim_start_matches(|letter: char| letter.is_ascii_whitespace());
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split_once(quote).map_or((Some(quoted), ""), |(value, after)| (Some(value), after));
        }
    }
    let end = value.find(|letter: char| letter.is_ascii_whitespace() || letter == '>').unwrap_or(value.len());
    (Some(&value[..end]), &value[end..])
}

/// What stands between what was set and what comes next.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    Nothing,
    Space,
    Line,
    Paragraph,
}

/// The text so far.
#[derive(Default)]
struct Setter {
    out: String,
    gap: Gap,
    /// What the next text begins with: the mark of a heading, a list item or a cell.
    mark: &'static str,
    /// How many elements are open whose white space counts.
    verbatim: usize,
    row_has_cells: bool,
    /// Where the link that is open leads, and where its text begins.
    link: Option<(String, usize)>,
}

impl Setter {
    /// Sets a piece of text.
    fn text(&mut self, text: &str) {
        let text = unescaped(text);
        if self.verbatim > 0 {
            self.put(&text);
            return;
        }
        let is_space = |letter: char| letter.is_ascii_whitespace() || letter == '\u{a0}';
        if text.starts_with(is_space) {
            self.leave(Gap::Space);
        }
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            self.put(word);
            self.leave(Gap::Space);
        }
        if !text.ends_with(is_space) && self.gap == Gap::Space && !text.is_empty() {
            self.gap = Gap::Nothing;
        }
    }

    /// Puts down a word after the gap that is due.
    fn put(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        let gap = match self.gap {
            _ if self.out.is_empty() => "",
            Gap::Nothing => "",
            Gap::Space => " ",
            Gap::Line => "\n",
            Gap::Paragraph => "\n\n",
        };
        self.out.push_str(gap);
        self.out.push_str(self.mark);
        self.out.push_str(word);
        (self.gap, self.mark) = (Gap::Nothing, "");
    }

    fn leave(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Takes a tag, and gives back what is to be read next.
    fn tag<'a>(&mut self, tag: &Tag<'_>, after: &'a str) -> &'a str {
        match tag {
            Tag::Aside => {}
            Tag::End(name) => self.end(&name.to_ascii_lowercase()),
            Tag::Start(start) => {
                let name = start.name.to_ascii_lowercase();
                if matches!(name.as_str(), "script" | "style" | "iframe" | "noembed" | "noframes" | "template") {
                    return past_end(after, &name);
                }
                self.start(&name, start);
            }
        }
        after
    }

    fn start(&mut self, name: &str, start: &Start<'_>) {
        self.leave(gap_around(name));
        match name {
            "h1" => self.mark = "# ",
            "h2" => self.mark = "## ",
            "h3" => self.mark = "### ",
            "h4" | "h5" | "h6" => self.mark = "#### ",
            "li" => self.mark = "- ",
            "tr" => self.row_has_cells = false,
            "td" | "th" if self.row_has_cells => (self.gap, self.mark) = (Gap::Nothing, " | "),
            "td" | "th" => self.row_has_cells = true,
            "pre" | "textarea" => self.verbatim += 1,
            "hr" => {
                self.put("---");
                self.leave(Gap::Paragraph);
            }
            "img" => start.caption.iter().for_each(|caption| self.text(&format!("[{caption}]"))),
            "a" => {
                self.end("a");
                let link = start.link.map(|link| unescaped(link).trim().to_owned());
                let is_worth_showing = |link: &String| {
                    !link.is_empty()
                        && link.len() <= LONGEST_LINK
                        && !link.starts_with('#')
                        && !link.starts_with("javascript:")
                };
                self.link = link.filter(is_worth_showing).map(|link| (link, self.out.len()));
            }
            _plain => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "pre" | "textarea" => self.verbatim = self.verbatim.saturating_sub(1),
            "a" => {
                if let Some((link, begun)) = self.link.take()
                    && begun < self.out.len()
                    && !self.out[begun..].ends_with(&link)
                {
                    self.out.push_str(&format!(" ({link})"));
                }
            }
            _plain => {}
        }
        self.leave(gap_around(name));
    }
}

/// What stands before and after an element.
fn gap_around(name: &str) -> Gap {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "pre" | "blockquote" | "hr"
        | "title" => Gap::Paragraph,
        "address" | "article" | "aside" | "body" | "br" | "caption" | "dd" | "details" | "div" | "dt" | "fieldset"
        | "figcaption" | "figure" | "footer" | "form" | "header" | "legend" | "li" | "main" | "nav" | "option"
        | "section" | "select" | "summary" | "tbody" | "textarea" | "tfoot" | "thead" | "tr" => Gap::Line,
        _inline => Gap::Nothing,
    }
}

/// What follows the end of an element whose content is not for reading.
fn past_end<'a>(text: &'a str, name: &str) -> &'a str {
    for at in memchr::memmem::find_iter(text.as_bytes(), b"</") {
        let named = &text.as_bytes()[at + 2..];
        if named.len() >= name.len() && named[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            let after = &text[at..];
            return after.find('>').map_or("", |end| &after[end + 1..]);
        }
    }
    ""
}

/// The text with its character references put in; those that are not known stay as they are.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        // The longest that is known has 8 letters.
        let end = rest.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| Some((referred(&rest[..end])?, end))) {
            Some((letter, end)) => {
                out.push(letter);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|letter| !letter.is_control() || letter.is_ascii_whitespace());
    }
    const KNOWN: [(&str, char); 42] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("ndash", '–'),
        ("mdash", '—'),
        ("lsquo", '‘'),
        ("rsquo", '’'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("hellip", '…'),
        ("bull", '•'),
        ("middot", '·'),
        ("copy", '©'),
        ("reg", '®'),
        ("trade", '™'),
        ("sect", '§'),
        ("para", '¶'),
        ("deg", '°'),
        ("plusmn", '±'),
        ("times", '×'),
        ("divide", '÷'),
        ("micro", 'µ'),
        ("larr", '←'),
        ("rarr", '→'),
        ("uarr", '↑'),
        ("darr", '↓'),
        ("le", '≤'),
        ("ge", '≥'),
        ("ne", '≠'),
        ("infin", '∞'),
        ("euro", '€'),
        ("pound", '£'),
        ("yen", '¥'),
        ("cent", '¢'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("lbrack", '['),
        ("rbrack", ']'),
        ("check", '✓'),
    ];
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, text: &str) {
        assert_eq!(text_of(html), text, "{html}");
    }

    #[test]
    fn a_page_is_set_in_paragraphs_headings_lists_and_rows() {
        let page = "<!DOCTYPE html><html><head><title>T</title><style>p { x: '<' }</style></head>\
            <body><!-- <p>no --><h2>Head</h2><p>One\n  two<br>three</p><ul><li>a<li><b>b</b></ul>\
            <table><tr><th>x</th><th>y</th></tr><tr><td>1<td>2</table>after";
        check(page, "T\n\n## Head\n\nOne two\nthree\n\n- a\n- b\n\nx | y\n1 | 2\n\nafter");
    }

    #[test]
    fn white_space_counts_where_it_counts() {
        check("a  b\t\n c", "a b c");
        check("<b>a</b>b <i> c</i>", "ab c");
        check("x <pre>  a\n    b</pre> y", "x\n\n  a\n    b\n\ny");
        check("</pre></pre> a  b", "a b");
        check("a&nbsp;b", "a b");
    }

    #[test]
    fn links_show_where_they_lead_and_pictures_what_they_say() {
        check("<a href='/x?a=1&amp;b'>here</a>.", "here (/x?a=1&b).");
        check("<A HREF=https://e.org/>https://e.org/</A>", "https://e.org/");
        check("<a href=\"#top\">up</a> <a href=javascript:x()>run</a> <a name=x>n</a>", "up run n");
        check("<a href=/1>one<a href=/2>two</a>", "one (/1)two (/2)");
        check("<img alt='A > B' src=x> <img>", "[A > B]");
    }

    #[test]
    fn what_is_no_tag_is_text() {
        check("1 < 2 && 3 > 2 <3 a<b", "1 < 2 && 3 > 2 <3 a");
        check("&lt;p&gt; &#233;&#xe9; &nope; &amp;lt; &#0; &#xd800; &", "<p> éé &nope; &lt; &#0; &#xd800; &");
        check("a<!weird>b<?php x ?>c</>d", "abc</>d");
    }

    #[test]
    fn what_is_not_for_reading_is_left_out_even_unfinished() {
        check("a<script>if (1 </s) {}</SCRIPT >b", "ab");
        check("a<script>never ends <p>x", "a");
        check("a<!-- never ends <p>x", "a");
        check("a<p title='never ends <p>x", "a");
        check("a<", "a<");
        check("a</", "a</");
        check("<p =x <y>z", "z");
    }

    #[test]
    fn a_page_made_to_stall_its_reader_does_not() {
        let large = |piece: &str| piece.repeat((64 << 10) / piece.len());
        for piece in [
            "<div>",
            "<b><i>",
            "<p>x",
            "<!--",
            "<script",
            "</",
            "<a b ",
            "<a b='",
            "&",
            "&#",
            "<table><tr><td>",
            "<",
            "<a href=/x>",
            "<pre>\n",
        ] {
            let page = large(piece);
            assert!(text_of(&page).len() <= 2 * page.len(), "{piece}");
            assert!(text_of(&format!("<a {page}")).len() <= 2 * page.len(), "{piece}");
        }
    }
}
