//! Puts a load on `remit serve`, for `cargo xtask bench`: many sessions that are open, and many that work with several readers
//! each; prints one line of JSON. Takes the program and a folder to work in.
//!
//! Not here: any statistics. The load speaks plain HTTP/1.1 itself, so that what is measured is the server.

#![allow(clippy::disallowed_methods, reason = "a bench starts the program that it measures")]

use serde_json::{Value, json};
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// Sessions that are open and idle.
const IDLE: usize = 1_000;
/// Sessions that work at once, and readers of each.
const WORKING: usize = 200;
const READERS: usize = 5;
/// Calls that a working session makes, and how long its model is silent before each.
const CALLS: usize = 20;
const SILENT_MS: u64 = 250;
/// How many small requests are timed, and how long is waited between them: they see a whole turn of those that work.
const SMALL: usize = 200;
const BETWEEN: Duration = Duration::from_millis(20);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The server under load, and who is signed in.
struct Server {
    child: Child,
    address: String,
    cookie: String,
}

/// What a client needs.
#[derive(Clone)]
struct Client {
    address: Arc<str>,
    cookie: Arc<str>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (Some(binary), Some(folder)) = (args.next(), args.next()) else {
        return Err("give the program and a folder".into());
    };
    let said = tokio::time::timeout(PATIENCE, measure(Path::new(&binary), Path::new(&folder))).await??;
    println!("{said}");
    Ok(())
}

async fn measure(binary: &Path, folder: &Path) -> Outcome<Value> {
    let home = lay(folder)?;
    let mut server = start(binary, &home).await?;
    let client = Client { address: server.address.clone().into(), cookie: server.cookie.clone().into() };
    let pid = server.child.id().ok_or("the server has ended")?;
    let before = resident_kib(pid, "VmRSS:")?;
    let begun = Instant::now();
    let mut sessions = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        sessions.push(client.begin().await?);
    }
    let opened_ms = begun.elapsed().as_secs_f64() * 1e3 / IDLE as f64;
    let after = resident_kib(pid, "VmRSS:")?;
    let quiet = client.small(&sessions[0]).await?;
    // The first one works by itself: what the others are compared with.
    let alone = client.work(&sessions[0], 1).await?;
    let at_once = tokio::spawn(begin_all(client.clone(), sessions[1..=WORKING].to_vec()));
    tokio::time::sleep(Duration::from_millis(SILENT_MS * 2)).await;
    let loaded = client.small(&sessions[0]).await?;
    let (mut turns, mut lags) = (Vec::new(), Vec::new());
    for turn in at_once.await?? {
        turns.push(turn.0);
        lags.extend(turn.1);
    }
    let peak = resident_kib(pid, "VmHWM:")?;
    server.child.kill().await?;
    let silent = SILENT_MS as f64 * CALLS as f64;
    Ok(json!({
        "idle_kib": [(after - before) as f64 / IDLE as f64],
        "opened_ms": [opened_ms],
        "small_ms": quiet,
        "small_loaded_ms": loaded,
        "alone_ms": [alone.0 - silent],
        "at_once_ms": turns.iter().map(|turn| turn - silent).collect::<Vec<f64>>(),
        "apart_ms": lags,
        "peak_mib": [peak as f64 / 1024.0],
    }))
}

/// Has all these sessions work, each with its readers; the time of each turn, and how long after the first reader each other
/// one had its end.
async fn begin_all(client: Client, sessions: Vec<String>) -> Outcome<Vec<(f64, Vec<f64>)>> {
    let mut all = JoinSet::new();
    for session in sessions {
        let client = client.clone();
        all.spawn(async move { client.work(&session, READERS).await });
    }
    let mut turns = Vec::new();
    while let Some(turn) = all.join_next().await {
        turns.push(turn??);
    }
    Ok(turns)
}

/// A home for the server, with a script whose model thinks a while before each of its calls.
fn lay(folder: &Path) -> io::Result<PathBuf> {
    let home = folder.join("server");
    match std::fs::remove_dir_all(&home) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir_all(home.join("config/remit"))?;
    std::fs::create_dir_all(home.join("work"))?;
    std::fs::write(home.join("work/one-line.txt"), "a line\n")?;
    let turn = |at: usize| {
        format!(
            "[[turn]]\ndelay_ms = {SILENT_MS}\nchunk = 16\ntext = \"I look at the file once more and say what I see.\"\n\
             calls = [{{ tool = \"read\", args = {{ path = \"one-line.txt\", limit = {at} }} }}]\n"
        )
    };
    let script: String = (1..=CALLS).map(turn).chain(["[[turn]]\ntext = \"Done.\"\n".to_owned()]).collect();
    std::fs::write(home.join("script.toml"), script)?;
    let model = format!("model = \"script:{}\"\n", home.join("script.toml").display());
    std::fs::write(home.join("config/remit/config.toml"), model)?;
    Ok(home)
}

