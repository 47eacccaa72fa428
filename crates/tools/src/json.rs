//! Reading the arguments that a model wrote: strict JSON of a bounded size, and typed arguments out of it.
//!
//! Not here: what the arguments mean.
//!
//! A key that is written twice is refused: two readers could take different ones, and then what a person was shown is not
//! what runs.

use crate::call::Invalid;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The most bytes that the arguments of one call may have.
pub const LARGEST: usize = 1 << 20;

/// Reads the arguments of a call; no text at all stands for none. The error names the place.
pub fn read(text: &str) -> Result<Value, String> {
    if text.len() > LARGEST {
        return Err(format!("the arguments have {} bytes; at most {LARGEST} are read", text.len()));
    }
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|why| format!("the arguments are not JSON: {why}"))
}

/// Turns arguments into a tool's own type, or names the field that is wrong.
pub fn typed<T: DeserializeOwned>(tool: &'static str, arguments: Value) -> Result<T, Invalid> {
    if !arguments.is_object() {
        return Err(Invalid::of(tool, "the arguments must be a JSON object"));
    }
    serde_path_to_error::deserialize(arguments).map_err(|why| {
        let field = why.path().to_string();
        let why = why.into_inner();
        Invalid::of(tool, if field == "." { why.to_string() } else { format!("`{field}`: {why}") })
    })
}

/// Reads a [`Value`] and refuses an object with two fields of one name.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is too large"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` is written twice")));
            }
            let value = map.next_value_seed(Strict)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_read_as_they_were_written() {
        let text = r#"{"b": [1, -2, 0.5, null, true, "x\n\u00e9"], "a": {"c": {}}}"#;
        assert_eq!(read(text).unwrap(), json!({"b": [1, -2, 0.5, null, true, "x\né"], "a": {"c": {}}}));
        assert_eq!(read(" \n").unwrap(), json!({}));
    }

    #[test]
    fn what_is_no_json_names_the_place() {
        for (text, place) in [
            ("{\"a\": 1,}", "line 1 column 9"),
            ("{\n\"a\" 1}", "line 2 column 5"),
            ("{} {}", "line 1 column 4"),
            ("{\"a\": \"\\ud800\"}", "line 1 column"),
            ("{\"a\": 1, \"b\": 2, \"a\": 3}", "the key `a` is written twice at line 1 column 20"),
            ("[{\"x\": 1, \"x\": 1}]", "written twice"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(place), "{text}: {why}");
        }
    }

    #[test]
    fn hostile_json_is_an_error_and_no_crash() {
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("recursion limit"));
        assert!(read(&"x".repeat(LARGEST + 1)).unwrap_err().contains("at most"));
        assert!(read("1e999").is_err());
    }
}
