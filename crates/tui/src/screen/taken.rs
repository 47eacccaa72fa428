//! The terminal, taken over, and given back whatever happens.
//!
//! Not here: reading it.

use super::sequences::{HEAR_MOUSE, LEAVE_MOUSE, POP_TITLE, PUSH_TITLE};
use crate::app::Input;
use crate::text::clean;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

/// Whether the terminal is taken. A program has but one, and a panic must know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What a person is told after a panic.
const HOW_TO_RESUME: &str = "what was said and done is on record; to go on: remit --continue";

/// The terminal, taken over. It is given back when this goes, and before a panic of this thread says its words.
pub struct Taken(());

impl Taken {
    /// Takes the terminal. A panic of another thread is said through `input`, for the screen is not that thread's to give back.
    pub fn take(input: Sender<Input>) -> io::Result<Taken> {
        let taken = Taken(());
        taken.retake()?;
        let otherwise = std::panic::take_hook();
        let this = thread::current().id();
        std::panic::set_hook(Box::new(move |panic| match TAKEN.load(Ordering::Acquire) {
            false => otherwise(panic),
            true if thread::current().id() == this => {
                give_back();
                otherwise(panic);
                eprintln!("{HOW_TO_RESUME}");
            }
            true => drop(input.send(Input::Trouble(words(panic)))),
        }));
        Ok(taken)
    }

    /// Gives the terminal back for a while.
    pub fn give_back(&self) {
        give_back();
    }

    /// Takes it again.
    pub fn retake(&self) -> io::Result<()> {
        // What was another program's meanwhile may be in any mode.
        let _ = disable_raw_mode();
        TAKEN.store(true, Ordering::Release);
        enable_raw_mode()?;
        // With this, terminals that can tell Shift+Enter from Enter do, and an Escape key is no beginning of another.
        let keys = PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES);
        let (title, mouse) = (Print(PUSH_TITLE), Print(HEAR_MOUSE));
        execute!(io::stdout(), title, EnterAlternateScreen, keys, EnableBracketedPaste, EnableFocusChange, mouse)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if !TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    let (title, mouse) = (Print(POP_TITLE), Print(LEAVE_MOUSE));
    // Nothing can be done about a terminal that does not hear this.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        mouse,
        DisableFocusChange,
        DisableBracketedPaste,
        PopKeyboardEnhancementFlags,
        LeaveAlternateScreen,
        crossterm::cursor::Show,
        title
    );
    let _ = disable_raw_mode();
}

/// What a panic of another thread says on the screen.
fn words(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("it did not say why");
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    clean(&format!("a part of Remit broke: {said}{place}; {HOW_TO_RESUME}")).into_owned()
}
