//! Which sessions work, kept in a folder so that the next server knows what was cut off.
//!
//! Not here: the record. A mark that is lost costs a reason on the page, nothing else.
//!
//! One empty file a session that works, named like it. What a server finds when it starts was cut off. One that `--continue`
//! took up is marked for that, and is not taken up again until a turn of it has come to its end: what brings the server down
//! each time must not do so for ever.

#![allow(clippy::disallowed_methods, reason = "the server keeps its own marks")]

use journal::SessionId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The end of the name of a mark that says: this one was taken up after a crash.
const TAKEN_UP: &str = ".continued";

/// The marks of one server. Clones are the same.
#[derive(Clone, Debug)]
pub struct Marks {
    folder: Arc<Path>,
    /// What was cut off before this server, and whether it had been taken up after a crash before.
    before: Arc<Mutex<BTreeMap<SessionId, Crashes>>>,
}

/// How often a session's turn was cut off without one that came to its end between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Crashes {
    One,
    More,
}

impl Marks {
    /// Reads the marks that the last server left, in a folder that is made when there is none.
    pub fn read(folder: PathBuf) -> std::io::Result<Marks> {
        std::fs::create_dir_all(&folder)?;
        let mut before = BTreeMap::new();
        for file in std::fs::read_dir(&folder)? {
            let name = file?.file_name().to_string_lossy().into_owned();
            let (id, crashes) = match name.strip_suffix(TAKEN_UP) {
                Some(id) => (id, Crashes::More),
                None => (name.as_str(), Crashes::One),
            };
            if let Ok(id) = id.parse() {
                let known = before.entry(id).or_insert(crashes);
                *known = crashes.max(*known);
            }
        }
        Ok(Marks { folder: folder.into(), before: Arc::new(Mutex::new(before)) })
    }

    /// The sessions that were cut off and may be taken up.
    pub fn cut_off(&self) -> Vec<SessionId> {
        let before = self.before();
        before.iter().filter(|(_, crashes)| **crashes == Crashes::One).map(|(id, _)| id.clone()).collect()
    }

    /// Why a session is parked.
    pub fn reason(&self, id: &SessionId) -> Option<String> {
        Some(match self.before().get(id)? {
            Crashes::One => "the server ended while it worked".to_owned(),
            Crashes::More => "the server ended while it worked, and again after it was taken up".to_owned(),
        })
    }

    /// A turn begins.
    pub fn set(&self, id: &SessionId) {
        self.before().remove(id);
        self.touch(id.as_str());
    }

    /// A turn is taken up after a crash.
    pub fn take_up(&self, id: &SessionId) {
        self.before().remove(id);
        self.touch(&format!("{id}{TAKEN_UP}"));
    }

    /// A turn has come to its end, or the session is gone.
    pub fn clear(&self, id: &SessionId) {
        self.before().remove(id);
        for name in [id.to_string(), format!("{id}{TAKEN_UP}")] {
            // One that stays is a reason on a page that is not so.
            let _ = std::fs::remove_file(self.folder.join(name));
        }
    }

    fn touch(&self, name: &str) {
        let _ = std::fs::File::create(self.folder.join(name));
    }

    fn before(&self) -> MutexGuard<'_, BTreeMap<SessionId, Crashes>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_taken_up_once_until_a_turn_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let read = || Marks::read(folder.path().join("marks")).unwrap();
        let id: SessionId = "abc".parse().unwrap();
        read().set(&id);
        let marks = read();
        assert_eq!(marks.cut_off(), std::slice::from_ref(&id));
        marks.take_up(&id);
        assert_eq!(marks.cut_off(), []);
        let marks = read();
        assert_eq!(marks.cut_off(), [], "it was taken up, and that was cut off too");
        assert!(marks.reason(&id).unwrap().ends_with("again after it was taken up"));
        marks.set(&id);
        marks.clear(&id);
        assert_eq!(read().reason(&id), None);
    }
}
