//! What a session's record consists of, and the hash chain through it; pure, so that another program can follow it.
//!
//! Not here: where records are kept (`store`) and who may write them (`log`).
//!
//! # The chain, exactly
//! Every hash is SHA-256. Integers are eight bytes, big-endian (`at_ms` and `created_at_ms` in two's complement, milliseconds
//! since 1970-01-01 UTC); `text(t)` is the number of bytes of `t` as such an integer, then the bytes of `t` in UTF-8.
//!
//! ```text
//! start    = SHA-256("remit journal session 1" ++ text(id) ++ created_at_ms ++ text(about))
//! hash(n)  = SHA-256("remit journal record 1" ++ hash(n-1) ++ n ++ at_ms ++ text(kind) ++ text(body))
//! hash(0)  = start
//! ```
//!
//! The quoted words are ASCII, without a length. Records are numbered from 1 without a gap. Because each text carries its
//! length, no two different records have the same bytes; because the start covers the header, a changed `about` breaks the
//! chain at record 1.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The most bytes that a record's body can have: 64 MiB.
pub const MAX_BODY_BYTES: usize = 64 << 20;
/// The most bytes that a record's kind can have.
pub const MAX_KIND_BYTES: usize = 128;
/// The most bytes that a session's title can have: 1 KiB.
pub const MAX_TITLE_BYTES: usize = 1 << 10;
/// The most bytes that a session's `about` can have: 1 MiB, since every listing reads it.
pub const MAX_ABOUT_BYTES: usize = 1 << 20;
/// The most characters that a session's name can have.
const MAX_ID_CHARS: usize = 64;

/// The name of a session: 1 to 64 characters, each a small letter, a digit or `-`.
///
/// It is also part of a file's name beside the database, which is why nothing else is let in. Callers make names; this crate
/// has no randomness.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(String);

