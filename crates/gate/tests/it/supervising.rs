//! How runs end: something always owns the ending.

use crate::rig::*;
use gate::{Ended, Report, supervise};
use ledger::Entry;
use policy::Purse;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_run_that_ends_is_done() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let permit = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    let run = async move { permit.finish(Report::Done("ok".into())) };
    let ended = supervise(run, CancellationToken::new(), LONG).await;
    let Ended::Done(done) = ended else { panic!("{ended:?}") };
    assert_eq!(done.report(), &Report::Done("ok".into()));
    assert_eq!(gate.close(&id("c1"), Ended::Done(done), no_notes).await.unwrap().text(), "ok");
    assert_eq!(gate.state().book.sums(Purse::Budget).settled, "1".parse().unwrap());
}

#[tokio::test]
async fn a_run_that_heeds_the_stop_ends_by_itself() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let permit = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    let stop = CancellationToken::new();
    let heard = stop.clone();
    let run = async move {
        heard.cancelled().await;
        permit.settle("0.2".parse().unwrap(), Report::Failed("stopped".into()))
    };
    stop.cancel();
    let ended = supervise(run, stop, LONG).await;
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
    gate.close(&id("c1"), ended, no_notes).await.unwrap();
    assert_eq!(gate.state().book.funds().spent, "0.2".parse().unwrap());
}

#[tokio::test]
async fn a_run_that_does_not_heed_the_stop_is_cut_off_and_its_hold_stays_open() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let permit = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    let stop = CancellationToken::new();
    stop.cancel();
    let run = async move {
        std::future::pending::<()>().await;
        permit.finish(Report::Done("never".into()))
    };
    let ended = supervise(run, stop, Duration::ZERO).await;
    assert!(matches!(ended, Ended::Stopped), "{ended:?}");
    let report = gate.close(&id("c1"), ended, no_notes).await.unwrap();
    assert!(report.text().contains("stopped"), "{report:?}");
    assert_eq!(gate.state().book.sums(Purse::Budget).open, "1".parse().unwrap());
}

#[tokio::test]
async fn a_run_that_panics_leaves_its_hold_open_and_says_why() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    for (name, run) in [("c1", "literal"), ("c2", "formatted")] {
        let permit = permit(gate.admit(id(name), paid("1")).await.unwrap());
        let run = async move {
            assert!(permit.call().as_str() == "c2", "a literal message");
            assert!(permit.call().as_str() == "never", "a {run} message");
            permit.finish(Report::Done("never".into()))
        };
        let ended = supervise(run, CancellationToken::new(), LONG).await;
        assert!(matches!(ended, Ended::Panicked(_)), "{ended:?}");
        let report = gate.close(&id(name), ended, no_notes).await.unwrap();
        assert!(report.text().contains(" message"), "{report:?}");
    }
    assert_eq!(gate.state().book.sums(Purse::Budget).open, "2".parse().unwrap());
    let open = gate.state().book.line("c1").unwrap().stage.clone();
    assert_eq!(open, ledger::Stage::Open("call c1".into()));
    gate.post("c1", Entry::Released, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_free_run_that_is_cut_off_has_nothing_to_leave_open() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("agent")).await;
    drop(permit(gate.admit(id("c1"), toy(policy::Effect::Read, policy::Price::Free)).await.unwrap()));
    gate.close(&id("c1"), Ended::Stopped, no_notes).await.unwrap();
    assert_eq!(gate.state().book.lines().count(), 0);
    assert_eq!(gate.state(), &rig.replay("a").await);
}

#[tokio::test]
#[should_panic(expected = "the permit of another call")]
async fn a_run_cannot_end_another_call() {
    let rig = Rig::new().await;
    let mut gate = rig.open("a", attended("yolo:5")).await;
    let one = permit(gate.admit(id("c1"), paid("1")).await.unwrap());
    let _two = permit(gate.admit(id("c2"), paid("1")).await.unwrap());
    let _ = gate.close(&id("c2"), Ended::Done(one.finish(Report::Done("ok".into()))), no_notes).await;
}
