//! `remit man`: the manual page, from the same table as the parser.
//!
//! Not here: the table (that is `main`).

use crate::Cli;
use crate::failure::Failure;
use clap::CommandFactory;
use std::process::ExitCode;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints it.
pub fn run(_: Args) -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    let cli = Cli::command();
    clap_mangen::Man::new(cli.clone()).render(&mut page).map_err(Failure::bug)?;
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
        let title = format!("remit-{}", command.get_name());
        clap_mangen::Man::new(command.clone()).title(title).render(&mut page).map_err(Failure::bug)?;
    }
    use std::io::Write;
    std::io::stdout().write_all(&page).map_err(Failure::host)?;
    Ok(ExitCode::SUCCESS)
}
