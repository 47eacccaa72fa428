//! One conversation and what it wants next.
//!
//! Not here: a clock, a model, a tool, or a mode. Replaying the same events gives the same machine.

use crate::chat::{Message, Outcome, Reply, ToolCall, Usage};
use crate::context;
use serde::{Deserialize, Serialize};

/// What happens to a conversation. These, in order, are its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum TurnEvent {
    /// From here on the conversation goes by these limits. They are on record because replaying it depends on them.
    Limited {
        /// The limits.
        limits: Limits,
    },
    /// A person says something. While the model works it is kept, and said with the next request.
    Said {
        /// The words.
        text: String,
    },
    /// A person asks to go on where it stopped.
    GoOn,
    /// The model answered, whole.
    Replied {
        /// What it said and called. The calls are renamed by the machine.
        reply: Reply,
        /// What it counted, where the service says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// The model could not answer.
    ModelFailed {
        /// Why, in words.
        why: String,
    },
    /// A tool call is over: it ran, was refused, or made no sense.
    CallEnded {
        /// The machine's name for it.
        call: String,
        /// What the model reads.
        text: String,
        /// How it went.
        outcome: Outcome,
    },
    /// The context did not fit, or is about to be full.
    ContextFull,
    /// A person wants the older messages summed up, and nothing else.
    SumUp,
    /// Older messages were summed up.
    Compacted {
        /// The summary.
        summary: String,
    },
    /// What is left of the cap pays for no other request.
    CapReached {
        /// What is left, in words.
        why: String,
    },
    /// A person stopped it.
    Stopped,
}

/// What the conversation wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// The model is to be asked with [`Turn::messages`].
    Reply,
    /// The older messages are to be summed up: the model is to be asked with [`context::summary_request`].
    Summary,
    /// These calls are to be brought to the gate, in this order.
    Calls(Vec<ToolCall>),
    /// Nothing more is to be done until a person speaks.
    End(Ending),
}

/// Why a turn is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The model has said what it had to say.
    Done,
    /// The model was asked as often as one turn may.
    TurnLimit(u32),
    /// The model made the same calls again and again.
    Looping(u32),
    /// The model could not answer.
    ModelFailed(String),
    /// The context is full and cannot be made smaller.
    ContextFull,
    /// What is left of the cap pays for no other request.
    CapReached(String),
    /// A person stopped it.
    Stopped,
}

/// Where a turn stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most requests to the model for one thing that a person said.
    pub requests: u32,
    /// How often in a row the model may make exactly the same calls.
    pub repeats: u32,
    /// Compact when the last request took more input tokens than this; `None` waits until the service complains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { requests: 500, repeats: 16, context_tokens: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for a person.
    Idle,
    /// Waiting for the model.
    Asking,
    /// Waiting for a summary.
    Compacting(Then),
    /// Waiting for these calls.
    Calling(Vec<String>),
}

/// What comes after a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The model's next message.
    Reply,
    /// Nothing, until a person speaks.
    Rest,
}

/// The input tokens that a service counted for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How many messages, from the first, the request told.
    pub messages: usize,
    /// The tokens of all its input.
    pub input: u64,
}

/// One conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    limits: Limits,
    messages: Vec<Message>,
    /// What a person said while the model was busy.
    waiting: Vec<String>,
    phase: Phase,
    /// Calls named so far in the whole session.
    named: u64,
    requests: u32,
    repeats: u32,
    last_calls: Vec<(String, String)>,
    last_input: u64,
    measured: Option<Measured>,
    compacted_at: Option<usize>,
}

impl Turn {
    /// Starts a conversation.
    pub fn new(limits: Limits) -> Turn {
        Turn {
            limits,
            messages: Vec::new(),
            waiting: Vec::new(),
            phase: Phase::Idle,
            named: 0,
            requests: 0,
            repeats: 0,
            last_calls: Vec::new(),
            last_input: 0,
            measured: None,
            compacted_at: None,
        }
    }

    /// Where a turn stops by itself.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The conversation as the model is to see it.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The calls that have not ended, by name.
    pub fn unended(&self) -> &[String] {
        match &self.phase {
            Phase::Calling(calls) => calls,
            Phase::Idle | Phase::Asking | Phase::Compacting(_) => &[],
        }
    }

    /// Whether it waits for a person.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Whether it waits for a person and has older messages that could be summed up.
    pub fn can_sum_up(&self) -> bool {
        self.is_idle() && context::can_compact(&self.messages)
    }

    /// What the service counted last, unless the messages that it counted are gone.
    pub fn measured(&self) -> Option<Measured> {
        self.measured
    }

    /// Requests to the model since a person last spoke.
    pub fn requests(&self) -> u32 {
        self.requests
    }

    /// The last thing the model said in words.
    pub fn last_text(&self) -> &str {
        let texts = self.messages.iter().rev().filter_map(|message| match message {
            Message::Assistant(reply) if !reply.text.is_empty() => Some(reply.text.as_str()),
            Message::Assistant(_) | Message::User { .. } | Message::Tool { .. } => None,
        });
        texts.into_iter().next().unwrap_or_default()
    }

