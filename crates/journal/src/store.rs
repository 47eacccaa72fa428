//! The one connection to the database: making the file, connecting, taking turns.
//!
//! Not here: what is read and written through it (`log`, `journal`, `verify`).
//!
//! One connection serves a whole journal, behind a fair mutex: SQLite has one writer anyway, a connection costs a thread, and
//! reads are paged so that no turn is long. A pool was rejected for its threads and its time to open. Whoever fails or is
//! dropped in the middle of a turn does not put the connection back: closing it is what rolls back, and the next turn opens
//! a new one.

#![allow(clippy::disallowed_methods, reason = "the journal keeps its own files")]

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{JournalError, from_io, from_sqlx};
use crate::owner::{self, Claim, Ownership};
use crate::record::Durability;
use crate::schema;

/// How long a program waits between two looks at whether another one has made the file.
const CREATION_PAUSE: Duration = Duration::from_millis(5);
/// Rows that the driver reads ahead; few, since a row can be large.
const ROWS_AHEAD: usize = 16;

/// What to do where there is no journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// Make one, and its folder.
    Create,
    /// Answer `NotFound`, and make nothing.
    Refuse,
}

/// A journal's file and the connection to it.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    wait: Duration,
    slot: Mutex<Option<Lane>>,
}

/// A connection, and the durability that its next commit will have.
#[derive(Debug)]
struct Lane {
    conn: SqliteConnection,
    durability: Durability,
}

/// The right to use the connection; dropped without `keep`, it closes the connection and so rolls back.
#[must_use = "a turn that is not kept closes the connection"]
pub(crate) struct Turn<'a> {
    slot: MutexGuard<'a, Option<Lane>>,
    lane: Lane,
}

/// What a database file holds.
enum Contents {
    Nothing,
    Journal,
    /// One that an earlier version of this program made.
    JournalOf1,
}

impl Store {
    /// Opens the database, making it where that is asked.
    pub(crate) async fn open(path: &Path, if_missing: IfMissing, wait: Duration) -> Result<Store, JournalError> {
        let path = settle_path(path, if_missing)?;
        let store = Store { path, wait, slot: Mutex::new(None) };
        let lane = match (store.find().await?, if_missing) {
            (Some(lane), _) => lane,
            (None, IfMissing::Create) => store.make().await?,
            (None, IfMissing::Refuse) => return Err(JournalError::NotFound { path: store.path }),
        };
        *store.slot.lock().await = Some(lane);
        Ok(store)
    }

