//! `hf_jobs`: jobs on the hardware of the Hugging Face Hub, started once or on a schedule, looked at and cancelled.
//!
//! In reading order: `operation` has the closed list of what can be asked; `arguments` (with `fields` and `schedule`)
//! reads it from what a model wrote; `lookup` finds out beforehand what it must know, and `board` keeps that; this file
//! prices it; `run` carries it out, with `launch` for what costs money,
//! `follow` (with `job` and `log`) for staying with a job, and `look` for what is free; `reference` and `reconcile`
//! find out later what became of a launch; `api` speaks to the Hub.
//!
//! Not here: what hardware costs (that is `pricing`), or whether a call may run (that is `policy`).

mod api;
mod arguments;
mod board;
mod declaration;
mod fields;
mod follow;
mod job;
mod launch;
mod log;
mod look;
mod lookup;
mod operation;
mod reconcile;
mod reference;
mod run;
mod schedule;

pub use api::Account;
pub use board::{Board, Roles};
pub use lookup::look_up;
pub use reconcile::{Fate, Inquiry, Reconciled, ScheduledRun, reconcile};
pub use reference::page;
pub use run::run;

use crate::call::Invalid;
use crate::site::{Hub, SecretPower, Site};
use crate::text;
use arguments::Known;
use gate::{Act, CallId};
use operation::{JobSpec, Operation, Target};
use policy::{Action, Effect, Price, Subject};
use pricing::hardware::DOCUMENTED_IN;
use pricing::{Hardware, Source};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use turn::chat::ToolSpec;

/// The tool's name.
pub const NAME: &str = "hf_jobs";

/// The longest summary of a command.
const SUMMARY: usize = 100;

/// One call, understood and priced.
#[derive(Clone, Debug)]
pub struct HfJobs {
    operation: Operation,
    hub: Arc<Hub>,
    /// The prices that it was priced by, and is booked by.
    hardware: Arc<Hardware>,
    price: Price,
    shown: String,
}

/// Declares the tool to the model.
pub fn spec() -> ToolSpec {
    declaration::spec()
}

/// Reads a call's arguments.
///
/// # Errors
/// When they are not what the operation takes. That no Hub is configured is no such error: it is one when the call
/// runs, so that what a call would do can be said without one.
pub fn parse(arguments: Value, site: &Site) -> Result<HfJobs, Invalid> {
    let shown = canonical(&arguments);
    let hardware = site.hardware.list();
    let known = Known { hub: &site.hub, hardware: &hardware };
    let operation = arguments::read(arguments, known).map_err(|why| Invalid::Arguments { tool: NAME, why })?;
    let price = price(&operation, known);
    Ok(HfJobs { operation, hub: Arc::clone(&site.hub), hardware, price, shown })
}

/// What a call may cost. Only what starts something costs anything.
fn price(operation: &Operation, known: Known) -> Price {
    match operation {
        Operation::Run(launch) | Operation::Uv(launch) => price_of_launch(&launch.job, known),
        Operation::ScheduledRun(recurring) | Operation::ScheduledUv(recurring) => {
            Price::Unbounded(format!("it runs again and again, {}, until it is deleted", recurring.schedule))
        }
        Operation::ScheduledResume(_) => Price::Unbounded("it lets a schedule start jobs again".to_owned()),
        Operation::Ps(_)
        | Operation::Logs(_)
        | Operation::Inspect(_)
        | Operation::Cancel(_)
        | Operation::ScheduledPs(_)
        | Operation::ScheduledInspect(_)
        | Operation::ScheduledDelete(_)
        | Operation::ScheduledSuspend(_) => Price::Free,
    }
}

/// A job that holds what can start other jobs has no bound; any other has its hardware's.
fn price_of_launch(job: &JobSpec, known: Known) -> Price {
    let can_spend = |name: &&String| known.hub.power_of(name) == SecretPower::CanSpend;
    match job.secrets.iter().find(can_spend) {
        Some(name) => Price::Unbounded(format!("a job that holds the secret `{name}` can spend by itself")),
        None => known.hardware.job_price(&job.flavor, job.timeout, job.attempts, job.exposure()),
    }
}

