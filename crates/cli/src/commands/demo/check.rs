//! Holds a played demo against the contract: every answer, and every effect, looked at for real.
//!
//! Not here: the contract's code. What must be answered is worked out anew from the contract's page, as data, and never by
//! asking the gate; what must have happened is read from git, from the files of the stand-ins and from the folder.

use super::book::Book;
use super::script::{BRANCH, Column, Does, MAIN, MENDED, REPLIES, Reply, STEPS, Step, TITLE, TOKEN_PICOS};
use super::world::{World, git, run};
use money::Usd;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Debug;
use wire::{Event, Money, Spend, Status, Tokens};

/// A played demo, as it was heard.
#[derive(Debug)]
pub struct Played {
    /// The mode that the person picked, as text.
    pub mode: String,
    /// Every event, in order.
    pub events: Vec<Event>,
    /// How many records the session has, when their chain is intact; else what is wrong with it.
    pub record: Result<u64, String>,
    /// Its money, as the record has it.
    pub book: Book,
}

/// One thing that was held against the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What must hold, as a sentence.
    pub what: String,
    /// Each difference; none when it holds.
    pub differences: Vec<String>,
}

impl Finding {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What the contract answers to a call when nobody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It runs.
    Runs,
    /// The mode refuses it.
    Refused,
    /// It would be asked about, so it is refused for want of a person.
    NobodyToAsk,
    /// A question is delivered.
    Delivered,
}

impl Answer {
    /// The outcome and the decider of its event.
    fn event(self) -> (&'static str, Option<&'static str>) {
        match self {
            Answer::Runs => ("run", Some("mode")),
            Answer::Refused => ("refuse", Some("mode")),
            Answer::NobodyToAsk => ("refuse", Some("nobody to ask")),
            Answer::Delivered => ("deliver", None),
        }
    }
}

/// A cell of the contract's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Runs,
    Asks,
    Refused,
    RunsWhileItFits,
}

/// The contract's table, copied from its page: reads, changes, costs money. The script has no call of the other columns.
const TABLE: [(&str, [Cell; 3]); 4] = [
    ("plan", [Cell::Runs, Cell::Refused, Cell::Refused]),
    ("agent", [Cell::Runs, Cell::Asks, Cell::Asks]),
    ("yolo:CAP", [Cell::Runs, Cell::Runs, Cell::RunsWhileItFits]),
    ("yolo:uncapped", [Cell::Runs, Cell::Runs, Cell::Runs]),
];

/// What must be answered, and what that must come to in money.
#[derive(Debug)]
struct Expected {
    answers: Vec<Answer>,
    cap: Option<Usd>,
    purse: &'static str,
    /// What the jobs come to.
    jobs: Jobs,
    /// What each request to the model costs, in order.
    words: Vec<Usd>,
    /// What the cache saves.
    saved: Usd,
    /// The least that is left of the cap before a request to the model.
    tightest: Option<i128>,
}

/// What jobs come to.
#[derive(Clone, Copy, Debug, Default)]
struct Jobs {
    quoted: Usd,
    open: Usd,
    settled: Usd,
    unbounded: usize,
}

impl Expected {
    /// Goes through the script under a mode; `None` when the table has no such row.
    fn under(mode: &str) -> Option<Expected> {
        let cap = mode.strip_prefix("yolo:").and_then(|cap| cap.parse::<Usd>().ok());
        let name = if cap.is_some() { "yolo:CAP" } else { mode };
        let (_, row) = TABLE.iter().find(|(row, _)| *row == name)?;
        let purse = if mode.starts_with("yolo:") { "budget" } else { "metered" };
        let (answers, words, jobs) = (Vec::new(), Vec::new(), Jobs::default());
        let mut expected = Expected { answers, cap, purse, jobs, words, saved: Usd::ZERO, tightest: None };
        let mut steps = STEPS.iter();
        for reply in &REPLIES {
            expected.asks(reply);
            for step in steps.by_ref().take(reply.calls) {
                let answer = expected.answer(step, row);
                expected.answers.push(answer);
            }
        }
        Some(expected)
    }

    /// One request to the model: it is asked in every mode.
    fn asks(&mut self, reply: &Reply) {
        let left = self.cap.map(|cap| i128::from(cap.picos()) - self.used());
        self.tightest = self.tightest.into_iter().chain(left).min();
        let [input, cached, output] = TOKEN_PICOS;
        let cost = (reply.input - reply.cached) * input + reply.cached * cached + reply.output * output;
        self.words.push(picos(cost));
        self.saved = self.saved.saturating_add(picos(reply.cached * (input - cached)));
    }

    /// What of the budget is spent or held once all that went before is over, in pico-dollars.
    fn used(&self) -> i128 {
        let settled = self.words.iter().chain([&self.jobs.open, &self.jobs.settled]);
        settled.map(|sum| i128::from(sum.picos())).sum()
    }

