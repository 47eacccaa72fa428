//! One session: it owns its gate, its conversation and everything that runs in it.
//!
//! Not here: asking the model (that is `asking`), or running tools (that is `calls`).

use crate::bill;
use crate::calls::Waiting;
use crate::command::SessionCommand;
use crate::metering::Tariff;
use crate::record::{self, RecordError, Replayed};
use crate::requests::Requests;
use crate::servers::Elicited;
use crate::setup::{About, Picked, Setup};
use crate::speaker::Speaker;
use gate::{CallId, Gate, GateError, Person, State};
use journal::{Journal, JournalError, Record, SessionId, SessionRow};
use ledger::Stage;
use money::Usd;
use policy::{Attendance, Mode, ModeChoice, Prohibition};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use turn::chat::{Message, Outcome as CallOutcome};
use turn::{Ending, Turn, Want};
use wire::{ControlReply, Event, GoingOn, Refused, Spend, Status};

/// The cap that `yolo` alone takes when the session has had none and the configuration names none.
pub const DEFAULT_CAP: Usd = match Usd::from_micros(5_000_000) {
    Some(cap) => cap,
    None => unreachable!(),
};

/// How long the servers have to be up before the model is asked: it is told of the tools once, and a server that takes longer
/// is left out until it is there.
pub const SERVERS_PATIENCE: Duration = Duration::from_secs(10);

/// What a person says who has a session go on in which the model had finished.
const GO_ON: &str = "Go on.";
/// How many characters of what was first said are a session's title.
const LONGEST_TITLE: usize = 80;
/// What the model reads of a call that had not ended where a fork begins.
const NOT_BEFORE_THE_FORK: &str = "unknown: the conversation was taken up anew from before this ended";

/// One session, owned by one task.
#[derive(Debug)]
pub struct Session {
    pub(crate) setup: Setup,
    pub(crate) gate: Gate,
    pub(crate) turn: Turn,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) so_far: SoFar,
    pub(crate) requests: Requests,
    /// What stood before the messages of the last request that was answered in this program.
    pub(crate) preamble: Option<u64>,
    pub(crate) words: BTreeMap<CallId, String>,
    pub(crate) elicited: Elicited,
    /// The model that a person picked, until the next request is made.
    pub(crate) next: Option<Box<Picked>>,
    pub(crate) place: Place,
    pub(crate) surface: Surface,
}

/// Where a session is kept.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) journal: Journal,
    pub(crate) id: SessionId,
    /// What it is called; empty until something was said.
    pub(crate) title: String,
}

/// What one run has come to.
#[derive(Debug, Default)]
pub(crate) struct SoFar {
    /// What was refused because nobody was there to ask.
    pub(crate) refused: Vec<Refused>,
    /// How often a person was asked.
    pub(crate) prompts: usize,
    /// Whether the model's service may be there again later.
    pub(crate) unavailable: bool,
    /// When the open holds were last asked about, in milliseconds since 1970.
    pub(crate) reconciled_ms: Option<i64>,
}

/// What a session is started or taken up with, besides its authority.
#[derive(Clone, Debug)]
pub struct Surface {
    /// The cap that `yolo` alone takes when the session has had none.
    pub default_cap: Usd,
    /// Who hears what happens.
    pub events: Speaker,
}

/// A session's authority, as the person gives it when the session starts.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The mode.
    pub mode: Mode,
    /// Whether anybody can be asked.
    pub attendance: Attendance,
    /// What the person prohibited.
    pub prohibitions: Vec<Prohibition>,
}

/// Why a session could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The gate could not do its work; nothing runs without it.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The store could not do its work.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The session's record cannot be taken up.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The session's header cannot be read.
    #[error("the header of session `{0}` cannot be read: {1}")]
    About(SessionId, serde_json::Error),
    /// Under a cap, what the model costs must be known.
    #[error("{mode} is a cap, and `{model}` has no price to hold against it: {why}")]
    NoPrice {
        /// The mode that was picked.
        mode: Mode,
        /// The model.
        model: String,
        /// Why it has none.
        why: String,
    },
    /// An earlier run was cut off, or ended with an error.
    #[error("the last run of session `{0}` did not come to its end; resume the session")]
    Unfinished(SessionId),
}

/// How one run of a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// How.
    pub status: Status,
    /// Why, in words, when it was not `Done`.
    pub reason: Option<String>,
}

