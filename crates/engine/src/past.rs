//! What a session has said so far, told again from its record to somebody who comes later.
//!
//! Not here: what is still open, which the session itself knows.
//!
//! The record keeps what happened, not what was drawn: pieces of a message come back as the whole message, and what a
//! running tool said is gone. What was summed up for the model is told whole.

use crate::record::TURN_KIND;
use gate::{Decision, GateEvent, RECORD_KIND};
use journal::Record;
use std::collections::BTreeMap;
use turn::chat::{Message, Outcome, Reply, ToolCall};
use turn::{Limits, Turn, TurnEvent};
use wire::Event;

/// The past of a session, in order, under the mode as it reads now.
///
/// # Errors
/// When a record cannot be read.
pub fn told(records: &[Record], chip: String) -> Result<Vec<Event>, serde_json::Error> {
    let machine = Turn::new(Limits::default());
    let mut past = Past { events: Vec::new(), machine, made: BTreeMap::new(), chip };
    for record in records {
        match record.kind.as_str() {
            TURN_KIND => past.turn(serde_json::from_str(&record.body)?),
            RECORD_KIND => past.gate(serde_json::from_str(&record.body)?),
            _request => {}
        }
    }
    Ok(past.events)
}

/// How many characters of an unjudged call are its line.
const MOST_SUMMARY: usize = 80;

struct Past {
    events: Vec<Event>,
    /// Names the calls as they were named then.
    machine: Turn,
    /// Calls that were made and not told yet.
    made: BTreeMap<String, ToolCall>,
    /// The mode as it reads now: what was left then is no news.
    chip: String,
}

impl Past {
    fn turn(&mut self, event: TurnEvent) {
        match &event {
            TurnEvent::Said { text } => self.events.push(Event::Prompt { text: text.clone() }),
            TurnEvent::CallEnded { call, text, outcome } => {
                self.call(call, None);
                let ok = *outcome == Outcome::Done;
                self.events.push(Event::Result { call: call.clone(), ok, text: text.clone(), chip: self.chip.clone() });
            }
            TurnEvent::ModelFailed { why } | TurnEvent::CapReached { why } => self.notice(why),
            TurnEvent::Compacted { .. } => self.notice("the older part was summed up for the model"),
            TurnEvent::Stopped => self.notice("stopped"),
            TurnEvent::Limited { .. }
            | TurnEvent::GoOn
            | TurnEvent::Replied { .. }
            | TurnEvent::ContextFull
            | TurnEvent::SumUp => {}
        }
        let is_reply = matches!(event, TurnEvent::Replied { .. });
        self.machine.step(event);
        if is_reply && let Some(Message::Assistant(reply)) = self.machine.messages().iter().rfind(is_assistant) {
            let reply = reply.clone();
            self.reply(reply);
        }
    }

    fn reply(&mut self, reply: Reply) {
        let thought = reply.reasoning.map(|reasoning| reasoning.text).filter(|text| !text.is_empty());
        self.events.extend(thought.map(|delta| Event::Reasoning { delta }));
        let (text, calls) = (reply.text, reply.calls.len());
        if !text.is_empty() {
            self.events.push(Event::Text { delta: text.clone() });
        }
        self.events.push(Event::Message { text, calls, tokens: None, chip: self.chip.clone() });
        self.made.extend(reply.calls.into_iter().map(|call| (call.id.clone(), call)));
    }

    fn gate(&mut self, event: GateEvent) {
        match event {
            GateEvent::Decided(decision) => {
                let Decision { call, outcome, decided_by, reason, .. } = (*decision).clone();
                self.call(call.as_str(), Some(*decision));
                let (call, decided_by, chip) = (call.to_string(), Some(decided_by), self.chip.clone());
                self.events.push(Event::Decision { call, outcome, decided_by, reason, chip });
            }
            GateEvent::ModeSet { mode, .. } => self.notice(&format!("the mode was set to {mode}")),
            GateEvent::Opened { .. }
            | GateEvent::Answered { .. }
            | GateEvent::Revoked { .. }
            | GateEvent::Ended { .. }
            | GateEvent::Posted { .. } => {}
        }
    }

    /// Tells of a call when it first comes up: it was judged, or ended without that.
    fn call(&mut self, name: &str, judged: Option<Decision>) {
        let Some(call) = self.made.remove(name) else { return };
        let (summary, effect, price) = match judged {
            Some(decision) => (decision.summary, Some(decision.effect), Some(decision.price)),
            // Nobody has judged it, or that was in another session: what there is of it is the call itself.
            None => (format!("{} {}", call.name, call.arguments).chars().take(MOST_SUMMARY).collect(), None, None),
        };
        let (tool, arguments) = (call.name, call.arguments);
        self.events.push(Event::Call { call: call.id, tool, summary, effect, price, arguments });
    }

    fn notice(&mut self, text: &str) {
        self.events.push(Event::Notice { text: text.to_owned() });
    }
}

fn is_assistant(message: &&Message) -> bool {
    matches!(message, Message::Assistant(_))
}
