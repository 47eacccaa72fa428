//! A small MCP server on standard input and output that behaves as badly as it is told to; the tests of `mcp` run it.
//!
//! It speaks raw lines of JSON and shares no code with the client, so that both cannot be wrong in the same way. Its first
//! argument is its manner: see `Manner`.
//!
//! Not here: anything that a real server should do.

#![allow(clippy::disallowed_methods, reason = "it is a program of its own, that starts one and writes a file")]

use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::process::{Command, ExitCode, exit};

/// How it behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As it should, but for what its tools do when they are called.
    Normal,
    /// It ends before it says anything.
    Dies,
    /// It never answers the handshake.
    Mute,
    /// It never answers when asked for its tools.
    Secretive,
    /// It has ten thousand tools.
    Many,
    /// It has one tool on each of endlessly many pages.
    Endless,
    /// Its tools have schemas that are none.
    Wrong,
    /// It has two tools of one name.
    Doubles,
    /// It says that its tools changed whenever it is asked for them.
    Restless,
    /// It writes thousands of notes, and rubbish, before each answer.
    Floods,
    /// It knows the newer handshake only, and asks by answering.
    Modern,
}

struct Server {
    manner: Manner,
    /// Whether `flip` was called.
    flipped: bool,
    /// How often it was asked for its tools.
    listed: u64,
    /// The calls that wait for the person, by the question.
    asking: Vec<(String, Value)>,
    /// The calls it was told to forget.
    cancelled: Vec<Value>,
}

fn main() -> ExitCode {
    let manner = match std::env::args().nth(1).as_deref() {
        Some("normal") => Manner::Normal,
        Some("dies") => Manner::Dies,
        Some("mute") => Manner::Mute,
        Some("secretive") => Manner::Secretive,
        Some("many") => Manner::Many,
        Some("endless") => Manner::Endless,
        Some("wrong") => Manner::Wrong,
        Some("doubles") => Manner::Doubles,
        Some("restless") => Manner::Restless,
        Some("floods") => Manner::Floods,
        Some("modern") => Manner::Modern,
        other => {
            eprintln!("there is no such manner: {other:?}");
            return ExitCode::from(2);
        }
    };
    if manner == Manner::Dies {
        eprintln!("no licence for {}", std::env::var("TOKEN").unwrap_or_default());
        return ExitCode::from(7);
    }
    let mut server = Server { manner, flipped: false, listed: 0, asking: Vec::new(), cancelled: Vec::new() };
    for line in std::io::stdin().lock().lines() {
        let Ok(message) = line.map(|line| serde_json::from_str::<Value>(&line).unwrap_or_default()) else { break };
        server.hear(&message);
    }
    ExitCode::SUCCESS
}

fn say(message: &Value) {
    say_bytes(message.to_string().as_bytes());
}

fn say_bytes(line: &[u8]) {
    let mut out = std::io::stdout().lock();
    // Nobody listens any more: there is nothing left to be rude about.
    if out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).is_err() {
        exit(0);
    }
}

fn notify(method: &str, params: Value) {
    say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
}

fn text(words: impl Into<String>) -> Value {
    json!({ "content": [{ "type": "text", "text": words.into() }] })
}

impl Server {
    fn hear(&mut self, message: &Value) {
        let id = message.get("id").cloned();
        match (message["method"].as_str(), id) {
            (Some("notifications/cancelled"), _) => self.cancelled.push(message["params"]["requestId"].clone()),
            (Some(_), None) => {}
            (Some(method), Some(id)) => self.asked(method, &id, &message["params"]),
            (None, Some(id)) => self.answered(&id, message),
            (None, None) => {}
        }
    }