impl Session {
    /// Starts a session and records its authority.
    pub async fn start(
        journal: &Journal,
        (id, about): (SessionId, About),
        authority: Authority,
        setup: Setup,
        surface: Surface,
    ) -> Result<Session, EngineError> {
        can_be_capped(authority.mode, &setup.model_name, &setup.tariff)?;
        let header = serde_json::to_string(&about).map_err(|why| EngineError::About(id.clone(), why))?;
        let log = journal.create(&id, (setup.now_ms)(), &header).await?;
        let state = State::open(authority.mode, authority.attendance, authority.prohibitions);
        let gate = Gate::open(log, state, setup.now_ms).await?;
        let turn = Turn::new(setup.limits);
        let place = Place { journal: journal.clone(), id, title: about.title };
        let mut session = Session::new(place, (gate, turn), setup, surface);
        session.feed(turn::TurnEvent::Limited { limits: session.setup.limits }).await?;
        Ok(session)
    }

    /// Takes a session up where its record ends. Nothing that may have happened happens again: calls that were running
    /// are reported to the model as unknown, and their holds stay open.
    pub async fn resume(
        journal: &Journal,
        id: SessionId,
        setup: Setup,
        surface: Surface,
    ) -> Result<Session, EngineError> {
        let log = journal.resume(&id).await?;
        let records = record::all(journal, &id).await?;
        let Replayed { state, turn, requests } = record::replay(&records, setup.limits)?;
        let gate = Gate::resume(log, state, setup.now_ms);
        let title = titled(&journal.session(&id).await?)?;
        let place = Place { journal: journal.clone(), id, title };
        let mut session = Session::new(place, (gate, turn), setup, surface);
        session.requests = requests;
        session.recover(&records).await?;
        if session.turn.limits() != session.setup.limits {
            session.feed(turn::TurnEvent::Limited { limits: session.setup.limits }).await?;
        }
        Ok(session)
    }

    fn new(place: Place, (gate, turn): (Gate, Turn), setup: Setup, surface: Surface) -> Session {
        Session {
            setup,
            gate,
            turn,
            waiting: Vec::new(),
            so_far: SoFar::default(),
            requests: Requests::default(),
            preamble: None,
            words: BTreeMap::new(),
            elicited: Elicited::default(),
            next: None,
            place,
            surface,
        }
    }

    /// Begins a session that was just started with what was said in another one, up to something that the person said
    /// there: `said` says which, from 0. The record of the other is copied, not its authority and not its money.
    pub async fn begin_from(&mut self, records: &[Record], said: usize) -> Result<(), EngineError> {
        let mut before = said;
        for record in records.iter().filter(|record| record.kind == record::TURN_KIND) {
            let event = serde_json::from_str(&record.body).map_err(|why| RecordError::Turn { seq: record.seq, why })?;
            match &event {
                turn::TurnEvent::Limited { .. } => continue,
                turn::TurnEvent::Said { .. } if before == 0 => break,
                turn::TurnEvent::Said { .. } => before -= 1,
                _other => {}
            }
            self.feed(event).await?;
        }
        self.end_what_is_open(|_| NOT_BEFORE_THE_FORK).await
    }

    /// Ends what the last owner left unfinished.
    async fn recover(&mut self, records: &[Record]) -> Result<(), EngineError> {
        self.gate.recover().await?;
        self.refer(records).await?;
        let started = self.gate.state().started.clone();
        let text = |call: &str| match started.contains(&CallId::new(call)) {
            true => "unknown: the process ended while this ran; look before you do it again",
            false => "not run: the process ended before it",
        };
        self.end_what_is_open(text).await
    }

    /// Ends every call that has not ended, with this text, and the turn that they belong to.
    async fn end_what_is_open(&mut self, text: impl Fn(&str) -> &'static str) -> Result<(), EngineError> {
        let end = |call: &String| {
            let (call, text, outcome) = (call.clone(), text(call).to_owned(), CallOutcome::Failed);
            turn::TurnEvent::CallEnded { call, text, outcome }
        };
        let ends: Vec<turn::TurnEvent> = self.turn.unended().iter().map(end).collect();
        for event in ends {
            self.feed(event).await?;
        }
        if !self.turn.is_idle() {
            self.feed(turn::TurnEvent::Stopped).await?;
        }
        Ok(())
    }

    /// Ends what the session has running and gives it up.
    pub async fn close(self) {
        self.setup.scene.runs.stop_all().await;
        self.setup.servers.stop().await;
    }

    /// The session's name.
    pub fn id(&self) -> &SessionId {
        &self.place.id
    }

    /// What it is called; empty until something was said.
    pub fn title(&self) -> &str {
        &self.place.title
    }

