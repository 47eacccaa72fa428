//! The one place that judges a tool call, records the decision, and mints the permit to run it.
//!
//! In reading order: [`act`] has what is judged and what comes back; [`permit`] the power to run one call; [`event`]
//! what is recorded; [`state`] what follows from the record; [`gate`] the judging; [`supervise`] how a run ends.
//!
//! Not here: any branch on the mode (that is `policy`), or running anything (that is `tools` and `mcp`).

pub mod act;
pub mod event;
pub mod gate;
pub mod permit;
pub mod state;
pub mod supervise;

pub use act::{Act, CallId, Digest, NotStarted, Person, Report};
pub use event::{Decision, GateEvent};
pub use gate::{
    Admission, Answer, Gate, GateError, Metered, Note, Question, RECORD_KIND, REQUEST_HOLD, Refusal, explain,
};
pub use permit::{Done, Permit};
pub use state::State;
pub use supervise::{Ended, supervise};
