//! Takes in what the session says.
//!
//! Not here: how it is drawn. First comes what the session is, then the past, told again, and from `CaughtUp` on what happens
//! now; a stream without that word is taken as it comes, but that nobody is called for what may long be over.

use super::{App, Bell, Errand, Phase, SessionLine, Told};
use crate::card::{Card, CardKind};
use crate::roll::Roll;
use crate::transcript::{CallCell, CallState, Cell, Fold};
use wire::{Doing, Event, GoingOn, Status};

/// How many of the things that go on are named.
const NAMED: usize = 3;

impl App {
    pub(super) fn hear(&mut self, event: Event, now_ms: u64) -> Vec<Errand> {
        match event {
            Event::Session { id, mode, chip, model, workspace, title, notes, .. } => {
                self.begin(SessionLine { id, model, workspace, title });
                (self.mode, self.chip) = (mode, chip);
                notes.into_iter().for_each(|note| self.notice(note));
            }
            Event::CaughtUp { doing } => return self.caught_up(doing, now_ms),
            Event::Prompt { text } => {
                self.works(now_ms);
                self.aside.said.push(text.clone());
                self.transcript.push(Cell::Person(text));
            }
            Event::Mode { mode, chip } => {
                let again = if self.cards.iter().any(|card| card.kind.is_permission()) {
                    "; what is asked is judged again"
                } else {
                    ""
                };
                self.notice(format!("the mode is {chip} now{again}"));
                (self.mode, self.chip) = (mode, chip);
            }
            Event::Model { model, notes } => {
                self.notice(format!("{model} is asked from the next request on"));
                notes.into_iter().for_each(|note| self.notice(note));
                self.about.model = model;
            }
            Event::Titled { title } => self.about.title = title,
            Event::Answered { call } => self.close_card(&call),
            Event::GoesOn => self.works(now_ms),
            Event::Notice { text } => self.notice(text),
            Event::End { status, reason, chip, going_on, .. } => {
                self.chip = chip;
                return self.ended(status, reason.unwrap_or_default(), &going_on);
            }
            Event::Call { .. }
            | Event::Decision { .. }
            | Event::Question { .. }
            | Event::Progress { .. }
            | Event::Result { .. } => return self.hear_of_call(event, now_ms),
            of_model => self.hear_model(of_model, now_ms),
        }
        Vec::new()
    }

    /// What a session is: another one than before has nothing of that on its screen, and one that is told anew is told whole.
    fn begin(&mut self, about: SessionLine) {
        let is_another = !self.about.id.is_empty() && self.about.id != about.id;
        let is_told_anew = self.about.id == about.id;
        self.about = about;
        if is_another || is_told_anew {
            self.transcript = Default::default();
            self.cards.clear();
        }
        if !is_another {
            return;
        }
        (self.pending, self.over, self.twice, self.phase) = (None, None, None, Phase::Idle);
        // What waited was meant for the other session; it is had back with Up.
        self.composer.load(std::mem::take(&mut self.queue));
        let aside = std::mem::take(&mut self.aside);
        self.aside.files = aside.files;
        if let Some(text) = aside.carried {
            match self.composer.is_empty() {
                true => self.composer.set(text),
                false => self.composer.load(vec![text]),
            }
        }
    }

    fn caught_up(&mut self, doing: Doing, now_ms: u64) -> Vec<Errand> {
        self.aside.told = Told::Now;
        match doing {
            Doing::Works => {
                if !matches!(self.phase, Phase::Works(_)) {
                    self.phase = Phase::Works(now_ms);
                }
            }
            Doing::Waits => {
                self.phase = Phase::Idle;
                self.transcript.close_words("");
            }
        }
        let asked = self.cards.picked().map(Card::in_a_line);
        asked.map(|line| Errand::Ring(Bell::Asks(line))).into_iter().collect()
    }

    /// Notes that the session works, whoever set it going.
    fn works(&mut self, now_ms: u64) {
        if self.phase == Phase::Idle {
            self.phase = Phase::Works(now_ms);
        }
    }

