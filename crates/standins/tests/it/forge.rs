//! The forge, driven by the official SDK's client over both transports, with real git behind it.
//!
//! Not here: what a client makes of the annotations.

use crate::started::{PROGRAM, Started};
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use rmcp::service::RunningService;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceError, ServiceExt};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

type Client = RunningService<RoleClient, ()>;

/// A bare repository with the branches `main`, `feature-x` (one commit ahead) and `same` (none), and a tag.
struct Repository {
    folder: TempDir,
}

impl Repository {
    fn make() -> Repository {
        let repository = Repository { folder: tempfile::tempdir().unwrap() };
        let bare = repository.bare();
        let work = repository.folder.path().join("work");
        let (bare, work) = (bare.to_str().unwrap(), work.to_str().unwrap());
        git(&["init", "-q", "--bare", "-b", "main", bare]);
        git(&["init", "-q", "-b", "main", work]);
        git(&["-C", work, "commit", "-q", "--allow-empty", "-m", "first"]);
        git(&["-C", work, "tag", "v1"]);
        git(&["-C", work, "branch", "same"]);
        git(&["-C", work, "checkout", "-q", "-b", "feature-x"]);
        git(&["-C", work, "commit", "-q", "--allow-empty", "-m", "second"]);
        git(&["-C", work, "push", "-q", "--tags", bare, "main", "same", "feature-x"]);
        repository
    }

    fn bare(&self) -> PathBuf {
        self.folder.path().join("bare.git")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state.json")
    }

    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.state()).unwrap()).unwrap()
    }

    fn args(&self) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        vec!["forge".to_owned(), "--repo".to_owned(), text(&self.bare()), "--state".to_owned(), text(&self.state())]
    }

    async fn over_http(&self, more: &[&str]) -> (Started, Client) {
        let args = self.args();
        let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let started = Started::start(&args).await;
        let transport = StreamableHttpClientTransport::from_uri(started.url("/mcp"));
        (started, ().serve(transport).await.unwrap())
    }

    async fn over_stdio(&self) -> Client {
        let mut command = tokio::process::Command::new(PROGRAM);
        command.args(self.args()).arg("--stdio");
        ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap()
    }
}

fn git(args: &[&str]) {
    let status = std::process::Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

async fn call(client: &Client, tool: &str, arguments: Value) -> CallToolResult {
    let arguments = arguments.as_object().unwrap().clone();
    let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    client.call_tool(request).await.unwrap()
}

/// Calls a tool that must succeed and gives its structured answer.
async fn done(client: &Client, tool: &str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(false), "{result:?}");
    result.structured_content.unwrap()
}

/// Calls a tool that must fail and gives what it says.
async fn refused(client: &Client, tool: &str, arguments: Value) -> String {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(true), "{result:?}");
    result.content[0].as_text().unwrap().text.clone()
}

fn pull(head: &str, base: &str) -> Value {
    json!({"title": "Fix it", "head": head, "base": base})
}

