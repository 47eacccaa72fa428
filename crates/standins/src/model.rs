//! A model server: it plays a script in the dialects of OpenAI and Anthropic, at once, and records who asked what when.
//!
//! Not here: the script's format, which is that of `model::script`. The position in it follows from the conversation in
//! the request, so the server remembers nothing between requests but the attempts that a script wants to fail.

mod anthropic;
mod chat;
mod fault;
mod record;
mod request;
mod responses;
mod speech;

pub use fault::ModelFault;

use crate::StandinError;
use crate::command::{Flags, serve, serve_on, usage};
use ::model::script::ScriptFault;
use ::model::{Dialect, Script, ScriptTurn, Stop};
use ::turn::chat::{Message, Prompt, Reply, ToolCall, Usage};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use fault::{Complaint, Fate, fate, fate_in_script};
use record::Record;
use request::{Asked, Form};
use serde_json::{Value, json};
use speech::Speech;
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::io::{Error, Result as Piece};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;

/// The longest body that is read.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// The different requests whose failed attempts are remembered.
const MAX_ATTEMPTS: usize = 10_000;
/// What the model says when it has called its tool as often as it should.
const DONE: &str = "Done.";
/// A piece of a text that has no end.
const ENDLESS: &str = "and so on, and on, without an end, as was ordered; ";

/// How a model server is set up.
#[derive(Debug, Clone)]
pub struct ModelOptions {
    /// What the model says.
    pub repertoire: Repertoire,
    /// The key that a request must carry; `None` asks for none.
    pub key: Option<String>,
    /// What goes wrong with the first requests, one each.
    pub faults: Vec<ModelFault>,
}

/// What a model server says.
#[derive(Debug, Clone)]
pub enum Repertoire {
    /// The turns of a script.
    Script(Box<Script>),
    /// The same tool call again and again, then a few words.
    Turns {
        /// How often the tool is called.
        turns: usize,
        /// The tool.
        tool: String,
        /// Its arguments, as JSON text.
        args: String,
    },
}

impl Repertoire {
    /// Finds the turn that answers a request of so many bytes.
    fn reply_to(&self, prompt: &Prompt, bytes: usize) -> Result<ScriptTurn, String> {
        match self {
            Repertoire::Script(script) => script.reply_to(prompt).map_err(|failure| failure.to_string()),
            Repertoire::Turns { turns, tool, args } => {
                let position = position(prompt);
                let reply = match position < *turns {
                    true => Reply { calls: vec![call(position, 0, tool, args)], ..Reply::default() },
                    false => Reply { text: DONE.to_owned(), ..Reply::default() },
                };
                Ok(ScriptTurn {
                    number: position + 1,
                    position,
                    usage: Some(estimate(&reply, bytes)),
                    stop: if reply.calls.is_empty() { Stop::End } else { Stop::ToolCalls },
                    reply,
                    fault: None,
                    delay: Duration::ZERO,
                    chunk: None,
                })
            }
        }
    }
}

/// Estimates the tokens at four bytes each.
fn estimate(reply: &Reply, bytes: usize) -> Usage {
    let called: usize = reply.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
    let tokens = |bytes: usize| bytes.div_ceil(4) as u64;
    Usage { input: tokens(bytes), output: tokens(reply.text.len() + called), ..Usage::default() }
}

fn position(prompt: &Prompt) -> usize {
    prompt.messages.iter().filter(|message| matches!(message, Message::Assistant(_))).count()
}

fn call(position: usize, place: usize, tool: &str, args: &str) -> ToolCall {
    ToolCall { id: format!("call_{position}_{place}"), name: tool.to_owned(), arguments: args.to_owned() }
}

