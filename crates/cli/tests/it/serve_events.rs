//! What a session says over HTTP: nothing is missed and nothing comes twice, whoever is cut off, slow or killed.
//!
//! Not here: the events themselves.

use crate::serve::{Client, Served, Stream, playing, token, whole_token};
use crate::support::{Home, Script};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Numbers that look random and are the same each time (xorshift; Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Whether an event is a part of what another tells whole.
fn is_piece(event: &Value) -> bool {
    ["text", "reasoning", "calling", "retrying", "restarted", "progress"].contains(&event["type"].as_str().unwrap())
}

/// What a reader has in the end: everything but the pieces.
fn folded(heard: &[(String, Value)]) -> Vec<&(String, Value)> {
    heard.iter().filter(|(_, event)| !is_piece(event)).collect()
}

fn number(id: &str) -> u64 {
    id.split_once('-').unwrap().1.parse().unwrap()
}

fn to_the_end(stream: &mut Stream) -> Vec<(String, Value)> {
    let mut heard = Vec::new();
    while let Some((id, event)) = stream.next() {
        let over = event["type"] == "end";
        heard.push((id, event));
        if over {
            return heard;
        }
    }
    panic!("the stream ended first: {heard:?}");
}

/// A session that does much: what it says comes in pieces, its commands print lines.
fn busy(turns: usize) -> Script {
    let mut script = Script::new();
    for turn in 0..turns {
        let words = format!("Step {turn}: I say a few words about what I am going to do next.");
        script = script
            .turn(&words, &[("shell", json!({ "command": format!("for i in 1 2 3 4; do echo {turn}.$i; done") }))])
            .lines("chunk = 4");
    }
    script.say("All done.")
}

#[test]
fn a_reader_that_is_cut_off_anywhere_hears_exactly_what_one_that_is_not_hears() {
    let (_home, _served, alice) = playing(busy(12));
    for seed in [3, 1_000_003, 77_777_777_777] {
        let mut dice = Dice(seed);
        let id = alice.begin(&json!({ "mode": "yolo:5" }));
        let whole = std::thread::spawn({
            let mut stream = alice.stream(&id, None);
            move || to_the_end(&mut stream)
        });
        let begun = std::thread::spawn({
            let (alice, path) = (alice.clone(), format!("/v1/sessions/{id}/prompts"));
            move || alice.post(&path, &json!({ "text": "go" })).done()
        });
        let mut heard: Vec<(String, Value)> = Vec::new();
        let mut cuts = 0;
        while heard.last().is_none_or(|(_, event)| event["type"] != "end") {
            let mut stream = alice.stream(&id, heard.last().map(|(id, _)| id.as_str()));
            for _ in 0..=dice.below(9) {
                heard.push(stream.next().expect("there is more until the end"));
                if heard.last().unwrap().1["type"] == "end" {
                    break;
                }
            }
            cuts += 1;
        }
        begun.join().unwrap();
        let whole = whole.join().unwrap();
        assert!(cuts > 5, "it was not cut off often: {cuts}");
        assert_eq!(folded(&heard), folded(&whole), "seed {seed}");
        for one in [&heard, &whole] {
            assert!(one.windows(2).all(|pair| number(&pair[0].0) < number(&pair[1].0)), "an event came twice: {one:?}");
        }
        // The pieces that both heard are the same.
        let known: BTreeSet<String> = whole.iter().map(|it| format!("{it:?}")).collect();
        let ids: BTreeSet<&String> = whole.iter().map(|(id, _)| id).collect();
        assert!(heard.iter().filter(|(id, _)| ids.contains(id)).all(|it| known.contains(&format!("{it:?}"))));
        // In pages it is the same too.
        assert_eq!(folded(&in_pages(&alice, &id)), folded(&whole));
    }
}

fn in_pages(alice: &Client, id: &str) -> Vec<(String, Value)> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = alice.get(&format!("/v1/sessions/{id}/events?limit=7&after={after}")).done();
        let events = page["events"].as_array().unwrap();
        all.extend(events.iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it["event"].clone())));
        after = page["next"].as_str().unwrap().to_owned();
        if page["more"] == false {
            return all;
        }
    }
}

#[test]
fn a_reader_that_does_not_read_delays_nobody_and_gets_everything_when_it_does() {
    let script = (0..12).fold(Script::new(), |script, turn| {
        script
            .turn("", &[("shell", json!({ "command": format!("echo {turn}") }))])
            .lines(&format!("text = \"{} \"\ntext_times = 40000", "0123456789".repeat(2)))
    });
    let (_home, _served, alice) = playing(script.say("All done."));
    let id = alice.begin(&json!({ "mode": "yolo:5" }));
    let mut slow = alice.stream(&id, None);
    slow.next().unwrap();
    let mut fast = alice.stream(&id, None);
    alice.post(&format!("/v1/sessions/{id}/prompts"), &json!({ "text": "go" })).done();
    let fast = to_the_end(&mut fast);
    let said = |heard: &[(String, Value)]| heard.iter().map(|(_, event)| event.to_string().len()).sum::<usize>();
    assert!(said(&fast) > 8 << 20, "more than a connection holds: {}", said(&fast));
    let slow = to_the_end(&mut slow);
    assert_eq!(folded(&slow)[..], folded(&fast)[1..]);
}

