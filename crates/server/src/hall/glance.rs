//! How an open session stands, kept up from its events.
//!
//! Not here: the conversation.

use std::collections::VecDeque;
use std::sync::Arc;
use wire::{Doing, Event, Spend, Status};

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It works.
    Working,
    /// It waits for a person's answer.
    Asks,
    /// It waits for a person to speak.
    Idle,
}

impl SessionState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            SessionState::Working => "working",
            SessionState::Asks => "asks",
            SessionState::Idle => "idle",
        }
    }
}

/// How an open session stands.
#[derive(Clone, Debug, Default)]
pub struct Glance {
    /// The mode.
    pub mode: String,
    /// The mode as a person reads it, with what is left.
    pub chip: String,
    /// The model.
    pub model: String,
    /// The folder.
    pub workspace: String,
    /// The title.
    pub title: String,
    /// Whether a person can be asked.
    pub attendance: String,
    /// Whether a turn is under way.
    pub works: bool,
    /// What is asked, in order.
    pub questions: VecDeque<(String, Arc<Event>)>,
    /// How the last turn ended, since the session was opened here.
    pub ended: Option<(Status, Option<String>)>,
    /// The money when it last ended.
    pub spend: Option<Spend>,
}

impl Glance {
    /// What it is doing.
    pub fn state(&self) -> SessionState {
        match (self.questions.is_empty(), self.works) {
            (false, _) => SessionState::Asks,
            (true, true) => SessionState::Working,
            (true, false) => SessionState::Idle,
        }
    }

    /// Takes in one event.
    pub fn hear(&mut self, event: &Arc<Event>) {
        match &**event {
            Event::Session { mode, chip, model, workspace, title, attendance, .. } => {
                *self = Glance {
                    mode: mode.clone(),
                    chip: chip.clone(),
                    model: model.clone(),
                    workspace: workspace.clone(),
                    title: title.clone(),
                    attendance: attendance.clone(),
                    ..Glance::default()
                };
            }
            Event::CaughtUp { doing } => self.works = *doing == Doing::Works,
            Event::Prompt { .. } | Event::Text { .. } | Event::Reasoning { .. } | Event::Calling { .. } => {
                self.works = true;
            }
            Event::GoesOn | Event::Retrying { .. } | Event::Call { .. } => self.works = true,
            Event::Message { chip, .. } => self.chip.clone_from(chip),
            Event::Decision { call, outcome, chip, .. } => {
                self.chip.clone_from(chip);
                if !matches!(outcome.as_str(), "ask" | "deliver") {
                    self.close(call);
                }
            }
            Event::Question { call, chip, .. } => {
                self.chip.clone_from(chip);
                self.close(call);
                self.questions.push_back((call.clone(), Arc::clone(event)));
            }
            Event::Answered { call } => self.close(call),
            Event::Result { call, chip, .. } => {
                self.chip.clone_from(chip);
                self.close(call);
            }
            Event::Mode { mode, chip } => {
                self.mode.clone_from(mode);
                self.chip.clone_from(chip);
            }
            Event::Model { model, .. } => self.model.clone_from(model),
            Event::Titled { title } => self.title.clone_from(title),
            Event::End { status, reason, chip, spend, .. } => {
                self.works = false;
                self.chip.clone_from(chip);
                self.ended = Some((*status, reason.clone()));
                self.spend = Some(spend.clone());
            }
            Event::Restarted | Event::Progress { .. } | Event::Notice { .. } => {}
        }
    }

    fn close(&mut self, call: &str) {
        self.questions.retain(|(asked, _)| asked != call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(call: &str) -> Event {
        Event::Question {
            call: call.to_owned(),
            summary: "push".to_owned(),
            shown: "git push".to_owned(),
            effect: Some("change".to_owned()),
            price: Some("free".to_owned()),
            why: Some("it changes something".to_owned()),
            offered: Vec::new(),
            raise_to: None,
            chip: "Agent".to_owned(),
        }
    }

    #[test]
    fn a_session_asks_until_each_question_is_decided_or_over() {
        let mut glance = Glance::default();
        let mut hear = |event: Event| {
            glance.hear(&Arc::new(event));
            (glance.state(), glance.questions.len())
        };
        assert_eq!(hear(Event::Prompt { text: "go".to_owned() }), (SessionState::Working, 0));
        assert_eq!(hear(question("1")), (SessionState::Asks, 1));
        assert_eq!(hear(question("1")), (SessionState::Asks, 1), "asked anew is asked once");
        assert_eq!(hear(question("2")), (SessionState::Asks, 2));
        let decided = Event::Decision {
            call: "1".to_owned(),
            outcome: "run".to_owned(),
            decided_by: Some("person".to_owned()),
            reason: None,
            chip: "Agent".to_owned(),
        };
        assert_eq!(hear(decided), (SessionState::Asks, 1));
        assert_eq!(hear(Event::Answered { call: "2".to_owned() }), (SessionState::Working, 0));
    }
}
