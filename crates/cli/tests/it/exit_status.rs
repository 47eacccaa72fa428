//! The exit statuses of a run, each with the words that go with it.
//!
//! Not here: what a failing store or a hostile model does (that is `reliability`).

use crate::support::{Home, Listening, REMIT, Script, Standin, tell, wait_until};
use rustix::process::{Signal, test_kill_process};
use serde_json::json;

#[test]
fn zero_is_done_and_one_is_an_error() {
    let home = Home::new();
    home.run(&home.script(Script::new().say("Done.")), &[]).end().assert(0);

    let runs_out = home.script(Script::with_head("").call("list", json!({})));
    let ended = home.run(&runs_out, &[]).end();
    ended.assert(1);
    assert_eq!(ended.event("end")["status"], "failed");
    assert!(ended.event("end")["reason"].as_str().unwrap().contains("the script has ended"), "{}", ended.out);

    let refuses = home.script(Script::new().say("x").lines("error = { kind = \"auth\", message = \"who are you\" }"));
    let ended = home.run(&refuses, &[]).end();
    ended.assert(1);
    assert!(ended.event("end")["reason"].as_str().unwrap().contains("who are you"), "{}", ended.out);
}

#[test]
fn two_is_something_that_the_person_said_or_configured() {
    let home = Home::new();
    let model = home.script(Script::new().say("x"));
    for (args, words) in [
        (&["run", "x", "--model", &model, "--mode", "yes"][..], "yes"),
        (&["run", "x", "--model", &model, "--mode", "yolo:-1"], "-1"),
        (&["run", "x", "--model", &model, "--mode", "yolo:0x5"], "0x5"),
        (&["run", "x", "--model", &model, "--cap", "lots"], "lots"),
        (&["run", "x", "--model", &model, "--mode", "yolo:3", "--cap", "4"], "--cap"),
        (&["run", "x", "--model", &model, "--mode", "plan", "--cap", "4"], "--cap"),
        (&["run", "x", "--model", &model, "--max-turns", "-1"], "-1"),
        (&["run", "x", "--model", &model, "--max-turns", "0"], "0"),
        (&["run", "x", "--model", ""], "no model was picked"),
        (&["run", "x"], "no model was picked"),
        (&["run", "x", "--model", "nameless"], "`nameless` is no model"),
        (&["run", "x", "--model", "nobody/x"], "there is no provider `nobody`"),
        (&["run", "x", "--model", "anthropic/"], "anthropic/"),
        (&["run", "x", "--model", "anthropic/claude"], "ANTHROPIC_API_KEY"),
        (&["run", "x", "--model", "script:/no/such/file"], "/no/such/file"),
        (&["run"], "<PROMPT>"),
        (&["run", "x", "--jsn"], "--jsn"),
        (&["mode", "zzzzzzzzzz"], "there is no"),
        (&["show", "zzzzzzzzzz"], "there is no"),
        (&["verify", "zzzzzzzzzz"], "there is no"),
        (&["export", "zzzzzzzzzz"], "there is no"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ended = home.remit(args).end();
        ended.assert(2);
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
        assert!(ended.out.is_empty(), "{args:?}: {}", ended.out);
    }
    home.remit(&[]).end().assert(2);
    assert!(home.sessions().is_empty(), "nothing was begun");
}

#[test]
fn a_broken_script_or_configuration_is_named_with_its_line() {
    let home = Home::new();
    home.write("work/broken.toml", "\n[[turn]]\ntxt = \"x\"\n");
    let ended = home.run("script:broken.toml", &[]).end();
    ended.assert(2);
    assert!(ended.err.contains("line 3") && ended.err.contains("txt"), "{}", ended.err);

    for (config, words) in [
        ("\nmodle = \"x\"\n", &["line 2", "modle", "config.toml"][..]),
        ("[yolo]\ncap = 5\n", &["line 2", "string"]),
        ("[yolo]\ncap = \"much\"\n", &["yolo.cap", "much"]),
        ("prohibitions = [\"rm\"]\n", &["prohibition", "rm"]),
        ("[mcp.x]\n", &["MCP server `x`", "neither"]),
        ("[mcp.x]\ncommand = [\"a\"]\nurl = \"http://127.0.0.1/\"\n", &["MCP server `x`", "both"]),
        ("[prices]\n\"mcp:x/y\" = \"cheap\"\n", &["mcp:x/y", "cheap"]),
        ("[prices]\nreed = \"1\"\n", &["`reed`", "no such tool", "web_fetch"]),
        ("[prices]\npropose_plan = \"1\"\n", &["`propose_plan`", "no such tool"]),
        ("[prices]\nhf_jobs = \"1\"\n", &["`hf_jobs`", "no flat price"]),
        ("[hf.secrets.A]\nvalue = \"x\"\nenv = \"Y\"\n", &["hf.secrets.A"]),
        ("[providers.x]\nbase_url = \"http://127.0.0.1:1\"\ndialect = \"latin\"\n", &["providers.x.dialect", "latin"]),
        ("[providers.x]\nbase_url = \"ftp://127.0.0.1\"\n", &["provider `x`"]),
        ("[providers.x]\n", &["no `base_url`"]),
        ("[providers.x]\nbase_url = \"http://127.0.0.1:1\"\nkey_env = \"MY_KEY\"\n", &["MY_KEY"]),
    ] {
        home.configure(config);
        let model = if config.contains("providers") { "x/y".to_owned() } else { home.script(Script::new().say("x")) };
        let ended = home.run(&model, &["--mode", "yolo"]).end();
        ended.assert(2);
        for word in words {
            assert!(ended.err.contains(word), "no `{word}` for {config}: {}", ended.err);
        }
    }
    let ended = home.remit(&["sessions"]).env("REMIT_CONFIG", "/no/such/config").end();
    ended.assert(2);
    assert!(ended.err.contains("/no/such/config"), "{}", ended.err);
}

#[test]
fn a_tool_that_the_person_priced_is_held_against_the_cap() {
    let home = Home::new();
    home.configure("[prices]\nlist = \"0.05\"\n");
    let script = Script::new()
        .turn("", &[("list", json!({"path": "."})), ("list", json!({})), ("list", json!({"path": "./"}))])
        .say("I could look but twice.");
    let ended = home.run(&home.script(script), &["--mode", "yolo:0.12"]).end();
    ended.assert(3);
    let end = ended.event("end");
    assert_eq!(end["refused"].as_array().unwrap().len(), 1, "{end}");
    assert_eq!((&end["refused"][0]["price"], &end["spend"]["budget"]["settled"]), (&json!("$0.05"), &json!("0.10")));
    assert_eq!(end["spend"]["left"], "0.02");
}

#[test]
fn three_is_done_but_for_what_nobody_could_be_asked_about() {
    let home = Home::new();
    let script = Script::new()
        .turn(
            "",
            &[
                ("write", json!({"path": "a.txt", "content": "x"})),
                ("hf_jobs", json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["true"]})),
            ],
        )
        .call("shell", json!({"command": "touch b.txt"}))
        .say("I could do none of it.");
    let model = home.script(script);
    let ended = home.run(&model, &[]).end();
    ended.assert(3);
    let end = ended.event("end");
    assert_eq!((&end["status"], &end["prompts"]), (&json!("done"), &json!(0)));
    let refused = end["refused"].as_array().unwrap();
    let prices: Vec<&str> = refused.iter().map(|call| call["price"].as_str().unwrap()).collect();
    assert_eq!(prices, ["free", "$1.00", "free"]);
    assert!(refused[2]["summary"].as_str().unwrap().contains("touch b.txt"), "{refused:?}");
    assert!(refused.iter().all(|call| !call["reason"].as_str().unwrap().is_empty()), "{refused:?}");
    let listed = std::fs::read_dir(home.path("work")).unwrap().count();
    assert_eq!(listed, 0, "nothing was written");

    // What the mode refuses by itself is the contract working, and no reason to say that anything is missing.
    home.run(&model, &["--mode", "plan"]).end().assert(0);
}