    fn answer(&mut self, step: &Step, row: &[Cell; 3]) -> Answer {
        let free = Some(Usd::ZERO);
        let (cell, price) = match step.column {
            Column::Question => return Answer::Delivered,
            Column::Reads => (row[0], free),
            Column::Changes => (row[1], free),
            Column::Costs(price) => (row[2], Some(price)),
            Column::CostsWithoutBound => (row[2], None),
        };
        let fits = match (self.cap, price) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(cap), Some(price)) => self.used() + i128::from(price.picos()) <= i128::from(cap.picos()),
        };
        match cell {
            Cell::Refused => return Answer::Refused,
            Cell::Asks => return Answer::NobodyToAsk,
            Cell::RunsWhileItFits if !fits => return Answer::NobodyToAsk,
            Cell::Runs | Cell::RunsWhileItFits => {}
        }
        let (jobs, price) = (&mut self.jobs, price.unwrap_or_default());
        jobs.quoted = jobs.quoted.saturating_add(price);
        match step.does {
            Does::Starts(job) => match job.cost {
                Some(cost) => jobs.settled = jobs.settled.saturating_add(cost),
                None => jobs.open = jobs.open.saturating_add(price),
            },
            Does::Schedules(_) => jobs.unbounded += 1,
            Does::Nothing | Does::Mends | Does::Commits | Does::Pushes | Does::AsksForge | Does::OpensPullRequest => {}
        }
        Answer::Runs
    }

    /// The steps that must have run.
    fn ran(&self) -> impl Iterator<Item = &'static Step> {
        STEPS.iter().zip(&self.answers).filter(|(_, answer)| **answer == Answer::Runs).map(|(step, _)| step)
    }

    /// What is held for each thing that goes on when the session is over: nothing for one without a bound.
    fn going_on(&self) -> Vec<Option<String>> {
        let held = self.ran().filter_map(|step| match (step.does, step.column) {
            (Does::Starts(job), Column::Costs(price)) if job.cost.is_none() => Some(Some(price.to_string())),
            (Does::Schedules(_), _) => Some(None),
            _ => None,
        });
        held.collect()
    }

    fn did(&self, does: Does) -> bool {
        self.ran().any(|step| step.does == does)
    }

    /// The sums of money, given what was held for the requests: that depends on every byte of the prompts.
    fn spend(&self, held_for_words: Usd) -> Spend {
        let words = self.words.iter().fold(Usd::ZERO, |sum, cost| sum.saturating_add(*cost));
        let quoted = self.jobs.quoted.saturating_add(held_for_words);
        let spent = money(quoted, self.jobs.settled.saturating_add(words), self.jobs);
        let none = || money(Usd::ZERO, Usd::ZERO, Jobs::default());
        let (budget, metered) = if self.purse == "budget" { (spent, none()) } else { (none(), spent) };
        let used = self.jobs.open.saturating_add(self.jobs.settled).saturating_add(words);
        Spend {
            cap: self.cap.map(|cap| cap.to_string()),
            left: self.cap.map(|cap| cap.saturating_sub(used).to_string()),
            budget,
            metered,
            past_cap: none(),
            requests: self.words.len() as u64,
            unpriced: 0,
            saved: self.saved.to_string(),
        }
    }
}

/// A sum by hand, as money.
fn picos(picos: i64) -> Usd {
    Usd::from_picos(picos).expect("what the script counts costs something")
}

fn money(quoted: Usd, settled: Usd, jobs: Jobs) -> Money {
    let zero = Usd::ZERO.to_string();
    Money {
        quoted: quoted.to_string(),
        held: zero.clone(),
        open: jobs.open.to_string(),
        settled: settled.to_string(),
        overrun: zero,
        unbounded: jobs.unbounded,
    }
}

/// The least that has to be left for another request to the model: more than any of them is held at when its answer is
/// limited to what fits.
const ROOM: Usd = match Usd::from_micros(40_000) {
    Some(room) => room,
    None => unreachable!(),
};

/// Whether a mode's cap pays for the model's words to the last of them; else the session would pause in the middle.
pub fn pays_for_the_words(mode: &str) -> bool {
    let tightest = Expected::under(mode).and_then(|expected| expected.tightest);
    tightest.is_none_or(|left| left >= i128::from(ROOM.picos()))
}

/// Checks everything. Nothing is changed by it.
pub fn check(world: &World, played: &Played) -> Vec<Finding> {
    let Some(expected) = Expected::under(&played.mode) else {
        let differences = vec![format!("the contract's table has no row for `{}`", played.mode)];
        return vec![Finding { what: "the mode is one of the contract's".to_owned(), differences }];
    };
    let calls = heard(&played.events);
    let mut findings = vec![
        finding(
            format!("each of the {} calls was answered as the table says", STEPS.len()),
            answers(&calls, &expected),
        ),
        finding("each call that ran says what it came to", results(&calls, &expected)),
        finding("nobody was asked, and what would have asked is listed at the end", asking(&played.events, &expected)),
    ];
    let looked = [
        (folder_sentence(&expected).to_owned(), folder(world, &expected)),
        (remote_sentence(&expected).to_owned(), remote(world, &expected)),
        (forge_sentence(&expected).to_owned(), forge(world, &expected)),
        (jobs_sentence(&expected), jobs(world, &expected)),
    ];
    findings.extend(looked.into_iter().map(|(what, found)| {
        finding(what, found.unwrap_or_else(|why| vec![format!("it cannot be looked at: {why:#}")]))
    }));
    findings.push(finding(holds_sentence(&expected), holds(&played.book, &expected)));
    findings
        .push(finding("the sums of money are those of what started and of the model's words", sums(played, &expected)));
    let record = match &played.record {
        Ok(_) => Vec::new(),
        Err(why) => vec![why.clone()],
    };
    findings.push(finding("the session's record is whole, link by link", record));
    findings
}

fn finding(what: impl Into<String>, differences: Vec<String>) -> Finding {
    Finding { what: what.into(), differences }
}

