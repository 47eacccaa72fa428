//! Carrying out a call: each ends its permit by what is known of the money, and by nothing else.
//!
//! Not here: how the Hub is spoken to.

use super::HfJobs;
use super::api::Api;
use super::arguments::OPERATION_LABEL;
use super::follow::{self, Followed, Followee};
use super::job::{Job, Time};
use super::launch::{self, Launched};
use super::look;
use super::operation::{JobSpec, Launch, Operation, Recurring, Target, Wait};
use super::reference::{Kind, Reference, operation_label};
use gate::{CallId, Done, NotStarted, Permit, Report};
use host::scene::Scene;
use money::Usd;
use policy::Price;
use pricing::{Ports, settlement};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How a call that costs money ends.
#[derive(Debug)]
enum Ending {
    /// Nothing was started.
    Released(String),
    /// It is over, and this is what it cost.
    Settled(Usd, Report),
    /// What it costs is not known yet.
    Open(Reference, Report),
}

/// Runs one call to its end.
pub async fn run(permit: Permit<HfJobs>, scene: &Scene) -> Done {
    let ending = match &permit.act().operation {
        Operation::Run(launch) | Operation::Uv(launch) => start_job(&permit, scene, launch).await,
        Operation::ScheduledRun(recurring) | Operation::ScheduledUv(recurring) => {
            start_schedule(&permit, scene, recurring).await
        }
        Operation::ScheduledResume(target) => resume_schedule(&permit, scene, target).await,
        Operation::Ps(_)
        | Operation::Logs(_)
        | Operation::Inspect(_)
        | Operation::Cancel(_)
        | Operation::ScheduledPs(_)
        | Operation::ScheduledInspect(_)
        | Operation::ScheduledDelete(_)
        | Operation::ScheduledSuspend(_) => {
            let report = look::look(&permit, scene).await;
            return permit.finish(report);
        }
    };
    match ending {
        Ending::Released(why) => permit.release(NotStarted::because(why)),
        Ending::Settled(cost, report) => permit.settle(cost, report),
        Ending::Open(reference, report) => permit.leave_open(reference.to_string(), report),
    }
}

/// What a launch is found again by; `None` for an operation that launches nothing.
pub(super) fn reference_of(operation: &Operation, outputs: &Path, call: &CallId, sent_secs: u64) -> Option<Reference> {
    let label = operation_label(outputs, call);
    let (kind, namespace, job) = match operation {
        Operation::Run(launch) | Operation::Uv(launch) => (Kind::Job, &launch.namespace, Some(&launch.job)),
        Operation::ScheduledRun(recurring) | Operation::ScheduledUv(recurring) => {
            (Kind::Schedule, &recurring.namespace, Some(&recurring.job))
        }
        Operation::ScheduledResume(target) => (Kind::Schedule, &target.namespace, None),
        Operation::Ps(_)
        | Operation::Logs(_)
        | Operation::Inspect(_)
        | Operation::Cancel(_)
        | Operation::ScheduledPs(_)
        | Operation::ScheduledInspect(_)
        | Operation::ScheduledDelete(_)
        | Operation::ScheduledSuspend(_) => return None,
    };
    let id = match operation {
        Operation::ScheduledResume(target) => Some(target.id.clone()),
        _ => None,
    };
    Some(Reference {
        kind,
        namespace: namespace.clone(),
        id,
        operation: job.map(|_| label),
        unit: job.and_then(|job| job.unit),
        ports: job.map_or(Ports::Closed, JobSpec::exposure),
        sent_secs,
        most: match kind {
            Kind::Job => None,
            Kind::Schedule => job.and_then(JobSpec::most),
        },
    })
}

/// Who is asked, in whose name, and where to find out later what became of it.
struct Prepared<'a> {
    api: Api<'a, HfJobs>,
    namespace: String,
    label: String,
    reference: Reference,
}

