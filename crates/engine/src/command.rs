//! What a session is told.
//!
//! Not here: who may say it; a command that needs a person carries one.

use crate::setup::Picked;
use gate::{Answer, CallId, Person};
use mcp::ServerEvent;
use policy::{Grant, ModeChoice};
use tokio::sync::{mpsc, oneshot};
use wire::{Aspect, ControlReply, Event};

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
        done: oneshot::Sender<ControlReply>,
    },
    /// Somebody asks how it stands.
    Status {
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// Somebody looks at something of the session.
    Look {
        /// At what.
        at: Aspect,
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// A person takes back a yes for the session.
    Revoke {
        /// Who.
        person: Person,
        /// What it covers.
        grant: Grant,
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// A person picks another model, from the next request on.
    UseModel {
        /// The model.
        picked: Box<Picked>,
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// A person has the older part of the conversation summed up, between turns.
    SumUp {
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// A person has an MCP server started anew.
    RestartServer {
        /// Its name.
        server: String,
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// A person gives the session another title.
    Rename {
        /// The title.
        title: String,
        /// Where the answer goes.
        done: oneshot::Sender<ControlReply>,
    },
    /// Somebody wants to hear everything from now on, what was said before first.
    Watch {
        /// Where the events come from then.
        done: oneshot::Sender<mpsc::Receiver<Event>>,
    },
    /// An MCP server did something by itself, or asks the person.
    Server(ServerEvent),
    /// Nobody wants to say anything for now: listening between turns ends. While it works, that is nothing.
    Leave,
    /// A person stops what runs. Twice gives up waiting for it.
    Stop,
}
