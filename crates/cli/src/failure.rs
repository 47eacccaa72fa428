//! What a person reads when a command cannot do its work, and the status it exits with.
//!
//! Not here: errors below the edge; each crate has its own.

use std::fmt;
use std::process::ExitCode;

/// Who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The person, by saying something else.
    User,
    /// The person, by changing the configuration.
    Config,
    /// This machine: a file, a full disk, a missing program.
    Host,
    /// The makers of Remit.
    Bug,
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// Who can mend it.
    pub kind: Kind,
    /// What went wrong.
    pub cause: anyhow::Error,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Failure {
    /// Something the person said cannot be done.
    pub fn user(cause: impl Into<anyhow::Error>) -> Failure {
        Failure { kind: Kind::User, cause: cause.into(), hints: Vec::new() }
    }

    /// The configuration is not what it should be.
    pub fn config(cause: impl Into<anyhow::Error>) -> Failure {
        Failure { kind: Kind::Config, cause: cause.into(), hints: Vec::new() }
    }

    /// This machine did not do what was needed.
    pub fn host(cause: impl Into<anyhow::Error>) -> Failure {
        Failure { kind: Kind::Host, cause: cause.into(), hints: Vec::new() }
    }

    /// Something that cannot happen did.
    pub fn bug(cause: impl Into<anyhow::Error>) -> Failure {
        Failure { kind: Kind::Bug, cause: cause.into(), hints: Vec::new() }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// The whole of it in a line, for a surface that goes on.
    pub fn in_a_line(&self) -> String {
        self.hints.iter().fold(format!("{:#}", self.cause), |line, hint| format!("{line}; {hint}"))
    }

    /// The exit status: 2 for what the person said or configured, else 1.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::User | Kind::Config => 2,
            Kind::Host | Kind::Bug => 1,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Bug => "bug in remit: ",
            Kind::User | Kind::Config | Kind::Host => "",
        };
        write!(f, "remit: {kind}{:#}", self.cause)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}
