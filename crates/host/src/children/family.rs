//! Who belongs to a run: its session, its mark, its descendants, and orphans that nobody else can have had.
//!
//! Not here: when they are ended (that is `drive`).
//!
//! This program is the subreaper of all it starts, so every program of a run stays below it, whatever it does: one that
//! leaves its session and its parent is adopted by this program. Each run starts in a session of its own, and no program can
//! enter another's session; so a child of this program that is in a session other than this program's own is either the
//! leader of a run, which is listed, or an orphan of one. Whose it is: the run whose session it is in; else the run whose mark
//! is in its environment; else that of its parent. An orphan that has left its session and emptied its environment belongs to
//! nobody: it is ended with the last run that goes.
//!
//! Rejected: a process group alone (`setsid` leaves it); a group of the kernel's resource control (not every account may make
//! one); a process namespace (it would take `sudo` and the person's other powers away).

use super::{MARK, SERVICE};
use crate::authority::become_subreaper;
use crate::kin::{self, Kin};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often, and how far apart, [`kill_all`] looks for what is left.
const MOST_LOOKS: usize = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The runs that go, by the number of their leader, with their marks. Held while a run is started and while a family is
/// looked for, so that no leader is taken for an orphan.
static GOING: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

fn going() -> MutexGuard<'static, BTreeMap<u32, String>> {
    GOING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run's programs.
#[derive(Debug)]
pub(super) struct Family {
    leader: u32,
    mark: String,
}

/// What was found of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// Programs that run.
    pub alive: usize,
    /// Those among them that could not be sent a signal.
    pub beyond_reach: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    This,
    Another,
    Nobody,
    /// It is no run's: an MCP server, a program of the library this program is part of.
    NoRun,
}

impl Family {
    /// Starts a program as the leader of a new session.
    pub(super) fn start(mut command: CommandWrap) -> io::Result<(Family, Box<dyn ChildWrapper>)> {
        become_subreaper()?;
        let own = Kin::of(kin::own_pid())?;
        let mark = format!("{}-{}-{}", own.pid, own.started, NEXT.fetch_add(1, Ordering::Relaxed));
        command.command_mut().env(MARK, &mark);
        command.wrap(ProcessSession);
        let mut going = going();
        // The wrapper's own way of waiting waits for the whole group; the leader's end is what ends a run.
        let child = command.spawn()?.into_inner();
        let leader = child.id().ok_or_else(|| io::Error::other("it ended before it was looked at"))?;
        going.insert(leader, mark.clone());
        Ok((Family { leader, mark }, child))
    }

    /// Notes that the leader has ended and was waited for: its number may be given to another program now.
    pub(super) fn lost_its_leader(&self) {
        let mut going = going();
        if going.get(&self.leader) == Some(&self.mark) {
            going.remove(&self.leader);
        }
    }

    /// Looks for everything that runs and belongs to this run, sends it a signal if one is given, and waits for orphans
    /// that have ended.
    pub(super) fn look(&self, signal: Option<Signal>) -> io::Result<Census> {
        let going = going();
        let all = kin::all()?;
        let own = all.iter().find(|kin| kin.pid == kin::own_pid());
        let own = own.ok_or_else(|| io::Error::other("/proc does not show this program"))?;
        let mut census = Census::default();
        for kin in self.members(&all, own, &going) {
            census.alive += 1;
            let refused = signal.is_some_and(|signal| send(kin, signal) == Err(rustix::io::Errno::PERM));
            census.beyond_reach += usize::from(refused);
        }
        for orphan in all.iter().filter(|kin| kin.parent == own.pid && kin.has_ended()) {
            if orphan.session != own.session && !going.contains_key(&orphan.pid) {
                wait_for(orphan);
            }
        }
        Ok(census)
    }

    fn members<'a>(&self, all: &'a [Kin], own: &Kin, going: &BTreeMap<u32, String>) -> Vec<&'a Kin> {
        let is_last = going.keys().all(|leader| *leader == self.leader);
        let mut children: BTreeMap<u32, Vec<&Kin>> = BTreeMap::new();
        for kin in all {
            children.entry(kin.parent).or_default().push(kin);
        }
        let mut members = Vec::new();
        let mut to_see = vec![(own.pid, None)];
        while let Some((parent, above)) = to_see.pop() {
            for kin in children.remove(&parent).unwrap_or_default() {
                let born = above.unwrap_or(if kin.session == own.session { Owner::NoRun } else { Owner::Nobody });
                let owner = self.own_word(kin, going).unwrap_or(born);
                if !kin.has_ended() && (owner == Owner::This || (owner == Owner::Nobody && is_last)) {
                    members.push(kin);
                }
                to_see.push((kin.pid, Some(owner)));
            }
        }
        members
    }

    /// What a program itself says about whose it is.
    fn own_word(&self, kin: &Kin, going: &BTreeMap<u32, String>) -> Option<Owner> {
        if kin.session == self.leader {
            return Some(Owner::This);
        }
        if going.contains_key(&kin.session) {
            return Some(Owner::Another);
        }
        let mark = kin::variable(kin.pid, MARK)?;
        if mark == self.mark {
            Some(Owner::This)
        } else if mark == SERVICE {
            Some(Owner::NoRun)
        } else {
            // Any other mark is that of a run that has gone, or of another Remit below this one.
            going.values().any(|other| *other == mark).then_some(Owner::Another)
        }
    }
}

/// Kills everything that descends from this program, whatever it is part of, without asking: for a program that is about
/// to end. What belongs to another user goes on.
///
/// To be called by a program that adopts its orphans ([`become_subreaper`]); else those are not found.
pub fn kill_all() {
    // What is started while this looks is found by the next look; what was killed needs a moment to be gone.
    for _ in 0..MOST_LOOKS {
        let Ok(all) = kin::all() else { return };
        let alive = descendants(&all, kin::own_pid());
        let refused = alive.iter().filter(|kin| send(kin, Signal::KILL) == Err(rustix::io::Errno::PERM)).count();
        if refused == alive.len() {
            return;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Everything below a program that has not ended.
fn descendants(all: &[Kin], top: u32) -> Vec<&Kin> {
    let mut found = Vec::new();
    let mut to_see = vec![top];
    while let Some(parent) = to_see.pop() {
        for kin in all.iter().filter(|kin| kin.parent == parent) {
            to_see.push(kin.pid);
            if !kin.has_ended() {
                found.push(kin);
            }
        }
    }
    found
}

/// A run whose owner was dropped is no longer one.
impl Drop for Family {
    fn drop(&mut self) {
        self.lost_its_leader();
    }
}

/// Sends a signal to the very program that was seen, not to one that has its number now.
fn send(kin: &Kin, signal: Signal) -> Result<(), rustix::io::Errno> {
    let Some(pid) = i32::try_from(kin.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    match Kin::of(kin.pid) {
        Ok(now) if now.started == kin.started => rustix::process::pidfd_send_signal(&pidfd, signal),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Takes an orphan that has ended off the list of programs. It can only be this program's own child, and nothing else here
/// waits for it.
fn wait_for(orphan: &Kin) {
    if let Some(pid) = i32::try_from(orphan.pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
    }
}
