//! One function a check: what it found, and what to do about it.
//!
//! Not here: mending anything, or a model's request.

use crate::commands::mcp::connection::Connected;
use crate::config::{Config, Loaded};
use crate::failure::Failure;
use crate::paths::Paths;
use crate::wiring;
use engine::Tariff;
use host::authority::{Lineage, lineage as own_lineage};
use host::environment::Environment;
use journal::{IfMissing, Journal, JournalError};
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long a service is waited for.
const TO_REACH: Duration = Duration::from_secs(5);
/// Where the Hub is when nobody says otherwise.
const HUB: &str = "https://huggingface.co";

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// Something will not work, or is not as safe as it could be; sessions run.
    Warn,
    /// Sessions do not run, or not as they were configured.
    Fail,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "fail",
        })
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub advice: Vec<String>,
}

impl Finding {
    fn new(check: &str, health: Health, found: impl Into<String>) -> Finding {
        Finding { check: check.to_owned(), health, found: found.into(), advice: Vec::new() }
    }

    fn advise(mut self, advice: impl Into<String>) -> Finding {
        self.advice.push(advice.into());
        self
    }

    /// Something that a session would stop at.
    pub fn failure(check: &str, failure: &Failure) -> Finding {
        let found = format!("{:#}", failure.cause);
        Finding { advice: failure.hints.clone(), ..Finding::new(check, Health::Fail, found.trim_end()) }
    }
}

/// The configuration: what of it would stop a session.
pub fn configuration(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let found = match std::fs::metadata(&loaded.file) {
        Ok(_) => loaded.file.display().to_string(),
        Err(_) => format!("none at {}: the defaults hold", loaded.file.display()),
    };
    let mut findings = vec![Finding::new("configuration", Health::Ok, found)];
    if let Ok(file) = std::fs::metadata(&loaded.file)
        && file.permissions().mode() & 0o077 != 0
    {
        let found = format!("others can open it ({:03o})", file.permissions().mode() & 0o777);
        let finding = Finding::new("configuration", Health::Warn, found);
        findings.push(finding.advise(format!("chmod 600 {}", loaded.file.display())));
    }
    let wrong = [
        wiring::prohibitions(config).err(),
        wiring::default_cap(config).err(),
        wiring::tool_prices(config).err(),
        wiring::servers(config).err(),
    ];
    findings.extend(wrong.iter().flatten().map(|failure| Finding::failure("configuration", failure)));
    findings
}

/// The model, and whether its key is there.
pub fn model(config: &Config) -> Finding {
    let named = std::env::var("REMIT_MODEL").ok().filter(|name| !name.is_empty()).or_else(|| config.model.clone());
    let Some(name) = named else {
        return Finding::new("model", Health::Warn, "none is configured")
            .advise("write `model = \"PROVIDER/NAME\"` in the configuration, or say `--model` each time")
            .advise("`remit demo` needs none");
    };
    match wiring::pick_model(config, Some(&name)) {
        Err(failure) => Finding::failure("model", &failure),
        Ok(picked) => match picked.tariff {
            Tariff::Known(price) if price.is_free() => {
                Finding::new("model", Health::Ok, format!("{name}, free as you say"))
            }
            Tariff::Known(price) => {
                let priced = format!("{name}; its key is there, or it needs none; priced by {}", price.source());
                Finding::new("model", Health::Ok, priced)
            }
            Tariff::Unknown(why) => Finding::new("model", Health::Warn, format!("{name} has no price: {why}"))
                .advise("under a cap that is an error: write `price` below [models.\"PROVIDER/NAME\"]"),
        },
    }
}

/// Whether the model's service and the Hub can be reached: a connection, no request.
pub async fn network(config: &Config) -> Vec<Finding> {
    let named = std::env::var("REMIT_MODEL").ok().filter(|name| !name.is_empty()).or_else(|| config.model.clone());
    let provider = named.as_deref().and_then(|name| name.split_once('/')).map(|(provider, _)| provider.to_owned());
    let model = provider.and_then(|provider| {
        let own = config.providers.get(&provider).and_then(|own| own.base_url.clone());
        own.or_else(|| model::Provider::named(&provider).map(|known| known.base_url.to_owned()))
    });
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let token = set(config.hf.token_env.as_deref().unwrap_or("HF_TOKEN"));
    let hub = config.hf.endpoint.clone().or_else(|| set("HF_ENDPOINT")).or_else(|| token.map(|_| HUB.to_owned()));
    let mut findings = Vec::new();
    for (what, address) in [("model service", model), ("hub", hub)] {
        if let Some(address) = address {
            findings.push(reach(what, &address).await);
        }
    }
    findings
}

