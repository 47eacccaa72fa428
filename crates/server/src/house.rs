//! What the server asks of the program that starts it: sessions with all that they work with, and what only the person's
//! configuration knows.
//!
//! Not here: any of it. The server reads no configuration and picks no model.

use engine::voice::Catalogue;
use engine::{Session, Speaker};
use journal::SessionId;
use mcp::ServerEvent;
use policy::{Attendance, ModeChoice};
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Something that is asked of the house.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Who a session belongs to; nobody by name is the person of the account that the server runs under.
pub type Owner = Option<String>;

/// Which session is to be opened.
#[derive(Clone, Debug)]
pub enum Which {
    /// A new one.
    New(NewSession),
    /// One that is stored.
    Stored(SessionId),
    /// A new one that begins with what was said in another.
    Fork {
        /// The other.
        of: SessionId,
        /// Before which of the person's messages, from 0; past the last, it has them all.
        said: usize,
        /// Who it belongs to.
        owner: Owner,
    },
}

/// What a new session begins with.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Who it belongs to.
    pub owner: Owner,
    /// The folder to work in; that of the server without one.
    pub workspace: Option<PathBuf>,
    /// The mode; Agent without one.
    pub mode: Option<ModeChoice>,
    /// The model; the configured one without one.
    pub model: Option<String>,
    /// What it is called; by what is said first without it.
    pub title: Option<String>,
    /// Whether somebody can be asked.
    pub attendance: Attendance,
}

/// A session that was opened and does not run yet.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// What a person might not expect of it.
    pub notes: Vec<String>,
    /// What its MCP servers do by themselves.
    pub server_events: mpsc::Receiver<ServerEvent>,
}

/// Why the house could not do it; the text is for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Another program has the session.
    #[error("{0}")]
    InUse(String),
    /// Whoever asked can mend it by asking otherwise.
    #[error("{0}")]
    Refused(String),
    /// The machine, or the configuration, is in the way.
    #[error("{0}")]
    Failed(String),
}

/// What one call is, for [`House::explain`].
#[derive(Clone, Debug)]
pub struct Explained {
    /// The mode; Agent without one.
    pub mode: Option<ModeChoice>,
    /// Whether somebody can be asked.
    pub attendance: Attendance,
    /// The folder that the call would be made in.
    pub workspace: Option<PathBuf>,
    /// The tool.
    pub tool: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

/// The program that starts the server.
pub trait House: fmt::Debug + Send + Sync {
    /// Opens a session, which tells `events` what happens.
    fn open(&self, which: Which, events: Speaker) -> Asked<'_, Opened>;
    /// The models that sessions can be given by name.
    fn catalogue(&self) -> Arc<dyn Catalogue>;
    /// Takes away what is kept beside a session's record, which is gone.
    fn forget(&self, session: &SessionId);
    /// What each mode does: the contract as `remit contract --json` has it.
    fn contract(&self) -> Result<Value, Trouble>;
    /// What would happen to one call, as `remit explain --json` has it. Runs nothing.
    fn explain(&self, call: Explained) -> Asked<'_, Value>;
    /// What models cost, as `remit prices --json` has it.
    fn models(&self) -> Asked<'_, Value>;
    /// What a stored session has cost, call by call, as `remit spend --json` has it.
    fn spend<'a>(&'a self, session: &'a SessionId) -> Asked<'a, Value>;
}
