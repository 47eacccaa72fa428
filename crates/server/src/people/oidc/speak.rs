//! Speaking with a provider: its own description of itself, a code for a token, and what it says of somebody.
//!
//! Not here: believing it (that is `claims`).

use super::super::credential::{Credential, NoRandomness};
use super::allow::BadRule;
use super::claims::ToldOf;
use crate::people::clock::HOUR_MS;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The most bytes of an answer.
const LARGEST: usize = 256 << 10;
/// How long making a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// What is asked for; what a provider does not offer is left out.
const WANTED: [&str; 3] = ["openid", "email", "profile"];

/// Why a provider's word is not had, or does not count.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The configured address is none that can be believed.
    #[error("`{0}` is no address of a provider; it begins with `https://`, and holds no question mark")]
    BadIssuer(String),
    /// A rule says nothing.
    #[error(transparent)]
    Rule(#[from] BadRule),
    /// Nothing secret can be made.
    #[error(transparent)]
    Random(NoRandomness),
    /// The provider cannot be reached.
    #[error("the provider cannot be reached ({0})")]
    Unreachable(&'static str),
    /// It answers, and not as it should.
    #[error("the provider's answer about {0} is not as it should be")]
    Strange(&'static str),
    /// It says no.
    #[error("the provider did not vouch for anybody")]
    Refused,
    /// The ID token does not count.
    #[error("the provider's ID token {0}")]
    Token(&'static str),
    /// It is vouched for, and not on the list.
    #[error("the provider knows you, and nobody has let you in here")]
    NotAllowed,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Clone, Debug, Deserialize)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What a provider gives for a code.
#[derive(Deserialize)]
struct Given {
    id_token: String,
    access_token: String,
}

/// What a provider gave for a code.
pub(super) struct Tokens {
    /// Its word.
    pub id_token: Credential,
    /// What opens the user info.
    pub access_token: Credential,
}

/// A code, and what proves that it was meant for this server.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    /// The code.
    pub code: &'a str,
    /// What the challenge was made of.
    pub verifier: &'a Credential,
    /// Where the browser was sent back to.
    pub back: &'a str,
}

/// One provider, and how it is asked.
pub(super) struct Speaking {
    issuer: Url,
    client_id: String,
    client_secret: Option<Credential>,
    client: Client,
    described: Mutex<Option<(i64, Arc<Described>)>>,
}

impl Speaking {
    pub(super) fn with(
        issuer: &str,
        client_id: String,
        client_secret: Option<Credential>,
    ) -> Result<Speaking, OidcError> {
        let bad = || OidcError::BadIssuer(issuer.chars().take(200).collect());
        let issuer = Url::parse(issuer).ok().filter(|url| is_trusted(url, url)).ok_or_else(bad)?;
        if issuer.query().is_some() || issuer.fragment().is_some() || !issuer.username().is_empty() {
            return Err(bad());
        }
        let client = Client::builder().redirect(Policy::none()).connect_timeout(CONNECTING).timeout(PATIENCE);
        // What listens on this machine is not reached by way of elsewhere.
        let client = if is_loopback(&issuer) { client.no_proxy() } else { client.https_only(true) };
        let client = client.build().map_err(|_| OidcError::Unreachable("no TLS"))?;
        Ok(Speaking { issuer, client_id, client_secret, client, described: Mutex::default() })
    }

    /// What the provider knows this server by.
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The provider's own word for itself.
    pub(super) async fn issuer(&self, now_ms: i64) -> Result<String, OidcError> {
        Ok(self.described(now_ms).await?.issuer.clone())
    }

    /// What the provider says of itself; asked again after an hour.
    async fn described(&self, now_ms: i64) -> Result<Arc<Described>, OidcError> {
        const ABOUT: &str = "itself";
        let mut kept = self.described.lock().await;
        if let Some((_, described)) = kept.as_ref().filter(|(at, _)| now_ms - at < HOUR_MS) {
            return Ok(described.clone());
        }
        let mut at = self.issuer.clone();
        at.set_path(&format!("{}/.well-known/openid-configuration", self.issuer.path().trim_end_matches('/')));
        let described: Described = answer(self.client.get(at), ABOUT).await?;
        // Another provider must not speak for this one; only a slash at the end is as one likes.
        if described.issuer.trim_end_matches('/') != self.issuer.as_str().trim_end_matches('/') {
            return Err(OidcError::Strange(ABOUT));
        }
        let places = [Some(&described.authorization_endpoint), Some(&described.token_endpoint)];
        for place in places.into_iter().chain([described.userinfo_endpoint.as_ref()]).flatten() {
            self.place(place, ABOUT)?;
        }
        let described = Arc::new(described);
        *kept = Some((now_ms, described.clone()));
        Ok(described)
    }

    fn place(&self, text: &str, about: &'static str) -> Result<Url, OidcError> {
        Url::parse(text).ok().filter(|url| is_trusted(url, &self.issuer)).ok_or(OidcError::Strange(about))
    }

    /// Where a browser is sent to.
    pub(super) async fn authorization(&self, asked: &[(&str, &str)], now_ms: i64) -> Result<String, OidcError> {
        let described = self.described(now_ms).await?;
        let mut to = self.place(&described.authorization_endpoint, "itself")?;
        let offers =
            |scope: &str| described.scopes_supported.as_ref().is_none_or(|all| all.iter().any(|one| one == scope));
        let scopes: Vec<&str> = WANTED.into_iter().filter(|scope| *scope == "openid" || offers(scope)).collect();
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("scope", &scopes.join(" "))
            .extend_pairs(asked);
        Ok(to.into())
    }

    /// Whether a browser was sent back by this provider (RFC 9207).
    pub(super) async fn check_issuer(&self, told: Option<&str>, now_ms: i64) -> Result<(), OidcError> {
        let described = self.described(now_ms).await?;
        match told {
            Some(told) if told != described.issuer => Err(OidcError::Refused),
            None if described.authorization_response_iss_parameter_supported => Err(OidcError::Refused),
            Some(_) | None => Ok(()),
        }
    }

    /// Has a code turned into the provider's word.
    pub(super) async fn exchange(&self, exchange: Exchange<'_>, now_ms: i64) -> Result<Tokens, OidcError> {
        const ABOUT: &str = "a code";
        let described = self.described(now_ms).await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", exchange.code),
            ("redirect_uri", exchange.back),
            ("code_verifier", exchange.verifier.reveal()),
        ];
        let mut request = self.client.post(self.place(&described.token_endpoint, ABOUT)?);
        match &self.client_secret {
            // Both are written as in a form before they are joined (RFC 6749, 2.3.1).
            Some(secret) => {
                let both = format!("{}:{}", as_in_a_form(&self.client_id), as_in_a_form(secret.reveal()));
                request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(both)));
            }
            None => form.push(("client_id", &self.client_id)),
        }
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form_of(&form));
        let Given { id_token, access_token } = answer(request, ABOUT).await?;
        Ok(Tokens { id_token: Credential::of(id_token), access_token: Credential::of(access_token) })
    }

    /// What the provider says of somebody beside the ID token; `None` where it has no place for that.
    pub(super) async fn told_of(&self, access: &Credential, now_ms: i64) -> Result<Option<ToldOf>, OidcError> {
        const ABOUT: &str = "somebody";
        let described = self.described(now_ms).await?;
        let Some(place) = &described.userinfo_endpoint else { return Ok(None) };
        answer(self.client.get(self.place(place, ABOUT)?).bearer_auth(access.reveal()), ABOUT).await.map(Some)
    }
}

