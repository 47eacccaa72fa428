//! What a person does in the terminal beside a turn: other sessions, forks, lists, commands of their own, an editor.
//!
//! Not here: questions and modes (that is `terminal`), or how a list is drawn (that is `tui`).

use crate::pty::{CTRL_C, ENTER, ESCAPE, Terminal};
use crate::support::{Home, Script, wait_until};
use serde_json::json;

const CTRL_D: &str = "\x04";
const CTRL_F: &str = "\x06";
const CTRL_G: &str = "\x07";
const CTRL_Q: &str = "\x11";
const CTRL_R: &str = "\x12";
const CTRL_S: &str = "\x13";

/// What the model was told by the person, in the session that was written to last.
fn told(home: &Home) -> Vec<String> {
    let whole = home.show(home.sessions()[0]["id"].as_str().unwrap());
    let messages = whole["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "user");
    messages.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Opens the list of sessions, and waits until so many are in it.
fn list(terminal: &Terminal, count: usize) {
    terminal.say("/sessions");
    terminal.until(&format!("of {count})"));
}

#[test]
fn another_session_is_opened_on_the_same_screen_and_the_first_is_found_again() {
    let home = Home::new();
    let model = home.script(Script::new().say("The first answer.").say("The second answer."));
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("mend the shards");
    terminal.until("The first answer.");
    terminal.say("/new");
    wait_until("an empty screen", || !terminal.text().contains("The first answer."));
    terminal.say("count the words");
    terminal.until("The first answer.");
    assert!(!terminal.text().contains("mend the shards"), "{}", terminal.text());
    list(&terminal, 2);
    terminal.until("count the words");
    terminal.press("shards");
    terminal.until("(1 of 2)");
    terminal.press(ENTER);
    terminal.until("> mend the shards");
    terminal.say("go on");
    terminal.until("The second answer.");
    assert_eq!(told(&home), ["mend the shards", "go on"]);
    // Going on from the other in a new one leaves it as it is.
    list(&terminal, 2);
    terminal.press("count");
    terminal.until("(1 of 2)");
    terminal.press(CTRL_F);
    terminal.until("> count the words");
    terminal.say("and the letters");
    terminal.until("The second answer.");
    assert_eq!(told(&home), ["count the words", "and the letters"]);
    let fork = home.sessions()[0].clone();
    assert_eq!(fork["title"], "count the words (fork)");
    list(&terminal, 3);
    terminal.press("shards\r");
    terminal.until("> mend the shards");
    home.remit(&["sessions", "delete", fork["id"].as_str().unwrap()]).end().assert(0);
    // The other gets another title, and is deleted when that is said twice.
    list(&terminal, 2);
    terminal.press("count");
    terminal.until("(1 of 2)");
    terminal.press(CTRL_R);
    terminal.press("\x15words\r");
    wait_until("the other title", || home.sessions().iter().any(|row| row["title"] == "words"));
    terminal.press(ESCAPE);
    wait_until("the list is closed", || !terminal.text().contains("Ctrl+D"));
    list(&terminal, 2);
    terminal.press("words");
    terminal.until("(1 of 2)");
    terminal.press(CTRL_D);
    assert_eq!(home.sessions().len(), 2);
    terminal.press(CTRL_D);
    wait_until("it is deleted", || home.sessions().len() == 1);
    terminal.press(ESCAPE);
    wait_until("the list is closed", || !terminal.text().contains("Ctrl+D"));
    terminal.leave();
    home.verify(home.sessions()[0]["id"].as_str().unwrap());
}

#[test]
fn escape_twice_goes_back_to_before_a_message_in_a_session_of_its_own() {
    let home = Home::new();
    let script = Script::new().say("One.").say("Two.").say("Three.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    for (words, answer) in [("first", "One."), ("second", "Two.")] {
        terminal.say(words);
        terminal.until(answer);
        terminal.until("Tab mode");
    }
    terminal.press(ESCAPE);
    wait_until("the person's messages", || {
        terminal.press(ESCAPE);
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.text().contains("Go back to before")
    });
    // The last message is picked.
    terminal.press(ENTER);
    wait_until("the fork", || {
        let text = terminal.text();
        text.contains("One.") && !text.contains("Two.") && text.contains("> second")
    });
    terminal.press(" differently\r");
    terminal.until("Two.");
    assert_eq!(told(&home), ["first", "second differently"]);
    let sessions = home.sessions();
    assert_eq!((sessions.len(), sessions[0]["title"].as_str()), (2, Some("first (fork)")));
    terminal.leave();
    sessions.iter().for_each(|row| home.verify(row["id"].as_str().unwrap()));
}

#[test]
fn what_is_queued_is_said_when_the_model_is_done_and_what_is_sent_is_heard_at_once() {
    let home = Home::new();
    let gate = home.pipe("work/gate");
    let script = Script::new().shell("echo up; read line < gate").say("First done.").say("Then that.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model, "--mode", "yolo:1"]);
    terminal.until("YOLO");
    terminal.say("begin");
    terminal.until("up");
    terminal.press("and afterwards this");
    terminal.until("> and afterwards this");
    terminal.press(CTRL_Q);
    terminal.until("queued: and afterwards this");
    terminal.say("look at b, too");
    terminal.until("> look at b, too");
    crate::support::tell(&gate, "go");
    terminal.until("Then that.");
    assert_eq!(told(&home), ["begin", "look at b, too", "and afterwards this"]);
    terminal.leave();
}

#[test]
fn a_command_of_the_persons_own_runs_ungated_and_is_told_only_when_they_say_so() {
    let home = Home::new();
    let model = home.script(Script::new().say("I see."));
    let keys = [("ANTHROPIC_API_KEY", "canary-6f1c"), ("PLAIN", "is-there")];
    let terminal = Terminal::among(&home, &["--model", &model, "--mode", "plan"], (24, 80), &keys);
    terminal.until("Plan");
    // It sees what is the person's, and no key of Remit's: what it says may be given to the model.
    terminal.say("!echo $PLAIN, ${ANTHROPIC_API_KEY:-hidden}");
    terminal.until("is-there, hidden");
    terminal.say("!echo mine > mine.txt; echo it says $((40 + 2))");
    terminal.until("it says 42");
    assert_eq!(home.read("work/mine.txt"), "mine\n");
    terminal.press(CTRL_S);
    terminal.until("(exit status: 0)");
    terminal.press("what is that?\r");
    terminal.until("I see.");
    let [said] = told(&home).try_into().unwrap();
    assert!(said.contains("it says 42") && said.contains("what is that?"), "{said}");
    // One that does not end is stopped, with all that it started.
    terminal.say("!echo begun; sleep 1000");
    terminal.until("Ctrl+C stops it");
    terminal.press(CTRL_C);
    terminal.until("signal: 15");
    terminal.leave();
}

#[test]
fn files_are_completed_and_an_editor_of_the_persons_own_writes_on() {
    let home = Home::new();
    home.write("work/src/shards.rs", "");
    home.program("editor", "printf ' and mend it' >> \"$1\"");
    let model = home.script(Script::new().say("Yes."));
    let editor = home.text_path("bin/editor");
    let terminal = Terminal::among(&home, &["--model", &model], (24, 80), &[("EDITOR", &editor)]);
    terminal.until("Agent");
    terminal.press("look at @shar");
    terminal.until("src/shards.rs");
    terminal.press("\t");
    terminal.until("> look at @src/shards.rs");
    terminal.press(CTRL_G);
    terminal.until("and mend it");
    terminal.press(ENTER);
    terminal.until("Yes.");
    let [said] = told(&home).try_into().unwrap();
    assert!(said.contains("src/shards.rs") && said.ends_with("and mend it"), "{said}");
    terminal.leave();
}

#[test]
fn answers_that_last_are_listed_and_taken_back() {
    let home = Home::new();
    let script = Script::new().shell("touch a").say("One.").shell("touch a").say("Two.").shell("touch a").say("Three.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("first");
    terminal.answer("s", "shell: touch a");
    terminal.until("One.");
    terminal.say("second");
    terminal.until("Two.");
    assert!(!terminal.text().contains("Allow?"));
    terminal.say("/answers");
    terminal.until("shell: touch a");
    terminal.until("Enter takes the answer back");
    terminal.press(ENTER);
    terminal.until("no answer of yours lasts");
    terminal.say("third");
    terminal.answer("n", "shell: touch a");
    terminal.until("Three.");
    terminal.leave();
}

#[test]
fn another_model_answers_from_the_next_request_on_and_after_a_resume() {
    let home = Home::new();
    let one = home.script(Script::new().say("I am one."));
    let other = home.script(Script::new().say("unused").say("I am the other.").say("Still the other."));
    let terminal = Terminal::of_size(&home, &["--model", &one], (24, 160));
    terminal.until("Agent");
    terminal.say("who?");
    terminal.until("I am one.");
    terminal.say(&format!("/model {other}"));
    terminal.until("is asked from the next request on");
    terminal.say("and now?");
    terminal.until("I am the other.");
    terminal.leave();
    let again = Terminal::of_size(&home, &["--continue"], (24, 160));
    again.until("I am the other.");
    again.say("and again?");
    again.until("Still the other.");
    again.leave();
}

#[test]
fn the_conversation_is_exported_and_what_differs_is_shown() {
    let home = Home::new();
    home.git(&["init", "-q"]);
    home.write("work/a.txt", "one\n");
    home.git(&["add", "."]);
    home.git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first"]);
    let script = Script::new().call("write", json!({"path": "b.txt", "content": "x\n"})).say("It is **written**.");
    let model = home.script(script);
    let terminal = Terminal::start(&home, &["--model", &model, "--mode", "yolo:1"]);
    terminal.until("YOLO");
    terminal.say("write it");
    terminal.until("It is written.");
    home.write("work/a.txt", "two\n");
    terminal.say("/diff");
    terminal.until("-one");
    terminal.until("b.txt");
    terminal.press("q");
    terminal.say("/export");
    terminal.until("written to");
    let files = std::fs::read_dir(home.path("work")).unwrap().map(|entry| entry.unwrap().path());
    let export = files.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "md")).unwrap();
    let text = std::fs::read_to_string(export).unwrap();
    assert!(
        text.starts_with("## write it\n") && text.contains("It is **written**.") && text.contains("b.txt"),
        "{text}"
    );
    terminal.leave();
}

#[test]
fn a_session_that_began_with_nobody_there_says_so_and_a_fork_of_it_asks() {
    let home = Home::new();
    let script = Script::new().say("One.").call("write", json!({"path": "a.txt", "content": "x"})).say("Two.");
    let model = home.script(script);
    home.run(&model, &[]).end().assert(0);
    let terminal = Terminal::start(&home, &["--continue"]);
    terminal.until("began with nobody there");
    terminal.press(ESCAPE);
    wait_until("the person's messages", || {
        terminal.press(ESCAPE);
        std::thread::sleep(std::time::Duration::from_millis(300));
        terminal.text().contains("Go back to before")
    });
    terminal.press(ENTER);
    terminal.until("> do it");
    terminal.press(CTRL_C);
    terminal.say("do it now");
    terminal.until("One.");
    terminal.say("and write");
    terminal.answer("y", "write a.txt");
    terminal.until("Two.");
    assert_eq!(home.read("work/a.txt"), "x");
    terminal.leave();
}

#[test]
fn a_session_in_which_nothing_was_said_leaves_nothing_behind() {
    let home = Home::new();
    let model = home.script(Script::new().say("Yes."));
    let mut terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.end();
    assert!(home.sessions().is_empty() && !terminal.printed().contains("to go on"), "{}", terminal.printed());
    // Another that takes its place leaves it behind, too.
    let terminal = Terminal::start(&home, &["--model", &model]);
    terminal.until("Agent");
    terminal.say("/new");
    terminal.until("Agent");
    terminal.say("is it there?");
    terminal.until("Yes.");
    terminal.leave();
    assert_eq!(home.sessions().len(), 1);
}
