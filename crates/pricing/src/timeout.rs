//! How long a job may run: the one reader of timeouts.
//!
//! Not here: what the time costs.
//!
//! What is priced and what is sent are the same value, so everything that takes a timeout takes a [`Timeout`]: whole
//! seconds, read from digits and never through a float.

use serde_json::Value;
use std::fmt;

/// The most digits after the point that are read; more is a mistake, not a timeout.
const MOST_DECIMALS: usize = 18;

/// How long one attempt of a job may run: at least one second and at most [`Timeout::MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(u64);

/// Why something is no timeout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutError {
    /// It is no number of seconds and no text like `30m`.
    #[error("`{0}` is no timeout; write seconds, or digits with a unit s, m, h or d, like 300 or \"1.5h\"")]
    NotADuration(String),
    /// It is zero.
    #[error("a timeout of zero would end the job before it starts; leave it out for 30 minutes")]
    Zero,
    /// It is below zero.
    #[error("a timeout cannot be negative, as `{0}` is")]
    Negative(String),
    /// It has no end.
    #[error("`{0}` has no end, and a job needs one; the longest timeout is 365d")]
    Infinite(String),
    /// It is past [`Timeout::MOST`].
    #[error("`{0}` is too long; the longest timeout is 365d")]
    TooLong(String),
}

impl Timeout {
    /// What is sent, and priced, when no timeout is given: 30 minutes.
    pub const DEFAULT: Timeout = Timeout(1_800);
    /// The longest there is: 365 days.
    pub const MOST: Timeout = Timeout(365 * 86_400);

    /// Reads a timeout from JSON: a number means seconds, and a text is read as [`Timeout::parse`] does.
    ///
    /// What is absent is [`Timeout::DEFAULT`]. A number is read from its digits.
    pub fn read(given: Option<&Value>) -> Result<Timeout, TimeoutError> {
        match given {
            None | Some(Value::Null) => Ok(Timeout::DEFAULT),
            Some(Value::String(text)) => Timeout::parse(text),
            Some(Value::Number(number)) => {
                let text = number.to_string();
                // A number can only be written with an exponent when it is absurdly small or absurdly large.
                if text.contains('e') { Err(TimeoutError::NotADuration(text)) } else { Timeout::parse(&text) }
            }
            Some(other) => Err(TimeoutError::NotADuration(shortened(&other.to_string()))),
        }
    }

    /// Reads digits with an optional fraction and an optional unit `s`, `m`, `h` or `d`; without a unit it is seconds.
    /// A part of a second counts as a whole one.
    pub fn parse(text: &str) -> Result<Timeout, TimeoutError> {
        if let Some(rest) = text.strip_prefix('-') {
            return Err(match Timeout::parse(rest) {
                Ok(_) | Err(TimeoutError::TooLong(_) | TimeoutError::Infinite(_)) => {
                    TimeoutError::Negative(shortened(text))
                }
                Err(TimeoutError::Zero) => TimeoutError::Zero,
                Err(_) => TimeoutError::NotADuration(shortened(text)),
            });
        }
        if ["inf", "infinity", "infinite"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Err(TimeoutError::Infinite(shortened(text)));
        }
        let wrong = || TimeoutError::NotADuration(shortened(text));
        let (number, seconds_each) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1),
            Some(b'm') => (&text[..text.len() - 1], 60),
            Some(b'h') => (&text[..text.len() - 1], 3_600),
            Some(b'd') => (&text[..text.len() - 1], 86_400),
            _ => (text, 1),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((_, "")) => return Err(wrong()),
            Some(parts) => parts,
            None => (number, ""),
        };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > MOST_DECIMALS {
            return Err(wrong());
        }
        // At most 8 digits for MOST; one more is enough to tell what is past it.
        let whole = whole.trim_start_matches('0');
        if whole.len() > 9 {
            return Err(TimeoutError::TooLong(shortened(text)));
        }
        let scaled: u128 = format!("{whole}{fraction:0<MOST_DECIMALS$}").parse().map_err(|_| wrong())?;
        let seconds = (scaled * seconds_each).div_ceil(10_u128.pow(MOST_DECIMALS as u32));
        match u64::try_from(seconds) {
            Ok(0) => Err(TimeoutError::Zero),
            Ok(seconds) if seconds <= Timeout::MOST.0 => Ok(Timeout(seconds)),
            Ok(_) | Err(_) => Err(TimeoutError::TooLong(shortened(text))),
        }
    }

    /// The whole seconds: what is sent as `timeoutSeconds`.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The minutes that have started when it is over: what is priced.
    pub const fn minutes(self) -> u64 {
        self.0.div_ceil(60)
    }
}

