//! Arguments against the schema that a server declared: types, what is required, what is allowed.
//!
//! Not here: the whole of JSON Schema. A model gets a clear error for the mistakes that models make; the server checks the
//! rest, and what is not understood here (`$ref`, `anyOf`, formats) is let through to it. A complete validator was
//! rejected: it is larger than the SDK, for an error that the server gives anyway.

use serde_json::{Map, Value};

/// The largest schema that is handed to a model, in bytes of JSON.
pub(crate) const LARGEST: usize = 16 * 1024;

/// How deep a schema is looked into; a deeper one is left out.
const DEEPEST: usize = 24;

/// How many names a message lists.
const LISTED: usize = 12;

/// What makes a declared input schema useless, if anything does.
pub(crate) fn fault(schema: Option<&Value>) -> Option<String> {
    let Some(schema) = schema else {
        return Some("it has no input schema".to_owned());
    };
    let Some(rules) = schema.as_object() else {
        return Some(format!("its input schema is {}, not an object", kind(schema)));
    };
    if rules.get("type").is_some_and(|declared| declared != "object") {
        return Some("its input schema is not of type `object`".to_owned());
    }
    if let Some(properties) = rules.get("properties") {
        let is_schema = |value: &Value| value.is_object() || value.is_boolean();
        if !properties.as_object().is_some_and(|known| known.values().all(is_schema)) {
            return Some("its input schema has `properties` that are no schemas".to_owned());
        }
    }
    if let Some(required) = rules.get("required")
        && !required.as_array().is_some_and(|names| names.iter().all(Value::is_string))
    {
        return Some("its input schema has a `required` that is no list of names".to_owned());
    }
    if is_deeper_than(schema, DEEPEST) {
        return Some(format!("its input schema is more than {DEEPEST} levels deep"));
    }
    let size = schema.to_string().len();
    (size > LARGEST).then(|| format!("its input schema has {size} bytes; at most {LARGEST} are taken"))
}

/// The schema as it is declared to a model: services want `type` and `properties` to be there.
pub(crate) fn completed(schema: &Map<String, Value>) -> Value {
    let mut whole = schema.clone();
    whole.entry("type").or_insert_with(|| "object".into());
    whole.entry("properties").or_insert_with(|| Map::new().into());
    Value::Object(whole)
}

/// Checks a value against a schema, or says what is wrong with it and what would be right.
pub(crate) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    at(schema, value, "", 0)
}

fn at(schema: &Value, value: &Value, path: &str, depth: usize) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        return Ok(());
    };
    if depth > DEEPEST || rules.contains_key("$ref") {
        return Ok(());
    }
    let it = if path.is_empty() { "the arguments".to_owned() } else { format!("`{path}`") };
    let types = types(rules);
    if !types.is_empty() && !types.iter().any(|wanted| is_a(value, wanted)) {
        return Err(format!("{it} must be {}, not {}", types.join(" or "), kind(value)));
    }
    if let Some(allowed) = rules.get("enum").and_then(Value::as_array)
        && !allowed.iter().any(|choice| is_same(choice, value))
    {
        let choices: Vec<String> = allowed.iter().take(LISTED).map(Value::to_string).collect();
        return Err(format!("{it} must be one of {}", choices.join(", ")));
    }
    if let Some(only) = rules.get("const")
        && !is_same(only, value)
    {
        return Err(format!("{it} must be {only}"));
    }
    match value {
        Value::Object(members) => of_members(rules, members, path, depth),
        Value::Array(elements) => of_elements(rules, elements, path, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn of_members(
    rules: &Map<String, Value>,
    members: &Map<String, Value>,
    path: &str,
    depth: usize,
) -> Result<(), String> {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let required = rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !members.contains_key(*name)) {
        return Err(format!("`{}` is missing", below(missing)));
    }
    let known = rules.get("properties").and_then(Value::as_object);
    let others = rules.get("additionalProperties");
    let is_closed = others == Some(&Value::Bool(false)) && !rules.contains_key("patternProperties");
    for (name, value) in members {
        match known.and_then(|known| known.get(name)).or(others.filter(|schema| schema.is_object())) {
            Some(schema) => at(schema, value, &below(name), depth + 1)?,
            None if is_closed => {
                let names: Vec<&str> = known.into_iter().flat_map(Map::keys).take(LISTED).map(String::as_str).collect();
                let taken = if names.is_empty() { "nothing".to_owned() } else { format!("`{}`", names.join("`, `")) };
                return Err(format!("there is no `{}`; it takes {taken}", below(name)));
            }
            None => {}
        }
    }
    Ok(())
}

fn of_elements(rules: &Map<String, Value>, elements: &[Value], path: &str, depth: usize) -> Result<(), String> {
    let Some(schema) = rules.get("items") else {
        return Ok(());
    };
    let first = rules.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
    let mut numbered = elements.iter().enumerate().skip(first);
    numbered.try_for_each(|(index, element)| at(schema, element, &format!("{path}[{index}]"), depth + 1))
}

/// Equality of values; `1` and `1.0` are the same number.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _not_both_numbers => one == other,
    }
}