    fn hear_model(&mut self, event: Event, now_ms: u64) {
        match event {
            Event::Text { delta } => {
                self.works(now_ms);
                self.transcript.speak(&delta);
            }
            Event::Reasoning { delta } => {
                self.works(now_ms);
                self.transcript.think(&delta);
            }
            Event::Calling { .. } => self.works(now_ms),
            Event::Message { text, chip, .. } => {
                self.chip = chip;
                self.transcript.close_words(&text);
            }
            Event::Retrying { attempt, wait_ms, why } => {
                self.works(now_ms);
                let wait = wait_ms / 1_000;
                self.transcript.push(Cell::Trouble(format!("{why}; try {attempt} in {wait} s")));
            }
            Event::Restarted => self.transcript.take_back_words(),
            _ => {}
        }
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
            question @ Event::Question { .. } => return self.asked(question),
            Event::Progress { call, text } => {
                if let Some(cell) = self.transcript.call_mut(&call) {
                    cell.say(&text);
                }
            }
            Event::Result { call, ok, text, chip } => {
                self.chip = chip;
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

    fn asked(&mut self, question: Event) -> Vec<Errand> {
        let Event::Question { call, summary, shown, effect, price, why, offered, raise_to, chip } = question else {
            return Vec::new();
        };
        self.chip.clone_from(&chip);
        let cell = self.transcript.call(&call);
        let arguments = cell.map(|cell| cell.arguments.clone()).unwrap_or_default();
        let kind = match (effect, why) {
            (Some(effect), Some(why)) => {
                let price = price.unwrap_or_else(|| "free".to_owned());
                CardKind::Permission { effect, price, why, offered, raise_to, chip }
            }
            _ => CardKind::of_question(&summary, &shown),
        };
        self.close_card(&call);
        let card = Card { call, summary, shown, arguments, kind, seen_ms: None, roll: Roll::default() };
        let line = card.in_a_line();
        self.cards.push(card);
        match self.aside.told {
            Told::Now => vec![Errand::Ring(Bell::Asks(line))],
            Told::Past => Vec::new(),
        }
    }

    fn ended(&mut self, status: Status, reason: String, going_on: &[GoingOn]) -> Vec<Errand> {
        self.phase = Phase::Idle;
        self.transcript.close_words("");
        if self.cards.edited_call().is_some() {
            self.leave_edit();
        }
        self.cards.end_turn();
        let said = match status {
            Status::Done => "done".to_owned(),
            Status::Interrupted => {
                self.notice("stopped");
                "stopped".to_owned()
            }
            Status::CapReached => {
                self.trouble(format!("{reason}. Raise the cap (/mode yolo 10), then /continue"));
                reason
            }
            Status::Failed | Status::Unavailable => {
                self.trouble(reason.clone());
                reason
            }
        };
        if !going_on.is_empty() {
            self.notice(going_on_text(going_on, status));
        }
        match (self.aside.told, status) {
            (Told::Past, _) => Vec::new(),
            (Told::Now, Status::Done) if !self.queue.is_empty() => self.send_queued(),
            (Told::Now, _) => vec![Errand::Ring(Bell::Ended(said))],
        }
    }
}

/// What goes on without the session, and where to end it.
fn going_on_text(going_on: &[GoingOn], status: Status) -> String {
    let what = match (going_on.len(), status) {
        (1, Status::Interrupted) => "1 thing that this session started goes on: the stop does not end it".to_owned(),
        (count, Status::Interrupted) => {
            format!("{count} things that this session started go on: the stop does not end them")
        }
        (1, _) => "1 thing that this session started goes on without it and is paid for".to_owned(),
        (count, _) => format!("{count} things that this session started go on without it and are paid for"),
    };
    let mut lines = vec![what];
    lines.extend(going_on.iter().take(NAMED).map(|one| {
        let held = one.held.as_deref().map_or("no bound".to_owned(), |held| format!("{held} held"));
        match &one.page {
            Some(page) => format!("{} ({held}); look and end it at {page}", one.reference),
            None => format!("{} ({held}); the model can end it", one.reference),
        }
    }));
    lines.push("/spend lists all".to_owned());
    lines.join("\n")
}
