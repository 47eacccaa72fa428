//! Who hears what a session says: the surface that has it, and whoever watches beside it.
//!
//! Not here: what is said, or how it is shown.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use wire::Event;

/// Tells events to everybody who listens. Clones tell the same listeners.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// The surface that has the session.
    owner: mpsc::UnboundedSender<Event>,
    /// Who watches. One that is too slow is let go: its line ends, and it can watch anew.
    watchers: Arc<Mutex<Vec<mpsc::Sender<Event>>>>,
}

impl From<mpsc::UnboundedSender<Event>> for Speaker {
    fn from(owner: mpsc::UnboundedSender<Event>) -> Speaker {
        Speaker { owner, watchers: Arc::default() }
    }
}

impl Speaker {
    /// Tells everybody. Nobody listening is no reason to stop: what happened is on record.
    pub(crate) fn say(&self, event: Event) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.try_send(event.clone()).is_ok());
        drop(watchers);
        let _ = self.owner.send(event);
    }

    /// Has somebody hear what is said from now on.
    pub(crate) fn add(&self, watcher: mpsc::Sender<Event>) {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }
}
