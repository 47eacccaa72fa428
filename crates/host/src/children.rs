//! Running a child program to its end, with everything it starts: nothing it left behind goes on by itself.
//!
//! In reading order: this file has what is run and what came of it; [`runs`] the runs in the background; `drive` one run
//! from its first byte to its last descendant; `output` what is kept of what it says; `family` who belongs to a run.
//!
//! Not here: what is run (that is `tools`), or holding it to reading (that is `confine`).
//!
//! A program runs in a session of its own, without a terminal and with nothing to read, so that it cannot ask a person
//! behind Remit's back. What it says to its two outputs goes through one pipe, in the order in which it says it. A run ends
//! when the program itself ends: what it left running (`server &`) has a moment to end too, and is then ended and counted,
//! for a foreground run that leaves programs behind would be a background run that nobody can see or stop. A stop and a time
//! limit end the whole run: asked first, then killed, then waited for. No descriptor of Remit's is inherited: all are opened
//! close-on-exec.

#![allow(clippy::disallowed_methods, reason = "the host looks at the world so that others need not")]

pub mod runs;

mod drive;
mod family;
mod output;

pub use family::kill_all;
pub use output::Kept;
pub use runs::{Reading, RunId, RunState, RunView, Runs};

use crate::confine::WhyNot;
use crate::scene::{Progress, Scene};
use drive::Running;
use gate::Permit;
use output::{Keeping, Output};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variable that says which run a program belongs to; `Environment` lets no other `REMIT_` variable through.
pub const MARK: &str = "REMIT_RUN";

/// The value of [`MARK`] for a program that is no run but lives as long as the session, such as an MCP server: what it
/// leaves behind is not taken for a run's.
pub const SERVICE: &str = "service";

/// A program to run: its words, its folder, and what it sees of the environment.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) words: Vec<OsString>,
    pub(crate) folder: PathBuf,
    pub(crate) variables: Variables,
    pub(crate) limit: Option<Duration>,
    /// What it must say first to show that it was started as wanted; taken out of its output.
    pub(crate) password: Option<Vec<u8>>,
}

/// What a program sees of the environment.
#[derive(Clone)]
pub(crate) enum Variables {
    /// What the scene's environment has open, and these on top.
    Shared(Vec<(OsString, OsString)>),
    /// These alone.
    Exactly(Vec<(OsString, OsString)>),
}

