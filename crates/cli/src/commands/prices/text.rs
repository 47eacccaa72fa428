//! Prices as a person reads them: tables that fit eighty columns, numbers never wrapped.
//!
//! Not here: where they are found.

use super::listing::of_call;
use super::page::{Flavors, Group, Origin, Page, Row};
use crate::calendar::{self, DAY_MS};
use crate::draw::clean;
use money::Usd;
use pricing::models::ModelPrice;
use pricing::{Source, UnitPrice};

/// How many columns there are.
const COLUMNS: usize = 80;
/// The narrowest that the column of names becomes; a longer name stands on a line of its own.
const NARROWEST: usize = 12;
const MODEL_HEADS: [&str; 6] = ["input", "cached", "write", "output", "context", "answer"];

/// The whole page.
pub fn of(page: &Page, now_ms: i64) -> String {
    let models = page.models.iter().map(|group| models(group, now_ms));
    let tools = (!page.tools.is_empty()).then(|| tools(&page.tools));
    let hardware = page.hardware.as_ref().map(hardware);
    let notes = (!page.notes.is_empty()).then(|| page.notes.iter().map(|note| wrapped(note, "")).collect());
    let parts: Vec<String> = models.chain(tools).chain(hardware).chain(notes).collect();
    parts.join("\n")
}

fn models(group: &Group, now_ms: i64) -> String {
    let mut text = format!("{}: dollars for a million tokens\n", clean(&group.title));
    let lines: Vec<(String, Vec<String>)> = group.rows.iter().flat_map(lines_of).collect();
    text.push_str(&table("model", &MODEL_HEADS, &lines));
    text.push_str(&wrapped(&origin(&group.origin, now_ms), "  "));
    text.extend(group.notes.iter().map(|note| wrapped(note, "  ")));
    text
}

/// A model's lines: its own, one for each further tier, and one for reasoning where that has a rate of its own.
fn lines_of(row: &Row) -> Vec<(String, Vec<String>)> {
    let Some(price) = &row.price else { return vec![(row.label.clone(), vec!["no price".to_owned()])] };
    let limit = |tokens: Option<u64>| tokens.map_or("-".to_owned(), grouped);
    let limits = [limit(price.context_tokens()), limit(price.max_output_tokens())];
    if price.is_free() {
        let blank = std::iter::repeat_n(String::new(), 3);
        let cells = std::iter::once("free".to_owned()).chain(blank).chain(limits).collect();
        return vec![(row.label.clone(), cells)];
    }
    price.tiers().iter().enumerate().flat_map(|(nth, _)| tier_lines(row, price, nth, &limits)).collect()
}

fn tier_lines(row: &Row, price: &ModelPrice, nth: usize, limits: &[String; 2]) -> Vec<(String, Vec<String>)> {
    let tier = price.tiers()[nth];
    let rates = tier.rates;
    let amounts = [rates.input(), rates.cache_read(), rates.cache_write(), rates.output()].map(|usd| usd.to_string());
    let mut cells = amounts.to_vec();
    let name = if nth == 0 {
        cells.extend(limits.iter().cloned());
        row.label.clone()
    } else {
        format!("  above {}", grouped(tier.above))
    };
    let mut lines = vec![(name, cells)];
    if rates.reasoning() != rates.output() {
        let blank = std::iter::repeat_n(String::new(), 3);
        lines.push(("  reasoning".to_owned(), blank.chain([rates.reasoning().to_string()]).collect()));
    }
    lines
}

/// Where prices come from and how old they are.
pub fn origin(origin: &Origin, now_ms: i64) -> String {
    match origin {
        Origin::Bundled { dated, url } => match age_in_days(dated, now_ms) {
            Some(age) => format!("bundled table of {dated} ({age}), from {url}"),
            None => format!("bundled table of {dated}, from {url}"),
        },
        Origin::Router { asked_at_ms, stale_because } => {
            let asked = format!("the router's list, asked for {}", calendar::ago(now_ms.saturating_sub(*asked_at_ms)));
            match stale_because {
                Some(why) => format!("{asked}; a newer one could not be had: {}", clean(why)),
                None => asked,
            }
        }
        Origin::Configuration => "your configuration".to_owned(),
        Origin::Script => "the script".to_owned(),
    }
}

