//! Walking a folder: what it holds, but for what its ignore files leave out. No link is followed, so that a walk never
//! leaves the folder that was judged, whatever is swapped while it goes on.
//!
//! Not here: what is done with what is found (that is `tools`).
//!
//! Ignore files are read as git and ripgrep read them (`.gitignore`, `.ignore`, `.git/info/exclude`), from the workspace's
//! root down. The person's own, in their home, are not: the same folder looks the same on every machine. The walk is our
//! own, for the one in the crate `ignore` opens folders by path, and a folder can turn into a link while it walks.

use crate::files::{self, FileError, Opened, failed};
use crate::place::Workspace;
use gate::Permit;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use policy::Place;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::ffi::CString;
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

/// How deep a walk goes at most: each level keeps a folder open.
const DEEPEST: usize = 100;
/// How many names of one folder are looked at.
const MOST_NAMES: usize = 100_000;
/// The largest ignore file that is read.
const LARGEST_IGNORE_FILE: u64 = 1 << 20;

/// A folder that was judged, open for walking.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: String,
    rules: Rules,
}

/// What a walk leaves out.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether names that begin with a dot are shown.
    pub hidden: Shown,
    /// Whether what ignore files name is shown.
    pub ignored: Shown,
    /// How many levels are shown; 1 is the folder's own names.
    pub depth: usize,
}

/// Whether something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// What stands at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link, which is not followed.
    Link,
    /// A device, a pipe, a socket.
    Special,
}

/// One name that a walk came by.
#[derive(Debug)]
pub struct Node<'a> {
    /// The path below the folder where the walk began, `/` between its parts; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// How many levels down; 1 is the folder's own names.
    pub depth: usize,
    /// What stands there.
    pub kind: Kind,
    folder: &'a OwnedFd,
    name: &'a CString,
    whole: String,
}

/// What a walk could not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Folders that could not be opened.
    pub folders: usize,
    /// Folders too deep, or with too many names, to be shown whole.
    pub cut: usize,
}

/// The ignore files in force, the outermost first. `.ignore` outranks `.gitignore`.
#[derive(Debug, Default)]
struct Rules {
    plain: Vec<Gitignore>,
    git: Vec<Gitignore>,
}

/// Opens the folder that was judged. A path that leads to a file is [`FileError::NotAFolder`].
pub fn open<A>(_: &Permit<A>, workspace: &Workspace, place: &Place) -> Result<Folder, FileError> {
    let path = place.real.absolute.clone();
    let fd = files::folder(&path)?;
    let mut rules = Rules::default();
    if let Some(inside) = &place.real.inside {
        let mut above = workspace.root().display().to_string().trim_end_matches('/').to_owned();
        for part in inside.split('/').filter(|part| !part.is_empty()) {
            if let Ok(folder) = files::folder(&above) {
                rules.enter(&folder, &above);
            }
            above = format!("{above}/{part}");
        }
    }
    Ok(Folder { fd, path, rules })
}

impl Folder {
    /// Walks the folder, the names of each folder in order, what a folder holds right after it. `.git` is passed over.
    ///
    /// `visit` ends the walk by breaking. What cannot be opened is counted and passed over.
    pub fn walk(self, look: Look, visit: &mut dyn FnMut(&Node<'_>) -> ControlFlow<()>) -> Missed {
        let mut walk = Walk { rules: self.rules, missed: Missed::default(), look, visit };
        let _ended_early = walk.level(&Level { fd: &self.fd, path: &self.path, below: "", depth: 1 });
        walk.missed
    }
}

impl Node<'_> {
    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Opens the file for reading, as [`files::open`] does.
    pub fn open(&self) -> Result<Opened, FileError> {
        match self.name.to_str() {
            Ok(name) => files::open_at(self.folder, name, &self.whole),
            Err(_) => Err(FileError::Special(self.whole.clone(), "a file whose name is not UTF-8")),
        }
    }

    /// The size in bytes, where the system says.
    pub fn size(&self) -> Option<u64> {
        let found = rustix::fs::statat(self.folder, self.name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(found.st_size).ok()
    }

    /// Where a link says it leads.
    pub fn target(&self) -> Option<String> {
        let target = rustix::fs::readlinkat(self.folder, self.name.as_c_str(), Vec::new()).ok()?;
        Some(target.to_string_lossy().into_owned())
    }
}

/// A walk under way.
struct Walk<'v> {
    rules: Rules,
    missed: Missed,
    look: Look,
    visit: &'v mut dyn FnMut(&Node<'_>) -> ControlFlow<()>,
}

/// One folder of a walk.
struct Level<'a> {
    fd: &'a OwnedFd,
    path: &'a str,
    below: &'a str,
    depth: usize,
}

