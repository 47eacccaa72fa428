//! `remit serve` from outside: a server of a test's own, whoever speaks to it over HTTP, and its manners.
//!
//! Not here: who may do what (that is `serve_people`), what is told of a session (that is `serve_events`), or the contract (that
//! is `serve_cases`).

use crate::support::{Home, PATIENCE, Running, Script, Start};
use serde_json::{Value, json};
use server::people::{NewToken, Owner, People};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A server that runs. One that is dropped is killed.
pub struct Served {
    /// The program.
    pub running: Running,
    /// Its address and port.
    pub address: String,
    /// The way to sign in, once.
    pub link: String,
}

impl Served {
    /// Starts one in a home, on a port of its own.
    pub fn start(home: &Home, options: &[&str]) -> Served {
        Served::of(home.remit(&[&["serve", "--listen", "127.0.0.1:0"], options].concat()))
    }

    /// One that is about to be started.
    pub fn of(start: Start) -> Served {
        let mut running = start.go();
        let mut line = || running.line().expect("the server says where it listens");
        let listens = line();
        let address = listens.trim().rsplit_once("http://").expect("an address is printed").1.to_owned();
        let sign_in = line();
        let link = sign_in.trim().rsplit_once(&address).expect("a link is printed").1.to_owned();
        Served { running, address, link }
    }

    /// One that plays a script wherever no model is named.
    pub fn playing(home: &Home, script: Script) -> Served {
        home.configure(&format!("model = \"{}\"\n", home.script(script)));
        Served::start(home, &[])
    }

    /// Somebody who shows a token, or nothing.
    pub fn client(&self, token: &str) -> Client {
        let shown = match token {
            "" => Vec::new(),
            token => vec![("Authorization", format!("Bearer {token}"))],
        };
        Client { address: self.address.clone(), shown }
    }

    /// The person of the account, signed in by the link in a browser; the link is used up.
    pub fn browser(&self) -> Client {
        let entered = self.client("").get(&self.link);
        assert_eq!(entered.status, 200, "{}", entered.body);
        let cookie = entered.header("set-cookie").expect("signing in sets a cookie");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let shown = vec![("Cookie", cookie), ("Origin", format!("http://{}", self.address))];
        Client { address: self.address.clone(), shown }
    }
}

/// Makes a token before a server is started, as `remit token add` would.
pub fn token(home: &Home, name: &str, scopes: &str) -> String {
    let people = People::open(&home.path("data/remit/people.json")).unwrap();
    let owner = if name.is_empty() { Owner::account() } else { Owner::named(name).unwrap() };
    let made = people.add_token(&NewToken { owner, scopes: scopes.parse().unwrap(), lasts_ms: None }).unwrap();
    made.token.reveal().to_owned()
}

/// A token that may do everything.
pub fn whole_token(home: &Home, name: &str) -> String {
    token(home, name, "read,drive,answer")
}

/// Whoever makes requests.
#[derive(Clone)]
pub struct Client {
    address: String,
    /// The headers that say who it is.
    pub shown: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    head: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The first header of a name, which is in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {} {}", self.status, self.body))
    }

    /// The body as JSON, when it went as it should.
    #[track_caller]
    pub fn done(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.json()
    }

    /// Checks that it is a problem with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        let kind = self.header("content-type");
        assert_eq!((self.status, kind), (status, Some("application/problem+json")), "{}", self.body);
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty() && !problem["title"].as_str().unwrap().is_empty());
    }
}

impl Client {
    /// The same with one header more.
    pub fn with(mut self, name: &'static str, value: &str) -> Client {
        self.shown.retain(|(its, _)| *its != name);
        self.shown.push((name, value.to_owned()));
        self
    }

