//! The money of a session as surfaces show it.
//!
//! Not here: the sums themselves (that is `ledger`).

use crate::record::{self, RecordError};
use crate::requests::Requests;
use gate::State;
use journal::Record;
use ledger::Sums;
use money::Usd;
use policy::{Mode, Price, Purse, Why};
use turn::Limits;
use turn::chat::Usage;
use wire::{Money, Spend, Tokens};

/// The sums of a session, each apart.
pub fn spend(state: &State, requests: &Requests) -> Spend {
    let funds = state.book.funds();
    let cap = state.mode.limit();
    Spend {
        cap: cap.map(|cap| cap.to_string()),
        left: cap.map(|cap| funds.left(cap).to_string()),
        budget: money(state.book.sums(Purse::Budget)),
        metered: money(state.book.sums(Purse::Metered)),
        past_cap: money(state.book.sums(Purse::PastCap)),
        requests: requests.count,
        unpriced: requests.unpriced,
        saved: requests.saved.to_string(),
    }
}

fn money(sums: Sums) -> Money {
    Money {
        quoted: sums.quoted.to_string(),
        held: sums.held.to_string(),
        open: sums.open.to_string(),
        settled: sums.settled.to_string(),
        overrun: sums.overrun.to_string(),
        unbounded: sums.unbounded,
    }
}

/// The mode with what is left, and what has no bound beside it: `YOLO $3.20 of $5.00 + 1 unbounded`.
pub fn chip(mode: Mode, state: &State) -> String {
    let unbounded = Purse::ALL.iter().map(|purse| state.book.sums(*purse).unbounded).sum::<usize>();
    let chip = mode.chip(&state.book.funds());
    if unbounded == 0 { chip } else { format!("{chip} + {unbounded} unbounded") }
}

/// The least cap, in whole dollars, under which something would run that costs more than is left of the cap.
pub fn raise_to(why: Why, price: &Price, state: &State) -> Option<Usd> {
    let (Why::OverCap, Price::AtMost(most)) = (why, price) else { return None };
    let funds = state.book.funds();
    let wanted = funds.spent.checked_add(funds.held)?.checked_add(*most)?;
    let dollars = wanted.picos().checked_add(DOLLAR - 1)? / DOLLAR;
    Usd::from_picos(dollars.checked_mul(DOLLAR)?)
}

/// A dollar, in pico-dollars.
const DOLLAR: i64 = 1_000_000_000_000;

/// How a session stands, for whoever asks.
pub fn status(state: &State, requests: &Requests) -> wire::ControlReply {
    let (mode, chip) = (state.mode.to_string(), chip(state.mode, state));
    wire::ControlReply::Status { mode, chip, spend: spend(state, requests) }
}

/// How a stored session stands, for whoever asks.
pub fn of_record(records: &[Record]) -> Result<wire::ControlReply, RecordError> {
    let replayed = record::replay(records, Limits::default())?;
    Ok(status(&replayed.state, &replayed.requests))
}

/// Tokens as they cross the border.
pub fn tokens(usage: Usage) -> Tokens {
    Tokens {
        input: usage.input,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        output: usage.output,
        reasoning: usage.reasoning,
    }
}
