//! Where a path leads: every name a file is known by, found out without opening it.
//!
//! Not here: opening it (that is `files`), or whether that may be done (that is `policy`).

#![allow(clippy::disallowed_methods, reason = "the host looks at the world so that others need not")]

use policy::{Name, Place};
use rustix::io::Errno;
use std::path::Path;
use std::sync::Arc;

/// The longest path, in bytes; the kernel takes no longer one.
const LONGEST: usize = 4096;
/// How many links one path may go through, as in the kernel.
const MOST_LINKS: usize = 40;

/// The folder that the person put in front of the agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workspace(Arc<Roots>);

#[derive(Clone, Debug)]
struct Roots {
    /// Absolute, with every link followed.
    root: String,
    /// Folders outside that count as inside for reading.
    readable: Vec<String>,
    /// What `~` stands for.
    home: Option<String>,
}

/// Why a path leads nowhere. Nothing was opened.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// There is no path.
    #[error("the path is empty; `.` is the workspace")]
    Empty,
    /// A path cannot hold a zero byte.
    #[error("the path holds a NUL byte")]
    Nul,
    /// The path, or one of its parts, or where a link leads, is too long for the kernel.
    #[error("the path is too long; a path has at most {LONGEST} bytes and each of its parts at most 255")]
    TooLong,
    /// The links lead in a circle, or nearly so.
    #[error("`{0}` goes through more than {MOST_LINKS} links")]
    Loop(String),
    /// A link leads to a name that is not UTF-8.
    #[error("`{0}` leads to a name that is not UTF-8")]
    NotText(String),
    /// `~` was written, and nobody knows where home is.
    #[error("`{0}` starts at the home folder, and HOME is not set")]
    NoHome(String),
    /// A folder was wanted.
    #[error("`{0}` is not a folder")]
    NotAFolder(String),
    /// The system would not say.
    #[error("`{path}` cannot be looked at: {why}")]
    Unreadable {
        /// The path.
        path: String,
        /// What the system said.
        why: std::io::Error,
    },
}

impl Workspace {
    /// Takes an existing folder as the workspace.
    pub fn open(root: &Path) -> Result<Workspace, PathError> {
        let home = std::env::var("HOME").ok().filter(|home| home.starts_with('/'));
        Ok(Workspace(Arc::new(Roots { root: folder(root)?, readable: Vec::new(), home })))
    }

    /// Lets another existing folder count as part of the workspace for reading, such as the session's kept outputs.
    pub fn with_readable(self, extra: &Path) -> Result<Workspace, PathError> {
        let mut roots = (*self.0).clone();
        roots.readable.push(folder(extra)?);
        Ok(Workspace(Arc::new(roots)))
    }

    /// The workspace's folder: absolute, with every link followed.
    pub fn root(&self) -> &Path {
        Path::new(&self.0.root)
    }

    /// Finds where a path leads. What does not exist leads to where it would be made.
    ///
    /// A relative path starts at the workspace's root; `~` alone or before a `/` is the home folder. `..` after a link goes
    /// up from where the link leads, as the kernel has it, in the real name; in the spelled name it takes out what was
    /// written before it.
    pub fn place(&self, spelled: &str) -> Result<Place, PathError> {
        if spelled.is_empty() {
            return Err(PathError::Empty);
        }
        if spelled.contains('\0') {
            return Err(PathError::Nul);
        }
        let absolute = self.absolute(spelled)?;
        if absolute.len() > LONGEST {
            return Err(PathError::TooLong);
        }
        Ok(Place { real: self.name(follow(&absolute)?), spelled: self.name(cleaned(&absolute)) })
    }

    /// Whether a file really is in the workspace, or in a folder that counts as part of it for reading.
    pub fn holds(&self, place: &Place) -> bool {
        place.real.inside.is_some()
            || self.0.readable.iter().any(|folder| below(folder, &place.real.absolute).is_some())
    }

