//! `remit demo` from outside: its exit status, and what it did, looked at without asking it.
//!
//! Not here: whether its own check can fail; that is tested beside the check.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const BRANCH: &str = "refs/heads/fix/lost-examples";

/// A person's home with a configuration in it that the demo has no business with.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap() };
        std::fs::write(home.path("config.toml"), "prohibitions = [\"shell: git\", \"read: **\"]\n").unwrap();
        let git = "[commit]\n\tgpgsign = true\n[core]\n\thooksPath = /nowhere\n[user]\n\tname = Somebody Else\n";
        std::fs::write(home.path(".gitconfig"), git).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn remit(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_remit"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("REMIT_CONFIG", self.path("config.toml"));
        command.env("XDG_DATA_HOME", self.path("data")).env("XDG_CONFIG_HOME", self.path("config"));
        command.env("HF_TOKEN", "hf_of_the_person").env("HF_ENDPOINT", "http://127.0.0.1:9");
        command.env("HTTP_PROXY", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
        command.env("GIT_DIR", "/nowhere").env("GIT_AUTHOR_NAME", "Somebody Else");
        command
    }

    /// Plays a demo in a folder that stays.
    fn demo(&self, mode: &str) -> (Output, Kept) {
        let kept = Kept(self.path("kept"));
        let output = self.remit(&["demo", "--json", "--mode", mode, "--keep", "kept"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        (output, kept)
    }

    /// The names of what is in the home.
    fn content(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// The folder that a demo left.
struct Kept(PathBuf);

impl Kept {
    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.0.join(folder)).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The references of the bare remote.
    fn references(&self) -> Vec<String> {
        let listed = self.git("remote.git", &["for-each-ref", "--format=%(refname)"]);
        listed.lines().map(str::to_owned).collect()
    }

    fn state(&self, file: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.0.join(file)).unwrap()).unwrap()
    }

    /// The hardware of every job that was started.
    fn jobs(&self) -> Vec<String> {
        let state = self.state("jobs.json");
        let jobs = state["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["spec"]["flavor"].as_str().unwrap().to_owned()).collect()
    }

    /// When each schedule that was set comes due, and its hardware.
    fn schedules(&self) -> Vec<(String, String)> {
        let state = self.state("jobs.json");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let schedules = state["schedules"].as_array().unwrap().iter();
        schedules.map(|set| (text(&set["schedule"]), text(&set["spec"]["flavor"]))).collect()
    }

    fn pull_requests(&self) -> Vec<Value> {
        self.state("forge.json")["pull_requests"].as_array().unwrap().clone()
    }

    fn tests_pass(&self) -> bool {
        let ran = Command::new("sh").arg("test.sh").current_dir(self.0.join("work")).output().unwrap();
        ran.status.success()
    }

    /// Says that the folder is as it was before the model came.
    fn assert_untouched(&self) {
        assert_eq!(self.references(), ["refs/heads/main"]);
        assert_eq!(self.git("work", &["status", "--porcelain", "--ignored"]), "");
        assert_eq!(self.git("work", &["rev-list", "--count", "--all"]), "1");
        assert!(!self.tests_pass());
        assert_eq!(self.pull_requests(), Vec::<Value>::new());
        assert_eq!(self.jobs(), Vec::<String>::new());
        assert_eq!(self.schedules(), []);
    }
}

/// What the model's words cost, whatever is answered to its calls: 5,654 tokens at $0.28 a million, 40,256 at $0.028 and
/// 902 at $0.42.
const WORDS: &str = "0.003089128";
/// What the cache saves: 40,256 tokens at $0.252 a million.
const SAVED: &str = "0.010144512";

/// An amount in pico-dollars.
fn picos(amount: &Value) -> i64 {
    let (whole, fraction) = amount.as_str().unwrap().split_once('.').unwrap();
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// Looks at one sum of a receipt: what is open and what is settled, by itself; and what was quoted by its parts.
fn assert_sum(receipt: &Value, sum: &str, [jobs, open, settled]: [&str; 3]) {
    let money = &receipt["money"][sum];
    let states = ["held", "open", "settled", "overrun"].map(|state| money[state].as_str().unwrap());
    assert_eq!(states, ["0.00", open, settled, "0.00"]);
    assert_eq!(receipt["paid_calls"]["quoted"], jobs);
    let (words, quoted) = (&receipt["words"], picos(&money["quoted"]));
    assert_eq!(quoted, picos(&receipt["paid_calls"]["quoted"]) + picos(&words["quoted"]));
    assert!(picos(&words["quoted"]) > picos(&words["settled"]), "{words}");
    assert_eq!((&words["settled"], &receipt["money"]["saved"]), (&WORDS.into(), &SAVED.into()));
    assert_eq!((&receipt["money"]["requests"], &receipt["money"]["unpriced"]), (&11.into(), &0.into()));
    let tokens = ["input", "cache_read", "output"].map(|kind| words["tokens"][kind].as_u64().unwrap());
    assert_eq!(tokens, [45_910, 40_256, 902]);
}

/// Says that nothing is in a sum.
fn assert_nothing_in(receipt: &Value, sum: &str) {
    let money = &receipt["money"][sum];
    for state in ["quoted", "held", "open", "settled", "overrun"] {
        assert_eq!(money[state], "0.00", "{sum}, {state}");
    }
    assert_eq!(money["unbounded"], 0);
}

/// The lines of `--json`, and the receipt.
fn lines(output: &Output) -> (Vec<Value>, Value) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let receipt = lines.pop().unwrap();
    assert_eq!(receipt["type"], "demo_receipt");
    assert_eq!(receipt["holds"], true);
    assert_eq!(receipt["prompts"], 0);
    assert!(lines.iter().all(|line| line["type"] != "question"));
    assert!(!text.contains("remit.witness"), "{text}");
    assert_eq!((&lines[0]["type"], &lines.last().unwrap()["type"]), (&"session".into(), &"end".into()));
    (lines, receipt)
}

/// What each refused call is, and its price.
fn summaries(refused: &Value) -> Vec<(&str, &str)> {
    let calls = refused.as_array().unwrap().iter();
    calls.map(|call| (call["summary"].as_str().unwrap(), call["price"].as_str().unwrap())).collect()
}

#[test]
fn in_yolo_all_of_it_happens_but_the_job_past_the_cap() {
    let home = Home::new();
    let (output, kept) = home.demo("yolo:5");
    assert_eq!(kept.references(), [BRANCH, "refs/heads/main"]);
    assert_eq!(kept.git("remote.git", &["rev-list", "--count", &format!("main..{BRANCH}")]), "1");
    assert_eq!(kept.git("remote.git", &["log", "-1", "--format=%an", BRANCH]), "Remit demo");
    assert!(kept.tests_pass());
    let pulls = kept.pull_requests();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0]["head_sha"].as_str(), Some(kept.git("remote.git", &["rev-parse", BRANCH]).as_str()));
    assert_eq!((&pulls[0]["base"], &pulls[0]["state"]), (&"main".into(), &"open".into()));
    assert_eq!(kept.jobs(), ["cpu-upgrade", "a10g-small"]);

    let (_, receipt) = lines(&output);
    let refused = summaries(&receipt["refused"]);
    assert_eq!(refused.len(), 2);
    assert!(refused[0].0.contains("h200") && refused[0].1 == "$10.00", "{refused:?}");
    assert!(refused[1].0.contains("0 3 * * *") && refused[1].1.starts_with("unbounded"), "{refused:?}");
    assert_eq!(kept.schedules(), []);
    // $0.0005 for the job that is over, $0.003089128 for the words.
    assert_sum(&receipt, "budget", ["0.505", "0.50", "0.003589128"]);
    assert_eq!((&receipt["money"]["cap"], &receipt["money"]["left"]), (&"5.00".into(), &"4.496410872".into()));
    assert_eq!(receipt["chip"], "YOLO $4.496410872 of $5.00");
    assert_nothing_in(&receipt, "metered");
    assert_nothing_in(&receipt, "past_cap");
    assert_eq!(receipt["calls"]["run"], 14);
    assert_eq!(receipt["calls"]["held"], 2);
    assert_eq!(receipt["branch"]["commit"], pulls[0]["head_sha"]);
    // Nothing of the person's was used, and nothing of theirs was touched.
    assert_eq!(home.content(), [".gitconfig", "config.toml", "kept"]);
    assert!(!std::fs::read_to_string(kept.0.join("jobs.json")).unwrap().contains("hf_of_the_person"));
}

