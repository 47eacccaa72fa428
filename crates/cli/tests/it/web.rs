//! The pages of `remit serve` in a real browser: Debian's Chromium, driven by `tests/web/page.mjs`.
//!
//! Not here: what is looked at, which the script says.

use crate::support::{Home, REMIT};
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
