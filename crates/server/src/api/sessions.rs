//! Sessions: begin, list, look at, change, fork, export, delete.
//!
//! Not here: what is said in one.

use super::{Given, GivenPath, GivenTerms, cut, named, opened, page_size, standing};
use crate::hall::{Filed, Hall, Open, SessionState};
use crate::house::{Beginning, Which};
use crate::people::{Answerer, Driver, Owner, Reader, Unwelcome};
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::record;
use policy::{Attendance, ModeChoice};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use wire::ControlRequest;
use wire::http::{NewFork, NewSession, SessionDoing, SessionPage, SessionPatch, SessionView, WhoIsThere};

/// How many sessions a page has without `limit`, and at most.
const PAGE: u16 = 50;
pub(super) const MOST: u16 = 200;
/// The longest title, in letters.
const LONGEST_TITLE: usize = 200;

/// Which sessions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    q: Option<String>,
    state: Option<SessionDoing>,
    limit: Option<u16>,
    after: Option<String>,
}

/// Lists the sessions of whoever asks.
pub async fn list(
    State(server): State<Server>,
    visitor: Reader,
    GivenTerms(search): GivenTerms<Search>,
) -> Result<Json<SessionPage>, Problem> {
    let limit = page_size(search.limit, PAGE, MOST)?;
    let wanted = search.q.unwrap_or_default().to_lowercase();
    let kept = server.hall.kept(&visitor.owner).await?;
    let from = match &search.after {
        None => 0,
        Some(after) => match kept.iter().position(|kept| kept.row.id.as_str() == after) {
            Some(at) => at + 1,
            None => {
                return Err(Problem::new(Code::Malformed, format!("`after`: there is no session `{}`", cut(after))));
            }
        },
    };
    let fits = |kept: &&Filed| {
        wanted.is_empty()
            || [&kept.about.title, &kept.about.workspace, &kept.about.model]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
    };
    let stands = |shown: &SessionView| search.state.is_none_or(|state| shown.state == state);
    let mut fitting = kept[from..].iter().filter(fits).map(|kept| view(&server.hall, kept)).filter(stands);
    let sessions: Vec<SessionView> = fitting.by_ref().take(limit).collect();
    let next = fitting.next().and(sessions.last().map(|last| last.id.clone()));
    Ok(Json(SessionPage { sessions, next }))
}

/// Begins a session.
pub async fn begin(
    State(server): State<Server>,
    visitor: Driver,
    answers: Result<Answerer, Unwelcome>,
    Given(wanted): Given<NewSession>,
) -> Result<Response, Problem> {
    let mode = wanted.mode.as_deref().map(mode).transpose()?;
    if mode.is_some() {
        answers?;
    }
    let title = wanted.title.map(title).transpose()?;
    if wanted.prompt.as_deref().is_some_and(|prompt| prompt.trim().is_empty()) {
        return Err(Problem::new(Code::Refused, "`prompt` is empty; leave it out, or say something"));
    }
    let new = Beginning {
        owner: visitor.owner.clone(),
        workspace: wanted.workspace.map(PathBuf::from),
        mode,
        model: wanted.model,
        title,
        attendance: attendance(wanted.attendance),
    };
    let open = server.hall.start(Which::New(new), &visitor.owner).await?;
    if let Some(prompt) = wanted.prompt {
        open.tell(prompt, crate::hall::Delivery::Steer).await.map_err(|why| Problem::new(Code::Refused, why))?;
    }
    created(&server.hall, &open).await
}

/// Begins a session with what was said in another.
pub async fn fork(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
    Given(fork): Given<NewFork>,
) -> Result<Response, Problem> {
    let kept = server.hall.find(&visitor.owner, &named(&id)?).await?;
    let said = fork.before.map_or(usize::MAX, |before| usize::try_from(before).unwrap_or(usize::MAX));
    let which = Which::Fork { of: kept.row.id, said, owner: visitor.owner.clone() };
    let open = server.hall.start(which, &visitor.owner).await?;
    created(&server.hall, &open).await
}

async fn created(hall: &Hall, open: &Arc<Open>) -> Result<Response, Problem> {
    let kept = hall.find(open.owner(), open.id()).await?;
    let mut response = (StatusCode::CREATED, Json(view(hall, &kept))).into_response();
    let place = HeaderValue::from_str(&format!("/v1/sessions/{}", open.id()));
    response.headers_mut().extend(place.ok().map(|place| (header::LOCATION, place)));
    Ok(response)
}

