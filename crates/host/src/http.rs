//! HTTP out: one request, one answer, with limits on both. No redirect is followed; the caller sees where it leads and
//! decides anew.
//!
//! Not here: what an answer means, or trying again.

use gate::Permit;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LINK, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long making a connection may take. A connection that was not made is known to have sent nothing.
const CONNECTING: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read by [`Net::send`].
const LARGEST_ANSWER: usize = 5 << 20;
/// The most bytes of an error's text that are kept.
const LARGEST_COMPLAINT: usize = 4 << 10;
/// The longest line of a stream.
const LONGEST_LINE: usize = 1 << 20;

/// The way out. Cheap to clone; the client behind it is made when it is first used.
///
/// The proxy variables of the environment are respected, but for addresses of this machine itself: what listens here is
/// not reached by way of elsewhere.
#[derive(Clone, Default)]
pub struct Net(Arc<Clients>);

#[derive(Default)]
struct Clients {
    out: OnceLock<Result<Client, String>>,
    loopback: OnceLock<Result<Client, String>>,
}

/// An `http` or `https` address that names a host and carries no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address to fetch from. What was written is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address at all.
    #[error("not an address; write it whole, like `https://example.org/page`")]
    Unreadable,
    /// Another way of fetching.
    #[error("only `http` and `https` addresses can be fetched")]
    Scheme,
    /// It carries a user name or a password.
    #[error("an address may not carry a user name or password")]
    Credentials,
    /// No host.
    #[error("the address names no host")]
    NoHost,
}

/// A secret that says who is asking. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct Bearer(String);

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// What the answer says it is.
    pub content_type: Option<String>,
    /// Where a redirect leads, as the answer spells it.
    pub location: Option<String>,
    /// The body, or its beginning; empty for a redirect.
    pub body: Vec<u8>,
    /// Whether the body is all of it.
    pub extent: Extent,
}

/// Whether something is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// It is.
    Whole,
    /// It goes on past the limit.
    Beginning,
}

/// How much an answer may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Bytes of the body, unpacked.
    pub bytes: usize,
    /// Time for all of it.
    pub time: Duration,
}

/// A request to a service.
#[derive(Clone, Debug)]
pub struct NetRequest {
    /// What is done at the address.
    pub method: Method,
    /// The address.
    pub address: Address,
    /// Who is asking.
    pub bearer: Option<Bearer>,
    /// The body, JSON text.
    pub json: Option<String>,
    /// How long the whole may take; for a stream, how long it may take to begin, and be silent.
    pub timeout: Duration,
}

/// What is done at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Look.
    Get,
    /// Make or do.
    Post,
    /// Put in place.
    Put,
    /// Change a part.
    Patch,
    /// Remove.
    Delete,
}

/// A service's answer to a request it accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetResponse {
    /// The status, 200 to 299.
    pub status: u16,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Where more of a list is, as the `Link` header spells it.
    pub link: Option<String>,
}

/// Why there is no answer. The kinds differ in what they say about the other side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The request certainly never left: nothing was done.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The service said no, or sent us elsewhere.
    #[error("the service answered with status {status}: {body}")]
    Answered {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        body: String,
        /// How long to wait, as the service spells it.
        retry_after: Option<String>,
    },
    /// The request left, and what became of it is not known.
    #[error("the request was sent, but its outcome is unknown: {0}")]
    Unknown(String),
}

/// The lines of an answer, as they come.
#[derive(Debug)]
pub struct Lines {
    response: Response,
    silence: Duration,
    ahead: Vec<u8>,
    searched: usize,
    is_over: bool,
}

