//! What follows from a session's record: its mode, its money, its questions and answers. A pure fold.
//!
//! Not here: judging (that is `gate`), or storing (that is `journal`).

use crate::act::{CallId, Digest};
use crate::event::{Decision, GateEvent};
use ledger::{Book, Misposted};
use money::Usd;
use policy::{Action, Attendance, Consent, Grant, Mode, Prohibition};
use std::collections::{BTreeMap, BTreeSet};

/// What a session's record amounts to. The same events give the same state, live or replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The mode in force.
    pub mode: Mode,
    /// The last numeric cap, which `yolo` alone goes back to.
    pub last_cap: Option<Usd>,
    /// Whether anybody can be asked.
    pub attendance: Attendance,
    /// What the person prohibited.
    pub prohibitions: Vec<Prohibition>,
    /// The money.
    pub book: Book,
    /// What a yes for the session covers, while the mode lasts.
    pub grants: Vec<Grant>,
    /// The open questions, with the digest of what was shown.
    pub questions: BTreeMap<CallId, Digest>,
    /// Answers that were given and not used yet.
    pub answers: BTreeMap<CallId, (Digest, Consent)>,
    /// Calls that run and have not ended.
    pub running: BTreeSet<CallId>,
    /// Every call that ever ran: none runs twice.
    pub started: BTreeSet<CallId>,
}

/// Why an event cannot follow the ones before it. A damaged record, or a bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The money does not add up.
    #[error("the ledger cannot have this line: {0}")]
    Money(#[from] Misposted),
    /// A call started twice.
    #[error("call `{0}` was started before")]
    StartedTwice(CallId),
    /// A call ended that was not running.
    #[error("call `{0}` is not running")]
    NotRunning(CallId),
    /// An answer to what is not being asked.
    #[error("nothing is being asked about call `{0}`")]
    NotAsked(CallId),
    /// A session starts with its authority.
    #[error("the session was not opened first")]
    NotOpened,
    /// A session opens once.
    #[error("the session was opened before")]
    OpenedTwice,
}

impl State {
    /// A session as its first event opens it.
    pub fn open(mode: Mode, attendance: Attendance, prohibitions: Vec<Prohibition>) -> State {
        State {
            mode,
            last_cap: mode.limit(),
            attendance,
            prohibitions,
            book: Book::default(),
            grants: Vec::new(),
            questions: BTreeMap::new(),
            answers: BTreeMap::new(),
            running: BTreeSet::new(),
            started: BTreeSet::new(),
        }
    }

    /// Applies one event, or changes nothing and says why it cannot follow.
    pub fn apply(&mut self, event: &GateEvent) -> Result<(), Impossible> {
        match event {
            GateEvent::Opened { .. } => return Err(Impossible::OpenedTwice),
            GateEvent::ModeSet { mode, .. } => {
                self.mode = *mode;
                self.last_cap = mode.limit().or(self.last_cap);
                self.grants.clear();
            }
            GateEvent::Decided(decision) => self.decided(decision)?,
            GateEvent::Answered { call, digest, consent, grants, .. } => {
                self.questions.remove(call).ok_or_else(|| Impossible::NotAsked(call.clone()))?;
                match consent {
                    Consent::ForSession => self.grants.extend(grants.iter().cloned()),
                    Consent::None | Consent::Once | Consent::Denied => {
                        self.answers.insert(call.clone(), (digest.clone(), *consent));
                    }
                }
            }
            GateEvent::Revoked { grant, .. } => self.grants.retain(|held| held != grant),
            GateEvent::Ended { call, entry } => {
                if !self.running.contains(call) {
                    return Err(Impossible::NotRunning(call.clone()));
                }
                if let Some(entry) = entry {
                    self.book.post(call.as_str(), entry)?;
                }
                self.running.remove(call);
            }
            GateEvent::Posted { hold, entry } => self.book.post(hold, entry)?,
        }
        Ok(())
    }

    fn decided(&mut self, decision: &Decision) -> Result<(), Impossible> {
        let call = &decision.call;
        if self.started.contains(call) {
            return Err(Impossible::StartedTwice(call.clone()));
        }
        if let Some(hold) = &decision.hold {
            self.book.post(call.as_str(), hold)?;
        }
        self.answers.remove(call);
        self.questions.remove(call);
        match decision.outcome.as_str() {
            "run" => {
                self.running.insert(call.clone());
                self.started.insert(call.clone());
            }
            "ask" => {
                self.questions.insert(call.clone(), decision.digest.clone());
            }
            _refused => {}
        }
        Ok(())
    }

    /// What a person has said about this call: an answer to it, or one for the session that covers it.
    pub fn consent(&self, call: Option<&CallId>, action: &Action) -> Consent {
        match call.and_then(|call| self.answers.get(call)) {
            Some((_, consent)) => *consent,
            None if Grant::cover(&self.grants, action) => Consent::ForSession,
            None => Consent::None,
        }
    }
}
