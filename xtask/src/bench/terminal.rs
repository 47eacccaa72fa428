//! The terminal with a long conversation on it: how soon a key is seen, what it takes while nobody does anything, and what
//! a line of the conversation costs in memory.
//!
//! Not here: drawing alone (that is `benches/screen.rs`). The program has a pseudo-terminal, and the times are of the other
//! end: from a key that was sent to the character that comes back.

use super::report::{Row, Unit};
use crate::run::{Trouble, trouble};
use pty_process::blocking::{Command, Pty, open};
use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How many messages the model says, each followed by a call; the longest conversation is measured on besides.
const MESSAGES: [usize; 3] = [25, 50, 100];
/// How many lines each of them has.
const LINES: usize = 1_000;
/// Keys that no sequence of a terminal ends in, so that one in its output is the key.
const KEYS: [&str; 4] = ["z", "x", "v", "k"];
/// How many keys are pressed.
const PRESSED: usize = 100;
/// How often it is started.
const STARTED: usize = 7;
/// How long nobody does anything.
const IDLE: Duration = Duration::from_secs(5);
/// A terminal that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a key may take.
const KEY_PATIENCE: Duration = Duration::from_secs(5);
/// How long the program has to become quiet.
const QUIET: Duration = Duration::from_millis(300);
/// The terminal's size.
const ROWS: NonZero<u16> = NonZero::new(40).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(120).unwrap();

/// The program on its terminal.
struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    /// What it draws.
    output: Receiver<Vec<u8>>,
    /// What that comes to.
    screen: vt100::Parser,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It is ours, and what is measured is over.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the conversation and measures on it.