impl Act for HfJobs {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: effect(&self.operation),
            price: self.price.clone(),
            summary: summary(&self.operation, self.hardware.source()),
            subject: Subject::Other,
            shown: self.shown.clone(),
        }
    }
}

fn effect(operation: &Operation) -> Effect {
    match operation {
        Operation::Ps(_)
        | Operation::Logs(_)
        | Operation::Inspect(_)
        | Operation::ScheduledPs(_)
        | Operation::ScheduledInspect(_) => Effect::Read,
        Operation::Run(_)
        | Operation::Uv(_)
        | Operation::Cancel(_)
        | Operation::ScheduledRun(_)
        | Operation::ScheduledUv(_)
        | Operation::ScheduledDelete(_)
        | Operation::ScheduledSuspend(_)
        | Operation::ScheduledResume(_) => Effect::Change,
    }
}

fn summary(operation: &Operation, source: &Source) -> String {
    match operation {
        Operation::Run(launch) | Operation::Uv(launch) => {
            let job = summary_of_job(&launch.job, launch.namespace.as_deref());
            format!("start {job}{}", marked(source))
        }
        Operation::ScheduledRun(recurring) | Operation::ScheduledUv(recurring) => {
            let job = summary_of_job(&recurring.job, recurring.namespace.as_deref());
            format!("schedule ({}) {job}", recurring.schedule)
        }
        Operation::Ps(listing) => format!("list jobs{}", of(listing.namespace.as_deref())),
        Operation::ScheduledPs(listing) => format!("list schedules{}", of(listing.namespace.as_deref())),
        Operation::Logs(logs) => summary_of_target("read the log of job", &logs.job),
        Operation::Inspect(target) => summary_of_target("inspect job", target),
        Operation::Cancel(target) => summary_of_target("cancel job", target),
        Operation::ScheduledInspect(target) => summary_of_target("inspect schedule", target),
        Operation::ScheduledDelete(target) => summary_of_target("delete schedule", target),
        Operation::ScheduledSuspend(target) => summary_of_target("suspend schedule", target),
        Operation::ScheduledResume(target) => summary_of_target("resume schedule", target),
    }
}

/// Says of a price that is not the Hub's own word of today that it is not.
fn marked(source: &Source) -> String {
    match source {
        Source::Fallback(_) => format!(" (priced as documented in {DOCUMENTED_IN}: the Hub's list could not be had)"),
        Source::Documented | Source::Catalogue => String::new(),
    }
}

fn of(namespace: Option<&str>) -> String {
    namespace.map_or_else(String::new, |name| format!(" of {name}"))
}

fn summary_of_target(what: &str, target: &Target) -> String {
    format!("{what} {}{}", target.id, of(target.namespace.as_deref()))
}

fn summary_of_job(job: &JobSpec, namespace: Option<&str>) -> String {
    let words = job.command.iter().map(|word| word.split_whitespace().collect::<Vec<_>>().join(" "));
    let command: String = words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    let mut line = format!("a job{} on {} for at most {}", of(namespace), job.flavor, job.timeout);
    if job.attempts.get() > 1 {
        line.push_str(&format!(" x {} attempts", job.attempts));
    }
    if !job.ports.is_empty() {
        line.push_str(", ports exposed");
    }
    if !job.secrets.is_empty() {
        line.push_str(&format!(", with secrets {}", job.secrets.join(", ")));
    }
    format!("{line}: {}", text::beginning(&command, SUMMARY))
}

impl HfJobs {
    /// The reference of a launch whose run was lost, as after a crash: what [`reconcile`] needs to find out whether
    /// it happened. `None` for a call that launches nothing.
    ///
    /// `outputs` and `call` are those that the run was given; `sent_secs` is when it was let run, in seconds since
    /// 1970.
    pub fn reference_if_lost(&self, outputs: &Path, call: &CallId, sent_secs: u64) -> Option<String> {
        run::reference_of(&self.operation, outputs, call, sent_secs).map(|reference| reference.to_string())
    }
}

/// Writes the arguments as a person is shown them: whole, unaltered, and with their names in one order, so that the
/// same arguments are always the same bytes.
fn canonical(arguments: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<(&String, &Value)> = map.iter().collect();
                entries.sort_unstable_by_key(|(name, _)| *name);
                Value::Object(entries.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
            }
            Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    format!("{:#}", sorted(arguments))
}
