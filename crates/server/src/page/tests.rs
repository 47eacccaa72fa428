//! What holds for all pages together, over sessions with everything in them.
//!
//! Not here: what one part does by itself.
//!
//! With `REMIT_PREVIEW` set to a folder, the pages are written there, to be looked at.

#![allow(clippy::disallowed_methods, reason = "a preview is written to a folder")]

use crate::page::assets::ASSETS;
use crate::page::contract::contract_page;
use crate::page::conversation::{CallStanding, Conversation};
use crate::page::dom::{self, Element, Node};
use crate::page::frame::Who;
use crate::page::head::{ContractCell, ContractRow};
use crate::page::live::fragments;
use crate::page::session::{OpenPage, call_page, yolo_page};
use crate::page::sessions::{BeginForm, RowState, SessionLink, SessionsPage, sessions_page};
use crate::page::spend::{SpendEntry, spend_page};
use crate::page::trouble::trouble_page;
use maud::Markup;
use std::sync::Arc;
use wire::{Doing, Event, GoingOn, Money, Refused, Spend, Status, Tokens};

const HOSTILE: &str = "\"><img src=x onerror=alert(1)><script>alert(2)</script><a href=\"javascript:alert(3)\" style='x'>&lt;b\u{202e}\u{1b}[31m</textarea>";

fn s(text: &str) -> String {
    text.to_owned()
}

fn some(text: &str) -> Option<String> {
    Some(s(text))
}

fn session(mode: &str, chip: &str) -> Event {
    Event::Session {
        id: s("20261122-shy-otter"),
        mode: s(mode),
        chip: s(chip),
        model: s("anthropic/claude-sonnet-5"),
        workspace: s("/home/ada/code/sparrow"),
        title: s("Mend the flaky parser test"),
        attendance: s("attended"),
        notes: Vec::new(),
    }
}

fn call(name: &str, tool: &str, summary: &str, price: &str, arguments: &str) -> Event {
    let (effect, price) = (some("change"), some(price));
    Event::Call { call: s(name), tool: s(tool), summary: s(summary), effect, price, arguments: s(arguments) }
}

fn decision(name: &str, outcome: &str, reason: Option<&str>, chip: &str) -> Event {
    let (decided_by, reason) = (some("mode"), reason.map(s));
    Event::Decision { call: s(name), outcome: s(outcome), decided_by, reason, chip: s(chip) }
}

fn done(name: &str, text: &str) -> Event {
    Event::Result { call: s(name), ok: true, text: s(text), chip: s("Agent") }
}

fn failed(name: &str, text: &str) -> Event {
    Event::Result { call: s(name), ok: false, text: s(text), chip: s("Agent") }
}

fn question(name: &str, summary: &str, shown: &str, offered: &[&str]) -> Event {
    Event::Question {
        call: s(name),
        summary: s(summary),
        shown: s(shown),
        effect: some("change"),
        price: some("free"),
        why: some("it changes something, and in Agent a change asks"),
        offered: offered.iter().map(|one| s(one)).collect(),
        raise_to: None,
        chip: s("Agent"),
    }
}

fn own_question(name: &str, summary: &str, shown: &str) -> Event {
    let mut event = question(name, summary, shown, &[]);
    if let Event::Question { effect, price, why, .. } = &mut event {
        (*effect, *price, *why) = (None, None, None);
    }
    event
}

fn text(delta: &str) -> Event {
    Event::Text { delta: s(delta) }
}

fn money(settled: &str, held: &str) -> Money {
    let zero = || s("0.00");
    Money { quoted: zero(), held: s(held), open: zero(), settled: s(settled), overrun: zero(), unbounded: 0 }
}

fn spend() -> Spend {
    Spend {
        cap: some("5.00"),
        left: some("3.20"),
        budget: money("1.55", "0.25"),
        metered: money("0.0412", "0.00"),
        past_cap: money("0.00", "0.00"),
        requests: 7,
        unpriced: 0,
        saved: s("0.0312"),
    }
}

fn end(status: Status, reason: Option<&str>) -> Event {
    Event::End {
        status,
        reason: reason.map(s),
        text: s("Done."),
        refused: Vec::new(),
        prompts: 1,
        going_on: Vec::new(),
        spend: spend(),
        tokens: Tokens { input: 48_213, output: 2_045, ..Tokens::default() },
        chip: s("Agent"),
    }
}

