//! `remit config`: every value in force, and where it comes from.
//!
//! In reading order: [`settings`] is the table of all settings; [`keep`] writes the file; this file shows it.
//!
//! Not here: reading it (that is `crate::config`).

pub mod keep;
pub mod settings;

use crate::config::{Config, Loaded};
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::paths::Paths;
use anyhow::anyhow;
use model::provider::PROVIDERS;
use serde_json::{Value, json};
use settings::{SETTINGS, is_secret};
use std::collections::BTreeMap;
use std::process::ExitCode;
use toml_edit::{Document, Item, Key, TableLike};

const EXAMPLES: &str = "Examples:
  remit config                         what is in force, and where it comes from
  remit config --json
  REMIT_CONFIG=./other.toml remit config

Secrets are never shown. The file is read once when a session starts: a change holds for sessions that \
start later.";

/// What stands for a secret that there is.
const HIDDEN: &str = "set (hidden)";

/// The Hub.
const HUB: &str = "https://huggingface.co";

/// How to show it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InForce {
    key: String,
    value: String,
    from: From,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Default,
    Line(usize),
    Variable(String),
}

/// Shows it.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let paths = Paths::find()?;
    let loaded = crate::config::load(&paths)?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let values = in_force(&loaded, variable)?;
    let exists = loaded.file.exists();
    if args.json {
        let settings: Vec<Value> = values.iter().map(as_json).collect();
        outln!("{:#}", json!({ "file": loaded.file, "exists": exists, "settings": settings }));
        return Ok(ExitCode::SUCCESS);
    }
    let named = if paths.config_was_named() { ", named by REMIT_CONFIG" } else { "" };
    let missing = if exists { "" } else { "; there is none, `remit init` writes one" };
    outln!("{}{named}{missing}\n", loaded.file.display());
    out!("{}", as_text(&values));
    Ok(ExitCode::SUCCESS)
}

/// Every value in force: what the file says, and for each setting that has one name, what holds without it.
fn in_force(loaded: &Loaded, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<InForce>, Failure> {
    let document = Document::parse(loaded.text.as_str()).map_err(|why| Failure::bug(anyhow!("{why}")))?;
    let mut written = BTreeMap::new();
    walk(document.as_table(), &mut Vec::new(), &loaded.text, &mut written);
    let mut values = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| !setting.key.contains("NAME")) {
        let found = written.remove(&keyed(setting.key));
        let found = found.map(|(value, line)| (value, From::Line(line)));
        let (value, from) = before_the_file(setting.key, &variable)
            .or(found)
            .or_else(|| after_the_file(setting.key, token_variable(&loaded.config), &variable))
            .unwrap_or_else(|| (setting.default.to_owned(), From::Default));
        values.push(InForce { key: setting.key.to_owned(), value, from });
    }
    values.extend(written.into_iter().map(|(key, (value, line))| InForce {
        key: shown_key(&key),
        value: shown_value(&key, value),
        from: From::Line(line),
    }));
    values.extend(credentials(&loaded.config, &variable));
    Ok(values)
}

fn keyed(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}

fn shown_key(key: &[String]) -> String {
    key.iter().map(|part| Key::new(part).display_repr().into_owned()).collect::<Vec<_>>().join(".")
}

/// A value as it may be shown: no secret, and of an address nothing that may be one.
fn shown_value(key: &[String], value: String) -> String {
    match value.split_once('?') {
        _ if is_secret(key) => HIDDEN.to_owned(),
        Some((address, _)) if address.contains("://") => format!("{address}?...\""),
        Some(_) | None => value,
    }
}

/// A variable that comes before what the file says.
fn before_the_file(key: &str, variable: impl Fn(&str) -> Option<String>) -> Option<(String, From)> {
    if key == "model" { from_variable("REMIT_MODEL", variable) } else { None }
}

