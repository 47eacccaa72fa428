//! A workspace in a folder of its own, a gate on a real journal, and calls that go through both.
//!
//! Not here: tests.

use gate::{CallId, Ended, Gate, Report, State};
use host::children::Runs;
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::Scene;
use journal::{IfMissing, Journal};
use policy::{Action, Attendance};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tools::site::{Hub, Site};
use tools::{Admitted, Call, Invalid, Parsed, Ready};

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub scene: Scene,
    pub site: Site,
    gate: Gate,
    calls: usize,
}

impl Stage {
    /// A stage where everything runs.
    pub async fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let (root, outputs) = (folder.path().join("workspace"), folder.path().join("outputs"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outputs).unwrap();
        let workspace = Workspace::open(&root).unwrap().with_readable(&outputs).unwrap();
        let environment = Arc::new(Environment::of_this_program(&[], &[]));
        let scene = Scene::new(workspace.clone(), outputs, environment, Net::new(), Runs::default());
        let site = Site { workspace, hardware: tools::hf_jobs::Board::documented(), hub: Arc::new(Hub::default()) };
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        let log = journal.create(&"test".parse().unwrap(), 0, "{}").await.unwrap();
        let state = State::open("yolo:uncapped".parse().unwrap(), Attendance::Unattended, Vec::new());
        let gate = Gate::open(log, state, || 0).await.unwrap();
        Stage { folder, scene, site, gate, calls: 0 }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.scene.workspace.root().join(name)
    }

    /// Puts a file into the workspace.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    pub fn parse(&self, tool: &str, arguments: Value) -> Result<Call, Invalid> {
        match tools::parse(tool, arguments, &self.site)? {
            Parsed::Act(call) => Ok(call),
            Parsed::Question(question) => panic!("a question: {question}"),
        }
    }

    pub fn action(&self, tool: &str, arguments: Value) -> Action {
        gate::Act::action(&self.parse(tool, arguments).unwrap())
    }

    /// Why a call is an error for the model.
    pub fn invalid(&self, tool: &str, arguments: Value) -> String {
        match self.parse(tool, arguments) {
            Err(why) => why.to_string(),
            Ok(call) => panic!("it was understood: {call:?}"),
        }
    }

    pub async fn admit(&mut self, call: Call) -> Ready {
        self.calls += 1;
        let id = self.call();
        match call.admit(&mut self.gate, id).await.unwrap() {
            Admitted::Run(ready) => ready,
            other => panic!("everything runs: {other:?}"),
        }
    }

    fn call(&self) -> CallId {
        CallId::new(format!("call-{}", self.calls))
    }

    /// Runs a call that was admitted to its end.
    pub async fn finish(&mut self, ready: Ready) -> Result<String, String> {
        let done = ready.run(&self.scene).await;
        let call = self.call();
        match self.gate.close(&call, Ended::Done(done), |_| Ok(Vec::new())).await.unwrap() {
            Report::Done(text) => Ok(text),
            Report::Failed(text) => Err(text),
        }
    }

    /// Parses, admits and runs a call.
    pub async fn run(&mut self, tool: &str, arguments: Value) -> Result<String, String> {
        let call = self.parse(tool, arguments).unwrap_or_else(|why| panic!("{why}"));
        let ready = self.admit(call).await;
        self.finish(ready).await
    }

    /// Runs a call that must do what it was asked.
    pub async fn done(&mut self, tool: &str, arguments: Value) -> String {
        self.run(tool, arguments).await.unwrap_or_else(|why| panic!("it failed: {why}"))
    }

    /// Runs a call that must fail.
    pub async fn fails(&mut self, tool: &str, arguments: Value) -> String {
        match self.run(tool, arguments).await {
            Err(why) => why,
            Ok(text) => panic!("it did not fail: {text}"),
        }
    }
}
