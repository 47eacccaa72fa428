//! Starting a job, or a schedule of jobs: once, with its label, and never again.
//!
//! Not here: what follows when it has started.
//!
//! A launch that was answered with a refusal has not happened. One whose answer was lost may have: then the Hub is
//! asked for the label that was put into it, and when that cannot be told either, the hold stays open.

use super::HfJobs;
use super::api::{Api, ApiError, Listed};
use super::arguments::OPERATION_LABEL;
use super::job::Job;
use super::operation::{Image, JobSpec, Recurring};
use crate::site::Hub;
use money::Usd;
use policy::Price;
use pricing::{Ports, Timeout, UnitPrice, job_price};
use serde_json::{Map, Value, json};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::time::Duration;

/// How often, and after what pause, the label is looked for: a list may lag a little behind a launch.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(300), Duration::from_millis(1_200)];

/// What became of a launch.
#[derive(Debug)]
pub(super) enum Launched<T> {
    /// It has started.
    Started(T),
    /// It certainly has not.
    NotStarted(String),
    /// Nobody knows.
    Unknown(String),
}

/// A schedule that was accepted.
#[derive(Debug)]
pub(super) struct Scheduled {
    pub(super) id: String,
    pub(super) next: Option<String>,
}

/// Starts a job.
pub(super) async fn job(api: &Api<'_, HfJobs>, namespace: &str, spec: &JobSpec, label: &str) -> Launched<Job> {
    let body = spec_body(spec, api.hub(), label);
    let sent = api.post(&format!("/api/jobs/{namespace}"), Some(&body)).await;
    let why = match fate(sent, Job::read) {
        Launched::Unknown(why) => why,
        known => return known,
    };
    look(&why, || Box::pin(job_by_label(api, namespace, label))).await
}

/// Starts a schedule.
pub(super) async fn schedule(
    api: &Api<'_, HfJobs>,
    namespace: &str,
    recurring: &Recurring,
    label: &str,
) -> Launched<Scheduled> {
    let spec = spec_body(&recurring.job, api.hub(), label);
    let body = json!({"jobSpec": spec, "schedule": recurring.schedule.to_string()});
    let sent = api.post(&format!("/api/scheduled-jobs/{namespace}"), Some(&body)).await;
    let why = match fate(sent, scheduled) {
        Launched::Unknown(why) => why,
        known => return known,
    };
    look(&why, || Box::pin(schedule_by_label(api, namespace, label))).await
}

/// Lets a schedule start jobs again. There is no label to look for; its state tells.
pub(super) async fn resume(api: &Api<'_, HfJobs>, namespace: &str, id: &str) -> Launched<()> {
    let path = format!("/api/scheduled-jobs/{namespace}/{id}");
    let why = match fate(api.post(&format!("{path}/resume"), None).await, |_| Some(())) {
        Launched::Unknown(why) => why,
        known => return known,
    };
    look(&why, || Box::pin(is_active(api, &path))).await
}

/// What each run of a schedule costs, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunsOf {
    pub(super) unit: Option<UnitPrice>,
    pub(super) ports: Ports,
    pub(super) most: Option<Usd>,
}

/// Finds out what the runs of a schedule cost, by the prices of this call: a schedule that is resumed may be anybody's.
///
/// What cannot be found out is not known, which is no reason not to resume.
pub(super) async fn runs_of(api: &Api<'_, HfJobs>, namespace: &str, id: &str) -> RunsOf {
    let found = api.get(&format!("/api/scheduled-jobs/{namespace}/{id}"), &[]).await;
    let spec = found.ok().and_then(|found| found.value.get("jobSpec").cloned()).unwrap_or_default();
    let unit = spec.get("flavor").and_then(Value::as_str).and_then(|flavor| api.act().hardware.price_of(flavor));
    let is_exposed = spec.pointer("/expose/ports").and_then(Value::as_array).is_some_and(|ports| !ports.is_empty());
    let ports = if is_exposed { Ports::Exposed } else { Ports::Closed };
    let most = || {
        let timeout = spec.get("timeout").filter(|timeout| timeout.is_number())?;
        let timeout = Timeout::read(Some(timeout)).ok()?;
        let retries = u32::try_from(spec.get("retry")?.as_u64()?).ok()?;
        match job_price(unit?, timeout, NonZeroU32::new(retries.checked_add(1)?)?, ports) {
            Price::AtMost(most) => Some(most),
            Price::Free | Price::Unknown(_) | Price::Unbounded(_) => None,
        }
    };
    RunsOf { unit, ports, most: most() }
}

async fn is_active(api: &Api<'_, HfJobs>, path: &str) -> Result<Option<()>, ApiError> {
    let found = api.get(path, &[]).await?;
    Ok((found.value.get("suspend") == Some(&Value::Bool(false))).then_some(()))
}

