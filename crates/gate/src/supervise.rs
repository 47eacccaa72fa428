//! How a run ends: done, stopped, or panicked. Something always owns the ending.
//!
//! Not here: what the ending does to the record (that is `gate`).

use crate::permit::Done;
use std::future::Future;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The tool ended its permit.
    Done(Done),
    /// The run was told to stop and did not end by itself in time; it was cut off.
    Stopped,
    /// The tool panicked; the text is the panic's message.
    Panicked(String),
}

/// Runs a tool in a task of its own and owns its ending.
///
/// When `stop` fires, the tool, which holds a clone of it, has `grace` to end by itself: to kill its process group, wait
/// for it, and end its permit. After that it is cut off, and its permit dropped.
pub async fn supervise<F>(run: F, stop: CancellationToken, grace: Duration) -> Ended
where
    F: Future<Output = Done> + Send + 'static,
{
    let mut task = tokio::spawn(run);
    let ended = tokio::select! {
        ended = &mut task => ended,
        () = async { stop.cancelled().await; tokio::time::sleep(grace).await } => {
            task.abort();
            task.await
        }
    };
    match ended {
        Ok(done) => Ended::Done(done),
        Err(cut) if cut.is_cancelled() => Ended::Stopped,
        Err(panicked) => Ended::Panicked(message(panicked.into_panic().as_ref())),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}
