//! What the tests share: a fresh home, the built program in it, what it says, and the stand-ins it speaks to.
//!
//! Not here: any test.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The built program.
pub const REMIT: &str = env!("CARGO_BIN_EXE_remit");

/// How long anything may take before a test gives up on it. No test waits for it unless something hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A person's home that nothing was ever in, with a folder to work in.
pub struct Home {
    folder: TempDir,
    scripts: AtomicUsize,
}

impl Home {
    /// A home with an empty folder to work in, which is no repository.
    pub fn new() -> Home {
        let folder = tempfile::Builder::new().prefix("remit-it-").tempdir().unwrap();
        for inside in ["home", "config/remit", "data", "work", "bin"] {
            fs::create_dir_all(folder.path().join(inside)).unwrap();
        }
        let config = "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n";
        fs::write(folder.path().join("home/.gitconfig"), config).unwrap();
        Home { folder, scripts: AtomicUsize::new(0) }
    }

    /// A path below the home's folder: `home`, `config`, `data`, `work` and `bin` are there.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// The same as text.
    pub fn text_path(&self, inside: &str) -> String {
        self.path(inside).to_str().unwrap().to_owned()
    }

    /// Writes the configuration.
    pub fn configure(&self, text: &str) {
        fs::write(self.path("config/remit/config.toml"), text).unwrap();
    }

    /// Writes a file below the home's folder.
    pub fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file below the home's folder; one that is not there is empty.
    pub fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// Puts a program into the search path: a shell script.
    pub fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes a pipe with a name, for one program to wait for another.
    pub fn pipe(&self, inside: &str) -> PathBuf {
        let path = self.path(inside);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    /// Writes a script for the model and gives its name as a model.
    pub fn script(&self, script: Script) -> String {
        let number = self.scripts.fetch_add(1, Ordering::Relaxed);
        let inside = format!("scripts/{number}.toml");
        self.write(&inside, &script.text);
        format!("script:{}", self.text_path(&inside))
    }

    /// The variables of this person's programs.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap();
        vec![
            ("PATH".to_owned(), format!("{}:{path}", self.text_path("bin"))),
            ("HOME".to_owned(), self.text_path("home")),
            ("XDG_CONFIG_HOME".to_owned(), self.text_path("config")),
            ("XDG_DATA_HOME".to_owned(), self.text_path("data")),
            ("LC_ALL".to_owned(), "C.UTF-8".to_owned()),
        ]
    }

    /// Any program, as this person starts it in the folder to work in.
    pub fn start(&self, words: &[&str]) -> Start {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear().envs(self.environment()).current_dir(self.path("work"));
        Start { command, input: None }
    }

    /// The built program, as this person starts it in the folder to work in.
    pub fn remit(&self, args: &[&str]) -> Start {
        self.start(&[&[REMIT], args].concat())
    }

    /// `remit run --json` with a script and further options.
    pub fn run(&self, model: &str, options: &[&str]) -> Start {
        self.remit(&[&["run", "do it", "--json", "--model", model], options].concat())
    }

    /// Runs git in the folder to work in; it must succeed.
    pub fn git(&self, args: &[&str]) -> String {
        let ended = self.start(&[&["git"], args].concat()).end();
        ended.assert(0);
        ended.out.trim().to_owned()
    }

    /// Every session there is, the last one first, as `remit sessions --json` lists them.
    pub fn sessions(&self) -> Vec<Value> {
        let listed = self.remit(&["sessions", "--json"]).end();
        listed.assert(0);
        json_lines(&listed.out)
    }

    /// A session as `remit show --json` shows it.
    pub fn show(&self, id: &str) -> Value {
        let shown = self.remit(&["show", id, "--json"]).end();
        shown.assert(0);
        serde_json::from_str(&shown.out).unwrap()
    }

    /// Checks that a session's record is intact.
    pub fn verify(&self, id: &str) {
        let verified = self.remit(&["verify", id]).end();
        verified.assert(0);
        assert!(verified.out.starts_with("intact: "), "{}", verified.out);
    }
}

/// A program that is about to be started.
pub struct Start {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Start {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    /// Starts it elsewhere.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Start {
        self.command.current_dir(folder);
        self
    }

    /// Gives it something to read.
    pub fn input(mut self, text: impl Into<Vec<u8>>) -> Start {
        self.input = Some(text.into());
        self
    }

