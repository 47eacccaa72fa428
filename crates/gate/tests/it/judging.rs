//! What the gate does about a verdict, and what stands on record afterwards.

use crate::rig::*;
use gate::{Admission, Answer, Ended, GateError, GateEvent, Metered, NotStarted, Note, Report, explain};
use ledger::Entry;
use money::Usd;
use policy::{Consent, Decider, Effect, Fit, Funds, Price, Purse, Reason, Verdict, Why};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn done() -> Report {
    Report::Done("ok".into())
}

#[tokio::test]
async fn a_decision_is_on_record_before_its_permit_is_there() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let permit = permit(gate.admit(id("c1"), paid("2")).await.unwrap());
    assert_eq!(permit.call(), &id("c1"));
    assert_eq!(permit.act(), &paid("2"));
    assert_eq!(permit.decided_by(), Decider::Mode);
    let records = rig.records("a").await;
    let GateEvent::Decided(decision) = serde_json::from_str(&records.last().unwrap().body).unwrap() else { panic!() };
    assert_eq!((decision.outcome.as_str(), decision.decided_by.as_str()), ("run", "mode"));
    assert_eq!(decision.hold, Some(Entry::Held(Purse::Budget, Some(usd("2")))));
    assert_eq!((decision.effect.as_str(), decision.price.as_str()), ("change", "$2.00"));
    assert_eq!(decision.funds, ("0.00".to_owned(), "0.00".to_owned()));
    assert_eq!(decision.mode, "yolo:5.00");
    assert_eq!(gate.state().book.funds(), Funds { spent: Usd::ZERO, held: usd("2") });
    let ended = gate.close(&id("c1"), Ended::Done(permit.settle(usd("1.5"), done())), no_notes).await.unwrap();
    assert_eq!(ended, done());
    assert_eq!(gate.state().book.funds(), Funds { spent: usd("1.5"), held: Usd::ZERO });
    assert!(gate.state().running.is_empty());
}

#[tokio::test]
async fn two_jobs_that_fit_alone_but_not_together_cannot_both_run() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", unattended("yolo:5")).await;
    let _first = permit(gate.admit(id("c1"), paid("3")).await.unwrap());
    let Admission::Refused(refusal) = gate.admit(id("c2"), paid("3")).await.unwrap() else { panic!() };
    assert_eq!(refusal.reason, Reason::NobodyToAsk(Why::OverCap));
    assert_eq!((refusal.call, refusal.price), (id("c2"), Price::AtMost(usd("3"))));
    assert_eq!(gate.state().book.funds().held, usd("3"));
}

#[tokio::test]
async fn an_answer_is_judged_under_the_mode_of_the_moment() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(question, call) = gate.admit(id("c1"), shell("rm x")).await.unwrap() else { panic!() };
    assert_eq!((question.why, question.action.shown.as_str()), (Why::Changes, "rm x"));
    gate.answer(&person(), &id("c1"), &call, Answer::Once).await.unwrap();
    gate.set_mode(&person(), mode("plan")).await.unwrap();
    let Admission::Refused(refusal) = gate.admit(id("c1"), call).await.unwrap() else { panic!() };
    assert_eq!(refusal.reason, Reason::PlanIsReadOnly);
}

#[tokio::test]
async fn a_mode_change_judges_an_open_question_again() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(_, call) = gate.admit(id("c1"), paid("1")).await.unwrap() else { panic!() };
    assert_eq!(gate.state().questions.len(), 1);
    gate.set_mode(&person(), mode("yolo:5")).await.unwrap();
    let _permit = permit(gate.admit(id("c1"), call).await.unwrap());
    assert!(gate.state().questions.is_empty());
    assert_eq!(gate.state().last_cap, Some(usd("5")));
    gate.set_mode(&person(), mode("agent")).await.unwrap();
    assert_eq!(gate.state().last_cap, Some(usd("5")), "leaving YOLO keeps its cap for `yolo` alone");
    let record = rig.records("a").await.pop().unwrap().body;
    assert_eq!(record, r#"{"event":"mode_set","mode":"agent","surface":"test"}"#, "who spoke where is on record");
    gate.set_mode(&person(), mode("yolo:uncapped")).await.unwrap();
    assert_eq!(gate.state().last_cap, Some(usd("5")));
}

