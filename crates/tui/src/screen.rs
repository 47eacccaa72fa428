//! The terminal itself: taken over, read, drawn on, and given back whatever happens.
//!
//! In reading order: this file has the loop; `taken` takes the terminal and gives it back; `ears` hears keys and signals;
//! `pace` says when to draw; `sequences` has the words that terminals understand; `links` and `selection` are what is done with
//! what was drawn.
//!
//! Not here: what any key does (that is `app`), or the session (it is at the other end of two channels).

mod ears;
mod links;
mod pace;
mod selection;
mod sequences;
mod taken;

use crate::app::{App, Bell, Errand, Focus, Input};
use crate::composer::Composer;
use crate::highlight;
use crate::theme::{Depth, Ground, Theme};
use crate::view;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ears::Ears;
use links::Links;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use selection::Selection;
use sequences::Multiplexer;
use std::io::{self, BufWriter, Stdout, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;
use taken::Taken;

/// The most that is taken in before the screen is drawn once more.
const MOST_INPUTS: usize = 1_000;

/// Has the person write on in an editor of their own, which has the terminal meanwhile: what is written then, or why nothing is.
pub type Editor = Box<dyn FnMut(&str) -> Result<String, String>>;

/// What is between the screen and the rest of the program.
pub struct Wires {
    /// Where keys go, and everything else that happens.
    pub input: Sender<Input>,
    /// What happens.
    pub inputs: Receiver<Input>,
    /// Who sees to what is to be done, but for what is the terminal's own: the bell, the clipboard, the ground, the editor.
    pub carry_out: Box<dyn FnMut(Errand)>,
    /// The editor of the person's own.
    pub edit: Editor,
    /// The ground to draw for, where the person has said it.
    pub ground: Option<Ground>,
    /// What the person has sent on other days, the oldest first.
    pub sent: Vec<String>,
}

/// Shows the session until the person leaves, or the terminal goes. The terminal is as it was afterwards, after a panic too.
///
/// # Errors
/// When the terminal cannot be read or written.
pub fn run(wires: Wires, environment: impl Fn(&str) -> Option<String>) -> io::Result<()> {
    let taken = Taken::take(wires.input.clone())?;
    let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout())))?;
    let ears = Ears::open(wires.input.clone())?;
    let mut composer = Composer::new();
    composer.invite("what do you want done?");
    composer.load(wires.sent.clone());
    let told = Ground::of(&environment);
    let theme = Theme::new(Depth::of(&environment), wires.ground.unwrap_or(told));
    let loaded = wires.input.clone();
    highlight::load_beside(move || drop(loaded.send(Input::Tick)));
    let mut screen = Screen {
        app: App::new(composer),
        theme,
        told,
        terminal,
        links: Links::of(&environment),
        selection: Selection::default(),
        multiplexer: Multiplexer::of(&environment),
        title: String::new(),
        focus: None,
        ears,
        taken,
        clock: Instant::now(),
    };
    match screen.show(wires) {
        // Nobody is there any more to be told that nobody is there.
        Err(why) if is_gone(&why) => Ok(()),
        ended => ended,
    }
}

type Screenful = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

/// The state with the terminal that it is drawn on.
struct Screen {
    app: App,
    theme: Theme,
    /// What the terminal tells of its ground.
    told: Ground,
    terminal: Screenful,
    links: Links,
    selection: Selection,
    multiplexer: Multiplexer,
    /// The title of the window, as it was set last.
    title: String,
    /// Whether the keys go to this window; a terminal that does not tell leaves it open.
    focus: Option<Focus>,
    ears: Ears,
    taken: Taken,
    clock: Instant,
}

/// Whether the screen goes on.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Draws,
    Ends,
}

impl Screen {
    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn show(&mut self, mut wires: Wires) -> io::Result<()> {
        loop {
            self.draw()?;
            let drawn = Instant::now();
            let Some(inputs) = self.heard(&wires.inputs, drawn) else { return Ok(()) };
            if self.ears.is_gone() {
                return Ok(());
            }
            if self.ears.was_continued() {
                self.retake()?;
            }
            for input in inputs.into_iter().chain([Input::Tick]) {
                if self.take_in(input, &mut wires)? == Next::Ends {
                    return Ok(());
                }
            }
        }
    }

