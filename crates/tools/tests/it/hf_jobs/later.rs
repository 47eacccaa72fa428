//! What is found out later about open holds, and schedules, which stay open.
//!
//! Not here: a job that is over before its call is.

use super::rig::*;
use gate::CallId;
use ledger::Stage;
use serde_json::json;
use tools::hf_jobs::Fate;

const LONG_AFTER: u64 = 10_000_000_000;

fn sent(reference: &str) -> u64 {
    reference.rsplit_once("sent=").unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_job_that_was_left_goes_on_and_then_settles() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"detach": true, "ports": [80]}))).await);
    let reference = bench.reference();
    assert!(reference.contains(" ports=exposed "), "{reference}");
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::StillRunning);
    api.inject(json!({"kind": "stage", "stage": "DEFROSTING"})).await;
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::StillRunning);
    api.advance(12).await;
    let cost = "0.016833333334".parse().unwrap();
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::Settled(cost));
}

#[tokio::test]
async fn a_launch_whose_answer_was_lost_is_found_later() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "lose_answer"})).await;
    api.inject(json!({"kind": "fail", "status": 503, "on": "list", "times": 4})).await;
    failed(bench.run(hour()).await);
    let reference = bench.reference();
    let Fate::Unknown(why) = bench.reconcile(&reference, LONG_AFTER).await.fate else {
        panic!("the Hub cannot be asked")
    };
    assert!(why.contains("status 503"), "{why}");
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::StillRunning);
    api.advance(1_000).await;
    let cost = "0.016666666667".parse().unwrap();
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::Settled(cost));
}

#[tokio::test]
async fn a_launch_that_is_nowhere_never_started_but_only_after_a_while() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "fail", "status": 502})).await;
    failed(bench.run(hour()).await);
    let reference = bench.reference();
    let soon = sent(&reference) + 60;
    assert!(matches!(bench.reconcile(&reference, soon).await.fate, Fate::Unknown(_)));
    assert!(matches!(bench.reconcile(&reference, 0).await.fate, Fate::Unknown(_)));
    assert_eq!(bench.reconcile(&reference, soon + 15 * 60).await.fate, Fate::NeverStarted);
}

#[tokio::test]
async fn a_job_that_was_cancelled_before_it_started_is_known_to_cost_nothing() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 0, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"detach": true}))).await);
    let reference = bench.reference();
    let id = api.state().await["jobs"][0]["id"].clone();
    done(bench.run(json!({"operation": "cancel", "job_id": id})).await);
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::NeverStarted);
}

#[tokio::test]
async fn a_run_that_was_cut_off_can_be_found_by_what_is_on_record() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let run = bench.start(hour()).await;
    bench.told("SCHEDULING").await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    let call = bench.parse(hour());
    let reference = call.reference_if_lost(&bench.scene.outputs, &CallId::new("c1"), 1_795_324_800).unwrap();
    assert!(reference.starts_with("hf-job ns=? id=? op=c1-"), "{reference}");
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::StillRunning);
    api.advance(12).await;
    let cost = "0.016666666667".parse().unwrap();
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::Settled(cost));
    let nothing = bench.parse(json!({"operation": "ps"}));
    assert_eq!(nothing.reference_if_lost(&bench.scene.outputs, &CallId::new("c1"), 0), None);
}

#[tokio::test]
async fn what_cannot_be_told_stays_open_and_says_why() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"detach": true}))).await);
    let reference = bench.reference();
    api.advance(12).await;
    for (reference, says) in [
        ("call c1".to_owned(), "is no reference of a job"),
        (reference.replace("unit=1.00/60", "unit=?"), "ran for 10 s on hardware without a price"),
        (reference.replace("ns=me", "ns=stranger"), "status 403"),
        ("hf-job ns=me id=gone op=? unit=1.00/60 ports=closed sent=0".to_owned(), "status 404"),
        ("hf-job ns=me id=? op=? unit=1.00/60 ports=closed sent=0".to_owned(), "names no job"),
    ] {
        let Fate::Unknown(why) = bench.reconcile(&reference, LONG_AFTER).await.fate else { panic!("{reference}") };
        assert!(why.contains(says), "{reference}: {why}");
    }
}

