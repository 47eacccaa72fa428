//! What can go wrong when a model is asked, by what the caller can do about it.
//!
//! Not here: how a service's refusal is read (that is `fault`).

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::completion::Spent;
use crate::script::ScriptError;
use crate::secret::Secret;

/// The most characters that are kept of what a service says.
const LONGEST_WORDS: usize = 600;
/// The most characters that are kept of a request's identifier.
const LONGEST_ID: usize = 120;

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The key is missing, wrong, or may not do this.
    #[error("the key was refused: {0}")]
    Auth(Box<Said>),
    /// There is no credit left.
    #[error("no credit is left: {0}")]
    Quota(Box<Said>),
    /// Too many requests or tokens in too short a time.
    #[error("too many requests: {said}")]
    RateLimited {
        /// What the service said.
        said: Box<Said>,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The conversation does not fit into the model's context; compaction helps.
    #[error("the conversation is too long for the model: {0}")]
    ContextTooLong(Box<Said>),
    /// The service does not understand the request, or does not know the model.
    #[error("the request was refused: {0}")]
    BadRequest(Box<Said>),
    /// The service has a fault of its own, or is overloaded.
    #[error("the service is down: {said}")]
    Down {
        /// What the service said.
        said: Box<Said>,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The service could not be reached.
    #[error("no connection: {0}")]
    Network(Box<Said>),
    /// The service has a certificate that this machine does not trust.
    #[error("the connection is not trusted: {0}")]
    Untrusted(Box<Said>),
    /// The answer ended, or stalled, before it was whole.
    #[error("the answer was cut off: {0}")]
    Cut(Box<Said>),
    /// The answer is not in the language of the service.
    #[error("the answer cannot be read: {0}")]
    Garbled(Box<Said>),
    /// The answer is larger than any answer should be.
    #[error("the answer is too large: {0}")]
    TooMuch(Box<Said>),
    /// The script cannot go on.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl ModelError {
    /// Returns whether the same request may well succeed later, with nothing changed by anybody.
    pub fn is_transient(&self) -> bool {
        match self {
            ModelError::RateLimited { .. } | ModelError::Down { .. } | ModelError::Network(_) | ModelError::Cut(_) => {
                true
            }
            ModelError::Auth(_)
            | ModelError::Quota(_)
            | ModelError::ContextTooLong(_)
            | ModelError::BadRequest(_)
            | ModelError::Untrusted(_)
            | ModelError::Garbled(_)
            | ModelError::TooMuch(_)
            | ModelError::Script(_) => false,
        }
    }

    /// Returns whether another attempt may be made at once after so many that failed. Rubbish gets a second one: twice
    /// is a service's habit, not its accident.
    pub(crate) fn is_worth_another(&self, failed: u32) -> bool {
        match self {
            ModelError::Garbled(_) => failed < 2,
            _ => self.is_transient(),
        }
    }

    /// Returns how long the service wants to be left alone, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ModelError::RateLimited { retry_after, .. } | ModelError::Down { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// An attempt that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Lost {
    /// Why it failed.
    #[source]
    pub why: Box<ModelError>,
    /// What it cost all the same.
    pub spent: Spent,
    /// How long to wait before the next attempt; `None` when there is to be none.
    pub wait: Option<Duration>,
}

/// Who said what: a service, its status, and its own words, bounded and without any secret of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The host that was asked, or the script.
    pub service: String,
    /// The status of its response, if there was one.
    pub status: Option<u16>,
    /// Its own words, or ours where it said nothing.
    pub words: String,
    /// Its name for the request.
    pub request_id: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.service)?;
        if let Some(status) = self.status {
            write!(f, " answered {status}")?;
        }
        if !self.words.is_empty() {
            write!(f, ": {}", self.words)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request `{id}`)")?;
        }
        Ok(())
    }
}

/// Makes somebody else's words fit to be shown: without secrets and control characters, on one line, not too long.
///
/// The secrets go first, so that no cut can leave half of one.
pub(crate) fn presentable(words: &str, secrets: &[&Secret]) -> String {
    tidy(words, secrets, LONGEST_WORDS)
}

/// Makes a service's identifier of a request fit to be shown.
pub(crate) fn presentable_id(id: &str, secrets: &[&Secret]) -> Option<String> {
    let id = tidy(id, secrets, LONGEST_ID);
    (!id.is_empty()).then_some(id)
}

fn tidy(words: &str, secrets: &[&Secret], longest: usize) -> String {
    let scrubbed = secrets.iter().fold(words.to_owned(), |words, secret| secret.scrub(&words));
    let mut line = String::new();
    let mut length = 0;
    for word in scrubbed.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        let gap = usize::from(!line.is_empty());
        let room = longest.saturating_sub(length + gap);
        if room == 0 {
            line.push('…');
            break;
        }
        if gap == 1 {
            line.push(' ');
        }
        length += gap + word.chars().take(room).count();
        line.extend(word.chars().take(room));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_on_one_line_without_secrets_and_control_characters() {
        let key = Secret::new("sk-very-secret");
        let words = presentable("bad key\n sk-very-secret\u{1b}[31m  (sk-very-secretx)", &[&key]);
        assert_eq!(words, "bad key [secret] [31m ([secret]x)");
    }

    #[test]
    fn words_are_bounded_after_the_secrets_went() {
        let key = Secret::new("sk-very-secret");
        let flood = "sk-very-secret ".repeat(1_000);
        let words = presentable(&flood, &[&key]);
        assert!(words.chars().count() <= LONGEST_WORDS + 1, "{}", words.chars().count());
        assert!(!words.contains("sk-"), "{words}");
        assert!(words.ends_with('…'));
    }

    #[test]
    fn a_message_names_the_service_the_status_and_its_words() {
        let said = Said {
            service: "api.example.com".into(),
            status: Some(401),
            words: "invalid key".into(),
            request_id: Some("req_1".into()),
        };
        let error = ModelError::Auth(Box::new(said));
        assert_eq!(
            error.to_string(),
            "the key was refused: `api.example.com` answered 401: invalid key (request `req_1`)"
        );
        assert!(!error.is_transient());
    }
}