/// Shows one session.
pub async fn show(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Json<SessionView>, Problem> {
    whole(&server.hall, &visitor.owner, &id).await.map(Json)
}

/// Gives it another title, or another model.
pub async fn change(
    State(server): State<Server>,
    visitor: Driver,
    answers: Result<Answerer, Unwelcome>,
    GivenPath(id): GivenPath<String>,
    Given(patch): Given<SessionPatch>,
) -> Result<Json<SessionView>, Problem> {
    let title = patch.title.map(title).transpose()?;
    let model = patch.model.map(|model| answers.map(|answers| (model, answers))).transpose()?;
    let open = opened(&server.hall, &visitor, &id).await?;
    if let Some((model, answers)) = model {
        standing(open.carry(Some(&answers.person()), ControlRequest::UseModel { model }).await)?;
    }
    if let Some(title) = title {
        standing(open.carry(None, ControlRequest::Rename { title }).await)?;
    }
    whole(&server.hall, &visitor.owner, &id).await.map(Json)
}

/// Deletes it with its whole record.
pub async fn delete(
    State(server): State<Server>,
    visitor: Driver,
    GivenPath(id): GivenPath<String>,
) -> Result<StatusCode, Problem> {
    server.hall.delete(&visitor.owner, &named(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes its record, one JSON object a line, as `remit export` does.
pub async fn export(
    State(server): State<Server>,
    visitor: Reader,
    GivenPath(id): GivenPath<String>,
) -> Result<Response, Problem> {
    let kept = server.hall.find(&visitor.owner, &named(&id)?).await?;
    let text = server.hall.house().export(&kept.row.id).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from(text)).into_response())
}

/// Takes a title that fits into a line.
fn title(text: String) -> Result<String, Problem> {
    let letters = text.chars().count();
    if text.trim().is_empty() || letters > LONGEST_TITLE || text.chars().any(char::is_control) {
        let why = format!("`title` is one line of at most {LONGEST_TITLE} letters, and not empty");
        return Err(Problem::new(Code::Refused, why));
    }
    Ok(text)
}

/// Reads a mode as a person writes it.
pub(super) fn mode(text: &str) -> Result<ModeChoice, Problem> {
    text.parse().map_err(|why| Problem::new(Code::Refused, format!("{why}")))
}

pub(super) fn attendance(who: Option<WhoIsThere>) -> Attendance {
    match who {
        Some(WhoIsThere::Unattended) => Attendance::Unattended,
        Some(WhoIsThere::Attended) | None => Attendance::Attended,
    }
}

/// A session with its mode, which of one that is not open stands in its record.
async fn whole(hall: &Hall, owner: &Owner, id: &str) -> Result<SessionView, Problem> {
    let kept = hall.find(owner, &named(id)?).await?;
    let mut shown = view(hall, &kept);
    if shown.mode.is_none() {
        let records = record::all(hall.journal(), &kept.row.id).await;
        let records = records.map_err(|why| Problem::new(Code::Failed, why.to_string()))?;
        let standing = engine::bill::of_record(&records).map_err(|why| Problem::new(Code::Failed, why.to_string()))?;
        let standing = super::standing(standing)?;
        (shown.mode, shown.chip) = (Some(standing.mode), Some(standing.chip));
    }
    Ok(shown)
}

/// A session as it is shown.
pub(super) fn view(hall: &Hall, kept: &Filed) -> SessionView {
    let row = &kept.row;
    let mut shown = SessionView {
        id: row.id.to_string(),
        title: kept.about.title.clone(),
        workspace: kept.about.workspace.clone(),
        model: kept.about.model.clone(),
        state: SessionDoing::Stored,
        reason: None,
        mode: None,
        chip: None,
        questions: 0,
        queued: Vec::new(),
        created_at_ms: row.created_at_ms,
        updated_at_ms: row.updated_at_ms,
    };
    match (hall.seated(&row.id), hall.parked(&row.id)) {
        (Some(open), _) => {
            let glance = open.glance();
            shown.state = match glance.state() {
                SessionState::Working => SessionDoing::Working,
                SessionState::Asks => SessionDoing::Asks,
                SessionState::Idle => SessionDoing::Idle,
            };
            shown.questions = glance.questions.len();
            shown.queued = open.queued();
            shown.model = glance.model;
            (shown.mode, shown.chip) = (Some(glance.mode), Some(glance.chip));
        }
        (None, Some(why)) => (shown.state, shown.reason) = (SessionDoing::Parked, Some(why)),
        (None, None) => {}
    }
    shown
}
