//! Sessions where nobody can be asked.

use crate::stage::{Ended, Play, Stage, Unattended, order, said};
use wire::{Event, Status};

#[tokio::test]
async fn what_would_ask_is_refused_with_its_reason_and_listed_at_the_end() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "0.30");
    let script = r#"
        [[turn]]
        calls = [
            { tool = "write", args = { path = "a", content = "x" } },
            { tool = "mcp:stage/note", args = { line = "paid" } },
            { tool = "read", args = { path = "/etc/hostname" } },
            { tool = "list" },
        ]
        [[turn]]
        expect = ["it changes something, and nobody is there to ask"]
        text = "done"
    "#;
    let ended = stage.played("agent", Unattended, script).await;
    assert_eq!((ended.how(), ended.questions()), ((Status::Done, None), 0));
    let Event::End { refused, prompts, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else {
        panic!("another event")
    };
    let listed: Vec<_> = refused.iter().map(|refused| (&*refused.call, &*refused.price, &*refused.reason)).collect();
    assert_eq!(
        listed,
        [
            ("c1", "free", "it changes something"),
            ("c2", "$0.30", "it costs money"),
            ("c3", "free", "it looks beyond the workspace"),
        ]
    );
    assert!(refused[0].summary.contains('a'), "{}", refused[0].summary);
    assert_eq!((prompts, ended.session.refused().len()), (0, 3));
    assert!(ended.result_of("c1").1.starts_with("refused: it changes something"));
    assert!(ended.result_of("c4").0, "the run goes on");
    assert_eq!((stage.text("a"), stage.text("notes")), (String::new(), String::new()));
    let decided = [("refuse".to_owned(), "nobody to ask".to_owned())];
    assert_eq!((ended.decisions("c1"), ended.decisions("c2")), (decided.to_vec(), decided.to_vec()));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn what_was_refused_in_one_run_is_not_listed_at_the_end_of_the_next() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
        [[turn]]
        text = "done"
        [[turn]]
        text = "hello"
    "#;
    let Ended { session, heard, .. } = stage.played("agent", Unattended, script).await;
    assert_eq!(session.refused().len(), 1);
    let ended = Play::of(session, heard, said("hello")).end().await;
    assert_eq!((ended.how(), ended.session.refused().len()), ((Status::Done, None), 0));
}

#[tokio::test]
async fn what_the_mode_refuses_is_not_listed_as_refused_for_want_of_a_person() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!(ended.result_of("c1"), (false, "refused: Plan executes and changes nothing"));
    assert!(ended.session.refused().is_empty());
    assert_eq!(ended.decisions("c1"), [("refuse".to_owned(), "mode".to_owned())]);
}

#[tokio::test]
async fn a_question_of_the_models_is_recorded_and_answered_at_once() {
    let stage = Stage::new().await;
    let script = r#"
        [[turn]]
        calls = [
            { tool = "request_user_input", args = { question = "which one?\nreally?" } },
            { tool = "propose_plan", args = { steps = [{ text = "look" }] } },
        ]
        [[turn]]
        expect = ["nobody is here; decide yourself or stop"]
        text = "done"
    "#;
    let ended = stage.played("plan", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert!(ended.result_of("c1").0 && ended.result_of("c2").0, "that is no refusal");
    assert_eq!((ended.questions(), ended.session.refused().len()), (0, 0));
    assert_eq!(order(&ended.events)[4..7], ["call c1 request_user_input", "decision c1 deliver", "result c1 done"]);
    let asked = ended.events.iter().find(|event| matches!(event, Event::Call { .. }));
    let Some(Event::Call { summary, effect, price, .. }) = asked else { panic!("no call") };
    assert_eq!((summary.as_str(), effect, price), ("which one?", &None, &None));
    stage.check_record(&ended.session).await;
}
