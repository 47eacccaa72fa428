//! All servers of a session: what they offer now, and the way from a name and arguments to a typed call.
//!
//! Not here: deciding whether a call may run, or what one server does.

use crate::call::{McpCall, What};
use crate::config::{BadServer, ServerConfig, ServerName, Surroundings, Transport};
use crate::error::McpError;
use crate::event::{ServerEvent, Voice};
use crate::name::RESOURCE_CALL;
use crate::schema::kind;
use crate::server::{Server, ServerPhase, ServerState};
use crate::text::one_line;
use crate::tool::McpTool;
use policy::Price;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use turn::chat::ToolSpec;

/// How many names an error lists.
const LISTED: usize = 20;

/// The longest address of a resource, in bytes.
const LONGEST_URI: usize = 4_096;

/// All servers of a session. Clones share them; when the last one is gone the servers are ended in the background.
#[derive(Clone, Debug)]
pub struct Servers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// In the order of their names.
    servers: Vec<Arc<Server>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _when_all_are_gone: DropGuard,
}

impl Servers {
    /// Starts to connect to every server and returns at once; the events tell what becomes of it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        mut configs: Vec<ServerConfig>,
        surroundings: Surroundings,
    ) -> Result<(Servers, mpsc::Receiver<ServerEvent>), BadServer> {
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = configs.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(BadServer::Twice(pair[0].name.clone()));
        }
        for config in &configs {
            if let Transport::Stdio(program) = &config.transport {
                program.check()?;
            }
        }
        let (voice, events) = Voice::new();
        let (around, stop, tasks) = (Arc::new(surroundings), CancellationToken::new(), TaskTracker::new());
        let servers = configs.into_iter().map(|config| {
            let server = Arc::new(Server::new(config, around.clone(), voice.clone()));
            tasks.spawn(server.clone().keep(stop.clone()));
            server
        });
        let servers = servers.collect();
        let guard = stop.clone().drop_guard();
        Ok((Servers(Arc::new(Inner { servers, stop, tasks, _when_all_are_gone: guard })), events))
    }

    /// Servers that declare these tools, as `tools/list` would have them, and are never started or reached: for saying what a
    /// call would be.
    ///
    /// # Errors
    /// With what of the declarations cannot be used.
    pub fn declared(listed: BTreeMap<ServerName, Vec<Value>>) -> Result<Servers, Vec<String>> {
        let (voice, _) = Voice::new();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let servers =
            listed.into_iter().map(|(name, tools)| Server::declared(name, &tools, voice.clone()).map(Arc::new));
        let servers = servers.collect::<Result<_, _>>()?;
        let guard = stop.clone().drop_guard();
        Ok(Servers(Arc::new(Inner { servers, stop, tasks, _when_all_are_gone: guard })))
    }

    /// Waits, for a bounded time, until each server is up or known not to be, and says how they stand.
    pub async fn ready(&self, within: Duration) -> Vec<ServerState> {
        let end = Instant::now() + within;
        for server in &self.0.servers {
            // Too late is an answer too: the state says that it is connecting.
            let _ = timeout_at(end, server.settled()).await;
        }
        self.states()
    }

    /// How the servers stand now, in the order of their names.
    pub fn states(&self) -> Vec<ServerState> {
        self.0.servers.iter().map(|server| server.state()).collect()
    }

    /// Starts a server anew, one that stays down too. What it declared before still binds it: no tool gets looser.
    pub fn restart(&self, name: &str) -> Result<(), McpError> {
        self.server(name).map(|server| server.start_anew())
    }

    /// The tools that can be called now, in the order of their servers' names and then of their own.
    pub fn tools(&self) -> Vec<McpTool> {
        self.0.servers.iter().flat_map(|server| server.tools()).collect()
    }

    /// What can be called now, as it is declared to a model: the tools, and one call for the resources of all servers if
    /// one of them has any. The order is always the same.
    pub fn spec(&self) -> Vec<ToolSpec> {
        let mut specs: Vec<ToolSpec> = self.tools().iter().map(McpTool::spec).collect();
        let with_resources = self.0.servers.iter().filter(|server| server.offers().resources);
        let names: Vec<&str> = with_resources.map(|server| server.name().as_str()).collect();
        if !names.is_empty() {
            specs.push(ToolSpec {
                name: RESOURCE_CALL.to_owned(),
                description: "Lists the resources of an MCP server or, given a uri, reads one.".to_owned(),
                parameters: json!({
                    "type": "object",
                    "properties": { "server": { "type": "string", "enum": names }, "uri": { "type": "string" } },
                    "required": ["server"],
                    "additionalProperties": false,
                }),
            });
        }
        specs
    }

    /// Turns what a model or a person wrote into a typed call, or says what is wrong with it.
    ///
    /// The tool goes by the name it was declared by or by `mcp:server/tool`. Its effect is what the server declares at this
    /// moment, but never looser than anything it declared before in this session: a tool that was not read-only stays
    /// so, for authority is read once when a session starts. `prices` gives the person's price for a tool by its
    /// `mcp:server/tool` name; without one a call is free.
    pub fn parse(
        &self,
        name: &str,
        arguments: Value,
        prices: impl FnOnce(&str) -> Option<Price>,
    ) -> Result<McpCall, McpError> {
        let wrong = |why: String| McpError::Arguments { tool: one_line(name, 128), why };
        let Value::Object(members) = arguments else {
            return Err(wrong(format!("the arguments must be an object, not {}", kind(&arguments))));
        };
        if name == RESOURCE_CALL {
            let (server, uri) = resource_arguments(&members).map_err(wrong)?;
            let server = self.server(&server)?.name().clone();
            let what = uri.map_or(What::Resources, What::Resource);
            return Ok(McpCall::new(server, what, prices(RESOURCE_CALL).unwrap_or(Price::Free)));
        }
        let tool = self.tool(name)?;
        let arguments = Value::Object(members);
        tool.check(&arguments).map_err(wrong)?;
        let Value::Object(members) = arguments else { unreachable!("it was made an object above") };
        let price = prices(&tool.full_name()).unwrap_or(Price::Free);
        let what = What::Tool { name: tool.name().to_owned(), effect: tool.effect(), arguments: members };
        Ok(McpCall::new(tool.server().clone(), what, price))
    }

    /// The tool of this name.
    fn tool(&self, name: &str) -> Result<McpTool, McpError> {
        let Some((server, tool)) = name.strip_prefix("mcp:").and_then(|rest| rest.split_once('/')) else {
            let found = self.tools().into_iter().find(|tool| tool.model_name() == name);
            return found.ok_or_else(|| self.no_such_name(name));
        };
        let server = self.server(server)?;
        let tools = server.tools();
        if let Some(found) = tools.iter().find(|found| found.name() == tool) {
            return Ok(found.clone());
        }
        let phase = server.state().phase;
        if matches!(phase, ServerPhase::Up { .. }) {
            let names = tools.iter().map(|tool| tool.name());
            let (server, tool) = (server.name().clone(), one_line(tool, 128));
            return Err(McpError::NoSuchTool { server, tool, known: listed(names) });
        }
        Err(McpError::NotUp { server: server.name().clone(), why: phase.words() })
    }

    /// Why a model's name for a tool is none: its server may just not be up.
    fn no_such_name(&self, name: &str) -> McpError {
        let inner = name.strip_prefix("mcp__").unwrap_or_default();
        let Some((server, tool)) = inner.split_once("__") else {
            return McpError::NoSuchName(one_line(name, 128));
        };
        match self.0.servers.iter().any(|known| known.name().as_str() == server) {
            // Its error has the server's state, or the names that are right.
            true => self
                .tool(&format!("mcp:{server}/{tool}"))
                .err()
                .unwrap_or_else(|| McpError::NoSuchName(one_line(name, 128))),
            false => McpError::NoSuchName(one_line(name, 128)),
        }
    }

    /// The server of this name.
    pub(crate) fn server(&self, name: &str) -> Result<&Arc<Server>, McpError> {
        self.0.servers.iter().find(|server| server.name().as_str() == name).ok_or_else(|| McpError::NoSuchServer {
            name: one_line(name, 64),
            known: listed(self.0.servers.iter().map(|server| server.name().as_str())),
        })
    }

    /// The servers, in the order of their names.
    pub(crate) fn all(&self) -> &[Arc<Server>] {
        &self.0.servers
    }

    /// Fires when the servers are being ended.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Ends every server, with all that its program has started, and waits until that is done.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// Reads what the call for resources is given.
fn resource_arguments(members: &Map<String, Value>) -> Result<(String, Option<String>), String> {
    if let Some(other) = members.keys().find(|name| !matches!(name.as_str(), "server" | "uri")) {
        return Err(format!("there is no `{}`; it takes `server`, `uri`", one_line(other, 64)));
    }
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(format!("`{name}` must be string, not {}", kind(other))),
    };
    let server = text("server")?.ok_or("`server` is missing")?;
    let uri = text("uri")?;
    match uri.as_ref().is_some_and(|uri| uri.is_empty() || uri.len() > LONGEST_URI) {
        true => Err(format!("`uri` must have 1 to {LONGEST_URI} bytes")),
        false => Ok((server, uri)),
    }
}

/// Some names, in words.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = if names.len() > LISTED { format!(" and {} more", names.len() - LISTED) } else { String::new() };
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if shown.is_empty() { "none".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}