    /// Runs it to its end.
    pub fn end(self) -> Ended {
        self.go().end()
    }

    /// Starts it.
    pub fn go(mut self) -> Running {
        let input = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let said = format!("{:?}", self.command);
        let mut child = self.command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        if let (Some(text), Some(mut stdin)) = (self.input, child.stdin.take()) {
            // One that ends without reading everything is judged by how it ends.
            thread::spawn(move || stdin.write_all(&text));
        }
        let out = lines_of(child.stdout.take().unwrap());
        let err = lines_of(child.stderr.take().unwrap());
        let (tell, ended) = channel();
        thread::spawn(move || tell.send(child.wait().unwrap()));
        Running { said, pid, out, err, ended, heard: String::new(), muttered: String::new(), status: None }
    }
}

/// Reads lines in a thread of their own, line ends kept, so that nobody waits for a program longer than they want.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match pipe.read_until(b'\n', &mut line) {
                Ok(1..) if tell.send(String::from_utf8_lossy(&line).into_owned()).is_ok() => {}
                Ok(_) | Err(_) => return,
            }
        }
    });
    lines
}

/// A program that runs. One that is dropped is killed.
pub struct Running {
    said: String,
    /// Its number.
    pub pid: Pid,
    out: Receiver<String>,
    err: Receiver<String>,
    ended: Receiver<ExitStatus>,
    heard: String,
    muttered: String,
    status: Option<ExitStatus>,
}

impl Running {
    /// The next line that it prints; `None` when it prints no more.
    pub fn line(&mut self) -> Option<String> {
        match self.out.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.heard.push_str(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no word for {PATIENCE:?} from {}\n{}", self.said, self.heard),
        }
    }

    /// Reads its events until one is what is looked for.
    pub fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        while let Some(line) = self.line() {
            let event = serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
            if is_wanted(&event) {
                return event;
            }
        }
        panic!("it ended first: {}\n{}\n{:?}", self.said, self.heard, self.err.try_iter().collect::<String>());
    }

    /// Reads its events until one of a type.
    pub fn until_type(&mut self, kind: &str) -> Value {
        self.until(|event| event["type"] == kind)
    }

    /// Waits until it mutters something on standard error.
    pub fn until_muttered(&mut self, words: &str) {
        while !self.muttered.contains(words) {
            match self.err.recv_timeout(PATIENCE) {
                Ok(line) => self.muttered.push_str(&line),
                Err(why) => panic!("{why}: `{words}` was not said by {}: {}", self.said, self.muttered),
            }
        }
    }

    /// Sends it a signal; one that has ended does not mind.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        while self.line().is_some() {}
        let status = self.ended.recv_timeout(PATIENCE);
        let status = status.unwrap_or_else(|why| panic!("{why}: {} closed its output and goes on", self.said));
        self.status = Some(status);
        while let Ok(line) = self.err.recv_timeout(PATIENCE) {
            self.muttered.push_str(&line);
        }
        let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
        let (out, err) = (std::mem::take(&mut self.heard), std::mem::take(&mut self.muttered));
        Ended { said: self.said.clone(), code, out, err }
    }

    /// Kills it, and gives back what it had printed.
    pub fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() && self.ended.try_recv().is_err() {
            self.signal(Signal::KILL);
        }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    said: String,
    /// Its exit status; a signal's number, negative, when one ended it.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it said besides.
    pub err: String,
}

impl Ended {
    /// Checks its exit status.
    #[track_caller]
    pub fn assert(&self, code: i32) {
        assert_eq!(self.code, code, "{}\nstdout:\n{}\nstderr:\n{}", self.said, self.out, self.err);
    }

    /// Its events.
    pub fn events(&self) -> Vec<Value> {
        json_lines(&self.out)
    }

    /// Its events of one type.
    pub fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// The one event of a type.
    #[track_caller]
    pub fn event(&self, kind: &str) -> Value {
        let found = self.events_of(kind);
        assert_eq!(found.len(), 1, "events `{kind}`; {}\nstdout:\n{}\nstderr:\n{}", self.said, self.out, self.err);
        found[0].clone()
    }

    /// The session's name.
    pub fn id(&self) -> String {
        self.event("session")["id"].as_str().unwrap().to_owned()
    }
}

/// Reads one JSON value a line.
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

/// A script for the model.
#[derive(Clone, Default)]
pub struct Script {
    text: String,
}

