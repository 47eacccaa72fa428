//! The client against a real server on loopback: streams, failures, limits, and what must never be seen.
//!
//! Not here: what the bytes of each dialect mean in detail; the tests beside the decoders have that.

#![allow(clippy::disallowed_methods, reason = "tests listen, write a certificate, and start themselves again")]

mod server;

use std::time::Duration;

use model::{Caps, Client, Completion, Dialect, Endpoint, Heard, Lost, Model, ModelError, Secret, Spent, Stop};
use server::{Act, Event, Server, chunk, head, last_chunk, response, stream_head};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use turn::chat::{Message, Prompt, ToolSpec, Usage};

const KEY: &str = "sk-do-not-show-this-key";

fn prompt() -> Prompt {
    let tool = ToolSpec {
        name: "mcp:forge/create".into(),
        description: "creates".into(),
        parameters: serde_json::json!({"type": "object", "properties": {}}),
    };
    Prompt {
        system: "be brief".into(),
        tools: vec![tool],
        messages: vec![Message::User { text: "go".into() }],
        max_output_tokens: Some(64),
    }
}

fn endpoint(dialect: Dialect, base: &str) -> Endpoint {
    let mut endpoint = Endpoint::new(dialect, base, "test-model").unwrap();
    endpoint.key = Some(Secret::new(KEY));
    endpoint.headers.push(("x-team".into(), Secret::new("team-secret-value")));
    endpoint.retry.first_wait = Duration::from_millis(1);
    endpoint
}

fn chat(server: &Server) -> Endpoint {
    endpoint(Dialect::ChatCompletions, &server.base)
}

/// What came of asking a model until it answered, or until asking again was not worth it.
struct Asked {
    answer: Result<Completion, Lost>,
    heard: Vec<Heard>,
    /// The attempts that others followed.
    before: Vec<Lost>,
}

impl Asked {
    fn why(self) -> ModelError {
        *self.answer.unwrap_err().why
    }

    fn waits(&self) -> Vec<Duration> {
        self.before.iter().filter_map(|lost| lost.wait).collect()
    }
}

async fn ask(endpoint: Endpoint) -> Asked {
    let model = Model::Remote(Box::new(Client::new(endpoint)));
    let (mut heard, mut before) = (Vec::new(), Vec::new());
    let answer = loop {
        let number = u32::try_from(before.len()).unwrap() + 1;
        match model.attempt(&prompt(), number, &mut |event| heard.push(event)).await {
            Err(lost) if lost.wait.is_some() => before.push(lost),
            last => break last,
        }
    };
    let words = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
    for shown in [format!("{answer:?} {before:?} {heard:?} {model:?}"), words] {
        assert!(!shown.contains(KEY) && !shown.contains("team-secret-value"), "{shown}");
    }
    Asked { answer, heard, before }
}

/// A whole stream of chat completions that says one text.
fn saying(text: &str) -> Vec<Act> {
    let body = format!(
        "data: {{\"id\":\"c1\",\"model\":\"served-model\",\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n\
         data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":2}}}}\n\ndata: [DONE]\n\n"
    );
    // In one piece, so that the end of the stream is there as soon as the end of the answer.
    let acts = [stream_head(), chunk(body.as_bytes()), last_chunk()];
    let bytes = acts.into_iter().flat_map(|act| if let Act::Send(bytes) = act { bytes } else { Vec::new() });
    vec![Act::Send(bytes.collect())]
}

fn texts(heard: &[Heard]) -> Vec<&str> {
    heard.iter().filter_map(|heard| if let Heard::Text(text) = heard { Some(text.as_str()) } else { None }).collect()
}

#[tokio::test]
async fn an_answer_is_streamed_and_the_connection_is_used_again() {
    let mut server = Server::start(vec![saying("hello"), saying("again")]).await;
    let model = Model::Remote(Box::new(Client::new(chat(&server))));
    for text in ["hello", "again"] {
        let mut heard = Vec::new();
        let answer = model.attempt(&prompt(), 1, &mut |event| heard.push(event)).await.unwrap();
        assert_eq!(heard, [Heard::Text(text.into())]);
        assert_eq!(answer.reply.text, text);
        assert_eq!((answer.stop, answer.model.as_str()), (Stop::End, "served-model"));
        assert_eq!(answer.usage, Some(Usage { input: 5, output: 2, ..Usage::default() }));
        assert_eq!(answer.request_id.as_deref(), Some("req-7"));
    }
    assert_eq!(server.connections(), 1);
    let request = server.request(0);
    assert!(request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains(&format!("authorization: Bearer {KEY}")), "{}", request.head);
    assert!(request.head.contains("x-team: team-secret-value"), "{}", request.head);
    assert_eq!(request.body, server.request(1).body);
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["stream"], &body["max_tokens"]), (&true.into(), &64.into()));
}

