//! The interface for programs, `/v1`.
//!
//! In reading order: [`table`] has every route, from which the router and the OpenAPI document come; [`given`] reads what a
//! request brings; then a file for each thing: `sessions`, `prompts`, `events`, `questions`, `modes`, `knowledge`.
//!
//! Not here: who may do what (each handler takes the proof that it needs), or the sessions.

mod events;
mod given;
mod knowledge;
mod modes;
pub mod openapi;
mod prompts;
mod questions;
mod sessions;
pub mod table;

pub(crate) use events::told;
pub use given::{Given, GivenTerms};

use crate::hall::{Hall, Open};
use crate::house::Unable;
use crate::once::once;
use crate::people::Visitor;
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Router;
use axum::middleware::from_fn_with_state;
use journal::SessionId;
use std::sync::Arc;
use table::Once;
use wire::ControlReply;
use wire::http::ModeView;

/// The routes of the table, and a problem for every other address below `/v1`.
pub fn router(server: &Server) -> Router<Server> {
    let routes = table::ROUTES.iter().fold(Router::new(), |router, route| {
        let mounted = (route.mount)();
        let mounted = match route.once {
            Once::ByKey => mounted.layer(from_fn_with_state(server.keys.clone(), once)),
            Once::Always => mounted,
        };
        router.route(route.path, mounted)
    });
    routes.method_not_allowed_fallback(wrong_method).route("/v1/{*rest}", axum::routing::any(nothing_here))
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
