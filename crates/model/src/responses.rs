//! OpenAI's Responses dialect, without anything stored at the service: every request carries the whole conversation.
//!
//! Not here: the stream under it. It follows platform.openai.com/docs/api-reference/responses and its streaming events.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use turn::chat::{Message, Prompt, Reasoning, Reply, Usage};

use crate::completion::{Heard, Stop};
use crate::decode::{Arrival, Trouble, Whole, consistent, count, text};
use crate::draft::Draft;
use crate::endpoint::{Dialect, Endpoint};
use crate::fault::Fault;
use crate::names::{CallNames, Names, arguments_text, schema};
use crate::opaque::{Layout, Part, parts, stamp, stamped};
use crate::quirks::CacheKey;

/// What stands between two messages of one answer.
const BETWEEN: &str = "\n\n";

/// Returns the body of a request. The same prompt gives the same bytes, and a longer one begins with the same bytes.
pub(crate) fn encode(endpoint: &Endpoint, prompt: &Prompt) -> Value {
    let names = Names::of(&prompt.tools);
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    if !prompt.system.is_empty() {
        body.insert("instructions".into(), prompt.system.as_str().into());
    }
    body.insert("input".into(), Value::Array(input(endpoint, prompt, &names)));
    if !prompt.tools.is_empty() {
        let tool = |spec: &turn::chat::ToolSpec| {
            json!({
                "type": "function",
                "name": names.spelled(&spec.name),
                "description": spec.description,
                "parameters": schema(&spec.parameters),
                // The default would demand schemas of a narrower kind than the tools of MCP servers have.
                "strict": false,
            })
        };
        body.insert("tools".into(), prompt.tools.iter().map(tool).collect());
    }
    if let Some(limit) = prompt.max_output_tokens {
        body.insert("max_output_tokens".into(), limit.into());
    }
    body.insert("stream".into(), true.into());
    body.insert("store".into(), false.into());
    body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    if let (CacheKey::Sent, Some(key)) = (endpoint.quirks.cache_key, &endpoint.cache_key) {
        body.insert("prompt_cache_key".into(), key.as_str().into());
    }
    endpoint.complete(body)
}

fn input(endpoint: &Endpoint, prompt: &Prompt, names: &Names) -> Vec<Value> {
    let mut calls = CallNames::new(endpoint.quirks.call_ids);
    let mut items = Vec::with_capacity(prompt.messages.len());
    for message in &prompt.messages {
        match message {
            Message::User { text } => items.push(json!({"role": "user", "content": text})),
            Message::Tool { call, text, outcome: _ } => {
                items.push(json!({"type": "function_call_output", "call_id": calls.result(call), "output": text}));
            }
            Message::Assistant(reply) => {
                let opaque = stamped(reply, Dialect::Responses, &endpoint.model);
                for part in parts(reply, opaque.and_then(|opaque| opaque.get("layout"))) {
                    items.push(item(&part, names, &mut calls));
                }
            }
        }
    }
    items
}

fn item(part: &Part<'_>, names: &Names, calls: &mut CallNames) -> Value {
    match part {
        Part::Opaque(item) => (*item).clone(),
        Part::Text(said, phase) => {
            let mut message = json!({"role": "assistant", "content": said.strip_prefix(BETWEEN).unwrap_or(said)});
            if let Some(phase) = phase {
                message["phase"] = (*phase).into();
            }
            message
        }
        Part::Call(call) => json!({
            "type": "function_call",
            "call_id": calls.call(&call.id),
            "name": names.spelled(&call.name),
            "arguments": arguments_text(&call.arguments),
        }),
    }
}

/// A response while it comes in.
#[derive(Debug)]
pub(crate) struct Responses {
    asked: String,
    model: Option<String>,
    id: Option<String>,
    stop: Option<Stop>,
    usage: Option<Usage>,
    refused: bool,
    /// What the service shows of each item's thinking and saying, in bytes, by the item's index.
    shown: BTreeMap<u64, Shown>,
    layout: Layout,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    said: usize,
    thought: usize,
}

