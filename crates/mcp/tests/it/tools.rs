//! What servers declare, and what is made of it: names, effects, schemas, and lists that change.
//!
//! Not here: what a call does.

use crate::{Session, rude};
use gate::{Act, Admission, CallId};
use mcp::{BadServer, McpTool, ServerEvent, Servers, Surroundings};
use policy::{Effect, Reason};
use serde_json::{Value, json};

fn left_out(event: ServerEvent) -> Option<String> {
    match event {
        ServerEvent::LeftOut { what, .. } => Some(what),
        _ => None,
    }
}

fn changed(event: ServerEvent) -> Option<()> {
    matches!(event, ServerEvent::ToolsChanged { .. }).then_some(())
}

#[tokio::test]
async fn two_servers_may_offer_the_same_tool() {
    let mut session = Session::with(vec![rude("b", "normal"), rude("a", "normal")]).await;
    let names: Vec<String> = session.servers.tools().iter().map(McpTool::full_name).collect();
    assert!(names.contains(&"mcp:a/echo".to_owned()) && names.contains(&"mcp:b/echo".to_owned()));
    let specs = session.servers.spec();
    let mut order: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    assert_eq!(order.pop().as_deref(), Some("mcp_resource"));
    let distinct: std::collections::BTreeSet<&String> = order.iter().collect();
    assert_eq!(distinct.len(), order.len());
    assert!(
        order.iter().position(|name| name == "mcp__a__echo") < order.iter().position(|name| name == "mcp__b__echo")
    );
    assert_eq!(session.servers.spec(), specs);
    assert_eq!(session.says("mcp__b__echo", json!({ "text": "b" })).await, "b");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_tool_with_an_unusual_name_is_called_by_a_usual_one() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let tools = session.servers.tools();
    let odd = tools.iter().find(|tool| tool.name() == "un.usual name").unwrap();
    assert!(odd.model_name().starts_with("mcp__r__un_usual_name_"), "{}", odd.model_name());
    assert_eq!(session.says(odd.model_name(), json!({ "text": "it works" })).await, "it works");
    assert_eq!(session.says("mcp:r/un.usual name", json!({ "text": "so too" })).await, "so too");
    session.servers.stop().await;
}

#[tokio::test]
async fn arguments_that_are_wrong_are_named_and_nothing_is_sent() {
    let session = Session::with(vec![rude("r", "normal")]).await;
    for (tool, arguments, wanted) in [
        ("mcp:r/echo", json!({}), "`mcp:r/echo`: `text` is missing"),
        ("mcp__r__echo", json!({ "text": 1 }), "`mcp__r__echo`: `text` must be string, not a number"),
        ("mcp:r/echo", json!({ "text": "", "txet": "" }), "`mcp:r/echo`: there is no `txet`; it takes `text`"),
        ("mcp:r/echo", json!([1]), "`mcp:r/echo`: the arguments must be an object, not an array"),
        ("mcp:r/echo", json!(null), "`mcp:r/echo`: the arguments must be an object, not null"),
        ("mcp:q/echo", json!({}), "no server is called `q`; there is `r`"),
        (
            "mcp__q__echo",
            json!({}),
            "`mcp__q__echo` is no tool of a server; one is called as it was declared, or as `mcp:SERVER/TOOL`",
        ),
        ("mcp_resource", json!({ "uri": "x" }), "`mcp_resource`: `server` is missing"),
        (
            "mcp_resource",
            json!({ "server": "r", "url": "x" }),
            "`mcp_resource`: there is no `url`; it takes `server`, `uri`",
        ),
        ("mcp_resource", json!({ "server": "r", "uri": 3 }), "`mcp_resource`: `uri` must be string, not a number"),
        ("mcp_resource", json!({ "server": "q" }), "no server is called `q`; there is `r`"),
    ] {
        assert_eq!(session.servers.parse(tool, arguments, |_| None).unwrap_err().to_string(), wanted);
    }
    for tool in ["mcp:r/frobnicate", "mcp__r__frobnicate"] {
        let wrong = session.servers.parse(tool, json!({}), |_| None).unwrap_err().to_string();
        assert!(wrong.starts_with("server `r` has no tool `frobnicate`; it has `ask`, `big`, `cancelled`"), "{wrong}");
    }
    session.servers.stop().await;
}

