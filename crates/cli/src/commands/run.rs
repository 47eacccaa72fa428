//! `remit run`: work on what the person says, in this folder, without a screen.
//!
//! Not here: the loop (that is `engine`), or how events are shown (that is `draw`).

use crate::commands::spend;
use crate::control;
use crate::draw::{Colours, Human, Printer};
use crate::failure::Failure;
use crate::opening::{Job, Which, engine_failure, open_for};
use crate::out::out;
use crate::paths::Paths;
use crate::rates::Models;
use crate::wiring;
use crate::{config::Config, person};
use anyhow::{Context, anyhow};
use engine::hear_servers;
use engine::{About, RunEnd, Session, SessionCommand, Surface};
use gate::Person;
use journal::{IfMissing, Journal, SessionId, SessionRow};
use policy::{Attendance, Cap, ModeChoice};
use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use turn::TurnEvent;
use wire::{Event, Status};

const EXAMPLES: &str = "Examples:
  remit run \"why does the build fail?\"
  remit run --mode yolo:5 --model anthropic/claude-sonnet-4-5 \"fix the failing test and push a branch\"
  git diff | remit run - --json
  remit run --continue \"now do the same for the other crate\"

Nobody is there to answer: what would ask is refused, the run goes on, and the end lists it (exit status 3).";

/// What to work on, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What you want; `-` reads it from standard input
    prompt: String,
    #[command(flatten)]
    pub options: Options,
    /// Go on with the last session of this folder
    #[arg(long = "continue", conflicts_with = "resume")]
    go_on: bool,
    /// Go on with this session
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// The folder to work in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// What a new and a resumed run have in common.
#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// `plan`, `agent`, `yolo`, `yolo:5` or `yolo:uncapped`; a new session is `agent` without it
    #[arg(long, value_name = "MODE")]
    pub mode: Option<ModeChoice>,
    /// The cap of YOLO in US dollars, or `uncapped`; with `--mode yolo`
    #[arg(long, value_name = "USD")]
    pub cap: Option<Cap>,
    /// The model, as PROVIDER/NAME or script:FILE
    #[arg(long, value_name = "MODEL", env = "REMIT_MODEL")]
    pub model: Option<String>,
    /// The most requests to the model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_turns: Option<u32>,
    /// Write the model's last words to this file
    #[arg(long, value_name = "FILE")]
    pub output_last_message: Option<PathBuf>,
    /// Write one JSON object a line; `remit schema events` describes them
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// How events are shown.
    pub fn form(&self) -> Form {
        if self.json { Form::Json } else { Form::Human }
    }

    /// The mode that was asked for, with the cap as part of it.
    pub fn mode(&self) -> Result<Option<ModeChoice>, Failure> {
        let Some(cap) = self.cap else { return Ok(self.mode) };
        match self.mode {
            None | Some(ModeChoice::YoloAsBefore) => Ok(Some(ModeChoice::with_cap(cap))),
            Some(ModeChoice::Exactly(_)) => {
                let cause = anyhow!("`--cap` goes with `--mode yolo`, and this mode is complete without it");
                Err(Failure::user(cause).hint("write the cap once: `--mode yolo:5`"))
            }
        }
    }
}

/// Runs it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let person = person::at_the_command_line()?;
    let text = if args.prompt == "-" { standard_input()? } else { args.prompt };
    if text.trim().is_empty() {
        return Err(Failure::user(anyhow!("there is nothing to work on: the prompt is empty")));
    }
    let which = match (args.go_on, args.resume) {
        (true, _) => Which::LastHere,
        (false, Some(id)) => Which::Named(id),
        (false, None) => Which::New,
    };
    let job = Job {
        which,
        first: Some(TurnEvent::Said { text }),
        folder: args.directory,
        attendance: Attendance::Unattended,
        owner: None,
        options: args.options,
    };
    start(job, person)
}

/// The most that is read from standard input.
const MOST_INPUT: u64 = 8 << 20;

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(MOST_INPUT).read_to_string(&mut text);
    let size = read.context("standard input cannot be read as text").map_err(Failure::user)?;
    if u64::try_from(size).is_ok_and(|size| size == MOST_INPUT) {
        return Err(Failure::user(anyhow!("standard input is longer than {} MiB", MOST_INPUT >> 20)));
    }
    Ok(text)
}

