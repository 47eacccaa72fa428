//! `remit run` and `remit resume` as a person uses them: prompts, folders, events, options, going on.
//!
//! Not here: how they fail (that is `exit_status` and `reliability`), or what the contract answers (that is `cases`).

use crate::schema;
use crate::support::{Home, Listening, REMIT, Script, tell};
use serde_json::{Value, json};

/// The types of events without those that stream, in order.
fn types(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["type"].as_str().unwrap());
    kinds.filter(|kind| !matches!(*kind, "text" | "reasoning" | "calling" | "progress")).collect()
}

#[test]
fn every_line_of_a_run_is_as_the_schema_says() {
    let home = Home::new();
    let printed = home.remit(&["schema", "events"]).end();
    printed.assert(0);
    let schema: Value = serde_json::from_str(&printed.out).unwrap();
    let script = Script::new()
        .lines("[[turn]]\nreasoning = \"Hm.\"\ntext = \"I look.\"\ncalls = [{ tool = \"list\" }]\nusage = { input = 10, output = 3 }")
        .lines("error = { kind = \"cut\" }")
        .turn("", &[("shell", json!({"command": "echo out; echo err >&2"})), ("no_such_tool", json!({}))])
        .lines("error = { kind = \"down\", after_ms = 1 }")
        .call("write", json!({"path": "/proc/none/x", "content": "x"}))
        .call("request_user_input", json!({"question": "which?"}))
        .call("hf_jobs", json!({"operation": "run", "flavor": "h200", "timeout": "2h", "command": ["true"]}))
        .say("Done.");
    let ended = home.run(&home.script(script), &["--mode", "yolo:5"]).end();
    ended.assert(3);
    let mut seen: Vec<String> = Vec::new();
    for event in ended.events() {
        schema::check(&schema, &event).unwrap_or_else(|why| panic!("{why}\n{event}"));
        seen.push(event["type"].as_str().unwrap().to_owned());
    }
    for kind in [
        "session",
        "prompt",
        "text",
        "reasoning",
        "calling",
        "retrying",
        "restarted",
        "message",
        "call",
        "decision",
        "progress",
        "result",
        "end",
    ] {
        assert!(seen.iter().any(|seen| seen == kind), "no event `{kind}` in {seen:?}");
    }
    assert!(schema::check(&schema, &json!({"type": "text"})).is_err(), "the check finds nothing");
    assert!(
        schema::check(&schema, &json!({"type": "text", "delta": "x", "more": 1})).is_err(),
        "the check finds nothing"
    );
}

#[test]
fn what_happens_is_told_in_the_order_in_which_it_happens() {
    let home = Home::new();
    home.write("work/a.txt", "hello\n");
    let script = Script::new().turn("I read.", &[("read", json!({"path": "a.txt"}))]).say("It says hello.");
    let ended = home.run(&home.script(script), &[]).end();
    ended.assert(0);
    let events = ended.events();
    let order = ["session", "prompt", "message", "call", "decision", "result", "message", "end"];
    assert_eq!(types(&events), order);
    let result = ended.event("result");
    assert!(result["ok"] == json!(true) && result["text"].as_str().unwrap().contains("hello"), "{result}");
    let end = ended.event("end");
    assert_eq!((&end["status"], &end["text"]), (&json!("done"), &json!("It says hello.")));
    assert_eq!(ended.event("session")["mode"], "agent");
    assert_eq!(ended.event("session")["attendance"], "unattended");
    assert!(ended.err.is_empty(), "{}", ended.err);
}

#[test]
fn a_person_reads_what_happens_without_json() {
    let home = Home::new();
    let script = Script::new()
        .turn("I \u{1b}[2Jtry.", &[("write", json!({"path": "a.txt", "content": "x"}))])
        .call("shell", json!({"command": "echo hi"}))
        .say("That was refused.");
    let model = home.script(script);
    let ended = home.remit(&["run", "write it", "--model", &model]).end();
    ended.assert(3);
    for words in
        ["Agent", "> write it", "I [2Jtry.", "refused, because nobody was there to ask:", "(free)", "That was refused."]
    {
        assert!(ended.out.contains(words), "no `{words}` in\n{}", ended.out);
    }
    assert!(!ended.out.contains('\u{1b}'), "{:?}", ended.out);
    assert!(!home.path("work/a.txt").exists());
}

