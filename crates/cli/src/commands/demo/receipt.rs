//! What a played demo came to: for a person to read, or as the last JSON line.
//!
//! Not here: whether it was the contract's (that is `check`). Sums of money are never added up into one number.

use super::check::{Finding, Played};
use super::script::BRANCH;
use super::world::{World, git};
use crate::draw::{clean, short};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use wire::{Event, Refused, Spend};

/// How wide a line may be.
const WIDTH: usize = 78;

/// What a demo came to.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "demo_receipt")]
pub struct Receipt {
    /// The mode that was picked.
    pub mode: String,
    /// The mode with what is left, as every surface shows it.
    pub chip: String,
    /// Whether every answer and every effect was the contract's.
    pub holds: bool,
    /// How many prompts were shown.
    pub prompts: usize,
    /// How many calls there were, by what became of them.
    pub calls: Calls,
    /// The sums of money, each apart.
    pub money: Spend,
    /// The branch in the bare remote.
    pub branch: Option<Branch>,
    /// The pull request that the forge keeps.
    pub pull_request: Option<PullRequest>,
    /// What was refused because nobody was there to ask, with what it would have cost.
    pub refused: Vec<Refused>,
    /// What the mode itself refused.
    pub refused_by_mode: Vec<Refused>,
    /// What was held against the contract.
    pub checks: Vec<Finding>,
    /// The folder, when it was kept.
    pub folder: Option<String>,
}

/// Calls, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// All of them.
    pub made: usize,
    /// Those that ran.
    pub run: usize,
    /// Those that were refused, by the mode or because nobody was there.
    pub refused: usize,
    /// Those of the calls that ran for which money was held first.
    pub held: usize,
    /// Questions to the person that were delivered.
    pub delivered: usize,
    /// Those that made no sense.
    pub invalid: usize,
}

/// A branch of the remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// The repository.
    pub repository: String,
}

/// A pull request of the forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// The branch it is from.
    pub head: String,
    /// The branch it is into.
    pub base: String,
    /// The file in which the forge keeps it.
    pub recorded_in: String,
}

impl Receipt {
    /// Makes out the receipt of a demo. Where the branch and the pull request are is looked up, not taken from what the
    /// model was told.
    pub fn of(world: &World, played: &Played, checks: Vec<Finding>) -> Receipt {
        let mut chip = String::new();
        let (mut prompts, mut refused, mut money) = (0, Vec::new(), Spend::default());
        for event in &played.events {
            match event {
                Event::Session { chip: now, .. } | Event::Decision { chip: now, .. } => chip.clone_from(now),
                Event::End { prompts: shown, refused: all, spend, .. } => {
                    (prompts, refused, money) = (*shown, all.clone(), spend.clone());
                }
                _ => {}
            }
        }
        Receipt {
            mode: played.mode.clone(),
            chip,
            holds: checks.iter().all(Finding::holds),
            prompts,
            calls: counted(&played.events),
            money,
            branch: branch(world),
            pull_request: pull_request(world),
            refused,
            refused_by_mode: refused_by_mode(&played.events),
            checks,
            folder: (!world.is_throwaway()).then(|| world.folder().display().to_string()),
        }
    }
}

fn counted(events: &[Event]) -> Calls {
    let mut calls = Calls::default();
    let mut paid = Vec::new();
    for event in events {
        match event {
            Event::Call { call, price, .. } => {
                calls.made += 1;
                if price.as_deref().is_some_and(|price| price != "free") {
                    paid.push(call);
                }
            }
            Event::Decision { call, outcome, .. } => match outcome.as_str() {
                "run" => {
                    calls.run += 1;
                    calls.held += usize::from(paid.contains(&call));
                }
                "refuse" => calls.refused += 1,
                "deliver" => calls.delivered += 1,
                "invalid" => calls.invalid += 1,
                _ => {}
            },
            _ => {}
        }
    }
    calls
}

