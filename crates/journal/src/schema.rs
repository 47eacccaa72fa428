//! The tables, and how a file says that it holds them.
//!
//! Not here: queries (beside what asks them). Those keep to what SQLite and Postgres share, with `$1` placeholders; these
//! definitions are SQLite's own, and another database gets its own file.

/// Marks a database file as a journal, in SQLite's `application_id` (the letters `RemJ`).
pub(crate) const APPLICATION_ID: i64 = 0x5265_6d4a;

/// The newest schema that this program knows, in SQLite's `user_version`.
pub(crate) const VERSION: i64 = 2;

/// Makes the tables of the newest version.
///
/// Of a session that stays, `sessions` and `records` only grow. `heads` is what an append compares and moves on, and what
/// shows that records were cut from the end. It is apart from `sessions` because an update rewrites its whole row, and a
/// header can be large. `titles` is what a person calls a session: no evidence of anything, so it is in no chain. `records` keeps SQLite's row ids: without them, bodies larger than a quarter of a page would
/// make the tree narrow and deep.
pub(crate) const CREATE: &str = "
BEGIN IMMEDIATE;
CREATE TABLE sessions (
    id            TEXT    NOT NULL PRIMARY KEY,
    created_at_ms INTEGER NOT NULL,
    about         TEXT    NOT NULL
) STRICT;
CREATE TABLE heads (
    session       TEXT    NOT NULL PRIMARY KEY REFERENCES sessions (id),
    seq           INTEGER NOT NULL CHECK (seq >= 0),
    hash          BLOB    NOT NULL CHECK (length(hash) = 32),
    updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE records (
    session       TEXT    NOT NULL REFERENCES sessions (id),
    seq           INTEGER NOT NULL CHECK (seq > 0),
    at_ms         INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    prev          BLOB    NOT NULL CHECK (length(prev) = 32),
    hash          BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (session, seq)
) STRICT;
CREATE TABLE titles (
    session       TEXT    NOT NULL PRIMARY KEY REFERENCES sessions (id),
    title         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA application_id = 0x52656d4a;
PRAGMA user_version = 2;
COMMIT;
";

/// Makes version 2 of version 1, whoever else does it at the same moment.
pub(crate) const FROM_1: &str = "
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS titles (
    session       TEXT    NOT NULL PRIMARY KEY REFERENCES sessions (id),
    title         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;
COMMIT;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_set_the_marks_that_opening_looks_for() {
        assert!(CREATE.contains(&format!("PRAGMA application_id = {APPLICATION_ID:#x};")));
        assert!(CREATE.contains(&format!("PRAGMA user_version = {VERSION};")));
        assert!(FROM_1.contains(&format!("PRAGMA user_version = {VERSION};")));
    }
}
