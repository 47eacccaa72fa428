//! A stand-in as a process of its own, for the length of a test.
//!
//! Not here: anything about one stand-in in particular, but how each begins and ends.

use serde_json::Value;
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The program that runs one stand-in.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_standin");

/// A running stand-in; it is killed when this is dropped.
pub struct Started {
    child: Child,
    base: String,
}

impl Started {
    /// Starts a stand-in and waits until it says where it listens.
    pub async fn start(args: &[&str]) -> Started {
        let mut child = Command::new(PROGRAM)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("no line was printed");
        let said: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said["pid"], child.id().unwrap());
        let base = said["listening"].as_str().unwrap().to_owned();
        assert!(base.starts_with("http://127.0.0.1:"), "{base}");
        Started { child, base }
    }

    /// Gives the address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Gives the address without a path.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Closes the stand-in's standard input and waits for it to end.
    pub async fn end(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().await.unwrap()
    }

    /// Tells the stand-in to terminate and waits for it to end.
    async fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(told.unwrap().success());
        self.child.wait().await.unwrap()
    }

    /// Reads what the stand-in keeps.
    pub async fn state(&self) -> Value {
        let answer = client().get(self.url("/_standin/state")).send().await;
        answer.unwrap().json().await.unwrap()
    }
}

/// Makes a client that goes straight to the loopback address.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_stand_in_ends_when_whoever_started_it_goes() {
    assert!(Started::start(&["jobs"]).await.end().await.success());
}

#[tokio::test]
async fn a_stand_in_ends_when_it_is_told_to_even_with_a_stream_open() {
    let jobs = Started::start(&["jobs", "--speed", "0"]).await;
    let launched: Value = client()
        .post(jobs.url("/api/jobs/someone"))
        .bearer_auth("t")
        .json(&crate::jobs::spec())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let path = format!("/api/jobs/someone/{}/logs", launched["id"].as_str().unwrap());
    let open = client().get(jobs.url(&path)).bearer_auth("t").send().await;
    let open = open.unwrap();
    assert!(jobs.terminate().await.success());
    assert!(open.text().await.is_err(), "the stream was cut");
}

#[tokio::test]
async fn a_command_line_that_is_not_understood_ends_with_the_usage() {
    for args in [&[][..], &["forg"], &["jobs", "--sped", "1"], &["forge"]] {
        let output = Command::new(PROGRAM).args(args).stdin(Stdio::null()).output().await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("forge --repo DIR"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let first = Started::start(&["jobs"]).await;
    let port = first.base().rsplit(':').next().unwrap();
    let output = Command::new(PROGRAM).args(["jobs", "--port", port]).stdin(Stdio::null()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("port {port}")), "{said}");
}
