//! The few pages of signing in: plain, without script or style, so that they work whatever else does.
//!
//! Not here: the pages of sessions.

use super::oidc::{self, OidcError};
use super::sign_in::SIGN_IN;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

/// Why somebody is not signed in.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The link has been used, or is too old.
    UsedLink,
    /// The token is none.
    BadToken,
    /// The disk is full, or its like.
    NotWritten,
    /// Whoever comes back from a provider did not go there, or long ago, or in another browser.
    Lost,
    /// The provider, or what it said.
    Provider(OidcError),
}

impl Trouble {
    /// In words for them.
    fn words(&self) -> String {
        match self {
            Trouble::UsedLink => {
                "This link has been used before, or is older than 15 minutes. `remit serve --url` prints a new one."
                    .into()
            }
            Trouble::BadToken => "This token is unknown, revoked or has expired.".into(),
            Trouble::NotWritten => "The server could not write down who is signed in; its disk may be full.".into(),
            Trouble::Lost => "This was begun too long ago, or in another browser. Begin again.".into(),
            Trouble::Provider(why) => format!("Signing in did not work: {why}."),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Trouble::UsedLink | Trouble::BadToken => StatusCode::UNAUTHORIZED,
            Trouble::NotWritten => StatusCode::SERVICE_UNAVAILABLE,
            Trouble::Lost => StatusCode::BAD_REQUEST,
            Trouble::Provider(OidcError::NotAllowed | OidcError::Refused) => StatusCode::FORBIDDEN,
            Trouble::Provider(_) => StatusCode::BAD_GATEWAY,
        }
    }
}

fn whole(title: &str, refresh: Option<&str>, inside: Markup) -> Html<String> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without it the form would be sent as if from nowhere, and be taken for another site's.
                meta name="referrer" content="same-origin";
                @if let Some(to) = refresh {
                    meta http-equiv="refresh" content={ "0;url=" (to) };
                }
                title { (title) " - Remit" }
            }
            body { main { h1 { (title) } (inside) } }
        }
    };
    Html(markup.into_string())
}

/// A page that goes on to the first page of all.
pub(super) fn go_on() -> Response {
    whole("Signed in", Some("/"), html! { p { a href="/" { "Go on" } } }).into_response()
}

/// The page on which one signs in, with what is in the way of it.
pub(super) fn sign_in(provider: Option<&oidc::Issuer>, trouble: Option<&Trouble>) -> Response {
    let inside = html! {
        @if let Some(trouble) = trouble {
            p role="alert" { (trouble.words()) }
        }
        @if let Some(provider) = provider {
            p { a href=(oidc::BEGIN) { "Sign in with " (provider.name()) } }
        }
        form method="post" action=(SIGN_IN) {
            p {
                label for="token" { "Token" } " "
                input id="token" name="token" type="password" autocomplete="off" required;
                " " button { "Sign in" }
            }
        }
        p { "On the machine of the server, " code { "remit serve --url" } " prints a link that signs you in." }
    };
    (trouble.map_or(StatusCode::OK, Trouble::status), whole("Sign in", None, inside)).into_response()
}

/// A page that says why it does not go on.
pub(super) fn trouble(trouble: &Trouble) -> Response {
    let inside = html! { p role="alert" { (trouble.words()) } p { a href=(SIGN_IN) { "Sign in" } } };
    (trouble.status(), whole("Not signed in", None, inside)).into_response()
}
