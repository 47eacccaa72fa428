//! `remit contract`, `remit contract test` and `remit explain`, from outside.
//!
//! Not here: the contract itself; its table and its laws are tested in `policy`.

use crate::support::{Ended, Home, REMIT};
use serde_json::{Value, json};
use std::fs;

/// The project's own cases.
const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract-cases.toml");
/// The page that documents the form of such files.
const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/contract.md"));

fn as_json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|why| panic!("{why}: {ended:?}"))
}

/// What `remit explain --json` says with these words; its exit status is 0.
fn explained(home: &Home, words: &[&str]) -> Value {
    let ended = home.remit(&[&["explain", "--json"], words].concat()).end();
    ended.assert(0);
    as_json(&ended)
}

fn verdict(home: &Home, words: &[&str]) -> String {
    explained(home, words)["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn every_row_of_the_projects_cases_is_answered_as_it_says() {
    let home = Home::new();
    let ended = home.remit(&["contract", "test", CASES, "--json"]).end();
    ended.assert(0);
    let rows = fs::read_to_string(CASES).unwrap().lines().filter(|line| *line == "[[case]]").count();
    let said = as_json(&ended);
    assert!(rows > 60);
    assert_eq!((said["cases"].as_u64(), said["differing"].as_u64()), (u64::try_from(rows).ok(), Some(0)));
    assert!(said["results"].as_array().unwrap().iter().all(|result| result["as_expected"] == true));
}

#[test]
fn the_persons_configuration_plays_no_part_in_cases_and_nothing_is_left_behind() {
    let home = Home::new();
    home.configure(
        "prohibitions = [\"shell: git\", \"read: **\", \"mcp:*/*\"]\n[mcp.forge]\ncommand = [\"/no/such/program\"]\n",
    );
    let ended = home.remit(&["contract", "test", CASES]).env("HF_TOKEN", "hf_x").end();
    ended.assert(0);
    assert!(ended.out.ends_with(" as expected, 0 differ\n"), "{}", ended.out);
    assert_eq!(fs::read_dir(home.path("data")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(home.path("work")).unwrap().count(), 0);
}

#[test]
fn the_file_of_cases_in_the_documentation_is_one() {
    let home = Home::new();
    let (_, rest) = PAGE.split_once("```toml\n").unwrap();
    home.write("work/cases.toml", rest.split_once("```").unwrap().0);
    home.remit(&["contract", "test", "cases.toml"]).end().assert(0);
}

const WRONG: &str = r#"
[[case]]
id = "a-push-asks-in-yolo"
mode = "yolo:5"
tool = "shell"
args = { command = "git push" }
expect = "ask"
why = "it does not"

[[case]]
id = "right"
mode = "plan"
tool = "read"
args = { path = "x" }
expect = "run"
price = "free"

[[case]]
id = "wrong-price"
mode = "yolo:5"
tool = "hf_jobs"
args = { operation = "run", flavor = "a10g-small", timeout = "1h", command = ["true"] }
expect = "run"
price = "2.00"

[[case]]
id = "wrong-decider"
mode = "agent"
tool = "write"
args = { path = "x", content = "x" }
expect = "refuse"
attended = false
decided_by = "mode"

[[case]]
id = "no-price-of-what-is-invalid"
mode = "agent"
tool = "nonsense"
expect = "invalid"
price = "free"
"#;

#[test]
fn each_case_that_differs_is_reported_with_what_was_expected_and_what_came() {
    let home = Home::new();
    home.write("work/wrong.toml", WRONG);
    let ended = home.remit(&["contract", "test", "wrong.toml"]).end();
    ended.assert(1);
    for line in [
        "line 2: a-push-asks-in-yolo (shell in yolo:5.00)",
        "  expected  ask",
        "  came      run, price free, decided by mode",
        "  the case  it does not",
        "  expected  run, price 2.00",
        "  came      run, price 1.00, decided by mode",
        "  expected  refuse, decided by mode",
        "  came      refuse, price free, decided by nobody to ask",
        "  expected  invalid, price free",
        "  came      invalid",
        "5 cases: 1 as expected, 4 differ",
    ] {
        assert!(ended.out.lines().any(|found| found == line), "`{line}` in\n{}", ended.out);
    }
    let ended = home.remit(&["contract", "test", "wrong.toml", "--json"]).end();
    ended.assert(1);
    let said = as_json(&ended);
    assert_eq!(said["differing"], 4);
    assert_eq!(
        said["results"][1],
        json!({
            "id": "right", "line": 10, "as_expected": true, "reason": "it only looks at what you put in front of the agent",
            "expected": { "verdict": "run", "price": "free" },
            "came": { "verdict": "run", "price": "free", "decided_by": "mode" },
        })
    );
}

#[test]
fn a_file_that_is_no_file_of_cases_names_the_case_and_the_line() {
    let home = Home::new();
    for (text, says) in [
        (
            WRONG.replace("expect = \"ask\"", "expcet = \"ask\""),
            "line 2: case `a-push-asks-in-yolo`: `expect` is missing",
        ),
        (format!("{WRONG}more = 1\n"), "line 41: case `no-price-of-what-is-invalid`: there is no key `more`"),
        (WRONG.replace("yolo:5", "yolo:five"), "line 4: case `a-push-asks-in-yolo`: `mode`: `five` is no cap"),
        (String::new(), "there is no `[[case]]` in it"),
        (
            "[servers.\"bad name\".tools]\n[[case]]\nid = \"a\"\nmode = \"plan\"\ntool = \"x\"\nexpect = \"invalid\"\n"
                .to_owned(),
            "`bad name` is no name for a server",
        ),
    ] {
        home.write("work/cases.toml", &text);
        let ended = home.remit(&["contract", "test", "cases.toml"]).end();
        ended.assert(2);
        assert!(ended.err.contains(says) && ended.out.is_empty(), "{says}\n{ended:?}");
    }
    let ended = home.remit(&["contract", "test", "nowhere.toml"]).end();
    ended.assert(2);
    assert!(ended.err.contains("`nowhere.toml` cannot be read"), "{ended:?}");
    home.remit(&["contract", "test"]).end().assert(2);
}

#[test]
fn the_contract_is_shown_with_the_persons_cap_and_prohibitions() {
    let home = Home::new();
    home.configure("prohibitions = [\"shell: git push --force\"]\n[yolo]\ncap = \"2.50\"\n");
    let ended = home.remit(&["contract"]).end();
    ended.assert(0);
    assert!(ended.out.contains("YOLO $2.50") && ended.out.contains("  shell: git push --force\n"), "{}", ended.out);
    assert!(ended.out.lines().all(|line| line.chars().count() <= 80));
    let one = home.remit(&["contract", "--mode", "yolo"]).end();
    assert!(one.out.starts_with("YOLO $2.50\n") && !one.out.contains("Agent"), "{}", one.out);
    let said = as_json(&home.remit(&["contract", "--json"]).end());
    assert_eq!(said["modes"].as_array().unwrap().len(), 4);
    assert_eq!(
        said["modes"][0]["columns"][1],
        json!({
            "column": "reaches", "says": "asks", "answers": [{
                "price": "free", "verdict": "ask", "unattended": "refuse", "decided_by": "mode",
                "reason": "it looks beyond the workspace",
            }],
        })
    );
    home.remit(&["contract", "--mode", "yollo"]).end().assert(2);
}

#[test]
fn a_command_is_explained_and_not_run() {
    let home = Home::new();
    let said = explained(&home, &["--mode", "agent", "--", "git", "push"]);
    let expected = json!({
        "verdict": "ask", "effect": "change", "price": "free", "decided_by": "mode", "reason": "it changes something",
    });
    assert_eq!(said, expected);
    assert_eq!(verdict(&home, &["--mode", "yolo:uncapped", "--", "touch", "made"]), "run");
    assert_eq!(verdict(&home, &["--mode", "plan", "--", "touch made"]), "refuse");
    assert_eq!(verdict(&home, &["write", "{\"path\": \"made\", \"content\": \"x\"}"]), "ask");
    assert_eq!(fs::read_dir(home.path("work")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(home.path("data")).unwrap().count(), 0);
}

#[test]
fn words_after_two_dashes_are_one_command_line_quoted_where_needed() {
    let home = Home::new();
    home.configure("prohibitions = [\"shell: rm -rf\"]\n");
    // As a word of `echo` it is no command; as a command line it is.
    assert_eq!(verdict(&home, &["--mode", "yolo:5", "--", "echo", "x; rm -rf y"]), "run");
    assert_eq!(verdict(&home, &["--mode", "yolo:5", "--", "echo x; rm -rf y"]), "refuse");
}

#[test]
fn an_explanation_takes_the_persons_rules_prices_secrets_and_folder() {
    let home = Home::new();
    home.configure(
        "prohibitions = [\"read: **/private/**\"]\n[yolo]\ncap = \"0.50\"\n\
         [hf.secrets.TRACKER]\nvalue = \"hush\"\nspends = false\n",
    );
    let job = |secret: &str| {
        let args = json!({
            "operation": "run", "flavor": "a10g-small", "timeout": "1h", "command": ["true"], "secrets": [secret],
        });
        args.to_string()
    };
    let over = explained(&home, &["--mode", "yolo", "hf_jobs", &job("TRACKER")]);
    assert_eq!((&over["verdict"], &over["price"], &over["decided_by"]), (&json!("ask"), &json!("1.00"), &json!("cap")));
    assert_eq!(verdict(&home, &["--cap", "1", "hf_jobs", &job("TRACKER")]), "run");
    assert_eq!(verdict(&home, &["--cap", "1", "hf_jobs", &job("OTHER")]), "invalid");
    let rule = explained(&home, &["read", "{\"path\": \"../private/x\"}", "-C", &home.text_path("home")]);
    assert_eq!((&rule["verdict"], &rule["decided_by"]), (&json!("ask"), &json!("mode")));
    home.write("work/private/x", "x");
    let rule = explained(&home, &["--mode", "yolo:uncapped", "read", "{\"path\": \"private/x\"}"]);
    assert_eq!(rule["reason"], "your own prohibition `read: **/private/**` forbids it");
    assert_eq!(rule["decided_by"], "prohibition");
}

#[test]
fn an_unknown_price_says_why_it_is_none() {
    let home = Home::new();
    let args = "{\"operation\": \"run\", \"flavor\": \"quantum-x1\", \"command\": [\"true\"]}";
    let said = explained(&home, &["--mode", "yolo:5", "hf_jobs", args]);
    assert_eq!((&said["verdict"], &said["price"]), (&json!("ask"), &json!("unknown")));
    assert!(said["reason"].as_str().unwrap().contains("quantum-x1"), "{said}");
}

#[test]
fn questions_are_delivered_and_nonsense_is_invalid_in_every_mode() {
    let home = Home::new();
    for mode in ["plan", "agent", "yolo:5", "yolo:uncapped"] {
        let question = explained(&home, &["--mode", mode, "request_user_input", "{\"question\": \"which?\"}"]);
        assert_eq!((&question["verdict"], &question["effect"]), (&json!("deliver"), &Value::Null));
        for (tool, args) in
            [("write", "{\"path\": 7}"), ("no_such_tool", "{}"), ("read", "not json"), ("mcp:nobody/x", "{}")]
        {
            let said = explained(&home, &["--mode", mode, tool, args]);
            assert_eq!((&said["verdict"], &said["price"]), (&json!("invalid"), &Value::Null), "{tool}: {said}");
            assert!(!said["reason"].as_str().unwrap().is_empty());
        }
    }
}

#[test]
fn whether_somebody_is_there_can_be_said() {
    let home = Home::new();
    let alone = explained(&home, &["--unattended", "--", "git push"]);
    assert_eq!((&alone["verdict"], &alone["decided_by"]), (&json!("refuse"), &json!("nobody to ask")));
    assert_eq!(verdict(&home, &["--attended", "--", "git push"]), "ask");
    let text = home.remit(&["explain", "--unattended", "--", "git push"]).end();
    text.assert(0);
    assert!(
        text.out.contains("verdict    refuse\n") && text.out.contains("mode       agent, unattended\n"),
        "{}",
        text.out
    );
}

#[test]
fn an_explanation_that_is_not_understood_is_an_error_with_a_hint() {
    let home = Home::new();
    for words in [
        &[][..],
        &["--mode", "yollo", "read"],
        &["--mode", "plan", "--cap", "5", "--", "ls"],
        &["--attended", "--unattended", "--", "ls"],
        &["read", "{}", "--", "ls"],
        &["read", "{}", "-C", "/no/such/folder"],
    ] {
        let ended = home.remit(&[&["explain"], words].concat()).end();
        ended.assert(2);
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{ended:?}");
    }
}

fn with_a_forge(home: &Home) {
    home.git(&["init", "--quiet", "--bare", "origin.git"]);
    home.configure(&format!(
        "[mcp.forge]\ncommand = [{REMIT:?}, \"__standin\", \"forge\", \"--stdio\", \"--repo\", {:?}, \"--state\", {:?}]\n\
         [mcp.broken]\ncommand = [\"false\"]\n[prices]\n\"mcp:forge/create_pull_request\" = \"0.05\"\n",
        home.text_path("work/origin.git"),
        home.text_path("state.json"),
    ));
}

#[test]
fn a_servers_tool_is_explained_by_what_the_server_declares_and_not_called() {
    let home = Home::new();
    with_a_forge(&home);
    let said = explained(&home, &["--mode", "plan", "mcp:forge/list_pull_requests"]);
    assert_eq!((&said["verdict"], &said["effect"]), (&json!("run"), &json!("read")));
    let args = "{\"title\": \"x\", \"head\": \"b\", \"base\": \"main\"}";
    let ended = home.remit(&["explain", "--json", "--mode", "yolo:5", "mcp:forge/create_pull_request", args]).end();
    ended.assert(0);
    assert!(ended.err.contains("asking the MCP server `forge`"), "{}", ended.err);
    let said = as_json(&ended);
    assert_eq!((&said["verdict"], &said["price"]), (&json!("run"), &json!("0.05")), "{said}");
    assert!(!home.read("state.json").contains("\"title\""), "{}", home.read("state.json"));
    let broken = home.remit(&["explain", "mcp:broken/x"]).end();
    broken.assert(1);
    assert!(
        broken.err.contains("server `broken`") && broken.err.contains("hint: `remit mcp test broken`"),
        "{}",
        broken.err
    );
}
