//! Signing in by the word of a provider: OpenID Connect.
//!
//! Not here: what a sign-in is worth (that is `register`).

use super::door::Door;
use axum::Router;

/// Where signing in through a provider begins.
pub const BEGIN: &str = "/sign-in/oidc";

/// A provider that vouches for people.
#[derive(Debug)]
pub struct Issuer {
    name: String,
}

impl Issuer {
    /// What it is called on the page.
    pub fn name(&self) -> &str {
        &self.name
    }
}

pub(super) fn routes() -> Router<Door> {
    Router::new()
}
