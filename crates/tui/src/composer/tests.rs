//! The composer as a whole: keys in, text and screen out.
//!
//! Not here: its parts, which have their tests beside them.

#![allow(unused_must_use, reason = "most keys here are pressed for what they do, and only some for what is heard")]

use super::cluster::after;
use super::*;
use crossterm::event::{KeyCode, KeyModifiers};
use proptest::prelude::*;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const ALT: KeyModifiers = KeyModifiers::ALT;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

fn press(composer: &mut Composer, code: KeyCode, modifiers: KeyModifiers) -> Keyed {
    composer.key(KeyEvent::new(code, modifiers))
}

fn ctrl(composer: &mut Composer, letter: char) -> Keyed {
    press(composer, KeyCode::Char(letter), CTRL)
}

fn code(composer: &mut Composer, code: KeyCode) -> Keyed {
    press(composer, code, NONE)
}

fn write(composer: &mut Composer, text: &str) -> Keyed {
    let mut heard = Keyed::Nothing;
    for letter in text.chars() {
        heard = match letter {
            '\n' => ctrl(composer, 'j'),
            _ => code(composer, KeyCode::Char(letter)),
        };
    }
    heard
}

/// A composer with a text, and the cursor where `|` is.
fn at(written: &str) -> Composer {
    let mut composer = Composer::new();
    let place = written.find('|').unwrap_or(written.len());
    composer.set(written.replacen('|', "", 1));
    composer.pad.go(place);
    composer
}

fn shown(composer: &Composer) -> String {
    let mut text = composer.pad.text().to_owned();
    text.insert(composer.pad.cursor(), '|');
    text
}

fn send(composer: &mut Composer) -> String {
    match code(composer, KeyCode::Enter) {
        Keyed::Submit(draft) => draft.text,
        other => panic!("nothing was sent: {other:?}"),
    }
}

fn check(from: &str, key: (KeyCode, KeyModifiers), to: &str) {
    let mut composer = at(from);
    let heard = press(&mut composer, key.0, key.1);
    assert_eq!(shown(&composer), to, "{key:?} on {from:?}");
    assert_eq!(heard == Keyed::Nothing, from == to, "{key:?} on {from:?} says {heard:?}");
}

fn screen(composer: &Composer, width: u16, height: u16) -> (Vec<String>, Option<Position>) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let cursor = composer.draw(area, &mut buf, &ComposerStyle::default());
    let rows = (0..height).map(|y| {
        let mut x = 0;
        let mut row = String::new();
        while x < width {
            let symbol = buf[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(draw_width(symbol)).unwrap();
        }
        row.trim_end().to_owned()
    });
    (rows.collect(), cursor)
}

fn draw_width(symbol: &str) -> usize {
    use unicode_width::UnicodeWidthStr as _;
    symbol.width().max(1)
}

#[test]
fn enter_sends_and_empties() {
    let mut composer = Composer::new();
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Nothing);
    write(&mut composer, "fix it");
    let draft = Composed { text: "fix it".to_owned(), kind: ComposedKind::Words };
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Submit(draft));
    assert!(composer.is_empty());
    write(&mut composer, "!ls -l");
    let draft = Composed { text: "!ls -l".to_owned(), kind: ComposedKind::Shell("ls -l".to_owned()) };
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Submit(draft));
}

#[test]
fn a_key_of_the_callers_sends_what_is_written_whatever_is_open() {
    let mut composer = Composer::new();
    assert_eq!(composer.send(), Keyed::Nothing);
    write(&mut composer, "/mo");
    composer.offer(vec![Choice { insert: "/mode ".to_owned(), ..Choice::default() }]);
    let Keyed::Submit(draft) = composer.send() else { panic!("it is sent") };
    assert_eq!((draft.text.as_str(), composer.is_empty(), composer.is_choosing()), ("/mo", true, false));
    write(&mut composer, "kept");
    ctrl(&mut composer, 'r');
    let Keyed::Submit(draft) = composer.send() else { panic!("it is sent") };
    assert_eq!((draft.text.as_str(), composer.is_searching()), ("kept", false));
}

