//! What the person says that a call of a tool costs.
//!
//! Not here: what Remit prices itself (jobs), or reading the configuration file.

use money::{ParseUsdError, Usd};
use policy::Price;
use std::collections::BTreeMap;

/// The word for a tool that costs nothing.
const FREE: &str = "free";
/// What Remit prices by itself, so that a flat price for it would be a second opinion.
const PRICED_BY_REMIT: &str = "hf_jobs";

/// The person's prices for tools, by the names that rules use: `shell`, `mcp:fal/generate`.
#[derive(Clone, Debug, Default)]
pub struct ToolPrices(BTreeMap<String, Price>);

/// Why a price for a tool cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolPriceError {
    /// The price is no amount of dollars.
    #[error("the price `{price}` of `{tool}`: {why}; a tool that costs nothing is `{FREE}`")]
    NotAPrice {
        /// The tool.
        tool: String,
        /// What the person wrote.
        price: String,
        /// What is wrong with it.
        why: ParseUsdError,
    },
    /// The price is zero, which is mistaken for a price that is not known.
    #[error("the price of `{0}` is zero; write `{FREE}` for a tool that costs nothing")]
    Zero(String),
    /// Remit knows the price of each call better.
    #[error("`{0}` has no flat price; each call is priced by its hardware and its timeout")]
    PricedByRemit(String),
    /// There is no name.
    #[error("a price without the name of a tool")]
    NoName,
    /// The tool has two prices.
    #[error("`{0}` has two prices")]
    Twice(String),
}

impl ToolPrices {
    /// Reads prices from names and texts: dollars for one call, such as `0.05`, or `free`.
    pub fn read<'a>(prices: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<ToolPrices, ToolPriceError> {
        let mut read = BTreeMap::new();
        for (tool, price) in prices {
            match tool {
                "" => return Err(ToolPriceError::NoName),
                PRICED_BY_REMIT => return Err(ToolPriceError::PricedByRemit(tool.to_owned())),
                _ => {}
            }
            if read.insert(tool.to_owned(), price_of_call(tool, price)?).is_some() {
                return Err(ToolPriceError::Twice(tool.to_owned()));
            }
        }
        Ok(ToolPrices(read))
    }

    /// What a call of this tool costs; `None` when the person has said nothing. Names are matched exactly.
    pub fn lookup(&self, tool: &str) -> Option<Price> {
        self.0.get(tool).cloned()
    }
}

fn price_of_call(tool: &str, price: &str) -> Result<Price, ToolPriceError> {
    if price == FREE {
        return Ok(Price::Free);
    }
    match price.parse::<Usd>() {
        Ok(Usd::ZERO) => Err(ToolPriceError::Zero(tool.to_owned())),
        Ok(usd) => Ok(Price::AtMost(usd)),
        Err(why) => Err(ToolPriceError::NotAPrice { tool: tool.to_owned(), price: price.to_owned(), why }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_costs_what_the_person_says_and_no_other_tool_does() {
        let prices = ToolPrices::read([("mcp:fal/generate", "0.05"), ("web_fetch", "free")]).unwrap();
        assert_eq!(prices.lookup("mcp:fal/generate"), Some(Price::AtMost("0.05".parse().unwrap())));
        assert_eq!(prices.lookup("web_fetch"), Some(Price::Free));
        for stranger in ["mcp:fal/generate2", "mcp:fal", "generate", "MCP:FAL/GENERATE", ""] {
            assert_eq!(prices.lookup(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn a_price_that_cannot_be_used_says_whose_it_is() {
        for (tool, price, says) in [
            (
                "a",
                "cheap",
                "the price `cheap` of `a`: not an amount of dollars; write it like `5` or `0.25`; a tool that costs nothing is `free`",
            ),
            (
                "a",
                "-1",
                "the price `-1` of `a`: an amount of dollars cannot be negative; a tool that costs nothing is `free`",
            ),
            ("a", "0", "the price of `a` is zero; write `free` for a tool that costs nothing"),
            ("a", "0.00", "the price of `a` is zero; write `free` for a tool that costs nothing"),
            ("", "1", "a price without the name of a tool"),
            ("hf_jobs", "free", "`hf_jobs` has no flat price; each call is priced by its hardware and its timeout"),
        ] {
            assert_eq!(ToolPrices::read([(tool, price)]).unwrap_err().to_string(), says);
        }
        let twice = ToolPrices::read([("a", "1"), ("a", "2")]).unwrap_err();
        assert_eq!(twice, ToolPriceError::Twice("a".to_owned()));
    }
}
