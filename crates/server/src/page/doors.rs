//! The addresses of the pages, and what each of them shows.
//!
//! Not here: what forms do (that is `posts`), or how anything is drawn.

use crate::hall::{Filed, Open, SessionState};
use crate::page::contract::{contract_page, contract_rows, default_cap};
use crate::page::conversation::Conversation;
use crate::page::frame::{Frame, Who};
use crate::page::live::fragments;
use crate::page::session::{OpenPage, call_page, yolo_page};
use crate::page::sessions::{BeginForm, RowState, SessionLink, SessionsPage, sessions_page};
use crate::page::spend::{entries_of, spend_page};
use crate::page::trouble::trouble_page;
use crate::page::{assets, posts, when};
use crate::people::{People, Reader, SIGN_IN, Visitor};
use crate::problem::{Code, MEDIA_TYPE, Problem};
use crate::scroll::EventId;
use crate::server::Server;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use wire::{ControlReply, ControlRequest, Spend};

/// How many sessions are listed at once.
const LISTED: usize = 50;
/// How many folders and models are offered for a new session.
const OFFERED: usize = 20;
/// How many files are offered at once.
const MOST_FILES: usize = 12;
/// How often a stream with nothing to say says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The most that a problem says, in bytes.
const MOST_PROBLEM: usize = 64 * 1024;

/// All pages.
pub fn router() -> Router<Server> {
    Router::new()
        .route("/", get(list))
        .route("/contract", get(contract))
        .route("/sessions", post(posts::begin))
        .route("/s/{id}", get(session))
        .route("/s/{id}/live", get(live))
        .route("/s/{id}/files", get(files))
        .route("/s/{id}/call/{key}", get(call))
        .route("/s/{id}/yolo", get(yolo))
        .route("/s/{id}/spend", get(spend))
        .route("/s/{id}/say", post(posts::say))
        .route("/s/{id}/stop", post(posts::stop))
        .route("/s/{id}/go-on", post(posts::go_on))
        .route("/s/{id}/mode", post(posts::mode))
        .route("/s/{id}/answer", post(posts::answer))
        .route("/s/{id}/respond", post(posts::respond))
        .route("/s/{id}/rename", post(posts::rename))
        .route("/s/{id}/fork", post(posts::fork))
        .route("/s/{id}/delete", post(posts::delete))
        .layer(from_fn(for_people))
        .route("/assets/{name}", get(asset))
}

/// Shows a person what went wrong as a page, and those who are not signed in where they can.
async fn for_people(request: Request, next: Next) -> Response {
    let takes_pages = takes(request.headers(), "text/html");
    let only_looks = request.method() == Method::GET;
    let response = next.run(request).await;
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA_TYPE);
    if !takes_pages || !is_problem {
        return response;
    }
    if response.status() == StatusCode::UNAUTHORIZED && only_looks {
        return Redirect::to(SIGN_IN).into_response();
    }
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), MOST_PROBLEM).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let page = trouble_page(&said("title"), &said("detail")).draw(&Who::Local);
    (status, Html(page.into_string())).into_response()
}

/// Whether a request takes an answer of this kind.
pub fn takes(headers: &HeaderMap, kind: &str) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains(kind))
}

async fn asset(Path(name): Path<String>) -> Response {
    match assets::asset(&name) {
        // Its address changes with it.
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.text).into_response()
        }
        None => Problem::new(Code::NotFound, "there is no such file").into_response(),
    }
}

/// Whose page it is.
fn who(visitor: &Visitor) -> Who {
    visitor.owner.name().map_or(Who::Local, |name| Who::Person(name.to_owned()))
}

fn draw(frame: &Frame, visitor: &Visitor) -> Html<String> {
    Html(frame.draw(&who(visitor)).into_string())
}

/// A session that is open, for whom it belongs to.
pub async fn opened(server: &Server, visitor: &Visitor, id: &str) -> Result<Arc<Open>, Problem> {
    let id = id.parse().map_err(|_| Problem::new(Code::NotFound, "there is no such session"))?;
    Ok(server.hall.open(&visitor.owner, &id).await?)
}

