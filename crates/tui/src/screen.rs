//! The terminal itself: taken over, read, drawn on, and given back whatever happens.
//!
//! Not here: what any key does (that is `app`), or the session (it is at the other end of two channels).

use crate::app::{App, Errand, Input, WheelTurn};
use crate::composer::Composer;
use crate::theme::{Depth, Ground, Theme};
use crate::view;
use crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, KeyEventKind,
    MouseEventKind,
};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, Stdout, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often the screen looks at the clock while something is about to change by itself.
const TICK: Duration = Duration::from_millis(100);
/// How long it sleeps when nothing is.
const REST: Duration = Duration::from_secs(3_600);

/// What is between the screen and the rest of the program.
pub struct Wires {
    /// Where keys go, and everything else that happens.
    pub input: Sender<Input>,
    /// What happens.
    pub inputs: Receiver<Input>,
    /// Who sees to what is to be done; `false` when there is nobody any more.
    pub carry_out: Box<dyn FnMut(Errand)>,
}

/// Shows the session until the person leaves. The terminal is as it was afterwards, after a panic too.
///
/// # Errors
/// When the terminal cannot be read or written.
pub fn run(mut wires: Wires, environment: impl Fn(&str) -> Option<String>) -> io::Result<()> {
    let theme = Theme::new(Depth::of(&environment), Ground::of(&environment));
    let taken = Taken::take()?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    listen(wires.input.clone());
    let ended = show(&mut terminal, &mut wires, &theme);
    drop(taken);
    ended
}

fn show(terminal: &mut Terminal<CrosstermBackend<Stdout>>, wires: &mut Wires, theme: &Theme) -> io::Result<()> {
    let clock = Instant::now();
    let now = || u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut composer = Composer::new();
    composer.invite("what do you want done?");
    let mut app = App::new(composer);
    loop {
        let size = terminal.size()?;
        app.composer.fit(size.width, size.height / 3);
        terminal.draw(|frame| view::draw(&app, frame, theme, now()))?;
        app.was_drawn(now());
        let first = match wires.inputs.recv_timeout(if app.changes_by_itself() { TICK } else { REST }) {
            Ok(input) => input,
            Err(RecvTimeoutError::Timeout) => Input::Tick,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        // All that has come is taken in before the screen is drawn once more.
        let more: Vec<Input> = wires.inputs.try_iter().take(1_000).collect();
        for input in std::iter::once(first).chain(more).chain([Input::Tick]) {
            for effect in app.update(input, now()) {
                match effect {
                    Errand::Quit => return Ok(()),
                    Errand::Ring(_) => {
                        let mut out = io::stdout();
                        out.write_all(b"\x07")?;
                        out.flush()?;
                    }
                    other => (wires.carry_out)(other),
                }
            }
        }
    }
}

/// Reads keys in a thread of their own, for as long as the program lasts.
fn listen(input: Sender<Input>) {
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let heard = match event {
                event::Event::Key(key) if key.kind != KeyEventKind::Release => Input::Key(key),
                event::Event::Paste(text) => Input::Paste(text),
                event::Event::Mouse(mouse) => match mouse.kind {
                    MouseEventKind::ScrollUp => Input::Wheel(WheelTurn::Up),
                    MouseEventKind::ScrollDown => Input::Wheel(WheelTurn::Down),
                    _ => continue,
                },
                event::Event::Resize(..) => Input::Tick,
                _ => continue,
            };
            if input.send(heard).is_err() {
                return;
            }
        }
    });
}

/// The terminal, taken over. It is given back when this goes, and before a panic says its words.
struct Taken;

impl Taken {
    fn take() -> io::Result<Taken> {
        enable_raw_mode()?;
        let taken = Taken;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture)?;
        let otherwise = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            otherwise(panic);
        }));
        Ok(taken)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // Nothing can be done about a terminal that does not hear this.
    let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}
