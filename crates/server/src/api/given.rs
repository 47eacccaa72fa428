//! What a request brings: a body of JSON, terms and names in its address. Each is understood whole or refused.
//!
//! Not here: what it means.

use super::table::Term;
use crate::problem::{Code, Problem};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// A body of JSON, with no field that is not known. No body at all is an empty object.
#[derive(Debug)]
pub struct Given<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Given<T>, Problem> {
        let body = text(request, state).await?;
        let mut reader = serde_json::Deserializer::from_str(&body);
        let given = serde_path_to_error::deserialize(&mut reader).map_err(|why| {
            let (at, inner) = (why.path().to_string(), why.inner());
            match inner.classify() {
                serde_json::error::Category::Data if at != "." => {
                    Problem::new(Code::Malformed, format!("`{at}`: {inner}"))
                }
                _no_field => Problem::new(Code::Malformed, format!("the body is not what it should be: {inner}")),
            }
        })?;
        reader
            .end()
            .map_err(|why| Problem::new(Code::Malformed, format!("more follows the JSON of the body: {why}")))?;
        Ok(Given(given))
    }
}

/// A body of JSON as it was written.
#[derive(Debug)]
pub struct GivenText(pub String);

impl<S: Send + Sync> FromRequest<S> for GivenText {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<GivenText, Problem> {
        text(request, state).await.map(GivenText)
    }
}

async fn text<S: Send + Sync>(request: Request, state: &S) -> Result<String, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default().to_ascii_lowercase());
    let is_json =
        kind.as_deref().map(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
    let body = Bytes::from_request(request, state).await.map_err(|why| match why {
        BytesRejection::FailedToBufferBody(_) => Problem::new(Code::TooLarge, "the body is too large, or was cut off"),
        other => Problem::new(Code::Malformed, other.to_string()),
    })?;
    match is_json {
        None if body.is_empty() => return Ok("{}".to_owned()),
        Some(true) => {}
        Some(false) | None => {
            return Err(Problem::new(Code::NotJson, "send the body as `Content-Type: application/json`"));
        }
    }
    let text = String::from_utf8(body.into()).map_err(|_| Problem::new(Code::Malformed, "the body is not UTF-8"))?;
    // Serde would take a list for the fields in their order.
    match text.trim_ascii_start().starts_with('[') {
        true => Err(Problem::new(Code::Malformed, "the body is not what it should be: send a JSON object")),
        false => Ok(text),
    }
}

/// What stands behind the `?` of an address, with nothing that is not known.
#[derive(Debug)]
pub struct GivenTerms<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for GivenTerms<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<GivenTerms<T>, Problem> {
        let read = Query::from_request_parts(parts, state).await;
        read.map(|Query(terms)| GivenTerms(terms)).map_err(|why| {
            let text = why.body_text();
            let why = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            Problem::new(Code::Malformed, format!("behind the `?`: {why}"))
        })
    }
}

/// What stands in the place of the braces of an address.
#[derive(Debug)]
pub struct GivenPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for GivenPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<GivenPath<T>, Problem> {
        let read = Path::from_request_parts(parts, state).await;
        // Only what is not UTF-8 is no text, and nothing has such a name.
        read.map(|Path(named)| GivenPath(named))
            .map_err(|_| Problem::new(Code::NotFound, "there is nothing at this address: a part of it is not UTF-8"))
    }
}

/// The first word behind the `?` of an address that is none of these.
pub(super) fn stranger(address: &Uri, known: &[Term]) -> Option<String> {
    let Ok(Query(given)) = Query::<Vec<(String, String)>>::try_from_uri(address) else { return Some(String::new()) };
    given.into_iter().map(|(name, _)| name).find(|name| known.iter().all(|term| term.name != name))
}
