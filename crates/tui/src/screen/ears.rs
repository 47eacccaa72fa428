//! Hears the terminal: keys, the mouse, and signals, each in a thread of its own.
//!
//! Not here: what any of it does.
//!
//! The library that reads keys goes round and round when there is nothing to read any more, so a thread looks for the end of the
//! terminal beside it, and then gives it something to wait for.

use super::selection::Drag;
use crate::app::{Focus, Input, WheelTurn};
use crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long to wait for the thread that reads keys to rest, and for a program that was stopped to be let go on.
const PATIENCE: Duration = Duration::from_millis(300);
/// The most movements of the mouse that wait to be followed.
const MOST_DRAGS: usize = 1_000;

/// What is heard, and who hears it.
pub struct Ears {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    reading: Reading,
    terminal: Presence,
    running: Running,
    drags: Vec<Drag>,
}

/// What the thread does that reads keys.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Reading {
    #[default]
    Reads,
    /// It is to rest.
    Asked,
    Rests,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Presence {
    #[default]
    There,
    Gone,
}

/// Whether the program was stopped and let go on again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Running {
    #[default]
    Always,
    Again,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for this, or until patience is at its end.
    fn wait(&self, is_so: impl Fn(&State) -> bool) {
        let waited = self.changed.wait_timeout_while(self.state(), PATIENCE, |state| !is_so(state));
        drop(waited);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Rests for as long as it is asked for.
    fn rest(&self) {
        let mut state = self.state();
        while state.reading != Reading::Reads {
            state.reading = Reading::Rests;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Ears {
    /// Begins to hear; what is heard goes to `input`.
    pub fn open(input: Sender<Input>) -> io::Result<Ears> {
        let shared = Arc::new(Shared::default());
        let signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGCONT])?;
        spawn(&shared, &input, move |shared, input| hear_signals(signals, shared, input));
        spawn(&shared, &input, hear_keys);
        spawn(&shared, &input, await_the_end);
        Ok(Ears { shared })
    }

    /// Whether the terminal is gone, or the program was told to end.
    pub fn is_gone(&self) -> bool {
        self.shared.state().terminal == Presence::Gone
    }

    /// Whether the program was stopped and let go on since this was asked last.
    pub fn was_continued(&self) -> bool {
        std::mem::take(&mut self.shared.state().running) == Running::Again
    }

    /// What the mouse did since this was asked last.
    pub fn drags(&self) -> Vec<Drag> {
        std::mem::take(&mut self.shared.state().drags)
    }

    /// Reads no key until [`Ears::listen`], so that another program can.
    pub fn pause(&self) {
        self.shared.change(|state| state.reading = Reading::Asked);
        // It waits for a key; that the window may have another size wakes it too.
        let _ = kill_process(getpid(), Signal::WINCH);
        self.shared.wait(|state| state.reading == Reading::Rests);
    }

    /// Reads keys again.
    pub fn listen(&self) {
        self.shared.change(|state| state.reading = Reading::Reads);
    }

    /// Stops the program, with what the shell started beside it, until it is let go on.
    pub fn stop_all(&self) {
        self.shared.change(|state| state.running = Running::Always);
        if kill_current_process_group(Signal::TSTP).is_ok() {
            // Where no shell is there to let it go on, it is not stopped either.
            self.shared.wait(|state| state.running == Running::Again);
            self.shared.change(|state| state.running = Running::Always);
        }
    }
}

fn spawn(shared: &Arc<Shared>, input: &Sender<Input>, hear: impl FnOnce(&Shared, &Sender<Input>) + Send + 'static) {
    let (shared, input) = (Arc::clone(shared), input.clone());
    thread::spawn(move || hear(&shared, &input));
}

fn hear_signals(mut signals: Signals, shared: &Shared, input: &Sender<Input>) {
    for signal in signals.forever() {
        shared.change(|state| match signal {
            SIGCONT => state.running = Running::Again,
            // Another program has the terminal, and the key was meant for that.
            SIGINT if state.reading == Reading::Rests => {}
            _ => state.terminal = Presence::Gone,
        });
        if input.send(Input::Tick).is_err() {
            return;
        }
    }
}

fn hear_keys(shared: &Shared, input: &Sender<Input>) {
    loop {
        shared.rest();
        let heard = match event::read() {
            Ok(event) => heard(event, shared),
            Err(_) => break,
        };
        if heard.is_some_and(|heard| input.send(heard).is_err()) {
            return;
        }
    }
    shared.change(|state| state.terminal = Presence::Gone);
    let _ = input.send(Input::Tick);
}

fn heard(event: Event, shared: &Shared) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(key)),
        Event::Key(_) => None,
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Some(Input::Wheel(WheelTurn::Up)),
            MouseEventKind::ScrollDown => Some(Input::Wheel(WheelTurn::Down)),
            _ => {
                let drag = dragged(&mouse)?;
                shared.change(|state| {
                    // Of many movements only where they lead matters.
                    state.drags.truncate(MOST_DRAGS - 1);
                    state.drags.push(drag);
                });
                Some(Input::Tick)
            }
        },
        Event::FocusGained => Some(Input::Focus(Focus::Gained)),
        Event::FocusLost => Some(Input::Focus(Focus::Lost)),
        Event::Resize(..) => Some(Input::Tick),
    }
}

fn dragged(mouse: &MouseEvent) -> Option<Drag> {
    let (x, y) = (mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Drag::Pressed(x, y)),
        MouseEventKind::Drag(MouseButton::Left) => Some(Drag::Moved(x, y)),
        MouseEventKind::Up(MouseButton::Left) => Some(Drag::LetGo(x, y)),
        _ => None,
    }
}

/// Waits for the end of the terminal, and gives who reads keys something that never says anything.
fn await_the_end(shared: &Shared, input: &Sender<Input>) {
    loop {
        let terminal = rustix::stdio::stdin();
        let mut watched = [PollFd::new(&terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) if watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
    let silence = rustix::pipe::pipe();
    if let Ok((silent, _)) = &silence {
        let _ = rustix::stdio::dup2_stdin(silent);
    }
    shared.change(|state| state.terminal = Presence::Gone);
    let _ = input.send(Input::Tick);
    // The other end stays open for as long as the program lasts: a pipe without one has an end as well.
    std::mem::forget(silence);
}
