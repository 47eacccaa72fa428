//! A context that fills: summed up, or said to be full.

use crate::stage::{Ended, Play, Stage, Unattended, order, said};
use engine::SessionCommand;
use turn::chat::Message;
use wire::{Event, Status};

const LISTING: &str = r#"
[[turn]]
calls = [{ tool = "list" }]
usage = { input = 1000, output = 1 }
repeat = 6
[[turn]]
text = "That was all."
usage = { input = 10, output = 1 }
"#;

fn first_words(ended: &Ended) -> &str {
    match &ended.session.turn().messages()[0] {
        Message::User { text } => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_context_that_is_nearly_full_is_summed_up_and_the_record_keeps_it_all() {
    let mut stage = Stage::new().await;
    stage.setup.limits.context_tokens = Some(500);
    let script = format!("[[turn]]\nwhen = \"Sum up\"\ntext = \"We listed. {{position}}\"\n{LISTING}");
    let ended = stage.played("plan", Unattended, &script).await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "That was all."));
    assert!(first_words(&ended).contains("We listed."), "{}", first_words(&ended));
    assert!(!ended.notices().is_empty() && ended.notices()[0].contains("to make room"));
    assert!(ended.session.turn().messages().len() < 13);
    let replies = stage.records().await.iter().filter(|record| record.body.contains("\"replied\"")).count();
    assert_eq!(replies, 7, "the record keeps what was summed up");
    stage.check_record(&ended.session).await;
    drop(ended);
    let script = format!("{script}\n[[turn]]\nwhen = \"more\"\ntext = \"No more.\"");
    let again = stage.played_on(&script, said("more?")).await;
    assert_eq!((again.how(), again.session.turn().last_text()), ((Status::Done, None), "No more."));
    assert!(first_words(&again).contains("We listed."));
}

#[tokio::test]
async fn a_context_that_the_service_finds_too_long_is_summed_up() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        when = "Sum up"
        text = "We listed. {position}"
        [[turn]]
        error = { kind = "context too long", over_messages = 14 }
        calls = [{ tool = "list" }]
        repeat = 12
        [[turn]]
        text = "That was all."
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!((ended.how(), ended.session.turn().last_text()), ((Status::Done, None), "That was all."));
    assert!(first_words(&ended).contains("We listed."));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_context_that_cannot_be_made_smaller_ends_the_turn() {
    let stage = Stage::new().await;
    let script = "[[turn]]\nerror = { kind = \"context too long\" }\n[[turn]]\nwhen = \"shorter\"\ntext = \"fine\"";
    let ended = stage.played("plan", Unattended, script).await;
    let full = "the model's context is full and could not be made smaller";
    assert_eq!(ended.how(), (Status::Failed, Some(full)));
    stage.check_record(&ended.session).await;
    let Ended { session, heard, .. } = ended;
    let again = Play::of(session, heard, said("shorter")).end().await;
    assert_eq!(again.how(), (Status::Done, None));
}

/// A script whose summary goes wrong like this.
fn summing_up(how: &str) -> String {
    format!(
        "[[turn]]\nwhen = \"Sum up\"\n{how}\n[[turn]]\nwhen = \"down\"\nerror = {{ kind = \"down\", times = 9 }}\n{LISTING}"
    )
}

#[tokio::test]
async fn a_model_that_gives_no_summary_has_failed() {
    let mut stage = Stage::new().await;
    stage.setup.limits.context_tokens = Some(500);
    let script = summing_up("text = \" \"");
    let authority = engine::Authority { mode: "plan".parse().unwrap(), attendance: Unattended, prohibitions: vec![] };
    let (session, heard) = stage.session(authority, &script).await;
    // A service that was away before says nothing of what goes wrong now.
    let away = Play::of(session, heard, said("down")).end().await;
    assert_eq!(away.how().0, Status::Unavailable);
    let Ended { session, heard, .. } = away;
    let ended = Play::of(session, heard, said("go")).end().await;
    assert_eq!(ended.how(), (Status::Failed, Some("the model gave no summary of the full context")));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_service_that_goes_away_while_it_sums_up_is_worth_trying_later() {
    let mut stage = Stage::new().await;
    stage.setup.limits.context_tokens = Some(500);
    let ended = stage.played("plan", Unattended, &summing_up("error = { kind = \"network\", times = 9 }")).await;
    assert_eq!(ended.how().0, Status::Unavailable);
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_stop_while_the_model_sums_up_changes_nothing() {
    let mut stage = Stage::new().await;
    stage.setup.limits.context_tokens = Some(500);
    let script = summing_up("delay_ms = 3600000");
    let mut play = stage.play("plan", Unattended, &script).await;
    play.until(|event| matches!(event, Event::Notice { .. })).await;
    play.tell(SessionCommand::Say("wait".into())).await;
    play.tell(SessionCommand::Stop).await;
    let ended = play.end().await;
    assert_eq!((ended.how().0, first_words(&ended)), (Status::Interrupted, "go"));
    assert_eq!(ended.session.turn().messages().last(), Some(&Message::User { text: "wait".into() }));
    assert_eq!(order(&ended.events).last().unwrap(), "prompt wait");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_person_has_it_summed_up_between_turns() {
    let stage = Stage::new().await;
    let script = format!("[[turn]]\nwhen = \"Sum up\"\ntext = \"We listed.\"\n{LISTING}");
    let ended = stage.played("plan", Unattended, &script).await;
    let before = ended.session.turn().messages().len();
    let (mut session, (commands, mut heard)) = (ended.session, tokio::sync::mpsc::channel(4));
    let (done, answered) = tokio::sync::oneshot::channel();
    commands.send(SessionCommand::SumUp { done }).await.unwrap();
    let wanted = session.listen(&mut heard).await.unwrap().unwrap();
    assert_eq!(wanted, turn::TurnEvent::SumUp);
    assert!(matches!(answered.await.unwrap(), wire::ControlReply::Status { .. }));
    let end = session.run(wanted, &mut heard).await.unwrap();
    assert_eq!(end.status, Status::Done);
    assert!(session.turn().messages().len() < before);
    assert_eq!(session.requests().count, 8, "the six calls, the words, and the summary");
    stage.check_record(&session).await;
}

#[tokio::test]
async fn what_is_short_is_not_summed_up_and_the_session_goes_on_waiting() {
    let stage = Stage::new().await;
    let ended = stage.played("plan", Unattended, "[[turn]]\ntext = \"Yes.\"").await;
    let (mut session, (commands, mut heard)) = (ended.session, tokio::sync::mpsc::channel(4));
    let (done, answered) = tokio::sync::oneshot::channel();
    commands.send(SessionCommand::SumUp { done }).await.unwrap();
    commands.send(SessionCommand::Say("and?".to_owned())).await.unwrap();
    assert_eq!(session.listen(&mut heard).await.unwrap(), Some(said("and?")));
    let wire::ControlReply::Refused { why } = answered.await.unwrap() else { panic!("it was summed up") };
    assert_eq!(why, "there is too little to sum up");
}
