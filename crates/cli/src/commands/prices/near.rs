//! Names that are near to one that there is not.
//!
//! Not here: which names there are.

/// How many names are suggested at most.
const MOST: usize = 5;
/// The longest name that anything is near to.
const LONGEST: usize = 200;

/// The names that a stranger is most likely a slip of, the nearest first. A name is compared whole, and from behind its
/// first slash on.
pub fn near(stranger: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let stranger = stranger.to_lowercase();
    if stranger.chars().count() > LONGEST {
        return Vec::new();
    }
    let most = (stranger.chars().count() / 3).clamp(1, 6);
    let distance_of = |name: &str| {
        let behind = name.split_once('/').map_or(name, |(_, behind)| behind);
        distance(&stranger, name).min(distance(&stranger, behind))
    };
    let measured = names.into_iter().map(|name| (distance_of(&name.to_lowercase()), name));
    let mut found: Vec<(usize, String)> = measured.filter(|(distance, _)| *distance <= most).collect();
    found.sort();
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// How many letters have to be put in, left out or changed to make one text of another (the distance of Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, candidate) in other.iter().enumerate() {
            let changed = above[column] + usize::from(letter != *candidate);
            line.push(changed.min(above[column + 1] + 1).min(line[column] + 1));
        }
        above = line;
    }
    above[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant() {
        let names = ["anthropic/claude-opus-5-5", "anthropic/claude-opus-5", "openai/gpt-5", "a10g-small"];
        let found = |stranger: &str| near(stranger, names.map(str::to_owned));
        assert_eq!(found("claude-opus-55"), ["anthropic/claude-opus-5", "anthropic/claude-opus-5-5"]);
        assert_eq!(found("antropic/claude-opus-5-5")[0], "anthropic/claude-opus-5-5");
        assert_eq!(found("A10G-SMAL"), ["a10g-small"]);
        assert!(found("kitten").is_empty() && found("").is_empty() && found(&"x".repeat(10_000)).is_empty());
    }

    #[test]
    fn the_distance_counts_single_letters() {
        for (one, other, count) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2), ("ä", "a", 1)]
        {
            assert_eq!(distance(one, other), count, "{one} {other}");
        }
    }
}
