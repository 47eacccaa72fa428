//! The source tree as the rules see it: which files there are, what they say, and which of it is test.
//!
//! Not here: any opinion on it.

use super::Finding;
use crate::run::{Trouble, read, trouble};
use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use syn::spanned::Spanned as _;
use syn::{Attribute, ImplItem, Item, ItemMod, Meta};

/// The tracked files, those about to be tracked included.
#[derive(Default)]
pub struct Tree {
    /// Every file that is text.
    pub files: Vec<Text>,
    /// Every Rust file.
    pub sources: Vec<Source>,
    /// Every path, files that are no text included.
    pub paths: BTreeSet<String>,
}

/// A file that is text. Paths are relative to the workspace, with `/` between their parts.
pub struct Text {
    /// Where it is.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A Rust file.
pub struct Source {
    /// Where it is.
    pub path: String,
    /// The folder of its crate: `gate` for `crates/gate/src/lib.rs`.
    pub room: String,
    /// What it says.
    pub text: String,
    /// All of it.
    pub whole: syn::File,
    /// All of it but its tests; empty for a file of tests.
    pub product: syn::File,
    /// The lines that are tests.
    tests: Vec<RangeInclusive<usize>>,
}

impl Tree {
    /// Reads the tree. Files that are not Rust, though their names say so, are findings.
    pub fn read(root: &Path) -> Result<(Tree, Vec<Finding>), Trouble> {
        let listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = read(Command::new("git").current_dir(root).args(listed))?;
        let mut tree = Tree::default();
        let mut found = Vec::new();
        for path in listed.split('\0').filter(|path| root.join(path).is_file()) {
            let bytes = fs::read(root.join(path)).map_err(|why| trouble(format!("reading `{path}`"), why))?;
            tree.paths.insert(path.to_owned());
            let Ok(text) = String::from_utf8(bytes) else { continue };
            if path.ends_with(".rs") {
                match Source::parse(path, &text) {
                    Ok(source) => tree.sources.push(source),
                    Err(why) => found.push(Finding::new(path, why.span().start().line, format!("is no Rust: {why}"))),
                }
            }
            tree.files.push(Text { path: path.to_owned(), text });
        }
        tree.tell_test_files();
        Ok((tree, found))
    }

    /// Empties the product of the files that only tests include.
    fn tell_test_files(&mut self) {
        let of_tests = |source: &Source| source.modules(|module| module.attrs.iter().any(is_test));
        let of_tests: Vec<String> = self.sources.iter().flat_map(of_tests).collect();
        for source in &mut self.sources {
            if of_tests.iter().any(|module| source.is_below(module)) {
                source.is_all_test();
            }
        }
    }

    /// Finds a file by its path.
    pub fn file(&self, path: &str) -> Option<&Text> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl Source {
    /// Parses a file and parts its tests from the rest.
    pub fn parse(path: &str, text: &str) -> syn::Result<Source> {
        let whole = syn::parse_file(text)?;
        let mut source = Source {
            path: path.to_owned(),
            room: room(path).to_owned(),
            text: text.to_owned(),
            product: whole.clone(),
            whole,
            tests: Vec::new(),
        };
        part(&mut source.product.items, &mut source.tests);
        let folder_of_tests = path.split('/').any(|part| part == "tests" || part == "benches");
        if folder_of_tests || source.whole.attrs.iter().any(is_test) {
            source.is_all_test();
        }
        Ok(source)
    }

    fn is_all_test(&mut self) {
        self.product.items.clear();
        self.product.attrs.clear();
        self.tests = vec![1..=usize::MAX];
    }

    /// The lines that are no tests, with their numbers.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        numbered.filter(|(at, _)| !self.tests.iter().any(|test| test.contains(at)))
    }

