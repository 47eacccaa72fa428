//! What the hardware of jobs costs by the minute or the hour, as documented and as the Hub lists it.
//!
//! Not here: what a job on it costs (that is `job`), or asking the Hub for its own list.

use money::Usd;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The month in which the documented prices were last read from the Hub's documentation.
pub const DOCUMENTED_IN: &str = "2026-11";

/// The documented prices, in USD per hour, as text: a price never goes through a float.
#[rustfmt::skip]
const DOCUMENTED: [(&str, &str); 26] = [
    ("cpu-basic",       "0.01"), ("cpu-upgrade",     "0.03"), ("cpu-performance", "1.90"), ("cpu-xl",          "1.00"),
    ("t4-small",        "0.40"), ("t4-medium",       "0.60"),
    ("l4x1",            "0.80"), ("l4x4",            "3.80"),
    ("l40sx1",          "1.80"), ("l40sx4",          "8.30"), ("l40sx8",         "23.50"),
    ("a10g-small",      "1.00"), ("a10g-large",      "1.50"), ("a10g-largex2",    "3.00"), ("a10g-largex4",    "5.00"),
    ("a100-large",      "2.50"), ("a100x4",         "10.00"), ("a100x8",         "20.00"),
    ("h200",            "5.00"), ("h200x2",         "10.00"), ("h200x4",         "20.00"), ("h200x8",         "40.00"),
    ("rtx-pro-6000",    "2.75"), ("rtx-pro-6000x2",  "5.50"), ("rtx-pro-6000x4", "11.00"), ("rtx-pro-6000x8", "22.00"),
];

/// What something costs for some number of minutes. Never nothing: what costs nothing has no such price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitPrice {
    usd: Usd,
    per_minutes: NonZeroU32,
}

impl UnitPrice {
    /// Makes a price from an amount and the minutes it buys; `None` when either is zero.
    ///
    /// A list that says zero is more likely wrong than generous, so it counts as a list that says nothing.
    pub fn new(usd: Usd, per_minutes: u32) -> Option<UnitPrice> {
        let per_minutes = NonZeroU32::new(per_minutes)?;
        if usd == Usd::ZERO { None } else { Some(UnitPrice { usd, per_minutes }) }
    }

    /// The amount.
    pub fn usd(self) -> Usd {
        self.usd
    }

    /// The minutes that the amount buys.
    pub fn per_minutes(self) -> NonZeroU32 {
        self.per_minutes
    }
}

impl fmt::Display for UnitPrice {
    /// Writes `1.00/60`: dollars, and the minutes they buy. It reads back the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.usd, self.per_minutes)
    }
}

/// The text is no unit price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no unit price; it is dollars and minutes, like `1.00/60`")]
pub struct NotAUnitPrice(String);

impl FromStr for UnitPrice {
    type Err = NotAUnitPrice;

    fn from_str(text: &str) -> Result<UnitPrice, NotAUnitPrice> {
        let parts = text.split_once('/').and_then(|(usd, per)| Some((usd.parse().ok()?, per.parse().ok()?)));
        parts.and_then(|(usd, per)| UnitPrice::new(usd, per)).ok_or_else(|| NotAUnitPrice(text.to_owned()))
    }
}

/// The most pieces of hardware that a list may have.
const MOST_LISTED: usize = 1_000;
/// The longest name of hardware that is read.
const LONGEST_NAME: usize = 64;
/// How much of a reason is kept.
const LONGEST_REASON: usize = 300;

/// Where a list of prices comes from, for those who show one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The Hub's documentation, as it was in [`DOCUMENTED_IN`]. The Hub may have changed its prices since.
    Documented,
    /// The Hub's documentation, in the place of the Hub's own list, which could not be had for this reason.
    Fallback(String),
    /// The Hub's own list, asked for by this program.
    Catalogue,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Documented => write!(f, "the documented prices of {DOCUMENTED_IN}"),
            Source::Fallback(why) => {
                write!(f, "the documented prices of {DOCUMENTED_IN} (the Hub's own list could not be had: {why})")
            }
            Source::Catalogue => f.write_str("the prices that the Hub lists"),
        }
    }
}

/// Why an answer of the Hub is no list of hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// It is no list.
    #[error("the answer is no list of hardware")]
    NoList,
    /// Nothing on it has a name, or there is nothing on it.
    #[error("the list names no hardware")]
    Empty,
    /// It is absurdly long.
    #[error("the list has more than {MOST_LISTED} entries")]
    TooLong,
}

/// A list of hardware with its prices. What is not on it has no price.
#[derive(Clone, Debug)]
pub struct Hardware {
    prices: BTreeMap<String, UnitPrice>,
    source: Source,
}

impl Hardware {
    /// The list from the Hub's documentation.
    pub fn documented() -> Hardware {
        let prices = DOCUMENTED.iter().map(|(flavor, per_hour)| {
            let price = per_hour.parse().ok().and_then(|usd| UnitPrice::new(usd, 60));
            ((*flavor).to_owned(), price.expect("every documented price is an amount of dollars"))
        });
        Hardware { prices: prices.collect(), source: Source::Documented }
    }

