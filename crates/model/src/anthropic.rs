//! Anthropic's Messages dialect.
//!
//! Not here: the stream under it. It follows docs.claude.com/en/api/messages, messages-streaming, and the pages on
//! prompt caching and extended thinking.

use serde_json::{Map, Value, json};
use turn::chat::{Message, Outcome, Prompt, Reasoning, Reply, Usage};

use crate::completion::{Heard, Stop};
use crate::decode::{Arrival, Trouble, Whole, consistent, count, text};
use crate::draft::Draft;
use crate::endpoint::{Dialect, Endpoint};
use crate::fault::Fault;
use crate::names::{CallNames, Names, arguments_object, schema};
use crate::opaque::{Layout, Part, parts, stamp, stamped};
use crate::quirks::CacheMarks;

/// The output limit where the prompt has none: the service demands one, and every current model allows this.
const USUAL_OUTPUT: u32 = 32_000;

/// The version of the interface that is asked for.
pub(crate) const VERSION: &str = "2023-06-01";

/// Returns the body of a request. The same prompt gives the same bytes; cache marks apart, a longer one begins with
/// the same bytes.
pub(crate) fn encode(endpoint: &Endpoint, prompt: &Prompt) -> Value {
    let names = Names::of(&prompt.tools);
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    body.insert("max_tokens".into(), prompt.max_output_tokens.unwrap_or(USUAL_OUTPUT).into());
    let mark = endpoint.quirks.cache_marks == CacheMarks::OnParts;
    if !prompt.tools.is_empty() {
        let mut tools: Vec<Value> = Vec::with_capacity(prompt.tools.len());
        for spec in &prompt.tools {
            tools.push(json!({
                "name": names.spelled(&spec.name),
                "description": spec.description,
                "input_schema": schema(&spec.parameters),
            }));
        }
        if let Some(last) = tools.last_mut().filter(|_| mark) {
            mark_for_cache(last);
        }
        body.insert("tools".into(), Value::Array(tools));
    }
    if !prompt.system.is_empty() {
        let mut system = json!({"type": "text", "text": prompt.system});
        if mark {
            mark_for_cache(&mut system);
        }
        body.insert("system".into(), json!([system]));
    }
    let mut messages = messages(endpoint, prompt, &names);
    if mark {
        // The last message, so that the next request finds it; and the one before, as the service looks back only a
        // limited number of blocks and a message with many results can be longer than that.
        let ends = messages.iter_mut().rev().filter(|message| message["role"] == "user").take(2);
        ends.filter_map(|message| message["content"].as_array_mut()?.last_mut()).for_each(mark_for_cache);
    }
    body.insert("messages".into(), Value::Array(messages));
    body.insert("stream".into(), true.into());
    endpoint.complete(body)
}

fn mark_for_cache(block: &mut Value) {
    block["cache_control"] = json!({"type": "ephemeral"});
}

/// Returns the messages: roles take turns, and the results of one message's calls are one message of the user.
fn messages(endpoint: &Endpoint, prompt: &Prompt, names: &Names) -> Vec<Value> {
    let mut calls = CallNames::new(endpoint.quirks.call_ids);
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &prompt.messages {
        let (role, blocks) = match message {
            Message::User { text } => ("user", vec![said_or(text, "(nothing)")]),
            Message::Tool { call, text, outcome } => ("user", vec![result(calls.result(call), text, *outcome)]),
            Message::Assistant(reply) => ("assistant", assistant(endpoint, reply, names, &mut calls)),
        };
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, content)) if *last == role => content.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

/// Returns a block of text; the service refuses one that is blank.
fn said_or(text: &str, blank: &str) -> Value {
    json!({"type": "text", "text": if text.trim().is_empty() { blank } else { text }})
}

fn result(call: String, text: &str, outcome: Outcome) -> Value {
    let mut block = json!({"type": "tool_result", "tool_use_id": call, "content": [said_or(text, "(no output)")]});
    if outcome == Outcome::Failed {
        block["is_error"] = true.into();
    }
    block
}

