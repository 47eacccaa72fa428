//! Telling a person from the agent's own children: marks on a run that a child cannot take off, and who descends from one.
//!
//! Not here: what is refused to a child (that is `cli` and the engine's control socket).
//!
//! How an ancestor is known for a Remit run. An agent's shell has the power of the person's account: it can delete any file
//! a run writes, empty its environment, leave its session and fork away. So the evidence is kept where only the kernel and
//! the run itself can change it:
//! - a run takes the name [`RUN_NAME`] (`/proc/PID/comm`). Everybody can read it, also of a program that is not dumpable,
//!   and only a thread of the program itself can set it;
//! - a run is the subreaper of its descendants ([`become_subreaper`]): one that forks away and loses its parent is adopted
//!   by the run, not by `init`, so that its line of ancestors still leads through the run;
//! - and an ancestor that runs the same file as this program is taken for a run too, where `/proc/PID/exe` can be read: it
//!   catches one that has not got as far as taking its name;
//! - a run lowers a hard resource limit that nothing else uses ([`MARK_US`]), and every descendant inherits it. It outlives the
//!   run: a child that ends its own run, and so is adopted by `init`, still carries it. An ordinary account can lower such
//!   a limit further, never raise it again; root can.
//!
//! Rejected: a lock file in a runtime folder (a child can delete it); a variable in the environment (`env -i`); taking every
//! ancestor of the same user whose `exe` cannot be read for a run (`sshd`, `screen` and others are not dumpable either, and
//! nobody at their far end could speak to Remit).
//!
//! Where `/proc` hides the line (`hidepid`, or no `/proc`), nothing is known and the answer is [`Lineage::Unknowable`], which
//! counts as being below a run. What it cannot see: a program that something outside the line starts for the child, such as
//! a timer of the system or a login over the network. That is the power of the person's account, said in the contract.

#![allow(clippy::disallowed_methods, reason = "the host looks at the world so that others need not")]

mod tcp;

use crate::kin::{self, Kin};
use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

pub use tcp::tcp_peer;

/// What a Remit run calls itself, at most 15 bytes.
pub const RUN_NAME: &str = "remit-run";

/// The hard limit of what a real-time program may compute without a pause, in microseconds, that a run leaves on itself and
/// on all its descendants: 146,000 years. Programs are started without any such limit.
const MARK_US: u64 = 1 << 62;

/// How many ancestors are followed; a longer line is a knot.
const LONGEST_LINE: usize = 1000;
/// How often a line is read again that changed while it was read.
const READINGS: usize = 20;

/// Whether this program, or another, was started by a Remit run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// No ancestor is a Remit run.
    Clear,
    /// This ancestor is one.
    BelowRun {
        /// Its number.
        run: u32,
    },
    /// The line of ancestors cannot be read; it counts as being below a run.
    Unknowable(String),
}

/// Who is at the other end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A program of the same person that no Remit run started.
    Person,
    /// A program that a Remit run started, or one of which that cannot be ruled out.
    Child,
}

/// Keeps other programs of the same person out of this one's memory, and its memory out of core files.
///
/// To be called before a key is read. What this program starts is dumpable again as soon as it is itself.
pub fn make_undumpable() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Adopts descendants that lose their parent, so that none gets out of the line. To be called before anything is started.
pub fn become_subreaper() -> io::Result<()> {
    // Any number but zero switches it on.
    Ok(rustix::process::set_child_subreaper(Pid::from_raw(1))?)
}

/// Marks this program as a Remit run for all its descendants, for as long as it runs.
///
/// To be called before [`make_undumpable`] and before anything is started.
pub fn mark_as_run() -> io::Result<()> {
    if rustix::thread::gettid() == rustix::process::getpid() {
        rustix::thread::set_name(c"remit-run")?;
    } else {
        // The name that counts is that of the first thread.
        fs::write("/proc/self/comm", RUN_NAME)?;
    }
    leave_the_mark()?;
    match Kin::of(kin::own_pid())?.name.as_str() {
        RUN_NAME => Ok(()),
        other => Err(io::Error::other(format!("the mark of a run does not stick: the name is still `{other}`"))),
    }
}

fn leave_the_mark() -> io::Result<()> {
    let now = getrlimit(Resource::Rttime);
    let maximum = Some(now.maximum.map_or(MARK_US, |already| already.min(MARK_US)));
    let current = now.current.map_or(maximum, |soft| maximum.map(|hard| hard.min(soft)));
    Ok(setrlimit(Resource::Rttime, Rlimit { current, maximum })?)
}

/// Whether a program carries the mark that a run leaves on its descendants; one that cannot be looked at might.
fn is_marked(pid: u32) -> bool {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max realtime timeout"));
    line.is_none_or(|line| line.split_whitespace().nth(1) != Some("unlimited"))
}

