//! `remit`: work with the agent in the terminal.
//!
//! In reading order: this file joins a screen and a session: the screen has this thread, the session one of its own;
//! [`seat`] is the session's side, opened by whoever has one to open; [`errands`] sees to what the screen wants done
//! outside the session, [`lists`] to what there is to pick from; [`beside`] shows a session that another Remit has.
//!
//! Not here: what is on the screen, and what a key does (that is `tui`), or the session's loop (that is `engine`). Every
//! command to the session carries the person who started this program at a terminal.

mod beside;
mod errands;
mod history;
mod lists;
mod seat;

use crate::commands::contract::table;
use crate::commands::run::{self, Options};
use crate::commands::{demo, plain, setup};
use crate::config::{Config, ThemeChoice};
use crate::failure::Failure;
use crate::opening::{Job, Which};
use crate::out::outln;
use crate::paths::Paths;
use crate::rates::Models;
use crate::{editor, person, wiring};
use anyhow::anyhow;
use engine::{SessionCommand, Voice};
use errands::Errands;
use gate::Person;
use policy::{Attendance, Cap, ModeChoice};
pub use seat::{Opens, Seat};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tui::errand::Input;
use tui::screen::{self, Wires};
use tui::theme::Ground;

/// How long what still runs has to end when the person leaves.
const PARTING: Duration = Duration::from_secs(12);

/// What the terminal starts with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`; a new session is `agent` without it
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeChoice>,
    /// The cap of YOLO in US dollars, or `uncapped`; with `--mode yolo`
    #[arg(long, value_name = "USD")]
    cap: Option<Cap>,
    /// The model, as PROVIDER/NAME or script:FILE
    #[arg(long, value_name = "MODEL", env = "REMIT_MODEL")]
    model: Option<String>,
    /// Go on with the last session of this folder
    #[arg(long = "continue", conflicts_with = "resume")]
    go_on: bool,
    /// Go on with this session; one that another Remit has is shown and commanded from here
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// Show and command a session that a server has; `REMIT_TOKEN` says who you are
    #[arg(long, value_name = "URL", conflicts_with_all = ["go_on", "resume", "mode", "cap"])]
    attach: Option<String>,
    /// The folder to work in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Print line by line and read lines, without a full screen: for screen readers and logs
    #[arg(long)]
    plain: bool,
}

/// How a session is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// On the full screen.
    Screen,
    /// Line by line.
    Plain,
}

impl Args {
    fn face(&self) -> Face {
        if self.plain { Face::Plain } else { Face::Screen }
    }
}

/// Whether a person is at a terminal, or wants a face that says what it needs of one.
pub fn is_there(args: &Args) -> bool {
    args.face() == Face::Plain || has_keys(Face::Screen)
}

/// Whether a session can be shown so: a person is at a terminal, and reads it there too where the screen is taken.
pub fn has_keys(face: Face) -> bool {
    std::io::stdin().is_terminal() && (face == Face::Plain || std::io::stdout().is_terminal())
}

/// Shows the session that the person wants.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let face = args.face();
    if !has_keys(face) {
        let cause = anyhow!("`--plain` reads your lines and answers from a terminal, and standard input is none");
        return Err(Failure::user(cause).hint("`remit run` works without a terminal; nobody is there to answer it"));
    }
    let person = person::at_the_terminal()?;
    let (mut config, paths) = wiring::configured()?;
    if let Some(address) = &args.attach {
        return beside::attach(address, face, (config, paths));
    }
    if !args.go_on && args.resume.is_none() && setup::is_needed(&config, args.model.as_deref()) {
        match setup::first_run(&person, &config, &paths)? {
            setup::Outcome::Ready(written) => config = *written,
            setup::Outcome::Demo => return demo::offered(face),
            setup::Outcome::Left => return Ok(ExitCode::SUCCESS),
        }
    }
    let which = match (args.go_on, args.resume) {
        (true, _) => Which::LastHere,
        (false, Some(id)) => Which::Named(id),
        (false, None) => Which::New,
    };
    if let Some(id) = beside::owned_elsewhere(&which, &args.directory, &paths)? {
        if args.mode.is_some() || args.cap.is_some() {
            let cause = anyhow!("another program has session `{id}`, and nothing of it is changed by looking at it");
            return Err(
                Failure::user(cause).hint(format!("set its mode with `remit mode {id} MODE`, or with /mode in it"))
            );
        }
        return beside::show(&id, face, (config, paths));
    }
    run::become_a_run()?;
    let options = Options { mode: args.mode, cap: args.cap, model: args.model, ..Options::default() };
    let folder = args.directory;
    let job = Job { which, first: None, folder, attendance: Attendance::Attended, owner: None, options };
    show(Seat::Configured(Box::new(job)), face, person, (config, paths))
}

