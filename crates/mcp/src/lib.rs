//! A client of MCP servers, on the official SDK: their tools become actions like any other.
//!
//! In reading order: [`config`] has what a person says about a server; [`name`] what a tool is called; [`tool`] what a server
//! declares; [`servers`] all servers of a session, and the way to a typed call; [`call`] what a call declares and does;
//! [`prompt`] texts for the person; [`event`] and [`elicitation`] what servers do and ask by themselves; [`server`] the life
//! of one; [`error`] why something could not be asked. Inside: `connect`, `link` and `ear` are a connection, its use, and
//! what is heard over it; `child` and `lines` the program behind it; `schema`, `content`, `resource`, `text` and `fault`
//! read what it says.
//!
//! What a server says is never trusted to be small, well formed, or fit to be shown. What it declares about a tool's effect
//! is believed, because the person put it into their own configuration.
//!
//! Not here: a second gate. Nothing in this crate decides, asks about, or refuses a call that was let run.

pub mod call;
mod child;
pub mod config;
mod connect;
mod content;
mod ear;
pub mod elicitation;
pub mod error;
pub mod event;
mod fault;
mod lines;
mod link;
pub mod name;
pub mod prompt;
mod resource;
mod schema;
pub mod server;
pub mod servers;
mod text;
pub mod tool;

pub use call::{McpCall, run};
pub use config::{BadServer, HttpServer, Patience, ServerConfig, ServerName, StdioServer, Surroundings, Transport};
pub use elicitation::{Elicitation, ElicitationAnswer, Wanted};
pub use error::McpError;
pub use event::{Next, ServerEvent};
pub use name::{RESOURCE_CALL, is_mcp_name};
pub use prompt::{Blank, McpPrompt, Need};
pub use server::{ServerPhase, ServerState};
pub use servers::Servers;
pub use tool::McpTool;
