//! The state as a whole: what happens goes in, what is drawn and what is to be done come out.
//!
//! Not here: the parts by themselves, which have their tests beside them, or anything that happens by chance (that is the
//! fuzz in `tests`).

use super::*;
use crate::theme::{Depth, Ground, Theme};
use crate::view;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use wire::{
    ContextPart, ControlReply, Doing, Event, GoingOn, Permission, ServerLine, ServerTool, Spend, Status, Tokens,
};

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;

/// A screen with a clock that goes on by a second with everything that happens.
struct Screen {
    app: App,
    now_ms: u64,
    size: (u16, u16),
}

impl Screen {
    /// A session that has nothing behind it and waits.
    fn new() -> Screen {
        let mut screen = Screen { app: App::new(Composer::new()), now_ms: 0, size: (100, 30) };
        screen.says(session("s1"));
        screen.says(Event::CaughtUp { doing: Doing::Waits });
        screen
    }

    fn gets(&mut self, input: Input) -> Vec<Errand> {
        self.now_ms += 1_000;
        // A letter is drawn with what comes after it.
        let is_letter = matches!(&input, Input::Key(KeyEvent { code: KeyCode::Char(_), modifiers: NONE, .. }));
        let errands = self.app.update(input, self.now_ms);
        if !is_letter {
            self.drawn();
        }
        errands
    }

    fn says(&mut self, event: Event) -> Vec<Errand> {
        self.gets(Input::Event(Box::new(event)))
    }

    fn replies(&mut self, reply: ControlReply) -> Vec<Errand> {
        self.gets(Input::Reply(Box::new(reply)))
    }

    fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) -> Vec<Errand> {
        self.gets(Input::Key(KeyEvent::new(code, modifiers)))
    }

    fn key(&mut self, code: KeyCode) -> Vec<Errand> {
        self.press(code, NONE)
    }

    fn ctrl(&mut self, letter: char) -> Vec<Errand> {
        self.press(KeyCode::Char(letter), CTRL)
    }

    fn alt(&mut self, letter: char) -> Vec<Errand> {
        self.press(KeyCode::Char(letter), ALT)
    }

    fn types(&mut self, text: &str) -> Vec<Errand> {
        text.chars().flat_map(|letter| self.key(KeyCode::Char(letter))).collect()
    }

    /// Types a line and sends it; what was to be done about it, but for keeping it in the history.
    fn enters(&mut self, text: &str) -> Vec<Errand> {
        self.types(text);
        let mut errands = self.key(KeyCode::Enter);
        errands.retain(|errand| !matches!(errand, Errand::Remember(_)));
        errands
    }

    fn drawn(&mut self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let theme = Theme::new(Depth::None, Ground::Dark);
        self.app.composer.fit(self.size.0, self.size.1 / 3);
        terminal.draw(|frame| view::draw(&self.app, frame, &theme, self.now_ms)).unwrap();
        self.app.was_drawn(self.now_ms);
        terminal.backend().to_string()
    }

    fn shows(&mut self, words: &str) {
        let screen = self.drawn();
        assert!(screen.contains(words), "{words:?} is not on\n{screen}");
    }

    fn hides(&mut self, words: &str) {
        let screen = self.drawn();
        assert!(!screen.contains(words), "{words:?} is on\n{screen}");
    }
}

fn session(id: &str) -> Event {
    Event::Session {
        id: id.into(),
        mode: "agent".into(),
        chip: "Agent".into(),
        model: "script:test".into(),
        workspace: "/work".into(),
        title: String::new(),
        attendance: "attended".into(),
        notes: Vec::new(),
    }
}

fn prompt(text: &str) -> Event {
    Event::Prompt { text: text.into() }
}

fn asks(call: &str) -> Event {
    Event::Question {
        call: call.into(),
        summary: format!("shell: {call}"),
        shown: format!("{{\"command\":\"{call}\"}}"),
        effect: Some("change".into()),
        price: Some("free".into()),
        why: Some("it changes something".into()),
        offered: vec!["shell: x".into()],
        raise_to: None,
        chip: "Agent".into(),
    }
}

fn past_cap() -> Event {
    let Event::Question { call, summary, shown, effect, why, .. } = asks("job") else { unreachable!("it is one") };
    let (price, raise_to, chip) = (Some("$4.00".into()), Some("$7.50".into()), "YOLO $0.50 of $5.00".into());
    Event::Question { call, summary, shown, effect, price, why, offered: Vec::new(), raise_to, chip }
}

