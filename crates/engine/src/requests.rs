//! What was asked of the model and what it cost, as the record keeps it, and what that amounts to.
//!
//! Not here: holding money for a request (that is `metering`), or asking (that is `asking`).

use gate::Note;
use money::Usd;
use serde::{Deserialize, Serialize};
use serde_with::{As, DisplayFromStr};
use turn::chat::Usage;

/// The kind under which requests stand in a session's record.
pub const REQUEST_KIND: &str = "request";

/// One attempt to ask the model, when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRecord {
    /// The name of its hold; absent when there was nothing to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The model, as `PROVIDER/NAME` or `script:FILE`.
    pub model: String,
    /// What it was for.
    pub purpose: Purpose,
    /// What came of it.
    pub outcome: RequestOutcome,
    /// The tokens that the service counted; absent when it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost; absent when the model has no price.
    #[serde(with = "As::<Option<DisplayFromStr>>", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// What the service's cache has saved; absent when the model has no price, or nobody counted.
    #[serde(with = "As::<Option<DisplayFromStr>>", default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Usd>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The model's next message.
    Reply,
    /// A summary of the older part of the conversation.
    Summary,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// The model answered.
    Answered,
    /// The service refused it, and began nothing.
    Refused,
    /// There is no answer, and it may have cost something all the same.
    Lost,
}

impl RequestRecord {
    /// The request as it stands in the record.
    pub(crate) fn note(&self) -> Result<Note, serde_json::Error> {
        Ok(Note { kind: REQUEST_KIND, body: serde_json::to_string(self)? })
    }
}

/// All requests of a session, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many were made.
    pub count: u64,
    /// How many of them had no price.
    pub unpriced: u64,
    /// The tokens that were counted.
    pub usage: Usage,
    /// What caching has saved.
    pub saved: Usd,
    /// The model that answered last.
    pub model: Option<String>,
}

impl Requests {
    /// Adds one.
    pub fn add(&mut self, request: &RequestRecord) {
        self.count += 1;
        self.unpriced += u64::from(request.cost.is_none() && request.outcome != RequestOutcome::Refused);
        self.usage = self.usage.plus(request.usage.unwrap_or_default());
        self.saved = self.saved.saturating_add(request.saved.unwrap_or_default());
        if request.outcome == RequestOutcome::Answered {
            self.model = Some(request.model.clone());
        }
    }
}