impl Address {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        Address::checked(Url::parse(text.trim()).map_err(|_| AddressError::Unreadable)?)
    }

    /// Reads an address that may be relative to this one, such as where a redirect leads.
    pub fn join(&self, text: &str) -> Result<Address, AddressError> {
        Address::checked(self.0.join(text.trim()).map_err(|_| AddressError::Unreadable)?)
    }

    fn checked(url: Url) -> Result<Address, AddressError> {
        match url.scheme() {
            "http" | "https" => {}
            _other => return Err(AddressError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let address = Address(url);
        if address.host().is_empty() { Err(AddressError::NoHost) } else { Ok(address) }
    }

    /// The host in lower case, without the port, and without the dot that a full name may end in.
    pub fn host(&self) -> String {
        self.0.host_str().unwrap_or_default().trim_end_matches('.').to_lowercase()
    }

    /// Whether it is an address of this machine itself.
    fn is_loopback(&self) -> bool {
        let host = self.host();
        matches!(host.as_str(), "localhost" | "[::1]")
            || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether what is sent and answered is hidden from those on the way.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Bearer {
    /// Keeps a token.
    pub fn new(token: impl Into<String>) -> Bearer {
        Bearer(token.into())
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Net")
    }
}

impl Net {
    /// A way out that nobody has used yet.
    pub fn new() -> Net {
        Net::default()
    }

    /// Gets what is at an address, up to the limits. Any status is an answer; a redirect comes back as it is.
    pub async fn get<A>(&self, _: &Permit<A>, address: &Address, limits: FetchLimits) -> Result<Fetched, NetError> {
        let request = self.client(address)?.get(address.0.clone());
        within(limits.time, async {
            let response = request.send().await.map_err(broken)?;
            let status = response.status();
            let content_type = text_of(response.headers(), CONTENT_TYPE);
            let location = text_of(response.headers(), LOCATION).filter(|_| status.is_redirection());
            let (body, extent) = if location.is_some() {
                (Vec::new(), Extent::Whole)
            } else {
                beginning(response, limits.bytes).await?
            };
            Ok(Fetched { status: status.as_u16(), content_type, location, body, extent })
        })
        .await
    }

    /// Sends a request and takes the whole answer. A status that is no success is [`NetError::Answered`].
    pub async fn send<A>(&self, _: &Permit<A>, request: NetRequest) -> Result<NetResponse, NetError> {
        let timeout = request.timeout;
        let builder = self.builder(request)?;
        within(timeout, async {
            let response = accepted(builder).await?;
            let status = response.status().as_u16();
            let link = text_of(response.headers(), LINK);
            match beginning(response, LARGEST_ANSWER).await? {
                (body, Extent::Whole) => {
                    Ok(NetResponse { status, body: String::from_utf8_lossy(&body).into_owned(), link })
                }
                (_, Extent::Beginning) => {
                    Err(NetError::Unknown(format!("the answer is longer than {LARGEST_ANSWER} bytes")))
                }
            }
        })
        .await
    }

    /// Sends a request and takes its answer line by line, as server-sent events come.
    pub async fn stream<A>(&self, _: &Permit<A>, request: NetRequest) -> Result<Lines, NetError> {
        let silence = request.timeout;
        let builder = self.builder(request)?;
        let response = within(silence, accepted(builder)).await?;
        Ok(Lines { response, silence, ahead: Vec::new(), searched: 0, is_over: false })
    }

    fn client(&self, address: &Address) -> Result<&Client, NetError> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("remit/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(CONNECTING)
        };
        let made = match address.is_loopback() {
            true => self.0.loopback.get_or_init(|| builder().no_proxy().build().map_err(told)),
            false => self.0.out.get_or_init(|| builder().build().map_err(told)),
        };
        made.as_ref().map_err(|why| NetError::NotSent(why.clone()))
    }

    fn builder(&self, request: NetRequest) -> Result<RequestBuilder, NetError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.client(&request.address)?.request(method, request.address.0);
        if let Some(Bearer(token)) = &request.bearer {
            builder = builder.bearer_auth(token);
        }
        Ok(match request.json {
            Some(json) => builder.header(CONTENT_TYPE, "application/json").body(json),
            None => builder,
        })
    }
}

impl Lines {
    /// The next line without its ending, or `None` when the answer has ended.
    ///
    /// Bytes that are not UTF-8 are replaced. An answer that breaks off, or is silent for too long, is an error, not an end.
    pub async fn next(&mut self) -> Result<Option<String>, NetError> {
        loop {
            if let Some(at) = self.ahead[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=self.searched + at).collect();
                self.searched = 0;
                return Ok(Some(without_ending(&line)));
            }
            self.searched = self.ahead.len();
            if self.ahead.len() > LONGEST_LINE {
                return Err(NetError::Unknown(format!("a line is longer than {LONGEST_LINE} bytes")));
            }
            if self.is_over {
                let rest = std::mem::take(&mut self.ahead);
                self.searched = 0;
                return Ok(if rest.is_empty() { None } else { Some(without_ending(&rest)) });
            }
            let more = within(self.silence, async { self.response.chunk().await.map_err(broken) }).await?;
            match more {
                Some(bytes) => self.ahead.extend_from_slice(&bytes),
                None => self.is_over = true,
            }
        }
    }
}

fn without_ending(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

/// Sends, and turns a status that is no success into an error.
async fn accepted(builder: RequestBuilder) -> Result<Response, NetError> {
    let response = builder.send().await.map_err(broken)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = text_of(response.headers(), RETRY_AFTER);
    // The status is known whatever becomes of the body.
    let body = beginning(response, LARGEST_COMPLAINT).await.map(|(body, _)| body).unwrap_or_default();
    Err(NetError::Answered { status: status.as_u16(), body: complaint(status, &body), retry_after })
}

fn complaint(status: StatusCode, body: &[u8]) -> String {
    let said = String::from_utf8_lossy(body).trim().to_owned();
    if said.is_empty() { status.canonical_reason().unwrap_or("no reason given").to_owned() } else { said }
}

/// Reads a body up to a limit.
async fn beginning(mut response: Response, limit: usize) -> Result<(Vec<u8>, Extent), NetError> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(broken)? {
        let room = limit - body.len();
        if bytes.len() > room {
            body.extend_from_slice(&bytes[..room]);
            return Ok((body, Extent::Beginning));
        }
        body.extend_from_slice(&bytes);
    }
    Ok((body, Extent::Whole))
}

async fn within<T>(time: Duration, work: impl Future<Output = Result<T, NetError>>) -> Result<T, NetError> {
    match tokio::time::timeout(time, work).await {
        Ok(done) => done,
        Err(_) => Err(NetError::Unknown(format!("no answer within {} s", time.as_secs_f32()))),
    }
}

/// What an error of the client says about the other side: only what never got a connection was surely not sent.
fn broken(why: reqwest::Error) -> NetError {
    let is_unsent = why.is_builder() || why.is_connect();
    let told = told(why);
    if is_unsent { NetError::NotSent(told) } else { NetError::Unknown(told) }
}

/// The error and its causes, without the address: it may hold a secret.
fn told(why: reqwest::Error) -> String {
    let why = why.without_url();
    let (mut text, mut cause) = (why.to_string(), std::error::Error::source(&why));
    while let Some(deeper) = cause {
        let said = deeper.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = deeper.source();
    }
    text
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}
