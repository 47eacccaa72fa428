//! The session's side of a terminal: opened, run turn by turn, and left for another one when the person wants that.
//!
//! Not here: the screen, or what it wants done besides.

#![allow(clippy::disallowed_methods, reason = "the empty folder of an empty session goes with it")]

use super::errands::{Current, answered};
use crate::commands::run::{self, Options};
use crate::config::Config;
use crate::control;
use crate::failure::Failure;
use crate::opening::{self, Fork, Job, Opened, Which, engine_failure};
use crate::paths::Paths;
use crate::wiring;
use anyhow::anyhow;
use engine::{Session, SessionCommand, Setup, Surface, Voice};
use gate::Person;
use journal::{IfMissing, Journal, SessionId};
use policy::Attendance;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tui::errand::{Input, Opening};
use wire::{ControlReply, ControlRequest, Event};

/// A session that is being opened.
pub type Opens = Pin<Box<dyn Future<Output = Result<Opened, Failure>>>>;

/// Where the first session comes from.
pub enum Seat {
    /// The person's own configuration and journal.
    Configured(Box<Job>),
    /// Whoever has prepared one, in a journal of its own; no other can be opened beside it.
    Prepared {
        /// That journal.
        journal: PathBuf,
        /// Opens it in the journal, for a surface.
        open: Box<dyn FnOnce(Journal, Surface) -> Opens + Send>,
        /// What the person could say first.
        offered: String,
    },
}

impl Seat {
    /// What the person could say first; only a session that goes with whoever prepared it has it.
    pub fn offered(&self) -> Option<String> {
        match self {
            Seat::Configured(_) => None,
            Seat::Prepared { offered, .. } => Some(offered.clone()),
        }
    }
}

/// Whoever sits between the screen and its sessions.
pub struct Sitter {
    pub person: Person,
    pub voice: Voice,
    pub config: Config,
    pub paths: Paths,
    pub input: std_mpsc::Sender<Input>,
    pub openings: mpsc::UnboundedReceiver<Opening>,
    /// Cancelled when the person leaves.
    pub left: CancellationToken,
}

/// A session that was opened and has not been shown yet.
struct Ready {
    opened: Opened,
    /// What it says, until that is passed on.
    told: mpsc::UnboundedReceiver<Event>,
    journal: Journal,
}

/// A session that is shown, with what goes on beside it.
struct Here {
    session: Session,
    setup: Setup,
    journal: Journal,
    telling: JoinHandle<()>,
    servers: JoinHandle<()>,
    socket: control::Listening,
}

impl Sitter {
    /// Opens the first session and serves the person until they leave.
    pub async fn sit(
        mut self,
        seat: Seat,
        mut heard: mpsc::Receiver<SessionCommand>,
        opened: std_mpsc::Sender<Current>,
    ) -> Result<(), Failure> {
        let can_open = matches!(seat, Seat::Configured(_));
        let mut here = self.begin(self.first(seat).await?).await?;
        let current = Current::default();
        current.set(&here.session);
        let _ = opened.send(current.clone());
        while let Some(opening) = self.turns(&mut here, &mut heard).await? {
            let other = match can_open {
                true => self.other(opening, &here).await,
                false => Err(Failure::user(anyhow!("the demo has this one session"))),
            };
            match other {
                Ok(other) => {
                    here.leave().await?;
                    here = self.begin(other).await?;
                    current.set(&here.session);
                }
                Err(why) => {
                    let _ = self.input.send(Input::Trouble(why.in_a_line()));
                }
            }
        }
        let journal = here.journal.clone();
        if here.leave().await? == Left::Nothing {
            current.be_gone();
        }
        journal.close().await.map_err(Failure::host)
    }

    async fn first(&self, seat: Seat) -> Result<Ready, Failure> {
        match seat {
            Seat::Configured(job) => {
                let database = self.paths.database();
                let journal = Journal::open(&database, IfMissing::Create).await.map_err(Failure::host)?;
                self.open(&job, journal).await
            }
            Seat::Prepared { journal, open, .. } => {
                let journal = Journal::open(&journal, IfMissing::Create).await.map_err(Failure::host)?;
                let (surface, told) = self.surface()?;
                let opened = open(journal.clone(), surface).await?;
                Ok(Ready { opened, told, journal })
            }
        }
    }

    async fn open(&self, job: &Job, journal: Journal) -> Result<Ready, Failure> {
        let (surface, told) = self.surface()?;
        let opened = opening::open_for(job, &self.person, (&self.config, &self.paths), &journal, surface).await?;
        Ok(Ready { opened, told, journal })
    }

    fn surface(&self) -> Result<(Surface, mpsc::UnboundedReceiver<Event>), Failure> {
        let (events, told) = mpsc::unbounded_channel();
        Ok((Surface { default_cap: wiring::default_cap(&self.config)?, events: events.into() }, told))
    }

