//! A model that plays a file: the model of the demo and of the tests.
//!
//! Not here: serving a script over HTTP. Whoever does that asks [`Script::reply_to`] and gets the same turns.
//!
//! A script is a TOML file; `docs/script.md` has every key of it, with examples. In short:
//!
//! ```toml
//! name = "fix-the-bug"                        # optional
//! price = { input = "0.28", output = "0.42" } # optional: USD for a million tokens, as text
//! after = "end"                               # optional: what follows the last turn; an error if absent
//!
//! [[turn]]
//! reasoning = "I should look first."
//! text = "I read the file."
//! calls = [{ tool = "read", args = { path = "src/lib.rs" } }]
//!
//! [[turn]]
//! expect = ["fn add"]                         # must be in the results of the tools called before
//! error = { kind = "rate limited", after_ms = 200, times = 2 }
//! text = "Done."
//! usage = { input = 1200, output = 40 }
//! ```
//!
//! There is no state: the turn that answers a prompt is the one after as many turns as the prompt has replies in it. So
//! a session that is resumed goes on where it stopped, and a session that is replayed gets the same answers.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::task::yield_now;
use tokio::time::sleep;
use turn::chat::{Message, Prompt, Reasoning, Reply, ToolCall, Usage};

use crate::completion::{Completion, Heard, Spent, Stop};
use crate::decode::Trouble;
use crate::draft::Draft;
use crate::endpoint::Caps;
use crate::error::{Lost, ModelError, Said};
use crate::names::Names;
use crate::retry::Retry;

/// The largest script.
const LARGEST_SCRIPT: u64 = 16 << 20;
/// The most that one turn may come to by repeating its text or its calls.
const LONGEST_TEXT: usize = 64 << 20;
const MOST_CALLS: usize = 100_000;
/// What is said when the turns have run out and the script allows it.
const CLOSING: &str = "The script ends here.";
/// What stands around the number of turns played, in a summary that replaced the turns themselves.
const MARK: (&str, &str) = ("[script at turn ", "]");
/// What an aside's text says to have the mark put in.
const MARK_WISH: &str = "{position}";

/// A script, ready to be played.
#[derive(Clone, Debug)]
pub struct Script {
    name: String,
    price: Option<ScriptPrice>,
    after: After,
    turns: Vec<Numbered>,
    asides: Vec<Numbered>,
}

/// What a script says that its model costs, in USD for a million tokens, as it is written there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptPrice {
    /// For input.
    pub input: String,
    /// For output.
    pub output: String,
    /// For input that was in the cache; the price of input if absent.
    #[serde(default)]
    pub cache_read: Option<String>,
}

/// Why a script cannot be played, or cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("the script `{path}` cannot be read: {words}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        words: String,
    },
    /// It is no script.
    #[error("line {line} of the script: {words}")]
    NotAScript {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        words: String,
    },
    /// A turn says something that cannot be meant.
    #[error("turn {turn} of the script: {words}")]
    BadTurn {
        /// The turn, counted in the file from 1.
        turn: usize,
        /// What is wrong with it.
        words: String,
    },
    /// There are more prompts than turns.
    #[error("the script has ended: reply {reply} was asked of it and it has {turns}")]
    RanOut {
        /// The reply that was asked for, from 1.
        reply: usize,
        /// The number of replies there are.
        turns: usize,
    },
    /// The tools did not say what the script waits for.
    #[error("turn {turn} of the script expects `{text}` in the results of the tools, and it is not there")]
    Expected {
        /// The turn, counted in the file from 1.
        turn: usize,
        /// The text that is missing.
        text: String,
    },
}

