//! What a server answered, as text for a model.
//!
//! Not here: any judging of it. An answer that does not fit the tool's own output schema is still an answer.

use crate::text::{one_line, prefix};
use serde_json::{Map, Value};

/// The most text of one answer that a model is given, in bytes.
pub(crate) const MOST_TEXT: usize = 30_000;

/// What a tool answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The whole text.
    pub(crate) text: String,
    /// Whether the tool says that it failed.
    pub(crate) verdict: SelfReport,
}

/// What a tool says of its own success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelfReport {
    /// It did not say that it failed.
    Worked,
    /// It says that it failed.
    Failed,
}

/// Reads the result of a tool call.
pub(crate) fn of_tool(result: &Value) -> Answered {
    let verdict = match result.get("isError") {
        Some(Value::Bool(true)) => SelfReport::Failed,
        _ => SelfReport::Worked,
    };
    let blocks = result.get("content").and_then(Value::as_array).map(Vec::as_slice);
    let text = match (blocks, result.get("structuredContent")) {
        (Some([]) | None, Some(structured)) => structured.to_string(),
        (Some([]), None) => "(an empty answer)".to_owned(),
        (None, None) => format!("(an answer that is no tool result) {result}"),
        (Some(blocks), _) => blocks.iter().map(block).collect::<Vec<_>>().join("\n"),
    };
    Answered { text, verdict }
}

/// Reads the contents of a resource.
pub(crate) fn of_resource(result: &Value) -> String {
    match result.get("contents").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => "(an empty resource)".to_owned(),
        Some(parts) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        None => format!("(an answer that is no resource) {result}"),
    }
}

/// One block of content: text as it is, anything else by what it is and how large.
pub(crate) fn block(block: &Value) -> String {
    let word = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
    match word("type") {
        "text" => word("text").to_owned(),
        media @ ("image" | "audio") => {
            format!("[{media}: {}, {} bytes]", one_line(word("mimeType"), 80), decoded_size(word("data")))
        }
        "resource" => block.get("resource").map(part).unwrap_or_else(|| "[a resource without contents]".to_owned()),
        "resource_link" => {
            let words = ["name", "title", "mimeType", "description"].map(word);
            let said: Vec<String> =
                words.into_iter().filter(|word| !word.is_empty()).map(|word| one_line(word, 300)).collect();
            format!("[resource {}: {}]", one_line(word("uri"), 500), said.join(", "))
        }
        other => format!("[content of a kind that is not known: `{}`]", one_line(other, 40)),
    }
}

/// One part of a resource: text as it is under its address, anything else by what it is and how large.
fn part(part: &Value) -> String {
    let word = |name: &str| part.get(name).and_then(Value::as_str);
    let uri = one_line(word("uri").unwrap_or_default(), 500);
    let kind = one_line(word("mimeType").unwrap_or("of no declared type"), 80);
    match (word("text"), word("blob")) {
        (Some(text), _) => format!("[resource {uri}]\n{text}"),
        (None, Some(blob)) => format!("[resource {uri}: {kind}, {} bytes]", decoded_size(blob)),
        (None, None) => format!("[resource {uri}: {kind}, without contents]"),
    }
}

/// How many bytes a base64 text stands for.
fn decoded_size(base64: &str) -> usize {
    let padding = base64.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
    (base64.len() / 4 * 3 + base64.len() % 4 * 3 / 4).saturating_sub(padding)
}

/// A text that is cut where it is too long, saying how much is missing and, if it is kept, where the whole of it is.
pub(crate) fn cut(text: &str, kept_at: Option<&str>) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let shown = prefix(text, MOST_TEXT);
    let whole = kept_at.map(|place| format!("; the whole is in {place}")).unwrap_or_default();
    format!("{shown}\n[cut: {} of {} bytes are shown{whole}]", shown.len(), text.len())
}

/// JSON with its keys in order and no space: the same arguments always give the same bytes.
pub(crate) fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let ordered = names.into_iter().map(|name| (name.clone(), sorted(&members[name])));
            Value::Object(ordered.collect::<Map<String, Value>>())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_handed_on_and_everything_else_is_described() {
        let result = json!({ "content": [
            { "type": "text", "text": "hello\u{1b}[0m" },
            { "type": "image", "mimeType": "image/png", "data": "aGVsbG8=" },
            { "type": "audio", "mimeType": "audio/wav", "data": "aGVsbG8h" },
            { "type": "resource", "resource": { "uri": "file:///a", "text": "inside" } },
            { "type": "resource", "resource": { "uri": "file:///b", "mimeType": "a/b", "blob": "aGk=" } },
            { "type": "resource_link", "uri": "file:///c", "name": "c", "description": "see\nthere" },
            { "type": "hologram" },
            7,
        ] });
        assert_eq!(
            of_tool(&result).text,
            "hello\u{1b}[0m\n[image: image/png, 5 bytes]\n[audio: audio/wav, 6 bytes]\n[resource file:///a]\ninside\n\
             [resource file:///b: a/b, 2 bytes]\n[resource file:///c: c, see there]\n\
             [content of a kind that is not known: `hologram`]\n[content of a kind that is not known: ``]"
        );
    }

    #[test]
    fn a_tool_that_says_it_failed_is_believed() {
        let failed = of_tool(&json!({ "isError": true, "content": [{ "type": "text", "text": "no" }] }));
        assert_eq!(failed, Answered { text: "no".into(), verdict: SelfReport::Failed });
        assert_eq!(of_tool(&json!({ "content": [] })).verdict, SelfReport::Worked);
    }

    #[test]
    fn an_answer_of_any_shape_is_text() {
        assert_eq!(of_tool(&json!({ "content": [] })).text, "(an empty answer)");
        assert_eq!(of_tool(&json!({ "structuredContent": { "a": 1 } })).text, r#"{"a":1}"#);
        assert_eq!(
            of_tool(&json!({ "structuredContent": { "a": 1 }, "content": [{ "type": "text", "text": "a" }] })).text,
            "a"
        );
        assert_eq!(of_tool(&json!(5)).text, "(an answer that is no tool result) 5");
        assert_eq!(of_resource(&json!({})), "(an answer that is no resource) {}");
        assert_eq!(
            of_resource(&json!({ "contents": [{ "uri": "x:y" }] })),
            "[resource x:y: of no declared type, without contents]"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let text = "é".repeat(MOST_TEXT);
        let shown = cut(&text, Some("`/out/1`"));
        assert!(
            shown.ends_with("\n[cut: 30000 of 60000 bytes are shown; the whole is in `/out/1`]"),
            "{}",
            &shown[29_990..]
        );
        assert_eq!(cut("short", None), "short");
    }

    #[test]
    fn the_same_arguments_have_the_same_bytes() {
        let (one, other) =
            (json!({ "b": [{ "d": 1, "c": "é" }], "a": 1.5 }), json!({ "a": 1.5, "b": [{ "c": "é", "d": 1 }] }));
        assert_eq!(canonical(&one), r#"{"a":1.5,"b":[{"c":"é","d":1}]}"#);
        assert_eq!(canonical(&one), canonical(&other));
    }
}
