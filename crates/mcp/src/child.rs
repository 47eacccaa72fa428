//! The program behind a server on standard input and output: started in a group of its own, and ended with it.
//!
//! Not here: what is said to it.

#![allow(clippy::disallowed_methods, reason = "this file starts the servers that speak over pipes")]

use crate::config::{StdioServer, Surroundings};
use crate::text::paragraphs;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How much of what a program writes to its standard error is kept.
const KEPT_OF_STDERR: usize = 4 * 1024;

/// How long a program may take to end after its input was closed, and again after it was asked to.
const TO_END: Duration = Duration::from_millis(1_500);

/// How long its last words are waited for, once it has ended.
const TO_FALL_SILENT: Duration = Duration::from_millis(300);

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Child {
    leader: tokio::process::Child,
    group: Option<Pid>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    listening: JoinHandle<()>,
}

impl Child {
    /// Starts a program with the environment it was given and nothing else of ours.
    pub(crate) fn start(program: &StdioServer, around: &Surroundings) -> io::Result<(Child, ChildStdout, ChildStdin)> {
        let mut command = Command::new(&program.command);
        command
            .args(&program.args)
            .env_clear()
            .envs(around.environment.iter().map(|(name, value)| (name, value)))
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .current_dir(program.folder.as_ref().unwrap_or(&around.folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut leader = command.spawn()?;
        let pipes = (leader.stdout.take(), leader.stdin.take(), leader.stderr.take());
        let (Some(stdout), Some(stdin), Some(stderr)) = pipes else {
            return Err(io::Error::other("its pipes are not there"));
        };
        let group = leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let listening = tokio::spawn(listen(stderr, kept.clone()));
        Ok((Child { leader, group, stderr: kept, listening }, stdout, stdin))
    }

    /// Waits until the program has ended, and says how.
    pub(crate) async fn ended(&mut self) -> String {
        match self.leader.wait().await {
            Ok(status) => describe(status),
            Err(why) => format!("it cannot be waited for: {why}"),
        }
    }

    /// Ends the program and all that it started, gently first. Its input has to be closed before. Gives back how it
    /// ended, if it did so by itself or when asked, and its last words.
    pub(crate) async fn end(mut self) -> LastWords {
        let mut status = timeout(TO_END, self.leader.wait()).await.ok();
        if status.is_none() {
            self.signal(Signal::TERM);
            status = timeout(TO_END, self.leader.wait()).await.ok();
        }
        // Also after the leader has ended: what it started may still run. The group's number stays taken as long as one
        // member lives, and numbers are not used again until all others were.
        self.signal(Signal::KILL);
        if status.is_none() {
            // Nothing can refuse to be killed; if the wait itself fails there is nothing left to do.
            let _ = self.leader.wait().await;
        }
        let _ = timeout(TO_FALL_SILENT, &mut self.listening).await;
        self.listening.abort();
        let mut kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let stderr = paragraphs(&String::from_utf8_lossy(kept.make_contiguous()), KEPT_OF_STDERR).trim().to_owned();
        LastWords { status: status.and_then(Result::ok).map(describe), stderr }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It fails when nobody is left, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// What is left of a program that has ended.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    /// How it ended, if not by force.
    pub(crate) status: Option<String>,
    /// The end of what it wrote to its standard error.
    pub(crate) stderr: String,
}

async fn listen(mut stderr: ChildStderr, kept: Arc<Mutex<VecDeque<u8>>>) {
    let mut chunk = [0; 4_096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&chunk[..count]);
        let surplus = kept.len().saturating_sub(KEPT_OF_STDERR);
        kept.drain(..surplus);
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