#[test]
fn a_prompt_is_read_from_standard_input_and_the_last_words_go_to_a_file() {
    let home = Home::new();
    let model = home.script(Script::new().say("First.").say("Last words."));
    let words = home.text_path("last.txt");
    let start = home.remit(&["run", "-", "--json", "--model", &model, "--output-last-message", &words]);
    let ended = start.input("from a pipe\nwith two lines\n").end();
    ended.assert(0);
    assert_eq!(ended.event("prompt")["text"], "from a pipe\nwith two lines\n");
    assert_eq!(home.read("last.txt"), "First.");
    let id = ended.id();
    home.remit(&["resume", &id, "more", "--json", "--output-last-message", &words]).end().assert(0);
    assert_eq!(home.read("last.txt"), "Last words.");

    for (prompt, input) in [("-", ""), ("-", " \n"), ("", "x")] {
        let ended = home.remit(&["run", prompt, "--model", &model]).input(input).end();
        ended.assert(2);
        assert!(ended.err.contains("the prompt is empty"), "{}", ended.err);
    }
    let ended = home.remit(&["run", "-", "--model", &model]).input(vec![0xff, 0xfe]).end();
    ended.assert(2);
    assert!(ended.err.contains("cannot be read as text"), "{}", ended.err);
}

#[test]
fn a_run_works_in_the_folder_it_is_told_and_goes_on_in_its_own() {
    let home = Home::new();
    home.write("work/inner/here.txt", "x");
    let script = Script::new().call("list", json!({})).say("One.").call("list", json!({})).say("Two.");
    let model = home.script(script);
    let first = home.run(&model, &["-C", "inner"]).end();
    first.assert(0);
    assert!(first.event("result")["text"].as_str().unwrap().contains("here.txt"), "{}", first.out);
    assert_eq!(first.event("session")["workspace"], home.path("work/inner").canonicalize().unwrap().to_str().unwrap());

    // From another folder, the session's own folder and model are used.
    let second = home.remit(&["resume", &first.id(), "--json"]).folder("/").end();
    second.assert(0);
    assert!(second.event("result")["text"].as_str().unwrap().contains("here.txt"), "{}", second.out);
    assert_eq!(second.event("end")["text"], "Two.");
    assert_eq!(second.event("prompt")["text"], "Go on.", "the model had finished");

    let nowhere = home.run(&model, &["-C", "nowhere"]).end();
    nowhere.assert(2);
    assert!(nowhere.err.contains("nowhere"), "{}", nowhere.err);
}

#[test]
fn a_run_goes_on_with_the_last_session_of_its_folder_or_with_the_one_it_is_told() {
    let home = Home::new();
    home.write("elsewhere/x", "x");
    let model = home.script(Script::new().say("One.").say("Two.").say("Three."));
    let none = home.run(&model, &["--continue"]).end();
    none.assert(2);
    assert!(none.err.contains("no session of"), "{}", none.err);

    let first = home.run(&model, &[]).end();
    let other = home.run(&model, &["-C", home.path("elsewhere").to_str().unwrap()]).end();
    assert_ne!(first.id(), other.id());
    let second = home.remit(&["run", "and now?", "--json", "--continue"]).end();
    second.assert(0);
    assert_eq!((second.id(), &second.event("end")["text"]), (first.id(), &json!("Two.")));
    let third = home.remit(&["run", "and now?", "--json", "--resume", &first.id()]).end();
    third.assert(0);
    assert_eq!((third.id(), &third.event("end")["text"]), (first.id(), &json!("Three.")));

    home.run(&model, &["--continue", "--resume", &first.id()]).end().assert(2);
    for unknown in ["zzzzzzzzzz", "no such name", "../../x"] {
        let ended = home.remit(&["resume", unknown]).end();
        ended.assert(2);
        assert!(ended.err.contains(unknown), "{}", ended.err);
    }
}

