//! The chat completions dialect: OpenAI's first, and since then nearly everybody's.
//!
//! Not here: the stream under it, and how services differ in what they accept (that is `quirks`). It follows
//! platform.openai.com/docs/api-reference/chat, with what DeepSeek, OpenRouter, Google, Mistral and vLLM add to answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use turn::chat::{Message, Prompt, Reasoning, Reply, Usage};

use crate::completion::{Heard, Stop};
use crate::decode::{Arrival, Trouble, Whole, consistent, count, text};
use crate::draft::Draft;
use crate::endpoint::{Dialect, Endpoint};
use crate::fault::Fault;
use crate::names::{CallNames, Names, arguments_text, schema};
use crate::opaque::{stamp, stamped};
use crate::quirks::{CacheKey, CacheMarks, OutputLimit, Thoughts, UsageWish};

/// The fields that reasoning comes in; some services fill both with the same.
const REASONING_FIELDS: [&str; 2] = ["reasoning_content", "reasoning"];

/// Returns the body of a request. The same prompt gives the same bytes, and a longer one begins with the same bytes.
pub(crate) fn encode(endpoint: &Endpoint, prompt: &Prompt) -> Value {
    let quirks = endpoint.quirks;
    let names = Names::of(&prompt.tools);
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    body.insert("messages".into(), Value::Array(messages(endpoint, prompt, &names)));
    if !prompt.tools.is_empty() {
        let tool = |spec: &turn::chat::ToolSpec| {
            json!({"type": "function", "function": {
                "name": names.spelled(&spec.name),
                "description": spec.description,
                "parameters": schema(&spec.parameters),
            }})
        };
        body.insert("tools".into(), prompt.tools.iter().map(tool).collect());
    }
    if let Some(limit) = prompt.max_output_tokens {
        let field = match quirks.output_limit {
            OutputLimit::MaxTokens => "max_tokens",
            OutputLimit::MaxCompletionTokens => "max_completion_tokens",
        };
        body.insert(field.into(), limit.into());
    }
    body.insert("stream".into(), true.into());
    if quirks.usage == UsageWish::Asked {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if let (CacheKey::Sent, Some(key)) = (quirks.cache_key, &endpoint.cache_key) {
        body.insert("prompt_cache_key".into(), key.as_str().into());
    }
    endpoint.complete(body)
}

fn messages(endpoint: &Endpoint, prompt: &Prompt, names: &Names) -> Vec<Value> {
    let mut calls = CallNames::new(endpoint.quirks.call_ids);
    let mut messages = Vec::with_capacity(prompt.messages.len() + 1);
    if !prompt.system.is_empty() {
        messages.push(json!({"role": "system", "content": prompt.system}));
    }
    for message in &prompt.messages {
        match message {
            Message::User { text } => messages.push(json!({"role": "user", "content": text})),
            Message::Assistant(reply) => messages.extend(assistant(endpoint, reply, names, &mut calls)),
            Message::Tool { call, text, outcome: _ } => {
                messages.push(json!({"role": "tool", "tool_call_id": calls.result(call), "content": text}));
            }
        }
    }
    if endpoint.quirks.cache_marks == CacheMarks::OnParts {
        let last = messages.len().saturating_sub(1);
        for place in if last == 0 { vec![0] } else { vec![0, last] } {
            if let Some(message) = messages.get_mut(place).filter(|message| message["content"].is_string()) {
                let text = message["content"].take();
                message["content"] = json!([{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]);
            }
        }
    }
    messages
}

/// Returns a reply as a message; a reply with nothing in it is none, as services refuse it.
fn assistant(endpoint: &Endpoint, reply: &Reply, names: &Names, calls: &mut CallNames) -> Option<Value> {
    if reply.text.is_empty() && reply.calls.is_empty() {
        return None;
    }
    let opaque = stamped(reply, Dialect::ChatCompletions, &endpoint.model);
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    let content = if reply.text.is_empty() { Value::Null } else { reply.text.as_str().into() };
    message.insert("content".into(), content);
    thoughts(endpoint.quirks.thoughts, reply, opaque, &mut message);
    if let Some(details) = opaque.and_then(|opaque| opaque.get("details")) {
        message.insert("reasoning_details".into(), details.clone());
    }
    if !reply.calls.is_empty() {
        let extras = opaque.and_then(|opaque| opaque.get("extras"));
        let call = |(place, call): (usize, &turn::chat::ToolCall)| {
            let mut spelled = json!({
                "id": calls.call(&call.id),
                "type": "function",
                "function": {"name": names.spelled(&call.name), "arguments": arguments_text(&call.arguments)},
            });
            if let Some(extra) = extras.and_then(|extras| extras.get(place.to_string())) {
                spelled["extra_content"] = extra.clone();
            }
            spelled
        };
        message.insert("tool_calls".into(), reply.calls.iter().enumerate().map(call).collect());
    }
    Some(Value::Object(message))
}

fn thoughts(wish: Thoughts, reply: &Reply, opaque: Option<&Map<String, Value>>, message: &mut Map<String, Value>) {
    let came = opaque.and_then(|opaque| opaque.get("field")?.as_str()).filter(|field| REASONING_FIELDS.contains(field));
    let thought = reply.reasoning.as_ref().map_or("", |reasoning| reasoning.text.as_str());
    match (wish, came) {
        (Thoughts::Dropped, _) | (Thoughts::AsTheyCame, None) => {}
        (Thoughts::AsTheyCame | Thoughts::OnEveryReply, Some(field)) => {
            message.insert(field.into(), thought.into());
        }
        (Thoughts::OnEveryReply, None) => {
            message.insert(REASONING_FIELDS[0].into(), "".into());
        }
    }
}

/// A response while it comes in.
#[derive(Debug)]
pub(crate) struct ChatCompletions {
    asked: String,
    model: Option<String>,
    id: Option<String>,
    reason: Option<String>,
    refused: bool,
    over: bool,
    usage: Option<Usage>,
    /// The field that the reasoning came in.
    field: Option<&'static str>,
    /// OpenRouter's reasoning, part by part.
    details: Vec<Value>,
    /// What Google puts beside a call and wants back with it, by the call's place.
    extras: BTreeMap<usize, Value>,
}

impl ChatCompletions {
    pub fn new(asked: &str) -> ChatCompletions {
        ChatCompletions {
            asked: asked.to_owned(),
            model: None,
            id: None,
            reason: None,
            refused: false,
            over: false,
            usage: None,
            field: None,
            details: Vec::new(),
            extras: BTreeMap::new(),
        }
    }

    pub fn arrival(&self) -> Arrival {
        match (&self.reason, self.over) {
            (_, true) => Arrival::Over,
            (Some(_), false) => Arrival::Whole,
            (None, false) => Arrival::Speaking,
        }
    }

    /// Takes nothing more, if the answer is whole.
    pub fn close(&mut self) {
        self.over |= self.reason.is_some();
    }

    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Takes the mark at the end of the stream. It ends nothing where nothing was said: that is a cut.
    pub fn done(&mut self, draft: &Draft) {
        self.over = self.reason.is_some() || !draft.is_empty();
    }

    pub fn chunk(&mut self, chunk: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let choice = chunk.get("choices").and_then(|choices| choices.get(0));
        if let Some(fault) = Fault::of_json(chunk).filter(|_| choice.is_none() || chunk.get("error").is_some()) {
            return Err(Trouble::Refused(fault));
        }
        keep_first(&mut self.model, text(chunk, "model"));
        keep_first(&mut self.id, text(chunk, "id"));
        let beside = choice.and_then(|choice| choice.get("usage"));
        for usage in [chunk.get("usage"), beside, chunk.pointer("/x_groq/usage")].into_iter().flatten() {
            self.usage = usage_of(usage).or(self.usage);
        }
        let Some(choice) = choice else { return Ok(()) };
        if let Some(delta) = choice.get("delta").filter(|delta| delta.is_object()) {
            self.delta(delta, draft, out)?;
        } else if let Some(message) = choice.get("message").filter(|_| draft.is_empty()) {
            self.delta(message, draft, out)?;
        }
        match text(choice, "finish_reason") {
            "" => {}
            // The service broke off; it says so where others would cut the line.
            reason @ ("error" | "insufficient_system_resource") => {
                return Err(Trouble::Refused(Fault::of_words(&format!("the answer ended with `{reason}`"))));
            }
            reason => self.reason = Some(reason.to_owned()),
        }
        // A whole message is no stream: nothing else comes.
        self.over |= self.reason.is_some() && text(chunk, "object") == "chat.completion";
        Ok(())
    }

    fn delta(&mut self, delta: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let thought = REASONING_FIELDS.into_iter().find(|field| !text(delta, field).is_empty());
        if let Some(field) = thought {
            self.field.get_or_insert(field);
            draft.think(text(delta, field), out)?;
        } else if let Some(field) = REASONING_FIELDS.into_iter().find(|field| text_is_there(delta, field)) {
            self.field.get_or_insert(field);
        }
        for detail in list(delta, "reasoning_details") {
            self.detail(detail, draft)?;
        }
        match delta.get("content") {
            Some(Value::String(said)) => draft.say(said, out)?,
            Some(Value::Array(parts)) => parts.iter().try_for_each(|part| content_part(part, draft, out))?,
            _ => {}
        }
        if !text(delta, "refusal").is_empty() {
            self.refused = true;
            draft.say(text(delta, "refusal"), out)?;
        }
        list(delta, "tool_calls").iter().try_for_each(|call| self.call(call, draft, out))
    }

    fn detail(&mut self, detail: &Value, draft: &mut Draft) -> Result<(), Trouble> {
        draft.keep(detail.to_string().len())?;
        if let Some(last) = self.details.last_mut().filter(|last| same_detail(last, detail)) {
            for (key, value) in detail.as_object().into_iter().flatten() {
                match (last.get_mut(key), value) {
                    (Some(Value::String(text)), Value::String(more)) if matches!(key.as_str(), "text" | "summary") => {
                        text.push_str(more);
                    }
                    (_, Value::Null) => {}
                    (Some(old), new) => *old = new.clone(),
                    (None, new) => last[key] = new.clone(),
                }
            }
        } else {
            self.details.push(detail.clone());
        }
        Ok(())
    }

    fn call(&mut self, call: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let function = call.get("function").unwrap_or(&Value::Null);
        let piece = match function.get("arguments") {
            Some(Value::String(piece)) => piece.clone(),
            Some(object @ Value::Object(_)) => object.to_string(),
            _ => String::new(),
        };
        let (id, name) = (text(call, "id"), text(function, "name"));
        let index = call.get("index").and_then(Value::as_u64);
        if id.is_empty() && name.is_empty() && piece.is_empty() && index.is_none() {
            return Ok(());
        }
        let place = match place(draft, index, (id, name, &piece)) {
            Some(place) => place,
            None => draft.open(index)?,
        };
        draft.identify(place, id)?;
        draft.name(place, name, out)?;
        draft.argue(place, &piece)?;
        if let Some(extra) = call.get("extra_content").filter(|extra| !extra.is_null()) {
            draft.keep(extra.to_string().len())?;
            self.extras.insert(place, extra.clone());
        }
        Ok(())
    }

    pub fn finish(self, draft: Draft) -> Whole {
        let parts = draft.finish();
        let stop = match self.reason.as_deref().unwrap_or("stop") {
            _ if self.refused => Stop::Refusal,
            "length" | "max_tokens" | "model_length" => Stop::Length,
            "content_filter" | "sensitive" => Stop::Filtered,
            "refusal" => Stop::Refusal,
            "stop" | "tool_calls" | "function_call" | "eos" | "end_turn" | "tool_use" => {
                if parts.calls.is_empty() {
                    Stop::End
                } else {
                    Stop::ToolCalls
                }
            }
            other => Stop::Other(other.to_owned()),
        };
        let mut rest = Map::new();
        if let Some(field) = self.field {
            rest.insert("field".into(), field.into());
        }
        if !self.details.is_empty() {
            rest.insert("details".into(), Value::Array(self.details));
        }
        if !self.extras.is_empty() {
            let extras = self.extras.into_iter().map(|(place, extra)| (place.to_string(), extra));
            rest.insert("extras".into(), Value::Object(extras.collect()));
        }
        let opaque = (!rest.is_empty()).then(|| stamp(Dialect::ChatCompletions, &self.asked, rest));
        let reasoning =
            (opaque.is_some() || !parts.reasoning.is_empty()).then_some(Reasoning { text: parts.reasoning, opaque });
        Whole {
            reply: Reply { text: parts.text, reasoning, calls: parts.calls },
            usage: self.usage,
            stop,
            model: self.model,
            id: self.id,
        }
    }
}

/// Finds the call that a piece belongs to; `None` is a new one.
///
/// The index decides where there is one. Services that number every call zero are told apart by the identifier, or by
/// a name that comes when the arguments were already whole; those without an index by the same signs.
fn place(draft: &Draft, index: Option<u64>, (id, name, piece): (&str, &str, &str)) -> Option<usize> {
    let known = match index {
        Some(index) => draft.place_of(index)?,
        None if !id.is_empty() => draft.place_of_id(id)?,
        None if !name.is_empty() => return None,
        None => return draft.last_place(),
    };
    let another = !id.is_empty() && !draft.id_at(known).is_empty() && id != draft.id_at(known) && !name.is_empty();
    let begun_anew =
        !name.is_empty() && !draft.name_at(known).is_empty() && !piece.is_empty() && draft.is_closed(known);
    (!another && !begun_anew).then_some(known)
}

fn same_detail(one: &Value, other: &Value) -> bool {
    let kind = text(one, "type");
    matches!(kind, "reasoning.text" | "reasoning.summary")
        && kind == text(other, "type")
        && one.get("index") == other.get("index")
}

/// Reads one part of a content that is a list, as Mistral's reasoning models send it.
fn content_part(part: &Value, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
    match part.get("thinking") {
        Some(Value::String(thought)) => draft.think(thought, out),
        Some(Value::Array(parts)) => parts.iter().try_for_each(|part| draft.think(text(part, "text"), out)),
        _ => draft.say(text(part, "text"), out),
    }
}

fn usage_of(usage: &Value) -> Option<Usage> {
    if !usage.is_object() {
        return None;
    }
    let input = count(usage, "/prompt_tokens");
    let cached = ["/prompt_tokens_details/cached_tokens", "/prompt_cache_hit_tokens", "/cached_tokens"];
    // Some services count reasoning in the total alone.
    let beyond = count(usage, "/total_tokens").saturating_sub(input);
    Some(consistent(Usage {
        input,
        cache_read: cached.iter().map(|path| count(usage, path)).max().unwrap_or_default(),
        cache_write: count(usage, "/prompt_tokens_details/cache_write_tokens"),
        output: count(usage, "/completion_tokens").max(beyond),
        reasoning: count(usage, "/completion_tokens_details/reasoning_tokens"),
    }))
}

fn keep_first(kept: &mut Option<String>, text: &str) {
    if kept.is_none() && !text.is_empty() {
        *kept = Some(text.to_owned());
    }
}

fn text_is_there(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(Value::is_string)
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

    fn play(chunks: &[&str]) -> Played {
        let transcript: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        played(Dialect::ChatCompletions, Caps::default(), transcript.as_bytes())
    }

    /// Plays deltas as a service would wrap them, and an end.
    fn deltas(deltas: &[&str]) -> Whole {
        let mut chunks: Vec<String> =
            deltas.iter().map(|delta| format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#)).collect();
        chunks.push(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#.to_owned());
        chunks.push("[DONE]".to_owned());
        play(&chunks.iter().map(String::as_str).collect::<Vec<_>>()).whole()
    }

    fn calls(whole: &Whole) -> Vec<(&str, &str, &str)> {
        whole.reply.calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect()
    }

    fn endpoint(base: &str) -> Endpoint {
        Endpoint::new(Dialect::ChatCompletions, base, MODEL).unwrap()
    }

    const OPENAI: [&str; 7] = [
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#,
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-test","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"read","arguments":""}}]},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-test","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"pa"}}]},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-test","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"th\":1}"}}]},"finish_reason":null}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-test","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"id":"chatcmpl-1","model":"gpt-test","choices":[],"usage":{"prompt_tokens":50,"completion_tokens":9,"total_tokens":59,"prompt_tokens_details":{"cached_tokens":32,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}}"#,
    ];

    #[test]
    fn a_whole_answer_is_read() {
        let played = play(&[&OPENAI[..], &["[DONE]"]].concat());
        assert_eq!(said(&played.heard), "Hé");
        assert!(played.heard.contains(&Heard::Calling { name: "read".into() }));
        let whole = played.whole();
        assert_eq!(calls(&whole), [("call_a", "read", "{\"path\":1}")]);
        assert_eq!(whole.stop, Stop::ToolCalls);
        assert_eq!((whole.model.as_deref(), whole.id.as_deref()), (Some("gpt-test"), Some("chatcmpl-1")));
        let usage = Usage { input: 50, cache_read: 32, cache_write: 0, output: 9, reasoning: 4 };
        assert_eq!(whole.usage, Some(usage));
        assert_eq!(whole.reply.reasoning, None);
    }

    #[test]
    fn the_mark_at_the_end_may_be_missing_and_what_comes_after_it_is_not_read() {
        let without = play(&OPENAI).whole();
        assert_eq!(play(&[&OPENAI[..], &["[DONE]", "rubbish"]].concat()).whole(), without);
        assert_eq!(play(&OPENAI[..6]).whole().usage, None);
    }

    #[test]
    fn an_answer_that_breaks_off_is_not_whole_and_neither_is_a_mark_alone() {
        for length in 0..6 {
            assert_eq!(play(&OPENAI[..length]).result, Ok(None), "{length}");
        }
        assert_eq!(play(&["[DONE]"]).result, Ok(None));
    }

    #[test]
    fn line_ends_comments_and_a_byte_order_mark_change_nothing() {
        let transcript: String =
            OPENAI.iter().map(|chunk| format!(": OPENROUTER PROCESSING\r\n\r\ndata: {chunk}\r\n\r\n")).collect();
        let transcript = format!("\u{feff}{transcript}data: [DONE]\r\n\r\n");
        let odd = played(Dialect::ChatCompletions, Caps::default(), transcript.as_bytes());
        assert_eq!(odd, play(&[&OPENAI[..], &["[DONE]"]].concat()));
    }

    #[test]
    fn reasoning_is_read_from_either_field_and_once() {
        for fields in [
            r#"{"reasoning_content":"hm"}"#,
            r#"{"reasoning":"hm"}"#,
            r#"{"reasoning":"hm","reasoning_content":"hm"}"#,
            r#"{"content":null,"reasoning_content":null,"reasoning":"hm"}"#,
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
        ] {
            let whole = deltas(&[fields, r#"{"content":"so"}"#]);
            assert_eq!(whole.reply.text, "so");
            assert_eq!(whole.reply.reasoning.unwrap().text, "hm", "{fields}");
        }
    }

    #[test]
    fn calls_are_told_apart_by_whatever_signs_there_are() {
        let by_index = deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":""}},{"index":1,"id":"b","function":{"name":"list","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"{\"x\""}},{"index":0,"function":{"arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":":2}"}}]}"#,
        ]);
        assert_eq!(calls(&by_index), [("a", "read", "{}"), ("b", "list", "{\"x\":2}")]);

        let without_index = deltas(&[
            r#"{"tool_calls":[{"id":"a","function":{"name":"read","arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"function":{"arguments":":1}"}}]}"#,
            r#"{"tool_calls":[{"id":"b","function":{"name":"list","arguments":"{}"}}]}"#,
        ]);
        assert_eq!(calls(&without_index), [("a", "read", "{\"x\":1}"), ("b", "list", "{}")]);

        let whole_and_nameless = deltas(&[
            r#"{"tool_calls":[{"function":{"name":"read","arguments":"{\"x\":1}"}},{"function":{"name":"read","arguments":"{\"x\":2}"}}]}"#,
        ]);
        assert_eq!(calls(&whole_and_nameless), [("call_0", "read", "{\"x\":1}"), ("call_1", "read", "{\"x\":2}")]);

        let all_number_zero = deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"list","arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"","function":{"name":"list","arguments":"{\"y\":1}"}}]}"#,
        ]);
        assert_eq!(
            calls(&all_number_zero),
            [("a", "read", "{}"), ("b", "list", "{}"), ("call_2", "list", "{\"y\":1}")]
        );

        let same_identifier = deltas(&[
            r#"{"tool_calls":[{"id":"a","function":{"name":"read","arguments":"{}"}},{"id":"a","function":{"name":"read","arguments":"{}"}}]}"#,
        ]);
        assert_eq!(calls(&same_identifier), [("a", "read", "{}"), ("a_1", "read", "{}")]);
    }

    #[test]
    fn names_and_identifiers_that_are_repeated_with_every_piece_count_once() {
        let whole = deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":":1}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":""}}]}"#,
        ]);
        assert_eq!(calls(&whole), [("a", "read", "{\"x\":1}")]);
    }

    #[test]
    fn arguments_may_be_an_object_or_absent() {
        let whole = deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":{"x":1}}},{"index":1,"id":"b","function":{"name":"list"}}]}"#,
        ]);
        assert_eq!(calls(&whole), [("a", "read", "{\"x\":1}"), ("b", "list", "{}")]);
    }

    #[test]
    fn tokens_are_counted_wherever_they_are_said() {
        let counted = |usage: &str, place: &str| {
            let end = match place {
                "beside" => format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop","usage":{usage}}}]}}"#),
                _ => format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"stop"}}],"{place}":{usage}}}"#),
            };
            let whole = play(&[&end, r#"{"choices":[],"usage":null}"#, "[DONE]"]).whole();
            whole.usage.map(|usage| (usage.input, usage.cache_read, usage.output, usage.reasoning))
        };
        let deepseek =
            r#"{"prompt_tokens":70,"completion_tokens":5,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":6}"#;
        assert_eq!(counted(deepseek, "usage"), Some((70, 64, 5, 0)));
        assert_eq!(counted(deepseek, "beside"), Some((70, 64, 5, 0)));
        assert_eq!(
            counted(r#"{"prompt_tokens":3,"completion_tokens":2,"cached_tokens":1}"#, "beside"),
            Some((3, 1, 2, 0))
        );
        assert_eq!(counted(r#"{"usage":{"prompt_tokens":3,"completion_tokens":2}}"#, "x_groq"), Some((3, 0, 2, 0)));
        // Reasoning that is in the total alone, and a part that is larger than its whole.
        assert_eq!(
            counted(r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":40}"#, "usage"),
            Some((3, 0, 37, 0))
        );
        assert_eq!(
            counted(
                r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":9},"completion_tokens_details":{"reasoning_tokens":7}}"#,
                "usage"
            ),
            Some((9, 9, 7, 7))
        );
        assert_eq!(counted("null", "usage"), None);
    }

    #[test]
    fn each_reason_to_stop_has_its_meaning() {
        for (reason, stop) in [
            ("stop", Stop::End),
            ("tool_calls", Stop::End),
            ("length", Stop::Length),
            ("content_filter", Stop::Filtered),
            ("odd", Stop::Other("odd".into())),
        ] {
            let chunk = format!(r#"{{"choices":[{{"delta":{{"content":"x"}},"finish_reason":"{reason}"}}]}}"#);
            assert_eq!(play(&[&chunk]).whole().stop, stop, "{reason}");
        }
        let refusal = r#"{"choices":[{"delta":{"refusal":"No."},"finish_reason":"stop"}]}"#;
        let whole = play(&[refusal]).whole();
        assert_eq!((whole.stop, whole.reply.text.as_str()), (Stop::Refusal, "No."));
    }

    #[test]
    fn a_complaint_in_the_stream_is_a_refusal() {
        for chunk in [
            r#"{"error":{"message":"upstream failed","code":502}}"#,
            r#"{"id":"g","choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"upstream failed","code":502}}"#,
            r#"{"object":"error","message":"upstream failed","type":"InternalServerError","code":502}"#,
        ] {
            let Err(Trouble::Refused(fault)) = play(&[OPENAI[1], chunk]).result else { panic!("no refusal: {chunk}") };
            assert_eq!((fault.words.as_str(), fault.status), ("upstream failed", Some(502)));
        }
        let broken = r#"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#;
        assert!(matches!(play(&[OPENAI[1], broken]).result, Err(Trouble::Refused(_))));
    }

    #[test]
    fn an_answer_that_is_no_stream_is_read_all_the_same() {
        let body = r#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hi.","tool_calls":[{"id":"a","function":{"name":"read","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let whole = play(&[body]).whole();
        assert_eq!((whole.reply.text.as_str(), whole.stop.clone()), ("Hi.", Stop::ToolCalls));
        assert_eq!(calls(&whole), [("a", "read", "{}")]);
        assert_eq!(whole.usage.unwrap().output, 2);
    }

    #[test]
    fn a_thousand_calls_and_endless_text_stop_at_the_cap() {
        let call = r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"read","arguments":"{}"}}]}}]}"#;
        assert_eq!(play(&[call; 1_000]).result, Err(Trouble::TooMuch("more than 256 tool calls".into())));
        let caps = Caps { text: 100, ..Caps::default() };
        let text = "data: {\"choices\":[{\"delta\":{\"content\":\"0123456789\"}}]}\n\n".repeat(50);
        let endless = played(Dialect::ChatCompletions, caps, text.as_bytes());
        assert_eq!(endless.result, Err(Trouble::TooMuch("more than 100 bytes of text".into())));
        assert_eq!(said(&endless.heard).len(), 100);
    }

    fn conversation(reply: Reply) -> Prompt {
        prompt(vec![
            Message::User { text: "go".into() },
            Message::Assistant(reply),
            Message::Tool { call: "a".into(), text: "fn main".into(), outcome: Outcome::Done },
        ])
    }

    fn thoughtful() -> Reply {
        deltas(&[
            r#"{"reasoning_content":"hm"}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}}]}"#,
        ])
        .reply
    }

    #[test]
    fn a_request_has_what_the_dialect_wants() {
        let mut prompt = conversation(thoughtful());
        prompt.max_output_tokens = Some(100);
        assert_eq!(
            encode(&endpoint("http://127.0.0.1:8000/v1"), &prompt),
            json!({
                "model": MODEL,
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "go"},
                    {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": [
                        {"id": "a", "type": "function", "function": {"name": "read", "arguments": "{}"}},
                    ]},
                    {"role": "tool", "tool_call_id": "a", "content": "fn main"},
                ],
                "tools": [
                    {"type": "function", "function": {"name": "read", "description": "does read",
                        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}},
                    {"type": "function", "function": {"name": "mcp__forge__create", "description": "does mcp:forge/create",
                        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}},
                ],
                "max_tokens": 100,
                "stream": true,
                "stream_options": {"include_usage": true},
            })
        );
    }

    #[test]
    fn each_service_gets_what_it_alone_wants() {
        let prompt = conversation(thoughtful());
        let body = |base: &str| {
            let mut endpoint = endpoint(base);
            endpoint.cache_key = Some("s1".into());
            let prompt = Prompt { max_output_tokens: Some(5), ..prompt.clone() };
            encode(&endpoint, &prompt)
        };
        let openai = body("https://api.openai.com/v1");
        assert_eq!((&openai["max_completion_tokens"], &openai["prompt_cache_key"]), (&json!(5), &json!("s1")));
        assert!(openai.get("max_tokens").is_none());
        assert!(openai["messages"][2].get("reasoning_content").is_none());

        let mistral = body("https://api.mistral.ai/v1");
        assert!(mistral.get("stream_options").is_none() && mistral.get("prompt_cache_key").is_none());
        let id = mistral["messages"][2]["tool_calls"][0]["id"].clone();
        assert_eq!((id.as_str().unwrap().len(), &id), (9, &mistral["messages"][3]["tool_call_id"]));

        assert_eq!(body("https://api.deepseek.com")["messages"][2]["reasoning_content"], "hm");
    }

    #[test]
    fn where_every_reply_must_have_reasoning_every_reply_has() {
        let plain = Reply { text: "ok".into(), ..Reply::default() };
        let body = encode(&endpoint("https://api.deepseek.com"), &conversation(plain.clone()));
        assert_eq!(body["messages"][2]["reasoning_content"], "");
        let body = encode(&endpoint("http://127.0.0.1/v1"), &conversation(plain));
        assert!(body["messages"][2].get("reasoning_content").is_none());
        // Another model's thoughts are not this model's.
        let other = Endpoint::new(Dialect::ChatCompletions, "https://api.deepseek.com", "another").unwrap();
        assert_eq!(encode(&other, &conversation(thoughtful()))["messages"][2]["reasoning_content"], "");
    }

    #[test]
    fn what_a_service_put_beside_its_reasoning_and_its_calls_goes_back_with_them() {
        let whole = deltas(&[
            r#"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","format":"f","index":0}]}"#,
            r#"{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","index":0},{"type":"reasoning.encrypted","data":"x","index":1}]}"#,
            r#"{"reasoning_details":[{"type":"reasoning.text","signature":"sig","index":0}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"read","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}}]}"#,
        ]);
        let body = encode(&endpoint("https://openrouter.ai/api/v1"), &conversation(whole.reply));
        let message = &body["messages"][2];
        assert_eq!(
            message["reasoning_details"],
            json!([
                {"type": "reasoning.text", "text": "ab", "format": "f", "index": 0},
                {"type": "reasoning.encrypted", "data": "x", "index": 1},
                {"type": "reasoning.text", "signature": "sig", "index": 0},
            ])
        );
        assert_eq!(message["reasoning"], "ab");
        assert!(message["tool_calls"][0].get("extra_content").is_none());
        assert_eq!(message["tool_calls"][1]["extra_content"]["google"]["thought_signature"], "S");
    }

    #[test]
    fn the_gateway_gets_cache_marks_for_the_vendor_that_needs_them() {
        let endpoint =
            Endpoint::new(Dialect::ChatCompletions, "https://openrouter.ai/api/v1", "anthropic/claude-x").unwrap();
        let messages = encode(&endpoint, &conversation(thoughtful()))["messages"].clone();
        let marked: Vec<bool> = messages
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message.pointer("/content/0/cache_control").is_some())
            .collect();
        assert_eq!(marked, [true, false, false, true]);
    }

    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
        let long = conversation(Reply {
            calls: vec![ToolCall { id: "bad id".into(), name: "x".into(), arguments: "{".into() }],
            ..thoughtful()
        });
        let short = Prompt { messages: long.messages[..2].to_vec(), ..long.clone() };
        for base in ["https://api.deepseek.com", "http://127.0.0.1/v1", "https://api.mistral.ai/v1"] {
            let [short, long] = [&short, &long].map(|prompt| encode(&endpoint(base), prompt)["messages"].to_string());
            assert!(long.starts_with(short.trim_end_matches(']')), "{base}");
            assert_eq!(
                encode(&endpoint(base), &conversation(thoughtful())).to_string(),
                encode(&endpoint(base), &conversation(thoughtful())).to_string()
            );
        }
    }
}
