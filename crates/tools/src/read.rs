//! `read`: the lines of a file, numbered, or what is to be said of one that is no text.
//!
//! Not here: folders (that is `list`), or looking for something (that is `search`).

use crate::call::{Invalid, Priced};
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use host::files::{self, FileError, Opened};
use host::scene::{Scene, Stamp, Stamping};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, Read as _};
use tokio_util::sync::CancellationToken;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "read";

/// How many lines are shown when nobody says how many.
const LINES: u64 = 2000;
/// How many bytes of one line are shown.
const LONGEST_LINE: usize = 2000;
/// How much of a file is looked at to tell text from anything else.
const HEAD: usize = 8192;
/// How far into a file lines are counted.
const FARTHEST: u64 = 1 << 30;
/// The largest file whose content is remembered, so that it can be edited.
pub(crate) const LARGEST_KNOWN: u64 = 8 << 20;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Reads a text file, lines numbered. Long files: use offset and limit.".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "path": { "type": "string" },
                "offset": { "type": "integer", "minimum": 1, "description": "first line, from 1" },
                "limit": { "type": "integer", "minimum": 1, "description": "number of lines; default 2000" }
            },
            "required": ["path"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    limit: Option<u64>,
}

/// A call that reads a file.
#[derive(Debug)]
pub struct Read {
    place: Place,
    effect: Effect,
    wanted: Wanted,
    shown: String,
}

/// The lines that are wanted, from 1, both ends included.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    first: u64,
    last: u64,
}

/// Understands a call.
pub fn parse(arguments: Value, site: &Site) -> Result<Read, Invalid> {
    let shown = arguments.to_string();
    let Arguments { path, offset, limit } = json::typed(NAME, arguments)?;
    let place = site.place(NAME, &path)?;
    let first = offset.unwrap_or(1);
    if first == 0 {
        return Err(Invalid::of(NAME, "`offset`: lines are counted from 1"));
    }
    if limit == Some(0) {
        return Err(Invalid::of(NAME, "`limit`: at least 1 line is read"));
    }
    let last = first.saturating_add(limit.unwrap_or(LINES) - 1);
    Ok(Read { effect: site.effect_of_reading(&place), place, wanted: Wanted { first, last }, shown })
}

impl Act for Read {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: self.effect,
            price: Price::Free,
            summary: format!("read {}", text::place(&self.place)),
            subject: Subject::Read(self.place.clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Reads the file.
pub async fn run(permit: Permit<Priced<Read>>, scene: &Scene) -> Done {
    let outcome = lines(&permit, scene).await;
    permit.finish(text::report(outcome))
}

async fn lines(permit: &Permit<Priced<Read>>, scene: &Scene) -> Result<String, String> {
    let Read { place, wanted, .. } = &**permit.act();
    let source = files::open(permit, place).map_err(|why| match why {
        FileError::Folder(path) => format!("`{path}` is a folder; call `list` for it"),
        why => why.to_string(),
    })?;
    let (name, wanted, stop) = (text::name(&place.real).to_owned(), *wanted, scene.stop.clone());
    let looked = tokio::task::spawn_blocking(move || look(source, &name, wanted, &stop)).await;
    let (said, stamp) = looked.map_err(|why| format!("reading crashed: {why}"))??;
    if let Some(stamp) = stamp {
        scene.seen.note(place, stamp);
    }
    Ok(said)
}

/// Goes through the file once: shows the wanted lines, counts them all, and takes the stamp of a file that is not too large.
fn look(
    mut source: Opened,
    name: &str,
    wanted: Wanted,
    stop: &CancellationToken,
) -> Result<(String, Option<Stamp>), String> {
    let failed = |why: io::Error| format!("`{name}`: {why}");
    let mut chunk = vec![0; 64 << 10];
    let mut filled = 0;
    while filled < HEAD {
        match source.read(&mut chunk[filled..]).map_err(failed)? {
            0 => break,
            more => filled += more,
        }
    }
    if let Some(kind) = not_text(&chunk[..filled.min(HEAD)]) {
        return Ok((described(name, kind, source.size(), &chunk[..filled]), None));
    }
    let (mut window, mut stamping, mut seen) = (Window::new(wanted), Stamping::default(), 0u64);
    while filled > 0 {
        if stop.is_cancelled() {
            return Err("stopped before it ended".to_owned());
        }
        window.take(&chunk[..filled]);
        seen += filled as u64;
        if seen <= LARGEST_KNOWN {
            stamping.take(&chunk[..filled]);
        }
        if seen >= FARTHEST {
            break;
        }
        filled = source.read(&mut chunk).map_err(failed)?;
    }
    let stamp = (seen <= LARGEST_KNOWN).then(|| stamping.end());
    let extent = if seen >= FARTHEST { Extent::Beginning } else { Extent::Whole };
    Ok((window.told(name, seen, extent)?, stamp))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Beginning,
}

/// The wanted lines, gathered while a file goes by.
struct Window {
    wanted: Wanted,
    /// The line that is going by.
    line: u64,
    /// What is shown of it so far, and how many bytes of it are not.
    kept: Vec<u8>,
    dropped: usize,
    is_begun: bool,
    text: String,
    /// The last line that is shown.
    shown: u64,
    is_full: bool,
    replaced: usize,
    carriage_returns: u64,
}

impl Window {
    fn new(wanted: Wanted) -> Window {
        Window {
            wanted,
            line: 1,
            kept: Vec::new(),
            dropped: 0,
            is_begun: false,
            text: String::new(),
            shown: 0,
            is_full: false,
            replaced: 0,
            carriage_returns: 0,
        }
    }

    fn is_wanted(&self) -> bool {
        !self.is_full && (self.wanted.first..=self.wanted.last).contains(&self.line)
    }

    fn take(&mut self, chunk: &[u8]) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', chunk) {
            self.piece(&chunk[start..end]);
            self.end_line();
            start = end + 1;
        }
        self.piece(&chunk[start..]);
    }