pub fn rows(binary: &Path, folder: &Path) -> Result<Vec<Row>, Trouble> {
    let home = folder.join("terminal");
    lay(&home).map_err(|why| trouble(home.display(), why))?;
    let mut shown = Vec::with_capacity(STARTED);
    for _ in 0..STARTED {
        let started = Instant::now();
        start(binary, &home, "short.toml")?.until("uncapped")?;
        shown.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let mut memory = Vec::new();
    for messages in &MESSAGES[..MESSAGES.len() - 1] {
        let mut terminal = begun(binary, &home, *messages)?;
        memory.push(terminal.grows(*messages)?);
    }
    let longest = MESSAGES[MESSAGES.len() - 1];
    let mut terminal = begun(binary, &home, longest)?;
    let before = resident(terminal.child.id())?;
    let short = terminal.echoes()?;
    memory.push(terminal.grows(longest)?);
    let after = resident(terminal.child.id())?;
    let long = terminal.echoes()?;
    terminal.press("\x15")?;
    terminal.press("\x1b[5~\x1b[5~\x1b[5~")?;
    terminal.quiet();
    let scrolled = terminal.echoes()?;
    terminal.press("\x15")?;
    terminal.quiet();
    let idle = idle_percent(terminal.child.id())?;
    let mut rows = vec![
        Row::new("terminal: start to the mode on the screen", Unit::Milliseconds, &shown).target(50.0),
        Row::new("terminal: key to echo, nothing said yet", Unit::Milliseconds, &short).target(16.0),
        Row::new("terminal: key to echo, 100,000 lines", Unit::Milliseconds, &long).target(16.0),
        Row::new("terminal: key to echo, 100,000 lines, scrolled up", Unit::Milliseconds, &scrolled).target(16.0),
        Row::new("terminal: processor while idle, 100,000 lines", Unit::Percent, &[idle]).target(0.1),
        Row::new("terminal: memory before anything is said", Unit::Mebibytes, &[before / 1024.0]),
        Row::new("terminal: memory, 100,000 lines", Unit::Mebibytes, &[after / 1024.0]),
    ];
    rows.extend(MESSAGES.iter().zip(memory).map(|(messages, a_line)| {
        Row::new(format!("terminal: memory for a line, of {},000", messages * LINES / 1_000), Unit::Bytes, &[a_line])
    }));
    Ok(rows)
}

/// The program before so many messages, with nothing said yet.
fn begun(binary: &Path, home: &Path, messages: usize) -> Result<Terminal, Trouble> {
    let mut terminal = start(binary, home, &script(messages))?;
    terminal.until("uncapped")?;
    terminal.quiet();
    Ok(terminal)
}

/// The file of the model that says so many messages.
fn script(messages: usize) -> String {
    format!("{messages}.toml")
}

fn lay(home: &Path) -> std::io::Result<()> {
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::create_dir_all(home.join("work"))?;
    let line = |number: usize| match number % 20 {
        0 => format!("\\n## Part {number}\\n"),
        1..=4 => format!("- a point about shard {number}, with `code` and **weight**"),
        _ => format!("Line {number} of the account says what was found there and what follows from it."),
    };
    let text: String = (0..LINES).map(|number| format!("{}\\n", line(number))).collect();
    let turn = |number| {
        format!("[[turn]]\ntext = \"{text}\"\ncalls = [{{ tool = \"list\", args = {{ limit = {number} }} }}]\n")
    };
    for messages in MESSAGES {
        let turns: String = (1..=messages).map(turn).collect();
        fs::write(home.join(script(messages)), format!("{turns}[[turn]]\ntext = \"It is all said.\"\n"))?;
    }
    fs::write(home.join("short.toml"), "[[turn]]\ntext = \"Done.\"\n")
}

fn start(binary: &Path, home: &Path, script: &str) -> Result<Terminal, Trouble> {
    let opened = open().and_then(|(pty, pts)| {
        pty.resize(pty_process::Size::new(ROWS.get(), COLUMNS.get()))?;
        let script = format!("script:{}", home.join(script).display());
        let command = Command::new(binary).args(["--mode", "yolo:uncapped", "--model", &script]).env_clear();
        let command = command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
        let command = command.env("TERM", "xterm-256color").current_dir(home.join("work"));
        Ok((pty, command.spawn(pts)?))
    });
    let (pty, child) = opened.map_err(|why| trouble("starting the program on a terminal", why))?;
    let pty = Arc::new(pty);
    let (read, (tell, output)) = (Arc::clone(&pty), channel());
    thread::spawn(move || {
        let mut bytes = [0; 64 * 1024];
        while let Ok(count @ 1..) = (&*read).read(&mut bytes) {
            if tell.send(bytes[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    Ok(Terminal { child, pty, output, screen: vt100::Parser::new(ROWS, COLUMNS, 0) })
}

impl Terminal {
    fn press(&self, keys: &str) -> Result<(), Trouble> {
        (&*self.pty).write_all(keys.as_bytes()).map_err(|why| trouble("the terminal's keys", why))
    }

    /// Waits until these words are on the screen.
    fn until(&mut self, words: &str) -> Result<(), Trouble> {
        let start = Instant::now();
        while !self.screen.screen().contents().contains(words) {
            let Ok(bytes) = self.output.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) else {
                let shown = self.screen.screen().contents();
                return Err(Trouble(format!("the terminal does not show `{words}`, but:\n{shown}")));
            };
            self.screen.process(&bytes);
        }
        Ok(())
    }

    /// Waits until a key comes back among what is drawn.
    fn until_key(&mut self, key: &str) -> Result<(), Trouble> {
        loop {
            let Ok(bytes) = self.output.recv_timeout(KEY_PATIENCE) else {
                return Err(Trouble(format!("the terminal does not show the key `{key}`")));
            };
            self.screen.process(&bytes);
            if bytes.windows(key.len()).any(|window| window == key.as_bytes()) {
                return Ok(());
            }
        }
    }

    /// Waits until nothing was drawn for a while.
    fn quiet(&mut self) {
        while let Ok(bytes) = self.output.recv_timeout(QUIET) {
            self.screen.process(&bytes);
        }
    }

    /// Has all of the messages said, and gives what a line of them takes in memory, in bytes.
    fn grows(&mut self, messages: usize) -> Result<f64, Trouble> {
        let before = resident(self.child.id())?;
        self.press("\x15go\r")?;
        self.until("It is all said.")?;
        self.quiet();
        let grown = (resident(self.child.id())? - before).max(0.0);
        Ok(grown * 1024.0 / (messages * LINES) as f64)
    }

    /// Presses keys one by one, and measures until each is seen.
    fn echoes(&mut self) -> Result<Vec<f64>, Trouble> {
        let mut times = Vec::with_capacity(PRESSED);
        for key in KEYS.iter().cycle().take(PRESSED) {
            let start = Instant::now();
            self.press(key)?;
            self.until_key(key)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    }
}

/// The program's resident memory, in KiB.
fn resident(id: u32) -> Result<f64, Trouble> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).map_err(|why| trouble("its memory", why))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| Trouble("the kernel does not say how much memory it has".to_owned()))
}

/// The share of a processor that all its threads take while nobody does anything.
fn idle_percent(id: u32) -> Result<f64, Trouble> {
    let before = on_processor_ns(id)?;
    thread::sleep(IDLE);
    let used = on_processor_ns(id)?.saturating_sub(before);
    Ok(used as f64 / IDLE.as_nanos() as f64 * 100.0)
}

/// How long all threads of a program were on a processor, in nanoseconds.
fn on_processor_ns(id: u32) -> Result<u64, Trouble> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).map_err(|why| trouble("its threads", why))?;
    let times = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(times.sum())
}
