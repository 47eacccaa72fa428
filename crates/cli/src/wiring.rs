//! How a session gets what it works with: the model, the tools' surroundings, the servers, the limits. All of it is read
//! once, here.
//!
//! Not here: the loop that uses it (that is `engine`).

use crate::config::{Config, McpConfig, ProviderConfig};
use crate::failure::Failure;
use crate::instructions;
use crate::paths::Paths;
use crate::rates;
use anyhow::{Context, anyhow};
use engine::{Picked, Setup, Tariff};
use host::children::Runs;
use host::environment::Environment;
use host::http::Net;
use host::place::Workspace;
use host::scene::{Progress, Scene, Seen, Todos};
use mcp::{BadServer, HttpServer, Patience, ServerConfig, ServerEvent, Servers, StdioServer, Surroundings, Transport};
use model::provider::{KeyNeed, PROVIDERS};
use model::{Client, Dialect, Endpoint, Model, Provider, Script, Secret};
use money::Usd;
use policy::Prohibition;
use pricing::tool_prices::ToolPrices;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tools::Site;
use tools::hf_jobs::Board;
use tools::site::{Hub, HubToken, JobSecret, SecretPower};
use turn::Limits;

/// The variable that the Hub's own tools read.
const HUB_TOKEN: &str = "HF_TOKEN";
/// The Hub.
const HUB: &str = "https://huggingface.co";

/// The cap that `yolo` alone takes.
pub fn default_cap(config: &Config) -> Result<Usd, Failure> {
    match &config.yolo.cap {
        None => Ok(engine::DEFAULT_CAP),
        Some(text) => {
            let cap = text.parse::<Usd>().with_context(|| format!("`yolo.cap` is `{text}`"));
            cap.map_err(Failure::config)
        }
    }
}

/// What the person prohibited.
pub fn prohibitions(config: &Config) -> Result<Vec<Prohibition>, Failure> {
    let home = std::env::var("HOME").unwrap_or_default();
    let expand = |line: &String| match line.split_once(": ~/") {
        Some((kind, rest)) => format!("{kind}: {home}/{rest}"),
        None => line.clone(),
    };
    let rules: Result<_, _> = config.prohibitions.iter().map(|line| expand(line).parse::<Prohibition>()).collect();
    rules.map_err(|why| Failure::config(anyhow::Error::new(why).context("a prohibition is not understood")))
}

/// The person's prices of tools.
pub fn tool_prices(config: &Config) -> Result<ToolPrices, Failure> {
    let is_tool = |tool: &String| tool.starts_with("mcp:") || tools::NAMES.contains(&tool.as_str());
    if let Some(stranger) = config.prices.keys().find(|tool| !is_tool(tool)) {
        let cause = anyhow!("`prices` names `{stranger}`, and there is no such tool that does something");
        return Err(Failure::config(cause)
            .hint("a tool of an MCP server is written like \"mcp:fal/generate\" = \"0.05\"")
            .hint(format!("those of Remit are: {}", tools::NAMES.join(", "))));
    }
    let prices = config.prices.iter().map(|(tool, price)| (tool.as_str(), price.as_str()));
    ToolPrices::read(prices).map_err(Failure::config)
}

/// Picks a model by its name: `script:FILE`, or `PROVIDER/NAME` of a provider that is known or configured.
pub fn pick_model(config: &Config, named: Option<&str>) -> Result<Picked, Failure> {
    let Some(name) = named.filter(|name| !name.is_empty()).or(config.model.as_deref()) else {
        let cause = anyhow!("no model was picked");
        return Err(Failure::config(cause)
            .hint("say `--model PROVIDER/NAME`, or write `model = \"PROVIDER/NAME\"` in the configuration")
            .hint("or start `remit` in a terminal: it finds what there is and lets you pick")
            .hint("`remit demo` needs no model and no key"));
    };
    if let Some(file) = name.strip_prefix("script:") {
        let script = Script::load(Path::new(file)).map_err(Failure::user)?;
        let tariff = rates::tariff_of_script(&script)?;
        // A session keeps the name, and may be taken up from another folder.
        let whole = std::path::absolute(file).map_err(Failure::host)?;
        let (model, name) = (Model::Script(script), format!("script:{}", whole.display()));
        return Ok(Picked { name, model, tariff, context_tokens: None, max_output_tokens: None });
    }
    let Some((provider, model)) = name.split_once('/').filter(|(_, model)| !model.is_empty()) else {
        let cause = anyhow!("`{name}` is no model");
        return Err(Failure::user(cause).hint("write `PROVIDER/NAME`, such as `anthropic/claude-sonnet-4-5`"));
    };
    let configured = config.providers.get(provider);
    let own = configured.cloned().unwrap_or_default();
    let limits = config.models.get(name).cloned().unwrap_or_default();
    let endpoint = endpoint(provider, model, configured)?;
    let tariff = rates::tariff(config, name)?;
    let documented = match &tariff {
        Tariff::Known(price) => price.context_tokens(),
        Tariff::Unknown(_) => None,
    };
    Ok(Picked {
        name: name.to_owned(),
        model: Model::Remote(Box::new(Client::new(endpoint))),
        tariff,
        context_tokens: limits.context_tokens.or(own.context_tokens).or(documented),
        max_output_tokens: limits.max_output_tokens.or(own.max_output_tokens),
    })
}

