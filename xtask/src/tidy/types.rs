//! Public types: no two crates have one of the same name, so that a name says which is meant.
//!
//! Not here: types that no other crate can see.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::ARROWS;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;
use syn::{Ident, ItemUse, UseTree, Visibility};

/// Checks the public types of all libraries. Of two, the one in the higher room is to change.
pub fn a_public_type_has_its_name_to_itself(tree: &Tree) -> Vec<Finding> {
    let mut first: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    let mut found = Vec::new();
    for (room, _) in ARROWS {
        for (source, name, line) in public_types(tree, room) {
            let (owner, path) = first.entry(name.clone()).or_insert((room, &source.path));
            if owner != room {
                let says = format!("`{name}` is also a public type in `{path}`; one word for one idea");
                found.push(Finding::new(&source.path, line, says));
            }
        }
    }
    found
}

/// The types that other crates can see: public in public modules, or public and given out by a `pub use`.
fn public_types<'a>(tree: &'a Tree, room: &str) -> Vec<(&'a Source, String, usize)> {
    let sources: Vec<&Source> = tree.sources.iter().filter(|source| source.room == room).collect();
    if !sources.iter().any(|source| source.path.ends_with("/src/lib.rs")) {
        return Vec::new();
    }
    let closed: Vec<String> =
        sources.iter().flat_map(|source| source.modules(|module| !is_public(&module.vis))).collect();
    let mut given = GivenOut::default();
    sources.iter().for_each(|source| given.visit_file(&source.product));
    let mut types = Vec::new();
    for source in sources {
        let inside = closed.iter().find(|module| source.is_below(module));
        let all = inside.is_none_or(|module| given.modules.contains(module.rsplit('/').next().unwrap_or("")));
        let mut walk = PublicTypes(Vec::new());
        walk.visit_file(&source.product);
        let seen = walk.0.into_iter().filter(|(name, _)| all || given.names.contains(name));
        types.extend(seen.map(|(name, line)| (source, name, line)));
    }
    types
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What a crate's `pub use` items give out: names, and modules whole.
#[derive(Default)]
struct GivenOut {
    names: BTreeSet<String>,
    modules: BTreeSet<String>,
}

impl GivenOut {
    fn tree(&mut self, tree: &UseTree, under: &str) {
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &path.ident.to_string()),
            UseTree::Name(name) => {
                self.names.insert(name.ident.to_string());
            }
            UseTree::Rename(rename) => {
                self.names.insert(rename.ident.to_string());
            }
            UseTree::Glob(_) => {
                self.modules.insert(under.to_owned());
            }
            UseTree::Group(group) => group.items.iter().for_each(|inner| self.tree(inner, under)),
        }
    }
}

impl<'ast> Visit<'ast> for GivenOut {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_public(&item.vis) {
            self.tree(&item.tree, "");
        }
    }
}

struct PublicTypes(Vec<(String, usize)>);

impl PublicTypes {
    fn add(&mut self, visibility: &Visibility, name: &Ident) {
        if is_public(visibility) {
            self.0.push((name.to_string(), name.span().start().line));
        }
    }
}

impl<'ast> Visit<'ast> for PublicTypes {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.vis, &item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.vis, &item.ident);
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    const LEDGER: (&str, &str) =
        ("crates/ledger/src/lib.rs", "pub struct Entry; struct Private; pub(crate) enum Inner {}");

    #[test]
    fn a_name_that_nobody_else_can_see_is_free() {
        let lib = ("crates/host/src/lib.rs", "mod tree; pub use tree::Line; pub enum Leaf {} struct Private;");
        let tree = ("crates/host/src/tree.rs", "pub enum Line {} pub struct Entry; pub(crate) enum Inner {}");
        check(a_public_type_has_its_name_to_itself, &[LEDGER, lib, tree], &[]);
        check(a_public_type_has_its_name_to_itself, &[LEDGER, ("crates/cli/src/main.rs", "pub struct Entry;")], &[]);
    }

    #[test]
    fn a_public_name_that_is_taken_is_found_in_the_higher_room() {
        for lib in ["pub mod tree;", "mod tree; pub use tree::Entry;", "mod tree; pub use tree::*;"] {
            let tree = ("crates/host/src/tree.rs", "\npub type Entry = u8;");
            check(
                a_public_type_has_its_name_to_itself,
                &[("crates/host/src/lib.rs", lib), tree, LEDGER],
                &[
                    "crates/host/src/tree.rs:2: `Entry` is also a public type in `crates/ledger/src/lib.rs`; one word for one idea",
                ],
            );
        }
    }
}
