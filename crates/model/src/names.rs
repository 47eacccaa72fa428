//! Names of tools and of calls as services accept them, and the way back.
//!
//! Not here: which tools there are, or what they are called towards people.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use turn::chat::ToolSpec;

/// The longest name of a tool that every service accepts.
const LONGEST_NAME: usize = 64;

/// The names of the declared tools on the wire.
///
/// Services accept letters, digits, `_` and `-`; names such as `mcp:forge/create` have more. What is not accepted is
/// replaced, and what would then be the same is told apart by a hash, so that the same tools always get the same names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    spelled: HashMap<String, String>,
    meant: HashMap<String, String>,
}

impl Names {
    /// Finds a name for each tool. A name that is accepted as it is stays, whatever the others come to.
    pub fn of(tools: &[ToolSpec]) -> Names {
        let mut names = Names::default();
        let (plain, odd): (Vec<_>, Vec<_>) = tools.iter().partition(|tool| is_accepted(&tool.name));
        for tool in plain.into_iter().chain(odd) {
            if names.spelled.contains_key(&tool.name) {
                continue;
            }
            let mut wire = accepted(&tool.name);
            if names.meant.contains_key(&wire) {
                wire = hashed(&wire, &tool.name);
            }
            names.meant.insert(wire.clone(), tool.name.clone());
            names.spelled.insert(tool.name.clone(), wire);
        }
        names
    }

    /// Returns how a tool is spelled on the wire, declared or not.
    pub fn spelled(&self, name: &str) -> String {
        self.spelled.get(name).cloned().unwrap_or_else(|| accepted(name))
    }

    /// Returns the tool that a model means; what it made up stays as it is.
    pub fn meant<'a>(&'a self, wire: &'a str) -> &'a str {
        self.meant.get(wire).map_or(wire, String::as_str)
    }
}

fn is_accepted(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn accepted(name: &str) -> String {
    if is_accepted(name) {
        return name.to_owned();
    }
    let mut wire = String::new();
    for c in name.chars() {
        match u8::try_from(c) {
            Ok(byte) if is_name_byte(byte) => wire.push(c),
            _ => wire.push_str("__"),
        }
    }
    match wire.len() {
        0 => "unnamed".to_owned(),
        1..=LONGEST_NAME => wire,
        _ => hashed(&wire, name),
    }
}

/// Puts the hash of the full name (FNV-1a) at the end of a shortened one.
fn hashed(wire: &str, name: &str) -> String {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{}_{hash:08x}", &wire[..wire.len().min(LONGEST_NAME - 9)])
}

/// What a service accepts as the identifier of a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallIds {
    /// Up to 64 visible ASCII characters.
    Plain,
    /// Up to 64 letters, digits, `_` and `-`.
    Word,
    /// Exactly nine letters and digits.
    Nine,
}

impl CallIds {
    fn accepts(self, id: &str) -> bool {
        match self {
            CallIds::Plain => (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()),
            CallIds::Word => (1..=64).contains(&id.len()) && id.bytes().all(is_name_byte),
            CallIds::Nine => id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        }
    }
}

/// The identifiers of the calls of one conversation on the wire.
///
/// A conversation may have spoken with several services, and some number their calls anew in each reply; here each
/// call gets an identifier of its own, which depends on nothing that comes after it (a prompt cache lives on that).
pub(crate) struct CallNames {
    rule: CallIds,
    taken: HashSet<String>,
    latest: HashMap<String, String>,
    count: usize,
}

impl CallNames {
    pub fn new(rule: CallIds) -> CallNames {
        CallNames { rule, taken: HashSet::new(), latest: HashMap::new(), count: 0 }
    }

    /// Returns the identifier of the next call.
    pub fn call(&mut self, id: &str) -> String {
        self.count += 1;
        let mut wire = id.to_owned();
        let mut number = self.count;
        while !self.rule.accepts(&wire) || self.taken.contains(&wire) {
            wire = match self.rule {
                CallIds::Plain | CallIds::Word => format!("call_n{number}"),
                CallIds::Nine => format!("n{:08}", number % 100_000_000),
            };
            number += 1;
        }
        self.taken.insert(wire.clone());
        self.latest.insert(id.to_owned(), wire.clone());
        wire
    }

