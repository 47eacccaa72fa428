//! Holding a program to reading: what the kernel lets it see and do, and the refusal to run it with any of that missing.
//!
//! In reading order: this file builds the world a confined program lives in; [`stage`] is the last step before it starts,
//! inside that world; `calls` the system calls it may not make; [`check`] tries whether all of it holds here.
//!
//! Not here: choosing what runs confined (that is `tools`), or running it (that is `children`).
//!
//! Three layers, each for what the others leave open:
//! 1. **Namespaces and mounts**, by bubblewrap: the workspace, the session's kept outputs and the system's program folders
//!    are there, read-only, and nothing else of the machine's files is; no network but a loopback of its own; a process table
//!    of its own; an empty home and an empty folder for temporary files, in memory, gone with it; no capabilities. `/proc` is
//!    read-only too: for root, whose number is also root's outside, `/proc/sys` would be open otherwise. A read-only mount
//!    stops writing, `chmod`, times and extended attributes alike.
//! 2. **Landlock**, inside: a read-only mount does not stop a named pipe in the workspace from being written to, by which a
//!    confined program could speak to one outside. Landlock does.
//! 3. **Seccomp**, inside: a read-only mount does not stop a socket in the workspace from being connected to, and a network
//!    namespace does not hold for `AF_VSOCK`. Only internet sockets (which lead nowhere) and pairs of stream sockets are left.
//!    Also closed: new namespaces and mounts, `io_uring` (it makes calls that a filter does not see), tracing, keyrings, and
//!    what else only serves to get out.
//!
//! A program that runs confined first has Remit's own program run as the inner [`stage`], which closes layers 2 and 3 and then
//! says a password. Where bubblewrap or the stage fails, the password is missing, and `children` makes an error of it:
//! never an unconfined run. What is left open, knowingly: it can use time, memory and processor like any program, until its
//! time limit; and it sees Remit's own program file, which holds no secret.

#![allow(clippy::disallowed_methods, reason = "the host builds the sandbox")]

pub mod check;
pub mod stage;

mod calls;

pub use check::check;
pub use stage::enter_if_asked;

use crate::children::{Program, Variables};
use crate::environment::Environment;
use crate::scene::Scene;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The first argument by which Remit's own program is told to be the inner stage.
pub(crate) const STAGE: &str = "--confined-stage";
/// What the stage says when the program is about to start, with nothing left to close.
pub(crate) const PASSWORD: &[u8] = b"\0remit: confined\0";

/// The folder that the sandbox keeps its own things in.
const OWN: &str = "/run/confined";
const HOME: &str = "/run/confined/home";
/// For temporary files, where the workspace is below `/tmp`.
const OTHER_TMP: &str = "/run/confined/tmp";
const STAGE_INSIDE: &str = "/run/confined/stage";

/// Folders of programs and their libraries beside `/usr`; links on most systems.
const PROGRAMS: &[&str] = &["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What programs need to find their libraries and each other, and nothing that is about this machine or its people.
const FINDING: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/nix/store",
    "/run/current-system",
];
/// Folders that are not files of anybody: a workspace cannot be there.
const NO_WORKSPACE: &[&str] = &["/proc", "/sys", "/dev", OWN];

/// Why a program cannot be held to reading here. It did not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// There is no bubblewrap.
    #[error(
        "confined runs need bubblewrap, and there is no `bwrap` in the search path; install it, or run without `confined`"
    )]
    NoBubblewrap,
    /// The workspace is a folder that cannot be shown alone.
    #[error("a workspace at `{0}` cannot be shown without the rest of the machine, so nothing runs confined here")]
    Workspace(String),
    /// Remit's own program, which closes the last layers, cannot be found.
    #[error("the program that closes the sandbox from inside cannot be found: {0}")]
    NoStage(String),
    /// The sandbox was not set up.
    #[error("it cannot be confined on this machine: {0}")]
    NotEnforced(String),
    /// The sandbox was set up and leaks; only [`check`] finds that out.
    #[error("the sandbox leaks on this machine: {0}")]
    Leaks(String),
}

/// Remit's own program, as the inner stage.
static STAGE_PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program to use as the inner stage, where it is not the one that runs: one whose `main` begins with
/// [`enter_if_asked`]. Only the first word counts.
pub fn stage_is(program: impl Into<PathBuf>) {
    let _ = STAGE_PROGRAM.set(program.into());
}

/// Makes a confined program of a program: the same words in the same folder, inside the sandbox. Starts nothing.
pub fn hold(program: Program, scene: &Scene) -> Result<Program, WhyNot> {
    let sandbox = Sandbox {
        workspace: scene.workspace.root(),
        outputs: Some(&scene.outputs),
        folder: &program.folder,
        environment: &scene.environment,
    };
    let held = sandbox.hold(&program.words)?;
    Ok(Program { limit: program.limit, ..held })
}

