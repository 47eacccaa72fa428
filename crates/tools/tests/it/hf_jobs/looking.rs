//! What is free: lists, logs, one job or schedule, and ending what was started.
//!
//! Not here: starting jobs.

use super::rig::*;
use serde_json::{Value, json};

/// Starts a job and does not wait; gives its id.
async fn detached(bench: &mut Bench, more: Value) -> String {
    let arguments = with(with(hour(), json!({"detach": true, "flavor": "cpu-basic"})), more);
    done(bench.run(arguments).await);
    let reference = bench.reference();
    let id = reference.split(' ').find_map(|part| part.strip_prefix("id=")).unwrap();
    id.to_owned()
}

#[tokio::test]
async fn a_list_shows_every_job_of_every_page() {
    let api = JobsApi::start(JobsOptions { page: 2, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    assert_eq!(done(bench.run(json!({"operation": "ps"})).await), "there are none");
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(detached(&mut bench, json!({})).await);
    }
    let text = done(bench.run(json!({"operation": "ps"})).await);
    assert_eq!(text.lines().count(), 5, "{text}");
    for id in &ids {
        assert!(text.contains(id.as_str()), "{text}");
    }
    let line = text.lines().next().unwrap();
    assert!(line.contains("  SCHEDULING  cpu-basic  ") && line.ends_with("  python -c 0"), "{line}");
    assert_eq!(done(bench.run(json!({"operation": "ps", "namespace": "guild"})).await), "there are none");
}

#[tokio::test]
async fn a_log_is_told_with_the_stage_of_its_job() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let id = detached(&mut bench, json!({})).await;
    api.advance(8).await;
    let text = done(bench.run(json!({"operation": "logs", "job_id": id})).await);
    assert!(text.starts_with(&format!("job {id}: RUNNING (the log may go on)\n")), "{text}");
    assert!(text.contains("step 1 of 3") && !text.contains("step 3 of 3"), "{text}");
    api.advance(100).await;
    let text = done(bench.run(json!({"operation": "logs", "job_id": id, "tail": 1})).await);
    assert_eq!(text, format!("job {id}: COMPLETED\nstep 3 of 3"));
}

#[tokio::test]
async fn a_long_log_is_cut_to_its_end_and_says_so() {
    let lines = (0..5_000).map(|nth| format!("line {nth} {}", "x".repeat(40))).collect();
    let api = JobsApi::start(fast(Play { lines, ..play(10, "COMPLETED") })).await;
    let mut bench = Bench::at(&api).await;
    let text = done(bench.run(hour()).await);
    assert!(text.len() < 30_000, "{}", text.len());
    assert!(text.contains(" earlier lines are left out)") && text.contains("line 4999 "), "{text}");
    let id = api.state().await["jobs"][0]["id"].clone();
    let text = done(bench.run(json!({"operation": "logs", "job_id": id})).await);
    assert!(text.len() < 30_000 && text.contains("line 4999 "), "{}", text.len());
}

#[tokio::test]
async fn a_job_is_inspected_whole_but_for_what_is_very_long() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let id = detached(&mut bench, json!({"environment": {"LONG": "y".repeat(9_000)}})).await;
    let text = done(bench.run(json!({"operation": "inspect", "job_id": id})).await);
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&shown["id"], &shown["flavor"]), (&json!(id), &json!("cpu-basic")));
    assert!(shown["environment"]["LONG"].as_str().unwrap().ends_with("... (7000 bytes are left out)"));
    let text = failed(bench.run(json!({"operation": "inspect", "job_id": "nope"})).await);
    assert_eq!(text, "status 404, there is no such thing here: Job not found");
}

#[tokio::test]
async fn a_cancellation_is_over_only_when_the_job_is() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 30, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "next_job", "play": {"scheduling_secs": 1, "run_secs": 900}})).await;
    let id = detached(&mut bench, json!({})).await;
    api.advance(61).await;
    let cancel = bench.start(json!({"operation": "cancel", "job_id": id})).await;
    api.until(|state| {
        let requests = state["requests"].as_array().unwrap();
        let asked = requests.iter().position(|seen| seen["path"].as_str().unwrap().ends_with("/cancel"));
        // The stage was asked for after the cancellation, and was not final.
        asked.is_some_and(|asked| requests.len() > asked + 2)
    })
    .await;
    assert!(!cancel.is_finished());
    api.advance(30).await;
    let ended = cancel.await.unwrap();
    let text = done(bench.close(ended).await);
    assert_eq!(text, format!("job {id} is over: CANCELED, after it ran for 90 s"));
}

#[tokio::test]
async fn a_cancellation_that_was_refused_says_so() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let text = failed(bench.run(json!({"operation": "cancel", "job_id": "nope"})).await);
    let elsewhere = "; a job of an organisation is cancelled with its `namespace`";
    assert_eq!(text, format!("not cancelled: status 404, there is no such thing here: Job not found{elsewhere}"));
}

#[tokio::test]
async fn a_stop_ends_a_look_at_once() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "hold_answer", "on": "list"})).await;
    let look = bench.start(json!({"operation": "ps"})).await;
    api.until(|state| state["injections"].as_array().unwrap().is_empty()).await;
    bench.scene.stop.cancel();
    let ended = look.await.unwrap();
    assert_eq!(failed(bench.close(ended).await), "stopped before the Hub had answered");
}