async fn start(binary: &Path, home: &Path) -> Outcome<Server> {
    let most = (IDLE * 2).to_string();
    let mut child = Command::new(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--max-sessions", &most, "--max-streams", &most])
        .current_dir(home.join("work"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("the server says nothing")?).lines();
    let link = loop {
        let line = lines.next_line().await?.ok_or("the server ended at once")?;
        if let Some(at) = line.find("http://").filter(|_| line.contains("token=")) {
            break line[at..].to_owned();
        }
    };
    // What it says later is read, so that it never waits for that.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let (address, path) = link["http://".len()..].split_once('/').ok_or("the link has no path")?;
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = exchange(address, &head).await?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let cookie = cookie.ok_or("nobody was signed in")?.to_owned();
    Ok(Server { child, address: address.to_owned(), cookie })
}

async fn exchange(address: &str, request: &str) -> Outcome<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

impl Client {
    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let Client { address, cookie } = self;
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Outcome<Value> {
        let answer = exchange(&self.address, &self.request(method, path, body)).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer has no body")?;
        match head.starts_with("HTTP/1.1 2") {
            true => Ok(serde_json::from_str(body)?),
            false => Err(format!("{method} {path}: {answer}").into()),
        }
    }

    async fn begin(&self) -> Outcome<String> {
        let session = self.send("POST", "/v1/sessions", "{}").await?;
        Ok(session["id"].as_str().ok_or("a session has no name")?.to_owned())
    }

    /// The times of small requests, one after the other.
    async fn small(&self, session: &str) -> Outcome<Vec<f64>> {
        let mut times = Vec::with_capacity(SMALL);
        for _ in 0..SMALL {
            let start = Instant::now();
            self.send("GET", &format!("/v1/sessions/{session}/mode"), "").await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(times)
    }

    /// Has one session work: how long the turn took for its first reader, and how much later each other one had its end.
    async fn work(&self, session: &str, readers: usize) -> Outcome<(f64, Vec<f64>)> {
        let mut reading = JoinSet::new();
        for _ in 0..readers {
            let mut stream = self.stream(session).await?;
            reading.spawn(async move { until_the_end(&mut stream).await });
        }
        let start = Instant::now();
        self.send("POST", &format!("/v1/sessions/{session}/prompts"), r#"{"text":"look at it"}"#).await?;
        let mut ends = Vec::new();
        while let Some(end) = reading.join_next().await {
            ends.push(end??);
        }
        let first = ends.iter().min().copied().ok_or("nobody read it")?;
        let lags = ends.iter().map(|end| end.duration_since(first).as_secs_f64() * 1e3).filter(|lag| *lag > 0.0);
        Ok((first.duration_since(start).as_secs_f64() * 1e3, lags.collect()))
    }

    async fn stream(&self, session: &str) -> Outcome<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(&*self.address).await?;
        let request = self.request("GET", &format!("/v1/sessions/{session}/events"), "");
        let request = request.replacen("Connection: close\r\n", "Accept: text/event-stream\r\n", 1);
        stream.write_all(request.as_bytes()).await?;
        let mut stream = BufReader::new(stream);
        // From here on it is told what happens.
        until(&mut stream, "\"type\":\"caught_up\"").await?;
        Ok(stream)
    }
}

async fn until_the_end(stream: &mut BufReader<TcpStream>) -> Outcome<Instant> {
    until(stream, "\"type\":\"end\"").await?;
    Ok(Instant::now())
}

async fn until(stream: &mut BufReader<TcpStream>, words: &str) -> Outcome<()> {
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err("a stream ended too soon".into());
        }
        if line.contains(words) {
            return Ok(());
        }
    }
}

fn resident_kib(pid: u32, field: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("the kernel does not say")?;
    Ok(line.split_whitespace().next().ok_or("the kernel says nothing")?.parse()?)
}
