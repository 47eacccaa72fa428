//! Signing in through a provider that others wrote: the npm package `oidc-provider`, started here.
//!
//! Not here: getting it. `REMIT_TEST_NPM` names a `node_modules` folder that has it; without it the tests with the provider are
//! skipped, unless `REMIT_TEST_FULL` is set.

#![allow(clippy::disallowed_methods, reason = "tests start the provider")]

use super::*;
use crate::people::clock::Clock;
use crate::people::{Ends, Hosts, People, Reader, Way};
use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, header};
use reqwest::Url;
use reqwest::redirect::Policy;
use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;
use tower::ServiceExt;

const SECRET: &str = "a secret/with:odd=letters";

/// The provider, as a program of its own.
struct Provider {
    child: Child,
    /// What it goes on to say; with nobody to hear it, it would end.
    _says: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// Starts it; `None` where there is none and none is wanted.
    fn start() -> Option<Provider> {
        let Some(modules) = std::env::var_os("REMIT_TEST_NPM").map(PathBuf::from) else {
            assert!(std::env::var_os("REMIT_TEST_FULL").is_none(), "REMIT_TEST_FULL is set and REMIT_TEST_NPM is not");
            eprintln!("skipped: REMIT_TEST_NPM does not name a node_modules folder");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(modules).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = says.by_ref().map_while(Result::ok);
        let address = heard.find_map(|line| line.strip_prefix("issuer ").map(str::to_owned));
        Some(Provider { child, _says: says, address: address.expect("the provider starts") })
    }
}

/// A server that trusts a provider.
struct House {
    app: Router,
    now: Arc<AtomicI64>,
    _folder: TempDir,
}

impl House {
    fn of(issuer: &str, client_id: &str, allow: &[&str]) -> House {
        let configured = Oidc {
            name: Some("Example".to_owned()),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: (client_id == "remit").then(|| Credential::of(SECRET)),
            allow: allow.iter().map(|rule| (*rule).to_owned()).collect(),
            scopes: "read,drive".parse().unwrap(),
        };
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(Clock::System.now_ms()));
        let people = People::with(&folder.path().join("people.json"), Clock::Hand(now.clone())).unwrap();
        let routes = Router::new().route(
            "/who",
            get(
                |reader: Reader| async move { format!("{} {}", reader.owner, reader.called.as_deref().unwrap_or("-")) },
            ),
        );
        let issuer = Issuer::new(configured).unwrap();
        let app = Door::new(people, Way::Plain, Hosts::default(), Some(issuer)).before(routes);
        let ends = Ends { local: "192.0.2.1:8080".parse().unwrap(), remote: "192.0.2.9:50000".parse().unwrap() };
        House { app: app.layer(MockConnectInfo(ends)), now, _folder: folder }
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header("host", "localhost:8080").header("cookie", cookie);
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
        Answer {
            status: parts.status,
            location: parts.headers.get(header::LOCATION).map(text).unwrap_or_default(),
            cookies: parts.headers.get_all(header::SET_COOKIE).iter().map(text).collect(),
            body: String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap(),
        }
    }

    /// Sends a browser to the provider; gives what it keeps, and what of the way it is sent back to.
    async fn sent_back(&self, login: &str) -> (String, String) {
        let begun = self.get(BEGIN, "").await;
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
        let back = through_the_provider(&begun.location, login).await;
        (begun.cookie(), back)
    }
}

struct Answer {
    status: StatusCode,
    location: String,
    cookies: Vec<String>,
    body: String,
}

impl Answer {
    fn cookie(&self) -> String {
        self.cookies[0].split(';').next().unwrap().to_owned()
    }
}

