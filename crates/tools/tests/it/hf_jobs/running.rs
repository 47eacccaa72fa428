//! Starting jobs: each ends its money by what is known, whatever goes wrong on the way.
//!
//! Not here: what is free, and what is found out later.

use super::rig::*;
use ledger::Stage;
use serde_json::{Value, json};

#[tokio::test]
async fn a_job_that_ran_to_its_end_settles_at_its_started_minutes() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    let secrets = json!({"secrets": ["WANDB_API_KEY"], "labels": {"task": "train"}, "environment": {"SEED": "1"}});
    let text = done(bench.run(with(hour(), secrets)).await);
    // Two started minutes of a dollar an hour.
    assert_eq!(bench.money(), settled("0.033333333334"));
    assert!(text.contains("COMPLETED after 90 s, for $0.033333333334"), "{text}");
    assert!(text.ends_with("step 1 of 3\nstep 2 of 3\nstep 3 of 3"), "{text}");

    let state = api.state().await;
    let launch = state["requests"].as_array().unwrap().iter().find(|seen| seen["method"] == "POST").unwrap();
    let body = &launch["body"];
    assert_eq!((&body["timeoutSeconds"], &body["attempts"]), (&json!(3_600), &json!(1)));
    assert_eq!((&body["dockerImage"], &body["flavor"]), (&json!("python:3.12"), &json!("a10g-small")));
    assert_eq!(body["command"], json!(["python", "-c", "0"]));
    assert_eq!(body["environment"], json!({"SEED": "1"}));
    assert_eq!(body["secrets"], json!({"WANDB_API_KEY": "***"}));
    assert_eq!(body["labels"]["task"], "train");
    assert!(body["labels"]["remit-op"].as_str().unwrap().starts_with("c1-"), "{body}");
    assert_eq!(state["launches"], 1);
    let paths: Vec<&str> =
        state["requests"].as_array().unwrap().iter().map(|seen| seen["path"].as_str().unwrap()).collect();
    assert_eq!(paths[..2], ["/api/whoami-v2", "/api/jobs/me"]);
}

#[tokio::test]
async fn a_job_that_failed_is_a_failure_that_was_paid_for_every_attempt() {
    let api = JobsApi::start(fast(Play { message: Some("exit code 3".to_owned()), ..play(600, "ERROR") })).await;
    let mut bench = Bench::at(&api).await;
    let text = failed(bench.run(with(hour(), json!({"attempts": 2}))).await);
    assert!(text.contains("ended: ERROR (exit code 3) after 1200 s"), "{text}");
    assert_eq!(bench.money(), settled("0.333333333334"));
}

#[tokio::test]
async fn a_job_with_open_ports_pays_for_them() {
    let api = JobsApi::start(fast(play(3_600, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"ports": [8_080]}))).await);
    assert_eq!(bench.money(), settled("1.01"));
    assert_eq!(api.state().await["jobs"][0]["expose"]["ports"], json!([8_080]));
}

#[tokio::test]
async fn a_script_runs_in_its_own_words_after_its_dependencies() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    let script = "import sys\nprint('$HOME `x` \"é\"', sys.argv)\n";
    let arguments = json!({"operation": "uv", "script": script, "dependencies": ["numpy>=2", "x[y]"], "python": "3.12",
                           "arguments": ["--steps", "5; rm -rf $HOME"]});
    done(bench.run(arguments).await);
    let job = api.state().await["jobs"][0].clone();
    assert_eq!(job["dockerImage"], "ghcr.io/astral-sh/uv:python3.12-bookworm");

    // The command is run here, with a `uv` that tells what it was given.
    let folder = bench.folder().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let uv = folder.join("uv");
    let teller = "#!/bin/sh\nprintf '%s\\n' \"$@\"\nfor last; do case $last in *.py) cat \"$last\";; esac; done\n";
    std::fs::write(&uv, teller).unwrap();
    std::fs::set_permissions(&uv, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let words: Vec<&str> = job["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let output = std::process::Command::new(words[0])
        .args(&words[1..])
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("REMIT_SCRIPT", job["environment"]["REMIT_SCRIPT"].as_str().unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let words = "run\n--with\nnumpy>=2\n--with\nx[y]\n--python\n3.12\n/tmp/remit_script.py\n--steps\n5; rm -rf $HOME\n";
    assert_eq!(told, format!("{words}{script}"));
}

#[tokio::test]
async fn a_script_at_an_address_is_fetched_by_the_job_itself() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(json!({"operation": "uv", "script": "https://example.org/a.py", "arguments": ["x"]})).await);
    let job = &api.state().await["jobs"][0];
    assert_eq!(job["command"], json!(["uv", "run", "https://example.org/a.py", "x"]));
    assert_eq!(job["environment"], json!({}));
}

