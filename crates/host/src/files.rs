//! Reading and writing files without being led astray: each door walks to where the judged path really leads and follows
//! no link on the way, so that a link swapped in after the judging ends in an error and never in another file.
//!
//! Not here: finding out where a path leads (that is `place`), or folders (that is `tree`).

#![allow(clippy::disallowed_methods, reason = "the host touches files so that others need not")]

use gate::Permit;
use policy::Place;
use rustix::fs::{Access, AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How a folder on the way is opened: to pass through, needing no right to list it.
#[cfg(target_os = "linux")]
const PASSING: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASSING: OFlags = OFlags::RDONLY;

/// Why a file could not be read or written. A file that was to be written is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing at the path.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// The path leads to a folder.
    #[error("`{0}` is a folder")]
    Folder(String),
    /// Something on the way is a file, or a folder was wanted and this is a file.
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
    /// Neither a file nor a folder.
    #[error("`{0}` is {1}, not a file")]
    Special(String, &'static str),
    /// What is there is not what was judged.
    #[error("`{0}` changed since it was judged")]
    Changed(String),
    /// More than may be read at once.
    #[error("`{path}` has more than {limit} bytes")]
    TooLarge {
        /// The path.
        path: String,
        /// The limit.
        limit: u64,
    },
    /// This account may not.
    #[error("`{0}`: permission denied")]
    Denied(String),
    /// A file that shows the inside of a running program, its secrets included.
    #[error("`{0}` is a window into a running program, not a file")]
    Window(String),
    /// Anything else the system said.
    #[error("`{path}`: {why}")]
    System {
        /// The path.
        path: String,
        /// What the system said.
        why: io::Error,
    },
}

/// A regular file, open for reading.
#[derive(Debug)]
pub struct Opened {
    file: File,
    path: String,
    len: u64,
}

/// What must be there for a file to be replaced.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// Anything or nothing.
    Anything,
    /// A file of exactly these bytes.
    Exactly(&'a [u8]),
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There was no file.
    New,
    /// There was a file, and it is gone.
    Replaced,
}

/// What is done about a folder on the way that does not exist.
#[derive(Clone, Copy)]
enum IfMissing {
    Fail,
    Make,
}

/// Opens the file that was judged, for reading.
///
/// Folders, devices, pipes and sockets are errors, and so are the files under which the kernel shows the inside of a
/// running program: this program's own would give away its keys.
pub fn open<A>(_: &Permit<A>, place: &Place) -> Result<Opened, FileError> {
    open_real(place)
}

/// Reads a whole file before anything was judged, to show a person what a call would change.
///
/// What it returns, and how it fails, is for the person only; nothing of it may reach the model before there is a permit.
pub fn preview(place: &Place, limit: u64) -> Result<Vec<u8>, FileError> {
    open_real(place)?.read_whole(limit)
}

/// Puts a whole new content where the judged path leads, making the folders above it where they are missing.
///
/// The content is written beside the file and then takes its place in one step: whoever looks sees the old content or the
/// new, never a part. The permission bits stay, and the owner where that is allowed; other names of the same file (hard
/// links) keep the old content. Nothing is synced: a power cut may lose the write.
pub fn replace<A>(_: &Permit<A>, place: &Place, content: &[u8], expected: Expected<'_>) -> Result<Written, FileError> {
    let path = &place.real.absolute;
    let (folder, name) = walk_to(path, IfMissing::Make)?;
    let old = writable(&folder, name, path)?;
    if let Expected::Exactly(bytes) = expected {
        let same = match open_at(&folder, name, path)?.read_whole(bytes.len() as u64) {
            Ok(now) => now == bytes,
            Err(FileError::TooLarge { .. }) => false,
            Err(why) => return Err(why),
        };
        if !same {
            return Err(FileError::Changed(path.clone()));
        }
    }
    put(&folder, name, content, old.as_ref()).map_err(|why| FileError::System { path: path.clone(), why })?;
    Ok(if old.is_some() { Written::Replaced } else { Written::New })
}

/// Keeps a whole output in a folder of the session's own, readable by this account only, and says where.
pub fn keep<A>(permit: &Permit<A>, folder: &Path, ending: &str, content: &[u8]) -> Result<String, FileError> {
    let shown = folder.display().to_string();
    let failed = |why| FileError::System { path: shown.clone(), why };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let real = std::fs::canonicalize(folder).map_err(failed)?;
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-' || *letter == '_';
    let call: String = permit.call().as_str().chars().filter(is_plain).take(64).collect();
    let path = format!("{}/{call}.{ending}", real.display());
    let (folder, name) = walk_to(&path, IfMissing::Fail)?;
    put_with(&folder, name, content, Mode::RUSR | Mode::WUSR, |_| Ok(()))
        .map_err(|why| FileError::System { path: path.clone(), why })?;
    Ok(path)
}

impl Opened {
    /// How many bytes the file says it has; what the kernel makes up as it is read says 0.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// Reads from where the file stands to its end, or fails when that is more than `limit` bytes.
    pub fn read_whole(mut self, limit: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.len.min(limit)).unwrap_or(0));
        let read = (&mut self.file).take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|why| FileError::System { path: self.path.clone(), why })?;
        if bytes.len() as u64 > limit {
            return Err(FileError::TooLarge { path: self.path, limit });
        }
        Ok(bytes)
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn open_real(place: &Place) -> Result<Opened, FileError> {
    let path = &place.real.absolute;
    let (folder, name) = walk_to(path, IfMissing::Fail)?;
    open_at(&folder, name, path)
}

