//! A gate on a journal in a folder of its own, and calls to bring to it.

use gate::{Act, Admission, CallId, Gate, Note, Permit, Person, Report, State};
use journal::{IfMissing, Journal, Record, SessionId};
use policy::{Action, Attendance, Effect, Mode, Price, ShellLine, Subject};

/// A call that declares whatever a test wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Toy(pub Action);

impl Act for Toy {
    fn action(&self) -> Action {
        self.0.clone()
    }
}

pub fn toy(effect: Effect, price: Price) -> Toy {
    let (summary, shown) = ("a toy".to_owned(), "{}".to_owned());
    Toy(Action { tool: "toy".into(), effect, price, summary, subject: Subject::Other, shown })
}

pub fn paid(usd: &str) -> Toy {
    toy(Effect::Change, Price::AtMost(usd.parse().unwrap()))
}

pub fn shell(line: &str) -> Toy {
    let words = line.split_whitespace().map(str::to_owned).collect();
    let mut toy = toy(Effect::Change, Price::Free);
    toy.0.tool = "shell".into();
    toy.0.subject = Subject::Shell(ShellLine::Plain(vec![words]));
    toy.0.shown = line.to_owned();
    toy
}

pub fn id(name: &str) -> CallId {
    CallId::new(name)
}

pub fn person() -> Person {
    Person::at("test")
}

/// What an engine that has nothing to say beside an ending says.
pub fn no_notes(_: &Report) -> Result<Vec<Note>, serde_json::Error> {
    Ok(Vec::new())
}

pub fn mode(text: &str) -> Mode {
    text.parse().unwrap()
}

/// A journal that is gone with the rig.
pub struct Rig {
    pub journal: Journal,
    _folder: tempfile::TempDir,
}

impl Rig {
    pub async fn new() -> Rig {
        // Memory, where there is some: what is tested here is the order of writes, not the disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), IfMissing::Create).await.unwrap();
        Rig { journal, _folder: folder }
    }

    pub async fn open(&self, name: &str, state: State) -> Gate {
        let log = self.journal.create(&session(name), 0, "{}").await.unwrap();
        Gate::open(log, state, || 0).await.unwrap()
    }

    pub async fn records(&self, name: &str) -> Vec<Record> {
        self.journal.records(&session(name), 0, usize::MAX).await.unwrap()
    }

    /// Takes a session up from nothing but its record.
    pub async fn resume(&self, name: &str) -> Gate {
        let log = self.journal.resume(&session(name)).await.unwrap();
        Gate::resume(log, self.replay(name).await, || 0)
    }

    pub async fn replay(&self, name: &str) -> State {
        let records = self.records(name).await;
        Gate::replay(records.iter().map(|record| record.body.as_str())).unwrap().unwrap()
    }
}

pub fn session(name: &str) -> SessionId {
    name.parse().unwrap()
}

pub fn attended(text: &str) -> State {
    State::open(mode(text), Attendance::Attended, Vec::new())
}

pub fn unattended(text: &str) -> State {
    State::open(mode(text), Attendance::Unattended, Vec::new())
}

/// The permit of a call that must run.
pub fn permit<A: std::fmt::Debug>(admission: Admission<A>) -> Permit<A> {
    match admission {
        Admission::Run(permit) => permit,
        other => panic!("it should run: {other:?}"),
    }
}

/// `run`, `ask` or `refuse`.
pub fn outcome<A>(admission: &Admission<A>) -> &'static str {
    match admission {
        Admission::Run(_) => "run",
        Admission::Ask(..) => "ask",
        Admission::Refused(_) => "refuse",
    }
}
