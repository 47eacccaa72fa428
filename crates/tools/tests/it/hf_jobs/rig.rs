//! A jobs API on loopback, a gate on a real journal, and calls that go through both.
//!
//! Not here: tests.

use super::scene::scene;
use gate::{Act, Admission, CallId, Done, Ended, Gate, Permit, Report, State};
use host::scene::Scene;
use journal::{IfMissing, Journal, SessionId};
use ledger::Stage;
use policy::{Attendance, Price};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tools::hf_jobs::{self, Board, HfJobs, Inquiry, Reconciled};
use tools::site::{Hub, HubToken, JobSecret, SecretPower, Site};

pub const TOKEN: &str = "hf_a_token_that_may_write";
/// A token that may only read.
pub const READ_TOKEN: &str = "hf_a_token_that_may_read";
/// Another token that may write.
pub const WRITE_TOKEN: &str = "hf_another_token";
pub const SECRET: &str = "w4ndb-s3cr3t-value";

pub use standins::{JobsOptions, Play, Unit};

/// A jobs API whose clock runs as fast as the options say.
pub struct JobsApi {
    pub base: String,
    client: reqwest::Client,
}

impl JobsApi {
    pub async fn start(options: JobsOptions) -> JobsApi {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options = JobsOptions {
            tokens: vec![TOKEN.to_owned(), WRITE_TOKEN.to_owned()],
            read_tokens: vec![READ_TOKEN.to_owned()],
            user: "me".to_owned(),
            orgs: vec!["guild".to_owned()],
            ..options
        };
        tokio::spawn(standins::jobs(listener, options, std::future::pending()));
        JobsApi { base, client: reqwest::Client::new() }
    }