    /// The list from the Hub's documentation, marked as standing in for the Hub's own, with the reason.
    pub fn fallback(why: &str) -> Hardware {
        let why = why.chars().take(LONGEST_REASON).collect();
        Hardware { source: Source::Fallback(why), ..Hardware::documented() }
    }

    /// A list that the Hub itself gave. Hardware that it gives no price for is left out by the caller.
    pub fn catalogue(prices: impl IntoIterator<Item = (String, UnitPrice)>) -> Hardware {
        Hardware { prices: prices.into_iter().collect(), source: Source::Catalogue }
    }

    /// Reads the list that the Hub answers to `GET /api/jobs/hardware`.
    ///
    /// A price is `unitCostMicroUSD`, a whole number above zero, for one `unitLabel`, which is `minute` or `hour`. With
    /// anything else in either, or with two entries of one name that disagree, the hardware has no price. No other key is
    /// looked at: `unitCostUSD` beside it is a float, rounded once more.
    ///
    /// # Errors
    /// When the answer is no such list at all. One whose entries have no prices is: then nothing has a price.
    pub fn read(answer: &Value) -> Result<Hardware, CatalogueError> {
        let entries = answer.as_array().ok_or(CatalogueError::NoList)?;
        if entries.len() > MOST_LISTED {
            return Err(CatalogueError::TooLong);
        }
        let mut listed: BTreeMap<&str, Option<UnitPrice>> = BTreeMap::new();
        for entry in entries {
            let Some(name) = entry.get("name").and_then(Value::as_str).filter(|name| is_name(name)) else { continue };
            let price = listed_price(entry);
            let known = listed.entry(name).or_insert(price);
            if *known != price {
                *known = None;
            }
        }
        if listed.is_empty() {
            return Err(CatalogueError::Empty);
        }
        let prices = listed.into_iter().filter_map(|(name, price)| Some((name.to_owned(), price?)));
        Ok(Hardware::catalogue(prices))
    }

    /// What a kind of hardware costs; `None` when it is not on the list. Names are matched exactly.
    pub fn price_of(&self, flavor: &str) -> Option<UnitPrice> {
        self.prices.get(flavor).copied()
    }

    /// The names on the list, in order.
    pub fn flavors(&self) -> impl Iterator<Item = &str> {
        self.prices.keys().map(String::as_str)
    }

    /// Where the list comes from.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_allowed)
}

