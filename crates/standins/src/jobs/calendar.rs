//! Moments as the jobs API writes them: milliseconds since 1970 in UTC, as dates and back.
//!
//! Not here: what time it is (that is the clock's), or time zones.

/// Milliseconds since the start of 1970, UTC.
pub(crate) type Moment = i64;

/// The milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// A moment, taken apart by the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    /// 0 is Sunday.
    pub(crate) weekday: u32,
}

/// Finds the date of a day, counted from 1970-01-01.
///
/// The calendar's 400 years have 146,097 days. Years are counted from March, so that the leap day comes last.
pub(crate) fn date_of_day(day: i64) -> Date {
    let from_march_0000 = day + 719_468;
    let era = from_march_0000.div_euclid(146_097);
    let day_of_era = from_march_0000.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Date {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month: u32::try_from(month).expect("a month is between 1 and 12"),
        day: u32::try_from(day_of_month).expect("a day is between 1 and 31"),
        weekday: u32::try_from((day + 4).rem_euclid(7)).expect("a weekday is between 0 and 6"),
    }
}

/// Writes a moment as the Hub does: `2025-07-16T20:35:12.808Z`.
pub(crate) fn iso(at: Moment) -> String {
    let date = date_of_day(at.div_euclid(DAY_MS));
    let (hour, minute, second) = clock_face(at);
    let millis = at.rem_euclid(1_000);
    let Date { year, month, day, .. } = date;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Writes a moment as HTTP's `Date` header does: `Wed, 16 Jul 2025 20:35:12 GMT`.
pub(crate) fn http_date(at: Moment) -> String {
    const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = date_of_day(at.div_euclid(DAY_MS));
    let (hour, minute, second) = clock_face(at);
    let weekday = WEEKDAYS[date.weekday as usize];
    let month = MONTHS[date.month as usize - 1];
    let Date { year, day, .. } = date;
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn clock_face(at: Moment) -> (i64, i64, i64) {
    let seconds = at.rem_euclid(DAY_MS) / 1_000;
    (seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_hub_and_as_http_write_it() {
        for (at, as_iso, as_http) in [
            (0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_752_698_112_808, "2025-07-16T20:35:12.808Z", "Wed, 16 Jul 2025 20:35:12 GMT"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z", "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(iso(at), as_iso);
            assert_eq!(http_date(at), as_http);
        }
    }

    #[test]
    fn the_days_of_eight_centuries_follow_each_other() {
        let mut before = date_of_day(-146_097);
        for day in -146_096..146_097 {
            let date = date_of_day(day);
            let next_day = (date.year, date.month, date.day) == (before.year, before.month, before.day + 1);
            let next_month = (date.year, date.month, date.day) == (before.year, before.month + 1, 1);
            let next_year = (date.year, date.month, date.day) == (before.year + 1, 1, 1);
            assert!(next_day || next_month || next_year, "{before:?} {date:?}");
            assert_eq!(date.weekday, (before.weekday + 1) % 7);
            before = date;
        }
    }
}
