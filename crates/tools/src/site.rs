//! What a call is described against: where paths lead, and what hardware costs.
//!
//! Not here: doing anything.

use crate::call::Invalid;
use crate::hf_jobs::{Account, Board, Roles};
use host::place::Workspace;
use policy::{Effect, Place};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What tools look at to turn raw arguments into a typed call. Read once when a session starts, but for what the Hub
/// says of its prices and tokens, which [`look_up`](crate::hf_jobs::look_up) keeps fresh.
#[derive(Clone, Debug)]
pub struct Site {
    /// The folder the person put in front of the agent.
    pub workspace: Workspace,
    /// What hardware for jobs costs.
    pub hardware: Board,
    /// The Hub account that jobs run under, and the secrets a job may be handed.
    pub hub: Arc<Hub>,
}

impl Site {
    /// Finds where a path leads, for a tool; a path that cannot lead anywhere is an error for the model.
    pub fn place(&self, tool: &'static str, path: &str) -> Result<Place, Invalid> {
        self.workspace.place(path).map_err(|why| Invalid::of(tool, format!("`path`: {why}")))
    }

    /// What looking at a place is: what was put in front of the agent, or beyond it.
    pub fn effect_of_reading(&self, place: &Place) -> Effect {
        if self.workspace.holds(place) { Effect::Read } else { Effect::Reach }
    }
}

/// The person's configuration of the Hub.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    /// The base address; `None` means that no Hub is configured and every call is an error for the model.
    pub endpoint: Option<String>,
    /// The token; read from the environment or the configuration, never printed.
    pub token: Option<HubToken>,
    /// The secrets that a job may be handed, by name.
    pub secrets: BTreeMap<String, JobSecret>,
    /// Whose token it is. Left empty; the first call that needs it asks the Hub, which rations the question.
    pub account: OnceCell<Account>,
    /// What the Hub said of those secrets that are its own tokens. Left empty; look-ups fill it.
    pub roles: Roles,
}

/// A token of the Hub. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct HubToken(String);

impl HubToken {
    /// Keeps a token.
    pub fn new(token: impl Into<String>) -> HubToken {
        HubToken(token.into())
    }

    /// The token itself, for the request that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for HubToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HubToken(..)")
    }
}

/// A secret that a job may be handed.
#[derive(Clone, Debug)]
pub struct JobSecret {
    /// Its value.
    pub value: HubToken,
    /// Whether somebody who holds it can spend money, where the configuration says so; then nobody else is asked.
    pub said: Option<SecretPower>,
}

/// Whether somebody who holds a secret can spend money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPower {
    /// It can: the configuration says `spends = true`, or nobody knows better.
    CanSpend,
    /// It cannot: the configuration says `spends = false`, or it is a Hub token whose role is `read`.
    CannotSpend,
}
