//! The open questions, and the keys and words that answer them.
//!
//! Not here: how a card looks (that is `card`), or what an answer comes to (the session decides).

use super::{App, Errand};
use crate::card::{Card, CardKind, cap_of};
use crate::transcript::Cell;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use wire::{ControlRequest, Permission};

/// How far a page scrolls in a card.
const PAGE: usize = 10;

/// What is asked, the oldest first, and which of them the keys answer.
#[derive(Clone, Debug, Default)]
pub struct Deck {
    cards: Vec<Card>,
    picked: usize,
    /// The card whose arguments are being edited.
    edits: Option<String>,
}

impl Deck {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// How many questions are open.
    pub fn len(&self) -> usize {
        self.cards.len()
    }

    /// The cards, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Card> {
        self.cards.iter()
    }

    /// The card that the keys answer.
    pub fn picked(&self) -> Option<&Card> {
        self.cards.get(self.picked)
    }

    /// Which one of all it is, from 0.
    pub fn picked_at(&self) -> usize {
        self.picked
    }

    /// The call whose arguments are being edited.
    pub fn edited_call(&self) -> Option<&str> {
        self.edits.as_deref()
    }

    pub(super) fn push(&mut self, card: Card) {
        self.cards.push(card);
    }

    pub(super) fn clear(&mut self) {
        *self = Deck::default();
    }

    /// Takes away the questions that end with a turn.
    pub(super) fn end_turn(&mut self) {
        self.cards.retain(|card| !card.kind.is_of_the_turn());
        self.picked = 0;
        self.edits = None;
    }

    pub(super) fn was_drawn(&mut self, now_ms: u64) {
        if let Some(card) = self.cards.get_mut(self.picked).filter(|card| card.roll.was_shown()) {
            card.seen_ms.get_or_insert(now_ms);
        }
    }

    /// The picked card, if it was long enough on the screen to be answered.
    fn ready(&self, now_ms: u64) -> Option<&Card> {
        self.picked().filter(|card| card.can_be_answered(now_ms))
    }

    fn take_picked(&mut self) -> Option<Card> {
        let taken = (self.picked < self.cards.len()).then(|| self.cards.remove(self.picked));
        self.picked = 0;
        taken
    }
}

