//! What can go wrong with a journal, named for what the caller can do, and how SQLite's error codes become that.
//!
//! Not here: which errors leave an append's outcome unknown (`log`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::record::SessionId;

/// The error beneath, for the chain of causes; its type is nobody's business.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no journal there, and none was to be made.
    #[error("there is no journal at `{}`", .path.display())]
    NotFound {
        /// Where one was expected.
        path: PathBuf,
    },
    /// The file is something else's.
    #[error("`{}` is not a journal; choose another file", .path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// The journal has a schema that this program does not know.
    #[error(
        "the journal `{}` was written by a newer version of this program (schema {found}, this one knows {known}); use that version",
        .path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema version found in it.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The journal has no session of that name.
    #[error("there is no session `{session}` in this journal")]
    NoSuchSession {
        /// The name asked for.
        session: SessionId,
    },
    /// A session of that name exists, so it cannot be created.
    #[error("session `{session}` exists already; resume it, or choose another name")]
    Exists {
        /// The name asked for.
        session: SessionId,
    },
    /// Another writer has the session: another program, or another part of this one.
    #[error("session `{session}` is open in {}; end it there first", owner_in_words(.pid))]
    Owned {
        /// The session.
        session: SessionId,
        /// The owner's process id, where it is known.
        pid: Option<u32>,
    },
    /// Somebody else appended to the session in spite of the ownership; nothing was written.
    #[error("session `{session}` was continued by another program after record {seq}; resume it to go on from there")]
    Conflict {
        /// The session.
        session: SessionId,
        /// The last record that this writer knows.
        seq: u64,
    },
    /// Another program kept the database locked for longer than the wait; nothing was written.
    #[error("the journal `{}` is locked by another program; gave up after {} ms", .path.display(), .waited.as_millis())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long this program waited.
        waited: Duration,
    },
    /// There was no room to write.
    #[error(
        "no room to write the journal `{}`: the disk is full, or a quota or file size limit is reached; free some space and resume",
        .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// The file or its folder may not be written.
    #[error("the journal `{}` cannot be written; check the permissions of the file and its folder", .path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
    /// What is stored is damaged.
    #[error("the journal `{}` is damaged: {why}; move it away, or restore it from a copy", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something given is larger than this journal takes; nothing was written.
    #[error("{part} has {bytes} bytes, more than the {most} that a journal takes")]
    TooLarge {
        /// What is too large: `a record's body`, `a record's kind`, `a session's header`.
        part: &'static str,
        /// Its size.
        bytes: usize,
        /// The largest size taken.
        most: usize,
    },
    /// An earlier append ended without a known outcome, so this writer no longer knows where the session ends.
    #[error(
        "session `{session}` cannot be continued here: an earlier write ended without a known outcome; resume the session"
    )]
    Poisoned {
        /// The session.
        session: SessionId,
    },
    /// Anything else; the cause says what.
    #[error("the journal `{}` failed", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: Cause,
    },
}

/// Says who has a session, for a message.
fn owner_in_words(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) if *pid == std::process::id() => "this program already".to_owned(),
        Some(pid) => format!("another program (pid {pid})"),
        None => "another program".to_owned(),
    }
}

/// Extended SQLite codes that say more than their lowest byte does; from <https://www.sqlite.org/rescode.html>.
mod extended {
    /// A read ended before the page did: the file was cut.
    pub const IOERR_SHORT_READ: i32 = 522;
    /// A write failed for a reason other than `ENOSPC`: a quota or a file size limit, rarely the medium.
    pub const IOERR_WRITE: i32 = 778;
    /// The shared-memory file could not grow.
    pub const IOERR_SHMSIZE: i32 = 4874;
    /// A page's checksum was wrong.
    pub const IOERR_DATA: i32 = 8202;
    /// The file system says it is damaged.
    pub const IOERR_CORRUPTFS: i32 = 8458;
}

/// Turns an error of the driver into one that says what to do.
pub(crate) fn from_sqlx(path: &Path, waited: Duration, error: sqlx::Error) -> JournalError {
    let path = path.to_owned();
    match error {
        sqlx::Error::Io(error) => from_io(&path, error),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            JournalError::Corrupt { path, why: format!("a stored value cannot be read ({error})") }
        }
        sqlx::Error::Database(ref database) => {
            let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0);
            match (code, code & 0xff) {
                (extended::IOERR_WRITE | extended::IOERR_SHMSIZE, _) | (_, 13) => {
                    JournalError::Full { path, source: error.into() }
                }
                (extended::IOERR_SHORT_READ | extended::IOERR_DATA | extended::IOERR_CORRUPTFS, _) | (_, 11 | 26) => {
                    JournalError::Corrupt { path, why: database.message().to_owned() }
                }
                (_, 5 | 6) => JournalError::Locked { path, waited },
                (_, 3 | 8 | 14) => JournalError::NotWritable { path, source: error.into() },
                _ => JournalError::Other { path, source: error.into() },
            }
        }
        error => JournalError::Other { path, source: error.into() },
    }
}

/// Turns an error of the file system into one that says what to do.
pub(crate) fn from_io(path: &Path, error: std::io::Error) -> JournalError {
    use std::io::ErrorKind;
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound => JournalError::NotFound { path },
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists => JournalError::NotWritable { path, source: error.into() },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            JournalError::Full { path, source: error.into() }
        }
        ErrorKind::IsADirectory => JournalError::NotAJournal { path },
        _ => JournalError::Other { path, source: error.into() },
    }
}