/// Notes a difference.
fn compare<T: PartialEq + Debug>(differences: &mut Vec<String>, what: &str, expected: T, found: T) {
    if expected != found {
        differences.push(format!("{what}: expected {expected:?}, found {found:?}"));
    }
}

/// One call as it was heard.
#[derive(Debug)]
struct HeardCall<'a> {
    tool: &'a str,
    price: &'a str,
    decisions: Vec<(&'a str, Option<&'a str>)>,
    results: Vec<(bool, &'a str)>,
}

/// The calls in order, each with its decisions and results.
fn heard(events: &[Event]) -> Vec<HeardCall<'_>> {
    let mut calls: Vec<(&str, HeardCall)> = Vec::new();
    for event in events {
        match event {
            Event::Call { call, tool, price, .. } => {
                let price = price.as_deref().unwrap_or("none");
                calls.push((call, HeardCall { tool, price, decisions: Vec::new(), results: Vec::new() }));
            }
            Event::Decision { call, outcome, decided_by, .. } => {
                if let Some((_, heard)) = calls.iter_mut().find(|(name, _)| name == call) {
                    heard.decisions.push((outcome, decided_by.as_deref()));
                }
            }
            Event::Result { call, ok, text, .. } => {
                if let Some((_, heard)) = calls.iter_mut().find(|(name, _)| name == call) {
                    heard.results.push((*ok, text));
                }
            }
            _ => {}
        }
    }
    calls.into_iter().map(|(_, heard)| heard).collect()
}

fn answers(calls: &[HeardCall], expected: &Expected) -> Vec<String> {
    let mut differences = Vec::new();
    compare(&mut differences, "the number of calls", STEPS.len(), calls.len());
    for (at, ((step, answer), call)) in STEPS.iter().zip(&expected.answers).zip(calls).enumerate() {
        let which = format!("call {} ({})", at + 1, step.tool);
        compare(&mut differences, &format!("{which}, its tool"), plain(step.tool), plain(call.tool));
        // Why it has no bound may be said in any words.
        let named = call.price.split_once(" (").map_or(call.price, |(named, _why)| named);
        compare(&mut differences, &format!("{which}, its price"), price(step).as_str(), named);
        compare(&mut differences, &format!("{which}, the answer"), &vec![answer.event()], &call.decisions);
    }
    differences
}

/// A call's price, as its event names it.
fn price(step: &Step) -> String {
    match step.column {
        Column::Question => "none".to_owned(),
        Column::Reads | Column::Changes => "free".to_owned(),
        Column::Costs(price) => format!("${price}"),
        Column::CostsWithoutBound => "unbounded".to_owned(),
    }
}

/// A tool's name in one spelling, whichever way a model spells that of a server's tool.
fn plain(tool: &str) -> String {
    tool.replace("mcp__", "mcp:").replace("__", "/")
}

fn results(calls: &[HeardCall], expected: &Expected) -> Vec<String> {
    let mut differences = Vec::new();
    for (at, ((step, answer), call)) in STEPS.iter().zip(&expected.answers).zip(calls).enumerate() {
        let which = format!("call {} ({})", at + 1, step.tool);
        compare(&mut differences, &format!("{which}, the number of its results"), 1, call.results.len());
        let Some((ok, text)) = call.results.first() else { continue };
        let tests = step.column == Column::Changes && step.does == Does::Nothing;
        match answer {
            // A test run may end in a failure; then its text says which.
            Answer::Runs | Answer::Delivered if !*ok && !tests => differences.push(format!("{which} failed: {text}")),
            Answer::Runs | Answer::Delivered if !text.contains(step.shows) => {
                differences.push(format!("{which}: `{}` is not in its result: {text}", step.shows));
            }
            Answer::Refused | Answer::NobodyToAsk if *ok => differences.push(format!("{which} says that it worked")),
            Answer::Runs | Answer::Delivered | Answer::Refused | Answer::NobodyToAsk => {}
        }
    }
    differences
}

fn asking(events: &[Event], expected: &Expected) -> Vec<String> {
    let mut differences = Vec::new();
    let questions = events.iter().filter(|event| matches!(event, Event::Question { .. })).count();
    compare(&mut differences, "questions shown", 0, questions);
    let Some(Event::End { status, reason, refused, prompts, .. }) = events.last() else {
        differences.push("the run has no end".to_owned());
        return differences;
    };
    compare(&mut differences, "prompts shown", 0, *prompts);
    compare(&mut differences, "how the run ended", (Status::Done, &None), (*status, reason));
    let names = events.iter().filter_map(|event| match event {
        Event::Call { call, .. } => Some(call.as_str()),
        _ => None,
    });
    let unanswered = names.zip(&expected.answers).filter(|(_, answer)| **answer == Answer::NobodyToAsk);
    let unanswered: Vec<&str> = unanswered.map(|(call, _)| call).collect();
    let listed: Vec<&str> = refused.iter().map(|call| call.call.as_str()).collect();
    compare(&mut differences, "calls refused for want of a person", unanswered, listed);
    differences
}

fn folder_sentence(expected: &Expected) -> &'static str {
    match expected.did(Does::Mends) {
        true => "the file is mended and committed, and the project's tests pass",
        false => "nothing was written: the folder is as it was, on its first commit",
    }
}

