//! What the person does and what comes of it.
//!
//! Not here: long stories (that is `fuzz`), or what it all looks like (that is `pictures`).

use crate::stage::{app, drawn, press};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use tui::app::{Errand, Input, MODE_MS, WheelTurn};
use wire::{ControlRequest, Event, Permission};

fn question(call: &str) -> Event {
    Event::Question {
        call: call.into(),
        summary: format!("shell: {call}"),
        shown: "{\"command\":\"x\"}".into(),
        effect: Some("change".into()),
        price: Some("free".into()),
        why: Some("it changes something".into()),
        offered: vec!["shell: x".into()],
        raise_to: None,
        chip: "Agent".into(),
    }
}

fn sends(request: ControlRequest) -> Vec<Errand> {
    vec![Errand::Send(request)]
}

#[test]
fn tab_goes_through_the_modes_and_only_where_it_rests_is_set() {
    let mut app = app();
    assert!(press(&mut app, KeyCode::Tab, 1_000).is_empty());
    assert!(app.update(Input::Tick, 1_000 + MODE_MS - 1).is_empty());
    assert!(press(&mut app, KeyCode::Tab, 1_400).is_empty());
    assert!(app.update(Input::Tick, 1_400 + MODE_MS - 1).is_empty(), "the wait begins again");
    let set = app.update(Input::Tick, 1_400 + MODE_MS);
    assert_eq!(set, sends(ControlRequest::SetMode { mode: "plan".into() }), "agent, yolo, plan");
    assert!(app.update(Input::Tick, 9_000).is_empty(), "it is set once");
    assert!(press(&mut app, KeyCode::BackTab, 10_000).is_empty());
    assert!(press(&mut app, KeyCode::Tab, 10_100).is_empty());
    assert!(app.update(Input::Tick, 20_000).is_empty(), "where it was is nothing to be set");
    press(&mut app, KeyCode::Tab, 30_000);
    press(&mut app, KeyCode::Esc, 30_100);
    assert!(app.update(Input::Tick, 40_000).is_empty(), "Esc takes it back");
}

#[test]
fn a_key_that_was_on_its_way_is_no_answer() {
    let mut app = app();
    app.update(Input::Event(Box::new(question("c1"))), 1_000);
    assert!(press(&mut app, KeyCode::Char('y'), 1_001).is_empty(), "it was not drawn yet");
    drawn(&mut app, (80, 24), 1_010);
    assert!(press(&mut app, KeyCode::Char('y'), 1_309).is_empty());
    let yes = ControlRequest::Answer { call: "c1".into(), answer: Permission::Once, edited: None, words: None };
    assert_eq!(press(&mut app, KeyCode::Char('y'), 1_310), sends(yes));
    assert!(app.cards.is_empty() && app.composer.is_empty());
}

#[test]
fn the_mode_is_on_the_screen_whatever_its_size_and_whatever_is_open() {
    let mut app = app();
    for number in 0..5 {
        app.update(Input::Event(Box::new(question(&format!("c{number}")))), 0);
    }
    for size in [(60, 15), (80, 24), (160, 50), (300, 100), (24, 8), (10, 3)] {
        let screen = drawn(&mut app, size, 0);
        assert!(screen.contains("Agent"), "{size:?}:\n{screen}");
    }
    let screen = drawn(&mut app, (80, 24), 0);
    assert!(screen.contains("1 of 5") && screen.contains("Allow? shell: c0"), "{screen}");
    press(&mut app, KeyCode::Down, 0);
    assert!(drawn(&mut app, (80, 24), 0).contains("Allow? shell: c1"));
}

/// Anything that can happen, most of it nonsense.
fn any_input() -> impl Strategy<Value = Input> {
    let code = prop_oneof![
        4 => any::<char>().prop_map(KeyCode::Char),
        2 => prop::sample::select(vec!['y', 's', 'n', 'e', '/', '@', '!', ' ']).prop_map(KeyCode::Char),
        4 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::PageUp,
            KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Backspace, KeyCode::Delete, KeyCode::Left,
        ]),
    ];
    let modifiers = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
    ]);
    let call = prop::sample::select(vec!["c1", "c2", "c3"]);
    let event = prop_oneof![
        ".{0,40}".prop_map(|delta| Event::Text { delta }),
        ".{0,40}".prop_map(|delta| Event::Reasoning { delta }),
        ".{0,40}".prop_map(|text| Event::Prompt { text }),
        Just(Event::Restarted),
        Just(Event::Message { text: String::new(), calls: 0, tokens: None, chip: "Agent".into() }),
        call.clone().prop_map(question),
        (call.clone(), "[ -~\\n]{0,80}").prop_map(|(call, text)| Event::Progress { call: call.into(), text }),
        (call.clone(), any::<bool>(), ".{0,80}").prop_map(|(call, ok, text)| Event::Result {
            call: call.into(),
            ok,
            text,
            chip: "Agent".into()
        }),
        (call, ".{0,40}").prop_map(|(call, arguments)| Event::Call {
            call: call.into(),
            tool: "shell".into(),
            summary: "shell".into(),
            effect: None,
            price: Some("$1.00".into()),
            arguments,
        }),
        prop::sample::select(vec![("plan", "Plan"), ("agent", "Agent"), ("yolo:1.00", "YOLO $0.50 of $1.00")])
            .prop_map(|(mode, chip)| Event::Mode { mode: mode.into(), chip: chip.into() }),
    ];
    prop_oneof![
        6 => (code, modifiers).prop_map(|(code, modifiers)| Input::Key(KeyEvent::new(code, modifiers))),
        1 => ".{0,600}".prop_map(Input::Paste),
        1 => prop::sample::select(vec![WheelTurn::Up, WheelTurn::Down]).prop_map(Input::Wheel),
        6 => event.prop_map(|event| Input::Event(Box::new(event))),
        1 => Just(Input::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn nothing_that_happens_breaks_the_screen_and_the_mode_is_always_on_it(
        inputs in prop::collection::vec((any_input(), 0_u64..400), 1..60),
        size in (20_u16..200, 6_u16..60),
    ) {
        let (mut app, mut now) = (app(), 0);
        for (input, later) in inputs {
            now += later;
            if let Input::Event(event) = &input
                && let Event::Mode { chip, .. } | Event::Message { chip, .. } | Event::Question { chip, .. } = &**event
            {
                app.update(input.clone(), now);
                prop_assert_eq!(&app.chip, chip, "the chip is what the session said last");
                continue;
            }
            app.update(input, now);
        }
        let screen = drawn(&mut app, size, now);
        let word = app.chip.split(' ').next().unwrap_or_default();
        prop_assert!(screen.contains(word), "{}\n{}", app.chip, screen);
    }
}