#[tokio::test]
async fn an_answer_is_used_once() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(_, call) = gate.admit(id("c1"), shell("rm x")).await.unwrap() else { panic!() };
    gate.answer(&person(), &id("c1"), &call, Answer::Once).await.unwrap();
    let twice = gate.answer(&person(), &id("c1"), &call, Answer::Once).await;
    assert!(matches!(twice, Err(GateError::NoSuchQuestion(_))), "{twice:?}");
    let permit = permit(gate.admit(id("c1"), call).await.unwrap());
    assert_eq!(permit.decided_by(), Decider::Person);
    assert!(gate.state().answers.is_empty());
    assert_eq!(outcome(&gate.admit(id("c2"), shell("rm x")).await.unwrap()), "ask", "the next one asks again");
    let again = gate.admit(id("c1"), shell("rm x")).await;
    assert!(matches!(again, Err(GateError::Damaged(_))), "a call runs once: {again:?}");
}

#[tokio::test]
async fn what_runs_is_what_was_shown() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(_, call) = gate.admit(id("c1"), shell("rm x")).await.unwrap() else { panic!() };
    gate.answer(&person(), &id("c1"), &call, Answer::Once).await.unwrap();
    let before = rig.records("a").await.len();
    let other = gate.admit(id("c1"), shell("rm y")).await;
    assert!(matches!(other, Err(GateError::NotWhatWasShown(_))), "{other:?}");
    assert_eq!(rig.records("a").await.len(), before);
    let _permit = permit(gate.admit(id("c1"), call).await.unwrap());
}

#[tokio::test]
async fn an_edited_call_is_what_runs_and_what_the_record_shows() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(..) = gate.admit(id("c1"), shell("rm -rf /")).await.unwrap() else { panic!() };
    gate.answer(&person(), &id("c1"), &shell("rm x"), Answer::Once).await.unwrap();
    let permit = permit(gate.admit(id("c1"), shell("rm x")).await.unwrap());
    assert_eq!(permit.act(), &shell("rm x"));
}

#[tokio::test]
async fn a_yes_for_the_session_lasts_until_it_is_revoked_or_the_mode_changes() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(question, call) = gate.admit(id("c1"), shell("cargo test")).await.unwrap() else { panic!() };
    assert_eq!(question.offered.len(), 1);
    gate.answer(&person(), &id("c1"), &call, Answer::ForSession).await.unwrap();
    let _first = permit(gate.admit(id("c1"), call).await.unwrap());
    let _second = permit(gate.admit(id("c2"), shell("cargo test --lib")).await.unwrap());
    let verdict = explain(gate.state(), &shell("cargo test").0);
    assert_eq!((verdict.outcome(), verdict.decided_by()), ("run", Decider::Person));
    gate.revoke(&person(), question.offered[0].clone()).await.unwrap();
    assert_eq!(outcome(&gate.admit(id("c3"), shell("cargo test")).await.unwrap()), "ask");
    gate.answer(&person(), &id("c3"), &shell("cargo test"), Answer::ForSession).await.unwrap();
    gate.set_mode(&person(), mode("agent")).await.unwrap();
    assert_eq!(outcome(&gate.admit(id("c3"), shell("cargo test")).await.unwrap()), "ask");
    assert!(matches!(explain(gate.state(), &shell("cargo test").0), Verdict::Ask(Why::Changes)));
}

#[tokio::test]
async fn what_costs_money_can_only_be_allowed_once() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(question, call) = gate.admit(id("c1"), paid("1")).await.unwrap() else { panic!() };
    assert!(question.offered.is_empty());
    let refused = gate.answer(&person(), &id("c1"), &call, Answer::ForSession).await;
    assert!(matches!(refused, Err(GateError::OnceOnly(_))), "{refused:?}");
    assert_eq!(gate.state().questions.len(), 1, "the question stays open");
}