fn listed_price(entry: &Value) -> Option<UnitPrice> {
    let micros = i64::try_from(entry.get("unitCostMicroUSD")?.as_u64()?).ok()?;
    let per_minutes = match entry.get("unitLabel")?.as_str()? {
        "minute" => 1,
        "hour" => 60,
        _ => return None,
    };
    UnitPrice::new(Usd::from_micros(micros)?, per_minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_documented_flavor_has_its_price_by_the_hour() {
        let list = Hardware::documented();
        assert_eq!(list.flavors().count(), DOCUMENTED.len());
        for (flavor, price) in [("cpu-basic", "0.01/60"), ("l40sx8", "23.50/60"), ("rtx-pro-6000x2", "5.50/60")] {
            assert_eq!(list.price_of(flavor).map(|price| price.to_string()).as_deref(), Some(price));
        }
        assert_eq!(list.source().to_string(), "the documented prices of 2026-11");
    }

    #[test]
    fn hardware_is_known_by_its_exact_name_or_not_at_all() {
        let list = Hardware::documented();
        for stranger in ["quantum-x1", "CPU-BASIC", "cpu-basic ", "cpu", "", "rtx-pro-6000x3"] {
            assert_eq!(list.price_of(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn the_hubs_own_list_knows_nothing_but_what_is_on_it() {
        let list = Hardware::catalogue([("t4-small".to_owned(), "0.006667/1".parse().unwrap())]);
        assert_eq!(list.price_of("t4-small").map(|price| price.to_string()).as_deref(), Some("0.006667/1"));
        assert_eq!(list.price_of("cpu-basic"), None);
        assert_eq!(list.source(), &Source::Catalogue);
    }

    #[test]
    fn a_fallback_is_the_documented_list_and_says_why_it_is_there() {
        let list = Hardware::fallback("status 503");
        assert_eq!(list.price_of("h200"), Hardware::documented().price_of("h200"));
        let says = "the documented prices of 2026-11 (the Hub's own list could not be had: status 503)";
        assert_eq!(list.source().to_string(), says);
        assert!(Hardware::fallback(&"x".repeat(100_000)).source().to_string().len() < 500);
    }

    /// An entry as the Hub spells it.
    fn entry(name: &str, cost: Value, label: Value) -> Value {
        json!({
            "name": name, "prettyName": "CPU Basic", "cpu": "2 vCPU", "ram": "16 GB", "ephemeralStorage": "50 GB",
            "accelerator": null, "unitCostMicroUSD": cost, "unitCostUSD": 0.000167, "unitLabel": label,
        })
    }

    fn read_price(entry: Value) -> Option<String> {
        let list = Hardware::read(&json!([entry])).unwrap();
        list.price_of("cpu-basic").map(|price| price.to_string())
    }

    #[test]
    fn the_catalogues_real_keys_are_matched() {
        assert_eq!(read_price(entry("cpu-basic", json!(167), json!("minute"))).as_deref(), Some("0.000167/1"));
        assert_eq!(read_price(entry("cpu-basic", json!(10_000), json!("hour"))).as_deref(), Some("0.01/60"));
        let list = Hardware::read(&json!([entry("h200", json!(83_333), json!("minute"))])).unwrap();
        assert_eq!((list.source(), list.flavors().collect::<Vec<_>>()), (&Source::Catalogue, vec!["h200"]));
    }

    #[test]
    fn a_price_that_the_catalogue_does_not_give_is_unknown_and_never_guessed() {
        let minute = || json!("minute");
        for (cost, label) in [
            (Value::Null, minute()),
            (json!(0), minute()),
            (json!(-167), minute()),
            (json!(166.67), minute()),
            (json!(167.0), minute()),
            (json!("167"), minute()),
            (json!(true), minute()),
            (json!([167]), minute()),
            (json!({"usd": 167}), minute()),
            (json!(1e300), minute()),
            (json!(u64::MAX), minute()),
            (json!(i64::MAX), minute()),
            (json!(167), Value::Null),
            (json!(167), json!("second")),
            (json!(167), json!("Minute")),
            (json!(167), json!("minutes")),
            (json!(167), json!("")),
            (json!(167), json!(60)),
        ] {
            let case = format!("{cost} {label}");
            assert_eq!(read_price(entry("cpu-basic", cost, label)), None, "{case}");
        }
        let keyless = json!({"name": "cpu-basic", "unitCostUSD": 0.01, "price": 1, "unit_cost_micro_usd": 167,
                             "unitCostMicroUsd": 167, "costMicroUSD": 167, "unitLabel": "minute"});
        assert_eq!(read_price(keyless), None);
        assert_eq!(read_price(json!({"name": "cpu-basic", "unitCostMicroUSD": 167})), None);
    }

    #[test]
    fn two_entries_of_one_name_that_disagree_are_no_price() {
        let list = |prices: &[u64]| {
            let entries = prices.iter().map(|micros| entry("h200", json!(micros), json!("minute")));
            Hardware::read(&entries.collect()).unwrap().price_of("h200").map(|price| price.to_string())
        };
        assert_eq!(list(&[83_333, 83_333]).as_deref(), Some("0.083333/1"));
        assert_eq!(list(&[83_333, 1]), None);
        assert_eq!(list(&[1, 83_333, 1]), None);
    }

    #[test]
    fn an_answer_that_is_no_list_of_hardware_is_an_error() {
        let many: Value = (0..=MOST_LISTED).map(|nth| entry(&format!("x{nth}"), json!(1), json!("minute"))).collect();
        for (answer, error) in [
            (Value::Null, CatalogueError::NoList),
            (json!({"hardware": []}), CatalogueError::NoList),
            (json!("<html>"), CatalogueError::NoList),
            (json!([]), CatalogueError::Empty),
            (json!([1, null, {}, [], {"name": 7}, {"name": ""}, {"name": "a b"}]), CatalogueError::Empty),
            (json!([{"name": "x".repeat(65)}]), CatalogueError::Empty),
            (many, CatalogueError::TooLong),
        ] {
            assert_eq!(Hardware::read(&answer).map(|_| ()), Err(error));
        }
        // A list whose hardware has no prices is a list: what is on it is not to be had for the documented price.
        let list = Hardware::read(&json!([{"name": "cpu-basic"}])).unwrap();
        assert_eq!((list.price_of("cpu-basic"), list.source()), (None, &Source::Catalogue));
    }

    proptest! {
        #[test]
        fn a_listed_price_is_exactly_what_was_listed(micros in 1..=9_223_372_036_854_u64, hourly: bool) {
            let (label, per) = if hourly { ("hour", 60) } else { ("minute", 1) };
            let list = Hardware::read(&json!([entry("h200", json!(micros), json!(label))])).unwrap();
            let price = list.price_of("h200").unwrap();
            let picos = i64::try_from(micros).unwrap() * 1_000_000;
            prop_assert_eq!((price.usd().picos(), price.per_minutes().get()), (picos, per));
        }

        #[test]
        fn no_answer_panics(text in "[\\[{\"nameuitCosMcrUSDLbl:,0-9.eE}\\] -]{0,60}") {
            if let Ok(answer) = serde_json::from_str::<Value>(&text) {
                let _ = Hardware::read(&answer);
            }
        }
    }

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(UnitPrice::new(Usd::ZERO, 60), None);
        assert_eq!(UnitPrice::new(Usd::MAX, 0), None);
    }

    #[test]
    fn a_unit_price_reads_back_the_same_or_not_at_all() {
        let price: UnitPrice = "0.016667/1".parse().unwrap();
        assert_eq!(price.to_string(), "0.016667/1");
        for text in ["", "1.00", "1.00/", "/60", "0/60", "1/0", "1/-1", "x/60", "1/60/60"] {
            assert!(text.parse::<UnitPrice>().is_err(), "{text}");
        }
    }
}
