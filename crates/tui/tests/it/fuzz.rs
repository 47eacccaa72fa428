//! Random keys, pastes, sizes and moments against a session in small, for as long as one likes.
//!
//! `REMIT_FUZZ_SECS` says for how many seconds (20 without it), and `REMIT_FUZZ_SEED` plays one story once more; a story that goes
//! wrong prints its seed.
//!
//! Not here: the session, and the texts that it says.

use crate::hostile::Chance;
use crate::session::Session;
use crate::stage::{PLAIN, rows, screen};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};
use tui::app::{App, Errand, Focus, Input, WheelTurn};
use tui::card::SEEN_MS;
use tui::composer::Composer;
use wire::{ControlRequest, Event};

/// How many things happen in a story.
const STEPS: u64 = 400;

/// Says which story went wrong.
struct Story(u64);

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see this once more: REMIT_FUZZ_SEED={}", self.0);
        }
    }
}

/// One story: a state, its session, and what is known of the questions that were heard of.
struct Play {
    app: App,
    session: Session,
    chance: Chance,
    now: u64,
    /// The questions that were heard of and are not closed, with when each was first on the screen.
    heard: HashMap<String, Heard>,
    /// The screen as it was drawn last.
    last: String,
}

/// A question that was heard of.
struct Heard {
    /// What it begins with on the screen, and nothing else does.
    mark: String,
    drawn: Option<u64>,
}

impl Play {
    fn new(seed: u64) -> Play {
        let app = App::new(Composer::new());
        Play {
            app,
            session: Session::new(),
            chance: Chance::new(seed),
            now: 1_000,
            heard: HashMap::new(),
            last: String::new(),
        }
    }

    fn play(&mut self) {
        for _ in 0..STEPS {
            self.now += match self.chance.below(6) {
                0 => self.chance.below(700),
                _ => self.chance.below(60),
            };
            match self.chance.below(16) {
                0..4 => self.session.act(&mut self.chance),
                4..9 => self.deliver(),
                9..14 => {
                    let input = self.input();
                    self.take_in(input);
                }
                14 => self.take_in(Input::Tick),
                _ => self.draw(),
            }
        }
        self.settle();
    }

    /// Everything that was said is heard; then the screen and the session are of one mind.
    fn settle(&mut self) {
        while !(self.session.events.is_empty() && self.session.replies.is_empty()) {
            self.deliver();
        }
        self.draw();
    }

    fn deliver(&mut self) {
        let late = self.chance.once_in(2);
        let replies = if late { None } else { self.session.replies.pop_front() };
        let Some(input) =
            replies.or_else(|| self.session.events.pop_front()).or_else(|| self.session.replies.pop_front())
        else {
            return;
        };
        if let Input::Event(event) = &input {
            self.note(event);
        }
        self.take_in(input);
        if self.session.events.is_empty() && self.session.replies.is_empty() {
            assert_eq!(self.app.chip, self.session.chip(), "the chip is the session's");
        }
    }

