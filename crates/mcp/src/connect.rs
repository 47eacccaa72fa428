//! Opening a connection to a server: the program or the service, and the handshake of the protocol.
//!
//! The older handshake, `initialize`, is tried first, for nearly every server knows it; one that refuses it is asked with
//! the newer one, `server/discover`. The other order costs each older server a round trip, and ten seconds for one that
//! does not answer what it does not know.
//!
//! Not here: keeping the connection.

use crate::child::{Child, LastWords};
use crate::config::{HttpServer, ServerConfig, StdioServer, Surroundings, Transport};
use crate::ear::Ear;
use crate::elicitation::Questions;
use crate::event::Voice;
use crate::fault::{self, Again, NoConnection};
use crate::lines::{LONGEST_LINE, Lines};
use crate::link::Link;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use rmcp::RoleClient;
use rmcp::model::{ProtocolVersion, SubscriptionFilter};
use rmcp::service::{ClientLifecycleMode, RunningService, serve_client_with_lifecycle_and_ct};
use rmcp::transport::IntoTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransport, StreamableHttpClientTransportConfig};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a connection may take to close before its program is ended all the same.
const TO_CLOSE: Duration = Duration::from_secs(3);

/// How many redirects of one request are followed, within one origin.
const MOST_REDIRECTS: usize = 5;

/// What is seen of a server that ends the connection.
const CLOSED: &str = "it closed the connection";

/// How many times a subscription to changes is taken out again when it ends.
const MOST_SUBSCRIPTIONS: u32 = 8;

/// A connection that is open.
pub(crate) struct Connection {
    pub(crate) link: Link,
    /// Told when the list of tools is no longer what it was.
    pub(crate) stale: Arc<Notify>,
    pub(crate) offers: Offers,
    fault: Arc<OnceLock<String>>,
    gone: Pin<Box<dyn Future<Output = ()> + Send>>,
    child: Option<Child>,
    close: CancellationToken,
}

/// What a server says it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) tools: bool,
    pub(crate) resources: bool,
    pub(crate) prompts: bool,
}

/// What it takes to open a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) config: &'a ServerConfig,
    pub(crate) around: &'a Surroundings,
    pub(crate) voice: &'a Voice,
    /// Fires when the connection is no longer wanted.
    pub(crate) stop: &'a CancellationToken,
}

#[derive(Clone, Copy, Debug)]
enum Handshake {
    Initialize,
    Discover,
}

impl Handshake {
    fn mode(self) -> ClientLifecycleMode {
        match self {
            Handshake::Initialize => ClientLifecycleMode::Initialize,
            Handshake::Discover => ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::LATEST] },
        }
    }
}

impl Opening<'_> {
    /// Opens a connection.
    pub(crate) async fn open(self) -> Result<Connection, NoConnection> {
        match self.attempt(Handshake::Initialize).await {
            Err(first) if first.again == Again::OtherHandshake => {
                let second = self.attempt(Handshake::Discover).await;
                second.map_err(|second| NoConnection::new(format!("{}; {}", first.why, second.why), Again::Maybe))
            }
            other => other,
        }
    }

    async fn attempt(self, handshake: Handshake) -> Result<Connection, NoConnection> {
        match &self.config.transport {
            Transport::Stdio(program) => self.over_pipes(program, handshake).await,
            Transport::Http(address) => self.over_http(address, handshake).await,
        }
    }

    async fn over_pipes(self, program: &StdioServer, handshake: Handshake) -> Result<Connection, NoConnection> {
        let started = Child::start(program, self.around);
        let (child, stdout, stdin) = started.map_err(|failure| fault::of_start(&program.command, &failure))?;
        let fault = Arc::new(OnceLock::new());
        let lines = Lines::new(stdout, LONGEST_LINE, fault.clone());
        // The lines are bounded already; replacing bytes can make one longer again.
        let pipes = AsyncRwTransport::new_client(lines, stdin).with_max_line_length(usize::MAX);
        match self.shake(pipes, handshake).await {
            Ok(connection) => Ok(Connection { child: Some(child), fault, ..connection }),
            Err(none) => Err(NoConnection { why: obituary(&none.why, &child.end().await), ..none }),
        }
    }

    async fn over_http(self, address: &HttpServer, handshake: Handshake) -> Result<Connection, NoConnection> {
        let (at, connect) = (address.clone(), self.config.patience.connect);
        // Reading the system's certificates takes tens of milliseconds, in which nothing else here would move.
        let made = tokio::task::spawn_blocking(move || client(&at, connect)).await;
        let client = made.unwrap_or_else(|_| Err(NoConnection::new("no HTTP client can be made", Again::Maybe)))?;
        let headers = address.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut config = StreamableHttpClientTransportConfig::with_uri(address.url().as_str())
            .custom_headers(headers)
            .max_sse_event_size(LONGEST_LINE);
        // A stream that was cut is taken up again for some twelve seconds; for ever is the default.
        let mut again = ExponentialBackoff::default();
        again.max_times = Some(5);
        again.base_duration = Duration::from_millis(500);
        again.max_delay = Some(Duration::from_secs(5));
        config.retry_config = Arc::new(again);
        self.shake(StreamableHttpClientTransport::with_client(client, config), handshake).await
    }

    async fn shake<T, E, A>(self, transport: T, handshake: Handshake) -> Result<Connection, NoConnection>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let ear = Ear {
            routes: Arc::default(),
            questions: Arc::new(Questions::new(self.config.name.clone(), self.voice.clone())),
            stale: Arc::default(),
        };
        let close = CancellationToken::new();
        let within = self.config.patience.connect;
        let serving = serve_client_with_lifecycle_and_ct(ear.clone(), transport, handshake.mode(), close.clone());
        let served = tokio::select! {
            served = timeout(within, serving) => served,
            () = self.stop.cancelled() => return Err(NoConnection::new("it was no longer wanted", Again::Pointless)),
        };
        match served {
            Ok(Ok(running)) => Ok(Connection::of(running, ear, close)),
            Ok(Err(failure)) => Err(fault::of_handshake(&failure)),
            Err(_) => {
                Err(NoConnection::new(format!("it did not answer the handshake within {within:?}"), Again::Maybe))
            }
        }
    }
}

