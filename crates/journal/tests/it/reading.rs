//! Writing and reading back: records, sessions, limits, files.
//!
//! Not here: what happens when something fails (`failures`).

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use journal::record::{MAX_ABOUT_BYTES, MAX_BODY_BYTES, MAX_KIND_BYTES};
use journal::{Draft, Durability, IfMissing, Journal, JournalError, Verified};

use crate::{Place, id, say, wait_for};

#[tokio::test]
async fn what_was_appended_is_read_back() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 5, r#"{"cwd":"/"}"#).await.unwrap();
    let drafts = [
        Draft { at_ms: -1, kind: "said", body: r#"{"text":"grüß \u0000 dich"}"# },
        Draft { at_ms: i64::MAX, kind: "", body: "" },
        Draft { at_ms: i64::MIN, kind: "a kind", body: "nul \0 and 🦀" },
    ];
    let start = log.head();
    let head = log.append(&drafts, Durability::Synced).await.unwrap();
    assert_eq!((head, head.seq), (log.head(), 3));
    let records = journal.records(&id("s"), 0, 10).await.unwrap();
    assert_eq!(records.iter().map(|record| record.draft()).collect::<Vec<_>>(), drafts);
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((records[0].prev, records[1].prev, records[2].hash), (start.hash, records[0].hash, head.hash));
    drop(log);
    journal.close().await.unwrap();
    let again = place.journal().await;
    assert_eq!(again.records(&id("s"), 0, 10).await.unwrap(), records);
    assert_eq!(again.resume(&id("s")).await.unwrap().head(), head);
}

#[tokio::test]
async fn an_empty_batch_changes_nothing() {
    let place = Place::new();
    let mut log = place.journal().await.create(&id("s"), 0, "").await.unwrap();
    let head = log.head();
    assert_eq!(log.append(&[], Durability::Synced).await.unwrap(), head);
    assert_eq!(head.seq, 0);
}

#[tokio::test]
async fn records_come_in_pages() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    for number in 1..=40 {
        say(&mut log, &number.to_string()).await;
    }
    let page = |after, limit| {
        let journal = journal.clone();
        async move {
            let records = journal.records(&id("s"), after, limit).await.unwrap();
            records.iter().map(|record| record.body.parse().unwrap()).collect::<Vec<u64>>()
        }
    };
    assert_eq!(page(0, 3).await, [1, 2, 3]);
    assert_eq!(page(38, 3).await, [39, 40]);
    assert_eq!(page(40, 3).await, []);
    assert_eq!(page(u64::MAX, usize::MAX).await, []);
    assert_eq!(page(0, usize::MAX).await, (1..=40).collect::<Vec<u64>>());
    assert_eq!(page(5, 0).await, []);
}

#[tokio::test]
async fn a_page_of_large_records_ends_early_and_loses_none() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let body = "x".repeat(9 << 20);
    for _ in 0..3 {
        say(&mut log, &body).await;
    }
    let first = journal.records(&id("s"), 0, 100).await.unwrap();
    let rest = journal.records(&id("s"), first.last().unwrap().seq, 100).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(first.iter().chain(&rest).all(|record| record.body == body));
    assert!(matches!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { records: 3, .. }));
}

#[tokio::test]
async fn a_batch_of_any_length_is_one_transaction() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let mut seq = 0;
    for length in [1, 15, 16, 17, 32, 33, 1000] {
        let bodies: Vec<String> = (0..length).map(|index| format!("{length}.{index}")).collect();
        let drafts: Vec<_> = bodies.iter().map(|body| Draft { at_ms: length, kind: "k", body }).collect();
        log.append(&drafts, Durability::Committed).await.unwrap();
        let records = journal.records(&id("s"), seq, 2000).await.unwrap();
        assert_eq!(records.iter().map(|record| record.draft()).collect::<Vec<_>>(), drafts);
        seq = log.head().seq;
    }
    assert!(matches!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { records: 1114, .. }));
}

#[tokio::test]
async fn sessions_are_listed_the_last_written_first() {
    let place = Place::new();
    let journal = place.journal().await;
    assert_eq!(journal.sessions().await.unwrap(), []);
    let mut old = journal.create(&id("old"), 100, "o").await.unwrap();
    journal.create(&id("mid"), 200, "m").await.unwrap();
    journal.create(&id("new"), 300, "n").await.unwrap();
    let names = || async {
        let rows = journal.sessions().await.unwrap();
        rows.into_iter().map(|row| format!("{} {} {} {}", row.id, row.updated_at_ms, row.records, row.about)).collect()
    };
    let listed: Vec<String> = names().await;
    assert_eq!(listed, ["new 300 0 n", "mid 200 0 m", "old 100 0 o"]);
    old.append(&[Draft { at_ms: 400, kind: "k", body: "" }], Durability::Committed).await.unwrap();
    let listed: Vec<String> = names().await;
    assert_eq!(listed, ["old 400 1 o", "new 300 0 n", "mid 200 0 m"]);
    let row = journal.session(&id("old")).await.unwrap();
    assert_eq!((row.created_at_ms, row.updated_at_ms, row.records), (100, 400, 1));
}