fn assistant(endpoint: &Endpoint, reply: &Reply, names: &Names, calls: &mut CallNames) -> Vec<Value> {
    let opaque = stamped(reply, Dialect::Anthropic, &endpoint.model);
    let parts = parts(reply, opaque.and_then(|opaque| opaque.get("layout")));
    // Thoughts alone are no message.
    if parts.iter().all(|part| matches!(part, Part::Opaque(_))) {
        return Vec::new();
    }
    let block = |part: Part<'_>| match part {
        Part::Opaque(thought) => Some(thought.clone()),
        Part::Text(said, _) if said.trim().is_empty() => None,
        Part::Text(said, _) => Some(json!({"type": "text", "text": said})),
        Part::Call(call) => Some(json!({
            "type": "tool_use",
            "id": calls.call(&call.id),
            "name": names.spelled(&call.name),
            "input": arguments_object(&call.arguments),
        })),
    };
    parts.into_iter().filter_map(block).collect()
}

/// A response while it comes in.
#[derive(Debug)]
pub(crate) struct Anthropic {
    asked: String,
    model: Option<String>,
    id: Option<String>,
    reason: Option<String>,
    over: bool,
    counted: Counted,
    block: Block,
    layout: Layout,
}

/// The block that is coming in.
#[derive(Clone, Debug)]
enum Block {
    None,
    Text,
    Thinking(Value),
    Call { place: usize, whole: Option<String> },
    Unknown,
}

/// What the service has counted: it counts the input when it begins and the output while it speaks.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    uncached: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
    finished: Finished,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Finished {
    #[default]
    No,
    Yes,
}

impl Counted {
    /// Takes a count. Each is of everything so far, and some services send zeros in one of the two places.
    fn take(&mut self, usage: &Value) {
        self.uncached = self.uncached.max(count(usage, "/input_tokens"));
        self.cache_read = self.cache_read.max(count(usage, "/cache_read_input_tokens"));
        self.cache_write = self.cache_write.max(count(usage, "/cache_creation_input_tokens"));
        self.output = self.output.max(count(usage, "/output_tokens"));
        self.reasoning = self.reasoning.max(count(usage, "/output_tokens_details/thinking_tokens"));
    }

    fn usage(self) -> Option<Usage> {
        let input = self.uncached.saturating_add(self.cache_read).saturating_add(self.cache_write);
        let usage = Usage {
            input,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            output: self.output,
            reasoning: self.reasoning,
        };
        (self.finished == Finished::Yes).then(|| consistent(usage))
    }
}

impl Anthropic {
    pub fn new(asked: &str) -> Anthropic {
        Anthropic {
            asked: asked.to_owned(),
            model: None,
            id: None,
            reason: None,
            over: false,
            counted: Counted::default(),
            block: Block::None,
            layout: Layout::default(),
        }
    }

    pub fn arrival(&self) -> Arrival {
        match (&self.reason, self.over) {
            (Some(_), true) => Arrival::Over,
            (Some(_), false) => Arrival::Whole,
            (None, _) => Arrival::Speaking,
        }
    }

    /// Takes nothing more, if the answer is whole.
    pub fn close(&mut self) {
        self.over |= self.reason.is_some();
    }

    pub fn usage(&self) -> Option<Usage> {
        self.counted.usage()
    }

