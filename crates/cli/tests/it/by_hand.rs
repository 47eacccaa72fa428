//! The demo played by hand: a person in the terminal who answers each card, presses Tab, or only looks on.
//!
//! Not here: the demo that plays by itself.

use crate::pty::{CTRL_C, ENTER, TAB, Terminal};
use crate::support::{Home, wait_until};
use serde_json::Value;
use std::thread;
use std::time::{Duration, Instant};

const MODEL_ASKS: &str = "The model asks you";
const LAST_WORDS: &str = "That was all I had to do.";

/// Opens the demo in a folder that stays, with its prompt where the person writes, and starts it.
fn started(home: &Home, options: &[&str]) -> Terminal {
    let args = [&["demo", "--terminal", "--keep", "kept"], options].concat();
    let terminal = Terminal::of_size(home, &args, (50, 120));
    terminal.until("Mend it, push a branch");
    assert!(!terminal.text().contains("I look at the project"), "nothing begins by itself");
    terminal.press(ENTER);
    terminal
}

/// Presses a key for each card, and writes an answer to each question of the model's, until it has no more to say. Gives
/// what was asked.
fn answers_all(terminal: &Terminal, key: &str) -> Vec<String> {
    let mut asked: Vec<String> = Vec::new();
    wait_until(&format!("the demo's last words:\n{}", terminal.text()), || {
        let text = terminal.text();
        let words = text.contains(MODEL_ASKS).then(|| MODEL_ASKS.to_owned());
        let card = text.lines().find_map(|line| line.trim_start().strip_prefix("Allow? "));
        let Some(card) = words.or(card.map(|card| card.trim().to_owned())) else {
            return text.contains(LAST_WORDS);
        };
        // What comes too soon is not heeded, and is pressed once more.
        thread::sleep(Duration::from_millis(400));
        terminal.press(if card == MODEL_ASKS { "whoever wrote it\r" } else { key });
        let asks = if card == MODEL_ASKS { card.clone() } else { format!("Allow? {card}") };
        let (pressed, is_open) = (Instant::now(), || terminal.text().contains(&asks));
        while is_open() && pressed.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(5));
        }
        if asked.last() != Some(&card) {
            asked.push(card);
        }
        false
    });
    asked
}

/// Leaves, and gives what is said of the money.
fn leaves(mut terminal: Terminal) -> String {
    terminal.press(CTRL_C);
    terminal.until("once more ends");
    terminal.press(CTRL_C);
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    terminal.until("The folder is");
    terminal.text()
}

fn branches(home: &Home) -> String {
    let kept = home.text_path("work/kept/remote.git");
    home.git(&["-C", &kept, "for-each-ref", "--format=%(refname:short)"])
}

fn pull_requests(home: &Home) -> usize {
    let state: Value = serde_json::from_str(&home.read("work/kept/forge.json")).unwrap_or_default();
    state["pull_requests"].as_array().map_or(0, Vec::len)
}

#[test]
fn in_agent_each_card_is_answered_and_what_was_allowed_happened() {
    let home = Home::new();
    let terminal = started(&home, &[]);
    let asked = answers_all(&terminal, "y");
    assert!(terminal.status().starts_with("Agent"), "{}", terminal.status());
    assert_eq!(asked.iter().filter(|card| card.starts_with("shell")).count(), 4, "{asked:?}");
    assert_eq!(asked.iter().filter(|card| *card == MODEL_ASKS).count(), 1, "{asked:?}");
    assert!(branches(&home).contains("fix/lost-examples"), "{}", branches(&home));
    assert_eq!(pull_requests(&home), 1);
    let left = leaves(terminal);
    assert!(left.contains("open") && !left.contains("to go on"), "{left}");
    // The person's own sessions are none of the demo's business.
    assert!(home.sessions().is_empty());
}

#[test]
fn tab_in_the_middle_runs_what_is_asked_and_what_comes_after_while_it_fits() {
    let home = Home::new();
    let terminal = started(&home, &[]);
    terminal.until("Allow? shell");
    terminal.press(TAB);
    terminal.until("what is asked is judged again");
    let asked = answers_all(&terminal, "n");
    assert!(terminal.text().contains("YOLO $"), "{}", terminal.text());
    assert!(asked.iter().all(|card| !card.starts_with("shell") && !card.starts_with("edit")), "{asked:?}");
    assert!(branches(&home).contains("fix/lost-examples"), "{}", branches(&home));
    assert_eq!(pull_requests(&home), 1);
    leaves(terminal);
}

#[test]
fn in_plan_nothing_is_asked_and_nothing_happened() {
    let home = Home::new();
    let terminal = started(&home, &["--mode", "plan"]);
    let asked = answers_all(&terminal, "y");
    assert_eq!(asked, [MODEL_ASKS]);
    assert!(terminal.status().starts_with("Plan"), "{}", terminal.status());
    assert_eq!((branches(&home).as_str(), pull_requests(&home)), ("main", 0));
    leaves(terminal);
}

#[test]
fn without_a_terminal_it_says_what_plays_by_itself() {
    let home = Home::new();
    let ended = home.remit(&["demo", "--terminal"]).end();
    ended.assert(2);
    assert!(ended.err.contains("`remit demo` plays by itself"), "{}", ended.err);
}
