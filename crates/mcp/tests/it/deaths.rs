//! Servers that end when they should not, and servers that are ended.
//!
//! Not here: servers that do not die.

use crate::{FAR, Session, phases, program, rude};
use gate::Report;
use mcp::{McpError, Next, ServerEvent, ServerPhase, Transport};
use policy::Price;
use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use std::time::Duration;

fn died(event: ServerEvent) -> Option<(String, Next)> {
    match event {
        ServerEvent::Died { why, next, .. } => Some((why, next)),
        _ => None,
    }
}

fn restarted(event: ServerEvent) -> Option<usize> {
    match event {
        ServerEvent::Restarted { tools, .. } => Some(tools),
        _ => None,
    }
}

#[tokio::test]
async fn a_call_that_a_server_died_with_is_unknown_and_not_sent_again() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let mark = session.path().join("mark");
    let price = Price::AtMost("2".parse().unwrap());
    let call = session.servers.parse("mcp:r/die", json!({ "mark": mark }), |_| Some(price)).unwrap();
    let report = session.run(call).await;
    assert_eq!(
        report,
        Report::Failed(
            "unknown: the server died while this ran (it ended with status 3; it last wrote: out of cheese[2J); \
             it is not run again by itself"
                .to_owned()
        )
    );
    let funds = session.gate.state().book.funds();
    assert_eq!((funds.spent, funds.held), ("0".parse().unwrap(), "2".parse().unwrap()));
    let (why, next) = session.event_that(died).await;
    assert_eq!(why, "it ended with status 3; it last wrote: out of cheese[2J");
    assert_eq!(next, Next::Restart { attempt: 1, of: 5 });
    session.event_that(restarted).await;
    assert_eq!(session.says("mcp:r/echo", json!({ "text": "back" })).await, "back");
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "called\n");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_call_to_a_server_that_is_being_started_again_waits_for_it() {
    let mut config = rude("r", "normal");
    config.patience.first_wait = Duration::from_millis(200);
    let mut session = Session::with(vec![config]).await;
    let waiting = session.parse("mcp:r/echo", json!({ "text": "patient" }));
    session.call("mcp:r/die", json!({})).await;
    assert_eq!(session.run(waiting).await, Report::Done("patient".to_owned()));
    session.servers.stop().await;
}