#[test]
fn seventy_five_is_a_service_that_may_be_there_later() {
    let home = Home::new();
    let down = "error = { kind = \"down\", after_ms = 1, times = 99, message = \"out to lunch\" }";
    let model = home.script(Script::new().say("x").lines(down));
    let ended = home.run(&model, &[]).end();
    ended.assert(75);
    assert_eq!(ended.event("end")["status"], "unavailable");
    assert!(ended.event("end")["reason"].as_str().unwrap().contains("out to lunch"), "{}", ended.out);
    assert_eq!(ended.events_of("retrying").len(), 5);

    let script = home.path("down.toml");
    std::fs::write(&script, format!("[[turn]]\ntext = \"x\"\n{down}\n")).unwrap();
    let service = Standin::start(&["model", "--script", script.to_str().unwrap()]);
    home.configure(&format!("[providers.local]\nbase_url = \"{}/v1\"\nfree = true\n", service.base));
    let ended = home.run("local/any", &[]).end();
    ended.assert(75);
    let tries = service.http("GET", "/_standin/requests", None);
    assert_eq!(tries.as_array().unwrap().len(), 6);
}

#[test]
fn an_interrupt_stops_the_turn_and_the_session_goes_on_when_it_is_resumed() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let home = Home::new();
        let up = home.pipe("up");
        let script = Script::new()
            .shell("exec 9> ../up; echo begun >> ../log; echo $$ >&9; sleep 1000; echo ended >> ../log")
            .shell("echo next >> ../log")
            .say("Done.");
        let running = home.run(&home.script(script), &["--mode", "yolo"]).go();
        let alive = Listening::to(&up);
        alive.line();
        running.signal(signal);
        let ended = running.end();
        ended.assert(130);
        assert_eq!(ended.event("end")["status"], "interrupted");
        assert!(ended.err.contains("once more quits"), "{}", ended.err);
        alive.until_deserted();
        home.verify(&ended.id());

        let resumed = home.remit(&["resume", &ended.id(), "--json"]).end();
        resumed.assert(0);
        assert_eq!(resumed.event("end")["text"], "Done.");
        assert_eq!(home.read("log"), "begun\nnext\n");
        home.verify(&ended.id());
    }
}

