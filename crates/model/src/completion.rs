//! What a model gives back: the whole answer, and what is heard while it comes.
//!
//! Not here: how either is spelled on the wire.

use turn::chat::{Reply, Usage};

/// One answer of a model, whole.
///
/// It is called a completion, as the services do, because an answer in this project is a person's.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// What the model said, thought and called.
    pub reply: Reply,
    /// The tokens that this answer cost, where the service said.
    pub usage: Option<Usage>,
    /// Why it ended. With [`Stop::Length`] the last tool call may be torn in the middle of its arguments.
    pub stop: Stop,
    /// The model that answered, as the service named it; the one that was asked where it did not.
    pub model: String,
    /// The service's name for the request, for a complaint to its support.
    pub request_id: Option<String>,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It had said everything.
    End,
    /// It waits for the results of its tool calls.
    ToolCalls,
    /// It ran into the limit of its output or of its context.
    Length,
    /// It refused to answer.
    Refusal,
    /// The service's content filter cut it off.
    Filtered,
    /// Another reason, in the service's word.
    Other(String),
}

/// What an attempt that brought no answer cost all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// The service never began.
    Nothing,
    /// The service had counted before the answer was lost.
    Known(Usage),
    /// The service may have begun.
    Unknown,
}

/// Something that is heard before the answer is whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A piece of what the model says.
    Text(String),
    /// A piece of what the model thinks.
    Reasoning(String),
    /// The model begins to call a tool; its arguments are still to come.
    Calling {
        /// The tool, by the name it was declared with where the model spelled it right.
        name: String,
    },
    /// What was heard of this answer is void: the attempt has failed.
    Restarted,
}