#[test]
fn in_agent_neither_branch_nor_pull_request_is_there_and_all_that_would_have_asked_is_listed() {
    let home = Home::new();
    let (output, kept) = home.demo("agent");
    kept.assert_untouched();
    let (events, receipt) = lines(&output);
    let refused = summaries(&receipt["refused"]);
    assert_eq!(refused.len(), 10, "{refused:?}");
    let prices: Vec<&str> = refused.iter().map(|(_, price)| *price).filter(|price| *price != "free").collect();
    assert_eq!(prices[..3], ["$0.005", "$0.50", "$10.00"]);
    assert!(prices.len() == 4 && prices[3].starts_with("unbounded"), "{prices:?}");
    assert_sum(&receipt, "metered", ["0.00", "0.00", WORDS]);
    assert_nothing_in(&receipt, "budget");
    assert_eq!(events.last().unwrap()["refused"], receipt["refused"]);
    assert_eq!(receipt["refused_by_mode"], Value::Array(Vec::new()));
}

#[test]
fn in_plan_nothing_is_written() {
    let home = Home::new();
    let (output, kept) = home.demo("plan");
    kept.assert_untouched();
    let (_, receipt) = lines(&output);
    assert_eq!(receipt["refused"], Value::Array(Vec::new()));
    assert_eq!(receipt["refused_by_mode"].as_array().unwrap().len(), 10);
    assert_eq!(receipt["calls"]["run"], 6);
    assert_sum(&receipt, "metered", ["0.00", "0.00", WORDS]);
    assert_nothing_in(&receipt, "budget");
}

