//! How a session stands, for whoever looks: answers that last, prohibitions, what fills the context, the servers. And
//! telling its past to somebody who comes later.
//!
//! Not here: what changes any of it.

use crate::calls::{self, Waiting};
use crate::past;
use crate::record::{self, RecordError};
use crate::session::{EngineError, Session};
use crate::work::{self, Admitted, Understood};
use gate::{CallId, supervise};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use turn::chat::{Message, ToolCall};
use wire::{Aspect, ContextPart, ControlReply, Doing, Event, ServerLine, ServerTool};

/// What git's status says of a repository before its first commit.
const NO_COMMIT: &str = "No commits yet";
/// What is asked of git to tell what differs from the last commit.
const DIFFERENCE: &str = r#"{"operation":"diff","revision":"HEAD","detail":"patch"}"#;
/// How many events may wait for a slow watcher beside its past, before it is let go.
const WATCHER_WAITS: usize = 4_096;

impl Session {
    /// Answers somebody who looks.
    pub(crate) async fn look(&mut self, at: Aspect) -> Result<ControlReply, EngineError> {
        let state = self.gate.state();
        Ok(match at {
            Aspect::Answers => ControlReply::Answers { grants: state.grants.iter().map(ToString::to_string).collect() },
            Aspect::Prohibitions => {
                ControlReply::Prohibitions { rules: state.prohibitions.iter().map(ToString::to_string).collect() }
            }
            Aspect::Context => ControlReply::Context {
                counted: self.turn.measured().map(|measured| measured.input),
                limit: self.setup.limits.context_tokens,
                parts: self.context(),
            },
            Aspect::Servers => ControlReply::Servers { servers: self.servers() },
            Aspect::Changes => {
                let status = self.read_history(r#"{"operation":"status"}"#).await?;
                // Before the first commit there is nothing to differ from.
                let text = match status.contains(NO_COMMIT) {
                    true => status,
                    false => format!("{status}\n\n{}", self.read_history(DIFFERENCE).await?),
                };
                ControlReply::Changes { text }
            }
        })
    }

    /// Has git asked for the person, as the model has it asked: nothing that the repository configures is run. A free read
    /// on record, which only a rule of the person's own can be in the way of.
    async fn read_history(&mut self, arguments: &str) -> Result<String, EngineError> {
        let id = CallId::new(format!("look-{}", self.gate.state().started.len()));
        let call = ToolCall { id: id.to_string(), name: "history".to_owned(), arguments: arguments.to_owned() };
        let Ok(Understood::Work(work)) = work::understand(&call, &self.setup.desk()) else {
            unreachable!("the words are written here");
        };
        match work.admit(&mut self.gate, id.clone()).await? {
            Admitted::Run(ready) => {
                let (scene, servers) = (self.setup.scene.clone(), self.setup.servers.clone());
                let ended = supervise(ready.run(scene, servers), CancellationToken::new(), Duration::ZERO).await;
                let report = self.gate.close(&id, ended, |_| Ok(Vec::new())).await?;
                Ok(report.text().to_owned())
            }
            Admitted::Refused(refusal) => Ok(refusal.reason.to_string()),
            Admitted::Ask(question, _) => Ok(question.why.to_string()),
        }
    }

    /// The parts of what the next request would send.
    fn context(&self) -> Vec<ContextPart> {
        let part = |name: &str, count, bytes| ContextPart { name: name.to_owned(), count, bytes };
        let tools = work::specs(&self.setup);
        let of_tools = serde_json::to_string(&tools).unwrap_or_default().len();
        let (mut person, mut model, mut results) = ((0, 0), (0, 0), (0, 0));
        for message in self.turn.messages() {
            let (sum, bytes) = match message {
                Message::User { text } => (&mut person, text.len()),
                Message::Assistant(reply) => {
                    let calls: usize = reply.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
                    let thought = reply.reasoning.as_ref().map_or(0, |reasoning| reasoning.text.len());
                    (&mut model, reply.text.len() + calls + thought)
                }
                Message::Tool { text, .. } => (&mut results, text.len()),
            };
            *sum = (sum.0 + 1, sum.1 + bytes);
        }
        vec![
            part("instructions", 1, self.setup.instructions.len()),
            part("tools", tools.len(), of_tools),
            part("what you said", person.0, person.1),
            part("what the model said", model.0, model.1),
            part("results of tools", results.0, results.1),
        ]
    }

    fn servers(&self) -> Vec<ServerLine> {
        let tools = self.setup.servers.tools();
        let line = |state: mcp::ServerState| {
            let of_it = tools.iter().filter(|tool| *tool.server() == state.server);
            let tool =
                |tool: &mcp::McpTool| ServerTool { name: tool.name().to_owned(), effect: tool.effect().to_string() };
            ServerLine { name: state.server.to_string(), state: state.phase.words(), tools: of_it.map(tool).collect() }
        };
        self.setup.servers.states().into_iter().map(line).collect()
    }

    /// What was said so far, what is asked, and what it is doing: for somebody who comes later. `notes` are what a person
    /// might not expect.
    pub async fn past(&self, notes: Vec<String>) -> Result<Vec<Event>, EngineError> {
        let records = record::all(&self.place.journal, &self.place.id).await?;
        let seq = records.last().map_or(0, |record| record.seq);
        let told = past::told(&records, self.chip()).map_err(|why| RecordError::Turn { seq, why })?;
        let asked = self.waiting.iter().map(|waiting| match waiting {
            Waiting::Permission(question) => calls::asked(question, self.gate.state()),
            Waiting::Response(id, shown) => calls::delivered(id, shown.clone(), self.chip()),
        });
        let forms = self.elicited.open.iter().map(|(id, asked)| crate::servers::form(id, asked, self.chip()));
        let doing = if self.turn.is_idle() { Doing::Waits } else { Doing::Works };
        let header = self.header(notes);
        let end = [Event::CaughtUp { doing }];
        Ok([header].into_iter().chain(told).chain(asked).chain(forms).chain(end).collect())
    }

    /// Has somebody hear everything: the past first, then what happens.
    pub(crate) async fn watched(&self) -> Result<mpsc::Receiver<Event>, EngineError> {
        let past = self.past(Vec::new()).await?;
        let (watcher, hears) = mpsc::channel(past.len() + WATCHER_WAITS);
        for event in past {
            // There is room for all of it.
            let _ = watcher.try_send(event);
        }
        self.surface.events.add(watcher);
        Ok(hears)
    }
}
