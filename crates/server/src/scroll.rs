//! What an open session has said, numbered, for any number of readers at their own pace.
//!
//! Not here: where the events come from, or how a reader is told.
//!
//! Readers hold a number, not a queue: a slow one costs nothing and delays nobody. Pieces of what is under way (the words of a
//! message as they are spoken, a tool's output as it runs) are let go when the whole is there, so a reader who was away is
//! told the whole instead. A number means something only in the scroll that gave it; so an [`EventId`] names the scroll too.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use wire::Event;

/// One event with its number.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// Its number: larger than that of every line before it, and never that of another.
    pub number: u64,
    /// The event.
    pub event: Arc<Event>,
    /// The event as JSON, written once for all readers.
    pub json: Arc<str>,
}

/// The name of an event of one scroll, as clients keep it: `SCROLL-NUMBER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    /// The scroll.
    pub scroll: u32,
    /// The number of the event; 0 is before the first.
    pub number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.scroll, self.number)
    }
}

/// What is no name of an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no id of an event; give one as an event has it")]
pub struct BadEventId(String);

impl FromStr for EventId {
    type Err = BadEventId;

    fn from_str(text: &str) -> Result<EventId, BadEventId> {
        let bad = || BadEventId(text.chars().take(80).collect());
        let (scroll, number) = text.split_once('-').ok_or_else(bad)?;
        let only_digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let scroll = u32::from_str_radix(scroll, 16).ok().filter(|_| scroll.len() == 8);
        match (scroll, number.parse().ok().filter(|_| only_digits)) {
            (Some(scroll), Some(number)) => Ok(EventId { scroll, number }),
            _not_both => Err(bad()),
        }
    }
}

/// The events of one opening of a session. Clones are the same scroll.
#[derive(Clone, Debug)]
pub struct Scroll {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: u32,
    lines: Mutex<VecDeque<Numbered>>,
    last: watch::Sender<u64>,
}

impl Scroll {
    /// An empty scroll; its name should differ from that of every other opening of the session.
    pub fn named(name: u32) -> Scroll {
        let (last, _) = watch::channel(0);
        Scroll { inner: Arc::new(Inner { name, lines: Mutex::default(), last }) }
    }

    /// The id of the event with this number.
    pub fn id(&self, number: u64) -> EventId {
        EventId { scroll: self.inner.name, number }
    }

    /// From which number a reader goes on who last saw this event: from the first when it is of another scroll, which the
    /// reader can tell because a `session` event comes then.
    pub fn after(&self, seen: Option<EventId>) -> u64 {
        match seen {
            Some(id) if id.scroll == self.inner.name && id.number <= self.last() => id.number,
            Some(_) | None => 0,
        }
    }

    /// The number of the last event so far.
    pub fn last(&self) -> u64 {
        *self.inner.last.borrow()
    }

    /// Adds an event, and lets go what it makes superfluous.
    pub fn add(&self, event: Arc<Event>) {
        let json = serde_json::to_string(&*event).expect("an event is text, numbers and lists of them").into();
        let mut lines = self.lines();
        match &*event {
            Event::Message { .. } | Event::Restarted | Event::End { .. } => {
                lines.retain(|line| !is_piece_of_a_message(&line.event));
                // What was thought in an attempt that is void is void too.
                while matches!(&*event, Event::Restarted)
                    && lines.pop_back_if(|line| matches!(&*line.event, Event::Reasoning { .. })).is_some()
                {
                }
            }
            Event::Result { call, .. } => lines.retain(|line| !is_progress_of(&line.event, call)),
            _whole => {}
        }
        let number = self.last() + 1;
        lines.push_back(Numbered { number, event, json });
        drop(lines);
        self.inner.last.send_replace(number);
    }

    /// The lines after this number, at most so many.
    pub fn read(&self, after: u64, most: usize) -> Vec<Numbered> {
        let lines = self.lines();
        let from = lines.partition_point(|line| line.number <= after);
        lines.iter().skip(from).take(most).cloned().collect()
    }

