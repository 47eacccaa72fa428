//! What a model's answer comes to: words, failures that pass, failures that do not, answers cut short.

use crate::stage::{Ended, Play, Stage, Unattended, order, said};
use wire::{Event, Status};

#[tokio::test]
async fn a_failure_that_passes_is_told_and_tried_again() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        error = { kind = "rate limited", times = 2, message = "slow down" }
        text = "Now I have time."
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "Now I have time."));
    let tries: Vec<_> = ended.events.iter().filter(|event| matches!(event, Event::Retrying { .. })).collect();
    let Event::Retrying { attempt, wait_ms, why } = tries[0] else { panic!("another event") };
    assert_eq!((*attempt, *wait_ms, why.contains("slow down")), (2, 0, true));
    let Event::Retrying { attempt, .. } = tries[1] else { panic!("another event") };
    assert_eq!((*attempt, tries.len()), (3, 2));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_void_and_no_call_of_it_runs_twice() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        error = { kind = "cut" }
        text = "You hear half of this twice."
        calls = [{ tool = "shell", args = { command = "echo once >> notes" } }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!(order(&ended.events)[..6], ["prompt go", "text", "restarted", "retrying", "text", "calling shell"]);
    assert_eq!((ended.how(), stage.text("notes").as_str()), ((Status::Done, None), "once\n"));
    stage.check_record(&ended.session).await;
}

/// What each word of a person makes of the model's service.
const MOODS: &str = r#"
[[turn]]
when = "down"
error = { kind = "down", times = 9, message = "the service sleeps" }
[[turn]]
when = "locked"
error = { kind = "auth", message = "the key is refused" }
[[turn]]
when = "hello"
text = "hello"
"#;

async fn again(ended: Ended, words: &str) -> Ended {
    let Ended { session, heard, .. } = ended;
    Play::of(session, heard, said(words)).end().await
}

#[tokio::test]
async fn a_failure_worth_trying_later_and_one_that_is_not_end_the_run_differently() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Unattended, "[[turn]]\ntext = \"hello\"").await;
    drop(ended);
    let down = stage.played_on(MOODS, said("down")).await;
    let (status, why) = down.how();
    assert!(status == Status::Unavailable && why.unwrap().contains("the service sleeps"), "{why:?}");
    stage.check_record(&down.session).await;
    let locked = again(down, "locked").await;
    let (status, why) = locked.how();
    assert!(status == Status::Failed && why.unwrap().contains("the key is refused"), "{why:?}");
    let Event::End { status, reason, .. } = locked.session.end_event(locked.result.as_ref().unwrap()) else { panic!() };
    assert_eq!((status, reason.is_some()), (Status::Failed, true));
    let fine = again(locked, "hello").await;
    assert_eq!(fine.how(), (Status::Done, None));
    stage.check_record(&fine.session).await;
}

#[tokio::test]
async fn a_script_that_has_ended_is_a_failure_that_says_so() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Unattended, "").await;
    let (status, why) = ended.how();
    assert!(status == Status::Failed && why.unwrap().contains("the script has ended"), "{why:?}");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_reply_without_a_word_ends_the_turn() {
    let stage = Stage::new().await;
    let script = "[[turn]]\n[[turn]]\ntext = \"something\"";
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), ""));
    let ended = again(ended, "say something").await;
    assert_eq!(ended.session.turn().last_text(), "something");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_call_that_was_torn_by_the_limit_of_the_answer_does_not_run() {
    for stop in ["length", "filtered"] {
        let stage = Stage::new().await;
        let script = format!(
            r#"
                [[turn]]
                calls = [{{ tool = "list" }}, {{ tool = "list" }}]
                stop = "{stop}"
                [[turn]]
                calls = [{{ tool = "shell", raw = '{{"command": "echo torn > torn' }}]
                stop = "{stop}"
                [[turn]]
                calls = [{{ tool = "shell", args = {{ command = "echo whole > whole" }} }}]
                stop = "{stop}"
                [[turn]]
                calls = [{{ tool = "list" }}]
                [[turn]]
                text = "done"
            "#
        );
        let ended = stage.played("yolo:5", Unattended, &script).await;
        assert_eq!(ended.how(), (Status::Done, None));
        let ran: Vec<bool> = ["c1", "c2", "c3", "c4", "c5"].map(|call| ended.result_of(call).0).to_vec();
        assert_eq!(ran, [true, false, false, true, true], "{stop}");
        assert!(ended.result_of("c2").1.contains("not JSON"), "{}", ended.result_of("c2").1);
        assert_eq!(ended.decisions("c2"), [("invalid".to_owned(), String::new())]);
        assert_eq!((stage.text("torn").as_str(), stage.text("whole").as_str()), ("", "whole\n"));
        stage.check_record(&ended.session).await;
    }
}

#[tokio::test]
async fn a_model_that_stops_for_other_reasons_is_taken_at_its_word() {
    for stop in ["refusal", "tired"] {
        let stage = Stage::new().await;
        let script = format!("[[turn]]\ncalls = [{{ tool = \"list\" }}]\nstop = \"{stop}\"\n[[turn]]\ntext = \"done\"");
        let ended = stage.played("plan", Unattended, &script).await;
        assert_eq!((ended.how(), ended.result_of("c1").0), ((Status::Done, None), true), "{stop}");
    }
}
