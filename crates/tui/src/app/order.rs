//! Carries out the commands that are typed after a slash.
//!
//! Not here: which there are, and what they are called (that is `orders`).

use super::{App, Errand, ListKind, Opening, Page, Phase, Sheet};
use crate::orders::{self, Order};
use crate::theme::Ground;
use crate::transcript::Cell;
use wire::{Aspect, ControlRequest};

impl App {
    pub(super) fn order(&mut self, name: &str, rest: &str) -> Vec<Errand> {
        let Some(entry) = orders::named(name) else {
            self.trouble(format!("there is no command `/{name}`; /help lists them"));
            return Vec::new();
        };
        let look = |at: Aspect| vec![Errand::Send(ControlRequest::Look { at })];
        match entry.order {
            Order::Mode => self.order_mode(rest),
            Order::Contract => vec![Errand::Show(Sheet::Contract)],
            Order::Answers => look(Aspect::Answers),
            Order::Prohibitions => look(Aspect::Prohibitions),
            Order::Context => look(Aspect::Context),
            Order::Servers => look(Aspect::Servers),
            Order::Model if rest.is_empty() => vec![Errand::List(ListKind::Models)],
            Order::Model => vec![Errand::Send(ControlRequest::UseModel { model: rest.to_owned() })],
            Order::Spend => vec![Errand::Show(Sheet::Spend)],
            Order::Diff => vec![Errand::Show(Sheet::Diff)],
            Order::Sessions => {
                rest.clone_into(&mut self.aside.search);
                self.aside.list_changed = false;
                vec![Errand::List(ListKind::Sessions)]
            }
            Order::New => self.open(Opening::New),
            Order::Rename if rest.is_empty() => self.usage("/rename TITLE"),
            Order::Rename => vec![Errand::Send(ControlRequest::Rename { title: rest.to_owned() })],
            Order::Compact => vec![Errand::Send(ControlRequest::Compact)],
            Order::Copy => self.copy(),
            Order::Export => vec![Errand::Export],
            Order::Theme => self.order_theme(rest),
            Order::GoOn => vec![Errand::Send(ControlRequest::GoOn)],
            Order::Help => {
                self.read(Page { title: "Keys and commands".to_owned(), text: orders::help(), past: 0 });
                Vec::new()
            }
            Order::Quit => vec![Errand::Quit],
        }
    }

    fn usage(&mut self, how: &str) -> Vec<Errand> {
        self.trouble(format!("write it as {how}"));
        Vec::new()
    }

    fn order_mode(&mut self, rest: &str) -> Vec<Errand> {
        if rest.is_empty() {
            self.notice(format!("the mode is {}", self.chip));
            return Vec::new();
        }
        self.pending = None;
        vec![Errand::Send(ControlRequest::SetMode { mode: orders::mode_of(rest) })]
    }

    fn order_theme(&mut self, rest: &str) -> Vec<Errand> {
        match rest {
            "dark" => vec![Errand::Ground(Some(Ground::Dark))],
            "light" => vec![Errand::Ground(Some(Ground::Light))],
            "auto" => vec![Errand::Ground(None)],
            _ => self.usage("/theme dark, /theme light or /theme auto"),
        }
    }

    fn copy(&mut self) -> Vec<Errand> {
        let last = self.transcript.cells().rev().find_map(|cell| match cell {
            Cell::Model(text) if !text.trim().is_empty() => Some(text.clone()),
            _ => None,
        });
        match last {
            Some(text) => {
                self.notice(format!("copied the model's last message, {} characters", text.chars().count()));
                vec![Errand::Copy(text)]
            }
            None => {
                self.trouble("the model has said nothing yet");
                Vec::new()
            }
        }
    }

    /// Has another session shown, unless something runs here.
    pub(super) fn open(&mut self, opening: Opening) -> Vec<Errand> {
        let runs = match (self.phase, self.aside.shell_ms) {
            (Phase::Works(_) | Phase::Stops, _) => "the session works; Esc stops it",
            (Phase::Idle, Some(_)) => "a command of yours runs; Esc stops it",
            (Phase::Idle, None) => {
                if !matches!(opening, Opening::Fork { .. }) {
                    self.aside.carried = None;
                }
                return vec![Errand::Open(opening)];
            }
        };
        self.aside.carried = None;
        self.trouble(format!("{runs}, and then another session can be opened"));
        Vec::new()
    }
}
