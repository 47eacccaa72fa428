//! What the server asks of the program that starts it: sessions with all that they work with, and what only the person's
//! configuration knows.
//!
//! Not here: any of it. The server reads no configuration and picks no model.

use crate::people::Owner;
use engine::voice::Catalogue;
use engine::{Session, SessionCommand, Speaker};
use journal::SessionId;
use policy::{Attendance, ModeChoice};
use serde_json::Value;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;
use wire::http::Explanation;

/// Something that is asked of the house.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unable>> + Send + 'a>>;

/// Which session is to be opened.
#[derive(Clone, Debug)]
pub enum Which {
    /// A new one.
    New(Beginning),
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
pub struct Beginning {
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
pub struct Seated {
    /// The session.
    pub session: Session,
    /// What a person might not expect of it.
    pub notes: Vec<String>,
    /// What goes on beside it, such as its socket; over when this is dropped.
    pub beside: Box<dyn Any + Send + Sync>,
}

/// The ways between a session and this server.
#[derive(Clone, Debug)]
pub struct Ways {
    /// What it says.
    pub events: Speaker,
    /// What it is told.
    pub commands: mpsc::Sender<SessionCommand>,
}

/// Why the house could not do it; the text is for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unable {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// Another program has the session.
    #[error("{0}")]
    InUse(String),
    /// Whoever asked can mend it by asking otherwise.
    #[error("{0}")]
    Refused(String),
    /// Whoever asked has too many already.
    #[error("{0}")]
    TooMany(String),
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
    /// Opens a session, to be heard and told by these ways.
    fn open(&self, which: Which, ways: Ways) -> Asked<'_, Seated>;
    /// What a person could say first in a new session, where the house knows that.
    fn offered(&self) -> Option<String> {
        None
    }
    /// The models that sessions can be given by name.
    fn catalogue(&self) -> Arc<dyn Catalogue>;
    /// Takes away what is kept beside a session's record, which is gone.
    fn forget(&self, session: &SessionId);
    /// What each mode does: the contract as `remit contract --json` has it.
    fn contract(&self) -> Result<Value, Unable>;
    /// What would happen to one call, as `remit explain --json` has it. Runs nothing.
    fn explain(&self, call: Explained) -> Asked<'_, Explanation>;
    /// What models cost, as `remit prices --json` has it.
    fn models(&self) -> Asked<'_, Value>;
    /// The built-in tools with their effects.
    fn tools(&self) -> Result<Value, Unable>;
    /// The files of a workspace that are not ignored, as paths from it.
    fn files<'a>(&'a self, workspace: &'a Path) -> Asked<'a, Vec<String>>;
    /// A stored session's record, one JSON object a line, as `remit export` writes it.
    fn export<'a>(&'a self, session: &'a SessionId) -> Asked<'a, String>;
    /// What a stored session has cost, call by call, as `remit spend --json` has it.
    fn spend<'a>(&'a self, session: &'a SessionId) -> Asked<'a, Value>;
}
