//! `remit sessions`, `show`, `mode`, `verify` and `export`: looking at a record, and setting a stored mode.
//!
//! Not here: what is in a record (that is `gate` and `turn`), or who may set a mode (that is `authority`).

use crate::support::{Home, Listening, Script, json_lines, tell};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Command;

fn three_calls(home: &Home) -> String {
    let script = Script::new()
        .turn("I look.", &[("list", json!({}))])
        .turn("", &[("write", json!({"path": "a.txt", "content": "x"})), ("shell", json!({"command": "echo hi"}))])
        .say("That is all.");
    home.script(script)
}

#[test]
fn sessions_are_listed_with_the_last_one_first() {
    let home = Home::new();
    assert!(home.sessions().is_empty());
    assert!(!home.path("data/remit").exists(), "looking makes nothing");
    home.write("other/x", "");
    let model = home.script(Script::new().say("1").say("2"));
    let first = home.run(&model, &[]).end().id();
    let second = home.run(&model, &["-C", "../other"]).end().id();
    let ids = |rows: &[Value]| rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&home.sessions()), [second.clone(), first.clone()]);
    home.remit(&["resume", &first]).end().assert(0);
    let rows = home.sessions();
    assert_eq!(ids(&rows), [first.clone(), second.clone()]);
    assert_eq!((&rows[0]["title"], &rows[0]["model"]), (&json!("do it"), &json!(model)));
    let here = home.remit(&["sessions", "--here", "--json"]).folder(home.path("other")).end();
    assert_eq!(ids(&json_lines(&here.out)), [second]);
    let told = home.remit(&["sessions"]).end();
    assert!(told.out.contains(&first) && told.out.contains("do it"), "{}", told.out);
}

#[test]
fn a_session_is_shown_with_what_was_said_decided_and_spent() {
    let home = Home::new();
    let ran = home.run(&three_calls(&home), &["--mode", "yolo:2"]).end();
    ran.assert(0);
    let whole = home.show(&ran.id());
    assert_eq!((&whole["mode"], &whole["spend"]["left"]), (&json!("yolo:2.00"), &json!("2.00")));
    let decided = whole["records"].to_string();
    assert_eq!(decided.matches("\"outcome\":\"run\"").count(), 3, "{decided}");
    let told = home.remit(&["show", &ran.id()]).end();
    told.assert(0);
    for words in [
        "YOLO $2.00 of $2.00",
        "> do it",
        "I look.",
        "run by mode",
        "echo hi",
        "That is all.",
        "cap: $2.00, left: $2.00",
    ] {
        assert!(told.out.contains(words), "no `{words}` in\n{}", told.out);
    }
}

#[test]
fn the_mode_of_a_stored_session_is_set_by_a_person_and_kept() {
    let home = Home::new();
    let model = home.script(Script::new().say("1").call("write", json!({"path": "a.txt", "content": "x"})).say("2"));
    let id = home.run(&model, &["--mode", "yolo:7"]).end().id();
    let mode = |args: &[&str]| {
        let ended = home.remit(&[&["mode", id.as_str()], args].concat()).end();
        (ended.code, ended.out.lines().next().unwrap_or_default().to_owned())
    };
    assert_eq!(mode(&[]), (0, "YOLO $7.00 of $7.00".to_owned()));
    assert_eq!(mode(&["plan"]), (0, "Plan".to_owned()));
    assert_eq!(mode(&["yolo"]), (0, "YOLO $7.00 of $7.00".to_owned()), "the session's last cap comes back");
    assert_eq!(mode(&["yolo:uncapped"]).1, "YOLO uncapped");
    assert_eq!(mode(&["much"]).0, 2);
    assert_eq!(mode(&["plan"]).1, "Plan");
    let status: Value = serde_json::from_str(&home.remit(&["mode", &id, "--json"]).end().out).unwrap();
    assert_eq!(status["mode"], "plan");
    let resumed = home.remit(&["resume", &id, "--json"]).end();
    resumed.assert(0);
    assert_eq!(resumed.event("decision")["outcome"], "refuse");
    assert!(!home.path("work/a.txt").exists());
    home.verify(&id);
}