#[tokio::test]
async fn an_image_that_is_a_space_is_sent_as_one() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    done(bench.run(with(hour(), json!({"image": "https://huggingface.co/spaces/me/lab"}))).await);
    let job = &api.state().await["jobs"][0];
    assert_eq!((&job["spaceId"], &job["dockerImage"]), (&json!("me/lab"), &Value::Null));
}

#[tokio::test]
async fn a_launch_that_was_refused_costs_nothing_and_is_not_sent_again() {
    for (order, says) in [
        (json!({"kind": "payment_required"}), "status 402, the account lacks credits or a way to pay"),
        (json!({"kind": "rate_limited", "retry_after_secs": 55, "on": "launch"}), "it may be asked again after 55 s"),
        (json!({"kind": "fail", "status": 400, "error": "no such flavor"}), "status 400: no such flavor"),
        (json!({"kind": "fail", "status": 403}), "the token may not do this"),
    ] {
        let api = JobsApi::start(standing()).await;
        let mut bench = Bench::at(&api).await;
        api.inject(order).await;
        let text = failed(bench.run(hour()).await);
        assert!(text.starts_with("not started: the Hub refused it: ") && text.contains(says), "{text}");
        assert_eq!(bench.money(), Stage::Released);
        assert!(bench.is_even());
        assert_eq!((api.launches().await, api.requests("POST", "/api/jobs/me").await), (0, 1));
    }
}

#[tokio::test]
async fn a_hub_that_is_not_there_costs_nothing() {
    let gone = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut hub = hub(&format!("http://{}", gone.local_addr().unwrap()));
    drop(gone);
    hub.account = tokio::sync::OnceCell::new_with(Some(tools::hf_jobs::Account {
        name: "me".to_owned(),
        organisations: Vec::new(),
    }));
    let mut bench = Bench::new("yolo:5", hub).await;
    let text = failed(bench.run(hour()).await);
    assert!(text.starts_with("not started: the Hub was not reached: "), "{text}");
    assert_eq!(bench.money(), Stage::Released);
}

#[tokio::test]
async fn a_hub_that_nobody_configured_is_an_error_when_the_call_runs() {
    for (hub, says) in [
        (tools::site::Hub::default(), "no Hub is configured"),
        (tools::site::Hub { token: None, ..hub("http://127.0.0.1:1") }, "no token of the Hub is configured"),
        (hub("ftp://x"), "the configured address of the Hub: only `http`"),
    ] {
        let mut bench = Bench::new("yolo:5", hub).await;
        let text = failed(bench.run(hour()).await);
        assert!(text.contains(says), "{text}");
        assert_eq!(bench.money(), Stage::Released);
        let text = failed(bench.run(json!({"operation": "ps"})).await);
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn a_strangers_namespace_is_an_error_before_anything_is_sent_there() {
    let api = JobsApi::start(fast(play(1, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    let text = failed(bench.run(with(hour(), json!({"namespace": "stranger"}))).await);
    assert_eq!(text, "`stranger` is not a namespace of this account; these are: `me`, `guild`");
    assert_eq!(bench.money(), Stage::Released);
    assert_eq!(api.requests("POST", "").await - api.requests("POST", "/inject").await, 0);

    done(bench.run(with(hour(), json!({"namespace": "guild"}))).await);
    assert_eq!(api.state().await["jobs"][0]["owner"]["name"], "guild");
    assert_eq!(api.requests("GET", "/api/whoami-v2").await, 1, "the account was asked for once");
}

#[tokio::test]
async fn a_hub_that_does_not_say_whose_token_it_is_starts_nothing() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "rate_limited", "retry_after_secs": 7, "on": "whoami"})).await;
    let text = failed(bench.run(hour()).await);
    assert!(text.contains("the Hub does not say whose token this is: status 429"), "{text}");
    assert_eq!((bench.money(), api.launches().await), (Stage::Released, 0));
}

#[tokio::test]
async fn a_launch_whose_answer_was_lost_is_found_by_its_label_and_goes_on() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "lose_answer"})).await;
    let text = done(bench.run(hour()).await);
    assert!(text.contains("COMPLETED after 90 s"), "{text}");
    assert_eq!(bench.money(), settled("0.033333333334"));
    assert_eq!((api.launches().await, api.requests("POST", "/api/jobs/me").await), (1, 1));
}

