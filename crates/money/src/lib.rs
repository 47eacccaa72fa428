//! An amount of US dollars, exact to a pico-dollar, and its arithmetic.
//!
//! Not here: what anything costs (that is `pricing`).
//!
//! A token's price is as small as $0.000000014, so cents, and even micro-dollars, round; tokens times a price in
//! pico-dollars is exact. What has to be rounded is rounded up, so that no bound is ever too low.

use std::fmt;
use std::str::FromStr;

/// Pico-dollars in a dollar.
const PICOS: i64 = 1_000_000_000_000;
/// Digits after the point that a pico-dollar can hold.
const DECIMALS: usize = 12;

/// An amount of US dollars that is never negative: 0 to about $9.2 million, in steps of $1e-12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

impl Usd {
    /// No money.
    pub const ZERO: Usd = Usd(0);
    /// The largest amount there is.
    pub const MAX: Usd = Usd(i64::MAX);

    /// Makes an amount from whole pico-dollars; `None` when negative.
    pub const fn from_picos(picos: i64) -> Option<Usd> {
        if picos < 0 { None } else { Some(Usd(picos)) }
    }

    /// Makes an amount from whole micro-dollars, the unit of several price lists; `None` when negative or too large.
    pub const fn from_micros(micros: i64) -> Option<Usd> {
        match micros.checked_mul(1_000_000) {
            Some(picos) => Usd::from_picos(picos),
            None => None,
        }
    }

    /// The amount in pico-dollars, never negative.
    pub const fn picos(self) -> i64 {
        self.0
    }

    /// Adds; `None` when the sum is past [`Usd::MAX`].
    pub const fn checked_add(self, other: Usd) -> Option<Usd> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Usd(sum)),
            None => None,
        }
    }

    /// Adds, stopping at [`Usd::MAX`].
    ///
    /// A sum that is too large to hold is also too large for every cap, so stopping there refuses, never allows.
    pub const fn saturating_add(self, other: Usd) -> Usd {
        Usd(self.0.saturating_add(other.0))
    }

    /// Subtracts, stopping at zero: what is left of a cap that was overrun is nothing, not less than nothing.
    pub const fn saturating_sub(self, other: Usd) -> Usd {
        if other.0 >= self.0 { Usd(0) } else { Usd(self.0 - other.0) }
    }

    /// Multiplies by a count; `None` when the product is past [`Usd::MAX`].
    pub fn checked_mul(self, count: u64) -> Option<Usd> {
        self.times_ratio_ceil(count, 1)
    }

    /// Multiplies by `numerator / denominator`, in 128 bits, rounding up once at the end.
    ///
    /// `None` when the denominator is zero or the result is past [`Usd::MAX`].
    pub fn times_ratio_ceil(self, numerator: u64, denominator: u64) -> Option<Usd> {
        if denominator == 0 {
            return None;
        }
        let product = u128::try_from(self.0).ok()?.checked_mul(u128::from(numerator))?;
        i64::try_from(product.div_ceil(u128::from(denominator))).ok().map(Usd)
    }
}

/// Why a text is not an amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseUsdError {
    /// There is nothing, or something that is no plain decimal number (`5`, `0.25`, `.5`).
    NotANumber,
    /// The number is below zero.
    Negative,
    /// More than twelve digits after the point.
    TooFine,
    /// Past [`Usd::MAX`].
    TooLarge,
}

impl fmt::Display for ParseUsdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseUsdError::NotANumber => "not an amount of dollars; write it like `5` or `0.25`",
            ParseUsdError::Negative => "an amount of dollars cannot be negative",
            ParseUsdError::TooFine => "an amount of dollars has at most twelve digits after the point",
            ParseUsdError::TooLarge => "the amount is too large; at most 9223372 dollars can be written",
        })
    }
}