/// Values stay out of logs.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Variables::Shared(pairs) | Variables::Exactly(pairs)) = self;
        f.debug_set().entries(pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl Program {
    /// A program by its words, the first of which is looked for in the search path, in a folder; it has no time limit.
    pub fn new<W: Into<OsString>>(words: impl IntoIterator<Item = W>, folder: impl Into<PathBuf>) -> Program {
        Program {
            words: words.into_iter().map(Into::into).collect(),
            folder: folder.into(),
            variables: Variables::Shared(Vec::new()),
            limit: None,
            password: None,
        }
    }

    /// A line for a shell, in a folder.
    pub fn line(line: &str, shell: LineShell, folder: impl Into<PathBuf>) -> Program {
        let name = match shell {
            LineShell::Bash => "bash",
            LineShell::Sh => "sh",
        };
        Program::new([name, "-c", line], folder)
    }

    /// Sets a time limit.
    pub fn within(self, limit: Duration) -> Program {
        Program { limit: Some(limit), ..self }
    }

    /// Sets one variable of its environment, in place of what the scene's environment has.
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Program {
        let (Variables::Shared(pairs) | Variables::Exactly(pairs)) = &mut self.variables;
        pairs.push((name.into(), value.into()));
        self
    }

    fn name(&self) -> String {
        self.words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// The shell that runs command lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineShell {
    /// It is bash.
    Bash,
    /// It is `sh`, whichever that is.
    Sh,
}

impl LineShell {
    /// Bash, where this program's search path has one.
    pub fn of_this_machine() -> LineShell {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let has_bash = std::env::split_paths(&path).any(|folder| folder.is_absolute() && folder.join("bash").is_file());
        if has_bash { LineShell::Bash } else { LineShell::Sh }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Exit {
    /// How it ended.
    pub ending: ChildEnd,
    /// How long it took.
    pub took: Duration,
    /// What it said.
    pub output: Kept,
    /// How many programs it left behind, which were then ended.
    pub left_behind: usize,
    /// How many of its programs go on all the same: they belong to another user, or do not die.
    pub beyond_reach: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, which Remit did not send.
    Signal(i32),
    /// Its time limit was over.
    TimedOut(Duration),
    /// It was told to stop.
    Stopped,
    /// How is not known: the system would not say.
    Unknown,
}

impl fmt::Display for ChildEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildEnd::Code(code) => write!(f, "exit {code}"),
            ChildEnd::Signal(number) => write!(f, "killed by signal {number}"),
            ChildEnd::TimedOut(limit) => write!(f, "timed out after {} s and was ended", limit.as_secs()),
            ChildEnd::Stopped => f.write_str("stopped"),
            ChildEnd::Unknown => f.write_str("ended, it is not known how"),
        }
    }
}

/// Why a program was not run, or not to be relied on.
#[derive(Debug, thiserror::Error)]
pub enum NotLaunched {
    /// There are no words.
    #[error("there is no program to run")]
    NoWords,
    /// The system would not start it.
    #[error("`{program}` could not be started in `{folder}`: {why}")]
    NotStarted {
        /// The program.
        program: String,
        /// The folder.
        folder: String,
        /// What the system said.
        why: io::Error,
    },
    /// It could not be held to reading, so it did not run.
    #[error("the command was not run: {0}")]
    NotConfined(#[from] WhyNot),
    /// There are as many runs in the background as there may be.
    #[error("{0} background runs are going; stop one first")]
    TooMany(usize),
    /// The session is over.
    #[error("the session is ending")]
    Closed,
    /// There is no such run.
    #[error("there is no background run `{0}`")]
    NoSuchRun(String),
    /// The file that keeps the output cannot be made or read.
    #[error("the output cannot be kept in `{file}`: {why}")]
    NoFile {
        /// The file or folder.
        file: String,
        /// What the system said.
        why: io::Error,
    },
}

/// Runs a program to its end and gives back what came of it.
///
/// The run has an owner of its own: when the caller is dropped, or the scene's stop fires, everything the program started is
/// ended all the same.
pub async fn launch<A>(permit: &Permit<A>, program: Program, scene: &Scene) -> Result<Exit, NotLaunched> {
    let output = Output::new(Keeping::when_long(&scene.outputs, permit.call().as_str()), &program);
    let has_password = program.password.is_some();
    let running = start(program, output, scene, scene.progress.clone())?;
    let stop = scene.stop.child_token();
    let ends_with_the_caller = stop.clone().drop_guard();
    let exit = tokio::spawn(running.drive(stop)).await;
    drop(ends_with_the_caller);
    let exit = exit.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
    if has_password { confined(exit) } else { Ok(exit) }
}

/// A confined program that never said its password was not started: the sandbox was not.
fn confined(exit: Exit) -> Result<Exit, NotLaunched> {
    let was_ended = matches!(exit.ending, ChildEnd::Stopped | ChildEnd::TimedOut(_));
    if exit.output.said_the_password() || was_ended {
        return Ok(exit);
    }
    Err(WhyNot::NotEnforced(exit.output.text().trim().to_owned()).into())
}

fn start(program: Program, output: Output, scene: &Scene, progress: Progress) -> Result<Running, NotLaunched> {
    let name = program.name();
    if name.is_empty() {
        return Err(NotLaunched::NoWords);
    }
    let folder = program.folder.display().to_string();
    let variables = match &program.variables {
        Variables::Exactly(pairs) => pairs.clone(),
        Variables::Shared(pairs) => {
            let mut variables = scene.environment.open();
            variables.retain(|(name, _)| pairs.iter().all(|(other, _)| other != name));
            variables.extend(pairs.iter().cloned());
            variables
        }
    };
    Running::start(program, variables, output, progress).map_err(|why| NotLaunched::NotStarted {
        program: name,
        folder,
        why,
    })
}

/// A name for the file of a call's output: the call's own, as far as it can be a file's.
fn file_name(call: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name: String = call.chars().map(|c| if plain(c) { c } else { '_' }).take(80).collect();
    format!("output-{name}")
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
