//! Telling who is at the other end of a TCP connection, where that is a program of this machine.
//!
//! Not here: how a child of a run is known (that is beside this file).
//!
//! The kernel lists the sockets of this machine with a number each, and each program's open files by the same numbers. A
//! program that holds the far end of a connection is the one that speaks. Several may hold it; one child among them is enough.
//!
//! A program that is not dumpable shows its files to root alone. If no other program holds the far end, and such a one is
//! a child whose account the socket belongs to, it is taken to be the one. What cannot be found at all, in several looks, is out
//! of sight, as a browser outside of a container that shares the machine's network; that counts as a person.
//!
//! What it cannot see: a child that has ended its own run, closed its memory and taken the name of a run looks like a run that a
//! person started; and a child can have a program that is no child speak for it, if it finds one that does.

use super::{Peer, is_marked, is_run};
use crate::kin::{self, Kin};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// How often it is looked for a far end that nobody seems to hold: it may pass from program to program.
const LOOKS: usize = 3;

/// Tells who is at the far end of a TCP connection that this program has accepted.
///
/// A peer on another machine, and one that no program in sight holds, is [`Peer::Person`]: what such a one may do is for its
/// credentials to say. It reads a good part of `/proc` and so blocks for some milliseconds.
pub fn tcp_peer(local: SocketAddr, remote: SocketAddr) -> Peer {
    let (local, remote) = (plain(local), plain(remote));
    let is_here = remote.ip().is_loopback() || remote.ip() == local.ip();
    match far_end(local, remote) {
        Ok(Some(socket)) => look_for(&socket),
        Ok(None) if !is_here => Peer::Person,
        // It has hung up, or the list cannot be read.
        Ok(None) | Err(_) => Peer::Child,
    }
}

/// The far end of a connection, as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FarEnd {
    inode: u64,
    account: u32,
}