#[tokio::test]
async fn a_session_that_is_not_there_is_named() {
    let place = Place::new();
    let journal = place.journal().await;
    for error in [
        journal.session(&id("gone")).await.unwrap_err(),
        journal.records(&id("gone"), 0, 1).await.unwrap_err(),
        journal.verify(&id("gone")).await.unwrap_err(),
        journal.resume(&id("gone")).await.unwrap_err(),
    ] {
        assert!(matches!(&error, JournalError::NoSuchSession { session } if *session == id("gone")), "{error:?}");
        assert_eq!(error.to_string(), "there is no session `gone` in this journal");
    }
}

#[tokio::test]
async fn a_session_is_created_once() {
    let place = Place::new();
    let journal = place.journal().await;
    let log = journal.create(&id("s"), 0, "first").await.unwrap();
    let while_owned = journal.create(&id("s"), 1, "second").await.unwrap_err();
    drop(log);
    let afterwards = journal.create(&id("s"), 1, "second").await.unwrap_err();
    for error in [while_owned, afterwards] {
        assert!(matches!(error, JournalError::Exists { .. }), "{error:?}");
    }
    assert_eq!(journal.session(&id("s")).await.unwrap().about, "first");
    journal.resume(&id("s")).await.unwrap();
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_largest_is_not() {
    let place = Place::new();
    let journal = place.journal().await;
    let error = journal.create(&id("s"), 0, &"x".repeat(MAX_ABOUT_BYTES + 1)).await.unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { most: MAX_ABOUT_BYTES, .. }), "{error:?}");
    let mut log = journal.create(&id("s"), 0, &"x".repeat(MAX_ABOUT_BYTES)).await.unwrap();
    let mut body = "x".repeat(MAX_BODY_BYTES + 1);
    let fits = Draft { at_ms: 0, kind: "k", body: "" };
    let error = log.append(&[fits, Draft { body: &body, ..fits }], Durability::Committed).await.unwrap_err();
    assert_eq!(error.to_string(), "a record's body has 67108865 bytes, more than the 67108864 that a journal takes");
    let kind = "k".repeat(MAX_KIND_BYTES + 1);
    let error = log.append(&[Draft { kind: &kind, ..fits }], Durability::Committed).await.unwrap_err();
    assert!(matches!(error, JournalError::TooLarge { most: MAX_KIND_BYTES, .. }), "{error:?}");
    assert_eq!(log.head().seq, 0);
    body.pop();
    let largest = Draft { kind: &kind[1..], body: &body, ..fits };
    log.append(&[largest], Durability::Committed).await.unwrap();
    assert_eq!(journal.records(&id("s"), 0, 1).await.unwrap()[0].draft(), largest);
}

#[tokio::test]
async fn only_the_owner_of_the_files_can_read_them() {
    let place = Place::new();
    let path = place.dir.path().join("made/deeper/journal.db");
    let journal = Journal::open(&path, IfMissing::Create).await.unwrap();
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    say(&mut log, "secret").await;
    let mode = |name: &str| {
        let path = place.dir.path().join("made").join(name);
        std::fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}")).permissions().mode() & 0o777
    };
    for file in ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db-owners/s"] {
        assert_eq!(mode(&format!("deeper/{file}")), 0o600, "{file}");
    }
    for folder in ["", "deeper", "deeper/journal.db-owners"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
}