    /// Takes one event and says what is wanted now. An event that does not belong here changes nothing.
    pub fn step(&mut self, event: TurnEvent) -> Vec<Want> {
        match (event, self.phase.clone()) {
            (TurnEvent::Limited { limits }, _) => {
                self.limits = limits;
                Vec::new()
            }
            (TurnEvent::Said { text }, Phase::Idle) => {
                self.messages.push(Message::User { text });
                self.begin()
            }
            (TurnEvent::Said { text }, Phase::Asking | Phase::Compacting(_) | Phase::Calling(_)) => {
                self.waiting.push(text);
                Vec::new()
            }
            (TurnEvent::GoOn, Phase::Idle) => self.begin(),
            (TurnEvent::Replied { reply, usage }, Phase::Asking) => self.replied(reply, usage),
            (TurnEvent::ModelFailed { why }, Phase::Asking | Phase::Compacting(_)) => {
                self.end(Ending::ModelFailed(why))
            }
            (TurnEvent::CapReached { why }, Phase::Asking | Phase::Compacting(_)) => self.end(Ending::CapReached(why)),
            (TurnEvent::ContextFull, Phase::Asking) => self.compact(),
            (TurnEvent::SumUp, Phase::Idle) if self.can_sum_up() => {
                self.phase = Phase::Compacting(Then::Rest);
                vec![Want::Summary]
            }
            (TurnEvent::Compacted { summary }, Phase::Compacting(then)) => {
                context::compact(&mut self.messages, &summary);
                self.measured = None;
                self.compacted_at = Some(self.messages.len());
                match then {
                    // What was said meanwhile is not left without an answer.
                    Then::Rest if self.waiting.is_empty() => self.end(Ending::Done),
                    Then::Rest => self.begin(),
                    Then::Reply => self.ask(),
                }
            }
            (TurnEvent::CallEnded { call, text, outcome }, Phase::Calling(left)) if left.contains(&call) => {
                self.call_ended(call, text, outcome, left)
            }
            (TurnEvent::Stopped, Phase::Asking | Phase::Compacting(_)) => self.end(Ending::Stopped),
            (TurnEvent::Stopped, Phase::Calling(left)) => {
                for call in left {
                    let text = "not run: the person stopped this turn".to_owned();
                    self.messages.push(Message::Tool { call, text, outcome: Outcome::Failed });
                }
                self.end(Ending::Stopped)
            }
            (
                TurnEvent::GoOn
                | TurnEvent::Replied { .. }
                | TurnEvent::ModelFailed { .. }
                | TurnEvent::ContextFull
                | TurnEvent::SumUp
                | TurnEvent::Compacted { .. }
                | TurnEvent::CallEnded { .. }
                | TurnEvent::CapReached { .. }
                | TurnEvent::Stopped,
                Phase::Idle | Phase::Asking | Phase::Compacting(_) | Phase::Calling(_),
            ) => Vec::new(),
        }
    }

    fn begin(&mut self) -> Vec<Want> {
        self.requests = 0;
        self.repeats = 0;
        self.last_calls.clear();
        self.ask()
    }

    /// Asks the model, unless this turn has asked it often enough.
    fn ask(&mut self) -> Vec<Want> {
        self.messages.extend(self.waiting.drain(..).map(|text| Message::User { text }));
        if self.requests >= self.limits.requests {
            return self.end(Ending::TurnLimit(self.limits.requests));
        }
        let is_nearly_full = self.limits.context_tokens.is_some_and(|limit| self.last_input > limit);
        if is_nearly_full && context::can_compact(&self.messages) {
            self.last_input = 0;
            return self.compact();
        }
        self.requests += 1;
        self.phase = Phase::Asking;
        vec![Want::Reply]
    }

    /// Sums up, unless that was just done: a context that is full again at once cannot be made smaller.
    fn compact(&mut self) -> Vec<Want> {
        let is_no_smaller = self.compacted_at == Some(self.messages.len());
        if is_no_smaller || !context::can_compact(&self.messages) {
            return self.end(Ending::ContextFull);
        }
        self.phase = Phase::Compacting(Then::Reply);
        vec![Want::Summary]
    }

    fn replied(&mut self, mut reply: Reply, usage: Option<Usage>) -> Vec<Want> {
        if let Some(usage) = usage {
            self.last_input = usage.input;
            self.measured = Some(Measured { messages: self.messages.len(), input: usage.input });
        }
        for call in &mut reply.calls {
            self.named += 1;
            call.id = format!("c{}", self.named);
        }
        let calls = reply.calls.clone();
        self.messages.push(Message::Assistant(reply));
        if calls.is_empty() {
            return if self.waiting.is_empty() { self.end(Ending::Done) } else { self.ask() };
        }
        let spelled: Vec<_> = calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect();
        self.repeats = if spelled == self.last_calls { self.repeats + 1 } else { 1 };
        self.last_calls = spelled;
        self.phase = Phase::Calling(calls.iter().map(|call| call.id.clone()).collect());
        if self.repeats > self.limits.repeats {
            let repeats = self.repeats;
            for call in calls {
                let text = format!("not run: the same call was made {repeats} times in a row");
                self.messages.push(Message::Tool { call: call.id, text, outcome: Outcome::Failed });
            }
            return self.end(Ending::Looping(repeats));
        }
        vec![Want::Calls(calls)]
    }

    fn call_ended(&mut self, call: String, text: String, outcome: Outcome, mut left: Vec<String>) -> Vec<Want> {
        left.retain(|other| *other != call);
        self.messages.push(Message::Tool { call, text, outcome });
        let all_ended = left.is_empty();
        self.phase = Phase::Calling(left);
        if all_ended {
            context::put_in_order(&mut self.messages);
            self.ask()
        } else {
            Vec::new()
        }
    }

    fn end(&mut self, ending: Ending) -> Vec<Want> {
        context::put_in_order(&mut self.messages);
        self.messages.extend(self.waiting.drain(..).map(|text| Message::User { text }));
        self.phase = Phase::Idle;
        vec![Want::End(ending)]
    }
}
