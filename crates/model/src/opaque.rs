//! What a service wants back unread with the next request, and the order of an answer's parts.
//!
//! Not here: what a service means by it. It is marked with the dialect and the model it came from, and goes back to no
//! other: a signature of one model is an error for the next.

use serde_json::{Map, Value, json};
use turn::chat::{Reply, ToolCall};

use crate::endpoint::Dialect;

/// Marks what a service wants back.
pub(crate) fn stamp(dialect: Dialect, model: &str, mut rest: Map<String, Value>) -> Value {
    let mut stamped = Map::new();
    stamped.insert("dialect".into(), dialect.name().into());
    stamped.insert("model".into(), model.into());
    stamped.append(&mut rest);
    Value::Object(stamped)
}

/// Returns what goes back with a reply to this dialect and model.
pub(crate) fn stamped<'a>(reply: &'a Reply, dialect: Dialect, model: &str) -> Option<&'a Map<String, Value>> {
    let opaque = reply.reasoning.as_ref()?.opaque.as_ref()?.as_object()?;
    let fits = opaque.get("dialect")?.as_str()? == dialect.name() && opaque.get("model")?.as_str()? == model;
    fits.then_some(opaque)
}

/// One part of an answer, in the order in which the service sent them.
#[derive(Debug, PartialEq)]
pub(crate) enum Part<'a> {
    /// Something to give back as it came.
    Opaque(&'a Value),
    /// Something said, and the service's word for what kind of saying it was.
    Text(&'a str, Option<&'a str>),
    /// A tool call.
    Call(&'a ToolCall),
}

/// The order of an answer's parts while they come in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    parts: Vec<Value>,
    opaque: usize,
    phases: usize,
    told: usize,
}

impl Layout {
    /// Notes something to give back as it came.
    pub fn item(&mut self, item: Value) {
        self.parts.push(json!({ "item": item }));
        self.opaque += 1;
    }

    /// Notes that what was said up to here, and not noted yet, is one part.
    pub fn text(&mut self, said: usize, phase: Option<&str>) {
        if said > self.told {
            let mut part = json!({ "text": said - self.told });
            if let Some(phase) = phase {
                part["phase"] = phase.into();
                self.phases += 1;
            }
            self.parts.push(part);
            self.told = said;
        }
    }

    /// Notes the next tool call.
    pub fn call(&mut self) {
        self.parts.push("call".into());
    }

    /// Ends the layout; there is none where nothing is lost without it.
    pub fn finish(self) -> Option<Value> {
        (self.opaque + self.phases > 0).then_some(Value::Array(self.parts))
    }
}

/// Returns the parts of a reply in order. Where the layout does not fit the reply, the usual order is taken: what goes
/// back unread, then the text, then the calls.
pub(crate) fn parts<'a>(reply: &'a Reply, layout: Option<&'a Value>) -> Vec<Part<'a>> {
    let entries = layout.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    laid_out(reply, entries).unwrap_or_else(|| {
        let opaque = entries.iter().filter_map(|entry| entry.get("item")).map(Part::Opaque);
        let text = (!reply.text.is_empty()).then_some(Part::Text(&reply.text, None));
        opaque.chain(text).chain(reply.calls.iter().map(Part::Call)).collect()
    })
}

fn laid_out<'a>(reply: &'a Reply, entries: &'a [Value]) -> Option<Vec<Part<'a>>> {
    let mut parts = Vec::with_capacity(entries.len());
    let mut text = reply.text.as_str();
    let mut calls = reply.calls.iter();
    for entry in entries {
        if let Some(item) = entry.get("item") {
            parts.push(Part::Opaque(item));
        } else if let Some(bytes) = entry.get("text").and_then(Value::as_u64) {
            let (said, rest) = text.split_at_checked(usize::try_from(bytes).ok()?)?;
            parts.push(Part::Text(said, entry.get("phase").and_then(Value::as_str)));
            text = rest;
        } else {
            parts.push(Part::Call(calls.next()?));
        }
    }
    (text.is_empty() && calls.next().is_none()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use turn::chat::Reasoning;

    use super::*;

    fn reply(text: &str, calls: usize) -> Reply {
        let call = |n: usize| ToolCall { id: format!("c{n}"), name: "read".into(), arguments: "{}".into() };
        Reply { text: text.into(), reasoning: None, calls: (0..calls).map(call).collect() }
    }

    #[test]
    fn the_order_of_the_parts_survives() {
        let mut layout = Layout::default();
        layout.item(json!({"n": 1}));
        layout.text(3, Some("commentary"));
        layout.call();
        layout.item(json!({"n": 2}));
        layout.text(3, None);
        layout.call();
        layout.text(5, None);
        let layout = layout.finish().unwrap();
        let reply = reply("abcde", 2);
        assert_eq!(
            parts(&reply, Some(&layout)),
            [
                Part::Opaque(&json!({"n": 1})),
                Part::Text("abc", Some("commentary")),
                Part::Call(&reply.calls[0]),
                Part::Opaque(&json!({"n": 2})),
                Part::Call(&reply.calls[1]),
                Part::Text("de", None),
            ]
        );
    }

    #[test]
    fn a_layout_that_does_not_fit_gives_the_usual_order() {
        let layout = json!(["call", {"text": 3}, {"item": 1}]);
        for reply in [reply("é€", 1), reply("abcd", 1), reply("abc", 2), reply("abc", 0)] {
            let parts = parts(&reply, Some(&layout));
            assert!(matches!(parts[..2], [Part::Opaque(_), Part::Text(..)]), "{parts:?}");
            assert_eq!(parts.len(), 2 + reply.calls.len());
        }
        assert!(matches!(parts(&reply("abc", 1), Some(&layout))[..], [Part::Call(_), Part::Text(..), Part::Opaque(_)]));
    }

    #[test]
    fn what_one_model_wants_back_goes_to_no_other() {
        let opaque = stamp(Dialect::Anthropic, "a", Map::from_iter([("layout".to_owned(), json!([]))]));
        let mut reply = reply("", 0);
        reply.reasoning = Some(Reasoning { text: String::new(), opaque: Some(opaque) });
        assert!(stamped(&reply, Dialect::Anthropic, "a").is_some());
        assert!(stamped(&reply, Dialect::Anthropic, "b").is_none());
        assert!(stamped(&reply, Dialect::Responses, "a").is_none());
    }
}