fn types(rules: &Map<String, Value>) -> Vec<&str> {
    match rules.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_a(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        // A type that this does not know is the server's to judge.
        _unknown => true,
    }
}

/// What a value is, in a word for a message.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Object(members) => levels == 0 || members.values().any(|inner| is_deeper_than(inner, levels - 1)),
        Value::Array(elements) => levels == 0 || elements.iter().any(|inner| is_deeper_than(inner, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn says(schema: &Value, value: Value) -> String {
        check(schema, &value).err().unwrap_or_default()
    }

    #[test]
    fn an_argument_that_is_wrong_is_named_with_what_would_be_right() {
        let schema = json!({
            "type": "object",
            "required": ["title"],
            "additionalProperties": false,
            "properties": {
                "title": { "type": "string" },
                "count": { "type": ["integer", "null"] },
                "state": { "enum": ["open", "closed"] },
                "labels": { "type": "array", "items": { "type": "string" } },
                "head": { "type": "object", "required": ["ref"], "properties": { "ref": { "type": "string" } } },
                "kind": { "const": "pull" },
                "size": { "enum": [1, 3] },
            },
        });
        for (arguments, wanted) in [
            (json!({}), "`title` is missing"),
            (json!({ "title": 3 }), "`title` must be string, not a number"),
            (json!({ "title": "x", "count": 1.5 }), "`count` must be integer or null, not a number"),
            (json!({ "title": "x", "state": "gone" }), "`state` must be one of \"open\", \"closed\""),
            (json!({ "title": "x", "labels": ["a", 2] }), "`labels[1]` must be string, not a number"),
            (json!({ "title": "x", "head": {} }), "`head.ref` is missing"),
            (json!({ "title": "x", "kind": "issue" }), "`kind` must be \"pull\""),
            (json!({ "title": "x", "size": 2 }), "`size` must be one of 1, 3"),
            (
                json!({ "title": "x", "titel": "y" }),
                "there is no `titel`; it takes `title`, `count`, `state`, `labels`, `head`, `kind`, `size`",
            ),
            (json!([]), "the arguments must be object, not an array"),
        ] {
            assert_eq!(says(&schema, arguments), wanted);
        }
    }

    #[test]
    fn what_fits_and_what_is_not_understood_passes() {
        let schema = json!({
            "type": "object",
            "properties": { "n": { "type": "integer" }, "any": { "$ref": "#/x", "type": "string" }, "free": true },
            "additionalProperties": { "type": "number" },
        });
        for fine in [json!({}), json!({ "n": 2.0 }), json!({ "any": 3 }), json!({ "free": [] }), json!({ "more": 1 })] {
            assert_eq!(says(&schema, fine), "");
        }
        assert_eq!(says(&schema, json!({ "more": "x" })), "`more` must be number, not a string");
        assert_eq!(says(&json!({ "enum": [1, 3] }), json!(3.0)), "");
        assert_eq!(says(&json!({ "type": "array", "items": { "type": "null" } }), json!([null])), "");
        let patterns = json!({ "additionalProperties": false, "patternProperties": { "^x": {} } });
        assert_eq!(says(&patterns, json!({ "xy": 1 })), "");
    }

    #[test]
    fn a_schema_that_is_none_is_found_out() {
        let mut deep = json!({});
        for _ in 0..30 {
            deep = json!({ "properties": { "a": deep } });
        }
        for (schema, wanted) in [
            (json!("string"), "its input schema is a string, not an object"),
            (json!({ "type": "array" }), "its input schema is not of type `object`"),
            (json!({ "properties": [] }), "its input schema has `properties` that are no schemas"),
            (json!({ "properties": { "a": 1 } }), "its input schema has `properties` that are no schemas"),
            (json!({ "required": "a" }), "its input schema has a `required` that is no list of names"),
            (deep, "its input schema is more than 24 levels deep"),
            (
                json!({ "description": "x".repeat(LARGEST) }),
                "its input schema has 16402 bytes; at most 16384 are taken",
            ),
        ] {
            assert_eq!(fault(Some(&schema)).as_deref(), Some(wanted));
        }
        assert_eq!(fault(None).as_deref(), Some("it has no input schema"));
        assert_eq!(fault(Some(&json!({}))), None);
    }

    #[test]
    fn a_schema_is_completed_for_services_that_want_its_parts() {
        let bare = json!({ "$schema": "x" });
        assert_eq!(completed(bare.as_object().unwrap()), json!({ "$schema": "x", "type": "object", "properties": {} }));
    }
}
