//! What is seen of a transcript, whatever its length.
//!
//! Not here: what Markdown and diffs look like.

use super::*;
use crate::theme::{Depth, Ground};

const THEME: Theme = Theme::new(Depth::None, Ground::Dark);
const SIZE: (u16, u16) = (40, 10);

fn transcript(cells: impl IntoIterator<Item = Cell>) -> Transcript {
    let mut transcript = Transcript::default();
    cells.into_iter().for_each(|cell| transcript.push(cell));
    transcript
}

fn speaking(text: &str) -> Cell {
    Cell::Speaking(text.to_owned())
}

fn notices(from: usize, to: usize) -> Transcript {
    transcript((from..to).map(|number| Cell::Notice(number.to_string())))
}

fn call(name: &str, output: &str) -> Cell {
    Cell::Call(Box::new(CallCell {
        call: name.to_owned(),
        tool: "shell".to_owned(),
        summary: format!("shell: {name}"),
        arguments: "{}".to_owned(),
        price: None,
        state: CallState::Done,
        output: String::new(),
        result: output.to_owned(),
        fold: Fold::Folded,
    }))
}

fn seen(transcript: &Transcript, size: (u16, u16)) -> Vec<String> {
    transcript.visible(size, &THEME, 0).iter().map(|line| line.to_string().trim_end().to_owned()).collect()
}

/// The first line on the screen that has something on it.
fn first(transcript: &Transcript) -> String {
    seen(transcript, SIZE).into_iter().find(|line| !line.is_empty()).unwrap_or_default()
}

/// Every line that there is.
fn all(transcript: &Transcript, width: u16) -> Vec<String> {
    seen(transcript, (width, u16::MAX))
}

#[test]
fn a_message_is_what_it_was_as_a_whole_whatever_was_heard_of_it() {
    let between = Cell::Notice("by the way".to_owned());
    let mut heard = transcript([Cell::Person("?".to_owned()), speaking("one "), between.clone(), speaking("two")]);
    heard.close_words("one two");
    let whole = Cell::Model("one two".to_owned());
    assert_eq!(heard.cells().skip(1).cloned().collect::<Vec<_>>(), [whole.clone(), between]);
    let mut missed = transcript([speaking("wo")]);
    missed.close_words("one two");
    missed.close_words("");
    assert_eq!(missed.cells().cloned().collect::<Vec<_>>(), std::slice::from_ref(&whole));
    let mut late = Transcript::default();
    late.close_words("one two");
    assert_eq!(late.cells().cloned().collect::<Vec<_>>(), [whole]);
}

#[test]
fn a_void_answer_goes_and_what_was_said_about_it_stays() {
    let trouble = Cell::Trouble("cut off".to_owned());
    let mut heard = transcript([Cell::Model("before".to_owned()), speaking("half"), trouble.clone()]);
    heard.take_back_words();
    assert_eq!(heard.cells().cloned().collect::<Vec<_>>(), [Cell::Model("before".to_owned()), trouble]);
}

#[test]
fn the_end_is_followed_until_somebody_scrolls_up_and_again_at_the_end() {
    let mut transcript = notices(0, 100);
    assert_eq!(seen(&transcript, SIZE).last().map(String::as_str), Some(""));
    assert_eq!(first(&transcript), "· 95");
    transcript.up(4);
    assert!(!transcript.follows());
    assert_eq!(first(&transcript), "· 93");
    transcript.down(2);
    assert_eq!(first(&transcript), "· 94");
    transcript.down(1_000);
    assert_eq!(first(&transcript), "· 95");
    assert!(transcript.follows());
    transcript.up(usize::MAX);
    assert_eq!(first(&transcript), "· 0");
    transcript.up(3);
    first(&transcript);
    transcript.down(2);
    assert_eq!(first(&transcript), "· 1", "what was scrolled past the beginning is not owed");
    transcript.to_the_end();
    assert_eq!(first(&transcript), "· 95");
    transcript.to_the_start();
    assert_eq!(first(&transcript), "· 0");
    let mut short = notices(0, 2);
    short.up(5);
    assert_eq!(seen(&short, SIZE), ["· 0", "", "· 1", ""]);
    assert!(short.follows(), "all of it is seen");
}

#[test]
fn what_comes_below_does_not_move_what_is_read() {
    let mut transcript = notices(0, 100);
    transcript.up(20);
    let before = seen(&transcript, SIZE);
    (0..50).for_each(|_| transcript.push(Cell::Notice("more".to_owned())));
    (0..50).for_each(|_| transcript.speak("words\n\n"));
    assert_eq!(seen(&transcript, SIZE), before);
    let narrow = seen(&transcript, (20, 10));
    assert_eq!(narrow, before, "these lines are as high at any width");
    transcript.take_back_words();
    assert_eq!(seen(&transcript, SIZE), before);
}

