//! The tools that a server declares, read with suspicion: bounded in number and size, and never looser than they once were.
//!
//! Not here: asking the server for them, or calling one.

use crate::config::ServerName;
use crate::name::{full_name, model_name};
use crate::schema;
use crate::text::{is_trick, one_line, paragraphs};
use policy::Effect;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use turn::chat::ToolSpec;

/// How many tools of one server are taken.
pub(crate) const MOST_TOOLS: usize = 256;

/// How many bytes all tools of one server may take in a request to a model.
const MOST_BYTES: usize = 256 * 1024;

/// The longest name of a tool, in bytes.
const LONGEST_NAME: usize = 128;

/// The longest description that is handed on, in characters.
const LONGEST_DESCRIPTION: usize = 2_000;

/// How many tools that are left out are named.
const MOST_SAID: usize = 20;

/// How many names are remembered for their effect; beyond that no claim to be read-only is believed.
const MOST_REMEMBERED: usize = 4_096;

/// A tool of a server, as it is declared now.
#[derive(Clone, Debug, PartialEq)]
pub struct McpTool {
    server: ServerName,
    name: String,
    model_name: String,
    description: String,
    schema: Arc<Value>,
    effect: Effect,
}

impl McpTool {
    /// The server that has it.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// Its name, as the server spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name, as the person writes it in rules: `mcp:server/tool`.
    pub fn full_name(&self) -> String {
        full_name(&self.server, &self.name)
    }

    /// Its name, as a model calls it.
    pub fn model_name(&self) -> &str {
        &self.model_name
    }

    /// What it says it does.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What a call of it counts as: `Read` if it says `readOnlyHint: true` and has never said otherwise in this
    /// session, else `Change`.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The tool as it is declared to a model.
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.model_name.clone(),
            description: self.description.clone(),
            parameters: self.schema.as_ref().clone(),
        }
    }

    /// Checks arguments against the declared schema.
    pub(crate) fn check(&self, arguments: &Value) -> Result<(), String> {
        schema::check(&self.schema, arguments)
    }
}

/// Which tools of a server have ever been declared without `readOnlyHint: true`.
///
/// Authority is read once when a session starts: a tool that could change something then does not become one that
/// runs without a question because its server says so later.
#[derive(Debug, Default)]
pub(crate) struct Floor {
    changing: BTreeSet<String>,
    known: BTreeSet<String>,
}

impl Floor {
    fn note(&mut self, name: &str, declared: Effect) {
        if self.known.len() < MOST_REMEMBERED && !self.known.contains(name) {
            self.known.insert(name.to_owned());
        }
        if declared != Effect::Read && self.known.contains(name) {
            self.changing.insert(name.to_owned());
        }
    }

    fn effect(&self, name: &str) -> Effect {
        if self.known.contains(name) && !self.changing.contains(name) { Effect::Read } else { Effect::Change }
    }
}

/// What became of a list of tools.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The tools that can be called, in the order of their names.
    pub(crate) tools: Vec<McpTool>,
    /// One line for each tool, or crowd of them, that is left out, with the reason.
    pub(crate) left_out: Vec<String>,
}

/// A list of tools as it is taken, page by page, as far as it can be used. Of two tools with one name the first is kept.
#[derive(Debug)]
pub(crate) struct Taking<'a> {
    server: &'a ServerName,
    floor: &'a mut Floor,
    names: BTreeSet<String>,
    bytes: usize,
    crowd: usize,
    taken: Taken,
}

impl Taking<'_> {
    /// Starts a list.
    pub(crate) fn new<'a>(server: &'a ServerName, floor: &'a mut Floor) -> Taking<'a> {
        Taking { server, floor, names: BTreeSet::new(), bytes: 0, crowd: 0, taken: Taken::default() }
    }

    /// Takes a page of it, and says whether more is wanted.
    pub(crate) fn add(&mut self, page: &[Value]) -> ControlFlow<()> {
        for entry in page {
            if let Some(name) = entry.get("name").and_then(Value::as_str).filter(|name| is_name(name)) {
                self.floor.note(name, declared_effect(entry));
            }
            if self.taken.tools.len() == MOST_TOOLS || self.bytes >= MOST_BYTES {
                self.crowd += 1;
                continue;
            }
            match tool(self.server, entry) {
                Ok(tool) if !self.names.insert(tool.model_name.clone()) => {
                    self.leave_out(format!("a second tool called `{}`", tool.name));
                }
                Ok(tool) => {
                    self.bytes += tool.description.len() + tool.schema.to_string().len();
                    self.taken.tools.push(tool);
                }
                Err(why) => self.leave_out(why),
            }
        }
        if self.crowd > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn leave_out(&mut self, why: String) {
        let said = &mut self.taken.left_out;
        if said.len() < MOST_SAID {
            said.push(why);
        } else if said.len() == MOST_SAID {
            said.push("and more".to_owned());
        }
    }

    /// Ends the list.
    pub(crate) fn done(mut self) -> Taken {
        if self.crowd > 0 {
            let most = format!("{MOST_TOOLS} of a server, in {MOST_BYTES} bytes, are taken");
            self.taken.left_out.push(format!("{} more tools or beyond: {most}", self.crowd));
        }
        for tool in &mut self.taken.tools {
            tool.effect = self.floor.effect(&tool.name);
        }
        self.taken.tools.sort_by(|a, b| a.name.cmp(&b.name));
        self.taken
    }
}

