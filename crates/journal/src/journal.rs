//! A journal: opening it, creating and resuming sessions, reading their records.
//!
//! Not here: appending (`log`) and checking the chain (`verify`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::{JournalError, from_io};
use crate::log::{Log, check_size};
use crate::owner::{self, Claim, Ownership};
use crate::record::{ChainHash, Durability, Head, MAX_ABOUT_BYTES, MAX_TITLE_BYTES, Record, SessionId, SessionRow};
pub use crate::store::IfMissing;
use crate::store::{Store, Turn};

/// How long [`Journal::open`] lets an operation wait for a database that another program has locked.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// How often, and how far apart, a lock is tried for whose owner has ended: two seconds in all.
const INHERITED_LOOKS: u32 = 100;
const INHERITED_PAUSE: Duration = Duration::from_millis(20);

/// A page of records ends early once its bodies have so many bytes.
const PAGE_BYTES: usize = 16 << 20;

/// A file of session records; cheap to clone, and all clones share one connection.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Arc<Store>,
}

/// A session's header and head, as stored.
pub(crate) struct Stored {
    pub(crate) created_at_ms: i64,
    pub(crate) about: String,
    pub(crate) head: Head,
}

impl Journal {
    /// Opens the journal in a file.
    ///
    /// Making one makes its folder too (0700; the file is 0600), and a folder of lock files beside it. Nothing else is made.
    pub async fn open(path: &Path, if_missing: IfMissing) -> Result<Journal, JournalError> {
        Journal::open_waiting(path, if_missing, DEFAULT_WAIT).await
    }

    /// Opens the journal in a file, with a wait of one's own for a locked database.
    pub async fn open_waiting(path: &Path, if_missing: IfMissing, wait: Duration) -> Result<Journal, JournalError> {
        let store = Store::open(path, if_missing, wait).await?;
        Ok(Journal { store: Arc::new(store) })
    }

