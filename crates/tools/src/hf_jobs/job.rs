//! A job as the Hub describes it: where it stands, and how long it ran.
//!
//! Not here: asking the Hub. Stages that nobody knows are borne: they are not the end.

use super::arguments::{OPERATION_LABEL, is_word};
use pricing::Elapsed;
use serde_json::Value;

/// The stages after which nothing more happens, and nothing more is billed.
const FINAL: [&str; 4] = ["COMPLETED", "CANCELED", "ERROR", "DELETED"];
const COMPLETED: &str = "COMPLETED";
/// The kind of whoever started a run of a schedule, by its clock or because somebody asked it to.
const BY_SCHEDULE: &str = "scheduled-job";

/// What one answer of the Hub says about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) stage: String,
    pub(super) message: Option<String>,
    pub(super) flavor: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) operation: Option<String>,
    /// The schedule that started it, if one did.
    pub(super) schedule: Option<String>,
    started: Moment,
    finished: Moment,
    running_secs: Option<u64>,
}

/// A moment as an answer gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The answer says nothing, or nothing that can be read.
    Unsaid,
    /// The answer says that there was none: null.
    Never,
    /// Milliseconds since 1970.
    At(i64),
}

/// What is known of a job's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// It is not over.
    GoesOn,
    /// It was over before it started: nothing ran.
    NeverStarted,
    /// It ran this long.
    Ran(Elapsed),
    /// It is over, and the Hub does not say how long it ran.
    Unmeasured,
}

impl Job {
    /// Reads a job from an answer; `None` when it is none, or its id could lead a path astray.
    pub(super) fn read(answer: &Value) -> Option<Job> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = answer.get("id").and_then(text).filter(|id| is_word(id, 64))?;
        let status = answer.get("status")?;
        let moment = |name: &str| match answer.get(name) {
            Some(Value::Null) => Moment::Never,
            Some(Value::String(text)) => milliseconds(text).map_or(Moment::Unsaid, Moment::At),
            _ => Moment::Unsaid,
        };
        let initiator = |name: &str| answer.get("initiator").and_then(|initiator| initiator.get(name)).and_then(text);
        let is_scheduled = initiator("type").as_deref() == Some(BY_SCHEDULE);
        Some(Job {
            id,
            stage: status.get("stage").and_then(Value::as_str)?.chars().take(40).collect(),
            message: status.get("message").and_then(Value::as_str).map(|said| said.chars().take(500).collect()),
            flavor: answer.get("flavor").and_then(text),
            created_at: answer.get("createdAt").and_then(text),
            operation: answer.get("labels").and_then(|labels| labels.get(OPERATION_LABEL)).and_then(text),
            schedule: if is_scheduled { initiator("id") } else { None },
            started: moment("startedAt"),
            finished: moment("finishedAt"),
            running_secs: answer.get("durations").and_then(|durations| durations.get("runningSecs")).and_then(seconds),
        })
    }

    /// Whether the stage is one after which nothing more happens.
    pub(super) fn is_over(&self) -> bool {
        FINAL.contains(&self.stage.as_str())
    }

    /// Whether it did what it was started for.
    pub(super) fn is_completed(&self) -> bool {
        self.stage == COMPLETED
    }

    /// Whether it has finished, in a stage that says nothing to us.
    pub(super) fn is_finished_strangely(&self) -> bool {
        !self.is_over() && !["SCHEDULING", "RUNNING"].contains(&self.stage.as_str()) && self.finished_at().is_some()
    }

    /// When it was made, in seconds since 1970, if the Hub says so.
    pub(super) fn created_secs(&self) -> Option<u64> {
        u64::try_from(milliseconds(self.created_at.as_deref()?)?.div_euclid(1_000)).ok()
    }

    fn finished_at(&self) -> Option<i64> {
        match self.finished {
            Moment::At(ms) => Some(ms),
            Moment::Unsaid | Moment::Never => None,
        }
    }

    /// How long it ran, once it is over.
    ///
    /// That it never started must be said by the Hub, not follow from its silence: nothing is booked as zero because
    /// a number was missing.
    pub(super) fn time(&self) -> Time {
        if !self.is_over() {
            return Time::GoesOn;
        }
        let start_to_finish_ms = match (self.started, self.finished_at()) {
            (Moment::At(start), Some(finish)) => u64::try_from(finish.saturating_sub(start)).ok(),
            _ => None,
        };
        let elapsed = Elapsed { running_secs: self.running_secs, start_to_finish_ms };
        match (self.started, elapsed.seconds()) {
            (Moment::Never, None | Some(0)) if !self.is_completed() => Time::NeverStarted,
            (_, Some(seconds)) if seconds > 0 || start_to_finish_ms.is_some() => Time::Ran(elapsed),
            (_, _) => Time::Unmeasured,
        }
    }
}

/// Reads seconds: a whole number, or one with a fraction, which counts as a whole second.
fn seconds(value: &Value) -> Option<u64> {
    if let Some(whole) = value.as_u64() {
        return Some(whole);
    }
    let text = value.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let part = u64::from(fraction.bytes().any(|b| b != b'0'));
    if digits(fraction) { whole.parse::<u64>().ok()?.checked_add(part) } else { None }
}

