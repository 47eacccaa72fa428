//! The Hub's own list of hardware: looked up before a call is understood, kept, and replaced where it cannot be had.
//!
//! Not here: reading the list, or when it is stale (those are tested in `pricing` and beside the board).

use super::rig::*;
use gate::{Act, Admission, CallId};
use pricing::Source;
use serde_json::{Value, json};
use tools::site::Hub;

const NOW: u64 = 1_795_324_800;

fn run_on(flavor: &str) -> Value {
    with(hour(), json!({ "flavor": flavor }))
}

/// How often the list was asked for.
async fn asked(api: &JobsApi) -> usize {
    api.requests("GET", "/api/jobs/hardware").await
}

#[tokio::test]
async fn what_the_hub_lists_is_what_is_priced_held_and_booked() {
    let api = JobsApi::start(fast(play(90, "COMPLETED"))).await;
    let mut bench = Bench::at(&api).await;
    assert_eq!(bench.price(hour()), "1.00");
    bench.look_up(NOW).await;
    assert_eq!(bench.site.hardware.list().source(), &Source::Catalogue);
    // The Hub's minute of an a10g-small is 16,667 micro-dollars.
    assert_eq!(bench.price(hour()), "1.00002");
    let text = done(bench.run(hour()).await);
    assert!(text.contains("for $0.033334"), "{text}");
    assert_eq!(bench.money(), settled("0.033334"));
}

#[tokio::test]
async fn a_list_by_the_hour_is_read_as_one() {
    let api = JobsApi::start(JobsOptions { unit: Unit::Hour, ..standing() }).await;
    let mut bench = Bench::at(&api).await;
    bench.look_up(NOW).await;
    assert_eq!(bench.site.hardware.list().source(), &Source::Catalogue);
    for (flavor, price) in [("cpu-basic", "0.01"), ("h200", "5.00"), ("l40sx8", "23.50")] {
        assert_eq!(bench.price(run_on(flavor)), price, "{flavor}");
    }
}

#[tokio::test]
async fn a_good_answer_is_kept_for_hours_and_then_asked_for_again() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    for (now, times) in [(NOW, 1), (NOW + 60, 1), (NOW + 6 * 3_600 - 1, 1), (NOW + 6 * 3_600, 2), (NOW + 6 * 3_601, 2)]
    {
        bench.look_up(now).await;
        assert_eq!(asked(&api).await, times, "{now}");
    }
}

#[tokio::test]
async fn a_failed_look_up_falls_back_is_marked_and_does_not_outlive_the_blip() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    for (order, why) in [
        (json!({"kind": "fail", "status": 503, "error": "down", "on": "hardware"}), "status 503: down"),
        (json!({"kind": "rate_limited", "retry_after_secs": 9, "on": "hardware"}), "status 429, too many requests"),
        (json!({"kind": "lose_answer", "on": "hardware"}), "the Hub's answer was lost"),
        (json!({"kind": "hardware_list", "list": {"hardware": []}}), "the answer is no list of hardware"),
        (json!({"kind": "hardware_list", "list": []}), "the list names no hardware"),
    ] {
        let mut bench = Bench::at(&api).await;
        api.inject(order).await;
        bench.look_up(NOW).await;
        let list = bench.site.hardware.list();
        let Source::Fallback(reason) = list.source() else { panic!("{list:?}") };
        assert!(reason.contains(why), "{reason}");
    }
    let before = asked(&api).await;
    api.inject(json!({"kind": "fail", "status": 503, "on": "hardware"})).await;
    bench.look_up(NOW).await;
    let action = bench.parse(hour()).action();
    assert_eq!(bench.price(hour()), "1.00");
    let marked = "python -c 0 (priced as documented in 2026-11: the Hub's list could not be had)";
    assert!(action.summary.ends_with(marked), "{}", action.summary);
    let why = bench.price(run_on("quantum-x1"));
    assert!(why.contains("the documented prices of 2026-11 (the Hub's own list could not be had: status 503"), "{why}");

    bench.look_up(NOW + 14).await;
    assert_eq!((asked(&api).await, bench.price(hour()).as_str()), (before + 1, "1.00"));
    bench.look_up(NOW + 15).await;
    assert_eq!((asked(&api).await, bench.price(hour()).as_str()), (before + 2, "1.00002"));
    assert!(!bench.parse(hour()).action().summary.contains("documented"));
}

