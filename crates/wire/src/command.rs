//! What a session is told by a surface; over its socket, one JSON object a line, answered by one.
//!
//! Not here: who may say it. The engine asks the kernel who is on the other side of the socket.

use crate::event::Spend;
use serde::{Deserialize, Serialize};

/// One command to the owner of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlRequest {
    /// Says how it stands.
    Status,
    /// Sets the mode: `plan`, `agent`, `yolo`, `yolo:CAP` or `yolo:uncapped`.
    SetMode {
        /// The mode.
        mode: String,
    },
    /// Says something to the model: at once when it waits, else with its next request.
    Say {
        /// The words.
        text: String,
    },
    /// Lets the model go on where it stopped, as under a higher cap.
    GoOn,
    /// Answers a question for permission.
    Answer {
        /// The call that was asked about.
        call: String,
        /// The answer.
        answer: Permission,
        /// The arguments as the person edited them; a yes is then to these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited: Option<String>,
        /// Words for the model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
    },
    /// Answers a question of the model's own, or of an MCP server.
    Respond {
        /// The call that asked.
        call: String,
        /// The answer.
        text: String,
    },
    /// Stops what runs; the session can be resumed.
    Stop,
}

/// A person's answer to a question for permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Yes, to this call.
    Once,
    /// Yes, to the same tool on the same key, while the session and its mode last.
    Session,
    /// No.
    No,
}

/// The answer to one command.
#[expect(clippy::large_enum_variant, reason = "one is made a command, and boxes would stand in every reader's way")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlReply {
    /// How the session stands, after the command.
    Status {
        /// The mode.
        mode: String,
        /// The mode as a person reads it.
        chip: String,
        /// The money.
        spend: Spend,
    },
    /// The command was not carried out.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}
