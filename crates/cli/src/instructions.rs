//! The system prompt: short, the same in every mode, with what the repository's AGENTS.md files say.
//!
//! Not here: any authority. A repository brings instructions, never a mode, a cap, a prohibition or a server.

use std::io::Read;
use std::path::{Path, PathBuf};

/// What the model is told before anything else. It says nothing of the mode, so that a switch of the mode does not
/// break the service's prompt cache, and nothing of what is left to spend.
const BASE: &str = "You are Remit, an agent for code and machine-learning work, in the person's folder. Use the tools to \
look, change, run and check; do what was asked, no more, and verify it before you say it is done. A call may be refused: \
the answer says why. Do not work around a refusal; go on with what you can do, and say at the end what was refused. Prefer \
`read`, `list`, `search` and `history` for looking and `edit` for changing; `shell` with `confined: true` runs a program \
that can only read. Several calls in one message run in order. Be brief, and say what you did and what you saw.";

/// The largest AGENTS.md that is read, in bytes; the rest is left out, and that is said.
const MOST: usize = 32 * 1024;

/// The system prompt for work in a folder.
pub fn compose(workspace: &Path) -> String {
    let mut text = format!("{BASE}\n\nThe folder: {}", workspace.display());
    for file in agents_files(workspace) {
        let Ok((words, cut)) = beginning(&file) else { continue };
        text.push_str(&format!("\n\n# From {}\n{}{cut}", file.display(), words.trim_end()));
    }
    text
}

/// A file's beginning, and what to say when that is not all of it.
fn beginning(file: &Path) -> std::io::Result<(String, &'static str)> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MOST as u64 + 1).read_to_end(&mut bytes)?;
    let cut = if bytes.len() > MOST { "\n(the rest is left out)" } else { "" };
    bytes.truncate(MOST);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), cut))
}

/// The AGENTS.md files from the repository's root down to the folder; outside a repository, the folder's own.
fn agents_files(workspace: &Path) -> Vec<PathBuf> {
    let root = workspace.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(workspace);
    let mut folders: Vec<&Path> = workspace.ancestors().take_while(|folder| folder.starts_with(root)).collect();
    folders.reverse();
    let files = folders.into_iter().map(|folder| folder.join("AGENTS.md"));
    files.filter(|file| file.symlink_metadata().is_ok_and(|found| found.is_file())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read_from_the_repositorys_root_down_and_no_further_up() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("repo/a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(top.path().join("repo/.git")).unwrap();
        std::fs::write(top.path().join("AGENTS.md"), "above the repository").unwrap();
        std::fs::write(top.path().join("repo/AGENTS.md"), "at the root").unwrap();
        std::fs::write(inner.join("AGENTS.md"), "x".repeat(MOST + 1)).unwrap();
        let text = compose(&inner);
        let root = text.find("at the root").unwrap();
        assert!(text[root..].contains(&"x".repeat(MOST)) && text.contains("the rest is left out"));
        assert!(!text.contains("above the repository"));
    }

    #[test]
    fn a_link_is_not_followed_to_instructions_elsewhere() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("secret"), "secret").unwrap();
        let repo = top.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        std::os::unix::fs::symlink("../secret", repo.join("AGENTS.md")).unwrap();
        assert!(!compose(&repo).contains("secret"));
    }
}
