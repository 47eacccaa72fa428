//! `remit init`, `remit config`, `remit mcp` and `remit doctor`, from outside.
//!
//! Not here: what a session makes of the configuration.

use crate::support::{Ended, Home, REMIT};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const FILE: &str = "config/remit/config.toml";

fn as_json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|why| panic!("{why}: {ended:?}"))
}

fn said(home: &Home, words: &[&str]) -> String {
    let ended = home.remit(words).end();
    ended.assert(0);
    ended.out
}

fn mode(home: &Home, inside: &str) -> u32 {
    fs::metadata(home.path(inside)).unwrap().permissions().mode() & 0o777
}

/// A forge on standard input and output, with a real repository behind it.
fn forge(home: &Home) -> Vec<String> {
    home.git(&["init", "--quiet", "--bare", "origin.git"]);
    let repository = home.text_path("work/origin.git");
    [REMIT, "__standin", "forge", "--stdio", "--repo", &repository].map(str::to_owned).to_vec()
}

#[test]
fn a_configuration_is_written_once_for_its_owner_alone() {
    let home = Home::new();
    assert!(said(&home, &["init"]).contains("config.toml"));
    assert_eq!(mode(&home, FILE), 0o600);
    let written = home.read(FILE);
    assert_eq!(said(&home, &["init", "--print"]), written);
    home.configure("model = \"mine/own\"\n");
    let again = home.remit(&["init"]).end();
    again.assert(2);
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(home.read(FILE), "model = \"mine/own\"\n");
    said(&home, &["init", "--force"]);
    assert_eq!((home.read(FILE), mode(&home, FILE)), (written, 0o600));
    said(&home, &["config"]);
}

#[test]
fn the_environment_can_name_the_file() {
    let home = Home::new();
    let named = home.text_path("home/other.toml");
    home.remit(&["init"]).env("REMIT_CONFIG", &named).end().assert(0);
    assert!(home.read("home/other.toml").contains("#yolo.cap"));
    assert!(!home.path(FILE).exists());
    let missing = home.remit(&["config"]).env("REMIT_CONFIG", "/no/such/file").end();
    missing.assert(2);
    assert!(missing.err.contains("REMIT_CONFIG names it"), "{}", missing.err);
}

