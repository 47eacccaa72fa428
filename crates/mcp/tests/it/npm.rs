//! The reference servers of the protocol, as they are published on npm.
//!
//! Not here: getting them. `REMIT_TEST_NPM` names a `node_modules` folder that has them; without it the tests are skipped,
//! unless `REMIT_TEST_FULL` is set.

use crate::{Session, program};
use gate::{Act, Report};
use mcp::{ElicitationAnswer, McpTool, ServerEvent, Wanted};
use policy::Effect;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The program of a server from npm; `None` where there is none and none is wanted.
fn from_npm(package: &str, args: &[&str]) -> Option<mcp::ServerConfig> {
    let Some(modules) = std::env::var_os("REMIT_TEST_NPM").map(PathBuf::from) else {
        assert!(std::env::var_os("REMIT_TEST_FULL").is_none(), "REMIT_TEST_FULL is set and REMIT_TEST_NPM is not");
        eprintln!("skipped: REMIT_TEST_NPM does not name a node_modules folder");
        return None;
    };
    let script = modules.join(package).join("dist/index.js");
    let args: Vec<&str> = [script.to_str().unwrap()].into_iter().chain(args.iter().copied()).collect();
    Some(program("npm", "node", &args))
}

const EVERYTHING: &str = "@modelcontextprotocol/server-everything";
const FILESYSTEM: &str = "@modelcontextprotocol/server-filesystem";

#[tokio::test]
async fn everything_lists_its_tools_and_runs_them() {
    let Some(config) = from_npm(EVERYTHING, &["stdio"]) else { return };
    let mut session = Session::with(vec![config]).await;
    let tools = session.servers.tools();
    let effect = |name: &str| tools.iter().find(|tool| tool.name() == name).map(McpTool::effect);
    assert_eq!(effect("echo"), Some(Effect::Read));
    assert_eq!(effect("trigger-elicitation-request"), Some(Effect::Change));
    assert_eq!(session.says("mcp__npm__echo", json!({ "message": "hi" })).await, "Echo: hi");
    assert_eq!(session.says("mcp:npm/get-sum", json!({ "a": 2, "b": 40 })).await, "The sum of 2 and 40 is 42.");
    let wrong = session.servers.parse("mcp:npm/get-sum", json!({ "a": 2, "b": "x" }), |_| None).unwrap_err();
    assert_eq!(wrong.to_string(), "`mcp:npm/get-sum`: `b` must be number, not a string");
    let image = session.says("mcp:npm/get-tiny-image", json!({})).await;
    assert!(image.contains("[image: image/png, "), "{image}");
    assert_eq!(
        session.says("mcp:npm/trigger-long-running-operation", json!({ "duration": 0.3, "steps": 3 })).await,
        "Long running operation completed. Duration: 0.3 seconds, Steps: 3."
    );
    let mut told = Vec::new();
    while let Ok(line) = session.lines.try_recv() {
        told.push(line);
    }
    assert_eq!(told, ["1/3\n", "2/3\n", "3/3\n"]);
    session.servers.stop().await;
}

#[tokio::test]
async fn everything_asks_the_person_and_gets_an_answer() {
    let Some(config) = from_npm(EVERYTHING, &["stdio"]) else { return };
    let mut session = Session::with(vec![config]).await;
    for (tool, arguments) in [
        ("mcp:npm/trigger-elicitation-request", json!({})),
        ("mcp:npm/trigger-url-elicitation", json!({ "url": "https://example.org/login" })),
    ] {
        let call = session.parse(tool, arguments);
        let (id, running) = session.start(call).await;
        let question = session
            .event_that(|event| match event {
                ServerEvent::Elicitation(question) => Some(question),
                _ => None,
            })
            .await;
        let content = match question.wanted() {
            Wanted::Form(schema) => {
                assert_eq!(schema["properties"]["email"]["format"], "email");
                json!({ "name": "Ada Lovelace", "check": true, "integer": 7 }).as_object().unwrap().clone()
            }
            Wanted::Page(url) => {
                assert_eq!(url, "https://example.org/login");
                Default::default()
            }
        };
        assert_eq!(question.wanted().check(&content), Ok(()));
        question.answer(ElicitationAnswer::Accept(content));
        let ended = running.await.unwrap();
        let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
        let Report::Done(text) = report else { panic!("{report:?}") };
        assert!(text.contains("\"action\": \"accept\""), "{text}");
    }
    session.servers.stop().await;
}

#[tokio::test]
async fn everything_has_resources_and_prompts() {
    let Some(config) = from_npm(EVERYTHING, &["stdio"]) else { return };
    let mut session = Session::with(vec![config]).await;
    let listed = session.says("mcp_resource", json!({ "server": "npm" })).await;
    let uri = listed.split_whitespace().next().unwrap().to_owned();
    let read = session.says("mcp_resource", json!({ "server": "npm", "uri": uri })).await;
    assert!(read.starts_with(&format!("[resource {uri}]\n")), "{read}");
    let prompts = session.servers.prompts().await;
    let simple = prompts.iter().find(|prompt| prompt.blanks.is_empty()).unwrap();
    assert!(!session.servers.prompt("npm", &simple.name, &[]).await.unwrap().is_empty());
    session.servers.stop().await;
}

#[tokio::test]
async fn filesystem_reads_and_writes_files_below_its_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let Some(config) = from_npm(FILESYSTEM, &[root.to_str().unwrap()]) else { return };
    let mut session = Session::with(vec![config]).await;
    std::fs::write(root.join("a.txt"), "from outside").unwrap();
    let read = session.parse("mcp:npm/read_text_file", json!({ "path": root.join("a.txt") }));
    assert_eq!(read.action().effect, Effect::Read);
    assert_eq!(session.run(read).await, Report::Done("from outside".to_owned()));
    let write = session.parse("mcp:npm/write_file", json!({ "path": root.join("b.txt"), "content": "from inside" }));
    assert_eq!(write.action().effect, Effect::Change);
    assert!(matches!(session.run(write).await, Report::Done(_)));
    assert_eq!(std::fs::read_to_string(root.join("b.txt")).unwrap(), "from inside");
    let outside: Value = json!({ "path": "/etc/hostname" });
    let report = session.call("mcp:npm/read_text_file", outside).await;
    assert!(matches!(&report, Report::Failed(text) if text.contains("Access denied")), "{report:?}");
    session.servers.stop().await;
}
