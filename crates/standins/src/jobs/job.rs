//! One job: what was asked for, who started it, and how it plays out on the clock.
//!
//! Not here: running anything. A job's stages, times and log lines follow from its play and the moment alone.

use super::calendar::{Moment, iso};
use super::hardware::{self, Unit};
use super::spec::Spec;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long before its end a job writes its last line: the Hub's stage lags that much behind its log.
const STAGE_LAG_MS: Moment = 1_300;

/// How a job plays out: nothing is run, this is all there is to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Play {
    /// How long the job waits for its hardware; this time is not billed.
    pub scheduling_secs: u32,
    /// How long one attempt runs, unless its timeout is shorter.
    pub run_secs: u32,
    /// The stage in which the job ends. `ERROR` uses up all attempts. It may be a stage that nobody knows.
    pub outcome: String,
    /// The message of the last stage.
    pub message: Option<String>,
    /// What the job logs, spread evenly over its run.
    pub lines: Vec<String>,
}

impl Default for Play {
    fn default() -> Play {
        Play {
            scheduling_secs: 2,
            run_secs: 10,
            outcome: "COMPLETED".to_owned(),
            message: None,
            lines: (1..=3).map(|step| format!("step {step} of 3")).collect(),
        }
    }
}

/// A user or an organisation that jobs belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// Who or what started a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Initiator {
    #[serde(rename = "type")]
    pub(crate) kind: InitiatorKind,
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// The kinds of [`Initiator`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InitiatorKind {
    User,
    ScheduledJob,
    DuplicatedJob,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) initiator: Initiator,
    pub(crate) created: Moment,
    pub(crate) spec: Spec,
    pub(crate) play: Play,
    /// When a cancellation takes effect, once it was asked for.
    pub(crate) cancelled: Option<Moment>,
}

/// Where a job stands at some moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) stage: String,
    pub(crate) message: Option<String>,
    pub(crate) started: Option<Moment>,
    pub(crate) finished: Option<Moment>,
}

impl Job {
    /// Says where the job stands.
    pub(crate) fn standing(&self, now: Moment) -> Standing {
        let start = self.start();
        let (end, outcome, message) = self.ending();
        let started = (start <= now && start < end).then_some(start);
        let finished = (end <= now).then_some(end);
        let (stage, message) = match (started, finished) {
            (_, Some(_)) => (outcome, message),
            (Some(_), None) => ("RUNNING".to_owned(), None),
            (None, None) => ("SCHEDULING".to_owned(), None),
        };
        Standing { stage, message, started, finished }
    }

    /// Says whether the job has ended.
    pub(crate) fn is_finished(&self, now: Moment) -> bool {
        self.ending().0 <= now
    }

    /// Asks for the job to be cancelled at a later moment; a second request changes nothing.
    pub(crate) fn cancel(&mut self, now: Moment, at: Moment) {
        if !self.is_finished(now) && self.cancelled.is_none() {
            self.cancelled = Some(at);
        }
    }

    fn start(&self) -> Moment {
        self.created + Moment::from(self.play.scheduling_secs) * 1_000
    }

    /// Finds when, how and with which message the job ends.
    fn ending(&self) -> (Moment, String, Option<String>) {
        let run_secs = u64::from(self.play.run_secs);
        let timed_out = run_secs > self.spec.timeout_secs();
        let (outcome, message) = if timed_out {
            ("ERROR".to_owned(), Some("Job timeout".to_owned()))
        } else {
            (self.play.outcome.clone(), self.play.message.clone())
        };
        let attempts = if outcome == "ERROR" { u64::from(self.spec.attempts()) } else { 1 };
        let total = run_secs.min(self.spec.timeout_secs()) * attempts;
        let total_ms = Moment::try_from(total.saturating_mul(1_000)).unwrap_or(Moment::MAX / 2);
        let end = self.start() + total_ms.min(Moment::MAX / 2);
        match self.cancelled {
            Some(at) if at < end => (at, "CANCELED".to_owned(), None),
            _ => (end, outcome, message),
        }
    }

