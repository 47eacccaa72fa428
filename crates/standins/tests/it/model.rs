//! The model server, driven by the product's own client in every dialect, and by hand where that client hides the wire.
//!
//! Not here: how a script is read, which is the business of the crate that defines it.

use crate::started::{PROGRAM, Started, client};
use ::model::{Client, Completion, Dialect, Endpoint, Heard, Lost, Model, ModelError, Script, Secret, Stop};
use ::turn::chat::{Message, Outcome, Prompt, ToolSpec};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

const SCRIPT: &str = r#"
[[turn]]
reasoning = "I should look first."
text = "I read the file, and more."
chunk = 5
calls = [
    { tool = "read", args = { path = "src/lib.rs", from = 1 } },
    { tool = "mcp:forge/list_pull_requests" },
    { tool = "write", raw = "{\"path\": \"é" },
]
usage = { input = 1200, output = 40, cache_read = 700, cache_write = 100, reasoning = 8 }

[[turn]]
expect = ["fn add"]
text = "Cut short"
stop = "length"
usage = { input = 1300, output = 3 }

[[turn]]
text = "No."
stop = "refusal"
usage = { input = 1400, output = 2 }

[[turn]]
text = "All done."
usage = { input = 1500, output = 4 }
"#;

/// A model server on a script of its own.
struct Served {
    started: Started,
    _folder: TempDir,
}

impl Served {
    async fn start(script: &str, more: &[&str]) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.toml");
        std::fs::write(&path, script).unwrap();
        let mut args = vec!["model", "--script", path.to_str().unwrap()];
        args.extend(more);
        Served { started: Started::start(&args).await, _folder: folder }
    }

    async fn order(&self, fault: Value) {
        let ordered = client().post(self.started.url("/_standin/fault")).json(&fault).send().await.unwrap();
        assert_eq!(ordered.status(), 200, "{fault}");
    }

    async fn requests(&self) -> Vec<Value> {
        requests(&self.started).await
    }

    async fn post(&self, path: &str, body: Value) -> reqwest::Response {
        client().post(self.started.url(path)).json(&body).send().await.unwrap()
    }
}

async fn requests(started: &Started) -> Vec<Value> {
    let record = client().get(started.url("/_standin/requests")).send().await.unwrap();
    record.json().await.unwrap()
}

/// Says where the stand-in is, to a client that tries again at once.
fn endpoint(started: &Started, dialect: Dialect) -> Endpoint {
    let mut endpoint = Endpoint::new(dialect, &started.url("/v1"), "standin").unwrap();
    endpoint.retry.first_wait = Duration::ZERO;
    endpoint.retry.attempts = 3;
    endpoint
}

/// Asks until there is an answer, or until asking again is not worth it.
async fn ask(endpoint: Endpoint, prompt: &Prompt) -> (Result<Completion, Lost>, Vec<Heard>) {
    let client = Client::new(endpoint);
    let (mut heard, mut number) = (Vec::new(), 1);
    loop {
        match client.attempt(prompt, number, &mut |piece| heard.push(piece)).await {
            Err(lost) if lost.wait.is_some() => number += 1,
            asked => return (asked, heard),
        }
    }
}

fn prompt(messages: Vec<Message>) -> Prompt {
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: "A tool.".to_owned(),
        parameters: json!({"type": "object"}),
    };
    Prompt {
        system: "You are an agent.".to_owned(),
        tools: ["read", "write", "mcp:forge/list_pull_requests"].map(tool).to_vec(),
        messages,
        max_output_tokens: None,
    }
}

fn go() -> Message {
    Message::User { text: "Go.".to_owned() }
}

/// Adds a completion, and a result to each of its calls.
fn follow(prompt: &mut Prompt, completion: &Completion, result: &str) {
    prompt.messages.push(Message::Assistant(completion.reply.clone()));
    for call in &completion.reply.calls {
        let (call, text) = (call.id.clone(), result.to_owned());
        prompt.messages.push(Message::Tool { call, text, outcome: Outcome::Done });
    }
    if completion.reply.calls.is_empty() {
        prompt.messages.push(go());
    }
}

/// What a completion says, apart from what a dialect wants back and from the numbers of calls.
fn gist(completion: &Completion) -> Value {
    let reply = &completion.reply;
    let calls: Vec<Value> = reply.calls.iter().map(|call| json!([call.name, call.arguments])).collect();
    json!({
        "text": reply.text,
        "thought": reply.reasoning.as_ref().map(|thought| &thought.text),
        "calls": calls,
        "usage": completion.usage,
        "stop": format!("{:?}", completion.stop),
    })
}

