//! Speaking to the Hub: its paths, its answers, its pages, and what an answer that did not come may mean.
//!
//! Not here: what the answers are about. Nothing is sent a second time.

use crate::site::{Hub, HubToken, SecretPower};
use gate::Permit;
use host::http::{Address, Bearer, Lines, Method, Net, NetError, NetRequest, NetResponse};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a log may be silent; the Hub keeps it alive twice as often.
const SILENCE: Duration = Duration::from_secs(75);
/// How many pages of a list are read.
const MOST_PAGES: usize = 20;
/// The longest part of an error's text that is repeated.
const MOST_SAID: usize = 600;

/// The account that a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, which is its namespace too.
    pub name: String,
    /// The organisations that it belongs to; each is a namespace.
    pub organisations: Vec<String>,
}

/// Why there is no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The request never reached the Hub.
    #[error("{0}")]
    NotSent(String),
    /// The request may have reached the Hub and been carried out.
    #[error("{0}")]
    NoAnswer(String),
    /// The Hub answered with a status that is no success.
    #[error("{says}")]
    Status {
        /// The status.
        status: u16,
        /// What it says, in a sentence.
        says: String,
    },
    /// The Hub carried it out and answered something that cannot be read.
    #[error("the answer of the Hub cannot be read: {0}")]
    Rubbish(String),
}

/// One answer.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) value: Value,
    next: Option<Address>,
}

/// All pages of a list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) values: Vec<Value>,
    /// Whether there are pages that were not read.
    pub(super) more: bool,
}

/// The Hub, as one call may speak to it.
#[derive(Debug)]
pub(super) struct Api<'a, A> {
    hub: &'a Hub,
    token: &'a HubToken,
    base: Address,
    net: &'a Net,
    permit: &'a Permit<A>,
}

impl<'a, A> Api<'a, A> {
    /// Finds the Hub in the person's configuration.
    pub(super) fn new(hub: &'a Hub, net: &'a Net, permit: &'a Permit<A>) -> Result<Api<'a, A>, String> {
        let endpoint =
            hub.endpoint.as_deref().ok_or("no Hub is configured, so there are no jobs; the person can set it")?;
        let token = hub.token.as_ref().ok_or("no token of the Hub is configured; the person can set it")?;
        let base = Address::parse(endpoint).map_err(|why| format!("the configured address of the Hub: {why}"))?;
        Ok(Api { hub, token, base, net, permit })
    }

    /// The same Hub, spoken to under another token.
    pub(super) fn under(self, token: &'a HubToken) -> Api<'a, A> {
        Api { token, ..self }
    }

    /// The person's configuration.
    pub(super) fn hub(&self) -> &'a Hub {
        self.hub
    }

    /// The call that was judged.
    pub(super) fn act(&self) -> &'a A {
        self.permit.act()
    }

