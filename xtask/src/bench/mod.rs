//! `cargo xtask bench`: builds the program and measures how fast, how small and how frugal it is.
//!
//! Not here: a verdict. A missed target is printed, not failed: a busy machine is no reason to turn a change down.

mod machine;
mod program;
mod report;
mod session;
mod terminal;

use crate::run::{Trouble, cargo, go, read, root, trouble};
use report::{Report, Row, Unit};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the command line asks for.
struct Wanted {
    form: Form,
    /// How often each thing is measured; the median counts.
    runs: usize,
    /// The profile to build with; any but `release` is for trying the chore itself.
    profile: String,
    /// A program to measure instead of building one.
    binary: Option<PathBuf>,
    /// The one part that is measured; all of them without it.
    only: Option<String>,
}

/// What can be measured by itself.
const PARTS: [&str; 5] = ["program", "sessions", "terminal", "server", "heart"];

enum Form {
    Markdown,
    Json,
}

const USAGE: &str = "bench takes `--json`, `--runs N`, `--profile NAME`, `--binary FILE`, `--only PART` and `--server` (the same as `--only server`)";

/// Measures and prints a Markdown table, or JSON with `--json`. What it does meanwhile goes to standard error.
pub fn chore(args: &[String]) -> Result<ExitCode, Trouble> {
    let wanted = wanted(args)?;
    let binary = match &wanted.binary {
        Some(binary) => fs::canonicalize(binary).map_err(|why| trouble(binary.display(), why))?,
        None => build(&wanted.profile)?,
    };
    let folder = root().join("target").join("bench");
    fs::create_dir_all(&folder).map_err(|why| trouble(folder.display(), why))?;
    let mut rows = Vec::new();
    for part in PARTS.iter().filter(|part| wanted.only.as_ref().is_none_or(|only| only == *part)) {
        eprintln!("bench: the {part}");
        rows.extend(measured(part, &wanted, &binary, &folder)?);
    }
    let report = Report { machine: machine::look(), rows };
    match wanted.form {
        Form::Markdown => print!("{}", report.markdown()),
        Form::Json => println!("{}", report.json()),
    }
    Ok(ExitCode::SUCCESS)
}

fn measured(part: &str, wanted: &Wanted, binary: &Path, folder: &Path) -> Result<Vec<Row>, Trouble> {
    let mut rows = Vec::new();
    match part {
        "program" => rows.extend([program::version(binary, wanted.runs.max(1) * 4)?, program::size(binary)?]),
        "sessions" => {
            for turns in [20, 100] {
                eprintln!("bench: {} sessions of {turns} turns", wanted.runs);
                let runs = (0..wanted.runs).map(|_| session::play(binary, folder, turns));
                rows.extend(session::rows(turns, &runs.collect::<Result<Vec<_>, _>>()?));
            }
        }
        "terminal" => {
            rows.extend(terminal::rows(binary, folder)?);
            rows.extend(screen(&wanted.profile)?);
        }
        "server" => rows.extend(server(&wanted.profile, binary, folder)?),
        _heart => rows.extend(heart(&wanted.profile, folder)?),
    }
    Ok(rows)
}

fn wanted(args: &[String]) -> Result<Wanted, Trouble> {
    let mut wanted = Wanted { form: Form::Markdown, runs: 7, profile: "release".to_owned(), binary: None, only: None };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| Trouble(format!("`{arg}` needs a value; {USAGE}")));
        match arg.as_str() {
            "--json" => wanted.form = Form::Json,
            "--runs" => {
                let runs = value()?;
                let number = runs.parse().ok().filter(|number| *number > 0);
                wanted.runs = number.ok_or_else(|| Trouble(format!("`{runs}` is no number of runs")))?;
            }
            "--profile" => wanted.profile.clone_from(value()?),
            "--binary" => wanted.binary = Some(value()?.into()),
            "--server" => wanted.only = Some("server".to_owned()),
            "--only" => {
                let part = value()?;
                if !PARTS.contains(&part.as_str()) {
                    return Err(Trouble(format!("`{part}` is no part of the bench; there are {}", PARTS.join(", "))));
                }
                wanted.only = Some(part.clone());
            }
            other => return Err(Trouble(format!("`{other}` is not understood; {USAGE}"))),
        }
    }
    Ok(wanted)
}

fn build(profile: &str) -> Result<PathBuf, Trouble> {
    eprintln!("bench: building with profile `{profile}`");
    go(cargo().args(["build", "--quiet", "--package", "remit", "--profile", profile]))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(root().join("target").join(folder).join("remit"))
}

/// What `benches/screen.rs` prints.
#[derive(Deserialize)]
struct Frames {
    first_ms: Vec<f64>,
    still_ms: Vec<f64>,
    speaking_ms: Vec<f64>,
    scrolling_ms: Vec<f64>,
}

