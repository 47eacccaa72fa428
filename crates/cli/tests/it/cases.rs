//! The rows of `contract-cases.toml`, each played through `remit run`: what runs has its effect and nobody is asked, what
//! does not run leaves the world as it was.
//!
//! Not here: rows that no unattended run can bring about; they are listed with the reason, and judged by
//! `remit contract test`.

use crate::support::{Ended, Home, REMIT, Script, Standin, files_below};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract-cases.toml");

/// The rows that cannot be played, and why.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("yolo-fetch-new-host", "it would fetch a page from the internet"),
    ("yolo-job-over-what-is-left", "it begins with money that is spent and held"),
    ("yolo-subagent-same-answer", "there is no sub-agent tool yet"),
    ("agent-answered-for-session", "nobody is there who could have answered"),
    ("agent-answer-does-not-cover-a-chain", "nobody is there who could have answered"),
    ("agent-answer-does-not-cover-substitution", "nobody is there who could have answered"),
    ("plan-answered-elsewhere", "nobody is there who could have answered"),
];

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// A row; `servers` and `why` are not needed to play it.
#[derive(Deserialize)]
struct Case {
    id: String,
    mode: String,
    tool: String,
    args: Value,
    expect: String,
    decided_by: Option<String>,
    price: Option<String>,
    #[serde(default)]
    prohibitions: Vec<String>,
    #[serde(default)]
    hf_secrets: Vec<String>,
    #[serde(default)]
    prices: BTreeMap<String, String>,
    setup: Option<String>,
}

/// What a run of this row has to answer, nobody being there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Run,
    Deliver,
    /// It would have asked.
    NobodyToAsk,
    Refuse,
    Invalid,
}

impl Case {
    fn answer(&self) -> Answer {
        match (self.expect.as_str(), self.decided_by.as_deref()) {
            ("run", _) => Answer::Run,
            ("deliver", _) => Answer::Deliver,
            ("ask", _) | ("refuse", Some("nobody to ask")) => Answer::NobodyToAsk,
            ("refuse", _) => Answer::Refuse,
            ("invalid", _) => Answer::Invalid,
            (other, _) => panic!("{}: no answer is called `{other}`", self.id),
        }
    }
}

#[test]
fn what_the_contract_answers_happens_when_it_is_run() {
    let cases: Cases = toml::from_str(&fs::read_to_string(CASES).unwrap()).unwrap();
    let ids: BTreeSet<&str> = cases.case.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), cases.case.len(), "two rows have one name");
    for (id, _) in NOT_PLAYED {
        assert!(ids.contains(id), "there is no row `{id}` any more");
    }
    let played = cases.case.iter().filter(|case| NOT_PLAYED.iter().all(|(id, _)| *id != case.id));
    let queue = Mutex::new(played);
    let template = template();
    // Two at a time: each mostly waits for programs to start.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = { queue.lock().unwrap().next() } {
                    World::of(case, &template).play(case);
                }
            });
        }
    });
}

/// A repository with a bare one beside it that lacks its last commit, its tag and its branch.
fn template() -> Home {
    let home = Home::new();
    home.git(&["init", "-q"]);
    home.write("work/src/main.rs", "fn main() {}\n");
    home.write("work/.env", "a\n");
    home.write("work/.gitignore", "build/\n");
    home.git(&["add", "."]);
    home.git(&["commit", "-q", "-m", "first"]);
    home.git(&["init", "-q", "--bare", "../remote.git"]);
    home.git(&["remote", "add", "origin", "../remote.git"]);
    home.git(&["push", "-q", "origin", "main"]);
    home.write("work/src/main.rs", "fn main() { println!(); }\n");
    home.git(&["commit", "-q", "-a", "-m", "second"]);
    home.git(&["tag", "v0"]);
    home.git(&["switch", "-q", "-c", "feature-x"]);
    home.write("work/feature.txt", "x\n");
    home.git(&["add", "."]);
    home.git(&["commit", "-q", "-m", "the feature"]);
    home.git(&["switch", "-q", "main"]);
    home.write("work/build/out", "built\n");
    home
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
}

/// Everything that a row could change.
struct World {
    home: Home,
    jobs: Option<Standin>,
    /// A job and a schedule that are there already.
    job: String,
    schedule: String,
}

