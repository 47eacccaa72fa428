//! One writer for each session: the lock, and what holds where it does not.
//!
//! Not here: what a killed writer leaves behind (`crashes`).

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use journal::{Draft, Durability, Journal, JournalError, Log, Verified};

use crate::programs::{Role, program};
use crate::{Place, id, say};

#[tokio::test]
async fn a_session_has_one_writer_in_a_program() {
    let place = Place::new();
    let journal = place.journal().await;
    let log = journal.create(&id("s"), 0, "").await.unwrap();
    let other = place.journal().await;
    for journal in [&journal, &other] {
        let error = journal.resume(&id("s")).await.unwrap_err();
        assert_eq!(error.to_string(), "session `s` is open in this program already; end it there first");
    }
    journal.create(&id("another"), 0, "").await.unwrap();
    drop(log);
    let log = other.resume(&id("s")).await.unwrap();
    assert!(matches!(journal.resume(&id("s")).await, Err(JournalError::Owned { .. })));
    assert_eq!(log.session(), &id("s"));
}

#[tokio::test]
async fn a_session_has_one_writer_among_programs_until_that_is_killed() {
    let place = Place::new();
    let journal = place.journal().await;
    drop(journal.create(&id("s"), 0, "").await.unwrap());
    let mut owner = program(Role::Own, &place.file(), 0).stdin(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "owned"), "the program did not become the owner");
    let error = journal.resume(&id("s")).await.unwrap_err();
    assert!(matches!(error, JournalError::Owned { pid: Some(pid), .. } if pid == owner.id()), "{error:?}");
    let expected = format!("session `s` is open in another program (pid {}); end it there first", owner.id());
    assert_eq!(error.to_string(), expected);
    owner.kill().unwrap();
    owner.wait().unwrap();
    say(&mut journal.resume(&id("s")).await.unwrap(), "mine now").await;
}

/// Makes two writers of one session, as if the lock had not held: its file is taken away under the first.
async fn two_writers(place: &Place, journal: &Journal) -> (Log, Log) {
    let first = journal.create(&id("s"), 0, "").await.unwrap();
    std::fs::remove_file(place.file().with_file_name("journal.db-owners").join("s")).unwrap();
    (first, place.journal().await.resume(&id("s")).await.unwrap())
}

#[tokio::test]
async fn two_writers_cannot_both_append() {
    let place = Place::new();
    let journal = place.journal().await;
    let (mut first, mut second) = two_writers(&place, &journal).await;
    let draft = Draft { at_ms: 0, kind: "k", body: "same" };
    let head = second.append(&[draft], Durability::Committed).await.unwrap();
    for _ in 0..2 {
        let error = first.append(&[draft, draft], Durability::Committed).await.unwrap_err();
        assert!(matches!(error, JournalError::Conflict { seq: 0, .. }), "{error:?}");
        assert!(
            error.to_string().starts_with("session `s` was continued by another program after record 0"),
            "{error}"
        );
    }
    assert_eq!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { records: 1, head: head.hash });
    assert_eq!(second.append(&[draft], Durability::Committed).await.unwrap().seq, 2);
}

#[tokio::test]
async fn a_head_of_the_same_number_and_another_hash_is_a_conflict_too() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    say(&mut log, "1").await;
    place.sql("UPDATE heads SET hash = zeroblob(32)").await;
    let error = log.append(&[Draft { at_ms: 0, kind: "k", body: "" }], Durability::Committed).await.unwrap_err();
    assert!(matches!(error, JournalError::Conflict { seq: 1, .. }), "{error:?}");
    assert_eq!(journal.records(&id("s"), 0, 10).await.unwrap().len(), 1);
}
