//! What `remit prices` shows: prices in groups that have one source.
//!
//! Not here: where they are found, or how they are shown.

use policy::Price;
use pricing::Hardware;
use pricing::models::{ModelPrice, PriceSource};

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Page {
    /// Models, in groups.
    pub models: Vec<Group>,
    /// Tools that the person gave a price, by name.
    pub tools: Vec<(String, Price)>,
    /// Job hardware.
    pub hardware: Option<Flavors>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// Models whose prices have one source.
#[derive(Debug)]
pub struct Group {
    /// What they have in common: a provider, or whose prices they are.
    pub title: String,
    /// Where the prices come from.
    pub origin: Origin,
    /// What there is to say of all of them.
    pub notes: Vec<String>,
    /// The models.
    pub rows: Vec<Row>,
}

/// One model.
#[derive(Debug)]
pub struct Row {
    /// Its whole name, as `--model` takes it.
    pub name: String,
    /// Its name within the group.
    pub label: String,
    /// Other names with the same price.
    pub aliases: Vec<String>,
    /// What it costs; `None` where its service lists no price.
    pub price: Option<ModelPrice>,
}

/// Where prices come from, and how old they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table that comes with the program.
    Bundled {
        /// The day as of which the figures are.
        dated: &'static str,
        /// The page that states them.
        url: &'static str,
    },
    /// The router's list.
    Router {
        /// When it was asked for.
        asked_at_ms: i64,
        /// Why there is no newer one, when one was asked for.
        stale_because: Option<String>,
    },
    /// The person's configuration.
    Configuration,
    /// A script that plays a model.
    Script,
}

impl Origin {
    /// The source of a price that is not from the router.
    pub fn of(source: PriceSource) -> Origin {
        match source {
            PriceSource::Bundled { dated, url } => Origin::Bundled { dated, url },
            PriceSource::Configuration => Origin::Configuration,
            PriceSource::Script => Origin::Script,
            PriceSource::RouterCatalogue => unreachable!("the router's prices are shown with the age of its list"),
        }
    }
}

/// Job hardware with its prices.
#[derive(Debug)]
pub struct Flavors {
    /// The list, with its source.
    pub list: Hardware,
    /// The names that are shown.
    pub shown: Vec<String>,
}

impl Page {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty() && self.tools.is_empty() && self.hardware.is_none()
    }
}