impl World {
    fn of(case: &Case, template: &Home) -> World {
        let home = Home::new();
        copy(&template.path("work"), &home.path("work"));
        copy(&template.path("remote.git"), &home.path("remote.git"));
        for program in ["gh", "npm", "cargo"] {
            home.program(program, &format!("echo {program} \"$@\" >> '{}'", home.text_path("called.log")));
        }
        if let Some(link) = case.setup.as_ref().and_then(|line| line.strip_prefix("symlink ")) {
            let (name, target) = link.split_once(" -> ").unwrap();
            std::os::unix::fs::symlink(target, home.path("work").join(name)).unwrap();
        }
        let mut config = format!("prohibitions = {}\n", toml_list(&case.prohibitions));
        if case.tool.starts_with("mcp:forge/") {
            home.git(&["push", "-q", "origin", "feature-x"]);
            let words = [REMIT, "__standin", "forge", "--stdio", "--allow-delete", "--repo"].map(str::to_owned);
            let rest = [home.text_path("remote.git"), "--state".to_owned(), home.text_path("forge.json")];
            config.push_str(&format!("[mcp.forge]\ncommand = {}\n", toml_list(&[words.as_slice(), &rest].concat())));
        }
        let mut world = World { home, jobs: None, job: String::new(), schedule: String::new() };
        if case.tool == "hf_jobs" {
            let jobs = world.start_jobs();
            config.push_str(&format!("[hf]\nendpoint = \"{}\"\n", jobs.base));
            world.jobs = Some(jobs);
        }
        for name in &case.hf_secrets {
            config.push_str(&format!("[hf.secrets.{name}]\nvalue = \"hf_spends\"\n"));
        }
        config.push_str("[prices]\n");
        for (tool, price) in &case.prices {
            config.push_str(&format!("\"{tool}\" = \"{price}\"\n"));
        }
        world.home.configure(&config);
        world
    }

    fn start_jobs(&mut self) -> Standin {
        let jobs = Standin::start(&[
            "jobs",
            "--token",
            "hf_test",
            "--user",
            "ada",
            "--scheduling-secs",
            "0",
            "--run-secs",
            "30",
            "--speed",
            "1000",
            "--unit",
            "hour",
        ]);
        let spec = json!({"command": ["true"], "arguments": [], "environment": {}, "flavor": "cpu-basic", "dockerImage": "python:3.12"});
        let id = |answer: Value| answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        self.job = id(jobs.http("POST", "/api/jobs/ada", Some(&spec)));
        let schedule = json!({"schedule": "@daily", "suspend": false, "concurrency": false, "jobSpec": spec});
        self.schedule = id(jobs.http("POST", "/api/scheduled-jobs/ada", Some(&schedule)));
        jobs
    }

    /// The row's arguments, with the names of the job and the schedule that are there. The rows declare their servers' tools
    /// without arguments; the forge is stricter, and wants to know the branches of a pull request.
    fn args(&self, case: &Case) -> Value {
        let text = case.args.to_string().replace("\"j1\"", &format!("\"{}\"", self.job));
        let mut args: Value = serde_json::from_str(&text.replace("\"s1\"", &format!("\"{}\"", self.schedule))).unwrap();
        if case.tool == "mcp:forge/create_pull_request" && args.get("head").is_none() {
            args["head"] = json!("feature-x");
            args["base"] = json!("main");
        }
        args
    }

    /// What there is, but for the session's own record.
    fn look(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        for folder in ["work", "remote.git", "home", "config"] {
            all.extend(
                files_below(&self.home.path(folder))
                    .into_iter()
                    .map(|(name, content)| (format!("{folder}/{name}"), content)),
            );
        }
        for file in ["elsewhere.txt", "called.log"] {
            all.extend(fs::read(self.home.path(file)).map(|content| (file.to_owned(), content)));
        }
        let forge: Value = serde_json::from_str(&self.home.read("forge.json")).unwrap_or_default();
        let calls = forge["calls"].as_array().cloned().unwrap_or_default();
        all.insert("the forge's calls".to_owned(), Value::from(calls).to_string().into_bytes());
        if self.jobs.is_some() {
            // What hardware costs and what a token may do is looked up before a call is judged.
            let looks_up =
                |request: &String| ["GET /api/jobs/hardware", "GET /api/whoami-v2"].contains(&request.as_str());
            let asked = self.requests().into_iter().filter(|request| !looks_up(request));
            all.insert("the hub's requests".to_owned(), asked.collect::<Vec<_>>().join("\n").into_bytes());
        }
        all
    }

