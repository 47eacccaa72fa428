//! What a session has cost, as a person reads it: exact amounts, eighty columns where they allow it.
//!
//! Not here: adding it up.

use super::Bill;
use super::item::Item;
use super::sums::{From, cache_hits, kinds, requests, sums};
use crate::calendar;
use crate::commands::prices::grouped;
use crate::commands::run::about;
use crate::draw::clean;
use crate::failure::Failure;
use engine::Requests;
use ledger::Sums;
use money::Usd;
use policy::Purse;

/// How many columns there are.
const COLUMNS: usize = 80;
/// How many calls a run ends with; `remit spend` has them all.
const CALLS_AT_THE_END: usize = 12;
/// What stands under the time of a call.
const INDENT: &str = "                  ";

/// One session.
pub fn session(bill: &Bill) -> Result<String, Failure> {
    let about = about(&bill.stored.row)?;
    let state = &bill.replayed.state;
    let mut text = format!("{}  {}\n", bill.stored.row.id, engine::bill::chip(state.mode, state));
    text.push_str(&format!("{}\n", cut(&about.title, COLUMNS)));
    if bill.items.is_empty() {
        text.push_str("\nnothing was asked or paid for\n");
        return Ok(text);
    }
    for purse in Purse::ALL.iter().copied() {
        text.push_str(&by_kind(&bill.items, purse));
    }
    let paid: Vec<String> = bill.items.iter().filter(|item| item.line.is_some()).map(call).collect();
    if !paid.is_empty() {
        text.push_str(&format!("\ncall by call, in universal time\n{}", paid.concat()));
    }
    text.push_str(&tokens(&requests(&bill.items, From::EVER)));
    Ok(text)
}

/// What was paid for in a session, as a run ends with it; nothing where nothing was.
pub fn at_the_end(bill: &Bill) -> String {
    // Where there is but one kind, the run has said its sums already.
    let of_several = Purse::ALL.iter().filter(|purse| kinds(&bill.items, **purse, From::EVER).len() > 1);
    let tables = of_several.map(|purse| by_kind(&bill.items, *purse)).collect::<String>();
    let calls: Vec<&Item> = bill.items.iter().filter(|item| item.line.is_some() && !item.kind.is_request()).collect();
    let mut text = tables;
    if !calls.is_empty() {
        text.push('\n');
        text.extend(calls.iter().take(CALLS_AT_THE_END).map(|item| call(item)));
    }
    if bill.items.iter().any(|item| item.line.is_some()) {
        let id = &bill.stored.row.id;
        text.push_str(&format!("\neach call and each request: remit spend {id}\n"));
    }
    text
}

/// What a purse is for a person.
pub fn name_of(purse: Purse) -> &'static str {
    match purse {
        Purse::Budget => "in YOLO",
        Purse::Metered => "in Plan and Agent",
        Purse::PastCap => "allowed past the cap",
    }
}

