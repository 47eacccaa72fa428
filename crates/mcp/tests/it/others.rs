//! Resources, which a model reads, and prompts, which a person speaks with.
//!
//! Not here: tools.

use crate::{Session, rude};
use gate::{Act, Report};
use mcp::{Blank, McpError, McpPrompt, Need};
use policy::{Effect, Price, Subject};
use serde_json::json;

#[tokio::test]
async fn resources_are_listed_and_read_by_one_call_that_is_a_read() {
    let mut session = Session::with(vec![rude("r", "normal"), rude("m", "modern")]).await;
    let spec = session.servers.spec().pop().unwrap();
    assert_eq!(spec.name, "mcp_resource");
    assert_eq!(spec.parameters["properties"]["server"]["enum"], json!(["r"]), "the other one offers none");
    let read = session.parse("mcp_resource", json!({ "uri": "rude://one", "server": "r" })).action();
    assert_eq!((read.effect, &read.price), (Effect::Read, &Price::Free));
    assert_eq!(read.shown, r#"{"server":"r","uri":"rude://one"}"#);
    assert_eq!(read.subject, Subject::Mcp { server: "r".into(), tool: "resources/read".into() });
    let rule: policy::Prohibition = "mcp:r/*".parse().unwrap();
    assert!(rule.forbids(&read), "a rule about the whole server is about its resources too");
    assert_eq!(
        session.says("mcp_resource", json!({ "server": "r" })).await,
        "rude://one (one, the first)\nrude://two (two)\nrude://{n} (any)\n"
    );
    assert_eq!(
        session.says("mcp_resource", json!({ "server": "r", "uri": "rude://one" })).await,
        "[resource rude://one]\nthe first\n[resource rude://one: image/png, 5 bytes]"
    );
    assert_eq!(
        session.call("mcp_resource", json!({ "server": "r", "uri": "rude://three" })).await,
        Report::Failed("server `r` answered with an error: there is no such thing (error -32601)".to_owned())
    );
    session.servers.stop().await;
}

#[tokio::test]
async fn prompts_of_all_servers_are_listed_and_filled_in() {
    let session = Session::with(vec![rude("r", "normal"), rude("q", "normal"), rude("m", "modern")]).await;
    let greet = |server: &str| McpPrompt {
        server: server.parse().unwrap(),
        name: "greet".to_owned(),
        description: "Greets".to_owned(),
        blanks: vec![Blank { name: "who".to_owned(), description: String::new(), need: Need::Required }],
    };
    assert_eq!(session.servers.prompts().await, [greet("q"), greet("r")]);
    let filled = [("who".to_owned(), "Ada".to_owned())];
    assert_eq!(session.servers.prompt("r", "greet", &filled).await.unwrap(), "Greet Ada");
    assert_eq!(
        session.servers.prompt("r", "curse", &[]).await.unwrap_err(),
        McpError::NoAnswer { server: "r".parse().unwrap(), why: "there is no such thing (error -32601)".to_owned() }
    );
    session.servers.stop().await;
}
