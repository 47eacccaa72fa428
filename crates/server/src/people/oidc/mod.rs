//! Signing in by the word of a provider: OpenID Connect, the authorization code flow with PKCE.
//!
//! In reading order: [`allow`] says whom a word lets in; [`claims`] what a word must be to count; [`speak`] how a provider is
//! asked; here is the way of a browser through it.
//!
//! Not here: what a sign-in is worth (that is `register`).

mod allow;
mod claims;
mod speak;
#[cfg(test)]
mod tests;

pub use allow::BadRule;
pub use speak::OidcError;

use self::allow::Allowed;
use self::claims::{Expected, Word};
use self::speak::{Exchange, Speaking};
use super::clock::MINUTE_MS;
use super::credential::{Credential, Fingerprint};
use super::door::{Door, Visit, cookies};
use super::page::{self, Trouble};
use super::register::Guest;
use super::seen::{Scheme, Seen};
use super::sign_in::{enter, is_a_person, set_cookie};
use super::who::{Owner, Scopes};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Where signing in through a provider begins.
pub const BEGIN: &str = "/sign-in/oidc";
/// Where a provider sends a browser back to; it has to know the whole address beforehand.
pub const BACK: &str = "/sign-in/oidc/back";
/// How long somebody may take at the provider.
const LASTS_MS: i64 = 10 * MINUTE_MS;
/// How many are at the provider at once; the one who went first is forgotten.
const AWAY: usize = 1_000;

/// What is configured of a provider.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// What it is called on the page; its address when absent.
    pub name: Option<String>,
    /// Its address, such as `https://huggingface.co`.
    pub issuer: String,
    /// What it knows this server by.
    pub client_id: String,
    /// What it knows this server for sure by; a public client has none.
    pub client_secret: Option<Credential>,
    /// Who may come in: `alice@example.org`, `*@example.org` or `sub:SUBJECT`.
    pub allow: Vec<String>,
    /// What they may do.
    pub scopes: Scopes,
}

/// A provider that vouches for people.
pub struct Issuer {
    name: String,
    scopes: Scopes,
    allowed: Allowed,
    speaking: Speaking,
    away: Mutex<Vec<Away>>,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Somebody who is at the provider, known by the cookie that their browser was given.
struct Away {
    browser: Fingerprint,
    state: Credential,
    nonce: Credential,
    verifier: Credential,
    back: String,
    since_ms: i64,
}

impl Issuer {
    /// A provider, as it is configured. It is not asked anything before somebody wants to sign in.
    pub fn new(configured: Oidc) -> Result<Issuer, OidcError> {
        let allowed = Allowed::of(&configured.allow)?;
        let speaking = Speaking::with(&configured.issuer, configured.client_id, configured.client_secret)?;
        let name = configured.name.unwrap_or(configured.issuer);
        Ok(Issuer { name, scopes: configured.scopes, allowed, speaking, away: Mutex::default() })
    }

