//! The hash chain: it depends on the records alone, and shows every change.
//!
//! Not here: known hashes, which are beside the function (unit tests of `record`).

use journal::{ChainHash, Draft, Durability, Head, Verified};
use proptest::prelude::*;

use crate::{Place, id, say, wait_for};

#[tokio::test]
async fn an_untouched_session_is_intact() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let empty = Verified::Intact { records: 0, head: log.head().hash };
    assert_eq!(journal.verify(&id("s")).await.unwrap(), empty);
    for number in 0..600 {
        say(&mut log, &number.to_string()).await;
    }
    let full = Verified::Intact { records: 600, head: log.head().hash };
    assert_eq!(journal.verify(&id("s")).await.unwrap(), full);
}

#[tokio::test]
async fn a_session_that_is_being_written_is_intact() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let writing = async {
        for number in 0..400 {
            say(&mut log, &number.to_string()).await;
        }
    };
    let verifying = async {
        loop {
            match journal.verify(&id("s")).await.unwrap() {
                Verified::Intact { records: 400, .. } => break,
                Verified::Intact { .. } => {}
                broken => panic!("{broken:?}"),
            }
        }
    };
    tokio::join!(writing, verifying);
}

/// Makes a session of five records beside another one, runs the statements, and checks the session.
async fn verified_after(sql: &'static str) -> Verified {
    let place = Place::new();
    let journal = place.journal().await;
    for session in ["s", "t"] {
        let mut log = journal.create(&id(session), 1, "about").await.unwrap();
        for number in 1..=5 {
            say(&mut log, &format!("record {number}")).await;
        }
    }
    place.sql(sql).await;
    assert!(matches!(journal.verify(&id("t")).await.unwrap(), Verified::Intact { records: 5, .. }), "the other one");
    journal.verify(&id("s")).await.unwrap()
}

#[track_caller]
fn check(verified: Verified, place: u64, words: &str) {
    let Verified::Broken { seq, why } = &verified else { panic!("not noticed: {verified:?}") };
    assert_eq!((*seq, why.contains(words)), (place, true), "{verified:?}");
}

#[tokio::test]
async fn a_changed_record_is_found() {
    for sql in [
        "UPDATE records SET body = 'record x' WHERE session = 's' AND seq = 3",
        "UPDATE records SET kind = 'Said' WHERE session = 's' AND seq = 3",
        "UPDATE records SET at_ms = at_ms + 1 WHERE session = 's' AND seq = 3",
        "UPDATE records SET hash = zeroblob(32) WHERE session = 's' AND seq = 3",
    ] {
        check(verified_after(sql).await, 3, "its contents are not what its hash was made from");
    }
    let sql = "UPDATE records SET prev = zeroblob(32) WHERE session = 's' AND seq = 3";
    check(verified_after(sql).await, 3, "does not follow from the record before it");
    let sql = "UPDATE records SET body = CAST(x'ff' AS TEXT) WHERE session = 's' AND seq = 3";
    check(verified_after(sql).await, 3, "cannot be read");
}

#[tokio::test]
async fn a_removed_record_is_found() {
    let sql = "DELETE FROM records WHERE session = 's' AND seq = 1";
    check(verified_after(sql).await, 1, "missing: the next record is number 2");
    let sql = "DELETE FROM records WHERE session = 's' AND seq = 3";
    check(verified_after(sql).await, 3, "missing: the next record is number 4");
    let sql = "DELETE FROM records WHERE session = 's' AND seq = 5";
    check(verified_after(sql).await, 5, "missing: the session's head is record 5");
    let sql = "DELETE FROM records WHERE session = 's'";
    check(verified_after(sql).await, 1, "missing: the session's head is record 5");
    let sql = "DELETE FROM records WHERE session = 's' AND seq = 3;
               UPDATE records SET seq = seq - 1 WHERE session = 's' AND seq > 3;
               UPDATE heads SET seq = 4 WHERE session = 's'";
    check(verified_after(sql).await, 3, "does not follow from the record before it");
}

