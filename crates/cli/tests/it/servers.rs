//! `remit run` with MCP servers: two that others wrote, from the npm registry, and one that misbehaves.
//!
//! Not here: the client's own tests (that is `mcp`).

use crate::support::{Home, Script};
use serde_json::json;
use std::path::PathBuf;

/// The folder of the packages from npm; without it the test is skipped, unless everything is to be tested.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("REMIT_TEST_NPM").map(PathBuf::from);
    if folder.is_none() {
        assert!(std::env::var_os("REMIT_TEST_FULL").is_none(), "REMIT_TEST_NPM does not say where the packages are");
        eprintln!("skipped: REMIT_TEST_NPM does not say where the packages are; `cargo xtask test` gets them");
    }
    folder
}

fn with_servers(packages: &std::path::Path) -> Home {
    let home = Home::new();
    let entry = |name: &str| {
        let package = packages.join("@modelcontextprotocol").join(name);
        package.join("dist/index.js").to_str().unwrap().to_owned()
    };
    home.configure(&format!(
        "[mcp.everything]\ncommand = [\"node\", \"{}\"]\n[mcp.files]\ncommand = [\"node\", \"{}\", \"{}\"]\n",
        entry("server-everything"),
        entry("server-filesystem"),
        home.text_path("work")
    ));
    home
}

#[test]
fn two_servers_that_others_wrote_work_as_the_mode_says() {
    let Some(packages) = packages() else { return };
    let home = with_servers(&packages);
    let file = home.text_path("work/a.txt");
    let script = || {
        Script::new()
            .call("mcp:everything/echo", json!({"message": "hello over there"}))
            .call("mcp:files/write_file", json!({"path": file, "content": "written by a server"}))
            .call("mcp:files/list_directory", json!({"path": home.text_path("work")}))
            .say("Done.")
    };
    let agent = home.run(&home.script(script()), &["--mode", "agent"]).end();
    assert!(!home.path("work/a.txt").exists(), "{}", agent.out);
    agent.assert(3);
    let decided = |ended: &crate::support::Ended| {
        ended
            .events_of("decision")
            .iter()
            .map(|event| event["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(decided(&agent)[1], "refuse", "{}", agent.out);

    let yolo = home.run(&home.script(script()), &["--mode", "yolo:5"]).end();
    yolo.assert(0);
    assert_eq!(decided(&yolo), ["run", "run", "run"]);
    assert!(yolo.events_of("question").is_empty() && yolo.event("end")["prompts"] == json!(0));
    let results = yolo.events_of("result");
    let text = |at: usize| results[at]["text"].as_str().unwrap().to_owned();
    assert!(results.iter().all(|result| result["ok"] == json!(true)), "{}", yolo.out);
    assert!(text(0).contains("hello over there") && text(2).contains("a.txt"), "{}", yolo.out);
    assert_eq!(home.read("work/a.txt"), "written by a server");
}

#[test]
fn a_server_that_is_not_there_is_said_and_the_run_goes_on() {
    let home = Home::new();
    home.configure("[mcp.gone]\ncommand = [\"/no/such/program\"]\n[mcp.rude]\ncommand = [\"sh\", \"-c\", \"echo rubbish; exit 1\"]\n");
    let script = Script::new().call("mcp:gone/anything", json!({})).say("Done.");
    let ended = home.run(&home.script(script), &["--mode", "yolo:5"]).end();
    ended.assert(0);
    assert_eq!(ended.event("decision")["outcome"], "invalid", "{}", ended.out);
    let notices: Vec<String> = ended.events_of("notice").iter().map(|event| event["text"].to_string()).collect();
    assert!(
        notices.iter().any(|text| text.contains("`gone`")) && notices.iter().any(|text| text.contains("`rude`")),
        "{notices:?}"
    );
}