fn question(call: &str, summary: &str, shown: &str) -> Event {
    Event::Question {
        call: call.into(),
        summary: summary.into(),
        shown: shown.into(),
        effect: None,
        price: None,
        why: None,
        offered: Vec::new(),
        raise_to: None,
        chip: "Agent".into(),
    }
}

fn form(call: &str) -> Event {
    let schema =
        "{\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":\"integer\"}},\"required\":[\"name\"]}";
    question(call, "MCP server `forge` asks", &format!("Who are you?\n{schema}"))
}

fn ends(status: Status, going_on: Vec<GoingOn>) -> Event {
    Event::End {
        status,
        reason: Some("a reason".into()),
        text: String::new(),
        refused: Vec::new(),
        prompts: 0,
        going_on,
        spend: Spend::default(),
        tokens: Tokens::default(),
        chip: "Agent".into(),
    }
}

fn send(request: ControlRequest) -> Vec<Errand> {
    vec![Errand::Send(request)]
}

fn say(text: &str) -> Vec<Errand> {
    send(ControlRequest::Say { text: text.into() })
}

fn answer(call: &str, answer: Permission, words: Option<&str>) -> Vec<Errand> {
    send(ControlRequest::Answer { call: call.into(), answer, edited: None, words: words.map(str::to_owned) })
}

fn respond(call: &str, text: &str) -> Vec<Errand> {
    send(ControlRequest::Respond { call: call.into(), text: text.into() })
}

fn set_mode(mode: &str) -> Vec<Errand> {
    send(ControlRequest::SetMode { mode: mode.into() })
}

fn status(chip: &str) -> ControlReply {
    ControlReply::Status { mode: "agent".into(), chip: chip.into(), spend: Spend::default() }
}

fn row(id: &str, label: &str) -> ListRow {
    ListRow { id: id.into(), label: label.into(), note: "a note".into() }
}

fn sessions() -> Input {
    let rows = vec![row("s1", "this one"), row("s2", "fix the tests"), row("s3", "write the docs")];
    Input::Listed(Listing { kind: ListKind::Sessions, title: "Sessions".into(), rows })
}

mod of_events {
    use super::*;

    #[test]
    fn the_past_calls_nobody_and_sets_nothing_going() {
        let mut screen = Screen { app: App::new(Composer::new()), now_ms: 0, size: (80, 24) };
        screen.says(session("s1"));
        for past in [prompt("before"), asks("old"), ends(Status::Done, Vec::new()), prompt("again"), asks("open")] {
            assert!(screen.says(past).is_empty(), "it may long be over");
        }
        let rung = screen.says(Event::CaughtUp { doing: Doing::Works });
        assert_eq!(rung, [Errand::Ring(Bell::Asks("allow? shell: open".into()))], "what is open now is said once");
        assert!(matches!(screen.app.phase, Phase::Works(_)));
        screen.says(Event::CaughtUp { doing: Doing::Waits });
        assert_eq!(screen.app.phase, Phase::Idle);
        assert_eq!(screen.says(asks("now")), [Errand::Ring(Bell::Asks("allow? shell: now".into()))]);
    }

    #[test]
    fn a_stream_that_is_never_caught_up_with_is_taken_as_it_comes() {
        let mut screen = Screen { app: App::new(Composer::new()), now_ms: 0, size: (80, 24) };
        screen.says(session("s1"));
        screen.says(prompt("do it"));
        assert!(matches!(screen.app.phase, Phase::Works(_)));
        screen.says(Event::Text { delta: "done".into() });
        screen.says(ends(Status::Done, Vec::new()));
        assert_eq!(screen.app.phase, Phase::Idle);
        screen.shows("done");
    }

    #[test]
    fn another_session_has_nothing_of_the_last_one_on_its_screen_and_one_told_anew_only_what_is_told() {
        let mut screen = Screen::new();
        screen.says(prompt("the first words"));
        screen.says(asks("c1"));
        screen.types("later");
        screen.ctrl('q');
        screen.key(KeyCode::Tab);
        screen.says(session("s1"));
        screen.hides("the first words");
        assert!(screen.app.cards.is_empty(), "what it asks is told again");
        assert_eq!(screen.app.queue.len(), 1, "what waits is for the same session");
        screen.says(prompt("the first words"));
        screen.says(asks("c1"));
        screen.shows("the first words");
        screen.says(session("s2"));
        screen.hides("the first words");
        assert!(screen.app.cards.is_empty() && screen.app.queue.is_empty() && screen.app.pending.is_none());
        assert_eq!(screen.app.phase, Phase::Idle);
        screen.key(KeyCode::Up);
        assert_eq!(screen.app.composer.text(), "later", "what waited is not lost");
    }