    /// Gives the lines that were logged until now, each with its moment, oldest first.
    pub(crate) fn log(&self, now: Moment) -> Vec<(Moment, String)> {
        let until = now.min(self.ending().0);
        let mut log = self.script();
        log.retain(|(at, _)| *at <= until);
        log
    }

    /// Finds the moment at which the job's log or stage changes next; `None` when it is over.
    pub(crate) fn next_change(&self, now: Moment) -> Option<Moment> {
        let (end, ..) = self.ending();
        let next_line = self.script().into_iter().map(|(at, _)| at).find(|at| *at > now);
        match next_line {
            Some(at) if at < end => Some(at),
            _ => (end > now).then_some(end),
        }
    }

    /// Gives every line that the job would log if nobody cancelled it.
    fn script(&self) -> Vec<(Moment, String)> {
        let start = self.start();
        let run_ms = u64::from(self.play.run_secs).min(self.spec.timeout_secs()) * 1_000;
        let last = Moment::try_from(run_ms).unwrap_or(Moment::MAX / 2) - STAGE_LAG_MS;
        let count = Moment::try_from(self.play.lines.len()).unwrap_or(1);
        let first = iso(start);
        let (day, time) = (&first[..10], &first[11..19]);
        let head = format!("===== Job started at {day} {time} =====");
        let lines = self.play.lines.iter().zip(1..).map(|(line, nth)| {
            let at: Moment = start + (last.max(0) * nth) / count;
            (at, line.clone())
        });
        std::iter::once((start, head)).chain(lines).collect()
    }

    /// Shows the job as the API does.
    pub(crate) fn view(&self, now: Moment) -> Value {
        let standing = self.standing(now);
        let spec = &self.spec;
        let kept = |key: &str| spec.rest.get(key).cloned().unwrap_or(Value::Null);
        let mut status = json!({ "stage": standing.stage, "message": standing.message });
        if let Some(expose) = spec.expose.as_ref().filter(|expose| !expose.ports.is_empty()) {
            let url = |port: &u16| format!("https://{}--{port}.hf.jobs", self.id);
            status["exposeUrls"] = expose.ports.iter().map(url).collect();
        }
        if kept("ssh")["enabled"] == true {
            status["sshUrl"] = json!(format!("ssh://{}@ssh.hf.jobs", self.id));
        }
        json!({
            "id": self.id,
            "createdAt": iso(self.created),
            "startedAt": standing.started.map(iso),
            "finishedAt": standing.finished.map(iso),
            "dockerImage": spec.docker_image,
            "spaceId": spec.space_id,
            "command": spec.command,
            "arguments": spec.arguments,
            "environment": spec.environment,
            "secrets": spec.secrets,
            "flavor": spec.flavor,
            "labels": spec.labels,
            "volumes": kept("volumes"),
            "status": status,
            "durations": self.durations(&standing, now),
            "owner": self.owner,
            "initiator": self.initiator,
            "retry": spec.attempts() - 1,
            "expose": spec.expose,
            "network": kept("network"),
        })
    }

    fn durations(&self, standing: &Standing, now: Moment) -> Value {
        let until = standing.finished.unwrap_or(now);
        json!({
            "schedulingSecs": standing.started.map(|start| (start - self.created) / 1_000),
            "runningSecs": standing.started.map(|start| (until - start) / 1_000),
            "totalSecs": (until - self.created) / 1_000,
        })
    }

