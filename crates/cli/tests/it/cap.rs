//! The model's own requests under a cap, from outside: what a model without a price is answered, how an answer is limited to
//! what still fits, and how a session pauses at the cap and goes on.
//!
//! Not here: how holds are reckoned (that is `engine`), or how they are shown (that is `spend`).

use crate::support::{Ended, Home, Script, Standin};
use serde_json::{Value, json};

/// The name of the model that the stand-in plays.
const MODEL: &str = "local/any";

/// A model's service on loopback, with these lines for it in the configuration.
fn service(home: &Home, more: &str) -> Standin {
    let service = Standin::start(&["model", "--turns", "0"]);
    home.configure(&format!("[providers.local]\nbase_url = \"{}/v1\"\n{more}", service.base));
    service
}

/// What the service was asked.
fn asked(service: &Standin) -> Vec<Value> {
    service.http("GET", "/_standin/requests", None).as_array().unwrap().clone()
}

/// A decimal text in pico-dollars.
fn picos(amount: &Value) -> u64 {
    let (whole, fraction) = amount.as_str().unwrap().split_once('.').unwrap();
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// What was refused, by name and price.
fn refused(ended: &Ended) -> Vec<Value> {
    ended.event("end")["refused"].as_array().unwrap().iter().map(|call| call["price"].clone()).collect()
}

const NO_PRICE: [&str; 4] = ["has no price", "models.\"local/any\".price", "or call it free", "yolo:uncapped"];

#[test]
fn a_model_without_a_price_cannot_be_capped_and_the_ways_out_are_said_when_the_mode_is_picked() {
    let home = Home::new();
    let service = service(&home, "");
    for mode in [&["--mode", "yolo:5"][..], &["--mode", "yolo"], &["--cap", "3"]] {
        let ended = home.run(MODEL, mode).end();
        ended.assert(2);
        for way in NO_PRICE {
            assert!(ended.err.contains(way), "no `{way}` in {}", ended.err);
        }
    }
    assert!(home.sessions().is_empty() && asked(&service).is_empty(), "something was begun");

    let id = home.run(MODEL, &[]).end().id();
    for words in [&["resume", &id, "--mode", "yolo:5"][..], &["resume", &id, "--cap", "5"], &["mode", &id, "yolo:5"]] {
        let ended = home.remit(words).end();
        ended.assert(2);
        assert!(ended.err.contains("models.\"local/any\".price"), "{}", ended.err);
    }
    assert_eq!(asked(&service).len(), 1);
    assert_eq!(home.show(&id)["mode"], "agent");
    home.verify(&id);
}

#[test]
fn a_model_without_a_price_runs_where_there_is_no_cap_and_its_tokens_alone_are_counted() {
    let home = Home::new();
    let _service = service(&home, "");
    for mode in ["plan", "agent", "yolo:uncapped"] {
        let ended = home.run(MODEL, &["--mode", mode]).end();
        ended.assert(0);
        let notes = ended.event("session")["notes"].clone();
        assert!(notes[0].as_str().unwrap().contains("in tokens alone"), "{notes}");
        let end = ended.event("end");
        assert_eq!((&end["spend"]["requests"], &end["spend"]["unpriced"]), (&json!(1), &json!(1)));
        assert!(end["tokens"]["input"].as_u64().unwrap() > 100, "{end}");
        for sum in ["budget", "metered"] {
            assert_eq!((&end["spend"][sum]["quoted"], &end["spend"][sum]["settled"]), (&json!("0.00"), &json!("0.00")));
        }
    }
}

#[test]
fn each_of_the_ways_out_is_one() {
    let home = Home::new();
    for more in ["free = true\n", "[models.\"local/any\"]\nprice = \"free\"\n"] {
        let _service = service(&home, more);
        let ended = home.run(MODEL, &["--mode", "yolo:0"]).end();
        ended.assert(0);
        let end = ended.event("end");
        assert_eq!((&end["spend"]["left"], &end["spend"]["unpriced"]), (&json!("0.00"), &json!(0)));
        assert_eq!(ended.event("session")["notes"], json!([]));
    }
    let service = service(&home, "[models.\"local/any\"]\nprice = { input = \"1\", output = \"2\" }\n");
    let ended = home.run(MODEL, &["--mode", "yolo:5"]).end();
    ended.assert(0);
    let end = ended.event("end");
    // A dollar a million tokens is a million pico-dollars a token.
    let tokens = |kind: &str| end["tokens"][kind].as_u64().unwrap() * 1_000_000;
    let settled = picos(&end["spend"]["budget"]["settled"]);
    assert_eq!(settled, tokens("input") + 2 * tokens("output"));
    assert_eq!(picos(&end["spend"]["left"]), 5_000_000_000_000 - settled);
    assert!(picos(&end["spend"]["budget"]["quoted"]) > settled, "{end}");
    assert_eq!(asked(&service)[0]["body"]["max_tokens"], 32_000);
}

#[test]
fn the_limit_of_an_answer_is_lowered_to_what_a_small_cap_pays_for() {
    let home = Home::new();
    let service = service(&home, "[models.\"local/any\"]\nprice = { input = \"1\", output = \"2\" }\n");
    let ended = home.run(MODEL, &["--mode", "yolo:0.05"]).end();
    ended.assert(0);
    let request = &asked(&service)[0];
    let limit = request["body"]["max_tokens"].as_u64().unwrap();
    // Each byte may be a token, and what is left after them pays for the answer.
    let bytes = request["bytes"].as_u64().unwrap();
    assert!((1_024..32_000).contains(&limit), "{limit}");
    assert!(limit * 2_000_000 < 50_000_000_000, "{limit} tokens of an answer cost more than the cap");
    let quoted = picos(&ended.event("end")["spend"]["budget"]["quoted"]);
    assert!(
        quoted <= 50_000_000_000 && quoted > limit * 2_000_000 + bytes / 2 * 1_000_000,
        "{quoted} for {bytes} bytes"
    );
    // With a token more it would not have fitted.
    assert!(quoted + 2_000_000 > 50_000_000_000, "{quoted}");
}

/// Two turns that do something, one that says so. The first request costs $0.051, the second $0.104; the third may cost more
/// than the rest of $0.20.
fn long_winded() -> Script {
    let job = json!({"operation": "run", "flavor": "h200", "timeout": "2h", "command": ["true"]});
    let touch = |name: &str| ("shell", json!({ "command": format!("echo {name} >> ../log") }));
    Script::with_head("price = { input = \"10\", output = \"10\" }")
        .turn("One.", &[touch("one"), ("hf_jobs", job)])
        .lines("usage = { input = 5000, output = 100 }")
        .turn("Two.", &[touch("two")])
        .lines("usage = { input = 5400, output = 5000 }")
        .say("Done.")
        .lines("usage = { input = 10500, output = 2 }")
}

#[test]
fn at_the_cap_the_session_pauses_with_status_4_and_goes_on_under_a_higher_one() {
    let home = Home::new();
    let model = home.script(long_winded());
    let first = home.run(&model, &["--mode", "yolo:0.2"]).end();
    // A job that did not fit was refused as well; the cap wins.
    first.assert(4);
    assert_eq!(refused(&first), [json!("$10.00")]);
    let end = first.event("end");
    assert_eq!((&end["status"], &end["text"]), (&json!("cap_reached"), &json!("Two.")));
    assert!(end["reason"].as_str().unwrap().contains("YOLO $0.045 of $0.20"), "{end}");
    let spend = &end["spend"];
    assert_eq!((&spend["budget"]["settled"], &spend["budget"]["held"]), (&json!("0.155"), &json!("0.00")));
    assert_eq!((&spend["left"], &spend["requests"]), (&json!("0.045"), &json!(2)));
    assert_eq!(home.read("log"), "one\ntwo\n");

    let again = home.remit(&["resume", &first.id()]).end();
    again.assert(4);
    let advice = format!("remit resume {} --cap USD", first.id());
    assert!(again.out.contains("cap reached") && again.out.contains(&advice), "{}", again.out);

    let more = home.remit(&["resume", &first.id(), "--json", "--cap", "1"]).end();
    more.assert(0);
    let end = more.event("end");
    // $0.155 before, and 10,502 tokens at $10 a million.
    assert_eq!((&end["text"], &end["spend"]["budget"]["settled"]), (&json!("Done."), &json!("0.26002")));
    assert_eq!((&end["spend"]["cap"], &end["spend"]["left"]), (&json!("1.00"), &json!("0.73998")));
    assert_eq!(home.read("log"), "one\ntwo\n", "nothing ran twice");
    home.verify(&first.id());
}

#[test]
fn a_cap_that_pays_for_no_request_at_all_sends_none() {
    let home = Home::new();
    let service = service(&home, "[models.\"local/any\"]\nprice = { input = \"1\", output = \"2\" }\n");
    for cap in ["yolo:0", "yolo:0.001"] {
        let ended = home.run(MODEL, &["--mode", cap]).end();
        ended.assert(4);
        let spend = ended.event("end")["spend"].clone();
        assert_eq!((&spend["requests"], &spend["budget"]["quoted"]), (&json!(0), &json!("0.00")));
    }
    assert!(asked(&service).is_empty());
}

#[test]
fn words_in_plan_and_agent_are_metered_and_no_cap_counts_them() {
    let home = Home::new();
    let model = home.script(long_winded());
    let first = home.run(&model, &["--mode", "agent"]).end();
    first.assert(3);
    let spend = first.event("end")["spend"].clone();
    assert_eq!((&spend["metered"]["settled"], &spend["budget"]["settled"]), (&json!("0.26002"), &json!("0.00")));
    let mode = home.remit(&["mode", &first.id(), "yolo:0.2", "--json"]).end();
    mode.assert(0);
    let status: Value = serde_json::from_str(&mode.out).unwrap();
    assert_eq!((&status["chip"], &status["spend"]["left"]), (&json!("YOLO $0.20 of $0.20"), &json!("0.20")));
}
