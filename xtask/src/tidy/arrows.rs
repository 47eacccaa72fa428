//! Arrows between crates: each manifest against the table.
//!
//! Not here: the table, and what a crate does with what it depends on.

use super::Finding;
use super::source::{Text, Tree, room};
use super::tables::{ARROWS, PURE, PURE_DEV, PURE_WITH_SERDE};
use toml::Table;

/// What a manifest's section is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Product,
    Tests,
}

/// Checks each manifest's dependencies.
pub fn arrows_match_the_table(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml"));
    manifests.flat_map(manifest).collect()
}

fn manifest(file: &Text) -> Vec<Finding> {
    let room = room(&file.path);
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![Finding::new(&file.path, 1, format!("crate `{room}` is not in the table of arrows"))];
    };
    let table = match file.text.parse::<Table>() {
        Ok(table) => table,
        Err(why) => return vec![Finding::new(&file.path, 1, format!("is no manifest: {}", why.message()))],
    };
    let mut found = Vec::new();
    for (section, name) in dependencies(&table) {
        let line = file.text.lines().position(|line| is_about(line, &name)).map_or(1, |at| at + 1);
        let ours = ARROWS.iter().any(|(known, _)| *known == name);
        let mut say = |says: String| found.push(Finding::new(&file.path, line, says));
        match section {
            Section::Product if ours && !allowed.contains(&name.as_str()) => {
                say(format!("`{room}` may not depend on `{name}`; a new arrow is a commit of its own"));
            }
            Section::Product if PURE.contains(&room) && is_runtime(room, &name) => {
                say(format!("`{room}` is pure and may not depend on `{name}`"));
            }
            Section::Tests if PURE.contains(&room) && !PURE_DEV.contains(&name.as_str()) => {
                say(format!("`{room}` is pure and may not test with `{name}`"));
            }
            Section::Product | Section::Tests => {}
        }
    }
    found
}

fn is_runtime(room: &str, name: &str) -> bool {
    name.starts_with("tokio") || (name.starts_with("serde") && !PURE_WITH_SERDE.contains(&room))
}

/// Whether a line of a manifest declares a dependency: `name.workspace = true`, `name = ..`, `[dependencies.name]`.
fn is_about(line: &str, name: &str) -> bool {
    let rest = line.trim().strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with(['.', ' ', '='])) || line.trim().ends_with(&format!(".{name}]"))
}

/// Every dependency of a manifest, those for one platform included, with renames seen through.
fn dependencies(manifest: &Table) -> Vec<(Section, String)> {
    let mut all = Vec::new();
    let platforms = manifest.get("target").and_then(|targets| targets.as_table());
    let platforms = platforms.into_iter().flat_map(|targets| targets.values().filter_map(|target| target.as_table()));
    for table in std::iter::once(manifest).chain(platforms) {
        for (key, section) in [
            ("dependencies", Section::Product),
            ("build-dependencies", Section::Product),
            ("dev-dependencies", Section::Tests),
        ] {
            let listed = table.get(key).and_then(|listed| listed.as_table());
            for (name, value) in listed.into_iter().flatten() {
                let package = value.get("package").and_then(|package| package.as_str());
                all.push((section, package.unwrap_or(name).to_owned()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    #[test]
    fn an_arrow_of_the_table_may_be_drawn() {
        let text = "[dependencies]\nmoney.workspace = true\nglobset = \"1\"\n[dev-dependencies]\nproptest = \"1\"\n";
        check(arrows_match_the_table, &[("crates/policy/Cargo.toml", text)], &[]);
    }

    #[test]
    fn a_new_arrow_is_found() {
        let text = "[dependencies]\nmoney.workspace = true\njournal.workspace = true\n";
        check(
            arrows_match_the_table,
            &[("crates/policy/Cargo.toml", text)],
            &["crates/policy/Cargo.toml:3: `policy` may not depend on `journal`; a new arrow is a commit of its own"],
        );
    }

    #[test]
    fn an_arrow_for_one_platform_or_under_another_name_is_an_arrow() {
        let text = "[target.'cfg(unix)'.dependencies]\nother = { package = \"gate\", path = \"../gate\" }\n";
        check(
            arrows_match_the_table,
            &[("crates/turn/Cargo.toml", text)],
            &["crates/turn/Cargo.toml:1: `turn` may not depend on `gate`; a new arrow is a commit of its own"],
        );
    }

    #[test]
    fn a_pure_crate_has_no_runtime_even_in_its_tests() {
        let text = "[dependencies]\nserde = \"1\"\n\n[dev-dependencies]\ntokio = \"1\"\n";
        check(
            arrows_match_the_table,
            &[("crates/ledger/Cargo.toml", text)],
            &[
                "crates/ledger/Cargo.toml:2: `ledger` is pure and may not depend on `serde`",
                "crates/ledger/Cargo.toml:5: `ledger` is pure and may not test with `tokio`",
            ],
        );
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        check(
            arrows_match_the_table,
            &[("crates/attic/Cargo.toml", "[dependencies]\n")],
            &["crates/attic/Cargo.toml:1: crate `attic` is not in the table of arrows"],
        );
    }
}