/// Finds out whether this program was started by a Remit run, at any remove.
pub fn lineage() -> Lineage {
    match ancestors(kin::own_pid()) {
        Ok(line) if is_marked(kin::own_pid()) && !line.iter().any(is_run) => {
            Lineage::Unknowable("it carries the mark of a run that has ended".to_owned())
        }
        Ok(line) => {
            line.iter().find(|kin| is_run(kin)).map_or(Lineage::Clear, |run| Lineage::BelowRun { run: run.pid })
        }
        Err(why) => Lineage::Unknowable(why.to_string()),
    }
}

/// Whether this program has to refuse what only a person may do.
pub fn is_below_a_remit_run() -> bool {
    lineage() != Lineage::Clear
}

/// Tells who is at the other end of a Unix socket.
///
/// The kernel noted the peer's number when it connected. A peer that is gone, cannot be seen, belongs to another user
/// (but for root), descends from this program or from any Remit run, or is a run itself, is [`Peer::Child`].
pub fn peer(socket: impl AsFd) -> Peer {
    match peer_is_a_person(socket) {
        Ok(true) => Peer::Person,
        Ok(false) | Err(_) => Peer::Child,
    }
}

/// Whether a Remit run listens at the other end of a Unix socket, one that no other run started.
///
/// A run's child can take its socket's place and the run's name, and tell a person what they want to hear; its ancestors
/// give it away.
pub fn is_a_run_at(socket: impl AsFd) -> bool {
    let look = || {
        let who = rustix::net::sockopt::socket_peercred(socket)?;
        let pid = u32::try_from(who.pid.as_raw_nonzero().get()).map_err(io::Error::other)?;
        let line = ancestors(pid)?;
        let is_ours = who.uid == rustix::process::getuid() || rustix::process::getuid().is_root();
        Ok::<bool, io::Error>(is_ours && Kin::of(pid)?.name == RUN_NAME && !line.iter().any(is_run))
    };
    look().unwrap_or(false)
}

fn peer_is_a_person(socket: impl AsFd) -> io::Result<bool> {
    let who = rustix::net::sockopt::socket_peercred(socket)?;
    let own_user = rustix::process::getuid();
    if who.uid != own_user && !who.uid.is_root() {
        return Ok(false);
    }
    let pid = u32::try_from(who.pid.as_raw_nonzero().get()).map_err(io::Error::other)?;
    let own = kin::own_pid();
    let itself = Kin::of(pid)?;
    let line = ancestors(pid)?;
    let still = Kin::of(pid)?;
    let is_stranger = itself.started == still.started && pid != own && itself.name != RUN_NAME && !is_marked(pid);
    Ok(is_stranger && !line.iter().any(|kin| kin.pid == own || is_run(kin)))
}

fn is_run(kin: &Kin) -> bool {
    kin.name == RUN_NAME || runs_this_file(kin)
}

/// Whether the program runs the same file as this one. Not known is no: see the top of the file.
fn runs_this_file(kin: &Kin) -> bool {
    let file = |pid: &str| fs::metadata(format!("/proc/{pid}/exe")).map(|file| (file.dev(), file.ino()));
    match (file("self"), file(&kin.pid.to_string())) {
        (Ok(own), Ok(other)) => own == other,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// Everything above a program, nearest first.
///
/// A parent that ends while its line is read has its children adopted elsewhere; so the line counts once it has been read
/// the same twice in a row.
fn ancestors(pid: u32) -> io::Result<Vec<Kin>> {
    let mut before: Option<io::Result<Vec<Kin>>> = None;
    for _ in 0..READINGS {
        let line = line_above(pid);
        match (before.take(), line) {
            (Some(Ok(earlier)), Ok(line)) if same(&earlier, &line) => return Ok(line),
            (Some(Err(_)), Err(why)) => return Err(why),
            (_, line) => before = Some(line),
        }
    }
    Err(io::Error::other("the line of ancestors does not hold still"))
}

fn same(one: &[Kin], other: &[Kin]) -> bool {
    let names = |line: &[Kin]| line.iter().map(|kin| (kin.pid, kin.started)).collect::<Vec<_>>();
    names(one) == names(other)
}

fn line_above(pid: u32) -> io::Result<Vec<Kin>> {
    let mut line = Vec::new();
    let mut next = Kin::of(pid)?.parent;
    while next != 0 {
        if line.len() == LONGEST_LINE {
            return Err(io::Error::other("the line of ancestors has no end"));
        }
        let kin = Kin::of(next)
            .map_err(|why| io::Error::other(format!("ancestor {next} cannot be looked at in /proc: {why}")))?;
        next = kin.parent;
        line.push(kin);
    }
    Ok(line)
}
