//! How a response is spelled, whole and as a stream.
//!
//! Not here: what it says. It follows OpenAI's reference of responses and of their streaming events.

use super::speech::Piece;
use super::speech::{Speech, event, halves};
use ::model::Stop;
use ::turn::chat::{ToolCall, Usage};
use serde_json::{Value, json};

/// What stands for the thought where the service keeps it to itself; a client sends it back unaltered.
const ENCRYPTED: &str = "ZW5jcnlwdGVkIGJ5IGEgc3RhbmQtaW4=";

/// Says the turn as a stream of events.
pub(crate) fn events(speech: &Speech) -> Vec<String> {
    let mut stream = Stream { events: Vec::new(), index: 0, number: speech.number };
    let mut begun = head(speech);
    begun["status"] = json!("in_progress");
    stream.push("response.created", json!({ "response": begun }));
    stream.push("response.in_progress", json!({ "response": begun }));
    if !speech.thought().is_empty() {
        stream.thought(speech.thought());
    }
    let pieces = speech.pieces();
    let said: Vec<&str> =
        pieces.iter().filter_map(|piece| if let Piece::Said(text) = piece { Some(*text) } else { None }).collect();
    if !said.is_empty() {
        stream.said(&said, &speech.turn.stop);
    }
    for call in &speech.turn.reply.calls {
        stream.called(call);
    }
    let whole = whole(speech);
    let name = format!("response.{}", whole["status"].as_str().unwrap_or("completed"));
    stream.push(&name, json!({ "response": whole }));
    stream.events
}

/// Says the turn whole.
pub(crate) fn whole(speech: &Speech) -> Value {
    let reply = &speech.turn.reply;
    let number = speech.number;
    let mut output = Vec::new();
    if !speech.thought().is_empty() {
        output.push(thought(number, output.len(), speech.thought()));
    }
    if !reply.text.is_empty() {
        output.push(message(number, output.len(), vec![part(&reply.text, &speech.turn.stop)]));
    }
    for call in &reply.calls {
        output.push(function(number, output.len(), call, &call.arguments));
    }
    let mut whole = head(speech);
    whole["output"] = json!(output);
    if let Some(reason) = incomplete(&speech.turn.stop) {
        whole["status"] = json!("incomplete");
        whole["incomplete_details"] = json!({ "reason": reason });
    }
    if let Some(usage) = &speech.usage {
        whole["usage"] = tokens(usage);
    }
    whole
}

/// The events so far, and the place of the next item.
struct Stream {
    events: Vec<String>,
    index: usize,
    number: u64,
}

impl Stream {
    fn push(&mut self, name: &str, mut data: Value) {
        data["type"] = json!(name);
        data["sequence_number"] = json!(self.events.len());
        self.events.push(event(Some(name), &data));
    }

    /// Says something about the item that is open.
    fn about(&mut self, name: &str, mut data: Value) {
        data["output_index"] = json!(self.index);
        self.push(name, data);
    }

    fn thought(&mut self, text: &str) {
        let item = thought(self.number, self.index, text);
        let id = item["id"].clone();
        let open = json!({ "id": id, "type": "reasoning", "summary": [] });
        self.about("response.output_item.added", json!({ "item": open }));
        let part = |text: &str| json!({ "type": "summary_text", "text": text });
        let about = |key: &str, value: Value| {
            let mut data = json!({ "item_id": id, "summary_index": 0 });
            data[key] = value;
            data
        };
        self.about("response.reasoning_summary_part.added", about("part", part("")));
        self.about("response.reasoning_summary_text.delta", about("delta", json!(text)));
        self.about("response.reasoning_summary_text.done", about("text", json!(text)));
        self.about("response.reasoning_summary_part.done", about("part", part(text)));
        self.about("response.output_item.done", json!({ "item": item }));
        self.index += 1;
    }

    fn said(&mut self, pieces: &[&str], stop: &Stop) {
        let text = pieces.concat();
        let item = message(self.number, self.index, vec![part(&text, stop)]);
        let id = item["id"].clone();
        let mut open = message(self.number, self.index, Vec::new());
        open["status"] = json!("in_progress");
        self.about("response.output_item.added", json!({ "item": open }));
        let about = |key: &str, value: Value| {
            let mut data = json!({ "item_id": id, "content_index": 0 });
            data[key] = value;
            data
        };
        let (delta, done, key) = match stop {
            Stop::Refusal => ("response.refusal.delta", "response.refusal.done", "refusal"),
            _ => ("response.output_text.delta", "response.output_text.done", "text"),
        };
        self.about("response.content_part.added", about("part", part("", stop)));
        for piece in pieces {
            self.about(delta, about("delta", json!(piece)));
        }
        self.about(done, about(key, json!(text)));
        self.about("response.content_part.done", about("part", part(&text, stop)));
        self.about("response.output_item.done", json!({ "item": item }));
        self.index += 1;
    }

    fn called(&mut self, call: &ToolCall) {
        let item = function(self.number, self.index, call, &call.arguments);
        let mut open = function(self.number, self.index, call, "");
        open["status"] = json!("in_progress");
        let id = item["id"].clone();
        self.about("response.output_item.added", json!({ "item": open }));
        for half in halves(&call.arguments) {
            self.about("response.function_call_arguments.delta", json!({ "item_id": id, "delta": half }));
        }
        let done = json!({ "item_id": id, "arguments": call.arguments });
        self.about("response.function_call_arguments.done", done);
        self.about("response.output_item.done", json!({ "item": item }));
        self.index += 1;
    }
}

fn head(speech: &Speech) -> Value {
    json!({
        "id": format!("resp_{}", speech.number),
        "object": "response",
        "created_at": speech.created,
        "status": "completed",
        "model": speech.model,
        "output": [],
        "error": null,
        "incomplete_details": null,
        "usage": null,
    })
}

fn thought(number: u64, index: usize, text: &str) -> Value {
    json!({
        "id": format!("rs_{number}_{index}"),
        "type": "reasoning",
        "summary": [{ "type": "summary_text", "text": text }],
        "encrypted_content": ENCRYPTED,
    })
}

fn message(number: u64, index: usize, content: Vec<Value>) -> Value {
    json!({
        "id": format!("msg_{number}_{index}"),
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
    })
}

fn part(text: &str, stop: &Stop) -> Value {
    match stop {
        Stop::Refusal => json!({ "type": "refusal", "refusal": text }),
        _ => json!({ "type": "output_text", "text": text, "annotations": [] }),
    }
}

fn function(number: u64, index: usize, call: &ToolCall, arguments: &str) -> Value {
    json!({
        "id": format!("fc_{number}_{index}"),
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
    })
}

fn incomplete(stop: &Stop) -> Option<&str> {
    match stop {
        Stop::End | Stop::ToolCalls | Stop::Refusal => None,
        Stop::Length => Some("max_output_tokens"),
        Stop::Filtered => Some("content_filter"),
        Stop::Other(other) => Some(other),
    }
}

fn tokens(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}
