//! `list`: what a folder holds, as a tree.
//!
//! Not here: what is in the files (that is `read` and `search`).

use crate::call::{Invalid, Priced};
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use host::files::FileError;
use host::scene::Scene;
use host::tree::{self, Folder, Kind, Look, Node, Shown};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::ops::ControlFlow;
use tokio_util::sync::CancellationToken;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "list";

/// How many levels are shown when nobody says how many, and at most.
const DEPTH: usize = 2;
const DEEPEST: usize = 20;
/// How many entries are shown.
const MOST_ENTRIES: usize = 1000;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Lists a folder as a tree with sizes, without what ignore files leave out.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "path": { "type": "string", "description": "default `.`" },
                "depth": { "type": "integer", "minimum": 1, "maximum": DEEPEST, "description": "default 2" },
                "ignored": { "type": "boolean", "description": "also show ignored files" }
            },
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    depth: Option<usize>,
    #[serde(default)]
    ignored: bool,
}

/// A call that lists a folder.
#[derive(Debug)]
pub struct List {
    place: Place,
    effect: Effect,
    look: Look,
    shown: String,
}

/// Understands a call.
pub fn parse(arguments: Value, site: &Site) -> Result<List, Invalid> {
    let shown = arguments.to_string();
    let Arguments { path, depth, ignored } = json::typed(NAME, arguments)?;
    let place = site.place(NAME, path.as_deref().unwrap_or("."))?;
    let depth = depth.unwrap_or(DEPTH);
    if !(1..=DEEPEST).contains(&depth) {
        return Err(Invalid::of(NAME, format!("`depth`: 1 to {DEEPEST} levels can be shown")));
    }
    let ignored = if ignored { Shown::Yes } else { Shown::No };
    let look = Look { hidden: Shown::Yes, ignored, depth };
    Ok(List { effect: site.effect_of_reading(&place), place, look, shown })
}

impl Act for List {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: self.effect,
            price: Price::Free,
            summary: format!("list {}", text::place(&self.place)),
            subject: Subject::Read(self.place.clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Lists the folder.
pub async fn run(permit: Permit<Priced<List>>, scene: &Scene) -> Done {
    let outcome = listed(&permit, scene).await;
    permit.finish(text::report(outcome))
}

async fn listed(permit: &Permit<Priced<List>>, scene: &Scene) -> Result<String, String> {
    let List { place, look, .. } = &**permit.act();
    let folder = tree::open(permit, &scene.workspace, place).map_err(|why| match why {
        FileError::NotAFolder(path) => format!("`{path}` is not a folder; call `read` for a file"),
        why => why.to_string(),
    })?;
    let (name, look, stop) = (text::name(&place.real).to_owned(), *look, scene.stop.clone());
    let told = tokio::task::spawn_blocking(move || told(folder, &name, look, &stop)).await;
    told.map_err(|why| format!("listing crashed: {why}"))
}

fn told(folder: Folder, name: &str, look: Look, stop: &CancellationToken) -> String {
    let (mut told, mut entries, mut ended) = (format!("{name}/\n"), 0, None);
    let missed = folder.walk(look, &mut |entry| {
        if stop.is_cancelled() {
            ended = Some("stopped here".to_owned());
        } else if entries == MOST_ENTRIES || told.len() > text::MOST {
            ended = Some(format!("cut here after {entries} entries: list a folder below, or less depth"));
        }
        if ended.is_some() {
            return ControlFlow::Break(());
        }
        entries += 1;
        told.push_str(&row(entry));
        ControlFlow::Continue(())
    });
    if entries == 0 && ended.is_none() {
        told.push_str("[nothing is in it, or nothing that is not ignored]\n");
    }
    told.extend(ended.map(|why| format!("[{why}]\n")));
    if missed.folders > 0 {
        told.push_str(&format!("[{} could not be opened]\n", text::count(missed.folders, "folder")));
    }
    if missed.cut > 0 {
        told.push_str("[some folders are too deep or too full to be shown whole]\n");
    }
    told
}

fn row(entry: &Node<'_>) -> String {
    let name = entry.name().replace(['\n', '\r'], "\u{fffd}");
    let what = match entry.kind {
        Kind::Folder => "/".to_owned(),
        Kind::File => entry.size().map_or_else(String::new, |size| format!("  {}", text::size(size))),
        Kind::Link => format!(" -> {}", entry.target().unwrap_or_default()),
        Kind::Special => "  (not a file)".to_owned(),
    };
    format!("{}{name}{what}\n", "  ".repeat(entry.depth))
}
