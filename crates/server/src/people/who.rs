//! Who somebody is and what they may do here: owners, scopes, visitors.
//!
//! Not here: how they prove it (that is `register`), or what a request needs (that is `proofs`).

use super::credential::{Fingerprint, hexadecimal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The longest name that is given by hand.
const LONGEST_NAME: usize = 64;
/// The longest name that is made for somebody a provider vouches for.
const LONGEST_OF_PROVIDER: usize = 160;
/// How such a name begins. No name that is given by hand can hold a colon.
const OF_PROVIDER: &str = "oidc:";

/// Whom a session belongs to: the person of this account, or somebody with a name.
///
/// Written down as `null` or the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Option<String>", into = "Option<String>")]
pub struct Owner(Option<String>);

/// A text that cannot be somebody's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be a name; a name is 1 to 64 of `a-z`, `0-9`, `.`, `_`, `@` and `-`")]
pub struct BadName(String);

impl Owner {
    /// The person whose account the server runs under.
    pub fn account() -> Owner {
        Owner(None)
    }

    /// Somebody with a name that was given by hand.
    pub fn named(name: &str) -> Result<Owner, BadName> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@-".contains(&byte);
        match (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits) {
            true => Ok(Owner(Some(name.to_owned()))),
            false => Err(BadName(name.chars().take(LONGEST_NAME + 1).collect())),
        }
    }

    /// Somebody a provider of sign-ins vouches for, such as `oidc:huggingface.co/61d2a9`.
    ///
    /// The name is made of what alone identifies them for good, the issuer with its subject (OpenID Connect Core 1.0, 5.7):
    /// an e-mail address can pass to somebody else. A subject that would not read well is told by its digest.
    pub fn at_provider(issuer: &str, subject: &str) -> Owner {
        let place = issuer.split_once("://").map_or(issuer, |(_, place)| place).trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@|-".contains(&byte);
        let readable = !subject.is_empty() && subject.bytes().all(plain) && place.bytes().all(|b| b.is_ascii_graphic());
        let name = format!("{OF_PROVIDER}{place}/{subject}");
        if readable && name.len() <= LONGEST_OF_PROVIDER {
            return Owner(Some(name));
        }
        let both = Sha256::digest(format!("{issuer}\0{subject}").as_bytes());
        Owner(Some(format!("{OF_PROVIDER}~{}", hexadecimal(&both[..16]))))
    }

    /// The name; the person of this account has none.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl TryFrom<Option<String>> for Owner {
    type Error = BadName;

    fn try_from(name: Option<String>) -> Result<Owner, BadName> {
        match name {
            None => Ok(Owner::account()),
            Some(name) if name.starts_with(OF_PROVIDER) && name.len() <= LONGEST_OF_PROVIDER => Ok(Owner(Some(name))),
            Some(name) => Owner::named(&name),
        }
    }
}

impl From<Owner> for Option<String> {
    fn from(owner: Owner) -> Option<String> {
        owner.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("the person of this account"))
    }
}

/// One thing that a credential lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See sessions and all that is in them.
    Read,
    /// Begin sessions, speak to the agent, stop it, rename and delete.
    Drive,
    /// Answer for a person: permissions, modes, caps, models, tokens.
    Answer,
}

impl Scope {
    /// All of them, the weakest first.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Drive, Scope::Answer];

    /// The name, as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Drive => "drive",
            Scope::Answer => "answer",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a credential lets its holder do: at least one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

/// A text that names no scopes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` are no scopes; give one or more of `read`, `drive` and `answer`, with commas between them")]
pub struct BadScopes(String);

impl Scopes {
    /// All of them.
    pub fn all() -> Scopes {
        Scopes::of(Scope::ALL)
    }

    fn of(scopes: impl IntoIterator<Item = Scope>) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |all, scope| all | Scopes::bit(scope)))
    }

    fn bit(scope: Scope) -> u8 {
        1 << (scope as u8)
    }

    /// Whether this one is among them.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & Scopes::bit(scope) != 0
    }

    /// One after the other, the weakest first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = BadScopes;

    fn try_from(scopes: Vec<Scope>) -> Result<Scopes, BadScopes> {
        match scopes.is_empty() {
            true => Err(BadScopes(String::new())),
            false => Ok(Scopes::of(scopes)),
        }
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Vec<Scope> {
        scopes.iter().collect()
    }
}