#[tokio::test]
async fn a_label_is_found_on_whatever_page_it_is() {
    let api = JobsApi::start(JobsOptions { page: 1, ..fast(play(1, "COMPLETED")) }).await;
    let mut bench = Bench::at(&api).await;
    for _ in 0..3 {
        done(bench.run(hour()).await);
    }
    api.inject(json!({"kind": "lose_answer"})).await;
    done(bench.run(hour()).await);
    assert_eq!(bench.money(), settled("0.016666666667"));
}

#[tokio::test]
async fn a_launch_that_may_have_happened_keeps_its_hold_and_is_not_sent_again() {
    for (launch, list, launches) in [
        (json!({"kind": "lose_answer"}), json!({"kind": "fail", "status": 503, "on": "list", "times": 3}), 1),
        (json!({"kind": "fail", "status": 502}), json!({"kind": "fail", "status": 503, "on": "list", "times": 3}), 0),
        (json!({"kind": "fail", "status": 504}), json!({"kind": "stage", "stage": "RUNNING", "on": "list"}), 0),
        (json!({"kind": "fail", "status": 408}), json!({"kind": "stage", "stage": "RUNNING", "on": "list"}), 0),
    ] {
        let api = JobsApi::start(standing()).await;
        let mut bench = Bench::at(&api).await;
        api.inject(launch).await;
        api.inject(list).await;
        let text = failed(bench.run(hour()).await);
        assert!(text.starts_with("unknown: it may or may not have started, and was not sent again: "), "{text}");
        let reference = bench.reference();
        assert!(reference.starts_with("hf-job ns=me id=? op=c1-"), "{reference}");
        assert!(reference.contains(" unit=1.00/60 ports=closed sent="), "{reference}");
        assert_eq!(bench.gate.state().book.funds().held, "1".parse().unwrap());
        assert_eq!((api.launches().await, api.requests("POST", "/api/jobs/me").await), (launches, 1));
    }
}

#[tokio::test]
async fn a_log_that_falls_silent_says_nothing_about_the_job() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "next_job", "play": {"scheduling_secs": 5, "run_secs": 600}})).await;
    api.inject(json!({"kind": "logs_silent", "after": 1})).await;
    let run = bench.start(hour()).await;
    bench.told("SCHEDULING").await;
    api.advance(10).await;
    bench.told("RUNNING").await;
    // The log is silent from here on, and the stage is asked for again and again.
    let asked = api.requests("GET", "").await;
    api.until(|state| state["requests"].as_array().unwrap().len() > asked + 1).await;
    assert!(!run.is_finished());
    assert_eq!(bench.money(), Stage::Held);
    api.advance(595).await;
    let ended = run.await.unwrap();
    let text = done(bench.close(ended).await);
    assert!(text.contains("COMPLETED after 600 s"), "{text}");
    assert_eq!(bench.money(), settled("0.166666666667"));
}

