//! What the forms of the pages do: each is one request to a session, from whoever may make it.
//!
//! Not here: what a request comes to (the session decides). A browser with a script is answered in a word and stays where it is;
//! one without goes back to the page.

use crate::api::asked;
use crate::hall::Delivery;
use crate::house::{Beginning, Which};
use crate::page::doors::{list_page, opened, takes};
use crate::page::form::AskedFields as Fields;
use crate::page::frame::Who;
use crate::page::sessions::{BeginForm, sessions_page};
use crate::people::{Answerer, Driver, Visitor};
use crate::problem::{Code, Problem};
use crate::server::Server;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use policy::{Attendance, ModeChoice};
use serde::Deserialize;
use std::path::PathBuf;
use wire::{ControlReply, ControlRequest, Event, Permission};

/// Goes back to the session, or says that it is done.
fn done(headers: &HeaderMap, id: &str) -> Response {
    match takes(headers, "text/html") {
        true => Redirect::to(&format!("/s/{id}")).into_response(),
        false => StatusCode::NO_CONTENT.into_response(),
    }
}

/// That the session did as it was told, or why not.
fn carried(reply: ControlReply) -> Result<(), Problem> {
    match reply {
        ControlReply::Refused { why } => Err(Problem::new(Code::Refused, why)),
        _as_told => Ok(()),
    }
}

/// A text as it was typed: a form sends each end of a line as two letters.
fn typed(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn refused(why: impl Into<String>) -> Problem {
    Problem::new(Code::Refused, why)
}

/// What is said.
#[derive(Debug, Deserialize)]
pub struct Words {
    text: String,
}

/// Says something: at once when the session waits, else with its next request.
pub async fn say(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(words): Form<Words>,
) -> Result<Response, Problem> {
    if words.text.trim().is_empty() {
        return Err(refused("there is nothing to send"));
    }
    let open = opened(&server, &visitor, &id).await?;
    open.tell(typed(&words.text), Delivery::Steer).await.map_err(refused)?;
    Ok(done(&headers, &id))
}

/// Stops what runs.
pub async fn stop(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ask(&server, &visitor, (&id, &headers), ControlRequest::Stop).await
}

/// Lets the model go on where it stopped.
pub async fn go_on(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    ask(&server, &visitor, (&id, &headers), ControlRequest::GoOn).await
}

/// Another title.
#[derive(Debug, Deserialize)]
pub struct Title {
    title: String,
}

/// Gives the session another title.
pub async fn rename(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(Title { title }): Form<Title>,
) -> Result<Response, Problem> {
    ask(&server, &visitor, (&id, &headers), ControlRequest::Rename { title }).await
}

async fn ask(
    server: &Server,
    visitor: &Visitor,
    (id, headers): (&str, &HeaderMap),
    request: ControlRequest,
) -> Result<Response, Problem> {
    let open = opened(server, visitor, id).await?;
    carried(open.carry(None, request).await)?;
    Ok(done(headers, id))
}

/// Another mode, with the cap as it was typed where there is a field for it.
#[derive(Debug, Deserialize)]
pub struct Mode {
    mode: String,
    cap: Option<String>,
}

impl Mode {
    /// The mode as text. An empty cap stays one, so that it is refused and not taken for another.
    fn text(&self) -> String {
        match (self.mode.as_str(), &self.cap) {
            ("yolo", Some(cap)) => format!("yolo:{}", cap.trim()),
            (mode, _) => mode.to_owned(),
        }
    }
}

/// Sets the mode.
pub async fn mode(
    State(server): State<Server>,
    answerer: Answerer,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(mode): Form<Mode>,
) -> Result<Response, Problem> {
    let open = opened(&server, answerer.visitor(), &id).await?;
    let request = ControlRequest::SetMode { mode: mode.text() };
    carried(open.carry(Some(&answerer.person()), request).await)?;
    Ok(done(&headers, &id))
}

/// What a form sends, with each name as often as it was sent.
type Sent = Vec<(String, String)>;

fn sent<'a>(fields: &'a Sent, name: &'a str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// Answers questions for permission: those that are named, all alike.
pub async fn answer(
    State(server): State<Server>,
    answerer: Answerer,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(fields): Form<Sent>,
) -> Result<Response, Problem> {
    let open = opened(&server, answerer.visitor(), &id).await?;
    let answer = match sent(&fields, "answer").next() {
        Some("once") => Permission::Once,
        Some("session") => Permission::Session,
        Some("no") => Permission::No,
        _ => return Err(refused("an answer is `once`, `session` or `no`")),
    };
    let edited = sent(&fields, "edited").next().map(typed);
    let words = sent(&fields, "words").next().map(typed).filter(|words| !words.trim().is_empty());
    let calls: Vec<&str> = sent(&fields, "call").collect();
    if calls.is_empty() || (calls.len() > 1 && edited.is_some()) {
        return Err(refused("an answer is about a call"));
    }
    let glance = open.glance();
    for call in calls {
        let Event::Question { why: Some(_), .. } = &*asked(&glance, call)? else {
            return Err(refused("this is no question for permission"));
        };
        let (edited, words, call) = (edited.clone(), words.clone(), call.to_owned());
        let request = ControlRequest::Answer { call, answer, edited, words };
        carried(open.carry(Some(&answerer.person()), request).await)?;
    }
    Ok(done(&headers, &id))
}

/// Answers a question of the model's own, or of an MCP server: in words, or with the fields of a form.
pub async fn respond(
    State(server): State<Server>,
    answerer: Answerer,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(fields): Form<Sent>,
) -> Result<Response, Problem> {
    let open = opened(&server, answerer.visitor(), &id).await?;
    let call = sent(&fields, "call").next().ok_or_else(|| refused("an answer is about a call"))?.to_owned();
    let asked = asked(&open.glance(), &call)?;
    let Event::Question { shown, why: None, .. } = &*asked else {
        return Err(refused("this asks for permission"));
    };
    let text = match (sent(&fields, "text").next(), Fields::of(shown)) {
        (Some(text), _) => typed(text),
        (None, Some(form)) => form.answer(&fields).map_err(refused)?,
        (None, None) => return Err(refused("there is no answer in it")),
    };
    carried(open.carry(Some(&answerer.person()), ControlRequest::Respond { call, text }).await)?;
    Ok(done(&headers, &id))
}

/// From where a fork goes on.
#[derive(Debug, Deserialize)]
pub struct Said {
    said: usize,
}

/// Begins a session with what was said before one of the person's messages.
pub async fn fork(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
    Form(Said { said }): Form<Said>,
) -> Result<Response, Problem> {
    let of = opened(&server, &visitor, &id).await?.id().clone();
    let which = Which::Fork { of, said, owner: visitor.owner.clone() };
    let open = server.hall.start(which, &visitor.owner).await?;
    Ok(Redirect::to(&format!("/s/{}", open.id())).into_response())
}

/// Deletes a session with its record.
pub async fn delete(
    State(server): State<Server>,
    visitor: Driver,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::new(Code::NotFound, "there is no such session"))?;
    server.hall.delete(&visitor.owner, &id).await?;
    Ok(Redirect::to("/").into_response())
}

