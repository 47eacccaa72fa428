//! What each key asks of the composer.
//!
//! Not here: doing it, nor what a key means while a menu or a search is open.

use super::cluster::{Words, after, before, line_end, line_start, word_after, word_before};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// How far a motion or a deletion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Before,
    After,
    WordBefore,
    WordAfter,
    LargeWordBefore,
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
}

impl Reach {
    /// Returns where it leads from a place in the text.
    pub(super) fn from(self, text: &str, at: usize) -> usize {
        match self {
            Self::Before => before(text, at),
            Self::After => after(text, at),
            Self::WordBefore => word_before(text, at, Words::Small),
            Self::WordAfter => word_after(text, at, Words::Small),
            Self::LargeWordBefore => word_before(text, at, Words::Large),
            Self::LineStart => line_start(text, at),
            Self::LineEnd => line_end(text, at),
            Self::TextStart => 0,
            Self::TextEnd => text.len(),
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Type(char),
    Enter,
    Newline,
    Tab,
    Escape,
    Go(Reach),
    Up,
    Down,
    /// Deletes and forgets.
    Rub(Reach),
    /// Deletes what is ahead, or, where there is no text at all, is not the composer's.
    RubAhead,
    /// Deletes and keeps for [`Act::Yank`].
    Cut(Reach),
    Yank,
    Undo,
    Redo,
    Search,
    Editor,
    Clear,
}

/// Returns what a key asks for; nothing for a key that is the caller's.
pub(super) fn act(key: KeyEvent) -> Option<Act> {
    let KeyEvent { code, modifiers, kind, .. } = key;
    if kind == KeyEventKind::Release {
        return None;
    }
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let held = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
    if let KeyCode::Char(letter) = code {
        return letter_act(letter, held, modifiers);
    }
    let by_word = !held.is_empty();
    Some(match code {
        KeyCode::Enter if shift || by_word => Act::Newline,
        KeyCode::Enter => Act::Enter,
        KeyCode::Tab if !shift && !by_word => Act::Tab,
        KeyCode::Esc => Act::Escape,
        KeyCode::Left if by_word => Act::Go(Reach::WordBefore),
        KeyCode::Left => Act::Go(Reach::Before),
        KeyCode::Right if by_word => Act::Go(Reach::WordAfter),
        KeyCode::Right => Act::Go(Reach::After),
        KeyCode::Home if by_word => Act::Go(Reach::TextStart),
        KeyCode::Home => Act::Go(Reach::LineStart),
        KeyCode::End if by_word => Act::Go(Reach::TextEnd),
        KeyCode::End => Act::Go(Reach::LineEnd),
        KeyCode::Up if !by_word => Act::Up,
        KeyCode::Down if !by_word => Act::Down,
        KeyCode::Backspace if by_word => Act::Cut(Reach::WordBefore),
        KeyCode::Backspace => Act::Rub(Reach::Before),
        KeyCode::Delete if by_word => Act::Cut(Reach::WordAfter),
        KeyCode::Delete => Act::Rub(Reach::After),
        _ => return None,
    })
}

fn letter_act(letter: char, held: KeyModifiers, modifiers: KeyModifiers) -> Option<Act> {
    let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
    let lower = letter.to_ascii_lowercase();
    if modifiers.intersects(KeyModifiers::SUPER | KeyModifiers::HYPER | KeyModifiers::META) {
        return None;
    }
    match held {
        KeyModifiers::NONE => Some(Act::Type(letter)),
        // The key beside the space bar that gives `@` or `€` comes as both.
        held if held == both && !letter.is_ascii_alphanumeric() => Some(Act::Type(letter)),
        KeyModifiers::CONTROL if lower == 'z' && (letter == 'Z' || modifiers.contains(KeyModifiers::SHIFT)) => {
            Some(Act::Redo)
        }
        KeyModifiers::CONTROL => control(lower),
        KeyModifiers::ALT => alt(lower),
        _ => None,
    }
}

/// The keys of readline; `Ctrl+H` is how many terminals send `Ctrl+Backspace` or a plain one, `Ctrl+7` how they send `Ctrl+_`.
fn control(letter: char) -> Option<Act> {
    Some(match letter {
        'a' => Act::Go(Reach::LineStart),
        'b' => Act::Go(Reach::Before),
        'c' => Act::Clear,
        'd' => Act::RubAhead,
        'e' => Act::Go(Reach::LineEnd),
        'f' => Act::Go(Reach::After),
        'g' => Act::Editor,
        'h' => Act::Rub(Reach::Before),
        'j' => Act::Newline,
        'k' => Act::Cut(Reach::LineEnd),
        'n' => Act::Down,
        'p' => Act::Up,
        'r' => Act::Search,
        'u' => Act::Cut(Reach::LineStart),
        'w' => Act::Cut(Reach::LargeWordBefore),
        'y' => Act::Yank,
        'z' | '_' | '7' | '/' => Act::Undo,
        _ => return None,
    })
}

fn alt(letter: char) -> Option<Act> {
    Some(match letter {
        'b' => Act::Go(Reach::WordBefore),
        'd' => Act::Cut(Reach::WordAfter),
        'f' => Act::Go(Reach::WordAfter),
        'z' => Act::Redo,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Act> {
        act(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn a_key_that_is_let_go_asks_for_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE);
        assert_eq!(act(key), Some(Act::Type('a')));
        key.kind = KeyEventKind::Repeat;
        assert_eq!(act(key), Some(Act::Type('a')));
        key.kind = KeyEventKind::Release;
        assert_eq!(act(key), None);
    }

    #[test]
    fn redo_is_heard_however_the_terminal_says_it() {
        let shifted = KeyModifiers::CONTROL | KeyModifiers::SHIFT;
        for (code, modifiers) in [
            (KeyCode::Char('z'), shifted),
            (KeyCode::Char('Z'), shifted),
            (KeyCode::Char('Z'), KeyModifiers::CONTROL),
            (KeyCode::Char('z'), KeyModifiers::ALT),
        ] {
            assert_eq!(pressed(code, modifiers), Some(Act::Redo), "{code:?} {modifiers:?}");
        }
        assert_eq!(pressed(KeyCode::Char('z'), KeyModifiers::CONTROL), Some(Act::Undo));
    }

    #[test]
    fn a_sign_typed_with_the_third_level_key_is_typed() {
        let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
        assert_eq!(pressed(KeyCode::Char('@'), both), Some(Act::Type('@')));
        assert_eq!(pressed(KeyCode::Char('q'), both), None);
        assert_eq!(pressed(KeyCode::Char('q'), KeyModifiers::SUPER), None);
    }
}