#[tokio::test]
async fn hardware_that_the_catalogue_does_not_price_has_no_price() {
    let api = JobsApi::start(standing()).await;
    let one = |entry: Value| json!({"kind": "hardware_list", "list": [{"name": "t4-small", "unitCostMicroUSD": 6_667, "unitLabel": "minute"}, entry]});
    for order in [
        json!({"kind": "no_price", "flavor": "h200"}),
        json!({"kind": "null_price", "flavor": "h200"}),
        one(json!({"name": "h200", "unitCostMicroUSD": 0, "unitLabel": "minute"})),
        one(json!({"name": "h200", "unitCostMicroUSD": 83_333, "unitLabel": "second"})),
        one(json!({"name": "h200", "unitCostUSD": 0.08, "unitLabel": "minute"})),
        // The documentation knows it, and the Hub does not list it.
        one(json!({"name": "h200x2", "unitCostMicroUSD": 166_667, "unitLabel": "minute"})),
    ] {
        let mut bench = Bench::at(&api).await;
        api.inject(order.clone()).await;
        bench.look_up(NOW).await;
        assert_eq!(bench.price(run_on("t4-small")), "0.40002", "{order}");
        assert!(bench.price(run_on("h200")).contains("`h200` is not among the prices that the Hub lists"), "{order}");
        let refused = bench.gate.admit(CallId::new("costly"), bench.parse(run_on("h200"))).await.unwrap();
        assert!(matches!(refused, Admission::Refused(_)), "{order}: what has no price fits in no cap");
    }
}

#[tokio::test]
async fn without_a_hub_and_a_token_nothing_is_asked_and_the_documented_prices_hold() {
    let api = JobsApi::start(standing()).await;
    for hub in [Hub::default(), Hub { token: None, ..hub(&api.base) }, Hub { endpoint: None, ..hub(&api.base) }] {
        let mut bench = Bench::new("yolo:5", hub).await.with_unsaid("KEY", READ_TOKEN);
        bench.look_up(NOW).await;
        assert_eq!(bench.site.hardware.list().source(), &Source::Documented);
        assert_eq!((bench.price(hour()).as_str(), api.requests("GET", "").await), ("1.00", 0));
        assert!(bench.gate.state().running.is_empty());
    }
}

#[tokio::test]
async fn a_look_up_is_bounded_when_the_hub_says_nothing() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await.with_unsaid("KEY", READ_TOKEN);
    api.inject(json!({"kind": "hold_answer", "on": "hardware"})).await;
    // It comes back although the answer never does, and everything that it wanted to know counts as not learnt.
    bench.look_up(NOW).await;
    let why = bench.site.hardware.list().source().to_string();
    assert!(why.contains("the Hub had not answered after 4 s"), "{why}");
    let job = with(hour(), json!({"secrets": ["KEY"]}));
    assert!(bench.price(job).contains("a job that holds the secret `KEY` can spend by itself"));
}

#[tokio::test]
async fn a_look_up_is_decided_about_and_recorded_like_any_other_call() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::new("plan", hub(&api.base)).await;
    bench.look_up(NOW).await;
    assert_eq!(asked(&api).await, 1);
    let text = bench.record().await;
    assert!(text.contains("look up what the hardware of jobs costs"), "{text}");
    assert!(!text.contains(TOKEN));
    assert!(bench.gate.state().running.is_empty(), "it has ended");
}

#[tokio::test]
async fn no_documented_price_is_below_what_the_hub_lists_but_for_the_rounding_of_its_minutes() {
    let api = JobsApi::start(standing()).await;
    let mut bench = Bench::at(&api).await;
    let documented = bench.site.hardware.list();
    bench.look_up(NOW).await;
    let listed = bench.site.hardware.list();
    let flavors: Vec<&str> = documented.flavors().collect();
    assert_eq!(flavors, listed.flavors().collect::<Vec<_>>());
    for flavor in flavors {
        let hour = |list: &pricing::Hardware| {
            let price = list.price_of(flavor).unwrap();
            price.usd().times_ratio_ceil(60, u64::from(price.per_minutes().get())).unwrap().picos()
        };
        let apart = (hour(&documented) - hour(&listed)).abs();
        assert!(apart <= 30_000_000, "{flavor}: {apart} pico-dollars");
    }
}
