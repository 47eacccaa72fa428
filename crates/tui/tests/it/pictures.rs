//! Pictures of what the terminal looks like in each state, as files that the documentation shows.
//!
//! `REMIT_UPDATE=1` draws them anew; without it a picture that is not what is drawn now fails.
//!
//! Not here: how a picture is made (that is `svg`).

#![allow(clippy::disallowed_methods, reason = "the pictures are files")]

use crate::stage::{app, hear, press, screen, session};
use crate::svg::picture;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tui::app::{App, Input, ListKind, ListRow, Listing, ShellSaid};
use tui::theme::{Depth, Ground, Theme};
use wire::{Event, GoingOn, Spend, Status, Tokens};

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 50)];
const GROUNDS: [(Ground, &str); 2] = [(Ground::Dark, "dark"), (Ground::Light, "light")];
const BEGINS: &str = "<!-- screens -->\n";
const ENDS: &str = "<!-- /screens -->";

/// One state of the screen: the name of its pictures, what it shows, and how one comes to it.
struct State {
    name: &'static str,
    shows: &'static str,
    comes: fn(&mut App),
}

const STATES: &[State] = &[
    State { name: "first", shows: "A new session", comes: |_| () },
    State {
        name: "works",
        shows: "The model works: what it thinks is folded, what it says comes as it says it",
        comes: works,
    },
    State { name: "markdown", shows: "What it says is Markdown", comes: markdown },
    State { name: "calls", shows: "Each call is a line: done, failed, refused, running", comes: calls },
    State { name: "open", shows: "Ctrl+O opens a call, then shows all of it", comes: open },
    State { name: "diff", shows: "A change to a file", comes: change },
    State { name: "asks", shows: "A question for permission", comes: asks },
    State { name: "asks-diff", shows: "The exact change is what a yes approves", comes: asks_change },
    State { name: "asks-paid", shows: "What costs money says so first", comes: asks_paid },
    State {
        name: "asks-past-cap",
        shows: "What does not fit in the cap can be let through, or the cap raised",
        comes: asks_past_cap,
    },
    State { name: "asks-words", shows: "A question of the model's own", comes: asks_words },
    State { name: "asks-form", shows: "A form of an MCP server", comes: asks_form },
    State { name: "asks-several", shows: "Several questions", comes: asks_several },
    State { name: "tab", shows: "Tab was pressed: the next mode stands by for half a second", comes: tab },
    State { name: "uncapped", shows: "YOLO without a cap", comes: uncapped },
    State { name: "queued", shows: "A message waits until the model is done", comes: queued },
    State { name: "shell", shows: "A command in the person's own shell", comes: shell },
    State { name: "scrolled", shows: "Scrolled up while the model works", comes: scrolled },
    State { name: "help", shows: "A page: the keys and the commands", comes: help },
    State { name: "sessions", shows: "Something to pick from", comes: sessions },
    State { name: "stopped", shows: "Stopped, with something that goes on and costs money", comes: stopped },
];

fn text(app: &mut App, words: &str) {
    hear(app, Event::Text { delta: words.to_owned() }, 1_000);
}

fn says(app: &mut App, words: &str) {
    text(app, words);
    let (text, chip) = (words.to_owned(), app.chip.clone());
    hear(app, Event::Message { text, calls: 0, tokens: None, chip }, 1_000);
}

fn prompt(app: &mut App, words: &str) {
    hear(app, Event::Prompt { text: words.to_owned() }, 1_000);
}

fn call(app: &mut App, (name, summary, price): (&str, &str, &str), arguments: &str) {
    let event = Event::Call {
        call: name.to_owned(),
        tool: "shell".to_owned(),
        summary: summary.to_owned(),
        effect: Some("change".to_owned()),
        price: Some(price.to_owned()),
        arguments: arguments.to_owned(),
    };
    hear(app, event, 1_000);
}

fn decided(app: &mut App, name: &str, outcome: &str, reason: Option<&str>) {
    let (call, chip) = (name.to_owned(), app.chip.clone());
    let (outcome, decided_by) = (outcome.to_owned(), Some("mode".to_owned()));
    hear(app, Event::Decision { call, outcome, decided_by, reason: reason.map(str::to_owned), chip }, 1_000);
}

