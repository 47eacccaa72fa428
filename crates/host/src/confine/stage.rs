//! The last step before a confined program: Remit's own program, inside the sandbox, closes what is left open and becomes it.
//!
//! Not here: the sandbox around it (that is `confine`).

#![allow(clippy::disallowed_methods, reason = "the inner stage starts the confined program")]

use super::{PASSWORD, STAGE, calls, check};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};
use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What can be asked of Landlock at most; an older kernel gives what it has.
const NEWEST: ABI = ABI::V9;
/// What it has to give: to stop a file, and so a named pipe, from being opened for writing.
const NEEDED: ABI = ABI::V1;

/// Asks the stage to try its walls instead of starting a program.
pub(super) const TRY: &str = "--try-the-walls";

/// Becomes the inner stage of a confined run, if this program was started as one; else returns at once.
///
/// To be called first thing in `main`. Started by hand it only takes power away from what it starts.
pub fn enter_if_asked() {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_none_or(|first| first != STAGE) {
        return;
    }
    let why = match Asked::read(words) {
        Some(asked) => asked.enter(),
        None => "the inner stage of a confined run was asked for, and not what to run".into(),
    };
    eprintln!("{why}");
    std::process::exit(126);
}

struct Asked {
    writable: Vec<OsString>,
    words: Vec<OsString>,
}

impl Asked {
    /// Reads `--writable FOLDER`.. `--` `WORD`..
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Asked> {
        let mut writable = Vec::new();
        loop {
            let word = words.next()?;
            match word.to_str()? {
                "--" => break,
                "--writable" => writable.push(words.next()?),
                _unknown => return None,
            }
        }
        let words: Vec<OsString> = words.collect();
        (!words.is_empty()).then_some(Asked { writable, words })
    }

    /// Closes what is open and becomes the program. Comes back only with the reason why it did not.
    fn enter(self) -> Box<dyn Error> {
        if let Err(why) = self.close() {
            return why;
        }
        let mut out = std::io::stdout().lock();
        if let Err(why) = out.write_all(PASSWORD).and_then(|()| out.flush()) {
            return why.into();
        }
        drop(out);
        if self.words.first().is_some_and(|word| word == TRY) {
            check::try_the_walls(&self.words[1..]);
        }
        let why = Command::new(&self.words[0]).args(&self.words[1..]).exec();
        eprintln!("{}: {why}", self.words[0].to_string_lossy());
        std::process::exit(127);
    }

    fn close(&self) -> Result<(), Box<dyn Error>> {
        self.close_files().map_err(|why| format!("Landlock cannot hold the program to reading: {why}"))?;
        for filter in calls::filters()? {
            seccompiler::apply_filter(&filter)?;
        }
        Ok(())
    }

    /// Reading everywhere; writing to the empty folders, and to the devices that every program may write to.
    fn close_files(&self) -> Result<(), Box<dyn Error>> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(NEEDED))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .add_rule(PathBeneath::new(PathFd::new("/")?, AccessFs::from_read(NEWEST)))?;
        let devices = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
        rules = rules.add_rule(PathBeneath::new(PathFd::new("/dev")?, devices))?;
        for folder in &self.writable {
            rules = rules.add_rule(PathBeneath::new(PathFd::new(folder)?, AccessFs::from_all(NEWEST)))?;
        }
        match rules.restrict_self()?.ruleset {
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
            RulesetStatus::NotEnforced => Err("this kernel does not have it, or it is switched off".into()),
        }
    }
}