#[tokio::test]
async fn a_no_refuses_and_is_the_persons() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    let Admission::Ask(_, call) = gate.admit(id("c1"), paid("1")).await.unwrap() else { panic!() };
    gate.answer(&person(), &id("c1"), &call, Answer::No).await.unwrap();
    let Admission::Refused(refusal) = gate.admit(id("c1"), call).await.unwrap() else { panic!() };
    assert_eq!(refusal.reason, Reason::PersonSaidNo);
    assert_eq!(gate.state().book.funds(), Funds::default());
}

#[tokio::test]
async fn what_a_person_allowed_past_the_cap_is_spent_past_it() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let Admission::Ask(question, call) = gate.admit(id("c1"), paid("10")).await.unwrap() else { panic!() };
    assert_eq!(question.why, Why::OverCap);
    gate.answer(&person(), &id("c1"), &call, Answer::Once).await.unwrap();
    let permit = permit(gate.admit(id("c1"), call).await.unwrap());
    gate.close(&id("c1"), Ended::Done(permit.finish(done())), no_notes).await.unwrap();
    assert_eq!(gate.state().book.funds(), Funds::default(), "what was left stays left");
    assert_eq!(gate.state().book.sums(Purse::PastCap).settled, usd("10"));
}

#[tokio::test]
async fn each_ending_does_what_it_says_to_the_hold() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:uncapped")).await;
    let held = |gate: &gate::Gate| gate.state().book.sums(Purse::Budget);
    let one = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    gate.close(&id("c1"), Ended::Done(one.release(NotStarted::because("refused by the service"))), no_notes)
        .await
        .unwrap();
    assert_eq!((held(&gate).held, held(&gate).settled), (Usd::ZERO, Usd::ZERO));
    let two = permit(gate.admit(id("c2"), paid("1")).await.unwrap());
    gate.close(&id("c2"), Ended::Done(two.leave_open("job 7", done())), no_notes).await.unwrap();
    assert_eq!((held(&gate).open, held(&gate).held), (usd("1"), Usd::ZERO));
    gate.post("c2", Entry::Settled(usd("0.4")), Vec::new()).await.unwrap();
    assert_eq!((held(&gate).open, held(&gate).settled), (Usd::ZERO, usd("0.4")));
    let unbounded = toy(Effect::Change, Price::Unbounded("a schedule".into()));
    let three = permit(gate.admit(id("c3"), unbounded).await.unwrap());
    gate.close(&id("c3"), Ended::Done(three.finish(done())), no_notes).await.unwrap();
    assert_eq!(held(&gate).unbounded, 1, "what it started goes on");
    let free = permit(gate.admit(id("c4"), toy(Effect::Read, Price::Free)).await.unwrap());
    gate.close(&id("c4"), Ended::Done(free.leave_open("nothing", done())), no_notes).await.unwrap();
    let five = permit(gate.admit(id("c5"), toy(Effect::Read, Price::Free)).await.unwrap());
    let report = gate.close(&id("c5"), Ended::Done(five.release(NotStarted::because("no"))), no_notes).await.unwrap();
    assert_eq!(report, Report::Failed("no".into()));
    let six = permit(gate.admit(id("c6"), toy(Effect::Read, Price::Free)).await.unwrap());
    gate.close(&id("c6"), Ended::Done(six.settle(Usd::ZERO, done())), no_notes).await.unwrap();
    assert_eq!(gate.state().book.lines().count(), 3, "free calls have no line");
}

#[test]
#[should_panic(expected = "a free call cannot cost anything")]
fn a_free_call_cannot_cost_anything() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let rig = Rig::new().await;
        let mut gate = rig.open("a", attended("agent")).await;
        let free = permit(gate.admit(id("c1"), toy(Effect::Read, Price::Free)).await.unwrap());
        let _ = free.settle(usd("1"), done());
    });
}