/// What an event tells, wherever it is told: the texts that are on record.
fn on_record(event: &Value) -> Option<String> {
    let of = |fields: &[&str]| Some(fields.iter().map(|field| event[field].to_string()).collect::<Vec<_>>().join(" "));
    match event["type"].as_str().unwrap() {
        "prompt" => of(&["type", "text"]),
        "message" => of(&["type", "text", "calls"]),
        "call" => of(&["type", "call", "tool", "summary", "arguments"]),
        "decision" => of(&["type", "call", "outcome", "decided_by"]),
        "result" => of(&["type", "call", "ok", "text"]),
        _not_on_record => None,
    }
}

#[test]
fn a_server_that_is_killed_loses_nothing_that_was_told_and_goes_on_once() {
    let home = Home::new();
    let alice = whole_token(&home, "alice");
    let script = |last: &str| {
        let script =
            (0..5).fold(Script::new(), |script, turn| script.shell(&format!("echo {turn} >> done.txt; cat done.txt")));
        script.say("All done.").lines(last)
    };
    let model = home.script(script("delay_ms = 600000"));
    home.configure(&format!("model = \"{model}\"\n"));
    let served = Served::start(&home, &[]);
    let id = served.client(&alice).begin(&json!({ "mode": "yolo:5", "prompt": "go" }));
    let mut stream = served.client(&alice).stream(&id, None);
    let mut heard = Vec::new();
    while heard.iter().filter(|(_, event): &&(String, Value)| event["type"] == "result").count() < 5 {
        heard.push(stream.next().unwrap());
    }
    served.running.signal(Signal::KILL);
    served.running.end().assert(-9);
    let before: Vec<String> = heard.iter().filter_map(|(_, event)| on_record(event)).collect();
    assert!(before.len() > 20, "{before:?}");

    let again = Served::start(&home, &[]);
    let reader = again.client(&alice);
    let shown = reader.get(&format!("/v1/sessions/{id}")).done();
    assert_eq!((&shown["state"], &shown["mode"]), (&json!("parked"), &json!("yolo:5.00")), "{shown}");
    assert!(shown["reason"].as_str().unwrap().contains("the server ended while it worked"), "{shown}");
    assert_eq!(reader.get("/v1/sessions?state=parked").done()["sessions"][0]["id"], json!(id));
    again.running.signal(Signal::KILL);
    again.running.end().assert(-9);

    // Twice it is cut off: the second time it does not go on by itself.
    let cut_off = Served::start(&home, &["--continue"]);
    let works = || cut_off.client(&alice).get(&format!("/v1/sessions/{id}")).done()["state"] == "working";
    crate::support::wait_until("it goes on", works);
    cut_off.running.signal(Signal::KILL);
    cut_off.running.end().assert(-9);
    let path = model.strip_prefix("script:").unwrap();
    std::fs::write(path, std::fs::read_to_string(path).unwrap().replace("delay_ms = 600000", "")).unwrap();
    let last = Served::start(&home, &["--continue"]);
    let reader = last.client(&alice);
    let shown = reader.get(&format!("/v1/sessions/{id}")).done();
    assert_eq!(shown["state"], "parked", "{shown}");
    assert!(shown["reason"].as_str().unwrap().contains("again after it was taken up"), "{shown}");

    // Whoever comes back with an id of the first server is told everything anew, from the first event.
    let mut stream = reader.stream(&id, heard.last().map(|(id, _)| id.as_str()));
    assert_eq!(stream.next().unwrap().1["type"], "session");
    let mut told = Vec::new();
    while let Some((_, event)) = stream.next().filter(|(_, event)| event["type"] != "caught_up") {
        told.extend(on_record(&event));
    }
    assert_eq!(before, told[..before.len()], "{told:?}");
    // A person says that it goes on, and it does, with nothing done twice.
    assert_eq!(reader.post(&format!("/v1/sessions/{id}/continue"), &json!({})).status, 202);
    assert_eq!(stream.until("end").1["status"], "done");
    assert_eq!(home.read("work/done.txt"), "0\n1\n2\n3\n4\n");
    assert_eq!(reader.get(&format!("/v1/sessions/{id}")).done()["state"], "idle");
    last.running.signal(Signal::TERM);
    assert!(stream.next().is_none(), "a stream ends with its server");
    last.running.end().assert(0);
    home.verify(&id);
}

#[test]
fn one_person_reads_so_many_streams_and_has_so_many_sessions_open() {
    let home = Home::new();
    let (alice, bob) = (whole_token(&home, "alice"), token(&home, "bob", "read,drive"));
    home.configure(&format!("model = \"{}\"\n", home.script(Script::new().say("Hello."))));
    let served = Served::start(&home, &["--max-sessions", "2", "--max-streams", "2"]);
    let (alice, bob) = (served.client(&alice), served.client(&bob));
    let id = alice.begin(&json!({}));
    let mut streams = [alice.stream(&id, None), alice.stream(&id, None)];
    streams.iter_mut().for_each(|stream| drop(stream.until("caught_up")));
    let events = format!("/v1/sessions/{id}/events");
    alice.raw("GET", &events, &[("Accept", "text/event-stream")], b"").assert_problem(429, "too_many");
    assert_eq!(alice.get(&events).status, 200, "a page is no stream");
    alice.begin(&json!({}));
    alice.post("/v1/sessions", &json!({})).assert_problem(429, "too_many");
    // What one person has is not another's.
    let id = bob.begin(&json!({}));
    bob.stream(&id, None).until("caught_up");
    let metrics = bob.get("/v1/metrics").body;
    assert!(metrics.contains("remit_sessions_open 3\n"), "{metrics}");
    drop(streams);
    let freed = || alice.raw("HEAD", &events, &[("Accept", "text/event-stream")], b"").status == 200;
    crate::support::wait_until("a stream that was closed makes room", freed);
}
