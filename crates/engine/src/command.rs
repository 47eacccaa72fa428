//! What a session is told.
//!
//! Not here: who may say it; a command that needs a person carries one.

use gate::{Answer, CallId, Person};
use mcp::ServerEvent;
use policy::ModeChoice;
use tokio::sync::oneshot;

/// One command to a session.
#[derive(Debug)]
pub enum SessionCommand {
    /// A person says something; while the model works, it is said with the next request.
    Say(String),
    /// A person lets the model go on where it stopped; while it works, that is nothing.
    GoOn,
    /// A person answers a permission question.
    Answer {
        /// Who.
        person: Person,
        /// The call that was asked about.
        call: CallId,
        /// The answer.
        answer: Answer,
        /// The arguments as the person edited them, when they did; a yes is then to these.
        edited: Option<String>,
        /// Words for the model, when there are any.
        words: Option<String>,
    },
    /// A person answers a question of the model's own, or of an MCP server.
    Respond {
        /// The call that asked.
        call: CallId,
        /// The answer, in words; to a server's form, a JSON object. Anything else declines the form.
        text: String,
    },
    /// A person sets the mode.
    SetMode {
        /// Who.
        person: Person,
        /// The mode.
        mode: ModeChoice,
        /// Where the answer goes.
        done: oneshot::Sender<wire::ControlReply>,
    },
    /// Somebody asks how it stands.
    Status {
        /// Where the answer goes.
        done: oneshot::Sender<wire::ControlReply>,
    },
    /// An MCP server did something by itself, or asks the person.
    Server(ServerEvent),
    /// A person stops what runs. Twice gives up waiting for it.
    Stop,
}