/// What a client is told of each tool's effect.
fn declared(tools: &[Tool]) -> Value {
    tools
        .iter()
        .map(|tool| (tool.name.to_string(), json!(tool.annotations)))
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

async fn opens_a_pull_request(client: &Client, repository: &Repository) {
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(
        declared(&tools),
        json!({
            "list_pull_requests": {"readOnlyHint": true},
            "get_pull_request": {"readOnlyHint": true},
            "list_staged_tags": {"readOnlyHint": true},
            "create_pull_request": null,
            "delete_repo": {"destructiveHint": true},
            "frobnicate": null,
        })
    );
    let made = done(client, "create_pull_request", pull("feature-x", "main")).await;
    assert_eq!(made["number"], 1);
    assert_eq!(made["commits"], 1);
    let listed = done(client, "list_pull_requests", json!({})).await;
    assert_eq!(listed, json!({"pull_requests": [made]}));
    assert_eq!(done(client, "get_pull_request", json!({"number": 1})).await, made);
    let tags = done(client, "list_staged_tags", json!({})).await;
    assert_eq!(tags["tags"][0]["name"], "v1");
    assert_eq!(done(client, "frobnicate", json!({"how": "hard"})).await, json!({"frobnicated": true}));

    let kept = repository.kept();
    assert_eq!(kept["pull_requests"], json!([made]));
    let calls: Vec<&Value> = kept["calls"].as_array().unwrap().iter().map(|call| &call["tool"]).collect();
    assert_eq!(
        calls,
        ["create_pull_request", "list_pull_requests", "get_pull_request", "list_staged_tags", "frobnicate"]
    );
    assert_eq!(kept["calls"][4], json!({"tool": "frobnicate", "arguments": {"how": "hard"}, "outcome": "done"}));
}

#[tokio::test]
async fn a_pull_request_is_opened_over_http_and_found_on_disk() {
    let repository = Repository::make();
    let (started, client) = repository.over_http(&[]).await;
    opens_a_pull_request(&client, &repository).await;
    assert_eq!(started.state().await, repository.kept());
}

#[tokio::test]
async fn a_pull_request_is_opened_over_stdio_and_found_on_disk() {
    let repository = Repository::make();
    let client = repository.over_stdio().await;
    opens_a_pull_request(&client, &repository).await;
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_is_refused_with_the_reason() {
    let repository = Repository::make();
    let (_started, client) = repository.over_http(&[]).await;
    for (arguments, reason) in [
        (pull("absent", "main"), "no branch `absent`, which is the head"),
        (pull("feature-x", "absent"), "no branch `absent`, which is the base"),
        (pull("main", "main"), "both `main`"),
        (pull("same", "main"), "`same` has no commit"),
        (pull("feature-x~1", "main"), "no branch `feature-x~1`"),
        (pull("v1", "main"), "no branch `v1`"),
        (pull("--all", "main"), "no branch `--all`"),
        (pull("feature-x\u{0}", "main"), "no branch"),
        (pull("../tags/v1", "main"), "no branch"),
        (pull("", "main"), "no branch ``"),
        (json!({"title": "x"}), "missing field `head`"),
        (json!({"title": " ", "head": "feature-x", "base": "main"}), "needs a title"),
        (json!({"title": "x", "head": 1, "base": "main"}), "the arguments of `create_pull_request` are wrong"),
        (json!({"title": "x", "head": "feature-x", "base": "main", "draft": true}), "unknown field `draft`"),
    ] {
        let said = refused(&client, "create_pull_request", arguments).await;
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(repository.kept()["pull_requests"], json!([]));
    assert_eq!(repository.kept()["calls"].as_array().unwrap().len(), 14);

    done(&client, "create_pull_request", pull("feature-x", "main")).await;
    let said = refused(&client, "create_pull_request", pull("feature-x", "main")).await;
    assert!(said.contains("pull request 1"), "{said}");
    let said = refused(&client, "get_pull_request", json!({"number": 2})).await;
    assert_eq!(said, "there is no pull request 2");
}

#[tokio::test]
async fn numbers_go_on_after_a_restart() {
    let repository = Repository::make();
    let (started, client) = repository.over_http(&[]).await;
    done(&client, "create_pull_request", pull("feature-x", "main")).await;
    drop(client);
    assert!(started.end().await.success());

    let (_started, client) = repository.over_http(&[]).await;
    let made = done(&client, "create_pull_request", pull("feature-x", "same")).await;
    assert_eq!(made["number"], 2);
    assert_eq!(repository.kept()["calls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_repository_is_deleted_only_where_that_was_allowed() {
    let repository = Repository::make();
    let (started, client) = repository.over_http(&[]).await;
    let said = refused(&client, "delete_repo", json!({})).await;
    assert_eq!(said, "this forge does not delete its repository");
    assert!(repository.bare().join("HEAD").exists());
    assert_eq!(repository.kept()["calls"][0]["outcome"], "failed");
    drop(client);
    started.end().await;

    let (_started, client) = repository.over_http(&["--allow-delete"]).await;
    done(&client, "delete_repo", json!({})).await;
    assert!(!repository.bare().exists());
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol_and_no_call() {
    let repository = Repository::make();
    let (started, client) = repository.over_http(&[]).await;
    let answer = client.call_tool(CallToolRequestParams::new("merge_everything")).await;
    assert!(
        matches!(&answer, Err(ServiceError::McpError(error)) if error.message.contains("merge_everything")),
        "{answer:?}"
    );
    assert_eq!(started.state().await["calls"], json!([]));
}

#[tokio::test]
async fn calls_that_come_at_once_are_each_recorded_once() {
    let repository = Repository::make();
    let (_started, client) = repository.over_http(&[]).await;
    let calls = (0..20).map(|nth| done(&client, "frobnicate", json!({"nth": nth})));
    futures_util::future::join_all(calls).await;
    let mut recorded: Vec<u64> = repository.kept()["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["arguments"]["nth"].as_u64().unwrap())
        .collect();
    recorded.sort_unstable();
    assert_eq!(recorded, (0..20).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_folder_that_is_no_bare_repository_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::make();
    for (path, reason) in [
        (folder.path().to_owned(), "not a git repository"),
        (folder.path().join("absent"), "not a git repository"),
        (repository.folder.path().join("work/.git"), "it is not bare"),
    ] {
        let output = tokio::process::Command::new(PROGRAM)
            .args(["forge", "--repo", path.to_str().unwrap()])
            .output()
            .await
            .unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(reason), "{said}");
        assert!(output.stdout.is_empty(), "it does not say that it listens");
    }
}
