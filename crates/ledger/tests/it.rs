//! The laws of the ledger.

use ledger::{Book, Entry, Line, Misposted, Stage, carve};
use money::Usd;
use policy::{Cap, Funds, Purse};
use proptest::prelude::*;

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn book(entries: &[(&str, Entry)]) -> Book {
    let mut book = Book::default();
    for (name, entry) in entries {
        book.post(name, entry).unwrap();
    }
    book
}

fn hold(purse: Purse, amount: &str) -> Entry {
    Entry::Held(purse, Some(usd(amount)))
}

#[test]
fn a_hold_counts_until_it_is_settled_or_released() {
    let mut book = book(&[("a", hold(Purse::Budget, "2")), ("b", hold(Purse::Budget, "1"))]);
    assert_eq!(book.funds(), Funds { spent: Usd::ZERO, held: usd("3") });
    book.post("a", &Entry::Settled(usd("0.5"))).unwrap();
    assert_eq!(book.funds(), Funds { spent: usd("0.5"), held: usd("1") });
    book.post("b", &Entry::Released).unwrap();
    assert_eq!(book.funds(), Funds { spent: usd("0.5"), held: Usd::ZERO });
}

#[test]
fn an_open_hold_counts_in_full_and_is_shown_apart() {
    let mut book = book(&[("a", hold(Purse::Budget, "2")), ("a", Entry::LeftOpen("job 1".into()))]);
    let sums = book.sums(Purse::Budget);
    assert_eq!((sums.held, sums.open, sums.quoted), (Usd::ZERO, usd("2"), usd("2")));
    assert_eq!(book.funds().held, usd("2"));
    assert_eq!(book.unended().count(), 1);
    book.post("a", &Entry::Settled(usd("1"))).unwrap();
    assert_eq!(book.funds(), Funds { spent: usd("1"), held: Usd::ZERO });
    assert_eq!(book.unended().count(), 0);
}

#[test]
fn a_cost_beyond_its_hold_is_booked_whole_as_an_overrun() {
    let book = book(&[("a", hold(Purse::Budget, "2")), ("a", Entry::Settled(usd("3")))]);
    let sums = book.sums(Purse::Budget);
    assert_eq!((sums.settled, sums.overrun), (usd("3"), usd("1")));
    assert_eq!(book.funds().spent, usd("3"));
}

#[test]
fn something_without_a_bound_is_listed_and_never_added_as_zero() {
    let mut book = book(&[("a", Entry::Held(Purse::Budget, None)), ("a", Entry::LeftOpen("schedule 1".into()))]);
    let sums = book.sums(Purse::Budget);
    assert_eq!((sums.unbounded, sums.held, sums.open, sums.settled), (1, Usd::ZERO, Usd::ZERO, Usd::ZERO));
    book.post("a", &Entry::Settled(usd("0.25"))).unwrap();
    let sums = book.sums(Purse::Budget);
    assert_eq!((sums.unbounded, sums.settled, sums.overrun), (0, usd("0.25"), Usd::ZERO));
}

#[test]
fn what_is_metered_or_past_the_cap_never_eats_the_budget() {
    let book = book(&[
        ("a", hold(Purse::Metered, "2")),
        ("b", hold(Purse::PastCap, "10")),
        ("b", Entry::Settled(usd("9"))),
        ("c", hold(Purse::Budget, "1")),
    ]);
    assert_eq!(book.funds(), Funds { spent: Usd::ZERO, held: usd("1") });
    assert_eq!(book.sums(Purse::PastCap).settled, usd("9"));
    assert_eq!(book.sums(Purse::Metered).held, usd("2"));
}

#[test]
fn nothing_is_held_or_settled_that_cannot_be() {
    let mut book = book(&[("a", hold(Purse::Budget, "1")), ("b", hold(Purse::Budget, "1")), ("b", Entry::Released)]);
    let before = book.clone();
    let wrong = [
        ("a", hold(Purse::Budget, "1"), Misposted::HeldTwice("a".into())),
        ("b", hold(Purse::Budget, "1"), Misposted::HeldTwice("b".into())),
        ("x", Entry::Released, Misposted::NoSuchHold("x".into())),
        ("b", Entry::Settled(usd("1")), Misposted::AlreadyEnded("b".into())),
        ("b", Entry::LeftOpen("r".into()), Misposted::AlreadyEnded("b".into())),
    ];
    for (id, entry, why) in wrong {
        assert!(why.to_string().contains(id), "{why}");
        assert_eq!(book.post(id, &entry), Err(why));
    }
    assert_eq!(book, before, "what cannot be posted changes nothing");
}

