//! Who is whose child, read from `/proc`.
//!
//! Not here: what follows from it (that is `authority` and `children`).

#![allow(clippy::disallowed_methods, reason = "the host looks at the world so that others need not")]

use std::fs;
use std::io::{self, Read};

/// One program that runs, as `/proc/PID/stat` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kin {
    /// Its number.
    pub pid: u32,
    /// What it calls itself: the kernel's `comm`, which nobody else can set and everybody can read.
    pub name: String,
    /// `Z` is one that has ended and was not waited for.
    pub state: char,
    /// The one that started it, or that adopted it; 0 when that one is out of sight.
    pub parent: u32,
    /// The session it belongs to. One joins a session by birth only.
    pub session: u32,
    /// When it started, in ticks since the machine did; with the number it names one program for good.
    pub started: u64,
}

impl Kin {
    /// Looks one up.
    pub(crate) fn of(pid: u32) -> io::Result<Kin> {
        let stat = read_some(&format!("/proc/{pid}/stat"), 4096)?;
        parse(&String::from_utf8_lossy(&stat)).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is strange")))
    }

    /// Whether it has ended and only waits to be waited for.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// This program's own number.
pub(crate) fn own_pid() -> u32 {
    std::process::id()
}

/// Everything that runs and can be seen. What ends while this looks may be missing.
pub(crate) fn all() -> io::Result<Vec<Kin>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        found.extend(pid.and_then(|pid| Kin::of(pid).ok()));
    }
    Ok(found)
}

/// The value of one variable in the environment a program was started with; `None` when there is none, or it is hidden.
pub(crate) fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = read_some(&format!("/proc/{pid}/environ"), 4 << 20).ok()?;
    let value = environment
        .split(|byte| *byte == 0)
        .find_map(|line| line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn read_some(path: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// The name may hold anything, parentheses and spaces too; it ends at the last `)`.
fn parse(stat: &str) -> Option<Kin> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let small = |at: usize| number(at).and_then(|number| u32::try_from(number).ok());
    Some(Kin {
        pid: pid.trim().parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: small(1)?,
        session: small(3)?,
        started: number(19)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let tail = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let kin = parse(&format!("77 (a) S 1 (b) R 5 6 7 8 {tail}")).expect("a stat line");
        assert_eq!((kin.pid, kin.name.as_str(), kin.state, kin.parent, kin.session), (77, "a) S 1 (b", 'R', 5, 7));
    }

    #[test]
    fn this_program_is_found_among_all() {
        let own = Kin::of(own_pid()).expect("it runs");
        assert!(all().expect("/proc").contains(&Kin { state: own.state, ..own.clone() }) || !own.has_ended());
        assert!(all().expect("/proc").iter().any(|kin| kin.pid == own.pid && kin.started == own.started));
    }
}
