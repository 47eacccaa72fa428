//! `remit contract`: what each mode does, as it is now; and `remit contract test`, which holds a file of cases against it.
//!
//! In reading order: [`table`] asks the contract for its own table; [`cases`] reads a file of cases, with [`fields`];
//! [`trial`] judges one case; [`testing`] goes through the file.
//!
//! Not here: the contract (that is `policy`).

mod cases;
mod fields;
pub mod table;
mod testing;
mod trial;

use crate::config::Config;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::wiring;
use policy::{Mode, ModeChoice};
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit contract                      every mode
  remit contract --mode yolo:5        one mode, in words
  remit contract test my-cases.toml   each case that is answered otherwise";

/// Which mode, or which file of cases.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`; every mode without it
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeChoice>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Hold a file of cases against the contract; starts no server and runs no call
    Test(testing::Args),
}

/// Shows the contract, or tests it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    if let Some(Command::Test(args)) = args.command {
        return testing::run(&args);
    }
    let (config, _) = wiring::configured()?;
    let default_cap = wiring::default_cap(&config)?;
    let prohibitions = wiring::prohibitions(&config)?;
    let modes: Vec<Mode> = match args.mode {
        Some(mode) => vec![mode.resolve(None, default_cap)],
        None => table::modes(default_cap),
    };
    let rows: Vec<table::Row> = modes.into_iter().map(table::Row::of).collect();
    match (args.json, args.mode) {
        (true, _) => outln!("{:#}", table::as_json(&rows, &prohibitions)),
        (false, Some(_)) => rows.iter().for_each(|row| out!("{}", table::in_words(row, &prohibitions))),
        (false, None) => out!("{}", table::as_text(&rows, &prohibitions)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Every mode as JSON, under the person's default cap and prohibitions.
pub fn in_json(config: &Config) -> Result<serde_json::Value, Failure> {
    let rows: Vec<table::Row> = table::modes(wiring::default_cap(config)?).into_iter().map(table::Row::of).collect();
    Ok(table::as_json(&rows, &wiring::prohibitions(config)?))
}

/// The whole table as the demo shows it: nothing is prohibited, and YOLO has the cap of the mode that was picked.
pub fn page(mode: Mode) -> String {
    let cap = mode.limit().unwrap_or(engine::DEFAULT_CAP);
    let rows: Vec<table::Row> = table::modes(cap).into_iter().map(table::Row::of).collect();
    table::as_text(&rows, &[])
}
