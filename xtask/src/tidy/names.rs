//! Names: none with an empty word in it.
//!
//! Not here: whether a name is a good one.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::EMPTY_WORDS;
use syn::visit::{self, Visit};
use syn::{Ident, ItemImpl};

/// Checks the names of files, modules, types, traits and functions, tests included. A constant may bear a foreign name.
pub fn names_say_what_a_thing_is(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(empty_names).collect()
}

fn empty_names(source: &Source) -> Vec<Finding> {
    let mut walk = Names { path: &source.path, found: Vec::new() };
    for part in source.path.split('/') {
        walk.judge(part.trim_end_matches(".rs"), 1);
    }
    walk.visit_file(&source.whole);
    walk.found
}

struct Names<'a> {
    path: &'a str,
    found: Vec<Finding>,
}

impl Names<'_> {
    fn judge(&mut self, name: &str, line: usize) {
        if let Some(word) = words(name).find(|word| EMPTY_WORDS.contains(&word.as_str())) {
            let says = format!("the name `{name}` has `{word}` in it, which says nothing");
            self.found.push(Finding::new(self.path, line, says));
        }
    }

    fn name(&mut self, ident: &Ident) {
        self.judge(&ident.to_string(), ident.span().start().line);
    }
}

/// The words of a name in lower case, whether it is written `snake_case`, `kebab-case` or `CamelCase`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_uppercase() && !before.is_uppercase() {
            spaced.push('_');
        }
        spaced.extend(letter.to_lowercase());
        before = letter;
    }
    let words: Vec<String> = spaced.split(['_', '-', '.']).map(str::to_owned).collect();
    words.into_iter()
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.name(&item.sig.ident);
        visit::visit_item_fn(self, item);
    }

    /// A method of a trait has the name that the trait gives it.
    fn visit_item_impl(&mut self, block: &'ast ItemImpl) {
        if block.trait_.is_none() {
            let methods = block.items.iter().filter_map(|item| match item {
                syn::ImplItem::Fn(method) => Some(&method.sig.ident),
                _ => None,
            });
            methods.for_each(|name| self.name(name));
        }
        visit::visit_item_impl(self, block);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast syn::TraitItemFn) {
        self.name(&method.sig.ident);
        visit::visit_trait_item_fn(self, method);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.name(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.name(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.name(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.name(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.name(&item.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    #[test]
    fn a_name_without_empty_words_is_fine() {
        let text = "struct Metadata; fn handled() {} mod processor {} impl A for B { fn handle(&self) {} }";
        check(names_say_what_a_thing_is, &[("crates/a/src/lib.rs", text)], &[]);
    }

    #[test]
    fn an_empty_word_is_found_in_any_name() {
        let text = "struct SessionManager;\nfn handle_call() {}\nmod utils {}\nimpl A { fn get_info() {} }\nconst IO_DATA: u8 = 1;";
        let at = |says: &str| format!("crates/a/src/helpers.rs:{says} in it, which says nothing");
        check(
            names_say_what_a_thing_is,
            &[("crates/a/src/helpers.rs", text)],
            &[
                &at("1: the name `helpers` has `helpers`"),
                &at("1: the name `SessionManager` has `manager`"),
                &at("2: the name `handle_call` has `handle`"),
                &at("3: the name `utils` has `utils`"),
                &at("4: the name `get_info` has `info`"),
            ],
        );
    }
}
