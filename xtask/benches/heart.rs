//! Times `decide`, what the gate adds to a call, and the journal's appends, for `cargo xtask bench`; prints one line of JSON.
//!
//! Not here: any statistics; each list is one number a batch, and the chore takes the median.
#![allow(clippy::disallowed_methods, reason = "the disk's own sync is measured on a file")]

use gate::{Act, Admission, CallId, Ended, Gate, Metered, Report, State};
use journal::{Draft, Durability, IfMissing, Journal, SessionId};
use ledger::Entry;
use money::Usd;
use policy::{Action, Attendance, Consent, Effect, Funds, Mode, Price, Standing, Subject, decide};
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

const BATCHES: usize = 11;
const DECISIONS: usize = 200_000;
const COMMITTED: usize = 400;
const SYNCED: usize = 40;

/// About what one decision of the gate weighs.
const BODY_BYTES: usize = 400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let folder = PathBuf::from(folder.ok_or("name a folder on the disk that is to be measured")?).join("heart");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let decide_ns = decisions()?;
    let (committed_us, synced_us) = appends(&folder).await?;
    let calls = calls(&folder).await?;
    let disk_sync_us = disk_syncs(&folder)?;
    let said = serde_json::json!({
        "free_us": calls.free, "paid_us": calls.paid, "request_us": calls.request, "decide_ns": decide_ns, "committed_us": committed_us, "synced_us": synced_us, "disk_sync_us": disk_sync_us,
    });
    println!("{said}");
    Ok(())
}

/// Nanoseconds for one decision, over every mode, effect and kind of price.
fn decisions() -> Result<Vec<f64>, Box<dyn Error>> {
    let modes: Vec<Mode> =
        ["plan", "agent", "yolo:5", "yolo:uncapped"].into_iter().map(str::parse).collect::<Result<_, _>>()?;
    let one: Usd = "1".parse()?;
    let prices = [Price::Free, Price::AtMost(one), Price::Unknown("hardware".into())];
    let effects = [Effect::Read, Effect::Reach, Effect::Confined, Effect::Change];
    let actions: Vec<Action> =
        prices.iter().flat_map(|price| effects.map(|effect| action(effect, price.clone()))).collect();
    let standing = Standing {
        prohibited: None,
        consent: Consent::None,
        attendance: Attendance::Attended,
        funds: Funds { spent: one, held: one },
    };
    let cases: Vec<(Mode, &Action)> =
        modes.iter().flat_map(|mode| actions.iter().map(move |action| (*mode, action))).collect();
    let batch = || {
        let start = Instant::now();
        for (mode, action) in cases.iter().cycle().take(DECISIONS) {
            black_box(decide(black_box(*mode), black_box(action), black_box(&standing)));
        }
        start.elapsed().as_secs_f64() * 1e9 / DECISIONS as f64
    };
    Ok((0..BATCHES).map(|_| batch()).collect())
}

fn action(effect: Effect, price: Price) -> Action {
    Action {
        tool: "bench".into(),
        effect,
        price,
        summary: "a call".into(),
        subject: Subject::Other,
        shown: "{}".into(),
    }
}

/// A call that does nothing.
struct Nothing(Action);

impl Act for Nothing {
    fn action(&self) -> Action {
        self.0.clone()
    }
}

/// Microseconds that the gate takes from a call's coming to its recorded end.
#[derive(Default)]
struct Calls {
    free: Vec<f64>,
    paid: Vec<f64>,
    request: Vec<f64>,
}

async fn calls(folder: &Path) -> Result<Calls, Box<dyn Error>> {
    let journal = Journal::open(&folder.join("calls.db"), IfMissing::Create).await?;
    let log = journal.create(&"calls".parse()?, 0, "{}").await?;
    let state = State::open("yolo:1000".parse()?, Attendance::Unattended, Vec::new());
    let mut gate = Gate::open(log, state, || 0).await?;
    let mut measured = Calls::default();
    let mut made = 0;
    for _ in 0..BATCHES {
        let cent: Usd = "0.01".parse()?;
        for (price, count, times) in
            [(Price::Free, COMMITTED, &mut measured.free), (Price::AtMost(cent), SYNCED, &mut measured.paid)]
        {
            let start = Instant::now();
            for _ in 0..count {
                made += 1;
                let id = CallId::new(format!("c{made}"));
                let call = Nothing(action(Effect::Change, price.clone()));
                let Admission::Run(permit) = gate.admit(id.clone(), call).await? else { return Err("it runs".into()) };
                let done = permit.finish(Report::Done(String::new()));
                gate.close(&id, Ended::Done(done), |_| Ok(Vec::new())).await?;
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / count as f64);
        }
        let start = Instant::now();
        for _ in 0..SYNCED {
            let Metered::Held(hold) = gate.meter(&Price::AtMost(cent)).await? else { return Err("it is held".into()) };
            gate.post(&hold, Entry::Settled(cent), Vec::new()).await?;
        }
        measured.request.push(start.elapsed().as_secs_f64() * 1e6 / SYNCED as f64);
    }
    drop(gate);
    journal.close().await?;
    Ok(measured)
}

/// Microseconds for one append: committed, and synced to the disk.
async fn appends(folder: &Path) -> Result<(Vec<f64>, Vec<f64>), Box<dyn Error>> {
    let journal = Journal::open(&folder.join("journal.db"), IfMissing::Create).await?;
    let session: SessionId = "bench".parse()?;
    let mut log = journal.create(&session, 0, "{}").await?;
    let body = format!("{{\"said\":\"{}\"}}", "x".repeat(BODY_BYTES));
    let draft = Draft { at_ms: 0, kind: "bench", body: &body };
    let (mut committed, mut synced) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        for (durability, count, times) in
            [(Durability::Committed, COMMITTED, &mut committed), (Durability::Synced, SYNCED, &mut synced)]
        {
            let start = Instant::now();
            for _ in 0..count {
                log.append(&[draft], durability).await?;
            }
            times.push(start.elapsed().as_secs_f64() * 1e6 / count as f64);
        }
    }
    drop(log);
    journal.close().await?;
    Ok((committed, synced))
}

/// Microseconds for one write of 4 KiB to the end of a file with a sync, which is what the disk alone takes.
fn disk_syncs(folder: &Path) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut file = File::create(folder.join("sync"))?;
    let page = [7_u8; 4096];
    let mut times = Vec::new();
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..SYNCED {
            file.write_all(&page)?;
            file.sync_data()?;
        }
        times.push(start.elapsed().as_secs_f64() * 1e6 / SYNCED as f64);
    }
    Ok(times)
}
