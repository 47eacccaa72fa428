//! What an ID token must say to count (OpenID Connect Core 1.0, 3.1.3.7).
//!
//! Not here: its signature. The token comes from the provider's own token endpoint over TLS, which point 6 there lets stand in
//! its place; a provider without TLS is taken on this machine alone.

use super::super::credential::{Credential, Fingerprint};
use super::speak::OidcError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// How far a provider's clock may be off.
const SLACK_S: i64 = 120;
/// The longest name that somebody is called by.
const LONGEST_NAME: usize = 80;

/// What a provider says of somebody, believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// What it knows them by, for good.
    pub subject: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether the address is known to be theirs.
    pub is_verified: bool,
    /// What they call themselves.
    pub name: Option<String>,
}

/// What an ID token is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The provider, as it writes itself.
    pub issuer: &'a str,
    /// This server, as the provider knows it.
    pub client: &'a str,
    /// What was sent along.
    pub nonce: &'a Credential,
    /// When it was sent.
    pub since_ms: i64,
    /// The time.
    pub now_ms: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    #[serde(flatten)]
    about: About,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What is said of a person, in an ID token or at the user info endpoint.
#[derive(Deserialize)]
struct About {
    email: Option<String>,
    email_verified: Option<Verified>,
    preferred_username: Option<String>,
    name: Option<String>,
}

/// Some providers write the word where the standard has the value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Verified {
    Is(bool),
    Word(String),
}

/// What the user info endpoint says.
#[derive(Deserialize)]
pub(super) struct ToldOf {
    sub: String,
    #[serde(flatten)]
    about: About,
}

impl Word {
    /// Reads an ID token and believes it, if it is from where and for whom and of when it should be.
    pub(super) fn read(token: &Credential, expected: &Expected<'_>) -> Result<Word, OidcError> {
        let parts: Vec<&str> = token.reveal().split('.').collect();
        let [_header, payload, _signature] = parts[..] else { return Err(OidcError::Token("is no signed token")) };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| OidcError::Token("is not in base64"))?;
        let claims: Claims =
            serde_json::from_slice(&payload).map_err(|_| OidcError::Token("does not say what it must"))?;
        match objection(&claims, expected) {
            Some(why) => Err(OidcError::Token(why)),
            None => Ok(Word::of(claims.sub, claims.about)),
        }
    }

    fn of(subject: String, about: About) -> Word {
        let is_verified = match about.email_verified {
            Some(Verified::Is(is)) => is,
            Some(Verified::Word(word)) => word == "true",
            None => false,
        };
        Word { subject, email: about.email, is_verified, name: about.preferred_username.or(about.name) }
    }

    /// Adds what the user info endpoint says, if it speaks of the same person (OpenID Connect Core 1.0, 5.3.2).
    pub(super) fn complete(&mut self, told: ToldOf) -> Result<(), OidcError> {
        if told.sub != self.subject {
            return Err(OidcError::Token("is about somebody else than what is told beside it"));
        }
        let told = Word::of(told.sub, told.about);
        *self = Word { name: told.name.or(self.name.take()), ..told };
        Ok(())
    }

    /// The e-mail address, if it is known to be theirs.
    pub(super) fn verified_email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.is_verified)
    }

    /// What they are called: a name for eyes, which opens nothing.
    pub(super) fn called(&self) -> Option<String> {
        let name = self.verified_email().or(self.name.as_deref())?;
        let plain: String = name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
        (!plain.trim().is_empty()).then(|| plain.trim().to_owned())
    }
}

