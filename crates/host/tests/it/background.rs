//! Runs in the background: read while they go, stopped, bounded, ended with the session.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{Stand, is_there, number_in, until};
use host::children::{ChildEnd, NotLaunched, RunId, RunState};
use std::fs;

fn ending(state: &RunState) -> Option<ChildEnd> {
    match state {
        RunState::Ended(outcome) => outcome.as_ref().as_ref().ok().map(|exit| exit.ending),
        RunState::Going(_) | RunState::Lost => None,
    }
}

#[tokio::test]
async fn a_run_is_read_while_it_goes_and_after_it_has_ended() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let runs = stand.scene.runs.clone();
    let program = stand.line("mkfifo gate; echo one; read line < gate; echo $line; exit 5");
    let id = runs.start(&permit, "two words", program, &stand.scene).unwrap().id;
    let total = || runs.read(&permit, id, None).unwrap().total;
    until("the first word is there", || total() >= 4).await;
    let first = runs.read(&permit, id, Some(0)).unwrap();
    assert_eq!((first.text.as_str(), first.next), ("one\n", 4));
    assert!(matches!(first.run.state, RunState::Going(_)) && first.run.title == "two words");
    fs::write(stand.workspace().join("gate"), "two\n").unwrap();
    until("it has ended", || ending(&runs.list()[0].state).is_some()).await;
    let second = runs.read(&permit, id, Some(first.next)).unwrap();
    assert_eq!((second.text.as_str(), second.from, second.next, second.total), ("two\n", 4, 8, 8));
    assert_eq!(ending(&second.run.state), Some(ChildEnd::Code(5)));
    assert_eq!(runs.read(&permit, id, Some(1_000_000)).unwrap().text, "");
    assert!(second.run.file.starts_with(&stand.scene.outputs));
}

#[tokio::test]
async fn a_long_output_is_read_piece_by_piece_or_from_its_end() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let runs = stand.scene.runs.clone();
    let program = stand.line("i=0; while [ $i -lt 20000 ]; do echo é$i; i=$((i+1)); done");
    let id = runs.start(&permit, "count", program, &stand.scene).unwrap().id;
    until("it has ended", || ending(&runs.list()[0].state).is_some()).await;
    assert!(runs.read(&permit, id, None).unwrap().text.ends_with("é19999\n"));
    let (mut whole, mut from) = (String::new(), 0);
    loop {
        let reading = runs.read(&permit, id, Some(from)).unwrap();
        assert!(reading.text.len() <= 24 << 10);
        whole += &reading.text;
        from = reading.next;
        if from == reading.total {
            break;
        }
    }
    assert_eq!(whole, (0..20000).map(|number| format!("é{number}\n")).collect::<String>());
}

#[tokio::test]
async fn a_stop_waits_until_all_of_the_run_has_ended() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let runs = stand.scene.runs.clone();
    let program = stand.line("setsid -f sh -c 'echo $$ > far; exec sleep 1000'; sleep 1000");
    let id = runs.start(&permit, "sleep", program, &stand.scene).unwrap().id;
    let far = stand.workspace().join("far");
    until("it has started", || fs::read_to_string(&far).is_ok_and(|text| text.ends_with('\n'))).await;
    let pid = number_in(&far);
    let view = runs.stop(&permit, id).await.unwrap();
    assert_eq!(ending(&view.state), Some(ChildEnd::Stopped));
    assert!(!is_there(pid));
    assert_eq!(ending(&runs.stop(&permit, id).await.unwrap().state), Some(ChildEnd::Stopped));
}

#[tokio::test]
async fn a_run_goes_on_when_the_call_that_started_it_is_stopped() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let runs = stand.scene.runs.clone();
    let program = stand.line("mkfifo gate; read line < gate; echo $line");
    let id = runs.start(&permit, "wait", program, &stand.scene).unwrap().id;
    stand.scene.stop.cancel();
    let gate = stand.workspace().join("gate");
    until("it has started", || gate.exists()).await;
    fs::write(gate, "still here\n").unwrap();
    until("it has ended", || ending(&runs.list()[0].state).is_some()).await;
    assert_eq!(runs.read(&permit, id, None).unwrap().text, "still here\n");
}

#[tokio::test]
async fn there_is_a_limit_to_runs_and_the_end_of_the_session_ends_them_all() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let runs = stand.scene.runs.clone();
    let start = || runs.start(&permit, "sleep", stand.line("sleep 1000"), &stand.scene);
    for _ in 0..32 {
        start().unwrap();
    }
    assert!(matches!(start(), Err(NotLaunched::TooMany(32))));
    let first = runs.list()[0].id;
    assert_eq!(first.to_string(), "run-1");
    runs.stop(&permit, first).await.unwrap();
    start().unwrap();
    runs.stop_all().await;
    assert_eq!(runs.list().len(), 33);
    assert!(runs.list().iter().all(|run| ending(&run.state) == Some(ChildEnd::Stopped)));
    assert!(matches!(start(), Err(NotLaunched::Closed)));
}

#[tokio::test]
async fn a_run_that_was_never_started_is_an_error() {
    let mut stand = Stand::new().await;
    let permit = stand.permit().await;
    let id: RunId = "run-9".parse().unwrap();
    let error = stand.scene.runs.read(&permit, id, None).unwrap_err();
    assert_eq!(error.to_string(), "there is no background run `run-9`");
    assert!(stand.scene.runs.stop(&permit, id).await.is_err());
    assert!("9".parse::<RunId>().is_err() && "run--1".parse::<RunId>().is_err());
}