/// Keeps what a model wrote short enough for a message.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Timeout {
    /// Writes `90s`, `30m` or `2h`: the largest unit of which it is a whole number. It reads back the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            hours if hours % 3_600 == 0 => write!(f, "{}h", hours / 3_600),
            minutes if minutes % 60 == 0 => write!(f, "{}m", minutes / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_number_is_seconds_and_a_text_has_a_unit() {
        for (given, seconds) in [
            (json!(300), 300),
            (json!("300"), 300),
            (json!("5m"), 300),
            (json!("2h"), 7_200),
            (json!("1d"), 86_400),
            (json!("45s"), 45),
            (json!("1.5h"), 5_400),
            (json!("0.5"), 1),
            (json!("0.01m"), 1),
            (json!(90.5), 91),
            (json!(90.0), 90),
            (json!("007m"), 420),
            (json!("365d"), 31_536_000),
            (json!("1.000000000000000001s"), 2),
            (json!("1.000000000000000000000000s"), 1),
            (Value::Null, 1_800),
        ] {
            assert_eq!(Timeout::read(Some(&given)).map(Timeout::seconds), Ok(seconds), "{given}");
        }
        assert_eq!(Timeout::read(None), Ok(Timeout::DEFAULT));
    }

    #[test]
    fn what_is_no_timeout_says_why() {
        use TimeoutError::*;
        let same = |kind: fn(String) -> TimeoutError, text: &str| kind(text.to_owned());
        for (given, why) in [
            (json!(0), Zero),
            (json!("0"), Zero),
            (json!("0.000h"), Zero),
            (json!("-0"), Zero),
            (json!(0.0), Zero),
            (json!(-5), same(Negative, "-5")),
            (json!("-1.5h"), same(Negative, "-1.5h")),
            (json!("-inf"), same(Negative, "-inf")),
            (json!("inf"), same(Infinite, "inf")),
            (json!("Infinity"), same(Infinite, "Infinity")),
            (json!("NaN"), same(NotADuration, "NaN")),
            (json!("soon"), same(NotADuration, "soon")),
            (json!(""), same(NotADuration, "")),
            (json!("h"), same(NotADuration, "h")),
            (json!("5."), same(NotADuration, "5.")),
            (json!(".5h"), same(NotADuration, ".5h")),
            (json!("+5"), same(NotADuration, "+5")),
            (json!("1e3"), same(NotADuration, "1e3")),
            (json!("1_000"), same(NotADuration, "1_000")),
            (json!("5 m"), same(NotADuration, "5 m")),
            (json!(" 5m"), same(NotADuration, " 5m")),
            (json!("5M"), same(NotADuration, "5M")),
            (json!("5mm"), same(NotADuration, "5mm")),
            (json!("1.2.3"), same(NotADuration, "1.2.3")),
            (json!("٣"), same(NotADuration, "٣")),
            (json!("--5"), same(NotADuration, "--5")),
            (json!(true), same(NotADuration, "true")),
            (json!(["5m"]), same(NotADuration, "[\"5m\"]")),
            (json!("366d"), same(TooLong, "366d")),
            (json!("31536001"), same(TooLong, "31536001")),
            (json!("31536000.1"), same(TooLong, "31536000.1")),
            (json!(u64::MAX), same(TooLong, "18446744073709551615")),
            (json!("99999999999999999999999999999999d"), same(TooLong, "99999999999999999999999999999999d")),
        ] {
            assert_eq!(Timeout::read(Some(&given)), Err(why), "{given}");
        }
        assert!(matches!(Timeout::read(Some(&json!(1e300))), Err(NotADuration(_))));
        assert!(matches!(Timeout::read(Some(&json!(1e-300))), Err(NotADuration(_))));
    }

    #[test]
    fn an_error_shows_no_more_than_a_line_of_what_was_written() {
        let error = Timeout::parse(&"é".repeat(10_000)).unwrap_err().to_string();
        assert!(error.len() < 300, "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,60}") {
            let _ = Timeout::parse(&text);
        }

        #[test]
        fn what_is_sent_is_never_less_than_what_was_asked(whole in 0_u64..400_000, milli in 0_u64..1_000, unit in 0_usize..4) {
            let (letter, each) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)][unit];
            let asked_ms = (whole * 1_000 + milli) * each;
            match Timeout::parse(&format!("{whole}.{milli:03}{letter}")) {
                Ok(timeout) => prop_assert_eq!(timeout.seconds(), asked_ms.div_ceil(1_000)),
                Err(TimeoutError::Zero) => prop_assert_eq!(asked_ms, 0),
                Err(TimeoutError::TooLong(_)) => prop_assert!(asked_ms > Timeout::MOST.seconds() * 1_000),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }

        #[test]
        fn what_is_printed_reads_back_the_same(seconds in 1..=Timeout::MOST.seconds()) {
            let timeout = Timeout::parse(&seconds.to_string()).unwrap();
            prop_assert_eq!(Timeout::parse(&timeout.to_string()), Ok(timeout));
        }
    }
}