impl App {
    /// A key on the card that is picked; `None` when it is not the card's.
    pub(super) fn key_on_card(&mut self, key: KeyEvent, now_ms: u64) -> Option<Vec<Errand>> {
        let picked = self.cards.picked()?;
        let held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let scrolls = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::SHIFT);
        if scrolls && let Some(lines) = scrolled(key.code) {
            let roll = &mut self.cards.cards.get_mut(self.cards.picked)?.roll;
            match lines {
                // What nobody has seen yet is seen from its beginning.
                _ if !roll.was_shown() => {}
                Scrolled::Up(lines) => roll.up(lines),
                Scrolled::Down(lines) => roll.down(lines),
            }
            return Some(Vec::new());
        }
        if held == KeyModifiers::ALT {
            return self.key_with_alt(key.code, now_ms);
        }
        if !held.is_empty() || !self.composer.is_empty() || self.cards.edits.is_some() {
            return None;
        }
        match key.code {
            KeyCode::Up if self.cards.len() > 1 => self.cards.picked = self.cards.picked.saturating_sub(1),
            KeyCode::Down if self.cards.len() > 1 => {
                self.cards.picked = (self.cards.picked + 1).min(self.cards.len() - 1);
            }
            KeyCode::Char(letter) => return picked.kind.letter(letter).map(|act| self.act(act, now_ms)),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// A yes with the words that were written, or what is said to a server.
    fn key_with_alt(&mut self, code: KeyCode, now_ms: u64) -> Option<Vec<Errand>> {
        let KeyCode::Char(letter) = code else { return None };
        let act = match (&self.cards.picked()?.kind, letter.to_ascii_lowercase()) {
            (CardKind::Permission { .. }, 'y') => Act::Answer(Permission::Once),
            (CardKind::Permission { offered, .. }, 's') if !offered.is_empty() => Act::Answer(Permission::Session),
            (CardKind::Form(_) | CardKind::Visit, 'n') => Act::Respond("declined"),
            (CardKind::Visit, 'y') => Act::Respond("{}"),
            _ => return None,
        };
        Some(self.act(act, now_ms))
    }

    fn act(&mut self, act: Act, now_ms: u64) -> Vec<Errand> {
        // A key that was on its way before the card was there is no answer to it.
        let Some(card) = self.cards.ready(now_ms) else { return Vec::new() };
        match act {
            Act::Answer(answer) => {
                let edited = self.cards.edits.take().map(|_| self.composer.text());
                let words = match &edited {
                    Some(_) => None,
                    None => Some(self.composer.text().trim().to_owned()).filter(|words| !words.is_empty()),
                };
                self.composer.clear();
                self.answer(answer, edited, words)
            }
            Act::Respond(text) => self.respond(text.to_owned()),
            Act::Edit => {
                let (call, arguments) = (card.call.clone(), card.arguments.clone());
                self.cards.edits = Some(call);
                self.composer.set(arguments);
                Vec::new()
            }
            Act::Begin(text) => {
                self.composer.set(text);
                Vec::new()
            }
        }
    }

    fn answer(&mut self, answer: Permission, edited: Option<String>, words: Option<String>) -> Vec<Errand> {
        let Some(card) = self.cards.take_picked() else { return Vec::new() };
        vec![Errand::Send(ControlRequest::Answer { call: card.call, answer, edited, words })]
    }

    fn respond(&mut self, text: String) -> Vec<Errand> {
        let Some(card) = self.cards.take_picked() else { return Vec::new() };
        vec![Errand::Send(ControlRequest::Respond { call: card.call, text })]
    }

    /// Allows the arguments that the person has edited; `None` when none are being edited.
    pub(super) fn allow_edited(&mut self, text: &str) -> Option<Vec<Errand>> {
        let call = self.cards.edits.take()?;
        self.cards.picked = self.cards.cards.iter().position(|card| card.call == call)?;
        Some(self.answer(Permission::Once, Some(text.to_owned()), None))
    }

    /// Answers the picked card with words; `None` when they are not for a card: none is open, or none was long enough on the
    /// screen to have been meant.
    pub(super) fn answer_in_words(&mut self, text: &str, now_ms: u64) -> Option<Vec<Errand>> {
        match &self.cards.ready(now_ms)?.kind {
            CardKind::Permission { .. } => Some(self.answer(Permission::No, None, Some(text.trim().to_owned()))),
            CardKind::Words => {
                self.transcript.push(Cell::Person(text.to_owned()));
                Some(self.respond(text.to_owned()))
            }
            CardKind::Form(form) => match form.answer(text) {
                Ok(answer) => Some(self.respond(answer)),
                Err(why) => {
                    self.trouble(format!("that was not sent: {why}"));
                    self.composer.set(text.to_owned());
                    Some(Vec::new())
                }
            },
            CardKind::Visit => None,
        }
    }

    /// Puts what is being edited away, without an answer. Says whether there was anything.
    pub(super) fn leave_edit(&mut self) -> bool {
        let left = self.cards.edits.take().is_some();
        if left {
            self.composer.clear();
        }
        left
    }

    pub(super) fn close_card(&mut self, call: &str) {
        let deck = &mut self.cards;
        let picked = deck.picked().map(|card| card.call.clone());
        deck.cards.retain(|card| card.call != call);
        // The card that the keys answer stays the one it was.
        let stays = picked.and_then(|call| deck.cards.iter().position(|card| card.call == call));
        deck.picked = stays.unwrap_or(0);
        if deck.edits.as_deref() == Some(call) {
            self.leave_edit();
            self.notice("that question is settled; what you edited is above in the history (Up)");
        }
    }
}

/// What a key does to a card.
enum Act {
    Answer(Permission),
    Respond(&'static str),
    /// Puts the arguments where the person writes.
    Edit,
    /// Puts a text where the person writes.
    Begin(String),
}

impl CardKind {
    fn letter(&self, letter: char) -> Option<Act> {
        match (self, letter) {
            (CardKind::Permission { .. }, 'y') => Some(Act::Answer(Permission::Once)),
            (CardKind::Permission { offered, .. }, 's') if !offered.is_empty() => {
                Some(Act::Answer(Permission::Session))
            }
            (CardKind::Permission { .. }, 'n') => Some(Act::Answer(Permission::No)),
            (CardKind::Permission { .. }, 'e') => Some(Act::Edit),
            (CardKind::Permission { raise_to: Some(cap), .. }, 'r') => {
                Some(Act::Begin(format!("/mode yolo {}", cap_of(cap))))
            }
            (CardKind::Form(form), 'e') if !form.is_one_field() => Some(Act::Begin(form.skeleton())),
            _ => None,
        }
    }
}

enum Scrolled {
    Up(usize),
    Down(usize),
}

fn scrolled(code: KeyCode) -> Option<Scrolled> {
    match code {
        KeyCode::Up => Some(Scrolled::Up(1)),
        KeyCode::Down => Some(Scrolled::Down(1)),
        KeyCode::PageUp => Some(Scrolled::Up(PAGE)),
        KeyCode::PageDown => Some(Scrolled::Down(PAGE)),
        _ => None,
    }
}