/// What a person does at the provider with a browser: signs in, agrees, and is sent back.
async fn through_the_provider(to: &str, login: &str) -> String {
    let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let mut at = Url::parse(to).unwrap();
    let mut kept: Vec<(String, String, String)> = Vec::new();
    let mut form: Option<String> = None;
    for _ in 0..12 {
        let cookies: Vec<String> = kept
            .iter()
            .filter(|(_, _, path)| at.path().starts_with(path.as_str()))
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect();
        let request = match form.take() {
            Some(form) => {
                client.post(at.clone()).header("content-type", "application/x-www-form-urlencoded").body(form)
            }
            None => client.get(at.clone()),
        };
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            let path = set.split(';').find_map(|part| part.trim().strip_prefix("path=")).unwrap_or("/");
            kept.retain(|(known, _, its)| (known.as_str(), its.as_str()) != (name, path));
            kept.push((name.to_owned(), value.to_owned(), path.to_owned()));
        }
        if let Some(location) = response.headers().get("location") {
            at = at.join(location.to_str().unwrap()).unwrap();
            if at.port() == Some(8080) {
                return format!("{}?{}", at.path(), at.query().unwrap());
            }
            continue;
        }
        let page = response.text().await.unwrap();
        form = Some(match page.contains("name=\"login\"") {
            true => format!("prompt=login&login={login}&password=x"),
            false if page.contains("value=\"consent\"") => "prompt=consent".to_owned(),
            false => panic!("{at}: {page}"),
        });
    }
    panic!("the provider does not come to an end at {at}");
}

