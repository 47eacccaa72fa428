//! What can be known without a session: the contract, what would happen to a call, models and tools, how the server stands.
//!
//! Not here: any of it; the house and the hall are asked.

use super::{Given, sessions};
use crate::house::Explained;
use crate::people::Reader;
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::path::PathBuf;
use wire::http::{ExplainRequest, Explanation, Health, Me};

/// Tells what each mode does.
pub async fn contract(State(server): State<Server>, _: Reader) -> Result<Json<Value>, Problem> {
    Ok(Json(server.hall.house().contract()?))
}

/// Tells what would happen to a call. Nothing runs.
pub async fn explain(
    State(server): State<Server>,
    _: Reader,
    Given(call): Given<ExplainRequest>,
) -> Result<Json<Explanation>, Problem> {
    let call = Explained {
        mode: call.mode.as_deref().map(sessions::mode).transpose()?,
        attendance: sessions::attendance(call.attendance),
        workspace: call.workspace.map(PathBuf::from),
        tool: call.tool,
        arguments: Value::Object(call.arguments.unwrap_or_default()).to_string(),
    };
    Ok(Json(server.hall.house().explain(call).await?))
}

/// Lists models with their prices.
pub async fn models(State(server): State<Server>, _: Reader) -> Result<Json<Value>, Problem> {
    Ok(Json(server.hall.house().models().await?))
}

/// Lists the built-in tools with their effects.
pub async fn tools(State(server): State<Server>, _: Reader) -> Result<Json<Value>, Problem> {
    Ok(Json(server.hall.house().tools()?))
}

/// Says who asks.
pub async fn me(visitor: Reader) -> Json<Me> {
    let scopes = visitor.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    Json(Me { name: visitor.owner.name().map(str::to_owned), scopes })
}

/// Says that the server is there.
pub async fn health(State(server): State<Server>) -> Json<Health> {
    Json(standing(&server))
}

/// Says whether the server takes work: its record can be read, and it is not ending.
pub async fn ready(State(server): State<Server>) -> Result<Json<Health>, Problem> {
    if server.leaving.is_cancelled() {
        return Err(Problem::new(Code::Failed, "the server is ending"));
    }
    let read = server.hall.journal().sessions().await;
    read.map_err(|why| Problem::new(Code::Failed, why.to_string()))?;
    Ok(Json(standing(&server)))
}

fn standing(server: &Server) -> Health {
    let status = if server.leaving.is_cancelled() { "ending" } else { "ok" };
    Health { status: status.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Tells Prometheus how the server stands.
pub async fn metrics(State(server): State<Server>, _: Reader) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], server.metrics()).into_response()
}

/// The document of this interface.
pub async fn document() -> Json<Value> {
    Json(super::openapi::document().clone())
}
