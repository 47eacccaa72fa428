//! One connection to a server, as those who ask something over it see it.
//!
//! Not here: opening or keeping it, or what an answer means.

use crate::elicitation::Questions;
use crate::fault;
use crate::text::one_line;
use host::scene::Progress;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ErrorData, GetPromptRequest, GetPromptRequestParams,
    InputResponses, JsonObject, ListPromptsRequest, ListResourceTemplatesRequest, ListResourcesRequest,
    ListToolsRequest, PaginatedRequestParams, ProgressToken, ReadResourceRequest, ReadResourceRequestParams,
    ServerResult,
};
use rmcp::service::{PeerRequestOptions, RequestHandle, ServiceError};
use rmcp::{Peer, RoleClient};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How many times a server may answer a request with questions before it answers it.
const MOST_ROUNDS: u32 = 8;

/// How many pages of a list are asked for.
const MOST_PAGES: u32 = 64;

/// How long a call may run in all, whatever progress it reports.
const LONGEST_CALL: Duration = Duration::from_secs(6 * 60 * 60);

/// How long a server is given to take in that a call is cancelled.
const TO_CANCEL: Duration = Duration::from_secs(2);

/// The code of the error by which a server wants a page opened before it takes a call.
const PAGE_FIRST: i32 = -32042;

/// Which call hears which progress.
pub(crate) type Routes = Arc<Mutex<HashMap<ProgressToken, mpsc::Sender<String>>>>;

/// One connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) peer: Peer<RoleClient>,
    pub(crate) routes: Routes,
    pub(crate) questions: Arc<Questions>,
}

/// Something to ask a server.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// Its tools, from this cursor on.
    Tools(Option<String>),
    /// Its resources, from this cursor on.
    Resources(Option<String>),
    /// Its templates of resources, from this cursor on.
    Templates(Option<String>),
    /// Its prompts, from this cursor on.
    Prompts(Option<String>),
    /// To run a tool.
    Tool(String, JsonObject),
    /// The contents of a resource.
    Resource(String),
    /// A prompt, filled in.
    Prompt(String, JsonObject),
}

/// How somebody waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch<'a> {
    /// How long the server may say nothing.
    pub(crate) quiet: Duration,
    /// Whether progress makes the time start anew.
    pub(crate) patience: OnProgress,
    /// Where progress is told, if anywhere.
    pub(crate) progress: Option<&'a Progress>,
    /// Fires when the answer is no longer wanted.
    pub(crate) stop: &'a CancellationToken,
}

impl Watch<'_> {
    fn tell(&self, note: String) {
        if let Some(progress) = self.progress {
            // Servers send notes, not pieces of a text: each is a line.
            progress.say(format!("{note}\n"));
        }
    }
}

/// What progress does to the time a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnProgress {
    /// It starts anew.
    WaitOn,
    /// It is not extended.
    AllTheSame,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server never got the request.
    NotSent(String),
    /// The server answered with an error.
    Refused(String),
    /// The request was under way when the connection failed: what came of it is not known.
    Lost(String),
    /// It was no longer wanted.
    Stopped,
    /// The server was silent for too long.
    TimedOut(Duration),
}

impl Link {
    /// Asks, and answers the questions that the server has first.
    pub(crate) async fn ask(&self, asked: Asked, watch: &Watch<'_>) -> Result<Value, Broken> {
        let mut answers = (None, None);
        for round in 0..MOST_ROUNDS {
            let result = self.exchange(asked.written(answers), watch).await.map_err(|why| match why {
                // An earlier round got there.
                Broken::NotSent(why) if round > 0 => Broken::Lost(why),
                other => other,
            })?;
            if result.get("resultType").and_then(Value::as_str) != Some("input_required") {
                return Ok(result);
            }
            let questions = result.get("inputRequests").and_then(Value::as_object).cloned().unwrap_or_default();
            let mut replies = InputResponses::new();
            for (key, question) in questions {
                let reply = tokio::select! {
                    reply = self.reply(&question) => reply?,
                    () = watch.stop.cancelled() => return Err(Broken::Stopped),
                };
                replies.insert(key, reply);
            }
            let state = result.get("requestState").and_then(Value::as_str).map(str::to_owned);
            answers = ((!replies.is_empty()).then_some(replies), state);
        }
        Err(Broken::Refused(format!("it asked something {MOST_ROUNDS} times and did not answer")))
    }

    async fn reply(&self, question: &Value) -> Result<Value, Broken> {
        match question.get("method").and_then(Value::as_str) {
            Some("elicitation/create") => Ok(self.questions.ask(&question["params"]).await),
            Some("roots/list") => Ok(json!({ "roots": [] })),
            other => {
                let what = one_line(other.unwrap_or("nothing that is known"), 64);
                Err(Broken::Refused(format!("it asks for `{what}`, which is not offered here")))
            }
        }
    }

