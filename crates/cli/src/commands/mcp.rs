//! `remit mcp`: the MCP servers of the person's configuration, added, listed, tried and removed.
//!
//! In reading order: [`edit`] changes the configuration's text; [`connection`] reaches a server for a moment; this file has
//! the commands.
//!
//! Not here: speaking MCP (that is the crate `mcp`). A server comes from this configuration and from nowhere else.

pub mod connection;
mod edit;

use crate::commands::config::keep::{IfThere, keep};
use crate::commands::explain::judgement::{Answer, judge_action};
use crate::config::{Config, Loaded, McpConfig};
use crate::failure::Failure;
use crate::out::outln;
use crate::paths::Paths;
use crate::{person, wiring};
use anyhow::anyhow;
use connection::{Connected, connect};
use edit::CannotEdit;
use gate::State;
use mcp::McpTool;
use policy::{Action, Attendance, Mode, ModeChoice, Price, Subject};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "Examples:
  remit mcp add files -- npx -y @modelcontextprotocol/server-filesystem .
  remit mcp add tickets --url https://example.com/mcp --header 'Authorization=Bearer ...'
  remit mcp list
  remit mcp test files     what each mode does with each of its tools
  remit mcp remove files

Servers come from your own configuration only; no repository can bring one. What a server declares as \
read-only is believed: it is you who put it there.";

const ADDING: &str = "Examples:
  remit mcp add files -- npx -y @modelcontextprotocol/server-filesystem .
  remit mcp add forge --env LOG=debug -- forge-mcp --stdio
  remit mcp add tickets --url https://example.com/mcp --header 'Authorization=Bearer ...'";

const LISTING: &str = "Examples:
  remit mcp list
  remit mcp list --json";

const TESTING: &str = "Examples:
  remit mcp test files
  remit mcp test files -C ~/work --json

Exit status: 0 when the server is up, else 1.";

const REMOVING: &str = "Examples:
  remit mcp remove files";

/// What to do with which server.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a server to the configuration
    Add(Add),
    /// List the servers of the configuration; starts none
    List(List),
    /// Connect to a server, and list its tools with what each mode does with them; calls none
    Test(Test),
    /// Remove a server from the configuration
    Remove(Remove),
}

/// A server to add.
#[derive(Debug, clap::Args)]
#[command(after_help = ADDING)]
struct Add {
    /// What to call it: 1 to 32 of `a-z`, `0-9`, `-` and `_`
    name: String,
    /// Its address, for a server that is a service
    #[arg(long, conflicts_with = "command", required_unless_present = "command")]
    url: Option<String>,
    /// A variable that the program gets; can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "url")]
    env: Vec<(String, String)>,
    /// A header that each request to the service carries; can be repeated
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "command")]
    headers: Vec<(String, String)>,
    /// The longest that a call may say nothing, in seconds
    #[arg(long, value_name = "SECONDS")]
    timeout_s: Option<u64>,
    /// The program and its arguments, for a server that is a program
    #[arg(last = true)]
    command: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = LISTING)]
struct List {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = TESTING)]
struct Test {
    /// The server
    name: String,
    /// The folder it is started in
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = REMOVING)]
struct Remove {
    /// The server
    name: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Does it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Add(args) => add(args),
        Command::List(args) => list(&args),
        Command::Test(args) => test(&args),
        Command::Remove(args) => remove(&args),
    }
}

fn loaded() -> Result<Loaded, Failure> {
    crate::config::load(&Paths::find()?)
}

fn add(args: Add) -> Result<ExitCode, Failure> {
    person::at_the_command_line()?;
    let loaded = loaded()?;
    let server = McpConfig {
        command: args.command,
        url: args.url,
        env: args.env.into_iter().collect(),
        headers: args.headers.into_iter().collect(),
        timeout_s: args.timeout_s,
    };
    // What could not be started later is refused now.
    wiring::server_config(&args.name, &server).map_err(|failure| Failure::user(failure.cause))?;
    let text = edit::add(&loaded.text, &args.name, &server).map_err(|why| cannot(why, &loaded))?;
    keep(&loaded.file, &text, IfThere::Replace)?;
    outln!("added `{}` to {}; sessions that start from now on have it", args.name, loaded.file.display());
    outln!("`remit mcp test {}` tries it", args.name);
    Ok(ExitCode::SUCCESS)
}

fn remove(args: &Remove) -> Result<ExitCode, Failure> {
    person::at_the_command_line()?;
    let loaded = loaded()?;
    let text = edit::remove(&loaded.text, &args.name).map_err(|why| cannot(why, &loaded))?;
    keep(&loaded.file, &text, IfThere::Replace)?;
    outln!("removed `{}` from {}; sessions that are running keep it", args.name, loaded.file.display());
    Ok(ExitCode::SUCCESS)
}

fn cannot(why: CannotEdit, loaded: &Loaded) -> Failure {
    let hint = match &why {
        CannotEdit::IsThere(name) => format!("`remit mcp remove {name}` removes it"),
        CannotEdit::IsNotThere(_) => known(&loaded.config),
        CannotEdit::ByHand => format!("the file is `{}`", loaded.file.display()),
    };
    Failure::user(why).hint(hint)
}

/// The servers there are, in words.
fn known(config: &Config) -> String {
    let names: Vec<String> = config.mcp.keys().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "no server is configured; `remit mcp add --help` shows how".to_owned(),
        names => format!("there is {}", names.join(", ")),
    }
}

