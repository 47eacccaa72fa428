//! The machine that was measured on, and what was measured, as far as a reader of the numbers needs it.
//!
//! Not here: numbers.

use crate::run::{read, root};
use std::fs;
use std::process::Command;

/// Where and what was measured, as pairs of a name and a value.
pub type Machine = Vec<(&'static str, String)>;

/// Looks around. What cannot be found out is said to be unknown.
pub fn look() -> Machine {
    let command = |words: &[&str]| read(Command::new(words[0]).args(&words[1..]).current_dir(root())).ok();
    let cores = std::thread::available_parallelism().map(|cores| cores.to_string()).ok();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    [
        ("date", command(&["date", "--utc", "+%Y-%m-%d"])),
        ("commit", command(&["git", "describe", "--always", "--dirty"])),
        ("processor", field("/proc/cpuinfo", "model name")),
        ("cores", cores),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("kernel", kernel),
        ("compiler", command(&["rustc", "--version"])),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())))
    .collect()
}

/// The value of the first line `name: value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'))?;
    Some(value.1.trim().to_owned())
}
