//! Servers over streamable HTTP: the official SDK's own, in this program, and one that answers as rudely as HTTP allows.
//!
//! Not here: what has nothing to do with the way of transport.

use crate::{FAR, Session, patience};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use gate::Report;
use mcp::{Elicitation, ElicitationAnswer, HttpServer, Next, Patience, ServerConfig, ServerEvent, Transport};
use policy::Price;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequest, ElicitRequestParams,
    ErrorData, InputRequest, InputRequiredResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ProtocolVersion, ServerCapabilities, ServerConfig as Declared, ServerRequest, SubscriptionFilter, Tool,
    ToolAnnotations,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server on the official SDK.
#[derive(Clone)]
struct Polite {
    versions: &'static [ProtocolVersion],
    flipped: watch::Sender<bool>,
    cancelled: watch::Sender<bool>,
}

impl Polite {
    fn new(versions: &'static [ProtocolVersion]) -> Polite {
        Polite { versions, flipped: watch::Sender::new(false), cancelled: watch::Sender::new(false) }
    }
}

/// The revision without the older handshake, alone.
const MODERN: &[ProtocolVersion] = &[ProtocolVersion::V_2026_07_28];

fn said(words: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(words)]).into()
}

fn question() -> ElicitRequest {
    let params = json!({ "mode": "form", "message": "Which branch?", "requestedSchema": {
        "type": "object", "properties": { "branch": { "type": "string" } },
    } });
    ElicitRequest::new(serde_json::from_value::<ElicitRequestParams>(params).unwrap())
}

impl ServerHandler for Polite {
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(self.versions)
    }

    fn get_info(&self) -> Declared {
        Declared::new(ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object" }).as_object().unwrap().clone();
        let tool = |name: &'static str| Tool::new(name, name, schema.clone());
        let mut tools: Vec<Tool> = ["progress", "ask", "hang", "flip"].into_iter().map(tool).collect();
        tools.push(tool("echo").with_annotations(ToolAnnotations::new().read_only(true)));
        if *self.flipped.borrow() {
            tools.push(tool("new"));
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = call.arguments.clone().unwrap_or_default();
        match call.name.as_ref() {
            "echo" | "new" => Ok(said(arguments.get("text").and_then(Value::as_str).unwrap_or_default())),
            "progress" => {
                let token = context.meta.get_progress_token().expect("every call has a token");
                for step in 1..=3 {
                    let note = ProgressNotificationParam::new(token.clone(), f64::from(step)).with_total(3.0);
                    context.peer.notify_progress(note).await.expect("the client listens");
                }
                Ok(said("done"))
            }
            "ask" if self.versions == MODERN => Ok(match call.input_responses {
                Some(answers) => said(json!(answers["q"]).to_string()),
                None => {
                    let question = [("q".to_owned(), InputRequest::Elicitation(question()))];
                    InputRequiredResult::from_input_requests(question.into()).into()
                }
            }),
            "ask" => {
                let answer = context.peer.send_request(ServerRequest::ElicitRequest(question())).await;
                Ok(said(serde_json::to_string(&answer.expect("the client answers")).unwrap()))
            }
            "hang" => {
                context.ct.cancelled().await;
                self.cancelled.send_replace(true);
                Ok(said("too late"))
            }
            "flip" => {
                self.flipped.send_replace(true);
                if self.versions != MODERN {
                    context.peer.notify_tool_list_changed().await.expect("the client listens");
                }
                Ok(said("flipped"))
            }
            _ => Err(ErrorData::invalid_params("there is no such tool", None)),
        }
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut flipped = self.flipped.subscribe();
        while flipped.changed().await.is_ok() {
            if context.sink().notify_tool_list_changed().await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// A place on the network that goes when the test does.
struct Place {
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Place {
    async fn open(router: Router) -> Place {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Place { address, serving: tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }) }
    }

    async fn close(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }

    fn config(&self, path: &str, headers: &[(&str, &str)]) -> ServerConfig {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server = HttpServer::new(&format!("http://{}{path}", self.address), &headers).unwrap();
        let patience = Patience { restarts: 1, ..patience() };
        ServerConfig { name: "h".parse().unwrap(), transport: Transport::Http(server), patience }
    }
}

/// The headers of each request that came.
type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// Serves the polite server at `/mcp`; its sessions can be forgotten.
async fn polite(server: Polite) -> (Place, Arc<LocalSessionManager>, Seen) {
    let (sessions, seen) = (Arc::new(LocalSessionManager::default()), Seen::default());
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), sessions.clone(), StreamableHttpServerConfig::default());
    let heard = seen.clone();
    let watched = any(move |request: Request<Body>| async move {
        heard.lock().unwrap().push(request.headers().clone());
        service.handle(request).await
    });
    (Place::open(Router::new().route("/mcp", watched)).await, sessions, seen)
}

#[tokio::test]
async fn a_service_is_spoken_to_with_its_headers_and_its_calls_run() {
    let (place, _sessions, seen) = polite(Polite::new(ProtocolVersion::KNOWN_VERSIONS)).await;
    let config = place.config("/mcp", &[("Authorization", "Bearer hush-hush"), ("X-Team", "blue")]);
    let mut session = Session::with(vec![config]).await;
    assert_eq!(session.says("mcp:h/echo", json!({ "text": "over HTTP" })).await, "over HTTP");
    assert_eq!(session.says("mcp:h/progress", json!({})).await, "done");
    let mut told = Vec::new();
    while let Ok(line) = session.lines.try_recv() {
        told.push(line);
    }
    assert_eq!(told, ["1/3\n", "2/3\n", "3/3\n"]);
    session.servers.stop().await;
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|headers| headers["authorization"] == "Bearer hush-hush" && headers["x-team"] == "blue"));
    assert!(seen.len() > 4, "{}", seen.len());
    place.serving.abort();
}

