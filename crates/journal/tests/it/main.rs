//! Tests of the journal through its public face, on real files and with real programs.
//!
//! Not here: crashes between SQLite's own steps, which need its connection (unit tests of `log`).

#![allow(clippy::disallowed_methods, reason = "tests make, damage and limit files, and start programs")]

mod chain;
mod crashes;
mod failures;
mod owners;
mod programs;
mod reading;

use std::path::PathBuf;

use journal::{Draft, Durability, Head, IfMissing, Journal, Log, SessionId};
use sqlx::{ConnectOptions, SqliteConnection};

/// A folder for one test, with the path of a journal in it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    async fn journal(&self) -> Journal {
        Journal::open(&self.file(), IfMissing::Create).await.unwrap()
    }

    /// A connection that knows nothing of journals, for doing what a journal never does.
    async fn sqlite(&self) -> SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).connect().await.unwrap()
    }

    async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.sqlite().await).await.unwrap();
    }
}

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

/// Appends one record, committed.
async fn say(log: &mut Log, body: &str) -> Head {
    log.append(&[Draft { at_ms: 7, kind: "said", body }], Durability::Committed).await.unwrap()
}

/// Runs a future to its end, for tests that are not async themselves.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
