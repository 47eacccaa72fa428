//! Why something could not be asked of a server; the text is for whoever asked, a model or a person.
//!
//! Not here: how a call ends that was let run; that is a report.

use crate::config::ServerName;

/// Why something could not be asked of a server. Nothing was sent, unless it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum McpError {
    /// The name has not the form of one.
    #[error("`{0}` is no tool of a server; one is called as it was declared, or as `mcp:SERVER/TOOL`")]
    NoSuchName(String),
    /// No server is called that.
    #[error("no server is called `{name}`; there is {known}")]
    NoSuchServer {
        /// The name.
        name: String,
        /// The names there are, in words.
        known: String,
    },
    /// The server has no tool of that name now.
    #[error("server `{server}` has no tool `{tool}`; it has {known}")]
    NoSuchTool {
        /// The server.
        server: ServerName,
        /// The tool.
        tool: String,
        /// Some that it has, in words.
        known: String,
    },
    /// The server is not up.
    #[error("server `{server}` {why}")]
    NotUp {
        /// The server.
        server: ServerName,
        /// What it is doing.
        why: String,
    },
    /// The arguments are not what the tool takes; the text names what is wrong.
    #[error("`{tool}`: {why}")]
    Arguments {
        /// The tool, as it was called.
        tool: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// The server was asked and gave no answer.
    #[error("server `{server}`: {why}")]
    NoAnswer {
        /// The server.
        server: ServerName,
        /// Why not.
        why: String,
    },
}