/// Reads `2026-11-22T05:20:00.123Z`, with or without the fraction, as milliseconds since 1970.
fn milliseconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    // Years are counted from March, so that the leap day comes last; 1970-01-01 is day 719,468 from 0000-03-01.
    let (from_march, years) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (from_march * 153 + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + thousandths)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
        if is_number { part.parse::<i64>().ok() } else { None }
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    if parts.next().is_some() { None } else { Some(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(stage: &str, started: Value, finished: Value, running: Value) -> Job {
        let answer = json!({
            "id": "0123456789abcdef01234567",
            "status": {"stage": stage, "message": null},
            "startedAt": started,
            "finishedAt": finished,
            "durations": {"runningSecs": running},
        });
        Job::read(&answer).unwrap()
    }

    const START: &str = "2026-11-22T05:00:00.000Z";
    const LATER: &str = "2026-11-22T05:01:00.001Z";

    #[test]
    fn a_moment_is_read_to_the_millisecond_or_not_at_all() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:12.5Z", Some(12_500)),
            ("2000-02-29T12:34:56.789Z", Some(951_827_696_789)),
            ("2026-11-22T05:20:00.123456Z", Some(1_795_324_800_123)),
            ("2026-11-22T05:20:00", None),
            ("2026-11-22 05:20:00Z", None),
            ("2026-13-22T05:20:00Z", None),
            ("2026-11-22T05:20Z", None),
            ("2026-11-22T05:20:00.Z", None),
            ("99999-11-22T05:20:00Z", None),
            ("-026-11-22T05:20:00Z", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_job_that_is_over_says_how_long_it_ran() {
        let both = |running_secs, start_to_finish_ms| Time::Ran(Elapsed { running_secs, start_to_finish_ms });
        for (job, time) in [
            (job("COMPLETED", json!(START), json!(LATER), json!(58)), both(Some(58), Some(60_001))),
            (job("ERROR", json!(START), json!(null), json!(58.2)), both(Some(59), None)),
            (job("CANCELED", json!(START), json!(START), json!(null)), both(None, Some(0))),
            (job("DELETED", json!(null), json!(LATER), json!(7)), both(Some(7), None)),
        ] {
            assert_eq!(job.time(), time, "{job:?}");
        }
    }

    #[test]
    fn a_job_never_started_only_when_the_hub_says_so() {
        for stage in ["CANCELED", "ERROR", "DELETED"] {
            assert_eq!(job(stage, json!(null), json!(LATER), json!(null)).time(), Time::NeverStarted);
            assert_eq!(job(stage, json!(null), json!(LATER), json!(0)).time(), Time::NeverStarted);
            let silent = Job::read(&json!({"id": "a", "status": {"stage": stage}})).unwrap();
            assert_eq!(silent.time(), Time::Unmeasured);
        }
        assert_eq!(job("COMPLETED", json!(null), json!(LATER), json!(0)).time(), Time::Unmeasured);
        assert_eq!(job("ERROR", json!(START), json!(null), json!(0)).time(), Time::Unmeasured);
        assert_eq!(job("ERROR", json!("yesterday"), json!(LATER), json!(-5)).time(), Time::Unmeasured);
        assert_eq!(job("ERROR", json!(LATER), json!(START), json!(null)).time(), Time::Unmeasured);
    }

    #[test]
    fn a_stage_that_nobody_knows_is_not_the_end() {
        for stage in ["SCHEDULING", "RUNNING", "PAUSED", "EVICTED", "completed", ""] {
            assert_eq!(job(stage, json!(START), json!(LATER), json!(60)).time(), Time::GoesOn, "{stage}");
        }
        assert!(job("EVICTED", json!(START), json!(LATER), json!(60)).is_finished_strangely());
        assert!(!job("EVICTED", json!(START), json!(null), json!(60)).is_finished_strangely());
        assert!(!job("RUNNING", json!(START), json!(LATER), json!(60)).is_finished_strangely());
    }

    #[test]
    fn a_job_tells_which_schedule_started_it_and_when() {
        let by = |initiator: Value| {
            let answer = json!({"id": "a", "status": {"stage": "RUNNING"}, "createdAt": LATER, "initiator": initiator});
            Job::read(&answer).unwrap()
        };
        let run = by(json!({"type": "scheduled-job", "id": "s1"}));
        assert_eq!((run.schedule.as_deref(), run.created_secs()), (Some("s1"), Some(1_795_323_660)));
        for initiator in [
            json!({"type": "user", "id": "s1"}),
            json!({"type": "duplicated-job", "id": "s1"}),
            json!({"id": "s1"}),
            json!(null),
            json!("s1"),
        ] {
            assert_eq!(by(initiator).schedule, None);
        }
    }

    #[test]
    fn an_answer_that_is_no_job_is_none() {
        for answer in [
            json!(null),
            json!([]),
            json!({"id": "a"}),
            json!({"id": 7, "status": {"stage": "RUNNING"}}),
            json!({"id": "a/../../b", "status": {"stage": "RUNNING"}}),
            json!({"id": "a", "status": {"stage": null}}),
        ] {
            assert_eq!(Job::read(&answer), None, "{answer}");
        }
    }
}