/// One turn of a script, for one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptTurn {
    /// The turn, counted in the file from 1; 0 for the closing words after the last one.
    pub number: usize,
    /// The number of replies before this one.
    pub position: usize,
    /// What the model says, thinks and calls.
    pub reply: Reply,
    /// The tokens it counts.
    pub usage: Option<Usage>,
    /// Why it stops.
    pub stop: Stop,
    /// What goes wrong before the reply comes.
    pub fault: Option<ScriptFault>,
    /// How long it waits before it says anything.
    pub delay: Duration,
    /// The number of characters in each piece of its text; everything in one piece if absent.
    pub chunk: Option<usize>,
}

/// What goes wrong before a reply comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFault {
    /// What kind of failure it is.
    pub kind: ScriptFaultKind,
    /// How long the model wants to be left alone.
    pub after: Option<Duration>,
    /// How many attempts fail before one succeeds.
    pub times: u32,
    /// What the model says about it.
    pub message: String,
}

/// The kinds of failure a script can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScriptFaultKind {
    /// The key is refused.
    Auth,
    /// There is no credit.
    Quota,
    /// Too many requests.
    #[serde(rename = "rate limited")]
    RateLimited,
    /// The conversation is too long.
    #[serde(rename = "context too long")]
    ContextTooLong,
    /// The request is refused.
    #[serde(rename = "bad request")]
    BadRequest,
    /// The service has a fault.
    Down,
    /// There is no connection.
    Network,
    /// The answer breaks off in the middle of its text.
    Cut,
    /// The answer is rubbish.
    Garbled,
}

impl ScriptFaultKind {
    /// Returns the status with which a service on the network would say so; `None` where it would say nothing.
    pub fn status(self) -> Option<u16> {
        match self {
            ScriptFaultKind::Auth => Some(401),
            ScriptFaultKind::Quota => Some(402),
            ScriptFaultKind::RateLimited => Some(429),
            ScriptFaultKind::ContextTooLong => Some(413),
            ScriptFaultKind::BadRequest => Some(400),
            ScriptFaultKind::Down => Some(503),
            ScriptFaultKind::Network | ScriptFaultKind::Cut | ScriptFaultKind::Garbled => None,
        }
    }
}

