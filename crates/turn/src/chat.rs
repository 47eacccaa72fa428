//! What a conversation with a language model is made of, whichever service speaks it.
//!
//! Not here: how a service spells it (that is `model`), or what runs (that is `engine`).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message of a conversation, in the order in which it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// Words of the person, or of Remit on their behalf (a summary after compaction).
    User {
        /// The words.
        text: String,
    },
    /// What the model said and which tools it called.
    Assistant(Reply),
    /// The answer to one tool call.
    Tool {
        /// The [`ToolCall::id`] that it answers.
        call: String,
        /// The text the model reads.
        text: String,
        /// Whether the tool failed or was refused; some services want to be told.
        outcome: Outcome,
    },
}

/// How a tool call went, as far as the model has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and did what it was asked.
    Done,
    /// It was malformed, refused, stopped, or failed.
    Failed,
}

/// One message of the model, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// What it said to the person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What it thought, where the service shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// The tools it calls, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
}

/// What a model thought before it spoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reasoning {
    /// The readable part; empty where the service hides it.
    #[serde(default)]
    pub text: String,
    /// What the service wants back, unaltered, with the next request (a signature, an encrypted item).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Value>,
}

/// One call of a tool, as the model wrote it: nothing here has been checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The service's name for this call; unique within one reply only, and only if the service behaves.
    pub id: String,
    /// The tool, as the model spelled it.
    pub name: String,
    /// The arguments as JSON text, exactly as received; it may not be JSON at all.
    pub arguments: String,
}

/// One tool as it is declared to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// The name the model calls it by.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON schema of its arguments, an object.
    pub parameters: Value,
}

/// Everything that one request to a model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The system prompt; the same in every mode.
    pub system: String,
    /// The tools that may be called.
    pub tools: Vec<ToolSpec>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The most tokens the answer may have, reasoning included; `None` leaves it to the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
}

/// The tokens of one request, as the service counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// All input tokens, those read from and written to the cache included.
    pub input: u64,
    /// Input tokens read from the service's cache; part of `input`.
    pub cache_read: u64,
    /// Input tokens written to the service's cache at a price of their own; part of `input`.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Output tokens spent on reasoning; part of `output`.
    pub reasoning: u64,
}

impl Usage {
    /// Adds the tokens of another request.
    pub fn plus(self, other: Usage) -> Usage {
        Usage {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}