/// Starts a model server as a program of its own.
pub(crate) async fn command(args: &[String]) -> Result<(), StandinError> {
    let valued = ["--port", "--script", "--turns", "--tool", "--args", "--key", "--fault"];
    let mut flags = Flags::parse(args, &valued, &[])?;
    let repertoire = match (flags.one("--script")?, flags.number("--turns")?) {
        (Some(path), None) => {
            let script = Script::load(Path::new(&path));
            Repertoire::Script(Box::new(script.map_err(|failure| StandinError::Script(failure.to_string()))?))
        }
        (None, Some(turns)) => Repertoire::Turns {
            turns,
            tool: flags.one("--tool")?.unwrap_or_else(|| "read".to_owned()),
            args: flags.one("--args")?.unwrap_or_else(|| "{}".to_owned()),
        },
        _ => return Err(usage("a model needs either `--script FILE` or `--turns N`")),
    };
    let faults: Result<Vec<ModelFault>, String> =
        flags.many("--fault").iter().map(|text| text.parse::<ModelFault>()).collect();
    let options =
        ModelOptions { repertoire, key: flags.one("--key")?, faults: faults.map_err(|reason| usage(&reason))? };
    serve_on(flags.number("--port")?.unwrap_or(0), router(options)).await
}

/// Serves the model until `stop` completes: `POST /v1/chat/completions`, `/v1/messages`, `/v1/responses`, and
/// `GET /v1/models`.
///
/// Beside them, and without a key, there are `GET` and `DELETE /_standin/requests`, the requests that came, and `POST`
/// and `DELETE /_standin/fault`, what goes wrong with the next ones: a [`ModelFault`] such as
/// `{"kind": "rate_limited", "retry_after_secs": 2}`, optionally with `times`.
///
/// # Errors
/// When the server stops by itself.
pub async fn model(
    listener: TcpListener,
    options: ModelOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), StandinError> {
    serve(listener, router(options), stop).await
}

fn router(options: ModelOptions) -> Router {
    let shared = Arc::new(Shared {
        record: Record::new(),
        faults: Mutex::new(options.faults.into()),
        attempts: Mutex::default(),
        repertoire: options.repertoire,
        key: options.key,
    });
    let chat = |shared, request| answer(shared, request, Dialect::ChatCompletions);
    let messages = |shared, request| answer(shared, request, Dialect::Anthropic);
    let responses = |shared, request| answer(shared, request, Dialect::Responses);
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/messages", post(messages))
        .route("/v1/responses", post(responses))
        .route("/v1/models", get(models))
        .route("/_standin/requests", get(show).delete(forget))
        .route("/_standin/fault", post(order).delete(pardon))
        .with_state(shared)
}

struct Shared {
    record: Record,
    faults: Mutex<VecDeque<ModelFault>>,
    /// How often a request has failed that the script wants to fail, by the hash of its body.
    attempts: Mutex<HashMap<u64, u32>>,
    repertoire: Repertoire,
    key: Option<String>,
}

/// An answer, decided on.
struct Decided {
    position: Option<usize>,
    fault: Option<String>,
    outcome: Result<Spoken, Complaint>,
}

/// An answer on its way.
struct Spoken {
    form: Form,
    pieces: VecDeque<Vec<u8>>,
    ending: Ending,
    delay: Duration,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    /// After its last piece.
    Whole,
    /// The connection breaks.
    Broken,
    /// Nothing more comes, and the connection stays open.
    Silent,
    /// This piece comes again and again.
    Endless(Vec<u8>),
}

impl Shared {
    fn decide(&self, headers: &HeaderMap, dialect: Dialect, number: u64, body: &[u8]) -> Decided {
        let refuse = |position, complaint| Decided { position, fault: None, outcome: Err(complaint) };
        if !self.is_open_to(headers) {
            return refuse(None, Complaint::new(401, "incorrect API key provided"));
        }
        let asked = serde_json::from_slice(body)
            .map_err(|failure| format!("the body is not JSON: {failure}"))
            .and_then(|body| Asked::read(dialect, &body));
        let asked = match asked {
            Ok(asked) => asked,
            Err(reason) => return refuse(None, Complaint::new(400, reason)),
        };
        let turn = match self.repertoire.reply_to(&asked.prompt, body.len()) {
            Ok(turn) => turn,
            Err(reason) => return refuse(Some(position(&asked.prompt)), Complaint::new(400, reason)),
        };
        let ordered = self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let fate = match (ordered, &turn.fault) {
            (Some(fault), _) => Some(fate(fault)),
            (None, Some(fault)) if self.fails_again(body, fault) => Some(fate_in_script(fault)),
            (None, _) => None,
        };
        let fault = fate.as_ref().map(|fate| format!("{fate:?}"));
        let place = Some(turn.position);
        let (refusal, spoiled) = match fate {
            Some(Fate::Refused(complaint)) => (Some(complaint), None),
            Some(Fate::Spoiled(fault)) => (None, Some(fault)),
            None => (None, None),
        };
        let outcome = match refusal {
            Some(complaint) => Err(complaint),
            None => Ok(speak(&asked, turn, number, spoiled)),
        };
        Decided { position: place, fault, outcome }
    }