impl Responses {
    pub fn new(asked: &str) -> Responses {
        Responses {
            asked: asked.to_owned(),
            model: None,
            id: None,
            stop: None,
            usage: None,
            refused: false,
            shown: BTreeMap::new(),
            layout: Layout::default(),
        }
    }

    pub fn arrival(&self) -> Arrival {
        if self.stop.is_some() { Arrival::Over } else { Arrival::Speaking }
    }

    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    pub fn event(&mut self, name: &str, event: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let index = event.get("output_index").and_then(Value::as_u64).unwrap_or_default();
        let delta = text(event, "delta");
        match event.get("type").and_then(Value::as_str).unwrap_or(name) {
            "response.output_text.delta" => self.say(index, delta, draft, out),
            "response.refusal.delta" => {
                self.refused = true;
                self.say(index, delta, draft, out)
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.think(index, delta, draft, out)
            }
            "response.reasoning_summary_part.added" if self.shown(index).thought > 0 => {
                self.think(index, BETWEEN, draft, out)
            }
            "response.function_call_arguments.delta" => {
                let place = open(index, draft)?;
                draft.argue(place, delta)
            }
            "response.function_call_arguments.done" => argue_once(index, event, draft),
            "response.output_item.added" => begin(index, event.get("item").unwrap_or(&Value::Null), draft, out),
            "response.output_item.done" => self.item(index, event.get("item").unwrap_or(&Value::Null), draft, out),
            "response.created" | "response.in_progress" | "response.queued" => {
                self.head(event);
                Ok(())
            }
            "response.completed" | "response.incomplete" | "response.done" => self.end(event, draft, out),
            "response.failed" | "response.cancelled" | "error" => Err(self.complaint(event)),
            _ => match Fault::of_json(event).filter(|_| event.get("error").is_some()) {
                Some(fault) => Err(Trouble::Refused(fault)),
                None => Ok(()),
            },
        }
    }

    fn head(&mut self, event: &Value) {
        let response = event.get("response").unwrap_or(&Value::Null);
        for (kept, key) in [(&mut self.model, "model"), (&mut self.id, "id")] {
            if kept.is_none() && !text(response, key).is_empty() {
                *kept = Some(text(response, key).to_owned());
            }
        }
    }

    fn shown(&mut self, index: u64) -> &mut Shown {
        self.shown.entry(index).or_default()
    }

    fn say(&mut self, index: u64, piece: &str, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.shown(index).said == 0 && draft.text_bytes() > 0 {
            draft.say(BETWEEN, out)?;
        }
        self.shown(index).said += piece.len();
        draft.say(piece, out)
    }

    fn think(&mut self, index: u64, piece: &str, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.shown(index).thought == 0 && draft.reasoning_bytes() > 0 {
            draft.think(BETWEEN, out)?;
        }
        self.shown(index).thought += piece.len();
        draft.think(piece, out)
    }

    /// Takes an item that is whole, and of it what did not come in pieces before.
    fn item(&mut self, index: u64, item: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        match text(item, "type") {
            "message" => {
                if self.shown(index).said == 0 {
                    for part in list(item, "content") {
                        self.refused |= text(part, "type") == "refusal";
                        self.say(index, text(part, "text"), draft, out)?;
                        self.say(index, text(part, "refusal"), draft, out)?;
                    }
                }
                self.layout.text(draft.text_bytes(), item.get("phase").and_then(Value::as_str));
                Ok(())
            }
            "function_call" => {
                begin(index, item, draft, out)?;
                argue_once(index, item, draft)?;
                self.layout.call();
                Ok(())
            }
            "reasoning" => {
                if self.shown(index).thought == 0 {
                    let whole = list(item, "summary").iter().chain(list(item, "content"));
                    whole.map(|part| text(part, "text")).try_for_each(|part| self.think(index, part, draft, out))?;
                }
                self.keep(item, draft)
            }
            _ => Ok(()),
        }
    }

