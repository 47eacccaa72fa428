//! What the tokens of a model cost: at most before a request, and in fact after it.
//!
//! Not here: counting tokens (that is the service), holding or settling money (that is `ledger`), or asking anybody for
//! a price.
//!
//! In reading order: this file has the arithmetic; [`table`] has the prices that come with the program; [`router`] reads
//! the list of the Hugging Face router; [`given`] reads what the person says. Rates are dollars for a million tokens,
//! so every sum is exact until it is divided by a million, once, rounding up.

pub mod given;
pub mod router;
pub mod table;

pub use given::{GivenPrice, GivenPriceError, GivenRates};
pub use router::{NotACatalogue, RouterCatalogue};
pub use table::{BundledModel, bundled, bundled_models};

use money::Usd;
use policy::Price;
use std::fmt;

/// The tokens whose price a rate is.
const RATED: u64 = 1_000_000;

/// The tokens of one request, as the service counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// All input tokens, those read from and written to the cache included.
    pub input: u64,
    /// Input tokens read from the service's cache; part of `input`.
    pub cache_read: u64,
    /// Input tokens written to the service's cache at a price of their own; part of `input`.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Output tokens spent on reasoning; part of `output`.
    pub reasoning: u64,
}

impl TokenCounts {
    /// The input that was counted: a service whose parts are more than its whole is charged by the parts.
    fn counted_input(self) -> u64 {
        self.input.max(self.cache_read.saturating_add(self.cache_write))
    }
}

/// What a million tokens of each kind cost. None of them is nothing: what costs nothing has no rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    input: Usd,
    cache_read: Usd,
    cache_write: Usd,
    output: Usd,
    reasoning: Usd,
}

/// Tells an amount from nothing, which is more likely a gap in a list than a gift.
fn something(usd: Usd) -> Option<Usd> {
    (usd != Usd::ZERO).then_some(usd)
}

impl Rates {
    /// Makes rates of a service that has no others; `None` when one is zero.
    ///
    /// The cache costs what other input costs and reasoning what other output costs, until something else is said.
    pub fn new(input: Usd, output: Usd) -> Option<Rates> {
        let (input, output) = (something(input)?, something(output)?);
        Some(Rates { input, cache_read: input, cache_write: input, output, reasoning: output })
    }

    /// Says what input read from the cache costs; `None` when that is zero.
    pub fn reading_cache_at(self, usd: Usd) -> Option<Rates> {
        Some(Rates { cache_read: something(usd)?, ..self })
    }

    /// Says what input written to the cache costs; `None` when that is zero.
    pub fn writing_cache_at(self, usd: Usd) -> Option<Rates> {
        Some(Rates { cache_write: something(usd)?, ..self })
    }

    /// Says what reasoning costs; `None` when that is zero.
    pub fn reasoning_at(self, usd: Usd) -> Option<Rates> {
        Some(Rates { reasoning: something(usd)?, ..self })
    }

    /// What a million input tokens cost that have nothing to do with the cache.
    pub fn input(self) -> Usd {
        self.input
    }

    /// What a million input tokens cost that are read from the cache.
    pub fn cache_read(self) -> Usd {
        self.cache_read
    }

    /// What a million input tokens cost that are written to the cache.
    pub fn cache_write(self) -> Usd {
        self.cache_write
    }

    /// What a million output tokens cost that are no reasoning.
    pub fn output(self) -> Usd {
        self.output
    }

    /// What a million output tokens cost that are reasoning.
    pub fn reasoning(self) -> Usd {
        self.reasoning
    }

    /// The dearest rate that an input token can have.
    fn dearest_input(self) -> Usd {
        self.input.max(self.cache_read).max(self.cache_write)
    }

    /// The dearest rate that an output token can have.
    fn dearest_output(self) -> Usd {
        self.output.max(self.reasoning)
    }