// What the file says, word for word.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    price: Option<ScriptPrice>,
    #[serde(default)]
    after: After,
    #[serde(default, rename = "turn")]
    turns: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum After {
    #[default]
    Error,
    End,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    when: Option<String>,
    #[serde(default)]
    text: String,
    text_times: Option<usize>,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    calls: Vec<EntryCall>,
    usage: Option<EntryUsage>,
    stop: Option<String>,
    error: Option<EntryError>,
    #[serde(default)]
    expect: Vec<String>,
    repeat: Option<usize>,
    #[serde(default)]
    delay_ms: u64,
    chunk: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryCall {
    tool: String,
    args: Option<Map<String, Value>>,
    raw: Option<String>,
    id: Option<String>,
    times: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EntryUsage {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
    reasoning: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryError {
    kind: ScriptFaultKind,
    after_ms: Option<u64>,
    times: Option<u32>,
    message: Option<String>,
    over_messages: Option<usize>,
}

/// A turn and its number in the file.
#[derive(Clone, Debug)]
struct Numbered {
    number: usize,
    entry: Entry,
}

impl Script {
    /// Reads a script from a file.
    #[allow(clippy::disallowed_methods, reason = "a script is a file that the person named")]
    pub fn load(path: &Path) -> Result<Script, ScriptError> {
        let unreadable = |words: String| ScriptError::Unreadable { path: path.display().to_string(), words };
        let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut text = String::new();
        // The limit is on what is read, for what is called a file may be a pipe without an end.
        let read = file.take(LARGEST_SCRIPT + 1).read_to_string(&mut text);
        if read.map_err(|error| unreadable(error.to_string()))? as u64 > LARGEST_SCRIPT {
            return Err(unreadable(format!("it has more than {LARGEST_SCRIPT} bytes")));
        }
        let mut script = Script::parse(&text)?;
        if script.name.is_empty() {
            script.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        }
        Ok(script)
    }

    /// Reads a script from its text.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
            ScriptError::NotAScript { line, words: error.message().replace('\n', ", ") }
        })?;
        let numbered = file.turns.into_iter().enumerate();
        let turns: Vec<Numbered> = numbered.map(|(place, entry)| Numbered { number: place + 1, entry }).collect();
        turns.iter().try_for_each(sound)?;
        let (asides, turns) = turns.into_iter().partition(|turn| turn.entry.when.is_some());
        Ok(Script { name: file.name.unwrap_or_default(), price: file.price, after: file.after, turns, asides })
    }

    /// Returns the script's name: what it says, else its file's, else `script`.
    pub fn name(&self) -> &str {
        if self.name.is_empty() { "script" } else { &self.name }
    }

    /// Returns what the script says that its model costs.
    pub fn price(&self) -> Option<&ScriptPrice> {
        self.price.as_ref()
    }

    /// Returns the number of replies in the script, asides and closing words apart.
    pub fn replies(&self) -> usize {
        self.turns.iter().map(|turn| turn.entry.repeat.unwrap_or(1)).fold(0, usize::saturating_add)
    }

    /// Returns the turn that answers a prompt.
    pub fn reply_to(&self, prompt: &Prompt) -> Result<ScriptTurn, ScriptError> {
        let position = position(prompt);
        let turn = self.aside_to(prompt).or_else(|| self.turn_at(position));
        match (turn, self.after) {
            (Some(turn), _) => {
                met(turn, prompt)?;
                Ok(turn.spoken(position, prompt))
            }
            (None, After::End) => Ok(ScriptTurn {
                number: 0,
                position,
                reply: Reply { text: CLOSING.to_owned(), ..Reply::default() },
                usage: None,
                stop: Stop::End,
                fault: None,
                delay: Duration::ZERO,
                chunk: None,
            }),
            (None, After::Error) => Err(ScriptError::RanOut { reply: position + 1, turns: self.replies() }),
        }
    }

    fn aside_to(&self, prompt: &Prompt) -> Option<&Numbered> {
        let Some(Message::User { text }) = prompt.messages.last() else { return None };
        self.asides.iter().find(|aside| aside.entry.when.as_ref().is_some_and(|when| text.contains(when)))
    }

    fn turn_at(&self, position: usize) -> Option<&Numbered> {
        let mut begin = 0_usize;
        self.turns.iter().find(|turn| {
            begin = begin.saturating_add(turn.entry.repeat.unwrap_or(1));
            position < begin
        })
    }
}

/// Refuses a turn that cannot be meant.
fn sound(turn: &Numbered) -> Result<(), ScriptError> {
    let Numbered { number, entry } = turn;
    let bad = |words: &str| Err(ScriptError::BadTurn { turn: *number, words: words.to_owned() });
    if entry.calls.iter().any(|call| call.args.is_some() && call.raw.is_some()) {
        return bad("a call has `args` or `raw`, not both");
    }
    let calls = entry.calls.iter().map(|call| call.times.unwrap_or(1)).fold(0, usize::saturating_add);
    if calls > MOST_CALLS {
        return bad(&format!("more than {MOST_CALLS} calls"));
    }
    if entry.text.len().saturating_mul(entry.text_times.unwrap_or(1)) > LONGEST_TEXT {
        return bad(&format!("more than {LONGEST_TEXT} bytes of text"));
    }
    if entry.chunk == Some(0) || entry.repeat == Some(0) {
        return bad("`chunk` and `repeat` are at least 1");
    }
    if entry.when.is_some() && entry.repeat.is_some() {
        return bad("a turn with `when` answers as often as it is asked and takes no `repeat`");
    }
    Ok(())
}

/// Returns the number of replies before the next one: those in the prompt, and those that a summary in it stands for.
fn position(prompt: &Prompt) -> usize {
    let mut position = 0_usize;
    for message in &prompt.messages {
        match message {
            Message::Assistant(_) => position += 1,
            Message::User { text } => position = marked(text).unwrap_or(position),
            Message::Tool { .. } => {}
        }
    }
    position
}