/// The states of sums, each in a line of its own.
pub fn states(sums: Sums) -> [(&'static str, String); 6] {
    let Sums { quoted, held, open, settled, overrun, unbounded } = sums;
    [
        ("quoted", quoted.to_string()),
        ("held", held.to_string()),
        ("open", open.to_string()),
        ("settled", settled.to_string()),
        ("overrun", overrun.to_string()),
        ("unbounded", unbounded.to_string()),
    ]
}

/// A table with a column for each kind and a line for each state; nothing where nothing happened.
fn by_kind(items: &[Item], purse: Purse) -> String {
    let kinds = kinds(items, purse, From::EVER);
    if kinds.is_empty() {
        return String::new();
    }
    let mut columns: Vec<(&str, Sums)> =
        kinds.iter().map(|kind| (kind.heading(), sums(items, purse, Some(*kind), From::EVER))).collect();
    if columns.len() > 1 {
        columns.push(("all", sums(items, purse, None, From::EVER)));
    }
    format!("\n{}, in dollars\n{}", name_of(purse), table(&columns))
}

/// Columns of sums, as many side by side as fit.
pub fn table(columns: &[(&str, Sums)]) -> String {
    let columns: Vec<Vec<String>> = columns
        .iter()
        .map(|(head, sums)| [(*head).to_owned()].into_iter().chain(states(*sums).map(|(_, text)| text)).collect())
        .collect();
    let labels: Vec<&str> = [""].into_iter().chain(states(Sums::default()).map(|(label, _)| label)).collect();
    let (mut text, mut rest) = (String::new(), columns.as_slice());
    while !rest.is_empty() {
        let widths: Vec<usize> =
            rest.iter().map(|cells| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0)).collect();
        let label_width = 11;
        let mut room = COLUMNS - label_width;
        let fits = widths.iter().take_while(|width| {
            let needed = **width + 2;
            room.checked_sub(needed).map(|left| room = left).is_some()
        });
        let count = fits.count().max(1);
        for (line, label) in labels.iter().enumerate() {
            let cells = rest[..count].iter().zip(&widths).map(|(cells, width)| format!("  {:>width$}", cells[line]));
            let cells: String = cells.collect();
            text.push_str(&format!("  {label:<9}{cells}\n"));
        }
        rest = &rest[count..];
    }
    text
}

/// One paid call: when and what, and below it the money.
fn call(item: &Item) -> String {
    let head = format!("{}  {}", calendar::moment(item.at_ms), cut(&item.summary, COLUMNS - INDENT.len()));
    let Some(line) = &item.line else { return format!("{head}\n") };
    let mut parts = vec![match line.bound {
        Some(bound) => format!("quoted {bound}"),
        None => "no bound".to_owned(),
    }];
    parts.push(match line.spent() {
        Usd::ZERO => item.state().to_owned(),
        cost => format!("settled {cost}"),
    });
    if line.overrun() != Usd::ZERO {
        parts.push(format!("overrun {}", line.overrun()));
    }
    parts.push(name_of(line.purse).to_owned());
    format!("{head}\n{INDENT}{}\n", parts.join(", "))
}

/// What the service counted, and what its cache did.
pub fn tokens(requests: &Requests) -> String {
    if requests.count == 0 {
        return String::new();
    }
    let usage = requests.usage;
    let mut text = format!(
        "\ntokens: {} in (cached {}, written to the cache {}), {} out (reasoning {})\n",
        grouped(usage.input),
        grouped(usage.cache_read),
        grouped(usage.cache_write),
        grouped(usage.output),
        grouped(usage.reasoning)
    );
    if let Some(hits) = cache_hits(usage) {
        let saved = requests.saved;
        text.push_str(&format!("cache: {}.{} % of the input, which saved ${saved}\n", hits / 10, hits % 10));
    }
    let plural = if requests.count == 1 { "" } else { "s" };
    text.push_str(&format!("{} request{plural} to the model", requests.count));
    if requests.unpriced > 0 {
        text.push_str(&format!(", {} without a price and in no sum", requests.unpriced));
    }
    text.push('\n');
    text
}

/// The first line of somebody else's text, as far as there is room.
pub fn cut(text: &str, room: usize) -> String {
    let line = clean(text.lines().next().unwrap_or_default()).replace('\t', " ");
    match line.char_indices().nth(room) {
        Some(_) => format!("{}…", line.chars().take(room - 1).collect::<String>()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_stand_below() {
        let long: Usd = "9223372.036854775807".parse().unwrap();
        let sums = Sums { quoted: long, settled: long, ..Sums::default() };
        let columns = ["requests", "summaries", "jobs", "other tools", "all"].map(|head| (head, sums));
        let text = table(&columns);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(text.matches("9223372.036854775807").count(), 10, "{text}");
        assert_eq!(text.matches("unbounded").count(), 2, "{text}");
        assert_eq!(table(&columns[..1]).lines().count(), 7);
    }

    #[test]
    fn a_text_is_cut_at_the_room_there_is() {
        assert_eq!(cut("abc\ndef", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("a\x1b[2J\tb", 10), "a[2J b");
    }
}