    /// The modules that the file declares and keeps in files of their own, as paths without `.rs`, where one is wanted.
    pub fn modules(&self, wanted: fn(&ItemMod) -> bool) -> Vec<String> {
        let (folder, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let folder = match name {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            other => format!("{folder}/{}", other.trim_end_matches(".rs")),
        };
        let declared = self.whole.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() && wanted(module) => Some(&module.ident),
            _ => None,
        });
        declared.map(|name| format!("{folder}/{name}")).collect()
    }

    /// Whether the file is that of a module, or of one inside it.
    pub fn is_below(&self, module: &str) -> bool {
        let stem = self.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        stem == module || self.path.starts_with(&format!("{module}/"))
    }
}

/// The folder of the crate that a path is in.
pub fn room(path: &str) -> &str {
    let mut parts = path.split('/');
    match parts.next() {
        Some("crates") => parts.next().unwrap_or(""),
        Some(first) => first,
        None => "",
    }
}

/// Takes the tests out of a list of items, down to the methods of an `impl`, and notes their lines.
fn part(items: &mut Vec<Item>, tests: &mut Vec<RangeInclusive<usize>>) {
    items.retain(|item| {
        let keep = !attributes(item).iter().any(is_test);
        if !keep {
            tests.push(item.span().start().line..=item.span().end().line);
        }
        keep
    });
    for item in items {
        match item {
            Item::Mod(module) => {
                if let Some((_, inner)) = &mut module.content {
                    part(inner, tests);
                }
            }
            Item::Impl(block) => block.items.retain(|method| match method {
                ImplItem::Fn(method) if method.attrs.iter().any(is_test) => {
                    tests.push(method.span().start().line..=method.span().end().line);
                    false
                }
                _ => true,
            }),
            _ => {}
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute makes a thing part of the tests: `#[test]` of any runtime, or a `cfg` that asks for `test`.
pub fn is_test(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::Path(path) => path.segments.last().is_some_and(|last| last.ident == "test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            let text = list.tokens.to_string();
            let asked = text.split(|at: char| !at.is_alphanumeric() && at != '_').any(|word| word == "test");
            asked && !text.starts_with("not")
        }
        Meta::List(list) => list.path.segments.last().is_some_and(|last| last.ident == "test"),
        Meta::NameValue(_) => false,
    }
}

/// Makes a tree of a few files for the tests of a rule.
#[cfg(test)]
pub fn tree(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    for (path, text) in files {
        tree.paths.insert((*path).to_owned());
        tree.files.push(Text { path: (*path).to_owned(), text: (*text).to_owned() });
        if path.ends_with(".rs") {
            tree.sources.push(Source::parse(path, text).expect("a test's source is Rust"));
        }
    }
    tree.tell_test_files();
    tree
}

/// Says that a rule finds exactly these sentences, with their lines, in a tree of a few files.
#[cfg(test)]
pub fn check(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = rule(&tree(files)).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_no_product() {
        let text =
            "//! A.\nfn kept() {}\nimpl A {\n    #[cfg(test)]\n    fn gone() {}\n}\n#[cfg(test)]\nmod tests {\n}\n";
        let source = Source::parse("crates/gate/src/a.rs", text).unwrap();
        let lines: Vec<usize> = source.product_lines().map(|(at, _)| at).collect();
        assert_eq!(lines, [1, 2, 3, 6]);
        assert_eq!(source.product.items.len(), 2);
    }

    #[test]
    fn a_file_that_only_tests_include_is_a_test() {
        let tree = tree(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod laws;\nfn kept() {}"),
            ("crates/a/src/laws.rs", "fn a() {}"),
            ("crates/a/src/laws/more.rs", "fn b() {}"),
            ("crates/a/tests/it/main.rs", "fn c() {}"),
        ]);
        let product: Vec<usize> = tree.sources.iter().map(|source| source.product.items.len()).collect();
        assert_eq!(product, [1, 0, 0, 0]);
    }

    #[test]
    fn what_is_built_without_tests_is_product() {
        let source = Source::parse("crates/a/src/lib.rs", "#[cfg(not(test))]\nfn kept() {}").unwrap();
        assert_eq!(source.product.items.len(), 1);
    }
}
