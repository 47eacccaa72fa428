//! `remit spend`, from outside: what sessions have cost, by kind, call by call, and since a while ago.
//!
//! Not here: holding and settling (that is `engine`).

use crate::support::{Home, Listening, Script, Standin, json_lines};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// A model at ten dollars for a million tokens of input, one for those from its cache, and a hundred for output.
fn dear() -> Script {
    Script::with_head("after = \"end\"\nprice = { input = \"10\", cache_read = \"1\", output = \"100\" }")
}

const COUNTED: &str = "usage = { input = 1200, cache_read = 1000, output = 30, reasoning = 10 }";

fn spent(home: &Home, words: &[&str]) -> Value {
    let ended = home.remit(&[&["spend", "--json"], words].concat()).end();
    ended.assert(0);
    serde_json::from_str(&ended.out).unwrap()
}

fn text(home: &Home, words: &[&str]) -> String {
    let ended = home.remit(&[&["spend"], words].concat()).end();
    ended.assert(0);
    ended.out
}

/// A decimal text in pico-dollars.
fn picos(amount: &Value) -> u64 {
    let (whole, fraction) = amount.as_str().unwrap().split_once('.').unwrap();
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// A session with every kind of paid call in YOLO, and one whose model costs something in Agent.
fn rich(home: &Home, hub: &Standin) -> String {
    home.configure(&format!("prices.write = \"0.05\"\nprices.shell = \"0.10\"\n[hf]\nendpoint = \"{}\"\n", hub.base));
    let job = json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "detach": true, "command": ["true"]});
    let schedule = json!({"operation": "scheduled run", "schedule": "@hourly", "flavor": "cpu-basic", "timeout": "1m",
                          "command": ["true"]});
    let script = dear()
        .turn("I write.", &[("write", json!({"path": "a.txt", "content": "x"})), ("hf_jobs", job)])
        .lines(COUNTED)
        .call("hf_jobs", schedule)
        .lines(COUNTED)
        .shell("exit 3")
        .lines(COUNTED)
        .say("That is all.")
        .lines(COUNTED);
    let ran = home.run(&home.script(script), &["--mode", "yolo:5"]).env("HF_TOKEN", "hf_test").end();
    // The schedule has no bound and is refused; the rest runs.
    ran.assert(3);
    ran.id()
}