    /// The database file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the connection, opening one if there is none.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, JournalError> {
        let mut slot = self.slot.lock().await;
        let lane = match slot.take() {
            Some(lane) => lane,
            None => self.connect().await?,
        };
        Ok(Turn { slot, lane })
    }

    /// Closes the connection and waits until the file is closed; the next turn opens a new one.
    pub(crate) async fn close(&self) -> Result<(), JournalError> {
        match self.slot.lock().await.take() {
            Some(lane) => lane.conn.close().await.map_err(|error| self.fault(error)),
            None => Ok(()),
        }
    }

    /// Says what an error of the driver means for this file.
    pub(crate) fn fault(&self, error: sqlx::Error) -> JournalError {
        from_sqlx(&self.path, self.wait, error)
    }

    /// Says that what is stored is damaged.
    pub(crate) fn corrupt(&self, why: impl Into<String>) -> JournalError {
        JournalError::Corrupt { path: self.path.clone(), why: why.into() }
    }

    /// Opens an existing journal; `None` where there is no file, or an empty one.
    async fn find(&self) -> Result<Option<Lane>, JournalError> {
        match fs::metadata(&self.path) {
            Ok(meta) if meta.is_dir() => return Err(JournalError::NotAJournal { path: self.path.clone() }),
            Ok(meta) if meta.len() == 0 => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(from_io(&self.path, error)),
        }
        let mut lane = self.connect().await?;
        match self.contents(&mut lane).await? {
            Contents::Nothing => Ok(None),
            found @ (Contents::Journal | Contents::JournalOf1) => {
                if let Contents::JournalOf1 = found {
                    self.run(&mut lane, schema::FROM_1).await?;
                }
                // Nearly always a question only: the mode is kept in the file.
                self.run(&mut lane, "PRAGMA journal_mode = WAL").await?;
                Ok(Some(lane))
            }
        }
    }

    /// Makes the file and its tables, unless somebody else has made them meanwhile.
    ///
    /// A lock of our own orders the programs that do this at once: SQLite does not wait for others while it switches a
    /// file to write-ahead logging. Under that lock it is also safe to open and close the new file outside SQLite, which
    /// would otherwise drop the locks that other connections of this program have on it.
    async fn make(&self) -> Result<Lane, JournalError> {
        let _creating = self.creation_lock().await?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(_) => self.sync_folder()?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(from_io(&self.path, error)),
        }
        let mut lane = self.connect().await?;
        if let Contents::Nothing = self.contents(&mut lane).await? {
            self.run(&mut lane, "PRAGMA journal_mode = WAL").await?;
            self.run(&mut lane, schema::CREATE).await?;
        }
        Ok(lane)
    }

    /// Becomes the only program that makes this file; others wait as long as they would for a locked database.
    async fn creation_lock(&self) -> Result<Ownership, JournalError> {
        let folder = owner::folder_beside(&self.path);
        let started = Instant::now();
        loop {
            // No session can have this name: a session's name has no dot.
            match owner::claim(&folder, ".creation").map_err(|error| from_io(&folder, error))? {
                Claim::Ours(ownership) => return Ok(ownership),
                Claim::Theirs(_) if started.elapsed() >= self.wait => {
                    return Err(JournalError::Locked { path: self.path.clone(), waited: self.wait });
                }
                Claim::Theirs(_) => tokio::time::sleep(CREATION_PAUSE).await,
            }
        }
    }

    /// Syncs the folder, so that a power cut does not lose the file's name.
    fn sync_folder(&self) -> Result<(), JournalError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| from_io(folder, error))
    }

    /// Opens a connection to the file, which exists.
    async fn connect(&self) -> Result<Lane, JournalError> {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .busy_timeout(self.wait)
            .synchronous(SqliteSynchronous::Full)
            // The file may come from anywhere: run nothing it brings, and look at its pages before trusting them.
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            // After a large body, the log shrinks again to this at the next checkpoint.
            .pragma("journal_size_limit", "8388608")
            .row_buffer_size(ROWS_AHEAD)
            .thread_name(|_| "journal".to_owned())
            .disable_statement_logging();
        let conn = options.connect().await.map_err(|error| self.fault(error))?;
        Ok(Lane { conn, durability: Durability::Synced })
    }

    /// Looks at what the file holds; anything that this program must not touch is an error.
    async fn contents(&self, lane: &mut Lane) -> Result<Contents, JournalError> {
        let marks = "SELECT application_id, user_version, (SELECT COUNT(*) FROM sqlite_schema) \
                     FROM pragma_application_id, pragma_user_version";
        let row = sqlx::query(marks).fetch_one(&mut lane.conn).await.map_err(|error| self.fault(error))?;
        let mark = |index: usize| row.try_get::<i64, _>(index).map_err(|error| self.fault(error));
        let path = self.path.clone();
        match (mark(0)?, mark(1)?, mark(2)?) {
            (0, 0, 0) => Ok(Contents::Nothing),
            (schema::APPLICATION_ID, schema::VERSION, _) => Ok(Contents::Journal),
            (schema::APPLICATION_ID, 1, _) => Ok(Contents::JournalOf1),
            (schema::APPLICATION_ID, found, _) if found > schema::VERSION => {
                Err(JournalError::NewerSchema { path, found, known: schema::VERSION })
            }
            _ => Err(JournalError::NotAJournal { path }),
        }
    }

    /// Runs statements that answer nothing of interest.
    async fn run(&self, lane: &mut Lane, sql: &'static str) -> Result<(), JournalError> {
        sqlx::raw_sql(sql).execute(&mut lane.conn).await.map(drop).map_err(|error| self.fault(error))
    }
}

