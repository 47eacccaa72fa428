//! A session that a server has, spoken to over HTTP: requests, and everything that it says.
//!
//! Not here: the server (that is the crate of that name), or a session of this machine without one (that is `control`).

use crate::failure::Failure;
use anyhow::anyhow;
use futures_util::StreamExt;
use model::{Dialect, Endpoint};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sse_stream::SseStream;
use std::time::Duration;
use wire::http::{
    ChangesView, ContextView, GrantList, ModeView, NewAnswer, NewMode, NewPrompt, ProblemView, PromptDelivery,
    ServerList, SessionPage, SessionPatch, SessionView,
};
use wire::{Aspect, ControlReply, ControlRequest, Event};

/// The variable that the token is read from.
pub const TOKEN: &str = "REMIT_TOKEN";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a stream may say nothing: the server's heartbeat comes more often.
const SILENCE: Duration = Duration::from_secs(45);
/// How long is waited before a lost connection is tried again, from the first time on.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)];

/// One session at its server.
#[derive(Clone, Debug)]
pub struct Far {
    http: Client,
    /// The server, with a path that ends in `/`.
    base: Url,
    id: String,
    token: Token,
}

#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Far {
    /// The session of an address such as `http://127.0.0.1:7777/s/k3f9xq2mzp`.
    pub fn at(address: &str) -> Result<Far, Failure> {
        let wrong = |why: String| {
            Failure::user(anyhow!("`{address}` {why}")).hint("write the address of the session's page: URL/s/ID")
        };
        let url = Url::parse(address).map_err(|why| wrong(format!("is no address: {why}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is no address of a server".to_owned()));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        let (before, id) = match (path.split_once("/v1/sessions/"), path.split_once("/s/")) {
            (Some((before, id)), _) | (None, Some((before, id))) => (before, id),
            (None, None) => (path.as_str(), ""),
        };
        let mut base = url.clone();
        base.set_path(&format!("{before}/"));
        base.set_query(None);
        base.set_fragment(None);
        let endpoint =
            Endpoint::new(Dialect::ChatCompletions, base.as_str(), "").map_err(|why| wrong(why.to_string()))?;
        let mut builder = Client::builder()
            .user_agent(concat!("remit/", env!("CARGO_PKG_VERSION")))
            // The token goes to that address and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(PATIENCE)
            .read_timeout(SILENCE);
        if endpoint.is_loopback() {
            builder = builder.no_proxy();
        } else if url.scheme() == "http" {
            return Err(wrong("is not encrypted, and a token would go to another machine in the open".to_owned()));
        }
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).ok_or_else(|| {
            Failure::user(anyhow!("`{TOKEN}` is not set, and the server asks who you are"))
                .hint("on the server's machine, `remit token add NAME` prints a token; export it as REMIT_TOKEN")
                .hint("on that machine itself, `remit --resume ID` shows a session of the server without one")
        })?;
        let http = builder.build().map_err(Failure::host)?;
        Ok(Far { http, base, id: id.trim_matches('/').to_owned(), token: Token(token) })
    }

    /// The session's page.
    pub fn page(&self) -> String {
        format!("{}s/{}", self.base, self.id)
    }

    /// The session as it stands; which ones there are when the address names none.
    pub async fn look(&self) -> Result<SessionView, Failure> {
        if self.id.is_empty() {
            let page: SessionPage =
                self.get("v1/sessions?limit=10").await.map_err(|why| Failure::user(anyhow!(why)))?;
            let cause = anyhow!("`{}` names no session", self.base);
            return Err(page.sessions.iter().fold(Failure::user(cause), |failure, session| {
                let title = crate::draw::short(&session.title);
                failure.hint(format!("{}s/{}  {title}", self.base, session.id))
            }));
        }
        self.get(&self.path("")).await.map_err(|why| Failure::user(anyhow!(why)))
    }

    /// Has a request carried out.
    pub async fn ask(&self, request: ControlRequest) -> ControlReply {
        self.asked(request).await.unwrap_or_else(|why| ControlReply::Refused { why })
    }

    async fn asked(&self, request: ControlRequest) -> Result<ControlReply, String> {
        let post = |what: &str| self.request(Method::POST, &self.path(what));
        let sent = match request {
            ControlRequest::Status => return self.status().await,
            ControlRequest::SetMode { mode } => self.request(Method::PUT, &self.path("/mode")).json(&NewMode { mode }),
            ControlRequest::Say { text } => post("/prompts").json(&NewPrompt { text, delivery: PromptDelivery::Steer }),
            ControlRequest::GoOn => post("/continue"),
            ControlRequest::Stop => post("/interrupt"),
            ControlRequest::Compact => post("/compact"),
            ControlRequest::RestartServer { server } => post(&format!("/servers/{}/restart", escaped(&server))),
            ControlRequest::Answer { call, answer, edited, words } => {
                let given = NewAnswer { answer: Some(answer), edited, words, text: None };
                post(&format!("/questions/{}", escaped(&call))).json(&given)
            }
            ControlRequest::Respond { call, text } => {
                let given = NewAnswer { text: Some(text), ..NewAnswer::default() };
                post(&format!("/questions/{}", escaped(&call))).json(&given)
            }
            ControlRequest::Revoke { grant } => {
                self.request(Method::DELETE, &self.path(&format!("/answers?grant={}", escaped(&grant))))
            }
            ControlRequest::UseModel { model } => self.patch(SessionPatch { model: Some(model), title: None }),
            ControlRequest::Rename { title } => self.patch(SessionPatch { title: Some(title), model: None }),
            ControlRequest::Look { at } => return self.looked(at).await,
            ControlRequest::Watch => return Err("watching goes on for as long as a connection of its own".to_owned()),
        };
        self.answer::<Value>(sent).await?;
        self.status().await
    }

    fn patch(&self, patch: SessionPatch) -> RequestBuilder {
        self.request(Method::PATCH, &self.path("")).json(&patch)
    }

    async fn status(&self) -> Result<ControlReply, String> {
        let ModeView { mode, chip, spend } = self.get(&self.path("/mode")).await?;
        Ok(ControlReply::Status { mode, chip, spend })
    }

    async fn looked(&self, at: Aspect) -> Result<ControlReply, String> {
        Ok(match at {
            Aspect::Answers => {
                let GrantList { grants } = self.get(&self.path("/answers")).await?;
                ControlReply::Answers { grants }
            }
            Aspect::Context => {
                let ContextView { counted, limit, parts } = self.get(&self.path("/context")).await?;
                ControlReply::Context { counted, limit, parts }
            }
            Aspect::Servers => {
                let ServerList { servers } = self.get(&self.path("/servers")).await?;
                ControlReply::Servers { servers }
            }
            Aspect::Changes => {
                let ChangesView { text } = self.get(&self.path("/changes")).await?;
                ControlReply::Changes { text }
            }
            Aspect::Prohibitions => return Err("the server does not tell its prohibitions".to_owned()),
        })
    }

    /// Hears all that the session says, from its past on, across lost connections, until the hearer has enough.
    pub async fn watch(
        &self,
        mut hear: impl FnMut(Event) -> bool,
        mut lost: impl FnMut(String),
    ) -> Result<(), Failure> {
        let (mut last, mut failures) = (None::<String>, 0);
        loop {
            match self.stream(&mut last, &mut hear, &mut failures).await {
                Ok(Heard::Enough) => return Ok(()),
                Ok(Heard::ToTheEnd) => {}
                Err(Lost::ForGood(why)) => return Err(Failure::user(anyhow!(why))),
                // A stream that ends is begun again at once, and most often that is all.
                Err(Lost::ForNow(why)) if failures == 1 => lost(format!("{why}; trying again")),
                Err(Lost::ForNow(_)) => {}
            }
            tokio::time::sleep(PAUSES[failures.min(PAUSES.len() - 1)]).await;
            failures += 1;
        }
    }

    async fn stream(
        &self,
        last: &mut Option<String>,
        hear: &mut impl FnMut(Event) -> bool,
        failures: &mut usize,
    ) -> Result<Heard, Lost> {
        let mut request = self.request(Method::GET, &self.path("/events")).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last.as_str());
        }
        let response = request.send().await.map_err(|why| Lost::ForNow(told(&why)))?;
        if !response.status().is_success() {
            let status = response.status();
            let why = problem(response).await;
            let passes =
                status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS);
            return Err(if passes { Lost::ForNow(why) } else { Lost::ForGood(why) });
        }
        let mut frames = SseStream::from_bytes_stream(response.bytes_stream());
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|why| Lost::ForNow(format!("the connection was lost: {why}")))?;
            *failures = 0;
            let Some(data) = frame.data else { continue };
            let event = serde_json::from_str(&data)
                .map_err(|why| Lost::ForGood(format!("the server says what is not understood: {why}")))?;
            if let Some(id) = frame.id {
                *last = Some(id);
            }
            if !hear(event) {
                return Ok(Heard::Enough);
            }
        }
        Ok(Heard::ToTheEnd)
    }

    fn path(&self, below: &str) -> String {
        format!("v1/sessions/{}{below}", escaped(&self.id))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        self.http.request(method, url).bearer_auth(&self.token.0)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        self.answer(self.request(Method::GET, path)).await
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, String> {
        let response = request.timeout(PATIENCE).send().await.map_err(|why| told(&why))?;
        match response.status().is_success() {
            true => {
                response.json().await.map_err(|why| format!("the server's answer is not understood: {}", told(&why)))
            }
            false => Err(problem(response).await),
        }
    }
}

enum Heard {
    /// The hearer has enough.
    Enough,
    /// The server ended the stream.
    ToTheEnd,
}

enum Lost {
    ForNow(String),
    ForGood(String),
}

/// What an answer says is wrong.
async fn problem(response: Response) -> String {
    let status = response.status();
    let problem = response.json::<ProblemView>().await;
    problem.map_or_else(|_| format!("the server answered with status {status}"), |problem| problem.detail)
}

/// What went wrong, without the address: it is on the screen already.
fn told(why: &reqwest::Error) -> String {
    let mut root: &dyn std::error::Error = why;
    while let Some(source) = root.source() {
        root = source;
    }
    format!("the server cannot be reached: {root}")
}

/// A part of a path, whatever is in it.
fn escaped(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    part.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