const EDITED: &str = "edited `src/parse.rs`\n--- src/parse.rs\n+++ src/parse.rs\n@@ -41,7 +41,9 @@\n fn next(&mut self) -> Option<Token> {\n-    let at = self.at;\n-    self.skip();\n+    self.skip();\n+    // Where it begins is known only behind the blanks.\n+    let at = self.at;\n     self.text[at..].chars().next()\n }\n";

const SAID: &str = "The test is flaky because `next` takes its place **before** it skips blanks:\n\n```rust\nfn next(&mut self) -> Option<Token> {\n    let at = self.at; // too early\n    self.skip();\n}\n```\n\n| run | before | after |\n|-----|-------:|------:|\n| 1 | 3 failures | 0 |\n| 2 | 1 failure | 0 |\n\n1. The order is turned around.\n2. A test says so: see [the manual](https://doc.rust-lang.org/).\n";

/// A turn in Agent, up to its end.
fn worked() -> Vec<Event> {
    let message = |text: &str, calls| Event::Message { text: s(text), calls, tokens: None, chip: s("Agent") };
    vec![
        session("agent", "Agent"),
        Event::CaughtUp { doing: Doing::Waits },
        Event::Prompt { text: s("The parser test fails now and then.\nFind out why and mend it.") },
        Event::Reasoning { delta: s("The person wants the flaky test mended. I should look ") },
        Event::Reasoning { delta: s("at the test first, then at the parser.") },
        text("I look at the test "),
        text("first.\n\nThen at "),
        text("the parser."),
        Event::Calling { tool: s("read") },
        message("I look at the test first.\n\nThen at the parser.", 2),
        call("c1", "read", "read src/parse.rs", "free", "{\"path\":\"src/parse.rs\"}"),
        decision("c1", "run", None, "Agent"),
        call("c2", "shell", "shell: cargo test parse", "free", "{\"command\":\"cargo test parse\",\"confined\":true}"),
        decision("c2", "run", None, "Agent"),
        done("c1", "`src/parse.rs`: lines 1-3 of 3, 60 bytes\nfn next() {\n}\n"),
        Event::Progress { call: s("c2"), text: s("   Compiling sparrow v0.1.0\n") },
        Event::Progress { call: s("c2"), text: s("running 12 tests\n\u{1b}[31mFAILED\u{1b}[0m parse::blanks\n") },
        failed("c2", "running 12 tests\nFAILED parse::blanks\nexit status: 101"),
        Event::Notice { text: s("the MCP server `forge` says: 2 pull requests are open") },
        message("", 1),
        call(
            "c3",
            "edit",
            "edit src/parse.rs (+3 -2)",
            "free",
            "{\"path\":\"src/parse.rs\",\"old\":\"let at\",\"new\":\"self.skip\"}",
        ),
        decision("c3", "ask", Some("it changes something"), "Agent"),
        question("c3", "edit src/parse.rs (+3 -2)", EDITED, &["edit: files in the workspace"]),
        decision("c3", "run", None, "Agent"),
        done("c3", EDITED),
        call("c4", "web_fetch", "fetch https://example.test/x", "free", "{\"url\":\"https://example.test/x\"}"),
        decision("c4", "refuse", Some("you prohibited `web_fetch`"), "Agent"),
        failed("c4", "refused: you prohibited `web_fetch`"),
        text(SAID),
        message(SAID, 0),
        end(Status::Done, None),
    ]
}

const SCRIPT: &str = "{\"script\":\"import torch\\nfrom datasets import load_dataset\\n\\ndata = load_dataset(\\\"imdb\\\")\\nprint(len(data))\\n\",\"hardware\":\"a10g-large\",\"timeout\":\"2h\"}";

/// A turn in which much is asked.
fn asked() -> Vec<Event> {
    let mut events = worked();
    let shell = "{\"command\":\"cargo test --all\",\"confined\":false}";
    events.extend([
        Event::Prompt { text: s("Now run all tests, and train on the cloud.") },
        call("d1", "shell", "shell: cargo test --all", "free", shell),
        decision("d1", "ask", Some("it changes something"), "Agent"),
        question("d1", "shell: cargo test --all", shell, &["shell: cargo test"]),
        call("d2", "hf_jobs", "job on a10g-large, at most 2 h", "$3.00", SCRIPT),
        decision("d2", "ask", Some("it costs money"), "YOLO $0.50 of $1.50"),
    ]);
    let mut paid = question("d2", "job on a10g-large, at most 2 h", SCRIPT, &[]);
    if let Event::Question { price, why, raise_to, chip, .. } = &mut paid {
        (*price, *raise_to) = (some("$3.00"), some("4.00"));
        (*why, *chip) = (some("$3.00 is more than is left of the cap"), s("YOLO $0.50 of $1.50"));
    }
    events.extend([paid, Event::Mode { mode: s("yolo:1.50"), chip: s("YOLO $0.50 of $1.50 + 1 unbounded") }]);
    events
}