#[tokio::test]
async fn a_swapped_pair_is_found() {
    let sql = "UPDATE records SET seq = 99 WHERE session = 's' AND seq = 2;
               UPDATE records SET seq = 2 WHERE session = 's' AND seq = 3;
               UPDATE records SET seq = 3 WHERE session = 's' AND seq = 99";
    check(verified_after(sql).await, 2, "does not follow from the record before it");
    let sql = "UPDATE records SET body = CASE seq WHEN 2 THEN 'record 3' ELSE 'record 2' END
               WHERE session = 's' AND seq IN (2, 3)";
    check(verified_after(sql).await, 2, "its contents are not what its hash was made from");
}

#[tokio::test]
async fn a_changed_header_is_found() {
    for sql in
        ["UPDATE sessions SET about = 'another' WHERE id = 's'", "UPDATE sessions SET created_at_ms = 2 WHERE id = 's'"]
    {
        check(verified_after(sql).await, 1, "does not follow from the session's header");
    }
}

#[tokio::test]
async fn a_changed_head_is_found() {
    let sql = "UPDATE heads SET hash = zeroblob(32) WHERE session = 's'";
    check(verified_after(sql).await, 5, "head has another hash");
    let sql = "UPDATE heads SET seq = 4 WHERE session = 's'";
    check(verified_after(sql).await, 5, "past the session's head");
}

#[tokio::test]
async fn records_from_elsewhere_are_found() {
    let sql =
        "INSERT INTO records SELECT 's', 6, at_ms, kind, body, prev, hash FROM records WHERE session = 't' AND seq = 5";
    check(verified_after(sql).await, 6, "does not follow from the record before it");
    let sql = "PRAGMA ignore_check_constraints = ON;
               INSERT INTO records SELECT 's', -3, at_ms, kind, body, prev, hash FROM records WHERE session = 't' AND seq = 5";
    check(verified_after(sql).await, 0, "6 records where 5 were followed");
}

#[tokio::test]
async fn a_session_whose_end_is_broken_cannot_be_resumed() {
    for sql in [
        "UPDATE records SET body = '' WHERE session = 's' AND seq = 1",
        "DELETE FROM records WHERE session = 's'",
        "UPDATE heads SET hash = zeroblob(32) WHERE session = 's'",
    ] {
        let place = Place::new();
        let journal = place.journal().await;
        say(&mut journal.create(&id("s"), 0, "").await.unwrap(), "1").await;
        place.sql(sql).await;
        let error = journal.resume(&id("s")).await.unwrap_err().to_string();
        assert!(error.contains("the end of session `s` does not fit its last record"), "{error}");
    }
}

/// What a draft owns, so that proptest can make it.
type Written = (i64, String, String);

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_split_into_batches_gives_the_same_records_and_head(
        written in prop::collection::vec((any::<i64>(), "\\PC{0,8}", "\\PC{0,300}"), 1..40),
        cuts in prop::collection::vec(1usize..20, 1..40),
        about in "\\PC{0,40}",
    ) {
        let drafts: Vec<Draft<'_>> = written.iter().map(|(at_ms, kind, body): &Written| Draft { at_ms: *at_ms, kind, body }).collect();
        let start = Head { seq: 0, hash: ChainHash::start(&id("s"), 42, &about) };
        let expected = drafts.iter().fold(start, |head, draft| head.next(draft));
        let place = Place::new();
        wait_for(async {
            let journal = place.journal().await;
            let mut log = journal.create(&id("s"), 42, &about).await.unwrap();
            let (mut rest, mut cuts) = (drafts.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (batch, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                log.append(batch, Durability::Committed).await.unwrap();
                rest = later;
            }
            assert_eq!(log.head(), expected);
            let records = journal.records(&id("s"), 0, 100).await.unwrap();
            assert_eq!(records.iter().map(|record| record.draft()).collect::<Vec<_>>(), drafts);
            assert_eq!(
                journal.verify(&id("s")).await.unwrap(),
                Verified::Intact { records: expected.seq, head: expected.hash }
            );
        });
    }
}
