//! The writer of a session: appends batches of records, each whole or not at all.
//!
//! Not here: how a writer comes to be (`journal`), and reading.

use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Either, Executor, Sqlite};

use crate::error::JournalError;
use crate::owner::Ownership;
use crate::record::{ChainHash, Draft, Durability, Head, MAX_BODY_BYTES, MAX_KIND_BYTES, SessionId};
use crate::store::{Store, Turn};

/// Records that one statement inserts; a longer batch takes several statements in its one transaction.
const ROWS_PER_INSERT: usize = 16;

/// The one writer of a session; dropping it gives the session up.
///
/// It cannot be cloned, and its methods take it mutably, so that appends have an order.
#[derive(Debug)]
pub struct Log {
    store: Arc<Store>,
    session: SessionId,
    head: Head,
    soundness: Soundness,
    _ownership: Ownership,
}

/// Whether the head that a writer knows is the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Soundness {
    Sound,
    Poisoned,
}

/// Why a batch was not written.
enum Stopped {
    /// Before the commit: nothing is stored.
    Before(sqlx::Error),
    /// The stored head is another one: nothing is stored.
    Conflict,
    /// At the commit: it may be stored or not.
    AtCommit(sqlx::Error),
}

/// Records on their way into the database.
struct Batch<'a> {
    session: &'a SessionId,
    from: Head,
    drafts: &'a [Draft<'a>],
    /// The head after each draft.
    heads: &'a [Head],
    durability: Durability,
}

impl Log {
    /// Makes a writer from what its opening found.
    pub(crate) fn new(store: Arc<Store>, session: SessionId, head: Head, ownership: Ownership) -> Log {
        Log { store, session, head, soundness: Soundness::Sound, _ownership: ownership }
    }

    /// The session that this writes.
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// The end of the session, as of the last append that succeeded.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Says whether every later append will fail with `Poisoned`.
    pub fn is_poisoned(&self) -> bool {
        self.soundness == Soundness::Poisoned
    }

    /// Appends records, all of them or none, and returns the new head once they have the durability asked for.
    ///
    /// Inside the transaction the stored head must be this writer's, else nothing is written and the error is `Conflict`.
    /// An error of the commit itself leaves open whether the records are stored, as does dropping this future before it
    /// ends; the writer is then poisoned: every later append fails with `Poisoned`, and resuming the session finds out. After
    /// any other error nothing was stored and the writer can be used again. An empty batch writes nothing and syncs nothing.
    pub async fn append(&mut self, drafts: &[Draft<'_>], durability: Durability) -> Result<Head, JournalError> {
        if self.is_poisoned() {
            return Err(JournalError::Poisoned { session: self.session.clone() });
        }
        check_sizes(drafts)?;
        let heads: Vec<Head> = drafts
            .iter()
            .scan(self.head, |head, draft| {
                *head = head.next(draft);
                Some(*head)
            })
            .collect();
        let Some(&end) = heads.last() else {
            return Ok(self.head);
        };
        let mut turn = self.store.turn().await?;
        // Until the outcome is known it is not: whoever drops this future leaves the writer so.
        self.soundness = Soundness::Poisoned;
        let batch = Batch { session: &self.session, from: self.head, drafts, heads: &heads, durability };
        match batch.write(&mut turn).await {
            Ok(()) => {
                turn.keep();
                self.soundness = Soundness::Sound;
                self.head = end;
                Ok(end)
            }
            Err(stopped) => {
                if !matches!(stopped, Stopped::AtCommit(_)) {
                    self.soundness = Soundness::Sound;
                }
                turn.close().await;
                Err(self.refuse(stopped))
            }
        }
    }

    /// Says why a batch was not written.
    fn refuse(&self, stopped: Stopped) -> JournalError {
        match stopped {
            Stopped::Before(error) | Stopped::AtCommit(error) => self.store.fault(error),
            Stopped::Conflict => JournalError::Conflict { session: self.session.clone(), seq: self.head.seq },
        }
    }
}

impl Batch<'_> {
    /// Writes the batch in one transaction; on an error the transaction may still be open.
    ///
    /// What it takes is mostly the way to the driver's thread and back, so the usual batch goes there twice: to begin, compare
    /// and insert, and to commit. The commit goes alone, since only its failure leaves the outcome open.
    async fn write(&self, turn: &mut Turn<'_>) -> Result<(), Stopped> {
        turn.set_durability(self.durability).await.map_err(Stopped::Before)?;
        let mut prev = self.from.hash;
        let chunks = self.drafts.chunks(ROWS_PER_INSERT).zip(self.heads.chunks(ROWS_PER_INSERT));
        for (index, (drafts, heads)) in chunks.enumerate() {
            if index == 0 {
                self.begin(turn, drafts, heads).await?;
            } else {
                let sql = sqlx::AssertSqlSafe(insert_sql(2, drafts.len()));
                let query = bind_rows(sqlx::query(sql).bind(self.session.as_str()), prev, drafts, heads);
                query.execute(turn.conn()).await.map_err(Stopped::Before)?;
            }
            prev = heads.last().map_or(prev, |head| head.hash);
        }
        sqlx::query("COMMIT").execute(turn.conn()).await.map_err(Stopped::AtCommit)?;
        Ok(())
    }

