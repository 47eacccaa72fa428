//! An open question: for permission, of the model's own, or of a server's.
//!
//! Not here: what an answer comes to (the session decides).

use crate::form::{FieldNeed, Form};
use crate::roll::Roll;
use crate::text::{clean, reveal, truncate, width, wrap};
use crate::theme::{Role, Theme};
use crate::{diff, highlight};
use ratatui::text::{Line, Span};

/// How long a card must have been on the screen before a key answers it, in milliseconds.
pub const SEEN_MS: u64 = 300;
/// The most rows of what is no part of the bytes shown: a summary, a reason.
const MOST_FACTS: usize = 3;
/// A card with fewer rows than this leaves out what the help says too.
const ROOMY: usize = 9;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The call.
    pub call: String,
    /// The call in a line.
    pub summary: String,
    /// The exact bytes that a yes approves, or the question.
    pub shown: String,
    /// The arguments, to be edited.
    pub arguments: String,
    /// Whose question it is, and what goes with it.
    pub kind: CardKind,
    /// When it was first on the screen, in milliseconds.
    pub seen_ms: Option<u64>,
    /// Which part of what is shown is seen.
    pub roll: Roll,
}

/// What kind of question it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardKind {
    /// For permission.
    Permission {
        /// What the call does to the world.
        effect: String,
        /// What it may cost, in words.
        price: String,
        /// Why it asks.
        why: String,
        /// What a yes for the session covers; empty when there is no such yes.
        offered: Vec<String>,
        /// The cap under which it would run, when it is only the cap that it does not fit in.
        raise_to: Option<String>,
        /// The mode with what is left.
        chip: String,
    },
    /// Of the model's own.
    Words,
    /// A form of a server's.
    Form(Form),
    /// A page that a server wants the person to visit.
    Visit,
}

impl CardKind {
    /// Tells whose question it is that is not for permission. A server's has its form, or the address of a page, in the
    /// last line.
    pub fn of_question(summary: &str, shown: &str) -> CardKind {
        if !summary.starts_with("MCP server ") {
            return CardKind::Words;
        }
        if let Some(form) = Form::of(shown) {
            return CardKind::Form(form);
        }
        let last = shown.lines().next_back().unwrap_or_default();
        match last.starts_with("https://") || last.starts_with("http://") {
            true => CardKind::Visit,
            false => CardKind::Words,
        }
    }

    /// Whether it is for permission.
    pub fn is_permission(&self) -> bool {
        matches!(self, CardKind::Permission { .. })
    }

    /// Whether it goes with the model's turn; a server may ask at any time.
    pub fn is_of_the_turn(&self) -> bool {
        matches!(self, CardKind::Permission { .. } | CardKind::Words)
    }

    /// The role of its border and its title.
    pub fn role(&self) -> Role {
        match self {
            CardKind::Permission { .. } => Role::Permission,
            CardKind::Words | CardKind::Form(_) | CardKind::Visit => Role::ModelQuestion,
        }
    }
}

impl Card {
    /// Whether a key may answer it: it has been on the screen long enough to be read.
    pub fn can_be_answered(&self, now_ms: u64) -> bool {
        self.seen_ms.is_some_and(|seen| now_ms.saturating_sub(seen) >= SEEN_MS)
    }

    /// The card in a line, for a list of several.
    pub fn in_a_line(&self) -> String {
        let asks = match &self.kind {
            CardKind::Permission { price, .. } if price != "free" => format!("allow for {price}?"),
            CardKind::Permission { .. } => "allow?".to_owned(),
            CardKind::Words => "the model asks:".to_owned(),
            CardKind::Form(_) | CardKind::Visit => String::new(),
        };
        let of =
            if self.kind == CardKind::Words { self.shown.lines().next().unwrap_or_default() } else { &self.summary };
        clean(&format!("{asks} {of}")).replace('\n', " ").trim_start().to_owned()
    }