#[test]
fn without_a_cap_the_dear_job_and_the_nightly_one_run_too() {
    let home = Home::new();
    let (output, kept) = home.demo("yolo:uncapped");
    assert_eq!(kept.jobs(), ["cpu-upgrade", "a10g-small", "h200"]);
    assert_eq!(kept.schedules(), [("0 3 * * *".to_owned(), "cpu-upgrade".to_owned())]);
    let receipt = lines(&output).1;
    assert_sum(&receipt, "budget", ["10.505", "10.50", "0.003589128"]);
    assert_eq!(receipt["money"]["budget"]["unbounded"], 1);
    assert_eq!(receipt["chip"], "YOLO uncapped + 1 unbounded");
    assert_eq!((&receipt["refused"], &receipt["money"]["left"]), (&Value::Array(Vec::new()), &Value::Null));
}

#[test]
fn under_a_small_cap_only_the_cheap_job_runs() {
    let home = Home::new();
    let (output, kept) = home.demo("yolo:0.4");
    assert_eq!(kept.jobs(), ["cpu-upgrade"]);
    let receipt = lines(&output).1;
    assert_eq!(receipt["refused"].as_array().unwrap().len(), 3);
    assert_sum(&receipt, "budget", ["0.005", "0.00", "0.003589128"]);
    assert_eq!(receipt["money"]["left"], "0.396410872");
}