    /// Gives what the job has cost so far in micro-dollars: each started minute of its run.
    pub(crate) fn billed_micro_usd(&self, now: Moment, unit: Unit) -> u64 {
        let standing = self.standing(now);
        let Some(start) = standing.started else {
            return 0;
        };
        let run_ms = u64::try_from(standing.finished.unwrap_or(now) - start).unwrap_or(0);
        let flavor = hardware::flavor(&self.spec.flavor);
        flavor.map_or(0, |flavor| flavor.bill(run_ms.div_ceil(60_000), unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(play: Play, more: Value) -> Job {
        let mut spec = json!({
            "command": ["true"],
            "flavor": "a10g-small",
            "dockerImage": "python:3.12",
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        Job {
            id: "0123456789abcdef01234567".to_owned(),
            owner: Owner { id: "o".to_owned(), name: "me".to_owned(), kind: "user".to_owned() },
            initiator: Initiator { kind: InitiatorKind::User, id: "o".to_owned(), name: Some("me".to_owned()) },
            created: 0,
            spec: Spec::read(spec).unwrap(),
            play,
            cancelled: None,
        }
    }

    fn stage(job: &Job, secs: i64) -> String {
        job.standing(secs * 1_000).stage
    }

    #[test]
    fn a_job_waits_runs_and_ends_as_its_play_says() {
        let job = job(Play::default(), json!({}));
        assert_eq!(stage(&job, 1), "SCHEDULING");
        assert_eq!(stage(&job, 2), "RUNNING");
        assert_eq!(stage(&job, 11), "RUNNING");
        assert_eq!(stage(&job, 12), "COMPLETED");
        let view = job.view(100_000);
        assert_eq!(view["durations"], json!({"schedulingSecs": 2, "runningSecs": 10, "totalSecs": 12}));
        assert_eq!(view["finishedAt"], "1970-01-01T00:00:12.000Z");
    }

    #[test]
    fn a_job_past_its_timeout_fails_and_uses_up_its_attempts() {
        let play = Play { run_secs: 1_000, ..Play::default() };
        let job = job(play, json!({"timeoutSeconds": 60, "attempts": 3}));
        assert_eq!(stage(&job, 2 + 179), "RUNNING");
        assert_eq!(stage(&job, 2 + 180), "ERROR");
        let view = job.view(10_000_000);
        assert_eq!(view["durations"]["runningSecs"], 180);
        assert_eq!(view["status"]["message"], "Job timeout");
        assert_eq!(view["retry"], 2);
    }

    #[test]
    fn a_job_without_a_timeout_has_that_of_the_hub() {
        let play = Play { run_secs: 100_000, ..Play::default() };
        let job = job(play, json!({}));
        assert_eq!(job.view(9_999_999_000)["durations"]["runningSecs"], 1_800);
    }

    #[test]
    fn a_cancelled_job_ends_only_when_the_cancellation_takes_effect() {
        let mut running = job(Play::default(), json!({}));
        running.cancel(5_000, 6_000);
        running.cancel(5_500, 9_000);
        assert_eq!(stage(&running, 5), "RUNNING");
        assert_eq!(stage(&running, 6), "CANCELED");
        assert_eq!(running.view(60_000)["durations"]["runningSecs"], 4);

        let mut waiting = job(Play::default(), json!({}));
        waiting.cancel(0, 1_000);
        let view = waiting.view(60_000);
        assert_eq!(view["status"]["stage"], "CANCELED");
        assert_eq!(view["startedAt"], Value::Null);
        assert_eq!(view["durations"]["runningSecs"], Value::Null);
        assert_eq!(waiting.billed_micro_usd(60_000, Unit::Minute), 0);

        let mut done = job(Play::default(), json!({}));
        done.cancel(12_000, 13_000);
        assert_eq!(stage(&done, 20), "COMPLETED");
    }

    #[test]
    fn every_started_minute_of_the_run_is_billed_and_no_other() {
        let play = Play { run_secs: 61, ..Play::default() };
        let job = job(play, json!({}));
        for (secs, expected) in [(1, 0), (2, 0), (3, 16_667), (62, 16_667), (63, 33_334)] {
            assert_eq!(job.billed_micro_usd(secs * 1_000, Unit::Minute), expected, "{secs}");
        }
    }

    #[test]
    fn the_last_line_comes_before_the_stage_changes() {
        let job = job(Play::default(), json!({}));
        let log = job.log(1_000_000);
        assert_eq!(log[0].1, "===== Job started at 1970-01-01 00:00:02 =====");
        assert_eq!(log.len(), 4);
        assert_eq!(log[3], (2_000 + 8_700, "step 3 of 3".to_owned()));
        assert_eq!(job.next_change(10_700), Some(12_000));
        assert_eq!(job.next_change(12_000), None);
        assert_eq!(job.log(1_999).len(), 0);
    }
}