/// Walks to the folder that holds the last part of a real path, following no link.
fn walk_to(path: &str, missing: IfMissing) -> Result<(OwnedFd, &str), FileError> {
    let Some((above, name)) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty()) else {
        return Err(FileError::Folder(path.to_owned()));
    };
    let mut folder = step(&CWD, "/", path)?;
    for part in above.split('/').filter(|part| !part.is_empty()) {
        folder = match (step(&folder, part, path), missing) {
            (Err(FileError::Missing(_)), IfMissing::Make) => {
                match rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => step(&folder, part, path)?,
                    Err(why) => return Err(failed(path, why)),
                }
            }
            (stepped, _) => stepped?,
        };
    }
    Ok((folder, name))
}

/// Walks to a folder and opens it for listing, following no link.
pub(crate) fn folder(path: &str) -> Result<OwnedFd, FileError> {
    let mut folder = step(&CWD, "/", path)?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        folder = step(&folder, part, path)?;
    }
    let listing = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(&folder, ".", listing, Mode::empty()).map_err(|why| failed(path, why))
}

fn step<F: AsFd>(folder: &F, part: &str, path: &str) -> Result<OwnedFd, FileError> {
    let flags = PASSING | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(folder, part, flags, Mode::empty()) {
        Ok(next) => Ok(next),
        Err(Errno::NOTDIR | Errno::LOOP) => match look(folder, part, path)? {
            Some(found) if kind(&found) == FileType::Symlink => Err(FileError::Changed(path.to_owned())),
            Some(_) | None => Err(FileError::NotAFolder(path.to_owned())),
        },
        Err(why) => Err(failed(path, why)),
    }
}

/// What stands at a name itself, no link followed; `None` when nothing does.
fn look<F: AsFd>(folder: &F, name: &str, path: &str) -> Result<Option<Stat>, FileError> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(why) => Err(failed(path, why)),
    }
}

fn kind(found: &Stat) -> FileType {
    FileType::from_raw_mode(found.st_mode)
}

/// Refuses everything but a regular file.
fn regular(found: &Stat, path: &str) -> Result<(), FileError> {
    let special = |what| Err(FileError::Special(path.to_owned(), what));
    match kind(found) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(FileError::Folder(path.to_owned())),
        FileType::Symlink => Err(FileError::Changed(path.to_owned())),
        FileType::CharacterDevice | FileType::BlockDevice => special("a device"),
        FileType::Fifo => special("a pipe"),
        FileType::Socket => special("a socket"),
        _ => special("something of an unknown kind"),
    }
}

