//! The prompts that servers offer to the person: texts to speak with, filled in by the server.
//!
//! Not here: what a model may do with them: nothing. A prompt is asked for by a person at a surface.

use crate::config::ServerName;
use crate::content::{self, block};
use crate::error::McpError;
use crate::link::{Asked, Broken};
use crate::server::Server;
use crate::servers::Servers;
use crate::text::{one_line, paragraphs};
use serde_json::{Map, Value};
use std::ops::ControlFlow;
use tokio::task::JoinSet;

/// How many prompts of one server are taken.
const MOST_PROMPTS: usize = 100;

/// How many arguments of one prompt are taken.
const MOST_BLANKS: usize = 32;

/// A prompt of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpPrompt {
    /// The server that has it.
    pub server: ServerName,
    /// Its name, as the server spells it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What is to be filled in.
    pub blanks: Vec<Blank>,
}

/// Something to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blank {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the prompt can do without it.
    pub need: Need,
}

/// Whether a prompt can do without something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be filled in.
    Required,
    /// It may be left out.
    Optional,
}

impl Servers {
    /// The prompts of all servers that are up, asked for now. A server that does not answer has none.
    pub async fn prompts(&self) -> Vec<McpPrompt> {
        let mut asked = JoinSet::new();
        for server in self.all().iter().filter(|server| server.offers().prompts) {
            let (server, stop) = (server.clone(), self.stopping().clone());
            asked.spawn(async move { list(&server, &stop).await.unwrap_or_default() });
        }
        let mut prompts: Vec<McpPrompt> = asked.join_all().await.into_iter().flatten().collect();
        prompts.sort_by(|a, b| (&a.server, &a.name).cmp(&(&b.server, &b.name)));
        prompts
    }

    /// A prompt of a server, filled in, as text for the person to speak with.
    pub async fn prompt(&self, server: &str, name: &str, filled: &[(String, String)]) -> Result<String, McpError> {
        let server = self.server(server)?;
        let no_answer =
            |why: String| McpError::NoAnswer { server: server.name().clone(), why: server.config.scrub(&why) };
        let link = server.link(self.stopping()).await.map_err(no_answer)?;
        let filled: Map<String, Value> =
            filled.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
        let watch = server.brief_watch(self.stopping());
        let result = link.ask(Asked::Prompt(name.to_owned(), filled), &watch).await;
        let result = result.map_err(|broken| no_answer(broken.words()))?;
        let messages = result.get("messages").and_then(Value::as_array);
        let messages = messages.ok_or_else(|| no_answer("its answer has no messages".to_owned()))?;
        Ok(content::cut(&messages.iter().map(message).collect::<Vec<_>>().join("\n\n"), None))
    }
}

async fn list(server: &Server, stop: &tokio_util::sync::CancellationToken) -> Result<Vec<McpPrompt>, Broken> {
    let link = server.link(stop).await.map_err(Broken::NotSent)?;
    let mut prompts = Vec::new();
    let take = |page: &[Value]| {
        prompts.extend(page.iter().filter_map(|entry| read(server.name(), entry)));
        if prompts.len() >= MOST_PROMPTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    link.list(Asked::Prompts, "prompts", &server.brief_watch(stop), take).await?;
    prompts.truncate(MOST_PROMPTS);
    Ok(prompts)
}

fn read(server: &ServerName, entry: &Value) -> Option<McpPrompt> {
    let name = entry.get("name")?.as_str()?;
    let blanks = entry.get("arguments").and_then(Value::as_array).into_iter().flatten().take(MOST_BLANKS);
    let plain = one_line(name, 128);
    // A name that cannot be shown as it is cannot be picked either.
    (!name.is_empty() && plain == name).then(|| McpPrompt {
        server: server.clone(),
        name: plain,
        description: description(entry),
        blanks: blanks.filter_map(blank).collect(),
    })
}

fn blank(entry: &Value) -> Option<Blank> {
    let name = entry.get("name")?.as_str()?;
    let need = if entry.get("required") == Some(&Value::Bool(true)) { Need::Required } else { Need::Optional };
    Some(Blank { name: one_line(name, 128), description: description(entry), need })
}

fn description(entry: &Value) -> String {
    let words = ["description", "title"].into_iter().find_map(|name| entry.get(name)?.as_str());
    one_line(words.unwrap_or_default(), 500)
}

/// One message of a prompt. What the person says is said as it is; what is put in the model's mouth is marked.
fn message(message: &Value) -> String {
    let text = paragraphs(&message.get("content").map(block).unwrap_or_default(), content::MOST_TEXT);
    match message.get("role").and_then(Value::as_str) {
        Some("assistant") => format!("[assistant] {text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_prompt_is_read_with_its_blanks_and_without_tricks() {
        let server: ServerName = "s".parse().unwrap();
        let entry = json!({ "name": "fix", "description": "Fixes\nit", "arguments": [
            { "name": "what", "required": true, "description": "the bug" }, { "name": "how" }, { "no": "name" },
        ] });
        let blank =
            |name: &str, description: &str, need| Blank { name: name.into(), description: description.into(), need };
        assert_eq!(
            read(&server, &entry),
            Some(McpPrompt {
                server: server.clone(),
                name: "fix".into(),
                description: "Fixes it".into(),
                blanks: vec![blank("what", "the bug", Need::Required), blank("how", "", Need::Optional)],
            })
        );
        assert_eq!(read(&server, &json!({ "name": "a\u{1b}[2Jb" })), None);
        assert_eq!(read(&server, &json!({})), None);
    }

    #[test]
    fn what_is_put_in_the_models_mouth_is_marked() {
        let say = |role: &str| json!({ "role": role, "content": { "type": "text", "text": "hi\u{1b}[2J\nthere" } });
        assert_eq!(message(&say("user")), "hi[2J\nthere");
        assert_eq!(message(&say("assistant")), "[assistant] hi[2J\nthere");
        assert_eq!(message(&json!({})), "");
    }
}