    /// Looks at something.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Found, ApiError> {
        self.page(self.address(path, query)?).await
    }

    /// Makes or does something.
    pub(super) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let request = self.request(Method::Post, self.address(path, &[])?, body);
        let answer = self.net.send(self.permit, request).await.map_err(told)?;
        read(&answer)
    }

    /// Removes something.
    pub(super) async fn delete(&self, path: &str) -> Result<(), ApiError> {
        let request = self.request(Method::Delete, self.address(path, &[])?, None);
        self.net.send(self.permit, request).await.map_err(told).map(drop)
    }

    /// Reads a list with its further pages.
    pub(super) async fn list(&self, path: &str, query: &[(&str, &str)]) -> Result<Listed, ApiError> {
        let mut values = Vec::new();
        let mut next = Some(self.address(path, query)?);
        for _ in 0..MOST_PAGES {
            let Some(address) = next else { break };
            let page = self.page(address).await?;
            next = page.next;
            match page.value {
                Value::Array(page) => values.extend(page),
                _ => return Err(ApiError::Rubbish("it is no list".to_owned())),
            }
        }
        Ok(Listed { values, more: next.is_some() })
    }

    /// Opens a stream of server-sent events.
    pub(super) async fn stream(&self, path: &str, query: &[(&str, &str)]) -> Result<Lines, ApiError> {
        let mut request = self.request(Method::Get, self.address(path, query)?, None);
        request.timeout = SILENCE;
        self.net.stream(self.permit, request).await.map_err(told)
    }

    /// The namespace that a call is about: the account's own, or one of its organisations. Anything else is an error
    /// before anything is done there.
    pub(super) async fn namespace(&self, wanted: Option<&str>) -> Result<String, String> {
        let account = self.hub.account.get_or_try_init(|| self.whoami()).await;
        let account = account.map_err(|error| format!("the Hub does not say whose token this is: {error}"))?;
        match wanted {
            None => Ok(account.name.clone()),
            Some(name) if name == account.name || account.organisations.iter().any(|known| known == name) => {
                Ok(name.to_owned())
            }
            Some(stranger) => {
                let known: Vec<&str> =
                    [&account.name].into_iter().chain(&account.organisations).map(String::as_str).collect();
                Err(format!("`{stranger}` is not a namespace of this account; these are: `{}`", known.join("`, `")))
            }
        }
    }

    async fn whoami(&self) -> Result<Account, ApiError> {
        let answer = self.get("/api/whoami-v2", &[]).await?.value;
        let name_of = |value: &Value| {
            let name = value.get("name")?.as_str()?;
            super::arguments::is_word(name, 96).then(|| name.to_owned())
        };
        let name = name_of(&answer).ok_or_else(|| ApiError::Rubbish("it names no account".to_owned()))?;
        let organisations = answer.get("orgs").and_then(Value::as_array);
        Ok(Account { name, organisations: organisations.into_iter().flatten().filter_map(name_of).collect() })
    }

    async fn page(&self, address: Address) -> Result<Found, ApiError> {
        let answer = self.net.send(self.permit, self.request(Method::Get, address, None)).await.map_err(told)?;
        let next = answer.link.as_deref().and_then(next_page).and_then(|link| self.base.join(link).ok());
        // The token goes where the person sent it, and not where an answer points.
        let next = next.filter(|next| origin(next) == origin(&self.base));
        Ok(Found { value: read(&answer)?, next })
    }

    fn request(&self, method: Method, address: Address, body: Option<&Value>) -> NetRequest {
        let bearer = Some(Bearer::new(self.token.expose()));
        NetRequest { method, address, bearer, json: body.map(Value::to_string), timeout: PATIENCE }
    }

    /// Makes an address of a path below the Hub's own, which may have a path itself.
    fn address(&self, path: &str, query: &[(&str, &str)]) -> Result<Address, ApiError> {
        let mut text = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        for (nth, (name, value)) in query.iter().enumerate() {
            let sign = if nth == 0 { '?' } else { '&' };
            text.push_str(&format!("{sign}{name}={}", escaped(value)));
        }
        Address::parse(&text).map_err(|why| ApiError::NotSent(why.to_string()))
    }
}

fn read(answer: &NetResponse) -> Result<Value, ApiError> {
    if answer.body.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&answer.body).map_err(|why| ApiError::Rubbish(why.to_string()))
}

/// What an error of the way there says about what happened at its end.
fn told(error: NetError) -> ApiError {
    match error {
        NetError::NotSent(why) => ApiError::NotSent(why),
        NetError::Unknown(why) => ApiError::NoAnswer(format!("the Hub's answer was lost: {why}")),
        NetError::Answered { status, body, retry_after } => {
            let parsed: Option<Value> = serde_json::from_str(&body).ok();
            let said = parsed.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str).unwrap_or(&body);
            let said: String = said.chars().take(MOST_SAID).collect();
            let meaning = match status {
                401 => ", the token is not accepted",
                402 => ", the account lacks credits or a way to pay",
                403 => ", the token may not do this",
                404 => ", there is no such thing here",
                429 => ", too many requests",
                _ => "",
            };
            let wait = retry_after.map_or_else(String::new, |wait| format!("; it may be asked again after {wait} s"));
            ApiError::Status { status, says: format!("status {status}{meaning}: {said}{wait}") }
        }
    }
}

