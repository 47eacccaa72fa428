//! The streams of a job, as server-sent events: its log and its metrics.
//!
//! Not here: what is in the log. A stream waits on the stand-in's clock and on whoever moves it.

use super::Shared;
use super::calendar::{Moment, iso};
use super::hardware;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const KEEP_ALIVE: &str = ": keep-alive\n\n";
/// The shortest real time between two samples, however fast the clock runs.
const SHORTEST_SAMPLE: Duration = Duration::from_millis(20);

/// Where a log stream is cut off, in events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It is not: the stream ends when the job does.
    None,
    /// It falls silent and stays open.
    Silent(usize),
    /// It ends.
    End(usize),
}

/// What there is to do next on a stream.
enum Step {
    Send(String),
    Wait(Option<Duration>),
    End,
}

/// One open stream of one job.
struct Open {
    shared: Arc<Shared>,
    changed: watch::Receiver<()>,
    job: usize,
    quiet_until: Instant,
}

impl Open {
    fn of(shared: Arc<Shared>, job: usize) -> Open {
        let changed = shared.changed.subscribe();
        let quiet_until = Instant::now() + shared.keep_alive();
        Open { shared, changed, job, quiet_until }
    }

    /// Gives the next piece of the stream: an event, or a keep-alive where nothing comes for long.
    async fn next(&mut self, mut look: impl FnMut(&Open) -> Step) -> Option<String> {
        loop {
            self.changed.borrow_and_update();
            let wait = match look(self) {
                Step::End => return None,
                Step::Wait(wait) => wait,
                Step::Send(piece) => {
                    self.quiet_until = Instant::now() + self.shared.keep_alive();
                    return Some(piece);
                }
            };
            let due = wait.map_or(self.quiet_until, |wait| self.quiet_until.min(Instant::now() + wait));
            tokio::select! {
                _ = self.changed.changed() => {}
                () = tokio::time::sleep_until(due) => {
                    if due == self.quiet_until {
                        self.quiet_until += self.shared.keep_alive();
                        return Some(KEEP_ALIVE.to_owned());
                    }
                }
            }
        }
    }
}

/// Streams the log of a job: what was logged so far, or the last `tail` lines of it, then what comes.
pub(crate) fn log(
    shared: Arc<Shared>,
    job: usize,
    tail: Option<usize>,
    cut: Cut,
) -> impl futures_util::Stream<Item = String> {
    let logged = {
        let inner = shared.lock();
        inner.hub.jobs[job].log(inner.clock.now()).len()
    };
    let log =
        Log { open: Open::of(shared, job), next: tail.map_or(0, |tail| logged.saturating_sub(tail)), sent: 0, cut };
    futures_util::stream::unfold(log, async |mut log| Some((log.piece().await?, log)))
}

struct Log {
    open: Open,
    /// The first line that was not sent yet.
    next: usize,
    /// How many lines this stream has sent.
    sent: usize,
    cut: Cut,
}

impl Log {
    async fn piece(&mut self) -> Option<String> {
        let Log { open, next, sent, cut } = self;
        let look = |open: &Open| {
            let left = match *cut {
                Cut::None => usize::MAX,
                Cut::Silent(after) | Cut::End(after) => after - *sent,
            };
            match (left, *cut) {
                (0, Cut::End(_)) => return Step::End,
                (0, _) => return Step::Wait(None),
                _ => {}
            }
            let inner = open.shared.lock();
            let now = inner.clock.now();
            let job = &inner.hub.jobs[open.job];
            let log = job.log(now);
            let fresh = &log[(*next).min(log.len())..];
            let fresh = &fresh[..fresh.len().min(left)];
            if fresh.is_empty() {
                return match job.next_change(now) {
                    Some(at) => Step::Wait(inner.clock.wait_until(at)),
                    None => Step::End,
                };
            }
            *next += fresh.len();
            *sent += fresh.len();
            Step::Send(events(fresh))
        };
        open.next(look).await
    }
}

fn events(lines: &[(Moment, String)]) -> String {
    let event = |(at, line): &(Moment, String)| {
        let event = json!({ "data": line, "timestamp": iso(*at) });
        format!("data: {event}\n\n")
    };
    lines.iter().map(event).collect()
}

/// Streams a sample of the job's metrics each second while it runs. As on the Hub, the stream stays open when the
/// job has ended.
pub(crate) fn metrics(shared: Arc<Shared>, job: usize) -> impl futures_util::Stream<Item = String> {
    let metrics = Metrics { open: Open::of(shared, job), due: Moment::MIN };
    futures_util::stream::unfold(metrics, async |mut metrics| Some((metrics.piece().await?, metrics)))
}

struct Metrics {
    open: Open,
    /// When the next sample is taken.
    due: Moment,
}

impl Metrics {
    async fn piece(&mut self) -> Option<String> {
        let Metrics { open, due } = self;
        let look = |open: &Open| {
            let inner = open.shared.lock();
            let now = inner.clock.now();
            let job = &inner.hub.jobs[open.job];
            let wait = |at: Moment| {
                let wait = inner.clock.wait_until(at);
                Step::Wait(wait.map(|wait| wait.max(SHORTEST_SAMPLE)))
            };
            if job.standing(now).stage != "RUNNING" {
                return job.next_change(now).map_or(Step::Wait(None), wait);
            }
            if now < *due {
                return wait(*due);
            }
            *due = now + 1_000;
            Step::Send(format!("event: metric\ndata: {}\n\n", sample(&job.spec.flavor)))
        };
        open.next(look).await
    }
}

/// Makes a sample: a machine that is busy, with as many accelerators as its flavor has.
fn sample(flavor: &str) -> Value {
    let count = hardware::flavor(flavor).map_or(0, hardware::Flavor::accelerators);
    let gpus: serde_json::Map<String, Value> = (0..count)
        .map(|nth| {
            let gpu = json!({
                "utilization": 87,
                "memory_used_bytes": 11_000_000_000_u64,
                "memory_total_bytes": 22_836_000_000_u64,
            });
            (format!("{nth:08x}"), gpu)
        })
        .collect();
    json!({
        "cpu_usage_pct": 42,
        "cpu_millicores": 3_500,
        "memory_used_bytes": 1_306_624,
        "memory_total_bytes": 15_032_385_536_u64,
        "rx_bps": 0,
        "tx_bps": 0,
        "gpus": gpus,
        "replica": "s7and",
    })
}