    /// The dearer of two, kind by kind: what is true of both, when it cannot be known which of them applies.
    fn dearer(self, other: Rates) -> Rates {
        Rates {
            input: self.input.max(other.input),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
            output: self.output.max(other.output),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

/// Rates that hold for a whole request once its input is long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The input tokens that a request must be above; 0 for the first tier, which holds from the first token.
    pub above: u64,
    /// What the tokens of such a request cost.
    pub rates: Rates,
}

/// Where a price comes from, for those who show one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// The table that comes with the program. The service may have changed its prices since.
    Bundled {
        /// The day as of which the figures are, as `2026-11-22`.
        dated: &'static str,
        /// The page of the service that states them.
        url: &'static str,
    },
    /// The list of the Hugging Face router, asked for by this program.
    RouterCatalogue,
    /// The person's configuration.
    Configuration,
    /// A script that plays a model.
    Script,
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PriceSource::Bundled { dated, url } => write!(f, "bundled table of {dated}, from {url}"),
            PriceSource::RouterCatalogue => f.write_str("the prices that the Hugging Face router lists"),
            PriceSource::Configuration => f.write_str("your configuration"),
            PriceSource::Script => f.write_str("the script"),
        }
    }
}

/// What a model charges for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Charge {
    /// Nothing: somebody who may say so has said so.
    Free,
    /// By the token. INVARIANT: there is a tier, the first is above 0, and each is above the one before it.
    ByToken(Vec<Tier>),
}

/// What a model costs, and where that is known from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPrice {
    charge: Charge,
    source: PriceSource,
    context_tokens: Option<u64>,
    max_output_tokens: Option<u64>,
}

impl ModelPrice {
    fn charging(charge: Charge, source: PriceSource) -> ModelPrice {
        ModelPrice { charge, source, context_tokens: None, max_output_tokens: None }
    }

    /// Makes the price of a model that costs nothing. A list that says zero is no reason to: it says nothing.
    pub fn free(source: PriceSource) -> ModelPrice {
        ModelPrice::charging(Charge::Free, source)
    }

    /// Makes a price that does not depend on the length of the input.
    pub fn flat(rates: Rates, source: PriceSource) -> ModelPrice {
        ModelPrice::charging(Charge::ByToken(vec![Tier { above: 0, rates }]), source)
    }

    /// Makes a price in tiers; `None` unless the first is above 0 and each is above the one before it.
    pub fn tiered(tiers: Vec<Tier>, source: PriceSource) -> Option<ModelPrice> {
        let rising = tiers.is_sorted_by(|one, next| one.above < next.above);
        let sound = rising && tiers.first().is_some_and(|first| first.above == 0);
        sound.then(|| ModelPrice::charging(Charge::ByToken(tiers), source))
    }

    /// Says how much the model takes in and gives out.
    pub fn with_limits(self, context_tokens: Option<u64>, max_output_tokens: Option<u64>) -> ModelPrice {
        ModelPrice { context_tokens, max_output_tokens, ..self }
    }

    /// Whether it costs nothing.
    pub fn is_free(&self) -> bool {
        self.charge == Charge::Free
    }

    /// The tiers, the one for the shortest input first; none when the model is free.
    pub fn tiers(&self) -> &[Tier] {
        match &self.charge {
            Charge::Free => &[],
            Charge::ByToken(tiers) => tiers,
        }
    }

    /// Where the price comes from.
    pub fn source(&self) -> PriceSource {
        self.source
    }

    /// The most tokens that the model takes in, where known: the limit of its input where the service states one, else
    /// its window, in which an answer takes room too.
    pub fn context_tokens(&self) -> Option<u64> {
        self.context_tokens
    }