fn list(args: &List) -> Result<ExitCode, Failure> {
    let config = loaded()?.config;
    if args.json {
        outln!("{:#}", Value::Array(config.mcp.iter().map(|(name, server)| as_json(name, server)).collect()));
    } else if config.mcp.is_empty() {
        outln!("{}", known(&config));
    }
    for (name, server) in config.mcp.iter().filter(|_| !args.json) {
        outln!("{name:<16}  {}", place(server));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a server is: its command line, or its address without what may be secret in it.
fn place(server: &McpConfig) -> String {
    match &server.url {
        Some(url) => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        None => shlex::try_join(server.command.iter().map(String::as_str)).unwrap_or_default(),
    }
}

fn as_json(name: &str, server: &McpConfig) -> Value {
    json!({
        "name": name,
        "transport": if server.url.is_some() { "http" } else { "stdio" },
        "command": server.command,
        "url": server.url.as_ref().map(|_| place(server)),
        "env": server.env.keys().collect::<Vec<_>>(),
        "headers": server.headers.keys().collect::<Vec<_>>(),
        "timeout_s": server.timeout_s,
    })
}

fn test(args: &Test) -> Result<ExitCode, Failure> {
    let config = loaded()?.config;
    let Some(server) = config.mcp.get(&args.name) else {
        let cause = anyhow!("there is no server `{}`", args.name);
        return Err(Failure::user(cause).hint(known(&config)));
    };
    let folder = args.directory.canonicalize().map_err(|why| {
        Failure::user(anyhow!(why).context(format!("`{}` is no folder to start it in", args.directory.display())))
    })?;
    let only: BTreeMap<String, McpConfig> = [(args.name.clone(), server.clone())].into();
    let columns = columns(&config)?;
    crate::runtime()?.block_on(async {
        let mut connected = connect(&only, &config, &folder).await?;
        let shown = show(args, &mut connected, &columns);
        connected.servers.stop().await;
        shown
    })
}

/// What the tools of a server are judged by: three modes, with the person's prohibitions and prices.
struct Columns {
    states: Vec<State>,
    prices: pricing::ToolPrices,
}

fn columns(config: &Config) -> Result<Columns, Failure> {
    let (cap, prohibitions) = (wiring::default_cap(config)?, wiring::prohibitions(config)?);
    let states = ["plan", "agent", "yolo"].iter().map(|mode| {
        let mode: Mode = mode.parse::<ModeChoice>().expect("each of them is a mode").resolve(None, cap);
        State::open(mode, Attendance::Attended, prohibitions.clone())
    });
    Ok(Columns { states: states.collect(), prices: wiring::tool_prices(config)? })
}

impl Columns {
    /// What each mode answers to a call of a tool, whatever its arguments.
    fn answers(&self, tool: &McpTool) -> Vec<Answer> {
        let (server, name) = (tool.server().to_string(), tool.name().to_owned());
        let action = Action {
            tool: tool.full_name(),
            effect: tool.effect(),
            price: self.prices.lookup(&tool.full_name()).unwrap_or(Price::Free),
            summary: tool.full_name(),
            subject: Subject::Mcp { server, tool: name },
            shown: String::new(),
        };
        self.states.iter().map(|state| judge_action(state, &action).answer).collect()
    }
}

fn show(args: &Test, connected: &mut Connected, columns: &Columns) -> Result<ExitCode, Failure> {
    let milliseconds = u64::try_from(connected.took.as_millis()).unwrap_or(u64::MAX);
    if let Some((name, why)) = connected.down().into_iter().next() {
        if !args.json {
            let cause = anyhow!("server `{name}` {why}");
            return Err(Failure::host(cause).hint("`remit mcp list` shows how it is started or reached"));
        }
        outln!("{:#}", json!({ "server": name, "up": false, "why": why, "took_ms": milliseconds }));
        return Ok(ExitCode::FAILURE);
    }
    let (tools, left_out) = (connected.tools(), connected.left_out());
    if args.json {
        let tools: Vec<Value> = tools.iter().map(|tool| tool_as_json(tool, columns)).collect();
        let shown = json!({
            "server": args.name, "up": true, "took_ms": milliseconds, "tools": tools, "left_out": left_out,
        });
        outln!("{shown:#}");
        return Ok(ExitCode::SUCCESS);
    }
    outln!("`{}` is up after {milliseconds} ms, with {} tools", args.name, tools.len());
    let wide = tools.iter().map(|tool| tool.full_name().chars().count()).max().unwrap_or(4).max(4);
    if !tools.is_empty() {
        let modes: String = columns.states.iter().map(|state| format!("  {:<9}", state.mode.to_string())).collect();
        outln!("\n{:<wide$}  {:<7}{}", "tool", "effect", modes.trim_end());
    }
    for tool in &tools {
        let answers: String = columns.answers(tool).iter().map(|answer| format!("  {answer:<9}")).collect();
        outln!("{:<wide$}  {:<7}{}", tool.full_name(), tool.effect(), answers.trim_end());
    }
    left_out.iter().for_each(|line| outln!("left out: {line}"));
    Ok(ExitCode::SUCCESS)
}

fn tool_as_json(tool: &McpTool, columns: &Columns) -> Value {
    let answers = columns.answers(tool);
    let answers = columns.states.iter().zip(answers);
    let verdicts: serde_json::Map<String, Value> =
        answers.map(|(state, answer)| (state.mode.to_string(), Value::String(answer.to_string()))).collect();
    json!({ "tool": tool.full_name(), "effect": tool.effect().to_string(), "verdicts": verdicts })
}
