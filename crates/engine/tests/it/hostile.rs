//! Models that write what they should not: rubbish, too much, the same for ever.

use crate::stage::{Attended, Ended, Play, Stage, Unattended, said};
use wire::{Event, Status};

#[tokio::test]
async fn a_call_that_makes_no_sense_is_an_error_for_the_model_and_nothing_is_asked_or_run() {
    let stage = Stage::with_server().await;
    let script = r#"
        [[turn]]
        calls = [
            { tool = "shell", raw = '{"command": ' },
            { tool = "shell", raw = '{"command": "touch a", "command": "touch b"}' },
            { tool = "shell", raw = '["touch a"]' },
            { tool = "shell", raw = 'touch a' },
            { tool = "shell", args = { command = "touch a", force = true } },
            { tool = "shell", args = { command = 7 } },
            { tool = "raed", args = { path = "add.rs" } },
            { tool = "", args = {} },
            { tool = "mcp:stage/nothing", args = {} },
            { tool = "mcp:nobody/note", args = {} },
            { tool = "mcp:stage/note", raw = '{"line": "a"' },
            { tool = "mcp:stage/note", raw = '"a"' },
            { tool = "request_user_input", args = {} },
            { tool = "write", args = { path = "a\u0000b", content = "x" } },
        ]
        [[turn]]
        calls = [{ tool = "list" }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("agent", Attended, script).await;
    assert_eq!((ended.how(), ended.questions()), ((Status::Done, None), 0));
    for call in (1..=14).map(|number| format!("c{number}")) {
        let (ok, text) = ended.result_of(&call);
        assert!(!ok && !text.is_empty(), "{call}: {text}");
        assert_eq!(ended.decisions(&call), [("invalid".to_owned(), String::new())], "{call}: {text}");
    }
    assert!(ended.result_of("c7").1.contains("there is no tool `raed`"), "{}", ended.result_of("c7").1);
    assert!(ended.result_of("c5").1.contains("force"), "{}", ended.result_of("c5").1);
    assert!(ended.result_of("c11").1.contains("not JSON"), "{}", ended.result_of("c11").1);
    assert!(!stage.path("a").exists() && !stage.path("b").exists() && stage.text("notes").is_empty());
    let reasons = ended
        .events
        .iter()
        .filter(|event| matches!(event, Event::Decision { outcome, reason: Some(_), .. } if outcome == "invalid"));
    assert_eq!(reasons.count(), 14, "a person is told why, too");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn as_many_calls_as_one_message_may_have_all_run() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "list", times = 255 }, { tool = "write", args = { path = "a", content = "x" } }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!((ended.how(), stage.text("a").as_str()), ((Status::Done, None), "x"));
    assert!((1..=256).all(|number| ended.result_of(&format!("c{number}")).0));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_thousand_calls_in_one_message_are_a_failure_that_says_so_and_none_runs() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "echo x >> notes" }, times = 1000 }]
        [[turn]]
        when = "fewer"
        text = "fine"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    let (status, why) = ended.how();
    assert!(status == Status::Failed && why.unwrap().contains("calls"), "{why:?}");
    assert_eq!(stage.text("notes"), "");
    stage.check_record(&ended.session).await;
    let Ended { session, heard, .. } = ended;
    assert_eq!(Play::of(session, heard, said("fewer")).end().await.how(), (Status::Done, None));
}

#[tokio::test]
async fn a_model_that_does_not_stop_talking_is_stopped() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        text = "On and on. "
        text_times = 1000000
        [[turn]]
        when = "shorter"
        text = "fine"
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    let (status, why) = ended.how();
    assert!(status == Status::Failed && why.unwrap().contains("more than"), "{why:?}");
    stage.check_record(&ended.session).await;
    let Ended { session, heard, .. } = ended;
    assert_eq!(Play::of(session, heard, said("shorter")).end().await.how(), (Status::Done, None));
}

#[tokio::test]
async fn the_same_call_for_ever_is_stopped_with_a_reason() {
    let stage = Stage::with_server().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/note", args = { line = "again" } }]
        repeat = 100
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Failed, Some("the model made exactly the same call 17 times in a row")));
    assert_eq!(stage.text("notes").lines().count(), 16);
    assert_eq!(ended.result_of("c17"), (false, "not run: the same call was made 17 times in a row"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn calls_of_one_name_are_told_apart() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" }, id = "same" }, { tool = "write", args = { path = "b", content = "y" }, id = "same" }]
        [[turn]]
        calls = [{ tool = "write", args = { path = "c", content = "z" }, id = "same" }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!((stage.text("a"), stage.text("b"), stage.text("c")), ("x".into(), "y".into(), "z".into()));
    stage.check_record(&ended.session).await;
}
