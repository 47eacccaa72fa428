//! The jobs and schedules of all namespaces, and what each call does to them.
//!
//! Not here: HTTP, who may call, and what goes wrong on order. Every function is given the moment.

use super::calendar::{Moment, iso};
use super::cron::Cron;
use super::job::{Initiator, InitiatorKind, Job, Owner, Play};
use super::spec::{Expose, Labels, Spec, check_labels};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most jobs that are kept; a launch beyond it is refused, and schedules no longer start any.
const MAX_JOBS: usize = 20_000;

/// Why a call was not carried out, as the API says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) retry_after_secs: Option<u32>,
}

impl Refused {
    /// Makes a refusal.
    pub(crate) fn new(status: u16, error: impl Into<String>) -> Refused {
        Refused { status, error: error.into(), retry_after_secs: None }
    }

    fn bad(error: impl Into<String>) -> Refused {
        Refused::new(400, error)
    }
}

/// Everything that outlives a request.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hub {
    /// What the clock showed when this was last written down.
    pub(crate) clock: Moment,
    /// How many ids were given out.
    ids: u32,
    pub(crate) jobs: Vec<Job>,
    pub(crate) schedules: Vec<Schedule>,
}

/// A scheduled job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    id: String,
    owner: Owner,
    created: Moment,
    spec: Spec,
    schedule: String,
    suspend: bool,
    concurrency: bool,
    last: Option<LastRun>,
    next: Option<Moment>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LastRun {
    id: String,
    at: Moment,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSchedule {
    job_spec: Value,
    schedule: String,
    concurrency: Option<bool>,
    suspend: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLabels {
    labels: Labels,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTime {
    schedule: String,
}

/// What a list of jobs is narrowed to.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    stages: Vec<String>,
    labels: Vec<(String, String)>,
    /// The last job of the page before.
    cursor: Option<String>,
}

impl Filter {
    /// Reads `stage=`, `label=key=value` (each may repeat) and `cursor=`.
    pub(crate) fn read(query: &[(String, String)]) -> Result<Filter, Refused> {
        let mut filter = Filter::default();
        for (key, value) in query {
            match key.as_str() {
                "stage" => filter.stages.push(value.clone()),
                "cursor" => filter.cursor = Some(value.clone()),
                "label" => match value.split_once('=') {
                    Some((name, value)) => filter.labels.push((name.to_owned(), value.to_owned())),
                    None => return Err(Refused::bad(format!("invalid label filter `{value}`"))),
                },
                _ => {}
            }
        }
        Ok(filter)
    }

    fn takes(&self, labels: Option<&Labels>) -> bool {
        self.labels.iter().all(|(key, value)| labels.is_some_and(|labels| labels.get(key) == Some(value)))
    }
}

impl Hub {
    /// Starts every run of a schedule that has come due, in order.
    pub(crate) fn tick(&mut self, now: Moment, play: &Play) {
        while let Some((due, at)) = self.earliest_due(now) {
            let next = Cron::parse(&self.schedules[due].schedule).ok().and_then(|cron| cron.next_after(at));
            self.schedules[due].next = next;
            if !self.is_blocked(due, at) && self.jobs.len() < MAX_JOBS {
                self.run_schedule(due, at, play);
            }
        }
        self.clock = now;
    }

    fn earliest_due(&self, now: Moment) -> Option<(usize, Moment)> {
        let due = self.schedules.iter().enumerate();
        due.filter_map(|(index, schedule)| schedule.next.map(|next| (index, next)))
            .filter(|(_, next)| *next <= now)
            .min_by_key(|(_, next)| *next)
    }

    /// Says whether a run is going on that lets no other one start.
    fn is_blocked(&self, schedule: usize, at: Moment) -> bool {
        let schedule = &self.schedules[schedule];
        let runs = |job: &Job| {
            job.initiator.kind == InitiatorKind::ScheduledJob && job.initiator.id == schedule.id && !job.is_finished(at)
        };
        !schedule.concurrency && self.jobs.iter().any(runs)
    }

    fn run_schedule(&mut self, schedule: usize, at: Moment, play: &Play) -> &Job {
        let Schedule { id, owner, spec, .. } = &self.schedules[schedule];
        let initiator = Initiator { kind: InitiatorKind::ScheduledJob, id: id.clone(), name: None };
        let (owner, spec) = (owner.clone(), spec.clone());
        let id = self.next_id(at);
        self.schedules[schedule].last = Some(LastRun { id: id.clone(), at });
        self.add(Job { id, owner, initiator, created: at, spec, play: play.clone(), cancelled: None })
    }

    fn add(&mut self, job: Job) -> &Job {
        self.jobs.push(job);
        &self.jobs[self.jobs.len() - 1]
    }

    /// Makes an id of 24 hex digits: the second, as many services' ids have it, then a number of its own.
    fn next_id(&mut self, at: Moment) -> String {
        self.ids += 1;
        format!("{:08x}{:016x}", (at / 1_000) & 0xffff_ffff, self.ids)
    }

    fn room(&self) -> Result<(), Refused> {
        if self.jobs.len() < MAX_JOBS { Ok(()) } else { Err(Refused::new(429, "too many jobs")) }
    }

    /// Starts a job.
    pub(crate) fn launch(&mut self, owner: Owner, body: Value, play: Play, now: Moment) -> Result<Value, Refused> {
        self.room()?;
        let spec = Spec::read(body).map_err(Refused::bad)?;
        let initiator = Initiator { kind: InitiatorKind::User, id: owner.id.clone(), name: Some(owner.name.clone()) };
        let id = self.next_id(now);
        let job = self.add(Job { id, owner, initiator, created: now, spec, play, cancelled: None });
        Ok(job.view(now))
    }

    /// Starts a job like another one.
    pub(crate) fn duplicate(&mut self, job: usize, play: Play, now: Moment) -> Result<Value, Refused> {
        self.room()?;
        let Job { id, owner, spec, .. } = &self.jobs[job];
        let initiator = Initiator { kind: InitiatorKind::DuplicatedJob, id: id.clone(), name: None };
        let (owner, spec) = (owner.clone(), spec.clone());
        let id = self.next_id(now);
        let job = self.add(Job { id, owner, initiator, created: now, spec, play, cancelled: None });
        Ok(job.view(now))
    }

    /// Finds a job of a namespace.
    pub(crate) fn job(&self, namespace: &str, id: &str) -> Result<usize, Refused> {
        self.jobs
            .iter()
            .position(|job| job.owner.name == namespace && job.id == id)
            .ok_or_else(|| Refused::new(404, "Job not found"))
    }

    /// Finds a schedule of a namespace.
    pub(crate) fn schedule(&self, namespace: &str, id: &str) -> Result<usize, Refused> {
        self.schedules
            .iter()
            .position(|schedule| schedule.owner.name == namespace && schedule.id == id)
            .ok_or_else(|| Refused::new(404, "Scheduled Job not found"))
    }

    /// Lists a page of jobs, the newest first, and the cursor of the next page if there is one.
    pub(crate) fn list(&self, namespace: &str, filter: &Filter, page: usize, now: Moment) -> (Value, Option<String>) {
        let is_wanted = |job: &&Job| {
            let stage = || job.standing(now).stage;
            job.owner.name == namespace
                && filter.takes(job.spec.labels.as_ref())
                && (filter.stages.is_empty() || filter.stages.contains(&stage()))
        };
        let newest_first = self.jobs.iter().rev();
        let after_cursor = newest_first.skip_while(|job| match &filter.cursor {
            Some(cursor) => job.id != *cursor,
            None => false,
        });
        let mut rest = after_cursor.skip(usize::from(filter.cursor.is_some())).filter(is_wanted);
        let shown: Vec<&Job> = rest.by_ref().take(page).collect();
        let next = match (rest.next(), shown.last()) {
            (Some(_), Some(last)) => Some(last.id.clone()),
            _ => None,
        };
        (shown.iter().map(|job| job.view(now)).collect(), next)
    }

    /// Replaces a job's labels.
    pub(crate) fn label(&mut self, job: usize, body: Value, now: Moment) -> Result<Value, Refused> {
        self.jobs[job].spec.labels = Some(new_labels(body)?);
        Ok(self.jobs[job].view(now))
    }

    /// Replaces a job's exposed ports.
    pub(crate) fn expose(&mut self, job: usize, body: Value, now: Moment) -> Result<Value, Refused> {
        if self.jobs[job].is_finished(now) {
            return Err(Refused::bad("the job has finished"));
        }
        let expose: Expose = serde_json::from_value(body).map_err(|failure| Refused::bad(failure.to_string()))?;
        expose.check().map_err(Refused::bad)?;
        self.jobs[job].spec.expose = Some(expose);
        Ok(self.jobs[job].view(now))
    }

    /// Makes a schedule.
    pub(crate) fn create_schedule(&mut self, owner: Owner, body: Value, now: Moment) -> Result<Value, Refused> {
        let new: NewSchedule = serde_json::from_value(body).map_err(|failure| Refused::bad(failure.to_string()))?;
        let spec = Spec::read(new.job_spec).map_err(Refused::bad)?;
        let cron = Cron::parse(&new.schedule).map_err(Refused::bad)?;
        let suspend = new.suspend.unwrap_or(false);
        let schedule = Schedule {
            id: self.next_id(now),
            owner,
            created: now,
            spec,
            schedule: new.schedule,
            suspend,
            concurrency: new.concurrency.unwrap_or(false),
            last: None,
            next: if suspend { None } else { cron.next_after(now) },
        };
        let view = schedule.view();
        self.schedules.push(schedule);
        Ok(view)
    }

    /// Lists a namespace's schedules.
    pub(crate) fn list_schedules(&self, namespace: &str, filter: &Filter) -> Value {
        let of_namespace = self.schedules.iter().filter(|schedule| schedule.owner.name == namespace);
        of_namespace.filter(|schedule| filter.takes(schedule.spec.labels.as_ref())).map(Schedule::view).collect()
    }

    /// Stops a schedule from coming due.
    pub(crate) fn suspend(&mut self, schedule: usize) -> Value {
        let schedule = &mut self.schedules[schedule];
        schedule.suspend = true;
        schedule.next = None;
        schedule.view()
    }

    /// Lets a schedule come due again, from now on.
    pub(crate) fn resume(&mut self, schedule: usize, now: Moment) -> Result<Value, Refused> {
        let schedule = &mut self.schedules[schedule];
        let cron = Cron::parse(&schedule.schedule).map_err(Refused::bad)?;
        schedule.suspend = false;
        schedule.next = cron.next_after(now);
        Ok(schedule.view())
    }

    /// Changes when a schedule comes due.
    pub(crate) fn reschedule(&mut self, schedule: usize, body: Value, now: Moment) -> Result<Value, Refused> {
        let new: NewTime = serde_json::from_value(body).map_err(|failure| Refused::bad(failure.to_string()))?;
        let cron = Cron::parse(&new.schedule).map_err(Refused::bad)?;
        let schedule = &mut self.schedules[schedule];
        schedule.schedule = new.schedule;
        schedule.next = if schedule.suspend { None } else { cron.next_after(now) };
        Ok(schedule.view())
    }

    /// Runs a schedule now; its next run stays where it is.
    pub(crate) fn trigger(&mut self, schedule: usize, play: &Play, now: Moment) -> Result<Value, Refused> {
        self.room()?;
        if self.is_blocked(schedule, now) {
            return Err(Refused::new(
                409,
                "a run of this scheduled job is going on, and it does not allow concurrent runs",
            ));
        }
        Ok(self.run_schedule(schedule, now, play).view(now))
    }

    /// Replaces a schedule's labels.
    pub(crate) fn label_schedule(&mut self, schedule: usize, body: Value) -> Result<Value, Refused> {
        let labels = new_labels(body)?;
        let schedule = &mut self.schedules[schedule];
        schedule.spec.labels = Some(labels);
        Ok(schedule.view())
    }
}

impl Schedule {
    /// Shows the schedule as the API does.
    pub(crate) fn view(&self) -> Value {
        let last = self.last.as_ref();
        json!({
            "id": self.id,
            "createdAt": iso(self.created),
            "jobSpec": self.spec.view(),
            "schedule": self.schedule,
            "suspend": self.suspend,
            "concurrency": self.concurrency,
            "status": {
                "lastJob": last.map(|last| json!({ "id": last.id, "at": iso(last.at) })),
                "nextJobRunAt": self.next.map(iso),
            },
            "owner": self.owner,
        })
    }
}

fn new_labels(body: Value) -> Result<Labels, Refused> {
    let new: NewLabels = serde_json::from_value(body).map_err(|failure| Refused::bad(failure.to_string()))?;
    check_labels(&new.labels).map_err(Refused::bad)?;
    Ok(new.labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { id: "o".to_owned(), name: "me".to_owned(), kind: "user".to_owned() }
    }

    fn spec() -> Value {
        json!({"command": ["true"], "flavor": "cpu-basic", "dockerImage": "python:3.12"})
    }

    fn hourly(hub: &mut Hub, more: Value) -> usize {
        let mut body = json!({"jobSpec": spec(), "schedule": "@hourly"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        hub.create_schedule(owner(), body, 0).unwrap();
        hub.schedules.len() - 1
    }

    const HOUR: Moment = 3_600_000;

    #[test]
    fn a_schedule_spends_without_any_further_call() {
        let mut hub = Hub::default();
        hourly(&mut hub, json!({}));
        hub.tick(3 * HOUR + 1, &Play::default());
        let (jobs, _) = hub.list("me", &Filter::default(), 100, 3 * HOUR + 1);
        let started: Vec<&str> =
            jobs.as_array().unwrap().iter().map(|job| job["createdAt"].as_str().unwrap()).collect();
        assert_eq!(started, ["1970-01-01T03:00:00.000Z", "1970-01-01T02:00:00.000Z", "1970-01-01T01:00:00.000Z"]);
        assert_eq!(jobs[0]["initiator"]["type"], "scheduled-job");
        assert_eq!(jobs[0]["initiator"]["id"], json!(hub.schedules[0].id));
        let status = &hub.schedules[0].view()["status"];
        assert_eq!(status["lastJob"]["id"], jobs[0]["id"]);
        assert_eq!(status["nextJobRunAt"], "1970-01-01T04:00:00.000Z");
    }

    #[test]
    fn a_run_that_goes_on_keeps_the_next_from_starting_unless_they_may_overlap() {
        let long = Play { run_secs: 1_700, scheduling_secs: 3_000, ..Play::default() };
        for (concurrency, expected) in [(false, 2), (true, 3)] {
            let mut hub = Hub::default();
            hourly(&mut hub, json!({"concurrency": concurrency}));
            hub.tick(3 * HOUR + 1, &long);
            assert_eq!(hub.jobs.len(), expected);
        }
    }

    #[test]
    fn a_suspended_schedule_starts_nothing_until_it_is_resumed() {
        let mut hub = Hub::default();
        let schedule = hourly(&mut hub, json!({"suspend": true}));
        hub.tick(5 * HOUR, &Play::default());
        assert_eq!(hub.jobs.len(), 0);
        hub.resume(schedule, 5 * HOUR).unwrap();
        hub.tick(6 * HOUR, &Play::default());
        assert_eq!(hub.jobs.len(), 1);
        hub.suspend(schedule);
        hub.tick(9 * HOUR, &Play::default());
        assert_eq!(hub.jobs.len(), 1);
    }

    #[test]
    fn the_pages_of_a_list_hold_every_job_once() {
        let mut hub = Hub::default();
        for _ in 0..7 {
            hub.launch(owner(), spec(), Play::default(), 0).unwrap();
        }
        let mut seen = Vec::new();
        let mut filter = Filter::default();
        loop {
            let (page, next) = hub.list("me", &filter, 3, 0);
            seen.extend(page.as_array().unwrap().iter().map(|job| job["id"].clone()));
            match next {
                Some(cursor) => filter.cursor = Some(cursor),
                None => break,
            }
        }
        let all: Vec<Value> = hub.jobs.iter().rev().map(|job| json!(job.id)).collect();
        assert_eq!(seen, all);
    }
}
