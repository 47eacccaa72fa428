//! The interface for programs, `/v1`.
//!
//! In reading order: [`table`] has every route, from which the router and the OpenAPI document come, with what `words` says of
//! each and `docs` as a page; [`given`] reads what a request brings; then a file for each thing: `sessions`, `prompts`, `events`,
//! `questions`, `modes`, `knowledge`.
//!
//! Not here: who may do what (each handler takes the proof that it needs), or the sessions.

mod accept;
mod docs;
mod events;
mod given;
mod knowledge;
mod modes;
pub mod openapi;
mod prompts;
mod questions;
mod sessions;
pub mod table;
mod words;

pub(crate) use events::told;
pub use given::{Given, GivenPath, GivenTerms};
pub use questions::asked;

use crate::hall::{Hall, Open};
use crate::house::Unable;
use crate::once::once;
use crate::people::Visitor;
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use journal::SessionId;
use std::sync::Arc;
use table::{Once, Route};
use wire::ControlReply;
use wire::http::ModeView;

/// The routes of the table, the page about them, and a problem for every other address below `/v1`.
pub fn router(server: &Server) -> Router<Server> {
    let routes = table::ROUTES.iter().fold(Router::new(), |router, route| {
        let mounted = (route.mount)();
        let mounted = match route.once {
            Once::ByKey => mounted.layer(from_fn_with_state(server.keys.clone(), once)),
            Once::Always => mounted,
        };
        router.route(route.path, mounted.layer(from_fn_with_state(route, only_known_terms)))
    });
    let routes = routes.route(docs::PAGE, get(docs::page)).route(docs::STYLE, get(docs::style));
    let routes = routes.method_not_allowed_fallback(wrong_method);
    ["/v1", "/v1/", "/v1/{*rest}"].into_iter().fold(routes, |routes, path| routes.route(path, any(nothing_here)))
}

/// Refuses what the table does not know behind the `?`. Whoever may not use the route at all is told that, by the route.
async fn only_known_terms(
    State(route): State<&'static Route>,
    visitor: Option<Visitor>,
    request: Request,
    next: Next,
) -> Response {
    let may = route.needs.is_none_or(|scope| visitor.is_some_and(|visitor| visitor.scopes.has(scope)));
    match given::stranger(request.uri(), route.terms) {
        Some(name) if may => {
            let known: Vec<String> = route.terms.iter().map(|term| format!("`{}`", term.name)).collect();
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            let why = format!("`{}` cannot stand behind the `?` of this address; {known} can", cut(&name));
            Problem::new(Code::Malformed, why).into_response()
        }
        Some(_) | None => next.run(request).await,
    }
}

async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this address has no such method; see /v1/openapi.json")
}

async fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this address; see /v1/openapi.json")
}

/// The session that an address names, if it can be a session's name at all.
fn named(id: &str) -> Result<SessionId, Problem> {
    id.parse().map_err(|_| Problem::new(Code::NotFound, format!("there is no session `{}`", cut(id))))
}

/// How many lines a page has: so many without `limit`, and never more than the most.
fn page_size(limit: Option<u16>, without: u16, most: u16) -> Result<usize, Problem> {
    match limit.unwrap_or(without) {
        limit if (1..=most).contains(&limit) => Ok(usize::from(limit)),
        _none_or_too_many => Err(Problem::new(Code::Malformed, format!("`limit` is a number from 1 to {most}"))),
    }
}

/// The beginning of what somebody sent.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The session that an address names, open, for whom it belongs to.
async fn opened(hall: &Hall, visitor: &Visitor, id: &str) -> Result<Arc<Open>, Problem> {
    Ok(hall.open(&visitor.owner, &named(id)?).await?)
}

/// How a session stands now, or why it would not do what was asked.
fn standing(reply: ControlReply) -> Result<ModeView, Problem> {
    match reply {
        ControlReply::Status { mode, chip, spend } => Ok(ModeView { mode, chip, spend }),
        other => Err(refused(other)),
    }
}

/// Why a session would not do what was asked.
fn refused(reply: ControlReply) -> Problem {
    match reply {
        ControlReply::Refused { why } => Problem::new(Code::Refused, why),
        _another => Unable::Failed("the session answered something else".to_owned()).into(),
    }
}
