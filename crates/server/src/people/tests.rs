//! The door and signing in, with routes like those of the server behind them.

#![allow(clippy::disallowed_methods, reason = "a test opens a socket")]

use super::*;
use crate::people::clock::Clock;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::routing::{get, post};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tower::ServiceExt;

const HOST: &str = "localhost:8080";
const ORIGIN: &str = "http://localhost:8080";

/// A server with one route for each thing that a request can need.
struct House {
    app: Router,
    people: Arc<People>,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The cookie that is set, as it is sent back.
    fn cookie(&self) -> String {
        let set = self.headers[header::SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

fn routes() -> Router {
    let surface = |answerer: Answerer| async move { answerer.person().surface().to_owned() };
    Router::new()
        .route("/open", get(|| async { "open" }))
        .route("/read", get(|reader: Reader| async move { reader.owner.to_string() }))
        .route("/maybe", get(|reader: Option<Reader>| async move { reader.map_or("nobody", |_| "somebody") }))
        .route("/drive", post(|driver: Driver| async move { driver.into_visitor().owner.to_string() }))
        .route("/answer", post(surface).get(surface))
}

impl House {
    fn new() -> House {
        House::with(Way::Plain, &[])
    }

    fn with(way: Way, names: &[&str]) -> House {
        let ends = Ends { local: "192.0.2.1:8080".parse().unwrap(), remote: "192.0.2.9:50000".parse().unwrap() };
        House::seen_from(way, names, Some(ends))
    }

    fn seen_from(way: Way, names: &[&str], ends: Option<Ends>) -> House {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let people = People::with(&folder.path().join("people.json"), Clock::Hand(now.clone())).unwrap();
        let hosts = Hosts::of(names.iter().map(|name| (*name).to_owned())).unwrap();
        let app = Door::new(people.clone(), way, hosts, None).before(routes());
        let app = match ends {
            Some(ends) => app.layer(MockConnectInfo(ends)),
            None => app,
        };
        House { app, people, now, _folder: folder }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers, "").await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::POST, path, headers, "").await
    }

    fn token(&self, name: &str, scopes: &str) -> String {
        let new = NewToken { owner: Owner::named(name).unwrap(), scopes: scopes.parse().unwrap(), lasts_ms: None };
        self.people.add_token(&new).unwrap().token.reveal().to_owned()
    }

    /// A browser in which the person of this account is signed in.
    async fn signed_in(&self) -> String {
        let way = link(&self.people.one_time().unwrap());
        let answer = self.get(way.reveal(), &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.cookie()
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn without_a_credential_there_is_nobody() {
    let house = House::new();
    assert_eq!(house.get("/open", &[]).await.status, StatusCode::OK);
    assert_eq!(house.get("/maybe", &[]).await.body, "nobody");
    for (method, path) in [(Method::GET, "/read"), (Method::POST, "/drive"), (Method::POST, "/answer")] {
        let answer = house.ask(method, path, &[], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "sign_in_first"));
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"remit\"");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
    let odd = house.get("/read", &[("cookie", "remit=; remit; x=y;;"), ("authorization", "Basic eDp5")]).await;
    assert_eq!(odd.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let house = House::new();
    let (read, answer) = (bearer(&house.token("alice", "read")), bearer(&house.token("bob", "answer")));
    assert_eq!(house.get("/read", &[("authorization", &read)]).await.body, "alice");
    for path in ["/drive", "/answer"] {
        let refused = house.post(path, &[("authorization", &read)]).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "scope_missing"));
    }
    assert_eq!(house.post("/answer", &[("authorization", &answer)]).await.body, "token bob");
    assert_eq!(house.get("/read", &[("authorization", &answer)]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_that_is_revoked_or_expired_or_wrong_is_refused_at_once() {
    let house = House::new();
    let new = NewToken { owner: Owner::named("alice").unwrap(), scopes: Scopes::all(), lasts_ms: Some(60_000) };
    let (short, revoked) = (house.people.add_token(&new).unwrap(), house.people.add_token(&new).unwrap());
    let read = async |token: &str| house.get("/read", &[("authorization", &bearer(token))]).await;
    assert_eq!(read(short.token.reveal()).await.status, StatusCode::OK);
    house.people.revoke_token(&revoked.entry.id).unwrap();
    house.now.fetch_add(60_000, Ordering::SeqCst);
    for token in [short.token.reveal(), revoked.token.reveal(), "remit_0", ""] {
        let answer = read(token).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "sign_in_first"));
    }
    assert_eq!(house.get("/maybe", &[("authorization", "Bearer x")]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get("/open", &[("authorization", "Bearer x")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_signs_a_browser_in_once() {
    let house = House::new();
    let way = link(&house.people.one_time().unwrap());
    // A program that looks at links does not use it up.
    assert_eq!(house.ask(Method::HEAD, way.reveal(), &[], "").await.status, StatusCode::OK);
    let first = house.get(way.reveal(), &[]).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.body.contains("0;url=/"), "{}", first.body);
    assert!(!first.body.contains("token="), "{}", first.body);
    let set = first.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        set.starts_with("remit=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"),
        "{set}"
    );
    assert_eq!(first.headers[header::REFERRER_POLICY], "no-referrer");
    assert_eq!(first.headers[header::CACHE_CONTROL], "no-store");
    let cookie = first.cookie();
    assert_eq!(house.get("/read", &[("cookie", &cookie)]).await.body, "the person of this account");
    let again = house.get(way.reveal(), &[]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    assert!(again.headers.get(header::SET_COOKIE).is_none());
    assert!(again.body.contains("has been used"), "{}", again.body);
    // The same browser only goes on.
    assert_eq!(house.get(way.reveal(), &[("cookie", &cookie)]).await.status, StatusCode::OK);
    let late = link(&house.people.one_time().unwrap());
    house.now.fetch_add(15 * 60_000, Ordering::SeqCst);
    assert_eq!(house.get(late.reveal(), &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_sign_in_ends_after_a_month_or_when_it_is_ended() {
    let house = House::new();
    let (one, other) = (house.signed_in().await, house.signed_in().await);
    let out = house.post("/sign-out", &[("cookie", &one), ("origin", ORIGIN)]).await;
    assert_eq!((out.status, &out.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/sign-in".parse().unwrap()));
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("remit=; ") && out.cookie() == "remit=");
    assert_eq!(house.get("/read", &[("cookie", &one)]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get("/read", &[("cookie", &other)]).await.status, StatusCode::OK);
    house.now.fetch_add(30 * 24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(house.get("/read", &[("cookie", &other)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_signs_in_with_a_token_from_the_servers_own_page_alone() {
    let house = House::new();
    let page = house.get("/sign-in", &[]).await;
    assert!(page.body.contains("<form method=\"post\" action=\"/sign-in\">"), "{}", page.body);
    let form = format!("token={}", house.token("alice", "read,answer"));
    let send = async |origin: &str, form: &str| {
        let headers = [("origin", origin), ("content-type", "application/x-www-form-urlencoded")];
        house.ask(Method::POST, "/sign-in", &headers, form).await
    };
    let foreign = send("http://evil.example", &form).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"));
    let wrong = send(ORIGIN, "token=remit_wrong").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.body.contains("role=\"alert\"") && !wrong.body.contains("remit_wrong"), "{}", wrong.body);
    let right = send(ORIGIN, &form).await;
    assert_eq!(right.status, StatusCode::OK);
    let cookie = right.cookie();
    assert_eq!(house.get("/read", &[("cookie", &cookie)]).await.body, "alice");
    assert_eq!(house.post("/answer", &[("cookie", &cookie), ("origin", ORIGIN)]).await.body, "web alice");
    assert_eq!(house.post("/drive", &[("cookie", &cookie), ("origin", ORIGIN)]).await.status, StatusCode::FORBIDDEN);
    assert!(house.get("/sign-in", &[("cookie", &cookie)]).await.body.contains("0;url=/"));
    let large = format!("token={}", "x".repeat(5_000));
    assert_eq!(send(ORIGIN, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_with_a_browsers_cookie() {
    let house = House::new();
    let cookie = house.signed_in().await;
    let foreign: &[&[(&str, &str)]] = &[
        &[("origin", "http://evil.example")],
        &[("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")],
        &[("origin", "https://localhost:8080")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[],
    ];
    for headers in foreign {
        let headers = [&[("cookie", cookie.as_str())], *headers].concat();
        for path in ["/drive", "/answer", "/sign-out"] {
            let answer = house.post(path, &headers).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "cross_site"), "{headers:?}");
        }
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(house.ask(method, "/answer", &headers, "").await.code(), "cross_site");
        }
        // What changes nothing needs no origin.
        assert_eq!(house.get("/read", &headers).await.status, StatusCode::OK);
    }
    for own in [("origin", ORIGIN), ("sec-fetch-site", "same-origin")] {
        assert_eq!(house.post("/answer", &[("cookie", &cookie), own]).await.body, "web");
    }
    let preflight = [("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    let answer = house.ask(Method::OPTIONS, "/answer", &preflight, "").await;
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")));
}

#[tokio::test]
async fn a_token_beside_a_cookie_is_the_one_that_counts() {
    let house = House::new();
    let cookie = house.signed_in().await;
    let (good, weak) = (bearer(&house.token("alice", "read,drive")), bearer(&house.token("bob", "read")));
    let both = [("cookie", cookie.as_str()), ("authorization", good.as_str())];
    assert_eq!(house.get("/read", &both).await.body, "alice");
    // No page can send it by itself, so it needs no origin.
    assert_eq!(house.post("/drive", &both).await.body, "alice");
    let both = [("cookie", cookie.as_str()), ("origin", ORIGIN), ("authorization", weak.as_str())];
    assert_eq!(house.post("/answer", &both).await.code(), "scope_missing");
    let both = [("cookie", cookie.as_str()), ("origin", ORIGIN), ("authorization", "Bearer nonsense")];
    assert_eq!(house.post("/answer", &both).await.code(), "sign_in_first");
}

#[tokio::test]
async fn a_name_that_is_not_the_servers_own_is_refused_whatever_is_shown() {
    let house = House::with(Way::Plain, &["remit.example.org"]);
    let token = bearer(&house.token("alice", "read"));
    for host in ["evil.example:8080", "localhost.evil.example", "192.0.2.2", "169.254.169.254"] {
        for path in ["/open", "/read", "/sign-in", "/no/such/page"] {
            let answer = house.get(path, &[("host", host), ("authorization", &token)]).await;
            assert_eq!((answer.status, answer.code().as_str()), (StatusCode::MISDIRECTED_REQUEST, "wrong_host"));
        }
    }
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.1:8080", "remit.example.org"] {
        assert_eq!(house.get("/read", &[("host", host), ("authorization", &token)]).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn every_answer_carries_the_same_words_for_the_browser() {
    let house = House::new();
    let csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
               form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (path, host) in [("/open", HOST), ("/read", HOST), ("/nowhere", HOST), ("/open", "evil.example")] {
        let Answer { headers, .. } = house.get(path, &[("host", host)]).await;
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], csp);
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn over_tls_the_cookie_is_one_that_no_other_site_can_set() {
    for (way, told) in [(Way::Tls, &[][..]), (Way::Proxy, &[("x-forwarded-proto", "https")][..])] {
        let house = House::with(way, &[]);
        let way = link(&house.people.one_time().unwrap());
        let answer = house.get(way.reveal(), told).await;
        let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(set.starts_with("__Host-remit=") && set.ends_with("; Secure"), "{set}");
        let cookie = answer.cookie();
        let send = async |cookie: &str, origin: &str| {
            house.post("/answer", &[told, &[("cookie", cookie), ("origin", origin)]].concat()).await
        };
        assert_eq!(send(&cookie, "https://localhost:8080").await.body, "web");
        assert_eq!(send(&cookie, ORIGIN).await.code(), "cross_site");
        let plain = cookie.replace("__Host-remit", "remit");
        assert_eq!(send(&plain, "https://localhost:8080").await.code(), "sign_in_first");
    }
}

#[tokio::test]
async fn tokens_that_are_none_are_slowed_down_and_keep_nobody_else_out() {
    let house = House::new();
    let good = bearer(&house.token("alice", "read"));
    let mut last = None;
    for _ in 0..12 {
        last = Some(house.get("/read", &[("authorization", "Bearer guess")]).await);
    }
    let last = last.unwrap();
    assert_eq!((last.status, last.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
    assert_eq!(last.headers[header::RETRY_AFTER], "60");
    assert_eq!(house.get("/sign-in?token=guess", &[]).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(house.get("/read", &[("authorization", &good)]).await.status, StatusCode::OK);
    house.signed_in().await;
}

#[tokio::test]
async fn who_cannot_be_told_from_a_child_of_a_run_answers_nothing_and_signs_in_nowhere() {
    let unknown = House::seen_from(Way::Plain, &[], None);
    // Nobody holds the far end of this one.
    let ends = Ends { local: "127.0.0.1:8080".parse().unwrap(), remote: "127.0.0.1:1".parse().unwrap() };
    let gone = House::seen_from(Way::Plain, &[], Some(ends));
    for house in [unknown, gone] {
        let token = bearer(&house.token("alice", "read,drive,answer"));
        let refused = house.post("/answer", &[("authorization", &token)]).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "from_the_agent"));
        assert_eq!(house.post("/drive", &[("authorization", &token)]).await.status, StatusCode::OK);
        let way = link(&house.people.one_time().unwrap());
        assert_eq!(house.get(way.reveal(), &[]).await.code(), "from_the_agent");
    }
}

#[tokio::test]
async fn a_server_does_not_take_itself_for_a_person() {
    let house = House::new();
    let token = house.token("alice", "read,answer");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let app = house.app.clone().into_make_service_with_connect_info::<Ends>();
    let serves = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = client.get(format!("{at}/read")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(read.text().await.unwrap(), "alice");
    let answer = client.post(format!("{at}/answer")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.text().await.unwrap().contains("from_the_agent"));
    serves.abort();
}
