//! Crashes, at each write of the record and after each event: nothing acknowledged is lost, no hold is forgotten, and no tool
//! runs twice.
//!
//! Not here: crashes inside a write (those are in `journal`).

use crate::stage::{Attended, Stage, Unattended, check_conversation};
use gate::Answer;
use ledger::Stage as Held;
use std::collections::BTreeMap;
use turn::TurnEvent;
use turn::chat::Message;
use wire::{Event, Status};

/// Paid calls and free ones, reads that overlap, what is refused, and what makes no sense.
const SCRIPT: &str = r#"
after = "end"
[[turn]]
text = "First."
calls = [
    { tool = "list" },
    { tool = "mcp:stage/meet", args = { with = 1 } },
    { tool = "mcp:stage/note", args = { line = "c3" } },
    { tool = "shell", args = { command = "echo c4 >> notes; echo wrote" } },
]
[[turn]]
text = "Then."
calls = [
    { tool = "raed" },
    { tool = "mcp:stage/note", args = { line = "c6" } },
    { tool = "mcp:stage/note", args = { line = "c7" } },
]
[[turn]]
text = "Done."
"#;

async fn stage() -> Stage {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "2");
    stage.charge("0.01", "0.01");
    stage
}

/// Checks what is left of a session after a crash in which all this was heard; it has been taken up again.
fn check_what_is_left(stage: &Stage, session: &engine::Session, heard: &[Event]) {
    let (state, messages) = (session.state(), session.turn().messages());
    check_conversation(messages);
    assert!(session.turn().is_idle());
    let results: BTreeMap<&str, &str> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Tool { call, text, .. } => Some((call.as_str(), text.as_str())),
            Message::User { .. } | Message::Assistant(_) => None,
        })
        .collect();
    for event in heard {
        match event {
            Event::Prompt { text } => {
                assert!(messages.contains(&Message::User { text: text.clone() }), "`{text}` was acknowledged");
            }
            Event::Message { text, .. } => {
                let is_it = |message: &Message| matches!(message, Message::Assistant(reply) if reply.text == *text);
                assert!(messages.iter().any(is_it), "`{text}` was acknowledged");
            }
            Event::Result { call, text, .. } => assert_eq!(results.get(call.as_str()), Some(&text.as_str())),
            Event::Decision { call, outcome, .. } if outcome == "run" => {
                assert!(state.started.iter().any(|started| started.as_str() == call), "{call} was let run");
            }
            _ => {}
        }
    }
    assert!(state.running.is_empty());
    for (call, text) in &results {
        let started = state.started.iter().any(|started| started.as_str() == *call);
        assert!(started || !text.starts_with("unknown"), "{call}: {text}");
        assert!(!started || !text.starts_with("not run"), "{call}: {text}");
    }
    for (call, line) in state.book.lines() {
        assert!(!matches!(line.stage, Held::Held), "the hold of {call} has neither ended nor been left open");
        let is_open = matches!(line.stage, Held::Open(_));
        let is_unknown = results.get(call).is_some_and(|text| text.starts_with("unknown"));
        assert_eq!(is_open, is_unknown, "{call}: {line:?}, {:?}", results.get(call));
    }
    for line in stage.text("notes").lines() {
        assert!(state.started.iter().any(|started| started.as_str() == line), "{line} ran and is not on record");
    }
}

/// Takes the session up after a crash, checks what is left, and plays it to its end.
async fn check_recovery(stage: &Stage, heard: &[Event]) {
    let (session, events) = stage.resumed(SCRIPT).await.unwrap();
    check_what_is_left(stage, &session, heard);
    stage.check_record(&session).await;
    let ended = crate::stage::Play::of(session, events, TurnEvent::GoOn).end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    stage.check_record(&ended.session).await;
    let mut lines: Vec<String> = stage.text("notes").lines().map(str::to_owned).collect();
    let all = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!(all, lines.len(), "a tool ran twice: {lines:?}");
    drop(ended);
    // Taking up what has ended adds nothing.
    let records = stage.records().await.len();
    drop(stage.resumed(SCRIPT).await.unwrap());
    assert_eq!(stage.records().await.len(), records);
}

fn begin(stage: &mut Stage, crash: usize) {
    stage.id = format!("s{crash}").parse().unwrap();
    let _ = std::fs::remove_file(stage.path("notes"));
}