#[tokio::test]
async fn after_a_crash_what_was_running_stays_held_and_nothing_runs_again() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let _lost = permit(gate.admit(id("c1"), paid("2")).await.unwrap());
    let _free = permit(gate.admit(id("c2"), toy(Effect::Change, Price::Free)).await.unwrap());
    drop(gate);
    let mut gate = rig.resume("a").await;
    assert_eq!(gate.recover().await.unwrap(), [id("c1"), id("c2")]);
    assert_eq!(gate.recover().await.unwrap(), []);
    assert_eq!(gate.state().book.sums(Purse::Budget).open, usd("2"));
    let again = gate.admit(id("c1"), paid("2")).await;
    assert!(matches!(again, Err(GateError::Damaged(_))), "{again:?}");
}

#[tokio::test]
async fn a_request_to_the_model_is_held_in_every_mode_and_fits_under_a_cap() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("plan")).await;
    let price = |text: &str| Price::AtMost(usd(text));
    assert_eq!(gate.meter(&Price::Free).await.unwrap(), Metered::Unheld);
    assert_eq!(gate.meter(&Price::Unknown("no price".into())).await.unwrap(), Metered::Unheld);
    assert_eq!(gate.meter(&price("9")).await.unwrap(), Metered::Held("request-1".into()));
    assert_eq!(gate.state().book.sums(Purse::Metered).held, usd("9"), "Plan meters and holds nothing against a cap");
    gate.set_mode(&person(), mode("yolo:5")).await.unwrap();
    assert_eq!(gate.meter(&price("3")).await.unwrap(), Metered::Held("request-2".into()));
    assert_eq!(gate.meter(&price("2.01")).await.unwrap(), Metered::Misfit(Fit::Over));
    assert_eq!(gate.meter(&Price::Unknown("no price".into())).await.unwrap(), Metered::Misfit(Fit::NoPrice));
    assert_eq!(gate.meter(&Price::Unbounded("no end".into())).await.unwrap(), Metered::Misfit(Fit::NoBound));
    gate.post("request-2", Entry::Settled(usd("0.5")), Vec::new()).await.unwrap();
    assert_eq!(gate.meter(&price("4.5")).await.unwrap(), Metered::Held("request-3".into()));
    assert_eq!(gate.state().book.funds(), Funds { spent: usd("0.5"), held: usd("4.5") });
    assert_eq!(gate.state(), &rig.replay("a").await, "replay equals live");
}

#[tokio::test]
async fn a_request_that_was_on_its_way_when_the_program_ended_counts_at_its_most() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let held = gate.meter(&Price::AtMost(usd("2"))).await.unwrap();
    assert_eq!(held, Metered::Held("request-1".into()));
    let _job = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    drop(gate);
    let mut gate = rig.resume("a").await;
    for _ in 0..2 {
        gate.recover().await.unwrap();
        let sums = gate.state().book.sums(Purse::Budget);
        assert_eq!((sums.settled, sums.held, sums.open), (usd("2"), Usd::ZERO, usd("1")));
    }
}

#[tokio::test]
async fn what_the_engine_notes_beside_an_ending_is_there_with_it_or_not_at_all() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let permit = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    let before = rig.records("a").await.len();
    let noted = |report: &Report| Ok(vec![Note { kind: "turn", body: report.text().to_owned() }]);
    gate.close(&id("c1"), Ended::Done(permit.finish(done())), noted).await.unwrap();
    let after = rig.records("a").await;
    let (ending, note) = (&after[before], &after[before + 1]);
    assert_eq!((ending.kind.as_str(), note.kind.as_str(), note.body.as_str()), ("gate", "turn", "ok"));
    assert_eq!(after.len(), before + 2);
    let endless = vec![Note { kind: "turn", body: "x".repeat(65 << 20) }];
    let hold = gate.meter(&Price::AtMost(usd("1"))).await.unwrap();
    let Metered::Held(name) = hold else { panic!("{hold:?}") };
    assert!(matches!(gate.post(&name, Entry::Released, endless).await, Err(GateError::Record(_))));
    assert_eq!(rig.records("a").await.len(), after.len() + 1, "the hold alone");
}

