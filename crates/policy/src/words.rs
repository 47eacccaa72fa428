//! Small closed lists whose members have one word each, read and printed the same everywhere.
//!
//! Not here: the lists themselves.

/// The text is none of the words that stand here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not known here")]
pub struct UnknownWord(pub String);

/// Gives each variant of an enum its word, for printing and for reading back.
macro_rules! words {
    ($kind:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $kind {
            /// Every one of them, in order.
            pub const ALL: &[$kind] = &[$($kind::$variant),*];
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self { $($kind::$variant => $word),* })
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::words::UnknownWord;

            fn from_str(text: &str) -> Result<$kind, Self::Err> {
                let found = $kind::ALL.iter().find(|known| known.to_string() == text);
                found.copied().ok_or_else(|| $crate::words::UnknownWord(text.to_owned()))
            }
        }
    };
}

pub(crate) use words;