    /// Gets an address.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// Sends JSON to an address.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body))
    }

    /// Makes a request, with JSON or nothing.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let text = body.map(Value::to_string).unwrap_or_default();
        let kind = body.map(|_| ("Content-Type", "application/json"));
        self.raw(method, path, kind.as_slice(), text.as_bytes())
    }

    /// Makes a request as it is said. HTTP/1.0, so that the answer ends with the connection.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = BufReader::new(self.asked(method, path, headers, body));
        let (status, head) = head_of(&mut stream);
        let mut body = Vec::new();
        stream.read_to_end(&mut body).unwrap();
        Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Makes a request and does not wait for the answer.
    pub fn asked(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let shown = self.shown.iter().map(|(name, value)| (*name, value.as_str()));
        let mut head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        if !shown.clone().any(|(name, _)| name == "Host") {
            head.extend(format!("Host: {}\r\n", self.address).into_bytes());
        }
        for (name, value) in shown.chain(headers.iter().copied()) {
            head.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        head.extend(b"\r\n");
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(&head).and_then(|()| stream.write_all(body));
        stream
    }

    /// Reads a session's events from here on.
    pub fn stream(&self, session: &str, after: Option<&str>) -> Stream {
        let mut headers = vec![("Accept", "text/event-stream")];
        headers.extend(after.map(|id| ("Last-Event-ID", id)));
        let path = format!("/v1/sessions/{session}/events");
        let mut lines = BufReader::new(self.asked("GET", &path, &headers, b""));
        let (status, head) = head_of(&mut lines);
        assert_eq!(status, 200, "{head:?}");
        Stream { lines }
    }

    /// Begins a session and gives its name.
    #[track_caller]
    pub fn begin(&self, what: &Value) -> String {
        let begun = self.post("/v1/sessions", what);
        assert_eq!(begun.status, 201, "{}", begun.body);
        let id = begun.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(begun.header("location"), Some(format!("/v1/sessions/{id}").as_str()));
        id
    }

    /// The one thing that a session asks, once it does.
    pub fn question(&self, session: &str) -> Value {
        self.stream(session, None).until("question").1
    }
}

fn head_of(stream: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
    let mut head = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => head.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return (status, head),
        }
    }
}

/// A session's events, as they come.
pub struct Stream {
    lines: BufReader<TcpStream>,
}

impl Stream {
    /// The next event with its id; `None` when the stream has ended.
    pub fn next(&mut self) -> Option<(String, Value)> {
        let mut id = String::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", it)) => id = it.to_owned(),
                Some(("data", text)) => return Some((id, serde_json::from_str(text).unwrap())),
                _a_heartbeat_or_an_end => {}
            }
        }
    }

    /// The next event of a type.
    #[track_caller]
    pub fn until(&mut self, kind: &str) -> (String, Value) {
        let mut passed = Vec::new();
        while let Some((id, event)) = self.next() {
            if event["type"] == kind {
                return (id, event);
            }
            passed.push(event);
        }
        panic!("the stream ended before `{kind}`: {passed:?}");
    }
}

/// A home with a server that plays a script, and somebody who may do everything.
pub fn playing(script: Script) -> (Home, Served, Client) {
    let home = Home::new();
    let alice = whole_token(&home, "alice");
    let served = Served::playing(&home, script);
    let alice = served.client(&alice);
    (home, served, alice)
}

