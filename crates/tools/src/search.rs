//! `search`: the lines that match a pattern, in a folder or one file.
//!
//! Not here: the whole of a file (that is `read`).

use crate::call::{Invalid, Priced};
use crate::site::Site;
use crate::{json, text};
use gate::{Act, Done, Permit};
use globset::{GlobBuilder, GlobMatcher};
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use host::files::{self, FileError, Opened};
use host::scene::Scene;
use host::tree::{self, Folder, Kind, Look, Node, Shown};
use policy::{Action, Effect, Place, Price, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::io::{self, Read};
use std::ops::ControlFlow;
use tokio_util::sync::CancellationToken;
use turn::chat::ToolSpec;

/// The name the model calls it by.
pub const NAME: &str = "search";

/// How many matching lines (or files) are shown when nobody says how many, and at most.
const RESULTS: usize = 200;
const MOST_RESULTS: usize = 2000;
/// How many lines around a match can be asked for.
const MOST_CONTEXT: usize = 20;
/// How many bytes of one line are shown, and how many of them before the match.
const LONGEST_LINE: usize = 400;
const BEFORE_MATCH: usize = 100;
/// The memory that a compiled pattern, and one line of a file, may take.
const LARGEST_PATTERN: usize = 10 << 20;
const LARGEST_LINE: usize = 32 << 20;

/// Declares the tool.
pub fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Searches files for a regular expression (Rust syntax, line by line).".to_owned(),
        parameters: serde_json::json!({
            "type": "object",
            "properties": {
                "pattern": { "type": "string" },
                "literal": { "type": "boolean", "description": "pattern is plain text" },
                "path": { "type": "string", "description": "file or folder; default `.`" },
                "glob": { "type": "string", "description": "only such files: `*.rs`, `src/**/*.{js,ts}`" },
                "case": { "enum": ["smart", "sensitive", "insensitive"] },
                "context": { "type": "integer", "maximum": MOST_CONTEXT },
                "files_only": { "type": "boolean" },
                "max_results": { "type": "integer", "maximum": MOST_RESULTS, "description": "default 200" },
                "hidden": { "type": "boolean", "description": "also hidden and ignored files" }
            },
            "required": ["pattern"],
            "additionalProperties": false
        }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pattern: String,
    #[serde(default)]
    literal: bool,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    glob: Option<String>,
    #[serde(default)]
    case: Case,
    #[serde(default)]
    context: usize,
    #[serde(default)]
    files_only: bool,
    #[serde(default)]
    max_results: Option<usize>,
    #[serde(default)]
    hidden: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Case {
    #[default]
    Smart,
    Sensitive,
    Insensitive,
}

/// A call that searches.
#[derive(Debug)]
pub struct Search {
    place: Place,
    effect: Effect,
    wanted: Wanted,
    look: Look,
    pattern: String,
    shown: String,
}

/// What is looked for.
#[derive(Clone, Debug)]
struct Wanted {
    matcher: RegexMatcher,
    glob: Option<(GlobMatcher, Part)>,
    context: usize,
    most: usize,
    kind: Wants,
}

/// Which part of a path a glob is about.
#[derive(Clone, Copy, Debug)]
enum Part {
    Name,
    Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Lines,
    Files,
}

/// Understands a call.
pub fn parse(arguments: Value, site: &Site) -> Result<Search, Invalid> {
    let shown = arguments.to_string();
    let arguments: Arguments = json::typed(NAME, arguments)?;
    let place = site.place(NAME, arguments.path.as_deref().unwrap_or("."))?;
    let matcher = compiled(&arguments)?;
    let glob = arguments.glob.as_deref().map(globbed).transpose()?;
    if arguments.context > MOST_CONTEXT {
        return Err(Invalid::of(NAME, format!("`context`: at most {MOST_CONTEXT} lines can be shown around a match")));
    }
    let most = arguments.max_results.unwrap_or(RESULTS);
    if !(1..=MOST_RESULTS).contains(&most) {
        return Err(Invalid::of(NAME, format!("`max_results`: 1 to {MOST_RESULTS}")));
    }
    let shown_too = if arguments.hidden { Shown::Yes } else { Shown::No };
    Ok(Search {
        effect: site.effect_of_reading(&place),
        place,
        wanted: Wanted {
            matcher,
            glob,
            context: arguments.context,
            most,
            kind: if arguments.files_only { Wants::Files } else { Wants::Lines },
        },
        look: Look { hidden: shown_too, ignored: shown_too, depth: usize::MAX },
        pattern: arguments.pattern,
        shown,
    })
}

fn compiled(arguments: &Arguments) -> Result<RegexMatcher, Invalid> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .fixed_strings(arguments.literal)
        .line_terminator(Some(b'\n'))
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN);
    match arguments.case {
        Case::Smart => builder.case_smart(true),
        Case::Sensitive => &mut builder,
        Case::Insensitive => builder.case_insensitive(true),
    };
    builder.build(&arguments.pattern).map_err(|why| {
        let hint = if arguments.literal { "" } else { "\nfor plain text, set `literal`" };
        Invalid::of(NAME, format!("`pattern`: {why}{hint}"))
    })
}

