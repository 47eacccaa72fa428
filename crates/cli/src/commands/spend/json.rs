//! What sessions have cost, as JSON; `docs/money.md` describes it.
//!
//! Not here: adding it up.

use super::Bill;
use super::item::Item;
use super::sums::{From, cache_hits, kinds, requests, sums};
use crate::commands::run::about;
use crate::failure::Failure;
use engine::{Requests, bill};
use ledger::Sums;
use money::Usd;
use policy::Purse;
use serde_json::{Value, json};

/// One session.
pub fn session(bill: &Bill) -> Result<Value, Failure> {
    let about = about(&bill.stored.row)?;
    let state = &bill.replayed.state;
    let requests = requests(&bill.items, From::EVER);
    let kinds = Purse::ALL.iter().copied().flat_map(|purse| by_kind(&bill.items, purse));
    Ok(json!({
        "session": bill.stored.row.id.to_string(),
        "workspace": about.workspace,
        "model": about.model,
        "title": about.title,
        "mode": state.mode.to_string(),
        "spend": bill::spend(state, &bill.replayed.requests),
        "kinds": kinds.collect::<Vec<_>>(),
        "calls": bill.items.iter().map(call).collect::<Vec<_>>(),
        "requests": of_requests(&requests),
    }))
}

fn by_kind(items: &[Item], purse: Purse) -> Vec<Value> {
    let of = |kind| {
        let sums = sums(items, purse, Some(kind), From::EVER);
        json!({"kind": kind.to_string(), "purse": purse.to_string(), "money": money(sums)})
    };
    kinds(items, purse, From::EVER).into_iter().map(of).collect()
}

/// The states of a sum, each apart.
pub fn money(sums: Sums) -> Value {
    let Sums { quoted, held, open, settled, overrun, unbounded } = sums;
    json!({
        "quoted": quoted.to_string(),
        "held": held.to_string(),
        "open": open.to_string(),
        "settled": settled.to_string(),
        "overrun": overrun.to_string(),
        "unbounded": unbounded,
    })
}

/// The requests to the model, added up.
pub fn of_requests(requests: &Requests) -> Value {
    json!({
        "count": requests.count,
        "unpriced": requests.unpriced,
        "tokens": bill::tokens(requests.usage),
        "cache_hit_permille": cache_hits(requests.usage).map(|hits| u64::try_from(hits).unwrap_or(u64::MAX)),
        "saved": requests.saved.to_string(),
    })
}

fn call(item: &Item) -> Value {
    let (line, request) = (item.line.as_ref(), item.request.as_ref());
    let text = |usd: Usd| usd.to_string();
    json!({
        "at_ms": item.at_ms,
        "booked_ms": item.booked_ms,
        "kind": item.kind.to_string(),
        "hold": item.hold,
        "summary": item.summary,
        "tool": item.tool,
        "model": request.map(|request| &request.model),
        "purse": line.map(|line| line.purse.to_string()),
        "state": item.state(),
        "quoted": line.and_then(|line| line.bound).map(text),
        "settled": line.map(|line| text(line.spent())),
        "overrun": line.map(|line| text(line.overrun())),
        "tokens": request.and_then(|request| request.usage).map(bill::tokens),
        "saved": request.and_then(|request| request.saved).map(text),
    })
}
