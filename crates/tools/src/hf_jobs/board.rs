//! What was found out about the Hub, and for how long it is believed: what its hardware costs, and what its tokens may do.
//!
//! Not here: asking the Hub (that is `lookup`). The time comes in with each call, in seconds since 1970.

use crate::site::SecretPower;
use pricing::Hardware;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a good answer is believed.
const KEPT_SECS: u64 = 6 * 3_600;
/// How long after a failed look-up the Hub is asked again: what stands in for its answer must not outlive the blip.
const RETRY_SECS: u64 = 15;

/// When the Hub was asked, and for how long what came of it is believed.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at_secs: u64,
    kept_secs: u64,
}

impl Asked {
    /// A moment before the asking is one at which the clock was set back: then nobody knows how old the answer is.
    fn is_stale(self, now_secs: u64) -> bool {
        now_secs.checked_sub(self.at_secs).is_none_or(|age| age >= self.kept_secs)
    }
}

/// What the hardware of jobs costs: the Hub's own list while that is fresh, and the documented one until it was had.
///
/// Clones show the same list.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Posted>>);

#[derive(Debug)]
struct Posted {
    list: Arc<Hardware>,
    asked: Option<Asked>,
}

impl Board {
    /// A board that shows the documented prices until the Hub was asked.
    pub fn documented() -> Board {
        Board::showing(Hardware::documented())
    }

    /// A board that shows this list until the Hub was asked.
    pub fn showing(list: Hardware) -> Board {
        Board(Arc::new(Mutex::new(Posted { list: Arc::new(list), asked: None })))
    }

    /// The list as it stands. What is priced and booked by one call comes from one such list.
    pub fn list(&self) -> Arc<Hardware> {
        Arc::clone(&self.posted().list)
    }

    /// Whether the Hub should be asked: it never was, its answer is hours old, or the last look-up failed a while ago.
    pub fn is_stale(&self, now_secs: u64) -> bool {
        self.posted().asked.is_none_or(|asked| asked.is_stale(now_secs))
    }

    /// Shows what the Hub answered, or, when it did not, the documented prices with the reason.
    ///
    /// An answer of hours ago is not shown in its stead: a price that has risen since would be held too low.
    pub fn post(&self, answer: Result<Hardware, String>, now_secs: u64) {
        let (list, kept_secs) = match answer {
            Ok(list) => (list, KEPT_SECS),
            Err(why) => (Hardware::fallback(&why), RETRY_SECS),
        };
        *self.posted() = Posted { list: Arc::new(list), asked: Some(Asked { at_secs: now_secs, kept_secs }) };
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the Hub said of secrets that are tokens of its own, by the secrets' names. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Roles(Arc<Mutex<BTreeMap<String, Role>>>);

#[derive(Clone, Copy, Debug)]
struct Role {
    power: SecretPower,
    asked: Asked,
}

impl Roles {
    /// Whether a token can spend: it can until the Hub has said that it may only read.
    pub(super) fn power_of(&self, name: &str) -> SecretPower {
        self.known().get(name).map_or(SecretPower::CanSpend, |role| role.power)
    }

    /// Whether the Hub should be asked: it never was, or the last look-up failed a while ago.
    pub(super) fn is_stale(&self, name: &str, now_secs: u64) -> bool {
        self.known().get(name).is_none_or(|role| role.asked.is_stale(now_secs))
    }

    /// Keeps what the Hub said, for good.
    pub(super) fn keep(&self, name: &str, power: SecretPower, now_secs: u64) {
        let asked = Asked { at_secs: now_secs, kept_secs: u64::MAX };
        self.known().insert(name.to_owned(), Role { power, asked });
    }

    /// Keeps that the Hub said nothing: until it is asked again, the token can spend.
    pub(super) fn miss(&self, name: &str, now_secs: u64) {
        let asked = Asked { at_secs: now_secs, kept_secs: RETRY_SECS };
        self.known().insert(name.to_owned(), Role { power: SecretPower::CanSpend, asked });
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Role>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pricing::Source;

    const NOW: u64 = 1_795_324_800;

    #[test]
    fn a_good_answer_is_kept_for_hours() {
        let board = Board::documented();
        assert!(board.is_stale(NOW));
        board.post(Ok(Hardware::catalogue([])), NOW);
        assert_eq!(board.list().source(), &Source::Catalogue);
        for (later, is_stale) in [(0, false), (15, false), (6 * 3_600 - 1, false), (6 * 3_600, true)] {
            assert_eq!(board.is_stale(NOW + later), is_stale, "{later}");
        }
    }

    #[test]
    fn a_fallback_does_not_outlive_the_blip() {
        let board = Board::documented();
        board.post(Ok(Hardware::catalogue([])), NOW);
        board.post(Err("status 503".to_owned()), NOW + 21_600);
        assert_eq!(board.list().source(), &Source::Fallback("status 503".to_owned()));
        assert!(board.list().price_of("h200").is_some());
        for (later, is_stale) in [(0, false), (14, false), (15, true)] {
            assert_eq!(board.is_stale(NOW + 21_600 + later), is_stale, "{later}");
        }
        board.post(Ok(Hardware::catalogue([])), NOW + 21_615);
        assert_eq!((board.list().source(), board.list().price_of("h200")), (&Source::Catalogue, None));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nothing() {
        let (board, roles) = (Board::documented(), Roles::default());
        board.post(Err("status 503".to_owned()), NOW);
        roles.miss("KEY", NOW);
        assert!(board.is_stale(NOW - 1) && roles.is_stale("KEY", NOW - 1));
    }

    #[test]
    fn a_role_is_kept_for_good_and_a_failed_look_up_is_not() {
        let roles = Roles::default();
        assert_eq!((roles.power_of("KEY"), roles.is_stale("KEY", NOW)), (SecretPower::CanSpend, true));
        roles.miss("KEY", NOW);
        assert_eq!((roles.power_of("KEY"), roles.is_stale("KEY", NOW + 14)), (SecretPower::CanSpend, false));
        assert!(roles.is_stale("KEY", NOW + 15));
        roles.keep("KEY", SecretPower::CannotSpend, NOW + 15);
        assert_eq!(roles.power_of("KEY"), SecretPower::CannotSpend);
        assert!(!roles.is_stale("KEY", NOW + 100_000_000));
        assert_eq!(roles.power_of("OTHER"), SecretPower::CanSpend);
    }
}
