//! Calls that are answered, one way or another: text, errors, progress, stops and silence.
//!
//! Not here: servers that die, or that say too much.

use crate::{FAR, Session, rude};
use gate::{Act, Ended, Report};
use policy::{Effect, Price, Subject};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_call_is_run_and_its_answer_is_text() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    assert_eq!(session.says("mcp__r__echo", json!({ "text": "héllo\n" })).await, "héllo\n");
    assert_eq!(session.says("mcp:r/echo", json!({ "text": "again" })).await, "again");
    assert_eq!(session.says("mcp:r/picture", json!({})).await, "[image: image/png, 5 bytes]");
    assert_eq!(session.says("mcp:r/garbage", json!({})).await, "a\u{fffd}\u{fffd}b");
    assert_eq!(
        session.says("mcp:r/odd", json!({})).await,
        r#"(an answer that is no tool result) {"content":"not a list","extra":[1,2]}"#
    );
    session.servers.stop().await;
}

#[tokio::test]
async fn what_a_person_approves_is_the_arguments_in_one_fixed_form() {
    let session = Session::with(vec![rude("r", "normal")]).await;
    let action = session.parse("mcp:r/guarded", json!({ "b": 1, "a": { "d": "\n", "c": [] } })).action();
    assert_eq!(action.tool, "mcp:r/guarded");
    assert_eq!(action.shown, r#"{"a":{"c":[],"d":"\n"},"b":1}"#);
    assert_eq!(action.summary, r#"mcp:r/guarded {"a":{"c":[],"d":"\n"},"b":1}"#);
    assert_eq!(action.subject, Subject::Mcp { server: "r".into(), tool: "guarded".into() });
    assert_eq!((action.effect, action.price), (Effect::Change, Price::Free));
    let other_order = session.parse("mcp__r__guarded", json!({ "a": { "c": [], "d": "\n" }, "b": 1 })).action();
    assert_eq!(other_order.shown, action.shown);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_price_is_the_persons_and_is_settled_when_the_call_was_answered() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let priced = |name: &str| (name == "mcp:r/fail").then(|| Price::AtMost("0.05".parse().unwrap()));
    let call = session.servers.parse("mcp__r__fail", json!({}), priced).unwrap();
    assert_eq!(call.action().price, Price::AtMost("0.05".parse().unwrap()));
    assert_eq!(session.run(call).await, Report::Failed("it did not work".to_owned()));
    assert_eq!(session.gate.state().book.funds().spent, "0.05".parse().unwrap());
    session.servers.stop().await;
}

#[tokio::test]
async fn an_error_of_the_server_is_told_without_its_tricks() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let report = session.call("mcp:r/refuse", json!({})).await;
    assert_eq!(
        report,
        Report::Failed("server `r` answered with an error: these arguments[2J will not do (error -32602)".to_owned())
    );
    session.servers.stop().await;
}

#[tokio::test]
async fn progress_is_told_while_a_call_runs() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    assert_eq!(session.says("mcp:r/progress", json!({})).await, "done");
    let mut told = Vec::new();
    while let Ok(line) = session.lines.try_recv() {
        told.push(line);
    }
    assert_eq!(told, ["1/3: step[2J 1\n", "2/3: step[2J 2\n", "3/3: step[2J 3\n"]);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_call_that_reports_progress_may_take_longer_than_one_that_is_silent() {
    let mut config = rude("r", "normal");
    config.patience.call = Duration::from_secs(2);
    let mut session = Session::with(vec![config]).await;
    assert_eq!(session.says("mcp:r/slow", json!({})).await, "done after three seconds");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_stopped_call_ends_and_the_server_is_told_to_cancel_it() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let call = session.parse("mcp:r/hang", json!({}));
    let (id, running) = session.start(call).await;
    // The server has the call when it answers a later one.
    session.says("mcp:r/echo", json!({ "text": "" })).await;
    session.scene.stop.cancel();
    let ended = tokio::time::timeout(FAR, running).await.unwrap().unwrap();
    assert!(matches!(&ended, Ended::Done(_)), "it ends by itself, and is not cut off: {ended:?}");
    let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
    assert_eq!(
        report,
        Report::Failed("stopped: the server was told to cancel; what it had done by then is unknown".to_owned())
    );
    session.scene.stop = Default::default();
    let cancelled: Vec<Value> = serde_json::from_str(&session.says("mcp:r/cancelled", json!({})).await).unwrap();
    assert_eq!(cancelled.len(), 1);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_call_without_an_answer_ends_and_its_money_stays_held() {
    let mut config = rude("r", "normal");
    config.patience.call = Duration::from_secs(2);
    let mut session = Session::with(vec![config]).await;
    let price = Price::AtMost("1".parse().unwrap());
    let call = session.servers.parse("mcp:r/hang", json!({}), |_| Some(price)).unwrap();
    let report = session.run(call).await;
    assert_eq!(
        report,
        Report::Failed(
            "unknown: server `r` said nothing for 2s and was told to cancel; what it has done is unknown".to_owned()
        )
    );
    let funds = session.gate.state().book.funds();
    assert_eq!((funds.spent, funds.held), ("0".parse().unwrap(), "1".parse().unwrap()));
    let cancelled: Vec<Value> = serde_json::from_str(&session.says("mcp:r/cancelled", json!({})).await).unwrap();
    assert_eq!(cancelled.len(), 1);
    session.servers.stop().await;
}

#[tokio::test]
async fn a_server_that_reads_nothing_any_more_holds_up_nobody() {
    let mut config = rude("r", "normal");
    config.patience.call = Duration::from_millis(200);
    let mut session = Session::with(vec![config, rude("s", "normal")]).await;
    assert!(matches!(session.call("mcp:r/deaf", json!({})).await, Report::Failed(_)));
    // More than a pipe holds.
    let report = session.call("mcp:r/echo", json!({ "text": "x".repeat(1_000_000) })).await;
    assert!(report.text().starts_with("unknown: server `r` said nothing for 200ms"), "{report:?}");
    assert_eq!(session.says("mcp:s/echo", json!({ "text": "here" })).await, "here");
    session.servers.stop().await;
}
