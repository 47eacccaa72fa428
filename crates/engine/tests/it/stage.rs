//! What the tests play on: a folder with a git workspace and a journal, and sessions with a script for a model.
//!
//! Not here: tests.

use crate::server;
use engine::{
    About, Authority, EngineError, Replayed, RunEnd, Session, SessionCommand, Setup, Surface, Tariff, record,
};
use gate::{Answer, CallId, Person};
use host::children::Runs;
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::{Progress, Scene, Seen, Todos};
use journal::{IfMissing, Journal, Record, SessionId, Verified};
use mcp::{ServerEvent, Servers, Surroundings};
use model::{Model, Script};
use policy::Attendance;
use pricing::models::{ModelPrice, PriceSource, Rates};
use pricing::tool_prices::ToolPrices;
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tools::Site;
use tools::site::Hub;
use turn::chat::{Message, Outcome};
use turn::{Limits, TurnEvent};
use wire::{ControlReply, Event, Status};

pub use policy::Attendance::{Attended, Unattended};

/// The model, as sessions know it.
pub const MODEL: &str = "script:test";

/// Longer than a server takes to start; a test that gets this far has failed.
const FAR: Duration = Duration::from_secs(60);

/// A folder that goes when it does, with a workspace and a journal in it.
pub struct Stage {
    pub folder: tempfile::TempDir,
    pub journal: Journal,
    /// The session that is played.
    pub id: SessionId,
    pub setup: Setup,
    /// What the servers do by themselves, for who passes it on.
    pub server_events: mpsc::Receiver<ServerEvent>,
}

impl Stage {
    pub async fn new() -> Stage {
        Stage::built(Vec::new(), in_memory()).await
    }

    /// A stage whose files are on the disk: for what is too large for memory.
    pub async fn on_disk() -> Stage {
        Stage::built(Vec::new(), tempfile::tempdir().unwrap()).await
    }

    /// A stage with the MCP server `stage` of [`server`].
    pub async fn with_server() -> Stage {
        let stage = Stage::built(vec![server::config()], in_memory()).await;
        stage.setup.servers.ready(FAR).await;
        stage
    }

    async fn built(servers: Vec<mcp::ServerConfig>, folder: tempfile::TempDir) -> Stage {
        let (root, outputs) = (folder.path().join("workspace"), folder.path().join("outputs"));
        std::fs::create_dir(&outputs).unwrap();
        repository(&root);
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        let workspace = Workspace::open(&root).unwrap().with_readable(&outputs).unwrap();
        let environment = Environment::of_this_program(&[], &[]);
        let around = Surroundings { environment: environment.open(), folder: root };
        let (servers, server_events) = Servers::start(servers, around).unwrap();
        let scene = Scene {
            workspace: workspace.clone(),
            outputs,
            environment: Arc::new(environment),
            net: Net::new(),
            runs: Runs::default(),
            seen: Seen::default(),
            todos: Todos::default(),
            stop: CancellationToken::new(),
            progress: Progress::nobody(),
        };
        let setup = Setup {
            model: model(""),
            model_name: MODEL.into(),
            tariff: Arc::new(Tariff::Known(ModelPrice::free(PriceSource::Script))),
            instructions: "You are being tested.".into(),
            site: Site { workspace, hardware: tools::hf_jobs::Board::documented(), hub: Arc::new(Hub::default()) },
            scene,
            servers,
            prices: Arc::new(ToolPrices::default()),
            limits: Limits::default(),
            max_output_tokens: None,
            now_ms,
        };
        Stage { folder, journal, id: "s".parse().unwrap(), setup, server_events }
    }

