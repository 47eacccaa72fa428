//! Model servers on this machine: where one may be, and which models it says it has.
//!
//! Not here: showing them. What listens on a port may be anything: an answer is bounded in time and size, no key is sent to
//! it, and of what it says only names are taken.

use crate::config::Config;
use crate::rates::asking::{self, Bounds};
use model::provider::{KeyNeed, PROVIDERS, Provider};
use model::{Dialect, Endpoint};
use reqwest::Url;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The variable that says where Ollama listens, as its own programs read it.
pub const OLLAMA_HOST: &str = "OLLAMA_HOST";
/// The port that Ollama has unless it is told otherwise.
const OLLAMA_PORT: u16 = 11_434;
/// What the answer of a server may take.
pub const BOUNDS: Bounds = Bounds { patience: Duration::from_millis(300), most_bytes: 1 << 20 };
/// How many models of one server are taken.
const MOST_MODELS: usize = 12;
/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 200;

/// Where a server may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The provider's name before the slash of a model's.
    pub provider: String,
    /// The base of its address, as the configuration has it.
    pub base_url: String,
    /// Whether it would be looked for there without a word in the configuration.
    pub is_usual: bool,
}

/// A server that answered, with what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub place: Place,
    /// Its models, in its own order.
    pub models: Vec<Offered>,
    /// How many more it has.
    pub more: usize,
}

impl Server {
    /// Whether all that it offers runs on this machine.
    pub fn runs_all_here(&self) -> bool {
        self.models.iter().all(|model| model.runs == Runs::Here)
    }
}

/// A model of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its name, as the server has it.
    pub name: String,
    /// Where it runs.
    pub runs: Runs,
}

/// Where a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// On this machine.
    Here,
    /// At a service that the server passes requests on to.
    Elsewhere,
}

/// What looking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The servers that have models.
    pub servers: Vec<Server>,
    /// What was passed over, and why, in words.
    pub passed_over: Vec<String>,
}

/// Looks at every place at once.
pub async fn look(config: &Config, ollama_host: Option<&str>, bounds: Bounds) -> Looked {
    let (places, mut passed_over) = places(config, ollama_host);
    let mut asking = JoinSet::new();
    for (nth, place) in places.into_iter().enumerate() {
        asking.spawn(async move { (nth, ask(place, bounds).await) });
    }
    let mut answers: Vec<_> = asking.join_all().await;
    answers.sort_by_key(|(nth, _)| *nth);
    let mut servers = Vec::new();
    for (_, answer) in answers {
        match answer {
            Ok(server) => servers.extend(server),
            Err(why) => passed_over.push(why),
        }
    }
    Looked { servers, passed_over }
}

/// Where to look: at the usual ports, or where the configuration says that a server of this machine is.
fn places(config: &Config, ollama_host: Option<&str>) -> (Vec<Place>, Vec<String>) {
    let mut found: BTreeMap<(usize, String), Place> = BTreeMap::new();
    let mut passed_over = Vec::new();
    for (nth, provider) in PROVIDERS.iter().enumerate().filter(|(_, provider)| provider.key == KeyNeed::Optional) {
        let (name, usual) = (provider.name.to_owned(), provider.base_url.to_owned());
        let mut place = Place { provider: name.clone(), base_url: usual, is_usual: true };
        if let Some(said) = ollama_host.filter(|said| name == "ollama" && !said.trim().is_empty()) {
            match ollama_at(said) {
                Some(base_url) => {
                    (place.is_usual, place.base_url) = (base_url == place.base_url, base_url);
                }
                None => {
                    passed_over.push(format!("Ollama: {OLLAMA_HOST} names no address of this machine"));
                    continue;
                }
            }
        }
        found.insert((nth, name), place);
    }
    for (name, own) in &config.providers {
        let Some(base_url) = own.base_url.clone() else { continue };
        let nth = PROVIDERS.iter().position(|provider| provider.name == name).unwrap_or(PROVIDERS.len());
        let speaks = own.dialect.as_deref().and_then(Dialect::named).unwrap_or(Dialect::ChatCompletions);
        if is_here(&base_url) && speaks != Dialect::Anthropic {
            found.insert((nth, name.clone()), Place { provider: name.clone(), base_url, is_usual: true });
        } else {
            found.remove(&(nth, name.clone()));
        }
    }
    (found.into_values().collect(), passed_over)
}

