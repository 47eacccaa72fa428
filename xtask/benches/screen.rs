//! Times the drawing of a frame at 120x40 with a transcript of 100,000 lines, for `cargo xtask bench`; prints one line of JSON.
//!
//! Not here: any statistics, or a terminal: it is drawn into memory.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::error::Error;
use std::time::Instant;
use tui::app::App;
use tui::composer::Composer;
use tui::errand::Input;
use tui::theme::{Depth, Ground, Theme};
use tui::view;
use wire::Event;

const FRAMES: usize = 200;
const MESSAGES: usize = 100;
const LINES: usize = 1_000;
const SIZE: (u16, u16) = (120, 40);

/// The screen, and a clock of its own.
struct Screen {
    app: App,
    terminal: Terminal<TestBackend>,
    theme: Theme,
    now_ms: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut screen = Screen::new()?;
    for message in 0..MESSAGES {
        let text: String = (0..LINES).map(|line| format!("{}\n", words(message * LINES + line))).collect();
        screen.hear(Event::Text { delta: text.clone() });
        screen.hear(Event::Message { text, calls: 1, tokens: None, chip: "Agent".to_owned() });
    }
    // What is laid out once is not laid out in every frame; the first is of its own.
    let first = screen.frames(1, |_, _| ())?;
    let still = screen.frames(FRAMES, |_, _| ())?;
    let speaking = screen.frames(FRAMES, |screen, at| {
        screen.hear(Event::Text { delta: format!("word {at} of a message that comes, ") });
    })?;
    let up = screen.frames(FRAMES, |screen, _| screen.scroll(tui::errand::WheelTurn::Up, 10))?;
    let said = serde_json::json!({ "first_ms": first, "still_ms": still, "speaking_ms": speaking, "scrolling_ms": up });
    println!("{said}");
    Ok(())
}

fn words(line: usize) -> String {
    match line % 20 {
        0 => format!("\n## Part {line}\n"),
        1..=4 => format!("- a point about shard {line}, with `code` and **weight**"),
        _ => format!("Line {line} of the account says what was found there and what follows from it."),
    }
}

impl Screen {
    fn new() -> Result<Screen, Box<dyn Error>> {
        let mut app = App::new(Composer::new());
        app.composer.fit(SIZE.0, SIZE.1 / 3);
        let terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1))?;
        let theme = Theme::new(Depth::True, Ground::Dark);
        Ok(Screen { app, terminal, theme, now_ms: 0 })
    }

    fn hear(&mut self, event: Event) {
        self.app.update(Input::Event(Box::new(event)), self.now_ms);
    }

    fn scroll(&mut self, turn: tui::errand::WheelTurn, times: usize) {
        for _ in 0..times {
            self.app.update(Input::Wheel(turn), self.now_ms);
        }
    }

    /// Draws so many frames, each after something has happened; the time of each, what happened included.
    fn frames(
        &mut self,
        count: usize,
        mut happens: impl FnMut(&mut Screen, usize),
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        let mut times = Vec::with_capacity(count);
        for at in 0..count {
            let start = Instant::now();
            happens(self, at);
            let Screen { app, terminal, theme, now_ms } = self;
            terminal.draw(|frame| view::draw(app, frame, theme, *now_ms))?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            self.now_ms += 16;
        }
        Ok(times)
    }
}
