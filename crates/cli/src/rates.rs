//! What a model costs: what the person says of it, else what they say of its provider, else what is listed.
//!
//! In reading order: this file has who is believed; [`router`] the list of the Hugging Face router, asked for and kept;
//! [`asking`] one request for a list.
//!
//! Not here: the prices that come with the program, or what a request costs by them (that is `pricing`).

pub mod asking;
pub mod router;

use crate::config::Config;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::wiring;
use anyhow::anyhow;
use engine::voice::{Catalogue, Picking};
use engine::{Picked, Tariff};
use model::{Provider, Script};
use pricing::models::{ModelPrice, PriceSource, Rates};
use router::RouterList;
use std::path::Path;
use std::sync::Arc;

/// The provider whose own list says what its models cost.
const ROUTER: &str = "huggingface";

/// Who says what a model costs.
#[derive(Clone, Debug)]
pub enum Word {
    /// It is known, or known not to be, without asking anybody.
    Said(Tariff),
    /// The router's list has to be looked at.
    AtRouter {
        /// The base of its address.
        base_url: String,
        /// The model, as the router spells it.
        model: String,
    },
}

/// Finds out who says what a model costs.
///
/// The bundled table is about the services themselves: at another address the same name may cost something else. The
/// router's list is asked for at the router's address, wherever the person says that is.
pub fn word(config: &Config, name: &str) -> Result<Word, Failure> {
    if let Some(file) = name.strip_prefix("script:") {
        let script = Script::load(Path::new(file)).map_err(Failure::user)?;
        return tariff_of_script(&script).map(Word::Said);
    }
    if let Some(given) = config.models.get(name).and_then(|model| model.price.as_ref()) {
        let price = ModelPrice::given(name, given).map_err(Failure::config)?;
        return Ok(Word::Said(Tariff::Known(price)));
    }
    let (provider, model) = name.split_once('/').unwrap_or((name, ""));
    let own = config.providers.get(provider).cloned().unwrap_or_default();
    if own.free {
        return Ok(Word::Said(Tariff::Known(ModelPrice::free(PriceSource::Configuration))));
    }
    if let Some(base_url) = router_at(config, provider) {
        return Ok(Word::AtRouter { base_url, model: model.to_owned() });
    }
    let service = Provider::named(provider).map_or(provider, |known| known.name);
    Ok(Word::Said(match (&own.base_url, pricing::models::bundled(service, model)) {
        (None, Some(price)) => Tariff::Known(price),
        (Some(_), _) => Tariff::Unknown(format!("`providers.{provider}` has an address of its own")),
        (None, None) => Tariff::Unknown("it is not in the bundled table".to_owned()),
    }))
}

/// Where the router is, when a provider of this name is it.
pub fn router_at(config: &Config, provider: &str) -> Option<String> {
    let known = Provider::named(provider).filter(|known| known.name == ROUTER)?;
    let own = config.providers.get(provider).and_then(|own| own.base_url.clone());
    Some(own.unwrap_or_else(|| known.base_url.to_owned()))
}

/// What a model costs as far as that is known without a network: of the router's list, what was kept of it.
pub fn tariff(config: &Config, name: &str) -> Result<Tariff, Failure> {
    Ok(match word(config, name)? {
        Word::Said(tariff) => tariff,
        Word::AtRouter { base_url, model } => {
            let kept = router::kept(&Paths::find()?.router_list(), &base_url, wiring::now_ms());
            match kept {
                Some(list) => listed(&list, &model),
                None => Tariff::Unknown(
                    "the router's list was not asked for yet; a run or `remit prices` asks for it".to_owned(),
                ),
            }
        }
    })
}

/// What a model costs; the router is asked where its list is hours old, and nobody else.
pub async fn tariff_live(config: &Config, paths: &Paths, name: &str) -> Result<Tariff, Failure> {
    Ok(match word(config, name)? {
        Word::Said(tariff) => tariff,
        Word::AtRouter { base_url, model } => {
            match router::list(&paths.router_list(), &base_url, wiring::now_ms()).await {
                Ok(list) => listed(&list, &model),
                Err(why) => Tariff::Unknown(format!("the router's list could not be had: {why}")),
            }
        }
    })
}

/// The model that was picked, with its price as the router lists it now, when it is one of the router's.
pub async fn priced_live(config: &Config, paths: &Paths, picked: Picked) -> Result<Picked, Failure> {
    match word(config, &picked.name)? {
        Word::Said(_) => Ok(picked),
        Word::AtRouter { .. } => {
            let tariff = tariff_live(config, paths, &picked.name).await?;
            let listed = match &tariff {
                Tariff::Known(price) => price.context_tokens(),
                Tariff::Unknown(_) => None,
            };
            Ok(Picked { context_tokens: picked.context_tokens.or(listed), tariff, ..picked })
        }
    }
}

