//! What a person has sent on other days, for the history of the place where they write.
//!
//! Not here: searching it (that is `tui`).

use crate::paths::Paths;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;

/// How many texts are handed to the screen.
const MOST: usize = 1_000;
/// How much of the file's end is looked at, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The texts that were sent last, the oldest first; none where they cannot be read.
pub fn kept(paths: &Paths) -> Vec<String> {
    let read = || -> std::io::Result<String> {
        let mut file = OpenOptions::new().read(true).open(paths.sent())?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(MOST_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    // A line that was cut off, at either end, is no text.
    let texts: Vec<String> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let from = texts.len().saturating_sub(MOST);
    texts.into_iter().skip(from).collect()
}

/// Keeps a text, in a file that only its person can read.
pub fn keep(paths: &Paths, text: &str) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(text)?;
    line.push(b'\n');
    // One write, so that two programs do not write into each other's lines.
    OpenOptions::new().append(true).create(true).mode(0o600).open(paths.sent())?.write_all(&line)
}
