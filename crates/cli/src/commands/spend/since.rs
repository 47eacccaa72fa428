//! What all sessions have cost since a while ago: a line for each, and a total by state. What was booked before does not
//! count.
//!
//! Not here: one session call by call (that is beside this).

use super::sums::{From, is_booked, plus, requests, sums};
use super::text::{cut, name_of, table, tokens};
use super::{Bill, Form, csv, json};
use crate::commands::run::about;
use crate::draw::clean;
use crate::failure::Failure;
use crate::out::{out, outln};
use crate::stored::Stored;
use crate::wiring;
use engine::Requests;
use journal::{IfMissing, Journal, JournalError};
use ledger::Sums;
use policy::Purse;
use serde_json::{Map, Value, json};
use std::process::ExitCode;
use std::str::FromStr;

/// A while, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(i64);

/// The text is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no period; write it like `30m`, `24h`, `7d` or `2w`")]
pub struct NotAPeriod(String);

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Period, NotAPeriod> {
        let wrong = || NotAPeriod(text.to_owned());
        let unit = match text.chars().last() {
            Some('m') => 60_000,
            Some('h') => 3_600_000,
            Some('d') => 86_400_000,
            Some('w') => 7 * 86_400_000,
            Some(_) | None => return Err(wrong()),
        };
        let digits = &text[..text.len() - 1];
        let count: i64 = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten()
            .ok_or_else(wrong)?;
        count.checked_mul(unit).filter(|ms| *ms > 0).map(Period).ok_or_else(wrong)
    }
}

/// The sessions of a while, with what could not be read of them.
struct Sessions {
    from: From,
    bills: Vec<Bill>,
    unreadable: usize,
}

/// Shows them. A session whose record cannot be read is left out, which standard error and the exit status say.
pub fn run(period: Period, form: Form) -> Result<ExitCode, Failure> {
    let from = From(wiring::now_ms().saturating_sub(period.0));
    let sessions = crate::runtime()?.block_on(read(from))?;
    match form {
        Form::Text => out!("{}", text(&sessions)?),
        Form::Json => outln!("{}", as_json(&sessions)?),
        Form::Csv => {
            out!("{}", csv::HEADER);
            for bill in &sessions.bills {
                let items = bill.items.iter().filter(|item| is_booked(item, from));
                out!("{}", csv::session(&bill.stored.row.id, items));
            }
        }
    }
    Ok(if sessions.unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn read(from: From) -> Result<Sessions, Failure> {
    let mut sessions = Sessions { from, bills: Vec::new(), unreadable: 0 };
    let (_, paths) = wiring::configured()?;
    let journal = match Journal::open(&paths.database(), IfMissing::Refuse).await {
        Ok(journal) => journal,
        Err(JournalError::NotFound { .. }) => return Ok(sessions),
        Err(why) => return Err(Failure::host(why)),
    };
    let rows = journal.sessions().await.map_err(Failure::host)?;
    for row in rows.into_iter().filter(|row| row.updated_at_ms >= from.0) {
        match Stored::read(&journal, &row.id).await.and_then(Bill::of) {
            Ok(bill) if bill.items.iter().any(|item| is_booked(item, from)) => sessions.bills.push(bill),
            Ok(_) => {}
            Err(failure) => {
                sessions.unreadable += 1;
                eprintln!("remit: session `{}` is left out: {:#}", row.id, failure.cause);
            }
        }
    }
    Ok(sessions)
}

impl Sessions {
    fn total(&self, purse: Purse) -> Sums {
        let each = self.bills.iter().map(|bill| sums(&bill.items, purse, None, self.from));
        each.fold(Sums::default(), plus)
    }

    fn requests(&self) -> Requests {
        let items: Vec<_> = self.bills.iter().flat_map(|bill| bill.items.iter().cloned()).collect();
        requests(&items, self.from)
    }
}

fn text(sessions: &Sessions) -> Result<String, Failure> {
    if sessions.bills.is_empty() {
        return Ok("nothing was booked since then\n".to_owned());
    }
    let mut text = String::new();
    for bill in &sessions.bills {
        let about = about(&bill.stored.row)?;
        text.push_str(&format!("{}  {}\n", bill.stored.row.id, cut(&about.title, 66)));
        for purse in Purse::ALL.iter().copied() {
            let sums = sums(&bill.items, purse, None, sessions.from);
            if sums != Sums::default() {
                text.push_str(&format!("            {}: {}\n", name_of(purse), in_a_line(sums)));
            }
        }
        let requests = requests(&bill.items, sessions.from);
        if requests.unpriced > 0 {
            let (unpriced, count) = (requests.unpriced, requests.count);
            text.push_str(&format!("            {unpriced} of {count} requests have no price and are in no sum\n"));
        }
        text.push_str(&format!("            {}\n", clean(&about.workspace)));
    }
    let columns = Purse::ALL.iter().map(|purse| (name_of(*purse), sessions.total(*purse)));
    let columns: Vec<(&str, Sums)> = columns.filter(|(_, sums)| *sums != Sums::default()).collect();
    if !columns.is_empty() {
        text.push_str(&format!("\nall of them, in dollars\n{}", table(&columns)));
    }
    text.push_str(&tokens(&sessions.requests()));
    Ok(text)
}

/// The states in which there is anything; what was paid always.
fn in_a_line(sums: Sums) -> String {
    let states = super::text::states(sums).into_iter();
    let shown = states.filter(|(state, text)| *state == "settled" || !matches!(text.as_str(), "0.00" | "0"));
    shown.map(|(state, text)| format!("{state} {text}")).collect::<Vec<_>>().join(", ")
}

fn as_json(sessions: &Sessions) -> Result<Value, Failure> {
    let purses = |of: &dyn Fn(Purse) -> Sums| {
        let each = Purse::ALL.iter().map(|purse| (purse.to_string(), json::money(of(*purse))));
        Value::Object(Map::from_iter(each))
    };
    let lines: Result<Vec<Value>, Failure> = sessions
        .bills
        .iter()
        .map(|bill| {
            let about = about(&bill.stored.row)?;
            Ok(json!({
                "session": bill.stored.row.id.to_string(),
                "workspace": about.workspace,
                "model": about.model,
                "title": about.title,
                "money": purses(&|purse| sums(&bill.items, purse, None, sessions.from)),
                "requests": json::of_requests(&requests(&bill.items, sessions.from)),
            }))
        })
        .collect();
    Ok(json!({
        "since_ms": sessions.from.0,
        "sessions": lines?,
        "total": {
            "money": purses(&|purse| sessions.total(purse)),
            "requests": json::of_requests(&sessions.requests()),
        },
        "unreadable": sessions.unreadable,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_a_unit() {
        for (text, minutes) in [("30m", 30), ("24h", 1_440), ("7d", 10_080), ("2w", 20_160)] {
            assert_eq!(text.parse(), Ok(Period(minutes * 60_000)), "{text}");
        }
        for text in
            ["", "d", "7", "0d", "-1d", "+1d", "1.5h", "7 d", "7D", "7é", "99999999999999999w", "9223372036854775807w"]
        {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod(text.to_owned())), "{text}");
        }
    }
}
