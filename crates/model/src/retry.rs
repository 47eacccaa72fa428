//! When a failed request is tried again, and how long to wait before it.
//!
//! Not here: which failures are worth it (that is `client`), or the waiting itself.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

/// How patient a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The most attempts, the first one included.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait: a service that asks for a longer one gets its wish as an error.
    pub longest_wait: Duration,
    /// The seed of the jitter; the same seed gives the same waits.
    pub seed: u64,
}

/// The longest wait that doubling may come to.
const LONGEST_BACKOFF: Duration = Duration::from_secs(32);

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            attempts: 6,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            seed: RandomState::new().build_hasher().finish(),
        }
    }
}

impl Retry {
    /// Returns how long to wait after so many failed attempts, or `None` if that was the last one.
    ///
    /// What the service asks for is obeyed to the letter; only our own guess has jitter, a quarter up or down.
    pub(crate) fn wait(&self, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        match asked {
            Some(asked) if asked > self.longest_wait => None,
            Some(asked) => Some(asked),
            None => {
                let doubled = self.first_wait.saturating_mul(1 << failed.saturating_sub(1).min(16));
                let backoff = doubled.min(LONGEST_BACKOFF).min(self.longest_wait);
                Some(backoff.mul_f64(0.75 + 0.5 * fraction(self.seed, failed)))
            }
        }
    }
}

/// Returns a number from 0 up to 1 that depends on nothing but its arguments (SplitMix64).
fn fraction(seed: u64, step: u32) -> f64 {
    let mut z = seed.wrapping_add(u64::from(step).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// Reads how long a service wants to be left alone from its headers.
///
/// `retry-after-ms` is more exact and goes first; `retry-after` is a number of seconds or a date (RFC 9110, 10.2.3).
/// What cannot be read says nothing; a date in the past says now.
pub(crate) fn asked_wait<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Option<Duration> {
    let milliseconds = header("retry-after-ms").and_then(|ms| seconds_of(ms.trim(), 1e-3));
    milliseconds.or_else(|| {
        let value = header("retry-after")?.trim();
        seconds_of(value, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(value).ok()?;
            Some(date.duration_since(now).unwrap_or(Duration::ZERO))
        })
    })
}

/// Reads a wait such as `34s` or `1.5s`, as some services put it into their words.
pub(crate) fn wait_of_text(text: &str) -> Option<Duration> {
    seconds_of(text.trim().strip_suffix('s')?, 1.0)
}

fn seconds_of(number: &str, unit: f64) -> Option<Duration> {
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &'static str, value: &'static str) -> Option<Duration> {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        asked_wait(|wanted| (wanted == name).then_some(value), now)
    }

    #[test]
    fn a_wait_is_read_in_every_form_it_comes_in() {
        assert_eq!(asked("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("retry-after", " 1.5 "), Some(Duration::from_millis(1500)));
        assert_eq!(asked("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait_of_text("34s"), Some(Duration::from_secs(34)));
    }

    #[test]
    fn an_unreadable_wait_says_nothing() {
        for value in ["", "soon", "-3", "NaN", "inf", "1e300"] {
            assert_eq!(asked("retry-after", value), None, "{value}");
        }
        assert_eq!(wait_of_text("34"), None);
    }

    #[test]
    fn waits_double_with_jitter_and_stop_at_the_last_attempt() {
        let retry = Retry { seed: 7, ..Retry::default() };
        for (failed, whole) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 16.0)] {
            let wait = retry.wait(failed, None).unwrap().as_secs_f64();
            assert!((whole * 0.75..whole * 1.25).contains(&wait), "{failed}: {wait}");
            assert_eq!(retry.wait(failed, None), retry.wait(failed, None));
        }
        assert_eq!(retry.wait(6, None), None);
    }

    #[test]
    fn a_services_wish_is_obeyed_unless_it_is_too_long() {
        let retry = Retry::default();
        assert_eq!(retry.wait(1, Some(Duration::from_secs(120))), Some(Duration::from_secs(120)));
        assert_eq!(retry.wait(1, Some(Duration::from_secs(121))), None);
        assert_eq!(retry.wait(6, Some(Duration::ZERO)), None);
    }
}
