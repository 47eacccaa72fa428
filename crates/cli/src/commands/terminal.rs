//! `remit`: work with the agent in the terminal.
//!
//! Not here: what is on the screen, and what a key does (that is `tui`), or the session's loop (that is `engine`). This file
//! joins the two: the screen has this thread, the session one of its own, and every command to it carries the person who
//! started this program at a terminal.

use crate::commands::contract::table;
use crate::commands::run::{self, Job, Opened, Options, SERVERS_PATIENCE, Which, engine_failure, first_words};
use crate::commands::spend;
use crate::config::Config;
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use crate::{control, draw, person, wiring};
use anyhow::anyhow;
use engine::{RunEnd, SessionCommand, Surface};
use gate::Person;
use journal::{IfMissing, Journal};
use policy::{Attendance, Cap, ModeChoice};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tui::app::{Errand, Input, Page};
use tui::screen::{self, Wires};
use turn::TurnEvent;
use turn::chat::{Message, Outcome};
use wire::{ControlReply, ControlRequest, Event, Status};

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
    /// Go on with this session
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// The folder to work in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// Whether a person is at a terminal, for reading and for writing.
pub fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Runs the session in a thread of its own, and the screen in this one.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let person = person::at_the_terminal()?;
    run::become_a_run()?;
    let (config, paths) = wiring::configured()?;
    let page = contract_page(&config)?;
    let which = match (args.go_on, args.resume) {
        (true, _) => Which::LastHere,
        (false, Some(id)) => Which::Named(id),
        (false, None) => Which::New,
    };
    let options = Options {
        mode: args.mode,
        cap: args.cap,
        model: args.model,
        max_turns: None,
        output_last_message: None,
        json: false,
    };
    let first = TurnEvent::Said { text: "a session in the terminal".to_owned() };
    let job = Job { which, first, folder: args.directory, attendance: Attendance::Attended, options };
    let (commands, heard) = mpsc::channel(64);
    let (input, inputs) = std_mpsc::channel();
    let (opened, is_open) = std_mpsc::channel();
    let (leave, leaving) = oneshot::channel();
    let session = Worker { job, person: person.clone(), config, paths, leaving };
    let (of_session, of_server) = (input.clone(), commands.clone());
    let working =
        thread::spawn(move || crate::runtime()?.block_on(session.work((of_server, heard), of_session, opened)));
    // What cannot begin is said on the terminal as it was.
    let Ok(id) = is_open.recv() else { return ended(working).map(|()| ExitCode::FAILURE) };
    let wires = Wires {
        input: input.clone(),
        inputs,
        carry_out: carrier((person, commands.clone()), input, (id.clone(), page)),
    };
    let shown = screen::run(wires, |name| std::env::var(name).ok()).map_err(Failure::host);
    let _ = (commands.try_send(SessionCommand::Stop), leave.send(()));
    let left = ended(working);
    host::children::kill_all();
    outln!("to go on: remit --resume {id}");
    shown.and(left).map(|()| ExitCode::SUCCESS)
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

/// Sees to what the screen wants done.
fn carrier(
    (person, commands): (Person, mpsc::Sender<SessionCommand>),
    input: std_mpsc::Sender<Input>,
    (id, contract): (String, String),
) -> Box<dyn FnMut(Errand)> {
    Box::new(move |effect| match effect {
        Errand::Send(request) => send(request, &person, &commands, &input),
        Errand::ShowContract => {
            let page = Page { title: "The contract".to_owned(), text: contract.clone(), past: 0 };
            let _ = input.send(Input::Page(page));
        }
        Errand::ShowSpend => {
            let (input, id) = (input.clone(), id.clone());
            thread::spawn(move || {
                let text = spend::in_words(&id).unwrap_or_else(|failure| format!("{:#}", failure.cause));
                input.send(Input::Page(Page { title: "What this session has cost".to_owned(), text, past: 0 }))
            });
        }
        Errand::Ring | Errand::Quit => {}
    })
}

