//! Sockets of one person's programs: files that only their account can open, wherever their folders are.
//!
//! Not here: who is at the other end (that is `authority`), or what is said.

#![allow(clippy::disallowed_methods, reason = "the host opens sockets so that others need not")]

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The longest path by which the kernel finds a socket: what its address has room for, on every system.
const LONGEST_PATH: usize = 100;

/// A way to a socket that the kernel takes, however far down the person's folders are.
struct Reach {
    path: PathBuf,
    /// The socket's folder, held open where the way leads through it.
    _folder: Option<File>,
}

impl Reach {
    fn of(path: &Path) -> io::Result<Reach> {
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) if path.as_os_str().len() > LONGEST_PATH => {
                let folder = File::open(folder)?;
                let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
                Ok(Reach { path, _folder: Some(folder) })
            }
            _short => Ok(Reach { path: path.to_owned(), _folder: None }),
        }
    }
}

/// Listens at a path, in the place of whoever did before. It does not block.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    let folder = path.parent().unwrap_or(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&Reach::of(path)?.path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Connects to whoever listens at a path; `None` when nobody does. It does not block, not even on one who takes no connection.
pub fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    match Reach::of(path).and_then(|reach| connected(&reach.path)) {
        Ok(stream) => Ok(Some(stream)),
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(why) => Err(why),
    }
}

/// The standard library waits for one who listens and has no room.
fn connected(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}
