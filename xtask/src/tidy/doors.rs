//! The world outside: pure crates know nothing of it, and only a few others open files, programs and sockets.
//!
//! Not here: calls that need types to be told, such as `path.exists()`; clippy's `disallowed-methods` has those, and
//! this file keeps its exceptions to the crates that are doors.

use super::Finding;
use super::source::{Source, Tree};
use super::tables::{DOORS, PURE, PURE_WITH_SERDE, WORLD};
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, Path, UseTree};

/// Paths that open a file, a program or a socket.
const OPENERS: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "process", "Command"],
    &["std", "net", "TcpListener"],
    &["std", "net", "TcpStream"],
    &["std", "net", "UdpSocket"],
    &["std", "os", "unix", "net"],
    &["tokio", "fs"],
    &["tokio", "net"],
    &["tokio", "process"],
];

/// Calls that open a program or a socket, however their type was imported.
const OPENING_CALLS: &[[&str; 2]] = &[
    ["Command", "new"],
    ["TcpListener", "bind"],
    ["TcpStream", "connect"],
    ["UdpSocket", "bind"],
    ["UnixListener", "bind"],
    ["UnixStream", "connect"],
];

/// Checks that the pure crates import no clock, file, network, process, runtime or, but for one, `serde`.
pub fn pure_crates_import_no_world(tree: &Tree) -> Vec<Finding> {
    let pure = tree.sources.iter().filter(|source| PURE.contains(&source.room.as_str()));
    pure.flat_map(|source| {
        let may_serde = PURE_WITH_SERDE.contains(&source.room.as_str());
        let outside = paths(source).into_iter().filter(move |(path, _)| match path.as_slice() {
            [root, module, ..] if is_std(root) => WORLD.contains(&module.as_str()),
            [root, ..] => root.starts_with("tokio") || (root.starts_with("serde") && !may_serde),
            [] => false,
        });
        outside.map(|(path, line)| {
            Finding::new(&source.path, line, format!("`{}` is pure and may not use `{}`", source.room, path.join("::")))
        })
    })
    .collect()
}

/// Checks that only the doors open files, programs and sockets, and that only they switch clippy's list off.
pub fn the_world_is_reached_through_its_doors(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in tree.sources.iter().filter(|source| !DOORS.contains(&source.room.as_str())) {
        for (path, line) in paths(source).into_iter().filter(|(path, _)| opens(path)) {
            let says = format!("`{}` is no door; `{}` belongs in `host`", source.room, path.join("::"));
            found.push(Finding::new(&source.path, line, says));
        }
        for line in exceptions(source) {
            let says = format!("`{}` is no door and may not switch `clippy::disallowed_methods` off", source.room);
            found.push(Finding::new(&source.path, line, says));
        }
    }
    found
}

fn is_std(root: &str) -> bool {
    root == "std" || root == "core"
}

fn opens(path: &[String]) -> bool {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let opener = OPENERS.iter().any(|opener| names.starts_with(opener) || is_glob_over(&names, opener));
    opener || OPENING_CALLS.iter().any(|call| names.ends_with(call))
}

fn is_glob_over(names: &[&str], opener: &[&str]) -> bool {
    matches!(names.split_last(), Some((&"*", module)) if opener.starts_with(module))
}

/// The lines of a file's product on which clippy's list is switched off.
fn exceptions(source: &Source) -> Vec<usize> {
    struct Walk(Vec<usize>);
    impl<'ast> Visit<'ast> for Walk {
        fn visit_attribute(&mut self, attribute: &'ast Attribute) {
            if let Meta::List(list) = &attribute.meta
                && (list.path.is_ident("allow") || list.path.is_ident("expect"))
                && list.tokens.to_string().contains("disallowed_methods")
            {
                self.0.push(attribute.pound_token.span.start().line);
            }
        }
    }
    let mut walk = Walk(Vec::new());
    walk.visit_file(&source.product);
    walk.0
}

