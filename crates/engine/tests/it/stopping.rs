//! Stops: while a tool runs, while a question is open, while the model speaks.

use crate::stage::{Attended, Ended, Play, Stage, Unattended, lives, order, said};
use engine::SessionCommand;
use turn::TurnEvent;
use wire::Status;

const STOPPED: (Status, Option<&str>) = (Status::Interrupted, Some("stopped by the person"));

/// A command line that runs until it is stopped, and starts a program of its own.
const LASTS: &str = r#"
[[turn]]
calls = [
    { tool = "shell", args = { command = "sleep 1000 & echo $! > child; echo $$ > parent; echo up; wait", timeout_s = 3600 } },
    { tool = "write", args = { path = "after", content = "x" } },
]
[[turn]]
text = "I go on."
"#;

#[tokio::test]
async fn a_stop_ends_what_a_tool_has_started_and_the_session_goes_on() {
    let stage = Stage::new().await;
    let mut play = stage.play("yolo:5", Attended, LASTS).await;
    play.progress("c1").await;
    let (parent, child) = (stage.path("parent"), stage.path("child"));
    assert!(lives(&parent) && lives(&child));
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert!(!lives(&parent) && !lives(&child), "a survivor");
    assert_eq!(ended.how(), STOPPED);
    assert!(!ended.result_of("c1").0 && ended.result_of("c1").1.contains("stopped"), "{}", ended.result_of("c1").1);
    assert_eq!(ended.result_of("c2"), (false, "not run: the person stopped this turn"));
    assert_eq!(stage.text("after"), "");
    stage.check_record(&ended.session).await;

    let Ended { session, heard, .. } = ended;
    let again = Play::of(session, heard, said("go on")).end().await;
    assert_eq!((again.how(), again.session.turn().last_text()), ((Status::Done, None), "I go on."));
    stage.check_record(&again.session).await;
}

#[tokio::test]
async fn a_session_that_was_stopped_can_be_taken_up_again() {
    let stage = Stage::new().await;
    let mut play = stage.play("yolo:5", Attended, LASTS).await;
    play.progress("c1").await;
    play.tell(SessionCommand::Stop).await;
    let records = stage.records().await.len();
    drop(play.end().await);
    let after = stage.records().await.len();
    assert!(after > records);
    let again = stage.played_on(LASTS, TurnEvent::GoOn).await;
    assert_eq!((again.how(), again.session.turn().last_text()), ((Status::Done, None), "I go on."));
    stage.check_record(&again.session).await;
}

#[tokio::test]
async fn a_second_stop_gives_up_waiting_for_what_does_not_end() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "trap '' TERM; echo $$ > parent; echo up; while :; do sleep 1000; done", timeout_s = 3600 } }]
    "#;
    let mut play = stage.play("yolo:5", Attended, script).await;
    play.progress("c1").await;
    play.tell(SessionCommand::Stop).await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.result_of("c1")), (STOPPED, (false, "stopped before it ended")));
    assert_eq!(order(&ended.events).last().unwrap(), "result c1 failed");
    stage.check_record(&ended.session).await;
    // It is ended all the same, a moment later; a test that waits in vain is ended by whoever runs it.
    while lives(&stage.path("parent")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stop_while_a_question_is_open_ends_the_turn_with_every_call_answered() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }, { tool = "list" }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("a").as_str()), (STOPPED, ""));
    for call in ["c1", "c2"] {
        assert_eq!(ended.result_of(call), (false, "not run: the person stopped this turn"));
    }
    assert_eq!(order(&ended.events).last().unwrap(), "result c1 failed", "what was told to begin is told to end");
    stage.check_record(&ended.session).await;
    let Ended { session, heard, .. } = ended;
    let again = Play::of(session, heard, said("on")).end().await;
    assert_eq!(again.how(), (Status::Done, None));
}

#[tokio::test]
async fn a_stop_while_the_model_asks_ends_its_question() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "request_user_input", args = { question = "which?" } }]
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.result_of("c1").0), (STOPPED, false));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_stop_while_the_model_is_asked_ends_the_turn() {
    let stage = Stage::new().await;
    let script = "[[turn]]\ntext = \"never\"\ndelay_ms = 3600000\n[[turn]]\nwhen = \"again\"\ntext = \"yes\"";
    let mut play = stage.play("plan", Unattended, script).await;
    play.until(|event| matches!(event, wire::Event::Prompt { .. })).await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), (STOPPED, ""));
    stage.check_record(&ended.session).await;
    let Ended { session, heard, .. } = ended;
    let again = Play::of(session, heard, said("again")).end().await;
    assert_eq!((again.how(), again.session.turn().last_text()), ((Status::Done, None), "yes"));
}

#[tokio::test]
async fn a_stop_in_the_last_turn_that_the_limit_allows_is_a_stop() {
    let mut stage = Stage::new().await;
    stage.setup.limits.requests = 1;
    let mut play = stage
        .play(
            "yolo:5",
            Attended,
            &LASTS.replace("{ tool = \"write\", args = { path = \"after\", content = \"x\" } },", ""),
        )
        .await;
    play.progress("c1").await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!(ended.how(), STOPPED);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_question_that_nobody_can_answer_any_more_stops_the_turn() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.leave();
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("a").as_str()), (STOPPED, ""));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_run_goes_on_when_nobody_can_tell_it_anything_any_more() {
    let stage = Stage::new().await;
    let gate = crate::stage::pipe(&stage, "gate");
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "echo up; read line < gate; echo done > out" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("yolo:5", Attended, script).await;
    play.progress("c1").await;
    play.leave();
    crate::stage::release(gate).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("out").as_str()), ((Status::Done, None), "done\n"));
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_no_program_behind() {
    let stage = Stage::new().await;
    let mut play = stage.play("yolo:5", Attended, LASTS).await;
    play.progress("c1").await;
    play.cut_off().await;
    while lives(&stage.path("parent")) || lives(&stage.path("child")) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