impl SessionId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot name a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` cannot name a session: a name is 1 to 64 characters of a-z, 0-9 and -")]
pub struct SessionIdError {
    /// The start of what was given, control characters replaced.
    shown: String,
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<SessionId, SessionIdError> {
        let fits = (1..=MAX_ID_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Ok(SessionId(text.to_owned()));
        }
        let shown = text.chars().take(MAX_ID_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c });
        Err(SessionIdError { shown: shown.collect() })
    }
}

/// A SHA-256 in the chain of a session; prints as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// Computes the hash that the first record of a session follows, from the session's header.
    pub fn start(session: &SessionId, created_at_ms: i64, about: &str) -> ChainHash {
        let mut sha = Sha256::new();
        sha.update(b"remit journal session 1");
        put_text(&mut sha, session.as_str());
        sha.update(created_at_ms.to_be_bytes());
        put_text(&mut sha, about);
        ChainHash(sha.finalize().into())
    }

    /// Computes the hash of the record number `seq` that follows this hash.
    pub fn next(&self, seq: u64, draft: &Draft<'_>) -> ChainHash {
        let mut sha = Sha256::new();
        sha.update(b"remit journal record 1");
        sha.update(self.0);
        sha.update(seq.to_be_bytes());
        sha.update(draft.at_ms.to_be_bytes());
        put_text(&mut sha, draft.kind);
        put_text(&mut sha, draft.body);
        ChainHash(sha.finalize().into())
    }

    /// The hash as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Takes a hash from its bytes; `None` unless there are 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<ChainHash> {
        bytes.try_into().ok().map(ChainHash)
    }
}

/// Feeds a text with its length before it.
fn put_text(sha: &mut Sha256, text: &str) {
    sha.update((text.len() as u64).to_be_bytes());
    sha.update(text.as_bytes());
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

/// Where a session's chain ends: the number and the hash of its last record, or 0 and the start of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 when there is none.
    pub seq: u64,
    /// The hash of the last record; the hash of the header when there is none.
    pub hash: ChainHash,
}

impl Head {
    /// Computes the head after one more record.
    pub fn next(&self, draft: &Draft<'_>) -> Head {
        let seq = self.seq + 1;
        Head { seq, hash: self.hash.next(seq, draft) }
    }
}

/// A record that is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// When it happened, in milliseconds since 1970-01-01 UTC, by the caller's clock.
    pub at_ms: i64,
    /// What kind of record it is; at most [`MAX_KIND_BYTES`].
    pub kind: &'a str,
    /// What it says, usually JSON; at most [`MAX_BODY_BYTES`].
    pub body: &'a str,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the session, from 1.
    pub seq: u64,
    /// When it happened, as the draft said.
    pub at_ms: i64,
    /// What kind of record it is.
    pub kind: String,
    /// What it says.
    pub body: String,
    /// The hash that it follows, as stored.
    pub prev: ChainHash,
    /// Its own hash, as stored; `verify` is what compares it with the contents.
    pub hash: ChainHash,
}

impl Record {
    /// The draft that this record was made from.
    pub fn draft(&self) -> Draft<'_> {
        Draft { at_ms: self.at_ms, kind: &self.kind, body: &self.body }
    }
}

/// A session as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The session's name.
    pub id: SessionId,
    /// When it was created, by the caller's clock.
    pub created_at_ms: i64,
    /// The time of its last record, or of its creation.
    pub updated_at_ms: i64,
    /// How many records it has.
    pub records: u64,
    /// The header that it was created with.
    pub about: String,
    /// What a person, or its first words, named it; absent as long as nobody has.
    pub title: Option<String>,
}

/// What an append has survived when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: the write-ahead log was synced to the disk, with everything committed before.
    Synced,
    /// The end of this program, however it ends, but not a power cut: the kernel has the bytes, the disk may not.
    Committed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(text: &str) -> SessionId {
        text.parse().unwrap()
    }

    #[test]
    fn a_session_name_is_short_and_plain() {
        for good in ["a", "0", "-", "2026-11-22-a1b2c3", &"x".repeat(64)] {
            assert_eq!(session(good).to_string(), good);
        }
        for bad in ["", "A", "a b", "a/b", "..", "a.b", "é", "a\0", &"x".repeat(65)] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_bad_session_name_is_shown_short_and_without_control_characters() {
        let message = format!("\u{1b}[2J{}", "y".repeat(10_000)).parse::<SessionId>().unwrap_err().to_string();
        assert!(message.starts_with("`\u{fffd}[2Jyyy"), "{message}");
        assert!(message.len() < 200, "{message}");
    }

    /// The expected values were computed from this file's description by a program in another language.
    #[test]
    fn the_chain_is_the_documented_one() {
        let start = ChainHash::start(&session("s-1"), 1_700_000_000_000, r#"{"cwd":"/tmp"}"#);
        assert_eq!(start.to_string(), "d93f540c5575a14cc4fbdb843fc066f094ac5cc492fef2e5365cdbd6753aa2f8");
        let one = start.next(1, &Draft { at_ms: -5, kind: "said", body: "{}" });
        assert_eq!(one.to_string(), "5a892961acee592d95714710bddd48edc790d2837e9fd30d34c6a2643718ba47");
        let two = one.next(2, &Draft { at_ms: 1_700_000_000_001, kind: "", body: "grün" });
        assert_eq!(two.to_string(), "f210372414275bceb79f8ec8dd76c479d648afe43d85377ac9144e954fef5dc4");
    }

    #[test]
    fn text_cannot_move_between_kind_and_body_unseen() {
        let start = ChainHash::start(&session("s"), 0, "");
        let hash = |kind, body| start.next(1, &Draft { at_ms: 0, kind, body });
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(hash("", "abc"), hash("abc", ""));
        assert_ne!(ChainHash::start(&session("a"), 0, "b"), ChainHash::start(&session("ab"), 0, ""));
    }
}
