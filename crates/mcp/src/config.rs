//! What a person's configuration says about their servers, checked once.
//!
//! Not here: reading a configuration file. A server comes from the person's own configuration and from nowhere else.

use crate::text::one_line;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The headers that the protocol itself sets; a server that got two of them could not say which one counts.
const RESERVED: [&str; 6] =
    ["accept", "content-type", "host", "last-event-id", "mcp-protocol-version", "mcp-session-id"];

/// The shortest value that is taken out of error texts. A shorter one would take ordinary words along.
const SHORTEST_SCRUBBED: usize = 8;

/// One server, as the person configured it.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What the person calls it.
    pub name: ServerName,
    /// How it is reached.
    pub transport: Transport,
    /// How long it is waited for, and how often it is started again.
    pub patience: Patience,
}

/// What a person calls a server: 1 to 32 of `a-z`, `0-9`, `_` and `-`.
///
/// Two `_` in a row, and one at the end, are not taken: `__` stands between server and tool in the name that a model
/// uses, and a name with it could be read as that of another server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A program of ours, spoken to over its standard input and output.
    Stdio(StdioServer),
    /// A service, spoken to over streamable HTTP.
    Http(HttpServer),
}

/// A program that serves MCP on its standard input and output. Its `Debug` shows neither its arguments nor the values of
/// its environment: people put secrets in both.
#[derive(Clone)]
pub struct StdioServer {
    /// The program, looked up in the `PATH` of its environment.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What its environment has beside that of every child program; the values may be secrets.
    pub env: Vec<(String, String)>,
    /// The folder it runs in; `None` is the workspace.
    pub folder: Option<PathBuf>,
}

/// What every program that is started as a server gets from this one. Its `Debug` shows no value of the environment.
#[derive(Clone)]
pub struct Surroundings {
    /// The environment: what a child program may see, without keys of ours.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder they run in, if their configuration names no other: the workspace.
    pub folder: PathBuf,
}

/// Where a service listens, and what it is to be told with each request. Its `Debug` shows no query and no header value.
#[derive(Clone)]
pub struct HttpServer {
    url: Url,
    headers: HeaderMap,
}

/// How long a server is waited for, and how often it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until it has connected.
    pub connect: Duration,
    /// Until it has listed what it offers.
    pub list: Duration,
    /// Until a call says something: an answer, or progress, with which the time starts anew.
    pub call: Duration,
    /// How many times in a row it is started again when it ends by itself.
    pub restarts: u32,
    /// The wait before the first of these; each next one is twice as long.
    pub first_wait: Duration,
}

/// Why a server cannot be as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadServer {
    /// The name is not one.
    #[error("`{0}` is no name for a server: write 1 to 32 of `a-z`, `0-9`, `-` and single `_`, and no `_` at the end")]
    Name(String),
    /// Two servers have one name.
    #[error("there are two servers called `{0}`")]
    Twice(ServerName),
    /// There is no program.
    #[error("a server needs a command")]
    NoCommand,
    /// A part of the program's command line or environment cannot be handed to a program.
    #[error("`{0}` cannot be handed to a program")]
    NotForPrograms(String),
    /// The address is not one that can be spoken to.
    #[error("`{url}` is no address of a server: {why}")]
    Url {
        /// The address, without what may be secret in it.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// A header cannot be sent.
    #[error("the header `{name}` cannot be sent: {why}")]
    Header {
        /// The header's name.
        name: String,
        /// What is wrong; never the value.
        why: &'static str,
    },
}

impl FromStr for ServerName {
    type Err = BadServer;

    fn from_str(text: &str) -> Result<ServerName, BadServer> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
            && !text.contains("__")
            && !text.ends_with('_');
        if fits { Ok(ServerName(text.to_owned())) } else { Err(BadServer::Name(one_line(text, 64))) }
    }
}

impl ServerName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for Patience {
    /// Ten seconds to connect, ten to list, ten minutes of silence in a call, five restarts from a quarter second on.
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(10),
            list: Duration::from_secs(10),
            call: Duration::from_secs(600),
            restarts: 5,
            first_wait: Duration::from_millis(250),
        }
    }
}

impl StdioServer {
    /// Checks that a program could be started like this; whether it is there, starting it will tell.
    pub(crate) fn check(&self) -> Result<(), BadServer> {
        if self.command.is_empty() {
            return Err(BadServer::NoCommand);
        }
        let names = self.env.iter().map(|(name, _)| name);
        if let Some(bad) = names.clone().find(|name| name.is_empty() || name.contains('=')) {
            return Err(BadServer::NotForPrograms(one_line(bad, 64)));
        }
        let words = self.args.iter().chain([&self.command]).chain(names);
        match words.chain(self.env.iter().map(|(_, value)| value)).any(|word| word.contains('\0')) {
            true => Err(BadServer::NotForPrograms("\\0".to_owned())),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for StdioServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<&String> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("StdioServer")
            .field("command", &self.command)
            .field("args", &self.args.len())
            .field("env", &env)
            .field("folder", &self.folder)
            .finish()
    }
}

impl HttpServer {
    /// Reads an address and the headers to send there. Secrets belong in a header: a URL shows up in logs of others.
    pub fn new(url: &str, headers: &[(String, String)]) -> Result<HttpServer, BadServer> {
        let shown = one_line(url.split(['?', '#']).next().unwrap_or_default(), 200);
        let wrong = |url: String, why: &str| BadServer::Url { url, why: why.to_owned() };
        let parsed = Url::parse(url).map_err(|why| wrong(shown.clone(), &why.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong(shown, "only `http` and `https` are spoken"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(wrong(bare(&parsed), "it has a password in it; send a header instead"));
        }
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let bad = |why| BadServer::Header { name: one_line(name, 64), why };
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("that is no name of a header"))?;
            if RESERVED.contains(&parsed.as_str()) {
                return Err(bad("the protocol sets it"));
            }
            let mut value =
                HeaderValue::from_str(value).map_err(|_| bad("its value has characters that no header has"))?;
            value.set_sensitive(true);
            map.insert(parsed, value);
        }
        Ok(HttpServer { url: parsed, headers: map })
    }

