//! The pages of `remit serve` in a real browser: Debian's Chromium, driven by `tests/web/page.mjs`.
//!
//! Not here: what is looked at, which the script says.

use crate::serve::{Client, Served};
use crate::support::{Home, REMIT, Script, wait_until};
use serde_json::{Value, json};
use std::path::PathBuf;

#[test]
fn a_person_answers_turns_on_yolo_and_reads_the_receipt_in_a_browser() {
    let Some(modules) = std::env::var_os("REMIT_TEST_NPM").map(PathBuf::from) else {
        assert!(std::env::var_os("REMIT_TEST_FULL").is_none(), "REMIT_TEST_NPM does not say where the packages are");
        eprintln!("skipped: REMIT_TEST_NPM does not say where the packages are; `cargo xtask test` gets them");
        return;
    };
    let home = Home::new();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/web/page.mjs");
    let shots = std::env::var_os("REMIT_TEST_SHOTS").map_or_else(|| home.path("work"), PathBuf::from);
    let words = [script, modules, PathBuf::from(REMIT), shots].map(|path| path.to_str().unwrap().to_owned());
    let words: Vec<&str> = std::iter::once("node").chain(words.iter().map(String::as_str)).collect();
    home.start(&words).end().assert(0);
}

/// Sends a form as a browser does without a script, and says where it leads.
fn sent(browser: &Client, path: &str, form: &str) -> String {
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let answer = browser.raw("POST", path, &[kind, ("Accept", "text/html,*/*;q=0.8")], form.as_bytes());
    assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    answer.header("location").unwrap().to_owned()
}

fn listed(browser: &Client) -> Vec<Value> {
    browser.get("/v1/sessions").done()["sessions"].as_array().unwrap().clone()
}

#[test]
fn without_a_script_a_page_begins_renames_forks_and_deletes() {
    let home = Home::new();
    let served = Served::playing(&home, Script::with_head("after = \"end\"\n").say("Hello."));
    let browser = served.browser();
    let page = sent(&browser, "/sessions", "text=say+hello&mode=agent&cap=5.00&workspace=&model=");
    let id = page.strip_prefix("/s/").unwrap().to_owned();
    wait_until("the end", || listed(&browser)[0]["state"] == "idle");
    assert!(browser.get(&page).body.contains("Hello."));
    sent(&browser, &format!("{page}/rename"), "title=A+greeting");
    assert_eq!(listed(&browser)[0]["title"], "A greeting");
    sent(&browser, &format!("{page}/mode"), "mode=yolo&cap=2.50");
    assert_eq!(browser.get(&format!("/v1/sessions/{id}")).done()["mode"], "yolo:2.50");
    let fork = sent(&browser, &format!("{page}/fork"), "said=0");
    let forked = browser.get(&format!("/v1/sessions/{}", fork.strip_prefix("/s/").unwrap())).done();
    assert_eq!((&forked["mode"], &forked["title"]), (&json!("agent"), &json!("A greeting (fork)")));
    assert!(!browser.get(&fork).body.contains("Hello."), "it begins before what was said");
    assert_eq!(sent(&browser, &format!("{page}/delete"), ""), "/");
    let left: Vec<Value> = listed(&browser).into_iter().map(|session| session["id"].clone()).collect();
    assert_eq!(left, [forked["id"].clone()]);
}
