//! An open question: for permission, or of the model's own.
//!
//! Not here: what an answer comes to (the session decides).

use crate::text::{clean, wrap};
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
        let shown = clean(&self.shown);
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
