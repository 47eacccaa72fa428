//! A question of a server to the person: a form to fill in, or a page to open.
//!
//! It is no permission and passes no gate: it is always delivered. Where nobody listens it is declined.
//!
//! Not here: showing it.

use crate::config::ServerName;
use crate::event::{ServerEvent, Voice};
use crate::schema;
use crate::text::{is_trick, one_line, paragraphs};
use reqwest::Url;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, oneshot};

/// How many questions of one server may be open at a time; another is declined.
const MOST_OPEN: usize = 4;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 2_000;

/// The longest address of a page, in bytes.
const LONGEST_URL: usize = 2_048;

/// A question of a server to the person. To drop it is to decline.
#[derive(Debug)]
pub struct Elicitation {
    server: ServerName,
    message: String,
    wanted: Wanted,
    reply: oneshot::Sender<ElicitationAnswer>,
}

/// What a server wants of the person.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A form; the value is the JSON schema of an object whose members are plain values.
    Form(Value),
    /// A page to be opened by the person, never by the program.
    Page(String),
}

/// What the person says to a server's question.
#[derive(Clone, Debug, PartialEq)]
pub enum ElicitationAnswer {
    /// Yes, with what the form asks for; nothing for a page.
    Accept(Map<String, Value>),
    /// No.
    Decline,
    /// Neither: the person closed the question.
    Cancel,
}

impl Elicitation {
    /// The server that asks.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What it wants.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether the server no longer waits.
    pub fn is_withdrawn(&self) -> bool {
        self.reply.is_closed()
    }

    /// Completes when the server no longer waits.
    pub async fn withdrawn(&mut self) {
        self.reply.closed().await;
    }

    /// Answers it. An answer that comes too late is nobody's.
    pub fn answer(self, answer: ElicitationAnswer) {
        let _ = self.reply.send(answer);
    }
}

impl Wanted {
    /// Checks what the person filled in, or says what is wrong with it. The server may check more.
    pub fn check(&self, content: &Map<String, Value>) -> Result<(), String> {
        match self {
            Wanted::Form(schema) => schema::check(schema, &Value::Object(content.clone())),
            Wanted::Page(_) => Ok(()),
        }
    }
}

/// The questions of one server.
#[derive(Debug)]
pub(crate) struct Questions {
    server: ServerName,
    voice: Voice,
    room: Semaphore,
}

impl Questions {
    pub(crate) fn new(server: ServerName, voice: Voice) -> Questions {
        Questions { server, voice, room: Semaphore::new(MOST_OPEN) }
    }

    /// Whether the server waits for the person.
    pub(crate) fn is_waiting(&self) -> bool {
        self.room.available_permits() < MOST_OPEN
    }

    /// Puts a question to the person and waits for the answer, as the protocol writes it.
    pub(crate) async fn ask(&self, params: &Value) -> Value {
        let (Ok(_place), Some(wanted)) = (self.room.try_acquire(), wanted(params)) else {
            return written(ElicitationAnswer::Decline);
        };
        let (reply, answer) = oneshot::channel();
        let message = params.get("message").and_then(Value::as_str).unwrap_or_default();
        let message = paragraphs(message, LONGEST_MESSAGE);
        let question = Elicitation { server: self.server.clone(), message, wanted, reply };
        self.voice.say(ServerEvent::Elicitation(question));
        written(answer.await.unwrap_or(ElicitationAnswer::Decline))
    }
}

/// What is wanted; `None` if it cannot be shown.
fn wanted(params: &Value) -> Option<Wanted> {
    match params.get("mode").and_then(Value::as_str) {
        Some("url") => {
            let url = params.get("url").and_then(Value::as_str).filter(|url| url.len() <= LONGEST_URL)?;
            let parsed = Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"))?;
            Some(Wanted::Page(one_line(parsed.as_str(), LONGEST_URL)))
        }
        Some("form") | None => {
            let form = params.get("requestedSchema");
            if schema::fault(form).is_some() { None } else { form.and_then(showable).map(Wanted::Form) }
        }
        Some(_) => None,
    }
}