/// Every path that a file's product imports or names in full, with its line.
fn paths(source: &Source) -> Vec<(Vec<String>, usize)> {
    let mut walk = Paths { under: Vec::new(), all: Vec::new() };
    walk.visit_file(&source.product);
    walk.all
}

struct Paths {
    /// The path of the `use` tree above the one being walked.
    under: Vec<String>,
    all: Vec<(Vec<String>, usize)>,
}

impl Paths {
    fn import(&mut self, name: &str, line: usize) {
        let mut path = self.under.clone();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.all.push((path, line));
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_use_tree(&mut self, tree: &'ast UseTree) {
        match tree {
            UseTree::Path(path) => {
                self.under.push(path.ident.to_string());
                self.visit_use_tree(&path.tree);
                self.under.pop();
            }
            UseTree::Name(name) => self.import(&name.ident.to_string(), name.ident.span().start().line),
            UseTree::Rename(name) => self.import(&name.ident.to_string(), name.ident.span().start().line),
            UseTree::Glob(glob) => self.import("*", glob.star_token.span.start().line),
            UseTree::Group(group) => group.items.iter().for_each(|inner| self.visit_use_tree(inner)),
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.segments.len() > 1 {
            let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.all.push((names, path.segments[0].ident.span().start().line));
        }
        visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    #[test]
    fn a_pure_crate_has_values_and_functions() {
        let text = "use std::{fmt, collections::BTreeMap};\nfn a() { std::mem::take(b) }";
        check(pure_crates_import_no_world, &[("crates/policy/src/a.rs", text)], &[]);
        check(pure_crates_import_no_world, &[("crates/turn/src/a.rs", "use serde::Serialize;")], &[]);
    }

    #[test]
    fn a_pure_crate_that_looks_at_the_world_is_found() {
        let text =
            "use std::{fmt, time::Duration};\nfn a() { std::env::var(b) }\nuse serde::Serialize;\nuse tokio::spawn;";
        check(
            pure_crates_import_no_world,
            &[("crates/policy/src/a.rs", text)],
            &[
                "crates/policy/src/a.rs:1: `policy` is pure and may not use `std::time::Duration`",
                "crates/policy/src/a.rs:2: `policy` is pure and may not use `std::env::var`",
                "crates/policy/src/a.rs:3: `policy` is pure and may not use `serde::Serialize`",
                "crates/policy/src/a.rs:4: `policy` is pure and may not use `tokio::spawn`",
            ],
        );
    }

    #[test]
    fn a_door_opens_files() {
        let text = "#![allow(clippy::disallowed_methods)]\nuse std::fs;\nfn a() { Command::new(b) }";
        check(the_world_is_reached_through_its_doors, &[("crates/host/src/lib.rs", text)], &[]);
    }

    #[test]
    fn a_room_that_is_no_door_opens_nothing() {
        let text = "#![allow(clippy::disallowed_methods)]\nuse std::{io, fs::File};\nuse std::net::*;\n\
                    fn a() { process::Command::new(b) }\nuse std::net::IpAddr;";
        let at = |says: &str| format!("crates/tools/src/a.rs:{says}");
        check(
            the_world_is_reached_through_its_doors,
            &[("crates/tools/src/a.rs", text)],
            &[
                &at("2: `tools` is no door; `std::fs::File` belongs in `host`"),
                &at("3: `tools` is no door; `std::net::*` belongs in `host`"),
                &at("4: `tools` is no door; `process::Command::new` belongs in `host`"),
                &at("1: `tools` is no door and may not switch `clippy::disallowed_methods` off"),
            ],
        );
    }

    #[test]
    fn a_test_opens_what_it_likes() {
        let text = "#[cfg(test)]\n#[allow(clippy::disallowed_methods)]\nmod tests { use std::fs; }";
        check(the_world_is_reached_through_its_doors, &[("crates/tools/src/a.rs", text)], &[]);
    }
}