    /// What the gate's record amounts to.
    pub fn state(&self) -> &State {
        self.gate.state()
    }

    /// The money, each sum apart.
    pub fn spend(&self) -> Spend {
        bill::spend(self.gate.state(), &self.requests)
    }

    /// What was asked of the model.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The conversation.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Sets the mode before or between turns.
    pub async fn set_mode(&mut self, person: &Person, mode: ModeChoice) -> Result<(), EngineError> {
        let mode = mode.resolve(self.gate.state().last_cap, self.surface.default_cap);
        match &self.next {
            Some(next) => can_be_capped(mode, &next.name, &next.tariff)?,
            None => can_be_capped(mode, &self.setup.model_name, &self.setup.tariff)?,
        }
        self.gate.set_mode(person, mode).await?;
        self.say(Event::Mode { mode: mode.to_string(), chip: self.chip() });
        Ok(())
    }

    /// Runs until a person is needed again, and says how that ended.
    ///
    /// `first` is what a person said, or that it is to go on.
    pub async fn run(
        &mut self,
        first: turn::TurnEvent,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<RunEnd, EngineError> {
        if !self.turn.is_idle() {
            return Err(EngineError::Unfinished(self.place.id.clone()));
        }
        self.so_far = SoFar::default();
        let begins = match &first {
            turn::TurnEvent::Said { text } => Event::Prompt { text: text.clone() },
            _goes_on => Event::GoesOn,
        };
        let mut wants = self.feed(first).await?;
        self.say(begins.clone());
        self.be_titled_by(&begins).await?;
        self.reconcile().await?;
        while let Some(want) = wants.pop() {
            wants = match want {
                Want::Reply => self.ask_for_reply(commands).await?,
                Want::Summary => self.ask_for_summary(commands).await?,
                Want::Calls(calls) => self.run_calls(calls, commands).await?,
                Want::End(ending) => return Ok(self.ended(ending)),
            };
        }
        unreachable!("a conversation that is not over always wants something")
    }

    /// Waits, between turns, until there is something to run for; `None` when nobody can say anything any more, or wants to. What else
    /// is commanded meanwhile is heeded.
    pub async fn listen(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Option<turn::TurnEvent>, EngineError> {
        while let Some(command) = commands.recv().await {
            match command {
                SessionCommand::Say(text) => return Ok(Some(turn::TurnEvent::Said { text })),
                SessionCommand::GoOn => return Ok(Some(turn::TurnEvent::GoOn)),
                SessionCommand::Leave => return Ok(None),
                SessionCommand::SumUp { done } if self.turn.can_sum_up() => {
                    let _ = done.send(self.status());
                    return Ok(Some(turn::TurnEvent::SumUp));
                }
                other => {
                    self.heed_meanwhile(other).await?;
                }
            }
        }
        Ok(None)
    }

    /// What a turn begins with; `None` when nothing was said yet that could be gone on with. A model that had finished cannot
    /// just go on: services take a request that ends with the model's own words for a mistake, or for words to be completed.
    pub fn begins_with(&self, first: turn::TurnEvent) -> Option<turn::TurnEvent> {
        match (first, self.turn.messages().last()) {
            (turn::TurnEvent::GoOn, None) => None,
            (turn::TurnEvent::GoOn, Some(Message::Assistant(_))) => {
                Some(turn::TurnEvent::Said { text: GO_ON.to_owned() })
            }
            (first, _) => Some(first),
        }
    }

    /// Waits for what a person wants next, and runs that turn to its end. It comes back early when there is nothing to run for,
    /// or when `left` is cancelled before the turn began; whoever calls it sees what comes next.
    pub async fn next_turn(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
        left: &CancellationToken,
    ) -> Result<(), EngineError> {
        let Some(wanted) = self.listen(commands).await? else { return Ok(()) };
        let Some(wanted) = self.begins_with(wanted) else {
            self.say(Event::Notice { text: "nothing was said yet that could be gone on with".to_owned() });
            return Ok(());
        };
        tokio::select! {
            _ = self.setup.servers.ready(SERVERS_PATIENCE) => {}
            () = left.cancelled() => return Ok(()),
        }
        let end = self.run(wanted, commands).await;
        let outcome = match &end {
            Ok(end) => end.clone(),
            Err(why) => RunEnd { status: Status::Failed, reason: Some(why.to_string()) },
        };
        self.say(self.end_event(&outcome));
        end.map(drop)
    }

    fn ended(&self, ending: Ending) -> RunEnd {
        let (status, reason) = match ending {
            Ending::Done => (Status::Done, None),
            Ending::Stopped => (Status::Interrupted, Some("stopped by the person".to_owned())),
            Ending::CapReached(why) => (Status::CapReached, Some(why)),
            Ending::ModelFailed(why) if self.so_far.unavailable => (Status::Unavailable, Some(why)),
            Ending::ModelFailed(why) => (Status::Failed, Some(why)),
            Ending::TurnLimit(limit) => {
                (Status::Failed, Some(format!("the model was asked {limit} times in this turn, which is its limit")))
            }
            Ending::Looping(times) => {
                (Status::Failed, Some(format!("the model made exactly the same call {times} times in a row")))
            }
            Ending::ContextFull => {
                (Status::Failed, Some("the model's context is full and could not be made smaller".to_owned()))
            }
        };
        RunEnd { status, reason }
    }

    /// The first event of a run; `notes` are what a person might not expect.
    pub fn header(&self, notes: Vec<String>) -> Event {
        let state = self.gate.state();
        Event::Session {
            id: self.place.id.to_string(),
            mode: state.mode.to_string(),
            chip: self.chip(),
            model: self.setup.model_name.to_string(),
            workspace: self.setup.scene.workspace.root().display().to_string(),
            title: self.place.title.clone(),
            attendance: state.attendance.to_string(),
            notes,
        }
    }

    /// What was refused in the last run because nobody was there to ask.
    pub fn refused(&self) -> &[Refused] {
        &self.so_far.refused
    }

    /// The last event of a run.
    pub fn end_event(&self, outcome: &RunEnd) -> Event {
        Event::End {
            status: outcome.status,
            reason: outcome.reason.clone(),
            text: self.turn.last_text().to_owned(),
            refused: self.so_far.refused.clone(),
            prompts: self.so_far.prompts,
            going_on: self.going_on(),
            spend: self.spend(),
            tokens: bill::tokens(self.requests.usage),
            chip: self.chip(),
        }
    }

    /// What was started and goes on: its holds are open.
    fn going_on(&self) -> Vec<GoingOn> {
        let endpoint = self.setup.site.hub.endpoint.as_deref().unwrap_or_default();
        let open = self.gate.state().book.unended().filter_map(|(hold, line)| match &line.stage {
            Stage::Open(reference) => Some(GoingOn {
                hold: hold.to_owned(),
                held: line.bound.map(|bound| bound.to_string()),
                reference: reference.clone(),
                page: tools::hf_jobs::page(reference, endpoint),
            }),
            Stage::Held | Stage::Settled(_) | Stage::Released => None,
        });
        open.collect()
    }

    /// Records an event of the conversation, lets it happen, and says what is wanted now.
    pub(crate) async fn feed(&mut self, event: turn::TurnEvent) -> Result<Vec<Want>, EngineError> {
        self.write(&event).await?;
        Ok(self.turn.step(event))
    }

    /// Records an event of the conversation.
    pub(crate) async fn write(&mut self, event: &turn::TurnEvent) -> Result<(), EngineError> {
        let note = record::note(event).map_err(GateError::from)?;
        self.append(&[note]).await
    }

    /// Tells whoever listens.
    pub fn say(&self, event: Event) {
        self.surface.events.say(event);
    }

    fn status(&self) -> ControlReply {
        bill::status(self.gate.state(), &self.requests)
    }

    pub(crate) fn chip(&self) -> String {
        bill::chip(self.gate.state().mode, self.gate.state())
    }

    /// Heeds a command that is about the session, not about what runs. Whether the mode changed comes back.
    pub(crate) async fn heed_meanwhile(&mut self, command: SessionCommand) -> Result<ModeChanged, EngineError> {
        match command {
            SessionCommand::SetMode { person, mode, done } => {
                match self.set_mode(&person, mode).await {
                    Err(why @ EngineError::NoPrice { .. }) => {
                        let _ = done.send(ControlReply::Refused { why: why.to_string() });
                        return Ok(ModeChanged::No);
                    }
                    set => set?,
                }
                let _ = done.send(self.status());
                Ok(ModeChanged::Yes)
            }
            SessionCommand::Status { done } => {
                let _ = done.send(self.status());
                Ok(ModeChanged::No)
            }
            SessionCommand::Say(text) => {
                self.feed(turn::TurnEvent::Said { text: text.clone() }).await?;
                self.say(Event::Prompt { text });
                Ok(ModeChanged::No)
            }
            SessionCommand::Server(event) => {
                self.server_did(event);
                Ok(ModeChanged::No)
            }
            SessionCommand::Respond { call, text } => {
                self.answer_elicitation(&call, &text);
                Ok(ModeChanged::No)
            }
            SessionCommand::Answer { .. } | SessionCommand::GoOn | SessionCommand::Stop | SessionCommand::Leave => {
                Ok(ModeChanged::No)
            }
            other => {
                self.heed_about_itself(other).await?;
                Ok(ModeChanged::No)
            }
        }
    }

    /// Heeds a command that changes neither what runs nor the mode.
    async fn heed_about_itself(&mut self, command: SessionCommand) -> Result<(), EngineError> {
        // Whoever asked may be gone.
        match command {
            SessionCommand::Look { at, done } => {
                let _ = done.send(self.look(at).await?);
            }
            SessionCommand::Revoke { person, grant, done } => {
                let reply = if self.gate.state().grants.contains(&grant) {
                    self.gate.revoke(&person, grant).await?;
                    self.status()
                } else {
                    refused(format!("there is no answer for this session that covers `{grant}`"))
                };
                let _ = done.send(reply);
            }
            SessionCommand::UseModel { picked, done } => {
                let reply = self.use_model(picked).await?;
                let _ = done.send(reply);
            }
            SessionCommand::SumUp { done } => {
                let why = match self.turn.is_idle() {
                    true => "there is too little to sum up",
                    false => "it works; stop it first, or sum up when it has ended",
                };
                let _ = done.send(refused(why.to_owned()));
            }
            SessionCommand::RestartServer { server, done } => {
                let reply = match self.setup.servers.restart(&server) {
                    Ok(()) => self.status(),
                    Err(why) => refused(why.to_string()),
                };
                let _ = done.send(reply);
            }
            SessionCommand::Rename { title, done } => {
                let reply = match self.rename(title).await {
                    Ok(()) => self.status(),
                    Err(why) => refused(why.to_string()),
                };
                let _ = done.send(reply);
            }
            SessionCommand::Watch { done } => {
                let _ = done.send(self.watched().await?);
            }
            _of_a_turn => unreachable!("what is about a turn is heeded by whoever runs it"),
        }
        Ok(())
    }

    /// Asks this model from the next request on, unless the mode is a cap that it has no price for.
    async fn use_model(&mut self, picked: Box<Picked>) -> Result<ControlReply, EngineError> {
        if let Err(why) = can_be_capped(self.gate.state().mode, &picked.name, &picked.tariff) {
            return Ok(refused(why.to_string()));
        }
        self.append(&[record::model_note(&picked.name).map_err(GateError::from)?]).await?;
        self.say(Event::Model { model: picked.name.clone(), notes: picked.notes() });
        self.next = Some(picked);
        Ok(self.status())
    }

    /// A session that has no title is called by the first thing that was said in it.
    async fn be_titled_by(&mut self, prompt: &Event) -> Result<(), EngineError> {
        let Event::Prompt { text } = prompt else { return Ok(()) };
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        if self.place.title.is_empty() && !line.is_empty() {
            self.rename(line.chars().take(LONGEST_TITLE).collect()).await?;
        }
        Ok(())
    }

    /// Gives the session another title.
    pub async fn rename(&mut self, title: String) -> Result<(), EngineError> {
        self.place.journal.rename(&self.place.id, &title).await?;
        self.place.title.clone_from(&title);
        self.say(Event::Titled { title });
        Ok(())
    }
}

fn refused(why: String) -> ControlReply {
    ControlReply::Refused { why }
}

/// What a stored session is called: what somebody named it, else what its header has.
fn titled(row: &SessionRow) -> Result<String, EngineError> {
    if let Some(title) = &row.title {
        return Ok(title.clone());
    }
    let about = serde_json::from_str::<About>(&row.about);
    about.map(|about| about.title).map_err(|why| EngineError::About(row.id.clone(), why))
}

/// Under a cap each request to the model must fit, so its price must be known: that is said when the mode is picked.
pub fn can_be_capped(mode: Mode, model: &str, tariff: &Tariff) -> Result<(), EngineError> {
    match (mode.limit(), tariff) {
        (Some(_), Tariff::Unknown(why)) => {
            Err(EngineError::NoPrice { mode, model: model.to_owned(), why: why.clone() })
        }
        (Some(_) | None, Tariff::Known(_)) | (None, Tariff::Unknown(_)) => Ok(()),
    }
}

/// Whether a command changed the mode, so that open questions are to be judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModeChanged {
    Yes,
    No,
}
