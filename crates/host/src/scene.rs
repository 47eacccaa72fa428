//! What a running tool is given besides its permit.
//!
//! Not here: any door; those are in the modules beside this one.

use crate::children::Runs;
use crate::environment::Environment;
use crate::http::Net;
use crate::place::Workspace;
use policy::Place;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The surroundings of one run. Cheap to clone; each run has a stop signal and a progress line of its own.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The folder the person put in front of the agent.
    pub workspace: Workspace,
    /// Where whole outputs are kept for the model to read, one folder a session; it counts as part of the workspace
    /// for reading.
    pub outputs: PathBuf,
    /// What a child program may see of this program's environment.
    pub environment: Arc<Environment>,
    /// HTTP out.
    pub net: Net,
    /// The background runs of this session.
    pub runs: Runs,
    /// The files that the model has seen.
    pub seen: Seen,
    /// The model's list of what it means to do.
    pub todos: Todos,
    /// Fires when the run is to end: kill what was started, wait for it, then end the permit.
    pub stop: CancellationToken,
    /// Where to say how it goes.
    pub progress: Progress,
}

impl Scene {
    /// A scene in which nothing has happened yet and nobody watches.
    pub fn new(workspace: Workspace, outputs: PathBuf, environment: Arc<Environment>, net: Net, runs: Runs) -> Scene {
        Scene {
            workspace,
            outputs,
            environment,
            net,
            runs,
            seen: Seen::default(),
            todos: Todos::default(),
            stop: CancellationToken::new(),
            progress: Progress::nobody(),
        }
    }
}

/// A line to whoever watches a run. Lines that nobody reads in time are dropped; nothing waits for a slow reader.
#[derive(Clone, Debug)]
pub struct Progress(Option<mpsc::Sender<String>>);

impl Progress {
    /// Speaks into this channel.
    pub fn to(lines: mpsc::Sender<String>) -> Progress {
        Progress(Some(lines))
    }

    /// Speaks to nobody.
    pub fn nobody() -> Progress {
        Progress(None)
    }

    /// Says a piece of output or a line of progress.
    pub fn say(&self, text: impl Into<String>) {
        if let Some(lines) = &self.0 {
            // A full channel means a slow reader; what the tool keeps is whole all the same.
            let _ = lines.try_send(text.into());
        }
    }
}

/// The files that the model has read or written in this session, each with its content then. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<HashMap<String, Stamp>>>);

/// What tells one content of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp([u8; 32]);

impl Seen {
    /// Notes that the model knows this content of a file.
    pub fn note(&self, place: &Place, stamp: Stamp) {
        held(&self.0).insert(place.real.absolute.clone(), stamp);
    }

    /// The content that the model knows, if it knows the file at all.
    pub fn stamp(&self, place: &Place) -> Option<Stamp> {
        held(&self.0).get(&place.real.absolute).copied()
    }
}

impl Stamp {
    /// The stamp of a whole content.
    pub fn of(content: &[u8]) -> Stamp {
        Stamp(Sha256::digest(content).into())
    }
}

/// A stamp in the making, of a content that goes by in pieces.
#[derive(Clone, Debug, Default)]
pub struct Stamping(Sha256);

impl Stamping {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The stamp of all pieces, as [`Stamp::of`] them joined.
    pub fn end(self) -> Stamp {
        Stamp(self.0.finalize().into())
    }
}

/// The model's list of what it means to do. Clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Todos(Arc<Mutex<Vec<TodoItem>>>);

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TodoItem {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub state: TodoState,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TodoState {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Done,
}

impl Todos {
    /// Puts a new list in place of the old one.
    pub fn set(&self, items: Vec<TodoItem>) {
        *held(&self.0) = items;
    }

    /// The list as it stands.
    pub fn items(&self) -> Vec<TodoItem> {
        held(&self.0).clone()
    }
}

/// Locks a list. One that a panic left behind is whole all the same: each change is one step.
fn held<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
