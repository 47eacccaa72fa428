//! What a call is before anything runs: its effect, its price, what a person is shown, and what is wrong with it.
//!
//! Not here: running anything.

use super::rig::{Bench, hub};
use gate::{Act, Digest, State, explain};
use ledger::Entry;
use policy::{Attendance, Effect, Price, Purse};
use serde_json::{Value, json};
use std::sync::Arc;
use tools::hf_jobs::{self, HfJobs, spec};
use tools::site::{Hub, Site};

async fn site() -> Site {
    Bench::new("plan", hub("http://127.0.0.1:1")).await.site
}

fn parse(site: &Site, arguments: Value) -> Result<HfJobs, String> {
    hf_jobs::parse(arguments, site).map_err(|why| why.to_string())
}

/// The kind of a price, or its amount.
fn kind(price: &Price) -> String {
    match price {
        Price::Free => "free".to_owned(),
        Price::AtMost(usd) => usd.to_string(),
        Price::Unknown(_) => "unknown".to_owned(),
        Price::Unbounded(_) => "unbounded".to_owned(),
    }
}

#[tokio::test]
async fn every_operation_has_its_effect_and_its_price() {
    let site = site().await;
    let minute = json!({"timeout": "1m", "command": ["true"]});
    for (operation, arguments, effect, price) in [
        ("run", json!({"command": ["true"]}), Effect::Change, "0.005"),
        ("run", json!({"command": ["true"], "flavor": "a10g-small", "timeout": "1h"}), Effect::Change, "1.00"),
        ("run", json!({"command": ["true"], "flavor": "h200", "timeout": "1h"}), Effect::Change, "5.00"),
        ("run", json!({"command": ["true"], "flavor": "h200", "timeout": "61m"}), Effect::Change, "5.083333333334"),
        ("run", json!({"command": ["true"], "flavor": "h200", "timeout": 3660}), Effect::Change, "5.083333333334"),
        ("run", json!({"command": ["true"], "attempts": 6, "timeout": "1h"}), Effect::Change, "0.06"),
        ("run", json!({"command": ["true"], "ports": [8080, 8081], "timeout": "1h"}), Effect::Change, "0.02"),
        ("run", json!({"command": ["true"], "flavor": "quantum-x1", "timeout": "1h"}), Effect::Change, "unknown"),
        ("run", json!({"command": ["true"], "secrets": ["HF_TOKEN"]}), Effect::Change, "unbounded"),
        ("run", json!({"command": ["true"], "secrets": ["WANDB_API_KEY"]}), Effect::Change, "0.005"),
        ("run", json!({"command": ["true"], "secrets": ["WANDB_API_KEY", "HF_TOKEN"]}), Effect::Change, "unbounded"),
        ("uv", json!({"script": "print(1)", "timeout": "1h"}), Effect::Change, "0.01"),
        ("uv", json!({"script": "https://example.org/a.py", "secrets": ["HF_TOKEN"]}), Effect::Change, "unbounded"),
        ("ps", json!({}), Effect::Read, "free"),
        ("ps", json!({"namespace": "guild"}), Effect::Read, "free"),
        ("logs", json!({"job_id": "j1", "tail": 5}), Effect::Read, "free"),
        ("inspect", json!({"job_id": "j1"}), Effect::Read, "free"),
        ("cancel", json!({"job_id": "j1"}), Effect::Change, "free"),
        (
            "scheduled run",
            json!({"schedule": "@hourly", "command": ["true"], "timeout": "1m"}),
            Effect::Change,
            "unbounded",
        ),
        ("scheduled uv", json!({"schedule": "0 3 * * 1", "script": "print(1)"}), Effect::Change, "unbounded"),
        ("scheduled ps", json!({}), Effect::Read, "free"),
        ("scheduled inspect", json!({"scheduled_job_id": "s1"}), Effect::Read, "free"),
        ("scheduled delete", json!({"scheduled_job_id": "s1"}), Effect::Change, "free"),
        ("scheduled suspend", json!({"scheduled_job_id": "s1"}), Effect::Change, "free"),
        ("scheduled resume", json!({"scheduled_job_id": "s1"}), Effect::Change, "unbounded"),
    ] {
        let mut arguments = arguments;
        arguments["operation"] = json!(operation);
        let action = parse(&site, arguments.clone()).unwrap().action();
        assert_eq!((action.effect, kind(&action.price).as_str()), (effect, price), "{arguments}");
        assert_eq!(action.tool, "hf_jobs");
        assert_eq!(action.summary.lines().count(), 1, "{}", action.summary);
    }
    assert!(parse(&site, minute).unwrap_err().contains("`operation` is missing"));
}

