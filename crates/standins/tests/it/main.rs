//! Drives each stand-in as its clients do: a process of its own, over a socket or a pipe.
//!
//! Not here: the small laws of each part, which are tested beside them.
#![allow(clippy::disallowed_methods, reason = "a test of programs starts them and looks at their files")]

mod forge;
mod jobs;
mod model;
mod official_client;
mod started;