#[tokio::test]
async fn every_dialect_says_what_the_script_says_turn_by_turn() {
    let served = Served::start(SCRIPT, &[]).await;
    let script = Model::Script(Script::parse(SCRIPT).unwrap());
    for dialect in Dialect::ALL {
        let mut conversation = prompt(vec![go()]);
        let mut played = prompt(vec![go()]);
        for turn in 0..4 {
            let said = ask(endpoint(&served.started, dialect), &conversation).await.0.unwrap();
            let meant = script.attempt(&played, 1, &mut |_| {}).await.unwrap();
            assert_eq!(gist(&said), gist(&meant), "{dialect:?}, turn {turn}");
            follow(&mut conversation, &said, "pub fn add() {}");
            follow(&mut played, &meant, "pub fn add() {}");
        }
    }
    let positions: Vec<Value> = served.requests().await.iter().map(|seen| seen["position"].clone()).collect();
    assert_eq!(json!(positions), json!([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]));
}

#[tokio::test]
async fn a_script_that_cannot_go_on_is_a_bad_request_that_says_why() {
    let served = Served::start(SCRIPT, &[]).await;
    for dialect in Dialect::ALL {
        let mut conversation = prompt(vec![go()]);
        let first = ask(endpoint(&served.started, dialect), &conversation).await.0.unwrap();
        follow(&mut conversation, &first, "nothing of the kind");
        let failure = ask(endpoint(&served.started, dialect), &conversation).await.0.unwrap_err();
        assert!(matches!(*failure.why, ModelError::BadRequest(_)), "{failure}");
        assert!(failure.to_string().contains("expects `fn add`"), "{failure}");

        let many = (0..8).flat_map(|_| [go(), Message::Assistant(first_words())]).chain([go()]).collect();
        let failure = ask(endpoint(&served.started, dialect), &prompt(many)).await.0.unwrap_err();
        assert!(failure.to_string().contains("the script has ended"), "{failure}");
    }
}

