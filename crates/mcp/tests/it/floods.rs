//! Servers that say too much: tools, notes, changes, and answers without an end.
//!
//! Not here: the exact limits, which the tests beside them have.

use crate::{Session, rude};
use gate::Report;
use mcp::ServerEvent;
use serde_json::json;

#[tokio::test]
async fn of_ten_thousand_tools_the_first_are_taken_and_the_rest_counted() {
    let mut session = Session::with(vec![rude("r", "many")]).await;
    assert_eq!(session.servers.tools().len(), 256);
    let said = session
        .event_that(|event| match event {
            ServerEvent::LeftOut { what, .. } => Some(what),
            _ => None,
        })
        .await;
    assert_eq!(said, "9744 more tools or beyond: 256 of a server, in 262144 bytes, are taken");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_list_without_an_end_is_read_so_far_and_no_further() {
    let session = Session::with(vec![rude("r", "endless")]).await;
    assert_eq!(session.servers.tools().len(), 64);
    session.servers.stop().await;
}

#[tokio::test]
async fn notes_and_rubbish_hold_up_no_answer() {
    let mut session = Session::with(vec![rude("r", "floods")]).await;
    assert_eq!(session.says("mcp:r/echo", json!({ "text": "after the flood" })).await, "after the flood");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_list_that_always_changes_is_looked_at_now_and_then() {
    let mut session = Session::with(vec![rude("r", "restless")]).await;
    for _ in 0..2 {
        session.event_that(|event| matches!(event, ServerEvent::ToolsChanged { .. }).then_some(())).await;
    }
    // Each list was followed by a thousand notices.
    let listed: u32 = session.says("mcp:r/count", json!({})).await.parse().unwrap();
    assert!((3..100).contains(&listed), "{listed}");
    session.servers.stop().await;
}

#[tokio::test]
async fn a_long_answer_is_cut_and_kept_whole_where_the_model_can_read_it() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let text = session.says("mcp:r/big", json!({ "bytes": 100_000 })).await;
    let (shown, note) = text.split_once('\n').unwrap();
    assert_eq!(shown.len(), 30_000);
    let kept = note.strip_prefix("[cut: 30000 of 100000 bytes are shown; the whole is in `").unwrap();
    let kept = std::fs::read(kept.strip_suffix("`]").unwrap()).unwrap();
    assert_eq!(kept, "x".repeat(100_000).as_bytes());
    session.servers.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_far_too_long_fails_its_call_and_no_other() {
    let mut session = Session::with(vec![rude("r", "normal")]).await;
    let report = session.call("mcp:r/big", json!({ "bytes": 40_000_000 })).await;
    assert_eq!(
        report,
        Report::Failed(
            "server `r` answered with an error: the answer was longer than 16777216 bytes and was dropped (error -32603)"
                .to_owned()
        )
    );
    assert_eq!(session.says("mcp:r/echo", json!({ "text": "still here" })).await, "still here");
    session.servers.stop().await;
}