    fn play(&self, case: &Case) {
        let mut script = Script::new().call(&case.tool, self.args(case));
        if case.args["background"] == true {
            // What runs in the background ends with the session; so the model waits until the push has arrived.
            let pushed = self.home.pipe("pushed");
            self.home.program("post-receive", &format!("echo pushed > '{}'", pushed.display()));
            copy(&self.home.path("bin/post-receive"), &self.home.path("remote.git/hooks/post-receive"));
            script = script.shell("cat ../pushed");
        }
        let model = self.home.script(script.say("That is all."));
        let before = self.look();
        let ended = self.home.run(&model, &["--mode", &case.mode]).env("HF_TOKEN", "hf_test").end();
        let label = format!("{}\n{}{}", case.id, ended.out, ended.err);
        self.check_answer(case, &ended, &label);
        match case.answer() {
            Answer::Run => self.check_effect(case, &ended, &label),
            Answer::Deliver | Answer::NobodyToAsk | Answer::Refuse | Answer::Invalid => {
                let after = self.look();
                let changed: Vec<&String> = after.keys().filter(|key| before.get(*key) != after.get(*key)).collect();
                assert!(changed.is_empty() && before.len() == after.len(), "something happened: {changed:?}; {label}");
            }
        }
        self.home.verify(&ended.id());
    }

    fn check_answer(&self, case: &Case, ended: &Ended, label: &str) {
        assert!(ended.events_of("question").is_empty(), "somebody was asked: {label}");
        let end = ended.event("end");
        assert_eq!((&end["prompts"], &end["status"]), (&json!(0), &json!("done")), "{label}");
        let decisions = ended.events_of("decision");
        let (first, call) = (&decisions[0], &ended.events_of("call")[0]);
        let refused = end["refused"].as_array().unwrap();
        let (outcome, by, status) = match case.answer() {
            Answer::Run => ("run", json!("mode"), 0),
            Answer::Deliver => ("deliver", Value::Null, 0),
            Answer::NobodyToAsk => ("refuse", json!("nobody to ask"), 3),
            Answer::Refuse => ("refuse", json!(case.decided_by.as_deref().unwrap_or("mode")), 0),
            Answer::Invalid => ("invalid", Value::Null, 0),
        };
        assert_eq!((&first["outcome"], &first["decided_by"]), (&json!(outcome), &by), "{label}");
        assert_eq!(ended.code, status, "{label}");
        match case.answer() {
            Answer::NobodyToAsk => {
                assert_eq!(refused.len(), 1, "{label}");
                assert_eq!(
                    (&refused[0]["summary"], &refused[0]["price"]),
                    (&call["summary"], &call["price"]),
                    "{label}"
                );
            }
            _others => assert!(refused.is_empty(), "{label}"),
        }
        if let Some(price) = &case.price {
            let shown = call["price"].as_str().unwrap();
            let wanted = if price.starts_with(char::is_numeric) { format!("${price}") } else { price.clone() };
            assert!(shown.starts_with(&wanted), "{shown} is not {wanted}: {label}");
        }
    }

    fn remote(&self, reference: &str) -> String {
        let asked = self.home.start(&["git", "-C", "../remote.git", "rev-parse", "--verify", "-q", reference]).end();
        asked.out.trim().to_owned()
    }

    /// What the stand-in for the Hub was asked, as `METHOD PATH`.
    fn requests(&self) -> Vec<String> {
        let state = self.jobs.as_ref().expect("there is a hub").state();
        let line = |seen: &Value| format!("{} {}", seen["method"].as_str().unwrap(), seen["path"].as_str().unwrap());
        state["requests"].as_array().unwrap().iter().map(line).collect()
    }

    /// The job that was launched by the row.
    fn launched(&self, label: &str) -> Value {
        let state = self.jobs.as_ref().expect("there is a hub").state();
        let jobs = state["jobs"].as_array().unwrap();
        let mut new = jobs.iter().filter(|job| job["id"] != json!(self.job));
        let found = new.next().unwrap_or_else(|| panic!("nothing was launched: {state} {label}")).clone();
        assert!(new.next().is_none(), "more than one job was launched: {label}");
        found
    }

