//! Tests of sessions through their public face: a real journal, real tools in a real git workspace, real servers on
//! loopback, and a model that plays a script.
//!
//! Not here: the parts that are pure (`policy`, `turn`), or what one tool does (`tools`, `mcp`).

#![allow(clippy::disallowed_methods, reason = "tests look at files, start programs and break databases")]

mod asked;
mod commands;
mod compacting;
mod crashes;
mod failures;
mod floods;
mod hostile;
mod jobs;
mod looking;
mod modes;
mod overlap;
mod paid;
mod reconciling;
mod replies;
mod server;
mod servers;
mod shells;
mod stage;
mod stopping;
mod tokens;
mod turns;
mod unattended;
