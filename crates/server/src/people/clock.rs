//! The time, which a test turns by hand.
//!
//! Not here: how it is written for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// What tells the time.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// The system.
    System,
    /// A test.
    #[cfg(test)]
    Hand(std::sync::Arc<std::sync::atomic::AtomicI64>),
}

impl Clock {
    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        match self {
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            #[cfg(test)]
            Clock::Hand(now) => now.load(std::sync::atomic::Ordering::SeqCst),
        }
    }
}