fn done(app: &mut App, name: &str, text: &str) {
    let chip = app.chip.clone();
    hear(app, Event::Result { call: name.to_owned(), ok: true, text: text.to_owned(), chip }, 9_000);
}

/// A call that ran, from its beginning to its end.
fn ran(app: &mut App, name: &str, summary: &str, result: &str) {
    call(app, (name, summary, "free"), "{\"path\":\"src/cache.rs\"}");
    decided(app, name, "run", None);
    done(app, name, result);
}

/// What is asked, beside the call.
struct Asked {
    shown: &'static str,
    why: &'static str,
    offered: &'static [&'static str],
    raise_to: Option<&'static str>,
}

fn ask(app: &mut App, (name, summary, price): (&str, &str, &str), asked: &Asked) {
    call(app, (name, summary, price), asked.shown);
    decided(app, name, "ask", Some(asked.why));
    let event = Event::Question {
        call: name.to_owned(),
        summary: summary.to_owned(),
        shown: asked.shown.to_owned(),
        effect: Some("change".to_owned()),
        price: Some(price.to_owned()),
        why: Some(asked.why.to_owned()),
        offered: asked.offered.iter().map(ToString::to_string).collect(),
        raise_to: asked.raise_to.map(str::to_owned),
        chip: app.chip.clone(),
    };
    hear(app, event, 1_000);
}

fn mode(app: &mut App, mode: &str, chip: &str) {
    hear(app, session(mode, chip), 0);
    hear(app, Event::CaughtUp { doing: wire::Doing::Waits }, 0);
}

fn works(app: &mut App) {
    hear(app, Event::Titled { title: "Fix the flaky cache test".into() }, 0);
    prompt(app, "the test of the cache fails now and then; find out why and mend it");
    let thought = "The test may depend on the order in which two threads get the lock. ".repeat(6);
    hear(app, Event::Reasoning { delta: thought }, 1_000);
    says(app, "I look at the test first.");
    ran(app, "c1", "read src/cache.rs", "312 lines");
    ran(app, "c2", "search `evict` in src", "7 lines in 3 files");
    text(
        app,
        "The test sleeps for **10 ms** and hopes that the thread has run by then. Two ways to mend it:\n\n\
        1. Let `evict` take a clock, so that the test moves time by itself\n2. Wait for the condition, and not for the ti",
    );
}

const MARKDOWN: &str = "## What was slow\n\nThe query reads **every row** and sorts them in memory; see \
https://www.sqlite.org/queryplanner.html for why an index helps:\n\n| query | before | after |\n|---|---:|---:|\n\
| last ten orders | 840 ms | 3 ms |\n| orders of a customer | 1 200 ms | 5 ms |\n\n```rust\n\
/// Reads the newest orders.\nfn newest(db: &Connection, count: u32) -> Result<Vec<Order>> {\n    \
let sql = \"SELECT * FROM orders ORDER BY id DESC LIMIT ?1\"; // by its index\n    db.prepare(sql)?.query(count)\n}\n```\n\n\
- the index takes *4 MB*\n- writing is as fast as before\n  - measured with `cargo bench`\n\n> Nothing else was changed.\n";

fn markdown(app: &mut App) {
    prompt(app, "why is the list of orders slow?");
    says(app, MARKDOWN);
    end(app, Status::Done, None);
}

fn calls(app: &mut App) {
    prompt(app, "run the tests, and publish the package when they pass");
    says(app, "The tests first.");
    ran(app, "c1", "read Cargo.toml", "48 lines");
    call(app, ("c2", "shell: cargo fmt --check", "free"), "{\"command\":\"cargo fmt --check\"}");
    decided(app, "c2", "run", None);
    let failed = "Diff in src/lib.rs:12\nexit status 1".to_owned();
    let chip = app.chip.clone();
    hear(app, Event::Result { call: "c2".into(), ok: false, text: failed, chip }, 2_000);
    call(app, ("c3", "shell: cargo publish", "free"), "{\"command\":\"cargo publish\"}");
    decided(app, "c3", "refuse", Some("the person said no: not before the tests pass"));
    done(app, "c3", "refused");
    call(app, ("c4", "hf_jobs run train.py on a10g-small", "$1.50"), "{}");
    decided(app, "c4", "run", None);
    done(app, "c4", "job 66f1 runs in the background");
    call(app, ("c5", "shell: cargo test", "free"), "{\"command\":\"cargo test\"}");
    decided(app, "c5", "run", None);
    let lines =
        "test cache::evicts_the_oldest ... ok\ntest cache::keeps_what_is_used ... ok\ntest wire::round_trip ... ok\n";
    hear(app, Event::Progress { call: "c5".into(), text: lines.into() }, 2_000);
    hear(app, Event::Progress { call: "c5".into(), text: "41 of 96\r57 of 96\r".into() }, 2_000);
}

