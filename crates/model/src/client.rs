//! Asking a model over the network: one request, its stream, and the attempts after a failure.
//!
//! Not here: what the bytes mean (that is `decode`), or whether the request may be made at all.

use std::error::Error;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use turn::chat::Prompt;

use crate::completion::{Completion, Heard, Spent};
use crate::decode::{Arrival, Decoder, Trouble, Whole};
use crate::endpoint::{Dialect, Endpoint};
use crate::error::{Lost, ModelError, Said, presentable, presentable_id};
use crate::fault::{Fault, FaultKind};
use crate::retry::asked_wait;
use crate::{anthropic, chat_completions, responses};

/// The most that is read of a refusal, and how long it may take.
const LONGEST_REFUSAL: usize = 64 << 10;
const REFUSAL_TIME: Duration = Duration::from_secs(10);
/// How long to wait for the tokens to be counted once the answer is whole.
const COUNT_TIME: Duration = Duration::from_secs(5);
/// How long to wait for the stream to end in order once it is over, so that the connection can be used again.
const END_TIME: Duration = Duration::from_millis(100);

/// A model on the network.
///
/// Making one costs nothing: the connection's machinery (and, for an encrypted one, the platform's certificates, which
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace) is set up by the first request.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    http: OnceLock<reqwest::Client>,
}

/// A request that brought no answer.
struct Failure {
    why: ModelError,
    spent: Spent,
    again: Again,
    heard: Voice,
}

/// Whether another one could bring it.
#[derive(Clone, Copy, PartialEq)]
enum Again {
    Maybe,
    Never,
}

/// Whether anything of an answer was passed on.
#[derive(Clone, Copy, PartialEq)]
enum Voice {
    Silent,
    Heard,
}

impl Client {
    /// Makes a client for one model.
    pub fn new(endpoint: Endpoint) -> Client {
        Client { endpoint, http: OnceLock::new() }
    }

    /// Returns where it asks.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the body of the request that a prompt becomes, for measuring it and for looking at it.
    pub fn body(&self, prompt: &Prompt) -> Value {
        match self.endpoint.dialect() {
            Dialect::ChatCompletions => chat_completions::encode(&self.endpoint, prompt),
            Dialect::Responses => responses::encode(&self.endpoint, prompt),
            Dialect::Anthropic => anthropic::encode(&self.endpoint, prompt),
        }
    }

    /// Makes one attempt. See [`crate::Model::attempt`].
    pub async fn attempt(
        &self,
        prompt: &Prompt,
        number: u32,
        heard: &mut (dyn FnMut(Heard) + Send),
    ) -> Result<Completion, Lost> {
        let body = self.body(prompt).to_string().into_bytes();
        let failure = match self.try_once(prompt, body, heard).await {
            Ok((whole, request_id)) => return Ok(self.completion(whole, request_id)),
            Err(failure) => failure,
        };
        if failure.heard == Voice::Heard {
            heard(Heard::Restarted);
        }
        let wait = self.wait(&failure, number);
        Err(Lost { why: Box::new(failure.why), spent: failure.spent, wait })
    }

    fn wait(&self, failure: &Failure, number: u32) -> Option<Duration> {
        let worth = failure.again == Again::Maybe && failure.why.is_worth_another(number);
        worth.then(|| self.endpoint.retry.wait(number, failure.why.retry_after()))?
    }

    fn completion(&self, whole: Whole, request_id: Option<String>) -> Completion {
        let secrets = self.endpoint.secrets();
        let model = whole.model.map(|model| presentable(&model, &secrets)).filter(|model| !model.is_empty());
        Completion {
            reply: whole.reply,
            usage: whole.usage,
            stop: whole.stop,
            model: model.unwrap_or_else(|| self.endpoint.model.clone()),
            request_id: request_id.or_else(|| presentable_id(&whole.id?, &secrets)),
        }
    }

