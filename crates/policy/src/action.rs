//! What a tool declares about one call before anything runs.
//!
//! Not here: how a tool finds that out (that is `tools` and `mcp`), or what follows from it (that is `decide`).

use crate::words::words;
use money::Usd;
use std::fmt;

/// One tool call, as its tool declares it for given arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The tool's name, as the person writes it in rules: `shell`, `mcp:forge/create_pull_request`.
    pub tool: String,
    /// What the call does to the world.
    pub effect: Effect,
    /// What the call may cost.
    pub price: Price,
    /// One line for the person.
    pub summary: String,
    /// What the call is about, as far as rules can name it.
    pub subject: Subject,
    /// The exact bytes that a person approves when they say yes: arguments, script or diff, whole and unaltered.
    pub shown: String,
}

/// What a call does to the world. What a tool does not declare is [`Effect::Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Observes what the person put in front of the agent: the workspace, a server they configured.
    Read,
    /// Observes beyond that, at an address the model chose.
    Reach,
    /// Runs a program that the kernel holds to reading.
    Confined,
    /// Everything else: writes, runs, sends, publishes, deletes.
    Change,
}

/// What a call may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Price {
    /// Nothing that Remit pays for.
    Free,
    /// Certainly no more than this.
    AtMost(Usd),
    /// Something, but there is no price to be found; the text says why.
    Unknown(String),
    /// Something without an end, such as a schedule; the text says why.
    Unbounded(String),
}

/// What a call is about, in the terms that prohibitions and answers use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A command line.
    Shell(ShellLine),
    /// A file that is read, under every name it is known by.
    Read(Place),
    /// A file that is written, under every name it is known by.
    Write(Place),
    /// An address that is fetched from: the host alone, in lower case.
    Fetch(String),
    /// A tool of an MCP server.
    Mcp {
        /// The server's name in the person's configuration.
        server: String,
        /// The tool's name, as the server spells it.
        tool: String,
    },
    /// Nothing that a rule can name.
    Other,
}

/// A file as rules know it. Where a path leads counts, and how it was spelled counts too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it really is, with every link followed.
    pub real: Name,
    /// How the model spelled it, with `.` and `..` taken out and no link followed.
    pub spelled: Name,
}

/// One name of a file, `/` between its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The whole path, from the root.
    pub absolute: String,
    /// The path below the workspace's root, when it is there; empty for the root itself.
    pub inside: Option<String>,
}

/// A command line, taken apart into its simple commands.
///
/// The parser must err on the side of [`ShellLine::Unreadable`]: nothing a shell would run may be missing from the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellLine {
    /// Nothing but simple commands of literal words, chained or piped.
    Plain(Vec<Vec<String>>),
    /// Every simple command is known, but the line also has a redirection to a file, an assignment, an expansion or a
    /// substitution, which no answer covers. Commands inside substitutions, `sh -c` and the like are in the list.
    Adorned(Vec<Vec<Word>>),
    /// The line could not be taken apart; it may hold anything.
    Unreadable,
}

/// One word of a simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// This text, whatever happens.
    Literal(String),
    /// Known only when it runs; may become any number of words.
    Opaque,
}

words!(Effect { Read = "read", Reach = "reach", Confined = "confined", Change = "change" });

impl fmt::Display for Price {
    /// Writes `free`, `$1.00`, `unknown (why)` or `unbounded (why)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Price::Free => f.write_str("free"),
            Price::AtMost(usd) => write!(f, "${usd}"),
            Price::Unknown(why) => write!(f, "unknown ({why})"),
            Price::Unbounded(why) => write!(f, "unbounded ({why})"),
        }
    }
}