#[test]
fn four_ways_make_a_new_line() {
    check("a|b", (KeyCode::Enter, SHIFT), "a\n|b");
    check("a|b", (KeyCode::Enter, ALT), "a\n|b");
    check("a|b", (KeyCode::Char('j'), CTRL), "a\n|b");
    check("a\\|", (KeyCode::Enter, NONE), "a\n|");
    check("a\\|\nb", (KeyCode::Enter, NONE), "a\n|\nb");
}

#[test]
fn the_cursor_moves_by_character_word_line_and_text() {
    let family = "👩\u{200d}👩\u{200d}👧";
    check(&format!("a{family}|b"), (KeyCode::Left, NONE), &format!("a|{family}b"));
    check(&format!("a|{family}b"), (KeyCode::Right, NONE), &format!("a{family}|b"));
    check("one two|", (KeyCode::Left, CTRL), "one |two");
    check("one |two", (KeyCode::Char('b'), ALT), "|one two");
    check("|one two", (KeyCode::Right, ALT), "one| two");
    check("one| two", (KeyCode::Char('f'), ALT), "one two|");
    check("a\nbc|d\ne", (KeyCode::Home, NONE), "a\n|bcd\ne");
    check("a\nbc|d\ne", (KeyCode::Char('e'), CTRL), "a\nbcd|\ne");
    check("a\nb|c", (KeyCode::Home, CTRL), "|a\nbc");
    check("a|\nbc", (KeyCode::End, CTRL), "a\nbc|");
    check("|a", (KeyCode::Left, NONE), "|a");
}

#[test]
fn deleting_takes_whole_characters_words_and_lines() {
    check("ae\u{301}|", (KeyCode::Backspace, NONE), "a|");
    check("|🇩🇪🇫🇷", (KeyCode::Delete, NONE), "|🇫🇷");
    check("ab|c", (KeyCode::Char('d'), CTRL), "ab|");
    check("a::b c/d|", (KeyCode::Char('w'), CTRL), "a::b |");
    check("a::b c/d|", (KeyCode::Backspace, ALT), "a::b c/|");
    check("a| bc d", (KeyCode::Char('d'), ALT), "a| d");
    check("a\nbc|d\ne", (KeyCode::Char('u'), CTRL), "a\n|d\ne");
    check("a\nb|cd\ne", (KeyCode::Char('k'), CTRL), "a\nb|\ne");
    check("a\nb|\ne", (KeyCode::Char('k'), CTRL), "a\nb|e");
    check("a\n|b", (KeyCode::Char('u'), CTRL), "a|b");
}

#[test]
fn what_is_killed_in_a_row_is_yanked_together() {
    let mut composer = at("one two |three");
    ctrl(&mut composer, 'w');
    ctrl(&mut composer, 'k');
    ctrl(&mut composer, 'w');
    assert!(composer.is_empty());
    ctrl(&mut composer, 'y');
    assert_eq!(shown(&composer), "one two three|");
    ctrl(&mut composer, 'w');
    code(&mut composer, KeyCode::Left);
    ctrl(&mut composer, 'w');
    ctrl(&mut composer, 'y');
    assert_eq!(shown(&composer), "one two| ");
}

#[test]
fn undo_and_redo_have_their_keys() {
    let mut composer = Composer::new();
    write(&mut composer, "one two");
    ctrl(&mut composer, 'z');
    assert_eq!(shown(&composer), "one |");
    press(&mut composer, KeyCode::Char('z'), CTRL | SHIFT);
    assert_eq!(shown(&composer), "one two|");
    ctrl(&mut composer, 'z');
    press(&mut composer, KeyCode::Char('z'), ALT);
    assert_eq!(shown(&composer), "one two|");
    composer.set("other".to_owned());
    ctrl(&mut composer, 'z');
    assert_eq!(shown(&composer), "one two|");
}

#[test]
fn keys_that_are_the_callers_are_not_used() {
    let mut composer = at("text");
    for key in [KeyCode::Tab, KeyCode::BackTab, KeyCode::Esc, KeyCode::PageUp, KeyCode::PageDown, KeyCode::F(1)] {
        assert_eq!(code(&mut composer, key), Keyed::Unused, "{key:?}");
    }
    let mut empty = Composer::new();
    assert_eq!(ctrl(&mut empty, 'c'), Keyed::Unused);
    assert_eq!(ctrl(&mut empty, 'd'), Keyed::Unused);
    assert_eq!(ctrl(&mut empty, 'l'), Keyed::Unused);
    assert_eq!(ctrl(&mut empty, 'g'), Keyed::Editor);
}

