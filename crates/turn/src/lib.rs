//! The conversation as a pure machine: events in, wants out.
//!
//! In reading order: [`chat`] has what a conversation is made of; [`turn`] the machine; [`context`] what a model is shown
//! and how a full context is made smaller.
//!
//! Not here: running anything, or deciding whether it may run. The machine can only *want*.

pub mod chat;
pub mod context;
pub mod turn;

pub use turn::{Ending, Limits, Measured, Turn, TurnEvent, Want};
