//! How a chat completion is spelled, whole and as a stream.
//!
//! Not here: what it says. It follows OpenAI's reference of chat completions, with `reasoning_content` as DeepSeek and
//! others have it.

use super::speech::{Piece, Speech, event, halves};
use ::model::Stop;
use ::turn::chat::{ToolCall, Usage};
use serde_json::{Value, json};

/// Says the turn as a stream of chunks.
pub(crate) fn events(speech: &Speech) -> Vec<String> {
    let said = |delta: Value| chunk(speech, json!([{ "index": 0, "delta": delta, "finish_reason": null }]));
    let mut events = vec![said(json!({ "role": "assistant", "content": "" }))];
    for piece in speech.pieces() {
        match piece {
            Piece::Thought(text) => events.push(said(json!({ "reasoning_content": text }))),
            Piece::Said(text) if speech.turn.stop == Stop::Refusal => events.push(said(json!({ "refusal": text }))),
            Piece::Said(text) => events.push(said(json!({ "content": text }))),
            Piece::Called(place, call) => {
                let mut first = called(call, "");
                first["index"] = json!(place);
                events.push(said(json!({ "tool_calls": [first] })));
                for half in halves(&call.arguments) {
                    let more = json!({ "index": place, "function": { "arguments": half } });
                    events.push(said(json!({ "tool_calls": [more] })));
                }
            }
        }
    }
    let end = json!([{ "index": 0, "delta": {}, "finish_reason": reason(&speech.turn.stop) }]);
    events.push(chunk(speech, end));
    if let Some(usage) = &speech.usage {
        let mut counted = head(speech, "chat.completion.chunk");
        counted["choices"] = json!([]);
        counted["usage"] = tokens(usage);
        events.push(event(None, &counted));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// Says the turn whole.
pub(crate) fn whole(speech: &Speech) -> Value {
    let reply = &speech.turn.reply;
    let mut message = json!({ "role": "assistant", "content": reply.text });
    if !speech.thought().is_empty() {
        message["reasoning_content"] = json!(speech.thought());
    }
    if speech.turn.stop == Stop::Refusal {
        message["content"] = Value::Null;
        message["refusal"] = json!(reply.text);
    }
    if !reply.calls.is_empty() {
        message["tool_calls"] = reply.calls.iter().map(|call| called(call, &call.arguments)).collect();
    }
    let mut whole = head(speech, "chat.completion");
    whole["choices"] = json!([{ "index": 0, "message": message, "finish_reason": reason(&speech.turn.stop) }]);
    if let Some(usage) = &speech.usage {
        whole["usage"] = tokens(usage);
    }
    whole
}

fn head(speech: &Speech, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{}", speech.number),
        "object": object,
        "created": speech.created,
        "model": speech.model,
    })
}

fn chunk(speech: &Speech, choices: Value) -> String {
    let mut chunk = head(speech, "chat.completion.chunk");
    chunk["choices"] = choices;
    event(None, &chunk)
}

fn called(call: &ToolCall, arguments: &str) -> Value {
    json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
}

fn reason(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Refusal => "stop",
        Stop::ToolCalls => "tool_calls",
        Stop::Length => "length",
        Stop::Filtered => "content_filter",
        Stop::Other(other) => other,
    }
}

fn tokens(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
        "prompt_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}