    #[test]
    fn what_the_session_is_stands_in_its_title_line() {
        let mut screen = Screen::new();
        screen.shows("Remit  script:test  /work");
        screen.says(Event::Titled { title: "fix the\nbuild".into() });
        screen.shows("Remit  fix the build  script:test  /work");
        screen.says(Event::Model { model: "other/model".into(), notes: vec!["it has no price".into()] });
        screen.shows("Remit  fix the build  other/model  /work");
        screen.shows("other/model is asked from the next request on");
        screen.shows("it has no price");
    }

    #[test]
    fn whoever_sets_it_going_it_is_seen_to_work() {
        let mut screen = Screen::new();
        screen.says(Event::Calling { tool: "shell".into() });
        screen.shows("Esc stops");
        screen.key(KeyCode::Esc);
        screen.shows("stopping");
        screen.says(Event::Text { delta: "one more".into() });
        screen.shows("stopping");
        screen.says(ends(Status::Interrupted, Vec::new()));
        screen.shows("stopped");
    }

    #[test]
    fn what_goes_on_is_named_with_the_place_to_end_it() {
        let one = |number: usize| GoingOn {
            hold: format!("h{number}"),
            held: (number == 0).then(|| "$1.00".to_owned()),
            reference: format!("job {number}"),
            page: Some(format!("https://hub.test/{number}")),
        };
        let mut screen = Screen::new();
        screen.says(ends(Status::Done, (0..5).map(one).collect()));
        screen.shows("5 things that this session started go on without it and are paid for");
        screen.shows("job 0 ($1.00 held); look and end it at https://hub.test/0");
        screen.shows("job 2 (no bound); look and end it at https://hub.test/2");
        screen.hides("job 3");
        screen.shows("/spend lists all");
        screen.says(ends(Status::Interrupted, vec![one(7)]));
        screen.shows("1 thing that this session started goes on: the stop does not end it");
    }

    #[test]
    fn a_mode_that_was_set_says_what_it_does_to_what_is_asked() {
        let mut screen = Screen::new();
        let set = || Event::Mode { mode: "plan".into(), chip: "Plan".into() };
        screen.says(set());
        screen.shows("the mode is Plan now");
        screen.hides("judged again");
        screen.says(asks("c1"));
        screen.says(set());
        screen.shows("the mode is Plan now; what is asked is judged again");
    }
}

mod of_cards {
    use super::*;

    #[test]
    fn words_go_with_any_answer() {
        let mut screen = Screen::new();
        screen.says(asks("c1"));
        screen.types(" but gently");
        assert_eq!(screen.alt('y'), answer("c1", Permission::Once, Some("but gently")));
        assert!(screen.app.composer.is_empty() && screen.app.cards.is_empty());
        screen.says(asks("c2"));
        screen.types("always so");
        assert_eq!(screen.alt('s'), answer("c2", Permission::Session, Some("always so")));
        screen.says(asks("c3"));
        assert_eq!(screen.enters(" not there"), answer("c3", Permission::No, Some("not there")));
        screen.says(asks("c4"));
        assert_eq!(screen.alt('y'), answer("c4", Permission::Once, None));
    }

    #[test]
    fn a_key_held_with_another_is_no_answer() {
        let mut screen = Screen::new();
        screen.says(asks("c1"));
        for letter in ['y', 'n', 'e', 'r'] {
            assert!(screen.ctrl(letter).iter().all(|errand| !matches!(errand, Errand::Send(_))), "Ctrl+{letter}");
            screen.key(KeyCode::Esc);
            screen.app.composer.clear();
        }
        assert_eq!(screen.app.cards.len(), 1);
    }

    #[test]
    fn words_that_were_on_their_way_are_no_answer_to_a_card_that_came_meanwhile() {
        let mut screen = Screen::new();
        screen.says(prompt("go"));
        screen.types("and the docs too");
        screen.says(asks("c1"));
        screen.now_ms -= 900;
        let said = screen.app.update(Input::Key(KeyEvent::new(KeyCode::Enter, NONE)), screen.now_ms);
        assert_eq!(said[1..], say("and the docs too"), "it is said to the model");
        assert_eq!(screen.app.cards.len(), 1);
    }