#[test]
fn the_sums_by_kind_add_up_to_those_of_the_session() {
    let home = Home::new();
    let hub = Standin::start(&["jobs", "--token", "hf_test", "--speed", "0"]);
    let id = rich(&home, &hub);
    let spend = spent(&home, &[]);
    assert_eq!(spend["session"], json!(id), "the last session of this folder");
    assert_eq!(spend["spend"], home.show(&id)["spend"]);
    for purse in ["budget", "metered", "past_cap"] {
        let sums = &spend["spend"][purse];
        let kinds = spend["kinds"].as_array().unwrap().iter().filter(|kind| kind["purse"] == purse.replace('_', "-"));
        let mut added: BTreeMap<&str, u64> = BTreeMap::new();
        let mut unbounded = 0;
        for kind in kinds {
            unbounded += kind["money"]["unbounded"].as_u64().unwrap();
            for state in ["quoted", "held", "open", "settled", "overrun"] {
                *added.entry(state).or_default() += picos(&kind["money"][state]);
            }
        }
        for state in ["quoted", "held", "open", "settled", "overrun"] {
            assert_eq!(added.get(state).copied().unwrap_or(0), picos(&sums[state]), "{purse} {state}");
        }
        assert_eq!(Some(unbounded), sums["unbounded"].as_u64());
    }
    let calls = spend["calls"].as_array().unwrap();
    let settled: u64 = calls.iter().filter(|call| !call["settled"].is_null()).map(|call| picos(&call["settled"])).sum();
    assert_eq!(settled, picos(&spend["spend"]["budget"]["settled"]));
    let kinds: Vec<&str> = calls.iter().map(|call| call["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["request", "tool", "job", "request", "request", "tool", "request"]);
    assert_eq!((&calls[2]["state"], &calls[2]["quoted"]), (&json!("open"), &json!("1.00002")));
    // 200 at 10, 1,000 at 1 and 30 at 100 dollars a million; the cache saved 1,000 at 9.
    assert_eq!((&calls[0]["settled"], &calls[0]["saved"]), (&json!("0.006"), &json!("0.009")));
    let requests = &spend["requests"];
    assert_eq!((&requests["count"], &requests["cache_hit_permille"]), (&json!(4), &json!(833)));
    assert_eq!((&requests["tokens"]["input"], &requests["saved"]), (&json!(4_800), &json!("0.036")));
}

#[test]
fn a_person_sees_the_kinds_the_calls_and_the_cache() {
    let home = Home::new();
    let hub = Standin::start(&["jobs", "--token", "hf_test", "--speed", "0"]);
    let id = rich(&home, &hub);
    let text = text(&home, &[&id]);
    for words in [
        "in YOLO, in dollars",
        "requests",
        "other tools",
        "call by call",
        "a request to script:",
        "quoted 1.00002, open, in YOLO",
        "settled 0.006, in YOLO",
        "tokens: 4,800 in (cached 4,000, written to the cache 0), 120 out (reasoning 40)",
        "cache: 83.3 % of the input, which saved $0.036",
        "4 requests to the model",
    ] {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    assert!(!text.contains("Plan and Agent"), "{text}");
    let line = |label: &str| text.lines().find(|line| line.trim_start().starts_with(label)).unwrap().to_owned();
    let settled = line("settled");
    assert_eq!(settled.split_whitespace().collect::<Vec<_>>(), ["settled", "0.024", "0.00", "0.15", "0.174"], "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_spreadsheet_gets_a_line_for_each_request_and_each_paid_call() {
    let home = Home::new();
    let hub = Standin::start(&["jobs", "--token", "hf_test", "--speed", "0"]);
    let id = rich(&home, &hub);
    let csv = text(&home, &[&id, "--csv"]);
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 8, "{csv}");
    let heads: Vec<&str> = lines[0].split(',').collect();
    assert!(lines[1].starts_with(&format!("{id},")), "{csv}");
    let first: BTreeMap<&str, &str> = heads.iter().copied().zip(lines[1].split(',')).collect();
    assert_eq!((first["kind"], first["settled"], first["input_tokens"]), ("request", "0.006", "1200"), "{csv}");
    let program = "import csv, sys\nrows = list(csv.DictReader(sys.stdin))\n\
                   print(len(rows), sum(row['kind'] == 'tool' for row in rows), len({len(row) for row in rows}))";
    let read = home.start(&["python3", "-c", program]).input(csv.as_bytes()).end();
    read.assert(0);
    assert_eq!(read.out.trim(), "7 2 1");
}

#[test]
fn a_session_that_runs_and_one_that_was_killed_are_read_like_any_other() {
    let home = Home::new();
    home.configure("prices.shell = \"0.25\"\n");
    let (ready, go) = (home.pipe("work/ready"), home.pipe("work/go"));
    let listening = Listening::to(&ready);
    let script = home.script(dear().shell("echo now > ready; cat go").lines(COUNTED).say("Done.").lines(COUNTED));
    let mut running = home.run(&script, &["--mode", "yolo:5"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    assert_eq!(listening.line(), "now");
    let spend = spent(&home, &[&id]);
    let states: Vec<&str> =
        spend["calls"].as_array().unwrap().iter().map(|call| call["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["settled", "held"]);
    assert_eq!(spend["spend"]["budget"]["held"], "0.25");
    assert!(text(&home, &["--since", "1h"]).contains("held 0.25"));
    running.kill();
    let killed = spent(&home, &[]);
    assert_eq!(killed["spend"]["budget"]["held"], "0.25", "what was held is not forgotten");
    assert_eq!(killed["calls"][1]["state"], "held");
    // Where the command has outlived the program, its pipe ends here.
    drop(fs::OpenOptions::new().read(true).write(true).open(&go).unwrap());
    home.remit(&["resume", &id]).end().assert(0);
    let after = spent(&home, &[&id]);
    assert_eq!((&after["calls"][1]["state"], &after["spend"]["budget"]["open"]), (&json!("open"), &json!("0.25")));
}

/// Changes the database behind the program's back.
fn change(home: &Home, statement: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); n = c.execute(sys.argv[2]).rowcount; c.commit(); sys.exit(n < 1)";
    let database = home.path("data/remit/sessions.db");
    let changed = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status().unwrap();
    assert!(changed.success(), "nothing was changed by {statement}");
}

#[test]
fn only_what_was_booked_since_counts() {
    let home = Home::new();
    let one = home.script(dear().say("1").lines(COUNTED).say("2").lines(COUNTED));
    let old = home.run(&one, &["--mode", "yolo:5"]).end().id();
    let young = home.run(&one, &["--mode", "yolo:5"]).end().id();
    let ids = |spend: &Value| {
        let mut ids: Vec<String> = spend["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["session"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    let mut both = vec![old.clone(), young.clone()];
    both.sort();
    assert_eq!(ids(&spent(&home, &["--since", "7d"])), both);
    let eight_days = 8 * 86_400_000_i64;
    // Its last record, the model's words, stays as it is: a session is taken up only when its end is intact.
    let but_the_last = format!("session = '{old}' AND seq < (SELECT max(seq) FROM records WHERE session = '{old}')");
    change(&home, &format!("UPDATE records SET at_ms = at_ms - {eight_days} WHERE {but_the_last}"));
    let week = spent(&home, &["--since", "7d"]);
    assert_eq!(ids(&week), [young.as_str()]);
    assert_eq!(week["total"]["money"]["budget"]["settled"], "0.006");
    let month = spent(&home, &["--since", "4w"]);
    assert_eq!((ids(&month), &month["total"]["money"]["budget"]["settled"]), (both, &json!("0.012")));
    // The old session goes on: what it books now counts, what it booked then does not.
    home.remit(&["resume", &old]).end().assert(0);
    let week = spent(&home, &["--since", "7d"]);
    let row = week["sessions"].as_array().unwrap().iter().find(|row| row["session"] == json!(old)).unwrap();
    assert_eq!((&row["money"]["budget"]["settled"], &row["requests"]["count"]), (&json!("0.006"), &json!(1)));
    assert_eq!(week["total"]["money"]["budget"]["settled"], "0.012");
    let csv = text(&home, &["--since", "7d", "--csv"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let told = text(&home, &["--since", "7d"]);
    assert!(
        told.contains(&young) && told.contains("all of them, in dollars") && told.contains("settled 0.006"),
        "{told}"
    );
}

#[test]
fn a_session_that_cannot_be_read_is_left_out_and_that_is_said() {
    let home = Home::new();
    let model = home.script(dear().say("1").lines(COUNTED));
    let damaged = home.run(&model, &["--mode", "yolo:5"]).end().id();
    let whole = home.run(&model, &["--mode", "yolo:5"]).end().id();
    change(&home, &format!("UPDATE records SET body = '{{' WHERE kind = 'request' AND session = '{damaged}'"));
    let ended = home.remit(&["spend", "--since", "1h", "--json"]).end();
    ended.assert(1);
    assert!(ended.err.contains(&format!("session `{damaged}` is left out")), "{}", ended.err);
    let spend = &json_lines(&ended.out)[0];
    assert_eq!((&spend["unreadable"], &spend["sessions"][0]["session"]), (&json!(1), &json!(whole)));
    assert_eq!(spend["total"]["money"]["budget"]["settled"], "0.006");
    home.remit(&["spend", &damaged]).end().assert(1);
}

#[test]
fn requests_without_a_price_are_counted_and_in_no_sum() {
    let home = Home::new();
    home.write("served.toml", "after = \"end\"\n[[turn]]\ntext = \"Hello.\"\nusage = { input = 50, output = 5 }\n");
    let model = Standin::start(&["model", "--script", &home.text_path("served.toml")]);
    home.configure(&format!("[providers.local]\nbase_url = \"{}/v1\"\n", model.base));
    home.run("local/served", &["--mode", "agent"]).end().assert(0);
    let spend = spent(&home, &[]);
    assert_eq!((&spend["requests"]["unpriced"], &spend["requests"]["tokens"]["input"]), (&json!(1), &json!(50)));
    assert_eq!((&spend["calls"][0]["state"], &spend["calls"][0]["settled"]), (&json!("unpriced"), &Value::Null));
    assert!(text(&home, &[]).contains("1 request to the model, 1 without a price and in no sum"));
    assert!(text(&home, &["--since", "1h"]).contains("1 of 1 requests have no price"));
}

#[test]
fn where_there_is_nothing_to_show_that_is_said() {
    let home = Home::new();
    assert_eq!(text(&home, &["--since", "7d"]), "nothing was booked since then\n");
    assert!(!home.path("data/remit").exists(), "looking makes nothing");
    home.remit(&["spend"]).end().assert(2);
    let model = home.script(Script::new().say("Hello."));
    home.run(&model, &[]).end().assert(0);
    assert!(json_lines(&text(&home, &["--json"]))[0]["kinds"].as_array().unwrap().is_empty());
    home.write("other/x", "");
    let elsewhere = home.remit(&["spend"]).folder(home.path("other")).end();
    elsewhere.assert(2);
    assert!(elsewhere.err.contains("no session of") && elsewhere.err.contains("--since 7d"), "{}", elsewhere.err);
    for words in [
        &["nobody"][..],
        &["--since", "7"],
        &["--since", "soon"],
        &["--since", "0d"],
        &["x", "--since", "7d"],
        &["--json", "--csv"],
    ] {
        home.remit(&[&["spend"], words].concat()).end().assert(2);
    }
}

#[test]
fn a_run_ends_with_what_was_paid_for_by_kind_and_by_call() {
    let home = Home::new();
    home.configure("prices.write = \"0.05\"\n");
    let script =
        dear().call("write", json!({"path": "a.txt", "content": "x"})).lines(COUNTED).say("Done.").lines(COUNTED);
    let run = |model: &str, mode: &str| {
        let ended = home.remit(&["run", "--mode", mode, "--model", model, "go"]).end();
        ended.assert(if mode == "yolo:0" { 4 } else { 0 });
        ended.out
    };
    let shown = run(&home.script(script), "yolo:5");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let settled = shown.lines().map(words).find(|words| words.first().is_some_and(|word| word == "settled"));
    assert_eq!(settled.unwrap(), ["settled", "0.012", "0.05", "0.062"], "{shown}");
    for line in ["  write a.txt (1 B)", "quoted 0.05, settled 0.05, in YOLO"] {
        assert!(shown.contains(line), "no `{line}`: {shown}");
    }
    assert!(shown.contains("each call and each request: remit spend "), "{shown}");
    let free = run(&home.script(Script::new().say("Done.")), "yolo:5");
    assert!(!free.contains("remit spend"), "nothing was paid for: {free}");
    let stopped = run(&home.script(dear().say("Done.")), "yolo:0");
    assert!(stopped.contains("to go on under a higher cap: remit resume "), "{stopped}");
}