#[tokio::test]
async fn a_server_that_dies_again_and_again_is_given_up_with_its_last_words_and_without_secrets() {
    let mut config = rude("r", "dies");
    config.patience.restarts = 3;
    let Transport::Stdio(program) = &mut config.transport else { unreachable!() };
    program.env.push(("TOKEN".to_owned(), "hush-hush-hush".to_owned()));
    let mut session = Session::with(vec![config, rude("s", "normal")]).await;
    let mut seen = Vec::new();
    let why = loop {
        let (why, next) = session.event_that(died).await;
        assert!(why.ends_with("it ended with status 7; it last wrote: no licence for [hidden]"), "{why}");
        seen.push(next);
        if next == Next::GivenUp {
            break why;
        }
    };
    let again = |attempt| Next::Restart { attempt, of: 3 };
    assert_eq!(seen, [again(1), again(2), again(3), Next::GivenUp]);
    let states = session.servers.states();
    assert_eq!(states[0].phase, ServerPhase::Down { why: why.clone() });
    let name: mcp::ServerName = "r".parse().unwrap();
    let expected = McpError::NotUp { server: name, why: format!("is down: {why}") };
    for tool in ["mcp:r/echo", "mcp__r__echo"] {
        assert_eq!(session.servers.parse(tool, json!({}), |_| None).unwrap_err(), expected);
    }
    assert_eq!(session.says("mcp:s/echo", json!({ "text": "here" })).await, "here");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_not_tried_again() {
    let mut session = Session::with(vec![program("r", "/nowhere/at/all", &[])]).await;
    let (why, next) = session.event_that(died).await;
    assert_eq!(why, "`/nowhere/at/all` cannot be started: No such file or directory (os error 2)");
    assert_eq!(next, Next::GivenUp);
    session.servers.stop().await;
}

#[tokio::test]
async fn starting_never_waits_and_being_ready_waits_for_a_bounded_time() {
    let session = Session::in_mode("plan", vec![rude("m", "mute"), rude("n", "normal")]).await;
    assert_eq!(
        phases(&session.servers.states()),
        [("m", &ServerPhase::Connecting), ("n", &ServerPhase::Connecting)],
        "nothing can have run before the first wait"
    );
    let wrong = session.servers.parse("mcp:m/x", json!({}), |_| None).unwrap_err();
    assert_eq!(wrong.to_string(), "server `m` is still starting");
    let states = loop {
        let states = session.servers.ready(Duration::from_millis(100)).await;
        if matches!(states[1].phase, ServerPhase::Up { .. }) {
            break states;
        }
    };
    assert_eq!(states[0].phase, ServerPhase::Connecting);
    session.servers.stop().await;
    assert_eq!(session.servers.states()[0].phase, ServerPhase::Down { why: "the session has ended".to_owned() });
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    for (manner, says) in [
        ("mute", "it did not answer the handshake within 300ms"),
        ("secretive", "it did not list its tools: it said nothing for 300ms"),
    ] {
        let mut config = rude("r", manner);
        match manner {
            "mute" => config.patience.connect = Duration::from_millis(300),
            _ => config.patience.list = Duration::from_millis(300),
        }
        config.patience.restarts = 0;
        let mut session = Session::with(vec![config]).await;
        let (why, next) = session.event_that(died).await;
        assert!(why.starts_with(says), "{why}");
        assert_eq!(next, Next::GivenUp);
        session.servers.stop().await;
    }
}

fn is_alive(id: &Value) -> bool {
    let id = i32::try_from(id.as_u64().unwrap()).unwrap();
    test_kill_process(Pid::from_raw(id).unwrap()).is_ok()
}

/// Waits until the system has taken away a program that was killed. Nobody of ours waits for a grandchild.
async fn gone(id: &Value) {
    let status = format!("/proc/{id}/status");
    let waiting = async {
        while std::fs::read_to_string(&status).is_ok_and(|status| !status.contains("State:\tZ")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(FAR, waiting).await.expect("it has been killed");
}

#[tokio::test]
async fn stopping_ends_the_program_and_all_that_it_started() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let family: Value = serde_json::from_str(&session.says("mcp:r/family", json!({})).await).unwrap();
    assert!(is_alive(&family["leader"]) && is_alive(&family["child"]));
    session.servers.stop().await;
    assert!(!is_alive(&family["leader"]));
    gone(&family["child"]).await;
}

#[tokio::test]
async fn what_a_dead_server_had_started_is_ended_too() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let family: Value = serde_json::from_str(&session.says("mcp:r/family", json!({})).await).unwrap();
    session.call("mcp:r/die", json!({})).await;
    session.event_that(restarted).await;
    gone(&family["child"]).await;
    session.servers.stop().await;
}

#[tokio::test]
async fn when_nobody_holds_the_servers_any_more_they_are_ended() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let family: Value = serde_json::from_str(&session.says("mcp:r/family", json!({})).await).unwrap();
    drop(session);
    gone(&family["leader"]).await;
    gone(&family["child"]).await;
}

#[tokio::test]
async fn a_server_sees_the_environment_it_is_given_and_nothing_else() {
    let mut config = rude("r", "normal");
    let Transport::Stdio(program) = &mut config.transport else { unreachable!() };
    program.env = vec![("TOKEN".to_owned(), "for-the-server".to_owned()), ("PATH".to_owned(), "/only".to_owned())];
    let mut session = Session::with(vec![config]).await;
    let seen: Value = serde_json::from_str(&session.says("mcp:r/environment", json!({})).await).unwrap();
    assert_eq!(seen["variables"]["TOKEN"], "for-the-server");
    assert_eq!(seen["variables"]["PATH"], "/only");
    let given: Vec<String> =
        session.scene.environment.open().into_iter().map(|(name, _)| name.into_string().unwrap()).collect();
    for name in seen["variables"].as_object().unwrap().keys() {
        assert!(name == "TOKEN" || name == "PATH" || given.contains(name), "{name}");
    }
    let folder = session.scene.workspace.root().to_str().unwrap();
    assert_eq!(seen["folder"], folder);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_person_starts_a_server_anew_one_that_was_given_up_too() {
    let mut session = Session::with(vec![rude("n", "normal")]).await;
    session.servers.ready(FAR).await;
    let tools = session.servers.tools().len();
    session.servers.restart("n").unwrap();
    assert_eq!(session.event_that(restarted).await, tools);
    assert_eq!(session.says("mcp:n/echo", json!({ "text": "again" })).await, "again");
    let wrong = session.servers.restart("x").unwrap_err();
    assert!(matches!(wrong, McpError::NoSuchServer { .. }), "{wrong}");
    session.servers.stop().await;
    let mut config = rude("d", "dies");
    config.patience.restarts = 1;
    let mut session = Session::with(vec![config]).await;
    while session.event_that(died).await.1 != Next::GivenUp {}
    session.servers.restart("d").unwrap();
    // It dies once more, and so it was started once more.
    assert_eq!(session.event_that(died).await.1, Next::Restart { attempt: 1, of: 1 });
    session.servers.stop().await;
}