    /// A file of the workspace.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("workspace").join(name)
    }

    /// The text of a file of the workspace; nothing if there is none.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Sets what calls of a tool cost.
    pub fn price(&mut self, tool: &str, price: &str) {
        self.setup.prices = Arc::new(ToolPrices::read([(tool, price)]).unwrap());
    }

    /// Sets what the model takes for a million tokens of input and of output.
    pub fn charge(&mut self, input: &str, output: &str) {
        self.charge_with_cache(input, input, output);
    }

    /// The same, with another price for input that is read from the cache.
    pub fn charge_with_cache(&mut self, input: &str, cached: &str, output: &str) {
        let rates = Rates::new(input.parse().unwrap(), output.parse().unwrap()).unwrap();
        let rates = rates.reading_cache_at(cached.parse().unwrap()).unwrap();
        self.setup.tariff = Arc::new(Tariff::Known(ModelPrice::flat(rates, PriceSource::Script)));
    }

    /// Starts a session, which does nothing yet.
    pub async fn session(&self, authority: Authority, script: &str) -> (Session, mpsc::UnboundedReceiver<Event>) {
        let (events, heard) = mpsc::unbounded_channel();
        let about = About { workspace: "here".into(), model: MODEL.into(), title: "a test".into(), owner: None };
        let setup = Setup { model: model(script), ..self.setup.clone() };
        let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
        let started = Session::start(&self.journal, (self.id.clone(), about), authority, setup, surface).await;
        (started.unwrap(), heard)
    }

    /// Starts a session in which a person has said `go`.
    pub async fn play(&self, mode: &str, attendance: Attendance, script: &str) -> Play {
        let authority = Authority { mode: mode.parse().unwrap(), attendance, prohibitions: Vec::new() };
        let (session, heard) = self.session(authority, script).await;
        Play::of(session, heard, said("go"))
    }

    /// Plays to the end.
    pub async fn played(&self, mode: &str, attendance: Attendance, script: &str) -> Ended {
        self.play(mode, attendance, script).await.end().await
    }

    /// Takes the session up again.
    pub async fn resumed(&self, script: &str) -> Result<(Session, mpsc::UnboundedReceiver<Event>), EngineError> {
        let (events, heard) = mpsc::unbounded_channel();
        let setup = Setup { model: model(script), ..self.setup.clone() };
        let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
        let session = Session::resume(&self.journal, self.id.clone(), setup, surface).await?;
        Ok((session, heard))
    }

    /// Takes the session up again and plays on to the end.
    pub async fn played_on(&self, script: &str, first: TurnEvent) -> Ended {
        let (session, heard) = self.resumed(script).await.unwrap();
        Play::of(session, heard, first).end().await
    }

    pub async fn records(&self) -> Vec<Record> {
        record::all(&self.journal, &self.id).await.unwrap()
    }

    /// Checks that the record is whole, stands on itself, and amounts to what the session is.
    pub async fn check_record(&self, session: &Session) {
        let verified = self.journal.verify(&self.id).await.unwrap();
        assert!(matches!(verified, Verified::Intact { .. }), "{verified:?}");
        let records = self.records().await;
        record::check(&records).unwrap();
        let Replayed { state, turn, requests } = record::replay(&records, Limits::default()).unwrap();
        assert_eq!(&requests, session.requests(), "the requests on record amount to others");
        assert_eq!(&state, session.state(), "the gate's record amounts to another state");
        assert_eq!(&turn, session.turn(), "the conversation's record amounts to another conversation");
        check_conversation(turn.messages());
    }

    /// A connection that knows nothing of journals, for breaking one.
    pub async fn sql(&self, sql: &str) {
        let mut connection: SqliteConnection =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.journal.path()).connect().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }

    /// Makes every record fail to be written for which this condition holds.
    pub async fn refuse_records(&self, condition: &str) {
        let raise = "BEGIN SELECT RAISE(ABORT, 'this record cannot be written'); END";
        self.sql(&format!("CREATE TRIGGER broken BEFORE INSERT ON records WHEN {condition} {raise}")).await;
    }

    pub async fn mend(&self) {
        self.sql("DROP TRIGGER IF EXISTS broken").await;
    }
}

/// A folder in memory, where the system has such a place: a journal writes a lot.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.unwrap()
}

