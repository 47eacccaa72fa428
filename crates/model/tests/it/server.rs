//! A small HTTP server on loopback that plays what a test tells it to, byte by byte.
//!
//! Not here: any knowledge of a dialect; the tests bring the bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// One step of a response.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends bytes until the client is gone.
    SendForever(Vec<u8>),
    /// Waits until the client is gone, sending nothing.
    Hold,
    /// Closes the connection.
    Close,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

/// What the server tells a test while it happens.
#[derive(Debug, PartialEq)]
pub enum Event {
    Connected,
    Requested,
    ClientGone,
}

/// The server. It stops when it is dropped.
pub struct Server {
    pub base: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
    pub events: UnboundedReceiver<Event>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Stage {
    plays: Mutex<VecDeque<Vec<Act>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    events: UnboundedSender<Event>,
}

impl Server {
    /// Starts a server that answers the first request with the first play, and so on.
    pub async fn start(plays: Vec<Vec<Act>>) -> Server {
        Server::listen(plays, None).await
    }

    /// Starts one that speaks TLS with a certificate of its own, and returns that certificate as PEM.
    pub async fn start_encrypted(plays: Vec<Vec<Act>>) -> (Server, String) {
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        (Server::listen(plays, Some(TlsAcceptor::from(Arc::new(config)))).await, own.cert.pem())
    }

    async fn listen(plays: Vec<Vec<Act>>, encryption: Option<TlsAcceptor>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if encryption.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (sender, events) = unbounded_channel();
        let stage = Arc::new(Stage { plays: Mutex::new(plays.into()), requests: requests.clone(), events: sender });
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let _ = stage.events.send(Event::Connected);
                let (stage, encryption) = (stage.clone(), encryption.clone());
                tokio::spawn(async move {
                    match encryption {
                        None => serve(stream, stage).await,
                        Some(encryption) => match encryption.accept(stream).await {
                            Ok(stream) => serve(stream, stage).await,
                            Err(_) => drop(stage.events.send(Event::ClientGone)),
                        },
                    }
                });
            }
        });
        Server { base, requests, events, task }
    }

    /// Waits for an event, passing over others.
    pub async fn wait_for(&mut self, wanted: Event) {
        while self.events.recv().await.expect("the server runs") != wanted {}
    }

    /// Returns how many connections were made so far.
    pub fn connections(&mut self) -> usize {
        std::iter::from_fn(|| self.events.try_recv().ok()).filter(|event| *event == Event::Connected).count()
    }

    pub fn request(&self, place: usize) -> Request {
        self.requests.lock().unwrap()[place].clone()
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, stage: Arc<Stage>) {
    while let Some(request) = read(&mut stream).await {
        stage.requests.lock().unwrap().push(request);
        let _ = stage.events.send(Event::Requested);
        let play = stage.plays.lock().unwrap().pop_front().expect("the test has a play for each request");
        for act in play {
            let gone = match act {
                Act::Send(bytes) => stream.write_all(&bytes).await.is_err(),
                Act::SendForever(bytes) => {
                    while stream.write_all(&bytes).await.is_ok() {}
                    true
                }
                Act::Hold => {
                    let _ = stream.read(&mut [0; 64]).await;
                    true
                }
                Act::Close => return,
            };
            if gone {
                let _ = stage.events.send(Event::ClientGone);
                return;
            }
        }
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(Request { head, body: bytes[end + 4..].to_vec() });
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

/// The head of a stream.
pub fn stream_head() -> Act {
    head("200 OK", "content-type: text/event-stream\r\nx-request-id: req-7\r\ntransfer-encoding: chunked")
}

pub fn head(status: &str, headers: &str) -> Act {
    Act::Send(format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n").into_bytes())
}

/// One chunk of a body.
pub fn chunk(bytes: &[u8]) -> Act {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    Act::Send(chunk)
}

/// The end of a body.
pub fn last_chunk() -> Act {
    Act::Send(b"0\r\n\r\n".to_vec())
}

/// A whole response that is no stream.
pub fn response(status: &str, headers: &str, body: &str) -> Vec<Act> {
    let gap = if headers.is_empty() { "" } else { "\r\n" };
    vec![head(status, &format!("content-length: {}{gap}{headers}", body.len())), Act::Send(body.as_bytes().to_vec())]
}
