//! What one call asks of the Hub, typed: the closed list of operations.
//!
//! Not here: reading them from what a model wrote (that is `arguments`), or carrying them out.

use super::schedule::Schedule;
use money::Usd;
use policy::Price;
use pricing::{Ports, Timeout, UnitPrice, job_price};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// Everything that can be asked of the Hub.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Run(Launch),
    Uv(Launch),
    Ps(Listing),
    Logs(LogsOf),
    Inspect(Target),
    Cancel(Target),
    ScheduledRun(Recurring),
    ScheduledUv(Recurring),
    ScheduledPs(Listing),
    ScheduledInspect(Target),
    ScheduledDelete(Target),
    ScheduledSuspend(Target),
    ScheduledResume(Target),
}

/// A job to start once.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) job: JobSpec,
    /// Whose job it is, and who pays; `None` is the account's own.
    pub(super) namespace: Option<String>,
    pub(super) wait: Wait,
}

/// Whether a call stays with the job that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until the job is over.
    ToTheEnd,
    /// Only until the job was accepted.
    Detached,
}

/// A job to start again and again.
#[derive(Clone, Debug)]
pub(super) struct Recurring {
    pub(super) job: JobSpec,
    pub(super) namespace: Option<String>,
    pub(super) schedule: Schedule,
}

/// A list of what a namespace has.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) namespace: Option<String>,
}

/// One job, or one schedule, by its id.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) namespace: Option<String>,
    pub(super) id: String,
}

/// The log of one job.
#[derive(Clone, Debug)]
pub(super) struct LogsOf {
    pub(super) job: Target,
    /// How many of its last lines; `None` is all that fits in a report.
    pub(super) tail: Option<u32>,
}

/// A job, as it will be sent, but for the values of secrets and the label that finds it again.
#[derive(Clone, Debug)]
pub(super) struct JobSpec {
    pub(super) image: Image,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    /// The names of secrets; each is in the person's configuration.
    pub(super) secrets: Vec<String>,
    pub(super) flavor: String,
    /// What the hardware costs, as it was known when the call was priced.
    pub(super) unit: Option<UnitPrice>,
    pub(super) timeout: Timeout,
    pub(super) attempts: NonZeroU32,
    pub(super) ports: Vec<u16>,
    pub(super) labels: BTreeMap<String, String>,
}

/// What a job runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// An image of a registry.
    Docker(String),
    /// A Space of the Hub, as `owner/name`.
    Space(String),
}

impl JobSpec {
    /// Whether the outside can reach the job.
    pub(super) fn exposure(&self) -> Ports {
        if self.ports.is_empty() { Ports::Closed } else { Ports::Exposed }
    }

    /// The most that all its attempts can cost, when its hardware has a price.
    pub(super) fn most(&self) -> Option<Usd> {
        match job_price(self.unit?, self.timeout, self.attempts, self.exposure()) {
            Price::AtMost(most) => Some(most),
            Price::Free | Price::Unknown(_) | Price::Unbounded(_) => None,
        }
    }

    /// The longest that all its attempts can run.
    pub(super) fn longest_secs(&self) -> u64 {
        self.timeout.seconds().saturating_mul(u64::from(self.attempts.get()))
    }
}
