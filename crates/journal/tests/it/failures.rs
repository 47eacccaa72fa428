//! What fails, and what is said then: a locked, full, unwritable, damaged, foreign or newer database, a dropped append.
//!
//! Not here: programs that end in the middle (`crashes`).

use std::future::poll_fn;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use journal::{Draft, Durability, IfMissing, Journal, JournalError, Verified};

use crate::programs::{ARGUMENTS, Beyond, Role, limited, set_role};
use crate::{Place, id, say};

const DRAFT: Draft<'static> = Draft { at_ms: 0, kind: "k", body: "{}" };

/// The account that owns nothing, on every system this runs on.
const NOBODY: u32 = 65534;

#[tokio::test]
async fn a_locked_database_is_said_and_waited_for_no_longer_than_asked() {
    let place = Place::new();
    let wait = Duration::from_millis(20);
    let journal = Journal::open_waiting(&place.file(), IfMissing::Create, wait).await.unwrap();
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let mut other = place.sqlite().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    for error in [
        log.append(&[DRAFT], Durability::Committed).await.unwrap_err(),
        journal.create(&id("t"), 0, "").await.unwrap_err(),
    ] {
        assert!(matches!(&error, JournalError::Locked { waited, .. } if *waited == wait), "{error:?}");
        assert!(error.to_string().ends_with("is locked by another program; gave up after 20 ms"), "{error}");
    }
    assert_eq!(journal.sessions().await.unwrap().len(), 1, "reading goes on");
    assert!(!log.is_poisoned(), "nothing was written, and that is known");
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(log.append(&[DRAFT], Durability::Committed).await.unwrap().seq, 1);
}

#[tokio::test]
async fn a_journal_in_use_opens_while_another_program_writes() {
    let place = Place::new();
    say(&mut place.journal().await.create(&id("s"), 0, "").await.unwrap(), "1").await;
    let mut other = place.sqlite().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let journal = Journal::open_waiting(&place.file(), IfMissing::Create, Duration::ZERO).await.unwrap();
    assert_eq!(journal.records(&id("s"), 0, 10).await.unwrap().len(), 1);
    assert!(matches!(journal.resume(&id("s")).await, Err(JournalError::Locked { .. })));
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(journal.resume(&id("s")).await.unwrap().head().seq, 1);
}

#[tokio::test]
async fn a_journal_that_another_program_is_making_is_waited_for_no_longer_than_asked() {
    let place = Place::new();
    let owners = place.dir.path().join("journal.db-owners");
    std::fs::create_dir(&owners).unwrap();
    let making = std::fs::File::create(owners.join(".creation")).unwrap();
    making.try_lock().unwrap();
    let error = Journal::open_waiting(&place.file(), IfMissing::Create, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }), "{error:?}");
    assert!(!place.file().exists());
    drop(making);
    place.journal().await;
}

#[tokio::test]
async fn a_full_disk_is_said_and_no_acknowledged_record_is_lost() {
    for blocks in [70, 83, 101, 160, 300] {
        let place = Place::new();
        let journal = place.journal().await;
        drop(journal.create(&id("s"), 0, "").await.unwrap());
        journal.close().await.unwrap();
        let output = limited(Role::Fill, &place.file(), blocks, Beyond::Fails).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let failed: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("failed ")).collect();
        assert!(failed.len() == 2 && failed[0].starts_with("Full: no room to write the journal `"), "{said}");
        assert!(failed[1].starts_with("Poisoned: session `s` cannot be continued here"), "{said}");
        let acknowledged = said.lines().filter_map(|line| line.strip_prefix("ack ")).next_back();
        let acknowledged: u64 = acknowledged.map_or(0, |seq| seq.parse().unwrap());
        let Verified::Intact { records, .. } = journal.verify(&id("s")).await.unwrap() else { panic!("broken") };
        assert!(records >= acknowledged && records <= acknowledged + 4, "{records} records, {said}");
        assert_eq!(journal.resume(&id("s")).await.unwrap().head().seq, records);
    }
}

/// SQLite writes a transaction that is larger than its cache before the commit, so that this is where it fails.
#[tokio::test]
async fn a_disk_that_is_full_before_the_commit_leaves_the_writer_sound() {
    let place = Place::new();
    let journal = place.journal().await;
    drop(journal.create(&id("s"), 0, "").await.unwrap());
    journal.close().await.unwrap();
    let output = limited(Role::FillLarge, &place.file(), 4096, Beyond::Fails).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let failed: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("failed ")).collect();
    assert!(failed.len() == 2 && failed.iter().all(|line| line.starts_with("Full: ")), "{said}");
    assert!(matches!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { records: 0, .. }));
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_is_said() {
    let place = Place::new();
    let output = limited(Role::Fill, &place.file(), 0, Beyond::Fails).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("failed Full: no room to write the journal `"), "{said}");
}

