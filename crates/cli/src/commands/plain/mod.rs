//! `remit --plain`: the session of the terminal without a screen, for screen readers and logs. What happens is printed line by
//! line, and what the person types is read line by line; nothing that was printed is ever changed.
//!
//! In reading order: [`question`] is what is asked, in words; [`state`] says what is printed and what a line means; this file
//! reads lines and signals.
//!
//! Not here: the session (it is at the other end of the wires, as for the screen), or any opinion about what may run.

mod question;
mod state;

use crate::draw::{Colours, Human};
use state::{Heard, Plain};
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};
use tui::errand::Errand;
use tui::screen::Wires;

/// The longest line that is read, in bytes. A terminal gives fewer.
const LONGEST_LINE: u64 = 64 << 10;

/// Shows the session until the person leaves.
///
/// # Errors
/// When what happens cannot be printed.
pub fn run(wires: Wires) -> io::Result<()> {
    let Wires { input, inputs, mut carry_out, .. } = wires;
    // Nobody sends keys.
    drop(input);
    let clock = Instant::now();
    let (tell, heard) = mpsc::channel();
    let of_session = tell.clone();
    thread::spawn(move || {
        for input in inputs {
            if of_session.send(Heard::Input(Box::new(input))).is_err() {
                return;
            }
        }
    });
    read_lines(tell.clone(), clock);
    hear_signals(tell)?;
    let mut plain = Plain::new(Human::new(io::stdout(), Colours::of_stdout()));
    for heard in heard {
        for errand in plain.hear(heard, ms(clock))? {
            match errand {
                Errand::Quit => return Ok(()),
                other => carry_out(other),
            }
        }
        plain.was_printed(ms(clock));
    }
    Ok(())
}

fn ms(clock: Instant) -> u64 {
    u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Reads lines in a thread of their own, each with the moment at which it came.
fn read_lines(tell: Sender<Heard>, clock: Instant) {
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            let heard = match read {
                Ok(1..) => Heard::Line { text: String::from_utf8_lossy(&line).into_owned(), at_ms: ms(clock) },
                Ok(0) | Err(_) => Heard::NoMore,
            };
            let is_over = matches!(heard, Heard::NoMore);
            if tell.send(heard).is_err() || is_over {
                return;
            }
        }
    });
}

/// Hears Ctrl-C, and whoever ends this program or its terminal.
fn hear_signals(tell: Sender<Heard>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let guard = runtime.enter();
    let mut interrupts = signal(SignalKind::interrupt())?;
    let (mut ends, mut hangs_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    drop(guard);
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let heard = tokio::select! {
                    _ = interrupts.recv() => Heard::Interrupt,
                    _ = ends.recv() => Heard::Ended,
                    _ = hangs_up.recv() => Heard::Ended,
                };
                if tell.send(heard).is_err() {
                    return;
                }
            }
        });
    });
    Ok(())
}
