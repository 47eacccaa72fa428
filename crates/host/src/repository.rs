//! Where a git repository keeps its own files, and whether all of them are in the workspace.
//!
//! Not here: running git (that is `children`), or what may be asked of it (that is `tools`).
//!
//! A `.git` can send git elsewhere: by being a link or a file that names another folder, by holding links, by a
//! `commondir`, by `objects/info/alternates`. A folder made to deceive could so show the history of another repository of
//! the person's as if it were its own. What leads out of the workspace is found here, without running git.

use crate::files::{self, FileError};
use crate::place::Workspace;
use crate::tree;
use policy::Place;

/// The most bytes of one of the small files in which git names a folder.
const LARGEST_NOTE: u64 = 64 << 10;

/// A repository, found from a folder in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The folder of the working tree, as it was spelled: absolute and clean.
    pub tree: String,
    /// The repository's own folder, with every link followed.
    pub own: String,
    /// Something of the repository's own that is outside the workspace; its history is then not the workspace's.
    pub stray: Option<Place>,
}

impl Repository {
    /// Finds the repository of a path in the workspace: that of the innermost folder that has a `.git`, the path itself
    /// among them. Repositories above the workspace are not looked for.
    pub fn of(workspace: &Workspace, place: &Place) -> Option<Repository> {
        place.spelled.inside.as_ref()?;
        let root = workspace.root().to_str()?;
        let mut tree = place.spelled.absolute.as_str();
        loop {
            if let Ok(own) = workspace.place(&format!("{tree}/.git"))
                && let Some(found) = Repository::at(workspace, tree, own)
            {
                return Some(found);
            }
            if tree == root {
                return None;
            }
            tree = tree.rsplit_once('/').map(|(above, _)| above).filter(|above| above.len() >= root.len())?;
        }
    }

    fn at(workspace: &Workspace, tree: &str, own: Place) -> Option<Repository> {
        let tree = tree.to_owned();
        match files::preview(&own, LARGEST_NOTE) {
            Err(FileError::Folder(path)) => {
                let stray = stray_of(workspace, &own);
                Some(Repository { tree, own: path, stray })
            }
            Ok(note) => {
                let note = String::from_utf8(note).ok()?;
                let leads_to = named(workspace, &tree, note.strip_prefix("gitdir:")?)?;
                let stray = if is_linked(workspace, &own, &leads_to) { None } else { stray_of(workspace, &leads_to) };
                Some(Repository { tree, own: leads_to.real.absolute, stray })
            }
            Err(_) => None,
        }
    }
}

/// Where a note of git's leads, from the folder that it is relative to.
fn named(workspace: &Workspace, folder: &str, note: &str) -> Option<Place> {
    let note = note.trim_matches([' ', '\n', '\r']);
    let path = if note.starts_with('/') { note.to_owned() } else { format!("{folder}/{note}") };
    workspace.place(&path).ok()
}

fn note_at(workspace: &Workspace, path: &str) -> Option<String> {
    let note = files::preview(&workspace.place(path).ok()?, LARGEST_NOTE).ok()?;
    String::from_utf8(note).ok()
}

/// Whether the folder that a `.git` file names is a linked working tree's, and says so itself: what is outside the
/// workspace then belongs to the same repository, for nobody but git, run by the person, can have written it there.
fn is_linked(workspace: &Workspace, file: &Place, own: &Place) -> bool {
    let folder = &own.real.absolute;
    let points_back = note_at(workspace, &format!("{folder}/gitdir"))
        .and_then(|note| named(workspace, folder, &note))
        .is_some_and(|back| back.real.absolute == file.real.absolute);
    let common = note_at(workspace, &format!("{folder}/commondir")).and_then(|note| named(workspace, folder, &note));
    let above = folder.rsplitn(3, '/').nth(2);
    own.real.inside.is_none()
        && points_back
        && common.is_some_and(|common| Some(common.real.absolute.as_str()) == above)
}

/// The first thing of a repository's own that is outside the workspace, or that cannot be looked at.
fn stray_of(workspace: &Workspace, own: &Place) -> Option<Place> {
    let is_outside = |place: &Place| place.real.inside.is_none();
    if is_outside(own) {
        return Some(own.clone());
    }
    let folder = &own.real.absolute;
    let common = match note_at(workspace, &format!("{folder}/commondir")) {
        Some(note) => match named(workspace, folder, &note) {
            Some(common) => common,
            None => return Some(own.clone()),
        },
        None => own.clone(),
    };
    if is_outside(&common) {
        return Some(common);
    }
    let objects = format!("{}/objects", common.real.absolute);
    let looked_in =
        [folder.clone(), common.real.absolute, objects.clone(), format!("{objects}/pack"), format!("{objects}/info")];
    for folder in looked_in {
        match tree::links_in(&folder) {
            Ok(links) => {
                let mut places = links.iter().map(|link| workspace.place(link));
                match places.find(|place| place.as_ref().map_or(true, is_outside)) {
                    Some(Ok(stray)) => return Some(stray),
                    Some(Err(_)) => return Some(own.clone()),
                    None => {}
                }
            }
            Err(FileError::Missing(_)) => {}
            // A link where a folder should be is among the links of the folder above it.
            Err(FileError::Changed(_)) => {}
            Err(_) => return Some(own.clone()),
        }
    }
    let borrowed = note_at(workspace, &format!("{objects}/info/alternates")).unwrap_or_default();
    let mut lenders = borrowed.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lenders.find_map(|line| match named(workspace, &objects, line) {
        Some(lender) if !is_outside(&lender) && !lends_on(workspace, &lender) => None,
        Some(lender) => Some(lender),
        None => Some(own.clone()),
    })
}

