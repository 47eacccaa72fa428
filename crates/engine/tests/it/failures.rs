//! A record that cannot be written, and tools that crash: nothing runs unrecorded, and nothing is forgotten.

use crate::stage::{Ended, Play, Stage, Unattended, lives, order, said};
use engine::{About, Authority, EngineError, Session, SessionCommand, Surface};
use gate::GateError;
use journal::JournalError;
use policy::Purse;
use std::sync::Arc;
use tools::site::{Hub, HubToken};
use turn::TurnEvent;
use wire::{Event, Status};

const TOUCH: &str = r#"
[[turn]]
calls = [{ tool = "list" }, { tool = "shell", args = { command = "echo x >> touched" } }]
[[turn]]
text = "done"
"#;

fn decides(tool: &str) -> String {
    format!(r#"NEW.body LIKE '%"decided"%' AND NEW.body LIKE '%"tool":"{tool}"%'"#)
}

#[tokio::test]
async fn a_call_whose_decision_cannot_be_written_does_not_run() {
    let stage = Stage::new().await;
    stage.refuse_records(&decides("shell")).await;
    let ended = stage.played("yolo:5", Unattended, TOUCH).await;
    let why = ended.result.as_ref().unwrap_err();
    assert!(matches!(why, EngineError::Gate(GateError::Record(_))), "{why}");
    assert!(why.to_string().contains("cannot be written, so nothing runs"), "{why}");
    assert!(!stage.path("touched").exists());
    assert!(ended.decisions("c2").is_empty(), "what is not on record is not told");

    stage.mend().await;
    let Ended { session, heard, .. } = ended;
    let again = Play::of(session, heard, said("go on")).end().await;
    assert!(matches!(again.result, Err(EngineError::Unfinished(_))), "{:?}", again.result);
    assert!(!stage.path("touched").exists());
    drop(again);
    let resumed = stage.played_on(TOUCH, TurnEvent::GoOn).await;
    assert_eq!(resumed.result_of("c2"), (false, "not run: the process ended before it"));
    assert_eq!((resumed.how(), stage.path("touched").exists()), ((Status::Done, None), false));
    stage.check_record(&resumed.session).await;
}

#[tokio::test]
async fn a_call_whose_end_cannot_be_written_is_unknown_and_not_run_again() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "1");
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/note", args = { line = "once" } }]
        [[turn]]
        text = "done"
    "#;
    stage.refuse_records(r#"NEW.body LIKE '%"event":"ended"%'"#).await;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert!(matches!(ended.result, Err(EngineError::Gate(GateError::Record(_)))), "{:?}", ended.result);
    assert_eq!(stage.text("notes"), "once\n");
    assert!(!order(&ended.events).iter().any(|line| line.starts_with("result")), "it is not told either");
    drop(ended);
    stage.mend().await;
    let resumed = stage.played_on(script, TurnEvent::GoOn).await;
    assert_eq!((resumed.how(), stage.text("notes").as_str()), ((Status::Done, None), "once\n"));
    assert!(resumed.result_of("c1").1.starts_with("unknown: the process ended while this ran"));
    let sums = resumed.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.open.to_string(), sums.settled.to_string()), ("1.00".into(), "0.00".into()));
    stage.check_record(&resumed.session).await;
}