/// A session as it is up to now, and the last event of it.
fn heard(open: &Open, upto: u64) -> (Conversation, EventId) {
    let (scroll, mut of, mut last) = (open.scroll(), Conversation::default(), 0);
    for told in scroll.read(0, usize::MAX).into_iter().take_while(|told| told.number <= upto) {
        of.hear(told.number, &told.event);
        last = told.number;
    }
    (of, scroll.id(last))
}

async fn session(
    State(server): State<Server>,
    visitor: Reader,
    Path(id): Path<String>,
) -> Result<Html<String>, Problem> {
    let open = opened(&server, &visitor, &id).await?;
    let (of, after) = heard(&open, u64::MAX);
    let contract = contract_rows(&server.hall.house().contract()?);
    let page = OpenPage { of: &of, after: &after.to_string(), contract: &contract };
    Ok(Html(page.draw(&who(&visitor)).into_string()))
}

/// After which event a page was drawn.
#[derive(Debug, Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

/// Tells an open page what happens, as fragments of it, one message an event.
async fn live(
    State(server): State<Server>,
    Extension(people): Extension<Arc<People>>,
    visitor: Reader,
    (Path(id), Query(After { after })): (Path<String>, Query<After>),
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).unwrap_or(&after);
    let place = server.streams.enter(&visitor)?;
    let open = opened(&server, &visitor, &id).await?;
    let after = open.scroll().after(seen.parse().ok());
    let contract = contract_rows(&server.hall.house().contract()?);
    let (mut of, _) = heard(&open, after);
    let told = crate::api::told(open, after, place).take_until(server.leaving.clone().cancelled_owned());
    let visitor = visitor.into_visitor();
    let told = told.take_until(async move { people.gone(&visitor).await });
    let sent = told.map(move |(id, told)| {
        let changes = of.hear(told.number, &told.event);
        let fragments = fragments(&of, &changes, &contract);
        let text = serde_json::to_string(&fragments).expect("fragments are texts");
        Ok::<_, Infallible>(Sent::default().id(id.to_string()).data(text))
    });
    Ok(Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

async fn call(
    State(server): State<Server>,
    visitor: Reader,
    Path((id, key)): Path<(String, String)>,
) -> Result<Html<String>, Problem> {
    let open = opened(&server, &visitor, &id).await?;
    let (of, _) = heard(&open, u64::MAX);
    let page = call_page(&of, &key).ok_or_else(|| Problem::new(Code::NotFound, "there is no such call"))?;
    Ok(draw(&page, &visitor))
}

async fn yolo(State(server): State<Server>, visitor: Reader, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let open = opened(&server, &visitor, &id).await?;
    let (of, _) = heard(&open, u64::MAX);
    let spend = match open.carry(None, ControlRequest::Status).await {
        ControlReply::Status { spend, .. } => Some(spend),
        _it_ends => of.spend.clone(),
    };
    let cap = default_cap(&server.hall.house().contract()?);
    Ok(draw(&yolo_page(&of, spend.as_ref(), &cap), &visitor))
}

async fn spend(State(server): State<Server>, visitor: Reader, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let open = opened(&server, &visitor, &id).await?;
    let (of, _) = heard(&open, u64::MAX);
    let told = server.hall.house().spend(open.id()).await?;
    let sums: Spend = told.get("spend").cloned().and_then(|sums| serde_json::from_value(sums).ok()).unwrap_or_default();
    Ok(draw(&spend_page(&of, &sums, &entries_of(&told)), &visitor))
}

async fn contract(State(server): State<Server>, visitor: Reader) -> Result<Html<String>, Problem> {
    Ok(draw(&contract_page(&contract_rows(&server.hall.house().contract()?)), &visitor))
}

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
    after: Option<String>,
}

async fn files(
    State(server): State<Server>,
    visitor: Reader,
    Path(id): Path<String>,
    Query(Search { q, .. }): Query<Search>,
) -> Result<Json<Vec<String>>, Problem> {
    let open = opened(&server, &visitor, &id).await?;
    let workspace = open.glance().workspace;
    let all = server.hall.house().files(workspace.as_ref()).await?;
    Ok(Json(nearest(all, &q)))
}