/// What is wrong with an ID token.
fn objection(claims: &Claims, expected: &Expected<'_>) -> Option<&'static str> {
    let seconds = |ms: i64| ms.div_euclid(1_000) as f64;
    let slack = SLACK_S as f64;
    let (is_ours, has_others) = match &claims.aud {
        Audience::One(one) => (one == expected.client, false),
        Audience::Many(all) => (all.iter().any(|one| one == expected.client), all.len() > 1),
    };
    // Digests, so that it takes no longer the more of it is right.
    let nonce = claims.nonce.as_deref().map(Fingerprint::of);
    if claims.iss != expected.issuer {
        Some("is from another provider")
    } else if !is_ours || claims.azp.as_deref().is_some_and(|azp| azp != expected.client) {
        Some("is for somebody else")
    } else if has_others && claims.azp.is_none() {
        Some("is for several, and does not say for whom first")
    } else if nonce != Some(Fingerprint::of(expected.nonce.reveal())) {
        Some("answers another sign-in")
    } else if !claims.exp.is_finite() || claims.exp <= seconds(expected.now_ms) - slack {
        Some("has expired")
    } else if claims.nbf.is_some_and(|nbf| nbf > seconds(expected.now_ms) + slack) {
        Some("does not count yet")
    } else if !(seconds(expected.since_ms) - slack..=seconds(expected.now_ms) + slack).contains(&claims.iat) {
        Some("was not made for this sign-in; a clock may be wrong")
    } else if claims.sub.is_empty() || claims.sub.len() > 255 || !claims.sub.is_ascii() {
        Some("does not say who it is about")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW_MS: i64 = 1_800_000_000_000;
    const NOW: i64 = NOW_MS / 1_000;

    fn read(change: impl FnOnce(&mut Value)) -> Result<Word, String> {
        let mut claims = json!({
            "iss": "https://id.example.org", "sub": "123", "aud": "remit", "exp": NOW + 300, "iat": NOW - 5, "nonce": "n",
            "email": "alice@example.org", "email_verified": true, "preferred_username": "alice", "other": [1],
        });
        change(&mut claims);
        let token = Credential::of(format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims.to_string())));
        let expected = Expected {
            issuer: "https://id.example.org",
            client: "remit",
            nonce: &Credential::of("n"),
            since_ms: NOW_MS - 60_000,
            now_ms: NOW_MS,
        };
        Word::read(&token, &expected).map_err(|why| why.to_string())
    }

    #[test]
    fn a_token_that_says_all_that_it_must_is_believed() {
        let word = read(|_| {}).unwrap();
        assert_eq!((word.subject.as_str(), word.verified_email()), ("123", Some("alice@example.org")));
        assert_eq!(word.called().as_deref(), Some("alice@example.org"));
        assert!(read(|claims| claims["aud"] = json!(["remit"])).is_ok());
        assert!(
            read(|claims| {
                claims["aud"] = json!(["other", "remit"]);
                claims["azp"] = json!("remit");
            })
            .is_ok()
        );
        assert!(read(|claims| claims["exp"] = json!(NOW - 100)).is_ok(), "a clock may be a little off");
        assert!(read(|claims| claims["email_verified"] = json!("true")).unwrap().verified_email().is_some());
    }

    #[test]
    fn a_token_with_anything_else_in_it_is_not() {
        let wrong: &[(&str, Value, &str)] = &[
            ("iss", json!("https://id.example.org/"), "another provider"),
            ("iss", json!("https://evil.example"), "another provider"),
            ("aud", json!("other"), "somebody else"),
            ("aud", json!([]), "somebody else"),
            ("aud", json!(["other", "remit"]), "for several"),
            ("azp", json!("other"), "somebody else"),
            ("nonce", json!("m"), "another sign-in"),
            ("nonce", Value::Null, "another sign-in"),
            ("exp", json!(NOW - 121), "expired"),
            ("exp", json!("soon"), "does not say"),
            ("nbf", json!(NOW + 121), "not count yet"),
            ("iat", json!(NOW - 300), "not made for this"),
            ("iat", json!(NOW + 121), "not made for this"),
            ("sub", json!(""), "who it is about"),
            ("sub", json!("x".repeat(256)), "who it is about"),
            ("sub", json!("é"), "who it is about"),
            ("sub", json!(123), "does not say"),
            ("email", json!(["a@b"]), "does not say"),
        ];
        for (claim, value, says) in wrong {
            let why = read(|claims| claims[*claim] = value.clone()).unwrap_err();
            assert!(why.contains(says), "{claim} {value}: {why}");
        }
        for missing in ["iss", "sub", "aud", "exp", "iat", "nonce"] {
            assert!(read(|claims| drop(claims.as_object_mut().unwrap().remove(missing))).is_err(), "{missing}");
        }
        for email_verified in [json!(false), json!("false"), json!("True"), Value::Null] {
            let word = read(|claims| claims["email_verified"] = email_verified.clone()).unwrap();
            assert_eq!((word.verified_email(), word.called().as_deref()), (None, Some("alice")));
        }
    }

    #[test]
    fn a_text_that_is_no_token_is_refused_and_not_repeated() {
        let expected =
            Expected { issuer: "i", client: "c", nonce: &Credential::of("n"), since_ms: NOW_MS, now_ms: NOW_MS };
        for text in ["", "a.b", "a.b.c.d", "a.!!.c", "e30.e30.x", "e30.bnVsbA.x"] {
            let why = Word::read(&Credential::of(text), &expected).unwrap_err().to_string();
            assert!(why.starts_with("the provider's ID token "), "{why}");
        }
    }

    #[test]
    fn what_is_told_beside_counts_for_the_same_person_alone() {
        let mut word = read(|claims| drop(claims.as_object_mut().unwrap().remove("email"))).unwrap();
        let told = |sub: &str| -> ToldOf {
            serde_json::from_value(json!({"sub": sub, "email": "a@b.c", "email_verified": true})).unwrap()
        };
        assert!(word.complete(told("124")).is_err());
        assert_eq!(word.verified_email(), None);
        word.complete(told("123")).unwrap();
        assert_eq!((word.verified_email(), word.name.as_deref()), (Some("a@b.c"), Some("alice")));
    }

    #[test]
    fn what_somebody_calls_themselves_is_short_and_in_one_line() {
        let word = |name: &str| Word { subject: "1".into(), email: None, is_verified: false, name: Some(name.into()) };
        assert_eq!(word("a\nb\u{1b}[31m ").called().as_deref(), Some("ab[31m"));
        assert_eq!(word(" \n").called(), None);
        assert_eq!(word(&"é".repeat(200)).called().unwrap().chars().count(), LONGEST_NAME);
    }
}
