//! Append-only session records with one writer each and a hash chain through them, on SQLite.
//!
//! Not here: what a record means. A record is a `kind` and a `body`, both opaque text, and a session's `about` is opaque too.
//!
//! The modules, in reading order:
//! - [`record`]: what is stored, and the hash chain, pure;
//! - [`error`]: what can go wrong, named for what the caller can do;
//! - `schema`: the tables;
//! - `owner`: the lock that makes one program the writer of a session;
//! - `store`: the one connection, and how SQLite's errors become ours;
//! - [`log`]: the writer of a session;
//! - [`journal`]: opening, creating, resuming, reading;
//! - [`verify`]: checking a session's chain.
//!
//! Order of trust: the lock of `owner` keeps a second program from starting to write; the head that every append compares
//! inside its transaction keeps it from writing even where the lock failed; the chain shows afterwards what neither saw.

pub mod error;
pub mod journal;
pub mod log;
mod owner;
pub mod record;
mod schema;
mod store;
pub mod verify;

pub use error::JournalError;
pub use journal::{IfMissing, Journal};
pub use log::Log;
pub use record::{ChainHash, Draft, Durability, Head, Record, SessionId, SessionIdError, SessionRow};
pub use verify::Verified;
