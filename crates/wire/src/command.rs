//! What a session is told by a surface; over its socket, one JSON object a line, answered by one.
//!
//! Not here: who may say it. The engine asks the kernel who is on the other side of the socket.

use crate::event::Spend;
use schemars::JsonSchema;
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
    /// Says how something of the session stands.
    Look {
        /// What.
        at: Aspect,
    },
    /// Takes back a yes for the session.
    Revoke {
        /// What it covers, as [`ControlReply::Answers`] lists it.
        grant: String,
    },
    /// Asks this model from the next request on.
    UseModel {
        /// The model, as `PROVIDER/NAME` or `script:FILE`.
        model: String,
    },
    /// Has the model sum up the older part of the conversation, between turns.
    Compact,
    /// Starts an MCP server anew.
    RestartServer {
        /// Its name.
        server: String,
    },
    /// Gives the session another title.
    Rename {
        /// The title.
        title: String,
    },
    /// Tells everything that the session says, from now until the connection ends: the answer is a line of
    /// [`ControlReply::Status`], and then each line is an [`Event`](crate::Event), those of the past first.
    Watch,
}

/// What of a session can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The person's answers that last for the session.
    Answers,
    /// What the person prohibited.
    Prohibitions,
    /// What fills the model's context.
    Context,
    /// The MCP servers and their tools.
    Servers,
    /// What differs in the workspace from its last commit.
    Changes,
}

/// A person's answer to a question for permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The person's answers that last for the session.
    Answers {
        /// What each covers, such as `shell: cargo test`.
        grants: Vec<String>,
    },
    /// What the person prohibited.
    Prohibitions {
        /// Each as the configuration has it.
        rules: Vec<String>,
    },
    /// What fills the model's context.
    Context {
        /// The input tokens that the service counted last; absent before it has.
        counted: Option<u64>,
        /// From how many the older part is summed up; absent where nobody knows.
        limit: Option<u64>,
        /// The parts, as they are sent.
        parts: Vec<ContextPart>,
    },
    /// What differs in the workspace from its last commit.
    Changes {
        /// As git has it.
        text: String,
    },
    /// The MCP servers.
    Servers {
        /// In the order of their names.
        servers: Vec<ServerLine>,
    },
}

/// One part of what is sent to the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextPart {
    /// What it is.
    pub name: String,
    /// How many there are of it.
    pub count: usize,
    /// How long it is as text, in bytes.
    pub bytes: usize,
}

/// How an MCP server stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerLine {
    /// Its name.
    pub name: String,
    /// How it stands, in words.
    pub state: String,
    /// Its tools.
    pub tools: Vec<ServerTool>,
}

/// A tool of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerTool {
    /// The tool, as the server names it.
    pub name: String,
    /// `read`, `reach`, `confined` or `change`.
    pub effect: String,
}
