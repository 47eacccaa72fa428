//! Staying with a job until it is over: its stage decides, its log is only told.
//!
//! Not here: what is booked. A log that ends or falls silent says nothing about the job.

use super::api::{Api, ApiError};
use super::job::Job;
use super::log::{LogDecoder, Tail};
use host::scene::Scene;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pause between two looks at the stage, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause before a log that ended too soon is read again; it doubles while nothing new comes.
const RECONNECT: Duration = Duration::from_secs(1);
const LONGEST_RECONNECT: Duration = Duration::from_secs(60);
/// How long the rest of the log may take to arrive when the job is over.
const REST_OF_LOG: Duration = Duration::from_secs(2);
/// How long a job may wait for its hardware, beyond the time it may run, before nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How many times in a row the Hub may fail to say how a job stands: ten minutes or so.
const MOST_FAILURES: u32 = 120;
/// How many times in a row a job may stand in a stage that is not known and be finished all the same.
const MOST_STRANGE: u32 = 4;
/// What is kept of the log for the report.
const LOG_BYTES: usize = 24 * 1024;
const LOG_LINES: usize = 2_000;

/// How it ended to stay with a job.
#[derive(Debug)]
pub(super) enum Followed {
    /// The job is over.
    Over(Job),
    /// The run was told to stop; the job goes on.
    Stopped,
    /// It was given up, for this reason; the job may go on.
    GivenUp(String),
}

/// A job that somebody stays with.
#[derive(Debug)]
pub(super) struct Followee<'a> {
    pub(super) namespace: &'a str,
    pub(super) id: &'a str,
    /// The longest that the job can run, by what was sent.
    pub(super) longest: Duration,
}

/// Stays with a job until it is over, telling its stages and its log as they come; gives back the end of the log too.
pub(super) async fn follow<A>(api: &Api<'_, A>, scene: &Scene, job: Followee<'_>) -> (Followed, String) {
    let tail = Mutex::new(Tail::of(LOG_BYTES, LOG_LINES));
    let (over, is_over) = watch::channel(false);
    let watching = async {
        let followed = watch_stage(api, scene, &job).await;
        over.send_replace(true);
        followed
    };
    let listening = listen(api, scene, &job, (&tail, is_over));
    tokio::pin!(watching, listening);
    let followed = tokio::select! {
        biased;
        followed = &mut watching => followed,
        () = scene.stop.cancelled() => Followed::Stopped,
        () = async { listening.as_mut().await; std::future::pending().await } => unreachable!("it waits for ever"),
    };
    if let Followed::Over(_) = followed {
        // The log is a courtesy: when it does not end by itself soon after the job, the report says what there was.
        tokio::select! {
            () = listening => {}
            () = tokio::time::sleep(REST_OF_LOG) => {}
            () = scene.stop.cancelled() => {}
        }
    }
    let text = locked(&tail).text();
    (followed, text)
}

fn locked(tail: &Mutex<Tail>) -> std::sync::MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for the stage until it is final.
async fn watch_stage<A>(api: &Api<'_, A>, scene: &Scene, followee: &Followee<'_>) -> Followed {
    let path = format!("/api/jobs/{}/{}", followee.namespace, followee.id);
    let deadline = Instant::now() + followee.longest.saturating_add(PATIENCE);
    let (mut pause, mut failures, mut strange, mut stage) = (FIRST_PAUSE, 0, 0, String::new());
    loop {
        match stage_of(api, &path).await {
            Ok(job) => {
                failures = 0;
                if job.stage != stage {
                    scene.progress.say(format!("job {}: {}\n", followee.id, job.stage));
                    stage.clone_from(&job.stage);
                }
                if job.is_over() {
                    return Followed::Over(job);
                }
                strange = if job.is_finished_strangely() { strange + 1 } else { 0 };
            }
            Err(ApiError::Status { status: 401 | 403, says }) => return Followed::GivenUp(says),
            Err(why) => {
                failures += 1;
                if failures >= MOST_FAILURES {
                    return Followed::GivenUp(format!("the Hub does not say how it stands: {why}"));
                }
            }
        }
        if strange >= MOST_STRANGE {
            return Followed::GivenUp(format!("it has finished in a stage that is not known, `{stage}`"));
        }
        if Instant::now() >= deadline {
            return Followed::GivenUp(format!("it is still `{stage}` long after it should have ended"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

async fn stage_of<A>(api: &Api<'_, A>, path: &str) -> Result<Job, ApiError> {
    let found = api.get(path, &[]).await?;
    Job::read(&found.value).ok_or_else(|| ApiError::Rubbish("it is no job".to_owned()))
}

/// Tells the log's lines as they come. A stream that ends before the job does is opened again, and what was told
/// already is skipped: each stream starts from the first line.
async fn listen<A>(
    api: &Api<'_, A>,
    scene: &Scene,
    followee: &Followee<'_>,
    (tail, mut is_over): (&Mutex<Tail>, watch::Receiver<bool>),
) {
    let path = format!("/api/jobs/{}/{}/logs", followee.namespace, followee.id);
    let mut pause = RECONNECT;
    loop {
        let was_over = *is_over.borrow();
        if let Ok(mut stream) = api.stream(&path, &[]).await {
            let (mut decoder, mut place) = (LogDecoder::default(), 0_usize);
            while let Ok(Some(line)) = stream.next().await {
                let Some(line) = decoder.push(&line) else { continue };
                place += 1;
                let mut tail = locked(tail);
                if place > tail.seen() {
                    pause = RECONNECT;
                    let line = api.hub().redacted(&line);
                    scene.progress.say(format!("{line}\n"));
                    tail.push(line);
                }
            }
        }
        if was_over {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = is_over.changed() => {}
        }
        pause = (pause * 2).min(LONGEST_RECONNECT);
    }
}