#[tokio::test]
async fn a_schedule_stays_open_until_it_is_gone() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let daily = json!({"operation": "scheduled run", "schedule": "@daily", "command": ["true"], "timeout": "1m"});
    let text = done(bench.run(daily).await);
    assert!(text.contains("is set (@daily, next at "), "{text}");
    let reference = bench.reference();
    let state = api.state().await;
    let id = state["schedules"][0]["id"].as_str().unwrap().to_owned();
    assert!(reference.starts_with(&format!("hf-schedule ns=me id={id} op=c1-")), "{reference}");
    let spec = &state["schedules"][0]["jobSpec"];
    assert_eq!((&spec["timeout"], &spec["retry"]), (&json!(60), &json!(0)));
    assert_eq!(bench.reconcile(&reference, LONG_AFTER).await.fate, Fate::StillRunning);

    let text = done(bench.run(json!({"operation": "scheduled ps"})).await);
    assert!(text.starts_with(&format!("{id}  active  @daily  cpu-basic  next: ")), "{text}");
    assert!(text.contains("  remit-op=c1-"), "{text}");
    let one = |operation: &str| json!({"operation": operation, "scheduled_job_id": id});
    let text = done(bench.run(one("scheduled inspect")).await);
    assert!(text.contains("\"schedule\": \"@daily\""), "{text}");
    done(bench.run(one("scheduled suspend")).await);
    assert_eq!(api.state().await["schedules"][0]["suspend"], true);
    assert_eq!(
        bench.reconcile(&reference, LONG_AFTER).await.fate,
        Fate::StillRunning,
        "a suspended one is still there"
    );
    done(bench.run(one("scheduled resume")).await);
    assert!(bench.reference().starts_with(&format!("hf-schedule ns=me id={id} op=? ")), "{}", bench.reference());
    assert_eq!(api.state().await["schedules"][0]["suspend"], false);
    done(bench.run(one("scheduled delete")).await);
    assert_eq!(api.state().await["schedules"], json!([]));
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, found.runs), (Fate::Settled(money::Usd::ZERO), Vec::new()));
}

#[tokio::test]
async fn a_schedule_that_was_refused_costs_nothing_and_one_that_was_lost_is_found() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let hourly = json!({"operation": "scheduled uv", "schedule": "@hourly", "script": "print(1)"});
    api.inject(json!({"kind": "payment_required", "on": "schedule"})).await;
    assert!(failed(bench.run(hourly.clone()).await).contains("status 402"));
    assert_eq!(bench.money(), Stage::Released);
    api.inject(json!({"kind": "lose_answer", "on": "schedule"})).await;
    done(bench.run(hourly).await);
    assert!(bench.reference().starts_with("hf-schedule ns=me id="), "{}", bench.reference());
    assert_eq!(api.state().await["schedules"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_schedule_that_may_have_been_resumed_is_looked_at() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    done(bench.run(json!({"operation": "scheduled run", "schedule": "@daily", "command": ["true"]})).await);
    let id = api.state().await["schedules"][0]["id"].clone();
    let resume = json!({"operation": "scheduled resume", "scheduled_job_id": id});
    done(bench.run(json!({"operation": "scheduled suspend", "scheduled_job_id": id})).await);
    api.inject(json!({"kind": "lose_answer", "on": "resume"})).await;
    done(bench.run(resume.clone()).await);
    assert!(bench.reference().starts_with("hf-schedule "));
    done(bench.run(json!({"operation": "scheduled suspend", "scheduled_job_id": id})).await);
    api.inject(json!({"kind": "fail", "status": 502, "on": "resume"})).await;
    let text = failed(bench.run(resume).await);
    assert!(text.contains("may or may not start jobs again"), "{text}");
    assert!(bench.reference().starts_with("hf-schedule "));
}