    fn asked(&mut self, method: &str, id: &Value, params: &Value) {
        if self.manner == Manner::Floods {
            for number in 0..2_000 {
                notify(
                    "notifications/message",
                    json!({ "level": "info", "data": format!("{number} {}", "x".repeat(200)) }),
                );
                say_bytes(b"this is no JSON");
                say_bytes(b"\xff\xfe\xfd");
            }
        }
        match method {
            "initialize" => self.initialize(id, params),
            "server/discover" if self.manner == Manner::Modern => reply(
                id,
                json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "private",
                    "capabilities": { "tools": {} },
                }),
            ),
            "tools/list" => self.list(id, params),
            "tools/call" => self.call(id, params),
            "resources/list" => reply(
                id,
                json!({ "resources": [
                { "uri": "rude://one", "name": "one", "description": "the\nfirst" }, { "uri": "rude://two", "name": "two" },
            ] }),
            ),
            "resources/templates/list" => {
                reply(id, json!({ "resourceTemplates": [{ "uriTemplate": "rude://{n}", "name": "any" }] }));
            }
            "resources/read" if params["uri"] == "rude://one" => reply(
                id,
                json!({ "contents": [
                { "uri": "rude://one", "text": "the first" },
                { "uri": "rude://one", "mimeType": "image/png", "blob": "aGVsbG8=" },
            ] }),
            ),
            "prompts/list" => reply(
                id,
                json!({ "prompts": [
                { "name": "greet", "description": "Greets", "arguments": [{ "name": "who", "required": true }] },
            ] }),
            ),
            "prompts/get" if params["name"] == "greet" => reply(
                id,
                json!({ "messages": [
                { "role": "user", "content": { "type": "text", "text": format!("Greet {}", words(&params["arguments"]["who"])) } },
            ] }),
            ),
            _ => refuse(id, -32601, "there is no such thing"),
        }
    }

    fn initialize(&self, id: &Value, params: &Value) {
        match self.manner {
            Manner::Mute => {}
            Manner::Modern => refuse(id, -32022, "the handshake is gone"),
            _ => reply(
                id,
                json!({
                    "protocolVersion": params["protocolVersion"],
                    "capabilities": { "tools": { "listChanged": true }, "resources": {}, "prompts": {} },
                    "serverInfo": { "name": "rude", "version": "1" },
                }),
            ),
        }
    }

    fn list(&mut self, id: &Value, params: &Value) {
        self.listed += 1;
        let mut result = json!({ "tools": self.tools(params) });
        if self.manner == Manner::Endless {
            result["nextCursor"] = json!(format!("{}", self.listed));
        }
        if self.manner != Manner::Secretive {
            reply(id, result);
        }
        if self.manner == Manner::Restless {
            for _ in 0..1_000 {
                notify("notifications/tools/list_changed", json!({}));
            }
        }
    }

    fn tools(&self, params: &Value) -> Vec<Value> {
        let schema = json!({ "type": "object" });
        let tool = |name: &str| json!({ "name": name, "inputSchema": schema });
        match self.manner {
            Manner::Many => (0..10_000).map(|number| tool(&format!("t{number:05}"))).collect(),
            Manner::Endless => vec![tool(&format!("page{}", words(&params["cursor"])))],
            Manner::Restless => vec![tool(&format!("listed_{}", self.listed)), tool("count")],
            Manner::Wrong => vec![
                tool("fine"),
                json!({ "name": "listy", "inputSchema": ["a"] }),
                json!({ "name": "wordy", "inputSchema": "anything goes" }),
                json!({ "name": "bare" }),
                json!({ "name": 7, "inputSchema": {} }),
                json!("no tool at all"),
                json!({ "name": "array", "inputSchema": { "type": "array" } }),
            ],
            Manner::Doubles => vec![
                json!({ "name": "twin", "description": "first", "inputSchema": {}, "annotations": { "readOnlyHint": true } }),
                json!({ "name": "twin", "description": "second", "inputSchema": {} }),
            ],
            _ => self.usual_tools(),
        }
    }

    fn usual_tools(&self) -> Vec<Value> {
        let mut tools = vec![
            json!({
                "name": "echo", "description": "Says it again.", "annotations": { "readOnlyHint": true },
                "inputSchema": {
                    "type": "object", "required": ["text"], "additionalProperties": false,
                    "properties": { "text": { "type": "string" } },
                },
            }),
            json!({ "name": "guarded", "inputSchema": {}, "annotations": { "readOnlyHint": self.flipped } }),
            json!({ "name": "un.usual name", "inputSchema": {} }),
        ];
        let others = [
            "fail",
            "refuse",
            "count",
            "progress",
            "ask",
            "page",
            "environment",
            "family",
            "big",
            "picture",
            "garbage",
            "odd",
            "die",
            "hang",
            "cancelled",
            "flip",
            "deaf",
            "slow",
            "retract",
        ];
        tools.extend(others.map(|name| json!({ "name": name, "inputSchema": { "type": "object" } })));
        if self.flipped {
            tools.push(json!({ "name": "new", "inputSchema": {}, "annotations": { "readOnlyHint": true } }));
        }
        tools
    }

    fn call(&mut self, id: &Value, params: &Value) {
        let arguments = &params["arguments"];
        match words(&params["name"]).as_str() {
            "echo" | "guarded" | "new" | "un.usual name" => reply(id, text(words(&arguments["text"]))),
            "count" => reply(id, text(self.listed.to_string())),
            "fail" => reply(id, json!({ "isError": true, "content": [{ "type": "text", "text": "it did not work" }] })),
            "refuse" => refuse(id, -32602, "these arguments\u{1b}[2J will not do"),
            "progress" => progress(id, params),
            "slow" => slow(id, params),
            "ask" => self.ask(id, params),
            "retract" => {
                for (question, call) in self.asking.drain(..) {
                    notify("notifications/cancelled", json!({ "requestId": question }));
                    reply(&call, text("never mind"));
                }
                reply(id, text("taken back"));
            }
            "page" => refuse_for_a_page(id),
            "environment" => reply(id, text(environment())),
            "family" => reply(id, text(family())),
            "big" => {
                reply(id, text("x".repeat(usize::try_from(arguments["bytes"].as_u64().unwrap_or(0)).unwrap_or(0))))
            }
            "picture" => {
                reply(id, json!({ "content": [{ "type": "image", "mimeType": "image/png", "data": "aGVsbG8=" }] }))
            }
            "garbage" => {
                let mut line = format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"a"
                )
                .into_bytes();
                line.extend_from_slice(b"\xff\xfe");
                line.extend_from_slice(b"b\"}]}}");
                say_bytes(&line);
            }
            "odd" => reply(id, json!({ "content": "not a list", "extra": [1, 2] })),
            "die" => die(arguments),
            "hang" => {}
            "deaf" => loop {
                std::thread::park();
            },
            "cancelled" => reply(id, text(json!(self.cancelled).to_string())),
            "flip" => {
                self.flipped = true;
                notify("notifications/tools/list_changed", json!({}));
                reply(id, text("flipped"));
            }
            _ => refuse(id, -32602, "there is no such tool"),
        }
    }

    fn ask(&mut self, id: &Value, params: &Value) {
        let question = json!({ "message": "Which branch?", "requestedSchema": {
            "type": "object", "properties": { "branch": { "type": "string" } }, "required": ["branch"],
        } });
        if self.manner == Manner::Modern {
            match params.pointer("/inputResponses/q") {
                Some(answer) => reply(id, text(format!("{answer} {}", params["requestState"]))),
                None => reply(
                    id,
                    json!({ "resultType": "input_required", "requestState": "s-1", "inputRequests": {
                    "q": { "method": "elicitation/create", "params": question },
                } }),
                ),
            }
            return;
        }
        let key = format!("question-{}", self.asking.len());
        self.asking.push((key.clone(), id.clone()));
        say(&json!({ "jsonrpc": "2.0", "id": key, "method": "elicitation/create", "params": question }));
    }

    fn answered(&mut self, id: &Value, message: &Value) {
        if let Some((_, call)) = self.asking.iter().find(|(key, _)| *id == **key) {
            reply(call, text(message["result"].to_string()));
        }
    }
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn reply(id: &Value, result: Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

fn refuse(id: &Value, code: i64, message: &str) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }));
}