    /// The card's lines, at most so many; what does not fit is said to be more, and can be scrolled to.
    pub fn lines(&self, (width, most): (u16, usize), theme: &Theme) -> Vec<Line<'static>> {
        let head = self.head(width, theme);
        let foot = self.foot((width, most), theme);
        let room = most.saturating_sub(head.len() + foot.len()).max(1);
        let body = self.roll.lines(width, theme, || self.body(width, theme));
        let mut lines = head;
        if body.len() <= room {
            lines.extend_from_slice(self.roll.window(&body, room).0);
        } else {
            let rows = room.saturating_sub(1).max(1);
            let (seen, above) = self.roll.window(&body, rows);
            lines.extend_from_slice(seen);
            let below = body.len() - above - seen.len();
            let text = match below {
                0 => format!("{above} lines above; Ctrl+Up scrolls"),
                _ => format!("{below} more lines; Ctrl+Down, Ctrl+Up scroll"),
            };
            lines.push(truncate(styled(format!("… {text}"), Role::Dim, theme), width));
        }
        lines.extend(foot);
        lines
    }

    fn head(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        match &self.kind {
            CardKind::Permission { .. } => self.permission_head(width, theme),
            CardKind::Words => vec![styled("The model asks you", Role::ModelQuestion, theme)],
            CardKind::Form(_) | CardKind::Visit => {
                let text = format!("{} you; this is no permission", one_line(&self.summary));
                few(wrap(styled(text, Role::ModelQuestion, theme), width, 2), width, theme)
            }
        }
    }

    fn body(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        if let CardKind::Form(form) = &self.kind {
            return form_lines(form, width, theme);
        }
        if diff::looks_like_diff(&self.shown) {
            return diff::render(&self.shown, width, theme);
        }
        // What a yes approves is seen whole: an escape sequence that hid a part of it would be shown as itself.
        let shown = reveal(&self.shown);
        let is_json = shown.trim_start().starts_with('{');
        let lines = match is_json {
            true => highlight::lines(&shown, "json", theme),
            false => shown.lines().map(|line| styled(line, Role::Text, theme)).collect(),
        };
        lines.into_iter().flat_map(|line| wrap(line, width, 2)).collect()
    }

    fn permission_head(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        let CardKind::Permission { effect, price, why, chip, raise_to, .. } = &self.kind else { return Vec::new() };
        let mut lines = Vec::new();
        if price != "free" {
            // The money comes first.
            let left = chip.strip_prefix("YOLO $").map(|left| format!("  (left: ${})", one_line(left)));
            let text = format!("costs {}{}", one_line(price), left.unwrap_or_default());
            lines.extend(few(wrap(styled(text, Role::Paid, theme), width, 2), width, theme));
        }
        if let Some(cap) = raise_to {
            let text = format!("past the cap: it would run under a cap of {}", dollars(cap));
            lines.extend(few(wrap(styled(text, Role::Paid, theme), width, 2), width, theme));
        }
        let title = Span::styled(one_line(&self.summary), theme.style(Role::Tool));
        let title = Line::from(vec![Span::styled("Allow? ", theme.style(Role::Permission)), title]);
        lines.extend(few(wrap(title, width, 2), width, theme));
        let facts = format!("{}; it asks because {}", one_line(effect), one_line(why));
        lines.extend(few(wrap(styled(facts, Role::Dim, theme), width, 2), width, theme));
        lines
    }

    /// What the keys do here; in little room only those that answer.
    fn foot(&self, (width, most): (u16, usize), theme: &Theme) -> Vec<Line<'static>> {
        let (keys, more) = match &self.kind {
            CardKind::Permission { offered, raise_to, .. } => permission_keys(offered, raise_to.as_deref()),
            CardKind::Words => (vec!["write an answer, Enter sends it".to_owned()], ""),
            CardKind::Form(form) if form.is_one_field() => {
                (vec!["write it, Enter sends it".to_owned(), "Alt+N decline".to_owned()], "")
            }
            CardKind::Form(form) => {
                let names = form.fields.iter().take(2).map(|field| format!("\"{}\": …", field.name));
                let such = one_line(&names.collect::<Vec<_>>().join(", "));
                let keys = [
                    format!("answer as JSON, such as {{{such}}}"),
                    "e begin it".to_owned(),
                    "Enter send it".to_owned(),
                    "Alt+N decline".to_owned(),
                ];
                (keys.to_vec(), "")
            }
            CardKind::Visit => (vec!["Alt+Y when you have been there".to_owned(), "Alt+N decline".to_owned()], ""),
        };
        let lines = packed(&keys, width).into_iter().flat_map(|line| wrap(styled(line, Role::Strong, theme), width, 2));
        let mut lines = few(lines.collect(), width, theme);
        if most >= ROOMY && !more.is_empty() {
            lines.extend(wrap(styled(more, Role::Dim, theme), width, 2));
        }
        lines
    }
}