impl Walk<'_> {
    fn level(&mut self, at: &Level<'_>) -> ControlFlow<()> {
        let Ok(names) = listed(at.fd, &mut self.missed) else {
            self.missed.folders += 1;
            return ControlFlow::Continue(());
        };
        let entered = self.rules.enter(at.fd, at.path);
        let ended = names.iter().try_for_each(|(name, kind)| self.name(at, name, *kind));
        self.rules.leave(entered);
        ended
    }

    fn name(&mut self, at: &Level<'_>, name: &CString, kind: Kind) -> ControlFlow<()> {
        let text = name.to_string_lossy();
        let whole = format!("{}/{text}", at.path.trim_end_matches('/'));
        let is_hidden = self.look.hidden == Shown::No && text.starts_with('.');
        if text == ".git" || is_hidden || (self.look.ignored == Shown::No && self.rules.ignore(&whole, kind)) {
            return ControlFlow::Continue(());
        }
        let path = if at.below.is_empty() { text.into_owned() } else { format!("{}/{text}", at.below) };
        let node = Node { path, depth: at.depth, kind, folder: at.fd, name, whole };
        (self.visit)(&node)?;
        if kind != Kind::Folder || at.depth >= self.look.depth {
            return ControlFlow::Continue(());
        }
        if at.depth >= DEEPEST {
            self.missed.cut += 1;
            return ControlFlow::Continue(());
        }
        match opened(at.fd, name) {
            Ok(fd) => self.level(&Level { fd: &fd, path: &node.whole, below: &node.path, depth: at.depth + 1 }),
            Err(_) => {
                self.missed.folders += 1;
                ControlFlow::Continue(())
            }
        }
    }
}

fn opened(folder: &OwnedFd, name: &CString) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name.as_c_str(), flags, Mode::empty())
}

/// The names in a folder, in order.
fn listed(folder: &OwnedFd, missed: &mut Missed) -> rustix::io::Result<Vec<(CString, Kind)>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes() == b"." || name.to_bytes() == b".." {
            continue;
        }
        if names.len() == MOST_NAMES {
            missed.cut += 1;
            break;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => FileType::from_raw_mode(found.st_mode),
                Err(_) => continue,
            },
            known => known,
        };
        names.push((name.to_owned(), sort_of(kind)));
    }
    names.sort();
    Ok(names)
}

fn sort_of(kind: FileType) -> Kind {
    match kind {
        FileType::Directory => Kind::Folder,
        FileType::RegularFile => Kind::File,
        FileType::Symlink => Kind::Link,
        _ => Kind::Special,
    }
}

impl Rules {
    /// Takes up the ignore files of a folder, and says how many there were of each kind.
    fn enter(&mut self, folder: &OwnedFd, path: &str) -> (usize, usize) {
        let git: Vec<Gitignore> =
            [excluded(folder, path), rules_in(folder, path, ".gitignore")].into_iter().flatten().collect();
        let plain: Vec<Gitignore> = rules_in(folder, path, ".ignore").into_iter().collect();
        let count = (plain.len(), git.len());
        self.plain.extend(plain);
        self.git.extend(git);
        count
    }

    /// Forgets what [`Rules::enter`] took up.
    fn leave(&mut self, (plain, git): (usize, usize)) {
        self.plain.truncate(self.plain.len() - plain);
        self.git.truncate(self.git.len() - git);
    }

    /// Whether a path is left out. The innermost rule that names it decides.
    fn ignore(&self, path: &str, kind: Kind) -> bool {
        let is_folder = kind == Kind::Folder;
        let word = |rules: &[Gitignore]| {
            rules
                .iter()
                .rev()
                .map(|rules| rules.matched(path, is_folder))
                .find(|word| !word.is_none())
                .map(|word| word.is_ignore())
        };
        word(&self.plain).or_else(|| word(&self.git)).unwrap_or(false)
    }
}

fn rules_in(folder: &OwnedFd, path: &str, name: &str) -> Option<Gitignore> {
    let source = files::open_at(folder, name, name).ok()?;
    rules_of(source, path)
}

/// The rules that a repository keeps to itself.
fn excluded(folder: &OwnedFd, path: &str) -> Option<Gitignore> {
    let git = opened(folder, &CString::from(c".git")).ok()?;
    let own = opened(&git, &CString::from(c"info")).ok()?;
    rules_of(files::open_at(&own, "exclude", "exclude").ok()?, path)
}

fn rules_of(source: Opened, path: &str) -> Option<Gitignore> {
    let bytes = source.read_whole(LARGEST_IGNORE_FILE).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut rules = GitignoreBuilder::new(path);
    for line in text.trim_start_matches('\u{feff}').lines() {
        // A line that is no pattern leaves nothing out, as in git.
        let _ = rules.add_line(None, line);
    }
    rules.build().ok().filter(|rules| !rules.is_empty())
}

/// Lists the links directly in a folder, with the folders and files passed over.
pub(crate) fn links_in(path: &str) -> Result<Vec<String>, FileError> {
    let folder = files::folder(path)?;
    let names = listed(&folder, &mut Missed::default()).map_err(|why| failed(path, why))?;
    let links = names.into_iter().filter(|(_, kind)| *kind == Kind::Link);
    Ok(links.map(|(name, _)| format!("{path}/{}", name.to_string_lossy())).collect())
}