    /// Waits for what happens next, and takes what has come with it: what the session says is waited for until a frame is due,
    /// a key is not. `None` when nobody is left to say anything.
    fn heard(&self, inputs: &Receiver<Input>, drawn: Instant) -> Option<Vec<Input>> {
        let mut heard = match inputs.recv_timeout(pace::rest(&self.app, self.now())) {
            Ok(input) => vec![input],
            Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        loop {
            heard.extend(inputs.try_iter().take(MOST_INPUTS - heard.len()));
            let wait = pace::FRAME.saturating_sub(drawn.elapsed());
            if heard.len() >= MOST_INPUTS || wait.is_zero() || heard.iter().any(|input| !pace::can_wait(input)) {
                return Some(heard);
            }
            if let Ok(input) = inputs.recv_timeout(wait) {
                heard.push(input);
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.app.composer.fit(size.width, size.height / 3);
        let now = self.now();
        let (app, theme, selection) = (&self.app, &self.theme, &mut self.selection);
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.terminal.draw(|frame| {
            view::draw(app, frame, theme, now);
            selection.paint(frame.buffer_mut());
        })?;
        let found = self.links.find(drawn.buffer);
        let out = self.terminal.backend_mut();
        self.links.refresh(found, out)?;
        let title = sequences::title_words(&self.app);
        if title != self.title {
            out.write_all(sequences::title(&title).as_bytes())?;
            self.title = title;
        }
        queue!(out, EndSynchronizedUpdate)?;
        io::Write::flush(out)?;
        let now = self.now();
        self.app.was_drawn(now);
        match self.selection.take_text() {
            Some(text) => self.copy(&text),
            None => Ok(()),
        }
    }

    fn take_in(&mut self, input: Input, wires: &mut Wires) -> io::Result<Next> {
        match &input {
            Input::Key(key) if is_suspend(key) => {
                self.suspend()?;
                return Ok(Next::Draws);
            }
            Input::Key(_) | Input::Paste(_) | Input::Wheel(_) => self.selection.clear(),
            Input::Focus(focus) => self.focus = Some(*focus),
            Input::Tick => self.ears.drags().into_iter().for_each(|drag| self.selection.drag(drag)),
            _ => {}
        }
        let now = self.now();
        for errand in self.app.update(input, now) {
            if self.carry_out(errand, wires)? == Next::Ends {
                return Ok(Next::Ends);
            }
        }
        Ok(Next::Draws)
    }

    /// Sees to what is the terminal's own, and passes on all else.
    fn carry_out(&mut self, errand: Errand, wires: &mut Wires) -> io::Result<Next> {
        match errand {
            Errand::Quit => return Ok(Next::Ends),
            Errand::Ring(bell) => self.ring(&bell)?,
            Errand::Copy(text) => self.copy(&text)?,
            Errand::Ground(ground) => {
                self.theme = Theme::new(self.theme.depth(), ground.unwrap_or(self.told));
            }
            Errand::Edit(text) => {
                self.ears.pause();
                self.taken.give_back();
                let written = (wires.edit)(&text);
                self.retake()?;
                self.ears.listen();
                let _ = wires.input.send(Input::Edited(written));
            }
            other => (wires.carry_out)(other),
        }
        Ok(Next::Draws)
    }

    /// Calls the person: with a line where the window is known to be out of sight, and with the bell but where they are
    /// here and only the work is over.
    fn ring(&mut self, bell: &Bell) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        let line = match (bell, self.focus) {
            (Bell::Ended(_), Some(Focus::Gained)) => return Ok(()),
            (Bell::Asks(line), Some(Focus::Lost)) => format!("Remit asks: {line}"),
            (Bell::Ended(line), Some(Focus::Lost)) => format!("Remit: {line}"),
            (_, Some(Focus::Gained) | None) => String::new(),
        };
        if !line.is_empty() {
            out.write_all(self.multiplexer.passed(&sequences::notification(&line)).as_bytes())?;
        }
        out.write_all(sequences::BELL.as_bytes())?;
        io::Write::flush(out)
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        if text.len() > sequences::MOST_COPIED {
            let why =
                format!("a text of {} kB is too long for the terminal's clipboard; try /export", text.len() / 1_024);
            let now = self.now();
            let _ = self.app.update(Input::Trouble(why), now);
            return Ok(());
        }
        let copy = sequences::clipboard(text);
        let out = self.terminal.backend_mut();
        // A multiplexer may have a clipboard of its own, and may let this through to the terminal.
        out.write_all(copy.as_bytes())?;
        if self.multiplexer == Multiplexer::Tmux {
            out.write_all(self.multiplexer.passed(&copy).as_bytes())?;
        }
        io::Write::flush(out)
    }

    /// Stops the program until the shell lets it go on.
    fn suspend(&mut self) -> io::Result<()> {
        self.taken.give_back();
        self.ears.stop_all();
        self.retake()
    }

    /// Takes the terminal again, and draws all of it.
    fn retake(&mut self) -> io::Result<()> {
        self.taken.retake()?;
        self.links.forget();
        self.title.clear();
        // What the library has for this asks the terminal where its cursor is, and the answer would be taken for keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

fn is_suspend(key: &KeyEvent) -> bool {
    key.code == KeyCode::Char('z') && key.modifiers == KeyModifiers::CONTROL
}

/// Whether an error says that there is no terminal any more.
fn is_gone(why: &io::Error) -> bool {
    why.kind() == io::ErrorKind::BrokenPipe || why.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