fn marked(text: &str) -> Option<usize> {
    let begin = text.rfind(MARK.0)? + MARK.0.len();
    let end = begin + text[begin..].find(MARK.1)?;
    text[begin..end].parse().ok()
}

/// Checks that the tools said what the turn waits for.
fn met(turn: &Numbered, prompt: &Prompt) -> Result<(), ScriptError> {
    let results: Vec<&str> = prompt
        .messages
        .iter()
        .rev()
        .take_while(|message| !matches!(message, Message::Assistant(_)))
        .filter_map(|message| if let Message::Tool { text, .. } = message { Some(text.as_str()) } else { None })
        .collect();
    let missing = turn.entry.expect.iter().find(|wanted| !results.iter().any(|result| result.contains(*wanted)));
    missing.map_or(Ok(()), |text| Err(ScriptError::Expected { turn: turn.number, text: text.clone() }))
}

impl Numbered {
    /// Returns the turn as it is played at one place of one conversation.
    fn spoken(&self, position: usize, prompt: &Prompt) -> ScriptTurn {
        let entry = &self.entry;
        let calls: Vec<&EntryCall> =
            entry.calls.iter().flat_map(|call| std::iter::repeat_n(call, call.times.unwrap_or(1))).collect();
        let spell = |(place, call): (usize, &&EntryCall)| ToolCall {
            id: call.id.clone().unwrap_or_else(|| format!("call_{position}_{place}")),
            name: call.tool.clone(),
            arguments: match (&call.raw, &call.args) {
                (Some(raw), _) => raw.clone(),
                (None, Some(args)) => Value::Object(args.clone()).to_string(),
                (None, None) => "{}".to_owned(),
            },
        };
        let calls: Vec<ToolCall> = calls.iter().enumerate().map(spell).collect();
        let text = entry.text.replace(MARK_WISH, &format!("{}{position}{}", MARK.0, MARK.1));
        let stop = match entry.stop.as_deref() {
            None if calls.is_empty() => Stop::End,
            None => Stop::ToolCalls,
            Some("length") => Stop::Length,
            Some("refusal") => Stop::Refusal,
            Some("filtered") => Stop::Filtered,
            Some(other) => Stop::Other(other.to_owned()),
        };
        let reasoning =
            (!entry.reasoning.is_empty()).then(|| Reasoning { text: entry.reasoning.clone(), opaque: None });
        ScriptTurn {
            number: self.number,
            position,
            reply: Reply { text: text.repeat(entry.text_times.unwrap_or(1)), reasoning, calls },
            usage: entry.usage.map(|usage| Usage {
                input: usage.input,
                output: usage.output,
                cache_read: usage.cache_read,
                cache_write: usage.cache_write,
                reasoning: usage.reasoning,
            }),
            stop,
            fault: entry.error.as_ref().and_then(|error| error.in_conversation(prompt.messages.len())),
            delay: Duration::from_millis(entry.delay_ms),
            chunk: entry.chunk,
        }
    }
}

impl EntryError {
    fn in_conversation(&self, messages: usize) -> Option<ScriptFault> {
        if self.over_messages.is_some_and(|limit| messages <= limit) {
            return None;
        }
        Some(ScriptFault {
            kind: self.kind,
            after: self.after_ms.map(Duration::from_millis),
            times: self.times.unwrap_or(1),
            message: self.message.clone().unwrap_or_else(|| "as the script says".to_owned()),
        })
    }
}

