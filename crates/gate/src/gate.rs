//! The judging: one call of `decide`, one place that mints.
//!
//! Not here: any branch on the mode, or what a tool does with its permit.

use crate::act::{Act, CallId, Digest, Person, Report};
use crate::event::{Decision, GateEvent};
use crate::permit::Permit;
use crate::state::{Impossible, State};
use crate::supervise::Ended;
use journal::{Draft, Durability, JournalError, Log};
use ledger::Entry;
use policy::{Action, Booking, Consent, Fit, Grant, Mode, Price, Reason, Standing, Verdict, Why, book_request, decide};

/// The kind under which the gate's events stand in a session's record.
pub const RECORD_KIND: &str = "gate";

/// What the names of the holds for requests to the model begin with. A call is never named so.
pub const REQUEST_HOLD: &str = "request-";

/// The gate of one session: it alone writes decisions and mints permits.
#[derive(Debug)]
pub struct Gate {
    log: Log,
    state: State,
    now_ms: fn() -> i64,
    /// Set while a write is under way, and for good when one fails: the state is then ahead of the record.
    torn: bool,
}

/// What became of a call that asked to run.
#[must_use = "a permit that is dropped leaves its hold open"]
#[derive(Debug)]
pub enum Admission<A> {
    /// It may run, now.
    Run(Permit<A>),
    /// A person is asked first; the call comes back to be admitted again when they answered or changed the mode.
    Ask(Question, A),
    /// It does not run.
    Refused(Refusal),
}

/// What a person is asked about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The call.
    pub call: CallId,
    /// What it would do, at what price, with the exact bytes to approve.
    pub action: Action,
    /// Why it asks.
    pub why: Why,
    /// What a yes for the session would cover; empty when there is no such yes.
    pub offered: Vec<Grant>,
}

/// A call that does not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The call.
    pub call: CallId,
    /// The call in a line.
    pub summary: String,
    /// What it would have cost.
    pub price: Price,
    /// Why.
    pub reason: Reason,
}

/// What became of a request to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metered {
    /// It may be sent; there is nothing to hold for it.
    Unheld,
    /// It may be sent, and its most is held under this name, which [`Gate::post`] ends it by.
    Held(String),
    /// It may not be sent: this is how it does not fit under the cap.
    Misfit(Fit),
}

/// A record of the engine's own, written in one step with one of the gate's: both are there, or neither is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The kind under which it stands in the session's record.
    pub kind: &'static str,
    /// What it says.
    pub body: String,
}

/// A person's answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, to this call.
    Once,
    /// Yes, to the same tool on the same key, while the session and its mode last.
    ForSession,
    /// No.
    No,
}

