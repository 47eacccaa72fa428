//! The terminal, as a person has it: the built program on a pseudo-terminal, keys sent and the screen read.
//!
//! Not here: how anything is drawn to the letter (that is `tui`).

use crate::pty::{ESCAPE, TAB, Terminal};
use crate::support::{Home, Script, two_changes, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::thread;
use std::time::Duration;

#[test]
fn in_agent_each_change_is_asked_about_and_a_key_answers() {
    let home = Home::new();
    let model = two_changes(&home);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("make two files");
    terminal.until("Allow? write a.txt");
    assert!(!home.path("work/a.txt").exists(), "it is asked about first");
    assert!(terminal.text().contains("it changes something"), "{}", terminal.text());
    terminal.answer("y", "write a.txt");
    terminal.until("Allow? shell: echo ran");
    assert_eq!(home.read("work/a.txt"), "x\n");
    terminal.answer("n", "shell: echo ran");
    terminal.until("All done.");
    assert!(!home.path("work/b.txt").exists());
    assert!(terminal.text().contains("the person said no"), "{}", terminal.text());
    assert!(terminal.status().starts_with("Agent"), "{}", terminal.status());
    terminal.leave();
    home.verify(home.sessions()[0]["id"].as_str().unwrap());
}

#[test]
fn tab_while_a_question_is_open_judges_it_again_half_a_second_later() {
    let home = Home::new();
    let model = two_changes(&home);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("make two files");
    terminal.until("Allow? write a.txt");
    // Through YOLO and Plan and back to Agent at once: nothing is set, and nothing runs.
    terminal.press(&TAB.repeat(3));
    terminal.until("→ agent");
    wait_until("nothing is pending", || !terminal.text().contains('→'));
    assert!(terminal.text().contains("Allow? write a.txt") && !home.path("work/a.txt").exists());
    terminal.press(TAB);
    terminal.until("All done.");
    assert!(terminal.text().contains("what is asked is judged again"), "{}", terminal.text());
    assert!(terminal.status().starts_with("YOLO $5.00 of $5.00"), "{}", terminal.status());
    assert_eq!((home.read("work/a.txt"), home.read("work/b.txt")), ("x\n".to_owned(), "ran\n".to_owned()));
    terminal.leave();
}

#[test]
fn plan_refuses_and_says_so_without_asking() {
    let home = Home::new();
    let model = two_changes(&home);
    let terminal = Terminal::of_size(&home, &["--model", &model, "--mode", "plan"], (50, 160));
    terminal.until("Plan");
    terminal.say("make two files");
    terminal.until("All done.");
    let text = terminal.text();
    assert!(text.contains("refused: Plan executes and changes nothing") && !text.contains("Allow?"), "{text}");
    assert_eq!(std::fs::read_dir(home.path("work")).unwrap().count(), 0);
    terminal.leave();
}

#[test]
fn escape_stops_what_runs_and_the_session_goes_on() {
    let home = Home::new();
    let script = Script::new().shell("echo up; sleep 1000").say("I go on.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model, "--mode", "yolo:1"]);
    terminal.until("YOLO $1.00 of $1.00");
    terminal.say("run it");
    terminal.until("up");
    terminal.until("Esc stops");
    terminal.press(ESCAPE);
    terminal.until("stopped");
    terminal.say("and now?");
    terminal.until("I go on.");
    terminal.leave();
}

#[test]
fn arguments_are_edited_in_place_and_words_are_a_no_with_its_reason() {
    let home = Home::new();
    let script = Script::new()
        .call("write", json!({"path": "a.txt", "content": "one"}))
        .call("write", json!({"path": "b.txt", "content": "two"}))
        .say("Done.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("write");
    terminal.until("Allow? write a.txt");
    wait_until("the arguments are in the composer", || {
        terminal.press("e");
        thread::sleep(Duration::from_millis(50));
        terminal.text().contains("{\"path\":\"a.txt\"")
    });
    terminal.press("\x15");
    terminal.say("{\"path\": \"a.txt\", \"content\": \"mine\"}");
    terminal.until("Allow? write b.txt");
    assert_eq!(home.read("work/a.txt"), "mine");
    // Words that were on their way before the card was there are the model's; `n` alone would be the answer.
    thread::sleep(Duration::from_millis(400));
    terminal.press(" ");
    terminal.say("not that one");
    terminal.until("Done.");
    assert!(!home.path("work/b.txt").exists());
    terminal.leave();
    let shown = home.show(home.sessions()[0]["id"].as_str().unwrap()).to_string();
    assert!(shown.contains("they say: not that one"), "the model is told why");
}

#[test]
fn a_terminal_that_is_killed_loses_nothing_and_shows_it_again() {
    let home = Home::new();
    let model = two_changes(&home);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("make two files");
    terminal.answer("y", "write a.txt");
    terminal.until("Allow? shell: echo ran");
    let id = i32::try_from(terminal.child.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    drop(terminal);
    let again = Terminal::start(&home, &["--model", &model, "--continue"]);
    again.until("make two files");
    again.until("Then a command.");
    again.say("/continue");
    again.until("All done.");
    assert_eq!(home.read("work/a.txt"), "x\n");
    assert!(!home.path("work/b.txt").exists(), "what was being asked about did not run");
    again.leave();
}