#[tokio::test]
async fn the_contract_answers_each_job_as_it_is_written() {
    let site = site().await;
    let timed = |flavor: &str, timeout: &str| json!({"operation": "run", "flavor": flavor, "timeout": timeout, "command": ["true"]});
    let hourly = json!({"operation": "scheduled run", "schedule": "@hourly", "flavor": "cpu-basic", "timeout": "1m", "command": ["true"]});
    let daily = json!({"operation": "scheduled uv", "schedule": "@daily", "flavor": "cpu-basic", "script": "print(1)"});
    let spending = json!({"operation": "run", "flavor": "cpu-basic", "timeout": "1m", "command": ["true"], "secrets": ["HF_TOKEN"]});
    for (mode, used, arguments, outcome, by) in [
        ("yolo:5", ("0", "0"), timed("a10g-small", "1h"), "run", "mode"),
        ("yolo:5", ("0", "0"), timed("h200", "1h"), "run", "mode"),
        ("yolo:5", ("0", "0"), timed("h200", "61m"), "ask", "cap"),
        ("yolo:5", ("2.00", "1.00"), timed("a100-large", "1h"), "ask", "cap"),
        ("yolo:5", ("1.50", "1.00"), timed("a100-large", "1h"), "run", "mode"),
        ("yolo:5", ("0", "0"), timed("quantum-x1", "1h"), "ask", "cap"),
        ("yolo:5", ("0", "0"), hourly.clone(), "ask", "cap"),
        ("yolo:5", ("0", "0"), json!({"operation": "scheduled resume", "scheduled_job_id": "s1"}), "ask", "cap"),
        ("yolo:5", ("0", "0"), json!({"operation": "scheduled suspend", "scheduled_job_id": "s1"}), "run", "mode"),
        ("yolo:5", ("0", "0"), json!({"operation": "scheduled ps"}), "run", "mode"),
        ("yolo:5", ("0", "0"), daily, "ask", "cap"),
        ("yolo:5", ("0", "0"), spending, "ask", "cap"),
        ("yolo:uncapped", ("0", "0"), hourly, "run", "mode"),
        ("agent", ("0", "0"), timed("cpu-basic", "1m"), "ask", "mode"),
        ("agent", ("0", "0"), json!({"operation": "logs", "job_id": "j1"}), "run", "mode"),
        ("plan", ("0", "0"), timed("cpu-basic", "1m"), "refuse", "mode"),
        ("plan", ("0", "0"), json!({"operation": "inspect", "job_id": "j1"}), "run", "mode"),
        ("plan", ("0", "0"), json!({"operation": "cancel", "job_id": "j1"}), "refuse", "mode"),
    ] {
        let mut state = State::open(mode.parse().unwrap(), Attendance::Attended, Vec::new());
        let (spent, held) = (used.0.parse().unwrap(), used.1.parse().unwrap());
        for (hold, entry) in [
            ("a", Entry::Held(Purse::Budget, Some(spent))),
            ("a", Entry::Settled(spent)),
            ("b", Entry::Held(Purse::Budget, Some(held))),
        ] {
            state.book.post(hold, &entry).unwrap();
        }
        let verdict = explain(&state, &parse(&site, arguments.clone()).unwrap().action());
        assert_eq!((verdict.outcome(), verdict.decided_by().to_string().as_str()), (outcome, by), "{mode} {arguments}");
    }
}

