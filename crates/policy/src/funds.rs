//! The one money rule, and whose money it is.
//!
//! Not here: how sums come about (that is `ledger`).

use crate::action::Price;
use crate::words::words;
use money::Usd;

/// What the session has used of its budget at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Settled, overruns included.
    pub spent: Usd,
    /// Held for what is not settled yet, open holds included.
    pub held: Usd,
}

impl Funds {
    /// What is left of a cap: never less than nothing.
    pub fn left(&self, cap: Usd) -> Usd {
        cap.saturating_sub(self.spent.saturating_add(self.held))
    }
}

/// Whether a price fits in what is left of a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// `spent + held + price <= cap`.
    Fits,
    /// The price is known and too high.
    Over,
    /// There is no price that could fit.
    NoPrice,
    /// There is no end to what it may cost.
    NoBound,
}

/// The one money rule: a price fits if it is known and `spent + held + price <= cap`.
///
/// Sums that are too large to hold do not fit.
pub fn fits(cap: Usd, funds: &Funds, price: &Price) -> Fit {
    match price {
        Price::Free => Fit::Fits,
        Price::AtMost(price) => {
            let sum = funds.spent.checked_add(funds.held).and_then(|used| used.checked_add(*price));
            if sum.is_some_and(|sum| sum <= cap) { Fit::Fits } else { Fit::Over }
        }
        Price::Unknown(_) => Fit::NoPrice,
        Price::Unbounded(_) => Fit::NoBound,
    }
}

/// Which of a session's sums a charge belongs to, for good, from the moment its hold is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    /// The budget of YOLO: counts against the cap.
    Budget,
    /// Spent in Plan or Agent by a person's yes: shown, never against the cap.
    Metered,
    /// Allowed by a person past the cap: shown apart, what was left stays left.
    PastCap,
}

words!(Purse { Budget = "budget", Metered = "metered", PastCap = "past-cap" });