/// What an answer to a launch, or the lack of one, says about it.
fn fate<T>(sent: Result<Value, ApiError>, read: fn(&Value) -> Option<T>) -> Launched<T> {
    match sent {
        Ok(value) => match read(&value) {
            Some(started) => Launched::Started(started),
            None => Launched::Unknown("the Hub took the launch and answered nothing that can be read".to_owned()),
        },
        Err(ApiError::NotSent(why)) => Launched::NotStarted(format!("not started: the Hub was not reached: {why}")),
        Err(ApiError::Status { status, says }) if is_refusal(status) => {
            Launched::NotStarted(format!("not started: the Hub refused it: {says}"))
        }
        Err(lost) => Launched::Unknown(lost.to_string()),
    }
}

/// Whether a status says that nothing was done. A server, or something before it, that gave up on a request (408, 5xx)
/// may have passed it on, and so may one that points elsewhere (3xx).
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && status != 408
}

type Search<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, ApiError>> + Send + 'a>>;

/// Looks for what may have been started, a few times.
async fn look<'a, T>(why: &str, search: impl Fn() -> Search<'a, T>) -> Launched<T> {
    let mut last = "it is not in the list of what was started, which may lag behind".to_owned();
    for pause in LOOKS {
        tokio::time::sleep(pause).await;
        match search().await {
            Ok(Some(started)) => return Launched::Started(started),
            Ok(None) => {}
            Err(error) => last = format!("and it cannot be looked for: {error}"),
        }
    }
    Launched::Unknown(format!("{why}; {last}"))
}

/// Finds the job of a launch.
pub(super) async fn job_by_label<A>(api: &Api<'_, A>, namespace: &str, label: &str) -> Result<Option<Job>, ApiError> {
    let filter = format!("{OPERATION_LABEL}={label}");
    let listed = api.list(&format!("/api/jobs/{namespace}"), &[("label", &filter)]).await?;
    // The label is looked at again: a list that was not narrowed down would give somebody else's job.
    let ours = listed.values.iter().filter_map(Job::read).find(|job| job.operation.as_deref() == Some(label));
    found_in(&listed, ours)
}

/// Finds the schedule of a launch.
pub(super) async fn schedule_by_label<A>(
    api: &Api<'_, A>,
    namespace: &str,
    label: &str,
) -> Result<Option<Scheduled>, ApiError> {
    let filter = format!("{OPERATION_LABEL}={label}");
    let listed = api.list(&format!("/api/scheduled-jobs/{namespace}"), &[("label", &filter)]).await?;
    let is_ours = |found: &&Value| found.pointer(&format!("/jobSpec/labels/{OPERATION_LABEL}")) == Some(&json!(label));
    found_in(&listed, listed.values.iter().filter(is_ours).find_map(scheduled))
}

/// What is not in a list that was not read whole may be in the rest of it.
fn found_in<T>(listed: &Listed, found: Option<T>) -> Result<Option<T>, ApiError> {
    match found {
        None if listed.more => Err(ApiError::Rubbish("the list is too long to be read whole".to_owned())),
        other => Ok(other),
    }
}

fn scheduled(answer: &Value) -> Option<Scheduled> {
    let id = answer.get("id")?.as_str().filter(|id| super::arguments::is_word(id, 64))?.to_owned();
    let next = answer.pointer("/status/nextJobRunAt").and_then(Value::as_str).map(str::to_owned);
    Some(Scheduled { id, next })
}

/// The body of a launch. `timeoutSeconds` and `attempts` are always in it: together they are what was priced.
fn spec_body(spec: &JobSpec, hub: &Hub, label: &str) -> Value {
    let mut body = Map::new();
    let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
    match &spec.image {
        Image::Docker(image) => set("dockerImage", json!(image)),
        Image::Space(space) => set("spaceId", json!(space)),
    };
    set("command", json!(spec.command));
    set("arguments", json!([]));
    set("environment", json!(spec.environment));
    set("flavor", json!(spec.flavor));
    set("timeoutSeconds", json!(spec.timeout.seconds()));
    set("attempts", json!(spec.attempts.get()));
    let mut labels = spec.labels.clone();
    labels.insert(OPERATION_LABEL.to_owned(), label.to_owned());
    set("labels", json!(labels));
    if !spec.secrets.is_empty() {
        let values = spec.secrets.iter().filter_map(|name| Some((name, hub.secrets.get(name)?.value.expose())));
        let values: Map<String, Value> = values.map(|(name, value)| (name.clone(), json!(value))).collect();
        set("secrets", Value::Object(values));
    }
    if !spec.ports.is_empty() {
        set("expose", json!({"ports": spec.ports}));
    }
    Value::Object(body)
}