fn folder(world: &World, expected: &Expected) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let work = world.work();
    compare(&mut differences, "`git status`", String::new(), git(&work, ["status", "--porcelain", "--ignored"])?);
    let branch = if expected.did(Does::Commits) { BRANCH } else { MAIN };
    compare(&mut differences, "the branch", format!("refs/heads/{branch}"), git(&work, ["symbolic-ref", "HEAD"])?);
    if expected.did(Does::Mends) {
        if let Err(why) = run(&work, "sh", &["test.sh"]) {
            differences.push(format!("the project's tests fail: {why:#}"));
        }
    } else {
        compare(&mut differences, "HEAD", world.start(), &git(&work, ["rev-parse", "HEAD"])?);
        let branches = git(&work, ["for-each-ref", "--format=%(refname)", "refs/heads"])?;
        compare(&mut differences, "the branches", format!("refs/heads/{MAIN}"), branches);
    }
    Ok(differences)
}

fn remote_sentence(expected: &Expected) -> &'static str {
    match expected.did(Does::Pushes) {
        true => "the bare remote has the branch, one commit ahead of an unmoved main",
        false => "the bare remote has main and nothing else",
    }
}

fn remote(world: &World, expected: &Expected) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let remote = world.remote();
    let found = git(&remote, ["for-each-ref", "--format=%(refname)"])?;
    let (main, branch) = (format!("refs/heads/{MAIN}"), format!("refs/heads/{BRANCH}"));
    let pushed = expected.did(Does::Pushes);
    let refs = if pushed { format!("{branch}\n{main}") } else { main.clone() };
    compare(&mut differences, "its references", &refs, &found);
    compare(&mut differences, "its main", world.start(), &git(&remote, ["rev-parse", &main])?);
    if pushed && found.lines().any(|line| line == branch) {
        let ahead = git(&remote, ["rev-list", "--count", &format!("{main}..{branch}")])?;
        compare(&mut differences, "commits on the branch", "1", &ahead);
        let pushed_commit = git(&remote, ["rev-parse", &branch])?;
        compare(&mut differences, "the branch's commit", &git(&world.work(), ["rev-parse", BRANCH])?, &pushed_commit);
        let file = git(&remote, ["show", &format!("{branch}:{MENDED}")])?;
        if !file.contains("-le \"$over\"") {
            differences.push(format!("`{MENDED}` on the pushed branch is not mended"));
        }
    }
    Ok(differences)
}

fn forge_sentence(expected: &Expected) -> &'static str {
    match expected.did(Does::OpensPullRequest) {
        true => "the forge has the pull request, from the pushed commit into main",
        false => "the forge has no pull request, and was only read from",
    }
}

fn forge(world: &World, expected: &Expected) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let state: Value = serde_json::from_slice(&std::fs::read(world.forge_state())?)?;
    let list = |name: &str| state[name].as_array().cloned().unwrap_or_default();
    let calls: Vec<String> =
        list("calls").iter().map(|call| format!("{}: {}", call["tool"], call["outcome"])).collect();
    let mut wanted = Vec::new();
    if expected.did(Does::AsksForge) {
        wanted.push("\"list_pull_requests\": \"done\"".to_owned());
    }
    let opens = expected.did(Does::OpensPullRequest);
    if opens {
        wanted.push("\"create_pull_request\": \"done\"".to_owned());
    }
    compare(&mut differences, "the calls it had", wanted, calls);
    let found = list("pull_requests");
    compare(&mut differences, "its pull requests", usize::from(opens), found.len());
    if let (true, Some(pull)) = (opens, found.first()) {
        let commit = git(&world.remote(), ["rev-parse", &format!("refs/heads/{BRANCH}")])?;
        for (field, wanted) in [
            ("title", TITLE),
            ("head", BRANCH),
            ("base", MAIN),
            ("state", "open"),
            ("head_sha", commit.as_str()),
            ("base_sha", world.start()),
        ] {
            compare(&mut differences, &format!("the pull request's {field}"), Some(wanted), pull[field].as_str());
        }
    }
    Ok(differences)
}

fn jobs_sentence(expected: &Expected) -> String {
    let jobs = match expected.ran().filter(|step| matches!(step.does, Does::Starts(_))).count() {
        0 => return "the jobs API was asked to start nothing and to schedule nothing".to_owned(),
        1 => "the jobs API has the one job that fits, with the time it was priced for".to_owned(),
        jobs => format!("the jobs API has the {jobs} jobs that ran, each with the time it was priced for"),
    };
    let schedules = if expected.jobs.unbounded == 0 { "and no schedule" } else { "and the schedule" };
    format!("{jobs}, {schedules}")
}

fn jobs(world: &World, expected: &Expected) -> anyhow::Result<Vec<String>> {
    let mut differences = Vec::new();
    let state: Value = serde_json::from_slice(&std::fs::read(world.jobs_state())?)?;
    let list = |name: &str| state[name].as_array().cloned().unwrap_or_default();
    let spelled = |flavor: &str, secs: u64| format!("{flavor} for {secs} s, 1 attempt");
    let kept = |job: &Value| {
        let spec = &job["spec"];
        match (spec["flavor"].as_str(), spec["timeoutSeconds"].as_u64(), spec["attempts"].as_u64()) {
            (Some(flavor), Some(secs), Some(1)) => spelled(flavor, secs),
            _ => spec.to_string(),
        }
    };
    let found: Vec<String> = list("jobs").iter().map(kept).collect();
    let (mut jobs, mut schedules) = (Vec::new(), Vec::new());
    for step in expected.ran() {
        match step.does {
            Does::Starts(job) => jobs.push(spelled(job.flavor, job.timeout_secs)),
            Does::Schedules(set) => {
                schedules.push(format!("{} at {}", spelled(set.flavor, set.timeout_secs), set.due));
            }
            Does::Nothing | Does::Mends | Does::Commits | Does::Pushes | Does::AsksForge | Does::OpensPullRequest => {}
        }
    }
    compare(&mut differences, "its jobs", jobs, found);
    let due = |set: &Value| format!("{} at {}", kept(set), set["schedule"].as_str().unwrap_or("no time"));
    let found: Vec<String> = list("schedules").iter().map(due).collect();
    compare(&mut differences, "its schedules", schedules, found);
    Ok(differences)
}

