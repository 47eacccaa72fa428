//! `runs`: the commands that this session started in the background: listing, reading, stopping.
//!
//! Not here: starting one (that is `shell`).

use crate::call::{Invalid, Priced};
use crate::json;
use crate::site::Site;
use crate::text;
use gate::{Act, Done, Permit};
use host::children::{NotLaunched, Reading, RunId, RunState, RunView};
use host::scene::Scene;
use policy::{Action, Effect, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "runs";

/// How much of a command a list shows, in bytes.
const TITLE: usize = 200;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Lists, reads or stops background runs of `shell`.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "operation": { "enum": ["list", "read", "stop"] },
                "id": { "type": "string", "description": "such as run-1" },
                "offset": { "type": "integer", "minimum": 0, "description": "read: first byte; default: the end" }
            },
            "required": ["operation"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    operation: Operation,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    offset: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    List,
    Read,
    Stop,
}

/// A call about background runs.
#[derive(Debug)]
pub struct RunsCall {
    wanted: Wanted,
    shown: String,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    List,
    Read(RunId, Option<u64>),
    Stop(RunId),
}

/// Understands a call.
pub fn parse(arguments: Value, _site: &Site) -> Result<RunsCall, Invalid> {
    let shown = arguments.to_string();
    let Arguments { operation, id, offset } = json::typed(NAME, arguments)?;
    if offset.is_some() && operation != Operation::Read {
        return Err(Invalid::of(NAME, "`offset` goes with `read` alone"));
    }
    let id = match &id {
        Some(id) => Some(id.parse().map_err(|why| Invalid::of(NAME, format!("`id`: {why}; ids look like `run-1`")))?),
        None => None,
    };
    let wanted = match (operation, id) {
        (Operation::List, None) => Wanted::List,
        (Operation::List, Some(_)) => return Err(Invalid::of(NAME, "`list` takes no `id`; `read` shows one run")),
        (Operation::Read, Some(id)) => Wanted::Read(id, offset),
        (Operation::Stop, Some(id)) => Wanted::Stop(id),
        (Operation::Read | Operation::Stop, None) => {
            return Err(Invalid::of(NAME, "`id` is missing; `list` shows the ids"));
        }
    };
    Ok(RunsCall { wanted, shown })
}

impl Act for RunsCall {
    fn action(&self) -> Action {
        let summary = match self.wanted {
            Wanted::List => "list the background runs".to_owned(),
            Wanted::Read(id, _) => format!("read {id}"),
            Wanted::Stop(id) => format!("stop {id}"),
        };
        Action {
            tool: NAME.to_owned(),
            effect: Effect::Read,
            price: Price::Free,
            summary,
            subject: Subject::Other,
            shown: self.shown.clone(),
        }
    }
}

/// Looks at the runs, or stops one.
pub async fn run(permit: Permit<Priced<RunsCall>>, scene: &Scene) -> Done {
    let outcome = attended(&permit, scene).await;
    permit.finish(text::report(outcome.map_err(|why| why.to_string())))
}

async fn attended(permit: &Permit<Priced<RunsCall>>, scene: &Scene) -> Result<String, NotLaunched> {
    match permit.act().wanted {
        Wanted::List => {
            let runs: Vec<String> = scene.runs.list().iter().map(line).collect();
            Ok(if runs.is_empty() { "there are no background runs".to_owned() } else { runs.join("\n") })
        }
        Wanted::Read(id, offset) => scene.runs.read(permit, id, offset).map(|reading| read(&reading)),
        Wanted::Stop(id) => scene.runs.stop(permit, id).await.map(|run| line(&run)),
    }
}

fn line(run: &RunView) -> String {
    let title = run.title.trim().lines().next().unwrap_or_default();
    format!("{}: {}: {}{}", run.id, text::beginning(title, TITLE), run.state, left(&run.state))
}

/// What a run left behind, where it is known.
fn left(state: &RunState) -> String {
    match state {
        RunState::Ended(outcome) => match &**outcome {
            Ok(exit) if exit.left_behind > 0 => {
                format!("; {} left running and ended", text::count(exit.left_behind, "program"))
            }
            Ok(_) | Err(_) => String::new(),
        },
        RunState::Going(_) | RunState::Lost => String::new(),
    }
}

fn read(reading: &Reading) -> String {
    let Reading { from, next, total, text, run } = reading;
    let more = if next < total { format!("; go on with offset {next}") } else { String::new() };
    format!("[{}]\n[bytes {from} to {next} of {total}{more}; the file is `{}`]\n{text}", line(run), run.file.display())
}