#[test]
fn up_and_down_move_between_wrapped_rows_and_keep_their_column() {
    let mut composer = at("aaaa bbbb\n漢\ncccc|");
    composer.fit(8, 10);
    let mut seen = Vec::new();
    for key in [KeyCode::Up, KeyCode::Up, KeyCode::Up, KeyCode::Up, KeyCode::Down, KeyCode::Down, KeyCode::Down] {
        code(&mut composer, key);
        seen.push(shown(&composer));
    }
    let expected = [
        "aaaa bbbb\n漢|\ncccc",
        "aaaa bbbb|\n漢\ncccc",
        "aaaa| bbbb\n漢\ncccc",
        "aaaa| bbbb\n漢\ncccc",
        "aaaa bbbb|\n漢\ncccc",
        "aaaa bbbb\n漢|\ncccc",
        "aaaa bbbb\n漢\ncccc|",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn up_walks_the_history_and_down_comes_back_to_what_was_being_written() {
    let mut composer = Composer::new();
    composer.load(vec!["first".to_owned(), "second".to_owned()]);
    write(&mut composer, "now");
    code(&mut composer, KeyCode::Left);
    let mut seen = Vec::new();
    for key in [KeyCode::Up, KeyCode::Up, KeyCode::Up, KeyCode::Down, KeyCode::Down, KeyCode::Down] {
        code(&mut composer, key);
        seen.push(shown(&composer));
    }
    assert_eq!(seen, ["second|", "first|", "first|", "second|", "no|w", "no|w"]);
    ctrl(&mut composer, 'z');
    assert_eq!(shown(&composer), "|");
}

#[test]
fn a_text_of_the_history_that_was_changed_keeps_the_change_until_something_is_sent() {
    let mut composer = Composer::new();
    composer.load(vec!["old".to_owned()]);
    write(&mut composer, "draft");
    code(&mut composer, KeyCode::Up);
    write(&mut composer, "er");
    code(&mut composer, KeyCode::Down);
    code(&mut composer, KeyCode::Up);
    assert_eq!(send(&mut composer), "older");
    assert_eq!(composer.sent().collect::<Vec<_>>(), ["older", "draft", "old"]);
    code(&mut composer, KeyCode::Up);
    code(&mut composer, KeyCode::Up);
    assert_eq!(shown(&composer), "draft|");
}

#[test]
fn clearing_puts_the_text_where_up_has_it_back() {
    let mut composer = at("half a thought");
    assert_eq!(ctrl(&mut composer, 'c'), Keyed::Edited);
    assert!(composer.is_empty());
    assert_eq!(ctrl(&mut composer, 'c'), Keyed::Unused);
    code(&mut composer, KeyCode::Up);
    assert_eq!(shown(&composer), "half a thought|");
}

#[test]
fn the_history_is_searched_from_the_newest_and_nothing_is_lost() {
    let mut composer = Composer::new();
    composer.load(["fix a", "run", "fix b"].map(str::to_owned).to_vec());
    write(&mut composer, "draft");
    ctrl(&mut composer, 'r');
    write(&mut composer, "fix");
    assert_eq!(screen(&composer, 30, 2).0, ["search: fix", "> fix b"]);
    ctrl(&mut composer, 'r');
    assert_eq!(composer.text(), "fix a");
    ctrl(&mut composer, 'r');
    assert_eq!(screen(&composer, 30, 2).0, ["search, no more: fix", "> fix a"]);
    assert_eq!(screen(&composer, 30, 2).1, Some(Position { x: 20, y: 0 }));
    code(&mut composer, KeyCode::Esc);
    assert_eq!(shown(&composer), "draft|");

    ctrl(&mut composer, 'r');
    write(&mut composer, "run!");
    code(&mut composer, KeyCode::Backspace);
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Edited);
    assert_eq!(shown(&composer), "run|");
    code(&mut composer, KeyCode::Down);
    code(&mut composer, KeyCode::Down);
    assert_eq!(shown(&composer), "draft|");
}

#[test]
fn a_short_paste_is_text_and_a_long_one_is_a_block() {
    let mut composer = at("see |.");
    composer.paste("a\r\nb\u{7}\n".to_owned()).used();
    assert_eq!(shown(&composer), "see a\nb\n|.");
    let mut composer = at("see |.");
    let long = "line\r\n".repeat(120);
    composer.paste(long.clone()).used();
    assert_eq!(screen(&composer, 40, 1).0, ["> see [pasted 120 lines]."]);
    assert_eq!(screen(&composer, 40, 1).1, Some(Position { x: 24, y: 0 }));
    code(&mut composer, KeyCode::Left);
    assert_eq!(screen(&composer, 40, 1).1, Some(Position { x: 6, y: 0 }));
    code(&mut composer, KeyCode::Right);
    composer.paste("x".repeat(401)).used();
    assert_eq!(screen(&composer, 80, 1).0, ["> see [pasted #1, 120 lines][pasted #2, 401 characters]."]);
    code(&mut composer, KeyCode::Backspace);
    assert_eq!(screen(&composer, 80, 1).0, ["> see [pasted 120 lines]."]);
    assert_eq!(composer.text(), format!("see {}.", long.replace('\r', "")));
    assert_eq!(send(&mut composer), format!("see {}.", long.replace('\r', "")));
    code(&mut composer, KeyCode::Up);
    assert_eq!(screen(&composer, 40, 1).0, ["> see [pasted 120 lines]."]);
    assert_eq!(send(&mut composer), format!("see {}.", long.replace('\r', "")));
}

#[test]
fn a_block_that_was_killed_is_yanked_whole_into_the_next_text() {
    let mut composer = Composer::new();
    composer.paste("x\n".repeat(9)).used();
    ctrl(&mut composer, 'u');
    write(&mut composer, "a");
    send(&mut composer);
    ctrl(&mut composer, 'y');
    assert_eq!(send(&mut composer), "x\n".repeat(9));
}

#[test]
fn a_paste_of_fifty_megabytes_is_taken_and_sent() {
    let mut composer = Composer::new();
    let text = "0123456789abcde\n".repeat((50 << 20) / 16);
    composer.paste(text.clone()).used();
    write(&mut composer, "!");
    assert_eq!(screen(&composer, 40, 1).0, ["> [pasted 3276800 lines]!"]);
    let sent = send(&mut composer);
    assert!(sent == text + "!");
}

#[test]
fn a_text_too_long_to_edit_is_set_as_a_block() {
    let mut composer = Composer::new();
    let text = "word ".repeat(50_000);
    composer.set(text.clone());
    assert_eq!(screen(&composer, 40, 1).0, ["> [pasted 250000 characters]"]);
    assert!(composer.text() == text);
}

fn choice(insert: &str) -> Choice {
    Choice { insert: insert.to_owned(), label: insert.trim().to_owned(), note: format!("note on {}", insert.trim()) }
}

#[test]
fn a_command_is_completed_from_the_choices_offered() {
    let mut composer = Composer::new();
    let wish = |query: &str| Wish { kind: WishKind::Command, query: query.to_owned() };
    assert_eq!(write(&mut composer, "/"), Keyed::Complete(wish("")));
    assert_eq!(write(&mut composer, "m"), Keyed::Complete(wish("m")));
    assert_eq!(composer.wish(), Some(wish("m")));
    composer.offer(vec![choice("/mcp "), choice("/mode "), choice("/model ")]);
    assert_eq!(code(&mut composer, KeyCode::Down), Keyed::Edited);
    assert_eq!(code(&mut composer, KeyCode::Tab), Keyed::Edited);
    assert_eq!(shown(&composer), "/mode |");
    assert!(!composer.is_choosing());
    assert_eq!(code(&mut composer, KeyCode::Tab), Keyed::Unused);
}

#[test]
fn enter_takes_a_choice_but_sends_a_name_that_is_written_out() {
    let mut composer = Composer::new();
    write(&mut composer, "/he");
    composer.offer(vec![choice("/help ")]);
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Edited);
    assert_eq!(shown(&composer), "/help |");
    let mut composer = Composer::new();
    write(&mut composer, "/help");
    composer.offer(vec![choice("/help ")]);
    let kind = ComposedKind::Command { name: "help".to_owned(), rest: String::new() };
    assert_eq!(code(&mut composer, KeyCode::Enter), Keyed::Submit(Composed { text: "/help".to_owned(), kind }));
}

