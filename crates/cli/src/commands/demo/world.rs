//! The demo's world: a throwaway folder with a real repository and its bare remote, and the two stand-ins.
//!
//! Not here: what happens in it. Nothing outside the folder is read or written, and git is run without the person's own
//! configuration.

use super::script::{FIRST_COMMIT, MAIN};
use crate::config::{Config, HfConfig, McpConfig};
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use host::environment::Environment;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tools::site::{Hub, HubToken};

/// How many times as fast as the system's the clock of the jobs stand-in runs.
pub const SPEED: u32 = 60;

/// The token that the jobs stand-in knows.
const TOKEN: &str = "token-of-the-demo";
/// How long a stand-in may take to start, to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that a stand-in says at once.
const MOST_SAID: u64 = 64 * 1024;
/// What git is told in the demo: nothing of the person's configuration, and in English.
const GIT: [(&str, &str); 3] = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")];

/// The project, file by file.
const PROJECT: [(&str, &str); 3] = [
    ("README.md", include_str!("project/README.md")),
    ("shards.sh", include_str!("project/shards.sh")),
    ("test.sh", include_str!("project/test.sh")),
];

/// The folder and what is in it.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    /// Removes the folder when it is dropped; absent when the person keeps it.
    throwaway: Option<tempfile::TempDir>,
    /// The commit that the work begins on.
    start: String,
}

impl World {
    /// Makes a world in a folder to keep, which must be empty or missing, or else in one that goes with the world.
    pub fn make(keep: Option<&Path>) -> Result<World, Failure> {
        let (folder, throwaway) = match keep {
            Some(folder) => (empty_folder(folder)?, None),
            None => {
                let made = tempfile::Builder::new().prefix("remit-demo-").tempdir();
                let made = made.context("no folder for the demo can be made").map_err(Failure::host)?;
                (made.path().to_owned(), Some(made))
            }
        };
        let folder = folder.canonicalize().with_context(|| format!("`{}`", folder.display())).map_err(Failure::host)?;
        let mut world = World { folder, throwaway, start: String::new() };
        world.start = world.fill().map_err(|why| {
            Failure::host(why.context("the demo's repository cannot be made")).hint("the demo needs git 2.31 or later")
        })?;
        Ok(world)
    }

    /// Makes the remote and a clone of it with the project, and gives the first commit.
    fn fill(&self) -> anyhow::Result<String> {
        let (remote, work) = (self.remote(), self.work());
        git(&self.folder, ["init", "--quiet", "--bare", "--template=", "remote.git"])?;
        git(&remote, ["symbolic-ref", "HEAD", "refs/heads/main"])?;
        git(&self.folder, ["clone", "--quiet", "--template=", "remote.git", "work"])?;
        for setting in
            [["remote.origin.url", text(&remote)?], ["user.name", "Remit demo"], ["user.email", "demo@remit.invalid"]]
        {
            git(&work, ["config"].into_iter().chain(setting))?;
        }
        git(&work, ["symbolic-ref", "HEAD", "refs/heads/main"])?;
        for (name, content) in PROJECT {
            let file = work.join(name);
            std::fs::write(&file, content).with_context(|| format!("`{}` cannot be written", file.display()))?;
        }
        git(&work, ["add", "."])?;
        git(&work, ["commit", "--quiet", "-m", FIRST_COMMIT])?;
        git(&work, ["push", "--quiet", "--set-upstream", "origin", MAIN])?;
        git(&work, ["rev-parse", "HEAD"])
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder goes when the demo ends.
    pub fn is_throwaway(&self) -> bool {
        self.throwaway.is_some()
    }

    /// The bare remote.
    pub fn remote(&self) -> PathBuf {
        self.folder.join("remote.git")
    }

    /// The clone that the model works in.
    pub fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// What `XDG_DATA_HOME` would have to be for other commands to find the session.
    pub fn store(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The record of the session.
    pub fn database(&self) -> PathBuf {
        self.store().join("remit").join("sessions.db")
    }

    /// Where the session's whole outputs are kept.
    pub fn outputs(&self) -> PathBuf {
        self.store().join("remit").join("outputs").join("demo")
    }

    /// What the forge keeps.
    pub fn forge_state(&self) -> PathBuf {
        self.folder.join("forge.json")
    }

    /// What the jobs stand-in keeps.
    pub fn jobs_state(&self) -> PathBuf {
        self.folder.join("jobs.json")
    }

    /// The commit that the work begins on.
    pub fn start(&self) -> &str {
        &self.start
    }
}

/// Takes a folder that is empty, or makes it.
fn empty_folder(folder: &Path) -> Result<PathBuf, Failure> {
    let refuse = |why: &str| {
        let cause = anyhow!("`{}` {why}", folder.display());
        Err(Failure::user(cause).hint("`--keep` takes a folder that is empty or does not exist yet"))
    };
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => refuse("is not empty"),
        Ok(false) => Ok(folder.to_owned()),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            let made = std::fs::create_dir_all(folder);
            made.with_context(|| format!("`{}` cannot be made", folder.display())).map_err(Failure::user)?;
            Ok(folder.to_owned())
        }
        Err(why) => refuse(&format!("cannot be used: {why}")),
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8, and git is told about it", path.display()))
}

/// What programs see in the demo: this program's environment without what git would read from it.
fn surroundings() -> impl Iterator<Item = (OsString, OsString)> {
    let own = std::env::vars_os().filter(|(name, _)| {
        let is_gits = name.to_string_lossy().starts_with("GIT_");
        !is_gits && !GIT.iter().any(|(set, _)| name == OsStr::new(set))
    });
    own.chain(GIT.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

/// What the agent's own commands see.
pub fn environment(keys: &[String]) -> Environment {
    Environment::filtered(surroundings(), keys, &[])
}

/// Runs git in a folder and gives what it printed, without the end of its last line.
pub fn git<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
    let arguments: Vec<&str> = arguments.into_iter().collect();
    run(folder, "git", &arguments).with_context(|| format!("`git {}`", arguments.join(" ")))
}

/// Runs a program in a folder and gives what it printed, without the end of its last line.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = std::process::Command::new(program);
    let ran =
        command.args(arguments).current_dir(folder).env_clear().envs(surroundings()).stdin(Stdio::null()).output();
    let output = ran.with_context(|| format!("`{program}` cannot be run"))?;
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        Ok(printed(&output.stdout))
    } else {
        Err(anyhow!("{}: {}{}", output.status, printed(&output.stdout), printed(&output.stderr)))
    }
}