/// A glob without `/` is about names, one with it about paths.
fn globbed(glob: &str) -> Result<(GlobMatcher, Part), Invalid> {
    let built = GlobBuilder::new(glob.trim_start_matches("./")).literal_separator(true).build();
    let built = built.map_err(|why| Invalid::of(NAME, format!("`glob`: {why}")))?;
    Ok((built.compile_matcher(), if glob.contains('/') { Part::Path } else { Part::Name }))
}

impl Act for Search {
    fn action(&self) -> Action {
        Action {
            tool: NAME.to_owned(),
            effect: self.effect,
            price: Price::Free,
            summary: format!("search {} for {}", text::place(&self.place), text::beginning(&self.pattern, 80)),
            subject: Subject::Read(self.place.clone()),
            shown: self.shown.clone(),
        }
    }
}

/// Searches.
pub async fn run(permit: Permit<Priced<Search>>, scene: &Scene) -> Done {
    let outcome = searched(&permit, scene).await;
    permit.finish(text::report(outcome))
}

async fn searched(permit: &Permit<Priced<Search>>, scene: &Scene) -> Result<String, String> {
    let Search { place, wanted, look, .. } = &**permit.act();
    let start = match tree::open(permit, &scene.workspace, place) {
        Ok(folder) => Start::Folder(folder),
        Err(FileError::NotAFolder(_)) => Start::File(files::open(permit, place).map_err(|why| why.to_string())?),
        Err(why) => return Err(why.to_string()),
    };
    let (name, look, stop) = (text::name(&place.real).to_owned(), *look, scene.stop.clone());
    let mut hunt = Hunt::new(wanted.clone(), stop);
    let told = tokio::task::spawn_blocking(move || {
        hunt.go(start, &name, look);
        hunt.found.told(hunt.wanted.kind)
    });
    told.await.map_err(|why| format!("searching crashed: {why}"))
}

enum Start {
    Folder(Folder),
    File(Opened),
}

/// A search under way.
struct Hunt {
    wanted: Wanted,
    stop: CancellationToken,
    searcher: Searcher,
    found: Found,
}

/// What a search has come by so far.
#[derive(Default)]
struct Found {
    text: String,
    /// Matching lines, or files where only files are wanted.
    results: usize,
    files: usize,
    matching_files: usize,
    skipped: usize,
    unopened_folders: usize,
    /// Why the search ended before it had seen everything.
    ended: Option<String>,
}

impl Hunt {
    fn new(wanted: Wanted, stop: CancellationToken) -> Hunt {
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .before_context(wanted.context)
            .after_context(wanted.context)
            .heap_limit(Some(LARGEST_LINE))
            .build();
        Hunt { wanted, stop, searcher, found: Found::default() }
    }

    fn go(&mut self, start: Start, name: &str, look: Look) {
        match start {
            Start::File(source) => self.file(source, name),
            Start::Folder(folder) => {
                let above = if name == "." { String::new() } else { format!("{}/", name.trim_end_matches('/')) };
                let missed = folder.walk(look, &mut |entry| self.entry(entry, &above));
                self.found.unopened_folders = missed.folders;
            }
        }
    }

