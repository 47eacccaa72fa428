//! Why somebody is not let in.
//!
//! Not here: deciding it, or what all problems look like (that is `problem`).

use super::who::Scope;
use crate::problem::{Code, Problem};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Why a request is refused before it reaches what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    /// Nobody is signed in.
    #[error("sign in, or send a token in the `Authorization` header")]
    NotSignedIn,
    /// The token is unknown, revoked or has expired.
    #[error("the token is unknown, revoked or has expired")]
    BadToken,
    /// What was shown does not allow this.
    #[error("this needs the scope `{0}`")]
    MissingScope(Scope),
    /// The request comes from a page of another site.
    #[error("the request does not come from a page of this server")]
    CrossSite,
    /// The request names a host that this server does not go by.
    #[error("this server does not go by that name; `--host-name` gives it another")]
    WrongHost,
    /// A program that a Remit run started wants what only a person may do.
    #[error("a program that a Remit run started may not do this, whatever it shows; only a person may")]
    BelowRun,
    /// Too many tokens that are none came from one address.
    #[error("too many tokens from there were none; wait {0} s")]
    TooManyFailures(u32),
}

impl Unwelcome {
    fn code(self) -> Code {
        match self {
            Unwelcome::NotSignedIn | Unwelcome::BadToken => Code::SignInFirst,
            Unwelcome::MissingScope(_) => Code::ScopeMissing,
            Unwelcome::CrossSite => Code::CrossSite,
            Unwelcome::WrongHost => Code::WrongHost,
            Unwelcome::BelowRun => Code::FromTheAgent,
            Unwelcome::TooManyFailures(_) => Code::TooMany,
        }
    }
}

impl From<Unwelcome> for Problem {
    fn from(why: Unwelcome) -> Problem {
        Problem::new(why.code(), why.to_string())
    }
}

impl IntoResponse for Unwelcome {
    fn into_response(self) -> Response {
        let mut response = Problem::from(self).into_response();
        if let Unwelcome::TooManyFailures(seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