fn refuse_for_a_page(id: &Value) {
    let page = json!({ "mode": "url", "url": "https://login.example/x", "message": "Sign in", "elicitationId": "1" });
    let error = json!({ "code": -32042, "message": "not signed in", "data": { "elicitations": [page] } });
    say(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
}

fn progress(id: &Value, params: &Value) {
    let token = &params["_meta"]["progressToken"];
    for step in 1..=3 {
        notify(
            "notifications/progress",
            json!({
                "progressToken": token, "progress": step, "total": 3, "message": format!("step\u{1b}[2J {step}"),
            }),
        );
    }
    reply(id, text("done"));
}

fn slow(id: &Value, params: &Value) {
    for step in 1..=6 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let token = &params["_meta"]["progressToken"];
        notify("notifications/progress", json!({ "progressToken": token, "progress": step }));
    }
    reply(id, text("done after three seconds"));
}

fn environment() -> String {
    let variables: std::collections::BTreeMap<String, String> = std::env::vars().collect();
    json!({ "variables": variables, "folder": std::env::current_dir().unwrap_or_default() }).to_string()
}

/// Starts a program that would outlive this one, and tells who is who.
fn family() -> String {
    let child = Command::new("sleep").arg("1000").spawn().map(|child| child.id()).unwrap_or_default();
    json!({ "leader": std::process::id(), "child": child }).to_string()
}

/// Ends in the middle of a call, leaving a mark for each time that it was called.
fn die(arguments: &Value) -> ! {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(words(&arguments["mark"]));
    if let Ok(mut file) = file {
        let _ = file.write_all(b"called\n");
    }
    eprintln!("out of cheese\u{1b}[2J");
    exit(3);
}
