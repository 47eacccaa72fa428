//! Checking a session's chain: that each record follows from the one before, from the header to the head.
//!
//! Not here: what records mean, and SQLite's own checks of its pages.
//!
//! The chain shows every change by somebody who does not recompute it. It is not signed: who can write the file and computes
//! all later hashes anew, the head's too, leaves an intact chain. Against that, keep the head's hash elsewhere and compare.

use sqlx::Row;

use crate::error::JournalError;
use crate::journal::{Journal, read_count, read_hash};
use crate::record::{ChainHash, Head, Record, SessionId};

/// Records that are read at a time.
const PAGE: usize = 256;

/// What checking a session found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every record is as it was written, and none is missing.
    Intact {
        /// How many records there are.
        records: u64,
        /// The hash of the last one, or of the header.
        head: ChainHash,
    },
    /// The first place where the record is not as it was written.
    Broken {
        /// The number of the record in question.
        seq: u64,
        /// What is wrong there, as a clause.
        why: String,
    },
}

/// The end of a session as its tables give it, all read at one moment.
struct End {
    head: Head,
    records: u64,
    last: u64,
}

impl Journal {
    /// Checks the chain of a session, which may be appended to meanwhile.
    pub async fn verify(&self, session: &SessionId) -> Result<Verified, JournalError> {
        let stored = self.stored(session).await?;
        let mut at = Head { seq: 0, hash: ChainHash::start(session, stored.created_at_ms, &stored.about) };
        loop {
            let page = self.page(session, at.seq, PAGE).await?;
            let empty = page.is_empty();
            for record in page {
                let followed = match record {
                    Ok(record) => follow(at, &record),
                    Err(error @ (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })) => {
                        Err(broken(at.seq + 1, format!("a stored value cannot be read ({error})")))
                    }
                    Err(error) => return Err(self.store().fault(error)),
                };
                match followed {
                    Ok(next) => at = next,
                    Err(broken) => return Ok(broken),
                }
            }
            if empty {
                let end = self.end(session).await?;
                // Records that came after the empty page are read in another round.
                if end.last <= at.seq {
                    return Ok(conclude(at, &end));
                }
            }
        }
    }

    /// Reads where a session ends.
    async fn end(&self, session: &SessionId) -> Result<End, JournalError> {
        let sql = "SELECT h.seq, h.hash, \
                       (SELECT COUNT(*) FROM records r WHERE r.session = h.session), \
                       (SELECT COALESCE(MAX(r.seq), 0) FROM records r WHERE r.session = h.session) \
                   FROM heads h WHERE h.session = $1";
        let mut turn = self.store().turn().await?;
        let row = sqlx::query(sql)
            .bind(session.as_str())
            .try_map(|row: sqlx::sqlite::SqliteRow| {
                let head = Head { seq: read_count(&row, 0)?, hash: read_hash(&row, 1)? };
                Ok(End { head, records: read_count(&row, 2)?, last: row.try_get::<i64, _>(3)?.max(0) as u64 })
            })
            .fetch_one(turn.conn())
            .await;
        turn.keep();
        row.map_err(|error| self.store().fault(error))
    }
}

/// Takes one step along the chain.
fn follow(at: Head, record: &Record) -> Result<Head, Verified> {
    let expected = at.seq + 1;
    if record.seq != expected {
        return Err(broken(expected, format!("it is missing: the next record is number {}", record.seq)));
    }
    if record.prev != at.hash {
        let before = if at.seq == 0 { "the session's header" } else { "the record before it" };
        return Err(broken(expected, format!("it does not follow from {before}")));
    }
    let next = at.next(&record.draft());
    if record.hash != next.hash {
        return Err(broken(expected, "its contents are not what its hash was made from".to_owned()));
    }
    Ok(next)
}

/// Compares the end of the chain with the stored head.
fn conclude(at: Head, end: &End) -> Verified {
    if end.head.seq > at.seq {
        let why = format!("it is missing: the session's head is record {}", end.head.seq);
        return broken(at.seq + 1, why);
    }
    if end.head.seq < at.seq {
        return broken(end.head.seq + 1, format!("it is past the session's head, which is record {}", end.head.seq));
    }
    if end.head.hash != at.hash {
        return broken(at.seq, "the session's head has another hash".to_owned());
    }
    if end.records != at.seq {
        return broken(0, format!("there are {} records where {} were followed", end.records, at.seq));
    }
    Verified::Intact { records: at.seq, head: at.hash }
}

/// Names the first broken place.
fn broken(seq: u64, why: String) -> Verified {
    Verified::Broken { seq, why }
}