/// The calls that were refused by the mode, as its event gives them.
fn refused_by_mode(events: &[Event]) -> Vec<Refused> {
    let refusal = |event: &Event| match event {
        Event::Decision { call, outcome, decided_by, reason, .. }
            if outcome == "refuse" && decided_by.as_deref() == Some("mode") =>
        {
            Some((call.clone(), reason.clone().unwrap_or_default()))
        }
        _ => None,
    };
    let described = |(call, reason): (String, String)| {
        events.iter().find_map(|event| match event {
            Event::Call { call: named, summary, price, .. } if *named == call => Some(Refused {
                call: call.clone(),
                summary: summary.clone(),
                price: price.clone().unwrap_or_default(),
                reason: reason.clone(),
            }),
            _ => None,
        })
    };
    events.iter().filter_map(refusal).filter_map(described).collect()
}

fn branch(world: &World) -> Option<Branch> {
    let commit = git(&world.remote(), ["rev-parse", "--verify", &format!("refs/heads/{BRANCH}")]).ok()?;
    Some(Branch { name: BRANCH.to_owned(), commit, repository: world.remote().display().to_string() })
}

fn pull_request(world: &World) -> Option<PullRequest> {
    let kept = world.forge_state();
    let state: Value = serde_json::from_slice(&std::fs::read(&kept).ok()?).ok()?;
    let pull = state["pull_requests"].get(0)?;
    let text = |field: &str| pull[field].as_str().unwrap_or_default().to_owned();
    Some(PullRequest {
        number: pull["number"].as_u64().unwrap_or_default(),
        title: text("title"),
        head: text("head"),
        base: text("base"),
        recorded_in: kept.display().to_string(),
    })
}

/// The receipt as text.
pub fn in_words(receipt: &Receipt) -> String {
    let mut page = String::new();
    row(&mut page, "mode", &receipt.chip);
    row(&mut page, "prompts shown", &receipt.prompts.to_string());
    let Calls { made, run, refused, held, delivered, invalid } = receipt.calls;
    row(&mut page, "calls made", &format!("{made}: {run} run, {refused} refused, {delivered} put to the person"));
    if invalid > 0 {
        row(&mut page, "", &format!("and {invalid} that made no sense"));
    }
    row(&mut page, "calls held", &format!("{held}, each for its price before it started"));
    money_rows(&mut page, &receipt.money);
    match &receipt.branch {
        Some(branch) => {
            let commit: String = branch.commit.chars().take(12).collect();
            row(&mut page, "branch", &format!("{} at {commit}, in {}", branch.name, branch.repository));
        }
        None => row(&mut page, "branch", "none was pushed"),
    }
    match &receipt.pull_request {
        Some(pull) => {
            let PullRequest { number, title, head, base, recorded_in } = pull;
            row(&mut page, "pull request", &format!("number {number}, {head} into {base}: {title}"));
            row(&mut page, "", &format!("recorded in {recorded_in}"));
        }
        None => row(&mut page, "pull request", "none was opened"),
    }
    refusals(&mut page, "Refused, because nobody was there to ask:", &receipt.refused);
    refusals(&mut page, "Refused by the mode:", &receipt.refused_by_mode);
    page
}

/// Each state of money on a line of its own, for each sum in which anything happened.
fn money_rows(page: &mut String, spend: &Spend) {
    let sums = [("", &spend.budget), (" in Plan and Agent", &spend.metered), (" past the cap", &spend.past_cap)];
    let nothing = wire::Money::default();
    for (place, (name, money)) in sums.into_iter().enumerate() {
        let zero = |sum: &String| sum.is_empty() || sum == "0.00";
        let states = [&money.quoted, &money.held, &money.open, &money.settled, &money.overrun];
        if place > 0 && states.into_iter().all(zero) && money.unbounded == nothing.unbounded {
            continue;
        }
        row(page, &format!("quoted{name}"), &format!("${}, the most that what ran could cost", money.quoted));
        row(page, &format!("held{name}"), &format!("${}, for what is under way", money.held));
        row(page, &format!("open{name}"), &format!("${}, held on for what goes on in the background", money.open));
        row(page, &format!("settled{name}"), &format!("${}, paid", money.settled));
        if !zero(&money.overrun) {
            row(page, &format!("overrun{name}"), &format!("${}, of what was paid", money.overrun));
        }
        if money.unbounded > 0 {
            row(page, &format!("unbounded{name}"), &format!("{} without a bound", money.unbounded));
        }
    }
    match (&spend.cap, &spend.left) {
        (Some(cap), Some(left)) => row(page, "left", &format!("${left} of ${cap}")),
        _ => row(page, "left", "there is no cap"),
    }
}

