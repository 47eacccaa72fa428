//! `web_fetch`, against small servers on loopback.

use crate::stage::Stage;
use policy::{Effect, Subject};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request by its path, and notes the paths. Gives the base address.
async fn server(answers: &'static [(&'static str, &'static [u8])]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let path = String::from_utf8(request).unwrap().split(' ').nth(1).unwrap().to_owned();
            let answer =
                answers.iter().find(|(known, _)| *known == path).map_or(&b"404 Gone\r\n\r\n"[..], |(_, answer)| answer);
            note.lock().unwrap().push(path);
            let _ = stream.write_all(&[b"HTTP/1.1 ", answer].concat()).await;
            let _ = stream.shutdown().await;
        }
    });
    (base, asked)
}

#[test]
fn a_host_is_the_subject_and_credentials_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = runtime.block_on(Stage::new());
    let action = stage.action("web_fetch", json!({"url": "https://Example.ORG.:8443/a"}));
    assert_eq!((action.effect, action.subject), (Effect::Reach, Subject::Fetch("example.org".to_owned())));
    for (url, why) in [
        ("https://me:s3cret@example.org/", "may not carry a user name or password"),
        ("file:///etc/passwd", "only `http` and `https`"),
        ("example.org", "write it whole"),
        ("", "write it whole"),
    ] {
        let said = stage.invalid("web_fetch", json!({"url": url}));
        assert!(said.contains(why) && !said.contains("s3cret"), "{said}");
    }
}

#[tokio::test]
async fn a_page_comes_as_text_and_other_kinds_as_they_are() {
    let mut stage = Stage::new().await;
    let (base, _) = server(&[
        ("/page", b"200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\r\n<html><head><title>t</title><style>p{}</style></head><body><h1>Hello</h1><p>caf\xc3\xa9 &amp; <a href=/x>link</a><script>evil()</script>"),
        ("/json", b"200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\": 1}"),
        ("/latin", b"200 OK\r\ncontent-type: text/plain; charset=ISO-8859-1\r\n\r\ncaf\xe9"),
        ("/wrong", b"200 OK\r\ncontent-type: text/plain\r\n\r\ncaf\xe9"),
        ("/image", b"200 OK\r\ncontent-type: image/png\r\n\r\n\x89PNG"),
        ("/empty", b"204 No Content\r\n\r\n"),
    ])
    .await;
    let url = |path: &str| json!({"url": format!("{base}{path}")});
    let page = stage.done("web_fetch", url("/page")).await;
    assert!(page.starts_with(&format!("{base}/page: status 200, text/html; charset=utf-8, ")), "{page}");
    assert!(
        page.contains("Hello") && page.contains("café & link (/x)") && !page.contains("evil") && !page.contains('<'),
        "{page}"
    );
    assert!(stage.done("web_fetch", url("/json")).await.ends_with("\n\n{\"a\": 1}"));
    assert!(stage.done("web_fetch", url("/latin")).await.ends_with("café"));
    assert!(stage.done("web_fetch", url("/wrong")).await.ends_with("caf\u{fffd}"));
    assert!(stage.done("web_fetch", url("/image")).await.ends_with("[not text; it begins with the bytes 89 50 4e 47]"));
    assert!(stage.done("web_fetch", url("/empty")).await.ends_with("[the body is empty]"));
    assert!(stage.fails("web_fetch", url("/gone")).await.contains("status 404"));
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only() {
    let mut stage = Stage::new().await;
    let (base, asked) = server(&[
        ("/a", b"302 Found\r\nlocation: /b\r\n\r\n"),
        ("/b", b"200 OK\r\ncontent-type: text/plain\r\n\r\nhere"),
        ("/other", b"302 Found\r\nlocation: http://localhost:1/secret\r\n\r\n"),
        ("/loop", b"302 Found\r\nlocation: /loop\r\n\r\n"),
        ("/file", b"302 Found\r\nlocation: file:///etc/passwd\r\n\r\n"),
        ("/pw", b"302 Found\r\nlocation: http://a:b@127.0.0.1/\r\n\r\n"),
    ])
    .await;
    let url = |path: &str| json!({"url": format!("{base}{path}")});
    assert!(stage.done("web_fetch", url("/a")).await.contains("/b: status 200"));
    let other = stage.done("web_fetch", url("/other")).await;
    assert!(other.contains("redirects to http://localhost:1/secret (another host), which was not followed"), "{other}");
    assert!(stage.fails("web_fetch", url("/loop")).await.contains("redirects more than 5 times"));
    assert_eq!(asked.lock().unwrap().iter().filter(|path| *path == "/loop").count(), 6);
    for path in ["/file", "/pw"] {
        assert!(stage.fails("web_fetch", url(path)).await.contains("redirects to where nothing can be fetched"));
    }
}

#[tokio::test]
async fn a_long_page_is_cut_and_the_whole_is_kept_to_be_read() {
    let mut stage = Stage::new().await;
    let answer = format!("200 OK\r\ncontent-type: text/plain\r\n\r\n{}the end", "line of text\n".repeat(10_000));
    let answers = vec![("/", answer.into_bytes().leak() as &'static [u8])].leak();
    let (base, _) = server(answers).await;
    let told = stage.done("web_fetch", json!({"url": format!("{base}/")})).await;
    assert!(told.len() < 31_000 && !told.contains("the end"), "{}", told.len());
    let kept = told.split("the whole is in `").nth(1).unwrap().split('`').next().unwrap();
    assert!(stage.done("search", json!({"pattern": "the end", "path": kept})).await.contains("10003:the end"));
    assert_eq!(stage.action("read", json!({"path": kept})).effect, Effect::Read);
}

#[tokio::test]
async fn a_page_made_to_crash_its_reader_does_not() {
    let mut stage = Stage::new().await;
    let head = "200 OK\r\ncontent-type: text/html\r\n\r\n";
    let pages =
        ["<div>".repeat(100_000), "<b><i><p>text".repeat(30_000), "<a b='c' ".repeat(50_000), "<!--".repeat(100_000)];
    for page in pages {
        let answers = vec![("/", format!("{head}{page}").into_bytes().leak() as &'static [u8])].leak();
        let (base, _) = server(answers).await;
        let told = stage.done("web_fetch", json!({"url": format!("{base}/")})).await;
        assert!(told.len() < 31_000, "{}", told.len());
    }
}

#[tokio::test]
async fn a_fetch_that_is_to_stop_ends() {
    let mut stage = Stage::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stop = stage.scene.stop.clone();
    let hang = tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        stop.cancel();
        connection
    });
    assert!(stage.fails("web_fetch", json!({"url": url})).await.contains("stopped"));
    hang.await.unwrap();
}