fn is_here(base_url: &str) -> bool {
    Endpoint::new(Dialect::ChatCompletions, base_url, "").is_ok_and(|endpoint| endpoint.is_loopback())
}

/// The base address of the Ollama that the variable names, when it is of this machine: a host, a port or an address.
fn ollama_at(said: &str) -> Option<String> {
    let said = said.trim().trim_matches(['"', '\'']);
    let said = said.strip_prefix("http://").unwrap_or(said);
    let said = if said.starts_with(':') { format!("127.0.0.1{said}") } else { said.to_owned() };
    let url = Url::parse(&format!("http://{}", said.trim_end_matches('/'))).ok()?;
    let host = url.host_str().filter(|_| url.path() == "/" && url.username().is_empty())?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    // One that listens everywhere is also here.
    let host = if address.is_ok_and(|address| address.is_unspecified()) { "127.0.0.1" } else { host };
    // A port of 80 is written out, and then not a part of what was parsed.
    let port = url.port().or_else(|| said.ends_with(":80").then_some(80)).unwrap_or(OLLAMA_PORT);
    let base_url = format!("http://{host}:{port}/v1");
    is_here(&base_url).then_some(base_url)
}

/// Asks one; `None` when nothing listens there.
async fn ask(place: Place, bounds: Bounds) -> Result<Option<Server>, String> {
    let Some(port) = port(&place.base_url) else { return Ok(None) };
    let name = crate::draw::clean(&place.provider);
    let wrong = |why: String| format!("{name}: what listens at port {port} {why}");
    if !listens(&place.base_url, port, bounds.patience).await {
        return Ok(None);
    }
    let (base, path) = match Provider::named(&place.provider).is_some_and(|known| known.name == "ollama") {
        true => (place.base_url.trim_end_matches('/').trim_end_matches("/v1"), "/api/tags"),
        false => (place.base_url.as_str(), "/models"),
    };
    let answer = asking::get_within(base, path, None, bounds).await;
    let answer = answer.map_err(|why| match why.as_str() {
        "status 401" | "status 403" => wrong("wants a key; name its model with `--model`".to_owned()),
        _ => wrong(format!("is no model server: {}", crate::draw::short(&why))),
    })?;
    let told: Told = serde_json::from_slice(&answer)
        .map_err(|_| wrong("is no model server: its answer is no list of models".to_owned()))?;
    let (mut models, left_out) = told.models();
    if models.is_empty() {
        let why = if left_out == 0 { "has no model" } else { "has no model with a name that can be used" };
        return Err(wrong(why.to_owned()));
    }
    let more = models.len().saturating_sub(MOST_MODELS);
    models.truncate(MOST_MODELS);
    Ok(Some(Server { place, models, more }))
}

fn port(base_url: &str) -> Option<u16> {
    Url::parse(base_url).ok()?.port_or_known_default()
}

/// Whether anything takes a connection there.
async fn listens(base_url: &str, port: u16, patience: Duration) -> bool {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().trim_matches(['[', ']']);
    let addresses: &[&str] = if host == "localhost" { &["127.0.0.1", "::1"] } else { &[host] };
    for address in addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok()) {
        let connecting = tokio::time::timeout(patience, TcpStream::connect((address, port)));
        if matches!(connecting.await, Ok(Ok(_))) {
            return true;
        }
    }
    false
}

