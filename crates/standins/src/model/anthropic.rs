//! How a message of Anthropic's is spelled, whole and as a stream.
//!
//! Not here: what it says. It follows Anthropic's reference of messages and of their stream.

use super::speech::{Piece, Speech, event, halves};
use ::model::Stop;
use ::turn::chat::{ToolCall, Usage};
use serde_json::{Value, json};

/// The signature of every thought; a client sends it back unaltered.
const SIGNATURE: &str = "c2lnbmVkIGJ5IGEgc3RhbmQtaW4=";

/// Says the turn as a stream of events.
pub(crate) fn events(speech: &Speech) -> Vec<String> {
    let mut stream = Stream { events: Vec::new(), block: None, index: 0 };
    let mut message = head(speech);
    message["usage"] = tokens(&beginning(speech));
    stream.push("message_start", json!({ "message": message }));
    stream.push("ping", json!({}));
    for piece in speech.pieces() {
        match piece {
            Piece::Thought(text) => {
                stream.open("thinking", json!({ "type": "thinking", "thinking": "", "signature": "" }));
                stream.delta(json!({ "type": "thinking_delta", "thinking": text }));
                stream.delta(json!({ "type": "signature_delta", "signature": SIGNATURE }));
            }
            Piece::Said(text) => {
                stream.open("text", json!({ "type": "text", "text": "" }));
                stream.delta(json!({ "type": "text_delta", "text": text }));
            }
            Piece::Called(_, call) => {
                stream.close();
                stream.open("tool_use", called(call, json!({})));
                for half in halves(&call.arguments) {
                    stream.delta(json!({ "type": "input_json_delta", "partial_json": half }));
                }
            }
        }
    }
    stream.close();
    let mut end = json!({ "delta": { "stop_reason": reason(&speech.turn.stop), "stop_sequence": null } });
    if let Some(usage) = &speech.usage {
        end["usage"] = tokens(usage);
    }
    stream.push("message_delta", end);
    stream.push("message_stop", json!({}));
    stream.events
}

/// Says the turn whole.
pub(crate) fn whole(speech: &Speech) -> Value {
    let reply = &speech.turn.reply;
    let mut content = Vec::new();
    if !speech.thought().is_empty() {
        content.push(json!({ "type": "thinking", "thinking": speech.thought(), "signature": SIGNATURE }));
    }
    if !reply.text.is_empty() {
        content.push(json!({ "type": "text", "text": reply.text }));
    }
    for call in &reply.calls {
        // What is not JSON cannot be said in this form, which holds an object.
        let input = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        content.push(called(call, input));
    }
    let mut whole = head(speech);
    whole["content"] = json!(content);
    whole["stop_reason"] = json!(reason(&speech.turn.stop));
    if let Some(usage) = &speech.usage {
        whole["usage"] = tokens(usage);
    }
    whole
}

/// The events so far, and the block that is open.
struct Stream {
    events: Vec<String>,
    block: Option<&'static str>,
    index: usize,
}

impl Stream {
    fn push(&mut self, name: &str, mut data: Value) {
        data["type"] = json!(name);
        self.events.push(event(Some(name), &data));
    }

    /// Opens a block, unless one of its kind is open already.
    fn open(&mut self, kind: &'static str, block: Value) {
        if self.block == Some(kind) {
            return;
        }
        self.close();
        self.block = Some(kind);
        self.push("content_block_start", json!({ "index": self.index, "content_block": block }));
    }

    fn delta(&mut self, delta: Value) {
        self.push("content_block_delta", json!({ "index": self.index, "delta": delta }));
    }

    fn close(&mut self) {
        if self.block.take().is_some() {
            self.push("content_block_stop", json!({ "index": self.index }));
            self.index += 1;
        }
    }
}

fn head(speech: &Speech) -> Value {
    json!({
        "id": format!("msg_{}", speech.number),
        "type": "message",
        "role": "assistant",
        "model": speech.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

fn called(call: &ToolCall, input: Value) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

fn reason(stop: &Stop) -> &str {
    match stop {
        Stop::End => "end_turn",
        Stop::ToolCalls => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Refusal | Stop::Filtered => "refusal",
        Stop::Other(other) => other,
    }
}

/// The tokens as the stream's first event counts them: the input whole, of the output one.
fn beginning(speech: &Speech) -> Usage {
    let usage = speech.usage.unwrap_or_default();
    Usage { output: usage.output.min(1), reasoning: 0, ..usage }
}

fn tokens(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write),
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "output_tokens_details": { "thinking_tokens": usage.reasoning },
    })
}
