//! Connecting to configured MCP servers for a moment: to see what they declare, never to call anything.
//!
//! Not here: a session's servers, which stay (that is `wiring`).

use crate::config::{Config, McpConfig};
use crate::failure::Failure;
use crate::wiring;
use host::environment::Environment;
use mcp::{McpTool, ServerEvent, ServerPhase, Servers, Surroundings, is_mcp_name};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;

/// How long all servers together are waited for. One alone gives up sooner.
const LONGEST: Duration = Duration::from_secs(30);

/// Servers that were reached, or were not.
#[derive(Debug)]
pub struct Connected {
    /// The servers; to be stopped by whoever connected them.
    pub servers: Servers,
    /// How long it took until each was up, or known not to be.
    pub took: Duration,
    heard: Receiver<ServerEvent>,
}

/// The servers that a tool's name is about: one, all, or none.
pub fn concerned(config: &Config, tool: &str) -> BTreeMap<String, McpConfig> {
    if !is_mcp_name(tool) {
        return BTreeMap::new();
    }
    let by_person = tool.strip_prefix("mcp:").and_then(|rest| rest.split_once('/'));
    let by_model = tool.strip_prefix("mcp__").and_then(|rest| rest.split_once("__"));
    match by_person.or(by_model) {
        Some((server, _)) => {
            config.mcp.get_key_value(server).map(|(name, own)| (name.clone(), own.clone())).into_iter().collect()
        }
        None => config.mcp.clone(),
    }
}

/// Starts or reaches these servers, and waits until each is up or known not to be. None is tried twice.
pub async fn connect(
    servers: &BTreeMap<String, McpConfig>,
    config: &Config,
    folder: &Path,
) -> Result<Connected, Failure> {
    let configs: Result<Vec<_>, Failure> = servers
        .iter()
        .map(|(name, server)| {
            let mut config = wiring::server_config(name, server)?;
            config.patience.restarts = 0;
            Ok(config)
        })
        .collect();
    let environment = Environment::of_this_program(&wiring::key_variables(config), &config.shell.pass);
    let surroundings = Surroundings { environment: environment.open(), folder: folder.to_owned() };
    let begin = Instant::now();
    let (servers, heard) = Servers::start(configs?, surroundings).map_err(Failure::config)?;
    servers.ready(LONGEST).await;
    Ok(Connected { servers, took: begin.elapsed(), heard })
}

impl Connected {
    /// The servers that are not up, with the reason.
    pub fn down(&self) -> Vec<(String, String)> {
        let states = self.servers.states().into_iter();
        let down = states.filter_map(|state| {
            let why = match state.phase {
                ServerPhase::Up { .. } => return None,
                ServerPhase::Connecting => format!("did not answer within {} s", LONGEST.as_secs()),
                ServerPhase::Restarting { why } | ServerPhase::Down { why } => format!("is not up: {why}"),
            };
            Some((state.server.to_string(), why))
        });
        down.collect()
    }

    /// What can be called.
    pub fn tools(&self) -> Vec<McpTool> {
        self.servers.tools()
    }

    /// What was declared and cannot be used.
    pub fn left_out(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(event) = self.heard.try_recv() {
            if let ServerEvent::LeftOut { what, .. } = event {
                lines.push(what);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_name_says_which_servers_it_is_about() {
        let config = Config {
            mcp: ["forge", "files"].map(|name| (name.to_owned(), McpConfig::default())).into(),
            ..Config::default()
        };
        let names = |tool: &str| concerned(&config, tool).into_keys().collect::<Vec<_>>();
        assert_eq!(names("mcp:forge/create_pull_request"), ["forge"]);
        assert_eq!(names("mcp__files__read"), ["files"]);
        assert_eq!(names("mcp_resource"), ["files", "forge"]);
        assert!(names("mcp:nobody/x").is_empty());
        assert!(names("shell").is_empty());
    }
}
