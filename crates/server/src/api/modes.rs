//! The mode of a session, as a whole and as a switch, and the money that it is about.
//!
//! Not here: what a mode does. Both ways of setting one are the same command to the session.

use super::given::GivenText;
use super::{Given, GivenPath, opened, standing};
use crate::people::{Answerer, Reader};
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Json;
use axum::extract::State;
use serde_json::Value;
use wire::http::{ModeView, NewMode};
use wire::{ControlRequest, YoloStatus, YoloSwitch};

/// Shows the mode, with the money.
pub async fn show(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<ModeView>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    standing(open.carry(None, ControlRequest::Status).await).map(Json)
}

/// Sets the mode.
pub async fn set(
    State(server): State<Server>,
    answerer: Answerer,
    GivenPath(id): GivenPath<String>,
    Given(NewMode { mode }): Given<NewMode>,
) -> Result<Json<ModeView>, Problem> {
    let open = opened(&server.hall, answerer.visitor(), &id).await?;
    standing(open.carry(Some(&answerer.person()), ControlRequest::SetMode { mode }).await).map(Json)
}

/// Shows YOLO as a switch.
pub async fn yolo(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<YoloStatus>, Problem> {
    let open = opened(&server.hall, &visitor, &id).await?;
    let standing = standing(open.carry(None, ControlRequest::Status).await)?;
    Ok(Json(YoloStatus::of(&standing.mode, &standing.spend)))
}

/// Turns the switch.
pub async fn switch(
    State(server): State<Server>,
    answerer: Answerer,
    GivenPath(id): GivenPath<String>,
    GivenText(body): GivenText,
) -> Result<Json<YoloStatus>, Problem> {
    let switch = YoloSwitch::read(&body).map_err(|why| Problem::new(Code::Malformed, why.to_string()))?;
    let open = opened(&server.hall, answerer.visitor(), &id).await?;
    let request = ControlRequest::SetMode { mode: switch.mode() };
    let standing = standing(open.carry(Some(&answerer.person()), request).await)?;
    Ok(Json(YoloStatus::of(&standing.mode, &standing.spend)))
}

/// Shows what the session has cost, call by call.
pub async fn spend(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<Value>, Problem> {
    let kept = server.hall.find(&visitor.owner, &super::named(&id)?).await?;
    Ok(Json(server.hall.house().spend(&kept.row.id).await?))
}
