//! A form that an MCP server wants filled in: its fields as a person reads them, and the answer as the server does.
//!
//! Not here: whether the answer is right. The session checks it against the server's own words.

use serde_json::{Map, Value};

/// The most fields that are read of a form.
const MOST_FIELDS: usize = 100;
/// The most choices that are named of one field.
const MOST_CHOICES: usize = 20;

/// What a server wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What the server says.
    pub message: String,
    /// What it asks for.
    pub fields: Vec<FormField>,
}

/// One thing that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its name in the answer.
    pub name: String,
    /// What may stand there, in words.
    pub takes: String,
    /// What the server says about it; may be empty.
    pub about: String,
    /// Whether the answer must have it.
    pub need: FieldNeed,
    /// What stands there until the person writes something else.
    pub start: Value,
}

/// Whether an answer must have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldNeed {
    /// It must.
    Required,
    /// It may.
    Optional,
}

impl Form {
    /// Reads a form off what a question shows: the server's words, and then, in the last line, the schema.
    pub fn of(shown: &str) -> Option<Form> {
        let (message, schema) = shown.rsplit_once('\n').unwrap_or(("", shown));
        let Ok(Value::Object(schema)) = serde_json::from_str(schema) else { return None };
        let properties = schema.get("properties")?.as_object()?;
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = properties.iter().take(MOST_FIELDS).map(|(name, property)| FormField {
            name: name.clone(),
            takes: takes(property),
            about: about(property),
            need: if required.contains(&name.as_str()) { FieldNeed::Required } else { FieldNeed::Optional },
            start: start(property),
        });
        Some(Form { message: message.to_owned(), fields: fields.collect() })
    }

    /// An answer to begin with.
    pub fn skeleton(&self) -> String {
        let content: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.clone(), field.start.clone())).collect();
        serde_json::to_string_pretty(&content).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Whether it asks for one thing alone, which can be written as it is.
    pub fn is_one_field(&self) -> bool {
        self.fields.len() == 1
    }

    /// Makes what the person wrote the answer: a JSON object, or the plain words for a single field.
    ///
    /// # Errors
    /// Says what is missing. Any answer but an object would decline the form, and nobody declines by a slip.
    pub fn answer(&self, written: &str) -> Result<String, String> {
        let content = match (serde_json::from_str(written), self.fields.as_slice()) {
            (Ok(Value::Object(content)), _) => content,
            (parsed, [field]) => {
                let words = Value::String(written.trim().to_owned());
                let value = match (&field.start, parsed) {
                    (Value::String(_), _) | (_, Err(_)) => words,
                    (_, Ok(value)) => value,
                };
                Map::from_iter([(field.name.clone(), value)])
            }
            _ => return Err("the server takes a JSON object; `e` on an empty line begins one".to_owned()),
        };
        let missing =
            self.fields.iter().find(|field| field.need == FieldNeed::Required && !content.contains_key(&field.name));
        match missing {
            Some(field) => Err(format!("`{}` is missing", field.name)),
            None => Ok(Value::Object(content).to_string()),
        }
    }
}

/// The choices that a schema names, if it does.
fn choices(property: &Value) -> Option<Vec<String>> {
    let named = property.get("enum").and_then(Value::as_array).map(|all| all.iter().collect::<Vec<_>>());
    let titled = ["oneOf", "anyOf"].iter().find_map(|key| property.get(key)).and_then(Value::as_array);
    let consts = titled.map(|all| all.iter().filter_map(|one| one.get("const")).collect::<Vec<_>>());
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(named.or(consts)?.into_iter().take(MOST_CHOICES).map(words).collect())
}

fn takes(property: &Value) -> String {
    if let Some(choices) = choices(property) {
        return format!("one of {}", choices.join(", "));
    }
    let word = |key: &str| property.get(key).and_then(Value::as_str);
    match (word("type"), word("format")) {
        (Some("array"), _) => match property.get("items").and_then(choices) {
            Some(choices) => format!("a list, of {}", choices.join(", ")),
            None => "a list".to_owned(),
        },
        (Some("boolean"), _) => "true or false".to_owned(),
        (Some("integer"), _) => "a whole number".to_owned(),
        (Some("number"), _) => "a number".to_owned(),
        (_, Some(format)) => format!("text ({format})"),
        (_, None) => "text".to_owned(),
    }
}

fn about(property: &Value) -> String {
    let words = ["title", "description"].iter().filter_map(|key| property.get(key)?.as_str());
    words.collect::<Vec<_>>().join(": ")
}

fn start(property: &Value) -> Value {
    if let Some(default) = property.get("default") {
        return default.clone();
    }
    if let Some(first) = choices(property).and_then(|choices| choices.into_iter().next()) {
        return Value::String(first);
    }
    match property.get("type").and_then(Value::as_str) {
        Some("boolean") => Value::Bool(false),
        Some("integer" | "number") => Value::from(0),
        Some("array") => Value::Array(Vec::new()),
        _ => Value::String(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "Who are you?\nSay it.\n{\"type\":\"object\",\"properties\":{\
        \"name\":{\"type\":\"string\",\"title\":\"Name\"},\
        \"age\":{\"type\":\"integer\",\"description\":\"in years\"},\
        \"role\":{\"enum\":[\"reader\",\"writer\"]},\
        \"news\":{\"type\":\"boolean\",\"default\":true}},\"required\":[\"name\"]}";

    #[test]
    fn a_form_is_read_off_the_last_line_and_begun_with_what_fits() {
        let form = Form::of(SHOWN).unwrap();
        assert_eq!(form.message, "Who are you?\nSay it.");
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|field| (field.name.as_str(), field.takes.as_str())).collect();
        let expected =
            [("name", "text"), ("age", "a whole number"), ("role", "one of reader, writer"), ("news", "true or false")];
        assert_eq!(fields, expected);
        let begun: Value = serde_json::from_str(&form.skeleton()).unwrap();
        assert_eq!(begun, serde_json::json!({ "name": "", "age": 0, "role": "reader", "news": true }));
        for other in ["a question", "a\n{}", "a\n[1]", "{\"properties\":3}", ""] {
            assert_eq!(Form::of(other), None, "{other}");
        }
    }

    #[test]
    fn nothing_but_an_object_with_what_is_required_is_an_answer() {
        let form = Form::of(SHOWN).unwrap();
        assert_eq!(form.answer("{\"name\":\"Ada\"}"), Ok("{\"name\":\"Ada\"}".to_owned()));
        assert_eq!(form.answer("{\"age\":3}"), Err("`name` is missing".to_owned()));
        assert!(form.answer("Ada").is_err() && form.answer("[1]").is_err() && form.answer("").is_err());
    }

    #[test]
    fn a_single_field_takes_plain_words() {
        let one = |kind: &str| Form::of(&format!("x\n{{\"properties\":{{\"a\":{{\"type\":\"{kind}\"}}}}}}")).unwrap();
        assert_eq!(one("string").answer("12"), Ok("{\"a\":\"12\"}".to_owned()));
        assert_eq!(one("integer").answer("12"), Ok("{\"a\":12}".to_owned()));
        assert_eq!(one("boolean").answer("true"), Ok("{\"a\":true}".to_owned()));
        assert_eq!(one("string").answer("{\"a\":\"b\"}"), Ok("{\"a\":\"b\"}".to_owned()));
    }
}
