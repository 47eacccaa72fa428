//! The editor of the person's own, on a text of theirs.
//!
//! Not here: the terminal. Whoever calls has given it back before, and takes it again after.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The editor that is there where none is named.
const PLAIN: &str = "vi";
/// The longest text that is read back, in bytes.
const MOST_WRITTEN: u64 = 16 * 1024 * 1024;

/// Has the person write on in what `VISUAL` or `EDITOR` names: what is written then, or why nothing is. The editor gets
/// none of the withheld variables.
pub fn edit(text: &str, withheld: &[String]) -> Result<String, String> {
    let named = |name: &str| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let line = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| PLAIN.to_owned());
    edit_with(&line, text, withheld)
}

fn edit_with(line: &str, text: &str, withheld: &[String]) -> Result<String, String> {
    let words = shlex::split(line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| format!("`{line}` names no editor"))?;
    let draft = Draft::write(text).map_err(|why| format!("no file for the editor: {why}"))?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(&draft.path);
    for name in withheld {
        command.env_remove(name);
    }
    let ended = command.status();
    match ended {
        Err(why) => Err(format!("`{}` does not start: {why}", words[0])),
        Ok(status) if !status.success() => Err(format!("`{}` ended with {status}; the text is as it was", words[0])),
        Ok(_) => draft.read().map_err(|why| format!("what was written cannot be read: {why}")),
    }
}

/// The file that is edited, which nobody else can read. It goes with this.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(text: &str) -> io::Result<Draft> {
        let number = getrandom::u64().map_err(io::Error::other)?;
        let path = std::env::temp_dir().join(format!("remit-{number:016x}.md"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Draft { path };
        file.write_all(text.as_bytes())?;
        Ok(draft)
    }

    /// What is written now. Editors end a file with a newline; a message ends without.
    fn read(&self) -> io::Result<String> {
        let mut written = String::new();
        let read = File::open(Path::new(&self.path))?.take(MOST_WRITTEN + 1).read_to_string(&mut written)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > MOST_WRITTEN {
            return Err(io::Error::other("it is longer than 16 MiB"));
        }
        Ok(written.trim_end_matches(['\n', '\r']).to_owned())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A file that is gone already was taken away by the editor.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_editor_wrote_comes_back_and_its_file_is_gone() {
        let line = "sh -c 'test \"$(stat -c %a \"$1\")\" = 600 && printf \"more of %s\\n\" \"$1\" >> \"$1\"' sh";
        let written = edit_with(line, "a text\n", &[]).unwrap();
        let path = written.strip_prefix("a text\nmore of ").unwrap();
        assert!(path.ends_with(".md") && !Path::new(path).exists(), "{path}");
    }

    #[test]
    fn an_editor_that_fails_leaves_the_text_as_it_was() {
        assert_eq!(
            edit_with("false", "x", &[]).unwrap_err(),
            "`false` ended with exit status: 1; the text is as it was"
        );
        assert!(edit_with("no-such-editor -w", "x", &[]).unwrap_err().starts_with("`no-such-editor` does not start"));
        assert_eq!(edit_with("'", "x", &[]).unwrap_err(), "`'` names no editor");
    }
}
