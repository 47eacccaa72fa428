//! Speaking to a session: say, go on, interrupt, sum up; and what fills its context.
//!
//! Not here: answering it (that is `questions`).

use super::{Given, GivenPath, opened, refused, standing};
use crate::hall::Delivery;
use crate::people::{Driver, Reader};
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use wire::http::{
    ChangesView, ContextView, ModeView, NewPrompt, Nothing, PromptDelivery, PromptTaken, ServerList, TakenBack,
};
use wire::{Aspect, ControlReply, ControlRequest};

/// Says something.
pub async fn say(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
    Given(prompt): Given<NewPrompt>,
) -> Result<(StatusCode, Json<PromptTaken>), Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    if prompt.text.trim().is_empty() {
        return Err(Problem::new(Code::Refused, "`text` is empty; say something"));
    }
    let when = match prompt.delivery {
        PromptDelivery::Steer => Delivery::Steer,
        PromptDelivery::Queue => Delivery::Queue,
    };
    let on_record = open.tell(prompt.text, when).await.map_err(|why| Problem::new(Code::Refused, why))?;
    Ok((StatusCode::ACCEPTED, Json(PromptTaken { queued: !on_record })))
}

/// Takes back what waits for the end of the turn.
pub async fn unqueue(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<TakenBack>, Problem> {
    Ok(Json(TakenBack { texts: opened(&server.hall, &visitor, &id).await?.unqueue() }))
}

/// Lets the model go on where it stopped.
pub async fn go_on(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<(StatusCode, Json<ModeView>), Problem> {
    ask(&server, &visitor, &id, ControlRequest::GoOn).await
}

/// Stops what runs; said again, gives up waiting for it.
pub async fn interrupt(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<(StatusCode, Json<ModeView>), Problem> {
    ask(&server, &visitor, &id, ControlRequest::Stop).await
}

/// Has the older part of the conversation summed up.
pub async fn compact(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<(StatusCode, Json<ModeView>), Problem> {
    ask(&server, &visitor, &id, ControlRequest::Compact).await
}

/// Has an MCP server started anew.
pub async fn restart(
    State(state): State<Server>,
    visitor: Driver,
    GivenPath((id, server)): GivenPath<(String, String)>,
    Given(Nothing {}): Given<Nothing>,
) -> Result<(StatusCode, Json<ModeView>), Problem> {
    ask(&state, &visitor, &id, ControlRequest::RestartServer { server }).await
}

async fn ask(
    server: &Server,
    visitor: &crate::people::Visitor,
    id: &str,
    request: ControlRequest,
) -> Result<(StatusCode, Json<ModeView>), Problem> {
    let open = opened(&server.hall, visitor, id).await?;
    Ok((StatusCode::ACCEPTED, Json(standing(open.carry(None, request).await)?)))
}

/// Shows what fills the model's context.
pub async fn context(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<ContextView>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    match open.carry(None, ControlRequest::Look { at: Aspect::Context }).await {
        ControlReply::Context { counted, limit, parts } => Ok(Json(ContextView { counted, limit, parts })),
        other => Err(refused(other)),
    }
}

/// Shows what differs from the last commit.
pub async fn changes(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<ChangesView>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    match open.carry(None, ControlRequest::Look { at: Aspect::Changes }).await {
        ControlReply::Changes { text } => Ok(Json(ChangesView { text })),
        other => Err(refused(other)),
    }
}

/// Lists the MCP servers of a session, each with its tools and their effects.
pub async fn servers(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<ServerList>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    match open.carry(None, ControlRequest::Look { at: Aspect::Servers }).await {
        ControlReply::Servers { servers } => Ok(Json(ServerList { servers })),
        other => Err(refused(other)),
    }
}
