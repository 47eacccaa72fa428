//! `Idempotency-Key`: what has a name of the client's own is done once.
//!
//! Not here: requests without one.

use crate::serve::{Client, playing, whole_token};
use crate::support::{Home, Script, wait_until};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{Read, Write};

fn count(client: &Client) -> usize {
    client.get("/v1/sessions").done()["sessions"].as_array().unwrap().len()
}

fn keyed(client: &Client, key: &str) -> Client {
    client.clone().with("Idempotency-Key", key)
}

#[test]
fn the_same_key_gives_the_same_answer_and_nothing_is_done_twice() {
    let (_home, _served, alice) = playing(Script::new().say("One.").say("Two."));
    let first = keyed(&alice, "k1").post("/v1/sessions", &json!({ "title": "a" }));
    let again = keyed(&alice, "k1").post("/v1/sessions", &json!({ "title": "a" }));
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!(count(&alice), 1);
    keyed(&alice, "k1").post("/v1/sessions", &json!({ "title": "b" })).assert_problem(422, "key_reused");
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let prompts = format!("/v1/sessions/{id}/prompts");
    keyed(&alice, "k1").post(&prompts, &json!({ "text": "a" })).assert_problem(422, "key_reused");
    for _ in 0..3 {
        assert_eq!(keyed(&alice, "k2").post(&prompts, &json!({ "text": "hello" })).status, 202);
    }
    alice.stream(&id, None).until("end");
    let events = alice.get(&format!("/v1/sessions/{id}/events")).done();
    let prompted = events["events"].as_array().unwrap().iter().filter(|it| it["event"]["type"] == "prompt").count();
    assert_eq!(prompted, 1, "{events}");
    for bad in ["", "two words", &"k".repeat(201)] {
        keyed(&alice, bad).post("/v1/sessions", &json!({})).assert_problem(400, "malformed");
    }
    // What was refused was not done, and may be tried again otherwise.
    keyed(&alice, "k3").post("/v1/sessions", &json!({ "mode": "no such mode" })).assert_problem(422, "refused");
    assert_eq!(keyed(&alice, "k3").post("/v1/sessions", &json!({})).status, 201);
    assert_eq!(count(&alice), 2);
}

#[test]
fn a_key_is_one_persons() {
    let home = Home::new();
    let (alice, bob) = (whole_token(&home, "alice"), whole_token(&home, "bob"));
    let served = crate::serve::Served::playing(&home, Script::new().say("Hello."));
    let (alice, bob) = (served.client(&alice), served.client(&bob));
    let of_alice = keyed(&alice, "k").post("/v1/sessions", &json!({})).done();
    let of_bob = keyed(&bob, "k").post("/v1/sessions", &json!({})).done();
    assert_ne!(of_alice["id"], of_bob["id"]);
    assert_eq!((count(&alice), count(&bob)), (1, 1));
    keyed(&served.client(""), "k").post("/v1/sessions", &json!({})).assert_problem(401, "sign_in_first");
}

#[test]
fn what_is_under_way_is_not_begun_again_and_is_done_though_the_client_hangs_up() {
    let (home, _served, alice) = playing(Script::new().say("Hello."));
    // A model's script is read when a session begins: this one comes through a pipe.
    let slow = home.pipe("slow.toml");
    let body: Value = json!({ "model": format!("script:{}", slow.display()) });
    let text = body.to_string();
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "k")];
    let hangs_up = alice.asked("POST", "/v1/sessions", &headers, text.as_bytes());
    let send = || keyed(&alice, "k").post("/v1/sessions", &body);
    // Once the pipe can be written to, the server reads it.
    let mut pipe = OpenOptions::new().write(true).open(&slow).unwrap();
    send().assert_problem(409, "in_use");
    keyed(&alice, "k").post("/v1/sessions", &json!({})).assert_problem(422, "key_reused");
    drop(hangs_up);
    // The server has seen that by the time it has answered somebody else on a connection that came later.
    assert_eq!(count(&alice), 0);
    send().assert_problem(409, "in_use");
    // Whoever reads it again finds a file.
    let script = "[[turn]]\ntext = \"Hello.\"\n";
    home.write("quick.toml", script);
    std::fs::rename(home.path("quick.toml"), &slow).unwrap();
    pipe.write_all(script.as_bytes()).unwrap();
    drop(pipe);
    let mut begun = send();
    wait_until("it is begun", || {
        begun = send();
        begun.status != 409
    });
    assert_eq!((begun.status, begun.header("idempotent-replayed")), (201, Some("true")), "{}", begun.body);
    assert_eq!(count(&alice), 1);
    // A second request of the other kind, read to its end, changes nothing of that.
    let mut rest = String::new();
    alice.asked("GET", "/v1/health", &[], b"").read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"ok\""), "{rest}");
}
