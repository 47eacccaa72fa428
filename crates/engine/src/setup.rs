//! What a session works with: its model, tools, servers and limits, all read once when it starts.
//!
//! Not here: where they come from (that is `cli`).

use crate::metering::Tariff;
use crate::work::Desk;
use host::scene::Scene;
use mcp::Servers;
use model::Model;
use pricing::tool_prices::ToolPrices;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tools::Site;
use turn::Limits;

/// Everything that a session works with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The model.
    pub model: Arc<Model>,
    /// Its name, as `PROVIDER/NAME` or `script:FILE`.
    pub model_name: Arc<str>,
    /// What it costs.
    pub tariff: Arc<Tariff>,
    /// The system prompt; the same in every mode.
    pub instructions: Arc<str>,
    /// What calls are described against.
    pub site: Site,
    /// What runs are given besides their permits.
    pub scene: Scene,
    /// The MCP servers of the person's configuration.
    pub servers: Servers,
    /// The person's prices for tools.
    pub prices: Arc<ToolPrices>,
    /// Where a turn stops by itself.
    pub limits: Limits,
    /// The most tokens of one answer; `None` leaves it to the service.
    pub max_output_tokens: Option<u32>,
    /// The wall clock, in milliseconds since 1970.
    pub now_ms: fn() -> i64,
}

impl Setup {
    /// What calls are understood against.
    pub fn desk(&self) -> Desk<'_> {
        Desk { site: &self.site, servers: &self.servers, prices: &self.prices }
    }
}

/// What a session is about, as its record's header keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The folder it works in.
    pub workspace: String,
    /// The model it started with, as `PROVIDER/NAME` or `script:FILE`.
    pub model: String,
    /// The beginning of what the person first said.
    pub title: String,
}