impl Connection {
    fn of(running: RunningService<RoleClient, Ear>, ear: Ear, close: CancellationToken) -> Connection {
        let peer = running.peer().clone();
        let known = peer.peer_info();
        let capabilities = known.as_ref().map(|server| server.capabilities.clone()).unwrap_or_default();
        let gone = async move {
            // However it ended, it has.
            let _ = running.waiting().await;
        };
        Connection {
            link: Link { peer, routes: ear.routes, questions: ear.questions },
            stale: ear.stale,
            offers: Offers {
                tools: capabilities.tools.is_some(),
                resources: capabilities.resources.is_some(),
                prompts: capabilities.prompts.is_some(),
            },
            fault: Arc::default(),
            gone: Box::pin(gone),
            child: None,
            close,
        }
    }

    /// Waits until the connection has ended by itself, and says how.
    pub(crate) async fn ended(&mut self) -> String {
        let child = async {
            match &mut self.child {
                Some(child) => child.ended().await,
                None => std::future::pending().await,
            }
        };
        let how = tokio::select! {
            biased;
            how = child => Some(how),
            () = &mut self.gone => None,
        };
        how.unwrap_or_else(|| {
            // What has completed is not asked again.
            self.gone = Box::pin(std::future::ready(()));
            CLOSED.to_owned()
        })
    }

    /// Hears of changes where the newer protocol wants them subscribed to; never completes where it does not.
    pub(crate) fn subscription(&self) -> impl Future<Output = ()> + Send + 'static {
        let (peer, stale) = (self.link.peer.clone(), self.stale.clone());
        async move {
            let wanted = peer.peer_info().filter(|server| !server.protocol_version.has_initialize()).map(|server| {
                SubscriptionFilter::builder().tools_list_changed().build().supported_by(&server.capabilities)
            });
            let Some(wanted) = wanted.filter(|wanted| *wanted != SubscriptionFilter::new()) else {
                return std::future::pending().await;
            };
            for attempt in 0..MOST_SUBSCRIPTIONS {
                if let Ok(mut heard) = peer.listen(wanted.clone()).await {
                    while let Ok(Some(_)) = heard.next().await {
                        stale.notify_one();
                    }
                }
                sleep(Duration::from_millis(500) * 2_u32.pow(attempt)).await;
                // What happened in between was not heard.
                stale.notify_one();
            }
            std::future::pending().await
        }
    }

    /// Closes the connection and ends what was started for it. Says how it ended, given what was seen of it.
    pub(crate) async fn close(mut self, seen: &str) -> String {
        self.close.cancel();
        let child = self.child.take();
        // Both at once: what does not close by itself is closed by the end of its program.
        let (_, words) = tokio::join!(timeout(TO_CLOSE, &mut self.gone), async {
            match child {
                Some(child) => child.end().await,
                None => LastWords::default(),
            }
        });
        obituary(self.fault.get().map_or(seen, String::as_str), &words)
    }
}

/// How a server ended: what was seen of it, how its program ended, and its last words.
fn obituary(seen: &str, words: &LastWords) -> String {
    let mut says = match &words.status {
        // A program that ended has closed its connection too; which of the two is seen first is chance.
        Some(status) if seen == CLOSED || seen == status => status.clone(),
        Some(status) => format!("{seen}; {status}"),
        None => seen.to_owned(),
    };
    if !words.stderr.is_empty() {
        says.push_str(&format!("; it last wrote: {}", words.stderr));
    }
    says
}

/// A client that follows no redirect to another origin: it would carry the session and the headers along.
fn client(address: &HttpServer, connect: Duration) -> Result<reqwest::Client, NoConnection> {
    let policy = Policy::custom(|attempt| {
        let keeps_body = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let keeps_origin = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
        if keeps_body && keeps_origin && attempt.previous().len() <= MOST_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = reqwest::Client::builder()
        .redirect(policy)
        .connect_timeout(connect)
        // A connection is not kept: taking one up again whose last answer was not read to its end stalls.
        .pool_max_idle_per_host(0);
    let host = address.url().host_str().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| NoConnection::new("no HTTP client can be made", Again::Maybe))
}