#[tokio::test]
async fn a_service_asks_tells_of_changes_and_hears_of_a_stop_in_either_protocol() {
    for versions in [ProtocolVersion::KNOWN_VERSIONS, MODERN] {
        let server = Polite::new(versions);
        let mut cancelled = server.cancelled.subscribe();
        let (place, _sessions, _seen) = polite(server).await;
        let mut session = Session::with(vec![place.config("/mcp", &[])]).await;

        let call = session.parse("mcp:h/ask", json!({}));
        let (id, running) = session.start(call).await;
        let question = session.event_that(elicitation).await;
        let content = json!({ "branch": "main" }).as_object().unwrap().clone();
        question.answer(ElicitationAnswer::Accept(content));
        let ended = running.await.unwrap();
        let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
        assert_eq!(report, Report::Done(r#"{"action":"accept","content":{"branch":"main"}}"#.to_owned()));

        session.says("mcp:h/flip", json!({})).await;
        session.event_that(|event| matches!(event, ServerEvent::ToolsChanged { .. }).then_some(())).await;
        assert_eq!(session.says("mcp:h/new", json!({ "text": "there" })).await, "there");

        let call = session.parse("mcp:h/hang", json!({}));
        let (id, running) = session.start(call).await;
        session.says("mcp:h/echo", json!({ "text": "" })).await;
        session.scene.stop.cancel();
        let ended = tokio::time::timeout(FAR, running).await.unwrap().unwrap();
        let report = session.gate.close(&id, ended, |_| Ok(Vec::new())).await.unwrap();
        assert!(report.text().starts_with("stopped: the server was told to cancel"), "{report:?}");
        tokio::time::timeout(FAR, cancelled.wait_for(|heard| *heard)).await.expect("it heard").unwrap();
        session.servers.stop().await;
        place.close().await;
    }
}

fn elicitation(event: ServerEvent) -> Option<Elicitation> {
    match event {
        ServerEvent::Elicitation(question) => Some(question),
        _ => None,
    }
}

#[tokio::test]
async fn a_session_that_the_service_has_forgotten_is_begun_again() {
    let (place, sessions, seen) = polite(Polite::new(ProtocolVersion::KNOWN_VERSIONS)).await;
    let mut session = Session::with(vec![place.config("/mcp", &[])]).await;
    assert_eq!(session.says("mcp:h/echo", json!({ "text": "before" })).await, "before");
    sessions.sessions.write().await.clear();
    assert_eq!(session.says("mcp:h/echo", json!({ "text": "after" })).await, "after");
    session.servers.stop().await;
    let ids: std::collections::BTreeSet<String> = seen
        .lock()
        .unwrap()
        .iter()
        .filter_map(|headers| Some(headers.get("mcp-session-id")?.to_str().unwrap().to_owned()))
        .collect();
    assert_eq!(ids.len(), 2);
    place.close().await;
}

/// A service that answers a call of each of its tools in another way.
async fn rude_http() -> Place {
    async fn answer(request: Request<Body>) -> Response {
        let body = to_bytes(request.into_body(), 1_000_000).await.unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let id = message["id"].clone();
        let reply = |result: Value| axum::Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response();
        match (message["method"].as_str(), message["params"]["name"].as_str()) {
            (Some("initialize"), _) => reply(json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "rude", "version": "1" },
            })),
            (Some("tools/list"), _) => {
                let names = ["cut", "broken", "busy", "denied", "html", "echo"];
                let tools = names.map(|name| json!({ "name": name, "inputSchema": {} }));
                reply(json!({ "tools": tools }))
            }
            (Some("tools/call"), Some("cut")) => {
                let stream = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\
                              \"params\":{\"level\":\"info\",\"data\":\"working\"}}\n\n";
                ([(header::CONTENT_TYPE, "text/event-stream")], stream).into_response()
            }
            (Some("tools/call"), Some("broken")) => StatusCode::BAD_GATEWAY.into_response(),
            (Some("tools/call"), Some("busy")) => StatusCode::TOO_MANY_REQUESTS.into_response(),
            (Some("tools/call"), Some("denied")) => {
                (StatusCode::FORBIDDEN, "no entry for Bearer hush-hush").into_response()
            }
            (Some("tools/call"), Some("html")) => {
                ([(header::CONTENT_TYPE, "text/html")], "<h1>welcome</h1>").into_response()
            }
            (Some("tools/call"), _) => reply(json!({ "content": [{ "type": "text", "text": "fine" }] })),
            _ => StatusCode::ACCEPTED.into_response(),
        }
    }
    Place::open(Router::new().route("/mcp", post(answer))).await
}