    /// Sends one request: it ends in a whole answer or in nothing.
    async fn try_once(
        &self,
        prompt: &Prompt,
        body: Vec<u8>,
        heard: &mut (dyn FnMut(Heard) + Send),
    ) -> Result<(Whole, Option<String>), Failure> {
        let deadline = Instant::now() + self.endpoint.timeouts.whole;
        let request = self.http()?.post(self.endpoint.url()).headers(self.headers()?).body(body);
        let sent = timeout(self.endpoint.timeouts.first_byte, request.send()).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.unsent(error)),
            Err(_) => return Err(self.cut("no response within the time allowed for its first byte", None)),
        };
        if response.status() != StatusCode::OK {
            return Err(self.refused(response).await);
        }
        let request_id = self.request_id(response.headers());
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.to_ascii_lowercase();
        if media.contains("html") {
            let words = "a web page came where an answer was expected; the address may be wrong";
            return Err(self.lost(
                ModelError::Garbled(self.said(Some(200), words, request_id)),
                Spent::Nothing,
                Again::Never,
            ));
        }
        let mut listener = Listener {
            client: self,
            decoder: Decoder::new(self.endpoint.dialect(), &self.endpoint.model, prompt, self.endpoint.caps),
            heard,
            voice: Voice::Silent,
            request_id,
        };
        let read = match media.contains("json") {
            true => listener.read_whole(response, deadline).await,
            false => listener.read_stream(response, deadline).await,
        };
        match read {
            Ok(()) => Ok((listener.decoder.finish(), listener.request_id)),
            Err(lost) => Err(Failure { heard: listener.voice, ..lost }),
        }
    }

    fn http(&self) -> Result<&reqwest::Client, Failure> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let mut builder = reqwest::Client::builder()
            // Streams do not overlap on one connection here, so the second version would only add to the first request.
            .http1_only()
            .no_gzip()
            .user_agent(concat!("remit/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.endpoint.timeouts.connect)
            // A redirect would take the key to another host; a retry that nobody sees would cost money that nobody sees.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if self.endpoint.is_loopback() {
            builder = builder.no_proxy();
            if !self.endpoint.is_encrypted() {
                // No certificate can be asked for, so the platform's need not be read.
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|error| {
            self.lost(ModelError::Network(self.said(None, &chain(&error), None)), Spent::Nothing, Again::Never)
        })?;
        Ok(self.http.get_or_init(|| http))
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let anthropic = self.endpoint.dialect() == Dialect::Anthropic;
        if anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
        }
        if let Some(key) = self.endpoint.key.as_ref().filter(|key| !key.is_empty()) {
            let (name, text) = match anthropic {
                true => (HeaderName::from_static("x-api-key"), key.expose().to_owned()),
                false => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            };
            headers.insert(name, self.header(&text, "the key")?);
        }
        for (name, value) in &self.endpoint.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes());
            let parsed = parsed.map_err(|_| self.unfit(&format!("`{name}` cannot be the name of a header")))?;
            headers.insert(parsed, self.header(value.expose(), &format!("the value of the header `{name}`"))?);
        }
        Ok(headers)
    }

    fn header(&self, text: &str, what: &str) -> Result<HeaderValue, Failure> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| self.unfit(&format!("{what} has characters in it that a header cannot carry")))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn unfit(&self, words: &str) -> Failure {
        self.lost(ModelError::Auth(self.said(None, words, None)), Spent::Nothing, Again::Never)
    }

    /// Makes an error of a request that got no response.
    fn unsent(&self, error: reqwest::Error) -> Failure {
        let connecting = error.is_connect();
        let words = chain(&error.without_url());
        let spent = if connecting { Spent::Nothing } else { Spent::Unknown };
        if words.contains("invalid peer certificate") {
            return self.lost(ModelError::Untrusted(self.said(None, &words, None)), spent, Again::Never);
        }
        // On this machine nobody is about to come back: the person has to start the server.
        let again = if connecting && self.endpoint.is_loopback() { Again::Never } else { Again::Maybe };
        self.lost(ModelError::Network(self.said(None, &words, None)), spent, again)
    }

    /// Makes an error of a response that is a refusal.
    async fn refused(&self, mut response: Response) -> Failure {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let asked = asked_wait(header, SystemTime::now());
        let again = if header("x-should-retry") == Some("false") { Again::Never } else { Again::Maybe };
        let request_id = self.request_id(response.headers());
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(bytes)) = response.chunk().await {
                let room = LONGEST_REFUSAL - body.len();
                body.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if body.len() == LONGEST_REFUSAL {
                    break;
                }
            }
        };
        // A refusal that stalls is a refusal all the same.
        timeout(REFUSAL_TIME, read).await.unwrap_or_default();
        let mut fault = Fault::of_body(&body);
        if response.status().is_redirection() {
            fault.words = "the service is at another address; requests are not redirected, for the key's sake".into();
        }
        fault.retry_after = asked.or(fault.retry_after);
        let why = self.complaint(&fault, status, request_id);
        self.lost(why, Spent::Nothing, again)
    }

    fn complaint(&self, fault: &Fault, status: u16, request_id: Option<String>) -> ModelError {
        let said = self.said(Some(status), &fault.words, request_id);
        match fault.kind(Some(status)) {
            FaultKind::Auth => ModelError::Auth(said),
            FaultKind::Quota => ModelError::Quota(said),
            FaultKind::RateLimited => ModelError::RateLimited { said, retry_after: fault.retry_after },
            FaultKind::ContextTooLong => ModelError::ContextTooLong(said),
            FaultKind::BadRequest => ModelError::BadRequest(said),
            FaultKind::Down => ModelError::Down { said, retry_after: fault.retry_after },
        }
    }

    fn cut(&self, words: &str, request_id: Option<String>) -> Failure {
        self.lost(ModelError::Cut(self.said(None, words, request_id)), Spent::Unknown, Again::Maybe)
    }

    fn lost(&self, why: ModelError, spent: Spent, again: Again) -> Failure {
        Failure { why, spent, again, heard: Voice::Silent }
    }

    fn said(&self, status: Option<u16>, words: &str, request_id: Option<String>) -> Box<Said> {
        let words = presentable(words, &self.endpoint.secrets());
        Box::new(Said { service: self.endpoint.service(), status, words, request_id })
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let known = ["x-request-id", "request-id", "x-amzn-requestid", "cf-ray"];
        let id = known.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
        presentable_id(id, &self.endpoint.secrets())
    }
}