/// The variable that holds the Hub's token.
fn token_variable(config: &Config) -> &str {
    config.hf.token_env.as_deref().unwrap_or("HF_TOKEN")
}

/// What holds where the file says nothing: a variable, and the public Hub for whoever has a token of it.
fn after_the_file(
    key: &str,
    token_variable: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<(String, From)> {
    if key != "hf.endpoint" {
        return None;
    }
    let public = |_| (format!("{HUB:?}"), From::Default);
    from_variable("HF_ENDPOINT", &variable).or_else(|| variable(token_variable).map(public))
}

fn from_variable(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<(String, From)> {
    variable(name).map(|value| (format!("{value:?}"), From::Variable(name.to_owned())))
}

/// Every value of the file, by its key, with its line. Inline tables are looked into; lists are one value.
fn walk(
    table: &dyn TableLike,
    path: &mut Vec<String>,
    source: &str,
    found: &mut BTreeMap<Vec<String>, (String, usize)>,
) {
    for (key, item) in table.iter() {
        path.push(key.to_owned());
        match (item.as_table_like(), item) {
            (Some(inner), _) => walk(inner, path, source, found),
            (None, Item::Value(value)) => {
                let span = table.get_key_value(key).and_then(|(key, _)| key.span());
                let before = span.and_then(|span| source.get(..span.start)).unwrap_or_default();
                let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
                let text = value.span().and_then(|span| source.get(span)).unwrap_or_default();
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                found.insert(path.clone(), (text, line));
            }
            (None, Item::None | Item::Table(_) | Item::ArrayOfTables(_)) => {}
        }
        path.pop();
    }
}

/// The keys and secrets that come from variables: whether each is there, never what it is.
fn credentials(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Vec<InForce> {
    let row = |key: String, name: &str| {
        let value = if variable(name).is_some() { HIDDEN } else { "not set" };
        InForce { key, value: value.to_owned(), from: From::Variable(name.to_owned()) }
    };
    let mut rows = Vec::new();
    for (name, provider) in &config.providers {
        if let Some(variable) = &provider.key_env {
            rows.push(row(format!("providers.{name}.key"), variable));
        }
    }
    for known in &PROVIDERS {
        let own = config.providers.get(known.name);
        let has_own = own.is_some_and(|own| own.key.is_some() || own.key_env.is_some());
        let set = known.key_variables.iter().find(|name| variable(name).is_some());
        if let (false, Some(name)) = (has_own, set) {
            rows.push(row(format!("providers.{}.key", known.name), name));
        }
    }
    rows.push(row("hf.token".to_owned(), token_variable(config)));
    for (name, secret) in config.hf.secrets.iter().filter(|(_, secret)| secret.value.is_none()) {
        rows.push(row(format!("hf.secrets.{name}"), secret.env.as_deref().unwrap_or(name)));
    }
    rows
}

fn as_text(values: &[InForce]) -> String {
    let wide = |of: fn(&InForce) -> &String, most: usize| {
        values.iter().map(|value| of(value).chars().count()).max().unwrap_or(0).min(most)
    };
    let (keys, texts) = (wide(|value| &value.key, 32), wide(|value| &value.value, 36));
    let lines = values.iter().map(|value| {
        let from = match &value.from {
            From::Default => "default".to_owned(),
            From::Line(line) => format!("line {line}"),
            From::Variable(name) => format!("variable {name}"),
        };
        format!("{:<keys$}  {:<texts$}  {from}\n", value.key, value.value)
    });
    lines.collect()
}

fn as_json(value: &InForce) -> Value {
    let from = match &value.from {
        From::Default => json!({ "from": "default" }),
        From::Line(line) => json!({ "from": "file", "line": line }),
        From::Variable(name) => json!({ "from": "environment", "variable": name }),
    };
    json!({ "key": value.key, "value": value.value, "source": from })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn values(text: &str, variables: &[(&str, &str)]) -> Vec<InForce> {
        let config = crate::config::parse(text).unwrap();
        let loaded = Loaded { config, file: PathBuf::from("config.toml"), text: text.to_owned() };
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        in_force(&loaded, variable).unwrap()
    }

    fn value(values: &[InForce], key: &str) -> (String, From) {
        let found = values.iter().find(|value| value.key == key);
        found.map(|found| (found.value.clone(), found.from.clone())).unwrap_or_else(|| panic!("no `{key}`: {values:?}"))
    }

    #[test]
    fn each_value_says_its_line_its_variable_or_that_it_is_a_default() {
        let text =
            "# mine\nmodel = \"a/b\"\nprohibitions = [\n  \"shell: rm\",\n  \"read: x\",\n]\n[yolo]\n\ncap = \"3\"\n";
        let found = values(text, &[("HF_ENDPOINT", "http://127.0.0.1:1")]);
        assert_eq!(value(&found, "model"), ("\"a/b\"".into(), From::Line(2)));
        assert_eq!(value(&found, "prohibitions"), ("[ \"shell: rm\", \"read: x\", ]".into(), From::Line(3)));
        assert_eq!(value(&found, "yolo.cap"), ("\"3\"".into(), From::Line(9)));
        assert_eq!(value(&found, "limits.max_turns"), ("500".into(), From::Default));
        assert_eq!(
            value(&found, "hf.endpoint"),
            ("\"http://127.0.0.1:1\"".into(), From::Variable("HF_ENDPOINT".into()))
        );
        assert_eq!(value(&found, "hf.token"), ("not set".into(), From::Variable("HF_TOKEN".into())));
    }

    #[test]
    fn a_variable_comes_before_the_file_only_where_the_program_has_it_so() {
        let text = "model = \"a/b\"\nhf.endpoint = \"http://file\"\n";
        let found = values(text, &[("REMIT_MODEL", "c/d"), ("HF_ENDPOINT", "http://variable")]);
        assert_eq!(value(&found, "model"), ("\"c/d\"".into(), From::Variable("REMIT_MODEL".into())));
        assert_eq!(value(&found, "hf.endpoint"), ("\"http://file\"".into(), From::Line(2)));
    }

    #[test]
    fn no_secret_is_shown() {
        let text = "[providers.x]\nbase_url = \"http://h/v1?key=hush1\"\nkey = \"hush2\"\n\
                    [providers.y]\nkey_env = \"Y_KEY\"\n\
                    [mcp.a]\ncommand = [\"a\"]\nenv = { T = \"hush3\" }\n[mcp.b]\nurl = \"http://b\"\n\
                    headers.Authorization = \"hush4\"\n[hf.secrets.S]\nvalue = \"hush5\"\n[hf.secrets.V]\n";
        let variables = [("Y_KEY", "hush6"), ("OPENAI_API_KEY", "hush7"), ("HF_TOKEN", "hush8"), ("V", "hush9")];
        let found = values(text, &variables);
        let json: Vec<Value> = found.iter().map(as_json).collect();
        for shown in [as_text(&found), json!(json).to_string()] {
            assert!(!shown.contains("hush"), "{shown}");
        }
        for key in
            ["providers.x.key", "providers.y.key", "providers.openai.key", "mcp.a.env.T", "hf.token", "hf.secrets.V"]
        {
            assert_eq!(value(&found, key).0, HIDDEN, "{key}");
        }
        assert_eq!(value(&found, "mcp.b.headers.Authorization"), (HIDDEN.into(), From::Line(11)));
        assert_eq!(value(&found, "hf.secrets.S.value"), (HIDDEN.into(), From::Line(13)));
    }

    #[test]
    fn a_key_with_a_dot_in_it_is_shown_as_it_is_written() {
        let found = values("prices.\"mcp:a/b.c\" = \"0.05\"\n", &[]);
        assert_eq!(value(&found, "prices.\"mcp:a/b.c\""), ("\"0.05\"".into(), From::Line(1)));
    }
}
