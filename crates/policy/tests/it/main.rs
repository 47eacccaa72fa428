//! The contract's table, its laws over the whole finite domain, and the rules of the person.
//!
//! Not here: how tools describe themselves.

#![allow(clippy::disallowed_methods, reason = "the printed table is a file")]

use money::Usd;
use policy::*;
use std::fmt::Write as _;

const MODES: [&str; 5] = ["plan", "agent", "yolo:0", "yolo:5", "yolo:uncapped"];
const EFFECTS: [Effect; 4] = [Effect::Read, Effect::Reach, Effect::Confined, Effect::Change];
const CONSENTS: [Consent; 4] = [Consent::None, Consent::Once, Consent::ForSession, Consent::Denied];
const ATTENDANCES: [Attendance; 2] = [Attendance::Attended, Attendance::Unattended];

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// One price of each kind: none, one that fits exactly in what is left of $5, one that does not, none known, no end.
fn prices() -> [Price; 5] {
    [
        Price::Free,
        Price::AtMost(usd("2.00")),
        Price::AtMost(usd("2.000000000001")),
        Price::Unknown("no price".into()),
        Price::Unbounded("no end".into()),
    ]
}

fn action(effect: Effect, price: Price) -> Action {
    Action { tool: "t".into(), effect, price, summary: "s".into(), subject: Subject::Other, shown: "{}".into() }
}

fn standing(consent: Consent, attendance: Attendance) -> Standing {
    Standing { prohibited: None, consent, attendance, funds: Funds { spent: usd("2"), held: usd("1") } }
}

fn prohibited(consent: Consent, attendance: Attendance) -> Standing {
    let rule = Some("shell: git push".parse().unwrap());
    Standing { prohibited: rule, ..standing(consent, attendance) }
}

fn mode(text: &str) -> Mode {
    text.parse().unwrap()
}

/// Every point of the domain, without prohibitions.
fn for_each(mut look: impl FnMut(Mode, Action, Consent, Attendance)) {
    for name in MODES {
        for effect in EFFECTS {
            for price in prices() {
                for consent in CONSENTS {
                    for attendance in ATTENDANCES {
                        look(mode(name), action(effect, price.clone()), consent, attendance);
                    }
                }
            }
        }
    }
}

fn cell(verdict: &Verdict) -> String {
    let mut text = format!("{} by {}", verdict.outcome(), verdict.decided_by());
    match verdict {
        Verdict::Run(Terms { booking: Booking::Nothing, .. }) => {}
        Verdict::Run(Terms { booking: Booking::Hold(purse, amount), .. }) => {
            write!(text, ", holds {amount} {purse}").unwrap()
        }
        Verdict::Run(Terms { booking: Booking::Unbounded(purse), .. }) => write!(text, ", unbounded {purse}").unwrap(),
        Verdict::Ask(why) => write!(text, ": {why:?}").unwrap(),
        Verdict::Refuse(reason) => write!(text, ": {reason:?}").unwrap(),
    }
    text
}

