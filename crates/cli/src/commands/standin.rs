//! `remit __standin`: a forge, a jobs API or a scripted model as a process of its own, for the demo and the tests.
//!
//! Not here: what they do (that is the crate `standins`).

use crate::failure::Failure;
use std::process::ExitCode;

/// What a stand-in is started with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `forge`, `jobs` or `model`, and its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    words: Vec<String>,
}

/// Serves until its standard input ends.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    crate::runtime()?.block_on(standins::main(&args.words)).map_err(Failure::host)?;
    Ok(ExitCode::SUCCESS)
}
