//! One request for a public list, with limits on its size and its time.
//!
//! Not here: what is on the list. A session's own requests go another way, with a permit (that is `host`).

use model::{Dialect, Endpoint};
use reqwest::Url;
use reqwest::header::ACCEPT;
use std::error::Error;
use std::time::Duration;

/// How much an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long it is waited for, from the first byte to the last.
    pub patience: Duration,
    /// The most bytes of it that are read.
    pub most_bytes: usize,
}

/// What a list of prices may take.
const LIST: Bounds = Bounds { patience: Duration::from_secs(4), most_bytes: 5 << 20 };

/// Gets what is at a path below a service's base address. The token goes to that address and nowhere else: no redirect
/// is followed. What is said of a failure repeats neither the address nor the answer.
pub async fn get(base_url: &str, path: &str, token: Option<&str>) -> Result<Vec<u8>, String> {
    get_within(base_url, path, token, LIST).await
}

/// The same, for an answer that may take as much as this.
pub async fn get_within(base_url: &str, path: &str, token: Option<&str>, bounds: Bounds) -> Result<Vec<u8>, String> {
    // It knows which addresses can be spoken to, and which of them are of this machine.
    let endpoint = Endpoint::new(Dialect::ChatCompletions, base_url, "").map_err(|why| why.to_string())?;
    let mut url = Url::parse(base_url.trim()).map_err(|why| why.to_string())?;
    let base = url.path().trim_end_matches('/').trim_end_matches("/chat/completions").to_owned();
    url.set_path(&format!("{base}{path}"));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("remit/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(bounds.patience);
    if endpoint.is_loopback() {
        // What listens on this machine is not reached by way of elsewhere.
        builder = builder.no_proxy();
    }
    let mut request = builder.build().map_err(told)?.get(url).header(ACCEPT, "application/json");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    match tokio::time::timeout(bounds.patience, answer(request, bounds.most_bytes)).await {
        Ok(answer) => answer,
        Err(_too_long) => Err(format!("no answer within {} s", bounds.patience.as_secs_f32())),
    }
}

async fn answer(request: reqwest::RequestBuilder, most_bytes: usize) -> Result<Vec<u8>, String> {
    let mut response = request.send().await.map_err(told)?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(told)? {
        if body.len() + bytes.len() > most_bytes {
            return Err(format!("the answer is longer than {} MiB", most_bytes >> 20));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// The innermost cause, without the address: it may hold a secret.
fn told(why: reqwest::Error) -> String {
    let why = why.without_url();
    let mut deepest: &dyn Error = &why;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers one request, and gives back what was asked.
    async fn answered(path: &str, answer: String) -> (Result<Vec<u8>, String>, String) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}{path}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            // One that has heard enough goes away.
            let _ = stream.write_all(answer.as_bytes()).await;
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let had = get(&base, "/models", Some("hush-token")).await;
        (had, server.await.unwrap())
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_list_is_asked_for_below_the_base_address() {
        for (base, path) in
            [("/v1", "/v1/models"), ("/v1/", "/v1/models"), ("", "/models"), ("/v1/chat/completions", "/v1/models")]
        {
            let (had, asked) = answered(base, http("200 OK", "[1]")).await;
            assert_eq!(had, Ok(b"[1]".to_vec()));
            assert!(asked.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{base}: {asked}");
        }
    }

    #[tokio::test]
    async fn what_is_no_list_says_why_and_repeats_no_secret() {
        let long = "x".repeat(LIST.most_bytes + 1);
        for (answer, says) in [
            (http("503 Service Unavailable", "hush-token"), "status 503"),
            (http("302 Found\r\nlocation: http://127.0.0.1:1/", ""), "status 302"),
            (http("200 OK", &long), "the answer is longer than 5 MiB"),
        ] {
            assert_eq!(answered("", answer).await.0, Err(says.to_owned()));
        }
        let (cut, _) = answered("", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n[1".to_owned()).await;
        assert!(cut.as_ref().is_err_and(|why| !why.contains("hush") && !why.contains("127.0.0.1")), "{cut:?}");
        for address in ["", "ftp://127.0.0.1/", "http://me:hush@127.0.0.1:1/"] {
            let why = get(address, "/models", None).await.unwrap_err();
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