async fn reach(what: &str, address: &str) -> Finding {
    let Some((host, port)) = host_and_port(address) else {
        return Finding::new(what, Health::Fail, "its address is none that can be spoken to");
    };
    let place = format!("{host}:{port}");
    match tokio::time::timeout(TO_REACH, tokio::net::TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Finding::new(what, Health::Ok, format!("{place} takes connections")),
        Ok(Err(why)) => Finding::new(what, Health::Fail, format!("{place} cannot be reached: {why}"))
            .advise("look at the network, or the address"),
        Err(_late) => {
            Finding::new(what, Health::Fail, format!("{place} did not answer within {} s", TO_REACH.as_secs()))
                .advise("look at the network, or the address")
        }
    }
}

/// Whom to connect to for an address.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let default = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        Some(_) | None => (authority, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { None } else { Some((host.to_owned(), port)) }
}

/// The MCP servers: each was started or reached, and listed its tools.
pub async fn servers(config: &Config, connected: Result<Connected, Failure>) -> Vec<Finding> {
    if config.mcp.is_empty() {
        return vec![Finding::new("mcp", Health::Ok, "no server is configured")];
    }
    let mut connected = match connected {
        Ok(connected) => connected,
        Err(failure) => return vec![Finding::failure("mcp", &failure)],
    };
    let (down, tools, left_out) = (connected.down(), connected.tools(), connected.left_out());
    connected.servers.stop().await;
    let finding = |name: &String| match down.iter().find(|(server, _)| server == name) {
        Some((_, why)) => Finding::new("mcp", Health::Fail, format!("`{name}` {why}"))
            .advise(format!("`remit mcp list` shows how it is started; `remit mcp remove {name}` removes it")),
        None => {
            let count = tools.iter().filter(|tool| tool.server().as_str() == name).count();
            Finding::new("mcp", Health::Ok, format!("`{name}` is up with {count} tools"))
        }
    };
    let mut findings: Vec<Finding> = config.mcp.keys().map(finding).collect();
    findings.extend(left_out.into_iter().map(|what| Finding::new("mcp", Health::Warn, format!("left out: {what}"))));
    findings
}

/// Whether programs can be held to reading.
pub async fn sandbox() -> Finding {
    let environment = Environment::of_this_program(&[], &[]);
    match host::confine::check(&environment).await {
        Ok(()) => Finding::new("sandbox", Health::Ok, "a confined program can only read"),
        Err(why) => Finding::new("sandbox", Health::Warn, why.to_string())
            .advise("`shell` with `confined: true` is an error here; everything else works"),
    }
}

/// Git, which the tool `history` and the demo run.
pub fn git() -> Finding {
    let missing = |why: String| {
        Finding::new("git", Health::Fail, why).advise("install git: the tool `history` and the demo run it")
    };
    match Command::new("git").arg("--version").output() {
        Ok(ended) if ended.status.success() => {
            Finding::new("git", Health::Ok, String::from_utf8_lossy(&ended.stdout).trim().to_owned())
        }
        Ok(ended) => missing(format!("`git --version` ended with {}", ended.status)),
        Err(why) => missing(format!("`git` cannot be started: {why}")),
    }
}

