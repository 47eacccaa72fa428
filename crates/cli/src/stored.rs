//! A session as it is stored: its header and its records.
//!
//! Not here: what they mean (that is `engine`), or a session that runs.

use crate::commands::run::session_id;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::wiring;
use engine::Replayed;
use journal::{IfMissing, Journal, Record, SessionId, SessionRow};

/// A session as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its header.
    pub row: SessionRow,
    /// Its records, in order.
    pub records: Vec<Record>,
}

impl Stored {
    /// Reads the session of that name.
    pub fn named(name: &str) -> Result<Stored, Failure> {
        let (_, paths) = wiring::configured()?;
        Stored::kept_in(&paths, name)
    }

    /// Reads the session of that name that is kept there.
    pub fn kept_in(paths: &Paths, name: &str) -> Result<Stored, Failure> {
        let id = session_id(name)?;
        crate::runtime()?.block_on(async {
            let journal = Journal::open(&paths.database(), IfMissing::Refuse).await.map_err(Failure::user)?;
            Stored::read(&journal, &id).await
        })
    }

    /// Reads a session from a journal.
    pub async fn read(journal: &Journal, id: &SessionId) -> Result<Stored, Failure> {
        let row = journal.session(id).await.map_err(Failure::user)?;
        let records = engine::record::all(journal, id).await.map_err(Failure::host)?;
        Ok(Stored { row, records })
    }

    /// What the records amount to.
    pub fn replayed(&self) -> Result<Replayed, Failure> {
        engine::record::replay(&self.records, turn::Limits::default()).map_err(Failure::host)
    }
}

/// The journal of this person; that there is none yet is an error.
pub async fn existing_journal() -> Result<Journal, Failure> {
    let (_, paths) = wiring::configured()?;
    Journal::open(&paths.database(), IfMissing::Refuse).await.map_err(Failure::user)
}