/// A git repository with a file and a commit in it.
fn repository(root: &Path) {
    std::fs::create_dir(root).unwrap();
    std::fs::write(root.join("add.rs"), "fn add(a: i32, b: i32) -> i32 {\n    a - b\n}\n").unwrap();
    let who = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
    for words in [&["init", "-q"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
        let done = Command::new("git").current_dir(root).args(who).args(words).status().unwrap();
        assert!(done.success(), "git {words:?}");
    }
}

pub fn model(script: &str) -> Arc<Model> {
    Arc::new(Model::Script(Script::parse(script).unwrap()))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

pub fn person() -> Person {
    Person::at("the test")
}

pub fn said(text: &str) -> TurnEvent {
    TurnEvent::Said { text: text.to_owned() }
}

/// A session that runs.
pub struct Play {
    /// What was heard so far.
    pub events: Vec<Event>,
    heard: mpsc::UnboundedReceiver<Event>,
    commands: mpsc::Sender<SessionCommand>,
    task: JoinHandle<(Session, Result<RunEnd, EngineError>)>,
}

/// A session whose run is over.
pub struct Ended {
    pub session: Session,
    pub result: Result<RunEnd, EngineError>,
    pub events: Vec<Event>,
    /// What a next run would hear.
    pub heard: mpsc::UnboundedReceiver<Event>,
}

impl Play {
    pub fn of(mut session: Session, heard: mpsc::UnboundedReceiver<Event>, first: TurnEvent) -> Play {
        let (commands, mut told) = mpsc::channel(16);
        let task = tokio::spawn(async move {
            let result = session.run(first, &mut told).await;
            (session, result)
        });
        Play { events: Vec::new(), heard, commands, task }
    }

    /// Waits for the next event that is wanted.
    pub async fn until(&mut self, is_wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = tokio::select! {
                biased;
                Some(event) = self.heard.recv() => event,
                over = &mut self.task => {
                    let result = over.unwrap().1;
                    panic!("it is over ({result:?}) and was not heard, only {:#?}", order(&self.events));
                }
            };
            self.events.push(event.clone());
            if is_wanted(&event) {
                return event;
            }
        }
    }

    /// Waits for so many events, or all that there are, and says how many came.
    pub async fn first(&mut self, count: usize) -> usize {
        while self.events.len() < count && !self.task.is_finished() {
            tokio::select! {
                biased;
                Some(event) = self.heard.recv() => self.events.push(event),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
        while self.events.len() < count {
            let Ok(event) = self.heard.try_recv() else { break };
            self.events.push(event);
        }
        self.events.len()
    }

    /// Waits until the person is asked about this call.
    pub async fn question(&mut self, about: &str) -> Event {
        self.until(|event| matches!(event, Event::Question { call, .. } if call == about)).await
    }

    /// Waits for a piece of what a running call says.
    pub async fn progress(&mut self, of: &str) -> Event {
        self.until(|event| matches!(event, Event::Progress { call, .. } if call == of)).await
    }

    pub async fn tell(&self, command: SessionCommand) {
        self.commands.send(command).await.unwrap();
    }

    pub async fn answer(&self, call: &str, answer: Answer) {
        self.tell(reply(call, answer, None, None)).await;
    }

    pub async fn set_mode(&self, mode: &str) -> ControlReply {
        let mode = mode.parse().unwrap();
        self.asked(|done| SessionCommand::SetMode { person: person(), mode, done }).await
    }

    pub async fn status(&self) -> ControlReply {
        self.asked(|done| SessionCommand::Status { done }).await
    }

    /// Tells the session something that it answers.
    pub async fn asked<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> SessionCommand) -> T {
        let (done, answer) = oneshot::channel();
        self.tell(command(done)).await;
        answer.await.unwrap()
    }

    /// Cuts the run off where it is, and waits until its session is gone.
    pub async fn cut_off(self) -> Vec<Event> {
        self.task.abort();
        // It may have come to its end just now; then its session is dropped here.
        drop(self.task.await);
        let mut events = self.events;
        let mut heard = self.heard;
        while let Ok(event) = heard.try_recv() {
            events.push(event);
        }
        events
    }

    /// Nobody can tell the session anything any more.
    pub fn leave(&mut self) {
        self.commands = mpsc::channel(1).0;
    }

    pub async fn end(self) -> Ended {
        let Play { mut events, mut heard, commands, task } = self;
        let (session, result) = task.await.unwrap();
        drop(commands);
        while let Ok(event) = heard.try_recv() {
            events.push(event);
        }
        Ended { session, result, events, heard }
    }
}

/// An answer with all that can be in it.
pub fn reply(call: &str, answer: Answer, edited: Option<&str>, words: Option<&str>) -> SessionCommand {
    SessionCommand::Answer {
        person: person(),
        call: CallId::new(call),
        answer,
        edited: edited.map(str::to_owned),
        words: words.map(str::to_owned),
    }
}

impl Ended {
    /// How it ended, and why.
    pub fn how(&self) -> (Status, Option<&str>) {
        let end = self.result.as_ref().unwrap();
        (end.status, end.reason.as_deref())
    }

    /// The result of a call: whether it did what it was asked, and what the model reads.
    pub fn result_of(&self, call: &str) -> (bool, &str) {
        let results = self.session.turn().messages().iter().filter_map(|message| match message {
            Message::Tool { call: other, text, outcome } if other == call => {
                Some((*outcome == Outcome::Done, text.as_str()))
            }
            Message::Tool { .. } | Message::User { .. } | Message::Assistant(_) => None,
        });
        let found: Vec<_> = results.collect();
        assert_eq!(found.len(), 1, "call {call} has {} results", found.len());
        found[0]
    }

    /// What was decided about a call, each time it was judged: the outcome and who decided.
    pub fn decisions(&self, about: &str) -> Vec<(String, String)> {
        let decisions = self.events.iter().filter_map(|event| match event {
            Event::Decision { call, outcome, decided_by, .. } if call == about => {
                Some((outcome.clone(), decided_by.clone().unwrap_or_default()))
            }
            _ => None,
        });
        decisions.collect()
    }

    /// How often a person was asked.
    pub fn questions(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Question { .. })).count()
    }

    /// The texts of everything that a surface was to show by the way.
    pub fn notices(&self) -> Vec<&str> {
        let notices = self.events.iter().filter_map(|event| match event {
            Event::Notice { text } => Some(text.as_str()),
            _ => None,
        });
        notices.collect()
    }
}