fn holds_sentence(expected: &Expected) -> String {
    let requests = expected.words.len();
    let cap = if expected.cap.is_some() { ", and spent and held never passed the cap" } else { "" };
    format!("each of the {requests} requests was held at no less than it cost, before it was sent{cap}")
}

fn holds(book: &Book, expected: &Expected) -> Vec<String> {
    let mut differences: Vec<String> =
        book.wrong.iter().map(|record| format!("a line of the record that cannot be: {record}")).collect();
    compare(&mut differences, "the requests", expected.words.len(), book.requests().count());
    for (hold, cost) in book.requests().zip(&expected.words) {
        let name = &hold.name;
        compare(&mut differences, &format!("{name}, whose money it is"), expected.purse, hold.purse.as_str());
        compare(&mut differences, &format!("{name}, what it cost"), Some(*cost), hold.settled);
        if hold.held.is_none_or(|held| held < *cost) {
            differences.push(format!("{name} was held at {:?} and cost ${cost}", hold.held));
        }
    }
    if let Some(cap) = expected.cap
        && book.most_used > i128::from(cap.picos())
    {
        differences.push(format!("spent and held came to {} pico-dollars under a cap of ${cap}", book.most_used));
    }
    differences
}

fn sums(played: &Played, expected: &Expected) -> Vec<String> {
    let mut differences = Vec::new();
    let Some(Event::End { spend, tokens, going_on, .. }) = played.events.last() else {
        return vec!["the run has no end".to_owned()];
    };
    let wanted = expected.spend(played.book.words().quoted);
    compare(&mut differences, "the cap and what is left", (&wanted.cap, &wanted.left), (&spend.cap, &spend.left));
    compare(&mut differences, "the budget", &wanted.budget, &spend.budget);
    compare(&mut differences, "what was metered", &wanted.metered, &spend.metered);
    compare(&mut differences, "what was allowed past the cap", &wanted.past_cap, &spend.past_cap);
    let requests = |spend: &Spend| (spend.requests, spend.unpriced, spend.saved.clone());
    compare(
        &mut differences,
        "the requests, those without a price, what was saved",
        requests(&wanted),
        requests(spend),
    );
    compare(&mut differences, "the tokens", counted(), *tokens);
    let going_on: Vec<Option<String>> = going_on.iter().map(|thing| thing.held.clone()).collect();
    compare(&mut differences, "what is held for what goes on", expected.going_on(), going_on);
    differences
}

