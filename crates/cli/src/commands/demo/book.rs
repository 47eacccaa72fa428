//! The money of a played demo, reckoned anew from the session's record, line by line.
//!
//! Not here: the ledger's code, or the gate's. This reads the lines as a person would who checks them with a pencil, so that
//! a mistake in how they are added up is seen.

use money::Usd;
use serde_json::Value;

/// What the names of the holds for requests to the model begin with.
const REQUEST: &str = "request-";

/// Every hold of a session, and the most that was ever spent and held of its budget.
#[derive(Clone, Debug, Default)]
pub struct Book {
    holds: Vec<Hold>,
    /// The most that was spent and held in YOLO at any moment.
    pub most_used: i128,
    /// Each line that cannot be: unreadable, of nothing that is held, or of something that has ended.
    pub wrong: Vec<String>,
}

/// One hold, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The call or the request that it is for.
    pub name: String,
    /// Whose money it is: `budget`, `metered` or `past-cap`.
    pub purse: String,
    /// What was held; `None` without a bound.
    pub held: Option<Usd>,
    /// What it settled at; `None` while it goes on.
    pub settled: Option<Usd>,
}

impl Hold {
    /// Whether it is for a request to the model.
    fn is_request(&self) -> bool {
        self.name.starts_with(REQUEST)
    }

    /// What it takes from the budget, in pico-dollars.
    fn used(&self) -> i128 {
        let now = self.settled.or(self.held).unwrap_or(Usd::ZERO);
        if self.purse == "budget" { i128::from(now.picos()) } else { 0 }
    }
}

impl Book {
    /// Reads the gate's records, in order.
    pub fn read<'a>(records: impl IntoIterator<Item = &'a str>) -> Book {
        let mut book = Book::default();
        for record in records {
            let lines = lines(record);
            let posted = lines.and_then(|lines| lines.iter().try_for_each(|(name, line)| book.post(name, line)));
            if posted.is_none() {
                book.wrong.push(record.to_owned());
            }
            let used = book.holds.iter().map(Hold::used).sum();
            book.most_used = book.most_used.max(used);
        }
        book
    }

    /// Posts one line; `None` when it cannot be.
    fn post(&mut self, name: &str, line: &str) -> Option<()> {
        let known = self.holds.iter_mut().find(|hold| hold.name == name);
        if let Some(held) = line.strip_prefix("held ") {
            let (purse, amount) = held.split_once(' ')?;
            let held = if amount == "unbounded" { None } else { Some(amount.parse().ok()?) };
            let hold = Hold { name: name.to_owned(), purse: purse.to_owned(), held, settled: None };
            return known.is_none().then(|| self.holds.push(hold));
        }
        let hold = known.filter(|hold| hold.settled.is_none())?;
        match line.strip_prefix("settled ") {
            Some(cost) => hold.settled = Some(cost.parse().ok()?),
            None if line == "released" => hold.settled = Some(Usd::ZERO),
            None => line.starts_with("open ").then_some(())?,
        }
        Some(())
    }

    /// The holds for requests to the model, in order.
    pub fn requests(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter().filter(|hold| hold.is_request())
    }

    /// What was held for requests to the model, and what they settled at.
    pub fn words(&self) -> Sums {
        Sums::of(self.requests())
    }

    /// What was held for calls, and what they settled at.
    pub fn calls(&self) -> Sums {
        Sums::of(self.holds.iter().filter(|hold| !hold.is_request()))
    }
}

/// What some of the holds come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What was held at first.
    pub quoted: Usd,
    /// What it settled at.
    pub settled: Usd,
}

impl Sums {
    fn of<'a>(holds: impl Iterator<Item = &'a Hold>) -> Sums {
        holds.fold(Sums::default(), |sums, hold| Sums {
            quoted: sums.quoted.saturating_add(hold.held.unwrap_or_default()),
            settled: sums.settled.saturating_add(hold.settled.unwrap_or_default()),
        })
    }
}

/// The lines that one record posts, each with the name of its hold; `None` when it cannot be read.
fn lines(record: &str) -> Option<Vec<(String, String)>> {
    let record: Value = serde_json::from_str(record).ok()?;
    let (name, line) = match record["event"].as_str()? {
        "decided" => ("call", "hold"),
        "ended" => ("call", "entry"),
        "posted" => ("hold", "entry"),
        _ => return Some(Vec::new()),
    };
    let name = record[name].as_str()?.to_owned();
    match &record[line] {
        Value::Null => Some(Vec::new()),
        line => Some(vec![(name, line.as_str()?.to_owned())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn holds_and_what_became_of_them_are_read_in_order() {
        let book = Book::read([
            r#"{"event":"opened","mode":"yolo:5.00"}"#,
            r#"{"event":"posted","hold":"request-1","entry":"held budget 0.02"}"#,
            r#"{"event":"posted","hold":"request-1","entry":"settled 0.001"}"#,
            r#"{"event":"decided","call":"c1","outcome":"run","hold":"held budget 0.50"}"#,
            r#"{"event":"decided","call":"c2","outcome":"run","hold":"held past-cap 9"}"#,
            r#"{"event":"decided","call":"c3","outcome":"run","hold":null}"#,
            r#"{"event":"decided","call":"c4","outcome":"run","hold":"held budget unbounded"}"#,
            r#"{"event":"ended","call":"c4","entry":"open hf-schedule ns=a"}"#,
            r#"{"event":"ended","call":"c1","entry":"settled 0.10"}"#,
            r#"{"event":"ended","call":"c3","entry":null}"#,
            r#"{"event":"posted","hold":"request-6","entry":"held metered 0.03"}"#,
            r#"{"event":"posted","hold":"request-6","entry":"released"}"#,
        ]);
        assert_eq!(book.wrong, Vec::<String>::new());
        assert_eq!(book.most_used, 501_000_000_000);
        let settled: Vec<Option<Usd>> = book.requests().map(|hold| hold.settled).collect();
        assert_eq!(settled, [Some(usd("0.001")), Some(Usd::ZERO)]);
        assert_eq!(book.words(), Sums { quoted: usd("0.05"), settled: usd("0.001") });
        assert_eq!(book.calls(), Sums { quoted: usd("9.50"), settled: usd("0.10") });
    }

    #[test]
    fn a_line_that_cannot_be_is_kept() {
        let held = r#"{"event":"posted","hold":"request-1","entry":"held budget 0.02"}"#;
        let settled = r#"{"event":"posted","hold":"request-1","entry":"settled 0.001"}"#;
        for (records, wrong) in [
            (vec![held, held], held),
            (vec![settled], settled),
            (vec![held, settled, settled], settled),
            (vec!["{"], "{"),
            (
                vec![r#"{"event":"posted","hold":"x","entry":"paid 1"}"#],
                r#"{"event":"posted","hold":"x","entry":"paid 1"}"#,
            ),
        ] {
            assert_eq!(Book::read(records).wrong, [wrong]);
        }
    }
}