    #[test]
    fn several_are_a_list_and_the_picked_one_is_shown_whole() {
        let mut screen = Screen::new();
        for call in ["c1", "c2", "c3"] {
            screen.says(asks(call));
        }
        screen.says(question("q1", "the model asks", "Which colour?\nred or blue"));
        screen.shows("1 of 4, Up and Down pick");
        screen.shows("> allow? shell: c1");
        screen.shows("  allow? shell: c2");
        screen.shows("{\"command\":\"c1\"}");
        screen.key(KeyCode::Down);
        screen.shows("> allow? shell: c2");
        screen.shows("{\"command\":\"c2\"}");
        (0..5).for_each(|_| drop(screen.key(KeyCode::Down)));
        screen.shows("> the model asks: Which colour?");
        assert_eq!(screen.enters("red"), respond("q1", "red"));
        screen.key(KeyCode::Down);
        screen.says(Event::Result { call: "c1".into(), ok: true, text: "x".into(), chip: "Agent".into() });
        assert_eq!(screen.key(KeyCode::Char('y')), answer("c2", Permission::Once, None), "the pick stays where it was");
    }

    #[test]
    fn a_long_script_is_read_to_its_end_before_a_yes_and_the_transcript_still_scrolls() {
        let mut screen = Screen::new();
        (0..60).for_each(|at| drop(screen.says(Event::Notice { text: format!("notice {at}") })));
        let Event::Question { call, summary, effect, price, why, offered, raise_to, chip, .. } = asks("c1") else {
            unreachable!("it is one")
        };
        let shown = (0..80).map(|at| format!("step {at}\n")).collect();
        screen.says(Event::Question { call, summary, shown, effect, price, why, offered, raise_to, chip });
        screen.shows("step 0");
        screen.shows("more lines; Ctrl+Down");
        (0..9).for_each(|_| drop(screen.press(KeyCode::PageDown, CTRL)));
        screen.shows("step 79");
        screen.shows("y once");
        screen.press(KeyCode::Up, KeyModifiers::SHIFT);
        screen.hides("step 79");
        screen.hides("notice 30");
        (0..12).for_each(|_| drop(screen.key(KeyCode::PageUp)));
        screen.shows("notice 0");
        screen.shows("scrolled, End follows again");
    }

    #[test]
    fn a_card_past_the_cap_can_be_allowed_alone_or_the_cap_raised() {
        let mut screen = Screen::new();
        screen.says(past_cap());
        screen.shows("past the cap: it would run under a cap of $7.50");
        assert!(screen.key(KeyCode::Char('r')).is_empty());
        assert_eq!(screen.app.composer.text(), "/mode yolo 7.50");
        assert_eq!(screen.enters(""), set_mode("yolo:7.50"));
        assert_eq!(screen.app.cards.len(), 1, "the session closes it when it runs");
        assert_eq!(screen.key(KeyCode::Char('y')), answer("job", Permission::Once, None));
        screen.says(asks("c1"));
        screen.key(KeyCode::Char('r'));
        assert_eq!(screen.app.composer.text(), "r", "a card within the cap has no such key");
    }

    #[test]
    fn a_servers_form_is_begun_filled_in_and_never_declined_by_a_slip() {
        let mut screen = Screen::new();
        screen.says(form("e1"));
        screen.shows("MCP server `forge` asks you; this is no permission");
        screen.key(KeyCode::Char('e'));
        assert_eq!(screen.app.composer.text(), "{\n  \"name\": \"\",\n  \"age\": 0\n}");
        screen.ctrl('c');
        assert!(screen.enters("Ada").is_empty(), "what is no object would decline");
        screen.shows("that was not sent");
        assert_eq!(screen.app.composer.text(), "Ada");
        screen.ctrl('c');
        assert!(screen.key(KeyCode::Esc).is_empty());
        assert_eq!(screen.app.cards.len(), 1);
        screen.says(ends(Status::Done, Vec::new()));
        assert_eq!(screen.app.cards.len(), 1, "a server's question does not end with the turn");
        assert_eq!(screen.enters("{\"name\":\"Ada\"}"), respond("e1", "{\"name\":\"Ada\"}"));
        screen.says(form("e2"));
        assert_eq!(screen.alt('n'), respond("e2", "declined"));
        screen.says(question("e3", "MCP server `forge` asks", "Sign in\nhttps://forge.test/"));
        assert_eq!(screen.alt('y'), respond("e3", "{}"));
        assert!(screen.app.cards.is_empty());
    }

    #[test]
    fn what_answers_a_question_is_kept_in_no_history_of_another_day() {
        let mut screen = Screen::new();
        screen.says(question("q1", "the model asks", "The password?"));
        screen.types("hunter2");
        assert_eq!(screen.key(KeyCode::Enter), respond("q1", "hunter2"));
        screen.types("hello");
        assert_eq!(screen.key(KeyCode::Enter)[0], Errand::Remember("hello".into()));
    }