impl ScriptFault {
    /// Returns the failure as a service on the network would cause it.
    fn error(&self, service: &str) -> ModelError {
        let said = Box::new(Said {
            service: service.to_owned(),
            status: self.kind.status(),
            words: self.message.clone(),
            request_id: None,
        });
        let retry_after = self.after;
        match self.kind {
            ScriptFaultKind::Auth => ModelError::Auth(said),
            ScriptFaultKind::Quota => ModelError::Quota(said),
            ScriptFaultKind::RateLimited => ModelError::RateLimited { said, retry_after },
            ScriptFaultKind::ContextTooLong => ModelError::ContextTooLong(said),
            ScriptFaultKind::BadRequest => ModelError::BadRequest(said),
            ScriptFaultKind::Down => ModelError::Down { said, retry_after },
            ScriptFaultKind::Network => ModelError::Network(said),
            ScriptFaultKind::Cut => ModelError::Cut(said),
            ScriptFaultKind::Garbled => ModelError::Garbled(said),
        }
    }
}

impl Script {
    /// Plays the turn that answers a prompt. See [`crate::Model::attempt`].
    pub(crate) async fn attempt(
        &self,
        prompt: &Prompt,
        number: u32,
        heard: &mut (dyn FnMut(Heard) + Send),
    ) -> Result<Completion, Lost> {
        let turn = self.reply_to(prompt).map_err(|error| lost(error.into(), Spent::Nothing))?;
        sleep(turn.delay).await;
        match turn.fault.as_ref().filter(|fault| number <= fault.times) {
            Some(fault) => Err(self.fail(&turn, fault, number, heard)),
            None => self.speak(turn, prompt, heard).await,
        }
    }

    /// Fails as a turn says, for the `number`th time.
    fn fail(&self, turn: &ScriptTurn, fault: &ScriptFault, number: u32, heard: &mut (dyn FnMut(Heard) + Send)) -> Lost {
        let why = fault.error(self.name());
        let is_cut = fault.kind == ScriptFaultKind::Cut;
        let half = turn.reply.text.chars().count().div_ceil(2);
        let text: String = turn.reply.text.chars().take(half).collect();
        if is_cut && !text.is_empty() {
            heard(Heard::Text(text));
            heard(Heard::Restarted);
        }
        // A script waits as long as it says and no longer.
        let retry = Retry { first_wait: Duration::ZERO, ..Retry::default() };
        let wait = why.is_worth_another(number).then(|| retry.wait(number, fault.after)).flatten();
        Lost { wait, ..lost(why, if is_cut { Spent::Unknown } else { Spent::Nothing }) }
    }

    /// Says a turn piece by piece, within the same caps as a service.
    async fn speak(
        &self,
        turn: ScriptTurn,
        prompt: &Prompt,
        heard: &mut (dyn FnMut(Heard) + Send),
    ) -> Result<Completion, Lost> {
        let mut draft = Draft::new(Caps::default(), Names::of(&prompt.tools));
        let mut said = Ok(());
        for piece in pieces(&turn) {
            let mut out = Vec::new();
            said = piece.into_draft(&mut draft, &mut out);
            out.into_iter().for_each(&mut *heard);
            if said.is_err() {
                break;
            }
            yield_now().await;
        }
        if let Err(trouble) = said {
            heard(Heard::Restarted);
            return Err(lost(self.trouble(trouble), turn.usage.map_or(Spent::Unknown, Spent::Known)));
        }
        let parts = draft.finish();
        Ok(Completion {
            reply: Reply { text: parts.text, reasoning: turn.reply.reasoning, calls: parts.calls },
            usage: turn.usage,
            stop: turn.stop,
            model: self.name().to_owned(),
            request_id: None,
        })
    }

    fn trouble(&self, trouble: Trouble) -> ModelError {
        let words = match trouble {
            Trouble::TooMuch(words) | Trouble::Garbled(words) => words,
            Trouble::Refused(fault) => fault.words,
        };
        ModelError::TooMuch(Box::new(Said { service: self.name().to_owned(), status: None, words, request_id: None }))
    }
}

/// A failure that no other attempt would mend.
fn lost(why: ModelError, spent: Spent) -> Lost {
    Lost { why: Box::new(why), spent, wait: None }
}

