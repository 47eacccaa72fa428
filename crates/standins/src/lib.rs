//! Stand-ins for the demo and the tests: a forge, a jobs API and a model server that really work, on loopback.
//!
//! Not here: anything of the product. Nothing in this crate judges, remembers or spends; the rest of the product
//! reaches a stand-in only over a socket or a pipe, as it would reach the real service.
//!
//! Each stand-in can run in two ways: inside a test, as a future that is given a listener and a stop signal
//! ([`forge()`], [`jobs()`], [`model()`]), or as a program of its own through [`main`].
#![allow(clippy::disallowed_methods, reason = "a stand-in is a server: sockets, files and git are what it is made of")]

mod command;
mod forge;
mod jobs;
mod model;
mod order;
mod store;

pub use crate::command::main;
pub use crate::forge::{ForgeOptions, forge, forge_on_stdio};
pub use crate::jobs::{JobsOptions, Play, Unit, jobs};
pub use crate::model::{ModelFault, ModelOptions, Repertoire, model};

use std::path::PathBuf;

/// Why a stand-in could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StandinError {
    /// The command line is not one that a stand-in understands.
    #[error("{0}")]
    Usage(String),
    /// The port could not be taken.
    #[error("cannot listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port that was asked for; 0 is any.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The line that says where the stand-in listens could not be written.
    #[error("cannot say on standard output where the stand-in listens")]
    Announce(#[source] std::io::Error),
    /// The server stopped by itself.
    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
    /// The repository is not one that a forge can stand on.
    #[error("`{}` is not a git repository that the forge can read: {reason}", path.display())]
    Repository {
        /// The folder that was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state file could not be read, understood or written.
    #[error("state file `{}`: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The script cannot be played.
    #[error("{0}")]
    Script(String),
    /// The protocol on standard input and output could not be started.
    #[error("the protocol did not start: {0}")]
    Protocol(String),
}