    async fn exchange(&self, request: ClientRequest, watch: &Watch<'_>) -> Result<Value, Broken> {
        let (notes, mut heard) = mpsc::channel(16);
        // Held until the token is known, so that no progress can come before there is somebody to hear it.
        let mut routes = self.routes.lock().await;
        let sent = self.peer.send_request_with_option(request, PeerRequestOptions::no_options()).await;
        let mut pending = sent.map_err(|_| Broken::NotSent("the connection is closed".to_owned()))?;
        let token = pending.progress_token.clone();
        routes.insert(token.clone(), notes);
        drop(routes);
        let waited = self.wait(&mut pending, &mut heard, watch).await;
        self.routes.lock().await.remove(&token);
        while let Ok(note) = heard.try_recv() {
            watch.tell(note);
        }
        match waited {
            Ok(Ok(result)) => {
                serde_json::to_value(result).map_err(|why| Broken::Lost(format!("its answer cannot be read: {why}")))
            }
            Ok(Err(ServiceError::McpError(error))) => Err(Broken::Refused(self.refusal(&error).await)),
            Ok(Err(failure)) => Err(fault::of_request(&failure)),
            Err(why) => {
                let reason = if why == Broken::Stopped { "stopped by the person" } else { "it took too long" };
                // Best effort: a server that does not read is not waited for.
                let _ = timeout(TO_CANCEL, pending.cancel(Some(reason.to_owned()))).await;
                Err(why)
            }
        }
    }

    /// Waits for the answer; an error is that it is waited for no longer.
    async fn wait(
        &self,
        pending: &mut RequestHandle<RoleClient>,
        heard: &mut mpsc::Receiver<String>,
        watch: &Watch<'_>,
    ) -> Result<Result<ServerResult, ServiceError>, Broken> {
        let end = Instant::now() + LONGEST_CALL;
        let mut quiet = Box::pin(sleep(watch.quiet));
        loop {
            tokio::select! {
                biased;
                answer = &mut pending.rx => return Ok(answer.unwrap_or(Err(ServiceError::TransportClosed))),
                () = watch.stop.cancelled() => return Err(Broken::Stopped),
                Some(note) = heard.recv() => {
                    watch.tell(note);
                    if watch.patience == OnProgress::WaitOn && Instant::now() < end {
                        quiet.as_mut().reset(Instant::now() + watch.quiet);
                    }
                }
                // The time a person takes to answer is not the server's.
                () = &mut quiet => match self.questions.is_waiting() && Instant::now() < end {
                    true => quiet.as_mut().reset(Instant::now() + watch.quiet),
                    false => return Err(Broken::TimedOut(watch.quiet)),
                },
            }
        }
    }

    /// Asks for a list, page by page, until it ends, `take` has enough, or the time for the whole of it is over.
    pub(crate) async fn list(
        &self,
        asked: fn(Option<String>) -> Asked,
        member: &str,
        watch: &Watch<'_>,
        mut take: impl FnMut(&[Value]) -> ControlFlow<()>,
    ) -> Result<(), Broken> {
        let end = Instant::now() + watch.quiet;
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let quiet = end.saturating_duration_since(Instant::now());
            let page = self.ask(asked(cursor.clone()), &Watch { quiet, ..*watch }).await.map_err(|why| match why {
                Broken::TimedOut(_) => Broken::TimedOut(watch.quiet),
                other => other,
            })?;
            let Some(entries) = page.get(member).and_then(Value::as_array) else {
                return Err(Broken::Refused(format!("its answer has no list of {member}")));
            };
            let next = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
            if take(entries).is_break() || next.is_none() || next == cursor {
                break;
            }
            cursor = next;
        }
        Ok(())
    }

    /// What an error says; where it wants pages opened first, the person is asked to.
    async fn refusal(&self, error: &ErrorData) -> String {
        let mut says = format!("{} (error {})", one_line(&error.message, 1_000), error.code.0);
        let pages = error.data.as_ref().and_then(|more| more.get("elicitations")).and_then(Value::as_array);
        if error.code.0 == PAGE_FIRST {
            for page in pages.into_iter().flatten().take(2) {
                let reply = self.questions.ask(page).await;
                let url = one_line(page.get("url").and_then(Value::as_str).unwrap_or_default(), 300);
                let action = reply["action"].as_str().unwrap_or_default();
                says.push_str(&format!("; it wants the person to open {url} first, and the answer was `{action}`"));
            }
        }
        says
    }
}

impl Asked {
    fn written(&self, (input_responses, request_state): (Option<InputResponses>, Option<String>)) -> ClientRequest {
        let page = |cursor: &Option<String>| PaginatedRequestParams::default().with_cursor(cursor.clone());
        match self.clone() {
            Asked::Tools(cursor) => ListToolsRequest::with_param(page(&cursor)).into(),
            Asked::Resources(cursor) => ListResourcesRequest::with_param(page(&cursor)).into(),
            Asked::Templates(cursor) => ListResourceTemplatesRequest::with_param(page(&cursor)).into(),
            Asked::Prompts(cursor) => ListPromptsRequest::with_param(page(&cursor)).into(),
            Asked::Tool(name, arguments) => {
                let mut params = CallToolRequestParams::new(name).with_arguments(arguments);
                (params.input_responses, params.request_state) = (input_responses, request_state);
                CallToolRequest::new(params).into()
            }
            Asked::Resource(uri) => {
                let mut params = ReadResourceRequestParams::new(uri);
                (params.input_responses, params.request_state) = (input_responses, request_state);
                ReadResourceRequest::new(params).into()
            }
            Asked::Prompt(name, arguments) => {
                let mut params = GetPromptRequestParams::new(name).with_arguments(arguments);
                (params.input_responses, params.request_state) = (input_responses, request_state);
                GetPromptRequest::new(params).into()
            }
        }
    }
}
