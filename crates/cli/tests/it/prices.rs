//! `remit prices`, and the router's own list of prices, from outside.
//!
//! Not here: what the prices are (that is `pricing`).

use crate::support::{Home, PATIENCE, Script, Standin};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

const KEPT: &str = "home/.cache/remit/router-models.json";

fn said(home: &Home, words: &[&str]) -> String {
    let ended = home.remit(&[&["prices"], words].concat()).end();
    ended.assert(0);
    ended.out
}

fn as_json(home: &Home, words: &[&str]) -> Value {
    serde_json::from_str(&said(home, &[words, &["--json"]].concat())).unwrap()
}

/// A router on loopback: it lists two models, and answers every question to a model with the same words.
struct Router {
    address: SocketAddr,
    status: Arc<Mutex<&'static str>>,
    asked: Receiver<String>,
    over: Arc<AtomicBool>,
}

const LIST: &str = r#"{"object": "list", "data": [
    {"id": "org/big", "providers": [
        {"provider": "cheap", "status": "live", "context_length": 131072, "pricing": {"input": 0.1, "output": 0.3}},
        {"provider": "dear", "status": "live", "context_length": 65536, "pricing": {"input": 2, "output": 2.5}}]},
    {"id": "org/silent", "providers": [{"provider": "cheap", "status": "live"}]}]}"#;
const ANSWER: &str = r#"{"id": "x", "model": "org/big", "choices": [{"index": 0, "finish_reason": "stop",
    "message": {"role": "assistant", "content": "Hello."}}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}}"#;

