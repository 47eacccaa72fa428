//! A session of a server, shown and commanded in a terminal with `--attach`.
//!
//! Not here: who may (that is `serve_people`), or a session without a server (that is `beside`).

use crate::pty::Terminal;
use crate::serve::{Served, token, whole_token};
use crate::support::{Home, two_changes, wait_until};
use serde_json::json;

fn attached(home: &Home, page: &str, token: &str) -> Terminal {
    Terminal::among(home, &["--attach", page], (24, 80), &[("REMIT_TOKEN", token)])
}

/// Leaves it; the session goes on.
fn leave(terminal: &Terminal) {
    terminal.press("/quit\r");
    terminal.until("it goes on");
}

#[test]
fn what_a_server_asks_is_answered_in_a_terminal_and_everywhere_else_it_is_seen() {
    let home = Home::new();
    home.configure(&format!("model = \"{}\"\n", two_changes(&home)));
    let alice = whole_token(&home, "alice");
    let served = Served::start(&home, &[]);
    let client = served.client(&alice);
    let id = client.begin(&json!({"prompt": "make two files"}));
    let page = format!("http://{}/s/{id}", served.address);
    let terminal = attached(&home, &page, &alice);
    terminal.until("> make two files");
    terminal.until("Allow? write a.txt");
    let mut elsewhere = client.stream(&id, None);
    terminal.answer("y", "write a.txt");
    terminal.until("Allow? shell: echo ran");
    assert_eq!(home.read("work/a.txt"), "x\n");
    elsewhere.until("result");
    terminal.say("/mode yolo 2");
    terminal.until("All done.");
    wait_until("the mode", || terminal.status().starts_with("YOLO $2.00 of $2.00"));
    assert_eq!(home.read("work/b.txt"), "ran\n");
    assert_eq!(client.get(&format!("/v1/sessions/{id}/mode")).done()["mode"], "yolo:2.00");
    leave(&terminal);
    terminal.until(&format!("remit --attach {page}"));
}

#[test]
fn a_lost_connection_heals_and_the_session_is_told_once() {
    let home = Home::new();
    home.configure(&format!("model = \"{}\"\n", two_changes(&home)));
    let alice = whole_token(&home, "alice");
    let served = Served::start(&home, &[]);
    let id = served.client(&alice).begin(&json!({"prompt": "make two files"}));
    let (address, page) = (served.address.clone(), format!("http://{}/s/{id}", served.address));
    let terminal = attached(&home, &page, &alice);
    terminal.until("Allow? write a.txt");
    drop(served);
    terminal.until("trying again");
    let _again = Served::of(home.remit(&["serve", "--listen", &address]));
    // The server ended while it worked: what was asked is asked no more, and what was said is told anew.
    wait_until("the telling", || !terminal.text().contains("Allow? write a.txt"));
    terminal.until("> make two files");
    assert_eq!(terminal.text().matches("> make two files").count(), 1, "{}", terminal.text());
    leave(&terminal);
}

#[test]
fn whoever_may_only_read_sees_it_and_is_told_what_they_may_not_do() {
    let home = Home::new();
    home.configure(&format!("model = \"{}\"\n", two_changes(&home)));
    let (alice, reader) = (whole_token(&home, "alice"), token(&home, "alice", "read"));
    let served = Served::start(&home, &[]);
    let id = served.client(&alice).begin(&json!({"prompt": "make two files"}));
    let terminal = attached(&home, &format!("http://{}/s/{id}", served.address), &reader);
    terminal.until("Allow? write a.txt");
    terminal.answer("y", "write a.txt");
    terminal.until("this needs the scope");
    assert!(!home.path("work/a.txt").exists());
    leave(&terminal);
}

#[test]
fn an_address_that_cannot_be_attached_to_says_why() {
    let home = Home::new();
    let alice = whole_token(&home, "alice");
    let served = Served::start(&home, &[]);
    let base = format!("http://{}", served.address);
    for (address, token, why) in [
        (format!("{base}/s/nosuch"), alice.as_str(), "there is no session"),
        (base.clone(), alice.as_str(), "names no session"),
        (format!("{base}/s/x"), "", "`REMIT_TOKEN` is not set"),
        (format!("{base}/s/x"), "remit_wrong", "the token is unknown"),
        ("http://example.org/s/x".to_owned(), alice.as_str(), "is not encrypted"),
        ("nonsense".to_owned(), alice.as_str(), "is no address"),
    ] {
        let terminal = attached(&home, &address, token);
        terminal.until(why);
    }
}
