//! Walking folders, hostile ones among them.

#![allow(clippy::disallowed_methods, reason = "tests look at the world")]

use crate::stand::Stand;
use host::files::FileError;
use host::tree::{self, Kind, Look, Missed, Shown};
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;

const PLAIN: Look = Look { hidden: Shown::No, ignored: Shown::No, depth: usize::MAX };
const ALL: Look = Look { hidden: Shown::Yes, ignored: Shown::Yes, depth: usize::MAX };

async fn walked(stand: &mut Stand, path: &str, look: Look) -> (Vec<String>, Missed) {
    let place = stand.scene.workspace.place(path).unwrap();
    let permit = stand.permit().await;
    let mut seen = Vec::new();
    let folder = tree::open(&permit, &stand.scene.workspace, &place).unwrap();
    let missed = folder.walk(look, &mut |node| {
        seen.push(match node.kind {
            Kind::Folder => format!("{}/", node.path),
            Kind::Link => format!("{}@", node.path),
            Kind::File | Kind::Special => node.path.clone(),
        });
        ControlFlow::Continue(())
    });
    (seen, missed)
}

/// Makes files, and folders for names that end in `/`.
fn make(stand: &Stand, names: &[&str]) {
    for name in names {
        let path = stand.workspace().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }
}

#[tokio::test]
async fn names_come_in_order_without_what_is_hidden_or_ignored() {
    let mut stand = Stand::new().await;
    make(
        &stand,
        &["b/2", "b/1", "a", ".hidden/x", ".git/config", "target/x", "c/keep.log", "c/drop.log", "c/d/drop.log"],
    );
    fs::write(stand.workspace().join(".gitignore"), "/target/\n*.log\n[bad\n").unwrap();
    fs::write(stand.workspace().join("c/.gitignore"), "!keep.log\n").unwrap();
    let (seen, missed) = walked(&mut stand, ".", PLAIN).await;
    assert_eq!(seen, ["a", "b/", "b/1", "b/2", "c/", "c/d/", "c/keep.log"]);
    assert_eq!(missed, Missed::default());
    let (seen, _) = walked(&mut stand, ".", ALL).await;
    assert!(seen.contains(&"target/x".to_owned()) && seen.contains(&".hidden/x".to_owned()), "{seen:?}");
    assert!(!seen.iter().any(|path| path.starts_with(".git/")), "{seen:?}");
}

#[tokio::test]
async fn the_rules_above_a_folder_hold_in_it_and_an_ignored_folder_can_be_walked_by_name() {
    let mut stand = Stand::new().await;
    make(&stand, &["a/b/x.log", "a/b/y", "target/z", "target/w.log"]);
    fs::write(stand.workspace().join(".gitignore"), "*.log\ntarget/\n").unwrap();
    assert_eq!(walked(&mut stand, "a/b", PLAIN).await.0, ["y"]);
    assert_eq!(walked(&mut stand, "target", PLAIN).await.0, ["z"]);
}

#[tokio::test]
async fn the_nearer_rule_decides_and_ignore_outranks_gitignore() {
    let mut stand = Stand::new().await;
    make(&stand, &["a", "b", "c", "d"]);
    make(&stand, &[".git/info/"]);
    fs::write(stand.workspace().join(".git/info/exclude"), "a\nb\n").unwrap();
    fs::write(stand.workspace().join(".gitignore"), "!a\nc\n").unwrap();
    fs::write(stand.workspace().join(".ignore"), "!c\nd\n").unwrap();
    assert_eq!(walked(&mut stand, ".", PLAIN).await.0, ["a", "c"]);
}

#[tokio::test]
async fn links_are_shown_and_not_followed() {
    let mut stand = Stand::new().await;
    make(&stand, &["real/x"]);
    symlink("/etc", stand.workspace().join("out")).unwrap();
    symlink("..", stand.workspace().join("real/up")).unwrap();
    assert_eq!(walked(&mut stand, ".", ALL).await.0, ["out@", "real/", "real/up@", "real/x"]);
}

#[tokio::test]
async fn a_folder_swapped_for_a_link_is_not_walked() {
    let mut stand = Stand::new().await;
    make(&stand, &["dir/x"]);
    let place = stand.scene.workspace.place("dir").unwrap();
    fs::remove_dir_all(stand.workspace().join("dir")).unwrap();
    symlink("/etc", stand.workspace().join("dir")).unwrap();
    let permit = stand.permit().await;
    let opened = tree::open(&permit, &stand.scene.workspace, &place);
    assert!(matches!(opened, Err(FileError::Changed(_))), "{opened:?}");
}

#[tokio::test]
async fn a_folder_swapped_for_a_link_while_it_is_walked_is_missed() {
    let mut stand = Stand::new().await;
    make(&stand, &["a", "b/x", "c"]);
    let root = stand.workspace();
    let place = stand.scene.workspace.place(".").unwrap();
    let permit = stand.permit().await;
    let mut seen = Vec::new();
    let folder = tree::open(&permit, &stand.scene.workspace, &place).unwrap();
    let missed = folder.walk(ALL, &mut |node| {
        if node.path == "b" {
            fs::remove_dir_all(root.join("b")).unwrap();
            symlink("/etc", root.join("b")).unwrap();
        }
        seen.push(node.path.clone());
        ControlFlow::Continue(())
    });
    assert_eq!((seen, missed.folders), (vec!["a".to_owned(), "b".to_owned(), "c".to_owned()], 1));
}

#[tokio::test]
async fn a_walk_ends_when_told_to_and_goes_only_so_deep() {
    let mut stand = Stand::new().await;
    make(&stand, &["a/b/c/d"]);
    let shallow = Look { depth: 2, ..ALL };
    assert_eq!(walked(&mut stand, ".", shallow).await.0, ["a/", "a/b/"]);
    make(&stand, &[&"d/".repeat(300)]);
    let (seen, missed) = walked(&mut stand, "d", ALL).await;
    assert_eq!((seen.len(), missed.cut), (100, 1));
    let place = stand.scene.workspace.place(".").unwrap();
    let permit = stand.permit().await;
    let mut count = 0;
    tree::open(&permit, &stand.scene.workspace, &place).unwrap().walk(ALL, &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_shown_and_not_opened() {
    use std::os::unix::ffi::OsStrExt;
    let mut stand = Stand::new().await;
    fs::write(stand.workspace().join(std::ffi::OsStr::from_bytes(b"\xffx")), "x").unwrap();
    let place = stand.scene.workspace.place(".").unwrap();
    let permit = stand.permit().await;
    let mut seen = Vec::new();
    tree::open(&permit, &stand.scene.workspace, &place).unwrap().walk(ALL, &mut |node| {
        assert!(node.open().is_err());
        seen.push((node.path.clone(), node.size()));
        ControlFlow::Continue(())
    });
    assert_eq!(seen, [("\u{fffd}x".to_owned(), Some(1))]);
}
