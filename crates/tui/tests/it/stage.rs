//! What the tests of the whole screen have in common: a state, a screen to draw it on, and keys to press.
//!
//! Not here: any test.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use tui::app::{App, Errand, Input};
use tui::composer::Composer;
use tui::theme::{Depth, Ground, Theme};
use tui::view;
use wire::{Doing, Event};

/// The theme without colours, on which text alone counts.
pub const PLAIN: Theme = Theme::new(Depth::None, Ground::Dark);

/// A state that was told of a session in Agent and of all its past.
pub fn app() -> App {
    let mut app = App::new(Composer::new());
    hear(&mut app, session("agent", "Agent"), 0);
    hear(&mut app, Event::CaughtUp { doing: Doing::Waits }, 0);
    app
}

/// What a session says first.
pub fn session(mode: &str, chip: &str) -> Event {
    Event::Session {
        id: "k3f9xq2mzp".into(),
        mode: mode.into(),
        chip: chip.into(),
        model: "script:test".into(),
        workspace: "/home/ada/engine".into(),
        title: String::new(),
        attendance: "attended".into(),
        notes: Vec::new(),
    }
}

/// The session says something.
pub fn hear(app: &mut App, event: Event, now_ms: u64) -> Vec<Errand> {
    app.update(Input::Event(Box::new(event)), now_ms)
}

/// A key is pressed.
pub fn press(app: &mut App, code: KeyCode, now_ms: u64) -> Vec<Errand> {
    app.update(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)), now_ms)
}

/// The screen as it is drawn, and where its cursor is.
pub fn screen(app: &mut App, (width, height): (u16, u16), theme: &Theme, now_ms: u64) -> (Buffer, Option<Position>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    app.composer.fit(width, height / 3);
    terminal.draw(|frame| view::draw(app, frame, theme, now_ms)).unwrap();
    app.was_drawn(now_ms);
    let backend = terminal.backend();
    let cursor = backend.cursor_visible().then(|| backend.cursor_position());
    (backend.buffer().clone(), cursor)
}

/// The rows of a screen, as text.
pub fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(row).collect()
}

/// The screen without colours, as text.
pub fn drawn(app: &mut App, size: (u16, u16), now_ms: u64) -> String {
    rows(&screen(app, size, &PLAIN, now_ms).0).join("\n")
}