    /// Begins the transaction, moves the stored head from the writer's to the batch's last, and inserts the first records.
    async fn begin(&self, turn: &mut Turn<'_>, drafts: &[Draft<'_>], heads: &[Head]) -> Result<(), Stopped> {
        let (Some(end), Some(last)) = (self.heads.last(), self.drafts.last()) else {
            unreachable!("an empty batch is never written");
        };
        let sql = sqlx::AssertSqlSafe(format!("BEGIN IMMEDIATE; {MOVE_HEAD}; {}", insert_sql(7, drafts.len())));
        let query = sqlx::query(sql)
            .bind(self.session.as_str())
            .bind(self.from.seq as i64)
            .bind(self.from.hash.as_bytes().as_slice())
            .bind(end.seq as i64)
            .bind(end.hash.as_bytes().as_slice())
            .bind(last.at_ms);
        let query = bind_rows(query, self.from.hash, drafts, heads);
        let mut answers = turn.conn().fetch_many(query);
        let mut statements = 0;
        while let Some(answer) = answers.try_next().await.map_err(Stopped::Before)? {
            let Either::Left(done) = answer else { continue };
            statements += 1;
            // Seen before the insert's own failure, which another writer's records of the same numbers cause.
            if statements == 2 && done.rows_affected() == 0 {
                return Err(Stopped::Conflict);
            }
        }
        assert_eq!(statements, 3, "the driver must carry out each statement of a transaction's opening");
        Ok(())
    }
}

/// Moves a session's head, if it is the expected one.
const MOVE_HEAD: &str =
    "UPDATE heads SET seq = $4, hash = $5, updated_at_ms = $6 WHERE session = $1 AND seq = $2 AND hash = $3";

/// The statement that inserts so many records; `$1` is the session, and each record's six values begin at `$first`.
fn insert_sql(first: usize, rows: usize) -> String {
    let mut sql = "INSERT INTO records (session, seq, at_ms, kind, body, prev, hash) VALUES ".to_owned();
    for row in 0..rows {
        let [seq, at_ms, kind, body, prev, hash] = std::array::from_fn(|index| first + 6 * row + index);
        let comma = if row == 0 { "" } else { ", " };
        sql.push_str(&format!("{comma}($1, ${seq}, ${at_ms}, ${kind}, ${body}, ${prev}, ${hash})"));
    }
    sql
}

