//! What cannot hold yet: findings that are excused, in a list that may only shrink.
//!
//! Not here: reasons. An entry is the finding's own words, `path: sentence`, so that a number in it cannot grow.

use super::Finding;
use super::tables::RATCHET;
use crate::run::{Trouble, trouble};
use serde::Deserialize;
use std::fs;
use std::path::Path;

const PATH: &str = "xtask/ratchet.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    excused: Vec<String>,
}

/// Takes the excused findings out; an entry without its finding, or one too many, is a finding itself.
pub fn excuse(root: &Path, found: Vec<Finding>) -> Result<Vec<Finding>, Trouble> {
    let text = fs::read_to_string(root.join(PATH)).map_err(|why| trouble(format!("reading `{PATH}`"), why))?;
    let list: List = toml::from_str(&text).map_err(|why| trouble(format!("reading `{PATH}`"), why))?;
    Ok(apply(found, list.excused, RATCHET))
}

fn apply(found: Vec<Finding>, mut excused: Vec<String>, length: usize) -> Vec<Finding> {
    let entries = excused.len();
    let mut left: Vec<Finding> = Vec::new();
    for finding in found {
        let words = format!("{}: {}", finding.path, finding.says);
        match excused.iter().position(|entry| *entry == words) {
            Some(at) => {
                excused.swap_remove(at);
            }
            None => left.push(finding),
        }
    }
    left.extend(excused.into_iter().map(|entry| Finding::new(PATH, 1, format!("no longer needed: {entry}"))));
    if entries != length {
        let says =
            format!("has {entries} entries and `RATCHET` says {length}; the list may only shrink, and both with it");
        left.push(Finding::new(PATH, 1, says));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(found: &[(&str, usize, &str)], excused: &[&str], length: usize) -> Vec<String> {
        let found = found.iter().map(|(path, line, says)| Finding::new(*path, *line, *says)).collect();
        let excused = excused.iter().map(|entry| (*entry).to_owned()).collect();
        apply(found, excused, length).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_entry_excuses_one_finding_wherever_it_moves_in_its_file() {
        assert_eq!(said(&[("a.rs", 7, "is long")], &["a.rs: is long"], 1), [""; 0]);
        assert_eq!(said(&[("a.rs", 7, "is long"), ("a.rs", 9, "is long")], &["a.rs: is long"], 1), ["a.rs:9: is long"]);
    }

    #[test]
    fn an_entry_that_nothing_needs_is_found() {
        assert_eq!(said(&[], &["a.rs: is long"], 1), ["xtask/ratchet.toml:1: no longer needed: a.rs: is long"]);
    }

    #[test]
    fn a_list_of_another_length_is_found() {
        let says =
            "xtask/ratchet.toml:1: has 1 entries and `RATCHET` says 0; the list may only shrink, and both with it";
        assert_eq!(said(&[("a.rs", 7, "is long")], &["a.rs: is long"], 0), [says]);
    }
}
