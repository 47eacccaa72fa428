//! The jobs that a schedule starts: each is found and told of with its money, for as long as the schedule matters.
//!
//! Not here: starting a schedule (see `later`), or booking.

use super::rig::*;
use ledger::Stage;
use money::Usd;
use serde_json::{Value, json};
use tools::hf_jobs::{Fate, ScheduledRun};

const LONG_AFTER: u64 = 10_000_000_000;

/// A schedule that runs each hour, for at most five minutes of a cent and ports of a cent an hour, twice.
fn hourly() -> Value {
    json!({"operation": "scheduled run", "schedule": "@hourly", "command": ["true"], "timeout": "5m", "attempts": 2, "ports": [80]})
}

async fn uncapped(api: &JobsApi) -> Bench {
    Bench::new("yolo:uncapped", hub(&api.base)).await
}

/// The id of the first schedule.
async fn schedule(api: &JobsApi) -> String {
    api.state().await["schedules"][0]["id"].as_str().unwrap().to_owned()
}

async fn delete(bench: &mut Bench, id: &str) {
    done(bench.run(json!({"operation": "scheduled delete", "scheduled_job_id": id})).await);
}

/// Has a run of the schedule start now, as the person could on the Hub's own pages.
async fn trigger(api: &JobsApi, id: &str) {
    api.post(&format!("/api/scheduled-jobs/me/{id}/run")).await;
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn fates(runs: &[ScheduledRun]) -> Vec<Fate> {
    runs.iter().map(|run| run.fate.clone()).collect()
}

#[tokio::test]
async fn the_runs_of_a_schedule_are_found_and_each_is_told_with_its_bound_and_its_cost() {
    let api = JobsApi::start(JobsOptions { page: 2, ..standing() }).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let reference = bench.reference();
    assert!(reference.ends_with(" most=0.003333333334"), "{reference}");
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, found.runs), (Fate::StillRunning, Vec::new()));

    // Jobs of others in the same namespace, on every page, are none of its runs.
    for _ in 0..3 {
        done(bench.run(with(hour(), json!({"detach": true}))).await);
    }
    api.advance(2 * 3_600).await;
    let id = schedule(&api).await;
    trigger(&api, &id).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!(found.fate, Fate::StillRunning);
    // The newest first: the one that was triggered goes on; a started minute of a cent and of ports for each other.
    let cost = Fate::Settled(usd("0.000333333334"));
    assert_eq!(fates(&found.runs), [Fate::StillRunning, cost.clone(), cost]);
    assert!(found.runs.iter().all(|run| run.bound == Some(usd("0.003333333334"))), "{:?}", found.runs);
    let state = api.state().await;
    let scheduled = |job: &&Value| job["initiator"]["type"] == "scheduled-job";
    let mut started: Vec<&str> =
        state["jobs"].as_array().unwrap().iter().filter(scheduled).map(|job| job["id"].as_str().unwrap()).collect();
    started.reverse();
    assert_eq!(found.runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), started);

    // Each is found by itself too, under a reference of its own.
    for run in &found.runs {
        let alone = bench.reconcile(&run.reference, LONG_AFTER).await;
        assert_eq!((alone.fate, alone.runs), (run.fate.clone(), Vec::new()), "{}", run.reference);
    }
}

#[tokio::test]
async fn a_schedule_that_is_gone_is_over_when_its_last_run_is_and_costs_nothing_of_its_own() {
    let api = JobsApi::start(standing()).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let (reference, id) = (bench.reference(), schedule(&api).await);
    trigger(&api, &id).await;
    delete(&mut bench, &id).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, fates(&found.runs)), (Fate::StillRunning, vec![Fate::StillRunning]));
    api.inject(json!({"kind": "stage", "stage": "DEFROSTING", "on": "list"})).await;
    api.advance(100).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!(found.fate, Fate::StillRunning, "a stage that nobody knows is not the end");
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!(
        (found.fate, fates(&found.runs)),
        (Fate::Settled(Usd::ZERO), vec![Fate::Settled(usd("0.000333333334"))])
    );
}

#[tokio::test]
async fn a_run_that_never_started_and_one_whose_cost_is_unknown_are_told_apart() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 0, ..standing() }).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let (reference, id) = (bench.reference(), schedule(&api).await);
    trigger(&api, &id).await;
    let run = api.state().await["jobs"][0]["id"].clone();
    done(bench.run(json!({"operation": "cancel", "job_id": run})).await);
    trigger(&api, &id).await;
    api.advance(100).await;
    delete(&mut bench, &id).await;
    let unpriced = reference.replace("unit=0.01/60", "unit=?").replace(" most=0.003333333334", "");
    let found = bench.reconcile(&unpriced, LONG_AFTER).await;
    assert_eq!(found.fate, Fate::Settled(Usd::ZERO), "the schedule is over, whatever its runs cost");
    let [unknown, never] = &found.runs[..] else { panic!("{found:?}") };
    assert_eq!((&never.fate, never.bound, unknown.bound), (&Fate::NeverStarted, None, None));
    assert!(matches!(&unknown.fate, Fate::Unknown(why) if why.contains("on hardware without a price")), "{unknown:?}");
}

