//! Days and moments as people write them, in universal time.
//!
//! Not here: the clock.

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The day that a text such as `2026-11-10` names, counted from 1970-01-01.
///
/// The arithmetic is that of the proleptic Gregorian calendar with years that begin in March, so that a leap day is the
/// last of its year.
pub fn day(text: &str) -> Option<i64> {
    let parts: Vec<i64> = text.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day] = parts[..] else { return None };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1970..=9999).contains(&year) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// A moment as `2026-11-22 08:33`.
pub fn moment(at_ms: i64) -> String {
    let (days, minutes) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS) / 60_000);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// How long ago something was, in words: `just now`, `3 minutes ago`, `12 days ago`.
pub fn ago(ms: i64) -> String {
    let minutes = ms / 60_000;
    let (count, unit) = match (minutes, minutes / 60, minutes / 60 / 24) {
        (..=0, ..) => return "just now".to_owned(),
        (minutes, 0, _) => (minutes, "minute"),
        (_, hours, 0) => (hours, "hour"),
        (_, _, days) => (days, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_its_midnight_are_the_same() {
        for (text, count) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-10", 20_767), ("2024-12-31", 20_088)]
        {
            assert_eq!(day(text), Some(count), "{text}");
            assert_eq!(moment(count * DAY_MS), format!("{text} 00:00"));
        }
        // Each day of some centuries is the one after the day before it.
        let all = (0..120_000).map(|count| moment(count * DAY_MS));
        for (count, text) in (0..).zip(all) {
            assert_eq!(day(&text[..10]), Some(count), "{text}");
        }
        assert_eq!(moment(20_779 * DAY_MS + 8 * 3_600_000 + 33 * 60_000 + 59_999), "2026-11-22 08:33");
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "2026", "2026-11", "2026-13-01", "2026-00-01", "2026-11-32", "x-1-1", "2026-11-10-1"] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn how_long_ago_is_told_in_the_largest_unit_that_fits() {
        let told = [-5, 59_999, 60_000, 3 * 60_000, 3_600_000, 7_200_000, DAY_MS, 12 * DAY_MS].map(ago);
        let expected = [
            "just now",
            "just now",
            "1 minute ago",
            "3 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "1 day ago",
            "12 days ago",
        ];
        assert_eq!(told, expected);
    }
}
