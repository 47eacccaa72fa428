//! Who gets what from `remit serve`: the wrong person, another site, and what the agent's own shell tries against its server.
//!
//! Not here: how a peer is told from a child (that is `host::authority`), or signing in by a provider.

use crate::serve::{Answer, Client, Served, playing, token, whole_token};
use crate::support::{Home, Script, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One operation of the document, as a request that would do something with a session.
struct Asked {
    method: String,
    path: String,
    body: Option<Value>,
    needs: Option<String>,
}

/// Every operation of the document, with its own examples; `names` stand in the braces.
fn operations(document: &Value, names: &BTreeMap<&str, String>) -> Vec<Asked> {
    let mut all = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut path = template.clone();
            for (name, value) in names {
                path = path.replace(&format!("{{{name}}}"), value);
            }
            let needed = operation["parameters"].as_array().unwrap().iter();
            for term in needed.filter(|it| it["in"] == "query" && it["required"] == true) {
                path = format!("{path}?{}=shell:%20true", term["name"].as_str().unwrap());
            }
            let about = operation["description"].as_str().unwrap();
            let needs =
                about.split_once("Needs the scope `").map(|(_, rest)| rest.split('`').next().unwrap().to_owned());
            assert_eq!(needs.is_some(), operation["security"] != json!([]), "{template}");
            let body = operation["requestBody"]["content"]["application/json"].get("example").cloned();
            all.push(Asked { method: method.to_ascii_uppercase(), path, body, needs });
        }
    }
    all
}

/// Asks for it in each form that it has.
fn tried(client: &Client, asked: &Asked) -> Vec<Answer> {
    let send = |client: &Client| client.send(&asked.method, &asked.path, asked.body.as_ref());
    let mut answers = vec![send(client)];
    if asked.path.ends_with("/events") {
        answers.push(send(&client.clone().with("Accept", "text/event-stream")));
    }
    answers
}

/// What there is to see of a session, by whoever may.
fn seen(client: &Client, id: &str) -> Vec<Value> {
    let path = |rest: &str| format!("/v1/sessions/{id}{rest}");
    let mut all: Vec<Value> =
        ["", "/questions", "/answers", "/mode"].iter().map(|rest| client.get(&path(rest)).done()).collect();
    all.push(client.get(&path("/export")).body.into());
    all
}

