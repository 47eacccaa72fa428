//! The prices of models that come with the program, each with the day as of which it is and the page that states it.
//!
//! Not here: what a request costs (that is `models`), or the models of services that list their prices themselves.
//!
//! What is written down, and what is not:
//! - Only figures that two independent readings of the service's page agree on. Where they differ by age, the newer one
//!   counts, else the dearer one; where they differ on a limit, the smaller one.
//! - The dear price where a service has two: the busy hours of DeepSeek; what an introductory price rises to once it
//!   ends, if that has been announced (Gemini); thinking, where it is dearer than answering (Qwen).
//! - A rate that a service does not state is the one for other input. Anthropic's cache is the one of five minutes,
//!   which is what requests here ask for.
//! - Names are exact: the model's own and those of its snapshots. A name that moves from model to model, such as one
//!   that ends in `latest`, has no price of its own and is not here; nor is what a service gives away, which it may
//!   stop doing.

use super::{ModelPrice, PriceSource, Rates, Tier};

/// The models of one service, as one of its pages states them.
struct Page {
    /// The service, by the name before the slash in `provider/model`.
    provider: &'static str,
    dated: &'static str,
    url: &'static str,
    models: &'static [Row],
}

/// A model.
struct Row {
    /// Its name, and then those of its snapshots.
    names: &'static [&'static str],
    context_tokens: u64,
    max_output_tokens: Option<u64>,
    tiers: &'static [TierText],
}

/// The input tokens that a tier is above, and in dollars for a million tokens what input, input read from the cache,
/// input written to the cache, and output cost. As text: a price never goes through a float.
type TierText = (u64, [&'static str; 4]);

const fn row(
    names: &'static [&'static str],
    context_tokens: u64,
    max_output_tokens: u64,
    tiers: &'static [TierText],
) -> Row {
    Row { names, context_tokens, max_output_tokens: Some(max_output_tokens), tiers }
}

/// A model whose service states no limit of its output.
const fn open(names: &'static [&'static str], context_tokens: u64, tiers: &'static [TierText]) -> Row {
    Row { names, context_tokens, max_output_tokens: None, tiers }
}

