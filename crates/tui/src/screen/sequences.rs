//! The words that terminals understand beside text: titles, notifications, the clipboard.
//!
//! Not here: when they are said. Whatever a model or a person wrote is cleaned before it becomes a part of one.

use crate::app::{App, Phase};
use crate::text::{clean, truncate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratatui::text::Line;
use std::path::Path;

/// The bell.
pub const BELL: &str = "\x07";
/// Keeps the window's title, to be brought back by [`POP_TITLE`].
pub const PUSH_TITLE: &str = "\x1b[22;0t";
/// Brings the window's title back.
pub const POP_TITLE: &str = "\x1b[23;0t";
/// Asks for the mouse: presses, drags and the wheel, in coordinates of any size, but not each of its movements.
pub const HEAR_MOUSE: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Leaves the mouse to the terminal.
pub const LEAVE_MOUSE: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// The most bytes that are copied. Terminals refuse or forget more, none says so.
pub const MOST_COPIED: usize = 512 * 1024;

/// How wide a line is that is said to a window manager.
const LINE: u16 = 120;

/// What the terminal is seen through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// `tmux`, which passes on what is wrapped, where its configuration allows that.
    Tmux,
}

impl Multiplexer {
    /// Tells it from environment variables.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Multiplexer {
        match environment("TMUX") {
            Some(socket) if !socket.is_empty() => Multiplexer::Tmux,
            _ => Multiplexer::None,
        }
    }

    /// A sequence as it reaches the terminal itself.
    pub fn passed(self, sequence: &str) -> String {
        match self {
            Multiplexer::None => sequence.to_owned(),
            Multiplexer::Tmux => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")),
        }
    }
}

/// What the window is called: what the session does, and what it is about.
pub fn title_words(app: &App) -> String {
    let folder = || Path::new(&app.about.workspace).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let about = if app.about.title.is_empty() { folder() } else { app.about.title.clone() };
    let state = match app.phase {
        _ if !app.cards.is_empty() => "asks",
        Phase::Works(_) => "works",
        Phase::Stops => "stops",
        Phase::Idle => "waits",
    };
    let title = if about.is_empty() { format!("Remit: {state}") } else { format!("Remit: {state} — {about}") };
    one_line(&title)
}

/// Names the window (OSC 2).
pub fn title(words: &str) -> String {
    format!("\x1b]2;{}\x07", one_line(words))
}

/// Says a line to whoever looks at another window (OSC 9, as iTerm2 began it).
pub fn notification(line: &str) -> String {
    format!("\x1b]9;{}\x07", one_line(line))
}

/// Puts a text into the clipboard of the terminal, which may be far away (OSC 52).
pub fn clipboard(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text))
}

/// A text as one harmless line of no great length.
fn one_line(text: &str) -> String {
    let words = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    truncate(Line::raw(words), LINE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composer::Composer;

    #[test]
    fn nothing_that_is_said_ends_its_sequence_or_begins_another() {
        let hostile = "a\x07b\x1b]52;c;ZXZpbA==\x07\u{9c}c\nd\u{1b}\\e";
        for sequence in [title(hostile), notification(hostile)] {
            let inside = &sequence[4..sequence.len() - 1];
            assert!(!inside.chars().any(char::is_control), "{sequence:?}");
            assert!(inside.starts_with("ab") && inside.ends_with("c de"), "{inside}");
        }
        assert_eq!(clipboard(hostile).matches(['\x1b', '\x07']).count(), 2);
        assert!(title(&"é".repeat(10_000)).len() < 300);
    }

    #[test]
    fn within_tmux_a_sequence_is_wrapped_and_its_escapes_are_doubled() {
        let tmux = Multiplexer::of(|name| (name == "TMUX").then(|| "/tmp/tmux-0/default,1,0".to_owned()));
        assert_eq!(tmux.passed("\x1b]9;x\x07"), "\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\");
        assert_eq!(Multiplexer::of(|_| None).passed("\x1b]9;x\x07"), "\x1b]9;x\x07");
    }

    #[test]
    fn the_title_says_what_goes_on() {
        let mut app = App::new(Composer::new());
        assert_eq!(title_words(&app), "Remit: waits");
        app.about.workspace = "/home/ada/engine".to_owned();
        app.phase = Phase::Works(0);
        assert_eq!(title_words(&app), "Remit: works — engine");
        app.about.title = "Fix the cache\u{7}".to_owned();
        assert_eq!(title_words(&app), "Remit: works — Fix the cache");
    }
}
