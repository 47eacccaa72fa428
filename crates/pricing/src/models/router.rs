//! The list of models that the Hugging Face router gives at `/v1/models`, with what each of its providers charges.
//!
//! Not here: asking for the list, or how old it may be.
//!
//! The router's documentation names the members that are read here: `id`, and for each of `providers` its `provider`,
//! `status`, `context_length` and `pricing`, whose `input` and `output` are dollars for a million tokens. Without the
//! name of a provider behind a colon, the router itself picks one, and by a rule that it may change; so what such a
//! model costs is what the dearest of those that it could pick asks for.

use super::{ModelPrice, PriceSource, Rates};
use money::Usd;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The most bytes that a list may have: some ten times as many as it has. It bounds the number of entries too.
const MOST_BYTES: usize = 4 << 20;
/// The most digits of a price that are read; a double has no more than seventeen that mean anything.
const MOST_DIGITS: usize = 30;
/// Digits after the point that a pico-dollar can hold.
const DECIMALS: i32 = 12;
/// What may stand behind the colon instead of a provider: rules by which the router picks one.
const RULES: [&str; 3] = ["fastest", "cheapest", "preferred"];

/// Why bytes are no list of the router's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACatalogue {
    /// There are too many of them.
    #[error("the list has {0} bytes; at most {MOST_BYTES} are read")]
    TooLarge(usize),
    /// They are no JSON, or not of the shape that the router documents.
    #[error("the list is not as the router documents it: {0}")]
    Malformed(String),
}

/// The router's models with their prices. What is not on it has no price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterCatalogue {
    models: BTreeMap<String, Vec<Offer>>,
}

/// What one provider asks for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offer {
    provider: String,
    standing: Standing,
    rates: Option<Rates>,
    context_tokens: Option<u64>,
}

/// Whether the router may pick an offer by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It says `live`, or nothing, which is no promise that it may not.
    Live,
    /// It says something else.
    Aside,
}

/// The list as it is written.
#[derive(Deserialize)]
struct Listing<'a> {
    #[serde(borrow, rename = "data")]
    models: Vec<ListedModel<'a>>,
}

#[derive(Deserialize)]
struct ListedModel<'a> {
    id: String,
    #[serde(borrow, default)]
    providers: Vec<ListedOffer<'a>>,
}

#[derive(Deserialize)]
struct ListedOffer<'a> {
    provider: String,
    status: Option<String>,
    #[serde(borrow)]
    context_length: Option<&'a RawValue>,
    #[serde(borrow)]
    pricing: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Pricing<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    output: &'a RawValue,
}

impl RouterCatalogue {
    /// Reads the list. Prices and lengths that cannot be read count as not given; members that are not used are not
    /// looked at; anything else that is not as documented is an error.
    pub fn read(bytes: &[u8]) -> Result<RouterCatalogue, NotACatalogue> {
        if bytes.len() > MOST_BYTES {
            return Err(NotACatalogue::TooLarge(bytes.len()));
        }
        let listing: Listing = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let mut models: BTreeMap<String, Vec<Offer>> = BTreeMap::new();
        for model in listing.models {
            // A model that is listed twice has all the offers of both.
            models.entry(model.id).or_default().extend(model.providers.iter().map(offer));
        }
        Ok(RouterCatalogue { models })
    }

    /// What a model costs, as `org/model`, `org/model:provider` or `org/model:fastest`; `None` when that is not known.
    ///
    /// With a provider, its price, whether it is live or not. Without one, the dearest of those that are live, rate by
    /// rate; a live one that gives no price makes it unknown, and a price of zero counts as none.
    pub fn price_of(&self, model: &str) -> Option<ModelPrice> {
        let (id, choice) = model.split_once(':').map_or((model, None), |(id, choice)| (id, Some(choice)));
        let provider = choice.filter(|choice| !RULES.contains(choice));
        let possible = self.models.get(id)?.iter().filter(|offer| match provider {
            Some(name) => offer.provider == name,
            None => offer.standing == Standing::Live,
        });
        let mut dearest: Option<Rates> = None;
        let mut context_tokens: Option<u64> = None;
        for offer in possible {
            let rates = offer.rates?;
            dearest = Some(dearest.map_or(rates, |known| known.dearer(rates)));
            context_tokens = [context_tokens, offer.context_tokens].into_iter().flatten().min();
        }
        Some(ModelPrice::flat(dearest?, PriceSource::RouterCatalogue).with_limits(context_tokens, None))
    }

