//! `remit resume`: go on with a session where it stopped.
//!
//! Not here: the run itself (that is `run`).

use crate::commands::run::{self, Options};
use crate::failure::Failure;
use crate::opening::{Job, Which};
use crate::person;
use policy::Attendance;
use std::path::PathBuf;
use std::process::ExitCode;
use turn::TurnEvent;

const EXAMPLES: &str = "Examples:
  remit resume k3f9xq2mzp
  remit resume k3f9xq2mzp \"and push it\"
  remit resume k3f9xq2mzp --mode yolo:10";

/// Which session, and how it goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session; `remit sessions` lists them
    id: String,
    /// What you want now; without it the model goes on where it stopped
    prompt: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let person = person::at_the_command_line()?;
    let first = Some(args.prompt.map_or(TurnEvent::GoOn, |text| TurnEvent::Said { text }));
    let job = Job {
        which: Which::Named(args.id),
        first,
        folder: PathBuf::from("."),
        attendance: Attendance::Unattended,
        owner: None,
        options: args.options,
    };
    run::start(job, person)
}