#[tokio::test]
async fn a_crash_at_any_write_of_the_record_loses_nothing_and_repeats_nothing() {
    let mut stage = stage().await;
    let mut crashes = 0;
    // The first two records are the session's beginning; without them there is none.
    for at in 3.. {
        begin(&mut stage, at);
        stage.refuse_records(&format!("NEW.session = '{}' AND NEW.seq >= {at}", stage.id)).await;
        let ended = stage.played("yolo:5", Unattended, SCRIPT).await;
        stage.mend().await;
        if ended.result.is_ok() {
            assert_eq!(stage.text("notes"), "c3\nc4\nc6\n", "without a crash, the last does not fit");
            break;
        }
        crashes += 1;
        let events = ended.events.clone();
        drop(ended);
        check_recovery(&stage, &events).await;
    }
    assert!(crashes > 20, "only {crashes} writes");
}

#[tokio::test]
async fn a_crash_after_any_event_loses_nothing_and_repeats_nothing() {
    let mut stage = stage().await;
    for after in 1.. {
        begin(&mut stage, after);
        let mut play = stage.play("yolo:5", Unattended, SCRIPT).await;
        let heard = play.first(after).await;
        if heard < after {
            assert!(after > 30, "only {heard} events");
            break;
        }
        let events = play.cut_off().await;
        check_recovery(&stage, &events).await;
    }
}

#[tokio::test]
async fn a_recovery_that_crashes_itself_is_recovered_from() {
    let mut stage = stage().await;
    let gate = crate::stage::pipe(&stage, "gate");
    let script = SCRIPT.replace("echo c4 >> notes; echo wrote", "echo up; read line < gate");
    for at in 0.. {
        begin(&mut stage, at);
        let mut play = stage.play("yolo:5", Unattended, &script).await;
        play.progress("c4").await;
        let events = play.cut_off().await;
        let records = stage.records().await.len();
        stage.refuse_records(&format!("NEW.session = '{}' AND NEW.seq > {}", stage.id, records + at)).await;
        let crashed = stage.resumed(&script).await.is_err();
        stage.mend().await;
        let (session, _) = stage.resumed(&script).await.unwrap();
        let unknown = |message: &Message| match message {
            Message::Tool { call, text, .. } => call == "c4" && text.starts_with("unknown: the process ended while"),
            Message::User { .. } | Message::Assistant(_) => false,
        };
        assert!(session.turn().messages().iter().any(unknown), "the call that ran is reported");
        check_what_is_left(&stage, &session, &events);
        stage.check_record(&session).await;
        if !crashed {
            assert!(at >= 3, "a recovery writes that the call and the turn have ended");
            break;
        }
    }
    std::fs::remove_file(gate).unwrap();
}

#[tokio::test]
async fn a_call_that_was_being_asked_about_is_not_run_after_a_crash() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }, { tool = "list" }]
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    play.cut_off().await;
    let ended = stage.played_on(script, TurnEvent::GoOn).await;
    for call in ["c1", "c2"] {
        assert_eq!(ended.result_of(call), (false, "not run: the process ended before it"));
    }
    assert_eq!((ended.how(), stage.text("a").as_str(), ended.questions()), ((Status::Done, None), "", 0));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn an_answer_that_was_given_before_a_crash_allows_nothing_after_it() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
        repeat = 2
        [[turn]]
        text = "done"
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    stage.refuse_records(r#"NEW.body LIKE '%"outcome":"run"%'"#).await;
    play.answer("c1", Answer::Once).await;
    let ended = play.end().await;
    assert!(ended.result.is_err() && stage.text("a").is_empty());
    drop(ended);
    stage.mend().await;
    let (session, heard) = stage.resumed(script).await.unwrap();
    let mut play = crate::stage::Play::of(session, heard, TurnEvent::GoOn);
    play.question("c2").await;
    play.answer("c2", Answer::No).await;
    let ended = play.end().await;
    assert_eq!((ended.result_of("c1").0, ended.result_of("c2").0, stage.text("a").as_str()), (false, false, ""));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_mode_that_was_acknowledged_is_the_mode_after_a_crash() {
    let stage = Stage::new().await;
    let script = "[[turn]]\ntext = \"never\"\ndelay_ms = 3600000";
    let play = stage.play("plan", Attended, script).await;
    play.set_mode("yolo:3").await;
    play.cut_off().await;
    let (session, _) = stage.resumed(script).await.unwrap();
    assert_eq!(session.state().mode.to_string(), "yolo:3.00");
    assert!(session.turn().is_idle());
}
