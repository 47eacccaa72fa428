//! How often an address has shown tokens that are none.
//!
//! Not here: what follows for one that is good, which is nothing: a token has 256 random bits and is not found by trying, so that
//! counting keeps the noise down, and must not keep out the person whom the noise is made beside.

use super::clock::MINUTE_MS;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// How many failures an address has free in a minute.
const FREE: u32 = 10;
/// How many addresses are remembered.
const REMEMBERED: usize = 1_024;

/// Failures by address.
#[derive(Debug, Default)]
pub(crate) struct Attempts(HashMap<IpAddr, Count>);

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    ends_ms: i64,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Nothing yet.
    Free,
    /// The next attempts count after so many seconds.
    Wait(u32),
}

impl Attempts {
    /// Counts a failure.
    pub(crate) fn failed(&mut self, from: IpAddr, now_ms: i64) -> Pace {
        let from = network(from);
        if !self.0.contains_key(&from) && self.0.len() >= REMEMBERED {
            self.0.retain(|_, count| count.ends_ms > now_ms);
            let first = self.0.iter().min_by_key(|(_, count)| count.ends_ms).map(|(address, _)| *address);
            if let Some(first) = first.filter(|_| self.0.len() >= REMEMBERED) {
                self.0.remove(&first);
            }
        }
        let fresh = Count { failures: 0, ends_ms: now_ms + MINUTE_MS };
        let count = self.0.entry(from).or_insert(fresh);
        if count.ends_ms <= now_ms {
            *count = fresh;
        }
        count.failures = count.failures.saturating_add(1);
        match count.failures {
            ..=FREE => Pace::Free,
            _more => Pace::Wait(u32::try_from((count.ends_ms - now_ms + 999) / 1_000).unwrap_or(60)),
        }
    }
}

/// One house has a whole network of addresses in IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_some_failures_a_minute_free() {
        let mut attempts = Attempts::default();
        let (one, other): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for _ in 0..FREE {
            assert_eq!(attempts.failed(one, 0), Pace::Free);
        }
        assert_eq!(attempts.failed(one, 0), Pace::Wait(60));
        assert_eq!(attempts.failed(one, 58_500), Pace::Wait(2));
        assert_eq!(attempts.failed(other, 0), Pace::Free);
        assert_eq!(attempts.failed(one, 60_000), Pace::Free);
    }

    #[test]
    fn a_network_of_one_house_counts_as_one_address() {
        let mut attempts = Attempts::default();
        let paces: Vec<Pace> =
            (0..=FREE).map(|at| attempts.failed(format!("2001:db8::{at}:1").parse().unwrap(), 0)).collect();
        assert_eq!(paces.last(), Some(&Pace::Wait(60)));
        assert_eq!(attempts.failed("2001:db8:0:1::1".parse().unwrap(), 0), Pace::Free);
    }

    #[test]
    fn it_remembers_no_more_than_it_has_room_for() {
        let mut attempts = Attempts::default();
        for at in 0..5_000_u32 {
            attempts.failed(IpAddr::V4(at.into()), i64::from(at));
        }
        assert_eq!(attempts.0.len(), REMEMBERED);
    }
}