/// Questions that are no permission.
fn wanted() -> Vec<Event> {
    let form = "Which account should the release go to?\n{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"title\":\"Account\",\"description\":\"as on the forge\"},\"count\":{\"type\":\"integer\",\"default\":2},\"kind\":{\"enum\":[\"draft\",\"final\"]},\"tags\":{\"type\":\"array\",\"title\":\"Tags\",\"items\":{\"enum\":[\"a\",\"b\"]}},\"notes\":{\"type\":\"boolean\",\"title\":\"With notes\",\"default\":true}},\"required\":[\"name\"]}";
    let ask = "Which of the two should win?\n1. the old order\n2. the new order";
    vec![
        session("plan", "Plan"),
        Event::Prompt { text: s("Plan the release.") },
        call("w1", "request_user_input", "request_user_input", "free", "{}"),
        decision("w1", "deliver", None, "Plan"),
        own_question("w1", "request_user_input", ask),
        own_question("elicit:forge:1", "MCP server `forge` asks", form),
        own_question("elicit:forge:2", "MCP server `forge` asks", "Sign in, please\nhttps://forge.test/login?x=1"),
        Event::Retrying { attempt: 2, wait_ms: 4_000, why: s("the service is overloaded") },
    ]
}

/// A message in the middle.
fn speaking() -> Vec<Event> {
    vec![
        session("yolo:uncapped", "YOLO uncapped"),
        Event::Prompt { text: s("Explain.") },
        Event::Reasoning { delta: s("Let me think about it") },
        text("First **this**.\n\nThen code:\n```py\nprint(1)\n"),
        text("print(2)\n"),
    ]
}

/// Arguments, a form and a change with a text in each place.
fn shapes(x: &str) -> (String, String, String) {
    let json = serde_json::json!({ x: format!("{x}\n{x}") }).to_string();
    let field = serde_json::json!({ "title": x, "description": x, "default": x, "enum": [x], "enumNames": [x] });
    let list = serde_json::json!({ "type": "array", "title": x, "items": { "enum": [x] } });
    let form = serde_json::json!({ "properties": { x: field, "list": list, "word": { "title": x, "default": x } } });
    let diff = format!("{x}\n--- {x}\n+++ {x}\n@@ -1,2 +1,2 @@ {x}\n {x}\n-{x}\n+{x}\n\\ {x}");
    (json, form.to_string(), diff)
}

/// Every event, with the same text in each of its fields.
fn everything(x: &str) -> Vec<Event> {
    let made = |name: &str| Event::Call {
        call: s(name),
        tool: s(x),
        summary: s(x),
        effect: some(x),
        price: some(x),
        arguments: s(x),
    };
    let asks = |name: &str, summary: &str, shown: &str| Event::Question {
        call: s(name),
        summary: s(summary),
        shown: s(shown),
        effect: some(x),
        price: some(x),
        why: some(x),
        offered: vec![s(x)],
        raise_to: some(x),
        chip: s(x),
    };
    let (json, form, diff) = shapes(x);
    vec![
        Event::Session {
            id: s(x),
            mode: s(x),
            chip: s(x),
            model: s(x),
            workspace: s(x),
            title: s(x),
            attendance: s(x),
            notes: vec![s(x)],
        },
        Event::Prompt { text: s(x) },
        Event::Reasoning { delta: s(x) },
        text(&format!("{x}\n\n```{x}\n{x}\n")),
        text(x),
        Event::Calling { tool: s(x) },
        Event::Retrying { attempt: 2, wait_ms: 1, why: s(x) },
        Event::Message {
            text: format!("{x}\n\n# {x}\n\n[{x}]({x}) ![{x}]({x})\n\n```{x}\n{x}\n```\n\n|{x}|\n|-|\n|{x}|"),
            calls: 0,
            tokens: None,
            chip: s(x),
        },
        made(x),
        Event::Decision { call: s(x), outcome: s(x), decided_by: some(x), reason: some(x), chip: s(x) },
        Event::Progress { call: s(x), text: s(x) },
        Event::Progress { call: s(x), text: s(x) },
        asks(x, x, x),
        made("json"),
        asks("json", x, &json),
        made("diff"),
        asks("diff", x, &diff),
        own_question("words", x, x),
        own_question("form", &format!("MCP server {x}"), &format!("{x}\n{form}")),
        own_question("visit", &format!("MCP server {x}"), &format!("{x}\nhttps://{x}")),
        made("ended"),
        done("ended", &diff),
        made("failed"),
        failed("failed", x),
        Event::Mode { mode: s(x), chip: s(x) },
        Event::Model { model: s(x), notes: vec![s(x)] },
        Event::Titled { title: s(x) },
        Event::Notice { text: s(x) },
        Event::Reasoning { delta: s(x) },
        text(x),
        ending(x),
    ]
}

