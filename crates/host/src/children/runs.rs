//! The runs in the background of one session: starting, listing, reading while they go, stopping.
//!
//! Not here: a run's own life (that is `drive`).

#![allow(clippy::disallowed_methods, reason = "the host reads the outputs it keeps")]

use super::output::{Keeping, Output};
use super::{Exit, NotLaunched, Program, confined, shown, start};
use crate::scene::{Progress, Scene};
use gate::Permit;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many runs may go at once.
const MOST_GOING: usize = 32;
/// How many runs that have ended are remembered.
const MOST_ENDED: usize = 64;
/// How much of an output is read at once, in bytes.
const LONGEST_READING: u64 = 24 << 10;

/// The background runs of one session. Cheap to clone; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Runs(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    last: u32,
    runs: BTreeMap<RunId, Run>,
    is_closed: bool,
}

/// The name of a background run within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u32);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run-{}", self.0)
    }
}

impl FromStr for RunId {
    type Err = NotLaunched;

    fn from_str(text: &str) -> Result<RunId, NotLaunched> {
        let number = text.strip_prefix("run-").and_then(|number| number.parse().ok());
        number.map(RunId).ok_or_else(|| NotLaunched::NoSuchRun(text.to_owned()))
    }
}

#[derive(Clone, Debug)]
struct Run {
    title: String,
    since: Instant,
    file: PathBuf,
    stop: CancellationToken,
    outcome: watch::Receiver<Option<Outcome>>,
}

/// How a run came out; shared, since an exit holds the ends of its output.
type Outcome = Arc<Result<Exit, NotLaunched>>;

/// Whether a run goes.
#[derive(Clone, Debug)]
pub enum RunState {
    /// It does, for this long.
    Going(Duration),
    /// It has ended.
    Ended(Outcome),
    /// What saw to it was cut off; it was killed.
    Lost,
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunState::Going(time) => write!(f, "running for {} s", time.as_secs()),
            RunState::Lost => f.write_str("killed"),
            RunState::Ended(outcome) => match &**outcome {
                Ok(exit) => write!(f, "{} after {:.1} s", exit.ending, exit.took.as_secs_f64()),
                Err(why) => write!(f, "{why}"),
            },
        }
    }
}

/// One run as a list shows it.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Its name.
    pub id: RunId,
    /// What was started.
    pub title: String,
    /// Whether it goes.
    pub state: RunState,
    /// Where its output is.
    pub file: PathBuf,
}

/// A part of a run's output.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where it begins, in bytes.
    pub from: u64,
    /// Where the next reading goes on.
    pub next: u64,
    /// How much there is so far, in bytes.
    pub total: u64,
    /// The text; what is not UTF-8 is replaced.
    pub text: String,
    /// The run.
    pub run: RunView,
}

impl Runs {
    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a run that goes on when its call has ended, until it ends by itself, is stopped, or the session ends.
    pub fn start<A>(
        &self,
        permit: &Permit<A>,
        title: impl Into<String>,
        program: Program,
        scene: &Scene,
    ) -> Result<RunView, NotLaunched> {
        let mut register = self.register();
        let going = register.runs.values().filter(|run| run.is_going()).count();
        if register.is_closed {
            return Err(NotLaunched::Closed);
        }
        if going >= MOST_GOING {
            return Err(NotLaunched::TooMany(going));
        }
        let (keeping, file) = Keeping::always(&scene.outputs, permit.call().as_str())?;
        let has_password = program.password.is_some();
        let output = Output::new(keeping, &program);
        let running = start(program, output, scene, Progress::nobody())?;
        let (tell, outcome) = watch::channel(None);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            let exit = running.drive(stopped).await;
            let exit = if has_password { confined(exit) } else { Ok(exit) };
            tell.send_replace(Some(Arc::new(exit)));
        });
        register.last += 1;
        let id = RunId(register.last);
        let run = Run { title: title.into(), since: Instant::now(), file, stop, outcome };
        let view = run.view(id);
        register.runs.insert(id, run);
        register.forget_the_oldest();
        Ok(view)
    }

    /// The runs of the session, oldest first.
    pub fn list(&self) -> Vec<RunView> {
        self.register().runs.iter().map(|(id, run)| run.view(*id)).collect()
    }

    /// Reads a part of a run's output: from an offset on, or its end.
    pub fn read<A>(&self, _permit: &Permit<A>, id: RunId, from: Option<u64>) -> Result<Reading, NotLaunched> {
        let run = self.find(id)?;
        // Looked at first, so that a run which is seen to have ended is read to its end.
        let view = run.view(id);
        let failed = |why| NotLaunched::NoFile { file: shown(&run.file), why };
        let file = File::open(&run.file).map_err(failed)?;
        let total = file.metadata().map_err(failed)?.len();
        let from = from.unwrap_or_else(|| total.saturating_sub(LONGEST_READING)).min(total);
        let mut bytes = vec![0; usize::try_from((total - from).min(LONGEST_READING)).unwrap_or(0)];
        file.read_exact_at(&mut bytes, from).map_err(failed)?;
        let cut = if from + (bytes.len() as u64) < total || matches!(view.state, RunState::Going(_)) {
            super::output::unfinished(&bytes)
        } else {
            0
        };
        bytes.truncate(bytes.len() - cut);
        let next = from + bytes.len() as u64;
        Ok(Reading { from, next, total, text: String::from_utf8_lossy(&bytes).into_owned(), run: view })
    }

    /// Stops a run and waits until all of it has ended.
    pub async fn stop<A>(&self, _permit: &Permit<A>, id: RunId) -> Result<RunView, NotLaunched> {
        let run = self.find(id)?;
        run.stop.cancel();
        run.ended().await;
        Ok(run.view(id))
    }

    /// Stops every run and takes no more: the session ends. Waits until all have ended.
    pub async fn stop_all(&self) {
        let runs: Vec<Run> = {
            let mut register = self.register();
            register.is_closed = true;
            register.runs.values().cloned().collect()
        };
        runs.iter().for_each(|run| run.stop.cancel());
        for run in &runs {
            run.ended().await;
        }
    }

    fn find(&self, id: RunId) -> Result<Run, NotLaunched> {
        self.register().runs.get(&id).cloned().ok_or_else(|| NotLaunched::NoSuchRun(id.to_string()))
    }
}

impl Register {
    fn forget_the_oldest(&mut self) {
        let ended: Vec<RunId> = self.runs.iter().filter(|(_, run)| !run.is_going()).map(|(id, _)| *id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(MOST_ENDED)) {
            self.runs.remove(id);
        }
    }
}

impl Run {
    fn is_going(&self) -> bool {
        matches!(self.state(), RunState::Going(_))
    }

    fn state(&self) -> RunState {
        match &*self.outcome.borrow() {
            Some(outcome) => RunState::Ended(outcome.clone()),
            None if self.outcome.has_changed().is_err() => RunState::Lost,
            None => RunState::Going(self.since.elapsed()),
        }
    }

    fn view(&self, id: RunId) -> RunView {
        RunView { id, title: self.title.clone(), state: self.state(), file: self.file.clone() }
    }

    async fn ended(&self) {
        // A channel that is gone means that the run is, too.
        let _ = self.outcome.clone().wait_for(Option::is_some).await;
    }
}