/// An address as the kernel lists it for sockets of its own family.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Finds the socket whose own address is the connection's far one.
fn far_end(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<FarEnd>> {
    let found = listed("/proc/net/tcp", local, remote)?;
    if found.is_some() {
        return Ok(found);
    }
    // A system may have no IPv6 at all.
    match listed("/proc/net/tcp6", local, remote) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

fn listed(path: &str, local: SocketAddr, remote: SocketAddr) -> io::Result<Option<FarEnd>> {
    let list = fs::read_to_string(path)?;
    Ok(list.lines().skip(1).find_map(|line| entry(line, local, remote)))
}

/// Reads a line: number, own address, far address, state, queues, timer, retransmissions, account, timeout, inode.
fn entry(line: &str, local: SocketAddr, remote: SocketAddr) -> Option<FarEnd> {
    let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let [_, own, far, _, _, _, _, account, _, inode] = fields[..] else { return None };
    if address(own)? != remote || address(far)? != local {
        return None;
    }
    // One that no program holds any more has the number zero.
    let inode = inode.parse().ok().filter(|inode| *inode != 0)?;
    Some(FarEnd { inode, account: account.parse().ok()? })
}

/// Reads `0100007F:1F90`: words of the address, each as a number of this machine, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(ip.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _other => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// What one look at all programs has found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A child holds it.
    Child,
    /// A program holds it that is no child, and no child in sight does.
    Person,
    /// Nobody in sight holds it.
    Nobody,
}

fn look_for(socket: &FarEnd) -> Peer {
    for _ in 0..LOOKS {
        match look(socket) {
            Ok(Found::Child) | Err(_) => return Peer::Child,
            Ok(Found::Person) => return Peer::Person,
            Ok(Found::Nobody) => {}
        }
    }
    Peer::Person
}

fn look(socket: &FarEnd) -> io::Result<Found> {
    let all = kin::all()?;
    let family = Family::of(&all);
    let (children, others): (Vec<&Kin>, Vec<&Kin>) = all.iter().partition(|kin| family.has_child(kin));
    let mut is_hidden = false;
    for child in children {
        match holds(child.pid, socket.inode) {
            Ok(true) => return Ok(Found::Child),
            Ok(false) => {}
            // It has ended.
            Err(why) if is_gone(&why) => {}
            Err(_) => is_hidden |= accounts(child.pid).contains(&socket.account),
        }
    }
    if others.iter().any(|other| holds(other.pid, socket.inode).unwrap_or(false)) {
        return Ok(Found::Person);
    }
    Ok(if is_hidden { Found::Child } else { Found::Nobody })
}

fn is_gone(why: &io::Error) -> bool {
    // ESRCH, which has no kind of its own: it ended between two looks.
    const NO_SUCH_PROGRAM: i32 = 3;
    why.kind() == io::ErrorKind::NotFound || why.raw_os_error() == Some(NO_SUCH_PROGRAM)
}

/// Whether a program has a socket open.
fn holds(pid: u32, inode: u64) -> io::Result<bool> {
    let wanted = format!("socket:[{inode}]");
    for file in fs::read_dir(format!("/proc/{pid}/fd"))? {
        // One that is closed meanwhile leads nowhere.
        if fs::read_link(file?.path()).is_ok_and(|target| target == Path::new(&wanted)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The accounts that a program acts for.
fn accounts(pid: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.map(|line| line.split_ascii_whitespace().filter_map(|one| one.parse().ok()).collect()).unwrap_or_default()
}

/// All programs at one moment, by who started them.
struct Family<'a> {
    by_number: HashMap<u32, &'a Kin>,
    runs: HashMap<u32, bool>,
    own: u32,
}

impl Family<'_> {
    fn of(all: &[Kin]) -> Family<'_> {
        let runs = all.iter().map(|kin| (kin.pid, is_run(kin))).collect();
        Family { by_number: all.iter().map(|kin| (kin.pid, kin)).collect(), runs, own: kin::own_pid() }
    }

    /// Whether a program is this one, descends from it or from any run, or carries the mark and is no run itself.
    fn has_child(&self, kin: &Kin) -> bool {
        let is_run = |pid: u32| pid == self.own || self.runs.get(&pid).copied().unwrap_or(false);
        if kin.pid == self.own || self.line_above(kin).any(is_run) {
            return true;
        }
        !is_run(kin.pid) && is_marked(kin.pid)
    }

    /// The numbers of those above a program. Parents and children are read one after the other, so a line may even close.
    fn line_above<'a>(&'a self, kin: &'a Kin) -> impl Iterator<Item = u32> + 'a {
        let parent = |pid: &u32| self.by_number.get(pid).map(|kin| kin.parent).filter(|pid| *pid != 0);
        std::iter::successors(Some(kin.parent).filter(|pid| *pid != 0), parent).take(super::LONGEST_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_the_kernel_writes_it() {
        let ne = |ip: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(ip));
        let four = format!("{}:1F90", ne([127, 0, 0, 1]));
        assert_eq!(address(&four), Some("127.0.0.1:8080".parse().unwrap()));
        let zero = ne([0; 4]);
        let six = format!("{zero}{zero}{zero}{}:0050", ne([0, 0, 0, 1]));
        assert_eq!(address(&six), Some("[::1]:80".parse().unwrap()));
        let mapped = format!("{zero}{zero}{}{}:0050", ne([0, 0, 255, 255]), ne([10, 0, 0, 7]));
        assert_eq!(address(&mapped), Some("10.0.0.7:80".parse().unwrap()));
        for wrong in ["", "0100007F", "0100007F:", "0100007:50", "zz00007F:50", "é000007:50"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_socket_that_nobody_holds_any_more_is_not_found() {
        let line = |inode: &str| {
            let ip = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
            format!("   1: {ip}:0001 {ip}:0002 01 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0")
        };
        let (one, two) = ("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        assert_eq!(entry(&line("77"), two, one), Some(FarEnd { inode: 77, account: 1000 }));
        assert_eq!(entry(&line("77"), one, two), None);
        assert_eq!(entry(&line("0"), two, one), None);
        assert_eq!(entry("rubbish", two, one), None);
    }
}