#[rustfmt::skip]
static PAGES: [Page; 8] = [
    Page {
        provider: "anthropic",
        dated: "2026-11-10",
        url: "https://platform.claude.com/docs/en/about-claude/pricing",
        models: &[
            row(&["claude-fable-5-2"],                              1_000_000, 128_000, &[(0, ["8",    "0.20", "10",    "40"])]),
            row(&["claude-fable-5-1"],                              1_000_000, 128_000, &[(0, ["10",   "0.25", "12.50", "50"])]),
            row(&["claude-fable-5"],                                1_000_000, 128_000, &[(0, ["10",   "1",    "12.50", "50"])]),
            row(&["claude-opus-5-5"],                               1_000_000, 128_000, &[(0, ["4",    "0.20", "5",     "20"])]),
            row(&["claude-opus-5"],                                 1_000_000, 128_000, &[(0, ["5",    "0.50", "6.25",  "25"])]),
            row(&["claude-opus-4-8"],                               1_000_000, 128_000, &[(0, ["5",    "0.50", "6.25",  "25"])]),
            row(&["claude-opus-4-7", "claude-opus-4-7-20260416"],   1_000_000, 128_000, &[(0, ["5",    "0.50", "6.25",  "25"])]),
            row(&["claude-opus-4-6", "claude-opus-4-6-20260205"],   1_000_000, 128_000, &[(0, ["5",    "0.50", "6.25",  "25"])]),
            row(&["claude-opus-4-5", "claude-opus-4-5-20251101"],     200_000,  64_000, &[(0, ["5",    "0.50", "6.25",  "25"])]),
            row(&["claude-sonnet-5-5"],                             1_000_000, 128_000, &[(0, ["2",    "0.10", "2.50",  "10"])]),
            row(&["claude-sonnet-5"],                               1_000_000, 128_000, &[(0, ["2",    "0.20", "2.50",  "10"])]),
            row(&["claude-sonnet-4-6"],                             1_000_000, 128_000, &[(0, ["3",    "0.30", "3.75",  "15"])]),
            row(&["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"], 200_000,  64_000, &[(0, ["3",    "0.30", "3.75",  "15"])]),
            row(&["claude-haiku-5-5"],                              1_000_000, 128_000, &[(0, ["0.10", "0.01", "0.125", "0.50"]),
                                                                                    (100_000, ["0.50", "0.05", "0.625", "2.50"])]),
            row(&["claude-haiku-4-5", "claude-haiku-4-5-20251001"],   200_000,  64_000, &[(0, ["1",    "0.10", "1.25",  "5"])]),
        ],
    },
    Page {
        provider: "openai",
        dated: "2026-11-10",
        url: "https://developers.openai.com/api/docs/pricing",
        models: &[
            row(&["gpt-6-astra"],                              922_000, 128_000, &[(0, ["10",   "1",     "12.50", "50"]),
                                                                             (272_000, ["20",   "2",     "25",    "75"])]),
            row(&["gpt-6.1-sol"],                              922_000, 128_000, &[(0, ["2",    "0.10",  "2.50",  "10"]),
                                                                             (272_000, ["4",    "0.20",  "5",     "15"])]),
            row(&["gpt-6.1-terra"],                            922_000, 128_000, &[(0, ["1",    "0.05",  "1.25",  "5"]),
                                                                             (272_000, ["2",    "0.10",  "2.50",  "7.50"])]),
            row(&["gpt-6-sol"],                                922_000, 128_000, &[(0, ["2",    "0.20",  "2.50",  "10"]),
                                                                             (272_000, ["4",    "0.40",  "5",     "15"])]),
            row(&["gpt-6-luna"],                               922_000, 128_000, &[(0, ["0.10", "0.01",  "0.125", "0.50"]),
                                                                             (272_000, ["0.20", "0.02",  "0.25",  "0.75"])]),
            row(&["gpt-5.6-sol", "gpt-5.6"],                   922_000, 128_000, &[(0, ["4",    "0.40",  "5",     "20"]),
                                                                             (272_000, ["8",    "0.80",  "10",    "30"])]),
            row(&["gpt-5.6-terra"],                            922_000, 128_000, &[(0, ["2",    "0.20",  "2.50",  "12"]),
                                                                             (272_000, ["4",    "0.40",  "5",     "18"])]),
            row(&["gpt-5.6-luna"],                             922_000, 128_000, &[(0, ["0.20", "0.02",  "0.25",  "1.20"]),
                                                                             (272_000, ["0.40", "0.04",  "0.50",  "1.80"])]),
            row(&["gpt-5.5", "gpt-5.5-2026-04-23"],          1_000_000, 128_000, &[(0, ["5",    "0.50",  "5",     "30"]),
                                                                             (272_000, ["10",   "1",     "10",    "45"])]),
            row(&["gpt-5.5-pro", "gpt-5.5-pro-2026-04-23"],  1_000_000, 128_000, &[(0, ["30",   "30",    "30",    "180"]),
                                                                             (272_000, ["60",   "60",    "60",    "270"])]),
            row(&["gpt-5.4", "gpt-5.4-2026-03-05"],          1_050_000, 128_000, &[(0, ["2.50", "0.25",  "2.50",  "15"]),
                                                                             (272_000, ["5",    "0.50",  "5",     "22.50"])]),
            row(&["gpt-5.4-pro", "gpt-5.4-pro-2026-03-05"],  1_050_000, 128_000, &[(0, ["30",   "30",    "30",    "180"]),
                                                                             (272_000, ["60",   "60",    "60",    "270"])]),
            row(&["gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"],  272_000, 128_000, &[(0, ["0.75", "0.075", "0.75",  "4.50"])]),
            row(&["gpt-5.4-nano", "gpt-5.4-nano-2026-03-17"],  272_000, 128_000, &[(0, ["0.20", "0.02",  "0.20",  "1.25"])]),
            row(&["gpt-5.3-codex"],                            272_000, 128_000, &[(0, ["1.75", "0.175", "1.75",  "14"])]),
            row(&["gpt-5.2", "gpt-5.2-2025-12-11"],            272_000, 128_000, &[(0, ["1.75", "0.175", "1.75",  "14"])]),
            row(&["gpt-5.2-pro", "gpt-5.2-pro-2025-12-11"],    272_000, 128_000, &[(0, ["21",   "21",    "21",    "168"])]),
            row(&["gpt-5.1", "gpt-5.1-2025-11-13"],            272_000, 128_000, &[(0, ["1.25", "0.125", "1.25",  "10"])]),
            row(&["gpt-5", "gpt-5-2025-08-07"],                272_000, 128_000, &[(0, ["1.25", "0.125", "1.25",  "10"])]),
            row(&["gpt-5-pro", "gpt-5-pro-2025-10-06"],        400_000, 128_000, &[(0, ["15",   "15",    "15",    "120"])]),
            row(&["gpt-5-mini", "gpt-5-mini-2025-08-07"],      272_000, 128_000, &[(0, ["0.25", "0.025", "0.25",  "2"])]),
            row(&["gpt-5-nano", "gpt-5-nano-2025-08-07"],      272_000, 128_000, &[(0, ["0.05", "0.005", "0.05",  "0.40"])]),
            row(&["gpt-4.1", "gpt-4.1-2025-04-14"],          1_047_576,  32_768, &[(0, ["2",    "0.50",  "2",     "8"])]),
            row(&["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"],1_047_576,  32_768, &[(0, ["0.40", "0.10",  "0.40",  "1.60"])]),
            row(&["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"],
                                                               128_000,  16_384, &[(0, ["2.50", "1.25",  "2.50",  "10"])]),
            row(&["gpt-4o-mini", "gpt-4o-mini-2024-07-18"],    128_000,  16_384, &[(0, ["0.15", "0.075", "0.15",  "0.60"])]),
            row(&["o3", "o3-2025-04-16"],                      200_000, 100_000, &[(0, ["2",    "0.50",  "2",     "8"])]),
            row(&["o3-pro", "o3-pro-2025-06-10"],              200_000, 100_000, &[(0, ["20",   "20",    "20",    "80"])]),
        ],
    },
    Page {
        provider: "deepseek",
        dated: "2026-11-10",
        url: "https://api-docs.deepseek.com/quick_start/pricing",
        // The busy hours; at others it is half.
        models: &[
            row(&["deepseek-flash", "deepseek-v4-flash"], 1_000_000, 384_000, &[(0, ["0.30", "0.006", "0.30", "1.20"])]),
            row(&["deepseek-v4-pro"],                     1_000_000, 384_000, &[(0, ["1.32", "0.044", "1.32", "3.96"])]),
        ],
    },
    Page {
        provider: "google",
        dated: "2026-11-10",
        url: "https://ai.google.dev/gemini-api/docs/pricing",
        models: &[
            // Half of this until 2026-12-01.
            open(&["gemini-4-argon"],                    1_048_576,         &[(0, ["4",    "0.20",  "4",    "20"])]),
            // Half of this until 2027-01-01, as the two after it.
            row(&["gemini-3.8-flash"],                   1_048_576, 65_536, &[(0, ["1.50", "0.15",  "1.50", "7.50"])]),
            row(&["gemini-3.7-flash"],                   1_048_576, 65_536, &[(0, ["1.50", "0.15",  "1.50", "7.50"])]),
            row(&["gemini-3.6-flash"],                   1_048_576, 65_536, &[(0, ["1.50", "0.15",  "1.50", "7.50"])]),
            row(&["gemini-3.5-flash"],                   1_048_576, 65_536, &[(0, ["1.50", "0.15",  "1.50", "9"])]),
            row(&["gemini-3.5-flash-lite"],              1_048_576, 65_536, &[(0, ["0.30", "0.03",  "0.30", "2.50"])]),
            row(&["gemini-3.1-pro-preview"],             1_048_576, 65_536, &[(0, ["2",    "0.20",  "2",    "12"]),
                                                                        (200_000, ["4",    "0.40",  "4",    "18"])]),
            row(&["gemini-3.1-flash-lite"],              1_048_576, 65_536, &[(0, ["0.25", "0.025", "0.25", "1.50"])]),
            row(&["gemini-3-flash-preview"],             1_048_576, 65_536, &[(0, ["0.50", "0.05",  "0.50", "3"])]),
            row(&["gemini-2.5-pro"],                     1_048_576, 65_536, &[(0, ["1.25", "0.125", "1.25", "10"]),
                                                                        (200_000, ["2.50", "0.25",  "2.50", "15"])]),
            row(&["gemini-2.5-flash"],                   1_048_576, 65_536, &[(0, ["0.30", "0.03",  "0.30", "2.50"])]),
            row(&["gemini-2.5-flash-lite"],              1_048_576, 65_536, &[(0, ["0.10", "0.01",  "0.10", "0.40"])]),
        ],
    },
    Page {
        provider: "moonshot",
        dated: "2026-11-10",
        url: "https://platform.kimi.ai/docs/pricing/chat",
        models: &[
            row(&["kimi-k3.1-pro"],            1_048_576, 1_048_576, &[(0, ["2",    "0.20", "2",    "10"])]),
            row(&["kimi-k3.1-pro-highspeed"],  1_048_576, 1_048_576, &[(0, ["4",    "0.20", "4",    "20"])]),
            row(&["kimi-k3"],                  1_048_576, 1_048_576, &[(0, ["3",    "0.30", "3",    "15"])]),
            row(&["kimi-k2.7-code"],             262_144,   262_144, &[(0, ["0.95", "0.19", "0.95", "4"])]),
            row(&["kimi-k2.7-code-highspeed"],   262_144,   262_144, &[(0, ["1.90", "0.38", "1.90", "8"])]),
            row(&["kimi-k2.6"],                  262_144,   262_144, &[(0, ["0.95", "0.16", "0.95", "4"])]),
        ],
    },
    Page {
        provider: "qwen",
        dated: "2026-11-10",
        url: "https://www.alibabacloud.com/help/en/model-studio/model-pricing",
        models: &[
            row(&["qwen3.8-max"],             991_808, 128_000, &[(0, ["2",    "0.25",  "2.50",  "6"])]),
            row(&["qwen3.8-flash"],           991_808, 128_000, &[(0, ["0.15", "0.016", "0.20",  "0.47"])]),
            row(&["qwen3.7-max"],             991_808,  65_536, &[(0, ["2.50", "0.50",  "3.125", "7.50"])]),
            row(&["qwen3.7-plus"],            991_808,  65_536, &[(0, ["0.40", "0.08",  "0.50",  "1.60"]),
                                                            (256_000, ["1.20", "0.24",  "1.50",  "4.80"])]),
            row(&["qwen3.5-plus"],            991_808,  65_536, &[(0, ["0.40", "0.40",  "0.50",  "2.40"]),
                                                            (256_000, ["0.50", "0.50",  "0.625", "3"])]),
            row(&["qwen3-max"],               256_000,  65_536, &[(0, ["1.20", "0.24",  "1.50",  "6"]),
                                                             (32_000, ["2.40", "0.48",  "3",     "12"]),
                                                            (128_000, ["3",    "0.60",  "3.75",  "15"])]),
            row(&["qwen3-coder-plus"],        997_952,  65_536, &[(0, ["1",    "0.20",  "1.25",  "5"]),
                                                             (32_000, ["1.80", "0.36",  "2.25",  "9"]),
                                                            (128_000, ["3",    "0.60",  "3.75",  "15"]),
                                                            (256_000, ["6",    "1.20",  "7.50",  "60"])]),
            row(&["qwen3-coder-flash"],       997_952,  65_536, &[(0, ["0.30", "0.08",  "0.375", "1.50"]),
                                                             (32_000, ["0.50", "0.12",  "0.625", "2.50"]),
                                                            (128_000, ["0.80", "0.20",  "1",     "4"]),
                                                            (256_000, ["1.60", "0.40",  "2",     "9.60"])]),
            // Answers without thinking are less than a third of this.
            row(&["qwen-plus-2025-09-11", "qwen-plus-2025-07-28"],
                                              997_952,  32_768, &[(0, ["0.40", "0.40",  "0.50",  "4"]),
                                                            (256_000, ["1.20", "1.20",  "1.50",  "12"])]),
        ],
    },
    Page {
        provider: "mistral",
        dated: "2026-11-10",
        url: "https://mistral.ai/pricing/api",
        models: &[
            open(&["mistral-large-4", "mistral-large-4-0"],       1_048_576, &[(0, ["0.70", "0.07",  "0.70", "2.10"])]),
            open(&["mistral-large-2512"],                           262_144, &[(0, ["0.50", "0.05",  "0.50", "1.50"])]),
            open(&["mistral-medium-2604", "mistral-medium-3.5", "mistral-medium-3-5"],
                                                                    262_144, &[(0, ["1.50", "0.15",  "1.50", "7.50"])]),
            open(&["mistral-medium-2508"],                          128_000, &[(0, ["0.40", "0.04",  "0.40", "2"])]),
            open(&["mistral-small-2603"],                           262_144, &[(0, ["0.15", "0.015", "0.15", "0.60"])]),
            open(&["devstral-2512"],                                262_144, &[(0, ["0.40", "0.04",  "0.40", "2"])]),
            open(&["codestral-2508"],                               128_000, &[(0, ["0.30", "0.03",  "0.30", "0.90"])]),
            open(&["ministral-14b-2512", "ministral-3-14b-2512"],   262_144, &[(0, ["0.20", "0.02",  "0.20", "0.20"])]),
            open(&["ministral-8b-2512", "ministral-3-8b-2512"],     262_144, &[(0, ["0.15", "0.015", "0.15", "0.15"])]),
            open(&["ministral-3b-2512", "ministral-3-3b-2512"],     131_072, &[(0, ["0.10", "0.01",  "0.10", "0.10"])]),
        ],
    },
    Page {
        provider: "zai",
        dated: "2026-11-10",
        url: "https://docs.z.ai/guides/overview/pricing",
        models: &[
            row(&["glm-5.3"],        1_000_000, 128_000, &[(0, ["1.40", "0.26",  "1.40", "4.40"])]),
            row(&["glm-5.3-flash"],  1_000_000, 128_000, &[(0, ["0.15", "0.03",  "0.15", "0.50"])]),
            row(&["glm-5.3-flashx"], 1_000_000, 128_000, &[(0, ["0.37", "0.075", "0.37", "1.25"])]),
            row(&["glm-5.2"],        1_000_000, 128_000, &[(0, ["1.40", "0.26",  "1.40", "4.40"])]),
            row(&["glm-5.1"],          200_000, 128_000, &[(0, ["1.40", "0.26",  "1.40", "4.40"])]),
            row(&["glm-5"],            200_000, 128_000, &[(0, ["1",    "0.20",  "1",    "3.20"])]),
            row(&["glm-4.7"],          200_000, 128_000, &[(0, ["0.60", "0.11",  "0.60", "2.20"])]),
            row(&["glm-4.6"],          200_000,  96_000, &[(0, ["0.60", "0.11",  "0.60", "2.20"])]),
            row(&["glm-4.5"],          128_000,  32_000, &[(0, ["0.60", "0.11",  "0.60", "2.20"])]),
            row(&["glm-4.5-air"],      128_000,  32_000, &[(0, ["0.20", "0.03",  "0.20", "1.10"])]),
        ],
    },
];

