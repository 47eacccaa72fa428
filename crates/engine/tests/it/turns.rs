//! A whole turn: what happens, in which order it is told, and what the record amounts to.

use crate::stage::{Attended, Ended, Stage, Unattended, check_conversation, order, said};
use engine::record::{self, RecordError};
use gate::RECORD_KIND;
use journal::Record;
use turn::chat::Usage;
use turn::{Limits, TurnEvent};
use wire::{Event, Status};

const MENDING: &str = r#"
[[turn]]
reasoning = "I should look first."
text = "I read it."
calls = [{ tool = "read", args = { path = "add.rs" } }]
usage = { input = 100, output = 10 }

[[turn]]
expect = ["a - b"]
calls = [
    { tool = "edit", args = { path = "add.rs", old = "a - b", new = "a + b" } },
    { tool = "shell", args = { command = "grep -c 'a + b' add.rs > found && echo looked" } },
]
usage = { input = 200, cache_read = 100, output = 20 }

[[turn]]
expect = ["looked"]
text = "It adds now."
usage = { input = 300, output = 30, reasoning = 5 }
"#;

async fn mended(stage: &Stage) -> Ended {
    stage.played("yolo:5", Unattended, MENDING).await
}

#[tokio::test]
async fn a_turn_is_told_in_order_and_its_record_amounts_to_it() {
    let stage = Stage::new().await;
    let ended = mended(&stage).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!(
        order(&ended.events),
        [
            "prompt go",
            "reasoning",
            "text",
            "calling read",
            "message",
            "call c1 read",
            "decision c1 run",
            "result c1 done",
            "calling edit",
            "calling shell",
            "message",
            "call c2 edit",
            "decision c2 run",
            "result c2 done",
            "call c3 shell",
            "decision c3 run",
            "progress c3",
            "result c3 done",
            "text",
            "message",
        ]
    );
    assert!(stage.text("add.rs").contains("a + b"));
    assert_eq!(stage.text("found"), "1\n", "the effects came in the order of the calls");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_run_begins_and_ends_with_what_a_surface_has_to_know() {
    let stage = Stage::new().await;
    let ended = mended(&stage).await;
    let Event::Session { id, mode, chip, model, workspace, title, attendance, notes } =
        ended.session.header(vec!["a note".into()])
    else {
        panic!("another event")
    };
    assert_eq!((id.as_str(), mode.as_str(), chip.as_str()), ("s", "yolo:5.00", "YOLO $5.00 of $5.00"));
    assert_eq!((model.as_str(), attendance.as_str(), notes), ("script:test", "unattended", vec!["a note".to_owned()]));
    assert_eq!(workspace, stage.setup.scene.workspace.root().display().to_string());
    assert_eq!((ended.session.id().as_str(), title.as_str()), ("s", "a test"));
    let Event::End { status, reason, text, refused, prompts, going_on, spend, tokens, chip } =
        ended.session.end_event(ended.result.as_ref().unwrap())
    else {
        panic!("another event")
    };
    assert_eq!((status, reason, text.as_str(), prompts), (Status::Done, None, "It adds now.", 0));
    assert!(refused.is_empty() && ended.session.refused().is_empty() && going_on.is_empty());
    assert_eq!((spend.cap.as_deref(), spend.left.as_deref()), (Some("5.00"), Some("5.00")));
    assert_eq!(chip, "YOLO $5.00 of $5.00");
    let usage = Usage { input: 600, cache_read: 100, cache_write: 0, output: 60, reasoning: 5 };
    assert_eq!(tokens, engine::bill::tokens(usage));
}

#[tokio::test]
async fn a_call_is_told_with_all_that_was_judged() {
    let stage = Stage::new().await;
    let ended = mended(&stage).await;
    let calls: Vec<_> = ended.events.iter().filter(|event| matches!(event, Event::Call { .. })).collect();
    let Event::Call { effect, price, arguments, summary, .. } = calls[0] else { panic!("another event") };
    assert_eq!((effect.as_deref(), price.as_deref()), (Some("read"), Some("free")));
    assert_eq!((arguments.as_str(), summary.as_str()), (r#"{"path":"add.rs"}"#, "read add.rs"));
    let Event::Call { effect, .. } = calls[1] else { panic!("another event") };
    assert_eq!(effect.as_deref(), Some("change"));
    let decided = ended.events.iter().find(|event| matches!(event, Event::Decision { .. }));
    let Some(Event::Decision { decided_by, reason, chip, .. }) = decided else { panic!("no decision") };
    assert_eq!((decided_by.as_deref(), reason, chip.as_str()), (Some("mode"), &None, "YOLO $5.00 of $5.00"));
}

#[tokio::test]
async fn a_message_is_told_with_its_words_calls_and_tokens() {
    let stage = Stage::new().await;
    let ended = mended(&stage).await;
    let messages: Vec<_> = ended.events.iter().filter(|event| matches!(event, Event::Message { .. })).collect();
    let Event::Message { text, calls, tokens, .. } = messages[1] else { panic!("another event") };
    assert_eq!((text.as_str(), *calls, tokens.unwrap().input, tokens.unwrap().cache_read), ("", 2, 200, 100));
    let heard: Vec<_> = ended.events.iter().filter(|event| matches!(event, Event::Reasoning { .. })).collect();
    assert_eq!(heard, [&Event::Reasoning { delta: "I should look first.".into() }]);
}

#[tokio::test]
async fn a_session_goes_on_where_it_was_and_names_no_call_twice() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "read", args = { path = "add.rs" } }]
        [[turn]]
        text = "read"
        [[turn]]
        calls = [{ tool = "list" }]
        [[turn]]
        text = "listed"
    "#;
    let Ended { session, heard, .. } = stage.played("plan", Attended, script).await;
    let again = crate::stage::Play::of(session, heard, said("and list")).end().await;
    assert_eq!(again.how(), (Status::Done, None));
    assert!(again.result_of("c2").1.contains("add.rs"));
    drop(again);
    let third = stage.played_on(&format!("{script}\n[[turn]]\ntext = \"third\""), said("and again")).await;
    assert_eq!((third.how(), third.session.turn().last_text()), ((Status::Done, None), "third"));
    stage.check_record(&third.session).await;
}