impl Turn<'_> {
    /// The connection.
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.lane.conn
    }

    /// Sets what the next commit survives.
    ///
    /// In write-ahead mode FULL syncs the log at each commit, and with it everything committed before; NORMAL syncs only
    /// at a checkpoint. Switching one connection costs a few microseconds where the durability changes; a second connection
    /// would cost a thread and a cache. The statement is never a prepared one: SQLite carries it out while it compiles it,
    /// so a cached one would do nothing.
    pub(crate) async fn set_durability(&mut self, durability: Durability) -> Result<(), sqlx::Error> {
        if self.lane.durability == durability {
            return Ok(());
        }
        let sql = match durability {
            Durability::Synced => "PRAGMA synchronous = FULL",
            Durability::Committed => "PRAGMA synchronous = NORMAL",
        };
        sqlx::raw_sql(sql).execute(self.conn()).await?;
        self.lane.durability = durability;
        Ok(())
    }

    /// Ends the turn and keeps the connection, which has no open transaction, for the next one.
    pub(crate) fn keep(mut self) {
        *self.slot = Some(self.lane);
    }

    /// Ends the turn and closes the connection, which rolls back what is open.
    pub(crate) async fn close(self) {
        // The error that led here is the one to report.
        let _ = self.lane.conn.close().await;
    }
}

/// Finds the one path that all who open this file will use, whatever links led them to it, making the folder if asked.
fn settle_path(path: &Path, if_missing: IfMissing) -> Result<PathBuf, JournalError> {
    let Some(name) = path.file_name() else {
        return Err(JournalError::NotAJournal { path: path.to_owned() });
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if if_missing == IfMissing::Create {
        owner::make_private_folder(folder).map_err(|error| from_io(folder, error))?;
    }
    match fs::canonicalize(path) {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::canonicalize(folder) {
            Ok(folder) => Ok(folder.join(name)),
            Err(error) => Err(from_io(path, error)),
        },
        Err(error) => Err(from_io(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn synchronous(turn: &mut Turn<'_>) -> i64 {
        sqlx::query_scalar("PRAGMA synchronous").persistent(false).fetch_one(turn.conn()).await.unwrap()
    }

    #[tokio::test]
    async fn the_durability_asked_for_is_what_sqlite_has_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("j.db"), IfMissing::Create, Duration::ZERO).await.unwrap();
        let mut turn = store.turn().await.unwrap();
        for (durability, expected) in [
            (Durability::Synced, 2),
            (Durability::Committed, 1),
            (Durability::Synced, 2),
            (Durability::Committed, 1),
            (Durability::Committed, 1),
        ] {
            turn.set_durability(durability).await.unwrap();
            assert_eq!(synchronous(&mut turn).await, expected, "{durability:?}");
        }
        turn.keep();
    }

    #[tokio::test]
    async fn a_turn_that_is_not_kept_leaves_no_transaction_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("j.db"), IfMissing::Create, Duration::from_secs(30)).await.unwrap();
        let mut turn = store.turn().await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE; INSERT INTO sessions VALUES ('s', 0, '')").execute(turn.conn()).await.unwrap();
        drop(turn);
        let mut turn = store.turn().await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(turn.conn()).await.unwrap();
        let sessions: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sessions").fetch_one(turn.conn()).await.unwrap();
        assert_eq!(sessions, 0);
        turn.close().await;
    }

    #[tokio::test]
    async fn the_file_is_in_write_ahead_mode() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("j.db"), IfMissing::Create, Duration::ZERO).await.unwrap();
        let mut turn = store.turn().await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(turn.conn()).await.unwrap();
        assert_eq!(mode, "wal");
        turn.keep();
    }
}
