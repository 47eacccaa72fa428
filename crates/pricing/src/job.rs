//! What a job may cost at most before it starts, and what it has cost when it is over.
//!
//! Not here: what hardware costs, or reading a timeout.
//!
//! Time is billed by the started minute. Both sums multiply first and divide once, rounding up, so that no price is
//! ever below what the job can cost.

use crate::hardware::{Hardware, UnitPrice};
use crate::timeout::Timeout;
use money::Usd;
use policy::Price;
use std::num::NonZeroU32;

/// What ports that the outside can reach cost by the hour, however many there are: 0.01 USD.
const PORTS_PER_HOUR: Usd = match Usd::from_micros(10_000) {
    Some(usd) => usd,
    None => panic!("a cent is an amount of dollars"),
};
const MINUTES_PER_HOUR: u32 = 60;

/// Whether the outside can reach a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// It cannot.
    Closed,
    /// It can, by one port or more: that costs a flat price by the hour.
    Exposed,
}

/// How long a job ran, as the service that ran it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elapsed {
    /// The seconds that the service counts as running.
    pub running_secs: Option<u64>,
    /// The milliseconds between its start and its finish.
    pub start_to_finish_ms: Option<u64>,
}

impl Elapsed {
    /// The longer of the two, in seconds, a part of a second counting as a whole one; `None` when neither is known.
    pub fn seconds(self) -> Option<u64> {
        self.running_secs.max(self.start_to_finish_ms.map(|ms| ms.div_ceil(1_000)))
    }
}

impl Hardware {
    /// What a job on this hardware may cost at most: [`Price::Unknown`] when the hardware has no price.
    pub fn job_price(&self, flavor: &str, timeout: Timeout, attempts: NonZeroU32, ports: Ports) -> Price {
        match self.price_of(flavor) {
            Some(unit) => job_price(unit, timeout, attempts, ports),
            None => Price::Unknown(format!("`{flavor}` is not among {}", self.source())),
        }
    }
}

/// What a job may cost at most: the price of every minute that all its attempts can start, rounded up once.
///
/// A price too large to hold is [`Price::Unknown`], which fits in no cap.
pub fn job_price(unit: UnitPrice, timeout: Timeout, attempts: NonZeroU32, ports: Ports) -> Price {
    let minutes = timeout.minutes().checked_mul(u64::from(attempts.get()));
    match minutes.and_then(|minutes| cost_of(unit, ports, minutes)) {
        Some(usd) => Price::AtMost(usd),
        None => Price::Unknown("the price is too large to be held".to_owned()),
    }
}

/// What a job has cost: the price of every minute that it started.
///
/// `None` when it is not known how long it ran, or when the sum is too large to hold.
pub fn settlement(unit: UnitPrice, ports: Ports, elapsed: Elapsed) -> Option<Usd> {
    cost_of(unit, ports, elapsed.seconds()?.div_ceil(60))
}

