//! Writing the configuration file: whole or not at all, and for its owner's eyes alone.
//!
//! Not here: what is in it.

use crate::failure::Failure;
use anyhow::{Context, anyhow};
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What to do where there is a file already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    /// Put the new one in its place.
    Replace,
    /// Leave it, and say so.
    Refuse,
}

/// Writes the file with mode 0600: to a temporary file beside it, synced, then renamed.
///
/// Where the file is a link, what it leads to is replaced, not the link: people keep such files in a repository.
pub fn keep(file: &Path, text: &str, if_there: IfThere) -> Result<(), Failure> {
    let written = write(&led_to(file), text, if_there);
    match written {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            let cause = anyhow!("`{}` is there already", file.display());
            Err(Failure::user(cause).hint("`remit config` shows what is in force; `--force` overwrites the file"))
        }
        Err(why) => {
            let why = Err::<(), _>(why).with_context(|| format!("`{}` cannot be written", file.display()));
            why.map_err(Failure::host)
        }
    }
}

/// The file itself, where it is a link to one.
fn led_to(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn write(file: &Path, text: &str, if_there: IfThere) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A temporary file is made with mode 0600.
    let mut temporary = tempfile::Builder::new().prefix(".remit-config-").tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    match if_there {
        IfThere::Replace => temporary.persist(file).map(drop).map_err(|failed| failed.error)?,
        IfThere::Refuse => temporary.persist_noclobber(file).map(drop).map_err(|failed| failed.error)?,
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_made_with_its_folders_for_its_owner_alone() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("a/b/config.toml");
        keep(&file, "x = 1\n", IfThere::Refuse).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "x = 1\n");
        assert_eq!((mode(&file), mode(&top.path().join("a"))), (0o600, 0o700));
        assert_eq!(fs::read_dir(top.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_there_is_left_unless_it_is_to_be_replaced() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("config.toml");
        fs::write(&file, "old").unwrap();
        let why = keep(&file, "new", IfThere::Refuse).unwrap_err();
        assert!(why.to_string().contains("is there already"), "{why}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        keep(&file, "new", IfThere::Replace).unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let top = tempfile::tempdir().unwrap();
        let (real, link) = (top.path().join("dotfiles.toml"), top.path().join("config.toml"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink("dotfiles.toml", &link).unwrap();
        keep(&link, "new", IfThere::Replace).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(real).unwrap(), "new");
    }
}
