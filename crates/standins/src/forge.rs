//! A forge: an MCP server, on the official SDK, with a bare git repository behind it.
//!
//! Not here: any opinion on which of its tools may run. The annotations are what a client sees; nothing else guards.

use crate::StandinError;
use crate::command::serve;
use crate::store::Store;
use axum::routing::get;
use axum::{Json, Router};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService, stdio_pipes};
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::Mutex;

/// The calls that are kept; a client that makes more is told that it has gone too far.
const MAX_CALLS: usize = 10_000;
/// The longest text that a pull request keeps.
const MAX_TEXT: usize = 64 * 1024;

/// How a forge is set up.
#[derive(Debug, Clone)]
pub struct ForgeOptions {
    /// The bare repository; it must exist.
    pub repo: PathBuf,
    /// Where pull requests and calls are kept; `None` keeps them in memory.
    pub state: Option<PathBuf>,
    /// Whether `delete_repo` really deletes the repository's folder.
    pub allow_delete: bool,
}

impl ForgeOptions {
    /// Makes the options of a forge on this bare repository that keeps nothing and deletes nothing.
    pub fn on(repo: PathBuf) -> ForgeOptions {
        ForgeOptions { repo, state: None, allow_delete: false }
    }
}

/// Serves the forge over streamable HTTP at `/mcp` until `stop` completes; `/_standin/state` shows what it keeps.
///
/// # Errors
/// When the repository or the state file cannot be used, or when the server stops by itself.
pub async fn forge(
    listener: TcpListener,
    options: ForgeOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), StandinError> {
    serve(listener, router(options).await?, stop).await
}