/// Whether a folder of objects borrows from yet another.
fn lends_on(workspace: &Workspace, objects: &Place) -> bool {
    note_at(workspace, &format!("{}/info/alternates", objects.real.absolute)).is_some()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes the folders it looks at")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn make(git: &Path) {
        for folder in ["objects/pack", "objects/info", "refs/heads"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    fn stage() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().unwrap();
        make(&dir.path().join("secret/.git"));
        fs::create_dir(dir.path().join("ws")).unwrap();
        let workspace = Workspace::open(&dir.path().join("ws")).unwrap();
        (dir, workspace)
    }

    fn stray(workspace: &Workspace) -> Option<String> {
        let found = Repository::of(workspace, &workspace.place(".").unwrap()).expect("there is a repository");
        found.stray.map(|place| place.real.absolute)
    }

    #[test]
    fn a_repository_is_that_of_the_innermost_folder_and_never_above_the_workspace() {
        let (dir, ws) = stage();
        make(&dir.path().join(".git"));
        let of = |path: &str| Repository::of(&ws, &ws.place(path).unwrap()).map(|found| found.tree);
        assert_eq!(of("a/b.rs"), None);
        make(&ws.root().join(".git"));
        make(&ws.root().join("sub/.git"));
        let root = ws.root().to_str().unwrap();
        assert_eq!(of("a/b.rs").as_deref(), Some(root));
        assert_eq!(of("sub/gone/b.rs"), Some(format!("{root}/sub")));
        assert_eq!(of("../secret/x"), None);
        assert_eq!(stray(&ws), None);
    }

    #[test]
    fn what_leads_out_of_the_workspace_is_found() {
        let secret = |dir: &tempfile::TempDir| dir.path().join("secret/.git");
        type Trick = fn(&Path, &Path);
        let tricks: [(&str, Trick); 7] = [
            ("a link for .git", |git, secret| {
                fs::remove_dir_all(git).unwrap();
                symlink(secret, git).unwrap();
            }),
            ("a file for .git", |git, secret| {
                fs::remove_dir_all(git).unwrap();
                fs::write(git, format!("gitdir: {}\n", secret.display())).unwrap();
            }),
            ("commondir", |git, secret| fs::write(git.join("commondir"), secret.to_str().unwrap()).unwrap()),
            ("a link for objects", |git, secret| {
                fs::remove_dir_all(git.join("objects")).unwrap();
                symlink(secret.join("objects"), git.join("objects")).unwrap();
            }),
            ("a link for refs", |git, secret| {
                fs::remove_dir_all(git.join("refs")).unwrap();
                symlink(secret.join("refs"), git.join("refs")).unwrap();
            }),
            ("a link for a folder of objects", |git, secret| {
                symlink(secret.join("objects/ab"), git.join("objects/ab")).unwrap();
            }),
            ("alternates", |git, _| {
                fs::write(git.join("objects/info/alternates"), "../../../secret/.git/objects\n").unwrap();
            }),
        ];
        for (name, trick) in tricks {
            let (dir, ws) = stage();
            let git = ws.root().join(".git");
            make(&git);
            assert_eq!(stray(&ws), None);
            trick(&git, &secret(&dir));
            let found = stray(&ws).unwrap_or_else(|| panic!("{name} was not found"));
            assert!(found.contains("/secret/"), "{name}: {found}");
        }
    }

    #[test]
    fn a_linked_working_tree_is_its_repository_s_own_when_both_say_so() {
        let (dir, ws) = stage();
        let theirs = dir.path().join("secret/.git/worktrees/ws");
        fs::create_dir_all(&theirs).unwrap();
        fs::write(theirs.join("commondir"), "../..\n").unwrap();
        fs::write(ws.root().join(".git"), format!("gitdir: {}\n", theirs.display())).unwrap();
        assert!(stray(&ws).is_some(), "only one side says so");
        fs::write(theirs.join("gitdir"), format!("{}/.git\n", ws.root().display())).unwrap();
        assert_eq!(stray(&ws), None);
    }

    #[test]
    fn a_git_that_is_neither_a_folder_nor_a_note_is_no_repository() {
        let (_dir, ws) = stage();
        fs::write(ws.root().join(".git"), "hello").unwrap();
        assert_eq!(Repository::of(&ws, &ws.place(".").unwrap()), None);
    }
}