/// All tokens of the script.
fn counted() -> Tokens {
    let sum = |part: fn(&Reply) -> i64| REPLIES.iter().map(part).sum::<i64>().unsigned_abs();
    Tokens {
        input: sum(|reply| reply.input),
        cache_read: sum(|reply| reply.cached),
        output: sum(|reply| reply.output),
        ..Tokens::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::{GoingOn, Refused};

    /// A world in which a mode was played without a fault, made by hand: no session runs here.
    fn played(mode: &str) -> (World, Played) {
        let world = World::make(None).unwrap();
        let expected = Expected::under(mode).unwrap();
        let work = world.work();
        if expected.did(Does::Mends) {
            let file = work.join(MENDED);
            let mended = std::fs::read_to_string(&file).unwrap().replace("-lt \"$over\"", "-le \"$over\"");
            std::fs::write(file, mended).unwrap();
        }
        if expected.did(Does::Commits) {
            git(&work, ["switch", "-q", "-c", BRANCH]).unwrap();
            git(&work, ["commit", "-q", "-a", "-m", TITLE]).unwrap();
        }
        if expected.did(Does::Pushes) {
            git(&work, ["push", "-q", "origin", BRANCH]).unwrap();
        }
        let (mut calls, mut pulls) = (vec![json!({"tool": "list_pull_requests", "outcome": "done"})], Vec::new());
        if expected.did(Does::OpensPullRequest) {
            let commit = git(&work, ["rev-parse", BRANCH]).unwrap();
            calls.push(json!({"tool": "create_pull_request", "outcome": "done"}));
            pulls.push(json!({
                "title": TITLE, "head": BRANCH, "base": MAIN, "state": "open",
                "head_sha": commit, "base_sha": world.start(),
            }));
        }
        keep(&world.forge_state(), &json!({ "calls": calls, "pull_requests": pulls }));
        let jobs = expected.ran().filter_map(|step| match step.does {
            Does::Starts(job) => {
                Some(json!({"spec": {"flavor": job.flavor, "timeoutSeconds": job.timeout_secs, "attempts": 1}}))
            }
            _ => None,
        });
        let schedules = expected.ran().filter_map(|step| match step.does {
            Does::Schedules(set) => {
                let spec = json!({"flavor": set.flavor, "timeoutSeconds": set.timeout_secs, "attempts": 1});
                Some(json!({"spec": spec, "schedule": set.due}))
            }
            _ => None,
        });
        let (jobs, schedules): (Vec<_>, Vec<_>) = (jobs.collect(), schedules.collect());
        keep(&world.jobs_state(), &json!({ "jobs": jobs, "schedules": schedules }));
        let book = Book::read(records(&expected).iter().map(String::as_str));
        let events = events(&expected);
        (world, Played { mode: mode.to_owned(), events, record: Ok(1), book })
    }

    /// What is held for each request.
    const HELD: &str = "0.001";

    /// The record of the requests' money, two lines a request.
    fn records(expected: &Expected) -> Vec<String> {
        let line = |at: usize, entry: String| {
            json!({"event": "posted", "hold": format!("request-{}", at + 1), "entry": entry}).to_string()
        };
        let lines = expected.words.iter().enumerate().flat_map(|(at, cost)| {
            [line(at, format!("held {} {HELD}", expected.purse)), line(at, format!("settled {cost}"))]
        });
        lines.collect()
    }

    fn keep(file: &std::path::Path, state: &Value) {
        std::fs::write(file, state.to_string()).unwrap();
    }

    fn events(expected: &Expected) -> Vec<Event> {
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        for (at, (step, answer)) in STEPS.iter().zip(&expected.answers).enumerate() {
            let call = format!("c{}", at + 1);
            let price = (step.column != Column::Question).then(|| match step.column {
                Column::CostsWithoutBound => "unbounded (it never ends)".to_owned(),
                _ => price(step),
            });
            let (outcome, by) = answer.event();
            events.push(Event::Call {
                call: call.clone(),
                tool: step.tool.to_owned(),
                summary: String::new(),
                effect: None,
                price: price.clone(),
                arguments: "{}".to_owned(),
            });
            events.push(Event::Decision {
                call: call.clone(),
                outcome: outcome.to_owned(),
                decided_by: by.map(str::to_owned),
                reason: None,
                chip: String::new(),
            });
            let ok = matches!(answer, Answer::Runs | Answer::Delivered);
            events.push(Event::Result { call: call.clone(), ok, text: step.shows.to_owned(), chip: String::new() });
            if *answer == Answer::NobodyToAsk {
                let price = price.unwrap_or_default();
                refused.push(Refused { call, summary: String::new(), price, reason: String::new() });
            }
        }
        events.push(Event::End {
            chip: String::new(),
            status: Status::Done,
            reason: None,
            text: String::new(),
            refused,
            prompts: 0,
            going_on: expected.going_on().into_iter().map(going_on).collect(),
            spend: expected.spend((0..REPLIES.len()).fold(Usd::ZERO, |sum, _| sum.saturating_add(usd(HELD)))),
            tokens: counted(),
        });
        events
    }

    fn going_on(held: Option<String>) -> GoingOn {
        GoingOn { hold: String::new(), held, reference: String::new(), page: None }
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn differing((world, played): &(World, Played)) -> Vec<String> {
        let findings = check(world, played);
        assert_eq!(findings.len(), 10);
        findings.into_iter().flat_map(|finding| finding.differences).collect()
    }

    /// Spoils one thing about a demo that went as it should, and expects exactly one difference that says so.
    fn spoiled(mode: &str, spoil: impl FnOnce(&World, &mut Played), says: &str) {
        let mut demo = played(mode);
        assert_eq!(differing(&demo), Vec::<String>::new());
        spoil(&demo.0, &mut demo.1);
        let found = differing(&demo);
        assert!(!found.is_empty() && found.iter().all(|found| found.contains(says)), "{mode}, {says}: {found:#?}");
    }

    fn alter(file: &std::path::Path, change: impl FnOnce(&mut Value)) {
        let mut state: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        change(&mut state);
        keep(file, &state);
    }

    #[test]
    fn the_answers_are_those_of_the_contracts_page() {
        let answers = |mode: &str| {
            let letter = |answer: &Answer| match answer {
                Answer::Runs => 'r',
                Answer::Refused => 'x',
                Answer::NobodyToAsk => '?',
                Answer::Delivered => 'd',
            };
            Expected::under(mode).unwrap().answers.iter().map(letter).collect::<String>()
        };
        assert_eq!(answers("plan"), "rrrxxxxxrrxxxrxxd");
        assert_eq!(answers("agent"), "rrr?????rr???r??d");
        assert_eq!(answers("yolo:5.00"), "rrrrrrrrrrrrrr??d");
        assert_eq!(answers("yolo:uncapped"), "rrrrrrrrrrrrrrrrd");
        // What the first job did not use is free again: with $0.002202816 for seven replies, $0.502702816 pays for both
        // jobs, and a pico-dollar less does not.
        assert_eq!(answers("yolo:0.502702816"), "rrrrrrrrrrrrrr??d");
        assert_eq!(answers("yolo:0.502702815999"), "rrrrrrrrrrrr?r??d");
        assert_eq!(answers("yolo:10.502955656"), "rrrrrrrrrrrrrrr?d");
        assert_eq!(answers("yolo:10.502955655999"), "rrrrrrrrrrrrrr??d");
        assert_eq!(answers("yolo:0.00"), "rrrrrrrrrrr??r??d");
        assert!(Expected::under("yolo").is_none() && Expected::under("yolo:-1").is_none());
    }

    #[test]
    fn a_demo_that_went_as_the_contract_says_has_no_difference_in_any_mode() {
        for mode in ["plan", "agent", "yolo:5.00", "yolo:0.10", "yolo:uncapped"] {
            assert_eq!(differing(&played(mode)), Vec::<String>::new(), "{mode}");
        }
    }

    #[test]
    fn a_branch_that_did_not_arrive_is_found() {
        let branch = format!("refs/heads/{BRANCH}");
        let delete = |world: &World, _: &mut Played| {
            git(&world.remote(), ["update-ref", "-d", &branch]).unwrap();
            alter(&world.forge_state(), |state| state["pull_requests"] = json!([]));
        };
        let mut demo = played("yolo:5.00");
        delete(&demo.0, &mut demo.1);
        let found = differing(&demo);
        assert!(found[0].starts_with("its references") && found[1].starts_with("its pull requests"), "{found:#?}");
    }

    #[test]
    fn a_pushed_branch_that_is_not_the_commit_is_found() {
        let rewind = |world: &World, _: &mut Played| {
            let remote = world.remote();
            git(&remote, ["update-ref", &format!("refs/heads/{BRANCH}"), world.start()]).unwrap();
            let start = world.start().to_owned();
            alter(&world.forge_state(), |state| state["pull_requests"][0]["head_sha"] = json!(start));
        };
        let mut demo = played("yolo:5.00");
        rewind(&demo.0, &mut demo.1);
        let found = differing(&demo).join("\n");
        for says in ["commits on the branch: expected \"1\", found \"0\"", "the branch's commit", "is not mended"] {
            assert!(found.contains(says), "{found}");
        }
    }

    #[test]
    fn anything_written_in_plan_or_agent_is_found() {
        for mode in ["plan", "agent"] {
            spoiled(mode, |world, _| std::fs::write(world.work().join("x"), "").unwrap(), "`git status`");
            let push = |world: &World, _: &mut Played| {
                git(&world.work(), ["push", "-q", "origin", "main:other"]).unwrap();
            };
            spoiled(mode, push, "its references");
            let commit = |world: &World, _: &mut Played| {
                git(&world.work(), ["commit", "-q", "--allow-empty", "-m", "x"]).unwrap();
            };
            spoiled(mode, commit, "HEAD");
        }
    }

    #[test]
    fn a_mend_that_mends_nothing_is_found() {
        let unmend = |world: &World, _: &mut Played| {
            let file = world.work().join("test.sh");
            std::fs::write(&file, "exit 1\n").unwrap();
            git(&world.work(), ["update-index", "--assume-unchanged", "test.sh"]).unwrap();
        };
        spoiled("yolo:5.00", unmend, "the project's tests fail");
    }

    #[test]
    fn a_pull_request_that_is_not_there_or_should_not_be_is_found() {
        let close = |world: &World, _: &mut Played| {
            alter(&world.forge_state(), |state| state["pull_requests"][0]["state"] = json!("closed"));
        };
        spoiled("yolo:5.00", close, "the pull request's state");
        let open = |world: &World, _: &mut Played| {
            alter(&world.forge_state(), |state| state["pull_requests"] = json!([{"title": "x"}]));
        };
        spoiled("agent", open, "its pull requests");
        let call = |world: &World, _: &mut Played| {
            let call = json!({"tool": "delete_repo", "outcome": "failed"});
            alter(&world.forge_state(), |state| state["calls"].as_array_mut().unwrap().push(call));
        };
        spoiled("agent", call, "the calls it had");
    }

    #[test]
    fn a_job_too_many_or_other_than_it_was_priced_is_found() {
        let longer = |world: &World, _: &mut Played| {
            alter(&world.jobs_state(), |state| state["jobs"][1]["spec"]["timeoutSeconds"] = json!(86_400));
        };
        spoiled("yolo:5.00", longer, "its jobs");
        let another = |world: &World, _: &mut Played| {
            let job = json!({"spec": {"flavor": "h200", "timeoutSeconds": 7200, "attempts": 1}});
            alter(&world.jobs_state(), |state| state["jobs"].as_array_mut().unwrap().push(job));
        };
        spoiled("plan", another, "its jobs");
        let schedule = |world: &World, _: &mut Played| {
            let set =
                json!({"spec": {"flavor": "t4-small", "timeoutSeconds": 60, "attempts": 1}, "schedule": "@daily"});
            alter(&world.jobs_state(), |state| state["schedules"] = json!([set]));
        };
        for mode in ["agent", "yolo:5.00", "yolo:uncapped"] {
            spoiled(mode, schedule, "its schedules");
        }
        spoiled("yolo:5.00", |world, _| std::fs::write(world.jobs_state(), "{").unwrap(), "it cannot be looked at");
    }

    #[test]
    fn an_answer_that_is_not_the_contracts_is_found() {
        let asked = |_: &World, played: &mut Played| {
            for event in &mut played.events {
                if let Event::Decision { call, outcome, .. } = event
                    && call == "c8"
                {
                    *outcome = "ask".to_owned();
                }
            }
        };
        spoiled("yolo:5.00", asked, "call 8 (shell), the answer");
        let twice = |_: &World, played: &mut Played| {
            let again = played.events.iter().find(|event| matches!(event, Event::Decision { .. })).cloned();
            played.events.insert(2, again.unwrap());
        };
        spoiled("plan", twice, "call 1 (list), the answer");
        let fewer = |_: &World, played: &mut Played| {
            played.events.retain(|event| !matches!(event, Event::Call { call, .. } if call == "c17"));
        };
        spoiled("yolo:5.00", fewer, "the number of calls");
        let cheaper = |_: &World, played: &mut Played| {
            for event in &mut played.events {
                if let Event::Call { price: Some(price), .. } = event
                    && price == "$0.50"
                {
                    *price = "free".to_owned();
                }
            }
        };
        spoiled("agent", cheaper, "call 13 (hf_jobs), its price");
    }

    #[test]
    fn a_call_that_ran_and_did_nothing_is_found() {
        let empty = |_: &World, played: &mut Played| {
            for event in &mut played.events {
                if let Event::Result { call, text, .. } = event
                    && call == "c2"
                {
                    *text = "`shards.sh` is empty".to_owned();
                }
            }
        };
        spoiled("plan", empty, "call 2 (read)");
    }

    #[test]
    fn a_prompt_a_lost_refusal_and_a_bad_end_are_found() {
        let end = |change: fn(&mut usize, &mut Vec<Refused>, &mut Status)| {
            move |_: &World, played: &mut Played| match played.events.last_mut() {
                Some(Event::End { prompts, refused, status, .. }) => change(prompts, refused, status),
                _ => unreachable!("the last event is the end"),
            }
        };
        spoiled("yolo:5.00", end(|prompts, _, _| *prompts = 1), "prompts shown");
        spoiled("agent", end(|_, refused, _| drop(refused.pop())), "calls refused for want of a person");
        spoiled("plan", end(|_, _, status| *status = Status::Failed), "how the run ended");
    }

    #[test]
    fn money_that_does_not_add_up_is_found() {
        let spend = |change: fn(&mut Spend)| {
            move |_: &World, played: &mut Played| match played.events.last_mut() {
                Some(Event::End { spend, .. }) => change(spend),
                _ => unreachable!("the last event is the end"),
            }
        };
        spoiled("yolo:5.00", spend(|spend| spend.left = Some("5.00".to_owned())), "the cap and what is left");
        spoiled("yolo:5.00", spend(|spend| spend.budget.held = "0.50".to_owned()), "the budget");
        spoiled("agent", spend(|spend| spend.metered.settled = "0.01".to_owned()), "what was metered");
        spoiled("yolo:uncapped", spend(|spend| spend.past_cap.quoted = "1.00".to_owned()), "past the cap");
        let forget = |_: &World, played: &mut Played| match played.events.last_mut() {
            Some(Event::End { going_on, .. }) => drop(going_on.pop()),
            _ => unreachable!("the last event is the end"),
        };
        spoiled("yolo:uncapped", forget, "what goes on");
    }

    #[test]
    fn words_that_are_not_counted_as_they_were_said_are_found() {
        let end = |change: fn(&mut Spend, &mut Tokens)| {
            move |_: &World, played: &mut Played| match played.events.last_mut() {
                Some(Event::End { spend, tokens, .. }) => change(spend, tokens),
                _ => unreachable!("the last event is the end"),
            }
        };
        spoiled("plan", end(|_, tokens| tokens.output += 1), "the tokens");
        spoiled("agent", end(|spend, _| spend.unpriced = 1), "those without a price");
        spoiled("yolo:5.00", end(|spend, _| spend.saved = "0.00".to_owned()), "what was saved");
    }

    #[test]
    fn a_hold_that_is_too_small_too_large_or_another_purses_is_found() {
        let expected = Expected::under("yolo:0.10").unwrap();
        let found = |change: &dyn Fn(&mut Vec<String>)| {
            let mut records = records(&expected);
            change(&mut records);
            holds(&Book::read(records.iter().map(String::as_str)), &expected).join("\n")
        };
        assert_eq!(found(&|_| ()), "");
        for (from, to, says) in [
            ("budget 0.001", "budget 0.0001", "request-2 was held at Some(Usd(100000000)) and cost $0.00027804"),
            ("budget 0.001", "metered 0.001", "request-2, whose money it is"),
            ("budget 0.001", "budget unbounded", "request-2 was held at None"),
            // The first request has cost $0.00076188.
            ("budget 0.001", "budget 0.0992381201", "under a cap of $0.10"),
        ] {
            let found = found(&|records| records[2] = records[2].replace(from, to));
            assert!(found.contains(says), "{from} as {to}: {found}");
        }
        assert_eq!(found(&|records| records[2] = records[2].replace("0.001", "0.09923812")), "", "it fits exactly");
        let dearer = found(&|records| records[3] = records[3].replace("settled 0.", "settled 0.0"));
        assert!(dearer.contains("request-2, what it cost"), "{dearer}");
        assert!(found(&|records| records.truncate(20)).contains("the requests: expected 11, found 10"));
        assert!(found(&|records| records.push("{}".to_owned())).contains("that cannot be: {}"));
    }

    #[test]
    fn a_cap_that_does_not_pay_for_the_words_to_their_end_is_known_beforehand() {
        for mode in ["plan", "agent", "yolo:uncapped", "yolo:5.00", "yolo:0.40", "yolo:0.05"] {
            assert!(pays_for_the_words(mode), "{mode}");
        }
        // One pays for a job and then for hardly a word.
        for mode in ["yolo:0.00", "yolo:0.04", "yolo:0.043", "yolo:0.51", "yolo:10.51"] {
            assert!(!pays_for_the_words(mode), "{mode}");
        }
    }

    #[test]
    fn a_broken_record_and_an_unknown_mode_are_found() {
        spoiled("plan", |_, played| played.record = Err("record 3 was changed".to_owned()), "record 3 was changed");
        let (world, mut played) = played("plan");
        played.mode = "yolo".to_owned();
        assert!(check(&world, &played)[0].differences[0].contains("no row for `yolo`"));
    }
}