/// Opens a regular file below an open folder. It is looked at first, for opening a device can already do something.
pub(crate) fn open_at<F: AsFd>(folder: &F, name: &str, path: &str) -> Result<Opened, FileError> {
    let Some(found) = look(folder, name, path)? else {
        return Err(FileError::Missing(path.to_owned()));
    };
    regular(&found, path)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(|why| failed(path, why))?;
    let found = rustix::fs::fstat(&file).map_err(|why| failed(path, why))?;
    regular(&found, path)?;
    if is_window(&file, path)? {
        return Err(FileError::Window(path.to_owned()));
    }
    Ok(Opened { file: File::from(file), path: path.to_owned(), len: u64::try_from(found.st_size).unwrap_or(0) })
}

/// Whether a file is one of those under `/proc/NUMBER`.
#[cfg(target_os = "linux")]
fn is_window(file: &OwnedFd, path: &str) -> Result<bool, FileError> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_digit());
    if !path.split('/').any(is_number) {
        return Ok(false);
    }
    let system = rustix::fs::fstatfs(file).map_err(|why| failed(path, why))?;
    Ok(system.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn is_window(_: &OwnedFd, _: &str) -> Result<bool, FileError> {
    Ok(false)
}

/// What is to be overwritten, when it may be: a regular file that this account may write. `None` when nothing is there.
fn writable(folder: &OwnedFd, name: &str, path: &str) -> Result<Option<Stat>, FileError> {
    let Some(found) = look(folder, name, path)? else {
        return Ok(None);
    };
    regular(&found, path)?;
    // Taking a file's place needs no right to the file itself, so the right is asked for.
    rustix::fs::accessat(folder, name, Access::WRITE_OK, AtFlags::empty()).map_err(|why| failed(path, why))?;
    Ok(Some(found))
}

fn put(folder: &OwnedFd, name: &str, content: &[u8], old: Option<&Stat>) -> io::Result<()> {
    let Some(old) = old else {
        return put_with(folder, name, content, Mode::from_raw_mode(0o666), |_| Ok(()));
    };
    put_with(folder, name, content, Mode::RUSR | Mode::WUSR, |file| {
        // Only a privileged account may give a file away; where it may not, the writer owns what it wrote.
        let _ = rustix::fs::fchown(file, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)));
        rustix::fs::fchmod(file, Mode::from_raw_mode(old.st_mode & 0o777)).map_err(io::Error::from)
    })
}

/// Writes beside the name, then takes its place; what could not be finished is removed.
fn put_with(
    folder: &OwnedFd,
    name: &str,
    content: &[u8],
    mode: Mode,
    dress: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let (mut file, beside) = fresh(folder, mode)?;
    let done = file
        .write_all(content)
        .and_then(|()| dress(&file))
        .and_then(|()| rustix::fs::renameat(folder, beside.as_str(), folder, name).map_err(io::Error::from));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = rustix::fs::unlinkat(folder, beside.as_str(), AtFlags::empty());
    }
    done
}

/// Makes a file of a name that nobody uses.
fn fresh(folder: &OwnedFd, mode: Mode) -> io::Result<(File, String)> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..100 {
        let name = format!(".remit-{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        match rustix::fs::openat(folder, name.as_str(), flags, mode) {
            Ok(file) => return Ok((File::from(file), name)),
            Err(Errno::EXIST) => {}
            Err(why) => return Err(why.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is full of files of a write that was cut off"))
}

pub(crate) fn failed(path: &str, why: Errno) -> FileError {
    let path = path.to_owned();
    match why {
        Errno::NOENT => FileError::Missing(path),
        Errno::ACCESS | Errno::PERM => FileError::Denied(path),
        Errno::NOTDIR => FileError::NotAFolder(path),
        Errno::ISDIR => FileError::Folder(path),
        Errno::LOOP => FileError::Changed(path),
        why => FileError::System { path, why: why.into() },
    }
}