    /// Returns the identifier of the call that a result answers.
    pub fn result(&self, id: &str) -> String {
        self.latest.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }
}

/// Returns a call's arguments as an object. What the model wrote may be no object: then it is wrapped, as services
/// refuse a conversation that has such a call in it, and the model should still see what it wrote.
pub(crate) fn arguments_object(arguments: &str) -> Map<String, Value> {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(map)) => map,
        _ => Map::from_iter([("invalid_json".to_owned(), Value::from(arguments))]),
    }
}

/// Returns a call's arguments as the text of an object, unaltered where it is one.
pub(crate) fn arguments_text(arguments: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(arguments) {
        Ok(_) => arguments.to_owned(),
        Err(_) => Value::Object(arguments_object(arguments)).to_string(),
    }
}

/// Returns the schema of a tool's arguments with the two words that services insist on.
pub(crate) fn schema(parameters: &Value) -> Value {
    let mut schema = parameters.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(names: &[&str]) -> Vec<ToolSpec> {
        let spec =
            |name: &&str| ToolSpec { name: name.to_string(), description: String::new(), parameters: Value::Null };
        names.iter().map(spec).collect()
    }

    #[test]
    fn names_go_over_the_wire_and_come_back() {
        let long = format!("mcp:server/{}", "x".repeat(100));
        let declared = ["mcp:forge/create", "mcp__forge__create", "read", "mcp:forge.create", &long, "写", ""];
        let names = Names::of(&tools(&declared));
        let mut seen = HashSet::new();
        for name in declared {
            let wire = names.spelled(name);
            assert!(is_accepted(&wire), "{wire}");
            assert_eq!(names.meant(&wire), name);
            assert!(seen.insert(wire));
        }
        assert_eq!(names.spelled("read"), "read");
        assert_eq!(names.spelled("mcp__forge__create"), "mcp__forge__create");
        assert_eq!(Names::of(&tools(&["mcp:forge/create"])).spelled("mcp:forge/create"), "mcp__forge__create");
    }

    #[test]
    fn a_tool_that_the_model_made_up_keeps_the_name_it_was_given() {
        let names = Names::of(&tools(&["read"]));
        assert_eq!(names.meant("mcp:forge/create"), "mcp:forge/create");
        assert_eq!(names.spelled("what is <this>?"), "what__is____this____");
    }

    #[test]
    fn identifiers_are_made_acceptable_and_never_repeat() {
        let mut word = CallNames::new(CallIds::Word);
        assert_eq!(word.call("toolu_01"), "toolu_01");
        assert_eq!(word.result("toolu_01"), "toolu_01");
        assert_eq!(word.call("functions.read:0"), "call_n2");
        assert_eq!(word.result("functions.read:0"), "call_n2");
        assert_eq!(word.call("toolu_01"), "call_n3");
        assert_eq!(word.result("toolu_01"), "call_n3");
        assert_eq!(word.result("unknown"), "unknown");

        let mut nine = CallNames::new(CallIds::Nine);
        assert_eq!(nine.call("abcDEF123"), "abcDEF123");
        assert_eq!(nine.call("call_1"), "n00000002");
        assert_eq!(nine.call("n00000003"), "n00000003");
        assert_eq!(nine.call("call_1"), "n00000004");
    }

    #[test]
    fn arguments_that_are_no_object_are_wrapped() {
        assert_eq!(arguments_text("{ \"a\" : 1 }"), "{ \"a\" : 1 }");
        assert_eq!(arguments_text("{\"a\""), r#"{"invalid_json":"{\"a\""}"#);
        assert_eq!(arguments_text("[1]"), r#"{"invalid_json":"[1]"}"#);
    }

    #[test]
    fn a_schema_says_that_it_is_an_object_with_properties() {
        assert_eq!(schema(&Value::Null).to_string(), r#"{"type":"object","properties":{}}"#);
        let whole = serde_json::json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
        assert_eq!(schema(&whole), whole);
    }
}
