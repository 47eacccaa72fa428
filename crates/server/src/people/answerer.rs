//! Vouching for a person who is signed in: the one place of the server that makes a [`Person`].
//!
//! Not here: what they may do with it.
//!
//! A credential is not enough. A program that the agent started might have found one, in a browser's files or in a
//! configuration; so a peer on this machine must not descend from a Remit run either.

use super::door::Visit;
use super::unwelcome::Unwelcome;
use super::who::{Scope, Visitor};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use gate::Person;
use host::authority::Peer;
use std::convert::Infallible;

/// Somebody who may answer for a person: permissions, modes, caps, models, tokens.
#[derive(Clone, Debug)]
pub struct Answerer {
    visitor: Visitor,
    person: Person,
}

impl Answerer {
    /// Who it is.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// What a mode change or an answer takes.
    pub fn person(&self) -> Person {
        self.person.clone()
    }
}

impl<S: Sync> FromRequestParts<S> for Answerer {
    type Rejection = Unwelcome;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Answerer, Unwelcome> {
        let visit = Visit::of(parts)?;
        let visitor = visit.visitor_with(Scope::Answer)?;
        match visit.peer().await {
            Peer::Child => Err(Unwelcome::BelowRun),
            Peer::Person => Ok(Answerer { person: Person::at(visitor.surface()), visitor }),
        }
    }
}

/// For requests that need a person for a part of what they can ask. Take `Result<Answerer, Unwelcome>` to tell why there is
/// none.
impl<S: Sync> OptionalFromRequestParts<S> for Answerer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Answerer>, Infallible> {
        Ok(<Answerer as FromRequestParts<S>>::from_request_parts(parts, state).await.ok())
    }
}
