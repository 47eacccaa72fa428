//! The state file of a stand-in: read once at the start, replaced whole at each change.
//!
//! Not here: what the state means. Nothing is synced to disk either: a stand-in that lost power is started again.

use crate::StandinError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A place for the state, or none: then it lives and ends with the program.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: Option<PathBuf>,
}

impl Store {
    /// Makes a store on a file, or one that keeps nothing.
    pub(crate) fn new(path: Option<PathBuf>) -> Store {
        Store { path }
    }

    /// Reads the state of an earlier run; `None` if there is none.
    pub(crate) fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, StandinError> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(failure) if failure.kind() == ErrorKind::NotFound => return Ok(None),
            Err(failure) => return Err(state_error(path, failure.to_string())),
        };
        match serde_json::from_slice(&text) {
            Ok(state) => Ok(Some(state)),
            Err(failure) => Err(state_error(path, failure.to_string())),
        }
    }

    /// Replaces the file with this state; a reader sees the old text or the new one, never a part.
    pub(crate) fn save<T: Serialize>(&self, state: &T) -> Result<(), StandinError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let mut text = serde_json::to_vec_pretty(state).map_err(|failure| state_error(path, failure.to_string()))?;
        text.push(b'\n');
        let mut fresh = path.clone().into_os_string();
        fresh.push(format!(".{}.new", std::process::id()));
        let fresh = PathBuf::from(fresh);
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, path))
            .map_err(|failure| state_error(path, failure.to_string()))
    }
}

fn state_error(path: &Path, reason: String) -> StandinError {
    StandinError::State { path: path.to_owned(), reason }
}