/// Why the gate could not do what it was asked. Nothing has run and, but for [`GateError::Record`], nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The record cannot be written, so the call does not run.
    #[error("the session's record cannot be written, so nothing runs: {0}")]
    Record(#[from] JournalError),
    /// A write failed before; the session has to be taken up again from its record.
    #[error("the session's record could not be written before, so nothing runs; resume the session")]
    Torn,
    /// The record says what cannot be.
    #[error("the session's record is damaged: {0}")]
    Damaged(#[from] Impossible),
    /// The record cannot be read.
    #[error("the session's record is damaged: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// What would run is not what a person was shown.
    #[error("call `{0}` is not what was shown when the answer was given; it does not run")]
    NotWhatWasShown(CallId),
    /// There is no such open question.
    #[error("nothing is being asked about call `{0}`; it was answered, or the mode has decided it")]
    NoSuchQuestion(CallId),
    /// A yes for the session was given where none was offered.
    #[error("call `{0}` can only be allowed once")]
    OnceOnly(CallId),
}

/// Says what would happen to an action now. Records nothing and gives no power.
pub fn explain(state: &State, action: &Action) -> Verdict {
    judge(state, action, state.consent(None, action))
}

/// The only caller of `decide`.
fn judge(state: &State, action: &Action, consent: Consent) -> Verdict {
    let standing = Standing {
        prohibited: state.prohibitions.iter().find(|rule| rule.forbids(action)).cloned(),
        consent,
        attendance: state.attendance,
        funds: state.book.funds(),
    };
    decide(state.mode, action, &standing)
}

/// What a verdict sets aside before the call starts.
fn hold(verdict: &Verdict) -> Option<Entry> {
    match verdict {
        Verdict::Run(terms) => set_aside(terms.booking),
        Verdict::Ask(_) | Verdict::Refuse(_) => None,
    }
}

fn set_aside(booking: Booking) -> Option<Entry> {
    match booking {
        Booking::Nothing => None,
        Booking::Hold(purse, price) => Some(Entry::Held(purse, Some(price))),
        Booking::Unbounded(purse) => Some(Entry::Held(purse, None)),
    }
}

impl Gate {
    /// Opens the gate of a new session and records its authority.
    pub async fn open(log: Log, state: State, now_ms: fn() -> i64) -> Result<Gate, GateError> {
        let opened = GateEvent::Opened {
            mode: state.mode,
            attendance: state.attendance,
            prohibitions: state.prohibitions.clone(),
        };
        let mut gate = Gate { log, state, now_ms, torn: false };
        gate.write(&opened, Vec::new(), Durability::Synced).await?;
        Ok(gate)
    }

    /// Takes up a session where its record ends.
    pub fn resume(log: Log, state: State, now_ms: fn() -> i64) -> Gate {
        Gate { log, state, now_ms, torn: false }
    }

    /// What a session's gate events, in order, amount to; `None` when there are none.
    pub fn replay<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Result<Option<State>, GateError> {
        let mut state = None::<State>;
        for body in bodies {
            let event = serde_json::from_str(body)?;
            match (&mut state, event) {
                (None, GateEvent::Opened { mode, attendance, prohibitions }) => {
                    state = Some(State::open(mode, attendance, prohibitions));
                }
                (None, _) => return Err(Impossible::NotOpened.into()),
                (Some(state), event) => state.apply(&event)?,
            }
        }
        Ok(state)
    }

    /// What the record amounts to now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The session's record, for the engine's own entries.
    pub fn log(&mut self) -> &mut Log {
        &mut self.log
    }

    /// Judges a call, records the decision with its hold, and only then lets it run.
    pub async fn admit<A: Act>(&mut self, call: CallId, act: A) -> Result<Admission<A>, GateError> {
        let action = act.action();
        let digest = Digest::of(&action);
        if self.state.answers.get(&call).is_some_and(|(shown, _)| *shown != digest) {
            return Err(GateError::NotWhatWasShown(call));
        }
        let verdict = judge(&self.state, &action, self.state.consent(Some(&call), &action));
        self.record(GateEvent::Decided(Box::new(self.decision(&call, &action, digest, &verdict))), Vec::new()).await?;
        Ok(match verdict {
            Verdict::Run(terms) => Admission::Run(Permit::mint(act, call, terms)),
            Verdict::Ask(why) => {
                let offered = Grant::offered(&action);
                Admission::Ask(Question { call, action, why, offered }, act)
            }
            Verdict::Refuse(reason) => {
                Admission::Refused(Refusal { call, summary: action.summary, price: action.price, reason })
            }
        })
    }

    fn decision(&self, call: &CallId, action: &Action, digest: Digest, verdict: &Verdict) -> Decision {
        let funds = self.state.book.funds();
        Decision {
            call: call.clone(),
            tool: action.tool.clone(),
            effect: action.effect.to_string(),
            price: action.price.to_string(),
            summary: action.summary.clone(),
            digest,
            mode: self.state.mode.to_string(),
            outcome: verdict.outcome().to_owned(),
            decided_by: verdict.decided_by().to_string(),
            reason: verdict.reason(),
            funds: (funds.spent.to_string(), funds.held.to_string()),
            hold: hold(verdict),
        }
    }

    /// Records a person's answer; the call is then admitted again, and judged under the mode of that moment.
    ///
    /// `act` is the call that was asked about or, when the person edited its arguments, the edited call.
    pub async fn answer<A: Act>(
        &mut self,
        person: &Person,
        call: &CallId,
        act: &A,
        answer: Answer,
    ) -> Result<(), GateError> {
        if !self.state.questions.contains_key(call) {
            return Err(GateError::NoSuchQuestion(call.clone()));
        }
        let action = act.action();
        let (consent, grants) = match answer {
            Answer::Once => (Consent::Once, Vec::new()),
            Answer::No => (Consent::Denied, Vec::new()),
            Answer::ForSession => (Consent::ForSession, Grant::offered(&action)),
        };
        if answer == Answer::ForSession && grants.is_empty() {
            return Err(GateError::OnceOnly(call.clone()));
        }
        let surface = person.surface().to_owned();
        let digest = Digest::of(&action);
        self.record(GateEvent::Answered { call: call.clone(), digest, consent, grants, surface }, Vec::new()).await
    }

    /// Takes back a yes for the session.
    pub async fn revoke(&mut self, person: &Person, grant: Grant) -> Result<(), GateError> {
        self.record(GateEvent::Revoked { grant, surface: person.surface().to_owned() }, Vec::new()).await
    }

    /// Sets the mode. Open questions are then to be admitted again, and are judged under the new one.
    pub async fn set_mode(&mut self, person: &Person, mode: Mode) -> Result<(), GateError> {
        self.record(GateEvent::ModeSet { mode, surface: person.surface().to_owned() }, Vec::new()).await
    }

    /// Holds the most that a request to the model can cost. Nobody is asked; under a cap it must fit.
    pub async fn meter(&mut self, price: &Price) -> Result<Metered, GateError> {
        let booking = match book_request(self.state.mode, &self.state.book.funds(), price) {
            Ok(booking) => booking,
            Err(misfit) => return Ok(Metered::Misfit(misfit)),
        };
        let Some(entry) = set_aside(booking) else { return Ok(Metered::Unheld) };
        // A line is never taken out of the book, so a name that counts them is new.
        let name = format!("{REQUEST_HOLD}{}", self.state.book.lines().count() + 1);
        self.post(&name, entry, Vec::new()).await?;
        Ok(Metered::Held(name))
    }

    /// Records how a run ended, with what the engine has to say of it, and gives back what it reports.
    ///
    /// A run that was cut off or panicked may have spent what was held: its hold stays open.
    pub async fn close<F>(&mut self, call: &CallId, ended: Ended, notes: F) -> Result<Report, GateError>
    where
        F: FnOnce(&Report) -> Result<Vec<Note>, serde_json::Error>,
    {
        let (entry, report) = match ended {
            Ended::Done(done) => {
                assert!(done.call == *call, "a run ended with the permit of another call");
                (done.entry, done.report)
            }
            Ended::Stopped => (self.left_open(call), Report::Failed("stopped before it ended".to_owned())),
            Ended::Panicked(text) => {
                (self.left_open(call), Report::Failed(format!("unknown: the tool crashed: {text}")))
            }
        };
        let notes = notes(&report)?;
        self.record(GateEvent::Ended { call: call.clone(), entry }, notes).await?;
        Ok(report)
    }

    /// After a crash: every call that was running may have happened. Each ends with its hold open, and none runs again.
    /// A request to the model that was on its way counts as answered, at its most.
    pub async fn recover(&mut self) -> Result<Vec<CallId>, GateError> {
        let lost: Vec<CallId> = self.state.running.iter().cloned().collect();
        for call in &lost {
            let entry = self.left_open(call);
            self.record(GateEvent::Ended { call: call.clone(), entry }, Vec::new()).await?;
        }
        let requests = self.state.book.unended().filter(|(name, _)| name.starts_with(REQUEST_HOLD));
        let requests: Vec<_> = requests.filter_map(|(name, line)| Some((name.to_owned(), line.bound?))).collect();
        for (request, bound) in requests {
            self.post(&request, Entry::Settled(bound), Vec::new()).await?;
        }
        Ok(lost)
    }

    /// Posts to the hold of a request, or to one that was left open, what is known of it now; with it, what the engine
    /// has to say.
    pub async fn post(&mut self, hold: &str, entry: Entry, notes: Vec<Note>) -> Result<(), GateError> {
        self.record(GateEvent::Posted { hold: hold.to_owned(), entry }, notes).await
    }

    fn left_open(&self, call: &CallId) -> Option<Entry> {
        let held = self.state.book.line(call.as_str());
        held.map(|_| Entry::LeftOpen(format!("call {call}")))
    }

    /// Lets the event count and writes it. After a write that failed, or was cut off, nothing more is admitted: the
    /// session is taken up again from its record.
    async fn record(&mut self, event: GateEvent, notes: Vec<Note>) -> Result<(), GateError> {
        if self.torn {
            return Err(GateError::Torn);
        }
        self.state.apply(&event)?;
        self.torn = true;
        let durability = if event.must_survive_power_cut() { Durability::Synced } else { Durability::Committed };
        self.write(&event, notes, durability).await?;
        self.torn = false;
        Ok(())
    }

    async fn write(&mut self, event: &GateEvent, notes: Vec<Note>, durability: Durability) -> Result<(), GateError> {
        let at_ms = (self.now_ms)();
        let own = Note { kind: RECORD_KIND, body: serde_json::to_string(event)? };
        let all: Vec<Note> = std::iter::once(own).chain(notes).collect();
        let drafts: Vec<Draft> = all.iter().map(|note| Draft { at_ms, kind: note.kind, body: &note.body }).collect();
        self.log.append(&drafts, durability).await?;
        Ok(())
    }
}