/// Opens the forge, and says which path is what.
pub(crate) async fn router(options: ForgeOptions) -> Result<Router, StandinError> {
    let forge = Forge::open(options).await?;
    let book = forge.book.clone();
    let mcp = StreamableHttpService::new(
        move || Ok(forge.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let show = move || {
        let book = book.clone();
        async move { Json(json!(*book.lock().await)) }
    };
    Ok(Router::new().route_service("/mcp", mcp).route("/_standin/state", get(show)))
}

/// Serves the forge over standard input and output until the client closes them.
///
/// # Errors
/// When the repository or the state file cannot be used, or when the protocol does not start.
pub async fn forge_on_stdio(options: ForgeOptions) -> Result<(), StandinError> {
    let forge = Forge::open(options).await?;
    let running = forge.serve(stdio_pipes()).await.map_err(|failure| StandinError::Protocol(failure.to_string()))?;
    running.waiting().await.map_err(|failure| StandinError::Protocol(failure.to_string()))?;
    Ok(())
}

/// What a forge keeps: its pull requests, and every call in the order in which it came.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Book {
    pull_requests: Vec<PullRequest>,
    calls: Vec<Call>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PullRequest {
    number: u64,
    title: String,
    body: String,
    state: String,
    head: String,
    head_sha: String,
    base: String,
    base_sha: String,
    commits: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Call {
    tool: String,
    arguments: Value,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Started,
    Done,
    Failed,
}

/// A tool call, understood.
#[derive(Debug)]
enum Wish {
    ListPullRequests(Wanted),
    GetPullRequest(u64),
    ListStagedTags,
    CreatePullRequest(NewPullRequest),
    DeleteRepo,
    Frobnicate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    #[default]
    Open,
    All,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListArguments {
    #[serde(default)]
    state: Wanted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GetArguments {
    number: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPullRequest {
    title: String,
    head: String,
    base: String,
    #[serde(default)]
    body: String,
}

/// Why a call did not do what it was asked; its text is for the model.
type Refusal = String;

#[derive(Clone)]
struct Forge {
    options: Arc<ForgeOptions>,
    store: Store,
    book: Arc<Mutex<Book>>,
}

impl Forge {
    async fn open(options: ForgeOptions) -> Result<Forge, StandinError> {
        let store = Store::new(options.state.clone());
        let book: Book = store.load()?.unwrap_or_default();
        let bare = git(&options.repo, &["rev-parse", "--is-bare-repository"]).await;
        match bare.as_deref() {
            Ok("true") => {}
            Ok(_) => {
                return Err(StandinError::Repository { path: options.repo, reason: "it is not bare".to_owned() });
            }
            Err(reason) => {
                return Err(StandinError::Repository { path: options.repo, reason: reason.clone() });
            }
        }
        store.save(&book)?;
        Ok(Forge { options: Arc::new(options), store, book: Arc::new(Mutex::new(book)) })
    }

    /// Records the call, does it, and records how it went. Calls are done one at a time, in the order they came.
    async fn answer(&self, tool: &str, arguments: JsonObject) -> Result<Value, Refusal> {
        let mut book = self.book.lock().await;
        if book.calls.len() >= MAX_CALLS {
            return Err(format!("the forge has answered its {MAX_CALLS} calls"));
        }
        book.calls.push(Call { tool: tool.to_owned(), arguments: bounded(&arguments), outcome: Outcome::Started });
        self.save(&book)?;
        let answer = match understand(tool, arguments) {
            Ok(wish) => self.fulfil(wish, &mut book).await,
            Err(refusal) => Err(refusal),
        };
        if let Some(call) = book.calls.last_mut() {
            call.outcome = match answer {
                Ok(_) => Outcome::Done,
                Err(_) => Outcome::Failed,
            };
        }
        self.save(&book)?;
        answer
    }

    fn save(&self, book: &Book) -> Result<(), Refusal> {
        self.store.save(book).map_err(|failure| failure.to_string())
    }

    async fn fulfil(&self, wish: Wish, book: &mut Book) -> Result<Value, Refusal> {
        match wish {
            Wish::ListPullRequests(wanted) => {
                let listed: Vec<&PullRequest> = book
                    .pull_requests
                    .iter()
                    .filter(|pull| match wanted {
                        Wanted::Open => pull.state == "open",
                        Wanted::All => true,
                    })
                    .collect();
                Ok(json!({ "pull_requests": listed }))
            }
            Wish::GetPullRequest(number) => book
                .pull_requests
                .iter()
                .find(|pull| pull.number == number)
                .map(|pull| json!(pull))
                .ok_or_else(|| format!("there is no pull request {number}")),
            Wish::ListStagedTags => self.staged_tags().await,
            Wish::CreatePullRequest(new) => self.create_pull_request(new, book).await,
            Wish::DeleteRepo => self.delete_repo(),
            Wish::Frobnicate => Ok(json!({ "frobnicated": true })),
        }
    }

    async fn staged_tags(&self) -> Result<Value, Refusal> {
        let format = "--format=%(refname:strip=2) %(objectname)";
        let listed = git(&self.options.repo, &["for-each-ref", format, "refs/tags"]).await?;
        let tags: Vec<Value> = listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, object)| json!({ "name": name, "object": object }))
            .collect();
        Ok(json!({ "tags": tags }))
    }

    async fn create_pull_request(&self, new: NewPullRequest, book: &mut Book) -> Result<Value, Refusal> {
        if new.title.trim().is_empty() {
            return Err("a pull request needs a title".to_owned());
        }
        if new.title.len() > MAX_TEXT || new.body.len() > MAX_TEXT {
            return Err(format!("a title or body has at most {MAX_TEXT} bytes"));
        }
        if new.head == new.base {
            return Err(format!("head and base are both `{}`", new.head));
        }
        let head_sha = self.branch("head", &new.head).await?;
        let base_sha = self.branch("base", &new.base).await?;
        let range = format!("{base_sha}..{head_sha}");
        let counted = git(&self.options.repo, &["rev-list", "--count", &range]).await?;
        let commits: u64 = counted.parse().map_err(|_| format!("git counted the commits as `{counted}`"))?;
        if commits == 0 {
            return Err(format!("`{}` has no commit that `{}` does not have", new.head, new.base));
        }
        let same = |pull: &&PullRequest| pull.state == "open" && pull.head == new.head && pull.base == new.base;
        if let Some(open) = book.pull_requests.iter().find(same) {
            return Err(format!(
                "pull request {} from `{}` into `{}` is already open",
                open.number, open.head, open.base
            ));
        }
        let number = book.pull_requests.last().map_or(1, |last| last.number + 1);
        let pull = PullRequest {
            number,
            title: new.title,
            body: new.body,
            state: "open".to_owned(),
            head: new.head,
            head_sha,
            base: new.base,
            base_sha,
            commits,
        };
        let answer = json!(pull);
        book.pull_requests.push(pull);
        Ok(answer)
    }

    /// Finds the commit of a branch. The name is part of a full reference, so it can be neither an option nor an
    /// expression.
    async fn branch(&self, role: &str, name: &str) -> Result<String, Refusal> {
        let reference = format!("refs/heads/{name}");
        git(&self.options.repo, &["show-ref", "--verify", "--hash", "--", &reference])
            .await
            .map_err(|_| format!("the repository has no branch `{name}`, which is the {role}"))
    }

    fn delete_repo(&self) -> Result<Value, Refusal> {
        if !self.options.allow_delete {
            return Err("this forge does not delete its repository".to_owned());
        }
        let repo = &self.options.repo;
        std::fs::remove_dir_all(repo).map_err(|failure| format!("the repository could not be deleted: {failure}"))?;
        Ok(json!({ "deleted": true }))
    }
}

impl ServerHandler for Forge {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("standin-forge", env!("CARGO_PKG_VERSION")))
            .with_instructions("Pull requests and tags of one git repository.")
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !tools().iter().any(|tool| tool.name == request.name) {
            let message = format!("the forge has no tool `{}`", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        let arguments = request.arguments.unwrap_or_default();
        let result = match self.answer(&request.name, arguments).await {
            Ok(value) => CallToolResult::structured(value),
            Err(refusal) => CallToolResult::error(vec![ContentBlock::text(refusal)]),
        };
        Ok(result.into())
    }
}

/// The arguments as they are kept: whole, or their size alone when they are too long.
fn bounded(arguments: &JsonObject) -> Value {
    let whole = Value::Object(arguments.clone());
    match whole.to_string().len() {
        size if size > 2 * MAX_TEXT => json!({ "too_long_to_keep_bytes": size }),
        _ => whole,
    }
}

/// Turns a tool's name and arguments into a wish, or says what is wrong with them.
fn understand(tool: &str, arguments: JsonObject) -> Result<Wish, Refusal> {
    fn read<T: serde::de::DeserializeOwned>(tool: &str, arguments: JsonObject) -> Result<T, Refusal> {
        serde_json::from_value(Value::Object(arguments))
            .map_err(|failure| format!("the arguments of `{tool}` are wrong: {failure}"))
    }
    match tool {
        "list_pull_requests" => read(tool, arguments).map(|list: ListArguments| Wish::ListPullRequests(list.state)),
        "get_pull_request" => read(tool, arguments).map(|get: GetArguments| Wish::GetPullRequest(get.number)),
        "list_staged_tags" => read(tool, arguments).map(|NoArguments {}| Wish::ListStagedTags),
        "create_pull_request" => read(tool, arguments).map(Wish::CreatePullRequest),
        "delete_repo" => read(tool, arguments).map(|NoArguments {}| Wish::DeleteRepo),
        "frobnicate" => Ok(Wish::Frobnicate),
        other => Err(format!("the forge has no tool `{other}`")),
    }
}

/// The tools as they are declared. `create_pull_request` and `frobnicate` declare nothing about their effect.
fn tools() -> Vec<Tool> {
    let read_only = || ToolAnnotations::new().read_only(true);
    vec![
        Tool::new(
            "list_pull_requests",
            "Lists the repository's pull requests.",
            object(json!({ "state": { "type": "string", "enum": ["open", "all"], "default": "open" } }), &[]),
        )
        .with_annotations(read_only()),
        Tool::new(
            "get_pull_request",
            "Shows one pull request.",
            object(json!({ "number": { "type": "integer", "minimum": 1 } }), &["number"]),
        )
        .with_annotations(read_only()),
        Tool::new("list_staged_tags", "Lists the tags of the repository.", object(json!({}), &[]))
            .with_annotations(read_only()),
        Tool::new(
            "create_pull_request",
            "Opens a pull request from one branch into another. Both must have been pushed.",
            object(
                json!({
                    "title": { "type": "string" },
                    "head": { "type": "string", "description": "the branch with the changes" },
                    "base": { "type": "string", "description": "the branch they go into" },
                    "body": { "type": "string" },
                }),
                &["title", "head", "base"],
            ),
        ),
        Tool::new("delete_repo", "Deletes the repository.", object(json!({}), &[]))
            .with_annotations(ToolAnnotations::new().destructive(true)),
        Tool::new("frobnicate", "Frobnicates.", any_object()),
    ]
}

fn object(properties: Value, required: &[&str]) -> JsonObject {
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), properties);
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn any_object() -> JsonObject {
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    schema
}

/// Runs git on the bare repository, with none of the person's configuration, and gives what it printed, trimmed.
async fn git(repo: &Path, arguments: &[&str]) -> Result<String, Refusal> {
    let mut command = Command::new("git");
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let output = command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("LC_ALL", "C")
        .arg("--git-dir")
        .arg(repo)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|failure| format!("git could not be run: {failure}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
