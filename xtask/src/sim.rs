//! `cargo xtask sim`: plays random sessions against the real gate, ledger and journal, as many as asked for.
//!
//! Not here: the sessions (that is the machine in `crates/gate/tests/it/machine.rs`). A failure prints its seed.

use crate::run::{Trouble, cargo, trouble};
use std::process::ExitCode;

/// How many are played when nobody says.
const COUNT: &str = "1000000";

/// Plays sessions: `--seed S` chooses them, `--count N` says how many.
pub fn chore(args: &[String]) -> Result<ExitCode, Trouble> {
    let (mut seed, mut count) = ("1".to_owned(), COUNT.to_owned());
    for pair in args.chunks(2) {
        match pair {
            [name, value] if name == "--seed" && value.parse::<u64>().is_ok() => seed = value.clone(),
            [name, value] if name == "--count" && value.parse::<u64>().is_ok() => count = value.clone(),
            other => return Err(trouble(format!("`{}`", other.join(" ")), "write `--seed NUMBER --count NUMBER`")),
        }
    }
    println!("sim: {count} sessions from seed {seed}");
    let mut machine = cargo();
    machine.args(["test", "--release", "-p", "gate", "--test", "it", "machine"]);
    machine.env("REMIT_SIM_SEED", &seed).env("REMIT_SIM_COUNT", &count);
    let status = machine.status().map_err(|why| trouble("cargo test", why))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
