//! The page of a session's money: what it went to, when, and call by call; the states of money apart.
//!
//! Not here: any sum that the session does not keep itself, but for the heights of a chart.

use crate::page::conversation::Conversation;
use crate::page::frame::Frame;
use crate::page::head::picos;
use crate::page::text::line;
use crate::page::when;
use maud::{Markup, html};
use serde_json::Value;
use wire::{Money, Spend};

/// One entry: a request to the model, or a call that was paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendEntry {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// When, in words.
    pub when: String,
    /// What kind: `model`, `job`, the tool's name.
    pub kind: String,
    /// What it was, in a line.
    pub what: String,
    /// `held`, `settled`, `released`, `open` or `unbounded`.
    pub state: String,
    /// The amount in US dollars; absent where there is none.
    pub amount: Option<String>,
    /// Where it counts: `budget`, `metered` or `past cap`.
    pub purse: String,
}

/// The page.
pub fn spend_page(of: &Conversation, spend: &Spend, entries: &[SpendEntry]) -> Frame {
    Frame {
        title: "Spend \u{b7} Remit".to_owned(),
        main: html! {
            div.column.wide {
                p { a href={ "/s/" (of.about.id) } { "\u{2190} " @if of.about.title.is_empty() { "the session" } @else { (line(&of.about.title)) } } }
                h1 { "Spend" }
                p.chip-line { span.chip { (line(&of.chip)) } }
                (sums(spend))
                (charts(entries))
                (table(entries))
            }
        },
        ..Frame::default()
    }
}

/// Every state of money in its own cell; nothing is added up.
fn sums(spend: &Spend) -> Markup {
    let rows: [(&str, &Money); 3] = [
        ("In YOLO: counts against the cap", &spend.budget),
        ("In Plan and Agent: metered", &spend.metered),
        ("Allowed past the cap", &spend.past_cap),
    ];
    html! {
        div.table tabindex="0" role="group" aria-label="The states of money" {
            table.money {
                thead { tr {
                    th scope="col" { "" span.sr { "Where it counts" } }
                    @for name in ["Quoted", "Held", "Open", "Settled", "Overrun", "Unbounded"] { th.right scope="col" { (name) } }
                } }
                tbody { @for (name, money) in rows { tr {
                    th scope="row" { (name) }
                    @for amount in [&money.quoted, &money.held, &money.open, &money.settled, &money.overrun] { td.right { "$" (line(amount)) } }
                    td.right { (money.unbounded) }
                } } }
            }
        }
        p.hint {
            @if let (Some(cap), Some(left)) = (&spend.cap, &spend.left) { "$" (line(left)) " of the cap of $" (line(cap)) " is left. " }
            (spend.requests) @if spend.requests == 1 { " request" } @else { " requests" } " to the model"
            @if spend.unpriced > 0 { ", " (spend.unpriced) " of them without a price, which are in no sum" }
            "; its cache saved $" (line(&spend.saved)) "."
        }
    }
}

/// What is settled, by kind and over time.
fn charts(entries: &[SpendEntry]) -> Markup {
    let mut settled: Vec<(i64, &str, i128)> = entries
        .iter()
        .filter(|entry| entry.state == "settled")
        .filter_map(|entry| Some((entry.at_ms, entry.kind.as_str(), picos(entry.amount.as_deref()?)?)))
        .filter(|(_, _, amount)| *amount > 0)
        .collect();
    if settled.is_empty() {
        return html! { p.empty { "Nothing was paid for yet." } };
    }
    settled.sort_by_key(|(at, _, _)| *at);
    html! {
        div.charts {
            figure { figcaption { "Settled, by kind" } (by_kind(&settled)) }
            figure { figcaption { "Settled, over time" } (over_time(&settled)) }
        }
    }
}

/// How many kinds have a bar; the rest share one.
const MOST_KINDS: usize = 6;