/// Whether what is sent to an address reaches its owner alone. On this machine it does, where the provider itself is here.
fn is_trusted(url: &Url, issuer: &Url) -> bool {
    url.host_str().is_some()
        && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url) && is_loopback(issuer)))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Sends a request and reads its answer. No redirect is followed: what is sent here is for the provider alone.
async fn answer<T: DeserializeOwned>(request: RequestBuilder, about: &'static str) -> Result<T, OidcError> {
    let failed = |why: reqwest::Error| {
        OidcError::Unreachable(if why.is_timeout() { "it took too long" } else { "no connection" })
    };
    let mut response = request.header(ACCEPT, "application/json").send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(if response.status().is_client_error() { OidcError::Refused } else { OidcError::Strange(about) });
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > LARGEST {
            return Err(OidcError::Strange(about));
        }
        body.extend_from_slice(&piece);
    }
    serde_json::from_slice(&body).map_err(|_| OidcError::Strange(about))
}

fn form_of(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("https://form.invalid/").expect("this is an address");
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn as_in_a_form(text: &str) -> String {
    form_of(&[("", text)]).trim_start_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_travels_safely_is_an_issuer() {
        for issuer in [
            "https://huggingface.co",
            "https://a.example/realms/x/",
            "http://127.0.0.1:80",
            "http://[::1]:1",
            "http://localhost:3",
        ] {
            assert!(Speaking::with(issuer, "id".into(), None).is_ok(), "{issuer}");
        }
        for issuer in [
            "",
            "huggingface.co",
            "http://a.example",
            "http://127.0.0.1.a.example",
            "https://u@a.example",
            "https://a.example?x",
            "https://a.example#x",
            "file:///x",
        ] {
            assert!(matches!(Speaking::with(issuer, "id".into(), None), Err(OidcError::BadIssuer(_))), "{issuer}");
        }
        let (far, near) = (Url::parse("https://a.example").unwrap(), Url::parse("http://127.0.0.1:1").unwrap());
        assert!(is_trusted(&far, &far) && is_trusted(&near, &near) && !is_trusted(&near, &far));
    }

    #[test]
    fn a_secret_is_written_as_in_a_form() {
        assert_eq!(as_in_a_form("a b:c/=%é"), "a+b%3Ac%2F%3D%25%C3%A9");
        assert_eq!(as_in_a_form("=x"), "%3Dx");
        assert_eq!(form_of(&[("a", "1&2"), ("b", "")]), "a=1%262&b=");
    }
}