    #[test]
    fn what_is_edited_when_the_question_is_settled_is_not_said_to_the_model() {
        let mut screen = Screen::new();
        screen.says(Event::Call {
            call: "c1".into(),
            tool: "shell".into(),
            summary: "shell".into(),
            effect: None,
            price: None,
            arguments: "{\"command\":\"x\"}".into(),
        });
        screen.says(asks("c1"));
        screen.key(KeyCode::Char('e'));
        assert_eq!(screen.app.composer.text(), "{\"command\":\"x\"}");
        screen.says(Event::Result { call: "c1".into(), ok: true, text: "x".into(), chip: "Agent".into() });
        assert!(screen.app.composer.is_empty() && screen.key(KeyCode::Enter).is_empty());
        screen.shows("that question is settled");
    }
}

mod of_lists {
    use super::*;

    #[test]
    fn a_session_is_found_and_resumed() {
        let mut screen = Screen::new();
        assert_eq!(screen.enters("/sessions docs"), [Errand::List(ListKind::Sessions)]);
        screen.gets(sessions());
        screen.shows("> write the docs");
        screen.hides("fix the tests");
        assert_eq!(screen.key(KeyCode::Enter), [Errand::Open(Opening::Session("s3".into()))]);
        assert_eq!(screen.app.over, None);
    }

    #[test]
    fn a_session_is_renamed_and_deleted_but_not_the_one_that_is_shown() {
        let mut screen = Screen::new();
        screen.gets(sessions());
        screen.ctrl('d');
        assert!(screen.ctrl('d').is_empty());
        screen.shows("this session is the one on the screen");
        screen.ctrl('r');
        screen.types("!");
        assert_eq!(screen.key(KeyCode::Enter), send(ControlRequest::Rename { title: "this one!".into() }));
        screen.key(KeyCode::Down);
        screen.ctrl('r');
        screen.types(" now");
        let renamed = Errand::Rename { id: "s2".into(), title: "fix the tests now".into() };
        assert_eq!(screen.key(KeyCode::Enter), [renamed]);
        screen.shows("fix the tests now");
        screen.ctrl('d');
        assert_eq!(screen.ctrl('d'), [Errand::Delete { id: "s2".into() }]);
        screen.hides("fix the tests now");
        screen.types("docs");
        let left = || vec![row("s1", "this one"), row("s3", "write the docs")];
        screen.gets(Input::Listed(Listing { kind: ListKind::Sessions, title: "Sessions".into(), rows: left() }));
        screen.shows("(1 of 2)  find: docs");
        screen.ctrl('d');
        screen.ctrl('d');
        screen.key(KeyCode::Esc);
        screen.gets(Input::Listed(Listing { kind: ListKind::Sessions, title: "Sessions".into(), rows: left() }));
        assert_eq!(screen.app.over, None, "a list that was closed stays closed");
    }

    #[test]
    fn a_list_has_the_room_and_what_is_asked_meanwhile_is_a_line() {
        let mut screen = Screen::new();
        screen.size = (60, 15);
        screen.gets(sessions());
        screen.says(asks("c1"));
        screen.shows("write the docs");
        screen.shows("allow? shell: c1");
        screen.hides("y once");
        assert!(screen.key(KeyCode::Char('y')).is_empty());
        screen.key(KeyCode::Esc);
        screen.shows("y once");
        assert_eq!(screen.key(KeyCode::Char('y')), answer("c1", Permission::Once, None));
    }

    #[test]
    fn no_other_session_is_opened_while_this_one_works() {
        let mut screen = Screen::new();
        screen.says(prompt("go"));
        assert!(screen.enters("/new").is_empty());
        screen.shows("the session works; Esc stops it");
        screen.gets(sessions());
        screen.key(KeyCode::Down);
        assert!(screen.key(KeyCode::Enter).is_empty());
        screen.says(ends(Status::Done, Vec::new()));
        assert_eq!(screen.enters("/new"), [Errand::Open(Opening::New)]);
    }

