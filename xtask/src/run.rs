//! How chores find the source tree and run other programs.
//!
//! Not here: what any chore does with them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a chore could not go on. It is read by a person and never matched on, so a sentence is all it has.
#[derive(Debug)]
pub struct Trouble(pub String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes trouble out of what was tried and what came of it.
pub fn trouble(tried: impl fmt::Display, why: impl fmt::Display) -> Trouble {
    Trouble(format!("{tried}: {why}"))
}

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a folder of the workspace").to_path_buf()
}

/// The cargo that runs this chore.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Runs a program to its end with the chore's own output; anything but success is trouble.
pub fn go(command: &mut Command) -> Result<(), Trouble> {
    let status = command.status().map_err(|why| trouble(shown(command), why))?;
    if status.success() { Ok(()) } else { Err(trouble(shown(command), status)) }
}

/// Runs a program to its end and returns what it printed; anything but success is trouble.
pub fn read(command: &mut Command) -> Result<String, Trouble> {
    let output = command.output().map_err(|why| trouble(shown(command), why))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(trouble(shown(command), format!("{}\n{}", output.status, said.trim())));
    }
    String::from_utf8(output.stdout).map_err(|why| trouble(shown(command), why))
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    format!("`{}`", words.join(" "))
}
