//! A whole session against a scripted model server that is a program of its own, on loopback.
//!
//! Not here: what the server answers (that is `standins`). Times are the server's: when each request arrived, when its
//! answer was sent. So nothing inside the measured program measures it.

use super::report::{Row, Unit};
use crate::run::{Trouble, trouble};
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A session that has not ended by then never will.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the program's memory is looked at; the peak itself is kept by the kernel.
const LOOK: Duration = Duration::from_millis(2);

/// What was seen of one session.
pub struct Played {
    start_ms: f64,
    first_request_bytes: u64,
    /// Between the end of each answer and the arrival of the next request.
    turns_ms: Vec<f64>,
    peak_mib: f64,
}

/// One request, as the model server saw it.
#[derive(Deserialize)]
struct Request {
    arrived_unix_ns: u64,
    /// When the last byte of the answer was sent; a server that does not say answered at once.
    answered_unix_ns: Option<u64>,
    bytes: u64,
}

impl Request {
    fn answered(&self) -> u64 {
        self.answered_unix_ns.unwrap_or(self.arrived_unix_ns)
    }
}

/// Plays a session of so many tool calls, each of which reads a one-line file.
pub fn play(binary: &Path, folder: &Path, turns: usize) -> Result<Played, Trouble> {
    let scene = Scene::lay(folder, turns)?;
    let (server, stop) = Server::start(binary, &scene.script())?;
    scene.configure(&server.address)?;
    let mut run = scene.command(binary);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|why| trouble("the clock", why))?;
    let child = run.spawn().map_err(|why| trouble(binary.display(), why))?;
    let peak_mib = scene.watch(child)?;
    let requests = server.requests()?;
    drop(stop);
    server.end()?;
    seen(started.as_nanos(), &requests, turns, peak_mib)
}

fn seen(started_ns: u128, requests: &[Request], turns: usize, peak_mib: f64) -> Result<Played, Trouble> {
    let [first, .., _last] = requests else {
        return Err(Trouble(format!("{} requests were made for {turns} turns", requests.len())));
    };
    if requests.len() != turns + 1 {
        return Err(Trouble(format!("{} requests were made for {turns} turns", requests.len())));
    }
    let pairs = requests.iter().zip(&requests[1..]);
    Ok(Played {
        start_ms: (i128::from(first.arrived_unix_ns) - started_ns as i128) as f64 / 1e6,
        first_request_bytes: first.bytes,
        turns_ms: pairs.map(|(one, next)| ms(one.answered(), next.arrived_unix_ns)).collect(),
        peak_mib,
    })
}

fn ms(from_ns: u64, to_ns: u64) -> f64 {
    (i128::from(to_ns) - i128::from(from_ns)) as f64 / 1e6
}

/// The rows of a report that sessions of one length are good for.
pub fn rows(turns: usize, played: &[Played]) -> Vec<Row> {
    let each = |of: fn(&Played) -> f64| played.iter().map(of).collect::<Vec<f64>>();
    let turn = |range: std::ops::Range<usize>| {
        played.iter().flat_map(|run| run.turns_ms[range.clone()].iter().copied()).collect::<Vec<f64>>()
    };
    let name = format!("overhead of a tool turn, {turns} turns, the `read` included");
    let mut rows = vec![Row::new(name, Unit::Milliseconds, &turn(0..turns)).target(3.0)];
    if turns < 100 {
        let start = Row::new("start to first model request", Unit::Milliseconds, &each(|run| run.start_ms));
        let bytes = each(|run| run.first_request_bytes as f64 / 1e3);
        rows.insert(0, start.target(20.0));
        rows.push(Row::new("first request, all tools declared", Unit::Kilobytes, &bytes).target(8.0));
    } else {
        rows.push(Row::new("the same, the first 20", Unit::Milliseconds, &turn(0..20)));
        rows.push(Row::new("the same, the last 20", Unit::Milliseconds, &turn(turns - 20..turns)));
        let peak = Row::new(format!("peak memory, {turns} turns"), Unit::Mebibytes, &each(|run| run.peak_mib));
        rows.push(peak.target(30.0));
    }
    rows
}

/// The scripted model server. It ends when its standard input does, so it never outlives this chore.
struct Server {
    child: Child,
    address: String,
}

/// The line that a stand-in prints once it listens.
#[derive(Deserialize)]
struct Listening {
    listening: String,
}

impl Server {
    fn start(binary: &Path, script: &Path) -> Result<(Server, ChildStdin), Trouble> {
        let mut command = Command::new(binary);
        command.args(["__standin", "model", "--script"]).arg(script);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| trouble("starting the scripted model server", why))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble("the scripted model server has no pipes".to_owned()));
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|why| trouble("the scripted model server", why))?;
        let said: Listening =
            serde_json::from_str(&line).map_err(|why| trouble("what the scripted model server said", why))?;
        Ok((Server { child, address: said.listening }, stdin))
    }

    fn requests(&self) -> Result<Vec<Request>, Trouble> {
        let body = get(&self.address, "/_standin/requests").map_err(|why| trouble(&self.address, why))?;
        serde_json::from_str(&body).map_err(|why| trouble("the requests that the server saw", why))
    }

    fn end(mut self) -> Result<(), Trouble> {
        self.child.wait().map_err(|why| trouble("the scripted model server", why))?;
        Ok(())
    }
}

