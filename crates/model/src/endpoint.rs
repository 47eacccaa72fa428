//! Where a model is, and how much it may send.
//!
//! Not here: which services there are (that is `provider`), or speaking with them.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::quirks::Quirks;
use crate::retry::Retry;
use crate::secret::Secret;

/// The language a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI's chat completions, which most services and local servers speak.
    ChatCompletions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 3] = [Dialect::ChatCompletions, Dialect::Responses, Dialect::Anthropic];

    /// Returns its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::ChatCompletions => "chat-completions",
            Dialect::Responses => "responses",
            Dialect::Anthropic => "anthropic",
        }
    }

    /// Finds a dialect by its name.
    pub fn named(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    fn path(self) -> &'static str {
        match self {
            Dialect::ChatCompletions => "/chat/completions",
            Dialect::Responses => "/responses",
            Dialect::Anthropic => "/messages",
        }
    }
}

/// How long a request may take, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the response begins; a local server may read a long prompt before it does.
    pub first_byte: Duration,
    /// Between two pieces of the response.
    pub idle: Duration,
    /// For the whole response.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(15),
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(120),
            whole: Duration::from_secs(3600),
        }
    }
}

/// How large an answer may be, in bytes but for the calls. The defaults are far above what models give today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// One line of the stream, and one event.
    pub line: usize,
    /// The whole stream.
    pub stream: usize,
    /// What is said.
    pub text: usize,
    /// What is thought.
    pub reasoning: usize,
    /// What the service wants back unread.
    pub opaque: usize,
    /// The number of tool calls.
    pub calls: usize,
    /// The names, identifiers and arguments of all tool calls together.
    pub arguments: usize,
}

impl Default for Caps {
    fn default() -> Caps {
        const MIB: usize = 1 << 20;
        Caps {
            line: 16 * MIB,
            stream: 256 * MIB,
            text: 2 * MIB,
            reasoning: 4 * MIB,
            opaque: 8 * MIB,
            calls: 256,
            arguments: 4 * MIB,
        }
    }
}

/// One model of one service: everything a request needs but the conversation.
#[derive(Clone)]
pub struct Endpoint {
    dialect: Dialect,
    base_url: Url,
    /// The model, as the service spells it.
    pub model: String,
    /// The key, where the service wants one.
    pub key: Option<Secret>,
    /// Further headers that the configuration names. Their values may be keys.
    pub headers: Vec<(String, Secret)>,
    /// Further fields of the request that the configuration names (an effort, a temperature). They never replace a
    /// field that this crate writes: above all the output limit is what the money was counted by.
    pub body: Map<String, Value>,
    /// The same word for all requests of one conversation, so that a service finds its prompt cache again.
    pub cache_key: Option<String>,
    /// How the service differs from others of its dialect.
    pub quirks: Quirks,
    /// How long a request may take.
    pub timeouts: Timeouts,
    /// How large an answer may be.
    pub caps: Caps,
    /// When a failed request is tried again.
    pub retry: Retry,
}

/// Why an address is none that a model can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadEndpoint {
    /// It is no address at all.
    #[error("`{0}` is not an address such as https://api.example.com/v1")]
    NotAUrl(String),
    /// It is neither `http` nor `https`.
    #[error("the address has the scheme `{0}`; only http and https can be spoken to")]
    Scheme(String),
    /// It has a user name or a password in it, which would be printed with it.
    #[error("the address of `{0}` has a user name or password in it; a key belongs into the key's own setting")]
    Credentials(String),
}

impl Endpoint {
    /// Makes an endpoint with every setting at its default.
    pub fn new(dialect: Dialect, base_url: &str, model: &str) -> Result<Endpoint, BadEndpoint> {
        let url = Url::parse(base_url.trim()).map_err(|_| BadEndpoint::NotAUrl(base_url.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadEndpoint::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadEndpoint::Credentials(host.to_owned()));
        }
        Ok(Endpoint {
            quirks: Quirks::of(dialect, host, model),
            dialect,
            model: model.to_owned(),
            key: None,
            headers: Vec::new(),
            body: Map::new(),
            cache_key: None,
            timeouts: Timeouts::default(),
            caps: Caps::default(),
            retry: Retry::default(),
            base_url: url,
        })
    }

