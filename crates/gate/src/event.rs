//! What the gate records, as it stands in the journal: flat, and readable by a person.
//!
//! Not here: what follows from it (that is `state`).

use crate::act::{CallId, Digest};
use ledger::Entry;
use policy::{Attendance, Consent, Grant, Mode, Prohibition};
use serde::{Deserialize, Serialize};
use serde_with::{As, DisplayFromStr};

/// One thing that happened at the gate. A session's authority and money follow from these alone, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum GateEvent {
    /// The session's authority, read once when it starts.
    Opened {
        /// The first mode.
        #[serde(with = "As::<DisplayFromStr>")]
        mode: Mode,
        /// Whether anybody can be asked.
        #[serde(with = "As::<DisplayFromStr>")]
        attendance: Attendance,
        /// What the person prohibited.
        #[serde(with = "As::<Vec<DisplayFromStr>>")]
        prohibitions: Vec<Prohibition>,
    },
    /// A person set the mode.
    ModeSet {
        /// The new mode.
        #[serde(with = "As::<DisplayFromStr>")]
        mode: Mode,
        /// Where the person spoke.
        surface: String,
    },
    /// A call was judged.
    Decided(Box<Decision>),
    /// A person answered a question.
    Answered {
        /// The call that was asked about.
        call: CallId,
        /// What was shown, or what the person edited it to.
        digest: Digest,
        /// The answer.
        #[serde(with = "As::<DisplayFromStr>")]
        consent: Consent,
        /// What a yes for the session covers.
        #[serde(with = "As::<Vec<DisplayFromStr>>")]
        grants: Vec<Grant>,
        /// Where the person spoke.
        surface: String,
    },
    /// A person took back a yes for the session.
    Revoked {
        /// What it covered.
        #[serde(with = "As::<DisplayFromStr>")]
        grant: Grant,
        /// Where the person spoke.
        surface: String,
    },
    /// A call that ran has ended.
    Ended {
        /// The call.
        call: CallId,
        /// What that does to its hold, if it has one.
        #[serde(with = "As::<Option<DisplayFromStr>>")]
        entry: Option<Entry>,
    },
    /// Something that is no call was held, or a hold was settled later.
    Posted {
        /// The hold's name.
        hold: String,
        /// The line.
        #[serde(with = "As::<DisplayFromStr>")]
        entry: Entry,
    },
}

impl GateEvent {
    /// Whether the event is synced to disk before anything follows it: holds, the endings of paid calls, mode changes.
    pub fn must_survive_power_cut(&self) -> bool {
        match self {
            GateEvent::Opened { .. } | GateEvent::ModeSet { .. } | GateEvent::Posted { .. } => true,
            GateEvent::Decided(decision) => decision.hold.is_some(),
            GateEvent::Ended { entry, .. } => entry.is_some(),
            GateEvent::Answered { .. } | GateEvent::Revoked { .. } => false,
        }
    }
}

/// One decision, with all that it stood on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// `read`, `reach`, `confined` or `change`.
    pub effect: String,
    /// The price, in words.
    pub price: String,
    /// The call in a line.
    pub summary: String,
    /// The digest of what a person would be shown.
    pub digest: Digest,
    /// The mode.
    pub mode: String,
    /// `run`, `ask` or `refuse`.
    pub outcome: String,
    /// Who decided.
    pub decided_by: String,
    /// Why, for an ask or a refusal.
    pub reason: Option<String>,
    /// What the budget had spent and held.
    pub funds: (String, String),
    /// What is held for the call that runs.
    #[serde(with = "As::<Option<DisplayFromStr>>")]
    pub hold: Option<Entry>,
}
