//! The state of the terminal: one struct, changed by one function.
//!
//! In reading order: `hear` takes in what the session says; `keys` says whom a key is for; `asked` has the open questions and
//! what answers them; `write` does what was written, sent and queued; `order` carries out the commands; `look` shows what the
//! session answered to a look, and `pick` does what was picked from a list.
//!
//! Not here: drawing it (that is `view`), reading keys (that is `screen`), or any decision: what a mode is and what it runs
//! the session says.

mod asked;
mod hear;
mod keys;
mod look;
mod order;
mod pick;
#[cfg(test)]
mod tests;
mod write;

pub use crate::errand::{
    Bell, Errand, Focus, Input, ListKind, ListRow, Listing, Opening, Page, Sheet, ShellSaid, WheelTurn,
};
pub use asked::Deck;
pub use keys::{MODE_MS, Pending, Twice};

use crate::composer::Composer;
use crate::picker::Picker;
use crate::roll::Roll;
use crate::transcript::{Cell, Transcript};
use wire::{Aspect, ControlRequest};

/// How far a turn of the wheel scrolls.
const WHEEL: usize = 3;

/// What the session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It waits for the person.
    Idle,
    /// It works, since this moment.
    Works(u64),
    /// It was told to stop.
    Stops,
}

/// What the session said of itself first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionLine {
    /// Its name.
    pub id: String,
    /// The model.
    pub model: String,
    /// The folder.
    pub workspace: String,
    /// Its title; empty until something was said.
    pub title: String,
}

/// What is over the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// A text to be read, and how far it was.
    Page(Page, Roll),
    /// A list to pick from.
    Picker(Picker),
}

/// Whether what the session says happens now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// It may be the past, told again.
    #[default]
    Past,
    /// It happens now.
    Now,
}

/// What is kept in mind and is not on the screen.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    /// Whether what the session says happens now.
    pub told: Told,
    /// What the person said in this session, in order.
    pub said: Vec<String>,
    /// What to write once another session is there: the message before which it forks.
    pub carried: Option<String>,
    /// What the list that was asked for is searched for.
    pub search: String,
    /// Whether a list was changed, and so may come once more without having been asked for.
    pub list_changed: bool,
    /// What to look at again when the session has done what it was told.
    pub look_again: Option<Aspect>,
    /// Since when a command of the person's own runs.
    pub shell_ms: Option<u64>,
    /// The files of the workspace, as they were last listed.
    pub files: write::FileList,
}

/// Everything that is on the screen.
#[derive(Debug)]
pub struct App {
    /// What the session is.
    pub about: SessionLine,
    /// The mode, as the session said it last.
    pub mode: String,
    /// The mode with what is left, as the session said it last.
    pub chip: String,
    /// The mode that is about to be set.
    pub pending: Option<Pending>,
    /// What was said and done.
    pub transcript: Transcript,
    /// Where the person writes.
    pub composer: Composer,
    /// What is asked.
    pub cards: Deck,
    /// What the session is doing.
    pub phase: Phase,
    /// What is over the transcript.
    pub over: Option<Over>,
    /// What is sent when the model is done, the first first.
    pub queue: Vec<String>,
    /// The first press of a key that must be pressed twice.
    pub twice: Option<Twice>,
    /// What is kept in mind and is not on the screen.
    pub aside: Aside,
}

impl App {
    /// A screen on which nothing has happened.
    pub fn new(composer: Composer) -> App {
        App {
            about: SessionLine::default(),
            mode: String::new(),
            chip: String::new(),
            pending: None,
            transcript: Transcript::default(),
            composer,
            cards: Deck::default(),
            phase: Phase::Idle,
            over: None,
            queue: Vec::new(),
            twice: None,
            aside: Aside::default(),
        }
    }

    /// Takes in what happened and says what is to be done about it. `now_ms` is a clock that never goes back.
    pub fn update(&mut self, input: Input, now_ms: u64) -> Vec<Errand> {
        match input {
            Input::Key(key) => return self.key(key, now_ms),
            Input::Paste(text) => return self.paste(text, now_ms),
            Input::Wheel(WheelTurn::Up) => self.scroll_up(WHEEL),
            Input::Wheel(WheelTurn::Down) => self.scroll_down(WHEEL),
            Input::Event(event) => return self.hear(*event, now_ms),
            Input::Reply(reply) => return self.replied(*reply),
            Input::Page(page) => self.read(page),
            Input::Listed(listing) => self.listed(listing),
            Input::Files(files) => self.files_came(files, now_ms),
            Input::Shell(said) => self.shell_said(said),
            Input::Edited(Ok(text)) => self.composer.set(text.trim_end_matches('\n').to_owned()),
            Input::Edited(Err(why)) => self.trouble(why),
            Input::Notice(text) => self.transcript.push(Cell::Notice(text)),
            Input::Trouble(text) => {
                self.aside.carried = None;
                self.trouble(text);
            }
            Input::Focus(_) => {}
            Input::Tick => return self.tick(now_ms),
        }
        Vec::new()
    }

    /// Notes that all this was on the screen at that moment.
    pub fn was_drawn(&mut self, now_ms: u64) {
        self.cards.was_drawn(now_ms);
    }

    /// Whether the screen will be another after a while without anything happening.
    pub fn changes_by_itself(&self) -> bool {
        self.phase != Phase::Idle || self.pending.is_some() || self.twice.is_some() || self.aside.shell_ms.is_some()
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Errand> {
        self.twice.take_if(|twice| twice.is_over(now_ms));
        match self.pending.take_if(|pending| now_ms.saturating_sub(pending.since_ms) >= MODE_MS) {
            Some(pending) if self.is_in(pending.mode) => Vec::new(),
            Some(pending) => vec![Errand::Send(ControlRequest::SetMode { mode: pending.mode.to_owned() })],
            None => Vec::new(),
        }
    }

    /// Whether the session is in this mode of the cycle, whatever its cap.
    fn is_in(&self, mode: &str) -> bool {
        self.mode.split(':').next() == Some(mode)
    }

    /// Shows a text over the transcript.
    fn read(&mut self, page: Page) {
        let mut roll = Roll::default();
        roll.down(page.past);
        self.over = Some(Over::Page(page, roll));
    }

    fn scroll_up(&mut self, lines: usize) {
        match &mut self.over {
            Some(Over::Page(_, roll)) => roll.up(lines),
            Some(Over::Picker(picker)) => picker.up(lines),
            None => self.transcript.up(lines),
        }
    }

    fn scroll_down(&mut self, lines: usize) {
        match &mut self.over {
            Some(Over::Page(_, roll)) => roll.down(lines),
            Some(Over::Picker(picker)) => picker.down(lines),
            None => self.transcript.down(lines),
        }
    }

    /// Says something by the way.
    fn notice(&mut self, text: impl Into<String>) {
        self.transcript.push(Cell::Notice(text.into()));
    }

    /// Says what did not go as it should, on the list too that is over the transcript.
    fn trouble(&mut self, text: impl Into<String>) {
        let text = text.into();
        if let Some(Over::Picker(picker)) = &mut self.over {
            picker.say(text.clone());
        }
        self.transcript.push(Cell::Trouble(text));
    }
}
