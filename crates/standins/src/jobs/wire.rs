//! Requests and answers of the jobs API as HTTP has them: headers, error bodies, pages, streams, lost answers.
//!
//! Not here: what is answered.

use super::Shared;
use super::calendar::{Moment, http_date};
use super::hub::Refused;
use super::stream::{self, Cut};
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// The longest body that is read.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A request, read whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The token of the `Authorization` header; empty if there is none.
    pub(crate) token: String,
    /// The body, if it is JSON.
    pub(crate) body: Option<Value>,
    host: String,
}

impl Asked {
    /// Gives the address of the page that begins after `cursor`.
    pub(crate) fn next_page(&self, cursor: &str) -> String {
        let kept = self.query.iter().filter(|(key, _)| key != "cursor");
        let query: String = kept.map(|(key, value)| format!("{}={}&", escaped(key), escaped(value))).collect();
        let Asked { host, path, .. } = self;
        format!("http://{host}{path}?{query}cursor={cursor}")
    }
}

/// What is answered.
pub(crate) enum Answer {
    Json {
        value: Value,
        /// The address of the next page.
        next: Option<String>,
    },
    Log {
        job: usize,
        tail: Option<usize>,
        cut: Cut,
    },
    Metrics {
        job: usize,
    },
    Refused(Refused),
    /// It was carried out, and the connection closes without an answer.
    Lost,
    /// It was carried out, and the answer never comes.
    Held,
}

impl Answer {
    /// Gives the status that is sent, or would have been.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Answer::Refused(refused) => refused.status,
            _ => 200,
        }
    }
}

/// An answer, when it was given, and the how manieth it is.
pub(crate) struct Numbered {
    pub(crate) answer: Answer,
    pub(crate) now: Moment,
    pub(crate) number: u64,
}

/// Answers any request of the API.
pub(crate) async fn api(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = |name: HeaderName| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let authorization = text(header::AUTHORIZATION);
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: Query::try_from_uri(&parts.uri).map_or_else(|_| Vec::new(), |Query(query)| query),
        token: match authorization.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.to_owned(),
            _ => String::new(),
        },
        body: serde_json::from_slice(&body).ok(),
        host: text(header::HOST),
    };
    let Numbered { answer, now, number } = shared.answer(&asked);
    let mut response = match answer {
        Answer::Json { value, next } => page(&value, next),
        Answer::Log { job, tail, cut } => events(stream::log(shared, job, tail, cut)),
        Answer::Metrics { job } => events(stream::metrics(shared, job)),
        Answer::Refused(refused) => refusal(&refused),
        Answer::Lost => return lost(),
        Answer::Held => std::future::pending().await,
    };
    // The client compares the moments of log lines with the answer's date, so both come from the same clock.
    let headers = response.headers_mut();
    set(headers, header::DATE, &http_date(now));
    set(headers, HeaderName::from_static("x-request-id"), &format!("standin-{number}"));
    response
}

fn page(value: &Value, next: Option<String>) -> Response {
    let mut response = Json(value).into_response();
    if let Some(next) = next {
        let link = format!("<{next}>; rel=\"next\"");
        set(response.headers_mut(), header::LINK, &link);
    }
    response
}

fn events(pieces: impl Stream<Item = String> + Send + 'static) -> Response {
    let body = Body::from_stream(pieces.map(Ok::<String, Infallible>));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, "text/event-stream");
    set(headers, header::CACHE_CONTROL, "no-cache");
    response
}

fn refusal(refused: &Refused) -> Response {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(json!({ "error": refused.error }))).into_response();
    let headers = response.headers_mut();
    let name = HeaderName::from_static("x-error-message");
    set(headers, name, &refused.error);
    if let Some(secs) = refused.retry_after_secs {
        set(headers, header::RETRY_AFTER, &secs.to_string());
        let name = HeaderName::from_static("ratelimit");
        set(headers, name, &format!("\"api\";r=0;t={secs}"));
        let name = HeaderName::from_static("ratelimit-policy");
        set(headers, name, "\"fixed window\";\"api\";q=500;w=300");
    }
    response
}

/// Closes the connection before anything is sent: a body that fails at its first piece takes the head with it.
fn lost() -> Response {
    let gone = std::io::Error::other("the answer is lost on order");
    Body::from_stream(futures_util::stream::once(async { Err::<String, std::io::Error>(gone) })).into_response()
}

/// Sets a header; text that no header can hold is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
