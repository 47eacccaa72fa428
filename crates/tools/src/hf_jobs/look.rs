//! The operations that cost nothing: lists, logs, one job or schedule, and the ways to end what was started.
//!
//! Not here: anything that starts a job.

use super::api::{Api, ApiError};
use super::arguments::OPERATION_LABEL;
use super::job::{Job, Time};
use super::log::{LogDecoder, Tail};
use super::operation::{LogsOf, Operation, Target};
use super::{HfJobs, effect};
use gate::{Permit, Report};
use host::scene::Scene;
use policy::Effect;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// How many jobs or schedules a list shows.
const MOST_SHOWN: usize = 100;
/// The longest text that is shown of one field of a job.
const MOST_FIELD: usize = 2_000;
/// The longest report.
const MOST_REPORT: usize = 28 * 1024;
const MOST_LOG_LINES: usize = 2_000;
/// A log of a job that goes on is read until nothing comes for this long, and at most for [`LONGEST_READ`].
const SILENCE: Duration = Duration::from_secs(2);
const LONGEST_READ: Duration = Duration::from_secs(30);
/// How long a cancelled job may take to end before the report says that it has not.
const CANCEL_PATIENCE: Duration = Duration::from_secs(60);

/// Carries out an operation that costs nothing.
pub(super) async fn look(permit: &Permit<HfJobs>, scene: &Scene) -> Report {
    let api = match Api::new(&permit.act().hub, &scene.net, permit) {
        Ok(api) => api,
        Err(why) => return Report::Failed(why),
    };
    let looked = tokio::select! {
        biased;
        () = scene.stop.cancelled() => Err(stopped(&permit.act().operation)),
        looked = carry_out(&api, &permit.act().operation) => looked,
    };
    match looked {
        Ok(text) => Report::Done(cut(api.hub().redacted(&text), MOST_REPORT)),
        Err(why) => Report::Failed(cut(api.hub().redacted(&why), MOST_REPORT)),
    }
}

fn stopped(operation: &Operation) -> String {
    match effect(operation) {
        Effect::Change => "stopped before the Hub had answered; it may or may not have happened".to_owned(),
        Effect::Read | Effect::Reach | Effect::Confined => "stopped before the Hub had answered".to_owned(),
    }
}

async fn carry_out<A>(api: &Api<'_, A>, operation: &Operation) -> Result<String, String> {
    match operation {
        Operation::Ps(listing) => {
            let namespace = api.namespace(listing.namespace.as_deref()).await?;
            list(api, &format!("/api/jobs/{namespace}"), line_of_job).await
        }
        Operation::ScheduledPs(listing) => {
            let namespace = api.namespace(listing.namespace.as_deref()).await?;
            list(api, &format!("/api/scheduled-jobs/{namespace}"), line_of_schedule).await
        }
        Operation::Logs(logs) => read_log(api, logs).await,
        Operation::Inspect(target) => inspect(api, "jobs", target).await,
        Operation::ScheduledInspect(target) => inspect(api, "scheduled-jobs", target).await,
        Operation::Cancel(target) => cancel(api, target).await,
        Operation::ScheduledSuspend(target) => {
            let path = path_of(api, "scheduled-jobs", target).await?;
            api.post(&format!("{path}/suspend"), None).await.map_err(|error| doubtful(error, &target.id))?;
            Ok(format!("schedule {} is suspended; a run that has started goes on", target.id))
        }
        Operation::ScheduledDelete(target) => {
            let path = path_of(api, "scheduled-jobs", target).await?;
            api.delete(&path).await.map_err(|error| doubtful(error, &target.id))?;
            Ok(format!("schedule {} is deleted; a run that has started goes on", target.id))
        }
        Operation::Run(_)
        | Operation::Uv(_)
        | Operation::ScheduledRun(_)
        | Operation::ScheduledUv(_)
        | Operation::ScheduledResume(_) => unreachable!("what starts jobs is not looked at"),
    }
}

/// Says of a change whose answer was lost that it may have happened.
fn doubtful(error: ApiError, id: &str) -> String {
    match error {
        ApiError::NotSent(_) | ApiError::Status { .. } => error.to_string(),
        ApiError::NoAnswer(_) | ApiError::Rubbish(_) => {
            format!("unknown: it may or may not have happened: {error}; look at {id} with inspect")
        }
    }
}

async fn path_of<A>(api: &Api<'_, A>, kind: &str, target: &Target) -> Result<String, String> {
    let namespace = api.namespace(target.namespace.as_deref()).await?;
    Ok(format!("/api/{kind}/{namespace}/{}", target.id))
}