fn first_words() -> ::turn::chat::Reply {
    ::turn::chat::Reply { text: "Well.".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn every_request_is_recorded_with_its_times_its_size_and_its_body() {
    let served = Served::start(SCRIPT, &[]).await;
    let mut conversation = prompt(vec![go()]);
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let endpoint = endpoint(&served.started, Dialect::ChatCompletions);
        sizes.push(Client::new(endpoint.clone()).body(&conversation).to_string().len());
        let said = ask(endpoint, &conversation).await.0.unwrap();
        follow(&mut conversation, &said, "fn add");
    }
    let seen = served.requests().await;
    let number = |seen: &Value, key: &str| seen[key].as_u64().unwrap_or_else(|| panic!("{key} in {seen}"));
    for (nth, seen) in seen.iter().enumerate() {
        assert_eq!(seen["path"], "/v1/chat/completions");
        assert_eq!(seen["status"], 200);
        assert_eq!(number(seen, "number"), nth as u64 + 1);
        assert_eq!(number(seen, "bytes"), sizes[nth] as u64);
        assert_eq!(seen["body"]["messages"][0]["content"], "You are an agent.");
        assert!(number(seen, "arrived_unix_ns") > 1_700_000_000_000_000_000);
        let took = number(seen, "answered_ns") - number(seen, "arrived_ns");
        assert_eq!(number(seen, "answered_unix_ns") - number(seen, "arrived_unix_ns"), took);
    }
    for pair in seen.windows(2) {
        assert!(number(&pair[0], "answered_ns") <= number(&pair[1], "arrived_ns"));
    }
    client().delete(served.started.url("/_standin/requests")).send().await.unwrap();
    assert_eq!(served.requests().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_answer_can_be_had_whole() {
    let served = Served::start(SCRIPT, &[]).await;
    let tools = json!([{"type": "function", "function": {"name": "mcp__forge__list_pull_requests"}}]);
    let messages = json!([{"role": "user", "content": "Go."}]);
    let chat: Value = served
        .post("/v1/chat/completions", json!({"model": "m", "messages": messages, "tools": tools}))
        .await
        .json()
        .await
        .unwrap();
    let message = &chat["choices"][0]["message"];
    assert_eq!(message["content"], "I read the file, and more.");
    assert_eq!(message["reasoning_content"], "I should look first.");
    assert_eq!(message["tool_calls"][1]["function"]["name"], "mcp__forge__list_pull_requests");
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");

    let anthropic: Value = served
        .post("/v1/messages", json!({"model": "m", "max_tokens": 10, "messages": messages}))
        .await
        .json()
        .await
        .unwrap();
    let kinds: Vec<&Value> = anthropic["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use", "tool_use", "tool_use"]);
    assert_eq!(anthropic["content"][2]["input"], json!({"path": "src/lib.rs", "from": 1}));
    assert_eq!(anthropic["stop_reason"], "tool_use");
    assert_eq!(anthropic["usage"]["input_tokens"], 400);

    let response: Value =
        served.post("/v1/responses", json!({"model": "m", "input": "Go."})).await.json().await.unwrap();
    let kinds: Vec<&Value> = response["output"].as_array().unwrap().iter().map(|item| &item["type"]).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call", "function_call", "function_call"]);
    assert_eq!(response["status"], "completed");
    assert_eq!(response["usage"]["total_tokens"], 1240);
}

/// The names of a stream's events, each once where it comes again and again.
fn names(stream: &str) -> Vec<&str> {
    let mut names: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    names.dedup();
    names
}

#[tokio::test]
async fn a_stream_has_the_events_of_its_dialect_in_their_order() {
    let script = r#"
        [[turn]]
        text = "Hello."
        chunk = 2
        calls = [{ tool = "read" }]
        usage = { input = 7, output = 9 }
    "#;
    let served = Served::start(script, &[]).await;
    let messages = json!([{"role": "user", "content": [{"type": "text", "text": "Go."}]}]);
    let chat = json!({"model": "m", "stream": true, "messages": messages});
    let said = served.post("/v1/chat/completions", chat.clone()).await;
    assert_eq!(said.headers()["content-type"], "text/event-stream; charset=utf-8");
    let said = said.text().await.unwrap();
    assert!(said.ends_with("data: [DONE]\n\n") && !said.contains("\"usage\""), "{said}");
    let mut counted = chat;
    counted["stream_options"] = json!({"include_usage": true});
    let said = served.post("/v1/chat/completions", counted).await.text().await.unwrap();
    assert!(said.contains("\"choices\":[],\"usage\":{\"prompt_tokens\":7,"), "{said}");

    let anthropic = json!({"model": "m", "stream": true, "max_tokens": 10, "messages": messages});
    let said = served.post("/v1/messages", anthropic).await.text().await.unwrap();
    assert_eq!(
        names(&said),
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let said =
        served.post("/v1/responses", json!({"model": "m", "stream": true, "input": "Go."})).await.text().await.unwrap();
    assert_eq!(
        names(&said),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
}

#[tokio::test]
async fn what_a_real_service_refuses_is_refused() {
    let served = Served::start(SCRIPT, &[]).await;
    let user = json!({"role": "user", "content": "Go."});
    let call = json!({"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}});
    let calling = json!({"role": "assistant", "tool_calls": [call]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    for (messages, reason) in [
        (json!([user, calling]), "`c1` has no result"),
        (json!([user, calling, user]), "`c1` has no result"),
        (json!([user, calling, result("c2")]), "`c2` follows no call"),
        (json!([user, calling, result("c1"), result("c1")]), "`c1` follows no call"),
        (json!([{"role": "robot", "content": "x"}]), "messages[0]: invalid role \"robot\""),
        (json!("Go."), "`messages` must be a list"),
        (json!([{"role": "assistant", "tool_calls": [{"id": ""}]}]), "must be named"),
    ] {
        let refused = served.post("/v1/chat/completions", json!({"model": "m", "messages": messages})).await;
        assert_eq!(refused.status(), 400);
        let said: Value = refused.json().await.unwrap();
        assert!(said["error"]["message"].as_str().unwrap().contains(reason), "{said}");
    }
    let messages = json!([
        user,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "read", "input": {}}]},
        {"role": "user", "content": [{"type": "text", "text": "no result"}]},
    ]);
    let refused = served.post("/v1/messages", json!({"model": "m", "max_tokens": 5, "messages": messages})).await;
    let said: Value = refused.json().await.unwrap();
    assert_eq!(said["error"]["type"], "invalid_request_error");
    let unlimited = served.post("/v1/messages", json!({"model": "m", "messages": [user]})).await;
    assert_eq!(unlimited.status(), 400);
    let input = json!([{"type": "function_call_output", "call_id": "c9", "output": "x"}]);
    let refused = served.post("/v1/responses", json!({"model": "m", "input": input})).await;
    assert_eq!(refused.status(), 400);
    let rubbish = client().post(served.started.url("/v1/responses")).body("{").send().await.unwrap();
    assert_eq!(rubbish.status(), 400);
    assert!(served.requests().await.iter().all(|seen| seen["status"] == 400));
}

#[tokio::test]
async fn an_answer_that_breaks_off_once_is_asked_for_again() {
    for fault in ["cut", "end_early", "garbage", "no_answer", "fail:500", "fail:529", "rate_limited:0"] {
        let served = Served::start(SCRIPT, &["--fault", fault]).await;
        for dialect in Dialect::ALL {
            if dialect != Dialect::ChatCompletions {
                let order = match fault.split_once(':') {
                    Some(("fail", status)) => json!({"kind": "fail", "status": status.parse::<u16>().unwrap()}),
                    Some((kind, _)) => json!({"kind": kind, "retry_after_secs": 0}),
                    None => json!({"kind": fault}),
                };
                served.order(order).await;
            }
            let (said, heard) = ask(endpoint(&served.started, dialect), &prompt(vec![go()])).await;
            assert_eq!(said.unwrap().reply.calls.len(), 3, "{fault} {dialect:?}");
            let begun = matches!(fault, "cut" | "end_early");
            assert_eq!(heard.contains(&Heard::Restarted), begun, "{fault} {dialect:?}");
        }
        let faults: Vec<bool> = served.requests().await.iter().map(|seen| seen["fault"].is_string()).collect();
        assert_eq!(faults, [true, false, true, false, true, false], "{fault}");
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_told_to_the_client() {
    let served = Served::start(SCRIPT, &["--fault", "rate_limited:77"]).await;
    let mut endpoint = endpoint(&served.started, Dialect::Anthropic);
    endpoint.retry.attempts = 1;
    let failure = ask(endpoint, &prompt(vec![go()])).await.0.unwrap_err();
    assert_eq!(failure.why.retry_after(), Some(Duration::from_secs(77)));
}

#[tokio::test]
async fn too_much_of_anything_is_cut_off_by_the_client_and_the_server_goes_on() {
    let served = Served::start(SCRIPT, &[]).await;
    for dialect in Dialect::ALL {
        for (fault, allowed) in [(json!({"kind": "endless"}), 1 << 16), (json!({"kind": "thousand_calls"}), 1 << 30)] {
            served.order(fault.clone()).await;
            let mut endpoint = endpoint(&served.started, dialect);
            endpoint.caps.text = allowed;
            let failure = ask(endpoint, &prompt(vec![go()])).await.0.unwrap_err();
            assert!(matches!(*failure.why, ModelError::TooMuch(_)), "{dialect:?} {fault}: {failure}");
        }
        let said = ask(endpoint(&served.started, dialect), &prompt(vec![go()])).await.0.unwrap();
        assert_eq!(said.stop, Stop::ToolCalls);
    }
    served.order(json!({"kind": "thousand_calls", "calls": 40})).await;
    let said = ask(endpoint(&served.started, Dialect::Responses), &prompt(vec![go()])).await.0.unwrap();
    assert_eq!(said.reply.calls.len(), 40);
    let ids: std::collections::HashSet<&String> = said.reply.calls.iter().map(|call| &call.id).collect();
    assert_eq!(ids.len(), 40);
}

#[tokio::test]
async fn a_stream_that_hangs_stays_open_while_others_are_answered() {
    let served = Served::start(SCRIPT, &["--fault", "hang"]).await;
    let messages = json!([{"role": "user", "content": "Go."}]);
    let body = json!({"model": "m", "stream": true, "messages": messages});
    let mut hanging = served.post("/v1/chat/completions", body.clone()).await;
    let mut said = String::new();
    let others = async {
        for _ in 0..5 {
            let other = served.post("/v1/chat/completions", body.clone()).await.text().await.unwrap();
            assert!(other.ends_with("data: [DONE]\n\n"));
        }
    };
    let listening = async {
        while let Some(piece) = hanging.chunk().await.unwrap() {
            said.push_str(std::str::from_utf8(&piece).unwrap());
        }
    };
    tokio::select! {
        () = listening => panic!("the stream ended"),
        () = others => {}
    }
    assert!(said.contains("reasoning_content") && !said.contains("finish_reason\":\"tool_calls"), "{said}");
}

#[tokio::test]
async fn an_answer_with_bytes_that_are_no_text_or_without_its_tokens_arrives() {
    let script = "[[turn]]\ntext = \"Hello.\"\nusage = { input = 7, output = 1 }";
    let served = Served::start(script, &["--fault", "no_usage", "--fault", "slow:1"]).await;
    for dialect in Dialect::ALL {
        let said = ask(endpoint(&served.started, dialect), &prompt(vec![go()])).await.0.unwrap();
        assert_eq!((said.reply.text.as_str(), said.usage), ("Hello.", None), "{dialect:?}");
        let slow = ask(endpoint(&served.started, dialect), &prompt(vec![go()])).await.0.unwrap();
        assert_eq!(slow.usage.unwrap().input, 7);
        served.order(json!({"kind": "no_usage"})).await;
        served.order(json!({"kind": "slow", "first_byte_ms": 1})).await;
    }
    client().delete(served.started.url("/_standin/fault")).send().await.unwrap();
    served.order(json!({"kind": "invalid_utf8"})).await;
    let messages = json!([{"role": "user", "content": "Go."}]);
    let body = json!({"model": "m", "stream": true, "messages": messages});
    let bytes = served.post("/v1/chat/completions", body).await.bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err());
}

#[tokio::test]
async fn a_fault_of_the_script_happens_as_often_as_the_script_says() {
    let script = r#"
        [[turn]]
        text = "At last, and whole."
        error = { kind = "down", times = 2 }
        [[turn]]
        text = "Never."
        error = { kind = "quota", message = "the purse is empty" }
        [[turn]]
        text = "Once more, from the start."
        chunk = 4
        error = { kind = "cut" }
    "#;
    let served = Served::start(script, &[]).await;
    let mut conversation = prompt(vec![go()]);
    let chat = || endpoint(&served.started, Dialect::ChatCompletions);
    let said = ask(chat(), &conversation).await.0.unwrap();
    assert_eq!(said.reply.text, "At last, and whole.");
    assert_eq!(served.requests().await.len(), 3);

    follow(&mut conversation, &said, "");
    let failure = ask(chat(), &conversation).await.0.unwrap_err();
    assert!(matches!(*failure.why, ModelError::Quota(_)), "{failure}");
    assert!(failure.to_string().contains("the purse is empty"), "{failure}");

    follow(&mut conversation, &said, "");
    let (said, heard) = ask(chat(), &conversation).await;
    assert_eq!(said.unwrap().reply.text, "Once more, from the start.");
    assert!(heard.contains(&Heard::Restarted));
}

#[tokio::test]
async fn turns_are_made_without_a_script() {
    let started = Started::start(&["model", "--turns", "3", "--tool", "read", "--args", "{\"path\":\"a\"}"]).await;
    let mut conversation = prompt(vec![go()]);
    for _ in 0..3 {
        let said = ask(endpoint(&started, Dialect::Anthropic), &conversation).await.0.unwrap();
        assert_eq!(said.reply.calls.len(), 1);
        assert_eq!(said.reply.calls[0].arguments, "{\"path\":\"a\"}");
        assert!(said.usage.unwrap().input > 50, "tokens are estimated where no script counts them");
        follow(&mut conversation, &said, "contents");
    }
    let said = ask(endpoint(&started, Dialect::Anthropic), &conversation).await.0.unwrap();
    assert_eq!((said.stop, said.reply.text.as_str()), (Stop::End, "Done."));
    assert_eq!(requests(&started).await.len(), 4);
}

#[tokio::test]
async fn a_key_that_is_asked_for_must_be_right_and_is_kept_nowhere() {
    let served = Served::start(SCRIPT, &["--key", "sk-standin"]).await;
    for dialect in Dialect::ALL {
        let mut with_key = endpoint(&served.started, dialect);
        with_key.key = Some(Secret::new("sk-standin"));
        assert!(ask(with_key, &prompt(vec![go()])).await.0.is_ok());
        let mut wrong = endpoint(&served.started, dialect);
        wrong.key = Some(Secret::new("sk-other"));
        let failure = ask(wrong, &prompt(vec![go()])).await.0.unwrap_err();
        assert!(matches!(*failure.why, ModelError::Auth(_)), "{failure}");
    }
    let record = json!(served.requests().await).to_string();
    assert!(!record.contains("sk-standin") && !record.contains("sk-other"));
}

#[tokio::test]
async fn a_model_that_has_nothing_to_say_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.toml");
    std::fs::write(&wrong, "[[turn]]\ncolour = 1").unwrap();
    let wrong = wrong.to_str().unwrap();
    for (args, reason) in [
        (&["--script", wrong][..], "unknown field `colour`"),
        (&["--script", "/nowhere/at/all"], "cannot be read"),
        (&[], "either `--script FILE` or `--turns N`"),
        (&["--turns", "1", "--script", wrong], "either `--script FILE` or `--turns N`"),
        (&["--turns", "1", "--fault", "explode"], "unknown variant `explode`"),
    ] {
        let output = tokio::process::Command::new(PROGRAM).arg("model").args(args).output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(reason), "{said}");
    }
}