    fn entry(&mut self, entry: &Node<'_>, above: &str) -> ControlFlow<()> {
        if self.stop.is_cancelled() {
            self.found.ended = Some("stopped here".to_owned());
        }
        let path = format!("{above}{}", entry.path);
        if self.found.ended.is_none() && entry.kind == Kind::File && self.wanted.is_in(entry, &path) {
            match entry.open() {
                Ok(source) => self.file(source, &path),
                Err(_) => self.found.skipped += 1,
            }
        }
        if self.found.ended.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn file(&mut self, source: Opened, path: &str) {
        let found = &mut self.found;
        found.files += 1;
        let (begun, results) = (found.text.len(), found.results);
        let reader = Stoppable { source, stop: self.stop.clone() };
        let mut rows = Rows { found, wanted: &self.wanted, path, is_named: false, is_binary: false };
        let searched = self.searcher.search_reader(&self.wanted.matcher, reader, &mut rows);
        let (is_named, is_binary) = (rows.is_named, rows.is_binary);
        if is_binary || searched.is_err() {
            // A file that turns out to be no text, or cannot be read to its end, counts as not searched.
            found.text.truncate(begun);
            found.results = results;
            found.skipped += 1;
        } else if is_named {
            found.matching_files += 1;
        }
        if self.stop.is_cancelled() {
            found.ended = Some("stopped here".to_owned());
        }
    }
}

impl Wanted {
    fn is_in(&self, entry: &Node<'_>, path: &str) -> bool {
        match &self.glob {
            None => true,
            Some((glob, Part::Name)) => glob.is_match(entry.name()),
            Some((glob, Part::Path)) => glob.is_match(path) || glob.is_match(&entry.path),
        }
    }
}

impl Found {
    fn told(self, kind: Wants) -> String {
        let mut told = self.text;
        let files = text::count(self.files, "file");
        let summary = match (kind, self.results) {
            (_, 0) if self.ended.is_none() => format!("no match in {files}"),
            (Wants::Files, _) => format!("matches in {} of {files}", self.matching_files),
            (Wants::Lines, lines) => {
                format!("{} in {} of {files}", text::count(lines, "matching line"), self.matching_files)
            }
        };
        told.push_str(&format!("[{summary}"));
        told.extend(self.ended.map(|why| format!("; {why}")));
        if self.skipped > 0 {
            told.push_str(&format!("; {} not searched: no text, or unreadable", text::count(self.skipped, "file")));
        }
        if self.unopened_folders > 0 {
            told.push_str(&format!("; {} could not be opened", text::count(self.unopened_folders, "folder")));
        }
        told.push(']');
        told
    }
}

/// A file that is no longer read once the run is to stop.
struct Stoppable {
    source: Opened,
    stop: CancellationToken,
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("stopped"));
        }
        self.source.read(buffer)
    }
}

/// The rows of one file.
struct Rows<'a> {
    found: &'a mut Found,
    wanted: &'a Wanted,
    path: &'a str,
    is_named: bool,
    is_binary: bool,
}

impl Rows<'_> {
    /// Adds a row, unless there is no room; says whether to go on.
    fn row(&mut self, number: Option<u64>, mark: char, line: &[u8]) -> bool {
        let line = self.excerpt(line);
        if self.found.text.len() + line.len() > text::MOST {
            self.found.ended = Some("cut here: narrow the pattern, the path or the glob".to_owned());
            return false;
        }
        self.named();
        self.found.text.push_str(&format!("{}{mark}{line}\n", number.unwrap_or_default()));
        true
    }

    /// Writes the file's name, once.
    fn named(&mut self) {
        if !self.is_named {
            self.found.text.push_str(&format!("{}\n", self.path));
            self.is_named = true;
        }
    }

    /// The line, or the part of a long one where the match is.
    fn excerpt(&self, line: &[u8]) -> String {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() <= LONGEST_LINE {
            return String::from_utf8_lossy(line).into_owned();
        }
        let found = self.wanted.matcher.find(line).ok().flatten().map_or(0, |found| found.start());
        let start = found.saturating_sub(BEFORE_MATCH);
        let end = (start + LONGEST_LINE).min(line.len());
        let (before, after) = (if start > 0 { "…" } else { "" }, if end < line.len() { "…" } else { "" });
        let part = String::from_utf8_lossy(&line[start..end]);
        format!("{before}{}{after} [{} bytes]", part.trim_matches('\u{fffd}'), line.len())
    }
}

impl Sink for Rows<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.found.results == self.wanted.most {
            let most = self.wanted.most;
            self.found.ended = Some(format!("more than the {most} that were wanted; narrow the search"));
            return Ok(false);
        }
        self.found.results += 1;
        if self.wanted.kind == Wants::Files {
            self.named();
            return Ok(false);
        }
        Ok(self.row(found.line_number(), ':', found.bytes()))
    }

    fn context(&mut self, _: &Searcher, around: &SinkContext<'_>) -> io::Result<bool> {
        if self.wanted.kind == Wants::Files {
            return Ok(true);
        }
        Ok(self.row(around.line_number(), '-', around.bytes()))
    }

    fn context_break(&mut self, _: &Searcher) -> io::Result<bool> {
        if self.is_named {
            self.found.text.push_str("--\n");
        }
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }
}
