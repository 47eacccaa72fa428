//! Holds that were left open: found again, and booked once.

use crate::jobs::{JOB, Jobs, jobs};
use crate::stage::{Ended, Stage, Unattended, said};
use ledger::Stage as Held;
use money::Usd;
use policy::Purse;
use serde_json::{Value, json};
use turn::TurnEvent;
use wire::{Event, Status};

const NOTHING_MORE: &str = "[[turn]]\ntext = \"x\"\nrepeat = 20\n";

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// Takes the session up as a new program would, and lets the model say one thing.
async fn again(stage: &mut Stage, api: &Jobs) -> Ended {
    again_with(stage, api, NOTHING_MORE).await
}

async fn again_with(stage: &mut Stage, api: &Jobs, script: &str) -> Ended {
    api.serve(stage);
    let ended = stage.played_on(script, said("and now?")).await;
    assert_eq!(ended.how(), (Status::Done, None));
    stage.check_record(&ended.session).await;
    ended
}

#[tokio::test]
async fn a_job_that_ended_while_nobody_looked_is_settled_at_the_next_start() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    api.inject(json!({ "kind": "next_job", "play": { "run_secs": 90 } })).await;
    let ended = stage.played("yolo:5", Unattended, &jobs(1)).await;
    assert_eq!(ended.session.spend().budget.open, "1.00");
    let Event::End { going_on, .. } = ended.session.end_event(ended.result.as_ref().unwrap()) else { panic!() };
    let [on] = &going_on[..] else { panic!("{going_on:?}") };
    let id = api.state().await["jobs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((on.hold.as_str(), on.held.as_deref()), ("c1", Some("1.00")));
    assert!(on.page.as_ref().unwrap().ends_with(&format!("/jobs/someone/{id}")), "{on:?}");
    drop(ended);
    let ended = again(&mut stage, &api).await;
    assert_eq!(ended.session.spend().budget.open, "1.00", "it goes on, however long its log is silent");
    drop(ended);
    api.advance(600).await;
    let ended = again(&mut stage, &api).await;
    let spend = ended.session.spend();
    assert_eq!((spend.budget.open.as_str(), spend.budget.settled.as_str()), ("0.00", "0.033333333334"), "two minutes");
    assert!(ended.notices().iter().any(|notice| notice.contains("is over and cost $0.033333333334")));
    drop(ended);
    let records = stage.records().await.len();
    let ended = again(&mut stage, &api).await;
    assert_eq!(ended.session.spend().budget.settled, "0.033333333334");
    let asked = stage.records().await.iter().skip(records).filter(|record| record.body.contains("-at-")).count();
    assert_eq!(asked, 0, "what is settled is not asked about");
}

#[tokio::test]
async fn a_launch_whose_answer_was_lost_in_a_crash_is_found_by_its_label() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    api.inject(json!({ "kind": "hold_answer", "on": "launch" })).await;
    let play = stage.play("yolo:5", Unattended, &jobs(1)).await;
    while api.launches().await == 0 {}
    play.cut_off().await;
    api.mend().await;
    let ended = again(&mut stage, &api).await;
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.open, sums.settled), (usd("1"), Usd::ZERO), "it is there, and goes on");
    drop(ended);
    api.advance(7_200).await;
    let ended = again(&mut stage, &api).await;
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!(sums.open, Usd::ZERO);
    assert!(sums.settled > Usd::ZERO && sums.settled <= usd("1"), "{}", sums.settled);
    assert_eq!(api.launches().await, 1);
}

#[tokio::test]
async fn a_launch_that_never_arrived_keeps_its_hold_until_it_is_sure() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    // The record of the launch's end cannot be written, and the service never heard of it.
    api.inject(json!({ "kind": "payment_required", "on": "launch" })).await;
    stage.refuse_records(r#"NEW.body LIKE '%"event":"ended"%"entry":"released"%'"#).await;
    let ended = stage.played("yolo:5", Unattended, &jobs(1)).await;
    assert!(ended.result.is_err());
    drop(ended);
    stage.mend().await;
    let ended = again(&mut stage, &api).await;
    assert_eq!(ended.session.spend().budget.open, "1.00", "a list may lag behind");
    drop(ended);
    stage.setup.now_ms = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(now.as_millis()).unwrap() + 3_600_000
    };
    let ended = again(&mut stage, &api).await;
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.open, sums.settled), (Usd::ZERO, Usd::ZERO));
    assert_eq!(api.launches().await, 0);
}