impl Router {
    fn start() -> Router {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = channel();
        let (status, over) = (Arc::new(Mutex::new("200 OK")), Arc::new(AtomicBool::new(false)));
        let (now, is_over) = (Arc::clone(&status), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let status = *now.lock().unwrap();
                if let Some(head) = answer(stream, status) {
                    let _ = tell.send(head);
                }
            }
        });
        Router { address, status, asked, over }
    }

    fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    fn configure(&self, home: &Home, more: &str) {
        home.configure(&format!("{more}\n[providers.huggingface]\nbase_url = \"{}\"\n", self.base()));
    }

    /// From now on the list has this status.
    fn fail(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    /// What was asked so far.
    fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request; what comes back is its head.
fn answer(mut stream: TcpStream, status: &str) -> Option<String> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((_, value)) = line.to_lowercase().split_once("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let (status, body) = if head.starts_with("GET /v1/models ") { (status, LIST) } else { ("200 OK", ANSWER) };
    let (kind, size) = ("application/json", body.len());
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    Some(head)
}

/// Makes the kept list older.
fn age(home: &Home, hours: i64) {
    let mut kept: Value = serde_json::from_str(&home.read(KEPT)).unwrap();
    let asked = kept["asked_at_ms"].as_i64().unwrap();
    kept["asked_at_ms"] = json!(asked - hours * 3_600_000);
    home.write(KEPT, &kept.to_string());
}

#[test]
fn everything_is_listed_with_its_source_in_eighty_columns() {
    let home = Home::new();
    home.configure(
        "models.\"local/mine\".price = { input = \"0.28\", output = \"0.42\" }\nproviders.ollama.free = true\n\
         prices.\"mcp:images/generate\" = \"0.05\"\n",
    );
    let text = said(&home, &[]);
    for line in text.lines() {
        assert!(line.chars().count() <= 80 || line.trim().starts_with("https://"), "{line}");
    }
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no `{words}` in\n{text}"));
    assert!(at("your own prices") < at("local/mine") && at("local/mine") < at("anthropic:"));
    assert!(at("zai:") < at("mcp:images/generate") && at("mcp:images/generate") < at("a10g-small"));
    for words in ["your configuration", "ollama/*", "above 272,000", "bundled table of 20", "https://", "a10g-small"] {
        at(words);
    }
    assert!(text.contains("the documented prices of 20"), "no Hub is configured, so none was asked");
    let whole = as_json(&home, &[]);
    let models = whole["models"].as_array().unwrap();
    assert_eq!((&models[0]["name"], &models[0]["tiers"][0]["cached_input"]), (&json!("local/mine"), &json!("0.28")));
    assert!(models.len() > 80 && models.iter().all(|model| model["source"]["says"].is_string()));
    assert_eq!(whole["tools"], json!([{"name": "mcp:images/generate", "price": "0.05"}]));
    assert!(!home.path("home/.cache").exists(), "nobody was asked, and nothing kept");
}

#[test]
fn a_name_or_a_part_of_one_finds_what_it_is_about() {
    let home = Home::new();
    home.configure(
        "models.\"anthropic/claude-haiku-4-5\".price = { input = \"7\", output = \"8\", reasoning = \"9\" }\n\
         prices.web_fetch = \"0.001\"\n[providers.openai]\nbase_url = \"http://127.0.0.1:9/v1\"\n",
    );
    let own = as_json(&home, &["anthropic/claude-haiku-4-5"]);
    assert_eq!(own["models"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&own["models"][0]["source"]["kind"], &own["models"][0]["tiers"][0]["reasoning"]),
        (&json!("configuration"), &json!("9.00"))
    );
    let bundled = as_json(&home, &["anthropic/claude-opus-4-5-20251101"]);
    let model = &bundled["models"][0];
    assert_eq!((&model["aliases"], &model["context_tokens"]), (&json!(["claude-opus-4-5"]), &json!(200_000)));
    assert_eq!((&model["source"]["kind"], model["tiers"][0]["input"].as_str()), (&json!("bundled"), Some("5.00")));
    assert!(model["source"]["age_days"].is_number(), "{model}");
    let part = as_json(&home, &["CLAUDE-OPUS"]);
    let found = part["models"].as_array().unwrap();
    assert!(found.len() > 5 && found.iter().all(|model| model["name"].as_str().unwrap().contains("claude-opus")));
    assert_eq!(as_json(&home, &["web_fetch"])["tools"][0]["price"], "0.001");
    let flavor = as_json(&home, &["a10g-small"]);
    assert_eq!(flavor["hardware"]["flavors"].as_array().unwrap().len(), 1);
    assert_eq!(flavor["hardware"]["flavors"][0]["per_hour"], "1.00");
    assert!(flavor["models"].as_array().unwrap().is_empty());
    let elsewhere = said(&home, &["gpt-5"]);
    assert!(elsewhere.contains("`providers.openai` has an address of its own"), "{elsewhere}");
    let script = home.script(Script::with_head("price = { input = \"1\", output = \"2\" }"));
    assert_eq!(as_json(&home, &[&script])["models"][0]["source"]["kind"], "script");
}

#[test]
fn a_name_that_nobody_knows_is_an_error_with_what_is_near() {
    let home = Home::new();
    for (name, says, near) in [
        ("anthropic/claude-opus-55", "`anthropic/claude-opus-55` is not known", "anthropic/claude-opus-5-5"),
        ("claud-opus-5-5", "called `claud-opus-5-5`", "anthropic/claude-opus-5-5"),
        ("a10g-smal1", "called `a10g-smal1`", "a10g-small"),
        ("ollama/llama", "`ollama/llama` is not known", "remit prices"),
    ] {
        let ended = home.remit(&["prices", name]).end();
        ended.assert(2);
        assert!(ended.err.contains(says) && ended.err.contains(near), "{name}: {}", ended.err);
        assert!(ended.out.is_empty());
    }
}

#[test]
fn hardware_is_what_the_hub_lists_and_a_fallback_says_that_it_is_one() {
    let home = Home::new();
    let hub = Standin::start(&["jobs", "--token", "hf_test"]);
    home.configure(&format!("[hf]\nendpoint = \"{}\"\n", hub.base));
    let asked = |name: &str| {
        let ended = home.remit(&["prices", name, "--json"]).env("HF_TOKEN", "hf_test").end();
        ended.assert(0);
        assert!(!ended.out.contains("hf_test") && !ended.err.contains("hf_test"));
        serde_json::from_str::<Value>(&ended.out).unwrap()["hardware"].clone()
    };
    let live = asked("a10g-small");
    assert_eq!((&live["source"]["kind"], &live["flavors"][0]["minutes"]), (&json!("hub"), &json!(1)));
    hub.http("POST", "/_standin/inject", Some(&json!({"kind": "fail", "on": "hardware", "status": 503})));
    let fallback = asked("a10g-small");
    assert_eq!((&fallback["source"]["kind"], &fallback["flavors"][0]["usd"]), (&json!("fallback"), &json!("1.00")));
    assert!(fallback["source"]["says"].as_str().unwrap().contains("status 503"), "{fallback}");
    let model = home.remit(&["prices", "claude-opus-5-5"]).env("HF_TOKEN", "hf_test").end();
    model.assert(0);
    let requests = hub.state()["requests"].as_array().unwrap().len();
    assert_eq!(requests, 2, "a model's price is none of the Hub's business");
}

#[test]
fn the_routers_list_is_asked_for_once_and_kept_for_hours() {
    let (home, router) = (Home::new(), Router::start());
    router.configure(&home, "");
    let model = as_json(&home, &["huggingface/org/big"])["models"][0].clone();
    assert_eq!((&model["name"], &model["context_tokens"]), (&json!("huggingface/org/big"), &json!(65_536)));
    assert_eq!((&model["tiers"][0]["input"], &model["tiers"][0]["output"]), (&json!("2.00"), &json!("2.50")));
    let asked = router.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /v1/models HTTP/1.1\r\n"), "{asked:?}");
    assert!(!asked[0].to_lowercase().contains("authorization"), "the list is for everybody: {asked:?}");
    let cheap = as_json(&home, &["huggingface/org/big:cheap"])["models"][0].clone();
    assert_eq!(cheap["tiers"][0]["input"], "0.10");
    let all = said(&home, &["huggingface"]);
    assert!(
        all.contains("org/silent") && all.contains("no price") && all.contains("the router's list, asked for"),
        "{all}"
    );
    assert!(router.asked().is_empty(), "the kept list is fresh");
    let stranger = home.remit(&["prices", "huggingface/org/bigg"]).end();
    stranger.assert(2);
    assert!(stranger.err.contains("near to it: org/big"), "{}", stranger.err);

    age(&home, 7);
    assert!(said(&home, &["huggingface/org/big"]).contains("asked for just now"));
    assert_eq!(router.asked().len(), 1, "hours later it is asked for again");
    age(&home, 7);
    router.fail("503 Service Unavailable");
    let stale = said(&home, &["huggingface/org/big"]);
    let stale: Vec<&str> = stale.split_whitespace().collect();
    let stale = stale.join(" ");
    assert!(stale.contains("asked for 7 hours ago") && stale.contains("status 503"), "{stale}");
    age(&home, 18);
    let ended = home.remit(&["prices", "huggingface/org/big"]).end();
    ended.assert(1);
    assert!(ended.err.contains("could not be had: status 503"), "{}", ended.err);
    fs::write(home.path(KEPT), "{\"base_url\":").unwrap();
    router.fail("200 OK");
    said(&home, &["huggingface/org/big"]);
}

#[test]
fn a_capped_run_holds_what_the_router_lists() {
    let (home, router) = (Home::new(), Router::start());
    router.configure(&home, "");
    let ran = home.run("huggingface/org/big", &["--mode", "yolo:5"]).env("HF_TOKEN", "hf_hush").end();
    ran.assert(0);
    // A thousand tokens in at 2 dollars a million, ten out at 2.50.
    assert_eq!(ran.event("end")["spend"]["budget"]["settled"], "0.002025");
    let asked = router.asked();
    assert!(asked[0].starts_with("GET /v1/models ") && !asked[0].contains("hf_hush"), "{asked:?}");
    let unpriced = home.run("huggingface/org/silent", &["--mode", "yolo:5"]).end();
    unpriced.assert(2);
    assert!(unpriced.err.contains("the router lists no price for it"), "{}", unpriced.err);
    let free = home.script(Script::new().say("Hello."));
    home.run(&free, &["--mode", "yolo:5"]).end().assert(0);
    assert!(router.asked().is_empty(), "no other model is any of the router's business");

    let id = home.run("huggingface/org/big", &["--mode", "agent"]).end().id();
    home.remit(&["mode", &id, "yolo:2"]).end().assert(0);
    age(&home, 25);
    router.fail("500 Internal Server Error");
    let capped = home.run("huggingface/org/big", &["--mode", "yolo:5"]).end();
    capped.assert(2);
    assert!(capped.err.contains("the router's list could not be had: status 500"), "{}", capped.err);
    home.remit(&["mode", &id, "yolo:3"]).end().assert(2);
}