    /// Follows which questions are open, as far as was said.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Question { call, .. } => {
                let mark = call.replace("call", "Q") + " ";
                self.heard.insert(call.clone(), Heard { mark, drawn: None });
            }
            Event::Decision { call, outcome, .. } if outcome != "ask" && outcome != "deliver" => {
                self.heard.remove(call);
            }
            Event::Result { call, .. } => drop(self.heard.remove(call)),
            Event::End { .. } | Event::Session { .. } => self.heard.clear(),
            _ => {}
        }
    }

    fn take_in(&mut self, input: Input) {
        for errand in self.app.update(input, self.now) {
            match &errand {
                Errand::Send(ControlRequest::Answer { call, .. } | ControlRequest::Respond { call, .. }) => {
                    self.is_fair(call);
                }
                Errand::Quit => *self = Play { chance: self.chance.clone(), ..Play::new(0) },
                _ => {}
            }
            self.session.carry_out(errand, &mut self.chance);
        }
    }

    /// Checks that an answer is to a question that was there to be read.
    fn is_fair(&self, call: &str) {
        let heard = self.heard.get(call).unwrap_or_else(|| panic!("`{call}` is not open"));
        let drawn = heard.drawn.unwrap_or_else(|| panic!("`{call}` was never on the screen, which is {}", self.last));
        assert!(self.now - drawn >= SEEN_MS, "`{call}` was on the screen for {} ms", self.now - drawn);
    }

    fn draw(&mut self) {
        let size = match self.chance.below(6) {
            0 => (self.chance.between(1, 30), self.chance.between(1, 12)),
            1 => *self.chance.one(&[(60, 15), (300, 100)]),
            2 => (self.chance.between(20, 200), self.chance.between(6, 60)),
            _ => *self.chance.one(&[(80, 24), (160, 50)]),
        };
        let (buffer, cursor) = screen(&mut self.app, size, &PLAIN, self.now);
        let controls = buffer.content.iter().filter(|cell| cell.symbol().chars().any(char::is_control)).count();
        assert_eq!(controls, 0, "control characters reach the terminal");
        if let Some(cursor) = cursor {
            assert!(buffer.area.contains(cursor), "the cursor is at {cursor} of {size:?}");
        }
        let rows = rows(&buffer);
        if size.0 >= 40 && size.1 >= 6 {
            let last = rows.last().unwrap();
            assert!(
                last.starts_with(&format!(" {} ", self.app.chip)),
                "the chip is {}, the line is {last}",
                self.app.chip
            );
        }
        let text = rows.join("\n");
        self.last = format!("{size:?}\n{text}");
        for heard in self.heard.values_mut().filter(|heard| text.contains(&heard.mark)) {
            heard.drawn.get_or_insert(self.now);
        }
    }

    /// What a person does, most of it without a purpose.
    fn input(&mut self) -> Input {
        let chance = &mut self.chance;
        let codes = [
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Left,
            KeyCode::Right,
        ];
        let letters = ['y', 's', 'n', 'e', 'r', ' ', '/', '@', '!', 'a', '1', 'o', 'é', '日'];
        let controls = ['c', 'o', 't', 'n', 'y', 'q', 'g', 'r', 'j', 'd', 'u', 'w', 'x', 'l', 'p', 'k', 'z', 'a'];
        let words =
            ["/mode yolo 10", "/mode plan", "/help", "/sessions", "/model", "/answers", "/new", "/context", "/mcp"];
        let key = |code, modifiers| Input::Key(KeyEvent::new(code, modifiers));
        match chance.below(24) {
            0..6 => key(*chance.one(&codes), KeyModifiers::NONE),
            6..8 => key(KeyCode::Enter, KeyModifiers::NONE),
            8..14 => key(KeyCode::Char(*chance.one(&letters)), KeyModifiers::NONE),
            14..17 => key(KeyCode::Char(*chance.one(&controls)), KeyModifiers::CONTROL),
            17 => {
                key(*chance.one(&codes), *chance.one(&[KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL]))
            }
            18 => {
                let letter = char::from_u32(u32::try_from(chance.below(0x3000)).unwrap_or(0)).unwrap_or('x');
                key(KeyCode::Char(letter), KeyModifiers::NONE)
            }
            19 => Input::Paste(chance.text()),
            20 => Input::Paste((*chance.one(&words)).to_owned()),
            21 => Input::Wheel(*chance.one(&[WheelTurn::Up, WheelTurn::Down])),
            22 => Input::Focus(*chance.one(&[Focus::Gained, Focus::Lost])),
            _ => key(KeyCode::Tab, KeyModifiers::NONE),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn whatever_happens_the_chip_is_the_sessions_and_only_what_was_read_is_answered() {
    if let Some(seed) = number("REMIT_FUZZ_SEED") {
        let _story = Story(seed);
        return Play::new(seed).play();
    }
    let long = Duration::from_secs(number("REMIT_FUZZ_SECS").unwrap_or(20));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let begun = Instant::now();
    let first = since.as_secs().wrapping_mul(1_000_003);
    let mut stories = 0;
    while begun.elapsed() < long {
        let story = Story(first.wrapping_add(stories));
        Play::new(story.0).play();
        stories += 1;
    }
    eprintln!("{stories} stories from seed {first}");
}