#[test]
fn yolo_is_a_switch_with_a_cap_for_scripts() {
    let home = Home::new();
    let id = home.run(&home.script(Script::new().say("1")), &["--mode", "yolo:7"]).end().id();
    let turn = |switch: &str| {
        let ended = home.remit(&["mode", &id, switch]).end();
        ended.assert(0);
        serde_json::from_str::<Value>(&ended.out).unwrap()
    };
    let status = |enabled: bool, cap: Option<&str>| {
        json!({
            "enabled": enabled, "uncapped": enabled && cap.is_none(), "cap": cap, "remaining": cap,
            "spent": "0.00", "held": "0.00", "open": "0.00", "unbounded": 0,
        })
    };
    assert_eq!(turn(r#"{"enabled": false}"#), status(false, None));
    assert_eq!(turn(r#"{"enabled": true}"#), status(true, Some("7.00")), "the session's last cap");
    assert_eq!(turn(r#"{"enabled": true, "cost_cap_usd": 2.5}"#), status(true, Some("2.50")));
    assert_eq!(turn(r#"{"enabled": true, "cost_cap_usd": null}"#), status(true, None), "and it says so");
    assert_eq!(turn(r#"{"enabled": true}"#), status(true, Some("2.50")), "never uncapped but by the word");
    let fresh = home.run(&home.script(Script::new().say("1")), &[]).end().id();
    let ended = home.remit(&["mode", &fresh, r#"{"enabled": true}"#]).end();
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap()["cap"], "5.00", "the default");
    for (switch, why) in [
        (r#"{"enabled": true, "cost_cap_usd": -1}"#, "negative"),
        (r#"{"enabled": true, "cost_cap_usd": NaN}"#, "expected"),
        (r#"{"enabled": true, "cost_cap_usd": "NaN"}"#, "no cap"),
        (r#"{"enabled": true, "cost_cap_usd": 0.0000000000001}"#, "twelve"),
        (r#"{"enabled": true, "cost_cap_usd": 99999999999}"#, "too large"),
        (r#"{"enabled": true, "cost_cap_usd": 1e3}"#, "no cap"),
        (r#"{"enabled": true, "cap": 1}"#, "cap"),
        (r#"{"enabled": "no"}"#, "boolean"),
    ] {
        let ended = home.remit(&["mode", &id, switch]).end();
        ended.assert(2);
        assert!(ended.err.contains(why), "{switch}: {}", ended.err);
    }
    assert!(home.remit(&["mode", &id]).end().out.starts_with("YOLO $2.50 of $2.50"), "what is wrong changes nothing");
}

#[test]
fn a_record_that_was_changed_is_found_out() {
    let home = Home::new();
    let id = home.run(&three_calls(&home), &["--mode", "yolo:2"]).end().id();
    home.verify(&id);
    let intact: Value = serde_json::from_str(&home.remit(&["verify", &id, "--json"]).end().out).unwrap();
    let records = intact["records"].as_u64().unwrap();
    assert!(intact["intact"] == json!(true) && records > 8, "{intact}");
    for statement in [
        "UPDATE records SET body = replace(body, '\"run\"', '\"refuse\"') WHERE body LIKE '%Decided%' OR body LIKE '%decided%'",
        "UPDATE records SET at_ms = at_ms + 1 WHERE seq = 3",
        "DELETE FROM records WHERE seq = (SELECT max(seq) FROM records)",
        "DELETE FROM records WHERE seq = 4",
    ] {
        let kept = Home::new();
        assert!(
            Command::new("cp").arg("-aT").arg(home.path("data")).arg(kept.path("data")).status().unwrap().success()
        );
        change(&kept, statement);
        let ended = kept.remit(&["verify", &id]).end();
        ended.assert(1);
        assert!(ended.out.starts_with("not intact: "), "{statement}: {}{}", ended.out, ended.err);
        let told: Value = serde_json::from_str(&kept.remit(&["verify", &id, "--json"]).end().out).unwrap();
        assert_eq!(told["intact"], false);
    }
}

/// Changes the database behind the program's back.
fn change(home: &Home, statement: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); n = c.execute(sys.argv[2]).rowcount; c.commit(); sys.exit(n < 1)";
    let database = home.path("data/remit/sessions.db");
    let changed = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status().unwrap();
    assert!(changed.success(), "nothing was changed by {statement}");
}

#[test]
fn an_export_holds_every_record_with_its_hash() {
    let home = Home::new();
    let id = home.run(&three_calls(&home), &["--mode", "yolo:2"]).end().id();
    let exported = home.remit(&["export", &id]).end();
    exported.assert(0);
    let lines = json_lines(&exported.out);
    let intact: Value = serde_json::from_str(&home.remit(&["verify", &id, "--json"]).end().out).unwrap();
    assert_eq!(lines[0]["session"], json!(id));
    assert_eq!(lines.len() as u64, intact["records"].as_u64().unwrap() + 1);
    assert_eq!(lines.last().unwrap()["hash"], intact["head"]);
    for (at, line) in lines[1..].iter().enumerate() {
        assert_eq!(line["seq"], json!(at + 1));
        assert!(serde_json::from_str::<Value>(line["body"].as_str().unwrap()).is_ok(), "{line}");
    }
    home.remit(&["export", &id, "--output", &home.text_path("out.jsonl")]).end().assert(0);
    assert_eq!(home.read("out.jsonl"), exported.out);
    home.remit(&["export", &id, "--output", "/no/such/folder/x"]).end().assert(1);
}

#[test]
fn a_running_session_can_be_looked_at_and_its_mode_is_set_at_once() {
    let home = Home::new();
    let gate = home.pipe("gate");
    let script =
        Script::new().shell("cat ../gate").call("write", json!({"path": "a.txt", "content": "x"})).say("Done.");
    let mut running = home.run(&home.script(script), &["--mode", "yolo:4"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("decision");
    assert!(home.remit(&["mode", &id]).end().out.starts_with("YOLO $4.00 of $4.00"));
    home.verify(&id);
    assert_eq!(home.show(&id)["mode"], "yolo:4.00");

    let second = home.remit(&["resume", &id, "--json"]).end();
    assert!(second.code == 1 || second.code == 2, "{second:?}");
    assert!(second.err.contains("is open in another program") && second.err.contains(&id), "{}", second.err);

    let set = home.remit(&["mode", &id, "plan"]).end();
    set.assert(0);
    assert!(set.out.starts_with("Plan"), "{}", set.out);
    assert_eq!(running.until_type("mode")["mode"], "plan");
    tell(&gate, "go on\n");
    let ended = running.end();
    ended.assert(0);
    let decisions = ended.events_of("decision");
    assert_eq!((&decisions[0]["outcome"], &decisions[1]["outcome"]), (&json!("run"), &json!("refuse")));
    assert_eq!(decisions[1]["decided_by"], "mode");
    assert!(!home.path("work/a.txt").exists());
    home.verify(&id);
    assert_eq!(std::fs::read_dir(home.path("data/remit/run")).unwrap().count(), 0, "the socket is gone with its owner");
}

#[test]
fn a_socket_that_an_owner_left_behind_is_in_nobodys_way() {
    let home = Home::new();
    let (up, gate) = (home.pipe("up"), home.pipe("gate"));
    let model = home.script(Script::new().shell("echo up > ../up; cat ../gate").say("Done."));
    let mut running = home.run(&model, &["--mode", "yolo:4"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    Listening::to(&up).line();
    running.signal(Signal::KILL);
    running.end().assert(-9);
    assert!(home.path(&format!("data/remit/run/{id}.sock")).exists(), "the killed owner could not clear it away");
    let set = home.remit(&["mode", &id, "plan"]).end();
    set.assert(0);
    home.remit(&["resume", &id, "--json"]).end().assert(0);
    // The command that outlived its owner ends.
    tell(&gate, "go on\n");
}

#[test]
fn a_home_far_down_has_a_socket_too() {
    let home = Home::new();
    let deep = format!("data/{}", "deep/".repeat(30));
    std::fs::create_dir_all(home.path(&deep)).unwrap();
    let gate = home.pipe("gate");
    let model = home.script(Script::new().shell("cat ../gate").say("Done."));
    let data = home.text_path(&deep);
    let mut running = home.run(&model, &["--mode", "yolo:4"]).env("XDG_DATA_HOME", &data).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("decision");
    home.remit(&["mode", &id, "plan"]).env("XDG_DATA_HOME", &data).end().assert(0);
    assert_eq!(running.until_type("mode")["mode"], "plan");
    tell(&gate, "go on\n");
    running.end().assert(0);
}

#[test]
fn a_session_is_renamed_and_deleted_with_its_outputs_unless_a_program_has_it() {
    let home = Home::new();
    let long = home.script(Script::new().shell("seq 1 200000").say("1"));
    let id = home.run(&long, &["--mode", "yolo:1"]).end().id();
    let outputs = home.path(&format!("data/remit/outputs/{id}"));
    assert!(std::fs::read_dir(&outputs).unwrap().next().is_some(), "the whole output is kept");
    home.remit(&["sessions", "rename", &id, "the numbers"]).end().assert(0);
    assert_eq!(home.sessions()[0]["title"], "the numbers");
    home.verify(&id);
    let spent = home.remit(&["spend", &id]).end();
    assert!(spent.out.contains("the numbers"), "{}", spent.out);
    let waits = home.script(Script::new().shell("echo up; sleep 1000"));
    let mut running = home.run(&waits, &["--mode", "yolo:1"]).go();
    let busy = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("progress");
    home.remit(&["sessions", "rename", &busy, "busy"]).end().assert(0);
    let titled = running.until_type("titled");
    assert_eq!(titled["title"], "busy", "the program that has it hears of it");
    let refused = home.remit(&["sessions", "delete", &busy]).end();
    refused.assert(2);
    assert!(refused.err.contains(&busy), "{}", refused.err);
    running.signal(Signal::INT);
    running.end();
    home.remit(&["sessions", "delete", &id]).end().assert(0);
    assert_eq!(home.sessions().len(), 1);
    assert!(!outputs.exists());
    let gone = home.remit(&["sessions", "delete", &id]).end();
    gone.assert(2);
    assert!(gone.err.contains("no session"), "{}", gone.err);
}
