//! The services whose key is there, and the model that is taken of each.
//!
//! Not here: asking anybody. No key is read further than to see whether it is there.

use crate::config::Config;
use model::provider::{KeyNeed, PROVIDERS, Provider};
use pricing::models::{ModelPrice, bundled};

/// The model that setup takes of a service: the current one that its makers mean for long work with tools, at a middling
/// price. Each is in the bundled table of prices. A service that is not here passes on the models of many others, and the
/// person names one.
const MODELS: [(&str, &str); 8] = [
    ("openai", "gpt-6.1-sol"),
    ("anthropic", "claude-sonnet-5-5"),
    ("deepseek", "deepseek-v4-pro"),
    ("mistral", "mistral-large-4"),
    ("moonshot", "kimi-k3.1-pro"),
    ("zai", "glm-5.3"),
    ("google", "gemini-3.8-flash"),
    ("qwen", "qwen3.8-max"),
];

/// A service whose key is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name before the slash of a model's.
    pub provider: &'static str,
    /// Where the key is, in words.
    pub key_in: String,
    /// The model; `None` when the person has to name one.
    pub model: Option<&'static str>,
}

impl Service {
    /// What the model costs, in words.
    pub fn price(&self) -> Option<String> {
        self.model.and_then(|model| bundled(self.provider, model)).and_then(|price| in_words(&price))
    }
}

/// Finds them, those whose model the person has to name last.
pub fn with_keys(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Vec<Service> {
    let services = PROVIDERS.iter().filter(|provider| provider.key == KeyNeed::Required);
    let mut found: Vec<Service> = services.filter_map(|provider| of(provider, config, &variable)).collect();
    found.sort_by_key(|service| service.model.is_none());
    found
}

fn of(provider: &'static Provider, config: &Config, variable: impl Fn(&str) -> Option<String>) -> Option<Service> {
    let own = config.providers.get(provider.name).cloned().unwrap_or_default();
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.trim().is_empty());
    let key_in = match (&own.key, &own.key_env) {
        (Some(_), _) => "the configuration".to_owned(),
        (None, Some(name)) => is_set(&name.as_str()).then(|| name.clone())?,
        (None, None) => (*provider.key_variables.iter().find(|name| is_set(name))?).to_owned(),
    };
    let known = MODELS.iter().find(|(name, _)| *name == provider.name).map(|(_, model)| *model);
    // At another address the same name may be another model, or none.
    let model = known.filter(|_| own.base_url.is_none());
    Some(Service { provider: provider.name, key_in, model })
}

fn in_words(price: &ModelPrice) -> Option<String> {
    let rates = price.tiers().first()?.rates;
    Some(format!("${} in, ${} out", rates.input(), rates.output()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, set: &[(&str, &str)]) -> Vec<(String, String)> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let services = with_keys(&crate::config::parse(config).unwrap(), variable);
        let model = |service: &Service| service.model.unwrap_or("?").to_owned();
        services
            .iter()
            .map(|service| (format!("{}/{}", service.provider, model(service)), service.key_in.clone()))
            .collect()
    }

    #[test]
    fn every_model_of_the_table_has_a_provider_and_a_price() {
        for (provider, model) in MODELS {
            let known = Provider::named(provider).unwrap();
            assert_eq!((known.name, known.key), (provider, KeyNeed::Required));
            let service = Service { provider, key_in: String::new(), model: Some(model) };
            assert!(service.price().is_some_and(|price| price.starts_with('$')), "{provider}/{model}");
        }
    }

    #[test]
    fn a_key_is_found_in_any_of_its_variables_and_one_that_is_empty_is_none() {
        let set = [("HF_TOKEN", "x"), ("ZHIPU_API_KEY", "x"), ("OPENAI_API_KEY", " "), ("LLAMA_API_KEY", "x")];
        let pair = |model: &str, key: &str| (model.to_owned(), key.to_owned());
        assert_eq!(found("", &set), [pair("zai/glm-5.3", "ZHIPU_API_KEY"), pair("huggingface/?", "HF_TOKEN")]);
        assert!(found("", &[]).is_empty());
    }

    #[test]
    fn what_the_configuration_says_of_a_key_comes_before_the_usual_variables() {
        let own = "providers.openai.key_env = \"WORK\"\nproviders.anthropic.key = \"hush\"\n";
        let all = [("OPENAI_API_KEY", "x"), ("WORK", "y")];
        let found = |config: &str, set: &[(&str, &str)]| -> Vec<String> {
            found(config, set).into_iter().map(|(_, key_in)| key_in).collect()
        };
        assert_eq!(found(own, &all), ["WORK", "the configuration"]);
        assert_eq!(found(own, &all[..1]), ["the configuration"]);
    }

    #[test]
    fn of_a_service_at_another_address_the_person_names_the_model() {
        let elsewhere = "providers.openai.base_url = \"https://proxy.example/v1\"";
        let models = found(elsewhere, &[("OPENAI_API_KEY", "x")]);
        assert_eq!(models[0].0, "openai/?");
    }
}