    #[test]
    fn esc_twice_goes_back_to_before_an_earlier_message() {
        let mut screen = Screen::new();
        for text in ["first", "second\nline", "third"] {
            screen.says(prompt(text));
            screen.says(ends(Status::Done, Vec::new()));
        }
        screen.key(KeyCode::Esc);
        screen.shows("Esc once more goes back");
        screen.key(KeyCode::Esc);
        screen.shows("> third");
        screen.key(KeyCode::Down);
        screen.shows("> second line");
        assert_eq!(screen.key(KeyCode::Enter), [Errand::Open(Opening::Fork { said: 1 })]);
        screen.says(session("s2"));
        assert_eq!(screen.app.composer.text(), "second\nline");
        screen.ctrl('c');
        screen.key(KeyCode::Esc);
        screen.gets(Input::Tick);
        screen.gets(Input::Tick);
        screen.key(KeyCode::Esc);
        assert_eq!(screen.app.over, None, "twice means twice within two seconds");
    }

    #[test]
    fn a_fork_that_failed_carries_nothing_into_another_session() {
        let mut screen = Screen::new();
        screen.says(prompt("first"));
        screen.says(ends(Status::Done, Vec::new()));
        screen.key(KeyCode::Esc);
        screen.key(KeyCode::Esc);
        screen.key(KeyCode::Enter);
        screen.gets(Input::Trouble("the disk is full".into()));
        screen.shows("the disk is full");
        screen.says(session("s2"));
        assert!(screen.app.composer.is_empty());
    }

    #[test]
    fn a_model_is_picked_with_its_price_or_named() {
        let mut screen = Screen::new();
        assert_eq!(screen.enters("/model"), [Errand::List(ListKind::Models)]);
        let rows = vec![ListRow { id: "a/b".into(), label: "a/b".into(), note: "$1.00 in, $2.00 out".into() }];
        screen.gets(Input::Listed(Listing { kind: ListKind::Models, title: "Models".into(), rows }));
        screen.shows("$1.00 in, $2.00 out");
        assert_eq!(screen.key(KeyCode::Enter), send(ControlRequest::UseModel { model: "a/b".into() }));
        assert_eq!(screen.enters("/model c/d"), send(ControlRequest::UseModel { model: "c/d".into() }));
    }

    #[test]
    fn an_answer_is_taken_back_and_the_list_says_what_is_left() {
        let mut screen = Screen::new();
        assert_eq!(screen.enters("/answers"), send(ControlRequest::Look { at: Aspect::Answers }));
        screen.replies(ControlReply::Answers { grants: vec!["shell: cargo test".into(), "shell: ls".into()] });
        screen.shows("> shell: cargo test");
        let revoked = send(ControlRequest::Revoke { grant: "shell: cargo test".into() });
        assert_eq!(screen.key(KeyCode::Enter), revoked);
        assert_eq!(screen.replies(status("Agent")), send(ControlRequest::Look { at: Aspect::Answers }));
        screen.replies(ControlReply::Answers { grants: vec!["shell: ls".into()] });
        screen.hides("cargo test");
        screen.ctrl('d');
        screen.replies(status("Agent"));
        screen.replies(ControlReply::Answers { grants: Vec::new() });
        assert_eq!(screen.app.over, None);
        screen.shows("no answer of yours lasts");
    }

    #[test]
    fn servers_are_listed_with_their_tools_and_started_anew() {
        let mut screen = Screen::new();
        assert_eq!(screen.enters("/mcp"), send(ControlRequest::Look { at: Aspect::Servers }));
        let tools = vec![ServerTool { name: "open_pull".into(), effect: "change".into() }];
        let forge = ServerLine { name: "forge".into(), state: "up".into(), tools };
        screen.replies(ControlReply::Servers { servers: vec![forge] });
        screen.shows("up, 1 tool");
        screen.shows("forge: open_pull");
        screen.shows("change");
        assert_eq!(screen.key(KeyCode::Enter), send(ControlRequest::RestartServer { server: "forge".into() }));
        screen.shows("`forge` is started anew");
        screen.replies(ControlReply::Refused { why: "it does not start".into() });
        screen.shows("it does not start");
        screen.key(KeyCode::Esc);
        screen.shows("it does not start");
    }
}

mod of_commands {
    use super::*;

    #[test]
    fn what_is_asked_for_is_fetched_by_name() {
        let mut screen = Screen::new();
        for (line, errand) in [
            ("/contract", Errand::Show(Sheet::Contract)),
            ("/spend", Errand::Show(Sheet::Spend)),
            ("/diff", Errand::Show(Sheet::Diff)),
            ("/export", Errand::Export),
            ("/theme light", Errand::Ground(Some(Ground::Light))),
            ("/theme auto", Errand::Ground(None)),
            ("/compact", Errand::Send(ControlRequest::Compact)),
            ("/continue", Errand::Send(ControlRequest::GoOn)),
            ("/rename a new name", Errand::Send(ControlRequest::Rename { title: "a new name".into() })),
            ("/prohibitions", Errand::Send(ControlRequest::Look { at: Aspect::Prohibitions })),
            ("/context", Errand::Send(ControlRequest::Look { at: Aspect::Context })),
            ("/quit", Errand::Quit),
        ] {
            assert_eq!(screen.enters(line), [errand], "{line}");
        }
        for line in ["/theme pink", "/rename", "/fly"] {
            assert!(screen.enters(line).is_empty(), "{line}");
        }
        screen.shows("there is no command `/fly`");
        screen.shows("write it as /rename TITLE");
    }

