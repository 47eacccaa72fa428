//! Whom a key is for: the screen, what is over the transcript, the open question, or what is being written.
//!
//! Not here: what a key does to the text that is written (that is `composer`).

use super::pick::said_rows;
use super::{App, Errand, Over, Phase};
use crate::picker::{PickKind, Picker};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use wire::ControlRequest;

/// How long the next mode stands by before it is set, in milliseconds: passing through one fires nothing.
pub const MODE_MS: u64 = 500;
/// How long the first of two presses of one key counts, in milliseconds.
const TWICE_MS: u64 = 2_000;
/// The modes in the order in which Tab goes through them, as the session reads them.
const CYCLE: [&str; 3] = ["plan", "agent", "yolo"];
/// How far a page scrolls.
const PAGE: usize = 10;

/// The mode that Tab is at, before it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The mode, as the session reads it.
    pub mode: &'static str,
    /// When the last Tab was pressed.
    pub since_ms: u64,
}

/// The first press of a key that must be pressed twice, and when that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// Ctrl+C, which ends.
    Leave(u64),
    /// Esc, which goes back to an earlier message.
    GoBack(u64),
}

impl Twice {
    /// Whether the second press would come too late.
    pub fn is_over(self, now_ms: u64) -> bool {
        let (Twice::Leave(at) | Twice::GoBack(at)) = self;
        now_ms.saturating_sub(at) >= TWICE_MS
    }
}

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, now_ms: u64) -> Vec<Errand> {
        let first = self.twice.take().filter(|twice| !twice.is_over(now_ms));
        match &mut self.over {
            Some(Over::Page(..)) => {
                self.key_on_page(key);
                return Vec::new();
            }
            Some(Over::Picker(picker)) => {
                let picked = picker.key(key);
                return self.picked(picked);
            }
            None => {}
        }
        if key.modifiers.contains(KeyModifiers::CONTROL)
            && let KeyCode::Char(letter) = key.code
            && let Some(errands) = self.key_with_ctrl(letter, first, now_ms)
        {
            return errands;
        }
        if let Some(errands) = self.key_on_card(key, now_ms) {
            return errands;
        }
        match key.code {
            KeyCode::PageUp => self.scroll_up(PAGE),
            KeyCode::PageDown => self.scroll_down(PAGE),
            KeyCode::Home if self.composer.is_empty() => self.transcript.to_the_start(),
            KeyCode::End if self.composer.is_empty() => self.transcript.to_the_end(),
            KeyCode::Esc if !self.composer_has_keys() => return self.escape(first, now_ms),
            KeyCode::Tab | KeyCode::BackTab if !self.composer_has_keys() => self.cycle(key.code, now_ms),
            KeyCode::Up if key.modifiers.is_empty() && self.take_back_queued() => {}
            KeyCode::Enter if key.modifiers.is_empty() && self.sends_queued() => return self.send_queued(),
            _ => {
                let heard = self.composer.key(key);
                return self.heard(heard, now_ms);
            }
        }
        Vec::new()
    }

    /// The screen's own keys with Ctrl; `None` for another.
    fn key_with_ctrl(&mut self, letter: char, first: Option<Twice>, now_ms: u64) -> Option<Vec<Errand>> {
        match letter.to_ascii_lowercase() {
            'c' => return Some(self.interrupt(first, now_ms)),
            'o' => self.transcript.turn_call(),
            't' => self.transcript.turn_thoughts(),
            'q' => return Some(self.queue_up(now_ms)),
            's' => return Some(self.give_output(now_ms)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn key_on_page(&mut self, key: KeyEvent) {
        let Some(Over::Page(_, roll)) = &mut self.over else { return };
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => roll.up(1),
            KeyCode::Down | KeyCode::Char('j') => roll.down(1),
            KeyCode::PageUp => roll.up(PAGE),
            KeyCode::PageDown | KeyCode::Char(' ') => roll.down(PAGE),
            KeyCode::Home => roll.up(usize::MAX),
            KeyCode::End => roll.down(usize::MAX),
            _ => self.over = None,
        }
    }

    /// Ctrl-C: clears what is written, else stops what runs, else ends when pressed twice.
    fn interrupt(&mut self, first: Option<Twice>, now_ms: u64) -> Vec<Errand> {
        if self.leave_edit() {
            return Vec::new();
        }
        if !self.composer.is_empty() || self.composer_has_keys() {
            let clear = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            let heard = self.composer.key(clear);
            return self.heard(heard, now_ms);
        }
        if self.aside.shell_ms.is_some() {
            return vec![Errand::StopShell];
        }
        if let Some(Twice::Leave(_)) = first {
            return vec![Errand::Quit];
        }
        self.twice = Some(Twice::Leave(now_ms));
        if let Phase::Works(_) = self.phase {
            return self.stop();
        }
        Vec::new()
    }

    fn stop(&mut self) -> Vec<Errand> {
        self.phase = Phase::Stops;
        vec![Errand::Send(ControlRequest::Stop)]
    }

    /// Esc: takes back what is about to happen, else stops what runs, else goes back when pressed twice.
    fn escape(&mut self, first: Option<Twice>, now_ms: u64) -> Vec<Errand> {
        if self.leave_edit() || self.pending.take().is_some() {
            return Vec::new();
        }
        match self.phase {
            // Said once more, it gives up waiting for what does not end.
            Phase::Works(_) | Phase::Stops => return self.stop(),
            Phase::Idle if self.aside.shell_ms.is_some() => return vec![Errand::StopShell],
            Phase::Idle => {}
        }
        if self.composer.is_empty() && self.cards.is_empty() {
            match first {
                Some(Twice::GoBack(_)) => self.go_back(),
                _ => self.twice = Some(Twice::GoBack(now_ms)),
            }
        }
        Vec::new()
    }

    /// Lists what the person said, the last first.
    fn go_back(&mut self) {
        let rows = said_rows(&self.aside.said);
        match rows.is_empty() {
            true => self.notice("nothing was said in this session yet"),
            false => {
                let title = "Go back to before which message?".to_owned();
                self.over = Some(Over::Picker(Picker::new(PickKind::Said, title, rows)));
            }
        }
    }

    fn cycle(&mut self, key: KeyCode, now_ms: u64) {
        let now = self.pending.as_ref().map_or(self.mode.as_str(), |pending| pending.mode);
        let at = CYCLE.iter().position(|mode| now.split(':').next() == Some(mode)).unwrap_or(0);
        let step = if key == KeyCode::Tab { 1 } else { CYCLE.len() - 1 };
        self.pending = Some(Pending { mode: CYCLE[(at + step) % CYCLE.len()], since_ms: now_ms });
    }

    /// Whether a menu or a search of the composer's has the keys that are the screen's otherwise.
    pub(super) fn composer_has_keys(&self) -> bool {
        self.composer.is_choosing() || self.composer.is_searching()
    }
}