fn by_kind(settled: &[(i64, &str, i128)]) -> Markup {
    let mut kinds: Vec<(String, i128)> = Vec::new();
    for (_, kind, amount) in settled {
        match kinds.iter_mut().find(|(name, _)| name == kind) {
            Some((_, sum)) => *sum += amount,
            None => kinds.push(((*kind).to_owned(), *amount)),
        }
    }
    kinds.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
    if kinds.len() > MOST_KINDS {
        let rest = kinds.split_off(MOST_KINDS - 1).iter().map(|(_, sum)| sum).sum();
        kinds.push(("others".to_owned(), rest));
    }
    let most = kinds.first().map_or(1, |(_, sum)| *sum).max(1);
    let words: Vec<String> = kinds.iter().map(|(name, sum)| format!("{} ${}", line(name), dollars(*sum))).collect();
    let height = kinds.len() * 34;
    html! {
        svg.chart.bars viewBox={ "0 0 400 " (height) } role="img" aria-label={ "By kind: " (words.join(", ")) } {
            @for (at, (_, sum)) in kinds.iter().enumerate() {
                text.bar-name x="0" y=(at * 34 + 12) { (words[at]) }
                rect.bar-all x="0" y=(at * 34 + 18) width="400" height="8" rx="2" {}
                rect.bar-gone x="0" y=(at * 34 + 18) width=((sum * 400 / most).max(2)) height="8" rx="2" {}
            }
        }
    }
}

fn over_time(settled: &[(i64, &str, i128)]) -> Markup {
    let (first, last) = (settled[0].0, settled[settled.len() - 1].0);
    let span = i128::from((last - first).max(1));
    let all: i128 = settled.iter().map(|(_, _, amount)| amount).sum();
    let (mut sum, mut path) = (0, "M0 150".to_owned());
    for (at, _, amount) in settled {
        let x = i128::from(at - first) * 380 / span;
        let before = 150 - sum * 140 / all.max(1);
        sum += amount;
        path.push_str(&format!(" L{x} {before} L{x} {}", 150 - sum * 140 / all.max(1)));
    }
    path.push_str(&format!(" L400 {}", 150 - sum * 140 / all.max(1)));
    html! {
        svg.chart.line viewBox="0 0 400 152" role="img" aria-label={ "Over time: $" (dollars(all)) " in all, in " (settled.len()) " steps" } {
            line.axis x1="0" y1="150.5" x2="400" y2="150.5" {}
            path.area d={ (path) " L400 150 Z" } {}
            path.stroke d=(path) {}
            text.bar-name x="4" y="14" { "$" (dollars(all)) }
        }
    }
}

/// An amount to the hundredth of a cent, rounded up; the exact one stands in the table.
fn dollars(picos: i128) -> String {
    let units = (picos + 99_999_999) / 100_000_000;
    format!("{}.{:04}", units / 10_000, units % 10_000)
}

fn table(entries: &[SpendEntry]) -> Markup {
    html! {
        h2 { "Call by call" }
        div.table tabindex="0" role="group" aria-label="Call by call" {
            table.entries {
                thead { tr { @for name in ["When (UTC)", "Kind", "What", "State", "Counts"] { th scope="col" { (name) } } th.right scope="col" { "Amount" } } }
                tbody { @for entry in entries { tr {
                    td.when { (entry.when) }
                    td { (line(&entry.kind)) }
                    td.what { (line(&entry.what)) }
                    td data-money=(entry.state) { (line(&entry.state)) }
                    td { (line(&entry.purse)) }
                    td.right { @match &entry.amount { Some(amount) => { "$" (line(amount)) }, None => { "\u{2014}" } } }
                } } }
            }
        }
    }
}

/// The entries of a session as `remit spend --json` has them.
pub fn entries_of(told: &Value) -> Vec<SpendEntry> {
    let entry = |call: &Value| {
        let word = |name: &str| call.get(name).and_then(Value::as_str).map(str::to_owned);
        let at_ms = call.get("at_ms").and_then(Value::as_i64).unwrap_or_default();
        let settled = word("settled").filter(|amount| picos(amount) != Some(0));
        SpendEntry {
            at_ms,
            when: when::utc(at_ms),
            kind: word("kind").unwrap_or_default(),
            what: word("summary").unwrap_or_default(),
            state: word("state").unwrap_or_default(),
            amount: settled.or_else(|| word("quoted")),
            purse: word("purse").unwrap_or_default(),
        }
    };
    told.get("calls").and_then(Value::as_array).into_iter().flatten().map(entry).collect()
}