    fn is_open_to(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match &self.key {
            Some(key) => text("x-api-key") == key || text("authorization").strip_prefix("Bearer ") == Some(key),
            None => true,
        }
    }

    /// Counts the attempts at one request, and says whether this one fails too.
    fn fails_again(&self, body: &[u8], fault: &ScriptFault) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= MAX_ATTEMPTS {
            attempts.clear();
        }
        let failed = attempts.entry(hasher.finish()).or_default();
        *failed = failed.saturating_add(1);
        *failed <= fault.times
    }
}

/// Puts a turn into pieces as its dialect spells them, and spoils them as was ordered.
fn speak(asked: &Asked, mut turn: ScriptTurn, number: u64, spoiled: Option<ModelFault>) -> Spoken {
    if let Some(ModelFault::ThousandCalls { calls }) = spoiled {
        multiply(&mut turn, asked, calls);
    }
    if spoiled == Some(ModelFault::Endless) && turn.reply.text.is_empty() {
        turn.reply.text = ENDLESS.to_owned();
    }
    let delay = match spoiled {
        Some(ModelFault::Slow { first_byte_ms }) => Duration::from_millis(first_byte_ms),
        _ => turn.delay,
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut speech = Speech::new(number, now.as_secs(), asked, turn);
    if spoiled == Some(ModelFault::NoUsage) {
        speech.usage = None;
    }
    let mut pieces: VecDeque<Vec<u8>> = match asked.form {
        Form::Stream => speech.events(asked.dialect).into_iter().map(String::into_bytes).collect(),
        Form::Whole => VecDeque::from([speech.whole(asked.dialect).to_string().into_bytes()]),
    };
    let ending = match spoiled {
        Some(fault) => spoil(&fault, &mut pieces, asked.dialect),
        None => Ending::Whole,
    };
    Spoken { form: asked.form, pieces, ending, delay }
}

/// Calls the turn's tool, or the first that was declared, many times.
fn multiply(turn: &mut ScriptTurn, asked: &Asked, calls: usize) {
    let first = turn.reply.calls.first();
    let tool = first.map(|call| call.name.clone()).or_else(|| asked.declared.first().cloned());
    let tool = tool.unwrap_or_else(|| "read".to_owned());
    let args = first.map_or_else(|| "{}".to_owned(), |call| call.arguments.clone());
    turn.reply.calls = (0..calls).map(|place| call(turn.position, place, &tool, &args)).collect();
    turn.stop = Stop::ToolCalls;
}

/// Spoils the pieces of an answer, and says how it ends.
fn spoil(fault: &ModelFault, pieces: &mut VecDeque<Vec<u8>>, dialect: Dialect) -> Ending {
    match fault {
        ModelFault::Cut => {
            halve(pieces);
            Ending::Broken
        }
        ModelFault::EndEarly => {
            halve(pieces);
            Ending::Whole
        }
        ModelFault::Hang => {
            halve(pieces);
            Ending::Silent
        }
        ModelFault::Garbage => {
            pieces.truncate(1);
            pieces.push_back(b"data: }{ this is no event of any service\n\n<html>\n\n\x00\x01\x02\n\n".to_vec());
            Ending::Whole
        }
        ModelFault::InvalidUtf8 => {
            let middle = pieces.len() / 2;
            if let Some(piece) = pieces.get_mut(middle) {
                let at = piece.iter().position(|byte| *byte == b'"').map_or(piece.len(), |quote| quote + 1);
                piece.splice(at..at, [0xff, 0xfe, 0xc3]);
            }
            Ending::Whole
        }
        ModelFault::NoAnswer => {
            pieces.clear();
            Ending::Broken
        }
        ModelFault::Endless => endless(pieces, dialect),
        ModelFault::ThousandCalls { .. }
        | ModelFault::RateLimited { .. }
        | ModelFault::Fail { .. }
        | ModelFault::Slow { .. }
        | ModelFault::NoUsage => Ending::Whole,
    }
}

/// Leaves half of the pieces, or half of the only one.
fn halve(pieces: &mut VecDeque<Vec<u8>>) {
    match pieces.len() {
        1 => pieces.iter_mut().for_each(|piece| piece.truncate(piece.len() / 2)),
        more => pieces.truncate(more.div_ceil(2)),
    }
}

/// Keeps what comes up to the first piece of text, which then comes again and again.
fn endless(pieces: &mut VecDeque<Vec<u8>>, dialect: Dialect) -> Ending {
    let mark: &[u8] = match dialect {
        Dialect::ChatCompletions => b"\"delta\":{\"content\":",
        Dialect::Anthropic => b"\"text_delta\"",
        Dialect::Responses => b"\"type\":\"response.output_text.delta\"",
    };
    let is_text = |piece: &Vec<u8>| piece.windows(mark.len()).any(|window| window == mark);
    match pieces.iter().position(is_text) {
        Some(at) => {
            let piece = pieces[at].clone();
            pieces.truncate(at);
            Ending::Endless(piece)
        }
        // A whole answer has no such piece: it never comes to its end.
        None => {
            halve(pieces);
            Ending::Endless(ENDLESS.as_bytes().to_vec())
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request, dialect: Dialect) -> Response {
    let arrival = shared.record.arrive();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let number = shared.record.write(arrival, parts.uri.path(), &body);
    let Decided { position, fault, outcome } = shared.decide(&parts.headers, dialect, number, &body);
    let mut response = match outcome {
        Ok(spoken) => {
            shared.record.add(number, 200, position, fault);
            if !spoken.delay.is_zero() {
                tokio::time::sleep(spoken.delay).await;
            }
            send(shared, number, spoken)
        }
        Err(complaint) => {
            shared.record.add(number, complaint.status, position, fault);
            shared.record.answered(number);
            refusal(&complaint, dialect)
        }
    };
    let id = HeaderValue::from(number);
    response.headers_mut().insert("x-request-id", id);
    response
}

fn refusal(complaint: &Complaint, dialect: Dialect) -> Response {
    let status = StatusCode::from_u16(complaint.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(complaint.body(dialect))).into_response();
    if let Some(wait) = complaint.retry_after {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1_000) as u64));
        headers.insert("retry-after-ms", HeaderValue::from(wait.as_millis() as u64));
    }
    response
}

