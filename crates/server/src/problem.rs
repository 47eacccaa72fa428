//! What a client reads when a request cannot be done: problem details, as RFC 9457 has them.
//!
//! Not here: what went wrong. Each problem has a code that does not change, and a sentence that may.

use crate::house::Unable;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wire::http::ProblemView;

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The request is not understood.
    Malformed,
    /// Nobody is signed in.
    SignInFirst,
    /// What was shown does not let its holder do this.
    ScopeMissing,
    /// The request comes from another site.
    CrossSite,
    /// The request was started by the agent's own program.
    FromTheAgent,
    /// There is no such thing.
    NotFound,
    /// There is such a thing, and this cannot be done with it.
    MethodNotAllowed,
    /// The answer has no form that the client takes.
    NotAcceptable,
    /// It is in use, or something else is under way.
    InUse,
    /// The question is not open any more.
    NotAsked,
    /// The key was used for another request.
    KeyReused,
    /// The body is too large.
    TooLarge,
    /// The body is of another kind.
    NotJson,
    /// It is understood, and cannot be done as it was asked.
    Refused,
    /// There are too many at once.
    TooMany,
    /// The host was addressed by a name that is not its own.
    WrongHost,
    /// The machine or the configuration is in the way.
    Failed,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 17] = [
        Code::Malformed,
        Code::SignInFirst,
        Code::ScopeMissing,
        Code::CrossSite,
        Code::FromTheAgent,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::NotAcceptable,
        Code::InUse,
        Code::NotAsked,
        Code::KeyReused,
        Code::TooLarge,
        Code::NotJson,
        Code::Refused,
        Code::TooMany,
        Code::WrongHost,
        Code::Failed,
    ];

    /// The code as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Code::Malformed => "malformed",
            Code::SignInFirst => "sign_in_first",
            Code::ScopeMissing => "scope_missing",
            Code::CrossSite => "cross_site",
            Code::FromTheAgent => "from_the_agent",
            Code::NotFound => "not_found",
            Code::MethodNotAllowed => "method_not_allowed",
            Code::NotAcceptable => "not_acceptable",
            Code::InUse => "in_use",
            Code::NotAsked => "not_asked",
            Code::KeyReused => "key_reused",
            Code::TooLarge => "too_large",
            Code::NotJson => "not_json",
            Code::Refused => "refused",
            Code::TooMany => "too_many",
            Code::WrongHost => "wrong_host",
            Code::Failed => "failed",
        }
    }

    /// What it stands for, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Code::Malformed => "the request is not understood",
            Code::SignInFirst => "nobody is signed in, or the token is none",
            Code::ScopeMissing => "the credential does not allow this",
            Code::CrossSite => "a browser sends this for a page of another site",
            Code::FromTheAgent => "a program that a Remit run started asks for what only a person may do",
            Code::NotFound => "there is no such thing, or it is somebody else's",
            Code::MethodNotAllowed => "this address has no such method",
            Code::NotAcceptable => "there is no form of the answer that is accepted",
            Code::InUse => "something else is under way",
            Code::NotAsked => "nothing is asked about this call any more",
            Code::KeyReused => "the key stands for another request",
            Code::TooLarge => "the body is too large, or was cut off",
            Code::NotJson => "the body is not JSON",
            Code::Refused => "it is understood, and cannot be done as it was asked",
            Code::TooMany => "there are too many at once",
            Code::WrongHost => "the server does not go by this name",
            Code::Failed => "the machine or the configuration is in the way",
        }
    }

    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Code::Malformed => StatusCode::BAD_REQUEST,
            Code::SignInFirst => StatusCode::UNAUTHORIZED,
            Code::ScopeMissing | Code::CrossSite | Code::FromTheAgent => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Code::InUse | Code::NotAsked => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::Refused | Code::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Code::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Code::Failed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What went wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// For a program.
    pub code: Code,
    /// For a person.
    pub detail: String,
}

impl Problem {
    /// What went wrong, in both tongues.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into() }
    }

    /// It as it is sent.
    pub fn view(&self) -> ProblemView {
        let status = self.code.status();
        ProblemView {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.word().to_owned(),
        }
    }
}

impl From<Unable> for Problem {
    fn from(trouble: Unable) -> Problem {
        let code = match trouble {
            Unable::NotFound(_) => Code::NotFound,
            Unable::InUse(_) => Code::InUse,
            Unable::Refused(_) => Code::Refused,
            Unable::TooMany(_) => Code::TooMany,
            Unable::Failed(_) => Code::Failed,
        };
        Problem::new(code, trouble.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), Json(self.view())).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.code == Code::SignInFirst {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"remit\""));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_is_one_of_its_own() {
        let words: BTreeSet<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn a_problem_says_its_status_and_its_code() {
        let view = Problem::new(Code::NotFound, "there is no session `x`").view();
        assert_eq!((view.status, view.title.as_str(), view.code.as_str()), (404, "Not Found", "not_found"));
    }
}
