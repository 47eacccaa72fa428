//! `remit demo`: the main job with no key and no network, in a folder of its own, checked against the contract at its end.
//!
//! In reading order: [`script`] has what the model says; [`world`] the folder and the two stand-ins; this file plays the one
//! in the other, through the engine, as `remit run` does; [`by_hand`] has a person play it; [`book`] reckons the money anew;
//! [`check`] holds what happened against the contract; [`receipt`] says what it came to.
//!
//! Not here: anything that a session does differently because it is a demo. It is given a model, servers and a Hub like any
//! other session, and the person's own configuration, sessions and keys are neither read nor written.

mod book;
mod by_hand;
mod check;
mod receipt;
mod script;
mod world;

use crate::commands::terminal::Face;
use crate::commands::{contract, run};
use crate::config::Config;
use crate::draw::{Colours, Human, Printer};
use crate::failure::Failure;
use crate::opening::{self, Opened};
use crate::person;
use crate::wiring;
use anyhow::anyhow;
use book::Book;
use check::Played;
use engine::{About, Authority, Picked, RunEnd, Session, SessionCommand, Setup, Surface};
use journal::{IfMissing, Journal, SessionId, Verified};
use mcp::ServerEvent;
use model::{Model, Script};
use policy::{Attendance, Cap, Mode, ModeChoice};
use receipt::{Receipt, wrapped};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tools::Site;
use tools::site::Hub;
use turn::TurnEvent;
use wire::{Event, Status};
use world::{Standins, World};

const EXAMPLES: &str = "Examples:
  remit demo                        in YOLO with $5.00: everything runs but what does not fit
  remit demo --mode agent           the same script: what would change something is refused, nobody is there to ask
  remit demo --mode plan            the same script: nothing is written
  remit demo --terminal             the same script by hand, in Agent: you answer each question
  remit demo --keep /tmp/look       leaves the folder: the repository, its remote, what the stand-ins kept

Exit status: 0 when every answer and every effect was the contract's, else 1; 2 for a cap that does
not pay for the model's words; 130 interrupted.";

/// The name of the demo's one session, in a database of its own.
const SESSION: &str = "demo";
/// The name of the model.
const MODEL: &str = "script:demo";

pub use script::PROMPT;

/// In which mode, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`; `yolo:5` without it, with `--terminal` `agent`
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeChoice>,
    /// Play it by hand in the terminal, where you are asked
    #[arg(long, conflicts_with = "json")]
    terminal: bool,
    /// Leave the folder to look at; it must be empty or not exist yet
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write one JSON object a line, the receipt last
    #[arg(long)]
    json: bool,
}

/// Plays the demo and checks it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.terminal {
        return by_hand::play(args.mode, args.keep.as_deref(), Face::Screen);
    }
    // It sets a mode, so it is a person's to start.
    person::at_the_command_line()?;
    run::become_a_run()?;
    crate::runtime()?.block_on(play(&args))
}

/// Has a person play it by hand who asked for no more than that.
pub fn offered(face: Face) -> Result<ExitCode, Failure> {
    by_hand::play(None, None, face)
}

