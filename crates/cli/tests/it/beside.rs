//! A session that one Remit has, shown and commanded by another of the same person.
//!
//! Not here: who may (that is `authority`), or one terminal alone (that is `terminal`).

use crate::pty::Terminal;
use crate::support::{Home, Script, two_changes, wait_until};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn what_one_terminal_is_asked_another_answers_and_both_see_it() {
    let home = Home::new();
    let model = two_changes(&home);
    let first = Terminal::start(&home, &["--model", &model]);
    first.until("Agent");
    first.say("make two files");
    first.until("Allow? write a.txt");
    let second = Terminal::of_size(&home, &["--continue"], (30, 100));
    second.until("make two files");
    second.until("Allow? write a.txt");
    second.answer("y", "write a.txt");
    for terminal in [&first, &second] {
        terminal.until("Allow? shell: echo ran");
    }
    assert_eq!(home.read("work/a.txt"), "x\n");
    second.say("/mode yolo 2");
    for terminal in [&first, &second] {
        terminal.until("All done.");
        wait_until("the mode", || terminal.status().starts_with("YOLO $2.00 of $2.00"));
    }
    assert_eq!(home.read("work/b.txt"), "ran\n");
    // Leaving the second ends nothing.
    second.press("/quit\r");
    second.until("it goes on");
    first.say("and now?");
    first.until("and now?");
    first.leave();
}

#[test]
fn a_run_without_a_screen_can_be_watched_and_stopped_from_a_terminal() {
    let home = Home::new();
    let model = home.script(Script::new().turn("I begin.", &[("shell", json!({"command": "echo up; sleep 1000"}))]));
    let mut running = home.run(&model, &["--mode", "yolo:1"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("progress");
    let refused = Terminal::start(&home, &["--resume", &id, "--mode", "plan"]);
    refused.until("another program has session");
    drop(refused);
    let terminal = Terminal::start(&home, &["--resume", &id]);
    terminal.until("I begin.");
    wait_until("the mode", || terminal.status().starts_with("YOLO"));
    terminal.until("Esc stops");
    terminal.press("\x1b");
    assert_eq!(running.end().code, 130);
    terminal.until("has ended");
    drop(terminal);
    home.verify(&id);
}

#[test]
fn a_program_that_has_the_session_and_is_killed_leaves_it_to_be_taken_up() {
    let home = Home::new();
    let model = two_changes(&home);
    let first = Terminal::start(&home, &["--model", &model]);
    first.until("Agent");
    first.say("make two files");
    first.until("Allow? write a.txt");
    let second = Terminal::start(&home, &["--continue"]);
    second.until("Allow? write a.txt");
    let id = i32::try_from(first.child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    second.until("has ended; leave");
    drop((first, second));
    let again = Terminal::start(&home, &["--model", &model, "--continue"]);
    again.until("make two files");
    again.leave();
}
