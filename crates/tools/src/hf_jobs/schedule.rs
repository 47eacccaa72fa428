//! When a scheduled job comes due: five fields of cron, or one of the names that stand for them.
//!
//! Not here: when that is next; the Hub keeps the time.

use std::fmt;

const NAMES: [&str; 6] = ["@annually", "@yearly", "@monthly", "@weekly", "@daily", "@hourly"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A schedule that the Hub can be expected to understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule(String);

impl Schedule {
    /// Reads a schedule; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Schedule, String> {
        if NAMES.contains(&text) {
            return Ok(Schedule(text.to_owned()));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let names = NAMES.join(" ");
            return Err(format!("`schedule` must be one of {names}, or five fields of cron such as `0 3 * * 1`"));
        };
        check("minute", minute, 0..=59, &[])?;
        check("hour", hour, 0..=23, &[])?;
        check("day", day, 1..=31, &[])?;
        check("month", month, 1..=12, &MONTHS)?;
        check("weekday", weekday, 0..=7, &WEEKDAYS)?;
        Ok(Schedule(fields.join(" ")))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks one field: a list of `*`, a value or a range, each with an optional `/step`.
fn check(what: &str, field: &str, span: std::ops::RangeInclusive<u8>, names: &[&str]) -> Result<(), String> {
    let value = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let number = match named {
            Some(at) => u8::try_from(at).ok().and_then(|at| at.checked_add(u8::from(*span.start() == 1))),
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        number.filter(|number| span.contains(number))
    };
    let is_part = |part: &str| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let range_is_right = match range.split_once('-') {
            _ if range == "*" => true,
            Some((from, to)) => value(from).is_some_and(|from| value(to).is_some_and(|to| from <= to)),
            None => value(range).is_some(),
        };
        let digits = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
        range_is_right
            && step.is_none_or(|step| Some(step).filter(digits).is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n > 0)))
    };
    if field.split(',').all(is_part) {
        return Ok(());
    }
    Err(format!(
        "the {what} `{field}` of `schedule` is not `*`, a number of {span:?}, a range, a list or a step of them"
    ))
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn names_and_five_fields_are_schedules() {
        for text in ["@hourly", "@yearly", "* * * * *", "*/5 0-6,12 1,15 * mon-fri", "0 3 31 DEC 7", "0 0/2 * jan 0"] {
            assert_eq!(Schedule::parse(text).map(|schedule| schedule.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(Schedule::parse(" 0  3 * *\t1 ").map(|schedule| schedule.to_string()), Ok("0 3 * * 1".to_owned()));
    }

    #[test]
    fn what_is_no_schedule_says_which_field_is_wrong() {
        for (text, says) in [
            ("", "five fields"),
            ("@reboot", "five fields"),
            ("@Hourly", "five fields"),
            ("0 3 * *", "five fields"),
            ("0 3 * * * *", "five fields"),
            ("60 3 * * *", "minute `60`"),
            ("-1 3 * * *", "minute `-1`"),
            ("0 24 * * *", "hour `24`"),
            ("0 3 0 * *", "day `0`"),
            ("0 3 * 13 *", "month `13`"),
            ("0 3 * mon *", "month `mon`"),
            ("0 3 * * 8", "weekday `8`"),
            ("0 3 * * fri-mon", "weekday `fri-mon`"),
            ("*/0 3 * * *", "minute `*/0`"),
            ("*/+1 3 * * *", "minute `*/+1`"),
            ("1, 3 * * *", "minute `1,`"),
            ("1;rm 3 * * *", "minute `1;rm`"),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
