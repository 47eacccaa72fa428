//! What a token of the Hub may do decides what a job that is handed it may cost.
//!
//! Not here: secrets whose power the configuration says, but that nobody else is asked about them.

use super::rig::*;
use serde_json::{Value, json};

const NOW: u64 = 1_795_324_800;
const UNBOUNDED: &str = "a job that holds the secret `KEY` can spend by itself";

fn holding(name: &str) -> Value {
    with(hour(), json!({ "secrets": [name] }))
}

async fn asked(api: &JobsApi) -> usize {
    api.requests("GET", "/api/whoami-v2").await
}

#[tokio::test]
async fn a_token_that_may_only_read_cannot_spend_and_any_other_can() {
    let api = JobsApi::start(standing()).await;
    let role = |role: &str| json!({"kind": "role", "role": role});
    for (token, order, can_spend) in [
        (READ_TOKEN, None, false),
        (WRITE_TOKEN, None, true),
        (WRITE_TOKEN, Some(role("fineGrained")), true),
        (WRITE_TOKEN, Some(role("Read")), true),
        (WRITE_TOKEN, Some(role("")), true),
        ("hf_nobody_knows_it", None, true),
    ] {
        let mut bench = Bench::at(&api).await.with_unsaid("KEY", token);
        if let Some(order) = &order {
            api.inject(order.clone()).await;
        }
        let unasked = bench.price(holding("KEY"));
        assert!(unasked.contains(UNBOUNDED), "{unasked}");
        let before = asked(&api).await;
        bench.look_up(NOW).await;
        bench.look_up(NOW + 100_000).await;
        assert_eq!(asked(&api).await, before + 1, "it is asked once");
        let price = bench.price(holding("KEY"));
        assert_eq!(
            (price == "1.00002", price.contains(UNBOUNDED)),
            (!can_spend, can_spend),
            "{token} {order:?}: {price}"
        );
    }
}

#[tokio::test]
async fn a_role_that_could_not_be_asked_for_spends_until_it_was() {
    let api = JobsApi::start(standing()).await;
    for order in [
        json!({"kind": "rate_limited", "retry_after_secs": 9, "on": "whoami"}),
        json!({"kind": "fail", "status": 503, "on": "whoami"}),
        json!({"kind": "lose_answer", "on": "whoami"}),
    ] {
        let mut bench = Bench::at(&api).await.with_unsaid("KEY", READ_TOKEN);
        api.inject(order.clone()).await;
        let before = asked(&api).await;
        bench.look_up(NOW).await;
        bench.look_up(NOW + 14).await;
        assert_eq!(asked(&api).await, before + 1, "{order}");
        assert!(bench.price(holding("KEY")).contains(UNBOUNDED), "{order}");
        bench.look_up(NOW + 15).await;
        assert_eq!((asked(&api).await, bench.price(holding("KEY")).as_str()), (before + 2, "1.00002"), "{order}");
    }
}

#[tokio::test]
async fn the_configurations_word_wins_and_then_nobody_is_asked() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await.with_unsaid("NO_TOKEN", "sk-of-somebody-else");
    bench.look_up(NOW).await;
    // `HF_TOKEN` is said to spend, `WANDB_API_KEY` is said not to, and what is no token of the Hub is nothing to ask about.
    assert!(bench.price(holding("HF_TOKEN")).contains("can spend by itself"));
    assert_eq!(bench.price(holding("WANDB_API_KEY")), "1.00002");
    assert!(bench.price(holding("NO_TOKEN")).contains("can spend by itself"));
    assert_eq!(asked(&api).await, 0);
}

#[tokio::test]
async fn a_token_is_asked_about_under_itself_and_never_told() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await.with_unsaid("KEY", READ_TOKEN);
    api.inject(json!({"kind": "fail", "status": 503, "error": format!("no {READ_TOKEN} {TOKEN}"), "on": "hardware"}))
        .await;
    bench.look_up(NOW).await;
    // Only the token itself is of the role `read`: under the agent's own the answer would be another.
    assert_eq!(bench.price(holding("KEY")), "1.00");
    let told = format!("{:?} {}", bench.site, bench.record().await);
    assert!(told.contains("what the token `KEY` may do"), "{told}");
    for secret in [TOKEN, READ_TOKEN, WRITE_TOKEN, SECRET] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(told.contains("no [secret KEY] [secret token]"), "{told}");
}