#[tokio::test]
async fn when_the_record_cannot_be_written_nothing_runs_from_then_on() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let mut endless = toy(Effect::Read, Price::Free);
    endless.0.summary = "x".repeat(65 << 20);
    let before = rig.records("a").await.len();
    let refused = gate.admit(id("c1"), endless).await;
    assert!(matches!(refused, Err(GateError::Record(_))), "more than a record can hold");
    assert_eq!(rig.records("a").await.len(), before);
    let after = gate.admit(id("c2"), toy(Effect::Read, Price::Free)).await;
    assert!(matches!(after, Err(GateError::Torn)), "{after:?}");
}

#[test]
fn a_damaged_record_is_not_taken_up() {
    let replay = |bodies: &[&str]| gate::Gate::replay(bodies.iter().copied()).map(|state| state.is_some());
    let opened = r#"{"event":"opened","mode":"yolo:5.00","attendance":"attended","prohibitions":["shell: rm"]}"#;
    assert!(!replay(&[]).unwrap());
    assert!(replay(&[opened]).unwrap());
    let ended = r#"{"event":"ended","call":"c1","entry":null}"#;
    for (bodies, fragment) in [
        (vec![ended], "not opened first"),
        (vec![opened, opened], "opened before"),
        (vec![opened, ended], "not running"),
        (vec![opened, "{"], "damaged"),
        (vec![opened, r#"{"event":"posted","hold":"x","entry":"released"}"#], "nothing is held"),
        (vec![opened, r#"{"event":"mode_set","mode":"yolo","surface":"x"}"#], "is no mode"),
        (
            vec![opened, r#"{"event":"answered","call":"c","digest":"d","consent":"once","grants":[],"surface":"s"}"#],
            "nothing is being asked",
        ),
    ] {
        let why = replay(&bodies).unwrap_err().to_string();
        assert!(why.contains(fragment), "{why}");
    }
}

#[tokio::test]
async fn a_prohibition_refuses_what_the_mode_would_run() {
    let rig = Rig::new().await;
    let mut state = attended("yolo:uncapped");
    state.prohibitions = vec!["shell: git push".parse().unwrap()];
    let mut gate = rig.open("a", state).await;
    let Admission::Refused(refusal) = gate.admit(id("c1"), shell("git push")).await.unwrap() else { panic!() };
    assert!(matches!(refusal.reason, Reason::Prohibited(_)));
    assert_eq!(gate.state(), &rig.replay("a").await, "replay equals live");
    assert_eq!(gate.state().consent(Some(&id("c1")), &shell("git push").0), Consent::None);
}

#[test]
fn holds_the_endings_of_paid_calls_and_mode_changes_are_synced_and_nothing_else() {
    let survives = |body: &str| serde_json::from_str::<GateEvent>(body).unwrap().must_survive_power_cut();
    let decided = |hold: &str| {
        format!(
            r#"{{"event":"decided","call":"c","tool":"t","effect":"read","price":"free","summary":"s","digest":"d",
            "mode":"agent","outcome":"run","decided_by":"mode","reason":null,"funds":["0.00","0.00"],"hold":{hold}}}"#
        )
    };
    for synced in [
        r#"{"event":"opened","mode":"agent","attendance":"attended","prohibitions":[]}"#,
        r#"{"event":"mode_set","mode":"plan","surface":"s"}"#,
        r#"{"event":"posted","hold":"c","entry":"released"}"#,
        r#"{"event":"ended","call":"c","entry":"settled 1.00"}"#,
        &decided("\"held budget 1.00\""),
    ] {
        assert!(survives(synced), "{synced}");
    }
    for committed in [
        r#"{"event":"ended","call":"c","entry":null}"#,
        r#"{"event":"answered","call":"c","digest":"d","consent":"once","grants":[],"surface":"s"}"#,
        r#"{"event":"revoked","grant":"shell: ls","surface":"s"}"#,
        &decided("null"),
    ] {
        assert!(!survives(committed), "{committed}");
    }
}
