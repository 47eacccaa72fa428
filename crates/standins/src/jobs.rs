//! The Hugging Face Jobs API, with a clock that can be sped up or moved by hand and faults on order.
//!
//! Not here: anything that runs a job's command. What the real Hub answers is followed to the letter where it is
//! known; where it is not, the choice is named beside the code that makes it.

mod calendar;
mod call;
mod clock;
mod cron;
mod hardware;
mod hub;
mod inject;
mod job;
mod spec;
mod stream;
mod wire;

pub use hardware::Unit;
pub use job::Play;

use crate::StandinError;
use crate::command::{Flags, serve, usage};
use crate::store::Store;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use calendar::{Moment, iso};
use call::{Call, Route};
use clock::Clock;
use hub::{Filter, Hub, Refused};
use inject::{Fault, Injection, Phase};
use job::Owner;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream::Cut;
use tokio::net::TcpListener;
use tokio::sync::watch;
use wire::{Answer, Asked, Numbered};

/// The requests that are kept, the latest ones.
const MAX_REQUESTS: usize = 5_000;

/// How a jobs API is set up.
#[derive(Debug, Clone)]
pub struct JobsOptions {
    /// Where jobs and schedules are kept over a restart; `None` keeps them in memory.
    pub state: Option<PathBuf>,
    /// The tokens that may do everything. If there is none, any token may.
    pub tokens: Vec<String>,
    /// The tokens that may only read.
    pub read_tokens: Vec<String>,
    /// The user whose tokens these are.
    pub user: String,
    /// The organisations that the user is in.
    pub orgs: Vec<String>,
    /// How many times as fast as the system's the clock runs; at 0 it stands until it is moved.
    pub speed: u32,
    /// How many jobs a page of a list holds.
    pub page: usize,
    /// After how many milliseconds without an event a stream sends a keep-alive.
    pub keep_alive_ms: u64,
    /// How many seconds a cancellation takes.
    pub cancel_secs: u32,
    /// The time that the listed prices are for.
    pub unit: Unit,
    /// How jobs play out when nothing else was ordered.
    pub play: Play,
}

impl Default for JobsOptions {
    fn default() -> JobsOptions {
        JobsOptions {
            state: None,
            tokens: Vec::new(),
            read_tokens: Vec::new(),
            user: "someone".to_owned(),
            orgs: Vec::new(),
            speed: 1,
            page: 100,
            keep_alive_ms: 30_000,
            cancel_secs: 1,
            unit: Unit::Minute,
            play: Play::default(),
        }
    }
}

impl JobsOptions {
    /// The flags of the command line; each takes a value.
    pub(crate) const FLAGS: &[&str] = &[
        "--port",
        "--state",
        "--token",
        "--read-token",
        "--user",
        "--org",
        "--speed",
        "--page",
        "--keep-alive-ms",
        "--cancel-secs",
        "--unit",
        "--scheduling-secs",
        "--run-secs",
        "--outcome",
        "--message",
        "--line",
    ];