#[test]
fn a_request_that_is_not_understood_is_a_problem_that_says_why() {
    let (_home, _served, alice) = playing(Script::new().say("Hello."));
    let id = alice.begin(&json!({}));
    let deep = format!("{{\"tool\": \"read\", \"arguments\": {{\"a\": {}1{}}}}}", "[".repeat(500), "]".repeat(500));
    let json = ("Content-Type", "application/json");
    for (method, path, kind, body, status, code) in [
        ("POST", "/v1/sessions", json, r#"{"colour": "red"}"#, 400, "malformed"),
        ("POST", "/v1/sessions", json, r#"{"title": "a", "title": "b"}"#, 400, "malformed"),
        ("POST", "/v1/sessions", json, r#"{"title": 7}"#, 400, "malformed"),
        ("POST", "/v1/sessions", json, r#"{} {}"#, 400, "malformed"),
        ("POST", "/v1/sessions", json, "{", 400, "malformed"),
        ("POST", "/v1/sessions", json, "[null, null]", 400, "malformed"),
        ("PATCH", "/v1/sessions/{id}/yolo", json, "[true]", 400, "malformed"),
        ("POST", "/v1/sessions", json, "", 400, "malformed"),
        ("POST", "/v1/sessions", ("Content-Type", "text/plain"), "{}", 415, "not_json"),
        ("POST", "/v1/sessions", ("Content-Type", "application/json+x"), "{}", 415, "not_json"),
        ("POST", "/v1/sessions", json, r#"{"title": "two\nlines"}"#, 422, "refused"),
        ("POST", "/v1/sessions", json, r#"{"mode": "yolo:-1"}"#, 422, "refused"),
        ("POST", "/v1/sessions", json, r#"{"workspace": "/no/such/folder"}"#, 422, "refused"),
        ("POST", "/v1/explain", json, &deep, 400, "malformed"),
        ("POST", "/v1/sessions/{id}/interrupt", json, r#"{"now": true}"#, 400, "malformed"),
        ("POST", "/v1/sessions/{id}/prompts", json, r#"{"text": " "}"#, 422, "refused"),
        ("POST", "/v1/sessions/{id}/questions/x", json, r#"{"answer": "once"}"#, 409, "not_asked"),
        ("PATCH", "/v1/sessions/{id}/yolo", json, r#"{"enabled": false, "cost_cap_usd": 5}"#, 400, "malformed"),
        ("PATCH", "/v1/sessions/{id}/yolo", json, r#"{"enabled": true, "cost_cap_usd": -5}"#, 422, "refused"),
        ("GET", "/v1/sessions?color=red", json, "", 400, "malformed"),
        ("GET", "/v1/sessions?limit=0", json, "", 400, "malformed"),
        ("GET", "/v1/sessions?limit=201", json, "", 400, "malformed"),
        ("GET", "/v1/sessions?limit=x", json, "", 400, "malformed"),
        ("GET", "/v1/sessions?state=asleep", json, "", 400, "malformed"),
        ("GET", "/v1/sessions?q=a&q=b", json, "", 400, "malformed"),
        ("GET", "/v1/sessions/{id}?verbose", json, "", 400, "malformed"),
        ("GET", "/v1/health?x=1", json, "", 400, "malformed"),
        ("GET", "/v1/sessions/{id}/events?after=yesterday", json, "", 400, "malformed"),
        ("GET", "/v1/sessions/{id}/events", ("Last-Event-ID", "yesterday"), "", 400, "malformed"),
        ("GET", "/v1/sessions/{id}/events", ("Accept", "text/html"), "", 406, "not_acceptable"),
        ("DELETE", "/v1/sessions/{id}/answers", json, "", 400, "malformed"),
        ("GET", "/v1/sessions/%ff%fe", json, "", 404, "not_found"),
        ("GET", "/v1/sessions/..%2f..%2fetc%2fpasswd", json, "", 404, "not_found"),
        ("GET", "/v1/sessions/%00", json, "", 404, "not_found"),
        ("GET", "/v1/sessions//mode", json, "", 404, "not_found"),
        ("GET", "/v1/sessions/", json, "", 404, "not_found"),
        ("GET", "/v1/", json, "", 404, "not_found"),
        ("GET", "/v1", json, "", 404, "not_found"),
        ("GET", "/v1/no/such/thing", json, "", 404, "not_found"),
        ("PUT", "/v1/sessions", json, "{}", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/sessions", json, "", 405, "method_not_allowed"),
        ("BREW", "/v1/sessions/{id}", json, "", 405, "method_not_allowed"),
    ] {
        let answer = alice.raw(method, &path.replace("{id}", &id), &[kind], body.as_bytes());
        answer.assert_problem(status, code);
        assert_eq!(status == 405, answer.header("allow").is_some(), "{:?}", answer.head);
    }
    let large = alice.raw("POST", "/v1/sessions", &[json], &vec![b' '; (1 << 20) + 1]);
    large.assert_problem(413, "too_large");
    let allowed = alice.send("PUT", "/v1/sessions", None);
    assert_eq!(allowed.header("allow"), Some("GET,HEAD,POST"));
    // Nothing of all that was begun.
    assert_eq!(alice.get("/v1/sessions").done()["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_session_is_begun_found_renamed_forked_exported_and_deleted() {
    let (home, served, alice) = playing(Script::new().say("Hello.").say("And again."));
    let id = alice.begin(&json!({ "title": "the first", "workspace": home.text_path("work") }));
    assert_eq!(alice.get(&format!("/v1/sessions/{id}")).done()["state"], "idle");
    let path = |rest: &str| format!("/v1/sessions/{id}{rest}");
    let prompted = alice.post(&path("/prompts"), &json!({ "text": "hello there" }));
    assert_eq!((prompted.status, &prompted.done()["queued"]), (202, &json!(false)));
    alice.stream(&id, None).until("end");
    assert_eq!(alice.send("PATCH", &path(""), Some(&json!({ "title": "another" }))).done()["title"], "another");
    let forked = alice.post(&path("/fork"), &json!({ "before": 0 }));
    assert_eq!(forked.status, 201, "{}", forked.body);
    let fork = forked.json()["id"].as_str().unwrap().to_owned();
    let listed = |terms: &str| -> Vec<String> {
        let page = alice.get(&format!("/v1/sessions{terms}")).done();
        let ids = page["sessions"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    assert_eq!(listed(""), [fork.clone(), id.clone()]);
    assert_eq!((listed("?q=ANOTHER").len(), listed("?q=nothing%20like%20it").len()), (2, 0));
    assert_eq!((listed("?state=idle").len(), listed("?state=working").len()), (2, 0));
    let first = alice.get("/v1/sessions?limit=1").done();
    assert_eq!((&first["sessions"][0]["id"], &first["next"]), (&json!(fork), &json!(fork)));
    assert_eq!(listed(&format!("?after={fork}")), [id.as_str()]);
    let exported = alice.get(&path("/export"));
    assert_eq!(exported.header("content-type"), Some("application/x-ndjson"));
    assert!(exported.body.lines().count() > 3 && exported.body.contains("hello there"), "{}", exported.body);
    for rest in ["/mode", "/yolo", "/spend", "/context", "/changes", "/servers", "/answers", "/questions", "/events"] {
        assert!(alice.get(&path(rest)).done().is_object(), "{rest}");
    }
    let head = alice.send("HEAD", &path(""), None);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(alice.send("DELETE", &path(""), None).status, 204);
    alice.get(&path("")).assert_problem(404, "not_found");
    alice.send("DELETE", &path(""), None).assert_problem(404, "not_found");
    assert_eq!(listed(""), [fork]);
    for (path, kind) in
        [("/v1/docs", "text/html"), ("/v1/docs.css", "text/css"), ("/v1/openapi.json", "application/json")]
    {
        let page = served.client("").get(path);
        assert!(page.status == 200 && page.header("content-type").unwrap().starts_with(kind), "{path}");
    }
}

#[test]
fn the_switch_and_the_mode_are_one_and_what_is_queued_can_be_taken_back() {
    let (home, _served, alice) = playing(Script::new().shell("cat ../gate").say("Done."));
    home.pipe("gate");
    let id = alice.begin(&json!({ "prompt": "go", "workspace": home.text_path("work") }));
    let path = |rest: &str| format!("/v1/sessions/{id}{rest}");
    let question = alice.question(&id);
    assert_eq!(alice.get(&path("")).done()["state"], "asks");
    let patch = |body: Value| alice.send("PATCH", &path("/yolo"), Some(&body)).done();
    let off = json!({ "enabled": false });
    for (body, enabled, cap) in [
        (off.clone(), false, Value::Null),
        (json!({ "enabled": true }), true, json!("5.00")),
        (json!({ "enabled": true, "cost_cap_usd": 2.5 }), true, json!("2.50")),
        (off.clone(), false, Value::Null),
        (json!({ "enabled": true }), true, json!("2.50")),
        (json!({ "enabled": true, "cost_cap_usd": null }), true, Value::Null),
    ] {
        let status = patch(body.clone());
        assert_eq!((&status["enabled"], &status["cap"]), (&json!(enabled), &cap), "{body}: {status}");
        assert_eq!(status["uncapped"], json!(enabled && cap.is_null()), "{body}: {status}");
        assert_eq!(alice.get(&path("/yolo")).done()["enabled"], json!(enabled));
    }
    assert_eq!(alice.get(&path("/mode")).done()["mode"], "yolo:uncapped");
    // What was asked is judged by the mode of the moment; the call waits for the pipe now.
    let call = question["call"].as_str().unwrap();
    alice.post(&path(&format!("/questions/{call}")), &json!({ "answer": "once" })).assert_problem(409, "not_asked");
    let queued = alice.post(&path("/prompts"), &json!({ "text": "later", "delivery": "queue" })).done();
    assert_eq!(queued["queued"], json!(true));
    assert_eq!(alice.get(&path("")).done()["queued"], json!(["later"]));
    assert_eq!(alice.send("DELETE", &path("/queue"), None).done()["texts"], json!(["later"]));
    alice.send("DELETE", &path(""), None).assert_problem(409, "in_use");
    crate::support::tell(&home.path("gate"), "x\n");
    let (_, end) = alice.stream(&id, None).until("end");
    assert_eq!(end["status"], "done", "{end}");
    assert_eq!(alice.send("PUT", &path("/mode"), Some(&json!({ "mode": "plan" }))).done()["mode"], "plan");
}

#[test]
fn what_a_yes_for_the_session_may_cover_the_gate_says_and_of_an_edited_call_too() {
    let (home, _served, alice) = playing(Script::new().shell("echo one > a.txt").say("Done."));
    let id = alice.begin(&json!({"prompt": "go"}));
    let mut stream = alice.stream(&id, None);
    let (_, question) = stream.until("question");
    assert_eq!(question["offered"], json!([]));
    let path = format!("/v1/sessions/{id}/questions/{}", question["call"].as_str().unwrap());
    alice.post(&path, &json!({"answer": "session"})).done();
    assert!(stream.until("notice").1["text"].as_str().unwrap().contains("can only be allowed once"));
    stream.until("question");
    assert!(!home.path("work/a.txt").exists(), "a yes that is not taken runs nothing");
    let edited = r#"{"command": "touch b.txt"}"#;
    alice.post(&path, &json!({"answer": "session", "edited": edited})).done();
    stream.until("end");
    assert!(home.path("work/b.txt").exists() && !home.path("work/a.txt").exists());
    let grants = alice.get(&format!("/v1/sessions/{id}/answers")).done();
    assert_eq!(grants["grants"], json!(["shell: touch b.txt"]));
}
