//! The built-in tools, each with what it declares for a few calls: nothing is listed here that a tool does not say itself.
//!
//! Not here: what a mode makes of it.

use crate::commands::explain::judgement::judge;
use crate::config::Config;
use crate::failure::Failure;
use crate::wiring;
use engine::work::Desk;
use gate::State;
use host::environment::Environment;
use host::place::Workspace;
use mcp::{Servers, Surroundings};
use policy::{Attendance, ModeChoice};
use serde_json::{Value, json};
use std::path::Path;

/// Calls that show what a tool can be.
const CALLS: [(&str, &str); 15] = [
    ("read", r#"{"path": "README.md"}"#),
    ("read", r#"{"path": "/etc/hostname"}"#),
    ("list", "{}"),
    ("search", r#"{"pattern": "fn main"}"#),
    ("history", r#"{"operation": "status"}"#),
    ("web_fetch", r#"{"url": "https://example.org/"}"#),
    ("edit", r#"{"path": "a.txt", "old": "a", "new": "b"}"#),
    ("write", r#"{"path": "a.txt", "content": "x"}"#),
    ("shell", r#"{"command": "cargo test"}"#),
    ("shell", r#"{"command": "grep -r todo .", "confined": true}"#),
    ("runs", r#"{"operation": "list"}"#),
    ("todo", r#"{"items": []}"#),
    ("hf_jobs", r#"{"operation": "ps"}"#),
    ("hf_jobs", r#"{"operation": "run", "image": "python:3.12", "command": ["python", "-c", "1"]}"#),
    ("hf_jobs", r#"{"operation": "cancel", "job_id": "abc"}"#),
];

/// The tools, each with the effects that it declares for these calls.
pub fn listed(config: &Config, folder: &Path) -> Result<Value, Failure> {
    let workspace = Workspace::open(folder).map_err(Failure::user)?;
    let environment = Environment::of_this_program(&wiring::key_variables(config), &config.shell.pass);
    let surroundings = Surroundings { environment: environment.open(), folder: workspace.root().to_owned() };
    let (servers, _) = Servers::start(Vec::new(), surroundings).map_err(Failure::config)?;
    let (site, prices) = (wiring::site(config, workspace)?, wiring::tool_prices(config)?);
    let desk = Desk { site: &site, servers: &servers, prices: &prices };
    let mode = ModeChoice::DEFAULT.resolve(None, engine::DEFAULT_CAP);
    let state = State::open(mode, Attendance::Attended, Vec::new());
    let calls = |tool: &str| -> Vec<Value> {
        let of_it = CALLS.iter().filter(|(name, _)| *name == tool);
        let judged = of_it.filter_map(|(name, arguments)| {
            let decided = judge(&state, name, arguments, &desk).decided?;
            let arguments: Value = serde_json::from_str(arguments).ok()?;
            Some(json!({ "arguments": arguments, "effect": decided.effect.to_string(), "price": decided.price.to_string() }))
        });
        judged.collect()
    };
    let tool = |spec: turn::chat::ToolSpec| json!({ "name": spec.name, "description": spec.description, "parameters": spec.parameters, "calls": calls(&spec.name) });
    Ok(json!({ "tools": tools::specs().into_iter().map(tool).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_understood_and_says_its_effect() {
        let folder = tempfile::tempdir().unwrap();
        let listed = listed(&Config::default(), folder.path()).unwrap();
        let calls = listed["tools"].as_array().unwrap().iter().flat_map(|tool| tool["calls"].as_array().unwrap());
        assert_eq!(calls.count(), CALLS.len());
    }
}
