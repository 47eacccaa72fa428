//! The rows of `contract-cases.toml`, each judged over HTTP by a server that is configured as the row says: by `POST /v1/explain`
//! where the row is about a call in a new session, and by a session of its own where it is about what went before.
//!
//! Not here: what happens to the world (that is `cases`).

use crate::serve::{Client, Served, Stream, whole_token};
use crate::support::{Home, REMIT, Script, Standin};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract-cases.toml");

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// What a row can say. Of a sub-agent's call its row says that it is judged as its parent's is, and over HTTP there are only a
/// parent's.
const FIELDS: [&str; 17] = [
    "id",
    "mode",
    "tool",
    "args",
    "expect",
    "decided_by",
    "price",
    "prohibitions",
    "hf_secrets",
    "prices",
    "setup",
    "spent",
    "held",
    "attended",
    "answered",
    "from_subagent",
    "why",
];

/// A row.
#[derive(Deserialize)]
struct Case {
    id: String,
    mode: String,
    tool: String,
    args: Value,
    expect: String,
    decided_by: Option<String>,
    price: Option<String>,
    #[serde(flatten)]
    world: World,
    #[serde(flatten)]
    before: Before,
}

/// What the person has configured, and what is in the folder.
#[derive(Deserialize)]
struct World {
    #[serde(default)]
    prohibitions: Vec<String>,
    #[serde(default)]
    hf_secrets: Vec<String>,
    #[serde(default)]
    prices: BTreeMap<String, String>,
    setup: Option<String>,
}

/// What went before the call.
#[derive(Deserialize)]
struct Before {
    spent: Option<String>,
    held: Option<String>,
    attended: Option<bool>,
    #[serde(default)]
    answered: Vec<String>,
}

impl Case {
    /// The configuration that the row speaks of, with a forge.
    fn configuration(&self, home: &Home) -> String {
        let list = |words: &[String]| toml::Value::from(words.to_vec()).to_string();
        let forge = [REMIT, "__standin", "forge", "--stdio", "--allow-delete", "--repo"].map(str::to_owned);
        let forge = [forge.as_slice(), &[home.text_path("remote.git")]].concat();
        let mut text =
            format!("prohibitions = {}\n[mcp.forge]\ncommand = {}\n", list(&self.world.prohibitions), list(&forge));
        for name in &self.world.hf_secrets {
            text.push_str(&format!("[hf.secrets.{name}]\nvalue = \"hf_spends\"\n"));
        }
        text.push_str("[prices]\n");
        for (tool, price) in &self.world.prices {
            text.push_str(&format!("\"{tool}\" = \"{price}\"\n"));
        }
        text
    }

    /// The arguments. The rows declare their servers' tools without any; the forge wants to know the branches.
    fn arguments(&self) -> Value {
        let mut args = self.args.clone();
        if self.tool == "mcp:forge/create_pull_request" && args.get("head").is_none() {
            args["head"] = json!("feature-x");
            args["base"] = json!("main");
        }
        args
    }

    /// What rows share a server by.
    fn place(&self) -> String {
        format!(
            "{:?} {:?} {:?} {:?}",
            self.world.prohibitions, self.world.hf_secrets, self.world.prices, self.world.setup
        )
    }

    #[track_caller]
    fn check(&self, verdict: &Value, decided_by: &Value, price: Option<&Value>) {
        assert_eq!(verdict, &json!(self.expect), "{}", self.id);
        if let Some(by) = &self.decided_by {
            assert_eq!(decided_by, &json!(by), "{}", self.id);
        }
        if let (Some(expected), Some(price)) = (&self.price, price) {
            assert_eq!(price, &json!(expected), "{}", self.id);
        }
    }
}

fn home() -> Home {
    let home = Home::new();
    home.git(&["init", "-q"]);
    home.git(&["init", "-q", "--bare", "../remote.git"]);
    home.write("work/src/main.rs", "fn main() {}\n");
    home.write("work/.env", "a\n");
    home.program("cargo", "true");
    home
}

fn served(home: &Home, configuration: &str) -> (Served, Client) {
    home.configure(configuration);
    let token = whole_token(home, "alice");
    let served = Served::of(home.remit(&["serve", "--listen", "127.0.0.1:0"]).env("HF_TOKEN", "hf_test"));
    let alice = served.client(&token);
    (served, alice)
}

#[test]
fn what_the_contract_answers_is_answered_over_http() {
    let text = std::fs::read_to_string(CASES).unwrap();
    let rows: toml::Table = toml::from_str(&text).unwrap();
    let said = rows["case"].as_array().unwrap().iter().flat_map(|row| row.as_table().unwrap().keys());
    said.for_each(|field| assert!(FIELDS.contains(&field.as_str()), "nothing here heeds `{field}`"));
    let cases: Cases = toml::from_str(&text).unwrap();
    let count = cases.case.len();
    let is_about_before =
        |case: &Case| !case.before.answered.is_empty() || case.before.spent.is_some() || case.before.held.is_some();
    let (before, alone): (Vec<Case>, Vec<Case>) = cases.case.into_iter().partition(is_about_before);
    let mut by_place: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in alone {
        by_place.entry(case.place()).or_default().push(case);
    }
    let explained: usize = by_place.values().map(|cases| explain_all(cases)).sum();
    for case in &before {
        if case.before.answered.is_empty() { after_spending(case) } else { after_an_answer(case) }
    }
    assert_eq!((explained + before.len(), before.len()), (count, 5), "a row was not judged, or not as it was meant");
}

