//! The built program, from outside.
//!
//! Not here: what has no need of a program; that is tested beside it.

#![allow(clippy::disallowed_methods, reason = "tests start the program and look at what it left behind")]

mod attach;
mod authority;
mod beside;
mod by_hand;
mod cap;
mod cases;
mod config;
mod contract;
mod demo;
mod exit_status;
mod killed;
mod plain;
mod prices;
mod pty;
mod reliability;
mod run;
mod schema;
mod serve;
mod serve_cases;
mod serve_clients;
mod serve_events;
mod serve_once;
mod serve_people;
mod servers;
mod sessions;
mod setup;
mod spend;
mod support;
mod terminal;
mod terminal_commands;
mod token;
mod web;
mod window;