/// The world of one confined program.
pub(crate) struct Sandbox<'a> {
    pub workspace: &'a Path,
    /// Another folder that is shown, if it exists.
    pub outputs: Option<&'a Path>,
    /// Where the program starts.
    pub folder: &'a Path,
    pub environment: &'a Environment,
}

impl Sandbox<'_> {
    pub(crate) fn hold(&self, words: &[OsString]) -> Result<Program, WhyNot> {
        let is_nowhere = |workspace: &Path| {
            workspace.parent().is_none() || NO_WORKSPACE.iter().any(|folder| workspace.starts_with(folder))
        };
        if is_nowhere(self.workspace) {
            return Err(WhyNot::Workspace(self.workspace.display().to_string()));
        }
        let bubblewrap = self.bubblewrap().ok_or(WhyNot::NoBubblewrap)?;
        let stage = match STAGE_PROGRAM.get() {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(|why| WhyNot::NoStage(why.to_string()))?,
        };
        if !stage.is_file() {
            return Err(WhyNot::NoStage(format!("there is no file `{}` any more", stage.display())));
        }
        let mut line: Vec<OsString> = vec![bubblewrap.into()];
        self.walls(&mut line);
        self.contents(&mut line, &stage);
        line.extend(["--".into(), STAGE_INSIDE.into(), STAGE.into()]);
        let writable = [HOME, self.temporary(), "/dev/shm"];
        line.extend(writable.iter().flat_map(|folder| ["--writable".into(), (*folder).into()]));
        line.push("--".into());
        line.extend(words.iter().cloned());
        let mut variables = self.environment.confined(HOME);
        variables.push(("TMPDIR".into(), self.temporary().into()));
        // The sandbox's first program is seen from inside, with the environment it was started with; so it gets no more.
        Ok(Program {
            variables: Variables::Exactly(variables),
            password: Some(PASSWORD.to_vec()),
            ..Program::new(line, "/")
        })
    }

    /// Landlock's rules hold for all that is below a folder, mounts included; so where something that is only to be read
    /// lies below `/tmp`, temporary files go elsewhere.
    fn temporary(&self) -> &'static str {
        let is_below_tmp = |folder: &Path| folder.starts_with("/tmp");
        if is_below_tmp(self.workspace) || self.outputs.is_some_and(is_below_tmp) { OTHER_TMP } else { "/tmp" }
    }

    fn walls(&self, line: &mut Vec<OsString>) {
        // `--unshare-all` alone would go on without a user namespace where there is none to be had.
        let walls = ["--unshare-user", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"];
        line.extend(walls.map(OsString::from));
        line.extend(["--hostname", "confined"].map(OsString::from));
    }

    fn contents(&self, line: &mut Vec<OsString>, stage: &Path) {
        show(line, "--ro-bind", Path::new("/usr"));
        for folder in PROGRAMS.iter().map(Path::new) {
            match folder.read_link() {
                Ok(target) => line.extend(["--symlink".into(), target.into(), folder.into()]),
                Err(_) => show(line, "--ro-bind-try", folder),
            }
        }
        FINDING.iter().for_each(|path| show(line, "--ro-bind-try", Path::new(path)));
        line.extend(["--tmpfs", "/tmp"].map(OsString::from));
        show(line, "--ro-bind", self.workspace);
        if let Some(outputs) = self.outputs {
            show(line, "--ro-bind-try", outputs);
        }
        line.extend(["--tmpfs", HOME, "--tmpfs", OTHER_TMP].map(OsString::from));
        line.extend(["--ro-bind".into(), stage.into(), STAGE_INSIDE.into()]);
        line.extend(["--dev", "/dev", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"].map(OsString::from));
        line.extend(["--proc", "/proc", "--remount-ro", "/proc", "--remount-ro", "/"].map(OsString::from));
        line.extend(["--chdir".into(), self.folder.into()]);
    }

    /// Looks in the search path, but not in the workspace, whose files are not the person's own.
    fn bubblewrap(&self) -> Option<PathBuf> {
        let path = self.environment.search_path();
        let listed = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
        let mut found = listed.map(|folder| folder.join("bwrap")).filter(|program| program.is_file());
        found.find(|program| program.canonicalize().is_ok_and(|real| !real.starts_with(self.workspace)))
    }
}

fn show(line: &mut Vec<OsString>, how: &str, path: &Path) {
    line.extend([how.into(), path.into(), path.into()]);
}