/// One response that is being read.
struct Listener<'a> {
    client: &'a Client,
    decoder: Decoder,
    heard: &'a mut (dyn FnMut(Heard) + Send),
    voice: Voice,
    request_id: Option<String>,
}

impl Listener<'_> {
    async fn read_stream(&mut self, mut response: Response, mut deadline: Instant) -> Result<(), Failure> {
        let idle = self.client.endpoint.timeouts.idle;
        let mut before = Arrival::Speaking;
        loop {
            let arrival = self.decoder.arrival();
            if arrival != before {
                // What follows an answer gets so much time in all, however much of it comes.
                let rest = if arrival == Arrival::Over { END_TIME } else { COUNT_TIME };
                deadline = deadline.min(Instant::now() + rest);
                before = arrival;
            }
            let now = Instant::now();
            // A flood is always ready, so a timeout alone would never strike.
            if now >= deadline {
                return self.must_be_whole("the answer took longer than is allowed");
            }
            let wait_until = deadline.min(now + idle);
            match timeout_at(wait_until, response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.pass_on(|decoder, out| decoder.push(&bytes, out))?,
                Ok(Ok(None)) => {
                    self.pass_on(|decoder, out| decoder.end(out))?;
                    return self.must_be_whole("the stream ended before the answer did");
                }
                // The answer is there: that the connection then fails is nothing to anybody.
                Ok(Err(_)) | Err(_) if arrival != Arrival::Speaking => return Ok(()),
                Ok(Err(error)) => return Err(self.cut(&chain(&error.without_url()))),
                Err(_) if wait_until == deadline => continue,
                Err(_) => return Err(self.cut(&format!("nothing came for {idle:?}"))),
            }
        }
    }

    async fn read_whole(&mut self, mut response: Response, deadline: Instant) -> Result<(), Failure> {
        let mut body = Vec::new();
        loop {
            let wait_until = deadline.min(Instant::now() + self.client.endpoint.timeouts.idle);
            match timeout_at(wait_until, response.chunk()).await {
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() > self.client.endpoint.caps.line => {
                    return Err(self.trouble(Trouble::TooMuch("the answer has no end".into())));
                }
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(self.cut(&chain(&error.without_url()))),
                Err(_) => return Err(self.cut("the answer stalled")),
            }
        }
        self.pass_on(|decoder, out| decoder.whole_body(&body, out))?;
        self.must_be_whole("the service answered with JSON that is no answer")
    }

    fn pass_on(
        &mut self,
        read: impl FnOnce(&mut Decoder, &mut Vec<Heard>) -> Result<(), Trouble>,
    ) -> Result<(), Failure> {
        let mut out = Vec::new();
        let read = read(&mut self.decoder, &mut out);
        for heard in out {
            self.voice = Voice::Heard;
            (self.heard)(heard);
        }
        match read {
            Ok(()) => Ok(()),
            // The answer is there: rubbish or a complaint after its end takes nothing away from it.
            Err(Trouble::Garbled(_) | Trouble::Refused(_)) if self.decoder.arrival() != Arrival::Speaking => {
                self.decoder.close();
                Ok(())
            }
            Err(trouble) => Err(self.trouble(trouble)),
        }
    }

    fn must_be_whole(&self, words: &str) -> Result<(), Failure> {
        if self.decoder.arrival() == Arrival::Speaking { Err(self.cut(words)) } else { Ok(()) }
    }

    fn trouble(&self, trouble: Trouble) -> Failure {
        let said = |words: &str| self.client.said(Some(200), words, self.request_id.clone());
        let why = match trouble {
            Trouble::TooMuch(words) => ModelError::TooMuch(said(&words)),
            Trouble::Garbled(words) => ModelError::Garbled(said(&words)),
            Trouble::Refused(fault) => self.client.complaint(&fault, 200, self.request_id.clone()),
        };
        self.client.lost(why, self.spent(), Again::Maybe)
    }

    fn cut(&self, words: &str) -> Failure {
        Failure { spent: self.spent(), ..self.client.cut(words, self.request_id.clone()) }
    }

    fn spent(&self) -> Spent {
        self.decoder.usage().map_or(Spent::Unknown, Spent::Known)
    }
}

