//! One run, from the first byte it says to the end of its last descendant.
//!
//! Not here: what is kept of its words (that is `output`), or who its descendants are (that is `family`).

#![allow(clippy::disallowed_methods, reason = "the host starts programs so that others need not")]

use super::family::Family;
use super::output::{Output, unfinished};
use super::{ChildEnd, Exit, Program};
use crate::scene::Progress;
use process_wrap::tokio::{ChildWrapper, CommandWrap};
use rustix::process::Signal;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;
/// How long what a program left behind has to end by itself, or at least to say its last words.
const LINGER: Duration = Duration::from_millis(300);
/// How long programs have between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long killed programs have to be gone; one that is still there hangs in the kernel.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a family is gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A program that was started and is to be seen to its end.
#[derive(Debug)]
pub(super) struct Running {
    child: Box<dyn ChildWrapper>,
    family: Family,
    /// Until everybody who could speak has gone.
    pipe: Option<Receiver>,
    /// Once the program itself has ended.
    status: Option<io::Result<ExitStatus>>,
    output: Output,
    progress: Progress,
    /// Where the next piece of output goes.
    piece: Vec<u8>,
    /// The beginning of a letter whose rest has not come yet.
    unsaid: Vec<u8>,
    limit: Option<Duration>,
    since: Instant,
}

impl Running {
    pub(super) fn start(
        program: Program,
        variables: Vec<(OsString, OsString)>,
        output: Output,
        progress: Progress,
    ) -> io::Result<Running> {
        let (reader, writer) = io::pipe()?;
        let again = writer.try_clone()?;
        let first = program.words.first().cloned().unwrap_or_default();
        let command = CommandWrap::with_new(first, |command| {
            command
                .args(program.words.iter().skip(1))
                .current_dir(&program.folder)
                .env_clear()
                .envs(variables)
                .stdin(Stdio::null())
                .stdout(writer)
                .stderr(again)
                // For the one case in which nobody is left to see to it: the whole program stops.
                .kill_on_drop(true);
        });
        let (family, child) = Family::start(command)?;
        let pipe = Some(Receiver::from_owned_fd(reader.into())?);
        let since = Instant::now();
        let limit = program.limit;
        let (piece, unsaid) = (Vec::new(), Vec::new());
        Ok(Running { child, family, pipe, status: None, output, progress, piece, unsaid, limit, since })
    }

    /// Sees the run to its end.
    pub(super) async fn drive(mut self, stop: CancellationToken) -> Exit {
        let cut_short = self.attend(&stop).await;
        let now = Instant::now();
        let (ask_at, kill_at) = match cut_short {
            Some(_) => (now, now + GRACE),
            None => (now + LINGER, now + 2 * LINGER),
        };
        let (found, left) = self.clear_away(ask_at, kill_at).await;
        self.hear_out(Instant::now() + LINGER).await;
        self.say(&[], Rest::Everything);
        Exit {
            ending: cut_short.unwrap_or_else(|| how_it_ended(self.status.as_ref())),
            took: self.since.elapsed(),
            output: self.output.finish(),
            left_behind: if cut_short.is_none() { found } else { 0 },
            beyond_reach: left,
        }
    }

    /// Listens until the program ends by itself, or has to be ended.
    async fn attend(&mut self, stop: &CancellationToken) -> Option<ChildEnd> {
        let limit = self.limit;
        // A limit that the clock cannot reach is none.
        let deadline = limit.and_then(|limit| self.since.checked_add(limit));
        loop {
            tokio::select! {
                () = stop.cancelled() => return Some(ChildEnd::Stopped),
                () = at(deadline) => return limit.map(ChildEnd::TimedOut),
                () = self.listen() => if self.status.is_some() { return None },
            }
        }
    }

    /// Waits for the next thing that happens: a piece of output, or the end of the program. When neither can come any more,
    /// waits for ever.
    async fn listen(&mut self) {
        let mut piece = std::mem::take(&mut self.piece);
        piece.resize(PIECE, 0);
        let heard = tokio::select! {
            status = self.child.wait(), if self.status.is_none() => {
                self.status = Some(status);
                self.family.lost_its_leader();
                return;
            }
            heard = read(self.pipe.as_mut(), &mut piece) => heard,
        };
        match heard {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => {
                let words = self.output.take(&piece[..count]);
                self.say(&words, Rest::Later);
            }
        }
        self.piece = piece;
    }

    /// Listens until everybody who could speak has gone, or the time has come.
    async fn hear_out(&mut self, until: Instant) {
        while self.pipe.is_some() {
            tokio::select! {
                () = self.listen() => {}
                () = sleep_until(until) => return,
            }
        }
    }

    /// Ends whatever belongs to the run: lets it be, then asks, then kills. Gives back how many there were to be ended and
    /// how many are still there.
    async fn clear_away(&mut self, ask_at: Instant, kill_at: Instant) -> (usize, usize) {
        let (mut found, mut asked) = (0, false);
        loop {
            let now = Instant::now();
            let signal = match () {
                () if now >= kill_at => Some(Signal::KILL),
                () if now >= ask_at && !asked => Some(Signal::TERM),
                () => None,
            };
            // Without `/proc` there is nobody to be found; the leader is killed when it is dropped.
            let Ok(census) = self.family.look(signal) else { return (found, 0) };
            asked |= signal.is_some();
            if asked {
                found = found.max(census.alive);
            }
            let is_hopeless = now >= kill_at + PATIENCE || (now >= kill_at && census.alive == census.beyond_reach);
            if (census.alive == 0 && self.status.is_some()) || (census.alive > 0 && is_hopeless) {
                return (found, census.alive);
            }
            if now >= kill_at + PATIENCE {
                return (found, census.alive);
            }
            let next = now + LOOK_EVERY;
            loop {
                tokio::select! {
                    () = self.listen() => {}
                    () = sleep_until(next) => break,
                }
            }
        }
    }

    /// Passes on what was said, in whole letters.
    fn say(&mut self, words: &[u8], rest: Rest) {
        self.unsaid.extend_from_slice(words);
        let later = match rest {
            Rest::Later => unfinished(&self.unsaid),
            Rest::Everything => 0,
        };
        let now = self.unsaid.len() - later;
        if now > 0 {
            self.progress.say(String::from_utf8_lossy(&self.unsaid[..now]));
            self.unsaid.drain(..now);
        }
    }
}

enum Rest {
    Later,
    Everything,
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn read(pipe: Option<&mut Receiver>, into: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(into).await,
        None => std::future::pending().await,
    }
}

fn how_it_ended(status: Option<&io::Result<ExitStatus>>) -> ChildEnd {
    match status {
        Some(Ok(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => ChildEnd::Code(code),
            (None, Some(number)) => ChildEnd::Signal(number),
            (None, None) => ChildEnd::Unknown,
        },
        Some(Err(_)) | None => ChildEnd::Unknown,
    }
}
