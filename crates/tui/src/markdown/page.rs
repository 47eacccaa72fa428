//! A page of Markdown as it is laid out: the blocks, what they are in, and the text of the one at hand.
//!
//! Not here: tables, once their cells are known.

use super::table::Table;
use crate::highlight;
use crate::text::{blank, clean, line_width, rule, truncate, wrap};
use crate::theme::{Role, Theme};
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

/// How many of the quotes and items that a block is in are drawn. Below, nothing moves further in.
const DEEPEST: usize = 12;

/// The most bytes of a link's address that are shown.
const LONGEST_ADDRESS: usize = 2_000;

/// How far code is moved in, if the page is wide enough.
const MARGIN: u16 = 2;

/// What a block is in.
enum Holder {
    Quote,
    /// An item of a list, with its bullet or number.
    Item(String),
}

impl Holder {
    fn width(&self) -> usize {
        match self {
            Holder::Quote => 2,
            Holder::Item(sign) => line_width(&Line::raw(sign.as_str())),
        }
    }
}

/// A block that is not made of words alone.
enum Block {
    Prose,
    Code { language: String, code: String },
    Table(Table),
}

/// A link that was begun: where it leads, and its words so far.
struct Link {
    address: String,
    words: String,
}

/// The page.
pub struct Page<'t> {
    theme: &'t Theme,
    width: u16,
    lines: Vec<Line<'static>>,
    holders: Vec<Holder>,
    /// The first of the holders whose sign is not drawn yet; those behind it are not either.
    undrawn: usize,
    /// The number that the next item of each open list has.
    lists: Vec<Option<u64>>,
    block: Block,
    /// The words of the block at hand, by rows as they were written.
    rows: Vec<Vec<Span<'static>>>,
    styles: Vec<Style>,
    links: Vec<Link>,
    /// Whether a blank line goes before the next block.
    apart: bool,
}

