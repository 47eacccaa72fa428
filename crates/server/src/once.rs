//! Requests that have a name of the client's own (`Idempotency-Key`): the same one again gives the same answer, and nothing is
//! done twice.
//!
//! Not here: which routes heed it (those are marked in the table).
//!
//! A name is one person's, and stands for one request: its method, address and body. It follows the draft
//! draft-ietf-httpapi-idempotency-key-header, with the codes 409 while the first is under way and 422 for another request under the
//! same name. Names are kept in memory for a day: a server that starts anew does not know them.

use crate::people::{Owner, Visitor};
use crate::problem::{Code, Problem};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a name is known.
const KNOWN: Duration = Duration::from_secs(24 * 60 * 60);
/// How many names are known at once.
const MOST: usize = 10_000;
/// The longest name, in bytes.
const LONGEST: usize = 200;
/// The most of a body that is looked at, and of an answer that is kept, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// What an answer carries that was given before.
const AGAIN: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The names that are known. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    known: Arc<Mutex<BTreeMap<(Owner, String), Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    /// The digest of the request.
    request: [u8; 32],
    since: Instant,
    answer: Option<Answered>,
}

#[derive(Clone, Debug)]
struct Answered {
    status: StatusCode,
    place: Option<HeaderValue>,
    kind: Option<HeaderValue>,
    body: Bytes,
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        headers.extend(self.kind.map(|kind| (header::CONTENT_TYPE, kind)));
        headers.extend(self.place.map(|place| (header::LOCATION, place)));
        headers.insert(AGAIN, HeaderValue::from_static("true"));
        response
    }
}

/// What is to be done for a request with a name.
enum Turn {
    First,
    Again(Answered),
}

/// Takes the name away again when nothing came of the request.
struct UnderWay {
    keys: Keys,
    name: Option<(Owner, String)>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.keys.known().remove(&name);
        }
    }
}

/// Answers a request with a name once; one without a name is passed on.
pub async fn once(State(keys): State<Keys>, visitor: Option<Visitor>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get("idempotency-key").cloned() else { return next.run(request).await };
    // Whoever is not signed in is told so by the route.
    let Some(visitor) = visitor else { return next.run(request).await };
    match answered(keys, visitor, key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answered(
    keys: Keys,
    visitor: Visitor,
    key: HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let bad = || Problem::new(Code::Malformed, format!("`Idempotency-Key` is 1 to {LONGEST} visible letters of ASCII"));
    let key = key.to_str().map_err(|_| bad())?.to_owned();
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad());
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MOST_BYTES).await;
    let body = body.map_err(|_| Problem::new(Code::TooLarge, "the body is too large, or was cut off"))?;
    let name = (visitor.owner, key);
    if let Turn::Again(answer) = keys.begin(&name, digest(&parts.method, &parts.uri.to_string(), &body))? {
        return Ok(answer.into_response());
    }
    let under_way = UnderWay { keys, name: Some(name) };
    // Whoever asked may hang up: what was begun is done, and told to them when they ask again.
    let run = tokio::spawn(under_way.run(Request::from_parts(parts, Body::from(body)), next));
    run.await.map_err(|_| Problem::new(Code::Failed, "the request was cut off by a bug"))?
}

impl UnderWay {
    /// Does what is asked for, and keeps the answer.
    async fn run(mut self, request: Request, next: Next) -> Result<Response, Problem> {
        let response = next.run(request).await;
        // What was refused may be tried again under the same name: nothing was done.
        if !response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, MOST_BYTES).await;
        let body = body.map_err(|_| Problem::new(Code::Failed, "the answer was cut off"))?;
        let of = |name| parts.headers.get(name).cloned();
        let (place, kind) = (of(header::LOCATION), of(header::CONTENT_TYPE));
        let answer = Answered { status: parts.status, place, kind, body: body.clone() };
        if let Some(name) = self.name.take() {
            self.keys.end(&name, answer);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

fn digest(method: &Method, address: &str, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [method.as_str().as_bytes(), address.as_bytes(), body] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

impl Keys {
    fn begin(&self, name: &(Owner, String), request: [u8; 32]) -> Result<Turn, Problem> {
        let mut known = self.known();
        match known.get(name).filter(|known| known.since.elapsed() < KNOWN) {
            Some(known) if known.request != request => {
                return Err(Problem::new(Code::KeyReused, "this `Idempotency-Key` stands for another request"));
            }
            Some(Known { answer: Some(answer), .. }) => return Ok(Turn::Again(answer.clone())),
            Some(Known { answer: None, .. }) => {
                return Err(Problem::new(Code::InUse, "the request of this `Idempotency-Key` is under way"));
            }
            None => {}
        }
        if known.len() >= MOST {
            known.retain(|_, known| known.since.elapsed() < KNOWN);
        }
        if known.len() >= MOST {
            return Err(Problem::new(
                Code::TooMany,
                "too many `Idempotency-Key`s are known; use one tomorrow, or none",
            ));
        }
        known.insert(name.clone(), Known { request, since: Instant::now(), answer: None });
        Ok(Turn::First)
    }

    fn end(&self, name: &(Owner, String), answer: Answered) {
        if let Some(known) = self.known().get_mut(name) {
            known.answer = Some(answer);
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(Owner, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