#[tokio::test]
async fn looking_for_a_journal_makes_nothing() {
    let place = Place::new();
    for path in [place.file(), place.dir.path().join("no/such/folder/journal.db")] {
        let error = Journal::open(&path, IfMissing::Refuse).await.unwrap_err();
        assert!(matches!(&error, JournalError::NotFound { path: named } if named.ends_with("journal.db")), "{error:?}");
        assert!(error.to_string().starts_with("there is no journal at `/"), "{error}");
    }
    assert_eq!(std::fs::read_dir(place.dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn two_paths_to_one_file_are_one_journal() {
    let place = Place::new();
    let journal = place.journal().await;
    let _log = journal.create(&id("s"), 0, "").await.unwrap();
    let link = place.dir.path().join("link.db");
    std::os::unix::fs::symlink(place.file(), &link).unwrap();
    let linked = Journal::open(&link, IfMissing::Refuse).await.unwrap();
    assert_eq!(linked.path(), journal.path());
    assert!(matches!(linked.resume(&id("s")).await.unwrap_err(), JournalError::Owned { .. }));
}

#[test]
fn many_can_open_a_new_journal_at_once() {
    const MANY: usize = 8;
    for _ in 0..5 {
        let place = Place::new();
        let start = Barrier::new(MANY);
        std::thread::scope(|scope| {
            for number in 0..MANY {
                let (place, start) = (&place, &start);
                scope.spawn(move || {
                    start.wait();
                    wait_for(async {
                        let journal = place.journal().await;
                        let mut log = journal.create(&id(&format!("s{number}")), 0, "").await.unwrap();
                        say(&mut log, "here").await;
                    });
                });
            }
        });
        assert_eq!(wait_for(async { place.journal().await.sessions().await.unwrap().len() }), MANY);
    }
}

#[tokio::test]
async fn sessions_of_one_journal_are_written_side_by_side() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut a = journal.create(&id("a"), 0, "").await.unwrap();
    let mut b = journal.create(&id("b"), 0, "").await.unwrap();
    for number in 0..30 {
        let body = number.to_string();
        let drafts = [Draft { at_ms: number, kind: "k", body: &body }];
        let (one, other) =
            tokio::join!(a.append(&drafts, Durability::Synced), b.append(&drafts, Durability::Committed));
        assert_eq!((one.unwrap().seq, other.unwrap().seq), (number as u64 + 1, number as u64 + 1));
    }
    for session in ["a", "b"] {
        assert!(matches!(journal.verify(&id(session)).await.unwrap(), Verified::Intact { records: 30, .. }));
    }
}

#[tokio::test]
async fn a_title_is_beside_the_record_and_is_the_last_that_was_given() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    say(&mut log, "1").await;
    assert_eq!(journal.session(&id("s")).await.unwrap().title, None);
    // Whoever owns the session, a title may be given, and its writer goes on.
    journal.rename(&id("s"), "first").await.unwrap();
    journal.rename(&id("s"), "the shards").await.unwrap();
    say(&mut log, "2").await;
    assert_eq!(journal.sessions().await.unwrap()[0].title.as_deref(), Some("the shards"));
    assert!(matches!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { records: 2, .. }));
    let missing = journal.rename(&id("t"), "x").await.unwrap_err();
    assert!(matches!(missing, JournalError::NoSuchSession { .. }), "{missing:?}");
    let long = journal.rename(&id("s"), &"x".repeat(2_000)).await.unwrap_err();
    assert!(matches!(long, JournalError::TooLarge { .. }), "{long:?}");
}

#[tokio::test]
async fn a_deleted_session_is_gone_whole_and_one_that_is_owned_stays() {
    let place = Place::new();
    let journal = place.journal().await;
    for name in ["a", "b"] {
        let mut log = journal.create(&id(name), 0, "").await.unwrap();
        say(&mut log, name).await;
        journal.rename(&id(name), name).await.unwrap();
    }
    let owner = journal.resume(&id("b")).await.unwrap();
    let refused = journal.delete(&id("b")).await.unwrap_err();
    assert!(matches!(refused, JournalError::Owned { .. }), "{refused:?}");
    journal.delete(&id("a")).await.unwrap();
    let gone = journal.session(&id("a")).await.unwrap_err();
    assert!(matches!(gone, JournalError::NoSuchSession { .. }), "{gone:?}");
    let again = journal.delete(&id("a")).await.unwrap_err();
    assert!(matches!(again, JournalError::NoSuchSession { .. }), "{again:?}");
    assert!(matches!(journal.verify(&id("b")).await.unwrap(), Verified::Intact { records: 1, .. }));
    drop(owner);
    // The name is free again, and nothing of the old session is in the new one.
    journal.create(&id("a"), 0, "").await.unwrap();
    assert!(journal.records(&id("a"), 0, 10).await.unwrap().is_empty());
    assert_eq!(journal.session(&id("a")).await.unwrap().title, None);
}

#[tokio::test]
async fn a_journal_of_the_first_version_is_taken_over_with_all_that_is_in_it() {
    let place = Place::new();
    let journal = place.journal().await;
    say(&mut journal.create(&id("s"), 0, "about").await.unwrap(), "1").await;
    journal.close().await.unwrap();
    place.sql("DROP TABLE titles; PRAGMA user_version = 1").await;
    let journal = place.journal().await;
    assert_eq!(journal.sessions().await.unwrap()[0].about, "about");
    journal.rename(&id("s"), "a title").await.unwrap();
    assert_eq!(journal.session(&id("s")).await.unwrap().title.as_deref(), Some("a title"));
    say(&mut journal.resume(&id("s")).await.unwrap(), "2").await;
}