#[tokio::test]
async fn a_log_that_ends_too_soon_is_read_again_and_no_line_is_told_twice() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "logs_end", "after": 2})).await;
    let run = bench.start(hour()).await;
    bench.told("SCHEDULING").await;
    api.advance(8).await;
    bench.told("step 1 of 3").await;
    assert!(!run.is_finished());
    api.advance(4).await;
    let ended = run.await.unwrap();
    let text = done(bench.close(ended).await);
    assert_eq!(bench.money(), settled("0.016666666667"));
    for line in ["step 1 of 3", "step 2 of 3", "step 3 of 3"] {
        assert_eq!(text.matches(line).count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_stage_that_nobody_knows_is_not_the_end() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "stage", "stage": "DEFROSTING", "times": 2})).await;
    let run = bench.start(hour()).await;
    bench.told("DEFROSTING").await;
    bench.told("SCHEDULING").await;
    assert_eq!(bench.money(), Stage::Held);
    api.advance(12).await;
    let ended = run.await.unwrap();
    done(bench.close(ended).await);
    assert_eq!(bench.money(), settled("0.016666666667"));
}

#[tokio::test]
async fn a_job_that_ended_in_an_unknown_stage_keeps_its_hold() {
    let api = JobsApi::start(fast(play(90, "EVICTED"))).await;
    let mut bench = Bench::at(&api).await;
    let text = failed(bench.run(hour()).await);
    assert!(
        text.contains("it has finished in a stage that is not known, `EVICTED`. It can cost up to $1.00"),
        "{text}"
    );
    assert!(bench.reference().starts_with("hf-job ns=me id="));
}

#[tokio::test]
async fn a_hub_that_fails_for_a_while_is_borne() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "fail", "status": 503, "on": "inspect", "times": 2})).await;
    api.inject(json!({"kind": "lose_answer", "on": "inspect"})).await;
    api.inject(json!({"kind": "rate_limited", "retry_after_secs": 1, "on": "logs"})).await;
    done(bench.run(hour()).await);
    assert_eq!(bench.money(), settled("0.033333333334"));
}

#[tokio::test]
async fn a_run_that_is_stopped_leaves_its_job_and_its_hold() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let run = bench.start(hour()).await;
    bench.told("SCHEDULING").await;
    bench.scene.stop.cancel();
    let ended = run.await.unwrap();
    let text = failed(bench.close(ended).await);
    let id = api.state().await["jobs"][0]["id"].as_str().unwrap().to_owned();
    let says = format!(
        "stopped waiting; job {id} of me goes on, and costs money until it is cancelled. It can cost up to $1.00 in all, \
         which stays held until it is over. To end it: hf_jobs \
         {{\"operation\":\"cancel\",\"job_id\":\"{id}\",\"namespace\":\"me\"}}\n"
    );
    assert!(text.starts_with(&says), "{text}");
    assert!(bench.reference().starts_with(&format!("hf-job ns=me id={id} op=c1-")), "{}", bench.reference());
    assert_eq!(bench.gate.state().book.funds().held, "1".parse().unwrap());
    assert_eq!(api.requests("POST", "/cancel").await, 0);
}

#[tokio::test]
async fn what_a_run_that_is_stopped_says_is_enough_to_cancel_its_job() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 0, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    let run = bench.start(with(hour(), json!({"namespace": "guild", "ports": [80]}))).await;
    bench.told("SCHEDULING").await;
    bench.scene.stop.cancel();
    let ended = run.await.unwrap();
    let text = failed(bench.close(ended).await);
    assert!(text.contains("It can cost up to $1.01 in all"), "{text}");
    let (_, call) = text.split_once("To end it: hf_jobs ").unwrap();
    let call: Value = serde_json::from_str(call.lines().next().unwrap()).unwrap();
    let mut later = Bench::at(&api).await;
    assert!(done(later.run(call).await).contains("is over: CANCELED"));
}

