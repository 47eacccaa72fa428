//! What crosses a process border: the events of a session and the commands to it, as JSON.
//!
//! In reading order: [`event`] has what a session says; [`command`] what it is told over its socket;
//! [`yolo`] the switch of pages and scripts; [`http`] what else crosses the server's interface.
//!
//! Not here: any logic.

pub mod command;
pub mod event;
pub mod http;
pub mod yolo;

pub use command::{Aspect, ContextPart, ControlReply, ControlRequest, Permission, ServerLine, ServerTool};
pub use event::{Doing, Event, GoingOn, Money, Refused, Spend, Status, Tokens};
pub use yolo::{BadSwitch, CapWish, YoloStatus, YoloSwitch};

/// The JSON schema of one line of `remit run --json`.
pub fn event_schema() -> serde_json::Value {
    schemars::schema_for!(Event).to_value()
}