fn endpoint(provider: &str, model: &str, configured: Option<&ProviderConfig>) -> Result<Endpoint, Failure> {
    let known = Provider::named(provider);
    let nothing = ProviderConfig::default();
    let own = configured.unwrap_or(&nothing);
    if known.is_none() && configured.is_none() {
        let names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let cause = anyhow!("there is no provider `{provider}`");
        return Err(Failure::user(cause)
            .hint(format!("known: {}", names.join(", ")))
            .hint(format!("or configure it: [providers.{provider}] with `base_url` and `dialect`")));
    }
    let dialect = match &own.dialect {
        Some(text) => Dialect::named(text).ok_or_else(|| {
            let known: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
            let cause = anyhow!("`providers.{provider}.dialect` is `{text}`");
            Failure::config(cause).hint(format!("write one of: {}", known.join(", ")))
        })?,
        None => known.map_or(Dialect::ChatCompletions, |known| known.dialect),
    };
    let Some(base_url) = own.base_url.as_deref().or(known.map(|known| known.base_url)) else {
        return Err(Failure::config(anyhow!("`providers.{provider}` has no `base_url`")));
    };
    let mut endpoint = Endpoint::new(dialect, base_url, model)
        .map_err(|why| Failure::config(anyhow::Error::new(why).context(format!("provider `{provider}`"))))?;
    endpoint.key = key(provider, own, known)?;
    Ok(endpoint)
}

fn key(provider: &str, own: &ProviderConfig, known: Option<&Provider>) -> Result<Option<Secret>, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(key) = &own.key {
        return Ok(Some(Secret::new(key)));
    }
    if let Some(name) = &own.key_env {
        let key = variable(name).map(|key| Some(Secret::new(&key)));
        return key.ok_or_else(|| {
            let cause = anyhow!("provider `{provider}` reads its key from `{name}`, which is not set");
            Failure::config(cause).hint(format!("export {name}=..."))
        });
    }
    let Some(known) = known else { return Ok(None) };
    let key = known.key_in(variable);
    if key.is_none() && known.key == KeyNeed::Required && own.base_url.is_none() {
        let names = known.key_variables.join("` or `");
        let cause = anyhow!("provider `{provider}` needs a key, and `{names}` is not set");
        return Err(Failure::config(cause).hint(format!("export {}=...", known.key_variables[0])));
    }
    Ok(key)
}

/// The variables that Remit itself reads keys from; no child program gets them.
pub fn key_variables(config: &Config) -> Vec<String> {
    let known = PROVIDERS.iter().flat_map(|provider| provider.key_variables.iter().map(|name| (*name).to_owned()));
    let own = config.providers.values().filter_map(|provider| provider.key_env.clone());
    let hub = config.hf.token_env.clone().into_iter().chain([HUB_TOKEN.to_owned()]);
    let secrets = config.hf.secrets.values().filter_map(|secret| secret.env.clone());
    let provider = config.serve.oidc.client_secret_env.clone();
    known.chain(own).chain(hub).chain(secrets).chain(provider).chain([crate::far::TOKEN.to_owned()]).collect()
}

/// The variables of this program that no child of it gets, the person's own commands and editor among them.
pub fn withheld(config: &Config) -> Vec<String> {
    Environment::of_this_program(&key_variables(config), &config.shell.pass).withheld().to_vec()
}

/// What calls are described against.
pub fn site(config: &Config, workspace: Workspace) -> Result<Site, Failure> {
    Ok(Site { workspace, hardware: Board::documented(), hub: Arc::new(hub(config)?) })
}

