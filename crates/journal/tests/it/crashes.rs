//! Writers that are killed: nothing acknowledged is lost, nothing is half there, and the chain holds.
//!
//! Not here: crashes between SQLite's own steps (unit tests of `log`), and power cuts, which no program can stage.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use journal::{Draft, Durability, IfMissing, Journal, Record, Verified};

use crate::programs::{Beyond, Role, limited, program};
use crate::{Place, id};

/// The signal that a program gets which writes past its limit on a file's size.
const SIGXFSZ: i32 = 25;

/// Numbers that look random and are the same each time (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// Reads all records of the session and checks that every batch is whole; answers the records.
async fn whole_batches(journal: &Journal) -> Vec<Record> {
    let mut records = Vec::new();
    loop {
        let after = records.last().map_or(0, |record: &Record| record.seq);
        let page = journal.records(&id("s"), after, 1000).await.unwrap();
        if page.is_empty() {
            break;
        }
        records.extend(page);
    }
    let mut open: Option<(String, u32)> = None;
    for record in &records {
        let words: Vec<&str> = record.kind.split(' ').collect();
        let [run, batch, place, length] = words[..] else { panic!("not one of ours: {record:?}") };
        let (batch, place, length) =
            (format!("{run} {batch}"), place.parse::<u32>().unwrap(), length.parse::<u32>().unwrap());
        let expected = open.take().unwrap_or_else(|| (batch.clone(), 1));
        assert_eq!((batch.clone(), place), expected, "record {} is out of its batch", record.seq);
        if place < length {
            open = Some((batch, place + 1));
        }
    }
    assert_eq!(open, None, "the last batch is not whole");
    records
}

/// Checks what a writer left behind, whose acknowledgements are given.
async fn check_what_is_left(file: &Path, before: u64, said: &str) -> u64 {
    let journal = Journal::open(file, IfMissing::Refuse).await.unwrap();
    let verified = journal.verify(&id("s")).await.unwrap();
    let Verified::Intact { records: count, head } = verified else { panic!("{verified:?}") };
    let records = whole_batches(&journal).await;
    assert_eq!(records.len() as u64, count);
    // A line that was cut by the kill is no acknowledgement, and none is ever cut: they are written whole.
    let acknowledged = said.lines().filter_map(|line| line.strip_prefix("ack ")).next_back();
    let acknowledged = acknowledged.map_or(before, |seq| seq.parse().unwrap());
    assert!(count >= acknowledged, "{acknowledged} records were acknowledged, {count} are there");
    let mut unacknowledged: HashMap<String, u32> = HashMap::new();
    for record in records.iter().filter(|record| record.seq > acknowledged) {
        let batch = record.kind.split(' ').take(2).collect::<Vec<_>>().join(" ");
        *unacknowledged.entry(batch).or_default() += 1;
    }
    assert!(unacknowledged.len() <= 1, "more than one batch is unacknowledged: {unacknowledged:?}");
    let log = journal.resume(&id("s")).await.unwrap();
    assert_eq!((log.head().seq, log.head().hash), (count, head));
    drop(log);
    journal.close().await.unwrap();
    count
}

async fn new_session(place: &Place) {
    let journal = place.journal().await;
    drop(journal.create(&id("s"), 0, "{}").await.unwrap());
    journal.close().await.unwrap();
}

#[tokio::test]
async fn a_writer_killed_at_any_moment_has_lost_nothing_acknowledged() {
    let place = Place::new();
    new_session(&place).await;
    let mut seeded = Seeded(0x5eed);
    let mut before = 0;
    for run in 0..60 {
        let mut writer = program(Role::Write(u32::MAX), &place.file(), run).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap());
        let mut said = String::new();
        let wanted = seeded.below(50);
        let mut heard = 0;
        while heard < wanted {
            let line = said.len();
            assert!(lines.read_line(&mut said).unwrap() > 0, "the writer ended by itself: {said}");
            heard += u64::from(said[line..].starts_with("ack "));
        }
        // Where in the next append the blow falls is the point of the test, so it falls after some part of one.
        std::thread::sleep(Duration::from_micros(seeded.below(1500)));
        writer.kill().unwrap();
        lines.read_to_string(&mut said).unwrap();
        assert_eq!(writer.wait().unwrap().signal(), Some(9));
        before = check_what_is_left(&place.file(), before, &said).await;
    }
    assert!(before > 500, "the writers hardly wrote: {before} records");
}

/// Runs a writer that the kernel ends at its first write past each of these sizes, until it ends by itself.
async fn ends_at_each_size(place: &Place, role: Role, before: u64, sizes: impl Iterator<Item = u32>) -> usize {
    for (ended, blocks) in sizes.enumerate() {
        let copy = place.dir.path().join(format!("at-{blocks}.db"));
        std::fs::copy(place.file(), &copy).unwrap();
        let output = limited(role, &copy, blocks, Beyond::Dies).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        if output.status.success() {
            return ended;
        }
        assert_eq!(output.status.signal(), Some(SIGXFSZ), "{said}");
        check_what_is_left(&copy, before, &said).await;
        std::fs::remove_file(&copy).unwrap();
    }
    panic!("the writer never ended by itself, the sizes are too small")
}

/// The log grows by frames of 4,120 bytes, so a step of three blocks cuts them at ever other places.
#[tokio::test]
async fn a_writer_ended_in_the_middle_of_any_write_to_the_log_has_lost_nothing_acknowledged() {
    let place = Place::new();
    new_session(&place).await;
    // The shared memory beside the log has 64 blocks; with less, nothing opens.
    let ended = ends_at_each_size(&place, Role::Write(12), 0, (64..).step_by(3)).await;
    assert!(ended > 40, "only {ended} sizes");
}

#[tokio::test]
async fn a_writer_ended_in_the_middle_of_a_checkpoint_has_lost_nothing_acknowledged() {
    let place = Place::new();
    let journal = place.journal().await;
    let mut log = journal.create(&id("s"), 0, "").await.unwrap();
    let body = "x".repeat(1 << 20);
    for batch in 1..=6 {
        let kind = format!("start {batch} 1 1");
        log.append(&[Draft { at_ms: 0, kind: &kind, body: &body }], Durability::Committed).await.unwrap();
    }
    drop(log);
    journal.close().await.unwrap();
    // The database is larger than the log ever gets, so what crosses these sizes is a checkpoint.
    let blocks = u32::try_from(std::fs::metadata(place.file()).unwrap().len() / 512).unwrap();
    let ended = ends_at_each_size(&place, Role::WriteLarge(12), 6, (blocks + 1..).step_by(501)).await;
    assert!(ended > 5, "only {ended} sizes");
}
