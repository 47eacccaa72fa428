//! Telling a person from the agent's own children, whatever the children do to hide it.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{fixture, is_root};
use host::authority::{Lineage, lineage};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A second file with the same program, so that being the same file is no evidence.
pub struct Copy {
    _folder: TempDir,
    /// Where it is.
    pub path: PathBuf,
}

impl Copy {
    pub fn new() -> Copy {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("copy");
        fs::copy(fixture(), &path).unwrap();
        Copy { _folder: folder, path }
    }

    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// Starts a Remit run that starts a shell line, and gives back the first line that comes out of it.
fn under_a_run(program: &Path, line: &str, account: Account) -> String {
    let mut command = account.command(program);
    let mut run =
        command.args(["run", "/bin/sh", "-c", line]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let said = first_line(&mut run);
    drop(run.stdin.take());
    assert!(run.wait().unwrap().success());
    said
}

pub fn first_line(child: &mut Child) -> String {
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    said
}

/// Who a program runs as.
#[derive(Clone, Copy)]
pub enum Account {
    /// Whoever runs the tests.
    Own,
    /// One that is not root; the own one, if it is not.
    Ordinary,
}

impl Account {
    pub fn command(self, program: &Path) -> Command {
        match self {
            Account::Ordinary if is_root() => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
                command
            }
            Account::Own | Account::Ordinary => Command::new(program),
        }
    }
}

/// The ways in which a child may start the program that asks.
fn ways(program: &str) -> [String; 6] {
    [
        format!("{program} lineage"),
        format!("env -i {program} lineage"),
        format!("setsid -w {program} lineage"),
        format!("setsid env -i sh -c '{program} lineage'"),
        // The one in between has gone before the program starts: it is adopted.
        format!(
            "(setsid -f sh -c 'while kill -0 '$$' 2>/dev/null; do sleep 0.01; done; exec env -i {program} lineage') & exit 0"
        ),
        format!("sh -c '(sh -c \"(setsid -f env -i {program} lineage &) &\" &)'"),
    ]
}

#[test]
fn a_child_of_a_run_is_known_for_one_whatever_it_does() {
    for way in ways(fixture()) {
        let said = under_a_run(fixture().as_ref(), &way, Account::Own);
        assert!(said.starts_with("BelowRun"), "{way}: {said}");
    }
}

#[test]
fn a_child_is_known_by_the_mark_alone() {
    let (run, asks) = (Copy::new(), Copy::new());
    for account in [Account::Own, Account::Ordinary] {
        for way in ways(asks.path()) {
            let said = under_a_run(&run.path, &way, account);
            assert!(said.starts_with("BelowRun"), "{way}: {said}");
        }
    }
}

#[test]
fn a_program_that_no_run_started_is_clear() {
    // Where the tests themselves run below Remit, so does everything that they start.
    let own = lineage();
    let ran = Command::new("sh").args(["-c", &format!("{} lineage; true", fixture())]).output().unwrap();
    match own {
        Lineage::Clear => assert_eq!(String::from_utf8_lossy(&ran.stdout), "Clear\n"),
        Lineage::BelowRun { .. } | Lineage::Unknowable(_) => {
            assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("{own:?}\n"))
        }
    }
}

#[test]
fn a_run_beside_it_does_not_make_a_program_a_child() {
    let mut run = Command::new(fixture())
        .args(["run", "echo", "started"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(first_line(&mut run), "started\n");
    let beside = Command::new(fixture()).arg("lineage").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&beside.stdout), format!("{:?}\n", lineage()));
    drop(run.stdin.take());
    run.wait().unwrap();
}

#[test]
fn what_a_run_holds_in_memory_is_shut_to_its_children() {
    let run = Copy::new();
    let line = "cat /proc/$PPID/environ > /dev/null 2>&1 && echo open || echo shut";
    assert_eq!(under_a_run(&run.path, line, Account::Ordinary), "shut\n");
}

/// A server in a program of its own.
struct Server {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    folder: TempDir,
}

impl Server {
    fn start(visitors: usize) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(fixture())
            .arg("serve")
            .arg(folder.path().join("socket"))
            .arg(visitors.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, lines, folder };
        assert_eq!(server.line(), "ready\n");
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn socket(&self) -> String {
        self.folder.path().join("socket").to_str().unwrap().to_owned()
    }
}

#[test]
fn a_socket_tells_a_person_from_a_child_of_any_run() {
    let own = lineage();
    let mut server = Server::start(2);
    let socket = server.socket();
    let visitor = Command::new(fixture()).args(["connect", &socket]).spawn().unwrap();
    let expected = if own == Lineage::Clear { "Person\n" } else { "Child\n" };
    assert_eq!(server.line(), expected);
    let line = format!("setsid -f env -i {} connect {socket}", fixture());
    let run = Command::new(fixture()).args(["run", "/bin/sh", "-c", &line]).stdin(Stdio::piped()).spawn().unwrap();
    assert_eq!(server.line(), "Child\n");
    assert!(server.child.wait().unwrap().success());
    for mut program in [visitor, run] {
        drop(program.stdin.take());
        program.wait().unwrap();
    }
}

#[test]
fn a_socket_knows_the_servers_own_children() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let copy = Copy::new();
    let line = format!("setsid env -i {} connect {}", copy.path(), path.display());
    let mut child = Command::new("sh").args(["-c", &line]).spawn().unwrap();
    let (mut socket, _) = listener.accept().unwrap();
    socket.read_exact(&mut [0]).unwrap();
    assert_eq!(host::authority::peer(&socket), host::authority::Peer::Child);
    drop(socket);
    child.wait().unwrap();
}

#[test]
fn a_peer_that_is_gone_is_no_person() {
    let mut server = Server::start(1);
    let socket = server.socket();
    let copy = Copy::new();
    // The one that connects hands its connection to another program and ends.
    let line = format!("exec {} connect {socket}", copy.path());
    let mut visitor = Command::new("sh").args(["-c", &line]).spawn().unwrap();
    let said = server.line();
    assert!(said == "Person\n" || lineage() != Lineage::Clear, "{said}");
    visitor.wait().unwrap();
    server.child.wait().unwrap();
    let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
    // Made by this very program, which is no person to itself.
    assert_eq!(host::authority::peer(&one), host::authority::Peer::Child);
    drop(other);
}
