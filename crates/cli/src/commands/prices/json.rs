//! Prices as JSON, every amount as exact text.
//!
//! Not here: where they are found.

use super::listing::of_call;
use super::page::{Flavors, Group, Origin, Page, Row};
use super::text::{origin, per_hour, per_minute};
use crate::calendar::{self, DAY_MS};
use pricing::Source;
use pricing::models::ModelPrice;
use serde_json::{Value, json};

/// The whole page as one object.
pub fn of(page: &Page, now_ms: i64) -> Value {
    let models: Vec<Value> = page.models.iter().flat_map(|group| rows(group, now_ms)).collect();
    let tools = page.tools.iter().map(|(tool, price)| json!({"name": tool, "price": of_call(price)}));
    json!({
        "models": models,
        "tools": tools.collect::<Vec<_>>(),
        "hardware": page.hardware.as_ref().map(hardware),
    })
}

fn rows(group: &Group, now_ms: i64) -> Vec<Value> {
    let source = source(&group.origin, now_ms);
    group.rows.iter().map(|row| model(row, &source)).collect()
}

fn model(row: &Row, source: &Value) -> Value {
    let price = row.price.as_ref();
    json!({
        "name": row.name,
        "aliases": row.aliases,
        "free": price.is_some_and(ModelPrice::is_free),
        "tiers": price.map(tiers),
        "context_tokens": price.and_then(ModelPrice::context_tokens),
        "max_output_tokens": price.and_then(ModelPrice::max_output_tokens),
        "source": source,
    })
}

fn tiers(price: &ModelPrice) -> Vec<Value> {
    let tier = |tier: &pricing::models::Tier| {
        let rates = tier.rates;
        json!({
            "above": tier.above,
            "input": rates.input().to_string(),
            "cached_input": rates.cache_read().to_string(),
            "cache_write": rates.cache_write().to_string(),
            "output": rates.output().to_string(),
            "reasoning": rates.reasoning().to_string(),
        })
    };
    price.tiers().iter().map(tier).collect()
}

fn source(from: &Origin, now_ms: i64) -> Value {
    let says = origin(from, now_ms);
    match from {
        Origin::Bundled { dated, url } => {
            let age = calendar::day(dated).map(|day| now_ms.div_euclid(DAY_MS) - day);
            json!({"kind": "bundled", "says": says, "dated": dated, "age_days": age, "url": url})
        }
        Origin::Router { asked_at_ms, stale_because } => {
            json!({"kind": "router", "says": says, "asked_at_ms": asked_at_ms, "stale_because": stale_because})
        }
        Origin::Configuration => json!({"kind": "configuration", "says": says}),
        Origin::Script => json!({"kind": "script", "says": says}),
    }
}

fn hardware(flavors: &Flavors) -> Value {
    let list = &flavors.list;
    let kind = match list.source() {
        Source::Documented => "documented",
        Source::Fallback(_) => "fallback",
        Source::Catalogue => "hub",
    };
    let flavor = |name: &String| {
        let price = list.price_of(name);
        json!({
            "name": name,
            "usd": price.map(|price| price.usd().to_string()),
            "minutes": price.map(|price| price.per_minutes()),
            "per_hour": price.and_then(per_hour).map(|usd| usd.to_string()),
            "per_minute": price.and_then(per_minute).map(|usd| usd.to_string()),
        })
    };
    json!({
        "source": {"kind": kind, "says": list.source().to_string()},
        "flavors": flavors.shown.iter().map(flavor).collect::<Vec<_>>(),
    })
}
