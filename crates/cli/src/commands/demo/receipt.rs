//! What a played demo came to: for a person to read, or as the last JSON line.
//!
//! Not here: whether it was the contract's (that is `check`). Sums of money are never added up into one number.

use super::book::Sums;
use super::check::{Finding, Played};
use super::script::BRANCH;
use super::world::{World, git};
use crate::draw::{clean, short};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use wire::{Event, Refused, Spend, Tokens};

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
    /// What the contract answered.
    #[serde(flatten)]
    pub answers: Answers,
    /// The sums of money, each apart.
    pub money: Spend,
    /// What the model's words took.
    pub words: Words,
    /// What the calls that have a price took.
    pub paid_calls: Parts,
    /// The branch in the bare remote.
    pub branch: Option<Branch>,
    /// The pull request that the forge keeps.
    pub pull_request: Option<PullRequest>,
    /// What was held against the contract.
    pub checks: Vec<Finding>,
    /// The folder, when it was kept.
    pub folder: Option<String>,
}

/// What the contract answered.
#[derive(Debug, Default, Serialize)]
pub struct Answers {
    /// How many prompts were shown.
    pub prompts: usize,
    /// How many calls there were, by what became of them.
    pub calls: Calls,
    /// What was refused because nobody was there to ask, with what it would have cost.
    pub refused: Vec<Refused>,
    /// What the mode itself refused.
    pub refused_by_mode: Vec<Refused>,
}

/// What the model's words took.
#[derive(Debug, Serialize)]
pub struct Words {
    /// The tokens of all requests.
    pub tokens: Tokens,
    /// Their money.
    #[serde(flatten)]
    pub parts: Parts,
}

/// The part of the quoted and of the settled sum that something has.
#[derive(Debug, Serialize)]
pub struct Parts {
    /// What was held at first.
    pub quoted: String,
    /// What was paid.
    pub settled: String,
}

impl Parts {
    fn of(sums: Sums) -> Parts {
        Parts { quoted: sums.quoted.to_string(), settled: sums.settled.to_string() }
    }
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
        let (mut answers, mut money, mut tokens) = (Answers::default(), Spend::default(), Tokens::default());
        if let Some(Event::End { prompts, refused, spend, tokens: all, .. }) = played.events.last() {
            (money, tokens) = (spend.clone(), *all);
            (answers.prompts, answers.refused) = (*prompts, refused.clone());
        }
        answers.calls = counted(&played.events);
        answers.refused_by_mode = refused_by_mode(&played.events);
        Receipt {
            mode: played.mode.clone(),
            chip: chip(&played.events, &money),
            holds: checks.iter().all(Finding::holds),
            answers,
            money,
            words: Words { tokens, parts: Parts::of(played.book.words()) },
            paid_calls: Parts::of(played.book.calls()),
            branch: branch(world),
            pull_request: pull_request(world),
            checks,
            folder: (!world.is_throwaway()).then(|| world.folder().display().to_string()),
        }
    }
}