/// How old figures of a day are; `None` when the clock is before it.
fn age_in_days(dated: &str, now_ms: i64) -> Option<String> {
    match now_ms.div_euclid(DAY_MS) - calendar::day(dated)? {
        0 => Some("of today".to_owned()),
        1 => Some("1 day old".to_owned()),
        days if days > 1 => Some(format!("{days} days old")),
        _before => None,
    }
}

fn tools(tools: &[(String, policy::Price)]) -> String {
    let lines: Vec<(String, Vec<String>)> =
        tools.iter().map(|(tool, price)| (tool.clone(), vec![of_call(price)])).collect();
    format!("tools: dollars for a call\n{}  your configuration\n", table("tool", &["price"], &lines))
}

fn hardware(flavors: &Flavors) -> String {
    let lines = flavors.shown.iter().map(|flavor| {
        let cells = match flavors.list.price_of(flavor) {
            Some(price) => vec![amount(per_hour(price)), amount(per_minute(price).map(to_micros))],
            None => vec!["no price".to_owned()],
        };
        (flavor.clone(), cells)
    });
    let lines: Vec<(String, Vec<String>)> = lines.collect();
    let source = match flavors.list.source() {
        Source::Catalogue => "the Hub's list, asked for just now".to_owned(),
        other => other.to_string(),
    };
    let rounding = "by the started minute, while it runs; minutes are rounded up to a millionth of a dollar";
    let table = table("hardware", &["an hour", "a minute"], &lines);
    format!("job hardware: dollars\n{table}{}{}", wrapped(&source, "  "), wrapped(rounding, "  "))
}

fn amount(usd: Option<Usd>) -> String {
    usd.map_or("-".to_owned(), |usd| usd.to_string())
}

/// What an hour costs; `None` when that is too large to hold.
pub fn per_hour(price: UnitPrice) -> Option<Usd> {
    price.usd().times_ratio_ceil(60, u64::from(price.per_minutes().get()))
}

/// What a minute costs, rounded up to a pico-dollar.
pub fn per_minute(price: UnitPrice) -> Option<Usd> {
    price.usd().times_ratio_ceil(1, u64::from(price.per_minutes().get()))
}

fn to_micros(usd: Usd) -> Usd {
    let picos = usd.picos();
    let up = picos.checked_add(999_999).map(|picos| picos - picos % 1_000_000);
    up.and_then(Usd::from_picos).unwrap_or(usd)
}

/// A number with a comma between its thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Names to the left and numbers to the right, each column as wide as it has to be. A name for which there is no room
/// stands on a line of its own.
fn table(head: &str, heads: &[&str], lines: &[(String, Vec<String>)]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|(_, cells)| cells.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let numbers: usize = widths.iter().map(|width| width + 2).sum();
    let room = COLUMNS.saturating_sub(2 + numbers).max(NARROWEST);
    let names = lines.iter().map(|(name, _)| clean(name).chars().count());
    let name_width = names.filter(|length| *length <= room).chain([head.len()]).max().unwrap_or(0);
    let line = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
        let mut text = format!("  {name:<name_width$}");
        for (cell, width) in cells.zip(&widths) {
            text.push_str(&format!("  {cell:>width$}"));
        }
        format!("{}\n", text.trim_end())
    };
    let mut text = line(head, &mut heads.iter().copied());
    for (name, cells) in lines {
        let name = clean(name);
        let mut cells = cells.iter().map(String::as_str);
        if name.chars().count() > name_width {
            text.push_str(&format!("  {name}\n"));
            text.push_str(&line("", &mut cells));
        } else {
            text.push_str(&line(&name, &mut cells));
        }
    }
    text
}

