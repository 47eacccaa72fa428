//! Servers that ask the person something in the middle of a call.
//!
//! Not here: the bounds on what they may ask, which the tests beside them have.

use crate::{Session, rude};
use gate::Report;
use mcp::{Elicitation, ElicitationAnswer, ServerEvent, Wanted};
use serde_json::{Value, json};
use std::time::Duration;

fn question(event: ServerEvent) -> Option<Elicitation> {
    match event {
        ServerEvent::Elicitation(question) => Some(question),
        _ => None,
    }
}

/// Calls `ask`, and answers what it asks.
async fn asked(session: &mut Session, tool: &str, answer: impl FnOnce(Elicitation)) -> Report {
    let call = session.parse(tool, json!({}));
    let (id, running) = session.start(call).await;
    let asked = session.event_that(question).await;
    assert_eq!(asked.server().as_str(), "r");
    answer(asked);
    let ended = running.await.unwrap();
    session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap()
}

fn branch(name: &str) -> ElicitationAnswer {
    ElicitationAnswer::Accept(json!({ "branch": name }).as_object().unwrap().clone())
}

#[tokio::test]
async fn a_form_reaches_the_person_and_the_answer_reaches_the_server() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    for (answer, wanted) in [
        (branch("main"), json!({ "action": "accept", "content": { "branch": "main" } })),
        (ElicitationAnswer::Decline, json!({ "action": "decline" })),
        (ElicitationAnswer::Cancel, json!({ "action": "cancel" })),
    ] {
        let report = asked(&mut session, "mcp:r/ask", |question| {
            assert_eq!(question.message(), "Which branch?");
            assert!(matches!(question.wanted(), Wanted::Form(schema) if schema["required"] == json!(["branch"])));
            question.answer(answer);
        })
        .await;
        assert_eq!(serde_json::from_str::<Value>(report.text()).unwrap(), wanted);
    }
    session.servers.stop().await;
}

#[tokio::test]
async fn where_nobody_listens_a_question_is_declined() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let report = asked(&mut session, "mcp:r/ask", drop).await;
    assert_eq!(report, Report::Done(r#"{"action":"decline"}"#.to_owned()));
    session.events.close();
    assert_eq!(session.says("mcp:r/ask", json!({})).await, r#"{"action":"decline"}"#);
    session.servers.stop().await;
}

#[tokio::test]
async fn the_time_a_person_takes_is_not_the_servers() {
    let mut config = rude("r", "normal");
    config.patience.call = Duration::from_secs(1);
    let mut session = Session::with(vec![config]).await;
    let call = session.parse("mcp:r/ask", json!({}));
    let (id, running) = session.start(call).await;
    let question = session.event_that(question).await;
    // Several times what the server itself would have.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!running.is_finished());
    question.answer(branch("late"));
    let ended = running.await.unwrap();
    let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
    assert_eq!(report, Report::Done(r#"{"action":"accept","content":{"branch":"late"}}"#.to_owned()));
    session.servers.stop().await;
}

#[tokio::test]
async fn a_page_that_a_server_wants_opened_first_reaches_the_person() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let report = asked(&mut session, "mcp:r/page", |question| {
        assert_eq!(question.message(), "Sign in");
        assert_eq!(question.wanted(), &Wanted::Page("https://login.example/x".to_owned()));
        question.answer(ElicitationAnswer::Accept(Default::default()));
    })
    .await;
    assert_eq!(
        report,
        Report::Failed(
            "server `r` answered with an error: not signed in (error -32042); it wants the person to open \
             https://login.example/x first, and the answer was `accept`"
                .to_owned()
        )
    );
    session.servers.stop().await;
}

#[tokio::test]
async fn a_server_of_the_newer_protocol_is_spoken_to_in_its_way() {
    let mut session = Session::with(vec![rude("r", "modern")]).await;
    assert_eq!(session.says("mcp:r/echo", json!({ "text": "modern" })).await, "modern");
    let report = asked(&mut session, "mcp:r/ask", |question| question.answer(branch("next"))).await;
    let text = r#"{"action":"accept","content":{"branch":"next"}} "s-1""#;
    assert_eq!(report, Report::Done(text.to_owned()));
    session.servers.stop().await;
}

#[tokio::test]
async fn a_stop_takes_the_open_question_back() {
    let mut session = Session::with(vec![rude("r", "modern")]).await;
    let call = session.parse("mcp:r/ask", json!({}));
    let (id, running) = session.start(call).await;
    let mut question = session.event_that(question).await;
    session.scene.stop.cancel();
    let ended = running.await.unwrap();
    let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
    assert!(report.text().starts_with("stopped: "), "{report:?}");
    question.withdrawn().await;
    session.servers.stop().await;
}

#[tokio::test]
async fn a_server_can_take_its_question_back() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let call = session.parse("mcp:r/ask", json!({}));
    let (id, running) = session.start(call).await;
    let mut question = session.event_that(question).await;
    assert!(!question.is_withdrawn());
    assert_eq!(session.says("mcp:r/retract", json!({})).await, "taken back");
    question.withdrawn().await;
    let ended = running.await.unwrap();
    let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
    assert_eq!(report, Report::Done("never mind".to_owned()));
    session.servers.stop().await;
}
