//! Who may use the server, and what each of them has to show.
//!
//! In reading order: [`who`] has owners, scopes and visitors; [`credential`] what must not be shown; [`book`] the file of all of
//! them; [`register`] who is let in by it; [`seen`] how a request sees the server; [`door`] what each request passes;
//! [`proofs`] and [`answerer`] what it has proven then; [`sign_in`] how a browser gets in; [`oidc`] by a provider's word;
//! [`hatch`] how other programs of the same person have it changed; [`reach`] and [`tls`] how far and how it travels.
//!
//! Not here: what a session is, or what is told to those who may see it.

mod answerer;
mod attempts;
mod book;
mod clock;
mod credential;
mod door;
mod ends;
pub mod hatch;
pub mod oidc;
mod page;
mod proofs;
mod reach;
mod register;
mod seen;
mod sign_in;
#[cfg(test)]
mod tests;
mod tls;
mod unwelcome;
mod who;

pub use answerer::Answerer;
pub use book::{BookError, TokenEntry};
pub use credential::{Credential, NoRandomness};
pub use door::Door;
pub use ends::Ends;
pub use hatch::Hatch;
pub use oidc::{Issuer, Oidc};
pub use proofs::{Driver, Reader};
pub use reach::{TooFar, may_bind};
pub use register::{MadeToken, NewToken, People, PeopleError};
pub use seen::{BadHost, Hosts, Way};
pub use sign_in::{SIGN_IN, SIGN_OUT, link};
pub use tls::{Tls, TlsError, TlsListener};
pub use unwelcome::Unwelcome;
pub use who::{BadName, BadScopes, By, Owner, Scope, Scopes, Visitor};