#[test]
fn a_file_is_completed_anywhere_and_a_folder_goes_on() {
    let mut composer = at("see @sr|x now");
    let heard = write(&mut composer, "c");
    assert_eq!(heard, Keyed::Complete(Wish { kind: WishKind::File, query: "src".to_owned() }));
    composer.offer(vec![choice("@src/")]);
    let heard = code(&mut composer, KeyCode::Enter);
    assert_eq!(heard, Keyed::Complete(Wish { kind: WishKind::File, query: "src/".to_owned() }));
    assert_eq!(shown(&composer), "see @src/| now");
}

#[test]
fn esc_closes_the_menu_and_it_stays_closed_for_the_word() {
    let mut composer = Composer::new();
    write(&mut composer, "@a");
    composer.offer(vec![choice("@a.rs")]);
    assert_eq!(code(&mut composer, KeyCode::Esc), Keyed::Edited);
    assert_eq!(code(&mut composer, KeyCode::Esc), Keyed::Unused);
    assert_eq!(write(&mut composer, "b"), Keyed::Edited);
    composer.offer(vec![choice("@ab.rs")]);
    assert!(!composer.is_choosing());
    let heard = write(&mut composer, " @b");
    assert_eq!(heard, Keyed::Complete(Wish { kind: WishKind::File, query: "b".to_owned() }));
}

