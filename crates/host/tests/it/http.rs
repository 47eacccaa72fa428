//! HTTP out, against small servers on loopback that answer just what a test says.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::{Anything, Stand};
use gate::Permit;
use host::http::{Address, AddressError, Bearer, Extent, FetchLimits, Method, Net, NetError, NetRequest};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const LIMITS: FetchLimits = FetchLimits { bytes: 1000, time: Duration::from_secs(60) };

/// Answers one request with these bytes and gives back what was asked; closes the connection after that.
async fn server(answer: Vec<u8>) -> (Address, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/path", listener.local_addr().unwrap());
    let (tell, asked) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !is_whole(&request) {
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "the request broke off");
            request.extend_from_slice(&piece[..read]);
        }
        let _ = tell.send(String::from_utf8(request).unwrap());
        // A client that has had enough hangs up.
        let _ = stream.write_all(&answer).await;
        let _ = stream.shutdown().await;
    });
    (Address::parse(&address).unwrap(), asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn request(address: &Address) -> NetRequest {
    let (bearer, json) = (Some(Bearer::new("s3cret")), Some("{\"a\":1}".to_owned()));
    NetRequest { method: Method::Post, address: address.clone(), bearer, json, timeout: Duration::from_secs(60) }
}

async fn permit() -> Permit<Anything> {
    Stand::new().await.permit().await
}

#[tokio::test]
async fn a_page_is_fetched_with_its_type_and_no_more_than_the_limit() {
    let permit = permit().await;
    let (address, asked) = server(answer("404 Not Found\r\ncontent-type: text/plain", "no")).await;
    let page = Net::new().get(&permit, &address, LIMITS).await.unwrap();
    assert_eq!((page.status, page.content_type.as_deref(), &page.body[..]), (404, Some("text/plain"), &b"no"[..]));
    assert_eq!(page.extent, Extent::Whole);
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /path HTTP/1.1\r\n") && asked.contains("user-agent: remit/"), "{asked}");

    let (address, _asked) = server(answer("200 OK", &"x".repeat(1_000_000))).await;
    let page = Net::new().get(&permit, &address, LIMITS).await.unwrap();
    assert_eq!((page.body.len(), page.extent), (1000, Extent::Beginning));
}

#[tokio::test]
async fn a_redirect_comes_back_and_is_not_followed() {
    let (address, _asked) = server(answer("302 Found\r\nlocation: http://127.0.0.1:1/", "moved")).await;
    let page = Net::new().get(&permit().await, &address, LIMITS).await.unwrap();
    assert_eq!((page.status, page.location.as_deref(), page.body.len()), (302, Some("http://127.0.0.1:1/"), 0));
}

#[tokio::test]
async fn a_service_is_asked_with_a_token_and_json() {
    let (address, asked) = server(answer("201 Created", "{}")).await;
    let said = Net::new().send(&permit().await, request(&address)).await.unwrap();
    assert_eq!((said.status, said.body.as_str()), (201, "{}"));
    let asked = asked.await.unwrap();
    for part in ["POST /path", "authorization: Bearer s3cret", "content-type: application/json", "{\"a\":1}"] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
}

#[tokio::test]
async fn a_no_of_the_service_is_told_with_its_status() {
    let (address, _asked) = server(answer("429 Too Many\r\nretry-after: 7", " slow down ")).await;
    let refused = Net::new().send(&permit().await, request(&address)).await.unwrap_err();
    let expected = NetError::Answered { status: 429, body: "slow down".to_owned(), retry_after: Some("7".to_owned()) };
    assert_eq!(refused, expected);
    let (address, _asked) = server(answer("307 Elsewhere\r\nlocation: http://127.0.0.1:1/", "")).await;
    let refused = Net::new().send(&permit().await, request(&address)).await.unwrap_err();
    assert!(matches!(refused, NetError::Answered { status: 307, .. }), "{refused}");
}

#[tokio::test]
async fn what_was_surely_not_sent_is_told_apart_from_what_may_have_been() {
    let permit = permit().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::parse(&format!("http://{}/?key=s3cret", closed.local_addr().unwrap())).unwrap();
    drop(closed);
    let unsent = Net::new().send(&permit, request(&address)).await.unwrap_err();
    assert!(matches!(unsent, NetError::NotSent(_)), "{unsent}");
    let nowhere = Address::parse("http://name.invalid/?key=s3cret").unwrap();
    let unknown_name = Net::new().send(&permit, request(&nowhere)).await.unwrap_err();
    assert!(matches!(unknown_name, NetError::NotSent(_)), "{unknown_name}");

    let (address, _asked) = server(Vec::new()).await;
    let no_answer = Net::new().send(&permit, request(&address)).await.unwrap_err();
    let (address, _asked) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec()).await;
    let half = Net::new().send(&permit, request(&address)).await.unwrap_err();
    let (address, _asked) = server(answer("200 OK", &"x".repeat(6 << 20))).await;
    let too_long = Net::new().send(&permit, request(&address)).await.unwrap_err();
    for lost in [&no_answer, &half, &too_long] {
        assert!(matches!(lost, NetError::Unknown(_)), "{lost}");
    }
    for error in [unsent, unknown_name, no_answer, half, too_long] {
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
    let hidden = format!("{:?}", request(&nowhere).bearer);
    assert_eq!(hidden, "Some(Bearer(..))");
}

#[tokio::test]
async fn a_silent_service_is_not_waited_for_beyond_the_time() {
    // It accepts the connection by itself and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let request = NetRequest { timeout: Duration::from_millis(50), ..request(&address) };
    let silent = Net::new().send(&permit().await, request).await.unwrap_err();
    assert!(matches!(&silent, NetError::Unknown(why) if why.contains("no answer within")), "{silent}");
}

#[tokio::test]
async fn a_stream_comes_line_by_line_and_a_cut_one_is_an_error() {
    let permit = permit().await;
    let (address, _asked) = server(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\r\n\r\n\xff\nlast".to_vec()).await;
    let mut lines = Net::new().stream(&permit, request(&address)).await.unwrap();
    let mut heard = Vec::new();
    while let Some(line) = lines.next().await.unwrap() {
        heard.push(line);
    }
    assert_eq!(heard, ["data: 1", "", "\u{fffd}", "last"]);
    assert_eq!(lines.next().await.unwrap(), None);

    let (address, _asked) =
        server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\na\nb\r\n".to_vec()).await;
    let mut lines = Net::new().stream(&permit, request(&address)).await.unwrap();
    assert_eq!(lines.next().await.unwrap().as_deref(), Some("a"));
    assert!(matches!(lines.next().await, Err(NetError::Unknown(_))));

    let (address, _asked) = server(answer("200 OK", &"x".repeat(3 << 20))).await;
    let mut lines = Net::new().stream(&permit, request(&address)).await.unwrap();
    assert!(matches!(lines.next().await, Err(NetError::Unknown(why)) if why.contains("longer than")));
}

#[test]
fn an_address_is_judged_by_its_host_alone() {
    for (text, host) in [
        ("https://Example.ORG/x", "example.org"),
        ("http://example.org.:8080/", "example.org"),
        ("http://[::1]:80/", "[::1]"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://example.org#@evil.org", "example.org"),
        ("https:example.org", "example.org"),
        ("http://ex\tample.org\\@evil.org/", "example.org"),
    ] {
        assert_eq!(Address::parse(text).map(|address| address.host()), Ok(host.to_owned()), "{text}");
    }
    for (text, why) in [
        ("", AddressError::Unreadable),
        ("example.org", AddressError::Unreadable),
        ("http://", AddressError::Unreadable),
        ("http://./", AddressError::NoHost),
        ("file:///etc/passwd", AddressError::Scheme),
        ("ftp://example.org/", AddressError::Scheme),
        ("javascript:alert(1)", AddressError::Scheme),
        ("https://user@example.org/", AddressError::Credentials),
        ("https://:pw@example.org/", AddressError::Credentials),
        ("https://example.org:x/", AddressError::Unreadable),
    ] {
        assert_eq!(Address::parse(text), Err(why), "{text}");
    }
    let here = Address::parse("https://example.org/a/b").unwrap();
    assert_eq!(here.join("../c").unwrap().as_str(), "https://example.org/c");
    assert_eq!(here.join("//other.org/").unwrap().host(), "other.org");
    assert_eq!(here.join("file:///etc/passwd"), Err(AddressError::Scheme));
}
