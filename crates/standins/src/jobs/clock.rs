//! The stand-in's clock: it starts at the system's time, may run faster, and can be moved forward.
//!
//! Not here: anything that waits. A clock never goes back, not even over a restart.

use super::calendar::Moment;
use std::time::{Duration, Instant, SystemTime};

/// The fastest that the clock may run.
pub(crate) const MAX_SPEED: u32 = 1_000_000;

/// A clock that runs `speed` times as fast as the system's; at 0 it stands until it is moved.
#[derive(Debug)]
pub(crate) struct Clock {
    real: Instant,
    shown: Moment,
    speed: u32,
}

impl Clock {
    /// Starts a clock at the system's time, or at `earliest` where that is later.
    pub(crate) fn starting(earliest: Moment, speed: u32) -> Clock {
        let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Clock {
            real: Instant::now(),
            shown: Moment::try_from(system).unwrap_or(0).max(earliest),
            speed: speed.min(MAX_SPEED),
        }
    }

    /// Reads the clock.
    pub(crate) fn now(&self) -> Moment {
        let real = Moment::try_from(self.real.elapsed().as_micros()).unwrap_or(Moment::MAX);
        let run = real.saturating_mul(Moment::from(self.speed)) / 1_000;
        self.shown.saturating_add(run)
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, seconds: u32) {
        self.shown = self.shown.saturating_add(Moment::from(seconds).saturating_mul(1_000));
    }

    /// Says how long somebody has to wait, in real time, until the clock shows `at`; `None` while it stands.
    pub(crate) fn wait_until(&self, at: Moment) -> Option<Duration> {
        let ahead = u64::try_from(at.saturating_sub(self.now())).unwrap_or(0);
        let micros = ahead.saturating_mul(1_000).checked_div(u64::from(self.speed))?;
        Some(Duration::from_micros(micros.saturating_add(1_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_moves_only_when_it_is_moved() {
        let mut clock = Clock::starting(0, 0);
        let before = clock.now();
        clock.advance(90);
        assert_eq!(clock.now(), before + 90_000);
        assert_eq!(clock.wait_until(before + 100_000), None);
    }

    #[test]
    fn a_clock_never_starts_before_the_moment_it_last_showed() {
        let later = Clock::starting(0, 0).now() + 1_000_000_000;
        assert_eq!(Clock::starting(later, 0).now(), later);
    }

    #[test]
    fn a_fast_clock_makes_waiting_short() {
        let clock = Clock::starting(0, 1_000);
        let wait = clock.wait_until(clock.now() + 3_600_000).unwrap();
        assert!(wait <= Duration::from_millis(3_601), "{wait:?}");
    }
}