/// One tool; its effect is set when the list is whole.
fn tool(server: &ServerName, entry: &Value) -> Result<McpTool, String> {
    let Some(name) = entry.get("name").and_then(Value::as_str) else {
        return Err("a tool without a name".to_owned());
    };
    if !is_name(name) {
        return Err(format!("a tool whose name cannot be shown: `{}`", one_line(name, 64)));
    }
    let declared = entry.get("inputSchema");
    if let Some(why) = schema::fault(declared) {
        return Err(format!("`{name}`: {why}"));
    }
    let schema = declared.and_then(Value::as_object).map(schema::completed).unwrap_or_default();
    let words = [entry.get("description"), entry.get("title"), entry.pointer("/annotations/title")];
    let description = words.into_iter().flatten().find_map(Value::as_str).unwrap_or_default();
    Ok(McpTool {
        server: server.clone(),
        name: name.to_owned(),
        model_name: model_name(server, name),
        description: paragraphs(description, LONGEST_DESCRIPTION),
        schema: Arc::new(schema),
        effect: Effect::Change,
    })
}

/// Whether a name can be shown to a person in one piece.
fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.trim() == name
        && name.len() <= LONGEST_NAME
        && !name.chars().any(|letter| is_trick(letter) || (letter.is_whitespace() && letter != ' '))
}

