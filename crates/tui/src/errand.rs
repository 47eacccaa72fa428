//! What passes between the screen's state and the rest of the program: what happens, and what is to be done about it.
//!
//! Not here: doing it. The terminal's own errands are seen to by `screen`, all others by whoever opened it.

use crate::theme::Ground;
use crossterm::event::KeyEvent;
use wire::{ControlReply, ControlRequest, Event};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The wheel was turned, up or down.
    Wheel(WheelTurn),
    /// The session said something.
    Event(Box<Event>),
    /// The session answered a command.
    Reply(Box<ControlReply>),
    /// What was asked for to be read.
    Page(Page),
    /// What was asked for to be picked from.
    Listed(Listing),
    /// The files of the workspace, as paths from its root.
    Files(Vec<String>),
    /// The person's own command said something.
    Shell(ShellSaid),
    /// The person's editor was closed: what is written now, or why there is nothing.
    Edited(Result<String, String>),
    /// Something by the way, such as where an errand put what was asked for.
    Notice(String),
    /// An errand that could not be done, and why.
    Trouble(String),
    /// The terminal's window got or lost the keys.
    Focus(Focus),
    /// Time has passed, or the window has another size.
    Tick,
}

/// Which way the wheel was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WheelTurn {
    /// Away from the person.
    Up,
    /// Towards the person.
    Down,
}

/// Whether the person's keys go to this window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// They do.
    Gained,
    /// They go elsewhere.
    Lost,
}

/// A text to be read over the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// The text.
    pub text: String,
    /// How many lines were scrolled past.
    pub past: usize,
}

/// Things of one kind to pick from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What they are.
    pub kind: ListKind,
    /// The title over them.
    pub title: String,
    /// The things, best first.
    pub rows: Vec<ListRow>,
}

/// What can be listed outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// The sessions of the person.
    Sessions,
    /// The models that can be asked.
    Models,
}

/// One thing to pick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRow {
    /// How it is named to the program: the session's id, or the model as `PROVIDER/NAME`.
    pub id: String,
    /// How it is named to the person, and what is searched.
    pub label: String,
    /// What is said beside it, such as its price.
    pub note: String,
}

/// What a command of the person's own says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellSaid {
    /// A piece of its output.
    Output(String),
    /// It is over: `exit status 0`, or why it never began.
    Ended(String),
}

/// What is to be done about it, outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Tell the session.
    Send(ControlRequest),
    /// Have something to read brought as an [`Input::Page`].
    Show(Sheet),
    /// Have something to pick from brought as an [`Input::Listed`].
    List(ListKind),
    /// Have the workspace's files brought as [`Input::Files`].
    ListFiles,
    /// Show another session on this screen.
    Open(Opening),
    /// Give any session, by its id, another title.
    Rename {
        /// The session.
        id: String,
        /// Its new title.
        title: String,
    },
    /// Delete a session.
    Delete {
        /// The session.
        id: String,
    },
    /// Write the conversation to a file, and say where.
    Export,
    /// Run a command line in the person's own shell, in the workspace; what it says comes as [`Input::Shell`].
    Shell(String),
    /// Stop the command that [`Errand::Shell`] began.
    StopShell,
    /// Keep a text that was sent, for the history of another day.
    Remember(String),
    /// Let the person write on in an editor of their own; [`Input::Edited`] brings it back.
    Edit(String),
    /// Put a text into the clipboard.
    Copy(String),
    /// Call the person.
    Ring(Bell),
    /// Draw for a ground of this kind, or for what the terminal tells (`None`).
    Ground(Option<Ground>),
    /// End.
    Quit,
}

/// What can be shown as a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// What each mode does.
    Contract,
    /// What the session has cost.
    Spend,
    /// What differs in the workspace from what is committed.
    Diff,
}

/// Which other session the screen is to show. It begins with a fresh [`Event::Session`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A new one.
    New,
    /// This one.
    Session(String),
    /// A new one, with all that was said in this one.
    Copy(String),
    /// A new one, with what this one had before one of the person's messages.
    Fork {
        /// Which of them, from 0 for the session's first.
        said: usize,
    },
}

/// Why the person is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bell {
    /// Something is asked, which this line says.
    Asks(String),
    /// The work is over, as this line says.
    Ended(String),
}
