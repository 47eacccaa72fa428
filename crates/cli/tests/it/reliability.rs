//! What a run does when what it stands on gives way: its store, its model, its own process.
//!
//! Not here: the journal's own crash tests, which cut it off at every write.

use crate::support::{Ended, Home, REMIT, Script, Standin, files_below, json_lines, tell};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};

const TOKEN: &str = "hf_test";

/// Whether there is time for more.
fn is_long() -> bool {
    std::env::var_os("REMIT_TEST_LONG").is_some()
}

/// How many calls the session's record says were let run.
fn let_run(home: &Home, id: &str) -> usize {
    home.show(id)["records"].to_string().matches("\"outcome\":\"run\"").count()
}

// The store.

#[test]
fn a_database_that_another_program_keeps_locked_is_an_error_and_nothing_runs() {
    let home = Home::new();
    let gate = home.pipe("gate");
    let script = Script::new().shell("cat ../gate").shell("echo ran >> ../log").say("Done.");
    let mut running = home.run(&home.script(script), &["--mode", "yolo"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("decision");
    let lock = Lock::on(&home);
    tell(&gate, "go on\n");
    let ended = running.end();
    ended.assert(1);
    assert!(ended.err.contains("locked by another program"), "{}", ended.err);
    assert_eq!(home.read("log"), "", "a call ran that is not on record");

    let begun = home.run(&home.script(Script::new().say("x")), &[]).end();
    begun.assert(1);
    assert!(begun.err.contains("locked by another program"), "{}", begun.err);
    drop(lock);
    home.verify(&id);
    home.remit(&["resume", &id]).end().assert(0);
    assert_eq!(home.read("log"), "ran\n");
}

/// A program that has begun to write into the database and does not end.
struct Lock(Child);

impl Lock {
    fn on(home: &Home) -> Lock {
        let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); print(1, flush=True); sys.stdin.read()";
        let mut command = Command::new("python3");
        command
            .args(["-c", script])
            .arg(home.path("data/remit/sessions.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        Lock(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_damaged_database_is_an_error_that_says_so() {
    let home = Home::new();
    let model = home.script(Script::new().shell("echo ran >> ../log").say("Done."));
    let id = home.run(&model, &["--mode", "yolo"]).end().id();
    let database = home.path("data/remit/sessions.db");
    let whole = fs::read(&database).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let mut rubbish = whole.clone();
    rubbish[100..].fill(0x5a);
    for damaged in [rubbish, b"this is no database at all".repeat(100), whole[..whole.len() / 2].to_vec()] {
        fs::write(&database, damaged).unwrap();
        for args in
            [&["run", "x", "--model", &model, "--mode", "yolo"][..], &["resume", &id], &["show", &id], &["verify", &id]]
        {
            let ended = home.remit(args).end();
            assert!(ended.code == 1 || ended.code == 2, "{ended:?}");
            let is_said = ["is damaged", "not a journal", "not intact"]
                .iter()
                .any(|words| (ended.err.clone() + &ended.out).contains(words));
            assert!(is_said && !ended.err.contains("panicked"), "{args:?}: {ended:?}");
        }
    }
    assert_eq!(home.read("log"), "ran\n", "a call ran that is not on record");
}

#[test]
fn a_store_that_cannot_be_written_is_an_error_before_anything_runs() {
    let home = Home::new();
    let model = home.script(Script::new().shell("echo ran >> ../log").say("Done."));
    home.write("a-file", "x");
    for data in [home.text_path("a-file"), "/proc/nowhere".to_owned()] {
        let ended = home.run(&model, &["--mode", "yolo"]).env("XDG_DATA_HOME", &data).end();
        ended.assert(1);
        assert!(ended.err.contains(&data), "{}", ended.err);
    }
    assert_eq!(home.read("log"), "");
}

#[test]
fn when_there_is_no_room_for_the_record_nothing_runs_unrecorded() {
    let home = Home::new();
    // Each command's words take room in the record, and none in the log of what ran.
    let mut script = Script::new();
    for number in 0..60 {
        script = script.shell(&format!("echo {number} >> ../log # {}", "x".repeat(4000)));
    }
    let model = home.script(script.say("Done."));
    // A limit on the size of files stands for a full disk: the write that is too much fails.
    let line = format!("trap '' XFSZ; ulimit -f 400; exec '{REMIT}' run x --json --mode yolo --model '{model}'");
    let ended = home.start(&["bash", "-c", &line]).end();
    ended.assert(1);
    assert!(ended.err.contains("no room") || ended.err.contains("cannot be written"), "{}", ended.err);
    let ran = home.read("log").lines().count();
    assert!(ran > 0 && ran < 60, "{ran} ran");
    let id = home.sessions()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ran, let_run(&home, &id), "what ran is what is on record");
    home.verify(&id);
    // With room again, it goes on, and nothing happens twice.
    home.remit(&["resume", &id]).end().assert(0);
    let log = home.read("log");
    let mut numbers: Vec<&str> = log.lines().collect();
    assert!(numbers.len() >= 59, "{numbers:?}");
    numbers.dedup();
    assert_eq!(numbers.len(), log.lines().count());
    home.verify(&id);
}

// The program's own end.

#[test]
fn a_run_that_is_killed_anywhere_goes_on_and_does_nothing_twice() {
    let script = Script::new()
        .turn(
            "I begin.",
            &[("shell", json!({"command": "echo one >> ../log"})), ("shell", json!({"command": "echo two >> ../log"}))],
        )
        .call(
            "hf_jobs",
            json!({"operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["true"], "detach": true}),
        )
        .turn(
            "",
            &[
                ("list", json!({})),
                ("write", json!({"path": "a.txt", "content": "x"})),
                ("shell", json!({"command": "echo three >> ../log"})),
            ],
        )
        .shell("echo four >> ../log")
        .say("Done.");
    let undisturbed = Killed::start(&script);
    let whole = undisturbed.run().end();
    whole.assert(0);
    undisturbed.check(&whole, &whole);
    let rounds = if is_long() { 10 } else { 1 };
    let points: Vec<usize> = (0..rounds).flat_map(|_| 1..=whole.events().len()).collect();
    let queue = std::sync::Mutex::new(points.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = { queue.lock().unwrap().next() } {
                    let world = Killed::start(&script);
                    let mut running = world.run().go();
                    for _ in 0..point {
                        running.line();
                    }
                    let killed = running.kill();
                    let go_on = |words: &[&str]| {
                        let id = killed.id();
                        world.home.remit(&[&["resume", &id, "--json"], words].concat()).env("HF_TOKEN", TOKEN).end()
                    };
                    let mut resumed = go_on(&[]);
                    if killed.events_of("prompt").is_empty() && resumed.err.contains("nothing was said") {
                        resumed.assert(2);
                        resumed = go_on(&["do it"]);
                    }
                    resumed.assert(0);
                    world.check(&killed, &resumed);
                }
            });
        }
    });
}

/// A home with a hub, for one run that is killed.
struct Killed {
    home: Home,
    jobs: Standin,
    model: String,
}

impl Killed {
    fn start(script: &Script) -> Killed {
        let home = Home::new();
        let jobs = Standin::start(&["jobs", "--token", TOKEN, "--user", "ada", "--unit", "hour"]);
        home.configure(&format!("[hf]\nendpoint = \"{}\"\n", jobs.base));
        let model = home.script(script.clone());
        Killed { home, jobs, model }
    }

    fn run(&self) -> crate::support::Start {
        self.home.run(&self.model, &["--mode", "yolo:5"]).env("HF_TOKEN", TOKEN)
    }

    fn check(&self, killed: &Ended, resumed: &Ended) {
        let (id, label) =
            (killed.id(), format!("killed after {} lines\n{}\n{}", killed.events().len(), killed.out, resumed.out));
        assert_eq!(resumed.event("end")["status"], "done", "{label}");
        let log = self.home.read("log");
        for word in ["one", "two", "three", "four"] {
            let times = log.lines().filter(|line| *line == word).count();
            assert!(times <= 1, "`{word}` happened {times} times: {label}");
        }
        let shown = self.home.show(&id);
        let records = shown["records"].as_array().unwrap();
        let decided = |tool: &str| {
            let of_tool = |record: &&Value| {
                let text = record.to_string();
                // What the program asks the Hub by itself goes by the call's name and a word more.
                let is_the_models = record["call"].as_str().is_some_and(|call| !call.contains('-'));
                is_the_models && text.contains(&format!("\"tool\":\"{tool}\"")) && text.contains("\"outcome\":\"run\"")
            };
            records.iter().filter(of_tool).count()
        };
        // Each call is decided about once, and what was decided before the end of the killed run had its result told.
        assert!(decided("shell") <= 4 && decided("hf_jobs") <= 1 && decided("write") <= 1, "{label}");
        assert!(log.lines().count() <= decided("shell"), "something ran that is not on record: {label}");
        let launches = self.jobs.state()["launches"].as_u64().unwrap();
        assert!(launches <= decided("hf_jobs") as u64, "launched {launches} times: {label}");
        let budget = &shown["spend"]["budget"];
        if decided("hf_jobs") == 1 {
            assert_eq!(budget["quoted"], "1.00", "the hold is forgotten: {label}");
        }
        if launches == 1 {
            let counted = ["held", "open", "settled"].iter().any(|state| budget[*state] == "1.00");
            assert!(counted && shown["spend"]["left"] == "4.00", "the job's money is forgotten: {budget} {label}");
        }
        // What was told to have happened did.
        let ok = |call: &Value| {
            killed.events_of("result").iter().any(|end| end["call"] == call["call"] && end["ok"] == json!(true))
        };
        for call in killed.events_of("call").iter().filter(|call| ok(call)) {
            match call["summary"].as_str().unwrap().strip_prefix("shell: echo ") {
                Some(rest) => assert!(log.contains(rest.split(' ').next().unwrap()), "{rest} did not happen: {label}"),
                None => assert!(call["tool"] != json!("hf_jobs") || launches == 1, "no job was launched: {label}"),
            }
        }
        self.home.verify(&id);
    }
}

#[test]
fn a_kill_in_the_middle_of_a_command_leaves_it_unknown_and_not_repeated() {
    let home = Home::new();
    let gate = home.pipe("gate");
    let script = Script::new()
        .shell("echo begun >> ../log; cat ../gate; echo ended >> ../log")
        .lines("[[turn]]\nexpect = [\"unknown: the process ended while this ran\"]\ntext = \"I see.\"");
    let mut running = home.run(&home.script(script), &["--mode", "yolo"]).go();
    let id = running.until_type("session")["id"].as_str().unwrap().to_owned();
    running.until_type("decision");
    crate::support::wait_until("the command has begun", || home.read("log") == "begun\n");
    running.signal(Signal::KILL);
    running.end().assert(-9);
    let resumed = home.remit(&["resume", &id, "--json"]).end();
    resumed.assert(0);
    assert_eq!(resumed.event("end")["text"], "I see.");
    tell(&gate, "go on\n");
    assert!(home.read("log").starts_with("begun\n") && home.read("log").matches("begun").count() == 1);
    home.verify(&id);
}

// The model.

/// A model as a service on loopback, with a key, and what goes wrong with its first answers.
struct Service {
    home: Home,
    standin: Standin,
}

const KEY: &str = "sk-canary-90ab7e";

impl Service {
    fn start(dialect: &str, script: Script, faults: &[&str]) -> Service {
        let home = Home::new();
        let file = home.script(script);
        let mut args = vec!["model", "--key", KEY, "--script", file.strip_prefix("script:").unwrap()];
        args.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
        let standin = Standin::start(&args);
        let base = if dialect == "anthropic" { standin.base.clone() } else { format!("{}/v1", standin.base) };
        home.configure(&format!(
            "[providers.local]\ndialect = \"{dialect}\"\nbase_url = \"{base}\"\nkey_env = \"LOCAL_PASS\"\nfree = true\n"
        ));
        Service { home, standin }
    }

    fn run(&self) -> Ended {
        let ended = self.home.run("local/any", &["--mode", "yolo:5"]).env("LOCAL_PASS", KEY).end();
        self.check_secrecy(&ended);
        ended
    }

    /// The key is in nothing that was said or kept.
    fn check_secrecy(&self, ended: &Ended) {
        assert!(!ended.out.contains(KEY) && !ended.err.contains(KEY), "the key was said: {ended:?}");
        for (name, content) in files_below(&self.home.path("data")) {
            let is_in = content.windows(KEY.len()).any(|bytes| bytes == KEY.as_bytes());
            assert!(!is_in, "the key is in {name}");
        }
        if let Some(id) = ended.events_of("session").first().map(|event| event["id"].as_str().unwrap().to_owned()) {
            self.home.verify(&id);
        }
    }

    fn requests(&self) -> Vec<Value> {
        self.standin.http("GET", "/_standin/requests", None).as_array().unwrap().clone()
    }
}

const DIALECTS: [&str; 3] = ["chat-completions", "responses", "anthropic"];

fn append() -> Script {
    Script::new().turn("I write it down.", &[("shell", json!({"command": "echo once >> ../log"}))]).say("Done.")
}

#[test]
fn a_stream_that_is_cut_is_asked_for_again_and_no_tool_runs_twice() {
    for dialect in DIALECTS {
        for fault in ["cut", "end_early", "no_answer"] {
            let service = Service::start(dialect, append(), &[fault]);
            let ended = service.run();
            ended.assert(0);
            assert_eq!(service.home.read("log"), "once\n", "{dialect} {fault}: {}", ended.out);
            assert_eq!(ended.events_of("retrying").len(), 1, "{dialect} {fault}: {}", ended.out);
            assert_eq!(service.requests().len(), 3);
        }
    }
}

#[test]
fn rubbish_from_a_model_is_asked_for_once_more_and_then_an_error() {
    for dialect in DIALECTS {
        let once = Service::start(dialect, append(), &["garbage"]);
        once.run().assert(0);
        assert_eq!(once.home.read("log"), "once\n");

        let twice = Service::start(dialect, append(), &["garbage", "garbage"]);
        let ended = twice.run();
        ended.assert(1);
        assert!(ended.event("end")["reason"].as_str().unwrap().contains("cannot be read"), "{}", ended.out);
        assert_eq!(twice.home.read("log"), "");
    }
}

#[test]
fn bytes_that_are_no_text_do_not_bring_a_run_down() {
    for dialect in DIALECTS {
        let service = Service::start(dialect, append(), &["invalid_utf8"]);
        let ended = service.run();
        ended.assert(0);
        assert_eq!(service.home.read("log"), "once\n");
    }
}

#[test]
fn a_text_without_an_end_is_ended() {
    for dialect in DIALECTS {
        // The model's service never stops, so that only the run's own bounds can: of the answer, and of its memory.
        let service = Service::start(dialect, Script::new().say(&"And on it goes. ".repeat(4000)), &["endless"; 2]);
        let limits = "ulimit -v 1000000; set -o pipefail";
        let line = format!("{limits}; '{REMIT}' run x --mode yolo:5 --model local/any | tail -c 2000");
        let ended = service.home.start(&["bash", "-c", &line]).env("LOCAL_PASS", KEY).end();
        ended.assert(1);
        assert!(ended.out.contains("too large"), "{dialect}: {}{}", ended.out, ended.err);
        assert_eq!(service.requests().len(), 1, "what is too large is not asked for again");
    }
}

#[test]
fn a_message_with_a_thousand_calls_is_an_error_and_none_of_them_runs() {
    for dialect in DIALECTS {
        let service = Service::start(dialect, append(), &["thousand_calls:1000"]);
        let ended = service.run();
        ended.assert(1);
        assert!(ended.event("end")["reason"].as_str().unwrap().contains("tool calls"), "{}", ended.out);
        assert_eq!(service.home.read("log"), "");
    }
    // Fewer are each answered.
    let service = Service::start(DIALECTS[0], append(), &["thousand_calls:50"]);
    let ended = service.run();
    ended.assert(0);
    assert_eq!((ended.events_of("result").len(), service.home.read("log")), (50, "once\n".repeat(50)));
}

#[test]
fn a_service_that_asks_for_patience_gets_it_and_the_person_sees_it() {
    for dialect in DIALECTS {
        let service = Service::start(dialect, append(), &["rate_limited:1"]);
        let ended = service.run();
        ended.assert(0);
        let retrying = ended.event("retrying");
        assert_eq!((&retrying["attempt"], &retrying["wait_ms"]), (&json!(2), &json!(1000)), "{retrying}");
        assert!(retrying["why"].as_str().unwrap().contains("too many requests"), "{retrying}");
        let arrived: Vec<u64> = service.requests().iter().map(|seen| seen["arrived_ns"].as_u64().unwrap()).collect();
        assert!(arrived[1] - arrived[0] >= 1_000_000_000, "it did not wait: {arrived:?}");
    }
}

#[test]
fn a_key_that_is_wrong_is_said_and_not_shown() {
    for dialect in DIALECTS {
        let service = Service::start(dialect, append(), &[]);
        let wrong = "sk-canary-wrong-55d1";
        let ended = service.home.run("local/any", &[]).env("LOCAL_PASS", wrong).end();
        ended.assert(1);
        assert!(ended.event("end")["reason"].as_str().unwrap().contains("key was refused"), "{}", ended.out);
        assert!(!ended.out.contains(wrong) && !ended.err.contains(wrong), "{ended:?}");
        service.check_secrecy(&ended);
    }
}

#[test]
fn a_tool_that_says_a_hundred_megabytes_is_cut_and_kept_whole() {
    let home = Home::new();
    let script = Script::new().shell("head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; echo last").say("Done.");
    let ended = home.run(&home.script(script), &["--mode", "yolo:5"]).end();
    ended.assert(0);
    let text = ended.event("result")["text"].as_str().unwrap().to_owned();
    assert!(text.len() < 64 * 1024 && text.contains("last"), "{} bytes", text.len());
    let kept = files_below(&home.path("data/remit/outputs"));
    let largest = kept.values().map(Vec::len).max().unwrap_or(0);
    assert!(
        largest >= 10_000_000,
        "{:?} {text}",
        kept.iter().map(|(name, bytes)| (name, bytes.len())).collect::<Vec<_>>()
    );
    home.verify(&ended.id());
}

#[test]
fn bytes_that_are_no_text_pass_through_every_layer() {
    let home = Home::new();
    let file = home.path("work/odd.bin");
    fs::File::create(&file).unwrap().write_all(b"ab\xff\xfe\x00cd\n").unwrap();
    let script = Script::new()
        .turn("", &[("read", json!({"path": "odd.bin"})), ("shell", json!({"command": "cat odd.bin; printf '\\303'"}))])
        .turn("", &[("read", json!({"path": "a\u{0}b"})), ("read", json!({"path": "x".repeat(70_000)}))])
        .say("Done.");
    let ended = home.run(&home.script(script), &["--mode", "yolo:5"]).end();
    ended.assert(0);
    assert_eq!(json_lines(&ended.out).len(), ended.events().len());
    assert_eq!(ended.events_of("result").len(), 4);
    home.verify(&ended.id());
}