#[test]
fn each_value_is_shown_with_where_it_comes_from_and_no_secret_is() {
    let home = Home::new();
    home.configure("model = \"a/b\"\n\n[providers.a]\nbase_url = \"http://127.0.0.1:1\"\nkey = \"hush-key\"\n");
    let start = home.remit(&["config", "--json"]).env("HF_TOKEN", "hush-token").env("OPENAI_API_KEY", "hush-openai");
    let ended = start.end();
    ended.assert(0);
    assert!(!ended.out.contains("hush"), "{}", ended.out);
    let shown = as_json(&ended);
    let row = |key: &str| {
        let rows = shown["settings"].as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no `{key}` in {shown:#}")).clone()
    };
    assert_eq!(row("model"), json!({ "key": "model", "value": "\"a/b\"", "source": { "from": "file", "line": 1 } }));
    assert_eq!(row("providers.a.key")["source"], json!({ "from": "file", "line": 5 }));
    assert_eq!(row("providers.a.key")["value"], "set (hidden)");
    assert_eq!(row("yolo.cap")["source"]["from"], "default");
    assert_eq!(row("hf.token")["source"], json!({ "from": "environment", "variable": "HF_TOKEN" }));
    assert_eq!(row("providers.openai.key")["value"], "set (hidden)");
    let text = said(&home, &["config"]);
    assert!(text.lines().any(|line| line.starts_with("model ") && line.ends_with("line 1")), "{text}");
}

#[test]
fn a_configuration_with_a_mistake_names_its_line_in_every_command() {
    let home = Home::new();
    home.configure("model = \"a/b\"\nmodle = \"c/d\"\n");
    for words in [&["config"][..], &["contract"], &["explain", "--", "ls"], &["mcp", "list"], &["mcp", "remove", "x"]] {
        let ended = home.remit(words).end();
        ended.assert(2);
        assert!(ended.err.contains("line 2") && ended.err.contains("modle"), "{ended:?}");
    }
    let doctor = home.remit(&["doctor"]).end();
    doctor.assert(1);
    assert!(doctor.out.starts_with("fail  configuration") && doctor.out.contains("modle"), "{}", doctor.out);
}

#[test]
fn a_server_is_added_listed_tried_and_removed_and_the_rest_of_the_file_stays() {
    let home = Home::new();
    let mine = "# mine\nmodel = \"a/b\" # for now\n\n[shell] # and this\npass = []\n";
    home.configure(mine);
    let forge = forge(&home);
    let words: Vec<&str> = ["mcp", "add", "forge", "--env", "TOKEN=hush-hush", "--"]
        .into_iter()
        .chain(forge.iter().map(String::as_str))
        .collect();
    said(&home, &words);
    assert!(home.read(FILE).starts_with(mine), "{}", home.read(FILE));
    assert_eq!(mode(&home, FILE), 0o600);
    let again = home.remit(&words).end();
    again.assert(2);
    assert!(again.err.contains("there is a server `forge` already"), "{}", again.err);
    let listed = said(&home, &["mcp", "list"]);
    assert!(listed.starts_with("forge ") && !listed.contains("hush"), "{listed}");
    let listed = as_json(&home.remit(&["mcp", "list", "--json"]).end());
    assert_eq!((&listed[0]["name"], &listed[0]["env"]), (&json!("forge"), &json!(["TOKEN"])));
    let tried = said(&home, &["mcp", "test", "forge"]);
    let line = |tool: &str| tried.lines().find(|line| line.contains(tool)).unwrap_or_else(|| panic!("{tried}"));
    let words = |tool: &str| line(tool).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("list_pull_requests"), ["mcp:forge/list_pull_requests", "read", "run", "run", "run"]);
    assert_eq!(words("create_pull_request"), ["mcp:forge/create_pull_request", "change", "refuse", "ask", "run"]);
    let tried = as_json(&home.remit(&["mcp", "test", "forge", "--json"]).end());
    assert_eq!(tried["up"], true);
    assert!(tried["took_ms"].is_u64());
    said(&home, &["mcp", "remove", "forge"]);
    assert_eq!(home.read(FILE), mine);
    home.remit(&["mcp", "remove", "forge"]).end().assert(2);
    home.remit(&["mcp", "test", "forge"]).end().assert(2);
}

#[test]
fn a_service_is_added_with_its_headers_which_are_never_shown() {
    let home = Home::new();
    let url = "https://example.com/mcp?key=hush-query";
    said(
        &home,
        &["mcp", "add", "tickets", "--url", url, "--header", "Authorization=Bearer hush-token", "--timeout-s", "7"],
    );
    assert!(home.read(FILE).contains("hush-token"));
    for words in [&["mcp", "list"][..], &["mcp", "list", "--json"], &["config"], &["config", "--json"]] {
        let shown = said(&home, words);
        assert!(shown.contains("https://example.com/mcp") && !shown.contains("hush"), "{shown}");
    }
}

#[test]
fn a_server_that_could_not_be_reached_later_is_refused_now() {
    let home = Home::new();
    for words in [
        &["bad name", "--", "x"][..],
        &["a"],
        &["a", "--url", "nonsense"],
        &["a", "--url", "https://x.example", "--env", "A=b"],
        &["a", "--url", "https://x.example", "--", "x"],
        &["a", "--header", "A=b", "--", "x"],
        &["a", "--url", "https://x.example", "--header", "Accept=b"],
        &["a", "--env", "novalue", "--", "x"],
    ] {
        let ended = home.remit(&[&["mcp", "add"], words].concat()).end();
        ended.assert(2);
        assert!(!ended.err.is_empty() && !home.path(FILE).exists(), "{ended:?}");
    }
}

#[test]
fn a_server_that_is_down_says_why() {
    let home = Home::new();
    home.configure("[mcp.broken]\ncommand = [\"sh\", \"-c\", \"echo no licence >&2; exit 3\"]\n");
    let ended = home.remit(&["mcp", "test", "broken"]).end();
    ended.assert(1);
    assert!(ended.err.contains("no licence"), "{}", ended.err);
    let ended = home.remit(&["mcp", "test", "broken", "--json"]).end();
    ended.assert(1);
    assert_eq!(as_json(&ended)["up"], false);
}

/// Runs a command below a program with the name of a Remit run, as the agent's own shell would.
fn below_a_run(home: &Home, command: &str) -> Ended {
    let line = format!("printf remit-run > /proc/self/comm; {command}; code=$?; exit $code");
    home.start(&["bash", "-c", &line]).end()
}

