//! The record of the requests that came: when, how large, what they said, and when their answers had been said.
//!
//! Not here: headers. A key that a client sends is kept nowhere.

use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// The requests that are kept, the latest ones.
const MAX_REQUESTS: usize = 10_000;
/// The bytes of one body that are kept.
const MAX_BODY: usize = 1024 * 1024;
/// The bytes of all bodies that are kept; beyond it the oldest bodies are dropped.
const MAX_BODIES: usize = 64 * 1024 * 1024;

/// The moment at which a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    ns: u64,
    unix_ns: u64,
}

/// A request.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    number: u64,
    path: String,
    /// Nanoseconds since the stand-in started.
    arrived_ns: u64,
    /// Nanoseconds since 1970.
    arrived_unix_ns: u64,
    /// When the last byte of the answer was handed to the connection, in nanoseconds since the stand-in started.
    answered_ns: Option<u64>,
    /// The same in nanoseconds since 1970.
    answered_unix_ns: Option<u64>,
    /// The size of the body.
    bytes: usize,
    body: Body,
    /// The status of the answer, once it is known.
    status: Option<u16>,
    /// How many replies the conversation had.
    position: Option<usize>,
    /// What went wrong on order.
    fault: Option<String>,
}

/// What is kept of a body.
#[derive(Debug)]
enum Body {
    Whole(Vec<u8>),
    /// It was too long: its beginning.
    Beginning(Vec<u8>),
    Dropped,
}

impl Body {
    fn size(&self) -> usize {
        match self {
            Body::Whole(bytes) | Body::Beginning(bytes) => bytes.len(),
            Body::Dropped => 0,
        }
    }
}

impl Serialize for Body {
    /// A whole body is shown as the JSON that it is; what is no JSON, and the beginning of a longer one, as text.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Body::Whole(bytes) => match serde_json::from_slice::<Value>(bytes) {
                Ok(json) => json.serialize(to),
                Err(_) => to.serialize_str(&String::from_utf8_lossy(bytes)),
            },
            Body::Beginning(bytes) => to.serialize_str(&String::from_utf8_lossy(bytes)),
            Body::Dropped => to.serialize_none(),
        }
    }
}

/// All requests that came.
#[derive(Debug)]
pub(crate) struct Record {
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: VecDeque<Seen>,
    count: u64,
    kept_bytes: usize,
}

impl Record {
    /// Starts an empty record.
    pub(crate) fn new() -> Record {
        Record { start: Instant::now(), inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes the time of a request that begins to arrive.
    pub(crate) fn arrive(&self) -> Arrival {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Arrival { ns: self.now_ns(), unix_ns: u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX) }
    }

    /// Writes down a request and gives its number, from 1.
    pub(crate) fn write(&self, arrival: Arrival, path: &str, body: &[u8]) -> u64 {
        let kept = match body.get(..MAX_BODY) {
            Some(beginning) if beginning.len() < body.len() => Body::Beginning(beginning.to_vec()),
            _ => Body::Whole(body.to_vec()),
        };
        let mut inner = self.lock();
        inner.count += 1;
        inner.kept_bytes += kept.size();
        let number = inner.count;
        inner.seen.push_back(Seen {
            number,
            path: path.to_owned(),
            arrived_ns: arrival.ns,
            arrived_unix_ns: arrival.unix_ns,
            answered_ns: None,
            answered_unix_ns: None,
            bytes: body.len(),
            body: kept,
            status: None,
            position: None,
            fault: None,
        });
        inner.trim();
        number
    }

    /// Adds what became of a request.
    pub(crate) fn add(&self, number: u64, status: u16, position: Option<usize>, fault: Option<String>) {
        if let Some(seen) = self.lock().find(number) {
            seen.status = Some(status);
            seen.position = position;
            seen.fault = fault;
        }
    }

    /// Takes the time at which an answer had been said.
    pub(crate) fn answered(&self, number: u64) {
        let now = self.now_ns();
        if let Some(seen) = self.lock().find(number) {
            // The clock that nobody sets is the one that measures.
            let took = now.saturating_sub(seen.arrived_ns);
            seen.answered_ns.get_or_insert(now);
            seen.answered_unix_ns.get_or_insert(seen.arrived_unix_ns + took);
        }
    }

    /// Forgets every request; the numbers go on.
    pub(crate) fn forget(&self) {
        let mut inner = self.lock();
        inner.seen.clear();
        inner.kept_bytes = 0;
    }

    /// Shows every request.
    pub(crate) fn show(&self) -> Value {
        serde_json::to_value(&self.lock().seen).unwrap_or(Value::Null)
    }
}

impl Inner {
    fn find(&mut self, number: u64) -> Option<&mut Seen> {
        self.seen.iter_mut().rev().find(|seen| seen.number == number)
    }

    fn trim(&mut self) {
        if self.seen.len() > MAX_REQUESTS
            && let Some(oldest) = self.seen.pop_front()
        {
            self.kept_bytes -= oldest.body.size();
        }
        for seen in &mut self.seen {
            if self.kept_bytes <= MAX_BODIES {
                return;
            }
            self.kept_bytes -= seen.body.size();
            seen.body = Body::Dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_up_to_a_bound_and_all_bodies_together_too() {
        let record = Record::new();
        let large = vec![b'x'; MAX_BODY + 1];
        for _ in 0..70 {
            record.write(record.arrive(), "/", &large);
        }
        record.write(record.arrive(), "/", b"{\"a\":1}");
        let shown = record.show();
        assert_eq!(shown[0]["body"], Value::Null);
        assert_eq!(shown[69]["body"].as_str().unwrap().len(), MAX_BODY);
        assert_eq!(shown[69]["bytes"], MAX_BODY + 1);
        assert_eq!(shown[70]["body"]["a"], 1);
        assert!(record.lock().kept_bytes <= MAX_BODIES);
    }

    #[test]
    fn times_only_grow_and_numbers_go_on_when_requests_are_forgotten() {
        let record = Record::new();
        let first = record.write(record.arrive(), "/", b"");
        record.answered(first);
        record.forget();
        let second = record.write(record.arrive(), "/", b"");
        record.add(second, 200, Some(3), None);
        record.answered(second);
        let shown = record.show();
        assert_eq!(shown[0]["number"], 2);
        assert_eq!(shown[0]["position"], 3);
        assert!(shown[0]["answered_ns"].as_u64() >= shown[0]["arrived_ns"].as_u64());
    }
}