async fn list<A>(api: &Api<'_, A>, path: &str, line: fn(&Value) -> Option<String>) -> Result<String, String> {
    let found = api.list(path, &[]).await.map_err(|error| error.to_string())?;
    let lines: Vec<String> = found.values.iter().filter_map(line).collect();
    if lines.is_empty() {
        return Ok("there are none".to_owned());
    }
    let mut text = lines.iter().take(MOST_SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    if lines.len() > MOST_SHOWN || found.more {
        let more = if found.more { "at least " } else { "" };
        let _ = write!(text, "\n({more}{} more are left out)", lines.len().saturating_sub(MOST_SHOWN));
    }
    Ok(text)
}

fn line_of_job(answer: &Value) -> Option<String> {
    let job = Job::read(answer)?;
    let (flavor, created) = (job.flavor.as_deref().unwrap_or("?"), job.created_at.as_deref().unwrap_or("?"));
    let label = job.operation.as_deref().map_or_else(String::new, |label| format!("  {OPERATION_LABEL}={label}"));
    Some(format!("{}  {}  {flavor}  {created}{label}  {}", job.id, job.stage, command_of(answer)))
}

fn line_of_schedule(answer: &Value) -> Option<String> {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let state = if answer.get("suspend") == Some(&Value::Bool(true)) { "suspended" } else { "active" };
    let (schedule, flavor) = (text("/schedule")?, text("/jobSpec/flavor").unwrap_or("?"));
    let next = text("/status/nextJobRunAt").unwrap_or("none");
    let command = answer.get("jobSpec").map(command_of).unwrap_or_default();
    let label = text(&format!("/jobSpec/labels/{OPERATION_LABEL}"));
    let label = label.map_or_else(String::new, |label| format!("  {OPERATION_LABEL}={label}"));
    Some(format!("{}  {state}  {schedule}  {flavor}  next: {next}{label}  {command}", text("/id")?))
}

fn command_of(answer: &Value) -> String {
    let words = answer.get("command").and_then(Value::as_array);
    let words: Vec<&str> = words.into_iter().flatten().filter_map(Value::as_str).collect();
    cut(words.join(" ").replace(char::is_control, " "), 120)
}

async fn inspect<A>(api: &Api<'_, A>, kind: &str, target: &Target) -> Result<String, String> {
    let path = path_of(api, kind, target).await?;
    let mut found = api.get(&path, &[]).await.map_err(|error| error.to_string())?.value;
    shorten(&mut found);
    Ok(format!("{found:#}"))
}

/// Cuts the long texts of an answer, such as a script that travelled in a variable.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MOST_FIELD => *text = cut(std::mem::take(text), MOST_FIELD),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Asks for a job to be cancelled, then reads its stage until it is final: a cancellation is only a request.
async fn cancel<A>(api: &Api<'_, A>, target: &Target) -> Result<String, String> {
    let path = path_of(api, "jobs", target).await?;
    let asked = api.post(&format!("{path}/cancel"), None).await;
    if let Err(error @ (ApiError::NotSent(_) | ApiError::Status { .. })) = asked {
        let elsewhere = match (&error, &target.namespace) {
            (ApiError::Status { status: 404, .. }, None) => {
                "; a job of an organisation is cancelled with its `namespace`"
            }
            _ => "",
        };
        return Err(format!("not cancelled: {error}{elsewhere}"));
    }
    let deadline = Instant::now() + CANCEL_PATIENCE;
    let (mut pause, mut stage) = (Duration::from_millis(200), "unknown".to_owned());
    loop {
        let found = api.get(&path, &[]).await.map(|found| Job::read(&found.value));
        if let Ok(Some(job)) = found {
            if job.is_over() {
                let ran = match job.time() {
                    Time::Ran(elapsed) => format!(", after it ran for {} s", elapsed.seconds().unwrap_or(0)),
                    Time::NeverStarted => ", before it started".to_owned(),
                    Time::GoesOn | Time::Unmeasured => String::new(),
                };
                return Ok(format!("job {} is over: {}{ran}", job.id, job.stage));
            }
            stage = job.stage;
        }
        if Instant::now() >= deadline {
            let waited = CANCEL_PATIENCE.as_secs();
            return Err(format!("the cancellation was asked for, but after {waited} s the job is still `{stage}`"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(3));
    }
}

/// Reads a log to its end, or, of a job that goes on, until it falls silent. The end of a log says nothing about the
/// job, so its stage is told beside it.
async fn read_log<A>(api: &Api<'_, A>, logs: &LogsOf) -> Result<String, String> {
    let path = path_of(api, "jobs", &logs.job).await?;
    let found = api.get(&path, &[]).await.map_err(|error| error.to_string())?;
    let job = Job::read(&found.value).ok_or("the Hub's answer is no job")?;
    let tail_text = logs.tail.map(|lines| lines.to_string());
    let query: Vec<(&str, &str)> = tail_text.iter().map(|lines| ("tail", lines.as_str())).collect();
    let mut stream = api.stream(&format!("{path}/logs"), &query).await.map_err(|error| error.to_string())?;
    let most_lines = logs.tail.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(MOST_LOG_LINES);
    let mut tail = Tail::of(MOST_REPORT - 1_024, most_lines.min(MOST_LOG_LINES));
    let mut decoder = LogDecoder::default();
    let deadline = Instant::now() + LONGEST_READ;
    let ending = loop {
        let until = deadline.min(Instant::now() + SILENCE);
        match tokio::time::timeout_at(until, stream.next()).await {
            Ok(Ok(Some(line))) => decoder.push(&line).into_iter().for_each(|line| tail.push(line)),
            Ok(Ok(None)) => break "",
            Ok(Err(_)) => break " (the log was cut off)",
            Err(_) => break " (the log may go on)",
        }
    };
    Ok(format!("job {}: {}{ending}\n{}", job.id, job.stage, tail.text()))
}

/// Keeps a text to its first bytes, and says how many were cut.
fn cut(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let at = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}... ({} bytes are left out)", &text[..at], text.len() - at)
}