#[test]
fn of_a_long_transcript_only_what_is_seen_is_laid_out() {
    let mut transcript = notices(0, 100_000);
    seen(&transcript, (80, 40));
    let kept = transcript.layouts.borrow().lines();
    assert!(kept < 100, "{kept} lines were laid out");
    transcript.to_the_start();
    seen(&transcript, (80, 40));
    assert!(transcript.layouts.borrow().lines() < 200);
    for _ in 0..2_000 {
        transcript.down(40);
        seen(&transcript, (80, 40));
    }
    let kept = transcript.layouts.borrow().lines();
    assert!(kept <= 30_000, "{kept} lines are kept");
}

#[test]
fn a_long_message_that_streams_is_laid_out_by_its_end_and_is_in_the_end_what_it_would_be_at_once() {
    let block = "A paragraph with *words*, long enough to be wrapped somewhere.\n\n```rust\nlet x = 1;\n```\n\n";
    let list = "- an item with *words*\n  that go on\n\n- another\n".repeat(500);
    let text = format!("{}{list}\nWords.\n", block.repeat(500));
    let mut streamed = Transcript::default();
    for piece in text.as_bytes().chunks(700) {
        streamed.speak(std::str::from_utf8(piece).unwrap());
        seen(&streamed, SIZE);
    }
    streamed.close_words(&text);
    let whole = transcript([Cell::Model(text.clone())]);
    assert_eq!(all(&streamed, 40), all(&whole, 40));
    let at_once = crate::markdown::render(&text, 40, &THEME);
    let at_once: Vec<String> = at_once.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
    let lines = all(&whole, 40);
    assert_eq!(lines[..lines.len() - 1], at_once, "the parts are together what the whole would be");
}

#[test]
fn a_call_opens_with_the_end_of_its_output_then_whole_then_folds() {
    let output: String = (0..5_000).map(|number| format!("line {number}\n")).collect();
    let mut transcript = transcript([Cell::Notice("before".to_owned()), call("c1", &output)]);
    assert_eq!(all(&transcript, 60)[2], "✓ shell: c1  line 4999");
    transcript.turn_call();
    let open = all(&transcript, 60);
    assert!(open.contains(&"  … 4980 lines before".to_owned()) && open.contains(&"  line 4980".to_owned()), "{open:?}");
    assert!(!open.contains(&"  line 4979".to_owned()));
    transcript.turn_call();
    assert_eq!(
        seen(&transcript, SIZE)[..3],
        ["✓ shell: c1  line 4999", "  {}", "  line 0"],
        "it is read from its head"
    );
    let lines = transcript.layouts.borrow().lines();
    assert!(lines < 3_000, "{lines} lines were laid out");
    transcript.to_the_end();
    assert_eq!(seen(&transcript, SIZE)[8], "  line 4999");
    transcript.turn_call();
    assert_eq!(all(&transcript, 60).len(), 4);
    transcript.turn_call();
    transcript.call_mut("c1").unwrap().result = "short".to_owned();
    transcript.turn_call();
    assert_eq!(transcript.call("c1").unwrap().fold, Fold::Folded, "there is no more than what is shown");
}

#[test]
fn the_call_that_is_read_opens_and_not_the_last() {
    let mut transcript = transcript((0..40).map(|number| call(&format!("c{number}"), "done")));
    transcript.up(30);
    let middle = seen(&transcript, SIZE)[4].clone();
    transcript.turn_call();
    let open = transcript.cells().position(|cell| matches!(cell, Cell::Call(call) if call.fold == Fold::Open));
    assert_eq!(middle, format!("✓ shell: c{}  done", open.unwrap()));
    transcript.to_the_end();
    seen(&transcript, SIZE);
    transcript.turn_call();
    assert_eq!(transcript.call("c39").unwrap().fold, Fold::Open);
}

#[test]
fn a_line_that_is_written_over_is_kept_in_its_last_state() {
    let Cell::Call(mut call) = call("c1", "") else { panic!("it is a call") };
    for piece in ["begins\n", "10%\r", "20%\r", "\r30%", "\r100%\r\n", "done\r\n", "\r1/2", "\r2/2"] {
        call.say(piece);
    }
    assert_eq!(call.output, "begins\n100%\r\ndone\r\n2/2");
    (0..100_000).for_each(|number| call.say(&format!("\r{number} of 100000")));
    assert!(call.output.len() < 100, "{}", call.output.len());
}

#[test]
fn what_runs_says_for_how_long_and_is_drawn_anew_only_each_second() {
    let mut running = transcript([call("c1", "")]);
    running.call_mut("c1").unwrap().state = CallState::Runs(1_000);
    let at = |now_ms| running.visible(SIZE, &THEME, now_ms)[0].to_string();
    assert_eq!(
        (at(1_500), at(62_000), at(7_261_000)),
        ("▸ shell: c1  0 s".to_owned(), "▸ shell: c1  1 min 1 s".to_owned(), "▸ shell: c1  2 h 1 min".to_owned())
    );
}
