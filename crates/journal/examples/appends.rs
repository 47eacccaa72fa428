//! Measures a journal: how long opening takes, and appends per second with and without a sync.
//!
//! Not here: a verdict; what is fast enough is written elsewhere. Run with a folder on the disk to be measured:
//! `cargo run --release -p journal --example appends -- DIR`.

use std::path::Path;
use std::time::{Duration, Instant};

use journal::{Draft, Durability, IfMissing, Journal, Log};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder to measure in")?;
    let path = Path::new(&folder).join(format!("appends-{}.db", std::process::id()));

    let started = Instant::now();
    let journal = Journal::open(&path, IfMissing::Create).await?;
    println!("make the journal        {:>10.1?}", started.elapsed());
    let started = Instant::now();
    let mut log = journal.create(&"measured".parse()?, 0, "{}").await?;
    println!("create a session        {:>10.1?}", started.elapsed());

    for (durability, appends) in [(Durability::Committed, 10_000), (Durability::Synced, 500)] {
        for batch in [1, 4] {
            let times = measure(&mut log, durability, appends, batch).await?;
            report(durability, batch, times);
        }
    }

    let id = log.session().clone();
    drop(log);
    let started = Instant::now();
    println!("verify                  {:?} in {:.1?}", journal.verify(&id).await?, started.elapsed());
    journal.close().await?;
    let mut opens = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        let journal = Journal::open(&path, IfMissing::Refuse).await?;
        let log = journal.resume(&id).await?;
        opens.push(started.elapsed());
        drop(log);
        journal.close().await?;
    }
    opens.sort();
    println!("open and resume, median {:>10.1?}", opens[opens.len() / 2]);
    println!("left at {}", path.display());
    Ok(())
}

/// Times each append of `batch` records with 500-byte bodies.
async fn measure(
    log: &mut Log,
    durability: Durability,
    appends: usize,
    batch: usize,
) -> Result<Vec<Duration>, journal::JournalError> {
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(489));
    let drafts = vec![Draft { at_ms: 1_700_000_000_000, kind: "measured", body: &body }; batch];
    let mut times = Vec::with_capacity(appends);
    for _ in 0..appends {
        let started = Instant::now();
        log.append(&drafts, durability).await?;
        times.push(started.elapsed());
    }
    Ok(times)
}

/// Prints the rate and the spread.
fn report(durability: Durability, batch: usize, mut times: Vec<Duration>) {
    let total: Duration = times.iter().sum();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{durability:?} x{batch}: {:.0} appends/s, median {:.1?}, 99 % {:.1?}, slowest {:.1?}",
        times.len() as f64 / total.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
    );
}
