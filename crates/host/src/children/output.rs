//! What is kept of what a program says: its first and last words in memory, the whole in a file once it is long.
//!
//! Not here: reading the pipe (that is `drive`).

#![allow(clippy::disallowed_methods, reason = "the host keeps the outputs of what it runs")]

use super::{NotLaunched, Program, file_name, shown};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much of the beginning is kept in memory, in bytes.
const HEAD: usize = 8 << 10;
/// How much of the end is kept in memory, in bytes.
const TAIL: usize = 20 << 10;
/// How much is kept in a file, in bytes.
const LARGEST_FILE: u64 = 1 << 30;
/// How many files one name is tried for.
const NAMES: usize = 1000;

/// Where the whole output goes.
#[derive(Debug)]
pub(super) enum Keeping {
    /// Into a file of this name in this folder, once it is too long for memory.
    WhenLong(PathBuf, String),
    /// Into this file.
    In(Whole),
    /// Nowhere any more; the file, where there is one, and why.
    Given(Option<PathBuf>, String),
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct Whole {
    file: File,
    path: PathBuf,
    written: u64,
}

/// What a program has said so far.
#[derive(Debug)]
pub(super) struct Output {
    head: Vec<u8>,
    /// The last bytes after the head; up to twice [`TAIL`] of them, so that dropping the oldest is rare.
    tail: Vec<u8>,
    total: u64,
    keeping: Keeping,
    password: Password,
}

/// What a program has to say first, so that it is known to run as wanted.
#[derive(Debug)]
enum Password {
    NotAsked,
    Awaited { wanted: Vec<u8>, heard: Vec<u8> },
    Said,
    Wrong,
}

/// What is left of a program's output: its beginning and end, and the file that has all of it.
#[derive(Clone, Debug)]
pub struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: u64,
    file: Option<PathBuf>,
    trouble: Option<String>,
    said: bool,
}

impl Keeping {
    pub(super) fn when_long(folder: &Path, call: &str) -> Keeping {
        Keeping::WhenLong(folder.to_owned(), file_name(call))
    }

    /// Makes the file at once, for somebody to read while it grows.
    pub(super) fn always(folder: &Path, call: &str) -> Result<(Keeping, PathBuf), NotLaunched> {
        let name = file_name(call);
        let whole = Whole::create(folder, &name)
            .map_err(|why| NotLaunched::NoFile { file: shown(&folder.join(&name)), why })?;
        let path = whole.path.clone();
        Ok((Keeping::In(whole), path))
    }
}

impl Whole {
    /// Makes a new file that only its owner reads; a name that is taken gets a number.
    fn create(folder: &Path, name: &str) -> io::Result<Whole> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        for number in 1..=NAMES {
            let again = if number == 1 { String::new() } else { format!("-{number}") };
            let path = folder.join(format!("{name}{again}.txt"));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok(Whole { file, path, written: 0 }),
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
                Err(why) => return Err(why),
            }
        }
        Err(io::Error::other(format!("`{name}` is taken {NAMES} times")))
    }
}

impl Output {
    pub(super) fn new(keeping: Keeping, program: &Program) -> Output {
        let password = match &program.password {
            None => Password::NotAsked,
            Some(wanted) => Password::Awaited { wanted: wanted.clone(), heard: Vec::new() },
        };
        Output { head: Vec::new(), tail: Vec::new(), total: 0, keeping, password }
    }