    fn absolute(&self, spelled: &str) -> Result<String, PathError> {
        let from_home = spelled.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (from_home, &self.0.home) {
            (Some(rest), Some(home)) => Ok(format!("{home}{rest}")),
            (Some(_), None) => Err(PathError::NoHome(spelled.to_owned())),
            (None, _) if spelled.starts_with('/') => Ok(spelled.to_owned()),
            (None, _) => Ok(format!("{}/{spelled}", self.0.root)),
        }
    }

    fn name(&self, absolute: String) -> Name {
        Name { inside: below(&self.0.root, &absolute).map(str::to_owned), absolute }
    }
}

/// The real path of an existing folder.
fn folder(path: &Path) -> Result<String, PathError> {
    let shown = || path.display().to_string();
    let real = std::fs::canonicalize(path).map_err(|why| PathError::Unreadable { path: shown(), why })?;
    if !real.is_dir() {
        return Err(PathError::NotAFolder(shown()));
    }
    real.into_os_string().into_string().map_err(|_| PathError::NotText(shown()))
}

/// The part of a clean absolute path that is below a folder; empty for the folder itself.
fn below<'a>(folder: &str, absolute: &'a str) -> Option<&'a str> {
    let rest = absolute.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// The path with `.` and `..` taken out, by its letters alone.
fn cleaned(absolute: &str) -> String {
    let mut clean = String::with_capacity(absolute.len());
    for part in absolute.split('/') {
        enter(&mut clean, part);
    }
    or_root(clean)
}

/// Goes one part further.
fn enter(path: &mut String, part: &str) {
    match part {
        "" | "." => {}
        ".." => path.truncate(path.rfind('/').unwrap_or(0)),
        name => {
            path.push('/');
            path.push_str(name);
        }
    }
}

fn or_root(path: String) -> String {
    if path.is_empty() { "/".to_owned() } else { path }
}