#[tokio::test]
async fn a_run_that_is_stopped_while_it_launches_may_have_started() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    api.inject(json!({"kind": "hold_answer"})).await;
    let run = bench.start(hour()).await;
    api.until(|state| state["launches"] == 1).await;
    bench.scene.stop.cancel();
    let ended = run.await.unwrap();
    let text = failed(bench.close(ended).await);
    assert!(text.contains("stopped while the launch was under way"), "{text}");
    assert!(bench.reference().starts_with("hf-job ns=me id=? op=c1-"));
}

#[tokio::test]
async fn a_run_that_is_stopped_before_it_launches_costs_nothing() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    bench.scene.stop.cancel();
    let text = failed(bench.run(hour()).await);
    assert_eq!(text, "stopped before anything was sent");
    assert_eq!((bench.money(), api.launches().await), (Stage::Released, 0));
}

#[tokio::test]
async fn a_job_that_was_cancelled_before_it_started_costs_nothing() {
    let api = JobsApi::start(JobsOptions { cancel_secs: 0, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    let mut other = Bench::at(&api).await;
    let run = bench.start(hour()).await;
    bench.told("SCHEDULING").await;
    let id = api.state().await["jobs"][0]["id"].clone();
    let text = done(other.run(json!({"operation": "cancel", "job_id": id})).await);
    assert!(text.contains("is over: CANCELED, before it started"), "{text}");
    let ended = run.await.unwrap();
    let text = failed(bench.close(ended).await);
    assert!(text.contains("ended: CANCELED, before it started; it costs nothing"), "{text}");
    assert_eq!(bench.money(), Stage::Released);
}

#[tokio::test]
async fn a_detached_job_goes_on_with_its_hold() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let text = done(bench.run(with(hour(), json!({"detach": true}))).await);
    assert!(text.contains("has started (SCHEDULING). It goes on"), "{text}");
    assert!(text.contains("It can cost up to $1.00 in all, which stays held until it is over. To end it: "), "{text}");
    assert!(bench.reference().starts_with("hf-job ns=me id="));
    assert_eq!(bench.gate.state().book.funds().held, "1".parse().unwrap());
}

#[tokio::test]
async fn a_job_without_a_known_price_keeps_its_hold_when_it_is_over() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    bench.site.hardware = tools::hf_jobs::Board::showing(pricing::Hardware::catalogue([]));
    let text = done(bench.run(hour()).await);
    assert!(text.contains("COMPLETED; what it cost is not known"), "{text}");
    assert!(bench.reference().contains(" unit=? "), "{}", bench.reference());
    assert_eq!(bench.gate.state().book.sums(policy::Purse::Budget).unbounded, 1);
}

#[tokio::test]
async fn hardware_that_the_hub_does_not_have_costs_nothing() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let text = failed(bench.run(with(hour(), json!({"flavor": "quantum-x1"}))).await);
    assert!(text.contains("the Hub refused it: status 400: invalid flavor `quantum-x1`"), "{text}");
    assert_eq!(bench.money(), Stage::Released);
}

#[tokio::test]
async fn a_secret_that_a_job_prints_is_taken_out_of_what_is_told() {
    let lines = vec![format!("key={SECRET}"), format!("token={TOKEN}"), "plain".to_owned()];
    let api = JobsApi::start(fast(Play { lines, ..play(10, "COMPLETED") })).await;
    let mut bench = Bench::at(&api).await;
    let text = done(bench.run(with(hour(), json!({"secrets": ["WANDB_API_KEY"]}))).await);
    assert!(text.ends_with("key=[secret WANDB_API_KEY]\ntoken=[secret token]\nplain"), "{text}");
    while let Ok(line) = bench.progress.try_recv() {
        assert!(!line.contains(SECRET) && !line.contains(TOKEN), "{line}");
    }
}

#[tokio::test]
async fn a_job_that_may_spend_by_itself_is_listed_without_a_bound_until_it_is_over() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::new("yolo:uncapped", hub(&api.base)).await;
    let text = done(bench.run(with(hour(), json!({"secrets": ["HF_TOKEN"]}))).await);
    assert!(
        text.contains("for $0.033333333334; what was spent with the secrets that it held is not in this"),
        "{text}"
    );
    assert_eq!(bench.money(), settled("0.033333333334"));
}
