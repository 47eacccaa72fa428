//! The jobs API, driven by the Hub's official Python client.
//!
//! Not here: getting the client. `REMIT_TEST_PYTHON` names a Python that has it; without it the test is skipped, unless
//! `REMIT_TEST_FULL` asks for all of them.

use crate::started::Started;
use tokio::process::Command;

#[tokio::test]
async fn the_official_client_finds_nothing_amiss() {
    let Some(python) = std::env::var_os("REMIT_TEST_PYTHON") else {
        assert!(
            std::env::var_os("REMIT_TEST_FULL").is_none(),
            "a full run of the tests needs REMIT_TEST_PYTHON to name a Python that has huggingface_hub"
        );
        eprintln!("skipped: REMIT_TEST_PYTHON does not name a Python that has huggingface_hub");
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/official_client.py");
    let token = "hf_standin";
    let jobs = Started::start(&[
        "jobs",
        "--token",
        token,
        "--user",
        "tester",
        "--org",
        "guild",
        "--speed",
        "0",
        "--page",
        "2",
        "--scheduling-secs",
        "4",
        "--run-secs",
        "40",
    ])
    .await;
    let output = Command::new(python).args([script, jobs.base(), token]).output().await.unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
