//! A request to the model, in any of the three dialects, read into the conversation that it carries.
//!
//! Not here: what is answered. What a real service would refuse is refused here too, where a client could get it wrong:
//! above all a tool call without its result, or a result without its call.

use ::model::Dialect;
use ::turn::chat::{Message, Outcome, Prompt, Reply, ToolCall};
use serde_json::Value;

/// A request, understood.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    /// The conversation; its tools are not read, only their names below.
    pub(crate) prompt: Prompt,
    /// The names of the tools as they were declared.
    pub(crate) declared: Vec<String>,
    pub(crate) form: Form,
    /// Whether the tokens are to be counted in the stream.
    pub(crate) count: Count,
}

/// In what form the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Stream,
}

/// Whether the tokens of an answer are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Said,
    Kept,
}

impl Asked {
    /// Reads a request; the error is what the service answers.
    pub(crate) fn read(dialect: Dialect, body: &Value) -> Result<Asked, String> {
        let mut reading = Reading::default();
        match dialect {
            Dialect::ChatCompletions => {
                reading.each(body, "messages", Reading::chat_message)?;
            }
            Dialect::Anthropic => {
                reading.system(body.get("system"));
                reading.each(body, "messages", Reading::anthropic_message)?;
                if !body["max_tokens"].is_u64() {
                    return Err("max_tokens: Field required".to_owned());
                }
            }
            Dialect::Responses => {
                reading.system(body.get("instructions"));
                match &body["input"] {
                    Value::String(text) => reading.user(text.clone()),
                    _ => reading.each(body, "input", Reading::response_item)?,
                }
            }
        }
        let Some(model) = body["model"].as_str() else {
            return Err("you must provide a model parameter".to_owned());
        };
        paired(&reading.messages)?;
        let counted = match dialect {
            Dialect::ChatCompletions => body["stream_options"]["include_usage"] == true,
            Dialect::Anthropic | Dialect::Responses => true,
        };
        Ok(Asked {
            dialect,
            model: model.to_owned(),
            prompt: Prompt {
                system: reading.system,
                tools: Vec::new(),
                messages: reading.messages,
                max_output_tokens: None,
            },
            declared: declared(body),
            form: if body["stream"] == true { Form::Stream } else { Form::Whole },
            count: if counted { Count::Said } else { Count::Kept },
        })
    }

    /// Spells a tool as the request declared it: services take fewer characters in a name than people do.
    pub(crate) fn spelled(&self, tool: &str) -> String {
        let replaced: String = tool
            .chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => c.to_string(),
                _ => "__".to_owned(),
            })
            .collect();
        let is_declared = |name: &String| self.declared.contains(name);
        [tool.to_owned(), replaced].into_iter().find(is_declared).unwrap_or_else(|| tool.to_owned())
    }
}

/// The conversation as far as it was read.
#[derive(Default)]
struct Reading {
    system: String,
    messages: Vec<Message>,
}

impl Reading {
    fn each(
        &mut self,
        body: &Value,
        key: &str,
        read: fn(&mut Reading, &Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let Some(items) = body[key].as_array() else {
            return Err(format!("`{key}` must be a list"));
        };
        for (place, item) in items.iter().enumerate() {
            read(self, item).map_err(|reason| format!("{key}[{place}]: {reason}"))?;
        }
        Ok(())
    }

    fn system(&mut self, content: Option<&Value>) {
        self.system.push_str(&words(content.unwrap_or(&Value::Null)));
    }

    fn user(&mut self, text: String) {
        self.messages.push(Message::User { text });
    }

    fn result(&mut self, call: &Value, content: &Value, outcome: Outcome) -> Result<(), String> {
        let call = named(call, "the call that this is the result of")?;
        self.messages.push(Message::Tool { call, text: words(content), outcome });
        Ok(())
    }

    /// Gives the reply that the model is in the middle of, in the dialect that takes replies apart.
    fn reply(&mut self) -> &mut Reply {
        if !matches!(self.messages.last(), Some(Message::Assistant(_))) {
            self.messages.push(Message::Assistant(Reply::default()));
        }
        match self.messages.last_mut() {
            Some(Message::Assistant(reply)) => reply,
            _ => unreachable!("a reply was put there above"),
        }
    }

    fn chat_message(&mut self, message: &Value) -> Result<(), String> {
        let content = &message["content"];
        match message["role"].as_str() {
            Some("system" | "developer") => self.system(Some(content)),
            Some("user") => self.user(words(content)),
            Some("tool") => self.result(&message["tool_call_id"], content, Outcome::Done)?,
            Some("assistant") => {
                let mut reply = Reply { text: words(content), ..Reply::default() };
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let function = &call["function"];
                    reply.calls.push(ToolCall {
                        id: named(&call["id"], "the call")?,
                        name: named(&function["name"], "the tool that is called")?,
                        arguments: function["arguments"].as_str().ok_or("arguments must be text")?.to_owned(),
                    });
                }
                self.messages.push(Message::Assistant(reply));
            }
            _ => return Err(format!("invalid role {}", message["role"])),
        }
        Ok(())
    }

