//! The demo played by hand: a person in the terminal who answers each card, presses Tab, or only looks on.
//!
//! Not here: the demo that plays by itself.

use crate::pty::{CTRL_C, ENTER, TAB, Terminal};
use crate::support::{Home, PATIENCE};
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
    let (mut asked, since): (Vec<String>, _) = (Vec::new(), Instant::now());
    loop {
        let text = terminal.text();
        assert!(since.elapsed() < 2 * PATIENCE, "it does not come to its end, and {asked:?} was asked:\n{text}");
        let Some(card) = card(&text) else {
            if text.contains(LAST_WORDS) {
                return asked;
            }
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        // What comes too soon is not heeded, and is pressed once more.
        thread::sleep(Duration::from_millis(400));
        terminal.press(if card == MODEL_ASKS { "whoever wrote it\r" } else { key });
        let pressed = Instant::now();
        let is_open = || self::card(&terminal.text()).is_some_and(|other| other == card);
        while is_open() && pressed.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(5));
        }
        if asked.last() != Some(&card) {
            asked.push(card);
        }
    }
}

/// What the card on the screen asks.
fn card(text: &str) -> Option<String> {
    let asks = text.lines().find_map(|line| line.trim_start().strip_prefix("Allow? "));
    asks.map(|card| card.trim().to_owned()).or(text.contains(MODEL_ASKS).then(|| MODEL_ASKS.to_owned()))
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

/// How many jobs and schedules the jobs service keeps.
fn jobs(home: &Home) -> (usize, usize) {
    let state: Value = serde_json::from_str(&home.read("work/kept/jobs.json")).unwrap_or_default();
    let count = |what: &str| state[what].as_array().map_or(0, Vec::len);
    (count("jobs"), count("schedules"))
}

/// Whether the one line is mended.
fn is_mended(home: &Home) -> bool {
    home.read("work/kept/work/shards.sh").contains("-le \"$over\"")
}

#[test]
fn in_agent_each_card_is_answered_and_what_was_allowed_happened() {
    let home = Home::new();
    let terminal = started(&home, &[]);
    terminal.answer("y", "shell: sh test.sh");
    terminal.until("Allow? edit shards.sh");
    assert!(terminal.text().contains("-le \"$over\""), "the card shows what a yes changes:\n{}", terminal.text());
    assert!(!is_mended(&home), "it is asked about first");
    let asked = answers_all(&terminal, "y");
    assert!(is_mended(&home));
    assert!(terminal.status().starts_with("Agent"), "{}", terminal.status());
    assert_eq!(asked.iter().filter(|card| card.starts_with("shell")).count(), 3, "{asked:?}");
    assert_eq!(asked.iter().filter(|card| *card == MODEL_ASKS).count(), 1, "{asked:?}");
    assert!(branches(&home).contains("fix/lost-examples"), "{}", branches(&home));
    assert_eq!((pull_requests(&home), jobs(&home)), (1, (3, 1)));
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
    // A large job and one without a bound fit in no cap, and the person said no.
    assert_eq!((pull_requests(&home), jobs(&home)), (1, (2, 0)));
    leaves(terminal);
}

#[test]
fn in_plan_nothing_is_asked_and_nothing_happened() {
    let home = Home::new();
    let terminal = started(&home, &["--mode", "plan"]);
    let asked = answers_all(&terminal, "y");
    assert_eq!(asked, [MODEL_ASKS]);
    assert!(terminal.status().starts_with("Plan"), "{}", terminal.status());
    assert!(terminal.text().contains("refused: Plan"), "{}", terminal.text());
    assert_eq!((branches(&home).as_str(), pull_requests(&home), jobs(&home)), ("main", 0, (0, 0)));
    assert!(!is_mended(&home));
    leaves(terminal);
}

#[test]
fn without_a_terminal_it_says_what_plays_by_itself() {
    let home = Home::new();
    let ended = home.remit(&["demo", "--terminal"]).end();
    ended.assert(2);
    assert!(ended.err.contains("`remit demo` plays by itself"), "{}", ended.err);
}
