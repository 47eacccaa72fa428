//! `remit --plain`, as somebody has it who hears the terminal: lines typed, and everything read that was ever printed.
//!
//! Not here: what each line means (that is beside the code).

use crate::pty::{CTRL_C, CTRL_D, ENTER, Terminal};
use crate::support::{Home, Script, two_changes, wait_until};
use serde_json::json;

/// Starts it without colours and waits until it is the person's turn.
fn plain(home: &Home, model: &str, options: &[&str]) -> Terminal {
    let args = [&["--plain", "--model", model], options].concat();
    let terminal = Terminal::among(home, &args, (24, 80), &[("NO_COLOR", "1")]);
    terminal.until_printed("Write what you want done", 1);
    terminal
}

fn line(terminal: &Terminal, words: &str) {
    terminal.press(words);
    terminal.press(ENTER);
}

/// Answers with a line until it was in time, and waits for what comes of it.
fn answer(terminal: &Terminal, words: &str, comes: &str) {
    let too_soon = || terminal.printed().matches("was on its way before").count();
    wait_until(&format!("`{comes}` of `{words}`:\n{}", terminal.printed()), || {
        let before = too_soon();
        line(terminal, words);
        let has_come = || terminal.printed().contains(comes);
        wait_until(&format!("a word on `{words}`:\n{}", terminal.printed()), || has_come() || too_soon() > before);
        has_come()
    });
}

fn ends(mut terminal: Terminal) {
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    terminal.until_printed("to go on: remit --resume", 1);
}

#[test]
fn a_line_allows_and_words_refuse_and_nothing_but_lines_is_printed() {
    let home = Home::new();
    let terminal = plain(&home, &two_changes(&home), &[]);
    assert!(terminal.printed().contains("mode: Agent\n"), "{}", terminal.printed());
    line(&terminal, "make two files");
    terminal.until_printed("Allow? write a.txt", 1);
    assert!(terminal.printed().contains("it asks because it changes something"), "{}", terminal.printed());
    assert!(!home.path("work/a.txt").exists(), "it is asked about first");
    answer(&terminal, "y", "Allow? shell: echo ran");
    assert_eq!(home.read("work/a.txt"), "x\n");
    assert!(
        terminal.printed().contains("    {\"command\":\"echo ran > b.txt; echo it ran\"}\n"),
        "{}",
        terminal.printed()
    );
    answer(&terminal, "n not that one", "All done.");
    assert!(!home.path("work/b.txt").exists());
    line(&terminal, "/contract");
    terminal.until_printed("The contract", 1);
    line(&terminal, "!ls");
    terminal.until_printed("not in the plain mode", 1);
    line(&terminal, "/quit");
    terminal.until_printed("to go on: remit --resume", 1);
    assert!(!terminal.printed().contains('\x1b'), "{:?}", terminal.printed());
    ends(terminal);
    let shown = home.show(home.sessions()[0]["id"].as_str().unwrap()).to_string();
    assert!(shown.contains("they say: not that one"), "the model is told why");
}

#[test]
fn a_mode_set_while_a_question_is_open_judges_it_again() {
    let home = Home::new();
    let terminal = plain(&home, &two_changes(&home), &[]);
    line(&terminal, "make two files");
    terminal.until_printed("Allow? write a.txt", 1);
    line(&terminal, "/mode yolo 5");
    terminal.until_printed("All done.", 1);
    assert!(terminal.printed().contains("mode: YOLO $5.00 of $5.00"), "{}", terminal.printed());
    assert_eq!((home.read("work/a.txt"), home.read("work/b.txt")), ("x\n".to_owned(), "ran\n".to_owned()));
    line(&terminal, "/mode plan");
    terminal.until_printed("mode: Plan", 1);
    terminal.press(CTRL_D);
    ends(terminal);
}

#[test]
fn arguments_are_written_anew_on_a_line() {
    let home = Home::new();
    let script = Script::new().call("write", json!({"path": "a.txt", "content": "one"})).say("Done.");
    let terminal = plain(&home, &home.script(script), &[]);
    line(&terminal, "write");
    terminal.until_printed("Allow? write a.txt", 1);
    answer(&terminal, "e", "write them anew on one line");
    answer(&terminal, "{\"path\": \"a.txt\", \"content\": \"mine\"}", "Done.");
    assert_eq!(home.read("work/a.txt"), "mine");
    terminal.press(CTRL_D);
    ends(terminal);
}

#[test]
fn ctrl_c_stops_what_runs_and_twice_ends() {
    let home = Home::new();
    let script = Script::new().shell("echo up; sleep 1000").say("I go on.").shell("echo again; sleep 1000");
    let terminal = plain(&home, &home.script(script), &["--mode", "yolo:1"]);
    line(&terminal, "run it");
    terminal.until_printed("\nup\n", 1);
    terminal.press(CTRL_C);
    terminal.until_printed("stopping", 1);
    terminal.until_printed("interrupted", 1);
    line(&terminal, "and now?");
    terminal.until_printed("I go on.", 1);
    line(&terminal, "once more");
    terminal.until_printed("\nagain\n", 1);
    // No more lines: what runs is stopped, and then it ends.
    terminal.press(CTRL_D);
    terminal.until_printed("interrupted", 2);
    ends(terminal);
    let mut twice = plain(&home, &two_changes(&home), &[]);
    twice.press(CTRL_C);
    twice.until_printed("once more ends", 1);
    twice.press(CTRL_C);
    assert_eq!(twice.child.wait().unwrap().code(), Some(0));
    assert_eq!(home.sessions().len(), 1, "nobody said anything in the second");
}

#[test]
fn it_goes_on_where_it_was_and_tells_what_was() {
    let home = Home::new();
    let model = two_changes(&home);
    let first = plain(&home, &model, &[]);
    line(&first, "make two files");
    first.until_printed("Allow? write a.txt", 1);
    answer(&first, "y", "Allow? shell: echo ran");
    drop(first);
    let again = plain(&home, &model, &["--continue"]);
    assert!(again.printed().contains("> make two files"), "{}", again.printed());
    line(&again, "/continue");
    again.until_printed("All done.", 1);
    assert!(!home.path("work/b.txt").exists(), "what was being asked about did not run");
    again.press(CTRL_D);
    ends(again);
}

#[test]
fn answers_are_read_from_a_terminal_alone() {
    let home = Home::new();
    let ended = home.remit(&["--plain", "--model", &two_changes(&home)]).input("make two files\ny\ny\n").end();
    ended.assert(2);
    assert!(ended.err.contains("--plain") && ended.err.contains("remit run"), "{}", ended.err);
    assert!(!home.path("work/a.txt").exists());
}