/// A form whose words can be shown: titles and descriptions lose their tricks; a name or a choice that has some cannot be
/// changed, and so cannot be shown.
fn showable(form: &Value) -> Option<Value> {
    let plain = |word: &String| !word.chars().any(is_trick);
    match form {
        Value::Object(members) => {
            let shown = members.iter().map(|(name, value)| match (name.as_str(), value) {
                _ if !plain(name) => None,
                ("title" | "description", Value::String(words)) => {
                    Some((name.clone(), Value::String(one_line(words, LONGEST_MESSAGE))))
                }
                _ => Some((name.clone(), showable(value)?)),
            });
            shown.collect::<Option<Map<String, Value>>>().map(Value::Object)
        }
        Value::Array(elements) => elements.iter().map(showable).collect::<Option<Vec<Value>>>().map(Value::Array),
        Value::String(word) => plain(word).then(|| form.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(form.clone()),
    }
}

fn written(answer: ElicitationAnswer) -> Value {
    match answer {
        ElicitationAnswer::Accept(content) => json!({ "action": "accept", "content": content }),
        ElicitationAnswer::Decline => json!({ "action": "decline" }),
        ElicitationAnswer::Cancel => json!({ "action": "cancel" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    fn questions() -> (Questions, mpsc::Receiver<ServerEvent>) {
        let (voice, events) = Voice::new();
        (Questions::new("s".parse().unwrap(), voice), events)
    }

    fn form() -> Value {
        json!({ "message": "who?\u{1b}[2J", "requestedSchema": { "properties": { "name": { "type": "string" } } } })
    }

    async fn next(events: &mut mpsc::Receiver<ServerEvent>) -> Elicitation {
        match events.recv().await {
            Some(ServerEvent::Elicitation(question)) => question,
            other => panic!("a question was expected, not {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_form_is_delivered_and_its_answer_goes_back() {
        let ((questions, mut events), form) = (questions(), form());
        let (said, ()) = tokio::join!(questions.ask(&form), async {
            let question = next(&mut events).await;
            assert_eq!(question.message(), "who?[2J");
            let content = json!({ "name": "ada" }).as_object().unwrap().clone();
            assert_eq!(question.wanted().check(&content), Ok(()));
            let wrong = json!({ "name": 1 }).as_object().unwrap().clone();
            assert_eq!(question.wanted().check(&wrong), Err("`name` must be string, not a number".to_owned()));
            question.answer(ElicitationAnswer::Accept(content));
        });
        assert_eq!(said, json!({ "action": "accept", "content": { "name": "ada" } }));
        assert!(!questions.is_waiting());
    }

    #[tokio::test]
    async fn a_question_that_is_dropped_or_heard_by_nobody_is_declined() {
        let ((asking, mut events), form) = (questions(), form());
        let (said, ()) = tokio::join!(asking.ask(&form), async { drop(next(&mut events).await) });
        assert_eq!(said, json!({ "action": "decline" }));
        drop(events);
        assert_eq!(asking.ask(&form).await, json!({ "action": "decline" }));
    }

    #[tokio::test]
    async fn a_page_is_delivered_as_its_address_and_only_if_it_is_one_of_the_web() {
        let (questions, mut events) = questions();
        let page = |url: &str| json!({ "mode": "url", "message": "open", "url": url });
        let address = page("https://x.example/a b");
        let (said, ()) = tokio::join!(questions.ask(&address), async {
            let question = next(&mut events).await;
            assert_eq!(question.wanted(), &Wanted::Page("https://x.example/a%20b".to_owned()));
            question.answer(ElicitationAnswer::Cancel);
        });
        assert_eq!(said, json!({ "action": "cancel" }));
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "nonsense"] {
            assert_eq!(questions.ask(&page(bad)).await, json!({ "action": "decline" }), "{bad}");
        }
        assert_eq!(questions.ask(&json!({ "mode": "dance", "message": "?" })).await, json!({ "action": "decline" }));
        assert_eq!(questions.ask(&json!({ "message": "?" })).await, json!({ "action": "decline" }));
    }

    #[test]
    fn a_form_is_shown_without_tricks_or_not_at_all() {
        let form = |title: &str, choice: &str, name: &str| {
            json!({ "mode": "form", "message": "?", "requestedSchema": {
                "properties": { name: { "title": title, "enum": [choice], "default": 1 } },
            } })
        };
        let shown = wanted(&form("a\u{1b}[2Jb", "x", "n")).unwrap();
        assert!(matches!(shown, Wanted::Form(schema) if schema["properties"]["n"]["title"] == "a[2Jb"));
        assert_eq!(wanted(&form("a", "x\u{202e}", "n")), None);
        assert_eq!(wanted(&form("a", "x", "n\u{7}")), None);
    }

    #[tokio::test]
    async fn a_flood_of_questions_is_declined_beyond_the_first_few() {
        let (questions, mut events) = questions();
        let questions = Arc::new(questions);
        let mut asked = JoinSet::new();
        for _ in 0..MOST_OPEN + 3 {
            let questions = questions.clone();
            asked.spawn(async move { questions.ask(&form()).await });
        }
        let mut held = Vec::new();
        for _ in 0..MOST_OPEN {
            held.push(next(&mut events).await);
        }
        for _ in 0..3 {
            assert_eq!(asked.join_next().await.unwrap().unwrap(), json!({ "action": "decline" }));
        }
        assert!(questions.is_waiting());
        held.into_iter().for_each(|question| question.answer(ElicitationAnswer::Cancel));
        while let Some(said) = asked.join_next().await {
            assert_eq!(said.unwrap(), json!({ "action": "cancel" }));
        }
        assert!(!questions.is_waiting());
    }

    #[tokio::test]
    async fn a_question_that_the_server_takes_back_is_withdrawn() {
        let (questions, mut events) = questions();
        let form = form();
        let mut question = tokio::select! {
            _ = questions.ask(&form) => panic!("nobody has answered"),
            question = next(&mut events) => question,
        };
        question.withdrawn().await;
        assert!(question.is_withdrawn() && !questions.is_waiting());
        question.answer(ElicitationAnswer::Decline);
    }
}