/// Lines with as many of the keys as fit side by side, so that none is torn from what it does.
fn packed(keys: &[String], room: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for key in keys {
        match lines.last_mut().filter(|line| width(line) + 3 + width(key) <= usize::from(room)) {
            Some(line) => *line = format!("{line}   {key}"),
            None => lines.push(key.clone()),
        }
    }
    lines
}

fn permission_keys(offered: &[String], raise_to: Option<&str>) -> (Vec<String>, &'static str) {
    let mut keys = match raise_to {
        Some(_) => vec!["y once, past the cap".to_owned()],
        None => vec!["y once".to_owned()],
    };
    if !offered.is_empty() {
        keys.push(format!("s for this session ({})", one_line(&offered.join(", "))));
    }
    keys.extend(raise_to.map(|cap| format!("r raise the cap to {}", dollars(cap))));
    keys.extend(["n no".to_owned(), "e edit".to_owned()]);
    (keys, "space and words, then Enter: no, and why; Alt+Y: yes, with these words")
}

/// A cap as the session names it, as a person reads it.
fn dollars(cap: &str) -> String {
    format!("${}", one_line(cap_of(cap)))
}

/// The number in a cap that may be written as a mode or with its sign.
pub(crate) fn cap_of(cap: &str) -> &str {
    cap.trim_start_matches("yolo:").trim_start_matches('$')
}

fn form_lines(form: &Form, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let message = reveal(&form.message);
    let mut lines: Vec<Line<'static>> = message.lines().map(|line| styled(line, Role::Text, theme)).collect();
    for field in &form.fields {
        let need = match field.need {
            FieldNeed::Required => "required",
            FieldNeed::Optional => "optional",
        };
        let about = if field.about.is_empty() { String::new() } else { format!("  {}", reveal(&field.about)) };
        let name = reveal(&field.name).replace('\n', " ");
        lines.push(Line::from(vec![
            Span::styled(format!("  {name}"), theme.style(Role::Code)),
            Span::styled(format!("  {}, {need}", reveal(&field.takes).replace('\n', " ")), theme.style(Role::Dim)),
            Span::styled(about.replace('\n', " "), theme.style(Role::Text)),
        ]));
    }
    lines.into_iter().flat_map(|line| wrap(line, width, 4)).collect()
}

/// The first rows of what is said in full elsewhere.
fn few(mut lines: Vec<Line<'static>>, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    if lines.len() > MOST_FACTS {
        lines.truncate(MOST_FACTS);
        if let Some(last) = lines.pop() {
            let mut last = truncate(last, width.saturating_sub(2));
            last.push_span(Span::styled(" …", theme.style(Role::Dim)));
            lines.push(last);
        }
    }
    lines
}

fn one_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

