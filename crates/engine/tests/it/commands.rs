//! What a session is told while it runs: words and questions about how it stands.
//!
//! Not here: answers (`asked`), mode changes (`modes`), stops (`stopping`).

use crate::stage::{Attended, Stage, Unattended, order, pipe, place, release};
use engine::SessionCommand;
use turn::chat::Message;
use wire::{ControlReply, Status};

fn say(text: &str) -> SessionCommand {
    SessionCommand::Say(text.to_owned())
}

fn users(ended: &crate::stage::Ended) -> Vec<&str> {
    let users = ended.session.turn().messages().iter().filter_map(|message| match message {
        Message::User { text } => Some(text.as_str()),
        Message::Assistant(_) | Message::Tool { .. } => None,
    });
    users.collect()
}

#[tokio::test]
async fn what_is_said_while_calls_run_is_heard_with_the_next_request() {
    let stage = Stage::new().await;
    let gate = pipe(&stage, "gate");
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "echo up; read line < gate" } }]
        [[turn]]
        text = "not this"
        [[turn]]
        when = "look at b"
        text = "I heard you."
    "#;
    let mut play = stage.play("yolo:5", Unattended, script).await;
    play.progress("c1").await;
    play.tell(say("look at b")).await;
    release(gate).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "I heard you."));
    assert_eq!(users(&ended), ["go", "look at b"]);
    let at = |line: &str| place(&ended.events, line);
    assert!(at("prompt look at b") < at("result c1 done"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_is_said_while_the_model_speaks_keeps_the_turn_going() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        text = "I am done."
        delay_ms = 50
        [[turn]]
        text = "Now I am."
    "#;
    let play = stage.play("plan", Unattended, script).await;
    play.tell(say("and the rest?")).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "Now I am."));
    assert_eq!(users(&ended), ["go", "and the rest?"]);
    assert_eq!(order(&ended.events), ["prompt go", "prompt and the rest?", "text", "message", "text", "message"]);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_is_said_while_a_question_is_open_does_not_answer_it() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.tell(say("hm")).await;
    play.status().await;
    assert_eq!(stage.text("a"), "");
    play.answer("c1", gate::Answer::Once).await;
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), users(&ended)), ("x", vec!["go", "hm"]));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn how_a_session_stands_is_said_while_the_model_speaks_and_while_calls_run() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/hang", "2");
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/hang" }]
        delay_ms = 50
    "#;
    let mut play = stage.play("yolo:5", Attended, script).await;
    let ControlReply::Status { mode, chip, spend } = play.status().await else { panic!("it was refused") };
    assert_eq!((mode.as_str(), chip.as_str()), ("yolo:5.00", "YOLO $5.00 of $5.00"));
    assert_eq!(spend.budget.held, "0.00");
    play.until(|event| matches!(event, wire::Event::Decision { .. })).await;
    let ControlReply::Status { chip, spend, .. } = play.status().await else { panic!("it was refused") };
    assert_eq!((chip.as_str(), spend.budget.held.as_str()), ("YOLO $3.00 of $5.00", "2.00"));
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    let spend = ended.session.spend();
    assert_eq!((spend.budget.held.as_str(), spend.budget.open.as_str()), ("0.00", "2.00"), "it may have happened");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_ignored_while_the_model_speaks() {
    let stage = Stage::new().await;
    let play = stage.play("plan", Attended, "[[turn]]\ntext = \"done\"\ndelay_ms = 50").await;
    play.answer("c1", gate::Answer::Once).await;
    play.tell(SessionCommand::Respond { call: gate::CallId::new("c1"), text: "x".into() }).await;
    play.status().await;
    let ended = play.end().await;
    assert_eq!((ended.how(), order(&ended.events).len()), ((Status::Done, None), 3));
}