/// The stand-ins, each a program of its own. They end when this is dropped, however that comes about: each ends when its
/// standard input closes, and nothing else holds the other end.
#[derive(Debug)]
pub struct Standins {
    forge: Standin,
    jobs: Standin,
}

#[derive(Debug)]
struct Standin {
    child: Child,
    address: String,
}

/// The line that a stand-in prints when it listens.
#[derive(Deserialize)]
struct Announced {
    listening: String,
}

impl Standins {
    /// Starts both, from this program's own file.
    pub async fn start(world: &World) -> Result<Standins, Failure> {
        let start = async || -> anyhow::Result<Standins> {
            let (remote, forge_state, jobs_state) = (world.remote(), world.forge_state(), world.jobs_state());
            let forge = ["forge", "--repo", text(&remote)?, "--state", text(&forge_state)?];
            let (state, speed) = (text(&jobs_state)?, SPEED.to_string());
            // It lists its prices by the hour: those of a minute are rounded.
            let jobs =
                ["jobs", "--token", TOKEN, "--state", state, "--unit", "hour", "--user", "demo", "--speed", &speed];
            // Long enough that what was left in the background still runs when the demo ends.
            let long = ["--scheduling-secs", "2", "--run-secs", "1700", "--line", "loading the examples"];
            let forge = Standin::start(world, &forge).await.context("the forge")?;
            let jobs = Standin::start(world, &[&jobs[..], &long].concat()).await.context("the jobs API")?;
            jobs.order("advance", &json!({ "seconds": until_four() })).await.context("the jobs API")?;
            jobs.order("inject", &first_job()).await.context("the jobs API")?;
            Ok(Standins { forge, jobs })
        };
        start().await.map_err(|why| Failure::host(why.context("a stand-in of the demo did not start")))
    }

    /// The configuration that a person who has these services would write.
    pub fn config(&self) -> Config {
        let forge = McpConfig { url: Some(self.forge_address()), ..McpConfig::default() };
        let hf = HfConfig { endpoint: Some(self.jobs_address().to_owned()), ..HfConfig::default() };
        Config { mcp: [("forge".to_owned(), forge)].into(), hf, ..Config::default() }
    }

    /// The Hub account of the demo: the person's own token goes nowhere.
    pub fn hub(&self) -> Hub {
        let token = Some(HubToken::new(TOKEN));
        Hub { endpoint: Some(self.jobs_address().to_owned()), token, ..Hub::default() }
    }

    /// Where the forge speaks MCP.
    pub fn forge_address(&self) -> String {
        format!("{}/mcp", self.forge.address)
    }

