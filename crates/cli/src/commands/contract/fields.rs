//! The keys of one TOML table, taken out one by one: what is left over or has a wrong type is an error with its line.
//!
//! Not here: which keys there are (that is `cases`).
//!
//! A derived reader was rejected: it names the line, but not the case that the line belongs to.

use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;
use toml_edit::{Item, TableLike};

/// What is wrong with a file of cases, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{why}", .case.as_ref().map(|case| format!("case `{case}`: ")).unwrap_or_default())]
pub struct Wrong {
    /// The line, from 1.
    pub line: usize,
    /// The case, where it is one.
    pub case: Option<String>,
    /// What is wrong.
    pub why: String,
}

/// The keys of one table.
pub struct Fields<'a> {
    source: &'a str,
    table: &'a dyn TableLike,
    line: usize,
    case: Option<String>,
    taken: BTreeSet<&'static str>,
}

/// The line of a place in a text, from 1.
pub fn line_of(source: &str, at: Option<Range<usize>>) -> usize {
    let before = at.and_then(|span| source.get(..span.start)).unwrap_or_default();
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

impl<'a> Fields<'a> {
    /// Looks at a table that begins on this line.
    pub fn of(source: &'a str, table: &'a dyn TableLike, line: usize) -> Fields<'a> {
        Fields { source, table, line, case: None, taken: BTreeSet::new() }
    }

    /// The line that the table begins on.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Names the case in every error from now on.
    pub fn name_case(&mut self, id: &str) {
        self.case = Some(id.to_owned());
    }

    /// An error about the whole table.
    pub fn wrong(&self, why: impl Display) -> Wrong {
        Wrong { line: self.line, case: self.case.clone(), why: why.to_string() }
    }

    /// An error about one key.
    pub fn wrong_at(&self, key: &str, why: impl Display) -> Wrong {
        let span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
        let line = span.map_or(self.line, |span| line_of(self.source, Some(span)));
        Wrong { line, case: self.case.clone(), why: why.to_string() }
    }

    /// What stands at a key, as it is.
    pub fn item(&mut self, key: &'static str) -> Option<&'a Item> {
        self.taken.insert(key);
        self.table.get(key)
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, Wrong> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let why = || self.wrong_at(key, format!("`{key}` must be a text in quotes, not {}", kind(item)));
        item.as_str().map(Some).ok_or_else(why)
    }

    /// A text that must be there.
    pub fn need(&mut self, key: &'static str) -> Result<&'a str, Wrong> {
        self.text(key)?.ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    /// A text that stands for something.
    pub fn read<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Result<Option<T>, Wrong> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|why| self.wrong_at(key, format!("`{key}`: {why}")))
    }

    /// A text that stands for something and must be there.
    pub fn need_read<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Result<T, Wrong> {
        self.read(key)?.ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Wrong> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let why = || self.wrong_at(key, format!("`{key}` must be true or false, not {}", kind(item)));
        item.as_bool().map(Some).ok_or_else(why)
    }

    /// A list of texts; empty when it is not there.
    pub fn texts(&mut self, key: &'static str) -> Result<Vec<&'a str>, Wrong> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let texts = item.as_array().map(|list| list.iter().map(|value| value.as_str()).collect::<Option<Vec<_>>>());
        texts.flatten().ok_or_else(|| self.wrong_at(key, format!("`{key}` must be a list of texts")))
    }

    /// A table of texts; empty when it is not there.
    pub fn pairs(&mut self, key: &'static str) -> Result<Vec<(&'a str, &'a str)>, Wrong> {
        let Some(item) = self.item(key) else { return Ok(Vec::new()) };
        let pairs = item
            .as_table_like()
            .map(|table| table.iter().map(|(name, value)| Some((name, value.as_str()?))).collect::<Option<Vec<_>>>());
        pairs.flatten().ok_or_else(|| self.wrong_at(key, format!("`{key}` must be a table of texts")))
    }

    /// A table, as the JSON object that it stands for; empty when it is not there.
    pub fn json(&mut self, key: &'static str) -> Result<Value, Wrong> {
        let Some(item) = self.item(key) else { return Ok(Value::Object(Map::new())) };
        if !item.is_table_like() {
            return Err(self.wrong_at(key, format!("`{key}` must be a table, not {}", kind(item))));
        }
        as_json(item).map_err(|why| self.wrong_at(key, format!("`{key}`: {why}")))
    }

    /// Refuses what was not asked for.
    pub fn finish(&self) -> Result<(), Wrong> {
        let Some((stranger, _)) = self.table.iter().find(|(key, _)| !self.taken.contains(key)) else { return Ok(()) };
        let known = self.taken.iter().copied().collect::<Vec<_>>().join("`, `");
        Err(self.wrong_at(stranger, format!("there is no key `{stranger}`; there are `{known}`")))
    }
}

fn kind(item: &Item) -> String {
    let name = item.type_name();
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// What stands there, as JSON.
fn as_json(item: &Item) -> Result<Value, String> {
    if let Some(table) = item.as_table_like() {
        let members = table.iter().map(|(key, item)| Ok((key.to_owned(), as_json(item)?)));
        return members.collect::<Result<Map<_, _>, String>>().map(Value::Object);
    }
    match item {
        Item::ArrayOfTables(tables) => tables.iter().map(|table| as_json(&Item::Table(table.clone()))).collect(),
        Item::Value(value) => value_as_json(value),
        Item::None | Item::Table(_) => Ok(Value::Null),
    }
}

fn value_as_json(value: &toml_edit::Value) -> Result<Value, String> {
    use toml_edit::Value as Toml;
    match value {
        Toml::String(text) => Ok(Value::String(text.value().clone())),
        Toml::Integer(number) => Ok(Value::from(*number.value())),
        Toml::Float(number) => {
            let number = Number::from_f64(*number.value()).map(Value::Number);
            number.ok_or_else(|| "JSON has no infinite number and no `nan`".to_owned())
        }
        Toml::Boolean(flag) => Ok(Value::Bool(*flag.value())),
        Toml::Datetime(_) => Err("JSON has no dates; write a text".to_owned()),
        Toml::Array(values) => values.iter().map(value_as_json).collect(),
        Toml::InlineTable(table) => {
            let members = table.iter().map(|(key, value)| Ok((key.to_owned(), value_as_json(value)?)));
            members.collect::<Result<Map<_, _>, String>>().map(Value::Object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use toml_edit::Document;

    #[test]
    fn a_table_becomes_the_object_it_stands_for_with_its_keys_in_order() {
        let source = "[t]\nz = 1\na = [1.5, true, { b = \"c\" }]\n[[t.edits]]\nold = \"x\"\n[[t.edits]]\nold = \"y\"\n";
        let document = Document::parse(source).unwrap();
        let mut fields = Fields::of(source, document.as_table(), 1);
        let found = fields.json("t").unwrap();
        let expected = json!({"z": 1, "a": [1.5, true, {"b": "c"}], "edits": [{"old": "x"}, {"old": "y"}]});
        assert_eq!(found.to_string(), expected.to_string());
        assert_eq!(fields.json("none").unwrap(), json!({}));
    }

    #[test]
    fn what_json_has_no_word_for_is_an_error() {
        for (source, why) in
            [("t = { a = nan }", "`nan`"), ("t = { a = 2020-01-01 }", "dates"), ("t = 3", "an integer")]
        {
            let document = Document::parse(source).unwrap();
            let error = Fields::of(source, document.as_table(), 1).json("t").unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn a_wrong_type_and_a_stranger_are_named_with_their_line() {
        let source = "a = \"x\"\nb = 3\n\nc = [1]\nd = { e = 1 }\n";
        let document = Document::parse(source).unwrap();
        let mut fields = Fields::of(source, document.as_table(), 1);
        fields.name_case("k");
        assert_eq!(fields.text("a"), Ok(Some("x")));
        assert_eq!(
            fields.text("b").unwrap_err().to_string(),
            "line 2: case `k`: `b` must be a text in quotes, not an integer"
        );
        assert_eq!(
            fields.flag("b").unwrap_err().to_string(),
            "line 2: case `k`: `b` must be true or false, not an integer"
        );
        assert_eq!(fields.texts("c").unwrap_err().to_string(), "line 4: case `k`: `c` must be a list of texts");
        assert_eq!(
            fields.finish().unwrap_err().to_string(),
            "line 5: case `k`: there is no key `d`; there are `a`, `b`, `c`"
        );
        assert_eq!(fields.pairs("d").unwrap_err().to_string(), "line 5: case `k`: `d` must be a table of texts");
        assert_eq!(fields.need("none").unwrap_err().to_string(), "line 1: case `k`: `none` is missing");
    }
}
