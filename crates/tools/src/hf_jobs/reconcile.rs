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

/// A question to the Hub about an open hold: a free read, which the gate lets run in every mode.
#[derive(Clone, Debug)]
pub struct Inquiry {
    hub: Arc<Hub>,
    reference: String,
}

/// What became of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconciled {
    /// It goes on: its hold stays open.
    StillRunning,
    /// It is over, and this is what it cost.
    Settled(Usd),
    /// It never started: what was held is free again.
    NeverStarted,
    /// It cannot be told now, for this reason; the hold stays open.
    Unknown(String),
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
    let found = find_out(&permit, net, now_secs).await.unwrap_or_else(Reconciled::Unknown);
    let report = match &found {
        Reconciled::StillRunning => Report::Done("it goes on".to_owned()),
        Reconciled::Settled(cost) => Report::Done(format!("it is over, and cost ${cost}")),
        Reconciled::NeverStarted => Report::Done("it never started".to_owned()),
        Reconciled::Unknown(why) => Report::Failed(why.clone()),
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
        Kind::Job => job(&api, &namespace, &reference, now_secs).await,
        Kind::Schedule => schedule(&api, &namespace, &reference, now_secs).await,
    };
    found.map_err(|error| api.hub().redacted(&error.to_string()))
}

async fn job<A>(
    api: &Api<'_, A>,
    namespace: &str,
    reference: &Reference,
    now_secs: u64,
) -> Result<Reconciled, ApiError> {
    let found = match (&reference.id, &reference.operation) {
        (Some(id), _) => Job::read(&api.get(&format!("/api/jobs/{namespace}/{id}"), &[]).await?.value)
            .ok_or_else(|| ApiError::Rubbish("it is no job".to_owned()))?,
        (None, Some(label)) => match job_by_label(api, namespace, label).await? {
            Some(job) => job,
            None => return Ok(nowhere(reference, now_secs)),
        },
        (None, None) => return Ok(Reconciled::Unknown("the reference names no job".to_owned())),
    };
    Ok(match (found.time(), cost_of(&found, reference)) {
        (Time::GoesOn, _) => Reconciled::StillRunning,
        (Time::NeverStarted, _) => Reconciled::NeverStarted,
        (Time::Ran(_), Some(cost)) => Reconciled::Settled(cost),
        (Time::Ran(elapsed), None) => {
            let seconds = elapsed.seconds().unwrap_or(0);
            Reconciled::Unknown(format!("job {} ran for {seconds} s on hardware without a price", found.id))
        }
        (Time::Unmeasured, _) => {
            Reconciled::Unknown(format!("job {} is over, and the Hub does not say how long it ran", found.id))
        }
    })
}

/// A schedule goes on while it is there. What the runs of one that is gone have cost is not counted here.
async fn schedule<A>(
    api: &Api<'_, A>,
    namespace: &str,
    reference: &Reference,
    now_secs: u64,
) -> Result<Reconciled, ApiError> {
    match (&reference.id, &reference.operation) {
        (Some(id), _) => match api.get(&format!("/api/scheduled-jobs/{namespace}/{id}"), &[]).await {
            Ok(_) => Ok(Reconciled::StillRunning),
            Err(ApiError::Status { status: 404, .. }) => {
                Ok(Reconciled::Unknown(format!("schedule {id} is gone; the jobs it started are not counted")))
            }
            Err(error) => Err(error),
        },
        (None, Some(label)) => Ok(match schedule_by_label(api, namespace, label).await? {
            Some(_) => Reconciled::StillRunning,
            None => nowhere(reference, now_secs),
        }),
        (None, None) => Ok(Reconciled::Unknown("the reference names no schedule".to_owned())),
    }
}

fn nowhere(reference: &Reference, now_secs: u64) -> Reconciled {
    let since = now_secs.saturating_sub(reference.sent_secs);
    if since >= NOWHERE_AFTER_SECS {
        return Reconciled::NeverStarted;
    }
    Reconciled::Unknown(format!("nothing was found {since} s after it was sent, which is too soon to be sure"))
}
