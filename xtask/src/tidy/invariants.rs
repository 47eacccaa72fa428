//! The invariants of ARCHITECTURE.md: each names the test that proves it, and that test exists.
//!
//! Not here: whether the test passes; running the tests says that.

use super::Finding;
use super::source::{Source, Tree, is_test};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};

const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Invariants";

/// Checks each row under the page's heading. A row's last cell names tests as `crate::test`, or, for tests that must not
/// compile, the file that has them.
pub fn each_invariant_names_its_test(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.file(PAGE) else {
        return vec![Finding::new(PAGE, 1, "is missing")];
    };
    let rows = rows(&page.text);
    if rows.is_empty() {
        return vec![Finding::new(PAGE, 1, format!("has no table under `{HEADING}`"))];
    }
    let known: BTreeSet<String> = tree.sources.iter().flat_map(tests).collect();
    let mut found = Vec::new();
    for (line, row) in rows {
        let named = names_in_last_cell(row);
        if named.is_empty() {
            found.push(Finding::new(PAGE, line, "an invariant names no test"));
        }
        for name in named.iter().filter(|name| !known.contains(*name) && !cannot_compile(tree, name)) {
            found.push(Finding::new(PAGE, line, format!("there is no test `{name}`")));
        }
    }
    found
}

/// The rows of the table under the heading, with their lines, without the table's head.
fn rows(page: &str) -> Vec<(usize, &str)> {
    let numbered = page.lines().enumerate().map(|(at, line)| (at + 1, line));
    let below = numbered.skip_while(|(_, line)| *line != HEADING).skip(1);
    let section = below.take_while(|(_, line)| !line.starts_with("## "));
    section.filter(|(_, line)| line.starts_with('|')).skip(2).collect()
}

fn names_in_last_cell(row: &str) -> Vec<String> {
    let cell = row.trim().trim_end_matches('|').rsplit('|').next().unwrap_or("");
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn cannot_compile(tree: &Tree, path: &str) -> bool {
    path.ends_with(".rs") && tree.file(path).is_some_and(|file| file.text.contains("```compile_fail"))
}

/// The tests of a file, as `crate::test`.
fn tests(source: &Source) -> Vec<String> {
    let mut walk = Tests(Vec::new());
    walk.visit_file(&source.whole);
    walk.0.iter().map(|name| format!("{}::{name}", source.room)).collect()
}

struct Tests(Vec<String>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if function.attrs.iter().any(is_test) {
            self.0.push(function.sig.ident.to_string());
        }
        visit::visit_item_fn(self, function);
    }

    /// Macros such as `proptest!` take whole test functions.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.0.extend(functions(item.mac.tokens.clone()));
    }
}

/// The functions that stand in a macro's words right after a `#[test]`.
fn functions(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut names = Vec::new();
    let mut marked = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.stream().to_string() == "test" => marked = true,
            TokenTree::Ident(word) if marked && word == "fn" => {
                names.extend(tokens.get(at + 1).map(ToString::to_string));
                marked = false;
            }
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    names
}

#[cfg(test)]
mod tests_of_this_rule {
    use super::super::source::check;
    use super::*;

    const TESTS: (&str, &str) = (
        "crates/gate/src/gate.rs",
        "#[cfg(test)] mod tests { #[test] fn one_holds() {} #[tokio::test] async fn two_holds() {}\n\
         proptest! { #[test] fn three_holds(a: u8) {} } fn four_holds() {} }",
    );
    const FORGERY: (&str, &str) = ("crates/gate/src/permit.rs", "//! ```compile_fail\n//! forge();\n//! ```\n");

    fn page(rows: &str) -> String {
        format!("# A\n\n## Invariants\n| Invariant | Test |\n|---|---|\n{rows}\n\n## Next\n| a | b |\n")
    }

    #[test]
    fn an_invariant_with_a_test_that_exists_is_fine() {
        let page = page(
            "| One | `gate::one_holds`, `gate::two_holds` |\n| Two `x` | `gate::three_holds` |\n\
             | Three | `crates/gate/src/permit.rs` |",
        );
        check(each_invariant_names_its_test, &[(PAGE, &page), TESTS, FORGERY], &[]);
    }

    #[test]
    fn an_invariant_without_a_test_that_exists_is_found() {
        let page = page("| One | by care |\n| Two | `gate::four_holds` |\n| Three | `ledger::one_holds` |");
        check(
            each_invariant_names_its_test,
            &[(PAGE, &page), TESTS],
            &[
                "ARCHITECTURE.md:6: an invariant names no test",
                "ARCHITECTURE.md:7: there is no test `gate::four_holds`",
                "ARCHITECTURE.md:8: there is no test `ledger::one_holds`",
            ],
        );
    }

    #[test]
    fn a_page_without_the_table_is_found() {
        check(
            each_invariant_names_its_test,
            &[(PAGE, "# A\n")],
            &["ARCHITECTURE.md:1: has no table under `## Invariants`"],
        );
    }
}
