//! What must not be shown: credentials as texts, and the fingerprints that are kept in their place.
//!
//! Not here: whose they are (that is `book`).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// How many random bytes a credential has.
const STRENGTH: usize = 32;

/// A credential. Its `Debug` shows nothing, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

impl Credential {
    /// Takes a text as a secret.
    pub fn of(text: impl Into<String>) -> Credential {
        Credential(text.into())
    }

    /// Makes a secret of 256 random bits, in hexadecimal after a prefix that says what it is.
    pub fn fresh(prefix: &str) -> Result<Credential, NoRandomness> {
        let mut bytes = [0; STRENGTH];
        getrandom::fill(&mut bytes).map_err(|why| NoRandomness(why.to_string()))?;
        Ok(Credential(format!("{prefix}{}", hexadecimal(&bytes))))
    }

    /// The text itself, for the one who is to have it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// A credential on its way to the one who is to have it, for `#[serde(with = ..)]`: there is no other way to write one down.
pub(crate) mod in_the_open {
    use super::Credential;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(credential: &Credential, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(credential.reveal())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Credential, D::Error> {
        String::deserialize(from).map(Credential)
    }
}

/// The system gave no random bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no randomness: {0}")]
pub struct NoRandomness(String);

/// The SHA-256 of a credential of 256 random bits. Whoever reads one cannot tell what it is of; that it is found by looking
/// it up tells nothing of how much of a guess was right.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a text.
    pub(crate) fn of(text: &str) -> Fingerprint {
        Fingerprint(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({}..)", hexadecimal(&self.0[..4]))
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        hexadecimal(&fingerprint.0)
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits")]
pub(crate) struct NoFingerprint;

impl TryFrom<String> for Fingerprint {
    type Error = NoFingerprint;

    fn try_from(text: String) -> Result<Fingerprint, NoFingerprint> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoFingerprint);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| NoFingerprint)?;
        }
        Ok(Fingerprint(bytes))
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_to_nobody_who_does_not_ask() {
        let secret = Credential::fresh("remit_").unwrap();
        assert_eq!(secret.reveal().len(), 6 + 64);
        assert_eq!(format!("{secret:?}"), "Credential");
        assert_eq!(format!("{:?}", Some(&secret)), "Some(Credential)");
        assert_ne!(secret, Credential::fresh("remit_").unwrap());
    }

    #[test]
    fn a_fingerprint_is_written_and_read_back() {
        let one = Fingerprint::of("abc");
        let text = String::from(one);
        assert_eq!(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Fingerprint::try_from(text).unwrap(), one);
        for wrong in ["", "00", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32)] {
            assert!(Fingerprint::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert_eq!(format!("{one:?}"), "Fingerprint(ba7816bf..)");
    }
}
