//! Which names a few letters mean, best first.
//!
//! Not here: where the names come from.
//!
//! A name matches when the query's letters are in it in their order, case aside. Letters that follow each other or begin a
//! word count more and gaps count less; the last part of a path is tried first, and its folders only where it does not have
//! all the letters. The match that is scored is the tightest that ends where the first one ends: linear in the name, where the
//! best of all would be its square.

use std::cmp::Reverse;

/// How many letters of a name are looked at.
const LOOKED_AT: usize = 1_024;
const LETTER: i32 = 16;
const WORD_START: i32 = 10;
const NEIGHBOUR: i32 = 8;
const GAP: i32 = 3;
const WIDEST_GAP: i32 = 12;
const LAST_PART: i32 = 6;

/// Returns the places of the names that match, best first: of equals the shorter, then the earlier.
/// An empty query matches all, in their order.
pub fn rank<S: AsRef<str>>(query: &str, names: &[S]) -> Vec<usize> {
    let query: Vec<char> = query.chars().filter(|letter| !letter.is_whitespace()).map(fold).collect();
    if query.is_empty() {
        return (0..names.len()).collect();
    }
    let mut found = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let name = name.as_ref();
        let score = match name.is_ascii() {
            true => score(&name.as_bytes()[..name.len().min(LOOKED_AT)], &query),
            false => score(&name.chars().take(LOOKED_AT).collect::<Vec<char>>(), &query),
        };
        if let Some(score) = score {
            found.push((Reverse(score), name.len(), at));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, _, at)| at).collect()
}

/// Scores a name given as bytes, where it is ASCII, or as characters.
fn score<L: Copy + Into<char>>(letters: &[L], query: &[char]) -> Option<i32> {
    let last_part = letters.iter().rposition(|letter| (*letter).into() == '/').map_or(0, |slash| slash + 1);
    match tightest(letters, query, last_part) {
        Some(score) => Some(score + LAST_PART),
        None if last_part > 0 => tightest(letters, query, 0),
        None => None,
    }
}

fn tightest<L: Copy + Into<char>>(letters: &[L], query: &[char], from: usize) -> Option<i32> {
    let mut end = from;
    for want in query {
        end += 1 + letters[end..].iter().position(|letter| fold((*letter).into()) == *want)?;
    }
    let mut total = 0;
    let mut later: Option<usize> = None;
    let mut wanted = query.iter().rev().peekable();
    for at in (from..end).rev() {
        if wanted.next_if(|want| **want == fold(letters[at].into())).is_none() {
            continue;
        }
        total += LETTER + if begins_a_word(letters, at) { WORD_START } else { 0 };
        total += match later.map(|later| later - at - 1) {
            None => 0,
            Some(0) => NEIGHBOUR,
            Some(gap) => -(GAP + i32::try_from(gap).unwrap_or(WIDEST_GAP)).min(WIDEST_GAP),
        };
        later = Some(at);
        if wanted.peek().is_none() {
            break;
        }
    }
    Some(total)
}

fn begins_a_word<L: Copy + Into<char>>(letters: &[L], at: usize) -> bool {
    let Some(previous) = at.checked_sub(1).map(|previous| letters[previous].into()) else { return true };
    !previous.is_alphanumeric() || previous.is_lowercase() && letters[at].into().is_uppercase()
}

fn fold(letter: char) -> char {
    match letter.is_ascii() {
        true => letter.to_ascii_lowercase(),
        false => letter.to_lowercase().next().unwrap_or(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, names: &[&str], expected: &[&str]) {
        let ranked: Vec<&str> = rank(query, names).into_iter().map(|at| names[at]).collect();
        assert_eq!(ranked, expected);
    }

    #[test]
    fn a_name_matches_when_it_has_the_letters_in_their_order() {
        check("mde", &["mode", "model", "demo", "MODE"], &["mode", "MODE", "model"]);
        check("é", &["CAFÉ", "cafe"], &["CAFÉ"]);
        check("", &["b", "a"], &["b", "a"]);
        check("a b", &["ab", "ba"], &["ab"]);
    }

    #[test]
    fn the_beginning_of_a_word_goes_before_its_middle() {
        check("test", &["latest", "src/test.rs"], &["src/test.rs", "latest"]);
        check("cw", &["acowry", "ContextWindow"], &["ContextWindow", "acowry"]);
    }

    #[test]
    fn letters_together_go_before_letters_apart() {
        check("draw", &["director_away", "redraw"], &["redraw", "director_away"]);
    }

    #[test]
    fn the_last_part_of_a_path_goes_before_its_folders() {
        check("main", &["main/src/x.rs", "src/other/main.rs"], &["src/other/main.rs", "main/src/x.rs"]);
    }

    #[test]
    fn the_shorter_of_two_equals_goes_first() {
        check("mode", &["model", "mode"], &["mode", "model"]);
    }
}