#[test]
fn moving_through_a_text_opens_no_menu() {
    let mut composer = Composer::new();
    composer.load(vec!["older".to_owned(), "/mode".to_owned()]);
    assert_eq!(code(&mut composer, KeyCode::Up), Keyed::Edited);
    assert_eq!(composer.wish(), None);
    code(&mut composer, KeyCode::Up);
    assert_eq!(shown(&composer), "older|");
}

#[test]
fn the_menu_shows_the_chosen_line_and_cuts_what_has_no_room() {
    let mut composer = Composer::new();
    write(&mut composer, "/");
    composer.offer(vec![
        choice("/mcp "),
        choice("/mode "),
        Choice { label: "漢字\u{1b}\n\u{202e}".to_owned(), ..choice("/x ") },
    ]);
    let lines = |composer: &Composer, width, rows| -> Vec<String> {
        composer.menu(width, rows, &ComposerStyle::default()).iter().map(ToString::to_string).collect()
    };
    assert_eq!(lines(&composer, 40, 9), ["> /mcp   note on /mcp", "  /mode  note on /mode", "  漢字   note on /x"]);
    code(&mut composer, KeyCode::Up);
    assert_eq!(lines(&composer, 15, 2), ["  /mode  note …", "> 漢字   note …"]);
    assert_eq!(lines(&composer, 0, 2), ["  ", "> "]);
    code(&mut composer, KeyCode::Esc);
    assert!(lines(&composer, 40, 9).is_empty());
}

#[test]
fn an_empty_composer_invites() {
    let mut composer = Composer::new();
    composer.invite("Ask 漢字 anything");
    assert_eq!(
        screen(&composer, 12, 2),
        (vec!["> Ask 漢字…".to_owned(), String::new()], Some(Position { x: 2, y: 0 }))
    );
    write(&mut composer, "x");
    assert_eq!(screen(&composer, 12, 1).0, ["> x"]);
}

#[test]
fn text_is_wrapped_by_words_and_wide_characters_are_never_cut() {
    let mut composer = at("the quick 漢字漢字漢 fox");
    composer.fit(12, 10);
    assert_eq!(composer.height(12, 10), 3);
    assert_eq!(composer.height(12, 2), 2);
    let (rows, cursor) = screen(&composer, 12, 3);
    assert_eq!(rows, ["> the quick", "  漢字漢字", "  漢 fox"]);
    assert_eq!(cursor, Some(Position { x: 8, y: 2 }));
    assert_eq!(screen(&composer, 12, 2).0, ["  漢字漢字", "  漢 fox"]);
    assert_eq!(screen(&composer, 1, 1).1, Some(Position { x: 0, y: 0 }));
    assert_eq!(screen(&composer, 0, 1).1, None);
}