/// Fetches a page; HTTP/1.0, so that the answer ends where the connection does.
fn get(address: &str, path: &str) -> std::io::Result<String> {
    let host = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1") && head.contains(" 200 ") => Ok(body.to_owned()),
        Some(_) | None => Err(std::io::Error::other(answer.lines().next().unwrap_or("no answer").to_owned())),
    }
}

/// A home and a workspace with nothing else in them, new for each session.
struct Scene {
    home: PathBuf,
}

impl Scene {
    fn lay(folder: &Path, turns: usize) -> Result<Scene, Trouble> {
        let home = folder.join("scene");
        let lay = || {
            if home.exists() {
                fs::remove_dir_all(&home)?;
            }
            fs::create_dir_all(home.join("workspace"))?;
            fs::write(home.join("workspace/one-line.txt"), "one line\n")?;
            fs::write(home.join("script.toml"), script(turns))
        };
        lay().map_err(|why| trouble(home.display(), why))?;
        Ok(Scene { home })
    }

    fn script(&self) -> PathBuf {
        self.home.join("script.toml")
    }

    fn configure(&self, address: &str) -> Result<(), Trouble> {
        let text = format!("[providers.bench]\ndialect = \"chat-completions\"\nbase_url = \"{address}/v1\"\n");
        let path = self.home.join("remit.toml");
        fs::write(&path, text).map_err(|why| trouble(path.display(), why))
    }

    fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        command.args(["run", "--mode", "yolo:uncapped", "--model", "bench/scripted", "go"]);
        command.current_dir(self.home.join("workspace")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.home).env("REMIT_CONFIG", self.home.join("remit.toml"));
        for (name, folder) in [("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")] {
            command.env(name, self.home.join(folder));
        }
        let stderr = File::create(self.home.join("stderr.txt")).map_or_else(|_| Stdio::inherit(), Stdio::from);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        command
    }

    /// Waits for the program's end; returns its peak memory in MiB.
    ///
    /// The kernel keeps the peak while the program lives, and says it last a moment before the end. `wait4` would say it
    /// after the end, and count what the parent had mapped before the program started.
    fn watch(&self, mut child: Child) -> Result<f64, Trouble> {
        let status = format!("/proc/{}/status", child.id());
        let start = Instant::now();
        let mut peak_kib = 0;
        loop {
            if let Some(status) = child.try_wait().map_err(|why| trouble("waiting", why))? {
                if !status.success() {
                    let said = fs::read_to_string(self.home.join("stderr.txt")).unwrap_or_default();
                    return Err(trouble(format!("`remit run` ended with {status}"), said.trim()));
                }
                return Ok(peak_kib as f64 / 1024.0);
            }
            if start.elapsed() > PATIENCE {
                child.kill().and_then(|()| child.wait()).map_err(|why| trouble("stopping `remit run`", why))?;
                return Err(Trouble(format!("`remit run` did not end within {} s", PATIENCE.as_secs())));
            }
            peak_kib = peak_kib.max(fs::read_to_string(&status).ok().and_then(|text| peak(&text)).unwrap_or(0));
            thread::sleep(LOOK);
        }
    }
}

/// What the model says: so many calls, no two of them the same, for a call that is made again and again is stopped.
fn script(turns: usize) -> String {
    let call = |turn| {
        format!("[[turn]]\ncalls = [{{ tool = \"read\", args = {{ path = \"one-line.txt\", limit = {turn} }} }}]\n")
    };
    let calls: String = (1..=turns).map(call).collect();
    format!("{calls}[[turn]]\ntext = \"Done.\"\n")
}

/// The peak of a program's resident memory, in KiB, from the kernel's page on it.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn request(arrived_ms: u64, answered_ms: u64) -> Request {
        let ns = |ms: u64| ms * 1_000_000;
        Request { arrived_unix_ns: ns(arrived_ms), answered_unix_ns: Some(ns(answered_ms)), bytes: 500 }
    }

    #[test]
    fn a_turn_lasts_from_an_answer_to_the_next_request() {
        let played = seen(5_000_000, &[request(25, 26), request(28, 29), request(33, 34)], 2, 20.0);
        let played = played.unwrap_or_else(|trouble| panic!("{trouble}"));
        assert_eq!(played.start_ms, 20.0);
        assert_eq!(played.turns_ms, [2.0, 4.0]);
    }

    #[test]
    fn a_session_that_was_cut_short_is_no_measurement() {
        assert!(seen(0, &[request(1, 2), request(3, 4)], 2, 20.0).is_err());
        assert!(seen(0, &[], 0, 20.0).is_err());
    }

    #[test]
    fn the_peak_is_read_from_the_kernel_s_page() {
        assert_eq!(peak("Name:\tremit\nVmHWM:\t   10240 kB\nVmRSS:\t 1 kB\n"), Some(10240));
        assert_eq!(peak("Name:\tremit\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_page_is_fetched_and_an_error_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            for answer in ["HTTP/1.1 200 OK\r\n\r\n[]", "HTTP/1.1 404 Not Found\r\n\r\n"] {
                let (stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        assert_eq!(get(&address, "/a").unwrap(), "[]");
        assert_eq!(get(&address, "/a").unwrap_err().to_string(), "HTTP/1.1 404 Not Found");
        server.join().unwrap();
    }
}