    /// The models on the list, in order, whether they have a price or not.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }
}

/// Keeps what the list says of itself short enough for a message.
fn malformed(error: &serde_json::Error) -> NotACatalogue {
    let says = error.to_string();
    NotACatalogue::Malformed(match says.char_indices().nth(200) {
        Some((at, _)) => format!("{}...", &says[..at]),
        None => says,
    })
}

fn offer(listed: &ListedOffer<'_>) -> Offer {
    let standing = match listed.status.as_deref() {
        None | Some("live") => Standing::Live,
        Some(_) => Standing::Aside,
    };
    Offer {
        provider: listed.provider.clone(),
        standing,
        rates: listed.pricing.and_then(rates_of),
        context_tokens: listed.context_length.and_then(|length| length.get().parse().ok()),
    }
}

/// The rates of a provider; the list says nothing of caches, so they cost what other input costs.
fn rates_of(pricing: &RawValue) -> Option<Rates> {
    let pricing: Pricing = serde_json::from_str(pricing.get()).ok()?;
    Rates::new(usd_of(pricing.input.get())?, usd_of(pricing.output.get())?)
}

/// Reads the text of a JSON number as dollars, by its digits; what is finer than a pico-dollar is rounded up.
///
/// A double that was printed has digits that nobody meant, such as `0.30000000000000004`; exponents are as usual.
/// `None` for what is negative, no number, or too large or too small to be a price.
fn usd_of(number: &str) -> Option<Usd> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u128 = digits.parse().ok()?;
    let shift = i32::from(exponent) + DECIMALS - i32::try_from(fraction.len()).ok()?;
    let power = 10_u128.checked_pow(shift.unsigned_abs())?;
    let picos = if shift < 0 { digits.div_ceil(power) } else { digits.checked_mul(power)? };
    i64::try_from(picos).ok().and_then(Usd::from_picos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::TokenCounts;
    use proptest::prelude::*;

    /// The list's shape, shortened: members that nobody here uses are part of it.
    const LIST: &str = r#"{
        "object": "list",
        "data": [
            {"id": "org/big", "object": "model", "created": 1754000000, "owned_by": "org",
             "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
             "providers": [
                {"provider": "cheap", "status": "live", "context_length": 131072, "pricing": {"input": 0.1, "output": 0.3},
                 "supports_tools": true, "first_token_latency_ms": 180.5, "is_model_author": false},
                {"provider": "dear-in", "status": "live", "context_length": 65536, "pricing": {"input": 2, "output": 0.2}},
                {"provider": "dear-out", "status": "live", "pricing": {"input": 1e-1, "output": 25E-1}},
                {"provider": "old", "status": "error", "context_length": 8, "pricing": {"input": 90, "output": 90}},
                {"provider": "silent", "status": "staging"}
             ]},
            {"id": "org/partly", "providers": [
                {"provider": "priced", "status": "live", "pricing": {"input": 1, "output": 2}},
                {"provider": "unpriced", "status": "live", "context_length": 4096},
                {"provider": "zero", "status": "live", "pricing": {"input": 0, "output": 0.0}},
                {"provider": "quoted", "status": "live", "pricing": {"input": "1", "output": "2"}},
                {"provider": "half", "status": "live", "pricing": {"input": 1}},
                {"provider": "odd", "status": "live", "pricing": 7, "context_length": "long"},
                {"provider": "null", "status": null, "pricing": null, "context_length": null}
             ]},
            {"id": "org/none", "providers": [{"provider": "old", "status": "error", "pricing": {"input": 1, "output": 1}}]},
            {"id": "org/empty", "providers": []},
            {"id": "org/bare"}
        ]
    }"#;

    fn list() -> RouterCatalogue {
        RouterCatalogue::read(LIST.as_bytes()).unwrap()
    }

    fn rates(model: &str) -> Option<(String, String)> {
        let price = list().price_of(model)?;
        assert_eq!(price.source(), PriceSource::RouterCatalogue);
        let [tier] = price.tiers() else { panic!("the router has one tier") };
        assert_eq!((tier.rates.cache_read(), tier.rates.cache_write()), (tier.rates.input(), tier.rates.input()));
        Some((tier.rates.input().to_string(), tier.rates.output().to_string()))
    }

    fn some(input: &str, output: &str) -> Option<(String, String)> {
        Some((input.to_owned(), output.to_owned()))
    }

    #[test]
    fn a_named_provider_costs_what_it_asks_for() {
        assert_eq!(rates("org/big:cheap"), some("0.10", "0.30"));
        assert_eq!(rates("org/big:dear-out"), some("0.10", "2.50"));
        assert_eq!(rates("org/big:old"), some("90.00", "90.00"));
        assert_eq!(rates("org/partly:priced"), some("1.00", "2.00"));
        let price = list().price_of("org/big:cheap").unwrap();
        assert_eq!((price.context_tokens(), price.max_output_tokens()), (Some(131_072), None));
        let tokens = TokenCounts { input: 1_000_000, cache_read: 1_000_000, output: 10, ..TokenCounts::default() };
        assert_eq!(price.cost(tokens).to_string(), "0.100003");
    }

    #[test]
    fn a_provider_that_the_router_picks_may_be_the_dearest_live_one() {
        for model in ["org/big", "org/big:fastest", "org/big:cheapest", "org/big:preferred"] {
            assert_eq!(rates(model), some("2.00", "2.50"), "{model}");
        }
        assert_eq!(list().price_of("org/big").unwrap().context_tokens(), Some(65_536));
    }

    #[test]
    fn a_live_provider_without_a_price_makes_the_model_unknown() {
        assert_eq!(rates("org/partly"), None);
        for provider in ["unpriced", "zero", "quoted", "half", "odd", "null"] {
            assert_eq!(rates(&format!("org/partly:{provider}")), None, "{provider}");
            let one = format!(
                r#"{{"data":[{{"id":"m","providers":[
                    {{"provider":"a","status":"live","pricing":{{"input":1,"output":1}}}},
                    {}]}}]}}"#,
                LIST.lines().find(|line| line.contains(&format!("\"{provider}\""))).unwrap().trim_end_matches(',')
            );
            assert_eq!(RouterCatalogue::read(one.as_bytes()).unwrap().price_of("m"), None, "{provider}");
        }
    }

    #[test]
    fn what_is_not_on_the_list_has_no_price() {
        for model in [
            "org/none",
            "org/empty",
            "org/bare",
            "org/other",
            "org/big:nobody",
            "org/big:",
            "org/big:cheap:cheap",
            "ORG/big",
            "org/big:Cheap",
            "big",
            "",
            ":",
            ":cheap",
        ] {
            assert_eq!(rates(model), None, "{model}");
        }
        assert_eq!(list().models().count(), 5);
    }

    #[test]
    fn a_model_listed_twice_has_the_offers_of_both() {
        let offer = |price| {
            format!(r#"{{"id":"m","providers":[{{"provider":"p","pricing":{{"input":{price},"output":{price}}}}}]}}"#)
        };
        let twice = format!(r#"{{"data":[{},{}]}}"#, offer("3"), offer("1"));
        let price = RouterCatalogue::read(twice.as_bytes()).unwrap().price_of("m:p").unwrap();
        assert_eq!(price.tiers()[0].rates.input().to_string(), "3.00");
    }

    #[test]
    fn what_is_no_list_is_an_error_of_one_line() {
        let long = format!(r#"{{"data":"{}"}}"#, "é".repeat(10_000));
        let deep = format!(r#"{{"data":{}"#, "[".repeat(100_000));
        for text in
            ["", "[]", "{}", "null", r#"{"data":{}}"#, r#"{"data":[{}]}"#, r#"{"data":[{"id":1}]}"#, &long, &deep]
        {
            let error = RouterCatalogue::read(text.as_bytes()).unwrap_err();
            assert!(matches!(error, NotACatalogue::Malformed(_)), "{error}");
            assert!(error.to_string().len() < 600, "{error}");
        }
        let nameless = r#"{"data":[{"id":"m","providers":[{"status":"live"}]}]}"#;
        assert!(RouterCatalogue::read(nameless.as_bytes()).unwrap_err().to_string().contains("`provider`"));
        assert!(RouterCatalogue::read(b"\xff\xfe").is_err());
    }

    #[test]
    fn a_list_past_its_size_is_not_read() {
        let mut bytes = br#"{"data":[]}"#.to_vec();
        bytes.resize(MOST_BYTES, b' ');
        assert_eq!(RouterCatalogue::read(&bytes).unwrap().models().count(), 0);
        bytes.push(b' ');
        assert_eq!(RouterCatalogue::read(&bytes), Err(NotACatalogue::TooLarge(MOST_BYTES + 1)));
    }

    #[test]
    fn a_number_is_read_by_its_digits() {
        for (text, picos) in [
            ("0.1", Some(100_000_000_000)),
            ("1e-1", Some(100_000_000_000)),
            ("25E-2", Some(250_000_000_000)),
            ("1.5e+1", Some(15_000_000_000_000)),
            ("3", Some(3_000_000_000_000)),
            ("0.30000000000000004", Some(300_000_000_001)),
            ("1e-12", Some(1)),
            ("1e-13", Some(1)),
            ("0", Some(0)),
            ("0e9", Some(0)),
            ("9223372.036854775807", Some(i64::MAX)),
            ("9223372.036854775808", None),
            ("1e99", None),
            ("1e-99", None),
            ("1e99999999999", None),
            ("0.1000000000000000000000000000001", None),
            ("-1", None),
            ("\"1\"", None),
            ("true", None),
            ("null", None),
            ("[1]", None),
        ] {
            assert_eq!(usd_of(text).map(Usd::picos), picos, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_number_is_the_amount_it_says(picos in 0..=i64::MAX) {
            let usd = Usd::from_picos(picos).unwrap();
            prop_assert_eq!(usd_of(&usd.to_string()), Some(usd));
        }

        #[test]
        fn an_exponent_moves_the_point_and_never_lowers_the_amount(digits in 0_i64..=999_999, exponent in -20_i16..=6) {
            let usd = usd_of(&format!("{digits}e{exponent}"));
            let exact = match u32::try_from(exponent + 12) {
                Ok(shift) => i64::checked_pow(10, shift).and_then(|power| power.checked_mul(digits)),
                Err(_) => {
                    let power = 10_i64.pow(u32::from((exponent + 12).unsigned_abs()));
                    Some(digits / power + i64::from(digits % power != 0))
                }
            };
            prop_assert_eq!(usd.map(Usd::picos), exact);
        }

        #[test]
        fn no_bytes_panic(text in "\\PC{0,80}", cut in 0..LIST.len(), byte in any::<u8>()) {
            let _ = RouterCatalogue::read(text.as_bytes());
            let mut bytes = LIST.as_bytes().to_vec();
            bytes[cut] = byte;
            let _ = RouterCatalogue::read(&bytes).map(|list| list.price_of("org/big"));
            let _ = RouterCatalogue::read(&bytes[..cut]);
        }
    }
}