/// Marks this program as a run before it reads a key or starts anything, then runs the job.
pub fn start(job: Job, person: Person) -> Result<ExitCode, Failure> {
    become_a_run()?;
    let (mut config, paths) = wiring::configured()?;
    config.limits.max_turns = job.options.max_turns.or(config.limits.max_turns);
    let ended = crate::runtime()?.block_on(carry_out(job, person, config, paths));
    // Whatever still runs would be nobody's child from now on, and be taken for a person's.
    host::children::kill_all();
    ended
}

/// Makes this program a Remit run: its children are known for such, and none of them can look into it.
pub fn become_a_run() -> Result<(), Failure> {
    let mark = || {
        host::authority::mark_as_run()?;
        host::authority::become_subreaper()?;
        host::authority::make_undumpable()
    };
    mark().context("this program cannot be told from its children").map_err(Failure::host)
}

async fn carry_out(job: Job, person: Person, config: Config, paths: Paths) -> Result<ExitCode, Failure> {
    let lines = Lines::open();
    let journal = Journal::open(&paths.database(), IfMissing::Create).await.map_err(Failure::host)?;
    let (events, shown) = mpsc::unbounded_channel();
    let surface = Surface { default_cap: wiring::default_cap(&config)?, events: events.into() };
    let form = job.options.form();
    // In a thread of its own: a reader that pauses keeps nobody waiting who has something to say to the session.
    let printing = tokio::task::spawn_blocking(move || print(shown, form));
    let result = run_session(&job, &person, (&config, &paths), (&journal, surface), lines).await;
    let printed = printing.await.map_err(Failure::bug)?;
    let Over { id, end, refused, text } = result?;
    printed.map_err(Failure::host)?;
    if form == Form::Human {
        out!("{}", spend::at_the_end(&journal, &id).await?);
    }
    if let Some(file) = &job.options.output_last_message {
        let written = std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()));
        written.map_err(Failure::host)?;
    }
    journal.close().await.map_err(Failure::host)?;
    Ok(ExitCode::from(exit_status(end.status, refused)))
}

/// The exit status of a run: what it is ended by, and whether something was refused because nobody was there.
pub fn exit_status(status: Status, refused: usize) -> u8 {
    match status {
        Status::Done if refused > 0 => 3,
        Status::Done => 0,
        Status::Failed => 1,
        Status::CapReached => 4,
        Status::Unavailable => 75,
        Status::Interrupted => 130,
    }
}

/// The lines on which a session is told what to do.
struct Lines {
    commands: mpsc::Sender<SessionCommand>,
    heard: mpsc::Receiver<SessionCommand>,
    /// Cancelled by the first interrupt.
    interrupted: CancellationToken,
}

impl Lines {
    /// Opens them, with the person's interrupts on them from the first moment to the last.
    fn open() -> Lines {
        let (commands, heard) = mpsc::channel(16);
        let interrupted = CancellationToken::new();
        tokio::spawn(interrupts(commands.clone(), interrupted.clone()));
        Lines { commands, heard, interrupted }
    }
}

/// A run that is over.
struct Over {
    /// The session.
    id: SessionId,
    /// How it ended.
    end: RunEnd,
    /// How much was refused because nobody was there.
    refused: usize,
    /// The model's last words.
    text: String,
}

/// Runs the session to its end.
async fn run_session(
    job: &Job,
    person: &Person,
    (config, paths): (&Config, &Paths),
    (journal, surface): (&Journal, Surface),
    Lines { commands, mut heard, interrupted }: Lines,
) -> Result<Over, Failure> {
    let opened = open_for(job, person, (config, paths), journal, surface).await?;
    let (mut session, setup) = (opened.session, opened.setup);
    let first = first_words(job.first.as_ref().unwrap_or(&TurnEvent::GoOn), &session)?;
    tokio::spawn(hear_servers(opened.server_events, commands.clone()));
    let listening = control::listen(&paths.socket(session.id().as_str()), commands, Models::of(config, paths))?;
    session.say(session.header(opened.notes));
    // The model is told of the tools once; a server that takes longer than this is left out until it is there.
    tokio::select! {
        _ = setup.servers.ready(engine::SERVERS_PATIENCE) => {}
        () = interrupted.cancelled() => {}
    }
    let end = session.run(first, &mut heard).await.map_err(engine_failure);
    drop(listening);
    setup.scene.runs.stop_all().await;
    setup.servers.stop().await;
    let outcome = end
        .as_ref()
        .map_or_else(|why| RunEnd { status: Status::Failed, reason: Some(format!("{:#}", why.cause)) }, RunEnd::clone);
    session.say(session.end_event(&outcome));
    let (id, refused) = (session.id().clone(), session.refused().len());
    Ok(Over { id, end: end?, refused, text: session.turn().last_text().to_owned() })
}