/// The address of the next page in a `Link` header: `<address>; rel="next"`, among others.
fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| matches!(parameter.trim(), r#"rel="next""# | "rel=next");
        parameters.split(';').any(is_next).then_some(address)
    })
}

/// The part of an address that says who is spoken to.
fn origin(address: &Address) -> &str {
    let text = address.as_str();
    let after_scheme = text.find("://").map_or(0, |at| at + 3);
    let end = text[after_scheme..].find(['/', '?', '#']).map_or(text.len(), |at| after_scheme + at);
    &text[..end]
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Hub {
    /// Whether somebody who holds this secret can spend money: what the configuration says, else what the Hub said of
    /// it. Nobody's word is that it can.
    pub(super) fn power_of(&self, name: &str) -> SecretPower {
        let said = self.secrets.get(name).and_then(|secret| secret.said);
        said.unwrap_or_else(|| self.roles.power_of(name))
    }

    /// Takes the token and the secrets out of a text: a job's log may hold what the job was handed.
    pub(super) fn redacted(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(|(name, secret)| (name.as_str(), &secret.value));
        let all = secrets.chain(self.token.iter().map(|token| ("token", token)));
        // What is very short would take ordinary words out of the text, and is no secret.
        let all = all.filter(|(_, value)| value.expose().len() >= 6);
        all.fold(text.to_owned(), |text, (name, value)| text.replace(value.expose(), &format!("[secret {name}]")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::JobSecret;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        for (link, next) in [
            (r#"<http://h/api?cursor=2>; rel="next""#, Some("http://h/api?cursor=2")),
            (r#"<http://h/1>; rel="prev", </api?cursor=2>; type=x; rel=next"#, Some("/api?cursor=2")),
            (r#"<http://h/1>; rel="prev""#, None),
            ("http://h/1; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next_page(link), next, "{link}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origin_of = |text: &str| origin(&Address::parse(text).unwrap()).to_owned();
        assert_eq!(origin_of("http://127.0.0.1:8081/x?y").as_str(), "http://127.0.0.1:8081");
        assert_ne!(origin_of("http://hub.example"), origin_of("https://hub.example"));
        assert_ne!(origin_of("http://hub.example"), origin_of("http://hub.example.evil.example/hub.example"));
    }

    #[test]
    fn a_status_says_what_it_means_and_what_the_hub_said() {
        let answered = |status, body: &str, retry_after: Option<&str>| {
            let (body, retry_after) = (body.to_owned(), retry_after.map(str::to_owned));
            told(NetError::Answered { status, body, retry_after }).to_string()
        };
        assert_eq!(
            answered(402, r#"{"error":"no credits"}"#, None),
            "status 402, the account lacks credits or a way to pay: no credits"
        );
        assert_eq!(
            answered(429, r#"{"error":"slow down"}"#, Some("55")),
            "status 429, too many requests: slow down; it may be asked again after 55 s"
        );
        assert_eq!(answered(500, "<html>", None), "status 500: <html>");
    }

    #[test]
    fn what_a_job_was_handed_is_taken_out_of_what_it_says() {
        let secret = |value: &str| JobSecret { value: HubToken::new(value), said: None };
        let secrets = [("KEY".to_owned(), secret("s3cr3t-key")), ("PIN".to_owned(), secret("1"))];
        let token = Some(HubToken::new("hf_token_value"));
        let hub = Hub { token, secrets: secrets.into(), ..Hub::default() };
        assert_eq!(hub.redacted("1: s3cr3t-key, hf_token_value"), "1: [secret KEY], [secret token]");
        assert!(!format!("{hub:?}").contains("s3cr3t"));
    }
}