    #[test]
    fn what_was_looked_at_is_a_page_that_scrolls_to_its_end_and_closes() {
        let mut screen = Screen::new();
        let part = |name: &str, bytes| ContextPart { name: name.into(), count: 1, bytes };
        let parts = vec![part("instructions", 4_000), part("tools", 12_000)];
        screen.replies(ControlReply::Context { counted: Some(3_900), limit: Some(100_000), parts });
        screen.shows("What fills the model's context");
        screen.shows("75 %");
        screen.key(KeyCode::Esc);
        screen.hides("75 %");
        screen.replies(ControlReply::Prohibitions { rules: Vec::new() });
        screen.shows("nothing is prohibited");
        screen.replies(ControlReply::Prohibitions { rules: (0..90).map(|at| format!("rule {at}")).collect() });
        (0..99).for_each(|_| drop(screen.key(KeyCode::Down)));
        screen.shows("rule 89");
        screen.key(KeyCode::Up);
        screen.hides("rule 89");
    }

    #[test]
    fn the_models_last_message_is_copied() {
        let mut screen = Screen::new();
        assert!(screen.enters("/copy").is_empty());
        screen.says(Event::Text { delta: "the answer".into() });
        screen.says(Event::Message { text: "the answer".into(), calls: 0, tokens: None, chip: "Agent".into() });
        assert_eq!(screen.enters("/copy"), [Errand::Copy("the answer".into())]);
        screen.shows("copied the model's last message, 10 characters");
    }

    #[test]
    fn the_help_has_every_command_and_every_key() {
        let mut screen = Screen::new();
        screen.size = (100, 100);
        screen.enters("/help");
        let drawn = screen.drawn();
        let names = crate::orders::ORDERS.iter().map(|entry| format!("/{}", entry.name));
        for words in names.chain(crate::orders::KEYS.iter().map(|(key, _)| (*key).to_owned())) {
            assert!(drawn.contains(&words), "{words}\n{drawn}");
        }
    }
}

mod of_writing {
    use super::*;

    #[test]
    fn files_are_asked_for_once_and_completed() {
        let mut screen = Screen::new();
        assert_eq!(screen.types("see @"), [Errand::ListFiles]);
        assert!(screen.types("ma").is_empty(), "they are on their way");
        let files = ["src/main.rs", "a file.md", "es\u{1b}cape"].map(str::to_owned).to_vec();
        screen.gets(Input::Files(files));
        screen.shows("src/main.rs");
        screen.key(KeyCode::Tab);
        assert_eq!(screen.app.composer.text(), "see @src/main.rs ");
        screen.types("@afi");
        screen.key(KeyCode::Tab);
        assert_eq!(screen.app.composer.text(), "see @src/main.rs @\"a file.md\" ");
        screen.types("@esc");
        screen.hides("cape");
        screen.now_ms += 30_000;
        assert_eq!(screen.types("x"), [Errand::ListFiles], "an old list is asked for anew");
    }

    #[test]
    fn a_command_of_ones_own_runs_is_shown_and_given_to_the_model() {
        let mut screen = Screen::new();
        assert_eq!(screen.enters("!ls"), [Errand::Shell("ls".into())]);
        screen.shows("! ls");
        screen.gets(Input::Shell(ShellSaid::Output("a.txt\nb\u{1b}[31m.txt\n".into())));
        screen.shows("b.txt");
        screen.shows("your command runs");
        assert!(screen.enters("!pwd").is_empty(), "one at a time");
        screen.shows("a command of yours runs");
        assert_eq!(screen.app.composer.text(), "!pwd");
        screen.ctrl('c');
        assert_eq!(screen.key(KeyCode::Esc), [Errand::StopShell]);
        assert_eq!(screen.ctrl('c'), [Errand::StopShell]);
        screen.gets(Input::Shell(ShellSaid::Ended("exit status 0".into())));
        screen.shows("exit status 0");
        screen.hides("your command runs");
        screen.ctrl('s');
        assert_eq!(screen.app.composer.text(), "$ ls\na.txt\nb.txt\n(exit status 0)\n");
        assert_eq!(screen.app.aside.shell_ms, None);
    }