#[test]
fn the_view_scrolls_no_further_than_the_cursor_needs() {
    let mut composer = at("1\n2\n3\n4\n5\n6");
    composer.fit(20, 3);
    assert_eq!(screen(&composer, 20, 3).0, ["  4", "  5", "  6"]);
    code(&mut composer, KeyCode::Up);
    code(&mut composer, KeyCode::Up);
    assert_eq!(screen(&composer, 20, 3).0, ["  4", "  5", "  6"]);
    code(&mut composer, KeyCode::Up);
    assert_eq!(screen(&composer, 20, 3).0, ["  3", "  4", "  5"]);
}

impl Keyed {
    /// Says that the paste was taken in.
    #[track_caller]
    fn used(self) {
        assert!(matches!(self, Self::Edited), "{self:?}");
    }
}

#[derive(Clone, Debug)]
enum Input {
    Key(KeyCode, KeyModifiers),
    Write(String),
    Paste(String),
    Offer(u8),
    Fit(u16, u16),
    Set(String),
    Load(String),
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "bc ", " ", "漢", "\u{301}", "é", "\u{200d}", "👩", "🇩", "🇪", "\u{600}", "/", "@", "!", "\\", "-",
        "\u{200b}", "\u{1100}",
    ]);
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn pasted() -> impl Strategy<Value = String> {
    prop_oneof![
        pieces(),
        (pieces(), 1_usize..9).prop_map(|(text, times)| format!("{text}\r\n").repeat(times)),
        "\\PC{0,8}",
        ".{0,8}"
    ]
}

fn key() -> impl Strategy<Value = (KeyCode, KeyModifiers)> {
    use KeyCode::{Backspace, Char, Delete, Down, End, Enter, Esc, Home, Left, Right, Tab, Up};
    let codes = vec![
        Backspace,
        Backspace,
        Delete,
        Down,
        End,
        Enter,
        Esc,
        Home,
        Left,
        Left,
        Right,
        Tab,
        Up,
        Up,
        Char('a'),
        Char('c'),
        Char('d'),
        Char('f'),
        Char('g'),
        Char('j'),
        Char('k'),
        Char('r'),
        Char('r'),
        Char('u'),
        Char('w'),
        Char('y'),
        Char('z'),
        Char('\t'),
        Char('\u{7f}'),
    ];
    let modifiers = prop::sample::select(vec![NONE, NONE, CTRL, CTRL, ALT, SHIFT, CTRL | SHIFT, CTRL | ALT]);
    (prop::sample::select(codes), modifiers)
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => key().prop_map(|(code, modifiers)| Input::Key(code, modifiers)),
        4 => pieces().prop_map(Input::Write),
        2 => pasted().prop_map(Input::Paste),
        1 => (0_u8..4).prop_map(Input::Offer),
        1 => (0_u16..30, 0_u16..6).prop_map(|(width, max)| Input::Fit(width, max)),
        1 => pasted().prop_map(Input::Set),
        1 => pasted().prop_map(Input::Load),
    ]
}

fn feed(composer: &mut Composer, input: Input) -> Option<Keyed> {
    match input {
        Input::Key(code, modifiers) => return Some(press(composer, code, modifiers)),
        Input::Write(text) => return Some(write(composer, &text)),
        Input::Paste(text) => return Some(composer.paste(text)),
        Input::Offer(many) => composer.offer((0..many).map(|at| choice(&format!("@漢{at}/"))).collect()),
        Input::Fit(width, max) => composer.fit(width, max),
        Input::Set(text) => composer.set(text),
        Input::Load(text) => composer.load(vec![text]),
    }
    None
}

