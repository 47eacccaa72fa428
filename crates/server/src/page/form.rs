//! A form that an MCP server wants filled in: its fields as a person reads them, and the answer as the server does.
//!
//! Not here: whether the answer is right. The session checks it against the server's own words.

use serde_json::{Map, Value};

/// The most fields that are read of a form.
const MOST_FIELDS: usize = 100;
/// The most choices that are named of one field.
const MOST_CHOICES: usize = 50;

/// What stands before the name of a field where it is sent.
pub const FIELD: &str = "field.";

/// What a server wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedFields {
    /// What the server says.
    pub message: String,
    /// What it asks for.
    pub fields: Vec<Field>,
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the answer.
    pub name: String,
    /// What it is called; its name where it has no title.
    pub title: String,
    /// What the server says about it; may be empty.
    pub about: String,
    /// What may stand there.
    pub takes: Takes,
    /// Whether the answer must have it.
    pub need: FieldNeeds,
    /// What stands there until the person writes something else; may be empty.
    pub start: String,
}

/// What may stand in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Words.
    Text,
    /// A number without a point.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    YesOrNo,
    /// One of these: each as it is sent, and as it is read.
    OneOf(Vec<(String, String)>),
    /// Any of these.
    AnyOf(Vec<(String, String)>),
}

/// Whether an answer must have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldNeeds {
    /// It must.
    Required,
    /// It may.
    Optional,
}

impl AskedFields {
    /// Reads a form off what a question shows: the server's words, and then, in the last line, the schema.
    pub fn of(shown: &str) -> Option<AskedFields> {
        let (message, schema) = shown.rsplit_once('\n').unwrap_or(("", shown));
        let Ok(Value::Object(schema)) = serde_json::from_str(schema) else { return None };
        let properties = schema.get("properties")?.as_object()?;
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = properties.iter().take(MOST_FIELDS).map(|(name, property)| Field {
            name: name.clone(),
            title: word(property, "title").unwrap_or(name).to_owned(),
            about: word(property, "description").unwrap_or_default().to_owned(),
            takes: takes(property),
            need: if required.contains(&name.as_str()) { FieldNeeds::Required } else { FieldNeeds::Optional },
            start: property.get("default").map(words).unwrap_or_default(),
        });
        Some(AskedFields { message: message.to_owned(), fields: fields.collect() })
    }

    /// Makes what the person filled in the answer: a JSON object. `sent` has what came, each under [`FIELD`] and its name.
    ///
    /// # Errors
    /// Says which field does not have what it takes.
    pub fn answer(&self, sent: &[(String, String)]) -> Result<String, String> {
        let mut content = Map::new();
        for field in &self.fields {
            let of_field = |(name, _): &&(String, String)| name.strip_prefix(FIELD) == Some(&*field.name);
            let values: Vec<&str> = sent.iter().filter(of_field).map(|(_, value)| value.as_str()).collect();
            if let Some(value) = field.value(&values)? {
                content.insert(field.name.clone(), value);
            }
        }
        Ok(Value::Object(content).to_string())
    }
}

impl Field {
    fn value(&self, sent: &[&str]) -> Result<Option<Value>, String> {
        let first = sent.first().copied().unwrap_or_default();
        let number = || {
            let is_number = |value: &Value| value.is_number();
            let value = serde_json::from_str(first.trim()).ok().filter(is_number);
            value.ok_or_else(|| format!("`{}` takes a number", self.title))
        };
        let value = match &self.takes {
            Takes::YesOrNo => Value::Bool(first == "true"),
            Takes::AnyOf(_) => Value::Array(sent.iter().map(|one| Value::from(*one)).collect()),
            _ if first.is_empty() && self.need == FieldNeeds::Required => {
                return Err(format!("`{}` is missing", self.title));
            }
            _ if first.is_empty() => return Ok(None),
            Takes::Whole => Some(number()?)
                .filter(|number| number.is_i64() || number.is_u64())
                .ok_or_else(|| format!("`{}` takes a whole number", self.title))?,
            Takes::Number => number()?,
            Takes::Text | Takes::OneOf(_) => Value::from(first),
        };
        Ok(Some(value))
    }
}

fn word<'a>(property: &'a Value, key: &str) -> Option<&'a str> {
    property.get(key).and_then(Value::as_str)
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The choices that a schema names, if it does.
fn choices(property: &Value) -> Option<Vec<(String, String)>> {
    if let Some(all) = property.get("enum").and_then(Value::as_array) {
        let titles = property.get("enumNames").and_then(Value::as_array);
        let title =
            |at: usize, value: &Value| titles.and_then(|titles| titles.get(at)).map_or_else(|| words(value), words);
        let named = all.iter().take(MOST_CHOICES).enumerate().map(|(at, value)| (words(value), title(at, value)));
        return Some(named.collect());
    }
    let all = ["oneOf", "anyOf"].iter().find_map(|key| property.get(key)).and_then(Value::as_array)?;
    let titled = all.iter().take(MOST_CHOICES).filter_map(|one| {
        let value = words(one.get("const")?);
        Some((value.clone(), word(one, "title").map_or(value, str::to_owned)))
    });
    Some(titled.collect())
}

fn takes(property: &Value) -> Takes {
    if let Some(choices) = choices(property) {
        return Takes::OneOf(choices);
    }
    match word(property, "type") {
        Some("array") => Takes::AnyOf(property.get("items").and_then(choices).unwrap_or_default()),
        Some("boolean") => Takes::YesOrNo,
        Some("integer") => Takes::Whole,
        Some("number") => Takes::Number,
        _text => Takes::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "Who are you?\nSay it.\n{\"type\":\"object\",\"properties\":{\
        \"name\":{\"type\":\"string\",\"title\":\"Name\"},\
        \"age\":{\"type\":\"integer\",\"description\":\"in years\"},\
        \"role\":{\"enum\":[\"reader\",\"writer\"]},\
        \"likes\":{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\"]}},\
        \"news\":{\"type\":\"boolean\",\"default\":true}},\"required\":[\"name\"]}";

    fn sent(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| (format!("{FIELD}{name}"), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_is_read_off_the_last_line() {
        let form = AskedFields::of(SHOWN).unwrap();
        assert_eq!(form.message, "Who are you?\nSay it.");
        assert_eq!(form.fields[0].title, "Name");
        assert_eq!(form.fields[4].start, "true");
        for other in ["a question", "a\n{}", "a\n[1]", "{\"properties\":3}", ""] {
            assert_eq!(AskedFields::of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_filled_in_is_an_answer_of_the_right_kinds() {
        let form = AskedFields::of(SHOWN).unwrap();
        let all =
            sent(&[("name", "12"), ("age", "3"), ("role", "writer"), ("likes", "a"), ("likes", "b"), ("news", "true")]);
        let expected = r#"{"name":"12","age":3,"role":"writer","likes":["a","b"],"news":true}"#;
        assert_eq!(form.answer(&all), Ok(expected.to_owned()));
        assert_eq!(form.answer(&sent(&[("name", "x")])), Ok(r#"{"name":"x","likes":[],"news":false}"#.to_owned()));
        assert_eq!(form.answer(&sent(&[])), Err("`Name` is missing".to_owned()));
        assert_eq!(form.answer(&sent(&[("name", "x"), ("age", "1.5")])), Err("`age` takes a whole number".to_owned()));
        assert_eq!(form.answer(&sent(&[("name", "x"), ("age", "[1]")])), Err("`age` takes a number".to_owned()));
    }
}