/// Has every row explained by one server.
fn explain_all(cases: &[Case]) -> usize {
    let home = home();
    if let Some(link) = cases[0].world.setup.as_ref().and_then(|line| line.strip_prefix("symlink ")) {
        let (name, target) = link.split_once(" -> ").unwrap();
        std::os::unix::fs::symlink(target, home.path("work").join(name)).unwrap();
    }
    let (_served, alice) = served(&home, &cases[0].configuration(&home));
    for case in cases {
        let attendance = if case.before.attended == Some(false) { "unattended" } else { "attended" };
        let call = json!({
            "mode": case.mode,
            "attendance": attendance,
            "workspace": home.text_path("work"),
            "tool": case.tool,
            "arguments": case.arguments(),
        });
        let explained = alice.post("/v1/explain", &call).done();
        case.check(&explained["verdict"], &explained["decided_by"], Some(&explained["price"]));
    }
    // Nothing ran, and no session was begun.
    assert_eq!(alice.get("/v1/sessions").done()["sessions"], json!([]));
    cases.len()
}

/// The decision about the last call of a session that is told to go on.
fn decision(alice: &Client, id: &str, stream: &mut Stream) -> Value {
    alice.post(&format!("/v1/sessions/{id}/prompts"), &json!({ "text": "go on" })).done();
    stream.until("decision").1
}

/// Judges a row's call in a session in which a person has answered for the session.
fn after_an_answer(case: &Case) {
    let home = home();
    let (tool, command) = case.before.answered[0].split_once(": ").unwrap();
    assert_eq!((tool, case.before.answered.len()), ("shell", 1), "{}", case.id);
    let script = Script::new().shell(command).say("Done.").call(&case.tool, case.arguments()).say("Done.");
    let model = format!("model = \"{}\"\n", home.script(script));
    let (_served, alice) = served(&home, &(model + &case.configuration(&home)));
    let id = alice.begin(&json!({ "prompt": "go", "workspace": home.text_path("work") }));
    let mut stream = alice.stream(&id, None);
    let call = stream.until("question").1["call"].as_str().unwrap().to_owned();
    let path = |rest: &str| format!("/v1/sessions/{id}{rest}");
    alice.post(&path(&format!("/questions/{call}")), &json!({ "answer": "session" })).done();
    assert_eq!(alice.get(&path("/answers")).done()["grants"], json!(case.before.answered), "{}", case.id);
    stream.until("end");
    if case.mode != "agent" {
        alice.send("PUT", &path("/mode"), Some(&json!({ "mode": case.mode }))).done();
    }
    let decided = decision(&alice, &id, &mut stream);
    case.check(&decided["outcome"], &decided["decided_by"], None);
    let asked = alice.get(&path("/questions")).done()["questions"].as_array().unwrap().len();
    assert_eq!(asked > 0, case.expect == "ask", "{}", case.id);
}

/// Judges a row's call in a session that has spent, and holds money for a job that runs.
fn after_spending(case: &Case) {
    assert_eq!(
        (case.before.spent.as_deref(), case.before.held.as_deref()),
        (Some("2.00"), Some("1.00")),
        "{}",
        case.id
    );
    let home = home();
    let jobs = Standin::start(&["jobs", "--token", "hf_test", "--user", "ada", "--speed", "0", "--unit", "hour"]);
    let job = json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["true"], "detach": true});
    let script = Script::new()
        .call("mcp:forge/frobnicate", json!({}))
        .call("hf_jobs", job)
        .say("Done.")
        .call(&case.tool, case.arguments())
        .say("Done.");
    let model = format!("model = \"{}\"\n", home.script(script));
    let rest = format!("\"mcp:forge/frobnicate\" = \"2.00\"\n[hf]\nendpoint = \"{}\"\n", jobs.base);
    let (_served, alice) = served(&home, &(model + &case.configuration(&home) + &rest));
    let id = alice.begin(&json!({ "mode": case.mode, "prompt": "go", "workspace": home.text_path("work") }));
    let mut stream = alice.stream(&id, None);
    // A job that goes on when the turn is over has an unknown outcome: its hold is open, and counts all the same.
    let spend = stream.until("end").1["spend"].clone();
    let budget = &spend["budget"];
    assert_eq!((&budget["settled"], &budget["open"]), (&json!("2.00"), &json!("1.00")), "{}: {spend}", case.id);
    assert_eq!(spend["left"], "2.00", "{}: {spend}", case.id);
    let decided = decision(&alice, &id, &mut stream);
    case.check(&decided["outcome"], &decided["decided_by"], None);
    let question = stream.until("question").1;
    assert!(question["raise_to"].is_string(), "{question}");
    assert_eq!(jobs.state()["launches"], json!(1));
}