#[test]
fn a_script_in_a_folder_is_found_again_from_another() {
    let home = Home::new();
    home.write("work/play.toml", "[[turn]]\ntext = \"One.\"\n[[turn]]\ntext = \"Two.\"\n");
    let first = home.run("script:play.toml", &[]).end();
    first.assert(0);
    let second = home.remit(&["resume", &first.id(), "--json"]).folder("/").end();
    second.assert(0);
    assert_eq!(second.event("end")["text"], "Two.");
}

#[test]
fn the_model_is_what_was_said_or_else_the_variable_or_else_the_configuration() {
    let home = Home::new();
    let models: Vec<String> =
        ["said", "variable", "configured"].map(|words| home.script(Script::new().say(words))).into();
    home.configure(&format!("model = \"{}\"\n", models[2]));
    let text = |ended: crate::support::Ended| ended.event("end")["text"].clone();
    assert_eq!(text(home.remit(&["run", "x", "--json"]).end()), "configured");
    assert_eq!(text(home.remit(&["run", "x", "--json"]).env("REMIT_MODEL", &models[1]).end()), "variable");
    let said = home.remit(&["run", "x", "--json", "--model", &models[0]]).env("REMIT_MODEL", &models[1]);
    assert_eq!(text(said.end()), "said");
}

#[test]
fn the_mode_is_the_sessions_and_is_taken_up_with_it() {
    let home = Home::new();
    let model = home.script(Script::new().say("1").say("2").say("3").say("4"));
    for (options, mode, chip) in [
        (&["--mode", "yolo", "--cap", "3"][..], "yolo:3.00", "YOLO $3.00 of $3.00"),
        (&["--cap", "0"], "yolo:0.00", "YOLO $0.00 of $0.00"),
        (&["--mode", "yolo", "--cap", "uncapped"], "yolo:uncapped", "YOLO uncapped"),
        (&["--mode", "yolo"], "yolo:5.00", "YOLO $5.00 of $5.00"),
        (&["--mode", "plan"], "plan", "Plan"),
        (&[], "agent", "Agent"),
    ] {
        let ended = home.run(&model, options).end();
        ended.assert(0);
        let session = ended.event("session");
        assert_eq!((&session["mode"], &session["chip"]), (&json!(mode), &json!(chip)));
        let resumed = home.remit(&["resume", &ended.id(), "--json"]).end();
        assert_eq!(resumed.event("session")["mode"], mode);
        let changed = home.remit(&["resume", &ended.id(), "--json", "--mode", "plan"]).end();
        assert_eq!(changed.event("session")["mode"], "plan");
    }
    home.configure("[yolo]\ncap = \"2.50\"\n");
    assert_eq!(home.run(&model, &["--mode", "yolo"]).end().event("session")["mode"], "yolo:2.50");
}

#[test]
fn a_turn_ends_at_its_limit_and_the_next_one_goes_on() {
    let home = Home::new();
    let script = Script::new().call("list", json!({})).call("list", json!({"depth": 1})).say("Enough.");
    let first = home.run(&home.script(script), &["--max-turns", "2"]).end();
    first.assert(1);
    assert!(first.event("end")["reason"].as_str().unwrap().contains("2 times"), "{}", first.out);
    let second = home.remit(&["resume", &first.id(), "--json"]).end();
    second.assert(0);
    assert_eq!(second.event("end")["text"], "Enough.");
    home.verify(&first.id());
}

#[test]
fn a_model_that_makes_the_same_call_for_ever_is_stopped_with_a_reason() {
    let home = Home::new();
    let script = Script::new().call("list", json!({})).lines("repeat = 100");
    let ended = home.run(&home.script(script), &[]).end();
    ended.assert(1);
    assert!(ended.event("end")["reason"].as_str().unwrap().contains("same call"), "{}", ended.out);
    assert!(ended.events_of("result").len() < 50);
}