/// Multiplies before the one division. Hardware and ports are added as fractions of one denominator, so that two
/// roundings cannot add up.
fn cost_of(unit: UnitPrice, ports: Ports, minutes: u64) -> Option<Usd> {
    let per = u64::from(unit.per_minutes().get());
    match ports {
        Ports::Closed => unit.usd().times_ratio_ceil(minutes, per),
        Ports::Exposed => {
            let hour = u64::from(MINUTES_PER_HOUR);
            let both = unit.usd().checked_mul(hour)?.checked_add(PORTS_PER_HOUR.checked_mul(per)?)?;
            both.times_ratio_ceil(minutes, per.checked_mul(hour)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn attempts(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    fn quote(flavor: &str, timeout: &str, tries: u32, ports: Ports) -> Price {
        let timeout = Timeout::parse(timeout).unwrap();
        Hardware::documented().job_price(flavor, timeout, attempts(tries), ports)
    }

    fn at_most(text: &str) -> Price {
        Price::AtMost(usd(text))
    }

    #[test]
    fn a_job_is_priced_by_the_started_minute_of_every_attempt() {
        for (flavor, timeout, tries, price) in [
            ("a10g-small", "1h", 1, "1.00"),
            ("h200", "1h", 1, "5.00"),
            ("h200", "61m", 1, "5.083333333334"),
            ("cpu-basic", "1m", 1, "0.000166666667"),
            ("cpu-basic", "1s", 1, "0.000166666667"),
            ("cpu-basic", "61s", 1, "0.000333333334"),
            ("cpu-basic", "30m", 1, "0.005"),
            ("cpu-basic", "20m", 3, "0.01"),
            ("a100-large", "90s", 2, "0.166666666667"),
        ] {
            assert_eq!(quote(flavor, timeout, tries, Ports::Closed), at_most(price), "{flavor} {timeout} {tries}");
        }
    }

    #[test]
    fn exposed_ports_cost_a_cent_an_hour_more_rounded_once() {
        assert_eq!(quote("a10g-small", "1h", 1, Ports::Exposed), at_most("1.01"));
        assert_eq!(quote("cpu-basic", "1m", 1, Ports::Exposed), at_most("0.000333333334"));
        let by_the_minute = UnitPrice::new(usd("0.016667"), 1).unwrap();
        let hour = Timeout::parse("1h").unwrap();
        assert_eq!(job_price(by_the_minute, hour, attempts(1), Ports::Exposed), at_most("1.01002"));
    }

    #[test]
    fn hardware_without_a_price_is_unknown_and_says_which() {
        let Price::Unknown(why) = quote("quantum-x1", "1h", 1, Ports::Closed) else { panic!("it has no price") };
        assert_eq!(why, "`quantum-x1` is not among the documented prices of 2026-11");
    }

    #[test]
    fn a_price_past_all_money_is_unknown_and_never_wraps() {
        let dear = UnitPrice::new(Usd::MAX, 1).unwrap();
        for ports in [Ports::Closed, Ports::Exposed] {
            let price = job_price(dear, Timeout::MOST, attempts(u32::MAX), ports);
            assert!(matches!(price, Price::Unknown(_)), "{price}");
        }
    }

    #[test]
    fn a_job_settles_at_the_longer_of_its_two_times_in_started_minutes() {
        let unit = UnitPrice::new(usd("1"), 60).unwrap();
        for (running_secs, start_to_finish_ms, minutes) in [
            (Some(10), Some(12_000), Some(1)),
            (Some(60), Some(60_001), Some(2)),
            (Some(61), Some(0), Some(2)),
            (Some(60), None, Some(1)),
            (None, Some(1), Some(1)),
            (Some(0), Some(0), Some(0)),
            (None, None, None),
        ] {
            let elapsed = Elapsed { running_secs, start_to_finish_ms };
            let cost = minutes.and_then(|minutes| usd("1").times_ratio_ceil(minutes, 60));
            assert_eq!(settlement(unit, Ports::Closed, elapsed), cost, "{elapsed:?}");
        }
    }

    fn any_unit() -> impl Strategy<Value = UnitPrice> {
        (1_i64..=1_500_000_000_000, 1_u32..=100_000)
            .prop_map(|(picos, per)| UnitPrice::new(Usd::from_picos(picos).unwrap(), per).unwrap())
    }

    fn any_timeout() -> impl Strategy<Value = Timeout> {
        (1..=Timeout::MOST.seconds()).prop_map(|seconds| Timeout::parse(&seconds.to_string()).unwrap())
    }

    fn any_ports() -> impl Strategy<Value = Ports> {
        prop_oneof![Just(Ports::Closed), Just(Ports::Exposed)]
    }

    fn bound(price: Price) -> Usd {
        match price {
            Price::AtMost(usd) => usd,
            other => panic!("these are small enough to have a price: {other}"),
        }
    }

    proptest! {
        #[test]
        fn a_price_is_never_below_what_the_job_can_cost(
            unit in any_unit(), timeout in any_timeout(), tries in 1_u32..=10, ports in any_ports(), part in 0_u64..=1_000,
        ) {
            let price = bound(job_price(unit, timeout, attempts(tries), ports));
            let longest = timeout.seconds() * u64::from(tries);
            let seconds = longest / 1_000 * part + longest % 1_000 * part / 1_000;
            let elapsed = Elapsed { running_secs: Some(seconds), start_to_finish_ms: Some(seconds * 1_000) };
            let cost = settlement(unit, ports, elapsed).unwrap();
            prop_assert!(cost <= price, "{} > {}", cost, price);
            // The same cost by the second, without any rounding: price * 60 * per >= unit * seconds (+ ports).
            let per = u128::from(unit.per_minutes().get());
            let picos = |usd: Usd| u128::try_from(usd.picos()).unwrap();
            let flat = if ports == Ports::Exposed { picos(PORTS_PER_HOUR) } else { 0 };
            let true_cost = (picos(unit.usd()) * 60 + flat * per) * u128::from(seconds);
            prop_assert!(picos(price) * 3_600 * per >= true_cost);
        }

        #[test]
        fn a_price_is_the_exact_product_rounded_up_once(
            unit in any_unit(), timeout in any_timeout(), tries in 1_u32..=10, ports in any_ports(),
        ) {
            let price = bound(job_price(unit, timeout, attempts(tries), ports));
            let per = u128::from(unit.per_minutes().get());
            let flat = if ports == Ports::Exposed { 10_000_000_000 * per } else { 0 };
            let both = u128::try_from(unit.usd().picos()).unwrap() * 60 + flat;
            let exact = both * u128::from(timeout.seconds().div_ceil(60)) * u128::from(tries);
            prop_assert_eq!(u128::try_from(price.picos()).unwrap(), exact.div_ceil(per * 60));
            prop_assert!(price > Usd::ZERO);
        }

        #[test]
        fn more_time_or_more_attempts_never_cost_less(
            unit in any_unit(), timeout in any_timeout(), tries in 1_u32..=10, ports in any_ports(), longer in any_timeout(),
        ) {
            let price = |timeout, tries| bound(job_price(unit, timeout, attempts(tries), ports));
            let (short, long) = (timeout.min(longer), timeout.max(longer));
            prop_assert!(price(short, tries) <= price(long, tries));
            prop_assert!(price(short, tries) < price(short, tries + 1));
            prop_assert!(bound(job_price(unit, short, attempts(tries), Ports::Closed)) <= price(short, tries));
        }

        #[test]
        fn no_price_wraps_or_is_zero(picos in 1..=i64::MAX, per in 1..=u32::MAX, timeout in any_timeout(), tries in 1..=u32::MAX, ports in any_ports()) {
            let unit = UnitPrice::new(Usd::from_picos(picos).unwrap(), per).unwrap();
            match job_price(unit, timeout, attempts(tries), ports) {
                Price::AtMost(price) => {
                    let minutes = u128::from(timeout.minutes()) * u128::from(tries);
                    let least = u128::try_from(picos).unwrap() * minutes / u128::from(per);
                    prop_assert!(price > Usd::ZERO && u128::try_from(price.picos()).unwrap() >= least);
                }
                Price::Unknown(_) => {}
                other => prop_assert!(false, "{}", other),
            }
        }
    }
}
