//! A session's record: what the engine adds to it, and how a session is taken up from it.
//!
//! Not here: the gate's own events, or how records are stored.

use crate::requests::{REQUEST_KIND, RequestRecord, Requests};
use gate::{GateError, Note, RECORD_KIND, State};
use journal::{Journal, JournalError, Record, SessionId};
use serde::{Deserialize, Serialize};
use turn::{Limits, Turn, TurnEvent};

/// The kind under which the conversation's events stand in a session's record.
pub const TURN_KIND: &str = "turn";

/// The kind under which the model that a person picked stands in a session's record.
const MODEL_KIND: &str = "model";

/// How many records are read at once.
const PAGE: usize = 10_000;

/// Why a record cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The gate's part says what cannot be.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The conversation's part, or a request's, cannot be read.
    #[error("record {seq} of the session is damaged: {why}")]
    Turn {
        /// Which record.
        seq: u64,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// The session has no authority in its record.
    #[error("the session's record is empty")]
    Empty,
    /// A decision was recorded that does not follow from what came before it.
    #[error("record {seq} of the session does not follow from those before it: {why}")]
    DoesNotFollow {
        /// Which record.
        seq: u64,
        /// What differs.
        why: String,
    },
}

/// An event of the conversation, as it stands in the record.
pub(crate) fn note(event: &TurnEvent) -> Result<Note, serde_json::Error> {
    Ok(Note { kind: TURN_KIND, body: serde_json::to_string(event)? })
}

/// The model that a person picked while the session was open.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRecord {
    model: String,
}

/// A picked model, as it stands in the record.
pub(crate) fn model_note(model: &str) -> Result<Note, serde_json::Error> {
    let record = ModelRecord { model: model.to_owned() };
    Ok(Note { kind: MODEL_KIND, body: serde_json::to_string(&record)? })
}

/// The model that was picked last while the session was open, if one was.
pub fn picked_model(records: &[Record]) -> Option<String> {
    let last = records.iter().rfind(|record| record.kind == MODEL_KIND)?;
    serde_json::from_str::<ModelRecord>(&last.body).ok().map(|record| record.model)
}

/// Every record of a session, in order, however many pages that takes.
pub async fn all(journal: &Journal, id: &SessionId) -> Result<Vec<Record>, JournalError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.seq);
        let page = journal.records(id, after, PAGE).await?;
        if page.is_empty() {
            return Ok(records);
        }
        records.extend(page);
    }
}

/// What a session's records amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Its authority and its money.
    pub state: State,
    /// Its conversation.
    pub turn: Turn,
    /// What was asked of the model.
    pub requests: Requests,
}

/// Works out what a session's records amount to.
pub fn replay(records: &[Record], limits: Limits) -> Result<Replayed, RecordError> {
    let gate = records.iter().filter(|record| record.kind == RECORD_KIND);
    let state = gate::Gate::replay(gate.map(|record| record.body.as_str()))?.ok_or(RecordError::Empty)?;
    let mut turn = Turn::new(limits);
    for record in records.iter().filter(|record| record.kind == TURN_KIND) {
        let event = serde_json::from_str(&record.body).map_err(|why| RecordError::Turn { seq: record.seq, why })?;
        turn.step(event);
    }
    let mut requests = Requests::default();
    for (_, request) in requests_of(records)? {
        requests.add(&request);
    }
    Ok(Replayed { state, turn, requests })
}

/// The requests to the model, in order, each with the number of its record.
pub fn requests_of(records: &[Record]) -> Result<Vec<(u64, RequestRecord)>, RecordError> {
    let of_kind = records.iter().filter(|record| record.kind == REQUEST_KIND);
    let read = of_kind.map(|record| {
        let request = serde_json::from_str(&record.body);
        request.map(|request| (record.seq, request)).map_err(|why| RecordError::Turn { seq: record.seq, why })
    });
    read.collect()
}

/// Checks that every decision on record stands on the mode and the money that the records before it amount to.
pub fn check(records: &[Record]) -> Result<(), RecordError> {
    let mut state = None::<State>;
    for record in records.iter().filter(|record| record.kind == RECORD_KIND) {
        let event = serde_json::from_str(&record.body).map_err(GateError::from)?;
        match (&mut state, event) {
            (None, gate::GateEvent::Opened { mode, attendance, prohibitions }) => {
                state = Some(State::open(mode, attendance, prohibitions));
            }
            (None, _) => return Err(RecordError::Empty),
            (Some(state), event) => {
                if let gate::GateEvent::Decided(decision) = &event {
                    stands_on(state, decision).map_err(|why| RecordError::DoesNotFollow { seq: record.seq, why })?;
                }
                state.apply(&event).map_err(GateError::from)?;
            }
        }
    }
    state.map(drop).ok_or(RecordError::Empty)
}

fn stands_on(state: &State, decision: &gate::Decision) -> Result<(), String> {
    let funds = state.book.funds();
    let amounted = (state.mode.to_string(), (funds.spent.to_string(), funds.held.to_string()));
    let recorded = (decision.mode.clone(), decision.funds.clone());
    if amounted == recorded { Ok(()) } else { Err(format!("it stands on {recorded:?}, they amount to {amounted:?}")) }
}