/// The end of a run, with the same text in each of its fields.
fn ending(x: &str) -> Event {
    let (money, one) = (
        Money { quoted: s(x), held: s(x), open: s(x), settled: s(x), overrun: s(x), unbounded: 1 },
        GoingOn { hold: s(x), held: some(x), reference: s(x), page: some(x) },
    );
    let spend = Spend {
        cap: some(x),
        left: some(x),
        budget: money.clone(),
        metered: money.clone(),
        past_cap: money,
        requests: 1,
        unpriced: 1,
        saved: s(x),
    };
    let refused = Refused { call: s(x), summary: s(x), price: s(x), reason: s(x) };
    Event::End {
        status: Status::Failed,
        reason: some(x),
        text: s(x),
        refused: vec![refused],
        prompts: 1,
        going_on: vec![one],
        spend,
        tokens: Tokens::default(),
        chip: s(x),
    }
}

fn contract() -> Vec<ContractRow> {
    let table = [
        ("Plan", "plan", ["runs", "asks", "refused", "refused", "refused"]),
        ("Agent", "agent", ["runs", "asks", "runs", "asks", "asks"]),
        ("YOLO $5.00", "yolo", ["runs", "runs", "runs", "runs", "runs if it fits, else asks"]),
        ("YOLO uncapped", "uncapped", ["runs", "runs", "runs", "runs", "runs"]),
    ];
    let columns = ["reads", "reaches", "confined", "changes", "costs money"];
    let row = |(name, kind, cells): &(&str, &str, [&str; 5])| ContractRow {
        name: s(name),
        kind: s(kind),
        cells: columns
            .iter()
            .zip(cells)
            .map(|(column, words)| ContractCell {
                column: s(column),
                verdict: s(if words.contains("fits") { "fits" } else { words }),
                words: s(words),
            })
            .collect(),
    };
    table.iter().map(row).collect()
}

fn heard(events: &[Event]) -> Conversation {
    let mut conversation = Conversation::default();
    for (number, event) in (1..).zip(events) {
        conversation.hear(number, &Arc::new(event.clone()));
    }
    conversation
}

fn drawn(of: &Conversation) -> Markup {
    let contract = contract();
    OpenPage { of, after: "0000002a-7", contract: &contract }.draw(&Who::Local)
}

fn rows(x: Option<&str>) -> Vec<SessionLink> {
    let row = |title: &str, state, chip: &str| SessionLink {
        id: s(x.unwrap_or("20261122-shy-otter")),
        title: s(x.unwrap_or(title)),
        workspace: s(x.unwrap_or("/home/ada/code/sparrow")),
        model: s(x.unwrap_or("anthropic/claude-sonnet-5")),
        chip: s(x.unwrap_or(chip)),
        state,
        when: s("4 minutes ago"),
    };
    vec![
        row("Mend the flaky parser test", RowState::Asks(2), "Agent"),
        row(
            "Train the small model on the cloud, and compare it with last week\u{2019}s",
            RowState::Works,
            "YOLO $3.20 of $5.00",
        ),
        row("", RowState::Done, "Plan"),
        row("Release notes", RowState::Parked, "YOLO uncapped"),
    ]
}

fn entries(x: Option<&str>) -> Vec<SpendEntry> {
    let entry = |at, kind: &str, what: &str, state: &str, amount: Option<&str>| SpendEntry {
        at_ms: at,
        when: s("14:02"),
        kind: s(x.unwrap_or(kind)),
        what: s(x.unwrap_or(what)),
        state: s(state),
        amount: amount.map(s),
        purse: s(x.unwrap_or("budget")),
    };
    vec![
        entry(1_000, "model", "request to claude-sonnet-5", "settled", Some("0.0412")),
        entry(61_000, "model", "request to claude-sonnet-5", "settled", Some("0.31")),
        entry(200_000, "hf_jobs", "job on a10g-large, 12 min", "settled", Some("1.20")),
        entry(260_000, "hf_jobs", "job on a10g-large", "open", Some("0.25")),
        entry(300_000, "hf_jobs", "schedule @daily", "unbounded", None),
    ]
}

