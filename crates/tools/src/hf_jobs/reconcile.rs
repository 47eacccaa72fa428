//! Finding out later what became of a launch whose hold was left open.
//!
//! Not here: booking it (that is `engine`, through `gate`).

use super::api::{Api, ApiError};
use super::job::{Job, Time};
use super::launch::{job_by_label, schedule_by_label};
use super::reference::{Kind, Reference};
use super::run::cost_of;
use crate::site::Hub;
use gate::{Act, Done, Permit, Report};
use host::http::Net;
use money::Usd;
use policy::{Action, Effect, Price, Subject};
use std::sync::Arc;

/// How long after it was sent a launch that is nowhere to be found is known not to have happened. A request that is
/// still on its way, and a list that lags behind, are long over by then.
const NOWHERE_AFTER_SECS: u64 = 15 * 60;
/// How far the Hub's clock and ours may be apart.
const CLOCKS_DISAGREE_SECS: u64 = 5 * 60;

/// A question to the Hub about an open hold: a free read, which the gate lets run in every mode.
#[derive(Clone, Debug)]
pub struct Inquiry {
    hub: Arc<Hub>,
    reference: String,
}

/// What became of a launch, and, of a schedule, of each job that it started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// What became of the launch itself. A schedule that is over has cost nothing: its runs carry the money.
    pub fate: Fate,
    /// The jobs that a schedule has started since; none, for any other launch.
    pub runs: Vec<ScheduledRun>,
}

/// One job that a schedule has started. It is told of at each inquiry, so it is booked under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledRun {
    /// The job's id, which no other job has.
    pub id: String,
    /// The most that it can cost; `None` when that is not known.
    pub bound: Option<Usd>,
    /// The reference under which an inquiry finds this job by itself.
    pub reference: String,
    /// What became of it. One that is unknown is over.
    pub fate: Fate,
}

/// What became of one thing that was launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on: its hold stays open.
    StillRunning,
    /// It is over, and this is what it cost.
    Settled(Usd),
    /// It never started: what was held is free again.
    NeverStarted,
    /// What it cost cannot be told now, for this reason; the hold stays open.
    Unknown(String),
}

impl From<Fate> for Reconciled {
    fn from(fate: Fate) -> Reconciled {
        Reconciled { fate, runs: Vec::new() }
    }
}

impl Inquiry {
    /// Asks about a hold that was left open with this reference.
    pub fn about(reference: impl Into<String>, hub: Arc<Hub>) -> Inquiry {
        Inquiry { hub, reference: reference.into() }
    }
}

impl Act for Inquiry {
    fn action(&self) -> Action {
        Action {
            tool: super::NAME.to_owned(),
            effect: Effect::Read,
            price: Price::Free,
            summary: format!("find out what became of {}", self.reference),
            subject: Subject::Other,
            shown: self.reference.clone(),
        }
    }
}

/// Asks the Hub what became of a launch. `now_secs` is the time, in seconds since 1970.
///
/// What comes back beside the answer is the ending of the inquiry's own call.
pub async fn reconcile(permit: Permit<Inquiry>, net: &Net, now_secs: u64) -> (Reconciled, Done) {
    let found = find_out(&permit, net, now_secs).await.unwrap_or_else(|why| Fate::Unknown(why).into());
    let runs = match found.runs.len() {
        0 => String::new(),
        count => format!("; it has started {count} jobs"),
    };
    let report = match &found.fate {
        Fate::StillRunning => Report::Done(format!("it goes on{runs}")),
        Fate::Settled(cost) => Report::Done(format!("it is over, and cost ${cost}{runs}")),
        Fate::NeverStarted => Report::Done(format!("it never started{runs}")),
        Fate::Unknown(why) => Report::Failed(format!("{why}{runs}")),
    };
    (found, permit.finish(report))
}

async fn find_out(permit: &Permit<Inquiry>, net: &Net, now_secs: u64) -> Result<Reconciled, String> {
    let inquiry = permit.act();
    let reference: Reference =
        inquiry.reference.parse().map_err(|_| format!("`{}` is no reference of a job", inquiry.reference))?;
    let api = Api::new(&inquiry.hub, net, permit)?;
    let namespace = match &reference.namespace {
        Some(known) => known.clone(),
        None => api.namespace(None).await?,
    };
    let found = match reference.kind {
        Kind::Job => job(&api, &namespace, &reference, now_secs).await.map(Reconciled::from),
        Kind::Schedule => schedule(&api, &namespace, &reference, now_secs).await,
    };
    found.map_err(|error| api.hub().redacted(&error.to_string()))
}