#[tokio::test]
async fn a_reply_that_cannot_be_written_is_not_told_and_calls_nothing() {
    let stage = Stage::new().await;
    stage.refuse_records(r#"NEW.body LIKE '%"replied"%'"#).await;
    let ended = stage.played("yolo:5", Unattended, TOUCH).await;
    assert!(matches!(ended.result, Err(EngineError::Journal(_))), "{:?}", ended.result);
    assert!(!ended.events.iter().any(|event| matches!(event, Event::Message { .. } | Event::Call { .. })));
    assert!(!stage.path("touched").exists());
}

#[tokio::test]
async fn words_that_cannot_be_written_are_not_told() {
    let stage = Stage::new().await;
    stage.refuse_records(r#"NEW.body LIKE '%"said"%'"#).await;
    let ended = stage.played("yolo:5", Unattended, TOUCH).await;
    assert!(matches!(ended.result, Err(EngineError::Journal(_))), "{:?}", ended.result);
    assert!(ended.events.is_empty(), "{:?}", ended.events);
}

#[tokio::test]
async fn a_run_that_ends_with_an_error_leaves_no_program_behind() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "shell", args = { command = "echo $$ > pid; echo up; sleep 1000", timeout_s = 3600 } }]
    "#;
    stage.refuse_records(r#"NEW.body LIKE '%these words%'"#).await;
    let mut play = stage.play("yolo:5", Unattended, script).await;
    play.progress("c1").await;
    assert!(lives(&stage.path("pid")));
    play.tell(SessionCommand::Say("these words".into())).await;
    let ended = play.end().await;
    assert!(matches!(ended.result, Err(EngineError::Journal(_))), "{:?}", ended.result);
    assert!(!lives(&stage.path("pid")), "a survivor");
    assert!(!order(&ended.events).contains(&"prompt these words".to_owned()), "what is not on record is not told");
}

#[tokio::test]
async fn a_session_whose_authority_cannot_be_written_does_not_start() {
    let stage = Stage::new().await;
    for (at, condition) in [("opened", r#"NEW.body LIKE '%"opened"%'"#), ("limited", r#"NEW.body LIKE '%"limited"%'"#)]
    {
        stage.refuse_records(condition).await;
        let authority = Authority { mode: "yolo:5".parse().unwrap(), attendance: Unattended, prohibitions: Vec::new() };
        let about =
            About { workspace: "here".into(), model: "script:test".into(), title: "a test".into(), owner: None };
        let surface =
            Surface { default_cap: engine::DEFAULT_CAP, events: tokio::sync::mpsc::unbounded_channel().0.into() };
        let started =
            Session::start(&stage.journal, (at.parse().unwrap(), about), authority, stage.setup.clone(), surface).await;
        assert!(started.is_err(), "{at}");
        stage.mend().await;
    }
}

#[tokio::test]
async fn a_session_has_one_owner() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Unattended, "[[turn]]\ntext = \"hello\"").await;
    let twice = stage.resumed("").await;
    assert!(matches!(twice, Err(EngineError::Journal(JournalError::Owned { .. }))), "{twice:?}");
    drop(ended);
    assert!(stage.resumed("").await.is_ok());
    let mut nobody = stage;
    nobody.id = "nobody".parse().unwrap();
    let missing = nobody.resumed("").await;
    assert!(matches!(missing, Err(EngineError::Journal(JournalError::NoSuchSession { .. }))), "{missing:?}");
}

/// Whatever opens a socket or a pipe panics where the runtime cannot wait for one.
#[test]
fn a_tool_that_crashes_leaves_its_hold_open_and_the_session_goes_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut stage = Stage::new().await;
        let hub = Hub {
            endpoint: Some("http://127.0.0.1:9".into()),
            token: Some(HubToken::new("token")),
            ..Hub::default()
        };
        stage.setup.site.hub = Arc::new(hub);
        let script = r#"
            [[turn]]
            calls = [
                { tool = "hf_jobs", args = { operation = "run", flavor = "a10g-small", timeout = "1h", command = ["true"] } },
                { tool = "shell", args = { command = "echo x > touched" } },
                { tool = "read", args = { path = "add.rs" } },
            ]
            [[turn]]
            expect = ["unknown: the tool crashed: ", "a - b"]
            text = "I see."
        "#;
        let ended = stage.played("yolo:5", Unattended, script).await;
        assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "I see."));
        for call in ["c1", "c2"] {
            let (ok, text) = ended.result_of(call);
            assert!(!ok && text.starts_with("unknown: the tool crashed: "), "{text}");
        }
        let sums = ended.session.state().book.sums(Purse::Budget);
        assert_eq!((sums.open.to_string(), sums.held.to_string()), ("1.00".into(), "0.00".into()));
        assert!(ended.session.state().running.is_empty());
        stage.check_record(&ended.session).await;
    });
}