    /// Waits until there is an event after this number.
    pub async fn has_more_than(&self, after: u64) {
        let seen = self.inner.last.subscribe().wait_for(|last| *last > after).await.map(|_| ());
        seen.expect("the sender is in the scroll that is asked");
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Numbered>> {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an event is a part of what the model is saying, which its message tells whole.
fn is_piece_of_a_message(event: &Event) -> bool {
    matches!(event, Event::Text { .. } | Event::Calling { .. } | Event::Retrying { .. } | Event::Restarted)
}

fn is_progress_of(event: &Event, ended: &str) -> bool {
    matches!(event, Event::Progress { call, .. } if call == ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(delta: &str) -> Event {
        Event::Text { delta: delta.to_owned() }
    }

    fn message(text: &str) -> Event {
        Event::Message { text: text.to_owned(), calls: 0, tokens: None, chip: "Agent".to_owned() }
    }

    fn progress(call: &str) -> Event {
        Event::Progress { call: call.to_owned(), text: "line\n".to_owned() }
    }

    fn result(call: &str) -> Event {
        Event::Result { call: call.to_owned(), ok: true, text: "line\n".to_owned(), chip: "Agent".to_owned() }
    }

    fn numbers(scroll: &Scroll, after: u64) -> Vec<u64> {
        scroll.read(after, usize::MAX).iter().map(|line| line.number).collect()
    }

    #[test]
    fn pieces_go_when_the_whole_is_there_and_numbers_stay() {
        let scroll = Scroll::named(7);
        for event in [text("a"), text("b"), message("ab"), progress("1"), progress("2"), result("1")] {
            scroll.add(Arc::new(event));
        }
        assert_eq!(numbers(&scroll, 0), [3, 5, 6]);
        assert_eq!(numbers(&scroll, 1), [3, 5, 6], "who heard a piece is told the whole");
        assert_eq!(numbers(&scroll, 5), [6]);
        assert_eq!(scroll.last(), 6);
    }

    #[test]
    fn what_was_thought_in_a_void_attempt_goes_and_what_was_thought_before_stays() {
        let scroll = Scroll::named(7);
        let thought = || Event::Reasoning { delta: "hm".to_owned() };
        for event in [thought(), message("a"), thought(), text("b"), Event::Restarted, thought(), message("c")] {
            scroll.add(Arc::new(event));
        }
        assert_eq!(numbers(&scroll, 0), [1, 2, 6, 7]);
    }

    #[test]
    fn a_reader_goes_on_where_it_was_and_begins_anew_in_another_scroll() {
        let scroll = Scroll::named(7);
        scroll.add(Arc::new(message("a")));
        scroll.add(Arc::new(message("b")));
        assert_eq!(scroll.after(Some(scroll.id(1))), 1);
        assert_eq!(scroll.after(None), 0);
        assert_eq!(scroll.after(Some(Scroll::named(8).id(1))), 0);
        assert_eq!(scroll.after(Some(scroll.id(3))), 0, "it never gave that number");
    }

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is() {
        let id = EventId { scroll: 0x00ab_cdef, number: 12 };
        assert_eq!(id.to_string(), "00abcdef-12");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "12", "00abcdef-", "00abcdef-+1", "abcdef-12", "00abcdeg-1", "00abcdef-99999999999999999999"] {
            assert_eq!(bad.parse::<EventId>(), Err(BadEventId(bad.to_owned())));
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_the_next_event() {
        let scroll = Scroll::named(7);
        scroll.add(Arc::new(message("a")));
        let waiting = tokio::spawn({
            let scroll = scroll.clone();
            async move { scroll.has_more_than(1).await }
        });
        scroll.add(Arc::new(message("b")));
        waiting.await.unwrap();
        assert_eq!(scroll.last(), 2);
    }
}