/// Follows every link, part by part. Parts that do not exist, or may not be looked at, are taken as they are spelled:
/// whoever opens the result follows no link at all, so a guess that was wrong ends in an error.
fn follow(absolute: &str) -> Result<String, PathError> {
    let mut ahead: Vec<String> = absolute.split('/').rev().map(str::to_owned).collect();
    let (mut real, mut links) = (String::new(), 0);
    while let Some(part) = ahead.pop() {
        let folder = real.len();
        enter(&mut real, &part);
        if real.len() > LONGEST {
            return Err(PathError::TooLong);
        }
        if real.len() <= folder {
            continue;
        }
        let target = match rustix::fs::readlink(real.as_str(), Vec::new()) {
            Ok(target) => target.into_string().map_err(|_| PathError::NotText(real.clone()))?,
            // Not a link; or not there, below a file, or behind a closed door.
            Err(Errno::INVAL | Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => continue,
            Err(Errno::NAMETOOLONG) => return Err(PathError::TooLong),
            Err(why) => return Err(PathError::Unreadable { path: real, why: why.into() }),
        };
        links += 1;
        if links > MOST_LINKS {
            return Err(PathError::Loop(absolute.to_owned()));
        }
        real.truncate(if target.starts_with('/') { 0 } else { folder });
        ahead.extend(target.split('/').rev().map(str::to_owned));
    }
    Ok(or_root(real))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("ws")).unwrap();
        let workspace = Workspace::open(&dir.path().join("ws")).unwrap();
        (dir, workspace)
    }

    fn inside(workspace: &Workspace, spelled: &str) -> (Option<String>, Option<String>) {
        let place = workspace.place(spelled).unwrap();
        (place.real.inside, place.spelled.inside)
    }

    fn both(path: &str) -> (Option<String>, Option<String>) {
        (Some(path.to_owned()), Some(path.to_owned()))
    }

    #[test]
    fn a_path_is_cleaned_whether_or_not_it_exists() {
        let (_dir, ws) = workspace();
        for (spelled, path) in [
            (".", ""),
            ("a/./b//c/", "a/b/c"),
            ("a/../b", "b"),
            ("../ws/x", "x"),
            ("./", ""),
            ("no/such/../file", "no/file"),
        ] {
            assert_eq!(inside(&ws, spelled), both(path), "{spelled}");
        }
        assert_eq!(inside(&ws, &format!("{}/x", ws.root().display())), both("x"));
    }

    #[test]
    fn what_is_outside_is_outside_however_it_is_spelled() {
        let (_dir, ws) = workspace();
        for spelled in ["..", "../x", "a/../../x", "/", "/etc/hostname", "/../..", "../ws2/x", "~/x", "~"] {
            assert_eq!(inside(&ws, spelled), (None, None), "{spelled}");
        }
        assert_eq!(ws.place("/../..").unwrap().real.absolute, "/");
        assert_eq!(inside(&ws, "~user"), both("~user"));
    }

    #[test]
    fn a_link_leads_where_it_leads_also_when_that_is_missing() {
        let (_dir, ws) = workspace();
        let at = |name: &str| ws.root().join(name);
        symlink("/etc", at("out")).unwrap();
        symlink("/no/such/file", at("dangling")).unwrap();
        symlink("real/deep", at("in")).unwrap();
        std::fs::create_dir_all(at("real/deep")).unwrap();
        symlink("out", at("twice")).unwrap();
        assert_eq!(ws.place("out/hostname").unwrap().real.absolute, "/etc/hostname");
        assert_eq!(ws.place("twice/new").unwrap().real.absolute, "/etc/new");
        assert_eq!(ws.place("dangling").unwrap().real.absolute, "/no/such/file");
        assert_eq!(ws.place("missing/../out/x").unwrap().real.absolute, "/etc/x");
        assert_eq!(inside(&ws, "in/x"), (Some("real/deep/x".to_owned()), Some("in/x".to_owned())));
        assert_eq!(inside(&ws, "in/../x"), (Some("real/x".to_owned()), Some("x".to_owned())));
        assert_eq!(inside(&ws, "out/../etc/x"), (None, Some("etc/x".to_owned())));
    }

    #[test]
    fn a_folder_for_reading_is_held_but_not_inside() {
        let (dir, ws) = workspace();
        let outputs = dir.path().join("outputs");
        std::fs::create_dir(&outputs).unwrap();
        let ws = ws.with_readable(&outputs).unwrap();
        let kept = ws.place(outputs.join("1.txt").to_str().unwrap()).unwrap();
        assert!(ws.holds(&kept));
        assert_eq!(kept.real.inside, None);
        assert!(!ws.holds(&ws.place("../outputs2/1.txt").unwrap()));
        assert!(ws.holds(&ws.place("x").unwrap()));
    }

    #[test]
    fn a_path_that_leads_nowhere_says_why() {
        use std::os::unix::ffi::OsStrExt;
        let (_dir, ws) = workspace();
        let at = |name: &str| ws.root().join(name);
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        symlink(std::ffi::OsStr::from_bytes(b"\xff"), at("latin")).unwrap();
        assert!(matches!(ws.place(""), Err(PathError::Empty)));
        assert!(matches!(ws.place("a\0b"), Err(PathError::Nul)));
        assert!(matches!(ws.place("a/x"), Err(PathError::Loop(_))));
        assert!(matches!(ws.place("latin"), Err(PathError::NotText(_))));
        assert!(matches!(ws.place(&"x/".repeat(3000)), Err(PathError::TooLong)));
        assert!(matches!(ws.place(&"x".repeat(300)), Err(PathError::TooLong)));
        assert!(matches!(Workspace::open(&at("nowhere")), Err(PathError::Unreadable { .. })));
    }

    #[test]
    fn a_workspace_at_the_root_holds_everything() {
        let ws = Workspace::open(Path::new("/")).unwrap();
        assert_eq!(inside(&ws, "/proc/version"), both("proc/version"));
        assert_eq!(inside(&ws, "/"), both(""));
        assert_eq!(inside(&ws, "etc"), both("etc"));
    }

    #[test]
    fn a_link_of_the_kernel_into_a_running_program_is_taken_by_its_text() {
        let (_dir, ws) = workspace();
        let (reader, _writer) = std::io::pipe().unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&reader);
        let place = ws.place(&format!("/proc/self/fd/{fd}")).unwrap();
        assert!(place.real.absolute.contains("/fd/pipe:["), "{}", place.real.absolute);
    }
}