    /// The database file, with the links on the way to it followed.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Closes the file and waits until it is closed; using this journal, a clone or a log of it again reopens it.
    ///
    /// Dropping the last of them closes the file too, a moment later.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.store.close().await
    }

    /// Creates a session and becomes its owner; `about` is its header, usually JSON.
    ///
    /// The session is committed, not synced: the first synced append makes it durable too.
    pub async fn create(&self, session: &SessionId, at_ms: i64, about: &str) -> Result<Log, JournalError> {
        check_size("a session's header", about, MAX_ABOUT_BYTES)?;
        let ownership = match self.claim(session) {
            Err(JournalError::Owned { session, pid }) => {
                return Err(match self.session(&session).await {
                    Ok(_) => JournalError::Exists { session },
                    Err(JournalError::NoSuchSession { session }) => JournalError::Owned { session, pid },
                    Err(error) => error,
                });
            }
            claimed => claimed?,
        };
        let head = Head { seq: 0, hash: ChainHash::start(session, at_ms, about) };
        let row = SessionRow {
            id: session.clone(),
            created_at_ms: at_ms,
            updated_at_ms: at_ms,
            records: 0,
            about: about.to_owned(),
            title: None,
        };
        let mut turn = self.store.turn().await?;
        match insert_session(&mut turn, &row, head).await {
            Ok(Inserted::Yes) => turn.keep(),
            Ok(Inserted::ThereAlready) => {
                turn.close().await;
                return Err(JournalError::Exists { session: session.clone() });
            }
            Err(error) => {
                turn.close().await;
                return Err(self.store.fault(error));
            }
        }
        Ok(Log::new(Arc::clone(&self.store), session.clone(), head, ownership))
    }

    /// Becomes the owner of a session, to continue it where it ends.
    ///
    /// The last record is compared with the head; the rest of the chain is `verify`'s. The end is read as a writer, so a
    /// database that another program keeps locked is `Locked`, and one that cannot be written is `NotWritable`.
    pub async fn resume(&self, session: &SessionId) -> Result<Log, JournalError> {
        // Looked up first, so that a name nobody has leaves no lock file; the head is read again under the lock.
        self.session(session).await?;
        let ownership = self.claim_from_the_dead(session).await?;
        let mut turn = self.store.turn().await?;
        let (stored, last) = match read_end(&mut turn, session).await {
            Ok(end) => {
                turn.keep();
                end
            }
            Err(error) => {
                turn.close().await;
                return Err(self.store.fault(error));
            }
        };
        let found = match last {
            None => Head { seq: 0, hash: ChainHash::start(session, stored.created_at_ms, &stored.about) },
            Some(last) => Head { seq: last.seq, hash: last.prev.next(last.seq, &last.draft()) },
        };
        if found != stored.head {
            let why = format!("the end of session `{session}` does not fit its last record; verify the session");
            return Err(self.store.corrupt(why));
        }
        Ok(Log::new(Arc::clone(&self.store), session.clone(), found, ownership))
    }

    /// Reads the records after number `after`, in order: at most `limit`, and fewer where their bodies are large.
    ///
    /// An empty answer is the end of the session. Ask on with the last number that was given.
    pub async fn records(&self, session: &SessionId, after: u64, limit: usize) -> Result<Vec<Record>, JournalError> {
        let page = self.page(session, after, limit).await?;
        let records = page.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| self.store.fault(error))?;
        if records.is_empty() {
            self.session(session).await?;
        }
        Ok(records)
    }

    /// Lists the sessions, the one written to last first.
    pub async fn sessions(&self) -> Result<Vec<SessionRow>, JournalError> {
        let sql = "SELECT s.id, s.created_at_ms, h.updated_at_ms, h.seq, s.about, t.title \
                   FROM sessions s LEFT JOIN heads h ON h.session = s.id LEFT JOIN titles t ON t.session = s.id \
                   ORDER BY h.updated_at_ms DESC, s.created_at_ms DESC, s.id DESC";
        let mut turn = self.store.turn().await?;
        let rows = sqlx::query(sql).try_map(|row| read_session(&row)).fetch_all(turn.conn()).await;
        turn.keep();
        rows.map_err(|error| self.store.fault(error))
    }

    /// Looks up one session.
    pub async fn session(&self, session: &SessionId) -> Result<SessionRow, JournalError> {
        let sql = "SELECT s.id, s.created_at_ms, h.updated_at_ms, h.seq, s.about, t.title \
                   FROM sessions s LEFT JOIN heads h ON h.session = s.id LEFT JOIN titles t ON t.session = s.id \
                   WHERE s.id = $1";
        let mut turn = self.store.turn().await?;
        let query = sqlx::query(sql).bind(session.as_str());
        let row = query.try_map(|row| read_session(&row)).fetch_optional(turn.conn()).await;
        turn.keep();
        let row = row.map_err(|error| self.store.fault(error))?;
        row.ok_or_else(|| JournalError::NoSuchSession { session: session.clone() })
    }

    /// Gives a session a title, in the place of any that it had. Its record is not touched.
    pub async fn rename(&self, session: &SessionId, title: &str) -> Result<(), JournalError> {
        check_size("a session's title", title, MAX_TITLE_BYTES)?;
        self.session(session).await?;
        let sql = "INSERT INTO titles (session, title) VALUES ($1, $2) ON CONFLICT (session) DO UPDATE SET title = $2";
        let mut turn = self.store.turn().await?;
        let renamed = sqlx::query(sql).bind(session.as_str()).bind(title).execute(turn.conn()).await;
        turn.keep();
        renamed.map(drop).map_err(|error| self.store.fault(error))
    }

    /// Takes a session away with its whole record, for good. One that a program owns is `Owned`, and stays.
    pub async fn delete(&self, session: &SessionId) -> Result<(), JournalError> {
        self.session(session).await?;
        let _ownership = self.claim_from_the_dead(session).await?;
        let mut turn = self.store.turn().await?;
        match delete_session(&mut turn, session).await {
            Ok(()) => {
                turn.keep();
                Ok(())
            }
            Err(error) => {
                turn.close().await;
                Err(self.store.fault(error))
            }
        }
    }

    /// The file and the connection, for the modules beside this one.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Reads a session's header and head.
    pub(crate) async fn stored(&self, session: &SessionId) -> Result<Stored, JournalError> {
        let mut turn = self.store.turn().await?;
        let stored = read_header(&mut turn, session).await;
        turn.keep();
        let stored = stored.map_err(|error| self.store.fault(error))?;
        stored.ok_or_else(|| JournalError::NoSuchSession { session: session.clone() })
    }

    /// Reads records up to the limits, or up to the first that cannot be read, which ends the page as an error.
    pub(crate) async fn page(
        &self,
        session: &SessionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Result<Record, sqlx::Error>>, JournalError> {
        let sql = "SELECT seq, at_ms, kind, body, prev, hash FROM records \
                   WHERE session = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let mut turn = self.store.turn().await?;
        let mut page = Vec::new();
        let mut bytes = 0;
        {
            let mut rows = sqlx::query(sql)
                .bind(session.as_str())
                .bind(i64::try_from(after).unwrap_or(i64::MAX))
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch(turn.conn());
            while bytes < PAGE_BYTES {
                let record = match rows.try_next().await {
                    Ok(None) => break,
                    Ok(Some(row)) => read_record(&row),
                    Err(error) => Err(error),
                };
                let ends_here = record.is_err();
                bytes += record.as_ref().map_or(0, |record| record.body.len());
                page.push(record);
                if ends_here {
                    break;
                }
            }
        }
        turn.keep();
        Ok(page)
    }

    /// Becomes the owner of a name, waiting a moment for a lock whose owner has ended.
    ///
    /// A program that is killed just as it starts another one leaves its lock with that one until it has loaded its file.
    async fn claim_from_the_dead(&self, session: &SessionId) -> Result<Ownership, JournalError> {
        for _ in 0..INHERITED_LOOKS {
            match self.claim(session) {
                Err(JournalError::Owned { pid: Some(pid), .. }) if !owner::runs(pid) => {
                    tokio::time::sleep(INHERITED_PAUSE).await;
                }
                claimed => return claimed,
            }
        }
        self.claim(session)
    }

    /// Becomes the owner of a name, whether or not there is such a session.
    fn claim(&self, session: &SessionId) -> Result<Ownership, JournalError> {
        let folder = owner::folder_beside(self.store.path());
        match owner::claim(&folder, session.as_str()).map_err(|error| from_io(&folder, error))? {
            Claim::Ours(ownership) => Ok(ownership),
            Claim::Theirs(pid) => Err(JournalError::Owned { session: session.clone(), pid }),
        }
    }
}

