//! Adding up what was paid for: by kind and purse, each state of money apart.
//!
//! Not here: the sums of a whole book (that is `ledger`), with which these agree.

use super::item::{Item, Kind};
use engine::Requests;
use ledger::{Line, Stage, Sums};
use money::Usd;
use policy::Purse;

/// From when on something counts, in milliseconds since 1970; a whole session counts from the beginning of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct From(pub i64);

impl From {
    /// The beginning of time.
    pub const EVER: From = From(i64::MIN);

    fn has(self, at_ms: i64) -> bool {
        at_ms >= self.0
    }
}

/// The sums of one purse, of one kind or of all. A quote counts when it was held since, and where a hold stands counts
/// when that was booked since.
pub fn sums(items: &[Item], purse: Purse, kind: Option<Kind>, from: From) -> Sums {
    let of_kind = items.iter().filter(|item| kind.is_none_or(|kind| item.kind == kind));
    let lines = of_kind.filter_map(|item| Some((item, item.line.as_ref().filter(|line| line.purse == purse)?)));
    lines.fold(Sums::default(), |sums, (item, line)| {
        let sums = if from.has(item.at_ms) { with_quote(sums, line) } else { sums };
        if from.has(item.booked_ms) { with_stage(sums, line) } else { sums }
    })
}

fn with_quote(sums: Sums, line: &Line) -> Sums {
    Sums { quoted: sums.quoted.saturating_add(line.bound.unwrap_or(Usd::ZERO)), ..sums }
}

fn with_stage(sums: Sums, line: &Line) -> Sums {
    let unbounded = sums.unbounded + usize::from(line.bound.is_none());
    match &line.stage {
        Stage::Held => Sums { held: sums.held.saturating_add(line.held()), unbounded, ..sums },
        Stage::Open(_) => Sums { open: sums.open.saturating_add(line.held()), unbounded, ..sums },
        Stage::Settled(cost) => Sums {
            settled: sums.settled.saturating_add(*cost),
            overrun: sums.overrun.saturating_add(line.overrun()),
            ..sums
        },
        Stage::Released => sums,
    }
}

/// The kinds of which there is anything in a purse.
pub fn kinds(items: &[Item], purse: Purse, from: From) -> Vec<Kind> {
    let is_there = |kind: &Kind| sums(items, purse, Some(*kind), from) != Sums::default();
    Kind::ALL.into_iter().filter(is_there).collect()
}

/// The requests to the model, added up.
pub fn requests(items: &[Item], from: From) -> Requests {
    let mut requests = Requests::default();
    let booked = items.iter().filter(|item| from.has(item.booked_ms));
    booked.filter_map(|item| item.request.as_ref()).for_each(|request| requests.add(request));
    requests
}

/// Whether anything of this was booked since.
pub fn is_booked(item: &Item, from: From) -> bool {
    from.has(item.at_ms) || from.has(item.booked_ms)
}

/// What two sums come to, state by state.
pub fn plus(one: Sums, other: Sums) -> Sums {
    Sums {
        quoted: one.quoted.saturating_add(other.quoted),
        held: one.held.saturating_add(other.held),
        open: one.open.saturating_add(other.open),
        settled: one.settled.saturating_add(other.settled),
        overrun: one.overrun.saturating_add(other.overrun),
        unbounded: one.unbounded + other.unbounded,
    }
}

/// The share of the input that was read from the service's cache, in tenths of a percent; `None` without any input.
pub fn cache_hits(usage: turn::chat::Usage) -> Option<u128> {
    (u128::from(usage.cache_read) * 1_000).checked_div(u128::from(usage.input))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Book, Entry};

    /// What was posted when.
    const POSTED: &[(&str, i64, &str)] = &[
        ("request-1", 1, "held budget 1.00"),
        ("request-1", 2, "settled 0.25"),
        ("c1", 3, "held budget 2.00"),
        ("c1", 4, "open hf-job"),
        ("c2", 5, "held metered 0.50"),
        ("c2", 6, "settled 0.75"),
        ("c3", 7, "held budget unbounded"),
        ("c4", 8, "held past-cap 10.00"),
        ("c5", 9, "held budget 4.00"),
        ("c5", 9, "released"),
        ("c6", 9, "held budget unbounded"),
        ("c6", 10, "settled 0.125"),
        ("request-7", 11, "held budget 8.00"),
    ];

    fn posted() -> (Book, Vec<Item>) {
        let (mut book, mut items) = (Book::default(), Vec::<Item>::new());
        for (hold, at_ms, text) in POSTED {
            let entry: Entry = text.parse().unwrap();
            book.post(hold, &entry).unwrap();
            match items.iter_mut().find(|item| item.hold.as_deref() == Some(hold)) {
                Some(item) => item.booked_ms = *at_ms,
                None => items.push(Item {
                    kind: match *hold {
                        "c1" | "c3" => Kind::Job,
                        hold if hold.starts_with('c') => Kind::Tool,
                        _request => Kind::Request,
                    },
                    at_ms: *at_ms,
                    booked_ms: *at_ms,
                    hold: Some((*hold).to_owned()),
                    summary: String::new(),
                    tool: None,
                    request: None,
                    line: None,
                }),
            }
        }
        for item in &mut items {
            item.line = item.hold.as_deref().and_then(|hold| book.line(hold)).cloned();
        }
        (book, items)
    }

    #[test]
    fn the_sums_by_kind_add_up_to_those_of_the_book() {
        let (book, items) = posted();
        for purse in Purse::ALL.iter().copied() {
            let by_kind = Kind::ALL.map(|kind| sums(&items, purse, Some(kind), From::EVER));
            let all = by_kind.into_iter().fold(Sums::default(), plus);
            assert_eq!(all, book.sums(purse), "{purse}");
            assert_eq!(sums(&items, purse, None, From::EVER), all, "{purse}");
        }
        assert_eq!(kinds(&items, Purse::Budget, From::EVER), [Kind::Request, Kind::Job, Kind::Tool]);
        assert_eq!(kinds(&items, Purse::PastCap, From::EVER), [Kind::Tool]);
    }

    #[test]
    fn only_what_was_booked_since_counts() {
        let (_, items) = posted();
        let budget = |from| sums(&items, Purse::Budget, None, From(from));
        // Held before and settled since: the cost counts, the quote does not.
        let from_two = budget(2);
        assert_eq!((from_two.quoted.to_string(), from_two.settled.to_string()), ("14.00".into(), "0.375".into()));
        let from_five = budget(5);
        assert_eq!((from_five.open.to_string(), from_five.unbounded), ("0.00".into(), 1));
        assert_eq!((from_five.held.to_string(), from_five.settled.to_string()), ("8.00".into(), "0.125".into()));
        assert_eq!(budget(12), Sums::default());
        assert!(is_booked(&items[0], From(2)) && !is_booked(&items[0], From(3)));
    }

    #[test]
    fn hits_of_the_cache_are_a_share_of_all_input() {
        let usage = |input, cache_read| turn::chat::Usage { input, cache_read, ..Default::default() };
        assert_eq!(cache_hits(usage(1_200, 1_000)), Some(833));
        assert_eq!((cache_hits(usage(0, 0)), cache_hits(usage(u64::MAX, u64::MAX))), (None, Some(1_000)));
    }
}
