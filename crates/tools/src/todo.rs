//! `todo`: the model's list of what it means to do.
//!
//! Not here: showing it to the person (that is a surface's).

use crate::call::{Invalid, Priced};
use crate::{json, site::Site};
use gate::{Act, Done, Permit, Report};
use host::scene::{Scene, TodoItem, TodoState};
use policy::{Action, Effect, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "todo";

/// How long the list, and one line of it, may be.
const MOST_ITEMS: usize = 100;
const LONGEST: usize = 500;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Keeps your list of steps: give the whole list to replace it, nothing to see it.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "items": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "text": { "type": "string" },
                            "state": { "enum": ["pending", "in_progress", "done"] }
                        },
                        "required": ["text"]
                    }
                }
            },
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    items: Option<Vec<Item>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    text: String,
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    #[default]
    Pending,
    InProgress,
    Done,
}

/// A call that sets or shows the list.
#[derive(Debug)]
pub struct Todo {
    items: Option<Vec<TodoItem>>,
    shown: String,
}

/// Understands a call.
pub fn parse(arguments: Value, _: &Site) -> Result<Todo, Invalid> {
    let shown = arguments.to_string();
    let Arguments { items } = json::typed(NAME, arguments)?;
    let items = items.map(|items| items.into_iter().map(item).collect::<Vec<_>>());
    for (at, item) in items.iter().flatten().enumerate() {
        if at == MOST_ITEMS {
            return Err(Invalid::of(NAME, format!("`items`: at most {MOST_ITEMS} steps can be kept")));
        }
        if item.text.trim().is_empty() || item.text.len() > LONGEST {
            return Err(Invalid::of(NAME, format!("`items[{at}].text`: 1 to {LONGEST} bytes")));
        }
    }
    Ok(Todo { items, shown })
}

fn item(item: Item) -> TodoItem {
    let state = match item.state {
        State::Pending => TodoState::Pending,
        State::InProgress => TodoState::InProgress,
        State::Done => TodoState::Done,
    };
    TodoItem { text: item.text, state }
}

impl Act for Todo {
    fn action(&self) -> Action {
        let summary = match &self.items {
            Some(items) => format!("set the list of steps ({})", items.len()),
            None => "show the list of steps".to_owned(),
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

/// Sets the list, where one was given, and tells it.
pub async fn run(permit: Permit<Priced<Todo>>, scene: &Scene) -> Done {
    if let Some(items) = &permit.act().items {
        scene.todos.set(items.clone());
    }
    let told = told(&scene.todos.items());
    permit.finish(Report::Done(told))
}

fn told(items: &[TodoItem]) -> String {
    if items.is_empty() {
        return "the list is empty".to_owned();
    }
    let mark = |state| match state {
        TodoState::Pending => "[ ]",
        TodoState::InProgress => "[>]",
        TodoState::Done => "[x]",
    };
    items.iter().map(|item| format!("{} {}\n", mark(item.state), item.text.replace('\n', " "))).collect()
}
