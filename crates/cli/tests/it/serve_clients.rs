//! `remit serve` and programs that others wrote: the examples of docs/server.md by `curl` and `httpx-sse`, a validator of OpenAPI
//! documents, and schemathesis, which makes requests out of the document.
//!
//! Not here: whether what they ask for is right.

use crate::serve::{Served, whole_token};
use crate::support::{Home, Script};
use server::Code;
use std::path::PathBuf;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/server.md"));

/// The Python with the packages from PyPI; without it a test is skipped, unless everything is to be tested.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("REMIT_TEST_PYTHON").map(PathBuf::from);
    if python.is_none() {
        assert!(std::env::var_os("REMIT_TEST_FULL").is_none(), "REMIT_TEST_PYTHON does not say where Python is");
        eprintln!("skipped: REMIT_TEST_PYTHON does not say where Python is; `cargo xtask test` gets it");
    }
    python
}

/// The blocks of code of the page, each with its language.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let fenced = PAGE.split("\n```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').unwrap()).collect()
}

#[test]
fn the_examples_of_the_page_print_what_the_page_says() {
    let Some(python) = python() else { return };
    let home = Home::new();
    let token = whole_token(&home, "alice");
    home.write("work/test.sh", "echo passed\n");
    let served = Served::playing(&home, Script::new().shell("sh test.sh").say("They pass.").say("I go on."));
    // The blocks of a page are one session of a shell.
    let mut shell = String::from("set -eu\n");
    let mut expected = String::new();
    for (number, (language, text)) in blocks().into_iter().enumerate() {
        match language {
            "sh" => shell.push_str(&format!("{text}\n")),
            "python" => {
                home.write(&format!("example-{number}.py"), text);
                shell.push_str(&format!("'{}' ../example-{number}.py\n", python.display()));
            }
            "text" => expected.push_str(&format!("{text}\n")),
            "console" => {}
            other => panic!("nobody runs `{other}`"),
        }
    }
    let ran = home.start(&["bash", "-c", &shell]).env("REMIT", &format!("http://{}", served.address));
    let ran = ran.env("TOKEN", &token).end();
    ran.assert(0);
    assert_eq!(ran.out, expected, "{}", ran.err);
    assert!(home.read("work/spend.json").starts_with('{'), "{}", home.read("work/spend.json"));
}

#[test]
fn the_page_has_every_code_with_its_status() {
    for code in Code::ALL {
        let row = format!("| `{}` | {} | {} |", code.word(), code.status().as_u16(), code.meaning());
        assert!(PAGE.contains(&row), "{row}");
    }
}

#[test]
fn the_document_is_valid_and_schemathesis_finds_no_answer_that_it_does_not_have() {
    let Some(python) = python() else { return };
    let home = Home::new();
    let token = whole_token(&home, "alice");
    let script = Script::new().shell("sh test.sh").say("Hello.");
    home.configure(&format!("model = \"{}\"\n", home.script(script)));
    let served = Served::start(&home, &["--max-sessions", "100000"]);
    let alice = served.client(&token);
    home.write("document.json", &alice.get("/v1/openapi.json").body);
    let beside = |name: &str| python.with_file_name(name).to_str().unwrap().to_owned();
    home.start(&[&beside("openapi-spec-validator"), "../document.json"]).end().assert(0);
    // What is asked of sessions is asked of one that is there, but for the one request that takes it away.
    let id = alice.begin(&serde_json::json!({ "prompt": "go" }));
    let other = alice.begin(&serde_json::json!({}));
    let config = format!(
        "[parameters]\n\"path.id\" = \"{id}\"\n[[operations]]\ninclude-operation-id = \"deleteSession\"\n\
         parameters = {{ \"path.id\" = \"{other}\" }}\n"
    );
    home.write("schemathesis.toml", &config);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                  response_schema_conformance,negative_data_rejection,unsupported_method";
    let ran = home.start(&[
        &beside("st"),
        "--config-file",
        "../schemathesis.toml",
        "run",
        &format!("http://{}/v1/openapi.json", served.address),
        "-H",
        &format!("Authorization: Bearer {token}"),
        "--checks",
        checks,
        "--seed",
        "20260314",
        "--max-examples",
        "4",
        "--max-time",
        "15",
        "--no-shrink",
    ]);
    ran.env("NO_COLOR", "1").end().assert(0);
    assert_eq!(alice.get("/v1/health").status, 200);
}
