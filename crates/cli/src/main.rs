//! The program `remit`: arguments, configuration, wiring and exit statuses.
//!
//! In reading order: [`failure`] has what a person reads when something cannot be done; [`paths`] and [`config`] what is
//! theirs; [`person`] the one place that vouches for them; [`wiring`] how a session gets what it works with; [`opening`] how one is opened; [`rates`] what
//! its model costs; [`draw`] how events are shown; [`control`] how other programs of the same person speak to a running
//! session, and [`far`] how it speaks to one at a server; then one file a command in [`commands`].
//!
//! Not here: any opinion about what may run.

#![allow(clippy::disallowed_methods, reason = "the program reads the person's files and starts their servers")]

mod calendar;
mod commands;
mod config;
mod control;
mod draw;
mod editor;
mod failure;
mod far;
mod instructions;
mod opening;
mod out;
mod paths;
mod person;
mod rates;
mod stored;
mod wiring;

use clap::{CommandFactory, Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

/// An agent for code and machine-learning work. The mode is the contract: you pick Plan, Agent or YOLO with a spending
/// cap, and the mode alone says what happens to every tool call.
#[derive(Debug, Parser)]
#[command(name = "remit", version, max_term_width = 100, after_help = EXAMPLES, disable_help_subcommand = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(flatten)]
    terminal: commands::terminal::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  remit                                   work with it in the terminal; it asks before it changes something
  remit --mode yolo:5 --continue          go on with the last session of this folder
  remit --plain                           the same line by line, for screen readers and logs
  remit demo                              the whole thing, with no key and no network
  remit run \"why does the build fail?\"    looks freely; what would change something is refused, nobody is there to ask
  remit run --mode yolo:5 \"fix it\"        does everything, spends at most $5.00
  remit contract                          what each mode does
  remit explain --mode agent -- git push  what would happen to one command, and why

Exit status: 0 done; 1 error; 2 usage or configuration; 3 done, but something was refused because nobody could be asked;
4 cap reached; 75 the model's service failed, try again later; 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Work on what you say in this folder, without a screen
    Run(commands::run::Args),
    /// Play the whole thing in a throwaway folder, with no key and no network
    Demo(commands::demo::Args),
    /// List sessions
    Sessions(commands::sessions::Args),
    /// Show a session
    Show(commands::show::Args),
    /// Go on with a session where it stopped
    Resume(commands::resume::Args),
    /// Set the mode of a running or stored session
    Mode(commands::mode::Args),
    /// Serve sessions over HTTP: a page for people, an interface for programs
    Serve(commands::serve::Args),
    /// Let others use the server, each with a token of their own
    Token(commands::token::Args),
    /// Show what sessions have cost and hold, call by call
    Spend(commands::spend::Args),
    /// Show what models, job hardware and tools cost, and who says so
    Prices(commands::prices::Args),
    /// Check a session's record
    Verify(commands::verify::Args),
    /// Write a session's record as JSON lines
    Export(commands::export::Args),
    /// Show what each mode does, or test a file of cases against it
    Contract(commands::contract::Args),
    /// Say what would happen to one call, and why; runs nothing
    Explain(commands::explain::Args),
    /// Check the configuration, keys, servers, sandbox and database
    Doctor(commands::doctor::Args),
    /// Write a commented configuration
    Init(commands::init::Args),
    /// Show the configuration and where each value comes from
    Config(commands::config::Args),
    /// Add, list, test or remove MCP servers
    Mcp(commands::mcp::Args),
    /// Print the JSON schema of what `run --json` writes
    Schema(commands::schema::Args),
    /// Print completions for a shell
    Completions(commands::completions::Args),
    /// Print the manual page
    Man(commands::man::Args),
    /// A stand-in of the demo and the tests
    #[command(name = "__standin", hide = true)]
    Standin(commands::standin::Args),
}

fn main() -> ExitCode {
    // A confined command is started by this program once more, inside the sandbox.
    host::confine::enter_if_asked();
    let cli = Cli::parse();
    let done = match cli.command {
        Some(command) => carry_out(command),
        None if commands::terminal::is_there(&cli.terminal) => commands::terminal::run(cli.terminal),
        None => {
            // Writing help can only fail where nobody reads it.
            let _ = Cli::command().print_help();
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => commands::run::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Sessions(args) => commands::sessions::run(args),
        Command::Show(args) => commands::show::run(args),
        Command::Resume(args) => commands::resume::run(args),
        Command::Mode(args) => commands::mode::run(args),
        Command::Serve(args) => commands::serve::run(args),
        Command::Token(args) => commands::token::run(args),
        Command::Spend(args) => commands::spend::run(args),
        Command::Prices(args) => commands::prices::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Contract(args) => commands::contract::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Init(args) => commands::init::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Mcp(args) => commands::mcp::run(args),
        Command::Schema(args) => commands::schema::run(args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man(args) => commands::man::run(args),
        Command::Standin(args) => commands::standin::run(args),
    }
}

/// The one runtime of a command: one thread, since a session is one task and its tools wait more than they work.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::host)
}