#[tokio::test]
async fn the_mode_judges_a_call_by_what_its_tool_declares() {
    let mut session = Session::in_mode("plan", vec![rude("r", "normal")]).await;
    session.servers.ready(crate::FAR).await;
    let (echo, guarded) =
        (session.parse("mcp:r/echo", json!({ "text": "" })), session.parse("mcp:r/guarded", json!({})));
    assert_eq!((echo.action().effect, guarded.action().effect), (Effect::Read, Effect::Change));
    let read = session.gate.admit(CallId::new("1"), echo).await.unwrap();
    assert!(matches!(read, Admission::Run(_)), "{read:?}");
    let change = session.gate.admit(CallId::new("2"), guarded).await.unwrap();
    let Admission::Refused(refusal) = change else { panic!("{change:?}") };
    assert_eq!(refusal.reason, Reason::PlanIsReadOnly);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_tool_that_claims_to_be_read_only_later_is_judged_as_it_was_at_first() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let effect = |session: &Session, name: &str| {
        session.servers.tools().iter().find(|tool| tool.name() == name).map(McpTool::effect)
    };
    assert_eq!((effect(&session, "guarded"), effect(&session, "new")), (Some(Effect::Change), None));
    assert_eq!(session.says("mcp:r/flip", json!({})).await, "flipped");
    session.event_that(changed).await;
    assert_eq!(effect(&session, "guarded"), Some(Effect::Change));
    assert_eq!(effect(&session, "new"), Some(Effect::Read), "a tool that is new is believed");
    assert_eq!(session.parse("mcp:r/guarded", json!({})).action().effect, Effect::Change);
    assert_eq!(session.says("mcp:r/new", json!({ "text": "hi" })).await, "hi");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_tool_stays_as_strict_as_it_was_when_its_server_is_started_again() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    session.says("mcp:r/flip", json!({})).await;
    session.event_that(changed).await;
    session.call("mcp:r/die", json!({})).await;
    session.event_that(changed).await;
    let names: Vec<String> = session.servers.tools().iter().map(|tool| tool.name().to_owned()).collect();
    assert!(!names.contains(&"new".to_owned()), "the server that was started again is another");
    assert_eq!(session.parse("mcp:r/guarded", json!({})).action().effect, Effect::Change);
    session.servers.stop().await;
}

#[tokio::test]
async fn tools_whose_schema_is_none_are_left_out_and_said() {
    let mut session = Session::with(vec![rude("r", "wrong")]).await;
    let names: Vec<String> = session.servers.tools().iter().map(McpTool::full_name).collect();
    assert_eq!(names, ["mcp:r/fine"]);
    let mut said = Vec::new();
    for _ in 0..6 {
        said.push(session.event_that(left_out).await);
    }
    assert_eq!(
        said,
        [
            "`listy`: its input schema is an array, not an object",
            "`wordy`: its input schema is a string, not an object",
            "`bare`: it has no input schema",
            "a tool without a name",
            "a tool without a name",
            "`array`: its input schema is not of type `object`",
        ]
    );
    session.servers.stop().await;
}

#[tokio::test]
async fn of_two_tools_with_one_name_the_first_is_kept_and_it_is_no_looser_than_the_second() {
    let mut session = Session::with(vec![rude("r", "doubles")]).await;
    let tools = session.servers.tools();
    assert_eq!(tools.iter().map(McpTool::description).collect::<Vec<_>>(), ["first"]);
    assert_eq!(tools[0].effect(), Effect::Change);
    assert_eq!(session.event_that(left_out).await, "a second tool called `twin`");
    session.servers.stop().await;
}

#[tokio::test]
async fn servers_that_cannot_be_told_apart_or_started_are_an_error_of_the_configuration() {
    let around = || Surroundings { environment: Vec::new(), folder: ".".into() };
    let twice = Servers::start(vec![rude("a", "normal"), rude("a", "mute")], around()).unwrap_err();
    assert_eq!(twice, BadServer::Twice("a".parse().unwrap()));
    let nothing = Servers::start(vec![crate::program("a", "", &[])], around()).unwrap_err();
    assert_eq!(nothing, BadServer::NoCommand);
    let (servers, _events) = Servers::start(Vec::new(), around()).unwrap();
    assert!(servers.spec().is_empty() && servers.ready(crate::FAR).await.is_empty());
    servers.stop().await;
}

#[tokio::test]
async fn declared_servers_are_judged_like_any_and_reached_never() {
    let tool =
        |name: &str, hint: Value| json!({ "name": name, "inputSchema": {}, "annotations": { "readOnlyHint": hint } });
    let listed = [("forge".parse().unwrap(), vec![tool("look", json!(true)), tool("push", json!(false))])];
    let servers = Servers::declared(listed.into()).unwrap();
    let effect = |name: &str| servers.parse(name, json!({}), |_| None).map(|call| call.action().effect);
    assert_eq!(effect("mcp:forge/look"), Ok(Effect::Read));
    assert_eq!(effect("mcp__forge__push"), Ok(Effect::Change));
    assert!(effect("mcp:forge/pull").is_err());
    let wrong = [("forge".parse().unwrap(), vec![json!({ "name": "look" })])];
    assert_eq!(Servers::declared(wrong.into()).unwrap_err(), ["`look`: it has no input schema"]);
}
