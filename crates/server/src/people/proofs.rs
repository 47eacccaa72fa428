//! What a request has proven by the time it is looked at: extractors that nothing else can make.
//!
//! Not here: that a person answers (that is `answerer`), or how it is found out who it is (that is the `door`).

use super::door::Visit;
use super::unwelcome::Unwelcome;
use super::who::{Scope, Visitor};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use std::ops::Deref;

/// Somebody who may see their sessions.
#[derive(Clone, Debug)]
pub struct Reader(Visitor);

/// Somebody who may begin sessions and speak to the agent in them.
#[derive(Clone, Debug)]
pub struct Driver(Visitor);

impl Reader {
    /// Who it is.
    pub fn into_visitor(self) -> Visitor {
        self.0
    }
}

impl Driver {
    /// Who it is.
    pub fn into_visitor(self) -> Visitor {
        self.0
    }
}

impl Deref for Reader {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.0
    }
}

impl Deref for Driver {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Reader, Unwelcome> {
        Visit::of(parts)?.visitor_with(Scope::Read).map(Reader)
    }
}

/// For pages that send somebody who is not signed in to where they can; a bad token is refused all the same.
impl<S: Sync> OptionalFromRequestParts<S> for Reader {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Reader>, Unwelcome> {
        match Visit::of(parts)?.visitor_with(Scope::Read) {
            Ok(visitor) => Ok(Some(Reader(visitor))),
            Err(Unwelcome::NotSignedIn) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

/// For what is kept by whose it is; what they may do is asked of the others here.
impl<S: Sync> OptionalFromRequestParts<S> for Visitor {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Visitor>, Unwelcome> {
        Ok(Visit::of(parts)?.visitor())
    }
}

impl<S: Sync> FromRequestParts<S> for Driver {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Driver, Unwelcome> {
        Visit::of(parts)?.visitor_with(Scope::Drive).map(Driver)
    }
}
