//! Finding prices: everything there is, or what goes by a name or a part of one.
//!
//! Not here: how they are shown.

use super::near::near;
use super::page::{Flavors, Group, Origin, Page, Row};
use crate::config::Config;
use crate::draw::clean;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::rates::{self, Word, asking, router};
use crate::wiring;
use anyhow::anyhow;
use engine::Tariff;
use model::Provider;
use policy::Price;
use pricing::Hardware;
use pricing::models::{BundledModel, ModelPrice, PriceSource, bundled_models};
use pricing::tool_prices::ToolPrices;
use tools::site::Hub;

/// What prices are looked for in.
pub struct Listing<'a> {
    config: &'a Config,
    paths: &'a Paths,
    tools: ToolPrices,
    hub: Hub,
}

impl<'a> Listing<'a> {
    /// Reads what the configuration says.
    pub fn new(config: &'a Config, paths: &'a Paths) -> Result<Listing<'a>, Failure> {
        Ok(Listing { config, paths, tools: wiring::tool_prices(config)?, hub: wiring::hub(config)? })
    }

    /// All of it: the person's own prices, then the bundled table, then hardware.
    pub async fn everything(&self) -> Page {
        let list = self.hardware().await;
        let shown = list.flavors().map(str::to_owned).collect();
        let notes = vec![
            "cached and write: input read from and written to the service's cache; context: the most that a model takes \
             in; answer: the most that it gives out; above: the rates of a request whose input is longer"
                .to_owned(),
            "huggingface: the router lists its own prices; `remit prices huggingface/` asks for them".to_owned(),
            "`remit prices NAME` shows one model, one kind of hardware, or whatever has NAME in its name".to_owned(),
        ];
        Page { hardware: Some(Flavors { list, shown }), notes, ..self.known("") }
    }

    /// What goes by this name; else whatever has it in its name; else an error with what is near.
    pub async fn named(&self, name: &str) -> Result<Page, Failure> {
        if let Some(price) = self.tools.lookup(name) {
            return Ok(Page { tools: vec![(name.to_owned(), price)], ..Page::default() });
        }
        let unknown = match self.model(name).await? {
            Found::Price(group) => return Ok(Page { models: vec![group], ..Page::default() }),
            Found::Several(page) => return Ok(page),
            Found::Unknown(why) => Some(why),
            Found::Nothing => None,
        };
        let mut page = self.known(name);
        let documented = Hardware::documented().flavors().any(|flavor| has(flavor, name));
        if documented || (page.is_empty() && !name.contains('/')) {
            let list = self.hardware().await;
            let exact = list.price_of(name).is_some();
            let is_meant = |flavor: &&str| if exact { *flavor == name } else { has(flavor, name) };
            let shown: Vec<String> = list.flavors().filter(is_meant).map(str::to_owned).collect();
            page.hardware = (!shown.is_empty()).then_some(Flavors { list, shown });
        }
        if page.is_empty() { Err(self.stranger(name, unknown)) } else { Ok(page) }
    }

    fn stranger(&self, name: &str, unknown: Option<String>) -> Failure {
        let cause = match unknown {
            Some(why) => anyhow!("the price of `{name}` is not known: {why}"),
            None => anyhow!("no model, hardware or tool with a price is called `{name}`"),
        };
        let all = self.known("");
        let models = all.models.into_iter().flat_map(|group| group.rows).flat_map(|row| {
            let provider = row.name.split_once('/').map_or(String::new(), |(provider, _)| format!("{provider}/"));
            let others: Vec<String> = row.aliases.iter().map(|alias| format!("{provider}{alias}")).collect();
            std::iter::once(row.name).chain(others)
        });
        let flavors: Vec<String> = Hardware::documented().flavors().map(str::to_owned).collect();
        let names = models.chain(all.tools.into_iter().map(|(tool, _)| tool)).chain(flavors);
        let mut failure = Failure::user(cause);
        let near = near(name, names);
        if !near.is_empty() {
            failure = failure.hint(format!("near to it: {}", near.join(", ")));
        }
        failure.hint("`remit prices` lists all of them; your own go below [models.\"PROVIDER/NAME\"]")
    }

    /// What is known without asking anybody, as far as it has a text in its name.
    fn known(&self, part: &str) -> Page {
        let own: Vec<Row> = self.own_rows().into_iter().filter(|row| has(&row.name, part)).collect();
        let own =
            Group { title: "your own prices".to_owned(), origin: Origin::Configuration, notes: Vec::new(), rows: own };
        let mut models: Vec<Group> = if own.rows.is_empty() { Vec::new() } else { vec![own] };
        for found in bundled_models() {
            let row = bundled_row(&found);
            let names = row.aliases.iter().map(|alias| format!("{}/{alias}", found.provider));
            if !std::iter::once(row.name.clone()).chain(names).any(|name| has(&name, part)) {
                continue;
            }
            match models.iter_mut().find(|group| group.title == found.provider) {
                Some(group) => group.rows.push(row),
                None => models.push(Group {
                    title: found.provider.to_owned(),
                    origin: Origin::of(found.price.source()),
                    notes: self.notes_on(found.provider),
                    rows: vec![row],
                }),
            }
        }
        let tools = self.config.prices.keys().filter(|tool| has(tool, part));
        let tools = tools.filter_map(|tool| Some((tool.clone(), self.tools.lookup(tool)?))).collect();
        Page { models, tools, ..Page::default() }
    }

    /// The person's own prices of models; one that cannot be read stops `remit run` and is left out here.
    fn own_rows(&self) -> Vec<Row> {
        let given = self.config.models.iter().filter_map(|(name, own)| {
            let price = ModelPrice::given(name, own.price.as_ref()?).ok()?;
            Some((name.clone(), price.with_limits(own.context_tokens, own.max_output_tokens.map(u64::from))))
        });
        let free = self.config.providers.iter().filter(|(_, own)| own.free).map(|(name, own)| {
            let price = ModelPrice::free(PriceSource::Configuration);
            let limits = (own.context_tokens, own.max_output_tokens.map(u64::from));
            (format!("{name}/*"), price.with_limits(limits.0, limits.1))
        });
        let row = |(name, price): (String, ModelPrice)| Row {
            label: name.clone(),
            name,
            aliases: Vec::new(),
            price: Some(price),
        };
        given.chain(free).map(row).collect()
    }

    /// What of the configuration makes a provider's bundled prices not apply.
    fn notes_on(&self, provider: &str) -> Vec<String> {
        match self.config.providers.get(provider) {
            Some(own) if own.free => vec![format!("you say that they are free: providers.{provider}.free")],
            Some(own) if own.base_url.is_some() => {
                vec![format!("`providers.{provider}` has an address of its own, where these prices do not apply")]
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// A model by its exact name; or, of the router, all that have the rest of the name in theirs.
    async fn model(&self, name: &str) -> Result<Found, Failure> {
        let (provider, part) = name.split_once('/').unwrap_or((name, ""));
        let is_known = Provider::named(provider).is_some() || self.config.providers.contains_key(provider);
        let is_given = self.config.models.get(name).is_some_and(|own| own.price.is_some());
        let is_script = name.starts_with("script:");
        if !is_given
            && !is_script
            && !(is_known && (name.contains('/') || rates::router_at(self.config, name).is_some()))
        {
            return Ok(Found::Nothing);
        }
        let (base_url, model) = match rates::word(self.config, name)? {
            Word::Said(Tariff::Known(price)) if price.is_free() && part.is_empty() && !is_script => {
                return Ok(Found::Nothing);
            }
            Word::Said(Tariff::Known(price)) => return Ok(Found::Price(one(name, self.limited(name, price)))),
            Word::Said(Tariff::Unknown(why)) => return Ok(Found::Unknown(why)),
            Word::AtRouter { base_url, model } => (base_url, model),
        };
        let list = match router::list(&self.paths.router_list(), &base_url, wiring::now_ms()).await {
            Ok(list) => list,
            Err(why) => {
                let cause = anyhow!("the router's list of prices could not be had: {why}");
                return Err(Failure::host(cause).hint("a model of its has no price until then, unless you give one"));
            }
        };
        let row = |id: &str, price| Row {
            name: format!("{provider}/{id}"),
            label: id.to_owned(),
            aliases: Vec::new(),
            price,
        };
        let rows: Vec<Row> = match list.catalogue.price_of(&model) {
            Some(price) => vec![row(&model, Some(price))],
            None => {
                let ids = list.catalogue.models().filter(|id| has(id, &model));
                ids.map(|id| row(id, list.catalogue.price_of(id))).collect()
            }
        };
        if rows.is_empty() {
            let near = near(&model, list.catalogue.models().map(clean));
            let failure = Failure::user(anyhow!("the router lists no model `{model}`"));
            return Err(if near.is_empty() {
                failure
            } else {
                failure.hint(format!("near to it: {}", near.join(", ")))
            });
        }
        let origin = Origin::Router { asked_at_ms: list.asked_at_ms, stale_because: list.stale_because };
        let notes = vec!["without `:PROVIDER` behind the name, the dearest that the router may pick".to_owned()];
        let group = Group { title: provider.to_owned(), origin, notes, rows };
        Ok(Found::Several(Page { models: vec![group], ..Page::default() }))
    }

    /// The limits that the person gives stand before those that are documented.
    fn limited(&self, name: &str, price: ModelPrice) -> ModelPrice {
        let own = self.config.models.get(name).cloned().unwrap_or_default();
        let context = own.context_tokens.or(price.context_tokens());
        let output = own.max_output_tokens.map(u64::from).or(price.max_output_tokens());
        price.with_limits(context, output)
    }

    /// The Hub's own list where a Hub is configured and answers, else the documented one.
    async fn hardware(&self) -> Hardware {
        let Some(endpoint) = &self.hub.endpoint else { return Hardware::documented() };
        let token = self.hub.token.as_ref().map(|token| token.expose());
        let listed = async {
            let body = asking::get(endpoint, "/api/jobs/hardware", token).await?;
            let answer = serde_json::from_slice(&body).map_err(|_| "the answer is no JSON".to_owned())?;
            Hardware::read(&answer).map_err(|why| why.to_string())
        };
        listed.await.unwrap_or_else(|why: String| Hardware::fallback(&why))
    }
}

/// What there is by the name of a model.
enum Found {
    /// Its price.
    Price(Group),
    /// The router's.
    Several(Page),
    /// It may be one, and nobody says what it costs.
    Unknown(String),
    /// It is no name of a model.
    Nothing,
}

/// One model by itself, with all its names.
fn one(name: &str, price: ModelPrice) -> Group {
    let origin = Origin::of(price.source());
    let (provider, model) = name.split_once('/').unwrap_or(("", name));
    let service = Provider::named(provider).map_or(provider, |known| known.name);
    let is_it =
        |found: &BundledModel| found.provider == service && (found.model == model || found.aliases.contains(&model));
    let same = match &origin {
        Origin::Bundled { .. } => bundled_models().find(is_it),
        Origin::Configuration | Origin::Script | Origin::Router { .. } => None,
    };
    let names = same.iter().flat_map(|found| std::iter::once(&found.model).chain(found.aliases));
    let aliases: Vec<String> = names.filter(|other| **other != model).map(|other| (*other).to_owned()).collect();
    let notes = if aliases.is_empty() { Vec::new() } else { vec![format!("the same model: {}", aliases.join(", "))] };
    let (title, label) = match &origin {
        Origin::Bundled { .. } => (provider.to_owned(), model.to_owned()),
        Origin::Configuration => ("your own prices".to_owned(), name.to_owned()),
        Origin::Script | Origin::Router { .. } => ("script".to_owned(), name.to_owned()),
    };
    let row = Row { name: name.to_owned(), label, aliases, price: Some(price) };
    Group { title, origin, notes, rows: vec![row] }
}

fn bundled_row(found: &BundledModel) -> Row {
    Row {
        name: format!("{}/{}", found.provider, found.model),
        label: found.model.to_owned(),
        aliases: found.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        price: Some(found.price.clone()),
    }
}

fn has(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

/// A price of a tool in words: `$0.05` a call, or `free`.
pub fn of_call(price: &Price) -> String {
    match price {
        Price::AtMost(usd) => usd.to_string(),
        Price::Free => "free".to_owned(),
        Price::Unknown(why) | Price::Unbounded(why) => why.clone(),
    }
}