fn open(app: &mut App) {
    prompt(app, "which tests are slow?");
    let slow = |number| format!("PASS [   {}.{:03}s] engine::case_{number}\n", number % 7, number * 37 % 1_000);
    let output: String = (0..60).map(slow).collect();
    call(app, ("c1", "shell: cargo nextest run", "free"), "{\"command\":\"cargo nextest run\",\"timeout_ms\":600000}");
    decided(app, "c1", "run", None);
    done(app, "c1", &format!("{output}\n60 tests run: 60 passed"));
    app.update(Input::Key(KeyEvent::new(KeyCode::Char('o'), KeyModifiers::CONTROL)), 1_000);
}

const CHANGE: &str = "--- a/src/cache.rs\n+++ b/src/cache.rs\n@@ -38,9 +38,9 @@ impl Cache {\n \n     /// Drops what nobody \
has used for a while.\n     pub fn evict(&mut self) {\n-        let now = Instant::now();\n-        self.entries.retain(|_, \
entry| now - entry.used < self.keep);\n+        let now = self.clock.now();\n+        self.entries.retain(|_, entry| \
now.duration_since(entry.used) < self.keep);\n     }\n \n     /// How many entries there are.\n";

fn change(app: &mut App) {
    prompt(app, "let the cache take a clock");
    says(app, "`evict` asks the clock that the cache was given:");
    call(app, ("c1", "edit src/cache.rs", "free"), "{}");
    decided(app, "c1", "run", None);
    done(app, "c1", CHANGE);
    says(app, "The test moves that clock by itself now, and waits for nothing.");
}

const SCRIPT: &str = "set -e\ncargo test --workspace\ncargo clippy --all-targets -- -D warnings\ngit add -A && git commit -m 'cache: a clock \
is given, not asked for'";

fn asks(app: &mut App) {
    prompt(app, "let the cache take a clock, test it and commit");
    ran(app, "c1", "edit src/cache.rs", "changed");
    says(app, "Now the tests, and a commit when they pass.");
    let why = "it changes something outside what an undo brings back";
    ask(
        app,
        ("c2", "shell: set -e; cargo test --workspace; …", "free"),
        &Asked { shown: SCRIPT, why, offered: &["shell: cargo test", "shell: cargo clippy"], raise_to: None },
    );
}

fn asks_change(app: &mut App) {
    prompt(app, "let the cache take a clock");
    let asked =
        Asked { shown: CHANGE, why: "it changes a file", offered: &["edit: files of the workspace"], raise_to: None };
    ask(app, ("c1", "edit src/cache.rs", "free"), &asked);
}

const JOB: &str = "{\"operation\":\"run\",\"image\":\"python:3.12\",\"hardware\":\"a10g-small\",\"timeout\":\"90m\",\
\"command\":[\"python\",\"train.py\",\"--epochs\",\"3\"]}";

fn asks_paid(app: &mut App) {
    prompt(app, "train it on a small GPU");
    let asked = Asked { shown: JOB, why: "it costs money", offered: &[], raise_to: None };
    ask(app, ("c1", "hf_jobs run train.py on a10g-small for at most 90 min", "$1.50"), &asked);
}

fn asks_past_cap(app: &mut App) {
    mode(app, "yolo:5", "YOLO $0.80 of $5.00");
    prompt(app, "train it on a small GPU");
    let asked = Asked { shown: JOB, why: "$1.50 is more than what is left", offered: &[], raise_to: Some("6") };
    ask(app, ("c1", "hf_jobs run train.py on a10g-small for at most 90 min", "$1.50"), &asked);
}

