//! `shell` and `runs`, each call through a real gate, each command a real one.

use crate::stage::Stage;
use policy::{Effect, Price, ShellLine, Subject};
use serde_json::{Value, json};
use std::time::Duration;

fn shell(command: &str) -> Value {
    json!({ "command": command })
}

/// Reads a run again and again until its text has this in it.
async fn until(stage: &mut Stage, id: &str, text: &str) -> String {
    let wait = async {
        loop {
            let read = stage.done("runs", json!({ "operation": "read", "id": id, "offset": 0 })).await;
            if read.contains(text) {
                return read;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it came about")
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_says_how_it_ended() {
    let mut stage = Stage::new().await;
    let said = stage.done("shell", shell("echo out; echo err >&2; pwd > where")).await;
    assert!(said.starts_with("out\nerr\n[exit 0 after ") && said.ends_with(" s]"), "{said}");
    assert_eq!(stage.text("where").trim(), stage.scene.workspace.root().to_str().unwrap());
    let said = stage.fails("shell", shell("echo oops; exit 7")).await;
    assert!(said.starts_with("oops\n[exit 7 after "), "{said}");
    assert!(stage.done("shell", shell("true")).await.starts_with("(no output)\n[exit 0"));
}

#[tokio::test]
async fn a_long_output_is_cut_and_the_whole_can_be_read() {
    let mut stage = Stage::new().await;
    let said = stage.done("shell", shell("i=0; while [ $i -lt 50000 ]; do echo line $i; i=$((i+1)); done")).await;
    assert!(
        said.len() < 31_000 && said.starts_with("line 0\n") && said.contains("\nline 49999\n[exit 0"),
        "{}",
        said.len()
    );
    let file =
        said.split("the whole output is in `").nth(1).and_then(|rest| rest.split('`').next()).expect("it is named");
    let whole = stage.done("search", json!({ "pattern": "^line 25000$", "path": file })).await;
    assert!(whole.contains("line 25000"), "{whole}");
}

#[tokio::test]
async fn what_a_command_leaves_running_is_ended_and_said() {
    let mut stage = Stage::new().await;
    let said = stage.done("shell", shell("sleep 1000 & echo started")).await;
    assert!(said.starts_with("started\n[exit 0") && said.contains("[1 program left running and ended;"), "{said}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended() {
    let mut stage = Stage::new().await;
    let said = stage.fails("shell", json!({ "command": "echo begun; sleep 1000", "timeout_s": 1 })).await;
    assert!(said.contains("timed out after 1 s and was ended"), "{said}");
}

#[tokio::test]
async fn a_stopped_call_ends_its_command() {
    let mut stage = Stage::new().await;
    stage.scene.stop.cancel();
    let said = stage.fails("shell", shell("sleep 1000")).await;
    assert!(said.contains("[stopped after "), "{said}");
}

#[tokio::test]
async fn a_background_run_is_listed_read_and_stopped() {
    let mut stage = Stage::new().await;
    assert_eq!(stage.done("runs", json!({ "operation": "list" })).await, "there are no background runs");
    let command = json!({ "command": "echo begun; sleep 1000", "background": true });
    let said = stage.done("shell", command).await;
    assert!(said.starts_with("started as `run-1`; its output grows in `"), "{said}");
    let read = until(&mut stage, "run-1", "\nbegun\n").await;
    assert!(read.starts_with("[run-1: echo begun; sleep 1000: running for "), "{read}");
    let list = stage.done("runs", json!({ "operation": "list" })).await;
    assert!(list.starts_with("run-1: echo begun; sleep 1000: running for "), "{list}");
    let stopped = stage.done("runs", json!({ "operation": "stop", "id": "run-1" })).await;
    assert!(stopped.contains(": stopped after "), "{stopped}");
    let missing = stage.fails("runs", json!({ "operation": "read", "id": "run-2" })).await;
    assert_eq!(missing, "there is no background run `run-2`");
}

#[tokio::test]
async fn a_background_run_that_ends_by_itself_says_how() {
    let mut stage = Stage::new().await;
    stage.done("shell", json!({ "command": "echo one; exit 3", "background": true })).await;
    let read = until(&mut stage, "run-1", ": exit 3 after ").await;
    assert!(read.ends_with("\none\n"), "{read}");
}

#[tokio::test]
async fn a_call_declares_what_it_is() {
    let stage = Stage::new().await;
    let action = stage.action("shell", shell("git push origin x"));
    assert_eq!(
        (action.effect, action.price, action.summary.as_str()),
        (Effect::Change, Price::Free, "shell: git push origin x")
    );
    assert_eq!(action.shown, r#"{"command":"git push origin x"}"#);
    let words = ["git", "push", "origin", "x"].map(str::to_owned).to_vec();
    assert_eq!(action.subject, Subject::Shell(ShellLine::Plain(vec![words])));
    let action = stage.action("shell", json!({ "command": "ls\nls", "confined": true, "background": true }));
    assert_eq!(
        (action.effect, action.summary.as_str()),
        (Effect::Confined, "shell: ls … (confined, in the background)")
    );
    for operation in [json!({ "operation": "list" }), json!({ "operation": "stop", "id": "run-3" })] {
        assert_eq!(stage.action("runs", operation).effect, Effect::Read);
    }
}

#[tokio::test]
async fn a_malformed_call_is_an_error_that_names_what_is_wrong() {
    let stage = Stage::new().await;
    for (arguments, named) in [
        (json!({}), "command"),
        (json!({ "command": " \n" }), "`command` is empty"),
        (json!({ "command": 7 }), "command"),
        (json!({ "command": "a\u{0}b" }), "NUL"),
        (json!({ "command": "x".repeat(100_001) }), "100001 bytes"),
        (json!({ "command": "ls", "timeout_s": 0 }), "`timeout_s` is at least 1"),
        (json!({ "command": "ls", "timeout_s": 3601 }), "`timeout_s` is at most 3600"),
        (json!({ "command": "ls", "timeout_s": -1 }), "timeout_s"),
        (json!({ "command": "ls", "sudo": true }), "sudo"),
        (json!({ "command": "ls", "background": "yes" }), "background"),
    ] {
        let why = stage.invalid("shell", arguments);
        assert!(why.starts_with("`shell`: ") && why.contains(named), "{why}");
    }
    for (arguments, named) in [
        (json!({ "operation": "read" }), "`id` is missing"),
        (json!({ "operation": "stop", "id": "7" }), "ids look like `run-1`"),
        (json!({ "operation": "list", "id": "run-1" }), "`list` takes no `id`"),
        (json!({ "operation": "stop", "id": "run-1", "offset": 3 }), "`offset` goes with `read`"),
        (json!({ "operation": "kill" }), "operation"),
    ] {
        let why = stage.invalid("runs", arguments);
        assert!(why.starts_with("`runs`: ") && why.contains(named), "{why}");
    }
}

#[tokio::test]
async fn a_confined_command_that_cannot_be_confined_is_an_error_and_does_not_run() {
    // The program of these tests is no inner stage of a sandbox, so none can be closed.
    let mut stage = Stage::new().await;
    let said = stage.fails("shell", json!({ "command": "touch ran", "confined": true })).await;
    assert!(said.starts_with("the command was not run: "), "{said}");
    assert!(!stage.at("ran").exists());
}