#[tokio::test]
async fn a_session_that_is_taken_up_with_other_limits_has_lost_nothing() {
    let mut stage = Stage::new().await;
    let script = r#"
        after = "end"
        [[turn]]
        calls = [{ tool = "read", args = { path = "add.rs" } }]
        usage = { input = 1000, output = 1 }
        repeat = 6
        [[turn]]
        text = "done"
        [[turn]]
        calls = [{ tool = "list" }]
        repeat = 6
    "#;
    let first = stage.played("plan", Attended, script).await;
    let before = first.session.turn().messages().to_vec();
    assert_eq!((first.how(), before.len()), ((Status::Done, None), 14));
    drop(first);
    stage.setup.limits = Limits { requests: 2, repeats: 3, context_tokens: Some(10) };
    let (session, _) = stage.resumed(script).await.unwrap();
    assert_eq!((session.turn().messages(), session.turn().limits()), (&before[..], stage.setup.limits));
    drop(session);
    stage.setup.limits.context_tokens = None;
    let second = stage.played_on(script, said("on")).await;
    let limit = "the model was asked 2 times in this turn, which is its limit";
    assert_eq!(second.how(), (Status::Failed, Some(limit)));
    assert!(second.result_of("c7").0, "its calls have names that were never used");
    stage.check_record(&second.session).await;
}

#[tokio::test]
async fn limits_are_recorded_only_when_they_change() {
    let stage = Stage::new().await;
    let limited = |records: &[Record]| records.iter().filter(|record| record.body.contains("\"limited\"")).count();
    let ended = stage.played("plan", Attended, "[[turn]]\ntext = \"hello\"").await;
    drop(ended);
    assert_eq!(limited(&stage.records().await), 1);
    drop(stage.resumed("").await.unwrap());
    assert_eq!(limited(&stage.records().await), 1);
}

#[tokio::test]
async fn a_turn_ends_when_the_model_was_asked_often_enough() {
    let mut stage = Stage::new().await;
    stage.setup.limits.requests = 3;
    let script = r#"
        [[turn]]
        calls = [{ tool = "list" }]
        repeat = 9
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Failed, Some("the model was asked 3 times in this turn, which is its limit")));
    assert_eq!(ended.session.turn().requests(), 3);
    stage.check_record(&ended.session).await;
    // It may be asked as often again when a person says so.
    let Ended { session, heard, .. } = ended;
    let on = crate::stage::Play::of(session, heard, TurnEvent::GoOn).end().await;
    assert_eq!((on.session.turn().requests(), on.result_of("c6").0), (3, true));
    assert!(!order(&on.events).iter().any(|line| line.starts_with("prompt")), "nobody said anything");
}

