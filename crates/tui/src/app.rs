//! The state of the terminal: one struct, changed by one function.
//!
//! Not here: drawing it (that is `view`), reading keys (that is `screen`), or any decision: what a mode is and what it runs
//! the session says.

use crate::card::{Card, CardKind};
use crate::composer::{Choice, Composed, ComposedKind, Composer, Keyed, Wish, WishKind, rank};
pub use crate::errand::{
    Bell, Errand, Focus, Input, ListKind, ListRow, Listing, Opening, Page, Sheet, ShellSaid, WheelTurn,
};
use crate::orders::{self, ORDERS, Order};
use crate::transcript::{CallCell, CallState, Cell, Fold, Transcript};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use wire::{ControlReply, ControlRequest, Event, Permission, Status};

/// How long the next mode stands by before it is set, in milliseconds: passing through one fires nothing.
pub const MODE_MS: u64 = 500;
/// How long Ctrl-C counts as the first of two, in milliseconds.
const QUIT_MS: u64 = 2_000;
/// The modes in the order in which Tab goes through them, as the session reads them.
const CYCLE: [&str; 3] = ["plan", "agent", "yolo"];
/// How far a page scrolls.
const PAGE: usize = 10;
/// How far a turn of the wheel scrolls.
const WHEEL: usize = 3;

/// What the session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for the person.
    Idle,
    /// It works, since this moment.
    Works(u64),
    /// It was told to stop.
    Stops,
}

/// The mode that Tab is at, before it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The mode, as the session reads it.
    pub mode: &'static str,
    /// When the last Tab was pressed.
    pub since_ms: u64,
}

/// What the session said of itself first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionLine {
    /// Its name.
    pub id: String,
    /// The model.
    pub model: String,
    /// The folder.
    pub workspace: String,
}

/// Everything that is on the screen.
#[derive(Debug)]
pub struct App {
    /// What the session is.
    pub about: SessionLine,
    /// The mode, as the session said it last.
    pub mode: String,
    /// The mode with what is left, as the session said it last.
    pub chip: String,
    /// The mode that is about to be set.
    pub pending: Option<Pending>,
    /// What was said and done.
    pub transcript: Transcript,
    /// Where the person writes.
    pub composer: Composer,
    /// What is asked, the oldest first.
    pub cards: Vec<Card>,
    /// Which of them the keys answer.
    pub picked: usize,
    /// What the session is doing.
    pub phase: Phase,
    /// What is read over the transcript.
    pub page: Option<Page>,
    /// The card whose arguments are in the composer.
    pub edits: Option<String>,
    /// When Ctrl-C was pressed with nothing left to stop.
    pub leaving_ms: Option<u64>,
}

impl App {
    /// A screen on which nothing has happened.
    pub fn new(composer: Composer) -> App {
        App {
            about: SessionLine::default(),
            mode: String::new(),
            chip: String::new(),
            pending: None,
            transcript: Transcript::default(),
            composer,
            cards: Vec::new(),
            picked: 0,
            phase: Phase::Idle,
            page: None,
            edits: None,
            leaving_ms: None,
        }
    }

    /// Takes in what happened and says what is to be done about it. `now_ms` is a clock that never goes back.
    pub fn update(&mut self, input: Input, now_ms: u64) -> Vec<Errand> {
        match input {
            Input::Key(key) => self.key(key, now_ms),
            Input::Paste(text) => {
                let heard = self.composer.paste(text);
                self.heard(heard)
            }
            Input::Wheel(WheelTurn::Up) => self.scroll_up(WHEEL),
            Input::Wheel(WheelTurn::Down) => self.scroll_down(WHEEL),
            Input::Event(event) => self.hear(*event, now_ms),
            Input::Reply(reply) => {
                match *reply {
                    ControlReply::Status { mode, chip, .. } => (self.mode, self.chip) = (mode, chip),
                    ControlReply::Refused { why } => self.transcript.push(Cell::Trouble(why)),
                    ControlReply::Answers { .. }
                    | ControlReply::Changes { .. }
                    | ControlReply::Prohibitions { .. }
                    | ControlReply::Context { .. }
                    | ControlReply::Servers { .. } => {}
                }
                Vec::new()
            }
            Input::Page(page) => {
                self.page = Some(page);
                Vec::new()
            }
            Input::Notice(text) => {
                self.transcript.push(Cell::Notice(text));
                Vec::new()
            }
            Input::Trouble(text) => {
                self.transcript.push(Cell::Trouble(text));
                Vec::new()
            }
            Input::Listed(_) | Input::Files(_) | Input::Shell(_) | Input::Edited(_) | Input::Focus(_) => Vec::new(),
            Input::Tick => self.tick(now_ms),
        }
    }