#[test]
fn a_cap_that_does_not_pay_for_the_models_words_is_refused_before_anything_starts() {
    let home = Home::new();
    for cap in ["0", "0.01", "0.04", "0.51"] {
        let mode = format!("yolo:{cap}");
        let output = home.remit(&["demo", "--mode", &mode, "--keep", "kept"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("does not pay for what the model says"), "{}", said(&output));
    }
    assert_eq!(home.content(), [".gitconfig", "config.toml"]);
}

#[test]
fn a_person_reads_the_contract_first_then_the_session_then_a_receipt_and_the_folder_goes() {
    let home = Home::new();
    let output = home.remit(&["demo"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let order = [
        "Not real: the model's words",
        "The contract",
        "YOLO $5.00",
        "The session",
        "fix/lost-examples",
        "The receipt",
    ];
    let mut rest = text.as_str();
    for part in order {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("`{part}` is missing or out of order in:\n{text}")).1;
    }
    for line in [
        "requests        11 to the model",
        "tokens          45910 in (40256 of them cached), 902 out",
        "they cost       $0.003089128; the cache saved $0.010144512",
        "left            $4.496410872 of $5.00",
    ] {
        assert!(rest.contains(line), "no `{line}` in:\n{rest}");
    }
    assert!(rest.lines().all(|line| line.chars().count() <= 80), "{rest}");
    assert!(rest.contains("prompts shown   0") && rest.ends_with("\nYes, all of it.\n"), "{rest}");
    assert!(!text.contains('\x1b') && !text.contains("DIFFERS"), "{text}");
    assert!(!folder(&text).exists());
    assert_eq!(home.content(), [".gitconfig", "config.toml"]);
    for address in addresses(&text) {
        assert!(TcpStream::connect(&address).is_err(), "{address} is still there");
    }
}

/// The folder that the first page names.
fn folder(text: &str) -> PathBuf {
    let line = text.lines().find_map(|line| line.strip_prefix("folder  ")).unwrap();
    PathBuf::from(line.split_whitespace().next().unwrap())
}

/// Where the stand-ins listened.
fn addresses(text: &str) -> Vec<String> {
    let named = text.lines().filter_map(|line| line.strip_prefix("forge   ").or(line.strip_prefix("jobs    ")));
    let address = |url: &str| url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let addresses: Vec<String> = named.map(address).collect();
    assert_eq!(addresses.len(), 2);
    addresses
}

#[test]
fn a_folder_with_something_in_it_is_not_taken() {
    let home = Home::new();
    let output = home.remit(&["demo", "--keep", "."]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("is not empty"));
    assert_eq!(home.content(), [".gitconfig", "config.toml"]);
}

#[test]
fn a_reader_that_goes_away_does_not_keep_it_from_ending_cleanly() {
    let home = Home::new();
    let mut demo = home.remit(&["demo", "--keep", "kept"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("Remit"), "{first}");
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    assert_eq!(Kept(home.path("kept")).references(), [BRANCH, "refs/heads/main"]);
}

#[test]
fn ctrl_c_leaves_nothing_running_and_no_folder() {
    let home = Home::new();
    let mut demo = home.remit(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(demo.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("\nThe contract") {
        assert_ne!(out.read_line(&mut text).unwrap(), 0, "{text}");
    }
    // A jobs API that says nothing keeps the session from coming to its end by itself.
    let jobs = standin_of(&demo, "jobs");
    signal("STOP", jobs);
    signal("INT", demo.id());
    signal("CONT", jobs);
    out.read_to_string(&mut text).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(130), "{text}");
    assert!(!text.contains("The receipt"), "{text}");
    assert!(!folder(&text).exists());
    for address in addresses(&text) {
        assert!(TcpStream::connect(&address).is_err(), "{address} is still there");
    }
}

fn signal(name: &str, to: u32) {
    assert!(Command::new("kill").args(["-s", name, &to.to_string()]).status().unwrap().success());
}

/// Finds a stand-in among the children of a demo.
fn standin_of(demo: &Child, kind: &str) -> u32 {
    let is_it = |folder: &Path| -> Option<bool> {
        let words = std::fs::read(folder.join("cmdline")).ok()?;
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()?;
        Some(parent == demo.id() && words.contains(&b"__standin".as_slice()) && words.contains(&kind.as_bytes()))
    };
    let folders = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let found = folders
        .filter(|folder| is_it(folder) == Some(true))
        .find_map(|folder| folder.file_name()?.to_str()?.parse().ok());
    found.expect("the demo has started its stand-ins")
}

/// The same script in a session of the person's own: the forge is a server that their configuration starts.
#[test]
fn the_same_script_in_agent_with_nobody_there_ends_with_status_3() {
    let home = Home::new();
    let (_, kept) = home.demo("plan");
    let remit = env!("CARGO_BIN_EXE_remit");
    let forge = kept.0.join("remote.git");
    let config =
        format!("[mcp.forge]\ncommand = [{remit:?}, \"__standin\", \"forge\", \"--stdio\", \"--repo\", {forge:?}]\n");
    std::fs::write(home.path("config.toml"), config).unwrap();
    let script = concat!("script:", env!("CARGO_MANIFEST_DIR"), "/src/commands/demo/script.toml");
    let arguments = ["run", "--mode", "agent", "--model", script, "-C", "kept/work", "mend it"];
    let output = home.remit(&arguments).env_remove("GIT_DIR").output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    for line in ["git push origin fix/lost-examples", "h200", "($10.00)", "0 3 * * *", "nobody is here"] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    kept.assert_untouched();
}
