//! The mistakes that cost others money, where no other file of these tests has them already.
//!
//! Not here: a log that falls silent, stages that nobody knows and lost answers (`running`), the catalogue's keys
//! (`catalogue`), what a schedule starts (`schedules`), a stranger's namespace (`running`). There are no sandboxes here, so
//! none can replace another for nothing.

use super::rig::*;
use gate::Act;
use ledger::Stage;
use serde_json::{Value, json};
use tools::hf_jobs;

const NOW: u64 = 1_795_324_800;

#[tokio::test]
async fn what_is_priced_is_what_is_sent() {
    let api = JobsApi::start(standing()).await;
    for (more, seconds, attempts, price) in [
        (json!({}), 1_800, 1, "0.00501"),
        (json!({"timeout": null}), 1_800, 1, "0.00501"),
        (json!({"timeout": 300}), 300, 1, "0.000835"),
        (json!({"timeout": "300"}), 300, 1, "0.000835"),
        (json!({"timeout": "5m"}), 300, 1, "0.000835"),
        (json!({"timeout": 90.5}), 91, 1, "0.000334"),
        (json!({"timeout": "1.5h"}), 5_400, 1, "0.01503"),
        (json!({"timeout": "1s"}), 1, 1, "0.000167"),
        (json!({"timeout": "61s", "attempts": 3}), 61, 3, "0.001002"),
        (json!({"timeout": "1d"}), 86_400, 1, "0.24048"),
    ] {
        let mut bench = Bench::at(&api).await;
        bench.look_up(NOW).await;
        let job = with(json!({"operation": "run", "command": ["true"], "detach": true}), more.clone());
        assert_eq!(bench.price(job.clone()), price, "{more}");
        done(bench.run(job).await);
        let state = api.state().await;
        let sent = state["requests"].as_array().unwrap().iter().rev().find(|seen| seen["method"] == "POST").unwrap();
        let body = &sent["body"];
        assert_eq!((&body["timeoutSeconds"], &body["attempts"]), (&json!(seconds), &json!(attempts)), "{more}");
        assert_eq!(bench.gate.state().book.funds().held, price.parse().unwrap(), "{more}");
    }
}

#[tokio::test]
async fn no_job_costs_more_than_was_held_however_often_it_is_tried() {
    for (timeout, run_secs) in [("1m", 60), ("61s", 600), ("10m", 599)] {
        let api = JobsApi::start(fast(play(run_secs, "ERROR"))).await;
        let mut bench = Bench::at(&api).await;
        bench.look_up(NOW).await;
        let job = with(hour(), json!({"timeout": timeout, "attempts": 3}));
        let most: money::Usd = bench.price(job.clone()).parse().unwrap();
        failed(bench.run(job).await);
        let Stage::Settled(cost) = bench.money() else { panic!("{:?}", bench.money()) };
        assert!(cost <= most, "{timeout}: {cost} of {most}");
        let billed = api.state().await["jobs"][0]["billedMicroUSD"].as_i64().unwrap();
        let billed = money::Usd::from_micros(billed).unwrap();
        assert!(cost >= billed, "{timeout}: {cost} is booked and {billed} is the bill");
    }
}

#[tokio::test]
async fn the_agents_own_token_never_goes_into_a_job() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let uv = json!({"operation": "uv", "script": "print(1)"});
    let hourly = json!({"operation": "scheduled run", "schedule": "@yearly", "command": ["true"]});
    for job in [hour(), uv, hourly, with(hour(), json!({"secrets": ["WANDB_API_KEY"]}))] {
        done(bench.run(job).await);
    }
    let state = api.state().await;
    let sent: Vec<&Value> =
        state["requests"].as_array().unwrap().iter().filter(|seen| seen["method"] == "POST").collect();
    let secrets = |seen: &&Value| {
        let body = seen["body"].get("jobSpec").unwrap_or(&seen["body"]);
        body.get("secrets").map(|secrets| secrets.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
    };
    let names: Vec<_> = sent.iter().map(secrets).collect();
    assert_eq!(names, [None, None, None, Some(vec!["WANDB_API_KEY".to_owned()])]);
    assert!(!serde_json::to_string(&sent).unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_job_of_an_organisation_is_cancelled_in_its_own_namespace_and_read_until_it_is_over() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 0, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"namespace": "guild", "detach": true}))).await);
    let id = api.state().await["jobs"][0]["id"].clone();
    let text = failed(bench.run(json!({"operation": "cancel", "job_id": id})).await);
    assert!(text.ends_with("; a job of an organisation is cancelled with its `namespace`"), "{text}");
    let before = api.state().await["requests"].as_array().unwrap().len();
    let cancel = json!({"operation": "cancel", "job_id": id, "namespace": "guild"});
    assert!(done(bench.run(cancel).await).contains("is over: CANCELED"));
    let state = api.state().await;
    let asked: Vec<(&str, &str)> = state["requests"].as_array().unwrap()[before..]
        .iter()
        .map(|seen| (seen["method"].as_str().unwrap(), seen["path"].as_str().unwrap()))
        .collect();
    let path = format!("/api/jobs/guild/{}", id.as_str().unwrap());
    assert_eq!(asked, [("POST", format!("{path}/cancel").as_str()), ("GET", path.as_str())]);
    assert_eq!(state["jobs"][0]["status"]["stage"], "CANCELED");
}

