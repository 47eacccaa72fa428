//! What a running session is told over its socket: one JSON object a line, answered by one.
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
    /// Stops what runs; the session can be resumed.
    Stop,
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
