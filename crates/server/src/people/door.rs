//! The door: what every request passes before anything else looks at it, and what every answer carries.
//!
//! Not here: signing in (that is `sign_in`), or what a request needs (that is `proofs`).

use super::attempts::{Attempts, Pace};
use super::ends::Ends;
use super::register::People;
use super::seen::{Hosts, Scheme, Seen, Way, last_of};
use super::unwelcome::Unwelcome;
use super::who::{By, Scope, Visitor};
use super::{oidc, sign_in};
use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use host::authority::Peer;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What every answer says to the browser. Nothing is run, framed, sent or fetched but what this server has itself.
const SAID: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How many cookies of one name are looked at: another port of the same machine can put its own beside ours.
const COOKIES: usize = 4;

/// The door of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    people: Arc<People>,
    hosts: Hosts,
    way: Way,
    attempts: Mutex<Attempts>,
    provider: Option<oidc::Issuer>,
}

impl Door {
    /// A door for people who come in a certain way and call the server by certain names.
    pub fn new(people: Arc<People>, way: Way, hosts: Hosts, provider: Option<oidc::Issuer>) -> Door {
        Door(Arc::new(Inner { people, hosts, way, attempts: Mutex::default(), provider }))
    }

    /// Puts the door before all routes, and adds those of signing in and out.
    ///
    /// The service has to be made with `into_make_service_with_connect_info::<Ends>()`; without that nobody is taken for a
    /// person.
    pub fn before<S: Clone + Send + Sync + 'static>(self, routes: Router<S>) -> Router<S> {
        routes.merge(sign_in::routes(self.clone())).layer(from_fn_with_state(self, enter))
    }

    /// Everybody who may use the server.
    pub fn people(&self) -> &Arc<People> {
        &self.0.people
    }

    /// The provider that vouches for people, if there is one.
    pub(super) fn provider(&self) -> Option<&oidc::Issuer> {
        self.0.provider.as_ref()
    }

    /// Counts a token that is none.
    pub(super) fn failed(&self, from: Option<IpAddr>) -> Pace {
        // Without an address all count as one.
        let from = from.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        let now = self.people().clock.now_ms();
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner).failed(from, now)
    }

    /// The address that a request comes from; a proxy tells it.
    fn address(&self, headers: &HeaderMap, ends: Option<Ends>) -> Option<IpAddr> {
        const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        let told = match self.0.way {
            Way::Proxy => last_of(headers, &FORWARDED_FOR).and_then(|address| address.parse().ok()),
            Way::Plain | Way::Tls => None,
        };
        told.or_else(|| ends.map(|ends| ends.remote.ip()))
    }

    fn look(&self, headers: &HeaderMap, method: &Method, ends: Option<Ends>) -> Result<Visit, Unwelcome> {
        let seen = Seen::by(headers, self.0.way, &self.0.hosts, ends)?;
        let is_same_origin = seen.is_same_origin(headers);
        let address = self.address(headers, ends);
        let who = match bearer(headers) {
            Some(token) => match self.people().by_token(token) {
                Some(visitor) => Who::Somebody(visitor),
                None => match self.failed(address) {
                    Pace::Free => Who::Mistaken,
                    Pace::Wait(seconds) => return Err(Unwelcome::TooManyFailures(seconds)),
                },
            },
            None => cookies(headers, cookie_name(seen.scheme))
                .take(COOKIES)
                .find_map(|cookie| self.people().by_cookie(cookie))
                .map_or(Who::Nobody, Who::Somebody),
        };
        if let Who::Somebody(Visitor { by: By::Cookie, .. }) = &who
            && !is_harmless(method)
            && !is_same_origin
        {
            return Err(Unwelcome::CrossSite);
        }
        let from = if is_same_origin { From::OwnPage } else { From::Elsewhere };
        Ok(Visit { who, ends, seen, from, address })
    }
}

/// What is known of a request: who makes it, from where. Only the door makes one.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// Who makes it.
    pub who: Who,
    /// The connection.
    pub ends: Option<Ends>,
    /// How it sees this server.
    pub seen: Seen,
    /// What kind of page it comes from.
    pub from: From,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// Somebody who is known.
    Somebody(Visitor),
    /// Nobody who says so.
    Nobody,
    /// Somebody with a token that is none.
    Mistaken,
}

/// What kind of page a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// A page of this server, as a browser says.
    OwnPage,
    /// Another page, or no page.
    Elsewhere,
}

impl Visit {
    /// What the door has found out. Where there was no door there is nobody.
    pub(super) fn of(parts: &Parts) -> Result<&Visit, Unwelcome> {
        parts.extensions.get().ok_or(Unwelcome::NotSignedIn)
    }

    /// Who makes the request, whatever they may do.
    pub(super) fn visitor(&self) -> Option<Visitor> {
        match &self.who {
            Who::Somebody(visitor) => Some(visitor.clone()),
            Who::Nobody | Who::Mistaken => None,
        }
    }

    /// Who makes the request, if they may do this.
    pub(super) fn visitor_with(&self, scope: Scope) -> Result<Visitor, Unwelcome> {
        match &self.who {
            Who::Nobody => Err(Unwelcome::NotSignedIn),
            Who::Mistaken => Err(Unwelcome::BadToken),
            Who::Somebody(visitor) if !visitor.scopes.has(scope) => Err(Unwelcome::MissingScope(scope)),
            Who::Somebody(visitor) => Ok(visitor.clone()),
        }
    }

    /// Who is at the other end of the connection; a child where it is not known which one that is.
    pub(super) async fn peer(&self) -> Peer {
        match self.ends {
            Some(ends) => ends.peer().await,
            None => Peer::Child,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visit, Unwelcome> {
        Visit::of(parts).cloned()
    }
}

async fn enter(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let ends = ConnectInfo::<Ends>::from_request_parts(&mut parts, &()).await.ok().map(|ConnectInfo(ends)| ends);
    let mut response = match door.look(&parts.headers, &parts.method, ends) {
        Err(refusal) => refusal.into_response(),
        Ok(visit) => {
            if let Who::Somebody(visitor) = &visit.who
                && door.people().has_news(visitor)
            {
                let people = door.people().clone();
                // When somebody was there last is not worth failing for, nor waiting.
                tokio::task::spawn_blocking(move || people.write_news());
            }
            parts.extensions.insert(visit);
            next.run(Request::from_parts(parts, body)).await
        }
    };
    let headers = response.headers_mut();
    for (name, value) in SAID {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether a method changes nothing, as HTTP has it.
fn is_harmless(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// What a browser's sign-in is called. Over TLS the prefix keeps every other site from setting it.
pub(super) fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "remit",
        Scheme::Https => "__Host-remit",
    }
}

/// The values of all cookies of a name.
pub(super) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(its_name, _)| *its_name == name).map(|(_, value)| value)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