fn styled(text: impl Into<String>, role: Role, theme: &Theme) -> Line<'static> {
    Line::styled(text.into(), theme.style(role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Depth, Ground};

    fn card(price: &str, shown: &str) -> Card {
        Card {
            call: "c1".to_owned(),
            summary: "shell: a line".to_owned(),
            shown: shown.to_owned(),
            arguments: "{}".to_owned(),
            kind: CardKind::Permission {
                effect: "change".to_owned(),
                price: price.to_owned(),
                why: "it changes something".to_owned(),
                offered: Vec::new(),
                raise_to: None,
                chip: "YOLO $0.50 of $1.50".to_owned(),
            },
            seen_ms: None,
            roll: Roll::default(),
        }
    }

    fn question(summary: &str, shown: &str) -> Card {
        Card { kind: CardKind::of_question(summary, shown), summary: summary.to_owned(), ..card("free", shown) }
    }

    fn lines(card: &Card, most: usize) -> Vec<String> {
        let theme = Theme::new(Depth::None, Ground::Dark);
        card.lines((80, most), &theme).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_yes_approves_is_seen_whole() {
        let text = lines(&card("free", "echo safe\u{1b}]0;rm -rf ~\u{7}"), 20).join("\n");
        assert!(text.contains("rm -rf ~") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_paid_card_says_the_price_first_and_offers_no_yes_that_is_not_there() {
        let paid = lines(&card("$1.00", "{}"), 20);
        assert_eq!(paid[0], "costs $1.00  (left: $0.50 of $1.50)");
        assert!(!paid.join("\n").contains("s for this session"), "{paid:?}");
        assert!(!lines(&card("free", "{}"), 20)[0].contains("costs"));
    }

    #[test]
    fn a_card_past_the_cap_says_so_and_offers_to_raise_it() {
        let mut over = card("$1.00", "{}");
        let CardKind::Permission { raise_to, .. } = &mut over.kind else { panic!("it is for permission") };
        *raise_to = Some("2.00".to_owned());
        let text = lines(&over, 20).join("\n");
        for words in
            ["past the cap: it would run under a cap of $2.00", "y once, past the cap", "r raise the cap to $2.00"]
        {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }

    #[test]
    fn a_long_text_leaves_room_for_the_keys_and_all_of_it_can_be_scrolled_to() {
        let long: String = (0..100).map(|at| format!("line {at}\n")).collect();
        let mut card = card("free", &long);
        let shown = lines(&card, 12);
        assert!(shown.len() <= 12 && shown.iter().any(|line| line.contains("more lines; Ctrl+Down")), "{shown:?}");
        assert!(shown.iter().any(|line| line.starts_with("y once")), "{shown:?}");
        (0..200).for_each(|_| card.roll.down(1));
        let shown = lines(&card, 12).join("\n");
        assert!(shown.contains("line 99") && shown.contains("lines above"), "{shown}");
        card.roll.up(1);
        assert!(lines(&card, 12).join("\n").contains("1 more lines"));
    }

    #[test]
    fn a_key_is_not_torn_from_what_it_does() {
        let keys = ["y once", "s for this session (shell: x)", "n no", "e edit"].map(str::to_owned);
        assert_eq!(packed(&keys, 48), ["y once   s for this session (shell: x)   n no", "e edit"]);
        assert_eq!(packed(&keys, 5).len(), 4);
    }

    #[test]
    fn a_long_summary_leaves_room_for_what_a_yes_approves() {
        let mut card = card("free", "the bytes");
        card.summary = "x ".repeat(5_000);
        let shown = lines(&card, 14);
        assert!(shown.len() <= 14 && shown.join("\n").contains("the bytes"), "{shown:?}");
    }

    #[test]
    fn who_asks_is_told_apart() {
        let form = "Your name?\n{\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"}},\"required\":[\"name\"]}";
        let text = lines(&question("MCP server `forge` asks", form), 20).join("\n");
        for words in
            ["MCP server `forge` asks you", "name  text, required", "age  a whole number, optional", "Alt+N decline"]
        {
            assert!(text.contains(words), "{words}\n{text}");
        }
        let visit = lines(&question("MCP server `forge` asks", "Sign in\nhttps://forge.test/login"), 20).join("\n");
        assert!(visit.contains("Alt+Y when you have been there"), "{visit}");
        let words = lines(&question("request_user_input", form), 20).join("\n");
        assert!(
            words.starts_with("The model asks you") && !words.contains("Alt+N"),
            "a model makes no server: {words}"
        );
    }

    #[test]
    fn a_key_answers_only_what_was_on_the_screen_for_a_while() {
        let mut card = card("free", "x");
        assert!(!card.can_be_answered(10_000), "it was never drawn");
        card.seen_ms = Some(1_000);
        assert!(!card.can_be_answered(1_000 + SEEN_MS - 1) && card.can_be_answered(1_000 + SEEN_MS));
    }
}