    /// Notes that all this was on the screen at that moment.
    pub fn was_drawn(&mut self, now_ms: u64) {
        if let Some(card) = self.cards.get_mut(self.picked) {
            card.seen_ms.get_or_insert(now_ms);
        }
    }

    /// Whether the screen will be another after a while without anything happening.
    pub fn changes_by_itself(&self) -> bool {
        self.phase != Phase::Idle || self.pending.is_some() || self.leaving_ms.is_some()
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Errand> {
        let is_over = |at: &u64, ms: u64| now_ms.saturating_sub(*at) >= ms;
        if self.leaving_ms.as_ref().is_some_and(|at| is_over(at, QUIT_MS)) {
            self.leaving_ms = None;
        }
        match self.pending.take_if(|pending| is_over(&pending.since_ms, MODE_MS)) {
            Some(pending) if self.is_in(pending.mode) => Vec::new(),
            Some(pending) => vec![set_mode(pending.mode)],
            None => Vec::new(),
        }
    }

    /// Whether the session is in this mode of the cycle, whatever its cap.
    fn is_in(&self, mode: &str) -> bool {
        self.mode.split(':').next() == Some(mode)
    }

    fn key(&mut self, key: KeyEvent, now_ms: u64) -> Vec<Errand> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if !(ctrl && key.code == KeyCode::Char('c')) {
            self.leaving_ms = None;
        }
        if self.page.is_some() {
            return self.key_on_page(key);
        }
        match key.code {
            KeyCode::Char('c') if ctrl => return self.interrupt(now_ms),
            KeyCode::Char('o') if ctrl => self.transcript.turn_call(),
            KeyCode::Char('t') if ctrl => self.transcript.turn_thoughts(),
            KeyCode::PageUp => return self.scroll_up(PAGE),
            KeyCode::PageDown => return self.scroll_down(PAGE),
            KeyCode::End if self.composer.is_empty() => self.transcript.to_the_end(),
            KeyCode::Esc if !self.composer_has_keys() => return self.escape(),
            KeyCode::Tab | KeyCode::BackTab if !self.composer_has_keys() => self.cycle(key.code, now_ms),
            _ if self.composer.is_empty() && self.edits.is_none() && !self.cards.is_empty() => {
                return match self.key_on_card(key, now_ms) {
                    Some(effects) => effects,
                    None => self.write(key),
                };
            }
            _ => return self.write(key),
        }
        Vec::new()
    }