/// A list of models: Ollama's own is `models`, everybody else's `data`. Some servers give both.
#[derive(Debug, Deserialize)]
struct Told {
    data: Option<Vec<Entry>>,
    models: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Entry {
    id: Option<String>,
    name: Option<String>,
    details: Details,
    /// Set by Ollama for a model that it passes requests on for.
    remote_host: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    family: Option<String>,
}

impl Entry {
    /// Whether it turns text into numbers and speaks with nobody.
    fn only_embeds(&self, name: &str) -> bool {
        let family = self.details.family.as_deref().unwrap_or_default();
        name.starts_with("text-embedding-") || family.ends_with("bert")
    }
}

impl Told {
    /// The models that can be taken, and how many cannot.
    fn models(self) -> (Vec<Offered>, usize) {
        let entries = self.data.or(self.models).unwrap_or_default();
        let all = entries.len();
        let offered = entries.into_iter().filter_map(|entry| {
            let name = entry.id.clone().or_else(|| entry.name.clone())?;
            let can_be_used = is_plain(&name) && !entry.only_embeds(&name);
            let runs =
                if entry.remote_host.is_some_and(|host| !host.is_empty()) { Runs::Elsewhere } else { Runs::Here };
            can_be_used.then_some(Offered { name, runs })
        });
        let offered: Vec<Offered> = offered.collect();
        let left_out = all - offered.len();
        (offered, left_out)
    }
}

/// Whether a name is what it looks like, so that it can be shown, written down and typed.
fn is_plain(name: &str) -> bool {
    let is_short = !name.is_empty() && name.len() <= LONGEST_NAME;
    is_short && name.chars().all(|letter| letter.is_ascii_graphic() || (letter.is_alphanumeric() && !letter.is_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Patience that no test needs.
    const PATIENT: Bounds = Bounds { patience: Duration::from_secs(60), ..BOUNDS };

    fn config(text: &str) -> Config {
        crate::config::parse(text).unwrap()
    }

    /// A configuration in which no server is where it usually is, but the ones named.
    fn only(named: &[(&str, &str)]) -> Config {
        let all = ["ollama", "llamacpp", "vllm", "lmstudio"];
        let text = all.map(|name| {
            let said = named.iter().find(|(known, _)| *known == name).map(|(_, base)| *base);
            format!("[providers.{name}]\nbase_url = \"{}\"\n", said.unwrap_or("http://10.0.0.1/v1"))
        });
        config(&text.concat())
    }

    /// Answers requests on loopback; the address below which it listens.
    async fn server(answer: String) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 4096];
                    if stream.read(&mut asked).await.is_ok_and(|length| length > 0) {
                        // One that has heard enough goes away.
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        base
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    async fn looked(provider: &str, answer: String) -> Looked {
        let base = server(answer).await;
        look(&only(&[(provider, &base)]), None, PATIENT).await
    }

    fn names(looked: &Looked) -> Vec<&str> {
        looked.servers.iter().flat_map(|server| server.models.iter().map(|model| model.name.as_str())).collect()
    }

    #[tokio::test]
    async fn each_kind_of_server_is_asked_in_its_own_way() {
        let listed = http("200 OK", r#"{"object":"list","data":[{"id":"a/b-1.gguf"},{"id":"text-embedding-x"}]}"#);
        for provider in ["llamacpp", "vllm", "lmstudio"] {
            let looked = looked(provider, listed.clone()).await;
            assert_eq!((names(&looked), looked.passed_over.len()), (vec!["a/b-1.gguf"], 0), "{provider}");
        }
        let tags = r#"{"models":[{"name":"nomic","details":{"family":"nomic-bert"}},{"name":"qwen3:8b","details":{}},
            {"name":"big:cloud","remote_host":"https://ollama.com"}]}"#;
        let looked = looked("ollama", http("200 OK", tags)).await;
        assert_eq!(names(&looked), ["qwen3:8b", "big:cloud"]);
        assert!(!looked.servers[0].runs_all_here(), "one of them is passed on");
    }

    #[tokio::test]
    async fn what_is_no_model_server_is_passed_over_with_its_reason() {
        let long = format!("{{\"data\":[],\"x\":\"{}\"}}", "x".repeat(BOUNDS.most_bytes));
        for (answer, says) in [
            (http("404 Not Found", "<html>"), "status 404"),
            (http("401 Unauthorized", ""), "wants a key"),
            (http("302 Found\r\nlocation: http://127.0.0.1:1/", ""), "status 302"),
            (http("200 OK", "<html>"), "no list of models"),
            (http("200 OK", "[[[[[1]]]]]"), "no list of models"),
            (http("200 OK", &"[".repeat(100_000)), "no list of models"),
            (http("200 OK", "{\"data\":[{\"id\":7}]}"), "no list of models"),
            (http("200 OK", "{\"data\":[]}"), "has no model"),
            (
                http("200 OK", "{\"data\":[{\"id\":\"a\\u001b[2J\"},{\"id\":\"\\u202ea\"},{\"id\":\"a b\"}]}"),
                "can be used",
            ),
            (http("200 OK", &long), "longer than 1 MiB"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_owned(), "is no model server"),
            ("SSH-2.0-sshd\r\n".to_owned(), "is no model server"),
        ] {
            let looked = looked("vllm", answer).await;
            assert!(looked.servers.is_empty(), "{looked:?}");
            assert!(looked.passed_over.iter().any(|why| why.contains(says)), "{says}: {looked:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_and_one_that_is_not_there_is_no_matter() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let silent = format!("http://{}/v1", listener.local_addr().unwrap());
        let looked = look(&only(&[("vllm", &silent)]), None, BOUNDS).await;
        assert!(looked.passed_over[0].contains("no answer within"), "{looked:?}");
        drop(listener);
        assert_eq!(look(&only(&[("vllm", &silent)]), None, BOUNDS).await, Looked::default());
    }

    #[tokio::test]
    async fn of_many_models_so_many_are_taken_and_the_rest_are_counted() {
        let all: Vec<String> = (0..100).map(|nth| format!("{{\"id\":\"m{nth}\"}}")).collect();
        let looked = looked("lmstudio", http("200 OK", &format!("{{\"data\":[{}]}}", all.join(",")))).await;
        assert_eq!((looked.servers[0].models.len(), looked.servers[0].more), (MOST_MODELS, 100 - MOST_MODELS));
    }

    #[test]
    fn places_are_the_usual_ones_or_those_of_the_configuration_on_this_machine_alone() {
        let bases = |config: &Config, host: Option<&str>| -> Vec<String> {
            places(config, host).0.into_iter().map(|place| format!("{} {}", place.provider, place.base_url)).collect()
        };
        assert_eq!(bases(&Config::default(), None).len(), 4);
        let own = "[providers.vllm]\nbase_url = \"http://gpu.example:8000/v1\"\n[providers.ollama]\nbase_url = \
                   \"http://localhost:5/v1\"\n[providers.mine]\nbase_url = \"http://127.0.0.1:6/v1\"\n[providers.other]\n\
                   base_url = \"http://127.0.0.1:7/v1\"\ndialect = \"anthropic\"\n";
        let at = bases(&config(own), Some("10.1.1.1"));
        let usual = ["llamacpp http://127.0.0.1:8080/v1", "lmstudio http://127.0.0.1:1234/v1"];
        assert_eq!(at, ["ollama http://localhost:5/v1", usual[0], usual[1], "mine http://127.0.0.1:6/v1"]);
    }

    #[test]
    fn ollama_is_where_its_variable_says_if_that_is_here() {
        for (said, at) in [
            ("127.0.0.1", Some("http://127.0.0.1:11434/v1")),
            ("0.0.0.0:5", Some("http://127.0.0.1:5/v1")),
            (":5", Some("http://127.0.0.1:5/v1")),
            ("http://localhost:5/", Some("http://localhost:5/v1")),
            ("localhost:80", Some("http://localhost:80/v1")),
            ("[::1]:5", Some("http://[::1]:5/v1")),
            ("10.0.0.9:11434", None),
            ("ollama.example", None),
            ("https://localhost", None),
            ("localhost:99999", None),
        ] {
            assert_eq!(ollama_at(said).as_deref(), at, "{said}");
        }
        let (places, passed_over) = places(&Config::default(), Some("gpu.example"));
        assert!(places.len() == 3 && passed_over[0].contains("OLLAMA_HOST"), "{passed_over:?}");
    }
}