    /// Where the jobs API listens.
    pub fn jobs_address(&self) -> &str {
        &self.jobs.address
    }

    /// Ends both and waits for it.
    pub async fn stop(self) {
        self.forge.stop().await;
        self.jobs.stop().await;
    }
}

/// How long it is until four o'clock, in seconds. The jobs stand-in's clock is moved there first: what the script has done
/// every night at three must not come due, at whatever time and however slowly the demo is played.
fn until_four() -> u64 {
    const DAY: u64 = 86_400;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (DAY + 4 * 3_600 - now % DAY) % DAY
}

/// How the first job plays out: ten steps, and over.
fn first_job() -> Value {
    let lines = ["loading the examples", "step 5 of 10, loss 2.31", "step 10 of 10, loss 1.94"];
    json!({ "kind": "next_job", "play": { "scheduling_secs": 2, "run_secs": 20, "lines": lines } })
}

impl Standin {
    async fn start(world: &World, arguments: &[&str]) -> anyhow::Result<Standin> {
        let own = std::env::current_exe().context("this program's own file cannot be found")?;
        let mut command = Command::new(own);
        command.arg("__standin").args(arguments).current_dir(world.folder());
        // It needs nothing of this environment but git. Ctrl-C is for the session; a stand-in ends after it.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("it cannot be started")?;
        let out = child.stdout.take().context("its output is not there")?;
        let mut line = String::new();
        let mut first_line = BufReader::new(out.take(MOST_SAID));
        let read = tokio::time::timeout(PATIENCE, first_line.read_line(&mut line)).await;
        read.context("it does not say where it listens")?.context("its output cannot be read")?;
        if line.is_empty() {
            let mut said = String::new();
            if let Some(errors) = child.stderr.take() {
                errors.take(MOST_SAID).read_to_string(&mut said).await.context("it ended at once")?;
            }
            return Err(anyhow!("it ended at once: {}", said.trim_end()));
        }
        let announced: Announced = serde_json::from_str(&line).with_context(|| format!("it said `{}`", line.trim()))?;
        Ok(Standin { child, address: announced.listening })
    }

    /// Gives an order. One request of HTTP without a client: the stand-in is on loopback, and a proxy of the person's has no
    /// part in it.
    async fn order(&self, what: &str, order: &Value) -> anyhow::Result<()> {
        let host = self.address.strip_prefix("http://").with_context(|| format!("`{}`", self.address))?;
        let body = order.to_string();
        let head = format!("POST /_standin/{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let exchange = async {
            let mut stream = TcpStream::connect(host).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.take(MOST_SAID).read_to_string(&mut answer).await?;
            Ok::<String, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await.context("it does not answer")??;
        match answer.starts_with("HTTP/1.1 200 ") {
            true => Ok(()),
            false => Err(anyhow!("it answered `{}`", answer.lines().next().unwrap_or_default())),
        }
    }

    async fn stop(mut self) {
        drop(self.child.stdin.take());
        // One that does not end by itself is killed when it is dropped.
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine"), "").unwrap();
        let refused = World::make(Some(folder.path())).unwrap_err();
        assert!(refused.to_string().contains("is not empty"), "{refused}");
        let refused = World::make(Some(&folder.path().join("mine"))).unwrap_err();
        assert!(refused.to_string().contains("cannot be used"), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_throwaway_world_is_gone_with_its_owner_and_a_kept_one_is_not() {
        let kept = tempfile::tempdir().unwrap();
        for keep in [None, Some(kept.path().join("a/b"))] {
            let world = World::make(keep.as_deref()).unwrap();
            let folder = world.folder().to_owned();
            assert_eq!(git(&world.remote(), ["rev-parse", MAIN]).unwrap(), world.start());
            assert_eq!(git(&world.work(), ["status", "--porcelain"]).unwrap(), "");
            assert_eq!(world.is_throwaway(), keep.is_none());
            drop(world);
            assert_eq!(folder.is_dir(), keep.is_some());
        }
    }

    #[test]
    fn the_projects_tests_fail_until_the_one_line_is_mended() {
        let world = World::make(None).unwrap();
        let failed = run(&world.work(), "sh", &["test.sh"]).unwrap_err();
        assert!(failed.to_string().contains("WRONG: 100 among 3"), "{failed}");
        let file = world.work().join(crate::commands::demo::script::MENDED);
        let mended = std::fs::read_to_string(&file).unwrap().replace("-lt", "-le");
        std::fs::write(&file, mended).unwrap();
        assert!(run(&world.work(), "sh", &["test.sh"]).unwrap().ends_with("all shards are right"));
    }
}