    /// Reads the options from the command line.
    pub(crate) fn from_flags(flags: &mut Flags) -> Result<JobsOptions, StandinError> {
        let usual = JobsOptions::default();
        let play = Play {
            scheduling_secs: flags.number("--scheduling-secs")?.unwrap_or(usual.play.scheduling_secs),
            run_secs: flags.number("--run-secs")?.unwrap_or(usual.play.run_secs),
            outcome: match flags.one("--outcome")? {
                Some(stage) => stage.to_uppercase(),
                None => usual.play.outcome,
            },
            message: flags.one("--message")?,
            lines: Some(flags.many("--line")).filter(|lines| !lines.is_empty()).unwrap_or(usual.play.lines),
        };
        let options = JobsOptions {
            state: flags.one("--state")?.map(Into::into),
            tokens: flags.many("--token"),
            read_tokens: flags.many("--read-token"),
            user: flags.one("--user")?.unwrap_or(usual.user),
            orgs: flags.many("--org"),
            speed: flags.number("--speed")?.unwrap_or(usual.speed),
            page: flags.number("--page")?.unwrap_or(usual.page),
            keep_alive_ms: flags.number("--keep-alive-ms")?.unwrap_or(usual.keep_alive_ms),
            cancel_secs: flags.number("--cancel-secs")?.unwrap_or(usual.cancel_secs),
            unit: match flags.one("--unit")? {
                Some(name) => Unit::named(&name).ok_or_else(|| usage("`--unit` is `minute` or `hour`"))?,
                None => usual.unit,
            },
            play,
        };
        if options.page == 0 || options.keep_alive_ms == 0 {
            return Err(usage("`--page` and `--keep-alive-ms` must be positive"));
        }
        if options.speed > clock::MAX_SPEED {
            return Err(usage(&format!("`--speed` is at most {}", clock::MAX_SPEED)));
        }
        Ok(options)
    }
}

/// Serves the jobs API until `stop` completes.
///
/// Beside the API, and without a token, there are:
/// - `GET /_standin/state`: the clock, every job with what it was billed so far, the schedules, the requests;
/// - `POST /_standin/advance` with `{"seconds": 90}`, which moves the clock;
/// - `POST /_standin/inject` with a fault, and `DELETE`, which takes all faults back. A fault is an object with a
///   `kind`: `lose_answer`, `hold_answer`, `fail` (`status`, `error`), `payment_required`, `rate_limited`
///   (`retry_after_secs`), `logs_silent` and `logs_end` (`after` so many lines), `stage` (`stage`), `no_price` and
///   `null_price` (`flavor`), `hardware_list` (`list`), `role` (`role`), `next_job` (`play`, the fields of [`Play`]); with `times`, and with `on`, the call that
///   it happens to: `launch`, `list`, `inspect`, `logs`, `cancel`, `hardware`, `whoami`, `any` and so on.
///
/// # Errors
/// When the state file cannot be used, or when the server stops by itself.
pub async fn jobs(
    listener: TcpListener,
    options: JobsOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), StandinError> {
    serve(listener, router(options)?, stop).await
}

/// Opens the jobs API, and says which path is what.
pub(crate) fn router(options: JobsOptions) -> Result<Router, StandinError> {
    let shared = Arc::new(Shared::open(options)?);
    Ok(Router::new()
        .route("/_standin/state", get(show))
        .route("/_standin/advance", post(advance))
        .route("/_standin/inject", post(inject).delete(forget))
        .fallback(wire::api)
        .with_state(shared))
}

/// What every request and every stream shares.
struct Shared {
    options: JobsOptions,
    store: Store,
    inner: Mutex<Inner>,
    /// Tells the streams that the clock was moved or a job has changed.
    changed: watch::Sender<()>,
}

struct Inner {
    hub: Hub,
    clock: Clock,
    injections: Vec<Injection>,
    requests: VecDeque<Seen>,
    served: u64,
}

/// A request that was answered.
#[derive(Debug, Serialize)]
struct Seen {
    at: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    /// The body as JSON, the values of secrets masked.
    body: Value,
    /// The status of the answer; that it was lost or held back is not part of it.
    status: u16,
}