#[tokio::test]
async fn each_dialect_is_spoken_to_the_end() {
    let anthropic = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"mcp__forge__create","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}

event: message_stop
data: {"type":"message_stop"}

"#;
    let responses = r#"data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"t1","name":"mcp__forge__create"}}

data: {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"t1","name":"mcp__forge__create","arguments":"{}"}}

data: {"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":3,"output_tokens":4}}}

"#;
    for (dialect, path, key, transcript) in [
        (Dialect::Anthropic, "/v1/messages", format!("x-api-key: {KEY}"), anthropic),
        (Dialect::Responses, "/v1/responses", format!("authorization: Bearer {KEY}"), responses),
    ] {
        // Byte by byte, as a slow network would.
        let mut play = vec![stream_head()];
        play.extend(transcript.as_bytes().chunks(1).map(chunk));
        play.push(last_chunk());
        let server = Server::start(vec![play]).await;
        let Asked { answer, heard, .. } = ask(endpoint(dialect, &server.base)).await;
        let answer = answer.unwrap();
        assert_eq!(heard, [Heard::Calling { name: "mcp:forge/create".into() }]);
        assert_eq!(answer.stop, Stop::ToolCalls);
        let call = &answer.reply.calls[0];
        assert_eq!((&*call.id, &*call.name, &*call.arguments), ("t1", "mcp:forge/create", "{}"));
        assert_eq!(answer.usage, Some(Usage { input: 3, output: 4, ..Usage::default() }));
        let request = server.request(0);
        assert!(request.head.starts_with(&format!("POST {path} ")), "{}", request.head);
        assert!(request.head.contains(&key), "{}", request.head);
        assert_eq!(request.head.contains("anthropic-version: 2023-06-01"), dialect == Dialect::Anthropic);
    }
}

#[tokio::test]
async fn a_busy_service_is_asked_again_when_it_wants_to_be_and_that_is_shown() {
    let busy = r#"{"error":{"message":"slow down, please"}}"#;
    let server = Server::start(vec![
        response("429 Too Many Requests", "retry-after-ms: 3", busy),
        response("503 Service Unavailable", "retry-after: 0", "upstream is away"),
        saying("hello"),
    ])
    .await;
    let asked = ask(chat(&server)).await;
    assert_eq!(asked.waits(), [Duration::from_millis(3), Duration::ZERO]);
    let host = server.base.trim_start_matches("http://").trim_end_matches("/v1");
    let said: Vec<String> = asked.before.iter().map(ToString::to_string).collect();
    assert_eq!(said[0], format!("too many requests: `{host}` answered 429: slow down, please"));
    assert!(said[1].contains("answered 503: upstream is away"), "{said:?}");
    assert!(asked.before.iter().all(|lost| lost.spent == Spent::Nothing), "a refusal costs nothing");
    assert_eq!(asked.answer.unwrap().reply.text, "hello");
    assert_eq!(asked.heard, [Heard::Text("hello".into())]);
}

#[tokio::test]
async fn a_wait_that_is_too_long_and_a_service_that_wants_no_retry_are_errors() {
    let server = Server::start(vec![
        response("429 Too Many Requests", "retry-after: 4000", ""),
        response("503 Service Unavailable", "x-should-retry: false", ""),
    ])
    .await;
    let asked = ask(chat(&server)).await;
    assert_eq!((asked.before.len(), &asked.heard[..]), (0, &[][..]));
    let why = asked.why();
    assert_eq!((why.retry_after(), why.is_transient()), (Some(Duration::from_secs(4000)), true));
    let asked = ask(chat(&server)).await;
    assert_eq!((asked.before.len(), &asked.heard[..]), (0, &[][..]));
    assert!(matches!(asked.why(), ModelError::Down { .. }));
}

