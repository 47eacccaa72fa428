//! A key or a token, which no format string can print.
//!
//! Not here: where keys come from, or which service wants which.

use std::fmt;

/// Something that must not be seen: a key, a token, the value of a header that a person configured.
///
/// It has no `Display` and no `Serialize`, and its `Debug` shows nothing of it. The text comes out of
/// [`expose`](Secret::expose) alone, so that every use can be found by searching for that word.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// The shortest secret that is removed from what a service says; a shorter one would tear holes into ordinary words.
const SHORTEST_SCRUBBED: usize = 6;

impl Secret {
    /// Makes a secret of some text, without the white space around it (files and shells add line ends).
    pub fn new(text: &str) -> Secret {
        Secret(text.trim().into())
    }

    /// Returns the text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Replaces every occurrence of the secret in some words.
    pub(crate) fn scrub(&self, words: &str) -> String {
        if self.0.len() < SHORTEST_SCRUBBED {
            return words.to_owned();
        }
        words.replace(&*self.0, "[secret]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let key = Secret::new(" sk-very-secret\n");
        assert_eq!(format!("{key:?} {:#?}", Some(&key)), "Secret(..) Some(\n    Secret(..),\n)");
        assert_eq!(key.expose(), "sk-very-secret");
    }

    #[test]
    fn a_secret_is_taken_out_of_words_and_a_very_short_one_is_left() {
        assert_eq!(Secret::new("sk-very-secret").scrub("no sk-very-secret, sk-very-secret!"), "no [secret], [secret]!");
        assert_eq!(Secret::new("a").scrub("bananas"), "bananas");
    }
}