/// Words in lines of at most eighty columns; a word that is longer, such as an address, stands on a line of its own.
fn wrapped(words: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(format!("{indent}{word}")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pricing::models::{PriceSource, Rates, bundled_models};

    /// 2026-11-22, at noon.
    const NOW: i64 = 20_779 * DAY_MS + DAY_MS / 2;

    fn group(label: &str, rates: Rates) -> Group {
        let price = ModelPrice::flat(rates, PriceSource::Configuration);
        let row = Row { name: label.to_owned(), label: label.to_owned(), aliases: Vec::new(), price: Some(price) };
        Group { title: "mine".to_owned(), origin: Origin::Configuration, notes: Vec::new(), rows: vec![row] }
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn every_bundled_price_fits_eighty_columns_with_its_numbers_whole() {
        for found in bundled_models() {
            let (name, price) = (found.model.to_owned(), found.price.clone());
            let row = Row { label: name.clone(), name, aliases: Vec::new(), price: Some(price.clone()) };
            let origin = Origin::of(price.source());
            let group = Group { title: found.provider.to_owned(), origin, notes: Vec::new(), rows: vec![row] };
            let text = models(&group, NOW);
            for line in text.lines() {
                assert!(line.chars().count() <= COLUMNS || line.trim_start().starts_with("https://"), "{line}");
            }
            for tier in price.tiers() {
                let has = |usd: Usd| text.split_whitespace().any(|word| word == usd.to_string());
                assert!(has(tier.rates.input()) && has(tier.rates.output()), "{text}");
            }
        }
    }

    #[test]
    fn reasoning_is_shown_where_it_has_a_rate_of_its_own() {
        let rates = Rates::new(usd("1"), usd("2")).unwrap();
        assert!(!models(&group("a", rates), NOW).contains("reasoning"));
        let text = models(&group("a", rates.reasoning_at(usd("4.5")).unwrap()), NOW);
        let line = text.lines().find(|line| line.contains("reasoning")).unwrap();
        let head = text.lines().find(|line| line.contains("output")).unwrap();
        assert_eq!(line.find("4.50").unwrap() + 4, head.find("output").unwrap() + 6, "{text}");
    }

    #[test]
    fn a_long_name_stands_on_a_line_of_its_own() {
        let name = "some-organisation/some-model-with-a-long-name:some-provider";
        let text = models(&group(name, Rates::new(usd("0.123456789"), usd("2")).unwrap()), NOW);
        assert!(text.lines().any(|line| line.trim() == name), "{text}");
        assert!(text.lines().any(|line| line.trim().starts_with("0.123456789")), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }

    #[test]
    fn a_source_says_how_old_it_is() {
        let bundled = |dated| origin(&Origin::Bundled { dated, url: "u" }, NOW);
        assert_eq!(bundled("2026-11-10"), "bundled table of 2026-11-10 (12 days old), from u");
        assert_eq!(bundled("2026-11-21"), "bundled table of 2026-11-21 (1 day old), from u");
        assert_eq!(bundled("2026-11-22"), "bundled table of 2026-11-22 (of today), from u");
        assert_eq!(bundled("2026-11-23"), "bundled table of 2026-11-23, from u");
        let router = |stale_because| origin(&Origin::Router { asked_at_ms: NOW - 180_000, stale_because }, NOW);
        assert_eq!(router(None), "the router's list, asked for 3 minutes ago");
        assert!(router(Some("status 503".to_owned())).ends_with("could not be had: status 503"));
    }

    #[test]
    fn hardware_is_priced_by_the_hour_and_by_the_minute() {
        let hourly: UnitPrice = "1.00/60".parse().unwrap();
        let minutely: UnitPrice = "0.016667/1".parse().unwrap();
        let told = |price| (amount(per_hour(price)), amount(per_minute(price).map(to_micros)));
        assert_eq!(told(hourly), ("1.00".to_owned(), "0.016667".to_owned()));
        assert_eq!(told(minutely), ("1.00002".to_owned(), "0.016667".to_owned()));
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_048_576].map(grouped), ["0", "999", "1,000", "1,048,576"]);
    }
}
