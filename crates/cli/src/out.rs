//! Writing to standard output, where a reader that has gone away is no error: `remit sessions | head -1`.
//!
//! Not here: what is written.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Writes to standard output; ends the program in silence when nobody reads any more, as other programs do.
pub fn write(text: Arguments<'_>) {
    if let Err(why) = std::io::stdout().write_fmt(text) {
        let status = if why.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(status);
    }
}

/// `println!` for a reader that may go away.
macro_rules! outln {
    () => { $crate::out::write(format_args!("\n")) };
    ($($text:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($text)*))) };
}

/// `print!` for a reader that may go away.
macro_rules! out {
    ($($text:tt)*) => { $crate::out::write(format_args!($($text)*)) };
}

pub(crate) use {out, outln};