/// Runs the session in a thread of its own, and the screen in this one.
pub fn show(seat: Seat, face: Face, person: Person, (config, paths): (Config, Paths)) -> Result<ExitCode, Failure> {
    let (input, inputs) = std_mpsc::channel();
    let (requests, asked) = mpsc::unbounded_channel();
    let (openings, wanted) = mpsc::unbounded_channel();
    let (commands, heard) = mpsc::channel(64);
    let (opened, is_open) = std_mpsc::channel();
    let left = CancellationToken::new();
    let models = match seat {
        Seat::Configured(_) => Models::of(&config, &paths),
        // What was prepared is to cost nobody anything but what was prepared.
        Seat::Prepared { .. } => Arc::new(Models::Fixed),
    };
    let voice = Voice { person: Some(person.clone()), commands: commands.clone(), models };
    let sitter = seat::Sitter {
        person,
        voice,
        config: config.clone(),
        paths: paths.clone(),
        input: input.clone(),
        openings: wanted,
        left: left.clone(),
    };
    let (of_session, offered) = (input.clone(), seat.offered());
    let working = thread::spawn(move || {
        let over = crate::runtime()?.block_on(async {
            let passing = tokio::spawn(seat::pass_on(asked, sitter.voice.clone(), sitter.input.clone()));
            let over = sitter.sit(seat, heard, opened).await;
            passing.abort();
            over
        });
        if let Err(why) = &over {
            let text = format!("the session cannot go on: {}; leave, and resume it", why.in_a_line());
            let _ = of_session.send(Input::Trouble(text));
        }
        over
    });
    // What cannot begin is said on the terminal as it was.
    let Ok(current) = is_open.recv() else { return ended(working).map(|()| ExitCode::FAILURE) };
    let errands = Errands {
        current: current.clone(),
        contract: contract_page(&config)?,
        session: errands::Line::Own { requests, openings, commands: commands.clone() },
        input: input.clone(),
        config,
        paths: paths.clone(),
        shell: errands::RunningShell::default(),
    };
    // It stands where the person writes, and Enter says it.
    let _ = offered.clone().map(|words| input.send(Input::Paste(words)));
    let shown = look(errands, face, (input, inputs));
    left.cancel();
    let last_words = [SessionCommand::Stop, SessionCommand::Leave];
    thread::spawn(move || last_words.into_iter().for_each(|command| drop(commands.blocking_send(command))));
    let over = ended(working);
    host::children::kill_all();
    let id = current.id();
    if offered.is_none() && !id.is_empty() {
        outln!("to go on: remit --resume {id}");
    }
    shown.and(over).map(|()| ExitCode::SUCCESS)
}

/// Has the screen until the person leaves it.
fn look(
    mut errands: Errands,
    face: Face,
    (input, inputs): (std_mpsc::Sender<Input>, std_mpsc::Receiver<Input>),
) -> Result<(), Failure> {
    let sent = history::kept(&errands.paths);
    let ground = errands.config.terminal.theme.map(|theme| match theme {
        ThemeChoice::Dark => Ground::Dark,
        ThemeChoice::Light => Ground::Light,
    });
    let withheld = wiring::withheld(&errands.config);
    let carry_out = Box::new(move |errand| errands.carry_out(errand));
    let edit = Box::new(move |text: &str| editor::edit(text, &withheld));
    let wires = Wires { input, inputs, carry_out, edit, ground, sent };
    let looked = match face {
        Face::Screen => screen::run(wires, |name| std::env::var(name).ok()),
        Face::Plain => plain::run(wires),
    };
    looked.map_err(Failure::host)
}

/// Waits for the session to come to its end; one that does not is cut off with the program, which loses nothing.
fn ended(working: thread::JoinHandle<Result<(), Failure>>) -> Result<(), Failure> {
    let (tell, told) = std_mpsc::channel();
    thread::spawn(move || tell.send(working.join()));
    match told.recv_timeout(PARTING) {
        Ok(Ok(ended)) => ended,
        Ok(Err(_panicked)) => {
            Err(Failure::bug(anyhow!("the session's thread panicked; everything acknowledged is on record")))
        }
        Err(_too_long) => Ok(()),
    }
}

fn contract_page(config: &Config) -> Result<String, Failure> {
    let rows: Vec<table::Row> = table::modes(wiring::default_cap(config)?).into_iter().map(table::Row::of).collect();
    Ok(table::as_text(&rows, &wiring::prohibitions(config)?))
}