/// The database of sessions: that it opens, is of this version, and can be written.
pub async fn database(paths: &Paths) -> Finding {
    let file = paths.database();
    match Journal::open(&file, IfMissing::Refuse).await {
        Ok(journal) => {
            let listed = journal.sessions().await;
            // What it says of its end changes nothing here.
            let _ = journal.close().await;
            match (listed, writable(&file)) {
                (Ok(sessions), Ok(())) => {
                    Finding::new("database", Health::Ok, format!("{}, {} sessions", file.display(), sessions.len()))
                }
                (Err(why), _) => broken(&why),
                (_, Err(why)) => Finding::new("database", Health::Fail, format!("{}: {why}", file.display()))
                    .advise("no call runs without a record: make the file and its folder writable"),
            }
        }
        Err(JournalError::NotFound { .. }) => match writable(&nearest(paths.store())) {
            Ok(()) => Finding::new("database", Health::Ok, "none yet; the first session makes it"),
            Err(why) => Finding::new("database", Health::Fail, format!("{} cannot be made: {why}", file.display()))
                .advise("no call runs without a record: make the folder writable, or set XDG_DATA_HOME"),
        },
        Err(why) => broken(&why),
    }
}

fn broken(why: &JournalError) -> Finding {
    Finding::new("database", Health::Fail, why.to_string()).advise("no call runs without a record")
}

/// Whether a file, or something new in a folder, can be written.
fn writable(place: &Path) -> std::io::Result<()> {
    let folder = if place.is_dir() { place } else { place.parent().unwrap_or(Path::new("/")) };
    if place.is_file() {
        std::fs::OpenOptions::new().append(true).open(place)?;
    }
    tempfile::Builder::new().prefix(".remit-doctor-").tempfile_in(folder).map(drop)
}

/// The folder itself, or the closest one above it that exists.
fn nearest(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Whether the folders of sessions are their owner's alone.
pub fn folders(paths: &Paths) -> Vec<Finding> {
    let check = |folder: &Path| match std::fs::metadata(folder) {
        Err(why) if why.kind() == ErrorKind::NotFound => None,
        Err(why) => Some(Finding::new("folders", Health::Fail, format!("{}: {why}", folder.display()))),
        Ok(found) if found.permissions().mode() & 0o077 == 0 => {
            Some(Finding::new("folders", Health::Ok, format!("{} is yours alone", folder.display())))
        }
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            let finding = Finding::new(
                "folders",
                Health::Warn,
                format!("others can look into {} ({mode:03o})", folder.display()),
            );
            Some(finding.advise(format!("chmod 700 {}", folder.display())))
        }
    };
    check(paths.store()).into_iter().collect()
}

/// Whether this program can be told from a child of a Remit run.
pub fn lineage() -> Finding {
    match own_lineage() {
        Lineage::Clear => Finding::new("authority", Health::Ok, "a person can be told from the agent's own children"),
        Lineage::BelowRun { run } => {
            Finding::new("authority", Health::Warn, format!("a Remit run (process {run}) started this"))
                .advise("commands that change authority refuse here; type them in a terminal of your own")
        }
        Lineage::Unknowable(why) => {
            Finding::new("authority", Health::Fail, format!("it cannot be told who started this: {why}"))
                .advise("`remit run`, and whatever changes authority, refuse: /proc has to be readable")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_whom_to_connect_to() {
        let to = |address: &str| host_and_port(address);
        let at = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(to("https://api.example.com/v1"), at("api.example.com", 443));
        assert_eq!(to("http://127.0.0.1:11434/v1?x"), at("127.0.0.1", 11434));
        assert_eq!(to("http://[::1]:8080"), at("::1", 8080));
        assert_eq!(to("http://[::1]"), at("::1", 80));
        assert_eq!(to("http://me:pass@h"), at("h", 80));
        for none in ["", "h", "ftp://h", "http://", "http://h:port", "https:///x"] {
            assert_eq!(to(none), None, "{none}");
        }
    }

    #[test]
    fn what_can_be_written_leaves_nothing_behind() {
        let top = tempfile::tempdir().unwrap();
        writable(top.path()).unwrap();
        let file = top.path().join("f");
        std::fs::write(&file, "kept").unwrap();
        writable(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 1);
        assert_eq!(nearest(&top.path().join("a/b")), top.path());
    }

    #[tokio::test]
    async fn a_service_that_listens_is_reached_and_one_that_is_gone_is_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        assert_eq!(reach("hub", &address).await.health, Health::Ok);
        drop(listener);
        assert_eq!(reach("hub", &address).await.health, Health::Fail);
        assert_eq!(reach("hub", "nonsense").await.health, Health::Fail);
    }
}