async fn job<A>(api: &Api<'_, A>, namespace: &str, reference: &Reference, now_secs: u64) -> Result<Fate, ApiError> {
    let found = match (&reference.id, &reference.operation) {
        (Some(id), _) => Job::read(&api.get(&format!("/api/jobs/{namespace}/{id}"), &[]).await?.value)
            .ok_or_else(|| ApiError::Rubbish("it is no job".to_owned()))?,
        (None, Some(label)) => match job_by_label(api, namespace, label).await? {
            Some(job) => job,
            None => return Ok(nowhere(reference, now_secs)),
        },
        (None, None) => return Ok(Fate::Unknown("the reference names no job".to_owned())),
    };
    Ok(fate_of(&found, reference))
}

fn fate_of(job: &Job, reference: &Reference) -> Fate {
    match (job.time(), cost_of(job, reference)) {
        (Time::GoesOn, _) => Fate::StillRunning,
        (Time::NeverStarted, _) => Fate::NeverStarted,
        (Time::Ran(_), Some(cost)) => Fate::Settled(cost),
        (Time::Ran(elapsed), None) => {
            let seconds = elapsed.seconds().unwrap_or(0);
            Fate::Unknown(format!("job {} ran for {seconds} s on hardware without a price", job.id))
        }
        (Time::Unmeasured, _) => {
            Fate::Unknown(format!("job {} is over, and the Hub does not say how long it ran", job.id))
        }
    }
}

/// A schedule goes on while it is there, suspended or not, and until the last job that it started is over.
///
/// The jobs are listed after the schedule was looked for: what it started before it was gone is then there.
async fn schedule<A>(
    api: &Api<'_, A>,
    namespace: &str,
    reference: &Reference,
    now_secs: u64,
) -> Result<Reconciled, ApiError> {
    let there = match (&reference.id, &reference.operation) {
        (Some(id), _) => match api.get(&format!("/api/scheduled-jobs/{namespace}/{id}"), &[]).await {
            Ok(_) => Some(id.clone()),
            Err(ApiError::Status { status: 404, .. }) => None,
            Err(error) => return Err(error),
        },
        (None, Some(label)) => schedule_by_label(api, namespace, label).await?.map(|found| found.id),
        (None, None) => return Ok(Fate::Unknown("the reference names no schedule".to_owned()).into()),
    };
    let sought = Reference {
        namespace: Some(namespace.to_owned()),
        id: there.clone().or_else(|| reference.id.clone()),
        ..reference.clone()
    };
    let listed = api.list(&format!("/api/jobs/{namespace}"), &[]).await?;
    let started = listed.values.iter().filter_map(Job::read).filter(|job| is_run_of(job, &sought));
    let runs: Vec<ScheduledRun> = started.map(|job| run_of(&job, &sought)).collect();
    let goes_on = there.is_some() || runs.iter().any(|run| run.fate == Fate::StillRunning);
    let fate = match (goes_on, listed.more) {
        (true, _) => Fate::StillRunning,
        (false, true) => Fate::Unknown("it is gone, and its jobs are more than can be listed".to_owned()),
        // One whose answer was lost, that is nowhere and has started nothing, may not have arrived yet.
        (false, false) if sought.id.is_none() && runs.is_empty() => nowhere(reference, now_secs),
        (false, false) => Fate::Settled(Usd::ZERO),
    };
    Ok(Reconciled { fate, runs })
}

/// Whether a schedule has started this job, since the call that the reference is of.
///
/// Of a schedule that the call made, every job is; of one that it resumed, those from then on, with some room for two
/// clocks that disagree. A job that does not say when it was made counts: to forget money is worse.
fn is_run_of(job: &Job, schedule: &Reference) -> bool {
    let Some(starter) = &job.schedule else { return false };
    match (&schedule.id, &schedule.operation) {
        (Some(id), Some(_)) => starter == id,
        (Some(id), None) => {
            let since = schedule.sent_secs.saturating_sub(CLOCKS_DISAGREE_SECS);
            starter == id && job.created_secs().is_none_or(|created| created >= since)
        }
        // The schedule itself was never seen, but what it starts has its label.
        (None, Some(label)) => job.operation.as_ref() == Some(label),
        (None, None) => false,
    }
}

fn run_of(job: &Job, schedule: &Reference) -> ScheduledRun {
    let reference = Reference {
        kind: Kind::Job,
        id: Some(job.id.clone()),
        operation: None,
        sent_secs: job.created_secs().unwrap_or(schedule.sent_secs),
        most: None,
        ..schedule.clone()
    };
    let fate = fate_of(job, &reference);
    ScheduledRun { id: job.id.clone(), bound: schedule.most, reference: reference.to_string(), fate }
}

fn nowhere(reference: &Reference, now_secs: u64) -> Fate {
    let since = now_secs.saturating_sub(reference.sent_secs);
    if since >= NOWHERE_AFTER_SECS {
        return Fate::NeverStarted;
    }
    Fate::Unknown(format!("nothing was found {since} s after it was sent, which is too soon to be sure"))
}