#[tokio::test]
async fn the_attempts_come_to_an_end() {
    let server = Server::start(vec![response("500 Internal Server Error", "", "oops"); 3]).await;
    let mut endpoint = chat(&server);
    endpoint.retry.attempts = 3;
    let asked = ask(endpoint).await;
    assert_eq!((asked.before.len(), server.count()), (2, 3));
    assert!(matches!(asked.why(), ModelError::Down { .. }));
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_asked_for_again_from_the_start() {
    let call = b"data: {\"choices\":[{\"delta\":{\"content\":\"hel\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"mcp__forge__create\",\"arguments\":\"{}\"}}]}}]}\n\n";
    let server = Server::start(vec![
        // The connection breaks; the stream ends in order, but too early; the service complains in the middle.
        vec![stream_head(), chunk(call), Act::Close],
        vec![stream_head(), chunk(call), last_chunk()],
        vec![
            stream_head(),
            chunk(call),
            chunk(b"data: {\"error\":{\"code\":502,\"message\":\"upstream died\"}}\n\n"),
            last_chunk(),
        ],
        saying("hello"),
    ])
    .await;
    let Asked { answer, heard, before } = ask(chat(&server)).await;
    let answer = answer.unwrap();
    assert_eq!(answer.reply.text, "hello");
    assert_eq!(answer.reply.calls, []);
    assert!(before.iter().all(|lost| lost.spent == Spent::Unknown), "{before:?}");
    assert_eq!(texts(&heard), ["hel", "hel", "hel", "hello"]);
    let voids = heard.iter().filter(|heard| **heard == Heard::Restarted).count();
    assert_eq!((voids, before.len(), server.count()), (3, 3, 4));
    let bodies: Vec<_> = (0..4).map(|place| server.request(place).body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn the_tokens_of_a_failed_attempt_are_counted_where_they_are_known() {
    let failed = b"data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"no\"},\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n";
    let play = vec![stream_head(), chunk(failed), last_chunk()];
    let server = Server::start(vec![play.clone(), play]).await;
    let mut endpoint = endpoint(Dialect::Responses, &server.base);
    endpoint.retry.attempts = 2;
    let asked = ask(endpoint).await;
    let last = asked.answer.unwrap_err();
    assert!(matches!(*last.why, ModelError::Down { .. }));
    let usage = Usage { input: 7, output: 1, ..Usage::default() };
    assert_eq!((asked.before[0].spent, last.spent), (Spent::Known(usage), Spent::Known(usage)));
}

#[tokio::test]
async fn a_refused_key_is_an_error_at_once_and_is_not_shown() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY}. Bearer {KEY}","code":"invalid_api_key"}}}}"#
    );
    let server = Server::start(vec![response("401 Unauthorized", &format!("x-request-id: {KEY}"), &body)]).await;
    let asked = ask(chat(&server)).await;
    assert_eq!((asked.heard.len(), server.count()), (0, 1));
    let why = asked.why();
    assert!(matches!(&why, ModelError::Auth(said) if said.status == Some(401)));
    assert!(why.to_string().contains("Incorrect API key provided: [secret]. Bearer [secret]"), "{why}");
    assert!(!why.is_transient());
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_an_error_of_its_own() {
    let body = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}}"#;
    let server = Server::start(vec![response("400 Bad Request", "", body)]).await;
    let asked = ask(chat(&server)).await;
    assert_eq!(asked.heard, []);
    assert!(matches!(asked.why(), ModelError::ContextTooLong(_)));
}

#[tokio::test]
async fn silence_is_cut_short() {
    let server = Server::start(vec![vec![stream_head(), Act::Hold], vec![Act::Hold]]).await;
    for (idle, first_byte) in [(20, 60_000), (60_000, 20)] {
        let mut endpoint = chat(&server);
        endpoint.timeouts.idle = Duration::from_millis(idle);
        endpoint.timeouts.first_byte = Duration::from_millis(first_byte);
        endpoint.retry.attempts = 1;
        let lost = ask(endpoint).await.answer.unwrap_err();
        assert!(matches!(*lost.why, ModelError::Cut(_)), "{lost}");
        assert_eq!(lost.spent, Spent::Unknown);
    }
}

#[tokio::test]
async fn an_answer_that_trickles_for_ever_is_cut_short() {
    let server = Server::start(vec![vec![stream_head(), Act::SendForever(b"2\r\n:\n\r\n".to_vec())]]).await;
    let mut endpoint = chat(&server);
    endpoint.timeouts.whole = Duration::from_millis(50);
    endpoint.retry.attempts = 1;
    let why = ask(endpoint).await.why();
    assert!(why.to_string().contains("longer than is allowed"), "{why}");
}

#[tokio::test]
async fn nobody_who_waits_any_more_leaves_no_connection() {
    let text = b"data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\n";
    let mut server = Server::start(vec![vec![stream_head(), chunk(text), Act::Hold]]).await;
    let model = Model::Remote(Box::new(Client::new(chat(&server))));
    let (sender, mut heard) = unbounded_channel();
    let asking = tokio::spawn(async move {
        let answer = model.attempt(&prompt(), 1, &mut |event| sender.send(event).unwrap()).await;
        // The client lives on: the connection must not be closed by its end.
        std::future::pending::<()>().await;
        drop((model, answer));
    });
    assert_eq!(heard.recv().await, Some(Heard::Text("hel".into())));
    asking.abort();
    server.wait_for(Event::ClientGone).await;
}

