//! The built program on a pseudo-terminal, as a person has it: keys sent, the screen read, and every byte that was printed.
//!
//! Not here: any test.

use crate::support::{Home, PATIENCE, REMIT, wait_until};
use pty_process::blocking::{Command, Pty, open};
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The key that sends a line.
pub const ENTER: &str = "\r";
/// The key that goes to the next mode.
pub const TAB: &str = "\t";
/// The key that stops what runs.
pub const ESCAPE: &str = "\x1b";
/// The key that stops, and ends.
pub const CTRL_C: &str = "\x03";
/// The key that says that nothing more comes.
pub const CTRL_D: &str = "\x04";

/// The program on its terminal. One that is dropped is killed.
pub struct Terminal {
    /// The program.
    pub child: Child,
    pty: Arc<Pty>,
    screen: Arc<Mutex<vt100::Parser>>,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts it on a terminal of the usual size.
    pub fn start(home: &Home, args: &[&str]) -> Terminal {
        Terminal::of_size(home, args, (24, 80))
    }

    /// Starts it on a terminal of so many rows and columns.
    pub fn of_size(home: &Home, args: &[&str], size: (u16, u16)) -> Terminal {
        Terminal::among(home, args, size, &[])
    }

    /// Starts it with further variables in its environment.
    pub fn among(home: &Home, args: &[&str], (rows, columns): (u16, u16), variables: &[(&str, &str)]) -> Terminal {
        let (pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        let command = Command::new(REMIT).args(args).env_clear().envs(home.environment());
        let command = command.env("TERM", "xterm-256color").current_dir(home.path("work"));
        let child = command.envs(variables.iter().copied()).spawn(pts).unwrap();
        let size = (NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
        let (pty, screen) = (Arc::new(pty), Arc::new(Mutex::new(vt100::Parser::new(size.0, size.1, 0))));
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (read, shown, kept) = (Arc::clone(&pty), Arc::clone(&screen), Arc::clone(&printed));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal whose program has ended cannot be read.
            while let Ok(count @ 1..) = (&*read).read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..count]);
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Terminal { child, pty, screen, printed }
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Everything that was ever printed, as it came, what the terminal echoed included.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().unwrap()).replace("\r\n", "\n")
    }

    /// The last line of the screen, where the mode is.
    pub fn status(&self) -> String {
        self.text().lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Writes a line and sends it when it is on the screen.
    pub fn say(&self, words: &str) {
        self.press(words);
        self.until(words);
        self.press(ENTER);
    }

    /// Waits until this is on the screen.
    pub fn until(&self, words: &str) {
        let since = Instant::now();
        while !self.text().contains(words) {
            assert!(since.elapsed() < PATIENCE, "still not on the screen: `{words}`, but:\n{}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until this was printed so many times.
    pub fn until_printed(&self, words: &str, times: usize) {
        let has_come = || self.printed().matches(words).count() >= times;
        wait_until(&format!("`{words}` printed {times} times:\n{}", self.printed()), has_come);
    }

    /// Answers the card about this with a key. One that comes too soon is not heeded, and is pressed once more.
    pub fn answer(&self, key: &str, about: &str) {
        let asks = format!("Allow? {about}");
        self.until(&asks);
        let is_gone = || !self.text().contains(&asks);
        wait_until(&format!("an answer to `{about}`"), || {
            thread::sleep(Duration::from_millis(400));
            self.press(key);
            let pressed = Instant::now();
            while !is_gone() && pressed.elapsed() < Duration::from_secs(2) {
                thread::sleep(Duration::from_millis(5));
            }
            is_gone()
        });
    }

    /// Leaves a session in which something was said by pressing Ctrl-C twice, and gives what the terminal shows afterwards.
    pub fn leave(mut self) -> String {
        self.end();
        self.until("to go on: remit --resume");
        self.text()
    }

    /// Presses Ctrl-C twice, and waits for the end.
    pub fn end(&mut self) {
        self.press(CTRL_C);
        self.until("once more ends");
        self.press(CTRL_C);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        wait_until("the terminal is given back", || !self.screen.lock().unwrap().screen().alternate_screen());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