/// What a run begins with.
fn first_words(first: &TurnEvent, session: &Session) -> Result<TurnEvent, Failure> {
    session.begins_with(first.clone()).ok_or_else(|| {
        let cause = anyhow!("nothing was said in session `{}` yet", session.id());
        Failure::user(cause).hint(format!("say what you want: remit resume {} \"...\"", session.id()))
    })
}

/// The last session of a folder.
pub async fn last_here(journal: &Journal, folder: &Path) -> Result<SessionRow, Failure> {
    let here = folder.canonicalize().with_context(|| format!("`{}`", folder.display())).map_err(Failure::user)?;
    let here = here.display().to_string();
    let sessions = journal.sessions().await.map_err(Failure::host)?;
    let mut of_here = sessions.into_iter().filter(|row| about(row).is_ok_and(|about| about.workspace == here));
    of_here.next().ok_or_else(|| {
        Failure::user(anyhow!("no session of `{here}` to go on with")).hint("`remit sessions` lists them")
    })
}

/// What a session is about.
pub fn about(row: &SessionRow) -> Result<About, Failure> {
    let about = serde_json::from_str::<About>(&row.about);
    let named = |about: About| About { title: row.title.clone().unwrap_or(about.title), ..about };
    about.map(named).map_err(|why| Failure::host(anyhow!(why).context(format!("the header of session `{}`", row.id))))
}

/// Reads a session's name.
pub fn session_id(text: &str) -> Result<SessionId, Failure> {
    text.parse().map_err(Failure::user)
}

/// The first Ctrl-C stops what runs; the second quits at once. Both leave a session that can be resumed. A closed terminal
/// and a request to end count as one.
async fn interrupts(commands: mpsc::Sender<SessionCommand>, interrupted: CancellationToken) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let ignored = ignored_signals();
    // What this program was started to ignore, as by `nohup` or in the background of a script, it goes on to ignore.
    let heeded = kinds.into_iter().filter(|kind| ignored & (1 << (kind.as_raw_value() - 1)) == 0);
    let (tell, mut told) = mpsc::channel(4);
    for mut signals in heeded.filter_map(|kind| signal(kind).ok()) {
        let tell = tell.clone();
        tokio::spawn(async move { while signals.recv().await.is_some() && tell.send(()).await.is_ok() {} });
    }
    drop(tell);
    while told.recv().await.is_some() {
        if interrupted.is_cancelled() {
            // Everything acknowledged is on record.
            host::children::kill_all();
            std::process::exit(130);
        }
        interrupted.cancel();
        eprintln!("\nstopping; once more quits at once");
        let commands = commands.clone();
        tokio::spawn(async move { commands.send(SessionCommand::Stop).await });
    }
}

/// The signals that this program was started to ignore, a bit each; none where the system does not say.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

/// How events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text for a person.
    Human,
    /// One JSON object a line.
    Json,
}

/// Shows the events of a session on standard output until there are no more, the one that says which session it is first.
fn print(mut events: mpsc::UnboundedReceiver<Event>, form: Form) -> std::io::Result<()> {
    let out = std::io::BufWriter::new(std::io::stdout());
    let mut printer = match form {
        Form::Json => Printer::Json(out),
        Form::Human => Printer::Human(Human::new(out, Colours::of_stdout())),
    };
    let (mut held, mut has_begun) = (VecDeque::new(), false);
    while let Some(event) = events.blocking_recv() {
        if matches!(event, Event::Session { .. }) {
            has_begun = true;
            held.push_front(event);
        } else {
            held.push_back(event);
        }
        for event in if has_begun { held.drain(..) } else { held.drain(..0) } {
            match printer.show(&event) {
                // Nobody reads any more; the run goes on, and its record has it all.
                Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                shown => shown?,
            }
        }
    }
    Ok(())
}
