//! What the OpenAPI document says of each operation besides what the table does: where it stands, in more words, and an example
//! of what is sent and of what comes back.
//!
//! Not here: anything that a route goes by.

use serde_json::{Value, json};

/// The parts of the document, in order, each with what it is about.
pub const PARTS: &[(&str, &str)] = &[
    ("sessions", "Begin sessions, find them, rename, fork, export and delete them."),
    ("speaking", "Say something, follow what happens, stop it."),
    ("questions", "What is asked of a person, and their answers."),
    ("mode and money", "The mode is the contract; the cap and what was spent go with it."),
    ("knowledge", "What would happen, what there is, and how the server stands."),
];

/// The part that an operation stands in, and what there is to say of it. An operation that is not here is a bug that a test
/// finds.
pub fn about(id: &str) -> (&'static str, &'static str) {
    match id {
        "listSessions" => ("sessions", "Only yours. `next` of a page is `after` of the following one."),
        "beginSession" => (
            "sessions",
            "Every field may be left out. With `prompt` the model begins at once. Without `mode` it is Agent, which asks before \
             it changes anything.",
        ),
        "showSession" => ("sessions", "It is not opened for that; its mode is that of its record."),
        "changeSession" => {
            ("sessions", "What is left out stays as it is. Another model is asked from the next request on.")
        }
        "deleteSession" => ("sessions", "One that works has to be interrupted first."),
        "forkSession" => {
            ("sessions", "With `before`, it has what was said before that message of the person, counted from 0.")
        }
        "exportSession" => ("sessions", "As `remit export` writes it; `remit verify` checks it."),
        "prompt" => (
            "speaking",
            "The answer comes when it is on record, not when the model is done: follow the events. While the session works, it is \
             heard with the next request to the model, or with `\"delivery\": \"queue\"` when the turn is over.",
        ),
        "unqueue" => ("speaking", "Only what waits in the queue; what is on record stays."),
        "goOn" => {
            ("speaking", "After an interruption, a failure, a cap that was raised, or a server that was cut off.")
        }
        "interrupt" => ("speaking", "The turn ends in the record, and the session can go on."),
        "compact" => ("speaking", "Between turns. The model is asked for the summary, so it may cost something."),
        "events" => (
            "speaking",
            "With `Accept: text/event-stream` each event has its id, and the stream goes on until the session is closed. To go on \
             after a cut, send the last id as `Last-Event-ID` or `after`: nothing is missed and none comes twice. A `session` event \
             voids what was read before. Otherwise a page of JSON comes at once.",
        ),
        "showContext" => ("speaking", "Its parts, by length, and how many tokens the service counted last."),
        "showChanges" => ("speaking", "In the session's folder, as git says it."),
        "listServers" => ("speaking", "How each stands, and which effect each of its tools declares."),
        "restartServer" => ("speaking", "The server is ended, and started again."),
        "listQuestions" => ("questions", "As `question` events: `shown` are the exact bytes that a yes approves."),
        "answer" => (
            "questions",
            "To a question for permission give `answer`: `once`, `session` or `no`; `edited` replaces the arguments, and `words` are \
             for the model. To any other question give `text`. The answer is evidence: the contract decides again, under the mode \
             of the moment.",
        ),
        "listAnswers" => {
            ("questions", "Each yes for the session, as what it covers. A change of mode ends all of them.")
        }
        "revokeAnswer" => ("questions", "From then on it is asked again."),
        "showMode" => ("mode and money", "The states of money stand apart, and no two are ever added up."),
        "setMode" => ("mode and money", "`yolo` alone keeps the last cap, or takes the default one."),
        "showYolo" => ("mode and money", "The same as the mode, as a switch with a cap."),
        "switchYolo" => (
            "mode and money",
            "The same command as setting the mode. Without `cost_cap_usd` the last cap is kept, or the default taken; `null` is \
             uncapped, and nothing else is. `\"enabled\": false` is Agent.",
        ),
        "showSpend" => ("mode and money", "Call by call, with the state of each sum."),
        "contract" => ("knowledge", "The whole table, asked of the contract itself."),
        "explain" => ("knowledge", "Under the mode that is given, in a new session of that folder. Nothing runs."),
        "listModels" => ("knowledge", "Where a price is from stands with it. A model without one cannot be capped."),
        "listTools" => ("knowledge", "Each with what it declares for a few calls."),
        "me" => ("knowledge", "The name and the scopes of the credential that was sent."),
        "metrics" => ("knowledge", "In the text format 0.0.4."),
        "health" => ("knowledge", "Anybody may ask."),
        "ready" => ("knowledge", "Anybody may ask. While the server ends it says so, with 503."),
        "document" => ("knowledge", "Anybody may ask."),
        other => unreachable!("nobody has said what `{other}` is about"),
    }
}

