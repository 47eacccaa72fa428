//! The commands, one file each: its arguments, and carrying it out.
//!
//! Not here: what they share (that is beside this folder).

pub mod completions;
pub mod config;
pub mod contract;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod export;
pub mod init;
pub mod man;
pub mod mcp;
pub mod mode;
pub mod plain;
pub mod prices;
pub mod resume;
pub mod run;
pub mod schema;
pub mod serve;
pub mod sessions;
pub mod setup;
pub mod show;
pub mod spend;
pub mod standin;
pub mod terminal;
pub mod token;
pub mod verify;