    pub fn event(&mut self, name: &str, event: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or_default();
        match event.get("type").and_then(Value::as_str).unwrap_or(name) {
            "message_start" => {
                let message = event.get("message").unwrap_or(&Value::Null);
                self.model = Some(text(message, "model").to_owned()).filter(|model| !model.is_empty());
                self.id = Some(text(message, "id").to_owned()).filter(|id| !id.is_empty());
                message.get("usage").into_iter().for_each(|usage| self.counted.take(usage));
                Ok(())
            }
            "content_block_start" => {
                self.end_block(draft)?;
                self.begin_block(index, event.get("content_block").unwrap_or(&Value::Null), draft, out)
            }
            "content_block_delta" => self.delta(event.get("delta").unwrap_or(&Value::Null), draft, out),
            "content_block_stop" => self.end_block(draft),
            "message_delta" => {
                if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
                    self.counted.take(usage);
                    self.counted.finished = Finished::Yes;
                }
                let reason = event.pointer("/delta/stop_reason").and_then(Value::as_str);
                if let Some(reason) = reason {
                    self.end_block(draft)?;
                    self.reason = Some(reason.to_owned());
                }
                Ok(())
            }
            "message_stop" => {
                self.over = true;
                Ok(())
            }
            "ping" => Ok(()),
            _ => match Fault::of_json(event).filter(|_| event.get("error").is_some() || name == "error") {
                Some(fault) => Err(Trouble::Refused(fault)),
                None => Ok(()),
            },
        }
    }

    fn begin_block(
        &mut self,
        index: u64,
        block: &Value,
        draft: &mut Draft,
        out: &mut Vec<Heard>,
    ) -> Result<(), Trouble> {
        match text(block, "type") {
            "text" => {
                self.block = Block::Text;
                draft.say(text(block, "text"), out)
            }
            "thinking" => {
                draft.think(text(block, "thinking"), out)?;
                self.block = Block::Thinking(block.clone());
                Ok(())
            }
            "redacted_thinking" => {
                self.block = Block::Thinking(block.clone());
                Ok(())
            }
            "tool_use" => {
                let place = draft.open(Some(index))?;
                draft.identify(place, text(block, "id"))?;
                draft.name(place, text(block, "name"), out)?;
                let whole = block.get("input").filter(|input| input.as_object().is_some_and(|map| !map.is_empty()));
                self.block = Block::Call { place, whole: whole.map(Value::to_string) };
                Ok(())
            }
            _ => {
                self.block = Block::Unknown;
                Ok(())
            }
        }
    }

    fn delta(&mut self, delta: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        match (text(delta, "type"), &mut self.block) {
            ("text_delta", _) => draft.say(text(delta, "text"), out),
            ("thinking_delta", block) => {
                let piece = text(delta, "thinking");
                draft.think(piece, out)?;
                append(block, "thinking", piece);
                Ok(())
            }
            ("signature_delta", block) => {
                let piece = text(delta, "signature");
                draft.keep(piece.len())?;
                append(block, "signature", piece);
                Ok(())
            }
            ("input_json_delta", Block::Call { place, .. }) => draft.argue(*place, text(delta, "partial_json")),
            _ => Ok(()),
        }
    }

    fn end_block(&mut self, draft: &mut Draft) -> Result<(), Trouble> {
        match std::mem::replace(&mut self.block, Block::None) {
            Block::Text => self.layout.text(draft.text_bytes(), None),
            Block::Thinking(thought) => {
                draft.keep(thought.to_string().len())?;
                self.layout.item(thought);
            }
            Block::Call { place, whole } => {
                if let Some(whole) = whole.filter(|_| draft.is_bare(place)) {
                    draft.argue(place, &whole)?;
                }
                self.layout.call();
            }
            Block::None | Block::Unknown => {}
        }
        Ok(())
    }

    pub fn finish(mut self, draft: Draft) -> Whole {
        // Text that came outside of any block, or in one that was never ended.
        self.layout.text(draft.text_bytes(), None);
        let parts = draft.finish();
        let stop = match self.reason.as_deref().unwrap_or("end_turn") {
            "end_turn" | "stop_sequence" | "tool_use" if parts.calls.is_empty() => Stop::End,
            "end_turn" | "stop_sequence" | "tool_use" => Stop::ToolCalls,
            "max_tokens" | "model_context_window_exceeded" => Stop::Length,
            "refusal" => Stop::Refusal,
            other => Stop::Other(other.to_owned()),
        };
        let opaque = self
            .layout
            .finish()
            .map(|layout| stamp(Dialect::Anthropic, &self.asked, Map::from_iter([("layout".to_owned(), layout)])));
        let reasoning =
            (opaque.is_some() || !parts.reasoning.is_empty()).then_some(Reasoning { text: parts.reasoning, opaque });
        Whole {
            reply: Reply { text: parts.text, reasoning, calls: parts.calls },
            usage: self.counted.usage(),
            stop,
            model: self.model,
            id: self.id,
        }
    }
}