#[test]
fn the_printed_table_is_current() {
    let mut table = String::from(
        "# What `decide` answers, with $2 spent and $1 held. Written by the test `the_printed_table_is_current`;\n\
         # a change of this file is a change of what the product promises.\n",
    );
    for_each(|mode, action, consent, attendance| {
        let verdict = decide(mode, &action, &standing(consent, attendance));
        let point = format!("{mode} | {} | {} | answer {consent} | {attendance}", action.effect, action.price);
        writeln!(table, "{point} -> {}", cell(&verdict)).unwrap();
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contract-table.txt");
    if std::env::var_os("REMIT_BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let printed = std::fs::read_to_string(path).unwrap();
    assert!(
        printed == table,
        "contract-table.txt is not what `decide` answers; look at the change, then REMIT_BLESS=1"
    );
}

#[test]
fn the_table_of_the_contract_page_holds() {
    let run = |by: Decider| format!("run by {by}");
    let rows = [
        ("plan", ["run", "ask", "refuse", "refuse", "refuse"]),
        ("agent", ["run", "ask", "run", "ask", "ask"]),
        ("yolo:5", ["run", "run", "run", "run", "run"]),
        ("yolo:0", ["run", "run", "run", "run", "ask"]),
        ("yolo:uncapped", ["run", "run", "run", "run", "run"]),
    ];
    for (name, expected) in rows {
        let free = EFFECTS.map(|effect| action(effect, Price::Free));
        let paid = action(Effect::Read, Price::AtMost(usd("1")));
        for (action, expected) in free.into_iter().chain([paid]).zip(expected) {
            let verdict = decide(mode(name), &action, &standing(Consent::None, Attendance::Attended));
            assert_eq!(verdict.outcome(), expected, "{name} {action:?} {}", run(verdict.decided_by()));
        }
    }
}

fn looseness(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Refuse(_) => 0,
        Verdict::Ask(_) => 1,
        Verdict::Run(_) => 2,
    }
}

#[test]
fn tightening_the_mode_never_loosens_the_verdict() {
    // From tight to loose. A refusal because nobody can be asked is as tight as the ask it stands for.
    for_each(|looser, action, consent, attendance| {
        let at = MODES.iter().position(|name| mode(name) == looser).unwrap();
        let loose = decide(looser, &action, &standing(consent, attendance));
        for tighter in &MODES[..at] {
            let tight = decide(mode(tighter), &action, &standing(consent, attendance));
            assert!(looseness(&tight) <= looseness(&loose), "{tighter} {looser} {action:?} {consent} {attendance}");
        }
    });
}

#[test]
fn a_refusal_is_never_lifted_by_an_answer() {
    for_each(|mode, action, consent, _| {
        let bare = decide(mode, &action, &standing(Consent::None, Attendance::Attended));
        if let Verdict::Refuse(_) = bare {
            assert_eq!(decide(mode, &action, &standing(consent, Attendance::Attended)), bare);
        }
    });
}

#[test]
fn what_the_mode_runs_is_never_asked_whatever_was_answered() {
    for_each(|mode, action, consent, attendance| {
        let bare = decide(mode, &action, &standing(Consent::None, attendance));
        if let Verdict::Run(_) = bare {
            assert_eq!(decide(mode, &action, &standing(consent, attendance)), bare);
        }
    });
}

#[test]
fn a_prohibition_refuses_in_every_mode_and_is_reported_as_the_persons_own() {
    for_each(|mode, action, consent, attendance| {
        let verdict = decide(mode, &action, &prohibited(consent, attendance));
        assert!(matches!(verdict, Verdict::Refuse(Reason::Prohibited(_))), "{verdict:?}");
        assert_eq!(verdict.decided_by(), Decider::Prohibition);
        assert!(verdict.reason().unwrap().contains("git push"));
    });
}

#[test]
fn nothing_asks_when_nobody_is_there_and_what_would_ask_is_refused_with_its_reason() {
    for_each(|mode, action, consent, _| {
        let there = decide(mode, &action, &standing(consent, Attendance::Attended));
        let gone = decide(mode, &action, &standing(consent, Attendance::Unattended));
        match there {
            Verdict::Ask(why) => {
                assert_eq!(gone, Verdict::Refuse(Reason::NobodyToAsk(why)));
                assert_eq!(gone.decided_by(), Decider::NobodyToAsk);
            }
            Verdict::Run(_) | Verdict::Refuse(_) => assert_eq!(gone, there),
        }
    });
}

#[test]
fn a_yes_once_runs_what_asks_and_a_no_refuses_it() {
    for_each(|mode, action, _, attendance| {
        if let Verdict::Ask(_) = decide(mode, &action, &standing(Consent::None, Attendance::Attended)) {
            let yes = decide(mode, &action, &standing(Consent::Once, attendance));
            assert!(matches!(yes, Verdict::Run(Terms { by: Decider::Person, .. })), "{yes:?}");
            let no = decide(mode, &action, &standing(Consent::Denied, attendance));
            assert_eq!(no, Verdict::Refuse(Reason::PersonSaidNo));
        }
    });
}

#[test]
fn a_yes_for_the_session_never_covers_a_paid_call() {
    for_each(|mode, action, _, attendance| {
        if action.price != Price::Free {
            let without = decide(mode, &action, &standing(Consent::None, attendance));
            assert_eq!(decide(mode, &action, &standing(Consent::ForSession, attendance)), without);
        }
    });
}

#[test]
fn a_free_call_books_nothing_and_a_paid_one_always_does() {
    for_each(|mode, action, consent, attendance| {
        if let Verdict::Run(terms) = decide(mode, &action, &standing(consent, attendance)) {
            assert_eq!(terms.booking == Booking::Nothing, action.price == Price::Free);
            if let (Price::AtMost(price), Booking::Hold(_, held)) = (&action.price, terms.booking) {
                assert_eq!(*price, held);
            }
        }
    });
}

#[test]
fn what_runs_by_the_mode_fits_in_the_cap() {
    for_each(|mode, action, consent, attendance| {
        let standing = standing(consent, attendance);
        let verdict = decide(mode, &action, &standing);
        if let (Some(cap), Verdict::Run(Terms { booking: Booking::Hold(Purse::Budget, held), .. })) =
            (mode.limit(), verdict)
        {
            assert!(standing.funds.spent.saturating_add(standing.funds.held).saturating_add(held) <= cap);
        }
    });
}

#[test]
fn a_charge_belongs_to_the_mode_in_force() {
    let purse = |name: &str, price: Price, consent| match decide(
        mode(name),
        &action(Effect::Change, price),
        &standing(consent, Attendance::Attended),
    ) {
        Verdict::Run(Terms { booking: Booking::Hold(purse, _) | Booking::Unbounded(purse), .. }) => purse,
        other => panic!("{other:?}"),
    };
    assert_eq!(purse("agent", Price::AtMost(usd("1")), Consent::Once), Purse::Metered);
    assert_eq!(purse("yolo:5", Price::AtMost(usd("1")), Consent::None), Purse::Budget);
    assert_eq!(purse("yolo:5", Price::AtMost(usd("9")), Consent::Once), Purse::PastCap);
    assert_eq!(purse("yolo:5", Price::Unbounded("x".into()), Consent::Once), Purse::PastCap);
    assert_eq!(purse("yolo:uncapped", Price::Unbounded("x".into()), Consent::None), Purse::Budget);
    assert_eq!(purse("yolo:uncapped", Price::AtMost(usd("9")), Consent::None), Purse::Budget);
}

#[test]
fn the_money_rule_is_one_inequality() {
    let funds = Funds { spent: usd("2"), held: usd("1") };
    assert_eq!(fits(usd("5"), &funds, &Price::AtMost(usd("2"))), Fit::Fits);
    assert_eq!(fits(usd("5"), &funds, &Price::AtMost(usd("2.000000000001"))), Fit::Over);
    assert_eq!(fits(usd("0"), &Funds::default(), &Price::AtMost(Usd::ZERO)), Fit::Fits);
    assert_eq!(fits(usd("0"), &Funds::default(), &Price::Free), Fit::Fits);
    assert_eq!(fits(Usd::MAX, &funds, &Price::Unknown("x".into())), Fit::NoPrice);
    assert_eq!(fits(Usd::MAX, &funds, &Price::Unbounded("x".into())), Fit::NoBound);
    let full = Funds { spent: Usd::MAX, held: usd("1") };
    assert_eq!(fits(Usd::MAX, &full, &Price::AtMost(Usd::ZERO)), Fit::Over, "a sum too large to hold does not fit");
    assert_eq!(funds.left(usd("5")), usd("2"));
    assert_eq!(funds.left(usd("1")), Usd::ZERO);
    assert_eq!(full.left(Usd::MAX), Usd::ZERO);
}

#[test]
fn a_request_to_the_model_runs_in_every_mode_and_fits_under_a_cap_by_the_one_rule() {
    let funds = Funds { spent: usd("2"), held: usd("1") };
    let prices = [
        Price::Free,
        Price::AtMost(usd("2")),
        Price::AtMost(usd("2.000000000001")),
        Price::Unknown("x".into()),
        Price::Unbounded("x".into()),
    ];
    for name in ["plan", "agent", "yolo:5", "yolo:0", "yolo:uncapped"] {
        for price in &prices {
            let booked = book_request(mode(name), &funds, price);
            match mode(name).limit().map(|cap| fits(cap, &funds, price)) {
                Some(misfit) if misfit != Fit::Fits => assert_eq!(booked, Err(misfit), "{name} {price}"),
                _runs => {
                    let purse = if name.starts_with("yolo") { Purse::Budget } else { Purse::Metered };
                    let expected = match price {
                        Price::AtMost(most) => Booking::Hold(purse, *most),
                        Price::Free | Price::Unknown(_) | Price::Unbounded(_) => Booking::Nothing,
                    };
                    assert_eq!(booked, Ok(expected), "{name} {price}");
                }
            }
        }
    }
}

#[test]
fn a_mode_is_read_from_its_text_and_printed_back() {
    for text in ["plan", "agent", "yolo:5.00", "yolo:0.00", "yolo:0.000000000001", "yolo:uncapped"] {
        assert_eq!(mode(text).to_string(), text);
    }
    assert_eq!("uncapped".parse(), Ok(Cap::Uncapped));
    for (text, fragment) in [
        ("yolo:", "no cap"),
        ("yolo:-1", "negative"),
        ("yolo:NaN", "no cap"),
        ("yolo:1e9", "no cap"),
        ("yolo:0.0000000000001", "twelve"),
        ("yolo:99999999999", "too large"),
        ("Plan", "is no mode"),
        ("", "is no mode"),
        ("yolo", "is no mode"),
    ] {
        let why = text.parse::<Mode>().unwrap_err().to_string();
        assert!(why.contains(fragment), "{text}: {why}");
    }
}

#[test]
fn a_fork_is_as_strict_and_has_no_cap_that_nobody_gave_it() {
    let fork = |mode: &str| mode.parse::<Mode>().unwrap().of_a_fork();
    assert_eq!((fork("plan"), fork("agent")), (Mode::Plan, Mode::Agent));
    assert_eq!((fork("yolo:5"), fork("yolo:uncapped")), (Mode::Agent, Mode::Agent));
}

#[test]
fn yolo_alone_keeps_the_last_cap_else_the_default_and_is_never_uncapped() {
    let choice: ModeChoice = "yolo".parse().unwrap();
    assert_eq!(choice.resolve(None, usd("5")), mode("yolo:5"));
    assert_eq!(choice.resolve(Some(usd("7")), usd("5")), mode("yolo:7"));
    let plan: ModeChoice = "plan".parse().unwrap();
    assert_eq!(plan.resolve(Some(usd("7")), usd("5")), Mode::Plan);
    assert!("yolo:x".parse::<ModeChoice>().is_err());
}

#[test]
fn the_chip_says_the_mode_with_what_is_left() {
    let funds = Funds { spent: usd("1.5"), held: usd("0.3") };
    assert_eq!(mode("plan").chip(&funds), "Plan");
    assert_eq!(mode("agent").chip(&funds), "Agent");
    assert_eq!(mode("yolo:5").chip(&funds), "YOLO $3.20 of $5.00");
    assert_eq!(mode("yolo:uncapped").chip(&funds), "YOLO uncapped");
    assert_eq!(mode("yolo:5").limit(), Some(usd("5")));
    assert_eq!(mode("yolo:uncapped").limit(), None);
    assert_eq!(mode("agent").limit(), None);
}

mod rules;
