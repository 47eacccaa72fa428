//! What is judged, who answers, and what a run reports.
//!
//! Not here: the judging.

use policy::Action;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A typed tool call that can say what it would do.
///
/// [`Act::action`] looks at nothing but the value itself: what it needed to know of the world was found out when the
/// call was parsed, so that asking twice gives the same answer.
pub trait Act {
    /// Declares the call's effect, price, summary, subject and the bytes a person would approve.
    fn action(&self) -> Action;
}

/// The name of one tool call, unique in its session. Made by the engine, never by a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(String);

impl CallId {
    /// Names a call.
    pub fn new(name: impl Into<String>) -> CallId {
        CallId(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of what a person is shown, in hexadecimal: the tool, a zero byte, and the shown bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digests what a person would approve.
    pub fn of(action: &Action) -> Digest {
        let mut hash = Sha256::new();
        hash.update(action.tool.as_bytes());
        hash.update([0]);
        hash.update(action.shown.as_bytes());
        Digest(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A person at a surface they are authenticated to: what a mode change or an answer takes.
///
/// Only the files that read a person's keys, sign-in or command line may make one; `cargo xtask tidy` has the list.
#[derive(Clone, Debug)]
pub struct Person {
    surface: String,
}

impl Person {
    /// Vouches that a person is speaking at this surface.
    pub fn at(surface: impl Into<String>) -> Person {
        Person { surface: surface.into() }
    }

    /// Where the person speaks, for the record.
    pub fn surface(&self) -> &str {
        &self.surface
    }
}

/// What a call has to say when it is over; the text goes to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It did what it was asked.
    Done(String),
    /// It ran, or tried to, and failed; the text says how.
    Failed(String),
}

impl Report {
    /// The text for the model.
    pub fn text(&self) -> &str {
        match self {
            Report::Done(text) | Report::Failed(text) => text,
        }
    }
}

/// Proof, in words, that a paid call never started and so costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted(String);

impl NotStarted {
    /// States how it is known that nothing was started, such as an answer of the service that refused it.
    pub fn because(how: impl Into<String>) -> NotStarted {
        NotStarted(how.into())
    }

    /// The statement.
    pub fn reason(&self) -> &str {
        &self.0
    }
}