#[tokio::test]
async fn a_strangers_namespace_is_an_error_before_any_call_there_whatever_the_operation() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let schedule = json!({"operation": "scheduled run", "schedule": "@daily", "command": ["true"]});
    for call in [
        hour(),
        json!({"operation": "uv", "script": "print(1)"}),
        schedule,
        json!({"operation": "ps"}),
        json!({"operation": "logs", "job_id": "j1"}),
        json!({"operation": "inspect", "job_id": "j1"}),
        json!({"operation": "cancel", "job_id": "j1"}),
        json!({"operation": "scheduled ps"}),
        json!({"operation": "scheduled inspect", "scheduled_job_id": "s1"}),
        json!({"operation": "scheduled delete", "scheduled_job_id": "s1"}),
        json!({"operation": "scheduled suspend", "scheduled_job_id": "s1"}),
        json!({"operation": "scheduled resume", "scheduled_job_id": "s1"}),
    ] {
        let text = failed(bench.run(with(call.clone(), json!({"namespace": "stranger"}))).await);
        assert_eq!(text, "`stranger` is not a namespace of this account; these are: `me`, `guild`", "{call}");
    }
    let state = api.state().await;
    let paths = state["requests"].as_array().unwrap().iter().map(|seen| seen["path"].as_str().unwrap());
    assert!(paths.clone().all(|path| path == "/api/whoami-v2"), "{:?}", paths.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cost_is_never_rounded_to_nothing() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    let second = json!({"operation": "run", "command": ["true"], "timeout": "1s"});
    // By the documentation a minute is a sixtieth of a cent, which no whole number of micro-dollars is.
    let text = done(bench.run(second.clone()).await);
    assert!(text.contains("for $0.000166666667"), "{text}");
    assert_eq!(bench.money(), settled("0.000166666667"));
    bench.look_up(NOW).await;
    let text = done(bench.run(second).await);
    assert!(text.contains("for $0.000167"), "{text}");
    assert_eq!(bench.money(), settled("0.000167"));
}

#[tokio::test]
async fn a_cost_that_is_unknown_is_never_booked_as_nothing() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"detach": true}))).await);
    let reference = bench.reference();
    api.advance(1_000).await;
    let found = bench.reconcile(&reference.replace("unit=1.00/60", "unit=?"), NOW).await;
    assert!(matches!(found.fate, hf_jobs::Fate::Unknown(_)), "{found:?}");
}

#[tokio::test]
async fn nothing_that_starts_jobs_is_free_and_there_is_no_operation_beside_those_that_are_known() {
    let api = JobsApi::start(standing()).await;
    let bench = Bench::at(&api).await;
    for operation in ["duplicate", "rerun", "trigger", "scheduled trigger", "scheduled run now", "sandbox", "space", ""]
    {
        let call = json!({"operation": operation, "job_id": "j1"});
        let why = hf_jobs::parse(call, &bench.site).unwrap_err().to_string();
        assert!(why.contains("there is no operation"), "{operation}: {why}");
    }
    for starts in [hour(), json!({"operation": "scheduled resume", "scheduled_job_id": "s1"})] {
        assert_ne!(bench.parse(starts).action().price, policy::Price::Free);
    }
}
