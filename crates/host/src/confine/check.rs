//! Trying the sandbox: a confined program that attempts what it must not be able to do, and says what worked.
//!
//! Not here: what the sandbox is made of (that is `confine`).

#![allow(clippy::disallowed_methods, reason = "the host tries its own sandbox")]

use super::stage::TRY;
use super::{PASSWORD, Sandbox, WhyNot};
use crate::children::{MARK, Variables};
use crate::environment::{Environment, is_confined_variable};
use rustix::fs::{CWD, FileType, Mode, OFlags, XattrFlags};
use rustix::net::{AddressFamily, SocketType};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// What a confined program says when every attempt failed.
const ALL_HELD: &str = "every wall holds";
/// How long the attempts have; they take milliseconds.
const LIMIT: Duration = Duration::from_secs(20);
const FILE: &str = "file";
const PIPE: &str = "pipe";
const SOCKET: &str = "socket";

/// Finds out whether programs can be held to reading on this machine, by holding one and letting it try to get out.
pub async fn check(environment: &Environment) -> Result<(), WhyNot> {
    let environment = environment.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let bait = Bait::lay().map_err(|why| WhyNot::NotEnforced(format!("nothing to try it on: {why}")))?;
        let said = bait.tempt(&environment);
        bait.clear_away();
        said
    });
    match tokio::time::timeout(LIMIT, tried).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
        Err(_late) => Err(WhyNot::NotEnforced(format!("it did not start within {} s", LIMIT.as_secs()))),
    }
}

/// A workspace with everything in it by which a program could get out.
struct Bait {
    folder: PathBuf,
    /// Somebody listens at each, so that an attempt fails for no other reason than the sandbox.
    _pipe: File,
    _socket: UnixListener,
    port: TcpListener,
}

impl Bait {
    fn lay() -> io::Result<Bait> {
        let folder = fresh_folder()?;
        fs::write(folder.join(FILE), "as it was")?;
        let pipe = folder.join(PIPE);
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        let reader = OpenOptions::new().read(true).custom_flags(nonblocking).open(&pipe)?;
        let socket = UnixListener::bind(folder.join(SOCKET))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Bait { folder, _pipe: reader, _socket: socket, port })
    }

    fn tempt(&self, environment: &Environment) -> Result<(), WhyNot> {
        let port = self.port.local_addr().map(|address| address.port().to_string());
        let port = port.map_err(|why| WhyNot::NotEnforced(why.to_string()))?;
        let sandbox = Sandbox { workspace: &self.folder, outputs: None, folder: &self.folder, environment };
        let program = sandbox.hold(&[TRY.into(), port.into()])?;
        let Variables::Exactly(variables) = &program.variables else {
            return Err(WhyNot::Leaks("its environment is not its own".to_owned()));
        };
        let ran = Command::new(&program.words[0])
            .args(&program.words[1..])
            .env_clear()
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .map_err(|why| WhyNot::NotEnforced(why.to_string()))?;
        let Some(said) = ran.stdout.strip_prefix(PASSWORD) else {
            return Err(WhyNot::NotEnforced(String::from_utf8_lossy(&ran.stderr).trim().to_owned()));
        };
        let said = String::from_utf8_lossy(said).trim().to_owned();
        let is_untouched = fs::read(self.folder.join(FILE)).is_ok_and(|file| file == b"as it was");
        match said.as_str() {
            ALL_HELD if is_untouched && ran.status.success() => Ok(()),
            ALL_HELD => Err(WhyNot::Leaks("a file was changed".to_owned())),
            _other => Err(WhyNot::Leaks(said)),
        }
    }

    fn clear_away(self) {
        // What cannot be removed is a small folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn fresh_folder() -> io::Result<PathBuf> {
    let own = std::process::id();
    let names = (0..100).map(|number| std::env::temp_dir().join(format!("remit-walls-{own}-{number}")));
    for folder in names {
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return folder.canonicalize(),
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
    }
    Err(io::Error::other("every name for a folder is taken"))
}

/// Tries everything, from inside, says what worked, and ends the program.
pub(super) fn try_the_walls(words: &[OsString]) -> ! {
    let port = words.first().and_then(|word| word.to_str()).and_then(|word| word.parse().ok()).unwrap_or(1);
    let mut attempts = files();
    attempts.extend(speech(port));
    attempts.extend(sight());
    let worked: Vec<&str> = attempts.iter().filter(|(_, worked)| *worked).map(|(what, _)| *what).collect();
    if worked.is_empty() {
        println!("{ALL_HELD}");
        std::process::exit(0);
    }
    println!("{}", worked.join("; "));
    std::process::exit(1);
}

