//! The lock that makes one program the writer of a session: an advisory lock on a file beside the database.
//!
//! Not here: what happens when the lock fails to hold (the comparison of heads in `log`).
//!
//! The kernel gives the lock up when the file is closed, also when the program is killed, so there is nothing to clean up
//! and no stale owner. The files stay: removing them would let two programs lock two files of one name. They hold the
//! owner's process id, for messages only; where a program died, its number stays there until the next owner's replaces it.

#![allow(clippy::disallowed_methods, reason = "the journal keeps its own files")]

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Being the owner of something; dropping it gives it up.
#[derive(Debug)]
pub(crate) struct Ownership {
    locked: File,
}

impl Drop for Ownership {
    /// Gives the lock up for every copy of the file's descriptor: a program that is just being started holds one until it
    /// becomes itself, and closing ours alone would leave the lock with it until then.
    fn drop(&mut self) {
        // Where it cannot be given up here, closing the file does it.
        let _ = self.locked.unlock();
    }
}

/// How a claim ended.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The caller is the owner now.
    Ours(Ownership),
    /// Somebody else is, with the process id where it could be read.
    Theirs(Option<u32>),
}

/// The folder of lock files that belongs to a database file.
pub(crate) fn folder_beside(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-owners");
    database.with_file_name(name)
}

/// Makes a folder that only its owner can enter, and those above it where they are missing.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Tries to become the owner of `name`, without waiting.
pub(crate) fn claim(folder: &Path, name: &str) -> io::Result<Claim> {
    make_private_folder(folder)?;
    let path = folder.join(name);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => {
            // A number that cannot be written (a full disk) is missing from a message, no more.
            let _ = note_pid(&mut file);
            Ok(Claim::Ours(Ownership { locked: file }))
        }
        Err(TryLockError::WouldBlock) => Ok(Claim::Theirs(read_pid(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether a program of this number runs. Where that cannot be told, it is taken to.
pub(crate) fn runs(pid: u32) -> bool {
    let all = Path::new("/proc");
    all.join(pid.to_string()).exists() || !all.join("self").exists()
}

/// Replaces what the file says by this program's process id.
fn note_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(std::process::id().to_string().as_bytes())
}

/// Reads a process id; a file that holds anything else has none.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_holds_until_it_is_dropped_and_names_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder_beside(&dir.path().join("j.db"));
        let Claim::Ours(ownership) = claim(&folder, "s").unwrap() else { panic!("nobody else is here") };
        let Claim::Theirs(pid) = claim(&folder, "s").unwrap() else { panic!("it was owned") };
        assert_eq!(pid, Some(std::process::id()));
        assert!(matches!(claim(&folder, "other").unwrap(), Claim::Ours(_)));
        drop(ownership);
        assert!(matches!(claim(&folder, "s").unwrap(), Claim::Ours(_)));
    }

    #[test]
    fn a_program_that_has_ended_does_not_run() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(runs(std::process::id()) && !runs(child.id()));
    }

    #[test]
    fn a_lock_file_full_of_something_else_names_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let Claim::Ours(_ownership) = claim(dir.path(), "s").unwrap() else { panic!("nobody else is here") };
        for text in ["", "x", "-1", "99999999999999999999", "12 13"] {
            std::fs::write(dir.path().join("s"), text).unwrap();
            let Claim::Theirs(pid) = claim(dir.path(), "s").unwrap() else { panic!("it was owned") };
            assert_eq!(pid, None, "{text:?}");
        }
    }
}