#[test]
fn what_changes_authority_is_refused_below_a_run_and_what_looks_is_not() {
    let home = Home::new();
    home.configure("[mcp.a]\ncommand = [\"x\"]\n");
    let before = home.read(FILE);
    let variables: Vec<String> = home.environment().iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    for command in ["init --force", "mcp add b -- x", "mcp remove a"] {
        for way in [String::new(), "setsid -w ".to_owned(), format!("env -i {} ", variables.join(" "))] {
            let ended = below_a_run(&home, &format!("{way}{REMIT} {command}"));
            ended.assert(2);
            assert!(ended.err.contains("only a person may do this"), "{ended:?}");
        }
    }
    assert_eq!(home.read(FILE), before);
    for command in ["init --print", "mcp list", "config", "contract", "explain -- ls"] {
        below_a_run(&home, &format!("{REMIT} {command}")).assert(0);
    }
}

fn checks(ended: &Ended) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = as_json(ended);
    found["checks"].as_array().unwrap().iter().map(|check| (text(&check["check"]), text(&check["health"]))).collect()
}

fn health(ended: &Ended, check: &str) -> String {
    let found = checks(ended).into_iter().find(|(name, _)| name == check);
    found.unwrap_or_else(|| panic!("no `{check}`: {ended:?}")).1
}

#[test]
fn a_fresh_home_is_well_and_checking_it_leaves_nothing() {
    let home = Home::new();
    let ended = home.remit(&["doctor", "--json"]).end();
    ended.assert(0);
    for check in ["configuration", "git", "database", "authority"] {
        assert_eq!(health(&ended, check), "ok", "{check}");
    }
    assert_eq!(health(&ended, "model"), "warn");
    assert_eq!(fs::read_dir(home.path("data")).unwrap().count(), 0);
    let text = home.remit(&["doctor"]).end();
    text.assert(0);
    assert!(text.out.contains("warn  model") && text.out.contains("-> write `model = "), "{}", text.out);
}

#[test]
fn what_would_stop_a_session_fails_with_what_to_do() {
    let home = Home::new();
    let forge = forge(&home);
    home.configure(&format!(
        "model = \"local/x\"\nprohibitions = [\"sell: x\"]\n[yolo]\ncap = \"lots\"\n\
         [providers.local]\nbase_url = \"http://127.0.0.1:9\"\nkey_env = \"NO_SUCH_KEY\"\n\
         [mcp.forge]\ncommand = {forge:?}\n[mcp.broken]\ncommand = [\"false\"]\n"
    ));
    fs::create_dir_all(home.path("data/remit")).unwrap();
    fs::write(home.path("data/remit/sessions.db"), "this is no database, whatever it is called").unwrap();
    fs::set_permissions(home.path("data/remit"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.path(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let ended = home.remit(&["doctor", "--json", "--network"]).env("HF_ENDPOINT", "http://127.0.0.1:9").end();
    ended.assert(1);
    let found = checks(&ended);
    let of = |name: &str| {
        found.iter().filter(|(check, _)| check == name).map(|(_, health)| health.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("configuration"), ["ok", "warn", "fail", "fail"], "{}", ended.out);
    assert_eq!(of("model"), ["fail"]);
    assert_eq!(of("model service"), ["fail"]);
    assert_eq!(of("hub"), ["fail"]);
    assert_eq!(of("mcp"), ["fail", "ok"]);
    assert_eq!(of("database"), ["fail"]);
    assert_eq!(of("folders"), ["warn"]);
    assert!(ended.out.contains("export NO_SUCH_KEY=") && ended.out.contains("chmod 700"), "{}", ended.out);
    assert_eq!(home.read("data/remit/sessions.db"), "this is no database, whatever it is called");
}

#[test]
fn every_command_of_the_configuration_has_examples_in_its_help() {
    let home = Home::new();
    for words in [
        &["contract"][..],
        &["contract", "test"],
        &["explain"],
        &["init"],
        &["config"],
        &["mcp"],
        &["mcp", "add"],
        &["mcp", "list"],
        &["mcp", "test"],
        &["mcp", "remove"],
        &["doctor"],
    ] {
        let help = said(&home, &[words, &["--help"]].concat());
        assert!(help.contains("Examples:\n"), "{help}");
    }
}
