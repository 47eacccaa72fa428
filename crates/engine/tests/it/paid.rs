//! What costs money: the cap, holds, and what becomes of them.

use crate::jobs::{Jobs, jobs};
use crate::stage::{Attended, Stage, Unattended};
use gate::Answer;
use policy::Purse;
use serde_json::json;
use wire::{Event, Status};

#[tokio::test]
async fn of_two_jobs_that_fit_alone_but_not_together_exactly_one_runs() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    let ended = stage.played("yolo:1.50", Unattended, &jobs(2)).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!(api.launches().await, 1);
    assert!(ended.result_of("c1").0, "{}", ended.result_of("c1").1);
    assert!(ended.result_of("c2").1.contains("more than is left of the cap"), "{}", ended.result_of("c2").1);
    assert_eq!(ended.decisions("c2"), [("refuse".to_owned(), "nobody to ask".to_owned())]);
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.quoted.to_string(), sums.open.to_string()), ("1.00".into(), "1.00".into()));
    let Event::End { refused, spend, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else {
        panic!("another event")
    };
    assert_eq!((spend.left.as_deref(), spend.budget.open.as_str()), (Some("0.50"), "1.00"));
    assert_eq!((refused.len(), refused[0].call.as_str(), refused[0].price.as_str()), (1, "c2", "$1.00"));
    assert_eq!(refused[0].reason, "it costs more than is left of the cap");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_job_past_the_cap_is_asked_about_and_booked_apart() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    let mut play = stage.play("yolo:1.50", Attended, &jobs(2)).await;
    let Event::Question { price, why, offered, chip, .. } = play.question("c2").await else { panic!("another event") };
    assert_eq!((price.as_deref(), chip.as_str()), (Some("$1.00"), "YOLO $0.50 of $1.50"));
    assert_eq!(why.as_deref(), Some("it costs more than is left of the cap"));
    assert!(offered.is_empty(), "no yes for the session covers what costs money");
    play.answer("c2", Answer::Once).await;
    let ended = play.end().await;
    assert_eq!(api.launches().await, 2);
    let asked = [("ask".to_owned(), "cap".to_owned()), ("run".to_owned(), "person".to_owned())];
    assert_eq!(ended.decisions("c2"), asked);
    let Event::End { spend, prompts, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else {
        panic!("another event")
    };
    assert_eq!((spend.left.as_deref(), spend.past_cap.open.as_str(), prompts), (Some("0.50"), "1.00", 1));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_job_that_was_not_started_frees_its_hold_for_the_next() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    api.inject(json!({ "kind": "payment_required", "on": "launch" })).await;
    let ended = stage.played("yolo:1.50", Unattended, &jobs(2)).await;
    assert!(!ended.result_of("c1").0 && ended.result_of("c2").0, "{:?}", ended.result_of("c2"));
    assert_eq!(api.launches().await, 1);
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.held.to_string(), sums.open.to_string()), ("0.00".into(), "1.00".into()));
}

#[tokio::test]
async fn what_has_no_bound_is_shown_beside_the_sums() {
    let mut stage = Stage::new().await;
    let _api = Jobs::for_stage(&mut stage).await;
    let schedule = r#"
        [[turn]]
        calls = [{ tool = "hf_jobs", args = { operation = "scheduled run", schedule = "@hourly", flavor = "cpu-basic", timeout = "1m", command = ["true"] } }]
        [[turn]]
        text = "done"
    "#;
    let ended = stage.played("yolo:uncapped", Unattended, schedule).await;
    assert!(ended.result_of("c1").0, "{}", ended.result_of("c1").1);
    assert_eq!(engine::bill::chip(ended.session.state().mode, ended.session.state()), "YOLO uncapped + 1 unbounded");
    let spend = ended.session.spend();
    assert_eq!((spend.cap, spend.left, spend.budget.unbounded), (None, None, 1));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_price_of_the_persons_own_is_held_and_settled() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "0.40");
    let note = r#"{ tool = "mcp:stage/note", args = { line = "once" } }"#;
    let script = format!("[[turn]]\ncalls = [{note}, {note}, {note}]\n[[turn]]\ntext = \"done\"");
    let ended = stage.played("yolo:1", Unattended, &script).await;
    assert_eq!(stage.text("notes"), "once\nonce\n", "the third does not fit");
    assert!(!ended.result_of("c3").0);
    let spend = ended.session.spend();
    assert_eq!((spend.budget.settled.as_str(), spend.left.as_deref()), ("0.80", Some("0.20")));
    assert_eq!((spend.budget.quoted.as_str(), spend.budget.held.as_str()), ("0.80", "0.00"));
    assert_eq!((spend.budget.overrun.as_str(), spend.metered.quoted.as_str()), ("0.00", "0.00"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn money_spent_in_agent_is_metered_and_never_eats_the_cap() {
    let mut stage = Stage::with_server().await;
    stage.price("mcp:stage/note", "1");
    let note = r#"{ tool = "mcp:stage/note", args = { line = "once" } }"#;
    let script = format!("[[turn]]\ncalls = [{note}, {note}]\n[[turn]]\ntext = \"done\"");
    let mut play = stage.play("agent", Attended, &script).await;
    play.question("c1").await;
    play.answer("c1", Answer::Once).await;
    play.question("c2").await;
    play.set_mode("yolo:1").await;
    let ended = play.end().await;
    assert_eq!(stage.text("notes"), "once\nonce\n");
    let spend = ended.session.spend();
    assert_eq!((spend.metered.settled.as_str(), spend.budget.settled.as_str()), ("1.00", "1.00"));
    assert_eq!(spend.left.as_deref(), Some("0.00"));
}