#[tokio::test]
async fn the_runs_of_a_schedule_are_found_and_booked_once_each() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    let script = r#"
        [[turn]]
        calls = [{ tool = "hf_jobs", args = { operation = "scheduled run", schedule = "@hourly", flavor = "a10g-small", timeout = "6m", command = ["true"] } }]
        [[turn]]
        text = "done"
    "#;
    drop(stage.played("yolo:uncapped", Unattended, script).await);
    // Each run takes no more than a minute, and costs a sixtieth of a dollar.
    api.inject(json!({ "kind": "next_job", "times": 9, "play": { "run_secs": 30 } })).await;
    api.advance(2 * 3_600).await;
    for _ in 0..2 {
        let ended = again(&mut stage, &api).await;
        let sums = ended.session.state().book.sums(Purse::Budget);
        assert_eq!((sums.settled, sums.open, sums.unbounded), (usd("0.033333333334"), Usd::ZERO, 1), "two runs");
        assert_eq!(sums.quoted, usd("0.2"), "each may have cost a tenth of a dollar");
    }
    let schedule = api.state().await["schedules"][0]["id"].as_str().unwrap().to_owned();
    let delete = format!(
        "{NOTHING_MORE}[[turn]]\nwhen = \"enough\"\ncalls = [{{ tool = \"hf_jobs\", args = {{ operation = \"scheduled delete\", scheduled_job_id = \"{schedule}\" }} }}]"
    );
    api.serve(&mut stage);
    let ended = stage.played_on(&delete, said("enough")).await;
    assert!(ended.result_of("c2").0, "{}", ended.result_of("c2").1);
    drop(ended);
    let ended = again(&mut stage, &api).await;
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.settled, sums.open, sums.unbounded), (usd("0.033333333334"), Usd::ZERO, 0), "it is gone");
}

#[tokio::test]
async fn of_sixty_four_calls_at_once_exactly_as_many_run_as_the_cap_pays_for() {
    let mut stage = Stage::new().await;
    let api = Jobs::for_stage(&mut stage).await;
    let ended = stage.played("yolo:10", Unattended, &jobs(64)).await;
    assert_eq!(ended.how(), (Status::Done, None));
    assert_eq!(api.launches().await, 10);
    let sums = ended.session.state().book.sums(Purse::Budget);
    assert_eq!((sums.open, ended.session.refused().len()), (usd("10"), 54));
    stage.check_record(&ended.session).await;
}

/// Two jobs, one that is waited for and one in the background, around a word of the model's.
fn two_jobs() -> String {
    let waited = JOB.replace("detach = true, ", "");
    format!("after = \"end\"\n[[turn]]\ncalls = [{waited}]\n[[turn]]\ncalls = [{JOB}]\n[[turn]]\ntext = \"done\"")
}

#[tokio::test]
async fn a_crash_at_any_write_forgets_no_money_and_launches_no_job_twice() {
    let mut stage = Stage::new().await;
    let api = Jobs::at_speed(3_600, &mut stage).await;
    stage.charge("0.01", "0.01");
    let (script, mut crashes, mut known) = (two_jobs(), 0, 0);
    for at in 3.. {
        stage.id = format!("s{at}").parse().unwrap();
        stage.setup.scene.outputs = stage.folder.path().join(format!("outputs-{at}"));
        std::fs::create_dir(&stage.setup.scene.outputs).unwrap();
        api.serve(&mut stage);
        api.mend().await;
        api.inject(json!({ "kind": "next_job", "times": 9, "play": { "run_secs": 0 } })).await;
        stage.refuse_records(&format!("NEW.session = '{}' AND NEW.seq >= {at}", stage.id)).await;
        let ended = stage.played("yolo:5", Unattended, &script).await;
        stage.mend().await;
        let is_over = ended.result.is_ok();
        drop(ended);
        crashes += u32::from(!is_over);
        api.serve(&mut stage);
        let ended = stage.played_on(&script, TurnEvent::GoOn).await;
        assert_eq!(ended.how(), (Status::Done, None), "crash at {at}");
        stage.check_record(&ended.session).await;
        drop(ended);
        api.advance(7_200).await;
        let ended = again_with(&mut stage, &api, &script).await;

        // Every job that is there was let run once, and what it was billed is booked, or held in full.
        let state = api.state().await;
        let all = state["jobs"].as_array().unwrap();
        let labels: Vec<&Value> = all.iter().map(|job| &job["labels"]["remit-op"]).collect();
        for label in &labels {
            assert_eq!(labels.iter().filter(|other| other == &label).count(), 1, "crash at {at}: launched twice");
        }
        let launched = all.len() - known;
        known = all.len();
        assert!((1..=2).contains(&launched) || !is_over, "crash at {at}: {launched} jobs");
        let lines: Vec<_> = ended.session.state().book.lines().filter(|(name, _)| name.starts_with('c')).collect();
        let alive = lines.iter().filter(|(_, line)| line.stage != Held::Released).count();
        assert!(alive >= launched, "crash at {at}: {launched} jobs and {lines:?}");
        assert!(lines.iter().all(|(_, line)| !matches!(line.stage, Held::Held)), "crash at {at}: {lines:?}");
        if is_over {
            break;
        }
    }
    assert!(crashes > 15, "only {crashes} writes");
}