/// The mode as it stands at the end: the last words cost something after the last decision was shown.
fn chip(events: &[Event], money: &Spend) -> String {
    match (&money.left, &money.cap) {
        (Some(left), Some(cap)) => format!("YOLO ${left} of ${cap}"),
        _ => {
            let shown = events.iter().rev().find_map(|event| match event {
                Event::Session { chip, .. } | Event::Decision { chip, .. } => Some(chip.clone()),
                _ => None,
            });
            shown.unwrap_or_default()
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
    let Answers { prompts, calls, refused, refused_by_mode } = &receipt.answers;
    row(&mut page, "prompts shown", &prompts.to_string());
    call_rows(&mut page, *calls);
    word_rows(&mut page, receipt);
    money_rows(&mut page, receipt);
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
    refusals(&mut page, "Refused, because nobody was there to ask:", refused);
    refusals(&mut page, "Refused by the mode:", refused_by_mode);
    page
}

fn call_rows(page: &mut String, calls: Calls) {
    let Calls { made, run, refused, held, delivered, invalid } = calls;
    row(page, "calls made", &format!("{made}: {run} run, {refused} refused, {delivered} put to the person"));
    if invalid > 0 {
        row(page, "", &format!("and {invalid} that made no sense"));
    }
    match held {
        0 => row(page, "calls held", "none"),
        held => row(page, "calls held", &format!("{held}, each before it started")),
    }
}

/// What the model was asked, what it counted, and what that cost.
fn word_rows(page: &mut String, receipt: &Receipt) {
    let Words { tokens, parts } = &receipt.words;
    let Spend { requests, unpriced, saved, .. } = &receipt.money;
    row(page, "requests", &format!("{requests} to the model, each held at its most before it was sent"));
    if *unpriced > 0 {
        row(page, "", &format!("and {unpriced} of them without a price"));
    }
    let Tokens { input, cache_read, output, .. } = tokens;
    row(page, "tokens", &format!("{input} in ({cache_read} of them cached), {output} out"));
    row(page, "they cost", &format!("${}; the cache saved ${saved}", parts.settled));
}

/// Each state of money on a line of its own, for each sum in which anything happened.
fn money_rows(page: &mut String, receipt: &Receipt) {
    let spend = &receipt.money;
    let of_mode = if spend.cap.is_some() { "counts against the cap" } else { "there is no cap" };
    let sums = [
        (of_mode, &spend.budget),
        ("metered in Plan and Agent, where no cap counts it", &spend.metered),
        ("allowed past the cap", &spend.past_cap),
    ];
    for (name, money) in sums {
        let zero = |sum: &String| sum.is_empty() || sum == "0.00";
        let states = [&money.quoted, &money.held, &money.open, &money.settled, &money.overrun];
        if states.into_iter().all(zero) && money.unbounded == 0 {
            continue;
        }
        let (calls, words) = (&receipt.paid_calls, &receipt.words.parts);
        row(page, "money", name);
        let parts = |calls: &str, words: &str| format!("${calls} for jobs, ${words} for words");
        row(page, "quoted", &format!("${}, at most: {}", money.quoted, parts(&calls.quoted, &words.quoted)));
        row(page, "held", &format!("${}, for what is under way", money.held));
        row(page, "open", &format!("${}, held on for what goes on in the background", money.open));
        row(page, "settled", &format!("${}, paid: {}", money.settled, parts(&calls.settled, &words.settled)));
        if !zero(&money.overrun) {
            row(page, "overrun", &format!("${}, of what was paid", money.overrun));
        }
        if money.unbounded > 0 {
            row(page, "unbounded", &format!("{} unbounded: what it will cost is in no sum", money.unbounded));
        }
    }
    if let (Some(cap), Some(left)) = (&spend.cap, &spend.left) {
        row(page, "left", &format!("${left} of ${cap}, less held, open and settled"));
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

    fn receipt(money: Spend) -> Receipt {
        let parts = |quoted: &str, settled: &str| Parts { quoted: quoted.into(), settled: settled.into() };
        let tokens = Tokens { input: 900, cache_read: 800, output: 70, ..Tokens::default() };
        Receipt {
            mode: "yolo:5.00".into(),
            chip: chip(&[decision("c1", "run", "mode")], &money),
            holds: true,
            answers: Answers::default(),
            money,
            words: Words { tokens, parts: parts("0.10", "0.003") },
            paid_calls: parts("0.505", "0.0005"),
            branch: None,
            pull_request: None,
            checks: Vec::new(),
            folder: None,
        }
    }

    fn sum([quoted, open, settled]: [&str; 3]) -> wire::Money {
        wire::Money {
            quoted: quoted.into(),
            held: "0.00".into(),
            open: open.into(),
            settled: settled.into(),
            overrun: "0.00".into(),
            unbounded: 0,
        }
    }

    #[test]
    fn each_state_of_money_stands_on_a_line_of_its_own() {
        let spend = Spend {
            cap: Some("5.00".into()),
            left: Some("4.4965".into()),
            budget: sum(["0.605", "0.50", "0.0035"]),
            metered: sum(["0.00"; 3]),
            past_cap: sum(["0.00"; 3]),
            requests: 2,
            unpriced: 0,
            saved: "0.01".into(),
        };
        let page = in_words(&receipt(spend));
        let rows: Vec<&str> = page.lines().map(|line| line.split(&[',', ':'][..]).next().unwrap().trim()).collect();
        let expected = [
            "mode            YOLO $4.4965 of $5.00",
            "requests        2 to the model",
            "tokens          900 in (800 of them cached)",
            "they cost       $0.003; the cache saved $0.01",
            "money           counts against the cap",
            "quoted          $0.605",
            "held            $0.00",
            "open            $0.50",
            "settled         $0.0035",
            "left            $4.4965 of $5.00",
        ];
        for row in expected {
            assert!(rows.contains(&row), "no `{row}` in\n{page}");
        }
        assert!(page.contains("paid: $0.0005 for jobs, $0.003 for words"), "{page}");
        assert!(!page.contains("unbounded") && !page.contains("metered"), "{page}");
    }

    #[test]
    fn what_has_no_bound_stands_beside_the_sums_and_what_is_metered_under_a_name_of_its_own() {
        let mut spend = Spend { budget: sum(["0.605", "0.50", "0.0035"]), ..Spend::default() };
        spend.budget.unbounded = 1;
        let page = in_words(&receipt(spend));
        assert!(page.contains("unbounded       1 unbounded: ") && page.contains("there is no cap"), "{page}");
        assert!(!page.contains("left  "), "{page}");
        let page = in_words(&receipt(Spend { metered: sum(["0.1", "0.00", "0.003"]), ..Spend::default() }));
        assert_eq!(page.matches("  quoted  ").count(), 1, "{page}");
        assert!(page.contains("metered in Plan and Agent") && page.starts_with("  mode            Plan\n"), "{page}");
    }
}