#[test]
fn output_that_nobody_reads_any_more_is_no_crash() {
    let home = Home::new();
    let model = home.script(Script::new().shell("echo out; echo ran > ran.txt").say("Done."));
    let line = format!("'{}' run x --json --mode yolo --model '{model}' | head -n 1; true", REMIT);
    let ended = home.start(&["sh", "-c", &line]).end();
    ended.assert(0);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    let id = home.sessions()[0]["id"].as_str().unwrap().to_owned();
    home.verify(&id);
    for command in [format!("show {id}"), format!("export {id}"), "sessions".to_owned(), "schema events".to_owned()] {
        let line = format!("'{}' {command} | true", REMIT);
        let ended = home.start(&["sh", "-c", &line]).end();
        assert!(!ended.err.contains("panicked"), "{command}: {}", ended.err);
    }
}

#[test]
fn instructions_of_a_repository_reach_the_model_and_its_authority_does_not() {
    let home = Home::new();
    home.git(&["init", "-q"]);
    home.write("work/AGENTS.md", "Always say please.\n");
    home.write("work/.remit/config.toml", "[yolo]\ncap = \"99\"\n");
    home.write("work/config.toml", "model = \"script:/nowhere\"\n");
    let model = crate::support::Standin::start(&["model", "--turns", "0"]);
    home.configure(&format!("[providers.local]\nbase_url = \"{}/v1\"\nfree = true\n", model.base));
    let ended = home.run("local/any", &["--mode", "yolo"]).end();
    ended.assert(0);
    assert_eq!(ended.event("session")["mode"], "yolo:5.00");
    let asked = model.http("GET", "/_standin/requests", None);
    assert!(asked[0]["body"].to_string().contains("Always say please."), "{asked}");
}

#[test]
fn what_a_run_was_to_leave_behind_or_stands_on_is_missed_with_its_name() {
    let home = Home::new();
    let model = home.script(Script::new().say("One.").say("Two."));
    let ended = home.run(&model, &["--output-last-message", "/no/such/folder/words"]).end();
    ended.assert(1);
    assert!(ended.err.contains("/no/such/folder/words"), "{}", ended.err);
    assert_eq!(ended.event("end")["status"], "done");

    let gone = home.path("work/gone");
    std::fs::create_dir(&gone).unwrap();
    let id = home.run(&model, &["-C", "gone"]).end().id();
    std::fs::remove_dir(&gone).unwrap();
    let ended = home.remit(&["resume", &id]).end();
    ended.assert(2);
    assert!(ended.err.contains("work/gone"), "{}", ended.err);
}

#[test]
fn a_reader_that_pauses_keeps_nobody_from_speaking_to_the_session() {
    let home = Home::new();
    let flood = "for i in $(seq 300); do head -c 1000 /dev/zero | tr '\\0' x; echo; done";
    let model = home.script(Script::new().shell(flood).shell(flood).shell("echo up > ../up; cat ../gate").say("Done."));
    let (up, gate) = (home.pipe("up"), home.pipe("gate"));
    // What it prints goes into a pipe that nobody reads until the end.
    let line = format!("'{REMIT}' run x --json --mode yolo --model '{model}' | (cat ../read; cat)");
    let read = home.pipe("read");
    let running = home.start(&["bash", "-c", &line]).go();
    Listening::to(&up).line();
    let id = home.sessions()[0]["id"].as_str().unwrap().to_owned();
    home.remit(&["mode", &id, "plan"]).end().assert(0);
    tell(&gate, "go on\n");
    tell(&read, "");
    let ended = running.end();
    assert_eq!(ended.event("end")["text"], "Done.");
    assert_eq!(ended.event("mode")["mode"], "plan");
}

#[test]
fn the_session_is_named_before_anything_else_is_told_of_it() {
    let home = Home::new();
    let model = home.script(Script::new().say("One.").say("Two."));
    let id = home.run(&model, &[]).end().id();
    let resumed = home.remit(&["resume", &id, "--json", "--mode", "yolo:1"]).end();
    let events = resumed.events();
    assert_eq!(types(&events)[..2], ["session", "mode"]);
    assert_eq!((&events[0]["mode"], &events[0]["chip"]), (&json!("yolo:1.00"), &json!("YOLO $1.00 of $1.00")));
}
