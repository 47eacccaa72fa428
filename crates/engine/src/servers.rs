//! What MCP servers do by themselves, and what they ask of the person.
//!
//! Not here: the servers (that is `mcp`). A server's question is no permission: it is always delivered, in every mode.

use crate::command::SessionCommand;
use crate::session::Session;
use gate::CallId;
use mcp::{Elicitation, ElicitationAnswer, Next, ServerEvent, Wanted};
use policy::Attendance;
use tokio::sync::mpsc;
use wire::Event;

impl Session {
    /// Tells what a server did, or delivers what it asks.
    pub(crate) fn server_did(&mut self, event: ServerEvent) {
        let text = match event {
            ServerEvent::Started { .. } => return,
            ServerEvent::Died { server, why, next } => {
                let next = match next {
                    Next::Restart { attempt, of } => format!("it is started again ({attempt} of {of})"),
                    Next::GivenUp => "it stays down for this session".to_owned(),
                };
                format!("MCP server `{server}` died: {why}; {next}")
            }
            ServerEvent::Restarted { server, tools } => format!("MCP server `{server}` is up again with {tools} tools"),
            ServerEvent::ToolsChanged { server } => format!("MCP server `{server}` has other tools now"),
            ServerEvent::LeftOut { server, what } => format!("MCP server `{server}`: {what} is left out"),
            ServerEvent::Elicitation(asked) => match self.gate.state().attendance {
                // To drop the question is to decline it.
                Attendance::Unattended => format!("MCP server `{}` asked something; nobody is here", asked.server()),
                Attendance::Attended => return self.deliver_elicitation(asked),
            },
        };
        self.say(Event::Notice { text });
    }

    fn deliver_elicitation(&mut self, asked: Elicitation) {
        self.elicited.named += 1;
        let id = CallId::new(format!("e{}", self.elicited.named));
        self.say(form(&id, &asked, self.chip()));
        self.elicited.open.push((id, asked));
    }

    /// Answers a server's question, if that is what the person answered.
    pub(crate) fn answer_elicitation(&mut self, call: &CallId, text: &str) {
        self.elicited.open.retain(|(_, asked)| !asked.is_withdrawn());
        if let Some(at) = self.elicited.open.iter().position(|(id, _)| id == call) {
            let answer = match serde_json::from_str(text) {
                Ok(serde_json::Value::Object(content)) => {
                    let (id, asked) = &self.elicited.open[at];
                    if let Err(why) = asked.wanted().check(&content) {
                        // It is still open, and whoever answered has put it away.
                        self.say(Event::Notice { text: format!("the server would not take that: {why}") });
                        return self.say(form(id, asked, self.chip()));
                    }
                    ElicitationAnswer::Accept(content)
                }
                Ok(_) | Err(_) => ElicitationAnswer::Decline,
            };
            self.elicited.open.remove(at).1.answer(answer);
            self.say(Event::Answered { call: call.to_string() });
        }
    }
}

/// Tells a session what its servers do by themselves, like everything else.
pub async fn hear_servers(mut events: mpsc::Receiver<ServerEvent>, commands: mpsc::Sender<SessionCommand>) {
    while let Some(event) = events.recv().await {
        if commands.send(SessionCommand::Server(event)).await.is_err() {
            return;
        }
    }
}

/// Questions of servers.
#[derive(Debug, Default)]
pub(crate) struct Elicited {
    /// Those that wait for an answer.
    pub(crate) open: Vec<(CallId, Elicitation)>,
    /// How many there were so far.
    pub(crate) named: u64,
}

/// A server's question, as the person reads it.
pub(crate) fn form(id: &CallId, asked: &Elicitation, chip: String) -> Event {
    let wanted = match asked.wanted() {
        Wanted::Form(schema) => schema.to_string(),
        Wanted::Page(address) => address.clone(),
    };
    Event::Question {
        call: id.to_string(),
        summary: format!("MCP server `{}` asks", asked.server()),
        shown: format!("{}\n{wanted}", asked.message()),
        effect: None,
        price: None,
        why: None,
        offered: Vec::new(),
        raise_to: None,
        chip,
    }
}