    /// What it is called on the page.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Remembers somebody who goes to the provider; gives where they go, and what their browser is to keep.
    async fn send(&self, seen: &Seen, now_ms: i64) -> Result<(String, Credential), OidcError> {
        let fresh = || Credential::fresh("").map_err(OidcError::Random);
        let (browser, state, nonce, verifier) = (fresh()?, fresh()?, fresh()?, fresh()?);
        let back = format!("{}{BACK}", seen.origin());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.reveal().as_bytes()));
        let asked = [
            ("redirect_uri", back.as_str()),
            ("state", state.reveal()),
            ("nonce", nonce.reveal()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let to = self.speaking.authorization(&asked, now_ms).await?;
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.retain(|one| now_ms - one.since_ms < LASTS_MS);
        if away.len() == AWAY {
            away.remove(0);
        }
        let shown = Fingerprint::of(browser.reveal());
        away.push(Away { browser: shown, state, nonce, verifier, back, since_ms: now_ms });
        Ok((to, browser))
    }

    /// Who comes back with a cookie and a state; nobody comes back twice.
    fn meet(&self, browser: &str, state: &str, now_ms: i64) -> Option<Away> {
        let browser = Fingerprint::of(browser);
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let at = away.iter().position(|one| one.browser == browser && now_ms - one.since_ms < LASTS_MS)?;
        let one = away.remove(at);
        (Fingerprint::of(one.state.reveal()) == Fingerprint::of(state)).then_some(one)
    }

    /// Who a code stands for, if they may come in.
    async fn guest(&self, away: Away, returned: &Returned, now_ms: i64) -> Result<Guest, OidcError> {
        self.speaking.check_issuer(returned.iss.as_deref(), now_ms).await?;
        let code = returned.code.as_deref().filter(|_| returned.error.is_none()).ok_or(OidcError::Refused)?;
        let exchange = Exchange { code, verifier: &away.verifier, back: &away.back };
        let tokens = self.speaking.exchange(exchange, now_ms).await?;
        let issuer = self.speaking.issuer(now_ms).await?;
        let expected = Expected {
            issuer: &issuer,
            client: self.speaking.client_id(),
            nonce: &away.nonce,
            since_ms: away.since_ms,
            now_ms,
        };
        let mut word = Word::read(&tokens.id_token, &expected)?;
        // By the standard an e-mail address is told here, and not in the ID token (OpenID Connect Core 1.0, 5.4).
        if word.email.is_none()
            && self.allowed.asks_for_email()
            && let Some(told) = self.speaking.told_of(&tokens.access_token, now_ms).await?
        {
            word.complete(told)?;
        }
        if !self.allowed.lets_in(&word) {
            return Err(OidcError::NotAllowed);
        }
        let owner = Owner::at_provider(&issuer, &word.subject);
        Ok(Guest { owner, scopes: self.scopes, called: word.called() })
    }
}

/// What a provider sends a browser back with.
#[derive(Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

pub(super) fn routes() -> Router<Door> {
    Router::new().route(BEGIN, get(begin)).route(BACK, get(back))
}

/// What the browser's cookie is called while its person is at the provider. It is `Lax`: it has to come along when the
/// provider sends the browser back.
fn away_cookie(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "remit-oidc",
        Scheme::Https => "__Host-remit-oidc",
    }
}

async fn begin(State(door): State<Door>, visit: Visit) -> Response {
    let Some(issuer) = door.provider() else { return StatusCode::NOT_FOUND.into_response() };
    match issuer.send(&visit.seen, door.people().clock.now_ms()).await {
        Ok((to, browser)) => {
            let mut response = Redirect::to(&to).into_response();
            let name = away_cookie(visit.seen.scheme);
            set_cookie(&mut response, &visit.seen, (name, browser.reveal()), ("Lax", LASTS_MS / 1_000));
            response
        }
        Err(why) => page::trouble(&Trouble::Provider(why)),
    }
}

async fn back(
    State(door): State<Door>,
    visit: Visit,
    method: Method,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    let Some(issuer) = door.provider() else { return StatusCode::NOT_FOUND.into_response() };
    // A program that only looks at addresses must not use one up.
    if method == Method::HEAD {
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Err(unwelcome) = is_a_person(&visit).await {
        return unwelcome.into_response();
    }
    let now = door.people().clock.now_ms();
    let name = away_cookie(visit.seen.scheme);
    let state = returned.state.as_deref().unwrap_or_default();
    let mut response = match cookies(&headers, name).find_map(|browser| issuer.meet(browser, state, now)) {
        None => page::trouble(&Trouble::Lost),
        Some(away) => match issuer.guest(away, &returned, now).await {
            Ok(guest) => enter(&door, &visit, move |people| people.sign_in(guest).map(Some)).await,
            Err(why) => page::trouble(&Trouble::Provider(why)),
        },
    };
    set_cookie(&mut response, &visit.seen, (name, ""), ("Lax", 0));
    response
}
