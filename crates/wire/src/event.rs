//! What a session says as it goes: one JSON object a line.
//!
//! Not here: how it is drawn. Amounts of money are texts of US dollars with a point, exact to a pico-dollar (`"1.20"`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that happened in a session.
#[expect(clippy::large_enum_variant, reason = "only the last event of a run is large")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The session starts, or is taken up again. Always first.
    Session {
        /// Its name, for `remit resume`.
        id: String,
        /// The mode: `plan`, `agent`, `yolo:CAP` or `yolo:uncapped`.
        mode: String,
        /// The mode as a person reads it, with what is left: `YOLO $3.20 of $5.00`.
        chip: String,
        /// The model, as `PROVIDER/NAME` or `script:FILE`.
        model: String,
        /// The folder it works in.
        workspace: String,
        /// Its title; empty until something was said.
        title: String,
        /// Whether a person can be asked: `attended` or `unattended`.
        attendance: String,
        /// What is not what a person might expect, such as a model without a price.
        notes: Vec<String>,
    },
    /// What was said up to here is the past, told again to somebody who came later; what follows happens now.
    CaughtUp {
        /// What the session is doing.
        doing: Doing,
    },
    /// A person said something.
    Prompt {
        /// The words.
        text: String,
    },
    /// A turn begins without new words: a person lets the model go on, or has it sum up.
    GoesOn,
    /// A piece of what the model says.
    Text {
        /// The piece.
        delta: String,
    },
    /// A piece of what the model thinks.
    Reasoning {
        /// The piece.
        delta: String,
    },
    /// The model begins to call a tool; what it calls it with is still to come.
    Calling {
        /// The tool.
        tool: String,
    },
    /// The model's service did not answer; it is asked again.
    Retrying {
        /// Which try comes next, from 2.
        attempt: u32,
        /// How long is waited first.
        wait_ms: u64,
        /// What went wrong.
        why: String,
    },
    /// What was heard of this message is void: the answer was cut off and is asked for again.
    Restarted,
    /// The model's message is complete.
    Message {
        /// What it said, whole.
        text: String,
        /// How many tools it calls.
        calls: usize,
        /// The tokens of the request, where the service counts them.
        tokens: Option<Tokens>,
        /// The mode with what is left after this request.
        chip: String,
    },
    /// A tool call was understood and comes to the gate.
    Call {
        /// The call's name in this session.
        call: String,
        /// The tool.
        tool: String,
        /// The call in a line.
        summary: String,
        /// `read`, `reach`, `confined` or `change`; absent for a question to the person.
        effect: Option<String>,
        /// The price, in words: `free`, `$1.00`, `unknown (why)`, `unbounded (why)`.
        price: Option<String>,
        /// The arguments as the model wrote them.
        arguments: String,
    },
    /// The contract has decided about a call.
    Decision {
        /// The call.
        call: String,
        /// `run`, `ask`, `refuse`, `deliver` or `invalid`.
        outcome: String,
        /// `mode`, `cap`, `prohibition`, `person` or `nobody to ask`; absent for `deliver` and `invalid`.
        decided_by: Option<String>,
        /// Why, unless it runs.
        reason: Option<String>,
        /// The mode with what is left after this decision.
        chip: String,
    },
    /// A person is asked; the call waits.
    Question {
        /// The call.
        call: String,
        /// The call in a line.
        summary: String,
        /// The exact bytes that a yes approves.
        shown: String,
        /// `read`, `reach`, `confined` or `change`; absent for a question of the model's own.
        effect: Option<String>,
        /// The price, in words.
        price: Option<String>,
        /// Why it asks; absent for a question of the model's own.
        why: Option<String>,
        /// What a yes for the session would cover; empty when there is no such yes.
        offered: Vec<String>,
        /// The cap under which it would run, when it is only the cap that it does not fit in.
        raise_to: Option<String>,
        /// The mode with what is left.
        chip: String,
    },
    /// A question of an MCP server was answered, and is not open any more. Of every other question the decision or the result of
    /// its call tells that.
    Answered {
        /// The call.
        call: String,
    },
    /// A piece of a running tool's output or progress.
    Progress {
        /// The call.
        call: String,
        /// The piece.
        text: String,
    },
    /// A call is over.
    Result {
        /// The call.
        call: String,
        /// Whether it did what it was asked.
        ok: bool,
        /// What the model reads.
        text: String,
        /// The mode with what is left after it.
        chip: String,
    },
    /// The mode was set by a person.
    Mode {
        /// The mode.
        mode: String,
        /// The mode as a person reads it.
        chip: String,
    },
    /// The model is another from the next request on.
    Model {
        /// The model.
        model: String,
        /// What is not what a person might expect, such as a model without a price.
        notes: Vec<String>,
    },
    /// The session has another title.
    Titled {
        /// The title.
        title: String,
    },
    /// Something a person may want to know: a server that died, a context that was summed up.
    Notice {
        /// The words.
        text: String,
    },
    /// The run is over. Always last.
    End {
        /// How it ended.
        status: Status,
        /// Why, in words, when it was not `done`.
        reason: Option<String>,
        /// The last thing the model said.
        text: String,
        /// What was refused because nobody could be asked.
        refused: Vec<Refused>,
        /// How many times a person was asked.
        prompts: usize,
        /// What goes on without the session and may still cost something.
        going_on: Vec<GoingOn>,
        /// The money.
        spend: Spend,
        /// All tokens of this session.
        tokens: Tokens,
        /// The mode with what is left.
        chip: String,
    },
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// It works.
    Works,
    /// It waits for a person to speak.
    Waits,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The model said what it had to say (exit status 0, or 3 when something was refused because nobody was there).
    Done,
    /// Something failed (1).
    Failed,
    /// What is left of the cap does not pay for another step (4).
    CapReached,
    /// The model's service failed in a way worth trying again later (75).
    Unavailable,
    /// A person stopped it (130).
    Interrupted,
}

