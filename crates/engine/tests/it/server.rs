//! An MCP server for the tests: this program itself, started again.
//!
//! Not here: tests of the client (those are in `mcp`).

use mcp::{Patience, ServerConfig, StdioServer, Transport};
use serde_json::{Value, json};
use std::io::{BufRead, Write};

/// The variable by which the program knows that it is to serve.
const ROLE: &str = "ENGINE_TEST_ROLE";

pub fn config() -> ServerConfig {
    let words = ["--exact", "server::a_server_of_its_own", "--ignored", "--nocapture", "--test-threads=2"];
    let program = StdioServer {
        command: std::env::current_exe().unwrap().to_str().unwrap().to_owned(),
        args: words.iter().map(|word| (*word).to_owned()).collect(),
        env: vec![(ROLE.to_owned(), "server".to_owned())],
        folder: None,
    };
    let patience = Patience::default();
    ServerConfig { name: "stage".parse().unwrap(), transport: Transport::Stdio(program), patience }
}

#[derive(Default)]
struct Server {
    /// The calls of `meet` that wait for others.
    meeting: Vec<Value>,
    /// The calls of `ask` that wait for the person.
    asking: Vec<Value>,
}

#[test]
#[ignore = "a program of its own, started by the tests"]
fn a_server_of_its_own() {
    if std::env::var(ROLE).is_err() {
        return;
    }
    let mut server = Server::default();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if let Ok(message) = serde_json::from_str::<Value>(&line) {
            server.hear(&message);
        }
    }
    std::process::exit(0);
}

impl Server {
    fn hear(&mut self, message: &Value) {
        let (method, id) = (message["method"].as_str(), message.get("id"));
        match (method, id) {
            (Some("initialize"), Some(id)) => answer(
                id,
                json!({
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": { "tools": {} },
                    "serverInfo": { "name": "stage", "version": "1" },
                }),
            ),
            (Some("tools/list"), Some(id)) => answer(id, json!({ "tools": tools() })),
            (Some("tools/call"), Some(id)) => self.call(id, &message["params"]),
            (Some(_), Some(id)) => say(&json!({
                "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "there is no such thing" },
            })),
            (None, Some(_)) if !self.asking.is_empty() => {
                let call = self.asking.remove(0);
                tell(&call, &message["result"].to_string());
            }
            (_, _) => {}
        }
    }

    fn call(&mut self, id: &Value, params: &Value) {
        let arguments = &params["arguments"];
        match params["name"].as_str().unwrap_or_default() {
            "meet" => {
                self.meeting.push(id.clone());
                if self.meeting.len() as u64 == arguments["with"].as_u64().unwrap_or(1) {
                    let seen = std::fs::read_to_string("seen").unwrap_or_default();
                    self.meeting.drain(..).for_each(|call| tell(&call, &format!("met, and saw `{seen}`")));
                }
            }
            "note" => {
                let mut file = std::fs::File::options().append(true).create(true).open("notes").unwrap();
                writeln!(file, "{}", arguments["line"].as_str().unwrap_or_default()).unwrap();
                tell(id, "noted");
            }
            "ask" => {
                self.asking.push(id.clone());
                say(&json!({
                    "jsonrpc": "2.0", "id": format!("q{}", self.asking.len()), "method": "elicitation/create",
                    "params": { "message": "who are you?", "requestedSchema": {
                        "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"],
                    } },
                }));
            }
            "die" => std::process::exit(7),
            // `hang`, and what there is not.
            _ => {}
        }
    }
}

fn tools() -> Vec<Value> {
    let tool = |name: &str, looks: bool| {
        json!({
            "name": name, "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": looks },
        })
    };
    vec![tool("meet", true), tool("hang", true), tool("ask", true), tool("note", false), tool("die", false)]
}

fn tell(id: &Value, words: &str) {
    answer(id, json!({ "content": [{ "type": "text", "text": words }] }));
}

fn answer(id: &Value, result: Value) {
    say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
}

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    // What the test's own machinery has begun to write is ended first.
    if writeln!(out, "\n{message}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}