impl Script {
    /// One without turns, and what stands at its head.
    pub fn with_head(head: &str) -> Script {
        Script { text: format!("{head}\n") }
    }

    /// One that goes on for ever when its turns have run out.
    pub fn new() -> Script {
        Script::with_head("after = \"end\"")
    }

    /// Adds a turn that calls one tool.
    pub fn call(self, tool: &str, args: Value) -> Script {
        self.turn("", &[(tool, args)])
    }

    /// Adds a turn that runs one command.
    pub fn shell(self, command: &str) -> Script {
        self.call("shell", json!({ "command": command }))
    }

    /// Adds a turn that says something.
    pub fn say(self, words: &str) -> Script {
        self.turn(words, &[])
    }

    /// Adds a turn.
    pub fn turn(mut self, words: &str, calls: &[(&str, Value)]) -> Script {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        self.text.push_str("\n[[turn]]\n");
        if !words.is_empty() {
            self.text.push_str(&format!("text = {}\n", quoted(words)));
        }
        let calls: Vec<String> = calls
            .iter()
            .map(|(tool, args)| format!("{{ tool = {}, raw = {} }}", quoted(tool), quoted(&args.to_string())))
            .collect();
        self.text.push_str(&format!("calls = [{}]\n", calls.join(", ")));
        self
    }

    /// Adds lines to the last turn, or turns as they stand in a file.
    pub fn lines(mut self, lines: &str) -> Script {
        self.text.push_str(lines);
        self.text.push('\n');
        self
    }
}

/// A stand-in as a process of its own; it is killed when this is dropped.
pub struct Standin {
    child: Child,
    /// Its address, without a path.
    pub base: String,
}

impl Standin {
    /// Starts one and waits until it says where it listens.
    pub fn start(args: &[&str]) -> Standin {
        let mut command = Command::new(REMIT);
        command.arg("__standin").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let line = lines.recv_timeout(PATIENCE).expect("the stand-in says where it listens");
        let said: Value = serde_json::from_str(&line).unwrap();
        let base = said["listening"].as_str().unwrap().to_owned();
        Standin { child, base }
    }

    /// What it keeps.
    pub fn state(&self) -> Value {
        self.http("GET", "/_standin/state", None)
    }

    /// Makes one request, with the token `hf_test`, and reads the answer as JSON.
    pub fn http(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let address = self.base.strip_prefix("http://").unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer hf_test\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        assert!(head.contains(" 20"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every file below a folder with its content, links as where they lead.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if kind.is_symlink() {
                found.insert(name, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
            } else if kind.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                folders.push(path);
            } else if kind.is_file() {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A named pipe that is listened to.
pub struct Listening {
    lines: Receiver<String>,
}

impl Listening {
    /// Opens a named pipe for reading, in a thread of its own.
    pub fn to(pipe: &Path) -> Listening {
        let pipe = pipe.to_owned();
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in lines_of(fs::File::open(pipe).unwrap()) {
                let _ = tell.send(line.trim_end().to_owned());
            }
        });
        Listening { lines }
    }

    /// The next line.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("somebody writes into the pipe")
    }

    /// Waits until all who could write are gone, without another word.
    pub fn until_deserted(&self) {
        match self.lines.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => panic!("somebody still holds the pipe"),
            Ok(line) => panic!("somebody says `{line}`"),
        }
    }
}

/// Writes into a named pipe, as soon as somebody reads it.
pub fn tell(pipe: &Path, words: &str) {
    let (pipe, words) = (pipe.to_owned(), words.to_owned());
    let (done, written) = channel();
    thread::spawn(move || done.send(fs::write(pipe, words)));
    written.recv_timeout(PATIENCE).expect("somebody reads the pipe").unwrap();
}

/// A model that writes `a.txt`, and then `b.txt` with a command.
pub fn two_changes(home: &Home) -> String {
    let script = Script::new()
        .turn("I write **a file**.", &[("write", json!({"path": "a.txt", "content": "x\n"}))])
        .turn("Then a command.", &[("shell", json!({"command": "echo ran > b.txt; echo it ran"}))])
        .say("All done.");
    home.script(script)
}

/// Waits until something is so that nobody can tell of, such as the end of a program that is not a child.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "still not so: {what}");
        thread::yield_now();
        thread::sleep(Duration::from_millis(5));
    }
}