/// The files that a word may mean: those that begin with it first, then those that have it anywhere.
fn nearest(files: Vec<String>, word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let rank = |file: &String| {
        let path = file.to_lowercase();
        let name = path.rsplit('/').next().unwrap_or_default();
        match (name.starts_with(&word), path.starts_with(&word), path.contains(&word)) {
            (true, _, _) => Some(0),
            (_, true, _) => Some(1),
            (_, _, true) => Some(2),
            _ => None,
        }
    };
    let mut near: Vec<(u8, usize, String)> =
        files.into_iter().filter_map(|file| Some((rank(&file)?, file.len(), file))).collect();
    near.sort();
    near.into_iter().take(MOST_FILES).map(|(_, _, file)| file).collect()
}

async fn list(
    State(server): State<Server>,
    visitor: Reader,
    Query(search): Query<Search>,
) -> Result<Html<String>, Problem> {
    let page = list_page(&server, &visitor, (&search.q, search.after.as_deref()), None).await?;
    Ok(draw(&sessions_page(&page), &visitor))
}

/// What the list of a person's sessions is drawn from.
pub async fn list_page(
    server: &Server,
    visitor: &Visitor,
    (query, after): (&str, Option<&str>),
    trouble: Option<(String, BeginForm)>,
) -> Result<SessionsPage, Problem> {
    let filed = server.hall.kept(&visitor.owner).await?;
    let wanted = query.to_lowercase();
    let has = |text: &String| text.to_lowercase().contains(&wanted);
    let from = after.and_then(|after| filed.iter().position(|one| one.row.id.as_str() == after)).map_or(0, |at| at + 1);
    let mut fitting =
        filed[from..].iter().filter(|one| has(&one.about.title) || has(&one.about.workspace) || has(&one.about.model));
    let now = when::now_ms();
    let rows: Vec<SessionLink> = fitting.by_ref().take(LISTED).map(|one| row(server, one, now)).collect();
    let next = fitting.next().and(rows.last().map(|last| last.id.clone()));
    let house = server.hall.house();
    Ok(SessionsPage {
        rows,
        query: query.to_owned(),
        next,
        // Where the house has the first words, it has the folder too.
        workspaces: match house.offered() {
            Some(_) => Vec::new(),
            None => few(filed.iter().map(|one| one.about.workspace.clone())),
        },
        models: few(filed.iter().map(|one| one.about.model.clone())),
        default_cap: default_cap(&house.contract()?),
        offered: house.offered().unwrap_or_default(),
        trouble,
    })
}

/// The first of many that differ.
fn few(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut few: Vec<String> = Vec::new();
    for one in all {
        if few.len() < OFFERED && !few.contains(&one) {
            few.push(one);
        }
    }
    few
}

fn row(server: &Server, filed: &Filed, now_ms: i64) -> SessionLink {
    let id = &filed.row.id;
    let glance = server.hall.seated(id).map(|open| open.glance());
    let state = match (&glance, server.hall.parked(id)) {
        (Some(glance), _) => match glance.state() {
            SessionState::Asks => RowState::Asks(glance.questions.len()),
            SessionState::Working => RowState::Works,
            SessionState::Idle => RowState::Done,
        },
        (None, Some(_)) => RowState::Parked,
        (None, None) => RowState::Done,
    };
    SessionLink {
        id: id.to_string(),
        title: filed.about.title.clone(),
        workspace: filed.about.workspace.clone(),
        model: glance.as_ref().map_or(&filed.about.model, |glance| &glance.model).clone(),
        chip: glance.map(|glance| glance.chip).unwrap_or_default(),
        state,
        when: when::ago(filed.row.updated_at_ms, now_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name_first() {
        let files = ["docs/parse.md", "src/parse.rs", "src/lib.rs", "parse/x.rs"].map(str::to_owned).to_vec();
        assert_eq!(nearest(files.clone(), "PARSE"), ["src/parse.rs", "docs/parse.md", "parse/x.rs"]);
        assert_eq!(nearest(files, "lib"), ["src/lib.rs"]);
    }
}