/// What is said at once.
enum Piece<'a> {
    Thought(&'a str),
    Said(&'a str),
    Called(&'a ToolCall),
}

fn pieces(turn: &ScriptTurn) -> Vec<Piece<'_>> {
    let thought = turn.reply.reasoning.iter().map(|reasoning| Piece::Thought(&reasoning.text));
    let mut pieces: Vec<Piece<'_>> = thought.collect();
    let mut rest = turn.reply.text.as_str();
    while !rest.is_empty() {
        let end = turn.chunk.and_then(|chunk| rest.char_indices().nth(chunk)).map_or(rest.len(), |(end, _)| end);
        pieces.push(Piece::Said(&rest[..end]));
        rest = &rest[end..];
    }
    pieces.extend(turn.reply.calls.iter().map(Piece::Called));
    pieces
}

impl Piece<'_> {
    fn into_draft(self, draft: &mut Draft, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        match self {
            Piece::Thought(text) => draft.think(text, out),
            Piece::Said(text) => draft.say(text, out),
            Piece::Called(call) => {
                let place = draft.open(None)?;
                draft.identify(place, &call.id)?;
                draft.name(place, &call.name, out)?;
                draft.argue(place, &call.arguments)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use turn::chat::Outcome;

    use super::*;

    fn prompt(messages: Vec<Message>) -> Prompt {
        Prompt { system: String::new(), tools: vec![], messages, max_output_tokens: None }
    }

    fn user(text: &str) -> Message {
        Message::User { text: text.into() }
    }

    fn reply() -> Message {
        Message::Assistant(Reply { text: "x".into(), ..Reply::default() })
    }

    fn result(text: &str) -> Message {
        Message::Tool { call: "c".into(), text: text.into(), outcome: Outcome::Done }
    }

    async fn play(script: &str, messages: Vec<Message>) -> (Result<Completion, Lost>, Vec<Heard>) {
        attempt(&Script::parse(script).unwrap(), 1, messages).await
    }

    async fn attempt(script: &Script, number: u32, messages: Vec<Message>) -> (Result<Completion, Lost>, Vec<Heard>) {
        let mut heard = Vec::new();
        let answer = script.attempt(&prompt(messages), number, &mut |event| heard.push(event)).await;
        (answer, heard)
    }

    #[tokio::test]
    async fn a_turn_is_said_thought_and_called() {
        let script = r#"
            name = "demo"
            [[turn]]
            reasoning = "hm"
            text = "añb"
            chunk = 2
            calls = [{ tool = "read", args = { path = "a", deep = [1, true] } }, { tool = "odd", raw = "{oops", id = "mine" }, { tool = "list", times = 2 }]
            usage = { input = 9, output = 3, cache_read = 4 }
        "#;
        let (answer, heard) = play(script, vec![user("go")]).await;
        let answer = answer.unwrap();
        let calls: Vec<_> = answer.reply.calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect();
        assert_eq!(
            calls,
            [
                ("call_0_0", "read", r#"{"path":"a","deep":[1,true]}"#),
                ("mine", "odd", "{oops"),
                ("call_0_2", "list", "{}"),
                ("call_0_3", "list", "{}"),
            ]
        );
        assert_eq!((answer.stop, answer.model.as_str()), (Stop::ToolCalls, "demo"));
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read, usage.cache_write), (9, 3, 4, 0));
        assert_eq!(
            heard[..4],
            [
                Heard::Reasoning("hm".into()),
                Heard::Text("añ".into()),
                Heard::Text("b".into()),
                Heard::Calling { name: "read".into() }
            ]
        );
    }

    #[test]
    fn the_turn_follows_from_the_conversation_alone() {
        let script = Script::parse(
            "[[turn]]\ntext = \"one\"\n[[turn]]\ntext = \"two\"\nrepeat = 2\n[[turn]]\ntext = \"three\"\n",
        )
        .unwrap();
        assert_eq!(script.replies(), 4);
        for (replies, text, number) in [(0, "one", 1), (1, "two", 2), (2, "two", 2), (3, "three", 3)] {
            let messages = std::iter::repeat_with(reply).take(replies).collect();
            let turn = script.reply_to(&prompt(messages)).unwrap();
            assert_eq!((turn.reply.text.as_str(), turn.number, turn.position), (text, number, replies));
        }
        let ended = script.reply_to(&prompt(std::iter::repeat_with(reply).take(4).collect())).unwrap_err();
        assert_eq!(ended.to_string(), "the script has ended: reply 5 was asked of it and it has 4");
    }

    #[test]
    fn a_script_may_end_with_closing_words() {
        let script = Script::parse("after = \"end\"").unwrap();
        let turn = script.reply_to(&prompt(vec![reply(), user("more")])).unwrap();
        assert_eq!((turn.reply.text.as_str(), turn.number, turn.stop), (CLOSING, 0, Stop::End));
    }

    #[test]
    fn what_the_tools_must_have_said_is_looked_for_since_the_last_reply() {
        let script = Script::parse("[[turn]]\n[[turn]]\nexpect = [\"fn add\", \"ok\"]\ntext = \"good\"").unwrap();
        let good = prompt(vec![user("go"), reply(), result("pub fn add()"), result("ok")]);
        assert_eq!(script.reply_to(&good).unwrap().reply.text, "good");
        let bad = prompt(vec![result("fn add ok"), reply(), result("fn add")]);
        let error = script.reply_to(&bad).unwrap_err();
        assert_eq!(error, ScriptError::Expected { turn: 2, text: "ok".into() });
        assert_eq!(
            error.to_string(),
            "turn 2 of the script expects `ok` in the results of the tools, and it is not there"
        );
    }

    #[tokio::test]
    async fn a_fault_passes_after_so_many_attempts() {
        let script = Script::parse("[[turn]]\ntext = \"abcd\"\nerror = { kind = \"cut\", times = 2 }").unwrap();
        for number in [1, 2] {
            let (answer, heard) = attempt(&script, number, vec![]).await;
            let lost = answer.unwrap_err();
            assert_eq!((lost.spent, lost.wait), (Spent::Unknown, Some(Duration::ZERO)));
            assert_eq!(heard, [Heard::Text("ab".into()), Heard::Restarted]);
        }
        let (answer, heard) = attempt(&script, 3, vec![]).await;
        assert_eq!((answer.unwrap().reply.text.as_str(), heard), ("abcd", vec![Heard::Text("abcd".into())]));
    }

    #[tokio::test]
    async fn a_fault_that_stays_is_an_error_of_its_kind() {
        for (kind, times, matches) in [
            ("auth", 1, (|why| matches!(why, ModelError::Auth(_))) as fn(&ModelError) -> bool),
            ("quota", 1, |why| matches!(why, ModelError::Quota(_))),
            ("context too long", 1, |why| matches!(why, ModelError::ContextTooLong(_))),
            ("bad request", 1, |why| matches!(why, ModelError::BadRequest(_))),
            ("rate limited", 9, |why| matches!(why, ModelError::RateLimited { .. })),
            ("down", 9, |why| matches!(why, ModelError::Down { .. })),
            ("network", 9, |why| matches!(why, ModelError::Network(_))),
            ("cut", 9, |why| matches!(why, ModelError::Cut(_))),
            ("garbled", 9, |why| matches!(why, ModelError::Garbled(_))),
        ] {
            let script = format!("[[turn]]\nerror = {{ kind = \"{kind}\", times = {times}, message = \"so be it\" }}");
            let error = play(&script, vec![]).await.0.unwrap_err();
            assert!(matches(&error.why), "{kind}: {error}");
            assert!(error.to_string().contains("so be it"), "{error}");
            assert_eq!(error.wait.is_some(), times > 1, "{error}");
        }
    }

    #[tokio::test]
    async fn a_wait_that_is_too_long_is_an_error() {
        let script = "[[turn]]\nerror = { kind = \"rate limited\", after_ms = 600000 }";
        let error = play(script, vec![]).await.0.unwrap_err();
        assert_eq!(error.why.retry_after(), Some(Duration::from_secs(600)));
        assert!(error.why.is_transient());
    }

    #[tokio::test]
    async fn too_much_of_anything_is_an_error() {
        let (text, _) = play("[[turn]]\ntext = \"0123456789\"\ntext_times = 1000000", vec![]).await;
        assert!(matches!(*text.unwrap_err().why, ModelError::TooMuch(_)));
        let (calls, heard) = play("[[turn]]\ncalls = [{ tool = \"read\", times = 1000 }]", vec![]).await;
        assert!(matches!(*calls.unwrap_err().why, ModelError::TooMuch(_)));
        assert_eq!(heard.last(), Some(&Heard::Restarted));
    }

    #[test]
    fn an_aside_answers_when_it_is_asked_for_and_counts_for_nothing() {
        let script = Script::parse(
            r#"
            [[turn]]
            when = "Summarise"
            text = "So far so good. {position}"
            [[turn]]
            text = "one"
            error = { kind = "context too long", over_messages = 2 }
            repeat = 3
            [[turn]]
            text = "two"
            "#,
        )
        .unwrap();
        let long = prompt(vec![user("go"), reply(), reply()]);
        assert!(script.reply_to(&long).unwrap().fault.is_some());
        let summary = script.reply_to(&prompt(vec![user("go"), reply(), reply(), user("Summarise this.")])).unwrap();
        assert_eq!(summary.reply.text, "So far so good. [script at turn 2]");
        let short = prompt(vec![user(&format!("A summary: {}", summary.reply.text)), reply()]);
        let turn = script.reply_to(&short).unwrap();
        assert_eq!((turn.reply.text.as_str(), turn.position), ("two", 3));
        assert_eq!(script.reply_to(&prompt(vec![user("go")])).unwrap().fault, None);
    }

    #[test]
    fn a_mistake_in_a_script_is_named_with_its_place() {
        let wrong = |script: &str| Script::parse(script).unwrap_err().to_string();
        assert!(
            wrong("[[turn]]\ntext = \"a\"\ncolour = 1").starts_with("line 3 of the script: unknown field `colour`")
        );
        assert!(wrong("[[turn]]\ntext = 7").starts_with("line 2"));
        assert!(wrong("\n[[turn]]\nerror = { kind = \"odd\" }").starts_with("line 3 of the script: unknown variant"));
        assert!(wrong("[[turn]]\n[[turn]]\ncalls = [{ tool = \"a\", args = {}, raw = \"\" }]").starts_with("turn 2"));
        assert!(wrong("[[turn]]\nchunk = 0").starts_with("turn 1"));
        assert!(wrong("[[turn]]\ntext = \"aa\"\ntext_times = 9000000000000000000").starts_with("turn 1"));
    }

    #[test]
    fn every_example_in_the_documentation_is_a_script() {
        let page = include_str!("../../../docs/script.md");
        let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(examples.len() >= 5, "{}", examples.len());
        for example in examples {
            let script = Script::parse(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
            assert!(script.replies() > 0, "{example}");
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the test writes the file it loads")]
    fn a_script_in_a_file_has_the_files_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fix-it.toml");
        std::fs::write(&path, "price = { input = \"0.28\", output = \"0.42\" }\n[[turn]]\n").unwrap();
        let script = Script::load(&path).unwrap();
        assert_eq!(script.name(), "fix-it");
        let price = ScriptPrice { input: "0.28".into(), output: "0.42".into(), cache_read: None };
        assert_eq!(script.price(), Some(&price));
        let error = Script::load(&folder.path().join("none.toml")).unwrap_err().to_string();
        assert!(error.contains("none.toml"), "{error}");
        let endless = Script::load(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(endless.contains("more than"), "{endless}");
    }
}