    /// The most tokens that an answer of the model can have, where known.
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.max_output_tokens
    }

    /// The dearest rates of input and of output that a request of so much input can have.
    ///
    /// All tiers up to that length count, not the last alone: the input can turn out to be shorter than its bound.
    fn dearest(&self, input_at_most: u64) -> (Usd, Usd) {
        let reachable = self.tiers().iter().filter(|tier| tier.above == 0 || tier.above < input_at_most);
        reachable.fold((Usd::ZERO, Usd::ZERO), |(input, output), tier| {
            (input.max(tier.rates.dearest_input()), output.max(tier.rates.dearest_output()))
        })
    }

    /// What a request may cost at most, rounded up once; `None` when that is too large to hold.
    ///
    /// The input is charged at the dearest rate that an input token can have (writing to a cache may be dearer than
    /// plain input) and the output at its dearest, each in the dearest tier that so much input can reach.
    pub fn bound(&self, input_at_most: u64, output_at_most: u64) -> Option<Usd> {
        let (input, output) = self.dearest(input_at_most);
        // Two products of 64 and 63 bits cannot pass 128.
        dollars(times(input, input_at_most) + times(output, output_at_most))
    }

    /// The bound as a price to decide on: [`Price::Free`] for a free model, [`Price::Unknown`] when too large to hold.
    pub fn request_price(&self, input_at_most: u64, output_at_most: u64) -> Price {
        match self.bound(input_at_most, output_at_most) {
            _ if self.is_free() => Price::Free,
            Some(usd) => Price::AtMost(usd),
            None => Price::Unknown("the price is too large to be held".to_owned()),
        }
    }

    /// The largest output limit with which a request of so much input fits in what is left: its bound does, and the
    /// bound of one token more does not. `None` when the input alone does not fit.
    ///
    /// The model's own limit is not looked at; a limit past [`u64::MAX`] is that.
    pub fn most_output(&self, left: Usd, input_at_most: u64) -> Option<u64> {
        let (input, output) = self.dearest(input_at_most);
        let for_output = times(left, RATED).checked_sub(times(input, input_at_most))?;
        match for_output.checked_div(exact(output)) {
            Some(tokens) => Some(u64::try_from(tokens).unwrap_or(u64::MAX)),
            None => Some(u64::MAX),
        }
    }

    /// The rates of a request with so much input; `None` when the model is free.
    fn rates_for(&self, input: u64) -> Option<Rates> {
        let applies = |tier: &&Tier| tier.above == 0 || tier.above < input;
        self.tiers().iter().rev().find(applies).map(|tier| tier.rates)
    }

    /// What a request has cost by the tokens that the service reports, rounded up once.
    ///
    /// Where the parts of a count are more than the whole (nothing a service should say), the parts are charged in
    /// full, so that no report makes a request cheaper than what it counts. What is too large to hold is [`Usd::MAX`].
    pub fn cost(&self, tokens: TokenCounts) -> Usd {
        let Some(rates) = self.rates_for(tokens.counted_input()) else { return Usd::ZERO };
        let answer = tokens.output.saturating_sub(tokens.reasoning);
        let sum = paid_for_input(rates, tokens)
            .saturating_add(times(rates.output, answer))
            .saturating_add(times(rates.reasoning, tokens.reasoning));
        dollars(sum).unwrap_or(Usd::MAX)
    }

    /// What the cache has saved: all input at the plain rate, less what was paid for it, rounded down.
    ///
    /// Nothing where the cache has cost more than it saved, as it does when much is written and little read.
    pub fn saved_by_caching(&self, tokens: TokenCounts) -> Usd {
        let counted = tokens.counted_input();
        let Some(rates) = self.rates_for(counted) else { return Usd::ZERO };
        let saved = times(rates.input, counted).saturating_sub(paid_for_input(rates, tokens));
        dollars(saved - saved % u128::from(RATED)).unwrap_or(Usd::MAX)
    }
}

/// What all input costs, in pico-dollars times [`RATED`].
fn paid_for_input(rates: Rates, tokens: TokenCounts) -> u128 {
    let plain = tokens.input.saturating_sub(tokens.cache_read.saturating_add(tokens.cache_write));
    times(rates.input, plain)
        .saturating_add(times(rates.cache_read, tokens.cache_read))
        .saturating_add(times(rates.cache_write, tokens.cache_write))
}

fn exact(usd: Usd) -> u128 {
    u128::from(usd.picos().unsigned_abs())
}

/// Multiplies; 63 and 64 bits always fit.
fn times(usd: Usd, count: u64) -> u128 {
    exact(usd) * u128::from(count)
}

