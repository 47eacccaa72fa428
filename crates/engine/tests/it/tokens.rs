//! The tokens of the model: held before a request is sent, settled after it, and never past the cap.

use crate::stage::{Attended, MODEL, Play, Stage, Unattended, said};
use engine::{
    About, Authority, EngineError, Purpose, RequestOutcome, Session, SessionCommand, Surface, Tariff, record,
};
use ledger::Stage as Held;
use money::Usd;
use policy::Purse;
use std::sync::Arc;
use tokio::sync::mpsc;
use turn::TurnEvent;
use wire::{ControlReply, Status};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// A model that takes a dollar for a million tokens of input and ten for those of output.
async fn stage() -> Stage {
    let mut stage = Stage::new().await;
    stage.charge("1", "10");
    stage
}

/// Each of its three replies costs two tenths of a cent.
const STEPS: &str = r#"
    [[turn]]
    calls = [{ tool = "shell", args = { command = "echo once >> notes" } }]
    usage = { input = 1000, output = 100 }
    repeat = 2
    [[turn]]
    text = "done"
    usage = { input = 1000, output = 100 }
"#;

/// What was held for each request, with where that stands.
fn holds(session: &Session) -> Vec<(Usd, Held)> {
    let lines = session.state().book.lines().filter(|(name, _)| name.starts_with("request-"));
    lines.map(|(_, line)| (line.bound.unwrap(), line.stage.clone())).collect()
}

#[tokio::test]
async fn a_request_is_settled_at_what_its_tokens_cost() {
    for (mode, purse) in [("yolo:5", Purse::Budget), ("yolo:uncapped", Purse::Budget), ("plan", Purse::Metered)] {
        let stage = stage().await;
        let ended = stage.played(mode, Unattended, STEPS).await;
        assert_eq!(ended.how(), (Status::Done, None));
        let sums = ended.session.state().book.sums(purse);
        assert_eq!((sums.settled, sums.held, sums.open, sums.overrun), (usd("0.006"), Usd::ZERO, Usd::ZERO, Usd::ZERO));
        assert!(sums.quoted > usd("0.9"), "three answers of 32,000 tokens could have come: {}", sums.quoted);
        let requests = ended.session.requests();
        assert_eq!((requests.count, requests.unpriced, requests.usage.input), (3, 0, 3_000));
        assert_eq!(ended.session.spend().saved, "0.00");
        stage.check_record(&ended.session).await;
    }
}

#[tokio::test]
async fn what_the_cache_saved_is_said_and_not_spent() {
    let mut stage = Stage::new().await;
    stage.charge_with_cache("1", "0.1", "10");
    let script = "[[turn]]\ntext = \"done\"\nusage = { input = 1000, cache_read = 900, output = 100 }";
    let ended = stage.played("yolo:5", Unattended, script).await;
    // 100 at a dollar, 900 at a tenth of it, and 100 of output; all of the input at a dollar would be 0.00081 more.
    let spend = ended.session.spend();
    assert_eq!((spend.budget.settled.as_str(), spend.saved.as_str(), spend.requests), ("0.00119", "0.00081", 1));
}

#[tokio::test]
async fn the_limit_of_an_answer_is_lowered_to_what_the_cap_still_pays_for() {
    let stage = stage().await;
    let ended = stage.played("yolo:0.05", Unattended, STEPS).await;
    assert_eq!(ended.how(), (Status::Done, None), "a whole answer would not fit, a part of one does");
    for (at, (bound, _)) in holds(&ended.session).into_iter().enumerate() {
        let spent = usd("0.002").checked_mul(u64::try_from(at).unwrap()).unwrap();
        let left = usd("0.05").saturating_sub(spent);
        assert!(bound <= left, "{bound} is held of {left}");
        assert!(bound >= left.saturating_sub(usd("0.00001")), "{bound} leaves a token of {left} unused");
    }
}