/// Every page, by a name.
fn pages() -> Vec<(&'static str, Markup)> {
    let who = Who::Local;
    let person = Who::Person(s(HOSTILE));
    let (asking, hostile) = (heard(&asked()), heard(&everything(HOSTILE)));
    let filled =
        BeginForm { workspace: s(HOSTILE), mode: s("yolo"), cap: s(HOSTILE), model: s(HOSTILE), text: s(HOSTILE) };
    let list = SessionsPage {
        rows: rows(None),
        workspaces: vec![s("/home/ada/code/sparrow")],
        models: vec![s("anthropic/claude-sonnet-5")],
        default_cap: s("5.00"),
        ..SessionsPage::default()
    };
    let bad_list = SessionsPage {
        rows: rows(Some(HOSTILE)),
        query: s(HOSTILE),
        next: some(HOSTILE),
        workspaces: vec![s(HOSTILE)],
        models: vec![s(HOSTILE)],
        default_cap: s(HOSTILE),
        trouble: Some((s(HOSTILE), filled)),
        offered: s(HOSTILE),
    };
    let fresh = heard(&[session("agent", "Agent")]);
    let table = contract();
    vec![
        ("worked", drawn(&heard(&worked()))),
        ("asked", drawn(&asking)),
        ("wanted", drawn(&heard(&wanted()))),
        ("speaking", drawn(&heard(&speaking()))),
        ("fresh", drawn(&fresh)),
        ("hostile", drawn(&hostile)),
        ("call", call_page(&heard(&worked()), "c2").expect("there is such a call").draw(&who)),
        ("yolo-off", yolo_page(&fresh, Some(&spend()), "5.00").draw(&who)),
        ("yolo-on", yolo_page(&asking, Some(&spend()), "5.00").draw(&who)),
        ("yolo-hostile", yolo_page(&hostile, hostile.spend.as_ref(), HOSTILE).draw(&who)),
        ("sessions", sessions_page(&list).draw(&who)),
        ("sessions-none", sessions_page(&SessionsPage::default()).draw(&who)),
        ("sessions-hostile", sessions_page(&bad_list).draw(&person)),
        ("spend", spend_page(&asking, &spend(), &entries(None)).draw(&who)),
        ("spend-none", spend_page(&fresh, &Spend::default(), &[]).draw(&who)),
        (
            "spend-hostile",
            spend_page(&hostile, hostile.spend.as_ref().unwrap_or(&spend()), &entries(Some(HOSTILE))).draw(&who),
        ),
        ("contract", contract_page(&table).draw(&who)),
        ("trouble", trouble_page("Not found", "There is no such session, or it is not yours.").draw(&who)),
    ]
}

/// What no page may have, whatever is in it.
fn check(name: &str, nodes: &[Node]) {
    let mut ids: Vec<String> = Vec::new();
    let mut look = |element: &Element| {
        assert!(!["img", "iframe", "object", "style", "base", "b"].contains(&&*element.name), "{name}: {element:?}");
        if element.name == "script" {
            assert!(element.children.is_empty() && element.get("src").unwrap().starts_with("/assets/"), "{name}");
        }
        for (attribute, value) in &element.attributes {
            assert!(!attribute.starts_with("on") && attribute != "style", "{name}: {element:?}");
            if ["href", "src", "action", "formaction"].contains(&attribute.as_str()) {
                let leads = ["/", "#", "https://", "http://", "mailto:"].iter().any(|begin| value.starts_with(begin));
                assert!(leads && !value.starts_with("//"), "{name}: {element:?}");
            }
        }
        if let Some(id) = element.get("id") {
            assert!(!ids.contains(&id.to_owned()), "{name}: `{id}` twice");
            ids.push(id.to_owned());
        }
    };
    dom::walk(nodes, &mut look);
    assert!(!dom::text(nodes).contains(['\u{202e}', '\u{1b}']), "{name}: something steers");
}

#[test]
fn no_text_of_anybody_becomes_anything_but_text() {
    let pages = pages();
    for (name, page) in &pages {
        check(name, &dom::read(&page.0));
    }
    let hostile = dom::read(&pages.iter().find(|(name, _)| *name == "hostile").unwrap().1.0);
    assert!(dom::text(&hostile).contains("onerror=alert(1)"), "it is there to be read");
}