    /// Takes what the program said next, and gives back what of it is the program's own words.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let said = match &mut self.password {
            Password::NotAsked | Password::Said | Password::Wrong => bytes.to_vec(),
            Password::Awaited { wanted, heard } => {
                heard.extend_from_slice(bytes);
                let is_wrong = heard.iter().zip(wanted.iter()).any(|(heard, wanted)| heard != wanted);
                if !is_wrong && heard.len() < wanted.len() {
                    return Vec::new();
                }
                let rest = if is_wrong { std::mem::take(heard) } else { heard.split_off(wanted.len()) };
                self.password = if is_wrong { Password::Wrong } else { Password::Said };
                rest
            }
        };
        self.keep(&said);
        said
    }

    fn keep(&mut self, bytes: &[u8]) {
        if matches!(&self.keeping, Keeping::WhenLong(..)) && self.total + bytes.len() as u64 > (HEAD + TAIL) as u64 {
            self.open_file();
        }
        self.write(bytes);
        self.total += bytes.len() as u64;
        let for_head = bytes.len().min(HEAD - self.head.len());
        self.head.extend_from_slice(&bytes[..for_head]);
        // Of a large piece only the end can matter.
        let for_tail = &bytes[for_head.max(bytes.len().saturating_sub(TAIL))..];
        if self.tail.len() + for_tail.len() > 2 * TAIL {
            let stale = (self.tail.len() + for_tail.len()).saturating_sub(TAIL).min(self.tail.len());
            self.tail.drain(..stale);
        }
        self.tail.extend_from_slice(for_tail);
    }

    /// Nothing has been dropped so far, so the file gets all of it.
    fn open_file(&mut self) {
        let Keeping::WhenLong(folder, name) = &self.keeping else { return };
        self.keeping = match Whole::create(folder, name) {
            Ok(whole) => Keeping::In(whole),
            Err(why) => Keeping::Given(None, format!("it could not be kept in `{}`: {why}", shown(folder))),
        };
        let so_far = [self.head.as_slice(), self.tail.as_slice()].concat();
        self.write(&so_far);
    }

    /// A file that cannot be written is said, and does not end the run.
    fn write(&mut self, bytes: &[u8]) {
        let Keeping::In(whole) = &mut self.keeping else { return };
        let room = LARGEST_FILE.saturating_sub(whole.written);
        let fits = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        let written = whole.file.write_all(fits);
        whole.written += fits.len() as u64;
        let trouble = match written {
            Err(why) => format!("the file could not be written to its end: {why}"),
            Ok(()) if fits.len() < bytes.len() => format!("the file ends after {LARGEST_FILE} bytes"),
            Ok(()) => return,
        };
        self.keeping = Keeping::Given(Some(whole.path.clone()), trouble);
    }

    /// Closes the file and gives back what is left.
    pub(super) fn finish(mut self) -> Kept {
        if let Password::Awaited { heard, .. } = &mut self.password {
            let heard = std::mem::take(heard);
            self.password = Password::Wrong;
            self.keep(&heard);
        }
        let (file, trouble) = match self.keeping {
            Keeping::WhenLong(..) => (None, None),
            Keeping::In(whole) => (Some(whole.path), None),
            Keeping::Given(path, trouble) => (path, Some(trouble)),
        };
        let all = self.total <= (HEAD + TAIL) as u64;
        let stale = if all { 0 } else { self.tail.len().saturating_sub(TAIL) };
        self.tail.drain(..stale);
        let said = matches!(self.password, Password::Said);
        Kept { head: self.head, tail: self.tail, total: self.total, file, trouble, said }
    }
}

impl Kept {
    /// How many bytes the program said.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Where all of it is, when it was too long to be kept in memory or somebody was to read it while it grew.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All that the program said, or nothing when some of it is in the file alone.
    pub fn whole(&self) -> Option<Vec<u8>> {
        let bytes = [self.head.as_slice(), self.tail.as_slice()].concat();
        (bytes.len() as u64 == self.total).then_some(bytes)
    }

    /// The text for a reader: all of it, or its beginning and end with a line between that says what is missing and where
    /// it is. At most about 30 KB; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        if let Some(whole) = self.whole() {
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let head = &self.head[..self.head.len() - unfinished(&self.head)];
        let tail = &self.tail[self.tail.iter().take(3).take_while(|byte| is_inside(**byte)).count()..];
        let missing = self.total - (head.len() + tail.len()) as u64;
        let place = match (&self.file, &self.trouble) {
            (Some(file), None) => format!("the whole output is in `{}`", shown(file)),
            (Some(file), Some(trouble)) => format!("what was kept of it is in `{}`: {trouble}", shown(file)),
            (None, Some(trouble)) => trouble.clone(),
            (None, None) => "it was not kept".to_owned(),
        };
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        format!("{head}\n[.. {missing} of {} bytes are left out here; {place} ..]\n{tail}", self.total)
    }

    pub(super) fn said_the_password(&self) -> bool {
        self.said
    }
}

