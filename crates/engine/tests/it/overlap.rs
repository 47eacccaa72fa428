//! Which calls of one message run beside each other, and which wait.

use crate::stage::{Attended, Stage, Unattended, check_conversation, order, place};
use wire::{Event, Status};

fn calls(calls: &[&str]) -> String {
    format!("[[turn]]\ncalls = [{}]\n[[turn]]\ntext = \"done\"", calls.join(", "))
}

const MEET_TWO: &str = r#"{ tool = "mcp:stage/meet", args = { with = 2 } }"#;

#[tokio::test]
async fn reads_that_follow_each_other_overlap() {
    let stage = Stage::with_server().await;
    // Neither is answered before both have come.
    let ended = stage.played("plan", Unattended, &calls(&[MEET_TWO, MEET_TWO])).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert!(ended.result_of("c1").1.contains("met") && ended.result_of("c2").1.contains("met"));
    assert!(place(&ended.events, "decision c2 run") < place(&ended.events, "result c1 done"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_change_waits_for_the_reads_before_it_and_holds_those_after() {
    let stage = Stage::with_server().await;
    stage.write("seen", "old");
    let change = r#"{ tool = "write", args = { path = "seen", content = "new" } }"#;
    let script = calls(&[MEET_TWO, MEET_TWO, change, MEET_TWO, MEET_TWO]);
    let ended = stage.played("yolo:5", Unattended, &script).await;
    let saw: Vec<&str> = ["c1", "c2", "c4", "c5"].map(|call| ended.result_of(call).1).to_vec();
    assert_eq!(saw, ["met, and saw `old`", "met, and saw `old`", "met, and saw `new`", "met, and saw `new`"]);
    let at = |line: &str| place(&ended.events, line);
    assert!(at("result c1 done").max(at("result c2 done")) < at("call c3 write"));
    assert!(at("result c3 done") < at("call c4 mcp:stage/meet"));
    check_conversation(ended.session.turn().messages());
}

#[tokio::test]
async fn a_read_does_not_overlap_with_a_change_that_runs() {
    let stage = Stage::with_server().await;
    let change = r#"{ tool = "mcp:stage/note", args = { line = "a" } }"#;
    let meet = r#"{ tool = "mcp:stage/meet", args = { with = 1 } }"#;
    let ended = stage.played("yolo:5", Unattended, &calls(&[change, meet, change])).await;
    assert_eq!(
        order(&ended.events)[5..14],
        [
            "call c1 mcp:stage/note",
            "decision c1 run",
            "result c1 done",
            "call c2 mcp:stage/meet",
            "decision c2 run",
            "result c2 done",
            "call c3 mcp:stage/note",
            "decision c3 run",
            "result c3 done",
        ]
    );
}

#[tokio::test]
async fn no_more_than_eight_reads_run_at_once() {
    let stage = Stage::with_server().await;
    let meet_eight = r#"{ tool = "mcp:stage/meet", args = { with = 8 }, times = 8 }"#;
    let alone = r#"{ tool = "mcp:stage/meet", args = { with = 1 } }"#;
    let ended = stage.played("plan", Unattended, &calls(&[meet_eight, alone])).await;
    assert_eq!(ended.how(), (Status::Done, None));
    let first_result = ended.events.iter().position(|event| matches!(event, Event::Result { .. })).unwrap();
    let begun = ended.events[..first_result].iter().filter(|event| matches!(event, Event::Call { .. })).count();
    assert_eq!(begun, 8);
}

#[tokio::test]
async fn a_read_that_costs_money_overlaps_with_nothing() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/meet", "1");
    let alone = r#"{ tool = "mcp:stage/meet", args = { with = 1 } }"#;
    let ended = stage.played("yolo:5", Unattended, &calls(&[alone, alone])).await;
    assert!(place(&ended.events, "result c1 done") < place(&ended.events, "call c2 mcp:stage/meet"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_makes_no_sense_waits_its_turn_too() {
    let stage = Stage::with_server().await;
    let ended = stage.played("plan", Unattended, &calls(&[MEET_TWO, MEET_TWO, r#"{ tool = "raed" }"#])).await;
    let at = |line: &str| place(&ended.events, line);
    assert!(at("result c1 done").max(at("result c2 done")) < at("call c3 raed"));
}

#[tokio::test]
async fn nothing_starts_beside_an_open_question() {
    let stage = Stage::new().await;
    let write = r#"{ tool = "write", args = { path = "a", content = "x" } }"#;
    let read = r#"{ tool = "read", args = { path = "add.rs" } }"#;
    let mut play = stage.play("agent", Attended, &calls(&[write, read, write])).await;
    play.question("c1").await;
    assert!(play.status().await != wire::ControlReply::Refused { why: String::new() }, "it was heard meanwhile");
    play.answer("c1", gate::Answer::No).await;
    play.question("c3").await;
    play.answer("c3", gate::Answer::Once).await;
    let ended = play.end().await;
    let at = |line: &str| place(&ended.events, line);
    assert!(at("result c1 failed") < at("call c2 read") && at("result c2 done") < at("call c3 write"));
    assert_eq!((ended.how(), stage.text("a").as_str()), ((Status::Done, None), "x"));
}