#[test]
fn a_line_reads_back_as_it_was_written() {
    for entry in [
        hold(Purse::Budget, "1.5"),
        hold(Purse::Metered, "0"),
        Entry::Held(Purse::PastCap, None),
        Entry::Settled(usd("0.000000000001")),
        Entry::Released,
        Entry::LeftOpen("hf job a/b c".into()),
        Entry::LeftOpen(String::new()),
    ] {
        assert_eq!(entry.to_string().parse(), Ok(entry));
    }
    for wrong in [
        "",
        "held",
        "held budget",
        "held pocket 1.00",
        "settled",
        "settled x",
        "settled 1 2",
        "released now",
        "charged 1",
    ] {
        let why = wrong.parse::<Entry>().unwrap_err().to_string();
        assert!(why.contains(wrong), "{why}");
    }
}

#[test]
fn the_lines_can_be_listed_and_looked_up() {
    let book = book(&[("a", hold(Purse::Budget, "1")), ("b", hold(Purse::Budget, "2"))]);
    let expected = Line { purse: Purse::Budget, bound: Some(usd("2")), stage: Stage::Held };
    assert_eq!(book.line("b"), Some(&expected));
    assert_eq!(book.line("c"), None);
    let names: Vec<String> = book.lines().map(|(id, _)| id.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_child_never_exceeds_its_parent() {
    let funds = Funds { spent: usd("2"), held: usd("1") };
    assert_eq!(carve(Cap::Limited(usd("5")), &funds, None), Cap::Limited(usd("2")));
    assert_eq!(carve(Cap::Limited(usd("5")), &funds, Some(usd("1"))), Cap::Limited(usd("1")));
    assert_eq!(carve(Cap::Limited(usd("5")), &funds, Some(usd("9"))), Cap::Limited(usd("2")));
    assert_eq!(carve(Cap::Uncapped, &funds, Some(usd("9"))), Cap::Limited(usd("9")));
    assert_eq!(carve(Cap::Uncapped, &funds, None), Cap::Uncapped);
}

/// Any entry for one of a few holds, possible or not.
fn entries() -> impl Strategy<Value = Vec<(u8, Entry)>> {
    let amount = (0i64..5_000_000_000_000).prop_map(|picos| Usd::from_picos(picos).unwrap());
    let purse = prop_oneof![Just(Purse::Budget), Just(Purse::Metered), Just(Purse::PastCap)];
    let entry = prop_oneof![
        3 => (purse, proptest::option::weighted(0.8, amount.clone())).prop_map(|(purse, bound)| Entry::Held(purse, bound)),
        2 => amount.prop_map(Entry::Settled),
        1 => Just(Entry::Released),
        1 => Just(Entry::LeftOpen("r".into())),
    ];
    proptest::collection::vec((0u8..6, entry), 0..60)
}

proptest! {
    #[test]
    fn the_sums_are_the_entries_and_nothing_settles_twice(entries in entries()) {
        let mut book = Book::default();
        let mut ended = std::collections::BTreeSet::new();
        let mut settled = Usd::ZERO;
        for (name, entry) in entries {
            let hold = name.to_string();
            let posted = book.post(&hold, &entry);
            if posted.is_ok() {
                prop_assert!(!ended.contains(&name), "nothing follows an ending");
                match &entry {
                    Entry::Settled(cost) => { settled = settled.saturating_add(*cost); ended.insert(name); }
                    Entry::Released => { ended.insert(name); }
                    Entry::Held(..) | Entry::LeftOpen(_) => {}
                }
            }
        }
        let by_purse = Purse::ALL.iter().fold(Usd::ZERO, |sum, purse| sum.saturating_add(book.sums(*purse).settled));
        prop_assert_eq!(by_purse, settled);
        let held: Usd = book.lines().fold(Usd::ZERO, |sum, (_, line)| sum.saturating_add(line.held()));
        let apart = Purse::ALL.iter().fold(Usd::ZERO, |sum, purse| {
            let sums = book.sums(*purse);
            sum.saturating_add(sums.held).saturating_add(sums.open)
        });
        prop_assert_eq!(held, apart);
    }
}
