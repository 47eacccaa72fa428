//! Mode changes: before a turn, while a question is open, while the model speaks.

use crate::stage::{Attended, Ended, Play, Stage, order, person, place, said};
use gate::Answer;
use wire::{ControlReply, Event, Status};

const TWO_WRITES: &str = r#"
[[turn]]
calls = [{ tool = "write", args = { path = "a", content = "x" } }, { tool = "write", args = { path = "b", content = "y" } }]
[[turn]]
text = "done"
"#;

#[tokio::test]
async fn a_looser_mode_runs_what_was_asked_about_and_what_comes_after() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_WRITES).await;
    play.question("c1").await;
    let ControlReply::Status { mode, chip, spend } = play.set_mode("yolo").await else { panic!("it was refused") };
    assert_eq!((mode.as_str(), chip.as_str()), ("yolo:5.00", "YOLO $5.00 of $5.00"));
    assert_eq!(spend.cap.as_deref(), Some("5.00"));
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), stage.text("b").as_str(), ended.questions()), ("x", "y", 1));
    assert_eq!(ended.decisions("c1")[1], ("run".to_owned(), "mode".to_owned()));
    assert!(place(&ended.events, "mode yolo:5.00") < place(&ended.events, "decision c1 run"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_tighter_mode_refuses_what_was_asked_about_and_what_comes_after() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_WRITES).await;
    play.question("c1").await;
    play.set_mode("plan").await;
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), stage.text("b").as_str()), ("", ""));
    for call in ["c1", "c2"] {
        assert_eq!(ended.result_of(call), (false, "refused: Plan executes and changes nothing"));
    }
    let lines: Vec<String> = order(&ended.events).into_iter().filter(|line| line.starts_with("result")).collect();
    assert_eq!(lines, ["result c1 failed", "result c2 failed"]);
    assert!(ended.session.refused().is_empty());
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_the_new_mode_asks_stays_open_and_is_shown_as_it_stands_now() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "7");
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/note", args = { line = "paid" } }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.set_mode("yolo:5").await;
    let Event::Question { why, chip, .. } = play.question("c1").await else { panic!("another event") };
    assert_eq!(why.as_deref(), Some("it costs more than is left of the cap"));
    assert_eq!(chip, "YOLO $5.00 of $5.00");
    assert_eq!(stage.text("notes"), "");
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!(stage.text("notes"), "paid\n");
    let spend = ended.session.spend();
    assert_eq!((spend.past_cap.settled.as_str(), spend.left.as_deref()), ("7.00", Some("5.00")));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn an_answer_is_judged_under_the_mode_of_the_moment() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, TWO_WRITES).await;
    play.question("c1").await;
    // The yes comes after the mode has refused it: nothing is asked any more.
    play.set_mode("plan").await;
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), ended.result_of("c1").0), ("", false));
}

#[tokio::test]
async fn a_mode_that_is_set_while_the_model_speaks_judges_what_it_then_calls() {
    let stage = Stage::new().await;
    let script =
        format!("[[turn]]\ntext = \"a b c d\"\nchunk = 1\ndelay_ms = 50\n{}", &TWO_WRITES["\n[[turn]]\n".len()..]);
    let play = stage.play("plan", Attended, &script).await;
    play.set_mode("yolo:2").await;
    let ended = play.end().await;
    assert_eq!((stage.text("a").as_str(), stage.text("b").as_str(), ended.questions()), ("x", "y", 0));
    assert!(place(&ended.events, "mode yolo:2.00") < place(&ended.events, "message"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_mode_that_is_set_between_turns_is_told_and_recorded() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Attended, "[[turn]]\ntext = \"hello\"\n[[turn]]\ntext = \"again\"").await;
    let Ended { mut session, mut heard, .. } = ended;
    for (choice, mode, chip) in [
        ("yolo", "yolo:5.00", "YOLO $5.00 of $5.00"),
        ("yolo:3", "yolo:3.00", "YOLO $3.00 of $3.00"),
        ("yolo:uncapped", "yolo:uncapped", "YOLO uncapped"),
        ("agent", "agent", "Agent"),
        ("yolo", "yolo:3.00", "YOLO $3.00 of $3.00"),
    ] {
        session.set_mode(&person(), choice.parse().unwrap()).await.unwrap();
        assert_eq!(heard.recv().await, Some(Event::Mode { mode: mode.into(), chip: chip.into() }));
        assert_eq!(session.state().mode.to_string(), mode);
    }
    let ended = Play::of(session, heard, said("go on")).end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    stage.check_record(&ended.session).await;
    drop(ended);
    let (session, _) = stage.resumed("").await.unwrap();
    assert_eq!(session.state().mode.to_string(), "yolo:3.00", "the mode is restored with the session");
}