/// Checks that each call is an error that says this.
async fn check(calls: Vec<(Value, &str)>) {
    let site = site().await;
    for (arguments, says) in calls {
        let error = parse(&site, arguments.clone()).expect_err(&arguments.to_string());
        assert!(error.starts_with("`hf_jobs`: ") && error.contains(says), "{arguments}: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_launch_is_named() {
    let with = |more: Value| super::rig::with(json!({"operation": "run", "command": ["true"]}), more);
    check(vec![
        (json!([]), "must be an object"),
        (json!({}), "`operation` is missing"),
        (json!({"operation": 7}), "`operation` must be a text"),
        (
            json!({"operation": "scheduled  run", "schedule": "@hourly", "command": ["true"]}),
            "no operation `scheduled  run`",
        ),
        (json!({"operation": "Run", "command": ["true"]}), "no operation `Run`"),
        (json!({"operation": "run "}), "no operation `run `"),
        (json!({"operation": "run"}), "`command` is missing"),
        (with(json!({"command": "true"})), "`command` must be a list of texts"),
        (with(json!({"command": []})), "`command` is empty"),
        (with(json!({"command": ["a", 1]})), "`command` must be a list of texts"),
        (with(json!({"comand": ["true"]})), "no argument `comand`; it takes `operation`, `command`"),
        (with(json!({"script": "print(1)"})), "no argument `script`"),
        (with(json!({"job_id": "x"})), "no argument `job_id`"),
        (with(json!({"timeout": "soon"})), "`timeout`: `soon` is no timeout"),
        (with(json!({"timeout": 0})), "`timeout`: a timeout of zero"),
        (with(json!({"timeout": "-5m"})), "`timeout`: a timeout cannot be negative"),
        (with(json!({"timeout": "inf"})), "`timeout`: `inf` has no end"),
        (with(json!({"timeout": "999999d"})), "`timeout`: `999999d` is too long"),
        (with(json!({"attempts": 0})), "`attempts` must be between 1 and"),
        (with(json!({"attempts": -1})), "`attempts` must be a whole number"),
        (with(json!({"attempts": 1.5})), "`attempts` must be a whole number"),
        (with(json!({"attempts": 1_000_000})), "`attempts` must be between 1 and"),
        (with(json!({"ports": [0]})), "`ports` must be between 1 and 65535"),
        (with(json!({"ports": [70_000]})), "`ports` must be a list of port numbers"),
        (with(json!({"flavor": "a b"})), "`flavor` must be a name"),
        (with(json!({"flavor": ""})), "`flavor` must be a name"),
        (with(json!({"environment": {"A B": "c"}})), "`A B` in `environment` is no name"),
        (with(json!({"environment": {"A": 1}})), "`environment` must be an object of texts"),
        (with(json!({"labels": {"a b": "c"}})), "label `a b=c`"),
        (with(json!({"labels": {"remit-op": "c"}})), "label `remit-op` is taken"),
        (
            with(json!({"secrets": ["OPENAI_API_KEY"]})),
            "`OPENAI_API_KEY` is not configured in [hf.secrets]; these are: `HF_TOKEN`, `WANDB_API_KEY`",
        ),
        (with(json!({"secrets": {"HF_TOKEN": "x"}})), "`secrets` must be a list of names"),
        (with(json!({"namespace": "../x"})), "`namespace` must be the name"),
        (with(json!({"image": "a b"})), "`image` must be"),
        (with(json!({"command": ["a\0b"]})), "zero byte"),
        (with(json!({"command": ["x".repeat(300_000)]})), "longer than"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_any_other_call_is_named() {
    let uv = |more: Value| super::rig::with(json!({"operation": "uv", "script": "print(1)"}), more);
    let scheduled = |schedule: &str| json!({"operation": "scheduled run", "command": ["true"], "schedule": schedule});
    check(vec![
        (uv(json!({"command": ["true"]})), "no argument `command`"),
        (uv(json!({"script": ""})), "`script` is empty"),
        (uv(json!({"script": "train.py"})), "`script` is a path, `train.py`"),
        (uv(json!({"script": "x".repeat(70_000)})), "`script` is longer than"),
        (uv(json!({"dependencies": ["--index-url"]})), "`--index-url` in `dependencies`"),
        (uv(json!({"python": "3; rm"})), "`python` must be a version"),
        (uv(json!({"environment": {"REMIT_SCRIPT": "x"}})), "`REMIT_SCRIPT` in `environment` is taken"),
        (scheduled("@never"), "`schedule` must be one of"),
        (scheduled("61 * * * *"), "the minute `61` of `schedule`"),
        (json!({"operation": "scheduled run", "command": ["true"]}), "`schedule` is missing"),
        (super::rig::with(scheduled("@daily"), json!({"detach": true})), "no argument `detach`"),
        (json!({"operation": "logs"}), "`job_id` is missing"),
        (json!({"operation": "logs", "job_id": "a/../b"}), "`job_id` must be an id"),
        (json!({"operation": "logs", "job_id": "j1", "tail": 0}), "`tail` must be"),
        (json!({"operation": "inspect", "job_id": ".."}), "`job_id` must be an id"),
        (json!({"operation": "scheduled delete", "job_id": "s1"}), "`scheduled_job_id` is missing"),
        (json!({"operation": "ps", "all": true}), "no argument `all`"),
    ])
    .await;
}

#[tokio::test]
async fn a_secret_that_nobody_configured_is_an_error_that_says_so() {
    let bare = Site { hub: Arc::new(Hub::default()), ..site().await };
    let call = json!({"operation": "run", "command": ["true"], "secrets": ["HF_TOKEN"]});
    assert!(parse(&bare, call).unwrap_err().contains("secret `HF_TOKEN` is not configured in [hf.secrets]; none is"));
}

#[tokio::test]
async fn a_person_is_shown_every_argument_whole_and_the_same_ones_are_the_same_bytes() {
    let site = site().await;
    let script = "import os\nprint('é', \"x\")\n".repeat(200);
    let one = parse(&site, json!({"operation": "uv", "script": script, "environment": {"B": "1", "A": "2"}})).unwrap();
    let two = parse(&site, json!({"environment": {"A": "2", "B": "1"}, "script": script, "operation": "uv"})).unwrap();
    let three =
        parse(&site, json!({"operation": "uv", "script": format!("{script} "), "environment": {"A": "2", "B": "1"}}));
    assert_eq!(one.action().shown, two.action().shown);
    assert_ne!(Digest::of(&one.action()), Digest::of(&three.unwrap().action()));
    let shown: Value = serde_json::from_str(&one.action().shown).unwrap();
    assert_eq!(shown, json!({"environment": {"A": "2", "B": "1"}, "operation": "uv", "script": script}));
    assert_eq!(one.action(), one.action());
}

#[tokio::test]
async fn a_summary_says_what_runs_where_for_how_long_and_with_what() {
    let site = site().await;
    let summary = |arguments: Value| parse(&site, arguments).unwrap().action().summary;
    assert_eq!(
        summary(
            json!({"operation": "run", "flavor": "a10g-small", "timeout": "90m", "command": ["python", "-c", "0\n\u{1b}[2J"],
                       "attempts": 2, "ports": [80], "secrets": ["HF_TOKEN"], "namespace": "guild"})
        ),
        "start a job of guild on a10g-small for at most 90m x 2 attempts, ports exposed, with secrets HF_TOKEN: python -c 0 [2J"
    );
    assert_eq!(
        summary(json!({"operation": "scheduled run", "schedule": "@daily", "command": ["true"]})),
        "schedule (@daily) a job on cpu-basic for at most 30m: true"
    );
    assert!(summary(json!({"operation": "run", "command": ["x".repeat(9_000)]})).len() < 300);
}

#[test]
fn the_declaration_is_small_and_names_every_operation() {
    let spec = spec();
    let text = serde_json::to_string(&spec).unwrap();
    assert!(text.len() < 1_500, "{} bytes", text.len());
    let operations = &spec.parameters["properties"]["operation"]["enum"];
    assert_eq!(operations.as_array().unwrap().len(), 13);
    assert_eq!(spec.name, "hf_jobs");
}
