//! Parts of the transcript that were laid out, kept while they are used.
//!
//! Not here: laying them out, or which part is seen.

use super::Look;
use ratatui::text::Line;
use std::collections::HashMap;
use std::rc::Rc;

/// How many lines are kept. A screen has some hundred; the rest is for scrolling back and forth.
const MOST_LINES: usize = 20_000;

/// A part laid out.
pub type Laid = Rc<Vec<Line<'static>>>;

/// What a layout was made of; made of the same once more it would be the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamp {
    /// Which version of the cell.
    pub version: u64,
    /// How long the cell's text was then, where the end of it is in this part and may yet grow.
    pub length: usize,
    /// How long what is drawn has been running, in seconds.
    pub seconds: u64,
    /// How it is drawn.
    pub look: Look,
}

/// The layouts of parts, by cell and part. The oldest are forgotten.
#[derive(Debug, Default)]
pub struct Layouts {
    kept: HashMap<(usize, usize), Kept>,
    lines: usize,
    now: u64,
}

#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    laid: Laid,
    used: u64,
}

impl Layouts {
    /// Notes that the screen is drawn once more.
    pub fn begin(&mut self) {
        self.now += 1;
    }

    /// The layout of a part, if it was kept and nothing has changed.
    pub fn get(&mut self, part: (usize, usize), stamp: &Stamp) -> Option<Laid> {
        let kept = self.kept.get_mut(&part).filter(|kept| kept.stamp == *stamp)?;
        kept.used = self.now;
        Some(Rc::clone(&kept.laid))
    }

    /// Keeps the layout of a part.
    pub fn keep(&mut self, part: (usize, usize), stamp: Stamp, laid: &Laid) {
        if let Some(old) = self.kept.remove(&part) {
            self.lines -= cost(&old.laid);
        }
        if self.lines + cost(laid) > MOST_LINES {
            self.forget();
        }
        self.lines += cost(laid);
        self.kept.insert(part, Kept { stamp, laid: Rc::clone(laid), used: self.now });
    }

    /// Forgets what was used longest ago, until half of the room is free. What is on the screen is kept in any case.
    fn forget(&mut self) {
        let mut oldest: Vec<(u64, (usize, usize))> = self.kept.iter().map(|(part, kept)| (kept.used, *part)).collect();
        oldest.sort_unstable();
        for (used, part) in oldest {
            if self.lines <= MOST_LINES / 2 || used == self.now {
                return;
            }
            if let Some(old) = self.kept.remove(&part) {
                self.lines -= cost(&old.laid);
            }
        }
    }

    /// How many lines are kept.
    #[cfg(test)]
    pub fn lines(&self) -> usize {
        self.lines
    }
}

/// What a layout takes: its lines, and one for being there.
fn cost(laid: &Laid) -> usize {
    laid.len() + 1
}
