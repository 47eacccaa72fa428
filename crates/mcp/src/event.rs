//! What servers do by themselves, told to whoever listens.
//!
//! Not here: what a server asks of a person (that is `elicitation`, which travels the same way).

use crate::config::ServerName;
use crate::elicitation::Elicitation;
use tokio::sync::mpsc;

/// How many events wait for a listener. What does not fit is not told; a question that does not fit is declined.
const ROOM: usize = 256;

/// Something a server did by itself.
#[derive(Debug)]
pub enum ServerEvent {
    /// It is up for the first time in this session.
    Started {
        /// The server.
        server: ServerName,
        /// How many of its tools can be called.
        tools: usize,
    },
    /// It ended by itself, or could not be reached.
    Died {
        /// The server.
        server: ServerName,
        /// How, with the last it wrote to its standard error.
        why: String,
        /// What happens now.
        next: Next,
    },
    /// It is up again.
    Restarted {
        /// The server.
        server: ServerName,
        /// How many of its tools can be called.
        tools: usize,
    },
    /// Its tools are others than before.
    ToolsChanged {
        /// The server.
        server: ServerName,
    },
    /// Something it declared cannot be used.
    LeftOut {
        /// The server.
        server: ServerName,
        /// What, and why.
        what: String,
    },
    /// It asks the person something.
    Elicitation(Elicitation),
}

/// What happens after a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is started again.
    Restart {
        /// Which attempt in a row this is, from 1.
        attempt: u32,
        /// How many there are.
        of: u32,
    },
    /// It stays down for this session.
    GivenUp,
}

/// Where events are told. Nothing waits for a slow listener.
#[derive(Clone, Debug)]
pub(crate) struct Voice(mpsc::Sender<ServerEvent>);

impl Voice {
    pub(crate) fn new() -> (Voice, mpsc::Receiver<ServerEvent>) {
        let (sender, receiver) = mpsc::channel(ROOM);
        (Voice(sender), receiver)
    }

    pub(crate) fn say(&self, event: ServerEvent) {
        // An event that is dropped tells nobody; a question that is dropped has been declined.
        let _ = self.0.try_send(event);
    }
}
