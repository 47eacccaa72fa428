//! The conversation's machine: what it wants after each event.

use turn::chat::{Message, Outcome, Reply, ToolCall, Usage};
use turn::{Ending, Limits, Measured, Turn, TurnEvent, Want, context};

fn said(text: &str) -> TurnEvent {
    TurnEvent::Said { text: text.into() }
}

fn replied(text: &str, calls: &[&str]) -> TurnEvent {
    let calls = calls.iter().map(|name| ToolCall { id: "same".into(), name: (*name).into(), arguments: "{}".into() });
    let reply = Reply { text: text.into(), reasoning: None, calls: calls.collect() };
    TurnEvent::Replied { reply, usage: Some(Usage { input: 10, output: 1, ..Usage::default() }) }
}

fn ended(call: &str) -> TurnEvent {
    TurnEvent::CallEnded { call: call.into(), text: format!("result of {call}"), outcome: Outcome::Done }
}

fn names(wants: &[Want]) -> Vec<String> {
    match wants {
        [Want::Calls(calls)] => calls.iter().map(|call| call.id.clone()).collect(),
        other => panic!("it should call: {other:?}"),
    }
}

fn roles(turn: &Turn) -> String {
    let role = |message: &Message| match message {
        Message::User { .. } => "u".to_owned(),
        Message::Assistant(_) => "a".to_owned(),
        Message::Tool { call, .. } => format!("[{call}]"),
    };
    turn.messages().iter().map(role).collect()
}

#[test]
fn a_turn_goes_from_words_to_calls_to_words() {
    let mut turn = Turn::new(Limits::default());
    assert!(turn.is_idle());
    assert_eq!(turn.step(said("fix it")), [Want::Reply]);
    assert_eq!(names(&turn.step(replied("looking", &["read", "list"]))), ["c1", "c2"], "calls get names of their own");
    assert_eq!(turn.unended(), ["c1", "c2"]);
    assert_eq!(turn.step(ended("c2")), []);
    assert_eq!(turn.step(ended("c1")), [Want::Reply]);
    assert_eq!(roles(&turn), "ua[c1][c2]", "answers stand in the order of the calls");
    assert_eq!(turn.step(replied("done", &[])), [Want::End(Ending::Done)]);
    assert_eq!((turn.last_text(), turn.requests()), ("done", 2));
    assert_eq!(turn.measured(), Some(Measured { messages: 4, input: 10 }), "what stood before the last answer");
    assert!(turn.is_idle());
    assert_eq!(turn.step(said("more")), [Want::Reply]);
    assert_eq!(names(&turn.step(replied("", &["read"]))), ["c3"], "names are never used twice in a session");
}

#[test]
fn what_a_person_says_meanwhile_is_said_with_the_next_request() {
    let mut turn = Turn::new(Limits::default());
    turn.step(said("one"));
    assert_eq!(turn.step(said("two")), []);
    turn.step(replied("", &["read"]));
    assert_eq!(roles(&turn), "ua");
    assert_eq!(turn.step(ended("c1")), [Want::Reply]);
    assert_eq!(roles(&turn), "ua[c1]u");
    turn.step(said("three"));
    assert_eq!(turn.step(replied("done?", &[])), [Want::Reply], "not over while somebody waits to be heard");
    assert_eq!(roles(&turn), "ua[c1]uau");
}

#[test]
fn a_record_replays_the_same_whatever_limits_it_is_replayed_with() {
    let generous = Limits { requests: 9, ..Limits::default() };
    let events = [
        TurnEvent::Limited { limits: generous },
        said("one"),
        replied("", &["read"]),
        ended("c1"),
        replied("", &["list"]),
        ended("c2"),
        replied("done", &[]),
    ];
    let play = |limits| {
        let mut turn = Turn::new(limits);
        for event in events.clone() {
            turn.step(event);
        }
        turn
    };
    let tight = play(Limits { requests: 1, repeats: 1, context_tokens: Some(1) });
    assert_eq!(tight, play(Limits::default()));
    assert_eq!((roles(&tight).as_str(), tight.limits()), ("ua[c1]a[c2]a", generous));
}

