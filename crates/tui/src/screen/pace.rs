//! When the screen is drawn: at once for a key, some sixty times a second for what comes by itself, and else not at all.
//!
//! Not here: drawing.

use crate::app::{App, Input, Phase};
use std::time::Duration;

/// How long a frame stands before what the session says draws another.
pub const FRAME: Duration = Duration::from_millis(16);
/// How often the screen looks at the clock while something is about to change within a second.
const SOON: Duration = Duration::from_millis(50);
/// How long it sleeps when nothing will change by itself.
const REST: Duration = Duration::from_secs(3_600);

/// Whether an input may wait for the next frame. What a person does may not: they look for it.
pub fn can_wait(input: &Input) -> bool {
    matches!(input, Input::Event(_) | Input::Shell(_))
}

/// How long to wait for something to happen, before the screen would be another without it.
pub fn rest(app: &App, now_ms: u64) -> Duration {
    if app.pending.is_some() || app.twice.is_some() {
        return SOON;
    }
    if !app.changes_by_itself() {
        return REST;
    }
    // Seconds are counted from when the work began.
    let since = if let Phase::Works(since) = app.phase { since } else { 0 };
    Duration::from_millis(1_000 - now_ms.saturating_sub(since) % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Twice;
    use crate::composer::Composer;

    #[test]
    fn the_screen_wakes_when_a_second_is_over_and_sleeps_when_nothing_goes_on() {
        let mut app = App::new(Composer::new());
        assert_eq!(rest(&app, 5_000), REST);
        app.phase = Phase::Works(1_250);
        assert_eq!(rest(&app, 5_000), Duration::from_millis(250));
        assert_eq!(rest(&app, 5_250), Duration::from_millis(1_000));
        app.twice = Some(Twice::Leave(5_000));
        assert_eq!(rest(&app, 5_250), SOON);
    }
}