#[test]
fn the_wrong_person_gets_404_for_every_route_and_changes_nothing() {
    let home = Home::new();
    let alice = whole_token(&home, "alice");
    let bob = whole_token(&home, "bob");
    let of_alice: Vec<(&str, String)> = [("read", "drive,answer"), ("drive", "read,answer"), ("answer", "read,drive")]
        .map(|(lacks, has)| (lacks, token(&home, "alice", has)))
        .into();
    let served = Served::playing(&home, Script::new().shell("touch never").say("Done."));
    let account = served.browser();
    let (alice, bob, nobody) = (served.client(&alice), served.client(&bob), served.client(""));
    let id = alice.begin(&json!({ "prompt": "go" }));
    let call = alice.question(&id)["call"].as_str().unwrap().to_owned();
    let document = nobody.get("/v1/openapi.json").done();
    let names = BTreeMap::from([("id", id.clone()), ("call", call), ("server", "forge".to_owned())]);
    let operations = operations(&document, &names);
    let before = seen(&alice, &id);
    let mut walked = 0;
    for asked in &operations {
        let label = format!("{} {}", asked.method, asked.path);
        if asked.path.contains(&id) {
            walked += 1;
            for other in [&bob, &account] {
                for answer in tried(other, asked) {
                    assert_eq!(answer.status, 404, "{label}: {}", answer.body);
                    answer.assert_problem(404, "not_found");
                }
                // Nor is one that is not there told apart from one that is somebody else's.
                let nowhere = Asked {
                    path: asked.path.replace(&id, "zzzzzzzzzz"),
                    body: asked.body.clone(),
                    method: asked.method.clone(),
                    needs: None,
                };
                for (one, another) in tried(other, asked).iter().zip(tried(other, &nowhere)) {
                    assert_eq!(one.body.replace(&id, "zzzzzzzzzz"), another.body, "{label}");
                }
            }
        }
        let Some(needs) = &asked.needs else { continue };
        for answer in tried(&nobody, asked) {
            assert_eq!(answer.status, 401, "{label}: {}", answer.body);
            answer.assert_problem(401, "sign_in_first");
            assert!(answer.header("www-authenticate").is_some(), "{label}");
        }
        let lacking = of_alice.iter().filter(|(lacks, _)| lacks == needs);
        for (_, token) in lacking {
            for answer in tried(&served.client(token), asked) {
                assert_eq!(answer.status, 403, "{label}: {}", answer.body);
                answer.assert_problem(403, "scope_missing");
            }
        }
    }
    assert!(walked >= 20, "only {walked} routes have a session in their address");
    assert_eq!(seen(&alice, &id), before);
    for other in [&bob, &account] {
        assert_eq!(other.get("/v1/sessions").done()["sessions"], json!([]), "nothing was begun, and nothing is seen");
        other.get(&format!("/v1/sessions?after={id}")).assert_problem(400, "malformed");
    }
    served.client("remit_wrong").get("/v1/me").assert_problem(401, "sign_in_first");
    // A part of what can be asked takes a scope of its own.
    let driver = served.client(&of_alice[2].1);
    driver.post("/v1/sessions", &json!({ "mode": "agent" })).assert_problem(403, "scope_missing");
    let model = json!({ "model": "script:/x" });
    driver.send("PATCH", &format!("/v1/sessions/{id}"), Some(&model)).assert_problem(403, "scope_missing");
    // The right person gets through by the same requests.
    for asked in operations.iter().filter(|asked| asked.method == "GET" && asked.path.contains(&id)) {
        assert_eq!(alice.get(&asked.path).status, 200, "{}", asked.path);
    }
    assert!(!home.path("work/never").exists());
}

#[test]
fn another_site_can_have_a_browser_do_nothing() {
    let home = Home::new();
    let token = whole_token(&home, "");
    let served = Served::playing(&home, Script::new().say("Hello."));
    let own = served.browser();
    let id = own.begin(&json!({}));
    let origin = format!("http://{}", served.address);
    let without = |name: &str| {
        let mut other = own.clone();
        other.shown.retain(|(its, _)| *its != name);
        other
    };
    let path = format!("/v1/sessions/{id}/yolo");
    let turn_on = |client: &Client| client.send("PATCH", &path, Some(&json!({ "enabled": true })));
    let evil = own.clone().with("Origin", "http://evil.example");
    let port = own.clone().with("Origin", "http://127.0.0.1:1");
    let null = own.clone().with("Origin", "null");
    let cross = without("Origin").with("Sec-Fetch-Site", "cross-site");
    let beside = without("Origin").with("Sec-Fetch-Site", "same-site");
    for foreign in [&evil, &port, &null, &cross, &beside, &without("Origin")] {
        turn_on(foreign).assert_problem(403, "cross_site");
        foreign.post("/v1/sessions", &json!({})).assert_problem(403, "cross_site");
        foreign.send("DELETE", &format!("/v1/sessions/{id}"), None).assert_problem(403, "cross_site");
        // What it may have sent, it may not read.
        let read = foreign.get(&format!("/v1/sessions/{id}"));
        assert!(read.header("access-control-allow-origin").is_none());
        let preflight = foreign.clone().with("Access-Control-Request-Method", "PATCH").send("OPTIONS", &path, None);
        assert!(preflight.status == 405 && preflight.header("access-control-allow-origin").is_none());
    }
    // A page that calls this machine by its own name gets nothing at all, whatever it shows.
    for client in [&own, &served.client(&token), &served.client("")] {
        for host in ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "user@localhost", ""] {
            let rebound = client.clone().with("Host", host);
            for path in ["/v1/sessions", "/v1/health", "/v1/openapi.json", "/sign-in"] {
                rebound.get(path).assert_problem(421, "wrong_host");
            }
        }
    }
    // Signing a browser in as somebody else is as bad.
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "http://evil.example")];
    let signed = served.client("").raw("POST", "/sign-in", &form, format!("token={token}").as_bytes());
    signed.assert_problem(403, "cross_site");
    assert!(signed.header("set-cookie").is_none());
    assert_eq!(own.get(&path).done()["enabled"], json!(false));
    // The server's own page may, and a token that a browser does not send by itself needs no origin.
    assert_eq!(turn_on(&without("Origin").with("Sec-Fetch-Site", "same-origin")).done()["enabled"], json!(true));
    assert_eq!(turn_on(&without("Sec-Fetch-Site").with("Origin", &origin)).done()["enabled"], json!(true));
    let by_token = served.client(&token).with("Origin", "http://evil.example");
    assert_eq!(turn_on(&by_token).done()["enabled"], json!(true));
    let page = own.get("/v1/docs");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