fn decided(records: &mut [Record]) -> &mut Record {
    let is_it = |record: &&mut Record| record.kind == RECORD_KIND && record.body.contains("\"decided\"");
    records.iter_mut().find(is_it).unwrap()
}

#[tokio::test]
async fn a_record_whose_decision_was_altered_does_not_follow() {
    let stage = Stage::new().await;
    drop(mended(&stage).await);
    let records = stage.records().await;
    record::check(&records).unwrap();
    for (was, becomes, says) in [
        (r#""mode":"yolo:5.00""#, r#""mode":"yolo:uncapped""#, "yolo:uncapped"),
        (r#""funds":["0.00","0.00"]"#, r#""funds":["1.00","0.00"]"#, "1.00"),
    ] {
        let mut altered = records.clone();
        let decision = decided(&mut altered);
        assert!(decision.body.contains(was), "{}", decision.body);
        decision.body = decision.body.replace(was, becomes);
        let seq = decision.seq;
        let why = record::check(&altered).unwrap_err();
        assert!(matches!(why, RecordError::DoesNotFollow { seq: at, .. } if at == seq), "{why}");
        assert!(why.to_string().contains(says), "{why}");
    }
}

#[tokio::test]
async fn a_record_with_a_hold_that_was_altered_does_not_follow() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "1");
    let script = r#"
        [[turn]]
        calls = [{ tool = "mcp:stage/note", args = { line = "a" } }, { tool = "mcp:stage/note", args = { line = "b" } }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    stage.check_record(&ended.session).await;
    let mut records = stage.records().await;
    let decision = decided(&mut records);
    assert!(decision.body.contains("held budget 1.00"), "{}", decision.body);
    decision.body = decision.body.replace("held budget 1.00", "held past-cap 1.00");
    let why = record::check(&records).unwrap_err();
    assert!(matches!(why, RecordError::DoesNotFollow { .. }), "{why}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_damaged_and_one_without_authority_is_empty() {
    let stage = Stage::new().await;
    drop(mended(&stage).await);
    let records = stage.records().await;
    let limits = Limits::default();

    let mut unreadable = records.clone();
    decided(&mut unreadable).body = "{".into();
    assert!(matches!(record::check(&unreadable), Err(RecordError::Gate(_))));
    assert!(matches!(record::replay(&unreadable, limits), Err(RecordError::Gate(_))));

    let mut garbled = records.clone();
    let turn = garbled.iter_mut().find(|record| record.kind == record::TURN_KIND).unwrap();
    turn.body = "{}".into();
    let seq = turn.seq;
    assert!(matches!(record::replay(&garbled, limits), Err(RecordError::Turn { seq: at, .. }) if at == seq));

    let mut twice = records.clone();
    let started = decided(&mut twice).clone();
    twice.push(started);
    assert!(record::check(&twice).is_err(), "a call that starts twice cannot be");

    let without: Vec<Record> = records.iter().filter(|record| !record.body.contains("\"opened\"")).cloned().collect();
    assert!(matches!(record::check(&without), Err(RecordError::Empty)));
    assert!(matches!(record::check(&[]), Err(RecordError::Empty)));
    assert!(matches!(record::replay(&[], limits), Err(RecordError::Empty)));
}

#[tokio::test]
async fn a_record_longer_than_a_page_is_read_to_its_end() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Unattended, "[[turn]]\ntext = \"hello\"").await;
    drop(ended);
    let mut log = stage.journal.resume(&stage.id).await.unwrap();
    let draft = journal::Draft { at_ms: 0, kind: "other", body: "{}" };
    log.append(&vec![draft; 10_500], journal::Durability::Committed).await.unwrap();
    let head = log.head().seq;
    drop(log);
    let records = stage.records().await;
    assert!(records.iter().map(|record| record.seq).eq(1..=head), "each record once, in order");
    let (session, _) = stage.resumed("").await.unwrap();
    check_conversation(session.turn().messages());
}
