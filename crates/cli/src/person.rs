//! Vouching for the person at the command line: the one place of this program that makes a [`Person`].
//!
//! Not here: what they may do with it.
//!
//! The agent's own shell can start `remit` too. So whoever changes authority or answers must not descend from a Remit
//! run; the kernel says who does, not a token that a child could find.

use crate::failure::Failure;
use gate::Person;
use host::authority::{Lineage, Peer};
use std::os::fd::AsFd;

/// The person who typed this command, or a refusal when a Remit run started it.
pub fn at_the_command_line() -> Result<Person, Failure> {
    started_by_a_person("command line")
}

/// The person at the keys of the terminal that this program has taken over, or a refusal when a Remit run started it.
pub fn at_the_terminal() -> Result<Person, Failure> {
    started_by_a_person("terminal")
}

fn started_by_a_person(surface: &str) -> Result<Person, Failure> {
    match host::authority::lineage() {
        Lineage::Clear => Ok(Person::at(surface)),
        Lineage::BelowRun { run } => Err(Failure::user(anyhow::anyhow!(
            "this was started by a Remit run (process {run}), and only a person may do this"
        ))
        .hint("type it in a terminal of your own")),
        Lineage::Unknowable(why) => Err(Failure::host(anyhow::anyhow!(
            "it cannot be told whether a Remit run started this ({why}), so it is refused"
        ))
        .hint("only a person may do this, in a terminal that no run started; /proc has to be readable")),
    }
}

/// The person at the other end of a session's socket, unless it is a child of a Remit run.
pub fn at_the_socket(socket: impl AsFd) -> Option<Person> {
    match host::authority::peer(socket) {
        Peer::Person => Some(Person::at("control socket")),
        Peer::Child => None,
    }
}

/// Whether a session's socket is answered by a Remit run, and not by a child that took its place.
pub fn is_answered_by_a_run(socket: impl AsFd) -> bool {
    host::authority::is_a_run_at(socket)
}
