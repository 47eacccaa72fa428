//! The tools against a real file system, real git and real servers on loopback, each call through a real gate.

#![allow(clippy::disallowed_methods, reason = "tests make the world that the tools look at")]

mod calls;
mod changing;
mod fetching;
mod hf_jobs;
mod history;
mod reading;
mod shell_law;
mod shell_lines;
mod shell_runs;
mod stage;
