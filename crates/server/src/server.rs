//! The server as a whole: what its routes share, and how it begins and ends.
//!
//! Not here: any route.

use crate::api;
use crate::hall::Hall;
use crate::once::Keys;
use crate::page;
use crate::people::{Door, Owner, Visitor};
use crate::problem::{Code, Problem};
use axum::extract::DefaultBodyLimit;
use axum::{Extension, Router};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// The most that a request brings, in bytes.
const MOST_BODY: usize = 1 << 20;

/// How much of the server one person may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowances {
    /// Sessions that are open.
    pub sessions: usize,
    /// Streams of events.
    pub streams: usize,
}

impl Default for Allowances {
    fn default() -> Allowances {
        Allowances { sessions: 200, streams: 200 }
    }
}

/// What all routes share. Clones are the same server.
#[derive(Clone, Debug)]
pub struct Server {
    /// The sessions.
    pub hall: Hall,
    /// Who reads.
    pub streams: Streams,
    /// What was asked for under a name.
    pub keys: Keys,
    /// Cancelled when the server ends.
    pub leaving: CancellationToken,
    begun: Instant,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// A server with these sessions.
    pub fn new(hall: Hall, limits: Allowances, leaving: CancellationToken) -> Server {
        let (streams, keys) = (Streams::new(limits.streams), Keys::default());
        Server { hall, streams, keys, leaving, begun: Instant::now(), requests: Arc::default() }
    }

    /// Everything that the server answers, behind its door.
    pub fn router(self, door: Door) -> Router {
        let counted = Arc::clone(&self.requests);
        let count = axum::middleware::map_request(move |request: axum::extract::Request| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(request)
        });
        let people = Extension(Arc::clone(door.people()));
        let routes = api::router(&self).merge(page::router());
        let routes = routes.layer(DefaultBodyLimit::max(MOST_BODY)).layer(people).layer(count);
        door.before(routes).with_state(self)
    }

    /// How the server stands, as Prometheus reads it.
    pub fn metrics(&self) -> String {
        let (open, working) = self.hall.count();
        let rows = [
            ("remit_sessions_open", "gauge", "Sessions that are open.", open as u64),
            ("remit_sessions_working", "gauge", "Sessions that work or ask.", working as u64),
            ("remit_streams", "gauge", "Streams of events that are read.", self.streams.count() as u64),
            ("remit_requests_total", "counter", "Requests so far.", self.requests.load(Ordering::Relaxed)),
            ("remit_uptime_seconds", "gauge", "How long the server runs.", self.begun.elapsed().as_secs()),
        ];
        let mut text = String::new();
        for (name, kind, help, value) in rows {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        text
    }
}

/// The streams that are read, counted by whose they are. Clones are the same.
#[derive(Clone, Debug)]
pub struct Streams {
    most_of_one: usize,
    by_owner: Arc<Mutex<BTreeMap<Owner, usize>>>,
}

/// One stream, for as long as it is kept.
#[derive(Debug)]
pub struct Streaming {
    streams: Streams,
    owner: Owner,
}

impl Streams {
    fn new(most_of_one: usize) -> Streams {
        Streams { most_of_one, by_owner: Arc::default() }
    }

    /// Counts one more, unless there are too many of this person.
    pub fn enter(&self, visitor: &Visitor) -> Result<Streaming, Problem> {
        let mut by_owner = self.by_owner();
        let theirs = by_owner.entry(visitor.owner.clone()).or_default();
        if *theirs >= self.most_of_one {
            let why = format!("{theirs} streams of yours are read, and no more can be at once; close some");
            return Err(Problem::new(Code::TooMany, why));
        }
        *theirs += 1;
        Ok(Streaming { streams: self.clone(), owner: visitor.owner.clone() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_owner().values().sum()
    }

    fn by_owner(&self) -> MutexGuard<'_, BTreeMap<Owner, usize>> {
        self.by_owner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let mut by_owner = self.streams.by_owner();
        if let Some(theirs) = by_owner.get_mut(&self.owner) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                by_owner.remove(&self.owner);
            }
        }
    }
}