    /// Returns the dialect that is spoken.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the service's name towards people: its host, and its port where that is unusual.
    pub fn service(&self) -> String {
        let host = self.base_url.host_str().unwrap_or_default();
        self.base_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns whether the service is on this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.base_url.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Returns whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// Returns the address of a request. A base that has the path already keeps it, and one for Anthropic's dialect
    /// may leave its `/v1` out, as that service's own tools do.
    pub(crate) fn url(&self) -> Url {
        let base = self.base_url.path().trim_end_matches('/');
        let path = self.dialect.path();
        let path = match self.dialect {
            _ if base.ends_with(path) => base.to_owned(),
            Dialect::Anthropic if !base.ends_with("/v1") => format!("{base}/v1{path}"),
            Dialect::Anthropic | Dialect::ChatCompletions | Dialect::Responses => format!("{base}{path}"),
        };
        let mut url = self.base_url.clone();
        url.set_path(&path);
        url
    }

    /// Returns everything that must not be seen in a message.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        self.key.iter().chain(self.headers.iter().map(|(_, value)| value)).collect()
    }

    /// Adds the configuration's fields to a request's body, those excepted that it has.
    pub(crate) fn complete(&self, mut body: Map<String, Value>) -> Value {
        for (field, value) in &self.body {
            body.entry(field.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(body)
    }
}

impl fmt::Debug for Endpoint {
    /// Leaves out what may be a secret: the key, the headers' values, and the address's query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("dialect", &self.dialect)
            .field("service", &self.service())
            .field("path", &self.base_url.path())
            .field("model", &self.model)
            .field("key", &self.key)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(dialect: Dialect, base: &str) -> String {
        Endpoint::new(dialect, base, "m").unwrap().url().to_string()
    }

    #[test]
    fn the_address_of_a_request_follows_from_the_base() {
        use Dialect::*;
        assert_eq!(url(ChatCompletions, "https://a.example/v1/"), "https://a.example/v1/chat/completions");
        assert_eq!(url(ChatCompletions, "https://a.example"), "https://a.example/chat/completions");
        assert_eq!(
            url(ChatCompletions, "https://a.example/x/chat/completions?api-version=1"),
            "https://a.example/x/chat/completions?api-version=1"
        );
        assert_eq!(url(Responses, "https://a.example/v1"), "https://a.example/v1/responses");
        assert_eq!(url(Anthropic, "https://a.example"), "https://a.example/v1/messages");
        assert_eq!(url(Anthropic, "https://a.example/v1"), "https://a.example/v1/messages");
        assert_eq!(url(Anthropic, "https://a.example/anthropic"), "https://a.example/anthropic/v1/messages");
    }

    #[test]
    fn an_address_that_cannot_be_spoken_to_is_refused_without_printing_a_password() {
        let bad = |base| Endpoint::new(Dialect::Responses, base, "m").unwrap_err().to_string();
        assert!(bad("api.example.com").contains("`api.example.com`"));
        assert!(bad("ftp://api.example.com").contains("`ftp`"));
        let message = bad("https://me:hunter22@api.example.com");
        assert!(!message.contains("hunter22"), "{message}");
    }

    #[test]
    fn a_printed_endpoint_shows_no_secret() {
        let mut endpoint = Endpoint::new(Dialect::Anthropic, "https://a.example/v1?token=hunter21", "m").unwrap();
        endpoint.key = Some(Secret::new("hunter22"));
        endpoint.headers.push(("x-proxy".into(), Secret::new("hunter23")));
        let shown = format!("{endpoint:?} {}", endpoint.service());
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("a.example"), "{shown}");
    }

    #[test]
    fn the_services_of_this_machine_are_known() {
        for (base, here) in [
            ("http://127.0.0.1:8000/v1", true),
            ("http://127.9.9.9/v1", true),
            ("http://localhost:11434/v1", true),
            ("http://[::1]:8000/v1", true),
            ("http://10.0.0.1/v1", false),
            ("https://api.example.com/v1", false),
            ("https://localhost.example.com/v1", false),
        ] {
            assert_eq!(Endpoint::new(Dialect::ChatCompletions, base, "m").unwrap().is_loopback(), here, "{base}");
        }
    }

    #[test]
    fn the_configuration_adds_fields_and_replaces_none() {
        let mut endpoint = Endpoint::new(Dialect::ChatCompletions, "https://a.example/v1", "m").unwrap();
        endpoint.body.insert("temperature".into(), 0.into());
        endpoint.body.insert("max_tokens".into(), 1_000_000.into());
        let body = endpoint.complete(Map::from_iter([("max_tokens".to_owned(), Value::from(10))]));
        assert_eq!(body.to_string(), r#"{"max_tokens":10,"temperature":0}"#);
    }
}