/// A call that was refused because nobody could be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The call.
    pub call: String,
    /// The call in a line.
    pub summary: String,
    /// What it would have cost.
    pub price: String,
    /// Why it would have asked.
    pub reason: String,
}

/// Something that a session started and that goes on without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoingOn {
    /// The name of its hold: the call that started it.
    pub hold: String,
    /// What is held for it; absent when it has no bound.
    pub held: Option<String>,
    /// Where to ask about it, in the words of whoever started it.
    pub reference: String,
    /// Where a person can look at it and end it.
    pub page: Option<String>,
}

/// The money of a session. No two of these are ever added up into one number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spend {
    /// The cap, when there is one.
    pub cap: Option<String>,
    /// What is left of it.
    pub left: Option<String>,
    /// Spent and held in YOLO: what counts against the cap.
    pub budget: Money,
    /// Spent in Plan and Agent by a person's yes: never against the cap.
    pub metered: Money,
    /// Allowed by a person past the cap: booked apart.
    pub past_cap: Money,
    /// How many requests were made to the model.
    pub requests: u64,
    /// How many of them had no price; what those cost is in no sum.
    pub unpriced: u64,
    /// What the cache of the model's service has saved.
    pub saved: String,
}

/// The states of one sum of money, each apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Money {
    /// What could have been spent at most.
    pub quoted: String,
    /// Set aside for what is under way.
    pub held: String,
    /// Set aside for what has an unknown outcome.
    pub open: String,
    /// Paid.
    pub settled: String,
    /// The part of `settled` beyond its hold.
    pub overrun: String,
    /// How many things without a bound are not gone yet.
    pub unbounded: usize,
}

/// Tokens, as the model's service counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// All input.
    pub input: u64,
    /// The part of the input that was read from the service's cache.
    pub cache_read: u64,
    /// The part of the input that was written to the service's cache.
    pub cache_write: u64,
    /// All output.
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}