/// Picks models by name for a session that runs.
#[derive(Clone, Debug)]
pub enum Models {
    /// Those of a configuration, as it was when the session began.
    Configured(Arc<Config>, Arc<Paths>),
    /// None but the one that the session has.
    Fixed,
}

impl Models {
    /// The models of this configuration.
    pub fn of(config: &Config, paths: &Paths) -> Arc<Models> {
        Arc::new(Models::Configured(Arc::new(config.clone()), Arc::new(paths.clone())))
    }

    async fn picked(&self, name: &str) -> Result<Picked, Failure> {
        match self {
            Models::Configured(config, paths) => {
                priced_live(config, paths, wiring::pick_model(config, Some(name))?).await
            }
            Models::Fixed => Err(Failure::user(anyhow!("this session has its own model, and no other"))),
        }
    }
}

impl Catalogue for Models {
    fn pick<'a>(&'a self, name: &'a str) -> Picking<'a> {
        Box::pin(async move { self.picked(name).await.map_err(|failure| failure.in_a_line()) })
    }
}

/// What the router's list says of a model.
pub fn listed(list: &RouterList, model: &str) -> Tariff {
    match list.catalogue.price_of(model) {
        Some(price) => Tariff::Known(price),
        None => Tariff::Unknown("the router lists no price for it".to_owned()),
    }
}

/// What a script says that asking it costs; nothing where it says nothing.
pub fn tariff_of_script(script: &Script) -> Result<Tariff, Failure> {
    let Some(price) = script.price() else { return Ok(Tariff::Known(ModelPrice::free(PriceSource::Script))) };
    let rates = || {
        let rates = Rates::new(price.input.parse().ok()?, price.output.parse().ok()?)?;
        price.cache_read.as_ref().map_or(Some(rates), |cached| rates.reading_cache_at(cached.parse().ok()?))
    };
    let rates = rates().ok_or_else(|| {
        Failure::user(anyhow!("the price of the script is no amount of dollars above zero"))
            .hint("write it like \"0.28\"")
    })?;
    Ok(Tariff::Known(ModelPrice::flat(rates, PriceSource::Script)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        crate::config::parse(text).unwrap()
    }

    /// Who says what a model costs, in a word.
    fn said(text: &str, name: &str) -> String {
        match word(&config(text), name).unwrap() {
            Word::Said(Tariff::Known(price)) if price.is_free() => format!("free by {}", price.source()),
            Word::Said(Tariff::Known(price)) => price.source().to_string(),
            Word::Said(Tariff::Unknown(why)) => why,
            Word::AtRouter { base_url, model } => format!("{model} at {base_url}"),
        }
    }

    #[test]
    fn the_person_is_believed_first_then_the_router_then_the_table() {
        let own = "models.\"anthropic/claude-haiku-4-5\".price = { input = \"1\", output = \"2\" }\n";
        assert_eq!(said(own, "anthropic/claude-haiku-4-5"), "your configuration");
        assert!(said("", "anthropic/claude-haiku-4-5").starts_with("bundled table of 20"));
        assert!(said("", "claude/claude-haiku-4-5").starts_with("bundled table of 20"), "another name of the service");
        assert_eq!(said("providers.ollama.free = true", "ollama/x"), "free by your configuration");
        assert_eq!(said("providers.huggingface.free = true", "huggingface/a/b"), "free by your configuration");
        assert_eq!(said("", "huggingface/a/b:c"), "a/b:c at https://router.huggingface.co/v1");
        assert_eq!(said("", "hf/a/b"), "a/b at https://router.huggingface.co/v1");
        let elsewhere = "providers.huggingface.base_url = \"http://127.0.0.1:9/v1\"";
        assert_eq!(said(elsewhere, "huggingface/a/b"), "a/b at http://127.0.0.1:9/v1");
    }

    #[test]
    fn a_service_at_another_address_has_no_price_of_the_table() {
        let elsewhere = "providers.openai.base_url = \"http://127.0.0.1:9/v1\"";
        assert_eq!(said(elsewhere, "openai/gpt-5"), "`providers.openai` has an address of its own");
        assert_eq!(said("", "openai/gpt-nobody"), "it is not in the bundled table");
        assert_eq!(said("", "ollama/gpt-5"), "it is not in the bundled table");
    }
}
