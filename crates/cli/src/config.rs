//! The person's configuration: one TOML file, theirs alone. No repository can bring one.
//!
//! Not here: what follows from it (that is `wiring`).
//!
//! An unknown key or a wrong type is an error that names the line: a setting that is silently not in force is worse than
//! none.

use crate::failure::Failure;
use crate::paths::Paths;
use pricing::models::GivenPrice;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The model, as `PROVIDER/NAME` or `script:FILE`.
    pub model: Option<String>,
    /// What is refused in every mode: `shell: PREFIX`, `write: GLOB`, `read: GLOB`, `fetch: HOST`, `mcp:SERVER/TOOL`.
    pub prohibitions: Vec<String>,
    /// YOLO.
    pub yolo: Yolo,
    /// Services that speak to models, beside the ones that are known by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// What is known of single models, by `PROVIDER/NAME`.
    pub models: BTreeMap<String, ModelConfig>,
    /// MCP servers.
    pub mcp: BTreeMap<String, McpConfig>,
    /// Prices of tools in US dollars, or `free`: `"mcp:fal/generate" = "0.05"`.
    pub prices: BTreeMap<String, String>,
    /// Paid compute on the Hugging Face Hub.
    pub hf: HfConfig,
    /// What commands see.
    pub shell: ShellConfig,
    /// Where a turn stops by itself.
    pub limits: LimitsConfig,
    /// The screen.
    pub terminal: TerminalConfig,
    /// The server.
    pub serve: ServeConfig,
}

/// The server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeConfig {
    /// A provider that vouches for people.
    pub oidc: OidcConfig,
}

/// A provider that vouches for people, by OpenID Connect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// Its address, such as `https://huggingface.co`; without it there is none.
    pub issuer: Option<String>,
    /// What it is called on the page.
    pub name: Option<String>,
    /// What it knows this server by.
    pub client_id: Option<String>,
    /// The environment variable that holds what it knows this server for sure by.
    pub client_secret_env: Option<String>,
    /// The same itself; a variable is better.
    pub client_secret: Option<String>,
    /// Who may come in: `alice@example.org`, `*@example.org` or `sub:SUBJECT`.
    pub allow: Vec<String>,
    /// What they may do; all of it when absent.
    pub scopes: Option<String>,
}

/// The screen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerminalConfig {
    /// The ground that it is drawn for; what the terminal tells when absent.
    pub theme: Option<ThemeChoice>,
}

/// A ground to draw for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// A dark one.
    Dark,
    /// A light one.
    Light,
}

/// YOLO.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Yolo {
    /// The cap that `yolo` alone takes, in US dollars, as text; $5.00 when absent.
    pub cap: Option<String>,
}

/// A service that speaks to models.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// `chat-completions`, `responses` or `anthropic`.
    pub dialect: Option<String>,
    /// The base address, such as `http://127.0.0.1:11434/v1`.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The key itself; a variable is better.
    pub key: Option<String>,
    /// Whether its models cost nothing; only the person can say so, even of one on this machine.
    pub free: bool,
    /// How many tokens its models can take in; older turns are summed up before that.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<u32>,
}

/// What is known of one model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// What it costs: `"free"`, or dollars for a million tokens: `{ input = "0.28", output = "0.42" }`.
    pub price: Option<GivenPrice>,
    /// How many tokens it can take in; older turns are summed up before that.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<u32>,
}

/// An MCP server: a program to start or an address to speak to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The address.
    pub url: Option<String>,
    /// Variables that the program gets besides the usual ones.
    pub env: BTreeMap<String, String>,
    /// Headers that each request carries.
    pub headers: BTreeMap<String, String>,
    /// The longest that one call may take, in seconds.
    pub timeout_s: Option<u64>,
}

/// The Hugging Face Hub.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HfConfig {
    /// The base address.
    pub endpoint: Option<String>,
    /// The environment variable that holds the token; `HF_TOKEN` when absent.
    pub token_env: Option<String>,
    /// The secrets that a job may be handed, by name.
    pub secrets: BTreeMap<String, HfSecret>,
}

/// A secret that a job may be handed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HfSecret {
    /// The environment variable that holds it.
    pub env: Option<String>,
    /// The secret itself; a variable is better.
    pub value: Option<String>,
    /// Whether somebody who holds it can spend money; taken to be so unless this says `false`.
    pub spends: Option<bool>,
}

/// What commands see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShellConfig {
    /// Variables with credentials that commands get all the same.
    pub pass: Vec<String>,
}

/// Where a turn stops by itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The most requests to the model for one prompt.
    pub max_turns: Option<u32>,
}

/// A configuration and the file that it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file; it may not exist.
    pub file: PathBuf,
    /// The file's text; empty when there is none.
    pub text: String,
}

/// Reads the person's configuration, or an empty one where there is no file.
///
/// The file, and the variables that it names, hold keys: from here on no other program of the person's can look into this one.
pub fn load(paths: &Paths) -> Result<Loaded, Failure> {
    host::authority::make_undumpable().map_err(|why| {
        Failure::host(anyhow::Error::new(why).context("this program's memory cannot be closed to others"))
    })?;
    let file = paths.config_file();
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            if paths.config_was_named() {
                let cause = anyhow::anyhow!("there is no configuration at `{}`", file.display());
                return Err(Failure::config(cause).hint("REMIT_CONFIG names it; unset it, or write the file"));
            }
            String::new()
        }
        Err(why) => {
            let cause = anyhow::Error::new(why).context(format!("`{}` cannot be read", file.display()));
            return Err(Failure::config(cause));
        }
    };
    let config = parse(&text).map_err(|why| {
        let cause = anyhow::anyhow!("`{}` is not a configuration: {}", file.display(), why.trim_end());
        Failure::config(cause).hint("`remit init --print` shows every setting with its meaning")
    })?;
    Ok(Loaded { config, file, text })
}

/// Reads a configuration from its text; the error shows the line.
pub fn parse(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_or_a_wrong_type_names_its_line() {
        for (text, line, fragment) in [
            ("model = \"a/b\"\nmodle = 1\n", "line 2", "modle"),
            ("\n\n[yolo]\ncap = 5\n", "line 4", "string"),
            ("[providers.x]\nbase = \"y\"\n", "line 2", "base"),
            ("prohibitions = \"shell: rm\"\n", "line 1", "sequence"),
            ("[mcp.x\n", "line 1", ""),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(line) && why.contains(fragment), "{text}: {why}");
        }
    }

    #[test]
    fn nothing_needs_to_be_configured() {
        let config = parse("").unwrap();
        assert!(config.model.is_none() && config.prohibitions.is_empty());
    }
}
