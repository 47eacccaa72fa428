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

/// The share of a model's context, in percent, from which older turns are summed up.
const SUM_UP_AT: u64 = 80;

/// A model that was picked, with what has to be known of it.
#[derive(Debug)]
pub struct Picked {
    /// As the person wrote it.
    pub name: String,
    /// The model.
    pub model: Model,
    /// What it costs.
    pub tariff: Tariff,
    /// How many tokens it can take in, where that is known.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer, where the configuration says so.
    pub max_output_tokens: Option<u32>,
}

impl Picked {
    /// From how many input tokens older turns are summed up.
    pub fn sum_up_at(&self) -> Option<u64> {
        self.context_tokens.map(|tokens| tokens / 100 * SUM_UP_AT)
    }

    /// What a person might not expect of this model.
    pub fn notes(&self) -> Vec<String> {
        match &self.tariff {
            Tariff::Unknown(why) => {
                vec![format!("the model has no price ({why}): its requests are counted in tokens alone")]
            }
            Tariff::Known(_) => Vec::new(),
        }
    }
}

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
    /// Works with this model from now on.
    pub(crate) fn take(&mut self, picked: Picked) {
        self.limits.context_tokens = picked.sum_up_at();
        self.max_output_tokens = picked.max_output_tokens;
        self.model_name = picked.name.into();
        (self.model, self.tariff) = (Arc::new(picked.model), Arc::new(picked.tariff));
    }

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
    /// The beginning of what the person first said; empty when nothing was said yet.
    pub title: String,
    /// Who it belongs to, where several people use one server; nobody by name is the person of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}