/// An attempt, and whether it worked.
type Attempt = (&'static str, bool);

fn files() -> Vec<Attempt> {
    let write = |path: &str| OpenOptions::new().write(true).open(path).is_ok();
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    vec![
        ("a file of the workspace can be written", write(FILE)),
        ("a file can be made in the workspace", File::create("new").is_ok()),
        ("a folder can be made in the workspace", fs::create_dir("folder").is_ok()),
        ("a link can be made in the workspace", std::os::unix::fs::symlink(FILE, "link").is_ok()),
        ("a file of the workspace can be renamed", fs::rename(FILE, "renamed").is_ok()),
        ("a file of the workspace can be removed", fs::remove_file(FILE).is_ok()),
        ("the mode of a file can be changed", fs::set_permissions(FILE, Permissions::from_mode(0o777)).is_ok()),
        ("the times of a file can be changed", File::open(FILE).is_ok_and(|file| file.set_times(times).is_ok())),
        (
            "the attributes of a file can be changed",
            rustix::fs::setxattr(FILE, "user.remit", b"x", XattrFlags::empty()).is_ok(),
        ),
        ("the owner of a file can be changed", std::os::unix::fs::chown(FILE, Some(0), Some(0)).is_ok()),
        ("the system's programs can be changed", File::create("/usr/bin/new").is_ok()),
        ("the machine can be changed through /proc", write("/proc/sys/kernel/core_pattern")),
        ("the root folder can be written", File::create("/new").is_ok()),
    ]
}

fn speech(port: u16) -> Vec<Attempt> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let pipe = OpenOptions::new().write(true).custom_flags(nonblocking).open(PIPE);
    let reach = |address: [u8; 4], port| {
        let address = SocketAddr::from((address, port));
        TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
    };
    let socket = |family| rustix::net::socket(family, SocketType::STREAM, None).is_ok();
    let datagram = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::DGRAM, rustix::net::SocketFlags::empty(), None);
    vec![
        ("a pipe of the workspace can be written", pipe.is_ok()),
        ("a socket of the workspace can be connected to", UnixStream::connect(SOCKET).is_ok()),
        ("a Unix socket can be made", socket(AddressFamily::UNIX)),
        ("a pair of datagram sockets can be made", pair.is_ok()),
        ("a socket to the machine's host can be made", socket(AddressFamily::VSOCK)),
        ("a socket to the kernel can be made", socket(AddressFamily::NETLINK)),
        ("the machine's loopback can be reached", reach([127, 0, 0, 1], port)),
        ("the network can be reached", reach([192, 0, 2, 1], 9)),
        ("a datagram can be sent", datagram.is_ok_and(|socket| socket.send_to(b"x", "192.0.2.1:9").is_ok())),
    ]
}

fn sight() -> Vec<Attempt> {
    let here = std::env::current_dir().unwrap_or_default();
    let sees = |path: &str| Path::new(path).exists() && !here.starts_with(path);
    let home = std::env::var_os("HOME").unwrap_or_default();
    let strange = |name: &OsStr| {
        let name = name.to_string_lossy();
        !is_confined_variable(&name) && !["HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_", MARK].contains(&&*name)
    };
    let first = fs::read("/proc/1/environ").unwrap_or_default();
    let inherited = first.split(|byte| *byte == 0).filter_map(|line| line.split(|byte| *byte == b'=').next());
    let programs = fs::read_dir("/proc").map(|found| {
        found.flatten().filter(|entry| entry.file_name().as_bytes().iter().all(u8::is_ascii_digit)).count()
    });
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let says = |field: &str, value: &str| {
        status.lines().filter_map(|line| line.split_once(':')).any(|(name, is)| name == field && is.trim() == value)
    };
    let elsewhere = ["/etc/passwd", "/etc/hostname", "/home", "/root", "/var", "/sys", "/boot", "/mnt", "/opt"];
    vec![
        ("files outside the workspace can be seen", elsewhere.iter().any(|path| sees(path))),
        ("the home is not empty", fs::read_dir(home).map_or(true, |mut found| found.next().is_some())),
        ("other programs can be seen", programs.map_or(true, |count| count > 8)),
        ("the environment is not on the list", std::env::vars_os().any(|(name, _)| strange(&name))),
        (
            "another environment can be seen",
            inherited.into_iter().any(|name| !name.is_empty() && strange(OsStr::from_bytes(name))),
        ),
        ("there are capabilities", !says("CapEff", "0000000000000000")),
        ("power can be gained", !says("NoNewPrivs", "1")),
        ("system calls are not filtered", !says("Seccomp", "2")),
    ]
}