#[tokio::test]
async fn at_the_cap_the_session_pauses_and_goes_on_under_a_higher_one_buying_nothing_twice() {
    let mut stage = stage().await;
    stage.setup.limits.repeats = 100;
    let script = STEPS.replace("repeat = 2", "repeat = 40");
    let ended = stage.played("yolo:0.05", Unattended, &script).await;
    let (status, reason) = ended.how();
    assert_eq!(status, Status::CapReached);
    assert!(reason.unwrap().contains("of $0.05: what is left of the cap does not pay"), "{reason:?}");
    let (before, ran) = (ended.session.state().book.funds(), stage.text("notes").lines().count());
    assert!(before.spent <= usd("0.05") && before.held == Usd::ZERO, "{before:?}");
    assert!((10..40).contains(&ran), "{ran}");
    assert_eq!(usize::try_from(ended.session.requests().count).unwrap(), ran, "each step was bought once");
    stage.check_record(&ended.session).await;
    drop(ended);

    let (mut session, heard) = stage.resumed(&script).await.unwrap();
    session.set_mode(&crate::stage::person(), "yolo:1".parse().unwrap()).await.unwrap();
    let ended = Play::of(session, heard, TurnEvent::GoOn).end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!(stage.text("notes").lines().count(), 40, "each step ran once");
    assert_eq!(ended.session.requests().count, 41);
    assert_eq!(ended.session.state().book.funds().spent, usd("0.082"));
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_cap_of_nothing_pays_for_no_request() {
    let stage = stage().await;
    let ended = stage.played("yolo:0", Unattended, STEPS).await;
    assert_eq!((ended.how().0, ended.session.requests().count), (Status::CapReached, 0));
    let mut free = Stage::new().await;
    free.setup.max_output_tokens = Some(5);
    assert_eq!(free.played("yolo:0", Unattended, STEPS).await.how(), (Status::Done, None), "a free one costs nothing");
}

#[tokio::test]
async fn a_failed_attempt_is_released_when_nothing_began_and_else_counts_at_its_most() {
    for (fault, outcome) in [
        ("{ kind = \"rate limited\" }", RequestOutcome::Refused),
        ("{ kind = \"network\" }", RequestOutcome::Refused),
        ("{ kind = \"cut\" }", RequestOutcome::Lost),
    ] {
        let stage = stage().await;
        let script = format!("[[turn]]\ntext = \"done\"\nusage = {{ input = 1000, output = 100 }}\nerror = {fault}");
        let ended = stage.played("yolo:5", Unattended, &script).await;
        assert_eq!(ended.how(), (Status::Done, None), "{fault}");
        let [(bound, first), (_, second)] = &holds(&ended.session)[..] else { panic!("two attempts") };
        let expected = if outcome == RequestOutcome::Lost { Held::Settled(*bound) } else { Held::Released };
        assert_eq!((first, second), (&expected, &Held::Settled(usd("0.002"))), "{fault}");
        let records = stage.records().await;
        let requests = record::requests_of(&records).unwrap();
        assert_eq!(requests[0].1.outcome, outcome, "{fault}");
        assert_eq!((requests[1].1.outcome, requests[1].1.cost), (RequestOutcome::Answered, Some(usd("0.002"))));
        stage.check_record(&ended.session).await;
    }
}

#[tokio::test]
async fn each_attempt_has_to_fit_what_those_before_it_may_have_cost() {
    let stage = stage().await;
    let script = "[[turn]]\ntext = \"done\"\nerror = { kind = \"cut\", times = 5 }";
    let ended = stage.played("yolo:0.70", Unattended, script).await;
    assert_eq!(ended.how().0, Status::CapReached);
    let funds = ended.session.state().book.funds();
    assert!(funds.spent <= usd("0.70") && funds.held == Usd::ZERO, "{funds:?}");
    assert_eq!(ended.session.requests().count, 3, "the last one with what little was left");
}

#[tokio::test]
async fn an_answer_whose_tokens_nobody_counted_is_settled_at_its_most() {
    let stage = stage().await;
    let ended = stage.played("yolo:5", Unattended, "[[turn]]\ntext = \"done\"").await;
    let [(bound, held)] = &holds(&ended.session)[..] else { panic!("one request") };
    assert_eq!(held, &Held::Settled(*bound));
}

#[tokio::test]
async fn a_request_that_was_stopped_or_lost_in_a_crash_counts_at_its_most_and_is_made_again() {
    let silent = "[[turn]]\ntext = \"done\"\nusage = { input = 1000, output = 100 }\ndelay_ms = 3600000";
    for ends in ["stop", "crash"] {
        let stage = stage().await;
        let play = stage.play("yolo:5", Attended, silent).await;
        let held = |reply: ControlReply| match reply {
            ControlReply::Status { spend, .. } => spend.budget.held,
            other => panic!("{other:?}"),
        };
        while held(play.status().await) == "0.00" {}
        match ends {
            "stop" => {
                play.tell(SessionCommand::Stop).await;
                assert_eq!(play.end().await.how().0, Status::Interrupted);
            }
            _crash => drop(play.cut_off().await),
        }
        let (session, heard) = stage.resumed(&silent.replace("3600000", "0")).await.unwrap();
        let [(bound, held)] = &holds(&session)[..] else { panic!("one request") };
        assert_eq!(held, &Held::Settled(*bound), "{ends}");
        let spent = bound.checked_add(usd("0.002")).unwrap();
        let ended = Play::of(session, heard, said("again")).end().await;
        assert_eq!((ended.how(), ended.session.state().book.funds().spent), ((Status::Done, None), spent), "{ends}");
        stage.check_record(&ended.session).await;
    }
}

#[tokio::test]
async fn a_summary_is_a_request_like_every_other() {
    let mut stage = stage().await;
    stage.setup.limits.context_tokens = Some(500);
    let script = r#"
        [[turn]]
        when = "Sum up"
        text = "We listed. {position}"
        usage = { input = 3000, output = 300 }
        [[turn]]
        calls = [{ tool = "list" }]
        usage = { input = 1000, output = 100 }
        repeat = 6
        [[turn]]
        text = "done"
        usage = { input = 10, output = 1 }
    "#;
    let ended = stage.played("yolo:5", Unattended, script).await;
    assert_eq!(ended.how(), (Status::Done, None));
    let records = stage.records().await;
    let requests = record::requests_of(&records).unwrap();
    let summaries: Vec<_> = requests.iter().filter(|(_, request)| request.purpose == Purpose::Summary).collect();
    assert!(!summaries.is_empty() && summaries.iter().all(|(_, summary)| summary.cost == Some(usd("0.006"))));
    let all = requests.iter().fold(Usd::ZERO, |sum, (_, request)| sum.saturating_add(request.cost.unwrap()));
    assert_eq!(ended.session.state().book.funds().spent, all, "the requests are all that was spent");
    stage.check_record(&ended.session).await;
}

#[tokio::test]
async fn a_model_without_a_price_is_an_error_when_a_cap_is_picked() {
    let mut stage = Stage::new().await;
    stage.setup.tariff = Arc::new(Tariff::Unknown("nobody knows".to_owned()));
    let (events, _heard) = mpsc::unbounded_channel();
    let authority = Authority { mode: "yolo:5".parse().unwrap(), attendance: Unattended, prohibitions: Vec::new() };
    let about = About { workspace: "here".into(), model: MODEL.into(), title: "a test".into(), owner: None };
    let surface = Surface { default_cap: engine::DEFAULT_CAP, events: events.into() };
    let refused =
        Session::start(&stage.journal, (stage.id.clone(), about), authority, stage.setup.clone(), surface).await;
    let Err(EngineError::NoPrice { why, .. }) = refused else { panic!("a cap without a price") };
    assert_eq!(why, "nobody knows");
    assert!(stage.journal.session(&stage.id).await.is_err(), "nothing was begun");

    let script = r#"
        [[turn]]
        calls = [{ tool = "write", args = { path = "a", content = "x" } }]
        usage = { input = 7, output = 1 }
        [[turn]]
        text = "done"
        usage = { input = 9, output = 1 }
    "#;
    let mut play = stage.play("agent", Attended, script).await;
    play.question("c1").await;
    let ControlReply::Refused { why } = play.set_mode("yolo:5").await else { panic!("a cap without a price") };
    assert!(why.contains(MODEL) && why.contains("nobody knows"), "{why}");
    assert!(matches!(play.set_mode("yolo:uncapped").await, ControlReply::Status { .. }));
    let ended = play.end().await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!(ended.session.state().mode.to_string(), "yolo:uncapped");
    let requests = ended.session.requests();
    assert_eq!((requests.count, requests.unpriced, requests.usage.input), (2, 2, 16), "counted in tokens alone");
    assert_eq!(ended.session.state().book.lines().count(), 0);
}