/// What the agent would like its server to do: a name, whether it asks for what is a person's alone, and the words for `curl`.
const WISHES: &[(&str, &str)] = &[
    ("answer", r#"-d '{"answer":"once"}' $BASE/v1/sessions/$OTHER/questions/$CALL"#),
    ("answer for good", r#"-d '{"answer":"session"}' $BASE/v1/sessions/$OTHER/questions/$CALL"#),
    ("own mode", r#"-X PUT -d '{"mode":"yolo:uncapped"}' $BASE/v1/sessions/$OWN/mode"#),
    ("other mode", r#"-X PUT -d '{"mode":"yolo:uncapped"}' $BASE/v1/sessions/$OTHER/mode"#),
    ("own cap", r#"-X PATCH -d '{"enabled":true,"cost_cap_usd":null}' $BASE/v1/sessions/$OWN/yolo"#),
    ("begin", r#"-d '{"mode":"yolo:uncapped","prompt":"go"}' $BASE/v1/sessions"#),
    ("own model", r#"-X PATCH -d '{"model":"script:/x"}' $BASE/v1/sessions/$OWN"#),
    ("revoke", r#"-X DELETE "$BASE/v1/sessions/$OWN/answers?grant=shell:+true""#),
];

/// How it may start `curl`: plainly, without the environment, in a session of its own, and as an orphan; with each credential that
/// it could have come by. Then what it could sign in with.
const WAYS: &str = r#"
report() { printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$(tail -n 1 ../said)" >> ../tried; }
ask() { # WAY SHOWN WISH WORDS...
  local WAY="$1" SHOWN="$2" WISH="$3"; shift 3
  local WORDS=(curl -sS -w '\n%{http_code}')
  [ "$SHOWN" = form ] || WORDS+=(-H 'Content-Type: application/json')
  case "$SHOWN" in
    token) WORDS+=(-H "Authorization: Bearer $TOKEN");;
    print) WORDS+=(-H "Authorization: Bearer $PRINT");;
    cookie) WORDS+=(-H "Cookie: $COOKIE" -H "Origin: $BASE");;
  esac
  WORDS+=("$@")
  case "$WAY" in
    plain) "${WORDS[@]}" > ../said 2>&1;;
    env-i) env -i PATH="$PATH" "${WORDS[@]}" > ../said 2>&1;;
    setsid) setsid -w "${WORDS[@]}" > ../said 2>&1;;
    orphaned) (setsid env -i PATH="$PATH" sh -c '(read x < ../go; "$@" > ../said 2>&1; echo done > ../ended) &' sh "${WORDS[@]}")
      echo go > ../go; until read -r x < ../ended; do :; done;;
  esac
  report "$WAY" "$SHOWN" "$WISH"
}
mkfifo ../go ../ended
PRINT=$(grep -o '"[0-9a-f]\{64\}"' "$XDG_DATA_HOME/remit/people.json" | head -n 1 | tr -d '"')
grep -c "$TOKEN" "$XDG_DATA_HOME/remit/people.json" > ../found
"#;

#[test]
fn the_agents_own_shell_gets_nothing_from_its_server_whatever_it_shows() {
    let home = Home::new();
    let stolen = whole_token(&home, "alice");
    // One script for both: whoever is told to attack does, and the other asks and waits.
    let script = Script::with_head("after = \"end\"")
        .lines("[[turn]]\nwhen = \"attack\"\ncalls = [{ tool = \"shell\", args = { command = \"bash ../ways.sh\", timeout_s = 600 } }]")
        .shell("touch never")
        .say("Done.");
    let served = Served::playing(&home, script);
    let link = served.link.clone();
    let alice = served.client(&stolen);
    let cookie = alice_in_a_browser(&served, &stolen);
    let other = alice.begin(&json!({ "prompt": "wait" }));
    let call = alice.question(&other)["call"].as_str().unwrap().to_owned();
    let own = alice.begin(&json!({ "mode": "yolo:4" }));
    let base = format!("http://{}", served.address);
    let mut lines = format!(
        "BASE='{base}'\nOWN='{own}'\nOTHER='{other}'\nCALL='{call}'\nTOKEN='{stolen}'\nCOOKIE='{cookie}'\n{WAYS}"
    );
    for way in ["plain", "env-i", "setsid", "orphaned"] {
        for shown in ["nothing", "token", "print", "cookie"] {
            for (wish, words) in WISHES {
                lines.push_str(&format!("ask {way} {shown} '{wish}' {words}\n"));
            }
        }
        lines.push_str(&format!("ask {way} nothing link \"$BASE{link}\"\n"));
        let form = "--data-urlencode token=$TOKEN -H \"Origin: $BASE\"";
        lines.push_str(&format!("ask {way} form sign-in {form} \"$BASE/sign-in\"\n"));
    }
    home.write("ways.sh", &lines);
    alice.post(&format!("/v1/sessions/{own}/prompts"), &json!({ "text": "attack" })).done();
    let (_, ran) = alice.stream(&own, None).until("result");
    assert_eq!(ran["ok"], json!(true), "{ran}");
    let tried = home.read("tried");
    assert_eq!(tried.lines().count(), 4 * (4 * WISHES.len() + 2), "{tried}\n{ran}");
    for line in tried.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let statuses: &[&str] = match (fields[1], fields[2]) {
            (_, "link") | ("token" | "cookie" | "form", _) => &["403"],
            // Whoever tries many is made to wait.
            ("print", _) => &["401", "429"],
            _no_credential => &["401"],
        };
        assert!(statuses.contains(&fields[3]), "{line}");
    }
    assert!(home.read("said").contains("only a person may"), "{}", home.read("said"));
    assert_eq!(home.read("found").trim(), "0", "the token itself is in the file of people");
    // Nothing of it happened, and the person can do all of it.
    assert_eq!(alice.get("/v1/sessions").done()["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(alice.get(&format!("/v1/sessions/{own}/mode")).done()["mode"], "yolo:4.00");
    assert_eq!(alice.get(&format!("/v1/sessions/{other}")).done()["questions"], json!(1));
    assert!(!home.path("work/never").exists());
    let answered = alice.post(&format!("/v1/sessions/{other}/questions/{call}"), &json!({ "answer": "once" }));
    assert_eq!(answered.status, 200, "{}", answered.body);
    wait_until("what was allowed has run", || home.path("work/never").exists());
    assert_eq!(served.client("").get(&link).status, 200, "the link was not used up");
}

/// Signs somebody in with a token as a browser does, and gives the cookie.
fn alice_in_a_browser(served: &Served, token: &str) -> String {
    let origin = format!("http://{}", served.address);
    let form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", origin.as_str())];
    let entered = served.client("").raw("POST", "/sign-in", &form, format!("token={token}").as_bytes());
    assert_eq!(entered.status, 200, "{}", entered.body);
    entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn a_stream_ends_with_what_its_reader_showed() {
    let (_home, served, _alice) = playing(Script::new().say("Hello."));
    let browser = served.browser();
    let id = browser.begin(&json!({}));
    let mut stream = browser.stream(&id, None);
    stream.until("caught_up");
    let out = browser.send("POST", "/sign-out", None);
    assert!(out.status < 400, "{}", out.body);
    assert!(stream.next().is_none());
    browser.get(&format!("/v1/sessions/{id}")).assert_problem(401, "sign_in_first");
}
