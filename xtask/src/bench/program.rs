//! What can be measured of the program without a session: how soon it answers, and how large it is.
//!
//! Not here: sessions.

use super::report::{Row, Unit};
use crate::run::{Trouble, read, trouble};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Measures `--version`, from before the start of the program until after its end.
pub fn version(binary: &Path, runs: usize) -> Result<Row, Trouble> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        read(Command::new(binary).arg("--version"))?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Row::new("`--version`", Unit::Milliseconds, &times).target(5.0))
}

/// Measures the file.
pub fn size(binary: &Path) -> Result<Row, Trouble> {
    let bytes = fs::metadata(binary).map_err(|why| trouble(binary.display(), why))?.len();
    Ok(Row::new("size of the binary", Unit::Megabytes, &[bytes as f64 / 1e6]).target(30.0))
}
