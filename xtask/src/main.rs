//! The project's chores: `cargo xtask CHORE`.
//!
//! Not here: anything that ships.
#![allow(clippy::disallowed_methods, reason = "chores read the source tree and run programs")]

mod bench;
mod run;
mod sim;
mod test;
mod tidy;

use run::Trouble;
use std::env;
use std::process::ExitCode;

/// One chore: its name, what it is for, and the function that does it with the arguments that follow its name.
struct Chore {
    name: &'static str,
    what: &'static str,
    does: fn(&[String]) -> Result<ExitCode, Trouble>,
}

/// Every chore. A new one is a line here and a file beside this one.
const CHORES: &[Chore] = &[
    Chore { name: "tidy", what: "checks the habits that ARCHITECTURE.md lists", does: tidy::chore },
    Chore { name: "test", what: "gets what the tests need and runs all of them", does: test::chore },
    Chore { name: "bench", what: "builds release and measures speed, memory and size", does: bench::chore },
    Chore { name: "sim", what: "plays random sessions against the heart: --seed S --count N", does: sim::chore },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = words.split_first() else {
        return usage();
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        eprintln!("`{name}` is no chore");
        return usage();
    };
    match (chore.does)(rest) {
        Ok(status) => status,
        Err(trouble) => {
            eprintln!("xtask {name}: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("cargo xtask CHORE, where CHORE is one of");
    for chore in CHORES {
        eprintln!("  {:<6} {}", chore.name, chore.what);
    }
    ExitCode::from(2)
}