    fn piece(&mut self, bytes: &[u8]) {
        self.is_begun |= !bytes.is_empty();
        if self.is_wanted() {
            let room = LONGEST_LINE - self.kept.len();
            let (kept, dropped) = bytes.split_at(room.min(bytes.len()));
            self.kept.extend_from_slice(kept);
            self.dropped += dropped.len();
        }
    }

    fn end_line(&mut self) {
        if self.is_wanted() {
            let bytes = match self.kept.strip_suffix(b"\r") {
                Some(bytes) => {
                    self.carriage_returns += 1;
                    bytes
                }
                None => &self.kept,
            };
            // A cut may fall inside a letter, which is then left out.
            let whole = match std::str::from_utf8(bytes) {
                Err(why) if self.dropped > 0 && why.error_len().is_none() => why.valid_up_to(),
                Ok(_) | Err(_) => bytes.len(),
            };
            let line = String::from_utf8_lossy(&bytes[..whole]);
            self.replaced += usize::from(matches!(line, std::borrow::Cow::Owned(_)));
            let rest = if self.dropped > 0 { format!("… [{} more bytes]", self.dropped) } else { String::new() };
            let row = format!("{}\t{line}{rest}\n", self.line);
            if self.text.len() + row.len() > text::MOST {
                self.is_full = true;
            } else {
                self.text.push_str(&row);
                self.shown = self.line;
            }
        }
        self.kept.clear();
        self.dropped = 0;
        self.is_begun = false;
        self.line += 1;
    }

    /// The lines with a word on the file before them, and on what is missing after them.
    fn told(mut self, name: &str, bytes: u64, extent: Extent) -> Result<String, String> {
        let lacks_ending = self.is_begun && extent == Extent::Whole;
        if self.is_begun {
            self.end_line();
        }
        let total = self.line - 1;
        let all = match extent {
            Extent::Whole => format!("{total}"),
            Extent::Beginning => format!("more than {total}"),
        };
        if total == 0 {
            return Ok(format!("`{name}` is empty"));
        }
        if self.shown == 0 {
            return Err(format!("`{name}` has {all} lines, so there is no line {}", self.wanted.first));
        }
        let mut notes =
            vec![format!("`{name}`: lines {}-{} of {all}, {}", self.wanted.first, self.shown, text::size(bytes))];
        if self.carriage_returns > 0 {
            notes.push("lines end in CR LF".to_owned());
        }
        if self.replaced > 0 {
            notes.push("not all of it is UTF-8: what is not is shown as \u{fffd}".to_owned());
        }
        if lacks_ending && self.shown == total {
            notes.push("the last line has no ending".to_owned());
        }
        let mut told = format!("{}\n{}", notes.join("; "), self.text);
        if self.shown < total || extent == Extent::Beginning {
            told.push_str(&format!("[the file goes on: read it from offset {}]", self.shown + 1));
        }
        Ok(told)
    }
}

/// What a file is, when its beginning is not text.
fn not_text(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(usize, &[u8], &str); 27] = [
        (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (0, b"\xff\xd8\xff", "a JPEG image"),
        (0, b"GIF8", "a GIF image"),
        (8, b"WEBP", "a WebP image"),
        (0, b"%PDF-", "a PDF document"),
        (0, b"PK\x03\x04", "a ZIP archive, or a format built on one"),
        (0, b"\x1f\x8b", "gzip-compressed"),
        (0, b"\x28\xb5\x2f\xfd", "zstd-compressed"),
        (0, b"\xfd7zXZ\0", "xz-compressed"),
        (0, b"BZh", "bzip2-compressed"),
        (257, b"ustar", "a tar archive"),
        (0, b"\x7fELF", "an ELF program or library"),
        (0, b"\xcf\xfa\xed\xfe", "a Mach-O program or library"),
        (0, b"MZ", "a Windows program or library"),
        (0, b"\0asm", "a WebAssembly module"),
        (0, b"\xca\xfe\xba\xbe", "a Java class or a Mach-O program"),
        (0, b"SQLite format 3\0", "an SQLite database"),
        (0, b"PAR1", "a Parquet table"),
        (0, b"ARROW1", "an Arrow table"),
        (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (0, b"\x93NUMPY", "a NumPy array"),
        (0, b"GGUF", "a GGUF model"),
        (8, b"{\"", "perhaps a safetensors file"),
        (0, b"\x80\x04\x95", "a Python pickle"),
        (0, b"OggS", "an Ogg sound or film"),
        (0, b"\xff\xfe", "text in UTF-16, little end first"),
        (0, b"\xfe\xff", "text in UTF-16, big end first"),
    ];
    let begins = |(at, magic, _): &&(usize, &[u8], &str)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    let kind = KINDS.iter().find(begins).map(|(_, _, kind)| *kind);
    let is_binary =
        head.contains(&0) || kind.is_some() && std::str::from_utf8(head).is_err_and(|why| why.error_len().is_some());
    is_binary.then(|| kind.unwrap_or("of an unknown kind"))
}

fn described(name: &str, kind: &str, size: u64, head: &[u8]) -> String {
    let hex: Vec<String> = head.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    let is_cut = if head.len() > 64 { " …" } else { "" };
    format!(
        "`{name}` is not text: it is {kind}, {}. It begins with the bytes {}{is_cut}",
        text::size(size),
        hex.join(" ")
    )
}