/// Finds out all that a launch needs. Nothing that costs money has been asked when this fails or is stopped.
async fn prepare<'a>(
    permit: &'a Permit<HfJobs>,
    scene: &'a Scene,
    namespace: Option<&str>,
) -> Result<Prepared<'a>, String> {
    let act = permit.act();
    let api = Api::new(&act.hub, &scene.net, permit)?;
    let namespace = tokio::select! {
        biased;
        () = scene.stop.cancelled() => return Err("stopped before anything was sent".to_owned()),
        namespace = api.namespace(namespace) => namespace?,
    };
    let sent_secs = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let label = operation_label(&scene.outputs, permit.call());
    let reference = reference_of(&act.operation, &scene.outputs, permit.call(), sent_secs);
    let reference = reference.expect("only what launches something is prepared for it");
    let reference = Reference { namespace: Some(namespace.clone()), ..reference };
    Ok(Prepared { api, namespace, label, reference })
}

/// Waits for a launch. One that is stopped midway may have happened.
async fn sent<T>(scene: &Scene, launch: impl Future<Output = Launched<T>>) -> Launched<T> {
    tokio::select! {
        biased;
        () = scene.stop.cancelled() => Launched::Unknown("stopped while the launch was under way".to_owned()),
        launched = launch => launched,
    }
}

async fn start_job(permit: &Permit<HfJobs>, scene: &Scene, launch: &Launch) -> Ending {
    let prepared = match prepare(permit, scene, launch.namespace.as_deref()).await {
        Ok(prepared) => prepared,
        Err(why) => return Ending::Released(why),
    };
    let Prepared { api, namespace, label, reference } = &prepared;
    match sent(scene, launch::job(api, namespace, &launch.job, label)).await {
        Launched::NotStarted(why) => Ending::Released(why),
        Launched::Unknown(why) => may_have_started(reference.clone(), &why),
        Launched::Started(job) => {
            let reference = Reference { id: Some(job.id.clone()), ..reference.clone() };
            scene.progress.say(format!("job {namespace}/{} has started: {}\n", job.id, job.stage));
            match launch.wait {
                Wait::Detached => {
                    let (id, left) = (&job.id, left_open(permit.act(), &launch.job, (namespace, &job.id)));
                    let text = format!(
                        "job {id} of {namespace} has started ({}). It goes on; read it with logs or inspect. {left}",
                        job.stage
                    );
                    Ending::Open(reference, Report::Done(text))
                }
                Wait::ToTheEnd => stay(api, scene, &launch.job, reference).await,
            }
        }
    }
}

fn may_have_started(reference: Reference, why: &str) -> Ending {
    let label = reference.operation.as_deref().unwrap_or("?");
    let list = match reference.kind {
        Kind::Job => "ps",
        Kind::Schedule => "scheduled ps",
    };
    let text = format!(
        "unknown: it may or may not have started, and was not sent again: {why}. What it can cost stays held. Look for \
         the label {OPERATION_LABEL}={label} with the operation {list} before starting it anew."
    );
    Ending::Open(reference, Report::Failed(text))
}

/// What a job that is left to itself can still cost, and how to end it: for the model, and for the person.
fn left_open(act: &HfJobs, spec: &JobSpec, (namespace, id): (&str, &str)) -> String {
    let most = spec.most().map_or_else(
        || "What it can cost is not known; it is listed without a bound until it is over".to_owned(),
        |most| format!("It can cost up to ${most} in all"),
    );
    let held = match &act.price {
        Price::AtMost(_) => ", which stays held until it is over",
        Price::Unbounded(_) => ", and what is spent with the secrets that it holds",
        Price::Free | Price::Unknown(_) => "",
    };
    let cancel = serde_json::json!({"operation": "cancel", "job_id": id, "namespace": namespace});
    format!("{most}{held}. To end it: {} {cancel}", super::NAME)
}