#[test]
fn an_event_that_does_not_belong_changes_nothing() {
    let mut turn = Turn::new(Limits::default());
    let all = [
        replied("x", &[]),
        ended("c1"),
        TurnEvent::Stopped,
        TurnEvent::ContextFull,
        TurnEvent::Compacted { summary: "s".into() },
        TurnEvent::ModelFailed { why: "w".into() },
    ];
    for event in all {
        let before = turn.clone();
        assert_eq!(turn.step(event), []);
        assert_eq!(turn, before);
    }
    turn.step(said("go"));
    turn.step(replied("", &["read"]));
    let before = turn.clone();
    assert_eq!(turn.step(ended("c9")), [], "no such call");
    assert_eq!(turn.step(replied("again", &[])), []);
    assert_eq!(turn.step(TurnEvent::GoOn), []);
    assert_eq!(turn, before);
}

#[test]
fn stopping_leaves_no_call_without_an_answer() {
    let mut turn = Turn::new(Limits::default());
    turn.step(said("go"));
    turn.step(replied("", &["read", "list", "edit"]));
    turn.step(ended("c2"));
    assert_eq!(turn.step(TurnEvent::Stopped), [Want::End(Ending::Stopped)]);
    assert_eq!(roles(&turn), "ua[c1][c2][c3]");
    assert_eq!(turn.step(TurnEvent::GoOn), [Want::Reply], "and it can go on");
    assert_eq!(turn.step(TurnEvent::Stopped), [Want::End(Ending::Stopped)]);
}

#[test]
fn a_model_that_fails_ends_the_turn_and_can_be_asked_again() {
    let mut turn = Turn::new(Limits::default());
    turn.step(said("go"));
    let failed = turn.step(TurnEvent::ModelFailed { why: "no service".into() });
    assert_eq!(failed, [Want::End(Ending::ModelFailed("no service".into()))]);
    assert_eq!(turn.step(TurnEvent::GoOn), [Want::Reply]);
}

#[test]
fn the_model_is_asked_no_more_often_than_the_limit() {
    let mut turn = Turn::new(Limits { requests: 2, ..Limits::default() });
    turn.step(said("go"));
    turn.step(replied("", &["read"]));
    assert_eq!(turn.step(ended("c1")), [Want::Reply]);
    turn.step(replied("", &["list"]));
    assert_eq!(turn.step(ended("c2")), [Want::End(Ending::TurnLimit(2))]);
    assert_eq!(turn.step(said("go on")), [Want::Reply], "a person's words start anew");
}

#[test]
fn the_same_call_for_ever_is_stopped_and_left_with_an_answer() {
    let mut turn = Turn::new(Limits { repeats: 3, ..Limits::default() });
    turn.step(said("go"));
    for number in 1..=3 {
        assert_eq!(names(&turn.step(replied("", &["read"]))).len(), 1);
        turn.step(ended(&format!("c{number}")));
    }
    assert_eq!(turn.step(replied("", &["read"])), [Want::End(Ending::Looping(4))]);
    assert!(roles(&turn).ends_with("a[c4]"));
    let mut turn = Turn::new(Limits { repeats: 1, ..Limits::default() });
    turn.step(said("go"));
    for (number, name) in ["read", "list", "read", "list"].into_iter().enumerate() {
        assert_eq!(names(&turn.step(replied("", &[name]))).len(), 1, "taking turns is no loop of one call");
        turn.step(ended(&format!("c{}", number + 1)));
    }
}

/// A conversation with this many calls behind it, waiting for the model.
fn long(calls: usize, limits: Limits) -> Turn {
    let mut turn = Turn::new(limits);
    turn.step(said("go"));
    for number in 1..=calls {
        turn.step(replied(&number.to_string(), &["read"]));
        turn.step(ended(&format!("c{number}")));
    }
    turn
}