/// Events in a line each, those that repeat themselves once.
pub fn order(events: &[Event]) -> Vec<String> {
    let mut lines: Vec<String> = events.iter().map(line).collect();
    lines.dedup();
    lines
}

fn line(event: &Event) -> String {
    match event {
        Event::Session { .. } => "session".into(),
        Event::Prompt { text } => format!("prompt {text}"),
        Event::Text { .. } => "text".into(),
        Event::Reasoning { .. } => "reasoning".into(),
        Event::Calling { tool } => format!("calling {tool}"),
        Event::Retrying { .. } => "retrying".into(),
        Event::Restarted => "restarted".into(),
        Event::Message { .. } => "message".into(),
        Event::Call { call, tool, .. } => format!("call {call} {tool}"),
        Event::Decision { call, outcome, .. } => format!("decision {call} {outcome}"),
        Event::Question { call, .. } => format!("question {call}"),
        Event::Progress { call, .. } => format!("progress {call}"),
        Event::Result { call, ok, .. } => format!("result {call} {}", if *ok { "done" } else { "failed" }),
        Event::Mode { mode, .. } => format!("mode {mode}"),
        Event::Notice { .. } => "notice".into(),
        Event::CaughtUp { doing } => format!("caught up {doing:?}"),
        Event::Model { model, .. } => format!("model {model}"),
        Event::Titled { title } => format!("titled {title}"),
        Event::GoesOn => "goes on".to_owned(),
        Event::Answered { call } => format!("answered {call}"),
        Event::End { .. } => "end".into(),
    }
}

/// Where an event stands among others, as [`order`] writes it.
pub fn place(events: &[Event], wanted: &str) -> usize {
    let lines: Vec<String> = events.iter().map(line).collect();
    let at = lines.iter().position(|line| line == wanted);
    at.unwrap_or_else(|| panic!("`{wanted}` is not among {lines:#?}"))
}

/// Checks that each call has one answer, right after the message that made it, in the order of the calls.
pub fn check_conversation(messages: &[Message]) {
    let mut wanted = std::collections::VecDeque::new();
    for message in messages {
        match message {
            Message::Tool { call, .. } => assert_eq!(wanted.pop_front().as_ref(), Some(call), "{messages:#?}"),
            Message::Assistant(reply) => {
                assert!(wanted.is_empty(), "{wanted:?} have no answer: {messages:#?}");
                wanted.extend(reply.calls.iter().map(|call| call.id.clone()));
            }
            Message::User { .. } => assert!(wanted.is_empty(), "{wanted:?} have no answer: {messages:#?}"),
        }
    }
    assert!(wanted.is_empty(), "{wanted:?} have no answer: {messages:#?}");
}

/// Whether a program with the number in this file is there and is no mere entry of one that has ended.
pub fn lives(pid_file: &Path) -> bool {
    let pid: u32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// A pipe in the workspace on which a shell can wait for the test.
pub fn pipe(stage: &Stage, name: &str) -> PathBuf {
    let path = stage.path(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Lets whoever waits on a pipe go on; waits until somebody does.
pub async fn release(pipe: PathBuf) {
    tokio::task::spawn_blocking(move || std::fs::write(pipe, "go\n").unwrap()).await.unwrap();
}
