//! The services that are known by name: where they are, what they speak, and where their key usually is.
//!
//! Not here: how they differ within a dialect (that is `quirks`, by host, so that it holds for a configured address
//! too), their models, and their prices.

use crate::endpoint::{BadEndpoint, Dialect, Endpoint};
use crate::secret::Secret;

/// A service, as it is before anybody configures anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name before the slash in `provider/model`.
    pub name: &'static str,
    /// Other names people use for it.
    pub aliases: &'static [&'static str],
    /// The base of its address.
    pub base_url: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// The environment variables that usually have its key, the first one that is set wins.
    pub key_variables: &'static [&'static str],
    /// Whether it answers anybody without a key.
    pub key: KeyNeed,
}

/// Whether a service wants a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNeed {
    /// It does.
    Required,
    /// It is on this machine and wants one only if it was told to.
    Optional,
}

const fn service(
    name: &'static str,
    aliases: &'static [&'static str],
    dialect: Dialect,
    base_url: &'static str,
    key_variables: &'static [&'static str],
) -> Provider {
    Provider { name, aliases, base_url, dialect, key_variables, key: KeyNeed::Required }
}

const fn local(name: &'static str, base_url: &'static str, key_variables: &'static [&'static str]) -> Provider {
    Provider { name, aliases: &[], base_url, dialect: Dialect::ChatCompletions, key_variables, key: KeyNeed::Optional }
}

/// Every service that is known by name.
pub static PROVIDERS: [Provider; 14] = [
    service("openai", &[], Dialect::Responses, "https://api.openai.com/v1", &["OPENAI_API_KEY"]),
    service("anthropic", &["claude"], Dialect::Anthropic, "https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"]),
    service("deepseek", &[], Dialect::ChatCompletions, "https://api.deepseek.com", &["DEEPSEEK_API_KEY"]),
    service(
        "huggingface",
        &["hf"],
        Dialect::ChatCompletions,
        "https://router.huggingface.co/v1",
        &["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
    ),
    service("openrouter", &[], Dialect::ChatCompletions, "https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"]),
    service("mistral", &[], Dialect::ChatCompletions, "https://api.mistral.ai/v1", &["MISTRAL_API_KEY"]),
    service("moonshot", &["kimi"], Dialect::ChatCompletions, "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"]),
    service(
        "zai",
        &["zhipu"],
        Dialect::ChatCompletions,
        "https://api.z.ai/api/paas/v4",
        &["ZAI_API_KEY", "ZHIPU_API_KEY"],
    ),
    service(
        "google",
        &["gemini"],
        Dialect::ChatCompletions,
        "https://generativelanguage.googleapis.com/v1beta/openai",
        &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    ),
    service(
        "qwen",
        &["dashscope"],
        Dialect::ChatCompletions,
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        &["DASHSCOPE_API_KEY"],
    ),
    local("ollama", "http://127.0.0.1:11434/v1", &["OLLAMA_API_KEY"]),
    local("llamacpp", "http://127.0.0.1:8080/v1", &["LLAMA_API_KEY"]),
    local("vllm", "http://127.0.0.1:8000/v1", &["VLLM_API_KEY"]),
    local("lmstudio", "http://127.0.0.1:1234/v1", &["LMSTUDIO_API_KEY"]),
];

impl Provider {
    /// Finds a service by its name or one of its other names.
    pub fn named(name: &str) -> Option<&'static Provider> {
        PROVIDERS.iter().find(|provider| provider.name == name || provider.aliases.contains(&name))
    }

    /// Finds the service's key in an environment, which is given as a function so that nothing here reads the real one.
    pub fn key_in(&self, variable: impl Fn(&str) -> Option<String>) -> Option<Secret> {
        let keys = self.key_variables.iter().filter_map(|name| variable(name)).map(|text| Secret::new(&text));
        keys.into_iter().find(|key| !key.is_empty())
    }

    /// Returns an endpoint for one of the service's models.
    pub fn endpoint(&self, model: &str, key: Option<Secret>) -> Result<Endpoint, BadEndpoint> {
        let mut endpoint = Endpoint::new(self.dialect, self.base_url, model)?;
        endpoint.key = key;
        Ok(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_service_has_an_endpoint_and_a_name_of_its_own() {
        let mut names = HashSet::new();
        for provider in &PROVIDERS {
            let endpoint = provider.endpoint("some-model", None).unwrap();
            assert_eq!(endpoint.is_loopback(), provider.key == KeyNeed::Optional, "{}", provider.name);
            assert_eq!(endpoint.is_encrypted(), provider.key == KeyNeed::Required, "{}", provider.name);
            assert!(!provider.key_variables.is_empty());
            for name in provider.aliases.iter().chain([&provider.name]) {
                assert!(names.insert(*name), "{name}");
                assert_eq!(Provider::named(name), Some(provider));
            }
        }
        assert_eq!(Provider::named("nobody"), None);
    }

    #[test]
    fn the_first_variable_with_something_in_it_has_the_key() {
        let google = Provider::named("gemini").unwrap();
        let environment = |name: &str| match name {
            "GEMINI_API_KEY" => Some(" \n".to_owned()),
            "GOOGLE_API_KEY" => Some("the-key\n".to_owned()),
            _ => None,
        };
        assert_eq!(google.key_in(environment).unwrap().expose(), "the-key");
        assert_eq!(google.key_in(|_| None), None);
    }
}
