//! One session: it owns its gate, its conversation and everything that runs in it.
//!
//! Not here: asking the model (that is `asking`), or running tools (that is `calls`).

use crate::bill;
use crate::calls::Waiting;
use crate::command::SessionCommand;
use crate::metering::Tariff;
use crate::record::{self, RecordError, Replayed};
use crate::requests::Requests;
use crate::setup::{About, Setup};
use gate::{CallId, Gate, GateError, Person, State};
use journal::{Journal, JournalError, Record, SessionId};
use ledger::Stage;
use money::Usd;
use policy::{Attendance, Mode, ModeChoice, Prohibition};
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use turn::chat::Outcome as CallOutcome;
use turn::{Ending, Turn, Want};
use wire::{ControlReply, Event, GoingOn, Refused, Spend, Status};

/// The cap that `yolo` alone takes when the session has had none and the configuration names none.
pub const DEFAULT_CAP: Usd = match Usd::from_micros(5_000_000) {
    Some(cap) => cap,
    None => unreachable!(),
};

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
    pub(crate) elicitations: Vec<(CallId, mcp::Elicitation)>,
    pub(crate) elicited: u64,
    id: SessionId,
    surface: Surface,
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
    pub events: mpsc::UnboundedSender<Event>,
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
        let mut session = Session::new(id, (gate, turn), setup, surface);
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
        let mut session = Session::new(id, (gate, turn), setup, surface);
        session.requests = requests;
        session.recover(&records).await?;
        if session.turn.limits() != session.setup.limits {
            session.feed(turn::TurnEvent::Limited { limits: session.setup.limits }).await?;
        }
        Ok(session)
    }

    fn new(id: SessionId, (gate, turn): (Gate, Turn), setup: Setup, surface: Surface) -> Session {
        Session {
            setup,
            gate,
            turn,
            waiting: Vec::new(),
            so_far: SoFar::default(),
            requests: Requests::default(),
            preamble: None,
            words: BTreeMap::new(),
            elicitations: Vec::new(),
            elicited: 0,
            id,
            surface,
        }
    }

    /// Ends what the last owner left unfinished.
    async fn recover(&mut self, records: &[Record]) -> Result<(), EngineError> {
        self.gate.recover().await?;
        self.refer(records).await?;
        let started = &self.gate.state().started;
        let end = |call: &String| {
            let text = if started.contains(&CallId::new(call.as_str())) {
                "unknown: the process ended while this ran; look before you do it again"
            } else {
                "not run: the process ended before it"
            };
            turn::TurnEvent::CallEnded { call: call.clone(), text: text.to_owned(), outcome: CallOutcome::Failed }
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

    /// The session's name.
    pub fn id(&self) -> &SessionId {
        &self.id
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
        can_be_capped(mode, &self.setup.model_name, &self.setup.tariff)?;
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
            return Err(EngineError::Unfinished(self.id.clone()));
        }
        self.so_far = SoFar::default();
        let prompt = match &first {
            turn::TurnEvent::Said { text } => Some(Event::Prompt { text: text.clone() }),
            _goes_on => None,
        };
        let mut wants = self.feed(first).await?;
        prompt.into_iter().for_each(|prompt| self.say(prompt));
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

    /// Waits, between turns, until there is something to run for; `None` when nobody can say anything any more. What else
    /// is commanded meanwhile is heeded.
    pub async fn listen(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Option<turn::TurnEvent>, EngineError> {
        while let Some(command) = commands.recv().await {
            match command {
                SessionCommand::Say(text) => return Ok(Some(turn::TurnEvent::Said { text })),
                SessionCommand::GoOn => return Ok(Some(turn::TurnEvent::GoOn)),
                other => {
                    self.heed_meanwhile(other).await?;
                }
            }
        }
        Ok(None)
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
    pub fn header(&self, model: String, notes: Vec<String>) -> Event {
        let state = self.gate.state();
        Event::Session {
            id: self.id.to_string(),
            mode: state.mode.to_string(),
            chip: self.chip(),
            model,
            workspace: self.setup.scene.workspace.root().display().to_string(),
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
        // Nobody listening is no reason to stop: what happened is on record.
        let _ = self.surface.events.send(event);
    }

    pub(crate) fn events(&self) -> mpsc::UnboundedSender<Event> {
        self.surface.events.clone()
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
            SessionCommand::Answer { .. } | SessionCommand::GoOn | SessionCommand::Stop => Ok(ModeChanged::No),
        }
    }
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