async fn play(args: &Args) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen()?;
    let whole = ModeChoice::with_cap(Cap::Limited(engine::DEFAULT_CAP));
    let mode = args.mode.unwrap_or(whole).resolve(None, engine::DEFAULT_CAP);
    if !check::pays_for_the_words(&mode.to_string()) {
        let cause = anyhow!("`{mode}` does not pay for what the model says to the end of the demo");
        return Err(Failure::user(cause)
            .hint("before each request $0.04 have to be left, beside the jobs that fit")
            .hint("`--mode yolo:0.1` pays for the words and a small job, `--mode yolo:5` for a large one too"));
    }
    let world = World::make(args.keep.as_deref())?;
    let standins = tokio::select! {
        biased;
        () = signals.next() => return Ok(interrupted()),
        started = Standins::start(&world) => started?,
    };
    let colours = Colours::of_stdout();
    if !args.json {
        say(&before(&world, &standins, mode, colours))?;
    }
    let played = session(&world, &standins, mode, (signals, printer(args, colours))).await;
    standins.stop().await;
    let (played, end) = played?;
    if end.status == Status::Interrupted {
        return Ok(interrupted());
    }
    let receipt = Receipt::of(&world, &played, check::check(&world, &played));
    if args.json {
        let line = serde_json::to_string(&receipt).map_err(Failure::bug)?;
        say(&format!("{line}\n"))?;
    } else {
        say(&after(&receipt, &world, colours))?;
    }
    Ok(if receipt.holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn interrupted() -> ExitCode {
    ExitCode::from(run::exit_status(Status::Interrupted, 0))
}

/// Plays the script in the world, and reads the record again when it is over.
async fn session(
    world: &World,
    standins: &Standins,
    mode: Mode,
    (signals, printer): (Signals, Printer<DemoOut>),
) -> Result<(Played, RunEnd), Failure> {
    let journal = Journal::open(&world.database(), IfMissing::Create).await.map_err(Failure::host)?;
    let id: SessionId = SESSION.parse().map_err(Failure::bug)?;
    let (events, shown) = mpsc::unbounded_channel();
    let listening = tokio::spawn(listen(shown, printer));
    let stage = Stage::of(world, standins);
    let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
    let ended = run_session((&journal, &id), stage, (mode, surface), (signals, world)).await;
    let heard = listening.await.map_err(Failure::bug)?;
    let end = ended?;
    let record = match journal.verify(&id).await.map_err(Failure::host)? {
        Verified::Intact { records, .. } => Ok(records),
        Verified::Broken { seq, why } => Err(format!("record {seq}: {why}")),
    };
    let records = engine::record::all(&journal, &id).await.map_err(Failure::host)?;
    journal.close().await.map_err(Failure::host)?;
    let of_gate = records.iter().filter(|record| record.kind == gate::RECORD_KIND);
    let book = Book::read(of_gate.map(|record| record.body.as_str()));
    Ok((Played { mode: mode.to_string(), events: heard.map_err(Failure::host)?, record, book }, end))
}

/// Where a session of the demo takes place.
#[derive(Clone, Debug)]
struct Stage {
    config: Config,
    hub: Hub,
    work: PathBuf,
    outputs: PathBuf,
}

impl Stage {
    fn of(world: &World, standins: &Standins) -> Stage {
        Stage { config: standins.config(), hub: standins.hub(), work: world.work(), outputs: world.outputs() }
    }

    /// What the session works with: what `remit run` would give it under the configuration that has the two stand-ins.
    fn setup(self) -> Result<(Setup, mpsc::Receiver<ServerEvent>), Failure> {
        let script = Script::parse(script::TEXT).map_err(Failure::bug)?;
        let tariff = crate::rates::tariff_of_script(&script)?;
        let (name, model) = (MODEL.to_owned(), Model::Script(script));
        let picked = Picked { name, model, tariff, context_tokens: None, max_output_tokens: None };
        let (mut setup, server_events) = wiring::setup(&self.config, picked, &self.work, self.outputs)?;
        setup.site = Site { hub: Arc::new(self.hub), ..setup.site };
        setup.scene.environment = Arc::new(world::environment(&wiring::key_variables(&self.config)));
        Ok((setup, server_events))
    }

    /// Opens a session on it.
    async fn open(
        self,
        (journal, id): (&Journal, SessionId),
        title: &str,
        (mode, attendance): (Mode, Attendance),
        surface: Surface,
    ) -> Result<Opened, Failure> {
        let (setup, server_events) = self.setup()?;
        let workspace = setup.scene.workspace.root().display().to_string();
        let about = About { workspace, model: MODEL.to_owned(), title: title.to_owned(), owner: None };
        let authority = Authority { mode, attendance, prohibitions: Vec::new() };
        let started = Session::start(journal, (id, about), authority, setup.clone(), surface).await;
        let session = started.map_err(opening::engine_failure)?;
        Ok(Opened { session, notes: Vec::new(), setup, server_events })
    }
}

/// A world with its stand-ins for one session that is played by hand. The stand-ins end and the folder goes when it is dropped.
#[derive(Debug)]
pub struct Playground {
    standins: Standins,
    world: World,
}

impl Playground {
    /// Makes one in a throwaway folder.
    pub async fn make() -> Result<Playground, Failure> {
        let world = World::make(None)?;
        let standins = Standins::start(&world).await?;
        Ok(Playground { standins, world })
    }

    /// Opens a session in it, kept in this journal.
    pub async fn open(
        &self,
        session: (&Journal, SessionId),
        authority: (Mode, Attendance),
        surface: Surface,
    ) -> Result<Opened, Failure> {
        Stage::of(&self.world, &self.standins).open(session, "", authority, surface).await
    }
}

async fn run_session(
    (journal, id): (&Journal, &SessionId),
    stage: Stage,
    (mode, surface): (Mode, Surface),
    (signals, world): (Signals, &World),
) -> Result<RunEnd, Failure> {
    let opening = stage.open((journal, id.clone()), script::PROMPT, (mode, Attendance::Unattended), surface);
    let Opened { mut session, notes, setup, server_events } = opening.await?;
    let (commands, mut heard) = mpsc::channel(16);
    tokio::spawn(engine::hear_servers(server_events, commands.clone()));
    let throwaway = world.is_throwaway().then(|| world.folder().to_owned());
    let stopping = tokio::spawn(stop_when_told(signals, commands, throwaway));
    session.say(session.header(notes));
    setup.servers.ready(engine::SERVERS_PATIENCE).await;
    let end = session.run(TurnEvent::Said { text: script::PROMPT.to_owned() }, &mut heard).await;
    stopping.abort();
    setup.scene.runs.stop_all().await;
    setup.servers.stop().await;
    let end = end.map_err(opening::engine_failure)?;
    session.say(session.end_event(&end));
    Ok(end)
}

/// Ctrl-C and SIGTERM, from before anything is started.
#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, Failure> {
        let listen = || -> io::Result<Signals> {
            Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        };
        listen().map_err(Failure::host)
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The first signal stops what runs; the second quits at once, and the stand-ins end with this program.
async fn stop_when_told(mut signals: Signals, commands: mpsc::Sender<SessionCommand>, throwaway: Option<PathBuf>) {
    signals.next().await;
    eprintln!("\nstopping; once more quits at once");
    let _ = commands.send(SessionCommand::Stop).await;
    signals.next().await;
    if let Some(folder) = throwaway {
        let _ = std::fs::remove_dir_all(folder);
    }
    std::process::exit(130);
}

/// Standard output, which may be closed by whoever reads it: the demo then goes on unseen, so that it ends cleanly.
#[derive(Debug)]
struct DemoOut(io::Stdout);

impl Write for DemoOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_closed(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_closed(self.0.flush(), ())
    }
}

