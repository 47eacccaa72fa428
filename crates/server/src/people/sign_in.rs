//! Signing in and out: by a link that works once, with a token, or through a provider.
//!
//! Not here: who is let in (that is `register`), or what a provider says (that is `oidc`).
//!
//! A browser that follows a link from elsewhere sends no `SameSite=Strict` cookie with the request, nor with those that it is
//! redirected to. So signing in ends with a page of this server, which goes on by itself.

use super::attempts::Pace;
use super::credential::Credential;
use super::door::{Door, From, Visit, Who, cookie_name};
use super::register::{PeopleError, SIGNED_IN_MS};
use super::seen::{Scheme, Seen};
use super::unwelcome::Unwelcome;
use super::{oidc, page};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use host::authority::Peer;
use serde::Deserialize;

/// Where one signs in.
pub const SIGN_IN: &str = "/sign-in";
/// Where one signs out.
pub const SIGN_OUT: &str = "/sign-out";
/// The largest form.
const LARGEST_FORM: usize = 4_096;

/// What a link or a form for signing in holds.
#[derive(Deserialize)]
struct Shown {
    token: Option<String>,
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>(door: Door) -> Router<S> {
    Router::new()
        .route(SIGN_IN, get(by_link).post(with_token))
        .route(SIGN_OUT, post(out))
        .merge(oidc::routes())
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(door)
}

/// The way to a link that signs the person of this account in once.
pub fn link(token: &Credential) -> Credential {
    Credential::of(format!("{SIGN_IN}?token={}", token.reveal()))
}

async fn by_link(State(door): State<Door>, visit: Visit, method: Method, Query(shown): Query<Shown>) -> Response {
    let is_in = matches!(visit.who, Who::Somebody(_));
    let Some(token) = shown.token else {
        return if is_in { page::go_on() } else { page::sign_in(door.provider(), None) };
    };
    // A program that only looks at links must not use one up.
    if method == Method::HEAD {
        return page::sign_in(door.provider(), None);
    }
    if let Err(refusal) = is_a_person(&visit).await {
        return refusal.into_response();
    }
    match door.people().use_one_time(&token) {
        Some(guest) => enter(&door, &visit, move |people| people.sign_in(guest).map(Some)).await,
        // The browser has gone back to a page that it had been through.
        None if is_in => page::go_on(),
        None => failed(&door, &visit, page::Trouble::UsedLink),
    }
}

async fn with_token(State(door): State<Door>, visit: Visit, Form(shown): Form<Shown>) -> Response {
    // Another site could sign a browser in as somebody else, and read what is written there.
    if visit.from != From::OwnPage {
        return Unwelcome::CrossSite.into_response();
    }
    if let Err(refusal) = is_a_person(&visit).await {
        return refusal.into_response();
    }
    let token = Credential::of(shown.token.unwrap_or_default().trim());
    enter(&door, &visit, move |people| people.sign_in_with_token(token.reveal())).await
}

async fn out(State(door): State<Door>, visit: Visit) -> Response {
    if let Who::Somebody(visitor) = visit.who {
        let people = door.people().clone();
        let done = tokio::task::spawn_blocking(move || people.sign_out(&visitor)).await;
        if !matches!(done, Ok(Ok(()))) {
            return page::trouble(&page::Trouble::NotWritten);
        }
    }
    let mut response = Redirect::to(SIGN_IN).into_response();
    set_cookie(&mut response, &visit.seen, (cookie_name(visit.seen.scheme), ""), ("Strict", 0));
    response
}

/// Signing in makes a credential that answers for a person, so a program that a run started may not.
pub(super) async fn is_a_person(visit: &Visit) -> Result<(), Unwelcome> {
    match visit.peer().await {
        Peer::Person => Ok(()),
        Peer::Child => Err(Unwelcome::BelowRun),
    }
}

/// Has a browser signed in, and sends it on.
pub(super) async fn enter(
    door: &Door,
    visit: &Visit,
    sign_in: impl FnOnce(&super::People) -> Result<Option<Credential>, PeopleError> + Send + 'static,
) -> Response {
    let people = door.people().clone();
    match tokio::task::spawn_blocking(move || sign_in(&people)).await {
        Ok(Ok(Some(cookie))) => {
            let mut response = page::go_on();
            let name = cookie_name(visit.seen.scheme);
            set_cookie(&mut response, &visit.seen, (name, cookie.reveal()), ("Strict", SIGNED_IN_MS / 1_000));
            response
        }
        Ok(Ok(None) | Err(PeopleError::NoToken(_))) => failed(door, visit, page::Trouble::BadToken),
        Ok(Err(_)) | Err(_) => page::trouble(&page::Trouble::NotWritten),
    }
}

fn failed(door: &Door, visit: &Visit, trouble: page::Trouble) -> Response {
    match door.failed(visit.address) {
        Pace::Free => page::sign_in(door.provider(), Some(&trouble)),
        Pace::Wait(seconds) => Unwelcome::TooManyFailures(seconds).into_response(),
    }
}

/// Has a browser keep something; `Strict` or `Lax` says with which requests it comes back.
pub(super) fn set_cookie(
    response: &mut Response,
    seen: &Seen,
    (name, value): (&str, &str),
    (same_site, seconds): (&str, i64),
) {
    let secure = match seen.scheme {
        Scheme::Http => "",
        Scheme::Https => "; Secure",
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).expect("a cookie is plain letters");
    value.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, value);
}