/// Whether the byte is in the middle of a letter.
fn is_inside(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// How many bytes at the end are the beginning of a letter whose rest is missing.
pub(super) fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        if !is_inside(byte) {
            let wanted = match byte {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                0x00..=0xbf | 0xf8..=0xff => 1,
            };
            return if wanted > back { back } else { 0 };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(password: Option<&[u8]>) -> Program {
        Program { password: password.map(<[u8]>::to_vec), ..Program::new(["x"], "/") }
    }

    fn said(pieces: &[&[u8]], password: Option<&[u8]>) -> (Kept, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::new(Keeping::when_long(folder.path(), "call-1"), &program(password));
        pieces.iter().for_each(|piece| drop(output.take(piece)));
        (output.finish(), folder)
    }

    #[test]
    fn a_short_output_is_kept_whole_and_needs_no_file() {
        let (kept, folder) = said(&[b"one\n", b"two\n"], None);
        assert_eq!((kept.text().as_str(), kept.file(), kept.total()), ("one\ntwo\n", None, 8));
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
    }

    #[test]
    fn an_output_that_just_fits_is_whole_and_one_byte_more_is_in_the_file() {
        let (kept, _folder) = said(&[&vec![b'a'; HEAD + TAIL]], None);
        assert!(kept.whole().is_some() && kept.file().is_none());
        let (kept, _folder) = said(&[&vec![b'a'; HEAD + TAIL], b"b"], None);
        assert!(kept.whole().is_none());
        let file = std::fs::read(kept.file().expect("a file")).expect("it is there");
        assert_eq!((file.len(), file.last()), (HEAD + TAIL + 1, Some(&b'b')));
    }

    #[test]
    fn whatever_the_pieces_the_file_has_all_and_the_text_both_ends() {
        for piece in [1, 7, 1000, HEAD, HEAD + TAIL, 100_000] {
            let all: Vec<u8> = (0..100_000u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
            let pieces: Vec<&[u8]> = all.chunks(piece).collect();
            let (kept, _folder) = said(&pieces, None);
            assert_eq!(std::fs::read(kept.file().expect("a file")).expect("it is there"), all, "in pieces of {piece}");
            assert_eq!((&kept.head[..], &kept.tail[..]), (&all[..HEAD], &all[all.len() - TAIL..]));
            let text = kept.text();
            assert!(text.starts_with("0\n1\n") && text.ends_with("\n99999\n") && text.contains("are left out here"));
            assert!(text.len() < 31_000);
        }
    }

    #[test]
    fn letters_are_not_cut_in_half() {
        let all = "é".repeat(50_000);
        let (kept, _folder) = said(&[b"x", all.as_bytes()], None);
        assert!(!kept.text().contains('\u{fffd}'));
        assert_eq!((unfinished("aé".as_bytes()), unfinished(b"a\xc3"), unfinished(b"\xf0\x9f\x98")), (0, 1, 3));
    }

    #[test]
    fn an_output_that_cannot_be_kept_is_said_and_does_not_stop_the_run() {
        let folder = tempfile::NamedTempFile::new().expect("a file");
        let mut output = Output::new(Keeping::when_long(folder.path(), "call"), &program(None));
        output.take(&vec![b'a'; 100_000]);
        output.take(b"end");
        let kept = output.finish();
        assert!(kept.text().contains("could not be kept") && kept.text().ends_with("end"));
    }

    #[test]
    fn a_password_is_taken_out_in_whatever_pieces_it_comes() {
        for pieces in [vec![&b"open!hello"[..]], vec![b"op", b"en!", b"hello"], vec![b"open!h", b"ello"]] {
            let (kept, _folder) = said(&pieces, Some(b"open!"));
            assert_eq!((kept.text().as_str(), kept.said_the_password()), ("hello", true));
        }
        for (pieces, text) in [(vec![&b"ope"[..]], "ope"), (vec![b"oh no"], "oh no"), (vec![], "")] {
            let (kept, _folder) = said(&pieces, Some(b"open!"));
            assert_eq!((kept.text().as_str(), kept.said_the_password()), (text, false));
        }
    }

    #[test]
    fn two_outputs_of_one_name_have_two_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let (_one, first) = Keeping::always(folder.path(), "../a b").expect("a file");
        let (_two, second) = Keeping::always(folder.path(), "../a b").expect("a file");
        assert_eq!(first, folder.path().join("output-___a_b.txt"));
        assert_eq!(second, folder.path().join("output-___a_b-2.txt"));
    }
}
