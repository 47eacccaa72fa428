//! Other programs: this test binary started again, in a role that the environment names.
//!
//! Not here: what the tests expect of them.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::{Draft, Durability, IfMissing, Journal, JournalError, Log};

use crate::id;

/// What a program does; each says what happens in lines on its standard output.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Resumes the session, says `owned`, and waits for the end of its input.
    Own,
    /// Resumes the session and appends so many batches of small records, saying `ack` and the head after each.
    Write(u32),
    /// The same with records of 200 KiB.
    WriteLarge(u32),
    /// Appends until it fails, then once more, saying `failed` and the error's name each time.
    Fill,
    /// The same with records of 4 MiB.
    FillLarge,
}

impl Role {
    /// The role as its program reads it: a word and a number.
    fn words(self) -> (&'static str, u32) {
        match self {
            Role::Own => ("own", 0),
            Role::Write(batches) => ("write", batches),
            Role::WriteLarge(batches) => ("write-large", batches),
            Role::Fill => ("fill", u32::MAX),
            Role::FillLarge => ("fill-large", u32::MAX),
        }
    }
}

const ROLE: &str = "JOURNAL_TEST_ROLE";
const FILE: &str = "JOURNAL_TEST_FILE";
const BATCHES: &str = "JOURNAL_TEST_BATCHES";
const RUN: &str = "JOURNAL_TEST_RUN";

/// The arguments that make this test binary one of these programs.
pub const ARGUMENTS: [&str; 4] = ["--exact", "programs::a_program_of_its_own", "--ignored", "--nocapture"];

/// Prepares a program; `run` is a number that marks what it writes.
pub fn program(role: Role, file: &Path, run: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(ARGUMENTS);
    set_role(&mut command, role, file, run);
    command
}

/// Prepares a program that may not make any file larger than so many blocks of 512 bytes.
///
/// The kernel's answer to a larger file is a signal that ends the program in the middle of its write, or, where that signal
/// is ignored, an error.
pub fn limited(role: Role, file: &Path, blocks: u32, beyond: Beyond) -> Command {
    let trap = match beyond {
        Beyond::Dies => "",
        Beyond::Fails => "trap '' XFSZ; ",
    };
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{trap}ulimit -c 0; ulimit -f {blocks}; exec \"$@\"")).arg("sh");
    command.arg(std::env::current_exe().unwrap()).args(ARGUMENTS);
    set_role(&mut command, role, file, blocks);
    command
}

/// What happens to a program that writes beyond its limit.
#[derive(Clone, Copy, Debug)]
pub enum Beyond {
    Dies,
    Fails,
}

/// Tells a program its role.
pub fn set_role(command: &mut Command, role: Role, file: &Path, run: u32) {
    let (word, batches) = role.words();
    command.env(ROLE, word).env(BATCHES, batches.to_string()).env(FILE, file).env(RUN, run.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
}

#[tokio::test]
#[ignore = "a program of its own, started by other tests"]
async fn a_program_of_its_own() {
    let (Ok(role), Ok(file), Ok(run)) = (std::env::var(ROLE), std::env::var(FILE), std::env::var(RUN)) else { return };
    let batches: u32 = std::env::var(BATCHES).unwrap().parse().unwrap();
    let opened = match Journal::open(Path::new(&file), IfMissing::Create).await {
        Ok(journal) => journal.resume(&id("s")).await,
        Err(error) => Err(error),
    };
    let mut log = match opened {
        Ok(log) => log,
        Err(error) => return say_failed(&error),
    };
    match role.as_str() {
        "own" => {
            say("owned");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        "write" => write(&mut log, &run, batches, 400).await.unwrap(),
        "write-large" => write(&mut log, &run, batches, 200 << 10).await.unwrap(),
        "fill" | "fill-large" => {
            let bytes = if role == "fill" { 400 } else { 4 << 20 };
            for _ in 0..2 {
                say_failed(&write(&mut log, &run, batches, bytes).await.unwrap_err());
            }
        }
        other => panic!("no such role: {other}"),
    }
}

/// Appends batches of one to four records; a record's kind says its run, its batch, its place and the batch's length.
async fn write(log: &mut Log, run: &str, batches: u32, bytes: usize) -> Result<(), JournalError> {
    let body = "x".repeat(bytes);
    for batch in 1..=batches {
        let length = 1 + batch % 4;
        let kinds: Vec<String> = (1..=length).map(|place| format!("{run} {batch} {place} {length}")).collect();
        let drafts: Vec<_> = kinds.iter().map(|kind| Draft { at_ms: 0, kind, body: &body }).collect();
        let durability = if batch % 5 == 0 { Durability::Synced } else { Durability::Committed };
        let head = log.append(&drafts, durability).await?;
        say(&format!("ack {}", head.seq));
    }
    Ok(())
}

/// Says a line at once; the empty line before it ends whatever the test harness was printing.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "\n{line}\n").unwrap();
    stdout.flush().unwrap();
}

fn say_failed(error: &JournalError) {
    let debug = format!("{error:?}");
    let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap();
    say(&format!("failed {name}: {error}"));
}