#[tokio::test]
async fn what_http_does_to_a_call_decides_what_becomes_of_its_money() {
    let place = rude_http().await;
    let config = place.config("/mcp?key=hush-query", &[("Authorization", "Bearer hush-hush")]);
    let mut session = Session::with(vec![config]).await;
    let unknown = "; it is not run again by itself";
    for (tool, says, held) in [
        ("cut", format!("unknown: the connection closed while this ran{unknown}"), "1"),
        ("broken", format!("unknown: it answered HTTP 502{unknown}"), "2"),
        ("busy", "server `h`: it answered HTTP 429: too many requests; nothing was done".to_owned(), "2"),
        (
            "denied",
            "server `h`: it answered HTTP 403 Forbidden: no entry for [hidden]; nothing was done".to_owned(),
            "2",
        ),
        ("html", format!("unknown: Unexpected content type: Some(\"text/html\"){unknown}"), "3"),
    ] {
        let price = Price::AtMost("1".parse().unwrap());
        let call = session.servers.parse(&format!("mcp:h/{tool}"), json!({}), |_| Some(price)).unwrap();
        assert_eq!(session.run(call).await, Report::Failed(says), "{tool}");
        assert_eq!(session.gate.state().book.funds().held, held.parse().unwrap(), "{tool}");
    }
    assert_eq!(session.says("mcp:h/echo", json!({})).await, "fine");
    place.close().await;
    let report = session.call("mcp:h/echo", json!({})).await;
    let Report::Failed(text) = report else { panic!("{report:?}") };
    assert!(text.starts_with("server `h`: it cannot be reached: "), "{text}");
    assert!(text.ends_with("; nothing was done") && !text.contains("hush"), "{text}");
    session.servers.stop().await;
}

async fn died(session: &mut Session) -> (String, Next) {
    session
        .event_that(|event| match event {
            ServerEvent::Died { why, next, .. } => Some((why, next)),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_redirect_is_followed_within_the_service_and_never_to_another() {
    let (elsewhere, _sessions, seen_elsewhere) = polite(Polite::new(ProtocolVersion::KNOWN_VERSIONS)).await;
    let (sessions, server) = (Arc::new(LocalSessionManager::default()), Polite::new(ProtocolVersion::KNOWN_VERSIONS));
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), sessions, StreamableHttpServerConfig::default());
    let to = format!("http://{}/mcp", elsewhere.address);
    let redirect = |to: String| {
        any(|State(to): State<String>| async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]) })
            .with_state(to)
    };
    let router = Router::new()
        .route("/mcp", any(move |request: Request<Body>| async move { service.handle(request).await }))
        .route("/old", redirect("/mcp".to_owned()))
        .route("/away", redirect(to));
    let place = Place::open(router).await;
    let mut session = Session::with(vec![place.config("/old", &[])]).await;
    assert_eq!(session.says("mcp:h/echo", json!({ "text": "moved" })).await, "moved");
    session.servers.stop().await;
    let mut session = Session::with(vec![place.config("/away", &[("X-Key", "hush-hush")])]).await;
    let (why, _) = died(&mut session).await;
    assert!(why.starts_with("it answered HTTP 307 Temporary Redirect"), "{why}");
    session.servers.stop().await;
    assert_eq!(seen_elsewhere.lock().unwrap().len(), 0);
    place.close().await;
    elsewhere.close().await;
}

#[tokio::test]
async fn a_service_that_wants_other_credentials_is_not_tried_again_and_no_secret_is_told() {
    let router = Router::new().route(
        "/mcp",
        any(|| async { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer realm=\"hush-hush\"")]) }),
    );
    let place = Place::open(router).await;
    let config = place.config("/mcp", &[("Authorization", "Bearer hush-hush")]);
    let mut session = Session::with(vec![config]).await;
    let (why, next) = died(&mut session).await;
    assert_eq!((why.as_str(), next), ("it answered HTTP 401: it wants authorization", Next::GivenUp));
    session.servers.stop().await;
    place.close().await;
}

#[tokio::test]
async fn a_service_that_is_not_there_is_tried_again_and_then_given_up() {
    let place = Place::open(Router::new()).await;
    let config = place.config("/mcp", &[]);
    let nothing_there = place.config("/mcp", &[]);
    let mut session = Session::with(vec![nothing_there]).await;
    let (why, _) = died(&mut session).await;
    assert!(why.starts_with("it answered HTTP 404 Not Found"), "{why}");
    session.servers.stop().await;
    place.close().await;
    let mut session = Session::with(vec![config]).await;
    let (why, next) = died(&mut session).await;
    assert!(why.starts_with("it cannot be reached: Connection refused"), "{why}");
    assert_eq!(next, Next::Restart { attempt: 1, of: 1 });
    assert_eq!(died(&mut session).await.1, Next::GivenUp);
    session.servers.stop().await;
}