/// Whether a session was new.
enum Inserted {
    Yes,
    ThereAlready,
}

/// Writes a new session's rows in one transaction, which may still be open on any other outcome than `Yes`.
async fn insert_session(turn: &mut Turn<'_>, row: &SessionRow, head: Head) -> Result<Inserted, sqlx::Error> {
    turn.set_durability(Durability::Committed).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(turn.conn()).await?;
    let sql = "INSERT INTO sessions (id, created_at_ms, about) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let session = sqlx::query(sql).bind(row.id.as_str()).bind(row.created_at_ms).bind(row.about.as_str());
    if session.execute(turn.conn()).await?.rows_affected() == 0 {
        return Ok(Inserted::ThereAlready);
    }
    sqlx::query("INSERT INTO heads (session, seq, hash, updated_at_ms) VALUES ($1, $2, $3, $4)")
        .bind(row.id.as_str())
        .bind(head.seq as i64)
        .bind(head.hash.as_bytes().as_slice())
        .bind(row.updated_at_ms)
        .execute(turn.conn())
        .await?;
    sqlx::query("COMMIT").execute(turn.conn()).await?;
    Ok(Inserted::Yes)
}

/// Deletes all rows of a session in one transaction, which may still be open on an error.
async fn delete_session(turn: &mut Turn<'_>, session: &SessionId) -> Result<(), sqlx::Error> {
    turn.set_durability(Durability::Synced).await?;
    sqlx::query("BEGIN IMMEDIATE").execute(turn.conn()).await?;
    for sql in [
        "DELETE FROM records WHERE session = $1",
        "DELETE FROM heads WHERE session = $1",
        "DELETE FROM titles WHERE session = $1",
        "DELETE FROM sessions WHERE id = $1",
    ] {
        sqlx::query(sql).bind(session.as_str()).execute(turn.conn()).await?;
    }
    sqlx::query("COMMIT").execute(turn.conn()).await?;
    Ok(())
}