/// Divides by [`RATED`], rounding up; `None` when too large to hold.
fn dollars(sum: u128) -> Option<Usd> {
    i64::try_from(sum.div_ceil(u128::from(RATED))).ok().and_then(Usd::from_picos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn rates(input: &str, cache_read: &str, cache_write: &str, output: &str) -> Rates {
        let rates = Rates::new(usd(input), usd(output)).unwrap();
        rates.reading_cache_at(usd(cache_read)).unwrap().writing_cache_at(usd(cache_write)).unwrap()
    }

    fn flat(rates: Rates) -> ModelPrice {
        ModelPrice::flat(rates, PriceSource::Configuration)
    }

    /// Twice as dear above a hundred tokens.
    fn two_tiers() -> ModelPrice {
        let tiers = vec![
            Tier { above: 0, rates: rates("1", "0.10", "1.25", "5") },
            Tier { above: 100, rates: rates("2", "0.20", "2.50", "10") },
        ];
        ModelPrice::tiered(tiers, PriceSource::Configuration).unwrap()
    }

    #[test]
    fn every_kind_of_token_is_charged_at_its_own_rate() {
        let price = flat(rates("4", "0.20", "5", "20").reasoning_at(usd("40")).unwrap());
        let tokens =
            TokenCounts { input: 100_000, cache_read: 80_000, cache_write: 10_000, output: 2_000, reasoning: 1_500 };
        // 10,000 at 4, 80,000 at 0.20, 10,000 at 5, 500 at 20 and 1,500 at 40 dollars a million.
        assert_eq!(price.cost(tokens), usd("0.176"));
        // All input at 4 would be 0.40; 0.106 was paid.
        assert_eq!(price.saved_by_caching(tokens), usd("0.294"));
    }

    #[test]
    fn a_bound_takes_the_dearest_rate_of_each_side() {
        assert_eq!(flat(rates("4", "0.20", "5", "20")).bound(1_000, 100), Some(usd("0.007")));
        let thinks_dearly = rates("4", "0.20", "4", "20").reasoning_at(usd("40")).unwrap();
        assert_eq!(flat(thinks_dearly).bound(1_000, 100), Some(usd("0.008")));
    }

    #[test]
    fn a_request_above_a_threshold_is_charged_at_the_next_tier_as_a_whole() {
        let price = two_tiers();
        let plain = |input| TokenCounts { input, output: 1, ..TokenCounts::default() };
        assert_eq!(price.cost(plain(100)), usd("0.000105"));
        assert_eq!(price.cost(plain(101)), usd("0.000212"));
        assert_eq!(price.bound(100, 1), Some(usd("0.00013")));
        assert_eq!(price.bound(101, 1), Some(usd("0.0002625")));
        let parts_above_the_whole = TokenCounts { input: 100, cache_read: 101, ..TokenCounts::default() };
        assert_eq!(price.cost(parts_above_the_whole), usd("0.0000202"));
    }

    #[test]
    fn tiers_start_at_nothing_and_rise() {
        let rates = rates("1", "1", "1", "1");
        for above in [vec![], vec![1], vec![0, 0], vec![0, 200, 100], vec![100, 0]] {
            let tiers: Vec<Tier> = above.iter().map(|above| Tier { above: *above, rates }).collect();
            assert_eq!(ModelPrice::tiered(tiers, PriceSource::Configuration), None, "{above:?}");
        }
    }

    #[test]
    fn a_sum_is_rounded_up_once() {
        let price = flat(rates("0.000001", "0.000001", "0.000001", "0.000001"));
        // A pico-dollar a token: nothing to round. A tenth of it: one for the whole, not one for each kind.
        assert_eq!(price.cost(TokenCounts { input: 3, output: 3, ..TokenCounts::default() }).picos(), 6);
        let finer = flat(rates("0.0000001", "0.0000001", "0.0000001", "0.0000001"));
        let mixed = TokenCounts { input: 4, cache_read: 1, cache_write: 1, output: 4, reasoning: 2 };
        assert_eq!(finer.cost(mixed).picos(), 1);
        assert_eq!(finer.bound(4, 4).map(Usd::picos), Some(1));
        assert_eq!(finer.saved_by_caching(mixed), Usd::ZERO);
    }

    #[test]
    fn a_cache_that_has_cost_more_than_it_saved_has_saved_nothing() {
        let price = flat(rates("4", "0.20", "5", "20"));
        let written = TokenCounts { input: 1_000, cache_write: 1_000, ..TokenCounts::default() };
        assert_eq!(price.saved_by_caching(written), Usd::ZERO);
        assert_eq!(price.saved_by_caching(TokenCounts { input: 1_000, ..TokenCounts::default() }), Usd::ZERO);
    }

    #[test]
    fn no_rate_is_zero() {
        let one = usd("1");
        assert_eq!(Rates::new(Usd::ZERO, one), None);
        assert_eq!(Rates::new(one, Usd::ZERO), None);
        let rates = Rates::new(one, usd("2")).unwrap();
        assert_eq!((rates.cache_read(), rates.cache_write(), rates.reasoning()), (one, one, usd("2")));
        assert_eq!(rates.reading_cache_at(Usd::ZERO), None);
        assert_eq!(rates.writing_cache_at(Usd::ZERO), None);
        assert_eq!(rates.reasoning_at(Usd::ZERO), None);
    }

    #[test]
    fn a_free_model_costs_nothing_however_much_it_says() {
        let price = ModelPrice::free(PriceSource::Configuration);
        let much = TokenCounts { input: u64::MAX, cache_read: u64::MAX, output: u64::MAX, ..TokenCounts::default() };
        assert_eq!((price.cost(much), price.saved_by_caching(much)), (Usd::ZERO, Usd::ZERO));
        assert_eq!(price.bound(u64::MAX, u64::MAX), Some(Usd::ZERO));
        assert_eq!(price.request_price(1, 1), Price::Free);
        assert_eq!(price.most_output(Usd::ZERO, u64::MAX), Some(u64::MAX));
        assert!(price.is_free() && price.tiers().is_empty());
    }

    #[test]
    fn a_price_past_all_money_is_unknown_and_a_cost_past_it_stops_there() {
        let price = flat(Rates::new(Usd::MAX, Usd::MAX).unwrap());
        assert_eq!(price.bound(u64::MAX, u64::MAX), None);
        assert!(matches!(price.request_price(u64::MAX, 1), Price::Unknown(_)));
        let all = u64::MAX;
        let hostile = TokenCounts { input: all, cache_read: all, cache_write: all, output: all, reasoning: all };
        assert_eq!(price.cost(hostile), Usd::MAX);
        assert_eq!(price.saved_by_caching(hostile), Usd::ZERO);
        assert_eq!(price.most_output(Usd::MAX, u64::MAX), None);
    }

    #[test]
    fn what_is_left_buys_output_only_after_the_input() {
        let price = flat(rates("4", "0.20", "5", "20"));
        assert_eq!(price.most_output(usd("0.01"), 1_000), Some(250));
        assert_eq!(price.most_output(usd("0.005"), 1_000), Some(0));
        assert_eq!(price.most_output(usd("0.004999"), 1_000), None);
    }

    #[test]
    fn a_source_says_what_it_is() {
        let bundled = PriceSource::Bundled { dated: "2026-11-22", url: "https://a.example/prices" };
        for (source, says) in [
            (bundled, "bundled table of 2026-11-22, from https://a.example/prices"),
            (PriceSource::RouterCatalogue, "the prices that the Hugging Face router lists"),
            (PriceSource::Configuration, "your configuration"),
            (PriceSource::Script, "the script"),
        ] {
            assert_eq!(source.to_string(), says);
        }
    }

    /// Up to 200 dollars for a million tokens.
    fn usual_rate() -> impl Strategy<Value = Usd> + Clone {
        (1_i64..=200_000_000_000_000).prop_map(|picos| Usd::from_picos(picos).unwrap())
    }

    fn any_rate() -> impl Strategy<Value = Usd> + Clone {
        let all = (1_i64..=i64::MAX).prop_map(|picos| Usd::from_picos(picos).unwrap());
        let next_to_nothing = (1_i64..=1_000_000).prop_map(|picos| Usd::from_picos(picos).unwrap());
        prop_oneof![next_to_nothing, usual_rate(), all]
    }

    fn rates_of(rate: impl Strategy<Value = Usd> + Clone) -> impl Strategy<Value = Rates> + Clone {
        proptest::array::uniform5(rate).prop_map(|[input, cache_read, cache_write, output, reasoning]| Rates {
            input,
            cache_read,
            cache_write,
            output,
            reasoning,
        })
    }

    /// Tiers need not get dearer with length here: nothing but the table promises that.
    fn price_of(rate: impl Strategy<Value = Usd> + Clone) -> impl Strategy<Value = ModelPrice> {
        let longer = proptest::collection::btree_map(1_u64..=2_000_000, rates_of(rate.clone()), 0..4);
        (rates_of(rate), longer).prop_map(|(rates, longer)| {
            let longer = longer.into_iter().map(|(above, rates)| Tier { above, rates });
            let tiers = std::iter::once(Tier { above: 0, rates }).chain(longer).collect();
            ModelPrice::tiered(tiers, PriceSource::Configuration).unwrap()
        })
    }

    fn any_count() -> impl Strategy<Value = u64> {
        prop_oneof![3 => 0_u64..=2_500_000, 1 => any::<u64>()]
    }

    fn any_tokens() -> impl Strategy<Value = TokenCounts> {
        [any_count(), any_count(), any_count(), any_count(), any_count()].prop_map(
            |[input, cache_read, cache_write, output, reasoning]| TokenCounts {
                input,
                cache_read,
                cache_write,
                output,
                reasoning,
            },
        )
    }

    /// TokenCounts as an honest service counts them.
    fn sound_tokens() -> impl Strategy<Value = TokenCounts> {
        [0_u64..=2_500_000, 0..=2_500_000, 0..=2_500_000, 0..=2_500_000, 0..=2_500_000].prop_map(
            |[plain, cache_read, cache_write, answer, reasoning]| TokenCounts {
                input: plain + cache_read + cache_write,
                cache_read,
                cache_write,
                output: answer + reasoning,
                reasoning,
            },
        )
    }

    proptest! {
        #[test]
        fn a_cost_is_never_past_the_bound_of_its_limits(
            price in price_of(any_rate()), tokens in any_tokens(), more_in in any_count(), more_out in any_count(),
        ) {
            let input_at_most = tokens.counted_input().saturating_add(more_in);
            let output_at_most = tokens.output.max(tokens.reasoning).saturating_add(more_out);
            // A sum of parts that passes u64 is not within any limit.
            let countable = tokens.cache_read.checked_add(tokens.cache_write).is_some();
            if let Some(bound) = price.bound(input_at_most, output_at_most).filter(|_| countable) {
                prop_assert!(price.cost(tokens) <= bound, "{} > {bound}", price.cost(tokens));
            }
        }

        #[test]
        fn the_most_output_is_the_last_that_fits(
            price in price_of(any_rate()), left in 0..=i64::MAX, input in any_count(),
        ) {
            let left = Usd::from_picos(left).unwrap();
            let fits = |output| price.bound(input, output).is_some_and(|bound| bound <= left);
            match price.most_output(left, input) {
                None => prop_assert!(!fits(0)),
                Some(most) => {
                    prop_assert!(fits(most));
                    prop_assert!(most == u64::MAX || !fits(most + 1));
                }
            }
        }

        #[test]
        fn more_tokens_never_have_a_lower_bound(
            price in price_of(any_rate()), input in any_count(), output in any_count(), more in any_count(),
        ) {
            let at = |input, output| price.bound(input, output).map_or(u64::MAX, |usd| usd.picos().unsigned_abs());
            prop_assert!(at(input, output) <= at(input.saturating_add(more), output));
            prop_assert!(at(input, output) <= at(input, output.saturating_add(more)));
        }

        #[test]
        fn no_report_is_charged_less_than_any_part_that_it_counts(rates in rates_of(any_rate()), tokens in any_tokens()) {
            let price = flat(rates);
            let TokenCounts { input, cache_read, cache_write, output, reasoning } = tokens;
            let none = TokenCounts::default();
            for part in [
                TokenCounts { input: cache_read, cache_read, ..none },
                TokenCounts { input: cache_write, cache_write, ..none },
                TokenCounts { input: input.saturating_sub(cache_read.saturating_add(cache_write)), ..none },
                TokenCounts { output: reasoning, reasoning, ..none },
                TokenCounts { output: output.saturating_sub(reasoning), ..none },
            ] {
                prop_assert!(price.cost(part) <= price.cost(tokens), "{part:?} of {tokens:?}");
            }
        }

        #[test]
        fn what_was_saved_and_what_was_paid_are_the_price_without_a_cache(
            price in price_of(usual_rate()), tokens in sound_tokens(),
        ) {
            let uncached = price.cost(TokenCounts { cache_read: 0, cache_write: 0, ..tokens });
            let (cost, saved) = (price.cost(tokens), price.saved_by_caching(tokens));
            if uncached > cost {
                let difference = uncached.picos() - cost.picos();
                prop_assert!((difference - 1..=difference + 1).contains(&saved.picos()), "{difference} {saved}");
            } else {
                prop_assert_eq!(saved, Usd::ZERO);
            }
        }
    }
}
