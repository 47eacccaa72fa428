//! Telling a person from the agent's own children over TCP, whatever the children do to hide it.

#![allow(clippy::disallowed_methods, reason = "tests open sockets and start programs")]

use crate::kinship::{Account, Copy, first_line};
use host::authority::{Lineage, Peer, lineage, tcp_peer};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Stdio};

/// A server in a program of its own, which says who calls it.
struct Server {
    child: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(callers: usize, account: Account, program: &Copy) -> Server {
        let mut command = account.command(&program.path);
        let mut child = command.args(["hear", &callers.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, lines, address: String::new() };
        server.address = server.line();
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Has a run's shell call, and says who the server takes the caller for.
    fn called_from_a_run(&mut self, account: Account, run: &Copy, line: &str) -> String {
        let mut run = account.command(&run.path);
        let mut run = run.args(["run", "/bin/sh", "-c", line]).stdin(Stdio::piped()).spawn().unwrap();
        let said = self.line();
        drop(run.stdin.take());
        run.wait().unwrap();
        said
    }

    fn end(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

/// What somebody is taken for whom no run has started, where the tests themselves may run below one.
fn expected() -> &'static str {
    if lineage() == Lineage::Clear { "Person" } else { "Child" }
}

/// The ways in which a child may have a program call.
fn ways(program: &str, address: &str) -> [String; 7] {
    let port = address.rsplit(':').next().unwrap();
    [
        format!("{program} call {address}"),
        format!("env -i {program} call {address}"),
        format!("setsid -w {program} call {address}"),
        format!("setsid -f env -i {program} call {address}"),
        // The one in between has gone before the program starts: it is adopted.
        format!(
            "(setsid -f sh -c 'while kill -0 '$$' 2>/dev/null; do sleep 0.01; done; exec env -i {program} call {address}') & exit 0"
        ),
        // The one that connected has ended, and another holds the connection.
        format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; echo x >&3; setsid -f cat <&3 >/dev/null; exit 0'"),
        format!("{program} call-unseen {address}"),
    ]
}

#[test]
fn a_call_from_a_run_is_known_whatever_way_it_is_made() {
    let (serves, runs, calls) = (Copy::new(), Copy::new(), Copy::new());
    for account in [Account::Own, Account::Ordinary] {
        let mut server = Server::start(7, account, &serves);
        for way in ways(calls.path(), &server.address.clone()) {
            assert_eq!(server.called_from_a_run(account, &runs, &way), "Child", "{way}");
        }
        server.end();
    }
}

#[test]
fn a_call_from_a_program_that_no_run_started_is_a_persons() {
    let (serves, runs, calls) = (Copy::new(), Copy::new(), Copy::new());
    for account in [Account::Own, Account::Ordinary] {
        let mut server = Server::start(2, account, &serves);
        // A run that has a child beside it changes nothing.
        let mut run = account.command(&runs.path);
        let mut run = run
            .args(["run", "/bin/sh", "-c", "echo started; cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert_eq!(first_line(&mut run), "started\n");
        for words in [["call", &server.address.clone()], ["call-unseen", &server.address.clone()]] {
            let mut caller = account.command(&calls.path).args(words).spawn().unwrap();
            assert_eq!(server.line(), expected(), "{words:?}");
            caller.wait().unwrap();
        }
        server.end();
        drop(run.stdin.take());
        run.wait().unwrap();
    }
}

#[test]
fn a_caller_that_has_hung_up_is_no_person() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (socket, _) = listener.accept().unwrap();
    let ends = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
    // Made by this very program, which is no person to itself.
    assert_eq!(tcp_peer(ends.0, ends.1), Peer::Child);
    drop(caller);
    assert_eq!(tcp_peer(ends.0, ends.1), Peer::Child);
}

#[test]
fn a_caller_on_another_machine_is_a_person_to_whom_credentials_must_speak() {
    let at = |address: &str| address.parse().unwrap();
    assert_eq!(tcp_peer(at("192.0.2.1:80"), at("192.0.2.2:40000")), Peer::Person);
    // The address of this machine itself, as the server sees it, and nobody there.
    assert_eq!(tcp_peer(at("192.0.2.1:80"), at("192.0.2.1:1")), Peer::Child);
}

#[test]
fn a_call_over_ipv6_is_found_as_well() {
    // A machine may have no IPv6.
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let _caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (socket, _) = listener.accept().unwrap();
    assert_eq!(tcp_peer(socket.local_addr().unwrap(), socket.peer_addr().unwrap()), Peer::Child);
    let both = TcpListener::bind("[::]:0").unwrap();
    let _caller = TcpStream::connect(("127.0.0.1", both.local_addr().unwrap().port())).unwrap();
    let (socket, _) = both.accept().unwrap();
    assert!(socket.peer_addr().unwrap().to_string().starts_with("[::ffff:127.0.0.1]"));
    assert_eq!(tcp_peer(socket.local_addr().unwrap(), socket.peer_addr().unwrap()), Peer::Child);
}