impl FromStr for Scopes {
    type Err = BadScopes;

    fn from_str(text: &str) -> Result<Scopes, BadScopes> {
        let one = |word: &str| Scope::ALL.into_iter().find(|scope| scope.name() == word.trim());
        let bad = || BadScopes(text.chars().take(80).collect());
        text.split(',').map(one).collect::<Option<Vec<Scope>>>().map(Scopes::of).ok_or_else(bad)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(Scope::name).collect::<Vec<_>>().join(","))
    }
}

/// What somebody showed to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A browser's sign-in.
    Cookie,
    /// A token, in the `Authorization` header.
    Token,
}

/// Who makes a request, and what they may do.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whose sessions they see.
    pub owner: Owner,
    /// What they may do.
    pub scopes: Scopes,
    /// What they showed.
    pub by: By,
    /// What they are called, where that is not their name: an e-mail address, as a provider told it.
    pub called: Option<String>,
    /// When what they showed is worth nothing any more, in milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// What they showed, for [`People::has_still`](super::People::has_still).
    pub(super) shown: Fingerprint,
}

impl Visitor {
    /// The words for them in a session's record: `web`, `web alice`, `token alice`.
    pub(super) fn surface(&self) -> String {
        let way = match self.by {
            By::Cookie => "web",
            By::Token => "token",
        };
        match self.called.as_deref().or(self.owner.name()) {
            None => way.to_owned(),
            Some(name) => format!("{way} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["alice", "a", "a.b_c@d-9", &"x".repeat(64)] {
            assert_eq!(Owner::named(name).unwrap().name(), Some(name));
        }
        for name in ["", "Alice", "a b", "oidc:x", "é", "a/b", "a\n", &"x".repeat(65)] {
            assert!(Owner::named(name).is_err(), "{name}");
        }
    }

    #[test]
    fn nobody_of_a_provider_is_taken_for_somebody_with_a_token() {
        let subjects = ["61d2", "alice", "", "a/b", "é", "x:y", &"z".repeat(300)];
        for (one, subject) in subjects.iter().enumerate() {
            let owner = Owner::at_provider("https://id.example.org/realm/", subject);
            let name = owner.name().unwrap().to_owned();
            assert!(Owner::named(&name).is_err(), "{name}");
            let read: Owner = serde_json::from_value(serde_json::to_value(&owner).unwrap()).unwrap();
            assert_eq!(read, owner);
            for other in &subjects[one + 1..] {
                assert_ne!(owner, Owner::at_provider("https://id.example.org/realm/", other));
            }
            assert_ne!(owner, Owner::at_provider("https://id.example.org/other", subject));
        }
        assert_eq!(Owner::at_provider("https://huggingface.co", "61d2").name(), Some("oidc:huggingface.co/61d2"));
    }

    #[test]
    fn an_owner_is_written_as_null_or_a_name() {
        assert_eq!(serde_json::to_string(&Owner::account()).unwrap(), "null");
        assert_eq!(serde_json::to_string(&Owner::named("alice").unwrap()).unwrap(), "\"alice\"");
        assert!(serde_json::from_str::<Owner>("\"A B\"").is_err());
    }

    #[test]
    fn scopes_are_read_and_written() {
        let scopes: Scopes = "answer, read".parse().unwrap();
        assert_eq!(scopes.to_string(), "read,answer");
        assert!(scopes.has(Scope::Read) && !scopes.has(Scope::Drive) && scopes.has(Scope::Answer));
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["read","answer"]"#);
        for wrong in ["", "write", "read,", "read drive"] {
            assert!(wrong.parse::<Scopes>().is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Scopes>("[]").is_err());
        assert_eq!(Scopes::all().iter().count(), 3);
    }
}
