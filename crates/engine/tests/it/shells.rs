//! Command lines: what a yes for the session covers, and runs in the background.

use crate::stage::{Attended, Stage, Unattended, pipe, place, release, reply};
use gate::Answer;
use wire::{Event, Status};

fn script(lines: &[&str]) -> String {
    let turns = lines
        .iter()
        .map(|line| format!("[[turn]]\ncalls = [{{ tool = \"shell\", args = {{ command = \"{line}\" }} }}]\n"));
    format!("{}[[turn]]\ntext = \"done\"", turns.collect::<String>())
}

#[tokio::test]
async fn a_yes_for_the_session_covers_command_lines_that_begin_with_the_same_words() {
    let stage = Stage::new().await;
    let lines = ["echo one", "echo one two", "echo one && echo one three", "echo two", "echo one > out", "ls"];
    let mut play = stage.play("agent", Attended, &script(&lines)).await;
    let Event::Question { offered, .. } = play.question("c1").await else { panic!("another event") };
    assert!(offered.iter().any(|grant| grant.contains("echo one")), "{offered:?}");
    play.answer("c1", Answer::ForSession).await;
    for call in ["c4", "c5", "c6"] {
        play.question(call).await;
        play.answer(call, Answer::No).await;
    }
    let ended = play.end().await;
    assert_eq!((ended.how(), ended.questions()), ((Status::Done, None), 4));
    for call in ["c2", "c3"] {
        assert_eq!(ended.decisions(call), [("run".to_owned(), "person".to_owned())], "{call}");
    }
    assert!(!stage.path("out").exists());
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_line_that_no_yes_for_the_session_covers_can_be_allowed_once() {
    let stage = Stage::new().await;
    let mut play = stage.play("agent", Attended, &script(&["echo one"])).await;
    play.question("c1").await;
    play.tell(reply("c1", Answer::ForSession, Some(r#"{"command":"echo two > out"}"#), None)).await;
    play.until(|event| matches!(event, Event::Notice { .. })).await;
    assert!(!stage.path("out").exists());
    play.tell(reply("c1", Answer::Once, Some(r#"{"command":"echo two > out"}"#), None)).await;
    let ended = play.end().await;
    assert_eq!((ended.how(), stage.text("out").as_str()), ((Status::Done, None), "two\n"));
}

#[tokio::test]
async fn a_run_in_the_background_overlaps_with_the_calls_after_it() {
    let stage = Stage::new().await;
    pipe(&stage, "gate");
    let script = r#"
        [[turn]]
        calls = [
            { tool = "shell", args = { command = "read line < gate; echo $line > heard", background = true } },
            { tool = "shell", args = { command = "echo here > gate; until [ -s heard ]; do sleep 0.01; done" } },
        ]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!((ended.how(), stage.text("heard").as_str()), ((Status::Done, None), "here\n"));
    assert!(place(&ended.events, "result c1 done") < place(&ended.events, "call c2 shell"));
}

#[tokio::test]
async fn a_stop_of_the_turn_leaves_runs_in_the_background_to_the_session() {
    let stage = Stage::new().await;
    let gate = pipe(&stage, "gate");
    let script = r#"
        [[turn]]
        calls = [
            { tool = "shell", args = { command = "read line < gate; echo $line > heard", background = true } },
            { tool = "shell", args = { command = "echo up; sleep 1000" } },
        ]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("yolo:5", Unattended, script).await;
    play.progress("c2").await;
    play.tell(engine::SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!(ended.how().0, Status::Interrupted);
    assert_eq!(stage.setup.scene.runs.list().len(), 1);
    release(gate).await;
    while stage.text("heard").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(stage.text("heard"), "go\n");
}