#[test]
fn the_pages_can_be_looked_at() {
    let Some(folder) = std::env::var_os("REMIT_PREVIEW").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(folder.join("assets")).unwrap();
    for asset in ASSETS {
        std::fs::write(folder.join("assets").join(asset.name), asset.text).unwrap();
    }
    for (name, page) in pages() {
        std::fs::write(folder.join(format!("{name}.html")), page.0).unwrap();
    }
}

#[test]
fn a_page_that_is_told_of_each_event_is_the_page_drawn_after_the_last() {
    let contract = contract();
    let interrupted = [speaking(), vec![Event::Restarted, text("Anew."), end(Status::Interrupted, None)]].concat();
    let stories =
        [worked(), asked(), wanted(), speaking(), interrupted, everything(HOSTILE), [worked(), asked()].concat()];
    for events in stories {
        for first in [0, 1, 4, 8, 17].map(|first: usize| first.min(events.len())) {
            let mut told = heard(&events[..first]);
            let mut page = dom::read(&drawn(&told).0);
            for (number, event) in (1..).zip(&events).skip(first) {
                let changes = told.hear(number, &Arc::new(event.clone()));
                for fragment in fragments(&told, &changes, &contract) {
                    dom::apply(&mut page, &fragment);
                }
                if first > 0 && number < events.len() as u64 {
                    continue;
                }
                let mut whole = dom::read(&drawn(&told).0);
                for part in ["conversation", "speaking-here", "about", "mode", "may", "doing", "together"] {
                    let (is, should) = (dom::by_id(&mut page, part).cloned(), dom::by_id(&mut whole, part).cloned());
                    assert_eq!(kept(is), kept(should), "`{part}` after {event:?} from {first}");
                }
            }
        }
    }
}

/// An element without what a page keeps from its first drawing.
fn kept(element: Option<Element>) -> Option<Element> {
    element.map(|element| Element {
        attributes: element.attributes.into_iter().filter(|(name, _)| !name.starts_with("data-")).collect(),
        ..element
    })
}

#[test]
fn what_a_person_approves_is_there_to_the_last_letter() {
    let odd = "{\"command\":\"rm -rf \u{202e}x \\u001b[8m\"}";
    let conversation = heard(&[session("agent", "Agent"), question("q", "shell", odd, &[])]);
    let html = drawn(&conversation).0;
    assert!(html.contains("rm -rf <span class=\"hidden-letter\">U+202E</span>x \\u001b[8m"), "{html}");
}

#[test]
fn no_button_is_there_that_cannot_work() {
    let agent = drawn(&heard(&[session("agent", "Agent"), question("q", "shell", "ls", &[])])).0;
    for (words, is_there) in
        [("Yes, once", true), ("value=\"session\"", false), ("Raise the cap", false), ("Allow what I edited", false)]
    {
        assert_eq!(agent.contains(words), is_there, "{words}");
    }
    let past = drawn(&heard(&asked())).0;
    assert!(past.contains("value=\"yolo:4.00\">Raise the cap to $4.00 and allow"), "{past}");
    assert!(past.contains("Yes, for this session: <code>shell: cargo test</code>"), "{past}");
    assert_eq!(past.matches("Raise the cap to").count(), 1);
    assert_eq!(past.matches("value=\"session\"").count(), 1, "a paid call has no such yes");
}

#[test]
fn several_questions_are_answered_with_one_and_one_alone_is_not() {
    assert!(drawn(&heard(&asked())).0.contains("Allow all 2 once"));
    assert!(!drawn(&heard(&wanted())).0.contains("Allow all"), "what is no permission cannot be allowed");
}

#[test]
fn the_chip_is_the_sessions_own_text() {
    let odd = heard(&[session("agent", "Agent"), Event::Mode { mode: s("x"), chip: s("Something new $1") }]);
    assert!(drawn(&odd).0.contains("<span>Something new $1</span>"));
}

#[test]
fn a_turn_that_ends_asks_nothing_more_and_a_server_still_does() {
    let mut events = wanted();
    events.push(end(Status::Interrupted, None));
    let conversation = heard(&events);
    let open: Vec<&str> = conversation.asked().map(|call| call.call.as_str()).collect();
    assert_eq!(open, ["elicit:forge:1", "elicit:forge:2"]);
    assert!(matches!(conversation.call("w1").unwrap().state, CallStanding::Refused(_)));
}