#[tokio::test]
async fn a_schedule_that_was_resumed_has_the_runs_from_then_on() {
    let api = JobsApi::start(standing()).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let id = schedule(&api).await;
    let one = |operation: &str| json!({"operation": operation, "scheduled_job_id": id});
    api.advance(3_600).await;
    done(bench.run(one("scheduled suspend")).await);
    done(bench.run(one("scheduled resume")).await);
    let reference = bench.reference();
    // What its runs cost was asked for before it was resumed.
    assert!(reference.contains(" op=? unit=0.01/60 ports=exposed ") && reference.ends_with(" most=0.003333333334"));
    api.advance(3_600).await;
    let runs = api.state().await["jobs"].as_array().unwrap().len();
    assert_eq!(runs, 2);

    // The clock of the Hub runs two hours ahead of ours by now; the references are as if it did not.
    let at = |secs: u64| {
        let (head, _) = reference.rsplit_once("sent=").unwrap();
        format!("{head}sent={secs} most=0.003333333334")
    };
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!(found.runs.len(), 2, "{found:?}");
    let second: u64 = sent_of(&found.runs[0].reference);
    let first: u64 = sent_of(&found.runs[1].reference);
    assert_eq!(second - first, 3_600);
    assert_eq!(bench.reconcile(&at(first + 301), LONG_AFTER).await.runs, found.runs[..1]);
    // Clocks may disagree a little, and to forget money is worse than to look twice.
    assert_eq!(bench.reconcile(&at(first + 300), LONG_AFTER).await.runs.len(), 2);
}

fn sent_of(reference: &str) -> u64 {
    reference.rsplit_once("sent=").unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn a_schedule_whose_answer_was_lost_is_found_by_its_label_with_its_runs() {
    let api = JobsApi::start(standing()).await;
    let mut bench = uncapped(&api).await;
    api.inject(json!({"kind": "lose_answer", "on": "schedule"})).await;
    api.inject(json!({"kind": "fail", "status": 503, "on": "schedules", "times": 3})).await;
    let text = failed(bench.run(hourly()).await);
    assert!(text.contains("with the operation scheduled ps before starting it anew"), "{text}");
    let (reference, id) = (bench.reference(), schedule(&api).await);
    assert!(reference.starts_with("hf-schedule ns=me id=? op=c1-"), "{reference}");
    trigger(&api, &id).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, found.runs.len()), (Fate::StillRunning, 1));
    // Even when it was deleted before it was ever seen, what it started has its label.
    delete(&mut bench, &id).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, found.runs.len()), (Fate::StillRunning, 1));
    api.advance(100).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!((found.fate, found.runs.len()), (Fate::Settled(Usd::ZERO), 1));
}

#[tokio::test]
async fn a_schedule_that_cannot_be_asked_about_stays_open() {
    let api = JobsApi::start(standing()).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let (reference, id) = (bench.reference(), schedule(&api).await);
    trigger(&api, &id).await;
    delete(&mut bench, &id).await;
    for on in ["inspect_schedule", "list"] {
        api.inject(json!({"kind": "fail", "status": 503, "on": on})).await;
        let found = bench.reconcile(&reference, LONG_AFTER).await;
        assert!(matches!(&found.fate, Fate::Unknown(why) if why.contains("status 503")), "{found:?}");
    }
}

#[tokio::test]
async fn a_namespace_with_more_jobs_than_can_be_listed_closes_no_schedule() {
    let api = JobsApi::start(JobsOptions { page: 1, ..standing() }).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(with(hourly(), json!({"schedule": "0 0 1 1 *"}))).await);
    let (reference, id) = (bench.reference(), schedule(&api).await);
    trigger(&api, &id).await;
    api.advance(100).await;
    for _ in 0..20 {
        done(bench.run(with(hour(), json!({"detach": true}))).await);
    }
    delete(&mut bench, &id).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert!(matches!(&found.fate, Fate::Unknown(why) if why.contains("more than can be listed")), "{found:?}");
}

#[tokio::test]
async fn a_duplicate_of_a_run_is_not_the_schedules() {
    let api = JobsApi::start(standing()).await;
    let mut bench = uncapped(&api).await;
    done(bench.run(hourly()).await);
    let (reference, id) = (bench.reference(), schedule(&api).await);
    trigger(&api, &id).await;
    let run = api.state().await["jobs"][0]["id"].as_str().unwrap().to_owned();
    api.post(&format!("/api/jobs/me/{run}/duplicate")).await;
    let found = bench.reconcile(&reference, LONG_AFTER).await;
    assert_eq!(found.runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), [run.as_str()]);
    assert!(matches!(bench.money_of("c1"), Stage::Open(_)));
}