fn asks_words(app: &mut App) {
    prompt(app, "write the release notes");
    says(app, "I have read the log since the last release.");
    call(app, ("c1", "asks you", "free"), "{}");
    decided(app, "c1", "deliver", None);
    let event = Event::Question {
        call: "c1".into(),
        summary: "request_user_input".into(),
        shown: "Three changes break the interface. Shall the version be 2.0, or do you want to keep the old names for one more release?".into(),
        effect: None,
        price: None,
        why: None,
        offered: Vec::new(),
        raise_to: None,
        chip: app.chip.clone(),
    };
    hear(app, event, 1_000);
}

const FORM: &str = "The tracker wants to know more before it opens the ticket.\n{\"type\":\"object\",\"properties\":{\
\"title\":{\"type\":\"string\",\"description\":\"one line\"},\"severity\":{\"type\":\"string\",\"enum\":[\"low\",\"high\"]},\
\"notify\":{\"type\":\"boolean\"}},\"required\":[\"title\",\"severity\"]}";

fn asks_form(app: &mut App) {
    prompt(app, "open a ticket for the flaky test");
    call(app, ("c1", "tracker open_ticket", "free"), "{}");
    decided(app, "c1", "run", None);
    let event = Event::Question {
        call: "c1".into(),
        summary: "MCP server `tracker` asks".into(),
        shown: FORM.into(),
        effect: None,
        price: None,
        why: None,
        offered: Vec::new(),
        raise_to: None,
        chip: app.chip.clone(),
    };
    hear(app, event, 1_000);
}

fn typed(app: &mut App, words: &str) {
    words.chars().for_each(|letter| drop(press(app, KeyCode::Char(letter), 2_000)));
}

fn queued(app: &mut App) {
    works(app);
    typed(app, "then update the changelog");
    app.update(Input::Key(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::CONTROL)), 2_000);
    typed(app, "and by the way, keep the old na");
}

fn shell(app: &mut App) {
    typed(app, "!git status --short");
    press(app, KeyCode::Enter, 2_000);
    app.update(Input::Shell(ShellSaid::Output(" M src/cache.rs\n?? notes.md\n".into())), 2_100);
    app.update(Input::Shell(ShellSaid::Ended("exit status 0".into())), 2_200);
}

fn asks_several(app: &mut App) {
    prompt(app, "tidy up the branches and tell the others");
    for (name, summary, shown) in [
        ("c1", "shell: git branch -D old-cache", "git branch -D old-cache"),
        ("c2", "shell: git push origin --delete old-cache", "git push origin --delete old-cache"),
        ("c3", "chat post to #engine", "{\"channel\":\"#engine\",\"text\":\"old-cache is gone\"}"),
    ] {
        let asked = Asked { shown, why: "it changes something", offered: &[], raise_to: None };
        ask(app, (name, summary, "free"), &asked);
    }
    press(app, KeyCode::Down, 1_000);
}

fn tab(app: &mut App) {
    asks_change(app);
    press(app, KeyCode::Tab, 2_000);
}

fn uncapped(app: &mut App) {
    mode(app, "yolo:uncapped", "YOLO uncapped");
    works(app);
}

fn scrolled(app: &mut App) {
    markdown(app);
    works(app);
    press(app, KeyCode::PageUp, 2_000);
}

fn help(app: &mut App) {
    typed(app, "/help");
    press(app, KeyCode::Esc, 1_000);
    press(app, KeyCode::Enter, 1_000);
}

fn sessions(app: &mut App) {
    markdown(app);
    let row = |id: &str, label: &str, note: &str| ListRow { id: id.into(), label: label.into(), note: note.into() };
    let rows = vec![
        row("k3f9xq2mzp", "why is the list of orders slow?", "engine  Agent  2 min ago  $0.04"),
        row("p7d2c8w1ka", "Fix the flaky cache test", "engine  YOLO  yesterday  $1.20"),
        row("m4z8t5r3vb", "Release notes of 2.0", "site  Plan  3 days ago  $0.11"),
    ];
    app.update(Input::Listed(Listing { kind: ListKind::Sessions, title: "Sessions".into(), rows }), 2_000);
}