fn unless_closed<T>(written: io::Result<T>, otherwise: T) -> io::Result<T> {
    match written {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(otherwise),
        other => other,
    }
}

fn say(text: &str) -> Result<(), Failure> {
    let mut out = DemoOut(io::stdout());
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::host)
}

fn printer(args: &Args, colours: Colours) -> Printer<DemoOut> {
    let out = DemoOut(io::stdout());
    if args.json { Printer::Json(out) } else { Printer::Human(Human::new(out, colours)) }
}

/// Shows the events as they happen, and keeps them.
async fn listen(mut events: mpsc::UnboundedReceiver<Event>, mut printer: Printer<DemoOut>) -> io::Result<Vec<Event>> {
    let mut heard = Vec::new();
    while let Some(event) = events.recv().await {
        // The receipt says at more length what the last event does.
        let in_receipt = matches!((&event, &printer), (Event::End { .. }, Printer::Human(_)));
        if !in_receipt {
            printer.show(&event)?;
        }
        heard.push(event);
    }
    Ok(heard)
}

fn heading(text: &str, colours: Colours) -> String {
    match colours {
        Colours::On => format!("\x1b[1m{text}\x1b[0m\n\n"),
        Colours::Off => format!("{text}\n\n"),
    }
}

/// What is said before anything happens: what is real, where it is, and the contract.
fn before(world: &World, standins: &Standins, mode: Mode, colours: Colours) -> String {
    let mut page = heading("Remit, with no key and no network", colours);
    let real = "Real: the folder, git and the bare remote that it pushes to, every tool, every command, the MCP client, the \
                contract, the money's book and the record.";
    let clock = world::SPEED;
    let not_real = format!(
        "Not real: the model's words, which are a script with the price of a cheap model; and two stand-ins, each a program \
         of its own on loopback: a forge that keeps pull requests, and a jobs API that starts no job. Nobody takes any \
         money. The clock of the jobs begins at four in the morning and runs {clock} times as fast as yours."
    );
    wrapped(&mut page, "", "", real);
    wrapped(&mut page, "", "", &not_real);
    page.push('\n');
    let gone = if world.is_throwaway() { " (goes at the end; `--keep DIR` leaves it)" } else { "" };
    wrapped(&mut page, "folder  ", "        ", &format!("{}{gone}", world.folder().display()));
    wrapped(&mut page, "forge   ", "        ", &standins.forge_address());
    wrapped(&mut page, "jobs    ", "        ", standins.jobs_address());
    page.push('\n');
    page.push_str(&heading("The contract", colours));
    page.push_str(&contract::page(mode));
    page.push('\n');
    page.push_str(&heading("The session", colours));
    page
}

/// What is said when it is over: what it came to, and whether it was the contract's.
fn after(receipt: &Receipt, world: &World, colours: Colours) -> String {
    let mut page = format!("\n{}{}\n", heading("The receipt", colours), receipt::in_words(receipt));
    page.push_str(&heading("Was every answer and every effect the contract's?", colours));
    page.push_str(&receipt::findings_in_words(&receipt.checks));
    let verdict = match (receipt.holds, receipt.checks.iter().filter(|finding| !finding.holds()).count()) {
        (true, _) => "Yes, all of it.".to_owned(),
        (false, 1) => "No: one of these differs.".to_owned(),
        (false, many) => format!("No: {many} of these differ."),
    };
    page.push_str(&format!("\n{verdict}\n"));
    if !world.is_throwaway() {
        let store = world.store();
        page.push_str(&format!("The folder is {}.\n", world.folder().display()));
        page.push_str(&format!("Its session: XDG_DATA_HOME={} remit show {SESSION}\n", store.display()));
    }
    page
}