    fn key_on_page(&mut self, key: KeyEvent) -> Vec<Errand> {
        let Some(page) = &mut self.page else { return Vec::new() };
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => page.past = page.past.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => page.past += 1,
            KeyCode::PageUp => page.past = page.past.saturating_sub(PAGE),
            KeyCode::PageDown | KeyCode::Char(' ') => page.past += PAGE,
            _ => self.page = None,
        }
        Vec::new()
    }

    fn scroll_up(&mut self, lines: usize) -> Vec<Errand> {
        match &mut self.page {
            Some(page) => page.past = page.past.saturating_sub(lines),
            None => self.transcript.up(lines),
        }
        Vec::new()
    }

    fn scroll_down(&mut self, lines: usize) -> Vec<Errand> {
        match &mut self.page {
            Some(page) => page.past += lines,
            None => self.transcript.down(lines),
        }
        Vec::new()
    }

    /// Ctrl-C: clears what is written, else stops what runs, else ends when pressed twice.
    fn interrupt(&mut self, now_ms: u64) -> Vec<Errand> {
        if !self.composer.is_empty() {
            self.composer.clear();
            self.edits = None;
            return Vec::new();
        }
        if self.leaving_ms.is_some_and(|at| now_ms.saturating_sub(at) < QUIT_MS) {
            return vec![Errand::Quit];
        }
        self.leaving_ms = Some(now_ms);
        if let Phase::Works(_) = self.phase {
            self.phase = Phase::Stops;
            return vec![Errand::Send(ControlRequest::Stop)];
        }
        Vec::new()
    }

    fn escape(&mut self) -> Vec<Errand> {
        if self.edits.take().is_some() {
            self.composer.clear();
            return Vec::new();
        }
        if self.pending.take().is_some() {
            return Vec::new();
        }
        match self.phase {
            Phase::Works(_) => {
                self.phase = Phase::Stops;
                vec![Errand::Send(ControlRequest::Stop)]
            }
            // Said once more, it gives up waiting for what does not end.
            Phase::Stops => vec![Errand::Send(ControlRequest::Stop)],
            Phase::Idle => Vec::new(),
        }
    }

    fn cycle(&mut self, key: KeyCode, now_ms: u64) {
        let now = self.pending.as_ref().map_or(self.mode.as_str(), |pending| pending.mode);
        let at = CYCLE.iter().position(|mode| now.split(':').next() == Some(mode)).unwrap_or(0);
        let step = if key == KeyCode::Tab { 1 } else { CYCLE.len() - 1 };
        self.pending = Some(Pending { mode: CYCLE[(at + step) % CYCLE.len()], since_ms: now_ms });
    }

    /// A key on the card that is picked; `None` when it is not the card's.
    fn key_on_card(&mut self, key: KeyEvent, now_ms: u64) -> Option<Vec<Errand>> {
        let card = self.cards.get(self.picked)?;
        let CardKind::Permission { offered, .. } = &card.kind else { return None };
        let answer = match key.code {
            KeyCode::Up => {
                self.picked = self.picked.saturating_sub(1);
                return Some(Vec::new());
            }
            KeyCode::Down => {
                self.picked = (self.picked + 1).min(self.cards.len() - 1);
                return Some(Vec::new());
            }
            KeyCode::Char('y') => Permission::Once,
            KeyCode::Char('s') if !offered.is_empty() => Permission::Session,
            KeyCode::Char('n') => Permission::No,
            KeyCode::Char('e') => {
                if card.can_be_answered(now_ms) {
                    self.edits = Some(card.call.clone());
                    let arguments = card.arguments.clone();
                    self.composer.set(arguments);
                }
                return Some(Vec::new());
            }
            _ => return None,
        };
        // A key that was on its way before the card was there is no answer to it.
        if !card.can_be_answered(now_ms) {
            return Some(Vec::new());
        }
        Some(self.answer(answer, None, None))
    }

    fn answer(&mut self, answer: Permission, edited: Option<String>, words: Option<String>) -> Vec<Errand> {
        if self.picked >= self.cards.len() {
            return Vec::new();
        }
        let card = self.cards.remove(self.picked);
        self.picked = 0;
        vec![Errand::Send(ControlRequest::Answer { call: card.call, answer, edited, words })]
    }

    /// Whether a menu or a search of the composer's has the keys that are the screen's otherwise.
    fn composer_has_keys(&self) -> bool {
        self.composer.is_choosing() || self.composer.is_searching()
    }

    /// A key for the composer.
    fn write(&mut self, key: KeyEvent) -> Vec<Errand> {
        let heard = self.composer.key(key);
        self.heard(heard)
    }

    fn heard(&mut self, heard: Keyed) -> Vec<Errand> {
        match heard {
            Keyed::Submit(draft) => return self.submit(draft),
            Keyed::Complete(wish) => self.composer.offer(choices(&wish)),
            Keyed::Editor => {
                let text = "an editor of your own is not there yet; paste what you wrote".to_owned();
                self.transcript.push(Cell::Notice(text));
            }
            Keyed::Edited | Keyed::Nothing | Keyed::Unused => {}
        }
        Vec::new()
    }

    fn submit(&mut self, draft: Composed) -> Vec<Errand> {
        self.transcript.to_the_end();
        if let Some(call) = self.edits.take() {
            self.picked = self.cards.iter().position(|card| card.call == call).unwrap_or(usize::MAX);
            return self.answer(Permission::Once, Some(draft.text), None);
        }
        match draft.kind {
            ComposedKind::Command { name, rest } => self.order(&name, &rest),
            ComposedKind::Shell(_) => {
                self.transcript.push(Cell::Trouble("`!` is not there yet; use a terminal of your own".to_owned()));
                Vec::new()
            }
            ComposedKind::Words => self.say(draft.text),
        }
    }

    fn say(&mut self, text: String) -> Vec<Errand> {
        match self.cards.get(self.picked).map(|card| card.kind.clone()) {
            Some(CardKind::Words) => {
                let card = self.cards.remove(self.picked);
                self.picked = 0;
                self.transcript.push(Cell::Person(text.clone()));
                vec![Errand::Send(ControlRequest::Respond { call: card.call, text })]
            }
            Some(CardKind::Permission { .. }) => self.answer(Permission::No, None, Some(text.trim().to_owned())),
            None => vec![Errand::Send(ControlRequest::Say { text })],
        }
    }

    fn order(&mut self, name: &str, rest: &str) -> Vec<Errand> {
        let Some(entry) = orders::named(name) else {
            self.transcript.push(Cell::Trouble(format!("there is no command `/{name}`; /help lists them")));
            return Vec::new();
        };
        match entry.order {
            Order::Mode if rest.trim().is_empty() => {
                self.transcript.push(Cell::Notice(format!("the mode is {}", self.chip)));
                Vec::new()
            }
            Order::Mode => {
                self.pending = None;
                vec![Errand::Send(ControlRequest::SetMode { mode: orders::mode_of(rest) })]
            }
            Order::Contract => vec![Errand::Show(Sheet::Contract)],
            Order::Spend => vec![Errand::Show(Sheet::Spend)],
            Order::GoOn => vec![Errand::Send(ControlRequest::GoOn)],
            Order::Help => {
                self.page = Some(Page { title: "Keys and commands".to_owned(), text: help(), past: 0 });
                Vec::new()
            }
            Order::Quit => vec![Errand::Quit],
        }
    }

    /// Takes in what the session said.
    fn hear(&mut self, event: Event, now_ms: u64) -> Vec<Errand> {
        match event {
            Event::Session { id, mode, chip, model, workspace, notes, .. } => {
                (self.mode, self.chip) = (mode, chip);
                self.about = SessionLine { id, model, workspace };
                notes.into_iter().for_each(|note| self.transcript.push(Cell::Notice(note)));
            }
            Event::Prompt { text } => {
                // What was said before the session was taken up sets nothing going.
                if self.phase == Phase::Idle && !self.about.id.is_empty() {
                    self.phase = Phase::Works(now_ms);
                }
                self.transcript.push(Cell::Person(text));
            }
            Event::Text { delta } => self.transcript.speak(&delta),
            Event::Reasoning { delta } => self.transcript.think(&delta),
            Event::Calling { .. } => {}
            Event::Message { text, chip, .. } => {
                self.chip = chip;
                self.transcript.close_words(&text);
            }
            Event::Retrying { attempt, wait_ms, why } => {
                let wait = wait_ms / 1_000;
                self.transcript.push(Cell::Trouble(format!("{why}; try {attempt} in {wait} s")));
            }
            Event::Restarted => self.transcript.take_back_words(),
            Event::Mode { mode, chip } => {
                self.transcript.push(Cell::Notice(format!("the mode is {chip} now; what is asked is judged again")));
                (self.mode, self.chip) = (mode, chip);
            }
            Event::Notice { text } => self.transcript.push(Cell::Notice(text)),
            Event::End { status, reason, chip, going_on, .. } => {
                self.chip = chip;
                return self.ended(status, reason, going_on.len());
            }
            of_call => return self.hear_of_call(of_call, now_ms),
        }
        Vec::new()
    }

    fn hear_of_call(&mut self, event: Event, now_ms: u64) -> Vec<Errand> {
        match event {
            Event::Call { call, tool, summary, price, arguments, .. } => {
                let (state, output, result) = (CallState::Made, String::new(), String::new());
                let fold = Fold::Folded;
                let cell = CallCell { call, tool, summary, arguments, price, state, output, result, fold };
                self.transcript.push(Cell::Call(Box::new(cell)));
            }
            Event::Decision { call, outcome, reason, chip, .. } => {
                self.chip = chip;
                let reason = reason.unwrap_or_default();
                let state = match outcome.as_str() {
                    "run" => CallState::Runs(now_ms),
                    "ask" | "deliver" => CallState::Asks,
                    "refuse" => CallState::Refused(reason),
                    _invalid => CallState::Invalid(reason),
                };
                if state != CallState::Asks {
                    self.close_card(&call);
                }
                if let Some(cell) = self.transcript.call_mut(&call) {
                    cell.state = state;
                }
            }
            Event::Question { call, summary, shown, effect, price, why, offered, raise_to: _, chip } => {
                self.chip.clone_from(&chip);
                let cell = self.transcript.call(&call);
                let arguments = cell.map(|cell| cell.arguments.clone()).unwrap_or_default();
                let kind = match (effect, why) {
                    (Some(effect), Some(why)) => {
                        let price = price.unwrap_or_else(|| "free".to_owned());
                        CardKind::Permission { effect, price, why, offered, chip }
                    }
                    _ => CardKind::Words,
                };
                self.close_card(&call);
                let line = summary.clone();
                self.cards.push(Card { call, summary, shown, arguments, kind, seen_ms: None });
                return vec![Errand::Ring(Bell::Asks(line))];
            }
            Event::Progress { call, text } => {
                if let Some(cell) = self.transcript.call_mut(&call) {
                    cell.say(&text);
                }
            }
            Event::Result { call, ok, text } => {
                self.close_card(&call);
                if let Some(cell) = self.transcript.call_mut(&call) {
                    let told = matches!(cell.state, CallState::Refused(_) | CallState::Invalid(_));
                    if !told {
                        cell.state = if ok { CallState::Done } else { CallState::Failed };
                    }
                    cell.result = text;
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn close_card(&mut self, call: &str) {
        self.cards.retain(|card| card.call != call);
        self.picked = self.picked.min(self.cards.len().saturating_sub(1));
        if self.edits.as_deref() == Some(call) {
            self.edits = None;
        }
    }

    fn ended(&mut self, status: Status, reason: Option<String>, going_on: usize) -> Vec<Errand> {
        self.phase = Phase::Idle;
        self.cards.clear();
        let reason = reason.unwrap_or_default();
        match status {
            Status::Done => {}
            Status::Interrupted => self.transcript.push(Cell::Notice("stopped".to_owned())),
            Status::CapReached => {
                let text = format!("{reason}. Raise the cap (/mode yolo 10), then /continue");
                self.transcript.push(Cell::Trouble(text));
            }
            Status::Failed | Status::Unavailable => self.transcript.push(Cell::Trouble(reason)),
        }
        if going_on > 0 {
            let text =
                format!("{going_on} started in this session go on without it and are paid for; /spend lists them");
            self.transcript.push(Cell::Notice(text));
        }
        vec![Errand::Ring(Bell::Ended("the work is over".to_owned()))]
    }
}

/// What a command's beginning could become. Files are not completed yet.
fn choices(wish: &Wish) -> Vec<Choice> {
    if wish.kind != WishKind::Command {
        return Vec::new();
    }
    let names: Vec<&str> = ORDERS.iter().map(|entry| entry.name).collect();
    let ranked = rank(&wish.query, &names).into_iter().map(|at| &ORDERS[at]);
    let choice = |entry: &orders::OrderEntry| Choice {
        insert: format!("/{} ", entry.name),
        label: format!("/{} {}", entry.name, entry.takes),
        note: entry.does.to_owned(),
    };
    ranked.map(choice).collect()
}

fn set_mode(mode: &str) -> Errand {
    Errand::Send(ControlRequest::SetMode { mode: mode.to_owned() })
}

fn help() -> String {
    let keys = orders::KEYS.iter().map(|(key, does)| format!("{key:<32}{does}\n"));
    let orders =
        ORDERS.iter().map(|entry| format!("{:<32}{}\n", format!("/{} {}", entry.name, entry.takes), entry.does));
    keys.chain(["\n".to_owned()]).chain(orders).collect()
}
