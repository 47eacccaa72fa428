//! The crates that decide and mint: no arm that catches what nobody thought of, and no more code than fits in a head.
//!
//! Not here: what they decide.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::{HEART, HEART_LINES};
use syn::visit::{self, Visit};
use syn::{ExprMatch, Pat};

/// Checks that no `match` of the heart ends in an arm that takes whatever is left unnamed.
///
/// Text and numbers have no last case: a `match` with literals in it may end in a name, such as `_otherwise`.
pub fn matches_are_written_out(tree: &Tree) -> Vec<Finding> {
    struct Walk<'a> {
        path: &'a str,
        found: Vec<Finding>,
    }
    impl<'ast> Visit<'ast> for Walk<'_> {
        fn visit_expr_match(&mut self, of: &'ast ExprMatch) {
            let is_text = of.arms.iter().any(|arm| has_literal(&arm.pat));
            for arm in of.arms.iter().filter(|arm| takes_anything(&arm.pat)) {
                if !(is_text && matches!(arm.pat, Pat::Ident(_))) {
                    let line = arm.fat_arrow_token.spans[0].start().line;
                    self.found.push(Finding::new(self.path, line, "an arm takes whatever is left; name the cases"));
                }
            }
            visit::visit_expr_match(self, of);
        }
    }
    let heart = tree.sources.iter().filter(is_heart);
    heart
        .flat_map(|source| {
            let mut walk = Walk { path: &source.path, found: Vec::new() };
            walk.visit_file(&source.product);
            walk.found
        })
        .collect()
}

/// Whether a pattern has a literal in it.
fn has_literal(pat: &Pat) -> bool {
    match pat {
        Pat::Lit(_) | Pat::Range(_) => true,
        Pat::Tuple(tuple) => tuple.elems.iter().any(has_literal),
        Pat::TupleStruct(inner) => inner.elems.iter().any(has_literal),
        Pat::Paren(paren) => has_literal(&paren.pat),
        Pat::Or(or) => or.cases.iter().any(has_literal),
        Pat::Ident(binding) => binding.subpat.as_ref().is_some_and(|(_, inner)| has_literal(inner)),
        Pat::Guard(guard) => has_literal(&guard.pat),
        _ => false,
    }
}

/// Whether a pattern is `_`, or `_` by another name.
fn takes_anything(pat: &Pat) -> bool {
    match pat {
        Pat::Wild(_) => true,
        Pat::Ident(binding) => binding.subpat.is_none() && binding.ident.to_string().starts_with('_'),
        Pat::Tuple(tuple) => tuple.elems.iter().all(takes_anything),
        Pat::Paren(paren) => takes_anything(&paren.pat),
        Pat::Or(or) => or.cases.iter().any(takes_anything),
        _ => false,
    }
}

/// Checks that the heart's code, without tests, comments and blank lines, is not too much.
pub fn the_heart_stays_small(tree: &Tree) -> Vec<Finding> {
    let heart = tree.sources.iter().filter(is_heart);
    let lines: usize = heart.map(code_lines).sum();
    if lines <= HEART_LINES {
        return Vec::new();
    }
    let says = format!("the heart ({}) has {lines} lines of code; {HEART_LINES} is the limit", HEART.join(", "));
    vec![Finding::new("crates", 1, says)]
}

fn is_heart(source: &&Source) -> bool {
    HEART.contains(&source.room.as_str())
}

fn code_lines(source: &Source) -> usize {
    let lines = source.product_lines().map(|(_, line)| line.trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    #[test]
    fn a_match_that_names_its_cases_is_fine() {
        let text = "fn a() { match b { (None, _) => 1, (Some(_), Some(_) | None) => 2 }\nmatch c { \"x\" => 1, _otherwise => 2 } }";
        check(matches_are_written_out, &[("crates/gate/src/a.rs", text)], &[]);
        check(matches_are_written_out, &[("crates/tools/src/a.rs", "fn a() { match b { _ => 1 } }")], &[]);
    }

    #[test]
    fn an_arm_that_takes_whatever_is_left_is_found_under_any_name() {
        for arm in ["_", "_left", "(_, _)", "1 | _", "(_)"] {
            let text = format!("fn a() {{ match b {{\n{arm} => 1 }} }}");
            check(
                matches_are_written_out,
                &[("crates/gate/src/a.rs", &text)],
                &["crates/gate/src/a.rs:2: an arm takes whatever is left; name the cases"],
            );
        }
    }

    #[test]
    fn the_heart_is_counted_without_comments_and_tests() {
        let code = "static A: u8 = 1;\n".repeat(749);
        let text = format!("//! A.\n\n{code}// b\n#[cfg(test)]\nmod tests {{\n{code}}}\n");
        check(the_heart_stays_small, &[("crates/gate/src/a.rs", &text), ("crates/ledger/src/a.rs", &text)], &[]);
        let longer = format!("{code}static B: u8 = 1;\nstatic C: u8 = 1;\nstatic D: u8 = 1;\n");
        check(
            the_heart_stays_small,
            &[("crates/gate/src/a.rs", &text), ("crates/ledger/src/a.rs", &longer)],
            &["crates:1: the heart (policy, ledger, gate) has 1501 lines of code; 1500 is the limit"],
        );
    }
}