async fn stay(api: &Api<'_, HfJobs>, scene: &Scene, spec: &JobSpec, reference: Reference) -> Ending {
    let (namespace, id) = (reference.namespace.clone().unwrap_or_default(), reference.id.clone().unwrap_or_default());
    let longest = Duration::from_secs(spec.longest_secs());
    let followee = Followee { namespace: &namespace, id: &id, longest };
    let (followed, log) = follow::follow(api, scene, followee).await;
    let job = match followed {
        Followed::Over(job) => job,
        Followed::Stopped => {
            let left = left_open(api.act(), spec, (&namespace, &id));
            let text = format!(
                "stopped waiting; job {id} of {namespace} goes on, and costs money until it is cancelled. {left}"
            );
            return Ending::Open(reference, Report::Failed(with_log(&text, &log)));
        }
        Followed::GivenUp(why) => {
            let left = left_open(api.act(), spec, (&namespace, &id));
            let text = format!("job {id} of {namespace} was started, but nobody waits for it any more: {why}. {left}");
            return Ending::Open(reference, Report::Failed(with_log(&api.hub().redacted(&text), &log)));
        }
    };
    let message = job.message.as_deref().map_or_else(String::new, |said| format!(" ({})", api.hub().redacted(said)));
    let head = format!("job {id} of {namespace} ended: {}{message}", job.stage);
    let (cost, time) = match (job.time(), cost_of(&job, &reference)) {
        (Time::NeverStarted, _) => return Ending::Released(format!("{head}, before it started; it costs nothing")),
        (Time::Ran(elapsed), Some(cost)) => (cost, elapsed.seconds().unwrap_or(0)),
        (Time::Ran(_) | Time::GoesOn | Time::Unmeasured, _) => {
            let text = format!("{head}; what it cost is not known");
            return Ending::Open(reference, reported(&job, with_log(&text, &log)));
        }
    };
    let elsewhere = match &api.act().price {
        Price::Unbounded(_) => "; what was spent with the secrets that it held is not in this",
        Price::Free | Price::AtMost(_) | Price::Unknown(_) => "",
    };
    let head = format!("{head} after {time} s, for ${cost}{elsewhere}");
    Ending::Settled(cost, reported(&job, with_log(&head, &log)))
}

/// What a job that is over has cost; `None` when its time or its price is not known.
pub(super) fn cost_of(job: &Job, reference: &Reference) -> Option<Usd> {
    match job.time() {
        Time::Ran(elapsed) => settlement(reference.unit?, reference.ports, elapsed),
        Time::GoesOn | Time::NeverStarted | Time::Unmeasured => None,
    }
}

fn reported(job: &Job, text: String) -> Report {
    if job.is_completed() { Report::Done(text) } else { Report::Failed(text) }
}

fn with_log(head: &str, log: &str) -> String {
    if log.is_empty() { format!("{head}\nits log is empty") } else { format!("{head}\nits log:\n{log}") }
}

async fn start_schedule(permit: &Permit<HfJobs>, scene: &Scene, recurring: &Recurring) -> Ending {
    let prepared = match prepare(permit, scene, recurring.namespace.as_deref()).await {
        Ok(prepared) => prepared,
        Err(why) => return Ending::Released(why),
    };
    let Prepared { api, namespace, label, reference } = prepared;
    match sent(scene, launch::schedule(&api, &namespace, recurring, &label)).await {
        Launched::NotStarted(why) => Ending::Released(why),
        Launched::Unknown(why) => may_have_started(reference, &why),
        Launched::Started(schedule) => {
            let next = schedule.next.map_or_else(String::new, |next| format!(", next at {next}"));
            let id = schedule.id;
            let text = format!(
                "schedule {id} of {namespace} is set ({}{next}). It starts jobs until it is suspended or deleted.",
                recurring.schedule
            );
            Ending::Open(Reference { id: Some(id), ..reference }, Report::Done(text))
        }
    }
}

async fn resume_schedule(permit: &Permit<HfJobs>, scene: &Scene, target: &Target) -> Ending {
    let prepared = match prepare(permit, scene, target.namespace.as_deref()).await {
        Ok(prepared) => prepared,
        Err(why) => return Ending::Released(why),
    };
    let Prepared { api, namespace, reference, .. } = prepared;
    let runs = tokio::select! {
        biased;
        () = scene.stop.cancelled() => return Ending::Released("stopped before anything was sent".to_owned()),
        runs = launch::runs_of(&api, &namespace, &target.id) => runs,
    };
    let reference = Reference { unit: runs.unit, ports: runs.ports, most: runs.most, ..reference };
    match sent(scene, launch::resume(&api, &namespace, &target.id)).await {
        Launched::NotStarted(why) => Ending::Released(why),
        Launched::Unknown(why) => {
            let text = format!("unknown: schedule {} may or may not start jobs again: {why}", target.id);
            Ending::Open(reference, Report::Failed(text))
        }
        Launched::Started(()) => {
            let text =
                format!("schedule {} of {namespace} starts jobs again, until it is suspended or deleted", target.id);
            Ending::Open(reference, Report::Done(text))
        }
    }
}