    /// Opens the session that the person wants in the place of this one.
    async fn other(&self, opening: Opening, here: &Here) -> Result<Ready, Failure> {
        let Event::Session { model, workspace, .. } = here.session.header(Vec::new()) else {
            unreachable!("a session's header is the event of that name");
        };
        let journal = &here.journal;
        let job = |which, options| Job {
            which,
            first: None,
            folder: PathBuf::from(&workspace),
            attendance: Attendance::Attended,
            owner: None,
            options,
        };
        match opening {
            Opening::New => {
                let options = Options { model: Some(model), ..Options::default() };
                self.open(&job(Which::New, options), journal.clone()).await
            }
            Opening::Session(id) => self.open(&job(Which::Named(id), Options::default()), journal.clone()).await,
            Opening::Fork { said } => self.fork(journal, here.session.id(), (said, Some(model))).await,
            Opening::Copy(id) => self.fork(journal, &run::session_id(&id)?, (usize::MAX, None)).await,
        }
    }

    /// Opens a session that begins with what was said in another one, before one of the person's messages.
    async fn fork(
        &self,
        journal: &Journal,
        of: &SessionId,
        (said, model): (usize, Option<String>),
    ) -> Result<Ready, Failure> {
        let (surface, told) = self.surface()?;
        let fork = Fork { of, said, model, owner: None };
        let opened = opening::fork(journal, fork, (&self.config, &self.paths), surface).await?;
        Ok(Ready { opened, told, journal: journal.clone() })
    }

    /// Tells the screen what was before, and begins what goes on beside the session.
    async fn begin(&self, Ready { opened, mut told, journal }: Ready) -> Result<Here, Failure> {
        let Opened { session, mut notes, setup, server_events } = opened;
        if session.state().attendance == Attendance::Unattended {
            notes.push(NOBODY_WAS_THERE.to_owned());
        }
        for event in session.past(notes).await.map_err(engine_failure)? {
            let _ = self.input.send(Input::Event(Box::new(event)));
        }
        let input = self.input.clone();
        let telling = tokio::spawn(async move {
            while let Some(event) = told.recv().await {
                if input.send(Input::Event(Box::new(event))).is_err() {
                    return;
                }
            }
        });
        let Voice { commands, models, .. } = &self.voice;
        let servers = tokio::spawn(engine::hear_servers(server_events, commands.clone()));
        let socket = control::listen(&self.paths.socket(session.id().as_str()), commands.clone(), Arc::clone(models))?;
        Ok(Here { session, setup, journal, telling, servers, socket })
    }

    /// Runs the session turn by turn; the answer is what the person wants instead of it, or `None` when they leave.
    async fn turns(
        &mut self,
        here: &mut Here,
        heard: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Option<Opening>, Failure> {
        loop {
            if self.left.is_cancelled() {
                return Ok(None);
            }
            if let Ok(opening) = self.openings.try_recv() {
                return Ok(Some(opening));
            }
            // Whoever wants something else than a turn ends the listening; what it is stands above.
            here.session.next_turn(heard, &self.left).await.map_err(engine_failure)?;
        }
    }
}

impl Here {
    /// Ends what the session has and gives it up; the last that it says is told before this is over. One in which nobody
    /// said anything is nothing to come back to, and goes.
    async fn leave(self) -> Result<Left, Failure> {
        drop(self.socket);
        self.servers.abort();
        let (id, outputs) = (self.session.id().clone(), self.setup.scene.outputs.clone());
        let is_empty = self.session.turn().messages().is_empty() && self.session.title().is_empty();
        drop(self.setup);
        self.session.close().await;
        let _ = self.telling.await;
        if !is_empty {
            return Ok(Left::ToGoOn);
        }
        self.journal.delete(&id).await.map_err(Failure::host)?;
        // There is nothing in it; if there is, it stays.
        let _ = std::fs::remove_dir(outputs);
        Ok(Left::Nothing)
    }
}

/// What a session leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Itself.
    ToGoOn,
    /// Nothing: nobody had said anything.
    Nothing,
}

/// What a person is told who takes up a session that began without anybody there: that is fixed when it starts.
const NOBODY_WAS_THERE: &str = "this session began with nobody there to ask, so what its mode would ask about is refused; \
press Esc twice to go on from any message in a session that asks you";

/// Passes the screen's requests on to the session, in their order; their answers come back as they come.
pub async fn pass_on(
    mut requests: mpsc::UnboundedReceiver<ControlRequest>,
    voice: Voice,
    input: std_mpsc::Sender<Input>,
) {
    while let Some(request) = requests.recv().await {
        let (voice, input) = (voice.clone(), input.clone());
        let tell = move |reply| input.send(answered(reply));
        // A model's price may have to be asked for far away; nothing else waits for that.
        if matches!(request, ControlRequest::UseModel { .. }) {
            tokio::spawn(async move { tell(voice.carry(request).await) });
            continue;
        }
        match voice.pass(request).await {
            Err(why) => drop(tell(ControlReply::Refused { why })),
            Ok(reply) => drop(tokio::spawn(async move {
                if let Ok(reply) = reply.await {
                    let _ = tell(reply);
                }
            })),
        }
    }
}