    /// Keeps a reasoning item to give it back. One that has nothing but an identifier would be looked up at the
    /// service, which was told to store nothing.
    fn keep(&mut self, item: &Value, draft: &mut Draft) -> Result<(), Trouble> {
        let is_there = |key: &str| item.get(key).is_some_and(|value| !value.is_null() && *value != json!([]));
        if !is_there("encrypted_content") && !is_there("content") {
            return Ok(());
        }
        let mut kept = Map::from_iter([("type".to_owned(), "reasoning".into())]);
        for key in ["id", "summary", "content", "encrypted_content"] {
            if let Some(value) = item.get(key).filter(|value| !value.is_null()) {
                kept.insert(key.into(), value.clone());
            }
        }
        kept.entry("summary").or_insert_with(|| json!([]));
        let kept = Value::Object(kept);
        draft.keep(kept.to_string().len())?;
        self.layout.item(kept);
        Ok(())
    }

    fn end(&mut self, event: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        self.head(event);
        let response = event.get("response").unwrap_or(&Value::Null);
        self.usage = response.get("usage").and_then(usage_of);
        if draft.is_empty() {
            for (index, item) in list(response, "output").iter().enumerate() {
                self.item(index as u64, item, draft, out)?;
            }
        }
        self.stop = Some(match response.pointer("/incomplete_details/reason").and_then(Value::as_str) {
            Some("max_output_tokens" | "max_tokens") => Stop::Length,
            Some("content_filter") => Stop::Filtered,
            Some(other) => Stop::Other(other.to_owned()),
            None if text(response, "status") == "incomplete" => Stop::Other("incomplete".into()),
            None if self.refused => Stop::Refusal,
            None if draft.has_calls() => Stop::ToolCalls,
            None => Stop::End,
        });
        Ok(())
    }

    fn complaint(&mut self, event: &Value) -> Trouble {
        let response = event.get("response").unwrap_or(&Value::Null);
        self.usage = response.get("usage").and_then(usage_of).or(self.usage);
        let fault = Fault::of_json(response).or_else(|| Fault::of_json(event));
        Trouble::Refused(fault.unwrap_or_else(|| Fault::of_words("the response failed")))
    }

    pub fn finish(self, draft: Draft) -> Whole {
        let parts = draft.finish();
        let opaque = self
            .layout
            .finish()
            .map(|layout| stamp(Dialect::Responses, &self.asked, Map::from_iter([("layout".to_owned(), layout)])));
        let reasoning =
            (opaque.is_some() || !parts.reasoning.is_empty()).then_some(Reasoning { text: parts.reasoning, opaque });
        Whole {
            reply: Reply { text: parts.text, reasoning, calls: parts.calls },
            usage: self.usage,
            stop: self.stop.unwrap_or(Stop::End),
            model: self.model,
            id: self.id,
        }
    }
}

fn open(index: u64, draft: &mut Draft) -> Result<usize, Trouble> {
    draft.place_of(index).map_or_else(|| draft.open(Some(index)), Ok)
}

fn begin(index: u64, item: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
    if text(item, "type") != "function_call" {
        return Ok(());
    }
    let place = open(index, draft)?;
    draft.identify(place, text(item, "call_id"))?;
    draft.name(place, text(item, "name"), out)
}

/// Takes whole arguments where they did not come in pieces.
fn argue_once(index: u64, event: &Value, draft: &mut Draft) -> Result<(), Trouble> {
    let place = open(index, draft)?;
    if draft.is_bare(place) { draft.argue(place, text(event, "arguments")) } else { Ok(()) }
}

