//! A scene in folders of its own, permits from a real gate, and programs to look at.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use gate::{Act, Admission, CallId, Gate, Permit, State};
use host::children::{Exit, Program, Runs, launch};
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::{Progress, Scene};
use journal::{IfMissing, Journal};
use policy::{Action, Attendance, Effect, Price, Subject};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Long enough for anything that happens at all; only a failing test takes so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A call that may do anything.
#[derive(Debug)]
pub struct Anything;

impl Act for Anything {
    fn action(&self) -> Action {
        Action {
            tool: "test".into(),
            effect: Effect::Change,
            price: Price::Free,
            summary: "anything".into(),
            subject: Subject::Other,
            shown: String::new(),
        }
    }
}

pub struct Stand {
    pub folder: TempDir,
    pub scene: Scene,
    gate: Gate,
    calls: u32,
}

impl Stand {
    pub async fn new() -> Stand {
        Stand::with(|name| std::env::var_os(name)).await
    }

    /// A stand whose environment is this program's, as far as the test lets it.
    pub async fn with(variable: impl Fn(&str) -> Option<OsString>) -> Stand {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        let names = ["PATH", "HOME", "LANG", "GH_TOKEN"];
        let variables = names.iter().filter_map(|name| variable(name).map(|value| ((*name).into(), value)));
        let environment = Arc::new(Environment::filtered(variables, &[], &[]));
        let outputs = folder.path().join("outputs");
        let scene = Scene::new(Workspace::open(&workspace).unwrap(), outputs, environment, Net::new(), Runs::default());
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        let log = journal.create(&"test".parse().unwrap(), 0, "{}").await.unwrap();
        let state = State::open("yolo:uncapped".parse().unwrap(), Attendance::Unattended, Vec::new());
        let gate = Gate::open(log, state, || 0).await.unwrap();
        Stand { folder, scene, gate, calls: 0 }
    }

    pub fn workspace(&self) -> PathBuf {
        self.scene.workspace.root().to_owned()
    }

    pub async fn permit(&mut self) -> Permit<Anything> {
        self.calls += 1;
        match self.gate.admit(CallId::new(format!("call-{}", self.calls)), Anything).await.unwrap() {
            Admission::Run(permit) => permit,
            other => panic!("everything runs: {other:?}"),
        }
    }

    /// A shell line in the workspace.
    pub fn line(&self, line: &str) -> Program {
        Program::new(["sh", "-c", line], self.workspace())
    }

    /// Runs a shell line in the workspace to its end.
    pub async fn run(&mut self, line: &str) -> Exit {
        let permit = self.permit().await;
        launch(&permit, self.line(line), &self.scene).await.unwrap()
    }

    /// Lets the test hear what the runs of this scene say.
    pub fn listen(&mut self) -> Listener {
        let (say, heard) = mpsc::channel(10_000);
        self.scene.progress = Progress::to(say);
        Listener(heard, String::new())
    }
}

/// What was said so far.
pub struct Listener(mpsc::Receiver<String>, pub String);

impl Listener {
    /// Waits until this was said.
    pub async fn until(&mut self, text: &str) {
        let wait = async {
            while !self.1.contains(text) {
                self.1 += &self.0.recv().await.expect("it speaks");
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it was said");
    }

    /// Everything that was said by now.
    pub fn all(&mut self) -> &str {
        while let Ok(text) = self.0.try_recv() {
            self.1 += &text;
        }
        &self.1
    }
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it never came about: {what}"));
}

/// A number that a program wrote into a file of the workspace.
pub fn number_in(file: &Path) -> u32 {
    std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// Whether a program is there at all, be it only to be waited for.
pub fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The children of this program that have ended and that nobody has waited for, by `/proc`.
pub fn unwaited() -> Vec<String> {
    let own = format!(" {} ", std::process::id());
    let stats = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z") && rest.contains(&own)))
        .collect()
}

/// The program that the tests start as one of its own.
pub fn fixture() -> &'static str {
    env!("CARGO_BIN_EXE_host-fixture")
}

pub fn is_root() -> bool {
    rustix::process::getuid().is_root()
}