/// The Hub, with its token and the secrets that jobs may be handed.
pub fn hub(config: &Config) -> Result<Hub, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let token = variable(config.hf.token_env.as_deref().unwrap_or(HUB_TOKEN)).map(HubToken::new);
    let from_environment = std::env::var("HF_ENDPOINT").ok();
    let named = config.hf.endpoint.clone().or(from_environment);
    let endpoint = named.or_else(|| token.as_ref().map(|_| HUB.to_owned()));
    let mut hub = Hub { endpoint, token, ..Hub::default() };
    for (name, secret) in &config.hf.secrets {
        let value = match (&secret.value, &secret.env) {
            (Some(value), None) => Some(value.clone()),
            (None, variable_name) => variable(variable_name.as_deref().unwrap_or(name)),
            (Some(_), Some(_)) => {
                return Err(Failure::config(anyhow!("`hf.secrets.{name}` has both `value` and `env`; keep one")));
            }
        };
        // One that is not there is not handed to a job: naming it is an error for the model.
        let Some(value) = value else { continue };
        let said = secret.spends.map(|spends| if spends { SecretPower::CanSpend } else { SecretPower::CannotSpend });
        let value = HubToken::new(value);
        hub.secrets.insert(name.clone(), JobSecret { value, said });
    }
    Ok(hub)
}

/// The MCP servers of the configuration.
pub fn servers(config: &Config) -> Result<Vec<ServerConfig>, Failure> {
    config.mcp.iter().map(|(name, server)| server_config(name, server)).collect()
}

/// One MCP server of the configuration.
pub fn server_config(name: &str, server: &McpConfig) -> Result<ServerConfig, Failure> {
    let wrong = |why: anyhow::Error| Failure::config(why.context(format!("MCP server `{name}`")));
    let transport = match (server.command.split_first(), &server.url) {
        (Some((command, args)), None) => Transport::Stdio(StdioServer {
            command: command.clone(),
            args: args.to_vec(),
            env: server.env.clone().into_iter().collect(),
            folder: None,
        }),
        (None, Some(url)) => {
            let headers: Vec<(String, String)> = server.headers.clone().into_iter().collect();
            Transport::Http(HttpServer::new(url, &headers).map_err(|why| wrong(why.into()))?)
        }
        (Some(_), Some(_)) => return Err(wrong(anyhow!("it has both `command` and `url`; keep one"))),
        (None, None) => return Err(wrong(anyhow!("it has neither `command` nor `url`"))),
    };
    let mut patience = Patience::default();
    if let Some(seconds) = server.timeout_s {
        patience.call = Duration::from_secs(seconds);
    }
    Ok(ServerConfig { name: name.parse().map_err(|why: BadServer| wrong(why.into()))?, transport, patience })
}

/// The folder to work in, as a workspace that also reads the session's outputs.
pub fn workspace(folder: &Path, outputs: &Path) -> Result<Workspace, Failure> {
    let open = || -> anyhow::Result<Workspace> {
        let workspace = Workspace::open(folder)?;
        std::fs::create_dir_all(outputs).with_context(|| format!("`{}` cannot be made", outputs.display()))?;
        Ok(workspace.with_readable(outputs)?)
    };
    open().map_err(Failure::user)
}

/// Puts together everything that a session works with, and what its servers say.
pub fn setup(
    config: &Config,
    picked: Picked,
    folder: &Path,
    outputs: PathBuf,
) -> Result<(Setup, mpsc::Receiver<ServerEvent>), Failure> {
    let workspace = workspace(folder, &outputs)?;
    let environment = Arc::new(Environment::of_this_program(&key_variables(config), &config.shell.pass));
    let surroundings = Surroundings { environment: environment.open(), folder: workspace.root().to_owned() };
    let (servers, server_events) = Servers::start(servers(config)?, surroundings).map_err(Failure::config)?;
    let scene = Scene {
        workspace: workspace.clone(),
        outputs,
        environment,
        net: Net::new(),
        runs: Runs::default(),
        seen: Seen::default(),
        todos: Todos::default(),
        stop: CancellationToken::new(),
        progress: Progress::nobody(),
    };
    let limits = Limits {
        requests: config.limits.max_turns.unwrap_or(Limits::default().requests),
        context_tokens: picked.sum_up_at(),
        ..Limits::default()
    };
    let setup = Setup {
        instructions: instructions::compose(workspace.root()).into(),
        site: site(config, workspace)?,
        model: Arc::new(picked.model),
        model_name: picked.name.into(),
        tariff: Arc::new(picked.tariff),
        scene,
        servers,
        prices: Arc::new(tool_prices(config)?),
        limits,
        max_output_tokens: picked.max_output_tokens,
        now_ms,
    };
    Ok((setup, server_events))
}

/// The configuration and the paths, as nearly every command needs them.
pub fn configured() -> Result<(Config, Paths), Failure> {
    let paths = Paths::find()?;
    let loaded = crate::config::load(&paths)?;
    Ok((loaded.config, paths))
}

/// The wall clock, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}
