//! What a session says: as a stream of server-sent events, or in pages.
//!
//! Not here: the events (those are `wire`'s), or their numbers (those are `scroll`'s).
//!
//! A stream begins after the event that the client saw last (`Last-Event-ID`, or `after`), else at the beginning. Nothing is
//! missed or doubled across a reconnection. When the session was opened anew meanwhile, a `session` event comes first: what was read
//! before is void. A stream ends with the session, which the server closes when it ends, and when what the client showed is worth
//! nothing any more.

use super::accept::{Form, wanted};
use super::{GivenPath, GivenTerms, named, opened, page_size};
use crate::hall::Open;
use crate::people::{People, Reader};
use crate::problem::{Code, Problem};
use crate::scroll::{BadEventId, EventId, Numbered};
use crate::server::{Server, Streaming};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use wire::http::{EventPage, NumberedEvent};

/// How often a stream with nothing to say says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How soon a client whose stream was cut off comes back.
const COME_BACK: Duration = Duration::from_secs(1);
/// How many events a page has without `limit`, and at most.
const PAGE: u16 = 500;
pub(super) const MOST: u16 = 2_000;
/// How many events are taken out at once for one reader.
const CHUNK: usize = 64;

/// From where on, and how many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    after: Option<String>,
    limit: Option<u16>,
}

/// Tells a session's events, as a stream for whoever takes one and else as a page.
pub async fn events(
    State(server): State<Server>,
    Extension(people): Extension<Arc<People>>,
    visitor: Reader,
    (GivenPath(id), GivenTerms(from)): (GivenPath<String>, GivenTerms<From>),
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page_size(from.limit, PAGE, MOST)?;
    let seen = last_seen(&headers, from.after.as_deref())?;
    let form = wanted(&headers).ok_or_else(|| {
        Problem::new(Code::NotAcceptable, "events are told as `text/event-stream` or `application/json`; accept one")
    })?;
    let id = named(&id)?.to_string();
    match form {
        Form::Page => {
            let open = opened(&server.hall, &visitor, &id).await?;
            Ok(Json(page(&open, seen, limit)).into_response())
        }
        Form::Stream => {
            let place = server.streams.enter(&visitor)?;
            let open = opened(&server.hall, &visitor, &id).await?;
            let after = open.scroll().after(seen);
            let visitor = visitor.into_visitor();
            let told = told(open, after, place).take_until(async move { people.gone(&visitor).await });
            // The first event says how soon to come back: some clients take a line of that alone for an event.
            let sent = told.enumerate().map(|(at, (id, told))| {
                let sent = Sent::default().id(id.to_string()).data(&*told.json);
                Ok::<_, Infallible>(if at == 0 { sent.retry(COME_BACK) } else { sent })
            });
            Ok(Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
        }
    }
}

/// The event that the client saw last; what a browser says itself when it comes back is the later word.
fn last_seen(headers: &HeaderMap, after: Option<&str>) -> Result<Option<EventId>, Problem> {
    let bad = |why: String| Problem::new(Code::Malformed, why);
    let told = headers.get("last-event-id").map(|id| id.to_str()).transpose();
    let told = told.map_err(|_| bad("`Last-Event-ID` is no id of an event".to_owned()))?;
    let seen = told.filter(|id| !id.is_empty()).or(after).filter(|id| !id.is_empty());
    seen.map(str::parse).transpose().map_err(|why: BadEventId| bad(why.to_string()))
}

fn page(open: &Open, seen: Option<EventId>, limit: usize) -> EventPage {
    let scroll = open.scroll();
    let after = scroll.after(seen);
    let mut told = scroll.read(after, limit + 1);
    let more = told.len() > limit;
    told.truncate(limit);
    let next = told.last().map_or(after, |last| last.number);
    let events = told
        .into_iter()
        .map(|told| NumberedEvent { id: scroll.id(told.number).to_string(), event: (*told.event).clone() });
    EventPage { events: events.collect(), next: scroll.id(next).to_string(), more }
}

/// What a session has said after a number, and says from now on, each with its id, until the session is over. The reader's pace
/// is the stream's: what it has not taken waits in the scroll that all readers share.
pub fn told(open: Arc<Open>, after: u64, place: Streaming) -> impl Stream<Item = (EventId, Numbered)> + Send + 'static {
    let reader = open.reader();
    let state = (open, after, Vec::new().into_iter(), (reader, place));
    futures_util::stream::unfold(
        state,
        |(open, mut after, mut chunk, kept): (Arc<Open>, _, std::vec::IntoIter<Numbered>, _)| async move {
            loop {
                if let Some(told) = chunk.next() {
                    after = told.number;
                    return Some(((open.scroll().id(after), told), (open, after, chunk, kept)));
                }
                chunk = open.scroll().read(after, CHUNK).into_iter();
                if chunk.len() > 0 {
                    continue;
                }
                if open.over().is_cancelled() && open.scroll().last() <= after {
                    return None;
                }
                tokio::select! {
                    () = open.scroll().has_more_than(after) => {}
                    () = open.over().cancelled() => {}
                }
            }
        },
    )
}
