//! What the person says that a model costs.
//!
//! Not here: reading the configuration file, or which model a price is for.

use super::{ModelPrice, PriceSource, Rates};
use money::{ParseUsdError, Usd};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

/// The word for a model that costs nothing.
const FREE: &str = "free";

/// The person's rates: dollars for a million tokens, as text, such as `0.28`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GivenRates {
    /// What input costs. It has to be there.
    pub input: Option<String>,
    /// What input read from a cache costs; as much as other input when absent.
    pub cached_input: Option<String>,
    /// What input written to a cache costs; as much as other input when absent.
    pub cache_write: Option<String>,
    /// What output costs. It has to be there.
    pub output: Option<String>,
    /// What reasoning costs; as much as other output when absent.
    pub reasoning: Option<String>,
}

/// What the person wrote as the price of a model: rates, or the word `free`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenPrice {
    /// A word; `free` is the only one that there is.
    Word(String),
    /// Rates.
    Rates(GivenRates),
}

impl<'de> Deserialize<'de> for GivenPrice {
    /// Reads a text or a table, by hand: of an untagged enum one would not hear which field of a table is unknown.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<GivenPrice, D::Error> {
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = GivenPrice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{FREE}` or a table with `input` and `output`")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<GivenPrice, E> {
                Ok(GivenPrice::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GivenPrice, A::Error> {
                GivenRates::deserialize(MapAccessDeserializer::new(map)).map(GivenPrice::Rates)
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

/// Why a price for a model cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenPriceError {
    /// A rate is no amount of dollars.
    #[error("`{field}` of the price of `{model}` is `{text}`: {why}")]
    NotARate {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
        /// What the person wrote.
        text: String,
        /// What is wrong with it.
        why: ParseUsdError,
    },
    /// A rate is zero, which is mistaken for a rate that is not known.
    #[error("`{field}` of the price of `{model}` is zero; write `{FREE}` for a model that costs nothing")]
    Zero {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
    },
    /// A rate without which there is no price is not there.
    #[error("the price of `{model}` has no `{field}`, the dollars for a million tokens of it")]
    Missing {
        /// The model.
        model: String,
        /// The field.
        field: &'static str,
    },
    /// A word that is not the one that there is.
    #[error(
        "`{text}` is no price of `{model}`; give `input` and `output` in dollars for a million tokens, or `{FREE}`"
    )]
    NotFree {
        /// The model.
        model: String,
        /// What the person wrote.
        text: String,
    },
}

impl ModelPrice {
    /// Reads the price that the person gives for a model, whose name is for the errors.
    ///
    /// What is not said is never cheap: a cache costs what other input costs, reasoning what other output costs.
    pub fn given(model: &str, given: &GivenPrice) -> Result<ModelPrice, GivenPriceError> {
        match given {
            GivenPrice::Word(word) if word == FREE => Ok(ModelPrice::free(PriceSource::Configuration)),
            GivenPrice::Word(text) => Err(GivenPriceError::NotFree { model: model.to_owned(), text: text.to_owned() }),
            GivenPrice::Rates(rates) => Ok(ModelPrice::flat(rates_of(model, rates)?, PriceSource::Configuration)),
        }
    }
}

fn rates_of(model: &str, given: &GivenRates) -> Result<Rates, GivenPriceError> {
    let missing = |field| GivenPriceError::Missing { model: model.to_owned(), field };
    let input = rate_of(model, "input", &given.input)?.ok_or_else(|| missing("input"))?;
    let output = rate_of(model, "output", &given.output)?.ok_or_else(|| missing("output"))?;
    Ok(Rates {
        input,
        cache_read: rate_of(model, "cached_input", &given.cached_input)?.unwrap_or(input),
        cache_write: rate_of(model, "cache_write", &given.cache_write)?.unwrap_or(input),
        output,
        reasoning: rate_of(model, "reasoning", &given.reasoning)?.unwrap_or(output),
    })
}

/// Reads one rate, which is never zero; `None` when the person has said nothing.
fn rate_of(model: &str, field: &'static str, text: &Option<String>) -> Result<Option<Usd>, GivenPriceError> {
    let Some(text) = text else { return Ok(None) };
    let model = || model.to_owned();
    match text.parse() {
        Ok(Usd::ZERO) => Err(GivenPriceError::Zero { model: model(), field }),
        Ok(usd) => Ok(Some(usd)),
        Err(why) => Err(GivenPriceError::NotARate { model: model(), field, text: text.to_owned(), why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(price: Value) -> Result<ModelPrice, String> {
        let given: GivenPrice = serde_json::from_value(price).map_err(|error| error.to_string())?;
        ModelPrice::given("a/b", &given).map_err(|error| error.to_string())
    }

    fn rates(price: Value) -> [String; 5] {
        let price = read(price).unwrap();
        assert_eq!(price.source(), PriceSource::Configuration);
        let [tier] = price.tiers() else { panic!("a given price has one tier") };
        let rates = tier.rates;
        [rates.input(), rates.cache_read(), rates.cache_write(), rates.output(), rates.reasoning()]
            .map(|usd| usd.to_string())
    }

    #[test]
    fn what_is_not_said_is_never_cheap() {
        let least = json!({"input": "0.28", "output": "0.42"});
        assert_eq!(rates(least), ["0.28", "0.28", "0.28", "0.42", "0.42"]);
        let all = json!({"input": "4", "cached_input": "0.2", "cache_write": "5", "output": "20", "reasoning": "40"});
        assert_eq!(rates(all), ["4.00", "0.20", "5.00", "20.00", "40.00"]);
    }

    #[test]
    fn the_word_free_is_the_only_way_to_cost_nothing() {
        assert!(read(json!("free")).unwrap().is_free());
        let zero = "is zero; write `free` for a model that costs nothing";
        for field in ["input", "cached_input", "cache_write", "output", "reasoning"] {
            let mut price = json!({"input": "1", "output": "1"});
            price[field] = json!("0.00");
            assert_eq!(read(price).unwrap_err(), format!("`{field}` of the price of `a/b` {zero}"));
        }
    }

    #[test]
    fn a_price_that_cannot_be_used_names_the_field() {
        for (price, says) in [
            (json!({"output": "1"}), "the price of `a/b` has no `input`, the dollars for a million tokens of it"),
            (json!({"input": "1"}), "the price of `a/b` has no `output`, the dollars for a million tokens of it"),
            (
                json!({"input": "1", "output": "-2"}),
                "`output` of the price of `a/b` is `-2`: an amount of dollars cannot be negative",
            ),
            (
                json!({"input": "$1", "output": "2"}),
                "`input` of the price of `a/b` is `$1`: not an amount of dollars; write it like `5` or `0.25`",
            ),
            (
                json!("Free"),
                "`Free` is no price of `a/b`; give `input` and `output` in dollars for a million tokens, or `free`",
            ),
        ] {
            assert_eq!(read(price).unwrap_err(), says);
        }
    }

    #[test]
    fn a_field_that_there_is_not_and_a_number_that_is_no_text_are_errors() {
        let unknown = read(json!({"input": "1", "output": "1", "cache_read": "0.1"})).unwrap_err();
        assert!(unknown.contains("unknown field `cache_read`"), "{unknown}");
        let float = read(json!({"input": 0.28, "output": "1"})).unwrap_err();
        assert!(float.contains("expected a string"), "{float}");
        let other = read(json!(5)).unwrap_err();
        assert!(other.contains("expected `free` or a table with `input` and `output`"), "{other}");
    }
}