fn stopped(app: &mut App) {
    calls(app);
    let chip = app.chip.clone();
    hear(
        app,
        Event::Result { call: "c5".into(), ok: false, text: "57 of 96\nstopped by the person".into(), chip },
        9_000,
    );
    end(app, Status::Interrupted, Some("a person stopped it"));
}

fn end(app: &mut App, status: Status, reason: Option<&str>) {
    let job = GoingOn {
        hold: "c4".into(),
        held: Some("$1.50".into()),
        reference: "job 66f1".into(),
        page: Some("https://huggingface.co/jobs/ada/66f1".into()),
    };
    let event = Event::End {
        status,
        reason: reason.map(str::to_owned),
        text: String::new(),
        refused: Vec::new(),
        prompts: 0,
        going_on: if status == Status::Interrupted { vec![job] } else { Vec::new() },
        spend: Spend::default(),
        tokens: Tokens::default(),
        chip: app.chip.clone(),
    };
    hear(app, event, 9_000);
}

/// A picture of a state, some seconds after it was come to.
fn drawn(state: &State, size: (u16, u16), depth: Depth, ground: Ground) -> String {
    let mut app = app();
    app.composer.invite("what do you want done?");
    (state.comes)(&mut app);
    picture(&screen(&mut app, size, &Theme::new(depth, ground), 13_400), ground)
}

/// Every picture, by the name of its file.
fn pictures() -> BTreeMap<String, String> {
    let mut pictures = BTreeMap::new();
    for state in STATES {
        for size in SIZES {
            for (ground, named) in GROUNDS {
                let name = format!("{}-{}x{}-{named}.svg", state.name, size.0, size.1);
                pictures.insert(name, drawn(state, size, Depth::True, ground));
            }
        }
    }
    let asks = STATES.iter().find(|state| state.name == "asks").unwrap();
    for (ground, named) in GROUNDS {
        pictures.insert(format!("narrow-60x15-{named}.svg"), drawn(asks, (60, 15), Depth::True, ground));
        pictures.insert(format!("no-colour-80x24-{named}.svg"), drawn(asks, (80, 24), Depth::None, ground));
    }
    pictures
}

/// What the page says of the pictures.
fn section() -> String {
    let small = |name: &str, size: &str| {
        let link =
            |ground| format!("[![{name}](screens/{name}-{size}-{ground}.svg)](screens/{name}-{size}-{ground}.svg)");
        format!("{} {}", link("dark"), link("light"))
    };
    let mut text = String::new();
    for State { name, shows, .. } in STATES {
        let large = format!("[dark](screens/{name}-160x50-dark.svg), [light](screens/{name}-160x50-light.svg)");
        text += &format!("{shows} (160x50: {large}):\n\n{}\n\n", small(name, "80x24"));
    }
    text += &format!("The smallest screen that all of it fits on:\n\n{}\n\n", small("narrow", "60x15"));
    text + &format!("Without colours:\n\n{}\n\n", small("no-colour", "80x24"))
}

fn docs() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"))
}

#[test]
fn the_pictures_of_the_documentation_are_what_is_drawn() {
    let (pictures, folder) = (pictures(), docs().join("screens"));
    if std::env::var_os("REMIT_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        pictures.iter().for_each(|(name, picture)| std::fs::write(folder.join(name), picture).unwrap());
    }
    let there = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut there: Vec<String> = there.collect();
    there.sort();
    assert_eq!(there, pictures.keys().cloned().collect::<Vec<_>>(), "REMIT_UPDATE=1 draws the pictures anew");
    for (name, picture) in &pictures {
        let kept = std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(kept == *picture, "{name} is not what is drawn; look at what has changed, then REMIT_UPDATE=1");
    }
    let bytes: usize = pictures.values().map(String::len).sum();
    assert!(bytes < 1_500_000, "{bytes} bytes of pictures are too many for a repository");
}

#[test]
fn the_page_of_the_terminal_shows_every_picture() {
    let path = docs().join("terminal.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGINS).unwrap();
    let (within, after) = rest.split_once(ENDS).unwrap();
    if std::env::var_os("REMIT_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGINS}{}{ENDS}{after}", section())).unwrap();
        return;
    }
    assert!(within == section(), "REMIT_UPDATE=1 writes docs/terminal.md anew");
}