/// Begins a session. What was filled in stays when that fails.
pub async fn begin(
    State(server): State<Server>,
    visitor: Driver,
    answers: Option<Answerer>,
    Form(wanted): Form<BeginForm>,
) -> Result<Response, Problem> {
    match begun(&server, &visitor, answers.as_ref(), &wanted).await {
        Ok(id) => Ok(Redirect::to(&format!("/s/{id}")).into_response()),
        Err(problem) => {
            let status = problem.code.status();
            let page = list_page(&server, &visitor, ("", None), Some((problem.detail, wanted))).await?;
            let who = visitor.owner.name().map_or(Who::Local, |name| Who::Person(name.to_owned()));
            Ok((status, Html(sessions_page(&page).draw(&who).into_string())).into_response())
        }
    }
}

async fn begun(
    server: &Server,
    visitor: &Visitor,
    answers: Option<&Answerer>,
    wanted: &BeginForm,
) -> Result<String, Problem> {
    let mode: ModeChoice = wanted.mode_text().parse().map_err(|why| refused(format!("{why}")))?;
    // What a session is in when nobody picks a mode, whoever may speak to it may begin it in.
    let mode = Some(mode).filter(|mode| *mode != ModeChoice::DEFAULT);
    if mode.is_some() && answers.is_none() {
        return Err(Problem::new(Code::ScopeMissing, "only somebody who may answer picks a mode; begin it in Agent"));
    }
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let new = Beginning {
        owner: visitor.owner.clone(),
        workspace: some(&wanted.workspace).map(PathBuf::from),
        mode,
        model: some(&wanted.model),
        title: None,
        attendance: Attendance::Attended,
    };
    let open = server.hall.start(Which::New(new), &visitor.owner).await?;
    if !wanted.text.trim().is_empty() {
        open.tell(typed(&wanted.text), Delivery::Steer).await.map_err(refused)?;
    }
    Ok(open.id().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_that_was_not_typed_is_no_other_cap() {
        let text = |mode: &str, cap: Option<&str>| Mode { mode: mode.to_owned(), cap: cap.map(str::to_owned) }.text();
        assert_eq!(text("yolo", Some(" 2.50 ")), "yolo:2.50");
        assert_eq!(text("yolo", Some("")), "yolo:");
        assert!("yolo:".parse::<ModeChoice>().is_err());
        assert_eq!(text("yolo", None), "yolo");
        assert_eq!(text("yolo:uncapped", Some("5")), "yolo:uncapped");
    }
}