fn append(block: &mut Block, key: &str, piece: &str) {
    if let Block::Thinking(Value::Object(thought)) = block {
        match thought.get_mut(key) {
            Some(Value::String(text)) => text.push_str(piece),
            _ => {
                thought.insert(key.to_owned(), piece.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use turn::chat::ToolCall;

    use super::*;
    use crate::decode::testing::{MODEL, Played, played, prompt, said};
    use crate::endpoint::Caps;

    fn sse(events: &[&str]) -> Vec<u8> {
        let line = |event: &&str| {
            let name = serde_json::from_str::<Value>(event).unwrap()["type"].as_str().unwrap().to_owned();
            format!("event: {name}\ndata: {event}\n\n")
        };
        events.iter().map(line).collect::<String>().into_bytes()
    }

    fn play(events: &[&str]) -> Played {
        played(Dialect::Anthropic, Caps::default(), &sse(events))
    }

    const START: &str = r#"{"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","content":[],"model":"claude-test","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,"output_tokens":1}}}"#;

    const WHOLE: [&str; 17] = [
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Look "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"first."}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"b3BhcXVl"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I read — "}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"it."}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_01","name":"mcp__forge__create","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"path\": "}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"a.rs\"}"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
    ];

    const END: [&str; 2] = [
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":42}}"#,
        r#"{"type":"message_stop"}"#,
    ];

    #[test]
    fn a_whole_message_is_read() {
        let played = play(&[&WHOLE[..], &END].concat());
        assert_eq!(said(&played.heard), "I read — it.");
        assert!(played.heard.contains(&Heard::Calling { name: "mcp:forge/create".into() }));
        let whole = played.whole();
        assert_eq!(whole.stop, Stop::ToolCalls);
        assert_eq!(whole.model.as_deref(), Some("claude-test"));
        assert_eq!(whole.id.as_deref(), Some("msg_01"));
        let usage = Usage { input: 330, cache_read: 300, cache_write: 20, output: 42, reasoning: 0 };
        assert_eq!(whole.usage, Some(usage));
        assert_eq!(whole.reply.reasoning.as_ref().unwrap().text, "Look first.");
        let call = ToolCall {
            id: "toolu_01".into(),
            name: "mcp:forge/create".into(),
            arguments: r#"{"path": "a.rs"}"#.into(),
        };
        assert_eq!(whole.reply.calls, [call]);
    }

    #[test]
    fn what_was_thought_goes_back_as_it_came_and_in_its_place() {
        let reply = play(&[&WHOLE[..], &END].concat()).whole().reply;
        let endpoint = Endpoint::new(Dialect::Anthropic, "https://a.example", MODEL).unwrap();
        let prompt = prompt(vec![
            Message::User { text: "go".into() },
            Message::Assistant(reply.clone()),
            Message::Tool { call: "toolu_01".into(), text: "done".into(), outcome: Outcome::Failed },
            Message::User { text: "and now?".into() },
        ]);
        let messages = encode(&endpoint, &prompt)["messages"].clone();
        assert_eq!(
            messages,
            json!([
                {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": {"type": "ephemeral"}}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Look first.", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "b3BhcXVl"},
                    {"type": "text", "text": "I read — it."},
                    {"type": "tool_use", "id": "toolu_01", "name": "mcp__forge__create", "input": {"path": "a.rs"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_01", "content": [{"type": "text", "text": "done"}], "is_error": true},
                    {"type": "text", "text": "and now?", "cache_control": {"type": "ephemeral"}},
                ]},
            ])
        );
        let other = Endpoint::new(Dialect::Anthropic, "https://a.example", "another-model").unwrap();
        let assistant = &encode(&other, &prompt)["messages"][1]["content"];
        assert_eq!(assistant.as_array().unwrap().len(), 2, "{assistant}");
    }

    #[test]
    fn a_message_that_breaks_off_is_not_whole_and_its_tokens_are_unknown() {
        for length in 0..WHOLE.len() {
            let played = play(&WHOLE[..length]);
            assert_eq!((played.result, played.usage), (Ok(None), None), "{length}");
        }
    }

    #[test]
    fn each_reason_to_stop_has_its_meaning() {
        for (reason, stop) in [
            ("end_turn", Stop::End),
            ("tool_use", Stop::End),
            ("stop_sequence", Stop::End),
            ("max_tokens", Stop::Length),
            ("model_context_window_exceeded", Stop::Length),
            ("refusal", Stop::Refusal),
            ("pause_turn", Stop::Other("pause_turn".into())),
        ] {
            let end = format!(
                r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":2}}}}"#
            );
            assert_eq!(play(&[START, &end, END[1]]).whole().stop, stop, "{reason}");
        }
    }

    #[test]
    fn a_service_that_counts_at_the_end_alone_is_believed() {
        let start = r#"{"type":"message_start","message":{"id":"m","usage":{"input_tokens":0,"output_tokens":0}}}"#;
        let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":7,"cache_read_input_tokens":3,"output_tokens":2}}"#;
        let usage = play(&[start, end, END[1]]).whole().usage.unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.output), (10, 3, 2));
    }

    #[test]
    fn arguments_that_come_whole_and_arguments_that_do_not_come_are_both_whole() {
        let call = |input: &str| {
            format!(
                r#"{{"type":"content_block_start","index":0,"content_block":{{"type":"tool_use","id":"t","name":"read","input":{input}}}}}"#
            )
        };
        for (input, arguments) in [(r#"{"a":1}"#, r#"{"a":1}"#), ("{}", "{}")] {
            let events = [START, &call(input), r#"{"type":"content_block_stop","index":0}"#, END[0], END[1]];
            assert_eq!(play(&events).whole().reply.calls[0].arguments, arguments);
        }
    }

    #[test]
    fn a_complaint_in_the_stream_is_a_refusal() {
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        let Err(Trouble::Refused(fault)) = play(&[START, error]).result else { panic!("no refusal") };
        assert_eq!(fault.words, "Overloaded");
        assert_eq!(fault.labels, ["overloaded_error"]);
    }

    #[test]
    fn a_conversation_of_another_service_is_made_acceptable() {
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.into(),
            name: "no such tool!".into(),
            arguments: arguments.into(),
        };
        let reply = Reply { calls: vec![call("functions.read:0", "{}"), call("b", "{oops")], ..Reply::default() };
        let endpoint = Endpoint::new(Dialect::Anthropic, "https://a.example", MODEL).unwrap();
        let prompt = prompt(vec![
            Message::User { text: " ".into() },
            Message::Assistant(Reply::default()),
            Message::Assistant(reply),
            Message::Tool { call: "b".into(), text: String::new(), outcome: Outcome::Done },
            Message::Tool { call: "functions.read:0".into(), text: "x".into(), outcome: Outcome::Done },
        ]);
        let body = encode(&endpoint, &prompt);
        assert_eq!(
            body["messages"],
            json!([
                {"role": "user", "content": [{"type": "text", "text": "(nothing)", "cache_control": {"type": "ephemeral"}}]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_n1", "name": "no__such__tool__", "input": {}},
                    {"type": "tool_use", "id": "b", "name": "no__such__tool__", "input": {"invalid_json": "{oops"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "(no output)"}]},
                    {"type": "tool_result", "tool_use_id": "call_n1", "content": [{"type": "text", "text": "x"}],
                     "cache_control": {"type": "ephemeral"}},
                ]},
            ])
        );
        assert_eq!(body["max_tokens"], USUAL_OUTPUT);
        assert_eq!(body["system"][0]["cache_control"]["type"], "ephemeral");
        let tools = body["tools"].as_array().unwrap();
        assert_eq!(tools[1]["name"], "mcp__forge__create");
        assert!(tools[0].get("cache_control").is_none() && tools[1].get("cache_control").is_some());
    }
}