/// A model of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundledModel {
    /// The service, by the name before the slash in `provider/model`.
    pub provider: &'static str,
    /// The model's name.
    pub model: &'static str,
    /// The names of its snapshots, which have the same price.
    pub aliases: &'static [&'static str],
    /// What it costs.
    pub price: ModelPrice,
}

/// What a model costs by the table, by the exact names of service and model; `None` when it is not there.
pub fn bundled(provider: &str, model: &str) -> Option<ModelPrice> {
    let pages = PAGES.iter().filter(|page| page.provider == provider);
    pages.flat_map(|page| page.models.iter().map(move |row| (page, row))).find_map(|(page, row)| {
        let named = row.names.contains(&model);
        named.then(|| price(page, row))
    })
}

/// The whole table, service by service, newest models first.
pub fn bundled_models() -> impl Iterator<Item = BundledModel> {
    PAGES.iter().flat_map(|page| {
        page.models.iter().map(move |row| {
            let (model, aliases) = row.names.split_first().expect("every model of the table has a name");
            BundledModel { provider: page.provider, model, aliases, price: price(page, row) }
        })
    })
}

fn price(page: &Page, row: &Row) -> ModelPrice {
    let tiers = row.tiers.iter().map(|(above, texts)| {
        let [input, cache_read, cache_write, output] =
            texts.map(|text| text.parse().expect("every rate of the table is an amount of dollars"));
        let rates = Rates::new(input, output).and_then(|rates| rates.reading_cache_at(cache_read));
        let rates = rates.and_then(|rates| rates.writing_cache_at(cache_write));
        Tier { above: *above, rates: rates.expect("no rate of the table is zero") }
    });
    let source = PriceSource::Bundled { dated: page.dated, url: page.url };
    let price = ModelPrice::tiered(tiers.collect(), source).expect("the tiers of the table start at 0 and rise");
    price.with_limits(Some(row.context_tokens), row.max_output_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::TokenCounts;
    use std::collections::HashSet;

    #[test]
    fn every_model_has_a_name_of_its_own_and_is_found_by_each_of_them() {
        let mut names = HashSet::new();
        for bundled_model in bundled_models() {
            let BundledModel { provider, model, aliases, price } = bundled_model;
            for name in aliases.iter().chain([&model]) {
                assert!(names.insert((provider, *name)), "{provider}/{name} is there twice");
                assert_eq!(bundled(provider, name).as_ref(), Some(&price), "{provider}/{name}");
                assert!(!name.contains("latest"), "{name} moves from model to model");
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
                assert!(name.bytes().all(plain), "{name}");
            }
        }
        let providers: HashSet<_> = names.iter().map(|(provider, _)| *provider).collect();
        assert_eq!(providers.len(), PAGES.len());
    }

    #[test]
    fn every_rate_is_plausible() {
        for BundledModel { model, price, .. } in bundled_models() {
            assert!(!price.is_free());
            let hundreds = "1000".parse().unwrap();
            for Tier { rates, .. } in price.tiers() {
                assert!(rates.cache_read() <= rates.input(), "{model}: reading a cache is dearer than plain input");
                assert!(rates.cache_write() >= rates.input(), "{model}: writing a cache is cheaper than plain input");
                assert!(rates.output() >= rates.input(), "{model}: output is cheaper than input");
                assert!(rates.reasoning() == rates.output() && rates.output() < hundreds, "{model}");
                let write_at_most = rates.input().times_ratio_ceil(4, 3).unwrap();
                assert!(
                    rates.cache_write() <= write_at_most,
                    "{model}: no cache is written at more than a third above"
                );
            }
            for pair in price.tiers().windows(2) {
                let [shorter, longer] = [pair[0].rates, pair[1].rates];
                assert_eq!(shorter.dearer(longer), longer, "{model}: more input is cheaper");
                assert!(pair[1].above < price.context_tokens().unwrap(), "{model}: a tier that no input reaches");
            }
        }
    }

    #[test]
    fn every_limit_is_plausible() {
        for BundledModel { model, price, .. } in bundled_models() {
            let context = price.context_tokens().unwrap();
            assert!((100_000..=2_000_000).contains(&context), "{model}");
            let output = price.max_output_tokens().unwrap_or(context);
            assert!((16_000..=context).contains(&output), "{model}");
        }
    }

    #[test]
    fn every_page_is_dated_and_has_an_address() {
        for page in &PAGES {
            assert!(page.url.starts_with("https://") && !page.models.is_empty(), "{}", page.provider);
            let parts: Vec<u32> = page.dated.split('-').map(|part| part.parse().unwrap()).collect();
            let [year, month, day] = parts[..] else { panic!("{} is no day", page.dated) };
            assert!(year == 2026 && (1..=12).contains(&month) && (1..=31).contains(&day), "{}", page.dated);
            assert_eq!(page.dated.len(), 10);
        }
    }

    #[test]
    fn what_is_not_written_exactly_so_has_no_price() {
        for (provider, model) in [
            ("anthropic", "claude-opus-5-5-latest"),
            ("anthropic", "claude-opus"),
            ("anthropic", "Claude-Opus-5-5"),
            ("anthropic", "claude-opus-5-5 "),
            ("anthropic", ""),
            ("claude", "claude-opus-5-5"),
            ("openai", "claude-opus-5-5"),
            ("huggingface", "deepseek-v4-pro"),
            ("mistral", "mistral-large-latest"),
            ("", "gpt-5"),
        ] {
            assert_eq!(bundled(provider, model), None, "{provider}/{model}");
        }
    }

    #[test]
    fn a_price_says_where_it_is_from_and_what_a_request_costs() {
        let price = bundled("anthropic", "claude-opus-4-5-20251101").unwrap();
        let says = "bundled table of 2026-11-10, from https://platform.claude.com/docs/en/about-claude/pricing";
        assert_eq!(price.source().to_string(), says);
        let tokens =
            TokenCounts { input: 100_000, cache_read: 80_000, cache_write: 10_000, output: 2_000, reasoning: 0 };
        // 10,000 at 5, 80,000 at 0.50, 10,000 at 6.25 and 2,000 at 25 dollars a million.
        assert_eq!(price.cost(tokens).to_string(), "0.2025");
        assert_eq!(price.bound(100_000, 2_000).unwrap().to_string(), "0.675");
        assert_eq!((price.context_tokens(), price.max_output_tokens()), (Some(200_000), Some(64_000)));
    }

    #[test]
    fn a_long_input_is_charged_at_the_rates_for_long_inputs() {
        let price = bundled("google", "gemini-2.5-pro").unwrap();
        let plain = |input| TokenCounts { input, output: 1_000, ..TokenCounts::default() };
        assert_eq!(price.cost(plain(200_000)).to_string(), "0.26");
        assert_eq!(price.cost(plain(200_001)).to_string(), "0.5150025");
    }
}
