//! What crosses the server's HTTP interface besides events and commands, as JSON.
//!
//! Not here: any logic, or the addresses (those are the server's table). Unknown fields are refused everywhere.

use crate::command::{ContextPart, Permission, ServerLine};
use crate::event::{Event, Spend};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A session to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The folder to work in, as the server sees it; the server's own without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`. Naming one takes the scope `answer`; without one it is `agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `PROVIDER/NAME` or `script:FILE`; the configured one without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is called, in one line of at most 200 letters; by what is said first without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub title: Option<String>,
    /// Whether somebody can be asked, for good; they can without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendance: Option<WhoIsThere>,
    /// What is said first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// Whether somebody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhoIsThere {
    /// A person can be asked; a question waits for them.
    Attended,
    /// Nobody can be asked: what would ask is refused.
    Unattended,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionDoing {
    /// It works.
    Working,
    /// It waits for an answer.
    Asks,
    /// It is open, and waits for somebody to speak.
    Idle,
    /// It is stored, and is opened by whoever speaks to it or reads its events.
    Stored,
    /// The server ended while it worked; it goes on when somebody says so.
    Parked,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionView {
    /// Its name.
    pub id: String,
    /// Its title; empty until something was said.
    pub title: String,
    /// The folder it works in.
    pub workspace: String,
    /// The model.
    pub model: String,
    /// What it is doing.
    pub state: SessionDoing,
    /// Why it is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The mode; in a list, only of one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The mode as a person reads it, with what is left; in a list, only of one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip: Option<String>,
    /// How many questions wait for an answer.
    pub questions: usize,
    /// What was said and waits for the end of the turn.
    pub queued: Vec<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When its record was last written to, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// A page of sessions, the one written to last first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// What to give as `after` for the next page; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What is to be other about a session. Each that is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionPatch {
    /// Its title: one line of at most 200 letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub title: Option<String>,
    /// The model, from its next request on. It takes the scope `answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A fork to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFork {
    /// Before which of the person's messages, from 0; without it, it has them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 4_294_967_295_u32))]
    pub before: Option<u32>,
}

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrompt {
    /// The words.
    #[schemars(length(min = 1))]
    pub text: String,
    /// When it is heard if the session works; with the next request to the model without it.
    #[serde(default)]
    pub delivery: PromptDelivery,
}

/// When a session that works hears what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptDelivery {
    /// With the next request to the model.
    #[default]
    Steer,
    /// When the turn is over.
    Queue,
}

/// What became of something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptTaken {
    /// Whether it waits for the end of the turn, in memory; otherwise it is on record.
    pub queued: bool,
}

/// What was said and waited for the end of the turn, taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakenBack {
    /// The words, in order.
    pub texts: Vec<String>,
}

/// Nothing: a request that says all by its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An event with its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberedEvent {
    /// The id, for `after` and `Last-Event-ID`.
    pub id: String,
    /// The event.
    pub event: Event,
}

/// A page of events, in order. A `session` event begins the conversation anew: what was read before is void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventPage {
    /// The events.
    pub events: Vec<NumberedEvent>,
    /// What to give as `after` for what comes next.
    pub next: String,
    /// Whether more is there already.
    pub more: bool,
}

/// What is asked and waits for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionList {
    /// `question` events, the one that was asked first first.
    pub questions: Vec<Event>,
}

/// A person's answer. To a question for permission: `answer`; to one of the model's own, or of an MCP server: `text`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// Yes, once; yes, for this session; or no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Permission>,
    /// The arguments as the person edited them: a yes is then to these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
    /// Words for the model, beside a yes or a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The answer in words; to a server's form, a JSON object as text. Any other text declines the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Answers that last for the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantList {
    /// What each covers.
    pub grants: Vec<String>,
}

/// A mode to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMode {
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`.
    pub mode: String,
}

/// How a session stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModeView {
    /// The mode.
    pub mode: String,
    /// The mode as a person reads it, with what is left.
    pub chip: String,
    /// The money.
    pub spend: Spend,
}

/// What fills the model's context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextView {
    /// The tokens of the last request, as the service counted them.
    pub counted: Option<u64>,
    /// From how many on the older part is summed up.
    pub limit: Option<u64>,
    /// The parts of the next request.
    pub parts: Vec<ContextPart>,
}

/// What differs from the last commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangesView {
    /// As git says it.
    pub text: String,
}

/// The MCP servers of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerList {
    /// The servers, each with its tools and their effects.
    pub servers: Vec<ServerLine>,
}

/// One call, to be told what would happen to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// The mode; `agent` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether somebody can be asked; they can without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attendance: Option<WhoIsThere>,
    /// The folder that the call would be made in; the server's own without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The tool: a built-in one, or `mcp:SERVER/TOOL`.
    pub tool: String,
    /// Its arguments; an empty object without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What would happen to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// `run`, `ask`, `refuse`, `deliver` or `invalid`.
    pub verdict: String,
    /// `read`, `reach`, `confined` or `change`; absent for `deliver` and `invalid`.
    pub effect: Option<String>,
    /// The price: `free`, an amount, `unknown` or `unbounded`; absent for `deliver` and `invalid`.
    pub price: Option<String>,
    /// `mode`, `cap`, `prohibition`, `person` or `nobody to ask`; absent for `deliver` and `invalid`.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: String,
}

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Me {
    /// Their name; absent for the person of the account that the server runs under.
    pub name: Option<String>,
    /// What they may do: `read`, `drive`, `answer`.
    pub scopes: Vec<String>,
}

/// How the server stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// `ok`, or `ending`.
    pub status: String,
    /// The program's version.
    pub version: String,
}

/// What went wrong, as RFC 9457 has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemView {
    /// `about:blank`: the title is that of the status.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What went wrong, for a person.
    pub detail: String,
    /// What went wrong, for a program. It does not change.
    pub code: String,
}