/// Measures how long a frame takes that is drawn into memory.
fn screen(profile: &str) -> Result<Vec<Row>, Trouble> {
    let words = ["bench", "--quiet", "--package", "xtask", "--bench", "screen", "--profile", profile];
    let said = read(cargo().args(words))?;
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or("");
    let frames: Frames = serde_json::from_str(line).map_err(|why| trouble("what the screen's bench said", why))?;
    let row = |what: &str, times: &[f64]| {
        Row::new(format!("a frame, 120x40, 100,000 lines: {what}"), Unit::Milliseconds, times).target(8.0)
    };
    Ok(vec![
        row("the first", &frames.first_ms),
        row("nothing new", &frames.still_ms),
        row("words come", &frames.speaking_ms),
        row("scrolling", &frames.scrolling_ms),
    ])
}

/// What `benches/server.rs` prints.
#[derive(Deserialize)]
struct Load {
    idle_kib: Vec<f64>,
    opened_ms: Vec<f64>,
    small_ms: Vec<f64>,
    small_loaded_ms: Vec<f64>,
    alone_ms: Vec<f64>,
    at_once_ms: Vec<f64>,
    apart_ms: Vec<f64>,
    peak_mib: Vec<f64>,
}

/// Measures the server under load: 1,000 sessions open, 200 of them at work with 5 readers each.
fn server(profile: &str, binary: &Path, folder: &Path) -> Result<Vec<Row>, Trouble> {
    let words = ["bench", "--quiet", "--package", "xtask", "--bench", "server", "--profile", profile, "--"];
    let said = read(cargo().args(words).arg(binary).arg(folder))?;
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or("");
    let load: Load = serde_json::from_str(line).map_err(|why| trouble("what the server's bench said", why))?;
    let kilobytes: Vec<f64> = load.idle_kib.iter().map(|kib| kib * 1.024).collect();
    Ok(vec![
        Row::new("server: a session that is open and idle, of 1,000", Unit::Kilobytes, &kilobytes),
        Row::new("server: opening one", Unit::Milliseconds, &load.opened_ms),
        Row::new("server: a small request, nothing else to do", Unit::Milliseconds, &load.small_ms),
        Row::new("server: the same while 200 sessions work", Unit::Milliseconds, &load.small_loaded_ms),
        Row::new("server: a turn of 20 calls, its model's time taken off, alone", Unit::Milliseconds, &load.alone_ms),
        Row::new("server: the same, each of 200 at once with 5 readers", Unit::Milliseconds, &load.at_once_ms),
        Row::new("server: the end of a turn, at another reader after the first", Unit::Milliseconds, &load.apart_ms),
        Row::new("server: peak memory", Unit::Mebibytes, &load.peak_mib),
    ])
}

/// What `benches/heart.rs` prints.
#[derive(Deserialize)]
struct Heart {
    decide_ns: Vec<f64>,
    free_us: Vec<f64>,
    paid_us: Vec<f64>,
    request_us: Vec<f64>,
    committed_us: Vec<f64>,
    synced_us: Vec<f64>,
    disk_sync_us: Vec<f64>,
}

/// Measures `decide`, the gate and the journal. They are functions, not programs, so a bench target calls them in a loop.
fn heart(profile: &str, folder: &Path) -> Result<Vec<Row>, Trouble> {
    let words = ["bench", "--quiet", "--package", "xtask", "--bench", "heart", "--profile", profile, "--"];
    let said = read(cargo().args(words).arg(folder))?;
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or("");
    let heart: Heart = serde_json::from_str(line).map_err(|why| trouble("what the heart's bench said", why))?;
    let a_second: Vec<f64> = heart.committed_us.iter().map(|us| 1e6 / us).collect();
    Ok(vec![
        Row::new("`decide`", Unit::Nanoseconds, &heart.decide_ns),
        Row::new("a free call, decided, ended and recorded", Unit::Microseconds, &heart.free_us),
        Row::new("a paid call: the same, held and settled", Unit::Microseconds, &heart.paid_us).target(1_000.0),
        Row::new("a request to the model, held and settled", Unit::Microseconds, &heart.request_us).target(1_000.0),
        Row::new("journal: appends a second, committed", Unit::PerSecond, &a_second),
        Row::new("journal: one append, synced", Unit::Microseconds, &heart.synced_us),
        Row::new("the disk's own sync of 4 KiB, beside it", Unit::Microseconds, &heart.disk_sync_us),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_that_is_not_understood_says_which_word() {
        let said = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            wanted(&words).err().map(|trouble| trouble.0).unwrap_or_default()
        };
        assert_eq!(said("--json --runs 3 --profile dev --binary a"), "");
        assert!(said("--fast").starts_with("`--fast` is not understood"));
        assert!(said("--runs").starts_with("`--runs` needs a value"));
        assert!(said("--runs 0").starts_with("`0` is no number of runs"));
    }
}
