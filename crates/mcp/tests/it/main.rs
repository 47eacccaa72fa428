//! Tests of the client through its public face: real programs, real connections, a real gate and journal.
//!
//! Not here: the parts that are pure; their tests stand beside them.

#![allow(clippy::disallowed_methods, reason = "tests look at files and programs that servers have made")]

mod asking;
mod calls;
mod deaths;
mod floods;
mod http;
mod npm;
mod others;
mod tools;

use gate::{Admission, CallId, Ended, Gate, Report, State, supervise};
use host::children::Runs;
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::{Progress, Scene, Seen, Todos};
use journal::{IfMissing, Journal};
use mcp::{McpCall, Patience, ServerConfig, ServerEvent, ServerState, Servers, StdioServer, Surroundings, Transport};
use policy::Attendance;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; a test that gets this far has failed.
const FAR: Duration = Duration::from_secs(60);

/// A session with its servers, its gate, and a folder that goes when it does.
struct Session {
    folder: tempfile::TempDir,
    gate: Gate,
    servers: Servers,
    events: Receiver<ServerEvent>,
    lines: Receiver<String>,
    scene: Scene,
    calls: u32,
}

impl Session {
    /// A session in YOLO, once it is known of each server whether it is up.
    async fn with(configs: Vec<ServerConfig>) -> Session {
        let session = Session::in_mode("yolo:uncapped", configs).await;
        session.servers.ready(FAR).await;
        session
    }

    /// A session in a mode, without waiting for its servers.
    async fn in_mode(mode: &str, configs: Vec<ServerConfig>) -> Session {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        let log = journal.create(&"session".parse().unwrap(), 0, "{}").await.unwrap();
        let state = State::open(mode.parse().unwrap(), Attendance::Attended, Vec::new());
        let gate = Gate::open(log, state, || 0).await.unwrap();
        let workspace = folder.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        let environment = Environment::of_this_program(&[], &[]);
        let around = Surroundings { environment: environment.open(), folder: workspace.clone() };
        let (servers, events) = Servers::start(configs, around).unwrap();
        let (speaker, lines) = tokio::sync::mpsc::channel(64);
        let scene = Scene {
            workspace: Workspace::open(&workspace).unwrap(),
            outputs: folder.path().join("outputs"),
            environment: Arc::new(environment),
            net: Net::new(),
            runs: Runs::default(),
            seen: Seen::default(),
            todos: Todos::default(),
            stop: CancellationToken::new(),
            progress: Progress::to(speaker),
        };
        Session { folder, gate, servers, events, lines, scene, calls: 0 }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn parse(&self, tool: &str, arguments: Value) -> McpCall {
        self.servers.parse(tool, arguments, |_| None).unwrap()
    }

    /// Brings a call to the gate and starts it; the result is how it ended.
    async fn start(&mut self, call: McpCall) -> (CallId, tokio::task::JoinHandle<Ended>) {
        self.calls += 1;
        let id = CallId::new(format!("c{}", self.calls));
        let Admission::Run(permit) = self.gate.admit(id.clone(), call).await.unwrap() else {
            panic!("the mode runs everything");
        };
        let (servers, scene) = (self.servers.clone(), self.scene.clone());
        let stop = scene.stop.clone();
        let run = async move { mcp::run(permit, &servers, &scene).await };
        (id, tokio::spawn(supervise(run, stop, FAR)))
    }

    /// Runs a call to its end.
    async fn run(&mut self, call: McpCall) -> Report {
        let (id, running) = self.start(call).await;
        let ended = tokio::time::timeout(FAR, running).await.expect("the call has an end").unwrap();
        self.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap()
    }

    /// Understands, admits and runs a call.
    async fn call(&mut self, tool: &str, arguments: Value) -> Report {
        let call = self.parse(tool, arguments);
        self.run(call).await
    }

    /// What a call that works says.
    async fn says(&mut self, tool: &str, arguments: Value) -> String {
        match self.call(tool, arguments).await {
            Report::Done(text) => text,
            Report::Failed(text) => panic!("`{tool}` failed: {text}"),
        }
    }

    /// The next event.
    async fn event(&mut self) -> ServerEvent {
        tokio::time::timeout(FAR, self.events.recv()).await.expect("an event comes").expect("servers speak")
    }

    /// The next event that is one of these.
    async fn event_that<T>(&mut self, wanted: impl Fn(ServerEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.event().await) {
                return found;
            }
        }
    }
}

/// The rude server, in this manner.
fn rude(name: &str, manner: &str) -> ServerConfig {
    // Test programs are in `deps`, examples beside it.
    let here = std::env::current_exe().unwrap();
    let example: PathBuf = here.parent().unwrap().parent().unwrap().join("examples/rude_server");
    program(name, example.to_str().unwrap(), &[manner])
}

/// A server that is a program.
fn program(name: &str, command: &str, args: &[&str]) -> ServerConfig {
    let program = StdioServer {
        command: command.to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
        folder: None,
    };
    ServerConfig { name: name.parse().unwrap(), transport: Transport::Stdio(program), patience: patience() }
}

/// The patience of a test that is not about it: nothing depends on how fast the machine is.
fn patience() -> Patience {
    Patience { connect: FAR, list: FAR, first_wait: Duration::from_millis(5), ..Patience::default() }
}

fn phases(states: &[ServerState]) -> Vec<(&str, &mcp::ServerPhase)> {
    states.iter().map(|state| (state.server.as_str(), &state.phase)).collect()
}