#[test]
fn a_full_context_is_summed_up_and_the_last_messages_stay() {
    let mut turn = long(20, Limits { repeats: 100, ..Limits::default() });
    let before = turn.messages().len();
    assert_eq!(turn.step(TurnEvent::ContextFull), [Want::Summary]);
    let request = context::summary_request(turn.messages());
    assert!(request.len() < before && matches!(request.last(), Some(Message::User { .. })));
    assert_eq!(turn.step(TurnEvent::Compacted { summary: "so far".into() }), [Want::Reply]);
    assert_eq!(roles(&turn), "ua[c17]a[c18]a[c19]a[c20]");
    let Message::User { text } = &turn.messages()[0] else { panic!() };
    assert!(text.ends_with("so far"));
    let again = turn.step(TurnEvent::ContextFull);
    assert_eq!(again, [Want::End(Ending::ContextFull)], "what is full again at once cannot be made smaller");
}

#[test]
fn a_person_has_it_summed_up_between_turns_and_that_is_all_that_happens() {
    let mut turn = long(20, Limits { repeats: 100, ..Limits::default() });
    assert!(turn.step(TurnEvent::SumUp).is_empty(), "it works; nothing is summed up");
    turn.step(replied("done", &[]));
    assert_eq!(turn.step(TurnEvent::SumUp), [Want::Summary]);
    let mut said_meanwhile = turn.clone();
    assert_eq!(turn.step(TurnEvent::Compacted { summary: "so far".into() }), [Want::End(Ending::Done)]);
    assert!(turn.is_idle() && roles(&turn).starts_with('u'), "{}", roles(&turn));
    said_meanwhile.step(said("and now?"));
    let wants = said_meanwhile.step(TurnEvent::Compacted { summary: "so far".into() });
    assert_eq!(wants, [Want::Reply], "what was said meanwhile is answered");
    let mut short = Turn::new(Limits::default());
    assert!(!short.can_sum_up() && short.step(TurnEvent::SumUp).is_empty() && short.is_idle());
}

#[test]
fn a_short_context_that_is_full_cannot_be_made_smaller() {
    let mut turn = long(1, Limits::default());
    assert_eq!(turn.step(TurnEvent::ContextFull), [Want::End(Ending::ContextFull)]);
}

/// Calls until something else than another request is wanted: how many calls that took, and what is wanted.
fn until_it_differs(limits: Limits) -> (usize, Vec<Want>) {
    let mut turn = Turn::new(Limits { repeats: 100, ..limits });
    turn.step(said("go"));
    for number in 1..=30 {
        turn.step(replied(&number.to_string(), &["read"]));
        let wants = turn.step(ended(&format!("c{number}")));
        if wants != [Want::Reply] {
            return (number, wants);
        }
    }
    (30, Vec::new())
}

#[test]
fn the_context_is_summed_up_before_it_is_full() {
    // Each request takes ten input tokens. Past nine it is summed up, once there is enough to sum up.
    let limits = |tokens| Limits { context_tokens: tokens, ..Limits::default() };
    assert_eq!(until_it_differs(limits(Some(9))), (5, vec![Want::Summary]));
    assert_eq!(until_it_differs(limits(Some(10))), (30, vec![]));
    assert_eq!(until_it_differs(limits(None)), (30, vec![]), "without a limit it waits for the service to complain");
}

#[test]
fn replaying_the_same_events_gives_the_same_machine() {
    let events =
        [said("go"), replied("", &["read"]), said("steer"), ended("c1"), replied("done", &[]), TurnEvent::GoOn];
    let play = || {
        let mut turn = Turn::new(Limits::default());
        for event in &events {
            let text = serde_json::to_string(event).unwrap();
            turn.step(serde_json::from_str(&text).unwrap());
        }
        turn
    };
    assert_eq!(play(), play());
    assert_eq!(roles(&play()), "ua[c1]ua");
}