#[tokio::test]
async fn whoever_a_provider_vouches_for_comes_in() {
    let Some(provider) = Provider::start() else { return };
    for client in ["remit", "public"] {
        let house = House::of(&provider.address, client, &["*@example.org"]);
        let begun = house.get(BEGIN, "").await;
        let set = &begun.cookies[0];
        assert!(set.starts_with("remit-oidc=") && set.contains("; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
        let back = through_the_provider(&begun.location, "alice").await;
        let done = house.get(&back, &begun.cookie()).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        assert!(done.body.contains("0;url=/"), "{}", done.body);
        assert!(done.cookies[1].starts_with("remit-oidc=; "), "{:?}", done.cookies);
        let place = provider.address.split_once("://").unwrap().1;
        let who = house.get("/who", &done.cookie()).await;
        assert_eq!(who.body, format!("oidc:{place}/alice alice@example.org"));
        // Nobody comes back twice.
        assert_eq!(house.get(&back, &begun.cookie()).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn nobody_comes_in_who_is_not_on_the_list() {
    let Some(provider) = Provider::start() else { return };
    for (login, allow) in [
        ("alice", &[][..]),
        ("alice", &["bob@example.org", "sub:bob", "*@example.com"][..]),
        // The provider does not know whether the address is theirs.
        ("mallory", &["*@example.org", "mallory@example.org"][..]),
    ] {
        let house = House::of(&provider.address, "remit", allow);
        let (cookie, back) = house.sent_back(login).await;
        let refused = house.get(&back, &cookie).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert!(refused.body.contains("nobody has let you in"), "{}", refused.body);
        assert_eq!(refused.cookies.len(), 1, "{:?}", refused.cookies);
    }
    let house = House::of(&provider.address, "remit", &["sub:mallory"]);
    let (cookie, back) = house.sent_back("mallory").await;
    let done = house.get(&back, &cookie).await;
    assert!(house.get("/who", &done.cookie()).await.body.ends_with("/mallory -"), "an ID token alone has no name");
}

#[tokio::test]
async fn whoever_comes_back_to_another_browser_or_changed_or_late_does_not_come_in() {
    let Some(provider) = Provider::start() else { return };
    let house = House::of(&provider.address, "remit", &["*@example.org"]);
    // Without the cookie, and with that of another browser.
    let (cookie, back) = house.sent_back("alice").await;
    let (other, other_back) = house.sent_back("bob").await;
    assert_eq!(house.get(&back, "").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.get(&back, &other).await.status, StatusCode::BAD_REQUEST);
    // The other browser was met with a wrong state, and is forgotten; this one is not.
    assert_eq!(house.get(&other_back, &other).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.ask_head(&back, &cookie).await, StatusCode::NO_CONTENT);
    let done = house.get(&back, &cookie).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    // A code that is none, one of another sign-in, and another provider's name.
    let (cookie, back) = house.sent_back("alice").await;
    let state = back.split('&').find(|part| part.contains("state=")).unwrap().trim_start_matches(|c| c != 's');
    let wrong = house.get(&format!("{BACK}?code=wrong&{state}&iss={}", provider.address), &cookie).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{}", wrong.body);
    let (cookie, back) = house.sent_back("alice").await;
    let mixed = house.get(&back.replace("iss=", "iss=https://evil.example&x="), &cookie).await;
    assert_eq!(mixed.status, StatusCode::FORBIDDEN, "{}", mixed.body);
    let (cookie, back) = house.sent_back("alice").await;
    let refused = house.get(&back.replace("code=", "error=access_denied&x="), &cookie).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    let (cookie, back) = house.sent_back("alice").await;
    house.now.fetch_add(LASTS_MS, Ordering::SeqCst);
    assert_eq!(house.get(&back, &cookie).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_client_that_the_provider_does_not_know_gets_nobody_in() {
    let Some(provider) = Provider::start() else { return };
    let house = House::of(&provider.address, "remit", &["*@example.org"]);
    let (cookie, back) = house.sent_back("alice").await;
    // The secret is wrong: another house, with what the first one sent.
    let wrong = Oidc {
        name: None,
        issuer: provider.address.clone(),
        client_id: "remit".to_owned(),
        client_secret: Some(Credential::of("wrong")),
        allow: Vec::new(),
        scopes: Scopes::all(),
    };
    let wrong = Speaking::with(&wrong.issuer, wrong.client_id, wrong.client_secret).unwrap();
    let verifier = Credential::of("x".repeat(64));
    let exchange = Exchange { code: "x", verifier: &verifier, back: "http://localhost:8080/sign-in/oidc/back" };
    assert!(matches!(wrong.exchange(exchange, 0).await, Err(OidcError::Refused)));
    assert_eq!(house.get(&back, &cookie).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_provider_that_is_not_there_or_is_another_is_no_provider() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let house = House::of(&at, "remit", &["*@example.org"]);
    let page = house.get("/sign-in", "").await.body;
    assert!(page.contains("href=\"/sign-in/oidc\"") && page.contains("Sign in with Example"), "{page}");
    // It says that it is another one; then it says too much; then it sends elsewhere; then it is gone.
    let described = |issuer: &str| {
        format!("{{\"issuer\":\"{issuer}\",\"authorization_endpoint\":\"{at}/a\",\"token_endpoint\":\"{at}/t\"}}")
    };
    let far = described(&at).replace(&format!("{at}/t"), "http://evil.example/t");
    let answers = [described("https://huggingface.co"), far, " ".repeat(300 << 10), String::new()];
    let served = Router::new().route(
        "/.well-known/openid-configuration",
        get({
            let answers = Arc::new(std::sync::Mutex::new(answers.into_iter()));
            move || async move {
                match answers.lock().unwrap().next() {
                    Some(text) if text.is_empty() => Redirect::to("http://127.0.0.1:1/").into_response(),
                    Some(text) => text.into_response(),
                    None => StatusCode::NOT_FOUND.into_response(),
                }
            }
        }),
    );
    let serves = tokio::spawn(async move { axum::serve(listener, served).await });
    for expected in [
        StatusCode::BAD_GATEWAY,
        StatusCode::BAD_GATEWAY,
        StatusCode::BAD_GATEWAY,
        StatusCode::BAD_GATEWAY,
        StatusCode::FORBIDDEN,
    ] {
        let answer = house.get(BEGIN, "").await;
        assert_eq!((answer.status, answer.cookies.len()), (expected, 0), "{}", answer.body);
        assert!(!answer.body.contains(SECRET));
    }
    serves.abort();
    let _ = serves.await;
    let gone = house.get(BEGIN, "").await;
    assert_eq!(gone.status, StatusCode::BAD_GATEWAY);
    assert!(gone.body.contains("cannot be reached"), "{}", gone.body);
}

#[tokio::test]
async fn without_a_provider_there_is_no_way_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let people = People::open(&folder.path().join("people.json")).unwrap();
    let app: Router = Door::new(people, Way::Plain, Hosts::default(), None).before(Router::new());
    for path in [BEGIN, BACK] {
        let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}

impl House {
    async fn ask_head(&self, path: &str, cookie: &str) -> StatusCode {
        let request = Request::head(path).header("host", "localhost:8080").header("cookie", cookie);
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }
}
