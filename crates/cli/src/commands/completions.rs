//! `remit completions`: completions for a shell, from the same table as the parser.
//!
//! Not here: the table (that is `main`).

use crate::Cli;
use crate::failure::Failure;
use clap::CommandFactory;
use std::process::ExitCode;

/// Which shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints them.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "remit", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