/// Returns an error with everything that caused it, but for the first lines of the library, which say next to nothing.
fn chain(error: &(dyn Error + 'static)) -> String {
    const EMPTY: [&str; 3] = ["error sending request", "client error", "error decoding response body"];
    let (mut empty, mut telling) = (Vec::new(), Vec::new());
    let mut next = Some(error);
    while let Some(cause) = next {
        let words = cause.to_string();
        let list = if EMPTY.iter().any(|empty| words.starts_with(empty)) { &mut empty } else { &mut telling };
        list.push(words);
        next = cause.source();
    }
    let mut words = String::new();
    for cause in if telling.is_empty() { empty } else { telling } {
        if !words.contains(&cause) {
            words = if words.is_empty() { cause } else { format!("{words}: {cause}") };
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn client(base: &str) -> Client {
        Client::new(Endpoint::new(Dialect::ChatCompletions, base, "m").unwrap())
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_an_error_that_does_not_show_it() {
        let mut client = client("https://a.example/v1");
        client.endpoint.key = Some(Secret::new("sk-secret\nsk-secret"));
        let lost = client.headers().err().unwrap();
        assert!(matches!(lost.why, ModelError::Auth(_)));
        assert!(!lost.why.to_string().contains("sk-secret"), "{}", lost.why);
    }

    #[test]
    fn the_key_is_where_the_dialect_wants_it_and_marked_as_sensitive() {
        for (dialect, name, value) in [
            (Dialect::ChatCompletions, "authorization", "Bearer sk-secret"),
            (Dialect::Responses, "authorization", "Bearer sk-secret"),
            (Dialect::Anthropic, "x-api-key", "sk-secret"),
        ] {
            let mut endpoint = Endpoint::new(dialect, "https://a.example/v1", "m").unwrap();
            endpoint.key = Some(Secret::new("sk-secret"));
            endpoint.headers.push(("x-title".into(), Secret::new("remit")));
            let headers = Client::new(endpoint).headers().ok().unwrap();
            assert_eq!(headers[name], value);
            assert!(headers[name].is_sensitive() && headers["x-title"].is_sensitive());
            assert!(!format!("{headers:?}").contains("sk-secret"));
        }
    }

    #[test]
    fn rubbish_is_tried_twice_and_a_wish_that_is_too_long_is_an_error() {
        let client = client("https://a.example/v1");
        let garbled = client.lost(ModelError::Garbled(client.said(None, "", None)), Spent::Unknown, Again::Maybe);
        assert!(client.wait(&garbled, 1).is_some());
        assert!(client.wait(&garbled, 2).is_none());
        let limited = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            let why = ModelError::RateLimited { said: client.said(None, "", None), retry_after };
            client.lost(why, Spent::Nothing, Again::Maybe)
        };
        assert_eq!(client.wait(&limited(20), 1), Some(Duration::from_secs(20)));
        assert_eq!(client.wait(&limited(500), 1), None);
        let never = Failure { again: Again::Never, ..limited(1) };
        assert_eq!(client.wait(&never, 1), None);
    }
}