    fn anthropic_message(&mut self, message: &Value) -> Result<(), String> {
        let text = [message["content"].clone()];
        let blocks = match &message["content"] {
            Value::Array(blocks) => &blocks[..],
            Value::String(_) => &text[..],
            _ => return Err("content must be text or a list".to_owned()),
        };
        match message["role"].as_str() {
            Some("user") => {
                for block in blocks {
                    match block["type"].as_str() {
                        Some("tool_result") => {
                            let failed = block["is_error"] == true;
                            let outcome = if failed { Outcome::Failed } else { Outcome::Done };
                            self.result(&block["tool_use_id"], &block["content"], outcome)?;
                        }
                        _ => self.user(words(block)),
                    }
                }
            }
            Some("assistant") => {
                let mut reply = Reply::default();
                for block in blocks {
                    match block["type"].as_str() {
                        Some("tool_use") => reply.calls.push(ToolCall {
                            id: named(&block["id"], "the call")?,
                            name: named(&block["name"], "the tool that is called")?,
                            arguments: block["input"].to_string(),
                        }),
                        Some("thinking" | "redacted_thinking") => {}
                        _ => reply.text.push_str(&words(block)),
                    }
                }
                self.messages.push(Message::Assistant(reply));
            }
            _ => return Err(format!("invalid role {}", message["role"])),
        }
        Ok(())
    }

    fn response_item(&mut self, item: &Value) -> Result<(), String> {
        match (item["type"].as_str(), item["role"].as_str()) {
            (Some("message") | None, Some("assistant")) => {
                let text = words(&item["content"]);
                self.reply().text.push_str(&text);
            }
            (Some("message") | None, Some("user")) => self.user(words(&item["content"])),
            (Some("message") | None, Some("system" | "developer")) => self.system(item.get("content")),
            (Some("function_call"), _) => {
                let call = ToolCall {
                    id: named(&item["call_id"], "the call")?,
                    name: named(&item["name"], "the tool that is called")?,
                    arguments: item["arguments"].as_str().ok_or("arguments must be text")?.to_owned(),
                };
                self.reply().calls.push(call);
            }
            (Some("function_call_output"), _) => {
                self.result(&item["call_id"], &item["output"], Outcome::Done)?;
            }
            (Some("reasoning"), _) => {
                self.reply();
            }
            _ => return Err(format!("invalid item {}", item["type"])),
        }
        Ok(())
    }
}

/// The words of a message: a text, a block with a text, or a list of those.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words).collect(),
        Value::Object(part) => part.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn named(value: &Value, what: &str) -> Result<String, String> {
    match value.as_str() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(format!("{what} must be named")),
    }
}

/// Checks that each tool call has its result before anything else is said, and that there is no other result.
fn paired(messages: &[Message]) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Tool { call, .. } => match open.iter().position(|id| id == call) {
                Some(place) => {
                    open.swap_remove(place);
                }
                None => return Err(format!("the result of `{call}` follows no call of that name")),
            },
            Message::User { .. } | Message::Assistant(_) => {
                if let Some(call) = open.first() {
                    return Err(format!("the call `{call}` has no result"));
                }
                if let Message::Assistant(reply) = message {
                    open = reply.calls.iter().map(|call| call.id.as_str()).collect();
                }
            }
        }
    }
    match open.first() {
        Some(call) => Err(format!("the call `{call}` has no result")),
        None => Ok(()),
    }
}

fn declared(body: &Value) -> Vec<String> {
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |tool: &Value| {
        let name = tool["name"].as_str().or_else(|| tool["function"]["name"].as_str());
        name.map(str::to_owned)
    };
    tools.iter().filter_map(name).collect()
}