    /// The last call that the forge had, with how it went.
    fn forged(&self, label: &str) -> (String, String) {
        let forge: Value = serde_json::from_str(&self.home.read("forge.json")).unwrap();
        let calls = forge["calls"].as_array().unwrap();
        assert_eq!(calls.len(), 1, "{forge}: {label}");
        let text = |key: &str| calls[0][key].as_str().unwrap().to_owned();
        (text("tool"), text("outcome"))
    }

    /// Looks at the world, not at what the run says of it. A row that is not here has no test of its effect, which fails.
    fn check_effect(&self, case: &Case, ended: &Ended, label: &str) {
        let results = ended.events_of("result");
        let result = results[0]["text"].as_str().unwrap();
        assert_eq!(results[0]["ok"], json!(true), "{label}");
        let local = |reference: &str| self.home.git(&["rev-parse", reference]);
        let forged = |tool: &str, outcome: &str| {
            assert_eq!(self.forged(label), (tool.to_owned(), outcome.to_owned()), "{label}");
        };
        let spend = &ended.event("end")["spend"]["budget"];
        match case.id.as_str() {
            "yolo-push-feature-branch" => {
                assert_eq!(self.remote("refs/heads/feature-x"), local("feature-x"), "{label}")
            }
            "yolo-push-tags" => assert_eq!(self.remote("refs/tags/v0"), local("v0"), "{label}"),
            "yolo-background-push" => assert_eq!(self.remote("refs/heads/main"), local("main"), "{label}"),
            "yolo-release" => assert_eq!(self.home.read("called.log"), "gh release create v1\n", "{label}"),
            "yolo-publish-chain" => assert_eq!(self.home.read("called.log"), "cargo test\nnpm publish\n", "{label}"),
            "yolo-destructive" => assert!(!self.home.path("work/build").exists(), "{label}"),
            "yolo-write-outside" => assert_eq!(self.home.read("elsewhere.txt"), "x", "{label}"),
            "yolo-mcp-mutation" => {
                forged("create_pull_request", "done");
                assert!(self.home.read("forge.json").contains("\"head_sha\""), "{label}");
            }
            "yolo-mcp-name-holds-a-verb" => forged("list_staged_tags", "done"),
            "yolo-mcp-with-a-price-that-fits" => {
                forged("create_pull_request", "done");
                assert_eq!((&spend["quoted"], &spend["settled"]), (&json!("0.05"), &json!("0.05")), "{label}");
            }
            "agent-mcp-read-only" | "plan-mcp-read-only" => forged("list_pull_requests", "done"),
            "yolo-job-fits" => {
                assert_eq!(self.launched(label)["flavor"], "a10g-small", "{label}");
                assert_eq!(spend["quoted"], "1.00", "{label}");
            }
            "yolo-job-exactly-fits" => {
                assert_eq!(self.launched(label)["flavor"], "h200", "{label}");
                assert_eq!(spend["quoted"], "5.00", "{label}");
            }
            "yolo-scheduled-suspend" => {
                let asked = format!("POST /api/scheduled-jobs/ada/{}/suspend", self.schedule);
                assert!(self.requests().contains(&asked), "{:?} {label}", self.requests());
            }
            "yolo-scheduled-ps" => assert!(result.contains(&self.schedule), "{label}"),
            "yolo-uncapped-scheduled" => {
                assert!(
                    self.requests().last().is_some_and(|last| last.starts_with("POST /api/scheduled-jobs/")),
                    "{label}"
                );
                assert_eq!(spend["unbounded"], 1, "{label}");
            }
            "agent-job-logs" => assert!(self.requests().iter().any(|line| line.contains("/logs")), "{label}"),
            "agent-confined" => assert!(result.contains("second") && result.contains("first"), "{label}"),
            "agent-read" | "agent-search" | "agent-unattended-read" | "plan-read" => {
                assert!(result.contains("fn main"), "{label}");
            }
            other => panic!("nobody has said what the effect of `{other}` is"),
        }
    }
}

fn toml_list(words: &[String]) -> String {
    toml::Value::from(words.to_vec()).to_string()
}