fn declared_effect(entry: &Value) -> Effect {
    match entry.pointer("/annotations/readOnlyHint") {
        Some(Value::Bool(true)) => Effect::Read,
        _ => Effect::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server() -> ServerName {
        "s".parse().unwrap()
    }

    fn take(server: &ServerName, listed: &[Value], floor: &mut Floor) -> Taken {
        let mut taking = Taking::new(server, floor);
        let _ = taking.add(listed);
        taking.done()
    }

    fn entry(name: &str, effect: Effect) -> Value {
        let read_only = effect == Effect::Read;
        json!({ "name": name, "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": read_only } })
    }

    fn effects(listed: &[Value], floor: &mut Floor) -> Vec<(String, Effect)> {
        take(&server(), listed, floor).tools.into_iter().map(|tool| (tool.name.clone(), tool.effect)).collect()
    }

    #[test]
    fn only_a_hint_that_is_true_makes_a_tool_read() {
        let schema = json!({});
        let listed = [
            entry("a", Effect::Read),
            entry("b", Effect::Change),
            json!({ "name": "c", "inputSchema": schema }),
            json!({ "name": "d", "inputSchema": schema, "annotations": { "readOnlyHint": "true" } }),
            json!({ "name": "e", "inputSchema": schema, "annotations": { "title": "reads", "destructiveHint": false } }),
        ];
        let found: Vec<Effect> =
            effects(&listed, &mut Floor::default()).into_iter().map(|(_, effect)| effect).collect();
        assert_eq!(found, [Effect::Read, Effect::Change, Effect::Change, Effect::Change, Effect::Change]);
    }

    #[test]
    fn a_tool_never_becomes_looser_within_a_session() {
        let mut floor = Floor::default();
        let read = |name: &str| (name.to_owned(), Effect::Read);
        let change = |name: &str| (name.to_owned(), Effect::Change);
        assert_eq!(
            effects(&[entry("a", Effect::Change), entry("b", Effect::Read)], &mut floor),
            [change("a"), read("b")]
        );
        assert_eq!(
            effects(&[entry("a", Effect::Read), entry("b", Effect::Change)], &mut floor),
            [change("a"), change("b")]
        );
        assert_eq!(effects(&[], &mut floor), []);
        assert_eq!(
            effects(&[entry("a", Effect::Read), entry("b", Effect::Read), entry("c", Effect::Read)], &mut floor),
            [change("a"), change("b"), read("c")]
        );
    }

    #[test]
    fn of_two_tools_with_one_name_the_first_is_kept_with_the_stricter_effect() {
        let mut floor = Floor::default();
        let taken = take(&server(), &[entry("a", Effect::Read), entry("a", Effect::Change)], &mut floor);
        assert_eq!(taken.tools.len(), 1);
        assert_eq!(taken.tools[0].effect, Effect::Change);
        assert_eq!(taken.left_out, ["a second tool called `a`"]);
    }

    #[test]
    fn what_a_later_page_says_of_a_tool_counts_too() {
        let (server, mut floor) = (server(), Floor::default());
        let mut taking = Taking::new(&server, &mut floor);
        assert!(taking.add(&[entry("a", Effect::Read)]).is_continue());
        assert!(taking.add(&[entry("a", Effect::Change)]).is_continue());
        assert_eq!(taking.done().tools[0].effect, Effect::Change);
    }

    #[test]
    fn when_too_many_names_were_seen_no_new_claim_is_believed() {
        let mut floor = Floor::default();
        let crowd: Vec<Value> = (0..MOST_REMEMBERED).map(|at| entry(&format!("t{at}"), Effect::Read)).collect();
        take(&server(), &crowd, &mut floor);
        assert_eq!(effects(&[entry("t1", Effect::Read), entry("late", Effect::Read)], &mut floor)[0].1, Effect::Change);
        assert_eq!(effects(&[entry("t1", Effect::Read)], &mut floor)[0].1, Effect::Read);
        assert_eq!(effects(&[entry("t1", Effect::Change)], &mut floor)[0].1, Effect::Change);
    }

    #[test]
    fn a_tool_that_cannot_be_used_is_left_out_and_said() {
        let listed = [
            json!({ "inputSchema": {} }),
            json!({ "name": "", "inputSchema": {} }),
            json!({ "name": "a\u{202e}b", "inputSchema": {} }),
            json!({ "name": "no-schema" }),
            json!({ "name": "listy", "inputSchema": [] }),
            json!("tool"),
            json!({ "name": "fine", "inputSchema": {}, "title": "Fine" }),
        ];
        let taken = take(&server(), &listed, &mut Floor::default());
        let names: Vec<&str> = taken.tools.iter().map(McpTool::name).collect();
        assert_eq!(names, ["fine"]);
        assert_eq!(taken.tools[0].description(), "Fine");
        assert_eq!(
            taken.left_out,
            [
                "a tool without a name",
                "a tool whose name cannot be shown: ``",
                "a tool whose name cannot be shown: `ab`",
                "`no-schema`: it has no input schema",
                "`listy`: its input schema is an array, not an object",
                "a tool without a name",
            ]
        );
    }

    #[test]
    fn a_flood_of_tools_is_cut_and_counted() {
        let many: Vec<Value> = (0..10_000).map(|at| entry(&format!("t{at:05}"), Effect::Read)).collect();
        let taken = take(&server(), &many, &mut Floor::default());
        assert_eq!(taken.tools.len(), MOST_TOOLS);
        assert_eq!(taken.left_out, ["9744 more tools or beyond: 256 of a server, in 262144 bytes, are taken"]);
        let bad: Vec<Value> = (0..1_000).map(|_| json!({})).collect();
        assert_eq!(take(&server(), &bad, &mut Floor::default()).left_out.len(), MOST_SAID + 1);
        let long = json!({ "type": "object", "description": "x".repeat(15_000) });
        let large: Vec<Value> = (0..30).map(|at| json!({ "name": format!("t{at}"), "inputSchema": long })).collect();
        let taken = take(&server(), &large, &mut Floor::default());
        assert_eq!(taken.tools.len(), 18);
        assert_eq!(taken.left_out.len(), 1);
    }

    #[test]
    fn a_tool_is_declared_with_a_bounded_description_and_a_whole_schema() {
        let listed = [json!({ "name": "a.b", "inputSchema": { "required": [] }, "description": "x".repeat(9_000) })];
        let spec = take(&server(), &listed, &mut Floor::default()).tools[0].spec();
        assert!(spec.name.starts_with("mcp__s__a_b_"), "{}", spec.name);
        assert_eq!(spec.description.chars().count(), LONGEST_DESCRIPTION + 1);
        assert_eq!(spec.parameters, json!({ "required": [], "type": "object", "properties": {} }));
    }
}