#[test]
fn an_interrupt_reaches_a_model_that_says_nothing() {
    let home = Home::new();
    let service = Standin::start(&["model", "--turns", "0", "--fault", "hang"]);
    home.configure(&format!("[providers.local]\nbase_url = \"{}/v1\"\nfree = true\n", service.base));
    let mut running = home.run("local/any", &[]).go();
    running.until_type("prompt");
    wait_until("the model was asked", || service.http("GET", "/_standin/requests", None)[0]["status"] == 200);
    running.signal(Signal::INT);
    let ended = running.end();
    ended.assert(130);
    let resumed = home.remit(&["resume", &ended.id(), "--json"]).end();
    resumed.assert(0);
    assert_eq!(resumed.event("end")["text"], "Done.");
}

#[test]
fn a_second_interrupt_quits_at_once_and_leaves_nothing_running() {
    let home = Home::new();
    let up = home.pipe("up");
    // They do not want to end, in the command's session and in ones of their own, and have emptied their environment.
    let stubborn = "trap '' TERM INT HUP; echo $$ >&9; while :; do sleep 1000; done";
    home.write(
        "stubborn.sh",
        &format!("exec 9> ../up\n(setsid env -i sh -c \"{}\" &)\n{stubborn}\n", stubborn.replace('$', "\\$")),
    );
    let script = Script::new().shell("trap '' TERM INT; . ../stubborn.sh").say("Done.");
    let mut running = home.run(&home.script(script), &["--mode", "yolo"]).go();
    let alive = Listening::to(&up);
    let pids = [alive.line(), alive.line()];
    running.signal(Signal::INT);
    running.until_muttered("once more quits");
    running.signal(Signal::INT);
    let ended = running.end();
    ended.assert(130);
    alive.until_deserted();
    for pid in pids {
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        wait_until("the programs are gone", || test_kill_process(pid).is_err());
    }
    let id = home.sessions()[0]["id"].as_str().unwrap().to_owned();
    home.verify(&id);
    let resumed = home.remit(&["resume", &id, "--json"]).end();
    resumed.assert(0);
    assert_eq!(resumed.event("end")["text"], "Done.");
}

#[test]
fn a_stop_waits_for_nobody_who_was_never_there() {
    // A pipe that is never read: the person interrupts before the command has got anywhere.
    let home = Home::new();
    let pipe = home.pipe("never");
    let script = Script::new().shell("echo x > ../never").say("Done.");
    let mut running = home.run(&home.script(script), &["--mode", "yolo"]).go();
    running.until(|event| event["type"] == "decision");
    running.signal(Signal::INT);
    running.end().assert(130);
    let reader = Listening::to(&pipe);
    tell(&pipe, "free\n");
    assert_eq!(reader.line(), "free");
}

#[test]
fn a_run_that_was_started_to_outlive_its_terminal_does() {
    let home = Home::new();
    let gate = home.pipe("gate");
    let model = home.script(Script::new().shell("cat ../gate").say("Done."));
    let line = format!("trap '' HUP; exec '{REMIT}' run x --json --mode yolo --model '{model}'");
    let mut running = home.start(&["sh", "-c", &line]).go();
    running.until_type("decision");
    running.signal(Signal::HUP);
    tell(&gate, "go on\n");
    let ended = running.end();
    ended.assert(0);
    assert_eq!(ended.event("end")["text"], "Done.");
}

#[test]
fn an_interrupt_does_not_wait_for_a_server_that_does_not_start() {
    let home = Home::new();
    let up = home.pipe("up");
    home.configure("[mcp.mute]\ncommand = [\"sh\", \"-c\", \"exec 9> ../up; echo up >&9; exec sleep 1000\"]\n");
    let model = home.script(Script::new().lines("[[turn]]\ntext = \"x\"\ndelay_ms = 600000"));
    let running = home.run(&model, &[]).go();
    let alive = Listening::to(&up);
    alive.line();
    running.signal(Signal::INT);
    let ended = running.end();
    ended.assert(130);
    alive.until_deserted();
}
