//! What the hardware of jobs costs by the minute or the hour.
//!
//! Not here: what a job on it costs (that is `job`), or asking the Hub for its own list.

use money::Usd;
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

/// Where a list of prices comes from, for those who show one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The Hub's documentation, as it was in [`DOCUMENTED_IN`]. The Hub may have changed its prices since.
    Documented,
    /// The Hub's own list, asked for by this program.
    Catalogue,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Documented => write!(f, "the documented prices of {DOCUMENTED_IN}"),
            Source::Catalogue => f.write_str("the prices that the Hub lists"),
        }
    }
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

    /// A list that the Hub itself gave. Hardware that it gives no price for is left out by the caller.
    pub fn catalogue(prices: impl IntoIterator<Item = (String, UnitPrice)>) -> Hardware {
        Hardware { prices: prices.into_iter().collect(), source: Source::Catalogue }
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
    pub fn source(&self) -> Source {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(list.source(), Source::Catalogue);
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
