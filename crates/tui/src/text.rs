//! What is done to any text before it is drawn: it is made harmless, measured, wrapped and cut.
//!
//! Not here: what a text means. Markdown and diffs have their own files.

mod clean;
mod wrap;

pub use clean::{clean, reveal};
pub use wrap::{LONGEST_LINE, blank, line_width, rule, truncate, width, wrap};