    /// The whole address.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The headers, marked as secret.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsString> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Surroundings").field("environment", &names).field("folder", &self.folder).finish()
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("HttpServer").field("url", &bare(&self.url)).field("headers", &headers).finish()
    }
}

/// An address without what may be secret in it.
fn bare(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

impl ServerConfig {
    /// Takes what the configuration gave the server out of a text about an error: header values, the query of its
    /// address, values of its environment, each if it is long enough to be a secret.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.secrets().filter(|secret| secret.len() >= SHORTEST_SCRUBBED) {
            clean = clean.replace(secret, "[hidden]");
        }
        clean
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let (env, address) = match &self.transport {
            Transport::Stdio(program) => (program.env.as_slice(), None),
            Transport::Http(address) => (&[] as &[(String, String)], Some(address)),
        };
        let headers = address.into_iter().flat_map(|address| address.headers.values());
        let words = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| [value].into_iter().chain(value.split(' ')));
        let query = address.and_then(|address| address.url.query());
        let query = query.into_iter().chain(query.into_iter().flat_map(|query| query.split(['&', '='])));
        env.iter().map(|(_, value)| value.as_str()).chain(words).chain(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<ServerName, BadServer> {
        name.parse()
    }

    fn http(url: &str, headers: &[(&str, &str)]) -> Result<HttpServer, BadServer> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HttpServer::new(url, &headers)
    }

    #[test]
    fn a_server_has_a_plain_name_that_cannot_be_read_as_anothers() {
        for good in ["a", "forge", "my-files_2", "_a", "0", &"x".repeat(32)] {
            assert_eq!(named(good).unwrap().as_str(), good);
        }
        for bad in ["", "Forge", "a__b", "a_", "a/b", "a b", "é", &"x".repeat(33)] {
            assert_eq!(named(bad), Err(BadServer::Name(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn an_address_is_http_without_a_password_in_it() {
        assert!(http("http://127.0.0.1:9/mcp", &[]).is_ok());
        for (url, shown, why) in [
            ("nonsense?key=hush-hush", "nonsense", "relative URL without a base"),
            ("file:///etc/passwd", "file:///etc/passwd", "only `http` and `https` are spoken"),
            ("https://me:hush@x.example/a?b", "https://x.example/a", "it has a password in it; send a header instead"),
        ] {
            assert_eq!(http(url, &[]).unwrap_err(), BadServer::Url { url: shown.to_owned(), why: why.to_owned() });
        }
    }

    #[test]
    fn a_header_that_the_protocol_sets_or_that_cannot_be_sent_is_refused_without_its_value() {
        for (name, value, why) in [
            ("Mcp-Session-Id", "x", "the protocol sets it"),
            ("Accept", "x", "the protocol sets it"),
            ("a b", "x", "that is no name of a header"),
            ("authorization", "hush\nhush", "its value has characters that no header has"),
        ] {
            let found = http("https://x.example", &[(name, value)]).unwrap_err();
            assert_eq!(found, BadServer::Header { name: name.to_owned(), why });
        }
    }

    #[test]
    fn secrets_show_up_neither_in_debug_nor_in_errors() {
        let address = http("https://x.example/mcp?key=hush-query", &[("Authorization", "Bearer hush-token")]).unwrap();
        let program = StdioServer {
            command: "serve".into(),
            args: vec!["--key=hush".into()],
            env: vec![("TOKEN".into(), "hush-variable".into())],
            folder: None,
        };
        for transport in [Transport::Http(address), Transport::Stdio(program)] {
            let config = ServerConfig { name: named("x").unwrap(), transport, patience: Patience::default() };
            assert!(!format!("{config:?}").contains("hush"), "{config:?}");
            let said =
                "refused `Bearer hush-token` and hush-token at https://x.example/mcp?key=hush-query, hush-variable";
            let scrubbed = config.scrub(said);
            match &config.transport {
                Transport::Http(_) => assert_eq!(
                    scrubbed,
                    "refused `[hidden]` and [hidden] at https://x.example/mcp?[hidden], hush-variable"
                ),
                Transport::Stdio(_) => assert!(scrubbed.ends_with(", [hidden]"), "{scrubbed}"),
            }
        }
    }

    #[test]
    fn a_program_that_cannot_be_started_is_refused_at_once() {
        let program = |command: &str, args: &[&str], env: &[(&str, &str)]| StdioServer {
            command: command.into(),
            args: args.iter().map(|arg| (*arg).into()).collect(),
            env: env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            folder: None,
        };
        assert_eq!(program("a", &["b"], &[("C", "")]).check(), Ok(()));
        assert_eq!(program("", &[], &[]).check(), Err(BadServer::NoCommand));
        assert_eq!(program("a", &["\0"], &[]).check(), Err(BadServer::NotForPrograms("\\0".into())));
        assert_eq!(program("a", &[], &[("A=B", "")]).check(), Err(BadServer::NotForPrograms("A=B".into())));
        assert_eq!(program("a", &[], &[("A", "\0")]).check(), Err(BadServer::NotForPrograms("\\0".into())));
    }
}
