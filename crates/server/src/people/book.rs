//! The file of who may use the server: tokens and browsers' sign-ins, each by its fingerprint.
//!
//! Not here: who is let in by it (that is `register`).
//!
//! It has one writer at a time: a program that changes it holds a lock for as long as it may, and a server holds the lock for
//! as long as it runs. A server reads the file once, when it starts; what is done to the file after that changes nothing in
//! it, and is written over. Where the lock file is deleted a second writer can get in; who can do that can do anything to the
//! file.

#![allow(clippy::disallowed_methods, reason = "the server keeps a file of who may use it")]

use super::credential::Fingerprint;
use super::who::{Owner, Scopes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The most bytes of the file that are read.
const LARGEST: u64 = 16 << 20;

/// Everybody who may use the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Book {
    /// The tokens.
    #[serde(default)]
    pub tokens: BTreeMap<Fingerprint, TokenEntry>,
    /// The browsers that are signed in.
    #[serde(default)]
    pub sign_ins: BTreeMap<Fingerprint, SignInEntry>,
}

/// A token, but for what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// What it is called by, unique among all tokens.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: i64,
    /// When it ends, in milliseconds since 1970; it does not when absent.
    pub expires_ms: Option<i64>,
    /// When somebody showed it last, to about an hour.
    pub seen_ms: Option<i64>,
    /// Its last four digits, to know it again by.
    pub ends_with: String,
}

/// A browser that is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInEntry {
    /// Who signed in.
    pub owner: Owner,
    /// What they may do.
    pub scopes: Scopes,
    /// What they are called, where that is not their name.
    pub called: Option<String>,
    /// The token they signed in with; the sign-in ends when that does.
    pub token: Option<String>,
    /// When they signed in, in milliseconds since 1970.
    pub made_ms: i64,
    /// When they were there last, to about an hour.
    pub seen_ms: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// Another program has it.
    #[error("`{}` is in use by another program", .0.display())]
    InUse(PathBuf),
    /// It is not what it should be.
    #[error("`{}` is not a list of who may use the server: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Others can write to it.
    #[error("`{}` can be written to by others, and says who may use the server; make it yours alone with `chmod 600`", .0.display())]
    OthersMayWrite(PathBuf),
    /// The system refused.
    #[error("`{}`: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: io::Error,
    },
}

/// The file, held against other writers.
#[derive(Debug)]
pub(crate) struct BookFile {
    path: PathBuf,
    _lock: File,
}

impl BookFile {
    /// Takes the file, and reads it; one that is not there is empty.
    pub(crate) fn take(path: &Path) -> Result<(BookFile, Book), BookError> {
        let io = |why| BookError::Io { path: path.to_owned(), why };
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let lock_path = path.with_extension("lock");
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock_path).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BookError::InUse(path.to_owned())),
            Err(TryLockError::Error(why)) => return Err(io(why)),
        }
        let book = read(path)?;
        Ok((BookFile { path: path.to_owned(), _lock: lock }, book))
    }

    /// Writes all of it, so that a crash leaves the old one or the new one.
    pub(crate) fn write(&self, book: &Book) -> Result<(), BookError> {
        let write = || -> io::Result<()> {
            let beside = self.path.with_extension("json.new");
            match fs::remove_file(&beside) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                Ok(()) | Err(_) => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(&serde_json::to_vec_pretty(book)?)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            match self.path.parent() {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        write().map_err(|why| BookError::Io { path: self.path.clone(), why })
    }
}

/// Reads the file without taking it.
pub(crate) fn read(path: &Path) -> Result<Book, BookError> {
    let io = |why| BookError::Io { path: path.to_owned(), why };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(why) => return Err(io(why)),
    };
    if file.metadata().map_err(io)?.mode() & 0o022 != 0 {
        return Err(BookError::OthersMayWrite(path.to_owned()));
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).map_err(io)?;
    serde_json::from_slice(&text).map_err(|why| BookError::Unreadable { path: path.to_owned(), why: why.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn token(id: &str) -> TokenEntry {
        TokenEntry {
            id: id.to_owned(),
            owner: Owner::named("alice").unwrap(),
            scopes: Scopes::all(),
            made_ms: 1,
            expires_ms: None,
            seen_ms: None,
            ends_with: "beef".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/people.json");
        let (file, mut book) = BookFile::take(&path).unwrap();
        book.tokens.insert(Fingerprint::of("x"), token("a"));
        file.write(&book).unwrap();
        file.write(&book).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("deep")).unwrap().mode() & 0o777, 0o700);
        drop(file);
        let (_file, again) = BookFile::take(&path).unwrap();
        assert_eq!(again.tokens.values().collect::<Vec<_>>(), [&token("a")]);
    }

    #[test]
    fn two_writers_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.json");
        let held = BookFile::take(&path).unwrap();
        assert!(matches!(BookFile::take(&path), Err(BookError::InUse(_))));
        assert!(read(&path).unwrap().tokens.is_empty());
        drop(held);
        assert!(BookFile::take(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_strange_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.json");
        for text in ["", "{", "[1]", r#"{"tokens": {"x": {}}}"#, r#"{"everybody": true}"#] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(BookFile::take(&path), Err(BookError::Unreadable { .. })), "{text}");
        }
        fs::write(&path, "{}").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(BookFile::take(&path), Err(BookError::OthersMayWrite(_))));
    }
}