fn usage_of(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    Some(consistent(Usage {
        input: count(usage, "/input_tokens"),
        cache_read: count(usage, "/input_tokens_details/cached_tokens"),
        cache_write: count(usage, "/input_tokens_details/cache_write_tokens"),
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/output_tokens_details/reasoning_tokens"),
    }))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use turn::chat::{Outcome, ToolCall};

    use super::*;
    use crate::decode::testing::{MODEL, Played, played, prompt, said};
    use crate::endpoint::Caps;

    fn play(events: &[&str]) -> Played {
        let line = |event: &&str| {
            let name = serde_json::from_str::<Value>(event).unwrap()["type"].as_str().unwrap().to_owned();
            format!("event: {name}\ndata: {event}\n\n")
        };
        let transcript: String = events.iter().map(line).collect();
        played(Dialect::Responses, Caps::default(), transcript.as_bytes())
    }

    const WHOLE: [&str; 21] = [
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-test-2026","output":[],"usage":null}}"#,
        r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"Look."}"#,
        r#"{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":1,"part":{"type":"summary_text","text":""}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":1,"delta":"Then act."}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"Look."},{"type":"summary_text","text":"Then act."}],"encrypted_content":"gAAAA"}}"#,
        r#"{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","phase":"commentary","role":"assistant","content":[]}}"#,
        r#"{"type":"response.content_part.added","item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"I "}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":1,"content_index":0,"delta":"look."}"#,
        r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":1,"content_index":0,"text":"I look."}"#,
        r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","phase":"commentary","role":"assistant","content":[{"type":"output_text","text":"I look."}]}}"#,
        r#"{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_a","name":"read","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"{\"path\":"}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":2,"delta":"\"a\"}"}"#,
        r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":2,"arguments":"{\"path\":\"a\"}"}"#,
        r#"{"type":"response.output_item.done","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"call_a","name":"read","arguments":"{\"path\":\"a\"}"}}"#,
        r#"{"type":"response.output_item.done","output_index":3,"item":{"id":"msg_2","type":"message","phase":"final_answer","role":"assistant","content":[{"type":"output_text","text":"Soon."}]}}"#,
        r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-test-2026","output":[{"type":"message"}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":64},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":130}}}"#,
    ];

    #[test]
    fn a_whole_response_is_read() {
        let played = play(&WHOLE);
        assert_eq!(said(&played.heard), "I look.\n\nSoon.");
        let whole = played.whole();
        assert_eq!(whole.reply.text, "I look.\n\nSoon.");
        assert_eq!(whole.reply.reasoning.as_ref().unwrap().text, "Look.\n\nThen act.");
        let call = ToolCall { id: "call_a".into(), name: "read".into(), arguments: r#"{"path":"a"}"#.into() };
        assert_eq!(whole.reply.calls, [call]);
        assert_eq!(whole.stop, Stop::ToolCalls);
        assert_eq!(whole.model.as_deref(), Some("gpt-test-2026"));
        assert_eq!(whole.id.as_deref(), Some("resp_1"));
        let usage = Usage { input: 100, cache_read: 64, cache_write: 0, output: 30, reasoning: 20 };
        assert_eq!(whole.usage, Some(usage));
    }

    #[test]
    fn reasoning_and_phases_go_back_as_they_came_and_in_their_place() {
        let reply = play(&WHOLE).whole().reply;
        let mut endpoint = Endpoint::new(Dialect::Responses, "https://a.example/v1", MODEL).unwrap();
        endpoint.cache_key = Some("session-1".into());
        let prompt = prompt(vec![
            Message::User { text: "go".into() },
            Message::Assistant(reply),
            Message::Tool { call: "call_a".into(), text: "fn main".into(), outcome: Outcome::Done },
        ]);
        let body = encode(&endpoint, &prompt);
        assert_eq!(
            body["input"],
            json!([
                {"role": "user", "content": "go"},
                {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA",
                 "summary": [{"type": "summary_text", "text": "Look."}, {"type": "summary_text", "text": "Then act."}]},
                {"role": "assistant", "content": "I look.", "phase": "commentary"},
                {"type": "function_call", "call_id": "call_a", "name": "read", "arguments": "{\"path\":\"a\"}"},
                {"role": "assistant", "content": "Soon.", "phase": "final_answer"},
                {"type": "function_call_output", "call_id": "call_a", "output": "fn main"},
            ])
        );
        assert_eq!(body["instructions"], "be brief");
        assert_eq!(body["store"], false);
        assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
        assert_eq!(body["prompt_cache_key"], "session-1");
        assert_eq!(body["tools"][1]["name"], "mcp__forge__create");
        assert_eq!(body["tools"][0]["strict"], false);
        assert!(body.get("max_output_tokens").is_none());
    }

    #[test]
    fn a_response_that_breaks_off_is_not_whole() {
        for length in 0..WHOLE.len() {
            let played = play(&WHOLE[..length]);
            assert_eq!((played.result, played.usage), (Ok(None), None), "{length}");
        }
    }

    #[test]
    fn an_incomplete_response_says_why() {
        for (details, stop) in [
            (r#""incomplete_details":{"reason":"max_output_tokens"}"#, Stop::Length),
            (r#""incomplete_details":{"reason":"content_filter"}"#, Stop::Filtered),
            (r#""incomplete_details":null"#, Stop::Other("incomplete".into())),
        ] {
            let end = format!(
                r#"{{"type":"response.incomplete","response":{{"status":"incomplete",{details},"usage":{{"input_tokens":1,"output_tokens":2}}}}}}"#
            );
            let whole = play(&[WHOLE[0], WHOLE[10], &end]).whole();
            assert_eq!((whole.stop, whole.reply.text.as_str()), (stop, "I "));
            assert_eq!(whole.usage.unwrap().output, 2);
        }
    }

    #[test]
    fn a_refusal_is_said_and_named() {
        let refusal = r#"{"type":"response.refusal.delta","output_index":0,"delta":"I will not."}"#;
        let end = r#"{"type":"response.completed","response":{"status":"completed"}}"#;
        let whole = play(&[refusal, end]).whole();
        assert_eq!((whole.stop, whole.reply.text.as_str(), whole.usage), (Stop::Refusal, "I will not.", None));
    }

    #[test]
    fn a_failure_is_a_refusal_with_its_tokens() {
        let failed = r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow down."},"usage":{"input_tokens":9,"output_tokens":1}}}"#;
        let played = play(&[WHOLE[0], failed]);
        assert_eq!(played.usage.unwrap().input, 9);
        let Err(Trouble::Refused(fault)) = played.result else { panic!("no refusal") };
        assert_eq!((fault.words.as_str(), fault.labels[0].as_str()), ("Slow down.", "rate_limit_exceeded"));

        let error = r#"{"type":"error","code":"server_error","message":"Oops","param":null}"#;
        let Err(Trouble::Refused(fault)) = play(&[error]).result else { panic!("no refusal") };
        assert_eq!(fault.words, "Oops");
    }

    #[test]
    fn a_service_that_sends_everything_at_the_end_is_understood() {
        let end = r#"{"type":"response.completed","response":{"id":"r","status":"completed","output":[
            {"type":"reasoning","id":"rs","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
            {"type":"function_call","call_id":"","name":"read","arguments":""},
            {"type":"function_call","call_id":"x","name":"read","arguments":"{\"a\":1}"}]}}"#
            .replace('\n', " ");
        let reply = play(&[&end]).whole().reply;
        assert_eq!(reply.reasoning.unwrap().text, "hm");
        let calls: Vec<_> = reply.calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
        assert_eq!(calls, [("call_0", "{}"), ("x", "{\"a\":1}")]);
    }

    #[test]
    fn a_reasoning_item_with_nothing_in_it_is_not_given_back() {
        let item = r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":null}}"#;
        let end = r#"{"type":"response.completed","response":{"status":"completed"}}"#;
        assert_eq!(play(&[item, end]).whole().reply, Reply::default());
    }
}
