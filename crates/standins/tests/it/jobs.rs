//! The jobs API, driven over HTTP: every call, the clock, and the faults on order.
//!
//! Not here: the official client, which drives it too.

use crate::started::{Started, client};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const TOKEN: &str = "hf_write";

/// A job spec that the Hub would take.
pub fn spec() -> Value {
    json!({
        "command": ["python", "-c", "print(1)"],
        "arguments": [],
        "environment": {"A": "b"},
        "flavor": "a10g-small",
        "dockerImage": "python:3.12",
        "timeoutSeconds": 600,
        "attempts": 1,
        "labels": {"remit-op": "op-1"},
    })
}

/// A jobs API whose clock stands, and a client with a token.
struct Hub {
    started: Started,
}

impl Hub {
    async fn start(more: &[&str]) -> Hub {
        let mut args =
            vec!["jobs", "--token", TOKEN, "--read-token", "hf_read", "--user", "me", "--org", "guild", "--speed", "0"];
        args.extend(more);
        Hub { started: Started::start(&args).await }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Response> {
        let request = client().request(method, self.started.url(path)).bearer_auth(TOKEN);
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    async fn get(&self, path: &str) -> Value {
        well(self.ask(Method::GET, path, None).await.unwrap()).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Value {
        well(self.ask(Method::POST, path, body).await.unwrap()).await
    }

    async fn launch(&self, spec: Value) -> String {
        let job = self.post("/api/jobs/me", Some(spec)).await;
        job["id"].as_str().unwrap().to_owned()
    }

    async fn inspect(&self, id: &str) -> Value {
        self.get(&format!("/api/jobs/me/{id}")).await
    }

    async fn stage(&self, id: &str) -> String {
        self.inspect(id).await["status"]["stage"].as_str().unwrap().to_owned()
    }

    async fn logs(&self, id: &str, query: &str) -> Response {
        let path = format!("/api/jobs/me/{id}/logs{query}");
        self.ask(Method::GET, &path, None).await.unwrap()
    }

    async fn advance(&self, seconds: u32) {
        self.post("/_standin/advance", Some(json!({ "seconds": seconds }))).await;
    }

    async fn inject(&self, order: Value) {
        self.post("/_standin/inject", Some(order)).await;
    }
}

async fn well(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// Reads the next event of a stream; `None` when the stream ends.
async fn next_piece(stream: &mut Response) -> Option<String> {
    let piece = stream.chunk().await.unwrap()?;
    Some(String::from_utf8(piece.to_vec()).unwrap())
}

/// Reads the lines of a log that was streamed whole.
fn lines(stream: &str) -> Vec<String> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|event| serde_json::from_str::<Value>(event).unwrap()["data"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_token_says_who_asks_and_what_they_may_do() {
    let hub = Hub::start(&[]).await;
    let me = hub.get("/api/whoami-v2").await;
    assert_eq!(me["name"], "me");
    assert_eq!(me["orgs"][0]["name"], "guild");
    assert_eq!(me["auth"]["accessToken"]["role"], "write");

    let ask = |token: &'static str, path: &'static str| {
        let request = client().get(hub.started.url(path)).bearer_auth(token);
        async move { request.send().await.unwrap() }
    };
    let read: Value = ask("hf_read", "/api/whoami-v2").await.json().await.unwrap();
    assert_eq!(read["auth"]["accessToken"]["role"], "read");
    for (token, path, status) in [
        ("hf_read", "/api/jobs/me", 200),
        ("hf_read", "/api/jobs/guild", 200),
        ("hf_read", "/api/jobs/stranger", 403),
        ("hf_wrong", "/api/jobs/me", 401),
        ("hf_wrong", "/api/jobs/hardware", 401),
        ("hf_write", "/api/jobs/me/nope", 404),
        ("hf_write", "/api/scheduled-jobs/me/nope", 404),
        ("hf_write", "/api/models", 404),
    ] {
        let response = ask(token, path).await;
        assert_eq!(response.status(), status, "{token} {path}");
        if status != 200 {
            let header = response.headers()["x-error-message"].to_str().unwrap().to_owned();
            let body: Value = response.json().await.unwrap();
            assert_eq!(body, json!({ "error": header }));
        }
    }
    let launch =
        client().post(hub.started.url("/api/jobs/me")).bearer_auth("hf_read").json(&spec()).send().await.unwrap();
    assert_eq!(launch.status(), 403);
    let nobody = client().get(hub.started.url("/api/whoami-v2")).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(hub.started.state().await["launches"], 0);
}

#[tokio::test]
async fn a_job_is_seen_through_its_whole_life() {
    let hub = Hub::start(&["--scheduling-secs", "5", "--run-secs", "90"]).await;
    let job = hub.post("/api/jobs/me", Some(spec())).await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    assert_eq!(job["status"], json!({"stage": "SCHEDULING", "message": null}));
    assert_eq!(job["owner"]["name"], "me");
    assert_eq!(job["initiator"]["type"], "user");
    assert_eq!(job["labels"], json!({"remit-op": "op-1"}));
    assert_eq!(job["startedAt"], Value::Null);

    hub.advance(65).await;
    let running = hub.inspect(id).await;
    assert_eq!(running["status"]["stage"], "RUNNING");
    assert_eq!(running["durations"], json!({"schedulingSecs": 5, "runningSecs": 60, "totalSecs": 65}));
    hub.advance(300).await;
    let done = hub.inspect(id).await;
    assert_eq!(done["status"]["stage"], "COMPLETED");
    assert_eq!(done["durations"]["runningSecs"], 90);
    assert_ne!(done["finishedAt"], Value::Null);
    let kept = &hub.started.state().await["jobs"][0];
    assert_eq!(kept["billedMicroUSD"], 2 * 16_667);
    assert_eq!(kept["timeoutSeconds"], 600);
}

#[tokio::test]
async fn an_outcome_that_was_chosen_at_the_start_is_how_jobs_end() {
    let hub = Hub::start(&["--outcome", "error", "--message", "out of memory"]).await;
    let id = hub.launch(spec()).await;
    hub.advance(60).await;
    assert_eq!(hub.inspect(&id).await["status"], json!({"stage": "ERROR", "message": "out of memory"}));
}

#[tokio::test]
async fn a_spec_that_is_wrong_starts_nothing() {
    let hub = Hub::start(&[]).await;
    let mut wrong = spec();
    wrong["flavor"] = json!("quantum-x1");
    let response = hub.ask(Method::POST, "/api/jobs/me", Some(wrong)).await.unwrap();
    assert_eq!(response.status(), 400);
    let response = hub.ask(Method::POST, "/api/jobs/me", None).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(hub.started.state().await["jobs"], json!([]));
}

#[tokio::test]
async fn a_list_is_narrowed_by_stage_and_label_over_all_its_pages() {
    let hub = Hub::start(&["--page", "2"]).await;
    let mut old = spec();
    old["labels"] = json!({"remit-op": "op-0", "name": "x"});
    let old = hub.launch(old).await;
    hub.advance(60).await;
    let mut new = Vec::new();
    for _ in 0..5 {
        new.insert(0, hub.launch(spec()).await);
    }
    let list = async |query: &str| {
        let mut ids = Vec::new();
        let mut next = Some(hub.started.url(&format!("/api/jobs/me{query}")));
        while let Some(url) = next {
            let response = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
            next = response.headers().get("link").map(|link| {
                let link = link.to_str().unwrap();
                let link = link.strip_suffix(">; rel=\"next\"").unwrap();
                link.strip_prefix('<').unwrap().to_owned()
            });
            let page: Value = response.json().await.unwrap();
            let page = page.as_array().unwrap();
            assert!(page.len() <= 2);
            ids.extend(page.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        }
        ids
    };
    assert_eq!(list("?label=remit-op=op-1").await, new);
    assert_eq!(list("?stage=SCHEDULING").await, new);
    assert_eq!(list("?stage=COMPLETED&stage=ERROR").await, [old.as_str()]);
    assert_eq!(list("?label=remit-op=op-0&label=name=x").await, [old.as_str()]);
    assert_eq!(list("?label=remit-op%3Dop-1&label=name=x").await, [""; 0]);
    assert_eq!(list("").await.len(), 6);
    let guild = hub.get("/api/jobs/guild").await;
    assert_eq!(guild, json!([]));
}

#[tokio::test]
async fn a_log_follows_the_job_and_ends_with_it() {
    let hub = Hub::start(&["--line", "one", "--line", "two", "--keep-alive-ms", "20"]).await;
    let id = hub.launch(spec()).await;
    let mut stream = hub.logs(&id, "").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(next_piece(&mut stream).await.unwrap(), ": keep-alive\n\n");
    hub.advance(2).await;
    let mut next_event = async || loop {
        match next_piece(&mut stream).await {
            Some(piece) if piece == ": keep-alive\n\n" => {}
            other => return other,
        }
    };
    let first = lines(&next_event().await.unwrap());
    assert!(first[0].starts_with("===== Job started at "), "{first:?}");
    hub.advance(5).await;
    assert_eq!(lines(&next_event().await.unwrap()), ["one"]);
    hub.advance(4).await;
    assert_eq!(lines(&next_event().await.unwrap()), ["two"]);
    assert_eq!(hub.stage(&id).await, "RUNNING");
    hub.advance(1).await;
    assert_eq!(next_event().await, None);
    assert_eq!(hub.stage(&id).await, "COMPLETED");

    let whole = hub.logs(&id, "").await.text().await.unwrap();
    assert_eq!(lines(&whole)[1..], ["one", "two"]);
    let tail = hub.logs(&id, "?tail=1").await.text().await.unwrap();
    assert_eq!(lines(&tail), ["two"]);
    assert_eq!(hub.logs(&id, "?tail=x").await.status(), 400);
}

#[tokio::test]
async fn a_log_may_fall_silent_or_end_while_the_job_runs_on() {
    let hub = Hub::start(&["--keep-alive-ms", "10"]).await;
    let id = hub.launch(spec()).await;
    hub.advance(11).await;
    hub.inject(json!({"kind": "logs_end", "after": 2})).await;
    let cut = hub.logs(&id, "").await.text().await.unwrap();
    assert_eq!(lines(&cut)[1..], ["step 1 of 3"]);
    assert_eq!(hub.stage(&id).await, "RUNNING");

    hub.inject(json!({"kind": "logs_silent", "after": 1})).await;
    let mut silent = hub.logs(&id, "").await;
    assert_eq!(lines(&next_piece(&mut silent).await.unwrap()).len(), 1);
    hub.advance(3_600).await;
    assert_eq!(hub.stage(&id).await, "COMPLETED");
    for _ in 0..3 {
        assert_eq!(next_piece(&mut silent).await.unwrap(), ": keep-alive\n\n");
    }
}

#[tokio::test]
async fn a_log_keeps_time_with_a_fast_clock() {
    let hub = Hub::start(&[]).await;
    drop(hub);
    let fast = Started::start(&["jobs", "--speed", "1000", "--run-secs", "30"]).await;
    let job: Value = client()
        .post(fast.url("/api/jobs/someone"))
        .bearer_auth("any")
        .json(&spec())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let path = format!("/api/jobs/someone/{}/logs", job["id"].as_str().unwrap());
    let log = client().get(fast.url(&path)).bearer_auth("any").send().await.unwrap();
    assert_eq!(lines(&log.text().await.unwrap()).len(), 4);
}

#[tokio::test]
async fn metrics_flow_while_the_job_runs_and_are_406_after() {
    let hub = Hub::start(&[]).await;
    let id = hub.launch(spec()).await;
    hub.advance(3).await;
    let path = format!("/api/jobs/me/{id}/metrics");
    let mut stream = hub.ask(Method::GET, &path, None).await.unwrap();
    for _ in 0..2 {
        let piece = next_piece(&mut stream).await.unwrap();
        let sample = piece.strip_prefix("event: metric\ndata: ").unwrap();
        let sample: Value = serde_json::from_str(sample).unwrap();
        assert_eq!(sample["gpus"].as_object().unwrap().len(), 1);
        hub.advance(1).await;
    }
    hub.advance(60).await;
    let after = hub.ask(Method::GET, &path, None).await.unwrap();
    assert_eq!(after.status(), 406);
}

#[tokio::test]
async fn cancelling_is_a_request_that_takes_effect_later() {
    let hub = Hub::start(&["--cancel-secs", "2", "--run-secs", "100"]).await;
    let id = hub.launch(spec()).await;
    hub.advance(10).await;
    let path = format!("/api/jobs/me/{id}/cancel");
    let answer = hub.post(&path, None).await;
    assert_eq!(answer["status"]["stage"], "RUNNING");
    hub.advance(2).await;
    let cancelled = hub.inspect(&id).await;
    assert_eq!(cancelled["status"]["stage"], "CANCELED");
    assert_eq!(cancelled["durations"]["runningSecs"], 10);
    hub.post(&path, None).await;
    assert_eq!(hub.inspect(&id).await, cancelled);
}

#[tokio::test]
async fn a_duplicate_is_a_job_of_its_own_with_the_same_spec() {
    let hub = Hub::start(&[]).await;
    let id = hub.launch(spec()).await;
    let twin = hub.post(&format!("/api/jobs/me/{id}/duplicate"), None).await;
    assert_ne!(twin["id"], json!(id));
    assert_eq!(twin["initiator"], json!({"type": "duplicated-job", "id": id}));
    assert_eq!(twin["command"], spec()["command"]);
    let kept = hub.started.state().await;
    assert_eq!(kept["launches"], 1);
    assert_eq!(kept["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn labels_and_ports_of_a_job_can_be_replaced() {
    let hub = Hub::start(&[]).await;
    let id = hub.launch(spec()).await;
    let put = async |what: &str, body: Value| {
        let path = format!("/api/jobs/me/{id}/{what}");
        hub.ask(Method::PUT, &path, Some(body)).await.unwrap()
    };
    let labelled = well(put("labels", json!({"labels": {"a": "b"}})).await).await;
    assert_eq!(labelled["labels"], json!({"a": "b"}));
    let wrong = put("labels", json!({"labels": {"a": "b c"}})).await;
    assert_eq!(wrong.status(), 400);
    let exposed = well(put("expose", json!({"ports": [80, 81], "portsPublic": [81]})).await).await;
    assert_eq!(exposed["expose"], json!({"ports": [80, 81], "portsPublic": [81]}));
    assert_eq!(exposed["status"]["exposeUrls"][1], json!(format!("https://{id}--81.hf.jobs")));
    hub.advance(60).await;
    assert_eq!(put("expose", json!({"ports": []})).await.status(), 400);
}

#[tokio::test]
async fn a_schedule_runs_by_itself_and_on_demand() {
    let hub = Hub::start(&["--run-secs", "600"]).await;
    let body = json!({"jobSpec": spec(), "schedule": "@hourly", "concurrency": false});
    let made = hub.post("/api/scheduled-jobs/me", Some(body)).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/api/scheduled-jobs/me/{id}");
    assert_eq!(made["jobSpec"]["timeout"], 600);
    assert_eq!(made["jobSpec"]["retry"], 0);
    assert_eq!(made["suspend"], false);
    assert_ne!(made["status"]["nextJobRunAt"], Value::Null);

    let run = hub.post(&format!("{path}/run"), None).await;
    assert_eq!(run["initiator"], json!({"type": "scheduled-job", "id": id}));
    let again = hub.ask(Method::POST, &format!("{path}/run"), None).await.unwrap();
    assert_eq!(again.status(), 409);
    assert_eq!(hub.get(&path).await["status"]["lastJob"]["id"], run["id"]);

    hub.advance(2 * 3_600).await;
    let jobs = hub.get("/api/jobs/me").await;
    let jobs = jobs.as_array().unwrap();
    assert!(jobs.len() >= 2, "{jobs:?}");
    assert!(jobs.iter().all(|job| job["initiator"]["id"] == json!(id)));

    hub.post(&format!("{path}/suspend"), None).await;
    let suspended = hub.get(&path).await;
    assert_eq!(suspended["suspend"], true);
    assert_eq!(suspended["status"]["nextJobRunAt"], Value::Null);
    hub.advance(24 * 3_600).await;
    assert_eq!(hub.get("/api/jobs/me").await.as_array().unwrap().len(), jobs.len());

    hub.post(&format!("{path}/resume"), None).await;
    let daily = hub.post(&format!("{path}/schedule"), Some(json!({"schedule": "30 4 * * *"}))).await;
    let next = daily["status"]["nextJobRunAt"].as_str().unwrap();
    assert!(next.ends_with("T04:30:00.000Z"), "{next}");
    let wrong = json!({"schedule": "whenever"});
    let wrong = hub.ask(Method::POST, &format!("{path}/schedule"), Some(wrong)).await.unwrap();
    assert_eq!(wrong.status(), 400);

    let labels = json!({"labels": {"k": "v"}});
    well(hub.ask(Method::PUT, &format!("{path}/labels"), Some(labels)).await.unwrap()).await;
    let found = hub.get("/api/scheduled-jobs/me?label=k=v").await;
    assert_eq!(found[0]["id"], json!(id));
    assert_eq!(hub.get("/api/scheduled-jobs/me?label=k=w").await, json!([]));
    hub.ask(Method::DELETE, &path, None).await.unwrap().error_for_status().unwrap();
    assert_eq!(hub.get("/api/scheduled-jobs/me").await, json!([]));
}

#[tokio::test]
async fn a_launch_whose_answer_is_lost_is_found_by_its_label() {
    let hub = Hub::start(&[]).await;
    hub.inject(json!({"kind": "lose_answer"})).await;
    let lost = hub.ask(Method::POST, "/api/jobs/me", Some(spec())).await;
    let failure = lost.expect_err("no answer comes");
    assert_eq!(failure.status(), None);
    let found = hub.get("/api/jobs/me?label=remit-op=op-1").await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(hub.started.state().await["launches"], 1);
    hub.launch(spec()).await;
}

#[tokio::test]
async fn an_answer_that_is_held_back_never_comes_though_the_job_was_started() {
    let hub = Hub::start(&[]).await;
    hub.inject(json!({"kind": "hold_answer"})).await;
    let asking = hub.ask(Method::POST, "/api/jobs/me", Some(spec()));
    let started = async {
        while hub.started.state().await["launches"] != 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = asking => panic!("an answer came: {answer:?}"),
        () = started => {}
    }
}

#[tokio::test]
async fn a_launch_that_fails_cleanly_starts_nothing() {
    let hub = Hub::start(&[]).await;
    for (order, status) in [
        (json!({"kind": "fail", "status": 500}), 500),
        (json!({"kind": "fail", "status": 503, "error": "down"}), 503),
        (json!({"kind": "payment_required"}), 402),
        (json!({"kind": "rate_limited", "retry_after_secs": 7}), 429),
    ] {
        hub.inject(order).await;
        let response = hub.ask(Method::POST, "/api/jobs/me", Some(spec())).await.unwrap();
        assert_eq!(response.status(), status);
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
            assert_eq!(response.headers()["ratelimit"], "\"api\";r=0;t=7");
        }
        let body: Value = response.json().await.unwrap();
        assert!(body["error"].is_string());
    }
    assert_eq!(hub.started.state().await["jobs"], json!([]));
    hub.launch(spec()).await;
}

#[tokio::test]
async fn an_answer_may_name_a_stage_that_nobody_knows_or_lack_a_price() {
    let hub = Hub::start(&[]).await;
    let id = hub.launch(spec()).await;
    hub.inject(json!({"kind": "stage", "stage": "DEFRAGMENTING", "times": 2})).await;
    assert_eq!(hub.stage(&id).await, "DEFRAGMENTING");
    assert_eq!(hub.stage(&id).await, "DEFRAGMENTING");
    assert_eq!(hub.stage(&id).await, "SCHEDULING");
    hub.inject(json!({"kind": "stage", "stage": "PAUSED", "on": "list"})).await;
    assert_eq!(hub.get("/api/jobs/me").await[0]["status"]["stage"], "PAUSED");

    let price = async || {
        let list = hub.get("/api/jobs/hardware").await;
        let list = list.as_array().unwrap().clone();
        let named = list.iter().find(|flavor| flavor["name"] == "a10g-small").unwrap();
        (named.get("unitCostMicroUSD").cloned(), list[0]["unitCostMicroUSD"].clone())
    };
    hub.inject(json!({"kind": "no_price", "flavor": "a10g-small"})).await;
    assert_eq!(price().await, (None, json!(167)));
    hub.inject(json!({"kind": "null_price"})).await;
    assert_eq!(price().await, (Some(Value::Null), Value::Null));
    assert_eq!(price().await, (Some(json!(16_667)), json!(167)));
}

#[tokio::test]
async fn hardware_is_listed_by_the_hour_where_that_was_asked_for_and_billed_so() {
    let hub = Hub::start(&["--unit", "hour", "--scheduling-secs", "0", "--run-secs", "3600"]).await;
    let list = hub.get("/api/jobs/hardware").await;
    let named = list.as_array().unwrap().iter().find(|flavor| flavor["name"] == "cpu-basic").unwrap();
    assert_eq!((&named["unitCostMicroUSD"], &named["unitLabel"]), (&json!(10_000), &json!("hour")));
    let mut spec = spec();
    (spec["flavor"], spec["timeoutSeconds"]) = (json!("cpu-basic"), json!(3_600));
    hub.launch(spec).await;
    hub.advance(3_600).await;
    assert_eq!(hub.started.state().await["jobs"][0]["billedMicroUSD"], 10_000);
}

#[tokio::test]
async fn the_hardware_and_the_role_of_an_answer_can_be_anything() {
    let hub = Hub::start(&[]).await;
    hub.inject(json!({"kind": "hardware_list", "list": [{"name": "x"}]})).await;
    assert_eq!(hub.get("/api/jobs/hardware").await, json!([{"name": "x"}]));
    assert_eq!(hub.get("/api/jobs/hardware").await.as_array().unwrap().len(), 26);
    hub.inject(json!({"kind": "role", "role": "fineGrained"})).await;
    let role = async || hub.get("/api/whoami-v2").await["auth"]["accessToken"]["role"].clone();
    assert_eq!(role().await, "fineGrained");
    assert_eq!(role().await, "write");
}

#[tokio::test]
async fn the_next_job_plays_out_as_ordered_and_the_one_after_it_does_not() {
    let hub = Hub::start(&[]).await;
    let play = json!({"scheduling_secs": 0, "run_secs": 1, "outcome": "ERROR", "lines": ["boom"]});
    hub.inject(json!({"kind": "next_job", "play": play})).await;
    let odd = hub.launch(spec()).await;
    let usual = hub.launch(spec()).await;
    hub.advance(1).await;
    assert_eq!(hub.stage(&odd).await, "ERROR");
    assert_eq!(lines(&hub.logs(&odd, "").await.text().await.unwrap())[1..], ["boom"]);
    assert_eq!(hub.stage(&usual).await, "SCHEDULING");
}

#[tokio::test]
async fn an_order_that_is_not_understood_is_refused_and_orders_can_be_taken_back() {
    let hub = Hub::start(&[]).await;
    let wrong = hub.ask(Method::POST, "/_standin/inject", Some(json!({"kind": "explode"}))).await.unwrap();
    assert_eq!(wrong.status(), 400);
    let wrong = hub.ask(Method::POST, "/_standin/advance", Some(json!({"seconds": -1}))).await.unwrap();
    assert_eq!(wrong.status(), 400);
    hub.inject(json!({"kind": "payment_required"})).await;
    hub.ask(Method::DELETE, "/_standin/inject", None).await.unwrap().error_for_status().unwrap();
    hub.launch(spec()).await;
}

#[tokio::test]
async fn every_request_is_remembered_and_no_secret_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.json");
    let hub = Hub::start(&["--state", file.to_str().unwrap()]).await;
    let mut secretive = spec();
    secretive["secrets"] = json!({"WANDB": "top-secret"});
    let id = hub.launch(secretive.clone()).await;
    let body = json!({"jobSpec": secretive, "schedule": "@daily"});
    hub.post("/api/scheduled-jobs/me", Some(body)).await;
    assert_eq!(hub.inspect(&id).await["secrets"], json!({"WANDB": "***"}));

    let state = hub.started.state().await;
    let requests = state["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0]["method"], "POST");
    assert_eq!(requests[0]["path"], "/api/jobs/me");
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests[0]["body"]["labels"], json!({"remit-op": "op-1"}));
    assert_eq!(requests[0]["body"]["secrets"], json!({"WANDB": "***"}));
    let kept = std::fs::read_to_string(&file).unwrap();
    for text in [state.to_string(), kept] {
        assert!(text.contains("WANDB"));
        assert!(!text.contains("top-secret") && !text.contains(TOKEN), "{text}");
    }
}

#[tokio::test]
async fn a_restart_remembers_the_jobs_and_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.json");
    let args = ["--state", file.to_str().unwrap(), "--run-secs", "1000"];
    let hub = Hub::start(&args).await;
    let id = hub.launch(spec()).await;
    hub.advance(500).await;
    let before = hub.inspect(&id).await;
    assert!(hub.started.end().await.success());

    let hub = Hub::start(&args).await;
    assert_eq!(hub.inspect(&id).await, before);
    let second = hub.launch(spec()).await;
    assert_ne!(second, id);
}

#[tokio::test]
async fn a_state_file_that_is_not_ours_is_an_error_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.json");
    std::fs::write(&file, "{\"jobs\": 3}").unwrap();
    let output = tokio::process::Command::new(crate::started::PROGRAM)
        .args(["jobs", "--state", file.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("state file `"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"jobs\": 3}");
}
