//! Texts: no name of a machine or of a package registry in any of them, and no link that leads nowhere.
//!
//! Not here: Rust.

use super::Finding;
use super::source::{Text, Tree};

/// Hosts of package registries, in the parts between their dots, so that this list names none itself.
const REGISTRIES: &[&[&str]] = &[
    &["crates", "io"],
    &["npmjs", "org"],
    &["npmjs", "com"],
    &["pypi", "org"],
    &["pythonhosted", "org"],
    &["deb", "debian", "org"],
];

/// Folders at the root of a machine where a checkout or an account's own files may lie.
const FOLDERS: &[&str] = &["work", "root"];

/// Checks that no text names a package registry's host, or a path that exists on somebody's machine alone.
///
/// `Cargo.lock` is cargo's own and names where it read its index.
pub fn texts_name_no_machine(tree: &Tree) -> Vec<Finding> {
    let ours = tree.files.iter().filter(|file| file.path != "Cargo.lock");
    ours.flat_map(machine_names).collect()
}

fn machine_names(file: &Text) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for host in REGISTRIES.iter().map(|parts| parts.join(".")) {
            if line.contains(&host) {
                found.push(Finding::new(&file.path, at + 1, format!("names the registry host `{host}`")));
            }
        }
        for folder in FOLDERS.iter().map(|name| format!("/{name}")) {
            if has_path(line, &folder) {
                found.push(Finding::new(&file.path, at + 1, format!("has a machine's own path, below `{folder}`")));
            }
        }
    }
    found
}

/// Whether a line has an absolute path below the folder. The folder's bare name is none: every machine has a superuser's
/// home; and so is a relative path that goes on with the same words.
fn has_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let below = line[at + folder.len()..].strip_prefix('/').and_then(|below| below.chars().next());
        let starts = before.is_none_or(|before| !before.is_alphanumeric() && !"_-./~}*".contains(before));
        starts && below.is_some_and(|below| below.is_alphanumeric() || "_~".contains(below))
    })
}

/// Checks that the relative links of Markdown files lead to files of the tree.
pub fn links_lead_somewhere(tree: &Tree) -> Vec<Finding> {
    let pages = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    pages.flat_map(|page| dead_links(tree, page)).collect()
}

fn dead_links(tree: &Tree, page: &Text) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in page.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line).filter(|target| !leads_somewhere(tree, &page.path, target)) {
            found.push(Finding::new(&page.path, at + 1, format!("the link to `{target}` leads nowhere")));
        }
    }
    found
}

/// The targets of the inline links of a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        rest.split([')', ' ']).next()
    })
}

fn leads_somewhere(tree: &Tree, page: &str, target: &str) -> bool {
    let file = target.split('#').next().unwrap_or("");
    if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.is_empty() => return false,
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    path.is_empty()
        || tree.paths.contains(&path)
        || tree.paths.iter().any(|known| known.starts_with(&format!("{path}/")))
}

#[cfg(test)]
mod tests {
    use super::super::source::check;
    use super::*;

    #[test]
    fn a_text_that_names_no_machine_is_fine() {
        let text = "see docs/work/a, ./work, {home}/root/a, /workspace/a, /root, /root/.* and crates, io";
        check(texts_name_no_machine, &[("README.md", text)], &[]);
        check(texts_name_no_machine, &[("Cargo.lock", &REGISTRIES[0].join("."))], &[]);
    }

    #[test]
    fn a_machine_s_own_path_or_a_registry_is_found() {
        let text = format!("from {}\n`/{}/main`\n/{}/own", REGISTRIES[1].join("."), FOLDERS[0], FOLDERS[1]);
        check(
            texts_name_no_machine,
            &[("docs/a.md", &text)],
            &[
                &format!("docs/a.md:1: names the registry host `{}`", REGISTRIES[1].join(".")),
                &format!("docs/a.md:2: has a machine's own path, below `/{}`", FOLDERS[0]),
                &format!("docs/a.md:3: has a machine's own path, below `/{}`", FOLDERS[1]),
            ],
        );
    }

    #[test]
    fn a_link_leads_to_a_file_or_folder_of_the_tree() {
        let page =
            "[a](b.md) [c](../README.md#top) [d](#here) [e](https://example.com) [f](..)\n```\n[g](none.md)\n```\n";
        check(links_lead_somewhere, &[("docs/a.md", page), ("docs/b.md", ""), ("README.md", "")], &[]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        check(
            links_lead_somewhere,
            &[("docs/a.md", "\n[a](b.md) [c](../../d.md)")],
            &["docs/a.md:2: the link to `b.md` leads nowhere", "docs/a.md:2: the link to `../../d.md` leads nowhere"],
        );
    }
}