/// Sends the pieces one by one, and takes the time when the last one is gone.
fn send(shared: Arc<Shared>, number: u64, spoken: Spoken) -> Response {
    let form = spoken.form;
    let is_begun = !spoken.pieces.is_empty();
    let pieces = futures_util::stream::unfold((spoken, Some(shared)), move |(mut spoken, shared)| async move {
        let shared = shared?;
        if let Some(piece) = spoken.pieces.pop_front() {
            return Some((Piece::Ok(piece), (spoken, Some(shared))));
        }
        if let Ending::Endless(piece) = &spoken.ending {
            let piece = piece.clone();
            tokio::task::yield_now().await;
            return Some((Ok(piece), (spoken, Some(shared))));
        }
        if is_begun && spoken.ending != Ending::Whole {
            // A body that fails takes what was not yet written with it: what came before the break goes out first.
            tokio::task::yield_now().await;
        }
        shared.record.answered(number);
        match spoken.ending {
            Ending::Broken => Some((Err(Error::other("the connection breaks on order")), (spoken, None))),
            Ending::Silent => std::future::pending().await,
            Ending::Whole | Ending::Endless(_) => None,
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    let kind = match form {
        Form::Stream => "text/event-stream; charset=utf-8",
        Form::Whole => "application/json",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

async fn models() -> Json<Value> {
    Json(json!({ "object": "list", "data": [{ "id": "standin", "object": "model", "owned_by": "standins" }] }))
}

async fn show(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.record.show())
}

async fn forget(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.record.forget();
    Json(json!([]))
}

async fn pardon(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    Json(json!({ "faults": [] }))
}

async fn order(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let ordered = serde_json::from_slice(&body).map_err(|failure| failure.to_string()).and_then(fault::order);
    match ordered {
        Ok(ordered) => {
            let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.extend(ordered);
            Json(json!({ "faults": *faults })).into_response()
        }
        Err(reason) => (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response(),
    }
}