/// Runs a program that fails to write, as an account that owns nothing where this one may do anything.
fn fails_as_nobody(place: &Place, file: &Path) -> String {
    // Wherever the build is, this copy can be reached.
    let copy = place.dir.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args(ARGUMENTS);
    set_role(&mut command, Role::Fill, file, 0);
    if std::fs::metadata(place.dir.path()).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    said.lines()
        .find_map(|line| line.strip_prefix("failed "))
        .unwrap_or_else(|| panic!("no failure: {said}"))
        .to_owned()
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn an_unwritable_file_is_said() {
    let place = Place::new();
    let journal = place.journal().await;
    drop(journal.create(&id("s"), 0, "").await.unwrap());
    journal.close().await.unwrap();
    let owners = place.dir.path().join("journal.db-owners");
    std::fs::remove_file(owners.join("s")).unwrap();
    allow(&owners, 0o777);
    allow(place.dir.path(), 0o777);
    allow(&place.file(), 0o444);
    let failed = fails_as_nobody(&place, &place.file());
    assert!(failed.starts_with("NotWritable: the journal `") && failed.contains("journal.db`"), "{failed}");
    assert_eq!(journal.session(&id("s")).await.unwrap().records, 0);
}

#[tokio::test]
async fn an_unwritable_folder_is_said() {
    let place = Place::new();
    let inner = place.dir.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    allow(&inner, 0o555);
    allow(place.dir.path(), 0o755);
    let failed = fails_as_nobody(&place, &inner.join("journal.db"));
    assert!(failed.starts_with("NotWritable: the journal `"), "{failed}");
    assert_eq!(std::fs::read_dir(&inner).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_database_is_said_and_left_alone() {
    let place = Place::new();
    let text = "not a database\n".repeat(1000);
    std::fs::write(place.file(), &text).unwrap();
    let error = Journal::open(&place.file(), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("is damaged: file is not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(place.file()).unwrap(), text);
    let folder = Journal::open(place.dir.path(), IfMissing::Create).await.unwrap_err();
    assert!(matches!(folder, JournalError::NotAJournal { .. }), "{folder:?}");
    let below_a_file = Journal::open(&place.file().join("journal.db"), IfMissing::Create).await.unwrap_err();
    assert!(matches!(below_a_file, JournalError::NotWritable { .. }), "{below_a_file:?}");
    let nameless = Journal::open(Path::new("/"), IfMissing::Create).await.unwrap_err();
    assert!(matches!(nameless, JournalError::NotAJournal { .. }), "{nameless:?}");
}

/// Makes a closed journal with some records and returns its file's bytes.
async fn closed_journal(place: &Place) -> Vec<u8> {
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "about").await.unwrap();
    for _ in 0..50 {
        say(&mut log, &"x".repeat(500)).await;
    }
    journal.close().await.unwrap();
    std::fs::read(place.file()).unwrap()
}

/// Uses a journal in every way, up to the first error.
async fn use_all(place: &Place) -> Result<(), JournalError> {
    let journal = Journal::open(&place.file(), IfMissing::Refuse).await?;
    journal.sessions().await?;
    journal.records(&id("s"), 0, 1000).await?;
    if let Verified::Broken { seq, why } = journal.verify(&id("s")).await? {
        return Err(JournalError::Corrupt { path: place.file(), why: format!("record {seq}: {why}") });
    }
    journal.resume(&id("s")).await?.append(&[DRAFT], Durability::Committed).await?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_is_said() {
    let place = Place::new();
    let whole = closed_journal(&place).await;
    use_all(&place).await.unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 8, "{pages} pages");
    for page in 1..pages {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        std::fs::write(place.file(), damaged).unwrap();
        let error = use_all(&place).await.unwrap_err();
        assert!(matches!(error, JournalError::Corrupt { .. }), "page {page}: {error:?}");
    }
    std::fs::write(place.file(), &whole[..whole.len() / 2]).unwrap();
    let error = use_all(&place).await.unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { .. }), "cut: {error:?}");
}

#[tokio::test]
async fn somebody_elses_database_is_left_alone() {
    for sql in ["CREATE TABLE t (x)", "PRAGMA user_version = 1", "PRAGMA application_id = 1"] {
        let place = Place::new();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.file()).create_if_missing(true);
        let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
        sqlx::Connection::close(other).await.unwrap();
        let before = std::fs::read(place.file()).unwrap();
        let error = Journal::open(&place.file(), IfMissing::Create).await.unwrap_err();
        assert!(error.to_string().ends_with("journal.db` is not a journal; choose another file"), "{error}");
        assert_eq!(std::fs::read(place.file()).unwrap(), before);
    }
}

#[tokio::test]
async fn a_newer_journal_is_left_alone() {
    let place = Place::new();
    place.journal().await.close().await.unwrap();
    place.sql("PRAGMA user_version = 3").await;
    let error = Journal::open(&place.file(), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, JournalError::NewerSchema { found: 3, known: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("was written by a newer version of this program (schema 3, this one knows 2)"));
}

#[tokio::test]
async fn a_file_left_empty_by_a_crash_becomes_a_journal() {
    let place = Place::new();
    std::fs::write(place.file(), "").unwrap();
    let error = Journal::open(&place.file(), IfMissing::Refuse).await.unwrap_err();
    assert!(matches!(error, JournalError::NotFound { .. }), "{error:?}");
    say(&mut place.journal().await.create(&id("s"), 0, "").await.unwrap(), "1").await;
}

#[tokio::test]
async fn an_append_that_is_dropped_poisons_its_writer_and_resuming_heals() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    {
        let drafts = [DRAFT; 5];
        let mut append = Box::pin(log.append(&drafts, Durability::Committed));
        let pending = poll_fn(|context| Poll::Ready(append.as_mut().poll(context).is_pending())).await;
        assert!(pending, "an append cannot end before its first wait");
    }
    assert!(log.is_poisoned());
    let error = log.append(&[DRAFT], Durability::Committed).await.unwrap_err();
    assert!(matches!(error, JournalError::Poisoned { .. }), "{error:?}");
    drop(log);
    let mut log = journal.resume(&id("s")).await.unwrap();
    let before = log.head().seq;
    assert!(before == 0 || before == 5, "a part of a batch: {before}");
    assert_eq!(log.append(&[DRAFT], Durability::Committed).await.unwrap().seq, before + 1);
    assert!(matches!(journal.verify(&id("s")).await.unwrap(), Verified::Intact { .. }));
}

#[tokio::test]
async fn a_journal_is_usable_after_it_was_closed() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    journal.close().await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(say(&mut log, "1").await.seq, 1);
    assert!(!place.file().with_file_name("journal.db-journal").exists());
}