/// Reads a session's header and head, and its record with the highest number, none of which can change meanwhile.
///
/// It takes the lock of a writer, although it only reads: a commit of ours whose caller went away may still be under way on
/// a connection that is being closed, and what it writes belongs to the end.
async fn read_end(turn: &mut Turn<'_>, session: &SessionId) -> Result<(Stored, Option<Record>), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(turn.conn()).await?;
    let stored = read_header(turn, session).await?.ok_or(sqlx::Error::RowNotFound)?;
    let sql = "SELECT seq, at_ms, kind, body, prev, hash FROM records WHERE session = $1 ORDER BY seq DESC LIMIT 1";
    let last = sqlx::query(sql).bind(session.as_str()).try_map(|row| read_record(&row));
    let last = last.fetch_optional(turn.conn()).await?;
    sqlx::query("ROLLBACK").execute(turn.conn()).await?;
    Ok((stored, last))
}

/// Reads a session's header and head; `None` where there is no such session.
async fn read_header(turn: &mut Turn<'_>, session: &SessionId) -> Result<Option<Stored>, sqlx::Error> {
    let sql = "SELECT s.created_at_ms, s.about, h.seq, h.hash \
               FROM sessions s LEFT JOIN heads h ON h.session = s.id WHERE s.id = $1";
    let query = sqlx::query(sql).bind(session.as_str());
    query.try_map(|row| read_stored(&row)).fetch_optional(turn.conn()).await
}

/// Reads `seq, at_ms, kind, body, prev, hash`.
fn read_record(row: &SqliteRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        seq: read_count(row, 0)?,
        at_ms: row.try_get(1)?,
        kind: row.try_get(2)?,
        body: row.try_get(3)?,
        prev: read_hash(row, 4)?,
        hash: read_hash(row, 5)?,
    })
}

/// Reads `id, created_at_ms, updated_at_ms, seq, about, title`.
fn read_session(row: &SqliteRow) -> Result<SessionRow, sqlx::Error> {
    let id: String = row.try_get(0)?;
    Ok(SessionRow {
        id: id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        created_at_ms: row.try_get(1)?,
        updated_at_ms: row.try_get(2)?,
        records: read_count(row, 3)?,
        about: row.try_get(4)?,
        title: row.try_get(5)?,
    })
}

/// Reads `created_at_ms, about, seq, hash`.
fn read_stored(row: &SqliteRow) -> Result<Stored, sqlx::Error> {
    let head = Head { seq: read_count(row, 2)?, hash: read_hash(row, 3)? };
    Ok(Stored { created_at_ms: row.try_get(0)?, about: row.try_get(1)?, head })
}

/// Reads a number that is never negative.
pub(crate) fn read_count(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Reads a hash.
pub(crate) fn read_hash(row: &SqliteRow, column: usize) -> Result<ChainHash, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    ChainHash::from_bytes(bytes).ok_or_else(|| sqlx::Error::Decode("a hash does not have 32 bytes".into()))
}
