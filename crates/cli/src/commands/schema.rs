//! `remit schema`: the JSON schema of what `remit run --json` writes.
//!
//! Not here: the events themselves (that is `wire`).

use crate::failure::Failure;
use crate::out::outln;
use std::process::ExitCode;

/// Which schema.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to describe
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// One line of `remit run --json`
    Events,
}

/// Prints it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let schema = match args.what {
        What::Events => wire::event_schema(),
    };
    outln!("{schema:#}");
    Ok(ExitCode::SUCCESS)
}