impl<'t> Page<'t> {
    /// Begins a page of a width.
    pub fn new(width: u16, theme: &'t Theme) -> Page<'t> {
        Page {
            theme,
            width: width.max(1),
            lines: Vec::new(),
            holders: Vec::new(),
            undrawn: 0,
            lists: Vec::new(),
            block: Block::Prose,
            rows: vec![Vec::new()],
            styles: Vec::new(),
            links: Vec::new(),
            apart: false,
        }
    }

    /// Takes the next thing that the parser found.
    pub fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.finish(tag),
            Event::Code(text) => {
                let style = self.style().patch(self.theme.style(Role::Code));
                self.say(&text, style);
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => match &mut self.block {
                Block::Code { code, .. } => code.push_str(&text),
                Block::Prose | Block::Table(_) => self.say(&text, self.style()),
            },
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.say(&text, self.style());
            }
            Event::SoftBreak | Event::HardBreak => self.rows.push(Vec::new()),
            Event::Rule => {
                self.flush();
                let line = |room: u16, theme: &Theme| {
                    vec![Line::from(Span::styled(rule(usize::from(room)), theme.style(Role::Border)))]
                };
                self.put(line);
            }
            Event::TaskListMarker(done) => {
                let sign = if done { "[x] " } else { "[ ] " };
                self.say(sign, self.style());
            }
        }
    }

    /// The lines of the page.
    pub fn end(mut self) -> Vec<Line<'static>> {
        self.flush();
        self.lines
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.flush(),
            Tag::Heading { level, .. } => {
                self.flush();
                self.push_style(self.theme.style(Role::Heading));
                let signs = format!("{} ", "#".repeat(level as usize));
                self.say(&signs, self.style());
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.part();
                self.holders.push(Holder::Quote);
                self.push_style(self.theme.style(Role::Quote));
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Indented => String::new(),
                    CodeBlockKind::Fenced(language) => language.trim().to_owned(),
                };
                self.block = Block::Code { language, code: String::new() };
            }
            Tag::List(first) => {
                self.flush();
                if matches!(self.holders.last(), Some(Holder::Item(_))) {
                    self.apart = false;
                }
                self.part();
                self.lists.push(first);
            }
            Tag::Item => self.begin_item(),
            Tag::Table(alignments) => {
                self.flush();
                self.block = Block::Table(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => {
                if matches!(tag, Tag::TableHead) {
                    self.push_style(self.theme.style(Role::Strong));
                }
                if let Block::Table(table) = &mut self.block {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.push_style(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.push_style(self.theme.style(Role::Strong)),
            Tag::Strikethrough => {
                self.push_style(Style::new().add_modifier(Modifier::CROSSED_OUT));
                self.say("~~", self.style());
            }
            Tag::Link { dest_url, .. } => self.begin_link(&dest_url),
            Tag::Image { dest_url, .. } => {
                self.begin_link(&dest_url);
                self.say("image: ", self.style());
            }
            Tag::TableCell | Tag::FootnoteDefinition(_) | Tag::DefinitionList | Tag::DefinitionListTitle => {}
            Tag::DefinitionListDefinition | Tag::Superscript | Tag::Subscript | Tag::MetadataBlock(_) => {}
        }
    }

    fn finish(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.styles.pop();
                self.let_go();
            }
            TagEnd::CodeBlock => {
                if let Block::Code { language, code } = std::mem::replace(&mut self.block, Block::Prose) {
                    self.put(|room, theme| code_lines(&language, &code, room, theme));
                }
            }
            TagEnd::Item => {
                self.flush();
                if self.undrawn < self.holders.len() {
                    self.put(|_, _| vec![Line::default()]);
                }
                self.let_go();
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.apart = true;
            }
            TagEnd::TableCell => {
                let cell = Line::from(std::mem::take(&mut self.rows).into_iter().flatten().collect::<Vec<_>>());
                self.rows.push(Vec::new());
                if let Block::Table(Table { rows, .. }) = &mut self.block
                    && let Some(row) = rows.last_mut()
                {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Block::Table(table) = std::mem::replace(&mut self.block, Block::Prose) {
                    self.put(|room, theme| table.lines(room, theme));
                }
            }
            TagEnd::Strikethrough => {
                self.say("~~", self.style());
                self.styles.pop();
            }
            TagEnd::TableHead | TagEnd::Emphasis | TagEnd::Strong => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => self.finish_link(),
            TagEnd::TableRow | TagEnd::FootnoteDefinition | TagEnd::DefinitionList => {}
            TagEnd::DefinitionListTitle | TagEnd::DefinitionListDefinition => {}
            TagEnd::Superscript | TagEnd::Subscript | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn begin_item(&mut self) {
        self.flush();
        self.apart = false;
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                let sign = format!("{number}. ");
                *number = number.saturating_add(1);
                sign
            }
            Some(None) | None => "• ".to_owned(),
        };
        self.holders.push(Holder::Item(sign));
    }

    fn begin_link(&mut self, address: &str) {
        let address = clean(address).replace('\n', " ");
        self.links.push(Link { address, words: String::new() });
        self.push_style(self.theme.style(Role::Link));
    }

    /// The address follows the words, unless they are the address: what a link says and where it leads may differ.
    fn finish_link(&mut self) {
        let Some(Link { address, words }) = self.links.pop() else { return };
        let shown = &address[..address.floor_char_boundary(LONGEST_ADDRESS)];
        if words.trim().is_empty() {
            self.say(shown, self.style());
            self.styles.pop();
            return;
        }
        self.styles.pop();
        if !address.is_empty() && words != address && Some(&*words) != address.strip_prefix("mailto:") {
            let style = self.style().patch(self.theme.style(Role::Dim));
            let more = if shown.len() < address.len() { "…" } else { "" };
            self.say(&format!(" ({shown}{more})"), style);
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn push_style(&mut self, style: Style) {
        self.styles.push(self.style().patch(style));
    }

    /// Adds words to the block at hand. They are cleaned, since `&#27;` is a way to write an escape character.
    fn say(&mut self, text: &str, style: Style) {
        let text = clean(text);
        if let Some(link) = self.links.last_mut() {
            link.words.push_str(&text);
        }
        for (at, part) in text.split('\n').enumerate() {
            if at > 0 || self.rows.is_empty() {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.last_mut() else { continue };
            match row.last_mut() {
                _ if part.is_empty() => {}
                Some(last) if last.style == style => last.content.to_mut().push_str(part),
                _ => row.push(Span::styled(part.to_owned(), style)),
            }
        }
    }

    /// Draws the words of the block at hand, if there are any.
    fn flush(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        self.rows.push(Vec::new());
        while rows.last().is_some_and(Vec::is_empty) {
            rows.pop();
        }
        if !rows.is_empty() {
            self.put(|room, _| rows.into_iter().flat_map(|row| wrap(Line::from(row), room, 0)).collect());
        }
    }

    /// Draws a blank line if there is something to be parted.
    fn part(&mut self) {
        if self.apart && !self.lines.is_empty() {
            let (_, mut line, _) = self.signs(self.holders.len());
            while line.spans.pop_if(|last| last.content.trim_end().is_empty()).is_some() {}
            if let Some(last) = line.spans.last_mut() {
                last.content = last.content.trim_end().to_owned().into();
            }
            self.lines.push(line);
        }
        self.apart = false;
    }

    /// Draws a block: its lines, made for the room there is, behind the signs of what it is in.
    fn put(&mut self, block: impl FnOnce(u16, &Theme) -> Vec<Line<'static>>) {
        let (mut first, rest, used) = self.signs(self.undrawn);
        let lines = block(self.width - used, self.theme);
        if lines.is_empty() {
            return;
        }
        self.part();
        self.undrawn = self.holders.len();
        for line in lines {
            let mut signs = std::mem::replace(&mut first, rest.clone());
            // What a line is as a whole, its parts are; the signs before it are not.
            let whole = line.style;
            signs.spans.extend(line.spans.into_iter().map(|span| Span::styled(span.content, whole.patch(span.style))));
            self.lines.push(signs);
        }
        self.apart = true;
    }

    /// The signs of what a block is in: before its first line, before the others, and how wide they are. At most half of the page
    /// is theirs.
    fn signs(&self, undrawn: usize) -> (Line<'static>, Line<'static>, u16) {
        let (mut first, mut rest, mut used) = (Line::default(), Line::default(), 0);
        for (at, holder) in self.holders.iter().enumerate().take(DEEPEST) {
            let width = holder.width();
            if used + width > usize::from(self.width) / 2 {
                break;
            }
            used += width;
            match holder {
                Holder::Quote => {
                    let bar = Span::styled("│ ", self.theme.style(Role::Quote));
                    first.push_span(bar.clone());
                    rest.push_span(bar);
                }
                Holder::Item(sign) => {
                    let sign = if at >= undrawn { sign.clone().into() } else { blank(width) };
                    first.push_span(Span::styled(sign, self.theme.style(Role::Dim)));
                    rest.push_span(Span::raw(blank(width)));
                }
            }
        }
        (first, rest, used as u16)
    }

    fn let_go(&mut self) {
        self.holders.pop();
        self.undrawn = self.undrawn.min(self.holders.len());
        self.apart = true;
    }
}

fn code_lines(language: &str, code: &str, room: u16, theme: &Theme) -> Vec<Line<'static>> {
    let margin = if room >= 4 * MARGIN { MARGIN } else { 0 };
    let dim = theme.style(Role::Dim);
    let mut out = Vec::new();
    if !language.is_empty() {
        let mut label = Line::from(Span::raw(blank(usize::from(margin))));
        label.push_span(Span::styled(clean(language).replace('\n', " "), dim));
        out.push(truncate(label, room));
    }
    for line in highlight::lines(code, language, theme) {
        for (at, mut row) in wrap(line, room - margin, 0).into_iter().enumerate() {
            let sign = match (margin, at) {
                (0, _) => Span::default(),
                (_, 0) => Span::raw(blank(usize::from(margin))),
                _ => Span::styled("↪ ", dim),
            };
            row.spans.insert(0, sign);
            out.push(row);
        }
    }
    out
}