/// What is true of a composer after whatever was done to it.
fn sound(composer: &Composer, width: u16, height: u16) -> Result<(), TestCaseError> {
    let text = composer.pad.text();
    let mut place = 0;
    while place < composer.pad.cursor() {
        place = after(text, place);
    }
    prop_assert_eq!(place, composer.pad.cursor(), "the cursor is inside a character of {:?}", text);
    prop_assert_eq!(&composer.view.rows, &Rows::of(&composer.page(composer.view.width)));
    if let Some(found) = &composer.wished {
        prop_assert!(text.get(found.range.clone()).is_some());
    }
    for (width, height) in [(width, height), (composer.view.width, composer.height(composer.view.width, 9))] {
        let (whole, area) = (Rect::new(0, 0, width + 4, height + 2), Rect::new(2, 1, width, height));
        let mut buf = Buffer::filled(whole, Cell::new("#"));
        let cursor = composer.draw(area, &mut buf, &ComposerStyle::default());
        prop_assert_eq!(cursor.is_some(), !area.is_empty());
        prop_assert!(cursor.is_none_or(|cursor| area.contains(cursor)), "{cursor:?} in {area:?}");
        for place in whole.positions().filter(|place| !area.contains(*place)) {
            prop_assert_eq!(buf[place].symbol(), "#", "{:?} was drawn outside {:?}", place, area);
        }
        for place in area.positions().filter(|place| draw_width(buf[*place].symbol()) > 1) {
            let last = place.x + u16::try_from(draw_width(buf[place].symbol())).unwrap() - 1;
            prop_assert!(last < area.right(), "a wide character is cut at {place:?} of {area:?}");
        }
    }
    for line in composer.menu(width, height, &ComposerStyle::default()) {
        prop_assert!(line.width() <= usize::from(width.max(2)));
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_keys_and_pastes_bring_it_out_of_order(
        inputs in prop::collection::vec(input(), 0..40), width in 0_u16..30, height in 0_u16..6,
    ) {
        let mut composer = Composer::new();
        for input in inputs {
            feed(&mut composer, input);
            sound(&composer, width, height)?;
        }
    }

    #[test]
    fn undo_goes_back_to_the_beginning_and_redo_to_the_end(inputs in prop::collection::vec(input(), 0..40)) {
        let mut composer = Composer::new();
        for input in inputs {
            let stays = !matches!(
                &input,
                Input::Load(_) | Input::Key(KeyCode::Enter | KeyCode::Up | KeyCode::Down | KeyCode::Char('r' | 'c' | 'z'), _)
            );
            if stays {
                feed(&mut composer, input);
            }
        }
        let written = composer.text();
        while ctrl(&mut composer, 'z') != Keyed::Nothing {
            sound(&composer, 20, 3)?;
        }
        prop_assert_eq!(composer.text(), "");
        while press(&mut composer, KeyCode::Char('Z'), CTRL) != Keyed::Nothing {
            sound(&composer, 20, 3)?;
        }
        prop_assert_eq!(composer.text(), written);
    }

    #[test]
    fn what_is_sent_is_what_was_written_less_what_was_deleted(
        inputs in prop::collection::vec(prop_oneof![3 => pieces().prop_map(Some), 1 => Just(None)], 1..30),
        blocks in prop::collection::vec((any::<prop::sample::Index>(), 4_usize..9), 0..3),
    ) {
        use unicode_segmentation::UnicodeSegmentation as _;
        let mut composer = Composer::new();
        // Pieces of the text, and with each whether it is a block.
        let mut model: Vec<(String, bool)> = Vec::new();
        composer.paste("start".to_owned()).used();
        model.push(("start".to_owned(), false));
        for (at, input) in inputs.iter().enumerate() {
            match input {
                Some(text) => {
                    write(&mut composer, text);
                    match model.last_mut() {
                        Some((last, false)) => last.push_str(text),
                        _ => model.push((text.clone(), false)),
                    }
                }
                None => {
                    code(&mut composer, KeyCode::Backspace);
                    if let Some((last, is_block)) = model.last_mut() {
                        let gone = if *is_block { last.len() } else { last.graphemes(true).next_back().map_or(0, str::len) };
                        last.truncate(last.len() - gone);
                    }
                    model.retain(|(piece, _)| !piece.is_empty());
                }
            }
            for (_, lines) in blocks.iter().filter(|(place, _)| place.index(inputs.len()) == at) {
                composer.paste("x\n".repeat(*lines)).used();
                model.push(("x\n".repeat(*lines), true));
            }
        }
        let expected: String = model.into_iter().map(|(piece, _)| piece).collect();
        prop_assert_eq!(composer.text(), expected.clone());
        write(&mut composer, ".");
        composer.paste(".".to_owned()).used();
        prop_assert_eq!(send(&mut composer), expected + "..");
    }
}