    #[test]
    fn esc_stops_the_session_before_a_command_of_ones_own() {
        let mut screen = Screen::new();
        screen.enters("!sleep 9");
        screen.says(prompt("go"));
        assert_eq!(screen.key(KeyCode::Esc), send(ControlRequest::Stop));
        screen.shows("stopping");
        screen.says(ends(Status::Interrupted, Vec::new()));
        assert_eq!(screen.key(KeyCode::Esc), [Errand::StopShell]);
    }

    #[test]
    fn an_editor_takes_what_is_written_and_brings_it_back() {
        let mut screen = Screen::new();
        screen.types("draft");
        assert_eq!(screen.ctrl('g'), [Errand::Edit("draft".into())]);
        screen.gets(Input::Edited(Ok("draft\nand more\n".into())));
        assert_eq!(screen.app.composer.text(), "draft\nand more");
        screen.gets(Input::Edited(Err("no editor".into())));
        screen.shows("no editor");
        assert_eq!(screen.app.composer.text(), "draft\nand more");
    }

    #[test]
    fn what_is_queued_is_sent_when_the_model_is_done() {
        let mut screen = Screen::new();
        screen.says(prompt("go"));
        assert_eq!(screen.enters("steer"), say("steer"));
        for text in ["one", "two", "three"] {
            screen.types(text);
            assert_eq!(screen.ctrl('q'), [Errand::Remember(text.into())]);
        }
        screen.shows("queued: one");
        screen.shows("3 queued: Up edits");
        screen.key(KeyCode::Up);
        assert_eq!((screen.app.composer.text().as_str(), screen.app.queue.len()), ("three", 2));
        screen.ctrl('c');
        assert_eq!(screen.says(ends(Status::Done, Vec::new())), say("one"));
        screen.says(prompt("one"));
        assert!(screen.key(KeyCode::Enter).is_empty(), "it waits for the model");
        screen.says(ends(Status::Interrupted, Vec::new()));
        screen.shows("queued: two");
        screen.shows("1 queued: Enter sends, Up edits");
        assert_eq!(screen.key(KeyCode::Enter), say("two"));
        assert!(screen.app.queue.is_empty());
        let rung = screen.says(ends(Status::Done, Vec::new()));
        assert_eq!(rung, [Errand::Ring(Bell::Ended("done".into()))]);
    }

    #[test]
    fn nothing_waits_for_a_session_that_waits() {
        let mut screen = Screen::new();
        screen.types("now");
        assert_eq!(screen.ctrl('q')[1..], say("now"));
        screen.says(prompt("now"));
        screen.types("/mode");
        screen.ctrl('q');
        assert!(screen.app.queue.is_empty(), "a command waits for nobody");
        screen.shows("the mode is Agent");
    }

    #[test]
    fn a_queued_message_does_not_come_back_under_a_card_whose_answer_it_would_be() {
        let mut screen = Screen::new();
        screen.says(prompt("go"));
        screen.types("later");
        screen.ctrl('q');
        screen.says(asks("c1"));
        screen.key(KeyCode::Up);
        assert_eq!(screen.app.queue, ["later"]);
    }
}

mod of_the_status_line {
    use super::*;

    #[test]
    fn on_a_narrow_screen_the_mode_and_the_state_come_first() {
        let mut screen = Screen::new();
        screen.size = (60, 15);
        screen.says(Event::Mode { mode: "yolo:5".into(), chip: "YOLO $3.20 of $5.00".into() });
        screen.says(prompt("go"));
        (0..30).for_each(|at| drop(screen.says(Event::Notice { text: format!("notice {at}") })));
        screen.types("later");
        screen.ctrl('q');
        screen.key(KeyCode::PageUp);
        let drawn = screen.drawn();
        let last = drawn.lines().last().unwrap();
        assert!(last.contains("YOLO $3.20 of $5.00") && last.contains("Esc stops"), "{drawn}");
        screen.key(KeyCode::Tab);
        screen.shows("→ plan");
    }

    #[test]
    fn it_says_what_a_second_press_does() {
        let mut screen = Screen::new();
        assert!(screen.ctrl('c').is_empty());
        screen.shows("Ctrl+C once more ends");
        assert_eq!(screen.ctrl('c'), [Errand::Quit]);
        screen.says(prompt("go"));
        assert_eq!(screen.ctrl('c'), send(ControlRequest::Stop));
        screen.types("x");
        screen.hides("once more ends");
    }
}
