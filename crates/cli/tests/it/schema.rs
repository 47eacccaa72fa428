//! Checks a JSON value against a JSON schema, as far as the schema of the events goes; a word of the schema's that is not
//! known here fails the check.
//!
//! Not here: any test. A whole validator would cost more crates than the program it checks.

use serde_json::Value;

/// Says where and why a value is not what the schema describes.
pub fn check(root: &Value, value: &Value) -> Result<(), String> {
    at(root, root, value, "it")
}

fn at(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let words = schema.as_object().ok_or_else(|| format!("{place}: the schema is {schema}"))?;
    for (word, meaning) in words {
        match word.as_str() {
            "$schema" | "title" | "description" | "$defs" | "default" | "format" => {}
            "$ref" => {
                let path = meaning.as_str().and_then(|path| path.strip_prefix('#')).ok_or("a reference elsewhere")?;
                let target = root.pointer(path).ok_or_else(|| format!("the schema lacks `{path}`"))?;
                at(root, target, value, place)?;
            }
            "oneOf" | "anyOf" => {
                let fits = |schema: &&Value| at(root, schema, value, place).is_ok();
                let fitting = meaning.as_array().into_iter().flatten().filter(fits).count();
                if fitting == 0 || (word == "oneOf" && fitting > 1) {
                    return Err(format!("{place}: {fitting} of {word} fit {value}"));
                }
            }
            "type" => {
                let kinds = meaning.as_array().cloned().unwrap_or_else(|| vec![meaning.clone()]);
                if !kinds.iter().any(|kind| is_of(kind, value)) {
                    return Err(format!("{place} is no {meaning}: {value}"));
                }
            }
            "const" if meaning == value => {}
            "enum" if meaning.as_array().is_some_and(|words| words.contains(value)) => {}
            "const" | "enum" => return Err(format!("{place} is not {meaning}: {value}")),
            "minimum" => {
                if value.as_f64().zip(meaning.as_f64()).is_some_and(|(value, least)| value < least) {
                    return Err(format!("{place} is less than {meaning}: {value}"));
                }
            }
            "required" => {
                let names = meaning.as_array().into_iter().flatten().filter_map(Value::as_str);
                if let Some(name) = names.into_iter().find(|name| value.get(name).is_none()) {
                    return Err(format!("{place} lacks `{name}`: {value}"));
                }
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let known =
                        meaning.get(name).ok_or_else(|| format!("{place} has `{name}`, which is not described"))?;
                    at(root, known, value, &format!("{place}.{name}"))?;
                }
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                items.into_iter().try_for_each(|item| at(root, meaning, item, &format!("{place}[]")))?;
            }
            other => return Err(format!("`{other}` of the schema is not known to this check")),
        }
    }
    Ok(())
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _unknown => false,
    }
}