fn refusals(page: &mut String, head: &str, refused: &[Refused]) {
    if refused.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n{head}");
    for call in refused {
        let line = format!("{} ({}): {}", short(&call.summary), call.price, clean(&call.reason));
        wrapped(page, "  - ", "    ", &line);
    }
}

fn row(page: &mut String, name: &str, value: &str) {
    wrapped(page, &format!("  {name:<15} "), &" ".repeat(18), value);
}

/// What was held against the contract, as text.
pub fn findings_in_words(findings: &[Finding]) -> String {
    let mut page = String::new();
    for finding in findings {
        let sign = if finding.holds() { "  holds    " } else { "  DIFFERS  " };
        wrapped(&mut page, sign, "           ", &finding.what);
        for difference in &finding.differences {
            wrapped(&mut page, "           - ", "             ", &clean(difference));
        }
    }
    page
}

/// Writes a text in lines that are not too wide; a word that is too wide alone stays whole.
pub fn wrapped(page: &mut String, first: &str, next: &str, text: &str) {
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in text.split_whitespace() {
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(page, "{}", line.trim_end());
            line = next.to_owned();
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    let _ = writeln!(page, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(call: &str, outcome: &str, by: &str) -> Event {
        Event::Decision {
            call: call.into(),
            outcome: outcome.into(),
            decided_by: Some(by.into()),
            reason: Some("why not".into()),
            chip: "Plan".into(),
        }
    }

    fn call(call: &str, price: &str) -> Event {
        Event::Call {
            call: call.into(),
            tool: "shell".into(),
            summary: format!("the call {call}"),
            effect: None,
            price: Some(price.into()),
            arguments: "{}".into(),
        }
    }

    #[test]
    fn calls_are_counted_by_what_became_of_them() {
        let events = [
            call("c1", "free"),
            decision("c1", "run", "mode"),
            call("c2", "$0.50"),
            decision("c2", "run", "mode"),
            call("c3", "$10.00"),
            decision("c3", "refuse", "nobody to ask"),
            call("c4", "free"),
            decision("c4", "refuse", "mode"),
            decision("c5", "deliver", ""),
        ];
        let expected = Calls { made: 4, run: 2, refused: 2, held: 1, delivered: 1, invalid: 0 };
        assert_eq!(counted(&events), expected);
        let by_mode = refused_by_mode(&events);
        assert_eq!(by_mode.iter().map(|refused| refused.summary.as_str()).collect::<Vec<_>>(), ["the call c4"]);
        assert_eq!(by_mode[0].reason, "why not");
    }

    #[test]
    fn a_line_is_never_wider_than_a_terminal_unless_a_word_is() {
        let mut page = String::new();
        wrapped(&mut page, "  - ", "    ", &"word ".repeat(60));
        assert!(page.lines().all(|line| line.len() <= WIDTH), "{page}");
        assert!(page.lines().skip(1).all(|line| line.starts_with("    word")), "{page}");
        let mut page = String::new();
        wrapped(&mut page, "- ", "  ", &format!("a {} b", "x".repeat(100)));
        assert_eq!(page, format!("- a\n  {}\n  b\n", "x".repeat(100)));
    }

    #[test]
    fn each_state_of_money_stands_on_a_line_of_its_own() {
        let sum = |quoted: &str, open: &str, settled: &str| wire::Money {
            quoted: quoted.into(),
            held: "0.00".into(),
            open: open.into(),
            settled: settled.into(),
            overrun: "0.00".into(),
            unbounded: 0,
        };
        let zero = sum("0.00", "0.00", "0.00");
        let spend = Spend {
            cap: Some("5.00".into()),
            left: Some("4.4995".into()),
            budget: sum("0.505", "0.50", "0.0005"),
            metered: zero.clone(),
            past_cap: zero,
            ..Spend::default()
        };
        let mut page = String::new();
        money_rows(&mut page, &spend);
        let amounts: Vec<&str> = page.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(amounts, ["$0.505,", "$0.00,", "$0.50,", "$0.0005,", "$4.4995"], "{page}");
    }
}
