//! An open question: for permission, or of the model's own.
//!
//! Not here: what an answer comes to (the session decides).

use crate::text::{clean, reveal, wrap};
use crate::theme::{Role, Theme};
use crate::{diff, highlight};
use ratatui::text::{Line, Span};

/// How long a card must have been on the screen before a key answers it, in milliseconds.
pub const SEEN_MS: u64 = 300;

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
    /// For permission, or of the model's own.
    pub kind: CardKind,
    /// When it was first on the screen, in milliseconds.
    pub seen_ms: Option<u64>,
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
        /// The mode with what is left.
        chip: String,
    },
    /// Of the model's own, or of a server's.
    Words,
}

impl Card {
    /// Whether a key may answer it: it has been on the screen long enough to be read.
    pub fn can_be_answered(&self, now_ms: u64) -> bool {
        self.seen_ms.is_some_and(|seen| now_ms.saturating_sub(seen) >= SEEN_MS)
    }

    /// Whether it is about money.
    fn is_paid(&self) -> bool {
        matches!(&self.kind, CardKind::Permission { price, .. } if price != "free")
    }

    /// The card's lines, at most so many; what does not fit is said to be more.
    pub fn lines(&self, (width, most): (u16, usize), theme: &Theme) -> Vec<Line<'static>> {
        let (head, foot) = match &self.kind {
            CardKind::Permission { .. } => (self.permission_head(width, theme), self.permission_foot(width, theme)),
            CardKind::Words => {
                let style = theme.style(Role::ModelQuestion);
                (vec![Line::styled("The model asks you", style)], vec![hint("write an answer, Enter sends it", theme)])
            }
        };
        let room = most.saturating_sub(head.len() + foot.len()).max(1);
        let mut body = self.body(width, theme);
        if body.len() > room {
            let more = body.len() - room + 1;
            body.truncate(room.saturating_sub(1));
            body.push(hint(&format!("… {more} more lines; Ctrl+O shows all of it in the transcript"), theme));
        }
        head.into_iter().chain(body).chain(foot).collect()
    }

    fn body(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        if diff::looks_like_diff(&self.shown) {
            return diff::render(&self.shown, width, theme);
        }
        // What a yes approves is seen whole: an escape sequence that hid a part of it would be shown as itself.
        let shown = reveal(&self.shown);
        let is_json = shown.trim_start().starts_with('{');
        let lines = match is_json {
            true => highlight::lines(&shown, "json", theme),
            false => shown.lines().map(|line| Line::styled(line.to_owned(), theme.style(Role::Text))).collect(),
        };
        lines.into_iter().flat_map(|line| wrap(line, width, 2)).collect()
    }

    fn permission_head(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        let CardKind::Permission { effect, price, why, chip, .. } = &self.kind else { return Vec::new() };
        let mut lines = Vec::new();
        if self.is_paid() {
            // The money comes first.
            let text = format!("costs {}  ({} left to spend)", clean(price), clean(chip));
            lines.extend(wrap(Line::styled(text, theme.style(Role::Paid)), width, 2));
        }
        let title = Span::styled(clean(&self.summary).replace('\n', " "), theme.style(Role::Tool));
        lines.extend(wrap(Line::from(vec![Span::styled("Allow? ", theme.style(Role::Permission)), title]), width, 2));
        let facts = format!("{effect}; it asks because {}", clean(why));
        lines.extend(wrap(Line::styled(facts, theme.style(Role::Dim)), width, 2));
        lines
    }

    fn permission_foot(&self, width: u16, theme: &Theme) -> Vec<Line<'static>> {
        let CardKind::Permission { offered, .. } = &self.kind else { return Vec::new() };
        let session = match offered.as_slice() {
            [] => String::new(),
            grants => format!("  s for this session ({})", clean(&grants.join(", "))),
        };
        let keys = format!("y once{session}  n no  e edit   space, words, Enter: no, and why");
        wrap(Line::styled(keys, theme.style(Role::Strong)), width, 2)
    }
}

fn hint(text: &str, theme: &Theme) -> Line<'static> {
    Line::styled(text.to_owned(), theme.style(Role::Dim))
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
                chip: "YOLO $0.50 of $1.50".to_owned(),
            },
            seen_ms: None,
        }
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
        assert_eq!(paid[0], "costs $1.00  (YOLO $0.50 of $1.50 left to spend)");
        assert!(!paid.last().unwrap().contains("s for this session"), "{paid:?}");
        assert!(!lines(&card("free", "{}"), 20)[0].contains("costs"));
    }

    #[test]
    fn a_long_text_leaves_room_for_the_keys_and_says_how_much_is_missing() {
        let long = "line\n".repeat(100);
        let shown = lines(&card("free", &long), 10);
        assert!(shown.len() <= 10 && shown.iter().any(|line| line.contains("more lines")), "{shown:?}");
        assert!(shown.last().unwrap().starts_with("y once"), "{shown:?}");
    }

    #[test]
    fn a_key_answers_only_what_was_on_the_screen_for_a_while() {
        let mut card = card("free", "x");
        assert!(!card.can_be_answered(10_000), "it was never drawn");
        card.seen_ms = Some(1_000);
        assert!(!card.can_be_answered(1_000 + SEEN_MS - 1) && card.can_be_answered(1_000 + SEEN_MS));
    }
}