fn send(
    request: ControlRequest,
    person: &Person,
    commands: &mpsc::Sender<SessionCommand>,
    input: &std_mpsc::Sender<Input>,
) {
    let (done, reply) = oneshot::channel();
    let refused = |why: String| Input::Reply(Box::new(ControlReply::Refused { why }));
    match control::understood(request, person.clone(), done) {
        Err(why) => {
            let _ = input.send(refused(why));
        }
        Ok(orders) => {
            let (commands, input) = (commands.clone(), input.clone());
            // The session hears it when it has time to; the screen waits for nobody.
            thread::spawn(move || {
                for order in orders {
                    if commands.blocking_send(order).is_err() {
                        return;
                    }
                }
                if let Ok(reply) = reply.blocking_recv() {
                    let _ = input.send(Input::Reply(Box::new(reply)));
                }
            });
        }
    }
}

fn contract_page(config: &Config) -> Result<String, Failure> {
    let rows: Vec<table::Row> = table::modes(wiring::default_cap(config)?).into_iter().map(table::Row::of).collect();
    Ok(table::as_text(&rows, &wiring::prohibitions(config)?))
}

/// What was said and done before, as it was heard then.
fn past(messages: &[Message]) -> Vec<Event> {
    let chip = String::new;
    let mut events = Vec::new();
    for message in messages {
        match message {
            Message::User { text } => events.push(Event::Prompt { text: text.clone() }),
            Message::Assistant(reply) => {
                let (text, calls) = (reply.text.clone(), reply.calls.len());
                events.extend((!text.is_empty()).then(|| Event::Text { delta: text.clone() }));
                events.push(Event::Message { text, calls, tokens: None, chip: chip() });
                events.extend(reply.calls.iter().map(|call| Event::Call {
                    call: call.id.clone(),
                    tool: call.name.clone(),
                    summary: draw::short(&format!("{} {}", call.name, call.arguments)),
                    effect: None,
                    price: None,
                    arguments: call.arguments.clone(),
                }));
            }
            Message::Tool { call, text, outcome } => {
                let (call, ok, text) = (call.clone(), *outcome == Outcome::Done, text.clone());
                events.push(Event::Result { call, ok, text });
            }
        }
    }
    events
}

/// What the session's thread has.
struct Worker {
    job: Job,
    person: Person,
    config: Config,
    paths: Paths,
    /// Heard when the person leaves.
    leaving: oneshot::Receiver<()>,
}

impl Worker {
    /// Opens the session and runs it, turn by turn, until nobody can say anything any more.
    async fn work(
        self,
        (commands, mut heard): (mpsc::Sender<SessionCommand>, mpsc::Receiver<SessionCommand>),
        input: std_mpsc::Sender<Input>,
        opened: std_mpsc::Sender<String>,
    ) -> Result<(), Failure> {
        let Worker { job, person, config, paths, mut leaving } = self;
        let journal = Journal::open(&paths.database(), IfMissing::Create).await.map_err(Failure::host)?;
        let (events, mut told) = mpsc::unbounded_channel::<Event>();
        let surface = Surface { default_cap: wiring::default_cap(&config)?, events };
        let Opened { mut session, header, setup, server_events } =
            run::open(&job, &person, (&config, &paths), &journal, surface).await?;
        thread::spawn(move || {
            while let Some(event) = told.blocking_recv() {
                if input.send(Input::Event(Box::new(event))).is_err() {
                    return;
                }
            }
        });
        let listening = control::listen(&paths.socket(session.id().as_str()), commands.clone())?;
        let hearing = tokio::spawn(run::hear_servers(server_events, commands));
        past(session.turn().messages()).into_iter().for_each(|event| session.say(event));
        session.say(header);
        let _ = opened.send(session.id().to_string());
        let _ = setup.servers.ready(SERVERS_PATIENCE).await;
        loop {
            let wanted = tokio::select! {
                wanted = session.listen(&mut heard) => wanted.map_err(engine_failure)?,
                _left = &mut leaving => None,
            };
            let Some(wanted) = wanted else { break };
            let wanted = match first_words(&wanted, &session) {
                Ok(wanted) => wanted,
                Err(failure) => {
                    session.say(Event::Notice { text: format!("{:#}", failure.cause) });
                    continue;
                }
            };
            let end = session.run(wanted, &mut heard).await;
            let outcome = match &end {
                Ok(end) => end.clone(),
                Err(why) => RunEnd { status: Status::Failed, reason: Some(why.to_string()) },
            };
            session.say(session.end_event(&outcome));
            end.map_err(engine_failure)?;
        }
        drop(listening);
        hearing.abort();
        setup.scene.runs.stop_all().await;
        setup.servers.stop().await;
        drop(session);
        journal.close().await.map_err(Failure::host)
    }
}
