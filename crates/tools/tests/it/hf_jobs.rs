//! `hf_jobs`: what each call is, and what becomes of its money, against a jobs API on loopback.
//!
//! Not here: the rules themselves (those are tested in `policy` and `pricing`).

#![allow(clippy::disallowed_methods, reason = "a test serves a stand-in and runs what a job would run")]

mod catalogue;
mod judging;
mod later;
mod looking;
mod rig;
mod roles;
mod running;
mod scene;
mod schedules;
mod traps;