impl std::error::Error for ParseUsdError {}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Reads a plain decimal number, exactly: digits with an optional point, no sign, exponent, separator or `$`.
    fn from_str(text: &str) -> Result<Usd, ParseUsdError> {
        if let Some(rest) = text.strip_prefix('-') {
            let is_number = rest.parse::<Usd>().is_ok();
            return Err(if is_number { ParseUsdError::Negative } else { ParseUsdError::NotANumber });
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return Err(ParseUsdError::NotANumber);
        }
        if fraction.len() > DECIMALS {
            return Err(ParseUsdError::TooFine);
        }
        let dollars: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| ParseUsdError::TooLarge)? };
        let below: i64 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| ParseUsdError::NotANumber)?;
        let picos = dollars.checked_mul(PICOS).and_then(|p| p.checked_add(below));
        picos.map(Usd).ok_or(ParseUsdError::TooLarge)
    }
}

impl fmt::Display for Usd {
    /// Writes `1.20`: at least two digits after the point, and as many more as the amount has. Reading it back gives
    /// the same amount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:012}", self.0 % PICOS);
        let significant = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / PICOS, &fraction[..significant])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_is_read_exactly() {
        assert_eq!(usd("5").picos(), 5_000_000_000_000);
        assert_eq!(usd("0.000000000001").picos(), 1);
        assert_eq!(usd(".5").picos(), 500_000_000_000);
        assert_eq!(usd("9223372.036854775807"), Usd::MAX);
    }

    #[test]
    fn what_is_no_amount_says_why() {
        for (text, why) in [
            ("", ParseUsdError::NotANumber),
            (".", ParseUsdError::NotANumber),
            ("5.", ParseUsdError::NotANumber),
            ("$5", ParseUsdError::NotANumber),
            ("1e3", ParseUsdError::NotANumber),
            ("+1", ParseUsdError::NotANumber),
            ("NaN", ParseUsdError::NotANumber),
            ("1,000", ParseUsdError::NotANumber),
            ("-", ParseUsdError::NotANumber),
            ("--1", ParseUsdError::NotANumber),
            ("-0.01", ParseUsdError::Negative),
            ("0.0000000000001", ParseUsdError::TooFine),
            ("9223372.036854775808", ParseUsdError::TooLarge),
            ("99999999999999999999999", ParseUsdError::TooLarge),
        ] {
            let words = why.to_string();
            assert!(words.starts_with("not an amount") || words.contains("amount "), "{words}");
            assert_eq!(text.parse::<Usd>(), Err(why), "{text}");
        }
    }

    #[test]
    fn an_amount_is_printed_with_two_digits_or_as_many_as_it_has() {
        for text in ["0.00", "1.20", "5.00", "0.000167", "9223372.036854775807", "0.000000000001"] {
            assert_eq!(usd(text).to_string(), text);
        }
    }

    #[test]
    fn micros_and_picos_below_zero_or_past_the_end_are_no_amount() {
        assert_eq!(Usd::from_micros(167), Some(usd("0.000167")));
        assert_eq!(Usd::from_micros(-1), None);
        assert_eq!(Usd::from_micros(i64::MAX), None);
        assert_eq!(Usd::from_picos(-1), None);
        assert_eq!(Usd::from_picos(0), Some(Usd::ZERO));
    }

    #[test]
    fn arithmetic_stops_at_its_ends() {
        assert_eq!(Usd::MAX.checked_add(usd("0.000000000001")), None);
        assert_eq!(usd("1").checked_add(usd("2")), Some(usd("3")));
        assert_eq!(Usd::MAX.saturating_add(Usd::MAX), Usd::MAX);
        assert_eq!(usd("1").saturating_sub(usd("2")), Usd::ZERO);
        assert_eq!(usd("2").saturating_sub(usd("0.5")), usd("1.5"));
        assert_eq!(usd("2").checked_mul(3), Some(usd("6")));
        assert_eq!(Usd::MAX.checked_mul(2), None);
    }

    #[test]
    fn a_ratio_is_rounded_up_once() {
        assert_eq!(usd("1").times_ratio_ceil(1, 3), Some(usd("0.333333333334")));
        assert_eq!(usd("1").times_ratio_ceil(2, 2), Some(usd("1")));
        assert_eq!(usd("1").times_ratio_ceil(1, 0), None);
        assert_eq!(Usd::MAX.times_ratio_ceil(u64::MAX, u64::MAX), Some(Usd::MAX));
        assert_eq!(Usd::MAX.times_ratio_ceil(u64::MAX, 1), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(picos in 0..=i64::MAX) {
            let amount = Usd::from_picos(picos).unwrap();
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Usd>();
        }
    }
}
