//! What the program does with the window that it is in: its title, its clipboard, and giving it back.
//!
//! Not here: what is on the screen (that is `terminal`).

use crate::pty::{ENTER, Terminal};
use crate::support::{Home, Script};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const CTRL_Z: &str = "\x1a";
const FOCUS_LOST: &str = "\x1b[O";
const FOCUS_GAINED: &str = "\x1b[I";
const ALTERNATE_SCREEN: &str = "\x1b[?1049h";
const OWN_SCREEN: &str = "\x1b[?1049l";

fn asking(home: &Home) -> String {
    home.script(Script::new().turn("One file.", &[("write", json!({"path": "a.txt", "content": "x\n"}))]).say("Done."))
}

#[test]
fn who_looks_at_another_window_is_called_with_a_line_and_the_title_says_what_goes_on() {
    let home = Home::new();
    let terminal = Terminal::start(&home, &["--model", &asking(&home)]);
    terminal.until("Agent");
    terminal.until_printed("\x1b[22;0t", 1);
    terminal.until_printed("\x1b]2;Remit: waits", 1);
    terminal.press("write the file");
    terminal.until("write the file");
    terminal.press(ENTER);
    terminal.press(FOCUS_LOST);
    terminal.until("Allow? write a.txt");
    terminal.until_printed("\x1b]9;Remit asks: ", 1);
    terminal.until_printed("\x1b]2;Remit: asks", 1);
    terminal.press(FOCUS_GAINED);
    terminal.answer("y", "write a.txt");
    terminal.until("Done.");
    assert_eq!(terminal.printed().matches("\x1b]9;").count(), 1, "nobody is called who is here");
    let printed = terminal.leave();
    assert!(printed.contains("to go on: remit --resume"), "{printed}");
}

#[test]
fn what_the_mouse_selects_goes_to_the_clipboard_of_the_terminal() {
    let home = Home::new();
    let terminal = Terminal::start(&home, &["--model", &asking(&home)]);
    terminal.until("Agent");
    // The first five columns of the first row: `Remit`.
    terminal.press("\x1b[<0;1;1M\x1b[<32;3;1M\x1b[<0;5;1m");
    terminal.until_printed("\x1b]52;c;UmVtaXQ=\x07", 1);
}

#[test]
fn a_program_that_is_stopped_gives_the_terminal_back_and_takes_it_again() {
    let home = Home::new();
    let terminal = Terminal::start(&home, &["--model", &asking(&home)]);
    terminal.until("Agent");
    terminal.press("half a sentence");
    terminal.until("half a sentence");
    terminal.press(CTRL_Z);
    // No shell is there that could let it go on, so that it is not stopped, and comes back by itself.
    terminal.until_printed(OWN_SCREEN, 1);
    terminal.until_printed(ALTERNATE_SCREEN, 2);
    terminal.press(" and the rest");
    terminal.until("half a sentence and the rest");
}

#[test]
fn a_program_that_is_told_to_end_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = Home::new();
        let mut terminal = Terminal::start(&home, &["--model", &asking(&home)]);
        terminal.until("Agent");
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        terminal.until_printed(OWN_SCREEN, 1);
        assert_eq!(terminal.child.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}