impl Shared {
    fn open(options: JobsOptions) -> Result<Shared, StandinError> {
        let store = Store::new(options.state.clone());
        let hub: Hub = store.load()?.unwrap_or_default();
        let clock = Clock::starting(hub.clock, options.speed);
        store.save(&hub)?;
        Ok(Shared {
            inner: Mutex::new(Inner { hub, clock, injections: Vec::new(), requests: VecDeque::new(), served: 0 }),
            options,
            store,
            changed: watch::Sender::new(()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.options.keep_alive_ms)
    }

    /// Brings the schedules up to date, and gives the moment.
    fn tick(&self, inner: &mut Inner) -> Moment {
        let now = inner.clock.now();
        inner.hub.tick(now, &self.options.play);
        now
    }

    /// Writes the state down and wakes the streams.
    fn settle(&self, inner: &Inner) -> Result<(), Refused> {
        let saved = self.store.save(&inner.hub);
        self.changed.send_replace(());
        saved.map_err(|failure| Refused::new(500, failure.to_string()))
    }

    /// Carries out one request of the API and says what is answered.
    fn answer(&self, asked: &Asked) -> Numbered {
        let mut inner = self.lock();
        let before = inner.hub.jobs.len();
        let now = self.tick(&mut inner);
        inner.served += 1;
        let mut answer = match self.carry_out(&mut inner, asked, now) {
            Ok(answer) => answer,
            Err(refused) => Answer::Refused(refused),
        };
        let status = answer.status();
        if (asked.method != "GET" || inner.hub.jobs.len() > before)
            && let Err(refused) = self.settle(&inner)
        {
            answer = Answer::Refused(refused);
        }
        if inner.requests.len() >= MAX_REQUESTS {
            inner.requests.pop_front();
        }
        inner.requests.push_back(Seen {
            at: iso(now),
            method: asked.method.clone(),
            path: asked.path.clone(),
            query: asked.query.clone(),
            body: masked(&asked.body),
            status,
        });
        Numbered { answer, now, number: inner.served }
    }

    fn carry_out(&self, inner: &mut Inner, asked: &Asked, now: Moment) -> Result<Answer, Refused> {
        let Some(call) = Call::find(&asked.method, &asked.path) else {
            return Err(Refused::new(404, "there is no such call"));
        };
        let role = self.role(asked)?;
        if let Some(fault) = inject::take(&mut inner.injections, call.route, Phase::Instead)
            && let Some(refusal) = fault.refusal()
        {
            return Err(refusal);
        }
        let owner = match call.route {
            Route::Whoami | Route::Hardware => self.owner(&self.options.user),
            _ => self.owner(&call.namespace),
        };
        let owner = owner
            .ok_or_else(|| Refused::new(403, format!("you have no access to the namespace `{}`", call.namespace)))?;
        if role == Role::Read && asked.method != "GET" {
            return Err(Refused::new(403, "this token may only read"));
        }
        let within = inject::take(&mut inner.injections, call.route, Phase::Within);
        let doing = Doing { call: &call, asked, owner, role, within, now };
        let answer = self.perform(&mut inner.hub, &doing);
        match inject::take(&mut inner.injections, call.route, Phase::After) {
            Some(Fault::HoldAnswer) => Ok(Answer::Held),
            Some(_) => Ok(Answer::Lost),
            None => answer,
        }
    }

    fn perform(&self, hub: &mut Hub, doing: &Doing) -> Result<Answer, Refused> {
        let Doing { call, now, .. } = *doing;
        let (ns, id) = (call.namespace.as_str(), call.id.as_str());
        let body = || doing.asked.body.clone().ok_or_else(no_json);
        let filter = || Filter::read(&doing.asked.query);
        let play = match &doing.within {
            Some(Fault::NextJob { play }) => play.clone(),
            _ => self.options.play.clone(),
        };
        let mut answer = match call.route {
            Route::Whoami => self.whoami(doing.role, now),
            Route::Hardware => hardware::catalogue(self.options.unit),
            Route::Launch => hub.launch(doing.owner.clone(), body()?, play, now)?,
            Route::List => return self.list(hub, doing),
            Route::Inspect => hub.jobs[hub.job(ns, id)?].view(now),
            Route::Logs => {
                return Ok(Answer::Log {
                    job: hub.job(ns, id)?,
                    tail: tail(&doing.asked.query)?,
                    cut: cut(doing.within.as_ref()),
                });
            }
            Route::Metrics => {
                let job = hub.job(ns, id)?;
                if hub.jobs[job].is_finished(now) {
                    return Err(Refused::new(406, "the job has finished"));
                }
                return Ok(Answer::Metrics { job });
            }
            // What the Hub answers for a job that has ended is not known: here it is the job, unchanged.
            Route::Cancel => {
                let job = hub.job(ns, id)?;
                let at = now + Moment::from(self.options.cancel_secs) * 1_000;
                hub.jobs[job].cancel(now, at);
                hub.jobs[job].view(now)
            }
            Route::Duplicate => hub.duplicate(hub.job(ns, id)?, play, now)?,
            Route::Label => hub.label(hub.job(ns, id)?, body()?, now)?,
            Route::Expose => hub.expose(hub.job(ns, id)?, body()?, now)?,
            Route::Schedule => hub.create_schedule(doing.owner.clone(), body()?, now)?,
            Route::Schedules => hub.list_schedules(ns, &filter()?),
            Route::InspectSchedule => hub.schedules[hub.schedule(ns, id)?].view(),
            Route::DeleteSchedule => {
                let schedule = hub.schedule(ns, id)?;
                hub.schedules.remove(schedule);
                json!({})
            }
            Route::Suspend => hub.suspend(hub.schedule(ns, id)?),
            Route::Resume => hub.resume(hub.schedule(ns, id)?, now)?,
            Route::Reschedule => hub.reschedule(hub.schedule(ns, id)?, body()?, now)?,
            Route::Trigger => hub.trigger(hub.schedule(ns, id)?, &play, now)?,
            Route::LabelSchedule => hub.label_schedule(hub.schedule(ns, id)?, body()?)?,
        };
        doing.alter(&mut answer);
        Ok(Answer::Json { value: answer, next: None })
    }

    fn list(&self, hub: &Hub, doing: &Doing) -> Result<Answer, Refused> {
        let asked = doing.asked;
        let filter = Filter::read(&asked.query)?;
        let ns = &doing.call.namespace;
        let (mut value, cursor) = hub.list(ns, &filter, self.options.page, doing.now);
        doing.alter(&mut value);
        let next = cursor.map(|cursor| asked.next_page(&cursor));
        Ok(Answer::Json { value, next })
    }

    fn role(&self, asked: &Asked) -> Result<Role, Refused> {
        let is_one_of = |tokens: &[String]| tokens.contains(&asked.token);
        if asked.token.is_empty() {
            return Err(Refused::new(401, "Invalid credentials in Authorization header"));
        }
        if is_one_of(&self.options.read_tokens) {
            Ok(Role::Read)
        } else if self.options.tokens.is_empty() || is_one_of(&self.options.tokens) {
            Ok(Role::Write)
        } else {
            Err(Refused::new(401, "Invalid credentials in Authorization header"))
        }
    }

    /// Finds the user or organisation of this name, if the caller may act for it.
    fn owner(&self, name: &str) -> Option<Owner> {
        let kind = if name == self.options.user {
            "user"
        } else if self.options.orgs.iter().any(|org| org == name) {
            "org"
        } else {
            return None;
        };
        Some(Owner { id: id_of(name), name: name.to_owned(), kind: kind.to_owned() })
    }

    fn whoami(&self, role: Role, now: Moment) -> Value {
        let user = &self.options.user;
        let org = |name: &String| {
            json!({
                "type": "org",
                "id": id_of(name),
                "name": name,
                "fullname": name,
                "canPay": true,
                "roleInOrg": "write",
            })
        };
        let orgs: Vec<Value> = self.options.orgs.iter().map(org).collect();
        json!({
            "type": "user",
            "id": id_of(user),
            "name": user,
            "fullname": user,
            "email": format!("{user}@example.com"),
            "canPay": true,
            "isPro": true,
            "orgs": orgs,
            "auth": {
                "type": "access_token",
                "accessToken": { "displayName": "standin", "role": role, "createdAt": iso(now) },
            },
        })
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Read,
    Write,
}

/// A call on its way: who makes it, when, and what goes wrong with it.
struct Doing<'a> {
    call: &'a Call,
    asked: &'a Asked,
    owner: Owner,
    role: Role,
    within: Option<Fault>,
    now: Moment,
}

impl Doing<'_> {
    fn alter(&self, answer: &mut Value) {
        if let Some(fault) = &self.within {
            fault.alter(answer);
        }
    }
}

fn no_json() -> Refused {
    Refused::new(400, "the body is not JSON")
}

fn tail(query: &[(String, String)]) -> Result<Option<usize>, Refused> {
    let Some((_, text)) = query.iter().find(|(key, _)| key == "tail") else {
        return Ok(None);
    };
    match text.parse() {
        Ok(lines) => Ok(Some(lines)),
        Err(_) => Err(Refused::new(400, format!("invalid tail `{text}`"))),
    }
}

fn cut(fault: Option<&Fault>) -> Cut {
    match fault {
        Some(Fault::LogsSilent { after }) => Cut::Silent(*after),
        Some(Fault::LogsEnd { after }) => Cut::End(*after),
        _ => Cut::None,
    }
}

/// Makes the id of a user or organisation: 24 hex digits that follow from the name.
fn id_of(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("5eed5eed{hash:016x}")
}

/// The body with the values of secrets masked, of a job spec and of one inside a schedule.
fn masked(body: &Option<Value>) -> Value {
    let mut body = body.clone().unwrap_or(Value::Null);
    for pointer in ["/secrets", "/jobSpec/secrets"] {
        if let Some(secrets) = body.pointer_mut(pointer) {
            match secrets {
                Value::Object(secrets) => secrets.values_mut().for_each(|value| *value = json!("***")),
                other => *other = json!("***"),
            }
        }
    }
    body
}

async fn show(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut inner = shared.lock();
    let now = shared.tick(&mut inner);
    let Inner { hub, injections, requests, .. } = &*inner;
    let unit = shared.options.unit;
    let job = |job: &job::Job| {
        let mut view = job.view(now);
        view["timeoutSeconds"] = json!(job.spec.timeout_seconds);
        view["attempts"] = json!(job.spec.attempts);
        view["billedMicroUSD"] = json!(job.billed_micro_usd(now, unit));
        view
    };
    let jobs: Vec<Value> = hub.jobs.iter().map(job).collect();
    let by_user = |job: &&job::Job| job.initiator.kind == job::InitiatorKind::User;
    let schedules: Vec<Value> = hub.schedules.iter().map(hub::Schedule::view).collect();
    Json(json!({
        "now": iso(now),
        "launches": hub.jobs.iter().filter(by_user).count(),
        "jobs": jobs,
        "schedules": schedules,
        "requests": requests,
        "injections": injections,
    }))
}

async fn advance(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let seconds =
        serde_json::from_slice::<Value>(&body).ok().and_then(|body| u32::try_from(body["seconds"].as_u64()?).ok());
    let Some(seconds) = seconds else {
        return complaint("`seconds` must be a whole number");
    };
    let mut inner = shared.lock();
    inner.clock.advance(seconds);
    let now = shared.tick(&mut inner);
    match shared.settle(&inner) {
        Ok(()) => Json(json!({ "now": iso(now) })).into_response(),
        Err(refused) => complaint(&refused.error),
    }
}

async fn inject(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let order = serde_json::from_slice(&body).map_err(|failure| failure.to_string()).and_then(Injection::read);
    match order {
        Ok(injection) => {
            let mut inner = shared.lock();
            inner.injections.push(injection);
            Json(json!({ "injections": inner.injections })).into_response()
        }
        Err(reason) => complaint(&reason),
    }
}

async fn forget(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.lock().injections.clear();
    Json(json!({ "injections": [] }))
}

fn complaint(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response()
}
