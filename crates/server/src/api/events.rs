//! What a session says: as a stream of server-sent events, or in pages.
//!
//! Not here: the events (those are `wire`'s), or their numbers (those are `scroll`'s).
//!
//! A stream begins after the event that the client saw last (`Last-Event-ID`, or `after`), else at the beginning. Nothing is
//! missed or doubled across a reconnection. When the session was opened anew meanwhile, a `session` event comes first: what was read
//! before is void.

use super::{GivenTerms, named, opened};
use crate::hall::Open;
use crate::people::Reader;
use crate::problem::{Code, Problem};
use crate::scroll::{EventId, Numbered};
use crate::server::{Server, Streaming};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use wire::http::{EventPage, NumberedEvent};

/// How often a stream with nothing to say says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many events a page has without `limit`, and at most.
const PAGE: usize = 500;
const MOST: usize = 2_000;
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
    visitor: Reader,
    Path(id): Path<String>,
    GivenTerms(from): GivenTerms<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = named(&id)?.to_string();
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).or(from.after.as_deref());
    let seen: Option<EventId> = seen
        .filter(|seen| !seen.is_empty())
        .map(str::parse)
        .transpose()
        .map_err(|why: crate::scroll::BadEventId| Problem::new(Code::Malformed, why.to_string()))?;
    if accepts.contains("text/event-stream") {
        let place = server.streams.enter(&visitor)?;
        let open = opened(&server.hall, &visitor, &id).await?;
        let after = open.scroll().after(seen);
        let leaving = server.leaving.clone();
        let told = told(open, after, place).take_until(leaving.cancelled_owned());
        let sent = told.map(|(id, told)| Ok::<_, Infallible>(Sent::default().id(id.to_string()).data(&*told.json)));
        return Ok(Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response());
    }
    if !(accepts.contains("application/json") || accepts.contains("*/*") || accepts.contains("application/*")) {
        return Err(Problem::new(Code::NotAcceptable, "events are told as `text/event-stream` or `application/json`"));
    }
    let open = opened(&server.hall, &visitor, &id).await?;
    Ok(Json(page(&open, seen, usize::from(from.limit.unwrap_or(PAGE as u16)).clamp(1, MOST))).into_response())
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
                tokio::select! {
                    () = open.scroll().has_more_than(after) => {}
                    () = open.over().cancelled() => return None,
                }
            }
        },
    )
}
