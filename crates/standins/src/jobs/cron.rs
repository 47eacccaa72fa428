//! When a schedule is due: five fields of cron, or one of the names that stand for them.
//!
//! Not here: starting anything. Names of months and weekdays, which some crons know, are not understood.

use super::calendar::{DAY_MS, Moment, date_of_day};

/// A schedule, as sets of the minutes, hours, days, months and weekdays that it names; bit n stands for n.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    day_rule: DayRule,
}

/// How the two fields that name days go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DayRule {
    /// One of them is `*`: both must hold, which is the other one.
    Both,
    /// Neither is: one of them is enough, as cron has always done it.
    Either,
}

impl Cron {
    /// Reads `@hourly` and the like, or `minute hour day month weekday`.
    pub(crate) fn parse(text: &str) -> Result<Cron, String> {
        let fields = match text.trim() {
            "@annually" | "@yearly" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!("`{text}` is neither a known schedule nor five fields of cron"));
        };
        let both = day.starts_with('*') || weekday.starts_with('*');
        let mut weekdays = field(weekday, 0, 7)?;
        if weekdays & (1 << 7) != 0 {
            weekdays = (weekdays | 1) & !(1 << 7);
        }
        let cron = Cron {
            minutes: field(minute, 0, 59)?,
            hours: field(hour, 0, 23)?,
            days: field(day, 1, 31)?,
            months: field(month, 1, 12)?,
            weekdays,
            day_rule: if both { DayRule::Both } else { DayRule::Either },
        };
        match cron.next_after(0) {
            Some(_) => Ok(cron),
            None => Err(format!("`{text}` never comes")),
        }
    }

    /// Finds the first minute after `at` that the schedule names; `None` if there is none within nine years.
    pub(crate) fn next_after(&self, at: Moment) -> Option<Moment> {
        let first_minute = at.div_euclid(60_000) + 1;
        let first_day = first_minute.div_euclid(1_440);
        for day in first_day..first_day + 9 * 366 {
            if !self.names_day(day) {
                continue;
            }
            let from = if day == first_day { first_minute.rem_euclid(1_440) } else { 0 };
            let named =
                |minute: &i64| has(self.hours, minute.div_euclid(60)) && has(self.minutes, minute.rem_euclid(60));
            if let Some(minute) = (from..1_440).find(named) {
                return Some(day * DAY_MS + minute * 60_000);
            }
        }
        None
    }

    fn names_day(&self, day: i64) -> bool {
        let date = date_of_day(day);
        let by_day = has(self.days, i64::from(date.day));
        let by_weekday = has(self.weekdays, i64::from(date.weekday));
        has(self.months, i64::from(date.month))
            && match self.day_rule {
                DayRule::Both => by_day && by_weekday,
                DayRule::Either => by_day || by_weekday,
            }
    }
}

fn has(set: u64, bit: i64) -> bool {
    set & (1 << bit) != 0
}

/// Reads one field: `*`, `3`, `1-5`, any of them with `/2`, and lists of those.
fn field(text: &str, low: u32, high: u32) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a field of cron between {low} and {high}");
    let number = |digits: &str| -> Result<u32, String> {
        match digits.parse() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(wrong()),
        }
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().map_err(|_| wrong())?),
            None => (part, 1),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (low, high),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (single, None) if part.contains('/') => (number(single)?, high),
            (single, None) => (number(single)?, number(single)?),
        };
        if step == 0 || from > to {
            return Err(wrong());
        }
        for bit in (from..=to).step_by(step as usize) {
            set |= 1 << bit;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::calendar::iso;

    /// 2025-07-16T20:35:12.808Z, a Wednesday.
    const NOW: Moment = 1_752_698_112_808;

    #[test]
    fn the_next_run_is_the_first_minute_that_every_field_names() {
        for (schedule, expected) in [
            ("@hourly", "2025-07-16T21:00:00.000Z"),
            ("@daily", "2025-07-17T00:00:00.000Z"),
            ("@weekly", "2025-07-20T00:00:00.000Z"),
            ("@monthly", "2025-08-01T00:00:00.000Z"),
            ("@yearly", "2026-01-01T00:00:00.000Z"),
            ("@annually", "2026-01-01T00:00:00.000Z"),
            ("* * * * *", "2025-07-16T20:36:00.000Z"),
            ("*/15 * * * *", "2025-07-16T20:45:00.000Z"),
            ("0 9 * * 1", "2025-07-21T09:00:00.000Z"),
            ("0 9 * * 7", "2025-07-20T09:00:00.000Z"),
            ("0 9-17/4 * * 1-5", "2025-07-17T09:00:00.000Z"),
            ("35,36 20 16 7 *", "2025-07-16T20:36:00.000Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00.000Z"),
            ("0 0 1 * 5", "2025-07-18T00:00:00.000Z"),
        ] {
            let next = Cron::parse(schedule).unwrap().next_after(NOW).unwrap();
            assert_eq!(iso(next), expected, "{schedule}");
        }
    }

    #[test]
    fn a_schedule_that_is_malformed_or_never_comes_is_refused() {
        for schedule in [
            "",
            "@sometimes",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "0 0 31 2 *",
            "99999999999 * * * *",
        ] {
            assert!(Cron::parse(schedule).is_err(), "{schedule}");
        }
    }
}