/// An example of what is sent.
pub fn sent(id: &str) -> Option<Value> {
    Some(match id {
        "beginSession" => {
            json!({ "workspace": "/home/ada/sum", "mode": "agent", "prompt": "Fix the test that fails." })
        }
        "changeSession" => json!({ "title": "the sum" }),
        "forkSession" => json!({ "before": 1 }),
        "prompt" => json!({ "text": "And now the documentation.", "delivery": "queue" }),
        "goOn" | "interrupt" | "compact" | "restartServer" => json!({}),
        "answer" => json!({ "answer": "once", "words": "but only this one" }),
        "setMode" => json!({ "mode": "yolo:5" }),
        "switchYolo" => json!({ "enabled": true, "cost_cap_usd": 5 }),
        "explain" => json!({ "mode": "agent", "tool": "shell", "arguments": { "command": "git push" } }),
        _without_a_body => return None,
    })
}

/// An example of what comes back, where that is JSON.
pub fn given(id: &str) -> Option<Value> {
    Some(match id {
        "listSessions" => json!({ "sessions": [session("idle")] }),
        "beginSession" | "forkSession" => session("working"),
        "showSession" | "changeSession" => session("idle"),
        "prompt" => json!({ "queued": true }),
        "unqueue" => json!({ "texts": ["And now the documentation."] }),
        "goOn" | "interrupt" | "compact" | "restartServer" | "answer" | "revokeAnswer" | "showMode" => mode("agent"),
        "setMode" => mode("yolo:5.00"),
        "showYolo" | "switchYolo" => yolo(),
        "events" => json!({
            "events": [{ "id": "5f2a90c1-2", "event": { "type": "prompt", "text": "Fix the test that fails." } }],
            "next": "5f2a90c1-2",
            "more": false,
        }),
        "showContext" => {
            json!({ "counted": 1830, "limit": 160_000, "parts": [{ "name": "tools", "count": 13, "bytes": 9120 }] })
        }
        "showChanges" => json!({ "text": " M src/lib.rs" }),
        "listServers" => json!({ "servers": [
            { "name": "forge", "state": "ready", "tools": [{ "name": "list_pull_requests", "effect": "read" }] },
        ] }),
        "listQuestions" => json!({ "questions": [question()] }),
        "listAnswers" => json!({ "grants": ["shell: cargo test"] }),
        "explain" => json!({
            "verdict": "ask",
            "effect": "change",
            "price": "free",
            "decided_by": "mode",
            "reason": "Agent asks before something changes",
        }),
        "me" => json!({ "name": "alice", "scopes": ["read", "drive"] }),
        "health" | "ready" => json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }),
        _another_page_has_it => return None,
    })
}

/// Its name in all examples.
const SESSION: &str = "54ypjvja8e";

fn session(state: &str) -> Value {
    json!({
        "id": SESSION,
        "title": "Fix the test that fails.",
        "workspace": "/home/ada/sum",
        "model": "anthropic/claude-sonnet-4-5",
        "state": state,
        "mode": "agent",
        "chip": "Agent",
        "questions": 0,
        "queued": [],
        "created_at_ms": 1_773_479_700_000_i64,
        "updated_at_ms": 1_773_479_760_000_i64,
    })
}

fn money(settled: &str) -> Value {
    json!({ "quoted": settled, "held": "0.00", "open": "0.00", "settled": settled, "overrun": "0.00", "unbounded": 0 })
}

fn mode(mode: &str) -> Value {
    let (chip, cap, left) = match mode {
        "agent" => ("Agent", Value::Null, Value::Null),
        _yolo => ("YOLO $5.00 of $5.00", json!("5.00"), json!("5.00")),
    };
    let spend = json!({
        "cap": cap,
        "left": left,
        "budget": money("0.00"),
        "metered": money("0.04"),
        "past_cap": money("0.00"),
        "requests": 3,
        "unpriced": 0,
        "saved": "0.01",
    });
    json!({ "mode": mode, "chip": chip, "spend": spend })
}

fn yolo() -> Value {
    json!({
        "enabled": true,
        "uncapped": false,
        "cap": "5.00",
        "spent": "0.00",
        "held": "0.00",
        "open": "0.00",
        "remaining": "5.00",
        "unbounded": 0,
    })
}

fn question() -> Value {
    json!({
        "type": "question",
        "call": "call-3",
        "summary": "run `git push`",
        "shown": "{\"command\":\"git push\"}",
        "effect": "change",
        "price": "free",
        "why": "Agent asks before something changes",
        "offered": ["shell: git push"],
        "raise_to": null,
        "chip": "Agent",
    })
}

/// An example of a parameter of an address.
pub fn named(parameter: &str) -> &'static str {
    match parameter {
        "id" => SESSION,
        "call" => "call-3",
        "server" => "forge",
        other => unreachable!("nobody has given an example of `{other}`"),
    }
}