#[tokio::test]
async fn dropping_the_question_alone_closes_the_connection() {
    let mut server = Server::start(vec![vec![stream_head(), Act::Hold], saying("hello")]).await;
    let model = Model::Remote(Box::new(Client::new(chat(&server))));
    let prompt = prompt();
    let mut heard = |_| {};
    tokio::select! {
        _ = model.attempt(&prompt, 1, &mut heard) => panic!("there is no answer"),
        () = server.wait_for(Event::Requested) => {}
    }
    server.wait_for(Event::ClientGone).await;
    let answer = model.attempt(&prompt, 1, &mut heard).await.unwrap();
    assert_eq!(answer.reply.text, "hello");
}

#[tokio::test]
async fn endless_text_and_endless_lines_and_a_thousand_calls_are_too_much() {
    let event = |json: &str| {
        let text = format!("data: {json}\n\n");
        format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
    };
    let text = event(r#"{"choices":[{"delta":{"content":"0123456789abcdef"}}]}"#);
    let call = event(r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"read","arguments":"{}"}}]}}]}"#);
    let line = b"10\r\n0123456789abcdef\r\n".to_vec();
    let caps = Caps { text: 10_000, line: 10_000, ..Caps::default() };
    for (bytes, words) in [(text, "of text"), (call, "256 tool calls"), (line, "a line of the stream has no end")] {
        let mut server = Server::start(vec![vec![stream_head(), Act::SendForever(bytes)]]).await;
        let mut endpoint = chat(&server);
        endpoint.caps = caps;
        let asked = ask(endpoint).await;
        assert!(asked.before.is_empty());
        let lost = asked.answer.unwrap_err();
        assert!(matches!(*lost.why, ModelError::TooMuch(_)), "{lost}");
        assert!(lost.to_string().contains(words), "{lost}");
        assert_eq!(lost.spent, Spent::Unknown);
        server.wait_for(Event::ClientGone).await;
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_with_words() {
    let page = "<html><title>Welcome</title></html>";
    let server = Server::start(vec![
        response("200 OK", "content-type: text/html", page),
        response(
            "200 OK",
            "content-type: application/json",
            r#"{"error":{"message":"no such tool","type":"invalid_request_error"}}"#,
        ),
        response("200 OK", "content-type: text/event-stream", "data: <rubbish>\n\n"),
        response("200 OK", "content-type: text/event-stream", "data: <rubbish>\n\n"),
        response("302 Found", "location: http://127.0.0.1:1/elsewhere", ""),
        response("404 Not Found", "", r#"{"error":"model not found"}"#),
    ])
    .await;
    let why = ask(chat(&server)).await.why();
    assert!(matches!(why, ModelError::Garbled(_)) && why.to_string().contains("a web page came"), "{why}");
    let why = ask(chat(&server)).await.why();
    assert!(matches!(why, ModelError::BadRequest(_)) && why.to_string().contains("no such tool"), "{why}");
    let asked = ask(chat(&server)).await;
    assert_eq!(asked.before.len(), 1);
    assert!(matches!(asked.why(), ModelError::Garbled(_)));
    let why = ask(chat(&server)).await.why();
    assert!(matches!(why, ModelError::BadRequest(_)) && why.to_string().contains("not redirected"), "{why}");
    let why = ask(chat(&server)).await.why();
    assert!(matches!(why, ModelError::BadRequest(_)) && why.to_string().contains("model not found"), "{why}");
    assert_eq!(server.count(), 6);
}

#[tokio::test]
async fn a_refusal_without_an_end_is_read_only_so_far() {
    let flood = vec![
        head("400 Bad Request", "transfer-encoding: chunked"),
        Act::SendForever(b"10\r\n0123456789abcde \r\n".to_vec()),
    ];
    let mut server = Server::start(vec![flood]).await;
    let why = ask(chat(&server)).await.why();
    assert!(matches!(why, ModelError::BadRequest(_)) && why.to_string().len() < 2_000, "{why}");
    server.wait_for(Event::ClientGone).await;
}

#[tokio::test]
async fn an_answer_that_is_over_is_not_waited_for() {
    for after in [Act::Hold, Act::SendForever(b"4\r\n: x\n\r\n".to_vec())] {
        let mut play = saying("hello");
        if let Act::Send(bytes) = &mut play[0] {
            bytes.truncate(bytes.len() - b"0\r\n\r\n".len());
        }
        play.push(after);
        let mut server = Server::start(vec![play]).await;
        let Asked { answer, .. } = ask(chat(&server)).await;
        assert_eq!(answer.unwrap().usage.unwrap().output, 2);
        server.wait_for(Event::ClientGone).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_whole_survives_the_end_of_its_connection() {
    let whole = b"data: {\"choices\":[{\"delta\":{\"content\":\"hello\"},\"finish_reason\":\"stop\"}]}\n\n";
    let server = Server::start(vec![vec![stream_head(), chunk(whole), Act::Close]]).await;
    let asked = ask(chat(&server)).await;
    let answer = asked.answer.unwrap();
    assert_eq!((answer.reply.text.as_str(), answer.usage), ("hello", None));
    assert_eq!((asked.heard.len(), asked.before.len()), (1, 0));
}

#[tokio::test]
async fn what_comes_after_a_whole_answer_takes_nothing_away() {
    let whole = "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"},\"finish_reason\":\"stop\"}]}\n\n";
    for after in ["data: <rubbish>\n\n", "data: {\"error\":{\"message\":\"too late\"}}\n\n"] {
        for play in [
            vec![stream_head(), chunk(whole.as_bytes()), chunk(after.as_bytes()), Act::Hold],
            vec![stream_head(), chunk(format!("{whole}{after}").as_bytes()), last_chunk()],
        ] {
            let server = Server::start(vec![play]).await;
            let asked = ask(chat(&server)).await;
            assert_eq!(asked.answer.unwrap().reply.text, "hello");
            assert_eq!(asked.heard, [Heard::Text("hello".into())]);
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_response_may_have_cost_something() {
    let server = Server::start(vec![vec![Act::Close], saying("hello")]).await;
    let asked = ask(chat(&server)).await;
    assert_eq!(asked.answer.unwrap().reply.text, "hello");
    let [lost] = &asked.before[..] else { panic!("{:?}", asked.before) };
    assert_eq!(lost.spent, Spent::Unknown);
    assert!(lost.to_string().starts_with("no connection: "), "{lost}");
}

#[tokio::test]
async fn a_server_of_this_machine_that_is_not_running_is_an_error_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let asked = ask(endpoint(Dialect::ChatCompletions, &base)).await;
    assert!(asked.before.is_empty() && asked.heard.is_empty());
    let lost = asked.answer.unwrap_err();
    assert!(matches!(*lost.why, ModelError::Network(_)) && lost.why.is_transient(), "{lost}");
    let host = base.trim_start_matches("http://").trim_end_matches("/v1");
    let words = format!("no connection: `{host}`: tcp connect error: Connection refused");
    assert!(lost.to_string().starts_with(&words), "{lost}");
    assert_eq!(lost.spent, Spent::Nothing);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_an_error_at_once() {
    let (server, _) = Server::start_encrypted(vec![]).await;
    let asked = ask(endpoint(Dialect::ChatCompletions, &server.base)).await;
    assert_eq!((asked.before.len(), asked.heard.len(), server.count()), (0, 0, 0));
    let lost = asked.answer.unwrap_err();
    assert!(matches!(*lost.why, ModelError::Untrusted(_)), "{lost}");
    assert!(!lost.why.is_transient());
    assert_eq!(lost.spent, Spent::Nothing);
}

/// The variable that tells the test below where the server of the test after it is.
const OWN_SERVER: &str = "MODEL_TEST_SERVER";

#[tokio::test]
#[ignore = "the test after it starts it with a certificate in its environment"]
async fn a_service_with_a_certificate_of_its_own_answers() {
    let base = std::env::var(OWN_SERVER).expect("the other test names the server");
    let Asked { answer, .. } = ask(endpoint(Dialect::ChatCompletions, &base)).await;
    assert_eq!(answer.unwrap().reply.text, "hello");
}

#[tokio::test]
async fn a_certificate_in_the_file_that_the_person_names_is_trusted() {
    let (server, certificate) = Server::start_encrypted(vec![saying("hello")]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.pem");
    std::fs::write(&file, certificate).unwrap();
    // The environment of a running program is not changed: this program starts itself again with another one.
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["a_service_with_a_certificate_of_its_own_answers", "--exact", "--ignored"])
        .env("SSL_CERT_FILE", &file)
        .env(OWN_SERVER, &server.base)
        .env_remove("SSL_CERT_DIR")
        .output()
        .await
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(server.count(), 1);
}