    async fn ask(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.base);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    /// Makes a request that only the person would make.
    pub async fn post(&self, path: &str) -> Value {
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(TOKEN);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    pub async fn state(&self) -> Value {
        self.ask("/_standin/state", None).await
    }

    pub async fn advance(&self, seconds: u32) {
        self.ask("/_standin/advance", Some(json!({ "seconds": seconds }))).await;
    }

    pub async fn inject(&self, order: Value) {
        self.ask("/_standin/inject", Some(order)).await;
    }

    pub async fn launches(&self) -> u64 {
        self.state().await["launches"].as_u64().unwrap()
    }

    /// How many requests of this method there were whose path ends so.
    pub async fn requests(&self, method: &str, end: &str) -> usize {
        let state = self.state().await;
        let seen = state["requests"].as_array().unwrap().iter();
        seen.filter(|seen| seen["method"] == method && seen["path"].as_str().unwrap().ends_with(end)).count()
    }

    /// Waits until the state is as wanted; a test that waits in vain is ended by whoever runs it.
    pub async fn until(&self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let state = self.state().await;
            if is_wanted(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A session with a gate of its own.
pub struct Bench {
    pub gate: Gate,
    pub scene: Scene,
    pub site: Site,
    pub progress: mpsc::Receiver<String>,
    calls: usize,
    folder: tempfile::TempDir,
    journal: Journal,
}

/// How the person's Hub is set up when a test says nothing else.
pub fn hub(endpoint: &str) -> Hub {
    let secret = |value: &str, said| JobSecret { value: HubToken::new(value), said: Some(said) };
    Hub {
        endpoint: Some(endpoint.to_owned()),
        token: Some(HubToken::new(TOKEN)),
        secrets: [
            ("HF_TOKEN".to_owned(), secret(WRITE_TOKEN, SecretPower::CanSpend)),
            ("WANDB_API_KEY".to_owned(), secret(SECRET, SecretPower::CannotSpend)),
        ]
        .into(),
        ..Hub::default()
    }
}

impl Bench {
    pub async fn new(mode: &str, hub: Hub) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        let session: SessionId = "s1".parse().unwrap();
        let log = journal.create(&session, 0, "{}").await.unwrap();
        let state = State::open(mode.parse().unwrap(), Attendance::Unattended, Vec::new());
        let gate = Gate::open(log, state, || 0).await.unwrap();
        let (lines, progress) = mpsc::channel(10_000);
        let (scene, workspace) = scene(folder.path(), lines);
        let site = Site { workspace, hardware: Board::documented(), hub: Arc::new(hub) };
        Bench { gate, scene, site, progress, calls: 0, folder, journal }
    }

    /// The same session with a secret of which the configuration does not say whether it can spend.
    pub fn with_unsaid(mut self, name: &str, value: &str) -> Bench {
        let secret = JobSecret { value: HubToken::new(value), said: None };
        let hub = Arc::get_mut(&mut self.site.hub).expect("nothing was parsed yet");
        hub.secrets.insert(name.to_owned(), secret);
        self
    }

    /// Looks up what a call is priced by.
    pub async fn look_up(&mut self, now_secs: u64) {
        self.calls += 1;
        let call = self.call();
        hf_jobs::look_up(&mut self.gate, &call, &self.site, &self.scene.net, now_secs).await.unwrap();
    }

    /// The price of a call, as text.
    pub fn price(&self, arguments: Value) -> String {
        match self.parse(arguments).action().price {
            Price::AtMost(usd) => usd.to_string(),
            other => other.to_string(),
        }
    }

    /// A session at a jobs API, with a cap of 5 dollars.
    pub async fn at(api: &JobsApi) -> Bench {
        Bench::new("yolo:5", hub(&api.base)).await
    }

    /// The call that was admitted last.
    pub fn call(&self) -> CallId {
        CallId::new(format!("c{}", self.calls))
    }

    pub fn parse(&self, arguments: Value) -> HfJobs {
        hf_jobs::parse(arguments, &self.site).unwrap()
    }

    pub async fn admit(&mut self, arguments: Value) -> Permit<HfJobs> {
        let call = self.parse(arguments);
        self.calls += 1;
        match self.gate.admit(self.call(), call).await.unwrap() {
            Admission::Run(permit) => permit,
            other => panic!("it does not run: {other:?}"),
        }
    }

    /// Starts a call in the background.
    pub async fn start(&mut self, arguments: Value) -> tokio::task::JoinHandle<Done> {
        let permit = self.admit(arguments).await;
        let scene = self.scene.clone();
        tokio::spawn(async move { hf_jobs::run(permit, &scene).await })
    }

    /// Records how the call that was admitted last has ended.
    pub async fn close(&mut self, done: Done) -> Report {
        let call = self.call();
        self.gate.close(&call, Ended::Done(done), |_| Ok(Vec::new())).await.unwrap()
    }

    /// Runs a call to its end.
    pub async fn run(&mut self, arguments: Value) -> Report {
        let done = self.start(arguments).await.await.unwrap();
        self.close(done).await
    }

    /// Where the money of the call that was admitted last stands.
    pub fn money(&self) -> Stage {
        self.money_of(self.call().as_str())
    }

    /// All that stands in the session's record.
    pub async fn record(&self) -> String {
        let records = self.journal.records(&"s1".parse().unwrap(), 0, 100).await.unwrap();
        records.into_iter().map(|record| record.body).collect()
    }

    /// Where the money of a call stands.
    pub fn money_of(&self, call: &str) -> Stage {
        self.gate.state().book.line(call).expect("nothing was held").stage.clone()
    }

    /// The reference under which the hold of the call that was admitted last was left open.
    pub fn reference(&self) -> String {
        match self.money() {
            Stage::Open(reference) => reference,
            other => panic!("the hold is not open: {other:?}"),
        }
    }

    /// Whether nothing is spent or held any more.
    pub fn is_even(&self) -> bool {
        self.gate.state().book.funds() == policy::Funds::default()
    }

    /// Asks later what became of a launch.
    pub async fn reconcile(&mut self, reference: &str, now_secs: u64) -> Reconciled {
        let inquiry = Inquiry::about(reference, Arc::clone(&self.site.hub));
        self.calls += 1;
        let Admission::Run(permit) = self.gate.admit(self.call(), inquiry).await.unwrap() else {
            panic!("a free read runs in every mode");
        };
        let (found, done) = hf_jobs::reconcile(permit, &self.scene.net, now_secs).await;
        self.close(done).await;
        found
    }

    /// Waits for a line of progress that holds this text.
    pub async fn told(&mut self, text: &str) {
        while let Some(line) = self.progress.recv().await {
            if line.contains(text) {
                return;
            }
        }
        panic!("the run ended without saying `{text}`");
    }

    /// A folder that is gone with the session.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

/// What the report says, which must be a success.
pub fn done(report: Report) -> String {
    match report {
        Report::Done(text) => text,
        Report::Failed(text) => panic!("it failed: {text}"),
    }
}

/// What the report says, which must be a failure.
pub fn failed(report: Report) -> String {
    match report {
        Report::Failed(text) => text,
        Report::Done(text) => panic!("it did not fail: {text}"),
    }
}

pub fn settled(usd: &str) -> Stage {
    Stage::Settled(usd.parse().unwrap())
}

/// A job of an hour at most, for a dollar at most.
pub fn hour() -> Value {
    json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["python", "-c", "0"]})
}

/// The arguments with more of them.
pub fn with(mut arguments: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    arguments
}

/// A clock that stands until it is moved.
pub fn standing() -> JobsOptions {
    JobsOptions { speed: 0, ..JobsOptions::default() }
}

/// A clock on which a job is over in no time.
pub fn fast(play: Play) -> JobsOptions {
    JobsOptions { speed: 100_000, play, ..JobsOptions::default() }
}

pub fn play(run_secs: u32, outcome: &str) -> Play {
    Play { run_secs, outcome: outcome.to_owned(), ..Play::default() }
}