/// A statement on its way to the driver.
type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// Adds the six values of each record that [`insert_sql`] names.
fn bind_rows<'q>(mut query: Query<'q>, mut prev: ChainHash, drafts: &[Draft<'_>], heads: &[Head]) -> Query<'q> {
    for (draft, head) in drafts.iter().zip(heads) {
        query = query
            .bind(head.seq as i64)
            .bind(draft.at_ms)
            .bind(draft.kind.to_owned())
            .bind(draft.body.to_owned())
            .bind(prev.as_bytes().to_vec())
            .bind(head.hash.as_bytes().to_vec());
        prev = head.hash;
    }
    query
}

/// Refuses what is larger than a journal takes.
fn check_sizes(drafts: &[Draft<'_>]) -> Result<(), JournalError> {
    for draft in drafts {
        check_size("a record's kind", draft.kind, MAX_KIND_BYTES)?;
        check_size("a record's body", draft.body, MAX_BODY_BYTES)?;
    }
    Ok(())
}

/// Refuses a text that is larger than a journal takes.
pub(crate) fn check_size(part: &'static str, text: &str, most: usize) -> Result<(), JournalError> {
    if text.len() > most {
        return Err(JournalError::TooLarge { part, bytes: text.len(), most });
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "this starts itself again, to crash")]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::process::Command;
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::{Draft, Durability, IfMissing, Journal, Verified};

    /// Enough for two inserting statements in one transaction.
    const BATCH: usize = 20;
    const BEFORE: u64 = 3;
    const PATH: &str = "JOURNAL_CRASH_PATH";
    const STEP: &str = "JOURNAL_CRASH_STEP";

    fn drafts(count: usize) -> Vec<Draft<'static>> {
        vec![Draft { at_ms: 1, kind: "k", body: "{}" }; count]
    }

    /// Counts the steps of an append, and ends the program at the chosen one.
    fn step(crash_at: u32) {
        static STEPS: AtomicU32 = AtomicU32::new(0);
        if STEPS.fetch_add(1, Ordering::SeqCst) + 1 == crash_at {
            std::process::abort();
        }
    }

    #[tokio::test]
    #[ignore = "a program of its own, started by the test below"]
    async fn a_writer_that_crashes() {
        let (Ok(path), Ok(crash_at)) = (std::env::var(PATH), std::env::var(STEP)) else { return };
        let crash_at: u32 = crash_at.parse().unwrap();
        let journal = Journal::open(Path::new(&path), IfMissing::Refuse).await.unwrap();
        let mut log = journal.resume(&"s".parse().unwrap()).await.unwrap();
        let mut turn = journal.store().turn().await.unwrap();
        {
            let mut sqlite = turn.conn().lock_handle().await.unwrap();
            sqlite.set_progress_handler(8, move || {
                step(crash_at);
                true
            });
            sqlite.set_update_hook(move |_| step(crash_at));
            sqlite.set_commit_hook(move || {
                step(crash_at);
                true
            });
        }
        turn.keep();
        log.append(&drafts(BATCH), Durability::Synced).await.unwrap();
        println!("\nappended");
        std::io::stdout().flush().unwrap();
        step(crash_at);
        println!("\nout of steps");
    }

    /// The steps are SQLite's own: every eighth of the virtual machine's from `BEGIN` to `COMMIT`, each changed row, and the moment
    /// before the commit; then the moment between the commit and the caller's hearing of it.
    #[tokio::test]
    async fn a_crash_at_any_step_of_an_append_leaves_all_of_it_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.db");
        let session = "s".parse().unwrap();
        let journal = Journal::open(&path, IfMissing::Create).await.unwrap();
        let mut log = journal.create(&session, 0, "").await.unwrap();
        log.append(&drafts(BEFORE as usize), Durability::Committed).await.unwrap();
        drop(log);
        journal.close().await.unwrap();
        let (mut crashes, mut absent, mut whole) = (0, 0, 0);
        for crash_at in 1.. {
            let copy = dir.path().join(format!("copy-{crash_at}.db"));
            std::fs::copy(&path, &copy).unwrap();
            let program = ["--exact", "log::tests::a_writer_that_crashes", "--ignored", "--nocapture"];
            let mut command = Command::new(std::env::current_exe().unwrap());
            let output = command.args(program).env(PATH, &copy).env(STEP, crash_at.to_string()).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            if said.contains("out of steps") {
                break;
            }
            assert!(!output.status.success(), "it neither crashed nor finished: {said}");
            crashes += 1;
            let journal = Journal::open(&copy, IfMissing::Refuse).await.unwrap();
            let Verified::Intact { records, .. } = journal.verify(&session).await.unwrap() else {
                panic!("broken after a crash at step {crash_at}");
            };
            match records - BEFORE {
                0 => absent += 1,
                n if n == BATCH as u64 => whole += 1,
                n => panic!("{n} of {BATCH} records after a crash at step {crash_at}"),
            }
            assert!(records > BEFORE || !said.contains("appended"), "an acknowledged batch is gone");
            let log = journal.resume(&session).await.unwrap();
            assert_eq!(log.head().seq, records);
        }
        assert!(crashes > BATCH, "each row at least is a step, but there were only {crashes}");
        assert!(whole >= 1 && absent >= BATCH, "{whole} whole, {absent} absent");
    }
}
